/* SPDX-License-Identifier: Apache-2.0
 * The hub's own secret: 32 random bytes, made at the first start and kept in the state folder.
 * Nothing is encrypted with it; other secrets and stable pseudonyms are derived from it. */
#ifndef LINTEL_TRUST_HUBKEY_H
#define LINTEL_TRUST_HUBKEY_H
#include <stddef.h>
#include <stdint.h>

struct lintel_hubkey {
    uint8_t bytes[32];
};
/* Reads FOLDER/hub.key (of this user, mode 0600), or makes it. -1 with what is wrong and what to
 * do. */
int lintel_hubkey_open(const char *folder, struct lintel_hubkey *ret, char *reason, size_t size);
/* HMAC-SHA-256 of the label (RFC 2104). */
void lintel_hubkey_derive(const struct lintel_hubkey *k, const void *label, size_t n,
                          uint8_t ret[32]);
#endif
