/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/fetch.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/serve/etch.h"
#include "core/serve/measure.h"
#include "core/serve/selection.h"

#define READING_NS (INT64_C(10) * 1000000000) /* no further read is begun after that time */
enum { READS_MOST = 8 };                      /* under way for one request */

struct fetch;
struct read { /* of one property from its device */
    struct fetch *fetch;
    uint32_t k; /* of the selection */
    int used;
    lintel_command command; /* 0: not known yet */
};
struct fetch {
    struct lintel_arena *arena; /* all of it */
    struct lintel_open *open;
    struct lintel_live_thing *thing;
    struct lintel_selection selection;
    struct read reads[READS_MOST];
    uint32_t next, under_way; /* next: of the selection, to be looked at */
    lintel_mono until;
    int observe, pumping, cancelled;
    uint32_t code; /* the worst of what failed; 0: nothing */
    char why[LINTEL_REASON];
};

/* ---- what is selected ------------------------------------------------------------------------ */

static double
absolute(const struct lintel_tree *t, double time)
{
    return time >= LINTEL_SENML_ABSOLUTE ? time
                                         : time + (double)lintel_loop_wall(t->source.loop) / 1e9;
}

/* Each record comes once, where it was asked for first. */
static void
add(struct lintel_selection *s, struct lintel_selected one)
{
    for (uint32_t k = 0; k < s->n; k++) {
        struct lintel_selected *had = &s->at[k];
        if (had->i != one.i || strcmp(had->unit, one.unit) != 0)
            continue;
        if (!had->has_time || (one.has_time && one.time == had->time))
            return;
        if (!one.has_time) {
            had->has_time = 0;
            return;
        }
    }
    s->at[s->n++] = one;
}

static int
select_records(struct lintel_call *c, struct fetch *f)
{
    const struct lintel_thing *conf = lintel_live_thing_conf(f->thing);
    struct lintel_senml_record *records;
    uint32_t n;
    if (lintel_etch_read(c, LINTEL_SENML_FETCH, f->arena, &records, &n) != 0)
        return -1;
    f->selection.at = lintel_arena_alloc(f->arena, n * sizeof *f->selection.at);
    for (uint32_t k = 0; f->selection.at != NULL && k < n; k++) {
        const struct lintel_senml_record *r = &records[k];
        struct lintel_selected one = {.i = lintel_etch_find(c->tree, conf, r->name),
                                      .has_time = r->has_time,
                                      .time = r->has_time ? absolute(c->tree, r->time) : 0,
                                      .unit = lintel_arena_strndup(f->arena, r->unit.p, r->unit.n)};
        if (one.i != UINT32_MAX && one.unit != NULL &&
            lintel_pack_has(&conf->profile->bound[one.i]))
            add(&f->selection, one);
    }
    if (!lintel_arena_failed(f->arena))
        return 0;
    lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
    return -1;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
free_fetch(void *work)
{
    struct fetch *f = work;
    for (uint32_t k = 0; k < READS_MOST; k++)
        if (f->reads[k].used && f->reads[k].command != 0)
            lintel_engine_forget(f->open->tree->source.engine, f->reads[k].command);
    lintel_arena_free(f->arena);
}

static int
must_ask(const struct fetch *f, uint32_t k)
{
    struct lintel_engine *e = f->open->tree->source.engine;
    uint32_t i = f->selection.at[k].i;
    struct lintel_reading r;
    for (uint32_t before = 0; before < k; before++)
        if (f->selection.at[before].i == i)
            return 0; /* another time or unit of a property that is read already */
    lintel_engine_reading(e, lintel_live_thing_point(f->thing, i), &r);
    return lintel_must_read(&lintel_live_thing_conf(f->thing)->profile->bound[i], &r);
}

/* Last act of every path: the fetch may be gone after it. */
static void
finish(struct fetch *f)
{
    struct lintel_open *o = f->open;
    struct lintel_tree *t = o->tree;
    uint32_t n;
    struct lintel_buf b = lintel_out_take(t);
    lintel_answer a = lintel_pack_represent(t, f->thing, &f->selection, o->format, &b, &n);
    for (uint32_t k = 0; k < f->selection.n; k++)
        f->selection.at[k].unread = 0;
    if (n == 0 && f->code != 0)
        lintel_open_fail(o, f->code, "%s", f->why);
    else if (f->observe)
        lintel_pack_observe(o, &a);
    else
        lintel_open_answer(o, &a);
    lintel_out_put(t, &b);
}

static void
fail_read(struct fetch *f, uint32_t k, uint32_t code, const char *why)
{
    uint32_t i = f->selection.at[k].i;
    for (uint32_t same = k; same < f->selection.n; same++)
        f->selection.at[same].unread |= f->selection.at[same].i == i;
    if (code <= f->code)
        return;
    f->code = code;
    lintel_format(f->why, sizeof f->why, "%s: %s",
                  lintel_live_thing_conf(f->thing)->profile->bound[i].affordance->senml, why);
}

static void pump(struct fetch *f);

static void
on_read(void *ctx, const struct lintel_outcome *o)
{
    struct read *r = ctx;
    struct fetch *f = r->fetch;
    r->used = 0;
    f->under_way--;
    f->cancelled |= o->status == LINTEL_E_CANCELLED;
    if (o->status == LINTEL_E_NOTSUP)
        fail_read(f, r->k, LINTEL_UNAVAILABLE, "the device has not sent a value yet");
    else if (o->status != LINTEL_OK)
        fail_read(f, r->k, lintel_code_of_status(o->status),
                  o->detail[0] ? o->detail : lintel_status_words(o->status));
    if (!f->pumping)
        pump(f);
}

static struct read *
unused(struct fetch *f)
{
    struct read *r = f->reads;
    while (r->used)
        r++;
    return r;
}

/* Begins what can be begun, and answers when nothing is left. */
static void
pump(struct fetch *f)
{
    struct lintel_tree *t = f->open->tree;
    f->pumping = 1;
    for (; f->next < f->selection.n && f->under_way < READS_MOST && !f->cancelled; f->next++) {
        if (!must_ask(f, f->next))
            continue;
        if (lintel_loop_now(t->source.loop) >= f->until) {
            fail_read(f, f->next, LINTEL_GATEWAY_TIMEOUT,
                      "there was no time left to read it; ask for fewer at once");
            continue;
        }
        struct read *r = unused(f);
        *r = (struct read){.fetch = f, .k = f->next, .used = 1};
        f->under_way++;
        lintel_command command = lintel_engine_read(
            t->source.engine, lintel_live_thing_point(f->thing, f->selection.at[f->next].i),
            on_read, r);
        if (command != 0)
            r->command = command;
    }
    f->pumping = 0;
    if (f->cancelled) /* the thing may be gone */
        lintel_open_fail(f->open, LINTEL_UNAVAILABLE, "%s", f->why);
    else if (f->under_way == 0 && f->next == f->selection.n)
        finish(f);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* Of a single property, the conditions on values count too. */
static const struct lintel_data *
data_of(const struct fetch *f)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(f->thing)->profile;
    return f->selection.n == 1 ? profile->bound[f->selection.at[0].i].affordance->data : NULL;
}

static int
needs_reading(struct fetch *f, struct lintel_tree *t)
{
    for (uint32_t k = 0; k < f->selection.n; k++) {
        struct lintel_reading r;
        uint32_t i = f->selection.at[k].i;
        lintel_engine_reading(t->source.engine, lintel_live_thing_point(f->thing, i), &r);
        if (lintel_must_read(&lintel_live_thing_conf(f->thing)->profile->bound[i], &r))
            return 1;
    }
    return 0;
}

static void
answer_later(struct lintel_call *c, struct fetch *f, int32_t format,
             const struct lintel_conditions *conditions)
{
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL) {
        lintel_arena_free(f->arena);
        return;
    }
    o->thing = f->thing;
    o->format = format;
    o->conditions = *conditions;
    o->selection = &f->selection;
    o->work = f;
    o->work_free = free_fetch;
    f->open = o;
    f->until = lintel_loop_now(c->tree->source.loop) + READING_NS;
    pump(f);
}

void
lintel_serve_fetch(struct lintel_call *c, struct lintel_live_thing *thing)
{
    struct lintel_conditions conditions = {0};
    if (!lintel_call_may(c, lintel_live_thing_conf(thing)->zone, LINTEL_MAY_READ))
        return;
    struct lintel_arena *arena = lintel_arena_new();
    struct fetch *f = arena != NULL ? lintel_arena_alloc(arena, sizeof *f) : NULL;
    if (f == NULL) {
        lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
        lintel_arena_free(arena);
        return;
    }
    f->arena = arena;
    f->thing = thing;
    int failed = select_records(c, f);
    int32_t format = lintel_etch_answer_format(c);
    f->observe = (c->x->flags & LINTEL_X_OBSERVE) != 0 && f->selection.n != 0;
    if (failed == 0 && format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE,
                         "the answer is 110 (SenML JSON) or 112 (SenML CBOR)");
        failed = -1;
    }
    if (failed == 0 && f->observe)
        failed = lintel_call_conditions(c, data_of(f), &conditions);
    if (failed == 0 && (f->observe || needs_reading(f, c->tree))) {
        answer_later(c, f, format, &conditions);
        return;
    }
    if (failed == 0) {
        struct lintel_buf b = lintel_out_take(c->tree);
        lintel_answer a = lintel_pack_represent(c->tree, thing, &f->selection, format, &b, NULL);
        lintel_pack_answer(c, &a);
        lintel_out_put(c->tree, &b);
    }
    lintel_arena_free(arena);
}
