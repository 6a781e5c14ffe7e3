/* SPDX-License-Identifier: Apache-2.0
 * Programs of others as clients of the transport in a test: coap-client in its flavours, openssl.
 */
#ifndef LINTEL_COAP_TESTCLIENT_H
#define LINTEL_COAP_TESTCLIENT_H
#include "plugins/coap/coap_testhost.h"

/* Runs a program (NULL-terminated argv), the host serving it; tick (may be NULL) after each turn.
 * Its output, both streams, in a static buffer; NULL: it can't be run, which is said. */
const char *testclient(struct testhost *t, const char *const *argv,
                       void (*tick)(struct testhost *));
/* What the i-th listener serves: "coaps://[::1]:40312/path", in a static buffer. */
const char *testclient_uri(const struct testhost *t, unsigned listener, const char *scheme_and_host,
                           const char *path);
#endif
