/* SPDX-License-Identifier: Apache-2.0
 * Documents: values, places, limits, refusals. */
#include "core/base/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static struct lintel_doc *
parse(const char *text, struct lintel_report *report)
{
    return lintel_doc_parse("x.yaml", text, strlen(text), report);
}

/* The text as JSON, or the first problem as "line:column text". */
static const char *
as_json(const char *text)
{
    static struct lintel_buf out;
    struct lintel_report report = {0};
    struct lintel_doc *doc = parse(text, &report);
    lintel_buf_reset(&out);
    if (doc != NULL)
        lintel_node_json(doc->root, &out);
    else
        lintel_buf_addf(&out, "%u:%u %s", report.problems[0].line, report.problems[0].column,
                        report.problems[0].text);
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return lintel_buf_str(&out);
}

static void
yaml_and_json_become_the_same_tree(void)
{
    CHECK_STR(as_json("a: 1\nb: [x, 'y', 2.50, true, ~]\nc: {d: \"1\"}\n"),
              "{\"a\":1,\"b\":[\"x\",\"y\",2.50,true,null],\"c\":{\"d\":\"1\"}}");
    CHECK_STR(as_json("{\"a\":1,\"b\":[\"x\",\"y\",2.50,true,null],\"c\":{\"d\":\"1\"}}"),
              "{\"a\":1,\"b\":[\"x\",\"y\",2.50,true,null],\"c\":{\"d\":\"1\"}}");
    CHECK_STR(as_json(""), "{}");
    CHECK_STR(as_json("# nothing\n"), "{}");
    CHECK_STR(as_json("- 1\n- 0x10\n- 18446744073709551615\n"), "[1,16,18446744073709551615]");
}

static void
words_stay_words(void)
{
    /* YAML 1.1's traps: on, no and off are words here; 1_000 and 017 too, as far as JSON goes. */
    CHECK_STR(as_json("on: off\nno: yes\nx: 1_000\n"),
              "{\"on\":\"off\",\"no\":\"yes\",\"x\":\"1_000\"}");
    struct lintel_report report = {0};
    struct lintel_doc *doc = parse("open: yes\nquoted: 'yes'\n", &report);
    int truth = 0;
    REQUIRE(doc != NULL);
    CHECK(lintel_node_bool(lintel_node_get(doc->root, "open"), &truth) && truth == 1);
    CHECK(!lintel_node_bool(lintel_node_get(doc->root, "quoted"), &truth));
    lintel_doc_free(doc);
    lintel_report_fini(&report);
}

static void
json_escapes_are_read(void)
{
    CHECK_STR(as_json("{\"a\":\"\\u00e9\\/\\n\\ud83d\\ude00\"}"),
              "{\"a\":\"\xc3\xa9/\\n\xf0\x9f\x98\x80\"}");
    CHECK_STR(as_json("{\"a\":\"\\\\ud83d\\\\ude00\"}"), "{\"a\":\"\\\\ud83d\\\\ude00\"}");
    CHECK_HAS(as_json("{\"a\":\"\\ud83d\"}"), "1:");
    CHECK_HAS(as_json("{\"a\":\"\\u0000\"}"), "U+0000");
}

static void
nodes_know_their_places(void)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc = parse("a:\n  - {b: 1,\n     c: two}\n", &report);
    REQUIRE(doc != NULL);
    struct lintel_node *c =
        lintel_node_get(lintel_node_get(lintel_node_get(doc->root, "a"), "0"), "c");
    REQUIRE(c != NULL);
    CHECK_INT(c->line, 3);
    CHECK_INT(c->column, 9);
    CHECK_INT(c->key_line, 3);
    CHECK_INT(c->key_column, 6);
    CHECK_STR(lintel_node_place(doc, c).file, "x.yaml");
    CHECK(lintel_node_get(doc->root, "b") == NULL);
    CHECK(lintel_node_get(NULL, "b") == NULL);
    lintel_doc_free(doc);
    lintel_report_fini(&report);
}

static void
refusals_say_where_and_why(void)
{
    CHECK_STR(as_json("a: 1\nb: 2\na: 3\n"), "3:1 \"a\" stands here twice; keep one");
    CHECK_HAS(as_json("a: [1, 2\nb: 3\n"), "2:");
    CHECK_HAS(as_json("a: &x 1\nb: *x\n"), "1:4 anchors and aliases");
    CHECK_HAS(as_json("a: !!int 1\n"), "tags (!...)");
    CHECK_HAS(as_json("{[1]: 2}"), "a name must be plain text");
    CHECK_HAS(as_json("a: 1\n---\nb: 2\n"), "2:1 a second document");
    CHECK_HAS(as_json("a: \xff\xfe\n"), "not readable as text");
    CHECK_HAS(as_json("a:\n\t- b\n"), "2:1");
}

/* What YAML would not read, or take for the end of a line, and what would steer a terminal. */
static void
what_is_written_is_read_back(void)
{
    static const char text[] = "{\"a\":"
                               "\"\\u0080\\u0085\\u009f\\u2028\\u2029\\ufffe\\u202a\\u2066\\uffff"
                               "\xc2\xa0\xe2\x80\xaf\xef\xbf\xbd\"}";
    char once[200];
    lintel_copy(once, sizeof once, as_json(text));
    CHECK_STR(once, text);
    CHECK_STR(as_json(once), once);
}

static void
duplicates_are_found_in_large_maps(void)
{
    struct lintel_buf text = {0};
    for (int i = 0; i < 5000; i++)
        lintel_buf_addf(&text, "k%d: %d\n", i, i);
    CHECK_HAS(as_json(lintel_buf_str(&text)), "\"k4999\":4999");
    lintel_buf_adds(&text, "k17: again\n");
    CHECK_STR(as_json(lintel_buf_str(&text)), "5001:1 \"k17\" stands here twice; keep one");
    lintel_buf_fini(&text);
}

static void
limits_hold(void)
{
    struct lintel_buf text = {0};
    for (int i = 0; i < 100000; i++)
        lintel_buf_addc(&text, '[');
    CHECK_HAS(as_json(lintel_buf_str(&text)), "nested deeper than 64 levels");
    lintel_buf_reset(&text);

    for (size_t i = 0; i < LINTEL_DOC_NAME_MOST; i++)
        lintel_buf_addc(&text, 'n');
    lintel_buf_adds(&text, ": 1\n");
    CHECK_HAS(as_json(lintel_buf_str(&text)), "nnn\":1}");
    lintel_buf_reset(&text);
    lintel_buf_adds(&text, "{\"\\\"");
    for (size_t i = 0; i < LINTEL_DOC_NAME_MOST - 1; i++)
        lintel_buf_addc(&text, 'n');
    lintel_buf_adds(&text, "\", b}");
    CHECK_HAS(as_json(lintel_buf_str(&text)), "1:2 a name must not be longer than 1000 bytes");
    lintel_buf_fini(&text);

    struct lintel_report report = {0};
    size_t n = LINTEL_DOC_BYTES_MOST + 1;
    char *big = malloc(n);
    REQUIRE(big != NULL);
    memset(big, ' ', n);
    CHECK(lintel_doc_parse("big", big, n, &report) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text, "larger than 32 MiB");
    free(big);
    lintel_report_fini(&report);
}

static void
values_follow_the_core_schema(void)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc =
        parse("{a: 1, b: '1', c: 1.5, d: true, e: null, f: [x], g: -3}", &report);
    lintel_value v, t;
    REQUIRE(doc != NULL);
    CHECK_INT(lintel_node_value(doc->root, doc->arena, 0, &v), 0);
    CHECK_INT(v.type, LINTEL_T_MAP);
    CHECK_INT(v.len, 7);
    CHECK_INT(v.as.map[0].value.type, LINTEL_T_INT);
    CHECK_INT(v.as.map[1].value.type, LINTEL_T_STR);
    CHECK_INT(v.as.map[2].value.type, LINTEL_T_REAL);
    CHECK_INT(v.as.map[3].value.type, LINTEL_T_BOOL);
    CHECK_INT(v.as.map[4].value.type, LINTEL_T_NULL);
    CHECK_STR(v.as.map[5].value.as.list[0].as.s, "x");
    CHECK_INT(v.as.map[6].value.as.i, -3);
    CHECK_INT(lintel_node_value(doc->root, doc->arena, 1, &t), 0);
    CHECK_STR(t.as.map[2].value.as.s, "1.5");
    lintel_doc_free(doc);
    lintel_report_fini(&report);
}

static int
read_once(void *text)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc = parse(text, &report);
    kit_memory_is_back();
    int done = doc != NULL;
    CHECK(done == (report.errors == 0));
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return done;
}

static int
refuse_twice(void *text)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc = parse(text, &report);
    kit_memory_is_back();
    CHECK(doc == NULL && report.errors != 0);
    int told = report.n != 0 && report.problems[0].text != NULL &&
               strstr(report.problems[0].text, "stands here twice") != NULL;
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return told;
}

static void
no_memory_is_an_error_not_a_crash(void)
{
    static char text[] = "a: {b: [1, 2, {c: d}], e: \"f\"}\ng: |\n  long\n  text\n";
    struct lintel_buf many = {0};
    kit_each_failure(read_once, text);
    /* A name that is there twice is seen, or memory is short: it is never overlooked. */
    for (int i = 0; i < 40; i++)
        lintel_buf_addf(&many, "k%d: %d\n", i, i);
    lintel_buf_adds(&many, "k3: 3\n");
    CHECK_STR(lintel_buf_str(&many) + many.n - 6, "k3: 3\n");
    kit_each_failure(refuse_twice, many.p);
    lintel_buf_fini(&many);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(yaml_and_json_become_the_same_tree),
        KIT(words_stay_words),
        KIT(what_is_written_is_read_back),
        KIT(json_escapes_are_read),
        KIT(nodes_know_their_places),
        KIT(refusals_say_where_and_why),
        KIT(duplicates_are_found_in_large_maps),
        KIT(limits_hold),
        KIT(values_follow_the_core_schema),
        KIT(no_memory_is_an_error_not_a_crash),
        {0},
    };
    return kit_main("doc", tests, argc, argv);
}
