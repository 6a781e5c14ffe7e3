/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/pack.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/serve/measure.h"

static const int32_t formats[] = {LINTEL_FORMAT_SENML_JSON, LINTEL_FORMAT_SENML_CBOR};

static int
is_in_pack(const struct lintel_bound *b)
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

/* Points that never had a value are left out: a record without value is no SenML (RFC 8428
 * section 4.2). */
static int
read_point(const struct lintel_tree *t, struct lintel_live_thing *thing, uint32_t i,
           lintel_value *value, struct lintel_reading *r, struct lintel_senml_fields *f)
{
    const struct lintel_bound *b = &lintel_live_thing_conf(thing)->profile->bound[i];
    if (!is_in_pack(b))
        return 0;
    lintel_engine_reading(t->source.engine, lintel_live_thing_point(thing, i), r);
    if (r->value.type == LINTEL_T_NULL)
        return 0;
    lintel_measure(t, b, r, value, f);
    return 1;
}

static struct summary
summarize(const struct lintel_tree *t, struct lintel_live_thing *thing)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(thing)->profile;
    struct summary sum = {0, "", 0, UINT32_MAX};
    for (uint32_t i = 0; i < profile->n; i++) {
        struct lintel_reading r;
        struct lintel_senml_fields f;
        lintel_value value;
        if (!read_point(t, thing, i, &value, &r, &f))
            continue;
        uint32_t age = lintel_max_age(t, &profile->bound[i], &r);
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
write_pack(const struct lintel_tree *t, struct lintel_live_thing *thing, int32_t format,
           const struct summary *sum, struct lintel_buf *b)
{
    const struct lintel_thing *conf = lintel_live_thing_conf(thing);
    struct lintel_senml_writer w;
    struct lintel_buf bn = {0};
    lintel_measure_thing(&bn, t, conf->id);
    lintel_senml_begin(&w, b, format == LINTEL_FORMAT_SENML_CBOR, sum->records);
    for (uint32_t i = 0, written = 0; i < conf->profile->n && written < sum->records; i++) {
        struct lintel_reading r;
        struct lintel_senml_fields f;
        lintel_value value;
        if (!read_point(t, thing, i, &value, &r, &f))
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

static lintel_answer
represent(const struct lintel_tree *t, struct lintel_live_thing *thing, int32_t format,
          struct lintel_buf *b)
{
    struct summary sum = summarize(t, thing);
    write_pack(t, thing, format, &sum, b);
    return lintel_answer_content(format, sum.max_age, b);
}

static void
on_change(void *ctx, struct lintel_subscription *subscription, int confirm, int gone)
{
    struct lintel_open *o = ctx;
    struct lintel_tree *t = o->tree;
    (void)subscription;
    if (gone) {
        o->subscription = NULL;
        lintel_open_fail(o, LINTEL_NOT_FOUND, "the thing was removed");
        return;
    }
    struct lintel_buf b = lintel_out_take(t);
    lintel_answer a = represent(t, o->thing, o->format, &b);
    if (a.code == LINTEL_CONTENT) {
        a.flags = LINTEL_ANSWER_MORE | (confirm ? LINTEL_ANSWER_CONFIRM : 0);
        lintel_open_answer(o, &a);
    }
    lintel_out_put(t, &b);
}

static struct lintel_subscription *
subscribe(struct lintel_open *o)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(o->thing)->profile;
    lintel_point_id *points = lintel_alloc_array(profile->n, sizeof *points);
    struct lintel_subscription *ret = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; points != NULL && i < profile->n; i++)
        if (is_in_pack(&profile->bound[i]))
            points[n++] = lintel_live_thing_point(o->thing, i);
    if (n != 0)
        ret = lintel_subscribe(o->tree->source.engine, points, n, &o->conditions, on_change, o);
    lintel_free(points);
    return ret;
}

static void
observe(struct lintel_call *c, struct lintel_live_thing *thing, int32_t format)
{
    struct lintel_conditions conditions;
    if (lintel_call_conditions(c, NULL, &conditions) != 0)
        return;
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return;
    o->thing = thing;
    o->format = format;
    o->conditions = conditions;
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_answer a = represent(c->tree, thing, format, &b);
    if (a.code == LINTEL_CONTENT && (o->subscription = subscribe(o)) != NULL)
        a.flags = LINTEL_ANSWER_MORE;
    lintel_open_answer(o, &a);
    lintel_out_put(c->tree, &b);
}

void
lintel_serve_pack(struct lintel_call *c, struct lintel_live_thing *thing)
{
    int32_t format = lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, "the pack of a thing", "GET");
    } else if (format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE,
                         "a pack is 110 (SenML JSON) or 112 (SenML CBOR)");
    } else if (c->x->flags & LINTEL_X_OBSERVE) {
        observe(c, thing, format);
    } else {
        struct lintel_buf b = lintel_out_take(c->tree);
        lintel_answer a = represent(c->tree, thing, format, &b);
        if (a.code == LINTEL_CONTENT && lintel_has_etag(c->x->etag, c->x->netag, &a)) {
            a.code = LINTEL_VALID;
            a.format = LINTEL_FORMAT_NONE;
            a.payload = (lintel_span){NULL, 0};
        }
        lintel_call_answer(c, &a);
        lintel_out_put(c->tree, &b);
    }
}
