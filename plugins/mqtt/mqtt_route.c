/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_route.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt_topic.h"

enum { ROOM_FIRST = 4 };

static uint32_t
hash_of(const char *text, size_t n)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static struct mqtt_route *
find(const struct mqtt_routes *r, const char *filter, size_t n)
{
    uint32_t hash = hash_of(filter, n);
    struct mqtt_route *route = r->nbuckets ? r->buckets[hash & (r->nbuckets - 1)] : NULL;
    while (route != NULL && (route->hash != hash || strlen(route->filter) != n ||
                             memcmp(route->filter, filter, n) != 0))
        route = route->next;
    return route;
}

/* Room for one more element; returns the array, perhaps a new one. NULL: out of memory, nothing has
 * changed. */
static void *
grow(void *array, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return array;
    uint32_t more = *room ? *room * 2 : ROOM_FIRST;
    void *bigger = more > *room ? reallocarray(array, more, size) : NULL;
    if (bigger != NULL)
        *room = more;
    return bigger;
}

static int
grow_buckets(struct mqtt_routes *r)
{
    if (r->n < r->nbuckets)
        return 0;
    uint32_t more = r->nbuckets ? r->nbuckets * 2 : ROOM_FIRST;
    struct mqtt_route **buckets = calloc(more, sizeof *buckets);
    if (buckets == NULL)
        return -1;
    for (uint32_t i = 0; i < r->n; i++) {
        struct mqtt_route **head = &buckets[r->all[i]->hash & (more - 1)];
        r->all[i]->next = *head;
        *head = r->all[i];
    }
    free(r->buckets);
    r->buckets = buckets;
    r->nbuckets = more;
    return 0;
}

static void
route_free(struct mqtt_route *route)
{
    free(route->filter);
    free(route->points);
    free(route->devices);
    free(route);
}

struct mqtt_route *
mqtt_routes_want(struct mqtt_routes *r, const char *filter)
{
    size_t n = strlen(filter);
    struct mqtt_route *route = find(r, filter, n);
    if (route != NULL)
        return route;
    struct mqtt_route **all = grow(r->all, r->n, &r->room, sizeof *all);
    if (all == NULL)
        return NULL;
    r->all = all;
    struct mqtt_route **wildcards =
        grow(r->wildcards, r->nwildcards, &r->wildcards_room, sizeof *wildcards);
    if (wildcards == NULL)
        return NULL;
    r->wildcards = wildcards;
    if (grow_buckets(r) != 0)
        return NULL;
    route = calloc(1, sizeof *route);
    if (route == NULL || (route->filter = strdup(filter)) == NULL) {
        free(route);
        return NULL;
    }
    route->hash = hash_of(filter, n);
    route->index = r->n;
    route->wildcard = mqtt_topic_has_wildcard(filter);
    struct mqtt_route **head = &r->buckets[route->hash & (r->nbuckets - 1)];
    route->next = *head;
    *head = route;
    r->all[r->n++] = route;
    if (route->wildcard)
        r->wildcards[r->nwildcards++] = route;
    return route;
}

void
mqtt_routes_drop(struct mqtt_routes *r, struct mqtt_route *route)
{
    struct mqtt_route **link = &r->buckets[route->hash & (r->nbuckets - 1)];
    while (*link != route)
        link = &(*link)->next;
    *link = route->next;
    r->all[route->index] = r->all[--r->n];
    r->all[route->index]->index = route->index;
    for (uint32_t i = 0; route->wildcard && i < r->nwildcards; i++) {
        if (r->wildcards[i] == route) {
            r->wildcards[i] = r->wildcards[--r->nwildcards];
            break;
        }
    }
    route_free(route);
}

void
mqtt_routes_fini(struct mqtt_routes *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        route_free(r->all[i]);
    free(r->all);
    free(r->buckets);
    free(r->wildcards);
    *r = (struct mqtt_routes){0};
}

int
mqtt_route_add_point(struct mqtt_route *route, lintel_point *p)
{
    struct mqtt_seat *seat = malloc(sizeof *seat);
    lintel_point **points =
        seat ? grow(route->points, route->npoints, &route->points_room, sizeof *points) : NULL;
    if (points == NULL) {
        free(seat);
        return -1;
    }
    *seat = (struct mqtt_seat){route, route->npoints};
    route->points = points;
    route->points[route->npoints++] = p;
    p->cookie = seat;
    return 0;
}

struct mqtt_route *
mqtt_route_remove_point(lintel_point *p)
{
    struct mqtt_seat *seat = p->cookie, *moved;
    struct mqtt_route *route = seat->route;
    lintel_point *last = route->points[--route->npoints];
    route->points[seat->at] = last;
    moved = last->cookie;
    moved->at = seat->at;
    p->cookie = NULL;
    free(seat);
    return route;
}

const struct mqtt_route *
mqtt_route_of(const lintel_point *p)
{
    const struct mqtt_seat *seat = p->cookie;
    return seat != NULL ? seat->route : NULL;
}

int
mqtt_route_add_device(struct mqtt_route *route, lintel_device *d)
{
    lintel_device **devices =
        grow(route->devices, route->ndevices, &route->devices_room, sizeof *devices);
    if (devices == NULL)
        return -1;
    route->devices = devices;
    route->devices[route->ndevices++] = d;
    d->cookie = route;
    return 0;
}

struct mqtt_route *
mqtt_route_remove_device(lintel_device *d)
{
    struct mqtt_route *route = d->cookie;
    uint32_t i = 0;
    while (route->devices[i] != d)
        i++;
    route->devices[i] = route->devices[--route->ndevices];
    d->cookie = NULL;
    return route;
}

int
mqtt_route_empty(const struct mqtt_route *route)
{
    return route->npoints == 0 && route->ndevices == 0;
}

void
mqtt_routes_match(const struct mqtt_routes *r, const char *topic, size_t n,
                  void (*fn)(void *ctx, struct mqtt_route *route), void *ctx)
{
    struct mqtt_route *exact = find(r, topic, n);
    if (exact != NULL && !exact->wildcard)
        fn(ctx, exact);
    for (uint32_t i = 0; i < r->nwildcards; i++)
        if (mqtt_topic_matches(r->wildcards[i]->filter, topic, n))
            fn(ctx, r->wildcards[i]);
}
