/* SPDX-License-Identifier: Apache-2.0
 * Which blocks to read for a set of points: merging under a device's limits, and splitting what it
 * refuses. Pure. */
#ifndef LINTEL_MODBUS_PLAN_H
#define LINTEL_MODBUS_PLAN_H
#include <stdint.h>

#include "modbus_pdu.h"

enum { MB_ANY_TABLE = 4 };
struct mb_range {   /* registers or bits that may not be touched */
    uint32_t table; /* mb_table, or MB_ANY_TABLE */
    uint32_t first, last;
};
struct mb_limits {
    uint32_t registers, bits; /* most in one read */
    uint32_t gap;             /* most that is read between two points although nobody wants it */
    uint32_t nforbidden;
    const struct mb_range *forbidden;
};

struct mb_item { /* what one point wants */
    enum mb_table table;
    uint32_t address, count;
    int alone;       /* known to be refused: merged with nothing */
    uint32_t offset; /* the caller's, as the tag is */
    void *tag;
};
struct mb_block { /* one read; serves items[first .. first + n) */
    enum mb_table table;
    uint32_t address, count;
    uint32_t first, n;
};

/* Whether one of the addresses is forbidden. */
int mb_forbidden(const struct mb_limits *l, enum mb_table t, uint32_t address, uint32_t count);
/* "40-49", "holding:40-49", "input:7"; 0 if it is none of these. */
int mb_range_parse(const char *text, struct mb_range *ret);

/* Sorts the items and writes at most n blocks; returns their number. No item is larger than the
 * limits, and none is forbidden. */
uint32_t mb_plan(struct mb_item *items, uint32_t n, const struct mb_limits *l,
                 struct mb_block *blocks);
/* Splits a block of two items or more: at its widest gap, else in its middle. b becomes the first
 * part. */
void mb_split(const struct mb_item *items, struct mb_block *b, struct mb_block *ret_second);
/* Cuts a block so that its first part has at most `most` addresses; 0: no item fits into that, or
 * all do. */
int mb_cut(const struct mb_item *items, struct mb_block *b, uint32_t most,
           struct mb_block *ret_second);
#endif
