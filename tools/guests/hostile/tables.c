/* Page tables that map themselves or others, and that change while they are used. */
#include "../runtime/guest.h"

#define FLAGS (PAGE_PRESENT | PAGE_RW)

static u64 data[512] PAGE_ALIGNED;
static u64 window[512] PAGE_ALIGNED;

static void fail(const char *text)
{
    print(text);
    shutdown(SHUTDOWN_crash);
}

/* An L1 that maps itself, read-only: its entries are seen in it, and stores to them are checked. */
FACT(self_map, "l1-maps-itself")
{
    u64 table = entry_address(window, 1) >> 12, slot = entry_address(window, 1) & 4095;
    hypercall(__HYPERVISOR_vm_assist, 0, 2, 0); /* VMASST_TYPE_writable_pagetables */
    if (map(window, table << 12 | PAGE_PRESENT))
        fail("the L1 cannot be seen in itself\n");
    for (u64 n = 0; n < 200000; n++) {
        u64 seen = *(volatile u64 *)((char *)window + slot);
        if ((seen >> 12 & 0xffffffff) != table)
            fail("the L1 shows another entry\n");
        /* The mapping takes itself away and comes back by hypercall. */
        if (n % 64 == 0) {
            *(volatile u64 *)((char *)window + slot) = 0;
            if (map(window, table << 12 | PAGE_PRESENT))
                fail("it does not come back\n");
        }
    }
}

/* Two L1s that map each other, and data by way of each other, changed without end. */
FACT(mutual, "l1s-map-each-other")
{
    u64 *other = new_page();
    u64 first = entry_address(window, 1) >> 12;
    for (u64 n = 0; n < 20000; n++) {
        make_writable(other);
        for (int i = 0; i < 512; i++)
            other[i] = first << 12 | PAGE_PRESENT;
        make_readonly(other);
        if (mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(other), 0))
            fail("the table is not pinned\n");
        if (map(window, mfn_of(other) << 12 | PAGE_PRESENT))
            fail("the table is not mapped\n");
        if (mmuext(MMUEXT_UNPIN_TABLE, mfn_of(other), 0) || map(window, mfn_of(window) << 12 | FLAGS))
            fail("the table is not let go of\n");
    }
}

/* The whole tree pinned again under another root, and thrown away: the validation of all of it without end. */
FACT(rootwork, "roots-without-end")
{
    u64 *root = new_page();
    const u64 *mine = (u64 *)start_info->pt_base;
    for (;;) {
        make_writable(root);
        for (int i = 0; i < 512; i++)
            root[i] = mine[i];
        make_readonly(root);
        if (mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(root), 0) || mmuext(MMUEXT_NEW_BASEPTR, mfn_of(root), 0))
            fail("the root is refused\n");
        if (mmuext(MMUEXT_NEW_BASEPTR, mfn_of(mine), 0) || mmuext(MMUEXT_UNPIN_TABLE, mfn_of(root), 0))
            fail("the root is not let go of\n");
    }
}

/* One L1 used by every entry of an L2, that by every entry of an L3, that by every free one of the L4: 2^36 pages of one frame. */
FACT(wide, "one-page-everywhere")
{
    u64 *level[3] = { new_page(), new_page(), new_page() };
    u64 below = mfn_of(data);
    for (int n = 0; n < 3; n++) {
        for (int i = 0; i < 512; i++)
            level[n][i] = below << 12 | FLAGS;
        make_readonly(level[n]);
        below = mfn_of(level[n]);
    }
    for (;;) {
        for (u64 slot = 1; slot < 256; slot++)
            if (set_entry(entry_address((void *)(slot << 39), 4), below << 12 | FLAGS))
                fail("an entry of the L4 is refused\n");
        for (u64 n = 0; n < 100; n++)
            *(volatile u64 *)(((random64() % 255 + 1) << 39) + (random64() & 0x7ffffffff8)) = n;
        for (u64 slot = 1; slot < 256; slot++)
            if (set_entry(entry_address((void *)(slot << 39), 4), 0))
                fail("an entry of the L4 stays\n");
        if (mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(level[0]), 0) || mmuext(MMUEXT_UNPIN_TABLE, mfn_of(level[0]), 0))
            fail("the L1 is held\n");
    }
}

static void user(void)
{
    for (;;) {
        data[0]++;
        barrier();
        (void)*(volatile u64 *)window;
    }
}

static void retry(struct frame *frame)
{
    /* The store is tried again, as it is or with its page there. */
    (void)frame;
}

/* vCPU 0 takes pages away from under the feet of vCPU 1, makes them tables, and gives them back. */
FACT(feet, "tables-under-the-feet")
{
    on_exception = retry;
    start_vcpu1(user);
    for (;;) {
        u64 frame = mfn_of(window) << 12;
        map(window, 0);
        map(window, frame | PAGE_PRESENT);
        for (int level = 0; level < 4; level++)
            if (mmuext(MMUEXT_PIN_L1_TABLE + level, frame >> 12, 0) || mmuext(MMUEXT_UNPIN_TABLE, frame >> 12, 0))
                fail("an empty page is refused as a table\n");
        map(window, frame | FLAGS);
        map(data, mfn_of(data) << 12 | PAGE_PRESENT);
        map(data, mfn_of(data) << 12 | FLAGS);
    }
}

static u64 counter[8] PAGE_ALIGNED;

static void add(void)
{
    for (int n = 0; n < 300000; n++) {
        __asm__ volatile("lock incq %0" : "+m"(*(u64 *)((char *)counter + 5))::"cc");
        __asm__ volatile("lock incq %0" : "+m"(counter[3])::"cc");
    }
    __atomic_fetch_add(&counter[6], 1, __ATOMIC_SEQ_CST);
}

/* Two vCPUs count in one misaligned word and in an aligned one. */
FACT(locks, "locks-misaligned")
{
    start_vcpu1(add);
    add();
    while (*(volatile u64 *)&counter[6] < 2)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    answer("aligned", counter[3]);
    answer("misaligned", *(u64 *)((char *)counter + 5));
}
