/* SPDX-License-Identifier: Apache-2.0
 * The engine as all its files see it: chance, the end of a turn, and the finding of buses, things
 * and points. */
#include <string.h>

#include "core/engine/engine_priv.h"
#include "core/engine/pace.h"

/* splitmix64: for jitter only. */
uint64_t
engine_random(struct lintel_engine *e)
{
    uint64_t z = e->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t
engine_random_below(struct lintel_engine *e, int64_t n)
{
    return n > 1 ? (int64_t)(engine_random(e) % (uint64_t)n) : 0;
}

void
engine_end_turn(struct lintel_engine *e)
{
    if (e->turn.at == NEVER)
        (void)lintel_timer_at(e->loop, &e->turn, lintel_loop_now(e->loop), e->turn.fn, e);
}

void
lintel_engine_on_state(struct lintel_engine *e, void (*fn)(void *ctx, struct lintel_live_thing *t),
                       void *ctx)
{
    e->on_state = fn;
    e->on_state_ctx = ctx;
}

void
lintel_engine_on_starved(struct lintel_engine *e, void (*fn)(void *ctx), void *ctx)
{
    e->on_starved = fn;
    e->on_starved_ctx = ctx;
}

int
lintel_live_thing_starved(const struct lintel_live_thing *t)
{
    return t->starved;
}

void
thing_starved(struct lintel_live_thing *t)
{
    const struct lintel_engine *e = t->bus->engine;
    t->starved = 1;
    if (e->on_starved != NULL)
        e->on_starved(e->on_starved_ctx);
}

void
thing_has_news(struct lintel_live_thing *t)
{
    struct lintel_engine *e = t->bus->engine;
    if (e->on_state == NULL || t->removed || !link_alone(&t->news))
        return;
    link_append(&e->news, &t->news);
    engine_end_turn(e);
}

/* ---- the list of things ---------------------------------------------------------------------- */

static void
close_gaps(struct lintel_engine *e)
{
    uint32_t to = 0;
    for (uint32_t from = 0; from < e->things_end; from++) {
        if (e->things[from] == NULL)
            continue;
        e->things[to] = e->things[from];
        e->things[to]->place = to;
        to++;
    }
    e->things_end = to;
}

int
engine_place_thing(struct lintel_engine *e, struct lintel_live_thing *t)
{
    if (e->things_end == e->things_room && e->nthings < e->things_end)
        close_gaps(e);
    if (e->things_end == e->things_room) {
        uint32_t room = e->things_room != 0 ? e->things_room * 2 : 64;
        struct lintel_live_thing **grown =
            lintel_grow(e->things, room, sizeof(struct lintel_live_thing *));
        if (grown == NULL)
            return -1;
        e->things = grown;
        e->things_room = room;
    }
    if (lintel_map_put(&e->by_id, t->conf->id, strlen(t->conf->id), t) != 0)
        return -1;
    t->place = e->things_end;
    e->things[e->things_end++] = t;
    e->nthings++;
    return 0;
}

void
engine_displace_thing(struct lintel_engine *e, struct lintel_live_thing *t)
{
    const char *id = t->conf->id;
    if (lintel_map_get(&e->by_id, id, strlen(id)) == t)
        lintel_map_take(&e->by_id, id, strlen(id));
    e->things[t->place] = NULL;
    e->nthings--;
    while (e->things_end > 0 && e->things[e->things_end - 1] == NULL)
        e->things_end--;
}

uint32_t
lintel_engine_nthings(const struct lintel_engine *e)
{
    return e->nthings;
}

struct lintel_live_thing *
lintel_engine_thing_at(struct lintel_engine *e, uint32_t i)
{
    if (i >= e->nthings)
        return NULL;
    if (e->nthings != e->things_end)
        close_gaps(e);
    return e->things[i];
}

struct lintel_live_thing *
lintel_engine_find_thing(struct lintel_engine *e, const char *id, size_t n)
{
    return lintel_map_get(&e->by_id, id, n);
}

struct lintel_bus *
lintel_engine_find_bus(struct lintel_engine *e, const char *name)
{
    for (uint32_t i = 0; i < e->nbuses; i++)
        if (strcmp(e->buses[i]->name, name) == 0)
            return e->buses[i];
    return NULL;
}

const struct lintel_bound *
lintel_engine_bound(const struct lintel_engine *e, lintel_point_id p)
{
    struct lintel_live_thing *t;
    uint32_t i;
    return engine_point(e, p, &t, &i) != NULL ? thing_bound(t, i) : NULL;
}

struct lintel_live_thing *
lintel_engine_thing_of(const struct lintel_engine *e, lintel_point_id p)
{
    struct lintel_live_thing *t;
    uint32_t i;
    return engine_point(e, p, &t, &i) != NULL ? t : NULL;
}
