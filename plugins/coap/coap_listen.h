/* SPDX-License-Identifier: Apache-2.0
 * Where the server listens: the URIs of `listen`, read and judged without I/O, and opened at start.
 */
#ifndef LINTEL_COAP_LISTEN_H
#define LINTEL_COAP_LISTEN_H
#include "plugins/coap/coap_server.h"

/* Adds one listener. LINTEL_OK, or LINTEL_E_CONFIG or _E_NOTSUP with what is wrong and what to do
 * in err. */
lintel_status lcoap_listen_add(struct lcoap_server *s, const char *uri, char *err, size_t nerr);
/* Opens all. LINTEL_OK, or the reason in err. */
lintel_status lcoap_listen_open(struct lcoap_server *s, char *err, size_t nerr);
/* The listener behind a local address; NULL: none. */
const struct lcoap_listener *lcoap_listener_of(const struct lcoap_server *s,
                                               const coap_address_t *local);
#endif
