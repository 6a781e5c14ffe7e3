/* SPDX-License-Identifier: Apache-2.0
 * A bus whose instance is exchanged, and a thing in the place of another one. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/engine_kit.h"
#include "core/engine/subscribe.h"

enum { R = LINTEL_P_READ, W = LINTEL_P_WRITE, PUSH = LINTEL_P_NOTIFY };
static const struct kit_point box[] = {
    {.name = "power", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 60, .flags = R},
    {.name = "limit",
     .data = LINTEL_DATA_INTEGER,
     .poll = 2,
     .stale = 60,
     .writable = 1,
     .max = 100,
     .flags = R | W},
    {.name = "pressed", .kind = LINTEL_K_EVENT, .data = LINTEL_DATA_INTEGER, .flags = PUSH},
};
enum { POWER, LIMIT, PRESSED, NPOINTS };

struct asked { /* a command, and what came of it */
    int ends;
    lintel_status status;
    char detail[200];
};

static void
on_outcome(void *ctx, const struct lintel_outcome *o)
{
    struct asked *a = ctx;
    a->ends++;
    a->status = o->status;
    snprintf(a->detail, sizeof a->detail, "%s", o->detail);
}

static void
write_limit(struct kit_house *h, struct asked *a, int64_t v)
{
    const lintel_value value = kit_int(v);
    *a = (struct asked){0};
    lintel_engine_write(h->engine, lintel_live_thing_point(h->things[0], LIMIT), &value, "test",
                        on_outcome, a);
}

/* A house whose profile can be searched by path, as the reader of sites makes it. */
static void
begin(struct kit_house *h, uint32_t n)
{
    CHECK_INT(kit_house_new(h, box, NPOINTS, n, 0), 0);
    struct lintel_profile *p = kit_profile(h->kind);
    for (uint32_t i = 0; i < NPOINTS; i++) {
        const char *path = p->bound[i].affordance->path;
        CHECK_INT(lintel_map_put(&p->by_path, path, strlen(path), &p->bound[i]), 0);
    }
    lintel_engine_bus_ready(h->engine, h->bus.bus);
    kit_answer_all(&h->bus, 10);
}

static void
finish(struct kit_house *h)
{
    lintel_map_fini(&kit_profile(h->kind)->by_path);
    kit_house_free(h);
}

/* ---- exchanging ------------------------------------------------------------------------------ */

static void
nothing_is_sent_while_held(void)
{
    struct kit_house h;
    struct asked a;
    begin(&h, 2);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    uint32_t before = h.bus.submitted;
    write_limit(&h, &a, 50);
    kit_advance(&h, 5); /* polls are due, too */
    CHECK_INT(h.bus.submitted, before);
    CHECK_INT(a.ends, 0);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_GOOD); /* by its own rule */
    lintel_engine_bus_plugin(h.engine, h.bus.bus, kit_plugin(h.kind));
    h.bus.attached = h.bus.bound = 0; /* the new one knows nothing */
    lintel_engine_bus_renewed(h.engine, h.bus.bus);
    CHECK_INT(h.bus.attached, 2);
    CHECK_INT(h.bus.bound, 2 * NPOINTS);
    /* The command first, then all that is polled; subscriptions are asked for anew. */
    REQUIRE(h.bus.nopen == 2);
    CHECK_INT(h.bus.kinds[LINTEL_OP_WRITE], 1);
    uint32_t subscribed = h.bus.kinds[LINTEL_OP_SUBSCRIBE];
    kit_answer_all(&h.bus, 20);
    CHECK_INT(a.ends, 1);
    CHECK_INT(a.status, LINTEL_OK);
    CHECK_INT(h.bus.kinds[LINTEL_OP_SUBSCRIBE], subscribed + 2);
    CHECK_INT(kit_reading(&h, 1, POWER).value.as.i, 20 + NPOINTS + POWER);
    finish(&h);
}

static void
what_is_under_way_may_end(void)
{
    struct kit_house h;
    struct asked a;
    begin(&h, 1);
    write_limit(&h, &a, 50);
    REQUIRE(h.bus.nopen == 1);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_INT(h.bus.nopen, 0); /* it would be read back now */
    CHECK_INT(a.ends, 0);
    lintel_engine_bus_go_on(h.engine, h.bus.bus); /* nothing came of it */
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.attached, 1);
    kit_answer_all(&h.bus, 30);
    CHECK_INT(a.ends, 1);
    CHECK_INT(a.status, LINTEL_OK);
    finish(&h);
}

static void
nobody_waits_for_ever(void)
{
    struct kit_house h;
    struct asked a;
    begin(&h, 1);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    write_limit(&h, &a, 50);
    kit_advance(&h, 11);
    CHECK_INT(a.ends, 1);
    CHECK_INT(a.status, LINTEL_E_BUSY); /* 5.03: ask again */
    CHECK_STR(a.detail, "the plugin of its bus is being exchanged; try again");
    /* Gone: held no more, and stale. */
    write_limit(&h, &a, 51);
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_LINK, "it does not come up");
    CHECK_INT(a.ends, 1);
    CHECK_INT(a.status, LINTEL_E_LINK);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_STALE);
    lintel_engine_bus_renewed(h.engine, h.bus.bus); /* later than that */
    kit_answer_all(&h.bus, 40);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_GOOD);
    finish(&h);
}

static void
what_was_refused_is_tried_again(void)
{
    struct kit_house h;
    begin(&h, 2);
    lintel_engine_refused_device(h.engine, h.bus.bus, 0, LINTEL_E_CONFIG, "no such unit");
    lintel_engine_refused_point(h.engine, h.bus.bus, NPOINTS + POWER, LINTEL_E_ADDRESS, "no");
    kit_advance(&h, 4);
    kit_answer_all(&h.bus, 50);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_BAD);
    CHECK_INT(kit_reading(&h, 1, POWER).quality, LINTEL_QUALITY_BAD);
    CHECK_INT(kit_reading(&h, 1, LIMIT).quality, LINTEL_QUALITY_GOOD);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    lintel_engine_bus_renewed(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 60);
    for (uint32_t t = 0; t < 2; t++) {
        struct lintel_device_stats s;
        CHECK_INT(kit_reading(&h, t, POWER).quality, LINTEL_QUALITY_GOOD);
        CHECK_INT(kit_reading(&h, t, POWER).value.as.i, 60 + t * NPOINTS + POWER);
        lintel_engine_device_stats(h.engine, h.things[t], &s);
        CHECK(s.reachable);
        CHECK_INT(s.status, LINTEL_OK);
    }
    finish(&h);
}

/* ---- replacing ------------------------------------------------------------------------------- */

struct watch {
    struct kit_house *h;
    int calls, gone;
    const struct lintel_live_thing *found; /* by the id, in that call */
};

static void
told(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    struct watch *w = ctx;
    (void)s, (void)confirm;
    w->calls++;
    w->gone = gone;
    w->found = lintel_engine_find_thing(w->h->engine, "t0", 2);
}

static void
a_thing_is_replaced(void)
{
    struct kit_house h;
    struct asked a;
    begin(&h, 1);
    struct watch w = {.h = &h};
    lintel_point_id p = lintel_live_thing_point(h.things[0], POWER);
    struct lintel_subscription *s = lintel_subscribe(h.engine, &p, 1, NULL, told, &w);
    CHECK(s != NULL);
    struct lintel_reading before = kit_reading(&h, 0, POWER);
    kit_advance(&h, 1);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    write_limit(&h, &a, 50);
    struct lintel_thing conf = h.confs[0];
    struct lintel_live_thing *old = h.things[0];
    h.things[0] = lintel_engine_replace_thing(h.engine, old, NULL, &conf);
    REQUIRE(h.things[0] != NULL && h.things[0] != old);
    CHECK_INT(w.calls, 1);
    CHECK_INT(w.gone, LINTEL_REPLACED);
    CHECK(w.found == h.things[0]);
    CHECK_INT(a.ends, 1);
    CHECK_INT(a.status, LINTEL_E_CANCELLED); /* 5.03 */
    CHECK_INT(lintel_engine_nthings(h.engine), 1);
    struct lintel_reading r = kit_reading(&h, 0, POWER);
    CHECK_INT(r.quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(r.value.as.i, before.value.as.i);
    CHECK(r.refreshed == before.refreshed && r.arrival == before.arrival);
    CHECK_INT(r.sequence, before.sequence);
    /* Its age goes on, too. */
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_LINK, "gone");
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_STALE);
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.things, 1);
    CHECK_INT(stats.points, NPOINTS);
    CHECK_INT(stats.stale, 2);
    finish(&h);
}

static void
carried_values_grow_old(void)
{
    struct kit_house h;
    begin(&h, 1);
    kit_advance(&h, 1);
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    struct lintel_thing conf = h.confs[0];
    h.things[0] = lintel_engine_replace_thing(h.engine, h.things[0], NULL, &conf);
    kit_advance(&h, 58);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_GOOD);
    kit_advance(&h, 2);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_STALE);
    finish(&h);
}

/* Values of another device, or of something else, are not shown as this one's. */
static void
another_device_begins_anew(void)
{
    static const lintel_field fields[] = {{.name = "unit", .type = LINTEL_T_INT}, {0}};
    static const struct kit_point other[] = {
        {.name = "power", .data = LINTEL_DATA_STRING, .poll = 2, .stale = 60, .flags = R},
        {.name = "limit",
         .data = LINTEL_DATA_INTEGER,
         .poll = 2,
         .stale = 60,
         .writable = 1,
         .max = 5,
         .flags = R | W}};
    struct kit_house h;
    begin(&h, 1);
    /* A kind whose values the old ones don't fit: another type, another range. */
    struct kit_kind *kind = kit_kind_new(other, 2, 0);
    struct lintel_thing conf = {.id = "t0", .bus = "line", .profile = kit_profile(kind)};
    h.things[0] = lintel_engine_replace_thing(h.engine, h.things[0], NULL, &conf);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_INITIAL);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_INITIAL);
    finish(&h);
    kit_kind_free(kind);

    begin(&h, 1);
    lintel_plugin plugin = *kit_plugin(h.kind);
    plugin.device = fields;
    const lintel_plugin *was = kit_profile(h.kind)->plugin;
    kit_profile(h.kind)->plugin = &plugin;
    const lintel_value one = kit_int(1), two = kit_int(2);
    h.confs[0].settings = &one;
    conf = h.confs[0];
    conf.settings = &two;
    struct lintel_thing same = h.confs[0];
    h.things[0] = lintel_engine_replace_thing(h.engine, h.things[0], NULL, &same);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_GOOD);
    h.things[0] = lintel_engine_replace_thing(h.engine, h.things[0], NULL, &conf);
    CHECK_INT(kit_reading(&h, 0, POWER).quality, LINTEL_QUALITY_INITIAL);
    kit_profile(h.kind)->plugin = was;
    finish(&h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(nothing_is_sent_while_held), KIT(what_is_under_way_may_end),
        KIT(nobody_waits_for_ever),      KIT(what_was_refused_is_tried_again),
        KIT(a_thing_is_replaced),        KIT(carried_values_grow_old),
        KIT(another_device_begins_anew), {0}};
    return kit_main("exchange", tests, argc, argv);
}
