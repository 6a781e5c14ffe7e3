/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/fake_store.h"

#include <stdlib.h>
#include <string.h>

struct blob {
    uint64_t key;
    char *p;
    size_t n;
};
struct wait { /* a sync; a scan where each is set */
    uint64_t from;
    int (*each)(void *ctx, uint64_t key, const void *p, size_t n);
    void (*done)(void *ctx, int failed);
    void *ctx;
};
enum { WAITS_MOST = 64 };
struct lintel_store {
    struct blob *blobs; /* by key */
    uint32_t n, nwaits;
    int full, closing;
    struct wait waits[WAITS_MOST];
};

struct lintel_store *
fake_store_new(void)
{
    return calloc(1, sizeof(struct lintel_store));
}

struct lintel_store *
fake_store_copy(const struct lintel_store *s)
{
    struct lintel_store *copy = fake_store_new();
    for (uint32_t i = 0; i < s->n; i++)
        lintel_store_put(copy, s->blobs[i].key, s->blobs[i].p, s->blobs[i].n);
    return copy;
}

void
fake_store_full(struct lintel_store *s, int yes)
{
    s->full = yes;
}

uint32_t
fake_store_n(const struct lintel_store *s)
{
    return s->n;
}

/* The place of the key, or where it would stand. */
static uint32_t
place(const struct lintel_store *s, uint64_t key)
{
    uint32_t low = 0, high = s->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->blobs[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int
walk(struct lintel_store *s, uint64_t from,
     int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    int got = 0;
    for (uint32_t i = place(s, from); got == 0 && i < s->n; i++)
        got = each(ctx, s->blobs[i].key, s->blobs[i].p, s->blobs[i].n);
    return got;
}

int
lintel_store_from(struct lintel_store *s, uint64_t from,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    return walk(s, from, each, ctx);
}

int
lintel_store_each(struct lintel_store *s,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    return walk(s, 0, each, ctx);
}

int
lintel_store_put(struct lintel_store *s, uint64_t key, const void *p, size_t n)
{
    uint32_t i = place(s, key);
    if (s->full)
        return -1;
    if (i == s->n || s->blobs[i].key != key) {
        s->blobs = realloc(s->blobs, (s->n + 1) * sizeof *s->blobs);
        memmove(s->blobs + i + 1, s->blobs + i, (s->n - i) * sizeof *s->blobs);
        s->n++;
    } else {
        free(s->blobs[i].p);
    }
    s->blobs[i] = (struct blob){key, malloc(n + 1), n};
    memcpy(s->blobs[i].p, p, n);
    return 0;
}

int
lintel_store_remove(struct lintel_store *s, uint64_t key)
{
    uint32_t i = place(s, key);
    if (s->full)
        return -1;
    if (i == s->n || s->blobs[i].key != key)
        return 0;
    free(s->blobs[i].p);
    memmove(s->blobs + i, s->blobs + i + 1, (s->n - i - 1) * sizeof *s->blobs);
    s->n--;
    return 0;
}

static int
add_wait(struct lintel_store *s, struct wait w)
{
    if (s->closing || s->nwaits == WAITS_MOST)
        return -1;
    s->waits[s->nwaits++] = w;
    return 0;
}

int
lintel_store_sync(struct lintel_store *s, void (*done)(void *ctx, int failed), void *ctx)
{
    return add_wait(s, (struct wait){.done = done, .ctx = ctx});
}

int
lintel_store_scan(struct lintel_store *s, uint64_t from,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                  void (*done)(void *ctx, int failed), void *ctx)
{
    return add_wait(s, (struct wait){from, each, done, ctx});
}

void
fake_store_settle(struct lintel_store *s)
{
    for (uint32_t i = 0; i < s->nwaits; i++) {
        struct wait w = s->waits[i];
        if (w.each != NULL && !s->closing)
            (void)walk(s, w.from, w.each, w.ctx);
        w.done(w.ctx, s->closing || s->full ? -1 : 0);
    }
    s->nwaits = 0;
}

void
lintel_store_stats(const struct lintel_store *s, struct lintel_store_stats *ret)
{
    *ret = (struct lintel_store_stats){.trouble = s->full ? "no space left on device" : ""};
}

void
lintel_store_close(struct lintel_store *s)
{
    if (s == NULL)
        return;
    s->closing = 1;
    fake_store_settle(s);
    for (uint32_t i = 0; i < s->n; i++)
        free(s->blobs[i].p);
    free(s->blobs);
    free(s);
}
