/* SPDX-License-Identifier: Apache-2.0
 * The life of a thing: added, told to its plugin, silent and back again, removed. */
#include "core/engine/device.h"

#include <string.h>

#include "core/base/log.h"
#include "core/engine/command.h"
#include "core/engine/figures.h"
#include "core/engine/groups.h"
#include "core/engine/guest.h"
#include "core/engine/pace.h"
#include "core/engine/schedule.h"
#include "core/engine/subscribe_priv.h"
#include "core/engine/values.h"

/* ---- adding and removing --------------------------------------------------------------------- */

static int
find_sources(struct lintel_live_thing *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        int32_t from = thing_bound(t, i)->scale_from;
        if (from < 0 || (uint32_t)from >= t->n || t->points[from].flags & POINT_SOURCE)
            continue;
        struct scale_source *grown = lintel_grow(t->sources, t->nsources + 1, sizeof *grown);
        if (grown == NULL)
            return -1;
        t->sources = grown;
        t->sources[t->nsources++] = (struct scale_source){.index = (uint32_t)from};
        t->points[from].flags |= POINT_SOURCE;
    }
    return 0;
}

static int
grow_table(struct lintel_live_thing ***table, uint32_t *room, uint32_t end)
{
    if (end <= *room)
        return 0;
    uint32_t want = *room < 64 ? 64 : *room;
    while (want < end)
        want *= 2;
    struct lintel_live_thing **grown =
        lintel_grow(*table, want, sizeof(struct lintel_live_thing *));
    if (grown == NULL)
        return -1;
    memset(grown + *room, 0, (want - *room) * sizeof(struct lintel_live_thing *));
    *table = grown;
    *room = want;
    return 0;
}

/* Numbers for the thing: its points in the hub, its slots and its device on the bus. */
static int
take_numbers(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    struct lintel_engine *e = b->engine;
    if (ranges_take(&e->points, t->n, &t->first) != 0)
        return -1;
    if (ranges_take(&b->slots, t->n, &t->first_slot) == 0) {
        if (ranges_take(&b->devices, 1, &t->device) == 0) {
            if (grow_table(&e->by_point, &e->points_room, t->first + t->n) == 0 &&
                grow_table(&b->by_slot, &b->slots_room, t->first_slot + t->n) == 0 &&
                grow_table(&b->by_device, &b->devices_room, t->device + 1) == 0)
                return 0;
            ranges_give(&b->devices, t->device, 1);
        }
        ranges_give(&b->slots, t->first_slot, t->n);
    }
    ranges_give(&e->points, t->first, t->n);
    return -1;
}

static void
give_numbers(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    for (uint32_t i = 0; i < t->n; i++)
        b->by_slot[t->first_slot + i] = NULL;
    b->by_device[t->device] = NULL;
    ranges_give(&b->devices, t->device, 1);
    ranges_give(&b->slots, t->first_slot, t->n);
    ranges_give(&b->engine->points, t->first, t->n);
}

static uint32_t
mapped_points(const struct lintel_live_thing *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++)
        n += thing_bound(t, i)->mapped != 0;
    return n;
}

struct lintel_live_thing *
thing_add(struct lintel_bus *b, struct lintel_site *site, const struct lintel_thing *conf)
{
    struct lintel_engine *e = b->engine;
    uint32_t n = conf->profile->n;
    struct lintel_live_thing *t = lintel_alloc(sizeof *t + n * sizeof t->points[0]);
    if (t == NULL)
        return NULL;
    t->conf = conf;
    t->bus = b;
    t->n = n;
    t->stale_at = NEVER;
    link_init(&t->queued);
    link_init(&t->commands);
    link_init(&t->on_bus);
    link_init(&t->news);
    if (find_sources(t) != 0 || groups_make(t) != 0 || take_numbers(t) != 0) {
        thing_free(t);
        return NULL;
    }
    /* Slots were counted from 0 while the thing had none yet. */
    for (uint32_t g = 0; g < t->ngroups; g++)
        for (uint32_t k = 0; k < t->groups[g]->n; k++)
            t->groups[g]->slots[k] += t->first_slot;
    if (lintel_timer_at(e->loop, &t->timer, NEVER, thing_wake, t) != 0 ||
        engine_place_thing(e, t) != 0) {
        lintel_timer_stop(e->loop, &t->timer);
        give_numbers(t);
        thing_free(t);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        e->by_point[t->first + i] = t;
        b->by_slot[t->first_slot + i] = t;
    }
    b->by_device[t->device] = t;
    link_append(&b->things, &t->on_bus);
    b->nthings++;
    b->npoints += mapped_points(t);
    b->nsourced += t->nsources != 0;
    t->site = site;
    if (site != NULL)
        lintel_site_ref(site);
    return t;
}

void
thing_begin(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    if (b->ready) {
        thing_tell(t);
        groups_due_now(t, 1);
        thing_kick(t);
    } else if (b->link != LINTEL_OK) {
        thing_stale(t, b->link, POINT_WHY_BUS);
    }
}

struct lintel_live_thing *
lintel_engine_add_thing(struct lintel_engine *e, struct lintel_bus *b, struct lintel_site *site,
                        const struct lintel_thing *conf)
{
    struct lintel_live_thing *t = thing_add(b, site, conf);
    (void)e;
    if (t != NULL)
        thing_begin(t);
    return t;
}

void
thing_renew(struct lintel_live_thing *t)
{
    t->announced = 0;
    if (t->refused) {
        t->refused = 0;
        t->status = LINTEL_OK;
        thing_set_detail(&t->detail, NULL);
    }
    groups_renew(t);
}

void
thing_free(struct lintel_live_thing *t)
{
    groups_free(t->groups, t->ngroups);
    lintel_free(t->sources);
    lintel_free(t->detail);
    lintel_site_unref(t->site);
    lintel_free(t);
}

void
thing_remove(struct lintel_live_thing *t, int how)
{
    struct lintel_bus *b = t->bus;
    struct lintel_engine *e = b->engine;
    LINTEL_ASSERT(!t->removed);
    subscriptions_gone(t, how);
    t->removed = 1;
    link_take(&t->queued);
    link_take(&t->news);
    t->queue = NULL;
    lintel_timer_stop(e->loop, &t->timer);
    engine_displace_thing(e, t);
    for (uint32_t i = 0; i < t->n; i++) {
        point_fini(t, i);
        e->by_point[t->first + i] = NULL;
    }
    commands_fail(t, LINTEL_E_CANCELLED,
                  how == LINTEL_REPLACED ? "the thing was changed; ask again"
                                         : "the thing was removed");
    b->nthings--;
    b->npoints -= mapped_points(t);
    b->nsourced -= t->nsources != 0;
    b->down -= t->stale_all;
    link_take(&t->on_bus);
    link_append(&b->ghosts, &t->on_bus);
    if (t->work == WORK_NONE)
        thing_bury(t);
    else if (b->port.cancel != NULL)
        b->port.cancel(b->port.ctx, &t->op);
}

void
lintel_engine_remove_thing(struct lintel_engine *e, struct lintel_live_thing *t)
{
    (void)e;
    thing_remove(t, LINTEL_GONE);
}

void
thing_bury(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    if (t->told) {
        for (uint32_t i = 0; i < t->n; i++)
            if (thing_bound(t, i)->mapped)
                b->port.unbind(b->port.ctx, t->first_slot + i);
        b->port.detach(b->port.ctx, t->device);
        t->told = 0;
    }
    command_drop(t);
    give_numbers(t);
    link_take(&t->on_bus);
    link_append(&b->engine->graves, &t->on_bus);
    engine_end_turn(b->engine);
}

/* ---- the plugin is told ---------------------------------------------------------------------- */

void
thing_tell(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    if (t->starved) { /* what rests for want of memory shall not rest for ever */
        t->starved = 0;
        thing_renew(t);
    }
    t->refused = 0;
    t->told = 1;
    if (b->port.attach(b->port.ctx, t->device, t->conf) != 0) {
        thing_refuse(t, LINTEL_E_NOMEM, "no memory for this device");
        return;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        const struct lintel_bound *bound = thing_bound(t, i);
        char name[256];
        if (!bound->mapped)
            continue;
        lintel_format(name, sizeof name, "%s/%s", t->conf->id, bound->affordance->path);
        if (b->port.bind(b->port.ctx, t->first_slot + i, t->device, bound, name) != 0) {
            groups_point_rests(t, i);
            point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_E_NOMEM, 0, "no memory for this point");
            thing_starved(t);
        }
    }
}

void
thing_set_detail(char **detail, const char *text)
{
    if (text != NULL && *detail != NULL && strcmp(*detail, text) == 0)
        return;
    lintel_free(*detail);
    *detail = text != NULL && *text != '\0' ? lintel_strndup(text, strnlen(text, LINTEL_REASON - 1))
                                            : NULL;
}

void
thing_refuse(struct lintel_live_thing *t, lintel_status status, const char *detail)
{
    t->refused = 1;
    thing_has_news(t);
    t->status = status;
    thing_set_detail(&t->detail, detail);
    lintel_log(LINTEL_LOG_ERROR, t->bus->name, "%s rests: %s", t->conf->id,
               t->detail != NULL ? t->detail : status_text(status));
    for (uint32_t i = 0; i < t->n; i++)
        if (thing_bound(t, i)->mapped)
            point_judge(t, i, LINTEL_QUALITY_BAD, status, POINT_WHY_DEVICE, NULL);
    commands_fail(t, status, t->detail);
    if (status == LINTEL_E_NOMEM)
        thing_starved(t);
    thing_kick(t);
}

void
lintel_engine_refused_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                             lintel_status status, const char *detail)
{
    struct lintel_live_thing *t = device < b->devices_room ? b->by_device[device] : NULL;
    (void)e;
    if (t == NULL && guest_refused(b, 1, device, status, detail))
        return;
    if (t != NULL && !t->removed)
        thing_refuse(t, status, detail);
}

void
lintel_engine_refused_point(struct lintel_engine *e, struct lintel_bus *b, uint32_t slot,
                            lintel_status status, const char *detail)
{
    struct lintel_live_thing *t = slot < b->slots_room ? b->by_slot[slot] : NULL;
    (void)e;
    if (t == NULL && guest_refused(b, 0, slot, status, detail))
        return;
    if (t == NULL || t->removed)
        return;
    uint32_t i = slot - t->first_slot;
    groups_point_rests(t, i);
    point_judge(t, i, LINTEL_QUALITY_BAD, status, 0, detail);
    lintel_log(LINTEL_LOG_ERROR, b->name, "%s/%s rests: %s", t->conf->id,
               thing_bound(t, i)->affordance->path,
               detail != NULL && *detail != '\0' ? detail : status_text(status));
    if (status == LINTEL_E_NOMEM)
        thing_starved(t);
    thing_kick(t);
}

/* ---- silence and return ---------------------------------------------------------------------- */

void
thing_stale(struct lintel_live_thing *t, lintel_status status, uint8_t why)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct lintel_bound *bound = thing_bound(t, i);
        struct point *p = &t->points[i];
        int never_came = p->quality == LINTEL_QUALITY_INITIAL;
        if (!bound->mapped || p->flags & POINT_RESTS ||
            (never_came && bound->affordance->kind != LINTEL_K_PROPERTY) ||
            (bound->flags & (LINTEL_P_READ | LINTEL_P_NOTIFY)) == 0)
            continue;
        point_judge(t, i, LINTEL_QUALITY_STALE, status, why, NULL);
    }
}

static void
gone_silent(struct lintel_live_thing *t, lintel_status status)
{
    thing_has_news(t);
    if (!t->stale_all) {
        t->stale_all = 1;
        t->down_since = lintel_loop_now(t->bus->engine->loop);
        t->bus->down++;
        /* One line about a lost connection is enough. */
        t->logged = status != LINTEL_E_LINK || t->bus->link == LINTEL_OK;
        if (t->logged)
            lintel_log(LINTEL_LOG_WARN, t->bus->name, "%s is away: %s", t->conf->id,
                       t->detail != NULL ? t->detail : status_text(status));
    }
    thing_stale(t, status, POINT_WHY_DEVICE);
}

static int64_t
back_off(struct lintel_live_thing *t, int64_t cost)
{
    uint32_t doublings = t->failures < 7 ? t->failures - 1 : 6;
    int64_t delay = BACKOFF_FIRST_NS << doublings;
    int64_t most = t->status == LINTEL_E_LINK ? BACKOFF_LINK_MOST_NS : BACKOFF_MOST_NS;
    if (delay > most)
        delay = most;
    int64_t least = delay - delay / 4;
    /* Alone on its bus, it takes no time from others. */
    if (t->stale_all && t->bus->nthings > 1 && least < cost * BACKOFF_SHARE)
        least = cost * BACKOFF_SHARE;
    if (least > most - most / 10)
        least = most - most / 10;
    /* Little jitter where the share rules: what comes back is to be found within the minute. */
    if (delay < least + least / 50)
        delay = least + least / 50;
    return least + engine_random_below(t->bus->engine, delay - least + 1);
}

/* One lost answer is forgiven: the device is asked again soon, for one point, and only that once.
 */
void
thing_failed(struct lintel_live_thing *t, lintel_status status, const char *detail, int64_t cost)
{
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    if (t->failures < UINT32_MAX)
        t->failures++;
    t->status = status;
    thing_has_news(t);
    thing_set_detail(&t->detail, detail);
    if (t->failures > 1 || t->stale_all)
        gone_silent(t, status);
    int64_t delay = back_off(t, cost);
    t->retry = now + delay;
    t->spared = now + (cost * COMMAND_SHARE < delay ? cost * COMMAND_SHARE : delay);
}

void
thing_answered(struct lintel_live_thing *t, int itself, lintel_wall wall)
{
    t->seen = wall;
    if (itself)
        t->announced = 0;
    if (t->announced || (t->failures == 0 && !t->stale_all))
        return;
    t->failures = 0;
    t->retry = t->spared = 0;
    t->status = LINTEL_OK;
    thing_has_news(t);
    if (!t->stale_all) {
        thing_set_detail(&t->detail, NULL);
        return;
    }
    t->stale_all = 0;
    t->bus->down--;
    if (t->logged)
        lintel_log(LINTEL_LOG_INFO, t->bus->name, "%s is back", t->conf->id);
    t->logged = 0;
    groups_due_now(t, 0);
}

/* The plugin has other means of knowing whether the device is there. */
void
thing_announced(struct lintel_live_thing *t, lintel_status status, const char *detail)
{
    if (status != LINTEL_OK) {
        t->announced = 1;
        t->status = status;
        t->failures += t->failures == 0;
        thing_set_detail(&t->detail, detail);
        gone_silent(t, status);
        t->retry = lintel_loop_now(t->bus->engine->loop) + back_off(t, 0);
        t->spared = 0;
    } else {
        /* What came while it was away is as new as can be. */
        for (uint32_t i = 0; t->announced && i < t->n; i++) {
            struct point *p = &t->points[i];
            if (p->quality == LINTEL_QUALITY_STALE && p->flags & POINT_WHY_DEVICE &&
                p->refreshed != 0 && p->refreshed >= t->down_since)
                point_judge(t, i, LINTEL_QUALITY_GOOD, LINTEL_OK, 0, NULL);
        }
        t->announced = 0;
        thing_answered(t, 0, lintel_loop_wall(t->bus->engine->loop));
    }
    thing_kick(t);
}

void
lintel_engine_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                     lintel_status status, const char *detail)
{
    struct lintel_live_thing *t = device < b->devices_room ? b->by_device[device] : NULL;
    (void)e;
    if (t != NULL && !t->removed)
        thing_announced(t, status, detail);
}

/* ---- looking --------------------------------------------------------------------------------- */

const struct lintel_thing *
lintel_live_thing_conf(const struct lintel_live_thing *t)
{
    return t->conf;
}

struct lintel_bus *
lintel_live_thing_bus(const struct lintel_live_thing *t)
{
    return t->bus;
}

lintel_point_id
lintel_live_thing_point(const struct lintel_live_thing *t, uint32_t i)
{
    return i < t->n ? t->first + i : LINTEL_NO_POINT;
}

void
lintel_engine_device_stats(const struct lintel_engine *e, const struct lintel_live_thing *t,
                           struct lintel_device_stats *ret)
{
    (void)e;
    *ret = (struct lintel_device_stats){
        .reachable = t->failures == 0 && !t->stale_all && !t->refused && t->bus->ready,
        .retry = t->retry,
        .seen = t->seen,
        .failures = t->failures,
        .status = t->status,
        .detail = t->detail != NULL ? t->detail : status_text(t->status),
        .requests = t->requests,
        .timeouts = t->timeouts,
        .errors = t->errors,
        .retries = t->figures.retries,
        .time_ns = t->figures.time_ns,
        .share = figures_share(t),
        .latency = t->figures.latency,
    };
}
