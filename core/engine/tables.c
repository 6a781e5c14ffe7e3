/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/tables.h"

#include <string.h>

#include "core/base/mem.h"

/* Keys are the engine's own numbers, so mixing is for spread, not against an attacker. */
static size_t
home(const struct id_map *m, uint64_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & (m->room - 1);
}

void
id_map_fini(struct id_map *m)
{
    lintel_free(m->slots);
    *m = (struct id_map){0};
}

void *
id_map_get(const struct id_map *m, uint64_t key)
{
    if (m->n == 0)
        return NULL;
    for (size_t i = home(m, key);; i = (i + 1) & (m->room - 1)) {
        if (m->slots[i].value == NULL)
            return NULL;
        if (m->slots[i].key == key)
            return m->slots[i].value;
    }
}

static void
place(struct id_map *m, uint64_t key, void *value)
{
    size_t i = home(m, key);
    while (m->slots[i].value != NULL && m->slots[i].key != key)
        i = (i + 1) & (m->room - 1);
    m->n += m->slots[i].value == NULL;
    m->slots[i] = (struct id_slot){key, value};
}

int
id_map_put(struct id_map *m, uint64_t key, void *value)
{
    if ((m->n + 1) * 4 > m->room * 3) {
        struct id_map bigger = {.room = m->room != 0 ? m->room * 2 : 16};
        bigger.slots = lintel_alloc_array(bigger.room, sizeof *bigger.slots);
        if (bigger.slots == NULL)
            return -1;
        for (size_t i = 0; i < m->room; i++)
            if (m->slots[i].value != NULL)
                place(&bigger, m->slots[i].key, m->slots[i].value);
        lintel_free(m->slots);
        *m = bigger;
    }
    place(m, key, value);
    return 0;
}

void *
id_map_take(struct id_map *m, uint64_t key)
{
    if (m->n == 0)
        return NULL;
    size_t i = home(m, key);
    while (m->slots[i].value != NULL && m->slots[i].key != key)
        i = (i + 1) & (m->room - 1);
    void *value = m->slots[i].value;
    if (value == NULL)
        return NULL;
    /* The followers of the run move up, so that no mark for taken slots is needed. */
    for (size_t next = (i + 1) & (m->room - 1); m->slots[next].value != NULL;
         next = (next + 1) & (m->room - 1)) {
        size_t want = home(m, m->slots[next].key);
        if (((next - want) & (m->room - 1)) >= ((next - i) & (m->room - 1))) {
            m->slots[i] = m->slots[next];
            i = next;
        }
    }
    m->slots[i].value = NULL;
    m->n--;
    return value;
}

void
ranges_fini(struct ranges *r)
{
    lintel_free(r->free);
    *r = (struct ranges){0};
}

int
ranges_take(struct ranges *r, uint32_t n, uint32_t *ret_first)
{
    for (uint32_t i = 0; n != 0 && i < r->nfree; i++) {
        struct range *f = &r->free[i];
        if (f->n < n)
            continue;
        *ret_first = f->first;
        f->first += n;
        f->n -= n;
        if (f->n == 0)
            memmove(f, f + 1, (--r->nfree - i) * sizeof *f);
        return 0;
    }
    if (n > RANGES_MOST - r->end)
        return -1;
    *ret_first = r->end;
    r->end += n;
    return 0;
}

void
ranges_give(struct ranges *r, uint32_t first, uint32_t n)
{
    if (n == 0)
        return;
    uint32_t low = 0, high = r->nfree; /* finds the first free range behind */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->free[middle].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    struct range *before = low > 0 ? &r->free[low - 1] : NULL;
    struct range *behind = low < r->nfree ? &r->free[low] : NULL;
    if (before != NULL && before->first + before->n == first) {
        before->n += n;
        if (behind != NULL && before->first + before->n == behind->first) {
            before->n += behind->n;
            memmove(behind, behind + 1, (--r->nfree - low) * sizeof *behind);
        }
    } else if (behind != NULL && first + n == behind->first) {
        behind->first = first;
        behind->n += n;
    } else {
        if (r->nfree == r->room) {
            uint32_t room = r->room != 0 ? r->room * 2 : 8;
            struct range *grown = lintel_grow(r->free, room, sizeof *grown);
            if (grown == NULL)
                return;
            r->free = grown;
            r->room = room;
        }
        memmove(&r->free[low + 1], &r->free[low], (r->nfree - low) * sizeof *r->free);
        r->free[low] = (struct range){first, n};
        r->nfree++;
    }
    struct range *last = r->nfree > 0 ? &r->free[r->nfree - 1] : NULL;
    if (last != NULL && last->first + last->n == r->end) {
        r->end = last->first;
        r->nfree--;
    }
}
