/* SPDX-License-Identifier: Apache-2.0
 * Conditions of observations, on the fake clock; the sequences follow appendix B of
 * draft-ietf-core-conditional-attributes-12. */
#include "core/engine/subscribe.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/engine_kit.h"

enum { R = LINTEL_P_READ, PUSH = LINTEL_P_NOTIFY };
static const struct kit_point room[] = {
    {.name = "temperature", .data = LINTEL_DATA_NUMBER, .flags = PUSH},
    {.name = "window", .data = LINTEL_DATA_BOOLEAN, .flags = PUSH},
    {.name = "pressed", .kind = LINTEL_K_EVENT, .data = LINTEL_DATA_STRING, .flags = PUSH},
    {.name = "hours", .data = LINTEL_DATA_INTEGER, .flags = R},
    {.name = "slow", .data = LINTEL_DATA_INTEGER, .poll = 60, .stale = 180, .flags = R},
};
enum { TEMPERATURE, WINDOW, PRESSED, HOURS, SLOW, NPOINTS };

struct log { /* one line for each call: seconds since the start, value */
    struct kit_house h;
    lintel_mono start;
    struct lintel_subscription *s;
    lintel_point_id point;
    int confirm, gone, end_at; /* end_at: unsubscribes in that call */
    int calls;
    char text[1000];
};

static void
told(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    struct log *l = ctx;
    struct lintel_reading r;
    size_t n = strlen(l->text);
    l->calls++;
    l->confirm = confirm;
    l->gone |= gone;
    if (gone) {
        l->s = NULL;
        return;
    }
    lintel_engine_reading(l->h.engine, l->point, &r);
    double number = r.value.type == LINTEL_T_REAL ? r.value.as.r : (double)r.value.as.i;
    snprintf(l->text + n, sizeof l->text - n, "%s%g:%g", n != 0 ? " " : "",
             (double)(lintel_loop_now(l->h.loop) - l->start) / 1e9, number);
    if (l->end_at == l->calls) {
        lintel_unsubscribe(l->h.engine, s);
        l->s = NULL;
    }
}

static void
push(struct log *l, uint32_t point, lintel_value v)
{
    lintel_sample s = kit_sample(point, v);
    lintel_engine_publish(l->h.engine, l->h.bus.bus, &s, 1);
}

static void
set(struct log *l, double v)
{
    push(l, TEMPERATURE, kit_real(v));
    kit_advance(&l->h, 0);
}

static int
begin(struct log *l)
{
    *l = (struct log){.s = NULL};
    if (kit_house_new(&l->h, room, NPOINTS, 1, LINTEL_PLUGIN_PUSH) != 0)
        return -1;
    lintel_engine_bus_ready(l->h.engine, l->h.bus.bus);
    while (l->h.bus.nopen > 0)
        kit_answer(&l->h.bus, 0, LINTEL_OK, 0);
    set(l, 18.5);
    push(l, WINDOW, kit_bool(0));
    kit_advance(&l->h, 0);
    l->start = lintel_loop_now(l->h.loop);
    return 0;
}

static int
read_conditions(const char *query, const struct lintel_data *data, struct lintel_conditions *c,
                char reason[LINTEL_REASON])
{
    *c = (struct lintel_conditions){0};
    while (*query != '\0') {
        size_t n = strcspn(query, "&");
        if (lintel_conditions_parse(c, query, n, reason) != 1)
            return -1;
        query += n + (query[n] == '&');
    }
    return lintel_conditions_check(c, data, reason);
}

static int
observe(struct log *l, uint32_t point, const char *query)
{
    struct lintel_conditions c;
    char reason[LINTEL_REASON] = "";
    l->point = lintel_live_thing_point(l->h.things[0], point);
    const struct lintel_data *data = lintel_engine_bound(l->h.engine, l->point)->affordance->data;
    if (!kit_check(read_conditions(query, data, &c, reason) == 0, reason, __FILE__, __LINE__,
                   query))
        return -1;
    l->s = lintel_subscribe(l->h.engine, &l->point, 1, &c, told, l);
    return l->s != NULL ? 0 : -1;
}

static void
finish(struct log *l)
{
    lintel_unsubscribe(l->h.engine, l->s);
    CHECK_INT(lintel_subscriptions(l->h.engine), 0);
    kit_house_free(&l->h);
}

static void
every_change_is_told_once(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "") == 0);
    kit_advance(&l.h, 1);
    set(&l, 19);
    set(&l, 19);
    kit_advance(&l.h, 1);
    push(&l, TEMPERATURE, kit_real(20));
    push(&l, TEMPERATURE, kit_real(21)); /* the same turn */
    CHECK_STR(l.text, "1:19");
    kit_advance(&l.h, 1);
    CHECK_STR(l.text, "1:19 2:21");
    CHECK_INT(l.confirm, 0);
    finish(&l);
}

static void
pmin_holds_back(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmin=10&c.con=1") == 0);
    kit_advance(&l.h, 4);
    set(&l, 23);
    kit_advance(&l.h, 4);
    set(&l, 26);
    CHECK_STR(l.text, "");
    kit_advance(&l.h, 2);
    CHECK_STR(l.text, "10:26");
    CHECK_INT(l.confirm, 1);
    kit_advance(&l.h, 30);
    CHECK_STR(l.text, "10:26");
    set(&l, 27);
    CHECK_STR(l.text, "10:26 40:27");
    finish(&l);
}

static void
pmax_tells_an_unchanged_state(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmax=20") == 0);
    kit_advance(&l.h, 7);
    set(&l, 23);
    kit_advance(&l.h, 20);
    CHECK_STR(l.text, "7:23 27:23");
    kit_advance(&l.h, 40);
    CHECK_STR(l.text, "7:23 27:23 47:23 67:23");
    finish(&l);
}

static void
equal_periods_tell_at_that_pace(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmin=5&c.pmax=5") == 0);
    for (int i = 0; i < 12; i++) {
        kit_advance(&l.h, 1);
        set(&l, 20 + i);
    }
    CHECK_STR(l.text, "5:23 10:28"); /* the change of the same instant comes after */
    finish(&l);
}

static void
gt_tells_each_crossing(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.gt=25") == 0);
    const double values[] = {20, 25, 26, 30, 25.1, 25, 24, 26};
    for (size_t i = 0; i < LINTEL_COUNT(values); i++) {
        kit_advance(&l.h, 1);
        set(&l, values[i]);
    }
    CHECK_STR(l.text, "3:26 6:25 8:26");
    finish(&l);
}

static void
gt_and_pmax(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmax=20&c.gt=25") == 0);
    kit_advance(&l.h, 19);
    set(&l, 23);
    CHECK_STR(l.text, "");
    kit_advance(&l.h, 1);
    CHECK_STR(l.text, "20:23");
    kit_advance(&l.h, 7);
    set(&l, 26);
    CHECK_STR(l.text, "20:23 27:26");
    finish(&l);
}

static void
lt_and_st_are_relative_to_what_was_told(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.lt=18&c.pmin=2") == 0);
    kit_advance(&l.h, 1);
    set(&l, 17); /* within pmin, and gone again when it ends */
    set(&l, 19);
    kit_advance(&l.h, 5);
    CHECK_STR(l.text, "");
    set(&l, 17);
    set(&l, 16);
    kit_advance(&l.h, 5);
    set(&l, 18);
    CHECK_STR(l.text, "6:17 11:18");
    finish(&l);
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.st=0.5") == 0);
    const double values[] = {18.75, 18.25, 18.9, 19, 19.25, 18.5};
    for (size_t i = 0; i < LINTEL_COUNT(values); i++) {
        kit_advance(&l.h, 1);
        set(&l, values[i]);
    }
    CHECK_STR(l.text, "4:19 6:18.5");
    finish(&l);
}

static void
run_band(const char *query, const char *expected)
{
    struct log l;
    const double values[] = {9, 10, 15, 20, 21};
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, query) == 0);
    for (size_t i = 0; i < LINTEL_COUNT(values); i++) {
        kit_advance(&l.h, 1);
        set(&l, values[i]);
    }
    CHECK_STR(l.text, expected);
    finish(&l);
}

static void
bands(void)
{
    run_band("c.band&c.gt=10&c.lt=20", "2:10 3:15 4:20");        /* inside, edges included */
    run_band("c.band&c.gt=20&c.lt=10", "1:9 5:21");              /* outside, edges excluded */
    run_band("c.band&c.lt=20", "4:20 5:21");                     /* from a minimum on */
    run_band("c.band&c.gt=10", "1:9 2:10");                      /* up to a maximum */
    run_band("c.band&c.gt=10&c.lt=20&c.st=5", "2:10 3:15 4:20"); /* steps count inside */
    run_band("c.band&c.gt=10&c.lt=20&c.st=8", "2:10 4:20");
    run_band("c.band&c.gt=20&c.lt=10&c.st=1.5", "1:9 5:21");
}

static void
edges(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, WINDOW, "c.edge=1") == 0);
    const int states[] = {1, 1, 0, 0, 1};
    for (size_t i = 0; i < LINTEL_COUNT(states); i++) {
        kit_advance(&l.h, 1);
        push(&l, WINDOW, kit_bool(states[i]));
        kit_advance(&l.h, 0);
    }
    CHECK_STR(l.text, "1:1 5:1");
    finish(&l);
    REQUIRE(begin(&l) == 0 && observe(&l, WINDOW, "c.edge=false") == 0);
    for (size_t i = 0; i < LINTEL_COUNT(states); i++) {
        kit_advance(&l.h, 1);
        push(&l, WINDOW, kit_bool(states[i]));
        kit_advance(&l.h, 0);
    }
    CHECK_STR(l.text, "3:0");
    finish(&l);
}

static void
evaluation_periods(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.gt=25&c.epmin=10") == 0);
    kit_advance(&l.h, 1);
    set(&l, 30);
    set(&l, 20);
    kit_advance(&l.h, 20); /* the spike was not looked at */
    CHECK_STR(l.text, "");
    set(&l, 30);
    CHECK_STR(l.text, "21:30");
    finish(&l);
    /* slower sources are read for it */
    REQUIRE(begin(&l) == 0 && observe(&l, SLOW, "c.epmax=5") == 0);
    uint32_t before = l.h.bus.kinds[LINTEL_OP_READ];
    for (int i = 0; i < 20; i++) {
        kit_advance(&l.h, 1);
        kit_answer_all(&l.h.bus, i);
    }
    kit_advance(&l.h, 0);
    CHECK_INT(l.h.bus.kinds[LINTEL_OP_READ] - before, 4);
    CHECK_INT(l.calls, 4);
    finish(&l);
}

static void
what_came_back_is_no_news(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmin=10") == 0);
    kit_advance(&l.h, 1);
    set(&l, 30);
    set(&l, 18.5);
    kit_advance(&l.h, 20);
    CHECK_STR(l.text, "");
    set(&l, 19);
    CHECK_STR(l.text, "21:19");
    finish(&l);
    REQUIRE(begin(&l) == 0 && observe(&l, WINDOW, "c.pmin=10") == 0);
    push(&l, WINDOW, kit_bool(1));
    push(&l, WINDOW, kit_bool(0));
    kit_advance(&l.h, 20);
    CHECK_STR(l.text, "");
    push(&l, WINDOW, kit_bool(1));
    kit_advance(&l.h, 0);
    CHECK_STR(l.text, "20:1");
    finish(&l);
}

static void
parts_of_a_second(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmin=0.5&c.pmax=1.25") == 0);
    kit_advance(&l.h, 0.25);
    set(&l, 19);
    kit_advance(&l.h, 0.25);
    CHECK_STR(l.text, "0.5:19");
    kit_advance(&l.h, 1.5); /* c.pmax is 1.3 here, rounded up */
    CHECK_STR(l.text, "0.5:19 1.8:19");
    finish(&l);
}

static uint32_t
reads_within(struct log *l, int tenths, int64_t value)
{
    uint32_t before = l->h.bus.kinds[LINTEL_OP_READ];
    for (int i = 0; i < tenths; i++) {
        kit_advance(&l->h, 0.1);
        kit_answer_all(&l->h.bus, value);
    }
    kit_advance(&l->h, 0);
    return l->h.bus.kinds[LINTEL_OP_READ] - before;
}

/* An evaluation is no notification: an equal value is none, unless it is in the band. */
static void
evaluations_of_an_unchanged_value(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0);
    kit_answer_all(&l.h.bus, 5);
    REQUIRE(observe(&l, SLOW, "c.epmax=5") == 0);
    uint32_t n = reads_within(&l, 200, 5);
    CHECK_INT(n, 4);
    int first = l.calls; /* at most the change to that value */
    CHECK(first <= 1);
    reads_within(&l, 200, 5);
    CHECK_INT(l.calls, first);
    lintel_unsubscribe(l.h.engine, l.s);
    l.calls = 0;
    REQUIRE(observe(&l, SLOW, "c.epmax=5&c.band&c.gt=0&c.lt=100") == 0);
    reads_within(&l, 200, 5);
    CHECK_INT(l.calls, 4);
    finish(&l);
}

/* Whoever wants it faster than the device is asked for anybody gets the pace of the hub. */
static void
evaluation_periods_have_limits(void)
{
    enum { MANY = 50 };
    struct log l;
    struct lintel_subscription *s[MANY];
    struct lintel_conditions c = {.given = LINTEL_C_EPMAX, .epmax = 100000000};
    REQUIRE(begin(&l) == 0 && observe(&l, SLOW, "c.epmax=0.1") == 0);
    uint32_t n = reads_within(&l, 100, 5);
    CHECK(n >= 15 && n <= 21); /* each half second */
    lintel_unsubscribe(l.h.engine, l.s);
    l.s = NULL;
    for (int i = 0; i < MANY; i++) /* many watchers of a point are one */
        s[i] = lintel_subscribe(l.h.engine, &l.point, 1, &c, told, &l);
    n = reads_within(&l, 100, 5);
    CHECK(n >= 15 && n <= 21);
    for (int i = 0; i < MANY; i++)
        lintel_unsubscribe(l.h.engine, s[i]);
    finish(&l);
}

/* A line that takes long for each request is not used up by watchers. */
static void
watchers_leave_the_bus_time(void)
{
    enum { THINGS = 40 };
    static const struct kit_point slow[] = {
        {.name = "slow", .data = LINTEL_DATA_INTEGER, .poll = 600, .stale = 1800, .flags = R}};
    struct kit_house h;
    struct lintel_subscription *s[THINGS];
    struct lintel_conditions c = {.given = LINTEL_C_EPMAX, .epmax = 1000000000};
    struct log l = {.s = NULL};
    REQUIRE(kit_house_new(&h, slow, 1, THINGS, LINTEL_PLUGIN_BLOCKING) == 0);
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    for (int i = 0; i < 100; i++) {
        kit_answer_all(&h.bus, 0);
        kit_advance(&h, 0.1);
    }
    l.h = h;
    for (int i = 0; i < THINGS; i++) {
        lintel_point_id p = lintel_live_thing_point(h.things[i], 0);
        s[i] = lintel_subscribe(h.engine, &p, 1, &c, told, &l);
    }
    int busy = 0, all = 0;
    for (int i = 0; i < 1000; i++) { /* each request takes 0.2 s of the line */
        if (h.bus.nopen > 0 && i % 2 == 1)
            kit_answer(&h.bus, 0, LINTEL_OK, 0);
        kit_advance(&h, 0.1);
        if (i >= 200) { /* it has learnt what a read costs */
            busy += h.bus.nopen > 0;
            all++;
        }
    }
    CHECK(busy * 100 >= all * 30); /* they are read, */
    CHECK(busy * 100 <= all * 70); /* and the line has time left */
    for (int i = 0; i < THINGS; i++)
        lintel_unsubscribe(h.engine, s[i]);
    kit_answer_all(&h.bus, 0);
    kit_house_free(&h);
}

/* A pack with c.epmax: each of its points that polls do not keep fresh is read in each round. */
static void
packs_are_read_in_rounds(void)
{
    struct log l;
    lintel_point_id points[3];
    struct lintel_conditions c = {.given = LINTEL_C_EPMAX, .epmax = 5000000000};
    REQUIRE(begin(&l) == 0);
    kit_answer_all(&l.h.bus, 5);
    points[0] = lintel_live_thing_point(l.h.things[0], TEMPERATURE);
    points[1] = lintel_live_thing_point(l.h.things[0], HOURS);
    points[2] = lintel_live_thing_point(l.h.things[0], SLOW);
    l.point = points[2];
    l.s = lintel_subscribe(l.h.engine, points, 3, &c, told, &l);
    REQUIRE(l.s != NULL);
    uint32_t n = reads_within(&l, 200, 5);
    CHECK(n >= 7 && n <= 8); /* two of the three every five seconds; one was read just before */
    lintel_engine_remove_thing(l.h.engine, l.h.things[0]);
    CHECK_INT(l.gone, 1);
    finish(&l);
}

static void
points_on_demand_are_looked_at_for_a_watcher(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0);
    uint32_t before = l.h.bus.kinds[LINTEL_OP_READ];
    kit_advance(&l.h, 30);
    CHECK_INT(l.h.bus.kinds[LINTEL_OP_READ], before);
    REQUIRE(observe(&l, HOURS, "") == 0);
    for (int i = 0; i < 25; i++) {
        kit_answer_all(&l.h.bus, i);
        kit_advance(&l.h, 1);
    }
    CHECK(l.calls >= 3);
    lintel_unsubscribe(l.h.engine, l.s);
    l.s = NULL;
    kit_answer_all(&l.h.bus, 0);
    before = l.h.bus.submitted;
    kit_advance(&l.h, 30);
    CHECK_INT(l.h.bus.submitted, before);
    finish(&l);
}

static void
events_are_news_each_time(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, PRESSED, "") == 0);
    for (int i = 0; i < 3; i++) {
        push(&l, PRESSED, kit_str("single"));
        kit_advance(&l.h, 1);
    }
    CHECK_INT(l.calls, 3);
    finish(&l);
}

static void
a_pack_gets_one_call_a_turn(void)
{
    struct log l;
    lintel_point_id points[NPOINTS];
    REQUIRE(begin(&l) == 0);
    for (uint32_t i = 0; i < NPOINTS; i++)
        points[i] = lintel_live_thing_point(l.h.things[0], i);
    l.point = points[0];
    l.s = lintel_subscribe(l.h.engine, points, NPOINTS, NULL, told, &l);
    REQUIRE(l.s != NULL);
    lintel_sample s[3] = {kit_sample(TEMPERATURE, kit_real(25)), kit_sample(WINDOW, kit_bool(1)),
                          kit_sample(PRESSED, kit_str("double"))};
    lintel_engine_publish(l.h.engine, l.h.bus.bus, s, 3);
    CHECK_INT(l.calls, 0);
    kit_advance(&l.h, 0);
    CHECK_INT(l.calls, 1);
    finish(&l);
}

static void
a_subscription_ends_with_its_thing_or_in_its_own_call(void)
{
    struct log l;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmax=5") == 0);
    set(&l, 20);
    set(&l, 21);
    CHECK_INT(l.calls, 2);
    push(&l, TEMPERATURE, kit_real(22));
    lintel_engine_remove_thing(l.h.engine, l.h.things[0]);
    CHECK_INT(l.gone, 1);
    CHECK_INT(l.calls, 3);
    kit_advance(&l.h, 20);
    CHECK_INT(l.calls, 3);
    finish(&l);
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "c.pmax=5") == 0);
    l.end_at = 2;
    set(&l, 20);
    kit_advance(&l.h, 20);
    CHECK_INT(l.calls, 2);
    finish(&l);
}

static void
quality_is_news_without_value_conditions(void)
{
    struct log l, m;
    REQUIRE(begin(&l) == 0 && observe(&l, TEMPERATURE, "") == 0);
    lintel_engine_link(l.h.engine, l.h.bus.bus, LINTEL_E_LINK, "refused");
    kit_advance(&l.h, 0);
    CHECK_INT(l.calls, 1);
    finish(&l);
    REQUIRE(begin(&m) == 0 && observe(&m, TEMPERATURE, "c.gt=25") == 0);
    lintel_engine_link(m.h.engine, m.h.bus.bus, LINTEL_E_LINK, "refused");
    kit_advance(&m.h, 0);
    CHECK_INT(m.calls, 0);
    finish(&m);
}

static void
wrong_conditions_are_refused(void)
{
    static const struct lintel_data number = {.kind = LINTEL_DATA_NUMBER},
                                    text = {.kind = LINTEL_DATA_STRING},
                                    boolean = {.kind = LINTEL_DATA_BOOLEAN};
    static const struct {
        const char *query;
        const struct lintel_data *data;
        const char *reason; /* a part of it; NULL: it is right */
    } table[] = {
        {"c.gt=25", &number, NULL},
        {"c.gt=-25.5&c.lt=+30", &number, NULL},
        {"c.gt=.5&c.lt=5.", &number, NULL},
        {"c.gt=007", &number, NULL},
        {"c.pmin=10&c.pmax=10", &text, NULL},
        {"c.epmin=1&c.epmax=2", &text, NULL},
        {"c.edge=true", &boolean, NULL},
        {"c.con=0", &text, NULL},
        {"c.band&c.lt=3", &number, NULL},
        {"c.gt", &number, "c.gt needs a decimal number"},
        {"c.gt=", &number, "c.gt needs a decimal number"},
        {"c.gt=.", &number, "c.gt needs a decimal number"},
        {"c.gt=1e3", &number, "c.gt needs a decimal number"},
        {"c.gt=NaN", &number, "c.gt needs a decimal number"},
        {"c.gt=\"25\"", &number, "c.gt needs a decimal number"},
        {"c.gt=1&c.gt=2", &number, "given twice"},
        {"c.gt=1", &text, "c.gt needs a number"},
        {"c.st=0", &number, "c.st must be greater than 0"},
        {"c.st=-1", &number, "c.st must be greater than 0"},
        {"c.band", &number, "c.band needs c.gt"},
        {"c.band=1&c.gt=1", &number, "takes no value"},
        {"c.band&c.gt=1&c.lt=1", &number, "to differ"},
        {"c.edge=10", &boolean, "c.edge needs 0, 1"},
        {"c.edge=1", &number, "c.edge needs a boolean"},
        {"c.edge=1", &text, "c.edge needs a boolean"},
        {"c.pmin=0", &number, "greater than 0"},
        {"c.pmin=x", &number, "number of seconds"},
        {"c.pmin=10&c.pmax=9", &number, "c.pmax must not be less"},
        {"c.epmin=5&c.epmax=5", &number, "c.epmax must be greater"},
        {"c.pmax=1000000000", &number, "longer than"},
        {"c.con=yes", &number, "c.con needs"},
        {"c.pmn=1", &number, "did you mean c.pmin?"},
        {"c.", &number, "there is no condition"},
        {"c.=3", &number, "there is no condition"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(table); i++) {
        struct lintel_conditions c;
        char reason[LINTEL_REASON] = "";
        int rc = read_conditions(table[i].query, table[i].data, &c, reason);
        if (table[i].reason == NULL)
            kit_check(rc == 0, table[i].query, __FILE__, __LINE__, __func__);
        else
            CHECK_HAS(reason, table[i].reason);
        CHECK_INT(rc, table[i].reason == NULL ? 0 : -1);
    }
    struct lintel_conditions c = {0};
    char reason[LINTEL_REASON];
    CHECK_INT(lintel_conditions_parse(&c, "d=energy", 8, reason), 0);
    CHECK_INT(lintel_conditions_parse(&c, "c.pmin=0.01", 11, reason), 1);
    CHECK_INT(c.pmin, 100000000); /* rounded up to what the hub can do */
    c = (struct lintel_conditions){0};
    CHECK_INT(lintel_conditions_parse(&c, "c.pmax=2.5", 10, reason), 1);
    CHECK_INT(c.pmax, 2500000000);
    c = (struct lintel_conditions){0};
    CHECK_INT(lintel_conditions_parse(&c, "c.gt=.50", 8, reason), 1);
    CHECK_REAL(c.gt, 0.5);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(every_change_is_told_once),
        KIT(pmin_holds_back),
        KIT(pmax_tells_an_unchanged_state),
        KIT(equal_periods_tell_at_that_pace),
        KIT(gt_tells_each_crossing),
        KIT(gt_and_pmax),
        KIT(lt_and_st_are_relative_to_what_was_told),
        KIT(bands),
        KIT(edges),
        KIT(evaluation_periods),
        KIT(what_came_back_is_no_news),
        KIT(parts_of_a_second),
        KIT(evaluations_of_an_unchanged_value),
        KIT(evaluation_periods_have_limits),
        KIT(watchers_leave_the_bus_time),
        KIT(packs_are_read_in_rounds),
        KIT(points_on_demand_are_looked_at_for_a_watcher),
        KIT(events_are_news_each_time),
        KIT(a_pack_gets_one_call_a_turn),
        KIT(a_subscription_ends_with_its_thing_or_in_its_own_call),
        KIT(quality_is_news_without_value_conditions),
        KIT(wrong_conditions_are_refused),
        {0},
    };
    return kit_main("subscribe", tests, argc, argv);
}
