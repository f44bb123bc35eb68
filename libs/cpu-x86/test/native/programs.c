/*
 * Runs whole programs on the host's CPU: the judge of random programs. `../programs/host.ts` is its only caller.
 *
 * stdin:  the page at READ_ONLY, then programs until end of file: u64 entry, struct cpu, the memory image.
 * stdout: for each program struct result, the memory image.
 *
 * The memory image is what lies at CODE, DATA and STACK, side by side. A program ends by an exception. The addresses are those of
 * ../programs/layout.ts. All pages are present before the first program, so that error codes say what is not allowed rather
 * than what is not there yet.
 */
#include "enter.h"

#define CODE  0x10000000ul
#define DATA  0x20000000ul
#define STACK 0x30000000ul
#define CODE_BYTES  0x2000
#define DATA_BYTES  0x4000
#define STACK_BYTES 0x2000
#define READ_ONLY (DATA + DATA_BYTES)
#define IMAGE_BYTES (CODE_BYTES + DATA_BYTES + STACK_BYTES)
#define RUNS_ON 0xffff /* the signal of a program that came to `leave`, which nothing leads to */

static void guard(uint64_t from, uint64_t to)
{
	map(from - 4096, 4096, PROT_NONE);
	map(to, 4096, PROT_NONE);
}

int main(void)
{
	static struct { uint64_t entry; struct cpu cpu; uint8_t image[IMAGE_BYTES]; } in;

	map(CODE, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, DATA_BYTES + 4096, PROT_READ | PROT_WRITE);
	map(STACK, STACK_BYTES, PROT_READ | PROT_WRITE);
	guard(CODE, CODE + CODE_BYTES);
	guard(DATA, READ_ONLY + 4096);
	guard(STACK, STACK + STACK_BYTES);
	set_up();
	must_read((void *)READ_ONLY, 4096);
	if (mprotect((void *)READ_ONLY, 4096, PROT_READ)) return 4;

	while (fread(&in, sizeof in, 1, stdin) == 1) {
		memcpy((void *)CODE, in.image, CODE_BYTES);
		memcpy((void *)DATA, in.image + CODE_BYTES, DATA_BYTES);
		memcpy((void *)STACK, in.image + CODE_BYTES + DATA_BYTES, STACK_BYTES);
		machine->cpu = in.cpu;
		machine->cpu.rflags = (in.cpu.rflags & FLAGS) | 0x202;
		machine->entry = in.entry;
		machine->entry_cs = CS64;
		memset(&result, 0, sizeof result);
		result.signal = RUNS_ON;
		started++;
		running = 1;
		enter();
		running = 0;
		result.cpu = machine->cpu;
		fwrite(&result, sizeof result, 1, stdout);
		fwrite((void *)CODE, CODE_BYTES, 1, stdout);
		fwrite((void *)DATA, DATA_BYTES, 1, stdout);
		fwrite((void *)STACK, STACK_BYTES, 1, stdout);
	}
	return fflush(stdout) ? 6 : 0;
}
