/* SPDX-License-Identifier: Apache-2.0
 * The audit trail: every write and action, and what was refused, in order, in a store of its own.
 * Bounded: beyond so many records or days the oldest go. Refusals are recorded so often only that
 * nobody can wash others out with them. Loop's thread. */
#ifndef LINTEL_SERVE_TRAIL_H
#define LINTEL_SERVE_TRAIL_H
#include "core/base/text.h"
#include "core/engine/engine.h"
#include "core/store/store.h"

enum lintel_trail_what {
    LINTEL_TRAIL_WRITE,
    LINTEL_TRAIL_ACTION,
    LINTEL_TRAIL_READ, /* this and the following are only recorded when they were refused */
    LINTEL_TRAIL_REGISTER,
    LINTEL_TRAIL_MANAGE,
    LINTEL_TRAIL_ASK /* anything at all */
};
extern const char *const lintel_trail_words[]; /* "write" .. */

struct lintel_trail_entry {
    uint64_t number; /* from 1, without gaps */
    lintel_wall time;
    enum lintel_trail_what what;
    int refused;       /* no device saw it */
    uint32_t left_out; /* refusals of the same peer before this one that were not recorded */
    /* Texts, "" where there is none: who (a name of the site, else as `from`), where from; the
     * thing and the path on it; the value of before, what was asked for, what was read back. */
    const char *who, *from, *thing, *path, *before, *value, *result, *back;
};

struct lintel_trail;
/* store: of the kind LINTEL_TRAIL_KIND, as good as new or with a trail in it; NULL: nothing is kept
 * (a test). The trail closes it. NULL with a reason, and the store is still the caller's. Blocking;
 * for the start. */
#define LINTEL_TRAIL_KIND "audit 1"
struct lintel_trail *lintel_trail_new(struct lintel_loop *l, struct lintel_store *store,
                                      char *reason, size_t size);
void lintel_trail_free(struct lintel_trail *t); /* NULL is fine; what is queued is written */
/* How much is kept; days 0: whatever its age. Counts from now on. */
void lintel_trail_keep(struct lintel_trail *t, uint64_t records, uint32_t days);

/* Records; number, time and left_out are filled in. Texts are copied, and cut where they are too
 * long. t may be NULL. */
void lintel_trail_add(struct lintel_trail *t, const struct lintel_trail_entry *e);
/* done(ctx, 0) on the loop when all that was added is on the disk, done(ctx, -1) where it can't be
 * written now; never from inside. -1: nothing to wait for, or no memory for that; no done() then.
 */
int lintel_trail_sync(struct lintel_trail *t, void (*done)(void *ctx, int failed), void *ctx);
/* An answer has left without that. Counted; the log says so once in a minute. */
void lintel_trail_early(struct lintel_trail *t);
/* lintel_record_fn: ctx is the trail. who "NAME from WHERE" is split. */
void lintel_trail_command(void *ctx, const struct lintel_record *r);

struct lintel_trail_stats {
    uint64_t newest, oldest; /* numbers; newest 0: none */
    uint64_t left_out;       /* refusals, since the start */
    uint64_t lost;           /* records that the store had no room for, since the start */
    uint64_t early;          /* answers that left before their record was on the disk, likewise */
    const char *trouble;     /* "" or why nothing can be written */
};
void lintel_trail_stats(const struct lintel_trail *t, struct lintel_trail_stats *ret);

/* ---- looking --------------------------------------------------------------------------------- */

enum { LINTEL_TRAIL_COUNT_MOST = 10000, LINTEL_TRAIL_NAME_MOST = 128 };
struct lintel_trail_query {
    uint32_t count;                     /* the newest so many that match, 1 .. */
    uint64_t before;                    /* only numbers below; 0: all */
    char thing[LINTEL_TRAIL_NAME_MOST]; /* "" = all */
    char who[LINTEL_TRAIL_NAME_MOST];   /* a name, or where from; "" = all */
};
/* Ends with one done(): a JSON list in the order of time; json NULL: it can't be read. Also a trail
 * that is freed ends what is open. -1: out of memory, or too many look already; no done() then. */
typedef void lintel_trail_done(void *ctx, struct lintel_buf *json);
int lintel_trail_look(struct lintel_trail *t, const struct lintel_trail_query *q,
                      lintel_trail_done *done, void *ctx);

/* ---- bytes of a record ----------------------------------------------------------------------- */

enum { LINTEL_TRAIL_TEXTS = 1024 }; /* bytes of all texts of an entry, with their ends */
void lintel_trail_pack(const struct lintel_trail_entry *e, struct lintel_buf *out);
/* -1: these are no record. Texts of *ret live in `texts`; number is the caller's. */
int lintel_trail_unpack(const void *p, size_t n, struct lintel_trail_entry *ret,
                        char texts[LINTEL_TRAIL_TEXTS]);
#endif
