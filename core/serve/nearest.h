/* SPDX-License-Identifier: Apache-2.0
 * 4.04 for what is not there, with what was probably meant. */
#ifndef LINTEL_SERVE_NEAREST_H
#define LINTEL_SERVE_NEAREST_H
#include "core/serve/inside.h"

/* "no thing "main-metr"; did you mean main-meter?" Only of those that the peer may see. */
void lintel_call_no_thing(struct lintel_call *c, const lintel_span *id);
/* "there is no bus "line1"; did you mean line-1?" */
void lintel_call_no_bus(struct lintel_call *c, const char *name);
/* "no property "activePowr" on main-meter; did you mean activePower?" path: below the thing. */
void lintel_call_no_affordance(struct lintel_call *c, const struct lintel_thing *t,
                               const char *path);
#endif
