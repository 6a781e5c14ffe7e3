/* SPDX-License-Identifier: Apache-2.0
 * Requests of the hub's own (lintel_transport.send): confirmable, by the session of the peer where
 * it still lives, so that they leave from the port that the peer knows; else by a session of their
 * own.
 *
 * One request at a time goes to an address (NSTART, RFC 7252 4.7); further ones wait, up to a
 * bound. libcoap repeats what is not acknowledged. An answer is taken by token and session, and
 * tokens are never used twice. A body in blocks is put together, up to `maxBody`. An answer that
 * wants an Echo gets it once. */
#ifndef LINTEL_COAP_CLIENT_H
#define LINTEL_COAP_CLIENT_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_MAX_CALLS = 64,       /* under way and waiting */
    LCOAP_MAX_CALLS_TO = 8,     /* to one address */
    LCOAP_MAX_CALL_BODY = 1024, /* of a request: what goes into one message */
    LCOAP_MESSAGE_ROOM = 1152,
    LCOAP_MAX_RESTARTS = 2 /* of a body that changed between its blocks */
};
#define LCOAP_CALL_MOST (600 * LCOAP_SECOND) /* for a whole body in blocks */

struct lcoap_client;
struct lcoap_client *lcoap_client_new(struct lcoap_server *s); /* NULL: no memory */
/* Everything under way ends with 5.03. The stacks are still open. */
void lcoap_client_free(struct lcoap_client *c);
/* A stack closes, or a place of it (NULL: all), and their sessions go: what uses them ends with
 * 5.03, in a turn to come. Their peers are still known. */
void lcoap_client_forget(struct lcoap_client *c, const struct lcoap_stack *k,
                         const struct lcoap_place *place);

/* lintel_transport.send. LINTEL_E_NOTSUP: a scheme, a method or a body that can't be sent;
 * LINTEL_E_ADDRESS: no URI with an address in figures; LINTEL_E_BUSY: too many requests under way.
 */
lintel_status lcoap_client_send(void *self, const char *uri, const lintel_exchange *x,
                                lintel_ticket t);

/* coap_response_handler_t */
coap_response_t lcoap_client_response(coap_session_t *session, const coap_pdu_t *sent,
                                      const coap_pdu_t *received, const coap_mid_t mid);
/* A confirmable message was rejected, or never acknowledged. Whether it was a request of ours. */
bool lcoap_client_nack(struct lcoap_client *c, const coap_session_t *session, coap_mid_t mid);
#endif
