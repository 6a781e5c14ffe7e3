/* SPDX-License-Identifier: Apache-2.0
 * DTLS and TLS: the credentials of the server (SC-01), and who a peer has proved to be.
 *
 * One listener serves clients with a pre-shared key and with a certificate. Keys are the hub's:
 * each handshake asks for the one of its identity. An identity that is unknown gets a random key,
 * so that it fails where a wrong key fails. Certificates of clients count with `clientCa` only, and
 * then a client that comes without a key must have one.
 *
 * Nothing is resumed: a session that began before its key was taken away would outlive it. */
#ifndef LINTEL_COAP_DTLS_H
#define LINTEL_COAP_DTLS_H
#include "plugins/coap/coap_server.h"

struct lcoap_dtls_settings {             /* NULL: not given */
    const char *certificate, *client_ca; /* paths */
    const char *key;                     /* PEM */
    const char *hint;
    const lintel_value *ciphers; /* a list */
};

/* Whether the protocol is one with credentials, and whether it is a stream. */
bool lcoap_is_secure(coap_proto_t protocol);
bool lcoap_is_stream(coap_proto_t protocol);

/* Judges the settings, without I/O. LINTEL_OK, or the reason in err. */
lintel_status lcoap_dtls_new(struct lcoap_server *s, const struct lcoap_dtls_settings *settings,
                             char *err, size_t nerr);
void lcoap_dtls_free(struct lcoap_dtls *d); /* wipes; NULL is nothing */
/* At start, once the host's tree is known: reads the files. LINTEL_OK, or the reason in err. */
lintel_status lcoap_dtls_load(struct lcoap_server *s, char *err, size_t nerr);

/* A new context for this stack, with the credentials where a listener of it needs them. NULL, and
 * the reason in err. */
coap_context_t *lcoap_dtls_context(struct lcoap_stack *k, char *err, size_t nerr);
/* Wipes the key that the last handshake asked for; after each turn. */
void lcoap_dtls_wipe(struct lcoap_server *s);

/* Asks the session of a request who its peer is, and sets identity, authority and flags. */
void lcoap_dtls_identify(struct lcoap_peer *p);
/* Sets an identity that a certificate has proved. False: no memory. */
bool lcoap_dtls_know(struct lcoap_peer *p, const char *identity, const char *authority);
/* Counts a handshake that failed, and says so, at most each ten seconds. */
void lcoap_dtls_failed(const struct lcoap_peer *p);
/* How many have failed, and with an identity that nobody has. */
uint64_t lcoap_dtls_failures(const struct lcoap_server *s, uint64_t *ret_unknown);
#endif
