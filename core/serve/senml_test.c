/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/senml.h"
#include "core/serve/senml_read.h"

#include <cbor.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/codes.h"
#include "core/serve/measure.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static struct lintel_arena *arena;
static struct lintel_senml_record *records;
static uint32_t nrecords;
static char reason[LINTEL_REASON];

static uint32_t
read_kind(enum lintel_senml_kind kind, int cbor, const char *p, size_t n)
{
    lintel_arena_free(arena);
    arena = lintel_arena_new();
    reason[0] = '\0';
    nrecords = 0;
    return lintel_senml_read(kind, cbor, p, n, arena, &records, &nrecords, reason);
}

static int
read_pack(int cbor, const char *p, size_t n)
{
    return read_kind(LINTEL_SENML_PACK, cbor, p, n) == 0 ? 0 : -1;
}

static int
read_json(const char *text)
{
    return read_pack(0, text, strlen(text));
}

static void
is_record(uint32_t i, const char *name, const char *unit, double v, double time)
{
    if (!CHECK(i < nrecords))
        return;
    CHECK_STR(records[i].name.p, name);
    CHECK(lintel_str_eq(records[i].unit, unit));
    const lintel_value *value = &records[i].value;
    CHECK_REAL(value->type == LINTEL_T_INT ? (double)value->as.i : value->as.r, v);
    CHECK_REAL(records[i].time, time);
}

static void
done(void)
{
    lintel_arena_free(arena);
    arena = NULL;
}

struct pack {
    enum lintel_senml_kind kind;
    int cbor;
    const char *p;
    size_t n;
    uint32_t records;
};

static int
read_once(void *ctx)
{
    const struct pack *k = ctx;
    struct lintel_arena *a = lintel_arena_new();
    uint32_t n = 0, code = 500;
    reason[0] = '\0';
    if (a != NULL) {
        code = lintel_senml_read(k->kind, k->cbor, k->p, k->n, a, &records, &n, reason);
        CHECK(code == 0 || reason[0] != '\0');
        CHECK(code == 0 || code / 32 == 5);
    }
    if (code == 0)
        CHECK_INT(n, k->records);
    lintel_arena_free(a);
    return code == 0;
}

static void
memory_runs_out(void)
{
    static const char pack[] = "[{\"bn\":\"a/\",\"n\":\"b\",\"v\":1},{\"n\":\"c\",\"vs\":"
                               "\"a \\\"text\\\"\"},{\"n\":\"d\",\"vd\":\"aGk\"}]";
    static const char cbor[] = "\x82\xa2\x00\x61"
                               "a\x02\x01\xa2\x00\x61"
                               "b\x08\x42hi";
    static const char patch[] = "[{\"n\":\"a\",\"v\":null},{\"n\":\"b\",\"v\":2}]";
    struct pack packs[] = {{LINTEL_SENML_PACK, 0, pack, sizeof pack - 1, 3},
                           {LINTEL_SENML_PACK, 1, cbor, sizeof cbor - 1, 2},
                           {LINTEL_SENML_PATCH, 0, patch, sizeof patch - 1, 2}};
    for (size_t i = 0; i < LINTEL_COUNT(packs); i++)
        CHECK(kit_each_failure(read_once, &packs[i]) > 1);
}

/* RFC 8428 section 5.1. */
static void
examples(void)
{
    CHECK_INT(read_json("[{\"n\":\"urn:dev:ow:10e2073a01080063\",\"u\":\"Cel\",\"v\":23.1}]"), 0);
    is_record(0, "urn:dev:ow:10e2073a01080063", "Cel", 23.1, 0);
    CHECK_INT(
        read_json(
            "[{\"bn\":\"urn:dev:ow:10e2073a01080063:\",\"n\":\"voltage\",\"u\":\"V\",\"v\":120.1},"
            "{\"n\":\"current\",\"u\":\"A\",\"v\":1.2}]"),
        0);
    is_record(1, "urn:dev:ow:10e2073a01080063:current", "A", 1.2, 0);
    CHECK_INT(
        read_json("[{\"bn\":\"urn:dev:ow:10e2073a0108006:\",\"bt\":1.276020076001e+09,\"bu\":\"A\","
                  "\"bver\":5,\"n\":\"voltage\",\"u\":\"V\",\"v\":120.1},"
                  "{\"n\":\"current\",\"t\":-5,\"v\":1.2},{\"n\":\"current\",\"v\":1.7}]"),
        0);
    is_record(0, "urn:dev:ow:10e2073a0108006:voltage", "V", 120.1, 1.276020076001e+09);
    is_record(1, "urn:dev:ow:10e2073a0108006:current", "A", 1.2, 1.276020071001e+09);
    is_record(2, "urn:dev:ow:10e2073a0108006:current", "A", 1.7, 1.276020076001e+09);
    CHECK_INT(
        read_json(
            "[{\"bn\":\"urn:dev:ow:10e2073a01080063:\",\"n\":\"temp\",\"u\":\"Cel\",\"v\":23.1},"
            "{\"n\":\"label\",\"vs\":\"Machine Room\"},{\"n\":\"open\",\"vb\":false},"
            "{\"n\":\"nfc-reader\",\"vd\":\"aGkgCg\"}]"),
        0);
    CHECK_INT(nrecords, 4);
    CHECK_STR(records[1].value.as.s, "Machine Room");
    CHECK(records[2].value.type == LINTEL_T_BOOL && records[2].value.as.i == 0);
    CHECK(records[3].value.type == LINTEL_T_BYTES && records[3].value.len == 4 &&
          memcmp(records[3].value.as.p, "hi \n", 4) == 0);
    CHECK_INT(
        read_json(
            "[{\"bn\":\"2001:db8::2/\",\"bt\":1.320078429e+09,\"n\":\"temperature\",\"u\":\"Cel\","
            "\"v\":27.2},{\"n\":\"humidity\",\"u\":\"%RH\",\"v\":80}]"),
        0);
    is_record(1, "2001:db8::2/humidity", "%RH", 80, 1.320078429e+09);
    done();
}

/* RFC 8428 section 6. */
static void
example_in_cbor(void)
{
    static const char pack[] =
        "\x87\xa7\x21\x78\x1burn:dev:ow:10e2073a0108006:"
        "\x22\xfb\x41\xd3\x03\xa1\x5b\x00\x10\x62\x23\x61"
        "A\x20\x05\x00\x67voltage\x01\x61V\x02\xfb\x40\x5e\x06\x66\x66\x66\x66\x66"
        "\xa3\x00\x67"
        "current\x06\x24\x02\xfb\x3f\xf3\x33\x33\x33\x33\x33\x33"
        "\xa3\x00\x67"
        "current\x06\x23\x02\xfb\x3f\xf4\xcc\xcc\xcc\xcc\xcc\xcd"
        "\xa3\x00\x67"
        "current\x06\x22\x02\xfb\x3f\xf6\x66\x66\x66\x66\x66\x66"
        "\xa3\x00\x67"
        "current\x06\x21\x02\xf9\x3e\x00"
        "\xa3\x00\x67"
        "current\x06\x20\x02\xfb\x3f\xf9\x99\x99\x99\x99\x99\x9a"
        "\xa3\x00\x67"
        "current\x06\x00\x02\xfb\x3f\xfb\x33\x33\x33\x33\x33\x33";
    CHECK_INT(read_pack(1, pack, sizeof pack - 1), 0);
    CHECK_INT(nrecords, 7);
    is_record(0, "urn:dev:ow:10e2073a0108006:voltage", "V", 120.1, 1.276020076001e+09);
    is_record(1, "urn:dev:ow:10e2073a0108006:current", "A", 1.2, 1.276020071001e+09);
    is_record(4, "urn:dev:ow:10e2073a0108006:current", "A", 1.5, 1.276020074001e+09);
    is_record(6, "urn:dev:ow:10e2073a0108006:current", "A", 1.7, 1.276020076001e+09);
    for (size_t n = 0; n < sizeof pack - 1; n++) /* no part of it is a pack */
        CHECK_INT(read_pack(1, pack, n), -1);
    CHECK_INT(read_pack(1, "\x81\xa2\x00\x61x\x02\xc4\x82\x20\x18\xd7", 11), 0); /* 4([-1, 215]) */
    is_record(0, "x", "", 21.5, 0);
    done();
}

/* The examples of RFC 8428 section 5.1, whole. */
#define OW "urn:dev:ow:10e2073a01080063"
static const char *const golden[] = {
    "[{\"n\":\"" OW "\",\"u\":\"Cel\",\"v\":23.1}]",
    "[{\"bn\":\"" OW
    ":\",\"n\":\"voltage\",\"u\":\"V\",\"v\":120.1},{\"n\":\"current\",\"u\":\"A\",\"v\":1.2}]",
    "[{\"bn\":\"urn:dev:ow:10e2073a0108006:\",\"bt\":1.276020076001e+09,\"bu\":\"A\",\"bver\":5,"
    "\"n\":\"voltage\",\"u\":\"V\",\"v\":120.1},{\"n\":\"current\",\"t\":-5,\"v\":1.2},"
    "{\"n\":\"current\",\"t\":-4,\"v\":1.3},{\"n\":\"current\",\"t\":-3,\"v\":1.4},"
    "{\"n\":\"current\",\"t\":-2,\"v\":1.5},{\"n\":\"current\",\"t\":-1,\"v\":1.6},{\"n\":"
    "\"current\",\"v\":1.7}]",
    "[{\"bn\":\"" OW
    "\",\"bt\":1.320067464e+09,\"bu\":\"%RH\",\"v\":20},{\"u\":\"lon\",\"v\":24.30621},"
    "{\"u\":\"lat\",\"v\":60.07965},{\"t\":60,\"v\":20.3},{\"u\":\"lon\",\"t\":60,\"v\":24.30622},"
    "{\"u\":\"lat\",\"t\":60,\"v\":60.07965},{\"t\":120,\"v\":20.7},{\"u\":\"lon\",\"t\":120,\"v\":"
    "24.30623},"
    "{\"u\":\"lat\",\"t\":120,\"v\":60.07966},{\"u\":\"%EL\",\"t\":150,\"v\":98},{\"t\":180,\"v\":"
    "21.2},"
    "{\"u\":\"lon\",\"t\":180,\"v\":24.30628},{\"u\":\"lat\",\"t\":180,\"v\":60.07967}]",
    "[{\"n\":\"" OW "\",\"u\":\"Cel\",\"t\":1.276020076e+09,\"v\":23.5},"
    "{\"n\":\"" OW "\",\"u\":\"Cel\",\"t\":1.276020091e+09,\"v\":23.6}]",
    "[{\"bn\":\"" OW
    ":\",\"n\":\"temp\",\"u\":\"Cel\",\"v\":23.1},{\"n\":\"label\",\"vs\":\"Machine Room\"},"
    "{\"n\":\"open\",\"vb\":false},{\"n\":\"nfc-reader\",\"vd\":\"aGkgCg\"}]",
    "[{\"bn\":\"2001:db8::2/"
    "\",\"bt\":1.320078429e+09,\"n\":\"temperature\",\"u\":\"Cel\",\"v\":27.2},"
    "{\"n\":\"humidity\",\"u\":\"%RH\",\"v\":80}]",
    ("[{\"bt\":1.320078429e+09,\"bu\":\"/"
     "\",\"n\":\"2001:db8::3\",\"v\":1},{\"n\":\"2001:db8::4\",\"v\":1}]"),
};

static void
is_same(const struct lintel_senml_record *a, const struct lintel_senml_record *b)
{
    CHECK(a->name.n == b->name.n && memcmp(a->name.p, b->name.p, a->name.n) == 0);
    CHECK(a->unit.n == b->unit.n && memcmp(a->unit.p, b->unit.p, a->unit.n) == 0);
    CHECK_INT(a->has_time, b->has_time);
    CHECK(fabs(a->time - b->time) < 1e-6);
    double x = 0, y = 0;
    CHECK_INT(lintel_value_number(&a->value, &x), lintel_value_number(&b->value, &y));
    CHECK_REAL(x, y);
    if (a->value.type == LINTEL_T_STR || a->value.type == LINTEL_T_BYTES)
        CHECK(a->value.type == b->value.type && a->value.len == b->value.len &&
              memcmp(a->value.as.p, b->value.as.p, a->value.len) == 0);
}

static void
write_resolved(struct lintel_buf *b, int cbor, const struct lintel_senml_record *r, uint32_t n)
{
    struct lintel_senml_writer w;
    lintel_senml_begin(&w, b, cbor, n);
    for (uint32_t i = 0; i < n; i++) {
        struct lintel_senml_fields f = {.n = r[i].name,
                                        .u = r[i].unit,
                                        .has_t = r[i].has_time,
                                        .t = (int64_t)(r[i].time * 1e9),
                                        .value = &r[i].value};
        lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
}

/* Read, written in both encodings, and read again. */
static void
examples_and_back(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(golden); i++) {
        CHECK_INT(read_json(golden[i]), 0);
        struct lintel_arena *first_arena = arena;
        const struct lintel_senml_record *first = records;
        uint32_t n = nrecords;
        for (int cbor = 0; cbor < 2; cbor++) {
            struct lintel_buf b = {0};
            arena = NULL;
            write_resolved(&b, cbor, first, n);
            CHECK_INT(read_pack(cbor, b.p, b.n), 0);
            REQUIRE(nrecords == n);
            for (uint32_t k = 0; k < n; k++)
                is_same(&first[k], &records[k]);
            lintel_buf_fini(&b);
            lintel_arena_free(arena);
        }
        arena = first_arena;
    }
    done();
}

static void
base_fields(void)
{
    CHECK_INT(
        read_json("[{\"bn\":\"a\",\"bv\":20,\"v\":1.5},{\"n\":\"b\"},{\"n\":\"c\",\"vs\":\"x\"}]"),
        0);
    is_record(0, "a", "", 21.5, 0);
    is_record(1, "ab", "", 20, 0);
    CHECK_STR(records[2].value.as.s, "x");
    CHECK_INT(read_json("[{\"n\":\"a\",\"s\":3,\"bs\":10,\"ut\":5}]"), 0);
    CHECK(records[0].has_sum && records[0].has_update);
    CHECK_REAL(records[0].sum, 13);
    CHECK_REAL(records[0].update, 5);
    CHECK_INT(read_json("[{\"bver\":26,\"n\":\"a\",\"v\":1,\"unknown\":{\"x\":[1]}}]"), 0);
    CHECK_INT(read_json("[{\"n\":\"a\",\"v\":18446744073709551615}]"), 0);
    is_record(0, "a", "", 18446744073709551615.0, 0);
    CHECK_INT(
        read_json("[{\"bt\":-10,\"n\":\"a\",\"t\":4,\"v\":1},{\"n\":\"a\",\"t\":1.5e9,\"v\":1}]"),
        0);
    CHECK(records[0].has_time);
    CHECK_REAL(records[0].time, -6);
    CHECK_REAL(records[1].time, 1.5e9 - 10);
    CHECK_INT(read_json("[{\"bt\":1.5e9,\"n\":\"a\",\"v\":1},{\"n\":\"a\",\"t\":-60,\"v\":1}]"), 0);
    CHECK_REAL(records[1].time, 1.5e9 - 60);
    CHECK_INT(read_pack(1, "\x81\xa3\x00\x61x\x02\x01\x18\x63\x81\x01", 11), 0); /* label 99 */
    CHECK_INT(read_json("[]"), 0);
    CHECK_INT(read_json("[{\"v\":1}]"), 0); /* no name: the caller judges */
    CHECK_INT(records[0].name.n, 0);
    done();
}

static void
refused(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{}", "array"},
        {"[1]", "not an object"},
        {"[{\"n\":\"a\"}]", "record 1: no value"},
        {"[{\"n\":\"a\",\"v\":1,\"vs\":\"x\"}]", "more than one value"},
        {"[{\"n\":\"a\",\"v\":\"1\"}]", "\"v\" is of a wrong type"},
        {"[{\"n\":\"a\",\"vb\":1}]", "\"vb\""},
        {"[{\"n\":1,\"v\":1}]", "\"n\""},
        {"[{\"n\":\"a\",\"v\":null}]", "\"v\""},
        {"[{\"n\":\"a\",\"v\":[1]}]", "\"v\""},
        {"[{\"n\":\"a b\",\"v\":1}]", "a name has"},
        {"[{\"n\":\"_a\",\"v\":1}]", "starts with"},
        {"[{\"n\":\"a\",\"v\":1,\"x_\":1}]", "\"x_\" is not understood"},
        {"[{\"bver\":11,\"n\":\"a\",\"v\":1}]", "version 11"},
        {"[{\"bver\":5,\"n\":\"a\",\"v\":1},{\"bver\":6,\"n\":\"a\",\"v\":1}]",
         "record 2: another"},
        {"[{\"n\":\"a\",\"vd\":\"a+b\"}]", "\"vd\""},
        {"[{\"n\":\"a\",\"v\":1,\"v\":2}]", "JSON"},
        {"[{\"n\":\"a\",\"v\":1e999}]", "JSON"},
        {"[{\"bv\":1.7e308,\"n\":\"a\",\"v\":1.7e308}]", "too large"},
        {"", "JSON"},
        {"[{\"n\":\"a\",\"v\":1},{\"bver\":26,\"n\":\"a\",\"v\":1}]",
         "record 2: another \"bver\" than before (10)"},
        {"[{\"bver\":42,\"n\":\"a\",\"v\":1}]", "version 42"},
        {"[{\"bver\":0,\"n\":\"a\",\"v\":1}]", "version 0"},
        {"[{\"bver\":10.5,\"n\":\"a\",\"v\":1}]", "\"bver\""},
        {"[{\"n\":\"a\",\"vd\":\"aGkgCg==\"}]", "without padding"},
        {"[{\"n\":\"a\",\"vd\":\"aGkg/g\"}]", "base64url"},
        {"[{\"bt\":1.6e9,\"n\":\"a\",\"t\":-1.5e9,\"v\":1}]", "2^28"},
        {"[{\"bt\":2e8,\"n\":\"a\",\"t\":2e8,\"v\":1}]", "2^28"},
        {"[{\"bt\":1.7e308,\"n\":\"a\",\"t\":1.7e308,\"v\":1}]", "2^28"},
        {"[{\"bs\":1.7e308,\"n\":\"a\",\"s\":1.7e308}]", "the sum is too large"},
        {"[{\"n\":\"a\",\"v\":NaN}]", "JSON"},
        {"[{\"n\":\"a\\u00e9\",\"v\":1}]", "a name has"},
        {"[{\"bn\":\"-x\",\"n\":\"a\",\"v\":1}]", "starts with"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        if (!CHECK_INT(read_json(cases[i].text), -1) || !CHECK_HAS(reason, cases[i].why))
            printf("    %s: %s\n", cases[i].text, reason);
    }
    CHECK_INT(read_pack(1, "\x81\xa1\x02\xf9\x7e\x00", 6), -1);         /* NaN */
    CHECK_INT(read_pack(1, "\x81\xa1\x05\xf9\x7e\x00", 6), -1);         /* of a sum, too */
    CHECK_INT(read_pack(1, "\x81\xa2\x02\x01\x06\xf9\x7c\x00", 8), -1); /* endless time */
    CHECK_INT(read_pack(1, "\x81\xa1\x61v\x01", 5), -1);
    CHECK_HAS(reason, "the label \"v\" is the number 2 in CBOR");
    CHECK_INT(read_pack(1, "\x81\xa1\x02\xf6", 4), -1);     /* null */
    CHECK_INT(read_pack(1, "\x9f\xa1\x02\x01\xff", 5), -1); /* a stream (113) */
    CHECK_HAS(reason, "definite length");
    CHECK_INT(read_pack(1, "\x81\xa1\x02\xc4\x82\x19\x01\x90\x01", 9), -1); /* 1e400 */
    CHECK_INT(read_pack(1, "\x81\xa1\x02\xc2\x41\x01", 6), -1);             /* a big number */
    CHECK_INT(read_pack(1, "\x81\xa2\x02\x01\x02\x01", 6), -1);             /* twice */
    CHECK_HAS(reason, "stands twice");
    CHECK_INT(read_pack(1, "\x81\xa2\x02\x01\x62x_\x01", 8), -1);
    CHECK_INT(read_pack(1, "\x81\xa1\x02\x01\x00", 5), -1);
    CHECK_HAS(reason, "behind the pack");
    done();
}

/* RFC 8790 sections 3.1 and 3.2. */
static void
selectors_and_patches(void)
{
    static const struct {
        enum lintel_senml_kind kind;
        const char *text;
        uint32_t code;
        const char *why;
    } cases[] = {
        {LINTEL_SENML_FETCH, "[{\"bn\":\"2001:db8::2/3311/0/\",\"n\":\"5850\"},{\"n\":\"5851\"}]",
         0, ""},
        {LINTEL_SENML_FETCH, "[{\"bn\":\"a\",\"bu\":\"W\",\"bt\":1.276020091e+09}]", 0, ""},
        {LINTEL_SENML_FETCH, "[{\"n\":\"a\",\"v\":1}]", LINTEL_UNPROCESSABLE,
         "\"v\" does not select"},
        {LINTEL_SENML_FETCH, "[{\"n\":\"a\",\"bver\":10}]", LINTEL_UNPROCESSABLE, "\"bver\""},
        {LINTEL_SENML_FETCH, "[{\"n\":\"a\"},{\"n\":\"a\",\"x\":1}]", LINTEL_UNPROCESSABLE,
         "record 2: \"x\" does not select"},
        {LINTEL_SENML_FETCH, "[{\"t\":1}]", LINTEL_UNPROCESSABLE, "record 1: no name"},
        {LINTEL_SENML_FETCH, "[]", LINTEL_UNPROCESSABLE, "no record"},
        {LINTEL_SENML_FETCH, "{}", LINTEL_BAD_REQUEST, "array"},
        {LINTEL_SENML_FETCH, "[{\"n\":\"a\",\"v\":null}]", LINTEL_BAD_REQUEST, "\"v\""},
        {LINTEL_SENML_FETCH, "[{\"n\":\"a b\"}]", LINTEL_BAD_REQUEST, "a name has"},
        {LINTEL_SENML_PATCH,
         "[{\"bn\":\"2001:db8::2/3311/0/\",\"n\":\"5850\",\"vb\":false},{\"n\":\"5851\",\"v\":10}]",
         0, ""},
        {LINTEL_SENML_PATCH, "[{\"n\":\"5850\",\"v\":null},{\"n\":\"5851\",\"v\":null}]", 0, ""},
        {LINTEL_SENML_PATCH, "[{\"n\":\"a\",\"vs\":null}]", LINTEL_BAD_REQUEST, "\"vs\""},
        {LINTEL_SENML_PATCH, "[{\"n\":\"a\",\"v\":null,\"vs\":\"x\"}]", LINTEL_BAD_REQUEST,
         "more than one value"},
        {LINTEL_SENML_PATCH, "[{\"n\":\"a\"}]", LINTEL_UNPROCESSABLE, "record 1: no value"},
        {LINTEL_SENML_PATCH, "[{\"v\":1}]", LINTEL_UNPROCESSABLE, "no name"},
        {LINTEL_SENML_PATCH, "[{\"n\":\"a\",\"v\":1,\"x_\":1}]", LINTEL_UNPROCESSABLE, "\"x_\""},
        {LINTEL_SENML_PATCH, "[{\"n\":\"a\",\"v\":1,\"x\":1}]", 0, ""},
        {LINTEL_SENML_PATCH, "[]", LINTEL_UNPROCESSABLE, "no record"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        uint32_t code = read_kind(cases[i].kind, 0, cases[i].text, strlen(cases[i].text));
        if (!CHECK_INT(code, cases[i].code) || !CHECK_HAS(reason, cases[i].why))
            printf("    %s: %s\n", cases[i].text, reason);
    }
    const char *text = cases[0].text;
    CHECK_INT(read_kind(LINTEL_SENML_FETCH, 0, text, strlen(text)), 0);
    REQUIRE(nrecords == 2);
    CHECK_STR(records[1].name.p, "2001:db8::2/3311/0/5851");
    CHECK_INT(records[1].has_time, 0); /* none means any */
    text = cases[1].text;
    CHECK_INT(read_kind(LINTEL_SENML_FETCH, 0, text, strlen(text)), 0);
    CHECK(records[0].has_time && lintel_str_eq(records[0].unit, "W"));
    text = cases[11].text;
    CHECK_INT(read_kind(LINTEL_SENML_PATCH, 0, text, strlen(text)), 0);
    CHECK(nrecords == 2 && records[0].removed && records[1].removed);
    CHECK_INT(read_kind(LINTEL_SENML_PATCH, 1, "\x81\xa2\x00\x61x\x02\xf6", 7), 0);
    CHECK_INT(records[0].removed, 1);
    CHECK_INT(read_kind(LINTEL_SENML_PATCH, 1, "\x81\xa3\x00\x61x\x02\xf6\x02\x01", 9),
              LINTEL_BAD_REQUEST);
    struct lintel_buf many = {0};
    for (int i = 0; i <= LINTEL_ETCH_RECORDS_MOST; i++)
        lintel_buf_adds(&many, i == 0 ? "[{\"n\":\"a\"}" : ",{\"n\":\"a\"}");
    lintel_buf_addc(&many, ']');
    CHECK_INT(read_kind(LINTEL_SENML_FETCH, 0, many.p, many.n), LINTEL_TOO_LARGE);
    CHECK_HAS(reason, "at most 256");
    lintel_buf_fini(&many);
    done();
}

static void
write_pack(struct lintel_buf *b, int cbor)
{
    static const lintel_value list[] = {{.type = LINTEL_T_INT, .as.i = 1},
                                        {.type = LINTEL_T_BOOL, .as.i = 1}};
    static const lintel_value values[] = {
        {.type = LINTEL_T_REAL, .as.r = 0.1},
        {.type = LINTEL_T_UINT, .as.u = UINT64_MAX},
        {.type = LINTEL_T_BOOL, .as.i = 1},
        {.type = LINTEL_T_STR, .len = 3, .as.s = "a\"b"},
        {.type = LINTEL_T_BYTES, .len = 4, .as.p = "hi \n"},
        {.type = LINTEL_T_LIST, .len = 2, .as.list = list},
    };
    struct lintel_senml_writer w;
    lintel_senml_begin(&w, b, cbor, LINTEL_COUNT(values));
    for (size_t i = 0; i < LINTEL_COUNT(values); i++) {
        char name[2] = {(char)('a' + i), '\0'};
        struct lintel_senml_fields f = {.n = lintel_str(name), .value = &values[i]};
        if (i == 0) {
            f.bn = lintel_str("hub:thing/");
            f.has_bt = 1;
            f.bt = INT64_C(1767225600123456789);
            f.u = lintel_str("W");
            f.quality = "stale";
        }
        if (i == 1) {
            f.has_t = 1;
            f.t = INT64_C(-2500000000);
            f.ut = INT64_C(10000000000);
        }
        lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
}

static void
written(void)
{
    struct lintel_buf b = {0};
    write_pack(&b, 0);
    CHECK_STR(
        lintel_buf_str(&b),
        "[{\"bn\":\"hub:thing/"
        "\",\"bt\":1767225600.123456,\"n\":\"a\",\"u\":\"W\",\"v\":0.1,\"quality\":\"stale\"},"
        "{\"n\":\"b\",\"v\":18446744073709551615,\"t\":-2.5,\"ut\":10},{\"n\":\"c\",\"vb\":true},"
        "{\"n\":\"d\",\"vs\":\"a\\\"b\"},{\"n\":\"e\",\"vd\":\"aGkgCg\"},{\"n\":\"f\",\"vs\":\"[1,"
        "true]\"}]");
    lintel_buf_reset(&b);
    write_pack(&b, 1);
    CHECK_INT(read_pack(1, b.p, b.n), 0);
    CHECK_INT(nrecords, 6);
    is_record(0, "hub:thing/a", "W", 0.1, 1767225600.123456);
    CHECK(records[1].value.type == LINTEL_T_UINT && records[1].value.as.u == UINT64_MAX);
    CHECK_REAL(records[1].time, 1767225600.123456 - 2.5);
    CHECK_STR(records[5].value.as.s, "[1,true]");
    /* A reader that is not ours takes it too. */
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load((cbor_data)b.p, b.n, &result);
    CHECK(item != NULL && result.error.code == CBOR_ERR_NONE && result.read == b.n);
    CHECK(cbor_isa_array(item) && cbor_array_size(item) == 6 && cbor_array_is_definite(item));
    cbor_decref(&item);
    lintel_buf_fini(&b);
    done();
}

/* What bytes are, if the model says it (RFC 9193). */
static void
content_of_bytes(void)
{
    static const struct lintel_data jpeg = {
        .kind = LINTEL_DATA_STRING, .flags = LINTEL_DATA_BYTES, .content = "image/jpeg"};
    static const struct lintel_affordance photo = {.senml = "Camera/photo", .data = &jpeg};
    const struct lintel_bound bound = {.affordance = &photo};
    const struct lintel_reading r = {.value = {.type = LINTEL_T_BYTES, .len = 4, .as.p = "hi \n"},
                                     .quality = LINTEL_QUALITY_GOOD};
    struct lintel_senml_fields f;
    struct lintel_senml_writer w;
    struct lintel_buf b = {0};
    lintel_value value;
    lintel_measure(NULL, &bound, &r, &value, &f);
    lintel_senml_begin(&w, &b, 0, 1);
    lintel_senml_record(&w, &f);
    lintel_senml_end(&w);
    CHECK_STR(lintel_buf_str(&b),
              "[{\"n\":\"Camera/photo\",\"vd\":\"aGkgCg\",\"ct\":\"image/jpeg\"}]");
    lintel_buf_reset(&b);
    lintel_senml_begin(&w, &b, 1, 1);
    lintel_senml_record(&w, &f);
    CHECK_INT(read_pack(1, b.p, b.n), 0); /* the map says how many fields it has */
    lintel_buf_fini(&b);
    done();
}

/* A value that is none must not become a record that nobody can read. */
static void
no_number_no_value(void)
{
    static const lintel_value nan = {.type = LINTEL_T_REAL, .as.r = NAN},
                              endless = {.type = LINTEL_T_REAL, .as.r = INFINITY};
    for (int cbor = 0; cbor < 2; cbor++) {
        struct lintel_buf b = {0};
        struct lintel_senml_writer w;
        struct lintel_senml_fields f = {
            .n = lintel_str("a"), .value = &nan, .quality = "bad", .error = "exception 4"};
        lintel_senml_begin(&w, &b, cbor, 2);
        lintel_senml_record(&w, &f);
        f = (struct lintel_senml_fields){.n = lintel_str("b"), .value = &endless};
        lintel_senml_record(&w, &f);
        lintel_senml_end(&w);
        if (cbor == 0)
            CHECK_STR(lintel_buf_str(&b),
                      "[{\"n\":\"a\",\"quality\":\"bad\",\"error\":\"exception 4\"},"
                      "{\"n\":\"b\"}]");
        else
            CHECK(b.n > 4 && memcmp(b.p,
                                    "\x82\xa3\x00\x61"
                                    "a",
                                    5) == 0);
        lintel_buf_fini(&b);
    }
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(memory_runs_out),
                                            KIT(examples),
                                            KIT(example_in_cbor),
                                            KIT(examples_and_back),
                                            KIT(base_fields),
                                            KIT(refused),
                                            KIT(selectors_and_patches),
                                            KIT(written),
                                            KIT(content_of_bytes),
                                            KIT(no_number_no_value),
                                            {0}};
    return kit_main("senml", tests, argc, argv);
}
