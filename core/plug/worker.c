/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/worker.h"

#include <string.h>

#include "core/bind/tables.h"
#include "core/plug/load.h"
#include "core/plug/thread.h"
#include "core/plug/worker_priv.h"

#define SECOND INT64_C(1000000000)
#define HOLD_MOST (2 * SECOND) /* what is waited for a request that was cancelled */
#define SHORT_CALL (SECOND / 1000)
#define BRIEF_CALL (SECOND / 50000) /* 20 us: its answer is sent with those of the next calls */
enum {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    STACK = 2 * 1024 * 1024,
#else
    STACK = 256 * 1024,
#endif
    KEPT_MOST = 4 /* ended requests whose memory is not given back yet */
};

static void
say(struct lintel_worker *w, struct lintel_wire_up m)
{
    pthread_mutex_lock(&w->lock);
    worker_say(w, m, 0);
    pthread_mutex_unlock(&w->lock);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void *
table_get(const struct table *t, uint32_t id)
{
    return id < t->room ? t->at[id] : NULL;
}

static int
table_put(struct lintel_worker *w, struct table *t, uint32_t id, void *what)
{
    int ret = 0;
    pthread_mutex_lock(&w->lock);
    if (id >= t->room) {
        uint32_t room = t->room ? t->room : 16;
        while (room <= id)
            room *= 2;
        void **at = lintel_grow(t->at, room, sizeof *at);
        if (at != NULL) {
            memset(at + t->room, 0, (room - t->room) * sizeof *at);
            t->at = at;
            t->room = room;
        }
        ret = at != NULL ? 0 : -1;
    }
    if (ret == 0)
        t->at[id] = what;
    pthread_mutex_unlock(&w->lock);
    return ret;
}

/* ---- devices and points: [inst] -------------------------------------------------------------- */

static void
forget_line(struct lintel_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->last_line[0] = '\0';
    pthread_mutex_unlock(&w->lock);
}

/* Tells why something was refused: what the plugin logged last about it. */
static void
refuse(struct lintel_worker *w, enum lintel_wire_kind kind, uint32_t id, lintel_status st,
       const char *dflt)
{
    char line[REASON];
    pthread_mutex_lock(&w->lock);
    if (st == LINTEL_E_NOMEM)
        dflt = "out of memory";
    lintel_copy(line, sizeof line, w->last_line[0] != '\0' ? w->last_line : dflt);
    worker_say(
        w,
        (struct lintel_wire_up){.kind = kind, .id = id, .status = worker_status(st), .text = line},
        0);
    pthread_mutex_unlock(&w->lock);
}

static void
free_point(struct lintel_worker *w, struct point *p)
{
    pthread_mutex_lock(&w->lock);
    worker_drop_late(w, p);
    worker_forget_late(w, LINTEL_WIRE_PUBLISH, p->pub.id);
    w->points.at[p->pub.id] = NULL;
    pthread_mutex_unlock(&w->lock);
    lintel_buf_fini(&p->late);
    p->device->npoints--;
    lintel_shared_put(&w->shared, p->addr);
    lintel_shared_put(&w->shared, p->write_addr);
    lintel_free(p);
}

static void
unbind(struct lintel_worker *w, struct point *p)
{
    if (w->plugin->unbind != NULL)
        w->plugin->unbind(w->self, &p->pub);
    free_point(w, p);
}

static void
free_device(struct lintel_worker *w, struct device *d)
{
    pthread_mutex_lock(&w->lock);
    worker_forget_late(w, LINTEL_WIRE_DEVICE, d->pub.id);
    w->devices.at[d->pub.id] = NULL;
    pthread_mutex_unlock(&w->lock);
    lintel_shared_put(&w->shared, d->settings);
    lintel_free(d);
}

static void
detach(struct lintel_worker *w, struct device *d)
{
    for (uint32_t i = 0; i < w->points.room && d->npoints > 0; i++) {
        struct point *p = w->points.at[i];
        if (p != NULL && p->device == d)
            unbind(w, p);
    }
    if (w->plugin->detach != NULL)
        w->plugin->detach(w->self, &d->pub);
    free_device(w, d);
}

static void
on_attach(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    size_t n = strlen(m->name) + 1;
    struct device *d = table_get(&w->devices, m->id) == NULL ? lintel_alloc(sizeof *d + n) : NULL;
    forget_line(w);
    if (d == NULL || (d->settings = lintel_shared_get(&w->shared, m->settings)) == NULL ||
        table_put(w, &w->devices, m->id, d) != 0) {
        if (d != NULL)
            lintel_shared_put(&w->shared, d->settings);
        lintel_free(d);
        refuse(w, LINTEL_WIRE_REFUSED_DEVICE, m->id, LINTEL_E_NOMEM, "out of memory");
        return;
    }
    memcpy(d->name, m->name, n);
    d->pub = (lintel_device){sizeof d->pub, m->id, d->name, d->settings->values, NULL};
    lintel_status st = w->plugin->attach ? w->plugin->attach(w->self, &d->pub) : LINTEL_OK;
    if (st != LINTEL_OK) {
        free_device(w, d);
        refuse(w, LINTEL_WIRE_REFUSED_DEVICE, m->id, st, "the plugin does not say why");
    }
}

static struct point *
new_point(struct lintel_worker *w, const struct lintel_wire_down *m, struct device *d)
{
    size_t n = strlen(m->name) + 1;
    struct point *p = table_get(&w->points, m->id) == NULL ? lintel_alloc(sizeof *p + n) : NULL;
    if (p == NULL)
        return NULL;
    p->addr = lintel_shared_get(&w->shared, m->addr);
    p->write_addr = lintel_shared_get(&w->shared, m->write_addr);
    if (p->addr == NULL || p->write_addr == NULL || table_put(w, &w->points, m->id, p) != 0) {
        lintel_shared_put(&w->shared, p->addr);
        lintel_shared_put(&w->shared, p->write_addr);
        lintel_free(p);
        return NULL;
    }
    memcpy(p->name, m->name, n);
    p->device = d;
    d->npoints++;
    p->pub = (lintel_point){.size = sizeof p->pub,
                            .id = m->id,
                            .kind = m->point_kind,
                            .flags = m->flags,
                            .wire_bytes = m->wire_bytes,
                            .write_wire_bytes = m->write_wire_bytes,
                            .device = &d->pub,
                            .addr = p->addr->values,
                            .write_addr = p->write_addr->values,
                            .name = p->name};
    return p;
}

static void
on_bind(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    struct device *d = table_get(&w->devices, m->device);
    forget_line(w);
    if (d == NULL) {
        refuse(w, LINTEL_WIRE_REFUSED_POINT, m->id, LINTEL_E_CONFIG, "its device was refused");
        return;
    }
    struct point *p = new_point(w, m, d);
    if (p == NULL) {
        refuse(w, LINTEL_WIRE_REFUSED_POINT, m->id, LINTEL_E_NOMEM, "out of memory");
        return;
    }
    lintel_status st = w->plugin->bind ? w->plugin->bind(w->self, &p->pub) : LINTEL_OK;
    if (st != LINTEL_OK) {
        free_point(w, p);
        refuse(w, LINTEL_WIRE_REFUSED_POINT, m->id, st, "the plugin does not say why");
    }
}

/* ---- requests: [inst] ------------------------------------------------------------------------ */

static void
free_request(struct request *r)
{
    lintel_arena_free(r->arena);
    lintel_free(r);
}

/* Gives back the memory of requests that ended a while ago; all of them at the end. */
static void
free_kept(struct lintel_worker *w, unsigned keep)
{
    pthread_mutex_lock(&w->lock);
    struct request **at = &w->kept;
    for (; *at != NULL && keep > 0; keep--)
        at = &(*at)->next;
    struct request *r = *at;
    *at = NULL;
    pthread_mutex_unlock(&w->lock);
    for (struct request *next; r != NULL; r = next) {
        next = r->next;
        free_request(r);
    }
}

/* Answers a request that the plugin never sees. */
static void
answer(struct lintel_worker *w, uint64_t ticket, lintel_status st)
{
    pthread_mutex_lock(&w->lock);
    lintel_buf_reset(&w->out);
    lintel_wire_samples(&w->out, &(struct lintel_wire_up){.instance = w->number,
                                                          .kind = LINTEL_WIRE_DONE,
                                                          .ticket = ticket,
                                                          .status = st});
    worker_send(w, 0);
    pthread_mutex_unlock(&w->lock);
}

/* Whether a request was cancelled before its turn came. */
static int
take_cancelled(struct lintel_worker *w, uint64_t ticket)
{
    int ret = 0;
    pthread_mutex_lock(&w->lock);
    for (uint32_t i = 0; i < w->ncancelled && !ret; i++)
        if (w->cancelled[i] == ticket) {
            w->cancelled[i] = w->cancelled[--w->ncancelled];
            ret = 1;
        }
    pthread_mutex_unlock(&w->lock);
    return ret;
}

/* Its points, as far as they are bound: refused ones are left out, and their values moved up with
 * them. */
static struct request *
new_request(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    struct request *r = lintel_alloc(sizeof *r + m->n * sizeof r->points[0]);
    lintel_value *values = NULL;
    if (r == NULL)
        return NULL;
    if (m->values != NULL) {
        values = lintel_arena_alloc(w->scratch.arena, m->n * sizeof *values);
        if (values == NULL) {
            lintel_free(r);
            return NULL;
        }
        r->arena = w->scratch.arena;
        w->scratch.arena = NULL;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        struct point *p = table_get(&w->points, m->slots[i]);
        if (p == NULL)
            continue;
        if (values != NULL)
            values[n] = m->values[i];
        r->points[n++] = &p->pub;
    }
    r->ticket = m->ticket;
    r->pub = (lintel_request){.size = sizeof r->pub,
                              .npoints = n,
                              .points = r->points,
                              .values = values,
                              .deadline = lintel_loop_now(w->loop) + m->within,
                              .batch = n == m->n ? m->batch : 0,
                              .priority = m->priority};
    return r;
}

static int
open_request(struct lintel_worker *w, struct request *r)
{
    int ok = 1;
    pthread_mutex_lock(&w->lock);
    if (w->nopen == w->open_room) {
        uint32_t room = w->open_room ? w->open_room * 2 : 8;
        struct request **open = lintel_grow(w->open, room, sizeof(*open));
        ok = open != NULL;
        if (ok) {
            w->open = open;
            w->open_room = room;
        }
    }
    if (ok) {
        w->open[w->nopen++] = r;
        for (uint32_t i = 0; i < r->pub.npoints; i++)
            ((struct point *)r->points[i])->open++;
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

static void
note_running(struct lintel_worker *w, uint64_t ticket)
{
    pthread_mutex_lock(&w->lock);
    w->running = ticket;
    pthread_mutex_unlock(&w->lock);
}

/* What a blocking plugin sends and receives meanwhile belongs to this request. */
static void
call_blocking(struct lintel_worker *w, void (*fn)(void *, const lintel_request *),
              const struct request *r, uint64_t ticket)
{
    lintel_mono begin = lintel_loop_now(w->loop);
    note_running(w, ticket);
    fn(w->self, &r->pub);
    note_running(w, 0);
    w->last_call = lintel_loop_now(w->loop) - begin;
    atomic_store(&w->prompt, w->last_call < SHORT_CALL ? LINTEL_PROMPT_LATELY : LINTEL_PROMPT_NOT);
}

static void
on_request(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    const lintel_plugin *p = w->plugin;
    void (*const fns[])(void *, const lintel_request *) = {p->read, p->write, p->invoke,
                                                           p->subscribe};
    if (take_cancelled(w, m->ticket)) {
        answer(w, m->ticket, LINTEL_E_CANCELLED);
        return;
    }
    if (fns[m->op] == NULL || m->within <= 0) {
        answer(w, m->ticket, fns[m->op] == NULL ? LINTEL_E_NOTSUP : LINTEL_E_TIMEOUT);
        return;
    }
    struct request *r = new_request(w, m);
    if (r == NULL || r->pub.npoints == 0 || !open_request(w, r)) {
        answer(w, m->ticket, r != NULL && r->pub.npoints == 0 ? LINTEL_E_ADDRESS : LINTEL_E_NOMEM);
        if (r != NULL)
            free_request(r);
        return;
    }
    if (p->flags & LINTEL_PLUGIN_BLOCKING)
        call_blocking(w, fns[m->op], r, m->ticket);
    else
        fns[m->op](w->self, &r->pub);
}

/* Tells a plugin that does not block to end a request. The request can't go away meanwhile: kept
 * ones are freed by this thread. */
static void
tell_cancel(struct lintel_worker *w, struct request *r)
{
    if (w->plugin->cancel != NULL && !(w->plugin->flags & LINTEL_PLUGIN_BLOCKING))
        w->plugin->cancel(w->self, &r->pub);
}

static void
on_cancel(struct lintel_worker *w, uint64_t ticket)
{
    struct request *r = NULL;
    take_cancelled(w, ticket);
    pthread_mutex_lock(&w->lock);
    for (uint32_t i = 0; i < w->nopen && r == NULL; i++)
        if (w->open[i]->ticket == ticket && !w->open[i]->told) {
            r = w->open[i];
            r->cancelled = r->told = 1;
        }
    pthread_mutex_unlock(&w->lock);
    if (r != NULL)
        tell_cancel(w, r);
}

/* ---- waiting: a point is not unbound while a request has it ---------------------------------- */

static int
has_point(const struct request *r, const struct device *d, const struct point *p)
{
    for (uint32_t i = 0; i < r->pub.npoints; i++)
        if (r->points[i] == &p->pub || (d != NULL && r->points[i]->device == &d->pub))
            return 1;
    return 0;
}

/* Cancels what has the point, or any of the device; the number of requests that are still open
 * then. */
static unsigned
cancel_users(struct lintel_worker *w, const struct device *d, const struct point *p)
{
    for (;;) {
        struct request *r = NULL;
        unsigned open = 0;
        pthread_mutex_lock(&w->lock);
        for (uint32_t i = 0; i < w->nopen; i++)
            if (has_point(w->open[i], d, p)) {
                open++;
                if (!w->open[i]->told)
                    r = w->open[i];
            }
        if (r != NULL)
            r->cancelled = r->told = 1;
        w->waiting = open > 0;
        pthread_mutex_unlock(&w->lock);
        if (r == NULL)
            return open;
        tell_cancel(w, r);
    }
}

static void
on_hold_over(void *arg)
{
    struct lintel_worker *w = arg;
    w->hold_over = 1;
    worker_run_inbox(w);
}

/* Whether the message has to wait. After a while it goes on nevertheless: the plugin breaks its
 * contract. */
static int
must_wait(struct lintel_worker *w, const struct device *d, const struct point *p)
{
    if (cancel_users(w, d, p) == 0) {
        w->hold_over = 0;
        lintel_timer_stop(w->loop, &w->hold_timer);
        return 0;
    }
    if (w->hold_over) {
        w->hold_over = 0;
        pthread_mutex_lock(&w->lock);
        w->waiting = 0;
        worker_misbehaving(w, LINTEL_LOG_ERROR, "did not complete a cancelled request within 2 s");
        for (uint32_t i = w->nopen; i-- > 0;)
            if (has_point(w->open[i], d, p))
                worker_end_request(w, i, LINTEL_E_CANCELLED, NULL, 0);
        pthread_mutex_unlock(&w->lock);
        return 0;
    }
    if (w->hold_timer.slot == 0)
        lintel_timer_at(w->loop, &w->hold_timer, lintel_loop_now(w->loop) + HOLD_MOST, on_hold_over,
                        w);
    return 1;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void
set_phase(struct lintel_worker *w, enum worker_phase phase)
{
    pthread_mutex_lock(&w->lock);
    w->phase = phase;
    pthread_mutex_unlock(&w->lock);
}

static void
free_all(struct lintel_worker *w)
{
    for (uint32_t i = 0; i < w->devices.room; i++)
        if (w->devices.at[i] != NULL)
            detach(w, w->devices.at[i]);
    w->plugin->destroy(w->self);
    set_phase(w, PHASE_NONE);
    lintel_hostloop_clear(&w->hostloop);
    atomic_store(&w->prompt, LINTEL_PROMPT_NOT);
    w->plugin = NULL;
    w->self = NULL;
    w->started = 0;
}

/* Settings and addresses that were read by other tables would mean something else to this one. 1,
 * 0; -1: out of memory. */
static int
fits(const lintel_plugin *p, struct lintel_str tables)
{
    uint8_t own[LINTEL_TABLES];
    if (tables.n == 0)
        return 1;
    if (lintel_plugin_tables(p, own) != 0)
        return -1;
    return tables.n == sizeof own && memcmp(own, tables.p, sizeof own) == 0;
}

static void
on_open(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    char reason[REASON] = "";
    if (w->plugin != NULL)
        return;
    const lintel_plugin *p = w->fns.find(w->ctx, m->file, m->plugin, reason, sizeof reason);
    forget_line(w);
    if (p == NULL) {
        /* The hub has found it, so that may pass: for want of memory, or while it is replaced. */
        refuse(w, LINTEL_WIRE_REFUSED, 0, LINTEL_E_FAIL, reason);
        return;
    }
    int fit = fits(p, m->tables);
    if (fit < 0) {
        refuse(w, LINTEL_WIRE_REFUSED, 0, LINTEL_E_NOMEM, "out of memory");
        return;
    }
    if (!fit) {
        lintel_format(reason, sizeof reason,
                      "another version of the plugin lies in %s, with other settings or keys; "
                      "'lintel plugin reload %s' takes it in",
                      m->file, m->name);
        refuse(w, LINTEL_WIRE_REFUSED, 0, LINTEL_E_CONFIG, reason);
        return;
    }
    struct lintel_shared *settings = lintel_shared_get(&w->shared, m->settings);
    void *self = NULL;
    pthread_mutex_lock(&w->lock);
    w->log_most = m->log;
    w->phase = PHASE_OPEN;
    w->lies = 0;
    pthread_mutex_unlock(&w->lock);
    w->plugin = p; /* extension() looks at it */
    lintel_status st =
        settings ? p->create(&w->hostloop.host, settings->values, &self) : LINTEL_E_NOMEM;
    lintel_shared_put(&w->shared, settings);
    if (st != LINTEL_OK) {
        w->plugin = NULL;
        set_phase(w, PHASE_NONE);
        lintel_hostloop_clear(&w->hostloop);
        refuse(w, LINTEL_WIRE_REFUSED, 0, st, "create() failed and does not say why");
        return;
    }
    w->self = self;
    say(w, (struct lintel_wire_up){
               .kind = LINTEL_WIRE_OPENED, .ticket = lintel_loaded_mark(p), .text = p->version});
}

static void
on_start(struct lintel_worker *w)
{
    const lintel_plugin *p = w->plugin;
    if (w->started)
        return;
    forget_line(w);
    w->started = 1;
    lintel_status st = p->start ? p->start(w->self) : LINTEL_OK;
    if (st != LINTEL_OK) {
        free_all(w);
        refuse(w, LINTEL_WIRE_REFUSED, 0, st, "start() failed and does not say why");
        return;
    }
    atomic_store(&w->prompt,
                 p->flags & LINTEL_PLUGIN_BLOCKING ? LINTEL_PROMPT_NOT : LINTEL_PROMPT_ALWAYS);
    say(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_READY, .text = p->version});
}

/* What stop() leaves open is ended here; the hub has ended it on its own side. */
static void
close_instance(struct lintel_worker *w)
{
    if (w->plugin != NULL) {
        if (w->started && w->plugin->stop != NULL)
            w->plugin->stop(w->self);
        pthread_mutex_lock(&w->lock);
        if (w->nopen > 0)
            worker_misbehaving(w, LINTEL_LOG_WARN, "left requests open at stop()");
        while (w->nopen > 0)
            worker_end_request(w, w->nopen - 1, LINTEL_E_CANCELLED, NULL, 0);
        w->phase = PHASE_STOPPED;
        pthread_mutex_unlock(&w->lock);
        free_all(w);
    }
    lintel_timer_stop(w->loop, &w->hold_timer);
    lintel_worker_watch(w, -1, NULL, NULL);
    pthread_mutex_lock(&w->lock);
    worker_say(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_CLOSED}, 0);
    w->dead = 1;
    worker_free_late(w);
    pthread_mutex_unlock(&w->lock);
    lintel_loop_stop(w->loop);
}

/* ---- in which call the plugin is ------------------------------------------------------------- */

static void
enter(struct lintel_worker *w, enum lintel_wire_kind kind)
{
    static const char *const names[] = {[LINTEL_WIRE_OPEN] = "create()",
                                        [LINTEL_WIRE_START] = "start()",
                                        [LINTEL_WIRE_ATTACH] = "attach()",
                                        [LINTEL_WIRE_DETACH] = "detach()",
                                        [LINTEL_WIRE_BIND] = "bind()",
                                        [LINTEL_WIRE_UNBIND] = "unbind()",
                                        [LINTEL_WIRE_REQUEST] = "a request's call",
                                        [LINTEL_WIRE_CANCEL] = "cancel()",
                                        [LINTEL_WIRE_CLOSE] = "stop()"};
    const char *name = kind < LINTEL_COUNT(names) ? names[kind] : NULL;
    atomic_store(&w->call_name, name != NULL ? name : "a call");
    atomic_store(&w->call_request, kind == LINTEL_WIRE_REQUEST);
    atomic_fetch_add(&w->call, 1);
}

static void
leave(struct lintel_worker *w)
{
    atomic_fetch_add(&w->call, 1);
}

static void
on_asked(void *arg)
{
    struct lintel_worker *w = arg;
    atomic_store(&w->beaten, atomic_load(&w->asked));
}

/* Calls for messages are marked. What the plugin has on the loop is not: there the loop itself is
 * asked, and an answer that does not come shows that it is held up. */
int
lintel_worker_call(struct lintel_worker *w, struct lintel_worker_call *ret)
{
    uint64_t call = atomic_load(&w->call), asked = atomic_load(&w->asked);
    if (call % 2 == 1) {
        *ret = (struct lintel_worker_call){call, atomic_load(&w->call_name),
                                           atomic_load(&w->call_request)};
        return 1;
    }
    if (atomic_load(&w->beaten) != asked) {
        *ret = (struct lintel_worker_call){asked * 2, "a callback of its own", 0};
        return 1;
    }
    atomic_store(&w->asked, asked + 1);
    if (lintel_loop_post(w->loop, on_asked, w) != 0)
        atomic_store(&w->asked, asked);
    return 0;
}

/* ---- the inbox ------------------------------------------------------------------------------- */

/* What comes for this number from now on is of another point. */
static void
say_unbound(struct lintel_worker *w, uint32_t id, enum lintel_wire_gone what)
{
    say(w, (struct lintel_wire_up){
               .kind = LINTEL_WIRE_UNBOUND, .id = id, .level = (int32_t)what, .text = ""});
}

/* 1: it has to wait. */
static int
handle(struct lintel_worker *w, const struct lintel_wire_down *m)
{
    struct device *d;
    struct point *p;
    if (m->kind != LINTEL_WIRE_OPEN &&
        (w->plugin == NULL || (m->kind == LINTEL_WIRE_REQUEST && !w->started))) {
        if (m->kind == LINTEL_WIRE_REQUEST)
            answer(w, m->ticket, LINTEL_E_CANCELLED);
        return 0;
    }
    switch (m->kind) {
    case LINTEL_WIRE_OPEN: on_open(w, m); break;
    case LINTEL_WIRE_START: on_start(w); break;
    case LINTEL_WIRE_ATTACH: on_attach(w, m); break;
    case LINTEL_WIRE_BIND: on_bind(w, m); break;
    case LINTEL_WIRE_REQUEST: on_request(w, m); break;
    case LINTEL_WIRE_CANCEL: on_cancel(w, m->ticket); break;
    case LINTEL_WIRE_TAP: atomic_store(&w->tapped, (int)m->id); break;
    case LINTEL_WIRE_DETACH:
        d = table_get(&w->devices, m->id);
        if (d != NULL && must_wait(w, d, NULL))
            return 1;
        if (d != NULL)
            detach(w, d);
        say_unbound(w, m->id, LINTEL_WIRE_DEVICE_ITSELF);
        break;
    case LINTEL_WIRE_UNBIND:
        p = table_get(&w->points, m->id);
        if (p != NULL && must_wait(w, NULL, p))
            return 1;
        if (p != NULL)
            unbind(w, p);
        say_unbound(w, m->id, LINTEL_WIRE_POINT);
        break;
    default: break;
    }
    return 0;
}

/* With the lock held. Whatever was held back leaves now. */
static void
uncork(struct lintel_worker *w)
{
    w->corked = 0;
    if (w->fns.flush != NULL && !w->dead)
        w->fns.flush(w->ctx);
}

/* With the lock held: whether answers gather, before the next message, m, is worked off. A call
 * that blocks would hold them back, so there they only do while calls are brief. */
static void
cork(struct lintel_worker *w, const struct message *m)
{
    int works = m != NULL && !w->closing && w->plugin != NULL;
    if (works && !(w->plugin->flags & LINTEL_PLUGIN_BLOCKING))
        w->corked = w->first != NULL ? LINTEL_SEND_MORE : 0;
    else if (works && w->last_call < BRIEF_CALL)
        w->corked = LINTEL_SEND_MORE | LINTEL_SEND_UNSURE;
    else if (m != NULL && w->corked)
        uncork(w); /* at the end it is done anyway */
}

/* NULL: nothing is there, or it has ended. */
static struct message *
next_message(struct lintel_worker *w, int *ret_closing)
{
    struct message *m = w->held;
    pthread_mutex_lock(&w->lock);
    *ret_closing = w->closing;
    if (m == NULL && w->first != NULL) {
        m = w->first;
        w->first = m->next;
        if (w->first == NULL)
            w->last = &w->first;
    }
    if (m == NULL || w->closing)
        w->scheduled = 0;
    cork(w, m);
    pthread_mutex_unlock(&w->lock);
    w->held = m;
    return m;
}

void
worker_run_inbox(void *arg)
{
    struct lintel_worker *w = arg;
    int closing = 0;
    pthread_mutex_lock(&w->lock);
    int dead = w->dead;
    pthread_mutex_unlock(&w->lock);
    while (!dead) {
        struct lintel_wire_down down;
        struct message *m = next_message(w, &closing);
        if (closing) {
            enter(w, LINTEL_WIRE_CLOSE);
            close_instance(w); /* what waits in the inbox is of no use any more */
            leave(w);
            return;
        }
        if (m == NULL)
            break;
        int waits = 0;
        if (lintel_wire_read_down(m->data, m->n, &w->scratch, &down) == 0) {
            enter(w, down.kind);
            waits = handle(w, &down);
            leave(w);
        } else { /* the hub's own code wrote it, so only memory can be short */
            pthread_mutex_lock(&w->lock);
            worker_lost(w);
            pthread_mutex_unlock(&w->lock);
        }
        if (waits) {
            pthread_mutex_lock(&w->lock);
            w->scheduled = 0;
            if (!w->waiting)
                worker_wake(w); /* a request has ended in between */
            pthread_mutex_unlock(&w->lock);
            break;
        }
        w->held = NULL;
        lintel_free(m);
        free_kept(w, KEPT_MOST);
    }
    pthread_mutex_lock(&w->lock);
    uncork(w);
    pthread_mutex_unlock(&w->lock);
}

static void *
run(void *arg)
{
    struct lintel_worker *w = arg;
    lintel_loop_run(w->loop);
    return NULL;
}

static int
append(struct lintel_worker *w, const void *frame, size_t n, int wake)
{
    struct lintel_wire_scratch none = {0};
    struct lintel_wire_down down;
    uint32_t instance;
    enum lintel_wire_kind kind;
    struct message *m = lintel_alloc(sizeof *m + n);
    if (m == NULL)
        return -1;
    memcpy(m->data, frame, n);
    m->n = n;
    if (lintel_wire_peek(frame, n, &instance, &kind) != 0)
        kind = 0;
    pthread_mutex_lock(&w->lock);
    if (kind == LINTEL_WIRE_CLOSE)
        w->closing = 1;
    /* A blocking plugin sees a cancellation while its call runs, so it can't wait for its turn. */
    if (kind == LINTEL_WIRE_CANCEL && lintel_wire_read_down(frame, n, &none, &down) == 0) {
        int found = 0;
        for (uint32_t i = 0; i < w->nopen; i++)
            if (w->open[i]->ticket == down.ticket)
                found = w->open[i]->cancelled = 1;
        if (!found && w->ncancelled < CANCELLED_MOST)
            w->cancelled[w->ncancelled++] = down.ticket;
    }
    *w->last = m;
    w->last = &m->next;
    if (wake)
        worker_wake(w);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

int
lintel_worker_deliver(struct lintel_worker *w, const void *frame, size_t n)
{
    return append(w, frame, n, 1);
}

/* ---- the thread fetches its frames itself ---------------------------------------------------- */

enum lintel_prompt
lintel_worker_prompt(struct lintel_worker *w)
{
    return (enum lintel_prompt)atomic_load(&w->prompt);
}

int
lintel_worker_post(struct lintel_worker *w, void (*fn)(void *arg), void *arg)
{
    return lintel_loop_post(w->loop, fn, arg);
}

int
lintel_worker_watch(struct lintel_worker *w, int fd, void (*fn)(void *arg, int fd, uint32_t ready),
                    void *arg)
{
    if (w->watched >= 0)
        lintel_loop_watch(w->loop, w->watched, 0, NULL, NULL);
    w->watched = -1;
    if (fd < 0)
        return 0;
    if (w->dead || lintel_loop_watch(w->loop, fd, LINTEL_LOOP_READ, fn, arg) != 0)
        return -1;
    w->watched = fd;
    return 0;
}

int
lintel_worker_take(struct lintel_worker *w, const void *frame, size_t n)
{
    return append(w, frame, n, 0);
}

void
lintel_worker_work(struct lintel_worker *w)
{
    worker_run_inbox(w);
}

void
lintel_worker_expect(struct lintel_worker *w)
{
    lintel_loop_expect(w->loop);
}

void
lintel_worker_room(struct lintel_worker *w)
{
    pthread_mutex_lock(&w->lock);
    worker_flush(w);
    pthread_mutex_unlock(&w->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct lintel_worker *
lintel_worker_new(uint32_t number, const struct lintel_worker_fns *fns, void *ctx)
{
    struct lintel_worker *w = lintel_alloc(sizeof *w);
    if (w == NULL || (w->loop = lintel_loop_new()) == NULL) {
        lintel_free(w);
        return NULL;
    }
    w->hostloop.host = worker_host;
    w->number = number;
    w->fns = *fns;
    w->ctx = ctx;
    w->hostloop.loop = w->loop;
    w->last = &w->first;
    w->watched = -1;
    w->late_last = &w->late_first;
    w->queue_last = &w->queue_first;
    pthread_mutex_init(&w->lock, NULL);
    if (lintel_thread_start(&w->thread, STACK, run, w) != 0) {
        lintel_loop_free(w->loop);
        pthread_mutex_destroy(&w->lock);
        lintel_free(w);
        return NULL;
    }
    return w;
}

/* What a plugin may still call by mistake stays: the table of functions, the lock and the mark that
 * it is dead. */
static void
bury(struct lintel_worker *w)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct lintel_worker *graves;
    pthread_mutex_lock(&lock);
    w->ctx = graves; /* reachable, so that it is no leak */
    graves = w;
    pthread_mutex_unlock(&lock);
}

static void
free_messages(struct message *m)
{
    for (struct message *next; m != NULL; m = next) {
        next = m->next;
        lintel_free(m);
    }
}

int
lintel_worker_has_closed(struct lintel_worker *w)
{
    pthread_mutex_lock(&w->lock);
    int dead = w->dead;
    pthread_mutex_unlock(&w->lock);
    return dead;
}

void
lintel_worker_free(struct lintel_worker *w)
{
    if (w == NULL)
        return;
    pthread_join(w->thread, NULL);
    lintel_loop_free(w->loop);
    free_messages(w->first);
    lintel_free(w->held);
    free_kept(w, 0);
    lintel_free(w->open);
    lintel_free(w->devices.at);
    lintel_free(w->points.at);
    lintel_map_fini(&w->shared);
    lintel_wire_scratch_fini(&w->scratch);
    lintel_buf_fini(&w->out);
    bury(w);
}

void
lintel_worker_abandon(struct lintel_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->dead = 1;
    pthread_mutex_unlock(&w->lock);
    pthread_detach(w->thread);
    bury(w);
}
