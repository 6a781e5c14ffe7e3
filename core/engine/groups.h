/* SPDX-License-Identifier: Apache-2.0
 * The poll groups of a thing. */
#ifndef LINTEL_ENGINE_GROUPS_H
#define LINTEL_ENGINE_GROUPS_H
#include "core/engine/engine_priv.h"

/* The pace at which a point is asked for; -1: not by itself; 0: it is subscribed. */
int64_t group_pace(const struct lintel_bound *b, int subscribed);
int
groups_make(struct lintel_live_thing *t); /* slots count from t->first_slot; -1: out of memory */
void groups_free(struct group **groups, uint32_t n);
void groups_renew(struct lintel_live_thing *t); /* with the points that rested */
void groups_due_now(struct lintel_live_thing *t, int subscriptions_too);
void groups_point_rests(struct lintel_live_thing *t, uint32_t i); /* it is never asked again */
struct group *groups_first_due(struct lintel_live_thing *t);      /* NULL: none ever */
/* Leaves the resting points out, before the group is sent: never while its slots are in use. */
void group_settle(struct lintel_live_thing *t, struct group *g);
void group_advance(struct lintel_live_thing *t, struct group *g,
                   lintel_mono now); /* to its next due time */
#endif
