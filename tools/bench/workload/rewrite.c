/* Code that never was there before: a page of functions, rewritten with other numbers after a few hundred calls of each. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "workload.h"

enum { BYTES = 4096, FUNCTIONS = 64, EACH = BYTES / FUNCTIONS, CALLS = 300 };

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* x = (x ^ a) * b + c, as x86-64 code; answers what it has to answer for 1. */
static uint32_t write_function(uint8_t *at, uint32_t *random) {
  uint32_t a = next_random(random), b = next_random(random) | 1, c = next_random(random);
  uint8_t code[] = {0x89, 0xf8,                         /* mov eax, edi */
                    0x35, 0, 0, 0, 0,                   /* xor eax, a */
                    0x69, 0xc0, 0, 0, 0, 0,             /* imul eax, eax, b */
                    0x05, 0, 0, 0, 0,                   /* add eax, c */
                    0xc3};                              /* ret */
  memcpy(code + 3, &a, 4);
  memcpy(code + 9, &b, 4);
  memcpy(code + 14, &c, 4);
  memcpy(at, code, sizeof code);
  return (1 ^ a) * b + c;
}

int rewrite_code(double seconds) {
  uint8_t *page = mmap(0, BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return perror("mmap"), 1;
  uint32_t random = 86028121;
  uint64_t pages = 0;
  for (double end = seconds_now() + seconds; seconds_now() < end; pages++)
    for (int n = 0; n < FUNCTIONS; n++) {
      uint8_t *at = page + n * EACH;
      uint32_t wanted = write_function(at, &random), found = 0;
      uint32_t (*function)(uint32_t) = (uint32_t(*)(uint32_t))at;
      for (int call = 0; call < CALLS; call++) found = function(1);
      if (found != wanted) return printf("@fault new code answers %08x and not %08x\n", found, wanted), 1;
    }
  return printf("@rewritten %llu\n", (unsigned long long)pages), 0;
}
