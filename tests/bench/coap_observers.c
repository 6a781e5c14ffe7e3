/* SPDX-License-Identifier: Apache-2.0
 * Observes one resource from so many sockets, so many times from each, and tells how long one
 * change takes to reach all.
 *
 *   coap_observers ADDRESS PORT PATH [SOCKETS [PER-SOCKET [CHANGES]]]
 *
 * The resource must change by itself, at most a few times a second. Of each change the time from
 * its first notification to its last is taken; confirmable ones are acknowledged. Prints one line.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/bench/wire.h"

enum { MAX_SOCKETS = 4096, MAX_CHANGES = 1000 };
#define GAP (SECOND / 10) /* without a notification: the next one belongs to another change */
static const char program[] = "coap_observers";
static struct pollfd polls[MAX_SOCKETS];
static uint8_t *answered; /* of each observation, whether it is on the list */
static unsigned each;

static void
observe(int fd, const char *path, unsigned k)
{
    struct wire w;
    wire_begin(&w, 1);
    wire_option(&w, 6, "", 0);
    wire_path(&w, path);
    w.bytes[2] = (uint8_t)(k >> 8);
    w.bytes[3] = (uint8_t)k;
    w.bytes[4] = 1;
    w.bytes[5] = (uint8_t)(k >> 8);
    w.bytes[6] = (uint8_t)k;
    (void)!send(fd, w.bytes, w.n, 0);
}

/* Reads what waits on a socket; returns how many answers of ours it was. */
static unsigned
drain(unsigned s)
{
    int fd = polls[s].fd;
    uint8_t m[WIRE_MOST];
    ssize_t n;
    unsigned count = 0;
    while ((n = recv(fd, m, sizeof m, 0)) >= 4) {
        if (m[0] >> 4 == 4)
            (void)!send(fd, (uint8_t[]){0x60, 0, m[2], m[3]}, 4, 0);
        if (m[1] >> 5 > 2) {
            fprintf(stderr, "%s: %u.%02u\n", program, m[1] >> 5, m[1] & 31);
            exit(1);
        }
        if (m[1] == 0 || n < 8)
            continue;
        answered[s * each + ((unsigned)m[5] << 8 | m[6])] = 1;
        count++;
    }
    return count;
}

/* Waits up to ms for anything, and counts it; its time is the return's. */
static unsigned
turn(unsigned nsockets, int ms)
{
    unsigned count = 0;
    if (poll(polls, nsockets, ms) > 0)
        for (unsigned s = 0; s < nsockets; s++)
            if (polls[s].revents != 0)
                count += drain(s);
    return count;
}

/* A few at a time: not more than the server's buffers hold. Those without an answer are asked
 * again. */
static void
register_all(unsigned nsockets, const char *path)
{
    int64_t end = wire_now() + 30 * SECOND;
    for (unsigned missing = 1; missing != 0;) {
        if (wire_now() > end) {
            fprintf(stderr, "%s: %u observations are not accepted\n", program, missing);
            exit(1);
        }
        missing = 0;
        for (unsigned i = 0; i < nsockets * each; i++) {
            if (answered[i])
                continue;
            observe(polls[i / each].fd, path, i % each);
            if (++missing % 16 == 0)
                (void)turn(nsockets, 5);
        }
        for (int k = 0; k < 20; k++)
            (void)turn(nsockets, 5);
    }
}

static int
compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int
main(int argc, char **argv)
{
    static int64_t spans[MAX_CHANGES];
    struct rlimit files;
    if (argc < 4) {
        fprintf(stderr, "usage: %s ADDRESS PORT PATH [SOCKETS [PER-SOCKET [CHANGES]]]\n", program);
        return 2;
    }
    unsigned nsockets = wire_argument(program, argc, argv, 4, 1000, MAX_SOCKETS);
    each = wire_argument(program, argc, argv, 5, 1, 1000);
    unsigned changes = wire_argument(program, argc, argv, 6, 10, MAX_CHANGES);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (unsigned s = 0; s < nsockets; s++) {
        int fd = wire_connect(program, argv[1], wire_argument(program, argc, argv, 2, 0, 65535));
        polls[s] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    answered = calloc(nsockets, each);
    if (answered == NULL)
        wire_fail(program, "memory");
    register_all(nsockets, argv[3]);

    uint64_t total = 0;
    for (unsigned i = 0; i <= changes; i++) {
        int64_t start = 0, last = 0, t = wire_now();
        unsigned count = 0;
        while (last == 0 ? wire_now() - t < 20 * SECOND : wire_now() - last < GAP) {
            unsigned n = turn(nsockets, last == 0 ? 1000 : 20);
            if (n == 0)
                continue;
            last = wire_now();
            start = start == 0 ? last : start;
            count += n;
        }
        if (last == 0) {
            fprintf(stderr, "%s: nothing has changed for 20 s\n", program);
            return 1;
        }
        if (i == 0)
            continue; /* it may have begun before we listened */
        spans[i - 1] = last - start;
        total += count;
    }
    qsort(spans, changes, sizeof *spans, compare);
    printf("%u observers on %u sockets, %u changes: from the first notification to the last ms p50 "
           "%.1f, most %.1f; "
           "%.1f %% of the notifications came\n",
           nsockets * each, nsockets, changes, (double)spans[changes / 2] / 1e6,
           (double)spans[changes - 1] / 1e6,
           (double)total * 100 / ((double)nsockets * each * changes));
    return 0;
}
