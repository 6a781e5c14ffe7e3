/* SPDX-License-Identifier: Apache-2.0
 * A thing in the place of another one of the same id: what is known of it goes along as far as it
 * is still about the same. */
#include <string.h>

#include "core/engine/device.h"
#include "core/engine/values.h"

/* Whether two lists say the same under each name that both tables have. */
static int
same_rows(const lintel_field *a, const lintel_value *va, const lintel_field *b,
          const lintel_value *vb)
{
    if (va == NULL || vb == NULL)
        return va == vb;
    for (uint32_t i = 0; a != NULL && a[i].name != NULL; i++)
        for (uint32_t k = 0; b != NULL && b[k].name != NULL; k++)
            if (strcmp(a[i].name, b[k].name) == 0 && !value_equal(&va[i], &vb[k]))
                return 0;
    return 1;
}

/* What the binding says of it, codec and pace included. */
static int
same_map(const struct lintel_affordance *a, const struct lintel_affordance *b)
{
    struct lintel_buf one = {0}, other = {0};
    if (a->protocol_map != NULL)
        lintel_node_json(a->protocol_map, &one);
    if (b->protocol_map != NULL)
        lintel_node_json(b->protocol_map, &other);
    int same = !one.failed && !other.failed && one.n == other.n &&
               (one.n == 0 || memcmp(one.p, other.p, one.n) == 0);
    lintel_buf_fini(&one);
    lintel_buf_fini(&other);
    return same;
}

static int
same_unit(const struct lintel_data *a, const struct lintel_data *b)
{
    const char *one = a != NULL && a->unit != NULL ? a->unit : "";
    const char *other = b != NULL && b->unit != NULL ? b->unit : "";
    return strcmp(one, other) == 0;
}

/* Whether the last value of one is a value of the other. */
static int
same_point(const struct lintel_live_thing *was, uint32_t i, const struct lintel_live_thing *is,
           uint32_t k)
{
    const struct lintel_bound *a = thing_bound(was, i), *b = thing_bound(is, k);
    const lintel_field *ta = was->conf->profile->plugin->address,
                       *tb = is->conf->profile->plugin->address;
    char reason[LINTEL_REASON];
    lintel_value v;
    point_value(&was->points[i], &v);
    return a->mapped && b->mapped && a->affordance->kind == LINTEL_K_PROPERTY &&
           b->affordance->kind == LINTEL_K_PROPERTY &&
           same_unit(a->affordance->data, b->affordance->data) &&
           same_map(a->affordance, b->affordance) &&
           same_rows(ta, a->read.addr, tb, b->read.addr) &&
           (v.type == LINTEL_T_NULL || b->affordance->data == NULL ||
            lintel_data_fit(b->affordance->data, &v, reason) == LINTEL_FIT_OK);
}

static void
carry(struct lintel_live_thing *was, struct lintel_live_thing *is)
{
    const struct lintel_profile *before = was->conf->profile;
    if (!same_rows(before->plugin->device, was->conf->settings, is->conf->profile->plugin->device,
                   is->conf->settings))
        return; /* another device */
    is->seen = was->seen;
    for (uint32_t k = 0; k < is->n; k++) {
        const char *path = thing_bound(is, k)->affordance->path;
        const struct lintel_bound *a = lintel_map_get(&before->by_path, path, strlen(path));
        uint32_t i = a != NULL ? (uint32_t)(a - before->bound) : 0;
        if (a != NULL && was->points[i].quality != LINTEL_QUALITY_INITIAL &&
            same_point(was, i, is, k))
            point_carry(was, i, is, k);
    }
}

struct lintel_live_thing *
lintel_engine_replace_thing(struct lintel_engine *e, struct lintel_live_thing *old,
                            struct lintel_site *site, const struct lintel_thing *conf)
{
    struct lintel_live_thing *t = thing_add(old->bus, site, conf);
    (void)e;
    if (t == NULL)
        return NULL;
    carry(old, t);
    thing_remove(old, LINTEL_REPLACED);
    thing_begin(t); /* the plugin has been told that the old one goes */
    return t;
}
