/*
 * Load for a xenstore on a unix socket: `load SOCKET CLIENTS SECONDS CPU WORK`. Each client is a process with a connection
 * and a folder of its own, and asks one request after the other, as other people's clients do. Prints requests answered
 * in a second, of all clients; where WORK is `watch` a write counts when its event has come. CPU -1: any.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DIRECTORY = 1, READ = 2, WATCH = 4, START = 6, END = 7, WRITE = 11, MKDIR = 12, RM = 13, EVENT = 15, ERROR = 16 };
enum { PAYLOAD = 4096, NODES = 32 };

struct header {
    uint32_t type, request, transaction, length;
};

static int fd, client;
static uint32_t requests, events;
static char answer[PAYLOAD + 1];

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, answer);
    exit(1);
}

/* Bytes of the stream that came with the message before. */
static char buffer[65536];
static size_t filled, taken;

static void take(void *to, size_t count)
{
    while (filled - taken < count) {
        memmove(buffer, buffer + taken, filled - taken);
        filled -= taken;
        taken = 0;
        ssize_t got = read(fd, buffer + filled, sizeof buffer - filled);
        if (got <= 0) fail("the connection ended");
        filled += got;
    }
    memcpy(to, buffer + taken, count);
    taken += count;
}

/* One message; those that are events are counted. */
static struct header receive(void)
{
    struct header head;
    take(&head, sizeof head);
    if (head.length > PAYLOAD) fail("a message that is too long");
    take(answer, head.length);
    answer[head.length] = 0;
    if (head.type == EVENT) events++;
    return head;
}

static void ask(uint32_t type, uint32_t transaction, const char *payload, size_t length)
{
    char message[sizeof(struct header) + PAYLOAD];
    struct header head = { type, ++requests, transaction, length };
    memcpy(message, &head, sizeof head);
    memcpy(message + sizeof head, payload, length);
    if (write(fd, message, sizeof head + length) != (ssize_t)(sizeof head + length)) fail("write");
    do head = receive();
    while (head.type == EVENT);
    if (head.type != type || head.request != requests) fail("not the answer");
}

static size_t path(char *to, unsigned node) { return sprintf(to, "/bench/%d/%u", client, node % NODES) + 1; }

static void put(uint32_t transaction, unsigned node)
{
    char payload[128];
    size_t length = path(payload, node);
    length += sprintf(payload + length, "value %u", node);
    ask(WRITE, transaction, payload, length);
}

static void on(uint32_t type, uint32_t transaction, unsigned node)
{
    char payload[128];
    ask(type, transaction, payload, path(payload, node));
}

static unsigned reads(unsigned n) { return on(READ, 0, n), 1; }
static unsigned writes(unsigned n) { return put(0, n), 1; }

static unsigned directory(unsigned n)
{
    char payload[128];
    ask(DIRECTORY, 0, payload, sprintf(payload, "/bench/%d", client) + 1);
    return 1;
}

static unsigned mkdir_rm(unsigned n)
{
    char payload[128];
    size_t length = sprintf(payload, "/bench/%d/new%u", client, n % NODES) + 1;
    ask(MKDIR, 0, payload, length);
    ask(RM, 0, payload, length);
    return 2;
}

/* A conflict is no fault: it is what the one who comes second is told. */
static unsigned transaction(unsigned n)
{
    ask(START, 0, "", 1);
    uint32_t id = strtoul(answer, NULL, 10);
    on(READ, id, n);
    put(id, n);
    struct header head = { END, ++requests, id, 2 };
    char message[18];
    memcpy(message, &head, sizeof head);
    memcpy(message + 16, "T", 2);
    if (write(fd, message, sizeof message) != sizeof message) fail("write");
    head = receive();
    if (head.type != END && strcmp(answer, "EAGAIN")) fail("end");
    return 4;
}

static unsigned watch(unsigned n)
{
    uint32_t before = events;
    put(0, n);
    while (events == before) receive();
    return 1;
}

static unsigned mixed(unsigned n)
{
    reads(n), reads(n + 1), reads(n + 2), writes(n), directory(n);
    return 5;
}

static const struct {
    const char *name;
    unsigned (*act)(unsigned n);
} WORKS[] = { { "read", reads }, { "write", writes }, { "directory", directory }, { "mkdir-rm", mkdir_rm },
    { "transaction", transaction }, { "watch", watch }, { "mixed", mixed } };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void begin(const char *place, unsigned (*act)(unsigned))
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, place, sizeof address.sun_path - 1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    for (unsigned n = 0; n < NODES; n++) put(0, n);
    if (act != watch) return;
    char payload[128];
    size_t length = sprintf(payload, "/bench/%d", client) + 1;
    memcpy(payload + length, "token", 6);
    ask(WATCH, 0, payload, length + 6);
    while (events == 0) receive();
}

int main(int count, char **words)
{
    if (count != 6) return fprintf(stderr, "usage: load SOCKET CLIENTS SECONDS CPU WORK\n"), 2;
    int clients = atoi(words[2]), cpu = atoi(words[4]);
    double seconds = atof(words[3]);
    unsigned (*act)(unsigned) = NULL;
    for (size_t n = 0; n < sizeof WORKS / sizeof *WORKS; n++)
        if (!strcmp(WORKS[n].name, words[5])) act = WORKS[n].act;
    if (!act) return fprintf(stderr, "load: no work is called %s\n", words[5]), 2;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) CPU_SET(cpu, &set), sched_setaffinity(0, sizeof set, &set);
    int ready[2], go[2], done[2];
    if (pipe(ready) || pipe(go) || pipe(done)) fail("pipe");
    for (client = 0; client < clients; client++) {
        if (fork()) continue;
        char byte;
        begin(words[1], act);
        if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1) fail("pipe");
        double start = now(), time = 0;
        uint64_t answered = 0;
        for (unsigned n = 0; time < seconds; time = now() - start)
            for (unsigned turn = 0; turn < 16; turn++) answered += act(n++);
        double rate = answered / time;
        return write(done[1], &rate, sizeof rate) == sizeof rate ? 0 : 1;
    }
    /* Those that fail close their ends. */
    close(ready[1]), close(go[0]), close(done[1]);
    char byte;
    for (int n = 0; n < clients; n++)
        if (read(ready[0], &byte, 1) != 1) return 1;
    for (int n = 0; n < clients; n++)
        if (write(go[1], "g", 1) != 1) return 1;
    double total = 0, rate;
    for (int n = 0; n < clients; n++) {
        if (read(done[0], &rate, sizeof rate) != sizeof rate) return 1;
        total += rate;
    }
    while (wait(NULL) > 0) continue;
    printf("%.0f\n", total);
    return 0;
}
