/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/field.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/bind/keys.h"
#include "core/bind/site.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static const lintel_field table[] = {
    {.name = "host", .help = "Name or address.", .type = LINTEL_T_STR, .flags = LINTEL_F_REQUIRED},
    {.name = "port",
     .help = "TCP port.",
     .dflt = "502",
     .min = 1,
     .max = 65535,
     .type = LINTEL_T_INT},
    {.name = "pause",
     .help = "Silence between frames.",
     .dflt = "0.5",
     .unit = "ms",
     .min = 0,
     .max = 10,
     .type = LINTEL_T_REAL},
    {.name = "keep", .help = "Keeps the connection.", .dflt = "yes", .type = LINTEL_T_BOOL},
    {.name = "table",
     .help = "Which table.",
     .dflt = "input",
     .choices = "coil|input|holding",
     .natural = "bool|u16|s16",
     .type = LINTEL_T_STR},
    {.name = "listen", .help = "Where to listen.", .dflt = "a, b", .type = LINTEL_T_LIST},
    {.name = "cert", .help = "Certificate.", .type = LINTEL_T_STR, .flags = LINTEL_F_FILE},
    {.name = "password", .help = "Password.", .type = LINTEL_T_STR, .flags = LINTEL_F_SECRET},
    {0}};
enum { HOST, PORT, PAUSE, KEEP, TABLE, LISTEN, CERT, PASSWORD };

static struct lintel_arena *arena;
static struct lintel_report report;
static struct lintel_doc *doc;

static const char *
secret(void *ctx, const char *name, struct lintel_place at, struct lintel_arena *a,
       struct lintel_report *r)
{
    (void)ctx;
    if (strcmp(name, "broker") == 0)
        return lintel_arena_strdup(a, "geheim");
    lintel_error(r, at, "no secret %s", name);
    return NULL;
}

static void
done(void)
{
    lintel_doc_free(doc);
    lintel_arena_free(arena);
    lintel_report_fini(&report);
    doc = NULL;
    arena = NULL;
}

static lintel_value *
parse_flags(const char *text, uint32_t flags)
{
    static const char *const also[] = {"plugin", "isolation", NULL};
    done();
    arena = lintel_arena_new();
    doc = lintel_doc_parse("f", text, strlen(text), &report);
    if (!CHECK(doc != NULL))
        return NULL;
    struct lintel_field_source s = {.doc = doc,
                                    .map = doc->root,
                                    .also = also,
                                    .what = "a test bus",
                                    .folder = "/site",
                                    .at = {"f", 9, 9},
                                    .secret = secret,
                                    .flags = flags};
    return lintel_fields_parse(table, &s, arena, &report);
}

static lintel_value *
parse(const char *text)
{
    return parse_flags(text, 0);
}

static void
reads_every_type(void)
{
    lintel_value *v =
        parse("{plugin: x, host: h, port: 0x10, pause: 2, keep: off, table: holding,\n"
              " listen: [one, 2], cert: a/b.pem, password: 'secret:broker'}");
    REQUIRE(v != NULL);
    CHECK_INT(report.errors + report.warnings, 0);
    CHECK_STR(v[HOST].as.s, "h");
    CHECK_INT(v[HOST].len, 1);
    CHECK_INT(v[PORT].type, LINTEL_T_INT);
    CHECK_INT(v[PORT].as.i, 16);
    CHECK_INT(v[PAUSE].type, LINTEL_T_REAL);
    CHECK_REAL(v[PAUSE].as.r, 2);
    CHECK_INT(v[KEEP].type, LINTEL_T_BOOL);
    CHECK_INT(v[KEEP].as.i, 0);
    CHECK_INT(v[TABLE].type, LINTEL_T_INT);
    CHECK_INT(v[TABLE].as.i, 2);
    CHECK_INT(v[LISTEN].len, 2);
    CHECK_STR(v[LISTEN].as.list[1].as.s, "2");
    CHECK_STR(v[CERT].as.s, "/site/a/b.pem");
    CHECK_STR(v[PASSWORD].as.s, "geheim");
    CHECK_STR(lintel_fields_natural(table, v, arena), "s16");
    done();
}

static void
fills_in_defaults(void)
{
    lintel_value *v = parse("host: 127.0.0.1");
    REQUIRE(v != NULL);
    CHECK_STR(v[HOST].as.s, "127.0.0.1");
    CHECK_INT(v[PORT].as.i, 502);
    CHECK_REAL(v[PAUSE].as.r, 0.5);
    CHECK_INT(v[KEEP].as.i, 1);
    CHECK_INT(v[TABLE].as.i, 1);
    CHECK_INT(v[LISTEN].type, LINTEL_T_LIST);
    CHECK_INT(v[LISTEN].len, 2);
    CHECK_STR(v[LISTEN].as.list[0].as.s, "a");
    CHECK_INT(v[CERT].type, LINTEL_T_NULL);
    CHECK_INT(v[PASSWORD].type, LINTEL_T_NULL);
    v = parse("{host: h, listen: alone, cert: /abs}");
    REQUIRE(v != NULL);
    CHECK_INT(v[LISTEN].len, 1);
    CHECK_STR(v[LISTEN].as.list[0].as.s, "alone");
    CHECK_STR(v[CERT].as.s, "/abs");
    done();
}

static void
says_what_is_wrong(void)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *part;
    } cases[] = {
        {"{host: h,\n hots: x}", 2, 2, "a test bus has no \"hots\" (did you mean \"host\"?)"},
        {"{host: h,\n isolatoin: x}", 2, 2, "did you mean \"isolation\"?"},
        {"{host: h,\n zzzzzz: x}", 2, 2, "it takes: host, port, pause, keep"},
        {"port: 5", 9, 9, "a test bus needs \"host\" (a text)"},
        {"{host: h,\n port: 0}", 2, 8, "port: \"0\" is not a whole number from 1 to 65535"},
        {"{host: h,\n port: 65536}", 2, 8, "from 1 to 65535"},
        {"{host: h,\n port: '5'}", 2, 8, "port: the text \"5\" is not a whole number"},
        {"{host: h,\n port: 1.5}", 2, 8, "\"1.5\" is not a whole number"},
        {"{host: h,\n port: [5]}", 2, 8, "port: a list is not"},
        {"{host: h,\n port: }", 2, 8, "a value is missing"},
        {"{host: h,\n pause: -1}", 2, 9, "pause: \"-1\" is not a number from 0 to 10"},
        {"{host: h,\n pause: .nan}", 2, 9, "is not a number"},
        {"{host: h,\n keep: maybe}", 2, 8, "keep: \"maybe\" is not yes or no"},
        {"{host: h,\n table: inptu}", 2, 9,
         "table: \"inptu\" is not one of coil, input, holding (did you mean \"input\"?)"},
        {"{host: h,\n listen: {a: b}}", 2, 10, "listen: a map is not a list of texts"},
        {"{host: h,\n listen: [a, [b]]}", 2, 14, "must be texts"},
        {"{host: h,\n cert: ''}", 2, 8, "an empty path"},
        {"{host: h,\n password: 'secret:nobody'}", 2, 12, "no secret nobody"},
        {"{host: 'secret:broker'}", 1, 8, "host is not kept secret"},
        {"{host: {a: b}}", 1, 8, "host: a map is not a text"},
        {"[host]", 1, 1, "must be a map"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        CHECK(parse(cases[i].text) == NULL);
        if (!CHECK_INT(report.n, 1))
            printf("  in %s: %s\n", cases[i].text, report.n ? report.problems[0].text : "");
        if (report.n == 0)
            continue;
        CHECK_INT(report.problems[0].line, cases[i].line);
        CHECK_INT(report.problems[0].column, cases[i].column);
        CHECK_HAS(report.problems[0].text, cases[i].part);
    }
    done();
}

static void
reports_all_problems_at_once(void)
{
    CHECK(parse("{hots: x, port: no, pause: 11, keep: 2, table: x}") == NULL);
    CHECK_INT(report.errors, 5);
    done();
}

static void
never_shows_a_secret(void)
{
    CHECK(parse("{host: h, password: {a: geheim}}") == NULL);
    CHECK(strstr(report.problems[0].text, "geheim") == NULL);
    lintel_value *v = parse("{host: h, password: geheim}");
    REQUIRE(v != NULL);
    CHECK_STR(v[PASSWORD].as.s, "geheim");
    REQUIRE(report.warnings == 1);
    CHECK_HAS(report.problems[0].text, "secret:NAME");
    CHECK(strstr(report.problems[0].text, "geheim") == NULL);
    done();
}

static void
open_and_partial(void)
{
    CHECK(parse_flags("foreign: 1", LINTEL_FIELDS_PARTIAL) == NULL);
    CHECK_INT(report.errors, 1);
    lintel_value *v = parse_flags("foreign: 1", LINTEL_FIELDS_PARTIAL | LINTEL_FIELDS_OPEN);
    REQUIRE(v != NULL);
    CHECK_INT(v[HOST].type, LINTEL_T_NULL);
    done();
}

static void
the_fallback_fills_gaps(void)
{
    done();
    static const char text[] = "{map: {host: mine}, fallback: {host: theirs, port: 7, foreign: 1}}";
    arena = lintel_arena_new();
    doc = lintel_doc_parse("f", text, sizeof text - 1, &report);
    struct lintel_field_source s = {.doc = doc,
                                    .map = lintel_node_get(doc->root, "map"),
                                    .fallback = lintel_node_get(doc->root, "fallback"),
                                    .fallback_doc = doc,
                                    .what = "x"};
    lintel_value *v = lintel_fields_parse(table, &s, arena, &report);
    REQUIRE(v != NULL);
    CHECK_STR(v[HOST].as.s, "mine");
    CHECK_INT(v[PORT].as.i, 7);
    done();
}

static void
judges_tables(void)
{
    char reason[200] = "";
    CHECK_INT(lintel_fields_judge(table, reason, sizeof reason), 0);
    CHECK_INT(lintel_fields_judge(NULL, reason, sizeof reason), 0);
    CHECK_INT(lintel_fields_judge(lintel_hub_table, reason, sizeof reason), 0);
    CHECK_INT(lintel_fields_judge(lintel_port_table, reason, sizeof reason), 0);
    CHECK_INT(lintel_fields_judge(lintel_context_table, reason, sizeof reason), 0);
    CHECK_INT(lintel_fields_judge(lintel_pace_table, reason, sizeof reason), 0);
    static const struct {
        lintel_field f[3];
        const char *part;
    } bad[] = {
        {{{.name = "Host", .help = "h", .type = LINTEL_T_STR}}, "camelCase"},
        {{{.name = "a-b", .help = "h", .type = LINTEL_T_STR}}, "camelCase"},
        {{{.name = "a", .type = LINTEL_T_STR}}, "no help"},
        {{{.name = "a", .help = "", .type = LINTEL_T_STR}}, "no help"},
        {{{.name = "a", .help = "h", .type = LINTEL_T_MAP}}, "type"},
        {{{.name = "a", .help = "h", .min = 2, .max = 1, .type = LINTEL_T_INT}}, "min"},
        {{{.name = "a", .help = "h", .min = 1, .max = 2, .type = LINTEL_T_STR}}, "no number"},
        {{{.name = "a", .help = "h", .dflt = "3", .min = 1, .max = 2, .type = LINTEL_T_INT}},
         "default"},
        {{{.name = "a", .help = "h", .dflt = "x", .type = LINTEL_T_BOOL}}, "default"},
        {{{.name = "a", .help = "h", .dflt = "z", .choices = "x|y", .type = LINTEL_T_STR}},
         "default"},
        {{{.name = "a", .help = "h", .choices = "x||y", .type = LINTEL_T_STR}}, "choices"},
        {{{.name = "a", .help = "h", .choices = "x|y", .natural = "u8", .type = LINTEL_T_STR}},
         "natural"},
        {{{.name = "a",
           .help = "h",
           .dflt = "x",
           .type = LINTEL_T_STR,
           .flags = LINTEL_F_REQUIRED}},
         "required and has a default"},
        {{{.name = "a", .help = "h", .type = LINTEL_T_INT, .flags = LINTEL_F_SECRET}}, "for texts"},
        {{{.name = "a", .help = "h", .type = LINTEL_T_STR, .flags = 64}}, "flags"},
        {{{.name = "a", .help = "h", .type = LINTEL_T_STR},
          {.name = "a", .help = "h", .type = LINTEL_T_STR}},
         "twice"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        CHECK_INT(lintel_fields_judge(bad[i].f, reason, sizeof reason), -1);
        CHECK_HAS(reason, bad[i].part);
    }
}

static void
no_table_reuses_the_hubs_keys(void)
{
    static const lintel_field log[] = {{.name = "log", .help = "h", .type = LINTEL_T_STR}, {0}};
    static const lintel_field scale[] = {{.name = "scale", .help = "h", .type = LINTEL_T_STR}, {0}};
    static const lintel_field poll[] = {{.name = "poll", .help = "h", .type = LINTEL_T_STR}, {0}};
    static const lintel_field read[] = {{.name = "read", .help = "h", .type = LINTEL_T_STR}, {0}};
    static const lintel_field zone[] = {{.name = "zone", .help = "h", .type = LINTEL_T_STR}, {0}};
    const lintel_plugin good = {.bus = scale, .device = log, .address = zone};
    const lintel_plugin bad[] = {
        {.bus = log}, {.device = zone}, {.address = scale}, {.address = poll}, {.address = read}};
    char reason[300] = "";
    static const lintel_field secret_address[] = {
        {.name = "a", .help = "h", .type = LINTEL_T_STR, .flags = LINTEL_F_SECRET}, {0}};
    CHECK_INT(
        lintel_plugin_judge(&(lintel_plugin){.address = secret_address}, reason, sizeof reason),
        -1);
    CHECK_HAS(reason, "can't be a secret");
    CHECK_INT(lintel_plugin_judge(&good, reason, sizeof reason), 0);
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        CHECK_INT(lintel_plugin_judge(&bad[i], reason, sizeof reason), -1);
        CHECK_HAS(reason, "is a key of the hub's");
    }
}

static void
prints_schema_and_manual(void)
{
    struct lintel_buf out = {0};
    lintel_buf_addc(&out, '{');
    lintel_fields_schema(table, &out);
    lintel_buf_addc(&out, '}');
    json_t *json = json_loads(lintel_buf_str(&out), JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(json != NULL);
    json_t *port = json_object_get(json_object_get(json, "properties"), "port");
    CHECK_STR(json_string_value(json_object_get(port, "type")), "integer");
    CHECK_INT(json_integer_value(json_object_get(port, "maximum")), 65535);
    CHECK_INT(json_integer_value(json_object_get(port, "default")), 502);
    CHECK_STR(json_string_value(json_array_get(json_object_get(json, "required"), 0)), "host");
    json_decref(json);
    lintel_buf_reset(&out);
    lintel_fields_man(table, &out);
    CHECK_HAS(lintel_buf_str(&out),
              ".TP\n.B port\nTCP port.\n(a whole number from 1 to 65535; default 502)\n");
    CHECK_HAS(lintel_buf_str(&out), "(a number from 0 to 10, in ms; default 0.5)");
    CHECK_HAS(lintel_buf_str(&out), "(a text; may be secret:NAME)");
    lintel_buf_fini(&out);
}

/* People write baud: 19200, without quotes. */
static void
schema_takes_choices_that_are_numbers(void)
{
    static const lintel_field baud[] = {
        {.name = "baud", .help = "h", .choices = "9600|19200|auto|007", .type = LINTEL_T_INT}, {0}};
    struct lintel_buf out = {0};
    lintel_fields_schema(baud, &out);
    CHECK_HAS(lintel_buf_str(&out), "\"enum\":[\"9600\",9600,\"19200\",19200,\"auto\",\"007\"]");
    lintel_buf_fini(&out);
}

static int
read_once(void *ctx)
{
    static const char text[] =
        "{hots: x, host: 'secret:x', listen: [a], password: 'secret:broker'}";
    (void)ctx;
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_doc *d = lintel_doc_parse("f", text, sizeof text - 1, &report);
    int whole = 0;
    if (a != NULL && d != NULL) {
        struct lintel_field_source s = {.doc = d, .map = d->root, .what = "x", .secret = secret};
        CHECK(lintel_fields_parse(table, &s, a, &report) == NULL);
        whole = !lintel_arena_failed(a) && report.n == 2 && report.problems[0].text != NULL &&
                report.problems[1].text != NULL &&
                strstr(report.problems[0].text, "did you mean") != NULL;
    }
    CHECK(whole || report.errors > 0 || a == NULL);
    kit_memory_is_back();
    lintel_doc_free(d);
    lintel_arena_free(a);
    done();
    return whole;
}

static void
survives_lack_of_memory(void)
{
    done();
    CHECK(kit_each_failure(read_once, NULL) > 5);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_every_type),
                                            KIT(fills_in_defaults),
                                            KIT(says_what_is_wrong),
                                            KIT(reports_all_problems_at_once),
                                            KIT(never_shows_a_secret),
                                            KIT(open_and_partial),
                                            KIT(the_fallback_fills_gaps),
                                            KIT(judges_tables),
                                            KIT(no_table_reuses_the_hubs_keys),
                                            KIT(prints_schema_and_manual),
                                            KIT(schema_takes_choices_that_are_numbers),
                                            KIT(survives_lack_of_memory),
                                            {0}};
    return kit_main("field", tests, argc, argv);
}
