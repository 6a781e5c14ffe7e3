/* SPDX-License-Identifier: Apache-2.0
 * From a request to the tree, and from the tree's first answer to the peer. */
#ifndef LINTEL_COAP_SERVE_H
#define LINTEL_COAP_SERVE_H
#include "plugins/coap/coap_server.h"

/* Registers the resources that take every path and method. 0, or -1 without memory. */
int lcoap_serve_register(struct lcoap_stack *stack);
/* lintel_transport.answer */
void lcoap_serve_answer(void *self, void *cookie, const lintel_answer *a);
#endif
