/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/registry.h"

#include <mbedtls/md.h>
#include <stdlib.h>
#include <string.h>

#include "core/directory/registry_priv.h"

enum { DAY = 24 * 3600, GRACE_LEAST = DAY, GRACE_MOST = 7 * DAY, ENDS_A_CALL = 64 };
#define SECOND INT64_C(1000000000)
#define NOT_PACKED ((struct lintel_str){NULL, 0}) /* links are text */

static int
fail(char reason[LINTEL_REASON], const char *text)
{
    lintel_copy(reason, LINTEL_REASON, text);
    return -1;
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* From one seed, such that nobody can tell the next one from those before. */
static int
draw(struct lintel_registry *r, uint64_t *ret)
{
    unsigned char digest[32];
    uint64_t in[2] = {r->source.seed, ++r->drawn};
    if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)in,
                   sizeof in, digest) != 0)
        return -1;
    memcpy(ret, digest, sizeof *ret);
    return 0;
}

struct lintel_registry *
lintel_registry_new(const struct lintel_registry_source *s)
{
    struct lintel_registry *r = lintel_alloc(sizeof *r);
    if (r == NULL)
        return NULL;
    uint64_t key[2];
    r->source = *s;
    if (draw(r, &key[0]) != 0 || draw(r, &key[1]) != 0) {
        lintel_free(r);
        return NULL;
    }
    reg_index_init(&r->index, key);
    reg_index_init(&r->names, key);
    return r;
}

void
lintel_registry_free(struct lintel_registry *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->norder; i++)
        lintel_free(r->order[i].reg);
    lintel_free(r->order);
    lintel_free(r->heap);
    lintel_free(r->hashes);
    lintel_buf_fini(&r->scratch);
    reg_index_fini(&r->index);
    reg_index_fini(&r->names);
    lintel_free(r);
}

static void
tell(const struct lintel_registry *r, const struct reg *reg, enum lintel_reg_change what, int was)
{
    if (r->source.changed != NULL)
        r->source.changed(r->source.ctx, &reg->pub, what, was);
}

/* ---- the heap of ends ------------------------------------------------------------------------ */

lintel_mono
reg_end(lintel_mono now, uint64_t seconds)
{
    if (seconds > (uint64_t)(INT64_MAX / SECOND) || now > INT64_MAX - (lintel_mono)seconds * SECOND)
        return INT64_MAX;
    return now + (lintel_mono)seconds * SECOND;
}

/* When something happens to it next: it ends, or is forgotten. */
static lintel_mono
due(const struct reg *reg)
{
    uint64_t grace = reg->pub.lt;
    if (reg->active || reg->pub.expires == INT64_MAX)
        return reg->pub.expires;
    if (grace < GRACE_LEAST)
        grace = GRACE_LEAST;
    return reg_end(reg->pub.expires, grace > GRACE_MOST ? GRACE_MOST : grace);
}

static void
heap_put(struct lintel_registry *r, uint32_t at, struct reg *reg)
{
    r->heap[at - 1] = reg;
    reg->heap = at;
}

static void
heap_settle(struct lintel_registry *r, struct reg *reg)
{
    uint32_t at = reg->heap;
    for (; at > 1 && due(r->heap[at / 2 - 1]) > due(reg); at /= 2)
        heap_put(r, at, r->heap[at / 2 - 1]);
    for (uint32_t child; (child = at * 2) <= r->nheap; at = child) {
        if (child < r->nheap && due(r->heap[child]) < due(r->heap[child - 1]))
            child++;
        if (due(r->heap[child - 1]) >= due(reg))
            break;
        heap_put(r, at, r->heap[child - 1]);
    }
    heap_put(r, at, reg);
}

static void
heap_leave(struct lintel_registry *r, struct reg *reg)
{
    uint32_t at = reg->heap;
    if (at == 0)
        return;
    struct reg *last = r->heap[--r->nheap];
    reg->heap = 0;
    if (last == reg)
        return;
    heap_put(r, at, last);
    heap_settle(r, last);
}

/* Puts it where its end says; there is room. */
static void
heap_move(struct lintel_registry *r, struct reg *reg)
{
    if (due(reg) == INT64_MAX) {
        heap_leave(r, reg);
        return;
    }
    if (reg->heap == 0)
        heap_put(r, ++r->nheap, reg);
    heap_settle(r, reg);
}

/* ---- finding --------------------------------------------------------------------------------- */

/* Numbers are dense but for those that have gone: a place is found from where it would stand
 * without gaps, backwards in growing steps, which touches little memory. */
uint32_t
reg_order_from(const struct lintel_registry *r, uint32_t from, uint64_t seq)
{
    const struct reg_place *order = r->order;
    if (from >= r->norder || order[from].seq >= seq)
        return from;
    uint64_t ahead = seq - order[from].seq;
    uint32_t above = ahead < r->norder - from ? from + (uint32_t)ahead : r->norder, step = 1;
    while (above > from + step && order[above - step].seq >= seq) {
        above -= step;
        step *= 2;
    }
    if (above > from + step)
        from = above - step;
    while (from < above) {
        uint32_t mid = from + (above - from) / 2;
        if (order[mid].seq < seq)
            from = mid + 1;
        else
            above = mid;
    }
    return from;
}

static struct reg *
by_seq(const struct lintel_registry *r, uint64_t seq)
{
    uint32_t at = reg_order_from(r, 0, seq);
    return at < r->norder && r->order[at].seq == seq ? r->order[at].reg : NULL;
}

uint32_t
registry_id_hash(const struct lintel_registry *r, uint64_t id)
{
    return reg_index_hash(&r->names, REG_NAME_ID, (struct lintel_str){"", 0},
                          (struct lintel_str){(const char *)&id, sizeof id});
}

static uint32_t
name_hash(const struct lintel_registry *r, struct lintel_str ep, struct lintel_str d)
{
    char both[2 * LINTEL_REG_NAME_MOST + 1];
    memcpy(both, ep.p, ep.n);
    both[ep.n] = '\0';
    if (d.n != 0)
        memcpy(both + ep.n + 1, d.p, d.n);
    return reg_index_hash(&r->names, REG_NAME_WHOLE, (struct lintel_str){"", 0},
                          (struct lintel_str){both, ep.n + 1 + d.n});
}

static int
same(struct lintel_str a, struct lintel_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static struct reg *
find_id(const struct lintel_registry *r, uint64_t id)
{
    struct reg_list list = reg_index_list(&r->names, registry_id_hash(r, id));
    uint64_t seq = 0;
    for (uint32_t at = 0; reg_list_next(&list, &at, 0, &seq); at++) {
        struct reg *reg = by_seq(r, seq);
        if (reg != NULL && reg->pub.id == id)
            return reg;
    }
    return NULL;
}

static struct reg *
find_name(const struct lintel_registry *r, struct lintel_str ep, struct lintel_str d)
{
    if (ep.n == 0 || ep.n > LINTEL_REG_NAME_MOST || d.n > LINTEL_REG_NAME_MOST)
        return NULL;
    struct reg_list list = reg_index_list(&r->names, name_hash(r, ep, d));
    uint64_t seq = 0;
    for (uint32_t at = 0; reg_list_next(&list, &at, 0, &seq); at++) {
        struct reg *reg = by_seq(r, seq);
        if (reg != NULL && same(reg->pub.ep, ep) && same(reg->pub.d, d))
            return reg;
    }
    return NULL;
}

const struct lintel_registration *
lintel_registry_find(const struct lintel_registry *r, uint64_t id)
{
    const struct reg *reg = find_id(r, id);
    return reg == NULL ? NULL : &reg->pub;
}

const struct lintel_registration *
lintel_registry_find_name(const struct lintel_registry *r, struct lintel_str ep,
                          struct lintel_str d)
{
    const struct reg *reg = find_name(r, ep, d);
    return reg == NULL ? NULL : &reg->pub;
}

int
lintel_registration_is_active(const struct lintel_registration *reg, lintel_mono now)
{
    return ((const struct reg *)(const void *)reg)->active && reg->expires > now;
}

void
lintel_registry_stats(const struct lintel_registry *r, struct lintel_registry_stats *ret)
{
    *ret = (struct lintel_registry_stats){r->active, r->grace, r->links,
                                          sizeof *r + r->blocks + r->index.bytes + r->names.bytes +
                                              r->order_room * sizeof *r->order +
                                              r->heap_room * sizeof(struct reg *) +
                                              r->hashes_room * sizeof *r->hashes + r->scratch.room};
}

/* ---- keys in the index ----------------------------------------------------------------------- */

enum { RECENT = 128 };

struct entering {
    struct lintel_registry *r;
    uint32_t words;          /* added; to be taken out again if memory is short */
    uint32_t recent[RECENT]; /* hashes that are collected: most keys come again in the next link */
};

static int
remember(struct lintel_registry *r, uint32_t hash)
{
    if (r->nhashes == r->hashes_room) {
        uint32_t room = r->hashes_room == 0 ? 64 : r->hashes_room * 2;
        struct reg_hash *grown = lintel_grow(r->hashes, room, sizeof *grown);
        if (grown == NULL)
            return -1;
        r->hashes = grown;
        r->hashes_room = room;
    }
    r->hashes[r->nhashes++] = (struct reg_hash){hash, 0};
    return 0;
}

/* Collects the keys, and adds those of words in order. */
static int
collect(void *ctx, enum reg_name name, struct lintel_str text, struct lintel_str value)
{
    struct entering *e = ctx;
    struct reg_index *ix = &e->r->index;
    uint32_t hash = reg_index_hash(ix, name, text, value), *seen = &e->recent[hash % RECENT];
    if (reg_name_is_ordered(name)) {
        if (reg_index_add_word(ix, (int)name, value, hash) != 0)
            return -1;
        e->words++;
    }
    if (*seen == hash)
        return 0;
    if (remember(e->r, hash) != 0)
        return -1;
    reg_index_expect(ix, hash);
    *seen = hash;
    return 0;
}

static int
add_all(struct lintel_registry *r, uint64_t seq)
{
    for (uint32_t i = 0; i < r->nhashes; i++) {
        int added = reg_index_add(&r->index, r->hashes[i].hash, seq);
        if (added < 0)
            return -1;
        r->hashes[i].added = (uint32_t)added;
    }
    return 0;
}

static int
remove_word(void *ctx, enum reg_name name, struct lintel_str text, struct lintel_str value)
{
    struct entering *e = ctx;
    if (!reg_name_is_ordered(name))
        return 0;
    if (e->words-- == 0)
        return 1;
    reg_index_remove_word(&e->r->index, (int)name, value,
                          reg_index_hash(&e->r->index, name, text, value));
    return 0;
}

/* Puts a registration into the index, beside what already stands there for its number (an older
 * block of the same one); its keys are in r->hashes then. -1: out of memory, and the index is as it
 * was. */
static int
index_enter(struct lintel_registry *r, const struct reg *reg)
{
    struct entering e = {.r = r};
    e.recent[0] = 1; /* a hash of 0 is none that was seen; 1 does not belong there */
    r->nhashes = 0;
    if (reg_keys(reg, collect, &e) == 0 && add_all(r, reg->seq) == 0)
        return 0;
    reg_keys(reg, remove_word, &e);
    for (uint32_t i = 0; i < r->nhashes; i++)
        if (r->hashes[i].added)
            reg_index_remove(&r->index, r->hashes[i].hash, reg->seq);
    return -1;
}

static int
by_hash(const void *a, const void *b)
{
    uint32_t x = ((const struct reg_hash *)a)->hash, y = ((const struct reg_hash *)b)->hash;
    return x < y ? -1 : x > y;
}

struct leaving {
    struct lintel_registry *r;
    uint64_t seq;
    int stays; /* r->hashes stay */
};

static int
leave(void *ctx, enum reg_name name, struct lintel_str text, struct lintel_str value)
{
    struct leaving *l = ctx;
    struct reg_index *ix = &l->r->index;
    struct reg_hash hash = {reg_index_hash(ix, name, text, value), 0};
    if (!l->stays || bsearch(&hash, l->r->hashes, l->r->nhashes, sizeof hash, by_hash) == NULL)
        reg_index_remove(ix, hash.hash, l->seq);
    if (reg_name_is_ordered(name))
        reg_index_remove_word(ix, (int)name, value, hash.hash);
    return 0;
}

/* Takes one out of the index; with `stays`, the keys last entered stay. Needs no memory. */
static void
index_leave(struct lintel_registry *r, const struct reg *reg, int stays)
{
    struct leaving l = {r, reg->seq, stays};
    if (stays)
        qsort(r->hashes, r->nhashes, sizeof *r->hashes, by_hash);
    reg_keys(reg, leave, &l);
}

/* ---- blocks in their places ------------------------------------------------------------------ */

static void
count(struct lintel_registry *r, const struct reg *reg, int way)
{
    uint32_t *which = reg->active ? &r->active : &r->grace;
    *which += (uint32_t)way;
    if (reg->active)
        r->links += (uint64_t)(int64_t)way * reg->pub.nlinks;
}

static void
close_gaps(struct lintel_registry *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->norder; i++)
        if (r->order[i].reg != NULL)
            r->order[n++] = r->order[i];
    r->norder = n;
    r->gone = 0;
}

/* Room for one more in the order and in the heap. */
static int
reserve(struct lintel_registry *r)
{
    if (r->norder < r->order_room)
        return 0;
    if (r->norder > UINT32_MAX / 4)
        return -1;
    uint32_t room = r->order_room == 0 ? 16 : r->order_room + r->order_room / 2;
    struct reg **heap = lintel_grow(r->heap, room, sizeof(struct reg *));
    if (heap == NULL)
        return -1;
    r->heap = heap;
    r->heap_room = room;
    struct reg_place *order = lintel_grow(r->order, room, sizeof *order);
    if (order == NULL)
        return -1;
    r->order = order;
    r->order_room = room;
    return 0;
}

static void
set_active(struct lintel_registry *r, struct reg *reg, int active)
{
    count(r, reg, -1);
    reg->active = (uint32_t)active;
    count(r, reg, 1);
}

/* A registration that was not there, not yet active. */
static int
append(struct lintel_registry *r, struct reg *reg)
{
    uint32_t id = registry_id_hash(r, reg->pub.id), name = name_hash(r, reg->pub.ep, reg->pub.d);
    reg->seq = r->next_seq;
    if (reserve(r) != 0 || reg_index_add(&r->names, id, reg->seq) < 0)
        return -1;
    if (reg_index_add(&r->names, name, reg->seq) < 0) {
        reg_index_remove(&r->names, id, reg->seq);
        return -1;
    }
    r->next_seq++;
    r->order[r->norder++] = (struct reg_place){reg->seq, reg};
    r->blocks += reg->size;
    count(r, reg, 1);
    return 0;
}

/* Out of all places but the index of keys. */
static void
forget(struct lintel_registry *r, struct reg *reg)
{
    reg_index_remove(&r->names, registry_id_hash(r, reg->pub.id), reg->seq);
    reg_index_remove(&r->names, name_hash(r, reg->pub.ep, reg->pub.d), reg->seq);
    heap_leave(r, reg);
    count(r, reg, -1);
    r->blocks -= reg->size;
    r->order[reg_order_from(r, 0, reg->seq)].reg = NULL;
    if (++r->gone > r->norder / 2)
        close_gaps(r);
    lintel_free(reg);
}

/* A new block instead of an old one: whichever of both is active is in the index. */
static void
replace(struct lintel_registry *r, struct reg *old, struct reg *fresh)
{
    r->order[reg_order_from(r, 0, old->seq)].reg = fresh;
    fresh->heap = old->heap;
    if (fresh->heap != 0)
        r->heap[fresh->heap - 1] = fresh;
    count(r, old, -1);
    count(r, fresh, 1);
    r->blocks += fresh->size - (size_t)old->size;
    lintel_free(old);
}

/* ---- operations ------------------------------------------------------------------------------ */

static lintel_mono
expiry(uint32_t flags, uint32_t lt, lintel_mono now)
{
    return flags & LINTEL_REG_OWN ? INT64_MAX : reg_end(now, lt);
}

/* All but the links, which are judged as they are read. */
static int
check_input(const struct lintel_reg_input *in, char reason[LINTEL_REASON])
{
    if (in->ep.n == 0 || !lintel_reg_is_name(in->ep))
        return fail(reason, "ep must be 1 to 63 bytes of UTF-8 without control characters");
    if (!lintel_reg_is_name(in->d))
        return fail(reason, "d must be at most 63 bytes of UTF-8 without control characters");
    if ((in->base.n != 0 || !(in->flags & LINTEL_REG_OWN)) &&
        lintel_reg_check_base(in->base, reason) != 0)
        return -1;
    if (in->nattrs > LINTEL_REG_ATTRS_MOST)
        return fail(reason, "too many parameters");
    for (uint32_t i = 0; i < in->nattrs; i++)
        if (lintel_reg_check_attr(&in->attrs[i], reason) != 0)
            return -1;
    return 0;
}

static struct reg *
make(struct lintel_registry *r, const struct lintel_reg_input *in, struct lintel_str packed,
     uint32_t nlinks, lintel_mono expires, char reason[LINTEL_REASON])
{
    if (check_input(in, reason) != 0)
        return NULL;
    struct reg *reg = reg_block_new(in, packed, nlinks, &r->scratch, reason);
    if (reg == NULL)
        return NULL;
    if (reg->pub.lt == 0)
        reg->pub.lt = LINTEL_REG_LT_DEFAULT;
    reg->pub.expires = expires;
    return reg;
}

static int
draw_id(struct lintel_registry *r, uint64_t *ret)
{
    do {
        if (draw(r, ret) != 0)
            return -1;
    } while (*ret == 0 || find_id(r, *ret) != NULL);
    return 0;
}

/* Lifetime, session and state of an existing block, without a look at its content. */
static void
refresh(struct lintel_registry *r, struct reg *reg, uint32_t lt, uint64_t session, lintel_mono now)
{
    if (lt != 0)
        reg->pub.lt = lt;
    reg->pub.session = session;
    reg->pub.state++;
    reg->pub.expires = expiry(reg->pub.flags, reg->pub.lt, now);
    heap_move(r, reg);
}

/* Makes one in grace active again, as it is. */
static int
revive(struct lintel_registry *r, struct reg *reg)
{
    if (index_enter(r, reg) != 0)
        return -1;
    set_active(r, reg, 1);
    return 0;
}

/* fresh takes the place of old, which may be in grace, and is told. -1: nothing has changed. */
static int
swap(struct lintel_registry *r, struct reg *old, struct reg *fresh)
{
    int was = (int)old->active;
    fresh->seq = old->seq;
    fresh->active = 1;
    fresh->pub.id = old->pub.id;
    fresh->pub.state = old->pub.state + 1;
    if (index_enter(r, fresh) != 0)
        return -1;
    if (was) {
        tell(r, old, LINTEL_REG_CHANGED, 1);
        index_leave(r, old, 1);
    }
    replace(r, old, fresh);
    heap_move(r, fresh);
    tell(r, fresh, was ? LINTEL_REG_CHANGED : LINTEL_REG_ADDED, 0);
    return 0;
}

static const struct lintel_registration *
put_again(struct lintel_registry *r, struct reg *old, struct reg *fresh, lintel_mono now)
{
    if (old->active && reg_block_same(old, fresh)) {
        refresh(r, old, fresh->pub.lt, fresh->pub.session, now);
        lintel_free(fresh);
        return &old->pub;
    }
    return swap(r, old, fresh) == 0 ? &fresh->pub : NULL;
}

static const struct lintel_registration *
put_first(struct lintel_registry *r, struct reg *fresh)
{
    if (draw_id(r, &fresh->pub.id) != 0 || append(r, fresh) != 0)
        return NULL;
    fresh->pub.state = 1;
    if (revive(r, fresh) != 0) {
        struct reg **slot = &r->order[r->norder - 1].reg;
        *slot = NULL; /* as if it had not been appended; the block is the caller's */
        r->norder--;
        reg_index_remove(&r->names, registry_id_hash(r, fresh->pub.id), fresh->seq);
        reg_index_remove(&r->names, name_hash(r, fresh->pub.ep, fresh->pub.d), fresh->seq);
        r->blocks -= fresh->size;
        count(r, fresh, -1);
        return NULL;
    }
    heap_move(r, fresh);
    tell(r, fresh, LINTEL_REG_ADDED, 0);
    return &fresh->pub;
}

const struct lintel_registration *
lintel_registry_put(struct lintel_registry *r, const struct lintel_reg_input *in, lintel_mono now,
                    int *ret_new, char reason[LINTEL_REASON])
{
    uint32_t lt = in->lt == 0 ? LINTEL_REG_LT_DEFAULT : in->lt;
    struct reg *fresh = make(r, in, NOT_PACKED, 0, expiry(in->flags, lt, now), reason);
    if (fresh == NULL)
        return NULL;
    struct reg *old = find_name(r, in->ep, in->d);
    int is_new = old == NULL || !old->active;
    const struct lintel_registration *pub =
        old == NULL ? put_first(r, fresh) : put_again(r, old, fresh, now);
    if (pub == NULL) {
        fail(reason, "out of memory");
        lintel_free(fresh);
        return NULL;
    }
    if (ret_new != NULL)
        *ret_new = is_new;
    return pub;
}

int
registry_take(struct lintel_registry *r, const struct lintel_reg_input *in,
              struct lintel_str packed, uint32_t nlinks, uint64_t id, uint64_t state,
              lintel_mono expires, lintel_mono now, char reason[LINTEL_REASON])
{
    if (id == 0 || find_id(r, id) != NULL)
        return fail(reason, "its number is taken");
    struct reg *fresh = make(r, in, packed, nlinks, expires, reason);
    if (fresh == NULL)
        return -1;
    if (find_name(r, in->ep, in->d) != NULL) {
        lintel_free(fresh);
        return fail(reason, "its name is taken");
    }
    fresh->pub.id = id;
    fresh->pub.state = state;
    if (append(r, fresh) != 0) {
        lintel_free(fresh);
        return fail(reason, "out of memory");
    }
    if (expires > now && revive(r, fresh) != 0) {
        forget(r, fresh);
        return fail(reason, "out of memory");
    }
    heap_move(r, fresh);
    return 0;
}

/* ---- updates --------------------------------------------------------------------------------- */

static int
is_given(const struct lintel_reg_update *u, struct lintel_str name)
{
    for (uint32_t i = 0; i < u->nattrs; i++)
        if (lintel_link_same_name(u->attrs[i].name, name))
            return 1;
    return 0;
}

/* Those that stay, then those given. */
static int
merge_attrs(const struct reg *old, const struct lintel_reg_update *u,
            struct lintel_link_attr out[LINTEL_REG_ATTRS_MOST], uint32_t *ret_n,
            char reason[LINTEL_REASON])
{
    struct reg_cursor attrs;
    struct reg_attr attr;
    uint32_t n = 0;
    reg_attrs(old, &attrs);
    while (reg_attr_next(&attrs, &attr))
        if (!is_given(u, attr.name))
            out[n++] = (struct lintel_link_attr){attr.name, attr.value};
    if (u->nattrs > LINTEL_REG_ATTRS_MOST - n)
        return fail(reason, "too many parameters");
    for (uint32_t i = 0; i < u->nattrs; i++)
        out[n++] = u->attrs[i];
    *ret_n = n;
    return 0;
}

static struct lintel_str
updated_base(const struct reg *old, const struct lintel_reg_update *u)
{
    int taken = u->base.p != NULL && (u->base_given || !(old->pub.flags & LINTEL_REG_BASE));
    return taken ? u->base : old->pub.base;
}

/* The content changes: a new block. */
static int
rebuild(struct lintel_registry *r, struct reg *old, const struct lintel_reg_update *u,
        lintel_mono now, char reason[LINTEL_REASON])
{
    struct lintel_link_attr attrs[LINTEL_REG_ATTRS_MOST];
    struct lintel_reg_input in = {.ep = old->pub.ep,
                                  .d = old->pub.d,
                                  .owner = old->pub.owner,
                                  .base = updated_base(old, u),
                                  .lt = u->lt != 0 ? u->lt : old->pub.lt,
                                  .flags = old->pub.flags,
                                  .session = u->session,
                                  .attrs = attrs,
                                  .links = u->links};
    struct lintel_buf links = {0};
    if (u->base.p != NULL && u->base_given)
        in.flags |= LINTEL_REG_BASE;
    if (merge_attrs(old, u, attrs, &in.nattrs, reason) != 0)
        return -1;
    if (u->links.p == NULL) {
        lintel_registration_links(&old->pub, &links);
        in.links = (struct lintel_str){links.p, links.n};
    }
    struct reg *fresh = NULL;
    if (links.failed)
        fail(reason, "out of memory");
    else
        fresh = make(r, &in, NOT_PACKED, 0, expiry(in.flags, in.lt, now), reason);
    lintel_buf_fini(&links);
    if (fresh == NULL)
        return -1;
    if (old->active && reg_block_same(old, fresh)) {
        refresh(r, old, in.lt, u->session, now);
        lintel_free(fresh);
        return 0;
    }
    if (swap(r, old, fresh) == 0)
        return 0;
    lintel_free(fresh);
    return fail(reason, "out of memory");
}

int
lintel_registry_update(struct lintel_registry *r, uint64_t id, const struct lintel_reg_update *u,
                       lintel_mono now, char reason[LINTEL_REASON])
{
    struct reg *reg = find_id(r, id);
    if (reg == NULL)
        return fail(reason, "there is no such registration");
    int content = u->nattrs != 0 || u->links.p != NULL ||
                  !same(updated_base(reg, u), reg->pub.base) ||
                  (u->base.p != NULL && u->base_given && !(reg->pub.flags & LINTEL_REG_BASE));
    if (content)
        return rebuild(r, reg, u, now, reason);
    int again = !reg->active;
    if (again && revive(r, reg) != 0)
        return fail(reason, "out of memory");
    refresh(r, reg, u->lt, u->session, now);
    if (again)
        tell(r, reg, LINTEL_REG_ADDED, 0);
    return 0;
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void
end(struct lintel_registry *r, struct reg *reg)
{
    tell(r, reg, LINTEL_REG_REMOVED, 1);
    index_leave(r, reg, 0);
    set_active(r, reg, 0);
}

int
lintel_registry_remove(struct lintel_registry *r, uint64_t id)
{
    struct reg *reg = find_id(r, id);
    if (reg == NULL)
        return -1;
    if (reg->active)
        end(r, reg);
    forget(r, reg);
    return 0;
}

lintel_mono
lintel_registry_expire(struct lintel_registry *r, lintel_mono now)
{
    for (int i = 0; i < ENDS_A_CALL && r->nheap != 0 && due(r->heap[0]) <= now; i++) {
        struct reg *reg = r->heap[0];
        if (reg->active) {
            end(r, reg);
            heap_move(r, reg);
            continue;
        }
        uint64_t id = reg->pub.id;
        forget(r, reg);
        if (r->source.forgotten != NULL)
            r->source.forgotten(r->source.ctx, id);
    }
    return r->nheap == 0 ? INT64_MAX : due(r->heap[0]);
}
