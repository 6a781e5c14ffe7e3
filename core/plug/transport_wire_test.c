/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/transport_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "tests/kit/kit.h"

static struct lintel_tw_scratch scratch;

static const lintel_span path[] = {{"d", 1}, {"lamp\0x", 6}, {"", 0}};
static const lintel_span query[] = {{"rt=a", 4}};
static const lintel_span tags[] = {{"\1\2", 2}, {"\3", 1}};
static const int32_t accept[] = {0, 65535};

static lintel_exchange
an_exchange(void)
{
    return (lintel_exchange){.size = sizeof(lintel_exchange),
                             .method = LINTEL_FETCH,
                             .flags = LINTEL_X_OBSERVE | LINTEL_X_SECURE,
                             .format = 60,
                             .path = path,
                             .npath = 3,
                             .query = query,
                             .nquery = 1,
                             .accept = accept,
                             .naccept = 2,
                             .etag = tags,
                             .netag = 2,
                             .if_match = tags,
                             .nif_match = 1,
                             .identity = "sensor-\xff", /* need not be UTF-8 */
                             .authority = "psk",
                             .peer = "[::1]:5",
                             .base = "coap://[::1]",
                             .thing = "lamp",
                             .origin = NULL,
                             .session = UINT64_MAX,
                             .scope = 7,
                             .echo = {"ee", 2},
                             .payload = {"body", 4}};
}

static int
is(lintel_span s, const char *text, size_t n)
{
    return s.n == n && memcmp(s.p, text, n) == 0;
}

static void
check_exchange(const lintel_exchange *x)
{
    CHECK_INT(x->size, sizeof *x);
    CHECK_INT(x->method, LINTEL_FETCH);
    CHECK_INT(x->flags, LINTEL_X_OBSERVE | LINTEL_X_SECURE);
    CHECK_INT(x->format, 60);
    REQUIRE(x->npath == 3);
    CHECK(is(x->path[1], "lamp\0x", 6) && x->path[2].n == 0);
    REQUIRE(x->nquery == 1);
    CHECK(is(x->query[0], "rt=a", 4));
    REQUIRE(x->naccept == 2);
    CHECK_INT(x->accept[1], 65535);
    REQUIRE(x->netag == 2 && x->nif_match == 1);
    CHECK(is(x->etag[1], "\3", 1) && is(x->if_match[0], "\1\2", 2));
    CHECK_STR(x->identity, "sensor-\xff");
    CHECK_STR(x->authority, "psk");
    CHECK_STR(x->peer, "[::1]:5");
    CHECK_STR(x->base, "coap://[::1]");
    CHECK_STR(x->thing, "lamp");
    CHECK(x->origin == NULL && x->cookie == NULL);
    CHECK(x->session == UINT64_MAX && x->scope == 7);
    CHECK(is(x->echo, "ee", 2) && is(x->payload, "body", 4));
}

typedef int reader(const unsigned char *, size_t, struct lintel_tw_scratch *, struct lintel_tw *);

/* Written and read; also, no beginning of the frame and no frame with more behind it is one. */
static struct lintel_tw
travel(const struct lintel_tw *m, reader *read)
{
    static struct lintel_buf b;
    struct lintel_tw ret = {0};
    lintel_buf_reset(&b);
    lintel_tw_write(&b, m);
    CHECK(!b.failed);
    for (size_t n = 0; n < b.n; n++) { /* on the heap, so that a sanitizer sees the end */
        unsigned char *part = malloc(n + 1);
        memcpy(part, b.p, n);
        CHECK_INT(read(part, n, &scratch, &ret), -1);
        free(part);
    }
    lintel_buf_addc(&b, 0);
    CHECK_INT(read((const unsigned char *)b.p, b.n, &scratch, &ret), -1);
    CHECK_INT(read((const unsigned char *)b.p, b.n - 1, &scratch, &ret), 0);
    CHECK_INT(ret.kind, m->kind);
    CHECK_INT(ret.instance, m->instance);
    return ret;
}

static void
exchanges_travel(void)
{
    struct lintel_tw m = {
        .instance = 9, .kind = LINTEL_TW_SUBMIT, .ticket = 77, .x = an_exchange()};
    struct lintel_tw got = travel(&m, lintel_tw_read_up);
    CHECK_INT(got.ticket, 77);
    check_exchange(&got.x);
    m.kind = LINTEL_TW_REQUEST;
    got = travel(&m, lintel_tw_read_down);
    check_exchange(&got.x);
    m.kind = LINTEL_TW_SEND;
    m.text = "coap://[2001:db8::1]/.well-known/core";
    got = travel(&m, lintel_tw_read_down);
    check_exchange(&got.x);
    CHECK_STR(got.text, m.text);
}

static void
answers_travel(void)
{
    const lintel_span location[] = {{"rd", 2}, {"7", 1}};
    struct lintel_tw m = {.kind = LINTEL_TW_ANSWER,
                          .ticket = 5,
                          .a = {.code = 69,
                                .flags = LINTEL_ANSWER_MORE | LINTEL_ANSWER_ECHO,
                                .format = LINTEL_FORMAT_NONE,
                                .max_age = 60,
                                .netag = 3,
                                .etag = {1, 2, 3},
                                .location = location,
                                .nlocation = 2,
                                .location_query = query,
                                .nlocation_query = 1,
                                .size1 = 1024,
                                .echo = {"echo", 4},
                                .payload = {"22.5", 4}}};
    static const enum lintel_tw_kind up[] = {LINTEL_TW_REPLY, LINTEL_TW_RESOURCE_ANSWER};
    for (int i = 0; i < 3; i++) {
        m.kind = i == 0 ? LINTEL_TW_ANSWER : up[i - 1];
        struct lintel_tw got = travel(&m, i == 0 ? lintel_tw_read_down : lintel_tw_read_up);
        CHECK_INT(got.a.code, 69);
        CHECK_INT(got.a.flags, LINTEL_ANSWER_MORE | LINTEL_ANSWER_ECHO);
        CHECK_INT(got.a.format, LINTEL_FORMAT_NONE);
        CHECK_INT(got.a.max_age, 60);
        CHECK(got.a.netag == 3 && memcmp(got.a.etag, "\1\2\3", 3) == 0);
        REQUIRE(got.a.nlocation == 2 && got.a.nlocation_query == 1);
        CHECK(is(got.a.location[1], "7", 1) && is(got.a.location_query[0], "rt=a", 4));
        CHECK_INT(got.a.size1, 1024);
        CHECK(is(got.a.echo, "echo", 4) && is(got.a.payload, "22.5", 4));
    }
}

static void
all_else_travels(void)
{
    struct lintel_tw got;
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_TAKEN, .ticket = 3, .number = 1},
                 lintel_tw_read_down);
    CHECK(got.ticket == 3 && got.number == 1);
    got = travel(
        &(struct lintel_tw){.kind = LINTEL_TW_THING, .name = "lamp", .text = "hall", .number = 1},
        lintel_tw_read_down);
    CHECK_STR(got.name, "lamp");
    CHECK_STR(got.text, "hall");
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_KEY,
                                     .ticket = LINTEL_TW_QUESTION | 1,
                                     .number = 4,
                                     .bytes = {"\0key", 4}},
                 lintel_tw_read_down);
    CHECK(got.ticket == (LINTEL_TW_QUESTION | 1) && got.number == 4 && is(got.bytes, "\0key", 4));
    char secret[32] = "x";
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_DERIVED, .bytes = {secret, 32}},
                 lintel_tw_read_down);
    CHECK(is(got.bytes, secret, 32));
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_MOUNTED, .status = LINTEL_E_BUSY},
                 lintel_tw_read_down);
    CHECK_INT(got.status, LINTEL_E_BUSY);
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_PSK, .bytes = {"id", 2}, .number = 64},
                 lintel_tw_read_up);
    CHECK(is(got.bytes, "id", 2) && got.number == 64);
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_DERIVE, .bytes = {"label", 5}},
                 lintel_tw_read_up);
    CHECK(is(got.bytes, "label", 5));
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_THING_BASE, .name = "lamp"},
                 lintel_tw_read_up);
    CHECK(got.text == NULL);
    got = travel(&(struct lintel_tw){.kind = LINTEL_TW_MOUNT, .name = "b", .text = "</b>"},
                 lintel_tw_read_up);
    CHECK_STR(got.text, "</b>");
    travel(&(struct lintel_tw){.kind = LINTEL_TW_ABANDON, .ticket = 1}, lintel_tw_read_up);
    travel(&(struct lintel_tw){.kind = LINTEL_TW_PONG, .ticket = 1}, lintel_tw_read_up);
    travel(&(struct lintel_tw){.kind = LINTEL_TW_PING, .ticket = 1}, lintel_tw_read_down);
    travel(&(struct lintel_tw){.kind = LINTEL_TW_ABANDONED, .ticket = 1}, lintel_tw_read_down);
}

static void
an_open_has_settings(void)
{
    struct lintel_buf b = {0};
    struct lintel_tw got;
    const lintel_value v[] = {{LINTEL_T_INT, 0, {.i = 5683}}};
    const struct lintel_tw m = {.instance = 2,
                                .kind = LINTEL_TW_OPEN,
                                .name = "coap",
                                .text = "coap",
                                .file = "/x/coap.so",
                                .log = 2};
    lintel_tw_open(&b, &m, v, 1);
    REQUIRE(lintel_tw_read_down((const unsigned char *)b.p, b.n, &scratch, &got) == 0);
    CHECK_STR(got.file, "/x/coap.so");
    CHECK_INT(got.log, 2);
    CHECK_INT(got.settings.n, 4);
    lintel_buf_reset(&b);
    lintel_tw_write(&b, &m);
    CHECK(b.failed);
    lintel_buf_fini(&b);
}

/* What is too long to travel is known before it leaves. */
static void
limits_hold(void)
{
    static char longer[LINTEL_TW_BODY + 1], name[LINTEL_TW_NAME + 1];
    static lintel_span many[LINTEL_TW_SEGMENTS + 1];
    struct lintel_buf b = {0};
    struct lintel_tw m = {.kind = LINTEL_TW_SUBMIT, .ticket = 1, .x = an_exchange()};
    m.x.payload = (lintel_span){longer, LINTEL_TW_BODY};
    travel(&(struct lintel_tw){.kind = LINTEL_TW_PING}, lintel_tw_read_down);
    lintel_tw_write(&b, &m);
    CHECK(!b.failed);
    CHECK_INT(lintel_tw_read_up((const unsigned char *)b.p, b.n, &scratch, &m), 0);
    lintel_buf_reset(&b);
    m.x.payload.n++;
    lintel_tw_write(&b, &m);
    CHECK(b.failed);
    for (int i = 0; i < 3; i++) {
        m = (struct lintel_tw){.kind = LINTEL_TW_SUBMIT, .ticket = 1, .x = an_exchange()};
        if (i == 0) {
            m.x.path = many;
            m.x.npath = LINTEL_TW_SEGMENTS + 1;
        } else if (i == 1) {
            memset(name, 'n', LINTEL_TW_NAME);
            m.x.identity = name;
        } else {
            m.x.echo = (lintel_span){longer, LINTEL_ECHO_MOST + 1};
        }
        lintel_buf_reset(&b);
        lintel_tw_write(&b, &m);
        CHECK(b.failed);
    }
    lintel_buf_fini(&b);
}

/* A frame by hand: SUBMIT of instance 1 with ticket 1, then these members. */
static int
read_submit(const char *members, size_t n)
{
    struct lintel_buf b = {0};
    struct lintel_tw m;
    lintel_cbor_uint(&b, 1);
    lintel_cbor_uint(&b, LINTEL_TW_SUBMIT);
    lintel_cbor_uint(&b, 1);
    lintel_buf_add(&b, members, n);
    int ret = lintel_tw_read_up((const unsigned char *)b.p, b.n, &scratch, &m);
    lintel_buf_fini(&b);
    return ret;
}

static void
nonsense_is_refused(void)
{
    /* GET, no flags, no format; no path, query, accept, etag, if-match; four empty names, null,
     * null; session, scope, echo, payload. */
    static const char good[] = "\1\0\x20\x80\x80\x80\x80\x80\x40\x40\x40\x40\xf6\xf6\1\0\x40\x40";
    enum { N = sizeof good - 1 };
    char bad[N];
    static const struct {
        size_t at;
        unsigned char byte;
    } changes[] = {
        {0, 0x60},                         /* a method that is a text */
        {2, 0x21},                         /* a format below none */
        {3, 0x9f},                         /* a path without length */
        {3, 0x81},  {5, 0x81},  {8, 0x60}, /* a member more; a name that is a text */
        {12, 0xf5}, {14, 0x20}, {17, 0x41},
    };
    CHECK_INT(read_submit(good, N), 0);
    for (size_t i = 0; i < LINTEL_COUNT(changes); i++) {
        memcpy(bad, good, N);
        bad[changes[i].at] = (char)changes[i].byte;
        if (read_submit(bad, N) == 0) {
            printf("# change %zu passes\n", i);
            CHECK(0);
        }
    }
    struct lintel_tw m;
    CHECK_INT(lintel_tw_read_up((const unsigned char *)"\1\x18\x60\1", 4, &scratch, &m), -1);
    CHECK_INT(lintel_tw_read_down((const unsigned char *)"\1\x18\x40\1", 4, &scratch, &m), -1);
    /* Neither direction reads the other's. */
    CHECK_INT(lintel_tw_read_down((const unsigned char *)"\1\x18\x61\1", 4, &scratch, &m), -1);
    CHECK_INT(lintel_tw_read_up((const unsigned char *)"\1\x18\x61\1", 4, &scratch, &m), 0);
    CHECK_INT(lintel_tw_read_up((const unsigned char *)"\1\x18\x4a\1", 4, &scratch, &m), -1);
    uint64_t ticket = 0;
    CHECK(lintel_tw_is_reply((const unsigned char *)"\1\x18\x42\7\1", 5, &ticket));
    CHECK_INT(ticket, 7);
    CHECK(!lintel_tw_is_reply((const unsigned char *)"\1\x18\x45\7\1", 5, &ticket));
    CHECK(!lintel_tw_is_reply((const unsigned char *)"\1", 1, &ticket));
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(exchanges_travel),
                                            KIT(answers_travel),
                                            KIT(all_else_travels),
                                            KIT(an_open_has_settings),
                                            KIT(limits_hold),
                                            KIT(nonsense_is_refused),
                                            {0}};
    return kit_main("transport_wire", tests, argc, argv);
}
