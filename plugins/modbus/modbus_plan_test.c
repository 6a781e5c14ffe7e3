/* SPDX-License-Identifier: Apache-2.0
 * Plans: each wanted address is read exactly once, under every limit. */
#include "modbus_plan.h"

#include <string.h>

#include "tests/kit/kit.h"

enum { MOST = 200 };

static uint32_t
below(uint32_t n)
{
    return (uint32_t)(kit_random() % n);
}

/* Checks a plan against its items and limits; returns the number of faults. */
static int
faults(const struct mb_item *items, uint32_t n, const struct mb_limits *l,
       const struct mb_block *blocks, uint32_t nblocks)
{
    uint32_t next = 0;
    int bad = 0;
    for (uint32_t b = 0; b < nblocks; b++) {
        const struct mb_block *k = &blocks[b];
        uint32_t end = 0, most = mb_is_bits(k->table) ? l->bits : l->registers;
        bad += k->first != next || k->n == 0 || k->count > most;
        next += k->n;
        for (uint32_t i = k->first; i < next && i < n; i++) {
            const struct mb_item *item = &items[i];
            bad += item->table != k->table || item->address < k->address ||
                   item->address + item->count > k->address + k->count;
            bad += item->alone && k->n != 1;
            bad += i > k->first && item->address > end && item->address - end > l->gap;
            bad += i > k->first && item->address < items[i - 1].address;
            if (item->address + item->count > end)
                end = item->address + item->count;
        }
        bad += items[k->first].address != k->address || end != k->address + k->count;
        bad += mb_forbidden(l, k->table, k->address, k->count);
    }
    return bad + (next != n);
}

static void
keeps_every_limit(void)
{
    struct mb_item items[MOST];
    struct mb_block blocks[MOST];
    for (int round = 0; round < 3000; round++) {
        struct mb_range ranges[4];
        struct mb_limits l = {1 + below(125), 1 + below(2000), below(3) ? below(20) : 0, below(5),
                              ranges};
        for (uint32_t i = 0; i < l.nforbidden; i++) {
            ranges[i].table = below(5);
            ranges[i].first = below(400);
            ranges[i].last = ranges[i].first + below(10);
        }
        uint32_t n = 0, wanted = below(MOST);
        uint32_t space = below(2) ? 400 : 65536;
        for (uint32_t i = 0; i < wanted; i++) {
            struct mb_item item = {.table = (enum mb_table)below(4), .tag = &items[i]};
            uint32_t most = mb_is_bits(item.table) ? 1 : l.registers < 4 ? l.registers : 4;
            item.count = 1 + below(most);
            item.address = below(space - item.count + 1);
            item.alone = below(20) == 0;
            if (!mb_forbidden(&l, item.table, item.address, item.count))
                items[n++] = item;
        }
        uint32_t nblocks = mb_plan(items, n, &l, blocks);
        CHECK_INT(faults(items, n, &l, blocks, nblocks), 0);
        /* Split one after the other, down to single items. */
        for (uint32_t b = 0; b < nblocks;) {
            if (blocks[b].n == 1) {
                b++;
                continue;
            }
            memmove(&blocks[b + 2], &blocks[b + 1], (nblocks - b - 1) * sizeof *blocks);
            mb_split(items, &blocks[b], &blocks[b + 1]);
            nblocks++;
        }
        CHECK_INT(nblocks, n);
        CHECK_INT(faults(items, n, &l, blocks, nblocks), 0);
    }
}

static void
merges_neighbours(void)
{
    struct mb_item items[] = {{MB_INPUT, 14, 2, 0, 0, NULL},   {MB_INPUT, 10, 2, 0, 0, NULL},
                              {MB_INPUT, 12, 2, 0, 0, NULL},   {MB_INPUT, 20, 1, 0, 0, NULL},
                              {MB_HOLDING, 10, 2, 0, 0, NULL}, {MB_INPUT, 11, 2, 0, 0, NULL}};
    struct mb_block b[6];
    struct mb_limits l = {125, 2000, 0, 0, NULL};
    CHECK_INT(mb_plan(items, 6, &l, b), 3);
    CHECK_INT(b[0].table, MB_HOLDING);
    CHECK_INT(b[1].address, 10);
    CHECK_INT(b[1].count, 6);
    l.gap = 4;
    CHECK_INT(mb_plan(items, 6, &l, b), 2);
    CHECK_INT(b[1].count, 11);
    l.registers = 6;
    CHECK_INT(mb_plan(items, 6, &l, b), 3);
    l.registers = 125;
    l.forbidden = &(const struct mb_range){MB_INPUT, 18, 18};
    l.nforbidden = 1;
    CHECK_INT(mb_plan(items, 6, &l, b), 3);
}

static void
splits_at_the_widest_gap(void)
{
    struct mb_item items[] = {{MB_INPUT, 0, 2, 0, 0, NULL},
                              {MB_INPUT, 3, 1, 0, 0, NULL},
                              {MB_INPUT, 4, 1, 0, 0, NULL},
                              {MB_INPUT, 9, 2, 0, 0, NULL}};
    struct mb_limits l = {125, 2000, 9, 0, NULL};
    struct mb_block b[4], second;
    CHECK_INT(mb_plan(items, 4, &l, b), 1);
    mb_split(items, &b[0], &second);
    CHECK_INT(b[0].count, 5);
    CHECK_INT(second.address, 9);
    CHECK_INT(second.first, 3);
}

static void
reads_ranges(void)
{
    static const char *const bad[] = {"",         "-",         "1-",      "5-4",         "holding",
                                      "holding:", "x:1-2",     "1-65536", "99999999999", "1-2 ",
                                      " 1",       "coil:1-2-3"};
    struct mb_range r;
    CHECK(mb_range_parse("40-49", &r) && r.table == MB_ANY_TABLE && r.first == 40 && r.last == 49);
    CHECK(mb_range_parse("holding:0-65535", &r) && r.table == MB_HOLDING && r.last == 65535);
    CHECK(mb_range_parse("input:7", &r) && r.table == MB_INPUT && r.first == 7 && r.last == 7);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!mb_range_parse(bad[i], &r));
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(keeps_every_limit),
                                            KIT(merges_neighbours),
                                            KIT(splits_at_the_widest_gap),
                                            KIT(reads_ranges),
                                            {0}};
    return kit_main("modbus_plan", tests, argc, argv);
}
