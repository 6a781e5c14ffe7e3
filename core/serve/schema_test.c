/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/schema.h"

#include <string.h>

#include "tests/kit/kit.h"

/* SDF on the left, as a file has it; on the right the schema. */
static const struct {
    const char *sdf, *schema;
} rows[] = {
    {"type: boolean", "\"type\":\"boolean\""},
    {"type: number\nunit: Cel\nminimum: 5\nmaximum: 26.5",
     "\"type\":\"number\",\"unit\":\"Cel\",\"minimum\":5,\"maximum\":26.5"},
    {"type: integer\nexclusiveMinimum: 0\nexclusiveMaximum: 10\nmultipleOf: 2",
     "\"type\":\"integer\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":10,\"multipleOf\":2"},
    {"type: string\nminLength: 1\nmaxLength: 8\npattern: '^[a-z]+$'",
     "\"type\":\"string\",\"minLength\":1,\"maxLength\":8,\"pattern\":\"^[a-z]+$\""},
    {"type: string\nmaxLength: 0", "\"type\":\"string\",\"maxLength\":0"},
    {"type: string\nformat: date-time", "\"type\":\"string\",\"format\":\"date-time\""},
    {"type: string\nenum: [heat, cool]", "\"type\":\"string\",\"enum\":[\"heat\",\"cool\"]"},
    {"type: string\nsdfType: byte-string", "\"type\":\"string\",\"contentEncoding\":\"base64url\""},
    {"sdfType: unix-time", "\"type\":\"number\""},
    {"type: number\nconst: 3", "\"type\":\"number\",\"const\":3"},
    {"type: string\ndefault: auto", "\"type\":\"string\",\"default\":\"auto\""},
    {"type: integer\nsdfChoice: { off: { const: 0 }, on: { const: 1 } }",
     "\"type\":\"integer\",\"oneOf\":[{\"title\":\"off\",\"const\":0},{\"title\":\"on\",\"const\":"
     "1}]"},
    {"type: array\nminItems: 1\nmaxItems: 3\nuniqueItems: true\nitems: { type: number, unit: V }",
     "\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true,\"items\":{\"type\":"
     "\"number\",\"unit\":\"V\"}"},
    {"type: object\nrequired: [r]\nproperties: { r: { type: integer }, g: { type: integer } }",
     "\"type\":\"object\",\"properties\":{\"r\":{\"type\":\"integer\"},\"g\":{\"type\":"
     "\"integer\"}},\"required\":[\"r\"]"},
    {"description: anything", ""},
};

static void
says_what_sdf_says(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lintel_report report = {0};
        struct lintel_buf b = {0};
        struct lintel_doc *doc = lintel_doc_parse("d", rows[i].sdf, strlen(rows[i].sdf), &report);
        REQUIRE(doc != NULL);
        const struct lintel_data *d = lintel_data_read(doc, doc->root, doc->arena, &report);
        REQUIRE(d != NULL);
        lintel_buf_addc(&b, '{');
        lintel_schema_members(&b, d);
        CHECK_STR(lintel_buf_str(&b) + 1, rows[i].schema);
        lintel_buf_fini(&b);
        lintel_doc_free(doc);
        lintel_report_fini(&report);
    }
}

static void
says_nothing_of_nothing(void)
{
    struct lintel_buf b = {0};
    lintel_schema_members(&b, NULL);
    CHECK_INT(b.n, 0);
    lintel_buf_fini(&b);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(says_what_sdf_says), KIT(says_nothing_of_nothing), {0}};
    return kit_main("schema", tests, argc, argv);
}
