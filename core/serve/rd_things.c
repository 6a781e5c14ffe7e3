/* SPDX-License-Identifier: Apache-2.0
 * Each thing of the hub is an endpoint of its own: found by what it is, with the same words as
 * devices that register themselves. It is told under its own address where it has one, else under
 * the hub's, below /d. `gw` says that a gateway answers, `state` how the device is. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/serve/hub.h"
#include "core/serve/links.h"
#include "core/serve/rd_inside.h"

#define AGAIN INT64_C(2000000000)
enum {
    THINGS_A_TURN = 64, /* told in one turn of the loop */
    TYPES_MOST = 16
};

struct lintel_rd_thing {
    struct lintel_rd_thing *next; /* in rd.news */
    struct lintel_live_thing *live;
    char *base; /* its own address; NULL: none */
    uint64_t id;
    const char *state; /* told last; NULL: not told yet */
    int queued, all;   /* all: not only the state */
    int complained;
};

static struct lintel_rd_thing *
find(const struct lintel_rd *rd, const char *id)
{
    return lintel_map_get(&rd->things, id, strlen(id));
}

/* ---- telling --------------------------------------------------------------------------------- */

static uint32_t
add_types(struct lintel_link_attr *attrs, const char *types, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n && count < TYPES_MOST;) {
        size_t length = 0;
        while (i + length < n && types[i + length] != ' ')
            length++;
        if (length != 0 && length <= LINTEL_REG_ATTR_MOST)
            attrs[count++] = (struct lintel_link_attr){lintel_str("et"), {types + i, length}};
        i += length + 1;
    }
    return count;
}

static void
complain(struct lintel_rd_thing *t, const char *reason)
{
    if (!t->complained)
        lintel_log(LINTEL_LOG_WARN, "directory", "%s is not shown as it is: %s",
                   lintel_live_thing_conf(t->live)->id, reason);
    t->complained = 1;
}

/* 0; -1: it has to be told again. */
static int
tell(struct lintel_rd *rd, struct lintel_rd_thing *t)
{
    const struct lintel_thing *conf = lintel_live_thing_conf(t->live);
    struct lintel_link_attr attrs[TYPES_MOST + 3];
    struct lintel_buf links = {0}, types = {0};
    char reason[LINTEL_REASON] = "out of memory";
    const char *state = lintel_thing_state(rd->tree->source.engine, t->live);
    if (lintel_thing_links(conf, t->base != NULL, LINTEL_REG_BYTES_MOST, LINTEL_REG_LINKS_MOST,
                           &links) != 0)
        complain(t, "it has more links than a registration may have; the last are left out");
    lintel_thing_types(conf, &types);
    uint32_t n = add_types(attrs, types.p, types.failed ? 0 : types.n);
    attrs[n++] = (struct lintel_link_attr){lintel_str("gw"), lintel_str(rd->tree->hub)};
    attrs[n++] = (struct lintel_link_attr){lintel_str("state"), lintel_str(state)};
    const struct lintel_reg_input in = {.ep = lintel_str(conf->id),
                                        .d = lintel_str(conf->zone),
                                        .base = lintel_str(t->base != NULL ? t->base : ""),
                                        .owner = lintel_str(""),
                                        .flags = LINTEL_REG_OWN,
                                        .attrs = attrs,
                                        .nattrs = n,
                                        .links = {links.p, links.n}};
    const struct lintel_registration *old = lintel_registry_find_name(rd->registry, in.ep, in.d);
    if (old != NULL && old->id != t->id) { /* a thing of the site goes before who took its name */
        uint64_t id = old->id;
        lintel_log(LINTEL_LOG_WARN, "directory",
                   "the endpoint %s was registered by somebody; it is a thing of this hub now",
                   conf->id);
        (void)lintel_registry_remove(rd->registry, id);
        (void)lintel_rd_keep(rd, id);
    }
    const struct lintel_registration *reg =
        links.failed ? NULL
                     : lintel_registry_put(rd->registry, &in, lintel_rd_now(rd), NULL, reason);
    if (reg != NULL) {
        t->id = reg->id;
        t->state = state;
        t->all = 0;
    } else {
        complain(t, reason);
    }
    lintel_buf_fini(&types);
    lintel_buf_fini(&links);
    return reg != NULL ? 0 : -1;
}

/* Only its state, where that is another one. */
static int
tell_state(struct lintel_rd *rd, struct lintel_rd_thing *t)
{
    const char *state = lintel_thing_state(rd->tree->source.engine, t->live);
    const struct lintel_link_attr attr = {lintel_str("state"), lintel_str(state)};
    const struct lintel_reg_update u = {.attrs = &attr, .nattrs = 1};
    char reason[LINTEL_REASON];
    if (t->state != NULL && strcmp(state, t->state) == 0)
        return 0;
    if (lintel_registry_update(rd->registry, t->id, &u, lintel_rd_now(rd), reason) != 0) {
        complain(t, reason);
        return -1;
    }
    t->state = state;
    return 0;
}

static void
append(struct lintel_rd *rd, struct lintel_rd_thing *t)
{
    t->queued = 1;
    t->next = NULL;
    *rd->last_news = t;
    rd->last_news = &t->next;
}

static void turn(void *ctx);

static void
run_in(struct lintel_rd *rd, int64_t pause)
{
    if (rd->news != NULL)
        (void)lintel_timer_at(rd->tree->source.loop, &rd->news_turn, lintel_rd_now(rd) + pause,
                              turn, rd);
}

/* What memory or the directory has no room for is told again, as there may be some then. */
static void
turn(void *ctx)
{
    struct lintel_rd *rd = ctx;
    int n = 0, failed = 0;
    for (; rd->news != NULL && n < THINGS_A_TURN; n++) {
        struct lintel_rd_thing *t = rd->news;
        rd->news = t->next;
        if (rd->news == NULL)
            rd->last_news = &rd->news;
        t->queued = 0;
        if ((t->all ? tell(rd, t) : tell_state(rd, t)) != 0) {
            failed++;
            append(rd, t);
        }
    }
    run_in(rd, failed == n ? AGAIN : 0);
}

static void
enqueue(struct lintel_rd *rd, struct lintel_rd_thing *t, int all)
{
    t->all |= all;
    if (!t->queued)
        append(rd, t);
    run_in(rd, 0);
}

static void
dequeue(struct lintel_rd *rd, struct lintel_rd_thing *t)
{
    struct lintel_rd_thing **at = &rd->news;
    if (!t->queued)
        return;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (rd->last_news == &t->next)
        rd->last_news = at;
}

/* ---- what is told to us ---------------------------------------------------------------------- */

static void
on_state(void *ctx, struct lintel_live_thing *live)
{
    struct lintel_rd *rd = ctx;
    struct lintel_rd_thing *t = find(rd, lintel_live_thing_conf(live)->id);
    if (t != NULL && t->live == live)
        enqueue(rd, t, 0);
}

static void
removed(struct lintel_rd *rd, const char *id)
{
    struct lintel_rd_thing *t = lintel_map_take(&rd->things, id, strlen(id));
    if (t == NULL)
        return;
    dequeue(rd, t);
    if (t->id != 0)
        (void)lintel_registry_remove(rd->registry, t->id);
    lintel_free(t->base);
    lintel_free(t);
}

void
lintel_rd_thing(struct lintel_rd *rd, struct lintel_live_thing *live, int added)
{
    const char *id = lintel_live_thing_conf(live)->id;
    lintel_engine_on_state(rd->tree->source.engine, on_state, rd);
    removed(rd, id);
    if (!added)
        return;
    struct lintel_rd_thing *t = lintel_alloc(sizeof *t);
    if (t == NULL || lintel_map_put(&rd->things, id, strlen(id), t) != 0) {
        lintel_log(LINTEL_LOG_ERROR, "directory", "%s is not in the directory: out of memory", id);
        lintel_free(t);
        return;
    }
    t->live = live;
    enqueue(rd, t, 1);
}

void
lintel_rd_thing_replaced(struct lintel_rd *rd, struct lintel_live_thing *live)
{
    struct lintel_rd_thing *t = find(rd, lintel_live_thing_conf(live)->id);
    if (t == NULL) {
        lintel_rd_thing(rd, live, 1);
        return;
    }
    t->live = live;
    t->complained = 0;
    enqueue(rd, t, 1);
}

void
lintel_rd_thing_base(struct lintel_rd *rd, const char *thing, const char *base)
{
    struct lintel_rd_thing *t = find(rd, thing);
    if (t == NULL)
        return;
    char *copy = base != NULL ? lintel_strdup(base) : NULL;
    if (base != NULL && copy == NULL)
        return; /* it stays reachable below /d */
    lintel_free(t->base);
    t->base = copy;
    enqueue(rd, t, 1);
}

void
lintel_rd_things_free(struct lintel_rd *rd)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(&rd->things, &it, &slot);) {
        struct lintel_rd_thing *t = slot->value;
        lintel_free(t->base);
        lintel_free(t);
    }
    lintel_map_fini(&rd->things);
    lintel_timer_stop(rd->tree->source.loop, &rd->news_turn);
    if (rd->tree->source.engine != NULL)
        lintel_engine_on_state(rd->tree->source.engine, NULL, NULL);
}
