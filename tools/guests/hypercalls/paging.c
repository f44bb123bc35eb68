/* mmu_update, mmuext_op, update_va_mapping: what direct paging refuses. The guest stays on the tables it was built with. */
#include "guest.h"

struct update { u64 ptr, val; };
struct ext { u32 cmd; u64 arg1, arg2; };

static u64 spare[512] __attribute__((aligned(4096)));
static u64 table1[512] __attribute__((aligned(4096)));
static u64 table2[512] __attribute__((aligned(4096)));
static u64 table3[512] __attribute__((aligned(4096)));
static u64 table4[512] __attribute__((aligned(4096)));

static long update(u64 ptr, u64 val)
{
    struct update u = { ptr, val };
    return CALL(mmu_update, &u, 1, 0, DOMID_SELF);
}

static long ext(u32 cmd, u64 arg1, u64 arg2)
{
    struct ext e = { cmd, arg1, arg2 };
    return CALL(mmuext_op, &e, 1, 0, DOMID_SELF);
}

static long map(void *at, u64 entry)
{
    return CALL(update_va_mapping, at, entry, 2);
}

static long protect(void *at, u64 flags)
{
    return map(at, MFN(at) << 12 | flags);
}

static void entries(void)
{
    u64 mine = MFN(spare) << 12, root = MFN(start->pt_base) << 12;
    report("update_va_mapping read-only", map(spare, mine | PRESENT));
    report("update_va_mapping writable", map(spare, mine | PRESENT | RW));
    report("update_va_mapping a page table writable", map(spare, root | PRESENT | RW));
    report("update_va_mapping a page table read-only", map(spare, root | PRESENT));
    report("update_va_mapping no frame", map(spare, 1ul << 45 | PRESENT));
    report("update_va_mapping frame 0", map(spare, PRESENT));
    report("update_va_mapping not present", map(spare, 0x123456000));
    report("update_va_mapping back", map(spare, mine | PRESENT | RW));
    for (u32 bit = 0; bit < 12; bit++)
        report_cmd("update_va_mapping with bit", bit, map(spare, mine | PRESENT | RW | 1u << bit));
    for (u32 bit = 52; bit < 64; bit++)
        report_cmd("update_va_mapping with bit", bit, map(spare, mine | PRESENT | RW | 1ul << bit));
    report("update_va_mapping at an address without a table", map((void *)UNMAPPED, mine | PRESENT));
    report("update_va_mapping at a hypervisor address", map((void *)HYPERVISOR, mine | PRESENT));
    report("update_va_mapping at an address that is not canonical", map((void *)NONCANONICAL, mine | PRESENT));
    report("update_va_mapping flush type 3", CALL(update_va_mapping, spare, mine | PRESENT | RW, 3));
    report("update_va_mapping with an unmapped bitmap", CALL(update_va_mapping, spare, mine | PRESENT | RW, UNMAPPED | 1));
    report("update_va_mapping_otherdomain itself", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, DOMID_SELF));
    report("update_va_mapping_otherdomain domain 0", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, 0));
    report("update_va_mapping_otherdomain nobody", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, NOBODY));
    report("update_va_mapping_otherdomain DOMID_IO", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, DOMID_IO));
    report("update_va_mapping_otherdomain DOMID_XEN", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, DOMID_XEN));
    report("update_va_mapping_otherdomain DOMID_INVALID", CALL(update_va_mapping_otherdomain, spare, mine | PRESENT | RW, 0, DOMID_INVALID));
    report("and back", map(spare, mine | PRESENT | RW));
}

static void updates(void)
{
    u64 mine = MFN(spare) << 12;
    struct update u[3] = { { mine, 1 }, { 1ul << 45, 1 }, { mine + 8, 1 } };
    u32 done = 77;
    report("mmu_update 3, the second of no frame", CALL(mmu_update, u, 3, &done, DOMID_SELF));
    and("done", done);
    report("mmu_update none", CALL(mmu_update, u, 0, &done, DOMID_SELF));
    and("done", done);
    report("mmu_update from an unmapped list", CALL(mmu_update, UNMAPPED, 1, &done, DOMID_SELF));
    and("done", done);
    report("mmu_update, done to an unmapped place", CALL(mmu_update, u, 1, UNMAPPED, DOMID_SELF));
    report("mmu_update a plain page", update(mine + 16, 55));
    and("value", spare[2]);
    report("mmu_update misaligned", update(mine + 20, 55));
    report("mmu_update machphys", update(mine | 1, mfn(0) ? 77 : 0));
    and("M2P", ((u64 *)0xffff800000000000ul)[mine >> 12]);
    update(mine | 1, (u64)spare / PAGE);
    report("mmu_update machphys of no frame", update(1ul << 45 | 1, 5));
    report("mmu_update command 3", update(mine | 3, 5));
    report("mmu_update for domain 0", CALL(mmu_update, u, 1, 0, 0));
    report("mmu_update for nobody", CALL(mmu_update, u, 1, 0, NOBODY));
    report("mmu_update for DOMID_IO", CALL(mmu_update, u, 1, 0, DOMID_IO));
    report("mmu_update for DOMID_XEN", CALL(mmu_update, u, 1, 0, DOMID_XEN));
    report("mmu_update in tables of domain 0", CALL(mmu_update, u, 1, 0, DOMID_SELF | 1u << 16));
    report("mmu_update in tables of nobody", CALL(mmu_update, u, 1, 0, DOMID_SELF | (NOBODY + 1u) << 16));
    report("mmu_update of shared_info", update(start->shared_info, 0x100)); /* the upcall mask stays set */
    u64 root = MFN(start->pt_base) << 12;
    for (u32 slot = 255; slot < 273; slot += slot == 257 ? 13 : 1)
        report_cmd("mmu_update of root slot", slot, update(root + slot * 8, 0));
}

static void tables(void)
{
    u64 f1 = MFN(table1) << 12, f2 = MFN(table2) << 12, f3 = MFN(table3) << 12, f4 = MFN(table4) << 12;
    report("pin a writable page", ext(0, f1 >> 12, 0));
    report("protect", protect(table1, PRESENT) | protect(table2, PRESENT) | protect(table3, PRESENT) | protect(table4, PRESENT));
    report("pin no frame", ext(0, 1ul << 40, 0));
    report("pin frame -1", ext(0, -1, 0));
    report("unpin what is not pinned", ext(4, f1 >> 12, 0));
    report("pin L1", ext(0, f1 >> 12, 0));
    report("pin L1 again", ext(0, f1 >> 12, 0));
    report("pin it as L2", ext(1, f1 >> 12, 0));
    report("map a table writable", protect(table1, PRESENT | RW));
    report("unpin L1", ext(4, f1 >> 12, 0));
    report("unpin L1 again", ext(4, f1 >> 12, 0));
    report("map it writable now", protect(table1, PRESENT | RW));
    table1[0] = 1ul << 45 | PRESENT;
    report("an entry of no frame: protect", protect(table1, PRESENT));
    and("pin", ext(0, f1 >> 12, 0));
    protect(table1, PRESENT | RW);
    table1[0] = f2 | PRESENT | RW;
    protect(table1, PRESENT);
    report("pin L1 with a writable mapping of a plain page", ext(0, f1 >> 12, 0));
    report("write its entry through mmu_update", update(f1, f3 | PRESENT | RW));
    report("pin L2 of a page mapped writable elsewhere", ext(1, f3 >> 12, 0));
    report("clear its entry", update(f1, 0));
    report("an entry that maps the table itself writable", update(f1, f1 | PRESENT | RW));
    report("an entry that maps the table itself read-only", update(f1, f1 | PRESENT));
    report("clear its entry again", update(f1, 0));
    for (u32 bit = 2; bit < 12; bit++)
        report_cmd("L1 entry with bit", bit, update(f1, f2 | PRESENT | 1u << bit));
    update(f1, 0);
    report("pin L2", ext(1, f2 >> 12, 0));
    for (u32 bit = 1; bit < 12; bit++)
        report_cmd("L2 entry with bit", bit, update(f2, f1 | PRESENT | 1u << bit));
    report("L2 entry to itself, writable", update(f2 + 8, f2 | PRESENT | RW));
    report("L2 entry to itself, read-only", update(f2 + 8, f2 | PRESENT));
    update(f2 + 8, 0);
    report("L2 entry to a plain page that is mapped writable", update(f2 + 8, MFN(spare) << 12 | PRESENT | RW));
    report("L2 entry to the root", update(f2 + 8, MFN(start->pt_base) << 12 | PRESENT | RW));
    report("L2 entry of no frame", update(f2 + 8, 1ul << 45 | PRESENT | RW));
    report("pin L3", ext(2, f3 >> 12, 0));
    for (u32 bit = 1; bit < 12; bit++)
        report_cmd("L3 entry with bit", bit, update(f3, f2 | PRESENT | 1u << bit));
    report("L3 entry to itself, read-only", update(f3 + 8, f3 | PRESENT));
    update(f3 + 8, 0);
    report("pin L4", ext(3, f4 >> 12, 0));
    for (u32 bit = 1; bit < 12; bit++)
        report_cmd("L4 entry with bit", bit, update(f4, f3 | PRESENT | 1u << bit));
    report("L4 entry to itself, writable", update(f4 + 8, f4 | PRESENT | RW));
    report("L4 entry to itself, read-only", update(f4 + 8, f4 | PRESENT));
    and("present", table4[1] & 1);
    report("L4 entry to the other root, read-only", update(f4 + 16, MFN(start->pt_base) << 12 | PRESENT));
    report("slot 256 of the new root is Xen's", table4[256] & 1);
    report("slot 272", update(f4 + 272 * 8, f3 | PRESENT | RW));
    report("new user root", ext(15, f4 >> 12, 0));
    report("unpin the user root in use", ext(4, f4 >> 12, 0));
    report("new user root 0", ext(15, 0, 0));
    report("pin L4 again", ext(3, f4 >> 12, 0));
    report("new root of a plain page", ext(5, MFN(spare), 0));
    report("new root of no frame", ext(5, 1ul << 40, 0));
    report("new user root of an L3", ext(15, f3 >> 12, 0));
    report("new root, the same", ext(5, MFN(start->pt_base), 0));
    report("unpin L4", ext(4, f4 >> 12, 0));
    report("unpin L3, L2, L1", ext(4, f3 >> 12, 0) | ext(4, f2 >> 12, 0) | ext(4, f1 >> 12, 0));
    report("all writable again", protect(table1, PRESENT | RW) | protect(table2, PRESENT | RW) | protect(table3, PRESENT | RW) | protect(table4, PRESENT | RW));
}

static void operations(void)
{
    u64 mask = 1;
    struct ext e[3] = { { 6, 0, 0 }, { 99, 0, 0 }, { 6, 0, 0 } };
    u32 done = 77;
    for (u32 cmd = 6; cmd < 24; cmd++) {
        if (cmd == 13 || cmd == 15 || cmd == 16 || cmd == 17)
            continue;
        report_cmd("mmuext_op", cmd, ext(cmd, (u64)spare, (u64)&mask));
    }
    report("mmuext_op 8 of an unmapped mask", ext(8, 0, UNMAPPED));
    report("mmuext_op 9 of an unmapped mask", ext(9, (u64)spare, UNMAPPED));
    report("invlpg of an address that is not canonical", ext(7, NONCANONICAL, 0));
    report("mmuext_op 3, the second unknown", CALL(mmuext_op, e, 3, &done, DOMID_SELF));
    and("done", done);
    report("mmuext_op none", CALL(mmuext_op, e, 0, &done, DOMID_SELF));
    report("mmuext_op from an unmapped list", CALL(mmuext_op, UNMAPPED, 1, 0, DOMID_SELF));
    report("mmuext_op for domain 0", CALL(mmuext_op, e, 1, 0, 0));
    report("mmuext_op for nobody", CALL(mmuext_op, e, 1, 0, NOBODY));
    report("mmuext_op for DOMID_IO", CALL(mmuext_op, e, 1, 0, DOMID_IO));
    spare[7] = 9;
    report("clear_page of a mapped page", ext(16, MFN(spare), 0));
    and("word", spare[7]);
    report("clear_page of a page table", ext(16, MFN(start->pt_base), 0));
    report("clear_page of no frame", ext(16, 1ul << 40, 0));
    spare[7] = 9;
    report("copy_page", ext(17, MFN(table1), MFN(spare)));
    and("word", table1[7]);
    report("copy_page from a page table", ext(17, MFN(table1), MFN(start->pt_base)));
    report("copy_page to a page table", ext(17, MFN(start->pt_base), MFN(spare)));
    report("copy_page from no frame", ext(17, MFN(table1), 1ul << 40));
    report("set_ldt misaligned", ext(13, 8, 1));
    report("set_ldt of 8193", ext(13, (u64)spare, 8193));
    report("set_ldt of 8192", ext(13, (u64)spare, 8192));
    report("set_ldt at a hypervisor address", ext(13, HYPERVISOR, 8));
    report("set_ldt at an address that is not canonical", ext(13, NONCANONICAL, 8));
    report("set_ldt of none", ext(13, 0, 0));
    report("set_ldt of 2^32", ext(13, 0, 1ul << 32));
}

void paging(void)
{
    entries();
    updates();
    tables();
    operations();
}
