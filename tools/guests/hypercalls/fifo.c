/* FIFO event channels: what is refused, and what the words say after an event. */
#include "guest.h"

enum { close = 3, send, status, alloc_unbound, bind_ipi, bind_vcpu, unmask, reset, init_control, expand_array, set_priority };
#define OP(cmd, arg) CALL(event_channel_op, cmd, arg)
enum { PENDING = 1u << 31, MASKED = 1 << 30, LINKED = 1 << 29 };

static u32 block[1024] __attribute__((aligned(4096)));
static volatile u32 words[1024] __attribute__((aligned(4096)));
static volatile u32 *const control = block + 64; /* at offset 256 */

static long control_of(u64 gfn, u32 offset, u32 vcpu, u8 *bits)
{
    struct { u64 gfn; u32 offset, vcpu; u8 bits, pad[7]; } a = { gfn, offset, vcpu, 77, { 0 } };
    long answer = OP(init_control, &a);
    *bits = a.bits;
    return answer;
}

static void init(u64 gfn, u32 offset, u32 vcpu, const char *what)
{
    u8 bits;
    report(what, control_of(gfn, offset, vcpu, &bits));
    and("link bits", bits);
}

static long expand(u64 gfn)
{
    return OP(expand_array, &gfn);
}

static long priority(u32 port, u32 p)
{
    struct { u32 port, priority; } a = { port, p };
    return OP(set_priority, &a);
}

static u32 ipi(u32 vcpu)
{
    struct { u32 vcpu, port; } a = { vcpu, 0 };
    OP(bind_ipi, &a);
    return a.port;
}

static long port_op(u32 cmd, u32 port)
{
    return OP(cmd, &port);
}

static void show(const char *what, u32 port)
{
    report(what, words[port] >> 29);
    and("link", words[port] & 0x1ffff);
    and("ready", control[0]);
    for (u32 p = 0; p < 16; p++)
        if (control[2 + p] == port)
            and("head of", p);
}

static void take(u32 p, u32 port)
{
    __atomic_and_fetch(&control[0], ~(1u << p), __ATOMIC_SEQ_CST);
    control[2 + p] = words[port] & 0x1ffff;
    __atomic_and_fetch(&words[port], ~(LINKED | 0x1ffff), __ATOMIC_SEQ_CST);
    __atomic_and_fetch(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
}

void fifo(void)
{
    u32 before = ipi(0);
    report("fifo: send before", port_op(send, before));
    init(1ul << 40, 0, 0, "init_control of no frame");
    init(MFN(start->pt_base), 0, 0, "init_control in a page table");
    init(MFN(block), 4, 0, "init_control at offset 4");
    init(MFN(block), 4096 - 64, 0, "init_control past the page");
    init(MFN(block), 4096, 0, "init_control at 4096");
    init(MFN(block), -8, 0, "init_control at -8");
    init(MFN(block), 256, 3, "init_control for vcpu 3");
    init(MFN(block), 256, -1, "init_control for vcpu -1");
    report("expand_array before init_control", expand(MFN(words)));
    init(MFN(block), 256, 0, "init_control");
    init(MFN(block), 256, 0, "init_control again");
    init(MFN(block), 512, 1, "init_control for vcpu 1");
    report("send without an array", port_op(send, before));
    report("unmask without an array", port_op(unmask, before));
    report("expand_array of no frame", expand(1ul << 40));
    report("expand_array of a page table", expand(MFN(start->pt_base)));
    report("expand_array", expand(MFN(words)));
    and("the port that was pending", words[before] >> 29);
    report("set_priority 16", priority(before, 16));
    report("set_priority -1", priority(before, -1));
    report("set_priority of port 0", priority(0, 3));
    report("set_priority of a free port", priority(900, 3));
    report("set_priority of port 4096", priority(4096, 3));
    report("set_priority of port 131072", priority(131072, 3));
    u32 a = ipi(0), b = ipi(0), c = ipi(0);
    port_op(close, c);
    report("set_priority of a closed port", priority(c, 3));
    and("send", port_op(send, c));
    and("unmask", port_op(unmask, c));
    c = ipi(0);
    report("ports follow each other", b - a + c - b);
    show("a new port", a);
    words[a] &= ~MASKED;
    words[b] &= ~MASKED;
    words[c] = 0;
    control[0] = 0;
    report("send", port_op(send, a));
    show("its word", a);
    report("send again", port_op(send, a));
    show("its word", a);
    report("send another", port_op(send, b));
    show("the first's word", a);
    and("links to the second", (words[a] & 0x1ffff) == b);
    show("its word", b);
    report("set_priority 2", priority(c, 2));
    report("send at priority 2", port_op(send, c));
    show("its word", c);
    report("set_priority of one in a queue", priority(a, 3));
    take(7, a);
    show("after it was taken", a);
    and("the head is the second", control[2 + 7] == b);
    report("send it at its new priority", port_op(send, a));
    show("its word", a);
    take(7, b);
    take(2, c);
    take(3, a);
    show("an empty queue", a);
    __atomic_or_fetch(&words[a], MASKED, __ATOMIC_SEQ_CST);
    report("send a masked one", port_op(send, a));
    show("its word", a);
    report("unmask it", port_op(unmask, a));
    show("its word", a);
    take(3, a);
    report("close one with its mask clear", port_op(close, a));
    show("its word", a);
    words[b] = 0x1ffff;
    report("send one whose link is nonsense", port_op(send, b));
    show("its word", b);
    words[b] = 0x2ffff | PENDING;
    report("send one that is pending and not linked", port_op(send, b));
    show("its word", b);
}
