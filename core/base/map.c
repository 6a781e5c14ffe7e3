/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/map.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/mem.h"

static char gone; /* its address marks a slot whose entry was taken */

static uint64_t seed;

static void
draw_seed(void)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)(uintptr_t)&seed; /* before the kernel has gathered randomness: where we
                                              were loaded */
}

/* FNV-1a over a random start, finished by a multiply-xor round. */
static uint64_t
hash_of(const char *key, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw_seed);
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)key[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

void
lintel_map_fini(struct lintel_map *m)
{
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].key != &gone)
            lintel_free(m->slots[i].key);
    lintel_free(m->slots);
    *m = (struct lintel_map){0};
}

static struct lintel_map_slot *
find(const struct lintel_map *m, const char *key, size_t n, uint64_t hash)
{
    if (m->room == 0)
        return NULL;
    for (size_t i = (size_t)hash & (m->room - 1);; i = (i + 1) & (m->room - 1)) {
        struct lintel_map_slot *slot = &m->slots[i];
        if (slot->key == NULL)
            return NULL;
        if (slot->key != &gone && slot->hash == hash && slot->length == n &&
            (n == 0 || memcmp(slot->key, key, n) == 0))
            return slot;
    }
}

void *
lintel_map_get(const struct lintel_map *m, const char *key, size_t n)
{
    struct lintel_map_slot *slot = find(m, key, n, hash_of(key, n));
    return slot == NULL ? NULL : slot->value;
}

static int
rehash(struct lintel_map *m)
{
    size_t room = 16;
    while (room < m->n * 2 + 2)
        room *= 2;
    struct lintel_map_slot *slots = lintel_alloc_array(room, sizeof *slots);
    if (slots == NULL)
        return -1;
    for (size_t i = 0; i < m->room; i++) {
        struct lintel_map_slot *old = &m->slots[i];
        if (old->key == NULL || old->key == &gone)
            continue;
        size_t at = (size_t)old->hash & (room - 1);
        while (slots[at].key != NULL)
            at = (at + 1) & (room - 1);
        slots[at] = *old;
    }
    lintel_free(m->slots);
    m->slots = slots;
    m->room = room;
    m->filled = m->n;
    return 0;
}

int
lintel_map_put(struct lintel_map *m, const char *key, size_t n, void *value)
{
    uint64_t hash = hash_of(key, n);
    struct lintel_map_slot *slot = find(m, key, n, hash);
    if (slot != NULL) {
        slot->value = value;
        return 0;
    }
    if ((m->filled + 1) * 4 > m->room * 3 && rehash(m) != 0)
        return -1;
    char *copy = lintel_strndup(key, n);
    if (copy == NULL)
        return -1;
    size_t at = (size_t)hash & (m->room - 1);
    while (m->slots[at].key != NULL)
        at = (at + 1) & (m->room - 1);
    m->slots[at] = (struct lintel_map_slot){copy, n, hash, value};
    m->n++;
    m->filled++;
    return 0;
}

void *
lintel_map_take(struct lintel_map *m, const char *key, size_t n)
{
    struct lintel_map_slot *slot = find(m, key, n, hash_of(key, n));
    if (slot == NULL)
        return NULL;
    void *value = slot->value;
    lintel_free(slot->key);
    slot->key = &gone;
    slot->value = NULL;
    m->n--;
    return value;
}

int
lintel_map_next(const struct lintel_map *m, size_t *it, const struct lintel_map_slot **ret)
{
    for (; *it < m->room; (*it)++) {
        if (m->slots[*it].key != NULL && m->slots[*it].key != &gone) {
            *ret = &m->slots[(*it)++];
            return 1;
        }
    }
    return 0;
}
