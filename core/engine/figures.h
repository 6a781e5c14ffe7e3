/* SPDX-License-Identifier: Apache-2.0
 * What is counted of buses and devices: how long answers take, and who uses the bus' time. Nothing
 * here allocates; a device's figures have 120 bytes. Shares are of the last five to ten minutes,
 * or of the time since the bus was added if that is shorter. */
#ifndef LINTEL_ENGINE_FIGURES_H
#define LINTEL_ENGINE_FIGURES_H
#include "core/engine/engine_priv.h"

void figures_begin(struct lintel_bus *b);
/* A request of the thing took so long, whatever came of it. */
void figures_time(struct lintel_live_thing *t, int64_t ns);
/* It was answered. */
void figures_answered(struct lintel_live_thing *t, int64_t ns);
/* A whole poll of the group was answered. */
void figures_polled(struct group *g, int64_t ns);
/* The thing's part of its bus' time in the window, 0 to 1. */
double figures_share(const struct lintel_live_thing *t);
#endif
