/*
 * Writes that are acknowledged: each record is written and made durable, and then a line says so. After a loss of power the
 * records that were acknowledged last have to be there. Each line names the disk.
 *   @ack DISK N            record N is durable
 *   @stopped DISK WHY      no record follows
 *   @intact DISK COUNT     so many records were looked for, and are there
 *   @lost DISK N           record N is not
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

enum { SLOTS = 16, PLACES = 4, WORDS = 512 };
/* Of the 2 * PLACES generations that have a place the older ones may be taken by records that the guest could not tell of. */
enum { LOOKED_FOR = SLOTS * PLACES };

/* Record N belongs to a slot, and to another place than the slot's record before: that one stays until this one is durable. */
static int slot_of(long n) { return n % SLOTS; }
static int generation_of(long n) { return n / SLOTS; }

/* Other bytes in each run: blocks may hold records of the run before. */
static void fill(uint64_t *record, long run, long n) {
  uint32_t state = (n + run * 1000003u) * 2654435761u | 1;
  for (int i = 0; i < WORDS - 1; i++) record[i] = next_random(&state) | (uint64_t)next_random(&state) << 32;
  record[0] = n;
  record[1] = run;
  record[WORDS - 1] = checksum_of(record, WORDS - 1);
}

static int stopped(const char *disk, const char *what) {
  printf("@stopped %s %s: %s\n", disk, what, strerror(errno));
  return 1;
}

/* Where the record is: every other generation has a file for each record, made and renamed; the others a place in the slot's file. */
static off_t place_of(char *path, size_t size, const char *folder, long n) {
  int generation = generation_of(n);
  if (generation % 2 == 0) {
    snprintf(path, size, "%s/slot-%d", folder, slot_of(n));
    return (off_t)(generation / 2 % PLACES) * WORDS * sizeof(uint64_t);
  }
  snprintf(path, size, "%s/file-%d-%d", folder, slot_of(n), generation / 2 % PLACES);
  return 0;
}

static int put(const char *folder, const char *disk, int directory, long run, long n) {
  char path[256], made[256];
  uint64_t record[WORDS];
  off_t at = place_of(path, sizeof path, folder, n);
  int renamed = generation_of(n) % 2;
  snprintf(made, sizeof made, "%s/making", folder);
  fill(record, run, n);
  int file = open(renamed ? made : path, O_CREAT | O_WRONLY | (renamed ? O_TRUNC : 0), 0600);
  if (file < 0) return stopped(disk, "open");
  if (pwrite(file, record, sizeof record, at) != sizeof record) return stopped(disk, "write");
  if (renamed ? fsync(file) : fdatasync(file)) return stopped(disk, "fsync");
  close(file);
  if (renamed && rename(made, path)) return stopped(disk, "rename");
  /* A file that is new has its name in the folder. */
  if ((renamed || generation_of(n) == 0) && fsync(directory)) return stopped(disk, "fsync of the folder");
  printf("@ack %s %ld\n", disk, n);
  return 0;
}

/* Until it is killed, or a write fails. */
int write_journal(const char *folder, const char *disk, long run) {
  int directory = open(folder, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return stopped(disk, "the folder");
  for (long n = 0;; n++)
    if (put(folder, disk, directory, run, n)) return 1;
}

/* Looks for the last records of each slot, of those up to the last that was acknowledged. */
int check_journal(const char *folder, const char *disk, long run, long last) {
  int lost = 0, looked = 0;
  for (long n = last; n > last - LOOKED_FOR && n >= 0; n--, looked++) {
    char path[256];
    uint64_t record[WORDS] = {0}, expected[WORDS];
    off_t at = place_of(path, sizeof path, folder, n);
    int file = open(path, O_RDONLY);
    fill(expected, run, n);
    /* The guest may have got further than it could say: then a later record of the slot has taken a place, but not this one's. */
    if (file < 0 || pread(file, record, sizeof record, at) != sizeof record || memcmp(record, expected, sizeof record)) {
      printf("@lost %s %ld\n", disk, n);
      lost++;
    }
    if (file >= 0) close(file);
  }
  if (lost == 0) printf("@intact %s %d\n", disk, looked);
  return lost != 0;
}
