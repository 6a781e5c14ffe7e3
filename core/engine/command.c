/* SPDX-License-Identifier: Apache-2.0
 * Commands: writes, actions, reads on demand. Each waits in its device's queue, goes through its
 * steps (a bit field is read, changed and written; what was written is read back), and ends with
 * one call for everybody who waits. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/engine/engine_priv.h"

enum command_kind { COMMAND_READ, COMMAND_WRITE, COMMAND_INVOKE };
enum step {
    STEP_PRIOR, /* read what the bit field is part of */
    STEP_MAIN,
    STEP_CONFIRM /* written; what does the device say now? */
};
enum { VALUE_TEXT = 80 };

struct waiter {
    lintel_outcome_fn *fn;
    void *ctx;
    uint64_t handle;
    struct command *command;
    struct waiter *next;
};
struct command {
    struct link link; /* in its thing's queue, or alone */
    enum command_kind kind;
    enum step step;
    struct lintel_live_thing *thing;
    uint32_t i, slot;
    lintel_mono expires;
    int again;    /* was told "busy" */
    int recorded; /* its line is in the log */
    struct blob *value;
    struct lintel_buf wire;
    lintel_value raw;
    char *who;
    char before[VALUE_TEXT];
    struct waiter *waiters;
};

/* ---- ends
 * ------------------------------------------------------------------------------------------- */

static void
value_text(const lintel_value *v, char out[VALUE_TEXT])
{
    char number[LINTEL_REAL_TEXT];
    switch (v->type) {
    case LINTEL_T_NULL: lintel_copy(out, VALUE_TEXT, "null"); break;
    case LINTEL_T_BOOL: lintel_copy(out, VALUE_TEXT, v->as.i ? "true" : "false"); break;
    case LINTEL_T_INT: lintel_format(out, VALUE_TEXT, "%lld", (long long)v->as.i); break;
    case LINTEL_T_UINT: lintel_format(out, VALUE_TEXT, "%llu", (unsigned long long)v->as.u); break;
    case LINTEL_T_REAL:
        lintel_print_real(number, v->as.r);
        lintel_copy(out, VALUE_TEXT, number);
        break;
    case LINTEL_T_STR:
        lintel_format(out, VALUE_TEXT, "\"%.*s\"", v->len < 60 ? (int)v->len : 60, v->as.s);
        break;
    case LINTEL_T_BYTES: lintel_format(out, VALUE_TEXT, "(%u bytes)", v->len); break;
    default: lintel_format(out, VALUE_TEXT, "(%u members)", v->len); break;
    }
}

/* The record of who did what. */
static void
record(const struct lintel_live_thing *t, uint32_t i, enum command_kind kind, const char *who,
       const char *before, const lintel_value *v, const struct lintel_outcome *o)
{
    char after[VALUE_TEXT], back[VALUE_TEXT];
    const char *path = thing_bound(t, i)->affordance->path;
    if (kind == COMMAND_READ)
        return;
    value_text(v, after);
    value_text(&o->value, back);
    const char *result = o->status == LINTEL_OK && o->fit == LINTEL_FIT_OK ? "ok"
                         : *o->detail != '\0'                              ? o->detail
                                                                           : status_text(o->status);
    if (kind == COMMAND_INVOKE)
        lintel_log(LINTEL_LOG_INFO, "command", "%s invoked %s/%s with %s: %s", who, t->conf->id,
                   path, after, result);
    else
        lintel_log(LINTEL_LOG_INFO, "command", "%s wrote %s/%s: %s -> %s: %s%s%s", who, t->conf->id,
                   path, before, after, result, o->value.type != LINTEL_T_NULL ? ", reads " : "",
                   o->value.type != LINTEL_T_NULL ? back : "");
}

static void
command_free(struct command *c)
{
    if (c == NULL)
        return;
    lintel_free(c->value);
    lintel_free(c->who);
    lintel_buf_fini(&c->wire);
    lintel_free(c);
}

/* Tells everybody who waits, each once. The command stays. */
static void
deliver(struct command *c, const struct lintel_outcome *o)
{
    struct lintel_live_thing *t = c->thing;
    struct lintel_engine *e = t->bus->engine;
    static const lintel_value none = {.type = LINTEL_T_NULL};
    if (!c->recorded)
        record(t, c->i, c->kind, c->who, c->before, c->value != NULL ? &c->value->value : &none, o);
    c->recorded = 1;
    while (c->waiters != NULL) { /* a callee may forget others */
        struct waiter *w = c->waiters;
        c->waiters = w->next;
        t->nwaiters--;
        id_map_take(&e->waiters, w->handle);
        w->fn(w->ctx, o);
        lintel_free(w);
    }
}

static void
finish(struct command *c, lintel_status status, const char *detail, const lintel_value *v)
{
    struct lintel_outcome o = {.status = status, .detail = detail};
    if (o.detail == NULL)
        o.detail = status_text(status);
    if (v != NULL)
        o.value = *v;
    deliver(c, &o);
    command_free(c);
}

static void
take_from_queue(struct command *c)
{
    link_take(&c->link);
    c->thing->ncommands--;
}

/* As the next one of its device. */
static void
put_first(struct command *c)
{
    link_append(c->thing->commands.next, &c->link);
    c->thing->ncommands++;
}

static struct command *
first_command(const struct lintel_live_thing *t)
{
    return link_alone(&t->commands) ? NULL : OWNER(t->commands.next, struct command, link);
}

int
thing_has_command(const struct lintel_live_thing *t)
{
    return !link_alone(&t->commands);
}

lintel_mono
commands_expire_at(const struct lintel_live_thing *t)
{
    const struct command *c =
        first_command(t); /* they wait equally long: the first is the oldest */
    return c != NULL ? c->expires : NEVER;
}

void
commands_expire(struct lintel_live_thing *t, lintel_mono now)
{
    for (struct command *c; (c = first_command(t)) != NULL && c->expires <= now;) {
        take_from_queue(c);
        if (c->step == STEP_CONFIRM)
            finish(c, LINTEL_OK, NULL, NULL);
        else
            finish(c, LINTEL_E_TIMEOUT, "the device was busy for too long; try again", NULL);
    }
}

void
commands_fail(struct lintel_live_thing *t, lintel_status status, const char *detail)
{
    for (struct command *c; (c = first_command(t)) != NULL;) {
        take_from_queue(c);
        finish(c, status, detail, NULL);
    }
    struct command *c = t->command;
    if (c == NULL)
        return;
    /* The request names the command's memory until the port gives it back. */
    struct lintel_outcome o = {.status = status,
                               .detail = detail != NULL ? detail : status_text(status)};
    deliver(c, &o);
    if (t->work == WORK_NONE)
        command_drop(t);
}

void
command_drop(struct lintel_live_thing *t)
{
    command_free(t->command);
    t->command = NULL;
}

/* ---- on the bus
 * -------------------------------------------------------------------------------------- */

/* The raw value to write. */
static lintel_status
encode(struct command *c, const lintel_value *prior, char reason[LINTEL_REASON])
{
    const struct lintel_bound *bound = thing_bound(c->thing, c->i);
    int known;
    int32_t exponent = thing_exponent(c->thing, c->i, &known);
    reason[0] = '\0';
    c->raw = (lintel_value){.type = LINTEL_T_NULL};
    if (c->value == NULL || c->value->value.type == LINTEL_T_NULL || bound->write.codec == NULL)
        return LINTEL_OK; /* a release, or an action without input */
    if (!known) {
        lintel_copy(reason, LINTEL_REASON,
                    "the property that it is scaled by (scaleFrom) has no value");
        return LINTEL_E_FAIL;
    }
    return lintel_codec_encode(bound->write.codec, &c->value->value, prior, exponent, &c->wire,
                               &c->raw, reason);
}

int
command_submit(struct lintel_live_thing *t)
{
    struct command *c =
        OWNER(t->commands.next, struct command, link); /* the caller knows there is one */
    enum lintel_op_kind op = c->kind == COMMAND_INVOKE                          ? LINTEL_OP_INVOKE
                             : c->kind == COMMAND_WRITE && c->step == STEP_MAIN ? LINTEL_OP_WRITE
                                                                                : LINTEL_OP_READ;
    take_from_queue(c);
    t->command = c;
    if (thing_submit(t, WORK_COMMAND, op, &c->slot, 1, op == LINTEL_OP_READ ? NULL : &c->raw, 0,
                     t->retry != 0 ? PROBE_NS : REQUEST_NS) == 0)
        return 0;
    t->command = NULL;
    put_first(c);
    return -1;
}

static const lintel_sample *
sample_of(const struct command *c, const lintel_sample *s, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (s[k].point == c->slot)
            return &s[k];
    return NULL;
}

/* The point's value if it is worth showing; else why not. */
static lintel_status
point_outcome(const struct lintel_live_thing *t, uint32_t i, lintel_value *ret,
              const char **ret_detail)
{
    struct lintel_reading r;
    lintel_engine_reading(t->bus->engine, t->first + i, &r);
    if (r.quality != LINTEL_QUALITY_BAD && r.quality != LINTEL_QUALITY_STALE &&
        r.quality != LINTEL_QUALITY_INITIAL) {
        *ret = r.value;
        return LINTEL_OK;
    }
    *ret_detail = r.detail != NULL ? r.detail : "the answer does not carry this value";
    return r.status != LINTEL_OK ? r.status : LINTEL_E_FAIL;
}

static void
read_done(struct command *c, lintel_status status, const lintel_sample *s, uint32_t n)
{
    struct lintel_live_thing *t = c->thing;
    lintel_value v = {.type = LINTEL_T_NULL};
    const char *detail = NULL;
    if (status == LINTEL_OK) {
        samples_of_op(t, &t->op, s, n);
        status = point_outcome(t, c->i, &v, &detail);
    } else if (status <= LINTEL_E_ADDRESS && !status_is_silence(status) &&
               status != LINTEL_E_BUSY && status != LINTEL_E_CANCELLED) {
        if (status == LINTEL_E_ADDRESS)
            groups_point_rests(t, c->i);
        point_judge(t, c->i, LINTEL_QUALITY_BAD, status, 0, NULL);
    }
    if (c->step == STEP_CONFIRM) /* the write itself is done */
        finish(c, LINTEL_OK, NULL, &v);
    else
        finish(c, status, detail, &v);
}

static void
prior_done(struct command *c, lintel_status status, const lintel_sample *sample)
{
    if (status != LINTEL_OK) {
        finish(c, status, sample != NULL ? sample->detail : NULL, NULL);
        return;
    }
    char reason[LINTEL_REASON];
    status = encode(c, &sample->value, reason);
    if (status != LINTEL_OK) {
        finish(c, status, reason, NULL);
        return;
    }
    c->step = STEP_MAIN;
    put_first(c);
}

static void
write_done(struct command *c, lintel_status status, const lintel_sample *sample)
{
    struct lintel_live_thing *t = c->thing;
    t->bus->writes++;
    if (status != LINTEL_OK) {
        finish(c, status, sample != NULL ? sample->detail : NULL, NULL);
        return;
    }
    if (sample != NULL && sample->value.type != LINTEL_T_NULL) {
        lintel_value v = {.type = LINTEL_T_NULL};
        const char *detail;
        samples_of_op(t, &t->op, sample, 1);
        (void)point_outcome(t, c->i, &v, &detail);
        finish(c, LINTEL_OK, NULL, &v);
    } else if ((thing_bound(t, c->i)->flags & (LINTEL_P_READ | LINTEL_P_NOTIFY)) == LINTEL_P_READ &&
               !(t->points[c->i].flags & POINT_RESTS)) {
        /* What is pushed tells its new value itself. */
        c->step = STEP_CONFIRM;
        put_first(c);
    } else {
        finish(c, LINTEL_OK, NULL, NULL);
    }
}

static void
invoke_done(struct command *c, lintel_status status, const lintel_sample *sample)
{
    const struct lintel_bound *bound = thing_bound(c->thing, c->i);
    const char *detail = sample != NULL ? sample->detail : NULL;
    lintel_value v = {.type = LINTEL_T_NULL};
    struct lintel_payload payload = {0};
    struct lintel_decoding d;
    d.reason[0] = '\0';
    if (status == LINTEL_OK && sample != NULL && bound->read.codec != NULL &&
        sample->value.type != LINTEL_T_NULL) {
        if (sample->value.type == LINTEL_T_BYTES || sample->value.type == LINTEL_T_STR)
            lintel_payload_reset(&payload, sample->value.as.p, sample->value.len);
        enum lintel_decoded how =
            lintel_codec_decode(bound->read.codec, &sample->value, &payload, 0, &d, &v, NULL);
        if (how == LINTEL_DECODED_BAD) { /* it was done, but what it said is not known */
            detail = d.reason;
            v = (lintel_value){.type = LINTEL_T_NULL};
        }
    }
    finish(c, status, detail, &v);
    lintel_payload_reset(&payload, NULL, 0);
}

void
command_done(struct lintel_live_thing *t, lintel_status status, const lintel_sample *s, uint32_t n)
{
    struct command *c = t->command;
    const lintel_sample *sample = sample_of(c, s, n);
    lintel_status own = status != LINTEL_OK ? status
                        : sample != NULL    ? sample->status
                                            : LINTEL_E_FAIL;
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    t->command = NULL;
    if (own == LINTEL_E_BUSY && !c->again && now + AGAIN_NS < c->expires) {
        c->again = 1;
        t->hold = now + AGAIN_NS;
        put_first(c);
        return;
    }
    if (c->step == STEP_PRIOR) {
        if (status == LINTEL_OK)
            samples_of_op(t, &t->op, s, n);
        prior_done(c, own, sample);
    } else if (c->kind == COMMAND_READ || c->step == STEP_CONFIRM) {
        read_done(c, status, s, n);
    } else if (c->kind == COMMAND_WRITE) {
        write_done(c, sample == NULL ? status : own, sample);
    } else {
        invoke_done(c, sample == NULL ? status : own, sample);
    }
}

/* ---- asking
 * ------------------------------------------------------------------------------------------ */

struct ask { /* one call of the interface, until it is a command or an answer */
    struct lintel_engine *e;
    struct lintel_live_thing *t;
    uint32_t i;
    enum command_kind kind;
    const lintel_value *value;
    const char *who;
    lintel_outcome_fn *fn;
    void *ctx;
};

static lintel_command
answer(const struct ask *a, lintel_status status, enum lintel_fit fit, const char *detail)
{
    static const lintel_value none = {.type = LINTEL_T_NULL};
    struct lintel_outcome o = {.status = status, .fit = fit, .detail = detail};
    if (o.detail == NULL)
        o.detail = status_text(status);
    if (a->t != NULL && a->kind != COMMAND_READ) {
        char before[VALUE_TEXT];
        lintel_value old;
        point_value(&a->t->points[a->i], &old);
        value_text(&old, before);
        record(a->t, a->i, a->kind, a->who, before, a->value != NULL ? a->value : &none, &o);
    }
    a->fn(a->ctx, &o);
    return 0;
}

/* What stands in the way of asking the device at all. 0: nothing; else *ret is the answer. */
static int
hindered(const struct ask *a, lintel_command *ret)
{
    struct lintel_live_thing *t = a->t;
    lintel_mono now = lintel_loop_now(a->e->loop);
    char text[LINTEL_REASON];
    if (!t->bus->ready) {
        lintel_format(text, sizeof text, "the bus %s does not run: %s", t->bus->name,
                      t->bus->detail != NULL ? t->bus->detail : "it is starting");
        *ret = answer(a, LINTEL_E_LINK, LINTEL_FIT_OK, text);
    } else if (t->refused) {
        *ret = answer(a, t->status, LINTEL_FIT_OK, t->detail);
    } else if (t->points[a->i].flags & POINT_RESTS) {
        struct lintel_reading r;
        lintel_engine_reading(a->e, t->first + a->i, &r);
        *ret = answer(a, r.status, LINTEL_FIT_OK, r.detail);
    } else if (t->stale_all && t->retry != 0 && (a->kind == COMMAND_READ || now < t->spared)) {
        /* Insisting on a silent device must not cost the others of its bus their time. */
        lintel_mono until = a->kind == COMMAND_READ ? t->retry : t->spared;
        lintel_format(text, sizeof text, "%s; it is tried again in %lld s",
                      t->detail != NULL ? t->detail : status_text(t->status),
                      until > now ? (long long)((until - now + SECOND - 1) / SECOND) : 1);
        *ret = answer(a, t->status, LINTEL_FIT_OK, text);
    } else if (t->ncommands >= QUEUE_MOST || t->nwaiters >= WAITERS_MOST) {
        *ret = answer(a, LINTEL_E_BUSY, LINTEL_FIT_OK,
                      "too many commands wait for this device; try again later");
    } else {
        return 0;
    }
    return 1;
}

static struct waiter *
add_waiter(const struct ask *a, struct command *c)
{
    struct waiter *w = lintel_alloc(sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct waiter){a->fn, a->ctx, ++a->e->last_handle, c, NULL};
    if (id_map_put(&a->e->waiters, w->handle, w) != 0) {
        lintel_free(w);
        return NULL;
    }
    struct waiter **last = &c->waiters;
    while (*last != NULL)
        last = &(*last)->next;
    *last = w;
    a->t->nwaiters++;
    return w;
}

static struct command *
new_command(const struct ask *a, enum step step)
{
    struct lintel_live_thing *t = a->t;
    struct command *c = lintel_alloc(sizeof *c);
    if (c == NULL)
        return NULL;
    link_init(&c->link);
    c->kind = a->kind;
    c->step = step;
    c->thing = t;
    c->i = a->i;
    c->slot = t->first_slot + a->i;
    c->expires = lintel_loop_now(a->e->loop) + WAIT_NS;
    c->who = a->kind != COMMAND_READ ? lintel_strdup(a->who) : NULL;
    lintel_value old;
    point_value(&t->points[a->i], &old);
    value_text(&old, c->before);
    if ((a->kind != COMMAND_READ && c->who == NULL) ||
        (a->value != NULL && blob_copy(&c->value, a->value) != 0)) {
        command_free(c);
        return NULL;
    }
    return c;
}

static lintel_command
enqueue(const struct ask *a, struct command *c)
{
    struct waiter *w = c != NULL ? add_waiter(a, c) : NULL;
    if (w == NULL) {
        command_free(c);
        return answer(a, LINTEL_E_NOMEM, LINTEL_FIT_OK, NULL);
    }
    lintel_command handle = w->handle;
    link_append(&a->t->commands, &c->link);
    a->t->ncommands++;
    thing_kick(a->t);
    return id_map_get(&a->e->waiters, handle) != NULL ? handle : 0;
}

/* What the wire can't carry is refused before the bus sees it. */
static lintel_command
enqueue_encoded(const struct ask *a, struct command *c)
{
    char reason[LINTEL_REASON];
    lintel_status st = c != NULL ? encode(c, NULL, reason) : LINTEL_OK;
    if (st == LINTEL_OK)
        return enqueue(a, c);
    command_free(c);
    return answer(a, st, st == LINTEL_E_RANGE ? LINTEL_FIT_RANGE : LINTEL_FIT_OK, reason);
}

/* A read of the same point that has not been answered yet serves everybody who asks. */
static struct command *
find_read(const struct lintel_live_thing *t, uint32_t i)
{
    struct command *c = t->command;
    if (c != NULL && c->kind == COMMAND_READ && c->i == i && c->waiters != NULL)
        return c;
    for (struct link *l = t->commands.next; l != &t->commands; l = l->next) {
        c = OWNER(l, struct command, link);
        if (c->kind == COMMAND_READ && c->i == i)
            return c;
    }
    return NULL;
}

lintel_command
lintel_engine_read(struct lintel_engine *e, lintel_point_id p, lintel_outcome_fn *fn, void *ctx)
{
    struct ask a = {.e = e, .kind = COMMAND_READ, .fn = fn, .ctx = ctx};
    lintel_command ret;
    if (engine_point(e, p, &a.t, &a.i) == NULL)
        return answer(&a, LINTEL_E_ADDRESS, LINTEL_FIT_OK, "there is no such point");
    const struct lintel_bound *bound = thing_bound(a.t, a.i);
    if (!bound->mapped)
        return answer(&a, LINTEL_E_NOTSUP, LINTEL_FIT_OK,
                      "the binding does not say how to read it");
    if (!(bound->flags & LINTEL_P_READ) || bound->affordance->kind == LINTEL_K_ACTION)
        return answer(&a, LINTEL_E_NOTSUP, LINTEL_FIT_OK, "it can't be read on demand");
    if (hindered(&a, &ret))
        return ret;
    struct command *c = find_read(a.t, a.i);
    if (c == NULL)
        return enqueue(&a, new_command(&a, STEP_MAIN));
    struct waiter *w = add_waiter(&a, c);
    return w != NULL ? w->handle : answer(&a, LINTEL_E_NOMEM, LINTEL_FIT_OK, NULL);
}

lintel_command
lintel_engine_write(struct lintel_engine *e, lintel_point_id p, const lintel_value *v,
                    const char *who, lintel_outcome_fn *fn, void *ctx)
{
    struct ask a = {.e = e,
                    .kind = COMMAND_WRITE,
                    .value = v,
                    .who = who != NULL ? who : "?",
                    .fn = fn,
                    .ctx = ctx};
    char reason[LINTEL_REASON] = "";
    lintel_command ret;
    if (engine_point(e, p, &a.t, &a.i) == NULL)
        return answer(&a, LINTEL_E_ADDRESS, LINTEL_FIT_OK, "there is no such point");
    const struct lintel_bound *bound = thing_bound(a.t, a.i);
    if (bound->affordance->kind != LINTEL_K_PROPERTY || !bound->affordance->writable)
        return answer(&a, LINTEL_E_DENIED, LINTEL_FIT_OK, "read-only");
    if (!bound->mapped || !(bound->flags & LINTEL_P_WRITE))
        return answer(&a, LINTEL_E_NOTSUP, LINTEL_FIT_OK,
                      "the binding does not say how to write it");
    if (v->type != LINTEL_T_NULL && bound->affordance->data != NULL) {
        enum lintel_fit fit = lintel_data_fit(bound->affordance->data, v, reason);
        if (fit != LINTEL_FIT_OK)
            return answer(&a, fit == LINTEL_FIT_TYPE ? LINTEL_E_TYPE : LINTEL_E_RANGE, fit, reason);
    }
    if (hindered(&a, &ret))
        return ret;
    int prior = v->type != LINTEL_T_NULL && bound->write.codec != NULL &&
                lintel_codec_needs_prior(bound->write.codec);
    struct command *c = new_command(&a, prior ? STEP_PRIOR : STEP_MAIN);
    return prior ? enqueue(&a, c) : enqueue_encoded(&a, c);
}

lintel_command
lintel_engine_invoke(struct lintel_engine *e, lintel_point_id p, const lintel_value *input,
                     const char *who, lintel_outcome_fn *fn, void *ctx)
{
    struct ask a = {
        .e = e, .kind = COMMAND_INVOKE, .who = who != NULL ? who : "?", .fn = fn, .ctx = ctx};
    char reason[LINTEL_REASON] = "";
    lintel_command ret;
    if (engine_point(e, p, &a.t, &a.i) == NULL)
        return answer(&a, LINTEL_E_ADDRESS, LINTEL_FIT_OK, "there is no such point");
    const struct lintel_bound *bound = thing_bound(a.t, a.i);
    const struct lintel_data *data = bound->affordance->input;
    if (bound->affordance->kind != LINTEL_K_ACTION)
        return answer(&a, LINTEL_E_DENIED, LINTEL_FIT_OK, "it is not an action");
    if (!bound->mapped)
        return answer(&a, LINTEL_E_NOTSUP, LINTEL_FIT_OK, "the binding does not say how to do it");
    if (input != NULL && input->type != LINTEL_T_NULL)
        a.value = input;
    if (a.value != NULL && data == NULL)
        return answer(&a, LINTEL_E_TYPE, LINTEL_FIT_TYPE, "this action takes no input");
    if (a.value == NULL && data != NULL && !(data->flags & LINTEL_DATA_NULLABLE))
        return answer(&a, LINTEL_E_TYPE, LINTEL_FIT_TYPE, "this action needs an input");
    if (a.value != NULL) {
        enum lintel_fit fit = lintel_data_fit(data, a.value, reason);
        if (fit != LINTEL_FIT_OK)
            return answer(&a, fit == LINTEL_FIT_TYPE ? LINTEL_E_TYPE : LINTEL_E_RANGE, fit, reason);
    }
    if (hindered(&a, &ret))
        return ret;
    return enqueue_encoded(&a, new_command(&a, STEP_MAIN));
}

void
lintel_engine_forget(struct lintel_engine *e, lintel_command handle)
{
    struct waiter *w = handle != 0 ? id_map_take(&e->waiters, handle) : NULL;
    if (w == NULL)
        return;
    struct command *c = w->command;
    struct waiter **at = &c->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    c->thing->nwaiters--;
    lintel_free(w);
    if (c->kind == COMMAND_READ && c->waiters == NULL && !link_alone(&c->link)) {
        take_from_queue(c); /* nobody wants it any more */
        command_free(c);
    }
}
