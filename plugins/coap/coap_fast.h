/* SPDX-License-Identifier: Apache-2.0
 * The short way for what clients ask most: a confirmable GET whose answer is known at once and fits
 * one datagram. And for what libcoap would take wrongly (coap_odd). Datagrams that wait on a socket
 * are looked at, all with one system call; those at the head of the queue that are of this kind are
 * answered without libcoap - taken off the queue with one call, answered with one more. All else
 * stays in the queue, and libcoap reads it: it keeps sessions, retransmissions, observations,
 * blocks.
 *
 * What leaves this way is what the long way would have sent: the same options are read by the same
 * function (coap_request), the same tree is asked. Nothing is remembered of such a request;
 * repeating it does no harm. */
#ifndef LINTEL_COAP_FAST_H
#define LINTEL_COAP_FAST_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_LOOK_MOST = 32,   /* datagrams of one socket in one turn */
    LCOAP_LOOK_BYTES = 256, /* of each one; a longer one goes the long way */
    LCOAP_CALLERS = 256     /* clients whose addresses are kept as text; a power of two */
};

struct lcoap_fast;
/* NULL: no memory; then everything goes the long way. */
struct lcoap_fast *lcoap_fast_new(struct lcoap_server *s);
void lcoap_fast_free(struct lcoap_fast *f);

struct lcoap_looked { /* one datagram that waits, as far as the caller needs it */
    coap_address_t from;
    const uint8_t *bytes;
    uint32_t n; /* its whole length; of bytes there are LCOAP_LOOK_BYTES at most */
};
/* Looks at what waits on a socket, and answers what can be answered this way. Returns how many are
 * left for libcoap, of which ret[0 .. result) tells; valid until the next call. */
uint32_t lcoap_fast_look(struct lcoap_fast *f, struct lcoap_stack *k,
                         const struct lcoap_socket *socket, const struct lcoap_looked **ret);

/* The tree's answer to a request that came this way (lcoap_exchange.fast). */
void lcoap_fast_answer(struct lcoap_fast *f, const lintel_answer *a);
#endif
