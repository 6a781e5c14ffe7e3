/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/patch.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/etch.h"
#include "core/serve/measure.h"
#include "core/serve/selection.h"

struct patch;
struct write { /* of one record */
    struct patch *patch;
    uint32_t i;       /* of the profile's points */
    const char *name; /* "Device/setPoint" */
    lintel_value value;
    lintel_command command; /* under way; 0: not, or not known yet */
    uint32_t code;          /* 0: not refused */
    const char *why;
};
struct patch {
    struct lintel_arena *arena; /* all of it */
    struct lintel_open *open;
    struct lintel_live_thing *thing;
    int32_t format; /* of what is told at the end; LINTEL_FORMAT_NONE: a text */
    uint32_t n, waiting;
    int cancelled;
    struct write *writes;
};

/* ---- checking -------------------------------------------------------------------------------- */

struct check { /* of the record that is looked at */
    struct lintel_call *call;
    struct patch *patch;
    const struct lintel_senml_record *record;
    uint32_t at; /* from 1 */
};

/* Answers: which record, its name, and why. */
static void
answer_refused(struct check *k, uint32_t code, const char *why)
{
    const struct lintel_str *name = &k->record->name;
    lintel_call_fail(k->call, code, "nothing was written: record %u (%.*s): %s", k->at,
                     name->n < 80 ? (int)name->n : 80, name->p, why);
}

/* What never comes to the engine, which records what it refuses. */
__attribute__((format(printf, 3, 4))) static int
refuse(struct check *k, uint32_t code, const char *format, ...)
{
    char why[LINTEL_REASON];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    lintel_call_refused(k->call, LINTEL_TRAIL_WRITE, why);
    answer_refused(k, code, why);
    return -1;
}

static void
on_refused(void *ctx, const struct lintel_outcome *o)
{
    uint32_t code = lintel_code_of_outcome(o);
    if (o->fit != LINTEL_FIT_OK || o->status == LINTEL_E_DENIED || o->status == LINTEL_E_NOTSUP ||
        o->status == LINTEL_E_TYPE)
        code = LINTEL_UNPROCESSABLE;
    answer_refused(ctx, code, o->detail[0] ? o->detail : lintel_status_words(o->status));
}

/* The record is there already, in its own time and unit: else it would be a new one, which a device
 * can't take. Units are converted, as with PUT. */
static int
check_target(struct check *k, const struct lintel_thing *conf, uint32_t i)
{
    const struct lintel_senml_record *r = k->record;
    const struct lintel_tree *t = k->call->tree;
    if (i == UINT32_MAX) {
        const char *near = lintel_etch_nearest(conf, lintel_etch_local_name(t, conf, r->name));
        return refuse(k, LINTEL_UNPROCESSABLE, "%s has no such property%s%s%s", conf->id,
                      near != NULL ? " (did you mean " : "", near != NULL ? near : "",
                      near != NULL ? "?)" : "");
    }
    for (uint32_t other = 0; other + 1 < k->at; other++)
        if (k->patch->writes[other].i == i)
            return refuse(k, LINTEL_CONFLICT, "record %u is of the same property", other + 1);
    if (r->removed)
        return refuse(k, LINTEL_UNPROCESSABLE, "a device's property can't be removed");
    if (r->has_sum)
        return refuse(k, LINTEL_UNPROCESSABLE, "a sum can't be written");
    struct lintel_reading now;
    lintel_engine_reading(t->source.engine, lintel_live_thing_point(k->patch->thing, i), &now);
    if (r->has_time && (now.source == 0 || fabs(r->time - (double)now.source / 1e9) >= 1e-6))
        return refuse(k, LINTEL_UNPROCESSABLE,
                      "it has no record of that time; leave the time out to write now");
    return 0;
}

static int
check_record(struct check *k)
{
    struct patch *p = k->patch;
    struct lintel_call *c = k->call;
    const struct lintel_thing *conf = lintel_live_thing_conf(p->thing);
    struct write *w = &p->writes[k->at - 1];
    char reason[LINTEL_REASON] = "";
    uint32_t i = lintel_etch_find(c->tree, conf, k->record->name);
    if (check_target(k, conf, i) != 0)
        return -1;
    const struct lintel_affordance *a = conf->profile->bound[i].affordance;
    *w = (struct write){.patch = p, .i = i, .name = lintel_arena_strdup(p->arena, a->senml)};
    if (!a->writable)
        return refuse(k, LINTEL_UNPROCESSABLE, "it is read-only");
    if (conf->profile->bound[i].write.addr == NULL)
        return refuse(k, LINTEL_UNPROCESSABLE, "the binding \"%s\" does not say how to write it",
                      conf->profile->id);
    if (lintel_measure_read(k->record, a->data, p->arena, &w->value, reason) != 0)
        return refuse(k, LINTEL_UNPROCESSABLE, "%s", reason);
    if (w->name == NULL || lintel_arena_failed(p->arena))
        return refuse(k, LINTEL_INTERNAL, "out of memory");
    return lintel_engine_write_check(c->tree->source.engine, lintel_live_thing_point(p->thing, i),
                                     &w->value, k->at - 1, lintel_call_by(c), on_refused, k);
}

/* If-Match names representations of the whole pack (RFC 7252 section 5.10.8). */
static int
precondition(struct lintel_call *c, struct lintel_live_thing *thing)
{
    static const int32_t formats[] = {LINTEL_FORMAT_SENML_JSON, LINTEL_FORMAT_SENML_CBOR};
    const lintel_exchange *x = c->x;
    int met = x->nif_match == 0;
    for (uint32_t i = 0; i < x->nif_match; i++)
        met |= x->if_match[i].n == 0;
    for (uint32_t i = 0; !met && i < LINTEL_COUNT(formats); i++) {
        struct lintel_buf b = lintel_out_take(c->tree);
        lintel_answer a = lintel_pack_represent(c->tree, thing, NULL, formats[i], &b, NULL);
        met = a.code == LINTEL_CONTENT && lintel_has_etag(x->if_match, x->nif_match, &a);
        lintel_out_put(c->tree, &b);
    }
    if (met && !(x->flags & LINTEL_X_IF_NONE_MATCH))
        return 0;
    lintel_call_fail(c, LINTEL_PRECONDITION, met ? "the resource exists" : "a value has changed");
    return -1;
}

static int
check(struct lintel_call *c, struct patch *p)
{
    struct lintel_senml_record *records;
    if (lintel_etch_read(c, LINTEL_SENML_PATCH, p->arena, &records, &p->n) != 0 ||
        precondition(c, p->thing) != 0)
        return -1;
    if (p->n > LINTEL_PATCH_RECORDS_MOST) {
        lintel_call_too_large(c, 0, "at most 32 properties are written in one request");
        return -1;
    }
    p->writes = lintel_arena_alloc(p->arena, p->n * sizeof *p->writes);
    if (p->writes == NULL) {
        lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
        return -1;
    }
    for (uint32_t k = 0; k < p->n; k++) {
        struct check one = {c, p, &records[k], k + 1};
        if (check_record(&one) != 0)
            return -1;
    }
    return 0;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* "record 2 (Device/limit): exception 4" .. as far as they fit. */
static void
list_refused(const struct patch *p, char *text, size_t size)
{
    enum { MORE = 32 }; /* room for the last words */
    size_t n = strlen(text);
    uint32_t left = 0;
    for (uint32_t k = 0; k < p->n; k++) {
        const struct write *w = &p->writes[k];
        char one[320];
        if (w->code == 0)
            continue;
        lintel_format(one, sizeof one, "%srecord %u (%.80s): %.160s", n == 0 ? "" : "; ", k + 1,
                      w->name, w->why);
        if (left == 0 && n + strlen(one) + MORE < size)
            n += (size_t)snprintf(text + n, size - n, "%s", one);
        else
            left++;
    }
    if (left != 0)
        snprintf(text + n, size - n, "; and %u more", left);
}

/* All of what was asked for as a pack, with an error where there was one. 0 where a record has no
 * value, so that it can't stand there. */
static int
represent(struct patch *p, uint32_t code, struct lintel_buf *b, lintel_answer *ret)
{
    struct lintel_selection s = {p->n, lintel_arena_alloc(p->arena, p->n * sizeof *s.at)};
    uint32_t n;
    for (uint32_t k = 0; s.at != NULL && k < p->n; k++)
        s.at[k] =
            (struct lintel_selected){.i = p->writes[k].i, .unit = "", .error = p->writes[k].why};
    if (s.at == NULL)
        return 0;
    lintel_answer a = lintel_pack_represent(p->open->tree, p->thing, &s, p->format, b, &n);
    if (n != p->n || a.code != LINTEL_CONTENT)
        return 0;
    a.code = code;
    a.netag = 0;
    a.max_age = code == LINTEL_UNAVAILABLE ? LINTEL_RETRY_AFTER : 0;
    *ret = a;
    return 1;
}

/* Last act: the patch is gone after it. */
static void
finish(struct patch *p)
{
    struct lintel_open *o = p->open;
    struct lintel_tree *t = o->tree;
    uint32_t refused = 0, code = LINTEL_CHANGED;
    for (uint32_t k = 0; k < p->n; k++) {
        refused += p->writes[k].code != 0;
        if (p->writes[k].code > code)
            code = p->writes[k].code;
    }
    struct lintel_buf b = lintel_out_take(t);
    lintel_answer a = lintel_answer_of(code, LINTEL_FORMAT_NONE, 0, NULL);
    char text[400] = "";
    if (p->format != LINTEL_FORMAT_NONE && !p->cancelled && represent(p, code, &b, &a)) {
        lintel_open_answer(o, &a);
    } else if (refused == 0) {
        lintel_open_answer(o, &a);
    } else {
        if (refused == p->n)
            lintel_copy(text, sizeof text, p->n == 1 ? "" : "none was written");
        else
            lintel_format(text, sizeof text, "%u of %u were written", p->n - refused, p->n);
        list_refused(p, text, sizeof text);
        lintel_open_fail(o, code, "%s", text);
    }
    lintel_out_put(t, &b);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
free_patch(void *work)
{
    struct patch *p = work;
    for (uint32_t k = 0; k < p->n; k++)
        if (p->writes[k].command != 0)
            lintel_engine_forget(p->open->tree->source.engine, p->writes[k].command);
    lintel_arena_free(p->arena);
}

static void
done(struct patch *p)
{
    if (--p->waiting == 0)
        finish(p);
}

static void
on_written(void *ctx, const struct lintel_outcome *o)
{
    struct write *w = ctx;
    uint32_t code = lintel_code_of_outcome(o);
    w->command = 0;
    if (code != LINTEL_CHANGED) {
        w->code = code;
        w->why = o->detail != NULL && o->detail[0] ? lintel_arena_strdup(w->patch->arena, o->detail)
                                                   : lintel_status_words(o->status);
        if (w->why == NULL)
            w->why = lintel_status_words(o->status);
    }
    w->patch->cancelled |= o->status == LINTEL_E_CANCELLED;
    done(w->patch);
}

static void
send_all(struct lintel_call *c, struct patch *p)
{
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL) {
        lintel_arena_free(p->arena);
        return;
    }
    o->work = p;
    o->work_free = free_patch;
    p->open = o;
    p->waiting = p->n + 1; /* one for this function */
    for (uint32_t k = 0; k < p->n; k++) {
        struct write *w = &p->writes[k];
        lintel_command command =
            lintel_engine_write(c->tree->source.engine, lintel_live_thing_point(p->thing, w->i),
                                &w->value, lintel_call_by(c), on_written, w);
        if (command == 0)
            continue;
        w->command = command;
        o->does = 1;
    }
    done(p);
}

void
lintel_serve_patch(struct lintel_call *c, struct lintel_live_thing *thing)
{
    static const int32_t formats[] = {LINTEL_FORMAT_SENML_JSON, LINTEL_FORMAT_SENML_CBOR};
    if (!lintel_call_may(c, lintel_live_thing_conf(thing)->zone, LINTEL_MAY_WRITE))
        return;
    struct lintel_arena *arena = lintel_arena_new();
    struct patch *p = arena != NULL ? lintel_arena_alloc(arena, sizeof *p) : NULL;
    if (p == NULL) {
        lintel_call_fail(c, LINTEL_INTERNAL, "out of memory");
        lintel_arena_free(arena);
        return;
    }
    p->arena = arena;
    p->thing = thing;
    int shown = c->x->naccept != 0 &&
                lintel_call_can(c, lintel_live_thing_conf(thing)->zone, LINTEL_MAY_READ);
    p->format =
        !shown ? LINTEL_FORMAT_NONE : lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    if (check(c, p) == 0)
        send_all(c, p);
    else
        lintel_arena_free(arena);
}
