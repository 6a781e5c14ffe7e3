/* SPDX-License-Identifier: Apache-2.0
 * Requests to multicast groups, over the loopback interface. Real networks stand in
 * tests/integration/groups.sh. */
#include "plugins/coap/coap_group.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

static uint32_t flags, code = LINTEL_CODE(2, 5);
static char base[100];
static size_t size = 3;
static lintel_ticket held;

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    static char body[3000];
    lintel_answer a = {.size = sizeof a, .code = code, .format = 40, .payload = {body, size}};
    memset(body, 'x', sizeof body);
    flags = x->flags;
    snprintf(base, sizeof base, "%s", x->base);
    if (x->nquery > 0 && x->query[0].p[0] == 'l')
        held = ticket;
    else
        testhost_answer(t, ticket, &a);
}

#define T0 (1000 * LCOAP_SECOND)

static struct testhost *
open_host(const char *const *paths)
{
    static const char *const listen[] = {"coap://[::]:0", NULL};
    static const char *const groups[] = {"all", NULL};
    static const char *const interfaces[] = {"lo", NULL};
    static const char *const allowed[] = {".well-known/core", NULL};
    struct testhost_settings s = {.listen = listen,
                                  .unprotected = true,
                                  .more = {{"groups", 0, groups},
                                           {"groupInterfaces", 0, interfaces},
                                           {"groupPaths", 0, paths != NULL ? paths : allowed}}};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    CHECK(t != NULL);
    code = LINTEL_CODE(2, 5);
    size = 3;
    held = 0;
    if (t != NULL) {
        t->still = T0;
        t->at_once = true; /* what a group is asked is nothing for the short way */
        CHECK_INT(testhost_start(t), LINTEL_OK);
    }
    return t;
}

/* A socket that speaks to groups of this machine alone. */
static int
open_client(void)
{
    const struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = loopback};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), 0);
    return fd;
}

static void
ask_group(const struct testhost *t, int fd, const char *group, const struct wire *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)testhost_port(t, 0))};
    CHECK_INT(inet_pton(AF_INET, group, &to.sin_addr), 1);
    CHECK_INT(sendto(fd, w->bytes, w->n, 0, (struct sockaddr *)&to, sizeof to), w->n);
}

static void
discovery(struct wire *w, int type, int mid, const char *query)
{
    wire_begin(w, type, CODE(0, 1), mid, 0x33);
    wire_path(w, ".well-known");
    wire_path(w, "core");
    if (query != NULL)
        wire_option(w, 15, query, strlen(query));
}

/* Runs the host until a request has reached the tree, or what was sent has surely been read. */
static void
settle(struct testhost *t)
{
    for (int i = 0; i < 5; i++)
        testhost_turn(t, 5);
}

/* How many answers leave within the leisure. */
static unsigned
answers(struct testhost *t, int fd, struct wire *ret)
{
    struct wire got;
    unsigned n = 0;
    memset(ret, 0, sizeof *ret);
    settle(t);
    if (recv(fd, got.bytes, sizeof got.bytes, MSG_PEEK) >= 0)
        n += 100; /* at once, which is wrong */
    t->ahead += LCOAP_LEISURE;
    settle(t);
    while (recv(fd, got.bytes, sizeof got.bytes, MSG_PEEK) >= 0 && wire_receive(t, fd, &got)) {
        *ret = got;
        n++;
    }
    return n;
}

static void
answers_later_and_once(void)
{
    static const char *const groups[] = {"224.0.1.187", "224.0.1.190"};
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = open_client();
    struct wire w, got;
    for (int i = 0; i < 2; i++) {
        discovery(&w, NON, 10 + i, "rt=core.rd*");
        ask_group(t, fd, groups[i], &w);
        ask_group(t, fd, groups[i], &w); /* twice the same: once */
        CHECK_INT(answers(t, fd, &got), 1);
        CHECK_INT(got.type, NON);
        CHECK_INT(got.code, CODE(2, 5));
        CHECK_INT(got.token[0], 0x33);
        CHECK_STR(wire_text(&got), "xxx");
        CHECK(flags & LINTEL_X_MULTICAST);
        CHECK_HAS(base, "coap://127.0.0.1:");
    }
    CHECK_INT(t->requests, 2);
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

static void
keeps_quiet(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = open_client(), mid = 1;
    struct wire w, got;
    const char *group = "224.0.1.187";
    discovery(&w, CON, mid++, NULL); /* confirmable */
    ask_group(t, fd, group, &w);
    wire_begin(&w, CON, 0, mid++, 0); /* a ping */
    ask_group(t, fd, group, &w);
    wire_begin(&w, NON, CODE(0, 1), mid++, 1); /* another path */
    wire_path(&w, "d");
    ask_group(t, fd, group, &w);
    wire_begin(&w, NON, CODE(0, 1), mid++, 1); /* the same text, but one segment */
    wire_path(&w, ".well-known/core");
    ask_group(t, fd, group, &w);
    for (int method = 2; method <= 8; method++) {
        wire_begin(&w, NON, CODE(0, method), mid++, 1);
        wire_path(&w, ".well-known");
        wire_path(&w, "core");
        ask_group(t, fd, group, &w);
    }
    discovery(&w, NON, mid++, NULL); /* malformed */
    wire_uint(&w, 17, 65535);
    wire_uint(&w, 17, 65535);
    ask_group(t, fd, group, &w);
    discovery(&w, NON, mid++, NULL);
    ask_group(t, fd, "224.0.1.200", &w); /* a group that is not ours */
    CHECK_INT(answers(t, fd, &got), 0);
    CHECK_INT(t->requests, 0);

    discovery(&w, NON, mid++, NULL); /* No-Response: 2.xx */
    wire_uint(&w, 258, 2);
    ask_group(t, fd, group, &w);
    CHECK_INT(answers(t, fd, &got), 0);
    CHECK_INT(t->requests, 1);
    code = LINTEL_CODE(4, 4); /* errors */
    discovery(&w, NON, mid++, NULL);
    ask_group(t, fd, group, &w);
    settle(t);
    CHECK_INT(t->requests, 2);
    code = LINTEL_CODE(2, 5);
    size = 0; /* nothing to say */
    CHECK_INT(answers(t, fd, &got), 0);
    discovery(&w, NON, mid++, NULL);
    ask_group(t, fd, group, &w);
    CHECK_INT(answers(t, fd, &got), 0);
    CHECK_INT(t->requests, 3);
    close(fd);
    testhost_free(t);
}

static void
allows_paths(void)
{
    static const char *const paths[] = {"/a/b", "c*", NULL};
    static const struct {
        const char *path[3];
        bool allowed;
    } cases[] = {
        {{"a", "b", NULL}, true},         {{"a", NULL, NULL}, false}, {{"a", "bc", NULL}, false},
        {{"c", NULL, NULL}, true},        {{"cd", "e", NULL}, true},  {{"d", NULL, NULL}, false},
        {{".well-known", "core"}, false},
    };
    struct testhost *t = open_host(paths);
    REQUIRE(t != NULL);
    int fd = open_client();
    struct wire w, got;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_begin(&w, NON, CODE(0, 1), 1 + (int)i, 1);
        for (int k = 0; cases[i].path[k] != NULL; k++)
            wire_path(&w, cases[i].path[k]);
        ask_group(t, fd, "224.0.1.187", &w);
        CHECK_INT(answers(t, fd, &got), cases[i].allowed);
    }
    close(fd);
    testhost_free(t);
}

static void
answers_slow_and_large_ones(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    int fd = open_client();
    struct wire w, got;
    discovery(&w, NON, 1, "later");
    ask_group(t, fd, "224.0.1.187", &w);
    settle(t);
    REQUIRE(held != 0);
    testhost_text(t, held, LINTEL_CODE(2, 5), 0, "late");
    CHECK_INT(answers(t, fd, &got), 1);
    CHECK_STR(wire_text(&got), "late");

    size = 3000; /* the first block to the group's question, further ones to its own */
    discovery(&w, NON, 2, "a=b");
    ask_group(t, fd, "224.0.1.187", &w);
    CHECK_INT(answers(t, fd, &got), 1);
    CHECK_INT(wire_get(&got, 23), 8 | 6);
    CHECK_INT(got.n - got.payload, 1024);
    long tag = wire_get(&got, 4);
    uint32_t before = t->requests;
    struct sockaddr_in hub = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)testhost_port(t, 0)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK_INT(connect(fd, (struct sockaddr *)&hub, sizeof hub), 0);
    discovery(&w, CON, 3, "a=b");
    wire_uint(&w, 23, 1 << 4 | 6);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, CODE(2, 5));
    CHECK_INT(wire_get(&got, 4), tag);
    CHECK_INT(t->requests, before);
    CHECK_HAS(base, "coap://127.0.0.1:");
    close(fd);
    testhost_free(t);
}

static void
bounds_what_waits(void)
{
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    const struct lcoap_server *s = t->self;
    int fd = open_client();
    struct wire w, got;
    for (int i = 0; i < LCOAP_MAX_GROUP_ANSWERS + 5; i++) {
        discovery(&w, NON, i, "x=y");
        ask_group(t, fd, "224.0.1.187", &w);
        settle(t);
    }
    CHECK_INT(lcoap_groups_dropped(s), 5);
    t->ahead += LCOAP_LEISURE;
    unsigned n = 0;
    for (int i = 0; i < 20; i++) {
        settle(t);
        while (recv(fd, got.bytes, sizeof got.bytes, 0) >= 0)
            n++;
    }
    CHECK_INT(n, LCOAP_MAX_GROUP_ANSWERS);
    discovery(&w, NON, 500, "x=y"); /* one that still waits when the server goes */
    ask_group(t, fd, "224.0.1.187", &w);
    settle(t);
    close(fd);
    testhost_free(t);
}

static void
judges_settings(void)
{
    static const char *const all[] = {"coap://[::]:0", NULL},
                             *const one[] = {"coap://[::1]:0", NULL},
                             *const v4[] = {"coap://0.0.0.0:0", NULL};
    static const char *const good[] = {"all", "ff05::1:3", NULL};
    static const struct {
        const char *const *listen;
        const char *groups[4];
        const char *says;
    } bad[] = {
        {one, {"all", NULL}, "add coap://[::]:5683 to `listen`"},
        {v4, {"all", NULL}, "add coap://[::]:5683 to `listen`"},
        {all, {"ff05::fe", "al", NULL}, "groups: al: \"all\" or the address of a group is wanted"},
        {all, {"2001:db8::1", NULL}, "groups: 2001:db8::1: "},
        {all, {"10.0.0.1", NULL}, "groups: 10.0.0.1: "},
        {all, {"all", "all", "all", NULL}, "at most 16"},
    };
    char log[1000];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct testhost_settings s = {
            .listen = bad[i].listen, .unprotected = true, .more = {{"groups", 0, bad[i].groups}}};
        struct testhost *t =
            testhost_new(lintel_plugin_entry.plugins[0], &s, tree, log, sizeof log);
        CHECK(t == NULL);
        CHECK_HAS(log, bad[i].says);
        if (t != NULL)
            testhost_free(t);
    }
    static const char *const nowhere[] = {"no-such0", NULL};
    struct testhost_settings s = {.listen = all,
                                  .unprotected = true,
                                  .more = {{"groups", 0, good}, {"groupInterfaces", 0, nowhere}}};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    REQUIRE(t != NULL);
    CHECK_INT(testhost_start(t), LINTEL_E_FAIL);
    CHECK_HAS(t->log, "groupInterfaces: there is no interface \"no-such0\"");
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(answers_later_and_once),
                                            KIT(keeps_quiet),
                                            KIT(allows_paths),
                                            KIT(answers_slow_and_large_ones),
                                            KIT(bounds_what_waits),
                                            KIT(judges_settings),
                                            {0}};
    return kit_main("coap groups", tests, argc, argv);
}
