/* SPDX-License-Identifier: Apache-2.0
 * Reading. The points of a request are merged into blocks once, and the plan is kept under the
 * request's batch number. A block that the device refuses is split until its good parts are found;
 * the plan keeps the parts, so later polls go straight to them. What was learned (modbus_learn.c)
 * is forgotten after a while, and when a lost connection comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus.h"

#define SECOND INT64_C(1000000000)
#define REFUSED_FOR MB_LEARNED_FOR
#define FAILED_FOR (60 * SECOND) /* a "device failure": often passes */
enum { PLANS_MOST = 16, FAILURE_SPLITS_MOST = 16 };

struct mb_cached {
    struct mb_cached *next;
    uint32_t batch, n, nblocks, generation, version;
    uint32_t start;    /* the block to begin with */
    lintel_mono again; /* 0: nothing learned; else the time to plan afresh */
    struct mb_item *items;
    struct mb_block *blocks; /* room for n */
    lintel_sample *samples;  /* by item */
    uint8_t *data;           /* of all items, one behind the other */
};

struct reading { /* one request under way */
    struct mb_bus *bus;
    struct mb_device *device;
    struct mb_cached *plan;
    const lintel_request *r;
    lintel_status stop; /* not LINTEL_OK: no more exchanges, all other points get this */
    const char *stop_why;
    uint32_t failure_splits;
    struct mb_details details;
};

/* ---- plans ---- */

static int
known_refused(const struct mb_bus *bus, const struct mb_point *p, lintel_mono now)
{
    return p->refused != 0 && now < p->refused_until &&
           p->refused_generation == mb_link_generation(bus->link);
}

static void
make_blocks(struct reading *g)
{
    struct mb_cached *c = g->plan;
    lintel_mono now = g->bus->host->now(g->bus->host);
    for (uint32_t i = 0; i < c->n; i++) {
        const lintel_point *p = c->items[i].tag;
        c->items[i].alone = known_refused(g->bus, p->cookie, now);
    }
    struct mb_limits limits = mb_learned_limits(&g->device->learned, &g->device->limits);
    c->nblocks = mb_plan(c->items, c->n, &limits, c->blocks);
    c->version = g->device->learned.version;
    c->generation = mb_link_generation(g->bus->link);
    c->again = 0;
    c->start = 0;
    /* The items have their final order: so have samples and data. */
    uint32_t offset = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const lintel_point *p = c->items[i].tag;
        c->samples[i] = (lintel_sample){.point = p->id};
        c->items[i].offset = offset;
        offset += 2 * c->items[i].count;
    }
}

static struct mb_cached *
cached_new(const lintel_request *r)
{
    size_t bytes = 0, n = r->npoints;
    for (uint32_t i = 0; i < n; i++)
        bytes += 2 * (size_t)((const struct mb_point *)r->points[i]->cookie)->read.count;
    struct mb_cached *c = calloc(
        1, sizeof *c + n * (sizeof *c->samples + sizeof *c->items + sizeof *c->blocks) + bytes);
    if (c == NULL)
        return NULL;
    c->batch = r->batch;
    c->n = r->npoints;
    /* By falling alignment. */
    c->samples = (lintel_sample *)(void *)(c + 1);
    c->items = (struct mb_item *)(void *)(c->samples + n);
    c->blocks = (struct mb_block *)(void *)(c->items + n);
    c->data = (uint8_t *)(void *)(c->blocks + n);
    for (uint32_t i = 0; i < n; i++) {
        const struct mb_target *t = &((const struct mb_point *)r->points[i]->cookie)->read;
        c->items[i] = (struct mb_item){t->table, t->address, t->count, 0, 0, r->points[i]};
    }
    return c;
}

void
mb_forget_plans(struct mb_device *d)
{
    while (d->plans != NULL) {
        struct mb_cached *next = d->plans->next;
        free(d->plans);
        d->plans = next;
    }
}

/* The device's oldest plan goes when there are too many: the hub has regrouped its polls. */
static void
keep_plan(struct mb_device *d, struct mb_cached *c)
{
    uint32_t n = 1;
    c->next = d->plans;
    d->plans = c;
    for (struct mb_cached *at = c; at->next != NULL; at = at->next)
        if (++n > PLANS_MOST) {
            free(at->next);
            at->next = NULL;
            return;
        }
}

/* Whether a point has no place to be read from. */
static int
unreadable(const lintel_request *r)
{
    for (uint32_t i = 0; i < r->npoints; i++)
        if (((const struct mb_point *)r->points[i]->cookie)->read.count == 0)
            return 1;
    return 0;
}

/* The request's plan, kept or new; NULL: g->stop says why there is none. */
static struct mb_cached *
find_plan(struct reading *g)
{
    struct mb_cached *c = g->r->batch != 0 ? g->device->plans : NULL;
    while (c != NULL && (c->batch != g->r->batch || c->n != g->r->npoints))
        c = c->next;
    g->plan = c;
    if (c == NULL) {
        g->stop = unreadable(g->r) ? LINTEL_E_NOTSUP : LINTEL_E_NOMEM;
        g->plan = c = g->stop == LINTEL_E_NOMEM ? cached_new(g->r) : NULL;
        if (c == NULL)
            return NULL;
        g->stop = LINTEL_OK;
        if (c->batch != 0)
            keep_plan(g->device, c);
        make_blocks(g);
    } else if (c->generation != mb_link_generation(g->bus->link) ||
               c->version != g->device->learned.version ||
               (c->again != 0 && g->bus->host->now(g->bus->host) >= c->again)) {
        make_blocks(g);
    }
    return c;
}

/* ---- blocks ---- */

static void
fail_block(struct reading *g, const struct mb_block *b, lintel_status st, const char *why)
{
    for (uint32_t i = b->first; i < b->first + b->n; i++) {
        g->plan->samples[i].status = st;
        g->plan->samples[i].detail = why;
    }
}

static void
take_block(struct reading *g, const struct mb_block *b, const uint8_t *data)
{
    for (uint32_t i = b->first; i < b->first + b->n; i++) {
        const struct mb_item *item = &g->plan->items[i];
        const lintel_point *p = item->tag;
        lintel_sample *s = &g->plan->samples[i];
        uint32_t at = item->address - b->address;
        s->status = LINTEL_OK;
        s->detail = NULL;
        if (mb_is_bits(b->table)) {
            s->value = (lintel_value){.type = LINTEL_T_BOOL, .as.i = mb_bit(data, at)};
            continue;
        }
        uint8_t *own = g->plan->data + item->offset;
        memcpy(own, data + 2 * (size_t)at, 2 * (size_t)item->count);
        s->value = mb_raw(&((const struct mb_point *)p->cookie)->read, own);
    }
}

static lintel_status
status_of(int code)
{
    switch (code) {
    case MB_EX_FUNCTION: return LINTEL_E_NOTSUP;
    case MB_EX_ADDRESS: return LINTEL_E_ADDRESS;
    case MB_EX_ACKNOWLEDGE:
    case MB_EX_BUSY: return LINTEL_E_BUSY;
    case MB_EX_GATEWAY_PATH: return LINTEL_E_LINK;
    case MB_EX_GATEWAY_TARGET: return LINTEL_E_TIMEOUT;
    default: return LINTEL_E_DEVICE;
    }
}

/* Whether a part of the block may be good although the whole was refused. */
static int
worth_splitting(struct reading *g, const struct mb_block *b, int code)
{
    if (b->n < 2)
        return 0;
    if (code ==
        MB_EX_FAILURE) /* some devices say so of a hole; but one in trouble says it of all */
        return g->failure_splits++ < FAILURE_SPLITS_MOST;
    return code == MB_EX_ADDRESS || code == MB_EX_VALUE;
}

/* Makes two blocks of one: the first with at most so many addresses, or, where `most` is 0 or does
 * not help, at a place that promises to find a hole. */
static void
divide(struct mb_cached *c, uint32_t b, uint32_t most)
{
    memmove(&c->blocks[b + 2], &c->blocks[b + 1], (c->nblocks - b - 1) * sizeof *c->blocks);
    if (most == 0 || !mb_cut(c->items, &c->blocks[b], most, &c->blocks[b + 1]))
        mb_split(c->items, &c->blocks[b], &c->blocks[b + 1]);
    c->nblocks++;
}

static void
split(struct reading *g, uint32_t b, int code, uint32_t most)
{
    struct mb_cached *c = g->plan;
    lintel_mono again =
        g->bus->host->now(g->bus->host) + (code == MB_EX_FAILURE ? FAILED_FOR : REFUSED_FOR);
    divide(c, b, most);
    if (c->again == 0 || again < c->again)
        c->again = again;
}

/* One point alone was refused. */
static void
remember(struct reading *g, const struct mb_block *b, int code)
{
    const lintel_point *lp = g->plan->items[b->first].tag;
    struct mb_point *p = lp->cookie;
    char line[2 * MB_DETAIL], why[MB_DETAIL];
    if (b->n != 1 || (code != MB_EX_ADDRESS && code != MB_EX_VALUE))
        return;
    p->refused = code;
    p->refused_until = g->bus->host->now(g->bus->host) + REFUSED_FOR;
    p->refused_generation = mb_link_generation(g->bus->link);
    if (code == MB_EX_ADDRESS)
        mb_learned_illegal(&g->device->learned, &g->device->limits, b->table, b->address, b->count,
                           g->bus->host->now(g->bus->host), p->refused_generation);
    mb_say_exception(why, code, b->table, b->address, b->count, g->device->unit);
    snprintf(line, sizeof line, "%.60s %.60s: %s; not asked again for an hour", lp->device->name,
             lp->name, why);
    g->bus->host->log(g->bus->host, LINTEL_LOG_INFO, line);
}

static void
refused(struct reading *g, const struct mb_block *b, int code)
{
    char why[MB_DETAIL];
    mb_say_exception(why, code, b->table, b->address, b->count, g->device->unit);
    const char *kept = mb_detail(&g->details, why);
    lintel_status st = status_of(code);
    remember(g, b, code);
    fail_block(g, b, st, kept);
    if (code == MB_EX_BUSY || code == MB_EX_GATEWAY_PATH || code == MB_EX_GATEWAY_TARGET) {
        g->stop = st; /* it is the whole unit that can't answer now */
        g->stop_why = kept;
    }
}

static void
stop(struct reading *g, lintel_status st, const char *why)
{
    g->stop = st;
    g->stop_why = mb_detail(&g->details, why);
}

/* Whether the block still may be read; if not, its points have got their status. */
static int
wanted(struct reading *g, uint32_t at)
{
    const struct mb_block *b = &g->plan->blocks[at];
    const lintel_host *h = g->bus->host;
    const lintel_point *p = g->plan->items[b->first].tag;
    lintel_mono now = h->now(h);
    if (g->stop == LINTEL_OK && now >= g->r->deadline) {
        stop(g, LINTEL_E_TIMEOUT, "the deadline was over before this was asked");
        g->plan->start = at; /* so that it is asked next time */
    }
    if (g->stop == LINTEL_OK && h->cancelled(h, g->r))
        stop(g, LINTEL_E_CANCELLED, "cancelled");
    if (g->stop != LINTEL_OK) {
        fail_block(g, b, g->stop, g->stop_why);
        return 0;
    }
    if (b->n == 1 && known_refused(g->bus, p->cookie, now)) {
        char why[MB_DETAIL];
        int code = ((const struct mb_point *)p->cookie)->refused;
        mb_say_exception(why, code, b->table, b->address, b->count, g->device->unit);
        fail_block(g, b, status_of(code), mb_detail(&g->details, why));
        return 0;
    }
    return 1;
}

/* An exception to a block: 0 if it was split. */
static int
refusal(struct reading *g, uint32_t at, int code)
{
    const struct mb_block *b = &g->plan->blocks[at];
    uint32_t most = 0;
    if (code == MB_EX_VALUE && !mb_is_bits(b->table))
        most =
            mb_learned_refused(&g->device->learned, b->count, b->n > 1,
                               g->bus->host->now(g->bus->host), mb_link_generation(g->bus->link));
    if (worth_splitting(g, b, code)) {
        split(g, at, code, most);
        return 0;
    }
    refused(g, b, code);
    return 1;
}

/* Whether the device has just refused a smaller read than this block. */
static int
too_long(const struct reading *g, const struct mb_block *b)
{
    uint32_t most = g->device->learned.most;
    return most != 0 && b->count > most && b->n > 1 && !mb_is_bits(b->table);
}

/* Reads one block; 0 if it was split, so that its first part has to be read now. */
static int
read_block(struct reading *g, uint32_t at)
{
    struct mb_block *b = &g->plan->blocks[at];
    struct mb_answer answer;
    uint8_t pdu[MB_PDU_MOST];
    if (!wanted(g, at))
        return 1;
    if (too_long(g, b)) {
        split(g, at, MB_EX_VALUE, g->device->learned.most);
        return 0;
    }
    size_t n = mb_pdu_read(pdu, b->table, b->address, b->count);
    lintel_status st = mb_link_exchange(g->bus->link, g->device->unit, pdu, n, g->device->timeout,
                                        g->r->deadline, &answer);
    switch (st) {
    case LINTEL_OK:
        if (!mb_is_bits(b->table))
            mb_learned_taken(&g->device->learned, b->count);
        take_block(g, b, answer.pdu + 2);
        break;
    case LINTEL_E_DEVICE: return refusal(g, at, answer.exception);
    case LINTEL_E_PROTO: fail_block(g, b, st, mb_detail(&g->details, answer.why)); break;
    default:
        /* A dead unit costs one timeout. Next time another block goes first, in case that only this
         * one is never answered. */
        stop(g, st, answer.why);
        fail_block(g, b, st, g->stop_why);
        g->plan->start = at + 1;
        break;
    }
    return 1;
}

static void
tell_learned(struct reading *g)
{
    struct mb_learned *l = &g->device->learned;
    char line[2 * MB_DETAIL];
    if (g->stop != LINTEL_OK || !mb_learned_tell(l))
        return;
    snprintf(line, sizeof line,
             "%.60s: unit %u takes at most %u registers in one read (it refused %u): set "
             "maxRegisters: %u",
             g->r->points[0]->device->name, g->device->unit, l->most, l->refused, l->most);
    g->bus->host->log(g->bus->host, LINTEL_LOG_WARN, line);
}

void
mb_read(void *self, const lintel_request *r)
{
    struct mb_bus *bus = self;
    struct reading g = {.bus = bus, .r = r, .stop = LINTEL_OK};
    char why[MB_DETAIL];
    if (r->npoints == 0) {
        bus->host->complete(bus->host, r, LINTEL_OK, NULL, 0);
        return;
    }
    g.device = r->points[0]->device->cookie;
    mb_learned_age(&g.device->learned, &g.device->limits, bus->host->now(bus->host),
                   mb_link_generation(bus->link));
    lintel_status st = mb_link_ready(bus->link, r->deadline, why);
    struct mb_cached *plan = find_plan(&g);
    if (plan == NULL) {
        bus->host->complete(bus->host, r, g.stop, NULL, 0);
        return;
    }
    if (st != LINTEL_OK)
        stop(&g, st, why);
    uint32_t start = plan->start < plan->nblocks ? plan->start : 0;
    uint32_t before = 0; /* blocks in front of `start` that are done */
    plan->start = 0;
    for (uint32_t b = start; b < plan->nblocks;)
        b += read_block(&g, b) ? 1u : 0u;
    for (uint32_t end = start; before < end;) {
        uint32_t had = plan->nblocks;
        before += read_block(&g, before) ? 1u : 0u;
        end += plan->nblocks - had;
    }
    tell_learned(&g);
    bus->host->complete(bus->host, r, LINTEL_OK, plan->samples, plan->n);
    if (plan->batch == 0)
        free(plan);
}
