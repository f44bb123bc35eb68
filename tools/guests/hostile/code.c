/* Code that is written and run without end. */
#include "../runtime/guest.h"

static unsigned char pages[16][PAGE_BYTES] PAGE_ALIGNED;

/* mov $n, %ecx; 1: add $imm, %eax; dec %ecx; jnz 1b; ret. */
static void write_loop(unsigned char *at, u32 rounds, u32 constant)
{
    unsigned char body[] = { 0xb9, 0, 0, 0, 0, 0x05, 0, 0, 0, 0, 0xff, 0xc9, 0x75, 0xf7, 0xc3 };
    *(u32 *)(body + 1) = rounds;
    *(u32 *)(body + 6) = constant;
    for (u64 i = 0; i < sizeof body; i++)
        at[i] = body[i];
}

static u32 call(const void *at)
{
    u32 result = 0;
    __asm__ volatile("call *%1" : "+a"(result) : "r"(at) : "rcx", "memory");
    return result;
}

static void check(const char *what, u32 got, u32 wanted)
{
    if (got == wanted)
        return;
    print(what);
    print(" is wrong: ");
    print_hex(got);
    print(" and not ");
    print_hex(wanted);
    print("\n");
    shutdown(SHUTDOWN_crash);
}

/* Each loop is new, and hot enough that it is compiled. */
FACT(hot_code, "code-hot-and-new")
{
    for (u32 n = 1;; n++) {
        unsigned char *at = pages[n % 16] + n / 16 % 64 * 64;
        write_loop(at, 3000, n);
        check("a loop", call(at), 3000 * n);
        if (n % 4096 == 0)
            answer("loops", n);
    }
}

/* Each loop runs once: nothing but the translation counts. */
FACT(cold_code, "code-cold-and-new")
{
    for (u32 n = 1;; n++) {
        unsigned char *at = pages[n / 64 % 16] + n % 64 * 64;
        write_loop(at, 1, n);
        check("a loop", call(at), n);
    }
}

/* The immediate in the middle of the loop that runs: the next round has to see it. */
FACT(self_writer, "code-writes-itself")
{
    for (u32 n = 1;; n++) {
        u32 result = 0;
        __asm__ volatile("mov $100, %%ecx\n"
                         "1: add $0x12345678, %%eax\n"
                         ".globl patched\npatched:\n"
                         "mov %%ecx, patched - 4\n"
                         "dec %%ecx\n"
                         "jnz 1b\n"
                         : "+a"(result)
                         :
                         : "rcx", "memory");
        u32 wanted = 100 * 101 / 2 - 1 + (n == 1 ? 0x12345678 : 1);
        check("a patched sum", result, wanted);
    }
}

/* An instruction that crosses two pages is changed on either side, and its pages by another mapping. */
FACT(crossing, "code-across-pages")
{
    unsigned char *at = pages[1] - 3; /* b8 imm32: 1 + 2 bytes before the border, 2 behind; then ret */
    unsigned char *alias = (unsigned char *)new_page();
    map(alias, mfn_of(pages[1]) << 12 | PAGE_PRESENT | PAGE_RW);
    at[0] = 0xb8;
    at[5] = 0xc3;
    for (u32 n = 1;; n++) {
        for (int i = 0; i < 4; i++) {
            u32 value = n * 0x9e3779b9u + i;
            at[1] = value;
            at[2] = value >> 8;
            alias[0] = value >> 16;
            pages[1][1] = value >> 24;
            for (int again = 0; again < 3; again++)
                check("a crossing move", call(at), value);
        }
    }
}

/* Hypercalls change code: by a page copied over it. */
FACT(copied, "code-copied-over")
{
    for (u32 n = 1;; n++) {
        write_loop(pages[0], 2, n);
        mmuext(MMUEXT_COPY_PAGE, mfn_of(pages[1]), mfn_of(pages[0]));
        check("a copied loop", call(pages[1]), 2 * n);
    }
}

static void touch(void *page)
{
    *(volatile char *)page = 0;
}

/* As much code as memory: what is translated of it has to be given up again and again. */
FACT(much_code, "code-everywhere")
{
    u64 first = ((u64)start_info->pt_base + start_info->nr_pt_frames * PAGE_BYTES) / PAGE_BYTES + 2;
    u64 last = first;
    while (last < start_info->nr_pages && !attempt(touch, (void *)(last * PAGE_BYTES)))
        last++;
    answer("pages", last - first);
    for (u32 n = 1;; n++)
        for (u64 page = first; page < last; page++)
            for (u32 place = 0; place < 4096; place += 512) {
                unsigned char *at = (unsigned char *)(page * PAGE_BYTES + place);
                write_loop(at, 1, n);
                check("a loop", call(at), n);
            }
}

static volatile u32 value_wanted, value_ready;

static void writer(void)
{
    for (u32 n = 1;; n++) {
        write_loop(pages[0], 1, n);
        value_ready = n;
        barrier();
        while (value_wanted != n)
            __asm__ volatile("pause");
    }
}

/* vCPU 1 writes what vCPU 0 runs; a jump to it after the news is cross-modifying code with a serialising CPUID. */
FACT(cross_vcpu, "code-of-another-vcpu")
{
    start_vcpu1(writer);
    for (u32 n = 1;; n++) {
        while (value_ready != n)
            __asm__ volatile("pause");
        __asm__ volatile("cpuid" ::: "eax", "ebx", "ecx", "edx", "memory");
        check("a loop of another vCPU", call(pages[0]), n);
        value_wanted = n;
        if (n % 1024 == 0)
            answer("handed over", n);
    }
}

static void scribble(void)
{
    for (u32 n = 1;; n++)
        *(volatile u32 *)(pages[2] + 6) = n;
}

/* No order at all: vCPU 1 writes into the loop that vCPU 0 runs. */
FACT(race, "code-in-a-race")
{
    write_loop(pages[2], 3000, 1);
    start_vcpu1(scribble);
    for (;;)
        call(pages[2]);
}
