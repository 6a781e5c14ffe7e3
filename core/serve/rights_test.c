/* SPDX-License-Identifier: Apache-2.0
 * Who may do what in the tree: each resource against a table of rights. main-meter is in the zone
 * "energy", lamp-1 in none. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/bind/site.h"
#include "core/serve/codes.h"
#include "core/serve/fake_engine.h"
#include "core/serve/fake_store.h"
#include "core/serve/format.h"
#include "core/serve/trail.h"
#include "core/serve/tree.h"
#include "tests/kit/kit.h"

enum { R = LINTEL_MAY_READ, W = LINTEL_MAY_WRITE, G = LINTEL_MAY_REGISTER, M = LINTEL_MAY_MANAGE };
#define METER "d/main-meter/Device/p/setPoint"
#define LAMP "d/lamp-1/Device/p/setPoint"
#define IS(dotted) ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100)

static struct {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_tree *tree;
    struct lintel_site site;
    struct lintel_store *store;
    struct lintel_trail *trail;
    int answers;
    uint32_t code, flags;
    int32_t x_format;
    const char *query; /* of the requests to come */
    char text[16384];
} h;

struct peer {
    uint32_t flags;
    const char *identity, *authority;
};
static const struct peer sensor = {LINTEL_X_SECURE, "sensor-1", "psk"},
                         alice = {LINTEL_X_SECURE, "alice-key", "psk"},
                         keeper = {LINTEL_X_SECURE, "keeper", "CN=x"},
                         stranger = {LINTEL_X_SECURE, "alice", "CN=y"},
                         open_peer = {LINTEL_X_OPEN, "", ""}, local = {LINTEL_X_LOOPBACK, "", ""},
                         nowhere = {0, "", ""};

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    CHECK(ctx == &h && cookie == &h && a->payload.n < sizeof h.text);
    h.answers++;
    h.code = a->code;
    h.flags = a->flags;
    if (a->payload.n != 0)
        memcpy(h.text, a->payload.p, a->payload.n);
    h.text[a->payload.n] = '\0';
}

static lintel_ticket
ask(const struct peer *p, uint32_t method, uint32_t flags, const char *path, const char *payload)
{
    lintel_span segments[20], query[8];
    uint32_t n = 0, nquery = 0;
    for (const char *s = h.query; s != NULL && *s != '\0'; nquery++) {
        query[nquery] = (lintel_span){s, strcspn(s, "&")};
        s += query[nquery].n + (s[query[nquery].n] == '&');
    }
    for (const char *s = path; *s != '\0'; n++) {
        segments[n] = (lintel_span){s, strcspn(s, "/")};
        s += segments[n].n + (s[segments[n].n] == '/');
    }
    lintel_exchange x = {.size = sizeof x,
                         .method = method,
                         .flags = p->flags | flags,
                         .format = h.x_format,
                         .path = segments,
                         .npath = n,
                         .query = query,
                         .nquery = nquery,
                         .payload = {payload, payload == NULL ? 0 : strlen(payload)},
                         .identity = p->identity,
                         .authority = p->authority,
                         .peer = "[fe80::1]:5683",
                         .cookie = &h};
    return lintel_tree_submit(h.tree, &x, on_answer, &h);
}

static struct lintel_rights *
table(uint32_t sensors_may)
{
    char reason[LINTEL_RIGHTS_REASON] = "";
    struct lintel_rights *r = lintel_rights_new();
    int failed = r == NULL || lintel_rights_add(r, "sensor-1", reason) ||
                 lintel_rights_add_role(r, "sensor-1", "sensors", reason) ||
                 lintel_rights_add_key(r, "sensor-1", "sensor-1", "7hG-e2Qx_94mT!vB", reason) ||
                 lintel_rights_add(r, "alice", reason) ||
                 lintel_rights_add_key(r, "alice", "alice-key", "K4*fj20slwq:PX0d", reason) ||
                 lintel_rights_add(r, "the-keeper", reason) ||
                 lintel_rights_add_certificate(r, "the-keeper", "keeper", NULL, reason) ||
                 lintel_rights_grant(r, "sensors", "energy", sensors_may, reason) ||
                 lintel_rights_grant(r, "alice", NULL, R | W, reason) ||
                 lintel_rights_grant(r, "the-keeper", NULL, M, reason) ||
                 lintel_rights_grant(r, "anybody", "", R, reason);
    CHECK_STR(reason, "");
    CHECK_INT(failed, 0);
    return r;
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    h.x_format = LINTEL_FORMAT_NONE;
    h.loop = lintel_loop_new_fake();
    h.engine = fake_engine_new(h.loop);
    char reason[100];
    h.store = fake_store_new();
    h.trail = lintel_trail_new(h.loop, h.store, reason, sizeof reason);
    lintel_trail_keep(h.trail, 1000, 0);
    h.tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = h.engine, .loop = h.loop, .hub_name = "plant-7", .trail = h.trail});
    h.site.rights = table(R | G);
    lintel_tree_site(h.tree, &h.site);
    for (uint32_t i = 0; i < 2; i++)
        fake_set(h.engine, fake_point(i, FAKE_SETPOINT), FAKE_REAL(19), LINTEL_QUALITY_GOOD);
}

static void
end(void)
{
    lintel_tree_free(h.tree);
    fake_engine_free(h.engine);
    lintel_trail_free(h.trail);
    lintel_loop_free(h.loop);
    lintel_rights_free(h.site.rights);
}

static void
each_resource_is_judged(void)
{
    static const struct {
        const struct peer *who;
        uint32_t method;
        const char *path;
        uint32_t code;
        const char *text;
    } rows[] = {
        /* values: reading in the thing's zone */
        {&sensor, LINTEL_GET, METER, 205, "19"},
        {&sensor, LINTEL_GET, LAMP, 205, "19"}, /* as anybody */
        {&alice, LINTEL_GET, LAMP, 205, "19"},
        {&open_peer, LINTEL_GET, LAMP, 205, "19"},
        {&open_peer, LINTEL_GET, METER, 401, "who asks is not known"},
        {&stranger, LINTEL_GET, LAMP, 205, "19"},
        {&stranger, LINTEL_GET, METER, 401, "no identity \"alice\""},
        {&keeper, LINTEL_GET, METER, 403, "the-keeper may not read in the zone energy"},
        {&nowhere, LINTEL_GET, LAMP, 401, "use coaps"},
        {&local, LINTEL_GET, METER, 205, "19"},
        {&sensor, LINTEL_GET, "d/main-meter", 205, "/d/main-meter/s"},
        {&open_peer, LINTEL_GET, "d/main-meter", 401, ""},
        {&sensor, LINTEL_GET, "d/main-meter/s", 205, "main-meter"},
        {&open_peer, LINTEL_GET, "d/main-meter/s", 401, ""},
        {&keeper, LINTEL_FETCH, "d/main-meter/s", 403, "may not read"},
        /* an enrolled sensor can't write a set point */
        {&sensor, LINTEL_PUT, METER, 403, "sensor-1 may not write in the zone energy"},
        {&sensor, LINTEL_PUT, LAMP, 403, "sensor-1 may not write what is in no zone"},
        {&sensor, LINTEL_POST, "d/main-meter/Device/a/identify", 403, "may not write"},
        {&sensor, LINTEL_IPATCH, "d/main-meter/s", 403, "may not write"},
        {&sensor, LINTEL_PATCH, METER, 403, "may not write"},
        {&sensor, LINTEL_DELETE, METER, 403, "may not write"},
        {&open_peer, LINTEL_PUT, METER, 401, ""},
        {&open_peer, LINTEL_PUT, LAMP, 401, ""},
        {&alice, LINTEL_DELETE, METER, 405, ""},
        /* lists */
        {&sensor, LINTEL_GET, "d", 205, "</d/main-meter>"},
        {&nowhere, LINTEL_GET, "d", 401, ""},
        {&keeper, LINTEL_GET, "models", 205, "/models/acme-em1"}, /* reads as anybody */
        {&nowhere, LINTEL_GET, "models", 401, ""},
        {&nowhere, LINTEL_GET, "models/acme-em1", 401, ""},
        {&nowhere, LINTEL_GET, "maps", 401, ""},
        {&nowhere, LINTEL_GET, "tdd/things", 401, ""},
        {&nowhere, LINTEL_GET, ".well-known/wot", 401, ""},
        {&open_peer, LINTEL_GET, "d/main-meter/td", 401, ""},
        {&sensor, LINTEL_GET, "d/main-meter/td", 205, "main-meter"},
        {&nowhere, LINTEL_GET, ".well-known/core", 401, ""},
        {&keeper, LINTEL_GET, ".well-known/core", 205, "/hub/status"},
        /* what is not there */
        {&nowhere, LINTEL_GET, "d/nothing", 401, ""},
        {&nowhere, LINTEL_GET, "nothing", 401, ""},
        {&open_peer, LINTEL_GET, "nothing", 404, "no such path"},
        {&sensor, LINTEL_GET, "d/main-metre", 404, "did you mean main-meter?"},
        {&open_peer, LINTEL_GET, "d/main-metre", 404, "GET /d lists them"},
        /* the hub */
        {&keeper, LINTEL_GET, "hub/status", 205, "plant-7"},
        {&local, LINTEL_GET, "hub/status", 205, "plant-7"},
        {&alice, LINTEL_GET, "hub/status", 403, "alice may not manage the hub"},
        {&sensor, LINTEL_POST, "hub/reload", 403, "sensor-1 may not manage the hub"},
        {&open_peer, LINTEL_GET, "hub/values", 401, ""},
        {&stranger, LINTEL_GET, "hub/values", 401, ""},
    };
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        int before = h.answers;
        lintel_ticket ticket = ask(rows[i].who, rows[i].method, 0, rows[i].path, "20");
        int good = CHECK_INT(ticket, 0) && CHECK_INT(h.answers, before + 1) &&
                   CHECK_INT(h.code, IS(rows[i].code)) && CHECK_HAS(h.text, rows[i].text);
        if (!good)
            printf("  row %zu: %s asks for %s\n", i, rows[i].who->identity, rows[i].path);
    }
    end();
}

static void
lists_show_what_may_be_read(void)
{
    begin();
    ask(&open_peer, LINTEL_GET, 0, "d", NULL);
    CHECK_HAS(h.text, "</d/lamp-1>");
    CHECK(strstr(h.text, "main-meter") == NULL);
    ask(&open_peer, LINTEL_GET, 0, ".well-known/core", NULL);
    CHECK_HAS(h.text, "</d/lamp-1>");
    CHECK(strstr(h.text, "main-meter") == NULL && strstr(h.text, "/hub/") == NULL);
    ask(&alice, LINTEL_GET, 0, "d", NULL);
    CHECK_HAS(h.text, "</d/lamp-1>");
    CHECK_HAS(h.text, "</d/main-meter>");
    end();
}

static void
writes_carry_the_name_and_where_from(void)
{
    begin();
    CHECK(ask(&alice, LINTEL_PUT, 0, METER, "20") != 0);
    CHECK_STR(fake_command(h.engine)->who, "alice from [fe80::1]:5683");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    fake_store_settle(h.store);
    CHECK_INT(h.code, IS(204));
    CHECK(ask(&local, LINTEL_PUT, 0, METER, "20") != 0);
    CHECK_STR(fake_command(h.engine)->who, "[fe80::1]:5683");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    end();
}

static void
observations_end_with_the_right(void)
{
    struct lintel_site next = {0};
    begin();
    struct lintel_rights *before = h.site.rights;
    CHECK(ask(&alice, LINTEL_GET, LINTEL_X_OBSERVE, METER, NULL) != 0);
    CHECK(ask(&sensor, LINTEL_GET, LINTEL_X_OBSERVE, METER, NULL) != 0);
    CHECK(ask(&sensor, LINTEL_GET, LINTEL_X_OBSERVE, LAMP, NULL) != 0); /* as anybody */
    CHECK(ask(&sensor, LINTEL_GET, LINTEL_X_OBSERVE, "d/main-meter/s", NULL) != 0);
    CHECK_INT(lintel_tree_open(h.tree), 4);
    lintel_tree_site(h.tree, &h.site); /* nothing has changed */
    CHECK_INT(lintel_tree_open(h.tree), 4);
    next.rights = table(G);
    h.answers = 0;
    lintel_tree_site(h.tree, &next);
    CHECK_INT(h.answers, 2);
    CHECK_INT(h.code, IS(403));
    CHECK_INT(h.flags & LINTEL_ANSWER_MORE, 0);
    CHECK_STR(h.text, "sensor-1 may not read in the zone energy any more");
    CHECK_INT(lintel_tree_open(h.tree), 2);
    h.site.rights = lintel_rights_new(); /* an empty table: nobody is known */
    lintel_rights_table(h.site.rights);
    lintel_tree_site(h.tree, &h.site);
    CHECK_INT(h.code, IS(401));
    CHECK_INT(lintel_tree_open(h.tree), 0);
    lintel_rights_free(before);
    lintel_rights_free(next.rights);
    end();
}

/* A write under way is ended by its device, not by a table. */
static void
commands_go_on(void)
{
    begin();
    struct lintel_rights *before = h.site.rights;
    CHECK(ask(&alice, LINTEL_PUT, 0, METER, "20") != 0);
    h.site.rights = lintel_rights_new();
    lintel_rights_table(h.site.rights);
    lintel_tree_site(h.tree, &h.site);
    CHECK_INT(lintel_tree_open(h.tree), 1);
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    fake_store_settle(h.store);
    CHECK_INT(h.code, IS(204));
    lintel_rights_free(before);
    end();
}

static int
early(void)
{
    struct lintel_trail_stats s;
    lintel_trail_stats(h.trail, &s);
    return (int)s.early;
}

/* Who is told that something was done finds it in the trail. */
static void
answers_wait_for_the_trail(void)
{
    begin();
    ask(&alice, LINTEL_PUT, 0, METER, "20");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    CHECK_INT(h.answers, 0);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 1);
    CHECK_INT(h.code, IS(204));
    ask(&alice, LINTEL_PUT, 0, METER, "20"); /* with a word that is kept */
    fake_complete(h.engine, LINTEL_E_DEVICE, "valve stuck", FAKE_REAL(20));
    CHECK_INT(h.answers, 1);
    fake_store_settle(h.store);
    CHECK_INT(h.code, IS(502));
    CHECK_HAS(h.text, "valve stuck");
    /* Who has gone is not answered. */
    lintel_ticket ticket = ask(&alice, LINTEL_PUT, 0, METER, "20");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    lintel_tree_abandon(h.tree, ticket);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 2);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    /* A disk that stands still is not waited for for ever. */
    ask(&alice, LINTEL_PUT, 0, METER, "20");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    lintel_loop_advance(h.loop, INT64_C(1999999999));
    CHECK_INT(h.answers, 2);
    lintel_loop_advance(h.loop, 1);
    CHECK_INT(h.answers, 3);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 3);
    CHECK_INT(early(), 1);
    /* Nor one that refuses; the record is tried again. */
    ask(&alice, LINTEL_PUT, 0, METER, "20");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    fake_store_full(h.store, 1);
    fake_store_settle(h.store);
    fake_store_full(h.store, 0);
    CHECK_INT(h.answers, 4);
    CHECK_INT(h.code, IS(204));
    CHECK_INT(early(), 2);
    /* What no device saw does not wait. */
    h.x_format = LINTEL_FORMAT_JSON;
    ask(&alice, LINTEL_PUT, 0, METER, "{");
    CHECK_INT(h.answers, 5);
    CHECK_INT(h.code, IS(400));
    h.x_format = LINTEL_FORMAT_NONE;
    h.x_format = LINTEL_FORMAT_ETCH_JSON;
    ask(&alice, LINTEL_IPATCH, 0, "d/main-meter/s", "[{\"n\":\"Device/setPoint\",\"v\":20}]");
    h.x_format = LINTEL_FORMAT_NONE;
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    CHECK_INT(h.answers, 5);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 6);
    CHECK_INT(h.code, IS(204));
    /* Without memory to wait it is answered at once, and once. */
    ask(&alice, LINTEL_PUT, 0, METER, "20");
    lintel_mem_fail_once(1);
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    lintel_mem_fail_at(0);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 7);
    CHECK_INT(early(), 3);
    /* One that waits when the hub ends. */
    ask(&alice, LINTEL_PUT, 0, METER, "20");
    fake_complete(h.engine, LINTEL_OK, NULL, FAKE_REAL(20));
    CHECK_INT(lintel_tree_open(h.tree), 1);
    end();
    CHECK_INT(h.code, IS(503));
}

static const char *
audit(const struct peer *p, const char *query)
{
    h.query = query;
    ask(p, LINTEL_GET, 0, "hub/audit", NULL);
    h.query = NULL;
    fake_store_settle(h.store); /* the sync; then the scan */
    fake_store_settle(h.store);
    return h.text;
}

static void
refusals_are_recorded(void)
{
    begin();
    ask(&sensor, LINTEL_PUT, 0, METER, "20");
    ask(&stranger, LINTEL_GET, 0, "hub/values", NULL);
    h.x_format = LINTEL_FORMAT_JSON;
    ask(&alice, LINTEL_PUT, 0, METER, "{");                           /* no JSON */
    ask(&alice, LINTEL_PUT, 0, "d/lamp-1/Device/p/activePower", "1"); /* read-only */
    CHECK_HAS(audit(&keeper, NULL), "\"what\":\"write\",\"refused\":true,\"who\":\"sensor-1\","
                                    "\"from\":\"[fe80::1]:5683\",\"thing\":\"main-meter\","
                                    "\"path\":\"Device/p/setPoint\",\"old\":\"\",\"new\":\"\","
                                    "\"result\":\"may not write in the zone energy\"");
    CHECK_HAS(h.text,
              "\"path\":\"hub/values\",\"old\":\"\",\"new\":\"\",\"result\":\"may not manage "
              "the hub: no identity \\\"alice\\\" of \\\"CN=y\\\"\"");
    CHECK_HAS(h.text, "\"who\":\"alice\"");
    CHECK_HAS(h.text, "\"result\":\"read-only\"");
    CHECK_HAS(audit(&keeper, "count=1"), "[{\"number\":4,");
    CHECK_HAS(audit(&keeper, "thing=lamp-1&count=10"), "[{\"number\":4,");
    CHECK_HAS(audit(&keeper, "who=alice&before=4"), "[{\"number\":3,");
    CHECK_STR(audit(&keeper, "who=nobody"), "[]");
    static const char *const wrong[] = {"count=0", "count=10001", "count=x", "before=0",
                                        "thing=",  "things=a",    "who",     "count"};
    for (size_t i = 0; i < LINTEL_COUNT(wrong); i++) {
        audit(&keeper, wrong[i]);
        CHECK_INT(h.code, IS(400));
    }
    audit(&alice, NULL);
    CHECK_INT(h.code, IS(403));
    ask(&keeper, LINTEL_POST, 0, "hub/audit", NULL);
    CHECK_INT(h.code, IS(405));
    ask(&keeper, LINTEL_GET, 0, "hub/status", NULL);
    CHECK_HAS(h.text,
              "\"audit\":{\"records\":5,\"leftOut\":0,\"lost\":0,\"early\":0,\"trouble\":\"\"}");
    /* Who has gone is not waited for, and a tree may end before its trail has looked. */
    lintel_ticket ticket = ask(&keeper, LINTEL_GET, 0, "hub/audit", NULL);
    CHECK(ticket != 0);
    lintel_tree_abandon(h.tree, ticket);
    h.answers = 0;
    fake_store_settle(h.store);
    fake_store_settle(h.store);
    CHECK_INT(h.answers, 0);
    CHECK(ask(&keeper, LINTEL_GET, 0, "hub/audit", NULL) != 0);
    end();
    CHECK_INT(h.code, IS(503));
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(each_resource_is_judged),
                                            KIT(lists_show_what_may_be_read),
                                            KIT(writes_carry_the_name_and_where_from),
                                            KIT(observations_end_with_the_right),
                                            KIT(commands_go_on),
                                            KIT(answers_wait_for_the_trail),
                                            KIT(refusals_are_recorded),
                                            {0}};
    return kit_main("rights in the tree", tests, argc, argv);
}
