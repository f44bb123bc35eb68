/*
 * Runs single instructions on the host's CPU from a given floating-point state and reports what became of it.
 *
 * stdin:  batches of { u32 length; u32 count; u8 insn[16]; count * struct in }, until end of file.
 * stdout: count * struct out for each.
 * The instruction finds rsi pointing at `mem`, rax loaded; its RFLAGS start as 0x202.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

struct in { uint8_t image[512]; uint8_t mem[128]; uint64_t rax; };
struct out { uint8_t image[512]; uint64_t rax, rflags; uint8_t mem[128]; uint64_t trap; };

static uint8_t *code;
static uint64_t resume;
static struct out *current;

static void on_signal(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	(void)info;
	memcpy(current->image, uc->uc_mcontext.fpregs, 512);
	current->rax = uc->uc_mcontext.gregs[REG_RAX];
	current->rflags = uc->uc_mcontext.gregs[REG_EFL];
	current->trap = number;
	uc->uc_mcontext.gregs[REG_RIP] = resume;
}

static void emit(const uint8_t *insn, uint32_t length)
{
	static const uint8_t head[] = {
		0x48, 0x0f, 0xae, 0x0f,             /* fxrstor64 [rdi] */
		0x48, 0x89, 0xc8,                   /* mov rax, rcx */
		0x68, 0x02, 0x02, 0x00, 0x00, 0x9d, /* push 0x202; popfq */
	};
	static const uint8_t tail[] = {
		0x9c, 0x8f, 0x82, 0x08, 0x02, 0x00, 0x00, /* pushfq; pop [rdx+520] */
		0x48, 0x89, 0x82, 0x00, 0x02, 0x00, 0x00, /* mov [rdx+512], rax */
		0x48, 0x0f, 0xae, 0x02,                   /* fxsave64 [rdx] */
	};
	static const uint8_t leave[] = {
		0xdb, 0xe3,                               /* fninit */
		0x0f, 0xae, 0x96, 0x00, 0x02, 0x00, 0x00, /* ldmxcsr [rsi+512] */
		0xc3,
	};
	uint8_t *p = code;
	memcpy(p, head, sizeof head), p += sizeof head;
	memcpy(p, insn, length), p += length;
	memcpy(p, tail, sizeof tail), p += sizeof tail;
	resume = (uint64_t)p;
	memcpy(p, leave, sizeof leave);
}

int main(void)
{
	static struct { _Alignas(64) struct in in; } source;
	static struct { _Alignas(64) struct out out; } sink;
	static _Alignas(64) uint8_t scratch[1024];
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	uint32_t mxcsr = 0x1f80;
	struct { uint32_t length, count; uint8_t insn[16]; } batch;

	sigaction(SIGFPE, &action, 0);
	sigaction(SIGILL, &action, 0);
	code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED) return 1;
	memcpy(scratch + 512, &mxcsr, 4);
	while (fread(&batch, sizeof batch, 1, stdin) == 1) {
		if (batch.length > 16) return 2;
		emit(batch.insn, batch.length);
		for (uint32_t i = 0; i < batch.count; i++) {
			if (fread(&source.in, sizeof source.in, 1, stdin) != 1) return 3;
			memset(&sink.out, 0, sizeof sink.out);
			current = &sink.out;
			memcpy(scratch, source.in.mem, 128);
			((void (*)(void *, void *, void *, uint64_t))code)(&source.in, scratch, &sink.out, source.in.rax);
			memcpy(sink.out.mem, scratch, 128);
			if (fwrite(&sink.out, sizeof sink.out, 1, stdout) != 1) return 4;
		}
	}
	return 0;
}
