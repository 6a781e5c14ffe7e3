/* SPDX-License-Identifier: Apache-2.0
 * The hub as the plugin sees it, see core/kit/host_priv.h. Called from any thread, also by mistake;
 * so each function first asks in which part of its life the instance is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/kit/host_priv.h"

static void (*on_complaint)(uint32_t rule, const char *what);

void
lintel_kit_on_complaint(void (*fn)(uint32_t rule, const char *what))
{
    on_complaint = fn;
}

int
lintel_kit_expect(int ok, uint32_t rule, const char *what)
{
    if (!ok && on_complaint != NULL)
        on_complaint(rule, what);
    else if (!ok)
        lintel_kit_check(0, what, "", 0);
    return ok;
}

struct lintel_kit *
lintel_kit_of(const lintel_host *host)
{
    /* The handle is const for the plugin alone. */
    union {
        const lintel_host *host;
        struct lintel_kit *h;
    } u = {.host = host};
    return u.h;
}

static void
wake(struct lintel_kit *h)
{
    ssize_t n = write(h->wake[1], "", 1);
    (void)n; /* full: the reader wakes anyway */
}

/* Whether the plugin may call `what` now. */
static int
may(struct lintel_kit *h, const char *what)
{
    static const char *const wrong[] = {
        [PHASE_CREATE] = "inside create(), where only log() may be called (lintel_plugin.create)",
        [PHASE_STOPPED] =
            "after stop() had returned: stop() completes what is open, and ends timers "
            "and threads (lintel_plugin.stop)",
        [PHASE_DESTROYED] = "after destroy() had returned: the hub's table is valid until then "
                            "(lintel_host)"};
    char text[256];
    enum lintel_kit_phase phase = __atomic_load_n(&h->phase, __ATOMIC_SEQ_CST);
    if (phase == PHASE_LIVE)
        return 1;
    snprintf(text, sizeof text, "it called %s %s", what, wrong[phase]);
    return lintel_kit_expect(0, phase == PHASE_CREATE ? LINTEL_KIT_CREATE : LINTEL_KIT_LIFE, text);
}

static int
may_inst(struct lintel_kit *h, const char *what)
{
    return may(h, what) &&
           lintel_kit_expect(pthread_equal(pthread_self(), h->inst), LINTEL_KIT_THREAD,
                             "it called lintel.loop/1 from a thread of its own: its functions are "
                             "[inst] (lintel/ext/loop.h)");
}

/* ---- text and values ---- */

/* The length of a character's bytes in UTF-8; 0: it is none. */
static unsigned
utf8(const unsigned char *s, size_t n)
{
    unsigned more = s[0] < 0x80   ? 0
                    : s[0] < 0xc2 ? 4
                    : s[0] < 0xe0 ? 1
                    : s[0] < 0xf0 ? 2
                    : s[0] < 0xf5 ? 3
                                  : 4;
    if (more > 3 || more >= n)
        return 0;
    for (unsigned i = 1; i <= more; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

static int
is_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned step = utf8((const unsigned char *)s + i, n - i);
        if (step == 0)
            return 0;
        i += step;
    }
    return 1;
}

static void
judge_value(const lintel_value *v, int depth)
{
    if (!lintel_kit_expect(
            v->type <= LINTEL_T_MAP && depth <= 16, LINTEL_KIT_VALUE,
            "a value has a type that there is not, or more than 16 levels (lintel_value)"))
        return;
    if (v->type == LINTEL_T_REAL)
        lintel_kit_expect(isfinite(v->as.r), LINTEL_KIT_VALUE,
                          "a LINTEL_T_REAL is not finite (lintel_value)");
    if (v->type == LINTEL_T_BOOL)
        lintel_kit_expect(v->as.i == 0 || v->as.i == 1, LINTEL_KIT_VALUE,
                          "a LINTEL_T_BOOL is neither 0 nor 1 (lintel_value)");
    if (v->type == LINTEL_T_STR)
        lintel_kit_expect(is_text(v->as.s, v->len) && v->as.s[v->len] == '\0', LINTEL_KIT_VALUE,
                          "a LINTEL_T_STR is no UTF-8 with a NUL behind it (lintel_value)");
    for (uint32_t i = 0; i < v->len && v->type == LINTEL_T_LIST; i++)
        judge_value(&v->as.list[i], depth + 1);
    for (uint32_t i = 0; i < v->len && v->type == LINTEL_T_MAP; i++)
        judge_value(&v->as.map[i].value, depth + 1);
}

static void
judge_sample(const lintel_sample *s)
{
    lintel_kit_expect(s->status <= LINTEL_OK && s->status >= LINTEL_E_BUSY, LINTEL_KIT_SAMPLE,
                      "a sample has a status that there is not (lintel_status)");
    lintel_kit_expect(s->reserved == 0, LINTEL_KIT_SAMPLE,
                      "lintel_sample.reserved is not 0: set whole samples, as in "
                      "(lintel_sample){.point = ..}");
    if (s->status == LINTEL_OK)
        judge_value(&s->value, 1);
    else if (s->detail != NULL)
        lintel_kit_expect(is_text(s->detail, strlen(s->detail)) && strchr(s->detail, '\n') == NULL,
                          LINTEL_KIT_SAMPLE,
                          "a sample's detail is no single line of UTF-8 (lintel_sample.detail)");
}

/* Room for n of something that grows: floods must not copy it for each. */
static size_t
room_for(size_t n)
{
    size_t room = 64;
    while (room < n)
        room *= 2;
    return room;
}

static void
note(struct lintel_kit *h, const char *what, const char *line)
{
    pthread_mutex_lock(&h->lock);
    size_t had = h->nlog, room = had + strlen(line) + strlen(what) + 4;
    if (room <= LOG_MOST) { /* the first lines are kept, which tell how it began */
        if (had == 0 || room_for(room) != room_for(had + 1))
            h->log = lintel_kit_must(realloc(h->log, room_for(room)));
        snprintf(h->log + had, room - had, "%s: %s\n", what, line);
        h->nlog = room - 1;
    }
    pthread_mutex_unlock(&h->lock);
}

/* ---- lintel_host ---- */

static void
host_log(const lintel_host *host, int32_t level, const char *line)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    struct lintel_kit *h = lintel_kit_of(host);
    if (h->phase == PHASE_DESTROYED && !may(h, "log()"))
        return;
    lintel_kit_expect(level >= 0 && level <= 3, LINTEL_KIT_LOG,
                      "a log line has a level that there is not (lintel_host.log)");
    lintel_kit_expect(strchr(line, '\n') == NULL && is_text(line, strlen(line)), LINTEL_KIT_LOG,
                      "a log line is no single line of UTF-8 (lintel_host.log)");
    note(h, level >= 0 && level <= 3 ? levels[level] : "?", line);
    wake(h);
}

/* Puts the samples in the order of the points. */
static void
sort_in(struct request *q, const lintel_sample *s, uint32_t n)
{
    struct kept *k = (struct kept *)(void *)q->result;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = 0;
        while (at < q->r.npoints &&
               (q->r.points[at]->id != s[i].point || k->result.samples[at].reserved))
            at++;
        if (!lintel_kit_expect(
                at < q->r.npoints, LINTEL_KIT_SAMPLE,
                "a sample is of a point that was not asked for, or the second of its "
                "point (lintel_host.complete: one a point)"))
            continue;
        lintel_kit_copy_sample(&k->pieces, &s[i], &k->result.samples[at]);
        k->result.samples[at].reserved = 1; /* seen; cleared below */
    }
    uint32_t missing = 0;
    for (uint32_t i = 0; i < q->r.npoints; i++) {
        missing += k->result.samples[i].reserved == 0;
        k->result.samples[i].reserved = 0;
    }
    q->result->missing = missing;
}

static void
host_complete(const lintel_host *host, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    struct lintel_kit *h = lintel_kit_of(host);
    if (!may(h, "complete()"))
        return;
    lintel_kit_expect(st <= LINTEL_OK && st >= LINTEL_E_BUSY, LINTEL_KIT_COMPLETE,
                      "complete() has a status that there is not (lintel_status)");
    for (uint32_t i = 0; i < n; i++)
        judge_sample(&s[i]);
    pthread_mutex_lock(&h->lock);
    struct request *q = h->requests;
    while (q != NULL && &q->r != r)
        q = q->next;
    if (lintel_kit_expect(q != NULL, LINTEL_KIT_COMPLETE,
                          "complete() is of a request that the hub never made")) {
        q->done++;
        lintel_kit_expect(q->done == 1, LINTEL_KIT_COMPLETE,
                          "a request was completed twice (lintel_host.complete: exactly once)");
        lintel_kit_expect(
            st == LINTEL_OK || n == 0, LINTEL_KIT_COMPLETE,
            "complete() with an error has samples; n = 0 fails all points (lintel_host.complete)");
        if (q->done == 1)
            q->ended = lintel_kit_real_now();
        if (q->result != NULL && q->done == 1) {
            q->result->status = st;
            for (uint32_t i = 0; i < r->npoints && st != LINTEL_OK; i++)
                q->result->samples[i].status = st;
            if (st == LINTEL_OK)
                sort_in(q, s, n);
        }
        if (q->result != NULL)
            q->result->done = q->done;
    }
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static int
is_bound(const struct lintel_kit *h, uint32_t id)
{
    for (const struct point *p = h->points; p != NULL; p = p->next)
        if (p->p.id == id)
            return 1;
    return 0;
}

static void
host_publish(const lintel_host *host, const lintel_sample *s, uint32_t n)
{
    struct lintel_kit *h = lintel_kit_of(host);
    if (!may(h, "publish()"))
        return;
    pthread_mutex_lock(&h->lock);
    if (h->published == NULL)
        h->published = lintel_kit_kept_new(0);
    struct lintel_kit_result *all = &h->published->result;
    uint32_t more = n < PUBLISHED_MOST - all->n ? n : PUBLISHED_MOST - all->n;
    if (all->n == 0 || room_for(all->n + more) != room_for(all->n))
        all->samples =
            lintel_kit_must(realloc(all->samples, room_for(all->n + more) * sizeof *all->samples));
    for (uint32_t i = 0; i < n; i++) {
        judge_sample(&s[i]);
        if (lintel_kit_expect(is_bound(h, s[i].point), LINTEL_KIT_PUBLISH,
                              "publish() is of a point that is not bound (lintel_host.publish)") &&
            all->n < PUBLISHED_MOST)
            lintel_kit_copy_sample(&h->published->pieces, &s[i], &all->samples[all->n++]);
    }
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void
host_link(const lintel_host *host, lintel_status st, const char *detail)
{
    struct lintel_kit *h = lintel_kit_of(host);
    if (!may(h, "link()"))
        return;
    note(h, "link", detail != NULL ? detail : "");
    pthread_mutex_lock(&h->lock);
    h->link = st;
    h->nlinks++;
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void
host_device(const lintel_host *host, const lintel_device *d, lintel_status st, const char *detail)
{
    struct lintel_kit *h = lintel_kit_of(host);
    int found = 0;
    if (!may(h, "device()"))
        return;
    note(h, "device", detail != NULL ? detail : "");
    pthread_mutex_lock(&h->lock);
    for (struct device *e = h->devices; e != NULL; e = e->next)
        if (&e->d == d) {
            e->status = st;
            found = 1;
        }
    pthread_mutex_unlock(&h->lock);
    lintel_kit_expect(found, LINTEL_KIT_PUBLISH,
                      "device() is of a device that is not attached (lintel_host.device)");
    wake(h);
}

lintel_mono
lintel_kit_host_now(const lintel_host *host)
{
    struct lintel_kit *h = lintel_kit_of(host);
    return h->real_time ? lintel_kit_real_now() : __atomic_load_n(&h->fake_now, __ATOMIC_SEQ_CST);
}

static lintel_mono
host_now(const lintel_host *host)
{
    struct lintel_kit *h = lintel_kit_of(host);
    return h->phase != PHASE_CREATE || may(h, "now()") ? lintel_kit_host_now(host) : 0;
}

static lintel_wall
host_wall(const lintel_host *host)
{
    return INT64_C(1700000000) * 1000 * MS + lintel_kit_host_now(host);
}

static int32_t
host_cancelled(const lintel_host *host, const lintel_request *r)
{
    struct lintel_kit *h = lintel_kit_of(host);
    lintel_mono end_at = 0;
    pthread_mutex_lock(&h->lock);
    for (struct request *q = h->requests; q != NULL; q = q->next)
        if (&q->r == r)
            end_at = q->end_at;
    pthread_mutex_unlock(&h->lock);
    return lintel_kit_host_now(host) >= r->deadline ||
           (end_at != 0 && lintel_kit_real_now() >= end_at);
}

/* ---- lintel.loop/1 ---- */

static lintel_status
loop_watch(const lintel_host *host, int32_t fd, uint32_t events,
           void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg)
{
    struct lintel_kit *h = lintel_kit_of(host);
    struct watch *free_one = NULL;
    if (!may_inst(h, "watch()"))
        return LINTEL_E_FAIL;
    for (struct watch *w = h->watches; w < h->watches + WATCHES_MOST; w++) {
        if (w->fn != NULL && w->fd == fd) {
            *w = events != 0 ? (struct watch){fd, events, fn, arg} : (struct watch){0};
            return LINTEL_OK;
        }
        if (w->fn == NULL && free_one == NULL)
            free_one = w;
    }
    if (events == 0)
        return LINTEL_OK;
    if (free_one == NULL)
        return LINTEL_E_NOMEM;
    *free_one = (struct watch){fd, events, fn, arg};
    return LINTEL_OK;
}

static lintel_status
loop_timer(const lintel_host *host, lintel_mono at, void (*fn)(void *arg), void *arg)
{
    struct lintel_kit *h = lintel_kit_of(host);
    struct timer *free_one = NULL;
    if (!may_inst(h, "timer()"))
        return LINTEL_E_FAIL;
    for (struct timer *t = h->timers; t < h->timers + TIMERS_MOST; t++) {
        if (t->fn == fn && t->arg == arg) {
            *t = at != 0 ? (struct timer){at, fn, arg} : (struct timer){0};
            return LINTEL_OK;
        }
        if (t->fn == NULL && free_one == NULL)
            free_one = t;
    }
    if (at == 0)
        return LINTEL_OK;
    if (free_one == NULL)
        return LINTEL_E_NOMEM;
    *free_one = (struct timer){at, fn, arg};
    return LINTEL_OK;
}

static const void *
host_extension(const lintel_host *host, const char *id)
{
    static const lintel_host_loop loop = {sizeof loop, 0, loop_watch, loop_timer};
    struct lintel_kit *h = lintel_kit_of(host);
    if (!may(h, "extension()"))
        return NULL;
    if (strcmp(id, LINTEL_EXT_LOOP) == 0)
        return h->plugin->flags & LINTEL_PLUGIN_BLOCKING ? NULL : &loop;
    return h->plugin->flags & LINTEL_PLUGIN_TRANSPORT ? lintel_kit_transport_extension(id) : NULL;
}

const lintel_host lintel_kit_host_table = {.size = sizeof lintel_kit_host_table,
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
