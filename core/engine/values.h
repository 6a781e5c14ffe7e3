/* SPDX-License-Identifier: Apache-2.0
 * One point: its value, quality, reason and age. */
#ifndef LINTEL_ENGINE_VALUES_H
#define LINTEL_ENGINE_VALUES_H
#include "core/engine/engine_priv.h"

/* A deep copy of v in one piece of memory, in *keep (reused if it has room). -1: out of memory or
 * deeper than a document may be. */
int blob_copy(struct blob **keep, const lintel_value *v);
int value_equal(const lintel_value *a, const lintel_value *b);
void point_value(const struct point *p, lintel_value *ret);
/* A new value or a confirmation of the old one; event: news even if equal. */
void point_update(struct lintel_live_thing *t, uint32_t i, const lintel_value *v,
                  enum lintel_quality q, lintel_wall when, lintel_mono now, lintel_wall wall);
/* The value stays, its quality and the reason change. why: POINT_WHY_* or 0 with detail. */
void point_judge(struct lintel_live_thing *t, uint32_t i, enum lintel_quality q,
                 lintel_status status, uint8_t why, const char *detail);
void point_detail(struct lintel_live_thing *t, uint32_t i,
                  const char *detail);                        /* NULL or "": none */
void point_no_value(struct lintel_live_thing *t, uint32_t i); /* the device has none */
/* The last value and quality of one point as those of another, of another thing. */
void point_carry(struct lintel_live_thing *was, uint32_t i, struct lintel_live_thing *is,
                 uint32_t k);
void point_fini(struct lintel_live_thing *t, uint32_t i);
/* Looks at all points of the thing, once in the shortest time in which one of them can become
 * stale: refreshing a value costs nothing for this. */
void thing_age(struct lintel_live_thing *t, lintel_mono now);
int status_is_silence(lintel_status st); /* nothing was heard of the device */
const char *status_text(lintel_status st);
#endif
