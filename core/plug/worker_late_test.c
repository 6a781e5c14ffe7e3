/* SPDX-License-Identifier: Apache-2.0
 * What an instance has to say while the hub takes nothing: what waits, what is lost, and that no
 * word is about another than it was said of. The worker and its thread are real, the hub is the
 * test. */
#include <semaphore.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/plug/wire.h"
#include "core/plug/worker.h"
#include "tests/kit/kit.h"

enum { FRAMES_MOST = 64 };

static struct said { /* a frame that the hub has taken */
    enum lintel_wire_kind kind;
    uint32_t id; /* PUBLISH: the first sample's point */
    uint64_t ticket;
    char text[LINTEL_WIRE_TEXT];
} said[FRAMES_MOST];
static int nsaid, full, starving, nlost; /* with the worker's lock, which fns.send is called with */
static sem_t ready, unbound, closed;
static const lintel_host *host;
static const lintel_device *device;
static struct lintel_worker *worker;
static struct lintel_buf out;

/* ---- the plugin ------------------------------------------------------------------------------ */

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
attach(void *self, lintel_device *d)
{
    (void)self;
    device = d;
    return LINTEL_OK;
}

static const lintel_field none[] = {{0}};
static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .name = "late",
                                     .version = "1",
                                     .summary = "",
                                     .natural = "",
                                     .unit_bytes = 1,
                                     .bus = none,
                                     .device = none,
                                     .address = none,
                                     .create = create,
                                     .destroy = destroy,
                                     .attach = attach};

/* ---- the hub --------------------------------------------------------------------------------- */

static int
take(void *ctx, struct lintel_buf *b, unsigned flags)
{
    static struct lintel_wire_scratch scratch;
    struct lintel_wire_up m;
    (void)ctx;
    if (full && flags & LINTEL_SEND_IF_ROOM)
        return 1;
    if (starving)
        return -1;
    if (lintel_wire_read_up((const unsigned char *)b->p, b->n, &scratch, &m) != 0)
        return -1;
    if (nsaid < FRAMES_MOST) {
        struct said *s = &said[nsaid++];
        *s = (struct said){.kind = m.kind, .id = m.id, .ticket = m.ticket};
        if (m.kind == LINTEL_WIRE_PUBLISH)
            s->id = m.samples[0].point;
        else if (m.kind != LINTEL_WIRE_DONE)
            (void)lintel_copy(s->text, sizeof s->text, m.text);
    }
    lintel_wire_scratch_fini(&scratch);
    if (m.kind == LINTEL_WIRE_READY)
        sem_post(&ready);
    if (m.kind == LINTEL_WIRE_UNBOUND)
        sem_post(&unbound);
    if (m.kind == LINTEL_WIRE_CLOSED)
        sem_post(&closed);
    return 0;
}

static void
note_lost(void *ctx)
{
    (void)ctx;
    CHECK(starving);
    nlost++;
}

static const lintel_plugin *
find(void *ctx, const char *file, const char *name, char *reason, uint32_t size)
{
    (void)ctx, (void)file, (void)name, (void)reason, (void)size;
    return &plugin;
}

static void
put(void)
{
    CHECK(!out.failed);
    CHECK_INT(lintel_worker_deliver(worker, out.p, out.n), 0);
    lintel_buf_reset(&out);
}

static void
tell(enum lintel_wire_kind kind, uint64_t id)
{
    lintel_wire_short(&out, 1, kind, id);
    put();
}

static void
bind(uint32_t id, uint32_t kind)
{
    lintel_wire_bind(&out,
                     &(struct lintel_wire_down){
                         .instance = 1, .id = id, .device = 0, .point_kind = kind, .name = "point"},
                     NULL, NULL, 0);
    put();
}

/* An instance with device 0, which has the points 0 and 1. */
static void
begin(uint32_t kind)
{
    static const struct lintel_worker_fns fns = {take, NULL, note_lost, find};
    nsaid = full = starving = nlost = 0;
    sem_init(&ready, 0, 0);
    sem_init(&unbound, 0, 0);
    sem_init(&closed, 0, 0);
    worker = lintel_worker_new(1, &fns, NULL);
    if (!CHECK(worker != NULL))
        return;
    lintel_wire_attach(&out, 1, 0, "thing", NULL, 0);
    struct lintel_buf thing = out;
    out = (struct lintel_buf){0};
    lintel_wire_open(&out,
                     &(struct lintel_wire_down){
                         .instance = 1, .name = "bus", .plugin = "late", .file = "/late.so"},
                     NULL, 0);
    put();
    tell(LINTEL_WIRE_START, 0);
    CHECK_INT(lintel_worker_deliver(worker, thing.p, thing.n), 0);
    lintel_buf_fini(&thing);
    bind(0, kind);
    bind(1, kind);
    bind(2, kind);
    tell(LINTEL_WIRE_UNBIND, 2); /* its answer says that all is told */
    while (sem_wait(&ready) != 0 || sem_wait(&unbound) != 0)
        ;
}

static void
finish(void)
{
    tell(LINTEL_WIRE_CLOSE, 0);
    while (sem_wait(&closed) != 0)
        ;
    lintel_worker_free(worker);
    lintel_buf_fini(&out);
}

static void
publish(uint32_t point)
{
    host->publish(host, &(lintel_sample){.point = point, .value = {LINTEL_T_INT, 0, {.i = 1}}}, 1);
}

static const struct said *
find_said(enum lintel_wire_kind kind, uint32_t id)
{
    for (int i = 0; i < nsaid; i++)
        if (said[i].kind == kind && said[i].id == id)
            return &said[i];
    return NULL;
}

/* Unbinds a point or device and waits for the answer, which does not wait for room. */
static void
lose(enum lintel_wire_kind kind, uint32_t id)
{
    tell(kind, id);
    while (sem_wait(&unbound) != 0)
        ;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* What waits of a point that goes must not follow UNBOUND: the hub would take it for a lie, or for
 * the word of another point under that number. */
static void
what_waits_goes_with_its_point(void)
{
    static const uint32_t kinds[] = {LINTEL_K_EVENT, LINTEL_K_PROPERTY};
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++) {
        begin(kinds[i]);
        full = 1;
        publish(0);
        publish(1);
        publish(0);
        lose(LINTEL_WIRE_UNBIND, 0);
        full = 0;
        lintel_worker_room(worker);
        CHECK(find_said(LINTEL_WIRE_PUBLISH, 0) == NULL);
        CHECK(find_said(LINTEL_WIRE_PUBLISH, 1) != NULL);
        const struct said *flood = NULL;
        for (int k = 0; k < nsaid; k++)
            if (said[k].kind == LINTEL_WIRE_FLOOD)
                flood = &said[k];
        if (CHECK(flood != NULL)) /* two events, or one value twice */
            CHECK_INT(flood->ticket + flood->id, 2);
        finish();
    }
}

/* Nobody asks for what a plugin tells by itself. */
static void
a_value_without_memory_is_missed(void)
{
    begin(LINTEL_K_PROPERTY);
    starving = 1;
    publish(0);
    CHECK_INT(nlost, 1);
    starving = 0;
    publish(1);
    CHECK_INT(nlost, 1);
    CHECK(find_said(LINTEL_WIRE_PUBLISH, 1) != NULL);
    finish();
}

static void
what_waits_goes_with_its_device(void)
{
    begin(LINTEL_K_PROPERTY);
    full = 1;
    host->device(host, device, LINTEL_E_LINK, "it is away");
    host->link(host, LINTEL_OK, "");
    lose(LINTEL_WIRE_DETACH, 0);
    full = 0;
    lintel_worker_room(worker);
    CHECK(find_said(LINTEL_WIRE_DEVICE, 0) == NULL);
    CHECK(find_said(LINTEL_WIRE_LINK, 0) != NULL);
    finish();
}

/* A lie is told even if nothing else is taken: the hub must not go on with a plugin that is out of
 * its mind. More of them say nothing new, and wait for room as all does. */
static void
a_lie_needs_no_room(void)
{
    static const lintel_request stranger = {.size = sizeof stranger};
    begin(LINTEL_K_PROPERTY);
    full = 1;
    for (int i = 0; i < 100; i++)
        host->complete(host, &stranger, LINTEL_OK, NULL, 0);
    int lies = 0;
    for (int i = 0; i < nsaid; i++)
        lies += said[i].kind == LINTEL_WIRE_MISBEHAVING;
    CHECK_INT(lies, 1);
    const struct said *lie = find_said(LINTEL_WIRE_MISBEHAVING, 0);
    if (CHECK(lie != NULL))
        CHECK_STR(lie->text, "completed a request that is not open");
    finish();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(what_waits_goes_with_its_point),
                                            KIT(a_value_without_memory_is_missed),
                                            KIT(what_waits_goes_with_its_device),
                                            KIT(a_lie_needs_no_room),
                                            {0}};
    return kit_main("worker_late", tests, argc, argv);
}
