/* SPDX-License-Identifier: Apache-2.0
 * An instance's side towards the engine: ops out, completions and values in. What comes from an
 * instance is believed only as far as it was asked for. */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/instance_priv.h"

#define GRACE LINTEL_SECOND /* after a deadline, for what is on its way */
#define STUCK_MOST                                                                                 \
    (10 * LINTEL_SECOND) /* nothing completed for so long, with requests overdue: it hangs */
enum {
    OPS_MOST = 1 << 16,
    REQUESTS_QUEUED_MOST =
        8 * 1024 * 1024 /* bytes that wait for a child before requests are refused */
};

static uint32_t
rows(const lintel_field *table)
{
    uint32_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

/* ---- the instance's log ---------------------------------------------------------------------- */

void
port_log(struct lintel_instance *i, int32_t level, const char *line)
{
    lintel_gate_log(&i->log_gate, lintel_loop_now(i->plug->loop), i->conf, level, line);
}

static void
misbehaving(struct lintel_instance *i, const char *what)
{
    char line[LINTEL_WIRE_TEXT + 64];
    i->misbehaved++;
    lintel_format(line, sizeof line, "PLUGIN MISBEHAVING: %s %s", i->conf->plugin->name, what);
    port_log(i, LINTEL_LOG_ERROR, line);
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
    return o;
}

static struct lintel_op *
give_op(struct open_op *o)
{
    struct lintel_op *op = o->op;
    lintel_timer_stop(o->instance->plug->loop, &o->timer);
    o->op = NULL;
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
    int stuck = now - i->stuck_since >= STUCK_MOST;
    struct lintel_op *op = give_op(o);
    lintel_engine_complete(i->plug->engine, i->bus, op, LINTEL_E_TIMEOUT, NULL, 0);
    if (stuck && i->state == INSTANCE_RUNNING)
        instance_hangs(i);
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
        instance_send(i, b, 0) != 0) {
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
    if (device >= LINTEL_WIRE_POINTS_MOST)
        return -1;
    lintel_buf_reset(&i->plug->out);
    lintel_wire_attach(&i->plug->out, i->number, device, t->id, t->settings, i->ndevice);
    return instance_send(i, &i->plug->out, 1);
}

static void
port_detach(void *ctx, uint32_t device)
{
    send_short(ctx, LINTEL_WIRE_DETACH, device);
}

static int
need_mark(struct lintel_instance *i, uint32_t slot)
{
    if (slot < i->nmarks)
        return 0;
    uint32_t n = i->nmarks ? i->nmarks : 64;
    while (n <= slot)
        n *= 2;
    uint32_t *marks = lintel_grow(i->marks, n, sizeof *marks);
    if (marks == NULL)
        return -1;
    memset(marks + i->nmarks, 0, (n - i->nmarks) * sizeof *marks);
    i->marks = marks;
    i->nmarks = n;
    return 0;
}

static int
port_bind(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *bound,
          const char *name)
{
    struct lintel_instance *i = ctx;
    if (i->state != INSTANCE_RUNNING)
        return 0;
    if (slot >= LINTEL_WIRE_POINTS_MOST || need_mark(i, slot) != 0)
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
    i->marks[slot] = 1;
    return 0;
}

static void
port_unbind(void *ctx, uint32_t slot)
{
    struct lintel_instance *i = ctx;
    if (slot < i->nmarks)
        i->marks[slot] = 0;
    send_short(i, LINTEL_WIRE_UNBIND, slot);
}

struct lintel_bus_port
port_of(struct lintel_instance *i)
{
    i->nsettings = rows(i->conf->plugin->bus);
    i->ndevice = rows(i->conf->plugin->device);
    i->naddress = rows(i->conf->plugin->address);
    i->epoch = 1;
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
    int32_t log = i->conf->log;
    for (int32_t level = LINTEL_LOG_ERROR; i->conf->log < 0 && level <= LINTEL_LOG_DEBUG; level++)
        if (lintel_log_wants(level))
            log = level;
    lintel_wire_open(b,
                     &(struct lintel_wire_down){.instance = i->number,
                                                .name = i->conf->name,
                                                .plugin = i->conf->plugin->name,
                                                .file = i->conf->plugin_file,
                                                .log = log},
                     i->conf->settings, i->nsettings);
}

/* ---- from the instance ----------------------------------------------------------------------- */

/* Keeps the samples whose points have `mark`, and counts the others. With once, each point only
 * once. */
static uint32_t
sift(struct lintel_instance *i, lintel_sample *s, uint32_t n, uint32_t mark, int once)
{
    uint32_t kept = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t *m = s[k].point < i->nmarks ? &i->marks[s[k].point] : NULL;
        if (m == NULL || *m == 0 || (once && *m != mark))
            continue;
        if (once)
            *m = 1;
        if (kept != k)
            s[kept] = s[k];
        kept++;
    }
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
    if (++i->epoch < 2) { /* after 2^32 completions: old marks would look new */
        i->epoch = 2;
        for (uint32_t k = 0; k < i->nmarks; k++)
            i->marks[k] = i->marks[k] != 0;
    }
    for (uint32_t k = 0; k < op->n; k++)
        if (op->slots[k] < i->nmarks && i->marks[op->slots[k]] != 0)
            i->marks[op->slots[k]] = i->epoch;
    lintel_sample *samples = i->plug->scratch.samples;
    uint32_t n = sift(i, samples, m->n, i->epoch, 1);
    if (n != m->n) {
        i->dropped += m->n - n;
        misbehaving(i, "answered for points that were not asked for");
    }
    lintel_engine_complete(i->plug->engine, i->bus, op, LINTEL_OK, samples, n);
}

static void
on_publish(struct lintel_instance *i, const struct lintel_wire_up *m)
{
    lintel_sample *samples = i->plug->scratch.samples;
    uint32_t n = sift(i, samples, m->n, 0, 0);
    if (n != m->n) {
        i->dropped += m->n - n;
        misbehaving(i, "published values of unknown points");
    }
    if (n > 0 && i->state == INSTANCE_RUNNING)
        lintel_engine_publish(i->plug->engine, i->bus, samples, n);
}

int
port_frame(struct lintel_instance *i, const unsigned char *data, size_t n)
{
    struct lintel_plug *p = i->plug;
    struct lintel_wire_up m;
    if (lintel_wire_read_up(data, n, &p->scratch, &m) != 0)
        return -1;
    if (i->state == INSTANCE_STOPPING) { /* the engine knows it no more */
        if (m.kind == LINTEL_WIRE_CLOSED)
            instance_closed(i);
        else if (m.kind == LINTEL_WIRE_LOG)
            port_log(i, m.level, m.text);
        else if (m.kind == LINTEL_WIRE_MISBEHAVING)
            misbehaving(i, m.text);
        return 0;
    }
    switch (m.kind) {
    case LINTEL_WIRE_READY: instance_ready(i, m.text); break;
    case LINTEL_WIRE_REFUSED: instance_refused(i, m.status, m.text); break;
    case LINTEL_WIRE_REFUSED_DEVICE:
        lintel_engine_refused_device(p->engine, i->bus, m.id, m.status, m.text);
        break;
    case LINTEL_WIRE_REFUSED_POINT:
        if (m.id < i->nmarks && i->marks[m.id] != 0)
            lintel_engine_refused_point(p->engine, i->bus, m.id, m.status, m.text);
        break;
    case LINTEL_WIRE_DONE: on_done(i, &m); break;
    case LINTEL_WIRE_PUBLISH: on_publish(i, &m); break;
    case LINTEL_WIRE_LINK: lintel_engine_link(p->engine, i->bus, m.status, m.text); break;
    case LINTEL_WIRE_DEVICE: lintel_engine_device(p->engine, i->bus, m.id, m.status, m.text); break;
    case LINTEL_WIRE_LOG: port_log(i, m.level, m.text); break;
    case LINTEL_WIRE_MISBEHAVING: misbehaving(i, m.text); break;
    default: return -1;
    }
    return 0;
}

void
port_reset(struct lintel_instance *i)
{
    for (uint32_t k = 0; k < i->nops; k++)
        if (i->ops[k]->op != NULL)
            give_op(i->ops[k]);
    if (i->nmarks != 0)
        memset(i->marks, 0, i->nmarks * sizeof *i->marks);
    i->stuck_since = 0;
}

void
port_fini(struct lintel_instance *i)
{
    for (uint32_t k = 0; k < i->nops; k++) {
        lintel_timer_stop(i->plug->loop, &i->ops[k]->timer);
        lintel_free(i->ops[k]);
    }
    lintel_free(i->ops);
    lintel_free(i->marks);
}
