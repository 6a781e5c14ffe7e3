/* SPDX-License-Identifier: Apache-2.0
 * Who is asked next. A device with something to send waits in one of two queues of its bus:
 * commands in the urgent one, polls in the other; both go round, one request for each turn, so that
 * no device waits for the long list of another. A device has one request under way at most. */
#include "core/engine/schedule.h"

#include "core/engine/command.h"
#include "core/engine/groups.h"
#include "core/engine/pace.h"
#include "core/engine/request.h"
#include "core/engine/values.h"

/* ---- what is sent ---------------------------------------------------------------------------- */

static int
send_group(struct lintel_live_thing *t, struct group *g, lintel_mono now)
{
    lintel_mono due = g->due;
    uint8_t spread = g->spread;
    group_settle(t, g);
    if (g->n == 0) { /* all its points rest */
        g->due = NEVER;
        return 0;
    }
    t->group = g;
    group_advance(t, g, now);
    int subscribe = g->poll_ns == 0;
    int64_t within =
        (t->seen != 0 || t->failures == 0 || subscribe ? REQUEST_NS : PROBE_NS) + g->n * POINT_NS;
    int rc = thing_submit(t, subscribe ? WORK_SUBSCRIBE : WORK_POLL,
                          subscribe ? LINTEL_OP_SUBSCRIBE : LINTEL_OP_READ, g->slots, g->n, NULL,
                          g->batch, within);
    if (rc != 0) {
        g->due = due;
        g->spread = spread;
    } else if (g->lost == LOST_TO_REPEAT) {
        g->lost = LOST_REPEATED;
        t->figures.retries++;
        t->bus->figures.retries++;
    }
    return rc;
}

/* A device in back-off is asked for one point. */
static int
send_probe(struct lintel_live_thing *t)
{
    struct group *subscribe = NULL;
    for (uint32_t k = 0; k < t->ngroups; k++) {
        struct group *g = t->groups[k];
        group_settle(t, g);
        if (g->n == 0)
            continue;
        if (g->poll_ns != 0) {
            t->probe_slot = g->slots[0];
            int rc =
                thing_submit(t, WORK_PROBE, LINTEL_OP_READ, &t->probe_slot, 1, NULL, 0, PROBE_NS);
            t->figures.retries += rc == 0;
            t->bus->figures.retries += rc == 0;
            return rc;
        }
        if (g->due != NEVER)
            subscribe = g;
    }
    t->retry = 0; /* nothing else can tell whether it is back: the next command will */
    return subscribe != NULL ? send_group(t, subscribe, 0) : 0;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static int
can_send(const struct lintel_live_thing *t)
{
    return t->bus->ready && t->told && !t->refused && !t->removed && t->work == WORK_NONE;
}

/* When the device has something to send; *ret_urgent: a command. */
static lintel_mono
next_send(struct lintel_live_thing *t, int *ret_urgent)
{
    lintel_mono at = NEVER;
    *ret_urgent = thing_has_command(t);
    if (*ret_urgent) {
        at = 0;
    } else if (t->retry != 0) {
        at = t->retry;
    } else {
        struct group *g = groups_first_due(t);
        at = g != NULL ? g->due : NEVER;
    }
    return at < t->hold ? t->hold : at;
}

void
thing_kick(struct lintel_live_thing *t)
{
    struct lintel_bus *b = t->bus;
    struct lintel_engine *e = b->engine;
    if (t->removed)
        return;
    int urgent = 0;
    lintel_mono now = lintel_loop_now(e->loop);
    lintel_mono send = can_send(t) ? next_send(t, &urgent) : NEVER;
    struct link *queue = send > now ? NULL : urgent ? &b->urgent : &b->polls;
    if (queue != t->queue) {
        link_take(&t->queued);
        if (queue != NULL)
            link_append(queue, &t->queued);
        t->queue = queue;
    }
    lintel_mono wake = t->stale_at, expire = commands_expire_at(t);
    if (queue == NULL && send < wake)
        wake = send;
    if (expire < wake)
        wake = expire;
    /* It is always armed, so that moving it never needs memory. */
    if (t->timer.slot == 0 || t->timer.at != wake)
        (void)lintel_timer_at(e->loop, &t->timer, wake, thing_wake, t);
    if (queue != NULL)
        bus_pump(b);
}

void
thing_wake(void *thing)
{
    struct lintel_live_thing *t = thing;
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    if (t->stale_at <= now)
        thing_age(t, now);
    commands_expire(t, now);
    thing_kick(t);
}

static int
dispatch(struct lintel_live_thing *t)
{
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    commands_expire(t, now);
    if (!can_send(t))
        return 0;
    if (thing_has_command(t))
        return command_submit(t);
    if (t->retry != 0)
        return t->retry <= now ? send_probe(t) : 0;
    struct group *g = groups_first_due(t);
    return g != NULL && g->due <= now ? send_group(t, g, now) : 0;
}

static void
pump_again(void *bus)
{
    bus_pump(bus);
}

void
bus_pump(struct lintel_bus *b)
{
    if (b->pumping)
        return;
    b->pumping = 1;
    while (b->ready && !b->held && b->nopen < b->most_open) {
        int polls_first = b->urgent_run >= URGENT_MOST && !link_alone(&b->polls);
        struct link *queue = link_alone(&b->urgent) || polls_first ? &b->polls : &b->urgent;
        if (link_alone(queue))
            break;
        struct lintel_live_thing *t = OWNER(queue->next, struct lintel_live_thing, queued);
        b->urgent_run = queue == &b->urgent ? b->urgent_run + 1 : 0;
        link_take(&t->queued);
        t->queue = NULL;
        int rc = dispatch(t);
        thing_kick(t);
        if (rc != 0) { /* the port has no room now; what was sent ends soon, or the timer tries */
            (void)lintel_timer_at(b->engine->loop, &b->again,
                                  lintel_loop_now(b->engine->loop) + AGAIN_NS / 4, pump_again, b);
            break;
        }
    }
    b->pumping = 0;
}
