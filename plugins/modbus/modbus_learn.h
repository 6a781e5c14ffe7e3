/* SPDX-License-Identifier: Apache-2.0
 * What refused reads teach of a device: how many registers it gives at once, and addresses that it
 * does not have. The plans of later reads keep to it, so that nothing is refused twice; people are
 * told which setting would have said so. Forgotten after an hour, and when a lost connection comes
 * back: the device may be another one then. */
#ifndef LINTEL_MODBUS_LEARN_H
#define LINTEL_MODBUS_LEARN_H
#include "modbus_link.h"
#include "modbus_plan.h"

#define MB_LEARNED_FOR (3600 * INT64_C(1000000000))
enum { MB_ILLEGAL_MOST = 16 }; /* ranges of a device; further ones are refused again and again */

struct mb_learned {
    uint32_t version;        /* grows with each change: plans of another one are made afresh */
    uint32_t most;           /* registers in one read; 0: nothing learned */
    uint32_t taken;          /* the largest read that was answered */
    uint32_t refused;        /* the smallest that was refused for its size, as it seems; 0: none */
    uint8_t misled, told;    /* misled: the device says "illegal value" of other things too */
    lintel_mono until;       /* 0: nothing is known */
    uint32_t generation;     /* of the link */
    uint32_t nranges;        /* forbidden by the settings, and illegal by experience */
    struct mb_range *ranges; /* room for all of them */
};

/* Room for what may be learned; 0, or -1: out of memory. */
int mb_learned_init(struct mb_learned *l, const struct mb_limits *settings);
void mb_learned_fini(struct mb_learned *l);
/* Forgets what is too old. */
void mb_learned_age(struct mb_learned *l, const struct mb_limits *settings, lintel_mono now,
                    uint32_t generation);
/* The settings, and what was learned. */
struct mb_limits mb_learned_limits(const struct mb_learned *l, const struct mb_limits *settings);

/* A read of so many registers was refused with "illegal data value": the size that is to be tried
 * next, or 0 where the size is not to blame. several: it serves more than one point. */
uint32_t mb_learned_refused(struct mb_learned *l, uint32_t registers, int several, lintel_mono now,
                            uint32_t generation);
void mb_learned_taken(struct mb_learned *l, uint32_t registers);
void mb_learned_illegal(struct mb_learned *l, const struct mb_limits *settings, enum mb_table t,
                        uint32_t address, uint32_t count, lintel_mono now, uint32_t generation);
/* After a read without failures: 1 if people are to be told of the limit, once. */
int mb_learned_tell(struct mb_learned *l);
#endif
