/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static const char *
real(double v)
{
    static char text[64];
    struct lintel_buf b = {0};
    lintel_real_write(&b, v);
    lintel_copy(text, sizeof text, lintel_buf_str(&b));
    lintel_buf_fini(&b);
    return text;
}

static void
numbers(void)
{
    CHECK_STR(real(0), "0");
    CHECK_STR(real(-0.0), "0");
    CHECK_STR(real(21.5), "21.5");
    CHECK_STR(real(-0.05), "-0.05");
    CHECK_STR(real(0.0001), "0.0001");
    CHECK_STR(real(0.1 + 0.2), "0.30000000000000004");
    CHECK_STR(real(123456789.1234), "123456789.1234");
    CHECK_STR(real(999999999.9999), "999999999.9999");
    CHECK_STR(real(1e9), "1000000000");
    CHECK_STR(real(1e300), "1e+300");
    CHECK_STR(real((double)NAN), "null");
    for (int i = 0; i < 20000; i++) { /* the quick way and the sure one say the same */
        char sure[LINTEL_REAL_TEXT];
        uint64_t r = kit_random();
        double v = (double)(int64_t)(r >> 24) / (double)(1 + r % 100000);
        if (i % 2)
            v = (double)(int64_t)(r % 2000000) / 1e3 - 1000;
        if (v == 0 || (fabs(v) < 1e-4))
            continue;
        lintel_print_real(sure, v);
        if (!CHECK_STR(real(v), sure))
            break;
    }
}

static void
base64url(void)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""},        {"f", "Zg"},        {"fo", "Zm8"},
                 {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xef\xbe", "_---"}};
    struct lintel_arena *a = lintel_arena_new();
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct lintel_buf b = {0};
        size_t n = 99;
        lintel_base64url_write(&b, cases[i].plain, strlen(cases[i].plain));
        CHECK_STR(lintel_buf_str(&b), cases[i].text);
        unsigned char *back = lintel_base64url_read(b.p, b.n, a, &n);
        CHECK(back != NULL && n == strlen(cases[i].plain) && memcmp(back, cases[i].plain, n) == 0);
        lintel_buf_fini(&b);
    }
    size_t n;
    CHECK(lintel_base64url_read("Z", 1, a, &n) == NULL);
    CHECK(lintel_base64url_read("Zg==", 4, a, &n) == NULL);
    CHECK(lintel_base64url_read("Z+8", 3, a, &n) == NULL);
    lintel_arena_free(a);
}

static void
json(void)
{
    static const char *const same[] = {"null",
                                       "true",
                                       "0",
                                       "-7",
                                       "18446744073709551615",
                                       "-9223372036854775808",
                                       "21.5",
                                       "\"a\\\"b\\u0001\"",
                                       "[]",
                                       "{}",
                                       "[1,[2,{\"a\":null}],\"x\"]"};
    static const char *const bad[] = {
        "",    " ",  "01",      "-",   "+1",  ".5",  "1.",    "0x1",      "tru",
        "nul", "[1", "{\"a\"}", "'a'", "1 2", "NaN", "1e999", "\"\xff\"", "{\"a\":1,\"a\":2}"};
    struct lintel_arena *a = lintel_arena_new();
    char reason[LINTEL_REASON];
    lintel_value v;
    for (size_t i = 0; i < LINTEL_COUNT(same); i++) {
        struct lintel_buf b = {0};
        CHECK_INT(lintel_json_read(same[i], strlen(same[i]), a, &v, reason), 0);
        lintel_format_write(&b, LINTEL_FORMAT_JSON, &v);
        CHECK_STR(lintel_buf_str(&b), same[i]);
        lintel_buf_fini(&b);
    }
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++)
        if (!CHECK_INT(lintel_json_read(bad[i], strlen(bad[i]), a, &v, reason), -1))
            printf("    %s\n", bad[i]);
    char deep[80];
    memset(deep, '[', 40);
    memset(deep + 40, ']', 40);
    CHECK_INT(lintel_json_read(deep, 80, a, &v, reason), -1);
    CHECK_HAS(reason, "too deep");
    lintel_arena_free(a);
}

static void
too_long(void)
{
    static char text[LINTEL_VALUE_BYTES_MOST + 1];
    struct lintel_data d = {.kind = LINTEL_DATA_STRING};
    struct lintel_arena *a = lintel_arena_new();
    char reason[LINTEL_REASON];
    lintel_value v;
    memset(text, 'x', sizeof text);
    CHECK_INT(lintel_format_read(0, (lintel_span){text, sizeof text - 1}, &d, a, &v, reason), 0);
    CHECK_INT(lintel_format_read(0, (lintel_span){text, sizeof text}, &d, a, &v, reason),
              LINTEL_CODE(4, 13));
    d.flags = LINTEL_DATA_BYTES;
    CHECK_INT(lintel_format_read(50, (lintel_span){"\"Zg\"", 4}, &d, a, &v, reason), 0);
    CHECK(v.type == LINTEL_T_BYTES && v.len == 1 && *(const char *)v.as.p == 'f');
    CHECK_INT(lintel_format_read(50, (lintel_span){"\"Zg=\"", 5}, &d, a, &v, reason),
              LINTEL_CODE(4, 0));
    lintel_arena_free(a);
}

static int
read_once(void *ctx)
{
    static const struct lintel_data any = {.kind = LINTEL_DATA_ANY};
    static const char json[] = "{\"a\":[1,\"two\",{\"b\":null}],\"c\":0.5}";
    static const char cbor[] = "\xa1\x61\x61\x82\x63two\x01";
    int32_t format = *(const int32_t *)ctx;
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_buf out = {0};
    char reason[LINTEL_REASON] = "";
    lintel_value v;
    uint32_t code = 1;
    lintel_span payload = format == LINTEL_FORMAT_JSON ? (lintel_span){json, sizeof json - 1}
                                                       : (lintel_span){cbor, sizeof cbor - 1};
    if (a != NULL) {
        code = lintel_format_read(format, payload, &any, a, &v, reason);
        CHECK((code == 0) == (reason[0] == '\0'));
        CHECK(code == 0 || lintel_arena_failed(a)); /* it is not the payload that is wrong */
    }
    if (code == 0)
        lintel_format_write(&out, LINTEL_FORMAT_JSON, &v);
    int done = code == 0 && !out.failed;
    if (done)
        CHECK_STR(lintel_buf_str(&out),
                  format == LINTEL_FORMAT_JSON ? json : "{\"a\":[\"two\",1]}");
    lintel_buf_fini(&out);
    lintel_arena_free(a);
    return done;
}

static void
memory_runs_out(void)
{
    static int32_t formats[] = {LINTEL_FORMAT_JSON, LINTEL_FORMAT_CBOR};
    for (size_t i = 0; i < LINTEL_COUNT(formats); i++)
        CHECK(kit_each_failure(read_once, &formats[i]) > 2);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(numbers),  KIT(base64url),       KIT(json),
                                            KIT(too_long), KIT(memory_runs_out), {0}};
    return kit_main("format", tests, argc, argv);
}
