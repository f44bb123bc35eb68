/* Reads functions from a disk, past the page cache, onto a page whose code is hot, and calls what is there then. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int disk = open(argv[1], O_RDONLY | O_DIRECT);
    char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (disk < 0 || page == MAP_FAILED)
        return 1;
    for (int round = 0; round < 40; round++) {
        int block = round % 8;
        if (pread(disk, page, 4096, (off_t)block * 4096) != 4096)
            return 2;
        long sum = 0;
        for (int call = 0; call < 20000; call++)
            sum += ((int (*)(void))page)();
        if (sum != 20000L * (block + 100)) {
            printf("round %d: block %d gives %ld\n", round, block, sum);
            return 3;
        }
    }
    puts("the new code ran each time");
    return 0;
}
