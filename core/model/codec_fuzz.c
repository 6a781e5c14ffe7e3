/* SPDX-License-Identifier: Apache-2.0
 * Any map and any raw value: the first line up to a NUL is what kind of model and plugin, then the
 * map, a NUL, the raw value. What is decoded must encode or be refused with a reason, and what is
 * encoded must decode again. */
#include <math.h>
#include <string.h>

#include "core/model/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"off", "heat", "on", NULL};
static const struct lintel_data models[] = {
    {.kind = LINTEL_DATA_NUMBER, .unit = "W"},
    {.kind = LINTEL_DATA_INTEGER},
    {.kind = LINTEL_DATA_BOOLEAN},
    {.kind = LINTEL_DATA_STRING},
    {.kind = LINTEL_DATA_STRING, .choices = names},
    {.kind = LINTEL_DATA_STRING, .flags = LINTEL_DATA_BYTES},
    {.kind = LINTEL_DATA_OBJECT},
    {.kind = LINTEL_DATA_ANY},
    {.kind = LINTEL_DATA_NUMBER,
     .flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX,
     .min = -10,
     .max = 100},
};
static const char *const naturals[] = {"u16", "", "bool", "string"};

static void
check_value(const lintel_value *v)
{
    LINTEL_ASSERT(v->type <= LINTEL_T_MAP);
    if (v->type == LINTEL_T_REAL)
        LINTEL_ASSERT(isfinite(v->as.r));
    if (v->type == LINTEL_T_STR) /* reads all of it, so that a sanitizer sees where it lies */
        LINTEL_ASSERT(strnlen(v->as.s, (size_t)v->len + 1) == v->len);
    volatile unsigned char sum = 0;
    for (uint32_t i = 0; v->type == LINTEL_T_BYTES && i < v->len; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)v->as.p)[i]);
}

static void
run(const struct lintel_codec *c, const lintel_value *raw, int32_t exponent)
{
    struct lintel_decoding d = {{0}, {0}}, d2 = {{0}, {0}};
    struct lintel_payload w = {0}, w2 = {0};
    struct lintel_buf out = {0};
    char reason[LINTEL_REASON] = "";
    lintel_value value, back, again;
    int64_t number;
    enum lintel_decoded outcome = lintel_codec_decode(c, raw, &w, exponent, &d, &value, &number);
    LINTEL_ASSERT((outcome == LINTEL_DECODED_BAD || outcome == LINTEL_DECODED_RANGE) ==
                  (d.reason[0] != '\0'));
    if (outcome <= LINTEL_DECODED_RANGE) {
        check_value(&value);
        lintel_status st = lintel_codec_encode(c, &value, raw, exponent, &out, &back, reason);
        LINTEL_ASSERT((st == LINTEL_OK) == (reason[0] == '\0'));
        if (st == LINTEL_OK) {
            check_value(&back);
            outcome = lintel_codec_decode(c, &back, &w2, exponent, &d2, &again, NULL);
            if (outcome <= LINTEL_DECODED_RANGE)
                check_value(&again);
        }
    }
    lintel_payload_reset(&w, NULL, 0);
    lintel_payload_reset(&w2, NULL, 0);
    lintel_buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    unsigned model = data[0] % LINTEL_COUNT(models), natural = data[1] % LINTEL_COUNT(naturals);
    int32_t exponent = (int8_t)data[2] / 8;
    data += 3, size -= 3;
    const uint8_t *end = size != 0 ? memchr(data, '\0', size) : NULL;
    size_t n = end != NULL ? (size_t)(end - data) : size;
    struct lintel_report report = {0};
    struct lintel_doc *doc = lintel_doc_parse("fuzz", (const char *)data, n, &report);
    if (doc != NULL) {
        struct lintel_codec_source s = {doc, doc->root, &models[model], naturals[natural],
                                        natural == 0 ? 2 : 1};
        struct lintel_codec *c = lintel_codec_compile(&s, &report);
        LINTEL_ASSERT((c == NULL) == (report.errors != 0));
        if (c != NULL) {
            char description[100];
            lintel_codec_describe(c, description, sizeof description);
            size_t rest = size - n;
            lintel_value raw = {.type = LINTEL_T_BYTES, .as.p = data + n};
            if (rest > 0) {
                raw.as.p = data + n + 1;
                raw.len = (uint32_t)(rest - 1);
            }
            run(c, &raw, exponent);
            if (raw.len >= 8) { /* the same as typed numbers */
                raw.type = LINTEL_T_INT;
                memcpy(&raw.as.i, data + n + 1, 8);
                raw.len = 0;
                run(c, &raw, exponent);
                memcpy(&raw.as.r, data + n + 1, 8);
                raw.type = LINTEL_T_REAL;
                if (isfinite(raw.as.r))
                    run(c, &raw, exponent);
            }
        }
        lintel_codec_unref(c);
    }
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return 0;
}
