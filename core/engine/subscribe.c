/* SPDX-License-Identifier: Apache-2.0
 * Subscriptions. A change of a point only marks those who watch it (watch.c); they are judged at
 * the end of the turn, so that many changes of one pack become one call. */
#include "core/engine/subscribe.h"

#include <math.h>

#include "core/engine/pace.h"
#include "core/engine/subscribe_priv.h"
#include "core/engine/values.h"
#include "core/engine/watch.h"

enum { VALUE_CONDITIONS = LINTEL_C_GT | LINTEL_C_LT | LINTEL_C_ST | LINTEL_C_BAND | LINTEL_C_EDGE };

struct lintel_subscription {
    struct watcher told; /* what its points have told it since the last report */
    struct lintel_engine *engine;
    struct lintel_bus *bus; /* of its points */
    struct lintel_conditions c;
    lintel_subscription_fn *fn;
    void *ctx;
    struct lintel_timer timer;
    lintel_mono reported, evaluated;
    int64_t sample_ns;       /* a round of looking at the source each .. ; 0: no rounds */
    lintel_mono sampled;     /* when the last round began */
    uint32_t cursor;         /* of the round: the next point; n: it is over */
    lintel_mono slot, asked; /* when the next read may begin (0: not known), the last one began */
    lintel_command reading;  /* 0: none is under way */
    int looked;              /* a round is over: conditions are due, also if nothing changed */
    double last;             /* the number or boolean reported last, and its quality */
    int has_last;
    enum lintel_quality last_quality;
    uint32_t n;
    struct watch watches[];
};

/* ---- judging --------------------------------------------------------------------------------- */

static void
value_now(const struct lintel_subscription *s, lintel_value *ret)
{
    struct lintel_reading r;
    lintel_engine_reading(s->engine, s->watches[0].point, &r);
    *ret = r.value;
}

static int
scalar(const lintel_value *v, double *ret)
{
    if (v->type != LINTEL_T_BOOL)
        return lintel_value_number(v, ret);
    *ret = v->as.i != 0;
    return 1;
}

static void
remember(struct lintel_subscription *s)
{
    struct lintel_reading r;
    lintel_engine_reading(s->engine, s->watches[0].point, &r);
    s->has_last = scalar(&r.value, &s->last);
    s->last_quality = r.quality;
}

/* A state that came back while c.pmin or c.epmin held it is no news. Events always are. */
static int
is_as_reported(const struct lintel_subscription *s)
{
    const struct lintel_bound *b = lintel_engine_bound(s->engine, s->watches[0].point);
    struct lintel_reading r;
    double v;
    lintel_engine_reading(s->engine, s->watches[0].point, &r);
    return b != NULL && b->affordance->kind == LINTEL_K_PROPERTY && s->has_last &&
           scalar(&r.value, &v) && v == s->last && r.quality == s->last_quality;
}

static int
in_band(const struct lintel_conditions *c, double v)
{
    if (!(c->given & LINTEL_C_GT))
        return v >= c->lt;
    if (!(c->given & LINTEL_C_LT))
        return v <= c->gt;
    return c->gt < c->lt ? c->gt <= v && v <= c->lt : v < c->lt || v > c->gt;
}

/* As the code of section 3.3 of the draft has it: crossings and steps are relative to what was
 * reported last; with a band, steps count inside of it. */
static int
number_wanted(const struct lintel_subscription *s, double v)
{
    const struct lintel_conditions *c = &s->c;
    if (!s->has_last)
        return 1; /* the first value at all */
    int step = c->given & LINTEL_C_ST && fabs(v - s->last) >= c->st;
    if (c->given & LINTEL_C_BAND)
        return in_band(c, v) && (step || !(c->given & LINTEL_C_ST));
    return step || (c->given & LINTEL_C_GT && (v > c->gt) != (s->last > c->gt)) ||
           (c->given & LINTEL_C_LT && (v < c->lt) != (s->last < c->lt));
}

static int
wanted(const struct lintel_subscription *s)
{
    lintel_value v;
    double number;
    if (s->n > 1 || !(s->c.given & VALUE_CONDITIONS))
        return s->told.changed && (s->n > 1 || !is_as_reported(s));
    if (!s->told.changed && !s->looked)
        return 0;
    value_now(s, &v);
    if (s->c.given & LINTEL_C_EDGE && s->told.edge && v.type == LINTEL_T_BOOL &&
        (v.as.i != 0) == s->c.edge)
        return 1;
    return lintel_value_number(&v, &number) && number_wanted(s, number);
}

static void timer_ran(void *subscription);

/* What has to be looked at next, and when. */
static void
arm(struct lintel_subscription *s)
{
    lintel_mono at = NEVER;
    if (s->c.given & LINTEL_C_PMAX)
        at = s->reported + s->c.pmax;
    if (s->sample_ns != 0 && s->reading == 0) {
        lintel_mono look = s->cursor < s->n ? s->slot : s->sampled + s->sample_ns;
        if (look < at)
            at = look;
    }
    if (s->told.changed || s->looked) {
        lintel_mono low = s->reported + (s->c.given & LINTEL_C_PMIN ? s->c.pmin : 0);
        if (s->c.given & LINTEL_C_EPMIN && s->evaluated + s->c.epmin > low)
            low = s->evaluated + s->c.epmin;
        if (low < at)
            at = low;
    }
    /* Always armed, so that moving it never needs memory. */
    (void)lintel_timer_at(s->engine->loop, &s->timer, at, timer_ran, s);
}

/* Last act of every path: the callee may end the subscription. */
static void
report(struct lintel_subscription *s, lintel_mono now)
{
    remember(s);
    s->reported = now;
    s->told.changed = s->told.edge = 0;
    arm(s);
    s->fn(s->ctx, s, s->c.given & LINTEL_C_CON && s->c.con, 0);
}

static void
evaluate(struct lintel_subscription *s, lintel_mono now)
{
    if (s->c.given & LINTEL_C_EPMIN && now < s->evaluated + s->c.epmin) {
        arm(s);
        return;
    }
    s->evaluated = now;
    if (s->c.given & LINTEL_C_EPMAX && s->n == 1 && s->cursor == 1)
        s->sampled = now;
    s->told.changed = wanted(s);
    s->looked = 0;
    if (s->told.changed && (!(s->c.given & LINTEL_C_PMIN) || now >= s->reported + s->c.pmin))
        report(s, now);
    else
        arm(s);
}

/* ---- values that do not come by themselves --------------------------------------------------- */

static int
on_demand(const struct lintel_bound *b)
{
    return b != NULL && b->mapped && b->affordance->kind != LINTEL_K_ACTION &&
           b->flags & LINTEL_P_READ && !(b->flags & LINTEL_P_NOTIFY) && b->poll_ns == 0;
}

/* Whether the device is asked for a point in this round: polls do not do it often enough, and
 * nobody else has just done it. */
static int
must_ask(const struct lintel_subscription *s, uint32_t i, lintel_mono now)
{
    const struct lintel_bound *b = lintel_engine_bound(s->engine, s->watches[i].point);
    int seldom = b != NULL && b->mapped && b->affordance->kind == LINTEL_K_PROPERTY &&
                 b->flags & LINTEL_P_READ && s->c.given & LINTEL_C_EPMAX &&
                 b->poll_ns > s->sample_ns;
    if (!seldom && !on_demand(b))
        return 0;
    struct lintel_reading r;
    int64_t fresh = s->sample_ns / 2 > SAMPLE_LEAST_NS ? s->sample_ns / 2 : SAMPLE_LEAST_NS;
    lintel_engine_reading(s->engine, s->watches[i].point, &r);
    return r.quality == LINTEL_QUALITY_INITIAL || now - r.refreshed >= fresh;
}

/* When a read for this watcher may begin. Slots lie so far apart that such reads leave the bus time
 * for polls; whoever wants too much waits longer. */
static lintel_mono
reserve(const struct lintel_subscription *s, lintel_mono now)
{
    struct lintel_bus *bus = s->bus;
    int64_t gap = SAMPLE_SHARE * bus->sample_cost;
    lintel_mono slot = bus->sample_free > now ? bus->sample_free : now;
    if (gap < SAMPLE_GAP_NS)
        gap = SAMPLE_GAP_NS;
    bus->sample_free = slot + (gap < SECOND ? gap : SECOND);
    return slot;
}

static void
was_read(void *ctx, const struct lintel_outcome *o)
{
    struct lintel_subscription *s = ctx;
    int64_t took = lintel_loop_now(s->engine->loop) - s->asked;
    s->bus->sample_cost += (took - s->bus->sample_cost) / 4;
    s->reading = 0;
    s->looked |= o->status == LINTEL_OK && s->n == 1;
    link_take(&s->told.due);
    link_append(&s->engine->due, &s->told.due);
    engine_end_turn(s->engine);
}

/* Goes on with the round: one read at a time. A single point is judged when its answer is there. */
static void
look(struct lintel_subscription *s, lintel_mono now)
{
    while (s->cursor < s->n && s->reading == 0) {
        if (!must_ask(s, s->cursor, now)) {
            s->slot = 0;
            s->looked |= s->n == 1;
            s->cursor++;
            continue;
        }
        if (s->slot == 0)
            s->slot = reserve(s, now);
        if (s->slot > now)
            return;
        lintel_point_id point = s->watches[s->cursor++].point;
        s->slot = 0;
        s->asked = now;
        s->reading = 1; /* was_read() may run before the handle is known */
        lintel_command reading = lintel_engine_read(s->engine, point, was_read, s);
        if (s->reading != 0)
            s->reading = reading;
    }
}

static void
timer_ran(void *subscription)
{
    struct lintel_subscription *s = subscription;
    lintel_mono now = lintel_loop_now(s->engine->loop);
    if (s->c.given & LINTEL_C_PMAX && now >= s->reported + s->c.pmax) {
        report(s, now);
        return;
    }
    if (s->sample_ns != 0 && s->reading == 0 && s->cursor == s->n &&
        now >= s->sampled + s->sample_ns) {
        s->sampled = now;
        s->cursor = 0;
    }
    look(s, now);
    evaluate(s, now);
}

/* ---- interface ------------------------------------------------------------------------------- */

void
subscriptions_turn(struct lintel_engine *e)
{
    struct link now_due; /* what the callees cause is for the next turn */
    if (link_alone(&e->due))
        return;
    now_due = e->due;
    now_due.prev->next = now_due.next->prev = &now_due;
    link_init(&e->due);
    lintel_mono now = lintel_loop_now(e->loop);
    while (!link_alone(&now_due)) {
        struct lintel_subscription *s = OWNER(now_due.next, struct lintel_subscription, told.due);
        link_take(&s->told.due);
        evaluate(s, now);
    }
}

struct lintel_subscription *
lintel_subscribe(struct lintel_engine *e, const lintel_point_id *points, uint32_t n,
                 const struct lintel_conditions *c, lintel_subscription_fn *fn, void *ctx)
{
    struct lintel_subscription *s = lintel_alloc(sizeof *s + n * sizeof s->watches[0]);
    if (s == NULL)
        return NULL;
    s->engine = e;
    if (c != NULL)
        s->c = *c;
    s->told.edge_to = s->c.given & LINTEL_C_EDGE ? s->c.edge : -1;
    s->fn = fn;
    s->ctx = ctx;
    s->n = s->cursor = n;
    link_init(&s->told.due);
    lintel_mono now = lintel_loop_now(e->loop);
    s->reported = s->evaluated = s->sampled = now;
    for (uint32_t i = 0; i < n; i++) {
        s->watches[i] = (struct watch){.watcher = &s->told, .point = points[i]};
        link_init(&s->watches[i].ring);
    }
    e->nsubscriptions++;
    int rc = n > 0 ? 0 : -1;
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = watch_start(e, &s->watches[i]);
    if (rc != 0 || lintel_timer_at(e->loop, &s->timer, NEVER, timer_ran, s) != 0) {
        lintel_unsubscribe(e, s);
        return NULL;
    }
    s->bus = lintel_live_thing_bus(lintel_engine_thing_of(e, points[0]));
    int unread = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct lintel_reading r;
        if (!on_demand(lintel_engine_bound(e, points[i])))
            continue;
        lintel_engine_reading(e, points[i], &r);
        unread |= r.quality == LINTEL_QUALITY_INITIAL;
        s->sample_ns = SAMPLE_NS;
    }
    if (s->c.given & LINTEL_C_EPMAX)
        s->sample_ns = s->c.epmax;
    else if (s->sample_ns != 0 && s->c.given & LINTEL_C_EPMIN && s->c.epmin > SAMPLE_NS)
        s->sample_ns = s->c.epmin; /* what is not looked at need not be read */
    if (unread)
        s->sampled = now - s->sample_ns;
    lintel_value v;
    value_now(s, &v);
    remember(s);
    s->told.boolean = v.type == LINTEL_T_BOOL ? v.as.i != 0 : -1;
    arm(s);
    return s;
}

static void
detach(struct lintel_subscription *s)
{
    struct lintel_engine *e = s->engine;
    if (s->reading != 0)
        lintel_engine_forget(e, s->reading);
    for (uint32_t i = 0; i < s->n; i++)
        watch_end(e, &s->watches[i]);
    link_take(&s->told.due);
    lintel_timer_stop(e->loop, &s->timer);
    e->nsubscriptions--;
}

void
lintel_unsubscribe(struct lintel_engine *e, struct lintel_subscription *s)
{
    (void)e;
    if (s == NULL)
        return;
    detach(s);
    lintel_free(s);
}

void
subscriptions_gone(struct lintel_live_thing *t, int how)
{
    struct lintel_engine *e = t->bus->engine;
    for (uint32_t i = 0; i < t->n; i++) {
        struct link *ring;
        while ((ring = id_map_get(&e->watchers, t->first + i)) != NULL) {
            struct watcher *w = OWNER(ring->next, struct watch, ring)->watcher;
            struct lintel_subscription *s = OWNER(w, struct lintel_subscription, told);
            detach(s);
            s->fn(s->ctx, s, 0, how);
            lintel_free(s);
        }
    }
}

uint32_t
lintel_subscriptions(const struct lintel_engine *e)
{
    return e->nsubscriptions;
}
