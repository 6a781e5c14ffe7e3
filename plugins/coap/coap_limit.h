/* SPDX-License-Identifier: Apache-2.0
 * Limits for single clients: how many requests in a second one source address may send, and how
 * many equal ones (RFC 8516). Beyond it the caller answers 4.29. One second's worth may come at
 * once. The number of clients that are remembered is bounded; the one that was quiet for longest is
 * forgotten first, which only makes the limit milder. Pure: the caller brings the time. */
#ifndef LINTEL_COAP_LIMIT_H
#define LINTEL_COAP_LIMIT_H
#include "plugins/coap/coap_server.h"

enum { LCOAP_LIMIT_CLIENTS = 1024, LCOAP_LIMIT_EQUALS = 4096 };

struct lcoap_limits;
/* Requests a second; 0: no limit. NULL: no memory. */
struct lcoap_limits *lcoap_limits_new(uint32_t rate, uint32_t rate_equal);
void lcoap_limits_free(struct lcoap_limits *l);
/* Counts a request; `equal` is the same for equal requests. 0: it may be served. Else the seconds
 * until one may be again, and it is not counted. */
uint32_t lcoap_limits_take(struct lcoap_limits *l, const coap_address_t *client, uint64_t equal,
                           lintel_mono now);
#endif
