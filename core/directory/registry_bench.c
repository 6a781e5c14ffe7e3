/* SPDX-License-Identifier: Apache-2.0
 * What registrations and lookups cost, in memory alone: no sockets, no disk. Numbers are printed
 * with their conditions; nothing is judged here. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/directory/registry.h"

enum { LINKS = 10, ROUNDS = 2000, BUDGET = 64 };

struct site {
    struct lintel_registry *r;
    uint32_t n; /* registrations */
    uint64_t *ids;
};

/* Of the processor: what else the machine does is not our subject. */
static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ten links of a device; one of them has a type of its own kind, which two devices share. */
static void
links_of(uint32_t device, struct lintel_buf *out)
{
    static const char *const kinds[] = {"temperature", "humidity", "co2",   "light", "presence",
                                        "power",       "energy",   "valve", "alarm"};
    lintel_buf_reset(out);
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++)
        lintel_buf_addf(out,
                        "</sensors/%s>;rt=\"tag:example.com,2026:%s\";if=\"sensor\";"
                        "ct=\"50 60\";obs,",
                        kinds[i], kinds[i]);
    lintel_buf_addf(out,
                    "</own/%u>;rt=\"tag:example.com,2026:own%u\";if=\"own%u\";ct=\"50 60\";obs",
                    device, device / 2, device / 2);
}

static uint64_t
put(struct lintel_registry *r, uint32_t device, const struct lintel_buf *links, lintel_mono now)
{
    char ep[32], d[32], base[64], reason[LINTEL_REASON];
    int is_new;
    snprintf(ep, sizeof ep, "device-%06u", device);
    snprintf(d, sizeof d, "zone-%05u", device / 4);
    snprintf(base, sizeof base, "coap://[2001:db8::%x:%x]", device >> 16, device & 0xffff);
    struct lintel_reg_input in = {.ep = lintel_str(ep),
                                  .d = lintel_str(d),
                                  .base = lintel_str(base),
                                  .owner = lintel_str("psk:device"),
                                  .lt = 3600 + device % 3600,
                                  .links = {links->p, links->n}};
    const struct lintel_registration *reg = lintel_registry_put(r, &in, now, &is_new, reason);
    if (reg == NULL) {
        fprintf(stderr, "registry_bench: %s\n", reason);
        exit(1);
    }
    return reg->id;
}

static size_t
in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static struct site
build(uint32_t n)
{
    struct lintel_registry_source source = {.seed = 1};
    struct site s = {lintel_registry_new(&source), n, calloc(n, sizeof *s.ids)};
    struct lintel_buf links = {0};
    struct lintel_registry_stats stats;
    double spent = 0, slowest = 0;
    size_t before = in_use();
    for (uint32_t i = 0; i < n; i++) {
        links_of(i, &links);
        double began = seconds();
        s.ids[i] = put(s.r, i, &links, 1);
        double took = seconds() - began;
        spent += took;
        slowest = took > slowest ? took : slowest;
    }
    lintel_registry_stats(s.r, &stats);
    size_t bytes = in_use() - before;
    printf("%8" PRIu64 " links: %8.0f registrations/s (slowest %.2f ms), %5.1f bytes a link "
           "(by its own count %5.1f; text of the links %.1f)\n",
           stats.links, n / spent, slowest * 1e3, (double)bytes / (double)stats.links,
           (double)stats.bytes / (double)stats.links, (double)links.n / LINKS);
    lintel_buf_fini(&links);
    return s;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* One lookup whole, as a request would do it. */
static uint64_t
look(const struct site *s, int resources, const char *first, const char *second,
     struct lintel_buf *out)
{
    struct lintel_lookup l;
    char reason[LINTEL_REASON];
    lintel_span query[2] = {{first, strlen(first)}, {second, strlen(second)}};
    lintel_buf_reset(out);
    if (lintel_lookup_init(&l, resources, query, 2, reason) != 0)
        exit(1);
    l.here = lintel_str("coap://[2001:db8::1]");
    while (lintel_lookup_step(s->r, &l, BUDGET, out))
        ;
    return l.given;
}

static void
query_of(const struct site *s, int criterion, uint32_t i, char out[128])
{
    switch (criterion) {
    case 0: snprintf(out, 128, "ep=device-%06u", i); break;
    case 1: snprintf(out, 128, "rt=tag:example.com,2026:own%u", i / 2); break;
    case 2: snprintf(out, 128, "if=own%u", i / 2); break;
    case 3: snprintf(out, 128, "d=zone-%05u", i / 4); break;
    case 4:
        snprintf(out, 128, "href=coap://[2001:db8::%x:%x]/sensors/co2", i >> 16, i & 0xffff);
        break;
    case 5: snprintf(out, 128, "href=/rd/%016" PRIx64, s->ids[i]); break;
    case 6: snprintf(out, 128, "rt=tag:example.com,2026:own%u*", 10 + i % 40); break;
    case 7: snprintf(out, 128, "href=coap://[2001:db8::%x:%x]/own/*", i >> 16, i & 0xffff); break;
    default: snprintf(out, 128, "base=coap://[2001:db8::%x:%x]", i >> 16, i & 0xffff); break;
    }
}

static const struct {
    const char *name, *second;
    int criterion, resources;
} cases[] = {
    {"ep=", "", 0, 1},
    {"rt=", "", 1, 1},
    {"if=", "", 2, 1},
    {"d= (endpoints)", "", 3, 0},
    {"href=", "", 4, 1},
    {"href=/rd/..", "", 5, 0},
    {"base=", "", 8, 0},
    {"href=..*", "", 7, 1},
    {"rt=..* (count=2)", "count=2", 6, 1},
};

static void
lookups(const struct site *s)
{
    static double took[ROUNDS];
    struct lintel_buf out = {0};
    char query[128];
    for (size_t c = 0; c < LINTEL_COUNT(cases); c++) {
        uint64_t hits = 0, bytes = 0;
        uint32_t step = s->n / 7 * 2 + 1;
        for (uint32_t i = 0; i < ROUNDS; i++) {
            query_of(s, cases[c].criterion, (uint32_t)((uint64_t)i * step % s->n), query);
            double began = seconds();
            hits += look(s, cases[c].resources, query, cases[c].second, &out);
            took[i] = seconds() - began;
            bytes += out.n;
        }
        qsort(took, ROUNDS, sizeof *took, by_size);
        printf("%8u links: %-16s %5.1f links, %6.0f bytes: median %7.2f us, p99 %7.2f us\n",
               s->n * LINKS, cases[c].name, (double)hits / ROUNDS, (double)bytes / ROUNDS,
               took[ROUNDS / 2] * 1e6, took[ROUNDS * 99 / 100] * 1e6);
    }
    lintel_buf_fini(&out);
}

/* What no index helps with, in steps: how long one step keeps the loop. */
static void
scans(const struct site *s)
{
    static const char *const queries[] = {"", "nothing", "href=coap*", "page=3&count=100"};
    for (size_t i = 0; i < LINTEL_COUNT(queries); i++) {
        struct lintel_lookup l;
        struct lintel_buf out = {0};
        char reason[LINTEL_REASON];
        lintel_span query[2] = {{queries[i], strcspn(queries[i], "&")}, {"", 0}};
        const char *second = strchr(queries[i], '&');
        if (second != NULL)
            query[1] = (lintel_span){second + 1, strlen(second + 1)};
        lintel_lookup_init(&l, 1, query, 2, reason);
        double began = seconds(), slowest = 0;
        uint32_t steps = 0;
        int more = 1;
        while (more) {
            double step = seconds();
            more = lintel_lookup_step(s->r, &l, BUDGET, &out);
            step = seconds() - step;
            slowest = step > slowest ? step : slowest;
            steps++;
        }
        printf("%8u links: \"%s\": %" PRIu64 " links, %.1f MB in %.1f ms, %u steps, the slowest "
               "%.2f ms\n",
               s->n * LINKS, queries[i], l.given, (double)out.n / 1e6, (seconds() - began) * 1e3,
               steps, slowest * 1e3);
        lintel_buf_fini(&out);
    }
}

/* Refreshes, and registering again with the same content: what a quiet building does all day. */
static void
refreshes(const struct site *s)
{
    struct lintel_reg_update u = {.session = 1};
    char reason[LINTEL_REASON];
    double began = seconds();
    for (uint32_t i = 0; i < s->n; i++)
        lintel_registry_update(s->r, s->ids[(uint64_t)i * 7919 % s->n], &u, 2, reason);
    printf("%8u links: %8.0f refreshes/s\n", s->n * LINKS, s->n / (seconds() - began));
}

static void
restart(const struct site *s)
{
    struct lintel_registry_source source = {.seed = 2};
    struct lintel_registry *again = lintel_registry_new(&source);
    struct lintel_buf *packs = calloc(s->n, sizeof *packs);
    char reason[LINTEL_REASON];
    size_t bytes = 0;
    double began = seconds();
    for (uint32_t i = 0; i < s->n; i++) {
        lintel_registration_pack(lintel_registry_find(s->r, s->ids[i]), 3, 1000, &packs[i]);
        bytes += packs[i].n;
    }
    double packed = seconds();
    for (uint32_t i = 0; i < s->n; i++)
        if (lintel_registry_unpack(again, s->ids[i], packs[i].p, packs[i].n, 3, 1000, reason) != 0)
            exit(1);
    double done = seconds();
    printf("%8u links: %u registrations packed in %.2f s (%zu bytes each), unpacked in %.2f s\n",
           s->n * LINKS, s->n, packed - began, bytes / s->n, done - packed);
    double ended = seconds();
    double slowest = 0;
    for (lintel_mono next = 0, now = INT64_C(8000) * 1000000000; next <= now;) {
        double call = seconds();
        next = lintel_registry_expire(again, now);
        call = seconds() - call;
        slowest = call > slowest ? call : slowest;
    }
    printf("%8u links: all end in %.2f s, the slowest call %.2f ms\n", s->n * LINKS,
           seconds() - ended, slowest * 1e3);
    for (uint32_t i = 0; i < s->n; i++)
        lintel_buf_fini(&packs[i]);
    free(packs);
    lintel_registry_free(again);
}

/* An argument: only that many registrations. */
int
main(int argc, char **argv)
{
    uint32_t sizes[] = {100, 1000, 10000, 100000};
    size_t n = LINTEL_COUNT(sizes);
    if (argc > 1) {
        sizes[0] = (uint32_t)strtoul(argv[1], NULL, 10);
        n = 1;
    }
    printf("registrations of %d links, %d lookups of each kind, steps of %d; processor time\n",
           LINKS, ROUNDS, BUDGET);
    for (size_t i = 0; i < n; i++) {
        struct site s = build(sizes[i]);
        lookups(&s);
        if (sizes[i] >= 10000) {
            scans(&s);
            refreshes(&s);
            restart(&s);
        }
        lintel_registry_free(s.r);
        free(s.ids);
    }
    return 0;
}
