/* SPDX-License-Identifier: Apache-2.0
 * A CoAP load client made of raw datagrams: so many sockets with so many GETs under way each, for
 * so many seconds; with a JSON value, PUTs of that.
 *
 *   coap_load ADDRESS PORT PATH [SOCKETS [UNDER-WAY [SECONDS [VALUE]]]]
 *
 * Prints one line: answers per second, latency percentiles in microseconds, lost requests, answers
 * that are errors. An answer is what comes back with the token of a request, so a bare UDP echo
 * counts as well. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/wire.h"

enum {
    MAX_SOCKETS = 64,
    MAX_UNDER_WAY = 256,
    MAX_REQUEST = 300,
    ANSWER = 1500,
    BATCH = 32,
    SUB_BUCKETS = 16, /* of each power of two of nanoseconds */
    BUCKETS = 40 * SUB_BUCKETS
};
#define LOST (1 * SECOND) /* a request without an answer is given up after this long */
#define WARM_UP                                                                                    \
    (SECOND * 12 / 10) /* not counted; longer than LOST, for what the first burst loses */

struct slot {
    int64_t sent; /* 0: free */
    uint16_t round;
};

static struct {
    int fd;
    uint16_t mid;
    struct slot slots[MAX_UNDER_WAY];
} sockets[MAX_SOCKETS];

static const char program[] = "coap_load";
static struct wire request;
static unsigned nsockets = 4, under_way = 8;
static uint64_t latencies[BUCKETS], answers, lost, errors;
static int counting;

static void
build_request(const char *path, const char *value)
{
    static const uint8_t json = 50;
    /* The token: slot, and how often it was used. */
    wire_begin(&request, value != NULL ? 3 : 1);
    wire_path(&request, path);
    if (value != NULL) {
        wire_option(&request, 12, &json, 1);
        wire_payload(&request, value, strlen(value));
    }
    if (request.n > MAX_REQUEST) {
        fprintf(stderr, "%s: the path or the value is too long\n", program);
        exit(2);
    }
}

static void
open_sockets(const char *address, unsigned port)
{
    for (unsigned i = 0; i < nsockets; i++) {
        sockets[i].fd = wire_connect(program, address, port);
        sockets[i].mid = (uint16_t)wire_now();
    }
}

/* Sends a request in each free slot; slots whose answer is overdue are free again. */
static void
fill(unsigned s, int64_t t)
{
    static uint8_t texts[BATCH][MAX_REQUEST];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    unsigned n = 0;
    for (unsigned k = 0; k < under_way && n < BATCH; k++) {
        struct slot *slot = &sockets[s].slots[k];
        if (slot->sent != 0 && t - slot->sent < LOST)
            continue;
        if (slot->sent != 0 && counting)
            lost++;
        slot->sent = t;
        slot->round++;
        sockets[s].mid++;
        memcpy(texts[n], request.bytes, request.n);
        texts[n][2] = (uint8_t)(sockets[s].mid >> 8);
        texts[n][3] = (uint8_t)sockets[s].mid;
        texts[n][4] = (uint8_t)(k >> 8);
        texts[n][5] = (uint8_t)k;
        texts[n][6] = (uint8_t)(slot->round >> 8);
        texts[n][7] = (uint8_t)slot->round;
        parts[n] = (struct iovec){texts[n], request.n};
        messages[n].msg_hdr = (struct msghdr){.msg_iov = &parts[n], .msg_iovlen = 1};
        n++;
    }
    if (n > 0 && sendmmsg(sockets[s].fd, messages, n, 0) < 0 && errno != EAGAIN)
        wire_fail(program, "is the server there?");
}

static unsigned
bucket(int64_t ns)
{
    uint64_t v = ns < SUB_BUCKETS ? SUB_BUCKETS : (uint64_t)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(v);
    unsigned at = (power - 4) * SUB_BUCKETS + (unsigned)(v >> (power - 4) & (SUB_BUCKETS - 1));
    return at < BUCKETS ? at : BUCKETS - 1;
}

static void
take(unsigned s, const uint8_t *m, size_t n, int64_t t)
{
    unsigned k = n >= 8 ? (unsigned)(m[4] << 8 | m[5]) : MAX_UNDER_WAY;
    if (n < 8 || (m[0] & 0xcf) != 0x44 || k >= under_way)
        return;
    struct slot *slot = &sockets[s].slots[k];
    if (slot->sent == 0 || slot->round != (uint16_t)(m[6] << 8 | m[7]))
        return; /* late */
    if (counting) {
        answers++;
        errors += m[1] >> 5 > 2;
        latencies[bucket(t - slot->sent)]++;
    }
    slot->sent = 0;
}

/* One that comes apart from its acknowledgement wants one of its own (RFC 7252 section 5.2.2). */
static void
acknowledge(unsigned s, const uint8_t *m, size_t n)
{
    const uint8_t ack[] = {0x60, 0, m[2], m[3]};
    if (n >= 4 && (m[0] & 0xf0) == 0x40 && send(sockets[s].fd, ack, sizeof ack, 0) < 0 &&
        errno != EAGAIN)
        wire_fail(program, "is the server there?");
}

static void
receive(unsigned s)
{
    static uint8_t texts[BATCH][ANSWER];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){texts[i], ANSWER};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(sockets[s].fd, messages, BATCH, MSG_DONTWAIT, NULL);
    int64_t t = wire_now();
    for (int i = 0; i < n; i++) {
        acknowledge(s, texts[i], messages[i].msg_len);
        take(s, texts[i], messages[i].msg_len, t);
    }
}

static double
percentile(double part)
{
    uint64_t wanted = (uint64_t)((double)answers * part), sum = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        if ((sum += latencies[i]) > wanted) {
            unsigned power = i / SUB_BUCKETS + 4;
            return ((double)(UINT64_C(1) << power) +
                    (double)(i % SUB_BUCKETS) * (double)(UINT64_C(1) << (power - 4))) /
                   1000;
        }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr,
                "usage: coap_load ADDRESS PORT PATH [SOCKETS [UNDER-WAY [SECONDS [VALUE]]]]\n");
        return 2;
    }
    nsockets = wire_argument(program, argc, argv, 4, nsockets, MAX_SOCKETS);
    under_way = wire_argument(program, argc, argv, 5, under_way, MAX_UNDER_WAY);
    unsigned seconds = wire_argument(program, argc, argv, 6, 3, 600);
    build_request(argv[3], argc > 7 ? argv[7] : NULL);
    open_sockets(argv[1], wire_argument(program, argc, argv, 2, 0, 65535));

    struct pollfd polls[MAX_SOCKETS];
    for (unsigned s = 0; s < nsockets; s++)
        polls[s] = (struct pollfd){.fd = sockets[s].fd, .events = POLLIN};
    int64_t begin = wire_now() + WARM_UP, end = begin + (int64_t)seconds * SECOND, t;
    while ((t = wire_now()) < end) {
        counting = t >= begin;
        for (unsigned s = 0; s < nsockets; s++)
            fill(s, t);
        poll(polls, nsockets, 100);
        for (unsigned s = 0; s < nsockets; s++)
            if (polls[s].revents != 0)
                receive(s);
    }
    printf("%.0f per second, latency us p50 %.0f p90 %.0f p99 %.0f p99.9 %.0f, lost %llu, errors "
           "%llu\n",
           (double)answers / seconds, percentile(0.5), percentile(0.9), percentile(0.99),
           percentile(0.999), (unsigned long long)lost, (unsigned long long)errors);
    return answers == 0 || errors != 0;
}
