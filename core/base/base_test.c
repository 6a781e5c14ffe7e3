/* SPDX-License-Identifier: Apache-2.0
 * Text, numbers, maps, memory, reports. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "tests/kit/kit.h"

static void
buffer_grows_and_fails_for_good(void)
{
    struct lintel_buf b = {.limit = 10};
    lintel_buf_adds(&b, "hello");
    lintel_buf_addf(&b, "%d", 12345);
    CHECK_STR(lintel_buf_str(&b), "hello12345");
    lintel_buf_addc(&b, '!');
    CHECK(b.failed);
    lintel_buf_adds(&b, "");
    CHECK_STR(lintel_buf_str(&b), "hello12345");
    lintel_buf_reset(&b);
    CHECK(!b.failed);
    lintel_buf_fini(&b);

    struct lintel_buf starved = {0};
    lintel_mem_fail_at(1);
    lintel_buf_adds(&starved, "x");
    CHECK(starved.failed);
    CHECK_STR(lintel_buf_str(&starved), "");
    lintel_mem_fail_at(0);
    lintel_buf_fini(&starved);
}

static void
json_text_is_escaped(void)
{
    struct lintel_buf b = {0};
    lintel_buf_add_json_str(&b, "a\"b\\c\n\x01\x7f\xc3\xa9", 10);
    CHECK_STR(lintel_buf_str(&b), "\"a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa9\"");
    lintel_buf_fini(&b);
}

static void
copies_are_cut_at_characters(void)
{
    char out[4];
    CHECK_INT(lintel_copy(out, sizeof out, "abc"), 1);
    CHECK_INT(lintel_copy(out, sizeof out, "ab\xc3\xa9"), 0);
    CHECK_STR(out, "ab");
    CHECK_INT(lintel_format(out, sizeof out, "%d", 123), 1);
    CHECK_INT(lintel_format(out, sizeof out, "%d", 1234), 0);
}

static void
bytes_become_text_whole_or_not_at_all(void)
{
    char out[4] = "old";
    CHECK_INT(lintel_str_copy(out, sizeof out, (struct lintel_str){"abcd", 3}), 0);
    CHECK_STR(out, "abc");
    CHECK_INT(lintel_str_copy(out, sizeof out, (struct lintel_str){"abcd", 4}), -1);
    CHECK_INT(lintel_str_copy(out, sizeof out, (struct lintel_str){"a\0b", 3}), -1);
    CHECK_INT(lintel_str_copy(out, 0, (struct lintel_str){"", 0}), -1);
    CHECK_STR(out, "abc");
    CHECK_INT(lintel_str_copy(out, sizeof out, (struct lintel_str){NULL, 0}), 0);
    CHECK_STR(out, "");
}

static void
utf8_is_judged_by_rfc_3629(void)
{
    static const struct {
        const char *text;
        size_t n, valid;
    } cases[] = {
        {"abc", 3, 3},
        {"\xc3\xa9", 2, 2},
        {"\xe2\x82\xac", 3, 3},
        {"\xf0\x9f\x98\x80", 4, 4},
        {"a\xc3", 2, 1},
        {"\xc0\xaf", 2, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf8\x88\x80\x80\x80", 5, 0},
        {"\xe0\x80\xaf", 3, 0},
        {"\x80", 1, 0},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++)
        CHECK_INT(lintel_utf8_valid(cases[i].text, cases[i].n), cases[i].valid);
}

static void
what_steers_a_terminal_is_tamed(void)
{
    static const struct {
        const char *text, *keep, *tamed;
    } cases[] = {
        {"plain", "", "plain"},
        {"", "", ""},
        {"a\033[2Jb\rc\nd\te\177f", "", "a [2Jb c d e f"},
        {"a\nb\tc\rd", "\n\t", "a\nb\tc d"},
        {"\xc2\x9b"
         "2J",
         "", " 2J"}, /* CSI, as UTF-8 */
        {"a\xc2\x80\xc2\x9f\xc2\xa0z", "", "a  \xc2\xa0z"},
        {"\x9b"
         "2J\x80\x9f",
         "", "?2J??"}, /* CSI, as one byte */
        {"\xe2\x80\xae"
         "txt.exe\xe2\x80\xac",
         "", " txt.exe "},
        {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xad\xe2\x80\xaf", "",
         "\xe2\x80\xa7     \xe2\x80\xaf"},
        {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9\xe2\x81\xaa", "",
         "\xe2\x81\xa5    \xe2\x81\xaa"},
        {"gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80", "",
         "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80"},
        {"\xff\xc2", "", "??"},                    /* no UTF-8; cut */
        {"\xc0\x9b\xe0\x82\x9b", "", "?????"},     /* CSI, overlong */
        {"\xe2\x80", "", "??"},                    /* cut off inside */
        {"\xe2\xc2\x9b\xed\xa0\x80", "", "? ???"}, /* one inside of another; half of a pair */
    };
    char text[64];
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        CHECK(lintel_copy(text, sizeof text, cases[i].text));
        CHECK(lintel_tame(text, cases[i].keep) == text);
        CHECK_STR(text, cases[i].tamed);
        CHECK_INT(lintel_utf8_valid(text, strlen(text)), strlen(text));
    }
    /* Nothing that steers comes through, whatever two or three bytes there are. */
    for (unsigned c = 0; c < 1u << 24; c += c < 1u << 16 ? 1 : 5) {
        char all[4] = {(char)(c & 0xff), (char)(c >> 8 & 0xff), (char)(c >> 16), '\0'};
        size_t n = strlen(lintel_tame(all, "")), bytes;
        for (size_t at = 0; at < n; at++)
            if (lintel_utf8_steers(all + at, n - at, &bytes) >= 0 ||
                lintel_utf8_valid(all, n) != n) {
                CHECK_INT(c, 0);
                return;
            }
    }
}

static int32_t last_level;
static char last_line[1100];

static void
keep_line(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)topic;
    last_level = level;
    lintel_copy(last_line, sizeof last_line, line);
}

static void
log_lines_are_tamed(void)
{
    lintel_log_sink(keep_line, NULL);
    lintel_log(0, "test", "a device says %s", "\033[2J\n\xc2\x9b\x9b\xe2\x80\xae");
    lintel_log_sink(NULL, NULL);
    CHECK_INT(last_level, 0);
    CHECK_STR(last_line, "a device says  [2J  ? ");
}

static void
nearest_word_is_the_one_meant(void)
{
    static const char *const words[] = {"address", "byteOrder", "wordOrder", "scale", "on", NULL};
    CHECK_STR(lintel_nearest("adress", words), "address");
    CHECK_STR(lintel_nearest("wordorder", words), "wordOrder");
    CHECK_STR(lintel_nearest("sacle", words), "scale");
    CHECK(lintel_nearest("humidity", words) == NULL);
    CHECK_INT(lintel_distance("same", "same", 3), 0);
    CHECK_INT(lintel_distance("abcd", "badc", 5), 2);
    CHECK_INT(lintel_distance("abcdefgh", "x", 2), 3);
}

static void
integers_are_strict(void)
{
    int64_t i;
    uint64_t u;
    CHECK(lintel_parse_int("-9223372036854775808", 20, &i) && i == INT64_MIN);
    CHECK(!lintel_parse_int("9223372036854775808", 19, &i));
    CHECK(lintel_parse_int("0x1F", 4, &i) && i == 31);
    CHECK(!lintel_parse_int("", 0, &i));
    CHECK(!lintel_parse_int("-", 1, &i));
    CHECK(!lintel_parse_int("+1", 2, &i));
    CHECK(!lintel_parse_int("1 ", 2, &i));
    CHECK(!lintel_parse_int("0x", 2, &i));
    CHECK(lintel_parse_uint("18446744073709551615", 20, &u) && u == UINT64_MAX);
    CHECK(!lintel_parse_uint("18446744073709551616", 20, &u));
    CHECK(!lintel_parse_uint("-1", 2, &u));
}

static void
reals_follow_the_json_grammar(void)
{
    double r;
    CHECK(lintel_parse_real("-2.5e3", 6, &r) && r == -2500);
    CHECK(lintel_parse_real("0.1", 3, &r) && r == 0.1);
    static const char *const bad[] = {"",    "-",   ".5",    "1.",  "1e",
                                      "nan", "inf", "0x1p3", "1,5", "1e999"};
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++)
        CHECK(!lintel_parse_real(bad[i], strlen(bad[i]), &r));
}

static void
printed_reals_read_back(void)
{
    char text[LINTEL_REAL_TEXT];
    lintel_print_real(text, 21.5);
    CHECK_STR(text, "21.5");
    lintel_print_real(text, 0.1);
    CHECK_STR(text, "0.1");
    lintel_print_real(text, -100);
    CHECK_STR(text, "-100");
    lintel_print_real(text, NAN);
    CHECK_STR(text, "null");
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = kit_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        lintel_print_real(text, value);
        CHECK_REAL(strtod(text, NULL), value);
    }
}

static void
decimals_are_exact(void)
{
    struct lintel_decimal d;
    CHECK(lintel_parse_decimal("0.1", 3, &d) && d.digits == 1 && d.exponent == -1);
    CHECK(lintel_parse_decimal("-3600000", 8, &d) && d.digits == -36 && d.exponent == 5);
    CHECK(lintel_parse_decimal("0.392157", 8, &d) && d.digits == 392157 && d.exponent == -6);
    CHECK(lintel_parse_decimal("1e3", 3, &d) && d.digits == 1 && d.exponent == 3);
    CHECK(lintel_parse_decimal("2.50e-2", 7, &d) && d.digits == 25 && d.exponent == -3);
    CHECK(lintel_parse_decimal("0.000", 5, &d) && d.digits == 0 && d.exponent == 0);
    CHECK(!lintel_parse_decimal("1e99", 4, &d));
    CHECK(!lintel_parse_decimal("1.2345678901234567890123", 24, &d));
    CHECK(!lintel_parse_decimal("1e+", 3, &d));
}

static void
map_keeps_what_it_was_given(void)
{
    struct lintel_map m = {0};
    static int values[2000];
    char key[32];
    for (int i = 0; i < 2000; i++)
        CHECK_INT(
            lintel_map_put(&m, key, (size_t)snprintf(key, sizeof key, "thing-%d", i), &values[i]),
            0);
    for (int i = 0; i < 2000; i += 2)
        CHECK(lintel_map_take(&m, key, (size_t)snprintf(key, sizeof key, "thing-%d", i)) ==
              &values[i]);
    CHECK_INT(m.n, 1000);
    for (int i = 0; i < 2000; i++)
        CHECK(lintel_map_get(&m, key, (size_t)snprintf(key, sizeof key, "thing-%d", i)) ==
              (i % 2 ? &values[i] : NULL));
    CHECK_INT(lintel_map_put(&m, "thing-1", 7, &values[0]), 0);
    CHECK(lintel_map_get(&m, "thing-1", 7) == &values[0]);
    size_t it = 0, seen = 0;
    const struct lintel_map_slot *slot;
    while (lintel_map_next(&m, &it, &slot))
        seen++;
    CHECK_INT(seen, 1000);
    lintel_mem_fail_at(1);
    CHECK_INT(lintel_map_put(&m, "fresh", 5, &values[0]), -1);
    lintel_mem_fail_at(0);
    CHECK(lintel_map_get(&m, "fresh", 5) == NULL);
    lintel_map_fini(&m);
}

static void
map_does_not_fill_up_with_gone_entries(void)
{
    struct lintel_map m = {0};
    static int value;
    char key[32];
    for (int i = 0; i < 100000; i++) {
        size_t n = (size_t)snprintf(key, sizeof key, "%d", i);
        CHECK_INT(lintel_map_put(&m, key, n, &value), 0);
        CHECK(lintel_map_take(&m, key, n) == &value);
    }
    CHECK(m.room <= 64);
    lintel_map_fini(&m);
}

static void
arena_gives_zeroed_aligned_memory(void)
{
    struct lintel_arena *a = lintel_arena_new();
    for (size_t i = 1; i < 3000; i += 7) {
        unsigned char *p = lintel_arena_alloc(a, i);
        REQUIRE(p != NULL);
        CHECK_INT((uintptr_t)p % 16, 0);
        CHECK(p[0] == 0 && p[i - 1] == 0);
        memset(p, 0xff, i);
    }
    CHECK(lintel_arena_alloc(a, 1 << 20) != NULL);
    CHECK_STR(lintel_arena_strdup(a, "text"), "text");
    CHECK(lintel_arena_bytes(a) > 1 << 20);
    CHECK(!lintel_arena_failed(a));
    CHECK(lintel_arena_alloc(a, SIZE_MAX - 8) == NULL);
    CHECK(lintel_arena_failed(a));
    lintel_arena_free(a);
    lintel_arena_free(NULL);
}

static void
sizes_are_checked_for_overflow(void)
{
    CHECK(lintel_grow(NULL, SIZE_MAX / 2, 4) == NULL);
    CHECK(lintel_alloc_array(SIZE_MAX / 2, 4) == NULL);
}

static void
report_counts_and_sorts(void)
{
    struct lintel_report r = {0};
    CHECK_INT(lintel_error(&r, (struct lintel_place){"b", 2, 1}, "second %d", 2), -1);
    lintel_warning(&r, (struct lintel_place){"a", 9, 1}, "first");
    lintel_error(&r, (struct lintel_place){"b", 1, 7}, "in the \"middle\"");
    CHECK_INT(lintel_error(NULL, (struct lintel_place){0}, "nobody listens"), -1);
    lintel_report_sort(&r);
    CHECK_INT(r.errors, 2);
    CHECK_INT(r.warnings, 1);
    struct lintel_buf json = {0};
    lintel_report_json(&r, &json);
    CHECK_STR(
        lintel_buf_str(&json),
        "[{\"severity\":\"warning\",\"file\":\"a\",\"line\":9,\"column\":1,\"text\":\"first\"},"
        "{\"severity\":\"error\",\"file\":\"b\",\"line\":1,\"column\":7,\"text\":\"in the "
        "\\\"middle\\\"\"},"
        "{\"severity\":\"error\",\"file\":\"b\",\"line\":2,\"column\":1,\"text\":\"second 2\"}]");
    lintel_buf_fini(&json);
    for (int i = 0; i < 2 * LINTEL_REPORT_MOST; i++)
        lintel_error(&r, (struct lintel_place){"c", 1, 1}, "again");
    CHECK_INT(r.n, LINTEL_REPORT_MOST);
    CHECK_INT(r.errors, 2 + 2 * LINTEL_REPORT_MOST);
    lintel_report_fini(&r);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(buffer_grows_and_fails_for_good),
        KIT(json_text_is_escaped),
        KIT(copies_are_cut_at_characters),
        KIT(bytes_become_text_whole_or_not_at_all),
        KIT(utf8_is_judged_by_rfc_3629),
        KIT(what_steers_a_terminal_is_tamed),
        KIT(log_lines_are_tamed),
        KIT(nearest_word_is_the_one_meant),
        KIT(integers_are_strict),
        KIT(reals_follow_the_json_grammar),
        KIT(printed_reals_read_back),
        KIT(decimals_are_exact),
        KIT(map_keeps_what_it_was_given),
        KIT(map_does_not_fill_up_with_gone_entries),
        KIT(arena_gives_zeroed_aligned_memory),
        KIT(sizes_are_checked_for_overflow),
        KIT(report_counts_and_sorts),
        {0},
    };
    return kit_main("base", tests, argc, argv);
}
