/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/figures.h"

#include "core/engine/pace.h"

#define WINDOW_NS (300 * SECOND)
#define MS INT64_C(1000000)

/* ---- the window ------------------------------------------------------------------------------ */

static int64_t
busy_of(const struct lintel_bus *b, lintel_mono now)
{
    return b->busy_ns + (b->nopen != 0 ? now - b->busy_since : 0);
}

static void
move_marks(struct figures *f, uint32_t epoch, int64_t total)
{
    if (epoch == f->epoch)
        return;
    f->mark_old = epoch - f->epoch == 1 ? f->mark_new : total;
    f->mark_new = total;
    f->epoch = epoch;
}

void
figures_begin(struct lintel_bus *b)
{
    b->window_old = b->window_new = lintel_loop_now(b->engine->loop);
}

static void
move_window(struct lintel_bus *b, lintel_mono now)
{
    if (now - b->window_new < WINDOW_NS)
        return;
    b->window_old = b->window_new;
    b->window_new = now;
    move_marks(&b->figures, b->figures.epoch + 1, busy_of(b, now));
}

void
figures_time(struct lintel_live_thing *t, int64_t ns)
{
    move_window(t->bus, lintel_loop_now(t->bus->engine->loop));
    move_marks(&t->figures, t->bus->figures.epoch, t->figures.time_ns);
    t->figures.time_ns += ns;
}

static double
part(int64_t ns, int64_t of)
{
    return of > 0 && ns > 0 ? (double)ns / (double)of : 0;
}

double
figures_share(const struct lintel_live_thing *t)
{
    const struct lintel_bus *b = t->bus;
    const struct figures *f = &t->figures;
    uint32_t behind = b->figures.epoch - f->epoch;
    int64_t since = behind == 0 ? f->mark_old : behind == 1 ? f->mark_new : f->time_ns;
    return part(f->time_ns - since, lintel_loop_now(b->engine->loop) - b->window_old);
}

/* ---- latencies ------------------------------------------------------------------------------- */

/* The first bucket ends at 1 ms, each further one at twice the one before; the last has no end. */
static void
count_latency(uint32_t *buckets, int64_t ns)
{
    uint32_t at = 0;
    while (at < LINTEL_LATENCIES - 1 && ns > MS << at)
        at++;
    if (buckets[at] < UINT32_MAX)
        buckets[at]++;
}

void
figures_answered(struct lintel_live_thing *t, int64_t ns)
{
    count_latency(t->figures.latency, ns);
    count_latency(t->bus->figures.latency, ns);
}

int64_t
lintel_latency_below(const uint32_t buckets[LINTEL_LATENCIES], double part_of_all)
{
    uint64_t all = 0, below = 0;
    for (int i = 0; i < LINTEL_LATENCIES; i++)
        all += buckets[i];
    if (all == 0)
        return 0;
    double wanted = (double)all * part_of_all;
    for (int i = 0; i < LINTEL_LATENCIES; i++) {
        if (buckets[i] != 0 && (double)(below + buckets[i]) >= wanted) {
            int64_t from = i == 0 ? 0 : MS << (i - 1), to = MS << i;
            double within = (wanted - (double)below) / buckets[i];
            return from + (int64_t)((double)(to - from) * within);
        }
        below += buckets[i];
    }
    return MS << (LINTEL_LATENCIES - 1);
}

/* ---- cycles ---------------------------------------------------------------------------------- */

void
figures_polled(struct group *g, int64_t ns)
{
    g->cost_ns = g->cost_ns == 0 ? ns : g->cost_ns + (ns - g->cost_ns) / 8;
}

void
lintel_engine_bus_use(const struct lintel_engine *e, const struct lintel_bus *b,
                      struct lintel_bus_use *ret)
{
    lintel_mono now = lintel_loop_now(e->loop);
    *ret = (struct lintel_bus_use){
        .window_ns = now - b->window_old,
        .busy = part(busy_of(b, now) - b->figures.mark_old, now - b->window_old),
        .serial = b->most_open == 1,
        .retries = b->figures.retries,
        .latency = b->figures.latency,
    };
    for (struct link *l = b->things.next; l != &b->things; l = l->next) {
        const struct lintel_live_thing *t = OWNER(l, struct lintel_live_thing, on_bus);
        for (uint32_t k = 0; k < t->ngroups && !t->stale_all; k++) {
            const struct group *g = t->groups[k];
            if (g->poll_ns == 0 || g->n == 0)
                continue;
            ret->cycle_ns += g->cost_ns;
            ret->needs += part(g->cost_ns, g->poll_ns);
        }
    }
}
