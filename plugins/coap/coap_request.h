/* SPDX-License-Identifier: Apache-2.0
 * A CoAP request as an exchange: options read one by one, raw, with every limit checked. Pure: no
 * I/O, no state. */
#ifndef LINTEL_COAP_REQUEST_H
#define LINTEL_COAP_REQUEST_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_MAX_PATH = 24, /* segments; also the bound for each of the others */
    LCOAP_MAX_QUERY = 32,
    LCOAP_MAX_ETAGS = 8
};
enum { LCOAP_OBSERVE_NONE = -1, LCOAP_OBSERVE_REGISTER = 0, LCOAP_OBSERVE_DEREGISTER = 1 };

struct lcoap_request { /* spans point into the PDU */
    lintel_exchange x; /* method, If-None-Match and all lists; the peer's part is the caller's */
    lintel_span path[LCOAP_MAX_PATH], query[LCOAP_MAX_QUERY];
    lintel_span etag[LCOAP_MAX_ETAGS], if_match[LCOAP_MAX_ETAGS];
    int32_t accept[1];
    int32_t observe; /* LCOAP_OBSERVE_* */
    struct lcoap_block block1, block2;
    uint32_t size1;      /* announced size of the whole body; 0: none */
    uint8_t no_response; /* RFC 7967 */
    lintel_span echo;    /* RFC 9175 2; not judged */
};

/* An empty request of a method, and its options one by one: 0, or the code to answer with and
 * *ret_why. */
void lcoap_request_begin(struct lcoap_request *ret, uint32_t method);
uint32_t lcoap_request_option(struct lcoap_request *r, bool stream, uint32_t number,
                              const uint8_t *p, size_t n, const char **ret_why);
/* All of it: 0, or the code to answer with (4.00, 4.02) and *ret_why for people. */
uint32_t lcoap_request_read(const coap_pdu_t *pdu, bool stream, struct lcoap_request *ret,
                            const char **ret_why);

/* An option's value as a number, of at most 4 bytes. */
uint32_t lcoap_number(lintel_span value);
/* Block1 or Block2 (RFC 7959 2.2); szx 7 is reserved over UDP. False: malformed, or there already.
 */
bool lcoap_block_read(struct lcoap_block *b, bool stream, lintel_span value);
/* Equal for requests that share a cache entry, blocks and observation aside (RFC 7252 5.4.2).
 * Without the payload. */
uint64_t lcoap_request_key(const coap_pdu_t *pdu);
/* A good hash of bytes, going on from `h`. */
uint64_t lcoap_hash(uint64_t h, const void *p, size_t n);
#define LCOAP_HASH_START UINT64_C(0xcbf29ce484222325)
#endif
