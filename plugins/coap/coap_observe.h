/* SPDX-License-Identifier: Apache-2.0
 * Answers that leave in messages of their own: separate responses and notifications (RFC
 * 7252 5.2.2, RFC 7641).
 *
 * A notification is non-confirmable, but each LCOAP_CON_EVERY-th, one that must arrive, the last
 * one, and the first after 24 hours are confirmable. A peer has one confirmable notification under
 * way (NSTART 1); while it is, the newest representation of each observation waits, and replaces
 * the one that waited before (RFC 7641 4.5.2). */
#ifndef LINTEL_COAP_OBSERVE_H
#define LINTEL_COAP_OBSERVE_H
#include "plugins/coap/coap_server.h"

/* The first answer, after the request was acknowledged. Frees the exchange where that ends it. */
void lcoap_send_separate(struct lcoap_exchange *x, const lintel_answer *a);
/* There is no memory for the first answer: what it says is owed, and sent when there is. False: it
 * was tried often enough. */
bool lcoap_owe(struct lcoap_exchange *x, const lintel_answer *a);
/* A later one: sent now, or kept until it may be. */
void lcoap_notify(struct lcoap_exchange *x, const lintel_answer *a);
/* Sends what waited for the end of the turn. */
void lcoap_notify_late(struct lcoap_stack *stack);
/* Tries again what there was no memory for. */
void lcoap_notify_unsent(struct lcoap_stack *stack);
/* The peer's session ends after this: sends what waits for an acknowledgement, without waiting. */
void lcoap_notify_last(struct lcoap_peer *peer);

/* The observation of this peer under this token; NULL: none. */
struct lcoap_exchange *lcoap_observation(const struct lcoap_peer *peer, coap_bin_const_t token);

/* The peer has acknowledged, or rejected (or never acknowledged), the last message of this
 * exchange. */
void lcoap_acknowledged(struct lcoap_exchange *x);
void lcoap_rejected(struct lcoap_exchange *x);
/* All confirmable messages over DTLS of this stack have arrived. */
void lcoap_secret_flights_landed(struct lcoap_stack *k);
/* Ends what was never heard of again. */
void lcoap_flights_expire(struct lcoap_server *s, lintel_mono now);
#endif
