/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
end_of(const struct mb_item *i)
{
    return i->address + i->count;
}

static int
order(const void *left, const void *right)
{
    const struct mb_item *a = left, *b = right;
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

int
mb_forbidden(const struct mb_limits *l, enum mb_table t, uint32_t address, uint32_t count)
{
    for (uint32_t i = 0; i < l->nforbidden; i++) {
        const struct mb_range *f = &l->forbidden[i];
        if ((f->table == MB_ANY_TABLE || f->table == (uint32_t)t) && count > 0 &&
            f->first < address + count && f->last >= address)
            return 1;
    }
    return 0;
}

/* A number up to 65535 at *text, which moves behind it. */
static int
number(const char **text, uint32_t *ret)
{
    uint32_t v = 0;
    const char *p = *text;
    for (; isdigit((unsigned char)*p) && v <= 65535; p++)
        v = v * 10 + (uint32_t)(*p - '0');
    if (p == *text || v > 65535)
        return 0;
    *text = p;
    *ret = v;
    return 1;
}

int
mb_range_parse(const char *text, struct mb_range *ret)
{
    struct mb_range r = {.table = MB_ANY_TABLE};
    const char *colon = strchr(text, ':');
    if (colon != NULL) {
        size_t n = (size_t)(colon - text);
        for (r.table = 0; r.table < MB_ANY_TABLE; r.table++) {
            const char *name = mb_table_name((enum mb_table)r.table);
            if (strlen(name) == n && memcmp(name, text, n) == 0)
                break;
        }
        if (r.table == MB_ANY_TABLE)
            return 0;
        text = colon + 1;
    }
    if (!number(&text, &r.first))
        return 0;
    r.last = r.first;
    if (*text == '-') {
        text++;
        if (!number(&text, &r.last))
            return 0;
    }
    if (*text != '\0' || r.last < r.first)
        return 0;
    *ret = r;
    return 1;
}

/* Whether the block may grow to serve the item too. */
static int
joins(const struct mb_block *b, const struct mb_item *last, const struct mb_item *i,
      const struct mb_limits *l)
{
    uint32_t most = mb_is_bits(b->table) ? l->bits : l->registers;
    uint32_t end = b->address + b->count;
    if (i->table != b->table || i->alone || last->alone || end_of(i) > b->address + most)
        return 0;
    if (i->address <= end)
        return 1;
    return i->address - end <= l->gap && !mb_forbidden(l, b->table, end, i->address - end);
}

uint32_t
mb_plan(struct mb_item *items, uint32_t n, const struct mb_limits *l, struct mb_block *blocks)
{
    uint32_t nblocks = 0;
    if (n > 0)
        qsort(items, n, sizeof *items, order);
    for (uint32_t i = 0; i < n; i++) {
        struct mb_block *b = nblocks > 0 ? &blocks[nblocks - 1] : NULL;
        if (b == NULL || !joins(b, &items[i - 1], &items[i], l)) {
            blocks[nblocks++] =
                (struct mb_block){items[i].table, items[i].address, items[i].count, i, 1};
            continue;
        }
        b->n++;
        if (end_of(&items[i]) > b->address + b->count)
            b->count = end_of(&items[i]) - b->address;
    }
    return nblocks;
}

/* Address and count of what the block's items want. */
static void
fit(const struct mb_item *items, struct mb_block *b)
{
    uint32_t end = 0;
    b->address = items[b->first].address;
    for (uint32_t i = b->first; i < b->first + b->n; i++)
        if (end_of(&items[i]) > end)
            end = end_of(&items[i]);
    b->count = end - b->address;
}

/* The block ends in front of item `at`, where the second one begins. */
static void
part(const struct mb_item *items, struct mb_block *b, uint32_t at, struct mb_block *ret_second)
{
    *ret_second = (struct mb_block){.table = b->table, .first = at, .n = b->first + b->n - at};
    b->n = at - b->first;
    fit(items, b);
    fit(items, ret_second);
}

void
mb_split(const struct mb_item *items, struct mb_block *b, struct mb_block *ret_second)
{
    uint32_t at = b->first + b->n / 2, widest = 0, end = end_of(&items[b->first]);
    for (uint32_t i = b->first + 1; i < b->first + b->n; i++) {
        if (items[i].address > end && items[i].address - end > widest) {
            widest = items[i].address - end;
            at = i;
        }
        if (end_of(&items[i]) > end)
            end = end_of(&items[i]);
    }
    part(items, b, at, ret_second);
}

int
mb_cut(const struct mb_item *items, struct mb_block *b, uint32_t most, struct mb_block *ret_second)
{
    uint32_t at = b->first;
    while (at < b->first + b->n && end_of(&items[at]) <= b->address + most)
        at++;
    if (at == b->first || at == b->first + b->n)
        return 0;
    part(items, b, at, ret_second);
    return 1;
}
