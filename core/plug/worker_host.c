/* SPDX-License-Identifier: Apache-2.0
 * The hub as a plugin sees it, see core/plug/worker_priv.h. All of it is called from any thread,
 * also by mistake after the instance's end. */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/tap.h"
#include "core/plug/worker_priv.h"

/* ---- to the hub ------------------------------------------------------------------------------ */

/* With the lock held. */
void
worker_send(struct lintel_worker *w, int may_drop)
{
    if (!w->out.failed && !w->dead)
        w->fns.send(w->ctx, &w->out, may_drop);
    lintel_buf_reset(&w->out);
}

void
worker_say(struct lintel_worker *w, struct lintel_wire_up m, int may_drop)
{
    m.instance = w->number;
    lintel_buf_reset(&w->out);
    lintel_wire_say(&w->out, &m);
    worker_send(w, may_drop);
}

/* With the lock held. */
void
worker_misbehaving(struct lintel_worker *w, const char *what)
{
    if (w->dead)
        lintel_log(LINTEL_LOG_ERROR, "plugin", "PLUGIN MISBEHAVING: it %s after it was destroyed",
                   what);
    else
        worker_say(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_MISBEHAVING, .text = what}, 1);
}

/* With the lock held. */
void
worker_wake(struct lintel_worker *w)
{
    if (!w->scheduled && lintel_loop_post(w->loop, worker_run_inbox, w) == 0)
        w->scheduled = 1;
}

/* ---- what the plugin calls: any thread ------------------------------------------------------- */

static struct lintel_worker *
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
        worker_misbehaving(w, "wrote to the log");
    else {
        lintel_copy(w->last_line, sizeof w->last_line, line);
        if (level <= w->log_most)
            worker_say(w,
                       (struct lintel_wire_up){.kind = LINTEL_WIRE_LOG,
                                               .level = level < 0   ? 0
                                                        : level > 3 ? 3
                                                                    : level,
                                               .text = line},
                       level > LINTEL_LOG_ERROR);
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
    if (w->dead || !find_open(w, r, &i))
        worker_misbehaving(w, "completed a request that is not open");
    else
        worker_end_request(w, i, worker_status(st), s, n);
    pthread_mutex_unlock(&w->lock);
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (w->dead)
        worker_misbehaving(w, "published values");
    while (n > 0 && !w->dead) {
        lintel_buf_reset(&w->out);
        uint32_t done = lintel_wire_samples(
            &w->out, &(struct lintel_wire_up){
                         .instance = w->number, .kind = LINTEL_WIRE_PUBLISH, .n = n, .samples = s});
        worker_send(w, 1);
        if (done == 0)
            break; /* cannot be: a single sample always fits */
        s += done;
        n -= done;
    }
    pthread_mutex_unlock(&w->lock);
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (w->dead)
        worker_misbehaving(w, "told of its connection");
    else
        worker_say(w,
                   (struct lintel_wire_up){
                       .kind = LINTEL_WIRE_LINK, .status = worker_status(st), .text = detail},
                   0);
    pthread_mutex_unlock(&w->lock);
}

static void
host_device(const lintel_host *h, const lintel_device *d, lintel_status st, const char *detail)
{
    struct lintel_worker *w = worker_of(h);
    pthread_mutex_lock(&w->lock);
    if (w->dead)
        worker_misbehaving(w, "told of a device");
    else
        worker_say(w,
                   (struct lintel_wire_up){.kind = LINTEL_WIRE_DEVICE,
                                           .id = d->id,
                                           .status = worker_status(st),
                                           .text = detail},
                   0);
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

static lintel_mono
host_now(const lintel_host *h)
{
    return lintel_loop_now(worker_of(h)->loop);
}

static lintel_wall
host_wall(const lintel_host *h)
{
    return lintel_loop_wall(worker_of(h)->loop);
}

static lintel_status
loop_watch(const lintel_host *h, int32_t fd, uint32_t events,
           void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg)
{
    return lintel_hostloop_watch(&worker_of(h)->hostloop, fd, events, fn, arg);
}

static lintel_status
loop_timer(const lintel_host *h, lintel_mono at, void (*fn)(void *arg), void *arg)
{
    return lintel_hostloop_timer(&worker_of(h)->hostloop, at, fn, arg);
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    static const lintel_host_loop loop = {sizeof loop, 0, loop_watch, loop_timer};
    const struct lintel_worker *w = worker_of(h);
    if (strcmp(id, LINTEL_EXT_LOOP) == 0 && w->plugin != NULL &&
        !(w->plugin->flags & LINTEL_PLUGIN_BLOCKING))
        return &loop;
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
                                 .now = host_now,
                                 .wall = host_wall,
                                 .extension = host_extension};
