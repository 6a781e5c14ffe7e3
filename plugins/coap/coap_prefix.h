/* SPDX-License-Identifier: Apache-2.0
 * The prefix of things' addresses, and the interface identifiers below it (RFC 4291 2.5.1, RFC
 * 7217). Pure: no I/O, no state. */
#ifndef LINTEL_COAP_PREFIX_H
#define LINTEL_COAP_PREFIX_H
#include "lintel/plugin.h"

#include <netinet/in.h>
#include <stdbool.h>

enum {
    LCOAP_IID_BYTES = 8,
    LCOAP_IID_TRIES = 8, /* counters that are tried, RFC 7217 section 5 */
    LCOAP_IID_NAME_MOST = 512,
    LCOAP_IID_LABEL_MOST = LCOAP_IID_NAME_MOST + 64
};

struct lcoap_prefix {
    uint8_t bytes[8]; /* the /64 that addresses are taken of */
};

/* Reads "fd00:db8:1::/64". A prefix shorter than /64 stands for its first /64; a longer one has no
 * room for interface identifiers. LINTEL_OK, or LINTEL_E_CONFIG with what is wrong in err. */
lintel_status lcoap_prefix_read(const char *text, struct lcoap_prefix *ret, char *err, size_t nerr);
bool lcoap_prefix_holds(const struct lcoap_prefix *p, const struct in6_addr *a);

/* Whether no host may use it: subnet anycast and what IANA keeps (RFC 5453). */
bool lcoap_iid_is_reserved(const uint8_t iid[LCOAP_IID_BYTES]);
/* What the hub's secret is applied to, for the try number `counter`. Its length; 0: the name is too
 * long. */
size_t lcoap_iid_label(const struct lcoap_prefix *p, const char *thing, uint32_t counter,
                       uint8_t ret[LCOAP_IID_LABEL_MOST]);
/* The address of what the hub derived. */
void lcoap_iid_address(const struct lcoap_prefix *p, const uint8_t derived[32],
                       struct in6_addr *ret);
#endif
