/* Memory itself: moves in bulk, and a walk that no TLB holds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

/* 32 copies of 64 KiB by libc's memcpy, as it chooses for this processor. */
static uint32_t memcpy_kernel(void) {
  enum { BYTES = 1 << 16 };
  static uint8_t from[BYTES], to[BYTES];
  if (!from[1]) {
    uint32_t random = 99991;
    for (int n = 0; n < BYTES; n++) from[n] = next_random(&random) >> 9 | 1;
  }
  for (int n = 0; n < 32; n++) {
    memcpy(to, from, BYTES - n);
    memory_is_used(to);
  }
  return mix(to[0], mix(to[BYTES / 2], to[BYTES - 1]));
}

/* 50 reads of a page of zeros: the kernel clears user memory. */
static uint32_t rdzero(void) {
  static uint8_t page[4096];
  static int zero = -1;
  uint32_t pages = 0;
  if (zero < 0 && (zero = open("/dev/zero", O_RDONLY)) < 0) {
    perror("/dev/zero");
    exit(1);
  }
  for (int n = 0; n < 50; n++) pages += read(zero, page, sizeof page) == sizeof page;
  return pages + page[4095];
}

/* One word of each page of 64 MiB, in an order that has no pattern: each step says where the next is. */
static uint32_t walk(void) {
  enum { PAGES = 64 << 8, PAGE = 4096 / sizeof(uint32_t) };
  static uint32_t *pages;
  if (!pages) {
    pages = mmap(0, (size_t)PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
      perror("mmap");
      exit(1);
    }
    /* Pages of 4 KiB on every machine: a PV guest has no other. */
    madvise(pages, (size_t)PAGES * 4096, MADV_NOHUGEPAGE);
    /* The word's place in its page differs too, so that the caches' sets are used alike. */
    for (uint32_t at = 0, next; ; at = next) {
      next = (at * 6565 + 12289) % PAGES; /* of full period: c is odd and a - 1 a multiple of 4 */
      pages[at * PAGE + at * 16 % PAGE] = next;
      if (next == 0) break;
    }
  }
  uint32_t at = 0, sum = 0;
  do {
    at = pages[at * PAGE + at * 16 % PAGE];
    sum = mix(sum, at);
  } while (at);
  return sum;
}

const struct kernel memory_kernels[] = {
    {"memcpy", "bulk", memcpy_kernel}, {"rdzero", "bulk", rdzero}, {"walk", "int", walk}, {0}};
