/* Guests whose user mode takes them where their kernel cannot be entered. */
#include "../runtime/guest.h"

#define NOWHERE 0x7f0000001000ul

static unsigned char code[PAGE_BYTES] PAGE_ALIGNED = {
    0x0f, 0x0b,                                           /*  0: ud2 */
    0x0f, 0x05,                                           /*  2: syscall */
    0xeb, 0xfe,                                           /*  4: jmp . */
    0xa1, 0, 0, 0, 0, 0, 0x7f, 0, 0,                      /*  6: mov 0x7f0000000000, %eax */
    0xcd, 0x80,                                           /* 15: int $0x80 */
};
enum { UD2 = 0, SYSCALL = 2, SPIN = 4, LOAD = 6, INT80 = 15 };

static char user_stack[PAGE_BYTES] PAGE_ALIGNED;

/* Goes to user mode at one of the instructions, with a kernel stack of the caller's choice. */
static void user(int at, u64 kernel_stack)
{
    make_user(code);
    make_user(user_stack);
    mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of((void *)start_info->pt_base), 0);
    hypercall(__HYPERVISOR_stack_switch, FLAT_SS64, kernel_stack, 0);
    struct iret_frame frame = { .rip = (u64)code + (u64)at, .cs = FLAT_CS64 | 3, .ss = FLAT_SS64, .rflags = 0x200 };
    frame.rsp = (u64)user_stack + PAGE_BYTES;
    iret_to(&frame);
}

FACT(no_handler, "user-without-handler")
{
    hypercall(__HYPERVISOR_set_trap_table, 0, 0, 0);
    user(UD2, (u64)stacks[0] + STACK_BYTES);
}

FACT(no_stack, "user-without-kernel-stack")
{
    user(UD2, NOWHERE);
}

FACT(int_no_stack, "int-without-kernel-stack")
{
    static struct trap_info table[2] = { { 0x80, 3, FLAT_CS64, 0x1000 } };
    hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0);
    user(INT80, NOWHERE);
}

FACT(syscall_no_stack, "syscall-without-kernel-stack")
{
    user(SYSCALL, NOWHERE);
}

FACT(event_no_stack, "event-without-kernel-stack")
{
    take_timer_events();
    set_timer(system_time() + 20000000);
    user(SPIN, NOWHERE);
}

/* The page fault's handler is not there, and the kernel's stack holds two frames: a double fault. */
FACT(double_fault, "double-fault-of-user-mode")
{
    static struct trap_info table[2] = { { 14, 0, FLAT_CS64, NOWHERE } };
    hypercall(__HYPERVISOR_set_trap_table, (u64)table, 0, 0);
    map(stacks[0], 0);
    user(LOAD, (u64)stacks[0] + PAGE_BYTES + 192);
}

/* The stack of the kernel is a page of its own page tables. */
FACT(stack_of_tables, "kernel-stack-on-tables")
{
    user(UD2, start_info->pt_base + PAGE_BYTES);
}
