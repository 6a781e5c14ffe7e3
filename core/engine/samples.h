/* SPDX-License-Identifier: Apache-2.0
 * What a plugin tells becomes values. */
#ifndef LINTEL_ENGINE_SAMPLES_H
#define LINTEL_ENGINE_SAMPLES_H
#include "core/engine/engine_priv.h"

/* Several samples of one message. */
struct sample_run {
    struct lintel_bus *bus;
    lintel_mono now;
    lintel_wall wall;
    struct lintel_payload payload;
};
void samples_begin(struct sample_run *r, struct lintel_bus *b);
void samples_end(struct sample_run *r);
/* Applies the samples that answer op (their status is their point's), and fails the points that the
 * plugin left out. Returns how many samples say that the device has answered. */
uint32_t samples_of_op(struct lintel_live_thing *t, const struct lintel_op *op,
                       const lintel_sample *s, uint32_t n);
/* One sample of a known point. */
void sample_apply(struct sample_run *r, struct lintel_live_thing *t, uint32_t i,
                  const lintel_sample *s);
int32_t thing_exponent(const struct lintel_live_thing *t, uint32_t i, int *ret_known);
#endif
