/* SPDX-License-Identifier: Apache-2.0
 * An answer of the tree as a CoAP response: options, payload, or one block of it. */
#ifndef LINTEL_COAP_ANSWER_H
#define LINTEL_COAP_ANSWER_H
#include "plugins/coap/coap_server.h"

struct lcoap_answer_how {
    const struct lcoap_block *block1; /* echoed where given; or NULL */
    struct lcoap_block block2; /* the block to send; given: send the option even if all fits */
    size_t room;               /* over a stream: what the peer takes in one message; else 0 */
    uint32_t observe;          /* sequence number */
    bool notify;               /* send it */
    lintel_span echo;          /* value of an Echo option; n 0: none */
};

/* Adds an option whose value is a number, also to a request; false: no memory. */
bool lcoap_put_number(coap_pdu_t *pdu, uint16_t option, uint32_t v);
/* Where a block begins in its body. */
size_t lcoap_block_from(const struct lcoap_block *b);
/* What is left of a message of that size for a payload. */
size_t lcoap_answer_room(size_t message);
/* Whether Max-Age must be said: it counts for this code, and is not the default. */
bool lcoap_answer_has_max_age(const lintel_answer *a);
/* Whether the payload must travel in blocks. */
bool lcoap_answer_is_large(const lintel_answer *a, const struct lcoap_answer_how *how);

/* Writes all into an empty response; false if it could not be made (no memory, or options that fill
 * the message). Only the block wanted of a large payload is written. */
bool lcoap_answer_write(coap_pdu_t *response, const struct lcoap_answer_how *how,
                        const lintel_answer *a);
/* A bare error with a text for people. */
void lcoap_answer_error(coap_pdu_t *response, uint32_t code, const char *why);
/* 4.13 with the largest size that is taken (RFC 7959 2.9.3). */
void lcoap_answer_too_large(coap_pdu_t *response, uint32_t max, const char *why);
/* Code, options and payload of one response into an empty one; false: no memory. */
bool lcoap_answer_copy(const coap_pdu_t *from, coap_pdu_t *to);
bool lcoap_answer_copy_options(const coap_pdu_t *from, coap_pdu_t *to); /* only them */
/* Whether RFC 7967 No-Response silences this code. */
bool lcoap_answer_silenced(uint8_t no_response, uint32_t code);
/* All of an answer that can be kept: without what it points to. */
lintel_answer lcoap_answer_kept(const lintel_answer *a);
/* A body's own tag, where the tree gave none: blocks of two bodies must not be mixed (RFC
 * 7959 2.4). */
void lcoap_answer_tag(lintel_answer *a);
#endif
