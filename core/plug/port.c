/* SPDX-License-Identifier: Apache-2.0
 * An instance's side towards the engine: ops out, completions and values in. What comes from an
 * instance is believed only as far as it was asked for. */
#include <string.h>

#include "core/base/log.h"
#include "core/bind/field.h"
#include "core/bind/tables.h"
#include "core/plug/instance_priv.h"

#define GRACE LINTEL_SECOND /* after a deadline, for what is on its way */
#define STUCK_MOST                                                                                 \
    (10 * LINTEL_SECOND) /* nothing completed for so long, with requests overdue: it hangs */
#define CALL_MOST (30 * LINTEL_SECOND)  /* for a call of the plugin to return */
#define LOG_WINDOW (10 * LINTEL_SECOND) /* of one complaint */
enum {
    OPS_MOST = 1 << 16,
    REQUESTS_QUEUED_MOST =
        8 * 1024 * 1024, /* bytes that wait for a child before requests are refused */
    FLOOD_RATE = 100000  /* values in a second; real buses are far below it */
};

/* ---- the instance's log ---------------------------------------------------------------------- */

void
port_log(struct lintel_instance *i, int32_t level, const char *line)
{
    lintel_gate_log(&i->log_gate, lintel_loop_now(i->plug->loop), i->conf, level, line);
}

/* The same complaint again and again is one line, and later one with a count. */
static void
complain(struct lintel_instance *i, int32_t level, const char *line)
{
    char more[LINTEL_WIRE_TEXT + 128];
    lintel_mono now = lintel_loop_now(i->plug->loop);
    int same = strcmp(line, i->complaint) == 0;
    if (same && now - i->complained_at < LOG_WINDOW) {
        i->complaints++;
        return;
    }
    lintel_format(more, sizeof more, "%s (and %u times more since it was last said)", line,
                  i->complaints);
    port_log(i, level, same && i->complaints != 0 ? more : line);
    lintel_copy(i->complaint, sizeof i->complaint, line);
    i->complained_at = now;
    i->complaints = 0;
}

/* A breach of the contract that hurts nobody: counted. */
static void
misbehaving(struct lintel_instance *i, const char *what)
{
    char line[LINTEL_WIRE_TEXT + 64];
    i->misbehaved++;
    lintel_format(line, sizeof line, "PLUGIN MISBEHAVING: %s %s", i->plugin->name, what);
    complain(i, LINTEL_LOG_ERROR, line);
}

/* A breach after which nothing that it says can be believed: ended, and started again. */
static void
lied(struct lintel_instance *i, const char *what)
{
    char reason[LINTEL_WIRE_TEXT + 64];
    i->misbehaved++;
    lintel_format(reason, sizeof reason, "its plugin %s", what);
    i->liar = 1;
    instance_breaks(i, reason);
}

/* ---- ops ------------------------------------------------------------------------------------- */

static uint64_t
ticket_of(const struct open_op *o)
{
    return (uint64_t)o->serial << 16 | o->index;
}

static struct open_op *
find_op(struct lintel_instance *i, uint64_t ticket)
{
    uint32_t index = ticket & 0xffff;
    struct open_op *o = index < i->nops ? i->ops[index] : NULL;
    return o != NULL && o->op != NULL && ticket_of(o) == ticket ? o : NULL;
}

static struct open_op *
take_op(struct lintel_instance *i)
{
    struct open_op *o = i->free_op;
    if (o != NULL) {
        i->free_op = o->next_free;
    } else {
        if (i->nops == OPS_MOST || (o = lintel_alloc(sizeof *o)) == NULL)
            return NULL;
        struct open_op **ops = lintel_grow(i->ops, i->nops + 1, sizeof(*ops));
        if (ops == NULL) {
            lintel_free(o);
            return NULL;
        }
        i->ops = ops;
        o->instance = i;
        o->index = i->nops;
        i->ops[i->nops++] = o;
    }
    o->serial = ++i->serial;
    i->nopen++;
    return o;
}

static struct lintel_op *
give_op(struct open_op *o)
{
    struct lintel_op *op = o->op;
    lintel_timer_stop(o->instance->plug->loop, &o->timer);
    o->op = NULL;
    o->instance->nopen--;
    o->next_free = o->instance->free_op;
    o->instance->free_op = o;
    return op;
}

/* The plugin has missed the deadline by far: the engine gets its answer from here. Whatever comes
 * later for this ticket is dropped. */
static void
on_overdue(void *arg)
{
    struct open_op *o = arg;
    struct lintel_instance *i = o->instance;
    lintel_mono now = lintel_loop_now(i->plug->loop);
    i->late++;
    if (i->stuck_since == 0)
        i->stuck_since = now;
    struct lintel_op *op = give_op(o);
    lintel_engine_complete(i->plug->engine, i->bus, op, LINTEL_E_TIMEOUT, NULL, 0);
    if (i->swap != NULL)
        swap_drained(i);
    port_watch(i);
}

void
port_watch(struct lintel_instance *i)
{
    static const char stuck[] =
        "it hangs: no request was completed for more than 10 s after a deadline";
    if (i->state == INSTANCE_RUNNING && i->stuck_since != 0 &&
        lintel_loop_now(i->plug->loop) - i->stuck_since >= STUCK_MOST) {
        i->stuck_since = 0;
        instance_hangs(i, stuck);
    }
    if (i->not_told) /* it would go on with what is gone, under a number that is given anew */
        instance_breaks(i, "it could not be told of a change: out of memory");
}

static int
port_submit(void *ctx, struct lintel_op *op)
{
    struct lintel_instance *i = ctx;
    static const enum lintel_wire_op ops[] = {[LINTEL_OP_READ] = LINTEL_WIRE_READ,
                                              [LINTEL_OP_WRITE] = LINTEL_WIRE_WRITE,
                                              [LINTEL_OP_INVOKE] = LINTEL_WIRE_INVOKE,
                                              [LINTEL_OP_SUBSCRIBE] = LINTEL_WIRE_SUBSCRIBE};
    if (i->state != INSTANCE_RUNNING || op->n > LINTEL_WIRE_BATCH_MOST ||
        instance_queued(i) > REQUESTS_QUEUED_MOST)
        return -1;
    struct open_op *o = take_op(i);
    if (o == NULL)
        return -1;
    o->op = op;
    struct lintel_buf *b = &i->plug->out;
    lintel_buf_reset(b);
    lintel_wire_request(
        b, &(struct lintel_wire_down){.instance = i->number,
                                      .ticket = ticket_of(o),
                                      .op = ops[op->kind],
                                      .within = op->deadline - lintel_loop_now(i->plug->loop),
                                      .batch = op->batch,
                                      .priority = op->priority,
                                      .n = op->n,
                                      .slots = op->slots,
                                      .values = op->values});
    if (lintel_timer_at(i->plug->loop, &o->timer, op->deadline + GRACE, on_overdue, o) != 0 ||
        instance_send(i, b, 1) != 0) {
        give_op(o);
        return -1;
    }
    op->port_data = o;
    return 0;
}

static void
port_cancel(void *ctx, struct lintel_op *op)
{
    struct lintel_instance *i = ctx;
    struct open_op *o = op->port_data;
    if (o == NULL || o->op != op)
        return;
    lintel_buf_reset(&i->plug->out);
    lintel_wire_short(&i->plug->out, i->number, LINTEL_WIRE_CANCEL, ticket_of(o));
    instance_send(i, &i->plug->out, 0); /* if it can't be told, the deadline ends it */
}

/* ---- devices and points ---------------------------------------------------------------------- */

static int
send_short(struct lintel_instance *i, enum lintel_wire_kind kind, uint32_t id)
{
    if (i->state != INSTANCE_RUNNING)
        return 0; /* nobody is there; all is told again when somebody is */
    lintel_buf_reset(&i->plug->out);
    lintel_wire_short(&i->plug->out, i->number, kind, id);
    return instance_send(i, &i->plug->out, 1);
}

static int
port_attach(void *ctx, uint32_t device, const struct lintel_thing *t)
{
    struct lintel_instance *i = ctx;
    if (i->state != INSTANCE_RUNNING)
        return 0;
    if (device >= LINTEL_WIRE_POINTS_MOST || lintel_slots_need(&i->devices, device) != 0)
        return -1;
    lintel_buf_reset(&i->plug->out);
    lintel_wire_attach(&i->plug->out, i->number, device, t->id, t->settings, i->ndevice);
    if (instance_send(i, &i->plug->out, 1) != 0)
        return -1;
    lintel_slots_bind(&i->devices, device);
    return 0;
}

static void
port_detach(void *ctx, uint32_t device)
{
    struct lintel_instance *i = ctx;
    if (i->state != INSTANCE_RUNNING || device >= i->devices.n)
        return;
    lintel_slots_unbind(&i->devices, device);
    if (send_short(i, LINTEL_WIRE_DETACH, device) != 0)
        i->not_told = 1;
}

static int
port_bind(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *bound,
          const char *name)
{
    struct lintel_instance *i = ctx;
    if (i->state != INSTANCE_RUNNING)
        return 0;
    if (slot >= LINTEL_WIRE_POINTS_MOST || lintel_slots_need(&i->points, slot) != 0)
        return -1;
    const struct lintel_codec *read = bound->read.codec, *write = bound->write.codec;
    lintel_buf_reset(&i->plug->out);
    lintel_wire_bind(&i->plug->out,
                     &(struct lintel_wire_down){
                         .instance = i->number,
                         .id = slot,
                         .device = device,
                         .point_kind = bound->affordance->kind,
                         .flags = bound->flags,
                         .wire_bytes = read != NULL ? lintel_codec_wire_bytes(read) : 0,
                         .write_wire_bytes = write != NULL ? lintel_codec_wire_bytes(write) : 0,
                         .name = name},
                     bound->read.addr, bound->write.addr, i->naddress);
    if (instance_send(i, &i->plug->out, 1) != 0)
        return -1;
    lintel_slots_bind(&i->points, slot);
    return 0;
}

static void
port_unbind(void *ctx, uint32_t slot)
{
    struct lintel_instance *i = ctx;
    if (i->state != INSTANCE_RUNNING || slot >= i->points.n)
        return;
    lintel_slots_unbind(&i->points, slot);
    if (send_short(i, LINTEL_WIRE_UNBIND, slot) != 0)
        i->not_told = 1;
}

void
port_rows(struct lintel_instance *i)
{
    i->nsettings = lintel_fields_count(i->plugin->bus);
    i->ndevice = lintel_fields_count(i->plugin->device);
    i->naddress = lintel_fields_count(i->plugin->address);
}

struct lintel_bus_port
port_of(struct lintel_instance *i)
{
    return (struct lintel_bus_port){.ctx = i,
                                    .attach = port_attach,
                                    .detach = port_detach,
                                    .bind = port_bind,
                                    .unbind = port_unbind,
                                    .submit = port_submit,
                                    .cancel = port_cancel};
}

void
port_open(struct lintel_instance *i, struct lintel_buf *b)
{
    uint8_t tables[LINTEL_TABLES];
    /* Without memory it is not proved that the file is still the one that was read. */
    struct lintel_str digest = {(const char *)tables, 0};
    if (lintel_plugin_tables(i->plugin, tables) == 0)
        digest.n = sizeof tables;
    lintel_wire_open(b,
                     &(struct lintel_wire_down){.instance = i->number,
                                                .name = i->conf->name,
                                                .plugin = i->plugin->name,
                                                .file = i->file,
                                                .log = lintel_gate_level(i->conf),
                                                .tables = digest},
                     i->conf->settings, i->nsettings);
}

/* ---- from the instance ----------------------------------------------------------------------- */

/* Keeps the samples of points that are bound; with `asked`, those of points that were asked for,
 * each once. Returns how many those are. What is of the past goes in silence, the rest is counted.
 */
static uint32_t
sift(struct lintel_instance *i, lintel_sample *s, uint32_t n, int asked, uint32_t *ret_strangers)
{
    uint32_t kept = 0, strangers = 0;
    for (uint32_t k = 0; k < n; k++) {
        enum lintel_slot_is is = lintel_slots_look(&i->points, s[k].point);
        int good = is == LINTEL_SLOT_BOUND && (!asked || lintel_slots_take(&i->points, s[k].point));
        if (good && kept != k)
            s[kept] = s[k];
        kept += good ? 1 : 0;
        strangers += !good && is != LINTEL_SLOT_PAST ? 1 : 0;
    }
    *ret_strangers = strangers;
    i->dropped += strangers;
    return kept;
}

static void
on_done(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    struct open_op *o = find_op(i, m->ticket);
    i->stuck_since = 0;
    if (o == NULL)
        return; /* ended by its deadline already, and counted there */
    struct lintel_op *op = give_op(o);
    if (m->status != LINTEL_OK) {
        lintel_engine_complete(i->plug->engine, i->bus, op, m->status, NULL, 0);
        return;
    }
    lintel_sample *samples = i->plug->scratch.samples;
    uint32_t strangers;
    lintel_slots_ask(&i->points, op->slots, op->n);
    uint32_t n = sift(i, samples, m->n, 1, &strangers);
    if (strangers == 0)
        lintel_engine_complete(i->plug->engine, i->bus, op, LINTEL_OK, samples, n);
    else
        lied(i, "answered for points that it was not asked for"); /* ends the op, too */
}

/* Each turn of the loop takes a bounded piece of what a child sends, so nobody starves; but it is
 * said. */
static void
watch_rate(struct lintel_instance *i, uint32_t n)
{
    lintel_mono now = lintel_loop_now(i->plug->loop);
    if (now - i->rate_since >= LINTEL_SECOND) {
        i->rate_since = now;
        i->rate = 0;
    }
    uint64_t before = i->rate;
    i->rate += n;
    if (before > FLOOD_RATE || i->rate <= FLOOD_RATE)
        return;
    i->flooded_at = now;
    complain(i, LINTEL_LOG_WARN, "the plugin floods: more than 100,000 values in a second");
}

static void
on_publish(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    watch_rate(i, m->n);
    lintel_sample *samples = i->plug->scratch.samples;
    uint32_t strangers, n = sift(i, samples, m->n, 0, &strangers);
    if (strangers != 0)
        lied(i, "published values of points that it does not have");
    else if (n > 0 && i->state == INSTANCE_RUNNING)
        lintel_engine_publish(i->plug->engine, i->bus, samples, n);
}

static void
on_opened(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    i->mark = m->ticket;
    lintel_copy(i->version, sizeof i->version, m->text);
    if (i->state == INSTANCE_CREATING)
        swap_opened(i);
}

/* What one says that the engine does not know yet. */
static int
frame_aside(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    switch (m->kind) {
    case LINTEL_WIRE_OPENED: on_opened(i, m); break;
    case LINTEL_WIRE_REFUSED: instance_refused(i, m->status, m->text); break;
    case LINTEL_WIRE_LOG: port_log(i, m->level, m->text); break;
    case LINTEL_WIRE_MISBEHAVING: misbehaving(i, m->text); break;
    default: break; /* create() must call nothing else of the host */
    }
    return 0;
}

static void
on_misbehaving(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    if (m->level > LINTEL_LOG_ERROR)
        misbehaving(i, m->text);
    else
        lied(i, m->text);
}

void
port_call(struct lintel_instance *i, uint64_t call, const char *name, int request)
{
    char reason[LINTEL_WIRE_TEXT + 64];
    lintel_mono now = lintel_loop_now(i->plug->loop);
    /* The deadlines of requests rule, however long they are. */
    if (call != i->call || i->call_since == 0 || (request && i->nopen != 0)) {
        i->call = call;
        i->call_since = now;
        return;
    }
    if (now - i->call_since < CALL_MOST)
        return;
    lintel_format(reason, sizeof reason, "it hangs: %s has not returned for %d s", name,
                  (int)(CALL_MOST / LINTEL_SECOND));
    i->call_since = now;
    instance_hangs(i, reason);
}

static void
on_flood(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    i->replaced += m->ticket;
    i->dropped += m->id;
    i->flooded_at = lintel_loop_now(i->plug->loop);
    complain(i, LINTEL_LOG_WARN,
             "the plugin publishes faster than the hub can take: older values are replaced by "
             "newer ones");
}

/* What an instance says that the engine knows no more, or not yet again. */
static void
late_frame(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    switch (m->kind) {
    case LINTEL_WIRE_CLOSED: instance_closed(i); break;
    case LINTEL_WIRE_LOG: port_log(i, m->level, m->text); break;
    case LINTEL_WIRE_MISBEHAVING:
        if (i->state == INSTANCE_ENDING)
            i->misbehaved++; /* why it ends was said */
        else
            misbehaving(i, m->text);
        break;
    default: break;
    }
}

static int
on_unbound(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    return lintel_slots_unbound(m->level == LINTEL_WIRE_POINT ? &i->points : &i->devices, m->id);
}

int
port_frame(struct lintel_instance *i, const unsigned char *data, size_t n)
{
    struct lintel_plug *p = i->plug;
    struct lintel_wire_up m;
    int tapped = tap_frame(i, data, n);
    if (tapped >= 0)
        return tapped;
    if (lintel_wire_read_up(data, n, &p->scratch, &m) != 0)
        return -1;
    if (i->state == INSTANCE_CREATING)
        return frame_aside(i, &m);
    if (i->state != INSTANCE_STARTING && i->state != INSTANCE_RUNNING) {
        late_frame(i, &m);
        return 0;
    }
    switch (m.kind) {
    case LINTEL_WIRE_OPENED: on_opened(i, &m); break;
    case LINTEL_WIRE_READY: instance_ready(i, m.text); break;
    case LINTEL_WIRE_REFUSED: instance_refused(i, m.status, m.text); break;
    case LINTEL_WIRE_REFUSED_DEVICE:
        if (lintel_slots_look(&i->devices, m.id) == LINTEL_SLOT_BOUND)
            lintel_engine_refused_device(p->engine, i->bus, m.id, m.status, m.text);
        break;
    case LINTEL_WIRE_REFUSED_POINT:
        if (lintel_slots_look(&i->points, m.id) == LINTEL_SLOT_BOUND)
            lintel_engine_refused_point(p->engine, i->bus, m.id, m.status, m.text);
        break;
    case LINTEL_WIRE_DONE:
        on_done(i, &m);
        if (i->swap != NULL)
            swap_drained(i);
        break;
    case LINTEL_WIRE_PUBLISH: on_publish(i, &m); break;
    case LINTEL_WIRE_LINK: lintel_engine_link(p->engine, i->bus, m.status, m.text); break;
    case LINTEL_WIRE_DEVICE:
        if (lintel_slots_look(&i->devices, m.id) == LINTEL_SLOT_BOUND)
            lintel_engine_device(p->engine, i->bus, m.id, m.status, m.text);
        break;
    case LINTEL_WIRE_LOG: port_log(i, m.level, m.text); break;
    case LINTEL_WIRE_MISBEHAVING: on_misbehaving(i, &m); break;
    case LINTEL_WIRE_UNBOUND: return on_unbound(i, &m);
    case LINTEL_WIRE_PONG: port_call(i, m.ticket, m.text, m.level); break;
    case LINTEL_WIRE_FLOOD: on_flood(i, &m); break;
    default: return -1;
    }
    return 0;
}

int
port_has_ops(const struct lintel_instance *i)
{
    return i->nopen != 0;
}

void
port_end_ops(struct lintel_instance *i)
{
    for (uint32_t k = 0; k < i->nops; k++)
        if (i->ops[k]->op != NULL)
            lintel_engine_complete(i->plug->engine, i->bus, give_op(i->ops[k]), LINTEL_E_CANCELLED,
                                   NULL, 0);
}

void
port_reset(struct lintel_instance *i)
{
    for (uint32_t k = 0; k < i->nops; k++)
        if (i->ops[k]->op != NULL)
            give_op(i->ops[k]);
    lintel_slots_reset(&i->points);
    lintel_slots_reset(&i->devices);
    i->stuck_since = i->call_since = 0;
    i->not_told = 0;
}

void
port_fini(struct lintel_instance *i)
{
    for (uint32_t k = 0; k < i->nops; k++) {
        lintel_timer_stop(i->plug->loop, &i->ops[k]->timer);
        lintel_free(i->ops[k]);
    }
    lintel_free(i->ops);
    lintel_slots_fini(&i->points);
    lintel_slots_fini(&i->devices);
    tap_fini(i);
}
