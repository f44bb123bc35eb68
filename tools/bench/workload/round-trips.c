/*
 * Round trips of a byte over TCP: a server that sends back what it gets, and a client that waits for each byte before it sends
 * the next.
 *   @io NAME net NS      (of one round trip)
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static int fault(const char *what) {
  printf("@fault round trips: %s: %m\n", what);
  return 1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *host, const char *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host, &at.sin_addr);
  return at;
}

static void at_once(int socket) {
  int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* One client after the other, until it is killed. */
int serve_round_trips(const char *host, const char *port) {
  struct sockaddr_in at = place(host, port);
  int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 1)) return fault("listening");
  puts("@serving");
  for (;;) {
    char byte;
    int client = accept(server, 0, 0);
    at_once(client);
    while (read(client, &byte, 1) == 1 && write(client, &byte, 1) == 1)
      ;
    close(client);
  }
}

int time_round_trips(const char *name, const char *host, const char *port, double seconds) {
  struct sockaddr_in at = place(host, port);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  char byte = 'x';
  if (connect(server, (struct sockaddr *)&at, sizeof at)) return fault("connecting");
  at_once(server);
  for (int n = 0; n < 100; n++)
    if (write(server, &byte, 1) != 1 || read(server, &byte, 1) != 1) return fault("the first ones");
  double begin = now(), end;
  long trips = 0;
  do {
    if (write(server, &byte, 1) != 1 || read(server, &byte, 1) != 1) return fault("on the way");
    trips++;
    end = now();
  } while (end < begin + seconds);
  printf("@io %s net %.1f\n", name, (end - begin) / trips * 1e9);
  return 0;
}
