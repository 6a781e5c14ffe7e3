/* SPDX-License-Identifier: Apache-2.0
 * Sessions that begin with more than a request: DTLS, TCP and TLS (RFC 8323). They are watched from
 * their first byte: handshakes have a number and a time, streams a number and a bound for what
 * waits in them, and nobody keeps one for nothing.
 *
 * A session is never ended from within libcoap's functions: it is marked, and ended after the turn.
 */
#ifndef LINTEL_COAP_SESSION_H
#define LINTEL_COAP_SESSION_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_HANDSHAKE_S = 15, /* for handshake, and over streams the first message */
    LCOAP_IDLE_S = 300,     /* a stream without a request, and without an observation */
    LCOAP_KEEPALIVE_S = 60, /* the kernel asks whether the other end of a stream is there */
    LCOAP_UNHEARD = 100, /* first messages of DTLS that libcoap keeps, for each of maxHandshakes */
    LCOAP_UNREAD = 1 << 20 /* bytes in a stream that its peer has not taken: it gets no more */
};

/* libcoap has a new session, of any protocol. One of DTLS may be of a forged address: until it has
 * shown that it hears us (RFC 6347 4.2.1) it is libcoap's alone. */
void lcoap_session_begin(struct lcoap_stack *k, coap_session_t *session);
/* The peer's handshake is under way. */
void lcoap_session_watch(struct lcoap_peer *p);
/* Its handshake is over. */
void lcoap_session_ready(struct lcoap_peer *p);
/* It has ended, or shall end: with the turn, or soon. */
void lcoap_session_end(struct lcoap_peer *p);
/* The record of a peer goes: it counts no longer. */
void lcoap_session_forget(struct lcoap_peer *p);

/* As coap_send(). libcoap 4.3.1 counts a confirmable message that left but that it had no memory to
 * remember as under way for ever, and holds all later ones back: that is set right.
 */
coap_mid_t lcoap_session_send(coap_session_t *session, coap_pdu_t *pdu);

/* After a turn: ends what is marked, and handshakes beyond their number, the oldest first. */
void lcoap_sessions_turn(struct lcoap_stack *k);
/* From time to time: ends what took too long. Returns whether there are more to look after. */
bool lcoap_sessions_expire(struct lcoap_server *s, lintel_mono now);

/* Whether a stream takes n bytes more; always for datagrams. One that takes none for long ends. */
bool lcoap_session_takes(struct lcoap_peer *p, size_t n);
/* A stream's descriptor, by its addresses; for lcoap_io. */
void lcoap_session_adopt(struct lcoap_stack *k, int fd);
#endif
