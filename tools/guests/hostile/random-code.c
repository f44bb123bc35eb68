/* Streams of random bytes, run in user and in kernel mode, until the time is over. The seed is in the command line. */
#include "../runtime/guest.h"

#define STREAM_TICK 2000000ul /* ns; a stream that still runs after two of them is left */

static unsigned char code[2 * PAGE_BYTES] PAGE_ALIGNED;
static u64 scratch[4 * 512] PAGE_ALIGNED;
static volatile u64 streams, ticks_of_stream;
static struct { struct iret_frame user; int in_user; u64 registers[16]; void *at; } next;

static void fill(void)
{
    for (u64 *at = (u64 *)code; at < (u64 *)(code + sizeof code); at++)
        *at = random64();
}

/* Half of the registers point into the scratch pages, the others anywhere. */
static void choose_registers(u64 *registers)
{
    for (int i = 0; i < 16; i++) {
        u64 any = random64();
        registers[i] = any & 1 ? (u64)scratch + 8192 + (any >> 8) % 4096 : any & 2 ? any >> 32 & 0xff : any & 4 ? any : (u64)((long)any >> 17);
    }
    registers[4] = (u64)scratch + 8192;
}

static void run_stream(void *unused)
{
    (void)unused;
    if (!next.in_user)
        run_with(next.registers, next.at);
    iret_to(&next.user);
}

static void tick(struct frame *frame)
{
    (void)frame;
    set_timer(system_time() + STREAM_TICK);
    if (++ticks_of_stream > 2 && attempting())
        escape(VECTOR_EVENT + 1);
}

static void report(u64 *by_vector)
{
    print("streams: ");
    print_number(streams);
    for (int i = 0; i < VECTOR_FAILSAFE + 2; i++)
        if (by_vector[i]) {
            print(" ");
            print_number(i);
            print("x");
            print_number(by_vector[i]);
        }
    print("\n");
}

static void stream_for_ever(int in_user)
{
    static u64 ends[VECTOR_FAILSAFE + 2];
    print("seed: ");
    print_number(seed);
    print("\n");
    next.in_user = in_user;
    on_event = tick;
    take_timer_events();
    set_timer(system_time() + STREAM_TICK);
    for (;;) {
        if (streams % 256 == 0)
            fill();
        if (streams % 65536 == 65535)
            report(ends);
        u64 from = random64() % (sizeof code - 64);
        choose_registers(next.registers);
        next.at = code + from;
        next.user = (struct iret_frame){ .rax = random64(), .r11 = random64(), .rcx = random64(), .rip = (u64)next.at };
        next.user.cs = FLAT_CS64 | 3;
        next.user.ss = FLAT_SS64;
        next.user.rflags = 0x200;
        next.user.rsp = next.registers[4];
        ticks_of_stream = 0;
        ends[attempt(run_stream, 0)]++;
        VCPU_INFO(0).evtchn_upcall_mask = 0;
        streams++;
    }
}

static void make_all(long (*how)(void *))
{
    for (u64 at = 0; at < sizeof code; at += PAGE_BYTES)
        how(code + at);
    for (u64 at = 0; at < sizeof scratch; at += PAGE_BYTES)
        how((char *)scratch + at);
}

static long user_page(void *page)
{
    return make_user(page);
}

FACT(random_user, "random-user")
{
    make_all(user_page);
    mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of((void *)start_info->pt_base), 0);
    stream_for_ever(1);
}

/*
 * One page at every address that is not taken and not Xen's, so that most of what a stream makes of RSP is a stack: tables
 * of each level whose entries are all the same.
 */
static void map_everything(void)
{
    static u64 everywhere[512] PAGE_ALIGNED;
    u64 below[4] = { mfn_of(everywhere) };
    for (int level = 1; level < 4; level++) {
        u64 *table = new_page();
        for (int i = 0; i < 512; i++)
            table[i] = below[level - 1] << 12 | PAGE_PRESENT | PAGE_RW;
        make_readonly(table);
        below[level] = mfn_of(table);
    }
    for (int level = 4; level > 1; level--)
        for (u64 i = 0; i < 512; i++) {
            const char *va = (const char *)((long)(i << (12 + 9 * (level - 1))) << 16 >> 16);
            if ((level < 4 || i < 256 || i > 271) && !(entry_of(va, level) & PAGE_PRESENT))
                set_entry(entry_address(va, level), below[level - 1] << 12 | PAGE_PRESENT | PAGE_RW);
        }
}

/* Here a stream may spoil anything: its own kernel's data is writable, and RSP is what it makes of it. */
FACT(random_kernel, "random-kernel")
{
    extern char __executable_start[], etext[];
    map_everything();
    for (char *at = __executable_start; at < etext; at += PAGE_BYTES)
        make_readonly(at);
    stream_for_ever(0);
}
