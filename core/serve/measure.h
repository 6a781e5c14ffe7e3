/* SPDX-License-Identifier: Apache-2.0
 * A reading of one point as SenML has it: name, primary unit, absolute time, quality where it is
 * not good. */
#ifndef LINTEL_SERVE_MEASURE_H
#define LINTEL_SERVE_MEASURE_H
#include "core/serve/inside.h"
#include "core/serve/senml.h"
#include "core/serve/senml_read.h"

/* Appends "{hub}:{thing}/", the base name of a thing's records; both are of characters that SenML
 * allows. */
void lintel_measure_thing(struct lintel_buf *b, const struct lintel_tree *t, const char *thing);

/* All of *ret but the base fields. Secondary units become primary ones (RFC 8798); *value holds a
 * converted number and must live as long as *ret. Times are absolute once the clock is set, else
 * relative. */
void lintel_measure(const struct lintel_tree *t, const struct lintel_bound *b,
                    const struct lintel_reading *r, lintel_value *value,
                    struct lintel_senml_fields *ret);
/* The value of a received record in the model's unit. 0, or -1 with a reason. */
int lintel_measure_read(const struct lintel_senml_record *r, const struct lintel_data *d,
                        struct lintel_arena *a, lintel_value *ret, char reason[LINTEL_REASON]);

/* Seconds that a representation of the reading may be kept: the rest of its poll interval; 0 where
 * each GET reads the device; 60 where values come by themselves (RFC 7252 section 5.10.5). */
uint32_t lintel_max_age(const struct lintel_tree *t, const struct lintel_bound *b,
                        const struct lintel_reading *r);
/* Whether a device has to be asked before the reading is shown: it never was, or only requests read
 * this point. */
int lintel_must_read(const struct lintel_bound *b, const struct lintel_reading *r);
#endif
