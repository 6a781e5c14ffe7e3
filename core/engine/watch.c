/* SPDX-License-Identifier: Apache-2.0
 * Who watches a point. A change only marks the watchers; points that nobody watches pay one bit
 * test. */
#include "core/engine/watch.h"

int
watch_start(struct lintel_engine *e, struct watch *w)
{
    struct lintel_live_thing *t;
    uint32_t i;
    struct point *p = engine_point(e, w->point, &t, &i);
    if (p == NULL)
        return -1;
    struct link *ring = id_map_get(&e->watchers, w->point);
    if (ring == NULL) {
        ring = lintel_alloc(sizeof *ring);
        if (ring == NULL)
            return -1;
        link_init(ring);
        if (id_map_put(&e->watchers, w->point, ring) != 0) {
            lintel_free(ring);
            return -1;
        }
        p->flags |= POINT_SUBSCRIBED;
    }
    link_append(ring, &w->ring);
    return 0;
}

void
watch_end(struct lintel_engine *e, struct watch *w)
{
    struct lintel_live_thing *t;
    uint32_t i;
    if (link_alone(&w->ring))
        return;
    link_take(&w->ring);
    struct link *ring = id_map_get(&e->watchers, w->point);
    if (ring == NULL || !link_alone(ring))
        return;
    id_map_take(&e->watchers, w->point);
    lintel_free(ring);
    struct point *p = engine_point(e, w->point, &t, &i);
    if (p != NULL)
        p->flags &= (uint8_t)~POINT_SUBSCRIBED;
}

void
point_changed(struct lintel_live_thing *t, uint32_t i)
{
    struct lintel_engine *e = t->bus->engine;
    struct link *ring = id_map_get(&e->watchers, t->first + i);
    for (struct link *l = ring != NULL ? ring->next : NULL; l != NULL && l != ring; l = l->next) {
        struct watcher *w = OWNER(l, struct watch, ring)->watcher;
        const struct point *p = &t->points[i];
        w->changed = 1;
        if (w->edge_to >= 0 && p->type == LINTEL_T_BOOL) {
            int boolean = p->as.i != 0;
            w->edge |= w->boolean >= 0 && boolean != w->boolean && boolean == w->edge_to;
            w->boolean = boolean;
        }
        if (link_alone(&w->due))
            link_append(&e->due, &w->due);
    }
    engine_end_turn(e);
}
