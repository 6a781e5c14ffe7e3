/* SPDX-License-Identifier: Apache-2.0
 * FETCH of a thing's pack: the records that the payload selects (RFC 8790 section 3.1), read from
 * the device where nothing else reads them, and observed where that is wanted. */
#ifndef LINTEL_SERVE_FETCH_H
#define LINTEL_SERVE_FETCH_H
#include "core/serve/inside.h"

void lintel_serve_fetch(struct lintel_call *c, struct lintel_live_thing *thing);
#endif
