/* SPDX-License-Identifier: Apache-2.0
 * Who is asked next. A device with something to send waits in one of two queues of its bus:
 * commands in the urgent one, polls in the other; both go round, one request for each turn, so that
 * no device waits for the long list of another. A device has one request under way at most. */
#include <string.h>

#include "core/engine/engine_priv.h"

/* ---- poll groups
 * ------------------------------------------------------------------------------------ */

struct period { /* one pace of a thing, while its groups are made */
    int64_t poll_ns;
    uint32_t n;
};

/* The pace at which a point is asked for; -1: not by itself; 0: it is subscribed. */
static int64_t
pace_of(const struct lintel_bound *b, int subscribed)
{
    if (!b->mapped || b->affordance->kind == LINTEL_K_ACTION)
        return -1;
    if (subscribed)
        return b->flags & LINTEL_P_NOTIFY ? 0 : -1;
    return b->flags & LINTEL_P_READ && b->poll_ns > 0 ? b->poll_ns : -1;
}

static int
add_group(struct lintel_live_thing *t, const struct period *pace, uint32_t *at, uint32_t n)
{
    struct group *g = lintel_alloc(sizeof *g + n * sizeof g->slots[0]);
    if (g == NULL)
        return -1;
    g->poll_ns = pace->poll_ns;
    g->batch = ++t->bus->batch != 0 ? t->bus->batch : ++t->bus->batch;
    for (; g->n < n; (*at)++)
        if (pace_of(thing_bound(t, *at), pace->poll_ns == 0) == pace->poll_ns)
            g->slots[g->n++] = t->first_slot + *at;
    g->spread = 1;
    t->groups[t->ngroups++] = g;
    return 0;
}

/* Finds the paces of the thing and how many points each has. -1: out of memory. */
static int
find_periods(const struct lintel_live_thing *t, struct period **ret, uint32_t *ret_n)
{
    struct period *list = NULL;
    uint32_t n = 0, room = 0, last = 0;
    for (int subscribed = 0; subscribed <= 1; subscribed++) {
        for (uint32_t i = 0; i < t->n; i++) {
            int64_t pace = pace_of(thing_bound(t, i), subscribed);
            if (pace < 0)
                continue;
            if (n == 0 || list[last].poll_ns != pace)
                for (last = 0; last < n && list[last].poll_ns != pace; last++)
                    ;
            if (last == n) {
                if (n == room) {
                    struct period *grown = lintel_grow(list, room += 4, sizeof *grown);
                    if (grown == NULL) {
                        lintel_free(list);
                        return -1;
                    }
                    list = grown;
                }
                list[n++] = (struct period){pace, 0};
            }
            list[last].n++;
        }
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

int
groups_make(struct lintel_live_thing *t)
{
    struct period *paces;
    uint32_t n, most = 0;
    int rc = -1;
    if (find_periods(t, &paces, &n) != 0)
        return -1;
    for (uint32_t k = 0; k < n; k++)
        most += (paces[k].n + GROUP_MOST - 1) / GROUP_MOST;
    t->groups = lintel_alloc_array(most, sizeof *t->groups);
    if (t->groups == NULL)
        goto out;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t chunks = (paces[k].n + GROUP_MOST - 1) / GROUP_MOST, at = 0;
        for (uint32_t left = paces[k].n; chunks > 0; chunks--) {
            uint32_t size = (left + chunks - 1) / chunks;
            if (add_group(t, &paces[k], &at, size) != 0)
                goto out;
            left -= size;
        }
    }
    rc = 0;
out:
    lintel_free(paces);
    return rc;
}

void
groups_due_now(struct lintel_live_thing *t, int subscriptions_too)
{
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    for (uint32_t k = 0; k < t->ngroups; k++) {
        struct group *g = t->groups[k];
        if (g->poll_ns == 0 && !subscriptions_too && g->due == NEVER)
            continue;
        g->due = now;
        g->spread = 1;
        g->again = 0;
    }
}

void
groups_point_rests(struct lintel_live_thing *t, uint32_t i)
{
    t->points[i].flags |= POINT_RESTS;
    for (uint32_t k = 0; k < t->ngroups; k++)
        t->groups[k]->changed = 1;
}

/* Leaves the resting points out, before the group is sent: never while its slots are in use. */
static void
group_settle(struct lintel_live_thing *t, struct group *g)
{
    if (!g->changed)
        return;
    uint32_t n = 0;
    for (uint32_t k = 0; k < g->n; k++)
        if (!(t->points[g->slots[k] - t->first_slot].flags & POINT_RESTS))
            g->slots[n++] = g->slots[k];
    if (n != g->n)
        g->batch = ++t->bus->batch != 0 ? t->bus->batch : ++t->bus->batch;
    g->n = n;
    g->changed = 0;
}

static struct group *
first_due(struct lintel_live_thing *t)
{
    struct group *first = NULL;
    for (uint32_t k = 0; k < t->ngroups; k++)
        if (first == NULL || t->groups[k]->due < first->due)
            first = t->groups[k];
    return first != NULL && first->due != NEVER ? first : NULL;
}

/* Polls that are overdue are skipped, not made up for. */
static void
group_advance(struct lintel_live_thing *t, struct group *g, lintel_mono now)
{
    if (g->poll_ns == 0)
        return;
    if (g->spread) { /* the first poll comes at once; from here on each group has a phase of its own */
        g->spread = 0;
        g->due = now + 1 + engine_random_below(t->bus->engine, g->poll_ns);
        if (g->poll_ns >= PHASES_LEAST * PHASE_NS) /* in step with others, to wake up less often */
            g->due += PHASE_NS - 1 - (g->due - 1) % PHASE_NS;
        return;
    }
    g->due += g->poll_ns;
    if (g->due <= now)
        g->due += ((now - g->due) / g->poll_ns + 1) * g->poll_ns;
}

/* ---- one request
 * ------------------------------------------------------------------------------------ */

int
thing_submit(struct lintel_live_thing *t, enum work work, enum lintel_op_kind kind,
             const uint32_t *slots, uint32_t n, const lintel_value *values, uint32_t batch,
             int64_t within)
{
    struct lintel_bus *b = t->bus;
    lintel_mono now = lintel_loop_now(b->engine->loop);
    t->op = (struct lintel_op){.kind = kind,
                               .n = n,
                               .slots = slots,
                               .values = values,
                               .deadline = now + within,
                               .batch = batch};
    t->work = (uint8_t)work;
    t->began = now;
    if (b->nopen++ == 0)
        b->busy_since = now;
    b->requests++;
    t->requests++;
    if (b->port.submit(b->port.ctx, &t->op) == 0)
        return 0;
    t->work = WORK_NONE;
    b->nopen--;
    b->requests--;
    t->requests--;
    return -1;
}

static void
count_failure(struct lintel_live_thing *t, lintel_status status)
{
    int timeout = status == LINTEL_E_TIMEOUT, error = status != LINTEL_OK && !timeout;
    t->bus->timeouts += (unsigned)timeout;
    t->timeouts += (unsigned)timeout;
    t->bus->errors += (unsigned)error;
    t->errors += (unsigned)error;
}

void
thing_op_over(struct lintel_live_thing *t, lintel_status status)
{
    struct lintel_bus *b = t->bus;
    t->work = WORK_NONE;
    if (--b->nopen == 0)
        b->busy_ns += lintel_loop_now(b->engine->loop) - b->busy_since;
    count_failure(t, status);
}

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
            return thing_submit(t, WORK_PROBE, LINTEL_OP_READ, &t->probe_slot, 1, NULL, 0,
                                PROBE_NS);
        }
        if (g->due != NEVER)
            subscribe = g;
    }
    t->retry = 0; /* nothing else can tell whether it is back: the next command will */
    return subscribe != NULL ? send_group(t, subscribe, 0) : 0;
}

/* ---- queues
 * ----------------------------------------------------------------------------------------- */

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
        struct group *g = first_due(t);
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
    struct group *g = first_due(t);
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
    while (b->ready && b->nopen < b->most_open) {
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

/* ---- answers
 * ---------------------------------------------------------------------------------------- */

/* What an answer says about the device as a whole. heard: samples that came from the device itself.
 */
static void
judge_device(struct lintel_live_thing *t, lintel_status status, const lintel_sample *s, uint32_t n,
             uint32_t heard, int64_t cost)
{
    lintel_wall wall = lintel_loop_wall(t->bus->engine->loop);
    switch (status) {
    case LINTEL_OK:
        if (heard == 0 && n > 0) {
            count_failure(t, s[0].status);
            thing_failed(t, s[0].status, s[0].detail, cost);
        } else if (heard != 0) {
            thing_answered(t, 1, wall);
        }
        return;
    case LINTEL_E_BUSY:
    case LINTEL_E_CANCELLED: return;
    case LINTEL_E_TIMEOUT:
    case LINTEL_E_LINK:
    case LINTEL_E_PROTO:
    case LINTEL_E_FAIL:
    case LINTEL_E_NOMEM:
    case LINTEL_E_CONFIG: thing_failed(t, status, NULL, cost); return;
    default: thing_answered(t, 1, wall);
    }
}

static void
polled(struct lintel_live_thing *t, enum work work, lintel_status status, const lintel_sample *s,
       uint32_t n, int64_t cost)
{
    struct group *g = work == WORK_POLL ? t->group : NULL;
    uint32_t heard = 0;
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    if (status == LINTEL_E_BUSY && g != NULL && !g->again) {
        g->again = 1;
        g->due = now;
        t->hold = now + AGAIN_NS;
        return;
    }
    if (g != NULL)
        g->again = 0;
    else
        t->retry = now + BACKOFF_FIRST_NS; /* unless the judgement says better */
    if (status == LINTEL_OK) {
        heard = samples_of_op(t, &t->op, s, n);
    } else if (status <= LINTEL_E_ADDRESS && !status_is_silence(status) &&
               status != LINTEL_E_CANCELLED && status != LINTEL_E_BUSY) {
        for (uint32_t k = 0; k < t->op.n; k++) {
            uint32_t i = t->op.slots[k] - t->first_slot;
            if (!(t->points[i].flags & POINT_RESTS)) /* it has its own reason */
                point_judge(t, i, LINTEL_QUALITY_BAD, status, 0, NULL);
        }
        if (status == LINTEL_E_ADDRESS && t->op.n == 1)
            groups_point_rests(t, t->op.slots[0] - t->first_slot);
    }
    judge_device(t, status, s, n, heard, cost);
}

static void
subscribed(struct lintel_live_thing *t, lintel_status status, const lintel_sample *s, uint32_t n,
           int64_t cost)
{
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    if (status == LINTEL_OK) {
        for (uint32_t k = 0; k < n; k++) { /* points that the source refused */
            uint32_t slot = s[k].point;
            if (s[k].status != LINTEL_OK && slot >= t->first_slot && slot - t->first_slot < t->n)
                point_judge(t, slot - t->first_slot, LINTEL_QUALITY_BAD, s[k].status, 0,
                            s[k].detail);
        }
        t->group->due = NEVER;
        thing_answered(t, 0, t->seen);
    } else if (status == LINTEL_E_BUSY || status == LINTEL_E_CANCELLED) {
        t->hold = now + AGAIN_NS;
    } else if (status == LINTEL_E_NOTSUP || status == LINTEL_E_DENIED) {
        for (uint32_t k = 0; k < t->group->n; k++)
            point_judge(t, t->group->slots[k] - t->first_slot, LINTEL_QUALITY_BAD, status, 0, NULL);
        t->group->due = NEVER;
    } else {
        thing_failed(t, status, NULL, cost);
    }
}

void
lintel_engine_complete(struct lintel_engine *e, struct lintel_bus *b, struct lintel_op *op,
                       lintel_status status, const lintel_sample *samples, uint32_t n)
{
    struct lintel_live_thing *t = OWNER(op, struct lintel_live_thing, op);
    enum work work = (enum work)t->work;
    LINTEL_ASSERT(work != WORK_NONE); /* the port gives each op back once */
    int64_t cost = lintel_loop_now(e->loop) - t->began;
    if (status != LINTEL_OK)
        n = 0;
    thing_op_over(t, status);
    if (t->removed) {
        thing_bury(t);
    } else {
        if (work == WORK_COMMAND) {
            uint32_t heard = 0;
            for (uint32_t k = 0; k < n; k++)
                heard += !status_is_silence(samples[k].status);
            /* A device that speaks by itself may sleep when it is asked: it is not away for that.
             */
            if (heard != 0 || !(b->plugin->flags & LINTEL_PLUGIN_PUSH))
                judge_device(t, status, samples, n, heard, cost);
            command_done(t, status, samples, n);
        } else if (work == WORK_SUBSCRIBE) {
            subscribed(t, status, samples, n, cost);
        } else {
            polled(t, work, status, samples, n, cost);
        }
        thing_kick(t);
    }
    bus_pump(b);
}
