/* SPDX-License-Identifier: Apache-2.0
 * The transport against raw datagrams: requests, repetitions, blocks, limits, listeners.
 * Observations stand in coap_observe_test.c, real clients in coap_client_test.c. */
#include "plugins/coap/coap_server.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

/* What the tree saw last. */
static struct {
    char path[200], query[200], peer[80], base[80], origin[80], payload[4000];
    uint64_t session;
    uint32_t method, flags, naccept, netag, nif_match;
    int32_t format, accept;
    size_t n;
} seen;
static lintel_ticket held; /* of /later */

static void
join(char *to, size_t room, const lintel_span *list, uint32_t n, const char *between)
{
    size_t at = 0;
    to[0] = '\0';
    for (uint32_t i = 0; i < n && at < room; i++)
        at += (size_t)snprintf(to + at, room - at, "%s%.*s", between, (int)list[i].n, list[i].p);
}

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    static const lintel_span location[] = {{"rd", 2}, {"4711", 4}};
    static const lintel_span location_query[] = {{"first=1", 7}, {"second=2", 8}};
    char body[3000];
    join(seen.path, sizeof seen.path, x->path, x->npath, "/");
    join(seen.query, sizeof seen.query, x->query, x->nquery, "&");
    snprintf(seen.peer, sizeof seen.peer, "%s", x->peer);
    snprintf(seen.base, sizeof seen.base, "%s", x->base);
    snprintf(seen.origin, sizeof seen.origin, "%s", x->origin);
    seen.session = x->session;
    seen.method = x->method;
    seen.flags = x->flags;
    seen.naccept = x->naccept;
    seen.accept = x->naccept > 0 ? x->accept[0] : -1;
    seen.netag = x->netag;
    seen.nif_match = x->nif_match;
    seen.format = x->format;
    seen.n = x->payload.n;
    memcpy(seen.payload, x->payload.p != NULL ? x->payload.p : "",
           seen.n < sizeof seen.payload ? seen.n : 0);
    if (strcmp(seen.path, "/later") == 0)
        held = ticket;
    else if (strcmp(seen.path, "/big") == 0) {
        memset(body, 'a' + (int)(t->requests % 26), sizeof body);
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(2, 5),
                           .format = 0,
                           .max_age = 7,
                           .payload = {body, sizeof body}};
        testhost_answer(t, ticket, &a);
    } else if (x->method == LINTEL_POST) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(2, 1),
                           .format = LINTEL_FORMAT_NONE,
                           .location = location,
                           .nlocation = 2,
                           .location_query = location_query,
                           .nlocation_query = 2};
        testhost_answer(t, ticket, &a);
    } else if (strcmp(seen.path, "/small") == 0) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(4, 13),
                           .format = LINTEL_FORMAT_NONE,
                           .size1 = 300};
        testhost_answer(t, ticket, &a);
    } else if (strcmp(seen.path, "/hops") == 0)
        testhost_text(t, ticket, LINTEL_CODE(5, 8), 0, "hops");
    else
        testhost_text(t, ticket, x->method == LINTEL_GET ? LINTEL_CODE(2, 5) : LINTEL_CODE(2, 4), 0,
                      "ok");
}

static struct testhost *
open_host(const struct testhost_settings *s)
{
    static const char *const listen[] = {"coap://[::1]:0", "coap://127.0.0.1:0", NULL};
    struct testhost_settings mine = s != NULL ? *s : (struct testhost_settings){0};
    if (mine.listen == NULL)
        mine.listen = listen;
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &mine, tree, NULL, 0);
    CHECK(t != NULL);
    if (t != NULL)
        CHECK_INT(testhost_start(t), LINTEL_OK);
    return t;
}

static void
reads_a_request(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    wire_begin(&w, CON, CODE(0, 1), 0x1234, 0x55);
    wire_option(&w, 1, "\1\2", 2);
    wire_option(&w, 4, "tag", 3);
    wire_path(&w, "d");
    wire_path(&w, "a/b"); /* a segment may hold a slash */
    wire_option(&w, 15, "b=2%3", 5);
    wire_option(&w, 15, "flag", 4);
    wire_uint(&w, 17, 112);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, ACK);
    CHECK_INT(got.mid, 0x1234);
    CHECK_INT(got.token[0], 0x55);
    CHECK_INT(got.code, CODE(2, 5));
    CHECK_STR(wire_text(&got), "ok");
    CHECK_INT(wire_get(&got, 12), 0);
    CHECK_INT(wire_get(&got, 14), -1); /* 60 is the default */
    CHECK_STR(seen.path, "/d/a/b");
    CHECK_STR(seen.query, "&b=2%3&flag");
    CHECK_INT(seen.accept, 112);
    CHECK_INT(seen.netag, 1);
    CHECK_INT(seen.nif_match, 1);
    CHECK_INT(seen.format, LINTEL_FORMAT_NONE);
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK);
    CHECK_HAS(seen.peer, "[::1]:");
    CHECK_HAS(seen.base, "coap://[::1]:");
    CHECK_HAS(seen.origin, "coap://[::1]:");
    CHECK_HAS(seen.origin, seen.peer);
    uint64_t session = seen.session;
    CHECK(session != 0);

    wire_begin(&w, NON, CODE(0, 3), 7, 1);
    wire_option(&w, 5, "", 0);
    wire_path(&w, "x");
    wire_uint(&w, 12, 50);
    wire_payload(&w, "21.5", 4);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, NON);
    CHECK_INT(got.code, CODE(2, 4));
    CHECK_INT(seen.format, 50);
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_IF_NONE_MATCH);
    CHECK_STR(seen.payload, "21.5");

    wire_begin(&w, CON, CODE(0, 1), 8, 0);
    wire_path(&w, ".well-known");
    wire_path(&w, "core");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_STR(wire_text(&got), "ok"); /* ours, not libcoap's */

    wire_begin(&w, CON, CODE(0, 2), 9, 0);
    wire_path(&w, "rd");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 1));
    CHECK_INT(wire_get(&got, 8), 'r' << 8 | 'd');
    /* Location-Path 8 twice, Location-Query 20 twice, nothing else. */
    static const char expected[] = "\x82rd\x04"
                                   "4711\xc7"
                                   "first=1\x08second=2";
    CHECK_INT(got.n, 4 + sizeof expected - 1);
    CHECK(memcmp(got.bytes + 4, expected, sizeof expected - 1) == 0);

    wire_begin(&w, CON, CODE(0, 3), 19, 0);
    wire_path(&w, "small");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 13));
    CHECK_INT(wire_get(&got, 60), 300);

    int fd4 = wire_open(t, 1, AF_INET);
    wire_begin(&w, CON, CODE(0, 1), 10, 0);
    CHECK(wire_ask(t, fd4, &w, &got));
    CHECK_HAS(seen.peer, "127.0.0.1:");
    CHECK(seen.session != 0 && seen.session != session);
    CHECK_STR(seen.path, "");
    close(fd);
    close(fd4);
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

static void
processes_once(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, first, again;
    wire_begin(&w, CON, CODE(0, 2), 77, 9);
    wire_path(&w, "count");
    CHECK(wire_ask(t, fd, &w, &first));
    CHECK(wire_ask(t, fd, &w, &again));
    CHECK_INT(t->requests, 1);
    CHECK_INT(again.n, first.n);
    CHECK(memcmp(first.bytes, again.bytes, first.n) == 0);

    int other = wire_open(t, 0, AF_INET6); /* the same message id of somebody else */
    CHECK(wire_ask(t, other, &w, &again));
    CHECK_INT(t->requests, 2);

    t->ahead += LCOAP_EXCHANGE_LIFETIME + LCOAP_SECOND;
    CHECK(wire_ask(t, fd, &w, &again));
    CHECK_INT(t->requests, 3);

    wire_begin(&w, NON, CODE(0, 3), 78, 9);
    wire_path(&w, "count");
    CHECK(wire_ask(t, fd, &w, &first));
    CHECK(wire_send(fd, &w)); /* ignored */
    CHECK(wire_quiet(t, fd, 79));
    CHECK_INT(t->requests, 5);
    close(fd);
    close(other);
    testhost_free(t);
}

static void
forgets_only_the_oldest(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    for (int mid = 0; mid <= 256; mid++) { /* one more than is remembered of a peer */
        wire_begin(&w, CON, CODE(0, 3), mid, 0);
        CHECK(wire_ask(t, fd, &w, &got));
    }
    CHECK_INT(t->requests, 257);
    wire_begin(&w, CON, CODE(0, 3), 1, 0);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(t->requests, 257);
    wire_begin(&w, CON, CODE(0, 3), 0, 0);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(t->requests, 258);
    close(fd);
    testhost_free(t);
}

static void
answers_separately(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    static const int methods[] = {CODE(0, 1), CODE(0, 3)};
    for (int i = 0; i < 2; i++) {
        uint32_t before = t->requests;
        wire_begin(&w, CON, methods[i], 100 + i, 0x33);
        wire_path(&w, "later");
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.type, ACK);
        CHECK_INT(got.code, 0);
        CHECK_INT(got.n, 4);
        CHECK(wire_ask(t, fd, &w, &got)); /* repeated while it is being worked on */
        CHECK_INT(got.n, 4);
        CHECK_INT(t->requests, before + 1);
        testhost_text(t, held, LINTEL_CODE(2, 5), 0, "at last");
        CHECK(wire_receive(t, fd, &got));
        CHECK_INT(got.type, CON);
        CHECK_INT(got.token[0], 0x33);
        CHECK_STR(wire_text(&got), "at last");
        CHECK(wire_empty(fd, ACK, got.mid));
    }
    CHECK(wire_ask(t, fd, &w, &got)); /* a repeated PUT, after all: acknowledged, not processed */
    CHECK_INT(got.n, 4);
    wire_begin(&w, NON, CODE(0, 1), 110, 0x34);
    wire_path(&w, "later");
    CHECK(wire_send(fd, &w));
    CHECK(wire_quiet(t, fd, 111));
    testhost_text(t, held, LINTEL_CODE(2, 5), 0, "at last");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, NON);
    CHECK_INT(got.token[0], 0x34);

    wire_begin(&w, CON, CODE(0, 1), 112, 0x35);
    wire_path(&w, "later");
    wire_uint(&w, 258, 2); /* No-Response: not interested in 2.xx */
    CHECK(wire_ask(t, fd, &w, &got));
    testhost_text(t, held, LINTEL_CODE(2, 5), 0, "unheard");
    CHECK(wire_quiet(t, fd, 113));
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

static void
bounds_what_is_under_way(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    for (int mid = 0; mid < LCOAP_MAX_OPEN_PEER; mid++) {
        wire_begin(&w, CON, CODE(0, 1), mid, 1 + mid);
        wire_path(&w, "later");
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.n, 4);
    }
    wire_begin(&w, CON, CODE(0, 1), 500, 0xff);
    wire_path(&w, "later");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(5, 3));
    CHECK_INT(t->open, LCOAP_MAX_OPEN_PEER);
    int fds[LCOAP_MAX_OPEN / LCOAP_MAX_OPEN_PEER]; /* open to the end: no port comes twice */
    for (int i = 1; i <= LCOAP_MAX_OPEN / LCOAP_MAX_OPEN_PEER; i++) { /* of all together */
        fds[i - 1] = fd;
        fd = wire_open(t, 0, AF_INET6);
        bool full = i == LCOAP_MAX_OPEN / LCOAP_MAX_OPEN_PEER;
        for (int mid = 0; mid < (full ? 1 : LCOAP_MAX_OPEN_PEER); mid++) {
            wire_begin(&w, CON, CODE(0, 1), mid, 1 + mid);
            wire_path(&w, "later");
            CHECK(wire_ask(t, fd, &w, &got));
            CHECK_INT(got.code, full ? CODE(5, 3) : 0);
        }
    }
    CHECK_INT(t->open, LCOAP_MAX_OPEN);
    testhost_free(t); /* with all of them open */
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    close(fd);
}

static void
refuses_bad_requests(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    wire_option(&w, 9, "\1", 1); /* critical, and not known */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 2));
    wire_begin(&w, NON, CODE(0, 1), 2, 1);
    wire_option(&w, 9, "\1", 1);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, RST);
    wire_begin(&w, CON, CODE(0, 1), 3, 1);
    wire_uint(&w, 17, 0);
    wire_uint(&w, 17, 50);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 2));
    CHECK_HAS(wire_text(&got), "Accept");
    wire_begin(&w, CON, CODE(0, 5), 4, 1);
    wire_payload(&w, "q", 1);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 0));
    CHECK_HAS(wire_text(&got), "Content-Format");
    wire_begin(&w, CON, CODE(0, 1), 5, 1);
    wire_option(&w, 35, "coap://x/y", 10);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(5, 5));
    wire_begin(&w, CON, CODE(0, 1), 6, 1);
    for (int i = 0; i < 25; i++)
        wire_path(&w, "s");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 0));
    wire_begin(&w, CON, CODE(0, 1), 7, 1);
    wire_uint(&w, 16, 1); /* Hop-Limit: known deviation of libcoap 4.3.1 */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(5, 8));
    CHECK_INT(t->requests, 0);
    wire_begin(&w, CON, CODE(0, 1), 8, 1);
    wire_path(&w, "hops"); /* our own tree can't make one */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(5, 0));
    /* Rubbish of every length is survived. */
    for (size_t n = 0; n < 40; n++) {
        struct wire rubbish = {.n = n};
        for (size_t i = 0; i < n; i++)
            rubbish.bytes[i] = (uint8_t)kit_random();
        CHECK(wire_send(fd, &rubbish));
    }
    close(fd);
    fd = wire_open(t, 0, AF_INET6);
    CHECK(wire_quiet(t, fd, 9));
    close(fd);
    testhost_free(t);
}

static void
takes_uploads_in_blocks(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){.max_body = 1024});
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6), mid = 1;
    struct wire w, got, last;
    for (unsigned i = 0; i < 3; i++) {
        wire_begin(&w, CON, CODE(0, 3), mid++, 1);
        wire_path(&w, "up");
        wire_uint(&w, 27, i << 4 | (i < 2 ? 8 : 0));
        wire_payload(&w, "0123456789abcdef", i < 2 ? 16 : 3);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, i < 2 ? CODE(2, 31) : CODE(2, 4));
        CHECK_INT(wire_get(&got, 27), i << 4 | (i < 2 ? 8 : 0));
    }
    CHECK_INT(t->requests, 1);
    CHECK_INT(seen.n, 35);
    CHECK(memcmp(seen.payload, "0123456789abcdef0123456789abcdef012", 35) == 0);
    CHECK(wire_ask(t, fd, &w, &last)); /* the last block again: not processed again */
    CHECK_INT(t->requests, 1);
    CHECK(last.n == got.n && memcmp(last.bytes, got.bytes, got.n) == 0);

    static const unsigned wrong[] = {2, 0, 2}; /* not begun; begun, with a gap */
    for (int i = 0; i < 3; i++) {
        wire_begin(&w, CON, CODE(0, 3), mid++, 1);
        wire_path(&w, "up");
        wire_uint(&w, 27, wrong[i] << 4 | 8);
        wire_payload(&w, "0123456789abcdef", 16);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, wrong[i] == 0 ? CODE(2, 31) : CODE(4, 8));
    }

    for (unsigned i = 0; i <= 64; i++) { /* too large: 1,024 bytes are taken */
        wire_begin(&w, CON, CODE(0, 3), mid++, 1);
        wire_path(&w, "up");
        wire_uint(&w, 27, i << 4 | 8);
        wire_payload(&w, "0123456789abcdef", 16);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, i < 64 ? CODE(2, 31) : CODE(4, 13));
    }
    CHECK_INT(wire_get(&got, 60), 1024);
    wire_begin(&w, CON, CODE(0, 3), mid++, 1); /* announced too large */
    wire_path(&w, "up");
    wire_uint(&w, 27, 8);
    wire_uint(&w, 60, 1025);
    wire_payload(&w, "0123456789abcdef", 16);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 13));
    CHECK_INT(t->requests, 1);
    close(fd);
    testhost_free(t);
}

static void
gives_answers_in_blocks(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6), mid = 1;
    struct wire w, got;
    char first = 0;
    long tag = 0;
    for (unsigned i = 0; i < 6; i++) { /* 3,000 bytes by 512 */
        wire_begin(&w, CON, CODE(0, 1), mid++, 1);
        wire_path(&w, "big");
        wire_uint(&w, 23, i << 4 | 5);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, CODE(2, 5));
        CHECK_INT(wire_get(&got, 23), i << 4 | (i < 5 ? 8 : 0) | 5);
        CHECK_INT(got.n - got.payload, i < 5 ? 512 : 3000 - 5 * 512);
        if (i == 0) {
            first = wire_text(&got)[0];
            tag = wire_get(&got, 4);
            CHECK_INT(wire_get(&got, 28), 3000);
        }
        CHECK_INT(wire_text(&got)[0], first); /* of one representation, though it changes */
        CHECK_INT(wire_get(&got, 4), tag);
    }
    CHECK_INT(t->requests, 1);
    wire_begin(&w, CON, CODE(0, 1), mid++, 1); /* unasked: our own size */
    wire_path(&w, "big");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.n - got.payload, 1024);
    CHECK_INT(wire_get(&got, 23), 8 | 6);
    CHECK(wire_get(&got, 4) != tag);
    t->ahead +=
        LCOAP_TRANSMIT_WAIT + LCOAP_SECOND; /* not kept any more: made anew, and the tag tells */
    wire_begin(&w, CON, CODE(0, 1), mid++, 1);
    wire_path(&w, "big");
    wire_uint(&w, 23, 1 << 4 | 6);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.n - got.payload, 1024);
    CHECK_INT(t->requests, 3);
    wire_begin(&w, CON, CODE(0, 1), mid++, 1);
    wire_path(&w, "big");
    wire_uint(&w, 23, 9 << 4 | 6); /* beyond its end */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 0));
    close(fd);
    testhost_free(t);
}

static void
judges_listeners(void)
{
    static const struct {
        const char *uri, *says;
        bool unprotected;
    } bad[] = {
        {"coap://0.0.0.0:5683", "write `unprotected: yes`", false},
        {"coap://[::]:0", "write `unprotected: yes`", false},
        {"coaps+tcp://[::1", "an address in figures", true},
        {"coap+tcp://[::]:0", "write `unprotected: yes`", false},
        {"http://[::1]:80", "a URI like coap://", true},
        {"coap://localhost", "an address in figures", true},
        {"coap://[::1]:70000", "an address in figures", true},
        {"coap://127.0.0.1:5683/x", "an address in figures", true},
        {"coap://[::1", "an address in figures", true},
        {"coap://[ff02::fd]:5683", "name it in `groups`", true},
        {"", "a URI like coap://", true},
        {NULL, "at least one URI", false},
    };
    char log[1000];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *listen[] = {bad[i].uri, NULL}; /* the last: an empty list */
        struct testhost_settings s = {.listen = listen, .unprotected = bad[i].unprotected};
        struct testhost *t =
            testhost_new(lintel_plugin_entry.plugins[0], &s, tree, log, sizeof log);
        CHECK(t == NULL);
        CHECK_HAS(log, bad[i].says);
        if (t != NULL)
            testhost_free(t);
    }
    const char *secure[] = {"coaps://[::1]:0", NULL};
    struct testhost_settings s = {.listen = secure};
    if (!coap_dtls_is_supported()) { /* a build without */
        CHECK(testhost_new(lintel_plugin_entry.plugins[0], &s, tree, log, sizeof log) == NULL);
        CHECK_HAS(log, "this build's libcoap has no DTLS");
    }
    const char *mapped[] = {"coap://127.0.0.1:0", "coap://[::]:0", NULL};
    struct testhost *t =
        open_host(&(struct testhost_settings){.listen = mapped, .unprotected = true});
    REQUIRE(t != NULL);
    CHECK_HAS(t->log, "unprotected: open to everybody");
    int fd = wire_open(t, 1, AF_INET); /* IPv4 to the IPv6 wildcard */
    struct wire w, got;
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_OPEN);
    CHECK_HAS(seen.peer, "127.0.0.1:");
    CHECK_HAS(seen.base, "coap://127.0.0.1:");
    close(fd);
    fd = wire_open(t, 0, AF_INET);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK);
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(reads_a_request),          KIT(processes_once),
        KIT(forgets_only_the_oldest),  KIT(answers_separately),
        KIT(bounds_what_is_under_way), KIT(refuses_bad_requests),
        KIT(takes_uploads_in_blocks),  KIT(gives_answers_in_blocks),
        KIT(judges_listeners),         {0}};
    return kit_main("coap", tests, argc, argv);
}
