/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_certificate.h"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <mbedtls/psa_util.h>
#define RANDOM , mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE
#else
#define RANDOM
#endif

enum { /* GeneralName: RFC 5280 4.2.1.6 */
       CONTEXT_TAG = 0x80,
       TAG_DNS = 2,
       TAG_URI = 6
};

/* How many bytes the character at p has; 0: it is none, or a control character. */
static size_t
character(const uint8_t *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t v = len == 1 ? p[0] : len == 0 ? 0 : p[0] & (0x7fu >> len);
    if (len == 0 || len > n || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3fu);
    }
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    return v < 0x20 || (v >= 0x7f && v < 0xa0) ? 0 : len;
}

bool
lcoap_is_identity(const char *p, size_t n)
{
    if (n == 0 || n >= LCOAP_MAX_IDENTITY || p[0] == ' ' || p[n - 1] == ' ')
        return false;
    for (size_t i = 0, len; i < n; i += len)
        if ((len = character((const uint8_t *)p + i, n - i)) == 0)
            return false;
    return true;
}

static bool
take(const unsigned char *p, size_t n, char identity[LCOAP_MAX_IDENTITY])
{
    if (p == NULL || !lcoap_is_identity((const char *)p, n))
        return false;
    memcpy(identity, p, n);
    identity[n] = '\0';
    return true;
}

/* The first DNS name or URI. One that can't be an identity is not passed over: another name would
 * be another owner. */
static bool
alternative_name(const mbedtls_x509_crt *c, char identity[LCOAP_MAX_IDENTITY], bool *ret_found)
{
    for (const mbedtls_x509_sequence *s = &c->subject_alt_names; s != NULL; s = s->next) {
        int tag = s->buf.tag & 0xdf;
        if (tag != (CONTEXT_TAG | TAG_DNS) && tag != (CONTEXT_TAG | TAG_URI))
            continue;
        *ret_found = true;
        return take(s->buf.p, s->buf.len, identity);
    }
    return false;
}

static bool
common_name(const mbedtls_x509_crt *c, char identity[LCOAP_MAX_IDENTITY])
{
    for (const mbedtls_x509_name *name = &c->subject; name != NULL; name = name->next)
        if (name->oid.p != NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) == 0)
            return take(name->val.p, name->val.len, identity);
    return false;
}

bool
lcoap_certificate_names(const uint8_t *der, size_t n, char identity[LCOAP_MAX_IDENTITY],
                        char authority[LCOAP_MAX_AUTHORITY])
{
    mbedtls_x509_crt c;
    bool found = false, ok = false;
    mbedtls_x509_crt_init(&c);
    if (mbedtls_x509_crt_parse_der(&c, der, n) == 0) {
        ok = alternative_name(&c, identity, &found) || (!found && common_name(&c, identity));
        ok = ok && mbedtls_x509_dn_gets(authority, LCOAP_MAX_AUTHORITY, &c.issuer) > 0;
    }
    mbedtls_x509_crt_free(&c);
    return ok;
}

const char *
lcoap_authorities_check(const char *chain, size_t nchain)
{
    mbedtls_x509_crt c;
    mbedtls_x509_crt_init(&c);
    int failed = mbedtls_x509_crt_parse(&c, (const unsigned char *)chain, nchain);
    mbedtls_x509_crt_free(&c);
    return failed != 0 ? "it holds no certificates in PEM form, or one that can't be read" : NULL;
}

const char *
lcoap_certificate_check(const char *chain, size_t nchain, const char *key, size_t nkey,
                        char ret_until[16], bool *ret_valid)
{
    mbedtls_x509_crt c;
    mbedtls_pk_context pk;
    const char *why = NULL;

    mbedtls_x509_crt_init(&c);
    mbedtls_pk_init(&pk);
    if (mbedtls_x509_crt_parse(&c, (const unsigned char *)chain, nchain) != 0)
        why = "it holds no certificates in PEM form, or one that can't be read";
    else if (mbedtls_pk_parse_key(&pk, (const unsigned char *)key, nkey, NULL, 0 RANDOM) != 0)
        why = "`key` is no private key in PEM form (it must not be encrypted)";
    else if (mbedtls_pk_check_pair(&c.pk, &pk RANDOM) != 0)
        why = "`key` does not belong to its first certificate";
    else {
        snprintf(ret_until, 16, "%04d-%02d-%02d", c.valid_to.year % 10000, c.valid_to.mon % 100,
                 c.valid_to.day % 100);
        *ret_valid =
            !mbedtls_x509_time_is_past(&c.valid_to) && !mbedtls_x509_time_is_future(&c.valid_from);
    }
    mbedtls_pk_free(&pk);
    mbedtls_x509_crt_free(&c);
    return why;
}
