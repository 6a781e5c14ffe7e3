/* SPDX-License-Identifier: Apache-2.0
 * The tree as a client sees it; long because all its cases share one tree with a fake engine. */
#include "core/serve/tree.h"

#include <stdio.h>
#include <string.h>

#include "core/serve/codes.h"
#include "core/serve/fake_engine.h"
#include "core/serve/format.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)
#define POWER "d/main-meter/Device/p/activePower"
#define SETPOINT "d/main-meter/Device/p/setPoint"
#define MODE "d/main-meter/Device/p/mode"
#define ENERGY "d/main-meter/Device/p/energy"
#define IS(dotted)                                                                                 \
    ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100) /* 2.05 is IS(205)                  \
                                                                */

static struct {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_tree *tree;
    /* the last answer */
    int answers;
    uint32_t code, flags, max_age, netag;
    int32_t format;
    uint8_t etag[8];
    char text[16384];
    size_t n;
    /* the next request */
    uint32_t x_flags;
    int32_t x_format;
    const char *etag_sent, *if_match;
    size_t etag_n;
    const char *thing, *query;
} h;

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    CHECK(ctx == &h && cookie == h.text);
    CHECK(a->size == sizeof *a && a->payload.n < sizeof h.text);
    h.answers++;
    h.code = a->code;
    h.flags = a->flags;
    h.format = a->format;
    h.max_age = a->max_age;
    h.netag = a->netag;
    memcpy(h.etag, a->etag, sizeof h.etag);
    h.n = a->payload.n;
    if (h.n != 0)
        memcpy(h.text, a->payload.p, h.n);
    h.text[h.n] = '\0';
}

static uint32_t
split(const char *s, char at, lintel_span *ret)
{
    uint32_t n = 0;
    for (; s != NULL && *s != '\0'; n++) {
        const char *end = strchr(s, at);
        size_t length = end == NULL ? strlen(s) : (size_t)(end - s);
        ret[n] = (lintel_span){s, length};
        s += length + (end != NULL);
    }
    return n;
}

static lintel_ticket
ask(uint32_t method, const char *path, int32_t accept, const char *payload)
{
    lintel_span segments[20], query[20], etag = {h.etag_sent, h.etag_n},
                                         match = {h.if_match, h.if_match == NULL ? 0 : h.etag_n};
    lintel_exchange x = {.size = sizeof x,
                         .method = method,
                         .flags = h.x_flags,
                         .format = h.x_format,
                         .path = segments,
                         .query = query,
                         .accept = &accept,
                         .naccept = accept != LINTEL_FORMAT_NONE,
                         .etag = &etag,
                         .netag = h.etag_sent != NULL,
                         .if_match = &match,
                         .nif_match = h.if_match != NULL,
                         .payload = {payload, payload == NULL ? 0 : strlen(payload)},
                         .identity = "",
                         .peer = "[::1]:40312",
                         .thing = h.thing,
                         .base = "coap://[::1]",
                         .cookie = h.text};
    x.npath = split(path, '/', segments);
    x.nquery = split(h.query, '&', query);
    int before = h.answers;
    lintel_ticket ticket = lintel_tree_submit(h.tree, &x, on_answer, &h);
    CHECK(ticket != 0 || h.answers == before + 1);
    h.query = NULL;
    return ticket;
}

static lintel_ticket
get(const char *path, int32_t accept)
{
    return ask(LINTEL_GET, path, accept, NULL);
}

static lintel_ticket
observe(const char *path, int32_t accept)
{
    h.x_flags |= LINTEL_X_OBSERVE;
    lintel_ticket ticket = get(path, accept);
    h.x_flags &= ~(uint32_t)LINTEL_X_OBSERVE;
    return ticket;
}

static void
status(void *ctx, struct lintel_buf *out)
{
    (void)ctx;
    lintel_buf_adds(out, "{\"pid\":1}");
}

static void
reload(void *ctx, const char *who, lintel_reload_done *done, void *done_ctx)
{
    struct lintel_buf problems = {0};
    (void)ctx;
    CHECK_STR(who, "[::1]:40312");
    lintel_buf_adds(&problems, "[{\"file\":\"lintel.yaml\"}]");
    done(done_ctx, 1, &problems);
    lintel_buf_fini(&problems);
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    h.x_flags = LINTEL_X_LOOPBACK;
    h.x_format = LINTEL_FORMAT_NONE;
    h.loop = lintel_loop_new_fake();
    h.engine = fake_engine_new(h.loop);
    h.tree = lintel_tree_new(&(struct lintel_tree_source){.engine = h.engine,
                                                          .loop = h.loop,
                                                          .hub_name = "plant-7",
                                                          .status = status,
                                                          .reload = reload});
    CHECK(h.tree != NULL);
    fake_set(h.engine, fake_point(0, FAKE_POWER), FAKE_REAL(21.5), LINTEL_QUALITY_GOOD);
    fake_set(h.engine, fake_point(0, FAKE_SETPOINT), FAKE_REAL(19), LINTEL_QUALITY_GOOD);
    fake_set(h.engine, fake_point(0, FAKE_MODE), FAKE_STR("he\"at"), LINTEL_QUALITY_GOOD);
}

static void
end(void)
{
    CHECK_INT(lintel_tree_open(h.tree), 0);
    lintel_tree_free(h.tree);
    fake_engine_free(h.engine);
    lintel_loop_free(h.loop);
}

/* ---- GET ------------------------------------------------------------------------------------- */

static void
formats(void)
{
    begin();
    CHECK_INT(get(POWER, LINTEL_FORMAT_NONE), 0);
    CHECK_INT(h.code, IS(205));
    CHECK_INT(h.format, 50);
    CHECK_STR(h.text, "21.5");
    get(POWER, 50);
    CHECK_STR(h.text, "21.5");
    get(POWER, 0);
    CHECK_INT(h.format, 0);
    CHECK_STR(h.text, "21.5");
    get(MODE, 50);
    CHECK_STR(h.text, "\"he\\\"at\"");
    get(MODE, 0);
    CHECK_STR(h.text, "he\"at");
    get(POWER, 60);
    CHECK_INT(h.format, 60);
    CHECK(h.n == 3 && memcmp(h.text, "\xf9\x4d\x60", 3) == 0);
    get(POWER, 110);
    CHECK_INT(h.format, 110);
    CHECK_STR(
        h.text,
        "[{\"bn\":\"plant-7:main-meter/\",\"n\":\"Device/activePower\",\"u\":\"W\",\"v\":21.5,"
        "\"t\":1767225600,\"ut\":10}]");
    get(POWER, 112);
    CHECK_INT(h.format, 112);
    CHECK_HAS(h.text, "\x81\xa6\x21\x73plant-7:main-meter/");
    get(POWER, 41);
    CHECK_INT(h.code, IS(406));
    CHECK_HAS(h.text, "110 (SenML JSON)");
    end();
}

/* LINTEL_X_AT_ONCE: what needs a device is not begun. */
static void
declines_what_it_cannot_answer_at_once(void)
{
    static const lintel_span path[] = {
        {"d", 1}, {"main-meter", 10}, {"Device", 6}, {"p", 1}, {"energy", 6}};
    begin();
    lintel_exchange x = {.size = sizeof x,
                         .method = LINTEL_GET,
                         .flags = LINTEL_X_LOOPBACK | LINTEL_X_AT_ONCE,
                         .format = LINTEL_FORMAT_NONE,
                         .path = path,
                         .npath = 5,
                         .identity = "",
                         .peer = "",
                         .base = "coap://[::1]",
                         .cookie = h.text};
    CHECK_INT(lintel_tree_submit(h.tree, &x, on_answer, &h), 0);
    CHECK_INT(h.answers, 0);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    h.x_flags |= LINTEL_X_AT_ONCE;
    CHECK_INT(get(POWER, 50), 0);
    CHECK_STR(h.text, "21.5");
    CHECK_INT(get(POWER, 41), 0);
    CHECK_INT(h.code, IS(406));
    end();
}

static void
max_age_is_the_rest_of_the_poll(void)
{
    begin();
    get(POWER, 50);
    CHECK_INT(h.max_age, 10);
    lintel_loop_advance(h.loop, 4 * SECOND + SECOND / 2);
    get(POWER, 50);
    CHECK_INT(h.max_age, 5);
    lintel_loop_advance(h.loop, 9 * SECOND);
    get(POWER, 50);
    CHECK_INT(h.max_age, 0);
    get(MODE, 50);
    CHECK_INT(h.max_age, 60);
    end();
}

static void
etags(void)
{
    uint8_t first[8];
    begin();
    get(POWER, 50);
    CHECK_INT(h.netag, 8);
    memcpy(first, h.etag, sizeof first);
    h.etag_sent = (const char *)first;
    h.etag_n = sizeof first;
    get(POWER, 50);
    CHECK_INT(h.code, IS(203));
    CHECK_INT(h.n, 0);
    CHECK(memcmp(first, h.etag, sizeof first) == 0);
    get(POWER, 0); /* another format is another representation */
    CHECK_INT(h.code, IS(205));
    fake_set(h.engine, fake_point(0, FAKE_POWER), FAKE_REAL(22), LINTEL_QUALITY_GOOD);
    get(POWER, 50);
    CHECK_INT(h.code, IS(205));
    CHECK_STR(h.text, "22");
    h.etag_n = 7;
    get(POWER, 50);
    CHECK_INT(h.code, IS(205));
    end();
}

static void
stale_and_bad(void)
{
    begin();
    lintel_loop_advance(h.loop, 12 * SECOND);
    fake_set(h.engine, fake_point(0, FAKE_POWER), FAKE_REAL(21.5), LINTEL_QUALITY_STALE);
    fake_detail(h.engine, fake_point(0, FAKE_POWER), LINTEL_E_TIMEOUT, "unit 1 does not answer");
    get(POWER, 50);
    CHECK_INT(h.code, IS(504));
    CHECK_STR(h.text, "stale for 12 s, last 21.5 W: unit 1 does not answer");
    CHECK_INT(h.format, LINTEL_FORMAT_NONE);
    get(POWER, 110);
    CHECK_INT(h.code, IS(205));
    CHECK_HAS(h.text, "\"v\":21.5");
    CHECK_HAS(h.text, "\"quality\":\"stale\"");
    CHECK_HAS(h.text, "\"t\":1767225600,");
    fake_set(h.engine, fake_point(0, FAKE_POWER), (lintel_value){0}, LINTEL_QUALITY_BAD);
    fake_detail(h.engine, fake_point(0, FAKE_POWER), LINTEL_E_DEVICE, NULL);
    get(POWER, 60);
    CHECK_INT(h.code, IS(502));
    CHECK_STR(h.text, "bad: the device answered with an error");
    fake_set(h.engine, fake_point(0, FAKE_POWER), FAKE_REAL(1), LINTEL_QUALITY_OVERRIDDEN);
    get(POWER, 50);
    CHECK_INT(h.code, IS(205));
    end();
}

static void
read_on_demand(void)
{
    begin();
    lintel_ticket ticket = get(ENERGY, 50);
    CHECK(ticket != 0);
    CHECK_INT(h.answers, 0);
    CHECK_INT(fake_command(h.engine)->point, fake_point(0, FAKE_ENERGY));
    fake_complete(h.engine, LINTEL_OK, "", FAKE_REAL(2.5));
    CHECK_INT(h.code, IS(205));
    CHECK_STR(h.text, "2.5");
    CHECK_INT(h.max_age, 0);
    get(ENERGY, 110); /* and each time again; the unit becomes a primary one */
    fake_complete(h.engine, LINTEL_OK, "", FAKE_REAL(2));
    CHECK_HAS(h.text, "\"u\":\"J\",\"v\":7200000");
    get(ENERGY, 50);
    fake_complete(h.engine, LINTEL_E_TIMEOUT, "", (lintel_value){0});
    CHECK_INT(h.code, IS(504));
    CHECK_STR(h.text, "the device does not answer");
    get(ENERGY, 50);
    fake_complete(h.engine, LINTEL_E_BUSY, "in back-off", (lintel_value){0});
    CHECK_INT(h.code, IS(503));
    CHECK(h.max_age > 0);
    CHECK_STR(h.text, "in back-off");
    fake_answer_at_once(h.engine, 1);
    CHECK_INT(get(ENERGY, 50), 0);
    CHECK_STR(h.text, "7.5");
    fake_answer_at_once(h.engine, 0);
    ticket = get("d/lamp-1/Device/p/activePower", 50); /* never read yet */
    lintel_tree_abandon(h.tree, ticket);
    lintel_tree_abandon(h.tree, ticket);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    end();
}

static void
not_there(void)
{
    static const struct {
        const char *path;
        unsigned code;
        const char *text;
    } cases[] = {
        {"d/main-meter/Device/p/activePowr", 404,
         "no property \"activePowr\" on main-meter; did you mean activePower?"},
        {"d/main-metre/Device/p/activePower", 404,
         "no thing \"main-metre\"; did you mean main-meter?"},
        {"d/zzz", 404, "no thing \"zzz\"; GET /d lists them"},
        {"d/main-meter/Device/a/mode", 404,
         "no action \"mode\" on main-meter; did you mean Device/p/mode?"},
        {"d/main-meter/Device", 404, "nothing at \"Device\" on main-meter"},
        {"d/main-meter/Device/p", 404, "nothing at \"Device/p\""},
        {"d/main-meter/Device/p/activePower/x", 404, "nothing at"},
        {"d/main-meter/Device/p/serial", 501, "the binding \"acme-em1\" does not map serial"},
        {"d/main-meter/Device/p/secret", 405, "secret is write-only"},
        {"d/main-meter/Device/a/identify", 405, "identify is an action: use POST"},
        {"nowhere", 404, "/.well-known/core"},
        {"hub/nothing", 404, "status, things"},
        {"hub/values/main-metre", 404, "no thing \"main-metre\"; did you mean main-meter?"},
        {"", 404, "/.well-known/core"},
    };
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        get(cases[i].path, LINTEL_FORMAT_NONE);
        if (!CHECK_INT(h.code, IS(cases[i].code)))
            printf("    at %s\n", cases[i].path);
        CHECK_HAS(h.text, cases[i].text);
    }
    lintel_span odd[] = {{"d", 1}, {"main-meter", 10}, {"Device/p", 8}, {"activePower", 11}};
    lintel_exchange x = {.size = sizeof x,
                         .method = LINTEL_GET,
                         .flags = LINTEL_X_LOOPBACK,
                         .path = odd,
                         .npath = 4,
                         .format = LINTEL_FORMAT_NONE,
                         .cookie = h.text};
    lintel_tree_submit(h.tree, &x, on_answer, &h);
    CHECK_INT(h.code, IS(404));
    odd[2] = (lintel_span){NULL, 0};
    lintel_tree_submit(h.tree, &x, on_answer, &h);
    CHECK_INT(h.code, IS(404));
    ask(LINTEL_DELETE, POWER, LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(405));
    CHECK_STR(h.text, "activePower: use GET");
    ask(LINTEL_PUT, "d/main-meter/s", LINTEL_FORMAT_NONE, "[]");
    CHECK_INT(h.code, IS(405));
    ask(LINTEL_POST, ".well-known/core", LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(405));
    end();
}

static void
rights(void)
{
    begin();
    h.x_flags = 0;
    get(POWER, 50);
    CHECK_INT(h.code, IS(401));
    h.x_flags = LINTEL_X_OPEN;
    get(POWER, 50);
    CHECK_INT(h.code, IS(205));
    get("hub/things", 50);
    CHECK_INT(h.code, IS(401));
    h.x_flags = LINTEL_X_SECURE;
    get("hub/status", 50);
    CHECK_INT(h.code, IS(401));
    get(".well-known/core", LINTEL_FORMAT_NONE);
    CHECK(strstr(h.text, "/hub/") == NULL);
    h.x_flags = LINTEL_X_LOOPBACK | LINTEL_X_MULTICAST;
    ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "20");
    CHECK_INT(h.code, IS(405));
    end();
}

/* ---- PUT, POST ------------------------------------------------------------------------------- */

static void
writes(void)
{
    begin();
    CHECK(ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "21.5") != 0);
    struct fake_command *c = fake_command(h.engine);
    CHECK_INT(c->kind, LINTEL_OP_WRITE);
    CHECK_INT(c->value.type, LINTEL_T_REAL);
    CHECK_REAL(c->value.as.r, 21.5);
    CHECK_STR(c->who, "[::1]:40312");
    CHECK_INT(h.answers, 0);
    fake_complete(h.engine, LINTEL_OK, "", FAKE_REAL(21.5));
    CHECK_INT(h.code, IS(204));
    CHECK_INT(h.n, 0);
    static const struct {
        lintel_status status;
        unsigned code;
    } outcomes[] = {{LINTEL_E_FAIL, 500},   {LINTEL_E_ADDRESS, 502},  {LINTEL_E_RANGE, 422},
                    {LINTEL_E_NOTSUP, 501}, {LINTEL_E_DENIED, 502},   {LINTEL_E_TIMEOUT, 504},
                    {LINTEL_E_LINK, 503},   {LINTEL_E_PROTO, 502},    {LINTEL_E_DEVICE, 502},
                    {LINTEL_E_BUSY, 503},   {LINTEL_E_CANCELLED, 503}};
    for (size_t i = 0; i < LINTEL_COUNT(outcomes); i++) {
        ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "20");
        fake_complete(h.engine, outcomes[i].status, i % 2 ? "why" : "", (lintel_value){0});
        CHECK_INT(h.code, IS(outcomes[i].code));
        CHECK_STR(h.text, i % 2 ? "why" : lintel_status_words(outcomes[i].status));
    }
    end();
}

static void
refused_writes(void)
{
    static const struct {
        const char *path;
        int32_t format;
        const char *payload;
        unsigned code;
        const char *text;
    } cases[] = {
        {POWER, 50, "1", 405, "activePower is read-only"},
        {SETPOINT, 50, "26.5", 422, "26"},
        {SETPOINT, 50, "\"x\"", 400, ""},
        {SETPOINT, 50, "{", 400, "JSON"},
        {SETPOINT, 50, "", 400, "empty"},
        {SETPOINT, 50, "1 2", 400, "number"},
        {SETPOINT, 50, "0x10", 400, "number"},
        {SETPOINT, 50, "[1,", 400, "JSON"},
        {SETPOINT, 60, "\x9f", 400, "CBOR"},
        {SETPOINT, 60, "\x01\x01", 400, "more than one"},
        {SETPOINT, 0, "warm", 400, "warm"},
        {SETPOINT, LINTEL_FORMAT_NONE, "warm", 400, "warm"},
        {SETPOINT, 41, "<x/>", 415, "41"},
        {SETPOINT, 110, "[]", 400, "one record"},
        {SETPOINT, 110, "[{\"n\":\"other\",\"v\":1}]", 400, "plant-7:main-meter/Device/setPoint"},
        {SETPOINT, 110, "[{\"v\":20,\"u\":\"W\"}]", 400, "can't be converted to Cel"},
        {SETPOINT, 110, "[{\"v\":20,\"must_\":1}]", 400, "must_"},
        {"d/main-meter/Device/p/serial", 50, "1", 501, "acme-em1"},
    };
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        h.x_format = cases[i].format;
        CHECK_INT(ask(LINTEL_PUT, cases[i].path, LINTEL_FORMAT_NONE, cases[i].payload), 0);
        if (!CHECK_INT(h.code, IS(cases[i].code)) || !CHECK_HAS(h.text, cases[i].text))
            printf("    in case %zu: %s\n", i, cases[i].payload);
    }
    end();
}

static void
written_formats(void)
{
    static const struct {
        const char *path;
        int32_t format;
        const char *payload;
        double number; /* or */
        const char *text;
    } cases[] = {
        {SETPOINT, 50, " 20 ", 20, NULL},
        {SETPOINT, 0, "20.5", 20.5, NULL},
        {SETPOINT, 60, "\xf9\x4d\x60", 21.5, NULL},
        {SETPOINT, 110, "[{\"v\":20}]", 20, NULL},
        {SETPOINT, 110, "[{\"bn\":\"plant-7:main-meter/\",\"n\":\"Device/setPoint\",\"v\":20}]", 20,
         NULL},
        {SETPOINT, 110, "[{\"v\":293.15,\"u\":\"K\"}]", 20, NULL},
        {SETPOINT, 112, "\x81\xa1\x02\x14", 20, NULL},
        {SETPOINT, LINTEL_FORMAT_NONE, "20", 20, NULL},
        {MODE, LINTEL_FORMAT_NONE, "heat", 0, "heat"},
        {MODE, LINTEL_FORMAT_NONE, "\"cool\"", 0, "cool"},
        {MODE, LINTEL_FORMAT_NONE, "5", 0, "5"},
        {MODE, 0, "\"dry\"", 0, "\"dry\""},
        {MODE, 110, "[{\"vs\":\"fan\"}]", 0, "fan"},
    };
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        h.x_format = cases[i].format;
        if (!CHECK(ask(LINTEL_PUT, cases[i].path, LINTEL_FORMAT_NONE, cases[i].payload) != 0)) {
            printf("    in case %zu: %s: %s\n", i, cases[i].payload, h.text);
            continue;
        }
        const struct fake_command *c = fake_command(h.engine);
        if (cases[i].text != NULL)
            CHECK_STR(c->text, cases[i].text);
        else
            CHECK(c->value.type == LINTEL_T_REAL ? c->value.as.r > cases[i].number - 1e-9 &&
                                                       c->value.as.r < cases[i].number + 1e-9
                                                 : c->value.as.i == (int64_t)cases[i].number);
        fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
        CHECK_INT(h.code, IS(204));
    }
    end();
}

static void
preconditions(void)
{
    uint8_t tag[8];
    begin();
    h.x_flags |= LINTEL_X_IF_NONE_MATCH;
    ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "20");
    CHECK_INT(h.code, IS(412));
    h.x_flags &= ~(uint32_t)LINTEL_X_IF_NONE_MATCH;
    get(SETPOINT, 110);
    memcpy(tag, h.etag, sizeof tag);
    h.if_match = (const char *)tag;
    h.etag_n = sizeof tag;
    CHECK(ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "20") != 0);
    fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
    fake_set(h.engine, fake_point(0, FAKE_SETPOINT), FAKE_REAL(20), LINTEL_QUALITY_GOOD);
    ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "21");
    CHECK_INT(h.code, IS(412));
    CHECK_STR(h.text, "the value has changed");
    h.if_match = ""; /* any */
    h.etag_n = 0;
    CHECK(ask(LINTEL_PUT, SETPOINT, LINTEL_FORMAT_NONE, "21") != 0);
    fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
    CHECK_INT(h.code, IS(204));
    end();
}

static void
actions(void)
{
    begin();
    ask(LINTEL_POST, "d/main-meter/Device/a/identify", LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(fake_command(h.engine)->kind, LINTEL_OP_INVOKE);
    fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
    CHECK_INT(h.code, IS(204));
    ask(LINTEL_POST, "d/main-meter/Device/a/identify", LINTEL_FORMAT_NONE, NULL);
    fake_complete(h.engine, LINTEL_OK, "", FAKE_INT(7));
    CHECK_INT(h.code, IS(204));
    CHECK_INT(h.format, 50);
    CHECK_STR(h.text, "7");
    ask(LINTEL_POST, "d/main-meter/Device/a/identify", LINTEL_FORMAT_NONE, "1");
    CHECK_INT(h.code, IS(400));
    ask(LINTEL_POST, "d/main-meter/Device/a/dim", LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(400));
    CHECK_HAS(h.text, "dim needs input: ");
    ask(LINTEL_POST, "d/main-meter/Device/a/dim", LINTEL_FORMAT_NONE, "101");
    CHECK_INT(h.code, IS(422));
    ask(LINTEL_POST, "d/main-meter/Device/a/dim", LINTEL_FORMAT_NONE, "50");
    CHECK_INT(fake_command(h.engine)->value.as.i, 50);
    fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
    end();
}

/* ---- observe --------------------------------------------------------------------------------- */

static void
observed(void)
{
    begin();
    lintel_point_id p = fake_point(0, FAKE_POWER);
    h.query = "c.st=2&x=y&c.con";
    lintel_ticket ticket = observe(POWER, 50);
    CHECK(ticket != 0);
    CHECK_INT(h.answers, 1);
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    CHECK_STR(h.text, "21.5");
    CHECK_REAL(fake_conditions(h.engine)->st, 2);
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_GOOD);
    CHECK_INT(h.answers, 2);
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM);
    CHECK_STR(h.text, "30");
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_STALE); /* no error: it would end here */
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_BAD);
    CHECK_INT(h.answers, 2);
    fake_set(h.engine, p, FAKE_REAL(31), LINTEL_QUALITY_GOOD);
    CHECK_INT(h.answers, 3);
    CHECK_INT(lintel_tree_open(h.tree), 1);
    lintel_tree_abandon(h.tree, ticket);
    fake_set(h.engine, p, FAKE_REAL(32), LINTEL_QUALITY_GOOD);
    CHECK_INT(h.answers, 3);
    end();
}

static void
observed_in_senml(void)
{
    begin();
    lintel_point_id p = fake_point(0, FAKE_POWER);
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_STALE);
    lintel_ticket bare = observe(POWER, 50);
    CHECK_INT(bare, 0); /* nothing to show, so not on the list */
    CHECK_INT(h.code, IS(504));
    lintel_ticket ticket = observe(POWER, 110);
    CHECK(ticket != 0);
    CHECK_HAS(h.text, "\"quality\":\"stale\"");
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_GOOD);
    CHECK_INT(h.answers, 3);
    CHECK(strstr(h.text, "quality") == NULL);
    fake_set(h.engine, p, FAKE_REAL(30), LINTEL_QUALITY_BAD);
    CHECK_INT(h.answers, 4);
    CHECK_HAS(h.text, "\"quality\":\"bad\"");
    fake_remove_things(h.engine);
    CHECK_INT(h.answers, 5);
    CHECK_INT(h.code, IS(404));
    CHECK_INT(h.flags, 0);
    end();
}

static void
observed_before_the_first_value(void)
{
    begin();
    lintel_ticket ticket = observe(ENERGY, 50);
    CHECK(ticket != 0);
    CHECK_INT(h.answers, 0);
    fake_complete(h.engine, LINTEL_OK, "", FAKE_REAL(3));
    CHECK_INT(h.answers, 1);
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    lintel_tree_abandon(h.tree, ticket);
    ticket = observe("d/lamp-1/Device/p/mode", 50);
    fake_complete(h.engine, LINTEL_E_NOTSUP, "", (lintel_value){0});
    CHECK_INT(h.code, IS(503));
    CHECK_STR(h.text, "the device has not sent a value yet");
    CHECK_INT(h.flags, 0);
    ticket = observe("d/lamp-1/Device/p/mode", 50);
    lintel_tree_abandon(h.tree, ticket);
    ticket = observe("d/lamp-1/Device/p/mode", 50);
    CHECK(ticket != 0);
    fake_remove_things(h.engine);
    CHECK_INT(h.code, IS(503));
    end();
}

static void
bad_conditions(void)
{
    begin();
    h.query = "c.st=x";
    CHECK_INT(observe(POWER, 50), 0);
    CHECK_INT(h.code, IS(400));
    CHECK_STR(h.text, "c.st=x is no condition");
    h.query = "c.st=1";
    CHECK_INT(observe(MODE, 50), 0);
    CHECK_INT(h.code, IS(400));
    end();
}

static void
events(void)
{
    begin();
    const char *path = "d/lamp-1/Device/e/pressed";
    get(path, 50);
    CHECK_INT(h.code, IS(205));
    CHECK_STR(h.text, "null");
    get(path, 110);
    CHECK_STR(h.text, "[]");
    lintel_ticket ticket = observe(path, 50);
    CHECK_STR(h.text, "null");
    fake_set(h.engine, fake_point(1, FAKE_PRESSED), FAKE_STR("single"), LINTEL_QUALITY_GOOD);
    CHECK_STR(h.text, "\"single\"");
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    lintel_tree_abandon(h.tree, ticket);
    ask(LINTEL_POST, path, LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(405));
    end();
}

static void
packs(void)
{
    begin();
    get("d/lamp-1/s", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(205));
    CHECK_STR(h.text, "[]");
    lintel_loop_advance(h.loop, 2 * SECOND);
    fake_set(h.engine, fake_point(0, FAKE_SETPOINT), FAKE_REAL(19), LINTEL_QUALITY_GOOD);
    fake_set(h.engine, fake_point(0, FAKE_ENERGY), FAKE_REAL(2), LINTEL_QUALITY_OUT_OF_RANGE);
    get("d/main-meter/s", LINTEL_FORMAT_NONE);
    CHECK_INT(h.format, 110);
    CHECK_STR(h.text,
              "[{\"bn\":\"plant-7:main-meter/\",\"bt\":1767225602,\"n\":\"Device/"
              "activePower\",\"u\":\"W\","
              "\"v\":21.5,\"t\":-2,\"ut\":10},"
              "{\"n\":\"Device/setPoint\",\"u\":\"Cel\",\"v\":19,\"ut\":10},"
              "{\"n\":\"Device/mode\",\"vs\":\"he\\\"at\",\"t\":-2},"
              "{\"n\":\"Device/energy\",\"u\":\"J\",\"v\":7200000,\"quality\":\"out of range\"}]");
    lintel_ticket ticket = observe("d/main-meter/s", 112);
    CHECK_INT(h.format, 112);
    CHECK_INT(h.flags, LINTEL_ANSWER_MORE);
    fake_set(h.engine, fake_point(0, FAKE_MODE), FAKE_STR("cool"), LINTEL_QUALITY_GOOD);
    CHECK_HAS(h.text + h.n - 60, "cool");
    lintel_tree_abandon(h.tree, ticket);
    h.query = "c.st=1";
    CHECK_INT(observe("d/main-meter/s", 110), 0);
    CHECK_INT(h.code, IS(400));
    get("d/main-meter/s", 50);
    CHECK_INT(h.code, IS(406));
    end();
}

static void
without_a_clock(void)
{
    begin();
    lintel_loop_fake_wall(h.loop, 100 * SECOND); /* 1970: nobody has set it */
    fake_set(h.engine, fake_point(0, FAKE_POWER), FAKE_REAL(1), LINTEL_QUALITY_GOOD);
    lintel_loop_advance(h.loop, 3 * SECOND / 2);
    get(POWER, 110);
    CHECK_HAS(h.text, "\"t\":-1.5,");
    end();
}

/* ---- links, hub ------------------------------------------------------------------------------ */

static void
links(void)
{
    begin();
    get(".well-known/core", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(205));
    CHECK_INT(h.format, 40);
    CHECK_HAS(h.text, "</.well-known/core>;ct=40,</d>;ct=40;title=\"things\",</models>;ct=40");
    CHECK_HAS(h.text,
              ",</d/main-meter>;rt=\"https://example.com/models/device#/sdfObject/Device\";ct=40;"
              "title=\"Main \\\"meter\\\"\"");
    CHECK_HAS(h.text, "</hub/status>");
    h.query = "href=/d/l*";
    get(".well-known/core", LINTEL_FORMAT_NONE);
    CHECK_STR(h.text,
              "</d/lamp-1>;rt=\"https://example.com/models/device#/sdfObject/Device\";ct=40");
    h.query = "rt=nothing";
    get("d", 40);
    CHECK_INT(h.code, IS(205));
    CHECK_STR(h.text, "");
    h.x_flags |= LINTEL_X_MULTICAST;
    h.query = "rt=nothing";
    get(".well-known/core", 40);
    CHECK_INT(h.code, IS(404));
    h.x_flags = LINTEL_X_LOOPBACK;
    get("d", 50);
    CHECK_INT(h.code, IS(406));
    h.query = "title=Blink";
    get("d/main-meter", LINTEL_FORMAT_NONE);
    CHECK_STR(h.text,
              "</d/main-meter/Device/a/identify>;"
              "rt=\"https://example.com/models/device#/sdfObject/Device/sdfAction/identify\";"
              "if=\"tag:lintel-hub.example,2026:action\";ct=\"50 60 0\";title=\"Blink\"");
    h.query = "if=tag:lintel-hub.example,2026:property&href=*Power"; /* '*' only at the end */
    get("d/main-meter", LINTEL_FORMAT_NONE);
    CHECK_STR(h.text, "");
    get("d/main-meter", LINTEL_FORMAT_NONE);
    CHECK(strstr(h.text, "serial") == NULL); /* unmapped */
    CHECK_HAS(h.text, "</d/main-meter/s>;ct=\"110 112\";title=\"all properties\";obs");
    h.thing = "main-meter"; /* at its own address */
    get(".well-known/core", LINTEL_FORMAT_NONE);
    CHECK_HAS(h.text, "</Device/p/activePower>;rt=");
    get("Device/p/activePower", 50);
    CHECK_STR(h.text, "21.5");
    get("d/main-meter", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(404));
    get("hub/status", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(404));
    end();
}

static void
management(void)
{
    begin();
    get("hub/status", LINTEL_FORMAT_NONE);
    CHECK_INT(h.format, 50);
    CHECK_HAS(h.text, "{\"hub\":\"plant-7\",\"version\":\"");
    CHECK_HAS(
        h.text,
        "\"uptime\":0,\"buses\":[{\"name\":\"basement\",\"plugin\":\"modbus\",\"state\":\"up\"");
    CHECK_HAS(h.text, "\"daemon\":{\"pid\":1}}");
    get("hub/things", LINTEL_FORMAT_NONE);
    CHECK_HAS(
        h.text,
        "[{\"id\":\"main-meter\",\"label\":\"Main \\\"meter\\\"\",\"location\":\"B1\",\"zone\":"
        "\"energy\",\"tags\":[\"elec\",\"meter\"],\"bus\":\"basement\",\"model\":\"acme-em1\","
        "\"state\":\"ok\",\"detail\":\"\",\"points\":4,\"good\":3,\"seen\":1767225600}");
    CHECK_HAS(h.text, "\"state\":\"down\",\"detail\":\"no answer\"");
    get("hub/values/main-meter", LINTEL_FORMAT_NONE);
    CHECK_HAS(
        h.text,
        "[{\"thing\":\"main-meter\",\"path\":\"Device/p/activePower\",\"name\":\"activePower\","
        "\"kind\":\"property\",\"value\":21.5,\"unit\":\"W\",\"quality\":\"good\",\"age\":0,"
        "\"source\":1767225600,\"writable\":false,\"type\":");
    CHECK_HAS(h.text, "\"quality\":\"unmapped\"");
    get("hub/values", LINTEL_FORMAT_NONE);
    CHECK_HAS(h.text, "},{\"thing\":\"lamp-1\"");
    get("hub/buses/basement", LINTEL_FORMAT_NONE);
    CHECK_INT(h.format, 50);
    CHECK_HAS(h.text, "{\"name\":\"basement\",\"plugin\":\"modbus\",\"state\":\"up\"");
    CHECK_HAS(h.text, "\"now\":1767225600,\"use\":{\"window\":300,\"busy\":0.25,\"needs\":0.5,"
                      "\"cycle\":1.5,\"serial\":true,\"retries\":2,\"p50\":0.04,\"p95\":0.076,"
                      "\"latency\":[0,0,0,0,8,2,0,0,0,0,0,0,0,0,0,0]},\"units\":[{\"thing\":"
                      "\"main-meter\",\"state\":\"ok\",\"detail\":\"\",\"seen\":1767225600,"
                      "\"requests\":0");
    CHECK_HAS(h.text, "\"state\":\"down\",\"detail\":\"no answer\",\"seen\":null,\"requests\":0,"
                      "\"timeouts\":3,\"errors\":0,\"retries\":2");
    ask(LINTEL_PUT, "hub/buses/basement", LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(405));
    get("hub/plugins", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(501));
    get("hub/reload", LINTEL_FORMAT_NONE);
    CHECK_INT(h.code, IS(405));
    ask(LINTEL_POST, "hub/reload", LINTEL_FORMAT_NONE, NULL);
    CHECK_INT(h.code, IS(422));
    CHECK_INT(h.format, 50);
    CHECK_STR(h.text, "[{\"file\":\"lintel.yaml\"}]");
    end();
}

/* ---- tickets --------------------------------------------------------------------------------- */

static void
old_tickets_are_dead(void)
{
    begin();
    lintel_ticket first = observe(POWER, 50);
    lintel_tree_abandon(h.tree, first);
    lintel_ticket second = observe(POWER, 50);
    CHECK(first != second);
    lintel_tree_abandon(h.tree, first);
    CHECK_INT(lintel_tree_open(h.tree), 1);
    lintel_tree_abandon(h.tree, 0);
    lintel_tree_abandon(h.tree, UINT64_MAX);
    lintel_tree_abandon(h.tree, second);
    end();
}

static void
ends_with_the_tree(void)
{
    begin();
    observe(POWER, 50);
    get(ENERGY, 50);
    CHECK_INT(lintel_tree_open(h.tree), 2);
    lintel_tree_free(h.tree);
    CHECK_INT(h.answers, 3);
    CHECK_INT(h.code, IS(503));
    CHECK_INT(h.flags, 0);
    fake_engine_free(h.engine);
    lintel_loop_free(h.loop);
}

/* One request: an answer comes, nothing is left open. */
static int
request_once(void *ctx)
{
    kit_memory_is_back();
    begin();
    kit_memory_fails_from_here();
    lintel_ticket t = strcmp(ctx, SETPOINT) == 0 ? ask(LINTEL_PUT, ctx, LINTEL_FORMAT_NONE, "20")
                                                 : observe(ctx, LINTEL_FORMAT_NONE);
    kit_memory_is_back();
    if (t != 0 && strcmp(ctx, SETPOINT) == 0)
        fake_complete(h.engine, LINTEL_OK, "", (lintel_value){0});
    CHECK(h.code / 32 == 2 || h.code == IS(500) || h.code == IS(503));
    lintel_tree_abandon(h.tree, t);
    end();
    return h.code / 32 == 2;
}

/* A list of links is whole, or there is none. */
static int
list_once(void *ctx)
{
    static char whole[2][sizeof h.text];
    char *expected = whole[strcmp(ctx, "d") == 0];
    kit_memory_is_back();
    begin();
    if (expected[0] == '\0') {
        get(ctx, LINTEL_FORMAT_NONE);
        lintel_copy(expected, sizeof whole[0], h.text);
    }
    kit_memory_fails_from_here();
    get(ctx, LINTEL_FORMAT_NONE);
    kit_memory_is_back();
    if (h.code == IS(205))
        CHECK_STR(h.text, expected);
    end();
    return h.code == IS(205);
}

static void
lists_are_whole(void)
{
    static char paths[][20] = {".well-known/core", "d"};
    for (size_t i = 0; i < LINTEL_COUNT(paths); i++)
        CHECK(kit_each_failure(list_once, paths[i]) > 0);
}

static void
out_of_memory(void)
{
    static char paths[][48] = {POWER,          SETPOINT,     "d/main-meter/s", ".well-known/core",
                               "d/main-meter", "hub/things", "hub/values"};
    for (size_t i = 0; i < LINTEL_COUNT(paths); i++)
        kit_each_failure(request_once, paths[i]);
}

/* Whatever is asked: one answer, or a ticket that can be abandoned. */
static void
any_request_ends(void)
{
    static const char *const words[] = {
        "d",       "hub",      "main-meter",  "lamp-1",   "Device", "p",           "a",
        "e",       "s",        "activePower", "setPoint", "mode",   "energy",      "dim",
        "pressed", "status",   "values",      "things",   "reload", ".well-known", "core",
        "",        "\xff\xfe", "x/y",         "..",       "secret"};
    static const char *const payloads[] = {
        "", "20", "\"x\"", "[{\"v\":1}]", "\x81\xa1\x02\x14", "\xff", "{\"a\":["};
    static const char *const queries[] = {"rt=*", "c.st=1", "c.con", "c.", "=", "", "href=/d/*"};
    static const int32_t formats_[] = {LINTEL_FORMAT_NONE, 0, 40, 50, 60, 110, 112, 65535};
    static const uint32_t flags[] = {
        LINTEL_X_OBSERVE, LINTEL_X_IF_NONE_MATCH, LINTEL_X_MULTICAST, 0, 0, 0};
    begin();
    for (int i = 0; i < 30000; i++) {
        lintel_span path[8], query, tag = {"12345678", kit_random() % 9};
        uint64_t r = kit_random();
        uint32_t n = (uint32_t)(r % 8);
        for (uint32_t k = 0; k < n; k++) {
            const char *word = words[kit_random() % LINTEL_COUNT(words)];
            path[k] = (lintel_span){word, strlen(word)};
        }
        if (r & 256) { /* mostly right: a point of a thing, or near it */
            static const char *const right[] = {"d", "main-meter", "Device"};
            n = 5;
            for (uint32_t k = 0; k < 3; k++)
                path[k] = (lintel_span){right[k], strlen(right[k])};
            path[3] = (lintel_span){words[5 + r / 512 % 3], 1};
            path[4] = (lintel_span){words[9 + r / 4096 % 6], strlen(words[9 + r / 4096 % 6])};
        }
        const char *payload = payloads[r / 65536 % LINTEL_COUNT(payloads)];
        query.p = queries[r / 1048576 % LINTEL_COUNT(queries)];
        query.n = strlen(query.p);
        lintel_exchange x = {.size = sizeof x,
                             .method = (uint32_t)(kit_random() % 8),
                             .flags = LINTEL_X_LOOPBACK | flags[kit_random() % LINTEL_COUNT(flags)],
                             .format = formats_[kit_random() % LINTEL_COUNT(formats_)],
                             .path = path,
                             .npath = n,
                             .query = &query,
                             .nquery = (uint32_t)(kit_random() % 2),
                             .accept = &formats_[1 + kit_random() % 7],
                             .naccept = (uint32_t)(kit_random() % 2),
                             .etag = &tag,
                             .netag = (uint32_t)(kit_random() % 2),
                             .if_match = &tag,
                             .nif_match = (uint32_t)(kit_random() % 2),
                             .payload = {payload, strlen(payload)},
                             .peer = "[::1]:40312",
                             .cookie = h.text};
        int before = h.answers;
        lintel_ticket ticket = lintel_tree_submit(h.tree, &x, on_answer, &h);
        if (ticket == 0)
            CHECK(h.answers == before + 1 && !(h.flags & LINTEL_ANSWER_MORE));
        else
            CHECK(h.answers == before || (h.answers == before + 1 && h.flags & LINTEL_ANSWER_MORE));
        lintel_tree_abandon(h.tree, ticket);
    }
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(formats),
                                            KIT(declines_what_it_cannot_answer_at_once),
                                            KIT(max_age_is_the_rest_of_the_poll),
                                            KIT(etags),
                                            KIT(stale_and_bad),
                                            KIT(read_on_demand),
                                            KIT(not_there),
                                            KIT(rights),
                                            KIT(writes),
                                            KIT(refused_writes),
                                            KIT(written_formats),
                                            KIT(preconditions),
                                            KIT(actions),
                                            KIT(observed),
                                            KIT(observed_in_senml),
                                            KIT(observed_before_the_first_value),
                                            KIT(bad_conditions),
                                            KIT(events),
                                            KIT(packs),
                                            KIT(without_a_clock),
                                            KIT(links),
                                            KIT(management),
                                            KIT(old_tickets_are_dead),
                                            KIT(ends_with_the_tree),
                                            KIT(any_request_ends),
                                            KIT(out_of_memory),
                                            KIT(lists_are_whole),
                                            {0}};
    return kit_main("tree", tests, argc, argv);
}
