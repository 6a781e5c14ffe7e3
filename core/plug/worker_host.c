/* SPDX-License-Identifier: Apache-2.0
 * The hub as a plugin sees it, see core/plug/worker_priv.h. All of it is called from any thread,
 * also by mistake after the instance's end. */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/tap.h"
#include "core/plug/worker_priv.h"

/* ---- to the hub ------------------------------------------------------------------------------ */

/* Who was left behind, or has ended, has nobody to tell it. */
void
worker_lost(struct lintel_worker *w)
{
    if (!w->dead)
        w->fns.lost(w->ctx);
}

/* With the lock held. */
int
worker_send(struct lintel_worker *w, int if_room)
{
    int ret = -1;
    if (!w->out.failed && !w->dead)
        ret = w->fns.send(w->ctx, &w->out, (if_room ? LINTEL_SEND_IF_ROOM : 0u) | w->corked);
    if (ret < 0 && !if_room)
        worker_lost(w);
    lintel_buf_reset(&w->out);
    return ret;
}

int
worker_say(struct lintel_worker *w, struct lintel_wire_up m, int if_room)
{
    m.instance = w->number;
    lintel_buf_reset(&w->out);
    lintel_wire_say(&w->out, &m);
    return worker_send(w, if_room);
}

/* With the lock held. */
void
worker_misbehaving(struct lintel_worker *w, int32_t level, const char *what)
{
    if (w->dead)
        lintel_log(LINTEL_LOG_ERROR, "plugin", "PLUGIN MISBEHAVING: it %s after it was destroyed",
                   what);
    else /* the first lie, which ends the instance, needs no room */
        worker_say(
            w,
            (struct lintel_wire_up){.kind = LINTEL_WIRE_MISBEHAVING, .level = level, .text = what},
            level > LINTEL_LOG_ERROR || w->lies++ != 0);
}

/* Whether the plugin may call at all. With the lock held. */
static int
may_call(struct lintel_worker *w, const char *what)
{
    char line[REASON];
    if (w->phase == PHASE_OPEN)
        return 1;
    lintel_format(line, sizeof line, "%s%s", what,
                  w->dead                     ? ""
                  : w->phase == PHASE_STOPPED ? " after stop() had returned"
                                              : " after it was destroyed");
    worker_misbehaving(w, LINTEL_LOG_ERROR, line);
    return 0;
}

/* With the lock held. */
void
worker_wake(struct lintel_worker *w)
{
    if (w->scheduled)
        return;
    if (lintel_loop_post(w->loop, worker_run_inbox, w) == 0)
        w->scheduled = 1;
    else
        worker_lost(w);
}

/* ---- what the plugin calls: any thread ------------------------------------------------------- */

struct lintel_worker *
worker_of(const lintel_host *h)
{
    union {
        const lintel_host *in;
        struct lintel_worker *out;
    } u = {h}; /* the plugin's view is const, the worker is not */
    return u.out;
}

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (w->dead)
        worker_misbehaving(w, LINTEL_LOG_ERROR, "wrote to the log");
    else {
        lintel_copy(w->last_line, sizeof w->last_line, line);
        if (level <= w->log_most)
            worker_say(w,
                       (struct lintel_wire_up){.kind = LINTEL_WIRE_LOG,
                                               .level = level < 0   ? 0
                                                        : level > 3 ? 3
                                                                    : level,
                                               .text = line},
                       1);
    }
    pthread_mutex_unlock(&w->lock);
}

/* The place of a request among the open ones; the pointer is compared, never followed: it may be
 * stale. */
static int
find_open(const struct lintel_worker *w, const lintel_request *r, uint32_t *ret)
{
    for (uint32_t i = 0; i < w->nopen; i++)
        if (&w->open[i]->pub == r) {
            *ret = i;
            return 1;
        }
    return 0;
}

/* Whether it has ended lately: its memory is kept, so no other request has its place. */
static int
was_open(const struct lintel_worker *w, const lintel_request *r)
{
    for (const struct request *k = w->kept; k != NULL; k = k->next)
        if (&k->pub == r)
            return 1;
    return 0;
}

lintel_status
worker_status(lintel_status st)
{
    return st > 0 || st < LINTEL_E_BUSY ? LINTEL_E_FAIL : st;
}

/* Takes a request off the open ones and tells the hub. Its memory is kept for a while, so that a
 * second completion of it does not meet a new request at the same place. With the lock held. */
void
worker_end_request(struct lintel_worker *w, uint32_t i, lintel_status st, const lintel_sample *s,
                   uint32_t n)
{
    struct request *r = w->open[i];
    w->open[i] = w->open[--w->nopen];
    for (uint32_t k = 0; k < r->pub.npoints; k++)
        ((struct point *)r->points[k])->open--;
    r->next = w->kept;
    w->kept = r;
    for (uint32_t k = 0; k < r->pub.npoints && w->late_first != NULL && st == LINTEL_OK; k++)
        worker_drop_late(w, (struct point *)r->points[k]); /* the answer is newer */
    lintel_buf_reset(&w->out);
    lintel_wire_samples(&w->out, &(struct lintel_wire_up){.instance = w->number,
                                                          .kind = LINTEL_WIRE_DONE,
                                                          .ticket = r->ticket,
                                                          .status = st,
                                                          .n = st == LINTEL_OK ? n : 0,
                                                          .samples = s});
    worker_send(w, 0);
    if (w->waiting) {
        w->waiting = 0;
        worker_wake(w);
    }
}

static void
host_complete(const lintel_host *h, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    struct lintel_worker *w = worker_of(h);
    uint32_t i = 0;
    pthread_mutex_lock(&w->lock);
    if (!may_call(w, "completed a request"))
        ;
    else if (find_open(w, r, &i))
        worker_end_request(w, i, worker_status(st), s, n);
    else
        worker_misbehaving(w, LINTEL_LOG_ERROR,
                           was_open(w, r) ? "completed a request twice"
                                          : "completed a request that is not open");
    pthread_mutex_unlock(&w->lock);
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (may_call(w, "published values"))
        worker_publish(w, s, n);
    pthread_mutex_unlock(&w->lock);
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (may_call(w, "told of its connection"))
        worker_say_late(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_LINK,
                                                   .status = worker_status(st),
                                                   .text = detail});
    pthread_mutex_unlock(&w->lock);
}

static void
host_device(const lintel_host *h, const lintel_device *d, lintel_status st, const char *detail)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (may_call(w, "told of a device"))
        worker_say_late(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_DEVICE,
                                                   .id = d->id,
                                                   .status = worker_status(st),
                                                   .text = detail});
    pthread_mutex_unlock(&w->lock);
}

static int32_t
host_cancelled(const lintel_host *h, const lintel_request *r)
{
    struct lintel_worker *w = worker_of(h);
    uint32_t i = 0;
    pthread_mutex_lock(&w->lock);
    int ret = w->closing || w->dead || !find_open(w, r, &i) || w->open[i]->cancelled ||
              lintel_loop_now(w->loop) >= w->open[i]->pub.deadline;
    pthread_mutex_unlock(&w->lock);
    return ret;
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    const struct lintel_worker *w = worker_of(h);
    if (strcmp(id, LINTEL_EXT_LOOP) == 0 && w->plugin != NULL &&
        !(w->plugin->flags & LINTEL_PLUGIN_BLOCKING))
        return &lintel_hostloop_extension;
    if (strcmp(id, LINTEL_EXT_WIRE) == 0)
        return &lintel_worker_wire;
    return NULL;
}

const lintel_host worker_host = {.size = sizeof worker_host,
                                 .abi_minor = LINTEL_ABI_MINOR,
                                 .log = host_log,
                                 .complete = host_complete,
                                 .publish = host_publish,
                                 .link = host_link,
                                 .device = host_device,
                                 .cancelled = host_cancelled,
                                 .now = lintel_hostloop_now,
                                 .wall = lintel_hostloop_wall,
                                 .extension = host_extension};
