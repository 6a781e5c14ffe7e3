/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/outbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/loop/frames.h"

#define TICK 1000000L /* ns; what is unsure is held for one to two of them */
enum {
    HEAD = 4,
    ROOM_KEPT = 1024 * 1024,
    ROW_BYTES = 256 /* of a row are worth a call: less is cheaper to gather than to send */
};

struct lintel_outbox {
    int fd;
    pthread_t thread;
    pthread_mutex_t calling; /* while room() runs; taken before `lock` */
    pthread_mutex_t lock;    /* of all below */
    pthread_cond_t wake;
    struct lintel_buf filling;
    struct lintel_lane *lanes;
    int sending;                       /* somebody is in send(): only one, or frames would mix */
    enum { AWAKE, WAITS, TICKS } idle; /* the thread waits for `wake`; for a tick at most */
    int row;                           /* one of a row was put, and others follow */
    int held;      /* of such a row something waits, and it is unsure when they do; */
    int holds;     /* the same, but since the last tick; */
    uint32_t sent; /* tells what is held from what was */
    int ending, broken;
};

/* With `sending` set, without the lock. Sends from *at on; 0 when all is sent or the socket is full
 * (and wait is 0), -1 when nobody reads any more. */
static int
send_some(int fd, const struct lintel_buf *b, size_t *at, int wait)
{
    while (*at < b->n) {
        ssize_t n = send(fd, b->p + *at, b->n - *at, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!wait)
                return 0;
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (n < 0)
            return -1;
        *at += (size_t)n;
    }
    return 0;
}

static void
wake(struct lintel_outbox *o)
{
    if (o->idle != AWAKE)
        pthread_cond_signal(&o->wake);
    o->idle = AWAKE;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Lanes that were refused may come again. Their callbacks run without the lock. */
static void
call_lanes(struct lintel_outbox *o)
{
    pthread_mutex_lock(&o->calling);
    for (;;) {
        pthread_mutex_lock(&o->lock);
        struct lintel_lane *lane = o->lanes;
        while (lane != NULL && (!lane->full || lane->bytes >= LINTEL_LANE_BYTES))
            lane = lane->next;
        if (lane != NULL)
            lane->full = 0;
        pthread_mutex_unlock(&o->lock);
        if (lane == NULL)
            break;
        lane->room(lane->ctx);
    }
    pthread_mutex_unlock(&o->calling);
}

/* With the lock held: whether a lane waits to be called. */
static int
has_waiter(const struct lintel_outbox *o)
{
    int ret = 0;
    for (const struct lintel_lane *l = o->lanes; l != NULL; l = l->next)
        ret |= l->full && l->bytes < LINTEL_LANE_BYTES;
    return ret && !o->broken;
}

/* With the lock held. */
static void
none_waits(struct lintel_outbox *o)
{
    o->held = 0;
    o->sent++;
    for (struct lintel_lane *l = o->lanes; l != NULL; l = l->next)
        l->bytes = 0;
}

/* Takes all that waits; with the lock held. */
static void
take_all(struct lintel_outbox *o, struct lintel_buf *empty)
{
    struct lintel_buf full = o->filling;
    o->filling = *empty;
    *empty = full;
    none_waits(o);
}

/* Until there may be something to do; with the lock held. While rows come that are unsure, it looks
 * each tick whether something of the last one still waits. */
static void
rest(struct lintel_outbox *o)
{
    int held = o->held, ticks = o->held || o->holds;
    uint32_t sent = o->sent;
    struct timespec until;
    o->holds = 0;
    o->idle = ticks ? TICKS : WAITS;
    if (ticks) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&o->wake, &o->lock, &until);
    } else {
        pthread_cond_wait(&o->wake, &o->lock);
    }
    o->idle = AWAKE;
    if (held && o->sent == sent)
        o->held = 0;
}

static void *
run(void *arg)
{
    struct lintel_outbox *o = arg;
    struct lintel_buf out = {0};
    pthread_mutex_lock(&o->lock);
    for (;;) {
        while (!o->ending && (o->filling.n == 0 || o->held) && !has_waiter(o))
            rest(o);
        if (o->ending && o->filling.n == 0)
            break;
        size_t at = 0;
        take_all(o, &out);
        int waiter = has_waiter(o);
        o->sending = 1;
        pthread_mutex_unlock(&o->lock);
        if (waiter)
            call_lanes(o);
        int result = send_some(o->fd, &out, &at, 1);
        if (out.room > ROOM_KEPT)
            lintel_buf_fini(&out);
        else
            lintel_buf_reset(&out);
        pthread_mutex_lock(&o->lock);
        o->sending = 0;
        o->broken |= result != 0;
        if (o->broken)
            lintel_buf_reset(&o->filling);
    }
    pthread_mutex_unlock(&o->lock);
    lintel_buf_fini(&out);
    return NULL;
}

/* ---- putting --------------------------------------------------------------------------------- */

static int
append(struct lintel_buf *out, const struct lintel_buf *b)
{
    const unsigned char head[HEAD] = {(unsigned char)(b->n >> 24), (unsigned char)(b->n >> 16),
                                      (unsigned char)(b->n >> 8), (unsigned char)b->n};
    size_t before = out->n;
    lintel_buf_add(out, head, HEAD);
    lintel_buf_add(out, b->p, b->n);
    if (!out->failed)
        return 0;
    out->n = before;
    out->failed = 0;
    return -1;
}

/* An answer is waited for, so it takes the short way if the socket is free. With the lock held. */
static void
send_at_once(struct lintel_outbox *o)
{
    size_t at = 0;
    if (send_some(o->fd, &o->filling, &at, 0) != 0) {
        o->broken = 1;
        at = o->filling.n;
    }
    o->filling.n -= at;
    if (o->filling.n != 0)
        memmove(o->filling.p, o->filling.p + at, o->filling.n);
    else
        none_waits(o);
}

/* Of a row of answers the first leaves at once: the hub wakes up while the others are made. Those
 * gather, but not for longer than is of use: the hub shall work at the same time. With the lock
 * held. */
static int
leaves_now(struct lintel_outbox *o, int more)
{
    int first = !o->row;
    o->row = more;
    return !more || first || o->filling.n >= ROW_BYTES;
}

/* What was not sent waits for others of its row, or for the thread. With the lock held. */
static void
leave(struct lintel_outbox *o, enum lintel_row row)
{
    o->held = row == LINTEL_ROW_UNSURE;
    o->holds |= o->held;
    if (row == LINTEL_ROW_NONE || (o->held && o->idle == WAITS)) /* it ticks from now on */
        wake(o);
}

int
lintel_outbox_put(struct lintel_outbox *o, struct lintel_lane *lane, const struct lintel_buf *b,
                  int if_room, enum lintel_row row)
{
    int ret = -1;
    if (b->failed || b->n == 0 || b->n > LINTEL_FRAME_MOST)
        return -1;
    pthread_mutex_lock(&o->lock);
    if (if_room && lane != NULL && lane->bytes >= LINTEL_LANE_BYTES) {
        lane->full = 1;
        ret = 1;
    } else if (o->broken) {
        ret = 0;
    } else if (append(&o->filling, b) == 0) {
        ret = 0;
        if (lane != NULL)
            lane->bytes += HEAD + b->n;
        int leaves = !if_room && leaves_now(o, row != LINTEL_ROW_NONE);
        if (leaves && !o->sending)
            send_at_once(o);
        if (o->filling.n != 0 || has_waiter(o))
            leave(o, leaves ? LINTEL_ROW_NONE : row);
    }
    pthread_mutex_unlock(&o->lock);
    return ret;
}

void
lintel_outbox_flush(struct lintel_outbox *o)
{
    pthread_mutex_lock(&o->lock);
    o->row = 0;
    if (o->filling.n != 0 && !o->sending)
        send_at_once(o);
    if (o->filling.n != 0 || has_waiter(o))
        leave(o, LINTEL_ROW_NONE);
    pthread_mutex_unlock(&o->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

void
lintel_outbox_add(struct lintel_outbox *o, struct lintel_lane *lane)
{
    pthread_mutex_lock(&o->lock);
    lane->next = o->lanes;
    o->lanes = lane;
    pthread_mutex_unlock(&o->lock);
}

void
lintel_outbox_remove(struct lintel_outbox *o, struct lintel_lane *lane)
{
    pthread_mutex_lock(&o->calling);
    pthread_mutex_lock(&o->lock);
    struct lintel_lane **at = &o->lanes;
    while (*at != NULL && *at != lane)
        at = &(*at)->next;
    if (*at != NULL)
        *at = lane->next;
    pthread_mutex_unlock(&o->lock);
    pthread_mutex_unlock(&o->calling);
}

struct lintel_outbox *
lintel_outbox_new(int fd)
{
    sigset_t all, before;
    struct lintel_outbox *o = lintel_alloc(sizeof *o);
    if (o == NULL)
        return NULL;
    o->fd = fd;
    pthread_mutex_init(&o->calling, NULL);
    pthread_mutex_init(&o->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the main thread */
    int result = pthread_create(&o->thread, NULL, run, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        lintel_free(o);
        return NULL;
    }
    return o;
}

void
lintel_outbox_free(struct lintel_outbox *o)
{
    if (o == NULL)
        return;
    pthread_mutex_lock(&o->lock);
    o->ending = 1;
    wake(o);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    lintel_buf_fini(&o->filling);
    pthread_cond_destroy(&o->wake);
    pthread_mutex_destroy(&o->lock);
    pthread_mutex_destroy(&o->calling);
    lintel_free(o);
}
