/* SPDX-License-Identifier: Apache-2.0
 * Waiting is one function, turn(): it polls the plugin's descriptors and timers and a pipe that
 * other threads write to when they bring something. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/kit/host_priv.h"

/* ---- waiting ---- */

static void
run_timers(struct lintel_kit *h)
{
    lintel_mono now = lintel_kit_host_now(&h->host);
    for (struct timer *t = h->timers; t < h->timers + TIMERS_MOST; t++)
        if (t->fn != NULL && t->at <= now) {
            struct timer due = *t;
            *t = (struct timer){0};
            due.fn(due.arg);
        }
}

static int
until_timer(struct lintel_kit *h, int ms)
{
    lintel_mono now = lintel_kit_host_now(&h->host);
    for (struct timer *t = h->timers; h->real_time && t < h->timers + TIMERS_MOST; t++)
        if (t->fn != NULL && t->at < now + ms * MS)
            ms = t->at <= now ? 0 : (int)((t->at - now + MS - 1) / MS);
    return ms;
}

/* One round of the loop; returns when something happened or `until` (real time) came. */
static void
turn(struct lintel_kit *h, lintel_mono until)
{
    struct pollfd fds[WATCHES_MOST + 1] = {{.fd = h->wake[0], .events = POLLIN}};
    struct watch *of_fd[WATCHES_MOST + 1] = {NULL};
    nfds_t n = 1;
    run_timers(h);
    for (struct watch *w = h->watches; w < h->watches + WATCHES_MOST; w++)
        if (w->fn != NULL) {
            fds[n].fd = w->fd;
            fds[n].events = (short)((w->events & LINTEL_LOOP_READ ? POLLIN : 0) |
                                    (w->events & LINTEL_LOOP_WRITE ? POLLOUT : 0));
            of_fd[n++] = w;
        }
    lintel_mono left = until - lintel_kit_real_now();
    int ms = left <= 0 ? 0 : left > 1000 * MS ? 1000 : (int)((left + MS - 1) / MS);
    if (poll(fds, n, until_timer(h, ms)) <= 0)
        return;
    char drained[64];
    while (read(h->wake[0], drained, sizeof drained) > 0)
        ;
    for (nfds_t i = 1; i < n; i++) {
        struct watch *w = of_fd[i];
        short got = fds[i].revents;
        uint32_t ready = (got & (POLLIN | POLLHUP | POLLERR) ? (uint32_t)LINTEL_LOOP_READ : 0) |
                         (got & (POLLOUT | POLLERR) ? (uint32_t)LINTEL_LOOP_WRITE : 0);
        /* An earlier callback may have ended this watch. */
        if (w->fn != NULL && w->fd == fds[i].fd && (ready & w->events) != 0)
            w->fn(w->arg, w->fd, ready & w->events);
    }
}

/* ---- the test's side ---- */

static lintel_status create_status;

lintel_status
lintel_kit_create_status(void)
{
    return create_status;
}

static void
set_phase(struct lintel_kit *h, enum lintel_kit_phase phase)
{
    __atomic_store_n(&h->phase, phase, __ATOMIC_SEQ_CST);
}

struct lintel_kit *
lintel_kit_new(const lintel_plugin *plugin, const char *const *settings, int real_time)
{
    struct lintel_kit *h = lintel_kit_must(calloc(1, sizeof *h));
    h->host = lintel_kit_host_table;
    h->plugin = plugin;
    h->inst = pthread_self();
    h->real_time = real_time;
    h->fake_now = 1000 * MS;
    h->link = LINTEL_E_FAIL;
    h->log = lintel_kit_must(calloc(1, 1));
    pthread_mutex_init(&h->lock, NULL);
    if (pipe2(h->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        abort();
    lintel_kit_refuse("%s", "");
    const lintel_value *v = lintel_kit_values_of(h, plugin->bus, settings);
    create_status = LINTEL_E_CONFIG;
    if (v != NULL) {
        create_status = plugin->create(&h->host, v, &h->self);
        if (create_status != LINTEL_OK)
            lintel_kit_refuse("create() refuses the settings: %s",
                              h->log[0] != '\0' ? h->log : "(it logs no reason)");
    }
    if (create_status != LINTEL_OK) {
        h->plugin = NULL;
        lintel_kit_free(h);
        return NULL;
    }
    set_phase(h, PHASE_LIVE);
    return h;
}

void
lintel_kit_stop(struct lintel_kit *h)
{
    if (!h->started || h->stopped)
        return;
    if (h->plugin->stop != NULL)
        h->plugin->stop(h->self);
    set_phase(h, PHASE_STOPPED);
    h->stopped = 1;
    pthread_mutex_lock(&h->lock);
    for (struct request *q = h->requests; q != NULL; q = q->next)
        lintel_kit_expect(q->done != 0, LINTEL_KIT_OPEN,
                          "a request is still open after stop(), which completes what is open "
                          "(lintel_plugin.stop)");
    pthread_mutex_unlock(&h->lock);
    for (struct watch *w = h->watches; w < h->watches + WATCHES_MOST; w++)
        lintel_kit_expect(w->fn == NULL, LINTEL_KIT_LEFT,
                          "a descriptor is still watched after stop(): end it with events = 0 "
                          "before it is closed (lintel/ext/loop.h)");
    for (struct timer *t = h->timers; t < h->timers + TIMERS_MOST; t++)
        lintel_kit_expect(t->fn == NULL, LINTEL_KIT_LEFT,
                          "a timer is still armed after stop(): disarm it with at = 0 "
                          "(lintel/ext/loop.h)");
}

void
lintel_kit_end(struct lintel_kit *h)
{
    const lintel_plugin *p = h->plugin;
    if (p == NULL || h->phase == PHASE_DESTROYED)
        return;
    lintel_kit_stop(h);
    for (struct point *e = h->points; e != NULL; e = e->next)
        if (p->unbind != NULL)
            p->unbind(h->self, &e->p);
    for (struct device *e = h->devices; e != NULL; e = e->next)
        if (p->detach != NULL)
            p->detach(h->self, &e->d);
    p->destroy(h->self);
    set_phase(h, PHASE_DESTROYED);
}

static struct lintel_kit *graves;

void
lintel_kit_free(struct lintel_kit *h)
{
    if (h == NULL)
        return;
    lintel_kit_end(h);
    while (h->requests != NULL) {
        struct request *next = h->requests->next;
        lintel_kit_result_free(h->requests->result);
        free(h->requests);
        h->requests = next;
    }
    if (h->published != NULL)
        lintel_kit_result_free(&h->published->result);
    lintel_kit_pieces_free(h->pieces); /* devices and points among them */
    close(h->wake[0]);
    close(h->wake[1]);
    free(h->log);
    h->requests = NULL;
    h->published = NULL;
    h->pieces = NULL;
    h->log = NULL;
    h->nlog = 0;
    set_phase(h, PHASE_DESTROYED);
    /* What the plugin may still call by mistake stays, as in the hub; reachable, so that it is no
     * leak. */
    h->grave = graves;
    graves = h;
}

void *
lintel_kit_self(struct lintel_kit *h)
{
    return h->self;
}

lintel_status
lintel_kit_start(struct lintel_kit *h)
{
    lintel_status st = h->plugin->start != NULL ? h->plugin->start(h->self) : LINTEL_OK;
    h->started = st == LINTEL_OK;
    return st;
}

void
lintel_kit_advance(struct lintel_kit *h, lintel_mono ns)
{
    lintel_kit_expect(!h->real_time, LINTEL_KIT_TEST, "lintel_kit_advance() is for the fake clock");
    __atomic_add_fetch(&h->fake_now, ns, __ATOMIC_SEQ_CST);
    run_timers(h);
}

void
lintel_kit_run(struct lintel_kit *h, uint32_t ms)
{
    lintel_mono until = lintel_kit_real_now() + ms * MS;
    do
        turn(h, until);
    while (lintel_kit_real_now() < until);
}

void
lintel_kit_cancel_in(struct lintel_kit *h, uint32_t ms)
{
    h->cancel_in = ms;
}

void
lintel_kit_stop_in(struct lintel_kit *h, uint32_t ms)
{
    h->stop_in = ms;
}

int
lintel_kit_attach(struct lintel_kit *h, const char *name, const char *const *settings)
{
    const lintel_value *v = lintel_kit_values_of(h, h->plugin->device, settings);
    if (v == NULL)
        return -1;
    struct device *e = lintel_kit_keep(&h->pieces, sizeof *e);
    e->d = (lintel_device){.size = sizeof e->d,
                           .id = (uint32_t)h->ndevices + 1,
                           .name = lintel_kit_keep_text(&h->pieces, name, strlen(name)),
                           .settings = v};
    e->status = LINTEL_E_FAIL;
    pthread_mutex_lock(&h->lock);
    size_t had = strlen(h->log);
    e->next = h->devices;
    h->devices = e;
    pthread_mutex_unlock(&h->lock);
    if (h->plugin->attach != NULL && h->plugin->attach(h->self, &e->d) != LINTEL_OK) {
        lintel_kit_refuse("attach() refuses the device: %s", h->log + had);
        pthread_mutex_lock(&h->lock);
        h->devices = e->next;
        pthread_mutex_unlock(&h->lock);
        return -1;
    }
    return ++h->ndevices;
}

static struct device *
device_of(struct lintel_kit *h, int id)
{
    struct device *e = h->devices;
    while (e != NULL && (int)e->d.id != id)
        e = e->next;
    return e;
}

int
lintel_kit_bind(struct lintel_kit *h, int device, uint32_t kind, uint32_t flags,
                uint32_t wire_bytes, const char *const *addr, const char *const *write_addr)
{
    struct device *d = device_of(h, device);
    const lintel_value *v = lintel_kit_values_of(h, h->plugin->address, addr);
    const lintel_value *w =
        write_addr != NULL ? lintel_kit_values_of(h, h->plugin->address, write_addr) : v;
    if (!lintel_kit_expect(d != NULL, LINTEL_KIT_TEST,
                           "lintel_kit_bind() needs a device that was attached") ||
        v == NULL || w == NULL)
        return -1;
    char name[32];
    int n = snprintf(name, sizeof name, "point-%d", h->npoints + 1);
    struct point *e = lintel_kit_keep(&h->pieces, sizeof *e);
    e->p = (lintel_point){.size = sizeof e->p,
                          .id = (uint32_t)h->npoints + 1,
                          .kind = kind,
                          .flags = flags,
                          .wire_bytes = wire_bytes,
                          .write_wire_bytes = wire_bytes,
                          .device = &d->d,
                          .addr = v,
                          .write_addr = w,
                          .name = lintel_kit_keep_text(&h->pieces, name, (size_t)n)};
    pthread_mutex_lock(&h->lock);
    size_t had = strlen(h->log);
    e->next = h->points;
    h->points = e;
    pthread_mutex_unlock(&h->lock);
    if (h->plugin->bind != NULL && h->plugin->bind(h->self, &e->p) != LINTEL_OK) {
        lintel_kit_refuse("bind() refuses the point: %s", h->log + had);
        pthread_mutex_lock(&h->lock);
        h->points = e->next;
        pthread_mutex_unlock(&h->lock);
        return -1;
    }
    return ++h->npoints;
}

static struct request *
request_new(struct lintel_kit *h, const int *points, uint32_t n)
{
    struct request *q = lintel_kit_must(calloc(1, sizeof *q));
    lintel_point **bound = lintel_kit_keep(&h->pieces, (n + 1) * sizeof *bound);
    struct kept *k = lintel_kit_kept_new(n);
    for (uint32_t i = 0; i < n; i++) {
        struct point *e = h->points;
        while (e != NULL && (int)e->p.id != points[i])
            e = e->next;
        if (!lintel_kit_expect(e != NULL, LINTEL_KIT_TEST,
                               "lintel_kit_request() needs points that were bound"))
            abort();
        bound[i] = &e->p;
        k->result.samples[i] = (lintel_sample){.point = e->p.id, .status = LINTEL_E_FAIL};
    }
    q->r = (lintel_request){.size = sizeof q->r, .npoints = n, .points = bound};
    k->result.status = LINTEL_E_TIMEOUT;
    q->result = &k->result;
    return q;
}

/* What the hub does from outside while a request is open. */
static void
interfere(struct lintel_kit *h, struct request *q)
{
    int blocking = (h->plugin->flags & LINTEL_PLUGIN_BLOCKING) != 0;
    lintel_mono now = lintel_kit_real_now();
    if (q->end_at == 0 || now < q->end_at || q->told || q->done != 0)
        return;
    q->told = 1;
    if (h->stop_in != 0 && !blocking)
        lintel_kit_stop(h);
    else if (!blocking && h->plugin->cancel != NULL)
        h->plugin->cancel(h->self, &q->r);
}

/* Until its completion or `until`; the time when something is to be done from outside comes first.
 */
static void
wait_for(struct lintel_kit *h, struct request *q, lintel_mono until)
{
    for (;;) {
        pthread_mutex_lock(&h->lock);
        int over = q->done != 0 || lintel_kit_real_now() >= until;
        pthread_mutex_unlock(&h->lock);
        if (over || h->stopped)
            return;
        interfere(h, q);
        turn(h, q->end_at != 0 && !q->told && q->end_at < until ? q->end_at : until);
    }
}

struct lintel_kit_result *
lintel_kit_request(struct lintel_kit *h, int op, const int *points, uint32_t n,
                   const lintel_value *values, uint32_t deadline_ms, uint32_t batch)
{
    void (*const calls[])(void *, const lintel_request *) = {
        h->plugin->read, h->plugin->write, h->plugin->invoke, h->plugin->subscribe};
    struct request *q = request_new(h, points, n);
    uint32_t end_in = h->stop_in != 0 ? h->stop_in : h->cancel_in;
    q->r.values = values;
    q->r.deadline = lintel_kit_host_now(&h->host) + deadline_ms * MS;
    q->r.batch = batch;
    q->began = lintel_kit_real_now();
    q->end_at = end_in != 0 ? q->began + end_in * MS : 0;
    pthread_mutex_lock(&h->lock);
    q->next = h->requests;
    h->requests = q;
    pthread_mutex_unlock(&h->lock);
    lintel_mono until = q->began + (deadline_ms + GRACE_MS) * MS;
    if (lintel_kit_expect(calls[op] != NULL, LINTEL_KIT_TEST,
                          "the plugin has no function for this request"))
        calls[op](h->self, &q->r);
    wait_for(h, q, until);
    if (h->stop_in != 0)
        lintel_kit_stop(h);
    pthread_mutex_lock(&h->lock);
    struct lintel_kit_result *result = q->result;
    q->result = NULL;
    lintel_mono ended = q->ended != 0 ? q->ended : lintel_kit_real_now();
    result->took = ended - q->began;
    result->late = result->took - deadline_ms * MS;
    pthread_mutex_unlock(&h->lock);
    return result;
}

struct lintel_kit_result *
lintel_kit_published(struct lintel_kit *h, uint32_t least, uint32_t ms)
{
    lintel_mono until = lintel_kit_real_now() + ms * MS;
    for (;;) {
        pthread_mutex_lock(&h->lock);
        struct kept *k = h->published;
        int over = (k != NULL ? k->result.n : 0) >= least || lintel_kit_real_now() >= until;
        if (over)
            h->published = NULL;
        pthread_mutex_unlock(&h->lock);
        if (over)
            return k != NULL ? &k->result : &lintel_kit_kept_new(0)->result;
        turn(h, until);
    }
}

lintel_status
lintel_kit_link(struct lintel_kit *h)
{
    pthread_mutex_lock(&h->lock);
    lintel_status st = h->link;
    pthread_mutex_unlock(&h->lock);
    return st;
}

uint32_t
lintel_kit_links(struct lintel_kit *h)
{
    pthread_mutex_lock(&h->lock);
    uint32_t n = h->nlinks;
    pthread_mutex_unlock(&h->lock);
    return n;
}

int
lintel_kit_wait_link(struct lintel_kit *h, lintel_status st, uint32_t ms)
{
    lintel_mono until = lintel_kit_real_now() + ms * MS;
    while (lintel_kit_link(h) != st && lintel_kit_real_now() < until)
        turn(h, until);
    return lintel_kit_link(h) == st;
}

lintel_status
lintel_kit_device_status(struct lintel_kit *h, int device)
{
    struct device *d = device_of(h, device);
    if (d == NULL)
        return LINTEL_E_FAIL;
    pthread_mutex_lock(&h->lock);
    lintel_status st = d->status;
    pthread_mutex_unlock(&h->lock);
    return st;
}

const char *
lintel_kit_log(struct lintel_kit *h)
{
    pthread_mutex_lock(&h->lock);
    const char *text = lintel_kit_keep_text(&h->pieces, h->log, strlen(h->log));
    pthread_mutex_unlock(&h->lock);
    return text;
}
