/* Work of the guest's kernel: calls, faults, processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

/* 200 system calls that do next to nothing. */
static uint32_t getppid_kernel(void) {
  uint32_t same = 0;
  long parent = syscall(SYS_getppid);
  for (int n = 1; n < 200; n++) same += syscall(SYS_getppid) == parent;
  return same;
}

/* The first use of each of 256 pages. */
static uint32_t fault(void) {
  enum { BYTES = 256 * 4096 };
  volatile uint8_t *memory = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t sum = 0;
  if (memory == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  madvise((void *)memory, BYTES, MADV_NOHUGEPAGE);
  for (int n = 0; n < BYTES; n += 4096) {
    memory[n] = n >> 12;
    sum = mix(sum, memory[n] + memory[n + 1]);
  }
  munmap((void *)memory, BYTES);
  return sum;
}

static uint32_t end_of(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    perror("child");
    exit(1);
  }
  return WEXITSTATUS(status);
}

/* A process that ends at once. */
static uint32_t fork_kernel(void) {
  pid_t child = fork();
  if (child == 0) _exit(42);
  return end_of(child);
}

/* A process that becomes another program, which ends at once. */
static uint32_t forkexec(void) {
  pid_t child = fork();
  if (child == 0) {
    execl(own_path, own_path, ENDS_AT_ONCE, (char *)0);
    _exit(127);
  }
  return end_of(child);
}

/*
 * Runs a program, and says how long it took and the checksum of what it wrote:
 *   @program NAME NS STATUS CHECKSUM
 */
int run_program(const char *name, char **argv) {
  int ends[2];
  struct timespec begin, end;
  if (pipe(ends)) return perror("pipe"), 1;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
  }
  close(ends[1]);
  uint8_t buffer[1 << 16];
  uint32_t sum = 0x811c9dc5u;
  ssize_t bytes;
  while ((bytes = read(ends[0], buffer, sizeof buffer)) > 0)
    for (ssize_t n = 0; n < bytes; n++) sum = mix(sum, buffer[n]);
  uint32_t status = end_of(child);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double ns = (end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec);
  printf("@program %s %.0f %u %08x\n", name, ns, status, sum);
  return status != 0;
}

const struct kernel system_kernels[] = {
    {"getppid", "kernel", getppid_kernel}, {"fault", "kernel", fault}, {"fork", "kernel", fork_kernel},
    {"forkexec", "kernel", forkexec},      {0}};
