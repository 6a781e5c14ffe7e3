/* SPDX-License-Identifier: Apache-2.0
 * From raw samples to readings, with the real codec; pushed values; and what is left when memory
 * runs out. */
#include <string.h>

#include "core/base/log.h"
#include "core/engine/engine_kit.h"
#include "core/engine/subscribe.h"
#include "tests/kit/failures.h"

enum { R = LINTEL_P_READ, W = LINTEL_P_WRITE, PUSH = LINTEL_P_NOTIFY };
static const struct kit_point points[] = {
    {.name = "level",
     .data = LINTEL_DATA_NUMBER,
     .poll = 2,
     .stale = 6,
     .flags = R,
     .deadband = 0.5,
     .min = 0,
     .max = 50,
     .codec = "{ invalid: 255, scale: 0.5 }"},
    {.name = "energy",
     .data = LINTEL_DATA_NUMBER,
     .poll = 2,
     .stale = 6,
     .flags = R,
     .scale_from = "exponent",
     .codec = "{ scaleFrom: exponent }"},
    {.name = "exponent", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = R},
    {.name = "mode",
     .data = LINTEL_DATA_STRING,
     .poll = 2,
     .stale = 6,
     .flags = R | W,
     .writable = 1,
     .codec = "{ map: { heat: 1, cool: 2 } }"},
    {.name = "alarm",
     .data = LINTEL_DATA_BOOLEAN,
     .poll = 2,
     .stale = 6,
     .flags = R | W,
     .writable = 1,
     .codec = "{ bit: 3 }",
     .natural = "u16"},
    {.name = "list", .data = LINTEL_DATA_ARRAY, .poll = 2, .stale = 6, .flags = R},
};
enum { LEVEL, ENERGY, EXPONENT, MODE, ALARM, LIST, NPOINTS };

static const lintel_value items[] = {{.type = LINTEL_T_INT, .as.i = 1},
                                     {.type = LINTEL_T_STR, .len = 3, .as.s = "two"}};

static lintel_value
word(const char bytes[2])
{
    return (lintel_value){.type = LINTEL_T_BYTES, .len = 2, .as.p = bytes};
}

static void
fill(lintel_sample s[NPOINTS])
{
    s[LEVEL] = kit_sample(LEVEL, kit_int(40));
    s[ENERGY] = kit_sample(ENERGY, kit_int(1234));
    s[EXPONENT] = kit_sample(EXPONENT, kit_int(-2));
    s[MODE] = kit_sample(MODE, kit_int(1));
    s[ALARM] = kit_sample(ALARM, word("\x00\x08"));
    s[LIST] = kit_sample(LIST, (lintel_value){.type = LINTEL_T_LIST, .len = 2, .as.list = items});
}

static int
begin(struct kit_house *h, lintel_sample s[NPOINTS])
{
    if (kit_house_new(h, points, NPOINTS, 1, 0) != 0)
        return -1;
    lintel_engine_bus_ready(h->engine, h->bus.bus);
    fill(s);
    if (!kit_check(h->bus.nopen == 1, "one poll", __FILE__, __LINE__, __func__))
        return -1;
    kit_answer_with(&h->bus, 0, s, NPOINTS);
    return 0;
}

static void
again(struct kit_house *h, const lintel_sample *s)
{
    while (h->bus.nopen == 0)
        kit_advance(h, 0.1);
    kit_answer_with(&h->bus, 0, s, NPOINTS);
}

static void
raw_values_become_values(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    REQUIRE(begin(&h, s) == 0);
    CHECK_REAL(kit_reading(&h, 0, LEVEL).value.as.r, 20);
    CHECK_REAL(kit_reading(&h, 0, ENERGY).value.as.r,
               12.34); /* its power of ten stands behind it */
    CHECK_STR(kit_reading(&h, 0, MODE).value.as.s, "heat");
    CHECK_INT(kit_reading(&h, 0, ALARM).value.type, LINTEL_T_BOOL);
    CHECK_INT(kit_reading(&h, 0, ALARM).value.as.i, 1);
    struct lintel_reading r = kit_reading(&h, 0, LIST);
    REQUIRE(r.value.type == LINTEL_T_LIST && r.value.len == 2);
    CHECK_STR(r.value.as.list[1].as.s, "two");
    CHECK(r.value.as.list != items);
    kit_house_free(&h);
}

static void
quality_and_reason(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    REQUIRE(begin(&h, s) == 0);
    s[LEVEL].value = kit_int(255);
    s[MODE].value = kit_int(3);
    s[ENERGY].quality = LINTEL_Q_OVERRIDDEN;
    s[ALARM].quality = LINTEL_Q_OUT_OF_SERVICE | LINTEL_Q_OVERRIDDEN;
    s[LIST].when = 1234567;
    again(&h, s);
    CHECK_INT(kit_reading(&h, 0, LEVEL).quality, LINTEL_QUALITY_BAD);
    CHECK_INT(kit_reading(&h, 0, LEVEL).value.type, LINTEL_T_NULL);
    CHECK_HAS(kit_reading(&h, 0, LEVEL).detail, "no value");
    CHECK_INT(kit_reading(&h, 0, MODE).quality, LINTEL_QUALITY_BAD);
    CHECK(kit_reading(&h, 0, MODE).detail != NULL);
    CHECK_STR(kit_reading(&h, 0, MODE).value.as.s, "heat"); /* the last one known */
    CHECK_INT(kit_reading(&h, 0, ENERGY).quality, LINTEL_QUALITY_OVERRIDDEN);
    CHECK_INT(kit_reading(&h, 0, ALARM).quality, LINTEL_QUALITY_OUT_OF_SERVICE);
    CHECK_INT(kit_reading(&h, 0, LIST).source, 1234567);
    CHECK(kit_reading(&h, 0, LIST).arrival != 1234567);
    s[LEVEL].value = kit_int(120);
    s[MODE].value = kit_int(2);
    s[EXPONENT].value = kit_int(1000); /* no power of ten */
    again(&h, s);
    CHECK_INT(kit_reading(&h, 0, LEVEL).quality, LINTEL_QUALITY_OUT_OF_RANGE);
    CHECK_REAL(kit_reading(&h, 0, LEVEL).value.as.r, 60);
    CHECK(kit_reading(&h, 0, LEVEL).detail != NULL);
    CHECK_STR(kit_reading(&h, 0, MODE).value.as.s, "cool");
    CHECK(kit_reading(&h, 0, MODE).detail == NULL);
    CHECK_INT(kit_reading(&h, 0, ENERGY).quality, LINTEL_QUALITY_BAD);
    CHECK_HAS(kit_reading(&h, 0, ENERGY).detail, "scaleFrom");
    CHECK_STR(lintel_quality_name(LINTEL_QUALITY_OUT_OF_RANGE), "out of range");
    kit_house_free(&h);
}

static void
small_changes_are_kept_quiet(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    REQUIRE(begin(&h, s) == 0);
    uint32_t sequence = kit_reading(&h, 0, LEVEL).sequence;
    lintel_mono refreshed = kit_reading(&h, 0, LEVEL).refreshed;
    s[LEVEL].value = kit_real(40.9); /* 0.45 away */
    again(&h, s);
    CHECK_INT(kit_reading(&h, 0, LEVEL).sequence, sequence);
    CHECK(kit_reading(&h, 0, LEVEL).refreshed > refreshed);
    CHECK_REAL(kit_reading(&h, 0, LEVEL).value.as.r, 20);
    s[LEVEL].value = kit_int(41);
    again(&h, s);
    CHECK_INT(kit_reading(&h, 0, LEVEL).sequence, sequence + 1);
    CHECK_REAL(kit_reading(&h, 0, LEVEL).value.as.r, 20.5);
    CHECK_INT(kit_reading(&h, 0, LIST).sequence, 1); /* equal trees are equal */
    kit_house_free(&h);
}

static void
count_outcome(void *ctx, const struct lintel_outcome *o)
{
    int *ok = ctx;
    *ok += o->status == LINTEL_OK ? 1 : 100;
}

static void
a_bit_is_read_changed_and_written(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    int ok = 0;
    lintel_value off = kit_bool(0);
    REQUIRE(begin(&h, s) == 0);
    lintel_engine_write(h.engine, lintel_live_thing_point(h.things[0], ALARM), &off, "x",
                        count_outcome, &ok);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_READ);
    s[ALARM].value = word("\x12\x3c");
    kit_answer_with(&h.bus, 0, &s[ALARM], 1);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    const lintel_value *raw = &h.bus.open[0]->values[0];
    CHECK_INT(raw->len, 2);
    CHECK(memcmp(raw->as.p, "\x12\x34", 2) == 0);
    s[ALARM].value = word("\x12\x34");
    kit_answer_with(&h.bus, 0, &s[ALARM], 1);
    CHECK_INT(ok, 1);
    CHECK_INT(kit_reading(&h, 0, ALARM).value.as.i, 0);
    lintel_value heat = kit_str("cool");
    lintel_engine_write(h.engine, lintel_live_thing_point(h.things[0], MODE), &heat, "x",
                        count_outcome, &ok);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->values[0].as.i, 2);
    kit_house_free(&h);
    CHECK_INT(ok, 101); /* ended with the engine */
}

/* ---- push ------------------------------------------------------------------------------------ */

static const struct kit_point lamp[] = {
    {.name = "on",
     .data = LINTEL_DATA_BOOLEAN,
     .flags = PUSH,
     .codec = "{ pointer: /state, map: { true: \"ON\", false: \"OFF\" } }"},
    {.name = "brightness",
     .data = LINTEL_DATA_INTEGER,
     .flags = PUSH,
     .codec = "{ pointer: /brightness }"},
    {.name = "pressed",
     .kind = LINTEL_K_EVENT,
     .data = LINTEL_DATA_STRING,
     .flags = PUSH,
     .codec = "{ pointer: /action }"},
};

static void
publish(struct kit_house *h, const char *json)
{
    lintel_sample s[3];
    lintel_value v = {.type = LINTEL_T_BYTES, .len = (uint32_t)strlen(json), .as.s = json};
    for (uint32_t i = 0; i < 3; i++)
        s[i] = kit_sample(i, v);
    lintel_engine_publish(h->engine, h->bus.bus, s, 3);
}

static void
one_payload_feeds_many_points(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, lamp, 3, 1, LINTEL_PLUGIN_PUSH) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_SUBSCRIBE);
    CHECK_INT(h.bus.open[0]->n, 3);
    kit_answer(&h.bus, 0, LINTEL_E_LINK, 0); /* not yet */
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    kit_advance(&h, 100);
    CHECK_INT(h.bus.nopen, 0);
    publish(&h, "{\"state\":\"ON\",\"brightness\":200}");
    CHECK_INT(kit_reading(&h, 0, 0).value.as.i, 1);
    CHECK_INT(kit_reading(&h, 0, 1).value.as.i, 200);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_INITIAL); /* absent is no news */
    publish(&h, "{\"action\":\"single\"}");
    publish(&h, "{\"action\":\"single\"}");
    CHECK_INT(kit_reading(&h, 0, 2).sequence, 2);
    CHECK_INT(kit_reading(&h, 0, 0).sequence, 1);
    publish(&h, "no JSON at all");
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_BAD);
    lintel_sample unknown = kit_sample(77, kit_int(1));
    lintel_engine_publish(h.engine, h.bus.bus, &unknown, 1);
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.dropped, 1);
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_FAIL, "ended");
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    CHECK_INT(h.bus.kinds[LINTEL_OP_SUBSCRIBE], 3);
    kit_house_free(&h);
}

static void
a_sleeping_device_is_not_away(void)
{
    static const struct kit_point sensor[] = {
        {.name = "t", .data = LINTEL_DATA_INTEGER, .flags = PUSH | R | W, .writable = 1},
    };
    struct kit_house h;
    int outcomes = 0;
    lintel_value v = kit_int(1);
    REQUIRE(kit_house_new(&h, sensor, 1, 1, LINTEL_PLUGIN_PUSH) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    lintel_sample s = kit_sample(0, kit_int(5));
    lintel_engine_publish(h.engine, h.bus.bus, &s, 1);
    for (int i = 0; i < 5; i++) {
        lintel_engine_read(h.engine, 0, count_outcome, &outcomes);
        REQUIRE(h.bus.nopen == 1);
        kit_answer(&h.bus, 0, LINTEL_E_TIMEOUT, 0);
    }
    CHECK_INT(outcomes, 500);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    lintel_engine_write(h.engine, 0, &v, "x", count_outcome, &outcomes);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_INT(outcomes, 501); /* not read back: it says so itself */
    CHECK_INT(h.bus.nopen, 0);
    kit_house_free(&h);
}

static void
a_device_announces_itself(void)
{
    struct kit_house h;
    struct lintel_device_stats d;
    REQUIRE(kit_house_new(&h, lamp, 3, 1, LINTEL_PLUGIN_PUSH) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    publish(&h, "{\"state\":\"ON\"}");
    kit_advance(&h, 5);
    lintel_engine_device(h.engine, h.bus.bus, 0, LINTEL_E_LINK, "offline");
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_STALE);
    CHECK_STR(kit_reading(&h, 0, 0).detail, "offline");
    lintel_engine_device_stats(h.engine, h.things[0], &d);
    CHECK(!d.reachable);
    kit_advance(&h, 5);
    publish(&h, "{\"brightness\":7}"); /* a broker keeps what it has */
    CHECK_INT(kit_reading(&h, 0, 1).value.as.i, 7);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_STALE);
    lintel_engine_device(h.engine, h.bus.bus, 0, LINTEL_OK, "");
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 0).quality,
              LINTEL_QUALITY_STALE); /* until it says something new */
    publish(&h, "{\"state\":\"ON\"}");
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    lintel_engine_device_stats(h.engine, h.things[0], &d);
    CHECK(d.reachable);
    kit_house_free(&h);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void
ignore(void *ctx, const struct lintel_outcome *o)
{
    int *calls = ctx;
    *calls += o->detail != NULL;
}

static void
told(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    int *calls = ctx;
    (void)s, (void)confirm, (void)gone;
    ++*calls;
}

static void
swallow(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level, (void)topic, (void)line;
}

/* A small life: nothing leaks, nothing is told twice, and with memory again all goes on. */
static int
live_once(void *ctx)
{
    (void)ctx;
    kit_memory_is_back();
    struct kit_house h;
    lintel_sample s[NPOINTS];
    int calls = 0, asked = 0, notified = 0;
    if (!CHECK(begin(&h, s) == 0))
        return 0;
    kit_memory_fails_from_here();
    struct lintel_live_thing *extra =
        lintel_engine_add_thing(h.engine, h.bus.bus, NULL, &h.confs[0]);
    lintel_point_id p = lintel_live_thing_point(h.things[0], MODE);
    struct lintel_subscription *sub = lintel_subscribe(h.engine, &p, 1, NULL, told, &notified);
    lintel_value cool = kit_str("cool");
    lintel_engine_write(h.engine, p, &cool, "x", ignore, &calls);
    lintel_engine_read(h.engine, p, ignore, &calls);
    asked += 2;
    s[MODE].value = kit_int(2);
    s[LEVEL].status = LINTEL_E_DEVICE;
    s[LEVEL].detail = "exception 4";
    for (int i = 0; i < 4; i++) {
        while (h.bus.nopen != 0)
            kit_answer_with(&h.bus, 0, s, NPOINTS);
        kit_advance(&h, 2);
    }
    kit_memory_is_back();
    int whole = extra != NULL && sub != NULL;
    if (extra != NULL)
        lintel_engine_remove_thing(h.engine, extra);
    fill(s);
    while (h.bus.nopen != 0)
        kit_answer_with(&h.bus, 0, s, NPOINTS);
    again(&h, s);
    CHECK_INT(calls, asked);
    CHECK_INT(kit_reading(&h, 0, MODE).quality, LINTEL_QUALITY_GOOD);
    CHECK_STR(kit_reading(&h, 0, MODE).value.as.s, "heat");
    CHECK(sub == NULL || notified > 0);
    lintel_unsubscribe(h.engine, sub);
    kit_house_free(&h);
    return whole;
}

static void
memory_may_run_out_anywhere(void)
{
    lintel_log_sink(swallow, NULL);
    kit_each_failure(live_once, NULL);
    lintel_log_sink(NULL, NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(raw_values_become_values),
        KIT(quality_and_reason),
        KIT(small_changes_are_kept_quiet),
        KIT(a_bit_is_read_changed_and_written),
        KIT(one_payload_feeds_many_points),
        KIT(a_device_announces_itself),
        KIT(a_sleeping_device_is_not_away),
        KIT(memory_may_run_out_anywhere),
        {0},
    };
    return kit_main("values", tests, argc, argv);
}
