/* SPDX-License-Identifier: Apache-2.0
 * Which points an instance has, as the hub knows it: by slot, the id of a point on the wire. A slot
 * is given to another point while values of the old one may still be on their way. So each
 * unbinding is answered by the instance, in the order of its values; until all answers of a slot
 * have come, what arrives for it is of the past. */
#ifndef LINTEL_PLUG_SLOTS_H
#define LINTEL_PLUG_SLOTS_H
#include <stdint.h>

struct lintel_slots { /* {0} is a fresh one */
    struct lintel_slot {
        uint32_t mark;    /* 0: not bound; else 1, or the epoch of the answer that is looked at */
        uint32_t leaving; /* unbindings that were not answered yet */
    } * at;
    uint32_t n, epoch;
};
enum lintel_slot_is {
    LINTEL_SLOT_UNKNOWN, /* nobody has asked for it */
    LINTEL_SLOT_PAST,    /* of a binding that goes: its values are dropped in silence */
    LINTEL_SLOT_BOUND
};
void lintel_slots_fini(struct lintel_slots *s);
void lintel_slots_reset(struct lintel_slots *s); /* the instance is gone: nothing is on its way */
/* Room for a slot, so that nothing can fail once the instance was told. -1: out of memory. */
int lintel_slots_need(struct lintel_slots *s, uint32_t slot);
/* The instance was told to bind it, or to unbind it. */
void lintel_slots_bind(struct lintel_slots *s, uint32_t slot);
void lintel_slots_unbind(struct lintel_slots *s, uint32_t slot);
/* The instance's answer. -1: to nothing. */
int lintel_slots_unbound(struct lintel_slots *s, uint32_t slot);
enum lintel_slot_is lintel_slots_look(const struct lintel_slots *s, uint32_t slot);
/* For an answer: first the points that were asked for, then each point of the answer. _take is 1
 * once for each slot that was asked for and is bound. */
void lintel_slots_ask(struct lintel_slots *s, const uint32_t *slots, uint32_t n);
int lintel_slots_take(struct lintel_slots *s, uint32_t slot);
#endif
