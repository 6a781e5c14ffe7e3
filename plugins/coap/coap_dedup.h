/* SPDX-License-Identifier: Apache-2.0
 * Which requests were seen already, and what was answered (RFC 7252 4.5): one record for each
 * (peer, message id), kept for EXCHANGE_LIFETIME (confirmable) or NON_LIFETIME. The number of
 * records is bounded, for a peer and in all; beyond it the oldest go. */
#ifndef LINTEL_COAP_DEDUP_H
#define LINTEL_COAP_DEDUP_H
#include "plugins/coap/coap_server.h"

enum { LCOAP_MAX_REPLIES = 4096, LCOAP_MAX_REPLIES_PEER = 256 };

struct lcoap_replies;
struct lcoap_replies *lcoap_replies_new(void); /* NULL: no memory */
void lcoap_replies_free(struct lcoap_replies *all);
uint32_t lcoap_replies_count(const struct lcoap_replies *all);

/* Whether this is a repetition. If so, and its answer was kept, the answer is written into
 * `response`; without one `response` stays empty: libcoap acknowledges a confirmable request and
 * keeps quiet else. */
bool lcoap_replies_repeat(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid,
                          lintel_mono now, coap_pdu_t *response);
/* Remembers a new request. Without memory it is processed, but not remembered. */
void lcoap_replies_add(struct lcoap_replies *all, struct lcoap_peer *peer, uint16_t mid,
                       lintel_mono until);
/* Keeps what is answered to a request that was added. */
void lcoap_replies_answer(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid,
                          const coap_pdu_t *response);
/* The peer goes. */
void lcoap_replies_forget(struct lcoap_replies *all, struct lcoap_peer *peer);
/* Drops what is too old. */
void lcoap_replies_expire(struct lcoap_replies *all, lintel_mono now);
#endif
