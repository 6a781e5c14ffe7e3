/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/instance.h"

#include <string.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "core/plug/cage.h"
#include "core/plug/child.h"
#include "core/plug/instance_priv.h"
#include "core/plug/instance_thread.h"
#include "core/plug/process.h"

#define START_MOST (30 * LINTEL_SECOND) /* for start() to return */
#define STOP_MOST (5 * LINTEL_SECOND)
#define ASK_AGAIN (LINTEL_SECOND / 20) /* to end, after memory was out */
#define BEAT (2 * LINTEL_SECOND)       /* a look at what runs */
#define FLOOD_TOLD (60 * LINTEL_SECOND)

static const char lost[] = "out of memory: a message of the plugin was lost";

static void on_timer(void *arg);
static void on_beat(void *arg);

static void
set_timer(struct lintel_instance *i, int64_t in)
{
    if (lintel_timer_at(i->plug->loop, &i->timer, lintel_loop_now(i->plug->loop) + in, on_timer,
                        i) != 0)
        lintel_log(LINTEL_LOG_ERROR, i->conf->name, "out of memory: the bus is not watched over");
}

uint64_t
plug_random(struct lintel_plug *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- what counts its ends -------------------------------------------------------------------- */

/* An instance alone in its child is counted with it. */
static struct lintel_supervise *
life_of(struct lintel_instance *i)
{
    return i->process != NULL && !process_is_shared(i->process) ? process_life(i->process)
                                                                : &i->life;
}

/* The one line of an end: why, and what comes next. */
static void
tell_end(struct lintel_instance *i, const struct lintel_supervise *life, int32_t level,
         const char *what, int64_t wait)
{
    const char *mark = i->liar ? "PLUGIN MISBEHAVING: " : "";
    i->next_try = lintel_loop_now(i->plug->loop) + wait;
    i->liar = 0;
    if (life->alarm == 1 && wait == LINTEL_SUPERVISE_RARELY)
        lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                   "ALARM: %s%s%s; this was the %dth end within ten minutes, so it is tried only "
                   "every 5 min from now on: see to the cause, then `lintel plugin reload %s`",
                   mark, what, i->reason, LINTEL_SUPERVISE_ENDS, i->conf->name);
    else
        lintel_log(level, i->conf->name, "%s%s%s; it starts again in %.2f s", mark, what, i->reason,
                   (double)wait / 1e9);
}

/* ---- opening --------------------------------------------------------------------------------- */

int
instance_send(struct lintel_instance *i, const struct lintel_buf *b, int later)
{
    if (b->failed)
        return -1;
    if (i->thread != NULL)
        return instance_thread_send(i->thread, b);
    return lintel_child_send(process_child(i->process), b, later);
}

int
instance_is_up(const struct lintel_instance *i)
{
    return i->thread != NULL ||
           (i->process != NULL && lintel_child_is_up(process_child(i->process)));
}

size_t
instance_queued(const struct lintel_instance *i)
{
    return i->thread != NULL ? 0 : lintel_child_queued(process_child(i->process));
}

/* Memory is said to be out in a way that needs none. */
static int
has_lost(const struct lintel_instance *i)
{
    return i->thread != NULL && instance_thread_has_lost(i->thread);
}

static void
look_at_start(struct lintel_instance *i)
{
    if (has_lost(i))
        instance_starved(i);
    else if (lintel_loop_now(i->plug->loop) >= i->start_by)
        instance_hangs(i, "it hangs: start() did not return within 30 s");
    else
        set_timer(i, BEAT);
}

void
instance_start(struct lintel_instance *i)
{
    struct lintel_buf *b = &i->plug->out;
    lintel_buf_reset(b);
    lintel_wire_short(b, i->number, LINTEL_WIRE_START, 0);
    i->state = INSTANCE_STARTING;
    if (instance_send(i, b, 0) != 0) {
        instance_refused(i, LINTEL_E_NOMEM, "out of memory");
        return;
    }
    i->start_by = lintel_loop_now(i->plug->loop) + START_MOST;
    set_timer(i, BEAT);
}

/* START goes along with OPEN: where create() says no, it finds nothing to start. */
void
instance_open(struct lintel_instance *i, int start)
{
    struct lintel_buf *b = &i->plug->out;
    lintel_buf_reset(b);
    port_open(i, b);
    i->state = start ? INSTANCE_STARTING : INSTANCE_CREATING;
    if (instance_send(i, b, 0) != 0)
        instance_refused(i, LINTEL_E_NOMEM, "out of memory");
    else if (start)
        instance_start(i);
}

void
instance_ready(struct lintel_instance *i, const char *version)
{
    if (i->state != INSTANCE_STARTING)
        return;
    lintel_timer_stop(i->plug->loop, &i->timer);
    i->state = INSTANCE_RUNNING;
    lintel_supervise_ready(life_of(i), lintel_loop_now(i->plug->loop));
    on_beat(i);
    lintel_copy(i->version, sizeof i->version, version);
    lintel_log(LINTEL_LOG_INFO, i->conf->name, "plugin %s %s runs (isolation: %s)", i->plugin->name,
               version, i->isolation);
    tap_begin(i); /* before anything is sent */
    if (i->swap == NULL || !swap_ready(i))
        lintel_engine_bus_ready(i->plug->engine, i->bus);
}

/* create() or start() said no. Wrong settings stay wrong; all else may pass. */
void
instance_refused(struct lintel_instance *i, lintel_status st, const char *text)
{
    if (i->state == INSTANCE_CREATING && swap_refused(i, text))
        return;
    if (i->state != INSTANCE_STARTING && i->state != INSTANCE_CREATING)
        return;
    lintel_copy(i->reason, sizeof i->reason, text);
    if (st == LINTEL_E_CONFIG) {
        i->state = INSTANCE_FAILED;
        lintel_timer_stop(i->plug->loop, &i->timer);
        lintel_log(LINTEL_LOG_ERROR, i->conf->name, "the bus stays down until %s changes: %s",
                   i->conf->at.file ? i->conf->at.file : "its configuration", text);
    } else {
        struct lintel_supervise *life = life_of(i);
        lintel_mono now = lintel_loop_now(i->plug->loop);
        int64_t wait = st == LINTEL_E_NOMEM ? lintel_supervise_short(life, now)
                                            : lintel_supervise_ended(life, now);
        i->state = INSTANCE_BACKOFF;
        set_timer(i, wait);
        tell_end(i, life, LINTEL_LOG_WARN, "the plugin could not start: ", wait);
    }
    lintel_engine_bus_gone(i->plug->engine, i->bus, st, i->reason);
    if (i->swap != NULL)
        swap_failed(i);
}

/* ---- its thread or child --------------------------------------------------------------------- */

static int
start_in_thread(struct lintel_instance *i)
{
    i->thread = instance_thread_new(i);
    if (i->thread == NULL)
        return -1;
    lintel_copy(i->isolation, sizeof i->isolation, "thread");
    instance_open(i, i->state != INSTANCE_CREATING);
    return 0;
}

static void
leave_thread_behind(struct lintel_instance *i)
{
    struct instance_thread *t = i->thread;
    lintel_log(LINTEL_LOG_ERROR, i->conf->name,
               "the plugin does not end within 5 s; its thread is left "
               "behind, and what it has opened stays open");
    i->thread = NULL;
    instance_thread_abandon(t);
    instance_finish(i);
}

static int
start_in_process(struct lintel_instance *i, struct process *p)
{
    p = process_for(i->plug, p, i->conf, i->isolation, sizeof i->isolation);
    if (p == NULL)
        return -1;
    process_add_bus(p, i);
    if (instance_is_up(i))
        instance_open(i, i->state != INSTANCE_CREATING);
    return 0;
}

void
instance_child_up(struct lintel_instance *i)
{
    if (i->state == INSTANCE_STARTING || i->state == INSTANCE_BACKOFF)
        instance_open(i, 1);
    else if (i->state == INSTANCE_CREATING)
        instance_open(i, 0);
}

void
instance_child_gone(struct lintel_instance *i, const char *reason, int64_t wait)
{
    lintel_timer_stop(i->plug->loop, &i->timer);
    if (i->state == INSTANCE_STOPPING) {
        instance_finish(i);
        return;
    }
    if (i->state == INSTANCE_CREATING && swap_lost(i, reason))
        return;
    port_reset(i);
    if (i->state == INSTANCE_FAILED)
        return;
    int known = i->state == INSTANCE_ENDING;
    i->closed = 0; /* the child's start counts */
    lintel_copy(i->reason, sizeof i->reason, reason);
    i->state = INSTANCE_BACKOFF;
    tell_end(i, process_life(i->process), wait != 0 ? LINTEL_LOG_ERROR : LINTEL_LOG_INFO,
             "the plugin is gone: ", wait);
    if (!known)
        lintel_engine_bus_gone(i->plug->engine, i->bus, LINTEL_E_FAIL, i->reason);
    if (i->swap != NULL)
        swap_failed(i);
}

/* ---- ending what does wrong, and starting it again ------------------------------------------- */

static void
send_close(struct lintel_instance *i)
{
    lintel_buf_reset(&i->plug->out);
    lintel_wire_short(&i->plug->out, i->number, LINTEL_WIRE_CLOSE, 0);
    i->asked = instance_send(i, &i->plug->out, 0) == 0;
    set_timer(i, i->asked ? STOP_MOST : ASK_AGAIN);
}

/* A child of its own is killed. Elsewhere the instance is closed, which a plugin that hangs does
 * not obey: then a shared child is killed, too, and a thread is waited for, as two on one line
 * would be worse than none. */
static void
break_off(struct lintel_instance *i, const char *reason, int starved)
{
    if (i->state != INSTANCE_STARTING && i->state != INSTANCE_RUNNING)
        return;
    lintel_copy(i->reason, sizeof i->reason, reason);
    i->state = INSTANCE_ENDING;
    port_reset(i);
    if (i->process != NULL && !process_is_shared(i->process)) {
        lintel_timer_stop(i->plug->loop, &i->timer);
        lintel_child_kill(process_child(i->process), reason);
    } else {
        lintel_mono now = lintel_loop_now(i->plug->loop);
        int64_t wait = starved ? lintel_supervise_starved(&i->life, now)
                               : lintel_supervise_ended(&i->life, now);
        tell_end(i, &i->life, LINTEL_LOG_ERROR, "the plugin is ended: ", wait);
        send_close(i);
    }
    lintel_engine_bus_gone(i->plug->engine, i->bus, LINTEL_E_FAIL, i->reason);
    if (i->swap != NULL)
        swap_failed(i);
}

void
instance_breaks(struct lintel_instance *i, const char *reason)
{
    break_off(i, reason, 0);
}

/* Nobody knows what it waits for now, so it is started anew; it is not the plugin's doing. */
void
instance_starved(struct lintel_instance *i)
{
    if ((i->state == INSTANCE_ENDING || i->state == INSTANCE_STOPPING) && i->thread != NULL &&
        instance_thread_has_closed(i->thread)) {
        instance_closed(i);
        return;
    }
    if (i->state == INSTANCE_CREATING && swap_refused(i, lost))
        return;
    if (i->state == INSTANCE_CREATING)
        i->state = INSTANCE_STARTING; /* the one before has left its bus */
    break_off(i, lost, 1);
}

void
instance_hangs(struct lintel_instance *i, const char *reason)
{
    if (i->process == NULL || !lintel_child_may_be_late(process_child(i->process), reason))
        instance_breaks(i, reason);
}

static void
does_not_end(struct lintel_instance *i)
{
    char reason[256];
    if (i->thread != NULL && instance_thread_has_closed(i->thread)) {
        instance_closed(i);
        return;
    }
    if (i->thread != NULL) {
        lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                   "the plugin does not return from its call, and a thread can't be ended: the bus "
                   "stays down until it does; with `isolation: process` it would be killed and "
                   "started again");
        return;
    }
    lintel_format(reason, sizeof reason, "bus %s in the same process does not end", i->conf->name);
    lintel_child_kill_late(process_child(i->process), reason);
}

/* It is gone from its thread or from the shared child. Under a new number nothing of the old one
 * can be mistaken. */
static void
begin_pause(struct lintel_instance *i)
{
    int64_t left = i->next_try - lintel_loop_now(i->plug->loop);
    i->number = ++i->plug->last_number;
    i->closed = 1;
    i->asked = 0;
    i->state = INSTANCE_BACKOFF;
    set_timer(i, left > 0 ? left : 0);
}

static void
try_again(struct lintel_instance *i)
{
    if (i->process != NULL && !lintel_child_is_up(process_child(i->process)))
        return; /* instance_child_up() opens it */
    i->restarts += i->closed ? 1 : 0;
    i->closed = 0;
    if (i->process != NULL || i->thread != NULL) {
        instance_open(i, 1);
    } else if (start_in_thread(i) != 0) {
        i->state = INSTANCE_STARTING;
        instance_refused(i, LINTEL_E_NOMEM, "out of memory or threads");
    }
}

void
lintel_plug_retry(struct lintel_plug *p, struct lintel_instance *i)
{
    (void)p;
    lintel_supervise_forgive(&i->life);
    if (i->process != NULL)
        process_retry(i->process);
    if (i->state == INSTANCE_FAILED || i->state == INSTANCE_BACKOFF) {
        i->state = INSTANCE_BACKOFF;
        set_timer(i, 0);
    }
}

static void
on_beat(void *arg)
{
    struct lintel_instance *i = arg;
    struct lintel_worker_call call;
    if (i->state != INSTANCE_RUNNING)
        return;
    lintel_timer_at(i->plug->loop, &i->beat, lintel_loop_now(i->plug->loop) + BEAT, on_beat, i);
    if (i->thread != NULL && instance_thread_call(i->thread, &call))
        port_call(i, call.serial, call.name, call.request);
    port_watch(i);
    if (has_lost(i))
        instance_starved(i);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void
free_instance(struct lintel_instance *i)
{
    lintel_timer_stop(i->plug->loop, &i->timer);
    lintel_timer_stop(i->plug->loop, &i->beat);
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
instance_new(struct lintel_plug *p, struct lintel_site *site, const struct lintel_port *conf,
             const lintel_plugin *plugin, const char *file)
{
    struct lintel_instance *i = lintel_alloc(sizeof *i);
    if (i == NULL)
        return NULL;
    i->plug = p;
    i->conf = conf;
    i->plugin = plugin;
    i->file = file;
    i->number = ++p->last_number;
    i->life.random = plug_random(p);
    i->site = lintel_site_ref(site);
    port_rows(i);
    if (list_instance(p, i) == 0)
        return i;
    free_instance(i);
    return NULL;
}

void
instance_drop(struct lintel_instance *i)
{
    unlist_instance(i->plug, i);
    free_instance(i);
}

int
instance_begin(struct lintel_instance *i, struct process *process)
{
    return i->conf->isolation == LINTEL_ISOLATION_THREAD ? start_in_thread(i)
                                                         : start_in_process(i, process);
}

struct lintel_instance *
lintel_plug_start_bus(struct lintel_plug *p, struct lintel_site *site,
                      const struct lintel_port *conf)
{
    const lintel_plugin *plugin =
        conf->isolation == LINTEL_ISOLATION_THREAD ? lintel_port_code(conf) : conf->plugin;
    struct lintel_instance *i = instance_new(p, site, conf, plugin, conf->plugin_file);
    if (i == NULL)
        return NULL;
    i->bus = lintel_engine_add_bus(p->engine, conf->name, conf->plugin, port_of(i));
    if (i->bus == NULL || instance_begin(i, NULL) != 0) {
        if (i->bus != NULL)
            lintel_engine_remove_bus(p->engine, i->bus);
        instance_drop(i);
        return NULL;
    }
    return i;
}

/* Its thread or child has let go of it. */
void
instance_finish(struct lintel_instance *i)
{
    void (*then)(void *) = i->then;
    void *ctx = i->then_ctx;
    if (i->process != NULL)
        process_remove_bus(i);
    instance_drop(i);
    if (then != NULL)
        then(ctx);
}

void
instance_closed(struct lintel_instance *i)
{
    struct instance_thread *t = i->thread;
    if (t != NULL) {
        i->thread = NULL;
        instance_thread_end(t);
    }
    if (i->state == INSTANCE_ENDING)
        begin_pause(i);
    else if (i->state == INSTANCE_STOPPING)
        instance_finish(i);
}

/* Asks one to end that is not alone in its child, or lives in a thread. */
static void
close_instance(struct lintel_instance *i, int told)
{
    if (i->process != NULL && lintel_child_is_dying(process_child(i->process)))
        return; /* instance_child_gone() finishes it: until then nothing of it is free */
    if (!instance_is_up(i)) {
        instance_finish(i); /* nothing is there to stop */
        return;
    }
    if (told)
        set_timer(i, STOP_MOST);
    else
        send_close(i);
}

/* Nothing more is heard of it but its end. */
static void
begin_stopping(struct lintel_instance *i)
{
    i->closing |= i->state == INSTANCE_ENDING && i->asked;
    i->state = INSTANCE_STOPPING;
    lintel_timer_stop(i->plug->loop, &i->timer);
    lintel_timer_stop(i->plug->loop, &i->beat);
    port_reset(i);
}

void
instance_end(struct lintel_instance *const *list, uint32_t n)
{
    struct lintel_plug *p = n != 0 ? list[0]->plug : NULL;
    for (uint32_t k = 0; k < n; k++)
        begin_stopping(list[k]);
    for (uint32_t k = 0; k < n; k++)
        if (list[k]->process == NULL || !process_is_left(list[k]->process))
            close_instance(list[k], list[k]->closing);
    /* A child in which nobody else lives ends as a whole; its instances may be freed by that. */
    if (p != NULL)
        process_end_left(p);
}

static void
put_in_place(struct lintel_instance *i, struct process *process, struct instance_thread *thread)
{
    i->thread = thread;
    if (thread != NULL)
        instance_thread_move(thread, i);
    if (process != NULL)
        process_add_bus(process, i);
}

void
instance_exchange(struct lintel_instance *a, struct lintel_instance *b)
{
    const struct lintel_instance was = *a;
    struct process *pa = a->process, *pb = b->process;
    struct instance_thread *ta = a->thread, *tb = b->thread;
    lintel_timer_stop(a->plug->loop, &a->timer);
    lintel_timer_stop(b->plug->loop, &b->timer);
    lintel_timer_stop(a->plug->loop, &a->beat);
    lintel_timer_stop(b->plug->loop, &b->beat);
    if (pa != NULL)
        process_remove_bus(a);
    if (pb != NULL)
        process_remove_bus(b);
    put_in_place(a, pb, tb);
    put_in_place(b, pa, ta);
    a->site = b->site;
    a->conf = b->conf;
    a->plugin = b->plugin;
    a->file = b->file;
    a->mark = b->mark;
    a->number = b->number;
    a->state = b->state;
    lintel_supervise_forgive(&a->life); /* of other code */
    lintel_copy(a->isolation, sizeof a->isolation, b->isolation);
    lintel_copy(a->version, sizeof a->version, b->version);
    a->reason[0] = '\0'; /* it was the other one's */
    b->site = was.site;
    b->conf = was.conf;
    b->plugin = was.plugin;
    b->file = was.file;
    b->mark = was.mark;
    b->number = was.number;
    b->state = was.state;
    lintel_copy(b->isolation, sizeof b->isolation, was.isolation);
    lintel_copy(b->version, sizeof b->version, was.version);
    port_rows(a);
    port_rows(b);
}

void
lintel_plug_stop_bus(struct lintel_plug *p, struct lintel_instance *i, void (*then)(void *ctx),
                     void *ctx)
{
    if (i->state == INSTANCE_STOPPING)
        return;
    if (i->swap != NULL)
        swap_cancel(i);
    i->then = then;
    i->then_ctx = ctx;
    begin_stopping(i);
    lintel_engine_remove_bus(p->engine, i->bus);
    i->bus = NULL;
    instance_end(&i, 1);
}

static void
on_timer(void *arg)
{
    struct lintel_instance *i = arg;
    if ((i->state == INSTANCE_ENDING || i->state == INSTANCE_STOPPING) && !i->asked &&
        instance_is_up(i)) {
        send_close(i);
        return;
    }
    switch (i->state) {
    case INSTANCE_STARTING: look_at_start(i); break;
    case INSTANCE_BACKOFF: try_again(i); break;
    case INSTANCE_ENDING: does_not_end(i); break;
    case INSTANCE_STOPPING:
        if (i->thread != NULL && instance_thread_has_closed(i->thread)) {
            instance_closed(i);
        } else if (i->thread != NULL) {
            leave_thread_behind(i);
        } else {
            lintel_log(LINTEL_LOG_ERROR, i->conf->name,
                       "the plugin does not end within 5 s; its "
                       "process is killed");
            lintel_child_kill_late(process_child(i->process),
                                   "a bus in the same process did not end");
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
        lintel_plug_stop_transport(p, p->transports, NULL, NULL);
    for (uint32_t k = p->n; k-- > 0;)
        if (k < p->n && p->instances[k]->bus != NULL)
            lintel_plug_stop_bus(p, p->instances[k], NULL, NULL);
    lintel_loop_until(p->loop, all_ended, p, STOP_MOST + LINTEL_SECOND);
    while (p->processes != NULL) { /* on a loop whose time stands still */
        process_kill(p->processes);
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
    static const char *const states[] = {"starting", "running", "back-off", "ending",
                                         "stopping", "failed",  "reloading"};
    lintel_mono now = lintel_loop_now(i->plug->loop);
    int waits = i->state == INSTANCE_BACKOFF, shared = i->process != NULL;
    int alarm = waits && (i->life.alarm != 0 || (shared && process_life(i->process)->alarm != 0));
    int floods = i->flooded_at != 0 && now - i->flooded_at < FLOOD_TOLD;
    *ret = (struct lintel_instance_stats){
        .name = i->conf->name,
        .plugin = i->plugin->name,
        .version = i->version[0] != '\0' ? i->version : i->plugin->version,
        .isolation = i->isolation,
        .cage = shared ? lintel_child_cage(process_child(i->process)) : "",
        .pid = shared ? lintel_child_pid(process_child(i->process)) : 0,
        .restarts = i->restarts + (shared ? lintel_child_restarts(process_child(i->process)) : 0),
        .state = i->swap != NULL ? "reloading"
                 : alarm         ? "alarm"
                                 : states[i->state],
        .file = i->file,
        .mark = i->mark,
        .aside = i->bus == NULL,
        .reason = i->reason,
        .next_try = waits && i->next_try > now ? i->next_try - now : 0,
        .misbehaved = i->misbehaved,
        .dropped = i->dropped,
        .replaced = i->replaced,
        .floods = floods,
        .late = i->late};
}

const lintel_plugin *
lintel_instance_plugin(const struct lintel_instance *i)
{
    return i->plugin;
}

int
lintel_plug_together(const struct lintel_instance *a, const struct lintel_instance *b)
{
    return a == b || (a->process != NULL && a->process == b->process);
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
