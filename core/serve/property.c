/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/property.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/follow.h"
#include "core/serve/measure.h"

static const int32_t formats[] = {LINTEL_FORMAT_JSON, LINTEL_FORMAT_CBOR, LINTEL_FORMAT_SENML_JSON,
                                  LINTEL_FORMAT_SENML_CBOR, LINTEL_FORMAT_TEXT};

struct subject { /* what a request is about */
    struct lintel_tree *tree;
    struct lintel_live_thing *thing;
    const struct lintel_bound *bound;
    const struct lintel_affordance *affordance;
    lintel_point_id point;
};

static const char *
thing_id(const struct subject *s)
{
    return lintel_live_thing_conf(s->thing)->id;
}

static struct subject
subject_of(struct lintel_open *o)
{
    struct lintel_engine *e = o->tree->source.engine;
    const struct lintel_bound *b = lintel_engine_bound(e, o->point);
    return (struct subject){o->tree, lintel_engine_thing_of(e, o->point), b, b->affordance,
                            o->point};
}

static int
is_senml(int32_t format)
{
    return format == LINTEL_FORMAT_SENML_JSON || format == LINTEL_FORMAT_SENML_CBOR;
}

/* ---- representations ------------------------------------------------------------------------- */

static void
write_senml(const struct subject *s, const struct lintel_reading *r, int32_t format,
            struct lintel_buf *b)
{
    struct lintel_senml_writer w;
    struct lintel_senml_fields f;
    lintel_value value;
    struct lintel_buf bn = {0};
    int empty = r->value.type == LINTEL_T_NULL;
    lintel_senml_begin(&w, b, format == LINTEL_FORMAT_SENML_CBOR, !empty);
    if (!empty) {
        lintel_measure(s->tree, s->bound, r, &value, &f);
        lintel_measure_thing(&bn, s->tree, thing_id(s));
        f.bn = (struct lintel_str){bn.p, bn.n};
        b->failed |= bn.failed;
        lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
    lintel_buf_fini(&bn);
}

/* "stale for 12 s, last 21.5 Cel: no answer from unit 3" */
static void
write_trouble(const struct subject *s, const struct lintel_reading *r, struct lintel_buf *b)
{
    const char *unit = s->affordance->data != NULL ? s->affordance->data->unit : NULL;
    if (r->quality == LINTEL_QUALITY_STALE && r->refreshed == 0) {
        lintel_buf_adds(b, "no value has come yet");
    } else if (r->quality == LINTEL_QUALITY_STALE) {
        int64_t age = lintel_loop_now(s->tree->source.loop) - r->refreshed;
        lintel_buf_addf(b, "stale for %lld s", (long long)(age / 1000000000));
    } else {
        lintel_buf_adds(b, lintel_quality_name(r->quality));
    }
    if (r->value.type != LINTEL_T_NULL) {
        struct lintel_buf last = {.limit = 64};
        lintel_format_write(&last, LINTEL_FORMAT_TEXT, &r->value);
        if (!last.failed)
            lintel_buf_addf(b, ", last %s%s%s", lintel_buf_str(&last), unit ? " " : "",
                            unit ? unit : "");
        lintel_buf_fini(&last);
    }
    const char *why = r->detail != NULL && r->detail[0] ? r->detail
                      : r->status != LINTEL_OK          ? lintel_status_words(r->status)
                                                        : NULL;
    if (why != NULL)
        lintel_buf_addf(b, ": %.200s", why);
}

/* The reading in a format, or why there is none: a bare value can't carry its quality. */
static lintel_answer
represent(const struct subject *s, const struct lintel_reading *r, int32_t format,
          struct lintel_buf *b)
{
    uint32_t trouble = 0;
    if (s->affordance->kind == LINTEL_K_PROPERTY && !is_senml(format))
        trouble = r->quality == LINTEL_QUALITY_STALE ? LINTEL_GATEWAY_TIMEOUT
                  : r->quality == LINTEL_QUALITY_BAD ? LINTEL_BAD_GATEWAY
                                                     : 0;
    if (s->affordance->kind == LINTEL_K_PROPERTY && is_senml(format) &&
        r->value.type == LINTEL_T_NULL)
        trouble = LINTEL_BAD_GATEWAY;
    if (trouble != 0) {
        write_trouble(s, r, b);
        return lintel_answer_of(trouble, LINTEL_FORMAT_NONE, 0, b);
    }
    if (is_senml(format))
        write_senml(s, r, format, b);
    else
        lintel_format_write(b, format, &r->value);
    return lintel_answer_content(format, lintel_max_age(s->tree, s->bound, r), b);
}

/* ---- GET, observe ---------------------------------------------------------------------------- */

static void on_change(void *ctx, struct lintel_subscription *subscription, int confirm, int gone);

/* Observes the same property or event of the thing that has replaced its thing. 0: it can't. */
static int
follow(struct lintel_open *o)
{
    struct lintel_engine *e = o->tree->source.engine;
    struct subject was = subject_of(o);
    uint32_t i = (uint32_t)(was.bound - lintel_live_thing_conf(was.thing)->profile->bound);
    lintel_point_id point = lintel_follow_point(e, was.thing, i, NULL);
    const struct lintel_bound *b = lintel_engine_bound(e, point);
    char reason[LINTEL_REASON];
    if (b == NULL || !b->affordance->observable || b->affordance->kind != was.affordance->kind ||
        (o->conditions.given != 0 &&
         lintel_conditions_check(&o->conditions, b->affordance->data, reason) != 0))
        return 0;
    o->point = point;
    o->subscription = lintel_subscribe(e, &point, 1, &o->conditions, on_change, o);
    if (o->subscription == NULL)
        return 0;
    /* What may have changed since it was told last; an event is not told twice. */
    if (b->affordance->kind == LINTEL_K_PROPERTY)
        on_change(o, o->subscription, 0, 0);
    return 1;
}

static void
on_change(void *ctx, struct lintel_subscription *subscription, int confirm, int gone)
{
    struct lintel_open *o = ctx;
    (void)subscription;
    if (gone) {
        o->subscription = NULL;
        if (gone != LINTEL_REPLACED || !follow(o))
            lintel_open_fail(o, LINTEL_NOT_FOUND, "the thing was removed");
        return;
    }
    struct lintel_tree *t = o->tree;
    struct subject s = subject_of(o);
    struct lintel_reading r;
    struct lintel_buf b = lintel_out_take(t);
    lintel_engine_reading(t->source.engine, o->point, &r);
    lintel_answer a = represent(&s, &r, o->format, &b);
    /* An error would end the observation (RFC 7641 section 3.2): silence, and Max-Age runs out. */
    if (a.code == LINTEL_CONTENT) {
        a.flags = LINTEL_ANSWER_MORE | (confirm ? LINTEL_ANSWER_CONFIRM : 0);
        a.max_age = lintel_observed_age(o, a.max_age);
        lintel_open_answer(o, &a);
    }
    lintel_out_put(t, &b);
}

/* The answer of an observation: with the subscription if there is a representation and memory,
 * without it otherwise, which tells the client that it is not on the list. */
static void
answer_observed(struct lintel_open *o, lintel_answer *a)
{
    if (a->code == LINTEL_CONTENT)
        o->subscription =
            lintel_subscribe(o->tree->source.engine, &o->point, 1, &o->conditions, on_change, o);
    if (o->subscription != NULL) {
        a->flags = LINTEL_ANSWER_MORE;
        a->max_age = lintel_observed_age(o, a->max_age);
    }
    lintel_open_answer(o, a);
}

static void
on_read(void *ctx, const struct lintel_outcome *outcome)
{
    struct lintel_open *o = ctx;
    struct lintel_tree *t = o->tree;
    struct lintel_reading r;
    o->command = 0;
    if (outcome->status == LINTEL_E_CANCELLED) { /* the point may be gone */
        lintel_open_fail(o, LINTEL_UNAVAILABLE, "%s",
                         outcome->detail[0] ? outcome->detail
                                            : lintel_status_words(outcome->status));
        return;
    }
    struct subject s = subject_of(o);
    lintel_engine_reading(t->source.engine, o->point, &r);
    if (outcome->status == LINTEL_OK) {
        r.value = outcome->value;
        if (r.quality == LINTEL_QUALITY_INITIAL || r.quality == LINTEL_QUALITY_STALE)
            r.quality = LINTEL_QUALITY_GOOD;
    } else if (!is_senml(o->format) || r.value.type == LINTEL_T_NULL) {
        int waits = outcome->status == LINTEL_E_NOTSUP && s.bound->flags & LINTEL_P_NOTIFY;
        lintel_open_fail(o, waits ? LINTEL_UNAVAILABLE : lintel_code_of_status(outcome->status),
                         "%s",
                         waits                ? "the device has not sent a value yet"
                         : outcome->detail[0] ? outcome->detail
                                              : lintel_status_words(outcome->status));
        return;
    }
    struct lintel_buf b = lintel_out_take(t);
    lintel_answer a = represent(&s, &r, o->format, &b);
    if (o->observe)
        answer_observed(o, &a);
    else
        lintel_open_answer(o, &a);
    lintel_out_put(t, &b);
}

static void
get_observed(struct lintel_call *c, const struct subject *s, const struct lintel_reading *r,
             int32_t format)
{
    struct lintel_conditions conditions;
    if (lintel_call_conditions(c, s->affordance->data, &conditions) != 0)
        return;
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return;
    o->point = s->point;
    o->format = format;
    o->observe = 1;
    o->conditions = conditions;
    if (s->affordance->kind == LINTEL_K_PROPERTY && lintel_is_kept_up(s->bound))
        lintel_open_heartbeat(o);
    if (lintel_must_read(s->bound, r)) {
        lintel_command command = lintel_engine_read(c->tree->source.engine, s->point, on_read, o);
        if (command != 0)
            o->command = command;
        return;
    }
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_answer a = represent(s, r, format, &b);
    answer_observed(o, &a);
    lintel_out_put(c->tree, &b);
}

static void
get_later(struct lintel_call *c, const struct subject *s, int32_t format)
{
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return;
    o->point = s->point;
    o->format = format;
    lintel_command command = lintel_engine_read(c->tree->source.engine, s->point, on_read, o);
    if (command != 0)
        o->command = command;
}

static void
get(struct lintel_call *c, const struct subject *s)
{
    const lintel_exchange *x = c->x;
    int32_t format = lintel_format_choose(x, formats, LINTEL_COUNT(formats));
    if (format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(
            c, LINTEL_NOT_ACCEPTABLE,
            "there are 50 (JSON), 60 (CBOR), 110 (SenML JSON), 112 (SenML CBOR) and 0 (text)");
        return;
    }
    struct lintel_reading r;
    lintel_engine_reading(c->tree->source.engine, s->point, &r);
    if (x->flags & LINTEL_X_OBSERVE && s->affordance->observable) {
        get_observed(c, s, &r, format);
        return;
    }
    if (lintel_must_read(s->bound, &r)) {
        get_later(c, s, format);
        return;
    }
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_answer a = represent(s, &r, format, &b);
    if (a.code == LINTEL_CONTENT && x->netag != 0 && lintel_has_etag(x->etag, x->netag, &a)) {
        a.code = LINTEL_VALID;
        a.format = LINTEL_FORMAT_NONE;
        a.payload = (lintel_span){NULL, 0};
    }
    lintel_call_answer(c, &a);
    lintel_out_put(c->tree, &b);
}

/* ---- PUT, POST ------------------------------------------------------------------------------- */

/* If-Match names representations in any format; an empty one asks that there is a resource at all
 * (RFC 7252 section 5.10.8). */
static int
precondition(struct lintel_call *c, const struct subject *s)
{
    const lintel_exchange *x = c->x;
    int met = x->nif_match == 0;
    for (uint32_t i = 0; i < x->nif_match; i++)
        met |= x->if_match[i].n == 0;
    struct lintel_reading r;
    lintel_engine_reading(c->tree->source.engine, s->point, &r);
    for (uint32_t i = 0; !met && i < LINTEL_COUNT(formats); i++) {
        struct lintel_buf b = lintel_out_take(c->tree);
        lintel_answer a = represent(s, &r, formats[i], &b);
        met = a.code == LINTEL_CONTENT && lintel_has_etag(x->if_match, x->nif_match, &a);
        lintel_out_put(c->tree, &b);
    }
    if (met && !(x->flags & LINTEL_X_IF_NONE_MATCH))
        return 1;
    lintel_call_fail(c, LINTEL_PRECONDITION, met ? "the resource exists" : "the value has changed");
    return 0;
}

/* The one record of a SenML pack, if it is about this property. */
static uint32_t
read_record(const struct lintel_call *c, const struct subject *s, const struct lintel_data *d,
            struct lintel_arena *a, lintel_value *ret, char reason[LINTEL_REASON])
{
    struct lintel_senml_record *record;
    uint32_t n;
    uint32_t code = lintel_senml_read(LINTEL_SENML_PACK, c->x->format == LINTEL_FORMAT_SENML_CBOR,
                                      c->x->payload.p, c->x->payload.n, a, &record, &n, reason);
    if (code != 0)
        return code;
    if (n != 1) {
        snprintf(reason, LINTEL_REASON, "one record is expected, not %u", n);
        return LINTEL_BAD_REQUEST;
    }
    struct lintel_buf name = {0};
    lintel_measure_thing(&name, c->tree, thing_id(s));
    lintel_buf_adds(&name, s->affordance->senml);
    int other = record->name.n != 0 && !lintel_str_eq(record->name, lintel_buf_str(&name));
    if (other)
        snprintf(reason, LINTEL_REASON, "the record is of \"%.*s\", not of \"%s\"",
                 (int)(record->name.n > 60 ? 60 : record->name.n), record->name.p,
                 lintel_buf_str(&name));
    lintel_buf_fini(&name);
    if (other || lintel_measure_read(record, d, a, ret, reason) != 0)
        return LINTEL_BAD_REQUEST;
    return 0;
}

/* The payload as a value of d; answers and returns -1 where it is none. */
static int
read_payload(struct lintel_call *c, const struct subject *s, const struct lintel_data *d,
             struct lintel_arena *a, lintel_value *ret)
{
    char reason[LINTEL_REASON] = "out of memory";
    uint32_t code;
    if (is_senml(c->x->format) && c->x->payload.n <= LINTEL_VALUE_BYTES_MOST)
        code = read_record(c, s, d, a, ret, reason);
    else
        code = lintel_format_read(c->x->format, c->x->payload, d, a, ret, reason);
    if (code == 0 && !lintel_arena_failed(a))
        return 0;
    lintel_call_refused(
        c, s->affordance->kind == LINTEL_K_ACTION ? LINTEL_TRAIL_ACTION : LINTEL_TRAIL_WRITE,
        reason);
    lintel_call_fail(c, lintel_arena_failed(a) ? LINTEL_INTERNAL : code, "%s", reason);
    return -1;
}

static void
on_command(void *ctx, const struct lintel_outcome *outcome)
{
    struct lintel_open *o = ctx;
    struct lintel_tree *t = o->tree;
    o->command = 0;
    uint32_t code = lintel_code_of_outcome(outcome);
    if (code != LINTEL_CHANGED) {
        lintel_open_fail(o, code, "%s",
                         outcome->detail != NULL && outcome->detail[0]
                             ? outcome->detail
                             : lintel_status_words(outcome->status));
        return;
    }
    lintel_answer a = lintel_answer_of(code, LINTEL_FORMAT_NONE, 0, NULL);
    struct lintel_buf b = lintel_out_take(t);
    /* An action's output; what a write read back is seen by GET. */
    if (o->format != LINTEL_FORMAT_NONE && outcome->value.type != LINTEL_T_NULL) {
        lintel_format_write(&b, o->format, &outcome->value);
        a = lintel_answer_of(code, o->format, 0, &b);
    }
    lintel_open_answer(o, &a);
    lintel_out_put(t, &b);
}

/* Hands a command to the engine; what has no payload has a NULL value. */
static void
command(struct lintel_call *c, const struct subject *s, const lintel_value *v, int32_t format)
{
    struct lintel_engine *e = c->tree->source.engine;
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return;
    o->point = s->point;
    o->format = format;
    lintel_command handle =
        s->affordance->kind == LINTEL_K_ACTION
            ? lintel_engine_invoke(e, s->point, v, lintel_call_by(c), on_command, o)
            : lintel_engine_write(e, s->point, v, lintel_call_by(c), on_command, o);
    if (handle == 0)
        return; /* refused: no device sees it */
    o->command = handle;
    o->does = 1;
}

static void
put(struct lintel_call *c, const struct subject *s)
{
    if (!s->affordance->writable) {
        lintel_call_refused(c, LINTEL_TRAIL_WRITE, "read-only");
        lintel_call_fail(c, LINTEL_NOT_ALLOWED, "%s is read-only", s->affordance->name);
        return;
    }
    if (s->bound->write.addr == NULL) {
        lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED,
                         "the binding \"%s\" does not say how to write %s",
                         lintel_live_thing_conf(s->thing)->profile->id, s->affordance->name);
        return;
    }
    if (!precondition(c, s))
        return;
    struct lintel_arena *a = lintel_arena_new();
    lintel_value v;
    if (a == NULL)
        lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
    else if (read_payload(c, s, s->affordance->data, a, &v) == 0)
        command(c, s, &v, LINTEL_FORMAT_NONE);
    lintel_arena_free(a);
}

static void
post(struct lintel_call *c, const struct subject *s)
{
    static const int32_t outputs[] = {LINTEL_FORMAT_JSON, LINTEL_FORMAT_CBOR, LINTEL_FORMAT_TEXT};
    const struct lintel_data *input = s->affordance->input;
    int32_t format = lintel_format_choose(c->x, outputs, LINTEL_COUNT(outputs));
    if (format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE, "there are 50 (JSON), 60 (CBOR) and 0 (text)");
        return;
    }
    if (input == NULL && c->x->payload.n != 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s takes no input; send an empty payload",
                         s->affordance->name);
        return;
    }
    if (c->x->payload.n == 0) {
        if (input == NULL || input->kind == LINTEL_DATA_ANY ||
            input->flags & LINTEL_DATA_NULLABLE) {
            command(c, s, NULL, format);
        } else {
            char want[80];
            lintel_data_describe(input, want, sizeof want);
            lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s needs input: %s", s->affordance->name,
                             want);
        }
        return;
    }
    struct lintel_arena *a = lintel_arena_new();
    lintel_value v;
    if (a == NULL)
        lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
    else if (read_payload(c, s, input, a, &v) == 0)
        command(c, s, &v, format);
    lintel_arena_free(a);
}

/* ---- what it is ------------------------------------------------------------------------------ */

static void
serve_property(struct lintel_call *c, const struct subject *s)
{
    const char *name = s->affordance->name;
    if (c->x->method == LINTEL_PUT) {
        put(c, s);
    } else if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, name, s->affordance->writable ? "GET or PUT" : "GET");
    } else if (!s->affordance->readable) {
        lintel_call_fail(c, LINTEL_NOT_ALLOWED, "%s is write-only", name);
    } else if (s->bound->read.addr == NULL) {
        lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED,
                         "the binding \"%s\" does not say how to read %s",
                         lintel_live_thing_conf(s->thing)->profile->id, name);
    } else {
        get(c, s);
    }
}

void
lintel_serve_affordance(struct lintel_call *c, struct lintel_live_thing *thing, uint32_t i)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(thing)->profile;
    const struct lintel_bound *b = &profile->bound[i];
    struct subject s = {c->tree, thing, b, b->affordance, lintel_live_thing_point(thing, i)};
    char what[160];
    if (!b->mapped) {
        lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED, "the binding \"%s\" does not map %s",
                         profile->id, s.affordance->name);
        return;
    }
    switch (s.affordance->kind) {
    case LINTEL_K_PROPERTY: serve_property(c, &s); break;
    case LINTEL_K_ACTION:
        snprintf(what, sizeof what, "%.120s is an action", s.affordance->name);
        if (c->x->method == LINTEL_POST)
            post(c, &s);
        else
            lintel_call_method(c, what, "POST");
        break;
    default:
        snprintf(what, sizeof what, "%.120s is an event", s.affordance->name);
        if (c->x->method == LINTEL_GET)
            get(c, &s);
        else
            lintel_call_method(c, what, "GET");
        break;
    }
}
