#include "guest.h"

const struct start_info *start_info;
char shared_info_page[PAGE_BYTES] PAGE_ALIGNED;
volatile struct xencons_interface *console;
u64 seed = 1;
char stacks[2][STACK_BYTES] __attribute__((aligned(STACK_BYTES)));
static char trap_stack[STACK_BYTES] PAGE_ALIGNED; /* of what comes from user mode */
void (*on_exception)(struct frame *);
void (*on_event)(struct frame *);
static void (*second_act)(void);
static u64 *back[2]; /* the innermost attempt of each vCPU */
static u32 timer_port;

long attempt_on(u64 **back, void (*act)(void *), void *what);
void escape_to(u64 *back, long code) __attribute__((noreturn));
extern const struct fact __start_facts[], __stop_facts[];

void shutdown(u32 reason)
{
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (u64)&reason, 0);
}

/* ---- console ---- */

static void notify_console(void)
{
    u32 port = start_info->console.evtchn;
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&port, 0);
}

void print(const char *text)
{
    for (; *text; text++) {
        while (console->out_prod - console->out_cons == sizeof console->out) {
            notify_console();
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        }
        console->out[console->out_prod % sizeof console->out] = *text;
        barrier();
        console->out_prod++;
    }
    notify_console();
}

void print_number(u64 value)
{
    char text[21];
    char *at = text + sizeof text - 1;
    *at = 0;
    do
        *--at = '0' + value % 10;
    while (value /= 10);
    print(at);
}

void print_hex(u64 value)
{
    char text[19] = "0x0000000000000000";
    for (int i = 17; i > 1; i--, value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    print(text);
}

void answer(const char *name, long result)
{
    print(name);
    print(result < 0 ? ": -" : ": ");
    print_number(result < 0 ? -result : result);
    print("\n");
}

/* ---- traps ---- */

u32 this_vcpu(void)
{
    u64 sp = (u64)__builtin_frame_address(0);
    return sp - (u64)stacks[1] < STACK_BYTES;
}

long attempt(void (*act)(void *), void *what)
{
    return attempt_on(&back[this_vcpu()], act, what);
}

int attempting(void)
{
    return back[this_vcpu()] != 0;
}

void escape(long code)
{
    escape_to(back[this_vcpu()], code);
}

static void report(const struct frame *frame)
{
    print("unexpected vector ");
    print_number(frame->vector);
    print(" error ");
    print_hex(frame->error);
    print(" at ");
    print_hex(frame->rip);
    print("\n");
    shutdown(SHUTDOWN_crash);
}

void on_trap(struct frame *frame)
{
    if (frame->vector == VECTOR_EVENT) {
        volatile struct vcpu_info *info = &VCPU_INFO(this_vcpu());
        info->evtchn_upcall_pending = 0;
        u64 words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 64; i++)
            if (words >> i & 1)
                __atomic_exchange_n(&SHARED.evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
        if (on_event)
            on_event(frame);
    } else if (on_exception) {
        on_exception(frame);
    } else if (attempting()) {
        escape(frame->vector + 1);
    } else {
        report(frame);
    }
}

static void register_callback(u16 type, void *address)
{
    struct { u16 type, flags; u64 address; } callback = { type, 0, (u64)address };
    hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, (u64)&callback, 0);
}

static void take_traps(void)
{
    static struct trap_info table[33];
    for (int i = 0; i < 32; i++)
        table[i] = (struct trap_info){ i, 0, FLAT_CS64, (u64)traps + 16 * i };
    hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0);
    register_callback(CALLBACKTYPE_event, event_callback);
    register_callback(CALLBACKTYPE_failsafe, failsafe_callback);
    register_callback(CALLBACKTYPE_syscall, syscall_callback);
    hypercall(__HYPERVISOR_stack_switch, FLAT_SS64, (u64)trap_stack + sizeof trap_stack, 0);
}

/* ---- time and events ---- */

u64 system_time(void)
{
    volatile struct vcpu_info *info = &VCPU_INFO(this_vcpu());
    u32 version;
    u64 now;
    do {
        version = info->time.version;
        barrier();
        u32 low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        u64 ticks = ((u64)high << 32 | low) - info->time.tsc_timestamp;
        int shift = info->time.tsc_shift;
        ticks = shift < 0 ? ticks >> -shift : ticks << shift;
        now = info->time.system_time + (u64)((unsigned __int128)ticks * info->time.tsc_to_system_mul >> 32);
        barrier();
    } while (version & 1 || version != info->time.version);
    return now;
}

int passed(u64 since, u64 ms)
{
    return system_time() - since >= ms * 1000000;
}

void take_timer_events(void)
{
    struct evtchn_bind_virq bind = { VIRQ_TIMER, 0, 0 };
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (u64)&bind, 0);
    timer_port = bind.port;
    __atomic_and_fetch(&SHARED.evtchn_mask[timer_port / 64], ~(1ul << timer_port % 64), __ATOMIC_SEQ_CST);
    VCPU_INFO(0).evtchn_upcall_mask = 0;
}

void set_timer(u64 at)
{
    struct { u64 timeout_abs_ns; u32 flags; } timer = { at, 0 };
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, (u64)&timer);
}

void block(void)
{
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
}

/* splitmix64 */
u64 random64(void)
{
    u64 z = (seed += 0x9e3779b97f4a7c15ul);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
    z = (z ^ z >> 27) * 0x94d049bb133111ebul;
    return z ^ z >> 31;
}

/* ---- memory ---- */

u64 mfn_of(const void *page)
{
    return ((u64 *)start_info->mfn_list)[(u64)page / PAGE_BYTES];
}

void *page_of(u64 mfn)
{
    return (void *)(((u64 *)MACH2PHYS_VIRT_START)[mfn] * PAGE_BYTES);
}

u64 entry_address(const void *va, int level)
{
    u64 *table = (u64 *)start_info->pt_base;
    for (int at = 4;; at--) {
        u64 *entry = &table[(u64)va >> (12 + 9 * (at - 1)) & 511];
        if (at == level)
            return mfn_of(table) << 12 | ((u64)entry & 4095);
        table = page_of(*entry << 12 >> 24);
    }
}

u64 entry_of(const void *va, int level)
{
    u64 at = entry_address(va, level);
    return *(u64 *)((char *)page_of(at >> 12) + (at & 4095));
}

/* Those above what the builder placed: mapped by it, and nobody's. */
void *new_page(void)
{
    extern char _end[];
    static u64 next;
    static u8 pool[64][PAGE_BYTES] PAGE_ALIGNED;
    (void)_end;
    return next < COUNT(pool) ? pool[next++] : 0;
}

long map(const void *va, u64 entry)
{
    return hypercall(__HYPERVISOR_update_va_mapping, (u64)va, entry, UVMF_INVLPG);
}

long set_entry(u64 at, u64 entry)
{
    struct mmu_update update = { at, entry };
    return hypercall5(__HYPERVISOR_mmu_update, (u64)&update, 1, 0, DOMID_SELF, 0);
}

long mmuext(u32 cmd, u64 arg1, u64 arg2)
{
    struct mmuext_op op = { cmd, 0, arg1, arg2 };
    return hypercall5(__HYPERVISOR_mmuext_op, (u64)&op, 1, 0, DOMID_SELF, 0);
}

/* ---- vCPU 1 ---- */

void start_second(void)
{
    second_act();
    for (;;)
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0);
}

void start_vcpu1(void (*act)(void))
{
    static struct vcpu_guest_context context PAGE_ALIGNED;
    second_act = act;
    context.flags = 4;
    context.rip = (u64)second_start;
    context.cs = FLAT_CS64;
    context.ss = FLAT_SS64;
    context.rflags = 0x1000;
    context.rsp = (u64)stacks[1] + STACK_BYTES;
    context.kernel_ss = FLAT_SS64;
    context.kernel_sp = context.rsp;
    for (int i = 0; i < 32; i++)
        context.trap_ctxt[i] = (struct trap_info){ i, 0, FLAT_CS64, (u64)traps + 16 * i };
    context.event_cb = (u64)event_callback;
    context.failsafe_cb = (u64)failsafe_callback;
    context.syscall_cb = (u64)syscall_callback;
    context.ctrlreg[3] = mfn_of((void *)start_info->pt_base) << 12;
    if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (u64)&context))
        print("vCPU 1 was not initialised\n");
    if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0))
        print("vCPU 1 did not come up\n");
}

/* ---- beginning ---- */

/* The value of `key` in the command line, 0 if it is not there. */
static const char *option(const char *key)
{
    for (const char *at = start_info->cmd_line; *at; at++) {
        const char *k = key;
        const char *v = at;
        while (*k && *k == *v)
            k++, v++;
        if (!*k && *v == '=')
            return v + 1;
    }
    return 0;
}

static int names(const char *value, const char *name)
{
    while (*name && *name == *value)
        name++, value++;
    return !*name && (!*value || *value == ' ');
}

void start(const struct start_info *given)
{
    start_info = given;
    if (map(shared_info_page, given->shared_info | PAGE_PRESENT | PAGE_RW))
        shutdown(SHUTDOWN_crash);
    console = page_of(given->console.mfn);
    take_traps();
    const char *wanted = option("seed");
    if (wanted)
        for (seed = 0; *wanted >= '0' && *wanted <= '9'; wanted++)
            seed = seed * 10 + *wanted - '0';
    wanted = option("fact");
    for (const struct fact *fact = __start_facts; wanted && fact < __stop_facts; fact++) {
        if (!names(wanted, fact->name))
            continue;
        fact->act();
        print("done\n");
        shutdown(SHUTDOWN_poweroff);
    }
    print("no such fact: ");
    print(start_info->cmd_line);
    print("\n");
    shutdown(SHUTDOWN_crash);
}
