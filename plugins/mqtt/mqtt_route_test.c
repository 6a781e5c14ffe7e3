/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/kit.h"

struct found {
    unsigned n;
    char filters[256];
};

static void
note(void *ctx, struct mqtt_route *route)
{
    struct found *f = ctx;
    size_t had = strlen(f->filters);
    f->n++;
    snprintf(f->filters + had, sizeof f->filters - had, "%s%s", had ? " " : "", route->filter);
}

static const char *
matches(const struct mqtt_routes *r, const char *topic, size_t n)
{
    static struct found f;
    f = (struct found){0};
    mqtt_routes_match(r, topic, n, note, &f);
    return f.filters;
}

static void
a_message_finds_exact_and_wildcard_routes(void)
{
    struct mqtt_routes r = {0};
    CHECK_STR(matches(&r, "a", 1), "");
    struct mqtt_route *a = mqtt_routes_want(&r, "a/b");
    CHECK(mqtt_routes_want(&r, "a/b") == a);
    mqtt_routes_want(&r, "a/+");
    mqtt_routes_want(&r, "c/#");
    CHECK_INT(r.n, 3);
    CHECK_STR(matches(&r, "a/b", 3), "a/b a/+");
    CHECK_STR(matches(&r, "a/bc", 3), "a/b a/+");
    CHECK_STR(matches(&r, "a/bc", 4), "a/+");
    CHECK_STR(matches(&r, "c", 1), "c/#");
    CHECK_STR(matches(&r, "d", 1), "");
    /* A topic with wildcards in its name, which no honest broker sends, and one with a NUL. */
    CHECK_STR(matches(&r, "c/#", 3), "c/#");
    CHECK_STR(matches(&r, "a/b\0x", 5), "a/+");
    mqtt_routes_drop(&r, a);
    CHECK_STR(matches(&r, "a/b", 3), "a/+");
    mqtt_routes_fini(&r);
    CHECK_INT(r.n, 0);
}

static void
points_and_devices_come_and_go(void)
{
    struct mqtt_routes r = {0};
    struct mqtt_route *route = mqtt_routes_want(&r, "t");
    lintel_point p[100];
    lintel_device d[3];
    memset(p, 0, sizeof p);
    memset(d, 0, sizeof d);
    CHECK(mqtt_route_of(&p[0]) == NULL);
    for (int i = 0; i < 100; i++)
        CHECK_INT(mqtt_route_add_point(route, &p[i]), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(mqtt_route_add_device(route, &d[i]), 0);
    CHECK(mqtt_route_of(&p[99]) == route);
    for (int i = 0; i < 100; i += 2)
        CHECK(mqtt_route_remove_point(&p[i]) == route);
    CHECK_INT(route->npoints, 50);
    for (uint32_t i = 0; i < route->npoints; i++) {
        const struct mqtt_seat *seat = route->points[i]->cookie;
        CHECK_INT(seat->at, i);
        CHECK_INT((route->points[i] - p) % 2, 1);
    }
    for (int i = 1; i < 100; i += 2)
        mqtt_route_remove_point(&p[i]);
    CHECK(!mqtt_route_empty(route));
    mqtt_route_remove_device(&d[1]);
    mqtt_route_remove_device(&d[0]);
    CHECK(route->ndevices == 1 && route->devices[0] == &d[2] && d[1].cookie == NULL);
    mqtt_route_remove_device(&d[2]);
    CHECK(mqtt_route_empty(route));
    mqtt_routes_fini(&r);
}

static void
thousands_of_routes_are_found(void)
{
    struct mqtt_routes r = {0};
    char topic[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(topic, sizeof topic, "building/%d", i);
        REQUIRE(mqtt_routes_want(&r, topic) != NULL);
    }
    CHECK_INT(r.n, 20000);
    while (r.n > 10000)
        mqtt_routes_drop(&r, r.all[kit_random() % r.n]);
    for (uint32_t i = 0; i < r.n; i++) {
        CHECK_INT(r.all[i]->index, i);
        CHECK_STR(matches(&r, r.all[i]->filter, strlen(r.all[i]->filter)), r.all[i]->filter);
    }
    mqtt_routes_fini(&r);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(a_message_finds_exact_and_wildcard_routes),
                                            KIT(points_and_devices_come_and_go),
                                            KIT(thousands_of_routes_are_found),
                                            {0}};
    return kit_main("mqtt_route", tests, argc, argv);
}
