/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/instance_thread.h"

#include <stdatomic.h>

#include "core/base/log.h"
#include "core/plug/instance_priv.h"

enum {
    THREAD_BYTES_MOST = 1024 * 1024
}; /* of a thread's frames on their way; more values wait in the instance */

struct instance_thread {
    struct lintel_instance *instance; /* NULL: it was left behind */
    struct lintel_worker *worker;
    struct lintel_loop *loop;
    const lintel_plugin *plugin;
    _Atomic size_t bytes; /* on their way to the loop */
    _Atomic int full;     /* the worker waits for room */
    _Atomic int lost;     /* a frame that has to come, or to go, did not */
};

struct delivery { /* a frame from a thread */
    struct instance_thread *thread;
    struct lintel_buf frame;
};

/* When it belongs to nobody any more, and nothing of it is on its way. */
static void
free_thread(struct instance_thread *t)
{
    if (t->instance == NULL && atomic_load(&t->bytes) == 0)
        lintel_free(t);
}

/* On the loop. */
static void
on_delivery(void *arg)
{
    struct delivery *d = arg;
    struct instance_thread *t = d->thread;
    struct lintel_instance *i = t->instance;
    atomic_fetch_sub(&t->bytes, d->frame.n);
    if (i != NULL && atomic_load(&t->bytes) < THREAD_BYTES_MOST / 2 && atomic_exchange(&t->full, 0))
        lintel_worker_room(t->worker);
    /* It is the hub's own code that wrote the frame, so only memory can be short. */
    if (i != NULL && port_frame(i, (const unsigned char *)d->frame.p, d->frame.n) != 0) {
        atomic_store(&t->lost, 1);
        instance_starved(i);
    }
    free_thread(t); /* if that was the last of it */
    lintel_buf_fini(&d->frame);
    lintel_free(d);
}

static int
thread_is_full(struct instance_thread *t)
{
    if (atomic_load(&t->bytes) < THREAD_BYTES_MOST)
        return 0;
    atomic_store(&t->full, 1);
    /* The loop may have taken all of it in between; then nobody would call any more. */
    return atomic_load(&t->bytes) >= THREAD_BYTES_MOST || !atomic_exchange(&t->full, 0);
}

/* On the worker's thread, or one of the plugin. */
static int
thread_send(void *ctx, struct lintel_buf *b, unsigned flags)
{
    struct instance_thread *t = ctx;
    if ((flags & LINTEL_SEND_IF_ROOM) && thread_is_full(t))
        return 1;
    struct delivery *d = lintel_alloc(sizeof *d);
    if (d == NULL)
        return -1;
    *d = (struct delivery){t, *b};
    atomic_fetch_add(&t->bytes, b->n);
    if (lintel_loop_post(t->loop, on_delivery, d) != 0) {
        atomic_fetch_sub(&t->bytes, b->n);
        lintel_free(d);
        return -1;
    }
    *b = (struct lintel_buf){0};
    return 0;
}

/* On the loop. */
static void
on_lost(void *arg)
{
    struct instance_thread *t = arg;
    atomic_fetch_sub(&t->bytes, 1);
    if (t->instance != NULL)
        instance_starved(t->instance);
    free_thread(t);
}

/* Where not even this can be posted, the instance looks now and then. */
static void
thread_lost(void *ctx)
{
    struct instance_thread *t = ctx;
    atomic_store(&t->lost, 1);
    atomic_fetch_add(&t->bytes, 1); /* it is on its way: the thread stays */
    if (lintel_loop_post(t->loop, on_lost, t) != 0)
        atomic_fetch_sub(&t->bytes, 1);
}

static const lintel_plugin *
thread_find(void *ctx, const char *file, const char *name, char *reason, uint32_t size)
{
    const struct instance_thread *t = ctx;
    (void)file, (void)name, (void)reason, (void)size;
    return t->plugin; /* opened when the site was read */
}

struct instance_thread *
instance_thread_new(struct lintel_instance *i)
{
    static const struct lintel_worker_fns fns = {thread_send, NULL, thread_lost, thread_find};
    struct instance_thread *t = lintel_alloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->instance = i;
    t->loop = i->plug->loop;
    t->plugin = i->plugin;
    t->worker = lintel_worker_new(i->number, &fns, t);
    if (t->worker != NULL)
        return t;
    lintel_free(t);
    return NULL;
}

int
instance_thread_send(struct instance_thread *t, const struct lintel_buf *b)
{
    return lintel_worker_deliver(t->worker, b->p, b->n);
}

int
instance_thread_call(struct instance_thread *t, struct lintel_worker_call *ret)
{
    return lintel_worker_call(t->worker, ret);
}

int
instance_thread_has_lost(const struct instance_thread *t)
{
    return atomic_load(&t->lost);
}

int
instance_thread_has_closed(struct instance_thread *t)
{
    return lintel_worker_has_closed(t->worker);
}

void
instance_thread_move(struct instance_thread *t, struct lintel_instance *i)
{
    t->instance = i;
}

void
instance_thread_end(struct instance_thread *t)
{
    t->instance = NULL;
    lintel_worker_free(t->worker);
    /* The delivery that is running frees it. */
}

void
instance_thread_abandon(struct instance_thread *t)
{
    lintel_worker_abandon(t->worker);
    t->instance = NULL;
    free_thread(t);
}
