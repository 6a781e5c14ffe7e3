/* SPDX-License-Identifier: Apache-2.0
 * Registration, update, removal (RFC 9176 section 5), policies and limits. */
#include "core/serve/rd.h"

#include <stdio.h>
#include <string.h>

#include "core/serve/rd_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define TEMP "</sensors/temp>;rt=temperature-c;if=sensor"
#define BASE "&base=coap://[2001:db8:3::1]"

static void
be(const char *identity, uint64_t session, const char *peer)
{
    k.who = (struct peer){.peer = peer,
                          .origin = "coaps://[2001:db8::9]",
                          .identity = identity,
                          .authority = identity != NULL ? "psk" : NULL,
                          .flags = LINTEL_X_OPEN |
                                   (identity != NULL ? LINTEL_X_SECURE : LINTEL_X_LIMITED),
                          .session = session};
}

/* The counter that the last answer wants to see again. */
static void
send_echo_back(void)
{
    memcpy(k.who.echo, k.echo, sizeof k.echo);
    k.who.echo_n = k.echo_n;
}

/* ---- discovery ------------------------------------------------------------------------------- */

#define RD "</rd>;rt=\"core.rd\";ct=40"
#define EP "</rd-lookup/ep>;rt=\"core.rd-lookup-ep\";ct=40;obs"
#define RES "</rd-lookup/res>;rt=\"core.rd-lookup-res\";ct=40;obs"

static void
discovered(void)
{
    rd_begin();
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd"), RD);
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd-lookup*"), EP "," RES);
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd-lookup-ep"), EP);
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd-lookup-res"), RES);
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd*"), RD "," EP "," RES);
    CHECK_HAS(rd_get("/.well-known/core?rel=impl-info"), "/lintel/");
    k.who.flags |= LINTEL_X_MULTICAST;
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd*"), RD "," EP "," RES);
    CHECK_INT(rd_code(LINTEL_GET, "/.well-known/core?rt=core.nothing", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/ep?ep=nobody", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a" BASE, TEMP), IS(405));
    rd_end();
}

/* ---- registration ---------------------------------------------------------------------------- */

static void
registered(void)
{
    char first[80], again[80];
    rd_begin();
    rd_register("ep=node1&lt=60&et=x&et=y&foo=1&foo=2" BASE, TEMP, first);
    CHECK(strncmp(first, "/rd/", 4) == 0 && strlen(first) == 4 + 16);
    CHECK(strstr(first, "node1") == NULL);
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=node1&et=y&foo=2"), first);
    CHECK(strstr(k.text, "lt=") == NULL);
    CHECK_HAS(rd_get("/rd-lookup/ep?foo=1"), "base=\"coap://[2001:db8:3::1]\"");
    CHECK_STR(rd_get(first), TEMP);
    /* The same name: the same resource, and nothing of before is left. */
    rd_register("ep=node1" BASE, "", again);
    CHECK_STR(again, first);
    CHECK_STR(rd_get("/rd-lookup/ep?et=x"), "");
    CHECK_STR(rd_get("/rd-lookup/res?ep=node1"), "");
    rd_advance(3600 * SECOND); /* lt is the default's again */
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=node1"), first);
    rd_register("ep=node1&d=other" BASE, TEMP, again);
    CHECK(strcmp(again, first) != 0);
    rd_end();
}

static void
refused_registrations(void)
{
    static const char at63[] = "ep=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123";
    static const struct {
        const char *query, *links, *text;
        unsigned code;
    } cases[] = {
        {"lt=5", "", "ep: the endpoint's name", 400},
        {"ep=", "", "ep: 1 to 63 bytes", 400},
        {"ep", "", "need a value", 400},
        {"ep=a&ep=b", "", "once only", 400},
        {"ep=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234", "", "ep:", 400},
        {"ep=a\xc2\x85", "", "ep:", 400},
        {"ep=a\x01", "", "ep:", 400},
        {"ep=a\xff", "", "ep:", 400},
        {"ep=a&d=b\xc2\x9f", "", "d:", 400},
        {"ep=a&lt=0", "", "lt:", 400},
        {"ep=a&lt=-1", "", "lt:", 400},
        {"ep=a&lt=", "", "lt:", 400},
        {"ep=a&lt=abc", "", "lt:", 400},
        {"ep=a&lt=0x10", "", "lt:", 400},
        {"ep=a&lt=4294967296", "", "lt:", 400},
        {"ep=a&lt=18446744073709551617", "", "lt:", 400},
        {"ep=a&page=1", "", "page", 400},
        {"ep=a&count=1", "", "count", 400},
        {"ep=a&rt=x", "", "rt", 400},
        {"ep=a&if=x", "", "if", 400},
        {"ep=a&rel=x", "", "rel", 400},
        {"ep=a&href=x", "", "href", 400},
        {"ep=a&anchor=x", "", "anchor", 400},
        {"ep=a&x y=1", "", "parameter", 400},
        {"ep=a", "<temp>", "byte 0: the target", 400},
        {"ep=a", "<//host/x>", "byte 0: the target", 400},
        {"ep=a", "</ok>,</x>;anchor=\"x\"", "the anchor", 400},
        {"ep=a", "</x>;rt=\"", "byte", 400},
        {"ep=a", "no links", "byte 0", 400},
        {"ep=a&lwm2m=1.7", "", "lwm2m: ", 412},
    };
    static const char *const bases[] = {
        "coap://[fe80::1%eth0]", "//host", "/path", "coap:x", "coap://h?q", "coap://h#f",
        "coap://h:99999"};
    char uri[400], where[80];
    rd_begin();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        snprintf(uri, sizeof uri, "/rd?%s%s", cases[i].query, cases[i].code == 412 ? "" : BASE);
        CHECK_INT(rd_code(LINTEL_POST, uri, cases[i].links), IS(cases[i].code));
        CHECK_HAS(k.text, cases[i].text);
    }
    for (size_t i = 0; i < LINTEL_COUNT(bases); i++) {
        snprintf(uri, sizeof uri, "/rd?ep=a&base=%s", bases[i]);
        CHECK_INT(rd_code(LINTEL_POST, uri, ""), IS(400));
        CHECK_HAS(k.text, "base");
    }
    k.format = 50;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a" BASE, "[]"), IS(415));
    k.format = LINTEL_FORMAT_NONE;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a" BASE, TEMP), IS(415));
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=empty" BASE, NULL), IS(201));
    k.format = LINTEL_FORMAT_LINK;
    static char large[70000];
    memset(large, 'x', sizeof large - 1);
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a" BASE, large), IS(413));
    CHECK_INT(k.size1, 65536);
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a", TEMP), IS(400)); /* no origin is known */
    CHECK_HAS(k.text, "base:");
    CHECK_STR(rd_get("/rd-lookup/ep?ep=a"), "");
    snprintf(uri, sizeof uri, "%s&lt=4294967295%s", at63, BASE);
    rd_register(uri, TEMP, where);
    rd_register("ep=\xc3\xbcn\xc3\xaf&lt=1" BASE, "</a>;title=\"\xc3\xbc, \\\"x\\\"; y\"", where);
    CHECK_STR(rd_get(where), "</a>;title=\"\xc3\xbc, \\\"x\\\"; y\"");
    CHECK_INT(rd_code(LINTEL_PUT, "/rd", ""), IS(405));
    CHECK_INT(rd_code(LINTEL_GET, "/rd", NULL), IS(405));
    CHECK_INT(rd_code(LINTEL_GET, "/rd/x", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_GET, "/rd/0000000000000000", NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_GET, "/rd/1/2", NULL), IS(404));
    rd_end();
}

static void
bases_from_the_source(void)
{
    char where[80];
    rd_begin();
    k.who.origin = "coap://[2001:db8::7]:61616";
    rd_register("ep=a", TEMP, where);
    CHECK_STR(rd_get("/rd-lookup/res?ep=a"),
              "<coap://[2001:db8::7]:61616/sensors/temp>;rt=temperature-c;if=sensor");
    /* Never given: an update from elsewhere moves it. */
    k.who.origin = "coap://[2001:db8::8]";
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=a"), "base=\"coap://[2001:db8::8]\"");
    /* Given: it stays where it is. */
    char uri[160];
    snprintf(uri, sizeof uri, "%s?base=coap://new.example.com", where);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    k.who.origin = "coap://[2001:db8::9]";
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=a"), "base=\"coap://new.example.com\"");
    rd_end();
}

/* RFC 9176 section 5.3.1. */
static void
updated(void)
{
    char where[80], uri[200];
    rd_begin();
    rd_register("ep=endpoint1&lt=600&et=a&x=1&base=coap://local-proxy-old.example.com",
                TEMP ",<http://www.example.com/sensors/temp>;anchor=\"/sensors/temp\";"
                     "rel=describedby",
                where);
    CHECK_STR(rd_get("/rd-lookup/res?ep=endpoint1"),
              "<coap://local-proxy-old.example.com/sensors/temp>;rt=temperature-c;if=sensor,"
              "<http://www.example.com/sensors/temp>;"
              "anchor=\"coap://local-proxy-old.example.com/sensors/temp\";rel=describedby");
    snprintf(uri, sizeof uri, "%s?base=coaps://new.example.com&x=2", where);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    CHECK_STR(rd_get("/rd-lookup/res?ep=endpoint1"),
              "<coaps://new.example.com/sensors/temp>;rt=temperature-c;if=sensor,"
              "<http://www.example.com/sensors/temp>;"
              "anchor=\"coaps://new.example.com/sensors/temp\";rel=describedby");
    CHECK_STR(rd_get("/rd-lookup/ep?x=1"), "");
    CHECK_HAS(rd_get("/rd-lookup/ep?x=2&et=a"), where);
    /* The time begins again, with the lifetime of before. */
    rd_advance(599 * SECOND);
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    rd_advance(599 * SECOND);
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=endpoint1"), where);
    static const char *const bad[] = {"ep=b", "d=x", "lt=0", "page=1", "base=x", "lwm2m=1.0"};
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        snprintf(uri, sizeof uri, "%s?%s", where, bad[i]);
        CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(400));
    }
    CHECK_INT(rd_code(LINTEL_POST, where, TEMP), IS(400));
    CHECK_INT(rd_code(LINTEL_PUT, where, TEMP), IS(405));
    CHECK_INT(rd_code(LINTEL_POST, "/rd/1234567812345678", NULL), IS(404));
    rd_end();
}

static void
removed_and_expired(void)
{
    char where[80], again[80];
    rd_begin();
    rd_register("ep=a" BASE, TEMP, where);
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(404));
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(404));
    CHECK_STR(rd_get("/rd-lookup/ep?ep=a"), "");
    rd_register("ep=b&lt=2" BASE, TEMP, where);
    rd_advance(2 * SECOND);
    CHECK_STR(rd_get("/rd-lookup/ep?ep=b"), "");
    CHECK_STR(rd_get("/rd-lookup/res?ep=b"), "");
    rd_advance(SECOND);
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=b"), where);
    rd_advance(10 * SECOND);
    rd_register("ep=b&lt=2" BASE, TEMP, again);
    CHECK_STR(again, where);
    rd_advance(3 * 86400 * SECOND); /* beyond its grace */
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(404));
    rd_end();
}

/* ---- LwM2M ----------------------------------------------------------------------------------- */

/* RFC 9176 section 10.2: register, update and de-register by OMA's rules, side by side with other
 * endpoints. */
static void
lwm2m(void)
{
    char where[80], uri[200];
    rd_begin();
    k.who.origin = "coap://[2001:db8::7]";
    rd_register("ep=urn:dev:1&lwm2m=1.1&b=U&Q&sms=123&pid=1",
                "</>;rt=\"oma.lwm2m\";ct=11543,</1/0>,</3/0>", where);
    CHECK_STR(rd_get("/rd-lookup/res?ep=urn:dev:1"), ""); /* ruling: not among the resources */
    CHECK_HAS(rd_get("/rd-lookup/ep?lwm2m=1.1&b=U&sms=123"), "ep=\"urn:dev:1\"");
    CHECK_HAS(k.text, ";Q");
    rd_advance(86401 * SECOND); /* the default lifetime of LwM2M */
    CHECK_STR(rd_get("/rd-lookup/ep?ep=urn:dev:1"), "");
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    snprintf(uri, sizeof uri, "%s?lt=300&b=UQ", where);
    CHECK_INT(rd_code(LINTEL_POST, uri, "</1/0>,</5/0>"), IS(204)); /* its objects have changed */
    CHECK_STR(rd_get(where), "</1/0>,</5/0>");
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=x&lwm2m=1.0" BASE, ""), IS(400));
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=x&lwm2m=2.0", ""), IS(412));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    k.conf.lwm2m_objects = 1;
    rd_register("ep=urn:dev:1&lwm2m=1.0", "</3/0>", where);
    CHECK_STR(rd_get("/rd-lookup/res?ep=urn:dev:1"), "<coap://[2001:db8::7]/3/0>");
    be("urn:dev:2", 5, NULL);
    rd_register("lwm2m=1.1", "</3/0>", where); /* the key says who it is */
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=urn:dev:2"), where);
    rd_end();
}

/* ---- policies -------------------------------------------------------------------------------- */

static void
first_come(void)
{
    char where[80], again[80];
    rd_begin();
    be("alice", 1, "[2001:db8::1]:1000");
    rd_register("ep=node1&lt=60", TEMP, where);
    be("bob", 2, "[2001:db8::1]:1000");
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=node1", "</evil>"), IS(403));
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(403));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(403));
    be(NULL, 3, "[2001:db8::1]:1000");
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=node1", "</evil>"), IS(401));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(401));
    CHECK_STR(rd_get(where), TEMP);
    be("alice", 1, "[2001:db8::2]:2000");
    k.who.authority = "another authority"; /* the same name, vouched for by somebody else */
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(403));
    k.who.authority = "psk";
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    rd_advance(61 * SECOND);
    be("bob", 2, "[2001:db8::1]:1000");
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=node1", "</new>"), IS(401)); /* an Echo is wanted */
    send_echo_back();
    rd_register("ep=node1", "</new>", again);
    CHECK_STR(again, where);
    be("alice", 1, "[2001:db8::1]:1000");
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(403));
    /* Of one whom nobody knows there is nothing to remember. */
    be(NULL, 7, "[2001:db8::7]:1");
    rd_register("ep=free", TEMP, where);
    be(NULL, 8, "[2001:db8::8]:1");
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    rd_end();
}

static void
other_policies(void)
{
    static struct lintel_directory_sector sectors[] = {{"plant", LINTEL_DIRECTORY_BOUND},
                                                       {"lab", LINTEL_DIRECTORY_OPEN}};
    char where[80];
    rd_begin();
    k.conf.sectors = sectors;
    k.conf.nsectors = 2;
    be("alice", 1, NULL);
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=node1&d=plant", TEMP), IS(403));
    rd_register("ep=alice&d=plant", TEMP, where);
    rd_register("d=plant", TEMP, where); /* the name is the identity's */
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=alice&d=plant"), where);
    be(NULL, 2, NULL);
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=alice&d=plant", TEMP), IS(401));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(401));
    be("bob", 3, NULL);
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(403));
    rd_register("ep=x&d=lab", TEMP, where);
    be("alice", 1, NULL);
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(401)); /* open, but fresh it must be */
    send_echo_back();
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    k.conf.sector = "hall"; /* of those that name none */
    rd_register("ep=z", TEMP, where);
    CHECK_HAS(rd_get("/rd-lookup/ep?d=hall"), where);
    rd_end();
}

/* RFC 9176 section 5.3.4.2: a counter in the Echo option. */
static void
fresh(void)
{
    char where[80], before[8], state[8];
    rd_begin();
    be("alice", 1, NULL);
    rd_register("ep=node1", TEMP, where);
    CHECK_INT(k.echo_n, 8);
    memcpy(before, k.echo, 8);
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204)); /* the same association: in order */
    memcpy(state, k.echo, 8);
    CHECK(memcmp(before, state, 8) < 0);
    k.who.session = 2;
    memcpy(k.who.echo, before, 8);
    k.who.echo_n = 8;
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(401));
    CHECK_INT(k.echo_n, 8);
    CHECK(memcmp(k.echo, state, 8) == 0);
    send_echo_back();
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(204));
    CHECK(memcmp(k.echo, state, 8) > 0);
    memcpy(state, k.echo, 8);
    /* With what came along, a further association needs no second try. */
    k.who.session = 3;
    memcpy(k.who.echo, state, 8);
    k.who.echo_n = 8;
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    rd_end();
}

static void
refused_links(void)
{
    static const char *const who[] = {"anybody"};
    static lintel_span links[] = {{"rt=oma.fw*", 10}};
    static struct lintel_directory_refusal refusal = {1, 1, who, links};
    char where[80];
    rd_begin();
    k.conf.refusals = &refusal;
    k.conf.nrefusals = 1;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a" BASE, TEMP ",</fw>;rt=oma.fw2"), IS(403));
    CHECK_HAS(k.text, "rt=oma.fw*");
    CHECK_STR(rd_get("/rd-lookup/ep?ep=a"), "");
    rd_register("ep=a" BASE, TEMP, where);
    rd_end();
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void
limits(void)
{
    char where[80], query[80];
    rd_begin();
    k.conf.per_client = 3;
    be(NULL, 1, "[2001:db8::1]:1000");
    for (int i = 0; i < 3; i++) {
        snprintf(query, sizeof query, "ep=n%d&lt=60", i);
        rd_register(query, TEMP, where);
    }
    be(NULL, 2, "[2001:db8::1]:2000"); /* another port is no other client */
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=n3", TEMP), IS(429));
    CHECK_INT(k.max_age, 60);
    rd_register("ep=n2&lt=60", TEMP, where); /* what it has it may renew */
    be(NULL, 3, "[2001:db8::2]:1000");
    rd_register("ep=m0", TEMP, where); /* others are not hurt */
    be("alice", 4, "[2001:db8::1]:1000");
    for (int i = 0; i < 5; i++) { /* whoever is known is not limited like that */
        snprintf(query, sizeof query, "ep=a%d", i);
        rd_register(query, TEMP, where);
    }
    be(NULL, 1, "[2001:db8::1]:1000");
    rd_advance(61 * SECOND); /* expired ones don't count */
    rd_register("ep=n3", TEMP, where);
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    k.conf.max_registrations = 6;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=n9", TEMP), IS(503));
    CHECK_INT(k.max_age, 60);
    k.conf.max_registrations = 100;
    k.conf.max_links = 6;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=n9", TEMP), IS(503));
    rd_end();
}

static void
rights(void)
{
    char where[80];
    rd_begin();
    rd_register("ep=a" BASE, TEMP, where);
    k.who = (struct peer){.peer = "[2001:db8::1]:1"};
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=b" BASE, TEMP), IS(401));
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(401));
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(401));
    CHECK_INT(rd_code(LINTEL_GET, where, NULL), IS(401));
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/ep", NULL), IS(401));
    CHECK_INT(rd_code(LINTEL_GET, "/rd-lookup/res", NULL), IS(401));
    rd_end();
}

/* ---- everything fails once ------------------------------------------------------------------- */

static int
register_once(void *ctx)
{
    (void)ctx;
    kit_memory_is_back();
    rd_begin();
    kit_memory_fails_from_here();
    int before = k.answers;
    lintel_ticket t = rd_ask(LINTEL_POST, "/rd?ep=a&foo=1" BASE, TEMP);
    kit_memory_is_back();
    CHECK_INT(t, 0);
    CHECK_INT(k.answers, before + 1);
    int done = k.code == IS(201);
    CHECK(done || k.code == IS(500) || k.code == IS(503) || k.code == IS(400));
    const char *found = rd_get("/rd-lookup/ep?ep=a");
    CHECK_INT(found[0] != '\0', done); /* as a whole, or not at all */
    rd_end();
    return done;
}

static void
out_of_memory(void)
{
    CHECK(kit_each_failure(register_once, NULL) > 5);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(discovered),
                                            KIT(registered),
                                            KIT(refused_registrations),
                                            KIT(bases_from_the_source),
                                            KIT(updated),
                                            KIT(removed_and_expired),
                                            KIT(lwm2m),
                                            KIT(first_come),
                                            KIT(other_policies),
                                            KIT(fresh),
                                            KIT(refused_links),
                                            KIT(limits),
                                            KIT(rights),
                                            KIT(out_of_memory),
                                            {0}};
    return kit_main("rd", tests, argc, argv);
}
