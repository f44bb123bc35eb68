/*
 * Accesses that a processor or a kernel refuses, and what the program is told of each: signal, si_code, si_addr, trap number
 * and error code. What it prints on real hardware is in the files beside it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#ifdef __x86_64__
#define IP REG_RIP
#define SP "rsp"
#define KEPT "r12"
#else
#define IP REG_EIP
#define SP "esp"
#define KEPT "edi"
#endif
typedef uintptr_t word;
static char *pages, *file;
static sigjmp_buf back;

/** `ip` where it is that of the fault. */
static void where(word a, word ip) {
  if (a == ip && a != 0) printf(" ip");
  else if (a - (word)pages < 0x4000) printf(" pages+%lx", (long)(a - (word)pages));
  else if (a - (word)file < 0x2000) printf(" file+%lx", (long)(a - (word)file));
  else printf(" %lx", (long)a);
}
static void caught(int sig, siginfo_t *info, void *context) {
  /* AC stays set in handlers. */
  asm volatile("pushf; andl $~0x40000,(%%" SP "); popf" ::: "cc");
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  printf(" SIG%s %d", sigabbrev_np(sig), info->si_code);
  where((word)info->si_addr, r[IP]);
  printf(" trap %d error %d\n", (int)r[REG_TRAPNO], (int)r[REG_ERR]);
  siglongjmp(back, 1);
}
#define CASE(name, ...) static void name(word a) { asm volatile(__VA_ARGS__); }
CASE(load, "movl (%0),%%eax" ::"r"(a) : "eax")
CASE(load8, "movq (%0),%%xmm0" ::"r"(a) : "xmm0")
CASE(load10, "fldt (%0); fstp %%st" ::"r"(a))
CASE(load16, "movups (%0),%%xmm0" ::"r"(a) : "xmm0")
CASE(aligned16, "movaps (%0),%%xmm0" ::"r"(a) : "xmm0")
CASE(store, "movl %%eax,(%0)" ::"r"(a) : "memory")
CASE(store16, "movups %%xmm0,(%0)" ::"r"(a) : "memory")
CASE(add, "addl $1,(%0)" ::"r"(a) : "memory")
CASE(locked, "lock addl $1,(%0)" ::"r"(a) : "memory")
CASE(exchange, "lock cmpxchg8b (%0)" ::"r"(a) : "memory", "eax", "edx", "cc")
CASE(fill, "rep stosb" : "+D"(a) : "c"(64), "a"(0) : "memory")
CASE(copy, "rep movsb" : "+S"(a) : "c"(64), "D"(pages) : "memory")
CASE(touch, "prefetcht0 (%0); nopl (%0); lea 1(%0),%0" : "+r"(a))
#define ON_STACK(what) "mov %%" SP ",%%" KEPT "; mov %0,%%" SP "; " what "; mov %%" KEPT ",%%" SP
CASE(push, ON_STACK("push $1") : "+a"(a)::KEPT, "memory")
CASE(pop, ON_STACK("pop %0") : "+a"(a)::KEPT)
CASE(ret, ON_STACK("ret") : "+a"(a)::KEPT)
CASE(based, ON_STACK("mov 8(%%" SP "),%%eax") : "+a"(a)::KEPT)
CASE(jump, "jmp *%0" ::"r"(a))
CASE(call, "call *%0" ::"r"(a))
CASE(into, "push %0; ret" ::"r"(a))
CASE(privileged, "hlt" ::"r"(a))
CASE(port, "in $0x80,%%al" ::"r"(a) : "eax")
CASE(interrupt, "int $0x21" ::"r"(a))
CASE(breakpoint, "int3" ::"r"(a))
CASE(undefined, "ud2" ::"r"(a))
CASE(divide, "xor %%edx,%%edx; mov $1,%%eax; xor %%ecx,%%ecx; div %%ecx" ::"r"(a) : "eax", "ecx", "edx")
CASE(sse, "movl $0x1d80,(%0); ldmxcsr (%0); mov $1,%%eax; cvtsi2sd %%eax,%%xmm0; pxor %%xmm1,%%xmm1; divsd %%xmm1,%%xmm0" ::"r"(a)
     : "memory", "eax", "xmm0", "xmm1")
CASE(x87, "movw $0x37b,(%0); fldcw (%0); fldz; fld1; fdivp; fwait" ::"r"(a) : "memory")
CASE(selector, "mov %k0,%%ds" ::"r"(a))
CASE(step, "pushf; orl $0x100,(%%" SP "); popf; nop" ::"r"(a) : "cc")
CASE(unaligned, "pushf; orl $0x40000,(%%" SP "); popf; mov 1(%0),%%eax" ::"r"(a) : "eax", "cc")

#define OWN(n) (word)(pages + n)
static const struct { const char *name; void (*run)(word); } kinds[] = {
#define K(n) {#n, n}
  K(load), K(load8), K(load10), K(load16), K(aligned16), K(store), K(store16), K(add), K(locked), K(exchange), K(fill),
  K(copy), K(touch), K(push), K(pop), K(ret), K(based), K(jump), K(call), K(into) };

static void try(const char *name, void (*run)(word), word a) {
  printf("%s", name);
  where(a, 0);
  printf(":");
  if (sigsetjmp(back, 1) == 0) { run(a); printf(" done\n"); }
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  /* Readable and writable, read only, none, none. */
  pages = mmap(0, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 0x1000, 0x1000, PROT_READ);
  mprotect(pages + 0x2000, 0x2000, PROT_NONE);
  FILE *f = tmpfile();
  fputs("short", f);
  fflush(f);
  file = mmap(0, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
  stack_t other = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };
  sigaltstack(&other, NULL);
  struct sigaction on = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
  for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &on, NULL);
  const word at[] = {
    0, 0x10, OWN(0x800), OWN(0xffd), OWN(0x1800), OWN(0x1ffd), OWN(0x2800), (word)file + 0xffd, (word)file + 0x1800,
#ifdef __x86_64__
    0x7fffffffeffd, 0x7ffffffff000, 0x7ffffffffffd, 0x800000000000, 0x800000000ffd, 0xdeadbeefdeadbeef, 0xffff7ffffffffffd,
    0xffff7fffffffffff, 0xffff808000000000, 0xffff804000000000, 0xffff828000000000, 0xffff880000000000,
    0xffffffff81000000, 0xfffffffffffffff8, 0xffffffffffffffff,
#else
    0xc0000000, 0xffffe000, 0xfffffff0, 0xfffffffd, 0xffffffff,
#endif
  };
  for (size_t n = 0; n < sizeof at / sizeof *at; n++)
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
      /* What is in the page is no code. */
      if (kinds[k].run == ret && at[n] - (word)pages < 0x2000) continue;
      if (kinds[k].run == ret && at[n] - (word)file < 0x2000) continue;
      if (kinds[k].run == push && at[n] == OWN(0x800)) continue;
#ifdef __x86_64__
      /* Programs of a PV guest may read the machine-to-physical table, which is there. */
      if (kinds[k].run == based && at[n] + 8 - 0xffff800000000000 < 0x1000) continue;
#endif
      try(kinds[k].name, kinds[k].run, at[n]);
    }
  try("hlt", privileged, 0);
  try("in", port, 0);
  try("int", interrupt, 0);
  try("int3", breakpoint, 0);
  try("ud2", undefined, 0);
  try("div", divide, 0);
  try("divsd", sse, OWN(0));
  try("fdiv", x87, OWN(0));
  try("mov to ds", selector, 0x1234);
  try("mov to ds", selector, 0xfff8);
  try("single step", step, 0);
  try("unaligned with AC", unaligned, OWN(0));
  return 0;
}
