/* SPDX-License-Identifier: Apache-2.0
 * Lookups (RFC 9176 section 6). A short answer leaves within the call. A long one is built in
 * steps, a few milliseconds in each turn of the loop. An observed one is built again when something
 * changes that its set is concerned by, and told where its bytes have changed. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/rd_inside.h"

enum {
    FIRST_STEP = 2000, /* registrations looked at within the call: some clients can't take blocks of
                          an answer that comes later */
    STEP = 100,
    SLICE_NS = 2000000, /* of a turn of the loop */
    ETAGS_MOST = 4
};

struct eye { /* who looks */
    const struct lintel_tree *tree;
    struct lintel_who who;
    uint32_t scope;                   /* the link that it looks from */
    char d[LINTEL_REG_NAME_MOST + 1]; /* asked last */
    int known, sees;
};

struct lintel_rd_query {
    struct lintel_rd *rd;
    struct lintel_rd_query *next; /* in rd.queries */
    struct lintel_rd_query *next_watching, **back_watching;
    int queued, watched;
    int began; /* its answer is being built */
    int again; /* and has changed meanwhile */
    int told;  /* etag is of what the observer has */
    lintel_ticket ticket;
    struct lintel_lookup lookup;
    struct eye eye;
    struct lintel_buf out;
    struct lintel_tag tag; /* of out */
    uint8_t etag[8];
    uint32_t netags; /* that the client has */
    lintel_span etags[ETAGS_MOST];
    uint32_t nquery;
    lintel_span *query;
    char *text; /* all texts; the query stands behind them */
};

/* ---- rights ---------------------------------------------------------------------------------- */

static int
visible(void *ctx, const struct lintel_registration *reg)
{
    struct eye *e = ctx;
    if (!e->known || !lintel_str_eq(reg->d, e->d)) {
        (void)lintel_format(e->d, sizeof e->d, "%.*s", (int)reg->d.n, reg->d.n ? reg->d.p : "");
        e->sees = lintel_tree_can(e->tree, &e->who, e->d, LINTEL_MAY_READ);
        e->known = 1;
    }
    return e->sees && lintel_rd_is_on_link(e->tree->rd, reg, e->scope);
}

static void
look(struct lintel_lookup *l, struct eye *e, const char *base)
{
    l->here = lintel_str(base != NULL ? base : "");
    l->visible = visible;
    l->visible_ctx = e;
}

/* ---- the queue of what is to be built -------------------------------------------------------- */

static void turn(void *ctx);

static void
enqueue(struct lintel_rd_query *q)
{
    struct lintel_rd *rd = q->rd;
    if (q->queued)
        return;
    q->queued = 1;
    q->next = NULL;
    *rd->last_query = q;
    rd->last_query = &q->next;
}

static void
run_soon(struct lintel_rd *rd)
{
    if (rd->queries != NULL && rd->turn.slot == 0)
        (void)lintel_timer_at(rd->tree->source.loop, &rd->turn, lintel_rd_now(rd), turn, rd);
}

static void
dequeue(struct lintel_rd_query *q)
{
    struct lintel_rd *rd = q->rd;
    struct lintel_rd_query **at = &rd->queries;
    if (!q->queued)
        return;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    if (rd->last_query == &q->next)
        rd->last_query = at;
    q->queued = 0;
}

/* The exchange has ended, whoever ended it. */
static void
ended(void *ctx)
{
    struct lintel_rd_query *q = ctx;
    dequeue(q);
    if (q->watched) {
        *q->back_watching = q->next_watching;
        if (q->next_watching != NULL)
            q->next_watching->back_watching = q->back_watching;
        q->rd->nwatching--;
    } else {
        q->rd->nbuilding--;
    }
    lintel_buf_fini(&q->out);
    lintel_free(q->text);
    lintel_free(q);
}

/* ---- answering ------------------------------------------------------------------------------- */

/* Which of both it was: a buffer at its limit, or memory. */
static const char *
failure(const struct lintel_buf *b)
{
    return b->limit != 0 && b->n >= b->limit / 2
               ? "the answer is too long; ask for pages with count and page"
               : "out of memory; try again later";
}

static void
send_once(struct lintel_rd_query *q)
{
    struct lintel_open *o = lintel_open_find(q->rd->tree, q->ticket);
    struct lintel_buf out = q->out;
    q->out = (struct lintel_buf){0}; /* the query goes with its exchange */
    if (out.failed) {
        lintel_open_fail(o, LINTEL_UNAVAILABLE, "%s", failure(&out));
    } else {
        lintel_answer a = lintel_answer_tagged(LINTEL_FORMAT_LINK, 60, &out, &q->tag);
        if (lintel_has_etag(q->etags, q->netags, &a)) {
            a.code = LINTEL_VALID;
            a.format = LINTEL_FORMAT_NONE;
            a.payload = (lintel_span){NULL, 0};
        }
        lintel_open_answer(o, &a);
    }
    lintel_buf_fini(&out);
}

static void
notify(struct lintel_rd_query *q)
{
    struct lintel_open *o = lintel_open_find(q->rd->tree, q->ticket);
    struct lintel_buf out = q->out;
    q->out = (struct lintel_buf){0};
    q->began = 0;
    if (out.failed) {
        lintel_open_fail(o, LINTEL_UNAVAILABLE, "%s", failure(&out));
        lintel_buf_fini(&out);
        return;
    }
    lintel_answer a = lintel_answer_tagged(LINTEL_FORMAT_LINK, 60, &out, &q->tag);
    int news = !q->told || memcmp(q->etag, a.etag, sizeof q->etag) != 0;
    memcpy(q->etag, a.etag, sizeof q->etag);
    q->told = 1;
    if (q->again) {
        q->again = 0;
        enqueue(q);
    }
    if (news) {
        q->rd->notified++;
        a.flags = LINTEL_ANSWER_MORE;
        lintel_open_answer(o, &a);
    }
    lintel_buf_fini(&out);
}

/* ---- building -------------------------------------------------------------------------------- */

static int
begin(struct lintel_rd_query *q)
{
    char reason[LINTEL_REASON];
    if (q->began)
        return 0;
    if (lintel_lookup_init(&q->lookup, q->lookup.resources, q->query, q->nquery, reason) != 0)
        return -1;
    look(&q->lookup, &q->eye, q->text);
    q->eye.known = 0; /* the site may be another one */
    q->out.limit = lintel_rd_conf(q->rd)->max_answer;
    lintel_tag_begin(&q->tag, LINTEL_FORMAT_LINK);
    q->began = 1;
    return 0;
}

/* One step for the first of the queue; unfinished, it goes behind the others. */
static void
step(struct lintel_rd *rd)
{
    struct lintel_rd_query *q = rd->queries;
    dequeue(q);
    if (begin(q) == 0 && lintel_lookup_step(rd->registry, &q->lookup, STEP, &q->out)) {
        lintel_tag_go_on(&q->tag, &q->out);
        enqueue(q);
        return;
    }
    if (q->watched)
        notify(q);
    else
        send_once(q);
}

static void
turn(void *ctx)
{
    struct lintel_rd *rd = ctx;
    lintel_mono began = lintel_rd_now(rd);
    while (rd->queries != NULL && lintel_rd_now(rd) - began < SLICE_NS)
        step(rd);
    run_soon(rd);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static size_t
text_size(const lintel_exchange *x, const struct lintel_who *who)
{
    size_t n = strlen(x->base != NULL ? x->base : "") + strlen(who->identity) +
               strlen(who->authority) + 3 + 8 * ETAGS_MOST;
    for (uint32_t i = 0; i < x->nquery; i++)
        n += x->query[i].n;
    return n;
}

static char *
put_text(char **at, const char *s, size_t n, int end)
{
    char *ret = *at;
    if (n != 0)
        memcpy(ret, s, n);
    if (end)
        ret[n++] = '\0';
    *at += n;
    return ret;
}

/* A query that outlives its request. NULL: out of memory. */
static struct lintel_rd_query *
query_new(struct lintel_call *c, int resources)
{
    const lintel_exchange *x = c->x;
    const struct lintel_who who = lintel_call_whom(c);
    struct lintel_rd_query *q = lintel_alloc(sizeof *q);
    size_t size = text_size(x, &who);
    size = (size + 15) / 16 * 16;
    if (q == NULL || (q->text = lintel_alloc(size + x->nquery * sizeof *q->query)) == NULL) {
        lintel_free(q);
        return NULL;
    }
    char *at = q->text;
    const char *base = x->base != NULL ? x->base : "";
    put_text(&at, base, strlen(base), 1); /* first: begin() looks there */
    q->query = (lintel_span *)(void *)(q->text + size);
    q->rd = c->tree->rd;
    q->lookup.resources = resources;
    q->eye.tree = c->tree;
    q->eye.who.flags = who.flags;
    q->eye.scope = c->x->scope;
    q->eye.who.identity = put_text(&at, who.identity, strlen(who.identity), 1);
    q->eye.who.authority = put_text(&at, who.authority, strlen(who.authority), 1);
    for (uint32_t i = 0; i < x->netag && q->netags < ETAGS_MOST; i++)
        if (x->etag[i].n <= 8)
            q->etags[q->netags++] =
                (lintel_span){put_text(&at, x->etag[i].p, x->etag[i].n, 0), x->etag[i].n};
    for (q->nquery = 0; q->nquery < x->nquery; q->nquery++) {
        const lintel_span *s = &x->query[q->nquery];
        q->query[q->nquery] = (lintel_span){put_text(&at, s->p, s->n, 0), s->n};
    }
    return q;
}

/* Opens an exchange for a query that goes on; NULL after the call was answered. */
static struct lintel_rd_query *
query_open(struct lintel_call *c, int resources, int watched)
{
    struct lintel_rd *rd = c->tree->rd;
    if (!watched && rd->nbuilding >= LINTEL_RD_BUILDING_MOST) {
        lintel_rd_later(c, LINTEL_UNAVAILABLE,
                        "too many long answers are being made; try again later, or ask for pages");
        return NULL;
    }
    struct lintel_rd_query *q = query_new(c, resources);
    struct lintel_open *o = q != NULL ? lintel_call_open(c) : NULL;
    if (q == NULL)
        lintel_rd_later(c, LINTEL_UNAVAILABLE, "out of memory");
    if (o == NULL) {
        if (q != NULL)
            lintel_free(q->text);
        lintel_free(q);
        return NULL;
    }
    q->ticket = c->ticket;
    q->watched = watched;
    o->work = q;
    o->work_free = ended;
    if (!watched) {
        rd->nbuilding++;
        return q;
    }
    rd->nwatching++;
    q->next_watching = rd->watching;
    q->back_watching = &rd->watching;
    if (q->next_watching != NULL)
        q->next_watching->back_watching = &q->next_watching;
    rd->watching = q;
    return q;
}

/* Nobody in a group wants to hear that nothing matched (RFC 7252 section 8.2). */
static int
is_unwanted(const struct lintel_call *c, const struct lintel_buf *b)
{
    return b->n == 0 && !b->failed && c->x->flags & LINTEL_X_MULTICAST;
}

void
lintel_rd_lookup(struct lintel_call *c, int resources)
{
    struct lintel_rd *rd = c->tree->rd;
    struct eye eye = {.tree = c->tree, .who = lintel_call_whom(c), .scope = c->x->scope};
    struct lintel_lookup l;
    char reason[LINTEL_REASON];
    lintel_rd_arm(rd); /* what has ended is not shown, also where the timer is late */
    if (lintel_lookup_init(&l, resources, c->x->query, c->x->nquery, reason) != 0) {
        lintel_call_fail(c, lintel_rd_code(reason), "%s", reason);
        return;
    }
    look(&l, &eye, c->x->base);
    if (c->x->flags & LINTEL_X_OBSERVE && rd->nwatching < LINTEL_RD_WATCHING_MOST) {
        struct lintel_rd_query *q = query_open(c, resources, 1);
        if (q != NULL)
            enqueue(q);
        if (q != NULL && begin(q) == 0 &&
            !lintel_lookup_step(rd->registry, &q->lookup, FIRST_STEP, &q->out)) {
            dequeue(q);
            notify(q);
        }
        run_soon(rd);
        return;
    }
    struct lintel_buf b = lintel_out_take(c->tree);
    b.limit = lintel_rd_conf(rd)->max_answer;
    int more = lintel_lookup_step(rd->registry, &l, FIRST_STEP, &b);
    b.limit = 0;
    if (!more && is_unwanted(c, &b)) {
        lintel_call_fail(c, LINTEL_NOT_FOUND, "nothing matches");
        lintel_out_put(c->tree, &b);
        return;
    }
    if (!more && b.failed) {
        b.limit = lintel_rd_conf(rd)->max_answer;
        lintel_rd_later(c, LINTEL_UNAVAILABLE, failure(&b));
        lintel_buf_fini(&b);
        return;
    }
    if (!more) {
        lintel_call_document(c, LINTEL_FORMAT_LINK, 60, &b);
        return;
    }
    struct lintel_rd_query *q = query_open(c, resources, 0);
    if (q == NULL || begin(q) != 0) {
        lintel_out_put(c->tree, &b);
        return;
    }
    q->lookup.at = l.at; /* goes on where the first step ended */
    q->lookup.skipped = l.skipped;
    q->lookup.given = l.given;
    b.limit = q->out.limit;
    q->out = b;
    enqueue(q);
    run_soon(rd);
}

/* ---- changes --------------------------------------------------------------------------------- */

static void
mark(struct lintel_rd_query *q)
{
    if (q->began)
        q->again = 1;
    else
        enqueue(q);
}

void
lintel_rd_concerned(struct lintel_rd *rd, const struct lintel_registration *reg)
{
    for (struct lintel_rd_query *q = rd->watching; q != NULL; q = q->next_watching) {
        int marked = q->began ? q->again : q->queued;
        if (!marked && lintel_lookup_concerns(rd->registry, &q->lookup, reg))
            mark(q);
    }
    run_soon(rd);
}

void
lintel_rd_all_concerned(struct lintel_rd *rd)
{
    for (struct lintel_rd_query *q = rd->watching; q != NULL; q = q->next_watching) {
        q->eye.known = 0;
        mark(q);
    }
    run_soon(rd);
}

void
lintel_rd_lookups_free(struct lintel_rd *rd)
{
    LINTEL_ASSERT(rd->watching == NULL && rd->nbuilding == 0); /* their exchanges have ended */
    lintel_timer_stop(rd->tree->source.loop, &rd->turn);
}
