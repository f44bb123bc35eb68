/* event_channel_op and SCHEDOP_poll. */
#include "guest.h"

enum {
    bind_interdomain, bind_virq, bind_pirq, close, send, status, alloc_unbound, bind_ipi, bind_vcpu, unmask, reset,
    init_control, expand_array, set_priority, reset_cont,
};
#define OP(cmd, arg) CALL(event_channel_op, cmd, arg)

static u32 port_of_virq(u32 virq, u32 vcpu, const char *what)
{
    struct { u32 virq, vcpu, port; } a = { virq, vcpu, 0 };
    report(what, OP(bind_virq, &a));
    return a.port;
}

static u32 unbound(u16 dom, u16 remote, const char *what)
{
    struct { u16 dom, remote; u32 port; } a = { dom, remote, 0 };
    report(what, OP(alloc_unbound, &a));
    return a.port;
}

static u32 ipi(u32 vcpu, const char *what)
{
    struct { u32 vcpu, port; } a = { vcpu, 0 };
    report(what, OP(bind_ipi, &a));
    return a.port;
}

static u32 bind(u16 dom, u32 port, const char *what)
{
    struct { u16 dom; u32 port, local; } a = { dom, port, 0 };
    report(what, OP(bind_interdomain, &a));
    return a.local;
}

static long port_op(u32 cmd, u32 port)
{
    return OP(cmd, &port);
}

static long move(u32 port, u32 vcpu)
{
    struct { u32 port, vcpu; } a = { port, vcpu };
    return OP(bind_vcpu, &a);
}

static void show(u16 dom, u32 port, const char *what, int known)
{
    struct { u16 dom; u32 port, status, vcpu; u32 u[2]; } a = { dom, port, 77, 77, { 7777, 77 } };
    report(what, OP(status, &a));
    and("status", a.status);
    and("vcpu", a.vcpu);
    if (known) {
        and("dom", a.u[0] & 0xffff);
        if (a.status == 2)
            and("port known", a.u[1] != 77 && a.u[1] != 0);
    }
}

static void all_on(u32 port, const char *what)
{
    report(what, port_op(close, port));
    and("send", port_op(send, port));
    and("unmask", port_op(unmask, port));
    and("bind_vcpu", move(port, 0));
}

static long with_value(u32 cmd, u32 port, u32 value)
{
    struct { u32 port, value; } a = { port, value };
    return OP(cmd, &a);
}

static long poll(const u32 *ports, u32 count, u64 timeout)
{
    struct { const u32 *ports; u32 count; u64 timeout; } a = { ports, count, timeout };
    return CALL(sched_op, 3, &a);
}

void events(void)
{
    u32 timer = port_of_virq(0, 1, "bind_virq TIMER vcpu 1");
    port_of_virq(0, 1, "bind_virq TIMER vcpu 1 again");
    port_of_virq(0, 2, "bind_virq TIMER vcpu 2, which is down");
    port_of_virq(0, 3, "bind_virq TIMER vcpu 3, which is not there");
    port_of_virq(0, 9999, "bind_virq TIMER vcpu 9999");
    port_of_virq(0, -1, "bind_virq TIMER vcpu -1");
    u32 debug = port_of_virq(1, 0, "bind_virq DEBUG vcpu 0");
    for (u32 virq = 2; virq < 26; virq++) {
        struct { u32 virq, vcpu, port; } a = { virq, 0, 0 };
        report_cmd("bind_virq vcpu 0", virq, OP(bind_virq, &a));
        struct { u32 virq, vcpu, port; } b = { virq, 1, 0 };
        and("vcpu 1", OP(bind_virq, &b));
    }
    port_of_virq(-1, 0, "bind_virq -1");
    show(DOMID_SELF, timer, "status of a virq", 1);
    report("close virq", port_op(close, timer));
    show(DOMID_SELF, timer, "status of a closed port", 0);
    timer = port_of_virq(0, 1, "bind_virq after close");
    report("send virq", port_op(send, timer));
    report("bind_vcpu of a vcpu's virq", move(timer, 0));
    report("bind_vcpu of a vcpu's virq to its own", move(timer, 1));
    report("unmask virq", port_op(unmask, timer));

    u32 cpu1 = ipi(1, "bind_ipi 1");
    ipi(3, "bind_ipi 3");
    ipi(-1, "bind_ipi -1");
    show(DOMID_SELF, cpu1, "status of an ipi", 0);
    report("send ipi", port_op(send, cpu1));
    report("bind_vcpu of an ipi", move(cpu1, 0));
    report("bind_vcpu of an ipi to its own", move(cpu1, 1));

    all_on(0, "port 0: close");
    all_on(900, "a free port: close");
    all_on(4095, "port 4095: close");
    all_on(4096, "port 4096: close");
    all_on(200000, "port 200000: close");
    all_on(-1, "port -1: close");
    show(DOMID_SELF, 0, "status port 0", 0);
    show(DOMID_SELF, 4096, "status port 4096", 0);
    show(DOMID_SELF, -1, "status port -1", 0);
    show(0, 1, "status of domain 0", 0);
    show(NOBODY, 1, "status of nobody", 0);
    show(DOMID_IO, 1, "status of DOMID_IO", 0);
    show(DOMID_INVALID, 1, "status of DOMID_INVALID", 0);

    u32 own = unbound(DOMID_SELF, DOMID_SELF, "alloc_unbound for itself");
    show(DOMID_SELF, own, "status of a port that waits for its own domain", 0);
    report("send unbound", port_op(send, own));
    report("unmask unbound", port_op(unmask, own));
    report("bind_vcpu unbound to 2", move(own, 2));
    report("bind_vcpu unbound to 3", move(own, 3));
    report("bind_vcpu unbound to -1", move(own, -1));
    show(DOMID_SELF, own, "status after bind_vcpu", 0);
    u32 end = bind(DOMID_SELF, own, "bind_interdomain to itself");
    show(DOMID_SELF, own, "status of one end", 0);
    show(DOMID_SELF, end, "status of the other end", 0);
    bind(DOMID_SELF, own, "bind_interdomain a second time");
    report("send to itself", port_op(send, own));
    report("bind_vcpu interdomain to 1", move(own, 1));
    report("close one end", port_op(close, end));
    show(DOMID_SELF, own, "status of the end that is left", 1);
    end = bind(DOMID_SELF, own, "bind_interdomain again");
    report("close the waiting end", port_op(close, own));
    show(DOMID_SELF, end, "status of the end that bound", 0);
    report("close it too", port_op(close, end));

    unbound(0, DOMID_SELF, "alloc_unbound in domain 0");
    unbound(NOBODY, DOMID_SELF, "alloc_unbound in nobody");
    u32 for_nobody = unbound(DOMID_SELF, NOBODY, "alloc_unbound for nobody");
    report("close it", port_op(close, for_nobody));
    u32 for_io = unbound(DOMID_SELF, DOMID_IO, "alloc_unbound for DOMID_IO");
    report("close it", for_io ? port_op(close, for_io) : 0);
    u32 for_invalid = unbound(DOMID_SELF, DOMID_INVALID, "alloc_unbound for DOMID_INVALID");
    report("close it", for_invalid ? port_op(close, for_invalid) : 0);
    u32 for_huge = unbound(DOMID_SELF, 0x8001, "alloc_unbound for 0x8001");
    report("close it", for_huge ? port_op(close, for_huge) : 0);
    bind(NOBODY, 1, "bind_interdomain to nobody");
    bind(0, 0, "bind_interdomain to domain 0 port 0");
    bind(0, 1, "bind_interdomain to domain 0 port 1");
    bind(0, 5000, "bind_interdomain to domain 0 port 5000");
    bind(0, -1, "bind_interdomain to domain 0 port -1");
    bind(DOMID_IO, 1, "bind_interdomain to DOMID_IO");
    bind(DOMID_INVALID, 1, "bind_interdomain to DOMID_INVALID");
    bind(DOMID_SELF, cpu1, "bind_interdomain to an ipi");
    bind(DOMID_SELF, 900, "bind_interdomain to a free port of its own");
    struct { u32 pirq, flags, port; } pirq = { 16, 0, 0 };
    report("bind_pirq 16", OP(bind_pirq, &pirq));
    pirq.pirq = -1;
    report("bind_pirq -1", OP(bind_pirq, &pirq));
    struct { u16 dom; } whom = { 0 };
    report("reset domain 0", OP(reset, &whom));
    and("reset_cont", OP(reset_cont, &whom));
    whom.dom = NOBODY;
    report("reset nobody", OP(reset, &whom));
    struct { u32 port, priority; } priority = { cpu1, 3 };
    report("set_priority without fifo", OP(set_priority, &priority));
    priority.priority = 16;
    report("set_priority 16 without fifo", OP(set_priority, &priority));
    u64 gfn = 0;
    report("expand_array without fifo", OP(expand_array, &gfn));

    u32 ports[2] = { debug, cpu1 };
    port_op(send, cpu1);
    report("poll a pending port", poll(&cpu1, 1, 0));
    report("poll two ports", poll(ports, 2, 0));
    u32 bad[2] = { 0, cpu1 };
    report("poll port 0", poll(bad, 1, 1));
    report("poll port 0, then a pending one", poll(bad, 2, 1));
    u32 after[2] = { cpu1, 0 };
    report("poll a pending one, then port 0", poll(after, 2, 1));
    bad[0] = 4096;
    report("poll port 4096", poll(bad, 1, 1));
    bad[0] = 900;
    report("poll a free port, time past", poll(bad, 1, 1));
    report("poll no port, time past", poll(0, 0, 1));
    report("poll 129 ports", poll(ports, 129, 1));
    report("poll -1 ports", poll(ports, -1, 1));
    report("poll unmapped ports", poll((void *)UNMAPPED, 1, 1));
    report("poll no port at a hypervisor address", poll((void *)HYPERVISOR, 0, 1));
    report("close ipi", port_op(close, cpu1));
    report("send a closed port", port_op(send, cpu1));
    and("unmask", port_op(unmask, cpu1));
    and("set_priority", with_value(set_priority, cpu1, 3));
    report("close debug", port_op(close, debug));
    report("alloc_unbound, answer to a read-only place", OP(alloc_unbound, 0xffff800000000000ul));
}
