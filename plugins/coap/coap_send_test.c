/* SPDX-License-Identifier: Apache-2.0
 * Requests of the hub's own against a server made of raw datagrams. */
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;
extern char **environ;

enum { OPTION_ETAG = 4, OPTION_FORMAT = 12, OPTION_QUERY = 15, OPTION_ACCEPT = 17 };
enum { OPTION_BLOCK2 = 23, OPTION_ECHO = 252 };

static uint64_t session; /* of who asked last */
static char origin[100];

static struct { /* what came back */
    unsigned n;
    lintel_ticket ticket;
    uint32_t code, max_age, netag;
    int32_t format;
    uint8_t etag[8];
    char body[8000];
    size_t nbody;
} back;

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    session = x->session;
    snprintf(origin, sizeof origin, "%s", x->origin);
    testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, "ok");
}

static void
reply(struct testhost *t, lintel_ticket ticket, const lintel_answer *a)
{
    (void)t;
    back.n++;
    back.ticket = ticket;
    back.code = a->code;
    back.max_age = a->max_age;
    back.format = a->format;
    back.netag = a->netag;
    memcpy(back.etag, a->etag, sizeof back.etag);
    back.nbody = a->payload.n < sizeof back.body ? a->payload.n : 0;
    memcpy(back.body, a->payload.p != NULL ? a->payload.p : "", back.nbody);
    back.body[back.nbody < sizeof back.body ? back.nbody : 0] = '\0';
}

static struct testhost *
open_host(int64_t max_body)
{
    static const char *const listen[] = {"coap://[::1]:0", "coap://127.0.0.1:0", NULL};
    struct testhost_settings s = {.listen = listen, .max_body = max_body};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    CHECK(t != NULL);
    memset(&back, 0, sizeof back);
    if (t != NULL) {
        t->reply = reply;
        CHECK_INT(testhost_start(t), LINTEL_OK);
    }
    return t;
}

/* A server that nobody has spoken to. */
static int
open_server(char *uri, size_t n)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(uri, n, "coap://[::1]:%u", ntohs(at.sin6_port));
    return fd;
}

/* Receives the hub's next message; from the first on, the server speaks to its sender alone. */
static int
hear(struct testhost *t, int fd, struct wire *ret)
{
    struct sockaddr_in6 from;
    for (int i = 0; i < 500; i++) {
        socklen_t len = sizeof from;
        if (recvfrom(fd, NULL, 0, MSG_PEEK, (struct sockaddr *)&from, &len) >= 0)
            return connect(fd, (struct sockaddr *)&from, len) == 0 && wire_receive(t, fd, ret);
        testhost_turn(t, 10);
    }
    return 0;
}

/* It hears everybody again, at the same port. */
static void
hear_all(int fd)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    struct sockaddr_in6 at;
    socklen_t len = sizeof at;
    CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    CHECK_INT(connect(fd, &none, sizeof none), 0);
    bind(fd, (struct sockaddr *)&at, len); /* it may have kept its port */
}

/* A response to this request. */
static void
respond(struct wire *w, const struct wire *to, int type, int code)
{
    memset(w, 0, sizeof *w);
    w->bytes[0] = (uint8_t)(0x40 | type << 4 | (int)to->ntoken);
    w->bytes[1] = (uint8_t)code;
    w->bytes[2] = (uint8_t)(to->mid >> 8);
    w->bytes[3] = (uint8_t)(to->mid ^ (type == ACK ? 0 : 0x55));
    memcpy(w->bytes + 4, to->token, to->ntoken);
    w->n = 4 + to->ntoken;
}

static void
run_until_back(struct testhost *t, unsigned n)
{
    for (int i = 0; i < 500 && back.n < n; i++)
        testhost_turn(t, 10);
    CHECK_INT(back.n, n);
}

static lintel_status
send_to(struct testhost *t, const char *uri, const lintel_exchange *x, lintel_ticket ticket)
{
    return t->transport->send(t->self, uri, x, ticket);
}

static const int32_t link_format[] = {40};
#define GET                                                                                        \
    {                                                                                              \
        .size = sizeof(lintel_exchange), .method = LINTEL_GET, .format = LINTEL_FORMAT_NONE,       \
        .accept = link_format, .naccept = 1                                                        \
    }

static void
asks_from_the_port_that_is_known(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    for (unsigned i = 0; i < 2; i++) {
        int fd = wire_open(t, i, i == 0 ? AF_INET6 : AF_INET); /* hears the listener's port alone */
        struct wire w, got;
        char uri[200];
        wire_begin(&w, CON, CODE(0, 2), 1, 1);
        CHECK(wire_ask(t, fd, &w, &got));
        snprintf(uri, sizeof uri, "%s/.well-known/core?rt=a%%20b&x", origin);
        lintel_exchange x = GET;
        x.session = session;
        const lintel_span etag = {"tag", 3};
        x.etag = &etag;
        x.netag = 1;
        CHECK_INT(send_to(t, uri, &x, 77), LINTEL_OK);
        CHECK(wire_receive(t, fd, &got));
        CHECK_INT(got.type, CON);
        CHECK_INT(got.code, CODE(0, 1));
        CHECK_INT(got.ntoken, 8);
        CHECK_INT(wire_get(&got, OPTION_ACCEPT), 40);
        CHECK_INT(wire_get(&got, OPTION_ETAG), 't' << 16 | 'a' << 8 | 'g');
        static const char options[] = "\x43tag\x7b.well-known\x04"
                                      "core\x46rt=a b\x01x\x21\x28";
        CHECK_INT(got.n, 12 + sizeof options - 1);
        CHECK(memcmp(got.bytes + 12, options, sizeof options - 1) == 0);
        respond(&w, &got, ACK, CODE(2, 3));
        wire_option(&w, OPTION_ETAG, "tag", 3);
        wire_uint(&w, 14, 90);
        CHECK(wire_send(fd, &w));
        run_until_back(t, i + 1);
        CHECK_INT(back.ticket, 77);
        CHECK_INT(back.code, LINTEL_CODE(2, 3));
        CHECK_INT(back.netag, 3);
        CHECK_INT(back.max_age, 90);
        CHECK(wire_send(fd, &w)); /* again: nobody waits for it, and an ACK is not rejected */
        CHECK(wire_quiet(t, fd, 9));
        CHECK_INT(back.n, i + 1);
        close(fd);
    }
    testhost_free(t);
}

static void
takes_separate_answers(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    char uri[200];
    struct wire w, got;
    int fd = open_server(uri, sizeof uri);
    lintel_exchange x = GET;
    x.method = LINTEL_POST;
    x.format = 50;
    x.naccept = 0;
    x.payload = (lintel_span){"21.5", 4};
    CHECK_INT(send_to(t, uri, &x, 5), LINTEL_OK);
    CHECK(hear(t, fd, &got));
    CHECK_INT(got.code, CODE(0, 2));
    CHECK_INT(wire_get(&got, OPTION_FORMAT), 50);
    CHECK_STR(wire_text(&got), "21.5");
    struct wire request = got;
    CHECK(wire_empty(fd, ACK, request.mid));
    respond(&w, &request, CON, CODE(2, 5));
    wire_uint(&w, OPTION_FORMAT, 0);
    wire_payload(&w, "at last", 7);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, ACK);
    CHECK_INT(got.code, 0);
    CHECK_INT(got.mid, request.mid ^ 0x55);
    CHECK_INT(back.n, 1);
    CHECK_STR(back.body, "at last");
    CHECK_INT(back.format, 0);
    respond(&w, &request, CON, CODE(2, 5)); /* one more that nobody waits for */
    w.bytes[3] ^= 0x0f;
    CHECK(wire_send(fd, &w));
    testhost_turn(t, 10);
    close(fd);
    CHECK_INT(back.n, 1);
    testhost_free(t);
}

/* Serves a body in blocks of 16 bytes, with a tag for each request by its number. */
static unsigned
serve_blocks(struct testhost *t, int fd, const char *body, const char *tags)
{
    struct wire w, got;
    unsigned i = 0;
    size_t n = strlen(body);
    uint8_t last[8] = {0};
    for (; tags[i] != '\0'; i++) {
        CHECK(hear(t, fd, &got));
        CHECK(memcmp(got.token, last, 8) != 0);
        memcpy(last, got.token, 8);
        long block = wire_get(&got, OPTION_BLOCK2);
        size_t num = block < 0 ? 0 : (size_t)block >> 4, from = num * 16;
        bool more = from + 16 < n;
        respond(&w, &got, ACK, CODE(2, 5));
        wire_option(&w, OPTION_ETAG, tags + i, 1);
        wire_uint(&w, OPTION_FORMAT, 40);
        wire_uint(&w, OPTION_BLOCK2, (unsigned)(num << 4 | (more ? 8 : 0)));
        wire_payload(&w, body + from, more ? 16 : n - from);
        CHECK(wire_send(fd, &w));
    }
    return i;
}

static void
puts_blocks_together(void)
{
    struct testhost *t = open_host(1024);
    REQUIRE(t != NULL);
    char uri[200], large[1100] = "";
    static const char body[] = "0123456789abcdefghijklmnopqrstuvwxyz+-*/";
    int fd = open_server(uri, sizeof uri);
    lintel_exchange x = GET;
    CHECK_INT(send_to(t, uri, &x, 1), LINTEL_OK);
    serve_blocks(t, fd, body, "aaa");
    run_until_back(t, 1);
    CHECK_INT(back.code, LINTEL_CODE(2, 5));
    CHECK_STR(back.body, body);
    CHECK_INT(back.format, 40);
    CHECK_INT(back.netag, 1);
    close(fd);

    fd = open_server(uri, sizeof uri); /* it changes between its blocks */
    CHECK_INT(send_to(t, uri, &x, 2), LINTEL_OK);
    serve_blocks(t, fd, body, "aabbbb");
    run_until_back(t, 2);
    CHECK_STR(back.body, body);
    close(fd);

    fd = open_server(uri, sizeof uri); /* and never settles */
    CHECK_INT(send_to(t, uri, &x, 3), LINTEL_OK);
    serve_blocks(t, fd, body, "abcdef");
    run_until_back(t, 3);
    CHECK_INT(back.code, LINTEL_CODE(5, 2));
    close(fd);

    fd = open_server(uri, sizeof uri); /* and is too large */
    memset(large, 'x', sizeof large - 1);
    CHECK_INT(send_to(t, uri, &x, 4), LINTEL_OK);
    char tags[66];
    memset(tags, 'a', 65);
    tags[65] = '\0';
    serve_blocks(t, fd, large, tags);
    run_until_back(t, 4);
    CHECK_INT(back.code, LINTEL_CODE(5, 2));
    close(fd);
    testhost_free(t);
}

static void
sends_an_echo_back(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    char uri[200];
    struct wire w, got;
    int fd = open_server(uri, sizeof uri);
    lintel_exchange x = GET;
    for (unsigned i = 0; i < 2; i++) {
        bool insist = i == 1; /* asks for it once more: that is its answer then */
        CHECK_INT(send_to(t, uri, &x, i), LINTEL_OK);
        CHECK(hear(t, fd, &got));
        CHECK_INT(wire_get(&got, OPTION_ECHO), -1);
        respond(&w, &got, ACK, CODE(4, 1));
        wire_option(&w, OPTION_ECHO, "abc", 3);
        CHECK(wire_ask(t, fd, &w, &got));
        CHECK_INT(wire_get(&got, OPTION_ECHO), 'a' << 16 | 'b' << 8 | 'c');
        respond(&w, &got, ACK, insist ? CODE(4, 1) : CODE(2, 5));
        if (insist)
            wire_option(&w, OPTION_ECHO, "abd", 3);
        CHECK(wire_send(fd, &w));
        run_until_back(t, i + 1);
        CHECK_INT(back.code, insist ? LINTEL_CODE(4, 1) : LINTEL_CODE(2, 5));
        close(fd);
        fd = open_server(uri, sizeof uri);
    }
    close(fd);
    testhost_free(t);
}

static void
tells_what_makes_no_sense(void)
{
    static const struct {
        int code;
        unsigned option;
        const char *value;
        size_t n, payload;
    } bad[] = {
        {CODE(3, 1), 0, NULL, 0, 0},                   /* no class of RFC 7252 */
        {CODE(2, 5), OPTION_BLOCK2, "\x0f", 1, 16},    /* a reserved size */
        {CODE(2, 5), OPTION_BLOCK2, "\x18", 1, 16},    /* begins with the second */
        {CODE(2, 5), OPTION_BLOCK2, "\x08", 1, 15},    /* not full */
        {CODE(2, 5), OPTION_BLOCK2, "\x08", 1, 0},     /* empty, and more */
        {CODE(2, 5), OPTION_BLOCK2, "\x00", 1, 17},    /* too full */
        {CODE(2, 5), OPTION_BLOCK2, "\0\0\0\0", 4, 0}, /* too long */
    };
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char uri[200];
        struct wire w, got;
        int fd = open_server(uri, sizeof uri);
        lintel_exchange x = GET;
        CHECK_INT(send_to(t, uri, &x, i), LINTEL_OK);
        CHECK(hear(t, fd, &got));
        respond(&w, &got, ACK, bad[i].code);
        if (bad[i].option != 0)
            wire_option(&w, bad[i].option, bad[i].value, bad[i].n);
        if (bad[i].payload > 0)
            wire_payload(&w, "0123456789abcdefgh", bad[i].payload);
        CHECK(wire_send(fd, &w));
        if (bad[i].n == 4) { /* no message for libcoap, so nobody answered */
            testhost_turn(t, 10);
            t->ahead += LCOAP_TRANSMIT_WAIT;
        }
        run_until_back(t, (unsigned)i + 1);
        CHECK_INT(back.code, bad[i].n == 4 ? LINTEL_CODE(5, 4) : LINTEL_CODE(5, 2));
        close(fd);
    }
    testhost_free(t);
}

static void
tells_who_does_not_answer(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    char uri[200];
    struct wire w, got;
    lintel_exchange x = GET;
    int fd = open_server(uri, sizeof uri); /* nothing at all */
    CHECK_INT(send_to(t, uri, &x, 1), LINTEL_OK);
    CHECK(hear(t, fd, &got));
    struct wire request = got;
    t->ahead += LCOAP_TRANSMIT_WAIT - LCOAP_SECOND;
    testhost_turn(t, 0);
    CHECK_INT(back.n, 0);
    t->ahead += LCOAP_SECOND;
    run_until_back(t, 1);
    CHECK_INT(back.code, LINTEL_CODE(5, 4));
    respond(&w, &request, NON, CODE(2, 5)); /* too late */
    CHECK(wire_send(fd, &w));
    testhost_turn(t, 10);
    CHECK_INT(back.n, 1);
    close(fd);

    fd = open_server(uri, sizeof uri); /* acknowledged, and no more */
    CHECK_INT(send_to(t, uri, &x, 2), LINTEL_OK);
    CHECK(hear(t, fd, &got));
    CHECK(wire_empty(fd, ACK, got.mid));
    testhost_turn(t, 10);
    t->ahead += LCOAP_TRANSMIT_WAIT;
    run_until_back(t, 2);
    CHECK_INT(back.code, LINTEL_CODE(5, 4));
    close(fd);

    fd = open_server(uri, sizeof uri); /* rejected */
    CHECK_INT(send_to(t, uri, &x, 3), LINTEL_OK);
    CHECK(hear(t, fd, &got));
    CHECK(wire_empty(fd, RST, got.mid));
    run_until_back(t, 3);
    CHECK_INT(back.code, LINTEL_CODE(5, 4));
    close(fd);

    CHECK_INT(send_to(t, uri, &x, 4), LINTEL_OK); /* and gone: the network says so */
    run_until_back(t, 4);
    CHECK_INT(back.code, LINTEL_CODE(5, 4));
    testhost_free(t);
}

static void
asks_one_after_the_other(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    char uri[200], other[200];
    struct wire w, got, first;
    lintel_exchange x = GET;
    int fd = open_server(uri, sizeof uri), fd2 = open_server(other, sizeof other);
    for (unsigned i = 0; i < LCOAP_MAX_CALLS_TO; i++)
        CHECK_INT(send_to(t, uri, &x, 1 + i), LINTEL_OK);
    CHECK_INT(send_to(t, uri, &x, 100), LINTEL_E_BUSY);
    CHECK_INT(send_to(t, other, &x, 50), LINTEL_OK);
    CHECK(hear(t, fd, &first));
    CHECK(hear(t, fd2, &got)); /* another address does not wait */
    CHECK_INT(recv(fd, w.bytes, sizeof w.bytes, MSG_DONTWAIT), -1);
    respond(&w, &got, ACK, CODE(2, 5));
    CHECK(wire_send(fd2, &w));
    run_until_back(t, 1);
    CHECK_INT(back.ticket, 50);
    CHECK_INT(recv(fd, w.bytes, sizeof w.bytes, MSG_DONTWAIT), -1);
    close(fd2);
    for (unsigned i = 0; i < LCOAP_MAX_CALLS_TO;
         i++) { /* each has a session, and a port, of its own */
        respond(&w, &first, ACK, CODE(2, 5));
        CHECK(wire_send(fd, &w));
        hear_all(fd);
        run_until_back(t, 2 + i);
        CHECK_INT(back.ticket, 1 + i);
        if (i + 1 < LCOAP_MAX_CALLS_TO)
            CHECK(hear(t, fd, &first));
    }
    close(fd);
    testhost_free(t);
}

static void
bounds_and_ends(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    lintel_exchange x = GET;
    char uri[100];
    unsigned n = 0;
    for (int i = 1; i < 100; i++) {
        snprintf(uri, sizeof uri, "coap://127.0.0.%d:%d", i, 1 + i % 3); /* nobody is there */
        lintel_status st = send_to(t, uri, &x, (lintel_ticket)i);
        n += st == LINTEL_OK;
        CHECK_INT(st, i <= LCOAP_MAX_CALLS ? LINTEL_OK : LINTEL_E_BUSY);
    }
    CHECK_INT(back.n, 0); /* never within send() */
    t->plugin->stop(t->self);
    CHECK_INT(back.n, n);
    CHECK_INT(back.code, LINTEL_CODE(5, 3));
    CHECK_INT(send_to(t, "coap://[::1]:9", &x, 1), LINTEL_E_LINK);
    testhost_free(t);
}

static void
judges_uris(void)
{
    static const struct {
        const char *uri;
        lintel_status st;
    } cases[] = {
        {"coaps://[::1]", LINTEL_E_NOTSUP},      {"http://[::1]/", LINTEL_E_NOTSUP},
        {"/relative", LINTEL_E_NOTSUP},          {"", LINTEL_E_NOTSUP},
        {"coap://", LINTEL_E_ADDRESS},           {"coap:///x", LINTEL_E_ADDRESS},
        {"coap://localhost/", LINTEL_E_ADDRESS}, {"coap://[::1", LINTEL_E_ADDRESS},
        {"coap://[::1]:0", LINTEL_E_ADDRESS},    {"coap://[::1]:99999", LINTEL_E_ADDRESS},
        {"coap://[ff02::fd]", LINTEL_E_ADDRESS}, {"coap://224.0.1.187", LINTEL_E_ADDRESS},
        {"coap://[::]", LINTEL_E_ADDRESS},       {"coap://[::1]/%zz", LINTEL_E_ADDRESS},
        {"coap://[::1]/%4", LINTEL_E_ADDRESS},   {"coap://[::1]/a?%", LINTEL_E_ADDRESS},
    };
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    lintel_exchange x = GET;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_INT(send_to(t, cases[i].uri, &x, i), cases[i].st);
    char long_uri[600] = "coap://[::1]/";
    memset(long_uri + 13, 'a', 256);
    CHECK_INT(send_to(t, long_uri, &x, 1), LINTEL_E_ADDRESS);
    memset(long_uri + 13, '/', 256);
    CHECK_INT(send_to(t, long_uri, &x, 1), LINTEL_E_ADDRESS);
    char body[LCOAP_MAX_CALL_BODY + 1] = "";
    x.payload = (lintel_span){body, sizeof body};
    CHECK_INT(send_to(t, "coap://[::1]:9", &x, 1), LINTEL_E_NOTSUP);
    x.payload.n = 0;
    x.flags = LINTEL_X_OBSERVE;
    CHECK_INT(send_to(t, "coap://[::1]:9", &x, 1), LINTEL_E_NOTSUP);
    x.flags = 0;
    x.method = 8;
    CHECK_INT(send_to(t, "coap://[::1]:9", &x, 1), LINTEL_E_NOTSUP);
    testhost_free(t);
}

/* Serving goes on, and answers that nobody waits for are rejected. */
static void
serves_meanwhile(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got, request;
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    CHECK(wire_ask(t, fd, &w, &got));
    lintel_exchange x = GET;
    x.session = session;
    CHECK_INT(send_to(t, origin, &x, 3), LINTEL_OK);
    CHECK(wire_receive(t, fd, &request));
    CHECK(wire_quiet(t, fd, 2));
    wire_begin(&w, CON, CODE(2, 5), 3, 0x11); /* of an unknown token */
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, RST);
    respond(&w, &request, ACK, CODE(2, 5)); /* the right token, but another message */
    w.bytes[3] ^= 1;
    CHECK(wire_send(fd, &w));
    CHECK(wire_quiet(t, fd, 4));
    CHECK_INT(back.n, 0);
    respond(&w, &request, ACK, CODE(2, 5));
    CHECK(wire_send(fd, &w));
    run_until_back(t, 1);
    CHECK_INT(back.code, LINTEL_CODE(2, 5));
    CHECK(wire_quiet(t, fd, 5));

    x.session = session + 1000; /* that lives no more: by a session of its own */
    char uri[200];
    int other = open_server(uri, sizeof uri);
    CHECK_INT(send_to(t, uri, &x, 4), LINTEL_OK);
    CHECK(hear(t, other, &request));
    wire_begin(&w, CON, CODE(0, 1), 9, 1); /* it is not a place to ask us */
    CHECK(wire_ask(t, other, &w, &got));
    CHECK_INT(got.code, CODE(5, 1));
    close(other);
    close(fd);
    testhost_free(t); /* with one under way */
    CHECK_INT(back.n, 2);
    CHECK_INT(back.code, LINTEL_CODE(5, 3));
}

static void
send_again(struct testhost *t, lintel_ticket ticket, const lintel_answer *a)
{
    lintel_exchange x = GET;
    back.n++;
    back.code = a->code;
    if (back.n < 100) /* for ever, but that a failed test must end */
        back.ticket = send_to(t, "coap://[::1]:9/x", &x, ticket + 1) == LINTEL_OK;
}

/* Who is told of an end at stop, and sends again at once, is refused. */
static void
stop_takes_no_more(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    lintel_exchange x = GET;
    CHECK_INT(send_to(t, "coap://[::1]:9/x", &x, 1), LINTEL_OK);
    t->reply = send_again;
    testhost_free(t);
    CHECK_INT(back.n, 1);
    CHECK_INT(back.code, LINTEL_CODE(5, 3));
    CHECK_INT(back.ticket, 0);
}

/* libcoap's server, a program that we did not write; -1: it is not installed. */
static pid_t
start_server(char *uri, size_t n)
{
    char *argv[] = {(char *)(uintptr_t) "coap-server-notls",
                    (char *)(uintptr_t) "-A",
                    (char *)(uintptr_t) "::1",
                    (char *)(uintptr_t) "-p",
                    NULL,
                    NULL};
    pid_t pid = -1;
    close(open_server(uri, n)); /* a port that is free */
    argv[4] = strrchr(uri, ':') + 1;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
        return pid;
    printf("skipped: coap-server-notls is not installed\n");
    return -1;
}

static void
asks_a_real_server(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    char server[200], uri[300];
    pid_t pid = start_server(server, sizeof server);
    lintel_exchange x = GET;
    snprintf(uri, sizeof uri, "%s/.well-known/core", server);
    for (unsigned i = 1; pid > 0 && i < 1000 && back.code != LINTEL_CODE(2, 5); i++) {
        CHECK_INT(send_to(t, uri, &x, i), LINTEL_OK); /* refused until it listens */
        run_until_back(t, i);
        testhost_turn(t, 1);
    }
    if (pid > 0) {
        CHECK_INT(back.code, LINTEL_CODE(2, 5));
        CHECK_INT(back.format, 40);
        CHECK_HAS(back.body, "</time>");
        lintel_exchange put = GET;
        put.method = LINTEL_PUT;
        put.format = 0;
        put.naccept = 0;
        put.payload = (lintel_span){"hello", 5};
        snprintf(uri, sizeof uri, "%s/example_data", server);
        CHECK_INT(send_to(t, uri, &put, 1), LINTEL_OK);
        run_until_back(t, back.n + 1);
        CHECK_INT(back.code >> 5, 2);
        x.naccept = 0;
        CHECK_INT(send_to(t, uri, &x, 2), LINTEL_OK);
        run_until_back(t, back.n + 1);
        CHECK_STR(back.body, "hello");
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(asks_from_the_port_that_is_known),
                                            KIT(takes_separate_answers),
                                            KIT(puts_blocks_together),
                                            KIT(sends_an_echo_back),
                                            KIT(tells_what_makes_no_sense),
                                            KIT(tells_who_does_not_answer),
                                            KIT(asks_one_after_the_other),
                                            KIT(bounds_and_ends),
                                            KIT(judges_uris),
                                            KIT(serves_meanwhile),
                                            KIT(stop_takes_no_more),
                                            KIT(asks_a_real_server),
                                            {0}};
    return kit_main("coap send", tests, argc, argv);
}
