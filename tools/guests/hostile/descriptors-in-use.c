/* When the pages of an LDT are descriptor tables, and how far a trap table goes. Each line is an answer, compared with a Xen's. */
#include "../runtime/guest.h"

#define DATA32 0x00cff3000000fffful

static void load_ldt(void *selector)
{
    __asm__ volatile("mov %0, %%fs\n\tmov %1, %%fs" ::"r"((u32)(u64)selector), "r"(0));
}

static long load(u64 selector) { return attempt(load_ldt, (void *)selector); }

/* Takes the mapping away or changes it, then sees whether the page may be written. */
static long writable(u64 *page)
{
    long rc = make_writable(page);
    make_readonly(page);
    return rc;
}

FACT(ldt_pages, "pages-of-an-ldt")
{
    u64 *ldt = new_page(), *second = new_page(), *alias = new_page(), *gdt = new_page();
    u64 entry = mfn_of(ldt) << 12 | PAGE_PRESENT, own = mfn_of(alias) << 12 | PAGE_PRESENT, frame = mfn_of(gdt);
    (void)second; /* the LDT's second page, which follows the first */
    ldt[0] = second[0] = DATA32;
    make_readonly(ldt);
    make_readonly(second);
    make_readonly(gdt);
    map(alias, entry);
    answer("adjacent", second == ldt + 512);
    answer("set", mmuext(MMUEXT_SET_LDT, (u64)ldt, 1024));
    answer("write-unused", writable(ldt));
    answer("load", load(7));
    answer("load-second", load(512 * 8 + 7));
    answer("write-in-use", writable(ldt));
    answer("write-second-in-use", writable(second));
    /* Any read-only mapping that goes lets go of all pages of all LDTs. */
    answer("unmap-alias", map(alias, own));
    answer("write-after-alias", writable(ldt));
    answer("write-second-after-alias", writable(second));
    answer("load-again", load(7));
    answer("unmap", map(ldt, 0));
    answer("load-unmapped", load(7));
    answer("map-writable", make_writable(ldt));
    answer("load-writable", load(7));
    make_readonly(ldt);
    answer("load-readonly", load(7));
    answer("remap-same", make_readonly(ldt));
    answer("write-after-same", writable(ldt));
    answer("load-third", load(7));
    answer("base-same", mmuext(MMUEXT_NEW_BASEPTR, mfn_of((void *)start_info->pt_base), 0));
    answer("write-after-base", writable(ldt));
    answer("load-fourth", load(7));
    answer("set-same", mmuext(MMUEXT_SET_LDT, (u64)ldt, 1024));
    answer("write-after-set-same", writable(ldt));
    answer("load-fifth", load(7));
    answer("set-shorter", mmuext(MMUEXT_SET_LDT, (u64)ldt, 1));
    answer("write-after-shorter", writable(ldt));
    /* A page of the GDT, unmapped, lets go of those of the LDT too, and stays what it is. */
    answer("load-sixth", load(7));
    answer("set-gdt", hypercall(__HYPERVISOR_set_gdt, (u64)&frame, 512, 0));
    answer("unmap-gdt", map(gdt, 0));
    answer("write-after-gdt", writable(ldt));
    answer("write-gdt", make_writable(gdt));
    answer("no-gdt", hypercall(__HYPERVISOR_set_gdt, 0, 0, 0));
    answer("write-no-gdt", make_writable(gdt));
    answer("drop", mmuext(MMUEXT_SET_LDT, 0, 0));
}

/* Entries up to one with address 0, however many. */
FACT(trap_tables, "trap-tables")
{
    static struct trap_info table[4096 / 16 * 3] PAGE_ALIGNED;
    int most = COUNT(table);
    for (int n = 0; n < most; n++)
        table[n] = (struct trap_info){ (unsigned char)(n < 600 ? 200 : 201), 0, FLAT_CS64, (u64)traps };
    table[most - 1].address = 0;
    answer("long", hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0));
    table[500].address = 1ul << 63;
    answer("bad-late", hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0));
    table[500].address = (u64)traps;
    table[most - 1].address = (u64)traps;
    map((char *)table + sizeof table - PAGE_BYTES, 0);
    answer("unmapped-late", hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0));
    answer("at-the-page", hypercall(__HYPERVISOR_set_trap_table, (u64)&table[511], 0, 0));
    answer("nowhere", hypercall(__HYPERVISOR_set_trap_table, 0x7f0000000000ul, 0, 0));
    answer("in-xen", hypercall(__HYPERVISOR_set_trap_table, MACH2PHYS_VIRT_START, 0, 0));
    answer("not-canonical", hypercall(__HYPERVISOR_set_trap_table, 1ul << 63, 0, 0));
}
