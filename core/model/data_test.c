/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/kit.h"

static struct lintel_doc *doc;
static struct lintel_report report;

static const struct lintel_data *
read(const char *text)
{
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    doc = lintel_doc_parse("d", text, strlen(text), &report);
    return doc ? lintel_data_read(doc, doc->root, doc->arena, &report) : NULL;
}

static void
done(void)
{
    lintel_doc_free(doc);
    doc = NULL;
    lintel_report_fini(&report);
}

#define OK LINTEL_FIT_OK
#define TYPE LINTEL_FIT_TYPE
#define RANGE LINTEL_FIT_RANGE

static const struct row {
    const char *data, *value;
    enum lintel_fit fit;
    const char *reason;
} rows[] = {
    {"type: boolean", "true", OK, ""},
    {"type: boolean", "1", TYPE, "1 is not true or false"},
    {"type: number", "21.5", OK, ""},
    {"type: number", "21", OK, ""},
    {"type: number", "'21'", TYPE, "\"21\" is not a number"},
    {"type: number\nmaximum: 26", "26.5", RANGE, "26.5 is above the maximum of 26"},
    {"type: number\nmaximum: 26", "26", OK, ""},
    {"type: number\nminimum: 5", "4.9", RANGE, "4.9 is below the minimum of 5"},
    {"type: number\nexclusiveMinimum: 0", "0", RANGE, "0 must be above 0"},
    {"type: number\nexclusiveMinimum: 0", "0.1", OK, ""},
    {"type: number\nexclusiveMaximum: 1", "1.0", RANGE, "1 must be below 1"},
    {"minimum: 1\nexclusiveMinimum: 2", "2", RANGE, "2 must be above 2"},
    {"minimum: 3\nexclusiveMinimum: 2", "3", OK, ""},
    {"type: number\nmultipleOf: 0.1", "0.3", OK, ""},
    {"type: number\nmultipleOf: 0.5", "0.3", RANGE, "0.3 is not a multiple of 0.5"},
    {"type: integer\nmultipleOf: 3", "9223372036854775807", RANGE, "is not a multiple of 3"},
    {"type: integer\nmultipleOf: 7", "9223372036854775807", OK, ""},
    {"type: integer", "4.0", OK, ""},
    {"type: integer", "4.5", TYPE, "4.5 is not an integer"},
    {"type: integer", "18446744073709551615", OK, ""},
    /* 2^53 + 1 is no double, and must not be rounded to its neighbour. */
    {"type: integer\nmaximum: 9007199254740992", "9007199254740993", RANGE, "above"},
    {"type: integer\nminimum: -9007199254740992", "-9007199254740993", RANGE, "below"},
    {"type: integer\nmaximum: 0.5", "1", RANGE, "above"},
    {"type: integer\nmaximum: 0.5", "0", OK, ""},
    {"type: integer\nmaximum: 1e30", "18446744073709551615", OK, ""},
    {"type: integer\nminimum: -1e30", "-9223372036854775808", OK, ""},
    {"type: integer\nminimum: -0.5", "18446744073709551615", OK, ""},
    {"type: string", "abc", OK, ""},
    {"type: string", "5", TYPE, "5 is not a text"},
    {"type: string\nminLength: 2", "'\u00fc'", RANGE, "1 characters are too few; at least 2"},
    {"type: string\nmaxLength: 2", "'\u00fc\u00fc'", OK, ""},
    {"type: string\nmaxLength: 0", "x", RANGE, "at most 0"},
    {"type: string\nmaxLength: 0", "''", OK, ""},
    {"enum: [off, heat, cool]", "heat", OK, ""},
    {"enum: [off, heat, cool]", "heet", RANGE, "\"heet\" is none of off, heat, cool"},
    {"enum: [off, heat, cool]", "1", TYPE, "1 is none of off, heat, cool"},
    {"pattern: '^[a-z]+$'", "abc", OK, ""},
    {"pattern: '^[a-z]+$'", "abc1", RANGE, "\"abc1\" does not match ^[a-z]+$"},
    {"pattern: 'b'", "abc", OK, ""},
    {"format: date-time", "'2026-02-28T23:59:60.5Z'", OK, ""},
    {"format: date-time", "'2026-02-29T00:00:00Z'", RANGE, "is no date-time"},
    {"format: date-time", "'2024-02-29T00:00:00+05:30'", OK, ""},
    {"format: date-time", "'2024-02-29'", RANGE, ""},
    {"format: date-time", "'2024-02-29T'", RANGE, ""},
    {"format: date", "'2026-12-31'", OK, ""},
    {"format: date", "'2026-13-01'", RANGE, ""},
    {"format: time", "'12:00:00Z'", OK, ""},
    {"format: time", "'24:00:00Z'", RANGE, ""},
    {"format: time", "'12:00:00'", RANGE, ""},
    {"format: uri", "'coap://[::1]/x?y#z'", OK, ""},
    {"format: uri", "'no scheme'", RANGE, ""},
    {"format: uri", "'/path'", RANGE, ""},
    {"format: uri-reference", "'/path%20x'", OK, ""},
    {"format: uri-reference", "'/path%2'", RANGE, ""},
    {"format: uuid", "'550e8400-e29b-41d4-a716-446655440000'", OK, ""},
    {"format: uuid", "'550e8400-e29b-41d4-a716-44665544000'", RANGE, ""},
    {"sdfType: byte-string", "'AQID'", OK, ""},
    {"sdfType: byte-string", "'AQ=='", TYPE, "no byte string"},
    {"sdfType: byte-string\nmaxLength: 2", "'AQID'", RANGE, "3 bytes are too many"},
    {"sdfType: unix-time", "1700000000.5", OK, ""},
    {"sdfType: unix-time", "'now'", TYPE, ""},
    {"type: array\nitems: {type: number, maximum: 5}", "[1, 2, 5]", OK, ""},
    {"type: array\nitems: {type: number, maximum: 5}", "[1, 6]", RANGE, "6 is above"},
    {"type: array\nmaxItems: 2", "[1, 2, 3]", RANGE, "3 items are too many; at most 2"},
    {"type: array\nminItems: 2", "[1]", RANGE, "1 items are too few"},
    {"type: array\nuniqueItems: true", "[1, 2, 1.0]", RANGE, "stands twice"},
    {"type: array\nuniqueItems: true", "[{a: 1, b: 2}, {b: 2, a: 1}]", RANGE, "stands twice"},
    {"type: array\nuniqueItems: true", "[1, '1', true, {a: 1}, {a: 2}, [1], []]", OK, ""},
    {"type: array", "{}", TYPE, "a map is not a list"},
    {"type: object\nproperties: {a: {type: number}, b: {}}\nrequired: [a]", "{a: 1}", OK, ""},
    {"type: object\nproperties: {a: {type: number}, b: {}}\nrequired: [a]", "{b: 1}", TYPE,
     "\"a\" is missing"},
    {"type: object\nproperties: {a: {type: number}}", "{a: x}", TYPE, "\"x\" is not a number"},
    {"type: object\nproperties: {a: {type: number}}", "{c: 1}", TYPE, "there is no member \"c\""},
    {"type: object", "{c: 1}", OK, ""},
    {"const: 5", "5.0", OK, ""},
    {"const: 5", "6", RANGE, "6 is not 5"},
    {"const: {a: 1, b: 2}", "{b: 2, a: 1}", OK, ""},
    {"const: {a: 1, b: 2}", "{b: 2, a: 2}", RANGE, ""},
    {"type: integer\nsdfChoice: {low: {const: 1}, high: {const: 2}}", "2", OK, ""},
    {"type: integer\nsdfChoice: {low: {const: 1}, high: {const: 2}}", "3", RANGE,
     "3 is none of 1, 2"},
    {"type: integer\nsdfChoice: {low: {const: 1}, high: {const: 2}}", "low", TYPE, ""},
    {"sdfChoice: {foo: {description: d}, bar: {}}", "bar", OK, ""},
    {"sdfChoice: {foo: {description: d}, bar: {}}", "baz", RANGE, "none of \"foo\", \"bar\""},
    {"sdfChoice: {n: {type: number, maximum: 5}, s: {type: string, maxLength: 2}}", "4", OK, ""},
    {"sdfChoice: {n: {type: number, maximum: 5}, s: {type: string, maxLength: 2}}", "'ab'", OK, ""},
    {"sdfChoice: {n: {type: number, maximum: 5}, s: {type: string, maxLength: 2}}", "abc", RANGE,
     ""},
    {"maximum: 10\nsdfChoice: {a: {maximum: 5}, b: {minimum: 9}}", "9.5", OK, ""},
    {"maximum: 10\nsdfChoice: {a: {maximum: 5}, b: {minimum: 9}}", "11", RANGE, ""},
    {"type: number", "null", OK, ""},
    {"type: number\nnullable: false", "null", TYPE, "null is not a number"},
    {"{}", "[anything, {goes: here}]", OK, ""},
};

static void
judges(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        char reason[LINTEL_REASON] = "untouched";
        lintel_value v;
        const struct lintel_data *d = read(rows[i].data);
        if (!kit_check(d != NULL, rows[i].data, __FILE__, __LINE__, __func__))
            continue;
        struct lintel_report none = {0};
        struct lintel_doc *value =
            lintel_doc_parse("v", rows[i].value, strlen(rows[i].value), &none);
        REQUIRE(value != NULL && lintel_node_value(value->root, value->arena, 0, &v) == 0);
        enum lintel_fit fit = lintel_data_fit(d, &v, reason);
        if (fit != rows[i].fit)
            printf("%s: %s: %s\n", rows[i].data, rows[i].value, reason);
        CHECK_INT(fit, rows[i].fit);
        CHECK_INT(lintel_data_fit(d, &v, NULL), fit);
        CHECK_INT(reason[0] == '\0', fit == OK);
        CHECK_HAS(reason, rows[i].reason);
        lintel_doc_free(value);
    }
    done();
}

static void
judges_what_files_cannot_say(void)
{
    char reason[LINTEL_REASON];
    lintel_value nan = {.type = LINTEL_T_REAL, .as.r = NAN};
    lintel_value bytes = {.type = LINTEL_T_BYTES, .len = 3, .as.p = "\0\1\2"};
    CHECK_INT(lintel_data_fit(read("type: number"), &nan, reason), TYPE);
    CHECK_INT(lintel_data_fit(read("type: string"), &bytes, reason), TYPE);
    CHECK_INT(lintel_data_fit(read("sdfType: byte-string"), &bytes, reason), OK);
    CHECK_INT(lintel_data_fit(read("sdfType: byte-string\nmaxLength: 2"), &bytes, reason), RANGE);
    char text[300];
    memset(text, 'x', sizeof text);
    text[299] = '\0';
    lintel_value lengthy = {.type = LINTEL_T_STR, .len = 299, .as.s = text};
    CHECK_INT(lintel_data_fit(read("type: number"), &lengthy, reason), TYPE);
    CHECK_HAS(reason, "xxx...\" is not a number");
    done();
}

/* A list that takes too many comparisons is refused, not compared. */
static void
ends_in_bounded_time(void)
{
    char reason[LINTEL_REASON];
    enum { N = 5000 };
    lintel_value *list = calloc(N, sizeof *list);
    REQUIRE(list != NULL);
    for (int i = 0; i < N; i++)
        list[i] = (lintel_value){.type = LINTEL_T_INT, .as.i = i};
    lintel_value v = {.type = LINTEL_T_LIST, .len = N, .as.list = list};
    CHECK_INT(lintel_data_fit(read("uniqueItems: true\ntype: array"), &v, reason), RANGE);
    CHECK_STR(reason, "the value is too large to be checked");
    v.len = 500;
    CHECK_INT(lintel_data_fit(read("uniqueItems: true\ntype: array"), &v, reason), OK);
    free(list);
    done();
}

static void
describes(void)
{
    static const char *const texts[][2] = {
        {"type: number\nminimum: 5\nmaximum: 26\nunit: Cel", "number 5 .. 26 Cel"},
        {"type: integer\nminimum: 0", "integer >= 0"},
        {"type: number\nexclusiveMinimum: 0\nmaximum: 1", "number > 0 <= 1"},
        {"type: boolean", "boolean"},
        {"enum: [off, heat]", "string off|heat"},
        {"type: array\nitems: {type: number}\nminItems: 2\nmaxItems: 3",
         "array of number, 2 .. 3 items"},
        {"type: object\nproperties: {a: {}, b: {}}", "object of a, b"},
        {"type: string\nmaxLength: 8", "string, at most 8 characters"},
        {"format: date-time", "date-time"},
        {"sdfType: byte-string", "bytes"},
        {"sdfType: unix-time", "time"},
        {"type: number\nmultipleOf: 0.5\nunit: Cel", "number in steps of 0.5 Cel"},
        {"{}", "any"},
    };
    char out[100], tiny[10];
    for (size_t i = 0; i < LINTEL_COUNT(texts); i++) {
        lintel_data_describe(read(texts[i][0]), out, sizeof out);
        CHECK_STR(out, texts[i][1]);
    }
    lintel_data_describe(read("enum: [aaaa, bbbb]"), tiny, sizeof tiny);
    CHECK_STR(tiny, "string aa");
    done();
}

static void
knows_what_bytes_are(void)
{
    const struct lintel_data *d =
        read("type: string\nsdfType: byte-string\ncontentFormat: image/jpeg");
    REQUIRE(d != NULL);
    CHECK_STR(d->content, "image/jpeg");
    d = read("type: string");
    REQUIRE(d != NULL);
    CHECK(d->content == NULL);
    done();
}

static void
refuses(void)
{
    static const char *const texts[][2] = {
        {"typ: number", "d:1:1: unknown quality \"typ\" (did you mean \"type\"?)"},
        {"unit: Watt/hour", "unknown unit"},
        {"multipleOf: 0", "must be above 0"},
        {"minLength: 3\nmaxLength: 2", "the least length is above the greatest"},
        {"enum: [a]\nsdfChoice: {b: {}}", "can't stand beside each other"},
        {"sdfChoice: {}", "has no choice"},
        {"type: number\nenum: [a]", "enum goes with type string"},
        {"type: number\nsdfType: byte-string", "goes with type string"},
        {"type: string\nsdfType: unix-time", "goes with type number"},
        {"pattern: '['", "\"pattern\": a class is not closed"},
        {"const: 7\nmaximum: 6", "\"const\" does not fit: 7 is above"},
        {"type: [string, 'null']", "\"type\" takes a text"},
        {"[1]", "takes a map"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(texts); i++) {
        CHECK(read(texts[i][0]) == NULL);
        REQUIRE(report.n > 0);
        char line[512];
        snprintf(line, sizeof line, "%s:%u:%u: %s", report.problems[0].file,
                 report.problems[0].line, report.problems[0].column, report.problems[0].text);
        CHECK_HAS(line, texts[i][1]);
    }
    done();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(judges),
                                            KIT(judges_what_files_cannot_say),
                                            KIT(ends_in_bounded_time),
                                            KIT(describes),
                                            KIT(knows_what_bytes_are),
                                            KIT(refuses),
                                            {0}};
    return kit_main("data", tests, argc, argv);
}
