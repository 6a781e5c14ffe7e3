/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a payload that feeds points of every kind. What is decoded stays readable until the
 * payload goes. */
#include <math.h>
#include <string.h>

#include "core/model/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lintel_data number = {.kind = LINTEL_DATA_NUMBER};
static const struct lintel_data text = {.kind = LINTEL_DATA_STRING};
static const struct lintel_data octets = {.kind = LINTEL_DATA_STRING, .flags = LINTEL_DATA_BYTES};
static const struct lintel_data boolean = {.kind = LINTEL_DATA_BOOLEAN};
static const struct lintel_data any = {.kind = LINTEL_DATA_ANY};
static const struct {
    const char *map;
    const struct lintel_data *data;
} points[] = {
    {"{ pointer: /a, scale: 0.1 }", &number},
    {"{ pointer: /a, invalid: [0, NaN, none] }", &number},
    {"pointer: /a/0/b~1", &text},
    {"pointer: /a", &octets},
    {"{ pointer: /a, encoding: hex }", &octets},
    {"{ pointer: /a, map: { true: \"ON\", false: 0 } }", &boolean},
    {"pointer: \"\"", &any},
    {"pattern: 'T=(-?[0-9]+)'", &number},
    {"{ pointer: /a, pattern: '(.*)x' }", &text},
    {"{}", &number},
    {"{}", &boolean},
    {"encoding: latin1", &text},
    {"{ type: bytes }", &text},
    {"{ type: string, encoding: base64 }", &octets},
};
static struct lintel_codec *codecs[LINTEL_COUNT(points)];

static void
compile(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(points); i++) {
        struct lintel_report report = {0};
        struct lintel_doc *doc =
            lintel_doc_parse("fuzz", points[i].map, strlen(points[i].map), &report);
        struct lintel_codec_source s = {doc, doc->root, points[i].data, "string", 1};
        codecs[i] = lintel_codec_compile(&s, &report);
        LINTEL_ASSERT(codecs[i] != NULL);
        lintel_doc_free(doc);
    }
}

/* Touches every byte and counts values. */
static uint64_t
walk(const lintel_value *v, unsigned depth)
{
    uint64_t sum = 1;
    LINTEL_ASSERT(depth < 100);
    if (v->type == LINTEL_T_REAL)
        LINTEL_ASSERT(isfinite(v->as.r));
    if (v->type == LINTEL_T_STR)
        LINTEL_ASSERT(strnlen(v->as.s, (size_t)v->len + 1) == v->len);
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->type == LINTEL_T_BYTES)
            sum += ((const unsigned char *)v->as.p)[i];
        else if (v->type == LINTEL_T_LIST)
            sum += walk(&v->as.list[i], depth + 1);
        else if (v->type == LINTEL_T_MAP)
            sum += strlen(v->as.map[i].name) + walk(&v->as.map[i].value, depth + 1);
    }
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lintel_decoding d[LINTEL_COUNT(points)];
    lintel_value values[LINTEL_COUNT(points)] = {{0}};
    uint64_t sums[LINTEL_COUNT(points)];
    lintel_value raw = {.type = LINTEL_T_BYTES, .len = (uint32_t)size, .as.p = data};
    struct lintel_payload w = {0};
    struct lintel_buf out = {0};
    char reason[LINTEL_REASON];
    if (codecs[0] == NULL)
        compile();
    for (size_t i = 0; i < LINTEL_COUNT(points); i++) {
        (void)lintel_codec_decode(codecs[i], &raw, &w, 0, &d[i], &values[i], NULL);
        sums[i] = walk(&values[i], 0);
    }
    for (size_t i = 0; i < LINTEL_COUNT(points); i++) {
        LINTEL_ASSERT(walk(&values[i], 0) == sums[i]);
        lintel_value back;
        if (lintel_codec_encode(codecs[i], &values[i], NULL, 0, &out, &back, reason) == LINTEL_OK)
            (void)walk(&back, 0);
    }
    lintel_payload_reset(&w, NULL, 0);
    lintel_buf_fini(&out);
    return 0;
}
