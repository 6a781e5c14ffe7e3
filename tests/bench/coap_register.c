/* SPDX-License-Identifier: Apache-2.0
 * Registers endpoints in a resource directory, as fast as it takes them: from so many sockets, with
 * so many registrations under way on each.
 *
 *   coap_register ADDRESS PORT ENDPOINTS [LINKS [SOCKETS [UNDER-WAY [FIRST]]]]
 *
 * Endpoints are called bench-FIRST and on. Prints one line: registrations per second, latencies,
 * errors. A request without an answer for two seconds is sent again, as a new message. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/wire.h"

enum { MAX_SOCKETS = 256, MAX_UNDER_WAY = 64 };
#define AGAIN (2 * SECOND)
static const char program[] = "coap_register";

struct slot {
    int64_t begun, sent; /* 0: free */
    uint32_t endpoint;
};
static struct {
    int fd;
    uint16_t mid;
    struct slot slots[MAX_UNDER_WAY];
} sockets[MAX_SOCKETS];
static unsigned endpoints, links, nsockets, under_way, first;
static uint32_t next, done, repeated, errors;
static int64_t *latencies;
static char wrong[200];

static void
send_one(unsigned s, unsigned k)
{
    struct slot *slot = &sockets[s].slots[k];
    struct wire w;
    char text[WIRE_MOST];
    size_t n = 0;
    wire_begin(&w, 2);
    wire_path(&w, "rd");
    wire_option(&w, 12, "\x28", 1); /* application/link-format */
    int length = snprintf(text, sizeof text, "ep=bench-%u", first + slot->endpoint);
    wire_option(&w, 15, text, (size_t)length);
    wire_option(&w, 15, "d=bench", 7);
    wire_option(&w, 15, "et=tag:example.com,2026:sensor", 30);
    for (unsigned i = 0; i < links && n < sizeof text; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "%s</s/%u>;rt=\"tag:example.com,2026:kind-%u\";if=\"sensor\";ct=\"50 60\";obs",
            i ? "," : "", i, i);
    if (n >= sizeof text)
        wire_fail(program, "the links do not fit one datagram");
    if (n > 0)
        wire_payload(&w, text, n);
    sockets[s].mid++;
    w.bytes[2] = (uint8_t)(sockets[s].mid >> 8);
    w.bytes[3] = (uint8_t)sockets[s].mid;
    w.bytes[4] = (uint8_t)k;
    memcpy(w.bytes + 5, &(uint32_t){slot->endpoint}, 3);
    slot->sent = wire_now();
    (void)!send(sockets[s].fd, w.bytes, w.n, 0);
}

static void
fill(unsigned s, int64_t t)
{
    for (unsigned k = 0; k < under_way; k++) {
        struct slot *slot = &sockets[s].slots[k];
        if (slot->begun != 0 && t - slot->sent < AGAIN)
            continue;
        if (slot->begun != 0)
            repeated++;
        else if (next == endpoints)
            continue;
        else
            *slot = (struct slot){.begun = t, .endpoint = next++};
        send_one(s, k);
    }
}

static void
take(unsigned s, const uint8_t *m, size_t n)
{
    if (n >= 4 && m[0] >> 4 == 4) /* confirmable: it wants to be acknowledged */
        (void)!send(sockets[s].fd, (uint8_t[]){0x60, 0, m[2], m[3]}, 4, 0);
    if (n < 8 || (m[0] & 0x0f) != 4 || m[1] == 0 || m[4] >= under_way)
        return; /* an empty acknowledgement, or nothing of ours */
    struct slot *slot = &sockets[s].slots[m[4]];
    if (slot->begun == 0 || memcmp(m + 5, &(uint32_t){slot->endpoint}, 3) != 0)
        return;
    if (m[1] >> 5 != 2 && errors++ == 0)
        snprintf(wrong, sizeof wrong, "%u.%02u %.*s", m[1] >> 5, m[1] & 31, (int)(n - 8), m + 8);
    latencies[done++] = wire_now() - slot->begun;
    slot->begun = 0;
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
    if (argc < 4) {
        fprintf(stderr, "usage: %s ADDRESS PORT ENDPOINTS [LINKS [SOCKETS [UNDER-WAY [FIRST]]]]\n",
                program);
        return 2;
    }
    endpoints = wire_argument(program, argc, argv, 3, 1, 10000000);
    links = wire_argument(program, argc, argv, 4, 10, 14);
    nsockets = wire_argument(program, argc, argv, 5, 20, MAX_SOCKETS);
    under_way = wire_argument(program, argc, argv, 6, 8, MAX_UNDER_WAY);
    first = argc > 7 ? (unsigned)strtoul(argv[7], NULL, 10) : 0;
    struct pollfd polls[MAX_SOCKETS];
    for (unsigned s = 0; s < nsockets; s++) {
        sockets[s].fd =
            wire_connect(program, argv[1], wire_argument(program, argc, argv, 2, 0, 65535));
        polls[s] = (struct pollfd){.fd = sockets[s].fd, .events = POLLIN};
    }
    latencies = calloc(endpoints, sizeof *latencies);
    if (latencies == NULL)
        wire_fail(program, "memory");
    int64_t begin = wire_now(), t = begin, last = begin;
    uint32_t before = 0;
    while (done < endpoints) {
        for (unsigned s = 0; s < nsockets; s++)
            fill(s, t);
        poll(polls, nsockets, 200);
        for (unsigned s = 0; s < nsockets; s++) {
            uint8_t m[WIRE_MOST];
            ssize_t n;
            while (polls[s].revents != 0 && (n = recv(sockets[s].fd, m, sizeof m, 0)) >= 0)
                take(s, m, (size_t)n);
        }
        t = wire_now();
        if (done != before)
            last = t;
        before = done;
        if (t - last > 20 * SECOND) {
            fprintf(stderr, "%s: no answer for 20 s, after %u registrations\n", program, done);
            return 1;
        }
    }
    double seconds = (double)(t - begin) / 1e9;
    qsort(latencies, done, sizeof *latencies, compare);
    printf("%u registrations of %u links in %.2f s: %.0f per second, latency ms p50 %.2f p99 %.2f, "
           "sent again %u, errors %u%s%s\n",
           done, links, seconds, done / seconds, (double)latencies[done / 2] / 1e6,
           (double)latencies[done - 1 - done / 100] / 1e6, repeated, errors, errors ? ": " : "",
           wrong);
    return errors != 0;
}
