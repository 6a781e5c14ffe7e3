/* SPDX-License-Identifier: Apache-2.0
 * A transport in a child without memory for what it has to say: requests are answered here, and
 * what the hub waits for is told as lost. */
#include "core/plug/transport_worker.h"

#include <semaphore.h>
#include <string.h>

#include "core/plug/transport_wire.h"
#include "core/plug/wire.h"
#include "lintel/transport.h"
#include "tests/kit/kit.h"

static sem_t lost, closed;
static _Atomic int starving, nlost, code;

/* ---- the plugin: it asks for something while it starts --------------------------------------- */

static const lintel_host *host;

static lintel_status
create(const lintel_host *h, const lintel_value *settings, void **self)
{
    (void)settings;
    host = h;
    *self = &host;
    return LINTEL_OK;
}

static void
destroy(void *self)
{
    (void)self;
}

static lintel_status
start(void *self)
{
    const lintel_host_transport *tree = host->extension(host, LINTEL_EXT_TRANSPORT);
    (void)self;
    tree->submit(host, &(lintel_exchange){.size = sizeof(lintel_exchange),
                                          .method = LINTEL_GET,
                                          .format = LINTEL_FORMAT_NONE,
                                          .identity = "",
                                          .authority = "",
                                          .peer = "peer",
                                          .base = ""});
    return LINTEL_OK;
}

static void
answer(void *self, void *cookie, const lintel_answer *a)
{
    (void)self, (void)cookie;
    code = (int)a->code;
}

static const void *
extension(void *self, const char *id)
{
    static const lintel_transport ops = {.size = sizeof ops, .answer = answer};
    (void)self;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &ops : NULL;
}

static const lintel_field none[] = {{0}};
static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .name = "asker",
                                     .version = "1",
                                     .summary = "",
                                     .natural = "",
                                     .flags = LINTEL_PLUGIN_TRANSPORT,
                                     .bus = none,
                                     .create = create,
                                     .destroy = destroy,
                                     .start = start,
                                     .extension = extension};

/* ---- the hub --------------------------------------------------------------------------------- */

static int
take(void *ctx, struct lintel_buf *b, unsigned flags)
{
    uint32_t instance;
    enum lintel_wire_kind kind;
    (void)ctx, (void)flags;
    if (starving)
        return -1;
    if (lintel_wire_peek((const unsigned char *)b->p, b->n, &instance, &kind) == 0 &&
        kind == LINTEL_WIRE_CLOSED)
        sem_post(&closed);
    return 0;
}

static void
note_lost(void *ctx)
{
    (void)ctx;
    nlost++;
    sem_post(&lost);
}

static const lintel_plugin *
find(void *ctx, const char *file, const char *name, char *reason, uint32_t size)
{
    (void)ctx, (void)file;
    lintel_copy(reason, size, "it is not here");
    return strcmp(name, plugin.name) == 0 ? &plugin : NULL;
}

static void
await(sem_t *s)
{
    while (sem_wait(s) != 0)
        ;
}

static struct lintel_transport_worker *
begin(const char *name)
{
    static const struct lintel_worker_fns fns = {take, NULL, note_lost, find};
    struct lintel_buf b = {0};
    nlost = code = 0;
    starving = 1;
    sem_init(&lost, 0, 0);
    sem_init(&closed, 0, 0);
    struct lintel_transport_worker *w = lintel_transport_worker_new(1, &fns, NULL);
    if (!CHECK(w != NULL))
        return NULL;
    lintel_tw_open(
        &b,
        &(struct lintel_tw){
            .instance = 1, .kind = LINTEL_TW_OPEN, .name = "t", .text = name, .file = "/t.so"},
        NULL, 0);
    CHECK_INT(lintel_transport_worker_deliver(w, b.p, b.n), 0);
    lintel_buf_fini(&b);
    return w;
}

static void
finish(struct lintel_transport_worker *w)
{
    struct lintel_buf b = {0};
    starving = 0;
    lintel_wire_short(&b, 1, LINTEL_WIRE_CLOSE, 0);
    CHECK_INT(lintel_transport_worker_deliver(w, b.p, b.n), 0);
    await(&closed);
    lintel_transport_worker_free(w);
    lintel_buf_fini(&b);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void
what_is_waited_for_is_told_as_lost(void)
{
    struct lintel_buf b = {0};
    struct lintel_transport_worker *w = begin(plugin.name);
    REQUIRE(w != NULL);
    await(&lost); /* READY */
    CHECK_INT(code, LINTEL_CODE(5, 3));
    CHECK_INT(nlost, 1);
    lintel_tw_write(&b, &(struct lintel_tw){.instance = 1, .kind = LINTEL_TW_PING, .ticket = 1});
    CHECK_INT(lintel_transport_worker_deliver(w, b.p, b.n), 0);
    await(&lost); /* the answer to the ping */
    CHECK_INT(nlost, 2);
    lintel_buf_fini(&b);
    finish(w);
    CHECK_INT(nlost, 2);
}

static void
a_refusal_is_told_as_lost(void)
{
    struct lintel_transport_worker *w = begin("other");
    REQUIRE(w != NULL);
    await(&lost);
    finish(w);
    CHECK_INT(nlost, 1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(what_is_waited_for_is_told_as_lost), KIT(a_refusal_is_told_as_lost), {0}};
    return kit_main("transport_worker", tests, argc, argv);
}
