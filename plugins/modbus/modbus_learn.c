/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_learn.h"

#include <stdlib.h>
#include <string.h>

/* Sizes that devices are made for, largest first. */
static const uint32_t rungs[] = {120, 100, 80, 64, 50, 40, 32, 25, 20, 16, 10, 8, 4, 2};
enum {
    NRUNGS = sizeof rungs / sizeof rungs[0],
    SMALL = 8 /* registers that every device gives at once */
};

static void
reset(struct mb_learned *l, const struct mb_limits *settings)
{
    l->most = l->taken = l->refused = 0;
    l->misled = l->told = 0;
    l->until = 0;
    l->nranges = settings->nforbidden;
    l->version++;
}

int
mb_learned_init(struct mb_learned *l, const struct mb_limits *settings)
{
    *l = (struct mb_learned){.nranges = settings->nforbidden};
    l->ranges = calloc(settings->nforbidden + (size_t)MB_ILLEGAL_MOST, sizeof *l->ranges);
    if (l->ranges == NULL)
        return -1;
    if (settings->nforbidden > 0)
        memcpy(l->ranges, settings->forbidden, settings->nforbidden * sizeof *l->ranges);
    return 0;
}

void
mb_learned_fini(struct mb_learned *l)
{
    free(l->ranges);
}

void
mb_learned_age(struct mb_learned *l, const struct mb_limits *settings, lintel_mono now,
               uint32_t generation)
{
    if (l->until != 0 && (now >= l->until || l->generation != generation))
        reset(l, settings);
}

struct mb_limits
mb_learned_limits(const struct mb_learned *l, const struct mb_limits *settings)
{
    struct mb_limits all = *settings;
    if (l->most != 0 && l->most < all.registers)
        all.registers = l->most;
    all.forbidden = l->ranges;
    all.nforbidden = l->nranges;
    return all;
}

/* Something is known from now on. */
static void
begin(struct mb_learned *l, lintel_mono now, uint32_t generation)
{
    if (l->until == 0)
        l->until = now + MB_LEARNED_FOR;
    l->generation = generation;
    l->version++;
}

uint32_t
mb_learned_refused(struct mb_learned *l, uint32_t registers, int several, lintel_mono now,
                   uint32_t generation)
{
    uint32_t next = 0;
    for (int i = NRUNGS - 1; i >= 0 && rungs[i] < registers; i--)
        next = rungs[i];
    if (l->misled)
        return 0;
    if (!several && registers > SMALL)
        return 0; /* it may be too large or have a hole: nothing is known */
    begin(l, now, generation);
    if (!several || registers <= l->taken || next == 0) {
        l->misled = 1;
        l->most = 0;
        return 0;
    }
    if (l->refused == 0 || registers < l->refused)
        l->refused = registers;
    l->most = next;
    return next;
}

void
mb_learned_taken(struct mb_learned *l, uint32_t registers)
{
    if (registers > l->taken)
        l->taken = registers;
}

void
mb_learned_illegal(struct mb_learned *l, const struct mb_limits *settings, enum mb_table t,
                   uint32_t address, uint32_t count, lintel_mono now, uint32_t generation)
{
    if (l->nranges == settings->nforbidden + MB_ILLEGAL_MOST)
        return;
    begin(l, now, generation);
    l->ranges[l->nranges++] = (struct mb_range){(uint32_t)t, address, address + count - 1};
}

int
mb_learned_tell(struct mb_learned *l)
{
    /* A smaller size that went through is needed as a proof. */
    if (l->most == 0 || l->told || l->taken == 0 || l->taken > l->most)
        return 0;
    l->told = 1;
    return 1;
}
