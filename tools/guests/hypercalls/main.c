/*
 * A guest that makes hypercalls with right and wrong arguments and reports each answer on its console, one a line. A real
 * Xen's report is in real-xen.txt. Nothing it prints depends on the machine it runs on.
 */
#include "guest.h"

struct xencons_interface {
    char in[1024], out[2048];
    u32 in_cons, in_prod, out_cons, out_prod;
};
#define MACH2PHYS ((u64 *)0xffff800000000000ul)

const struct start_info *start;
static volatile struct xencons_interface *console;
static u64 next_unmapped;

static void notify(void)
{
    u32 port = start->console.evtchn;
    CALL(event_channel_op, 4, &port);
}

static void put(char c)
{
    while (console->out_prod - console->out_cons == sizeof console->out) {
        notify();
        CALL(sched_op, 0);
    }
    console->out[console->out_prod % sizeof console->out] = c;
    __asm__ volatile("" ::: "memory");
    console->out_prod++;
}

static void print(const char *text)
{
    while (*text)
        put(*text++);
}

static void print_number(long value)
{
    char text[24];
    char *at = text + sizeof text - 1;
    u64 left = value < 0 ? -(u64)value : (u64)value;
    *at = 0;
    do
        *--at = '0' + left % 10;
    while (left /= 10);
    if (value < 0)
        *--at = '-';
    print(at);
}

void report(const char *what, long answer)
{
    print("\r\n");
    print(what);
    print(" = ");
    print_number(answer);
}

void report_cmd(const char *what, u32 cmd, long answer)
{
    print("\r\n");
    print(what);
    print(" ");
    print_number(cmd);
    print(" = ");
    print_number(answer);
}

void and(const char *name, long value)
{
    print(", ");
    print(name);
    print(" ");
    print_number(value);
}

u64 mfn(u64 pfn)
{
    return ((u64 *)start->mfn_list)[pfn];
}

u64 unmapped_pfn(void)
{
    return next_unmapped--;
}

void *clear(void *at, u64 bytes)
{
    for (u64 i = 0; i < bytes; i++)
        ((volatile u8 *)at)[i] = 0;
    return at;
}

void main(const struct start_info *info)
{
    start = info;
    next_unmapped = start->nr_pages - 1;
    console = (void *)(MACH2PHYS[start->console.mfn] * PAGE);
    print("hypercalls: begin");
    struct { u32 index, map; } features = { 0, 0 };
    report("get_features at first", CALL(xen_version, 6, &features));
    and("map", features.map);
    sweep();
    events();
    grants();
    memory();
    paging();
    rest();
    vcpus();
    fifo();
    print("\r\nhypercalls: end\r\n");
    notify();
    while (console->out_cons != console->out_prod)
        CALL(sched_op, 0);
    u32 reason = 0;
    for (;;)
        CALL(sched_op, 2, &reason);
}
