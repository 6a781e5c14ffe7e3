/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t fail_in; /* 0: off; 1: failing; n: n - 1 good ones left */
static _Atomic uint64_t failures;
static _Atomic int only_one;

static void
fail_from(uint64_t n, int once)
{
    atomic_store(&only_one, once);
    atomic_store(&failures, 0);
    atomic_store(&fail_in, n);
}

void
lintel_mem_fail_at(uint64_t n)
{
    fail_from(n, 0);
}

void
lintel_mem_fail_once(uint64_t n)
{
    fail_from(n, 1);
}

uint64_t
lintel_mem_failures(void)
{
    return atomic_load(&failures);
}

static int
fails_now(void)
{
    uint64_t left = atomic_load_explicit(&fail_in, memory_order_relaxed);
    if (left == 0)
        return 0;
    if (left > 1) {
        atomic_store_explicit(&fail_in, left - 1, memory_order_relaxed);
        return 0;
    }
    if (atomic_load(&only_one) && atomic_exchange(&fail_in, 0) == 0)
        return 0; /* another thread had it */
    atomic_fetch_add(&failures, 1);
    return 1;
}

void *
lintel_alloc(size_t size)
{
    return fails_now() ? NULL : calloc(1, size ? size : 1);
}

void *
lintel_alloc_array(size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        return NULL;
    return fails_now() ? NULL : calloc(n ? n : 1, size ? size : 1);
}

void *
lintel_grow(void *p, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        return NULL;
    return fails_now() ? NULL : realloc(p, n != 0 && size != 0 ? n * size : 1);
}

char *
lintel_strndup(const char *s, size_t n)
{
    char *copy = lintel_alloc(n + 1);
    if (copy != NULL && n != 0)
        memcpy(copy, s, n);
    return copy;
}

char *
lintel_strdup(const char *s)
{
    return lintel_strndup(s, strlen(s));
}

void
lintel_free(void *p)
{
    free(p);
}

/* Blocks grow: many arenas hold a few texts, and zeroing their first block is most of what they
 * cost. */
enum { ARENA_FIRST = 512 - 64, ARENA_BLOCK = 16 * 1024 - 64, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) unsigned char data[];
};

struct lintel_arena {
    struct arena_block *blocks; /* the one being filled is first */
    size_t bytes;
    int failed;
};

struct lintel_arena *
lintel_arena_new(void)
{
    return lintel_alloc(sizeof(struct lintel_arena));
}

void
lintel_arena_free(struct lintel_arena *a)
{
    if (a == NULL)
        return;
    for (struct arena_block *b = a->blocks; b != NULL;) {
        struct arena_block *next = b->next;
        lintel_free(b);
        b = next;
    }
    lintel_free(a);
}

void *
lintel_arena_alloc(struct lintel_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        a->failed = 1;
        return NULL;
    }
    size_t want = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_block *b = a->blocks;
    if (b == NULL || b->size - b->used < want) {
        size_t next = a->bytes < ARENA_FIRST   ? ARENA_FIRST
                      : a->bytes < ARENA_BLOCK ? a->bytes
                                               : ARENA_BLOCK;
        size_t room = want > next ? want : next / ARENA_ALIGN * ARENA_ALIGN;
        struct arena_block *fresh = lintel_alloc(sizeof *fresh + room);
        if (fresh == NULL) {
            a->failed = 1;
            return NULL;
        }
        fresh->size = room;
        a->bytes += sizeof *fresh + room;
        /* A block made for one large piece goes behind the one being filled. */
        if (b != NULL && room - want < b->size - b->used) {
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->blocks = fresh;
        }
        b = fresh;
    }
    void *p = b->data + b->used;
    b->used += want;
    return p;
}

char *
lintel_arena_strndup(struct lintel_arena *a, const char *s, size_t n)
{
    char *copy = lintel_arena_alloc(a, n + 1);
    if (copy != NULL && n != 0)
        memcpy(copy, s, n);
    return copy;
}

char *
lintel_arena_strdup(struct lintel_arena *a, const char *s)
{
    return lintel_arena_strndup(a, s, strlen(s));
}

int
lintel_arena_failed(const struct lintel_arena *a)
{
    return a->failed;
}

void
lintel_arena_fail(struct lintel_arena *a)
{
    a->failed = 1;
}

size_t
lintel_arena_bytes(const struct lintel_arena *a)
{
    return a->bytes;
}

_Noreturn void
lintel_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "lintel: %s:%d: the invariant (%s) does not hold; stopping\n", file, line,
            cond);
    abort();
}
