/* SPDX-License-Identifier: Apache-2.0
 * CoAP over TCP (RFC 8323): a client of raw bytes, and libcoap's coap-client. */
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_testclient.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

#define CODE(class, detail) ((class) * 32 + (detail))
enum { CSM = CODE(7, 1), PING = CODE(7, 2), PONG = CODE(7, 3), RELEASE = CODE(7, 4) };
enum { GET = 1, POST = 2, OBSERVE = 6, URI_PATH = 11, BLOCK2 = 23, BLOCK1 = 27 };
enum { BODY = 200000 };

static struct {
    uint32_t flags;
    size_t npayload;
    char base[100];
    bool has_origin;
    char payload[BODY];
} seen;
static char body[BODY + 1];
static size_t nbody;
static lintel_ticket slow, stream;

static bool
is(const lintel_exchange *x, const char *segment)
{
    return x->npath == 1 && x->path[0].n == strlen(segment) &&
           memcmp(x->path[0].p, segment, strlen(segment)) == 0;
}

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    seen.flags = x->flags;
    seen.npayload = x->payload.n;
    if (x->payload.n > 0 && x->payload.n <= sizeof seen.payload)
        memcpy(seen.payload, x->payload.p, x->payload.n);
    seen.has_origin = x->origin != NULL;
    snprintf(seen.base, sizeof seen.base, "%s", x->base);
    if (is(x, "slow"))
        slow = ticket;
    else if (x->flags & LINTEL_X_OBSERVE) {
        stream = ticket;
        testhost_text(t, ticket, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "v0");
    } else if (is(x, "big")) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(2, 5),
                           .format = 0,
                           .max_age = 60,
                           .payload = {body, nbody}};
        testhost_answer(t, ticket, &a);
    } else
        testhost_text(t, ticket, x->method == LINTEL_GET ? LINTEL_CODE(2, 5) : LINTEL_CODE(2, 4), 0,
                      "served");
}

/* ---- a client of raw bytes --------------------------------------------------------------------
 */

struct client {
    int fd;
    uint8_t in[2 * BODY];
    size_t nin, taken; /* taken: of a message that was given out */
};

struct message { /* received: points into the client */
    int code;
    uint8_t token;
    const uint8_t *options, *payload;
    size_t noptions, npayload;
};

static struct client *
dial(struct testhost *t, unsigned listener)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                              .sin6_port = htons((uint16_t)testhost_port(t, listener))};
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    testhost_turn(t, 0);
    testhost_turn(t, 0);
    return c;
}

static void
hang_up(struct client *c)
{
    close(c->fd);
    free(c);
}

/* The whole of it, while the host runs; whether the host took it. */
static bool
push(struct testhost *t, struct client *c, const void *p, size_t n)
{
    for (int idle = 0; n > 0 && idle < 500;) {
        ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            return false;
        idle = put > 0 ? 0 : idle + 1;
        p = (const char *)p + (put > 0 ? put : 0);
        n -= put > 0 ? (size_t)put : 0;
        testhost_turn(t, put > 0 ? 0 : 10);
    }
    return n == 0;
}

/* RFC 8323 3.2. */
static size_t
head(uint8_t *to, size_t n, int code, uint8_t token)
{
    size_t at = 0;
    if (n < 13)
        to[at++] = (uint8_t)(n << 4 | (token != 0));
    else if (n < 269) {
        to[at++] = (uint8_t)(13 << 4 | (token != 0));
        to[at++] = (uint8_t)(n - 13);
    } else if (n < 65805) {
        to[at++] = (uint8_t)(14 << 4 | (token != 0));
        to[at++] = (uint8_t)((n - 269) >> 8);
        to[at++] = (uint8_t)(n - 269);
    } else {
        to[at++] = (uint8_t)(15 << 4 | (token != 0));
        for (int shift = 24; shift >= 0; shift -= 8)
            to[at++] = (uint8_t)((n - 65805) >> shift);
    }
    to[at++] = (uint8_t)code;
    if (token != 0)
        to[at++] = token;
    return at;
}

static bool
say(struct testhost *t, struct client *c, int code, uint8_t token, const char *options,
    size_t noptions, const void *payload, size_t npayload)
{
    static uint8_t m[BODY + 1000];
    size_t n = noptions + (npayload > 0 ? npayload + 1 : 0), at = head(m, n, code, token);
    memcpy(m + at, options, noptions);
    at += noptions;
    if (npayload > 0) {
        m[at++] = 0xff;
        memcpy(m + at, payload, npayload);
        at += npayload;
    }
    return push(t, c, m, at);
}
#define SAY(t, c, code, token, options)                                                            \
    say((t), (c), (code), (token), (options), sizeof(options) - 1, NULL, 0)

static size_t
extended(const uint8_t *p, unsigned nibble, size_t *at)
{
    size_t v = nibble;
    if (nibble == 13)
        v = 13u + p[(*at)++];
    else if (nibble >= 14) {
        unsigned bytes = nibble == 14 ? 2 : 4;
        v = 0;
        for (unsigned i = 0; i < bytes; i++)
            v = v << 8 | p[(*at)++];
        v += nibble == 14 ? 269 : 65805;
    }
    return v;
}

/* The next message, signals among them; 0 if none comes, -1 at the end of the stream. */
static int
hear(struct testhost *t, struct client *c, struct message *ret)
{
    memmove(c->in, c->in + c->taken, c->nin - c->taken);
    c->nin -= c->taken;
    c->taken = 0;
    for (int idle = 0; idle < 300; idle++) {
        if (c->nin >= 7 || (c->nin >= 2 && c->in[0] >> 4 < 13)) {
            size_t at = 1, n = extended(c->in, c->in[0] >> 4, &at);
            bool token = (c->in[0] & 15) != 0;
            size_t end = at + 1 + token + n;
            if (c->nin >= end) {
                *ret = (struct message){.code = c->in[at], .token = token ? c->in[at + 1] : 0};
                at += 1 + (size_t)token;
                ret->options = c->in + at;
                while (at < end && c->in[at] != 0xff) {
                    unsigned delta = c->in[at] >> 4, length = c->in[at] & 15;
                    at++;
                    (void)extended(c->in, delta, &at);
                    at += extended(c->in, length, &at);
                }
                ret->noptions = (size_t)(c->in + at - ret->options);
                ret->payload = c->in + at + 1;
                ret->npayload = at < end ? end - at - 1 : 0;
                c->taken = end;
                return 1;
            }
        }
        ssize_t got = recv(c->fd, c->in + c->nin, sizeof c->in - c->nin, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return -1;
        if (got > 0) {
            c->nin += (size_t)got;
            idle = 0;
        } else
            testhost_turn(t, 10);
    }
    return 0;
}

/* An option's value as a number; -1: it is not there. */
static long
option(const struct message *m, unsigned wanted)
{
    size_t at = 0;
    unsigned number = 0;
    while (at < m->noptions) {
        unsigned d = m->options[at] >> 4, l = m->options[at] & 15;
        at++;
        number += (unsigned)extended(m->options, d, &at);
        size_t n = extended(m->options, l, &at);
        if (number == wanted) {
            long v = 0;
            for (size_t i = 0; i < n; i++)
                v = (long)((unsigned long)v << 8 | m->options[at + i]);
            return v;
        }
        at += n;
    }
    return -1;
}

/* The server speaks first (RFC 8323 5.3), and waits for ours. */
static struct client *
greet(struct testhost *t, unsigned listener, const char *options, size_t n)
{
    struct client *c = dial(t, listener);
    struct message m;
    CHECK(say(t, c, CSM, 0, options, n, NULL, 0));
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.code, CSM);
    CHECK(option(&m, 2) >= 1152);
    return c;
}

static struct testhost *
open_host(struct testhost_settings s)
{
    static const char *const listen[] = {"coap+tcp://[::1]:0", NULL};
    s.listen = listen;
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    slow = stream = 0;
    memset(&seen, 0, sizeof seen);
    for (size_t i = 0; i < sizeof body - 1; i++)
        body[i] = (char)('a' + (i / 61) % 26);
    nbody = BODY;
    CHECK(t != NULL);
    if (t != NULL)
        CHECK_INT(testhost_start(t), LINTEL_OK);
    return t;
}

/* Whether the other end hangs up; what it still says is passed over. */
static bool
is_hung_up(struct testhost *t, struct client *c)
{
    struct message m;
    int heard;
    while ((heard = hear(t, c, &m)) == 1)
        ;
    return heard < 0;
}

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

static void
serves_requests(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    struct message m;
    REQUIRE(t != NULL);
    struct client *c = greet(t, 0, "", 0);
    for (int i = 0; i < 2; i++) { /* there are no message ids: equal requests are two */
        CHECK(SAY(t, c, POST, 7, "\xb1x"));
        CHECK_INT(hear(t, c, &m), 1);
        CHECK_INT(m.code, CODE(2, 4));
        CHECK_INT(m.token, 7);
    }
    CHECK_INT(t->requests, 2);
    CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_RELIABLE);
    CHECK_HAS(seen.base, "coap+tcp://[::1]:");
    CHECK(!seen.has_origin);
    CHECK(SAY(t, c, PING, 3, "")); /* libcoap 4.3.1 forgets the token in its answer */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.code, PONG);
    CHECK(SAY(t, c, GET, 9, "\xb4slow"));
    CHECK(SAY(t, c, GET, 8, "\xb1x")); /* overtakes */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.token, 8);
    testhost_text(t, slow, LINTEL_CODE(2, 5), 0, "at last");
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.token, 9);
    CHECK_INT(m.npayload, 7);
    CHECK_INT(t->open, 0);
    CHECK(SAY(t, c, RELEASE, 0, ""));
    shutdown(c->fd, SHUT_WR);
    CHECK(is_hung_up(t, c));
    hang_up(c);
    testhost_free(t);
}

static void
notifies_without_confirmation(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    struct message m;
    REQUIRE(t != NULL);
    struct client *c = greet(t, 0, "", 0);
    CHECK(SAY(t, c, GET, 5, "\x60\x51x")); /* Observe: 0 */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK(option(&m, OBSERVE) >= 0);
    for (int i = 1; i <= 20; i++) {
        char text[20];
        snprintf(text, sizeof text, "v%d", i);
        testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM,
                      text);
        CHECK_INT(hear(t, c, &m), 1);
        CHECK_INT(m.token, 5);
        CHECK(m.npayload == strlen(text) && memcmp(m.payload, text, m.npayload) == 0);
    }
    CHECK(SAY(t, c, GET, 5, "\x61\x01\x51x")); /* Observe: 1 */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(option(&m, OBSERVE), -1);
    CHECK_INT(t->abandoned, 1);
    CHECK(SAY(t, c, GET, 6, "\x60\x51x"));
    CHECK_INT(hear(t, c, &m), 1);
    hang_up(c); /* the observation goes with it */
    for (int i = 0; i < 5; i++)
        testhost_turn(t, 10);
    CHECK_INT(t->abandoned, 2);
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

/* A large body in messages as the peer takes them. */
static void
gives_large_answers(void)
{
    static const struct {
        const char *csm, *get;
        size_t ncsm, nget, nbody, first;
        long block2;
    } cases[] = {
        /* Max-Message-Size 262,144: whole. */
        {"\x23\x04\x00\x00",
         "\xb3"
         "big",
         4, 4, BODY, BODY, -1},
        /* 65,536 and more than that: in blocks, since nothing larger is known to be understood. */
        {"\x23\x01\x00\x00",
         "\xb3"
         "big",
         4, 4, BODY, 1024, 0x0e},
        {"\x23\x01\x00\x00",
         "\xb3"
         "big",
         4, 4, 60000, 60000, -1},
        /* No word of it: 1,152. */
        {"",
         "\xb3"
         "big",
         0, 4, 1100, 1024, 0x0e},
        {"",
         "\xb3"
         "big",
         0, 4, 1024, 1024, -1},
        /* Asked for with BERT: as many whole blocks as fit. */
        {"\x23\x01\x00\x00\x20",
         "\xb3"
         "big\xc1\x07",
         5, 6, BODY, 64512 - 1024 + 1024, 0x0f},
        /* Asked for in small ones. */
        {"\x23\x04\x00\x00",
         "\xb3"
         "big\xc1\x02",
         4, 6, BODY, 64, 0x0a},
    };
    struct testhost *t = open_host((struct testhost_settings){0});
    struct message m;
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client *c = greet(t, 0, cases[i].csm, cases[i].ncsm);
        nbody = cases[i].nbody;
        CHECK(say(t, c, GET, 1, cases[i].get, cases[i].nget, NULL, 0));
        CHECK_INT(hear(t, c, &m), 1);
        CHECK_INT(m.code, CODE(2, 5));
        CHECK_INT(m.npayload, cases[i].first);
        CHECK_INT(option(&m, BLOCK2), cases[i].block2);
        CHECK(memcmp(m.payload, body, m.npayload) == 0);
        hang_up(c);
    }
    /* The whole by BERT, from what is kept. */
    struct client *c = greet(t, 0, "\x23\x01\x00\x00\x20", 5);
    uint32_t before = t->requests;
    size_t have = 0;
    nbody = BODY;
    while (have < BODY) {
        unsigned v = (unsigned)(have / 1024) << 4 | 7;
        char get[] = "\xb3"
                     "big\xc2\x00\x00";
        get[5] = (char)(v >> 8);
        get[6] = (char)v;
        CHECK(say(t, c, GET, 1, get, 7, NULL, 0));
        CHECK_INT(hear(t, c, &m), 1);
        CHECK_INT(m.code, CODE(2, 5));
        if (m.npayload == 0 || m.npayload > BODY - have)
            break;
        CHECK(memcmp(m.payload, body + have, m.npayload) == 0);
        have += m.npayload;
        CHECK_INT(option(&m, BLOCK2) & 8, have < BODY ? 8 : 0);
    }
    CHECK_INT(have, BODY);
    CHECK_INT(t->requests, before + 1);
    hang_up(c);
    testhost_free(t);
}

static void
takes_large_requests(void)
{
    struct testhost *t = open_host((struct testhost_settings){.max_body = BODY});
    struct message m;
    REQUIRE(t != NULL);
    struct client *c = greet(t, 0, "\x23\x01\x00\x00\x20", 5);
    CHECK(say(t, c, POST, 1, "\xb1x", 2, body, BODY)); /* whole */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.code, CODE(2, 4));
    CHECK_INT(seen.npayload, BODY);
    CHECK(memcmp(seen.payload, body, BODY) == 0);
    memset(seen.payload, 0, sizeof seen.payload);
    for (size_t at = 0; at < BODY;) { /* BERT: 40 blocks a message (RFC 8323 6) */
        size_t n = BODY - at > 40960 ? 40960 : BODY - at;
        unsigned v = (unsigned)(at / 1024) << 4 | (at + n < BODY ? 8u : 0u) | 7;
        char post[] = "\xb1x\xd2\x03\x00\x00";
        post[4] = (char)(v >> 8);
        post[5] = (char)v;
        CHECK(say(t, c, POST, 1, post, 6, body + at, n));
        CHECK_INT(hear(t, c, &m), 1);
        at += n;
        CHECK_INT(m.code, at < BODY ? CODE(2, 31) : CODE(2, 4));
        CHECK_INT(option(&m, BLOCK1), v);
    }
    CHECK_INT(seen.npayload, BODY);
    CHECK(memcmp(seen.payload, body, BODY) == 0);
    CHECK_INT(t->requests, 2);
    CHECK(say(t, c, POST, 1, "\xb1x\xd1\x03\x0f", 5, body, 1500)); /* no multiple of 1,024 */
    CHECK_INT(hear(t, c, &m), 1);
    CHECK_INT(m.code, CODE(4, 0));
    CHECK(say(t, c, POST, 1, "\xb1x", 2, body, BODY)); /* it still serves */
    CHECK_INT(hear(t, c, &m), 1);
    hang_up(c);
    /* A message that is much too large is not even read. */
    c = greet(t, 0, "", 0);
    uint8_t begin[20];
    size_t n = head(begin, 1u << 30, POST, 1);
    CHECK(push(t, c, begin, n));
    CHECK(is_hung_up(t, c));
    hang_up(c);
    CHECK_INT(t->requests, 3);
    testhost_free(t);
}

/* Nobody keeps a connection for nothing, but an observer keeps his. */
static void
gives_up_who_says_nothing(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    struct message m;
    REQUIRE(t != NULL);
    const struct lcoap_server *s = t->self;
    struct client *silent = dial(t, 0), *half = dial(t, 0);
    CHECK(push(t, half, "\xd0", 1)); /* half a header */
    struct client *idle = greet(t, 0, "", 0), *observer = greet(t, 0, "", 0);
    CHECK(SAY(t, idle, GET, 1, "\xb1x"));
    CHECK_INT(hear(t, idle, &m), 1);
    CHECK(SAY(t, observer, GET, 1, "\x60\x51x"));
    CHECK_INT(hear(t, observer, &m), 1);
    CHECK_INT(s->nstreams, 4);
    pass(t, LCOAP_HANDSHAKE_S);
    CHECK(is_hung_up(t, silent));
    CHECK(is_hung_up(t, half));
    CHECK_INT(s->nstreams, 2);
    CHECK_INT(s->nhandshakes, 0);
    pass(t, LCOAP_IDLE_S);
    CHECK(is_hung_up(t, idle));
    CHECK_INT(s->nstreams, 1);
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "v1");
    CHECK_INT(hear(t, observer, &m), 1);
    CHECK_INT(m.npayload, 2);
    CHECK_INT(t->abandoned, 0);
    hang_up(silent);
    hang_up(half);
    hang_up(idle);
    hang_up(observer);
    testhost_free(t);
}

static void
bounds_connections(void)
{
    enum { MANY = 30 };
    struct testhost *t =
        open_host((struct testhost_settings){.max_sessions = 10, .max_handshakes = 6});
    struct client *c[MANY];
    struct message m;
    REQUIRE(t != NULL);
    const struct lcoap_server *s = t->self;
    for (int i = 0; i < MANY; i++) { /* none says a word: the oldest go */
        c[i] = dial(t, 0);
        testhost_turn(t, 0);
        CHECK(s->nhandshakes <= 6);
    }
    CHECK(is_hung_up(t, c[0]));
    CHECK(SAY(t, c[MANY - 1], CSM, 0, ""));
    CHECK(SAY(t, c[MANY - 1], GET, 1, "\xb1x")); /* the newest is served */
    CHECK_INT(hear(t, c[MANY - 1], &m), 1);
    CHECK_INT(hear(t, c[MANY - 1], &m), 1);
    CHECK_INT(m.code, CODE(2, 5));
    for (int i = 0; i < MANY; i++)
        hang_up(c[i]);
    for (int i = 0; i < 5; i++)
        testhost_turn(t, 10);
    CHECK_INT(s->nstreams, 0);
    for (int i = 0; i < 12; i++) { /* all with an observation: none can go for another */
        c[i] = dial(t, 0);
        CHECK(SAY(t, c[i], CSM, 0, ""));
        if (i < 10) {
            CHECK(SAY(t, c[i], GET, 1, "\x60\x51x"));
            CHECK_INT(hear(t, c[i], &m), 1);
            CHECK_INT(hear(t, c[i], &m), 1);
            CHECK_INT(m.code, CODE(2, 5));
        } else
            CHECK(is_hung_up(t, c[i]));
    }
    CHECK_INT(s->nstreams, 10);
    for (int i = 0; i < 12; i++)
        hang_up(c[i]);
    testhost_free(t);
}

/* Who asks and asks and reads nothing is not served without end. */
static void
serves_only_who_reads(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    REQUIRE(t != NULL);
    struct client *c = greet(t, 0, "\x23\x04\x00\x00", 4);
    uint32_t asked = 0;
    while (asked < 50000 && SAY(t, c, GET, 1,
                                "\xb3"
                                "big"))
        asked++;
    CHECK(asked < 50000);
    CHECK(t->requests < 100); /* 20 MB, most of which the kernel holds */
    hang_up(c);
    testhost_free(t);
}

/* Garbage ends its connection, and no other. */
static void
survives_garbage(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    struct message m;
    REQUIRE(t != NULL);
    struct client *good = greet(t, 0, "", 0);
    for (int i = 0; i < 200; i++) {
        struct client *c = greet(t, 0, "", 0);
        uint8_t junk[200];
        size_t n = 1 + kit_random() % sizeof junk;
        for (size_t k = 0; k < n; k++)
            junk[k] = (uint8_t)kit_random();
        (void)push(t, c, junk, n);
        hang_up(c);
    }
    CHECK(SAY(t, good, GET, 1, "\xb1x"));
    CHECK_INT(hear(t, good, &m), 1);
    CHECK_INT(m.code, CODE(2, 5));
    hang_up(good);
    testhost_free(t);
}

/* How often the host's loop has something to do, of a hundred turns. */
static int
busy_turns(struct testhost *t)
{
    struct pollfd p = {.fd = t->epoll_fd, .events = POLLIN};
    int busy = 0;
    for (int i = 0; i < 100; i++) {
        busy += poll(&p, 1, 0);
        testhost_turn(t, 0);
    }
    return busy;
}

/* A client that can't be accepted waits, and the loop does not spin for it. */
static void
rests_without_descriptors(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    struct rlimit before, few;
    struct message m;
    REQUIRE(t != NULL);
    struct client *here = greet(t, 0, "", 0);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                              .sin6_port = htons((uint16_t)testhost_port(t, 0))};
    struct client *late = calloc(1, sizeof *late);
    REQUIRE(late != NULL);
    late->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 3;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(connect(late->fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
    for (int i = 0; i < 3; i++) { /* it knocks again after each rest */
        CHECK(busy_turns(t) < 10);
        t->ahead += LCOAP_SECOND / 4;
    }
    const char *told = strstr(t->log, "new clients over TCP wait");
    CHECK(told != NULL && strstr(told + 1, "new clients over TCP wait") == NULL);
    CHECK(SAY(t, here, GET, 1, "\xb1x"));
    CHECK_INT(hear(t, here, &m), 1);
    CHECK_INT(m.code, CODE(2, 5));
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    t->ahead += LCOAP_SECOND / 4;
    CHECK(SAY(t, late, CSM, 0, ""));
    CHECK_INT(hear(t, late, &m), 1);
    CHECK_INT(m.code, CSM);
    CHECK(SAY(t, late, GET, 1, "\xb1x"));
    CHECK_INT(hear(t, late, &m), 1);
    CHECK_INT(m.code, CODE(2, 5));
    hang_up(greet(t, 0, "", 0));
    hang_up(late);
    hang_up(here);
    testhost_free(t);
}

static const char *
client(struct testhost *t, const char *const *options)
{
    const char *argv[20] = {"coap-client-notls", "-B", "10"};
    int n = 3;
    while (*options != NULL && n < 18)
        argv[n++] = *options++;
    argv[n] = testclient_uri(t, 0, "coap+tcp://[::1]", "big");
    return testclient(t, argv, NULL);
}

static void
serves_coap_client(void)
{
    struct testhost *t = open_host((struct testhost_settings){0});
    REQUIRE(t != NULL);
    const char *text = client(t, (const char *const[]){NULL});
    if (text != NULL) {
        CHECK_HAS(text, body);
        CHECK_INT(t->requests, 1);
        const char *path = kit_write("body", body);
        CHECK(client(t, (const char *const[]){"-m", "put", "-f", path, NULL}) != NULL);
        CHECK_INT(seen.npayload, BODY);
        CHECK(memcmp(seen.payload, body, BODY) == 0);
        CHECK_INT(t->requests, 2);
    }
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(serves_requests),
                                            KIT(notifies_without_confirmation),
                                            KIT(gives_large_answers),
                                            KIT(takes_large_requests),
                                            KIT(gives_up_who_says_nothing),
                                            KIT(bounds_connections),
                                            KIT(serves_only_who_reads),
                                            KIT(survives_garbage),
                                            KIT(rests_without_descriptors),
                                            KIT(serves_coap_client),
                                            {0}};
    return kit_main("coap stream", tests, argc, argv);
}
