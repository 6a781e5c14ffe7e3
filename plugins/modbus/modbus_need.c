/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_need.h"

#include <stdio.h>
#include <stdlib.h>

#include "modbus.h"
#include "modbus_time.h"

/* The points that can be read, as items. */
static uint32_t
fill_items(const lintel_point *const *points, uint32_t n, const struct mb_limits *l,
           struct mb_item *items)
{
    uint32_t kept = 0;
    char why[MB_DETAIL];
    for (uint32_t i = 0; i < n; i++) {
        struct mb_target t;
        if (!mb_target_read(points[i]->addr, points[i]->wire_bytes, &t, why) || t.count == 0 ||
            t.count > (mb_is_bits(t.table) ? l->bits : l->registers) ||
            mb_forbidden(l, t.table, t.address, t.count))
            continue; /* refused when it is bound, with the reason */
        items[kept++] = (struct mb_item){.table = t.table, .address = t.address, .count = t.count};
    }
    return kept;
}

static void
add_up(const struct mb_conf *c, const struct mb_block *blocks, uint32_t n, lintel_need *need)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t pdu[MB_PDU_MOST];
        size_t request = mb_pdu_read(pdu, blocks[i].table, blocks[i].address, blocks[i].count);
        uint32_t bytes =
            mb_time_frame(c, (uint32_t)request) + mb_time_frame(c, mb_pdu_answer_bytes(pdu));
        int64_t wire = c->rtu ? mb_time_bytes(c, bytes) + mb_time_silence(c->baud) : 0;
        int64_t pause = c->rtu ? c->pause - mb_time_silence(c->baud) : c->pause;
        need->requests++;
        need->bytes += bytes;
        need->wire_ns += wire;
        need->ns += wire + pause + (c->rtu ? MB_TURNAROUND_NS : MB_ROUND_TRIP_NS);
    }
}

static lintel_status
need(const lintel_value *bus, const lintel_point *const *points, uint32_t n, lintel_need *ret,
     char reason[128])
{
    struct mb_conf conf = {0};
    struct mb_limits limits = {0};
    struct mb_range *forbidden = NULL;
    char why[MB_DETAIL] = "";
    lintel_need sum = {.size = sizeof sum};
    mb_conf_read(&conf, bus);
    lintel_status st =
        n > 0 ? mb_limits_read(points[0]->device->settings, &limits, &forbidden, why) : LINTEL_OK;
    struct mb_item *items = calloc(n + 1u, sizeof *items);
    struct mb_block *blocks = calloc(n + 1u, sizeof *blocks);
    if (st == LINTEL_OK && (items == NULL || blocks == NULL))
        st = LINTEL_E_NOMEM;
    if (st == LINTEL_OK) {
        uint32_t nitems = fill_items(points, n, &limits, items);
        add_up(&conf, blocks, mb_plan(items, nitems, &limits, blocks), &sum);
        *ret = sum;
    } else {
        snprintf(reason, 128, "%.120s", why[0] != '\0' ? why : "out of memory");
    }
    free(items);
    free(blocks);
    free(forbidden);
    return st;
}

static lintel_status
faster(const lintel_value *bus, double factor, char text[64])
{
    struct mb_conf conf = {0};
    mb_conf_read(&conf, bus);
    int baud = conf.rtu ? mb_baud_from((double)conf.baud * factor) : 0;
    if (baud == 0)
        return LINTEL_E_NOTSUP;
    snprintf(text, 64, "baud: %d", baud);
    return LINTEL_OK;
}

const lintel_plugin_plan mb_needs = {sizeof mb_needs, need, faster};
