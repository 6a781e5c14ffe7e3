/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_route.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt_topic.h"

/* Place of a filter in the sorted list: where it is, or where it would go. */
static uint32_t
place(const struct mqtt_routes *r, const char *filter, size_t n, int *ret_found)
{
    uint32_t low = 0, high = r->nexact;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *has = r->exact[middle]->filter;
        int order = strncmp(has, filter, n);
        if (order == 0 && has[n] != '\0')
            order = 1;
        if (order == 0) {
            *ret_found = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = 0;
    return low;
}

struct mqtt_route *
mqtt_routes_find(const struct mqtt_routes *r, const char *filter)
{
    int found;
    uint32_t at = place(r, filter, strlen(filter), &found);
    if (found)
        return r->exact[at];
    for (uint32_t i = 0; i < r->nwildcard; i++)
        if (strcmp(r->wildcard[i]->filter, filter) == 0)
            return r->wildcard[i];
    return NULL;
}

static int
make_room(struct mqtt_route ***list, uint32_t n, uint32_t *room)
{
    if (n < *room)
        return 0;
    uint32_t more = *room ? *room * 2 : 16;
    struct mqtt_route **fresh = realloc(*list, more * sizeof *fresh);
    if (fresh == NULL)
        return -1;
    *list = fresh;
    *room = more;
    return 0;
}

struct mqtt_route *
mqtt_routes_want(struct mqtt_routes *r, const char *filter, int *ret_new)
{
    struct mqtt_route *route = mqtt_routes_find(r, filter);
    *ret_new = route == NULL;
    if (route != NULL)
        return route;
    int wildcard = mqtt_topic_has_wildcard(filter), found;
    if (wildcard ? make_room(&r->wildcard, r->nwildcard, &r->wildcard_room)
                 : make_room(&r->exact, r->nexact, &r->exact_room))
        return NULL;
    route = calloc(1, sizeof *route);
    if (route == NULL || (route->filter = strdup(filter)) == NULL) {
        free(route);
        return NULL;
    }
    route->wildcard = wildcard;
    if (wildcard) {
        r->wildcard[r->nwildcard++] = route;
        return route;
    }
    uint32_t at = place(r, filter, strlen(filter), &found);
    memmove(&r->exact[at + 1], &r->exact[at], (r->nexact - at) * sizeof *r->exact);
    r->exact[at] = route;
    r->nexact++;
    return route;
}

static void
route_free(struct mqtt_route *route)
{
    free(route->filter);
    free(route->points);
    free(route);
}

void
mqtt_routes_drop(struct mqtt_routes *r, struct mqtt_route *route)
{
    int found;
    if (route->wildcard) {
        for (uint32_t i = 0; i < r->nwildcard; i++)
            if (r->wildcard[i] == route)
                r->wildcard[i] = r->wildcard[--r->nwildcard];
    } else {
        uint32_t at = place(r, route->filter, strlen(route->filter), &found);
        memmove(&r->exact[at], &r->exact[at + 1], (r->nexact - at - 1) * sizeof *r->exact);
        r->nexact--;
    }
    route_free(route);
}

int
mqtt_route_add(struct mqtt_route *route, lintel_point *p)
{
    if (route->n == route->room) {
        uint32_t room = route->room ? route->room * 2 : 4;
        lintel_point **points = realloc(route->points, room * sizeof *points);
        if (points == NULL)
            return -1;
        route->points = points;
        route->room = room;
    }
    route->points[route->n++] = p;
    return 0;
}

void
mqtt_route_remove(struct mqtt_route *route, const lintel_point *p)
{
    for (uint32_t i = 0; i < route->n; i++) {
        if (route->points[i] == p) {
            route->points[i] = route->points[--route->n];
            return;
        }
    }
}

int
mqtt_route_empty(const struct mqtt_route *route)
{
    return route->n == 0 && route->device == NULL;
}

void
mqtt_routes_match(const struct mqtt_routes *r, const char *topic, size_t n,
                  void (*fn)(void *ctx, struct mqtt_route *route), void *ctx)
{
    int found;
    uint32_t at = place(r, topic, n, &found);
    if (found)
        fn(ctx, r->exact[at]);
    for (uint32_t i = 0; i < r->nwildcard; i++)
        if (mqtt_topic_matches(r->wildcard[i]->filter, topic, n))
            fn(ctx, r->wildcard[i]);
}

struct mqtt_route *
mqtt_routes_at(const struct mqtt_routes *r, uint32_t i)
{
    if (i < r->nexact)
        return r->exact[i];
    i -= r->nexact;
    return i < r->nwildcard ? r->wildcard[i] : NULL;
}

void
mqtt_routes_fini(struct mqtt_routes *r)
{
    for (uint32_t i = 0; i < r->nexact; i++)
        route_free(r->exact[i]);
    for (uint32_t i = 0; i < r->nwildcard; i++)
        route_free(r->wildcard[i]);
    free(r->exact);
    free(r->wildcard);
    *r = (struct mqtt_routes){0};
}
