/* SPDX-License-Identifier: Apache-2.0
 * What is done where memory is out: libcoap gets nothing to do, and what could not be written is
 * told by its code. */
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <string.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

enum { LONG = 60, SEGMENTS = 24 }; /* a location that fits no message */

static lintel_ticket open_ticket; /* of /later */
static unsigned done;

static bool
asks_for(const lintel_exchange *x, const char *name)
{
    return x->npath == 1 && x->path[0].n == strlen(name) &&
           memcmp(x->path[0].p, name, x->path[0].n) == 0;
}

/* An answer that no message takes: writing it fails as it does without memory. */
static void
answer_too_much(struct testhost *t, lintel_ticket ticket, uint32_t code)
{
    static const char segment[LONG + 1] =
        "012345678901234567890123456789012345678901234567890123456789";
    lintel_span location[SEGMENTS];
    for (size_t i = 0; i < SEGMENTS; i++)
        location[i] = (lintel_span){segment, LONG};
    lintel_answer a = {.size = sizeof a, .code = code, .format = LINTEL_FORMAT_NONE};
    if (code == LINTEL_CODE(2, 1)) {
        a.location = location;
        a.nlocation = SEGMENTS;
    } else {
        a.location_query = location;
        a.nlocation_query = SEGMENTS;
    }
    testhost_answer(t, ticket, &a);
}

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    if (asks_for(x, "later"))
        open_ticket = ticket;
    else if (asks_for(x, "much")) {
        done++;
        answer_too_much(t, ticket, LINTEL_CODE(2, 1));
    } else
        testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, "ok");
}

static struct testhost *
open_host(int *ret_fd)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings s = {.listen = listen};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    CHECK(t != NULL);
    CHECK_INT(testhost_start(t), LINTEL_OK);
    *ret_fd = wire_open(t, 0, AF_INET6);
    done = 0;
    return t;
}

static void
request(struct wire *w, int code, int mid, const char *path)
{
    wire_begin(w, CON, code, mid, mid & 0xff);
    wire_path(w, path);
}

static void
nothing_begins_without(void)
{
    int fd;
    struct wire w, got;
    struct testhost *t = open_host(&fd);
    struct lcoap_server *s = t->self;
    CHECK(s->reserve.block != NULL);

    /* The block is gone, and there is none to be had. */
    s->reserve.refused = true;
    CHECK(lcoap_reserve_give(s));
    lcoap_reserve_take(s);
    CHECK(!lcoap_reserve_give(s));
    lcoap_reserve_take(s);
    request(&w, CODE(0, 1), 1, "x");
    CHECK(wire_send(fd, &w));
    uint32_t before = t->requests;
    for (int i = 0; i < 20 && !s->starved; i++)
        testhost_turn(t, 10);
    CHECK(s->starved);
    for (int i = 0; i < 3; i++) { /* and it stays so, without a turn of libcoap */
        t->ahead += LCOAP_STARVED_MS * (LCOAP_SECOND / 1000);
        testhost_turn(t, 0);
        CHECK(s->starved);
    }
    CHECK_INT(t->requests, before);

    /* What waited is served when there is memory. */
    s->reserve.refused = false;
    t->ahead += LCOAP_STARVED_MS * (LCOAP_SECOND / 1000);
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.code, CODE(2, 5));
    CHECK_INT(got.mid, 1);
    CHECK(!s->starved);
    CHECK(s->reserve.block != NULL);
    CHECK_INT(s->reserve.given, 0);
    close(fd);
    testhost_free(t);
}

/* An answer that is owed comes by its own message, a quarter of a second later. */
static void
check_owed(struct testhost *t, int fd, int token, int code)
{
    struct wire got;
    t->ahead += LCOAP_SECOND / 4;
    CHECK(wire_receive(t, fd, &got));
    CHECK_INT(got.type, CON);
    CHECK_INT(got.code, code);
    CHECK_INT(got.ntoken, 1);
    CHECK_INT(got.token[0], token);
    CHECK_INT(got.payload, got.n);
    CHECK_INT(wire_get(&got, 8), -1); /* no half of a location */
    CHECK(wire_empty(fd, ACK, got.mid));
}

static void
an_answer_is_owed(void)
{
    int fd;
    struct wire w, got;
    struct testhost *t = open_host(&fd);
    request(&w, CODE(0, 2), 7, "much");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.type, ACK);
    CHECK_INT(got.code, 0);
    CHECK_INT(got.n, 4); /* nothing of what could be written */
    check_owed(t, fd, 7, CODE(5, 3));

    /* The same request again is not done again. */
    CHECK(wire_send(fd, &w));
    for (int i = 0; i < 5; i++)
        testhost_turn(t, 5);
    CHECK_INT(done, 1);
    close(fd);
    testhost_free(t);
}

static void
a_late_answer_is_owed(void)
{
    int fd;
    struct wire w, got;
    struct testhost *t = open_host(&fd);
    request(&w, CODE(0, 1), 9, "later");
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_INT(got.code, 0);
    answer_too_much(t, open_ticket, LINTEL_CODE(2, 4));
    check_owed(t, fd, 9, CODE(5, 3));
    CHECK_INT(t->open, 0);

    /* And the client goes on. */
    request(&w, CODE(0, 1), 10, "x");
    CHECK(wire_ask(t, fd, &w, &got) && (got.type == ACK || wire_receive(t, fd, &got)));
    CHECK_INT(got.code, CODE(2, 5));
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(nothing_begins_without), KIT(an_answer_is_owed), KIT(a_late_answer_is_owed), {0}};
    return kit_main("coap reserve", tests, argc, argv);
}
