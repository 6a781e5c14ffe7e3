/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/follow.h"

#include <string.h>

struct lintel_live_thing *
lintel_follow(struct lintel_engine *e, const struct lintel_live_thing *old)
{
    const char *id = lintel_live_thing_conf(old)->id;
    struct lintel_live_thing *now = lintel_engine_find_thing(e, id, strlen(id));
    return now != old ? now : NULL;
}

lintel_point_id
lintel_follow_point(struct lintel_engine *e, const struct lintel_live_thing *old, uint32_t i,
                    uint32_t *ret_i)
{
    const struct lintel_live_thing *now = lintel_follow(e, old);
    const struct lintel_affordance *a = lintel_live_thing_conf(old)->profile->bound[i].affordance;
    if (now == NULL)
        return LINTEL_NO_POINT;
    const struct lintel_profile *profile = lintel_live_thing_conf(now)->profile;
    const struct lintel_bound *b = lintel_map_get(&profile->by_path, a->path, strlen(a->path));
    if (b == NULL)
        return LINTEL_NO_POINT;
    uint32_t k = (uint32_t)(b - profile->bound);
    if (ret_i != NULL)
        *ret_i = k;
    return lintel_live_thing_point(now, k);
}
