/*
 * A guest that raises exceptions, one small piece of code at a time (cases.S), and prints what its kernel was handed: the
 * same lines on a real Xen and on ours.
 */
#include "../../../apps/xend/guests/hello/xen.h"
#include "numbers.h"

extern char stubs[], stack_end[], kernel_stack_end[];
extern u64 entry_regs[19], resume_rcx, resume_r11;
void enter_test(const void *code, u64 user);

struct test { const char *name; const char *code; u64 mode, stops; };
extern const struct test tests[], tests_end[];

char data[4096] __attribute__((aligned(4096)));
char read_only[4096] __attribute__((aligned(4096)));
char present_and_absent[8192] __attribute__((aligned(4096)));
#define absent (present_and_absent + 4096)
u64 gdt[512] __attribute__((aligned(4096)));
u64 ldt[512] __attribute__((aligned(4096)));
u64 ldt_writable[512] __attribute__((aligned(4096)));
static struct shared_info shared_info __attribute__((aligned(4096)));
static volatile struct xencons_interface *console;
static u32 console_port;
static const struct start_info *start;
volatile void *const vcpu_info_address = &shared_info;
char nmi_again;
u64 gdt_address, ldt_address; /* machine addresses */
const struct start_info *start_of_day;

static inline long call(u64 nr, u64 a, u64 b, u64 c)
{
    long result = nr;
    register u64 r10 __asm__("r10") = 0;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static long call4(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
    long result = nr;
    register u64 r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static void put(char c)
{
    while (console->out_prod - console->out_cons == sizeof console->out)
        call(29, SCHEDOP_yield, 0, 0);
    console->out[console->out_prod % sizeof console->out] = c;
    __asm__ volatile("" ::: "memory");
    console->out_prod++;
}

static void notify(void)
{
    u32 port = console_port;
    call(32, EVTCHNOP_send, (u64)&port, 0);
}

static void print(const char *text)
{
    while (*text)
        put(*text++);
}

static void hex(u64 value)
{
    int shift = 60;
    while (shift && !(value >> shift & 15))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
}

static void field(const char *name, u64 value)
{
    print(name);
    hex(value);
}

static const struct test *test;
static u64 stops_left;

/* An address: relative to the test's code, stack or data where it is near, so that a change of the guest does not move it. */
static void address(const char *name, u64 value)
{
    print(name);
    const struct { const char *label; u64 base, length; } near[] = {
        { "+", (u64)test->code, 2048 },
        { "stack-", (u64)stack_end - 4096, 4097 },
        { "kstack-", (u64)kernel_stack_end - 4096, 4096 },
        { "data+", (u64)data, 4096 },
        { "ro+", (u64)read_only, 4096 },
        { "present+", (u64)present_and_absent, 4096 },
        { "absent+", (u64)absent, 4096 },
        { "ldt+", (u64)ldt, 4096 },
        { "wldt+", (u64)ldt_writable, 4096 },
    };
    for (u32 n = 0; n < sizeof near / sizeof *near; n++)
        if (value - near[n].base < near[n].length) {
            print(near[n].label);
            hex(n == 1 ? (u64)stack_end - value : n == 2 ? (u64)kernel_stack_end - value : value - near[n].base);
            return;
        }
    hex(value);
}

static const char *const NAMES[] = {
    "DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "9", "TS", "NP", "SS", "GP", "PF", "15", "MF", "AC", "MC", "XM",
    [STUB_SOFT] = "int40", [STUB_SOFT1] = "int41", [STUB_SOFT0] = "int42", [STUB_INT80] = "int80", [STUB_EVENT] = "event",
    [STUB_FAILSAFE] = "failsafe", [STUB_SYSCALL] = "syscall", [STUB_SYSCALL32] = "syscall32",
    [STUB_SYSENTER] = "sysenter",
};
/* Vectors with an error code: 8, 10 to 14, 17. */
static const u64 WITH_ERROR = 0x27d00;
/* All but the arithmetic flags. */
static const u64 FLAGS = 0xfffffffffffff700;

static u64 read_dr6(void)
{
    return call(9, 6, 0, 0);
}

/* Called with RSP at the stub's number. Returns the frame to go back to, or 0. */
u64 *on_entry(u64 *frame)
{
    u64 id = *frame++;
    u64 handler = ((u64 *)stubs)[id];
    resume_rcx = *frame++;
    resume_r11 = *frame++;
    print(" ");
    if (id < sizeof NAMES / sizeof *NAMES && NAMES[id])
        print(NAMES[id]);
    else
        field("vector ", id);
    if (id == STUB_FAILSAFE) {
        field("[", frame[0]);
        field(" ", frame[1]);
        field(" ", frame[2]);
        field(" ", frame[3]);
        field("->", entry_regs[13]);
        field(" ", entry_regs[14]);
        field(" ", entry_regs[15]);
        field(" ", entry_regs[16]);
        print("]");
        frame += 4;
    }
    if (id < 32 && WITH_ERROR >> id & 1) {
        field("(", *frame++);
        print(")");
    }
    address(" ", frame[0]);
    field(" cs=", frame[1] & 0xffff);
    if (frame[1] >> 32)
        field("/", frame[1] >> 32);
    field(" fl=", frame[2] & FLAGS);
    address(" sp=", frame[3]);
    field(" ss=", frame[4]);
    if (id == 14)
        address(" cr2=", shared_info.vcpu_info[0].cr2);
    if (id == 1)
        field(" dr6=", read_dr6());
    if (shared_info.vcpu_info[0].evtchn_upcall_mask)
        field(" mask=", shared_info.vcpu_info[0].evtchn_upcall_mask);
    /* What the entry itself left in registers. */
    if (entry_regs[1] != handler)
        address(" RCX=", entry_regs[1]);
    if ((entry_regs[11] & FLAGS) != 0x200)
        field(" R11=", entry_regs[11] & FLAGS);
    if ((entry_regs[12] & FLAGS) != 0x200)
        field(" live=", entry_regs[12] & FLAGS);
    if (entry_regs[17] != FLAT_CS64)
        field(" CS=", entry_regs[17]);
    if (entry_regs[18] != FLAT_SS)
        field(" SS=", entry_regs[18]);
    if (id == 6)
        address(" rax=", entry_regs[0]);
    print(";");
    if (id == 6 || stops_left-- == 0)
        return 0;
    if (id == STUB_EVENT)
        shared_info.vcpu_info[0].evtchn_upcall_pending = 0;
    if (id == 2 && nmi_again) {
        nmi_again = 0;
        call(24, 11, 0, 0);
    }
    if (id == 1) {
        frame[2] |= 0x10000; /* RF: past the instruction breakpoint */
        call(8, 6, 0xffff0ff0, 0);
    }
    return frame;
}

static void map(void *at, u64 flags)
{
    u64 *m = (u64 *)start->mfn_list;
    if (call(14, (u64)at, m[(u64)at / 4096] << 12 | flags, 2))
        print("(map failed)");
}

static u64 machine(void *at)
{
    return ((u64 *)start->mfn_list)[(u64)at / 4096] << 12 | ((u64)at & 4095);
}

static u64 descriptor(u64 base, u64 limit, u64 type)
{
    return (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | (limit >> 16 & 15) << 48 | (base >> 24 & 255) << 56;
}

/* Each state that a test may have changed. */
static void reset(void)
{
    call(5, 0, 0, 0);
    __asm__ volatile("fninit");
    call(8, 7, 0, 0);
    call(8, 6, 0, 0);
    shared_info.vcpu_info[0].evtchn_upcall_mask = 1;
    shared_info.vcpu_info[0].evtchn_upcall_pending = 0;
    call(3, FLAT_SS, (u64)kernel_stack_end, 0);
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    for (u32 n = 0; n < sizeof data; n++)
        data[n] = 0;
}

extern char _end[];

void descriptors(void)
{
    const u64 P = 0x80, CODE = 0x1a, DATA = 0x12, L = 0x2000, D = 0x4000, G = 0x8000, DPL3 = 0x60;
    u64 table[32] = {
        [1] = descriptor(0, 0xfffff, P | CODE | L | G | DPL3),
        [2] = descriptor(0, 0xfffff, P | CODE | L | G),          /* DPL 0 */
        [3] = descriptor(0, 0xfffff, P | DATA | D | G | DPL3),
        [4] = descriptor(0, 0xfffff, P | CODE | D | G | DPL3),   /* 32-bit */
        [5] = descriptor(0, 0xfffff, DATA | D | G | DPL3),       /* absent */
        [6] = descriptor(0, 0xfffff, CODE | L | G | DPL3),       /* absent */
        [7] = descriptor(0, 0xfffff, P | 0x18 | D | G | DPL3),   /* execute only */
        [8] = descriptor(0, 0xfffff, P | 0x10 | D | G | DPL3),   /* read only */
        [9] = descriptor(0, 0xfffff, P | 0x1e | L | G),          /* conforming */
        [10] = descriptor(0, 0xfffff, P | CODE | L | D | G | DPL3), /* L and D */
        [11] = descriptor(0, 0xfff, P | 0x16 | D | DPL3),        /* expand down */
        [12] = descriptor(0x12345678, 0xfff, P | DATA | D | DPL3),
        [13] = (u64)FLAT_CS64 << 16 | 0x100000 | 0xecul << 40,   /* call gate */
        [14] = 0,
        [15] = descriptor(0, 0x1fffff, P | CODE | D | DPL3),     /* 32-bit code up to 2 MiB */
        [16] = descriptor(0, 0xfffff, P | CODE | G | DPL3),      /* 16-bit */
    };
    for (u32 n = 0; n < 32; n++)
        gdt[n] = ldt[n] = ldt_writable[n] = table[n];
    map(gdt, 5);
    map(ldt, 5);
    gdt_address = machine(gdt);
    ldt_address = machine(ldt);
    u64 frame = gdt_address >> 12;
    field("set_gdt ", -call(2, (u64)&frame, 512, 0));
    struct { u32 cmd, pad; u64 a, b; } op = { 13, 0, (u64)ldt, 512 };
    field(" set_ldt ", -call4(26, (u64)&op, 1, 0, 0x7ff0));
    print(" gdt:");
    for (u32 n = 1; n < 17; n++)
        field(" ", gdt[n]);
    print("\r\n");
}

void use_ldt(void *at, u64 entries)
{
    struct { u32 cmd, pad; u64 a, b; } op = { 13, 0, (u64)at, entries };
    call4(26, (u64)&op, 1, 0, 0x7ff0);
}

static void take_traps(void)
{
    struct { u8 vector, flags; unsigned short cs; u32 pad; u64 address; } traps[37] = { 0 };
    u32 n = 0;
    for (; n < 32; n++) {
        traps[n].vector = n;
        traps[n].flags = n == 6 ? 4 : n == 3 || n == 4 ? 3 : 0;
        traps[n].address = ((u64 *)stubs)[n];
        traps[n].cs = FLAT_CS64;
    }
    const u8 soft[][2] = { { 0x40, 3 }, { 0x41, 1 }, { 0x42, 0 }, { 0x80, 3 | 4 } };
    for (u32 s = 0; s < 4; s++, n++) {
        traps[n].vector = soft[s][0];
        traps[n].flags = soft[s][1];
        traps[n].address = ((u64 *)stubs)[STUB_SOFT + s];
        traps[n].cs = FLAT_CS64;
    }
    field("set_trap_table ", -call(0, (u64)traps, 0, 0));
    const unsigned short callbacks[][3] = {
        { 0, 0, STUB_EVENT }, { 1, 1, STUB_FAILSAFE }, { 2, 1, STUB_SYSCALL }, { 7, 0, STUB_SYSCALL32 },
        { 5, 1, STUB_SYSENTER },
    };
    for (u32 c = 0; c < 5; c++) {
        struct { unsigned short type, flags; u32 pad; u64 address; } arg = { callbacks[c][0], callbacks[c][1], 0,
                                                                               ((u64 *)stubs)[callbacks[c][2]] };
        field(" callback ", -call(30, 0, (u64)&arg, 0));
    }
    struct { u32 cmd, pad; u64 a, b; } op = { 15, 0, machine((void *)start->pt_base) >> 12, 0 };
    field(" user root ", -call4(26, (u64)&op, 1, 0, 0x7ff0));
    print("\r\n");
}

/* The kernel's command line may say which tests to run: the number of the first, and of the first that is not. */
static u64 number(const char **text)
{
    u64 value = 0;
    while (**text == ' ')
        (*text)++;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        value = value * 10 + **text - '0';
    return value;
}

void main(const struct start_info *s)
{
    start = start_of_day = s;
    call(14, (u64)&shared_info, s->shared_info | 3, 2);
    console = (void *)(((u64 *)MACH2PHYS_VIRT_START)[s->console.mfn] * 4096);
    console_port = s->console.evtchn;
    shared_info.vcpu_info[0].evtchn_upcall_mask = 1;
    for (u32 n = 0; n < 64; n++)
        shared_info.evtchn_mask[n] = ~0ul;
    take_traps();
    for (char *at = (char *)0x100000; at < _end; at += 4096)
        if (at != (char *)&shared_info)
            map(at, 7);
    map(read_only, 5);
    call(14, (u64)absent, 0, 2);
    descriptors();
    const char *command = start->cmd_line;
    u64 first = number(&command), last = number(&command);
    for (test = tests + first; test < tests_end && (last == 0 || test < tests + last); test++) {
        reset();
        stops_left = test->stops;
        print(test->name);
        print(":");
        enter_test(test->code, test->mode);
        print("\r\n");
        notify();
    }
    print("exceptions: done\r\n");
    notify();
    while (console->out_cons != console->out_prod)
        call(29, SCHEDOP_yield, 0, 0);
    u32 reason = 0;
    for (;;)
        call(29, SCHEDOP_shutdown, (u64)&reason, 0);
}
