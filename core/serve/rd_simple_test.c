/* SPDX-License-Identifier: Apache-2.0
 * Simple registration (RFC 9176 section 5.1). */
#include <stdio.h>
#include <string.h>

#include "core/serve/rd_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define POST "/.well-known/rd?ep=node1&lt=6000"
#define LINKS "</sensors/temp>;rt=temperature-c;if=sensor"

static void
begin(void)
{
    rd_begin();
    k.who.origin = "coap://[2001:db8:2::1]";
    k.who.session = 9;
}

static void
fetched(void)
{
    begin();
    lintel_ticket t = rd_ask(LINTEL_POST, POST, NULL);
    CHECK(t != 0);
    CHECK_INT(k.answers, 0); /* not before it is there */
    CHECK_STR(k.uri, "coap://[2001:db8:2::1]/.well-known/core");
    CHECK_INT(k.sent_session, 9);
    CHECK_STR(rd_get("/rd-lookup/ep?ep=node1"), "");
    rd_reply(IS(205), 40, 60, "e1", LINKS);
    CHECK_INT(k.code, IS(204));
    CHECK_STR(k.location, "");
    CHECK_STR(rd_get("/rd-lookup/res?ep=node1"),
              "<coap://[2001:db8:2::1]/sensors/temp>;rt=temperature-c;if=sensor");
    /* What is still fresh is not fetched again. */
    CHECK_INT(rd_code(LINTEL_POST, POST "&foo=1", NULL), IS(204));
    CHECK_INT(k.sent, 1);
    CHECK_HAS(rd_get("/rd-lookup/ep?foo=1"), "ep=\"node1\"");
    rd_end();
}

static void
fetched_again(void)
{
    begin();
    rd_ask(LINTEL_POST, POST, NULL);
    rd_reply(IS(205), 40, 100, "e1", LINKS);
    rd_advance(99 * SECOND);
    CHECK_INT(k.sent, 1);
    rd_advance(2 * SECOND);
    CHECK_INT(k.sent, 2);
    CHECK(k.sent_etag_n == 2 && memcmp(k.sent_etag, "e1", 2) == 0);
    rd_reply(IS(203), LINTEL_FORMAT_NONE, 100, "e1", NULL);
    CHECK_HAS(rd_get("/rd-lookup/res?ep=node1"), "/sensors/temp>");
    rd_advance(101 * SECOND);
    CHECK_INT(k.sent, 3);
    rd_reply(IS(205), 40, 100, "e2", "</other>");
    CHECK_STR(rd_get("/rd-lookup/res?ep=node1"), "<coap://[2001:db8:2::1]/other>");
    /* A silent endpoint keeps its links until its end; it is asked less and less often. */
    rd_advance(101 * SECOND);
    CHECK_INT(k.sent, 4);
    rd_reply(IS(504), LINTEL_FORMAT_NONE, 0, NULL, NULL);
    rd_advance(119 * SECOND);
    CHECK_INT(k.sent, 4);
    rd_advance(2 * SECOND);
    CHECK_INT(k.sent, 5);
    CHECK_STR(rd_get("/rd-lookup/res?ep=node1"), "<coap://[2001:db8:2::1]/other>");
    rd_reply(IS(205), 40, 5000, "e3", "</third>");
    /* Fetching does not prolong it. */
    rd_advance((6000 - 424) * SECOND);
    CHECK_STR(rd_get("/rd-lookup/ep?ep=node1"), "");
    int sent = k.sent;
    rd_advance(7000 * SECOND);
    CHECK_INT(k.sent, sent);
    rd_end();
}

/* The transport that brought the registration is gone: another one fetches. */
static void
fetched_by_another(void)
{
    begin();
    rd_ask(LINTEL_POST, POST, NULL);
    rd_reply(IS(205), 40, 100, "e1", LINKS);
    k.gone = 1;
    rd_advance(101 * SECOND);
    CHECK_INT(k.sent, 2);
    CHECK(k.sent_anyhow && k.sent_session == 0);
    CHECK(k.sent_etag_n == 2 && memcmp(k.sent_etag, "e1", 2) == 0);
    rd_reply(IS(205), 40, 100, "e2", "</other>");
    CHECK_STR(rd_get("/rd-lookup/res?ep=node1"), "<coap://[2001:db8:2::1]/other>");
    rd_end();
}

static void
shared(void)
{
    char uri[100];
    begin();
    for (int i = 0; i < 16; i++) {
        snprintf(uri, sizeof uri, "/.well-known/rd?ep=n%d", i);
        CHECK(rd_ask(LINTEL_POST, uri, NULL) != 0);
    }
    CHECK_INT(k.sent, 1);
    CHECK_INT(rd_code(LINTEL_POST, "/.well-known/rd?ep=n16", NULL), IS(503));
    CHECK_INT(k.max_age, 60);
    int before = k.answers;
    rd_reply(IS(205), LINTEL_FORMAT_NONE, 60, NULL, LINKS);
    CHECK_INT(k.answers, before + 16);
    CHECK_INT(k.code, IS(204));
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=n15"), "n15");
    /* And no more than so many at once. */
    static char origins[80][40];
    for (int i = 0; i < 65; i++) {
        snprintf(origins[i], sizeof origins[i], "coap://[2001:db8::%x]", (unsigned)i + 1);
        k.who.origin = origins[i];
        snprintf(uri, sizeof uri, "/.well-known/rd?ep=m%d", i);
        lintel_ticket t = rd_ask(LINTEL_POST, uri, NULL);
        CHECK_INT(t != 0, i < 64);
    }
    CHECK_INT(k.code, IS(503));
    lintel_tree_free(k.tree); /* in the midst of it */
    CHECK_INT(k.code, IS(503));
    fake_engine_free(k.engine);
    lintel_loop_free(k.loop);
}

static void
failures(void)
{
    static const struct {
        unsigned code;
        int32_t format;
        const char *payload, *text;
        unsigned expected;
    } cases[] = {{504, -1, NULL, "did not answer", 504}, {502, -1, NULL, "5.02", 502},
                 {404, -1, NULL, "4.04", 502},           {205, 50, "[]", "Content-Format 40", 502},
                 {205, 40, "<temp>", "byte 0", 502},     {205, 40, "</x", "byte", 502},
                 {203, -1, NULL, "valid", 502},          {503, -1, NULL, "5.03", 503}};
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        CHECK(rd_ask(LINTEL_POST, POST, NULL) != 0);
        rd_reply(IS(cases[i].code), cases[i].format, 60, NULL, cases[i].payload);
        CHECK_INT(k.code, IS(cases[i].expected));
        CHECK_HAS(k.text, cases[i].text);
        CHECK_STR(rd_get("/rd-lookup/ep?ep=node1"), "");
    }
    rd_reply(IS(205), 40, 60, NULL, LINKS); /* one that nobody waits for */
    CHECK_STR(rd_get("/rd-lookup/ep"), "");
    k.send_status = LINTEL_E_NOTSUP;
    CHECK_INT(rd_ask(LINTEL_POST, POST, NULL), 0);
    CHECK_INT(k.code, IS(501));
    k.send_status = LINTEL_E_BUSY;
    CHECK_INT(rd_ask(LINTEL_POST, POST, NULL), 0);
    CHECK_INT(k.code, IS(503));
    k.send_status = LINTEL_OK;
    /* Who has gone meanwhile is registered all the same. */
    lintel_ticket t = rd_ask(LINTEL_POST, POST, NULL);
    lintel_tree_abandon(k.tree, t);
    rd_reply(IS(205), 40, 60, NULL, "");
    CHECK_HAS(rd_get("/rd-lookup/ep"), "node1");
    rd_end();
}

static void
refused(void)
{
    begin();
    CHECK_INT(rd_code(LINTEL_POST, POST "&base=coap://h", NULL), IS(400));
    CHECK_INT(rd_code(LINTEL_POST, POST, LINKS), IS(400));
    CHECK_INT(rd_code(LINTEL_POST, "/.well-known/rd", NULL), IS(400));
    CHECK_INT(rd_code(LINTEL_POST, POST "&page=1", NULL), IS(400));
    CHECK_INT(rd_code(LINTEL_POST, POST "&lwm2m=1.1", NULL), IS(400));
    CHECK_INT(rd_code(LINTEL_GET, "/.well-known/rd", NULL), IS(405));
    k.who.flags |= LINTEL_X_RELIABLE;
    CHECK_INT(rd_code(LINTEL_POST, POST, NULL), IS(400));
    k.who.flags &= ~(uint32_t)LINTEL_X_RELIABLE;
    k.who.origin = NULL;
    CHECK_INT(rd_code(LINTEL_POST, POST, NULL), IS(400));
    CHECK_INT(k.sent, 0);
    rd_end();
}

/* Whose address may be forged must show first that it gets what is sent there. */
static void
forged(void)
{
    begin();
    k.who.flags = LINTEL_X_OPEN | LINTEL_X_LIMITED;
    CHECK_INT(rd_code(LINTEL_POST, POST, NULL), IS(401));
    CHECK(k.echo_n != 0);
    CHECK_INT(k.sent, 0);
    memcpy(k.who.echo, k.echo, k.echo_n);
    k.who.echo_n = k.echo_n;
    CHECK(rd_ask(LINTEL_POST, POST, NULL) != 0);
    CHECK_INT(k.sent, 1);
    rd_reply(IS(205), 40, 60, NULL, LINKS);
    CHECK_INT(k.code, IS(204));
    rd_end();
}

static void
taken_meanwhile(void)
{
    char where[80];
    begin();
    k.who.identity = "alice";
    k.who.authority = "psk";
    k.who.flags = LINTEL_X_SECURE | LINTEL_X_LOOPBACK;
    CHECK(rd_ask(LINTEL_POST, POST, NULL) != 0);
    k.who.identity = "bob";
    rd_register("ep=node1", "</bob>", where);
    rd_reply(IS(205), 40, 60, NULL, LINKS);
    CHECK_INT(k.code, IS(403));
    CHECK_STR(rd_get(where), "</bob>");
    /* Its resource was never told, and is not to be used. */
    CHECK(rd_ask(LINTEL_POST, "/.well-known/rd?ep=node2", NULL) != 0);
    rd_reply(IS(205), 40, 60, NULL, LINKS);
    CHECK_INT(k.code, IS(204));
    char uri[40];
    rd_get("/rd-lookup/ep?ep=node2");
    snprintf(uri, sizeof uri, "%.20s", k.text + 1);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(403));
    rd_end();
}

static int
fetch_once(void *ctx)
{
    (void)ctx;
    kit_memory_is_back();
    begin();
    kit_memory_fails_from_here();
    lintel_ticket t = rd_ask(LINTEL_POST, POST, NULL);
    if (t != 0)
        rd_reply(IS(205), 40, 60, "e1", LINKS);
    kit_memory_is_back();
    CHECK_INT(k.answers, 1);
    const char *found = rd_get("/rd-lookup/ep?ep=node1");
    int done = found[0] != '\0';
    rd_end();
    return done;
}

static void
out_of_memory(void)
{
    CHECK(kit_each_failure(fetch_once, NULL) > 5);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(fetched), KIT(fetched_again),   KIT(fetched_by_another),
        KIT(shared),  KIT(failures),        KIT(refused),
        KIT(forged),  KIT(taken_meanwhile), KIT(out_of_memory),
        {0}};
    return kit_main("rd_simple", tests, argc, argv);
}
