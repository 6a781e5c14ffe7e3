/* SPDX-License-Identifier: Apache-2.0
 * Observations, by raw datagrams: order, pace, ends. */
#include "plugins/coap/coap_server.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

enum { OBSERVE = 6, BLOCK2 = 23 };
static lintel_ticket stream; /* of the last observation */
static uint32_t flags;       /* of the last request */
static int late, twice;      /* the tree answers later; twice at once */

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    flags = x->flags;
    if ((x->flags & LINTEL_X_OBSERVE) == 0) {
        testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, "plain");
        return;
    }
    stream = ticket;
    if (!late)
        testhost_text(t, ticket, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "first");
    if (twice)
        testhost_text(t, ticket, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "second");
}

static struct testhost *
open_host(int64_t max_observers)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings s = {.listen = listen, .max_observers = max_observers};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    late = twice = 0;
    CHECK(t != NULL);
    if (t != NULL)
        CHECK_INT(testhost_start(t), LINTEL_OK);
    return t;
}

static void
notify(struct testhost *t, const char *text)
{
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, text);
}

/* Observe 0: register, 1: deregister. */
static void
observe(struct testhost *t, int fd, int mid, int token, unsigned value, struct wire *ret)
{
    struct wire w;
    wire_begin(&w, CON, CODE(0, 1), mid, token);
    wire_uint(&w, OBSERVE, value);
    wire_path(&w, "lamp");
    CHECK(wire_ask(t, fd, &w, ret));
}

static void
notifies_in_order(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6), confirmable = 0, mid = -1;
    struct wire got;
    char text[20];
    observe(t, fd, 1, 0x11, 0, &got);
    CHECK_INT(got.type, ACK);
    CHECK_STR(wire_text(&got), "first");
    long before = wire_get(&got, OBSERVE);
    CHECK(before > 0);
    for (int i = 0; i < 12; i++) {
        snprintf(text, sizeof text, "v%d", i);
        notify(t, text);
        CHECK(wire_receive(t, fd, &got));
        CHECK_STR(wire_text(&got), text);
        CHECK_INT(got.token[0], 0x11);
        CHECK(got.mid != mid);
        mid = got.mid;
        CHECK(wire_get(&got, OBSERVE) > before);
        before = wire_get(&got, OBSERVE);
        if (got.type == CON) {
            confirmable++;
            CHECK_INT(i % LCOAP_CON_EVERY, LCOAP_CON_EVERY - 1);
            CHECK(wire_empty(fd, ACK, got.mid));
            CHECK(wire_quiet(t, fd, 100 + i)); /* it has arrived */
        }
    }
    CHECK_INT(confirmable, 12 / LCOAP_CON_EVERY);
    CHECK_INT(t->abandoned, 0);
    t->ahead += LCOAP_CON_AT_LEAST; /* RFC 7641 4.5 */
    notify(t, "next day");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON);
    close(fd);
    testhost_free(t);
}

static void
newest_replaces_what_waits(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    uint32_t confirm = LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM;
    observe(t, fd, 1, 0x11, 0, &got);
    lintel_ticket one = stream;
    observe(t, fd, 2, 0x22, 0, &got);
    lintel_ticket two = stream;
    testhost_text(t, one, LINTEL_CODE(2, 5), confirm, "a");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON);
    int mid = got.mid;
    testhost_text(t, one, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "b"); /* all wait: NSTART is 1 */
    testhost_text(t, one, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "c");
    testhost_text(t, two, LINTEL_CODE(2, 5), confirm, "x");
    testhost_text(t, two, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "y");
    CHECK(wire_quiet(t, fd, 3));
    CHECK(wire_empty(fd, ACK, mid + 1)); /* of something else */
    CHECK(wire_quiet(t, fd, 4));
    CHECK(wire_empty(fd, ACK, mid));
    CHECK(wire_receive(t, fd, &got));
    CHECK_STR(wire_text(&got), "c");
    CHECK_INT(got.type, NON);
    CHECK(wire_receive(t, fd, &got));
    CHECK_STR(wire_text(&got), "y");
    CHECK_INT(got.type, CON); /* what must arrive still must */
    CHECK_INT(got.token[0], 0x22);
    CHECK(wire_empty(fd, ACK, got.mid));
    CHECK(wire_quiet(t, fd, 5));
    close(fd);
    testhost_free(t);
}

static void
rejected(int confirm)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    testhost_text(t, stream, LINTEL_CODE(2, 5),
                  LINTEL_ANSWER_MORE | (confirm ? LINTEL_ANSWER_CONFIRM : 0u), "a");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, confirm ? CON : NON);
    int stranger = wire_open(t, 0, AF_INET6);
    CHECK(wire_empty(stranger, RST, got.mid));
    CHECK(wire_quiet(t, stranger, 2));
    CHECK_INT(t->abandoned, 0);
    CHECK(wire_empty(fd, RST, got.mid));
    CHECK(wire_quiet(t, fd, 3));
    CHECK_INT(t->abandoned, 1);
    notify(t, "nobody hears");
    CHECK(wire_quiet(t, fd, 4));
    CHECK_INT(t->open, 0);
    close(fd);
    close(stranger);
    testhost_free(t);
}

static void
ends_when_a_notification_is_rejected(void)
{
    rejected(0);
    rejected(1);
}

static void
sees_behind_long_datagrams(void)
{
    static const char odd[9000], huge[9000] = {0x40}; /* longer than libcoap reads */
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    CHECK(send(fd, odd, sizeof odd, 0) == sizeof odd); /* of version 0: ignored */
    CHECK(send(fd, huge, sizeof huge, 0) == sizeof huge);
    CHECK(wire_receive(t, fd, &got)); /* it is no message at all */
    CHECK_INT(got.type, RST);
    CHECK(wire_quiet(t, fd, 2));
    notify(t, "a");
    CHECK(wire_receive(t, fd, &got));
    CHECK(wire_empty(fd, RST, got.mid));
    CHECK(wire_quiet(t, fd, 3));
    CHECK_INT(t->abandoned, 1);
    close(fd);
    testhost_free(t);
}

static void
ends_when_asked(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    lintel_ticket kept = stream;
    observe(t, fd, 2, 0x22, 0, &got);
    observe(t, fd, 3, 0x33, 1, &got); /* not a token of ours */
    CHECK_INT(t->abandoned, 0);
    observe(t, fd, 4, 0x22, 1, &got);
    CHECK_STR(wire_text(&got), "plain");
    CHECK_INT(wire_get(&got, OBSERVE), -1);
    CHECK_INT(t->abandoned, 1);
    notify(t, "nobody hears");
    CHECK(wire_quiet(t, fd, 5));
    stream = kept;
    notify(t, "the other goes on");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.token[0], 0x11);
    close(fd);
    testhost_free(t);
}

static void
same_token_replaces(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    notify(t, "a");
    CHECK(wire_receive(t, fd, &got));
    long before = wire_get(&got, OBSERVE);
    observe(t, fd, 2, 0x11, 0, &got);
    CHECK(wire_get(&got, OBSERVE) > before);
    CHECK_INT(t->abandoned, 1);
    CHECK_INT(t->open, 1);
    int other = wire_open(t, 0, AF_INET6); /* the same token of somebody else */
    observe(t, other, 2, 0x11, 0, &got);
    CHECK_INT(t->abandoned, 1);
    CHECK_INT(t->open, 2);
    close(fd);
    close(other);
    testhost_free(t);
}

static void
error_ends_it(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    testhost_text(t, stream, LINTEL_CODE(4, 4), 0, "the lamp is gone");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON); /* the last word must arrive */
    CHECK_INT(got.code, CODE(4, 4));
    CHECK_INT(wire_get(&got, OBSERVE), -1);
    CHECK(wire_empty(fd, ACK, got.mid));
    CHECK(wire_quiet(t, fd, 2));
    CHECK_INT(t->abandoned, 0);
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

static void
last_word_waits_its_turn(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 0x11, 0, &got);
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM, "a");
    CHECK(wire_receive(t, fd, &got));
    testhost_text(t, stream, LINTEL_CODE(4, 4), 0, "gone");
    CHECK(wire_quiet(t, fd, 2));
    CHECK(wire_empty(fd, ACK, got.mid));
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.code, CODE(4, 4));
    CHECK(wire_empty(fd, RST, got.mid)); /* whatever the client thinks of it */
    CHECK(wire_quiet(t, fd, 3));
    CHECK_INT(t->abandoned, 0);
    close(fd);
    testhost_free(t);
}

static void
begins_late_or_at_once(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    late = 1;
    observe(t, fd, 1, 0x11, 0, &got);
    CHECK_INT(got.n, 4);
    notify(t, "slow device");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON);
    CHECK(wire_get(&got, OBSERVE) > 0);
    notify(t, "waits");
    CHECK(wire_empty(fd, ACK, got.mid));
    CHECK(wire_receive(t, fd, &got));
    CHECK_STR(wire_text(&got), "waits");
    CHECK_INT(got.type, NON);
    late = 0;
    twice = 1; /* nothing overtakes the first answer */
    observe(t, fd, 2, 0x22, 0, &got);
    CHECK_INT(got.type, ACK);
    CHECK_STR(wire_text(&got), "first");
    long before = wire_get(&got, OBSERVE);
    CHECK(wire_receive(t, fd, &got));
    CHECK_STR(wire_text(&got), "second");
    CHECK(wire_get(&got, OBSERVE) > before);
    close(fd);
    testhost_free(t);
}

static void
large_notifications_go_on_in_blocks(void)
{
    struct testhost *t = open_host(0);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w, got;
    static char body[2500];
    memset(body, 'z', sizeof body - 1);
    const struct lcoap_server *s = t->self;
    observe(t, fd, 1, 0x11, 0, &got);
    notify(t, body); /* nobody asks for the rest: it is not kept for ever */
    CHECK(wire_receive(t, fd, &got));
    CHECK(s->transfer_bytes > 2499);
    t->ahead += LCOAP_TRANSMIT_WAIT + LCOAP_SECOND;
    testhost_turn(t, 0);
    CHECK_INT(s->transfer_bytes, 0);
    notify(t, body);
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(wire_get(&got, BLOCK2), 8 | 6);
    CHECK_INT(got.n - got.payload, 1024);
    long tag = wire_get(&got, 4);
    uint32_t requests = t->requests;
    wire_begin(&w, CON, CODE(0, 1), 2,
               0x77); /* RFC 7959 3.4: without Observe, with a token of its own */
    wire_path(&w, "lamp");
    wire_uint(&w, BLOCK2, 2 << 4 | 6);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(wire_get(&got, BLOCK2), 2 << 4 | 6);
    CHECK_INT(got.n - got.payload, 2499 - 2048);
    CHECK_INT(wire_get(&got, 4), tag);
    CHECK_INT(t->requests, requests);
    CHECK_INT(t->abandoned, 0);
    close(fd);
    testhost_free(t);
}

static void
bounded(void)
{
    struct testhost *t = open_host(2);
    REQUIRE(t != NULL);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire got;
    observe(t, fd, 1, 1, 0, &got);
    observe(t, fd, 2, 2, 0, &got);
    observe(t, fd, 3, 3, 0, &got);
    CHECK_INT(flags & LINTEL_X_OBSERVE, 0);
    CHECK_STR(wire_text(&got), "plain");
    CHECK_INT(wire_get(&got, OBSERVE), -1);
    observe(t, fd, 4, 2, 0, &got); /* renewing is no third one */
    CHECK(wire_get(&got, OBSERVE) > 0);
    CHECK_INT(t->open, 2);
    close(fd);
    testhost_free(t);
}

/* Where the sockets can't be looked at: no descriptor is left to read /proc with. */
static void
works_blind(void)
{
    struct rlimit before, few;
    struct wire got;
    int next = dup(0);
    close(next);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = (rlim_t)next + 4; /* the host's epoll, libcoap's epoll, timer and socket */
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    struct testhost *t = open_host(0);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(t != NULL);
    CHECK_HAS(t->log, "/proc/self/fdinfo can't be read");
    int fd = wire_open(t, 0, AF_INET6);
    observe(t, fd, 1, 0x11, 0, &got);
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM, "a");
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON);
    notify(t, "waits");
    CHECK(wire_empty(fd, ACK, got.mid));
    CHECK(wire_quiet(t, fd, 2)); /* the acknowledgement is not seen */
    t->ahead += 5 * LCOAP_SECOND;
    CHECK(wire_receive(t, fd, &got));
    CHECK_STR(wire_text(&got), "waits");
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM, "b");
    CHECK(wire_receive(t, fd, &got));
    CHECK(wire_empty(fd, RST, got.mid)); /* libcoap tells of this one */
    CHECK(wire_quiet(t, fd, 3));
    CHECK_INT(t->abandoned, 1);
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(notifies_in_order),
                                            KIT(newest_replaces_what_waits),
                                            KIT(ends_when_a_notification_is_rejected),
                                            KIT(sees_behind_long_datagrams),
                                            KIT(ends_when_asked),
                                            KIT(same_token_replaces),
                                            KIT(error_ends_it),
                                            KIT(last_word_waits_its_turn),
                                            KIT(begins_late_or_at_once),
                                            KIT(large_notifications_go_on_in_blocks),
                                            KIT(bounded),
                                            KIT(works_blind),
                                            {0}};
    return kit_main("coap observe", tests, argc, argv);
}
