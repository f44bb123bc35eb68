/* Guests that never end by themselves and take what time they can get. */
#include "../runtime/guest.h"

FACT(masked, "events-masked")
{
    VCPU_INFO(0).evtchn_upcall_mask = 1;
    for (;;)
        barrier();
}

FACT(asleep, "asleep-for-ever")
{
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    for (;;)
        block();
}

FACT(poll_nothing, "poll-for-ever")
{
    struct { u64 ports; u32 nr; u64 timeout; } poll = { 0, 0, 0 };
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (u64)&poll, 0);
}

FACT(yields, "yields")
{
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
}

FACT(hypercalls, "hypercalls-without-end")
{
    for (;;)
        hypercall(__HYPERVISOR_xen_version, 0, 0, 0);
}

FACT(faults, "faults-without-end")
{
    on_exception = 0;
    for (;;)
        attempt((void (*)(void *))0x7f0000000000ul, 0);
}

/* Each of these is emulated, some by taking the whole of a page table walk. */
FACT(emulated, "emulated-instructions")
{
    for (;;) {
        u32 a = 0x40000003, c = 0, b, d;
        __asm__ volatile("cpuid" : "+a"(a), "+c"(c), "=b"(b), "=d"(d));
        __asm__ volatile("ud2; .ascii \"xen\"; cpuid" : "+a"(a), "+c"(c), "=b"(b), "=d"(d));
        u64 cr;
        __asm__ volatile("mov %%cr0, %0\n\tmov %%cr3, %0\n\tmov %0, %%cr3\n\tmov %%dr7, %0" : "=r"(cr));
        __asm__ volatile("wbinvd\n\tclts" ::: "memory");
        c = 0xc0000100;
        __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(c));
    }
}

/* Timers that have expired when they are set: an upcall for each. */
FACT(late_timers, "timers-in-the-past")
{
    take_timer_events();
    for (;;)
        set_timer(1);
}

static void timer_again(struct frame *frame)
{
    (void)frame;
    set_timer(1);
}

FACT(timer_storm, "timer-storm")
{
    on_event = timer_again;
    take_timer_events();
    set_timer(1);
    for (;;)
        block();
}

static volatile u32 ipi_port[2];

static void ipi(struct frame *frame)
{
    (void)frame;
    u32 port = ipi_port[1 - this_vcpu()];
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&port, 0);
}

static u32 bind_ipi(u32 vcpu)
{
    struct evtchn_bind_ipi bind = { vcpu, 0 };
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (u64)&bind, 0);
    __atomic_and_fetch(&SHARED.evtchn_mask[bind.port / 64], ~(1ul << bind.port % 64), __ATOMIC_SEQ_CST);
    return bind.port;
}

static void second_ipi(void)
{
    VCPU_INFO(1).evtchn_upcall_mask = 0;
    ipi(0);
    for (;;)
        block();
}

FACT(ipi_storm, "ipi-storm")
{
    ipi_port[0] = bind_ipi(0);
    ipi_port[1] = bind_ipi(1);
    on_event = ipi;
    start_vcpu1(second_ipi);
    VCPU_INFO(0).evtchn_upcall_mask = 0;
    for (;;)
        ipi(0);
}

FACT(user_spins, "user-spins")
{
    static char stack[PAGE_BYTES] PAGE_ALIGNED;
    static unsigned char code[PAGE_BYTES] PAGE_ALIGNED = { 0xeb, 0xfe };
    make_user(code);
    make_user(stack);
    mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of((void *)start_info->pt_base), 0);
    struct iret_frame frame = { .rip = (u64)code, .cs = FLAT_CS64 | 3, .ss = FLAT_SS64, .rflags = 0x200 };
    frame.rsp = (u64)stack + PAGE_BYTES;
    iret_to(&frame);
}

FACT(log_flood, "log-flood")
{
    static char text[65536];
    for (u64 i = 0; i < sizeof text; i++)
        text[i] = i % 64 ? 'x' : '\n';
    for (;;)
        hypercall(__HYPERVISOR_console_io, 0, sizeof text, (u64)text);
}

FACT(console_flood, "console-flood")
{
    for (;;)
        print("flood flood flood flood flood flood flood flood flood flood flood\n");
}

/* Events to domain 0 as fast as they can be sent, with nothing to say. */
FACT(event_flood, "event-flood")
{
    u32 ports[2] = { start_info->console.evtchn, start_info->store_evtchn };
    for (;;)
        for (int i = 0; i < 2; i++)
            hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&ports[i], 0);
}
