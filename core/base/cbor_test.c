/* SPDX-License-Identifier: Apache-2.0
 * CBOR: the examples of RFC 8949 Appendix A that are read here, shortest forms, lies about lengths.
 */
#include "core/base/cbor.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static const char *
hex(const struct lintel_buf *b)
{
    static char text[400];
    size_t at = 0;
    for (size_t i = 0; i < b->n && at + 3 < sizeof text; i++, at += 2)
        (void)lintel_format(text + at, 3, "%02x", (unsigned char)b->p[i]);
    text[at] = '\0';
    return text;
}

static void
reals_are_written_shortest(void)
{
    static const struct {
        double value;
        const char *bytes;
    } cases[] = {
        {0.0, "f90000"},
        {1.0, "f93c00"},
        {1.5, "f93e00"},
        {65504.0, "f97bff"},
        {100000.0, "fa47c35000"},
        {1.1, "fb3ff199999999999a"},
        {1e300, "fb7e37e43c8800759c"},
        {-4.0, "f9c400"},
        {0.00006103515625, "f90400"},
        {3.4028234663852886e+38, "fa7f7fffff"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct lintel_buf b = {0};
        lintel_cbor_real(&b, cases[i].value);
        CHECK_STR(hex(&b), cases[i].bytes);
        struct lintel_cbor c = {(const unsigned char *)b.p, b.n};
        struct lintel_cbor_item item;
        CHECK_INT(lintel_cbor_next(&c, &item), LINTEL_CBOR_REAL);
        CHECK_REAL(item.r, cases[i].value);
        lintel_buf_fini(&b);
    }
}

static void
integers_are_written_shortest(void)
{
    static const struct {
        int64_t value;
        const char *bytes;
    } cases[] = {
        {0, "00"},
        {23, "17"},
        {24, "1818"},
        {1000, "1903e8"},
        {1000000, "1a000f4240"},
        {-1, "20"},
        {-100, "3863"},
        {-1000, "3903e7"},
        {INT64_MIN, "3b7fffffffffffffff"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct lintel_buf b = {0};
        int64_t back = 0;
        lintel_cbor_int(&b, cases[i].value);
        CHECK_STR(hex(&b), cases[i].bytes);
        struct lintel_cbor c = {(const unsigned char *)b.p, b.n};
        CHECK_INT(lintel_cbor_read_int(&c, &back), 0);
        CHECK_INT(back, cases[i].value);
        lintel_buf_fini(&b);
    }
}

static int
write_and_read_once(void *ctx)
{
    static const lintel_value inner[] = {{.type = LINTEL_T_STR, .len = 2, .as.s = "hi"},
                                         {.type = LINTEL_T_BYTES, .len = 3, .as.p = "abc"}};
    static const lintel_member members[] = {
        {"list", {.type = LINTEL_T_LIST, .len = 2, .as.list = inner}},
        {"more", {.type = LINTEL_T_LIST, .len = 2, .as.list = inner}}};
    const lintel_value v = {.type = LINTEL_T_MAP, .len = 2, .as.map = members};
    struct lintel_buf b = {0};
    struct lintel_arena *a = lintel_arena_new();
    lintel_value back;
    (void)ctx;
    lintel_cbor_value(&b, &v);
    struct lintel_cbor c = {(const unsigned char *)b.p, b.n};
    int done = a != NULL && !b.failed && lintel_cbor_read_value(&c, a, 100, &back) == 0;
    if (done) {
        CHECK(!lintel_arena_failed(a));
        CHECK_STR(back.as.map[1].name, "more");
        CHECK_STR(back.as.map[1].value.as.list[0].as.s, "hi");
    }
    lintel_buf_fini(&b);
    lintel_arena_free(a);
    return done;
}

static void
memory_runs_out(void)
{
    CHECK(kit_each_failure(write_and_read_once, NULL) > 2);
}

static void
trees_read_back(void)
{
    static const lintel_value inner[] = {
        {.type = LINTEL_T_INT, .as.i = -7},
        {.type = LINTEL_T_STR, .len = 2, .as.s = "hi"},
        {.type = LINTEL_T_BYTES, .len = 3, .as.p = "\x00\x01\x02"},
        {.type = LINTEL_T_UINT, .as.u = UINT64_MAX},
        {.type = LINTEL_T_NULL},
        {.type = LINTEL_T_BOOL, .as.i = 1},
    };
    static const lintel_member members[] = {
        {"list", {.type = LINTEL_T_LIST, .len = 6, .as.list = inner}},
        {"x", {.type = LINTEL_T_REAL, .as.r = 2.25}},
    };
    const lintel_value tree = {.type = LINTEL_T_MAP, .len = 2, .as.map = members};
    struct lintel_buf first = {0}, second = {0};
    struct lintel_arena *arena = lintel_arena_new();
    lintel_value back;
    lintel_cbor_value(&first, &tree);
    struct lintel_cbor c = {(const unsigned char *)first.p, first.n};
    CHECK_INT(lintel_cbor_read_value(&c, arena, 100, &back), 0);
    CHECK_INT(c.left, 0);
    lintel_cbor_value(&second, &back);
    CHECK_STR(hex(&second), hex(&first));
    c = (struct lintel_cbor){(const unsigned char *)first.p, first.n};
    CHECK_INT(lintel_cbor_read_value(&c, arena, 5, &back), -1); /* more items than allowed */
    c = (struct lintel_cbor){(const unsigned char *)first.p, first.n};
    CHECK_INT(lintel_cbor_skip(&c), 0);
    CHECK_INT(c.left, 0);
    lintel_arena_free(arena);
    lintel_buf_fini(&first);
    lintel_buf_fini(&second);
}

static void
lies_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* an array of 2^64 - 1 */
        {"\xbb\x00\x00\x00\x01\x00\x00\x00\x00", 9}, /* a map longer than the input */
        {"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 9}, /* a string longer than the input */
        {"\x62\xc3", 2},                             /* cut */
        {"\x61\xff", 2},                             /* not UTF-8 */
        {"\x9f\x01\xff", 3},                         /* indefinite length */
        {"\xff", 1},                                 /* a break alone */
        {"\x1c", 1},                                 /* reserved */
        {"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* below INT64_MIN */
    };
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        struct lintel_cbor c = {(const unsigned char *)bad[i].bytes, bad[i].n};
        CHECK_INT(lintel_cbor_skip(&c), -1);
    }
    char deep[100];
    memset(deep, '\x81', sizeof deep);
    deep[99] = 0;
    struct lintel_cbor c = {(const unsigned char *)deep, sizeof deep};
    CHECK_INT(lintel_cbor_skip(&c), -1);
    struct lintel_cbor_item item;
    c = (struct lintel_cbor){(const unsigned char *)"", 0};
    CHECK_INT(lintel_cbor_next(&c, &item), LINTEL_CBOR_END);
}

static void
typed_reads_refuse_others(void)
{
    struct lintel_cbor c = {(const unsigned char *)"\x18\xff", 2};
    uint64_t u;
    CHECK_INT(lintel_cbor_read_uint(&c, 254, &u), -1);
    c = (struct lintel_cbor){(const unsigned char *)"\x18\xff", 2};
    CHECK_INT(lintel_cbor_read_uint(&c, 255, &u), 0);
    CHECK_INT(u, 255);
    struct lintel_str s;
    c = (struct lintel_cbor){(const unsigned char *)"\x41x", 2};
    CHECK_INT(lintel_cbor_read_str(&c, &s), -1);
    size_t n;
    c = (struct lintel_cbor){(const unsigned char *)"\x82\x01\x02", 3};
    CHECK_INT(lintel_cbor_read_array(&c, 1, &n), -1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(reals_are_written_shortest),
        KIT(integers_are_written_shortest),
        KIT(memory_runs_out),
        KIT(trees_read_back),
        KIT(lies_are_refused),
        KIT(typed_reads_refuse_others),
        {0},
    };
    return kit_main("cbor", tests, argc, argv);
}
