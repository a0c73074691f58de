/*
 * Many TFTP clients in one process, each on an address of its own, fetching the same file again and again and comparing every
 * byte (RFC 1350, 2347, 2348, 7440). Arguments: server, port, path on the server, the same file here, blksize, windowsize,
 * clients, transfers of each, first client address. Says one line: bytes, seconds, seconds of processor, retransmissions.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RRQ = 1, DATA = 3, ACK = 4, ERROR = 5, OACK = 6, BATCH = 64, SLOT = 1536 };

struct client {
  int fd, remaining, window, since_ack;
  struct in_addr address;
  struct sockaddr_in server;
  uint32_t next;     /* block expected, counted without wrapping from 1 */
  uint64_t heard_ns; /* when something new came */
};

static const char *path;
static const uint8_t *content;
static size_t size;
static int block_bytes, wanted_window;
static struct sockaddr_in listener;
static uint64_t bytes, resent;
static int epoll_fd, running;

static void fail(const char *what) {
  fprintf(stderr, "load-client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void request(struct client *c) {
  char text[512];
  int length = 2 + sprintf(text + 2, "%s%coctet%cblksize%c%d%c", path, 0, 0, 0, block_bytes, 0);
  if (wanted_window > 1) length += sprintf(text + length, "windowsize%c%d%c", 0, wanted_window, 0);
  text[0] = 0;
  text[1] = RRQ;
  if (sendto(c->fd, text, length, 0, (struct sockaddr *)&listener, sizeof listener) < 0) fail("sendto");
}

/* A new port for each transfer, as a client that boots has. */
static void begin(struct client *c) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = c->address};
  c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (bind(c->fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) fail("epoll_ctl");
  c->next = 1;
  c->window = 1;
  c->since_ack = 0;
  c->server.sin_port = 0;
  c->heard_ns = now_ns();
  request(c);
}

static void acknowledge(struct client *c) {
  uint8_t packet[4] = {0, ACK, (c->next - 1) >> 8, c->next - 1};
  c->since_ack = 0;
  if (send(c->fd, packet, sizeof packet, 0) < 0 && errno != ECONNREFUSED) fail("send");
}

static void end(struct client *c) {
  close(c->fd);
  if (--c->remaining > 0) begin(c);
  else running--;
}

/* What the server agreed to: its block size must be ours, its window may be missing. */
static void agree(struct client *c, const char *packet, int length) {
  for (const char *name = packet + 2; name < packet + length;) {
    const char *value = name + strlen(name) + 1;
    if (strcasecmp(name, "windowsize") == 0) c->window = atoi(value);
    if (strcasecmp(name, "blksize") == 0 && atoi(value) != block_bytes) fail("another block size");
    name = value + strlen(value) + 1;
  }
}

/* True when the transfer is over. */
static int receive(struct client *c, const uint8_t *packet, int length) {
  int kind = packet[1];
  if (kind == ERROR) {
    fprintf(stderr, "load-client: the server says: %s\n", packet + 4);
    exit(1);
  }
  if (kind == OACK && c->next == 1) {
    agree(c, (const char *)packet, length);
    acknowledge(c);
    return 0;
  }
  if (kind != DATA) return 0;
  if ((packet[2] << 8 | packet[3]) != (c->next & 0xffff)) {
    if (c->since_ack == 0) return 0;
    resent++;
    acknowledge(c);
    return 0;
  }
  size_t at = (size_t)(c->next - 1) * block_bytes, body = length - 4;
  if (at + body > size || memcmp(content + at, packet + 4, body) != 0) fail("other bytes than those of the file");
  c->next++;
  c->since_ack++;
  c->heard_ns = now_ns();
  int is_last = (int)body < block_bytes;
  if (is_last || c->since_ack == c->window) acknowledge(c);
  if (is_last) {
    if (at + body != size) fail("the file ended early");
    bytes += size;
  }
  return is_last;
}

static void drain(struct client *c) {
  static uint8_t memory[BATCH][SLOT];
  static struct mmsghdr messages[BATCH];
  static struct iovec vectors[BATCH];
  struct sockaddr_in from[1];
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){memory[i], SLOT};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  if (c->server.sin_port == 0) { /* the first answer says the transfer's port */
    socklen_t length = sizeof from[0];
    int got = recvfrom(c->fd, memory[0], SLOT, 0, (struct sockaddr *)from, &length);
    if (got < 4) return;
    c->server = from[0];
    if (connect(c->fd, (struct sockaddr *)&c->server, sizeof c->server) < 0) fail("connect");
    if (receive(c, memory[0], got)) end(c);
    return;
  }
  int count = recvmmsg(c->fd, messages, c->window > 1 ? BATCH : 1, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    if (messages[i].msg_len >= 4 && receive(c, memory[i], messages[i].msg_len)) {
      end(c);
      return;
    }
  }
}

static void retry_silent(struct client *clients, int count) {
  for (int i = 0; i < count; i++) {
    struct client *c = &clients[i];
    if (c->remaining == 0 || now_ns() - c->heard_ns < 500000000ull) continue;
    resent++;
    c->heard_ns = now_ns();
    if (c->server.sin_port == 0) request(c);
    else acknowledge(c);
  }
}

int main(int argc, char **argv) {
  if (argc != 10) return 2;
  listener = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_aton(argv[1], &listener.sin_addr);
  path = argv[3];
  int file = open(argv[4], O_RDONLY);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) < 0) fail(argv[4]);
  size = facts.st_size;
  content = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  block_bytes = atoi(argv[5]);
  wanted_window = atoi(argv[6]);
  int count = atoi(argv[7]);
  uint32_t first = ntohl(inet_addr(argv[9]));
  struct client *clients = calloc(count, sizeof *clients);
  epoll_fd = epoll_create1(0);
  running = count;
  uint64_t started = now_ns(), checked = started;
  for (int i = 0; i < count; i++) {
    clients[i].remaining = atoi(argv[8]);
    clients[i].address.s_addr = htonl(first + i);
    begin(&clients[i]);
  }
  while (running > 0) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll_fd, events, 64, 200);
    for (int i = 0; i < ready; i++) drain(events[i].data.ptr);
    if (now_ns() - checked > 200000000ull) retry_silent(clients, count), checked = now_ns();
  }
  double seconds = (now_ns() - started) / 1e9;
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  double cpu = use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  printf("%llu %.6f %.6f %llu\n", (unsigned long long)bytes, seconds, cpu, (unsigned long long)resent);
  return 0;
}
