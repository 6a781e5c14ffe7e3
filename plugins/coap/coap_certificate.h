/* SPDX-License-Identifier: Apache-2.0
 * What a certificate says of its owner, and whether the server's own certificate can be used. Pure:
 * no I/O, no state; a certificate comes from outside, so everything has limits. */
#ifndef LINTEL_COAP_CERTIFICATE_H
#define LINTEL_COAP_CERTIFICATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LCOAP_MAX_IDENTITY = 128, LCOAP_MAX_AUTHORITY = 256 }; /* bytes, with the NUL */

/* Whether this can be an identity: 1 to 127 bytes of UTF-8 without control characters, and no blank
 * at either end. */
bool lcoap_is_identity(const char *p, size_t n);

/* Who the certificate (DER) is about, and who says so: its first dNSName or URI among the
 * alternative names (RFC 5280 4.2.1.6) or else the subject's common name; the issuer's name. False:
 * no certificate, or it has no name that can be an identity. */
bool lcoap_certificate_names(const uint8_t *der, size_t n, char identity[LCOAP_MAX_IDENTITY],
                             char authority[LCOAP_MAX_AUTHORITY]);

/* Judges a chain and its key, PEM texts whose size counts the NUL at their end. NULL: good; else
 * what is wrong. ret_until: "2027-01-31", the last day of the first certificate; *ret_valid: it
 * counts today. */
const char *lcoap_certificate_check(const char *chain, size_t nchain, const char *key, size_t nkey,
                                    char ret_until[16], bool *ret_valid);
/* The same for certificates alone, which others are measured by. */
const char *lcoap_authorities_check(const char *chain, size_t nchain);
#endif
