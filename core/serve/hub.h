/* SPDX-License-Identifier: Apache-2.0
 * Management resources below /hub, in JSON. Only for loopback and the local socket. */
#ifndef LINTEL_SERVE_HUB_H
#define LINTEL_SERVE_HUB_H
#include "core/serve/inside.h"

/* c->path is what stands behind "hub". */
void lintel_serve_hub(struct lintel_call *c);
/* How a thing is, in a word: ok, bad, stale, down, starting, resting. */
const char *lintel_thing_state(struct lintel_engine *e, struct lintel_live_thing *thing);
#endif
