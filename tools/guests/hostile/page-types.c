/*
 * The refusals of direct paging: what a guest may not do to page tables, and what Xen answers. Each line is an answer; the
 * tests compare it with what a Xen 4.17 said.
 */
#include "../runtime/guest.h"

#define FLAGS (PAGE_PRESENT | PAGE_RW)
#define NO_MFN 0xffffffffful /* no host has a frame there */

static u64 data[512] PAGE_ALIGNED; /* an ordinary page, mapped writable */
static u64 *tables[4];             /* those that map `data`, L1 first */

static void *table_of(const void *va, int level)
{
    return page_of(entry_address(va, level) >> 12);
}

static void find_tables(void)
{
    for (int level = 1; level <= 4; level++)
        tables[level - 1] = table_of(data, level);
}

/* A page of zeroes that is mapped read-only: it may become a table. */
static u64 *new_table(void)
{
    u64 *page = new_page();
    make_readonly(page);
    return page;
}

static void set(u64 *table, int slot, u64 value)
{
    make_writable(table);
    table[slot] = value;
    make_readonly(table);
}

FACT(map_refusals, "refused-mappings")
{
    find_tables();
    u64 frame = mfn_of(data) << 12;
    answer("map-data", map(data, frame | FLAGS));
    answer("map-l1-writable", map(data, mfn_of(tables[0]) << 12 | FLAGS));
    answer("map-l2-writable", map(data, mfn_of(tables[1]) << 12 | FLAGS));
    answer("map-l3-writable", map(data, mfn_of(tables[2]) << 12 | FLAGS));
    answer("map-l4-writable", map(data, mfn_of(tables[3]) << 12 | FLAGS));
    answer("map-l4-readonly", map(data, mfn_of(tables[3]) << 12 | PAGE_PRESENT));
    answer("map-pwt", map(data, frame | FLAGS | PAGE_PWT));
    answer("map-pcd", map(data, frame | FLAGS | PAGE_PCD));
    answer("map-pat", map(data, frame | FLAGS | PAGE_PAT));
    answer("map-global", map(data, frame | FLAGS | PAGE_G));
    answer("map-available", map(data, frame | FLAGS | 0xe00));
    answer("map-available-high", map(data, frame | FLAGS | 0x7e0ul << 52));
    answer("map-nx", map(data, frame | FLAGS | PAGE_NX));
    answer("map-no-frame", map(data, NO_MFN << 12 | FLAGS));
    answer("map-frame-of-xen", map(data, (entry_of((void *)MACH2PHYS_VIRT_START, 4) & 0xffffffffff000ul) | PAGE_PRESENT));
    answer("map-absent-with-bits", map(data, 0xdeadbeef000ul | PAGE_PCD));
    answer("map-back", map(data, frame | FLAGS));
    answer("map-no-l1", map((void *)0x7f0000000000ul, frame | FLAGS));
    answer("map-not-canonical", map((void *)(1ul << 48), frame | FLAGS));
    answer("map-in-xen", map((void *)MACH2PHYS_VIRT_START, frame | FLAGS));
    answer("map-shared-info", map(data, start_info->shared_info | FLAGS));
    answer("map-back-again", map(data, frame | FLAGS));
    long rc = hypercall(__HYPERVISOR_update_va_mapping, (u64)data, frame | FLAGS, 1 | 0x7f0000000000ul);
    answer("map-flush-bad-mask", rc);
    answer("map-flush-type-3", hypercall(__HYPERVISOR_update_va_mapping, (u64)data, frame | FLAGS, 3));
    answer("map-flush-unknown", hypercall(__HYPERVISOR_update_va_mapping, (u64)data, frame | FLAGS, 2 | 4));
}

FACT(update_refusals, "refused-updates")
{
    find_tables();
    u64 *spare[4]; /* tables of nothing, by level */
    for (int level = 0; level < 4; level++)
        spare[level] = new_table();
    u64 l1 = entry_address(data, 1), l2 = entry_address((void *)0x40000000ul - 0x200000, 2);
    u64 l3 = entry_address((void *)(500ul << 30), 3), l4 = entry_address((void *)(100ul << 39), 4);
    u64 frame = mfn_of(data) << 12, empty = mfn_of(spare[0]) << 12;
    answer("update-l1", set_entry(l1, frame | FLAGS));
    answer("update-l1-pcd", set_entry(l1, frame | FLAGS | PAGE_PCD));
    answer("update-l1-to-l1-writable", set_entry(l1, mfn_of(tables[0]) << 12 | FLAGS));
    answer("update-l2-to-writable", set_entry(l2, frame | FLAGS));
    answer("update-l2-to-l2", set_entry(l2, mfn_of(tables[1]) << 12 | FLAGS));
    answer("update-l2-to-l3", set_entry(l2, mfn_of(tables[2]) << 12 | FLAGS));
    answer("update-l2-to-l4", set_entry(l2, mfn_of(tables[3]) << 12 | FLAGS));
    answer("update-l2-pse", set_entry(l2, FLAGS | PAGE_PAT));
    answer("update-l2-pcd", set_entry(l2, empty | FLAGS | PAGE_PCD));
    answer("update-l2-pwt", set_entry(l2, empty | FLAGS | PAGE_PWT));
    answer("update-l2-global", set_entry(l2, empty | FLAGS | PAGE_G));
    answer("update-l2-available", set_entry(l2, empty | FLAGS | 0xe00));
    answer("update-l2-to-empty", set_entry(l2, empty | FLAGS));
    answer("update-l2-no-frame", set_entry(l2, NO_MFN << 12 | FLAGS));
    answer("write-of-new-l1", map(spare[0], mfn_of(spare[0]) << 12 | FLAGS));
    answer("update-l2-to-none", set_entry(l2, 0));
    answer("write-of-old-l1", map(spare[0], mfn_of(spare[0]) << 12 | FLAGS));
    answer("update-l3-to-l1", set_entry(l3, mfn_of(tables[0]) << 12 | FLAGS));
    answer("update-l3-to-l3", set_entry(l3, mfn_of(tables[2]) << 12 | FLAGS));
    answer("update-l3-pse", set_entry(l3, FLAGS | PAGE_PAT));
    answer("update-l3-to-empty", set_entry(l3, mfn_of(spare[1]) << 12 | FLAGS));
    answer("update-l3-to-none", set_entry(l3, 0));
    answer("update-l4-to-l1", set_entry(l4, mfn_of(tables[0]) << 12 | FLAGS));
    answer("update-l4-to-writable", set_entry(l4, frame | FLAGS));
    answer("update-l4-to-l2", set_entry(l4, mfn_of(tables[1]) << 12 | FLAGS));
    answer("update-l4-itself-writable", set_entry(l4, mfn_of(tables[3]) << 12 | FLAGS));
    answer("update-l4-itself-readonly", set_entry(l4, mfn_of(tables[3]) << 12 | PAGE_PRESENT));
    answer("update-l4-to-none", set_entry(l4, 0));
    answer("update-l4-pse", set_entry(l4, mfn_of(spare[2]) << 12 | FLAGS | PAGE_PAT));
    answer("update-l4-of-xen", set_entry(entry_address((void *)MACH2PHYS_VIRT_START, 4), mfn_of(spare[2]) << 12 | FLAGS));
    answer("update-l4-of-xen-last", set_entry((l4 & -4096ul) + 271 * 8, 0));
    answer("update-l4-after-xen", set_entry((l4 & -4096ul) + 272 * 8, 0));
    answer("update-plain", set_entry(frame | 8, 0x1234));
    answer("update-plain-did", data[1]);
    answer("update-readonly-page", set_entry(mfn_of(spare[3]) << 12, 0));
    answer("update-no-frame", set_entry(NO_MFN << 12, 0));
    answer("update-shared-info", set_entry(start_info->shared_info + 4088, 0));
    answer("update-command-3", set_entry(l1 | 3, frame | FLAGS));
    answer("update-command-4", set_entry(l1 | 4, frame | FLAGS));
    answer("update-command-7", set_entry(l1 | 7, frame | FLAGS));
    answer("update-preserve", set_entry(l1 | MMU_PT_UPDATE_PRESERVE_AD, frame | FLAGS));
    answer("update-m2p", set_entry(frame | MMU_MACHPHYS_UPDATE, (u64)data / PAGE_BYTES));
    answer("update-m2p-no-frame", set_entry(NO_MFN << 12 | MMU_MACHPHYS_UPDATE, 1));
    struct mmu_update good = { l1, frame | FLAGS };
    answer("update-none", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 0, 0, DOMID_SELF, 0));
    answer("update-no-requests", hypercall5(__HYPERVISOR_mmu_update, 0x7f0000000000ul, 1, 0, DOMID_SELF, 0));
    answer("update-no-done", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0x7f0000000000ul, DOMID_SELF, 0));
    answer("update-domain-io", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, DOMID_IO, 0));
    answer("update-domain-xen", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, DOMID_XEN, 0));
    answer("update-domain-0", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, 0, 0));
    answer("update-domain-none", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, 0x7000, 0));
    answer("update-tables-of-0", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, 1 << 16 | DOMID_SELF, 0));
    answer("update-tables-of-none", hypercall5(__HYPERVISOR_mmu_update, (u64)&good, 1, 0, 0x7001ul << 16 | DOMID_SELF, 0));
}

static void pin(const char *name, int level, const void *page)
{
    long rc = mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(page), 0);
    answer(name, rc);
    if (rc == 0)
        mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0);
}

FACT(pin_refusals, "refused-pins")
{
    find_tables();
    u64 *table = new_table(), *other = new_table();
    u64 frame = mfn_of(data) << 12;
    pin("pin-l1-writable", 1, data);
    pin("pin-l2-writable", 2, data);
    pin("pin-l3-writable", 3, data);
    pin("pin-l4-writable", 4, data);
    static const char *const names[] = { "pin-l1-empty", "pin-l2-empty", "pin-l3-empty", "pin-l4-empty" };
    for (int level = 1; level <= 4; level++) /* each a page of its own: Xen writes its slots into an L4 */
        pin(names[level - 1], level, new_table());
    pin("pin-l1-of-l2", 1, tables[1]);
    pin("pin-l2-of-l1", 2, tables[0]);
    pin("pin-l3-of-l4", 3, tables[3]);
    pin("pin-l4-of-l1", 4, tables[0]);
    answer("pin-l4-twice", mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(tables[3]), 0));
    answer("pin-no-frame", mmuext(MMUEXT_PIN_L1_TABLE, NO_MFN, 0));
    answer("pin-huge-frame", mmuext(MMUEXT_PIN_L1_TABLE, ~0ul, 0));
    answer("pin-shared-info", mmuext(MMUEXT_PIN_L1_TABLE, start_info->shared_info >> 12, 0));
    answer("unpin-not-pinned", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
    answer("unpin-data", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(data), 0));
    answer("unpin-no-frame", mmuext(MMUEXT_UNPIN_TABLE, NO_MFN, 0));
    set(table, 7, frame | FLAGS);
    pin("pin-l1-of-data", 1, table);
    pin("pin-l2-of-data", 2, table);
    set(table, 8, frame | FLAGS | PAGE_PCD);
    pin("pin-l1-pcd", 1, table);
    set(table, 8, NO_MFN << 12 | FLAGS);
    pin("pin-l1-no-frame", 1, table);
    set(table, 8, mfn_of(tables[0]) << 12 | FLAGS);
    pin("pin-l1-maps-l1-writable", 1, table);
    set(table, 8, mfn_of(table) << 12 | FLAGS);
    pin("pin-l1-maps-itself-writable", 1, table);
    set(table, 8, mfn_of(table) << 12 | PAGE_PRESENT);
    pin("pin-l1-maps-itself-readonly", 1, table);
    set(table, 8, 0);
    set(table, 7, mfn_of(other) << 12 | FLAGS);
    pin("pin-l2-of-empty", 2, table);
    set(table, 7, mfn_of(table) << 12 | FLAGS);
    pin("pin-l2-of-itself", 2, table);
    set(table, 7, 0);
    u64 *root = new_table();
    set(root, 7, mfn_of(root) << 12 | FLAGS);
    pin("pin-l4-of-itself", 4, root);
    set(root, 7, 0);
    set(table, 7, mfn_of(other) << 12 | FLAGS | PAGE_PAT);
    pin("pin-l2-pse", 2, table);
    pin("pin-l3-pse", 3, table);
    set(table, 7, 0);
    set(root, 256, frame | FLAGS);
    pin("pin-l4-slot-of-xen", 4, root);
    make_writable(table);
    pin("pin-l1-mapped-writable", 1, table);
    make_readonly(table);
    answer("pin-l1", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
    answer("pin-l1-again", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
    answer("pin-l1-as-l2", mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(table), 0));
    answer("write-pinned", make_writable(table));
    answer("clear-pinned", mmuext(MMUEXT_CLEAR_PAGE, mfn_of(table), 0));
    answer("copy-to-pinned", mmuext(MMUEXT_COPY_PAGE, mfn_of(table), mfn_of(data)));
    answer("clear-no-frame", mmuext(MMUEXT_CLEAR_PAGE, NO_MFN, 0));
    answer("copy-from-no-frame", mmuext(MMUEXT_COPY_PAGE, mfn_of(data), NO_MFN));
    answer("copy-from-pinned", mmuext(MMUEXT_COPY_PAGE, mfn_of(data), mfn_of(table)));
    answer("clear-data", mmuext(MMUEXT_CLEAR_PAGE, mfn_of(data), 0));
    answer("base-of-l1", mmuext(MMUEXT_NEW_BASEPTR, mfn_of(table), 0));
    answer("base-of-data", mmuext(MMUEXT_NEW_BASEPTR, mfn_of(data), 0));
    answer("base-no-frame", mmuext(MMUEXT_NEW_BASEPTR, NO_MFN, 0));
    answer("user-base-of-l1", mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(table), 0));
    answer("user-base-no-frame", mmuext(MMUEXT_NEW_USER_BASEPTR, NO_MFN, 0));
    answer("user-base-same", mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(tables[3]), 0));
    answer("user-base-none", mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
    answer("base-same", mmuext(MMUEXT_NEW_BASEPTR, mfn_of(tables[3]), 0));
    answer("unpin-l1", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
    answer("unpin-l1-again", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
    answer("write-unpinned", make_writable(table));
    answer("ldt-misaligned", mmuext(MMUEXT_SET_LDT, (u64)data + 8, 1));
    answer("ldt-too-long", mmuext(MMUEXT_SET_LDT, (u64)data, 8193));
    answer("ldt-in-xen", mmuext(MMUEXT_SET_LDT, MACH2PHYS_VIRT_START, 1));
    answer("ldt-none", mmuext(MMUEXT_SET_LDT, 0, 0));
    struct mmuext_op flush = { MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 0 };
    answer("ops-no-done", hypercall5(__HYPERVISOR_mmuext_op, (u64)&flush, 1, 0x7f0000000000ul, DOMID_SELF, 0));
    answer("ops-none", hypercall5(__HYPERVISOR_mmuext_op, (u64)&flush, 0, 0, DOMID_SELF, 0));
    answer("ops-nowhere", hypercall5(__HYPERVISOR_mmuext_op, 0x7f0000000000ul, 1, 0, DOMID_SELF, 0));
    answer("ops-of-0", hypercall5(__HYPERVISOR_mmuext_op, (u64)&flush, 1, 0, 0, 0));
    answer("ops-of-none", hypercall5(__HYPERVISOR_mmuext_op, (u64)&flush, 1, 0, 0x7000, 0));
    answer("flush-cache", mmuext(12, 0, 0));
    answer("flush-cache-global", mmuext(18, 0, 0));
    answer("mark-super", mmuext(19, mfn_of(data), 0));
    answer("unmark-super", mmuext(20, mfn_of(data), 0));
    answer("unknown-14", mmuext(14, 0, 0));
    answer("unknown-21", mmuext(21, 0, 0));
    answer("flush-mask-nowhere", mmuext(8, 0, 0x7f0000000000ul));
    answer("invlpg-mask-nowhere", mmuext(9, (u64)data, 0x7f0000000000ul));
    answer("invlpg-not-canonical", mmuext(7, 1ul << 48, 0));
}

static long set_gdt(const void *page, u64 entries)
{
    u64 frame = mfn_of(page);
    return hypercall(__HYPERVISOR_set_gdt, (u64)&frame, entries, 0);
}

static long descriptor(const void *at, u64 value)
{
    u64 machine = mfn_of((void *)((u64)at & -4096ul)) << 12 | ((u64)at & 4095);
    return hypercall(__HYPERVISOR_update_descriptor, machine, value, 0);
}

#define CODE64 0x00affb000000fffful
#define TSS 0x0000890000000067ul
#define GATE 0x0000ec00e0330000ul /* a call gate to 0xe033:0 */

FACT(descriptor_refusals, "refused-descriptors")
{
    find_tables();
    u64 *gdt = new_table();
    u64 nowhere[2] = { NO_MFN, NO_MFN };
    answer("gdt-too-long", set_gdt(gdt, 7169));
    answer("gdt-writable", set_gdt(data, 8));
    answer("gdt-no-frame", hypercall(__HYPERVISOR_set_gdt, (u64)nowhere, 8, 0));
    answer("gdt-no-list", hypercall(__HYPERVISOR_set_gdt, 0x7f0000000000ul, 8, 0));
    answer("gdt-of-l1", set_gdt(tables[0], 8));
    answer("gdt-of-empty", set_gdt(gdt, 8));
    answer("gdt-write", make_writable(gdt));
    answer("gdt-as-l1", mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(gdt), 0));
    answer("gdt-clear", mmuext(MMUEXT_CLEAR_PAGE, mfn_of(gdt), 0));
    answer("gdt-descriptor", descriptor(gdt + 1, CODE64));
    answer("gdt-descriptor-tss", descriptor(gdt + 2, TSS));
    answer("gdt-descriptor-ldt", descriptor(gdt + 2, 0x0000820000000067ul));
    answer("gdt-descriptor-gate", descriptor(gdt + 2, GATE));
    answer("gdt-descriptor-interrupt-gate", descriptor(gdt + 2, 0x00008e00e0330000ul));
    answer("gdt-descriptor-absent", descriptor(gdt + 2, 0x0000090000000067ul));
    answer("gdt-descriptor-misaligned", descriptor((char *)gdt + 4, CODE64));
    answer("gdt-none", hypercall(__HYPERVISOR_set_gdt, 0, 0, 0));
    answer("gdt-write-old", make_writable(gdt));
    gdt[5] = TSS;
    make_readonly(gdt);
    answer("gdt-with-tss", set_gdt(gdt, 8));
    set(gdt, 5, GATE);
    answer("gdt-with-gate", set_gdt(gdt, 8));
    answer("gdt-none-again", hypercall(__HYPERVISOR_set_gdt, 0, 0, 0));
    answer("descriptor-in-data", descriptor(data, CODE64));
    answer("descriptor-in-l1", descriptor(tables[0], CODE64));
    answer("descriptor-no-frame", hypercall(__HYPERVISOR_update_descriptor, NO_MFN << 12, CODE64, 0));
}

static void store(void *what)
{
    u64 *at = ((u64 **)what)[0];
    *(volatile u64 *)at = ((u64 *)what)[1];
}

static void emulated(const char *name, u64 *table, u64 offset, u64 value)
{
    u64 what[2] = { (u64)table + offset, value };
    answer(name, attempt(store, what));
}

static void swap_segments(void *unused)
{
    (void)unused;
    __asm__ volatile("push %%fs\n\tpop %%fs\n\tpush %%gs\n\tpop %%gs" ::: "memory");
}

static void load_ldt(void *selector)
{
    __asm__ volatile("mov %0, %%fs\n\tmov %1, %%fs" ::"r"((u32)(u64)selector), "r"(0));
}

static long decrease(const void *page)
{
    u64 frame = mfn_of(page);
    struct xen_memory_reservation reservation = { (u64)&frame, 1, 0, 0, DOMID_SELF };
    return hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&reservation, 0);
}

FACT(store_refusals, "refused-stores")
{
    find_tables();
    u64 frame = mfn_of(data) << 12, slot = entry_address(data, 1) & 4095;
    emulated("store-l1-unasked", tables[0], slot, frame | FLAGS);
    answer("ask-for-stores", hypercall(__HYPERVISOR_vm_assist, 0, 2, 0));
    emulated("store-l1", tables[0], slot, frame | FLAGS);
    emulated("store-l1-pcd", tables[0], slot, frame | FLAGS | PAGE_PCD);
    emulated("store-l1-to-l1-writable", tables[0], slot, mfn_of(tables[0]) << 12 | FLAGS);
    emulated("store-l1-no-frame", tables[0], slot, NO_MFN << 12 | FLAGS);
    emulated("store-l1-misaligned", tables[0], slot + 4, 0);
    emulated("store-l2", tables[1], 4088, 0);
    emulated("store-l3", tables[2], 4088, 0);
    emulated("store-l4", tables[3], 4088, 0);
    emulated("store-m2p", (u64 *)MACH2PHYS_VIRT_START, mfn_of(data) * 8, 0);
    answer("segments-on-the-stack", attempt(swap_segments, 0));
    answer("ldt-of-data", mmuext(MMUEXT_SET_LDT, (u64)data, 1));
    answer("ldt-writable-load", attempt(load_ldt, (void *)7));
    u64 *ldt = new_page();
    ldt[0] = 0x00cff3000000fffful;
    make_readonly(ldt);
    answer("ldt-of-readonly", mmuext(MMUEXT_SET_LDT, (u64)ldt, 1));
    answer("ldt-readonly-load", attempt(load_ldt, (void *)7));
    answer("ldt-write-in-use", make_writable(ldt));
    answer("ldt-drop", mmuext(MMUEXT_SET_LDT, 0, 0));
    answer("ldt-write-dropped", make_writable(ldt));
    answer("decrease-l1", decrease(tables[0]));
    answer("decrease-l4", decrease(tables[3]));
    u64 *unmapped = new_page();
    u64 mfn = mfn_of(unmapped);
    answer("unmap", map(unmapped, 0));
    answer("decrease-unmapped", decrease(unmapped));
    answer("map-given-up", map(unmapped, mfn << 12 | FLAGS));
    answer("decrease-given-up", decrease(unmapped));
    answer("pin-given-up", mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0));
}
