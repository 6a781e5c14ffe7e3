/* SPDX-License-Identifier: Apache-2.0
 * What a plugin publishes faster than the hub takes it, see core/plug/worker_priv.h: of each point
 * the newest value waits, events and news of devices wait in their order, and what is lost by that
 * is counted. All with the worker's lock held. */
#include <string.h>

#include "core/base/mem.h"
#include "core/plug/worker_priv.h"

enum {
    QUEUED_MOST = 1000, /* frames; the oldest are lost beyond that */
    QUEUED_BYTES_MOST = 1024 * 1024
};

static struct point *
point_of(const struct lintel_worker *w, uint32_t id)
{
    return id < w->points.room ? w->points.at[id] : NULL;
}

/* For want of memory: nobody polls what a plugin tells by itself, so it may be missing for ever. */
static void
lost_values(struct lintel_worker *w, uint32_t n)
{
    w->lost += n;
    worker_lost(w);
}

/* ---- values: the newest of each point -------------------------------------------------------- */

void
worker_drop_late(struct lintel_worker *w, struct point *p)
{
    if (!p->is_late)
        return;
    struct point **at = &w->late_first;
    while (*at != p)
        at = &(*at)->next_late;
    *at = p->next_late;
    if (*at == NULL)
        w->late_last = at;
    p->is_late = 0;
    w->replaced++;
}

static void
keep_value(struct lintel_worker *w, struct point *p, const struct lintel_wire_up *m)
{
    w->replaced += p->is_late ? 1 : 0;
    lintel_buf_reset(&p->late);
    lintel_wire_samples(&p->late, m);
    if (p->is_late)
        return;
    p->is_late = 1;
    p->next_late = NULL;
    *w->late_last = p;
    w->late_last = &p->next_late;
}

/* 1: there is no more room. */
static int
flush_values(struct lintel_worker *w)
{
    while (w->late_first != NULL) {
        struct point *p = w->late_first;
        if (p->late.failed)
            lost_values(w, 1);
        else if (!w->dead && w->fns.send(w->ctx, &p->late, LINTEL_SEND_IF_ROOM) == 1)
            return 1;
        w->late_first = p->next_late;
        if (w->late_first == NULL)
            w->late_last = &w->late_first;
        p->is_late = 0;
        lintel_buf_fini(&p->late);
    }
    return 0;
}

/* ---- events, in their order ------------------------------------------------------------------ */

static void
free_frame(struct lintel_worker *w, struct late_frame *f)
{
    w->nqueued--;
    w->queued_bytes -= f->frame.n;
    lintel_buf_fini(&f->frame);
    lintel_free(f);
}

static void
drop_first(struct lintel_worker *w)
{
    struct late_frame *f = w->queue_first;
    w->queue_first = f->next;
    if (w->queue_first == NULL)
        w->queue_last = &w->queue_first;
    free_frame(w, f);
}

/* Takes over the memory of w->out. */
static void
keep_frame(struct lintel_worker *w, enum lintel_wire_kind kind, uint32_t id)
{
    struct late_frame *f = w->out.failed ? NULL : lintel_alloc(sizeof *f);
    if (f == NULL) {
        w->lost++;
        return;
    }
    f->frame = w->out;
    w->out = (struct lintel_buf){0};
    f->next = NULL;
    f->kind = kind;
    f->id = id;
    *w->queue_last = f;
    w->queue_last = &f->next;
    w->nqueued++;
    w->queued_bytes += f->frame.n;
    while (w->nqueued > QUEUED_MOST || (w->queued_bytes > QUEUED_BYTES_MOST && w->nqueued > 1)) {
        drop_first(w);
        w->lost++;
    }
}

void
worker_forget_late(struct lintel_worker *w, enum lintel_wire_kind kind, uint32_t id)
{
    struct late_frame **at = &w->queue_first;
    while (*at != NULL) {
        struct late_frame *f = *at;
        if (f->kind != kind || f->id != id) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        free_frame(w, f);
        w->lost++;
    }
    w->queue_last = at;
}

static int
flush_queue(struct lintel_worker *w)
{
    while (w->queue_first != NULL) {
        size_t n = w->queue_first->frame.n;
        if (!w->dead && w->fns.send(w->ctx, &w->queue_first->frame, LINTEL_SEND_IF_ROOM) == 1)
            return 1;
        w->queued_bytes -= n - w->queue_first->frame.n; /* its memory may be the sender's now */
        drop_first(w);
    }
    return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int
has_late(const struct lintel_worker *w)
{
    return w->late_first != NULL || w->queue_first != NULL;
}

void
worker_flush(struct lintel_worker *w)
{
    if (!has_late(w) && w->replaced == 0 && w->lost == 0)
        return;
    if (flush_queue(w) != 0 || flush_values(w) != 0 || (w->replaced == 0 && w->lost == 0))
        return;
    struct lintel_wire_up m = {
        .kind = LINTEL_WIRE_FLOOD, .ticket = w->replaced, .id = w->lost, .text = ""};
    w->replaced = w->lost = 0;
    worker_say(w, m, 0);
}

void
worker_free_late(struct lintel_worker *w)
{
    while (w->queue_first != NULL)
        drop_first(w);
}

static void
keep(struct lintel_worker *w, const lintel_sample *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct point *p = point_of(w, s[i].point);
        struct lintel_wire_up m = {
            .instance = w->number, .kind = LINTEL_WIRE_PUBLISH, .n = 1, .samples = &s[i]};
        if (p == NULL) {
            worker_misbehaving(w, LINTEL_LOG_ERROR,
                               "published values of points that it does not have");
        } else if (p->pub.kind == LINTEL_K_EVENT) {
            lintel_buf_reset(&w->out);
            lintel_wire_samples(&w->out, &m);
            keep_frame(w, LINTEL_WIRE_PUBLISH, s[i].point);
        } else {
            keep_value(w, p, &m);
        }
    }
}

void
worker_publish(struct lintel_worker *w, const lintel_sample *s, uint32_t n)
{
    worker_flush(w);
    while (n > 0) {
        uint32_t done = n;
        int result = 1;
        if (!has_late(w)) {
            lintel_buf_reset(&w->out);
            done = lintel_wire_samples(
                &w->out,
                &(struct lintel_wire_up){
                    .instance = w->number, .kind = LINTEL_WIRE_PUBLISH, .n = n, .samples = s});
            if (done == 0)
                return; /* cannot be: a single sample always fits */
            result = worker_send(w, 1);
        }
        if (result == 1)
            keep(w, s, done);
        else if (result < 0)
            lost_values(w, done);
        s += done;
        n -= done;
    }
}

void
worker_say_late(struct lintel_worker *w, struct lintel_wire_up m)
{
    worker_flush(w);
    if (!has_late(w) && worker_say(w, m, 1) != 1)
        return;
    m.instance = w->number;
    lintel_buf_reset(&w->out);
    lintel_wire_say(&w->out, &m);
    keep_frame(w, m.kind, m.id);
}
