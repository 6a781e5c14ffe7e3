/* SPDX-License-Identifier: Apache-2.0
 * What the port tells of points: the end of a request, and what came unasked. The samples become
 * values; what they say about the device as a whole decides how it is asked from here on. */
#include "core/engine/command.h"
#include "core/engine/device.h"
#include "core/engine/figures.h"
#include "core/engine/groups.h"
#include "core/engine/guest.h"
#include "core/engine/pace.h"
#include "core/engine/request.h"
#include "core/engine/samples.h"
#include "core/engine/schedule.h"
#include "core/engine/values.h"

/* The first sample of which nothing was heard; NULL: there is none. */
static const lintel_sample *
first_silent(const lintel_sample *s, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (status_is_silence(s[k].status))
            return &s[k];
    return NULL;
}

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
            thing_count_failure(t, s[0].status);
            thing_failed(t, s[0].status, s[0].detail, cost);
        } else if (heard != 0) {
            const lintel_sample *silent = heard < n ? first_silent(s, n) : NULL;
            if (silent != NULL)
                thing_count_failure(t, silent->status);
            figures_answered(t, cost);
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
    default: figures_answered(t, cost); thing_answered(t, 1, wall);
    }
}

/* An answer that lacks something is asked for once more, soon and whole; a device of which nothing
 * was heard is first asked for one point. */
static void
judge_poll(struct lintel_live_thing *t, struct group *g, lintel_status status, int silent,
           int64_t cost)
{
    lintel_mono soon = lintel_loop_now(t->bus->engine->loop) + BACKOFF_FIRST_NS;
    if (silent && g->lost == LOST_NOTHING && g->poll_ns != 0) {
        g->lost = LOST_TO_REPEAT;
        g->due = g->due < soon ? g->due : soon;
    } else if (!silent && status == LINTEL_OK) {
        g->lost = LOST_NOTHING;
        figures_polled(g, cost);
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
        t->forgiving = g != NULL && g->lost == LOST_NOTHING && t->failures == 0 && !t->stale_all;
        heard = samples_of_op(t, &t->op, s, n);
        t->forgiving = 0;
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
    if (g != NULL)
        judge_poll(t, g, status, status_is_silence(status) || first_silent(s, n) != NULL, cost);
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
    if (guest_complete(b, op, status, samples, n))
        return;
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

/* After the samples of one thing. */
static void
heard(struct lintel_live_thing *t, int valid, lintel_wall wall)
{
    if (t == NULL)
        return;
    if (valid)
        thing_answered(t, 0, wall);
    thing_kick(t);
}

void
lintel_engine_publish(struct lintel_engine *e, struct lintel_bus *b, const lintel_sample *samples,
                      uint32_t n)
{
    struct sample_run run;
    struct lintel_live_thing *last = NULL;
    int valid = 0;
    (void)e;
    samples_begin(&run, b);
    for (int sources = b->nsourced != 0; sources >= 0; sources--) {
        for (uint32_t k = 0; k < n; k++) {
            uint32_t slot = samples[k].point;
            struct lintel_live_thing *t = slot < b->slots_room ? b->by_slot[slot] : NULL;
            uint32_t i = t != NULL ? slot - t->first_slot : 0;
            if (t == NULL || t->removed || thing_bound(t, i)->affordance->kind == LINTEL_K_ACTION) {
                if (sources == 0 && !(t == NULL && guest_publish(b, &samples[k])))
                    b->dropped++;
                continue;
            }
            if (((t->points[i].flags & POINT_SOURCE) != 0) != sources)
                continue;
            if (t != last) {
                heard(last, valid, run.wall);
                last = t;
                valid = 0;
            }
            sample_apply(&run, t, i, &samples[k]);
            valid |= samples[k].status == LINTEL_OK;
        }
    }
    samples_end(&run);
    heard(last, valid, run.wall);
}
