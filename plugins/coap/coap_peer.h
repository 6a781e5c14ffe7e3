/* SPDX-License-Identifier: Apache-2.0
 * Peers, one for each session of libcoap, and the pool of exchanges under way with them. */
#ifndef LINTEL_COAP_PEER_H
#define LINTEL_COAP_PEER_H
#include "plugins/coap/coap_server.h"

/* LINTEL_X_* of a datagram peer, by the addresses alone. */
uint32_t lcoap_flags_of(const struct lcoap_stack *k, coap_proto_t protocol,
                        const coap_address_t *local, const coap_address_t *remote);
/* The session's peer, made when it is new; NULL: no memory. */
struct lcoap_peer *lcoap_peer_of(struct lcoap_stack *stack, coap_session_t *session);
/* Its identity is proved. */
void lcoap_peer_is_secure(struct lcoap_peer *peer);
/* What a stream's peer takes as the payload of one message; 0: it is none. */
size_t lcoap_peer_room(const struct lcoap_peer *peer);
/* The session goes, or the server stops: everything under way is abandoned. */
void lcoap_peer_free(struct lcoap_peer *peer);

/* A fresh exchange of this peer, which holds the session; NULL: too many, or no memory. */
struct lcoap_exchange *lcoap_exchange_new(struct lcoap_peer *peer);
/* Its request's message id is set: repetitions are known by it while the exchange is open. */
void lcoap_exchange_count(struct lcoap_exchange *x);
void lcoap_exchange_free(struct lcoap_exchange *x);
/* It has become an observation: its peer may have many of these. */
void lcoap_exchange_settle(struct lcoap_exchange *x);
/* The same, but the hub is told first, unless it knows. */
void lcoap_exchange_drop(struct lcoap_exchange *x);
void lcoap_exchanges_fini(struct lcoap_server *s); /* frees the pool */

/* Keeps an answer (copied) until its turn; a newer one replaces it. */
void lcoap_wait(struct lcoap_exchange *x, const lintel_answer *a);
/* The next exchange with a kept answer, taken from the queue; NULL: none. */
struct lcoap_exchange *lcoap_wait_next(struct lcoap_peer *peer);

/* The table of messages that a peer may acknowledge or reject: one for each exchange, its last one.
 */
void lcoap_note(struct lcoap_exchange *x, uint16_t mid, bool confirmable, lintel_mono now);
void lcoap_unnote(struct lcoap_exchange *x);
/* Who of this stack sent message `mid` from this place to this address; NULL: nobody. */
struct lcoap_exchange *lcoap_noted(const struct lcoap_stack *stack, const struct lcoap_place *place,
                                   const coap_address_t *remote, uint16_t mid);

#endif
