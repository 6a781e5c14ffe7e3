/* SPDX-License-Identifier: Apache-2.0
 * Who watches a point. */
#ifndef LINTEL_ENGINE_WATCH_H
#define LINTEL_ENGINE_WATCH_H
#include "core/engine/engine_priv.h"

/* What a watcher was told since it looked last. Part of a subscription. */
struct watcher {
    struct link due; /* in engine.due, or alone */
    int changed;     /* something to judge since the last report */
    int edge;        /* the wanted edge was seen since then */
    int edge_to;     /* the wanted edge: to 0, to 1, or -1: none is */
    int boolean;     /* the state seen last: 0, 1, or -1 */
};
struct watch {        /* one point of one watcher */
    struct link ring; /* of all that watch the point; alone: it does not */
    struct watcher *watcher;
    lintel_point_id point;
};
int watch_start(struct lintel_engine *e, struct watch *w); /* -1: no such point, or out of memory */
void watch_end(struct lintel_engine *e, struct watch *w);
void point_changed(struct lintel_live_thing *t, uint32_t i); /* flags has POINT_SUBSCRIBED */
#endif
