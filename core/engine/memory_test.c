/* SPDX-License-Identifier: Apache-2.0
 * The engine with memory that runs out: while it is made, and at each step of a small life. */
#include "core/base/log.h"
#include "core/engine/engine_kit.h"
#include "core/engine/subscribe.h"
#include "tests/kit/failures.h"

enum { LEVEL, MODE, TOLD, NPOINTS };
static const struct kit_point points[NPOINTS] = {
    {.name = "level",
     .poll = 1,
     .stale = 60,
     .flags = LINTEL_P_READ | LINTEL_P_WRITE,
     .writable = 1},
    {.name = "mode", .poll = 2, .stale = 60, .flags = LINTEL_P_READ},
    {.name = "told", .kind = LINTEL_K_EVENT, .flags = LINTEL_P_NOTIFY},
};

static void
swallow(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level, (void)topic, (void)line;
}

static void
told(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    (void)s, (void)confirm, (void)gone;
    ++*(int *)ctx;
}

/* An engine, its bus and its things; what is there goes on with memory again. */
static int
start_once(void *ctx)
{
    struct kit_kind *kind = ctx;
    struct lintel_loop *loop = lintel_loop_new_fake();
    struct lintel_engine *engine = loop != NULL ? lintel_engine_new(loop, 1) : NULL;
    struct kit_bus bus = {.engine = engine};
    struct lintel_thing confs[] = {{.id = "t0", .bus = "line", .profile = kit_profile(kind)},
                                   {.id = "t1", .bus = "line", .profile = kit_profile(kind)}};
    struct lintel_live_thing *things[2] = {NULL};
    struct lintel_subscription *sub = NULL;
    int notified = 0;
    if (engine != NULL)
        kit_bus_add(&bus, engine, "line", kit_plugin(kind));
    for (int i = 0; bus.bus != NULL && i < 2; i++)
        things[i] = lintel_engine_add_thing(engine, bus.bus, NULL, &confs[i]);
    if (bus.bus != NULL)
        lintel_engine_bus_ready(engine, bus.bus);
    if (things[1] != NULL) {
        lintel_point_id p = lintel_live_thing_point(things[1], LEVEL);
        sub = lintel_subscribe(engine, &p, 1, NULL, told, &notified);
    }
    for (int i = 0; bus.bus != NULL && i < 3; i++) {
        lintel_loop_advance(loop, INT64_C(1000000000));
        kit_answer_all(&bus, 40 + i);
    }
    kit_memory_is_back();
    for (int i = 0; bus.bus != NULL && i < 6; i++) {
        lintel_loop_advance(loop, INT64_C(20000000000));
        kit_answer_all(&bus, 50 + i);
    }
    int whole = things[0] != NULL && things[1] != NULL && sub != NULL;
    for (int i = 0; i < 2; i++) {
        struct lintel_reading reading;
        if (things[i] == NULL)
            continue;
        lintel_engine_reading(engine, lintel_live_thing_point(things[i], LEVEL), &reading);
        CHECK_INT(reading.quality, LINTEL_QUALITY_GOOD);
        CHECK(reading.value.as.i >= 50);
    }
    if (sub != NULL)
        CHECK(notified > 0);
    if (engine != NULL)
        lintel_unsubscribe(engine, sub);
    lintel_engine_free(engine);
    lintel_loop_free(loop);
    return whole;
}

static void
memory_runs_out_at_the_start(void)
{
    struct kit_kind *kind = kit_kind_new(points, NPOINTS, 0);
    lintel_log_sink(swallow, NULL);
    CHECK(kit_each_failure(start_once, kind) > 10);
    lintel_log_sink(NULL, NULL);
    kit_kind_free(kind);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(memory_runs_out_at_the_start), {0}};
    return kit_main("memory", tests, argc, argv);
}
