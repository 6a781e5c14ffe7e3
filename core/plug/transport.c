/* SPDX-License-Identifier: Apache-2.0
 * Transports: plugins that serve the tree, carried as the site says. See core/plug/instance.h. */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/process.h"
#include "core/plug/transport_priv.h"

static void
free_transport(struct lintel_transport_instance *t)
{
    lintel_hostloop_clear(&t->hostloop);
    pthread_mutex_destroy(&t->lock);
    lintel_site_unref(t->site);
    lintel_free(t);
}

struct lintel_transport_instance *
lintel_plug_start_transport(struct lintel_plug *p, struct lintel_site *site,
                            const struct lintel_port *conf, const struct lintel_tree_port *tree,
                            char *reason, uint32_t size)
{
    int inside = conf->isolation == LINTEL_ISOLATION_THREAD;
    struct lintel_transport_instance *t = lintel_alloc(sizeof *t);
    if (t == NULL) {
        lintel_copy(reason, size, "out of memory");
        return NULL;
    }
    t->plug = p;
    t->site = lintel_site_ref(site);
    t->conf = conf;
    t->tree = *tree;
    t->form = inside ? &transport_inside : &transport_carried;
    t->hostloop.loop = p->loop;
    pthread_mutex_init(&t->lock, NULL);
    if ((inside ? transport_start_inside(t) : transport_start_child(t)) != LINTEL_OK) {
        lintel_copy(reason, size, t->reason);
        lintel_log(LINTEL_LOG_ERROR, conf->name, "the transport could not start: %s", reason);
        free_transport(t);
        return NULL;
    }
    struct lintel_transport_instance **at = &p->transports;
    while (*at != NULL)
        at = &(*at)->next;
    *at = t;
    return t;
}

void
lintel_plug_stop_transport(struct lintel_plug *p, struct lintel_transport_instance *t,
                           void (*then)(void *ctx), void *ctx)
{
    struct lintel_transport_instance **at = &p->transports;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->stopping = 1;
    t->then = then;
    t->then_ctx = ctx;
    t->form->stop(t);
}

void
transport_ended(struct lintel_transport_instance *t)
{
    void (*then)(void *) = t->then;
    void *ctx = t->then_ctx;
    free_transport(t);
    if (then != NULL)
        then(ctx);
}

void
lintel_transport_answer(struct lintel_transport_instance *t, void *cookie, const lintel_answer *a)
{
    t->form->answer(t, cookie, a);
}

void
lintel_transport_thing(struct lintel_transport_instance *t, const lintel_thing_info *info,
                       int added)
{
    t->form->thing(t, info, added);
}

lintel_status
lintel_transport_send(struct lintel_transport_instance *t, const char *uri,
                      const lintel_exchange *x, lintel_ticket ticket)
{
    return t->form->send(t, uri, x, ticket);
}

void
lintel_transport_request(struct lintel_transport_instance *t, lintel_ticket ticket,
                         const lintel_exchange *x)
{
    t->form->request(t, ticket, x);
}

void
lintel_transport_abandoned(struct lintel_transport_instance *t, lintel_ticket ticket)
{
    t->form->abandoned(t, ticket);
}

const char *
lintel_transport_name(const struct lintel_transport_instance *t)
{
    return t->conf->name;
}

enum lintel_transport_state
lintel_transport_state(const struct lintel_transport_instance *t)
{
    return t->state;
}

void
lintel_transport_insist(struct lintel_transport_instance *t)
{
    if (t->carried != NULL)
        t->carried->insist = 1;
}

void
lintel_transport_stats(const struct lintel_transport_instance *t, struct lintel_instance_stats *ret)
{
    static const char *const states[] = {"starting", "running", "back-off", "failed"};
    const struct lintel_child *child =
        t->carried != NULL ? process_child(t->carried->process) : NULL;
    *ret =
        (struct lintel_instance_stats){.name = t->conf->name,
                                       .plugin = t->conf->plugin->name,
                                       .version = t->conf->plugin->version,
                                       .isolation = t->isolation,
                                       .pid = child != NULL ? lintel_child_pid(child) : 0,
                                       .cage = child != NULL ? lintel_child_cage(child) : "",
                                       .restarts = child != NULL ? lintel_child_restarts(child) : 0,
                                       .state = states[t->state],
                                       .reason = t->reason,
                                       .misbehaved = t->misbehaved,
                                       .dropped = t->carried != NULL ? t->carried->replaced : 0};
}
