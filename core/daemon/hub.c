/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/hub.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/daemon/site_source.h"
#include "core/engine/engine.h"
#include "core/plug/inspect.h"
#include "core/plug/instance.h"
#include "core/serve/json.h"
#include "core/serve/local.h"
#include "core/serve/trail.h"
#include "core/serve/tree.h"
#include "core/store/store.h"
#include "core/trust/hubkey.h"
#include "core/trust/secret.h"

/* A bus or transport that runs, or is ending before it can start again. */
struct running {
    struct running *next;
    struct lintel_hub *hub;
    char *name;
    uint8_t digest[16];
    struct lintel_instance *instance;            /* a bus */
    struct lintel_transport_instance *transport; /* or a transport */
    int stopping;                                /* a bus whose thread or child has not ended yet */
};

struct waiting { /* somebody who asked for a reload */
    struct waiting *next;
    lintel_hub_reloaded_fn *done;
    void *ctx;
};

struct lintel_hub {
    struct lintel_loop *loop;
    struct lintel_hubkey key;
    struct lintel_site_reader reader;
    struct lintel_site *site;         /* what runs */
    const struct lintel_site *coming; /* while its transports start; else NULL */
    struct lintel_engine *engine;
    struct lintel_plug *plug;
    struct lintel_trail *trail;
    struct lintel_tree *tree;
    struct lintel_store *directory; /* registrations; NULL: they can't be kept */
    struct lintel_local *local;
    struct running *buses, *transports;
    struct lintel_buf plugins; /* their names, as JSON */
    /* A reload: one at a time, read on a thread. */
    pthread_t reading_thread;
    int reading, again, closing;
    struct lintel_site *fresh; /* written by the thread, taken on the loop */
    struct lintel_report problems;
    struct waiting *waiting, *waiting_next; /* for the reload under way; for the one after it */
};

static struct running *
running_find(struct running *list, const char *name)
{
    for (; list != NULL; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static struct running *
running_add(struct lintel_hub *h, struct running **list, const struct lintel_port *conf)
{
    struct running *r = lintel_alloc(sizeof *r);
    if (r == NULL || (r->name = lintel_strdup(conf->name)) == NULL) {
        lintel_free(r);
        return NULL;
    }
    memcpy(r->digest, conf->digest, sizeof r->digest);
    r->hub = h;
    r->next = *list;
    *list = r;
    return r;
}

static void
running_remove(struct running **list, struct running *r)
{
    while (*list != r)
        list = &(*list)->next;
    *list = r->next;
    lintel_free(r->name);
    lintel_free(r);
}

/* ---- the tree's view of the hub -------------------------------------------------------------- */

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
tree_psk(void *ctx, const char *identity, size_t n, uint8_t *key, uint32_t room)
{
    const struct lintel_hub *h = ctx;
    const struct lintel_site *site = h->coming != NULL ? h->coming : h->site;
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

/* Where each bus runs. */
static void
status(void *ctx, struct lintel_buf *out)
{
    struct lintel_hub *h = ctx;
    lintel_buf_addc(out, '{');
    lintel_json_text(out, "site", h->site->dir);
    lintel_json_key(out, "instances");
    lintel_buf_addc(out, '[');
    for (uint32_t i = 0; i < lintel_plug_ninstances(h->plug); i++) {
        struct lintel_instance_stats s;
        lintel_instance_stats(lintel_plug_at(h->plug, i), &s);
        lintel_json_item(out);
        lintel_buf_addc(out, '{');
        lintel_json_text(out, "bus", s.name);
        lintel_json_text(out, "plugin", s.plugin);
        lintel_json_text(out, "version", s.version);
        lintel_json_text(out, "isolation", s.isolation);
        lintel_json_text(out, "state", s.state);
        lintel_json_text(out, "reason", s.reason);
        lintel_json_count(out, "pid", (uint64_t)s.pid);
        lintel_json_count(out, "restarts", s.restarts);
        lintel_buf_addc(out, '}');
    }
    lintel_buf_addc(out, ']');
    lintel_json_key(out, "transports");
    lintel_buf_addc(out, '[');
    for (struct running *r = h->transports; r != NULL; r = r->next) {
        lintel_json_item(out);
        lintel_buf_add_json_str(out, r->name, strlen(r->name));
    }
    lintel_buf_adds(out, "]}");
}

/* Lists the installed plugins. Never while a site is being read: the loader is the reader's then.
 */
static void
note_plugins(struct lintel_hub *h)
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

/* ---- starting and stopping parts ------------------------------------------------------------- */

static void
tell_transport(struct lintel_hub *h, struct lintel_transport_instance *t)
{
    for (uint32_t i = 0; i < lintel_engine_nthings(h->engine); i++) {
        const struct lintel_thing *thing =
            lintel_live_thing_conf(lintel_engine_thing_at(h->engine, i));
        lintel_thing_info info = {sizeof info, thing->id, thing->zone};
        lintel_transport_thing(t, &info, 1);
    }
}

static void
tell_all(struct lintel_hub *h, const struct lintel_thing *thing, int added)
{
    lintel_thing_info info = {sizeof info, thing->id, thing->zone};
    for (struct running *r = h->transports; r != NULL; r = r->next)
        lintel_transport_thing(r->transport, &info, added);
}

static int
start_transport(struct lintel_hub *h, struct lintel_site *site, const struct lintel_port *conf,
                struct lintel_report *report)
{
    const struct lintel_tree_port port = {
        h,           tree_submit, tree_abandon, tree_reply,   tree_thing_base,
        tree_derive, tree_psk,    tree_mount,   tree_unmount, tree_resource_answer};
    char reason[400] = "out of memory";
    struct running *r = running_add(h, &h->transports, conf);
    if (r != NULL)
        r->transport =
            lintel_plug_start_transport(h->plug, site, conf, &port, reason, sizeof reason);
    if (r != NULL && r->transport != NULL) {
        tell_transport(h, r->transport);
        return 0;
    }
    if (r != NULL)
        running_remove(&h->transports, r);
    return lintel_error(report, conf->at, "transport %s does not start: %s", conf->name, reason);
}

static void
stop_transport(struct lintel_hub *h, struct running *r)
{
    lintel_plug_stop_transport(h->plug, r->transport);
    running_remove(&h->transports, r);
}

static void
add_thing(struct lintel_hub *h, struct lintel_site *site, const struct lintel_thing *t)
{
    struct lintel_bus *bus = lintel_engine_find_bus(h->engine, t->bus);
    struct lintel_live_thing *live =
        bus == NULL ? NULL : lintel_engine_add_thing(h->engine, bus, site, t);
    if (live == NULL) {
        lintel_log(LINTEL_LOG_ERROR, "hub", "%s can't be started: out of memory", t->id);
        return;
    }
    lintel_tree_thing(h->tree, live, 1);
    tell_all(h, t, 1);
}

static void
remove_thing(struct lintel_hub *h, struct lintel_live_thing *live)
{
    const struct lintel_thing *conf = lintel_live_thing_conf(live);
    lintel_tree_thing(h->tree, live, 0);
    lintel_engine_remove_thing(h->engine, live); /* buried at the end of the turn */
    tell_all(h, conf, 0); /* last: who observes it at its own address hears that it has gone */
}

static void
start_bus(struct lintel_hub *h, struct lintel_site *site, const struct lintel_port *conf)
{
    struct running *r = running_add(h, &h->buses, conf);
    if (r != NULL)
        r->instance = lintel_plug_start_bus(h->plug, site, conf);
    if (r != NULL && r->instance != NULL)
        return;
    if (r != NULL)
        running_remove(&h->buses, r);
    lintel_log(LINTEL_LOG_ERROR, "hub", "bus %s can't be started: out of memory", conf->name);
}

static const struct lintel_port *
port_find(const struct lintel_port *ports, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(ports[i].name, name) == 0)
            return &ports[i];
    return NULL;
}

static void
start_things_of(struct lintel_hub *h, const char *bus)
{
    for (uint32_t i = 0; i < h->site->nthings; i++)
        if (strcmp(h->site->things[i].bus, bus) == 0)
            add_thing(h, h->site, &h->site->things[i]);
}

/* A bus has ended. If the site of now wants one of that name, its line or port is free again. */
static void
bus_ended(void *ctx)
{
    struct running *r = ctx;
    struct lintel_hub *h = r->hub;
    const struct lintel_port *conf = port_find(h->site->buses, h->site->nbuses, r->name);
    running_remove(&h->buses, r);
    if (conf == NULL || h->closing)
        return;
    start_bus(h, h->site, conf);
    start_things_of(h, conf->name);
}

static void
stop_bus(struct lintel_hub *h, struct running *r)
{
    for (uint32_t i = lintel_engine_nthings(h->engine); i-- > 0;) {
        struct lintel_live_thing *t = lintel_engine_thing_at(h->engine, i);
        if (strcmp(lintel_live_thing_conf(t)->bus, r->name) == 0)
            remove_thing(h, t);
    }
    r->stopping = 1;
    lintel_plug_stop_bus(h->plug, r->instance, bus_ended, r);
}

/* ---- taking a site in ------------------------------------------------------------------------ */

static int
apply_transports(struct lintel_hub *h, const struct lintel_site *before, struct lintel_site *site,
                 struct lintel_hub_change *c, struct lintel_report *report)
{
    int failed = 0;
    for (struct running *r = h->transports, *next; r != NULL; r = next) {
        const struct lintel_port *conf = port_find(site->transports, site->ntransports, r->name);
        next = r->next;
        if (conf != NULL && memcmp(conf->digest, r->digest, sizeof r->digest) == 0)
            continue;
        if (conf == NULL)
            c->removed++;
        stop_transport(h, r);
    }
    for (uint32_t i = 0; i < site->ntransports; i++) {
        const struct lintel_port *conf = &site->transports[i];
        int known = before != NULL &&
                    port_find(before->transports, before->ntransports, conf->name) != NULL;
        if (running_find(h->transports, conf->name) != NULL) {
            c->kept++;
            continue;
        }
        *(known ? &c->changed : &c->added) += 1;
        failed |= start_transport(h, site, conf, report);
    }
    return failed;
}

static void
apply_buses(struct lintel_hub *h, const struct lintel_site *before, struct lintel_site *site,
            struct lintel_hub_change *c)
{
    for (struct running *r = h->buses, *next; r != NULL; r = next) {
        const struct lintel_port *conf = port_find(site->buses, site->nbuses, r->name);
        next = r->next;
        if (r->stopping || (conf != NULL && memcmp(conf->digest, r->digest, sizeof r->digest) == 0))
            continue;
        if (conf == NULL)
            c->removed++;
        stop_bus(h, r);
    }
    for (uint32_t i = 0; i < site->nbuses; i++) {
        const struct lintel_port *conf = &site->buses[i];
        struct running *r = running_find(h->buses, conf->name);
        if (r != NULL && !r->stopping) {
            c->kept++;
            continue;
        }
        int known = before != NULL && port_find(before->buses, before->nbuses, conf->name) != NULL;
        *(known ? &c->changed : &c->added) += 1;
        if (r == NULL)
            start_bus(h, site, conf); /* else bus_ended() does */
    }
}

/* Things of the new site by id. -1: out of memory. */
static int
index_things(const struct lintel_site *site, struct lintel_map *ret)
{
    for (uint32_t i = 0; i < site->nthings; i++)
        if (lintel_map_put(ret, site->things[i].id, strlen(site->things[i].id), &site->things[i]) !=
            0)
            return -1;
    return 0;
}

static void
apply_things(struct lintel_hub *h, struct lintel_site *site, const struct lintel_map *wanted,
             struct lintel_hub_change *c)
{
    for (uint32_t i = lintel_engine_nthings(h->engine); i-- > 0;) {
        struct lintel_live_thing *live = lintel_engine_thing_at(h->engine, i);
        const struct lintel_thing *was = lintel_live_thing_conf(live);
        const struct lintel_thing *is = lintel_map_get(wanted, was->id, strlen(was->id));
        if (is != NULL && memcmp(is->digest, was->digest, sizeof is->digest) == 0 &&
            strcmp(is->bus, was->bus) == 0) {
            c->kept++;
            continue;
        }
        *(is == NULL ? &c->removed : &c->changed) += 1;
        remove_thing(h, live);
        if (is != NULL && running_find(h->buses, is->bus) != NULL &&
            !running_find(h->buses, is->bus)->stopping)
            add_thing(h, site, is);
    }
    for (uint32_t i = 0; i < site->nthings; i++) {
        const struct lintel_thing *t = &site->things[i];
        struct running *r = running_find(h->buses, t->bus);
        if (r == NULL || r->stopping || /* bus_ended() starts its things */
            lintel_engine_find_thing(h->engine, t->id, strlen(t->id)) != NULL)
            continue;
        add_thing(h, site, t);
        c->added++;
    }
}

/* Puts back the transports of the site that goes on, after another one's did not start. */
static void
restore_transports(struct lintel_hub *h, struct lintel_site *before)
{
    struct lintel_hub_change ignored = {0};
    struct lintel_report problems = {0};
    if (before == NULL) {
        while (h->transports != NULL)
            stop_transport(h, h->transports);
        return;
    }
    apply_transports(h, before, before, &ignored, &problems);
    lintel_report_log(&problems, "hub");
    lintel_report_fini(&problems);
}

/* Makes the hub run this site. Transports go first: they alone can still fail, and then nothing
 * else has changed. 0: the site is the hub's; -1: refused as a whole, and still the caller's. */
static int
apply(struct lintel_hub *h, struct lintel_site *site, struct lintel_hub_change *c,
      struct lintel_report *report)
{
    struct lintel_map wanted = {0};
    struct lintel_site *before = h->site;
    if (index_things(site, &wanted) != 0) {
        lintel_map_fini(&wanted);
        return lintel_error(report, (struct lintel_place){site->dir, 0, 0}, "out of memory");
    }
    h->coming = site; /* a transport that starts asks for its keys */
    int failed = apply_transports(h, before, site, c, report);
    h->coming = NULL;
    if (failed != 0) {
        restore_transports(h, before);
        lintel_map_fini(&wanted);
        return -1;
    }
    h->site = site;
    lintel_tree_site(h->tree, site);
    lintel_trail_keep(h->trail, site->audit_records, site->audit_days);
    apply_buses(h, before, site, c);
    apply_things(h, site, &wanted, c);
    lintel_map_fini(&wanted);
    lintel_site_unref(before);
    return 0;
}

/* ---- reloading ------------------------------------------------------------------------------- */

static void reload_start(struct lintel_hub *h);

/* Tells those who wait that it is over, one way or the other. */
static void
tell_waiting(struct waiting **list, const struct lintel_hub_change *c,
             struct lintel_report *problems)
{
    struct waiting *w = *list;
    *list = NULL;
    while (w != NULL) {
        struct waiting *next = w->next;
        if (w->done != NULL)
            w->done(w->ctx, c, problems);
        lintel_free(w);
        w = next;
    }
}

static void
reload_read(void *ctx)
{
    struct lintel_hub *h = ctx;
    struct lintel_hub_change change = {0};
    struct lintel_report *problems = NULL;
    pthread_join(h->reading_thread, NULL);
    h->reading = 0;
    if (h->closing)
        return;
    note_plugins(h);
    if (h->fresh == NULL || apply(h, h->fresh, &change, &h->problems) != 0) {
        problems = &h->problems;
        lintel_site_unref(h->fresh);
    }
    h->fresh = NULL;
    if (problems == NULL)
        lintel_log(LINTEL_LOG_INFO, "hub", "reloaded: %u added, %u changed, %u removed, %u kept",
                   change.added, change.changed, change.removed, change.kept);
    else
        lintel_report_log(problems, "hub");
    tell_waiting(&h->waiting, &change, problems);
    lintel_report_fini(&h->problems);
    if (h->again)
        reload_start(h);
}

static void *
read_thread(void *ctx)
{
    struct lintel_hub *h = ctx;
    h->fresh = lintel_site_read(&h->reader.source, &h->problems);
    while (lintel_loop_post(h->loop, reload_read, h) != 0)
        ; /* out of memory for a few bytes: others will give some back */
    return NULL;
}

static void
reload_start(struct lintel_hub *h)
{
    h->again = 0;
    h->waiting = h->waiting_next;
    h->waiting_next = NULL;
    h->reader.source.before = h->site;
    h->reading = 1;
    if (pthread_create(&h->reading_thread, NULL, read_thread, h) == 0)
        return;
    h->reading = 0;
    lintel_error(&h->problems, (struct lintel_place){h->site->dir, 0, 0},
                 "no thread can be started to read the site; try again");
    tell_waiting(&h->waiting, &(struct lintel_hub_change){0}, &h->problems);
    lintel_report_fini(&h->problems);
}

void
lintel_hub_reload(struct lintel_hub *h, const char *who, lintel_hub_reloaded_fn *done, void *ctx)
{
    struct waiting *w = lintel_alloc(sizeof *w);
    lintel_log(LINTEL_LOG_INFO, "hub", "reload of %s asked for by %s", h->site->dir, who);
    if (w == NULL) {
        struct lintel_report problems = {0};
        lintel_error(&problems, (struct lintel_place){h->site->dir, 0, 0}, "out of memory");
        if (done != NULL)
            done(ctx, &(struct lintel_hub_change){0}, &problems);
        lintel_report_fini(&problems);
        return;
    }
    *w = (struct waiting){h->waiting_next, done, ctx};
    h->waiting_next = w;
    h->again = 1;
    if (!h->reading)
        reload_start(h);
}

/* ---- life ------------------------------------------------------------------------------------ */

static uint64_t
random_seed(void)
{
    uint64_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        ;
    return seed;
}

/* Registrations are soft state: a hub that can't keep them serves all the same. */
static void
open_directory(struct lintel_hub *h, const char *state_dir)
{
    char path[LINTEL_PATH_MOST], reason[300] = "the path is too long";
    if (lintel_format(path, sizeof path, "%s/directory.db", state_dir))
        h->directory = lintel_store_open(h->loop, path, "directory 1", reason, sizeof reason);
    if (h->directory == NULL)
        lintel_log(LINTEL_LOG_ERROR, "hub", "registrations can't be kept: %s", reason);
}

static int
open_trail(struct lintel_hub *h, const struct lintel_hub_source *s, struct lintel_report *report)
{
    char reason[300] = "", path[LINTEL_PATH_MOST];
    struct lintel_place at = {s->state_dir, 0, 0};
    if (!lintel_format(path, sizeof path, "%s/audit.db", s->state_dir))
        return lintel_error(report, at, "the path is too long");
    at.file = path;
    struct lintel_store *store =
        lintel_store_open(s->loop, path, LINTEL_TRAIL_KIND, reason, sizeof reason);
    if (store != NULL && (h->trail = lintel_trail_new(s->loop, store, reason, sizeof reason)))
        return 0;
    lintel_store_close(store);
    return lintel_error(report, at, "%s", reason);
}

/* The parts that every site needs. */
static int
make_parts(struct lintel_hub *h, const struct lintel_hub_source *s, struct lintel_report *report)
{
    char reason[300] = "out of memory", socket_path[LINTEL_PATH_MOST];
    if (lintel_hubkey_open(s->state_dir, &h->key, reason, sizeof reason) != 0)
        return lintel_error(report, (struct lintel_place){s->state_dir, 0, 0}, "%s", reason);
    if (open_trail(h, s, report) != 0)
        return -1;
    open_directory(h, s->state_dir);
    h->engine = lintel_engine_new(s->loop, random_seed());
    if (h->engine != NULL)
        lintel_engine_recorder(h->engine, lintel_trail_command, h->trail);
    if (h->engine != NULL)
        h->plug = lintel_plug_new(&(struct lintel_plug_source){s->loop, h->engine, s->paths->host});
    if (h->plug != NULL)
        h->tree = lintel_tree_new(&(struct lintel_tree_source){.engine = h->engine,
                                                               .loop = s->loop,
                                                               .hub_name = h->site->name,
                                                               .directory = h->directory,
                                                               .status = status,
                                                               .plugins = plugins,
                                                               .reload = reload,
                                                               .trail = h->trail,
                                                               .seed = random_seed(),
                                                               .derive = tree_derive,
                                                               .send = send_request,
                                                               .ctx = h});
    if (h->tree == NULL)
        return lintel_error(report, (struct lintel_place){s->site_dir, 0, 0}, "%s", reason);
    if (!lintel_format(socket_path, sizeof socket_path, "%s/lintel.sock", s->run_dir))
        return lintel_error(report, (struct lintel_place){s->run_dir, 0, 0},
                            "the path is too long");
    h->local = lintel_local_new(s->loop, h->tree, socket_path, reason, sizeof reason);
    if (h->local == NULL)
        return lintel_error(report, (struct lintel_place){socket_path, 0, 0}, "%s", reason);
    return 0;
}

struct lintel_hub *
lintel_hub_new(const struct lintel_hub_source *s, struct lintel_report *report)
{
    struct lintel_place whole = {s->site_dir, 0, 0};
    struct lintel_hub *h = lintel_alloc(sizeof *h);
    if (h == NULL || lintel_site_reader_init(&h->reader, s->paths, s->site_dir) != 0) {
        lintel_error(report, whole, "out of memory");
        lintel_free(h);
        return NULL;
    }
    h->loop = s->loop;
    struct lintel_site *site = lintel_site_read(&h->reader.source, report);
    struct lintel_hub_change change = {0};
    h->site = site;
    note_plugins(h);
    if (site == NULL || make_parts(h, s, report) != 0) {
        lintel_hub_free(h);
        return NULL;
    }
    h->site = NULL; /* nothing of it runs yet */
    if (apply(h, site, &change, report) != 0) {
        h->site = site; /* also where it was refused before anything started */
        lintel_hub_free(h);
        return NULL;
    }
    lintel_log(LINTEL_LOG_INFO, "hub", "%s runs: %u things on %u buses, %u transports", site->name,
               site->nthings, site->nbuses, site->ntransports);
    return h;
}

void
lintel_hub_free(struct lintel_hub *h)
{
    if (h == NULL)
        return;
    h->closing = 1;
    if (h->reading)
        pthread_join(h->reading_thread, NULL);
    lintel_site_unref(h->fresh);
    lintel_report_fini(&h->problems);
    lintel_error(&h->problems, (struct lintel_place){"", 0, 0}, "the hub is ending");
    tell_waiting(&h->waiting, &(struct lintel_hub_change){0}, &h->problems);
    tell_waiting(&h->waiting_next, &(struct lintel_hub_change){0}, &h->problems);
    lintel_report_fini(&h->problems);
    lintel_local_free(h->local);
    while (h->transports != NULL)
        stop_transport(h, h->transports);
    lintel_store_close(h->directory); /* whoever waits for the disk is answered now */
    lintel_tree_free(h->tree);
    for (uint32_t i = h->engine ? lintel_engine_nthings(h->engine) : 0; i-- > 0;)
        lintel_engine_remove_thing(h->engine, lintel_engine_thing_at(h->engine, i));
    lintel_plug_free(h->plug);
    while (h->buses != NULL)
        running_remove(&h->buses, h->buses);
    lintel_engine_free(h->engine);
    lintel_trail_free(h->trail);
    lintel_site_unref(h->site);
    lintel_site_reader_fini(&h->reader);
    lintel_buf_fini(&h->plugins);
    lintel_secret_wipe(&h->key, sizeof h->key);
    lintel_free(h);
}
