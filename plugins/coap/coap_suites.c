/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_suites.h"

#include <stdio.h>
#include <string.h>

#ifdef LCOAP_OPENSSL
#include <openssl/ssl.h>

/* Authenticated encryption with forward secrecy first; those of RFC 7252 9.1.3 for small clients,
 * with their short tags, come last. */
static const char *const ours[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305",
                                   "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-RSA-AES128-GCM-SHA256",
                                   "ECDHE-RSA-CHACHA20-POLY1305",
                                   "ECDHE-RSA-AES256-GCM-SHA384",
                                   "ECDHE-PSK-CHACHA20-POLY1305",
                                   "ECDHE-ECDSA-AES128-CCM",
                                   "ECDHE-ECDSA-AES128-CCM8",
                                   "PSK-AES128-GCM-SHA256",
                                   "PSK-AES256-GCM-SHA384",
                                   "PSK-CHACHA20-POLY1305",
                                   "PSK-AES128-CCM",
                                   "PSK-AES128-CCM8",
                                   NULL};

#define OPTIONS (SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE)
enum { MOST = 8, LIST = 2000 };
static struct {
    SSL_CTX *made[MOST];
    SSL *
        early[MOST]; /* connections that have copied their settings already: each context has one */
    unsigned n, nearly;
    bool on, hooked;
} noted;

/* CRYPTO_EX_new: called for each SSL_CTX that this process makes. */
static void
on_made(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)ptr, (void)data, (void)index, (void)argl, (void)argp;
    if (noted.on && noted.n < MOST)
        noted.made[noted.n++] = parent;
}

/* The same for each SSL. */
static void
on_early(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)ptr, (void)data, (void)index, (void)argl, (void)argp;
    if (noted.on && noted.nearly < MOST)
        noted.early[noted.nearly++] = parent;
}

bool
lcoap_suites_can_choose(void)
{
    return true;
}

void
lcoap_suites_collect(void)
{
    if (!noted.hooked)
        noted.hooked = SSL_CTX_get_ex_new_index(0, NULL, on_made, NULL, NULL) >= 0 &&
                       SSL_get_ex_new_index(0, NULL, on_early, NULL, NULL) >= 0;
    noted.on = true;
    noted.n = noted.nearly = 0;
}

void
lcoap_suites_forget(void)
{
    noted.on = false;
    noted.n = noted.nearly = 0;
}

/* Those of TLS 1.3 have names of their own kind, and a list of their own. */
static bool
is_13(const char *suite)
{
    return strncmp(suite, "TLS_", 4) == 0;
}

static bool
join(const char *const *suites, bool want_13, char list[LIST])
{
    size_t n = 0;
    list[0] = '\0';
    for (; *suites != NULL; suites++) {
        if (is_13(*suites) != want_13)
            continue;
        int more = snprintf(list + n, LIST - n, "%s%s", n > 0 ? ":" : "", *suites);
        if (more < 0 || (size_t)more >= LIST - n)
            return false;
        n += (size_t)more;
    }
    return true;
}

/* OpenSSL passes over names that it does not know, unless none is left: so one by one. */
static const char *
unknown(SSL_CTX *c, const char *const *suites)
{
    for (; *suites != NULL; suites++)
        if (strpbrk(*suites, ":@!+- ,") == *suites || strpbrk(*suites, ":@!, ") != NULL ||
            (is_13(*suites) ? SSL_CTX_set_ciphersuites(c, *suites) != 1
                            : SSL_CTX_set_cipher_list(c, *suites) != 1))
            return *suites;
    return NULL;
}

static bool
set_suites(SSL_CTX *c, const char *const *suites, char *err, size_t nerr)
{
    char list[LIST], list13[LIST];
    const char *bad = unknown(c, suites);
    if (bad != NULL) {
        snprintf(err, nerr,
                 "ciphers: OpenSSL knows no suite \"%.60s\"; `openssl ciphers -v ALL:@SECLEVEL=0` "
                 "lists them",
                 bad);
        return false;
    }
    bool ok = join(suites, false, list) && join(suites, true, list13);
    if (ok && suites != ours)
        ok = SSL_CTX_set_ciphersuites(c, list13) == 1;
    /* An empty list of the older kind is an error for OpenSSL: then TLS 1.3 is all there is. */
    if (ok && list[0] == '\0')
        ok = SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1;
    else if (ok)
        ok = SSL_CTX_set_cipher_list(c, list) == 1;
    if (!ok)
        snprintf(err, nerr, "ciphers: OpenSSL refuses this list of suites");
    return ok;
}

bool
lcoap_suites_apply(const char *const *suites, char *err, size_t nerr)
{
    if (noted.n < 2) {
        snprintf(err, nerr, "libcoap made no settings of OpenSSL, or hid them");
        return false;
    }
    for (unsigned i = 0; i < noted.n; i++) {
        SSL_CTX *c = noted.made[i];
        bool datagrams = (SSL_CTX_get_min_proto_version(c) & 0xff00) == 0xfe00;
        SSL_CTX_set_options(c, OPTIONS);
        SSL_CTX_set_num_tickets(c, 0);
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        if (SSL_CTX_set_min_proto_version(c, datagrams ? DTLS1_2_VERSION : TLS1_2_VERSION) != 1 ||
            !set_suites(c, suites != NULL ? suites : ours, err, nerr))
            return false;
    }
    for (unsigned i = 0; i < noted.nearly; i++) {
        SSL_set_options(noted.early[i], OPTIONS);
        SSL_set_num_tickets(noted.early[i], 0);
    }
    return true;
}

#else

bool
lcoap_suites_can_choose(void)
{
    return false;
}

void
lcoap_suites_collect(void)
{
}

bool
lcoap_suites_apply(const char *const *suites, char *err, size_t nerr)
{
    (void)suites, (void)err, (void)nerr;
    return true;
}

void
lcoap_suites_forget(void)
{
}
#endif
