/* SPDX-License-Identifier: Apache-2.0
 * The life of the engine: made, turn after turn, ended. */
#include "core/engine/device.h"
#include "core/engine/pace.h"
#include "core/engine/subscribe_priv.h"

static void
clear_graves(struct lintel_engine *e)
{
    while (!link_alone(&e->graves)) {
        struct lintel_live_thing *t = OWNER(e->graves.next, struct lintel_live_thing, on_bus);
        link_take(&t->on_bus);
        thing_free(t);
    }
}

static void
tell_news(struct lintel_engine *e)
{
    struct link told; /* news that come up meanwhile are the next turn's */
    link_init(&told);
    while (!link_alone(&e->news)) {
        struct link *first = e->news.next;
        link_take(first);
        link_append(&told, first);
    }
    while (!link_alone(&told)) {
        struct lintel_live_thing *t = OWNER(told.next, struct lintel_live_thing, news);
        link_take(&t->news);
        if (e->on_state != NULL)
            e->on_state(e->on_state_ctx, t);
    }
}

static void
end_turn(void *engine)
{
    struct lintel_engine *e = engine;
    (void)lintel_timer_at(e->loop, &e->turn, NEVER, end_turn, e);
    clear_graves(e);
    tell_news(e);
    subscriptions_turn(e);
}

struct lintel_engine *
lintel_engine_new(struct lintel_loop *loop, uint64_t seed)
{
    struct lintel_engine *e = lintel_alloc(sizeof *e);
    if (e == NULL)
        return NULL;
    e->loop = loop;
    e->random = seed;
    link_init(&e->graves);
    link_init(&e->due);
    link_init(&e->news);
    /* Always armed: moving it never needs memory. */
    if (lintel_timer_at(loop, &e->turn, NEVER, end_turn, e) != 0) {
        lintel_free(e);
        return NULL;
    }
    return e;
}

void
lintel_engine_free(struct lintel_engine *e)
{
    if (e == NULL)
        return;
    while (e->nbuses > 0) {
        struct lintel_bus *b = e->buses[e->nbuses - 1];
        while (!link_alone(&b->things))
            lintel_engine_remove_thing(e, OWNER(b->things.prev, struct lintel_live_thing, on_bus));
        lintel_engine_remove_bus(e, b);
    }
    clear_graves(e);
    LINTEL_ASSERT(e->nsubscriptions == 0);
    lintel_timer_stop(e->loop, &e->turn);
    id_map_fini(&e->details);
    id_map_fini(&e->watchers);
    id_map_fini(&e->waiters);
    ranges_fini(&e->points);
    lintel_map_fini(&e->by_id);
    lintel_free(e->by_point);
    lintel_free(e->things);
    lintel_free(e->buses);
    lintel_free(e);
}

void
lintel_engine_recorder(struct lintel_engine *e, lintel_record_fn *fn, void *ctx)
{
    e->record = fn;
    e->record_ctx = ctx;
}
