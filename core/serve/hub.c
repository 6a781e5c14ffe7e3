/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "core/serve/hub.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/serve/audit.h"
#include "core/serve/buses.h"
#include "core/serve/json.h"
#include "core/serve/nearest.h"
#include "core/serve/rd.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif
#define SECOND INT64_C(1000000000)

/* ---- status ---------------------------------------------------------------------------------- */

static void
add_trail(struct lintel_buf *b, const struct lintel_trail *trail)
{
    struct lintel_trail_stats s;
    lintel_trail_stats(trail, &s);
    lintel_buf_addc(b, '{');
    lintel_json_count(b, "records", s.newest != 0 ? s.newest - s.oldest + 1 : 0);
    lintel_json_count(b, "leftOut", s.left_out);
    lintel_json_count(b, "lost", s.lost);
    lintel_json_count(b, "early", s.early);
    lintel_json_text(b, "trouble", s.trouble);
    lintel_buf_addc(b, '}');
}

static void
get_status(struct lintel_call *c, struct lintel_buf *b)
{
    struct lintel_tree *t = c->tree;
    struct lintel_engine *e = t->source.engine;
    struct lintel_bus_stats sum = {0}, s;
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "hub", t->hub);
    lintel_json_text(b, "version", PACKAGE_VERSION);
    lintel_json_seconds(b, "uptime", lintel_loop_now(t->source.loop) - t->started, 1);
    lintel_json_key(b, "buses");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < lintel_engine_nbuses(e); i++) {
        lintel_engine_bus_stats(e, lintel_engine_bus_at(e, i), &s);
        if (i != 0)
            lintel_buf_addc(b, ',');
        lintel_bus_json(b, &s);
        sum.points += s.points;
        sum.stale += s.stale;
        sum.bad += s.bad;
    }
    lintel_buf_addc(b, ']');
    lintel_json_count(b, "things", lintel_engine_nthings(e));
    lintel_json_count(b, "points", sum.points);
    lintel_json_count(b, "stale", sum.stale);
    lintel_json_count(b, "bad", sum.bad);
    lintel_json_count(b, "subscriptions", lintel_subscriptions(e));
    lintel_json_count(b, "open", t->nopen);
    lintel_json_key(b, "directory");
    lintel_rd_status(t->rd, b);
    if (t->source.trail != NULL) {
        lintel_json_key(b, "audit");
        add_trail(b, t->source.trail);
    }
    if (t->source.status != NULL) {
        lintel_json_key(b, "daemon");
        t->source.status(t->source.ctx, b);
    }
    lintel_buf_addc(b, '}');
}

/* ---- things ---------------------------------------------------------------------------------- */

struct tally { /* points of a thing */
    uint32_t points, good, stale, waiting, bad;
    const char *why; /* the first bad one is so, or the first stale one; NULL: none is */
};

static struct tally
count_points(struct lintel_engine *e, const struct lintel_live_thing *thing)
{
    const struct lintel_profile *profile = lintel_live_thing_conf(thing)->profile;
    struct tally sum = {0};
    for (uint32_t i = 0; i < profile->n; i++) {
        struct lintel_reading r;
        if (!profile->bound[i].mapped || profile->bound[i].affordance->kind != LINTEL_K_PROPERTY ||
            profile->bound[i].read.addr == NULL)
            continue;
        lintel_engine_reading(e, lintel_live_thing_point(thing, i), &r);
        sum.points++;
        sum.good += r.quality != LINTEL_QUALITY_INITIAL && r.quality != LINTEL_QUALITY_STALE &&
                    r.quality != LINTEL_QUALITY_BAD;
        sum.stale += r.quality == LINTEL_QUALITY_STALE;
        sum.waiting += r.quality == LINTEL_QUALITY_INITIAL;
        sum.bad += r.quality == LINTEL_QUALITY_BAD;
        if (r.status != LINTEL_OK && (r.quality == LINTEL_QUALITY_BAD
                                          ? sum.bad == 1
                                          : r.quality == LINTEL_QUALITY_STALE && sum.why == NULL))
            sum.why = r.detail != NULL && r.detail[0] ? r.detail : lintel_status_words(r.status);
    }
    return sum;
}

/* resting: its settings or addresses can't be; nothing is tried until the files change. bad: it
 * answers, but some of its points have no value. */
static const char *
state_of(const struct lintel_bus_stats *bus, const struct lintel_device_stats *d,
         const struct tally *sum)
{
    if (d->status == LINTEL_E_CONFIG || d->status == LINTEL_E_ADDRESS)
        return "resting";
    if (!bus->ready)
        return "starting";
    if (bus->link != LINTEL_OK || d->retry != 0 || (!d->reachable && d->status != LINTEL_OK))
        return "down";
    if (sum->points != 0 && sum->waiting == sum->points)
        return "starting";
    return sum->stale != 0 ? "stale" : sum->bad != 0 ? "bad" : "ok";
}

const char *
lintel_thing_state(struct lintel_engine *e, struct lintel_live_thing *thing)
{
    struct lintel_bus_stats bus;
    struct lintel_device_stats device;
    const struct tally sum = count_points(e, thing);
    lintel_engine_bus_stats(e, lintel_live_thing_bus(thing), &bus);
    lintel_engine_device_stats(e, thing, &device);
    return state_of(&bus, &device, &sum);
}

static void
add_thing(struct lintel_engine *e, struct lintel_live_thing *thing, struct lintel_buf *b)
{
    const struct lintel_thing *t = lintel_live_thing_conf(thing);
    struct lintel_bus_stats bus;
    struct lintel_device_stats device;
    struct tally sum = count_points(e, thing);
    lintel_engine_bus_stats(e, lintel_live_thing_bus(thing), &bus);
    lintel_engine_device_stats(e, thing, &device);
    const char *detail = "";
    if (device.status != LINTEL_OK)
        detail = device.detail != NULL && device.detail[0] ? device.detail
                                                           : lintel_status_words(device.status);
    else if (bus.link != LINTEL_OK)
        detail = bus.detail[0] ? bus.detail : lintel_status_words(bus.link);
    else if (sum.why != NULL)
        detail = sum.why;
    const char *state = state_of(&bus, &device, &sum);
    if (detail[0] == '\0' && strcmp(state, "starting") == 0)
        detail = bus.ready ? "nothing was heard of it yet" : "its bus is starting";
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "id", t->id);
    lintel_json_text(b, "label", t->label);
    lintel_json_text(b, "location", t->location);
    lintel_json_text(b, "zone", t->zone);
    lintel_json_key(b, "tags");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; t->tags != NULL && t->tags[i] != NULL; i++) {
        if (i != 0)
            lintel_buf_addc(b, ',');
        lintel_buf_add_json_str(b, t->tags[i], strlen(t->tags[i]));
    }
    lintel_buf_addc(b, ']');
    lintel_json_text(b, "bus", t->bus);
    lintel_json_text(b, "model", t->profile->id);
    lintel_json_text(b, "state", state);
    lintel_json_text(b, "detail", strcmp(state, "ok") == 0 ? "" : detail);
    lintel_json_count(b, "points", sum.points);
    lintel_json_count(b, "good", sum.good);
    lintel_json_seconds(b, "seen", device.seen, device.seen != 0);
    lintel_buf_addc(b, '}');
}

static void
get_things(struct lintel_call *c, struct lintel_buf *b)
{
    struct lintel_engine *e = c->tree->source.engine;
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && !b->failed; i++) {
        if (i != 0)
            lintel_buf_addc(b, ',');
        add_thing(e, lintel_engine_thing_at(e, i), b);
    }
    lintel_buf_addc(b, ']');
}

static void
get_directory(struct lintel_call *c, struct lintel_buf *b)
{
    lintel_rd_list(c->tree->rd, b);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void
add_value(struct lintel_tree *t, const struct lintel_live_thing *thing, uint32_t i,
          struct lintel_buf *b)
{
    static const char *const kinds[] = {
        [LINTEL_K_PROPERTY] = "property", [LINTEL_K_ACTION] = "action", [LINTEL_K_EVENT] = "event"};
    const struct lintel_thing *conf = lintel_live_thing_conf(thing);
    const struct lintel_bound *bound = &conf->profile->bound[i];
    const struct lintel_affordance *a = bound->affordance;
    const struct lintel_data *d = a->kind == LINTEL_K_ACTION ? a->input : a->data;
    struct lintel_reading r = {.quality = LINTEL_QUALITY_INITIAL};
    char type[160] = "";
    int live = bound->mapped && a->kind != LINTEL_K_ACTION;
    if (live)
        lintel_engine_reading(t->source.engine, lintel_live_thing_point(thing, i), &r);
    if (d != NULL)
        lintel_data_describe(d, type, sizeof type);
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "thing", conf->id);
    lintel_json_text(b, "path", a->path);
    lintel_json_text(b, "name", a->name);
    lintel_json_text(b, "kind", kinds[a->kind]);
    lintel_json_key(b, "value");
    lintel_format_write(b, LINTEL_FORMAT_JSON, &r.value);
    lintel_json_text(b, "unit", d != NULL ? d->unit : NULL);
    lintel_json_text(b, "quality",
                     !bound->mapped ? "unmapped"
                     : live         ? lintel_quality_name(r.quality)
                                    : NULL);
    lintel_json_seconds(b, "age", lintel_loop_now(t->source.loop) - r.refreshed, r.refreshed != 0);
    lintel_json_seconds(b, "source", r.source, r.source != 0);
    lintel_json_flag(b, "writable",
                     a->kind == LINTEL_K_PROPERTY && a->writable && bound->write.addr != NULL);
    lintel_json_text(b, "type", type);
    lintel_json_text(b, "detail",
                     r.detail != NULL && r.detail[0] ? r.detail
                     : r.status != LINTEL_OK && r.quality != LINTEL_QUALITY_GOOD
                         ? lintel_status_words(r.status)
                         : "");
    lintel_json_text(b, "description", a->description != NULL ? a->description : a->label);
    lintel_buf_addc(b, '}');
}

static void
add_values(struct lintel_tree *t, const struct lintel_live_thing *thing, struct lintel_buf *b)
{
    uint32_t n = lintel_live_thing_conf(thing)->profile->n;
    for (uint32_t i = 0; i < n && !b->failed; i++) {
        if (b->n != 0 && b->p[b->n - 1] == '}')
            lintel_buf_addc(b, ',');
        add_value(t, thing, i, b);
    }
}

static void
get_values(struct lintel_call *c, struct lintel_buf *b)
{
    struct lintel_engine *e = c->tree->source.engine;
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < lintel_engine_nthings(e); i++)
        add_values(c->tree, lintel_engine_thing_at(e, i), b);
    lintel_buf_addc(b, ']');
}

static void
get_values_of(struct lintel_call *c, const lintel_span *id)
{
    struct lintel_live_thing *thing =
        lintel_engine_find_thing(c->tree->source.engine, id->p, id->n);
    if (thing == NULL) {
        lintel_call_no_thing(c, id);
        return;
    }
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_buf_addc(&b, '[');
    add_values(c->tree, thing, &b);
    lintel_buf_addc(&b, ']');
    lintel_call_document(c, LINTEL_FORMAT_JSON, 0, &b);
}

/* ---- reload ---------------------------------------------------------------------------------- */

struct reload { /* who waits for it */
    struct lintel_tree *tree;
    lintel_ticket ticket;
};

static void
reloaded(void *ctx, int refused, struct lintel_buf *json)
{
    struct reload *r = ctx;
    struct lintel_open *o = lintel_open_find(r->tree, r->ticket);
    if (o != NULL) { /* who asked is still there */
        lintel_answer a = lintel_answer_of(refused ? LINTEL_UNPROCESSABLE : LINTEL_CHANGED,
                                           LINTEL_FORMAT_JSON, 0, json);
        lintel_open_answer(o, &a);
    }
    lintel_free(r);
}

static void
post_reload(struct lintel_call *c)
{
    struct lintel_tree *t = c->tree;
    if (t->source.reload == NULL) {
        lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED, "this hub can't reload");
        return;
    }
    struct lintel_open *o = lintel_call_open(c);
    struct reload *r = o != NULL ? lintel_alloc(sizeof *r) : NULL;
    if (r == NULL) {
        if (o != NULL)
            lintel_open_fail(o, LINTEL_INTERNAL, "out of memory");
        return;
    }
    *r = (struct reload){t, c->ticket};
    t->source.reload(t->source.ctx, lintel_call_by(c), reloaded, r);
}

/* ---- routing --------------------------------------------------------------------------------- */

static void
get_plugins(struct lintel_call *c, struct lintel_buf *b)
{
    c->tree->source.plugins(c->tree->source.ctx, b);
}

static int
is_called(const lintel_span *s, const char *name)
{
    return s->n == strlen(name) && memcmp(s->p, name, s->n) == 0;
}

void
lintel_serve_hub(struct lintel_call *c)
{
    static const struct {
        const char *name;
        void (*get)(struct lintel_call *c, struct lintel_buf *b);
    } documents[] = {{"status", get_status},
                     {"things", get_things},
                     {"values", get_values},
                     {"directory", get_directory},
                     {"plugins", get_plugins}};
    if (c->npath == 2 && is_called(&c->path[0], "values")) {
        if (c->x->method == LINTEL_GET)
            get_values_of(c, &c->path[1]);
        else
            lintel_call_method(c, "the values of a thing", "GET");
        return;
    }
    if (c->npath >= 1 && is_called(&c->path[0], "buses")) {
        c->path++;
        c->npath--;
        lintel_serve_buses(c);
        return;
    }
    if (c->npath == 1 && is_called(&c->path[0], "audit")) {
        lintel_serve_audit(c);
        return;
    }
    if (c->npath == 1 && is_called(&c->path[0], "reload")) {
        if (c->x->method == LINTEL_POST)
            post_reload(c);
        else
            lintel_call_method(c, "/hub/reload", "POST");
        return;
    }
    for (size_t i = 0; c->npath == 1 && i < LINTEL_COUNT(documents); i++) {
        if (!is_called(&c->path[0], documents[i].name))
            continue;
        if (c->x->method != LINTEL_GET) {
            lintel_call_method(c, documents[i].name, "GET");
        } else if (documents[i].get == get_plugins && c->tree->source.plugins == NULL) {
            lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED, "this hub does not list its plugins");
        } else {
            struct lintel_buf b = lintel_out_take(c->tree);
            documents[i].get(c, &b);
            lintel_call_document(c, LINTEL_FORMAT_JSON, 0, &b);
        }
        return;
    }
    lintel_call_fail(c, LINTEL_NOT_FOUND,
                     "below /hub there are status, things, values, values/{thing}, directory, "
                     "plugins, buses, audit and reload");
}
