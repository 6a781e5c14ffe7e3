/* SPDX-License-Identifier: Apache-2.0
 * A transport on the loop's thread: what it calls are plain calls. See core/plug/transport_priv.h.
 */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/transport_priv.h"

static struct lintel_transport_instance *
transport_of(const lintel_host *h)
{
    union {
        const lintel_host *in;
        struct lintel_transport_instance *out;
    } u = {h};
    return u.out;
}

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct lintel_transport_instance *t = transport_of(h);
    pthread_mutex_lock(&t->lock);
    lintel_copy(t->last_line, sizeof t->last_line, line);
    pthread_mutex_unlock(&t->lock);
    if (t->conf->log < 0 || level <= t->conf->log)
        lintel_log(level, t->conf->name, "%s", line);
}

/* Requests, values and devices are a protocol plugin's; a transport that speaks of them has misread
 * the ABI. */
static void
misbehaving(const lintel_host *h)
{
    lintel_log(
        LINTEL_LOG_ERROR, transport_of(h)->conf->name,
        "PLUGIN MISBEHAVING: a transport has no points, so it can't complete or publish any");
}

static void
host_complete(const lintel_host *h, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    (void)r, (void)st, (void)s, (void)n;
    misbehaving(h);
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    (void)s, (void)n;
    misbehaving(h);
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    lintel_log(st == LINTEL_OK ? LINTEL_LOG_INFO : LINTEL_LOG_WARN, transport_of(h)->conf->name,
               "%s%s%s", st == LINTEL_OK ? "connected" : "not connected", detail ? ": " : "",
               detail ? detail : "");
}

static void
host_device(const lintel_host *h, const lintel_device *d, lintel_status st, const char *detail)
{
    (void)d, (void)st, (void)detail;
    misbehaving(h);
}

static int32_t
host_cancelled(const lintel_host *h, const lintel_request *r)
{
    (void)h, (void)r;
    return 1;
}

static lintel_ticket
tree_submit(const lintel_host *h, const lintel_exchange *x)
{
    struct lintel_transport_instance *t = transport_of(h);
    if (!LINTEL_HAS(t->ops, answer)) {
        lintel_log(LINTEL_LOG_ERROR, t->conf->name,
                   "PLUGIN MISBEHAVING: it submits a request, but has no answer() for what comes");
        return 0;
    }
    return t->tree.submit(t->tree.ctx, t, x);
}

static void
tree_abandon(const lintel_host *h, lintel_ticket ticket)
{
    struct lintel_transport_instance *t = transport_of(h);
    t->tree.abandon(t->tree.ctx, t, ticket);
}

static void
tree_reply(const lintel_host *h, lintel_ticket ticket, const lintel_answer *a)
{
    struct lintel_transport_instance *t = transport_of(h);
    t->tree.reply(t->tree.ctx, t, ticket, a);
}

static void
tree_thing_base(const lintel_host *h, const char *thing, const char *base)
{
    struct lintel_transport_instance *t = transport_of(h);
    t->tree.thing_base(t->tree.ctx, t, thing, base);
}

static void
tree_derive(const lintel_host *h, const void *label, size_t n, uint8_t ret[32])
{
    struct lintel_transport_instance *t = transport_of(h);
    t->tree.derive(t->tree.ctx, label, n, ret);
}

static uint32_t
tree_psk(const lintel_host *h, const char *identity, size_t n, uint8_t *key, uint32_t room)
{
    struct lintel_transport_instance *t = transport_of(h);
    return t->tree.psk(t->tree.ctx, t, identity, n, key, room);
}

static lintel_status
resources_mount(const lintel_host *h, const char *name, const char *links)
{
    struct lintel_transport_instance *t = transport_of(h);
    if (!LINTEL_HAS(t->resources, request))
        return LINTEL_E_NOTSUP;
    return t->tree.mount(t->tree.ctx, t, name, links);
}

static void
resources_answer(const lintel_host *h, lintel_ticket ticket, const lintel_answer *a)
{
    struct lintel_transport_instance *t = transport_of(h);
    t->tree.resource_answer(t->tree.ctx, t, ticket, a);
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    static const lintel_host_transport tree = {
        .size = sizeof tree,
        .submit = tree_submit,
        .abandon = tree_abandon,
        .reply = tree_reply,
        .thing_base = tree_thing_base,
        .derive = tree_derive,
        .psk = tree_psk,
    };
    static const lintel_host_resources resources = {sizeof resources, 0, resources_mount,
                                                    resources_answer};
    (void)h;
    if (strcmp(id, LINTEL_EXT_LOOP) == 0)
        return &lintel_hostloop_extension;
    if (strcmp(id, LINTEL_EXT_RESOURCES) == 0)
        return &resources;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &tree : NULL;
}

/* Nothing that is mounted may outlive it, nor be mounted from now on. */
static void
unmount(struct lintel_transport_instance *t)
{
    if (LINTEL_HAS(t->resources, request))
        t->tree.unmount(t->tree.ctx, t);
    t->resources = NULL;
}

/* Creates and starts it; the status, and in the log why. */
static lintel_status
start(struct lintel_transport_instance *t)
{
    const lintel_plugin *p = lintel_port_code(t->conf);
    lintel_status st = p->create(&t->hostloop.host, t->conf->settings, &t->self);
    if (st != LINTEL_OK)
        return st;
    t->ops = p->extension(t->self, LINTEL_EXT_TRANSPORT);
    t->resources = p->extension(t->self, LINTEL_EXT_RESOURCES);
    if (!LINTEL_HAS(t->ops, answer) && !LINTEL_HAS(t->resources, request)) {
        host_log(&t->hostloop.host, LINTEL_LOG_ERROR,
                 "the plugin has neither " LINTEL_EXT_TRANSPORT
                 " with answer() nor " LINTEL_EXT_RESOURCES " with request()");
        st = LINTEL_E_FAIL;
    } else if (p->start != NULL) {
        st = p->start(t->self);
    }
    if (st != LINTEL_OK) {
        unmount(t);
        p->destroy(t->self);
    }
    return st;
}

lintel_status
transport_start_inside(struct lintel_transport_instance *t)
{
    t->hostloop.host = (lintel_host){.size = sizeof t->hostloop.host,
                                     .abi_minor = LINTEL_ABI_MINOR,
                                     .log = host_log,
                                     .complete = host_complete,
                                     .publish = host_publish,
                                     .link = host_link,
                                     .device = host_device,
                                     .cancelled = host_cancelled,
                                     .now = lintel_hostloop_now,
                                     .wall = lintel_hostloop_wall,
                                     .extension = host_extension};
    t->hostloop.loop = t->plug->loop;
    lintel_copy(t->isolation, sizeof t->isolation, "thread");
    lintel_status st = start(t);
    if (st == LINTEL_OK) {
        t->state = LINTEL_TRANSPORT_RUNNING;
        lintel_log(LINTEL_LOG_INFO, t->conf->name, "transport %s %s runs", t->conf->plugin->name,
                   t->conf->plugin->version);
        return st;
    }
    pthread_mutex_lock(&t->lock);
    lintel_copy(t->reason, sizeof t->reason,
                t->last_line[0] != '\0' ? t->last_line : "the plugin does not say why");
    pthread_mutex_unlock(&t->lock);
    return st;
}

static void
inside_stop(struct lintel_transport_instance *t)
{
    const lintel_plugin *p = lintel_port_code(t->conf);
    unmount(t); /* who waits is told */
    if (p->stop != NULL)
        p->stop(t->self);
    p->destroy(t->self);
    transport_ended(t);
}

static void
inside_answer(struct lintel_transport_instance *t, void *cookie, const lintel_answer *a)
{
    t->ops->answer(t->self, cookie, a);
}

static void
inside_thing(struct lintel_transport_instance *t, const lintel_thing_info *info, int added)
{
    if (added && LINTEL_HAS(t->ops, thing_added))
        t->ops->thing_added(t->self, info);
    if (!added && LINTEL_HAS(t->ops, thing_removed))
        t->ops->thing_removed(t->self, info->name);
}

static lintel_status
inside_send(struct lintel_transport_instance *t, const char *uri, const lintel_exchange *x,
            lintel_ticket ticket)
{
    if (!LINTEL_HAS(t->ops, send))
        return LINTEL_E_NOTSUP;
    return t->ops->send(t->self, uri, x, ticket);
}

static void
inside_request(struct lintel_transport_instance *t, lintel_ticket ticket, const lintel_exchange *x)
{
    t->resources->request(t->self, ticket, x);
}

static void
inside_abandoned(struct lintel_transport_instance *t, lintel_ticket ticket)
{
    if (LINTEL_HAS(t->resources, abandoned))
        t->resources->abandoned(t->self, ticket);
}

const struct transport_form transport_inside = {inside_stop, inside_answer,  inside_thing,
                                                inside_send, inside_request, inside_abandoned};
