/* SPDX-License-Identifier: Apache-2.0
 * Lookups (RFC 9176 section 6, its examples of section 10), their observation, long ones, and the
 * things of the hub among them. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/directory/link.h"
#include "core/serve/rd_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define LIGHT "rt=\"tag:example.org,2020:light\""

/* ---- examples -------------------------------------------------------------------------------- */

/* RFC 9176 section 6.3. */
static void
examples(void)
{
    char where[80], expected[400];
    rd_begin();
    rd_register("ep=t&base=coap://[2001:db8:3::123]:61616",
                "</temp>;rt=\"tag:example.org,2020:temperature\"", where);
    CHECK_STR(rd_get("/rd-lookup/res?rt=tag:example.org,2020:temperature"),
              "<coap://[2001:db8:3::123]:61616/temp>;rt=\"tag:example.org,2020:temperature\"");
    rd_register("ep=node5&et=tag:example.org,2020:platform&base=coap://[2001:db8:3::127]:61616",
                "</a>", where);
    rd_get("/rd-lookup/ep?et=tag:example.org,2020:platform");
    snprintf(expected, sizeof expected,
             "<%s>;ep=\"node5\";base=\"coap://[2001:db8:3::127]:61616\";rt=\"core.rd-ep\";"
             "et=\"tag:example.org,2020:platform\"",
             where);
    CHECK_STR(k.text, expected);
    CHECK_INT(k.answer_format, 40);
    /* Section 6.3, the last one: RFC 6690's example registered twice. */
    static const char sensors[] =
        "</sensors>;ct=40;title=\"Sensor Index\",</sensors/temp>;rt=temperature-c;if=sensor,"
        "</sensors/light>;rt=light-lux;if=sensor,<http://www.example.com/sensors/t123>;"
        "rel=describedby;anchor=\"/sensors/temp\",</t>;rel=alternate;anchor=\"/sensors/temp\"";
    rd_register("ep=sensor1&et=tag:example.org,2020:pair&base=coap://sensor1.example.com", sensors,
                where);
    rd_register("ep=sensor2&et=tag:example.org,2020:pair&base=coap://sensor2.example.com", sensors,
                where);
#define SENSOR(n)                                                                                  \
    "<coap://sensor" n ".example.com/sensors>;ct=40;title=\"Sensor Index\","                       \
    "<coap://sensor" n ".example.com/sensors/temp>;rt=temperature-c;if=sensor,"                    \
    "<coap://sensor" n ".example.com/sensors/light>;rt=light-lux;if=sensor,"                       \
    "<http://www.example.com/sensors/t123>;rel=describedby;"                                       \
    "anchor=\"coap://sensor" n ".example.com/sensors/temp\","                                      \
    "<coap://sensor" n ".example.com/t>;rel=alternate;"                                            \
    "anchor=\"coap://sensor" n ".example.com/sensors/temp\""
    CHECK_STR(rd_get("/rd-lookup/res?et=tag:example.org,2020:pair"), SENSOR("1") "," SENSOR("2"));
    rd_end();
}

/* RFC 9176 section 10.1: a lighting installation, and a group. */
static void
lighting(void)
{
#define ROOM "rt=\"tag:example.com,2020:light\""
    char window[80], door[80], sensor[80], group[80], uri[200];
    rd_begin();
    rd_register("ep=lm_R2-4-015_wndw&base=coap://[2001:db8:4::1]&d=R2-4-015",
                "</light/left>;" ROOM ",</light/middle>;" ROOM ",</light/right>;" ROOM, window);
    rd_register("ep=lm_R2-4-015_door&base=coap://[2001:db8:4::2]&d=R2-4-015",
                "</light/left>;" ROOM ",</light/middle>;" ROOM ",</light/right>;" ROOM, door);
    rd_register("ep=ps_R2-4-015_door&base=coap://[2001:db8:4::3]&d=R2-4-015",
                "</ps>;rt=\"tag:example.com,2020:p-sensor\"", sensor);
    rd_register("ep=grp_R2-4-015&et=core.rd-group&base=coap://[ff05::1]&d=R2-4-015",
                "</light/left>;" ROOM ",</light/middle>;" ROOM ",</light/right>;" ROOM, group);
    CHECK_HAS(rd_get("/rd-lookup/ep?d=R2-4-015&et=core.rd-group&rt=tag:example.com,2020:light"),
              group);
    CHECK_HAS(k.text, "base=\"coap://[ff05::1]\"");
    CHECK(strstr(k.text, window) == NULL);
    CHECK_HAS(rd_get("/rd-lookup/res?et=core.rd-group&href=coap://[ff05::1]/light/left"),
              "<coap://[ff05::1]/light/left>");
    snprintf(uri, sizeof uri, "/rd-lookup/res?href=%s", sensor);
    CHECK_STR(rd_get(uri), "<coap://[2001:db8:4::3]/ps>;rt=\"tag:example.com,2020:p-sensor\"");
    rd_end();
}

/* ---- queries --------------------------------------------------------------------------------- */

static void
pages(void)
{
    static const struct {
        const char *query;
        unsigned code;
        int first, n;
    } cases[] = {{"count=5&page=0", 205, 0, 5},
                 {"count=5&page=1", 205, 5, 2},
                 {"count=5&page=2", 205, 0, 0},
                 {"count=0", 205, 0, 0},
                 {"count=3", 205, 0, 3},
                 {"page=0", 400, 0, 0},
                 {"count=-1", 400, 0, 0},
                 {"count=x", 400, 0, 0},
                 {"count=", 400, 0, 0},
                 {"count=5&page=x", 400, 0, 0},
                 {"count=5&page=-1", 400, 0, 0},
                 {"count=9223372036854775807&page=9223372036854775807", 205, 0, 0}};
    char where[80], uri[200], expected[600];
    rd_begin();
    rd_register("ep=a&base=coap://h",
                "</res/0>,</res/1>,</res/2>,</res/3>,</res/4>,</res/5>,</res/6>", where);
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        size_t n = 0;
        snprintf(uri, sizeof uri, "/rd-lookup/res?%s", cases[i].query);
        CHECK_INT(rd_code(LINTEL_GET, uri, NULL), IS(cases[i].code));
        expected[0] = '\0';
        for (int j = 0; j < cases[i].n; j++)
            n += (size_t)snprintf(expected + n, sizeof expected - n, "%s<coap://h/res/%d>",
                                  j ? "," : "", cases[i].first + j);
        if (cases[i].code == 205)
            CHECK_STR(k.text, expected);
    }
    rd_end();
}

static void
refused_queries(void)
{
    char uri[4000];
    size_t n;
    rd_begin();
    n = (size_t)snprintf(uri, sizeof uri, "/rd-lookup/res?a=1");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(uri + n, sizeof uri - n, "&a%d=1", i);
    CHECK_INT(rd_code(LINTEL_GET, uri, NULL), IS(400));
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/x", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_POST, "/rd-lookup/ep", ""), IS(405));
    CHECK_INT(rd_code(LINTEL_FETCH, "/rd-lookup/res", ""), IS(405));
    rd_end();
}

static void
tagged(void)
{
    char where[80], tag[8];
    rd_begin();
    rd_register("ep=a&base=coap://h", "</x>", where);
    rd_get("/rd-lookup/res");
    memcpy(tag, k.answer_etag, 8);
    k.etag = tag;
    k.etag_n = 8;
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/res", NULL), IS(203));
    CHECK_INT(k.n, 0);
    rd_register("ep=b&base=coap://h", "</y>", where);
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/res", NULL), IS(205));
    rd_end();
}

/* ---- observation ----------------------------------------------------------------------------- */

/* RFC 9176 section 6.3: nothing, three lights, nothing. */
static void
observed(void)
{
    char west[80], other[80], uri[200];
    rd_begin();
    lintel_ticket t = rd_observe("/rd-lookup/res?rt=tag:example.org,2020:light");
    CHECK(t != 0);
    CHECK_INT(k.answers, 1);
    CHECK_INT(k.code, IS(205));
    CHECK_INT(k.flags & LINTEL_ANSWER_MORE, LINTEL_ANSWER_MORE);
    CHECK_STR(k.text, "");
    rd_register("ep=l&lt=600&base=coap://[2001:db8:3::124]",
                "</west>;" LIGHT ",</south>;" LIGHT ",</east>;" LIGHT, west);
    int before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK_INT(k.code, IS(205));
    CHECK_STR(k.text,
              "<coap://[2001:db8:3::124]/west>;" LIGHT ",<coap://[2001:db8:3::124]/south>;" LIGHT
              ",<coap://[2001:db8:3::124]/east>;" LIGHT);
    /* What is not in the set, and a refresh, are no news. */
    rd_register("ep=x&base=coap://h", "</x>;rt=other", other);
    CHECK_INT(rd_code(LINTEL_POST, west, NULL), IS(204));
    CHECK_INT(rd_code(LINTEL_DELETE, other, NULL), IS(202));
    before = k.answers;
    rd_advance(10 * SECOND);
    CHECK_INT(k.answers, before);
    /* An attribute of the endpoint is not in the answer, and no news either. */
    snprintf(uri, sizeof uri, "%s?foo=1", west);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before);
    snprintf(uri, sizeof uri, "%s?base=coap://h", west);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK_HAS(k.text, "<coap://h/west>");
    rd_advance(601 * SECOND); /* it ends by itself */
    CHECK_INT(k.answers, before + 2);
    CHECK_STR(k.text, "");
    lintel_tree_abandon(k.tree, t);
    rd_register("ep=l&base=coap://h", "</west>;" LIGHT, west);
    before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before);
    rd_end();
}

static void
many_changes_are_one_notification(void)
{
    char where[80], query[60];
    rd_begin();
    lintel_ticket t[20];
    for (int i = 0; i < 20; i++)
        t[i] = rd_observe("/rd-lookup/ep?et=sensor");
    for (int i = 0; i < 100; i++) {
        snprintf(query, sizeof query, "ep=n%d&et=sensor&base=coap://h", i);
        rd_register(query, "", where);
    }
    int before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before + 20);
    for (int i = 0; i < 20; i++)
        lintel_tree_abandon(k.tree, t[i]);
    rd_end();
}

static void
observers_lose_their_right(void)
{
    rd_begin();
    k.who = (struct peer){.peer = "[2001:db8::1]:1", .flags = LINTEL_X_OPEN};
    CHECK(rd_observe("/rd-lookup/ep") != 0);
    CHECK_INT(k.code, IS(205));
    k.site.rights = lintel_rights_new();
    lintel_rights_table(k.site.rights);
    lintel_tree_site(k.tree, &k.site);
    rd_advance(0);
    CHECK_INT(k.code, IS(401));
    CHECK_INT(lintel_tree_open(k.tree), 0);
    rd_end();
    lintel_rights_free(k.site.rights);
}

/* Each sees the sectors that it may read. */
static void
sectors_have_readers(void)
{
    char where[80], reason[LINTEL_RIGHTS_REASON];
    rd_begin();
    struct lintel_rights *r = lintel_rights_new();
    CHECK_INT(lintel_rights_add(r, "carol", reason), 0);
    CHECK_INT(
        lintel_rights_add_key(r, "carol", "carol", "0x8d3f5a1b9c7e24f6a0b1d2c3e4f50617", reason),
        0);
    CHECK_INT(lintel_rights_grant(r, "carol", "rooms", LINTEL_MAY_READ, reason), 0);
    rd_register("ep=a&d=rooms&base=coap://h", "</a>", where);
    rd_register("ep=b&d=vault&base=coap://h", "</b>", where);
    k.site.rights = r;
    k.who = (struct peer){.peer = "[2001:db8::1]:1",
                          .identity = "carol",
                          .authority = "psk",
                          .flags = LINTEL_X_SECURE,
                          .session = 4};
    CHECK_STR(rd_get("/rd-lookup/res"), "<coap://h/a>");
    CHECK_INT(rd_code(LINTEL_GET, where, NULL), IS(403));
    lintel_ticket t = rd_observe("/rd-lookup/res");
    CHECK_STR(k.text, "<coap://h/a>");
    struct peer carol = k.who;
    k.who = (struct peer){.flags = LINTEL_X_LOOPBACK};
    rd_register("ep=c&d=vault&base=coap://h", "</c>", where);
    int before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before);
    CHECK_INT(lintel_rights_grant(r, "carol", "vault", LINTEL_MAY_READ, reason), 0);
    lintel_tree_site(k.tree, &k.site);
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK_HAS(k.text, "<coap://h/c>");
    k.who = carol;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=z&d=rooms&base=coap://h", "</z>"), IS(403));
    lintel_tree_abandon(k.tree, t);
    k.site.rights = NULL;
    rd_end();
    lintel_rights_free(r);
}

/* ---- long answers ---------------------------------------------------------------------------- */

enum { MANY = 5000 };

static void
register_many(void)
{
    char where[80], query[60];
    for (int i = 0; i < MANY; i++) {
        snprintf(query, sizeof query, "ep=n%d&base=coap://h%d", i, i);
        rd_register(query, "</a>;rt=x", where);
    }
}

static void
long_answers_come_in_steps(void)
{
    rd_begin();
    register_many();
    int before = k.answers;
    lintel_ticket t = rd_ask(LINTEL_GET, "/rd-lookup/res", NULL);
    CHECK(t != 0);
    CHECK_INT(k.answers, before); /* the loop goes on meanwhile */
    char where[80];
    rd_register("ep=later&base=coap://later", "</b>", where);
    rd_advance(0);
    CHECK_INT(k.answers, before + 2);
    CHECK_INT(k.code, IS(205));
    CHECK_HAS(k.text, "<coap://h0/a>;rt=x,<coap://h1/a>");
    CHECK_HAS(k.text, "<coap://h4999/a>;rt=x");
    CHECK_INT(lintel_tree_open(k.tree), 0);
    rd_get("/hub/directory");
    CHECK_HAS(k.text, "\"ep\":\"n4999\"");
    before = k.answers;
    CHECK(rd_ask(LINTEL_GET, "/rd-lookup/ep?count=3000", NULL) != 0);
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK_HAS(k.text, "ep=\"n2999\"");
    /* No more than so many at once; observers are served in their turn. */
    lintel_ticket tickets[20];
    before = k.answers;
    for (int i = 0; i < 20; i++)
        tickets[i] = rd_ask(LINTEL_GET, "/rd-lookup/res", NULL);
    CHECK_INT(k.answers, before + 4);
    CHECK_INT(k.code, IS(503));
    CHECK_INT(k.max_age, 60);
    CHECK(tickets[0] != 0 && tickets[19] == 0);
    lintel_tree_abandon(k.tree, tickets[0]); /* in the midst of it */
    t = rd_observe("/rd-lookup/res?ep=n1*");
    rd_advance(0);
    CHECK_INT(k.answers, before + 4 + 15 + 1);
    lintel_tree_abandon(k.tree, t);
    k.conf.max_answer = 1000;
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/res", NULL), IS(503));
    CHECK_HAS(k.text, "count and page");
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/res?count=10&page=3", NULL), IS(205));
    rd_end();
}

/* How often the endpoint n{i} is in the last answer of /rd-lookup/res, by its base, with all ten
 * links or none. */
static int
times_shown(int i)
{
    char link[60];
    int n[10] = {0};
    for (int j = 0; j < 10; j++) {
        snprintf(link, sizeof link, "<coap://h%d/s/%d>;rt=x", i, j);
        for (const char *at = k.text; (at = strstr(at, link)) != NULL; at++)
            n[j]++;
        CHECK_INT(n[j], n[0]);
    }
    return n[0];
}

/* 100,000 links, and links that change while the answer is made: what stands still is there once,
 * what comes or goes is there as a whole or not at all. */
static void
long_answers_while_links_change(void)
{
    enum { ENDPOINTS = 10000, TENTHS = ENDPOINTS / 10 };
    static char where[ENDPOINTS][80];
    char links[400] = "", query[60], uri[200];
    size_t n = 0;
    for (int j = 0; j < 10; j++)
        n += (size_t)snprintf(links + n, sizeof links - n, "%s</s/%d>;rt=x", j ? "," : "", j);
    rd_begin();
    for (int i = 0; i < ENDPOINTS; i++) {
        snprintf(query, sizeof query, "ep=n%d&base=coap://h%d", i, i);
        rd_register(query, links, where[i]);
    }
    lintel_ticket t = rd_ask(LINTEL_GET, "/rd-lookup/res", NULL);
    CHECK(t != 0);
    for (int i = 5; i < ENDPOINTS; i += 10) /* a tenth goes: before and behind where it is */
        CHECK_INT(rd_code(LINTEL_DELETE, where[i], NULL), IS(202));
    for (int i = 7; i < ENDPOINTS; i += 10) { /* a tenth moves */
        snprintf(uri, sizeof uri, "%s?base=coap://moved%d", where[i], i);
        CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    }
    for (int i = 0; i < TENTHS; i++) { /* and as many come */
        snprintf(query, sizeof query, "ep=new%d&base=coap://new%d", i, i);
        rd_register(query, links, uri);
    }
    int before = k.answers;
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK_INT(k.code, IS(205));
    size_t shown = 1;
    for (const char *at = k.text; (at = strchr(at, ',')) != NULL; at++)
        shown++;
    CHECK(shown >= (ENDPOINTS - 2 * TENTHS) * 10 && shown <= (ENDPOINTS + 2 * TENTHS) * 10);
    CHECK_INT(shown % 10, 0);
    for (int i = 0; i < ENDPOINTS; i += 97) {
        int times = times_shown(i);
        CHECK(i % 10 == 5 || i % 10 == 7 ? times <= 1 : times == 1);
    }
    CHECK_INT(times_shown(0), 1);
    CHECK_INT(times_shown(ENDPOINTS - 1), 1);
    CHECK_INT(times_shown(ENDPOINTS - 5), 0); /* it went before the answer came to it */
    rd_end();
}

/* ---- things ---------------------------------------------------------------------------------- */

static void
things_are_endpoints(void)
{
    rd_begin();
    struct lintel_live_thing *meter = lintel_engine_thing_at(k.engine, 0);
    struct lintel_live_thing *lamp = lintel_engine_thing_at(k.engine, 1);
    lintel_tree_thing(k.tree, meter, 1);
    lintel_tree_thing(k.tree, lamp, 1);
    fake_set(k.engine, fake_point(0, FAKE_POWER), FAKE_REAL(21.5), LINTEL_QUALITY_GOOD);
    rd_advance(0);
    lintel_ticket t = rd_observe("/rd-lookup/ep?ep=lamp-1");
    CHECK_HAS(k.text, "state=\"down\"");
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=main-meter&d=energy"), ";gw=\"plant-7\"");
    CHECK_HAS(k.text, "base=\"coap://[::1]\"");
    CHECK_HAS(k.text, "et=\"https://example.com/models/device#/sdfObject/Device\"");
    CHECK_HAS(rd_get("/rd-lookup/res?ep=main-meter"),
              "<coap://[::1]/d/main-meter/Device/p/activePower>;rt=\"https://example.com/models/"
              "device#/sdfObject/Device/sdfProperty/activePower\";if=\"tag:lintel-hub.example,2026:"
              "property\";ct=\"50 60 110 112 0\";obs");
    k.base = "coap://192.0.2.1:5700"; /* as another client reaches the directory */
    CHECK_HAS(rd_get("/rd-lookup/res?ep=main-meter"),
              "<coap://192.0.2.1:5700/d/main-meter/Device/p/activePower>");
    lintel_tree_thing_base(k.tree, "main-meter", "coap://[fd00::1]");
    rd_advance(0);
    CHECK_HAS(rd_get("/rd-lookup/res?ep=main-meter"), "<coap://[fd00::1]/Device/p/activePower>");
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=main-meter"), "base=\"coap://[fd00::1]\"");
    lintel_tree_thing_base(k.tree, "main-meter", NULL);
    rd_advance(0);
    CHECK_HAS(rd_get("/rd-lookup/res?ep=main-meter"), "/d/main-meter/Device/p/activePower>");
    /* A device comes back. */
    int before = k.answers;
    fake_up(k.engine, 1);
    rd_advance(0);
    CHECK_INT(k.answers, before + 1);
    CHECK(strstr(k.text, "state=\"down\"") == NULL);
    lintel_tree_abandon(k.tree, t);
    /* They are not for clients to change. */
    char where[80];
    rd_get("/rd-lookup/ep?ep=main-meter");
    snprintf(where, sizeof where, "%.20s", k.text + 1);
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(403));
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(403));
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=main-meter&d=energy&base=coap://h", "</x>"), IS(403));
    lintel_tree_thing(k.tree, meter, 0);
    CHECK_STR(rd_get("/rd-lookup/ep?ep=main-meter"), "");
    CHECK_HAS(rd_get("/hub/directory"), "\"ep\":\"lamp-1\"");
    CHECK_HAS(k.text, "\"who\":\"this hub\"");
    CHECK_HAS(k.text, "\"left\":null");
    /* A name that somebody has taken meanwhile is the thing's. */
    rd_register("ep=main-meter&d=energy&base=coap://h", "</x>", where);
    lintel_tree_thing(k.tree, meter, 1);
    rd_advance(0);
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=main-meter"), "gw=");
    rd_end();
}

/* Memory is out for a moment, while a thing is told and while its state changes. */
static void
things_are_told_again(void)
{
    rd_begin();
    struct lintel_live_thing *lamp = lintel_engine_thing_at(k.engine, 1);
    lintel_tree_thing(k.tree, lamp, 1);
    lintel_mem_fail_at(1);
    rd_advance(0);
    lintel_mem_fail_at(0);
    CHECK_STR(rd_get("/rd-lookup/ep?ep=lamp-1"), "");
    rd_advance(2 * SECOND);
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=lamp-1"), "state=\"down\"");
    fake_up(k.engine, 1);
    lintel_mem_fail_at(1);
    rd_advance(0);
    lintel_mem_fail_at(0);
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=lamp-1"), "state=\"down\"");
    rd_advance(2 * SECOND);
    CHECK(strstr(rd_get("/rd-lookup/ep?ep=lamp-1"), "state=\"down\"") == NULL);
    CHECK_HAS(k.text, "lamp-1");
    rd_end();
}

static void
listed(void)
{
    char where[80];
    rd_begin();
    rd_register("ep=a&d=x&lt=60&base=coap://h", "</a>,</b>", where);
    rd_advance(10 * SECOND);
    rd_get("/hub/directory");
    CHECK_HAS(k.text, "\"ep\":\"a\",\"sector\":\"x\",\"base\":\"coap://h\",\"who\":\"[::1]\"");
    CHECK_HAS(k.text, "\"links\":2,\"lifetime\":60,\"left\":50");
    CHECK_HAS(rd_get("/hub/status"), "\"directory\":{\"registrations\":1");
    rd_end();
}

static int
observe_once(void *ctx)
{
    char where[80];
    (void)ctx;
    kit_memory_is_back();
    rd_begin();
    rd_register("ep=a&base=coap://h", "</a>", where);
    kit_memory_fails_from_here();
    int before = k.answers;
    lintel_ticket t = rd_observe("/rd-lookup/res?rt=x");
    rd_ask(LINTEL_POST, "/rd?ep=b&base=coap://h", "</b>;rt=x");
    kit_memory_is_back();
    rd_advance(0);
    CHECK(k.answers >= before + 2);
    int done = t != 0 && k.code == IS(205) && strcmp(k.text, "<coap://h/b>;rt=x") == 0;
    lintel_tree_abandon(k.tree, t);
    rd_end();
    return done;
}

static void
out_of_memory(void)
{
    CHECK(kit_each_failure(observe_once, NULL) > 5);
}

/* Section 6.4: a link-local address means something on its link alone. */
static void
link_local_endpoints_stay_on_their_link(void)
{
    char where[80];
    rd_begin();
    k.who.flags = LINTEL_X_OPEN;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=n&base=coap://[fe80::7]", NULL), IS(400));
    CHECK_HAS(k.text, "link-local");
    k.who.scope = 3;
    k.who.origin = "coap://[fe80::7]";
    rd_register("ep=n", "</a>", where);
    rd_register("ep=far&base=coap://[2001:db8::7]", "</a>", where);
    CHECK_STR(rd_get("/rd-lookup/res?ep=n"), "<coap://[fe80::7]/a>");
    k.who.scope = 4;
    CHECK_STR(rd_get("/rd-lookup/res?ep=n"), "");
    CHECK_STR(rd_get("/rd-lookup/ep?ep=n"), "");
    k.who.scope = 0;
    k.who.origin = "coap://[2001:db8::8]";
    CHECK_STR(rd_get("/rd-lookup/res?ep=n"), "");
    CHECK_STR(rd_get("/rd-lookup/res?ep=far"), "<coap://[2001:db8::7]/a>");
    /* Known by an address that reaches further, it is everybody's. */
    k.who.scope = 3;
    k.who.origin = "coap://[fe80::7]";
    rd_register("ep=n&base=coap://[FEC0::1]", "</a>", where);
    k.who.scope = 0;
    CHECK_STR(rd_get("/rd-lookup/res?ep=n"), "<coap://[FEC0::1]/a>");
    rd_end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(examples),
                                            KIT(lighting),
                                            KIT(pages),
                                            KIT(refused_queries),
                                            KIT(tagged),
                                            KIT(observed),
                                            KIT(many_changes_are_one_notification),
                                            KIT(observers_lose_their_right),
                                            KIT(sectors_have_readers),
                                            KIT(link_local_endpoints_stay_on_their_link),
                                            KIT(long_answers_come_in_steps),
                                            KIT(long_answers_while_links_change),
                                            KIT(things_are_endpoints),
                                            KIT(things_are_told_again),
                                            KIT(listed),
                                            KIT(out_of_memory),
                                            {0}};
    return kit_main("rd_lookup", tests, argc, argv);
}
