/* vcpu_op. vCPU 0 runs this, vCPU 1 is brought up, vCPU 2 stays as it was made, vCPU 3 is not there. */
#include "guest.h"

enum {
    initialise, up, down, is_up, get_runstate_info, register_runstate, set_periodic, stop_periodic, set_singleshot,
    stop_singleshot, register_vcpu_info, send_nmi, get_physid, register_time,
};
#define OP(cmd, vcpu, arg) CALL(vcpu_op, cmd, vcpu, arg)

struct context {
    u8 fpu[512];
    u64 flags;
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u32 error, vector;
    u64 rip;
    u16 cs, pad0;
    u8 mask, pad1[3];
    u64 rflags, rsp, ss, es, ds, fs, gs;
    struct { u8 vector, flags; u16 cs; u64 address; } traps[256];
    u64 ldt_base, ldt_entries, gdt_frames[16], gdt_entries, kernel_ss, kernel_sp, ctrlreg[8], debugreg[8];
    u64 event, failsafe, syscall, vm_assist, fs_base, gs_kernel, gs_user;
};

static struct context context;
static u64 stack[512];
static u64 info[512] __attribute__((aligned(4096)));
static u64 area[16];

static struct context *fresh(void)
{
    clear(&context, sizeof context);
    context.flags = 4;
    context.rip = (u64)vcpu_entry;
    context.rsp = (u64)&stack[500];
    context.cs = 0xe033;
    context.ss = 0xe02b;
    context.rflags = 0x200;
    context.ctrlreg[3] = MFN(start->pt_base) << 12;
    return &context;
}

static void initialisations(void)
{
    report("size of the context", sizeof context);
    fresh()->ctrlreg[3] = 1ul << 45;
    report("initialise with a root of no frame", OP(initialise, 1, &context));
    fresh()->ctrlreg[3] = MFN(info) << 12;
    report("initialise with a root that is a plain page", OP(initialise, 1, &context));
    fresh()->ctrlreg[1] = 1ul << 45 | 1;
    report("initialise with a user root of no frame", OP(initialise, 1, &context));
    fresh()->gdt_entries = 8193;
    report("initialise with a GDT of 8193", OP(initialise, 1, &context));
    fresh()->gdt_entries = 1;
    context.gdt_frames[0] = 1ul << 40;
    report("initialise with a GDT of no frame", OP(initialise, 1, &context));
    fresh()->ldt_base = 8;
    context.ldt_entries = 1;
    report("initialise with a misaligned LDT", OP(initialise, 1, &context));
    fresh()->ldt_entries = 8193;
    report("initialise with an LDT of 8193", OP(initialise, 1, &context));
    fresh()->fs_base = NONCANONICAL;
    report("initialise with an FS base that is not canonical", OP(initialise, 1, &context));
    fresh()->rip = NONCANONICAL;
    report("initialise with a RIP that is not canonical", OP(initialise, 1, &context));
    fresh()->event = NONCANONICAL;
    report("initialise with an event callback that is not canonical", OP(initialise, 1, &context));
    fresh()->traps[3].address = NONCANONICAL;
    report("initialise with a trap handler that is not canonical", OP(initialise, 1, &context));
    fresh()->kernel_sp = NONCANONICAL;
    report("initialise with a kernel stack that is not canonical", OP(initialise, 1, &context));
    fresh()->cs = 0;
    context.ss = 0;
    report("is_up", OP(is_up, 1, 0));
    report("up before initialise", OP(up, 1, 0));
    report("initialise with a flag unknown", (fresh()->flags = 0x8004, OP(initialise, 2, UNMAPPED)));
}

static void registers(void)
{
    struct { u64 mfn; u32 offset, rsvd; } r = { 1ul << 40, 0, 0 };
    report("register_vcpu_info of no frame", OP(register_vcpu_info, 0, &r));
    r.mfn = MFN(start->pt_base);
    report("register_vcpu_info in a page table", OP(register_vcpu_info, 0, &r));
    r.mfn = MFN(info);
    r.offset = 4096 - 63;
    report("register_vcpu_info past the page", OP(register_vcpu_info, 0, &r));
    r.offset = 4096 - 63 + 63;
    report("register_vcpu_info at 4096", OP(register_vcpu_info, 0, &r));
    r.offset = -1;
    report("register_vcpu_info at -1", OP(register_vcpu_info, 0, &r));
    r.offset = 7;
    report("register_vcpu_info at 7 for vcpu 2", OP(register_vcpu_info, 2, &r));
    r.offset = 64;
    report("register_vcpu_info of vcpu 1, which is up", OP(register_vcpu_info, 1, &r));
    report("register_vcpu_info of vcpu 3", OP(register_vcpu_info, 3, &r));
    report("register_vcpu_info", OP(register_vcpu_info, 0, &r));
    and("pending", info[8] & 0xff);
    and("selector", info[9] == -1ul);
    report("register_vcpu_info again", OP(register_vcpu_info, 0, &r));
    u64 at = (u64)area;
    report("register_runstate", OP(register_runstate, 0, &at));
    and("state", (u32)area[0]);
    at = UNMAPPED;
    report("register_runstate unmapped", OP(register_runstate, 0, &at));
    at = HYPERVISOR;
    report("register_runstate hypervisor", OP(register_runstate, 0, &at));
    at = NONCANONICAL;
    report("register_runstate not canonical", OP(register_runstate, 0, &at));
    at = 0;
    report("register_runstate 0", OP(register_runstate, 0, &at));
    at = (u64)area;
    report("register_runstate of vcpu 2", OP(register_runstate, 2, &at));
    at = 0;
    OP(register_runstate, 2, &at);
    at = UNMAPPED;
    report("register_time unmapped", OP(register_time, 0, &at));
    at = HYPERVISOR;
    report("register_time hypervisor", OP(register_time, 0, &at));
    at = (u64)(area + 8);
    report("register_time", OP(register_time, 0, &at));
    and("version even", ((u32)area[8] & 1) == 0);
    and("stamp", area[9] != 0);
    report("get_runstate_info", OP(get_runstate_info, 0, area));
    and("state", (u32)area[0]);
    report("get_runstate_info of vcpu 2", OP(get_runstate_info, 2, area));
    and("state", (u32)area[0]);
}

static void timers(void)
{
    u64 period = 1000000;
    report("set_periodic 1 ms", OP(set_periodic, 0, &period));
    period = 999999;
    report("set_periodic 999999", OP(set_periodic, 0, &period));
    period = 0;
    report("set_periodic 0", OP(set_periodic, 0, &period));
    period = 1ul << 62;
    report("set_periodic 2^62", OP(set_periodic, 0, &period));
    period = 1ul << 63;
    report("set_periodic 2^63", OP(set_periodic, 0, &period));
    period = 292ul * 365 * 86400 * 1000000000;
    report("set_periodic 292 years", OP(set_periodic, 0, &period));
    period = 10000000;
    report("set_periodic of vcpu 2", OP(set_periodic, 2, &period));
    report("stop_periodic", OP(stop_periodic, 0, 0));
    report("stop_periodic of vcpu 1", OP(stop_periodic, 1, 0));
    report("stop_periodic of vcpu 2", OP(stop_periodic, 2, 0));
    struct { u64 at; u32 flags; } one = { 1, 0 };
    report("set_singleshot in the past", OP(set_singleshot, 0, &one));
    one.flags = 1;
    report("set_singleshot in the past, future only", OP(set_singleshot, 0, &one));
    one.flags = 2;
    report("set_singleshot with an unknown flag", OP(set_singleshot, 0, &one));
    one = (typeof(one)){ -1ul, 0 };
    report("set_singleshot at -1", OP(set_singleshot, 0, &one));
    one.flags = 1;
    report("set_singleshot at -1, future only", OP(set_singleshot, 0, &one));
    one = (typeof(one)){ 1ul << 62, 1 };
    report("set_singleshot far away, future only", OP(set_singleshot, 0, &one));
    report("set_singleshot of vcpu 1", OP(set_singleshot, 1, &one));
    report("set_singleshot of vcpu 2", OP(set_singleshot, 2, &one));
    report("stop_singleshot", OP(stop_singleshot, 0, 0));
    report("stop_singleshot of vcpu 1", OP(stop_singleshot, 1, 0));
    report("set_singleshot unmapped", OP(set_singleshot, 0, UNMAPPED));
    report("set_periodic unmapped", OP(set_periodic, 0, UNMAPPED));
}

void vcpus(void)
{
    initialisations();
    fresh();
    report("initialise", OP(initialise, 1, &context));
    report("initialise again", OP(initialise, 1, &context));
    context.ctrlreg[3] = 0;
    report("initialise again, with another root", OP(initialise, 1, &context));
    report("is_up", OP(is_up, 1, 0));
    report("up", OP(up, 1, 0));
    report("up again", OP(up, 1, 0));
    report("is_up", OP(is_up, 1, 0));
    fresh();
    report("initialise what is up", OP(initialise, 1, &context));
    for (u32 cmd = 0; cmd < 14; cmd++) {
        report_cmd("vcpu_op of vcpu 3", cmd, OP(cmd, 3, &context));
        and("8192", OP(cmd, 8192, &context));
        and("-1", OP(cmd, -1, &context));
    }
    report("unknown operation of vcpu 3", OP(77, 3, 0));
    report("get_physid", OP(get_physid, 0, area));
    registers();
    timers();
    report("down", OP(down, 1, 0));
    report("is_up", OP(is_up, 1, 0));
    report("down again", OP(down, 1, 0));
    report("up again", OP(up, 1, 0));
    report("and down", OP(down, 1, 0));
    report("down of what was never up", OP(down, 2, 0));
    report("initialise after down", OP(initialise, 1, fresh()));
    report("send_nmi of vcpu 2", OP(send_nmi, 2, 0));
}
