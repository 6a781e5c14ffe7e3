/* SPDX-License-Identifier: Apache-2.0
 * Waiting is one function, turn(): it polls the plugin's descriptors and timers and a pipe that
 * other threads write to when they bring something. Running out of memory ends the test program. */
#include "tests/kit/fakehost.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lintel/ext/loop.h"
#include "tests/kit/kit.h"

enum { WATCHES_MOST = 64, TIMERS_MOST = 64, GRACE_MS = 2000 };
#define MS INT64_C(1000000)

struct piece { /* memory that dies with its owner */
    struct piece *next;
    _Alignas(16) char bytes[];
};
struct device {
    struct device *next;
    lintel_device d;
    lintel_status status;
};
struct point {
    struct point *next;
    lintel_point p;
};
struct request {
    struct request *next;
    lintel_request r;
    struct fakehost_result *result; /* NULL: taken by the test */
    int done;
};
struct kept { /* a result and the memory of its copies */
    struct fakehost_result result;
    struct piece *pieces;
};
struct watch {
    int fd;
    uint32_t events;
    void (*fn)(void *arg, int32_t fd, uint32_t ready);
    void *arg;
};
struct timer {
    lintel_mono at;
    void (*fn)(void *arg);
    void *arg;
};
struct fakehost {
    lintel_host host; /* first: the plugin's handle is this object */
    const lintel_plugin *plugin;
    void *self;
    int real_time, started;
    lintel_mono fake_now;
    struct piece *pieces;
    struct device *devices;
    struct point *points;
    struct request *requests;
    int ndevices, npoints;
    struct watch watches[WATCHES_MOST]; /* free where fn is NULL */
    struct timer timers[TIMERS_MOST];
    int wake[2];
    pthread_mutex_t lock; /* of all below and of devices' status, requests' done and result */
    struct kept *published;
    lintel_status link;
    uint32_t nlinks;
    char *log;
};

static void *
must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void *
keep(struct piece **owner, size_t n)
{
    struct piece *p = must(calloc(1, sizeof *p + n));
    p->next = *owner;
    *owner = p;
    return p->bytes;
}

static char *
keep_text(struct piece **owner, const char *s, size_t n)
{
    char *copy = keep(owner, n + 1);
    memcpy(copy, s, n);
    return copy;
}

static void
pieces_free(struct piece *p)
{
    while (p != NULL) {
        struct piece *next = p->next;
        free(p);
        p = next;
    }
}

static lintel_mono
real_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- settings ---- */

static int
choice(const char *choices, const char *word, size_t n)
{
    int i = 0;
    for (const char *at = choices;; i++) {
        size_t length = strcspn(at, "|");
        if (length == n && memcmp(at, word, n) == 0)
            return i;
        if (at[length] == '\0')
            return -1;
        at += length + 1;
    }
}

static void
list(struct piece **owner, const char *text, lintel_value *ret)
{
    uint32_t n = *text != '\0';
    for (const char *c = text; *c != '\0'; c++)
        n += *c == ',';
    lintel_value *items = keep(owner, (n + 1) * sizeof *items);
    const char *at = text;
    for (uint32_t i = 0; i < n; i++) {
        size_t length = strcspn(at, ",");
        items[i].type = LINTEL_T_STR;
        items[i].len = (uint32_t)length;
        items[i].as.s = keep_text(owner, at, length);
        at += length + (at[length] != '\0');
    }
    *ret = (lintel_value){.type = LINTEL_T_LIST, .len = n, .as.list = items};
}

/* One setting's text by its row; 0 where the hub would refuse the file. */
static int
parse(struct piece **owner, const lintel_field *row, const char *text, lintel_value *ret)
{
    char *end;
    *ret = (lintel_value){.type = row->type};
    if (row->choices != NULL) {
        ret->type = LINTEL_T_INT;
        ret->as.i = choice(row->choices, text, strlen(text));
        return ret->as.i >= 0;
    }
    switch (row->type) {
    case LINTEL_T_BOOL:
        ret->as.i = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
        return ret->as.i || strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
    case LINTEL_T_INT:
        ret->as.i = strtoll(text, &end, 0);
        return *text != '\0' && *end == '\0' &&
               (row->min >= row->max ||
                ((double)ret->as.i >= row->min && (double)ret->as.i <= row->max));
    case LINTEL_T_REAL:
        ret->as.r = strtod(text, &end);
        return *text != '\0' && *end == '\0' &&
               (row->min >= row->max || (ret->as.r >= row->min && ret->as.r <= row->max));
    case LINTEL_T_STR:
        ret->len = (uint32_t)strlen(text);
        ret->as.s = keep_text(owner, text, ret->len);
        return 1;
    case LINTEL_T_LIST: list(owner, text, ret); return 1;
    default: return 0;
    }
}

static const lintel_field *
row_of(const lintel_field *table, const char *setting, size_t n)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strlen(table->name) == n && memcmp(table->name, setting, n) == 0)
            return table;
    return NULL;
}

/* What the hub would make of the settings; NULL with a failed check where it would refuse them. */
static lintel_value *
values_of(struct fakehost *h, const lintel_field *table, const char *const *settings)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    lintel_value *v = keep(&h->pieces, (n + 1) * sizeof *v);
    for (size_t i = 0; i < n; i++)
        if (table[i].dflt != NULL && !parse(&h->pieces, &table[i], table[i].dflt, &v[i])) {
            kit_check(0, table[i].name, "default of the plugin's table", 0, __func__);
            return NULL;
        }
    for (; settings != NULL && *settings != NULL; settings++) {
        size_t length = strcspn(*settings, "=");
        const lintel_field *row = row_of(table, *settings, length);
        if (row == NULL || (*settings)[length] != '=' ||
            !parse(&h->pieces, row, *settings + length + 1, &v[row - table])) {
            kit_check(0, *settings, "setting that the hub refuses", 0, __func__);
            return NULL;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (v[i].type == LINTEL_T_NULL && (table[i].flags & LINTEL_F_REQUIRED)) {
            kit_check(0, table[i].name, "setting that the hub requires", 0, __func__);
            return NULL;
        }
    return v;
}

/* ---- copies ---- */

static void
copy(struct piece **owner, const lintel_value *v, lintel_value *ret)
{
    *ret = *v;
    switch (v->type) {
    case LINTEL_T_STR: ret->as.s = keep_text(owner, v->as.s, v->len); break;
    case LINTEL_T_BYTES:
        ret->as.p = v->len ? keep_text(owner, v->as.p, v->len) : keep(owner, 0);
        break;
    case LINTEL_T_LIST: {
        lintel_value *items = keep(owner, v->len * sizeof *items);
        for (uint32_t i = 0; i < v->len; i++)
            copy(owner, &v->as.list[i], &items[i]);
        ret->as.list = items;
        break;
    }
    case LINTEL_T_MAP: {
        lintel_member *members = keep(owner, v->len * sizeof *members);
        for (uint32_t i = 0; i < v->len; i++) {
            members[i].name = keep_text(owner, v->as.map[i].name, strlen(v->as.map[i].name));
            copy(owner, &v->as.map[i].value, &members[i].value);
        }
        ret->as.map = members;
        break;
    }
    default: break;
    }
}

static void
copy_sample(struct piece **owner, const lintel_sample *s, lintel_sample *ret)
{
    *ret = *s;
    if (s->status == LINTEL_OK)
        copy(owner, &s->value, &ret->value);
    else
        ret->value = (lintel_value){0};
    if (s->detail != NULL)
        ret->detail = keep_text(owner, s->detail, strlen(s->detail));
}

static struct kept *
kept_new(uint32_t n)
{
    struct kept *k = must(calloc(1, sizeof *k));
    k->result.n = n;
    k->result.samples = must(calloc(n + 1u, sizeof *k->result.samples));
    return k;
}

void
fakehost_result_free(struct fakehost_result *r)
{
    if (r == NULL)
        return;
    struct kept *k = (struct kept *)(void *)r;
    pieces_free(k->pieces);
    free(r->samples);
    free(k);
}

/* ---- what the plugin calls ---- */

/* Says only what is wrong: these functions are called by foreign threads, and CUnit has no lock. */
static int
expect(int ok, const char *what)
{
    if (!ok)
        kit_check(0, what, __FILE__, __LINE__, __func__);
    return ok;
}

static struct fakehost *
of(const lintel_host *host)
{
    /* The handle is const for the plugin alone. */
    union {
        const lintel_host *host;
        struct fakehost *h;
    } u = {.host = host};
    return u.h;
}

static void
wake(struct fakehost *h)
{
    ssize_t n = write(h->wake[1], "", 1);
    (void)n; /* full: the reader wakes anyway */
}

static void
host_log(const lintel_host *host, int32_t level, const char *line)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    struct fakehost *h = of(host);
    expect(level >= 0 && level <= 3, "level of a log line");
    expect(strchr(line, '\n') == NULL, "log line without line end");
    pthread_mutex_lock(&h->lock);
    size_t had = strlen(h->log), room = had + strlen(line) + 16;
    h->log = must(realloc(h->log, room));
    snprintf(h->log + had, room - had, "%s: %s\n", level >= 0 && level <= 3 ? levels[level] : "?",
             line);
    pthread_mutex_unlock(&h->lock);
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
        if (!expect(at < q->r.npoints, "sample of a point that was asked for, once"))
            continue;
        copy_sample(&k->pieces, &s[i], &k->result.samples[at]);
        k->result.samples[at].reserved = 1; /* seen; cleared below */
    }
    for (uint32_t i = 0; i < q->r.npoints; i++)
        k->result.samples[i].reserved = 0;
}

static void
host_complete(const lintel_host *host, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    struct fakehost *h = of(host);
    pthread_mutex_lock(&h->lock);
    struct request *q = h->requests;
    while (q != NULL && &q->r != r)
        q = q->next;
    if (expect(q != NULL, "completed request is one of the hub's")) {
        q->done++;
        expect(q->done == 1, "request is completed once");
        expect(st == LINTEL_OK || n == 0, "failed request has no samples");
        if (q->result != NULL && q->done == 1) {
            q->result->status = st;
            for (uint32_t i = 0; i < r->npoints && st != LINTEL_OK; i++)
                q->result->samples[i].status = st;
            sort_in(q, s, st == LINTEL_OK ? n : 0);
        }
        if (q->result != NULL)
            q->result->done = q->done;
    }
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void
host_publish(const lintel_host *host, const lintel_sample *s, uint32_t n)
{
    struct fakehost *h = of(host);
    pthread_mutex_lock(&h->lock);
    if (h->published == NULL)
        h->published = kept_new(0);
    struct fakehost_result *all = &h->published->result;
    all->samples = must(realloc(all->samples, (all->n + n + 1u) * sizeof *all->samples));
    for (uint32_t i = 0; i < n; i++)
        copy_sample(&h->published->pieces, &s[i], &all->samples[all->n++]);
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void
host_link(const lintel_host *host, lintel_status st, const char *detail)
{
    struct fakehost *h = of(host);
    (void)detail;
    pthread_mutex_lock(&h->lock);
    h->link = st;
    h->nlinks++;
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void
host_device(const lintel_host *host, const lintel_device *d, lintel_status st, const char *detail)
{
    struct fakehost *h = of(host);
    (void)detail;
    pthread_mutex_lock(&h->lock);
    for (struct device *e = h->devices; e != NULL; e = e->next)
        if (&e->d == d)
            e->status = st;
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static lintel_mono
host_now(const lintel_host *host)
{
    struct fakehost *h = of(host);
    return h->real_time ? real_now() : __atomic_load_n(&h->fake_now, __ATOMIC_SEQ_CST);
}

static lintel_wall
host_wall(const lintel_host *host)
{
    return INT64_C(1700000000) * 1000 * MS + host_now(host);
}

static int32_t
host_cancelled(const lintel_host *host, const lintel_request *r)
{
    return host_now(host) >= r->deadline;
}

static lintel_status
loop_watch(const lintel_host *host, int32_t fd, uint32_t events,
           void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg)
{
    struct fakehost *h = of(host);
    struct watch *free_one = NULL;
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
    struct fakehost *h = of(host);
    struct timer *free_one = NULL;
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
    (void)host;
    return strcmp(id, LINTEL_EXT_LOOP) == 0 ? &loop : NULL;
}

/* ---- waiting ---- */

static void
run_timers(struct fakehost *h)
{
    lintel_mono now = host_now(&h->host);
    for (struct timer *t = h->timers; t < h->timers + TIMERS_MOST; t++)
        if (t->fn != NULL && t->at <= now) {
            struct timer due = *t;
            *t = (struct timer){0};
            due.fn(due.arg);
        }
}

static int
until_timer(struct fakehost *h, int ms)
{
    lintel_mono now = host_now(&h->host);
    for (struct timer *t = h->timers; h->real_time && t < h->timers + TIMERS_MOST; t++)
        if (t->fn != NULL && t->at < now + ms * MS)
            ms = t->at <= now ? 0 : (int)((t->at - now + MS - 1) / MS);
    return ms;
}

/* One round of the loop; returns when something happened or `until` (real time) came. */
static void
turn(struct fakehost *h, lintel_mono until)
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
    lintel_mono left = until - real_now();
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

struct fakehost *
fakehost_new(const lintel_plugin *plugin, const char *const *settings, int real_time)
{
    struct fakehost *h = must(calloc(1, sizeof *h));
    h->host = (lintel_host){sizeof h->host, LINTEL_ABI_MINOR, host_log,      host_complete,
                            host_publish,   host_link,        host_device,   host_cancelled,
                            host_now,       host_wall,        host_extension};
    h->plugin = plugin;
    h->real_time = real_time;
    h->fake_now = 1000 * MS;
    h->link = LINTEL_E_FAIL;
    h->log = must(calloc(1, 1));
    pthread_mutex_init(&h->lock, NULL);
    if (pipe2(h->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        abort();
    const lintel_value *v = values_of(h, plugin->bus, settings);
    lintel_status st = v != NULL ? plugin->create(&h->host, v, &h->self) : LINTEL_E_CONFIG;
    if (st != LINTEL_OK) {
        kit_check(0, "create() takes the settings", __FILE__, __LINE__, __func__);
        printf("%s", h->log);
        h->plugin = NULL;
        fakehost_free(h);
        return NULL;
    }
    return h;
}

static void
end_plugin(struct fakehost *h)
{
    const lintel_plugin *p = h->plugin;
    if (h->started && p->stop != NULL)
        p->stop(h->self);
    for (struct request *q = h->requests; q != NULL; q = q->next)
        CHECK_INT(q->done, 1);
    for (struct watch *w = h->watches; w < h->watches + WATCHES_MOST; w++)
        CHECK(w->fn == NULL);
    for (struct timer *t = h->timers; t < h->timers + TIMERS_MOST; t++)
        CHECK(t->fn == NULL);
    for (struct point *e = h->points; e != NULL; e = e->next)
        if (p->unbind != NULL)
            p->unbind(h->self, &e->p);
    for (struct device *e = h->devices; e != NULL; e = e->next)
        if (p->detach != NULL)
            p->detach(h->self, &e->d);
    p->destroy(h->self);
}

void
fakehost_free(struct fakehost *h)
{
    if (h == NULL)
        return;
    if (h->plugin != NULL)
        end_plugin(h);
    while (h->requests != NULL) {
        struct request *next = h->requests->next;
        fakehost_result_free(h->requests->result);
        free(h->requests);
        h->requests = next;
    }
    if (h->published != NULL)
        fakehost_result_free(&h->published->result);
    pieces_free(h->pieces); /* devices and points among them */
    close(h->wake[0]);
    close(h->wake[1]);
    pthread_mutex_destroy(&h->lock);
    free(h->log);
    free(h);
}

void *
fakehost_self(struct fakehost *h)
{
    return h->self;
}

lintel_status
fakehost_start(struct fakehost *h)
{
    lintel_status st = h->plugin->start != NULL ? h->plugin->start(h->self) : LINTEL_OK;
    h->started = st == LINTEL_OK;
    return st;
}

void
fakehost_advance(struct fakehost *h, lintel_mono ns)
{
    CHECK(!h->real_time);
    __atomic_add_fetch(&h->fake_now, ns, __ATOMIC_SEQ_CST);
    run_timers(h);
}

int
fakehost_attach(struct fakehost *h, const char *name, const char *const *settings)
{
    const lintel_value *v = values_of(h, h->plugin->device, settings);
    if (v == NULL)
        return -1;
    struct device *e = keep(&h->pieces, sizeof *e);
    e->d = (lintel_device){.size = sizeof e->d,
                           .id = (uint32_t)h->ndevices + 1,
                           .name = keep_text(&h->pieces, name, strlen(name)),
                           .settings = v};
    e->status = LINTEL_E_FAIL;
    if (h->plugin->attach != NULL && h->plugin->attach(h->self, &e->d) != LINTEL_OK)
        return -1;
    pthread_mutex_lock(&h->lock);
    e->next = h->devices;
    h->devices = e;
    pthread_mutex_unlock(&h->lock);
    return ++h->ndevices;
}

static struct device *
device_of(struct fakehost *h, int id)
{
    struct device *e = h->devices;
    while (e != NULL && (int)e->d.id != id)
        e = e->next;
    return e;
}

int
fakehost_bind(struct fakehost *h, int device, uint32_t kind, uint32_t flags, uint32_t wire_bytes,
              const char *const *addr, const char *const *write_addr)
{
    struct device *d = device_of(h, device);
    const lintel_value *v = values_of(h, h->plugin->address, addr);
    const lintel_value *w = write_addr != NULL ? values_of(h, h->plugin->address, write_addr) : v;
    if (!CHECK(d != NULL) || v == NULL || w == NULL)
        return -1;
    char name[32];
    int n = snprintf(name, sizeof name, "point-%d", h->npoints + 1);
    struct point *e = keep(&h->pieces, sizeof *e);
    e->p = (lintel_point){.size = sizeof e->p,
                          .id = (uint32_t)h->npoints + 1,
                          .kind = kind,
                          .flags = flags,
                          .wire_bytes = wire_bytes,
                          .write_wire_bytes = wire_bytes,
                          .device = &d->d,
                          .addr = v,
                          .write_addr = w,
                          .name = keep_text(&h->pieces, name, (size_t)n)};
    if (h->plugin->bind != NULL && h->plugin->bind(h->self, &e->p) != LINTEL_OK)
        return -1;
    e->next = h->points;
    h->points = e;
    return ++h->npoints;
}

static struct request *
request_new(struct fakehost *h, const int *points, uint32_t n)
{
    struct request *q = must(calloc(1, sizeof *q));
    lintel_point **bound = keep(&h->pieces, (n + 1) * sizeof *bound);
    struct kept *k = kept_new(n);
    for (uint32_t i = 0; i < n; i++) {
        struct point *e = h->points;
        while (e != NULL && (int)e->p.id != points[i])
            e = e->next;
        if (!CHECK(e != NULL))
            abort();
        bound[i] = &e->p;
        k->result.samples[i] = (lintel_sample){.point = e->p.id, .status = LINTEL_E_FAIL};
    }
    q->r = (lintel_request){.size = sizeof q->r, .npoints = n, .points = bound};
    k->result.status = LINTEL_E_TIMEOUT;
    q->result = &k->result;
    return q;
}

struct fakehost_result *
fakehost_request(struct fakehost *h, int op, const int *points, uint32_t n,
                 const lintel_value *values, uint32_t deadline_ms, uint32_t batch)
{
    void (*const calls[])(void *, const lintel_request *) = {
        h->plugin->read, h->plugin->write, h->plugin->invoke, h->plugin->subscribe};
    struct request *q = request_new(h, points, n);
    q->r.values = values;
    q->r.deadline = host_now(&h->host) + deadline_ms * MS;
    q->r.batch = batch;
    pthread_mutex_lock(&h->lock);
    q->next = h->requests;
    h->requests = q;
    pthread_mutex_unlock(&h->lock);
    lintel_mono until = real_now() + (deadline_ms + GRACE_MS) * MS;
    if (CHECK(calls[op] != NULL))
        calls[op](h->self, &q->r);
    for (;;) {
        pthread_mutex_lock(&h->lock);
        int over = q->done != 0 || real_now() >= until;
        struct fakehost_result *result = q->result;
        if (over)
            q->result = NULL;
        pthread_mutex_unlock(&h->lock);
        if (over)
            return result;
        turn(h, until);
    }
}

struct fakehost_result *
fakehost_published(struct fakehost *h, uint32_t least, uint32_t ms)
{
    lintel_mono until = real_now() + ms * MS;
    for (;;) {
        pthread_mutex_lock(&h->lock);
        struct kept *k = h->published;
        int over = (k != NULL ? k->result.n : 0) >= least || real_now() >= until;
        if (over)
            h->published = NULL;
        pthread_mutex_unlock(&h->lock);
        if (over)
            return k != NULL ? &k->result : &kept_new(0)->result;
        turn(h, until);
    }
}

lintel_status
fakehost_link(struct fakehost *h)
{
    pthread_mutex_lock(&h->lock);
    lintel_status st = h->link;
    pthread_mutex_unlock(&h->lock);
    return st;
}

uint32_t
fakehost_links(struct fakehost *h)
{
    pthread_mutex_lock(&h->lock);
    uint32_t n = h->nlinks;
    pthread_mutex_unlock(&h->lock);
    return n;
}

int
fakehost_wait_link(struct fakehost *h, lintel_status st, uint32_t ms)
{
    lintel_mono until = real_now() + ms * MS;
    while (fakehost_link(h) != st && real_now() < until)
        turn(h, until);
    return fakehost_link(h) == st;
}

lintel_status
fakehost_device_status(struct fakehost *h, int device)
{
    struct device *d = device_of(h, device);
    if (!CHECK(d != NULL))
        return LINTEL_E_FAIL;
    pthread_mutex_lock(&h->lock);
    lintel_status st = d->status;
    pthread_mutex_unlock(&h->lock);
    return st;
}

const char *
fakehost_log(struct fakehost *h)
{
    pthread_mutex_lock(&h->lock);
    const char *text = keep_text(&h->pieces, h->log, strlen(h->log));
    pthread_mutex_unlock(&h->lock);
    return text;
}
