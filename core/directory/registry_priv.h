/* SPDX-License-Identifier: Apache-2.0
 * The registry from inside, for its own files: registry.c changes it, reg_pack.c puts it into
 * bytes, lookup.c looks. reg_block.h is one registration, reg_index.h finds them. */
#ifndef LINTEL_DIRECTORY_REGISTRY_PRIV_H
#define LINTEL_DIRECTORY_REGISTRY_PRIV_H
#include "core/directory/reg_block.h"
#include "core/directory/reg_index.h"

struct reg_place {
    uint64_t seq;
    struct reg *reg; /* NULL: gone */
};
struct reg_hash {
    uint32_t hash, added;
};
struct lintel_registry {
    struct lintel_registry_source source;
    struct reg_index index;  /* of active ones: their keys */
    struct reg_index names;  /* of all: id, and ep with d; apart, since these must stay when a key
                              * that happens to have the same hash goes */
    struct reg_place *order; /* all, by seq */
    uint32_t norder, order_room, gone;
    struct reg **heap; /* those that end, the next one first; room for all that are in order */
    uint32_t nheap, heap_room;
    uint64_t next_seq, drawn;  /* drawn: random numbers so far */
    struct lintel_buf scratch; /* a block being made */
    struct reg_hash *hashes;   /* the keys of the block that was entered last */
    uint32_t nhashes, hashes_room;
    uint32_t active, grace;
    uint64_t links; /* of active ones */
    size_t blocks;  /* bytes */
};

/* The place in order of the first one at or after seq. */
uint32_t reg_order_from(const struct lintel_registry *r, uint32_t from, uint64_t seq);
/* A new registration with packed links, under a given id, in grace if it has ended. -1 with a
 * reason. */
int registry_take(struct lintel_registry *r, const struct lintel_reg_input *in,
                  struct lintel_str packed, uint32_t nlinks, uint64_t id, uint64_t state,
                  lintel_mono expires, lintel_mono now, char reason[LINTEL_REASON]);
uint32_t registry_id_hash(const struct lintel_registry *r, uint64_t id);
lintel_mono reg_end(lintel_mono now, uint64_t seconds); /* INT64_MAX where that is too far */
#endif
