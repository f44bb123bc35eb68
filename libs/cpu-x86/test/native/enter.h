/*
 * Enters guest code on the host's CPU with a given state, and gets the state back when the code jumps to `leave` or raises a
 * signal. Included by the programs beside it, which have their own protocols.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define STATE  0x23000000ul /* struct machine */
#define FLAGS 0xcd5ul /* flags a case may set: the arithmetic ones and DF */
#define CS64 0x33
#define CS32 0x23

struct cpu { uint8_t fx[512]; uint64_t gpr[16], rflags; };
/* How code ended; `rip` is an address, `words` the includer's. */
struct result {
	uint32_t signal, words;
	uint64_t trapno, error, rip, address;
	struct cpu cpu;
};

/* At STATE. The offsets occur in the assembly below. */
struct machine {
	struct cpu cpu;            /* 0: fx, 512: gpr, 640: rflags */
	uint64_t host_rsp;         /* 648 */
	uint64_t after;            /* 656: address of `leave`, 32-bit code jumps through here */
	uint16_t after_cs;         /* 664 */
	uint8_t pad[6];
	uint32_t entry;            /* 672: CODE and its selector, for the far jump */
	uint16_t entry_cs;         /* 676 */
	uint8_t pad2[2];
	uint32_t mxcsr;            /* 680: the host's */
};
_Static_assert(__builtin_offsetof(struct machine, host_rsp) == 648, "offsets in enter and leave");
_Static_assert(__builtin_offsetof(struct machine, mxcsr) == 680, "offsets in enter and leave");

void enter(void);
void leave(void);
void recover(void);
__asm__(
	".text\n"
	".set M, 0x23000000\n"
	".globl enter, leave, recover\n"
	"enter:\n"
	"  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"  mov %rsp, M+648\n"
	"  fxrstor64 M\n"
	"  mov $M+640, %esp\n"
	"  popfq\n"
	"  mov M+512, %rax; mov M+520, %rcx; mov M+528, %rdx; mov M+536, %rbx\n"
	"  mov M+544, %rsp; mov M+552, %rbp; mov M+560, %rsi; mov M+568, %rdi\n"
	"  mov M+576, %r8;  mov M+584, %r9;  mov M+592, %r10; mov M+600, %r11\n"
	"  mov M+608, %r12; mov M+616, %r13; mov M+624, %r14; mov M+632, %r15\n"
	"  ljmpl *M+672\n"
	"leave:\n"
	"  mov %rax, M+512; mov %rcx, M+520; mov %rdx, M+528; mov %rbx, M+536\n"
	"  mov %rsp, M+544; mov %rbp, M+552; mov %rsi, M+560; mov %rdi, M+568\n"
	"  mov %r8,  M+576; mov %r9,  M+584; mov %r10, M+592; mov %r11, M+600\n"
	"  mov %r12, M+608; mov %r13, M+616; mov %r14, M+624; mov %r15, M+632\n"
	"  mov $M+648, %esp\n"
	"  pushfq\n"
	"  fxsave64 M\n"
	"recover:\n"
	"  mov M+648, %rsp\n"
	"  cld\n"
	"  fninit\n"
	"  ldmxcsr M+680\n"
	"  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"  ret\n");

static struct machine *const machine = (struct machine *)STATE;
static struct result result;
static volatile sig_atomic_t running;
static volatile uint64_t started, ticked;

static void on_signal(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *regs = uc->uc_mcontext.gregs;
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

	if (number == SIGALRM) { /* a case that runs for a whole tick never ends */
		if (!running || ticked != started) {
			ticked = started;
			return;
		}
	} else if (!running) {
		signal(number, SIG_DFL);
		return;
	}
	running = 0;
	result.signal = number;
	result.trapno = regs[REG_TRAPNO];
	result.error = regs[REG_ERR];
	result.rip = regs[REG_RIP];
	result.address = number == SIGSEGV || number == SIGBUS ? regs[REG_CR2] : 0;
	if (number == SIGSEGV && regs[REG_TRAPNO] != 14) result.address = (uint64_t)info->si_addr;
	for (int i = 0; i < 16; i++) machine->cpu.gpr[i] = regs[order[i]];
	machine->cpu.rflags = regs[REG_EFL];
	memcpy(machine->cpu.fx, uc->uc_mcontext.fpregs, 416);
	regs[REG_RIP] = (uint64_t)recover;
	regs[REG_EFL] &= ~0x400;
	regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~0xfffful) | CS64;
}

static void map(uint64_t at, uint64_t bytes, int access)
{
	void *got = mmap((void *)at, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (got != (void *)at) {
		perror("mmap");
		exit(2);
	}
}

static void must_read(void *to, size_t bytes)
{
	if (bytes && fread(to, bytes, 1, stdin) != 1) {
		fprintf(stderr, "input ends within a case\n");
		exit(3);
	}
}

/* Once, before `enter`. */
static void set_up(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };
	struct itimerval tick = { { 2, 0 }, { 2, 0 } };

	map(STATE, 4096, PROT_READ | PROT_WRITE);
	machine->mxcsr = 0x1f80;
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x2b)); /* 64-bit processes start with null */
	sigaltstack(&stack, 0);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
	setitimer(ITIMER_REAL, &tick, 0);
	setvbuf(stdin, malloc(1 << 20), _IOFBF, 1 << 20);
	setvbuf(stdout, malloc(1 << 20), _IOFBF, 1 << 20);
}
