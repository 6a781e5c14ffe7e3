/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/hostloop.h"

#include "core/base/mem.h"

struct hostloop_timer {
    struct lintel_timer timer;
    struct hostloop_timer *next;
    void (*fn)(void *arg);
    void *arg;
};

static struct lintel_hostloop *
hostloop_of(const lintel_host *host)
{
    union {
        const lintel_host *in;
        struct lintel_hostloop *out;
    } u = {host}; /* the plugin's view is const, what stands behind it is not */
    return u.out;
}

lintel_mono
lintel_hostloop_now(const lintel_host *host)
{
    return lintel_loop_now(hostloop_of(host)->loop);
}

lintel_wall
lintel_hostloop_wall(const lintel_host *host)
{
    return lintel_loop_wall(hostloop_of(host)->loop);
}

static int
find_fd(const struct lintel_hostloop *h, int fd, uint32_t *ret)
{
    for (uint32_t i = 0; i < h->nfds; i++)
        if (h->fds[i] == fd) {
            *ret = i;
            return 1;
        }
    return 0;
}

static lintel_status
watch(const lintel_host *host, int32_t fd, uint32_t events,
      void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg)
{
    struct lintel_hostloop *h = hostloop_of(host);
    uint32_t i = 0;
    int known = find_fd(h, fd, &i);
    if (events == 0) {
        if (known) {
            lintel_loop_watch(h->loop, fd, 0, NULL, NULL);
            h->fds[i] = h->fds[--h->nfds];
        }
        return LINTEL_OK;
    }
    if (!known && h->nfds == h->room) {
        uint32_t room = h->room ? h->room * 2 : 8;
        int *fds = lintel_grow(h->fds, room, sizeof *fds);
        if (fds == NULL)
            return LINTEL_E_NOMEM;
        h->fds = fds;
        h->room = room;
    }
    if (lintel_loop_watch(h->loop, fd, events, fn, arg) != 0)
        return LINTEL_E_FAIL;
    if (!known)
        h->fds[h->nfds++] = fd;
    return LINTEL_OK;
}

/* The record of a timer that fired stays: most are armed again. */
static lintel_status
timer(const lintel_host *host, lintel_mono at, void (*fn)(void *arg), void *arg)
{
    struct lintel_hostloop *h = hostloop_of(host);
    struct hostloop_timer *t = h->timers;
    while (t != NULL && (t->fn != fn || t->arg != arg))
        t = t->next;
    if (at == 0) {
        if (t != NULL)
            lintel_timer_stop(h->loop, &t->timer);
        return LINTEL_OK;
    }
    if (t == NULL) {
        /* One that rests is taken over before a new one is made. */
        for (t = h->timers; t != NULL && t->timer.slot != 0;)
            t = t->next;
        if (t == NULL) {
            if ((t = lintel_alloc(sizeof *t)) == NULL)
                return LINTEL_E_NOMEM;
            t->next = h->timers;
            h->timers = t;
        }
        t->fn = fn;
        t->arg = arg;
    }
    return lintel_timer_at(h->loop, &t->timer, at, fn, arg) == 0 ? LINTEL_OK : LINTEL_E_NOMEM;
}

const lintel_host_loop lintel_hostloop_extension = {sizeof lintel_hostloop_extension, 0, watch,
                                                    timer};

void
lintel_hostloop_clear(struct lintel_hostloop *h)
{
    for (uint32_t i = 0; i < h->nfds; i++)
        lintel_loop_watch(h->loop, h->fds[i], 0, NULL, NULL);
    for (struct hostloop_timer *t = h->timers, *next; t != NULL; t = next) {
        next = t->next;
        lintel_timer_stop(h->loop, &t->timer);
        lintel_free(t);
    }
    lintel_free(h->fds);
    h->timers = NULL;
    h->fds = NULL;
    h->nfds = h->room = 0;
}
