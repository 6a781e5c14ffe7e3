/* SPDX-License-Identifier: Apache-2.0
 * The life of a bus: its plugin's instance becomes ready, is exchanged, is gone and comes
 * again; its connection.
 */
#include "core/base/log.h"
#include "core/engine/command.h"
#include "core/engine/device.h"
#include "core/engine/figures.h"
#include "core/engine/groups.h"
#include "core/engine/guest.h"
#include "core/engine/pace.h"
#include "core/engine/request.h"
#include "core/engine/schedule.h"
#include "core/engine/values.h"

static uint32_t
most_open(const lintel_plugin *plugin)
{
    return plugin->flags & LINTEL_PLUGIN_BLOCKING ? 1 : OPEN_MOST;
}

struct lintel_bus *
lintel_engine_add_bus(struct lintel_engine *e, const char *name, const lintel_plugin *plugin,
                      struct lintel_bus_port port)
{
    if (e->nbuses == e->buses_room) {
        uint32_t room = e->buses_room != 0 ? e->buses_room * 2 : 16;
        struct lintel_bus **grown = lintel_grow(e->buses, room, sizeof(struct lintel_bus *));
        if (grown == NULL)
            return NULL;
        e->buses = grown;
        e->buses_room = room;
    }
    struct lintel_bus *b = lintel_alloc(sizeof *b);
    if (b == NULL || (b->name = lintel_strdup(name)) == NULL) {
        lintel_free(b);
        return NULL;
    }
    b->engine = e;
    b->plugin = plugin;
    b->port = port;
    b->most_open = most_open(plugin);
    link_init(&b->things);
    link_init(&b->ghosts);
    link_init(&b->urgent);
    link_init(&b->polls);
    figures_begin(b);
    b->place = e->nbuses;
    e->buses[e->nbuses++] = b;
    return b;
}

void
lintel_engine_remove_bus(struct lintel_engine *e, struct lintel_bus *b)
{
    LINTEL_ASSERT(link_alone(&b->things));
    if (b->ready)
        lintel_engine_bus_gone(e, b, LINTEL_E_CANCELLED, "the bus was removed");
    LINTEL_ASSERT(link_alone(&b->ghosts));
    lintel_timer_stop(e->loop, &b->again);
    /* The list keeps its order: it is what people see. */
    for (uint32_t i = b->place + 1; i < e->nbuses; i++) {
        e->buses[i - 1] = e->buses[i];
        e->buses[i - 1]->place = i - 1;
    }
    e->nbuses--;
    ranges_fini(&b->slots);
    ranges_fini(&b->devices);
    lintel_free(b->by_slot);
    lintel_free(b->by_device);
    lintel_free(b->name);
    lintel_free(b->detail);
    lintel_free(b);
}

/* An instance is there: it is told of everything, and all is asked for once, in the order of the
 * files, as fast as the bus can. */
static void
begin(struct lintel_bus *b)
{
    b->ready = 1;
    b->held = 0;
    if (!b->link_told) {
        b->link = LINTEL_OK;
        thing_set_detail(&b->detail, NULL);
    }
    for (struct link *l = b->things.next; l != &b->things; l = l->next)
        thing_tell(OWNER(l, struct lintel_live_thing, on_bus));
    b->pumping = 1;
    for (struct link *l = b->things.next; l != &b->things; l = l->next) {
        struct lintel_live_thing *t = OWNER(l, struct lintel_live_thing, on_bus);
        t->retry = t->hold = t->spared = 0;
        thing_has_news(t);
        groups_due_now(t, 1);
        thing_kick(t);
    }
    b->pumping = 0;
    bus_pump(b);
}

void
lintel_engine_bus_ready(struct lintel_engine *e, struct lintel_bus *b)
{
    if (b->ready)
        lintel_engine_bus_gone(e, b, LINTEL_E_LINK, "the plugin was started anew");
    begin(b);
}

void
lintel_engine_bus_hold(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->held = b->ready;
}

void
lintel_engine_bus_go_on(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->held = 0;
    bus_pump(b);
}

void
lintel_engine_bus_plugin(struct lintel_engine *e, struct lintel_bus *b, const lintel_plugin *plugin)
{
    (void)e;
    guests_gone(b, LINTEL_E_CANCELLED, "its plugin was exchanged meanwhile; try again");
    b->plugin = plugin;
    b->most_open = most_open(plugin);
    b->link_told = 0;
}

void
lintel_engine_bus_renewed(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    /* What the old one did not know or did not want, the new one may. */
    for (struct link *l = b->things.next; l != &b->things; l = l->next)
        thing_renew(OWNER(l, struct lintel_live_thing, on_bus));
    begin(b);
}

void
lintel_engine_bus_gone(struct lintel_engine *e, struct lintel_bus *b, lintel_status status,
                       const char *detail)
{
    (void)e;
    b->ready = b->link_told = b->held = 0;
    b->link = status != LINTEL_OK ? status : LINTEL_E_LINK;
    thing_set_detail(&b->detail, detail);
    guests_gone(b, b->link, b->detail);
    while (!link_alone(&b->ghosts)) {
        struct lintel_live_thing *t = OWNER(b->ghosts.next, struct lintel_live_thing, on_bus);
        thing_op_over(t, LINTEL_OK);
        t->told = 0; /* nobody is there to be told */
        thing_bury(t);
    }
    for (struct link *l = b->things.next; l != &b->things; l = l->next) {
        struct lintel_live_thing *t = OWNER(l, struct lintel_live_thing, on_bus);
        t->told = 0;
        t->announced = 0;
        thing_has_news(t);
        if (t->work != WORK_NONE)
            thing_op_over(t, LINTEL_OK);
        thing_stale(t, b->link, POINT_WHY_BUS);
        commands_fail(t, b->link, b->detail);
        thing_kick(t);
    }
}

void
lintel_engine_link(struct lintel_engine *e, struct lintel_bus *b, lintel_status status,
                   const char *detail)
{
    lintel_status before = b->link_told || b->ready ? b->link : LINTEL_OK;
    (void)e;
    b->link_told = 1; /* a plugin may speak of its connection before it is ready */
    b->link = status;
    thing_set_detail(&b->detail, status != LINTEL_OK ? detail : NULL);
    if (status != before && status != LINTEL_OK)
        lintel_log(LINTEL_LOG_WARN, b->name, "no connection: %s",
                   b->detail != NULL ? b->detail : status_text(status));
    else if (status != before)
        lintel_log(LINTEL_LOG_INFO, b->name, "connected again");
    for (struct link *l = b->things.next; l != &b->things; l = l->next) {
        struct lintel_live_thing *t = OWNER(l, struct lintel_live_thing, on_bus);
        if (status != before)
            thing_has_news(t);
        if (status != LINTEL_OK) {
            thing_stale(t, status, POINT_WHY_BUS);
        } else if (before != LINTEL_OK) {
            if (!t->announced && t->status == LINTEL_E_LINK)
                t->retry = t->spared = 0; /* whoever was silent for want of a line is asked now */
            groups_due_now(t, 0);
        }
        thing_kick(t);
    }
}

void
lintel_engine_bus_stats(const struct lintel_engine *e, const struct lintel_bus *b,
                        struct lintel_bus_stats *ret)
{
    *ret = (struct lintel_bus_stats){
        .name = b->name,
        .plugin = b->plugin->name,
        .ready = b->ready,
        .link = b->link,
        .detail = b->detail != NULL ? b->detail : status_text(b->link),
        .things = b->nthings,
        .points = b->npoints,
        .stale = b->stale,
        .bad = b->bad,
        .down = b->down,
        .requests = b->requests,
        .timeouts = b->timeouts,
        .errors = b->errors,
        .values = b->values,
        .dropped = b->dropped,
        .writes = b->writes,
        .busy_ns = b->busy_ns + (b->nopen != 0 ? lintel_loop_now(e->loop) - b->busy_since : 0),
    };
}

uint32_t
lintel_engine_nbuses(const struct lintel_engine *e)
{
    return e->nbuses;
}

struct lintel_bus *
lintel_engine_bus_at(struct lintel_engine *e, uint32_t i)
{
    return i < e->nbuses ? e->buses[i] : NULL;
}
