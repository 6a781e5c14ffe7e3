/* SPDX-License-Identifier: Apache-2.0
 * What the engine asks of the subscriptions. */
#ifndef LINTEL_ENGINE_SUBSCRIBE_PRIV_H
#define LINTEL_ENGINE_SUBSCRIBE_PRIV_H
#include "core/engine/engine_priv.h"

void subscriptions_turn(struct lintel_engine *e);              /* judges those that were marked */
void subscriptions_gone(struct lintel_live_thing *t, int how); /* LINTEL_GONE, _REPLACED */
#endif
