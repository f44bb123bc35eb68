/*
 * workload [-t MS] [-b BATCHES] [NAME ...]   runs kernels, all by default
 * workload --list                            names them, with their kinds
 * workload --cpu                             what CPUID says in user mode
 * workload --program NAME COMMAND ...        runs a program and times it
 * workload --text BYTES                      writes text for such programs
 * workload --where                           says where its code is
 * workload --rewrite SECONDS                 writes code and runs it, over and over
 * workload --journal FOLDER DISK RUN         writes records, and says of the disk when each is durable
 * workload --check-journal FOLDER DISK RUN LAST   looks for the records of that run up to the last that was durable
 * workload --serve-trips HOST PORT           sends back what it gets
 * workload --trips NAME HOST PORT SECONDS    times round trips to such a server
 *
 * A kernel's first call is timed by itself. Then calls are doubled until a batch of them takes MS milliseconds; then BATCHES
 * batches of that many calls are timed. A line for each:
 *   @kernel NAME KIND COLD_NS CALLS MEDIAN_NS LEAST_NS MOST_NS CHECKSUM     (times of one call)
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "workload.h"

enum { MOST_BATCHES = 99 };

const char *own_path;
static const struct kernel *const tables[] = {integer_kernels, float_kernels, memory_kernels, system_kernels};
enum { TABLES = sizeof tables / sizeof *tables };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ns that so many calls take. Ends the program where a call answers another checksum than the first did. */
static double time_calls(const struct kernel *kernel, long calls, uint32_t checksum) {
  double begin = now_ns();
  for (long n = 0; n < calls; n++) {
    uint32_t now = kernel->run();
    if (now != checksum) {
      printf("@fault %s answers %08x after %08x\n", kernel->name, now, checksum);
      exit(1);
    }
  }
  return now_ns() - begin;
}

static void measure(const struct kernel *kernel, double least_ns, int batches) {
  double times[MOST_BATCHES];
  double begin = now_ns();
  uint32_t checksum = kernel->run();
  double cold = now_ns() - begin;
  long calls = 1;
  while (time_calls(kernel, calls, checksum) < least_ns) calls *= 2;
  for (int n = 0; n < batches; n++) times[n] = time_calls(kernel, calls, checksum) / calls;
  qsort(times, batches, sizeof *times, by_size);
  printf("@kernel %s %s %.0f %ld %.1f %.1f %.1f %08x\n", kernel->name, kernel->kind, cold, calls, times[batches / 2],
         times[0], times[batches - 1], checksum);
}

/* Words of CPUID as leaf.register=value; leaf 7's and the extended ones too. */
static void show_cpu(void) {
  static const uint32_t leaves[] = {0, 1, 7, 0x80000001, 0x80000007};
  for (size_t n = 0; n < sizeof leaves / sizeof *leaves; n++) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    if (leaves[n] <= __get_cpuid_max(leaves[n] & 0x80000000, 0)) __cpuid_count(leaves[n], 0, a, b, c, d);
    if (leaves[n] == 1) b = 0; /* the number of this processor, and the like */
    if (leaves[n] == 0) a = 0;
    printf("@cpu %x %08x %08x %08x %08x\n", leaves[n], a, b, c, d);
  }
}

static int is_wanted(const char *name, char **names) {
  if (!*names) return 1;
  for (; *names; names++)
    if (!strcmp(*names, name)) return 1;
  return 0;
}

int main(int argc, char **argv) {
  double least_ns = 2e8;
  int batches = 3;
  own_path = argv[0];
  if (argc > 1 && !strcmp(argv[1], ENDS_AT_ONCE)) return 0;
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc > 3 && !strcmp(argv[1], "--program")) return run_program(argv[2], argv + 3);
  if (argc > 2 && !strcmp(argv[1], "--text")) {
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    return write_text(atol(argv[2])), 0;
  }
  if (argc > 2 && !strcmp(argv[1], "--rewrite")) return rewrite_code(atof(argv[2]));
  if (argc > 4 && !strcmp(argv[1], "--journal")) return write_journal(argv[2], argv[3], atol(argv[4]));
  if (argc > 5 && !strcmp(argv[1], "--check-journal"))
    return check_journal(argv[2], argv[3], atol(argv[4]), atol(argv[5]));
  if (argc > 3 && !strcmp(argv[1], "--serve-trips")) return serve_round_trips(argv[2], argv[3]);
  if (argc > 5 && !strcmp(argv[1], "--trips")) return time_round_trips(argv[2], argv[3], argv[4], atof(argv[5]));
  if (argc > 1 && !strcmp(argv[1], "--where")) return printf("@where %p\n", (void *)main), 0;
  if (argc > 1 && !strcmp(argv[1], "--cpu")) return show_cpu(), 0;
  int list = argc > 1 && !strcmp(argv[1], "--list");
  char **at = argv + 1 + list;
  for (; *at && at[1] && **at == '-'; at += 2) {
    if (!strcmp(*at, "-t")) least_ns = atof(at[1]) * 1e6;
    if (!strcmp(*at, "-b")) batches = atoi(at[1]);
  }
  if (batches < 1 || batches > MOST_BATCHES) return fprintf(stderr, "batches: 1 to %d\n", MOST_BATCHES), 2;
  for (int t = 0; t < TABLES; t++)
    for (const struct kernel *kernel = tables[t]; kernel->name; kernel++) {
      if (!is_wanted(kernel->name, at)) continue;
      if (list) printf("%s %s\n", kernel->name, kernel->kind);
      else measure(kernel, least_ns, batches);
    }
  return 0;
}
