/* Integer work of several kinds; nothing of it waits for memory beyond the caches. */
#include <string.h>

#include "workload.h"

uint32_t checksum_of(const uint64_t *words, size_t count) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t n = 0; n < count; n++) sum = (sum ^ words[n]) * 0x9e3779b97f4a7c15u + (sum >> 29);
  return (uint32_t)(sum ^ sum >> 32);
}

/* Primes below 256 Ki by striking out multiples: byte stores in strides. */
static uint32_t sieve(void) {
  enum { LIMIT = 1 << 18 };
  static uint8_t struck[LIMIT];
  uint32_t primes = 0, last = 0;
  memset(struck, 0, LIMIT);
  for (uint32_t n = 2; n < LIMIT; n++) {
    if (struck[n]) continue;
    primes++;
    last = n;
    for (uint32_t multiple = 2 * n; multiple < LIMIT; multiple += n) struck[multiple] = 1;
  }
  return mix(primes, last);
}

/* CRC-32 (reflected 0xEDB88320) of 64 KiB, a table look-up a byte. */
static uint32_t crc32(void) {
  enum { BYTES = 1 << 16 };
  static uint32_t table[256];
  static uint8_t data[BYTES];
  if (!table[1]) {
    uint32_t random = 0x2545f491;
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t word = n;
      for (int bit = 0; bit < 8; bit++) word = (word >> 1) ^ (-(word & 1) & 0xedb88320u);
      table[n] = word;
    }
    for (int n = 0; n < BYTES; n++) data[n] = next_random(&random) >> 11;
  }
  uint32_t crc = ~0u;
  for (int n = 0; n < BYTES; n++) crc = crc >> 8 ^ table[(uint8_t)crc ^ data[n]];
  return ~crc;
}

/* Sorts 16 Ki numbers: branches that nothing predicts, and recursion. */
static void sort(int32_t *low, int32_t *high) {
  while (low < high) {
    int32_t pivot = low[(high - low) / 2], *up = low, *down = high;
    while (up <= down) {
      while (*up < pivot) up++;
      while (*down > pivot) down--;
      if (up > down) break;
      int32_t kept = *up;
      *up++ = *down;
      *down-- = kept;
    }
    sort(low, down);
    low = up;
  }
}

static uint32_t qsort_kernel(void) {
  enum { COUNT = 1 << 14 };
  static int32_t numbers[COUNT];
  uint32_t random = 20011, sum = 0;
  for (int n = 0; n < COUNT; n++) numbers[n] = (int32_t)next_random(&random);
  sort(numbers, numbers + COUNT - 1);
  for (int n = 0; n < COUNT; n++) sum = mix(sum, numbers[n]);
  return sum;
}

/* Calls itself some 75,000 times. */
static __attribute__((noinline, noclone)) uint32_t fib_of(uint32_t n) {
  if (n < 2) return n;
  uint32_t first = fib_of(n - 1);
  __asm__ volatile("" : "+r"(first)); /* or the second call becomes a loop */
  return first + fib_of(n - 2);
}
static uint32_t fib(void) { return fib_of(24); }

/* 64-bit shifts and multiplications in a chain. */
static uint32_t mul64(void) {
  uint64_t x = 0x9e3779b97f4a7c15u, sum = 0;
  for (int n = 0; n < 20000; n++) {
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sum = (sum + x * 0x2545f4914f6cdd1du) ^ sum >> 31;
  }
  return mix((uint32_t)sum, (uint32_t)(sum >> 32));
}

/* 32-bit quotients and remainders. */
static uint32_t div_kernel(void) {
  uint32_t random = 777, sum = 0;
  for (int n = 0; n < 10000; n++) {
    uint32_t a = next_random(&random), b = next_random(&random) >> 13 | 1;
    sum += a / b;
    sum ^= a % b;
  }
  return sum;
}

/* Product of two numbers of 64 limbs of 64 bits: widening multiplications and carries. */
static uint32_t mpi(void) {
  enum { LIMBS = 64 };
  static uint64_t a[LIMBS], b[LIMBS], product[2 * LIMBS];
  uint32_t random = 31337;
  for (int n = 0; n < LIMBS; n++) {
    a[n] = (uint64_t)next_random(&random) << 32 | next_random(&random);
    b[n] = (uint64_t)next_random(&random) << 32 | next_random(&random);
  }
  memset(product, 0, sizeof product);
  for (int i = 0; i < LIMBS; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < LIMBS; j++) {
      unsigned __int128 sum = (unsigned __int128)a[i] * b[j] + product[i + j] + carry;
      product[i + j] = (uint64_t)sum;
      carry = (uint64_t)(sum >> 64);
    }
    product[i + LIMBS] = carry;
  }
  return checksum_of(product, 2 * LIMBS);
}

extern uint32_t interp(void), icall(void);

const struct kernel integer_kernels[] = {
    {"sieve", "int", sieve}, {"crc32", "int", crc32},    {"qsort", "int", qsort_kernel}, {"interp", "int", interp},
    {"fib", "int", fib},     {"mul64", "int", mul64},    {"div", "int", div_kernel},     {"icall", "int", icall},
    {"mpi", "int", mpi},     {0},
};
