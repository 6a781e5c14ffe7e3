/* SPDX-License-Identifier: Apache-2.0
 * The life of a thing. */
#ifndef LINTEL_ENGINE_DEVICE_H
#define LINTEL_ENGINE_DEVICE_H
#include "core/engine/engine_priv.h"
#include "core/engine/subscribe.h"

/* A thing that nobody is told of yet; NULL: out of memory. */
struct lintel_live_thing *thing_add(struct lintel_bus *b, struct lintel_site *site,
                                    const struct lintel_thing *conf);
void thing_begin(struct lintel_live_thing *t); /* its plugin is told, and it is asked */
void thing_renew(struct lintel_live_thing *t); /* nothing that was refused counts any more */
void thing_tell(struct lintel_live_thing *t);  /* attach and bind */
void thing_failed(struct lintel_live_thing *t, lintel_status status, const char *detail,
                  int64_t cost);
/* itself: the device was asked and answered; else only something came that is about it */
void thing_answered(struct lintel_live_thing *t, int itself, lintel_wall wall);
void thing_stale(struct lintel_live_thing *t, lintel_status status, uint8_t why);
void thing_announced(struct lintel_live_thing *t, lintel_status status, const char *detail);
void thing_set_detail(char **detail, const char *text);
void thing_refuse(struct lintel_live_thing *t, lintel_status status, const char *detail);
void thing_remove(struct lintel_live_thing *t, int how); /* LINTEL_GONE, _REPLACED */
void thing_bury(struct lintel_live_thing *t); /* removed, nothing under way: tells the port */
void thing_free(struct lintel_live_thing *t);
#endif
