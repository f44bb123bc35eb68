/* What the files of the workload share. Each kernel does the same work at each call and answers a checksum of it. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

struct kernel {
  const char *name;
  const char *kind; /* int, fp, bulk or kernel */
  uint32_t (*run)(void);
};

/* Tables that end with a null name. */
extern const struct kernel integer_kernels[], float_kernels[], memory_kernels[], system_kernels[];

/* How this program was started; the kernel that starts programs starts it again with ENDS_AT_ONCE. */
extern const char *own_path;
#define ENDS_AT_ONCE "--ends-at-once"

/* Marsaglia's xorshift with shifts 13, 17 and 5; the state is never 0. */
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* The compiler takes it that memory was read and written here. */
static inline void memory_is_used(const void *at) { __asm__ volatile("" : : "r"(at) : "memory"); }

/* One checksum of two. */
static inline uint32_t mix(uint32_t sum, uint32_t value) { return (sum ^ value) * 0x01000193u + (sum >> 15); }
uint32_t checksum_of(const uint64_t *words, size_t count);

void write_text(long bytes);
int rewrite_code(double seconds);
int run_program(const char *name, char **argv);
int write_journal(const char *folder, const char *disk, long run);
int check_journal(const char *folder, const char *disk, long run, long last);
int serve_round_trips(const char *host, const char *port);
int time_round_trips(const char *name, const char *host, const char *port, double seconds);

#endif
