/* SPDX-License-Identifier: Apache-2.0
 * Values and polling: what the engine asks for and when, and what it makes of the answers. */
#include "core/engine/engine_kit.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/subscribe.h"

enum { R = LINTEL_P_READ };
static const struct kit_point meter[] = {
    {.name = "power", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = R},
    {.name = "voltage", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = R},
    {.name = "energy", .data = LINTEL_DATA_INTEGER, .poll = 60, .stale = 180, .flags = R},
};

static void
first_values_come_at_once_and_in_order(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 4, LINTEL_PLUGIN_BLOCKING) == 0);
    kit_advance(&h, 5);
    CHECK_INT(h.bus.submitted, 0); /* not before the plugin is ready */
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_INITIAL);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    CHECK_INT(h.bus.attached, 4);
    CHECK_INT(h.bus.bound, 12);
    CHECK_INT(h.bus.nopen, 1);
    for (uint32_t i = 0; i < 4; i++) { /* a round of all devices, then the next */
        REQUIRE(h.bus.nopen == 1);
        CHECK_INT(h.bus.open[0]->n, 2);
        CHECK_INT(h.bus.open[0]->slots[0], i * 3);
        CHECK_INT(h.bus.open[0]->deadline - lintel_loop_now(h.loop), INT64_C(5010000000));
        CHECK(h.bus.open[0]->batch != 0);
        kit_answer(&h.bus, 0, LINTEL_OK, 100);
    }
    for (uint32_t i = 0; i < 4; i++) {
        REQUIRE(h.bus.nopen == 1);
        CHECK_INT(h.bus.open[0]->n, 1);
        CHECK_INT(h.bus.open[0]->slots[0], i * 3 + 2);
        CHECK_INT(h.bus.open[0]->deadline - lintel_loop_now(h.loop), INT64_C(5005000000));
        kit_answer(&h.bus, 0, LINTEL_OK, 100);
    }
    CHECK_INT(h.bus.nopen, 0);
    CHECK_INT(h.bus.most_open, 1);
    struct lintel_reading r = kit_reading(&h, 3, 2);
    CHECK_INT(r.value.type, LINTEL_T_INT);
    CHECK_INT(r.value.as.i, 111);
    CHECK_INT(r.quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(r.sequence, 1);
    CHECK_INT(r.arrival, lintel_loop_wall(h.loop));
    kit_house_free(&h);
}

static void
polls_keep_their_pace(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 10, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 0);
    kit_advance(&h, 0);
    CHECK_INT(h.bus.submitted, 20);
    CHECK(h.bus.most_open <= 16);
    uint32_t together = 0;
    for (int step = 0; step < 1200; step++) { /* two minutes */
        kit_advance(&h, 0.1);
        together = h.bus.nopen > together ? h.bus.nopen : together;
        kit_answer_all(&h.bus, step);
    }
    /* 10 devices, each 60 times the fast group and twice the slow one; phases shift it by one at
     * most */
    CHECK(h.bus.submitted >= 20 + 600 + 20 - 20 && h.bus.submitted <= 20 + 600 + 20 + 20);
    CHECK(together < 8); /* spread by phase */
    kit_house_free(&h);
}

static void
overdue_polls_are_skipped(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 0);
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    kit_advance(&h, 11); /* five polls become due in the meantime */
    CHECK_INT(h.bus.nopen, 1);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    uint32_t before = h.bus.submitted;
    kit_answer_all(&h.bus, 0);
    kit_advance(&h, 1.99);
    kit_answer_all(&h.bus, 0);
    CHECK(h.bus.submitted - before <= 1);
    kit_house_free(&h);
}

static void
values_turn_stale_and_good_again(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 0);
    uint32_t sequence = kit_reading(&h, 0, 0).sequence;
    kit_advance(&h, 5.9);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    kit_advance(&h, 0.2);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_STALE);
    CHECK_INT(kit_reading(&h, 0, 0).sequence, sequence + 1);
    CHECK_STR(kit_reading(&h, 0, 0).detail, "not refreshed in time");
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_GOOD);
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.stale, 2);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 0).sequence, sequence + 2);
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.stale, 0);
    kit_house_free(&h);
}

/* Runs a line of four for some time: requests take 20 ms, those of `dead` all the time they get.
 * Returns how many polls the others got. */
static uint32_t
run_line(struct kit_house *h, int dead, int seconds)
{
    uint32_t polls = 0;
    lintel_mono end = lintel_loop_now(h->loop) + seconds * INT64_C(1000000000);
    while (lintel_loop_now(h->loop) < end) {
        if (h->bus.nopen == 0) {
            kit_advance(h, 0.01);
            continue;
        }
        struct lintel_op *op = h->bus.open[0];
        if (dead >= 0 && op->slots[0] / 2 == (uint32_t)dead) {
            lintel_loop_advance(h->loop, op->deadline - lintel_loop_now(h->loop));
            kit_answer(&h->bus, 0, LINTEL_E_TIMEOUT, 0);
        } else {
            kit_advance(h, 0.02);
            polls += op->kind == LINTEL_OP_READ;
            kit_answer(&h->bus, 0, LINTEL_OK, 0);
        }
    }
    return polls;
}

static void
a_dead_unit_costs_the_others_little(void)
{
    static const struct kit_point unit[] = {
        {.name = "a", .data = LINTEL_DATA_INTEGER, .poll = 1, .stale = 3, .flags = R},
        {.name = "b", .data = LINTEL_DATA_INTEGER, .poll = 1, .stale = 3, .flags = R},
    };
    struct kit_house h, all;
    REQUIRE(kit_house_new(&all, unit, 2, 3, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(all.engine, all.bus.bus);
    uint32_t best = run_line(&all, -1, 300);
    kit_house_free(&all);
    REQUIRE(kit_house_new(&h, unit, 2, 4, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    uint32_t with_dead = run_line(&h, 2, 300);
    CHECK(best >= 890);
    CHECK(with_dead * 100 >= best * 95);
    struct lintel_device_stats s;
    lintel_engine_device_stats(h.engine, h.things[2], &s);
    CHECK(!s.reachable);
    CHECK(s.retry - lintel_loop_now(h.loop) <= INT64_C(60000000000));
    CHECK_INT(s.status, LINTEL_E_TIMEOUT);
    CHECK_INT(kit_reading(&h, 2, 0).quality, LINTEL_QUALITY_STALE);
    CHECK_INT(kit_reading(&h, 1, 0).quality, LINTEL_QUALITY_GOOD);
    /* it comes back: one probe for one point, then everything at once */
    run_line(&h, -1, 61);
    lintel_engine_device_stats(h.engine, h.things[2], &s);
    CHECK(s.reachable);
    CHECK_INT(kit_reading(&h, 2, 1).quality, LINTEL_QUALITY_GOOD);
    kit_house_free(&h);
}

static void
count_state(void *ctx, struct lintel_live_thing *t)
{
    CHECK(lintel_live_thing_conf(t) != NULL);
    *(int *)ctx += 1;
}

static void
one_lost_answer_is_forgiven(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 1, LINTEL_PLUGIN_BLOCKING) == 0);
    int told = 0;
    lintel_engine_on_state(h.engine, count_state, &told);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(told, 0); /* at the end of the turn */
    kit_advance(&h, 2);
    CHECK_INT(told, 1); /* once for all three points */
    kit_answer(&h.bus, 0, LINTEL_E_TIMEOUT, 0);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    kit_advance(&h, 1);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, 1); /* the probe */
    kit_answer(&h.bus, 0, LINTEL_E_TIMEOUT, 0);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_STALE); /* at once, all of them */
    CHECK_INT(kit_reading(&h, 0, 2).status, LINTEL_E_TIMEOUT);
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.down, 1);
    CHECK_INT(stats.timeouts, 2);
    kit_advance(&h, 60);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, 1);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    REQUIRE(h.bus.nopen == 1); /* all groups at once */
    kit_answer_all(&h.bus, 0);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 2).quality, LINTEL_QUALITY_GOOD);
    told = 0;
    kit_advance(&h, 0);
    CHECK_INT(told, 1); /* it is back */
    kit_advance(&h, 2);
    kit_answer_all(&h.bus, 0);
    kit_advance(&h, 0);
    CHECK_INT(told, 1); /* values alone are no news */
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.down, 0);
    kit_house_free(&h);
}

static void
single_points_fail_alone(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    uint32_t batch = h.bus.open[0]->batch;
    lintel_sample s[2] = {kit_sample(0, kit_int(5)), kit_sample(1, kit_int(6))};
    s[1].status = LINTEL_E_DEVICE;
    s[1].detail = "exception 4";
    kit_answer_with(&h.bus, 0, s, 2);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_BAD);
    CHECK_STR(kit_reading(&h, 0, 1).detail, "exception 4");
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, 2);
    CHECK_INT(h.bus.open[0]->batch, batch);
    kit_answer_with(&h.bus, 0, s, 1); /* left out */
    CHECK_INT(kit_reading(&h, 0, 1).status, LINTEL_E_FAIL);
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    s[1].status = LINTEL_E_ADDRESS;
    s[1].detail = "exception 2";
    kit_answer_with(&h.bus, 0, s, 2);
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->n, 1); /* it rests */
    CHECK_INT(h.bus.open[0]->slots[0], 0);
    CHECK(h.bus.open[0]->batch != batch);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_BAD);
    CHECK_STR(kit_reading(&h, 0, 1).detail, "exception 2");
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    kit_answer(&h.bus, 0, LINTEL_E_ADDRESS, 0); /* the last one of its group */
    lintel_engine_link(h.engine, h.bus.bus, LINTEL_E_LINK, "x");
    lintel_engine_link(h.engine, h.bus.bus, LINTEL_OK, "");
    kit_advance(&h, 10);
    CHECK_INT(h.bus.nopen, 0);
    struct lintel_device_stats d;
    lintel_engine_device_stats(h.engine, h.things[0], &d);
    CHECK(d.reachable);
    kit_house_free(&h);
}

static void
silence_told_by_samples_is_counted(void)
{
    struct kit_house h;
    struct lintel_bus_stats stats;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    lintel_sample s[2] = {kit_sample(0, kit_int(5)), kit_sample(1, kit_int(6))};
    s[0].status = s[1].status = LINTEL_E_TIMEOUT;
    kit_answer_with(&h.bus, 0, s, 2);
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.timeouts, 1);
    CHECK_INT(stats.errors, 0);
    CHECK_INT(stats.values, 0);
    kit_house_free(&h);
}

static void
a_refused_point_keeps_its_reason(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    lintel_sample s = kit_sample(0, kit_int(5));
    /* Both are being asked for when the plugin's refusals come. */
    lintel_engine_refused_point(h.engine, h.bus.bus, 1, LINTEL_E_ADDRESS, "no such address");
    kit_answer_with(&h.bus, 0, &s, 1);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_BAD);
    CHECK_STR(kit_reading(&h, 0, 1).detail, "no such address");
    kit_advance(&h, 2);
    REQUIRE(h.bus.nopen == 1);
    lintel_engine_refused_point(h.engine, h.bus.bus, 0, LINTEL_E_ADDRESS, "nor this one");
    kit_answer(&h.bus, 0, LINTEL_E_ADDRESS, 0);
    CHECK_STR(kit_reading(&h, 0, 0).detail, "nor this one");
    kit_house_free(&h);
}

/* Refused for want of memory, as the device or as a point; then the plugin is started anew. */
static void
what_had_no_memory_is_asked_again(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_sample s[] = {kit_sample(0, kit_int(5)), kit_sample(1, kit_int(6))};
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    lintel_engine_refused_point(h.engine, h.bus.bus, 1, LINTEL_E_NOMEM, "out of memory");
    lintel_engine_refused_point(h.engine, h.bus.bus, 0, LINTEL_E_NOMEM, "out of memory");
    kit_answer(&h.bus, 0, LINTEL_E_FAIL, 0);
    lintel_engine_refused_device(h.engine, h.bus.bus, 0, LINTEL_E_NOMEM, "out of memory");
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_FAIL, "a message was lost");
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    CHECK(!lintel_live_thing_starved(lintel_engine_thing_at(h.engine, 0)));
    REQUIRE(h.bus.nopen == 1);
    kit_answer_with(&h.bus, 0, s, 2);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    CHECK_INT(kit_reading(&h, 0, 1).quality, LINTEL_QUALITY_GOOD);
    kit_house_free(&h);
}

static void
large_devices_are_asked_in_parts(void)
{
    static struct kit_point many[1200];
    struct kit_house h;
    for (uint32_t i = 0; i < LINTEL_COUNT(many); i++)
        many[i] = (struct kit_point){
            .name = "x", .data = LINTEL_DATA_INTEGER, .poll = 5, .stale = 15, .flags = R};
    REQUIRE(kit_house_new(&h, many, 1200, 1, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    for (int i = 0; i < 3; i++) {
        REQUIRE(h.bus.nopen == 1);
        CHECK_INT(h.bus.open[0]->n, 400);
        kit_answer(&h.bus, 0, LINTEL_OK, 0);
    }
    CHECK_INT(h.bus.nopen, 0);
    CHECK_INT(kit_reading(&h, 0, 1199).value.as.i, 1199);
    kit_house_free(&h);
}

static void
a_busy_device_is_asked_once_more(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 1, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer(&h.bus, 0, LINTEL_E_BUSY, 0);
    CHECK_INT(h.bus.nopen, 0);
    kit_advance(&h, 0.2);
    REQUIRE(h.bus.nopen == 1);
    kit_answer(&h.bus, 0, LINTEL_E_BUSY, 0);
    kit_advance(&h, 0.2);
    CHECK(h.bus.submitted <= 3);
    kit_house_free(&h);
}

static void
a_port_without_room_is_tried_again(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 2, 2, 0) == 0);
    h.bus.refuse = 1;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_advance(&h, 1);
    CHECK_INT(h.bus.submitted, 0);
    h.bus.refuse = 0;
    kit_advance(&h, 0.1);
    CHECK_INT(h.bus.submitted, 2);
    kit_answer_all(&h.bus, 0);
    h.bus.at_once = 1; /* answers from within submit() */
    kit_advance(&h, 20);
    CHECK(h.bus.submitted >= 20);
    CHECK_INT(kit_reading(&h, 1, 1).quality, LINTEL_QUALITY_GOOD);
    kit_house_free(&h);
}

static void
a_bus_goes_and_comes(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 2, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 0);
    kit_advance(&h, 2);
    CHECK_INT(h.bus.nopen, 2);
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_FAIL, "the child has ended");
    h.bus.nopen = h.bus.attached = h.bus.bound = 0;
    CHECK_INT(kit_reading(&h, 1, 2).quality, LINTEL_QUALITY_STALE);
    CHECK_STR(kit_reading(&h, 1, 2).detail, "the child has ended");
    kit_advance(&h, 30);
    CHECK_INT(h.bus.nopen, 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    CHECK_INT(h.bus.attached, 2);
    CHECK_INT(h.bus.bound, 6);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(kit_reading(&h, 1, 2).quality, LINTEL_QUALITY_GOOD);
    lintel_engine_link(h.engine, h.bus.bus, LINTEL_E_LINK, "connection refused");
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_STALE);
    CHECK_STR(kit_reading(&h, 0, 0).detail, "connection refused");
    kit_house_free(&h);
}

static void
things_come_and_go_while_requests_are_open(void)
{
    struct kit_house h;
    REQUIRE(kit_house_new(&h, meter, 3, 3, 0) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    CHECK_INT(h.bus.nopen, 3);
    lintel_point_id p = lintel_live_thing_point(h.things[1], 0);
    lintel_engine_remove_thing(h.engine, h.things[1]);
    CHECK_INT(h.bus.cancelled, 1);
    CHECK_INT(h.bus.attached, 3); /* the plugin still has its request */
    CHECK(lintel_engine_find_thing(h.engine, "t1", 2) == NULL);
    CHECK(lintel_engine_thing_of(h.engine, p) == NULL);
    struct lintel_reading r;
    lintel_engine_reading(h.engine, p, &r);
    CHECK_INT(r.quality, LINTEL_QUALITY_INITIAL);
    CHECK_INT(lintel_engine_nthings(h.engine), 2);
    CHECK(lintel_engine_thing_at(h.engine, 1) == h.things[2]);
    /* a new one does not get the numbers while the old request may still be answered */
    h.things[1] = lintel_engine_add_thing(h.engine, h.bus.bus, NULL, &h.confs[1]);
    REQUIRE(h.things[1] != NULL);
    CHECK(lintel_live_thing_point(h.things[1], 0) != p);
    kit_answer_all(&h.bus, 7);
    CHECK_INT(h.bus.attached, 3);
    CHECK_INT(h.bus.bound, 9);
    kit_advance(&h, 0);
    lintel_engine_remove_thing(h.engine, h.things[0]); /* nothing open: told at once */
    CHECK_INT(h.bus.attached, 2);
    h.things[0] = lintel_engine_add_thing(h.engine, h.bus.bus, NULL, &h.confs[0]);
    REQUIRE(h.things[0] != NULL);
    CHECK(lintel_live_thing_point(h.things[0], 0) == 0);
    kit_answer_all(&h.bus, 7);
    CHECK_INT(kit_reading(&h, 0, 0).quality, LINTEL_QUALITY_GOOD);
    kit_house_free(&h);
}

/* Whatever happens in whatever order: nothing is lost, nothing is told twice. */
static int open_commands, told;

static void
outcome(void *ctx, const struct lintel_outcome *o)
{
    (void)ctx;
    open_commands--;
    told += o->detail != NULL;
}

static void
notified(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    struct lintel_subscription **mine = ctx;
    (void)s, (void)confirm;
    if (gone)
        *mine = NULL;
}

static void
swallow(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level, (void)topic, (void)line;
}

enum { CHAOS_THINGS = 5, CHAOS_SUBSCRIPTIONS = 8 };

static void
chaos_step(struct kit_house *h, struct lintel_subscription **subs, int *ready)
{
    static const lintel_status statuses[] = {
        LINTEL_OK,     LINTEL_OK,       LINTEL_OK,      LINTEL_E_TIMEOUT, LINTEL_E_LINK,
        LINTEL_E_BUSY, LINTEL_E_DEVICE, LINTEL_E_PROTO, LINTEL_E_FAIL,    LINTEL_E_CANCELLED};
    uint32_t i = (uint32_t)(kit_random() % CHAOS_THINGS), k = (uint32_t)(kit_random() % 5);
    uint32_t j = (uint32_t)(kit_random() % CHAOS_SUBSCRIPTIONS);
    lintel_point_id p =
        h->things[i] != NULL ? lintel_live_thing_point(h->things[i], k) : LINTEL_NO_POINT;
    lintel_value v = kit_int((int64_t)(kit_random() % 4));
    switch (kit_random() % 13) {
    case 0:
        if (h->things[i] != NULL) {
            lintel_engine_remove_thing(h->engine, h->things[i]);
            h->things[i] = NULL;
        } else {
            h->things[i] = lintel_engine_add_thing(h->engine, h->bus.bus, NULL, &h->confs[i]);
        }
        break;
    case 1:
        open_commands++;
        lintel_engine_write(h->engine, p, &v, "x", outcome, NULL);
        break;
    case 2:
        open_commands++;
        lintel_engine_read(h->engine, p, outcome, NULL);
        break;
    case 3:
        if (subs[j] != NULL)
            lintel_unsubscribe(h->engine, subs[j]);
        subs[j] = lintel_subscribe(
            h->engine, &p, 1,
            &(struct lintel_conditions){
                .given = LINTEL_C_PMAX | LINTEL_C_EPMAX, .pmax = 3000000000, .epmax = 700000000},
            notified, &subs[j]);
        break;
    case 4:
        if (kit_random() % 8 == 0) {
            if (*ready)
                h->bus.nopen = h->bus.attached = h->bus.bound = 0;
            if (*ready)
                lintel_engine_bus_gone(h->engine, h->bus.bus, LINTEL_E_LINK, "gone");
            else
                lintel_engine_bus_ready(h->engine, h->bus.bus);
            *ready = !*ready;
        }
        break;
    case 5: lintel_engine_link(h->engine, h->bus.bus, statuses[kit_random() % 5], "link"); break;
    case 6:
        lintel_engine_device(h->engine, h->bus.bus, i, statuses[kit_random() % 5], "device");
        break;
    case 7: {
        lintel_sample s = kit_sample((uint32_t)(kit_random() % 40), v);
        s.status = statuses[kit_random() % LINTEL_COUNT(statuses)];
        lintel_engine_publish(h->engine, h->bus.bus, &s, 1);
        break;
    }
    case 8:
        if (kit_random() % 16 == 0)
            lintel_engine_refused_point(h->engine, h->bus.bus, i * 5 + k, LINTEL_E_ADDRESS, "no");
        else if (kit_random() % 16 == 0)
            lintel_engine_refused_device(h->engine, h->bus.bus, i, LINTEL_E_CONFIG, "no");
        break;
    case 9: h->bus.refuse = kit_random() % 4 == 0; break;
    case 10: kit_advance(h, (double)(kit_random() % 3000) / 1000); break;
    default:
        if (h->bus.nopen != 0)
            kit_answer(&h->bus, (uint32_t)(kit_random() % h->bus.nopen),
                       statuses[kit_random() % LINTEL_COUNT(statuses)], 1);
    }
}

static void
chaos(uint32_t plugin_flags)
{
    static const struct kit_point points[] = {
        {.name = "a", .poll = 1, .stale = 3, .flags = R},
        {.name = "b", .poll = 5, .stale = 15, .flags = R | LINTEL_P_WRITE, .writable = 1},
        {.name = "c", .flags = R | LINTEL_P_WRITE, .writable = 1},
        {.name = "d", .stale = 2, .flags = LINTEL_P_NOTIFY},
        {.name = "e", .poll = 1, .stale = 4, .flags = R | LINTEL_P_NOTIFY},
    };
    struct kit_house h;
    struct lintel_subscription *subs[CHAOS_SUBSCRIPTIONS] = {NULL};
    int ready = 0;
    open_commands = 0;
    lintel_log_sink(swallow, NULL);
    REQUIRE(kit_house_new(&h, points, 5, CHAOS_THINGS, plugin_flags) == 0);
    for (int step = 0; step < 20000; step++)
        chaos_step(&h, subs, &ready);
    /* Peace again: all that remains comes to an end, and to good values. */
    h.bus.refuse = 0;
    if (!ready)
        lintel_engine_bus_ready(h.engine, h.bus.bus);
    lintel_engine_link(h.engine, h.bus.bus, LINTEL_OK, "");
    uint32_t present = 0;
    for (uint32_t i = 0; i < CHAOS_THINGS; i++) {
        if (h.things[i] != NULL)
            lintel_engine_remove_thing(h.engine, h.things[i]);
        h.things[i] = lintel_engine_add_thing(h.engine, h.bus.bus, NULL, &h.confs[i]);
        present += h.things[i] != NULL;
    }
    for (int i = 0; i < 100; i++) {
        kit_answer_all(&h.bus, i);
        kit_advance(&h, 1);
    }
    kit_answer_all(&h.bus, 0);
    CHECK_INT(open_commands, 0);
    CHECK_INT(h.bus.attached, present);
    CHECK_INT(h.bus.bound, present * 5);
    for (uint32_t i = 0; i < CHAOS_THINGS; i++)
        CHECK_INT(kit_reading(&h, i, 1).quality, LINTEL_QUALITY_GOOD);
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.stale, 0);
    CHECK_INT(stats.bad, 0);
    CHECK_INT(stats.down, 0);
    for (uint32_t j = 0; j < CHAOS_SUBSCRIPTIONS; j++)
        lintel_unsubscribe(h.engine, subs[j]);
    CHECK_INT(lintel_subscriptions(h.engine), 0);
    kit_house_free(&h);
    lintel_log_sink(NULL, NULL);
}

static void
nothing_is_lost_in_chaos(void)
{
    chaos(0);
    chaos(LINTEL_PLUGIN_BLOCKING);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(first_values_come_at_once_and_in_order),
        KIT(polls_keep_their_pace),
        KIT(overdue_polls_are_skipped),
        KIT(values_turn_stale_and_good_again),
        KIT(a_dead_unit_costs_the_others_little),
        KIT(one_lost_answer_is_forgiven),
        KIT(single_points_fail_alone),
        KIT(silence_told_by_samples_is_counted),
        KIT(a_refused_point_keeps_its_reason),
        KIT(what_had_no_memory_is_asked_again),
        KIT(large_devices_are_asked_in_parts),
        KIT(a_busy_device_is_asked_once_more),
        KIT(a_port_without_room_is_tried_again),
        KIT(a_bus_goes_and_comes),
        KIT(things_come_and_go_while_requests_are_open),
        KIT(nothing_is_lost_in_chaos),
        {0},
    };
    return kit_main("engine", tests, argc, argv);
}
