/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/slots.h"

#include <string.h>

#include "core/base/mem.h"

enum { ROOM_FIRST = 64, EPOCH_FIRST = 2 };

void
lintel_slots_fini(struct lintel_slots *s)
{
    lintel_free(s->at);
    *s = (struct lintel_slots){0};
}

void
lintel_slots_reset(struct lintel_slots *s)
{
    if (s->n != 0)
        memset(s->at, 0, s->n * sizeof *s->at);
}

int
lintel_slots_need(struct lintel_slots *s, uint32_t slot)
{
    if (slot < s->n)
        return 0;
    uint32_t n = s->n ? s->n : ROOM_FIRST;
    while (n <= slot)
        n *= 2;
    struct lintel_slot *at = lintel_grow(s->at, n, sizeof *at);
    if (at == NULL)
        return -1;
    memset(at + s->n, 0, (n - s->n) * sizeof *at);
    s->at = at;
    s->n = n;
    return 0;
}

void
lintel_slots_bind(struct lintel_slots *s, uint32_t slot)
{
    s->at[slot].mark = 1;
}

void
lintel_slots_unbind(struct lintel_slots *s, uint32_t slot)
{
    s->at[slot].mark = 0;
    s->at[slot].leaving++;
}

int
lintel_slots_unbound(struct lintel_slots *s, uint32_t slot)
{
    if (slot >= s->n || s->at[slot].leaving == 0)
        return -1;
    s->at[slot].leaving--;
    return 0;
}

enum lintel_slot_is
lintel_slots_look(const struct lintel_slots *s, uint32_t slot)
{
    if (slot >= s->n)
        return LINTEL_SLOT_UNKNOWN;
    if (s->at[slot].leaving != 0)
        return LINTEL_SLOT_PAST;
    return s->at[slot].mark != 0 ? LINTEL_SLOT_BOUND : LINTEL_SLOT_UNKNOWN;
}

void
lintel_slots_ask(struct lintel_slots *s, const uint32_t *slots, uint32_t n)
{
    if (++s->epoch < EPOCH_FIRST) { /* after 2^32 answers old marks would look new */
        s->epoch = EPOCH_FIRST;
        for (uint32_t k = 0; k < s->n; k++)
            s->at[k].mark = s->at[k].mark != 0;
    }
    for (uint32_t k = 0; k < n; k++)
        if (lintel_slots_look(s, slots[k]) == LINTEL_SLOT_BOUND)
            s->at[slots[k]].mark = s->epoch;
}

int
lintel_slots_take(struct lintel_slots *s, uint32_t slot)
{
    if (lintel_slots_look(s, slot) != LINTEL_SLOT_BOUND || s->at[slot].mark != s->epoch)
        return 0;
    s->at[slot].mark = 1;
    return 1;
}
