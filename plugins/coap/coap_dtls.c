/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_certificate.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_suites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_FILE = 64 << 10, /* bytes of a chain of certificates */
    CHAIN_DEPTH = 4,     /* certificates between a client's and one of `clientCa` */
    RANDOM_KEY = 16,     /* bytes */
    TELL_EVERY_S = 10
};

struct pem { /* a text, with its NUL counted */
    char *p;
    size_t n;
};

struct lcoap_dtls {
    char *certificate, *client_ca, *hint; /* as in the settings; NULL: not given */
    char **ciphers;                       /* NULL-terminated; NULL: the default */
    struct pem chain, key, authorities;
    uint8_t psk[COAP_DTLS_MAX_PSK];
    coap_bin_const_t psk_is; /* points there */
    uint8_t dummy[RANDOM_KEY];
    uint64_t failures, unknown, told; /* told: failures when it was said last */
    lintel_mono told_at;
};

bool
lcoap_is_secure(coap_proto_t protocol)
{
    return protocol == COAP_PROTO_DTLS || protocol == COAP_PROTO_TLS;
}

bool
lcoap_is_stream(coap_proto_t protocol)
{
    return protocol == COAP_PROTO_TCP || protocol == COAP_PROTO_TLS;
}

static void
wipe(struct pem *t)
{
    if (t->p != NULL)
        explicit_bzero(t->p, t->n);
    free(t->p);
    *t = (struct pem){0};
}

void
lcoap_dtls_free(struct lcoap_dtls *d)
{
    if (d == NULL)
        return;
    for (char **c = d->ciphers; c != NULL && *c != NULL; c++)
        free(*c);
    free(d->ciphers);
    free(d->certificate);
    free(d->client_ca);
    free(d->hint);
    wipe(&d->chain);
    wipe(&d->key);
    wipe(&d->authorities);
    explicit_bzero(d, sizeof *d);
    free(d);
}

/* What is wrong with the settings as they stand; NULL: nothing. */
static const char *
judge(const struct lcoap_dtls_settings *g, bool wanted)
{
    if (g->certificate != NULL && g->key == NULL)
        return "certificate needs `key` beside it: its private key, PEM, as \"secret:NAME\"";
    if (g->key != NULL && g->certificate == NULL)
        return "key needs `certificate` beside it: the file of the chain that belongs to it";
    if (g->client_ca != NULL && g->certificate == NULL)
        return "clientCa needs `certificate` and `key` beside it: a client with a certificate "
               "wants to see one";
    if (g->hint != NULL && strlen(g->hint) >= COAP_DTLS_HINT_LENGTH)
        return "pskHint is longer than 127 bytes";
    if (g->ciphers != NULL && g->ciphers->len > 0 && !lcoap_suites_can_choose())
        return "ciphers: this build's libcoap does not let them be chosen; leave the setting out, "
               "or build with --with-coap=openssl";
    if (wanted && (!coap_dtls_is_supported() || !coap_tls_is_supported()))
        return "listen: this build's libcoap has no DTLS; build with --with-coap=openssl, or "
               "listen on coap://[::1]:5683";
    return NULL;
}

static char **
copy_list(const lintel_value *list)
{
    char **copy = calloc((size_t)list->len + 1, sizeof *copy);
    for (uint32_t i = 0; copy != NULL && i < list->len; i++)
        if ((copy[i] = strdup(list->as.list[i].as.s)) == NULL) {
            while (i-- > 0)
                free(copy[i]);
            free(copy);
            return NULL;
        }
    return copy;
}

/* False: no memory. */
static bool
copy_text(char **ret, const char *text)
{
    *ret = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret != NULL;
}

lintel_status
lcoap_dtls_new(struct lcoap_server *s, const struct lcoap_dtls_settings *g, char *err, size_t nerr)
{
    const char *why = judge(g, lcoap_listen_is_secure(s->hub));
    if (why != NULL) {
        snprintf(err, nerr, "%s", why);
        return LINTEL_E_CONFIG;
    }
    struct lcoap_dtls *d = calloc(1, sizeof *d);
    s->dtls = d;
    bool ok = d != NULL && copy_text(&d->certificate, g->certificate) &&
              copy_text(&d->client_ca, g->client_ca) && copy_text(&d->hint, g->hint) &&
              copy_text(&d->key.p, g->key);
    if (ok && g->key != NULL)
        d->key.n = strlen(g->key) + 1;
    if (ok && g->ciphers != NULL && g->ciphers->len > 0)
        ok = (d->ciphers = copy_list(g->ciphers)) != NULL;
    if (!ok)
        snprintf(err, nerr, "out of memory");
    return ok ? LINTEL_OK : LINTEL_E_NOMEM;
}

/* A whole regular file, as a text. False, and errno. */
static bool
read_file(const char *path, struct pem *ret)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = NULL;
    size_t n = 0;
    ssize_t got = -1;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        errno = EINVAL;
    else if (st.st_size > MAX_FILE)
        errno = EFBIG;
    else if ((text = malloc(MAX_FILE + 1)) != NULL)
        while ((got = read(fd, text + n, MAX_FILE - n)) > 0 || (got < 0 && errno == EINTR))
            n += got > 0 ? (size_t)got : 0;
    int why = errno;
    close(fd);
    if (text == NULL || got < 0) {
        free(text);
        errno = why;
        return false;
    }
    text[n] = '\0';
    *ret = (struct pem){text, n + 1};
    return true;
}

static lintel_status
refuse(char *err, size_t nerr, const char *setting, const char *path, const char *why)
{
    snprintf(err, nerr, "%s: %s: %s", setting, path, why);
    return LINTEL_E_CONFIG;
}

static lintel_status
load_certificate(struct lcoap_server *s, char *err, size_t nerr)
{
    struct lcoap_dtls *d = s->dtls;
    char until[16] = "", line[300];
    bool valid = false;

    wipe(&d->chain);
    if (!read_file(d->certificate, &d->chain))
        return refuse(err, nerr, "certificate", d->certificate, strerror(errno));
    const char *why =
        lcoap_certificate_check(d->chain.p, d->chain.n, d->key.p, d->key.n, until, &valid);
    if (why != NULL)
        return refuse(err, nerr, "certificate", d->certificate, why);
    snprintf(line, sizeof line, "certificate: %.160s: %s %s", d->certificate,
             valid ? "counts until"
                   : "does not count today, clients will refuse it; its last day is",
             until);
    s->host->log(s->host, valid ? LINTEL_LOG_INFO : LINTEL_LOG_WARN, line);
    return LINTEL_OK;
}

/* Where the host's table is older than this member, or has no key at all, there is none. */
static bool
has_keys(const struct lcoap_server *s)
{
    const lintel_host_transport *t = s->tree;
    return LINTEL_HAS(t, psk) && t->psk(s->host, "", 0, NULL, 0) > 0;
}

lintel_status
lcoap_dtls_load(struct lcoap_server *s, char *err, size_t nerr)
{
    struct lcoap_dtls *d = s->dtls;
    lintel_status st = LINTEL_OK;
    if (getrandom(d->dummy, sizeof d->dummy, 0) != sizeof d->dummy) {
        snprintf(err, nerr, "the kernel gives no random numbers: %s", strerror(errno));
        return LINTEL_E_FAIL;
    }
    if (d->certificate != NULL)
        st = load_certificate(s, err, nerr);
    else if (lcoap_listen_is_secure(s->hub) && !has_keys(s)) {
        snprintf(err, nerr,
                 "listen: coaps needs credentials, and there are none: write `certificate` and "
                 "`key` beside it, or give an identity of the site a pre-shared key");
        st = LINTEL_E_CONFIG;
    }
    if (st != LINTEL_OK || d->client_ca == NULL)
        return st;
    wipe(&d->authorities);
    if (!read_file(d->client_ca, &d->authorities))
        return refuse(err, nerr, "clientCa", d->client_ca, strerror(errno));
    const char *why = lcoap_authorities_check(d->authorities.p, d->authorities.n);
    return why == NULL ? LINTEL_OK : refuse(err, nerr, "clientCa", d->client_ca, why);
}

/* coap_dtls_id_callback_t: libcoap copies what is returned. */
static const coap_bin_const_t *
on_psk_identity(coap_bin_const_t *identity, coap_session_t *session, void *arg)
{
    struct lcoap_stack *k = arg;
    struct lcoap_server *s = k->server;
    struct lcoap_dtls *d = s->dtls;
    struct lcoap_peer *peer = lcoap_peer_of(k, session);
    const char *name = (const char *)identity->s;
    const lintel_host_transport *t = s->tree;
    uint32_t n = 0;

    if (peer != NULL)
        lcoap_session_watch(peer);
    /* Whoever is known already may not become another one. */
    if (peer != NULL && !peer->known && lcoap_is_identity(name, identity->length) &&
        LINTEL_HAS(t, psk))
        n = t->psk(s->host, name, identity->length, d->psk, sizeof d->psk);
    if (n == 0 || n > sizeof d->psk) {
        d->unknown++;
        if (peer != NULL)
            peer->refused = true;
        n = RANDOM_KEY;
        if (getrandom(d->psk, n, GRND_NONBLOCK) != RANDOM_KEY)
            return NULL;
    } else
        peer->refused = false;
    d->psk_is = (coap_bin_const_t){n, d->psk};
    return &d->psk_is;
}

bool
lcoap_dtls_know(struct lcoap_peer *p, const char *identity, const char *authority)
{
    size_t n = strlen(identity) + 1, m = strlen(authority) + 1;
    char *both = malloc(n + m);
    if (both == NULL)
        return false;
    memcpy(both, identity, n);
    memcpy(both + n, authority, m);
    free(p->identity);
    p->identity = both;
    p->authority = both + n;
    return true;
}

/* coap_dtls_cn_callback_t: the chain is good; this is one of its certificates. */
static int
on_certificate(const char *cn, const uint8_t *der, size_t nder, coap_session_t *session,
               unsigned depth, int validated, void *arg)
{
    char identity[LCOAP_MAX_IDENTITY], authority[LCOAP_MAX_AUTHORITY];
    struct lcoap_stack *k = arg;
    (void)cn;
    if (depth > 0)
        return validated;
    struct lcoap_peer *peer = lcoap_peer_of(k, session);
    if (peer != NULL)
        lcoap_session_watch(peer);
    return validated && peer != NULL && !peer->known &&
           lcoap_certificate_names(der, nder, identity, authority) &&
           lcoap_dtls_know(peer, identity, authority);
}

static bool
set_keys(struct lcoap_stack *k, coap_context_t *c)
{
    const struct lcoap_dtls *d = k->server->dtls;
    const char *hint = d->hint != NULL ? d->hint : "";
    coap_dtls_spsk_t setup = {
        .version = COAP_DTLS_SPSK_SETUP_VERSION,
        .validate_id_call_back = on_psk_identity,
        .id_call_back_arg = k,
        .psk_info = {.hint = {strlen(hint), (const uint8_t *)hint},
                     .key = {sizeof d->dummy, d->dummy}}}; /* without one, it knows no key suites */
    return coap_context_set_psk2(c, &setup) != 0;
}

static coap_pki_key_pem_buf_t
pem_buffers(const struct lcoap_dtls *d)
{
    return (coap_pki_key_pem_buf_t){.ca_cert = (const uint8_t *)d->authorities.p,
                                    .ca_cert_len = d->authorities.n,
                                    .public_cert = (const uint8_t *)d->chain.p,
                                    .public_cert_len = d->chain.n,
                                    .private_key = (const uint8_t *)d->key.p,
                                    .private_key_len = d->key.n};
}

static bool
set_certificate(struct lcoap_stack *k, coap_context_t *c)
{
    const struct lcoap_dtls *d = k->server->dtls;
    coap_dtls_pki_t setup = {.version = COAP_DTLS_PKI_SETUP_VERSION,
                             .verify_peer_cert = d->client_ca != NULL,
                             .check_common_ca = d->client_ca != NULL,
                             .cert_chain_validation = 1,
                             .cert_chain_verify_depth = CHAIN_DEPTH,
                             .validate_cn_call_back = on_certificate,
                             .cn_call_back_arg = k};
    setup.pki_key.key_type = COAP_PKI_KEY_PEM_BUF;
    setup.pki_key.key.pem_buf = pem_buffers(d);
    return coap_context_set_pki(c, &setup) != 0;
}

coap_context_t *
lcoap_dtls_context(struct lcoap_stack *k, char *err, size_t nerr)
{
    const struct lcoap_dtls *d = k->server->dtls;
    snprintf(err, nerr, "out of memory");
    lcoap_suites_collect();
    coap_context_t *c = coap_new_context(NULL);
    /* Things' listeners come later, and are secure where the hub has one that is. */
    bool ok = c != NULL;
    if (ok && lcoap_listen_is_secure(k->of_things ? k->server->hub : k)) {
        snprintf(err, nerr, "libcoap refuses the credentials");
        ok = set_keys(k, c) && (d->certificate == NULL || set_certificate(k, c)) &&
             lcoap_suites_apply((const char *const *)d->ciphers, err, nerr);
    }
    lcoap_suites_forget();
    if (!ok) {
        coap_free_context(c);
        return NULL;
    }
    coap_context_set_max_handshake_sessions(c, LCOAP_UNHEARD * k->server->max_handshakes);
    return c;
}

void
lcoap_dtls_wipe(struct lcoap_server *s)
{
    struct lcoap_dtls *d = s->dtls;
    if (d->psk_is.length > 0)
        explicit_bzero(d->psk, sizeof d->psk);
    d->psk_is = (coap_bin_const_t){0, d->psk};
}

void
lcoap_dtls_identify(struct lcoap_peer *p)
{
    const coap_bin_const_t *psk;
    char name[LCOAP_MAX_IDENTITY];
    p->known = true;
    if (!p->secure)
        return;
    /* A key that fits, as the handshake is over; but not one that was made up. */
    if (p->identity == NULL && !p->refused &&
        (psk = coap_session_get_psk_identity(p->session)) != NULL && psk->length < sizeof name &&
        lcoap_is_identity((const char *)psk->s, psk->length)) {
        memcpy(name, psk->s, psk->length);
        name[psk->length] = '\0';
        p->known = lcoap_dtls_know(p, name, "psk");
    }
    if (p->identity != NULL)
        lcoap_peer_is_secure(p);
}

void
lcoap_dtls_failed(const struct lcoap_peer *p)
{
    struct lcoap_server *s = p->server;
    struct lcoap_dtls *d = s->dtls;
    lintel_mono now = s->host->now(s->host);
    char line[200];

    d->failures++;
    if (d->told_at != 0 && now - d->told_at < TELL_EVERY_S * LCOAP_SECOND)
        return;
    snprintf(line, sizeof line, "%llu handshake%s failed, the last with %s%s",
             (unsigned long long)(d->failures - d->told), d->failures - d->told == 1 ? "" : "s",
             p->text, p->refused ? ", whose identity nobody has" : "");
    s->host->log(s->host, LINTEL_LOG_WARN, line);
    d->told = d->failures;
    d->told_at = now;
}

uint64_t
lcoap_dtls_failures(const struct lcoap_server *s, uint64_t *ret_unknown)
{
    *ret_unknown = s->dtls->unknown;
    return s->dtls->failures;
}
