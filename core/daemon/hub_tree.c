/* SPDX-License-Identifier: Apache-2.0
 * What the resource tree and the transports see of the hub. */
#include <string.h>

#include "core/base/mem.h"
#include "core/daemon/hub_priv.h"
#include "core/serve/json.h"

static void
answer(void *ctx, void *cookie, const lintel_answer *a)
{
    lintel_transport_answer(ctx, cookie, a);
}

static lintel_ticket
tree_submit(void *ctx, struct lintel_transport_instance *t, const lintel_exchange *x)
{
    struct lintel_hub *h = ctx;
    return lintel_tree_submit(h->tree, x, answer, t);
}

static void
tree_abandon(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket)
{
    struct lintel_hub *h = ctx;
    (void)t;
    lintel_tree_abandon(h->tree, ticket);
}

static void
tree_reply(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
           const lintel_answer *a)
{
    struct lintel_hub *h = ctx;
    (void)t;
    lintel_tree_reply(h->tree, ticket, a);
}

static void
tree_thing_base(void *ctx, struct lintel_transport_instance *t, const char *thing, const char *base)
{
    struct lintel_hub *h = ctx;
    (void)t;
    lintel_tree_thing_base(h->tree, thing, base);
}

static void
tree_derive(void *ctx, const void *label, size_t n, uint8_t ret[32])
{
    const struct lintel_hub *h = ctx;
    lintel_hubkey_derive(&h->key, label, n, ret);
}

static uint32_t
tree_psk(void *ctx, struct lintel_transport_instance *t, const char *identity, size_t n,
         uint8_t *key, uint32_t room)
{
    const struct lintel_hub *h = ctx;
    int starts = lintel_transport_state(t) == LINTEL_TRANSPORT_STARTING;
    const struct lintel_site *site = starts && h->coming != NULL ? h->coming : h->site;
    return lintel_rights_key(site != NULL ? site->rights : NULL, identity, n, key, room);
}

static void
mounted_request(void *ctx, lintel_ticket ticket, const lintel_exchange *x)
{
    lintel_transport_request(ctx, ticket, x);
}

static void
mounted_abandoned(void *ctx, lintel_ticket ticket)
{
    lintel_transport_abandoned(ctx, ticket);
}

static lintel_status
tree_mount(void *ctx, struct lintel_transport_instance *t, const char *name, const char *links)
{
    static const struct lintel_mount_ops ops = {mounted_request, mounted_abandoned};
    struct lintel_hub *h = ctx;
    return lintel_tree_mount(h->tree, name, links, &ops, t);
}

static void
tree_unmount(void *ctx, struct lintel_transport_instance *t)
{
    struct lintel_hub *h = ctx;
    lintel_tree_unmount(h->tree, t);
}

static void
tree_resource_answer(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
                     const lintel_answer *a)
{
    struct lintel_hub *h = ctx;
    lintel_tree_mounted_answer(h->tree, t, ticket, a);
}

/* A request of the tree's own leaves by the transport that brought the one it belongs to; where
 * that is not known, by the first that takes it. */
static lintel_status
send_request(void *ctx, void *asker, const char *uri, const lintel_exchange *x,
             lintel_ticket ticket)
{
    struct lintel_hub *h = ctx;
    lintel_status st = LINTEL_E_NOTSUP; /* it came over the local socket */
    for (struct running *r = h->transports; r != NULL && st == LINTEL_E_NOTSUP; r = r->next)
        if (asker == NULL || r->transport == asker)
            st = lintel_transport_send(r->transport, uri, x, ticket);
    return st;
}

static const char *
flood(const struct lintel_instance_stats *s, char *out, size_t size)
{
    lintel_format(out, size, "floods: %llu values replaced, %llu events lost so far",
                  (unsigned long long)s->replaced, (unsigned long long)s->dropped);
    return out;
}

/* What is known of a bus' instance and of a transport alike. */
static void
add_members(struct lintel_buf *out, const char *what, const struct lintel_instance_stats *s)
{
    lintel_json_text(out, what, s->name);
    lintel_json_text(out, "plugin", s->plugin);
    lintel_json_text(out, "version", s->version);
    lintel_json_text(out, "isolation", s->isolation);
    lintel_json_text(out, "cage", s->cage);
    lintel_json_text(out, "state", s->state);
    lintel_json_text(out, "reason", s->reason);
    lintel_json_count(out, "pid", (uint64_t)s->pid);
    lintel_json_count(out, "restarts", s->restarts);
}

/* Where each bus and each transport runs. */
static void
status(void *ctx, struct lintel_buf *out)
{
    struct lintel_hub *h = ctx;
    lintel_buf_addc(out, '{');
    lintel_json_text(out, "site", h->reader.source.dir);
    lintel_json_key(out, "instances");
    lintel_buf_addc(out, '[');
    for (uint32_t i = 0; i < lintel_plug_ninstances(h->plug); i++) {
        struct lintel_instance_stats s;
        char text[128];
        lintel_instance_stats(lintel_plug_at(h->plug, i), &s);
        if (s.aside)
            continue;
        lintel_json_item(out);
        lintel_buf_addc(out, '{');
        add_members(out, "bus", &s);
        lintel_json_text(out, "file", s.file);
        lintel_json_flag(out, "fileChanged", hub_file_changed(h, &s));
        lintel_json_count(out, "nextTryMs", (uint64_t)s.next_try / 1000000);
        lintel_json_count(out, "misbehaved", s.misbehaved);
        lintel_json_count(out, "dropped", s.dropped);
        lintel_json_count(out, "replaced", s.replaced);
        lintel_json_count(out, "late", s.late);
        lintel_json_text(out, "warning", s.floods ? flood(&s, text, sizeof text) : "");
        lintel_buf_addc(out, '}');
    }
    lintel_buf_addc(out, ']');
    lintel_json_key(out, "transports");
    lintel_buf_addc(out, '[');
    for (struct running *r = h->transports; r != NULL; r = r->next) {
        struct lintel_instance_stats s;
        lintel_transport_stats(r->transport, &s);
        lintel_json_item(out);
        lintel_buf_addc(out, '{');
        add_members(out, "transport", &s);
        lintel_buf_addc(out, '}');
    }
    lintel_buf_adds(out, "]}");
}

/* Lists the installed plugins. Never while a site is being read: the loader is the reader's then.
 */
void
hub_note_plugins(struct lintel_hub *h)
{
    struct lintel_buf *out = &h->plugins;
    const char *const *names = lintel_loader_names(h->reader.loader);
    lintel_buf_reset(out);
    lintel_buf_addc(out, '[');
    for (uint32_t i = 0; names != NULL && names[i] != NULL; i++) {
        lintel_json_item(out);
        lintel_buf_add_json_str(out, names[i], strlen(names[i]));
    }
    lintel_buf_addc(out, ']');
}

static void
plugins(void *ctx, struct lintel_buf *out)
{
    const struct lintel_hub *h = ctx;
    lintel_buf_add(out, h->plugins.p, h->plugins.n);
}

struct reload_answer {
    lintel_reload_done *done;
    void *ctx;
};

static void
answer_reload(void *ctx, const struct lintel_hub_change *c, struct lintel_report *problems)
{
    struct reload_answer *a = ctx;
    struct lintel_buf json = {0};
    if (problems == NULL)
        lintel_buf_addf(&json, "{\"added\":%u,\"changed\":%u,\"removed\":%u,\"kept\":%u}", c->added,
                        c->changed, c->removed, c->kept);
    else
        lintel_report_json(problems, &json);
    a->done(a->ctx, problems != NULL, &json);
    lintel_buf_fini(&json);
    lintel_free(a);
}

static void
reload(void *ctx, const char *who, lintel_reload_done *done, void *done_ctx)
{
    struct reload_answer *a = lintel_alloc(sizeof *a);
    struct lintel_buf none = {0};
    if (a == NULL) {
        done(done_ctx, 1, &none);
        return;
    }
    *a = (struct reload_answer){done, done_ctx};
    lintel_hub_reload(ctx, who, answer_reload, a);
}

/* ---- the tables ------------------------------------------------------------------------------ */

struct lintel_tree_port
hub_tree_port(struct lintel_hub *h)
{
    return (struct lintel_tree_port){
        h,           tree_submit, tree_abandon, tree_reply,   tree_thing_base,
        tree_derive, tree_psk,    tree_mount,   tree_unmount, tree_resource_answer,
        NULL};
}

struct lintel_tree_source
hub_tree_source(struct lintel_hub *h)
{
    return (struct lintel_tree_source){.status = status,
                                       .plugins = plugins,
                                       .reload = reload,
                                       .derive = tree_derive,
                                       .send = send_request,
                                       .bus = hub_bus,
                                       .bus_abandon = hub_bus_abandon,
                                       .ctx = h};
}
