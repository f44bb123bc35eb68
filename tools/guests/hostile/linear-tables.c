/*
 * Linear page tables: entries that name tables of their own level, so that a guest sees its tables as data. Each line is an
 * answer; the tests compare it with what a Xen 4.17 said.
 */
#include "../runtime/guest.h"

#define FLAGS (PAGE_PRESENT | PAGE_RW)
#define SLOT 300 /* of the L4: nothing is there, and it is after Xen's */

static u64 data[512] PAGE_ALIGNED;
static char name[64];

static const char *named(int level, const char *what)
{
    int at = 0;
    name[at++] = 'l';
    name[at++] = (char)('0' + level);
    name[at++] = '-';
    while (*what)
        name[at++] = *what++;
    name[at] = 0;
    return name;
}

static long entry(const u64 *table, int slot, const u64 *target, u64 flags)
{
    return set_entry(mfn_of(table) << 12 | (u64)slot * 8, target ? mfn_of(target) << 12 | flags : 0);
}

static u64 *pinned(int level)
{
    u64 *page = new_page();
    make_readonly(page);
    if (level && mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(page), 0))
        shutdown(SHUTDOWN_crash);
    return page;
}

static void poke(u64 *page, int slot, const u64 *target, u64 flags)
{
    make_writable(page);
    page[slot] = mfn_of(target) << 12 | flags;
    make_readonly(page);
}

static void of_level(int level)
{
    u64 *a = pinned(level), *b = pinned(level), *c = pinned(level), *loose = pinned(0);
#define SAY(what, result) answer(named(level, what), result)
    SAY("itself", entry(a, 0, a, PAGE_PRESENT));
    SAY("itself-writable", entry(a, 0, a, FLAGS));
    SAY("itself-user", entry(a, 0, a, PAGE_PRESENT | PAGE_USER));
    SAY("itself-global", entry(a, 0, a, PAGE_PRESENT | PAGE_G));
    SAY("other-writable", entry(a, 1, b, FLAGS));
    SAY("other-global", entry(a, 1, b, PAGE_PRESENT | PAGE_G));
    SAY("other", entry(a, 1, b, PAGE_PRESENT));
    SAY("other-made-writable", entry(a, 1, b, FLAGS));
    SAY("other-user", entry(a, 1, b, PAGE_PRESENT | PAGE_USER));
    SAY("other-nx", entry(a, 1, b, PAGE_PRESENT | PAGE_NX));
    SAY("other-twice", entry(a, 2, b, PAGE_PRESENT));
    SAY("named-names", entry(b, 0, c, PAGE_PRESENT));
    SAY("named-names-back", entry(b, 0, a, PAGE_PRESENT));
    SAY("named-itself", entry(b, 0, b, PAGE_PRESENT));
    SAY("naming-is-named", entry(c, 0, a, PAGE_PRESENT));
    SAY("named-by-a-third", entry(c, 0, b, PAGE_PRESENT));
    SAY("named-unpin", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(b), 0));
    SAY("named-map-writable", make_writable(b));
    SAY("named-pin", mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(b), 0));
    SAY("named-pin-lower", mmuext(MMUEXT_PIN_L1_TABLE + level - 2, mfn_of(b), 0));
    SAY("drop", entry(a, 1, 0, 0));
    SAY("drop-twice", entry(a, 2, 0, 0));
    SAY("drop-third", entry(c, 0, 0, 0));
    SAY("drop-itself", entry(b, 0, 0, 0));
    SAY("now-names", entry(b, 0, c, PAGE_PRESENT));
    poke(loose, 0, b, PAGE_PRESENT);
    SAY("pin-names-naming", mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(loose), 0));
    poke(loose, 0, c, PAGE_PRESENT);
    poke(loose, 1, loose, PAGE_PRESENT);
    SAY("pin-names", mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(loose), 0));
    SAY("pinned-is-named", entry(a, 1, loose, PAGE_PRESENT));
    SAY("unpin", mmuext(MMUEXT_UNPIN_TABLE, mfn_of(loose), 0));
    SAY("unpinned-writable", make_writable(loose));
    make_readonly(loose);
    SAY("no-table-yet", entry(a, 1, loose, PAGE_PRESENT));
    SAY("lower-made-writable", entry(a, 1, loose, FLAGS));
    SAY("lower-made-readonly", entry(a, 1, loose, PAGE_PRESENT));
    SAY("drop-lower", entry(a, 1, 0, 0));
}

FACT(linear_refusals, "refused-linear-tables")
{
    for (int level = 2; level <= 4; level++)
        of_level(level);
}

/* Where a root that names itself in SLOT shows the entry that maps `va` at a level. */
static volatile u64 *shown(const void *va, int level)
{
    u64 at = (u64)va & 0xfffffffffffful;
    for (int n = 0; n < level; n++)
        at = (u64)SLOT << 39 | (at >> 9 & 0x7ffffffff8ul);
    return (volatile u64 *)(at | 0xfffful << 48);
}

static void store(void *at) { *(volatile u64 *)at = 0; }

/* All tables are seen by the root's own entry, as they are and as they change, and cannot be written by it. */
FACT(linear_view, "root-names-itself")
{
    u64 root = start_info->pt_base, at = mfn_of((void *)root) << 12 | SLOT * 8, frame = mfn_of(data) << 12;
    hypercall(__HYPERVISOR_vm_assist, 0, 2, 0); /* VMASST_TYPE_writable_pagetables */
    answer("name", set_entry(at, mfn_of((void *)root) << 12 | PAGE_PRESENT));
    for (int level = 1; level <= 4; level++) {
        answer(named(level, "shown"), (*shown(data, level) ^ entry_of(data, level)) >> 12 == 0);
        answer(named(level, "store"), attempt(store, (void *)shown(data, level)));
    }
    u64 wrong = 0;
    for (u64 n = 0; n < 20000; n++) {
        map(data, frame | (n & 1 ? FLAGS : PAGE_PRESENT));
        wrong += (*shown(data, 1) >> 1 & 1) != (n & 1);
    }
    answer("wrong", (long)wrong);
    answer("unname", set_entry(at, 0));
    mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
    answer("store-after", attempt(store, (void *)shown(data, 1)));
}
