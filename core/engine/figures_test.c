/* SPDX-License-Identifier: Apache-2.0
 * What is counted of devices and buses, and what becomes of answers that are lost. */
#include "core/engine/engine_kit.h"

#define MS INT64_C(1000000)
enum { R = LINTEL_P_READ };
static const struct kit_point meter[] = {
    {.name = "a", .data = LINTEL_DATA_INTEGER, .poll = 10, .stale = 60, .flags = R},
    {.name = "b", .data = LINTEL_DATA_INTEGER, .poll = 10, .stale = 60, .flags = R},
    {.name = "c", .data = LINTEL_DATA_INTEGER, .poll = 10, .stale = 60, .flags = R},
};
enum { NPOINTS = 3 };

static void
latencies_are_read_from_buckets(void)
{
    uint32_t b[LINTEL_LATENCIES] = {0};
    CHECK_INT(lintel_latency_below(b, 0.5), 0);
    b[9] = 100; /* 256 to 512 ms */
    CHECK_INT(lintel_latency_below(b, 0.5), 384 * MS);
    CHECK_INT(lintel_latency_below(b, 1), 512 * MS);
    b[0] = 100;
    CHECK_INT(lintel_latency_below(b, 0.25), MS / 2);
    CHECK_INT(lintel_latency_below(b, 0.75), 384 * MS);
    b[LINTEL_LATENCIES - 1] = 1;
    CHECK_INT(lintel_latency_below(b, 1), 32768 * MS);
    b[LINTEL_LATENCIES - 1] = UINT32_MAX; /* they stay there, and add up */
    b[0] = UINT32_MAX;
    CHECK(lintel_latency_below(b, 0.9) > 16384 * MS);
}

static struct lintel_device_stats
device(struct kit_house *h, uint32_t i)
{
    struct lintel_device_stats s;
    lintel_engine_device_stats(h->engine, h->things[i], &s);
    return s;
}

static struct lintel_bus_use
use_of(struct kit_house *h)
{
    struct lintel_bus_use u;
    lintel_engine_bus_use(h->engine, h->bus.bus, &u);
    return u;
}

/* Lets a line go for some time: an answer takes 200 ms, silence 500 ms. silent: the thing that does
 * not answer; -1: none. */
static void
run_line(struct kit_house *h, int silent, int seconds)
{
    lintel_mono end = lintel_loop_now(h->loop) + seconds * 1000 * MS;
    while (lintel_loop_now(h->loop) < end) {
        if (h->bus.nopen == 0) {
            kit_advance(h, 0.05);
            continue;
        }
        int dead = silent >= 0 && h->bus.open[0]->slots[0] / NPOINTS == (uint32_t)silent;
        kit_advance(h, dead ? 0.5 : 0.2);
        kit_answer(&h->bus, 0, dead ? LINTEL_E_TIMEOUT : LINTEL_OK, 0);
    }
}

static void
shares_are_of_the_last_minutes(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, NPOINTS, 4, LINTEL_PLUGIN_BLOCKING) == 0);
    CHECK_INT(use_of(&h).window_ns, 0);
    CHECK_REAL(use_of(&h).busy, 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    run_line(&h, -1, 1000);
    struct lintel_bus_use u = use_of(&h);
    CHECK(u.busy > 0.078 && u.busy < 0.082);
    CHECK(u.needs > 0.0799 && u.needs < 0.0801);
    CHECK_INT(u.cycle_ns, 800 * MS);
    CHECK(u.serial);
    CHECK(u.window_ns >= 300000 * MS && u.window_ns <= 600000 * MS);
    double sum = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct lintel_device_stats s = device(&h, i);
        sum += s.share;
        CHECK(s.share > 0.019 && s.share < 0.021);
        CHECK_INT(s.time_ns, (int64_t)s.requests * 200 * MS);
        CHECK_INT(s.latency[8], s.requests); /* 128 to 256 ms */
        CHECK_INT(s.retries, 0);
    }
    CHECK(sum > 0.99 * u.busy && sum < 1.01 * u.busy);
    /* Nobody is asked for a while: the shares follow. */
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_LINK, "test");
    h.bus.nopen = 0;
    kit_advance(&h, 600);
    CHECK(use_of(&h).busy > 0 && use_of(&h).busy < 0.05);
    CHECK(device(&h, 3).share > 0 && device(&h, 3).share < 0.0125);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    run_line(&h, -1, 700);
    CHECK(use_of(&h).busy > 0.078 && use_of(&h).busy < 0.082);
    CHECK(device(&h, 3).share > 0.019 && device(&h, 3).share < 0.021);
    kit_house_free(&h);
}

static void
a_silent_unit_takes_less_than_one_percent(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, NPOINTS, 4, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    run_line(&h, 2, 20);
    CHECK(!device(&h, 2).reachable);
    int64_t before = device(&h, 2).time_ns;
    lintel_mono from = lintel_loop_now(h.loop);
    for (int i = 0; i < 3600; i++) {
        run_line(&h, 2, 1);
        CHECK(device(&h, 2).retry - lintel_loop_now(h.loop) <= 60000 * MS);
    }
    int64_t used = device(&h, 2).time_ns - before;
    CHECK(used > 0);
    CHECK(used * 100 <= lintel_loop_now(h.loop) - from);
    CHECK_INT(device(&h, 2).retries, device(&h, 2).requests - 1);
    run_line(&h, -1, 60);
    CHECK(device(&h, 2).reachable);
    CHECK_INT(kit_reading(&h, 2, 1).quality, LINTEL_QUALITY_GOOD);
    kit_house_free(&h);
}

/* Alone, it takes time from nobody: it is looked for as soon as the doubling allows. */
static void
a_silent_unit_alone_is_found_soon(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, NPOINTS, 1, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    for (int i = 0; i < 3; i++) {
        kit_advance(&h, 0.5);
        kit_answer(&h.bus, 0, LINTEL_E_TIMEOUT, 0);
        while (h.bus.nopen == 0 && device(&h, 0).retry != 0)
            kit_advance(&h, 0.05);
    }
    CHECK(lintel_loop_now(h.loop) <= INT64_C(1000000000000) + 12000 * MS);
    kit_house_free(&h);
}

static void
fill(lintel_sample s[NPOINTS], int64_t value, uint32_t silent_from)
{
    for (uint32_t i = 0; i < NPOINTS; i++) {
        s[i] = kit_sample(i, kit_int(value));
        s[i].status = i < silent_from ? LINTEL_OK : LINTEL_E_TIMEOUT;
        s[i].detail = i < silent_from ? NULL : "no answer";
    }
}

static void
a_lost_part_is_asked_for_again(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    REQUIRE(kit_house_new(&h, meter, NPOINTS, 1, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    fill(s, 1, NPOINTS);
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    while (h.bus.nopen == 0)
        kit_advance(&h, 0.1);
    fill(s, 2, 1);
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    CHECK_INT(kit_reading(&h, 0, 0).value.as.i, 2);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_GOOD); /* forgiven */
    CHECK_INT(kit_reading(&h, 0, 2).value.as.i, 1);
    CHECK(device(&h, 0).reachable);
    CHECK_INT(device(&h, 0).timeouts, 1);
    kit_advance(&h, 1);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, NPOINTS);
    CHECK_INT(device(&h, 0).retries, 1);
    fill(s, 3, 1); /* once more: now it counts, and is not repeated */
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_STALE);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    kit_advance(&h, 2);
    CHECK_INT(h.bus.nopen, 0);
    while (h.bus.nopen == 0)
        kit_advance(&h, 0.1);
    fill(s, 4, NPOINTS);
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(device(&h, 0).retries, 1);
    kit_house_free(&h);
}

static void
a_lost_answer_is_asked_for_again(void)
{
    struct kit_house h;
    lintel_sample s[NPOINTS];
    REQUIRE(kit_house_new(&h, meter, NPOINTS, 1, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    fill(s, 1, NPOINTS);
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    while (h.bus.nopen == 0)
        kit_advance(&h, 0.1);
    fill(s, 2, 0);
    kit_answer_with(&h.bus, 0, s, NPOINTS);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_GOOD);
    kit_advance(&h, 1.3);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, 1); /* is it there? */
    kit_answer(&h.bus, 0, LINTEL_OK, 5);
    REQUIRE(h.bus.nopen == 1); /* then all of it at once */
    CHECK_INT(h.bus.open[0]->n, NPOINTS);
    kit_answer(&h.bus, 0, LINTEL_OK, 7);
    CHECK_INT(kit_reading(&h, 0, 2).value.as.i, 9);
    CHECK_INT(device(&h, 0).retries, 2);
    CHECK_INT(device(&h, 0).timeouts, 1);
    kit_house_free(&h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(latencies_are_read_from_buckets),
                                            KIT(shares_are_of_the_last_minutes),
                                            KIT(a_silent_unit_takes_less_than_one_percent),
                                            KIT(a_silent_unit_alone_is_found_soon),
                                            KIT(a_lost_part_is_asked_for_again),
                                            KIT(a_lost_answer_is_asked_for_again),
                                            {0}};
    return kit_main("figures", tests, argc, argv);
}
