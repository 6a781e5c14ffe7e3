/* SPDX-License-Identifier: Apache-2.0
 * One request of a thing. */
#ifndef LINTEL_ENGINE_REQUEST_H
#define LINTEL_ENGINE_REQUEST_H
#include "core/engine/engine_priv.h"

/* Sends the thing's op. 0; -1: the port took nothing, and nothing is under way. */
int thing_submit(struct lintel_live_thing *t, enum work work, enum lintel_op_kind kind,
                 const uint32_t *slots, uint32_t n, const lintel_value *values, uint32_t batch,
                 int64_t within);
/* A timeout or an error more, of the thing and its bus; LINTEL_OK: neither. */
void thing_count_failure(struct lintel_live_thing *t, lintel_status status);
void thing_op_over(struct lintel_live_thing *t,
                   lintel_status status); /* figures, and room on the bus */
#endif
