/* SPDX-License-Identifier: Apache-2.0
 * The store's keys: records stand under MOST - number, so that a walk begins with the newest; in
 * front of them, under the day's number since 1970, the first number of each day: what goes when
 * days are counted, and at a start the way to the oldest without a look at all. */
#include "core/serve/trail.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)
#define MOST (UINT64_C(1) << 62)
enum {
    DAYS_MOST = 40000,
    TRIM_EACH = 8,    /* old records that may go with each new one */
    TRIM_TURN = 2000, /* and with each turn of the timer */
    NOTE_EACH = 1000, /* records gone until the oldest is written down */
    LOOKS_MOST = 8,
    PEERS = 256,
    TEXTS = 8
};
/* Refusals of one peer: ten at once, then one in ten seconds; of all: a hundred, then ten a second.
 */
static const struct pace {
    int64_t each;
    uint32_t burst;
} peer_pace = {10 * SECOND, 10}, all_pace = {SECOND / 10, 100};

const char *const lintel_trail_words[] = {"write", "action", "read", "register", "manage", "ask"};

struct day {
    uint64_t day, first; /* number of its first record */
};
struct peer { /* whose refusals are counted */
    uint64_t hash;
    lintel_mono full; /* until when its allowance is used up */
    lintel_mono last;
    uint32_t left_out;
};
struct look {
    struct look *next;
    struct lintel_trail *trail;
    struct lintel_trail_query query;
    lintel_trail_done *done;
    void *ctx;
    /* What matched, newest first: length, number and bytes of each. Written by the store's thread,
     * read on the loop when that has ended. */
    struct lintel_buf found;
    uint32_t n;
};
struct lintel_trail {
    struct lintel_loop *loop;
    struct lintel_store *store;
    uint64_t records;
    uint32_t keep_days;
    uint64_t newest, oldest, noted; /* noted: the oldest as written down */
    struct day *days;
    uint32_t ndays, days_room;
    struct peer peers[PEERS];
    lintel_mono full;
    uint64_t left_out, lost, early;
    lintel_mono told; /* until when the log needs no word of early answers */
    struct look *looks;
    uint32_t nlooks;
    struct lintel_buf out;
    struct lintel_timer timer;
};

/* ---- bytes ----------------------------------------------------------------------------------- */

struct texts { /* of an entry, in the order of the bytes */
    const char **at[TEXTS];
};
static struct texts
texts_of(struct lintel_trail_entry *e)
{
    return (struct texts){
        {&e->who, &e->from, &e->thing, &e->path, &e->before, &e->value, &e->result, &e->back}};
}
static const size_t text_most[TEXTS] = {64, 128, 63, 200, 80, 80, 300, 80};

void
lintel_trail_pack(const struct lintel_trail_entry *e, struct lintel_buf *out)
{
    struct lintel_trail_entry copy = *e;
    struct texts t = texts_of(&copy);
    lintel_cbor_array(out, 4 + TEXTS);
    lintel_cbor_int(out, e->time);
    lintel_cbor_uint(out, (uint64_t)e->what);
    lintel_cbor_bool(out, e->refused);
    lintel_cbor_uint(out, e->left_out);
    for (size_t i = 0; i < TEXTS; i++) {
        const char *s = *t.at[i] != NULL ? *t.at[i] : "";
        size_t n = strnlen(s, text_most[i]);
        lintel_cbor_str(out, s, lintel_utf8_valid(s, n));
    }
}

int
lintel_trail_unpack(const void *p, size_t n, struct lintel_trail_entry *ret,
                    char texts[LINTEL_TRAIL_TEXTS])
{
    struct lintel_cbor c = {p, n};
    struct lintel_cbor_item item;
    struct lintel_trail_entry e = {0};
    struct texts t = texts_of(&e);
    uint64_t what, left_out;
    size_t count, used = 0;
    if (lintel_cbor_read_array(&c, 4 + TEXTS, &count) != 0 || count != 4 + TEXTS ||
        lintel_cbor_read_int(&c, &e.time) != 0 ||
        lintel_cbor_read_uint(&c, LINTEL_TRAIL_ASK, &what) != 0 ||
        lintel_cbor_next(&c, &item) != LINTEL_CBOR_BOOL ||
        lintel_cbor_read_uint(&c, UINT32_MAX, &left_out) != 0)
        return -1;
    e.what = (enum lintel_trail_what)what;
    e.refused = item.u != 0;
    e.left_out = (uint32_t)left_out;
    for (size_t i = 0; i < TEXTS; i++) {
        struct lintel_str s;
        if (lintel_cbor_read_str(&c, &s) != 0 ||
            lintel_str_copy(texts + used, text_most[i] + 1, s) != 0)
            return -1;
        *t.at[i] = texts + used;
        used += s.n + 1;
    }
    if (c.left != 0)
        return -1;
    *ret = e;
    return 0;
}

/* ---- refusals at their pace ------------------------------------------------------------------ */

/* Whether one more may be; `full` is when the allowance used so far has grown back. */
static int
allow(lintel_mono *full, lintel_mono now, const struct pace *p)
{
    lintel_mono next = (*full > now ? *full : now) + p->each;
    if (next - now > p->each * p->burst)
        return 0;
    *full = next;
    return 1;
}

/* FNV-1a of the address without its port: who opens many ports is still one. Never 0. */
static uint64_t
peer_hash(const char *from)
{
    const char *port = strrchr(from, ':');
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *p = from; *p != '\0' && p != port; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    return h | 1;
}

/* The peer's count, or the one that rested longest, made its own. */
static struct peer *
find_peer(struct lintel_trail *t, uint64_t hash)
{
    struct peer *oldest = &t->peers[0];
    for (uint32_t i = 0; i < PEERS; i++) {
        if (t->peers[i].hash == hash)
            return &t->peers[i];
        if (t->peers[i].last < oldest->last)
            oldest = &t->peers[i];
    }
    *oldest = (struct peer){.hash = hash};
    return oldest;
}

/* Whether this refusal is recorded; *ret_left_out: how many of this peer were not, before it. */
static int
take_refusal(struct lintel_trail *t, const char *from, uint32_t *ret_left_out)
{
    lintel_mono now = lintel_loop_now(t->loop);
    struct peer *p = find_peer(t, peer_hash(from));
    p->last = now;
    if (!allow(&p->full, now, &peer_pace) || !allow(&t->full, now, &all_pace)) {
        p->left_out++;
        t->left_out++;
        return 0;
    }
    *ret_left_out = p->left_out;
    p->left_out = 0;
    return 1;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static uint64_t
day_of(lintel_wall time)
{
    return time > 0 ? (uint64_t)(time / DAY) + 1 : 1; /* never 0 */
}

static int
put_day(struct lintel_trail *t, const struct day *d)
{
    lintel_buf_reset(&t->out);
    lintel_cbor_uint(&t->out, d->first);
    return t->out.failed ? -1 : lintel_store_put(t->store, d->day, t->out.p, t->out.n);
}

static int
add_day(struct lintel_trail *t, uint64_t day, uint64_t first)
{
    if (t->ndays == DAYS_MOST)
        return -1;
    if (t->ndays == t->days_room) {
        uint32_t room = t->days_room != 0 ? t->days_room * 2 : 32;
        struct day *more = lintel_grow(t->days, room, sizeof *more);
        if (more == NULL)
            return -1;
        t->days = more;
        t->days_room = room;
    }
    t->days[t->ndays++] = (struct day){day, first};
    return 0;
}

static int
is_too_old(const struct lintel_trail *t, uint64_t today)
{
    /* The newest of all stays, so that its number goes on. */
    return t->keep_days != 0 && t->ndays != 0 && t->days[0].day + t->keep_days < today &&
           t->oldest < (t->ndays > 1 ? t->days[1].first : t->newest);
}

/* Removes what is too much, a bounded number at a time. 1: there is more. */
static int
trim(struct lintel_trail *t, uint32_t budget)
{
    uint64_t today = day_of(lintel_loop_wall(t->loop));
    while (t->newest != 0 && (t->newest - t->oldest >= t->records || is_too_old(t, today))) {
        if (budget-- == 0)
            return 1;
        if (lintel_store_remove(t->store, MOST - t->oldest) != 0)
            return 1; /* the disk is slow: later */
        t->oldest++;
        if (t->ndays > 1 && t->oldest >= t->days[1].first) {
            (void)lintel_store_remove(t->store, t->days[0].day);
            memmove(t->days, t->days + 1, --t->ndays * sizeof *t->days);
            t->noted = t->days[0].first;
        }
        if (t->ndays != 0 && t->oldest - t->noted >= NOTE_EACH) {
            t->days[0].first = t->noted = t->oldest;
            (void)put_day(t, &t->days[0]);
        }
    }
    return 0;
}

static void
on_timer(void *ctx)
{
    struct lintel_trail *t = ctx;
    int more = trim(t, TRIM_TURN);
    (void)lintel_timer_at(t->loop, &t->timer,
                          lintel_loop_now(t->loop) + (more ? SECOND : 3600 * SECOND), on_timer, t);
}

void
lintel_trail_keep(struct lintel_trail *t, uint64_t records, uint32_t days)
{
    if (t->store == NULL)
        return;
    t->records = records;
    t->keep_days = days;
    on_timer(t);
}

static void
lose(struct lintel_trail *t)
{
    if (t->lost++ == 0)
        lintel_log(LINTEL_LOG_ERROR, "audit",
                   "the audit trail can't be written, records are lost: see lintel status");
}

void
lintel_trail_add(struct lintel_trail *t, const struct lintel_trail_entry *e)
{
    struct lintel_trail_entry full = *e;
    if (t == NULL || t->store == NULL)
        return;
    full.left_out = 0;
    if (e->refused && !take_refusal(t, e->from, &full.left_out))
        return;
    full.time = lintel_loop_wall(t->loop);
    uint64_t number = t->newest + 1, day = day_of(full.time);
    if ((t->ndays == 0 || day > t->days[t->ndays - 1].day) &&
        (add_day(t, day, number) != 0 || put_day(t, &t->days[t->ndays - 1]) != 0)) {
        lose(t);
        return;
    }
    lintel_buf_reset(&t->out);
    lintel_trail_pack(&full, &t->out);
    if (t->out.failed || lintel_store_put(t->store, MOST - number, t->out.p, t->out.n) != 0) {
        lose(t);
        return;
    }
    t->newest = number;
    if (t->oldest == 0)
        t->oldest = t->noted = number;
    (void)trim(t, TRIM_EACH);
}

int
lintel_trail_sync(struct lintel_trail *t, void (*done)(void *ctx, int failed), void *ctx)
{
    return t->store != NULL ? lintel_store_sync(t->store, done, ctx) : -1;
}

void
lintel_trail_early(struct lintel_trail *t)
{
    static const struct pace a_minute = {60 * SECOND, 1};
    t->early++;
    if (allow(&t->told, lintel_loop_now(t->loop), &a_minute))
        lintel_log(LINTEL_LOG_ERROR, "audit",
                   "answers to writes leave before the audit trail has them: the disk stands still "
                   "or refuses; a hub that dies now loses their records. See lintel status");
}

void
lintel_trail_command(void *ctx, const struct lintel_record *r)
{
    char who[LINTEL_TRAIL_NAME_MOST];
    const char *from = strstr(r->who, " from ");
    (void)lintel_copy(who, sizeof who, r->who);
    if (from != NULL && (size_t)(from - r->who) < sizeof who)
        who[from - r->who] = '\0';
    lintel_trail_add(ctx, &(struct lintel_trail_entry){.what = r->action ? LINTEL_TRAIL_ACTION
                                                                         : LINTEL_TRAIL_WRITE,
                                                       .refused = r->refused,
                                                       .who = who,
                                                       .from = from != NULL ? from + 6 : r->who,
                                                       .thing = r->thing,
                                                       .path = r->path,
                                                       .before = r->before,
                                                       .value = r->value,
                                                       .result = r->result,
                                                       .back = r->back});
}

void
lintel_trail_stats(const struct lintel_trail *t, struct lintel_trail_stats *ret)
{
    struct lintel_store_stats s = {.trouble = ""};
    if (t->store != NULL)
        lintel_store_stats(t->store, &s);
    *ret = (struct lintel_trail_stats){t->newest, t->oldest, t->left_out,
                                       t->lost,   t->early,  s.trouble};
}

/* ---- looking --------------------------------------------------------------------------------- */

static int
matches(const struct lintel_trail_query *q, const struct lintel_trail_entry *e)
{
    return (q->thing[0] == '\0' || strcmp(q->thing, e->thing) == 0) &&
           (q->who[0] == '\0' || strcmp(q->who, e->who) == 0 || strcmp(q->who, e->from) == 0);
}

/* On a thread of the store's. */
static int
look_at(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct look *l = ctx;
    struct lintel_trail_entry e;
    char texts[LINTEL_TRAIL_TEXTS];
    uint64_t head[2] = {n, MOST - key};
    if (key > MOST || lintel_trail_unpack(p, n, &e, texts) != 0 || !matches(&l->query, &e))
        return 0;
    lintel_buf_add(&l->found, head, sizeof head);
    lintel_buf_add(&l->found, p, n);
    return l->found.failed || ++l->n == l->query.count;
}

static void
add_text(struct lintel_buf *b, const char *name, const char *text)
{
    lintel_buf_addf(b, ",\"%s\":", name);
    lintel_buf_add_json_str(b, text, strlen(text));
}

static void
write_entry(struct lintel_buf *b, const struct lintel_trail_entry *e)
{
    lintel_buf_addf(b, "{\"number\":%llu,\"time\":%lld.%03lld,\"what\":\"%s\",\"refused\":%s",
                    (unsigned long long)e->number, (long long)(e->time / SECOND),
                    (long long)(e->time % SECOND / 1000000), lintel_trail_words[e->what],
                    e->refused ? "true" : "false");
    add_text(b, "who", e->who);
    add_text(b, "from", e->from);
    add_text(b, "thing", e->thing);
    add_text(b, "path", e->path);
    add_text(b, "old", e->before);
    add_text(b, "new", e->value);
    add_text(b, "result", e->result);
    add_text(b, "read", e->back);
    lintel_buf_addf(b, ",\"leftOut\":%u}", e->left_out);
}

/* They were found newest first. */
static void
write_found(const struct look *l, struct lintel_buf *json)
{
    size_t *starts = lintel_alloc_array(l->n + 1, sizeof *starts), at = 0;
    lintel_buf_addc(json, '[');
    json->failed |= starts == NULL || l->found.failed;
    for (uint32_t i = 0; starts != NULL && !l->found.failed && i < l->n; i++) {
        uint64_t head[2];
        memcpy(head, l->found.p + at, sizeof head);
        starts[i] = at;
        at += sizeof head + (size_t)head[0];
    }
    for (uint32_t i = l->n; !json->failed && i-- > 0;) {
        struct lintel_trail_entry e;
        char texts[LINTEL_TRAIL_TEXTS];
        uint64_t head[2];
        memcpy(head, l->found.p + starts[i], sizeof head);
        if (lintel_trail_unpack(l->found.p + starts[i] + sizeof head, (size_t)head[0], &e, texts))
            continue;
        e.number = head[1];
        if (i + 1 != l->n)
            lintel_buf_addc(json, ',');
        write_entry(json, &e);
    }
    lintel_buf_addc(json, ']');
    lintel_free(starts);
}

static void
look_end(struct look *l, int failed)
{
    struct look **at = &l->trail->looks;
    struct lintel_buf json = {0};
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->trail->nlooks--;
    if (!failed)
        write_found(l, &json);
    l->done(l->ctx, failed || json.failed ? NULL : &json);
    lintel_buf_fini(&json);
    lintel_buf_fini(&l->found);
    lintel_free(l);
}

static void
looked(void *ctx, int failed)
{
    look_end(ctx, failed);
}

/* What was queued is on the disk now, as far as that takes it. */
static void
synced(void *ctx, int failed)
{
    struct look *l = ctx;
    uint64_t below = l->query.before != 0 && l->query.before <= l->trail->newest
                         ? l->query.before
                         : l->trail->newest + 1;
    (void)failed;
    if (lintel_store_scan(l->trail->store, MOST - below + 1, look_at, looked, l) != 0)
        look_end(l, -1);
}

int
lintel_trail_look(struct lintel_trail *t, const struct lintel_trail_query *q,
                  lintel_trail_done *done, void *ctx)
{
    struct look *l = t->store != NULL && t->nlooks < LOOKS_MOST ? lintel_alloc(sizeof *l) : NULL;
    if (l == NULL)
        return -1;
    *l = (struct look){.next = t->looks, .trail = t, .query = *q, .done = done, .ctx = ctx};
    if (lintel_store_sync(t->store, synced, l) != 0) {
        lintel_free(l);
        return -1;
    }
    t->looks = l;
    t->nlooks++;
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Days come first, then the newest record: that is all there is to know. */
static int
take_back(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct lintel_trail *t = ctx;
    struct lintel_cbor c = {p, n};
    uint64_t first;
    if (key > UINT32_MAX) {
        t->newest = key < MOST ? MOST - key : 0;
        return 1;
    }
    if (lintel_cbor_read_uint(&c, MOST, &first) != 0 || add_day(t, key, first) != 0)
        return 2;
    return 0;
}

struct lintel_trail *
lintel_trail_new(struct lintel_loop *loop, struct lintel_store *store, char *reason, size_t size)
{
    struct lintel_trail *t = lintel_alloc(sizeof *t);
    if (t == NULL) {
        (void)lintel_copy(reason, size, "out of memory");
        return NULL;
    }
    t->loop = loop;
    t->records = 1000000;
    int got = store != NULL ? lintel_store_from(store, 0, take_back, t) : 0;
    if (got < 0 || got > 1) {
        (void)lintel_copy(reason, size,
                          "the audit trail can't be read; move the file away to begin a new one");
        lintel_trail_free(t);
        return NULL;
    }
    t->store = store;
    if (t->newest != 0)
        t->oldest = t->ndays != 0 && t->days[0].first <= t->newest ? t->days[0].first : t->newest;
    t->noted = t->oldest;
    return t;
}

void
lintel_trail_free(struct lintel_trail *t)
{
    if (t == NULL)
        return;
    lintel_timer_stop(t->loop, &t->timer);
    lintel_store_close(t->store); /* ends what is open */
    LINTEL_ASSERT(t->looks == NULL);
    lintel_buf_fini(&t->out);
    lintel_free(t->days);
    lintel_free(t);
}
