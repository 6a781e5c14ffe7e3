/* SPDX-License-Identifier: Apache-2.0
 * Which registrations have a key: lists of sequence numbers, in their order. Keys are known by a
 * keyed hash alone, so a list may also hold strangers: who asks looks at each registration anyway.
 * Beside that, the values of a few names are kept in order, for those who know only a beginning.
 * Private to the registry. */
#ifndef LINTEL_DIRECTORY_REG_INDEX_H
#define LINTEL_DIRECTORY_REG_INDEX_H
#include "core/base/mem.h"
#include "core/base/text.h"

/* The tables grow one by one, so that no growth stops the loop for long. */
enum {
    REG_INDEX_PARTS = 64,
    REG_INDEX_NAME_MOST = 64, /* bytes of a name that count */
    REG_INDEX_RECENT = 1024
};
#define REG_SEQ_DEAD (UINT64_C(1) << 63) /* an entry of a list that counts no more */

/* Names of keys. Those that most registrations have come first, and are known by number. */
enum reg_name {
    REG_NAME_OTHER,
    REG_NAME_RT, /* the first ones' values are kept in order */
    REG_NAME_IF,
    REG_NAME_EP,
    REG_NAME_ET,
    REG_NAME_D,
    REG_NAME_CT, /* the others' are not */
    REG_NAME_REL,
    REG_NAME_REV,
    REG_NAME_BASE,
    REG_NAME_ANCHOR,
    REG_NAME_ORIGIN, /* no attribute has these: of base, targets and anchors */
    REG_NAME_PATH,   /* a path-absolute target or anchor */
    REG_NAME_URI,    /* an absolute one */
    REG_NAME_ID,
    REG_NAME_WHOLE, /* ep and d */
    REG_NAMES
};
enum reg_name reg_name_of(struct lintel_str name); /* of an attribute; case is ignored */
static inline int
reg_name_is_ordered(enum reg_name name)
{
    return name >= REG_NAME_RT && name <= REG_NAME_D;
}

struct reg_slot;
struct reg_word;
struct reg_sip {
    uint64_t v0, v1, v2, v3;
};
struct reg_index {
    struct reg_sip names[REG_NAMES]; /* the part of the hash that a name makes */
    struct reg_table {
        struct reg_slot *slots;
        uint32_t room, used;
    } parts[REG_INDEX_PARTS];
    struct reg_word *words;                    /* a treap by name and value */
    struct reg_word *recent[REG_INDEX_RECENT]; /* by hash: most words come again and again */
    size_t bytes;
};
void reg_index_init(struct reg_index *ix, const uint64_t key[2]); /* key: random */
void reg_index_fini(struct reg_index *ix);

/* text counts only where the name is another one. */
uint32_t reg_index_hash(const struct reg_index *ix, enum reg_name name, struct lintel_str text,
                        struct lintel_str value);

/* It will be added soon: its place is fetched from memory meanwhile. */
void reg_index_expect(const struct reg_index *ix, uint32_t hash);
/* 1: added; 0: it was there; -1: out of memory. */
int reg_index_add(struct reg_index *ix, uint32_t hash, uint64_t seq);
void reg_index_remove(struct reg_index *ix, uint32_t hash, uint64_t seq); /* may be absent */

struct reg_list {         /* borrowed, until the next change of the index */
    const uint64_t *seqs; /* ascending but for REG_SEQ_DEAD, which some of them have */
    uint32_t n, live;
    uint64_t one; /* where seqs is NULL and n is 1 */
};
struct reg_list reg_index_list(const struct reg_index *ix, uint32_t hash);
/* The first living entry at or after seq, from place *at on, which moves there; 0: none. */
int reg_list_next(const struct reg_list *list, uint32_t *at, uint64_t seq, uint64_t *ret);

/* Values in order; each add is undone by one remove. -1: out of memory. */
int reg_index_add_word(struct reg_index *ix, int ordered, struct lintel_str value, uint32_t hash);
void reg_index_remove_word(struct reg_index *ix, int ordered, struct lintel_str value,
                           uint32_t hash);
/* Calls fn with the hash of each value that begins so, until it returns nonzero, which is returned.
 */
int reg_index_words(const struct reg_index *ix, int ordered, struct lintel_str prefix,
                    int (*fn)(void *ctx, uint32_t hash), void *ctx);
#endif
