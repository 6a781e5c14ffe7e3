/* SPDX-License-Identifier: Apache-2.0
 * PATCH and iPATCH of a thing's pack (RFC 8790 section 3.2): several properties are written in one
 * request. All of it is checked before any of it is sent to the device. What the device then
 * refuses is told record by record. */
#ifndef LINTEL_SERVE_PATCH_H
#define LINTEL_SERVE_PATCH_H
#include "core/serve/inside.h"

/* Records of one request: they fit the queue of a device. */
enum { LINTEL_PATCH_RECORDS_MOST = 32 };

void lintel_serve_patch(struct lintel_call *c, struct lintel_live_thing *thing);
#endif
