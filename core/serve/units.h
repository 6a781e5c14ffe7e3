/* SPDX-License-Identifier: Apache-2.0
 * What is counted of a bus and of each of its devices, in JSON: members of GET /hub/buses/{bus}. */
#ifndef LINTEL_SERVE_UNITS_H
#define LINTEL_SERVE_UNITS_H
#include "core/base/text.h"
#include "core/engine/engine.h"

/* ,"use":{..},"units":[..] of the bus. */
void lintel_units_json(struct lintel_buf *b, struct lintel_engine *e, const struct lintel_bus *bus);
#endif
