/* SPDX-License-Identifier: Apache-2.0
 * Which points and devices a message is for: one route for each topic filter that is subscribed to.
 * Pure. */
#ifndef LINTEL_PLUGINS_MQTT_ROUTE_H
#define LINTEL_PLUGINS_MQTT_ROUTE_H
#include <stdint.h>

#include "lintel/plugin.h"

struct mqtt_route {
    struct mqtt_route *next; /* with the same hash */
    char *filter;
    uint32_t hash, index; /* index: its place in mqtt_routes.all */
    int wildcard;
    int qos;           /* the highest that somebody wants */
    int wanted;        /* a SUBSCRIBE for it is due */
    const void *batch; /* the SUBSCRIBE under way that it is in, and where; or NULL */
    uint32_t batch_at;
    uint32_t npoints, points_room, ndevices, devices_room;
    lintel_point **points;   /* fed by its messages; their cookie is a struct mqtt_seat */
    lintel_device **devices; /* whose availability its messages tell; their cookie is this route */
};

struct mqtt_seat { /* where a point sits, so that leaving takes no search */
    struct mqtt_route *route;
    uint32_t at;
};

struct mqtt_routes {
    struct mqtt_route **all, **buckets;
    struct mqtt_route **wildcards; /* tried one after the other for each message */
    uint32_t n, room, nbuckets, nwildcards, wildcards_room;
};

/* The route of a filter, made if it is new. NULL: out of memory. */
struct mqtt_route *mqtt_routes_want(struct mqtt_routes *r, const char *filter);
/* Frees a route that feeds nobody any more. */
void mqtt_routes_drop(struct mqtt_routes *r, struct mqtt_route *route);
void mqtt_routes_fini(struct mqtt_routes *r);
/* Set the cookie; -1: out of memory. */
int mqtt_route_add_point(struct mqtt_route *route, lintel_point *p);
int mqtt_route_add_device(struct mqtt_route *route, lintel_device *d);
/* Clear the cookie, and tell the route that was left. */
struct mqtt_route *mqtt_route_remove_point(lintel_point *p);
struct mqtt_route *mqtt_route_remove_device(lintel_device *d);
int mqtt_route_empty(const struct mqtt_route *route);
const struct mqtt_route *mqtt_route_of(const lintel_point *p); /* NULL: on none */
/* Calls fn for every route that a message's topic is under. */
void mqtt_routes_match(const struct mqtt_routes *r, const char *topic, size_t n,
                       void (*fn)(void *ctx, struct mqtt_route *route), void *ctx);
#endif
