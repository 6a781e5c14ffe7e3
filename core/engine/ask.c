/* SPDX-License-Identifier: Apache-2.0
 * Asking: each call of the interface becomes a command of its device, joins one that waits, or is
 * answered at once with what stands in its way. */
#include "core/engine/command.h"
#include "core/engine/pace.h"
#include "core/engine/schedule.h"
#include "core/engine/values.h"

struct ask { /* one call of the interface, until it is a command or an answer */
    struct lintel_engine *e;
    struct lintel_live_thing *t;
    uint32_t i;
    enum command_kind kind;
    const lintel_value *value;
    const char *who;
    lintel_outcome_fn *fn;
    void *ctx;
    uint32_t ahead; /* commands that will be asked for before this one */
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
        command_record(a->t, a->i, a->kind, a->who, before, a->value != NULL ? a->value : &none, &o,
                       1);
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
    } else if (t->ncommands + a->ahead >= QUEUE_MOST || t->nwaiters + a->ahead >= WAITERS_MOST) {
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
new_command(const struct ask *a, enum command_step step)
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
    command_put(c);
    thing_kick(a->t);
    return id_map_get(&a->e->waiters, handle) != NULL ? handle : 0;
}

/* What the wire can't carry is refused before the bus sees it. */
static lintel_command
enqueue_encoded(const struct ask *a, struct command *c)
{
    char reason[LINTEL_REASON];
    lintel_status st = c != NULL ? command_encode(c, NULL, reason) : LINTEL_OK;
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

/* What the point, the model or the device has against a write. 0: nothing; else *ret is the answer.
 */
static int
unwritable(struct ask *a, lintel_point_id p, lintel_command *ret)
{
    char reason[LINTEL_REASON] = "";
    if (engine_point(a->e, p, &a->t, &a->i) == NULL) {
        *ret = answer(a, LINTEL_E_ADDRESS, LINTEL_FIT_OK, "there is no such point");
        return 1;
    }
    const struct lintel_bound *bound = thing_bound(a->t, a->i);
    if (bound->affordance->kind != LINTEL_K_PROPERTY || !bound->affordance->writable) {
        *ret = answer(a, LINTEL_E_DENIED, LINTEL_FIT_OK, "read-only");
        return 1;
    }
    if (!bound->mapped || !(bound->flags & LINTEL_P_WRITE)) {
        *ret =
            answer(a, LINTEL_E_NOTSUP, LINTEL_FIT_OK, "the binding does not say how to write it");
        return 1;
    }
    if (a->value->type != LINTEL_T_NULL && bound->affordance->data != NULL) {
        enum lintel_fit fit = lintel_data_fit(bound->affordance->data, a->value, reason);
        if (fit != LINTEL_FIT_OK) {
            *ret = answer(a, fit == LINTEL_FIT_TYPE ? LINTEL_E_TYPE : LINTEL_E_RANGE, fit, reason);
            return 1;
        }
    }
    return hindered(a, ret);
}

static int
needs_prior(const struct ask *a)
{
    const struct lintel_codec *codec = thing_bound(a->t, a->i)->write.codec;
    return a->value->type != LINTEL_T_NULL && codec != NULL && lintel_codec_needs_prior(codec);
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
    lintel_command ret;
    if (unwritable(&a, p, &ret))
        return ret;
    int prior = needs_prior(&a);
    struct command *c = new_command(&a, prior ? STEP_PRIOR : STEP_MAIN);
    return prior ? enqueue(&a, c) : enqueue_encoded(&a, c);
}

int
lintel_engine_write_check(struct lintel_engine *e, lintel_point_id p, const lintel_value *v,
                          uint32_t ahead, const char *who, lintel_outcome_fn *fn, void *ctx)
{
    struct ask a = {.e = e,
                    .kind = COMMAND_WRITE,
                    .value = v,
                    .who = who != NULL ? who : "?",
                    .fn = fn,
                    .ctx = ctx,
                    .ahead = ahead};
    char reason[LINTEL_REASON];
    lintel_command ret;
    if (unwritable(&a, p, &ret))
        return -1;
    if (needs_prior(&a))
        return 0; /* whether the wire carries it shows when the register is known */
    struct command *c = new_command(&a, STEP_MAIN);
    lintel_status st = c != NULL ? command_encode(c, NULL, reason) : LINTEL_E_NOMEM;
    command_free(c);
    if (st == LINTEL_OK)
        return 0;
    answer(&a, st, st == LINTEL_E_RANGE ? LINTEL_FIT_RANGE : LINTEL_FIT_OK,
           st == LINTEL_E_NOMEM ? NULL : reason);
    return -1;
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
        command_take(c); /* nobody wants it any more */
        command_free(c);
    }
}
