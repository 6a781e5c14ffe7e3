/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/selection.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/follow.h"
#include "core/serve/measure.h"

int
lintel_pack_has(const struct lintel_bound *b)
{
    return b->mapped && b->affordance->kind == LINTEL_K_PROPERTY && b->affordance->readable &&
           b->read.addr != NULL;
}

struct summary { /* of what the pack will hold */
    uint32_t records;
    const char *unit; /* of all records; NULL: they differ */
    lintel_wall newest;
    uint32_t max_age;
};

/* A pack on its way: what of which thing. */
struct pack {
    const struct lintel_tree *tree;
    struct lintel_live_thing *thing;
    const struct lintel_profile *profile;
    const struct lintel_selection *selection; /* NULL: all */
    uint32_t n;                               /* of the selection, or of the thing */
};

static uint32_t
place(const struct pack *p, uint32_t k)
{
    return p->selection != NULL ? p->selection->at[k].i : k;
}

/* Equal to the microsecond, which is what is written. */
static int
is_selected(const struct lintel_selected *s, const struct lintel_senml_fields *f,
            const struct lintel_reading *r)
{
    if (s->has_time && !(r->source != 0 && fabs(s->time - (double)r->source / 1e9) < 1e-6))
        return 0;
    return s->unit[0] == '\0' || lintel_str_eq(f->u, s->unit);
}

/* Points that never had a value are left out: a record without value is no SenML (RFC 8428
 * section 4.2). */
static int
read_point(const struct pack *p, uint32_t k, lintel_value *value, struct lintel_reading *r,
           struct lintel_senml_fields *f)
{
    const struct lintel_bound *b = &p->profile->bound[place(p, k)];
    if (!lintel_pack_has(b))
        return 0;
    lintel_engine_reading(p->tree->source.engine, lintel_live_thing_point(p->thing, place(p, k)),
                          r);
    if (r->value.type == LINTEL_T_NULL ||
        (r->value.type == LINTEL_T_REAL && !isfinite(r->value.as.r)))
        return 0;
    const struct lintel_selected *s = p->selection != NULL ? &p->selection->at[k] : NULL;
    if (s != NULL && s->unread && r->quality == LINTEL_QUALITY_GOOD)
        r->quality = LINTEL_QUALITY_STALE;
    lintel_measure(p->tree, b, r, value, f);
    if (s == NULL)
        return 1;
    f->error = s->error;
    return is_selected(s, f, r);
}

static struct summary
summarize(const struct pack *p)
{
    struct summary sum = {0, "", 0, UINT32_MAX};
    for (uint32_t k = 0; k < p->n; k++) {
        struct lintel_reading r;
        struct lintel_senml_fields f;
        lintel_value value;
        if (!read_point(p, k, &value, &r, &f))
            continue;
        uint32_t age = lintel_max_age(p->tree, &p->profile->bound[place(p, k)], &r);
        if (age < sum.max_age)
            sum.max_age = age;
        if (sum.records++ == 0)
            sum.unit = f.u.p;
        else if (sum.unit != NULL && (f.u.p == NULL || strcmp(sum.unit, f.u.p) != 0))
            sum.unit = NULL;
        /* Only absolute times: a relative one must not become the base of others. */
        if (f.has_t && r.source == f.t && f.t > sum.newest)
            sum.newest = f.t;
    }
    if (sum.records == 0)
        sum.max_age = 0;
    return sum;
}

static void
write_pack(const struct pack *p, int32_t format, const struct summary *sum, struct lintel_buf *b)
{
    struct lintel_senml_writer w;
    struct lintel_buf bn = {0};
    lintel_measure_thing(&bn, p->tree, lintel_live_thing_conf(p->thing)->id);
    lintel_senml_begin(&w, b, format == LINTEL_FORMAT_SENML_CBOR, sum->records);
    for (uint32_t k = 0, written = 0; k < p->n && written < sum->records; k++) {
        struct lintel_reading r;
        struct lintel_senml_fields f;
        lintel_value value;
        if (!read_point(p, k, &value, &r, &f))
            continue;
        if (sum->unit != NULL)
            f.u = (struct lintel_str){NULL, 0};
        if (written++ == 0) {
            f.bn = (struct lintel_str){bn.p, bn.n};
            f.bu = sum->unit != NULL ? lintel_str(sum->unit) : (struct lintel_str){NULL, 0};
            f.has_bt = sum->newest != 0;
            f.bt = sum->newest;
        }
        if (sum->newest != 0 && f.has_t) {
            f.t -= sum->newest;
            f.has_t = f.t != 0;
        }
        lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
    b->failed |= bn.failed;
    lintel_buf_fini(&bn);
}

lintel_answer
lintel_pack_represent(const struct lintel_tree *t, struct lintel_live_thing *thing,
                      const struct lintel_selection *s, int32_t format, struct lintel_buf *b,
                      uint32_t *ret_n)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(thing)->profile;
    struct pack p = {t, thing, profile, s, s != NULL ? s->n : profile->n};
    struct summary sum = summarize(&p);
    if (ret_n != NULL)
        *ret_n = sum.records;
    write_pack(&p, format, &sum, b);
    return lintel_answer_content(format, sum.max_age, b);
}

void
lintel_pack_answer(struct lintel_call *c, lintel_answer *a)
{
    if (a->code == LINTEL_CONTENT && lintel_has_etag(c->x->etag, c->x->netag, a)) {
        a->code = LINTEL_VALID;
        a->format = LINTEL_FORMAT_NONE;
        a->payload = (lintel_span){NULL, 0};
    }
    lintel_call_answer(c, a);
}

/* ---- observing ------------------------------------------------------------------------------- */

static int follow(struct lintel_open *o);

static void
on_change(void *ctx, struct lintel_subscription *subscription, int confirm, int gone)
{
    struct lintel_open *o = ctx;
    struct lintel_tree *t = o->tree;
    (void)subscription;
    if (gone) {
        o->subscription = NULL;
        if (gone != LINTEL_REPLACED || !follow(o))
            lintel_open_fail(o, LINTEL_NOT_FOUND, "the thing was removed");
        return;
    }
    struct lintel_buf b = lintel_out_take(t);
    lintel_answer a = lintel_pack_represent(t, o->thing, o->selection, o->format, &b, NULL);
    if (a.code == LINTEL_CONTENT) {
        a.flags = LINTEL_ANSWER_MORE | (confirm ? LINTEL_ANSWER_CONFIRM : 0);
        a.max_age = lintel_observed_age(o, a.max_age);
        lintel_open_answer(o, &a);
    }
    lintel_out_put(t, &b);
}

static struct lintel_subscription *
subscribe(struct lintel_open *o)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(o->thing)->profile;
    uint32_t most = o->selection != NULL ? o->selection->n : profile->n, n = 0;
    lintel_point_id *points = lintel_alloc_array(most, sizeof *points);
    struct lintel_subscription *ret = NULL;
    int kept_up = 1;
    for (uint32_t k = 0; points != NULL && k < most; k++) {
        uint32_t i = o->selection != NULL ? o->selection->at[k].i : k;
        if (!lintel_pack_has(&profile->bound[i]))
            continue;
        points[n++] = lintel_live_thing_point(o->thing, i);
        kept_up &= lintel_is_kept_up(&profile->bound[i]);
    }
    if (n != 0 && kept_up)
        lintel_open_heartbeat(o);
    if (n != 0)
        ret = lintel_subscribe(o->tree->source.engine, points, n, &o->conditions, on_change, o);
    lintel_free(points);
    return ret;
}

/* The pack of the thing that has replaced o->thing, of what is left of the selection. 0: nothing
 * is. */
static int
follow(struct lintel_open *o)
{
    struct lintel_engine *e = o->tree->source.engine;
    struct lintel_selection *s = o->selection;
    uint32_t n = 0;
    for (uint32_t k = 0; s != NULL && k < s->n; k++) {
        struct lintel_selected one = s->at[k];
        if (lintel_follow_point(e, o->thing, one.i, &one.i) != LINTEL_NO_POINT)
            s->at[n++] = one;
    }
    if (s != NULL)
        s->n = n;
    o->thing = lintel_follow(e, o->thing);
    if (o->thing == NULL || (o->subscription = subscribe(o)) == NULL)
        return 0;
    on_change(o, o->subscription, 0, 0); /* what may have changed since it was told last */
    return 1;
}

void
lintel_pack_observe(struct lintel_open *o, lintel_answer *a)
{
    if (a->code == LINTEL_CONTENT && (o->subscription = subscribe(o)) != NULL) {
        a->flags = LINTEL_ANSWER_MORE;
        a->max_age = lintel_observed_age(o, a->max_age);
    }
    lintel_open_answer(o, a);
}
