/* SPDX-License-Identifier: Apache-2.0
 * Listeners of streams whose clients can't be accepted, for want of descriptors or memory. libcoap
 * leaves such a client in the queue, and its epoll set would be ready for ever: the loop would
 * spin. So the listener is not looked at for a while; those that are connected are served. */
#ifndef LINTEL_COAP_REST_H
#define LINTEL_COAP_REST_H
#include "plugins/coap/coap_server.h"

struct epoll_event;

/* The stack has taken a turn with these events; it has not adopted its streams yet. */
void lcoap_rest_turn(struct lcoap_stack *k, const struct epoll_event *events, uint32_t n);
void lcoap_rest_fini(struct lcoap_server *s);
#endif
