/* SPDX-License-Identifier: Apache-2.0
 * DTLS and TLS against clients that we did not write: libcoap's coap-client with OpenSSL and with
 * GnuTLS, and openssl s_client. Certificates are made by openssl(1), anew each time. The plugtests'
 * TD_COAP_DTLS_01 to 07 are named where they are. */
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_suites.h"
#include "plugins/coap/coap_testclient.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

#define KEY "correct horse 16+"
#define KEY_HEX "636f727265637420686f7273652031362b"
static const struct testhost_psk psks[] = {
    {"tool-7", KEY}, {"sensor-1", "another key, long"}, {NULL, NULL}};

static struct { /* the last request */
    uint32_t flags;
    uint64_t session;
    char identity[200], authority[300], base[100], origin[100];
} seen;
static char body[200001];
static lintel_ticket stream;
static int sent;

static void
copy(char *to, size_t n, const char *text)
{
    snprintf(to, n, "%s", text != NULL ? text : "(none)");
}

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    seen.flags = x->flags & ~(uint32_t)LINTEL_X_OBSERVE;
    seen.session = x->session;
    copy(seen.identity, sizeof seen.identity, x->identity);
    copy(seen.authority, sizeof seen.authority, x->authority);
    copy(seen.base, sizeof seen.base, x->base);
    copy(seen.origin, sizeof seen.origin, x->origin);
    if (x->flags & LINTEL_X_OBSERVE) {
        stream = ticket;
        sent = 0;
        testhost_text(t, ticket, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "v0;");
    } else if (x->npath > 0 && x->path[0].n == 3 && memcmp(x->path[0].p, "big", 3) == 0)
        testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, body);
    else
        testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, "served;");
}

/* Eleven notifications, one each turn. */
static void
tick(struct testhost *t)
{
    char text[20];
    if (stream == 0 || sent == 11)
        return;
    snprintf(text, sizeof text, "v%d;", ++sent);
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, text);
}

/* ---- certificates -----------------------------------------------------------------------------
 */

static struct {
    char folder[300];
    char key[4000], rsa_key[4000], foreign_key[4000];
    bool made;
} pki;

static const char *
file(const char *name)
{
    static char paths[8][400];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", pki.folder, name);
    return path;
}

static void
slurp(const char *name, char text[4000])
{
    FILE *f = fopen(file(name), "r");
    size_t n = f != NULL ? fread(text, 1, 3999, f) : 0;
    text[n] = '\0';
    if (f != NULL)
        fclose(f);
}

static void
make_certificates(void)
{
    static const char script[] =
        "set -e\n"
        "cd \"$1\"\n"
        "ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
        "ca() { ec $1; openssl req -x509 -new -key $1.key -subj \"$2\" -days 30 -out $1.pem; }\n"
        "leaf() { # NAME SUBJECT EXTENSIONS [CA [DAYS]]\n"
        "  [ -f $1.key ] || ec $1\n"
        "  openssl req -new -key $1.key -subj \"$2\" -out $1.csr\n"
        "  printf \"$3\\n\" >$1.ext\n"
        "  openssl x509 -req -in $1.csr -CA ${4:-ca}.pem -CAkey ${4:-ca}.key -CAcreateserial \\\n"
        "    -days ${5:-10} -extfile $1.ext -out $1.pem; }\n"
        "ca ca '/O=Plant 7/CN=Plant CA'\n"
        "ca other '/O=Elsewhere/CN=Other CA'\n"
        "leaf server /CN=hub subjectAltName=DNS:hub.example,IP:::1\n"
        "openssl genrsa -out rsa.key 2048\n"
        "leaf rsa /CN=hub subjectAltName=DNS:hub.example\n"
        "leaf tool '/CN=a tool' subjectAltName=DNS:tool-7.example\n"
        "leaf urn '/CN=a tool' subjectAltName=email:a@b.example,URI:urn:dev:os:7\n"
        "leaf plain '/CN=Plain Name' basicConstraints=CA:FALSE\n"
        "leaf nameless '/O=Nobody' basicConstraints=CA:FALSE\n"
        "leaf foreign '/CN=a tool' subjectAltName=DNS:tool-7.example other\n"
        "leaf expired '/CN=a tool' subjectAltName=DNS:tool-7.example ca -1\n"
        "ca inter '/CN=Not yet signed'\n"
        "leaf inter '/CN=Workshop CA' basicConstraints=critical,CA:TRUE\n"
        "leaf deep '/CN=a tool' subjectAltName=DNS:deep.example inter\n"
        "cat deep.pem inter.pem >chain.pem\n";
    char command[700];
    if (pki.made)
        return;
    const char *path = kit_write("pki/make.sh", script);
    snprintf(pki.folder, sizeof pki.folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    snprintf(command, sizeof command, "sh '%s' '%s' >'%s/log' 2>&1", path, pki.folder, pki.folder);
    if (system(command) != 0)
        printf("openssl(1) can't make certificates, see %s/log\n", pki.folder);
    slurp("server.key", pki.key);
    slurp("rsa.key", pki.rsa_key);
    slurp("foreign.key", pki.foreign_key);
    pki.made = true;
}

/* ---- the host ---------------------------------------------------------------------------------
 */

/* A build of libcoap with GnuTLS refuses names that are addresses of IPv6 before anybody is asked,
 * and coap-client names what it calls: so there it is called by IPv4. */
static bool
is_gnutls(void)
{
    return coap_get_tls_library_version()->type == COAP_TLS_LIBRARY_GNUTLS;
}

#define HOST(of6, of4) (is_gnutls() ? (of4) : (of6))

static const char *const *
both(void)
{
    static const char *const v6[] = {"coaps://[::1]:0", "coaps+tcp://[::1]:0", NULL};
    static const char *const v4[] = {"coaps://127.0.0.1:0", "coaps+tcp://127.0.0.1:0", NULL};
    return HOST(v6, v4);
}

static const char *
at(unsigned listener)
{
    return listener == 0 ? HOST("coaps://[::1]", "coaps://127.0.0.1")
                         : HOST("coaps+tcp://[::1]", "coaps+tcp://127.0.0.1");
}

static struct testhost *
open_host(struct testhost_settings *s, const struct testhost_psk *keys)
{
    make_certificates();
    if (s->listen == NULL)
        s->listen = both();
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], s, tree, NULL, 0);
    memset(&seen, 0, sizeof seen);
    stream = 0;
    CHECK(t != NULL);
    if (t == NULL)
        return NULL;
    t->psks = keys;
    lintel_status st = testhost_start(t);
    CHECK_INT(st, LINTEL_OK);
    if (st == LINTEL_OK)
        return t;
    printf("%s", t->log);
    testhost_free(t);
    return NULL;
}

static struct testhost *
open_pki(bool clients)
{
    make_certificates();
    return open_host(&(struct testhost_settings){.certificate = file("server.pem"),
                                                 .key = pki.key,
                                                 .client_ca = clients ? file("ca.pem") : NULL,
                                                 .hint = "plant 7"},
                     psks);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const programs[] = {"coap-client-openssl", "coap-client-gnutls"};

static const char *
with_key(struct testhost *t, const char *program, unsigned listener, const char *path,
         const char *identity, const char *key)
{
    return testclient(t,
                      ARGS(program, "-B", "2", "-u", identity, "-k", key,
                           testclient_uri(t, listener, at(listener), path)),
                      tick);
}

static const char *
with_certificate(struct testhost *t, const char *program, unsigned listener, const char *name)
{
    char pem[40], key[40];
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", strcmp(name, "chain") == 0 ? "deep" : name);
    /* -R: others than its own authority may vouch for the server. */
    return testclient(t,
                      ARGS(program, "-B", "2", "-c", file(pem), "-j", file(key), "-R",
                           file("ca.pem"), testclient_uri(t, listener, at(listener), "x")),
                      tick);
}

static uint64_t
failures(const struct testhost *t)
{
    uint64_t unknown;
    return lcoap_dtls_failures(t->self, &unknown);
}

static uint64_t
unknown_identities(const struct testhost *t)
{
    uint64_t unknown;
    (void)lcoap_dtls_failures(t->self, &unknown);
    return unknown;
}

/* Time for what is given up, in three steps of housekeeping. */
static void
pass(struct testhost *t, lintel_mono seconds)
{
    for (int i = 0; i < 3; i++) {
        t->ahead += seconds * LCOAP_SECOND / 2;
        testhost_turn(t, 0);
        testhost_turn(t, 0);
    }
}

/* ---- tests ------------------------------------------------------------------------------------
 */

/* TD_COAP_DTLS_01: a key, and its suite. */
static void
serves_clients_with_a_key(void)
{
    struct testhost *t = open_pki(true);
    uint64_t last = 0;
    REQUIRE(t != NULL);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned listener = 0; listener < 2; listener++) {
            const char *text = with_key(t, programs[i], listener, "x", "tool-7", KEY);
            if (text == NULL)
                continue;
            CHECK_HAS(text, "served;");
            CHECK_STR(seen.identity, "tool-7");
            CHECK_STR(seen.authority, "psk");
            CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_SECURE |
                                      (listener == 1 ? LINTEL_X_RELIABLE : 0u));
            CHECK_HAS(seen.base, at(listener));
            CHECK_HAS(seen.origin,
                      listener == 0 ? HOST("coaps://[::1]:", "coaps://127.0.0.1:") : "(none)");
            CHECK(seen.session > last);
            last = seen.session;
        }
    CHECK_INT(failures(t), 0);
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

/* TD_COAP_DTLS_02 and 03: the key is wrong, the identity is nobody's. Both look alike from outside,
 * so nobody finds out which identities there are. */
static void
refuses_wrong_keys_and_unknown_identities(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
    char outputs[2][400];
    REQUIRE(t != NULL);
    for (unsigned listener = 0; listener < 2; listener++) {
        for (unsigned i = 0; i < 2; i++) {
            const char *text = i == 0 ? with_key(t, programs[0], listener, "x", "tool-7", "wrong")
                                      : with_key(t, programs[0], listener, "x", "nobody", KEY);
            if (text == NULL)
                goto done;
            CHECK(strstr(text, "served") == NULL);
            /* Times, ports and numbers differ, words do not. */
            size_t n = 0;
            for (const char *p = text; *p != '\0' && n < sizeof outputs[0] - 1; p++)
                if ((*p >= 'a' && *p <= 'z') || *p == ':')
                    outputs[i][n++] = *p;
            outputs[i][n] = '\0';
        }
        CHECK_STR(outputs[1], outputs[0]);
    }
    pass(t, 2 * LCOAP_HANDSHAKE_S);
    CHECK_INT(t->requests, 0);
    CHECK_INT(failures(t), 4);
    CHECK_INT(unknown_identities(t), 2);
    CHECK_HAS(t->log, HOST("failed, the last with [::1]:", "failed, the last with 127.0.0.1:"));
    CHECK(strstr(t->log, KEY) == NULL);
    CHECK_HAS(with_key(t, programs[0], 0, "x", "tool-7", KEY), "served;");
done:
    testhost_free(t);
}

/* A table that changes while the hub runs: keys overlap, and what was taken away counts no more,
 * not even for who has talked before. */
static void
keys_are_rolled_with_overlap(void)
{
    static const struct testhost_psk overlap[] = {
        {"tool-7", KEY}, {"tool-7b", "the next key of it"}, {NULL, NULL}};
    static const struct testhost_psk after[] = {{"tool-7b", "the next key of it"}, {NULL, NULL}};
    struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
    REQUIRE(t != NULL);
    const char *text = with_key(t, programs[0], 0, "x", "tool-7", KEY);
    if (text != NULL) {
        CHECK_HAS(text, "served;");
        t->psks = overlap;
        CHECK_HAS(with_key(t, programs[0], 0, "x", "tool-7b", "the next key of it"), "served;");
        CHECK_HAS(with_key(t, programs[0], 0, "x", "tool-7", KEY), "served;");
        t->psks = after;
        CHECK(strstr(with_key(t, programs[0], 0, "x", "tool-7", KEY), "served") == NULL);
        CHECK_HAS(with_key(t, programs[0], 0, "x", "tool-7b", "the next key of it"), "served;");
        CHECK_INT(t->requests, 4);
    }
    testhost_free(t);
}

/* TD_COAP_DTLS_05: certificates, by their first alternative name or else the common name. */
static void
serves_clients_with_a_certificate(void)
{
    static const struct {
        const char *name, *identity, *authority;
    } good[] = {{"tool", "tool-7.example", "O=Plant 7, CN=Plant CA"},
                {"urn", "urn:dev:os:7", "O=Plant 7, CN=Plant CA"},
                {"plain", "Plain Name", "O=Plant 7, CN=Plant CA"},
                {"chain", "deep.example", "CN=Workshop CA"}};
    struct testhost *t = open_pki(true);
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        for (unsigned p = i < 3 ? 0 : 1; p < 2; p++) /* the first never sends a chain */
            for (unsigned listener = 0; listener < 2; listener++) {
                const char *text = with_certificate(t, programs[p], listener, good[i].name);
                if (text == NULL)
                    continue;
                CHECK_HAS(text, "served;");
                CHECK_STR(seen.identity, good[i].identity);
                CHECK_STR(seen.authority, good[i].authority);
                CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_SECURE |
                                          (listener == 1 ? LINTEL_X_RELIABLE : 0u));
            }
    CHECK_INT(failures(t), 0);
    testhost_free(t);
}
/* A client with this certificate, or none (NULL), is not served, and its handshake counts as
 * failed: 1. On a busy machine it may give up before the server has heard enough of it for that,
 * and comes again. -1: there is no such client program. */
static int
is_turned_away(struct testhost *t, unsigned listener, const char *name)
{
    uint64_t before = failures(t);
    for (int tries = 0; tries < 3 && failures(t) == before; tries++) {
        const char *text = name != NULL
                               ? with_certificate(t, programs[0], listener, name)
                               : testclient(t,
                                            ARGS(programs[0], "-B", "2", "-R", file("ca.pem"),
                                                 testclient_uri(t, listener, at(listener), "x")),
                                            NULL);
        if (text == NULL)
            return -1;
        CHECK(strstr(text, "served") == NULL);
        pass(t, 2 * LCOAP_HANDSHAKE_S);
    }
    return failures(t) > before;
}

/* TD_COAP_DTLS_06 and 07: an authority that is not ours, a certificate whose time is over; one
 * without a name; and none. */
static void
refuses_bad_certificates(void)
{
    static const char *const bad[] = {"foreign", "expired", "nameless", NULL};
    struct testhost *t = open_pki(true);
    REQUIRE(t != NULL);
    for (unsigned listener = 0; listener < 2; listener++)
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            int counted = is_turned_away(t, listener, bad[i]);
            if (counted < 0)
                goto done;
            CHECK(counted);
        }
    CHECK_INT(t->requests, 0);
    CHECK_INT(failures(t), 8); /* each once */
done:
    testhost_free(t);
}

/* Without clientCa nobody is asked for a certificate: the line is encrypted, and who asks is not
 * known. */
static void
clients_may_be_anonymous_without_an_authority(void)
{
    struct testhost *t = open_pki(false);
    REQUIRE(t != NULL);
    const char *text = testclient(
        t, ARGS(programs[0], "-B", "2", "-R", file("ca.pem"), testclient_uri(t, 0, at(0), "x")),
        NULL);
    if (text != NULL) {
        CHECK_HAS(text, "served;");
        CHECK_STR(seen.identity, "");
        CHECK_STR(seen.authority, "");
        CHECK_INT(seen.flags, LINTEL_X_LOOPBACK);
    }
    testhost_free(t);
}

static const char *
handshake(struct testhost *t, bool key, const char *suite)
{
    char cipher[100], to[40];
    snprintf(cipher, sizeof cipher, "%s:@SECLEVEL=0", suite);
    snprintf(to, sizeof to, HOST("[::1]:%u", "127.0.0.1:%u"), testhost_port(t, 0));
    return testclient(t,
                      key ? ARGS("openssl", "s_client", "-dtls1_2", "-connect", to, "-psk_identity",
                                 "tool-7", "-psk", KEY_HEX, "-cipher", cipher)
                          : ARGS("openssl", "s_client", "-dtls1_2", "-connect", to, "-cert",
                                 file("tool.pem"), "-key", file("tool.key"), "-CAfile",
                                 file("ca.pem"), "-cipher", cipher),
                      NULL);
}

/* TD_COAP_DTLS_04: what RFC 7252 9.1.3 asks for, and what is not to be spoken. */
static void
speaks_the_suites_that_it_must(void)
{
    static const struct {
        const char *suite;
        bool key, spoken;
    } suites[] = {{"PSK-AES128-CCM8", true, true},
                  {"PSK-AES128-GCM-SHA256", true, true},
                  {"ECDHE-PSK-CHACHA20-POLY1305", true, true},
                  {"ECDHE-ECDSA-AES128-CCM8", false, true},
                  {"ECDHE-ECDSA-AES128-GCM-SHA256", false, true},
                  {"PSK-AES128-CBC-SHA", true, false},
                  {"PSK-NULL-SHA256", true, false},
                  {"ECDHE-ECDSA-AES128-SHA", false, false},
                  {"AECDH-AES128-SHA", false, false}};
    struct testhost *t = open_pki(true);
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        const char *text = handshake(t, suites[i].key, suites[i].suite);
        char wanted[100];
        if (text == NULL)
            break;
        snprintf(wanted, sizeof wanted, "Cipher is %s",
                 suites[i].spoken ? suites[i].suite : "(NONE)");
        if (!suites[i].spoken && !lcoap_suites_can_choose())
            continue; /* known: GnuTLS speaks more */
        CHECK_HAS(text, wanted);
        if (suites[i].spoken && lcoap_suites_can_choose()) {
            if (!CHECK(strstr(text, "session ticket:") == NULL))
                puts(text);
            CHECK(strstr(text, "Session-ID: \n") != NULL);
        }
    }
    testhost_free(t);
}

static void
suites_can_be_chosen(void)
{
    static const char *const one[] = {"PSK-AES128-CCM8", "ECDHE-ECDSA-AES128-GCM-SHA256", NULL};
    static const char *const bad[] = {"PSK-AES128-CCM8", "PSK-ROT13", NULL};
    if (!lcoap_suites_can_choose())
        return;
    make_certificates();
    struct testhost_settings s = {.certificate = file("server.pem"),
                                  .key = pki.key,
                                  .client_ca = file("ca.pem"),
                                  .ciphers = one};
    struct testhost *t = open_host(&s, psks);
    REQUIRE(t != NULL);
    CHECK_HAS(handshake(t, true, "PSK-AES128-CCM8"), "Cipher is PSK-AES128-CCM8");
    CHECK_HAS(handshake(t, true, "PSK-AES128-GCM-SHA256"), "Cipher is (NONE)");
    CHECK_HAS(handshake(t, false, "ECDHE-ECDSA-AES128-CCM8"), "Cipher is (NONE)");
    CHECK_HAS(handshake(t, false, "ECDHE-ECDSA-AES128-GCM-SHA256"), "Cipher is ECDHE-ECDSA");
    testhost_free(t);
    s.ciphers = bad;
    t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    REQUIRE(t != NULL);
    CHECK_INT(testhost_start(t), LINTEL_E_CONFIG);
    CHECK_HAS(t->log, "ciphers: OpenSSL knows no suite \"PSK-ROT13\"");
    testhost_free(t);
}

static void
observes_and_moves_blocks(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof body - 1; i++)
        body[i] = (char)('a' + (i / 61) % 26);
    for (unsigned listener = 0; listener < 2; listener++) {
        uint32_t before = t->requests;
        const char *text = with_key(t, programs[0], listener, "big", "tool-7", KEY);
        if (text == NULL)
            break;
        CHECK_HAS(text, body);
        CHECK_INT(t->requests, before + 1);
        uint32_t abandoned = t->abandoned;
        text = testclient(t,
                          ARGS(programs[listener], "-B", "4", "-s", "2", "-u", "tool-7", "-k", KEY,
                               testclient_uri(t, listener, at(listener), "x")),
                          tick);
        if (text == NULL)
            break;
        for (int i = 0; i <= 11; i++) {
            char wanted[20];
            snprintf(wanted, sizeof wanted, "v%d;", i);
            CHECK_HAS(text, wanted);
        }
        CHECK_INT(t->abandoned, abandoned + 1);
        stream = 0;
    }
    testhost_turn(t, 0);
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

/* First messages of clients that never go on, more than handshakes are allowed: who means it comes
 * through. */
static void
first_messages_are_no_handshakes(void)
{
    enum { FLOOD = 300 };
    struct testhost *t = open_host(&(struct testhost_settings){.max_handshakes = 20}, psks);
    struct lcoap_server *s;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t nat = sizeof at;
    static uint8_t hello[2000];
    static int fds[FLOOD];
    REQUIRE(t != NULL);
    if (is_gnutls()) { /* which waits half a minute with each; see the README */
        testhost_free(t);
        return;
    }
    s = t->self;
    /* A ClientHello of OpenSSL, caught by a socket of ours. */
    int trap = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK_INT(bind(trap, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(getsockname(trap, (struct sockaddr *)&at, &nat), 0);
    char uri[100];
    snprintf(uri, sizeof uri, "coaps://[::1]:%u/x", ntohs(at.sin6_port));
    const char *text =
        testclient(t, ARGS(programs[0], "-B", "1", "-u", "tool-7", "-k", KEY, uri), NULL);
    ssize_t n = recv(trap, hello, sizeof hello, 0);
    close(trap);
    if (text == NULL || n <= 0) {
        testhost_free(t);
        return;
    }
    at.sin6_port = htons((uint16_t)testhost_port(t, 0));
    for (int i = 0; i < FLOOD; i++) {
        fds[i] = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        CHECK_INT(connect(fds[i], (struct sockaddr *)&at, sizeof at), 0);
        CHECK_INT(send(fds[i], hello, (size_t)n, 0), n);
        testhost_turn(t, 0);
    }
    CHECK(s->hub->peers == NULL); /* they may be forged: not ours to remember */
    CHECK_HAS(with_key(t, programs[0], 0, "x", "tool-7", KEY), "served;");
    for (int i = 0; i < FLOOD; i++)
        close(fds[i]);
    testhost_free(t);
}

/* A port for DTLS hears nothing but DTLS: not from the short way, which answers some requests
 * without libcoap, and not from libcoap. */
static void
a_plain_request_is_not_heard(void)
{
    static const uint8_t get[] = {0x41, 1, 0, 1, 7, 0xb1, 'x'};
    struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    REQUIRE(t != NULL);
    t->at_once = true;
    to.sin6_port = to4.sin_port = htons((uint16_t)testhost_port(t, 0));
    int fd = socket(HOST(AF_INET6, AF_INET), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(fd, HOST((struct sockaddr *)&to, (struct sockaddr *)&to4),
                      HOST(sizeof to, sizeof to4)),
              0);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(send(fd, get, sizeof get, 0), sizeof get);
        testhost_turn(t, 10);
    }
    CHECK_INT(t->requests, 0);
    uint8_t answer[10];
    CHECK(recv(fd, answer, sizeof answer, MSG_DONTWAIT) < 0);
    close(fd);
    testhost_free(t);
}

static bool stopped;
/* The transport stops in the middle of a client's session. */
static void
stop_when_asked(struct testhost *t)
{
    if (t->requests == 0 || stopped)
        return;
    stopped = true;
    t->plugin->stop(t->self);
}

/* libcoap tells of the end of a session also while it frees it: nobody may be remembered then. */
static void
a_session_that_is_freed_is_forgotten(void)
{
    for (unsigned listener = 0; listener < 2; listener++) {
        struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
        REQUIRE(t != NULL);
        const struct lcoap_server *s = t->self;
        stopped = false;
        const char *text = testclient(t,
                                      ARGS(programs[0], "-B", "2", "-u", "tool-7", "-k", KEY,
                                           testclient_uri(t, listener, at(listener), "x")),
                                      stop_when_asked);
        if (text != NULL) {
            CHECK_HAS(text, "served;");
            CHECK(s->hub->peers == NULL);
            CHECK_INT(s->nhandshakes, 0);
            CHECK_INT(s->nstreams, 0);
        }
        testhost_free(t);
    }
}

static int trap;
static uint8_t hello[2000];
static size_t nhello;
/* Catches the first message of a client, and sends it away. */
static void
spring(struct testhost *t)
{
    (void)t;
    int fd = accept4(trap, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = fd >= 0 ? recv(fd, hello, sizeof hello, 0) : 0;
    if (n > 0)
        nhello = (size_t)n;
    if (fd >= 0)
        close(fd);
}

static void
catch_hello(struct testhost *t)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t nat = sizeof at;
    char where[40];
    nhello = 0;
    trap = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK_INT(bind(trap, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(trap, 1), 0);
    CHECK_INT(getsockname(trap, (struct sockaddr *)&at, &nat), 0);
    snprintf(where, sizeof where, "[::1]:%u", ntohs(at.sin6_port));
    const char *text = testclient(t,
                                  ARGS("openssl", "s_client", "-connect", where, "-tls1_3",
                                       "-psk_identity", "tool-7", "-psk", KEY_HEX),
                                  spring);
    CHECK(text == NULL || nhello > 0);
    close(trap);
}

/* With TLS 1.3 the first message says who comes, so libcoap may ask for the key before it tells of
 * the stream. It counts as one, and once. */
static void
streams_are_counted_once(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){0}, psks);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    REQUIRE(t != NULL);
    const struct lcoap_server *s = t->self;
    if (!is_gnutls())
        catch_hello(t);
    at.sin6_port = htons((uint16_t)testhost_port(t, 1));
    for (uint32_t i = 0; nhello > 0 && i < 3; i++) {
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_INT(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
        CHECK_INT(send(fd, hello, nhello, 0), nhello); /* it waits when the stream is accepted */
        testhost_turn(t, 100);
        CHECK_INT(s->nstreams, 1);
        close(fd);
        for (int turn = 0; turn < 100 && s->nstreams == 1; turn++)
            testhost_turn(t, 10);
        CHECK_INT(s->nstreams, 0);
        CHECK_INT(s->nhandshakes, 0);
    }
    testhost_free(t);
}

static void
judges_credentials(void)
{
    make_certificates();
    const struct {
        struct testhost_settings s;
        const char *says;
    } bad[] = {
        {{.listen = both()}, "write `certificate` and `key`"},
        {{.listen = both(), .certificate = file("server.pem")}, "certificate needs `key`"},
        {{.listen = both(), .key = pki.key}, "key needs `certificate`"},
        {{.listen = both(), .client_ca = file("ca.pem")}, "clientCa needs `certificate`"},
        {{.listen = both(), .certificate = file("none.pem"), .key = pki.key}, "No such file"},
        {{.listen = both(), .certificate = pki.folder, .key = pki.key}, "Invalid argument"},
        {{.listen = both(), .certificate = file("make.sh"), .key = pki.key},
         "no certificates in PEM"},
        {{.listen = both(), .certificate = file("server.pem"), .key = "x"},
         "no private key in PEM"},
        {{.listen = both(), .certificate = file("server.pem"), .key = pki.foreign_key},
         "does not belong to its first certificate"},
        {{.listen = both(),
          .certificate = file("server.pem"),
          .key = pki.key,
          .client_ca = file("make.sh")},
         "clientCa: "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char log[1000];
        struct testhost *t =
            testhost_new(lintel_plugin_entry.plugins[0], &bad[i].s, tree, log, sizeof log);
        if (t == NULL) {
            CHECK_HAS(log, bad[i].says);
            continue;
        }
        CHECK_INT(testhost_start(t), LINTEL_E_CONFIG);
        CHECK_HAS(t->log, bad[i].says);
        CHECK(strstr(t->log, "BEGIN") == NULL);
        testhost_free(t);
    }
    char key[4000];
    slurp("expired.key", key);
    struct testhost *t = open_host(
        &(struct testhost_settings){.certificate = file("expired.pem"), .key = key}, NULL);
    REQUIRE(t != NULL);
    CHECK_HAS(t->log, "does not count today");
    testhost_free(t);
    t = open_host(&(struct testhost_settings){.certificate = file("rsa.pem"), .key = pki.rsa_key},
                  NULL);
    REQUIRE(t != NULL);
    CHECK_HAS(t->log, "counts until 20");
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(serves_clients_with_a_key),
                                            KIT(refuses_wrong_keys_and_unknown_identities),
                                            KIT(keys_are_rolled_with_overlap),
                                            KIT(serves_clients_with_a_certificate),
                                            KIT(refuses_bad_certificates),
                                            KIT(clients_may_be_anonymous_without_an_authority),
                                            KIT(speaks_the_suites_that_it_must),
                                            KIT(suites_can_be_chosen),
                                            KIT(observes_and_moves_blocks),
                                            KIT(first_messages_are_no_handshakes),
                                            KIT(a_plain_request_is_not_heard),
                                            KIT(a_session_that_is_freed_is_forgotten),
                                            KIT(streams_are_counted_once),
                                            KIT(judges_credentials),
                                            {0}};
    coap_startup();
    if (!coap_dtls_is_supported()) {
        printf("skipped: this libcoap has no DTLS\n");
        return 77;
    }
    return kit_main("coap dtls", tests, argc, argv);
}
