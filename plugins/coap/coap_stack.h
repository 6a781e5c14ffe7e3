/* SPDX-License-Identifier: Apache-2.0
 * Stacks: the hub's, and those that things with an address of their own share. */
#ifndef LINTEL_COAP_STACK_H
#define LINTEL_COAP_STACK_H
#include "plugins/coap/coap_server.h"

/* A stack without listeners, not open. NULL: no memory. */
struct lcoap_stack *lcoap_stack_new(struct lcoap_server *s, bool of_things, uint32_t max_sessions);
/* Opens its context and the listeners that it has, and serves. LINTEL_OK, or the reason in err, and
 * it is closed. */
lintel_status lcoap_stack_open(struct lcoap_stack *k, char *err, size_t nerr);
/* Everything under way with its peers is abandoned. No turn of its own is on. */
void lcoap_stack_close(struct lcoap_stack *k);
void lcoap_stack_free(struct lcoap_stack *k); /* NULL is nothing */
#endif
