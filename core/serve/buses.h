/* SPDX-License-Identifier: Apache-2.0
 * Management of single buses, below /hub/buses, in JSON. Only for loopback and the local socket.
 *
 *   GET  /hub/buses               all of them
 *   GET  /hub/buses/{bus}         one, with its use and what is counted of its devices (units.h)
 *   *    /hub/buses/{bus}/{verb}  what the daemon does with it (lintel_tree_source.bus) */
#ifndef LINTEL_SERVE_BUSES_H
#define LINTEL_SERVE_BUSES_H
#include "core/serve/inside.h"

/* c->path is what stands behind "buses". */
void lintel_serve_buses(struct lintel_call *c);
/* One bus as an object, without its devices. */
void lintel_bus_json(struct lintel_buf *b, const struct lintel_bus_stats *s);
#endif
