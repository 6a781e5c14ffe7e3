/* SPDX-License-Identifier: Apache-2.0
 * The one subscription mechanism: who wants to hear of points, and under which conditions
 * (draft-ietf-core-conditional-attributes-12). CoAP Observe, the command line's watch and all that
 * comes later are callers of this. Loop's thread. */
#ifndef LINTEL_ENGINE_SUBSCRIBE_H
#define LINTEL_ENGINE_SUBSCRIBE_H
#include "core/engine/engine.h"

enum { /* lintel_conditions.given */
       LINTEL_C_GT = 1,
       LINTEL_C_LT = 2,
       LINTEL_C_ST = 4,
       LINTEL_C_BAND = 8,
       LINTEL_C_EDGE = 16,
       LINTEL_C_PMIN = 32,
       LINTEL_C_PMAX = 64,
       LINTEL_C_EPMIN = 128,
       LINTEL_C_EPMAX = 256,
       LINTEL_C_CON = 512
};
struct lintel_conditions {
    uint32_t given;
    double gt, lt, st;
    int edge, con;
    int64_t pmin, pmax, epmin, epmax; /* ns */
};
/* Reads one query argument "c.pmin=2" into *c. 1: taken; 0: not a condition (no "c." in front);
 * -1: malformed, unknown or contradictory, with a reason. _check judges the whole against the data.
 */
int lintel_conditions_parse(struct lintel_conditions *c, const char *arg, size_t n,
                            char reason[LINTEL_REASON]);
int lintel_conditions_check(const struct lintel_conditions *c, const struct lintel_data *data,
                            char reason[LINTEL_REASON]);

struct lintel_subscription;
/* Called when a representation is due: confirm says that c.con wants it acknowledged; gone that
 * this is the last call (the subscription is freed by it): the thing was removed, or replaced by
 * one of the same id, which lintel_engine_find_thing() gives now and which can be subscribed to in
 * its place. Values are read by lintel_engine_reading(). */
enum { LINTEL_GONE = 1, LINTEL_REPLACED = 2 };
typedef void lintel_subscription_fn(void *ctx, struct lintel_subscription *s, int confirm,
                                    int gone);
/* n points (a property, or all of a thing for its SenML pack). The current state counts as
 * reported: the caller has it. Conditions apply to single points. Subscribing starts what the
 * source needs. NULL: out of memory. */
struct lintel_subscription *lintel_subscribe(struct lintel_engine *e, const lintel_point_id *points,
                                             uint32_t n, const struct lintel_conditions *c,
                                             lintel_subscription_fn *fn, void *ctx);
void lintel_unsubscribe(struct lintel_engine *e, struct lintel_subscription *s);
uint32_t lintel_subscriptions(const struct lintel_engine *e); /* how many there are */
#endif
