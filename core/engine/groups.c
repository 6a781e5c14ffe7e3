/* SPDX-License-Identifier: Apache-2.0
 * The poll groups of a thing: points of one pace, asked for together; which is due, and when again.
 */
#include "core/engine/groups.h"
#include "core/engine/pace.h"

/* ---- making ---------------------------------------------------------------------------------- */

struct period { /* one pace of a thing, while its groups are made */
    int64_t poll_ns;
    uint32_t n;
};

int64_t
group_pace(const struct lintel_bound *b, int subscribed)
{
    if (!b->mapped || b->affordance->kind == LINTEL_K_ACTION)
        return -1;
    if (subscribed)
        return b->flags & LINTEL_P_NOTIFY ? 0 : -1;
    return b->flags & LINTEL_P_READ && b->poll_ns > 0 ? b->poll_ns : -1;
}

static int
add_group(struct lintel_live_thing *t, const struct period *pace, uint32_t *at, uint32_t n)
{
    struct group *g = lintel_alloc(sizeof *g + n * sizeof g->slots[0]);
    if (g == NULL)
        return -1;
    g->poll_ns = pace->poll_ns;
    g->batch = ++t->bus->batch != 0 ? t->bus->batch : ++t->bus->batch;
    for (; g->n < n; (*at)++)
        if (group_pace(thing_bound(t, *at), pace->poll_ns == 0) == pace->poll_ns)
            g->slots[g->n++] = t->first_slot + *at;
    g->spread = 1;
    t->groups[t->ngroups++] = g;
    return 0;
}

/* Finds the paces of the thing and how many points each has. -1: out of memory. */
static int
find_periods(const struct lintel_live_thing *t, struct period **ret, uint32_t *ret_n)
{
    struct period *list = NULL;
    uint32_t n = 0, room = 0, last = 0;
    for (int subscribed = 0; subscribed <= 1; subscribed++) {
        for (uint32_t i = 0; i < t->n; i++) {
            int64_t pace = group_pace(thing_bound(t, i), subscribed);
            if (pace < 0)
                continue;
            if (n == 0 || list[last].poll_ns != pace)
                for (last = 0; last < n && list[last].poll_ns != pace; last++)
                    ;
            if (last == n) {
                if (n == room) {
                    struct period *grown = lintel_grow(list, room += 4, sizeof *grown);
                    if (grown == NULL) {
                        lintel_free(list);
                        return -1;
                    }
                    list = grown;
                }
                list[n++] = (struct period){pace, 0};
            }
            list[last].n++;
        }
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

int
groups_make(struct lintel_live_thing *t)
{
    struct period *paces;
    uint32_t n, most = 0;
    int rc = -1;
    if (find_periods(t, &paces, &n) != 0)
        return -1;
    for (uint32_t k = 0; k < n; k++)
        most += (paces[k].n + GROUP_MOST - 1) / GROUP_MOST;
    t->groups = lintel_alloc_array(most, sizeof *t->groups);
    if (t->groups == NULL)
        goto out;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t chunks = (paces[k].n + GROUP_MOST - 1) / GROUP_MOST, at = 0;
        for (uint32_t left = paces[k].n; chunks > 0; chunks--) {
            uint32_t size = (left + chunks - 1) / chunks;
            if (add_group(t, &paces[k], &at, size) != 0)
                goto out;
            left -= size;
        }
    }
    rc = 0;
out:
    lintel_free(paces);
    return rc;
}

void
groups_free(struct group **groups, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        lintel_free(groups[k]);
    lintel_free(groups);
}

void
groups_renew(struct lintel_live_thing *t)
{
    struct group **before = t->groups;
    uint32_t n = t->ngroups, rests = 0;
    for (uint32_t i = 0; i < t->n; i++)
        rests += (t->points[i].flags & POINT_RESTS) != 0;
    if (rests == 0 || t->work != WORK_NONE) /* its request names the group's slots */
        return;
    t->groups = NULL;
    t->ngroups = 0;
    if (groups_make(t) != 0) { /* they rest on */
        thing_starved(t);
        groups_free(t->groups, t->ngroups);
        t->groups = before;
        t->ngroups = n;
        return;
    }
    groups_free(before, n);
    for (uint32_t i = 0; i < t->n; i++)
        t->points[i].flags &= (uint8_t)~POINT_RESTS;
}

/* ---- using ----------------------------------------------------------------------------------- */

void
groups_due_now(struct lintel_live_thing *t, int subscriptions_too)
{
    lintel_mono now = lintel_loop_now(t->bus->engine->loop);
    for (uint32_t k = 0; k < t->ngroups; k++) {
        struct group *g = t->groups[k];
        if (g->poll_ns == 0 && !subscriptions_too && g->due == NEVER)
            continue;
        g->due = now;
        g->spread = 1;
        g->again = 0;
    }
}

void
groups_point_rests(struct lintel_live_thing *t, uint32_t i)
{
    t->points[i].flags |= POINT_RESTS;
    for (uint32_t k = 0; k < t->ngroups; k++)
        t->groups[k]->changed = 1;
}

void
group_settle(struct lintel_live_thing *t, struct group *g)
{
    if (!g->changed)
        return;
    uint32_t n = 0;
    for (uint32_t k = 0; k < g->n; k++)
        if (!(t->points[g->slots[k] - t->first_slot].flags & POINT_RESTS))
            g->slots[n++] = g->slots[k];
    if (n != g->n)
        g->batch = ++t->bus->batch != 0 ? t->bus->batch : ++t->bus->batch;
    g->n = n;
    g->changed = 0;
}

struct group *
groups_first_due(struct lintel_live_thing *t)
{
    struct group *first = NULL;
    for (uint32_t k = 0; k < t->ngroups; k++)
        if (first == NULL || t->groups[k]->due < first->due)
            first = t->groups[k];
    return first != NULL && first->due != NEVER ? first : NULL;
}

/* Polls that are overdue are skipped, not made up for. */
void
group_advance(struct lintel_live_thing *t, struct group *g, lintel_mono now)
{
    if (g->poll_ns == 0)
        return;
    if (g->spread) { /* the first poll comes at once; from here on each group has a phase of its own
                      */
        g->spread = 0;
        g->due = now + 1 + engine_random_below(t->bus->engine, g->poll_ns);
        if (g->poll_ns >= PHASES_LEAST * PHASE_NS) /* in step with others, to wake up less often */
            g->due += PHASE_NS - 1 - (g->due - 1) % PHASE_NS;
        return;
    }
    g->due += g->poll_ns;
    if (g->due <= now)
        g->due += ((now - g->due) / g->poll_ns + 1) * g->poll_ns;
}
