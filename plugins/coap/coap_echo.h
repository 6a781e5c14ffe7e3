/* SPDX-License-Identifier: Apache-2.0
 * Echo options (RFC 9175 2): a value that only this hub can make, for one address and one time. Who
 * sends it back receives what is sent to that address, and has asked just now.
 *
 *     4 bytes   seconds of the hub's clock
 *     8 bytes   HMAC-SHA-256, cut off, over run, address, seconds and part, by the hub's secret
 *     0..24     the tree's part
 *
 * Pure but for the host's derive(). */
#ifndef LINTEL_COAP_ECHO_H
#define LINTEL_COAP_ECHO_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_ECHO_HEAD = 12,
    LCOAP_ECHO_ROOM = LCOAP_ECHO_HEAD + LINTEL_ECHO_MOST,
    LCOAP_ECHO_FRESH = 60 /* seconds */
};

void lcoap_echo_init(struct lcoap_echo *e, const lintel_host *host,
                     const lintel_host_transport *tree);
/* Writes a value for this address (without its port); its length, 0: none can be made. */
size_t lcoap_echo_make(const struct lcoap_echo *e, const coap_address_t *peer, lintel_mono now,
                       lintel_span part, uint8_t ret[LCOAP_ECHO_ROOM]);
/* Whether the value was made here, for this address, and not too long ago. The part points into it.
 */
bool lcoap_echo_read(const struct lcoap_echo *e, const coap_address_t *peer, lintel_mono now,
                     lintel_span value, lintel_span *ret_part);
#endif
