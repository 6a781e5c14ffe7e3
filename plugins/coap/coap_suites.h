/* SPDX-License-Identifier: Apache-2.0
 * What OpenSSL offers and takes in handshakes, beyond what libcoap 4.3.1 lets one say: suites, and
 * that nothing is resumed or negotiated anew. libcoap makes two settings of OpenSSL (SSL_CTX) for
 * each context and shows neither; they are noted as they are made.
 *
 * In builds with another flavour of libcoap these functions do nothing. */
#ifndef LINTEL_COAP_SUITES_H
#define LINTEL_COAP_SUITES_H
#include <stdbool.h>
#include <stddef.h>

/* Whether suites can be chosen. */
bool lcoap_suites_can_choose(void);
/* From here on, what is made is noted, until lcoap_suites_forget(). */
void lcoap_suites_collect(void);
/* Sets suites (names of OpenSSL, NULL-terminated; NULL: ours) and the rest in what was noted.
 * False, and the reason in err. */
bool lcoap_suites_apply(const char *const *suites, char *err, size_t nerr);
void lcoap_suites_forget(void);
#endif
