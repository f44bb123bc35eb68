/*
 * A paravirtual guest that needs nothing but this folder: it greets on the PV console, tells the time, echoes the lines
 * it gets, sleeps in between, and powers off at "quit"; tests also say "crash", "reboot" and "work". To be compiled without a red
 * zone, as events arrive on this stack.
 */
#include "xen.h"

#define barrier() __asm__ volatile("" ::: "memory")

void event_callback(void); /* head.S */

static struct shared_info shared_info __attribute__((aligned(PAGE_BYTES)));
static volatile struct xencons_interface *console;
static u32 console_port;

#define VCPU (*(volatile struct vcpu_info *)&shared_info.vcpu_info[0])

static void shutdown(u32 reason)
{
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (u64)&reason, 0);
}

/* From the event callback. The one event we take says "look at the console ring", which the main loop does anyway. */
void on_event(void)
{
    VCPU.evtchn_upcall_pending = 0;
    barrier(); /* the order of event_channel.h: an event that comes now raises the flag again */
    u64 words = __atomic_exchange_n(&shared_info.vcpu_info[0].evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 64; i++)
        if (words >> i & 1)
            __atomic_exchange_n(&shared_info.evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
}

static void notify_console(void)
{
    u32 port = console_port;
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&port, 0);
}

static void put(char c)
{
    while (console->out_prod - console->out_cons == sizeof console->out) {
        notify_console();
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    console->out[console->out_prod % sizeof console->out] = c;
    barrier();
    console->out_prod++;
}

static void print(const char *text)
{
    while (*text)
        put(*text++);
    notify_console();
}

/* At least `digits` of them, at most 20. */
static void print_number(u64 value, int digits)
{
    char text[21];
    char *at = text + sizeof text - 1;
    *at = 0;
    while (value || digits > 0) {
        *--at = '0' + value % 10;
        value /= 10;
        digits--;
    }
    print(at);
}

/* Nanoseconds since Xen started (struct vcpu_time_info of xen.h). */
static u64 system_time(void)
{
    u32 version;
    u64 now;
    do {
        version = VCPU.time.version;
        barrier();
        u32 low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        u64 ticks = ((u64)high << 32 | low) - VCPU.time.tsc_timestamp;
        int shift = VCPU.time.tsc_shift;
        ticks = shift < 0 ? ticks >> -shift : ticks << shift;
        now = VCPU.time.system_time + (u64)((unsigned __int128)ticks * VCPU.time.tsc_to_system_mul >> 32);
        barrier();
    } while (version & 1 || version != VCPU.time.version);
    return now;
}

static void print_time(void)
{
    volatile struct shared_info *info = &shared_info;
    u64 now = system_time();
    u32 version;
    u64 seconds;
    do {
        version = info->wc_version;
        barrier();
        seconds = info->wc_sec + (info->wc_nsec + now) / 1000000000;
        barrier();
    } while (version & 1 || version != info->wc_version);
    print_number(seconds / 3600 % 24, 2);
    print(":");
    print_number(seconds / 60 % 60, 2);
    print(":");
    print_number(seconds % 60, 2);
    print(" UTC, ");
    print_number(now / 1000000000, 1);
    print(".");
    print_number(now / 1000000 % 1000, 3);
    print(" s after Xen started\r\n");
}

static void map_shared_info(u64 machine)
{
    u64 entry = machine | PAGE_PRESENT | PAGE_RW;
    if (hypercall(__HYPERVISOR_update_va_mapping, (u64)&shared_info, entry, UVMF_INVLPG))
        shutdown(SHUTDOWN_crash);
}

static void open_console(const struct start_info *start)
{
    /* PFN n is mapped at n * 4096. */
    console = (void *)(((u64 *)MACH2PHYS_VIRT_START)[start->console.mfn] * PAGE_BYTES);
    console_port = start->console.evtchn;
}

static void take_events(void)
{
    struct { unsigned short type, flags; u64 address; } callback = { 0, 0, (u64)event_callback };
    if (hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, (u64)&callback, 0))
        shutdown(SHUTDOWN_crash);
    __atomic_and_fetch(&shared_info.evtchn_mask[console_port / 64], ~(1ul << console_port % 64), __ATOMIC_SEQ_CST);
}

/* With the upcall mask set nothing can come between the look at the ring and the sleep, which opens the mask again. */
static char get(void)
{
    for (;;) {
        VCPU.evtchn_upcall_mask = 1;
        barrier();
        if (console->in_cons != console->in_prod)
            break;
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
    }
    char c = console->in[console->in_cons % sizeof console->in];
    barrier();
    console->in_cons++;
    notify_console();
    return c;
}

/* Reads a line, echoing it as a terminal would. */
static void get_line(char *line, u32 room)
{
    u32 length = 0;
    char c;
    while ((c = get()) != '\r' && c != '\n') {
        if ((c == 127 || c == 8) && length > 0) {
            length--;
            print("\b \b");
        } else if ((u8)c >= ' ' && c != 127 && length + 1 < room) {
            line[length++] = c;
            put(c);
            notify_console();
        }
    }
    line[length] = 0;
    print("\r\n");
}

static int equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static void greet(const struct start_info *start)
{
    static char capabilities[1024];
    u32 version = hypercall(__HYPERVISOR_xen_version, XENVER_version, 0, 0);
    hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, (u64)capabilities, 0);
    char *end = capabilities; /* of the first of the list */
    while (*end && *end != ' ')
        end++;
    *end = 0;
    print("Hello from a paravirtual guest on Xen ");
    print_number(version >> 16, 1);
    print(".");
    print_number(version & 0xffff, 1);
    print(" (");
    print(capabilities);
    print(") with ");
    print_number(start->nr_pages / 256, 1);
    print(" MiB.\r\nIt is ");
    print_time();
    print("Lines are echoed; \"time\" tells the time, \"quit\" powers off.\r\nhello: ready\r\n");
}

/* Never sleeps again. Each dot is 4 million rounds: how many there are says how much processor time it had. */
static void work(void)
{
    for (u64 x = 1;;) {
        for (u32 i = 0; i < 1u << 22; i++) {
            x = x * 6364136223846793005 + 1442695040888963407;
            __asm__ volatile("" : "+r"(x));
        }
        print(".");
    }
}

void main(const struct start_info *start)
{
    char line[80];
    map_shared_info(start->shared_info);
    open_console(start);
    take_events();
    greet(start);
    for (;;) {
        print("> ");
        get_line(line, sizeof line);
        if (equal(line, "quit"))
            break;
        if (equal(line, "crash"))
            shutdown(SHUTDOWN_crash);
        if (equal(line, "reboot"))
            shutdown(SHUTDOWN_reboot);
        if (equal(line, "work"))
            work();
        if (equal(line, "time"))
            print_time();
        else if (*line) {
            print("you said: ");
            print(line);
            print("\r\n");
        }
    }
    print("Good bye.\r\n");
    shutdown(SHUTDOWN_poweroff);
}
