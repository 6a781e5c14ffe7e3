/* SPDX-License-Identifier: Apache-2.0
 * Which device is asked next, and for what. */
#ifndef LINTEL_ENGINE_SCHEDULE_H
#define LINTEL_ENGINE_SCHEDULE_H
#include "core/engine/engine_priv.h"

void
thing_kick(struct lintel_live_thing *t); /* something has changed: queue it, set its timer, pump */
void thing_wake(void *thing);            /* its timer */
void bus_pump(struct lintel_bus *b);
#endif
