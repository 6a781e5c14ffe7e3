/* SPDX-License-Identifier: Apache-2.0
 * The data qualities of SDF as the data schema of a Thing Description (W3C WoT TD 1.1
 * section 5.3.2), which is a part of JSON Schema with a unit. */
#ifndef LINTEL_SERVE_SCHEMA_H
#define LINTEL_SERVE_SCHEMA_H
#include "core/base/text.h"
#include "core/model/data.h"

/* Appends the members of d's schema to an open JSON object. d NULL: nothing is known, nothing is
 * said. */
void lintel_schema_members(struct lintel_buf *b, const struct lintel_data *d);
#endif
