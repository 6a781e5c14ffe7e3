/* SPDX-License-Identifier: Apache-2.0
 * Conditional observations through the tree, on the fake clock: the sequences of appendix A of
 * draft-ietf-core-conditional-attributes-12, and what its section 3 says of each parameter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine_kit.h"
#include "core/engine/subscribe.h"
#include "core/serve/tree.h"

#define IS(dotted) ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100)
enum { PUSH = LINTEL_P_NOTIFY };
static const struct kit_point points[] = {
    {.name = "temperature", .data = LINTEL_DATA_NUMBER, .flags = PUSH},
    {.name = "window", .data = LINTEL_DATA_BOOLEAN, .flags = PUSH},
    {.name = "mode", .data = LINTEL_DATA_STRING, .flags = PUSH},
};
enum { TEMPERATURE, WINDOW, MODE, NPOINTS };

static struct {
    struct kit_house house;
    struct lintel_tree *tree;
    lintel_mono start;
    char told[600]; /* "second:payload second:payload", the first answer included */
    uint32_t code, flags, max_age, most_age;
    int answers;
    lintel_ticket ticket;
} h;

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    size_t n = strlen(h.told);
    CHECK(ctx == NULL && cookie == &h);
    h.answers++;
    h.code = a->code;
    h.flags = a->flags;
    h.max_age = a->max_age;
    if (a->max_age > h.most_age)
        h.most_age = a->max_age;
    snprintf(h.told + n, sizeof h.told - n, "%s%g:%.*s", n != 0 ? " " : "",
             (double)(lintel_loop_now(h.house.loop) - h.start) / 1e9, (int)a->payload.n,
             a->payload.n == 0 ? "" : a->payload.p);
}

static void
push(uint32_t point, lintel_value v)
{
    lintel_sample s = kit_sample(point, v);
    lintel_engine_publish(h.house.engine, h.house.bus.bus, &s, 1);
    kit_advance(&h.house, 0);
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    CHECK_INT(kit_house_new(&h.house, points, NPOINTS, 1, LINTEL_PLUGIN_PUSH), 0);
    h.house.confs[0].zone = "";
    struct lintel_profile *profile = kit_profile(h.house.kind);
    for (uint32_t i = 0; i < NPOINTS; i++) {
        const char *path = profile->bound[i].affordance->path;
        CHECK_INT(lintel_map_put(&profile->by_path, path, strlen(path), &profile->bound[i]), 0);
    }
    h.tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = h.house.engine, .loop = h.house.loop, .hub_name = "hub"});
    CHECK(h.tree != NULL);
    lintel_engine_bus_ready(h.house.engine, h.house.bus.bus);
    while (h.house.bus.nopen > 0)
        kit_answer(&h.house.bus, 0, LINTEL_OK, 0);
    push(TEMPERATURE, kit_real(18.5));
    push(WINDOW, kit_bool(0));
    push(MODE, kit_str("heat"));
}

static void
end(void)
{
    lintel_tree_abandon(h.tree, h.ticket);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    CHECK_INT(lintel_subscriptions(h.house.engine), 0);
    lintel_tree_free(h.tree);
    lintel_map_fini(&kit_profile(h.house.kind)->by_path);
    kit_house_free(&h.house);
}

static void
observe(uint32_t point, const char *query)
{
    const char *name = points[point].name;
    const lintel_span path[] = {{"d", 1}, {"t0", 2}, {"Kit", 3}, {"p", 1}, {name, strlen(name)}};
    lintel_span pieces[8];
    uint32_t n = 0;
    for (const char *p = query; *p != '\0'; n++) {
        size_t length = strcspn(p, "&");
        pieces[n] = (lintel_span){p, length};
        p += length + (p[length] == '&');
    }
    lintel_exchange x = {.size = sizeof x,
                         .method = LINTEL_GET,
                         .flags = LINTEL_X_OBSERVE | LINTEL_X_LOOPBACK,
                         .format = LINTEL_FORMAT_NONE,
                         .path = path,
                         .npath = 5,
                         .query = pieces,
                         .nquery = n,
                         .identity = "",
                         .peer = "",
                         .base = "",
                         .cookie = &h};
    h.start = lintel_loop_now(h.house.loop);
    h.ticket = lintel_tree_submit(h.tree, &x, on_answer, NULL);
}

/* changes: "4:23 9:26", the second at which the device says what; until: when the test ends. */
static void
run(uint32_t point, const char *query, const char *changes, double until, const char *told)
{
    begin();
    observe(point, query);
    for (const char *p = changes; *p != '\0';) {
        char *rest;
        double at = strtod(p, &rest), now = (double)(lintel_loop_now(h.house.loop) - h.start) / 1e9;
        double value = strtod(rest + 1, &rest);
        kit_advance(&h.house, at - now);
        push(point, point == WINDOW ? kit_bool(value != 0) : kit_real(value));
        p = rest + (*rest == ' ');
    }
    kit_advance(&h.house, until - (double)(lintel_loop_now(h.house.loop) - h.start) / 1e9);
    if (!CHECK_STR(h.told, told))
        printf("    %s with %s\n", query, changes);
    end();
}

static void
appendix(void)
{
    /* A.1: the current state, then the newest one when c.pmin has run out */
    run(TEMPERATURE, "c.pmin=10", "4:23 9:26", 12, "0:18.5 10:26");
    /* A.2: the current state, a new one at once, an unchanged one after c.pmax */
    run(TEMPERATURE, "c.pmax=20", "7:23", 28, "0:18.5 7:23 27:23");
    /* A.3: above the limit */
    run(TEMPERATURE, "c.gt=25", "7:26", 12, "0:18.5 7:26");
    /* A.4: the unchanged state after c.pmax, then above the limit */
    run(TEMPERATURE, "c.pmax=20&c.gt=25", "10:23 24:26", 30, "0:18.5 20:23 24:26");
}

static void
crossings(void)
{
    run(TEMPERATURE, "c.gt=25", "1:25 2:25.1 3:30 4:25 5:24 6:26", 8, "0:18.5 2:25.1 4:25 6:26");
    run(TEMPERATURE, "c.lt=18", "1:18 2:17.9 3:10 4:18 5:19 6:17", 8, "0:18.5 2:17.9 4:18 6:17");
    run(TEMPERATURE, "c.lt=18&c.gt=25", "1:26 2:20 3:17 4:26", 8, "0:18.5 1:26 2:20 3:17 4:26");
    run(TEMPERATURE, "c.st=0.5", "1:18.9 2:19 3:19.4 4:19.5 5:19", 8, "0:18.5 2:19 4:19.5 5:19");
    /* relative to what was reported: a spike within c.pmin was never there */
    run(TEMPERATURE, "c.gt=25&c.pmin=10", "1:30 2:20 15:30", 20, "0:18.5 15:30");
    run(TEMPERATURE, "c.gt=-5.5", "1:-5.5 2:-5.4", 4, "0:18.5 1:-5.5 2:-5.4");
}

static void
bands(void)
{
    run(TEMPERATURE, "c.band&c.gt=20&c.lt=30", "1:19.9 2:20 3:25 4:30 5:30.1", 8,
        "0:18.5 2:20 3:25 4:30");
    run(TEMPERATURE, "c.band&c.gt=30&c.lt=20", "1:19.9 2:20 3:25 4:30 5:30.1", 8,
        "0:18.5 1:19.9 5:30.1");
    run(TEMPERATURE, "c.band&c.lt=20", "1:19.9 2:20 3:99", 8, "0:18.5 2:20 3:99");
    run(TEMPERATURE, "c.band&c.gt=20", "1:19.9 2:20 3:99", 8, "0:18.5 1:19.9 2:20");
    run(TEMPERATURE, "c.band&c.gt=20&c.lt=30&c.pmax=10", "1:19 2:25", 15, "0:18.5 2:25 12:25");
}

static void
edges_and_periods(void)
{
    run(WINDOW, "c.edge=1", "1:1 2:0 3:1 4:1", 8, "0:false 1:true 3:true");
    run(WINDOW, "c.edge=0", "1:1 2:0 3:1 4:0", 8, "0:false 2:false 4:false");
    run(TEMPERATURE, "c.pmin=5&c.pmax=5", "1:19 2:20 7:21", 16, "0:18.5 5:20 10:21 15:21");
    run(TEMPERATURE, "c.pmin=0.3&c.pmax=0.7", "0.1:19", 1.2, "0:18.5 0.3:19 1:19");
    run(TEMPERATURE, "c.gt=25&c.epmin=10", "1:30 2:20 15:30", 21, "0:18.5 20:30");
    run(TEMPERATURE, "c.pmin=1&unknown=3&d", "2:19", 4, "0:18.5 2:19"); /* not conditions */
}

static void
max_age_and_confirmation(void)
{
    begin();
    observe(TEMPERATURE, "c.pmax=20&c.con=1");
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    kit_advance(&h.house, 50);
    CHECK_INT(h.answers, 3);
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM);
    CHECK_INT(h.most_age, 20); /* not beyond c.pmax */
    end();
    begin();
    observe(TEMPERATURE, "c.con=0");
    CHECK_INT(h.max_age, 60);
    push(TEMPERATURE, kit_real(19));
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    end();
}

static void
refused(void)
{
    static const struct {
        uint32_t point;
        const char *query;
    } cases[] = {
        {TEMPERATURE, "c.gt=abc"},
        {TEMPERATURE, "c.gt"},
        {TEMPERATURE, "c.st=0"},
        {TEMPERATURE, "c.st=-1"},
        {TEMPERATURE, "c.band"},
        {TEMPERATURE, "c.band=1&c.gt=1"},
        {TEMPERATURE, "c.edge=1"},
        {WINDOW, "c.edge=2"},
        {WINDOW, "c.gt=1"},
        {MODE, "c.st=1"},
        {MODE, "c.edge=0"},
        {TEMPERATURE, "c.pmin=0"},
        {TEMPERATURE, "c.pmin=5&c.pmax=4"},
        {TEMPERATURE, "c.epmin=5&c.epmax=5"},
        {TEMPERATURE, "c.pmax=-1"},
        {TEMPERATURE, "c.con=2"},
        {TEMPERATURE, "c.con"},
        {TEMPERATURE, "c.unknown=1"},
        {TEMPERATURE, "c.gt=1&c.gt=2"},
        {TEMPERATURE, "c.pmin=1e3"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        begin();
        observe(cases[i].point, cases[i].query);
        if (!CHECK_INT(h.code, IS(400)) || !CHECK_INT(h.ticket, 0))
            printf("    %s\n", cases[i].query);
        end();
    }
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(appendix),
                                            KIT(crossings),
                                            KIT(bands),
                                            KIT(edges_and_periods),
                                            KIT(max_age_and_confirmation),
                                            KIT(refused),
                                            {0}};
    lintel_log_level(0);
    return kit_main("observe", tests, argc, argv);
}
