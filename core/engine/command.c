/* SPDX-License-Identifier: Apache-2.0
 * Commands: writes, actions, reads on demand. Each waits in its device's queue, goes through its
 * steps (a bit field is read, changed and written; what was written is read back), and ends with
 * one call for everybody who waits. */
#include "core/engine/command.h"

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/engine/groups.h"
#include "core/engine/pace.h"
#include "core/engine/request.h"
#include "core/engine/samples.h"
#include "core/engine/values.h"

/* ---- ends ------------------------------------------------------------------------------------ */

void
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

void
command_record(const struct lintel_live_thing *t, uint32_t i, enum command_kind kind,
               const char *who, const char *before, const lintel_value *v,
               const struct lintel_outcome *o, int refused)
{
    const struct lintel_engine *e = t->bus->engine;
    char after[VALUE_TEXT], back[VALUE_TEXT];
    const char *path = thing_bound(t, i)->affordance->path;
    if (kind == COMMAND_READ)
        return;
    value_text(v, after);
    value_text(&o->value, back);
    const char *result = o->status == LINTEL_OK && o->fit == LINTEL_FIT_OK ? "ok"
                         : *o->detail != '\0'                              ? o->detail
                                                                           : status_text(o->status);
    int action = kind == COMMAND_INVOKE, has_back = o->value.type != LINTEL_T_NULL;
    if (action)
        lintel_log(LINTEL_LOG_INFO, "command", "%s invoked %s/%s with %s: %s", who, t->conf->id,
                   path, after, result);
    else
        lintel_log(LINTEL_LOG_INFO, "command", "%s wrote %s/%s: %s -> %s: %s%s%s", who, t->conf->id,
                   path, before, after, result, has_back ? ", reads " : "", has_back ? back : "");
    if (e->record != NULL)
        e->record(e->record_ctx,
                  &(struct lintel_record){.who = who,
                                          .thing = t->conf->id,
                                          .path = path,
                                          .action = action,
                                          .refused = refused,
                                          .before = action ? "" : before,
                                          .value = action && v->type == LINTEL_T_NULL ? "" : after,
                                          .result = result,
                                          .back = has_back ? back : ""});
}

void
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
        command_record(t, c->i, c->kind, c->who, c->before,
                       c->value != NULL ? &c->value->value : &none, o, 0);
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

void
command_put(struct command *c)
{
    link_append(&c->thing->commands, &c->link);
    c->thing->ncommands++;
}

void
command_take(struct command *c)
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
        command_take(c);
        if (c->step == STEP_CONFIRM)
            finish(c, LINTEL_OK, NULL, NULL);
        else if (t->bus->held)
            finish(c, LINTEL_E_BUSY, "the plugin of its bus is being exchanged; try again", NULL);
        else
            finish(c, LINTEL_E_TIMEOUT, "the device was busy for too long; try again", NULL);
    }
}

void
commands_fail(struct lintel_live_thing *t, lintel_status status, const char *detail)
{
    for (struct command *c; (c = first_command(t)) != NULL;) {
        command_take(c);
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

/* ---- on the bus ------------------------------------------------------------------------------ */

lintel_status
command_encode(struct command *c, const lintel_value *prior, char reason[LINTEL_REASON])
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
    command_take(c);
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
    status = command_encode(c, &sample->value, reason);
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
