/* Guests that end themselves, each by a mistake of its own. */
#include "../runtime/guest.h"

static void clear_traps(void)
{
    hypercall(__HYPERVISOR_set_trap_table, 0, 0, 0);
}

FACT(triple_fault, "triple-fault")
{
    clear_traps();
    __asm__ volatile("ud2");
}

/* The handler of page faults is itself not there: each fault pushes a frame until there is no stack. */
FACT(fault_in_handler, "fault-in-handler")
{
    static struct trap_info table[2] = { { 14, 0, FLAT_CS64, 0x7f0000000000ul } };
    hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0);
    *(volatile char *)0x7f0000001000ul = 0;
}

FACT(no_stack, "no-stack")
{
    __asm__ volatile("mov $0x7f0000000000, %%rsp\n\tud2" ::: "memory");
}

FACT(stack_in_xen, "stack-in-xen")
{
    __asm__ volatile("mov $0xffff800000001000, %%rsp\n\tud2" ::: "memory");
}

FACT(stack_not_canonical, "stack-not-canonical")
{
    __asm__ volatile("movabs $0x7fff800000000000, %%rsp\n\tud2" ::: "memory");
}

FACT(stack_on_tables, "stack-on-tables")
{
    __asm__ volatile("lea 4096(%0), %%rsp\n\tud2" ::"r"(start_info->pt_base) : "memory");
}

FACT(no_user_root, "no-user-root")
{
    struct iret_frame frame = { .rip = 0x1000, .cs = FLAT_CS64 | 3, .ss = FLAT_SS64, .rflags = 0x200 };
    iret_to(&frame);
}

FACT(iret_without_frame, "iret-without-frame")
{
    iret_to((void *)0x7f0000000ff8ul);
}

FACT(iret_beyond, "iret-to-nowhere")
{
    struct iret_frame frame = { .rip = 1ul << 63, .cs = FLAT_CS64 & ~3, .ss = FLAT_SS64, .rflags = 0x200 };
    frame.rsp = (u64)stacks[0] + STACK_BYTES;
    hypercall(__HYPERVISOR_set_trap_table, 0, 0, 0);
    iret_to(&frame);
}

FACT(unmap_itself, "unmap-itself")
{
    clear_traps();
    map((void *)((u64)start & -4096ul), 0);
    map((void *)((u64)unmap_itself & -4096ul), 0);
    start(start_info);
}

/* The whole tree goes at once: the entry of the L4 that maps all of the kernel. */
FACT(drop_everything, "drop-everything")
{
    set_entry(entry_address(start, 4), 0);
}

FACT(unknown_reason, "shutdown-reason-77")
{
    shutdown(77);
}

FACT(ask_reboot, "reboot")
{
    shutdown(SHUTDOWN_reboot);
}

FACT(ask_suspend, "suspend")
{
    shutdown(SHUTDOWN_suspend);
}

FACT(starved_watchdog, "watchdog")
{
    struct { u32 id, timeout; } watchdog = { 0, 1 };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (u64)&watchdog, 0);
    for (;;)
        barrier();
}

FACT(down, "last-vcpu-down")
{
    for (;;)
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 0, 0);
}

/* An event that is never acknowledged comes again as soon as its handler opens the mask: frames to the end of the stack. */
static void nest(struct frame *frame)
{
    (void)frame;
    VCPU_INFO(0).evtchn_upcall_pending = 1;
    VCPU_INFO(0).evtchn_upcall_mask = 0;
    hypercall(__HYPERVISOR_xen_version, 0, 0, 0);
}

FACT(nested_events, "nested-events")
{
    map(stacks[0], 0);
    on_event = nest;
    clear_traps();
    VCPU_INFO(0).evtchn_upcall_pending = 1;
    VCPU_INFO(0).evtchn_upcall_mask = 0;
    hypercall(__HYPERVISOR_xen_version, 0, 0, 0);
}
