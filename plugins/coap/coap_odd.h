/* SPDX-License-Identifier: Apache-2.0
 * Datagrams that libcoap 4.3.1 takes for what they are not; coap_fast keeps them from it. Pure.
 *
 *   another version of CoAP          ignored (RFC 7252 section 3); libcoap sends a Reset
 *   a request in an acknowledgement
 *   or a Reset                       ignored (section 4.2); libcoap carries it out
 *   a method beyond iPATCH           4.05 (section 5.8); libcoap says 4.04 for all but a few paths
 */
#ifndef LINTEL_COAP_ODD_H
#define LINTEL_COAP_ODD_H
#include "lintel/transport.h"

#include <stdbool.h>

enum { LCOAP_ODD_ROOM = 12 };

/* head: the first four bytes of a datagram, whose length is n. */
bool lcoap_is_odd(const uint8_t head[4], size_t n);
/* The answer to an odd datagram, under its message id; its length, 0: it is ignored. */
size_t lcoap_odd_answer(const uint8_t *datagram, size_t n, uint8_t ret[LCOAP_ODD_ROOM]);
#endif
