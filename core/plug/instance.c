/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/instance.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "core/plug/cage.h"
#include "core/plug/child.h"
#include "core/plug/instance_priv.h"
#include "core/plug/worker.h"

#define START_MOST (30 * LINTEL_SECOND) /* for start() to return */
#define STOP_MOST (5 * LINTEL_SECOND)
#define RENEW_LEAST (10 * LINTEL_SECOND)
#define WAIT_FIRST (LINTEL_SECOND / 5)
#define WAIT_MOST (30 * LINTEL_SECOND)
enum {
    THREAD_BYTES_MOST = 8 * 1024 * 1024
}; /* of a thread's frames on their way; more values are dropped */

struct process { /* a child, and who lives in it */
    struct lintel_plug *plug;
    struct process *next;
    struct lintel_child *child;
    struct lintel_cage cage; /* of the child that runs, or the next one */
    char *shared;            /* name of `process:NAME`; NULL: of one instance alone */
    int ending;
    char outdated[200]; /* which file of its cage was replaced; "": none */
    lintel_mono renewed;
    struct lintel_instance *instances;
};

struct instance_thread {
    struct lintel_instance *instance; /* NULL: it was left behind */
    struct lintel_worker *worker;
    struct lintel_loop *loop;
    const lintel_plugin *plugin;
    _Atomic size_t bytes;  /* on their way to the loop */
    _Atomic uint64_t lost; /* frames that were dropped */
};

struct delivery { /* a frame from a thread */
    struct instance_thread *thread;
    struct lintel_buf frame;
};

static void on_timer(void *arg);
static void finish(struct lintel_instance *i);
static void judge_outdated(struct process *p, const unsigned char *data, size_t n);

static void
set_timer(struct lintel_instance *i, int64_t in)
{
    if (lintel_timer_at(i->plug->loop, &i->timer, lintel_loop_now(i->plug->loop) + in, on_timer,
                        i) != 0)
        lintel_log(LINTEL_LOG_ERROR, i->conf->name, "out of memory: the bus is not watched over");
}

static uint64_t
next_random(struct lintel_plug *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- opening --------------------------------------------------------------------------------- */

int
instance_send(struct lintel_instance *i, const struct lintel_buf *b, int later)
{
    if (b->failed)
        return -1;
    if (i->thread != NULL)
        return lintel_worker_deliver(i->thread->worker, b->p, b->n);
    return lintel_child_send(i->process->child, b, later);
}

size_t
instance_queued(const struct lintel_instance *i)
{
    return i->thread != NULL ? 0 : lintel_child_queued(i->process->child);
}

static void
open_instance(struct lintel_instance *i)
{
    struct lintel_buf *b = &i->plug->out;
    lintel_buf_reset(b);
    port_open(i, b);
    i->state = INSTANCE_STARTING;
    if (instance_send(i, b, 0) != 0)
        instance_refused(i, LINTEL_E_NOMEM, "out of memory");
    else
        set_timer(i, START_MOST);
}

void
instance_ready(struct lintel_instance *i, const char *version)
{
    if (i->state != INSTANCE_STARTING)
        return;
    lintel_timer_stop(i->plug->loop, &i->timer);
    i->state = INSTANCE_RUNNING;
    i->refusals = 0;
    lintel_log(LINTEL_LOG_INFO, i->conf->name, "plugin %s %s runs (isolation: %s)",
               i->conf->plugin->name, version, i->isolation);
    lintel_engine_bus_ready(i->plug->engine, i->bus);
}

/* create() or start() said no. Wrong settings stay wrong; all else may pass. */
void
instance_refused(struct lintel_instance *i, lintel_status st, const char *text)
{
    if (i->state != INSTANCE_STARTING)
        return;
    lintel_copy(i->reason, sizeof i->reason, text);
    if (st == LINTEL_E_CONFIG) {
        i->state = INSTANCE_FAILED;
        lintel_timer_stop(i->plug->loop, &i->timer);
        lintel_log(LINTEL_LOG_ERROR, i->conf->name, "the bus stays down until %s changes: %s",
                   i->conf->at.file ? i->conf->at.file : "its configuration", text);
    } else {
        int64_t wait = WAIT_FIRST;
        for (uint32_t k = 0; k < i->refusals && wait < WAIT_MOST; k++)
            wait *= 2;
        if (wait > WAIT_MOST)
            wait = WAIT_MOST;
        wait = wait * 3 / 4 + (int64_t)(next_random(i->plug) % (uint64_t)(wait / 2));
        i->refusals++;
        i->state = INSTANCE_BACKOFF;
        set_timer(i, wait);
        lintel_log(LINTEL_LOG_WARN, i->conf->name,
                   "the plugin could not start: %s; next try in %.1f s", text, (double)wait / 1e9);
    }
    lintel_engine_bus_gone(i->plug->engine, i->bus, st, i->reason);
}

void
instance_hangs(struct lintel_instance *i)
{
    static const char reason[] = "it hangs: no request was completed for more than 10 s";
    if (i->thread != NULL) {
        port_log(i, LINTEL_LOG_ERROR,
                 "the plugin hangs in its thread, where it can't be ended; with "
                 "`isolation: process` it would be started again");
        i->stuck_since = 0; /* said; again if it goes on */
    } else {
        lintel_child_kill(i->process->child, reason);
    }
}

/* ---- in a thread ----------------------------------------------------------------------------- */

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
    uint64_t lost = atomic_exchange(&t->lost, 0);
    if (i != NULL && lost != 0) {
        i->dropped += lost;
        port_log(i, LINTEL_LOG_WARN,
                 "the plugin publishes faster than the hub can take: values were "
                 "dropped");
    }
    /* It is the hub's own code that wrote the frame, so only memory can be short. */
    if (i != NULL && port_frame(i, (const unsigned char *)d->frame.p, d->frame.n) != 0)
        lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                   "out of memory: a message of the plugin was lost");
    free_thread(t); /* if that was the last of it */
    lintel_buf_fini(&d->frame);
    lintel_free(d);
}

/* On the worker's thread. */
static int
thread_send(void *ctx, struct lintel_buf *b, int may_drop)
{
    struct instance_thread *t = ctx;
    struct delivery *d = NULL;
    if (!may_drop || atomic_load(&t->bytes) < THREAD_BYTES_MOST)
        d = lintel_alloc(sizeof *d);
    if (d != NULL) {
        *d = (struct delivery){t, *b};
        atomic_fetch_add(&t->bytes, b->n);
        if (lintel_loop_post(t->loop, on_delivery, d) == 0) {
            *b = (struct lintel_buf){0};
            return 0;
        }
        atomic_fetch_sub(&t->bytes, b->n);
        lintel_free(d);
    }
    atomic_fetch_add(&t->lost, 1);
    return -1;
}

static const lintel_plugin *
thread_find(void *ctx, const char *file, const char *name, char *reason, uint32_t size)
{
    const struct instance_thread *t = ctx;
    (void)file, (void)name, (void)reason, (void)size;
    return t->plugin; /* the daemon has opened it to read its tables */
}

static int
start_thread(struct lintel_instance *i)
{
    static const struct lintel_worker_fns fns = {thread_send, thread_find};
    struct instance_thread *t = lintel_alloc(sizeof *t);
    if (t == NULL)
        return -1;
    t->instance = i;
    t->loop = i->plug->loop;
    t->plugin = i->conf->plugin;
    t->worker = lintel_worker_new(i->number, &fns, t);
    if (t->worker == NULL) {
        lintel_free(t);
        return -1;
    }
    i->thread = t;
    lintel_copy(i->isolation, sizeof i->isolation, "thread");
    open_instance(i);
    return 0;
}

static void
leave_thread_behind(struct lintel_instance *i)
{
    struct instance_thread *t = i->thread;
    lintel_log(LINTEL_LOG_ERROR, i->conf->name,
               "the plugin does not end within 5 s; its thread is left "
               "behind, and what it has opened stays open");
    lintel_worker_abandon(t->worker);
    i->thread = NULL;
    t->instance = NULL;
    free_thread(t);
    finish(i);
}

/* ---- in a child ------------------------------------------------------------------------------ */

static void
process_up(void *ctx)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        if (i->state == INSTANCE_STARTING || i->state == INSTANCE_BACKOFF)
            open_instance(i);
    }
}

static int
process_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct process *p = ctx;
    uint32_t number;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek(data, n, &number, &kind) != 0)
        return -1;
    int ret = 0; /* of one that has just gone */
    for (struct lintel_instance *i = p->instances; i != NULL; i = i->next) {
        if (i->number == number) {
            ret = port_frame(i, data, n);
            break;
        }
    }
    if (ret == 0 && p->outdated[0] != '\0' &&
        (kind == LINTEL_WIRE_LINK || kind == LINTEL_WIRE_REFUSED))
        judge_outdated(p, data, n);
    return ret;
}

static void
process_gone(void *ctx, const char *reason, int64_t wait)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        lintel_timer_stop(p->plug->loop, &i->timer);
        if (i->state == INSTANCE_STOPPING) {
            finish(i);
            continue;
        }
        lintel_copy(i->reason, sizeof i->reason, reason);
        port_reset(i);
        if (i->state == INSTANCE_FAILED)
            continue;
        i->state = INSTANCE_BACKOFF;
        lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                   "the plugin is gone: %s; it starts again in %.1f s", reason, (double)wait / 1e9);
        lintel_engine_bus_gone(p->plug->engine, i->bus, LINTEL_E_FAIL, i->reason);
    }
}

/* What those who live here need, and those of the site who will. Only a child that starts gets
 * another cage. -1: out of memory. */
static int
widen_cage(struct process *p, const struct lintel_site *site, const struct lintel_port *conf)
{
    int failed = lintel_cage_add_port(&p->cage, conf);
    return p->shared != NULL ? failed | lintel_cage_add_shared(&p->cage, site, p->shared) : failed;
}

/* The child starts: it gets what is needed now. */
static int
process_cage(void *ctx, struct lintel_buf *b)
{
    struct process *p = ctx;
    int failed = 0;
    p->outdated[0] = '\0';
    lintel_cage_fini(&p->cage);
    p->cage.user = p->plug->cage_user;
    p->cage.off = p->plug->uncaged;
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        failed |= widen_cage(p, i->site, i->conf);
    lintel_cage_write(b, &p->cage);
    return failed;
}

/* One more moves in. A child can't get out of its cage, so a wider one needs a new child. */
static int
make_room(struct process *p, const struct lintel_instance *i)
{
    struct lintel_cage wanted = {0};
    int ret = lintel_cage_add_port(&wanted, i->conf);
    if (ret == 0 && !lintel_cage_covers(&p->cage, &wanted)) {
        char reason[200];
        lintel_format(reason, sizeof reason, "%s, which needs more, moves into the same process",
                      i->conf->name);
        lintel_child_renew(p->child, reason);
    } else if (p->outdated[0] != '\0') {
        lintel_child_renew(p->child, p->outdated);
    }
    lintel_cage_fini(&wanted);
    return ret;
}

/* A cage allows files, not names: the new one can't be read from within. That is of no matter until
 * somebody opens it again. */
static void
process_outdated(void *ctx, const char *text)
{
    struct process *p = ctx;
    if (p->outdated[0] != '\0')
        return;
    lintel_format(p->outdated, sizeof p->outdated, "%s: a new process reads it", text);
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        lintel_log(LINTEL_LOG_INFO, i->conf->name,
                   "%s; a new process reads it, when the connection is lost or the bus starts anew",
                   text);
}

/* A plugin has lost its connection, or could not start: the next try shall find the new file. A
 * plugin that lies about it gains no more than one that crashes. */
static void
judge_outdated(struct process *p, const unsigned char *data, size_t n)
{
    struct lintel_wire_up m;
    lintel_mono now = lintel_loop_now(p->plug->loop);
    if (lintel_wire_read_up(data, n, &p->plug->scratch, &m) != 0 || m.status == LINTEL_OK)
        return;
    if (p->renewed != 0 && now - p->renewed < RENEW_LEAST) {
        lintel_child_kill(p->child, p->outdated);
    } else {
        p->renewed = now;
        lintel_child_renew(p->child, p->outdated);
    }
}

static void
free_process(struct process *p)
{
    struct process **at = &p->plug->processes;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    lintel_cage_fini(&p->cage);
    lintel_free(p->shared);
    lintel_free(p);
}

static void
process_ended(void *ctx)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        finish(i);
    }
    free_process(p);
}

static struct process *
new_process(struct lintel_plug *plug, const struct lintel_port *conf)
{
    static const struct lintel_child_fns fns = {process_cage,  process_up,   process_outdated,
                                                process_frame, process_gone, process_ended};
    struct process *p = lintel_alloc(sizeof *p);
    if (p == NULL)
        return NULL;
    p->plug = plug;
    if (conf->process != NULL)
        p->shared = lintel_strdup(conf->process);
    if (conf->process == NULL || p->shared != NULL)
        p->child = lintel_child_new(plug->loop, plug->host_program,
                                    conf->process ? conf->process : conf->name, next_random(plug),
                                    &fns, p);
    if (p->child == NULL) {
        lintel_free(p->shared);
        lintel_free(p);
        return NULL;
    }
    p->next = plug->processes;
    plug->processes = p;
    return p;
}

static int
start_in_process(struct lintel_instance *i)
{
    const struct lintel_port *conf = i->conf;
    struct process *p = NULL;
    if (conf->process != NULL)
        for (p = i->plug->processes; p != NULL; p = p->next)
            if (!p->ending && p->shared != NULL && strcmp(p->shared, conf->process) == 0)
                break;
    if (p != NULL ? make_room(p, i) != 0 : (p = new_process(i->plug, conf)) == NULL)
        return -1;
    lintel_format(i->isolation, sizeof i->isolation, "process%s%s", p->shared ? ":" : "",
                  p->shared ? p->shared : "");
    i->process = p;
    struct lintel_instance **at = &p->instances;
    while (*at != NULL)
        at = &(*at)->next;
    *at = i;
    if (lintel_child_is_up(p->child))
        open_instance(i);
    return 0;
}

static void
leave_process(struct lintel_instance *i)
{
    struct lintel_instance **at = &i->process->instances;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    i->process = NULL;
}

/* Ends the child if nobody else lives in it; else 0. */
static int
end_process(struct process *p)
{
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        if (i->state != INSTANCE_STOPPING)
            return 0;
    p->ending = 1;
    lintel_child_end(p->child);
    return 1;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void
free_instance(struct lintel_instance *i)
{
    lintel_timer_stop(i->plug->loop, &i->timer);
    port_fini(i);
    lintel_site_unref(i->site);
    lintel_free(i);
}

static int
list_instance(struct lintel_plug *p, struct lintel_instance *i)
{
    if (p->n == p->room) {
        uint32_t room = p->room ? p->room * 2 : 8;
        struct lintel_instance **list = lintel_grow(p->instances, room, sizeof(*list));
        if (list == NULL)
            return -1;
        p->instances = list;
        p->room = room;
    }
    p->instances[p->n++] = i;
    return 0;
}

static void
unlist_instance(struct lintel_plug *p, const struct lintel_instance *i)
{
    uint32_t k = 0;
    while (k < p->n && p->instances[k] != i)
        k++;
    if (k == p->n)
        return;
    memmove(&p->instances[k], &p->instances[k + 1], (p->n - k - 1) * sizeof(*p->instances));
    p->n--;
}

struct lintel_instance *
lintel_plug_start_bus(struct lintel_plug *p, struct lintel_site *site,
                      const struct lintel_port *conf)
{
    struct lintel_instance *i = lintel_alloc(sizeof *i);
    if (i == NULL)
        return NULL;
    i->plug = p;
    i->conf = conf;
    i->number = ++p->last_number;
    i->site = lintel_site_ref(site);
    if (list_instance(p, i) != 0) {
        free_instance(i);
        return NULL;
    }
    i->bus = lintel_engine_add_bus(p->engine, conf->name, conf->plugin, port_of(i));
    if (i->bus == NULL ||
        (conf->isolation == LINTEL_ISOLATION_THREAD ? start_thread(i) : start_in_process(i)) != 0) {
        if (i->bus != NULL)
            lintel_engine_remove_bus(p->engine, i->bus);
        unlist_instance(p, i);
        free_instance(i);
        return NULL;
    }
    return i;
}

/* Its thread or child has let go of it. */
static void
finish(struct lintel_instance *i)
{
    void (*then)(void *) = i->then;
    void *ctx = i->then_ctx;
    if (i->process != NULL)
        leave_process(i);
    unlist_instance(i->plug, i);
    free_instance(i);
    if (then != NULL)
        then(ctx);
}

void
instance_closed(struct lintel_instance *i)
{
    struct instance_thread *t = i->thread;
    if (t != NULL) {
        i->thread = NULL;
        t->instance = NULL;
        lintel_worker_free(t->worker);
        /* The delivery that is running frees it. */
    }
    finish(i);
}

void
lintel_plug_stop_bus(struct lintel_plug *p, struct lintel_instance *i, void (*then)(void *ctx),
                     void *ctx)
{
    if (i->state == INSTANCE_STOPPING)
        return;
    i->then = then;
    i->then_ctx = ctx;
    i->state = INSTANCE_STOPPING;
    lintel_timer_stop(p->loop, &i->timer);
    port_reset(i);
    lintel_engine_remove_bus(p->engine, i->bus);
    i->bus = NULL;
    if (i->process != NULL && end_process(i->process))
        return;
    set_timer(i, STOP_MOST);
    lintel_buf_reset(&p->out);
    lintel_wire_short(&p->out, i->number, LINTEL_WIRE_CLOSE, 0);
    if (i->process != NULL && !lintel_child_is_up(i->process->child))
        finish(i); /* nothing is there to stop */
    else
        instance_send(i, &p->out, 0); /* else the timer ends it */
}

static void
on_timer(void *arg)
{
    struct lintel_instance *i = arg;
    switch (i->state) {
    case INSTANCE_STARTING:
        if (i->process != NULL)
            lintel_child_kill(i->process->child, "start() did not return within 30 s");
        else
            lintel_log(LINTEL_LOG_WARN, i->conf->name, "start() has not returned within 30 s");
        break;
    case INSTANCE_BACKOFF: open_instance(i); break;
    case INSTANCE_STOPPING:
        if (i->thread != NULL) {
            leave_thread_behind(i);
        } else {
            lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                       "the plugin does not end within 5 s; its "
                       "process is killed");
            lintel_child_kill(i->process->child, "a bus in the same process did not end");
        }
        break;
    default: break;
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

struct lintel_plug *
lintel_plug_new(const struct lintel_plug_source *s)
{
    struct lintel_plug *p = lintel_alloc(sizeof *p);
    if (p == NULL || (p->host_program = lintel_strdup(s->host_program)) == NULL) {
        lintel_free(p);
        return NULL;
    }
    p->loop = s->loop;
    p->engine = s->engine;
    p->uncaged = s->uncaged;
    lintel_cage_find_user(&p->cage_user);
    if (p->cage_user.name[0] != '\0' && strcmp(p->cage_user.name, LINTEL_CAGE_USER) != 0)
        lintel_log(LINTEL_LOG_WARN, "hub",
                   "there is no user " LINTEL_CAGE_USER ": plugins' processes run as %s; "
                   "`useradd --system " LINTEL_CAGE_USER "` gives them a user of their own",
                   p->cage_user.name);
    if (getrandom(&p->random, sizeof p->random, GRND_NONBLOCK) != sizeof p->random)
        p->random = (uint64_t)lintel_loop_wall(p->loop); /* jitter, no secret */
    return p;
}

static int
all_ended(void *ctx)
{
    const struct lintel_plug *p = ctx;
    return p->n == 0 && p->processes == NULL;
}

void
lintel_plug_free(struct lintel_plug *p)
{
    if (p == NULL)
        return;
    while (p->transports != NULL)
        lintel_plug_stop_transport(p, p->transports);
    for (uint32_t k = p->n; k-- > 0;)
        if (k < p->n)
            lintel_plug_stop_bus(p, p->instances[k], NULL, NULL);
    lintel_loop_until(p->loop, all_ended, p, STOP_MOST + LINTEL_SECOND);
    while (p->processes != NULL) { /* on a loop whose time stands still */
        lintel_child_free(p->processes->child);
        process_ended(p->processes);
    }
    while (p->n > 0)
        leave_thread_behind(p->instances[0]);
    lintel_buf_fini(&p->out);
    lintel_wire_scratch_fini(&p->scratch);
    lintel_free(p->instances);
    lintel_free(p->host_program);
    lintel_free(p);
}

void
lintel_instance_stats(const struct lintel_instance *i, struct lintel_instance_stats *ret)
{
    static const char *const states[] = {"starting", "running", "back-off", "stopping", "failed"};
    *ret = (struct lintel_instance_stats){
        .name = i->conf->name,
        .plugin = i->conf->plugin->name,
        .version = i->conf->plugin->version,
        .isolation = i->isolation,
        .cage = i->process != NULL ? lintel_child_cage(i->process->child) : "",
        .pid = i->process != NULL ? lintel_child_pid(i->process->child) : 0,
        .restarts = i->process != NULL ? lintel_child_restarts(i->process->child) : 0,
        .state = states[i->state],
        .reason = i->reason,
        .misbehaved = i->misbehaved,
        .dropped = i->dropped,
        .late = i->late};
}

uint32_t
lintel_plug_ninstances(const struct lintel_plug *p)
{
    return p->n;
}

struct lintel_instance *
lintel_plug_at(struct lintel_plug *p, uint32_t i)
{
    return i < p->n ? p->instances[i] : NULL;
}
