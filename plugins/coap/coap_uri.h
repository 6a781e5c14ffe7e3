/* SPDX-License-Identifier: Apache-2.0
 * Addresses and the URIs made of them. Pure: no I/O, no state. */
#ifndef LINTEL_COAP_URI_H
#define LINTEL_COAP_URI_H
#include <coap3/coap.h>
#include <stdbool.h>

struct lcoap_scheme {   /* what can be listened on */
    const char *prefix; /* "coap://" */
    coap_proto_t protocol;
    uint16_t port; /* where the URI says none */
};
const struct lcoap_scheme *lcoap_scheme_of_uri(const char *uri); /* NULL: none of ours */
const struct lcoap_scheme *lcoap_scheme_of(coap_proto_t protocol);

/* "coap://[2001:db8::1]:5683". */
void lcoap_address_uri(coap_proto_t protocol, const coap_address_t *a, char *buf, size_t n);
/* The same without the scheme's default port: "coap://[2001:db8::1]". */
void lcoap_address_origin(coap_proto_t protocol, const coap_address_t *a, char *buf, size_t n);
/* "[2001:db8::1]:5683", "192.0.2.1:5683". */
void lcoap_address_text(const coap_address_t *a, char *buf, size_t n);

bool lcoap_is_loopback(const coap_address_t *a); /* 127/8, ::1, and 127/8 mapped into IPv6 */
bool lcoap_is_group(const coap_address_t *a);    /* multicast, of IPv4, IPv6 and mapped */
/* The interface of a link-local address; 0: it is none. */
uint32_t lcoap_address_scope(const coap_address_t *a);

/* An address as a client is told by: without its port, without gaps. */
struct lcoap_client_key {
    uint8_t address[16];
    uint32_t scope;
    uint32_t reserved; /* 0 */
};
void lcoap_client_key(const coap_address_t *a, struct lcoap_client_key *ret);
#endif
