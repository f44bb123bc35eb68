/*
 * The runtime of the test guests: a kernel of one ELF that holds any number of facts and does the one that its command line
 * names (`fact=NAME`, `seed=N`). PFN n is mapped at n * 4096.
 */
#ifndef RUNTIME_GUEST_H
#define RUNTIME_GUEST_H
#include "../../../apps/xend/guests/hello/xen.h"
#include "abi.h"

typedef unsigned short u16;

#define barrier() __asm__ volatile("" ::: "memory")
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PAGE_ALIGNED __attribute__((aligned(PAGE_BYTES)))
#define STACK_BYTES 32768

/* A fact: what the guest does. It powers off when that returns. */
struct fact { const char *name; void (*act)(void); };
#define FACT(id, name)                                                                                     \
    static void id(void);                                                                                  \
    static const struct fact fact_##id __attribute__((section("facts"), used)) = { name, id };             \
    static void id(void)

extern const struct start_info *start_info;
void start(const struct start_info *);
extern char shared_info_page[PAGE_BYTES];
#define SHARED (*(struct shared_info *)shared_info_page)
extern volatile struct xencons_interface *console;
extern u64 seed;
/* What lies on either side of everything: the text begins at 1 MiB. */
extern char stacks[2][STACK_BYTES];
#define VCPU_INFO(n) (*(volatile struct vcpu_info *)&SHARED.vcpu_info[n])

/* Console. */
void print(const char *text);
void print_number(u64 value);
void print_hex(u64 value);
/* A line "NAME: RESULT", which the tests compare with their tables. */
void answer(const char *name, long result);
void shutdown(u32 reason) __attribute__((noreturn));

/* Traps. What is in the frame when the handler returns is what the vCPU goes on with. */
struct frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error, rip, cs, rflags, rsp, ss;
};
enum { VECTOR_SYSCALL = 256, VECTOR_EVENT = 257, VECTOR_FAILSAFE = 258 };
extern void (*on_exception)(struct frame *);
extern void (*on_event)(struct frame *);
/* Number of the vCPU, by the stack it runs on: 0 for any stack but vCPU 1's. */
u32 this_vcpu(void);
/* 0, or vector + 1 of the exception that ended `act`. */
long attempt(void (*act)(void *), void *what);
int attempting(void);
/* Out of the innermost attempt, which answers `code`. */
void escape(long code) __attribute__((noreturn));
void iret_to(void *frame) __attribute__((noreturn));
void run_with(const u64 registers[16], void *at) __attribute__((noreturn));
extern char traps[], syscall_callback[], event_callback[], failsafe_callback[], second_start[];

/* Time and events. */
u64 system_time(void); /* ns */
void set_timer(u64 at); /* ns of system_time; event on vCPU 0 */
void take_timer_events(void);
void block(void);
/* Whether so many milliseconds have passed since `since`. */
int passed(u64 since, u64 ms);
u64 random64(void);

/* Memory. */
u64 mfn_of(const void *page);
void *page_of(u64 mfn);
/* Machine address of the entry of `level` (1 to 4) for an address, and its value. */
u64 entry_address(const void *va, int level);
u64 entry_of(const void *va, int level);
/* A page of zeroes, RAM of the guest and mapped writable. 0 if there is none left. */
void *new_page(void);
long map(const void *va, u64 entry); /* update_va_mapping with a flush of the address */
/* mmu_update of one entry: at machine address `at`. */
long set_entry(u64 at, u64 entry);
long mmuext(u32 cmd, u64 arg1, u64 arg2);
static inline long make_readonly(void *page) { return map(page, mfn_of(page) << 12 | PAGE_PRESENT); }
static inline long make_writable(void *page) { return map(page, mfn_of(page) << 12 | PAGE_PRESENT | PAGE_RW); }
static inline long make_user(void *page) { return map(page, mfn_of(page) << 12 | PAGE_PRESENT | PAGE_RW | PAGE_USER); }

/* Starts vCPU 1 in `act`. */
void start_vcpu1(void (*act)(void));

static inline long hypercall5(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
    long result;
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(hypercall_page + 32 * nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "memory");
    return result;
}

#endif
