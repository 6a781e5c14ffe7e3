/* SPDX-License-Identifier: Apache-2.0
 * What one client may ask, and what may be sent to an address that nobody has proved to be his.
 *
 * An address can be forged. So long as a client has not sent back a value that went to its address
 * (Echo, RFC 9175 2.4), it gets at most three times the bytes that it sent: of a larger answer
 * only 4.01 with an Echo option is sent, and the client asks again with it. Loopback, authenticated
 * clients and streams are exempt; what a group is asked has limits of its own (coap_group.h). */
#ifndef LINTEL_COAP_GUARD_H
#define LINTEL_COAP_GUARD_H
#include "plugins/coap/coap_echo.h"
#include "plugins/coap/coap_request.h"

enum {
    LCOAP_AMPLIFICATION = 3,
    LCOAP_EMPTY_BYTES = 4, /* of an acknowledgement */
    LCOAP_SENDINGS = 5     /* of a confirmable message, at most (RFC 7252 4.8) */
};
#define LCOAP_PROVED (300 * LCOAP_SECOND) /* an address that was proved counts for so long */

struct lcoap_guard { /* an answer that has to be judged before it may leave */
    struct lcoap_peer *peer;
    const coap_pdu_t *request;
    coap_pdu_t *response, *draft; /* draft NULL: not judged */
};

/* Bytes of a message, as a datagram. */
size_t lcoap_message_bytes(const coap_pdu_t *pdu);
/* Whether answers to this peer must be small. */
bool lcoap_guard_unproved(const struct lcoap_peer *peer, lintel_mono now);
/* How many bytes may answer the request; 0: as many as wanted. */
uint32_t lcoap_guard_room(const struct lcoap_peer *peer, const coap_pdu_t *request,
                          lintel_mono now);

/* Where the answer is to be written: into the response itself, or a draft. NULL: no memory. */
coap_pdu_t *lcoap_guard_begin(struct lcoap_guard *g, struct lcoap_peer *peer,
                              const coap_pdu_t *request, coap_pdu_t *response);
/* Puts the draft, or as much as may be, into the response. */
void lcoap_guard_end(struct lcoap_guard *g);
/* Makes `to`, which has only a token, of a response that is too large for `room` bytes. */
void lcoap_guard_shrink(const struct lcoap_peer *peer, uint32_t method, uint32_t room,
                        const coap_pdu_t *from, coap_pdu_t *to);
/* 4.01 with an Echo option and nothing else. */
void lcoap_guard_demand(const struct lcoap_peer *peer, coap_pdu_t *response);

/* Reads the request's Echo option into r->x.echo, if it is ours and fresh; the address is proved
 * then. */
void lcoap_guard_read(struct lcoap_peer *peer, struct lcoap_request *r, lintel_mono now);
/* The value of an Echo option that carries the tree's part of an answer; n 0: none is wanted. */
lintel_span lcoap_guard_echo(const struct lcoap_peer *peer, const lintel_answer *a,
                             uint8_t room[LCOAP_ECHO_ROOM]);
/* Counts a request. 0, or the seconds until the client may ask again (4.29). */
uint32_t lcoap_guard_count(const struct lcoap_peer *peer, const struct lcoap_request *r,
                           lintel_mono now);
#endif
