/* SPDX-License-Identifier: Apache-2.0
 * Observations go on when their thing was replaced by a changed one (LINTEL_REPLACED). Loop's
 * thread; both while the old thing is still there. */
#ifndef LINTEL_SERVE_FOLLOW_H
#define LINTEL_SERVE_FOLLOW_H
#include "core/engine/engine.h"

/* The thing that has the place of an old one now; NULL: none. */
struct lintel_live_thing *lintel_follow(struct lintel_engine *e,
                                        const struct lintel_live_thing *old);
/* The point of it with the path that the i-th of the old one had; LINTEL_NO_POINT: none. ret_i: its
 * index in the profile; may be NULL. */
lintel_point_id lintel_follow_point(struct lintel_engine *e, const struct lintel_live_thing *old,
                                    uint32_t i, uint32_t *ret_i);
#endif
