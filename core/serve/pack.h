/* SPDX-License-Identifier: Apache-2.0
 * /d/{thing}/s: all readable properties of a thing as one SenML pack. GET is here, FETCH and PATCH
 * in fetch.h and patch.h. */
#ifndef LINTEL_SERVE_PACK_H
#define LINTEL_SERVE_PACK_H
#include "core/serve/inside.h"

void lintel_serve_pack(struct lintel_call *c, struct lintel_live_thing *thing);
#endif
