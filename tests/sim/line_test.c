/* SPDX-License-Identifier: Apache-2.0
 * A hard RS-485 line: thirty meters at 9,600 baud, one dead, one that gives 50 registers at once,
 * one without a register that its binding names, one that answers late. Hours of it, on a fake
 * clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/plan.h"
#include "tests/kit/kit.h"
#include "tests/sim/line_house.h"

enum { UNITS = 30, DEAD = 5, LIMITED = 12, LACKING = 19, LATE = 26, ILLEGAL = 62 };

struct watch { /* what is seen of all points, once a second */
    uint64_t values, wrong;
    double oldest;     /* age of a good meter's value, in seconds */
    uint32_t not_good; /* moments at which a good meter's point was not good */
};

static int
is_good(unsigned unit)
{
    return unit != DEAD && unit != LATE;
}

static void
look_at(struct house *h, uint32_t bus, unsigned unit, struct watch *w, int judge)
{
    struct lintel_live_thing *t = house_thing(h, bus, unit);
    lintel_mono now = lintel_loop_now(h->loop);
    for (uint32_t i = 0; i < HOUSE_POINTS; i++) {
        struct lintel_reading r;
        lintel_point_id p = lintel_live_thing_point(t, i);
        unsigned a =
            (unsigned)strtoul(lintel_engine_bound(h->engine, p)->affordance->name + 1, NULL, 10);
        uint32_t right =
            (uint32_t)house_register(bus, unit, a) << 16 | house_register(bus, unit, a + 1);
        lintel_engine_reading(h->engine, p, &r);
        if (r.value.type != LINTEL_T_NULL) {
            w->values++;
            w->wrong += r.value.type != LINTEL_T_INT || r.value.as.i != (int64_t)right;
        }
        if (!judge || (unit == LACKING && a == ILLEGAL))
            continue;
        double age = (double)(now - r.refreshed) / 1e9;
        w->oldest = age > w->oldest ? age : w->oldest;
        w->not_good += r.quality != LINTEL_QUALITY_GOOD;
    }
}

/* judge: bit i says that the meters of unit i are to be good. */
static void
watch(struct house *h, uint32_t buses, int seconds, uint64_t judge, struct watch *w)
{
    for (int s = 0; s < seconds; s++) {
        house_advance(h, 1);
        for (uint32_t b = 0; b < buses; b++)
            for (unsigned u = 1; u <= UNITS; u++)
                look_at(h, b, u, w, (int)(judge >> u & 1));
    }
}

static uint64_t
good_ones(void)
{
    uint64_t units = 0;
    for (unsigned u = 1; u <= UNITS; u++)
        units |= is_good(u) ? UINT64_C(1) << u : 0;
    return units;
}

static int
all_good(struct house *h, uint32_t bus, unsigned unit)
{
    struct watch w = {0};
    look_at(h, bus, unit, &w, 1);
    return w.not_good == 0;
}

/* Until all points of these units are good; seconds, or -1 after a while. */
static double
until_good(struct house *h, uint64_t units, double most)
{
    for (double s = 0; s <= most; s += 0.1) {
        int good = 1;
        for (unsigned u = 1; u <= UNITS && good; u++)
            good = !(units >> u & 1) || all_good(h, 0, u);
        if (good)
            return s;
        house_advance(h, 0.1);
    }
    return -1;
}

static void
spoil(struct house *h)
{
    house_unit(h, 0, DEAD)->fault = FAULT_DEAD;
    house_unit(h, 0, LIMITED)->most = 50;
    memset(house_unit(h, 0, LACKING)->known[SIM_INPUT] + ILLEGAL, 0, 2);
}

static int64_t
busy_of(struct house *h)
{
    struct lintel_bus_stats s;
    lintel_engine_bus_stats(h->engine, house_bus(h, 0), &s);
    return s.busy_ns;
}

static struct lintel_device_stats
figures_of(struct house *h, uint32_t bus, unsigned unit)
{
    struct lintel_device_stats s;
    lintel_engine_device_stats(h->engine, house_thing(h, bus, unit), &s);
    return s;
}

/* ---- tests ---- */

/* How the late unit behaves: its answer comes 650 ms after the request, or in front of the next
 * one's. */
static void
run_an_hour(enum fault late, int late_ms)
{
    static struct house h;
    struct watch w = {0};
    REQUIRE(house_new(&h, 1, UNITS, "", "20") == 0);
    spoil(&h);
    house_unit(&h, 0, LATE)->fault = late;
    house_unit(&h, 0, LATE)->fault_value = late_ms;
    house_start(&h);
    double first = until_good(&h, good_ones(), 60);
    printf("first full cycle: %.1f s\n", first);
    CHECK(first >= 0 && first <= 30);

    watch(&h, 1, 60, good_ones(), &w); /* two cycles more */
    int64_t dead = figures_of(&h, 0, DEAD).time_ns, busy = busy_of(&h);
    int64_t late_from = figures_of(&h, 0, LATE).time_ns;
    struct sim_line_counts c = *house_counts(&h, 0);
    w.not_good = 0;
    watch(&h, 1, 1740, good_ones(), &w);
    const struct sim_line_counts *now = house_counts(&h, 0);
    double use = (double)(busy_of(&h) - busy), seen = (double)(now->busy_ns - c.busy_ns);
    printf("bus: %.1f %% by the hub, %.1f %% by the line; dead %.2f %%, late %.2f %% of 1,740 s; "
           "%llu collisions\n",
           use / 17.4e9, seen / 17.4e9, (double)(figures_of(&h, 0, DEAD).time_ns - dead) / 17.4e9,
           (double)(figures_of(&h, 0, LATE).time_ns - late_from) / 17.4e9,
           (unsigned long long)(now->collisions - c.collisions));
    CHECK((double)(figures_of(&h, 0, DEAD).time_ns - dead) <= 0.01 * 1740e9);
    CHECK(use < 1.05 * seen && use > 0.95 * seen);
    CHECK(w.oldest <= 30);
    CHECK_INT(w.not_good, 0);
    for (unsigned u = 1; u <= UNITS; u++) {
        double cycles = 1740 / 20.0, asked = (double)(now->requests_of[u] - c.requests_of[u]);
        if (is_good(u) && !CHECK(asked <= 5 * cycles + 10))
            printf("unit %u: %.2f requests a cycle\n", u, asked / cycles);
    }
    printf(
        "%.2f requests of the limited one, %.2f of the lacking one, %.2f of a good one a cycle\n",
        (double)(now->requests_of[LIMITED] - c.requests_of[LIMITED]) / 87,
        (double)(now->requests_of[LACKING] - c.requests_of[LACKING]) / 87,
        (double)(now->requests_of[1] - c.requests_of[1]) / 87);
    CHECK_HAS(h.log, "unit 12 takes at most 50 registers in one read (it refused 64): set "
                     "maxRegisters: 50");
    CHECK_HAS(h.log, "p62: exception 2: illegal data address (input 62..63, unit 19)");

    /* One comes back; two others are away for a while. */
    house_unit(&h, 0, DEAD)->fault = FAULT_NONE;
    double back = until_good(&h, UINT64_C(1) << DEAD, 90);
    printf("back after %.1f s\n", back);
    CHECK(back >= 0 && back <= 60);
    house_unit(&h, 0, 1)->fault = house_unit(&h, 0, 30)->fault = FAULT_DEAD;
    watch(&h, 1, 600, good_ones() & ~(UINT64_C(1) << 1 | UINT64_C(1) << 30), &w);
    CHECK(!all_good(&h, 0, 1) && !all_good(&h, 0, 30));
    house_unit(&h, 0, 1)->fault = house_unit(&h, 0, 30)->fault = FAULT_NONE;
    back = until_good(&h, UINT64_C(1) << 1 | UINT64_C(1) << 30, 90);
    printf("both back after %.1f s\n", back);
    CHECK(back >= 0 && back <= 60);
    watch(&h, 1, 1100, good_ones(), &w);
    printf("%llu values seen, oldest %.1f s\n", (unsigned long long)w.values, w.oldest);
    CHECK_INT(w.wrong, 0);
    CHECK(w.values > 3000000);
    CHECK(w.oldest <= 30);
    CHECK_INT(w.not_good, 0);
    house_free(&h);
}

static void
an_hour_with_one_that_answers_late(void)
{
    run_an_hour(FAULT_SLOW, 650);
}

static void
an_hour_with_one_that_answers_into_the_next_request(void)
{
    run_an_hour(FAULT_LATE, 0);
}

static void
the_plan_is_what_is_measured(void)
{
    static struct house h;
    struct lintel_bus_plan plan;
    struct lintel_bus_use use;
    char reason[LINTEL_REASON] = "";
    REQUIRE(house_new(&h, 1, UNITS, "", "20") == 0);
    REQUIRE(lintel_plan_bus(h.site, &h.site->buses[0], &plan, reason) == 1);
    house_start(&h);
    house_advance(&h, 60);
    int64_t busy = busy_of(&h);
    uint64_t requests = house_counts(&h, 0)->requests, bytes = house_counts(&h, 0)->bytes;
    house_advance(&h, 1200);
    double measured = (double)(busy_of(&h) - busy) / 1200e9;
    lintel_engine_bus_use(h.engine, house_bus(&h, 0), &use);
    printf("planned %.2f %%, measured %.2f %%; cycle planned %.2f s, by experience %.2f s\n",
           plan.needs * 100, measured * 100, (double)plan.cycle_ns / 1e9,
           (double)use.cycle_ns / 1e9);
    CHECK(plan.needs > 0.95 * measured && plan.needs < 1.05 * measured);
    CHECK(use.needs > 0.95 * measured && use.needs < 1.05 * measured);
    CHECK(use.busy > 0.95 * measured && use.busy < 1.05 * measured);
    CHECK((double)plan.cycle_ns > 0.95 * (double)use.cycle_ns);
    CHECK((double)plan.cycle_ns < 1.05 * (double)use.cycle_ns);
    CHECK_INT(plan.requests * 60, house_counts(&h, 0)->requests - requests);
    CHECK_INT(plan.bytes * 60, house_counts(&h, 0)->bytes - bytes);
    CHECK_INT(plan.things, UNITS);
    CHECK(use.serial);
    house_free(&h);
}

static void
too_much_is_told_with_a_remedy(void)
{
    static struct house h;
    struct lintel_bus_plan plan;
    struct lintel_buf text = {0};
    char reason[LINTEL_REASON] = "";
    REQUIRE(house_new(&h, 1, UNITS, "", "5") == 0);
    REQUIRE(lintel_plan_bus(h.site, &h.site->buses[0], &plan, reason) == 1);
    lintel_plan_say(&plan, &text);
    printf("%s\n", lintel_buf_str(&text));
    CHECK_HAS(lintel_buf_str(&text), "bus line-0 needs 238 % of its time: 30 things, 120 requests");
    CHECK_HAS(lintel_buf_str(&text), "Most is for m0-1 (7.9 %), m0-2 (7.9 %) and m0-3 (7.9 %)");
    CHECK_HAS(lintel_buf_str(&text), "Poll each 18 s");
    lintel_buf_fini(&text);
    house_free(&h);
    REQUIRE(house_new(&h, 1, UNITS, ", baud: 19200", "10") == 0);
    REQUIRE(lintel_plan_bus(h.site, &h.site->buses[0], &plan, reason) == 1);
    lintel_plan_say(&plan, &text);
    printf("%s\n", lintel_buf_str(&text));
    CHECK_HAS(lintel_buf_str(&text), ", or set baud: 38400");
    lintel_buf_fini(&text);
    house_free(&h);
}

static void
one_number_on_two_lines_is_two_units(void)
{
    static struct house h;
    struct watch w = {0};
    REQUIRE(house_new(&h, 2, UNITS, "", "20") == 0);
    house_unit(&h, 0, 7)->fault = FAULT_DEAD;
    house_start(&h);
    watch(&h, 2, 120, 0, &w);
    CHECK_INT(w.wrong, 0);
    CHECK(w.values > 100000);
    CHECK(!figures_of(&h, 0, 7).reachable);
    CHECK(figures_of(&h, 1, 7).reachable);
    CHECK(all_good(&h, 1, 7));
    CHECK(figures_of(&h, 0, 7).timeouts >= 2);
    CHECK_INT(figures_of(&h, 1, 7).timeouts, 0);
    CHECK_INT(figures_of(&h, 1, 7).retries, 0);
    CHECK(figures_of(&h, 0, 7).retries >= 1);
    CHECK(figures_of(&h, 1, 7).requests >= 5);
    /* a poll takes about 0.4 s: between 256 and 512 ms */
    int64_t median = lintel_latency_below(figures_of(&h, 1, 7).latency, 0.5);
    CHECK(median > 256000000 && median <= 512000000);
    CHECK_INT(lintel_latency_below(figures_of(&h, 0, 7).latency, 0.5), 0);
    house_free(&h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(an_hour_with_one_that_answers_late),
        KIT(an_hour_with_one_that_answers_into_the_next_request),
        KIT(the_plan_is_what_is_measured),
        KIT(too_much_is_told_with_a_remedy),
        KIT(one_number_on_two_lines_is_two_units),
        {0}};
    return kit_main("line", tests, argc, argv);
}
