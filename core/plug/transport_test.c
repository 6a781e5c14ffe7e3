/* SPDX-License-Identifier: Apache-2.0
 * A transport of the test's own under the hosting: the tree's side is the test. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/plug/plug_kit.h"
#include "lintel/ext/loop.h"
#include "lintel/ext/resources.h"
#include "tests/kit/kit.h"

struct echo { /* the plugin: each byte that comes on its socket is a GET, the answer's payload goes
                 back */
    const lintel_host *host;
    const lintel_host_loop *loop;
    const lintel_host_transport *tree;
    int fail, added, removed, ticks;
    lintel_ticket pending;
};
static int wire[2];

static void
on_byte(void *arg, int32_t fd, uint32_t ready)
{
    struct echo *e = arg;
    char c = 0;
    if (!(ready & LINTEL_LOOP_READ) || read(fd, &c, 1) != 1)
        return;
    const lintel_span path[] = {{&c, 1}};
    const lintel_exchange x = {.size = sizeof x,
                               .method = LINTEL_GET,
                               .path = path,
                               .npath = 1,
                               .identity = "",
                               .peer = "test",
                               .base = "test://",
                               .cookie = e};
    if (c == '!')
        e->tree->abandon(e->host, e->pending);
    else
        e->pending = e->tree->submit(e->host, &x);
}

static void
on_tick(void *arg)
{
    struct echo *e = arg;
    e->ticks++;
    e->loop->timer(e->host, e->host->now(e->host) + 1000000000, on_tick, e);
}

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    struct echo *e = calloc(1, sizeof *e);
    e->host = h;
    e->loop = h->extension(h, LINTEL_EXT_LOOP);
    e->tree = h->extension(h, LINTEL_EXT_TRANSPORT);
    e->fail = (int)v[0].as.i;
    *self = e;
    return LINTEL_OK;
}

static lintel_status
start(void *self)
{
    struct echo *e = self;
    if (e->fail) {
        e->host->log(e->host, LINTEL_LOG_ERROR, "port 5683 is taken");
        return LINTEL_E_CONFIG;
    }
    e->loop->timer(e->host, e->host->now(e->host) + 1000000000, on_tick, e);
    return e->loop->watch(e->host, wire[0], LINTEL_LOOP_READ, on_byte, e);
}

static void
answer(void *self, void *cookie, const lintel_answer *a)
{
    CHECK(self == cookie);
    CHECK_INT(write(wire[0], a->payload.p, a->payload.n), a->payload.n);
}

static struct echo *last;

static void
thing_added(void *self, const lintel_thing_info *t)
{
    last = self;
    last->added += strcmp(t->name, "lamp") == 0;
}

static void
thing_removed(void *self, const char *name)
{
    ((struct echo *)self)->removed += strcmp(name, "lamp") == 0;
}

static const void *
extension(void *self, const char *id)
{
    static const lintel_transport ops = {.size = sizeof ops,
                                         .answer = answer,
                                         .thing_added = thing_added,
                                         .thing_removed = thing_removed};
    (void)self;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &ops : NULL;
}

static const lintel_field fields[] = {{.name = "fail", .help = "x", .type = LINTEL_T_BOOL}, {0}};
static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .flags = LINTEL_PLUGIN_TRANSPORT,
                                     .unit_bytes = 1,
                                     .name = "echo",
                                     .version = "1",
                                     .summary = "s",
                                     .natural = "",
                                     .bus = fields,
                                     .create = create,
                                     .destroy = free,
                                     .start = start,
                                     .extension = extension};

struct tree {
    int submitted, abandoned;
    char path[8];
    void *cookie;
    int later;
};

static lintel_ticket
tree_submit(void *ctx, struct lintel_transport_instance *t, const lintel_exchange *x)
{
    struct tree *tree = ctx;
    const lintel_answer a = {.size = sizeof a, .code = LINTEL_CODE(2, 5), .payload = {"now", 3}};
    tree->submitted++;
    memcpy(tree->path, x->path[0].p, x->path[0].n);
    tree->cookie = x->cookie;
    if (tree->later)
        return 77;
    lintel_transport_answer(t, x->cookie, &a);
    return 0;
}

static void
tree_abandon(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket)
{
    (void)t;
    CHECK_INT(ticket, 77);
    ((struct tree *)ctx)->abandoned++;
}

static void
tree_reply(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
           const lintel_answer *a)
{
    (void)ctx, (void)t, (void)ticket, (void)a;
}

static void
exchange(char c, struct lintel_loop *l)
{
    CHECK_INT(write(wire[1], &c, 1), 1);
    lintel_loop_advance(l, 0);
}

static void
quiet(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level, (void)topic, (void)line;
}

static void
a_transport_lives_on_the_loop(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_plug *p =
        lintel_plug_new(&(struct lintel_plug_source){.loop = l, .host_program = ""});
    static struct lintel_site site;
    const lintel_value good[] = {{LINTEL_T_BOOL, 0, {.i = 0}}},
                       bad[] = {{LINTEL_T_BOOL, 0, {.i = 1}}};
    struct lintel_port conf = {.name = "echo", .plugin = &plugin, .settings = bad, .log = -1};
    struct tree tree = {0};
    const struct lintel_tree_port port = {
        .ctx = &tree, .submit = tree_submit, .abandon = tree_abandon, .reply = tree_reply};
    char reason[128] = "", got[8] = "";
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) == 0);
    lintel_log_sink(quiet, NULL);
    CHECK(lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason) == NULL);
    CHECK_STR(reason, "port 5683 is taken");
    conf.settings = good;
    struct lintel_transport_instance *t =
        lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason);
    REQUIRE(t != NULL);
    CHECK_STR(lintel_transport_name(t), "echo");
    lintel_transport_thing(t, &(lintel_thing_info){sizeof(lintel_thing_info), "lamp", ""}, 1);
    lintel_transport_thing(t, &(lintel_thing_info){sizeof(lintel_thing_info), "lamp", ""}, 0);
    CHECK_INT(last->added, 1);
    CHECK_INT(last->removed, 1);
    exchange('x', l);
    CHECK_STR(tree.path, "x");
    CHECK_INT(read(wire[1], got, sizeof got), 3);
    CHECK_STR(got, "now");
    tree.later = 1;
    exchange('y', l);
    CHECK_INT(tree.submitted, 2);
    const lintel_answer a = {.size = sizeof a, .code = LINTEL_CODE(2, 5), .payload = {"then", 4}};
    lintel_transport_answer(t, tree.cookie, &a);
    CHECK_INT(read(wire[1], got, sizeof got), 4);
    exchange('!', l);
    CHECK_INT(tree.abandoned, 1);
    lintel_loop_advance(l, INT64_C(5000000000));
    CHECK_INT(last->ticks, 5);
    CHECK_INT(lintel_transport_send(t, "coap://[::1]/", NULL, 1), LINTEL_E_NOTSUP);
    /* Its watch and its timer are taken away with it, or the loop would not let itself be freed. */
    lintel_plug_stop_transport(p, t, NULL, NULL);
    CHECK_INT(site.refs, 0);
    lintel_plug_free(p);
    lintel_loop_free(l);
    close(wire[0]);
    close(wire[1]);
}

/* ---- a plugin that only mounts resources ----------------------------------------------------- */

struct shelf {
    const lintel_host *host;
    const lintel_host_resources *tree;
    lintel_status early, mounted;
    int requests, gone;
};
static struct shelf shelf;
static int with_request, with_answer;
static lintel_status start_status; /* what start() ends with, after it has mounted */

static lintel_status
shelf_create(const lintel_host *h, const lintel_value *v, void **self)
{
    (void)v;
    shelf = (struct shelf){.host = h, .tree = h->extension(h, LINTEL_EXT_RESOURCES)};
    shelf.early = shelf.tree->mount(h, "early", "");
    *self = &shelf;
    return LINTEL_OK;
}

static lintel_status
shelf_start(void *self)
{
    CHECK(self == &shelf);
    shelf.mounted = shelf.tree->mount(shelf.host, "books", "</books>");
    return start_status;
}

static void
shelf_destroy(void *self)
{
    CHECK(self == &shelf);
}

static void
shelf_request(void *self, lintel_ticket t, const lintel_exchange *x)
{
    const lintel_answer a = {.size = sizeof a, .code = LINTEL_CODE(2, 5), .payload = {"book", 4}};
    CHECK(self == &shelf);
    CHECK_INT(x->npath, 1);
    shelf.requests++;
    shelf.tree->answer(shelf.host, t, &a);
}

static void
shelf_abandoned(void *self, lintel_ticket t)
{
    CHECK(self == &shelf && t == 5);
    shelf.gone++;
}

static const void *
shelf_extension(void *self, const char *id)
{
    static const lintel_plugin_resources resources = {
        .size = sizeof resources, .request = shelf_request, .abandoned = shelf_abandoned};
    static const lintel_transport ops = {.size = sizeof ops, .answer = answer};
    (void)self;
    if (with_request && strcmp(id, LINTEL_EXT_RESOURCES) == 0)
        return &resources;
    return with_answer && strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &ops : NULL;
}

static const lintel_plugin shelf_plugin = {.size = sizeof shelf_plugin,
                                           .flags = LINTEL_PLUGIN_TRANSPORT,
                                           .unit_bytes = 1,
                                           .name = "shelf",
                                           .version = "1",
                                           .summary = "s",
                                           .natural = "",
                                           .bus = fields,
                                           .create = shelf_create,
                                           .destroy = shelf_destroy,
                                           .start = shelf_start,
                                           .extension = shelf_extension};

struct mounts {
    char name[16], links[16], payload[16];
    struct lintel_transport_instance *by;
    lintel_ticket answered;
    int submitted, unmounted;
};

static lintel_status
tree_mount(void *ctx, struct lintel_transport_instance *t, const char *name, const char *links)
{
    struct mounts *m = ctx;
    m->by = t;
    CHECK(lintel_copy(m->name, sizeof m->name, name));
    CHECK(lintel_copy(m->links, sizeof m->links, links));
    return LINTEL_OK;
}

static void
tree_unmount(void *ctx, struct lintel_transport_instance *t)
{
    struct mounts *m = ctx;
    CHECK(t == m->by);
    m->unmounted++;
}

static void
tree_resource_answer(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
                     const lintel_answer *a)
{
    struct mounts *m = ctx;
    CHECK(t == m->by);
    m->answered = ticket;
    REQUIRE(a->payload.n < sizeof m->payload);
    memcpy(m->payload, a->payload.p, a->payload.n);
}

static lintel_ticket
never_submit(void *ctx, struct lintel_transport_instance *t, const lintel_exchange *x)
{
    (void)t, (void)x;
    ((struct mounts *)ctx)->submitted++;
    return 1;
}

static void
a_plugin_may_only_mount_resources(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_plug *p =
        lintel_plug_new(&(struct lintel_plug_source){.loop = l, .host_program = ""});
    static struct lintel_site site;
    const lintel_value off[] = {{LINTEL_T_BOOL, 0, {.i = 0}}};
    struct lintel_port conf = {
        .name = "shelf", .plugin = &shelf_plugin, .settings = off, .log = -1};
    struct mounts mounts = {0};
    const struct lintel_tree_port port = {.ctx = &mounts,
                                          .submit = never_submit,
                                          .abandon = tree_abandon,
                                          .reply = tree_reply,
                                          .mount = tree_mount,
                                          .unmount = tree_unmount,
                                          .resource_answer = tree_resource_answer};
    const lintel_span path = {"books", 5};
    const lintel_exchange x = {.size = sizeof x, .method = LINTEL_GET, .path = &path, .npath = 1};
    char reason[160] = "";
    lintel_log_sink(quiet, NULL);
    with_request = with_answer = 0;
    CHECK(lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "neither lintel.transport/1");
    with_request = 1;
    start_status = LINTEL_E_BUSY; /* what it has mounted does not outlive it */
    CHECK(lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason) == NULL);
    CHECK_INT(shelf.mounted, LINTEL_OK);
    CHECK_INT(mounts.unmounted, 1);
    start_status = LINTEL_OK;
    struct lintel_transport_instance *t =
        lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason);
    REQUIRE(t != NULL);
    CHECK_INT(shelf.early, LINTEL_E_NOTSUP); /* not before start() */
    CHECK_INT(shelf.mounted, LINTEL_OK);
    CHECK_STR(mounts.name, "books");
    CHECK_STR(mounts.links, "</books>");
    lintel_transport_request(t, 4, &x);
    CHECK_INT(shelf.requests, 1);
    CHECK_INT(mounts.answered, 4);
    CHECK_STR(mounts.payload, "book");
    lintel_transport_abandoned(t, 5);
    CHECK_INT(shelf.gone, 1);
    /* It can't take answers, so what it submits goes nowhere. */
    const lintel_host_transport *tree = shelf.host->extension(shelf.host, LINTEL_EXT_TRANSPORT);
    CHECK_INT(tree->submit(shelf.host, &x), 0);
    CHECK_INT(mounts.submitted, 0);
    lintel_plug_stop_transport(p, t, NULL, NULL);
    CHECK_INT(mounts.unmounted, 2);
    with_request = 0;
    with_answer = 1; /* nor is a name mounted by who takes no requests */
    t = lintel_plug_start_transport(p, &site, &conf, &port, reason, sizeof reason);
    REQUIRE(t != NULL);
    CHECK_INT(shelf.mounted, LINTEL_E_NOTSUP);
    lintel_plug_stop_transport(p, t, NULL, NULL);
    CHECK_INT(mounts.unmounted, 2);
    lintel_plug_free(p);
    lintel_loop_free(l);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(a_transport_lives_on_the_loop), KIT(a_plugin_may_only_mount_resources), {0}};
    return kit_main("transport", tests, argc, argv);
}
