/* SPDX-License-Identifier: Apache-2.0
 * A transport in a child, the hub's end: it is opened, spoken to, watched, and opened again after
 * its death. See core/plug/transport_priv.h. */
#include <string.h>

#include "core/base/log.h"
#include "core/bind/field.h"
#include "core/plug/process.h"
#include "core/plug/transport_priv.h"

#define START_MOST (30 * LINTEL_SECOND) /* for start() to return */
#define STOP_MOST (5 * LINTEL_SECOND)
enum { BIRTHS_MOST = 3 }; /* of a child, until a first start that did not come counts as failed */
#define BEAT (5 * LINTEL_SECOND) /* twice so long without a sign of life, and it hangs */
enum {
    QUEUE_MOST = 4 * 1024 * 1024
}; /* bytes that wait for the child before requests are refused */

static void on_timer(void *arg);
static void on_beat(void *arg);

static void
log_line(struct carried *c, int32_t level, const char *line)
{
    lintel_gate_log(&c->t->log_gate, lintel_loop_now(c->t->plug->loop), c->t->conf, level, line);
}

void
carried_misbehaving(struct carried *c, const char *what)
{
    char line[LINTEL_WIRE_TEXT + 64];
    c->t->misbehaved++;
    lintel_format(line, sizeof line, "PLUGIN MISBEHAVING: %s %s", c->t->conf->plugin->name, what);
    log_line(c, LINTEL_LOG_ERROR, line);
}

static void
set_timer(struct carried *c, int64_t in)
{
    struct lintel_loop *l = c->t->plug->loop;
    if (lintel_timer_at(l, &c->timer, lintel_loop_now(l) + in, on_timer, c) != 0)
        lintel_log(LINTEL_LOG_ERROR, c->t->conf->name,
                   "out of memory: the transport is not watched over");
}

static void
set_beat(struct carried *c, int64_t in)
{
    struct lintel_loop *l = c->t->plug->loop;
    if (lintel_timer_at(l, &c->beat, lintel_loop_now(l) + in, on_beat, c) != 0)
        lintel_log(LINTEL_LOG_ERROR, c->t->conf->name,
                   "out of memory: the transport is not watched over");
}

static struct lintel_child *
child_of(const struct carried *c)
{
    return process_child(c->process);
}

/* What counts its refused starts: others in its child have no part in them. */
static struct lintel_supervise *
life_of(struct carried *c)
{
    return process_is_shared(c->process) ? &c->life : process_life(c->process);
}

static int
is_running(const struct carried *c)
{
    return c->t->state == LINTEL_TRANSPORT_RUNNING && !c->t->stopping;
}

int
carried_send(struct carried *c, const struct lintel_tw *m)
{
    struct lintel_tw out = *m;
    out.instance = c->number;
    lintel_buf_reset(&c->out);
    lintel_tw_write(&c->out, &out);
    return c->out.failed ? -1 : lintel_child_send(child_of(c), &c->out, 1);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What the site allows it to say of its clients: that a listener is open to everybody only with the
 * setting `unprotected`, that they are authenticated only where something is there to prove it by.
 */
static void
read_trust(struct carried *c)
{
    const struct lintel_port *conf = c->t->conf;
    const lintel_field *table = conf->plugin->bus;
    c->may_open = 0;
    c->may_secure = 0; /* else judged by the site's keys */
    for (uint32_t i = 0; i < lintel_fields_count(table); i++) {
        const lintel_value *v = &conf->settings[i];
        if (strcmp(table[i].name, "unprotected") == 0 && v->type == LINTEL_T_BOOL)
            c->may_open = v->as.i != 0;
        if (table[i].flags & LINTEL_F_SECRET && v->type != LINTEL_T_NULL)
            c->may_secure = 1;
    }
}

static void refused(struct carried *c, lintel_status st, const char *text);

static void
open_it(struct carried *c)
{
    const struct lintel_port *conf = c->t->conf;
    c->t->state = LINTEL_TRANSPORT_STARTING;
    c->birth++;
    read_trust(c);
    lintel_buf_reset(&c->out);
    lintel_tw_open(&c->out,
                   &(struct lintel_tw){.instance = c->number,
                                       .kind = LINTEL_TW_OPEN,
                                       .name = conf->name,
                                       .text = conf->plugin->name,
                                       .file = conf->plugin_file,
                                       .log = lintel_gate_level(conf)},
                   conf->settings, lintel_fields_count(conf->plugin->bus));
    if (c->out.failed || lintel_child_send(child_of(c), &c->out, 0) != 0)
        refused(c, LINTEL_E_NOMEM, "out of memory");
    else
        set_timer(c, START_MOST);
}

static void
changed(struct carried *c)
{
    if (c->t->tree.changed != NULL)
        c->t->tree.changed(c->t->tree.ctx, c->t);
}

static void
ready(struct carried *c, const struct lintel_wire_up *m)
{
    if (c->t->state != LINTEL_TRANSPORT_STARTING)
        return;
    lintel_timer_stop(c->t->plug->loop, &c->timer);
    c->t->state = LINTEL_TRANSPORT_RUNNING;
    c->insist = 1;
    lintel_supervise_ready(life_of(c), lintel_loop_now(c->t->plug->loop));
    c->has = m->id;
    c->pinged = c->ponged = 0;
    c->overdue = 0;
    set_beat(c, BEAT);
    lintel_log(LINTEL_LOG_INFO, c->t->conf->name, "transport %s %s runs (isolation: %s)",
               c->t->conf->plugin->name, m->text, c->t->isolation);
    changed(c);
}

/* create() or start() said no. The first time whoever gave the site is told; later it may pass: the
 * same settings were good once. */
static void
refused(struct carried *c, lintel_status st, const char *text)
{
    struct lintel_transport_instance *t = c->t;
    if (t->state != LINTEL_TRANSPORT_STARTING)
        return;
    lintel_copy(t->reason, sizeof t->reason, text);
    lintel_timer_stop(t->plug->loop, &c->timer);
    if (c->insist) {
        lintel_mono now = lintel_loop_now(t->plug->loop);
        int64_t wait = st == LINTEL_E_NOMEM ? lintel_supervise_short(life_of(c), now)
                                            : lintel_supervise_ended(life_of(c), now);
        t->state = LINTEL_TRANSPORT_BACKOFF;
        set_timer(c, wait);
        lintel_log(LINTEL_LOG_ERROR, t->conf->name,
                   "the transport could not start: %s; next try in %.1f s", text,
                   (double)wait / 1e9);
    } else {
        t->state = LINTEL_TRANSPORT_FAILED;
        lintel_log(LINTEL_LOG_ERROR, t->conf->name, "the transport could not start: %s", text);
    }
    open_clear(c);
    changed(c);
}

/* ---- life and death -------------------------------------------------------------------------- */

lintel_status
transport_start_child(struct lintel_transport_instance *t)
{
    struct carried *c = lintel_alloc(sizeof *c);
    if (c != NULL) {
        c->t = t;
        c->number = ++t->plug->last_number;
        c->life.random = plug_random(t->plug);
        c->keys_at = lintel_loop_now(t->plug->loop);
        c->keys_left = CARRIED_KEYS;
    }
    if (c == NULL ||
        process_add_transport(t->plug, t->conf, c, t->isolation, sizeof t->isolation) != 0) {
        lintel_free(c);
        lintel_copy(t->reason, sizeof t->reason, "out of memory");
        return LINTEL_E_NOMEM;
    }
    t->carried = c;
    if (lintel_child_is_up(child_of(c)))
        open_it(c);
    return LINTEL_OK;
}

/* Its child has let go of it. */
static void
finish(struct carried *c)
{
    struct lintel_transport_instance *t = c->t;
    lintel_timer_stop(t->plug->loop, &c->timer);
    lintel_timer_stop(t->plug->loop, &c->beat);
    open_fini(c);
    process_remove_transport(c);
    lintel_buf_fini(&c->out);
    lintel_free(c);
    t->carried = NULL;
    transport_ended(t);
}

static void
carried_stop(struct lintel_transport_instance *t)
{
    struct carried *c = t->carried;
    struct lintel_buf b = {0};
    lintel_timer_stop(t->plug->loop, &c->timer);
    lintel_timer_stop(t->plug->loop, &c->beat);
    open_clear(c);
    if (process_end(c->process))
        return;
    if (lintel_child_is_dying(child_of(c)))
        return; /* carried_gone() finishes it */
    if (!lintel_child_is_up(child_of(c))) {
        finish(c); /* nothing is there to stop */
        return;
    }
    set_timer(c, STOP_MOST);
    lintel_wire_short(&b, c->number, LINTEL_WIRE_CLOSE, 0);
    lintel_child_send(child_of(c), &b, 0); /* else the timer ends it */
    lintel_buf_fini(&b);
}

static void
on_timer(void *arg)
{
    struct carried *c = arg;
    if (c->t->stopping) {
        log_line(c, LINTEL_LOG_ERROR,
                 "the transport does not end within 5 s; its process is killed");
        lintel_child_kill_late(child_of(c), "a transport in it did not end");
    } else if (c->t->state == LINTEL_TRANSPORT_STARTING) {
        lintel_child_kill_late(child_of(c), "start() did not return within 30 s");
    } else if (c->t->state == LINTEL_TRANSPORT_BACKOFF && lintel_child_is_up(child_of(c))) {
        open_it(c);
    }
}

/* One look more before it is judged: after a pause of the whole machine its word may wait here. */
static void
on_beat(void *arg)
{
    struct carried *c = arg;
    if (c->pinged != c->ponged && c->overdue) {
        lintel_child_kill_late(child_of(c), "it hangs: no sign of life for 10 s");
        set_beat(c, BEAT); /* if it is debugged */
        return;
    }
    if (c->pinged != c->ponged) {
        c->overdue = 1;
        set_beat(c, BEAT);
        return;
    }
    if (carried_send(c, &(struct lintel_tw){.kind = LINTEL_TW_PING, .ticket = c->pinged + 1}) == 0)
        c->pinged++;
    set_beat(c, BEAT);
}

void
carried_up(struct carried *list)
{
    for (struct carried *c = list, *next; c != NULL; c = next) {
        next = c->next;
        if (!c->t->stopping &&
            (c->t->state == LINTEL_TRANSPORT_STARTING || c->t->state == LINTEL_TRANSPORT_BACKOFF))
            open_it(c);
    }
}

void
carried_gone(struct carried *list, const char *reason, int64_t wait)
{
    for (struct carried *c = list, *next; c != NULL; c = next) {
        struct lintel_transport_instance *t = c->t;
        next = c->next;
        lintel_timer_stop(t->plug->loop, &c->timer);
        lintel_timer_stop(t->plug->loop, &c->beat);
        if (t->stopping) {
            finish(c);
            continue;
        }
        if (t->state == LINTEL_TRANSPORT_FAILED)
            continue;
        lintel_copy(t->reason, sizeof t->reason, reason);
        /* A child that ends before it was told anything does so for others that live in it. */
        if (!c->insist && c->birth == 0 && ++c->births < BIRTHS_MOST)
            continue;
        t->state = c->insist ? LINTEL_TRANSPORT_BACKOFF : LINTEL_TRANSPORT_FAILED;
        if (c->insist)
            lintel_log(LINTEL_LOG_ERROR, t->conf->name,
                       "the transport is gone: %s; it starts again in %.1f s", reason,
                       (double)wait / 1e9);
        else
            lintel_log(LINTEL_LOG_ERROR, t->conf->name, "the transport could not start: %s",
                       reason);
        open_clear(c);
        changed(c);
    }
}

void
carried_ended(struct carried *list)
{
    for (struct carried *c = list, *next; c != NULL; c = next) {
        next = c->next;
        finish(c);
    }
}

int
carried_stays(const struct carried *list)
{
    for (const struct carried *c = list; c != NULL; c = c->next)
        if (!c->t->stopping)
            return 1;
    return 0;
}

/* ---- from the child -------------------------------------------------------------------------- */

static int
on_tw(struct carried *c, const unsigned char *data, size_t n)
{
    struct lintel_tw m;
    if (lintel_tw_read_up(data, n, &c->scratch, &m) != 0)
        return -1;
    /* Whatever it says is a sign of life: the ping may stand behind thousands of things. */
    c->overdue = 0;
    if (m.kind == LINTEL_TW_PONG && m.ticket == c->pinged)
        c->ponged = c->pinged;
    /* start() may already ask, mount and submit; what comes from one that has ended is too late. */
    if (c->t->stopping ||
        (c->t->state != LINTEL_TRANSPORT_STARTING && c->t->state != LINTEL_TRANSPORT_RUNNING))
        return 0;
    switch (m.kind) {
    case LINTEL_TW_SUBMIT: return open_submit(c, &m);
    case LINTEL_TW_ABANDON: open_abandon(c, m.ticket); break;
    case LINTEL_TW_REPLY: open_reply(c, &m); break;
    case LINTEL_TW_RESOURCE_ANSWER:
        c->t->tree.resource_answer(c->t->tree.ctx, c->t, m.ticket, &m.a);
        break;
    case LINTEL_TW_THING_BASE: open_base(c, &m); break;
    case LINTEL_TW_DERIVE: open_derive(c, &m); break;
    case LINTEL_TW_PSK: open_psk(c, &m); break;
    case LINTEL_TW_MOUNT: open_mount(c, &m); break;
    default: break;
    }
    return 0;
}

static int
on_frame(struct carried *c, const unsigned char *data, size_t n)
{
    struct lintel_transport_instance *t = c->t;
    uint32_t number;
    enum lintel_wire_kind kind;
    struct lintel_wire_up m;
    if (lintel_wire_peek(data, n, &number, &kind) != 0)
        return -1;
    if ((uint32_t)kind >= LINTEL_TW_SUBMIT)
        return on_tw(c, data, n);
    if (kind == LINTEL_WIRE_DONE || kind == LINTEL_WIRE_PUBLISH ||
        lintel_wire_read_up(data, n, &t->plug->scratch, &m) != 0)
        return -1;
    switch (m.kind) {
    case LINTEL_WIRE_READY: ready(c, &m); break;
    case LINTEL_WIRE_REFUSED: refused(c, m.status, m.text); break;
    case LINTEL_WIRE_LOG: log_line(c, m.level, m.text); break;
    case LINTEL_WIRE_MISBEHAVING: carried_misbehaving(c, m.text); break;
    case LINTEL_WIRE_LINK: {
        char line[LINTEL_WIRE_TEXT + 32];
        lintel_format(line, sizeof line, "%s%s%s",
                      m.status == LINTEL_OK ? "connected" : "not connected",
                      m.text[0] != '\0' ? ": " : "", m.text);
        log_line(c, m.status == LINTEL_OK ? LINTEL_LOG_INFO : LINTEL_LOG_WARN, line);
        break;
    }
    case LINTEL_WIRE_CLOSED:
        if (t->stopping)
            finish(c);
        break;
    default: return -1;
    }
    return 0;
}

int
carried_frame(struct carried *list, uint32_t number, const unsigned char *data, size_t n)
{
    for (struct carried *c = list; c != NULL; c = c->next)
        if (c->number == number)
            return on_frame(c, data, n);
    return 0;
}

/* ---- to the child ---------------------------------------------------------------------------- */

static void
carried_answer(struct lintel_transport_instance *t, void *cookie, const lintel_answer *a)
{
    (void)t;
    open_answer(cookie, a);
}

static void
carried_thing(struct lintel_transport_instance *t, const lintel_thing_info *info, int added)
{
    struct carried *c = t->carried;
    if (!is_running(c) || !(c->has & LINTEL_TW_HAS_THINGS))
        return; /* told when it runs */
    if (carried_send(c, &(struct lintel_tw){.kind = LINTEL_TW_THING,
                                            .name = info->name,
                                            .text = info->zone,
                                            .number = added != 0}) != 0)
        lintel_child_kill(child_of(c), "it does not read what it is told");
}

static int
is_full(const struct carried *c)
{
    return !is_running(c) || lintel_child_queued(child_of(c)) > QUEUE_MOST;
}

static lintel_status
carried_ask(struct lintel_transport_instance *t, const char *uri, const lintel_exchange *x,
            lintel_ticket ticket)
{
    struct carried *c = t->carried;
    struct lintel_tw m = {.kind = LINTEL_TW_SEND, .ticket = ticket, .text = uri, .x = *x};
    if (is_running(c) && !(c->has & LINTEL_TW_HAS_SEND))
        return LINTEL_E_NOTSUP;
    if (is_full(c) || c->nsends == SENDS_MOST)
        return LINTEL_E_BUSY;
    m.x.session = open_their_session(c, x->session);
    if (carried_send(c, &m) != 0)
        return LINTEL_E_FAIL;
    c->sends[c->nsends++] = ticket;
    return LINTEL_OK;
}

static void
carried_request(struct lintel_transport_instance *t, lintel_ticket ticket, const lintel_exchange *x)
{
    static const char why[] = "what serves this can't take requests now";
    struct carried *c = t->carried;
    if (!is_full(c) &&
        carried_send(
            c, &(struct lintel_tw){.kind = LINTEL_TW_REQUEST, .ticket = ticket, .x = *x}) == 0)
        return;
    t->tree.resource_answer(t->tree.ctx, t, ticket,
                            &(lintel_answer){.size = sizeof(lintel_answer),
                                             .code = LINTEL_CODE(5, 3),
                                             .format = LINTEL_FORMAT_NONE,
                                             .payload = {why, sizeof why - 1}});
}

static void
carried_abandoned(struct lintel_transport_instance *t, lintel_ticket ticket)
{
    struct carried *c = t->carried;
    if (is_running(c) && c->has & LINTEL_TW_HAS_ABANDONED)
        carried_send(c, &(struct lintel_tw){.kind = LINTEL_TW_ABANDONED, .ticket = ticket});
}

const struct transport_form transport_carried = {carried_stop, carried_answer,  carried_thing,
                                                 carried_ask,  carried_request, carried_abandoned};
