/* SPDX-License-Identifier: Apache-2.0
 * One request of a thing: sent, and over. A thing has one under way at most. */
#include "core/engine/request.h"

#include "core/engine/figures.h"

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

void
thing_count_failure(struct lintel_live_thing *t, lintel_status status)
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
    figures_time(t, lintel_loop_now(b->engine->loop) - t->began);
    if (--b->nopen == 0)
        b->busy_ns += lintel_loop_now(b->engine->loop) - b->busy_since;
    thing_count_failure(t, status);
}
