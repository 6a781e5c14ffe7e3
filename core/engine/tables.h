/* SPDX-License-Identifier: Apache-2.0
 * Small tables of the engine: a map from number to pointer for what few points have, an allocator
 * of ranges of numbers, so that the points of one thing are neighbours, and rings. */
#ifndef LINTEL_ENGINE_TABLES_H
#define LINTEL_ENGINE_TABLES_H
#include <stddef.h>
#include <stdint.h>

struct id_slot {
    uint64_t key;
    void *value; /* NULL: free */
};
struct id_map { /* {0} is empty */
    struct id_slot *slots;
    size_t n, room;
};
void id_map_fini(struct id_map *m);                     /* values are the caller's */
void *id_map_get(const struct id_map *m, uint64_t key); /* NULL: none */
int id_map_put(struct id_map *m, uint64_t key,
               void *value);                       /* puts or replaces; -1: out of memory */
void *id_map_take(struct id_map *m, uint64_t key); /* NULL: none */

struct range {
    uint32_t first, n;
};
struct ranges {         /* {0}: all numbers are free */
    struct range *free; /* by their first, never touching each other */
    uint32_t nfree, room;
    uint32_t end; /* all numbers from here on are free */
};
enum { RANGES_MOST = 1u << 30 };
void ranges_fini(struct ranges *r);
int ranges_take(struct ranges *r, uint32_t n, uint32_t *ret_first); /* -1: more than RANGES_MOST */
/* Without memory for the list the range is lost, which costs numbers and nothing else. */
void ranges_give(struct ranges *r, uint32_t first, uint32_t n);

struct link { /* of a ring; alone it points to itself */
    struct link *prev, *next;
};
static inline void
link_init(struct link *l)
{
    l->prev = l->next = l;
}
static inline int
link_alone(const struct link *l)
{
    return l->next == l;
}
static inline void
link_take(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}
static inline void
link_append(struct link *ring, struct link *l)
{
    l->prev = ring->prev;
    l->next = ring;
    ring->prev->next = l;
    ring->prev = l;
}
#define OWNER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif
