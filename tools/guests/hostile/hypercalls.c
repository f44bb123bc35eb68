/* Hypercalls with arguments that no guest would give. */
#include "../runtime/guest.h"

/* What is written past the ends of these pages hits nothing else. */
static u64 area[9][512] PAGE_ALIGNED;
#define page area[1]
#define readonly area[4]
#define absent area[7]

/* Ends of the guest's own making; what else changes the world under its feet is allowed. */
static int would_end(u64 nr, u64 a)
{
    u32 cmd = a;
    if (nr == __HYPERVISOR_iret)
        return 1;
    if (nr == __HYPERVISOR_sched_op)
        return cmd == SCHEDOP_block || cmd == SCHEDOP_shutdown || cmd == SCHEDOP_poll || cmd == SCHEDOP_watchdog || cmd == 5;
    /* What this very loop lives of: its handlers, its stack and pages, and the areas that Xen writes to at any time. */
    if (nr == __HYPERVISOR_vcpu_op)
        return cmd == VCPUOP_down || cmd == 5 || cmd == 10 || cmd == 13;
    if (nr == __HYPERVISOR_update_va_mapping || nr == 22)
        return a - 0x100000 < 0x800000;
    return nr == __HYPERVISOR_stack_switch || nr == __HYPERVISOR_set_trap_table || nr == __HYPERVISOR_callback_op;
}

static u64 random_argument(void)
{
    u64 any = random64();
    switch (any % 16) {
    case 0: return any >> 56;
    case 1: return any >> 8 & 31;
    case 2: return ~(any >> 58);
    case 3: return (u64)page + (any >> 8) % 4096;
    case 4: return (u64)page + 4096 - (any >> 8) % 32;
    case 5: return (u64)readonly + (any >> 8) % 4096;
    case 6: return (u64)absent + (any >> 8) % 4096;
    case 7: return (u64)absent - (any >> 8) % 64;
    case 8: return (u64)__builtin_frame_address(0) - 4096 - (any >> 8) % 128;
    case 9: return start_info->pt_base + (any >> 8) % 16384;
    case 10: return MACH2PHYS_VIRT_START + (any >> 8) % 65536;
    case 11: return 1ul << (any >> 8 & 63);
    case 12: return 0x7ff0 + (any >> 8 & 3);
    case 13: return mfn_of(page) << 12 | (any >> 8 & 0xfff);
    case 14: return any & 0x8000000000000000ul ? ~0ul : 0;
    default: return any;
    }
}

/* What structures the pointers find. */
static void fill_page(void)
{
    for (u64 i = 0; i < COUNT(page); i++)
        page[i] = random_argument() ^ (random64() % 4 ? 0 : random_argument() << 32);
}

static void call_at_random(void *unused)
{
    (void)unused;
    u64 nr = random64() % 64 ? random64() % 48 : random64();
    u64 a = random_argument();
    if (nr == __HYPERVISOR_multicall || would_end(nr, a))
        return;
    hypercall5(nr, a, random_argument(), random_argument(), random_argument(), random_argument());
}

static void hypercalls_for_ever(void (*act)(void *))
{
    print("seed: ");
    print_number(seed);
    print("\n");
    make_readonly(readonly);
    map(absent, 0);
    for (u64 n = 1;; n++) {
        if (n % 64 == 0)
            fill_page();
        attempt(act, 0);
        if (n % (1 << 18) == 0)
            answer("calls", n);
    }
}

FACT(at_random, "hypercalls-at-random")
{
    hypercalls_for_ever(call_at_random);
}

static void multicall_at_random(void *unused)
{
    (void)unused;
    struct multicall_entry *entries = (struct multicall_entry *)page;
    u32 count = random64() % 60;
    for (u32 i = 0; i < count; i++) {
        entries[i].op = random64() % 48;
        for (int k = 0; k < 6; k++)
            entries[i].args[k] = random_argument();
        if (would_end(entries[i].op, entries[i].args[0]))
            entries[i].op = 100;
    }
    hypercall(__HYPERVISOR_multicall, (u64)page, random64() % 8 ? count : random64(), 0);
}

FACT(multicalls, "multicalls-at-random")
{
    hypercalls_for_ever(multicall_at_random);
}

/* Every call and sub-operation with every pointer of a few bad ones. */
FACT(pointers, "hypercalls-with-bad-pointers")
{
    const u64 bad[] = {
        0, 1, (u64)page + 4095, (u64)absent, (u64)absent - 8, (u64)readonly, (u64)readonly + 4092, start_info->pt_base,
        MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_START - 8, 1ul << 47, ~0ul, ~7ul, (u64)__builtin_frame_address(0) - 4096,
        (u64)shared_info_page + 4000,
    };
    make_readonly(readonly);
    map(absent, 0);
    for (u64 nr = 0; nr < 64; nr++)
        for (u64 op = 0; op < 40; op++)
            for (u64 i = 0; i < COUNT(bad); i++) {
                if (nr == __HYPERVISOR_multicall || would_end(nr, op) || would_end(nr, bad[i]))
                    continue;
                hypercall5(nr, op, bad[i], bad[(i + op) % COUNT(bad)], bad[(i + nr) % COUNT(bad)], bad[i]);
                hypercall5(nr, bad[i], op, bad[i], DOMID_SELF, bad[i]);
            }
}

/* The longest lists there can be: each has to be done in pieces, with the neighbour in between. */
FACT(sizes, "hypercalls-of-any-size")
{
    static struct multicall_entry calls[64] PAGE_ALIGNED;
    struct xen_memory_reservation reservation = { (u64)page, 1ul << 40, 0, 0, DOMID_SELF };
    for (u64 i = 0; i < COUNT(calls); i++)
        calls[i] = (struct multicall_entry){ .op = __HYPERVISOR_mmuext_op, .args = { (u64)page, 0x7fffffff, 0, DOMID_SELF } };
    for (u64 i = 0; i < COUNT(page); i++)
        page[i] = 0;
    for (;;) {
        hypercall5(__HYPERVISOR_mmu_update, (u64)page, 0x7fffffff, 0, DOMID_SELF, 0);
        hypercall5(__HYPERVISOR_mmuext_op, (u64)page, 0xffffffff, 0, DOMID_SELF, 0);
        hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&reservation, 0);
        hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&reservation, 0);
        hypercall(__HYPERVISOR_multicall, (u64)calls, 0xffffffff, 0);
        hypercall(__HYPERVISOR_grant_table_op, 5, (u64)page, 0x7fffffff);
        hypercall(__HYPERVISOR_set_gdt, (u64)page, 7168, 0);
        hypercall(__HYPERVISOR_console_io, 0, 0x7fffffff, (u64)page);
    }
}
