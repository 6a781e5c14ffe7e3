/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/buses.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/serve/json.h"
#include "core/serve/nearest.h"
#include "core/serve/units.h"

/* ---- what is known --------------------------------------------------------------------------- */

static void
add_members(struct lintel_buf *b, const struct lintel_bus_stats *s)
{
    lintel_json_text(b, "name", s->name);
    lintel_json_text(b, "plugin", s->plugin);
    lintel_json_text(b, "state", !s->ready ? "starting" : s->link == LINTEL_OK ? "up" : "down");
    lintel_json_text(b, "detail",
                     s->link == LINTEL_OK ? ""
                     : s->detail[0]       ? s->detail
                                          : lintel_status_words(s->link));
    lintel_json_count(b, "things", s->things);
    lintel_json_count(b, "points", s->points);
    lintel_json_count(b, "stale", s->stale);
    lintel_json_count(b, "bad", s->bad);
    lintel_json_count(b, "down", s->down);
    lintel_json_count(b, "requests", s->requests);
    lintel_json_count(b, "timeouts", s->timeouts);
    lintel_json_count(b, "errors", s->errors);
    lintel_json_count(b, "values", s->values);
    lintel_json_count(b, "dropped", s->dropped);
    lintel_json_count(b, "writes", s->writes);
    lintel_json_seconds(b, "busy", s->busy_ns, 1);
}

void
lintel_bus_json(struct lintel_buf *b, const struct lintel_bus_stats *s)
{
    lintel_buf_addc(b, '{');
    add_members(b, s);
    lintel_buf_addc(b, '}');
}

static void
get_all(struct lintel_call *c)
{
    struct lintel_engine *e = c->tree->source.engine;
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_buf_addc(&b, '[');
    for (uint32_t i = 0; i < lintel_engine_nbuses(e); i++) {
        struct lintel_bus_stats s;
        lintel_engine_bus_stats(e, lintel_engine_bus_at(e, i), &s);
        lintel_json_item(&b);
        lintel_bus_json(&b, &s);
    }
    lintel_buf_addc(&b, ']');
    lintel_call_document(c, LINTEL_FORMAT_JSON, 0, &b);
}

static void
get_one(struct lintel_call *c, const struct lintel_bus *bus)
{
    struct lintel_bus_stats s;
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_engine_bus_stats(c->tree->source.engine, bus, &s);
    lintel_buf_addc(&b, '{');
    add_members(&b, &s);
    lintel_json_seconds(&b, "now", lintel_loop_wall(c->tree->source.loop), 1);
    lintel_units_json(&b, c->tree->source.engine, bus);
    lintel_buf_addc(&b, '}');
    lintel_call_document(c, LINTEL_FORMAT_JSON, 0, &b);
}

/* ---- what the daemon does with one ----------------------------------------------------------- */

struct bus_work { /* a verb under way; of the open exchange */
    struct lintel_tree *tree;
    lintel_ticket ticket;
    void *work; /* the daemon's */
};

static void
verb_done(void *ctx, const lintel_answer *a)
{
    struct bus_work *w = ctx;
    struct lintel_open *o = lintel_open_find(w->tree, w->ticket);
    if (!(a->flags & LINTEL_ANSWER_MORE))
        w->work = NULL; /* it is over: nothing is to be abandoned */
    if (o != NULL)
        lintel_open_answer(o, a);
}

static void
verb_free(void *ctx)
{
    struct bus_work *w = ctx;
    if (w->work != NULL)
        w->tree->source.bus_abandon(w->tree->source.ctx, w->work);
    lintel_free(w);
}

static void
serve_verb(struct lintel_call *c, const char *bus, const lintel_span *verb)
{
    struct lintel_tree *t = c->tree;
    char name[32];
    if (t->source.bus == NULL || verb->n >= sizeof name) {
        lintel_call_fail(c, LINTEL_NOT_FOUND, "this hub does nothing of that name with a bus");
        return;
    }
    memcpy(name, verb->p, verb->n);
    name[verb->n] = '\0';
    struct lintel_open *o = lintel_call_open(c);
    struct bus_work *w = o != NULL ? lintel_alloc(sizeof *w) : NULL;
    if (w == NULL) {
        if (o != NULL)
            lintel_open_fail(o, LINTEL_INTERNAL, "out of memory");
        return;
    }
    *w = (struct bus_work){t, c->ticket, NULL};
    o->work = w;
    o->work_free = verb_free;
    const struct lintel_bus_call call = {.bus = bus,
                                         .verb = name,
                                         .who = lintel_call_by(c),
                                         .x = c->x,
                                         .done = verb_done,
                                         .done_ctx = w};
    lintel_ticket ticket = c->ticket;
    void *work = t->source.bus(t->source.ctx, &call);
    if (work != NULL && lintel_open_find(t, ticket) == o)
        w->work = work;
    else if (work != NULL) /* the peer went while the first answer was sent */
        t->source.bus_abandon(t->source.ctx, work);
}

/* ---- routing --------------------------------------------------------------------------------- */

void
lintel_serve_buses(struct lintel_call *c)
{
    char name[64];
    if (c->npath == 0 || c->npath > 2 || (c->npath > 0 && c->path[0].n >= sizeof name)) {
        if (c->npath == 0 && c->x->method == LINTEL_GET)
            get_all(c);
        else if (c->npath == 0)
            lintel_call_method(c, "/hub/buses", "GET");
        else
            lintel_call_fail(c, LINTEL_NOT_FOUND, "below /hub/buses there is {bus}/{verb}");
        return;
    }
    memcpy(name, c->path[0].p, c->path[0].n);
    name[c->path[0].n] = '\0';
    struct lintel_bus *bus = lintel_engine_find_bus(c->tree->source.engine, name);
    if (bus == NULL)
        lintel_call_no_bus(c, name);
    else if (c->npath == 2)
        serve_verb(c, name, &c->path[1]);
    else if (c->x->method == LINTEL_GET)
        get_one(c, bus);
    else
        lintel_call_method(c, "a bus", "GET");
}
