/* SPDX-License-Identifier: Apache-2.0
 * How many changes a second get onto the disk below TMPDIR. Numbers are printed with their
 * conditions; nothing is judged here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/store/store.h"

enum { BLOB = 864 }; /* bytes: a registration of ten links */
#define SECOND INT64_C(1000000000)

struct bench {
    struct lintel_loop *loop;
    struct lintel_store *store;
    uint32_t done, failed;
    uint64_t next; /* key */
};

static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
scattered(uint64_t n) /* keys are random numbers, as ids of registrations are */
{
    return (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
on_done(void *ctx, int failed)
{
    struct bench *b = ctx;
    b->done++;
    b->failed += failed != 0;
}

static int
is_done(void *ctx)
{
    return ((struct bench *)ctx)->done != 0;
}

/* That many changes, then one wait for the disk; for about so long. */
static void
in_groups(struct bench *b, uint32_t group, double limit)
{
    char blob[BLOB];
    struct lintel_store_stats before, after;
    uint64_t n = 0;
    memset(blob, 'x', sizeof blob);
    lintel_store_stats(b->store, &before);
    double began = seconds(), spent = 0;
    for (; spent < limit; spent = seconds() - began) {
        for (uint32_t i = 0; i < group; i++)
            if (lintel_store_put(b->store, scattered(b->next++), blob, sizeof blob) == 0)
                n++;
        b->done = 0;
        if (lintel_store_sync(b->store, on_done, b) != 0 ||
            !lintel_loop_until(b->loop, is_done, b, 60 * SECOND))
            exit(1);
    }
    lintel_store_stats(b->store, &after);
    printf("groups of %5u: %8.0f changes/s, %7.0f syncs/s, %u failed\n", group, (double)n / spent,
           (double)(after.transactions - before.transactions) / spent, b->failed);
}

static void
fill(struct bench *b, uint64_t n)
{
    char blob[BLOB];
    memset(blob, 'x', sizeof blob);
    while (b->next < n && lintel_store_put(b->store, scattered(b->next), blob, sizeof blob) == 0)
        b->next++;
}

static int
count(void *ctx, uint64_t key, const void *p, size_t n)
{
    (void)key, (void)p;
    *(size_t *)ctx += n;
    return 0;
}

int
main(void)
{
    static const uint32_t groups[] = {1, 8, 64, 1000};
    const char *tmp = getenv("TMPDIR");
    char folder[300], path[400], reason[400] = "";
    struct bench b = {.loop = lintel_loop_new_fake()};
    size_t bytes = 0;
    lintel_format(folder, sizeof folder, "%s/lintel-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (b.loop == NULL || mkdtemp(folder) == NULL)
        return 1;
    lintel_format(path, sizeof path, "%s/bench.db", folder);
    b.store = lintel_store_open(b.loop, path, "bench 1", reason, sizeof reason);
    if (b.store == NULL) {
        fprintf(stderr, "store_bench: %s\n", reason);
        return 1;
    }
    printf("blobs of %d bytes below %s, each group waits until it is on the disk\n", BLOB, folder);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        in_groups(&b, groups[i], 1.5);
    fill(&b, 100000);
    lintel_store_close(b.store);
    double began = seconds();
    b.store = lintel_store_open(b.loop, path, "bench 1", reason, sizeof reason);
    double opened = seconds();
    if (b.store == NULL || lintel_store_each(b.store, count, &bytes) != 0)
        return 1;
    printf("%llu blobs: opened and checked in %.2f s, read in %.2f s (%.0f MB)\n",
           (unsigned long long)b.next, opened - began, seconds() - opened, (double)bytes / 1e6);
    lintel_store_close(b.store);
    lintel_loop_free(b.loop);
    unlink(path);
    rmdir(folder);
    return 0;
}
