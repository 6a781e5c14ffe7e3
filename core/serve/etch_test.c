/* SPDX-License-Identifier: Apache-2.0
 * FETCH and iPATCH of a pack, on the real engine: what a client sees of a device that is the test.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/engine/engine_kit.h"
#include "core/engine/subscribe.h"
#include "core/serve/etch.h"
#include "core/serve/patch.h"
#include "core/serve/tree.h"
#include "tests/kit/failures.h"

#define IS(dotted) ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100)
enum { JSON = LINTEL_FORMAT_ETCH_JSON, CBOR = LINTEL_FORMAT_ETCH_CBOR };
enum { R = LINTEL_P_READ, RW = LINTEL_P_READ | LINTEL_P_WRITE };

static const struct kit_point points[] = {
    {.name = "power", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = R},
    {.name = "limit",
     .data = LINTEL_DATA_INTEGER,
     .poll = 60,
     .stale = 180,
     .writable = 1,
     .max = 100,
     .flags = RW},
    {.name = "fan",
     .data = LINTEL_DATA_INTEGER,
     .poll = 60,
     .stale = 180,
     .writable = 1,
     .max = 60,
     .flags = RW},
    {.name = "counter", .data = LINTEL_DATA_INTEGER, .flags = R},
    {.name = "hours", .data = LINTEL_DATA_INTEGER, .flags = R},
    {.name = "secret", .data = LINTEL_DATA_INTEGER, .writable = 1, .flags = LINTEL_P_WRITE},
};
enum { POWER, LIMIT, FAN, COUNTER, HOURS, SECRET, NPOINTS };

struct client { /* one exchange, with what came last */
    int answers;
    uint32_t code, flags, max_age, size1;
    int32_t format;
    char text[1024];
    uint8_t etag[8];
    lintel_ticket ticket;
};
static struct kit_house house;
static struct lintel_tree *tree;
static char senml[NPOINTS][32];
static struct { /* of the next request */
    int32_t format, accept;
    uint32_t flags;
    const char *query, *thing; /* thing: asked at its own address */
    const lintel_span *if_match;
} next;

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    struct client *c = cookie;
    CHECK(ctx == NULL);
    c->answers++;
    c->code = a->code;
    c->flags = a->flags;
    c->format = a->format;
    c->max_age = a->max_age;
    c->size1 = a->size1;
    memcpy(c->etag, a->etag, sizeof c->etag);
    snprintf(c->text, sizeof c->text, "%.*s", (int)a->payload.n,
             a->payload.n == 0 ? "" : a->payload.p);
}

static void
ask_bytes(struct client *c, uint32_t method, const char *p, size_t n)
{
    const lintel_span path[] = {{"d", 1}, {"t0", 2}, {"s", 1}},
                      query = {next.query, next.query == NULL ? 0 : strlen(next.query)};
    lintel_exchange x = {.size = sizeof x,
                         .method = method,
                         .flags = next.flags | LINTEL_X_LOOPBACK,
                         .format = next.format,
                         .path = next.thing != NULL ? &path[2] : path,
                         .npath = next.thing != NULL ? 1 : 3,
                         .thing = next.thing,
                         .accept = &next.accept,
                         .naccept = next.accept != 0,
                         .query = &query,
                         .nquery = next.query != NULL,
                         .if_match = next.if_match,
                         .nif_match = next.if_match != NULL,
                         .payload = {p, n},
                         .identity = "uid 7",
                         .peer = "",
                         .base = "",
                         .cookie = c};
    *c = (struct client){0};
    c->ticket = lintel_tree_submit(tree, &x, on_answer, NULL);
    memset(&next, 0, sizeof next);
    next.format = JSON;
}

static void
ask(struct client *c, uint32_t method, const char *text)
{
    ask_bytes(c, method, text, text == NULL ? 0 : strlen(text));
}

static void
fetch(struct client *c, const char *text)
{
    ask(c, LINTEL_FETCH, text);
}

static void
patch(struct client *c, const char *text)
{
    ask(c, LINTEL_IPATCH, text);
}

static void
begin(void)
{
    CHECK_INT(kit_house_new(&house, points, NPOINTS, 1, 0), 0);
    house.confs[0].zone = "energy";
    struct lintel_profile *profile = kit_profile(house.kind);
    for (uint32_t i = 0; i < NPOINTS; i++) {
        const struct lintel_affordance *a = profile->bound[i].affordance;
        snprintf(senml[i], sizeof senml[i], "Kit/%s", a->name);
        ((struct lintel_affordance *)(uintptr_t)a)->senml = senml[i];
        CHECK_INT(lintel_map_put(&profile->by_path, a->path, strlen(a->path), &profile->bound[i]),
                  0);
    }
    ((struct lintel_data *)(uintptr_t)profile->bound[POWER].affordance->data)->unit = "W";
    ((struct lintel_data *)(uintptr_t)profile->bound[LIMIT].affordance->data)->unit = "W";
    ((struct lintel_affordance *)(uintptr_t)profile->bound[SECRET].affordance)->readable = 0;
    tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = house.engine, .loop = house.loop, .hub_name = "hub"});
    CHECK(tree != NULL);
    memset(&next, 0, sizeof next);
    next.format = JSON;
}

static void
end(void)
{
    CHECK_INT(lintel_tree_open(tree), 0);
    CHECK_INT(lintel_subscriptions(house.engine), 0);
    lintel_tree_free(tree);
    lintel_map_fini(&kit_profile(house.kind)->by_path);
    kit_house_free(&house);
}

/* power 20, limit 21, fan 22; the others were never read. */
static void
ready(void)
{
    lintel_engine_bus_ready(house.engine, house.bus.bus);
    kit_answer_all(&house.bus, 20);
    kit_advance(&house, 0);
}

/* ---- FETCH ----------------------------------------------------------------------------------- */

static void
selects_in_the_order_asked(void)
{
    struct client c, all;
    begin();
    ready();
    fetch(&c, "[{\"n\":\"Kit/fan\"},{\"bn\":\"hub:t0/\",\"n\":\"Kit/power\"},{\"n\":\"Kit/"
              "fan\"},{\"n\":\"Kit/nothing\"}]");
    CHECK_INT(c.code, IS(205));
    CHECK_INT(c.format, 110);
    CHECK_HAS(c.text, "[{\"bn\":\"hub:t0/\",\"bt\":");
    CHECK_HAS(c.text, "\"n\":\"Kit/fan\",\"v\":22,\"ut\":60},{\"n\":\"Kit/"
                      "power\",\"u\":\"W\",\"v\":20,\"ut\":2}]");
    CHECK_INT(c.max_age, 2); /* the least of them */
    fetch(&c, "[{\"n\":\"Kit/nothing\"},{\"n\":\"hub:t1/Kit/fan\"},{\"n\":\"Kit/secret\"}]");
    CHECK_INT(c.code, IS(205));
    CHECK_STR(c.text, "[]");
    fetch(&c, "[{\"n\":\"Kit/power\",\"u\":\"W\"},{\"n\":\"Kit/limit\",\"u\":\"kW\"},{\"n\":\"Kit/"
              "fan\",\"u\":\"\"}]");
    CHECK_HAS(c.text, "\"n\":\"Kit/power\"");
    CHECK_HAS(c.text, "\"n\":\"Kit/fan\"");
    CHECK(strstr(c.text, "limit") == NULL);
    ask_bytes(&c, LINTEL_FETCH, "\x81\xa1\x00\x67Kit/fan", 11); /* that is no JSON */
    CHECK_INT(c.code, IS(400));
    next.format = CBOR;
    ask_bytes(&c, LINTEL_FETCH, "\x81\xa1\x00\x67Kit/fan", 11);
    CHECK_INT(c.code, IS(205));
    CHECK_INT(c.format, 112);
    next.accept = 112;
    fetch(&c, "[{\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.format, 112);
    CHECK_INT(house.bus.nopen, 0);
    next.thing = "t0";
    fetch(&c, "[{\"bn\":\"hub:t0/\",\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.code, IS(205));
    CHECK_HAS(c.text, "\"bn\":\"hub:t0/\"");
    next.format = LINTEL_FORMAT_NONE;
    ask(&all, LINTEL_GET, NULL);
    CHECK_HAS(all.text, "Kit/limit"); /* GET is as before */
    end();
}

static void
selects_by_time(void)
{
    struct client c;
    begin();
    ready();
    fetch(&c, "[{\"n\":\"Kit/fan\",\"t\":1767225600}]");
    CHECK_HAS(c.text, "Kit/fan");
    fetch(&c, "[{\"bt\":1767225590,\"n\":\"Kit/fan\",\"t\":10}]");
    CHECK_HAS(c.text, "Kit/fan");
    fetch(&c, "[{\"n\":\"Kit/fan\",\"t\":1767225601}]");
    CHECK_STR(c.text, "[]");
    kit_advance(&house, 1);
    fetch(&c, "[{\"n\":\"Kit/fan\",\"t\":-1}]"); /* relative to now */
    CHECK_HAS(c.text, "Kit/fan");
    fetch(&c, "[{\"n\":\"Kit/fan\",\"t\":5},{\"n\":\"Kit/fan\"}]"); /* one record, once */
    CHECK_HAS(c.text,
              "[{\"bn\":\"hub:t0/\",\"bt\":1767225600,\"n\":\"Kit/fan\",\"v\":22,\"ut\":60}]");
    end();
}

static void
what_can_not_be_fetched(void)
{
    struct client c;
    begin();
    ready();
    next.format = LINTEL_FORMAT_NONE;
    fetch(&c, "[{\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.code, IS(400));
    CHECK_HAS(c.text, "320");
    next.format = 110;
    fetch(&c, "[{\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.code, IS(415));
    next.accept = 60;
    fetch(&c, "[{\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.code, IS(406));
    fetch(&c, "[{\"n\":\"Kit/fan\",\"v\":3}]");
    CHECK_INT(c.code, IS(422));
    CHECK_HAS(c.text, "record 1: \"v\" does not select");
    fetch(&c, "[]");
    CHECK_INT(c.code, IS(422));
    static char large[LINTEL_ETCH_BYTES_MOST + 1];
    memset(large, ' ', sizeof large);
    ask_bytes(&c, LINTEL_FETCH, large, sizeof large);
    CHECK_INT(c.code, IS(413));
    CHECK_INT(c.size1, LINTEL_ETCH_BYTES_MOST);
    next.format = 110;
    ask(&c, LINTEL_PUT, "[]");
    CHECK_INT(c.code, IS(405));
    CHECK_HAS(c.text, "iPATCH");
    ask(&c, LINTEL_POST, "[]");
    CHECK_INT(c.code, IS(405));
    end();
}

static void
asks_the_device_for_what_nobody_reads(void)
{
    struct client c;
    begin();
    ready();
    fetch(&c, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/power\"},{\"n\":\"Kit/counter\"}]");
    CHECK_INT(c.answers, 0);
    kit_answer_all(&house.bus, 30); /* counter 33, hours 34 */
    CHECK_INT(c.code, IS(205));
    CHECK_HAS(c.text, "\"n\":\"Kit/hours\",\"v\":34");
    CHECK_HAS(c.text, "\"n\":\"Kit/counter\",\"v\":33");
    CHECK(strstr(c.text, "hours") < strstr(c.text, "power"));
    CHECK(strstr(c.text, "quality") == NULL);
    /* One of them fails: its last value, and that it is not good. */
    fetch(&c, "[{\"n\":\"Kit/counter\"},{\"n\":\"Kit/hours\"}]");
    kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0);
    kit_answer_all(&house.bus, 40);
    CHECK_INT(c.code, IS(205));
    CHECK_HAS(c.text, "\"n\":\"Kit/counter\",\"v\":33,");
    CHECK_HAS(c.text, "\"quality\":\"bad\"");
    CHECK_HAS(c.text, "\"n\":\"Kit/hours\",\"v\":44");
    /* A lost answer is forgiven by the engine, but this request has not been answered. */
    fetch(&c, "[{\"n\":\"Kit/hours\"}]");
    kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    kit_answer_all(&house.bus, 40);
    CHECK_INT(c.code, IS(205));
    CHECK_HAS(c.text, "\"v\":44,");
    CHECK_HAS(c.text, "\"quality\":\"stale\"");
    /* The client goes away. */
    fetch(&c, "[{\"n\":\"Kit/counter\"},{\"n\":\"Kit/hours\"}]");
    lintel_tree_abandon(tree, c.ticket);
    kit_answer_all(&house.bus, 40);
    CHECK_INT(c.answers, 0);
    end();
}

static void
nothing_was_ever_read(void)
{
    struct client c;
    begin();
    fetch(&c, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/power\"}]");
    CHECK_INT(c.code, IS(503));
    CHECK_HAS(c.text, "Kit/hours: the bus line does not run");
    ready();
    fetch(&c, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/counter\"}]");
    while (house.bus.nopen > 0)
        kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0);
    CHECK_INT(c.code, IS(502));
    CHECK_HAS(c.text, "Kit/hours: ");
    fetch(&c, "[{\"n\":\"Kit/hours\"}]");
    lintel_engine_remove_thing(house.engine, house.things[0]);
    CHECK_INT(c.code, IS(503));
    end();
}

/* A device that takes its time does not keep a request open for ever. */
static void
reading_ends(void)
{
    struct client c;
    begin();
    ready();
    fetch(&c, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/counter\"}]");
    for (int i = 0; i < 30 && c.answers == 0; i++) {
        kit_advance(&house, 1);
        if (i % 5 == 4 && house.bus.nopen > 0) /* its deadline */
            kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    }
    CHECK_INT(c.answers, 1);
    CHECK_INT(c.code, IS(504));
    while (house.bus.nopen > 0)
        kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    end();
}

static void
observes_the_selection(void)
{
    struct client some, one, c;
    begin();
    ready();
    next.flags = LINTEL_X_OBSERVE;
    next.query = "c.pmin=1";
    fetch(&some, "[{\"n\":\"Kit/power\"},{\"n\":\"Kit/fan\"}]");
    CHECK_INT(some.flags, LINTEL_ANSWER_MORE);
    next.flags = LINTEL_X_OBSERVE;
    next.query = "c.st=10";
    fetch(&one, "[{\"n\":\"Kit/power\"}]"); /* one property: conditions on its value */
    CHECK_INT(one.flags, LINTEL_ANSWER_MORE);
    CHECK_HAS(one.text, "\"v\":20");
    kit_advance(&house, 2.5);
    kit_answer_all(&house.bus, 25);
    kit_advance(&house, 0);
    CHECK_INT(some.answers, 2);
    CHECK_HAS(some.text, "Kit/power\",\"u\":\"W\",\"v\":25");
    CHECK_HAS(some.text, "Kit/fan");
    CHECK(strstr(some.text, "limit") == NULL);
    CHECK_INT(one.answers, 1);
    kit_advance(&house, 2.5);
    kit_answer_all(&house.bus, 31);
    kit_advance(&house, 0);
    CHECK_INT(one.answers, 2);
    CHECK_HAS(one.text, "\"v\":31");
    next.flags = LINTEL_X_OBSERVE;
    next.query = "c.st=10";
    fetch(&c, "[{\"n\":\"Kit/power\"},{\"n\":\"Kit/fan\"}]");
    CHECK_INT(c.code, IS(400));
    CHECK_HAS(c.text, "c.st");
    next.flags = LINTEL_X_OBSERVE;
    fetch(&c, "[{\"n\":\"Kit/nothing\"}]"); /* nothing to observe */
    CHECK_INT(c.code, IS(205));
    CHECK_INT(c.flags, 0);
    CHECK_INT(c.ticket, 0);
    lintel_tree_abandon(tree, one.ticket);
    next.flags = LINTEL_X_OBSERVE;
    next.query = "c.pmax=1.5";
    fetch(&c, "[{\"n\":\"Kit/counter\"},{\"n\":\"Kit/fan\"}]"); /* read first, then observed */
    CHECK_INT(c.answers, 0);
    kit_answer_all(&house.bus, 40);
    CHECK_INT(c.flags, LINTEL_ANSWER_MORE);
    CHECK_HAS(c.text, "Kit/counter\",\"v\":43");
    CHECK(c.max_age <= 1);
    kit_advance(&house, 1.5);
    CHECK_INT(c.answers, 2);
    CHECK(c.max_age <= 1);
    lintel_engine_remove_thing(house.engine, house.things[0]);
    CHECK_INT(some.code, IS(404));
    CHECK_INT(c.code, IS(404));
    end();
}

/* ---- PATCH, iPATCH --------------------------------------------------------------------------- */

static void
writes_several(void)
{
    struct client c;
    begin();
    ready();
    uint32_t before = house.bus.kinds[LINTEL_OP_WRITE];
    patch(&c, "[{\"bn\":\"hub:t0/\",\"n\":\"Kit/limit\",\"u\":\"kW\",\"v\":0.05},{\"n\":\"Kit/"
              "fan\",\"v\":3},{\"n\":\"Kit/secret\",\"v\":7}]");
    CHECK_INT(c.answers, 0);
    REQUIRE(house.bus.nopen == 1);
    CHECK_INT(house.bus.open[0]->kind, LINTEL_OP_WRITE);
    CHECK_REAL(house.bus.open[0]->values[0].as.r, 50); /* in order; converted */
    kit_answer_all(&house.bus, 2);
    CHECK_INT(house.bus.kinds[LINTEL_OP_WRITE] - before, 3);
    CHECK_INT(c.answers, 1);
    CHECK_INT(c.code, IS(204));
    CHECK_STR(c.text, "");
    CHECK_INT(c.format, LINTEL_FORMAT_NONE);
    next.accept = 110;
    ask(&c, LINTEL_PATCH, "[{\"n\":\"Kit/fan\",\"v\":4},{\"n\":\"Kit/limit\",\"v\":5}]");
    kit_answer_all(&house.bus, 2);
    CHECK_INT(c.code, IS(204));
    CHECK_INT(c.format, 110);
    CHECK_HAS(c.text, "\"n\":\"Kit/fan\",\"v\":4,"); /* as the device says now */
    CHECK_HAS(c.text, "\"n\":\"Kit/limit\",\"u\":\"W\",\"v\":3,");
    next.format = CBOR;
    ask_bytes(&c, LINTEL_IPATCH, "\x81\xa2\x00\x67Kit/fan\x02\xc4\x82\x00\x05", 16);
    REQUIRE(house.bus.nopen == 1);
    CHECK_REAL(house.bus.open[0]->values[0].as.r, 5);
    kit_answer_all(&house.bus, 3);
    CHECK_INT(c.code, IS(204));
    end();
}

static void
all_is_checked_before_anything_is_sent(void)
{
    static const struct {
        const char *second;
        unsigned code;
        const char *why;
    } cases[] = {
        {"{\"n\":\"Kit/fna\",\"v\":1}", 422,
         "record 2 (Kit/fna): t0 has no such property (did you mean Kit/fan?)"},
        {"{\"n\":\"hub:t1/Kit/fan\",\"v\":1}", 422, "no such property"},
        {"{\"n\":\"Kit/power\",\"v\":1}", 422, "record 2 (Kit/power): it is read-only"},
        {"{\"n\":\"Kit/fan\",\"v\":61}", 422, "record 2 (Kit/fan): "},
        {"{\"n\":\"Kit/fan\",\"v\":1.5}", 422, "record 2 (Kit/fan): "},
        {"{\"n\":\"Kit/fan\",\"vs\":\"fast\"}", 422, "record 2 (Kit/fan): "},
        {"{\"n\":\"Kit/fan\",\"v\":null}", 422, "can't be removed"},
        {"{\"n\":\"Kit/fan\",\"s\":3}", 422, "sum"},
        {"{\"n\":\"Kit/fan\"}", 422, "record 2: no value"},
        {"{\"n\":\"Kit/fan\",\"v\":1,\"t\":1700000000}", 422, "no record of that time"},
        {"{\"n\":\"Kit/limit\",\"v\":1}", 409, "record 1 is of the same property"},
        {"{\"n\":\"hub:t0/Kit/limit\",\"v\":1}", 409, "record 1"},
        {"{\"n\":\"Kit/fan\",\"v\":1,\"x_\":1}", 422, "\"x_\""},
        {"{\"n\":\"Kit/fan\",\"v\":1,\"vb\":true}", 400, "more than one value"},
        {"{\"n\":\"Kit/fan\",\"v\":[1]}", 400, "\"v\""},
        {"7", 400, "not an object"},
    };
    struct client c;
    begin();
    ready();
    uint32_t before = house.bus.submitted;
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "[{\"n\":\"Kit/limit\",\"v\":1},%s]", cases[i].second);
        patch(&c, text);
        if (!CHECK_INT(c.code, IS(cases[i].code)) || !CHECK_HAS(c.text, cases[i].why))
            printf("    %s: %s\n", text, c.text);
        CHECK_INT(c.ticket, 0);
    }
    patch(&c, "[{\"n\":\"Kit/limit\",\"u\":\"Cel\",\"v\":1}]");
    CHECK_INT(c.code, IS(422));
    CHECK_HAS(c.text, "record 1 (Kit/limit): \"Cel\" can't be converted to W");
    next.format = LINTEL_FORMAT_NONE;
    patch(&c, "[{\"n\":\"Kit/limit\",\"v\":1}]");
    CHECK_INT(c.code, IS(415));
    next.format = 110;
    patch(&c, "[{\"n\":\"Kit/limit\",\"v\":1}]");
    CHECK_INT(c.code, IS(415));
    struct lintel_buf many = {0};
    for (int i = 0; i <= LINTEL_PATCH_RECORDS_MOST; i++)
        lintel_buf_adds(&many, i == 0 ? "[{\"n\":\"a\",\"v\":1}" : ",{\"n\":\"a\",\"v\":1}");
    lintel_buf_addc(&many, ']');
    patch(&c, lintel_buf_str(&many));
    CHECK_INT(c.code, IS(413));
    lintel_buf_fini(&many);
    CHECK_INT(house.bus.submitted, before); /* the device saw nothing of it */
    end();
}

static void
the_device_refuses_one(void)
{
    struct client c;
    begin();
    ready();
    static const char both[] = "[{\"n\":\"Kit/limit\",\"v\":50},{\"n\":\"Kit/fan\",\"v\":3}]";
    patch(&c, both);
    kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0); /* the limit */
    kit_answer_all(&house.bus, 1);
    CHECK_INT(c.code, IS(502));
    CHECK_HAS(c.text, "1 of 2 were written; record 1 (Kit/limit): ");
    CHECK(strstr(c.text, "fan") == NULL);
    CHECK_INT(kit_reading(&house, 0, FAN).value.as.i, 3);
    CHECK_INT(kit_reading(&house, 0, LIMIT).value.as.i, 21);
    next.accept = 110;
    patch(&c, both);
    kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0);
    kit_answer_all(&house.bus, 1);
    CHECK_INT(c.code, IS(502));
    CHECK_INT(c.format, 110);
    CHECK_HAS(c.text, "\"n\":\"Kit/limit\",\"u\":\"W\",\"v\":21,");
    CHECK_HAS(c.text, "\"error\":\"");
    CHECK_HAS(c.text, "\"n\":\"Kit/fan\",\"v\":3,\"ut\":60}"); /* without one */
    next.accept = 110; /* what can't stand in a pack is told as a text */
    patch(&c, "[{\"n\":\"Kit/fan\",\"v\":3},{\"n\":\"Kit/secret\",\"v\":1}]");
    kit_answer(&house.bus, 0, LINTEL_OK, 0);
    kit_answer(&house.bus, 0, LINTEL_OK, 1);
    kit_answer(&house.bus, 0, LINTEL_E_DENIED, 0);
    CHECK_INT(c.code, IS(502));
    CHECK_INT(c.format, LINTEL_FORMAT_NONE);
    CHECK_HAS(c.text, "record 2 (Kit/secret): ");
    patch(&c, both); /* both, for different reasons: the worse code */
    kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    while (house.bus.nopen > 0)
        kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0);
    CHECK_INT(c.code, IS(504));
    CHECK_HAS(c.text, "none was written; record 1 (Kit/limit): ");
    CHECK_HAS(c.text, "; record 2 (Kit/fan): ");
    end();
}

static void
a_device_away_gets_nothing(void)
{
    struct client c, waiting[40];
    begin();
    patch(&c, "[{\"n\":\"Kit/limit\",\"v\":50},{\"n\":\"Kit/fan\",\"v\":3}]");
    CHECK_INT(c.code, IS(503));
    CHECK_HAS(c.text, "nothing was written: record 1 (Kit/limit): the bus line does not run");
    ready();
    uint32_t n = 0, before = house.bus.kinds[LINTEL_OP_WRITE];
    do { /* until its queue is full */
        patch(&waiting[n], "[{\"n\":\"Kit/limit\",\"v\":50},{\"n\":\"Kit/fan\",\"v\":3},{\"n\":"
                           "\"Kit/secret\",\"v\":3}]");
    } while (waiting[n].answers == 0 && ++n < LINTEL_COUNT(waiting));
    CHECK_INT(n, 21); /* 63 writes wait or are under way */
    CHECK_INT(waiting[n].code, IS(503));
    CHECK_HAS(waiting[n].text, "nothing was written");
    kit_answer_all(&house.bus, 1);
    for (uint32_t i = 0; i < n; i++)
        CHECK_INT(waiting[i].code, IS(204));
    CHECK_INT(house.bus.kinds[LINTEL_OP_WRITE] - before, 63); /* of the refused one, none */
    end();
}

static void
a_patch_that_is_left_alone(void)
{
    struct client c;
    begin();
    ready();
    uint32_t before = house.bus.kinds[LINTEL_OP_WRITE];
    patch(&c, "[{\"n\":\"Kit/limit\",\"v\":50},{\"n\":\"Kit/fan\",\"v\":3}]");
    lintel_tree_abandon(tree, c.ticket);
    kit_answer_all(&house.bus, 1);
    CHECK_INT(c.answers, 0);
    CHECK_INT(house.bus.kinds[LINTEL_OP_WRITE] - before, 2); /* what was accepted is done */
    next.accept = 110;
    patch(&c, "[{\"n\":\"Kit/limit\",\"v\":50},{\"n\":\"Kit/fan\",\"v\":3}]");
    lintel_engine_remove_thing(house.engine, house.things[0]);
    CHECK_INT(c.answers, 1);
    CHECK_INT(c.code, IS(503));
    CHECK_HAS(c.text, "record 2 (Kit/fan)");
    end();
}

static void
only_if_it_matches(void)
{
    struct client c;
    uint8_t tag[8];
    const lintel_span match = {(const char *)tag, sizeof tag};
    begin();
    ready();
    ask(&c, LINTEL_GET, NULL);
    memcpy(tag, c.etag, sizeof tag);
    next.if_match = &match;
    patch(&c, "[{\"n\":\"Kit/fan\",\"v\":3}]");
    kit_answer_all(&house.bus, 1);
    CHECK_INT(c.code, IS(204));
    next.if_match = &match; /* it has changed by that */
    patch(&c, "[{\"n\":\"Kit/fan\",\"v\":4}]");
    CHECK_INT(c.code, IS(412));
    CHECK_INT(house.bus.nopen, 0);
    end();
}

/* Memory runs out while the request comes, or while the device answers. */
struct short_of {
    uint32_t method, flags;
    const char *text;
    int late;
};

static int
etch_once(void *ctx)
{
    const struct short_of *s = ctx;
    struct client c;
    kit_memory_is_back();
    begin();
    ready();
    next.flags = s->flags;
    next.accept = 110;
    if (!s->late)
        kit_memory_fails_from_here();
    ask(&c, s->method, s->text);
    kit_memory_is_back();
    if (s->late)
        kit_memory_fails_from_here();
    kit_answer_all(&house.bus, 1);
    kit_memory_is_back();
    kit_answer_all(&house.bus, 1);
    CHECK_INT(c.answers, 1);
    int done = c.code == IS(205) || c.code == IS(204);
    CHECK(done || c.code / 32 == 5);
    if (c.flags & LINTEL_ANSWER_MORE)
        lintel_tree_abandon(tree, c.ticket);
    end();
    return done;
}

static void
memory_runs_out(void)
{
    struct short_of all[] = {
        {LINTEL_FETCH, 0, "[{\"n\":\"Kit/fan\"},{\"n\":\"Kit/power\"}]", 0},
        {LINTEL_FETCH, LINTEL_X_OBSERVE, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/counter\"}]", 0},
        {LINTEL_FETCH, LINTEL_X_OBSERVE, "[{\"n\":\"Kit/hours\"},{\"n\":\"Kit/counter\"}]", 1},
        {LINTEL_IPATCH, 0, "[{\"n\":\"Kit/limit\",\"v\":5},{\"n\":\"Kit/fan\",\"v\":3}]", 0},
        {LINTEL_IPATCH, 0, "[{\"n\":\"Kit/limit\",\"v\":5},{\"n\":\"Kit/fan\",\"v\":3}]", 1}};
    for (size_t i = 0; i < LINTEL_COUNT(all); i++)
        kit_each_failure(etch_once, &all[i]);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(selects_in_the_order_asked),
                                            KIT(selects_by_time),
                                            KIT(what_can_not_be_fetched),
                                            KIT(asks_the_device_for_what_nobody_reads),
                                            KIT(nothing_was_ever_read),
                                            KIT(reading_ends),
                                            KIT(observes_the_selection),
                                            KIT(writes_several),
                                            KIT(all_is_checked_before_anything_is_sent),
                                            KIT(the_device_refuses_one),
                                            KIT(a_device_away_gets_nothing),
                                            KIT(a_patch_that_is_left_alone),
                                            KIT(only_if_it_matches),
                                            KIT(memory_runs_out),
                                            {0}};
    lintel_log_level(0);
    return kit_main("etch", tests, argc, argv);
}
