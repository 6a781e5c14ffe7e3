/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/senml.h"

#include <cbor.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/kit.h"

static struct lintel_arena *arena;
static struct lintel_senml_record *records;
static uint32_t nrecords;
static char reason[LINTEL_REASON];

static int
read_pack(int cbor, const char *p, size_t n)
{
    lintel_arena_free(arena);
    arena = lintel_arena_new();
    reason[0] = '\0';
    nrecords = 0;
    return lintel_senml_read(cbor, p, n, arena, &records, &nrecords, reason);
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
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        if (!CHECK_INT(read_json(cases[i].text), -1) || !CHECK_HAS(reason, cases[i].why))
            printf("    %s: %s\n", cases[i].text, reason);
    }
    CHECK_INT(read_pack(1, "\x81\xa1\x02\xf9\x7e\x00", 6), -1); /* NaN */
    CHECK_INT(read_pack(1, "\x81\xa2\x02\x01\x02\x01", 6), -1); /* twice */
    CHECK_HAS(reason, "stands twice");
    CHECK_INT(read_pack(1, "\x81\xa2\x02\x01\x62x_\x01", 8), -1);
    CHECK_INT(read_pack(1, "\x81\xa1\x02\x01\x00", 5), -1);
    CHECK_HAS(reason, "behind the pack");
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

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(examples), KIT(example_in_cbor), KIT(base_fields),
                                            KIT(refused),  KIT(written),         {0}};
    return kit_main("senml", tests, argc, argv);
}
