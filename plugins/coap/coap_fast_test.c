/* SPDX-License-Identifier: Apache-2.0
 * The short way says what the long way says: every request is asked by both, and the answers are
 * compared byte by byte. */
#include "plugins/coap/coap_server.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

static struct {
    char log[4000]; /* what the tree was asked, in order */
    uint32_t at_once, later;
    uint32_t flags; /* of the last one, but LINTEL_X_AT_ONCE */
    char from[200]; /* who it was from, and whom to */
    lintel_ticket held;
} seen;

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    static char body[2000];
    char path[100] = "";
    lintel_answer a = {
        .size = sizeof a, .code = LINTEL_CODE(2, 5), .format = 50, .payload = {"21.5", 4}};
    for (uint32_t i = 0; i < x->npath; i++) {
        strncat(path, "/", sizeof path - strlen(path) - 1);
        strncat(path, x->path[i].p, x->path[i].n);
    }
    size_t used = strlen(seen.log);
    snprintf(seen.log + used, sizeof seen.log - used, "%u%s?%u,%u,%u %s %s;", x->method, path,
             x->nquery, x->naccept, x->netag, x->peer, x->base);
    seen.flags = x->flags & ~(uint32_t)LINTEL_X_AT_ONCE;
    snprintf(seen.from, sizeof seen.from, "%s|%s|%s|%.12s|%.6s", x->identity, x->authority,
             x->thing != NULL ? x->thing : "", x->base, x->peer);
    *(x->flags & LINTEL_X_AT_ONCE ? &seen.at_once : &seen.later) += 1;
    if (strcmp(path, "/later") == 0) {
        seen.held = ticket;
        return;
    }
    if (strcmp(path, "/valid") == 0) {
        a.code = LINTEL_CODE(2, 3);
        a.netag = 3;
        memcpy(a.etag, "abc", 3);
        a.payload.n = 0;
    } else if (strcmp(path, "/aged") == 0) {
        a.max_age = 4000000000u;
    } else if (strcmp(path, "/sixty") == 0) {
        a.max_age = 60;
    } else if (strcmp(path, "/error") == 0) {
        a.code = LINTEL_CODE(5, 3);
        a.format = LINTEL_FORMAT_NONE;
        a.max_age = 5;
        a.payload = (lintel_span){"busy", 4};
    } else if (strcmp(path, "/hops") == 0) {
        a.code = LINTEL_CODE(5, 8);
    } else if (strcmp(path, "/full") == 0 || strcmp(path, "/large") == 0) {
        memset(body, 'x', sizeof body);
        a.format = 11542;
        a.netag = 8;
        a.payload = (lintel_span){body, strcmp(path, "/full") == 0 ? 1024 : 1025};
        if (x->nquery > 0) { /* a number of four bytes, which no registry has yet */
            a.format = 0x01020304;
            a.max_age = 0x01020304;
        }
    } else if (strcmp(path, "/empty") == 0) {
        a.payload.n = 0;
    }
    testhost_answer(t, ticket, &a);
}

static struct testhost *
open_host(const char *uri, bool unprotected)
{
    const char *const listen[] = {uri, NULL};
    struct testhost_settings s = {.listen = listen, .unprotected = unprotected};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    memset(&seen, 0, sizeof seen);
    CHECK(t != NULL && testhost_start(t) == LINTEL_OK);
    return t;
}

static const struct row {
    const char *path, *query, *etag;
    int accept; /* -1: none */
    int token;
    bool shortly; /* the short way answers it */
} rows[] = {
    {"value", NULL, NULL, -1, 0x55, true}, {"value", NULL, NULL, -1, 0, true},
    {"value", "a=1", NULL, 50, 7, true},   {"valid", NULL, "abc", -1, 7, true},
    {"aged", NULL, NULL, -1, 7, true},     {"sixty", NULL, NULL, -1, 7, true},
    {"error", NULL, NULL, 60, 7, true},    {"empty", NULL, NULL, -1, 7, true},
    {"full", NULL, NULL, -1, 7, true},     {"large", NULL, NULL, -1, 7, false},
    {"hops", NULL, NULL, -1, 7, false},    {"full", "a=1", NULL, -1, 7, true},
};

static void
ask(struct testhost *t, int fd, const struct row *r, int mid, struct wire *got)
{
    struct wire w;
    wire_begin(&w, CON, CODE(0, 1), mid, r->token);
    if (r->etag != NULL)
        wire_option(&w, 4, r->etag, strlen(r->etag));
    wire_path(&w, r->path);
    if (r->query != NULL)
        wire_option(&w, 15, r->query, strlen(r->query));
    if (r->accept >= 0)
        wire_uint(&w, 17, (unsigned)r->accept);
    CHECK(wire_ask(t, fd, &w, got));
}

static void
answers_like_the_long_way(void)
{
    struct testhost *slow_host = open_host("coap://[::1]:0", false);
    struct testhost *fast_host = open_host("coap://[::1]:0", false);
    REQUIRE(slow_host != NULL && fast_host != NULL);
    fast_host->at_once = true;
    int slow_fd = wire_open(slow_host, 0, AF_INET6), fast_fd = wire_open(fast_host, 0, AF_INET6);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire slow, fast;
        ask(slow_host, slow_fd, &rows[i], 0x1000 + (int)i, &slow);
        char from[sizeof seen.from];
        memcpy(from, seen.from, sizeof from);
        uint32_t flags = seen.flags;
        seen.at_once = seen.later = 0;
        ask(fast_host, fast_fd, &rows[i], 0x1000 + (int)i, &fast);
        CHECK_INT(fast.n, slow.n);
        CHECK(memcmp(fast.bytes, slow.bytes, slow.n) == 0);
        CHECK_INT(seen.at_once, 1);
        CHECK_INT(seen.later, !rows[i].shortly);
        CHECK_INT(seen.flags, flags);
        CHECK_STR(seen.from, from);
    }
    close(slow_fd);
    close(fast_fd);
    testhost_free(slow_host);
    testhost_free(fast_host);
}

/* What the tree could not answer at once, it is not asked for twice any more. */
static void
remembers_what_takes_the_long_way(void)
{
    struct testhost *t = open_host("coap://[::1]:0", false);
    struct wire w, got;
    REQUIRE(t != NULL);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    wire_begin(&w, CON, CODE(0, 1), 1, 9);
    wire_path(&w, "later");
    wire_send(fd, &w);
    for (int i = 0; i < 100 && seen.held == 0; i++)
        testhost_turn(t, 50);
    while (seen.later == 0)
        testhost_turn(t, 50);
    /* Repeated while it is open: neither way asks the tree again. */
    uint32_t asked = t->requests;
    wire_send(fd, &w);
    testhost_text(t, seen.held, LINTEL_CODE(2, 5), 0, "at last");
    do
        CHECK(wire_receive(t, fd, &got));
    while (got.code == 0); /* the empty acknowledgement */
    CHECK_STR(wire_text(&got), "at last");
    CHECK_INT(t->requests, asked);
    wire_empty(fd, ACK, got.mid);

    seen.at_once = seen.later = 0;
    w.bytes[3] = 2; /* another message id */
    wire_send(fd, &w);
    while (seen.later == 0)
        testhost_turn(t, 50);
    CHECK_INT(seen.at_once, 0);
    for (int i = 3; seen.at_once == 0 && i < 40;
         i++) { /* but now and then, for it may have changed */
        w.bytes[3] = (uint8_t)i;
        wire_send(fd, &w);
        testhost_turn(t, 50);
    }
    CHECK_INT(seen.at_once, 1);
    close(fd);
    testhost_free(t);
}

/* Many at once, of both kinds: each gets its answer, and the long ones don't stop the others. */
static void
keeps_the_order_of_a_queue(void)
{
    struct testhost *t = open_host("coap://[::1]:0", false);
    REQUIRE(t != NULL);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    for (int i = 0; i < 40; i++) {
        struct wire w;
        wire_begin(&w, i % 7 == 6 ? NON : CON, i % 5 == 4 ? CODE(0, 3) : CODE(0, 1), 0x200 + i,
                   1 + i);
        wire_path(&w, "value");
        wire_send(fd, &w);
    }
    bool answered[41] = {false};
    for (int i = 0; i < 40; i++) {
        struct wire got;
        REQUIRE(wire_receive(t, fd, &got));
        CHECK_INT(got.code, CODE(2, 5));
        CHECK(got.token[0] >= 1 && got.token[0] <= 40 && !answered[got.token[0]]);
        answered[got.token[0]] = true;
    }
    CHECK_INT(t->requests, 40);
    close(fd);
    testhost_free(t);
}

/* Asks for "value" at an address of IPv4; the answer comes from there. */
static void
check_asks_at(struct testhost *t, in_addr_t address)
{
    static const uint8_t get[] = {0x40, 1, 0, 1, 0xb5, 'v', 'a', 'l', 'u', 'e'};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)testhost_port(t, 0)),
                             .sin_addr.s_addr = htonl(address)},
                       from = {0};
    socklen_t n = sizeof from;
    uint8_t got[100];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(sendto(fd, get, sizeof get, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)sizeof get);
    ssize_t length = -1;
    for (int i = 0; i < 100 && length < 0; i++) {
        testhost_turn(t, 50);
        length = recvfrom(fd, got, sizeof got, 0, (struct sockaddr *)&from, &n);
    }
    CHECK(length > 4 && got[0] == 0x60 && got[1] == CODE(2, 5));
    CHECK_INT(ntohl(from.sin_addr.s_addr), address);
    close(fd);
}

/* On a socket that listens on all addresses, the answer leaves from the one that was asked; also
 * where it is a socket of IPv6 that hears IPv4. */
static void
answers_from_the_address_that_was_asked(void)
{
    static const char *const uris[] = {"coap://0.0.0.0:0", "coap://[::]:0"};
    for (int i = 0; i < 2; i++) {
        struct testhost *t = open_host(uris[i], true);
        REQUIRE(t != NULL);
        t->at_once = true;
        check_asks_at(t, INADDR_LOOPBACK + 6); /* 127.0.0.7 */
        CHECK_HAS(seen.log, "coap://127.0.0.7:");
        check_asks_at(t, INADDR_LOOPBACK);
        CHECK_HAS(seen.log, "coap://127.0.0.1:");
        CHECK_INT(seen.at_once, 2);
        CHECK_INT(seen.later, 0);
        testhost_free(t);
    }
}

/* One that was looked at, and is left behind another that is taken away, is not shown again. */
static void
datagrams_without_bytes_confuse_nobody(void)
{
    struct testhost *t = open_host("coap://[::1]:0", false);
    struct wire w, got;
    REQUIRE(t != NULL);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    wire_begin(&w, NON, CODE(0, 1), 1, 1);
    wire_path(&w, "value");
    CHECK(wire_send(fd, &w));
    w.bytes[0] = 0x81; /* another version */
    CHECK(wire_send(fd, &w));
    CHECK_INT(send(fd, "", 0, 0), 0);
    wire_begin(&w, CON, CODE(0, 1), 2, 2);
    wire_path(&w, "value");
    CHECK(wire_send(fd, &w));
    for (int i = 0; i < 2; i++) {
        CHECK(wire_receive(t, fd, &got));
        CHECK_INT(got.token[0], i + 1);
    }
    for (int i = 0; i < 5; i++)
        testhost_turn(t, 1);
    CHECK_INT(t->requests, 2);
    CHECK(recv(fd, got.bytes, sizeof got.bytes, MSG_DONTWAIT) < 0);
    close(fd);
    testhost_free(t);
}

/* Where limits count for everybody, and where they would count for who is not of this machine. */
static void
leaves_who_is_limited_to_the_long_way(void)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings s = {.listen = listen, .more = {{"limitAll", 1, NULL}}};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    struct wire got;
    REQUIRE(t != NULL && testhost_start(t) == LINTEL_OK);
    memset(&seen, 0, sizeof seen);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    ask(t, fd, &rows[0], 1, &got);
    CHECK_INT(got.code, CODE(2, 5));
    CHECK_INT(seen.at_once, 0);
    CHECK_INT(seen.later, 1);
    close(fd);
    testhost_free(t);
}

/* The longest that there can be, and one that finds no room: the token has eight bytes. */
static void
knows_its_room(void)
{
    static const uint8_t get[] = {0x48, 1,    0,   1,   1,   2,   3,    4,   5,   6,  7,
                                  8,    0xb4, 'f', 'u', 'l', 'l', 0x43, 'a', '=', '1'};
    struct testhost *t = open_host("coap://[::1]:0", false);
    struct wire w = {.n = sizeof get}, got;
    REQUIRE(t != NULL);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    for (int i = 0; i < 2; i++) {
        memcpy(w.bytes, get, sizeof get);
        w.bytes[3] = (uint8_t)i;
        w.n = i == 0 ? sizeof get - 4 : sizeof get; /* with the query, larger numbers */
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, CODE(2, 5));
        CHECK_INT(got.n - got.payload, 1024);
        CHECK_INT(seen.at_once, 1 + i);
        CHECK_INT(seen.later, i);
    }
    close(fd);
    testhost_free(t);
}

static const struct other {
    const char *what;
    uint8_t bytes[24];
    size_t n;
    int code;   /* of the answer; 0: none, or a Reset */
    bool asked; /* the tree, by the long way */
} others[] = {
    {"observe", {0x41, 1, 0, 1, 9, 0x60, 0x55, 'v', 'a', 'l', 'u', 'e'}, 12, CODE(2, 5), true},
    {"a critical option", {0x41, 1, 0, 2, 9, 0xb1, 'v', 0xd1, 0xf1, 1}, 10, CODE(4, 2), false},
    {"a payload", {0x41, 1, 0, 3, 9, 0xb1, 'v', 0xff, 'x'}, 9, CODE(2, 5), true},
    {"a mark without payload", {0x41, 1, 0, 4, 9, 0xb1, 'v', 0xff}, 8, 0, false},
    {"a token of nine", {0x49, 1, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 13, 0, false},
    {"an option that is cut", {0x41, 1, 0, 6, 9, 0xb5, 'v'}, 7, 0, false},
    {"another version", {0x81, 1, 0, 7, 9, 0xb1, 'v'}, 7, 0, false},
    {"a ping", {0x40, 0, 0, 8}, 4, 0, false},
    {"nothing", {0}, 1, 0, false},
    {"a block", {0x41, 1, 0, 9, 9, 0xb1, 'v', 0xc1, 0x06}, 9, CODE(2, 5), true},
    {"two Accepts", {0x41, 1, 0, 10, 9, 0xd1, 4, 50, 0x01, 50}, 10, CODE(4, 2), false},
};

/* What a datagram is answered with, up to the answer to a probe that is sent behind it. */
static int
answer_to(struct testhost *t, int fd, const struct other *o, int mid)
{
    struct wire probe, got;
    int code = 0;
    wire_begin(&probe, CON, CODE(0, 1), mid, 0x7f);
    wire_path(&probe, "quiet");
    CHECK(send(fd, o->bytes, o->n, 0) == (ssize_t)o->n && wire_send(fd, &probe));
    while (wire_receive(t, fd, &got) && got.token[0] != 0x7f)
        code = got.code;
    CHECK_INT(got.mid, mid);
    return code;
}

static void
leaves_all_else_to_libcoap(void)
{
    struct testhost *t = open_host("coap://[::1]:0", false);
    REQUIRE(t != NULL);
    t->at_once = true;
    int fd = wire_open(t, 0, AF_INET6);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct other *o = &others[i];
        seen.at_once = seen.later = 0;
        int code = answer_to(t, fd, o, 0x7000 + (int)i);
        bool odd = o->bytes[0] == 0x81; /* taken away; so the probe is the first */
        uint32_t later = (uint32_t)o->asked + !odd;
        if (code != o->code || seen.at_once != odd || seen.later != later)
            printf("%s: code %d, at once %u, later %u\n", o->what, code, seen.at_once, seen.later);
        CHECK_INT(code, o->code);
        CHECK_INT(seen.at_once, odd);
        CHECK_INT(seen.later, later);
    }
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(answers_like_the_long_way),
                                            KIT(remembers_what_takes_the_long_way),
                                            KIT(keeps_the_order_of_a_queue),
                                            KIT(answers_from_the_address_that_was_asked),
                                            KIT(leaves_all_else_to_libcoap),
                                            KIT(leaves_who_is_limited_to_the_long_way),
                                            KIT(knows_its_room),
                                            KIT(datagrams_without_bytes_confuse_nobody),
                                            {0}};
    return kit_main("coap/fast", tests, argc, argv);
}
