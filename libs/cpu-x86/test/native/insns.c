/*
 * Runs single instructions on the host's CPU and reports how each ends: the judge of the instruction table. `../records/host.ts`
 * is its only caller, `../records/layout.ts` has the same addresses and says what lies there.
 *
 * stdin:  the background of DATA and STACK (four pages) and of READ_ONLY, then cases until end of file:
 *         struct head, patches of u64 address, u64 length and bytes padded to 8.
 * stdout: for each case struct result, u64 FS base, u64 GS base, the words that differ as u64 address, u64 value.
 */
#include "enter.h"

#define CODE  0x20000000ul
#define ENTRY (CODE + 0x800)
#define DATA  0x21000000ul
#define STACK 0x22000000ul
#define PAGE  4096ul
#define WORDS (4 * PAGE / 8)

struct head { uint32_t code_bytes, mode, patches, pad; uint64_t fs, gs; struct cpu cpu; };
struct word { uint64_t address, value; };

static uint64_t background[WORDS], before[WORDS];

static uint64_t *place(uint64_t address)
{
	if (address >= DATA && address < DATA + 2 * PAGE) return &before[(address - DATA) / 8];
	if (address >= STACK && address < STACK + 2 * PAGE) return &before[(2 * PAGE + address - STACK) / 8];
	return 0;
}

/* No thread-local storage between the two writes of FS: the base is the guest's there, in the signal handler too. */
static void run(const struct head *head, uint64_t base[2])
{
	uint64_t host;
	__asm__ volatile("rdfsbase %0" : "=r"(host));
	/* A null selector is #GP in compatibility mode. */
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0x2b));
	__asm__ volatile("wrgsbase %0" : : "r"(head->gs));
	__asm__ volatile("wrfsbase %0" : : "r"(head->fs) : "memory");
	enter();
	__asm__ volatile("rdfsbase %0" : "=r"(base[0]) : : "memory");
	__asm__ volatile("wrfsbase %0" : : "r"(host) : "memory");
	__asm__ volatile("rdgsbase %0" : "=r"(base[1]));
}

int main(void)
{
	static struct head head;
	static struct word changed[WORDS];
	static uint8_t last[64], code[64];

	map(CODE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, 3 * PAGE, PROT_READ | PROT_WRITE);
	map(STACK, 2 * PAGE, PROT_READ | PROT_WRITE);
	map(DATA - PAGE, PAGE, PROT_NONE);
	map(DATA + 3 * PAGE, PAGE, PROT_NONE);
	map(STACK - PAGE, PAGE, PROT_NONE);
	map(STACK + 2 * PAGE, PAGE, PROT_NONE);
	set_up();
	must_read(background, sizeof background);
	must_read((void *)(DATA + 2 * PAGE), PAGE);
	if (mprotect((void *)(DATA + 2 * PAGE), PAGE, PROT_READ)) return 4;
	memset((void *)CODE, 0xcc, PAGE);

	while (fread(&head, sizeof head, 1, stdin) == 1) {
		uint64_t base[2];
		if (head.code_bytes > sizeof code) return 5;
		memset(code, 0xcc, sizeof code);
		must_read(code, (head.code_bytes + 7) & ~7u);
		memset(code + head.code_bytes, 0xcc, sizeof code - head.code_bytes);
		memcpy(before, background, sizeof before);
		for (uint32_t n = 0; n < head.patches; n++) {
			struct { uint64_t address, bytes; } patch;
			must_read(&patch, sizeof patch);
			uint8_t bytes[4096], *to = (uint8_t *)place(patch.address & ~7ull);
			if (!to || patch.bytes > sizeof bytes) return 7;
			must_read(bytes, (patch.bytes + 7) & ~7ull);
			memcpy(to + (patch.address & 7), bytes, patch.bytes);
		}
		if (memcmp(code, last, sizeof code)) memcpy((void *)ENTRY, memcpy(last, code, sizeof code), sizeof code);
		memcpy((void *)DATA, before, 2 * PAGE);
		memcpy((void *)STACK, before + 2 * PAGE / 8, 2 * PAGE);
		machine->cpu = head.cpu;
		machine->cpu.rflags = (head.cpu.rflags & FLAGS) | 0x202;
		machine->entry = ENTRY;
		machine->entry_cs = head.mode == 64 ? CS64 : CS32;
		memset(&result, 0, sizeof result);
		started++;
		running = 1;
		run(&head, base);
		running = 0;
		result.cpu = machine->cpu;
		if (memcmp((void *)DATA, before, 2 * PAGE) || memcmp((void *)STACK, before + 2 * PAGE / 8, 2 * PAGE))
			for (uint32_t n = 0; n < WORDS; n++) {
				uint64_t address = n < 2 * PAGE / 8 ? DATA + 8 * n : STACK + 8 * n - 2 * PAGE;
				if (*(uint64_t *)address != before[n])
					changed[result.words++] = (struct word){ address, *(uint64_t *)address };
			}
		fwrite(&result, sizeof result, 1, stdout);
		fwrite(base, sizeof base, 1, stdout);
		fwrite(changed, sizeof *changed, result.words, stdout);
	}
	return fflush(stdout) ? 6 : 0;
}
