/*
 * Runs guest code on the host's CPU from a given state and reports the state it leaves: the judge of our instruction
 * definitions. `native.ts` is its only caller and explains the fields; the layouts below are the protocol.
 *
 * stdin:  cases until end of file: struct head, code bytes padded to 8, struct words (memory that is not zero).
 * stdout: for each case struct result, struct words (memory that differs from before).
 *
 * The code is copied to CODE, followed by a jump to `leave`. All fixed places lie below 2 GiB, so that absolute operands of
 * 32 bits reach them, in 64-bit and in compatibility mode. Nothing else does: the program is position-independent, so that
 * the kernel puts it, its heap and libraries far above.
 */
#include "enter.h"

#define CODE   0x20000000ul /* 64 KiB, writable */
#define DATA   0x21000000ul /* two pages, then a page without access */
#define STACK  0x22000000ul /* one page between two without access */
#define CODE_BYTES 65536
#define DATA_WORDS 1024
#define WORDS 1536 /* of DATA, then of STACK */

struct words { uint64_t offset, value; };
struct head { uint32_t code_bytes, mode, words, pad; struct cpu cpu; };

/* 64 bits: jmp *[rip]; address. 32 bits: far jump to `leave`, through 64-bit code. */
static void end_code(uint8_t *at, uint32_t mode)
{
	if (mode == 64) {
		static const uint8_t jump[6] = { 0xff, 0x25, 0, 0, 0, 0 };
		uint64_t to = (uint64_t)leave;
		memcpy(at, jump, 6);
		memcpy(at + 6, &to, 8);
	} else {
		uint32_t to = CODE + CODE_BYTES - 16;
		uint16_t cs = CS64;
		at[0] = 0xea;
		memcpy(at + 1, &to, 4);
		memcpy(at + 5, &cs, 2);
	}
}

static uint64_t *word(uint64_t offset)
{
	if (offset & 7 || offset >= WORDS * 8) {
		fprintf(stderr, "judge: no memory at offset %llu\n", (unsigned long long)offset);
		exit(4);
	}
	return (uint64_t *)(offset < DATA_WORDS * 8 ? DATA + offset : STACK + offset - DATA_WORDS * 8);
}

static void run_code(const struct head *head, const uint8_t *code)
{
	static uint8_t last[CODE_BYTES];
	static uint32_t last_bytes = -1, last_mode;
	if (head->code_bytes != last_bytes || head->mode != last_mode || memcmp(code, last, last_bytes) ||
	    memcmp((void *)CODE, last, last_bytes)) {
		last_bytes = head->code_bytes;
		last_mode = head->mode;
		memcpy(last, code, last_bytes);
		memcpy((void *)CODE, code, last_bytes);
		end_code((uint8_t *)CODE + last_bytes, head->mode);
	}
	machine->cpu = head->cpu;
	machine->cpu.rflags = (head->cpu.rflags & FLAGS) | 0x202;
	machine->entry = CODE;
	machine->entry_cs = head->mode == 64 ? CS64 : CS32;
	memset(&result, 0, sizeof result);
	started++;
	running = 1;
	enter();
	running = 0;
	result.cpu = machine->cpu;
	if (result.signal) result.rip -= CODE;
}

int main(void)
{
	static struct head head;
	static uint8_t code[CODE_BYTES];
	static uint64_t before[WORDS];
	static struct words changed[WORDS], in;

	map(CODE, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, 8192, PROT_READ | PROT_WRITE);
	map(DATA - 4096, 4096, PROT_NONE);
	map(DATA + 8192, 4096, PROT_NONE);
	map(STACK, 4096, PROT_READ | PROT_WRITE);
	map(STACK - 4096, 4096, PROT_NONE);
	map(STACK + 4096, 4096, PROT_NONE);
	set_up();
	end_code((uint8_t *)CODE + CODE_BYTES - 16, 64);

	while (fread(&head, sizeof head, 1, stdin) == 1) {
		if (head.code_bytes > CODE_BYTES - 64) return 5;
		must_read(code, (head.code_bytes + 7) & ~7u);
		for (uint32_t i = 0; i < head.words; i++) {
			must_read(&in, sizeof in);
			*word(in.offset) = in.value;
			before[in.offset / 8] = in.value;
		}
		run_code(&head, code);
		if (memcmp((void *)DATA, before, 8192) || memcmp((void *)STACK, before + DATA_WORDS, 4096))
			for (uint32_t i = 0; i < WORDS; i++)
				if (*word(8 * i) != before[i]) changed[result.words++] = (struct words){ 8 * i, *word(8 * i) };
		if (result.words || head.words) {
			memset((void *)DATA, 0, 8192);
			memset((void *)STACK, 0, 4096);
			memset(before, 0, sizeof before);
		}
		fwrite(&result, sizeof result, 1, stdout);
		fwrite(changed, sizeof *changed, result.words, stdout);
	}
	return fflush(stdout) ? 6 : 0;
}
