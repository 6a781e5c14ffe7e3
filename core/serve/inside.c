/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/inside.h"

#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/bind/site.h"

/* ---- answering ------------------------------------------------------------------------------- */

struct lintel_buf
lintel_out_take(struct lintel_tree *t)
{
    struct lintel_buf b = t->out;
    t->out = (struct lintel_buf){0};
    lintel_buf_reset(&b);
    return b;
}

void
lintel_out_put(struct lintel_tree *t, struct lintel_buf *b)
{
    enum { KEEP_MOST = 64 * 1024 };
    if (t->out.p == NULL && b->room <= KEEP_MOST)
        t->out = *b;
    else
        lintel_buf_fini(b);
    *b = (struct lintel_buf){0};
}

lintel_answer
lintel_answer_of(uint32_t code, int32_t format, uint32_t max_age, struct lintel_buf *b)
{
    static const char nomem[] = "out of memory";
    lintel_answer a = {.size = sizeof a, .code = code, .format = format, .max_age = max_age};
    if (b != NULL && b->failed) {
        a.code = LINTEL_INTERNAL;
        a.format = LINTEL_FORMAT_NONE;
        a.payload = (lintel_span){nomem, sizeof nomem - 1};
    } else if (b != NULL) {
        a.payload = (lintel_span){b->p, b->n};
    }
    return a;
}

void
lintel_tag_begin(struct lintel_tag *t, int32_t format)
{
    t->h = (0xcbf29ce484222325u ^ (uint64_t)(uint32_t)format) * 0x100000001b3u;
    t->n = 0;
}

/* FNV-1a, 64 bit. */
void
lintel_tag_go_on(struct lintel_tag *t, const struct lintel_buf *b)
{
    for (; t->n < b->n; t->n++)
        t->h = (t->h ^ (unsigned char)b->p[t->n]) * 0x100000001b3u;
}

lintel_answer
lintel_answer_tagged(int32_t format, uint32_t max_age, struct lintel_buf *b, struct lintel_tag *t)
{
    lintel_answer a = lintel_answer_of(LINTEL_CONTENT, format, max_age, b);
    if (a.code != LINTEL_CONTENT)
        return a;
    lintel_tag_go_on(t, b);
    memcpy(a.etag, &t->h, sizeof a.etag);
    a.netag = sizeof a.etag;
    return a;
}

lintel_answer
lintel_answer_content(int32_t format, uint32_t max_age, struct lintel_buf *b)
{
    struct lintel_tag t;
    lintel_tag_begin(&t, format);
    return lintel_answer_tagged(format, max_age, b, &t);
}

int
lintel_has_etag(const lintel_span *etags, uint32_t n, const lintel_answer *a)
{
    for (uint32_t i = 0; i < n; i++)
        if (etags[i].n == a->netag && memcmp(etags[i].p, a->etag, a->netag) == 0)
            return 1;
    return 0;
}

void
lintel_call_answer(struct lintel_call *c, const lintel_answer *a)
{
    c->to.fn(c->to.ctx, c->to.cookie, a);
}

/* Whether errors are wanted as concise problem details: who asks for a representation in that
 * format can mean nothing else. */
static int
wants_problem(const lintel_exchange *x)
{
    for (uint32_t i = 0; i < x->naccept; i++)
        if (x->accept[i] == LINTEL_FORMAT_PROBLEM)
            return 1;
    return 0;
}

enum { DIAGNOSTIC_MOST = 400 }; /* fits a datagram with all else */

struct diagnostic {
    char text[DIAGNOSTIC_MOST];
    struct lintel_buf problem; /* free after use */
    lintel_answer answer;
};

/* {title: text, response-code: code} (RFC 9290 section 2). */
static void
write_problem(struct lintel_buf *b, uint32_t code, lintel_span text)
{
    enum { TITLE = -1, RESPONSE_CODE = -4 };
    lintel_cbor_map(b, 2);
    lintel_cbor_int(b, TITLE);
    lintel_cbor_str(b, text.p, text.n);
    lintel_cbor_int(b, RESPONSE_CODE);
    lintel_cbor_uint(b, code);
}

static void
diagnose(struct diagnostic *d, int problem, uint32_t code, const char *format, va_list args)
{
    int n = vsnprintf(d->text, sizeof d->text, format, args);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof d->text ? (size_t)n : sizeof d->text - 1;
    length = lintel_utf8_valid(d->text, length);
    d->answer = (lintel_answer){.size = sizeof(lintel_answer),
                                .code = code,
                                .format = LINTEL_FORMAT_NONE,
                                .max_age = code == LINTEL_UNAVAILABLE ? LINTEL_RETRY_AFTER : 0,
                                .payload = {d->text, length}};
    d->problem = (struct lintel_buf){0};
    if (problem)
        write_problem(&d->problem, code, d->answer.payload);
    if (problem && !d->problem.failed) {
        d->answer.format = LINTEL_FORMAT_PROBLEM;
        d->answer.payload = (lintel_span){d->problem.p, d->problem.n};
    }
}

void
lintel_call_fail(struct lintel_call *c, uint32_t code, const char *format, ...)
{
    struct diagnostic d;
    va_list args;
    va_start(args, format);
    diagnose(&d, wants_problem(c->x), code, format, args);
    va_end(args);
    lintel_call_answer(c, &d.answer);
    lintel_buf_fini(&d.problem);
}

void
lintel_open_fail(struct lintel_open *o, uint32_t code, const char *format, ...)
{
    struct diagnostic d;
    va_list args;
    va_start(args, format);
    diagnose(&d, o->problem, code, format, args);
    va_end(args);
    lintel_open_answer(o, &d.answer);
    lintel_buf_fini(&d.problem);
}

void
lintel_call_method(struct lintel_call *c, const char *what, const char *methods)
{
    lintel_call_fail(c, LINTEL_NOT_ALLOWED, "%s: use %s", what, methods);
}

void
lintel_call_too_large(struct lintel_call *c, uint32_t most, const char *text)
{
    lintel_answer a = lintel_answer_of(LINTEL_TOO_LARGE, LINTEL_FORMAT_NONE, 0, NULL);
    a.payload = (lintel_span){text, strlen(text)};
    a.size1 = most;
    lintel_call_answer(c, &a);
}

int
lintel_call_accepts(struct lintel_call *c, int32_t format)
{
    if (lintel_format_choose(c->x, &format, 1) == format)
        return 1;
    lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE, "only Content-Format %d is here", format);
    return 0;
}

void
lintel_call_document(struct lintel_call *c, int32_t format, uint32_t max_age, struct lintel_buf *b)
{
    if (lintel_call_accepts(c, format)) {
        lintel_answer a = lintel_answer_content(format, max_age, b);
        if (lintel_has_etag(c->x->etag, c->x->netag, &a)) {
            a.code = LINTEL_VALID;
            a.format = LINTEL_FORMAT_NONE;
            a.payload = (lintel_span){NULL, 0};
        }
        lintel_call_answer(c, &a);
    }
    lintel_out_put(c->tree, b);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static struct lintel_who
who_asks(const lintel_exchange *x)
{
    return (struct lintel_who){x->flags, x->identity != NULL ? x->identity : "",
                               x->authority != NULL ? x->authority : ""};
}

static const struct lintel_rights *
rights(const struct lintel_tree *t)
{
    return t->site != NULL ? t->site->rights : NULL;
}

static int
can(const struct lintel_tree *t, const struct lintel_who *who, const char *zone, uint32_t what)
{
    uint32_t may = lintel_rights_of(rights(t), who, zone);
    return what != 0 ? (may & what) == what : may != 0;
}

int
lintel_tree_can(const struct lintel_tree *t, const struct lintel_who *who, const char *zone,
                uint32_t what)
{
    return can(t, who, zone, what);
}

struct lintel_who
lintel_call_whom(const struct lintel_call *c)
{
    return who_asks(c->x);
}

int
lintel_call_can(const struct lintel_call *c, const char *zone, uint32_t what)
{
    const struct lintel_who who = who_asks(c->x);
    return can(c->tree, &who, zone, what);
}

/* Whom to name in a refusal; NULL: somebody unknown. */
static const char *
refused_name(const struct lintel_tree *t, const struct lintel_who *who)
{
    const char *name = lintel_rights_name(rights(t), who);
    return name != NULL || !(who->flags & LINTEL_X_LOOPBACK) ? name : "this machine";
}

/* "may not write in the zone rooms" */
static void
refused_what(char out[160], const char *zone, uint32_t what)
{
    static const char *const words[] = {"read", "write", "register", "manage the hub"};
    const char *word = "do anything here";
    for (size_t i = 0; i < LINTEL_COUNT(words); i++)
        if (what & 1u << i)
            word = words[i];
    int in = zone != NULL && what != 0 && what != LINTEL_MAY_MANAGE;
    snprintf(out, 160, "may not %s%s%.63s", word,
             !in       ? ""
             : zone[0] ? " in the zone "
                       : " what is in no zone",
             in ? zone : "");
}

static enum lintel_trail_what
trail_word(uint32_t what)
{
    return what & LINTEL_MAY_MANAGE     ? LINTEL_TRAIL_MANAGE
           : what & LINTEL_MAY_WRITE    ? LINTEL_TRAIL_WRITE
           : what & LINTEL_MAY_REGISTER ? LINTEL_TRAIL_REGISTER
           : what & LINTEL_MAY_READ     ? LINTEL_TRAIL_READ
                                        : LINTEL_TRAIL_ASK;
}

void
lintel_call_refused(const struct lintel_call *c, enum lintel_trail_what what, const char *why)
{
    struct lintel_buf path = {.limit = 200};
    for (uint32_t i = 0; i < c->npath && !path.failed; i++) {
        if (i != 0)
            lintel_buf_addc(&path, '/');
        if (c->path[i].n != 0)
            lintel_buf_add(&path, c->path[i].p, c->path[i].n);
    }
    lintel_trail_add(c->tree->source.trail,
                     &(struct lintel_trail_entry){.what = what,
                                                  .refused = 1,
                                                  .who = lintel_call_who(c),
                                                  .from = c->x->peer != NULL ? c->x->peer : "",
                                                  .thing = c->thing,
                                                  .path = lintel_buf_str(&path),
                                                  .result = why});
    lintel_buf_fini(&path);
}

int
lintel_call_may(struct lintel_call *c, const char *zone, uint32_t what)
{
    const struct lintel_who who = who_asks(c->x);
    char words[160];
    if (can(c->tree, &who, zone, what))
        return 1;
    const char *name = refused_name(c->tree, &who);
    refused_what(words, zone, what);
    char why[300];
    (void)lintel_format(why, sizeof why, "%s", words);
    if (name == NULL && who.identity[0] != '\0') /* what an operator needs to let it in */
        (void)lintel_format(why, sizeof why, "%s: no identity \"%.64s\" of \"%.100s\"", words,
                            who.identity, who.authority);
    lintel_call_refused(c, trail_word(what), why);
    if (name != NULL)
        lintel_call_fail(c, LINTEL_FORBIDDEN, "%.64s %s", name, words);
    else if (who.identity[0] != '\0')
        lintel_call_fail(c, LINTEL_UNAUTHORIZED, "this site has no identity \"%.64s\"",
                         who.identity);
    else
        lintel_call_fail(c, LINTEL_UNAUTHORIZED,
                         "who asks is not known: use coaps, or ask from this machine");
    return 0;
}

const char *
lintel_call_who(const struct lintel_call *c)
{
    const struct lintel_who who = who_asks(c->x);
    const char *name = lintel_rights_name(rights(c->tree), &who);
    if (name != NULL)
        return name;
    return c->x->peer != NULL ? c->x->peer : "";
}

const char *
lintel_call_by(const struct lintel_call *c)
{
    const char *who = lintel_call_who(c), *from = c->x->peer != NULL ? c->x->peer : "";
    if (who == from || from[0] == '\0')
        return who;
    snprintf(c->tree->by, sizeof c->tree->by, "%.64s from %.120s", who, from);
    return c->tree->by;
}

/* Who observes what, for the day when rights change. */
struct lintel_watching {
    struct lintel_who who;
    const char *zone; /* NULL: in any */
    char texts[];
};

/* NULL: out of memory. */
static struct lintel_watching *
watching_new(const struct lintel_call *c)
{
    const struct lintel_who who = who_asks(c->x);
    size_t n = strlen(who.identity) + 1, m = strlen(who.authority) + 1;
    size_t z = c->zone != NULL ? strlen(c->zone) + 1 : 0;
    struct lintel_watching *w = lintel_alloc(sizeof *w + n + m + z);
    if (w == NULL)
        return NULL;
    w->who = (struct lintel_who){who.flags, w->texts, w->texts + n};
    memcpy(w->texts, who.identity, n);
    memcpy(w->texts + n, who.authority, m);
    if (z != 0)
        w->zone = memcpy(w->texts + n + m, c->zone, z);
    return w;
}

/* ---- answered later -------------------------------------------------------------------------- */

static struct lintel_open *
at(struct lintel_tree *t, uint32_t index)
{
    return &t->blocks[index / LINTEL_OPEN_BLOCK][index % LINTEL_OPEN_BLOCK];
}

static int
more(struct lintel_tree *t)
{
    struct lintel_open *block = NULL;
    if (t->nblocks < LINTEL_COUNT(t->blocks))
        block = lintel_alloc_array(LINTEL_OPEN_BLOCK, sizeof *block);
    if (block == NULL)
        return -1;
    for (uint32_t i = LINTEL_OPEN_BLOCK; i-- > 0;) {
        block[i].tree = t;
        block[i].index = t->nblocks * LINTEL_OPEN_BLOCK + i;
        block[i].next_free = t->free;
        t->free = block[i].index + 1;
    }
    t->blocks[t->nblocks++] = block;
    return 0;
}

lintel_ticket
lintel_open_ticket(const struct lintel_open *o)
{
    return (lintel_ticket)o->generation << 32 | (o->index + 1);
}

struct lintel_open *
lintel_call_open(struct lintel_call *c)
{
    struct lintel_tree *t = c->tree;
    struct lintel_watching *watching = NULL;
    int observes = c->x->flags & LINTEL_X_OBSERVE &&
                   (c->x->method == LINTEL_GET || c->x->method == LINTEL_FETCH);
    if (c->x->flags & LINTEL_X_AT_ONCE)
        return NULL;
    if ((t->free == 0 && more(t) != 0) || (observes && (watching = watching_new(c)) == NULL)) {
        lintel_call_fail(c, LINTEL_UNAVAILABLE,
                         "the hub has too many open requests; try again later");
        return NULL;
    }
    struct lintel_open *o = at(t, t->free - 1);
    t->free = o->next_free;
    t->nopen++;
    *o = (struct lintel_open){.tree = t,
                              .to = c->to,
                              .index = o->index,
                              .generation = o->generation + 1,
                              .used = 1,
                              .problem = wants_problem(c->x),
                              .format = LINTEL_FORMAT_JSON,
                              .reliable = (c->x->flags & LINTEL_X_RELIABLE) != 0,
                              .point = LINTEL_NO_POINT,
                              .watching = watching};
    c->ticket = lintel_open_ticket(o);
    return o;
}

struct lintel_open *
lintel_open_find(struct lintel_tree *t, lintel_ticket ticket)
{
    uint32_t index = (uint32_t)ticket - 1;
    if ((uint32_t)ticket == 0 || index >= t->nblocks * LINTEL_OPEN_BLOCK)
        return NULL;
    struct lintel_open *o = at(t, index);
    return o->used && o->generation == (uint32_t)(ticket >> 32) ? o : NULL;
}

static void
release(struct lintel_open *o)
{
    LINTEL_ASSERT(o->used);
    o->used = 0;
    o->command = 0;
    o->subscription = NULL;
    lintel_free(o->watching);
    o->watching = NULL;
    o->next_free = o->tree->free;
    o->tree->free = o->index + 1;
    o->tree->nopen--;
}

void
lintel_open_close(struct lintel_open *o)
{
    struct lintel_engine *e = o->tree->source.engine;
    if (o->command != 0)
        lintel_engine_forget(e, o->command);
    if (o->subscription != NULL)
        lintel_unsubscribe(e, o->subscription);
    if (o->work != NULL)
        o->work_free(o->work);
    o->work = NULL;
    o->mount = NULL;
    release(o);
}

void
lintel_open_answer(struct lintel_open *o, const lintel_answer *a)
{
    struct lintel_asker to = o->to;
    int waits = o->does;
    o->does = 0; /* it waits once */
    if (waits && lintel_recorded_hold(o, a) == 0)
        return;
    if (!(a->flags & LINTEL_ANSWER_MORE))
        lintel_open_close(o);
    to.fn(to.ctx, to.cookie, a);
}

uint32_t
lintel_open_lost(const struct lintel_open *o, char reason[LINTEL_LOST])
{
    const struct lintel_watching *w = o->watching;
    char words[160];
    if (w == NULL || can(o->tree, &w->who, w->zone, LINTEL_MAY_READ))
        return 0;
    const char *name = refused_name(o->tree, &w->who);
    refused_what(words, w->zone, LINTEL_MAY_READ);
    (void)lintel_format(reason, LINTEL_LOST, "%.64s %s any more",
                        name != NULL ? name : "who is not known", words);
    return name != NULL ? LINTEL_FORBIDDEN : LINTEL_UNAUTHORIZED;
}

/* ---- queries --------------------------------------------------------------------------------- */

int
lintel_call_conditions(struct lintel_call *c, const struct lintel_data *data,
                       struct lintel_conditions *ret)
{
    char reason[LINTEL_REASON] = "";
    *ret = (struct lintel_conditions){0};
    for (uint32_t i = 0; i < c->x->nquery; i++) {
        if (lintel_conditions_parse(ret, c->x->query[i].p, c->x->query[i].n, reason) < 0) {
            lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s", reason);
            return -1;
        }
    }
    if (ret->given != 0 && lintel_conditions_check(ret, data, reason) != 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s", reason);
        return -1;
    }
    return 0;
}

void
lintel_open_heartbeat(struct lintel_open *o)
{
    struct lintel_conditions *c = &o->conditions;
    const int64_t heartbeat = LINTEL_HEARTBEAT * INT64_C(1000000000);
    if (o->reliable || c->given & ~(uint32_t)(LINTEL_C_PMIN | LINTEL_C_CON) ||
        (c->given & LINTEL_C_PMIN && c->pmin > heartbeat))
        return;
    c->given |= LINTEL_C_PMAX;
    c->pmax = heartbeat;
    o->heartbeat = 1;
}

uint32_t
lintel_observed_age(const struct lintel_open *o, uint32_t max_age)
{
    const struct lintel_conditions *c = &o->conditions;
    if (o->heartbeat)
        return LINTEL_OBSERVED_AGE;
    int64_t most = c->given & LINTEL_C_PMAX ? c->pmax / 1000000000 : UINT32_MAX;
    return max_age < most ? max_age : (uint32_t)most;
}
