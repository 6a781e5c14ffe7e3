/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/reg_index.h"

#include <string.h>

/* ---- hash ------------------------------------------------------------------------------------ */

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static int
is_word(struct lintel_str name, const char *word)
{
    for (size_t i = 0; i < name.n; i++)
        if (lower(name.p[i]) != word[i])
            return 0;
    return 1;
}

enum reg_name
reg_name_of(struct lintel_str name)
{
    switch (name.n) {
    case 1: return is_word(name, "d") ? REG_NAME_D : REG_NAME_OTHER;
    case 2:
        switch ((unsigned char)lower(name.p[0]) << 8 | (unsigned char)lower(name.p[1])) {
        case 'r' << 8 | 't': return REG_NAME_RT;
        case 'i' << 8 | 'f': return REG_NAME_IF;
        case 'e' << 8 | 'p': return REG_NAME_EP;
        case 'e' << 8 | 't': return REG_NAME_ET;
        case 'c' << 8 | 't': return REG_NAME_CT;
        default: return REG_NAME_OTHER;
        }
    case 3:
        return is_word(name, "rel")   ? REG_NAME_REL
               : is_word(name, "rev") ? REG_NAME_REV
                                      : REG_NAME_OTHER;
    case 4: return is_word(name, "base") ? REG_NAME_BASE : REG_NAME_OTHER;
    case 6: return is_word(name, "anchor") ? REG_NAME_ANCHOR : REG_NAME_OTHER;
    default: return REG_NAME_OTHER;
    }
}

/* SipHash-1-3 (Aumasson, Bernstein): foreign values can't be chosen to collide. */
static inline uint64_t
turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void
sip_round(struct reg_sip *s)
{
    s->v0 += s->v1;
    s->v1 = turn(s->v1, 13) ^ s->v0;
    s->v0 = turn(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = turn(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = turn(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = turn(s->v1, 17) ^ s->v2;
    s->v2 = turn(s->v2, 32);
}

static inline void
sip_word(struct reg_sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Bytes, then their number in the last word. */
static inline void
sip_text(struct reg_sip *s, const char *p, size_t n)
{
    uint64_t word, last = (uint64_t)n << 56;
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        sip_word(s, word);
    }
    for (size_t i = 0; i < n; i++)
        last ^= (uint64_t)(unsigned char)p[i] << 8 * i;
    sip_word(s, last);
}

static struct reg_sip
sip_name(struct reg_sip s, struct lintel_str name)
{
    char text[REG_INDEX_NAME_MOST];
    size_t n = name.n < sizeof text ? name.n : sizeof text;
    for (size_t i = 0; i < n; i++)
        text[i] = lower(name.p[i]);
    sip_text(&s, text, n);
    return s;
}

void
reg_index_init(struct reg_index *ix, const uint64_t key[2])
{
    static const char *const texts[REG_NAMES] = {
        [REG_NAME_RT] = "rt",           [REG_NAME_IF] = "if",         [REG_NAME_EP] = "ep",
        [REG_NAME_ET] = "et",           [REG_NAME_D] = "d",           [REG_NAME_CT] = "ct",
        [REG_NAME_REL] = "rel",         [REG_NAME_REV] = "rev",       [REG_NAME_BASE] = "base",
        [REG_NAME_ANCHOR] = "anchor",   [REG_NAME_PATH] = "\1path",   [REG_NAME_URI] = "\1uri",
        [REG_NAME_ORIGIN] = "\1origin", [REG_NAME_WHOLE] = "\1whole", [REG_NAME_ID] = "\1id"};
    *ix = (struct reg_index){0};
    ix->names[REG_NAME_OTHER] =
        (struct reg_sip){key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                         key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    for (size_t i = REG_NAME_OTHER + 1; i < REG_NAMES; i++)
        ix->names[i] = sip_name(ix->names[REG_NAME_OTHER], lintel_str(texts[i]));
}

uint32_t
reg_index_hash(const struct reg_index *ix, enum reg_name name, struct lintel_str text,
               struct lintel_str value)
{
    struct reg_sip s = ix->names[name];
    if (name == REG_NAME_OTHER)
        s = sip_name(s, text);
    sip_text(&s, value.p, value.n);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    uint64_t h = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    return (uint32_t)(h ^ h >> 32);
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct posting {
    uint32_t n, room, live;
    uint64_t seqs[];
};
struct reg_slot { /* one entry stands in the slot itself; n 0: a free slot; 2: more of them */
    uint32_t hash, n;
    union {
        uint64_t one;
        struct posting *many;
    } u;
};

static size_t
posting_bytes(uint32_t room)
{
    return sizeof(struct posting) + room * sizeof(uint64_t);
}

/* The place of the first entry not below seq. */
static uint32_t
lower_bound(const uint64_t *seqs, uint32_t from, uint32_t n, uint64_t seq)
{
    while (from < n) {
        uint32_t mid = from + (n - from) / 2;
        if ((seqs[mid] & ~REG_SEQ_DEAD) < seq)
            from = mid + 1;
        else
            n = mid;
    }
    return from;
}

static struct posting *
resize(struct reg_index *ix, struct posting *list, uint32_t room)
{
    struct posting *fresh = lintel_grow(list, posting_bytes(room), 1);
    if (fresh == NULL)
        return NULL;
    ix->bytes += posting_bytes(room) - (list == NULL ? 0 : posting_bytes(fresh->room));
    fresh->room = room;
    return fresh;
}

/* A part of n that is another one for each key: lists that get the same entries would else grow
 * and shrink all at once. */
static uint32_t
share(uint32_t hash, uint32_t n)
{
    return (uint32_t)((uint64_t)n * (hash / REG_INDEX_PARTS % 64) / 64);
}

static int
insert(struct reg_index *ix, struct posting **where, uint32_t hash, uint64_t seq)
{
    struct posting *list = *where;
    uint32_t at = list->n;
    if (list->seqs[list->n - 1] == seq) /* the usual case of one that is there */
        return 0;
    if ((list->seqs[list->n - 1] & ~REG_SEQ_DEAD) >= seq)
        at = lower_bound(list->seqs, 0, list->n, seq);
    if (at < list->n && (list->seqs[at] & ~REG_SEQ_DEAD) == seq) {
        if (list->seqs[at] == seq)
            return 0;
        list->seqs[at] = seq;
        list->live++;
        return 1;
    }
    if (list->n == list->room) {
        if (list->room > UINT32_MAX / 4)
            return -1;
        list = resize(ix, list, list->room + list->room / 4 + share(hash, list->room / 4) + 2);
        if (list == NULL)
            return -1;
        *where = list;
    }
    memmove(list->seqs + at + 1, list->seqs + at, (list->n - at) * sizeof(uint64_t));
    list->seqs[at] = seq;
    list->n++;
    list->live++;
    return 1;
}

/* Drops the dead. A list that can't be made smaller stays large. */
static void
compact(struct reg_index *ix, struct posting **where)
{
    struct posting *list = *where;
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        if ((list->seqs[i] & REG_SEQ_DEAD) == 0)
            list->seqs[n++] = list->seqs[i];
    list->n = n;
    if (list->room > 2 * n + 8) {
        struct posting *smaller = resize(ix, list, n + n / 2 + 2);
        if (smaller != NULL)
            *where = smaller;
    }
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint32_t
home(const struct reg_table *t, uint32_t hash)
{
    return hash / REG_INDEX_PARTS & (t->room - 1);
}

/* The slot of that hash, or the free one where it would stand. */
static struct reg_slot *
probe(const struct reg_table *t, uint32_t hash)
{
    for (uint32_t i = home(t, hash);; i = (i + 1) & (t->room - 1))
        if (t->slots[i].n == 0 || t->slots[i].hash == hash)
            return &t->slots[i];
}

static int
grow(struct reg_index *ix, struct reg_table *t)
{
    uint32_t room = t->room == 0 ? 8 : t->room * 2;
    struct reg_table fresh = {lintel_alloc_array(room, sizeof(struct reg_slot)), room, t->used};
    if (fresh.slots == NULL)
        return -1;
    for (uint32_t i = 0; i < t->room; i++)
        if (t->slots[i].n != 0)
            *probe(&fresh, t->slots[i].hash) = t->slots[i];
    ix->bytes += (size_t)(room - t->room) * sizeof(struct reg_slot);
    lintel_free(t->slots);
    *t = fresh;
    return 0;
}

void
reg_index_expect(const struct reg_index *ix, uint32_t hash)
{
    const struct reg_table *t = &ix->parts[hash % REG_INDEX_PARTS];
    if (t->room != 0)
        __builtin_prefetch(&t->slots[home(t, hash)]);
}

int
reg_index_add(struct reg_index *ix, uint32_t hash, uint64_t seq)
{
    struct reg_table *t = &ix->parts[hash % REG_INDEX_PARTS];
    if (t->used >= t->room / 4 * 3 && grow(ix, t) != 0)
        return -1;
    struct reg_slot *slot = probe(t, hash);
    if (slot->n == 0) {
        *slot = (struct reg_slot){hash, 1, {.one = seq}};
        t->used++;
        return 1;
    }
    if (slot->n > 1)
        return insert(ix, &slot->u.many, hash, seq);
    if (slot->u.one == seq)
        return 0;
    struct posting *list = resize(ix, NULL, 3);
    if (list == NULL)
        return -1;
    list->n = list->live = 1;
    list->seqs[0] = slot->u.one;
    slot->n = 2;
    slot->u.many = list;
    return insert(ix, &slot->u.many, hash, seq); /* there is room */
}

/* Frees a slot; those behind it that stand off their home move up. */
static void
vacate(struct reg_table *t, uint32_t i)
{
    uint32_t mask = t->room - 1;
    t->used--;
    for (uint32_t j = (i + 1) & mask; t->slots[j].n != 0; j = (j + 1) & mask) {
        uint32_t off = (j - home(t, t->slots[j].hash)) & mask;
        if (off >= ((j - i) & mask)) {
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i].n = 0;
}

void
reg_index_remove(struct reg_index *ix, uint32_t hash, uint64_t seq)
{
    struct reg_table *t = &ix->parts[hash % REG_INDEX_PARTS];
    struct reg_slot *slot = t->room == 0 ? NULL : probe(t, hash);
    if (slot == NULL || slot->n == 0)
        return;
    if (slot->n == 1) {
        if (slot->u.one == seq)
            vacate(t, (uint32_t)(slot - t->slots));
        return;
    }
    struct posting *list = slot->u.many;
    uint32_t at = lower_bound(list->seqs, 0, list->n, seq);
    if (at == list->n || list->seqs[at] != seq)
        return;
    list->seqs[at] |= REG_SEQ_DEAD;
    list->live--;
    if (list->n - list->live > list->live / 2 + share(hash, list->live) + 8 || list->live == 1)
        compact(ix, &slot->u.many);
    list = slot->u.many;
    if (list->live == 1) {
        slot->n = 1;
        slot->u.one = list->seqs[0];
        ix->bytes -= posting_bytes(list->room);
        lintel_free(list);
    }
}

struct reg_list
reg_index_list(const struct reg_index *ix, uint32_t hash)
{
    const struct reg_table *t = &ix->parts[hash % REG_INDEX_PARTS];
    const struct reg_slot *slot = t->room == 0 ? NULL : probe(t, hash);
    if (slot == NULL || slot->n == 0)
        return (struct reg_list){0};
    if (slot->n == 1)
        return (struct reg_list){NULL, 1, 1, slot->u.one};
    const struct posting *list = slot->u.many;
    return (struct reg_list){list->seqs, list->n, list->live, 0};
}

int
reg_list_next(const struct reg_list *list, uint32_t *at, uint64_t seq, uint64_t *ret)
{
    const uint64_t *seqs = list->seqs == NULL ? &list->one : list->seqs;
    if (*at < list->n && (seqs[*at] & ~REG_SEQ_DEAD) < seq)
        *at = lower_bound(seqs, *at + 1, list->n, seq);
    while (*at < list->n && (seqs[*at] & REG_SEQ_DEAD) != 0)
        ++*at;
    if (*at == list->n)
        return 0;
    *ret = seqs[*at];
    return 1;
}

/* ---- values in order ------------------------------------------------------------------------- */

struct reg_word {
    struct reg_word *left, *right;
    uint32_t hash; /* of the key; random, so it is also the heap's order */
    uint32_t refs;
    uint16_t n;
    uint8_t ordered;
    char text[];
};

/* Below, equal or above the node. */
static int
compare(int ordered, struct lintel_str value, const struct reg_word *w)
{
    if (ordered != w->ordered)
        return ordered < w->ordered ? -1 : 1;
    size_t n = value.n < w->n ? value.n : w->n;
    int got = n == 0 ? 0 : memcmp(value.p, w->text, n);
    return got != 0 ? got : value.n < w->n ? -1 : value.n > w->n;
}

static size_t
word_bytes(size_t n)
{
    return sizeof(struct reg_word) + n;
}

/* Parts a tree: what is below the value, and what is above it. It is not in there. */
static void
split(struct reg_word *w, int ordered, struct lintel_str value, struct reg_word **below,
      struct reg_word **above)
{
    while (w != NULL) {
        if (compare(ordered, value, w) < 0) {
            *above = w;
            above = &w->left;
            w = w->left;
        } else {
            *below = w;
            below = &w->right;
            w = w->right;
        }
    }
    *below = *above = NULL;
}

/* The word, if it was in use lately. */
static struct reg_word *
recent(const struct reg_index *ix, int ordered, struct lintel_str value, uint32_t hash)
{
    struct reg_word *w = ix->recent[hash % REG_INDEX_RECENT];
    return w != NULL && w->hash == hash && compare(ordered, value, w) == 0 ? w : NULL;
}

int
reg_index_add_word(struct reg_index *ix, int ordered, struct lintel_str value, uint32_t hash)
{
    struct reg_word **at = &ix->words, **place = NULL, *known = recent(ix, ordered, value, hash);
    if (known != NULL) {
        known->refs++;
        return 0;
    }
    for (struct reg_word *w; (w = *at) != NULL;) {
        int way = compare(ordered, value, w);
        if (way == 0) {
            w->refs++;
            ix->recent[hash % REG_INDEX_RECENT] = w;
            return 0;
        }
        if (place == NULL && w->hash < hash)
            place = at;
        at = way < 0 ? &w->left : &w->right;
    }
    struct reg_word *fresh = value.n > UINT16_MAX ? NULL : lintel_alloc(word_bytes(value.n));
    if (fresh == NULL)
        return -1;
    fresh->hash = hash;
    fresh->refs = 1;
    fresh->n = (uint16_t)value.n;
    fresh->ordered = (uint8_t)ordered;
    if (value.n != 0)
        memcpy(fresh->text, value.p, value.n);
    ix->bytes += word_bytes(value.n);
    if (place == NULL)
        place = at;
    split(*place, ordered, value, &fresh->left, &fresh->right);
    *place = fresh;
    return 0;
}

void
reg_index_remove_word(struct reg_index *ix, int ordered, struct lintel_str value, uint32_t hash)
{
    struct reg_word **at = &ix->words, *w = recent(ix, ordered, value, hash);
    if (w != NULL && w->refs > 1) {
        w->refs--;
        return;
    }
    for (int way; (w = *at) != NULL && (way = compare(ordered, value, w)) != 0;)
        at = way < 0 ? &w->left : &w->right;
    if (w == NULL || --w->refs != 0)
        return;
    if (ix->recent[hash % REG_INDEX_RECENT] == w)
        ix->recent[hash % REG_INDEX_RECENT] = NULL;
    struct reg_word *left = w->left, *right = w->right;
    while (left != NULL && right != NULL) {
        if (left->hash > right->hash) {
            *at = left;
            at = &left->right;
            left = left->right;
        } else {
            *at = right;
            at = &right->left;
            right = right->left;
        }
    }
    *at = left != NULL ? left : right;
    ix->bytes -= word_bytes(w->n);
    lintel_free(w);
}

struct walk {
    int ordered;
    struct lintel_str prefix;
    int (*fn)(void *ctx, uint32_t hash);
    void *ctx;
};

static int
begins(const struct walk *walk, const struct reg_word *w)
{
    return walk->ordered == w->ordered && w->n >= walk->prefix.n &&
           (walk->prefix.n == 0 || memcmp(w->text, walk->prefix.p, walk->prefix.n) == 0);
}

/* As deep as the tree, which is a few dozen: its shape comes from a keyed hash. */
static int
visit(const struct reg_word *w, const struct walk *walk)
{
    while (w != NULL && !begins(walk, w))
        w = compare(walk->ordered, walk->prefix, w) < 0 ? w->left : w->right;
    if (w == NULL)
        return 0;
    int got = visit(w->left, walk);
    if (got == 0)
        got = walk->fn(walk->ctx, w->hash);
    return got != 0 ? got : visit(w->right, walk);
}

int
reg_index_words(const struct reg_index *ix, int ordered, struct lintel_str prefix,
                int (*fn)(void *ctx, uint32_t hash), void *ctx)
{
    struct walk walk = {ordered, prefix, fn, ctx};
    return visit(ix->words, &walk);
}

void
reg_index_fini(struct reg_index *ix)
{
    for (size_t p = 0; p < REG_INDEX_PARTS; p++) {
        struct reg_table *t = &ix->parts[p];
        for (uint32_t i = 0; i < t->room; i++)
            if (t->slots[i].n > 1)
                lintel_free(t->slots[i].u.many);
        lintel_free(t->slots);
    }
    struct reg_word *w = ix->words;
    while (w != NULL) { /* turned into a list to the right, which needs no memory */
        if (w->left != NULL) {
            struct reg_word *left = w->left;
            w->left = left->right;
            left->right = w;
            w = left;
        } else {
            struct reg_word *right = w->right;
            lintel_free(w);
            w = right;
        }
    }
    *ix = (struct reg_index){0};
}
