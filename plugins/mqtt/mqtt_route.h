/* SPDX-License-Identifier: Apache-2.0
 * Which points a message feeds: routes by topic. The owner locks. */
#ifndef LINTEL_PLUGINS_MQTT_ROUTE_H
#define LINTEL_PLUGINS_MQTT_ROUTE_H
#include <stdint.h>

#include "lintel/plugin.h"

struct mqtt_route { /* one topic filter that is subscribed to */
    char *filter;
    int wildcard;
    int wanted;             /* a SUBSCRIBE for it is due */
    int qos;                /* the highest that somebody wants */
    uint32_t n, room;
    lintel_point **points;  /* fed by its messages */
    lintel_device *device;  /* or: it is the availability topic of this device */
};

struct mqtt_routes {
    struct mqtt_route **exact;    /* by filter, sorted */
    struct mqtt_route **wildcard; /* in no order */
    uint32_t nexact, exact_room, nwildcard, wildcard_room;
};

/* The route of a filter, made if it is new (*ret_new). NULL: out of memory. */
struct mqtt_route *mqtt_routes_want(struct mqtt_routes *r, const char *filter, int *ret_new);
struct mqtt_route *mqtt_routes_find(const struct mqtt_routes *r, const char *filter);
/* Frees a route that feeds nobody any more. */
void mqtt_routes_drop(struct mqtt_routes *r, struct mqtt_route *route);
int mqtt_route_add(struct mqtt_route *route, lintel_point *p); /* -1: out of memory */
void mqtt_route_remove(struct mqtt_route *route, const lintel_point *p);
int mqtt_route_empty(const struct mqtt_route *route);
/* Calls fn for every route that a message's topic is under. */
void mqtt_routes_match(const struct mqtt_routes *r, const char *topic, size_t n,
                       void (*fn)(void *ctx, struct mqtt_route *route), void *ctx);
/* The i-th route of all; NULL behind the last. */
struct mqtt_route *mqtt_routes_at(const struct mqtt_routes *r, uint32_t i);
void mqtt_routes_fini(struct mqtt_routes *r);
#endif
