/* SPDX-License-Identifier: Apache-2.0
 * An instance keeps its bus, its statistics and its place in the list; what runs, and where, is
 * exchanged with a second instance that has no bus. */
#include "core/plug/swap.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/instance_priv.h"
#include "core/plug/process.h"

#define CREATE_MOST (10 * LINTEL_SECOND) /* for a child to come up and create() to return */
#define DRAIN_MOST (5 * LINTEL_SECOND)   /* for requests under way: the deadline of most */
/* From the drain on: as long as a command waits in the engine. If the new one does not run by then,
 * values are stale and commands are refused. */
#define SOON (10 * LINTEL_SECOND)
#define SLOW (5 * LINTEL_SECOND) /* the same again, where the old one took all that time to end */

#define FAR (INT64_MAX / 2)

enum phase { CREATE, DRAIN, END, START };

struct member {
    struct swap *swap;
    struct lintel_instance *live;  /* has the bus; NULL: it is done */
    struct lintel_instance *aside; /* NULL: none any more */
    int opened;                    /* the new one is created, in its present child */
    int back; /* the old one died while others drained, and has come up again: not told */
};

struct swap {
    struct lintel_plug *plug;
    enum phase phase;
    struct lintel_timer timer; /* the end of the phase, or now: something has come of it */
    struct lintel_timer soon;
    lintel_mono held_since;
    void (*moved)(void *ctx);
    void (*done)(void *ctx, const struct lintel_swap_result *r);
    void *ctx;
    int failed;
    char reason[400];
    struct lintel_instance **list; /* room for one of each member */
    uint32_t n;
    struct member members[];
};

static void on_timer(void *arg);
static void on_soon(void *arg);

static void
turn(struct swap *s, int64_t in)
{
    /* Can't fail: it was armed when the swap began, and the heap has room for it. */
    lintel_timer_at(s->plug->loop, &s->timer, lintel_loop_now(s->plug->loop) + in, on_timer, s);
}

/* The timer keeps its place, for turn(). */
static void
park(struct swap *s)
{
    (void)lintel_timer_at(s->plug->loop, &s->timer, FAR, on_timer, s);
}

static struct member *
member_of(const struct lintel_instance *i)
{
    struct swap *s = i->swap;
    uint32_t k = 0;
    while (k < s->n && s->members[k].live != i && s->members[k].aside != i)
        k++;
    LINTEL_ASSERT(k < s->n); /* it names this swap only while it is one of its members */
    return &s->members[k];
}

static void
note(struct swap *s, const struct lintel_instance *i, const char *reason)
{
    if (!s->failed)
        lintel_format(s->reason, sizeof s->reason, "%s: %s", i->conf->name, reason);
    s->failed = 1;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
free_swap(struct swap *s)
{
    lintel_timer_stop(s->plug->loop, &s->timer);
    lintel_timer_stop(s->plug->loop, &s->soon);
    lintel_free(s->list);
    lintel_free(s);
}

/* From now on it is an instance like any other. */
static void
let_go(struct lintel_instance *i)
{
    i->swap = NULL;
    if (i->state != INSTANCE_CREATING)
        return;
    if (instance_is_up(i))
        instance_start(i); /* OPEN is on its way: START comes behind it */
    else
        i->state = INSTANCE_BACKOFF; /* its next child opens it */
}

static void
finish(struct swap *s)
{
    char reason[sizeof s->reason];
    struct lintel_swap_result r = {.begun = s->phase > DRAIN, .reason = s->failed ? reason : NULL};
    if (s->held_since != 0)
        r.gap_ns = lintel_loop_now(s->plug->loop) - s->held_since;
    lintel_copy(reason, sizeof reason, s->reason);
    void (*done)(void *, const struct lintel_swap_result *) = s->done;
    void *ctx = s->ctx;
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].live != NULL)
            let_go(s->members[k].live);
    free_swap(s);
    done(ctx, &r);
}

/* The new ones go, and the old ones run on. */
static void
give_up(struct swap *s)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        struct member *m = &s->members[k];
        if (s->phase == DRAIN && m->back && m->live->state == INSTANCE_RUNNING)
            lintel_engine_bus_ready(s->plug->engine, m->live->bus);
        else if (s->phase == DRAIN)
            lintel_engine_bus_go_on(s->plug->engine, m->live->bus);
        if (m->aside == NULL)
            continue;
        m->aside->swap = NULL;
        s->list[n++] = m->aside;
        m->aside = NULL;
    }
    instance_end(s->list, n);
    finish(s);
}

/* ---- create ---------------------------------------------------------------------------------- */

static int
all_opened(const struct swap *s)
{
    for (uint32_t k = 0; k < s->n; k++)
        if (!s->members[k].opened)
            return 0;
    return 1;
}

void
swap_opened(struct lintel_instance *i)
{
    struct member *m = member_of(i);
    struct swap *s = i->swap;
    m->opened = 1;
    if (s->phase == START)
        instance_start(i); /* its child was another one than at the first time */
    else if (s->phase == CREATE && all_opened(s))
        turn(s, 0);
}

int
swap_refused(struct lintel_instance *i, const char *text)
{
    struct swap *s = i->swap;
    if (i->bus != NULL)
        return 0; /* the old one has left: it is tried again, as any instance */
    note(s, i, text);
    turn(s, 0);
    return 1;
}

int
swap_lost(struct lintel_instance *i, const char *reason)
{
    struct swap *s = i->swap;
    member_of(i)->opened = 0;
    if (i->bus == NULL) {
        note(s, i, reason);
        turn(s, 0);
    }
    return 1; /* one that waits for the old one's end is opened by its next child */
}

/* ---- drain ----------------------------------------------------------------------------------- */

static int
has_ops(const struct swap *s)
{
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].live != NULL && port_has_ops(s->members[k].live))
            return 1;
    return 0;
}

static void
drain(struct swap *s)
{
    s->phase = DRAIN;
    s->held_since = lintel_loop_now(s->plug->loop);
    lintel_timer_at(s->plug->loop, &s->soon, s->held_since + SOON, on_soon, s);
    for (uint32_t k = 0; k < s->n; k++)
        lintel_engine_bus_hold(s->plug->engine, s->members[k].live->bus);
    turn(s, has_ops(s) ? DRAIN_MOST : 0);
}

void
swap_drained(struct lintel_instance *i)
{
    struct swap *s = i->swap;
    if (s->phase == DRAIN && !has_ops(s))
        turn(s, 0);
}

/* ---- end ------------------------------------------------------------------------------------- */

static int
all_ended(const struct swap *s)
{
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].aside != NULL)
            return 0;
    return 1;
}

static void
old_ended(void *ctx)
{
    struct member *m = ctx;
    m->aside = NULL;
    if (m->swap->phase == END && all_ended(m->swap))
        turn(m->swap, 0);
}

static void
hand_over(struct swap *s)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++)
        port_end_ops(s->members[k].live); /* what the drain did not end */
    s->phase = END;
    for (uint32_t k = 0; k < s->n; k++) {
        struct member *m = &s->members[k];
        instance_exchange(m->live, m->aside);
        port_reset(m->live);
        m->live->swap = s;
        m->aside->swap = NULL;
        m->aside->then = old_ended;
        m->aside->then_ctx = m;
        s->list[n++] = m->aside;
        lintel_engine_bus_plugin(s->plug->engine, m->live->bus, m->live->plugin);
    }
    if (s->moved != NULL)
        s->moved(s->ctx);
    park(s); /* the instances have timers of their own */
    instance_end(s->list, n);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int
all_done(const struct swap *s)
{
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].live != NULL)
            return 0;
    return 1;
}

/* One has come up, or failed to. */
static void
member_done(struct member *m)
{
    struct swap *s = m->swap;
    let_go(m->live);
    m->live = NULL;
    if (s->phase == START && all_done(s))
        turn(s, 0);
}

static void
start(struct swap *s)
{
    s->phase = START;
    park(s);
    for (uint32_t k = 0; k < s->n; k++) {
        struct member *m = &s->members[k];
        if (m->live != NULL && m->opened && m->live->state == INSTANCE_CREATING)
            instance_start(m->live);
    }
    if (all_done(s))
        turn(s, 0);
}

int
swap_ready(struct lintel_instance *i)
{
    struct swap *s = i->swap;
    if (s->phase == DRAIN)
        member_of(i)->back = 1;
    if (s->phase != START)
        return s->phase == DRAIN; /* it is the old one */
    lintel_engine_bus_renewed(s->plug->engine, i->bus);
    member_done(member_of(i));
    return 1;
}

void
swap_failed(struct lintel_instance *i)
{
    struct swap *s = i->swap;
    if (s->phase < END) { /* the old one: what it had under way is over */
        swap_drained(i);
        return;
    }
    note(s, i, i->reason);
    member_done(member_of(i));
}

void
swap_cancel(struct lintel_instance *i)
{
    struct swap *s = i->swap;
    note(s, i, "it was stopped meanwhile");
    if (s->phase <= DRAIN) {
        give_up(s);
        return;
    }
    for (uint32_t k = 0; k < s->n; k++) {
        struct member *m = &s->members[k];
        if (m->aside != NULL)
            m->aside->then = NULL; /* it ends without us */
    }
    if (i->state == INSTANCE_CREATING)
        i->state = INSTANCE_BACKOFF; /* it is not started any more */
    s->phase = START;
    finish(s);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void
on_soon(void *arg)
{
    static const char late[] = "the new plugin has not come up in time";
    struct swap *s = arg;
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].live != NULL)
            lintel_engine_bus_gone(s->plug->engine, s->members[k].live->bus, LINTEL_E_LINK, late);
    if (s->phase != START) {
        lintel_timer_at(s->plug->loop, &s->soon, lintel_loop_now(s->plug->loop) + SLOW, on_soon, s);
        return;
    }
    for (uint32_t k = 0; k < s->n; k++)
        if (s->members[k].live != NULL)
            note(s, s->members[k].live, late);
    finish(s);
}

static void
on_timer(void *arg)
{
    struct swap *s = arg;
    switch (s->phase) {
    case CREATE:
        for (uint32_t k = 0; k < s->n; k++)
            if (!s->failed && !s->members[k].opened)
                note(s, s->members[k].live, "create() has not returned within 10 s");
        if (s->failed)
            give_up(s);
        else
            drain(s);
        break;
    case DRAIN:
        if (s->failed)
            give_up(s);
        else
            hand_over(s);
        break;
    case END: start(s); break;
    case START: finish(s); break;
    }
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* Where a new one shall live that shares its child: with those of this swap, never with the old
 * ones. *ret NULL: in one of its own. */
static int
place(struct swap *s, const struct lintel_instance *i, struct process **ret)
{
    const struct lintel_port *conf = i->conf;
    *ret = NULL;
    if (conf->isolation == LINTEL_ISOLATION_THREAD || conf->process == NULL)
        return 0;
    for (uint32_t k = 0; k < s->n && *ret == NULL; k++) {
        const struct lintel_instance *other = s->members[k].aside;
        if (other != NULL && other != i && other->process != NULL && other->conf->process != NULL &&
            strcmp(other->conf->process, conf->process) == 0)
            *ret = other->process;
    }
    return *ret != NULL || (*ret = process_new(s->plug, conf)) != NULL ? 0 : -1;
}

static int
create(struct swap *s, struct member *m, const struct lintel_swap_member *want,
       struct lintel_site *site)
{
    struct process *process = NULL;
    struct lintel_instance *live = want->instance;
    struct lintel_instance *i =
        want->conf != NULL
            ? instance_new(s->plug, site, want->conf, want->plugin, want->file)
            : instance_new(s->plug, live->site, live->conf, want->plugin, want->file);
    if (i == NULL)
        return -1;
    *m = (struct member){.swap = s, .live = live};
    i->swap = s;
    i->state = INSTANCE_CREATING;
    m->aside = i; /* it is found by what it says */
    if (place(s, i, &process) == 0 && instance_begin(i, process) == 0) {
        live->swap = s;
        return 0;
    }
    m->aside = NULL;
    i->swap = NULL;
    instance_drop(i);
    if (process != NULL)
        process_leave_empty(process);
    return -1;
}

static int
can_swap(const struct lintel_swap_source *src)
{
    for (uint32_t k = 0; k < src->n; k++)
        if (src->members[k].instance->swap != NULL ||
            src->members[k].instance->state == INSTANCE_STOPPING)
            return 0;
    return src->n > 0;
}

/* What was begun before memory ran out. */
static void
undo(struct swap *s)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        if (s->members[k].aside == NULL)
            continue;
        s->members[k].live->swap = s->members[k].aside->swap = NULL;
        s->list[n++] = s->members[k].aside;
    }
    instance_end(s->list, n);
    free_swap(s);
}

int
lintel_plug_swap(struct lintel_plug *p, const struct lintel_swap_source *src)
{
    const lintel_mono now = lintel_loop_now(p->loop);
    struct swap *s = can_swap(src) ? lintel_alloc(sizeof *s + src->n * sizeof s->members[0]) : NULL;
    if (s == NULL)
        return -1;
    s->plug = p;
    s->n = src->n;
    s->moved = src->moved;
    s->done = src->done;
    s->ctx = src->ctx;
    s->list = lintel_alloc_array(src->n, sizeof(*s->list));
    int failed = s->list == NULL ||
                 lintel_timer_at(p->loop, &s->timer, now + CREATE_MOST, on_timer, s) != 0 ||
                 lintel_timer_at(p->loop, &s->soon, FAR, on_soon, s) != 0;
    for (uint32_t k = 0; !failed && k < s->n; k++)
        failed = create(s, &s->members[k], &src->members[k], src->site);
    if (failed)
        undo(s);
    return failed ? -1 : 0;
}
