/* SPDX-License-Identifier: Apache-2.0
 * Where the server listens: the URIs of `listen`, read and judged without I/O, and opened at start.
 */
#ifndef LINTEL_COAP_LISTEN_H
#define LINTEL_COAP_LISTEN_H
#include "plugins/coap/coap_server.h"

/* Adds a listener to a stack that is not open, as the site wrote it. LINTEL_OK; LINTEL_E_CONFIG or
 * _E_NOTSUP with what is wrong and what to do in err; or _E_NOMEM. */
lintel_status lcoap_listen_add(struct lcoap_stack *k, const char *uri, char *err, size_t nerr);
/* Adds a listener for an address that is a thing's own to a stack that is open, and opens it.
 * LINTEL_OK, or the reason in err. */
lintel_status lcoap_listen_at(struct lcoap_stack *k, struct lcoap_place *place,
                              coap_proto_t protocol, const coap_address_t *a, char *err,
                              size_t nerr);
/* Closes those of a place; its peers are gone. */
void lcoap_listen_leave(struct lcoap_stack *k, const struct lcoap_place *place);
void lcoap_listen_free(struct lcoap_stack *k); /* all; the context is gone */
/* Opens all of a stack. LINTEL_OK, or the reason in err. */
lintel_status lcoap_listen_open(struct lcoap_stack *k, char *err, size_t nerr);
/* Whether one of them wants credentials. */
bool lcoap_listen_is_secure(const struct lcoap_stack *k);
/* The listener behind a local address; NULL: none. */
const struct lcoap_listener *lcoap_listener_of(const struct lcoap_stack *k, coap_proto_t protocol,
                                               const coap_address_t *local);
/* host[:port] in figures, with this port where none is written; the text is cut into pieces. */
bool lcoap_authority_read(char *text, unsigned port, coap_address_t *ret);
#endif
