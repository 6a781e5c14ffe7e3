/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int64_t
wire_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

_Noreturn void
wire_fail(const char *program, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program, what, strerror(errno));
    exit(1);
}

int
wire_connect(const char *program, const char *address, unsigned port)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to = {0};
    socklen_t n = sizeof to.in6;
    to.in6.sin6_family = AF_INET6;
    to.in6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET6, address, &to.in6.sin6_addr) != 1) {
        memset(&to, 0, sizeof to);
        to.in.sin_family = AF_INET;
        to.in.sin_port = htons((uint16_t)port);
        n = sizeof to.in;
        if (inet_pton(AF_INET, address, &to.in.sin_addr) != 1) {
            fprintf(stderr, "%s: %s is no address in figures\n", program, address);
            exit(2);
        }
    }
    int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &to.sa, n) != 0)
        wire_fail(program, "connect");
    return fd;
}

unsigned
wire_argument(const char *program, int argc, char **argv, int i, unsigned dflt, unsigned max)
{
    unsigned long v = argc > i ? strtoul(argv[i], NULL, 10) : dflt;
    if (v < 1 || v > max) {
        fprintf(stderr, "%s: argument %d: 1 to %u is wanted\n", program, i, max);
        exit(2);
    }
    return (unsigned)v;
}

void
wire_begin(struct wire *w, unsigned code)
{
    memset(w, 0, sizeof *w);
    w->bytes[0] = 0x44;
    w->bytes[1] = (uint8_t)code;
    w->n = 8;
}

static void
add(struct wire *w, const void *p, size_t n)
{
    if (n > WIRE_MOST - w->n) {
        fprintf(stderr, "a request is too long\n");
        exit(2);
    }
    if (n > 0)
        memcpy(w->bytes + w->n, p, n);
    w->n += n;
}

void
wire_option(struct wire *w, unsigned number, const void *p, size_t n)
{
    unsigned delta = number - w->last;
    uint8_t head = (uint8_t)((delta < 13 ? delta : 13) << 4 | (n < 13 ? n : n < 269 ? 13 : 14));
    add(w, &head, 1);
    if (delta >= 13)
        add(w, &(uint8_t){(uint8_t)(delta - 13)}, 1);
    if (n >= 269)
        add(w, (uint8_t[]){(uint8_t)((n - 269) >> 8), (uint8_t)(n - 269)}, 2);
    else if (n >= 13)
        add(w, &(uint8_t){(uint8_t)(n - 13)}, 1);
    add(w, p, n);
    w->last = number;
}

void
wire_path(struct wire *w, const char *path)
{
    const char *query = path + strcspn(path, "?");
    while ((path += strspn(path, "/")) < query) {
        size_t n = strcspn(path, "/?");
        wire_option(w, 11, path, n);
        path += n;
    }
    while (*(query += strspn(query, "?&")) != '\0') {
        size_t n = strcspn(query, "&");
        wire_option(w, 15, query, n);
        query += n;
    }
}

void
wire_payload(struct wire *w, const void *p, size_t n)
{
    add(w, &(uint8_t){0xff}, 1);
    add(w, p, n);
}
