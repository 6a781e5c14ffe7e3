/* SPDX-License-Identifier: Apache-2.0
 * What a plugin writes to the log: floods are cut. Loop's thread. */
#ifndef LINTEL_PLUG_GATE_H
#define LINTEL_PLUG_GATE_H
#include "core/bind/site.h"

struct lintel_gate { /* {0} is a fresh one */
    lintel_mono window;
    uint32_t lines, lost; /* of the window */
};
/* The finest level that is wanted of a bus or transport: the site's, or the hub's own. */
int32_t lintel_gate_level(const struct lintel_port *conf);
/* A line of the bus or transport; what is too much is counted, and the number told later. */
void lintel_gate_log(struct lintel_gate *g, lintel_mono now, const struct lintel_port *conf,
                     int32_t level, const char *line);
#endif
