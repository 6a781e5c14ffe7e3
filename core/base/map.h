/* SPDX-License-Identifier: Apache-2.0
 * A hash map from text to pointer. Keys are copied. Seeded, so that foreign keys can't be chosen to
 * collide. One owner thread. */
#ifndef LINTEL_BASE_MAP_H
#define LINTEL_BASE_MAP_H
#include <stddef.h>
#include <stdint.h>

struct lintel_map { /* {0} is empty */
    struct lintel_map_slot *slots;
    size_t n, room, filled;
};
struct lintel_map_slot {
    char *key; /* NULL: free; LINTEL_MAP_GONE: was taken */
    size_t length;
    uint64_t hash;
    void *value;
};
void lintel_map_fini(struct lintel_map *m); /* values are the caller's */
void *lintel_map_get(const struct lintel_map *m, const char *key, size_t n); /* NULL: none */
/* Puts or replaces; value not NULL. -1: out of memory, map unchanged. */
int lintel_map_put(struct lintel_map *m, const char *key, size_t n, void *value);
void *lintel_map_take(struct lintel_map *m, const char *key, size_t n); /* removes; NULL: none */
/* Walks in no order: for (it = 0; lintel_map_next(m, &it, &slot);). Take none while walking. */
int lintel_map_next(const struct lintel_map *m, size_t *it, const struct lintel_map_slot **ret);
#endif
