/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/transport_worker.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/map.h"
#include "core/plug/thread.h"
#include "core/plug/transport_worker_priv.h"
#include "core/trust/secret.h"

enum {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    STACK = 8 * 1024 * 1024,
#else
    STACK = 1024 * 1024, /* of libraries that do cryptography */
#endif
    INBOX_MOST = 8 * 1024 * 1024, /* bytes; then the hub has to wait */
    REASON = 256
};

/* ---- to the hub ------------------------------------------------------------------------------ */

/* With the lock held: 0, TW_LONG or TW_NOMEM. */
static int
send_out(struct lintel_transport_worker *w)
{
    int ret = w->dead                                                ? 0
              : w->out.failed == LINTEL_TW_LONG                      ? TW_LONG
              : w->out.failed || w->fns.send(w->ctx, &w->out, 0) < 0 ? TW_NOMEM
                                                                     : 0;
    lintel_buf_reset(&w->out);
    return ret;
}

int
tw_send(struct lintel_transport_worker *w, struct lintel_tw m)
{
    m.instance = w->number;
    pthread_mutex_lock(&w->thread->lock);
    lintel_buf_reset(&w->out);
    lintel_tw_write(&w->out, &m);
    int ret = send_out(w);
    pthread_mutex_unlock(&w->thread->lock);
    return ret;
}

int
tw_tell(struct lintel_transport_worker *w, struct lintel_tw m)
{
    int ret = tw_send(w, m);
    if (ret == TW_NOMEM)
        w->fns.lost(w->ctx);
    return ret;
}

void
tw_say_locked(struct lintel_transport_worker *w, struct lintel_wire_up m)
{
    int waited_for = m.kind == LINTEL_WIRE_READY || m.kind == LINTEL_WIRE_REFUSED ||
                     m.kind == LINTEL_WIRE_CLOSED;
    m.instance = w->number;
    lintel_buf_reset(&w->out);
    lintel_wire_say(&w->out, &m);
    if (send_out(w) != 0 && waited_for)
        w->fns.lost(w->ctx);
}

void
tw_say(struct lintel_transport_worker *w, struct lintel_wire_up m)
{
    pthread_mutex_lock(&w->thread->lock);
    tw_say_locked(w, m);
    pthread_mutex_unlock(&w->thread->lock);
}

/* ---- questions ------------------------------------------------------------------------------- */

static int
is_ended(const struct lintel_transport_worker *w)
{
    return w->dead || w->closing;
}

struct tw_message *
tw_ask(struct lintel_transport_worker *w, const struct lintel_tw *m, int64_t ns, int *ret_failed)
{
    struct tw_thread *t = w->thread;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += until.tv_nsec;
    until.tv_sec += (time_t)(ns / INT64_C(1000000000));
    until.tv_nsec = (long)(ns % INT64_C(1000000000));
    pthread_mutex_lock(&t->lock);
    t->asked = m->ticket; /* before it leaves: the reply may be fast */
    t->asker = w;
    pthread_cond_signal(&t->room);
    pthread_mutex_unlock(&t->lock);
    *ret_failed = tw_send(w, *m);
    pthread_mutex_lock(&t->lock);
    while (*ret_failed == 0 && t->reply == NULL && !is_ended(w) &&
           pthread_cond_timedwait(&t->answered, &t->lock, &until) != ETIMEDOUT)
        ;
    struct tw_message *reply = t->reply;
    t->reply = NULL;
    t->asked = 0;
    t->asker = NULL;
    pthread_mutex_unlock(&t->lock);
    return reply;
}

struct tw_scratch *
tw_scratch_take(struct tw_thread *t)
{
    struct tw_scratch *s = t->spare;
    if (s == NULL)
        return lintel_alloc(sizeof *s);
    t->spare = s->next;
    return s;
}

void
tw_scratch_put(struct tw_thread *t, struct tw_scratch *s)
{
    s->next = t->spare;
    t->spare = s;
}

/* ---- opening and closing: [inst] ------------------------------------------------------------- */

static void
refuse(struct lintel_transport_worker *w, lintel_status st, const char *dflt)
{
    char line[REASON];
    pthread_mutex_lock(&w->thread->lock);
    lintel_copy(line, sizeof line, w->last_line[0] != '\0' ? w->last_line : dflt);
    tw_say_locked(
        w, (struct lintel_wire_up){
               .kind = LINTEL_WIRE_REFUSED,
               .status = st > 0 || st < LINTEL_E_BUSY || st == LINTEL_OK ? LINTEL_E_FAIL : st,
               .text = line});
    pthread_mutex_unlock(&w->thread->lock);
}

static void
destroy(struct lintel_transport_worker *w)
{
    w->plugin->destroy(w->self);
    lintel_hostloop_clear(&w->hostloop);
    w->plugin = NULL;
    w->self = NULL;
    w->ops = NULL;
    w->resources = NULL;
    w->started = 0;
}

static uint32_t
what_it_has(const struct lintel_transport_worker *w)
{
    return (LINTEL_HAS(w->ops, answer) ? LINTEL_TW_HAS_ANSWER : 0u) |
           (LINTEL_HAS(w->ops, thing_added) || LINTEL_HAS(w->ops, thing_removed)
                ? LINTEL_TW_HAS_THINGS
                : 0u) |
           (LINTEL_HAS(w->ops, send) ? LINTEL_TW_HAS_SEND : 0u) |
           (LINTEL_HAS(w->resources, request) ? LINTEL_TW_HAS_REQUEST : 0u) |
           (LINTEL_HAS(w->resources, abandoned) ? LINTEL_TW_HAS_ABANDONED : 0u);
}

/* The settings; secrets among them are wiped when the plugin has read them. */
static lintel_status
create(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    struct lintel_map shared = {0};
    struct lintel_shared *settings = lintel_shared_get(&shared, m->settings);
    lintel_status st = settings != NULL
                           ? w->plugin->create(&w->hostloop.host, settings->values, &w->self)
                           : LINTEL_E_NOMEM;
    lintel_shared_put(&shared, settings);
    lintel_map_fini(&shared);
    return st;
}

static void
on_open(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    char reason[REASON] = "";
    if (w->plugin != NULL)
        return;
    pthread_mutex_lock(&w->thread->lock);
    w->last_line[0] = '\0';
    w->log_most = m->log;
    pthread_mutex_unlock(&w->thread->lock);
    w->plugin = w->fns.find(w->ctx, m->file, m->text, reason, sizeof reason);
    if (w->plugin == NULL || !(w->plugin->flags & LINTEL_PLUGIN_TRANSPORT) ||
        w->plugin->extension == NULL) {
        w->plugin = NULL;
        refuse(w, LINTEL_E_CONFIG, reason[0] != '\0' ? reason : "it is no transport");
        return;
    }
    lintel_status st = create(w, m);
    if (st != LINTEL_OK) {
        w->plugin = NULL;
        lintel_hostloop_clear(&w->hostloop);
        refuse(w, st, "create() failed and does not say why");
        return;
    }
    w->ops = w->plugin->extension(w->self, LINTEL_EXT_TRANSPORT);
    w->resources = w->plugin->extension(w->self, LINTEL_EXT_RESOURCES);
    const char *why = "start() failed and does not say why";
    if (!(what_it_has(w) & (LINTEL_TW_HAS_ANSWER | LINTEL_TW_HAS_REQUEST))) {
        why = "the plugin has neither " LINTEL_EXT_TRANSPORT
              " with answer() nor " LINTEL_EXT_RESOURCES " with request()";
        st = LINTEL_E_FAIL;
    } else if (w->plugin->start != NULL) {
        w->started = 1;
        st = w->plugin->start(w->self);
    }
    if (st != LINTEL_OK) {
        destroy(w);
        refuse(w, st, why);
        return;
    }
    w->started = 1;
    tw_say(w, (struct lintel_wire_up){
                  .kind = LINTEL_WIRE_READY, .id = what_it_has(w), .text = w->plugin->version});
}

static void
close_instance(struct lintel_transport_worker *w)
{
    if (w->plugin != NULL) {
        if (w->plugin->stop != NULL)
            w->plugin->stop(w->self);
        destroy(w);
    }
    tw_slots_fini(w);
    pthread_mutex_lock(&w->thread->lock);
    tw_say_locked(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_CLOSED});
    w->dead = w->gone = 1;
    pthread_cond_broadcast(&w->thread->room);
    pthread_mutex_unlock(&w->thread->lock);
}

/* ---- the inbox: [inst] ----------------------------------------------------------------------- */

static void
on_thing(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    const lintel_thing_info info = {sizeof info, m->name, m->text};
    if (m->number && LINTEL_HAS(w->ops, thing_added))
        w->ops->thing_added(w->self, &info);
    if (!m->number && LINTEL_HAS(w->ops, thing_removed))
        w->ops->thing_removed(w->self, m->name);
}

static void
on_send(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    static const char why[] = "this transport can't send there";
    lintel_status st = LINTEL_HAS(w->ops, send) ? w->ops->send(w->self, m->text, &m->x, m->ticket)
                                                : LINTEL_E_NOTSUP;
    if (st != LINTEL_OK)
        tw_tell(w, (struct lintel_tw){.kind = LINTEL_TW_REPLY,
                                      .ticket = m->ticket,
                                      .a = {.size = sizeof m->a,
                                            .code = LINTEL_CODE(5, 2),
                                            .format = LINTEL_FORMAT_NONE,
                                            .payload = {why, sizeof why - 1}}});
}

static void
handle(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    if (m->kind == LINTEL_TW_PING)
        tw_tell(w, (struct lintel_tw){.kind = LINTEL_TW_PONG, .ticket = m->ticket});
    else if (m->kind == LINTEL_TW_OPEN)
        on_open(w, m);
    if (w->plugin == NULL)
        return;
    switch (m->kind) {
    case LINTEL_TW_ANSWER:
    case LINTEL_TW_TAKEN: tw_outcome(w, m); break;
    case LINTEL_TW_THING: on_thing(w, m); break;
    case LINTEL_TW_SEND: on_send(w, m); break;
    case LINTEL_TW_REQUEST:
        if (LINTEL_HAS(w->resources, request))
            w->resources->request(w->self, m->ticket, &m->x);
        break;
    case LINTEL_TW_ABANDONED:
        if (LINTEL_HAS(w->resources, abandoned))
            w->resources->abandoned(w->self, m->ticket);
        break;
    default: break; /* replies that came too late */
    }
}

static void
free_message(struct tw_message *m)
{
    if (m != NULL)
        lintel_secret_wipe(m->data, m->n); /* a key, a setting */
    lintel_free(m);
}

static struct tw_message *
next_message(struct tw_thread *t)
{
    pthread_mutex_lock(&t->lock);
    struct tw_message *m = t->first;
    if (m != NULL) {
        t->first = m->next;
        if (t->first == NULL)
            t->last = &t->first;
        t->bytes -= m->n;
        pthread_cond_signal(&t->room);
    } else {
        t->scheduled = 0;
    }
    pthread_mutex_unlock(&t->lock);
    return m;
}

static void
serve_message(struct tw_thread *t, struct tw_message *m)
{
    struct lintel_transport_worker *w = m->worker;
    pthread_mutex_lock(&t->lock);
    int dead = w->dead, closing = w->closing;
    pthread_mutex_unlock(&t->lock);
    if (dead)
        return;
    if (closing) { /* what waits in the inbox is of no use any more */
        close_instance(w);
        return;
    }
    struct tw_scratch *s = tw_scratch_take(t);
    struct lintel_tw in;
    if (s != NULL && lintel_tw_read_down(m->data, m->n, &s->scratch, &in) == 0)
        handle(w, &in);
    else /* the hub's own code wrote it, so only memory can be short */
        w->fns.lost(w->ctx);
    if (s != NULL)
        tw_scratch_put(t, s);
}

static void
run_inbox(void *arg)
{
    struct tw_thread *t = arg;
    for (struct tw_message *m = next_message(t); m != NULL; m = next_message(t)) {
        serve_message(t, m);
        free_message(m);
    }
}

/* With the lock held. A reply that is waited for overtakes the inbox: it is asked from inside. */
static int
is_waited_for(const struct tw_thread *t, const struct tw_message *m)
{
    uint64_t ticket;
    return t->asked != 0 && t->asker == m->worker && t->reply == NULL &&
           lintel_tw_is_reply(m->data, m->n, &ticket) && ticket == t->asked;
}

int
lintel_transport_worker_deliver(struct lintel_transport_worker *w, const void *frame, size_t n)
{
    struct tw_thread *t = w->thread;
    uint32_t number;
    enum lintel_wire_kind kind;
    struct tw_message *m = lintel_alloc(sizeof *m + n);
    int ret = 0;
    if (m == NULL)
        return -1;
    memcpy(m->data, frame, n);
    m->n = n;
    m->worker = w;
    if (lintel_wire_peek(frame, n, &number, &kind) != 0)
        kind = 0;
    pthread_mutex_lock(&t->lock);
    if (kind == LINTEL_WIRE_CLOSE) {
        w->closing = 1;
        pthread_cond_signal(&t->answered);
    }
    while (t->bytes >= INBOX_MOST && t->asked == 0 && kind != LINTEL_WIRE_CLOSE)
        pthread_cond_wait(&t->room, &t->lock);
    if (is_waited_for(t, m)) {
        t->reply = m;
        pthread_cond_signal(&t->answered);
    } else {
        *t->last = m;
        t->last = &m->next;
        t->bytes += n;
        if (!t->scheduled && lintel_loop_post(t->loop, run_inbox, t) != 0)
            ret = -1;
        else
            t->scheduled = 1;
    }
    pthread_mutex_unlock(&t->lock);
    return ret;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER; /* of the three below */
static struct tw_thread *the_thread;
static struct lintel_transport_worker *graves;

static void *
run(void *arg)
{
    struct tw_thread *t = arg;
    lintel_loop_run(t->loop);
    return NULL;
}

static void
free_thread(struct tw_thread *t)
{
    lintel_loop_free(t->loop);
    for (struct tw_message *m = t->first, *next; m != NULL; m = next) {
        next = m->next;
        free_message(m);
    }
    for (struct tw_scratch *s = t->spare, *next; s != NULL; s = next) {
        next = s->next;
        lintel_free(s);
    }
    pthread_cond_destroy(&t->answered);
    pthread_cond_destroy(&t->room);
    pthread_mutex_destroy(&t->lock);
    lintel_free(t);
}

static struct tw_thread *
new_thread(void)
{
    pthread_condattr_t attr;
    struct tw_thread *t = lintel_alloc(sizeof *t);
    if (t == NULL || (t->loop = lintel_loop_new()) == NULL) {
        lintel_free(t);
        return NULL;
    }
    t->last = &t->first;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->answered, &attr);
    pthread_cond_init(&t->room, &attr);
    pthread_condattr_destroy(&attr);
    if (lintel_thread_start(&t->thread, STACK, run, t) != 0) {
        free_thread(t);
        return NULL;
    }
    return t;
}

struct lintel_transport_worker *
lintel_transport_worker_new(uint32_t number, const struct lintel_worker_fns *fns, void *ctx)
{
    struct lintel_transport_worker *w = lintel_alloc(sizeof *w);
    if (w == NULL)
        return NULL;
    pthread_mutex_lock(&threads_lock);
    if (the_thread == NULL)
        the_thread = new_thread();
    struct tw_thread *t = the_thread;
    if (t != NULL)
        t->users++;
    pthread_mutex_unlock(&threads_lock);
    if (t == NULL) {
        lintel_free(w);
        return NULL;
    }
    w->hostloop.host = tw_host;
    w->number = number;
    w->fns = *fns;
    w->ctx = ctx;
    w->thread = t;
    w->hostloop.loop = t->loop;
    return w;
}

/* What a plugin may still call by mistake stays: its log() asks for the lock of a thread, which is
 * that of nobody then. */
static void
bury(struct lintel_transport_worker *w)
{
    static struct tw_thread nobody = {.lock = PTHREAD_MUTEX_INITIALIZER};
    w->thread = &nobody;
    w->grave = graves; /* reachable, so that it is no leak */
    graves = w;
}

void
lintel_transport_worker_free(struct lintel_transport_worker *w)
{
    if (w == NULL)
        return;
    struct tw_thread *t = w->thread;
    pthread_mutex_lock(&t->lock);
    while (!w->gone)
        pthread_cond_wait(&t->room, &t->lock);
    /* Messages behind its end would lead to it. */
    for (struct tw_message **at = &t->first; *at != NULL;) {
        struct tw_message *m = *at;
        if (m->worker != w) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        t->bytes -= m->n;
        free_message(m);
    }
    t->last = &t->first;
    while (*t->last != NULL)
        t->last = &(*t->last)->next;
    pthread_mutex_unlock(&t->lock);
    lintel_buf_fini(&w->out);
    pthread_mutex_lock(&threads_lock);
    int last = --t->users == 0;
    if (last)
        the_thread = NULL;
    bury(w);
    pthread_mutex_unlock(&threads_lock);
    if (!last)
        return;
    lintel_loop_stop(t->loop);
    pthread_join(t->thread, NULL);
    free_thread(t);
}
