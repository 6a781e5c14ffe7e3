/* SPDX-License-Identifier: Apache-2.0
 * Last answers that wait until the audit trail has what was done: who was told that something was
 * written finds it there, also after a crash. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/inside.h"

#define PATIENCE (2 * INT64_C(1000000000)) /* with a disk that stands still */

struct lintel_recorded {
    struct lintel_recorded *next, **link; /* in the tree's list; link NULL: the tree is gone */
    struct lintel_tree *tree;
    lintel_ticket ticket; /* 0: it was answered */
    struct lintel_timer timer;
    lintel_answer answer;
    char payload[];
};

/* Who asked may have gone meanwhile. */
static void
answer_now(struct lintel_recorded *r)
{
    struct lintel_open *o = lintel_open_find(r->tree, r->ticket);
    lintel_timer_stop(r->tree->source.loop, &r->timer);
    r->ticket = 0;
    if (o != NULL)
        lintel_open_answer(o, &r->answer);
}

static void
on_late(void *ctx)
{
    struct lintel_recorded *r = ctx;
    lintel_trail_early(r->tree->source.trail);
    answer_now(r);
}

static void
unlist(struct lintel_recorded *r)
{
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    r->link = NULL;
}

/* Where the disk refuses it, the record is kept in memory and tried again; the hub goes on. */
static void
on_disk(void *ctx, int failed)
{
    struct lintel_recorded *r = ctx;
    if (r->link != NULL) {
        unlist(r);
        if (failed && r->ticket != 0)
            lintel_trail_early(r->tree->source.trail);
        answer_now(r);
    }
    lintel_free(r);
}

int
lintel_recorded_hold(struct lintel_open *o, const lintel_answer *a)
{
    struct lintel_tree *t = o->tree;
    if (t->ending || t->source.trail == NULL)
        return -1;
    if (a->nlocation + a->nlocation_query + a->echo.n != 0)
        return -1; /* no write has that, and it would have to be copied */
    struct lintel_recorded *r = lintel_alloc(sizeof *r + a->payload.n);
    if (r == NULL) {
        lintel_trail_early(t->source.trail);
        return -1;
    }
    r->tree = t;
    r->ticket = lintel_open_ticket(o);
    r->answer = *a;
    if (a->payload.n != 0)
        memcpy(r->payload, a->payload.p, a->payload.n);
    r->answer.payload.p = r->payload;
    if (lintel_timer_at(t->source.loop, &r->timer, lintel_loop_now(t->source.loop) + PATIENCE,
                        on_late, r) != 0 ||
        lintel_trail_sync(t->source.trail, on_disk, r) != 0) {
        lintel_timer_stop(t->source.loop, &r->timer);
        lintel_free(r);
        lintel_trail_early(t->source.trail);
        return -1;
    }
    r->next = t->recorded;
    r->link = &t->recorded;
    if (r->next != NULL)
        r->next->link = &r->next;
    t->recorded = r;
    return 0;
}

void
lintel_recorded_end(struct lintel_tree *t)
{
    while (t->recorded != NULL) {
        struct lintel_recorded *r = t->recorded;
        lintel_timer_stop(t->source.loop, &r->timer);
        unlist(r); /* it is freed when the trail has it, or closes */
    }
}
