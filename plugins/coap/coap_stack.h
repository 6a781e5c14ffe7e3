/* SPDX-License-Identifier: Apache-2.0
 * Stacks: the hub's, and those of things with an address of their own. */
#ifndef LINTEL_COAP_STACK_H
#define LINTEL_COAP_STACK_H
#include "plugins/coap/coap_server.h"

/* A stack without listeners (lcoap_listen_add()); thing is copied, NULL: the hub's. NULL: no
 * memory. */
struct lcoap_stack *lcoap_stack_new(struct lcoap_server *s, const char *thing,
                                    uint32_t max_sessions);
/* Opens its context and listeners, and serves. LINTEL_OK, or the reason in err, and it is closed.
 */
lintel_status lcoap_stack_open(struct lcoap_stack *k, char *err, size_t nerr);
/* Everything under way with its peers is abandoned. */
void lcoap_stack_close(struct lcoap_stack *k);
/* While a turn is on, the memory stays until lcoap_stacks_bury(), and an open turn of its own ends
 * first. NULL is nothing. */
void lcoap_stack_free(struct lcoap_stack *k);
void lcoap_stacks_bury(struct lcoap_server *s);

/* The stack of a thing; NULL: it has none. */
struct lcoap_stack *lcoap_stack_of(const struct lcoap_server *s, const char *thing);
#endif
