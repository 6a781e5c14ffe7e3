/* SPDX-License-Identifier: Apache-2.0
 * Properties, actions and events of a thing: /d/{thing}/{object}/{p|a|e}/{name}. */
#ifndef LINTEL_SERVE_PROPERTY_H
#define LINTEL_SERVE_PROPERTY_H
#include "core/serve/inside.h"

/* Serves a request for the i-th affordance of the thing. */
void lintel_serve_affordance(struct lintel_call *c, struct lintel_live_thing *thing, uint32_t i);
#endif
