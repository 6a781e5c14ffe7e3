/* SPDX-License-Identifier: Apache-2.0
 * Echo values, limits for single clients, and what leaves for addresses that are not proved. */
#include "plugins/coap/coap_echo.h"
#include "plugins/coap/coap_limit.h"
#include "plugins/coap/coap_server.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

enum { OPTION_OBSERVE = 6, OPTION_MAX_AGE = 14, OPTION_BLOCK2 = 23, OPTION_ECHO = 252 };
#define T0 (1000 * LCOAP_SECOND)

static lintel_ticket held;
static struct { /* what the tree saw last */
    uint32_t flags;
    char echo[40];
    size_t necho;
} seen;

static bool
is(const lintel_exchange *x, const char *path)
{
    return x->npath == 1 && x->path[0].n == strlen(path) &&
           memcmp(x->path[0].p, path, x->path[0].n) == 0;
}

/* /big: 2,000 bytes; /some: 100; /error: a long text; /later: on demand; /fresh: wants an Echo of
 * its own; all others: "ok". */
static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    static char body[2000];
    lintel_answer a = {.size = sizeof a, .code = LINTEL_CODE(2, 5), .format = 0, .max_age = 60};
    memset(body, 'x', sizeof body);
    seen.flags = x->flags;
    seen.necho = x->echo.n < sizeof seen.echo ? x->echo.n : 0;
    if (seen.necho > 0)
        memcpy(seen.echo, x->echo.p, seen.necho);
    if (is(x, "later")) {
        held = ticket;
        return;
    }
    a.payload = (lintel_span){body, is(x, "big") ? sizeof body : is(x, "some") ? 100 : 2};
    if (x->flags & LINTEL_X_OBSERVE)
        a.flags = LINTEL_ANSWER_MORE;
    if (is(x, "error")) {
        a.code = LINTEL_CODE(4, 4);
        a.payload.n = 100;
    } else if (is(x, "fresh")) {
        bool fresh = x->echo.n == 5 && memcmp(x->echo.p, "0x123", 5) == 0;
        a.code = fresh ? LINTEL_CODE(2, 4) : LINTEL_CODE(4, 1);
        a.flags = LINTEL_ANSWER_ECHO;
        a.echo = (lintel_span){fresh ? "0x124" : "0x123", 5};
        a.payload.n = 0;
    }
    testhost_answer(t, ticket, &a);
}

/* Nothing is repeated while a test runs, however long that takes: libcoap's clock does not stand.
 */
static struct testhost *
open_host(const struct testhost_settings *s)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings mine = *s;
    size_t n = 0;
    mine.listen = listen;
    while (mine.more[n].name != NULL)
        n++;
    mine.more[n].name = "ackTimeout";
    mine.more[n].i = 60;
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &mine, tree, NULL, 0);
    CHECK(t != NULL);
    if (t != NULL) {
        t->still = T0;
        CHECK_INT(testhost_start(t), LINTEL_OK);
    }
    return t;
}

static const struct testhost_settings limited = {
    .more = {{"limitAll", 1, NULL}, {"rate", 0, NULL}, {"rateEqual", 0, NULL}}};

static void
ask_for(struct wire *w, int type, int code, int mid, const char *path)
{
    wire_begin(w, type, code, mid, 7);
    if (path[0] != '\0')
        wire_path(w, path);
}

/* Sends a request and receives all that it causes, up to the answer of one that is sent after it.
 */
static size_t
bytes_caused(struct testhost *t, int fd, const struct wire *w, struct wire *ret_first)
{
    static int mid = 0x7000;
    struct wire probe, got;
    size_t n = 0;
    ret_first->n = 0;
    wire_begin(&probe, CON, CODE(0, 1), ++mid, 0x7f);
    wire_path(&probe, "quiet");
    CHECK(wire_send(fd, w) && wire_send(fd, &probe));
    /* Message ids of the host's own may be the same. */
    while (wire_receive(t, fd, &got) &&
           !(got.type == ACK && got.mid == mid && got.token[0] == 0x7f)) {
        n += got.n;
        if (ret_first->n == 0)
            *ret_first = got;
    }
    return n;
}

/* Answers what the tree kept, and receives it: the bytes of it. */
static size_t
bytes_of_later(struct testhost *t, int fd)
{
    struct wire probe, got;
    if (held == 0)
        return 0;
    testhost_text(t, held, LINTEL_CODE(2, 5), 0, "a text that is much longer than the request");
    held = 0;
    wire_begin(&probe, RST, 0, 0, 0); /* nothing is answered to that */
    return bytes_caused(t, fd, &probe, &got);
}

/* The shapes of a request that the next test goes through. */
enum { PLAIN, SHORTEST, BAD_ACCEPT, LATE_BLOCK, OBSERVING, SHAPES };

static void
shape_request(struct wire *w, int type, int code, int mid, const char *path, int shape)
{
    wire_begin(w, type, code, mid, shape == SHORTEST ? 0 : 7);
    if (shape == OBSERVING)
        wire_uint(w, OPTION_OBSERVE, 0);
    if (shape != SHORTEST && path[0] != '\0')
        wire_path(w, path);
    if (code == LINTEL_FETCH)
        wire_uint(w, 12, 0);
    if (shape == BAD_ACCEPT)
        wire_uint(w, 17, 65535), wire_uint(w, 17, 1);
    if (shape == LATE_BLOCK)
        wire_uint(w, OPTION_BLOCK2, 5 << 4 | 6);
}

static void
gives_forged_addresses_little(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    static const char *const paths[] = {"", "big", "some", "error", "later", "other"};
    int fd = wire_open(t, 0, AF_INET6), mid = 0;
    struct wire w, got;
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++)
        for (int i = 0; i < LINTEL_IPATCH * 2 * SHAPES; i++) {
            int code = 1 + i % LINTEL_IPATCH, type = i / LINTEL_IPATCH % 2;
            int shape = i / LINTEL_IPATCH / 2;
            shape_request(&w, type, code, ++mid, paths[p], shape);
            size_t out = bytes_caused(t, fd, &w, &got);
            CHECK(got.n == 0 || got.mid == mid || got.type == NON);
            out += bytes_of_later(t, fd);
            if (out > 3 * w.n)
                printf("/%s, code %d, type %d, shape %d: %zu bytes for %zu\n", paths[p], code, type,
                       shape, out, w.n);
            CHECK(out <= 3 * w.n);
        }
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

static void
proves_an_address(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got, last;
    ask_for(&w, CON, CODE(0, 1), 1, "some");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_LIMITED);
    CHECK_INT(got.code, CODE(4, 1));
    CHECK_INT(got.type, ACK);
    CHECK_INT(got.n, 5 + 2 + LCOAP_ECHO_HEAD); /* nothing but Echo */
    const uint8_t *echo = got.bytes + 7;

    ask_for(&w, CON, CODE(0, 1), 2, "some"); /* somebody else's value, changed in one bit */
    uint8_t wrong[LCOAP_ECHO_HEAD];
    memcpy(wrong, echo, sizeof wrong);
    wrong[5] ^= 1;
    wire_option(&w, OPTION_ECHO, wrong, sizeof wrong);
    CHECK(wire_ask(t, fd, &w, &last));
    CHECK_INT(last.code, CODE(4, 1));

    ask_for(&w, CON, CODE(0, 1), 3, "some");
    wire_option(&w, OPTION_ECHO, echo, LCOAP_ECHO_HEAD);
    CHECK(wire_ask(t, fd, &w, &last));
    CHECK_INT(last.code, CODE(2, 5));
    CHECK_INT(last.n - last.payload, 100);
    ask_for(&w, CON, CODE(0, 1), 4, "big"); /* known now */
    CHECK(wire_ask(t, fd, &w, &last));
    CHECK_INT(last.code, CODE(2, 5));
    CHECK_INT(last.n - last.payload, 1024);

    t->ahead = 301 * LCOAP_SECOND; /* but not for ever; and the value is too old as well */
    ask_for(&w, CON, CODE(0, 1), 5, "some");
    wire_option(&w, OPTION_ECHO, echo, LCOAP_ECHO_HEAD);
    CHECK(wire_ask(t, fd, &w, &last));
    CHECK_INT(last.code, CODE(4, 1));
    close(fd);
    testhost_free(t);
}

static void
exempts_who_is_known(void)
{
    static const struct testhost_settings cases[] = {
        {.more = {{"rate", 1, NULL}}},                        /* loopback */
        {.more = {{"limitAll", 1, NULL}, {"echo", 1, NULL}}}, /* off */
    };
    for (size_t i = 0; i < 2; i++) {
        struct testhost *t = open_host(&cases[i]);
        REQUIRE(t != NULL);
        int fd = wire_open(t, 0, AF_INET6);
        struct wire w, got;
        for (int mid = 1; mid < 4; mid++) {
            ask_for(&w, CON, CODE(0, 1), mid, "big");
            CHECK(wire_ask(t, fd, &w, &got));
            CHECK_INT(got.code, CODE(2, 5));
        }
        close(fd);
        testhost_free(t);
    }
}

/* A confirmable message may leave five times: what is too large for that leaves once. */
static void
repeats_little(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    for (int i = 0; i < 2; i++) {
        static const char query[] = "a question that is long enough to be answered five times";
        ask_for(&w, CON, CODE(0, 1), 1 + i, "later");
        if (i == 1)
            wire_option(&w, 15, query, sizeof query - 1);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, 0);
        testhost_text(t, held, LINTEL_CODE(2, 5), 0, "answer");
        held = 0;
        CHECK(wire_receive(t, fd, &got));
        CHECK_INT(got.code, CODE(2, 5));
        CHECK_INT(got.type, i == 0 ? NON : CON);
    }
    CHECK(wire_empty(fd, ACK, got.mid));
    close(fd);
    testhost_free(t);
}

/* What was done is not asked for again. */
static void
tells_what_was_done(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    ask_for(&w, CON, CODE(0, 2), 1, "big");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 5));
    CHECK_INT(got.payload, got.n);
    CHECK_INT(t->requests, 1);
    ask_for(&w, CON, CODE(0, 2), 2, "error"); /* nothing was done */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 1));
    CHECK(wire_get(&got, OPTION_ECHO) != -1);
    close(fd);
    testhost_free(t);
}

static void
wants_a_proof_of_observers(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    wire_begin(&w, CON, CODE(0, 1), 1, 7);
    wire_uint(&w, OPTION_OBSERVE, 0);
    wire_path(&w, "x");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 1));
    CHECK_INT(t->requests, 0);
    uint8_t echo[LCOAP_ECHO_HEAD];
    memcpy(echo, got.bytes + 7, sizeof echo);
    wire_begin(&w, CON, CODE(0, 1), 2, 7);
    wire_uint(&w, OPTION_OBSERVE, 0);
    wire_path(&w, "x");
    wire_option(&w, OPTION_ECHO, echo, sizeof echo);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 5));
    CHECK(wire_get(&got, OPTION_OBSERVE) >= 0);
    CHECK_INT(t->open, 1);
    close(fd);
    testhost_free(t);
}

/* RFC 9176 5.3.4.2: the tree's own state goes out and comes back, for exempt clients too. */
static void
carries_the_trees_part(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){.unprotected = false});
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    uint8_t echo[LCOAP_ECHO_HEAD + 5];
    ask_for(&w, CON, CODE(0, 2), 1, "fresh");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 1));
    CHECK_INT(got.n, 5 + 3 + sizeof echo);
    memcpy(echo, got.bytes + 8, sizeof echo);
    CHECK(memcmp(echo + LCOAP_ECHO_HEAD, "0x123", 5) == 0);
    ask_for(&w, CON, CODE(0, 2), 2, "fresh");
    wire_option(&w, OPTION_ECHO, echo, sizeof echo);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 4));
    CHECK(memcmp(got.bytes + got.n - 5, "0x124", 5) == 0); /* the next one, on success */
    CHECK_INT(seen.necho, 5);
    t->ahead = (LCOAP_ECHO_FRESH + 1) * LCOAP_SECOND;
    ask_for(&w, CON, CODE(0, 2), 3, "fresh");
    wire_option(&w, OPTION_ECHO, echo, sizeof echo);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 1));
    CHECK_INT(seen.necho, 0);

    /* A later answer with Echo leaves non-confirmable. */
    ask_for(&w, CON, CODE(0, 1), 4, "later");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, 0);
    lintel_answer a = {.size = sizeof a,
                       .code = LINTEL_CODE(4, 1),
                       .flags = LINTEL_ANSWER_ECHO,
                       .format = LINTEL_FORMAT_NONE,
                       .echo = {"1", 1}};
    testhost_answer(t, held, &a);
    held = 0;
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, NON);
    CHECK_INT(got.code, CODE(4, 1));
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

/* A wrong Echo option is as good as none: it is elective. */
static void
survives_wrong_echoes(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    uint8_t value[41];
    memset(value, 0x55, sizeof value);
    for (int n = 0; n <= 40; n++) {
        ask_for(&w, CON, CODE(0, 1), 1 + n, "x");
        wire_option(&w, OPTION_ECHO, value, (size_t)n);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, CODE(2, 5));
        CHECK_INT(seen.necho, 0);
    }
    ask_for(&w, CON, CODE(0, 1), 50, "x");
    wire_option(&w, OPTION_ECHO, value,
                41); /* beyond what the option may have: no message at all */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, RST);
    ask_for(&w, CON, CODE(0, 1), 51, "big"); /* twice: the first counts */
    wire_option(&w, OPTION_ECHO, value, 12);
    wire_option(&w, OPTION_ECHO, value, 12);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 1));
    close(fd);
    testhost_free(t);
}

static void
makes_echo_values(void)
{
    struct testhost *t = open_host(&limited);
    REQUIRE(t != NULL);
    const struct lcoap_server *s = t->self;
    struct lcoap_echo other;
    lcoap_echo_init(&other, &t->host, s->tree);
    coap_address_t a, b;
    coap_address_init(&a);
    a.addr.sin6.sin6_family = AF_INET6;
    CHECK_INT(inet_pton(AF_INET6, "2001:db8::1", &a.addr.sin6.sin6_addr), 1);
    coap_address_init(&b);
    b.addr.sin.sin_family = AF_INET;
    CHECK_INT(inet_pton(AF_INET, "192.0.2.1", &b.addr.sin.sin_addr), 1);
    uint8_t v[LCOAP_ECHO_ROOM];
    lintel_span part = {"abc", 3}, got = {NULL, 0};
    size_t n = lcoap_echo_make(&s->echo, &a, T0, part, v);
    CHECK_INT(n, LCOAP_ECHO_HEAD + 3);
    lintel_span value = {(const char *)v, n};
    CHECK(lcoap_echo_read(&s->echo, &a, T0, value, &got));
    CHECK_INT(got.n, 3);
    CHECK(memcmp(got.p, "abc", 3) == 0);
    a.addr.sin6.sin6_port = htons(99); /* the port does not count */
    CHECK(lcoap_echo_read(&s->echo, &a, T0 + 60 * LCOAP_SECOND, value, &got));
    CHECK(!lcoap_echo_read(&s->echo, &a, T0 + 61 * LCOAP_SECOND, value, &got));
    CHECK(!lcoap_echo_read(&s->echo, &a, T0 - LCOAP_SECOND, value, &got)); /* of the future */
    CHECK(!lcoap_echo_read(&s->echo, &b, T0, value, &got));                /* another address */
    CHECK(!lcoap_echo_read(&other, &a, T0, value, &got));                  /* another run */
    for (size_t i = 0; i < n; i++) {                                       /* every byte counts */
        v[i] ^= 0x80;
        CHECK(!lcoap_echo_read(&s->echo, &a, T0, value, &got));
        v[i] ^= 0x80;
    }
    for (size_t i = 0; i < n; i++)
        CHECK(!lcoap_echo_read(&s->echo, &a, T0, (lintel_span){value.p, i}, &got));
    char long_part[LINTEL_ECHO_MOST + 1] = "";
    CHECK_INT(lcoap_echo_make(&s->echo, &a, T0, (lintel_span){long_part, sizeof long_part}, v), 0);
    CHECK_INT(lcoap_echo_make(&s->echo, &a, T0, (lintel_span){long_part, LINTEL_ECHO_MOST}, v),
              LCOAP_ECHO_ROOM);
    testhost_free(t);
}

static coap_address_t
client(uint32_t n)
{
    coap_address_t a;
    coap_address_init(&a);
    a.addr.sin.sin_family = AF_INET;
    a.addr.sin.sin_addr.s_addr = htonl(n);
    a.addr.sin.sin_port = htons((uint16_t)(n * 7));
    return a;
}

static void
counts_requests(void)
{
    struct lcoap_limits *l = lcoap_limits_new(10, 4);
    REQUIRE(l != NULL);
    coap_address_t one = client(1), two = client(2);
    unsigned taken = 0;
    for (int i = 0; i < 100; i++) /* 100 in one second */
        taken += lcoap_limits_take(l, &one, 100 + (uint64_t)i, T0 + i * (LCOAP_SECOND / 100)) == 0;
    CHECK_INT(taken, 19);       /* a second's worth at once, and what came to be in 0.99 s */
    one.addr.sin.sin_port = 99; /* another port is no other client */
    CHECK_INT(lcoap_limits_take(l, &one, 1, T0 + LCOAP_SECOND - 1), 1);
    CHECK_INT(lcoap_limits_take(l, &two, 1, T0), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(lcoap_limits_take(l, &two, 1, T0), 0);
    CHECK_INT(lcoap_limits_take(l, &two, 1, T0), 1); /* the fifth equal one */
    CHECK_INT(lcoap_limits_take(l, &two, 2, T0), 0);
    CHECK_INT(lcoap_limits_take(l, &two, 1, T0 + LCOAP_SECOND / 4), 0);
    lcoap_limits_free(l);

    l = lcoap_limits_new(1, 0);
    REQUIRE(l != NULL);
    CHECK_INT(lcoap_limits_take(l, &one, 1, T0), 0);
    CHECK_INT(lcoap_limits_take(l, &one, 1, T0 + LCOAP_SECOND - 1), 1);
    CHECK_INT(lcoap_limits_take(l, &one, 1, T0 + LCOAP_SECOND), 0);
    /* More clients than are remembered: the oldest is forgotten, the newest are not. */
    for (uint32_t i = 2; i < LCOAP_LIMIT_CLIENTS + 2; i++) {
        coap_address_t a = client(i);
        CHECK_INT(lcoap_limits_take(l, &a, 1, T0 + LCOAP_SECOND), 0);
    }
    coap_address_t last = client(LCOAP_LIMIT_CLIENTS + 1);
    CHECK_INT(lcoap_limits_take(l, &last, 1, T0 + LCOAP_SECOND), 1);
    CHECK_INT(lcoap_limits_take(l, &one, 1, T0 + LCOAP_SECOND), 0);
    lcoap_limits_free(l);

    l = lcoap_limits_new(0, 0);
    REQUIRE(l != NULL);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(lcoap_limits_take(l, &one, 1, T0), 0);
    lcoap_limits_free(l);
}

static void
limits_a_client(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){
        .more = {{"limitAll", 1, NULL}, {"rate", 10, NULL}, {"rateEqual", 0, NULL}}});
    REQUIRE(t != NULL);
    struct wire w, got;
    unsigned served = 0, refused = 0;
    for (int i = 0; i < 100; i++) { /* within no time, from many ports */
        int fd = wire_open(t, 0, AF_INET6);
        ask_for(&w, CON, CODE(0, 1), i, "x");
        CHECK(wire_ask(t, fd, &w, &got));
        served += got.code == CODE(2, 5);
        refused += got.code == CODE(4, 29) && wire_get(&got, OPTION_MAX_AGE) == 1;
        close(fd);
    }
    CHECK_INT(served, 10);
    CHECK_INT(refused, 90);
    CHECK_INT(t->requests, 10);
    t->ahead = LCOAP_SECOND;
    int fd = wire_open(t, 0, AF_INET6);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 5));
    close(fd);
    testhost_free(t);

    t = open_host(&(struct testhost_settings){
        .more = {{"limitAll", 1, NULL}, {"rate", 0, NULL}, {"rateEqual", 2, NULL}}});
    REQUIRE(t != NULL);
    fd = wire_open(t, 0, AF_INET6);
    for (int i = 0; i < 6; i++) { /* another query is another request */
        ask_for(&w, CON, CODE(0, 1), i, "x");
        wire_option(&w, 15, i < 4 ? "a" : "b", 1);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, i == 2 || i == 3 ? CODE(4, 29) : CODE(2, 5));
    }
    close(fd);
    testhost_free(t);
}

/* A body in blocks is one request, in both directions. */
static void
counts_bodies_once(void)
{
    struct testhost *t = open_host(&(struct testhost_settings){
        .more = {
            {"limitAll", 1, NULL}, {"echo", 1, NULL}, {"rate", 2, NULL}, {"rateEqual", 1, NULL}}});
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6), mid = 1;
    struct wire w, got;
    for (unsigned i = 0; i < 4; i++) {
        ask_for(&w, CON, CODE(0, 1), mid++, "big");
        wire_uint(&w, OPTION_BLOCK2, i << 4 | 5);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, CODE(2, 5));
    }
    for (unsigned i = 0; i < 5; i++) {
        ask_for(&w, CON, CODE(0, 3), mid++, "up");
        wire_uint(&w, 27, i << 4 | (i < 4 ? 8 : 0));
        wire_payload(&w, "0123456789abcdef", 16);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(got.code, i < 4 ? CODE(2, 31) : CODE(2, 5));
    }
    CHECK_INT(t->requests, 2);
    /* But one that has no body is not part of one, whatever it says. */
    ask_for(&w, CON, CODE(0, 1), mid, "x");
    wire_uint(&w, 27, 1 << 4);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(4, 29));
    CHECK_INT(t->requests, 2);
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(makes_echo_values),
                                            KIT(gives_forged_addresses_little),
                                            KIT(proves_an_address),
                                            KIT(exempts_who_is_known),
                                            KIT(repeats_little),
                                            KIT(tells_what_was_done),
                                            KIT(wants_a_proof_of_observers),
                                            KIT(carries_the_trees_part),
                                            KIT(survives_wrong_echoes),
                                            KIT(counts_requests),
                                            KIT(limits_a_client),
                                            KIT(counts_bodies_once),
                                            {0}};
    return kit_main("coap guard", tests, argc, argv);
}
