/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/process.h"

#include <string.h>

#include "core/base/log.h"
#include "core/plug/cage.h"
#include "core/plug/instance_priv.h"
#include "core/plug/transport_priv.h"

#define RENEW_LEAST (10 * LINTEL_SECOND)

struct process {
    struct lintel_plug *plug;
    struct process *next;
    struct lintel_child *child;
    struct lintel_cage cage; /* of the child that runs, or the next one */
    char *shared;            /* name of `process:NAME`; NULL: of one instance alone */
    int ending;
    char outdated[200]; /* which file of its cage was replaced; "": none */
    lintel_mono renewed;
    struct lintel_supervise life; /* of the child */
    struct lintel_instance *instances;
    struct carried *carried; /* transports */
};

/* ---- its cage -------------------------------------------------------------------------------- */

/* What those of the site need who will live here. -1: out of memory. */
static int
widen_cage(struct process *p, const struct lintel_site *site)
{
    return p->shared != NULL ? lintel_cage_add_shared(&p->cage, site, p->shared) : 0;
}

/* The child starts: it gets what is needed now. Later it gets no other cage. */
static int
on_cage(void *ctx, struct lintel_buf *b)
{
    struct process *p = ctx;
    int failed = 0;
    p->outdated[0] = '\0';
    lintel_cage_fini(&p->cage);
    p->cage.user = p->plug->cage_user;
    p->cage.off = p->plug->uncaged;
    /* A plugin may be newer than what the site was read with. */
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        failed |=
            lintel_cage_add_code(&p->cage, i->conf, i->plugin, i->file) | widen_cage(p, i->site);
    for (const struct carried *c = p->carried; c != NULL; c = c->next)
        failed |= lintel_cage_add_port(&p->cage, c->t->conf) | widen_cage(p, c->t->site);
    lintel_cage_write(b, &p->cage);
    return failed;
}

/* Whoever rests may do so for what he could not read. */
static void
wake_resting(struct process *p)
{
    for (struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        if (i->state == INSTANCE_FAILED)
            i->state = INSTANCE_BACKOFF; /* the next child opens it */
}

/* One more moves in. A child can't get out of its cage, so a wider one needs a new child. */
static int
make_room(struct process *p, const struct lintel_port *conf)
{
    struct lintel_cage wanted = {0};
    int ret = lintel_cage_add_port(&wanted, conf);
    if (ret == 0 && !lintel_cage_covers(&p->cage, &wanted)) {
        char reason[200];
        lintel_format(reason, sizeof reason, "%s, which needs more, moves into the same process",
                      conf->name);
        lintel_child_renew(p->child, reason);
    } else if (p->outdated[0] != '\0') {
        wake_resting(p);
        lintel_child_renew(p->child, p->outdated);
    }
    lintel_cage_fini(&wanted);
    return ret;
}

/* A cage allows files, not names: the new one can't be read from within. That is of no matter until
 * somebody opens it again. */
static void
on_outdated(void *ctx, const char *text)
{
    struct process *p = ctx;
    if (p->outdated[0] != '\0')
        return;
    lintel_format(p->outdated, sizeof p->outdated, "%s: a new process reads it", text);
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        lintel_log(LINTEL_LOG_INFO, i->conf->name,
                   "%s; a new process reads it, when the connection is lost or the bus starts anew",
                   text);
    for (const struct carried *c = p->carried; c != NULL; c = c->next)
        lintel_log(LINTEL_LOG_INFO, c->t->conf->name,
                   "%s; a new process reads it, when the transport starts anew", text);
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
    wake_resting(p);
    if (p->renewed != 0 && now - p->renewed < RENEW_LEAST) {
        lintel_child_kill(p->child, p->outdated);
    } else {
        p->renewed = now;
        lintel_child_renew(p->child, p->outdated);
    }
}

/* ---- what its child tells -------------------------------------------------------------------- */

static void
on_up(void *ctx)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        instance_child_up(i);
    }
    carried_up(p->carried);
}

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct process *p = ctx;
    uint32_t number;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek(data, n, &number, &kind) != 0)
        return -1;
    struct lintel_instance *i = p->instances;
    while (i != NULL && i->number != number)
        i = i->next;
    int ret = i != NULL ? port_frame(i, data, n) : carried_frame(p->carried, number, data, n);
    if (ret == 0 && p->outdated[0] != '\0' &&
        (kind == LINTEL_WIRE_LINK || kind == LINTEL_WIRE_REFUSED))
        judge_outdated(p, data, n);
    return ret;
}

static void
on_gone(void *ctx, const char *reason, int64_t wait)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        instance_child_gone(i, reason, wait);
    }
    carried_gone(p->carried, reason, wait);
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
on_ended(void *ctx)
{
    struct process *p = ctx;
    for (struct lintel_instance *i = p->instances, *next; i != NULL; i = next) {
        next = i->next;
        instance_finish(i);
    }
    carried_ended(p->carried);
    free_process(p);
}

struct process *
process_new(struct lintel_plug *plug, const struct lintel_port *conf)
{
    static const struct lintel_child_fns fns = {on_cage,  on_up,   on_outdated,
                                                on_frame, on_gone, on_ended};
    struct process *p = lintel_alloc(sizeof *p);
    if (p == NULL)
        return NULL;
    p->plug = plug;
    p->life.random = plug_random(plug);
    if (conf->process != NULL)
        p->shared = lintel_strdup(conf->process);
    if (conf->process == NULL || p->shared != NULL)
        p->child = lintel_child_new(plug->loop, plug->host_program,
                                    conf->process ? conf->process : conf->name, &p->life, &fns, p);
    if (p->child == NULL) {
        lintel_free(p->shared);
        lintel_free(p);
        return NULL;
    }
    p->next = plug->processes;
    plug->processes = p;
    return p;
}

struct process *
process_for(struct lintel_plug *plug, struct process *p, const struct lintel_port *conf,
            char *isolation, uint32_t size)
{
    if (p == NULL && conf->process != NULL)
        for (p = plug->processes; p != NULL; p = p->next)
            if (!p->ending && p->shared != NULL && strcmp(p->shared, conf->process) == 0)
                break;
    if (p != NULL) {
        if (make_room(p, conf) != 0)
            return NULL;
        process_retry(p); /* it is not what it was */
    } else if ((p = process_new(plug, conf)) == NULL) {
        return NULL;
    }
    lintel_format(isolation, size, "process%s%s", p->shared ? ":" : "", p->shared ? p->shared : "");
    return p;
}

/* ---- who lives there ------------------------------------------------------------------------- */

void
process_add_bus(struct process *p, struct lintel_instance *i)
{
    struct lintel_instance **at = &p->instances;
    while (*at != NULL)
        at = &(*at)->next;
    *at = i;
    i->next = NULL;
    i->process = p;
}

void
process_remove_bus(struct lintel_instance *i)
{
    struct lintel_instance **at = &i->process->instances;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    i->process = NULL;
}

int
process_add_transport(struct lintel_plug *plug, const struct lintel_port *conf, struct carried *c,
                      char *isolation, uint32_t size)
{
    struct process *p = process_for(plug, NULL, conf, isolation, size);
    if (p == NULL)
        return -1;
    c->process = p;
    c->next = p->carried;
    p->carried = c;
    return 0;
}

void
process_remove_transport(struct carried *c)
{
    struct carried **at = &c->process->carried;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->process = NULL;
}

/* ---- the child ------------------------------------------------------------------------------- */

struct lintel_child *
process_child(const struct process *p)
{
    return p->child;
}

int
process_is_shared(const struct process *p)
{
    return p->shared != NULL;
}

struct lintel_supervise *
process_life(struct process *p)
{
    return &p->life;
}

void
process_retry(struct process *p)
{
    lintel_supervise_forgive(&p->life);
    lintel_child_retry(p->child);
}

/* ---- its end --------------------------------------------------------------------------------- */

int
process_is_left(const struct process *p)
{
    for (const struct lintel_instance *i = p->instances; i != NULL; i = i->next)
        if (i->state != INSTANCE_STOPPING)
            return 0;
    return (p->instances != NULL || p->carried != NULL) && !carried_stays(p->carried);
}

int
process_end(struct process *p)
{
    if (p->ending || !process_is_left(p))
        return 0;
    p->ending = 1;
    lintel_child_end(p->child);
    return 1;
}

void
process_leave_empty(struct process *p)
{
    if (p->ending || p->instances != NULL || p->carried != NULL)
        return;
    p->ending = 1;
    lintel_child_end(p->child);
}

void
process_end_left(struct lintel_plug *plug)
{
    for (struct process *p = plug->processes, *next; p != NULL; p = next) {
        next = p->next;
        process_end(p); /* may free it */
    }
}

void
process_kill(struct process *p)
{
    lintel_child_free(p->child);
    on_ended(p);
}
