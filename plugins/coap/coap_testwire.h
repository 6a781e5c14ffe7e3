/* SPDX-License-Identifier: Apache-2.0
 * A CoAP client made of raw datagrams, for tests: it says exactly what a test wants said, right or
 * wrong. */
#ifndef LINTEL_COAP_TESTWIRE_H
#define LINTEL_COAP_TESTWIRE_H
#include "plugins/coap/coap_testhost.h"

enum { CON = 0, NON = 1, ACK = 2, RST = 3 };
#define CODE(class, detail) ((class) * 32 + (detail))

struct wire { /* a message, sent or received */
    uint8_t bytes[2000];
    size_t n;
    unsigned last; /* the option written last */
    /* of a received one */
    int type, code, mid;
    uint8_t token[8];
    size_t ntoken, payload; /* where it begins; n: none */
};

/* A socket of its own, connected to the host's i-th listener; -1: there is none. */
int wire_open(const struct testhost *t, unsigned listener, int family);

/* One byte of token, or none for 0. */
void wire_begin(struct wire *w, int type, int code, int mid, int token);
void wire_option(struct wire *w, unsigned number, const void *p, size_t n); /* in ascending order */
void wire_uint(struct wire *w, unsigned number, unsigned v);
void wire_path(struct wire *w, const char *segment);
void wire_payload(struct wire *w, const void *p, size_t n);
/* Whether it was sent. */
int wire_send(int fd, const struct wire *w);
int wire_empty(int fd, int type, int mid); /* ACK, RST */

/* Runs the host until a message comes; 0 if none does for 5 s. */
int wire_receive(struct testhost *t, int fd, struct wire *ret);
/* wire_send and wire_receive. */
int wire_ask(struct testhost *t, int fd, const struct wire *w, struct wire *ret);
/* Whether nothing is on its way: the answer to a request sent now is the next thing to come. */
int wire_quiet(struct testhost *t, int fd, int mid);

/* An option's value as a number; -1: it is not there. */
long wire_get(const struct wire *w, unsigned number);
/* The payload as text, in a static buffer. */
const char *wire_text(const struct wire *w);
#endif
