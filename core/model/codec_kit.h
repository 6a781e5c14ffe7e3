/* SPDX-License-Identifier: Apache-2.0
 * What the codec's test programs share: a codec opened from the text of a map, values as text. */
#ifndef LINTEL_MODEL_CODEC_KIT_H
#define LINTEL_MODEL_CODEC_KIT_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/model/codec.h"
#include "core/model/unit.h"
#include "tests/kit/kit.h"

static const struct lintel_data NUMBER = {.kind = LINTEL_DATA_NUMBER};
static const struct lintel_data INTEGER = {.kind = LINTEL_DATA_INTEGER};
static const struct lintel_data BOOLEAN = {.kind = LINTEL_DATA_BOOLEAN};
static const struct lintel_data TEXT = {.kind = LINTEL_DATA_STRING};
static const struct lintel_data OCTETS = {.kind = LINTEL_DATA_STRING, .flags = LINTEL_DATA_BYTES};
static const struct lintel_data OBJECT = {.kind = LINTEL_DATA_OBJECT};
static const struct lintel_data ANY = {.kind = LINTEL_DATA_ANY};

/* A codec with all that is needed to run it; one at a time. */
static struct {
    struct lintel_doc *doc;
    struct lintel_report report;
    struct lintel_codec *codec;
    struct lintel_decoding decoding;
    struct lintel_payload payload;
    struct lintel_buf out;
    char reason[LINTEL_REASON];
    lintel_value value; /* decoded */
    lintel_value raw;   /* encoded */
    enum lintel_decoded outcome;
    lintel_status status;
} t;

static inline void
close_codec(void)
{
    lintel_codec_unref(t.codec);
    lintel_doc_free(t.doc);
    lintel_report_fini(&t.report);
    lintel_payload_reset(&t.payload, NULL, 0);
    lintel_buf_fini(&t.out);
    memset(&t, 0, sizeof t);
}

static inline int
open_codec(const char *map, const struct lintel_data *data, const char *natural, uint32_t unit)
{
    close_codec();
    t.doc = lintel_doc_parse("b.yaml", map, strlen(map), &t.report);
    if (!CHECK(t.doc != NULL))
        return 0;
    struct lintel_codec_source s = {t.doc, t.doc->root, data, natural, unit};
    t.codec = lintel_codec_compile(&s, &t.report);
    CHECK((t.codec == NULL) == (t.report.errors != 0));
    return t.codec != NULL;
}

static inline const char *
problem(void)
{
    static char text[600];
    snprintf(text, sizeof text, "no problem");
    if (t.report.n != 0)
        snprintf(text, sizeof text, "%u:%u: %s", t.report.problems[0].line,
                 t.report.problems[0].column, t.report.problems[0].text);
    return text;
}

#define OPEN(map, data, natural, unit)                                                             \
    do {                                                                                           \
        if (!open_codec((map), (data), (natural), (unit))) {                                       \
            kit_check_str(problem(), "", map, __FILE__, __LINE__, __func__);                       \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define MODBUS(map, data) OPEN(map, data, "u16", 2)
#define MQTT(map, data) OPEN(map, data, "string", 1)

static inline lintel_value
bytes(const void *p, size_t n)
{
    return (lintel_value){.type = LINTEL_T_BYTES, .len = (uint32_t)n, .as.p = p};
}

static inline size_t
unhex(const char *hex, unsigned char *out)
{
    size_t n = 0;
    unsigned byte;
    for (; *hex != '\0'; hex += *hex == ' ' ? 1 : 0) {
        if (*hex == ' ')
            continue;
        if (sscanf(hex, "%2x", &byte) != 1)
            abort();
        out[n++] = (unsigned char)byte;
        hex += 2;
    }
    return n;
}

static inline enum lintel_decoded
decode_value(lintel_value raw, int32_t exponent)
{
    lintel_payload_reset(&t.payload,
                         raw.type == LINTEL_T_BYTES || raw.type == LINTEL_T_STR ? raw.as.p : NULL,
                         raw.len);
    t.value = (lintel_value){0};
    t.outcome =
        lintel_codec_decode(t.codec, &raw, &t.payload, exponent, &t.decoding, &t.value, NULL);
    return t.outcome;
}

static inline enum lintel_decoded
decode(const char *hex)
{
    static unsigned char wire[4096];
    return decode_value(bytes(wire, unhex(hex, wire)), 0);
}

static inline enum lintel_decoded
decode_text(const char *payload)
{
    return decode_value(bytes(payload, strlen(payload)), 0);
}

/* A value as text, with its type where that could be mistaken. */
static inline const char *
show(const lintel_value *v)
{
    static char text[4][2000];
    static unsigned turn;
    char *out = text[turn++ % 4], number[LINTEL_REAL_TEXT];
    size_t n = 0;
    switch (v->type) {
    case LINTEL_T_NULL: return "null";
    case LINTEL_T_BOOL: return v->as.i ? "true" : "false";
    case LINTEL_T_INT: snprintf(out, 2000, "%lld", (long long)v->as.i); break;
    case LINTEL_T_UINT: snprintf(out, 2000, "%lluu", (unsigned long long)v->as.u); break;
    case LINTEL_T_REAL:
        lintel_print_real(number, v->as.r);
        snprintf(out, 2000, "%s%s", number, strpbrk(number, ".e") ? "" : ".0");
        break;
    case LINTEL_T_STR:
        CHECK(v->as.s[v->len] == '\0');
        snprintf(out, 2000, "'%s'", v->as.s);
        break;
    case LINTEL_T_BYTES:
        out[0] = '\0';
        for (uint32_t i = 0; i < v->len && n < 1990; i++)
            n += (size_t)snprintf(out + n, 2000 - n, "%s%02x", i ? " " : "",
                                  ((const unsigned char *)v->as.p)[i]);
        break;
    default: snprintf(out, 2000, "type %u of %u", v->type, v->len); break;
    }
    return out;
}

static inline const char *
shown(void)
{
    static const char *const words[] = {"decoded", "range", "none", "absent", "bad"};
    return t.outcome == LINTEL_DECODED ? show(&t.value) : words[t.outcome];
}

#define DECODES(hex, expected)                                                                     \
    (decode(hex), kit_check_str(shown(), expected, hex, __FILE__, __LINE__, __func__))
#define DECODES_TEXT(payload, expected)                                                            \
    (decode_text(payload), kit_check_str(shown(), expected, payload, __FILE__, __LINE__, __func__))
#define DECODES_VALUE(raw, expected)                                                               \
    (decode_value(raw, 0), kit_check_str(shown(), expected, #raw, __FILE__, __LINE__, __func__))

static inline lintel_status
encode_with(lintel_value v, const lintel_value *prior, int32_t exponent)
{
    t.raw = (lintel_value){0};
    t.reason[0] = '\0';
    t.status = lintel_codec_encode(t.codec, &v, prior, exponent, &t.out, &t.raw, t.reason);
    CHECK((t.status == LINTEL_OK) == (t.reason[0] == '\0'));
    return t.status;
}

static inline const char *
encoded(lintel_value v)
{
    return encode_with(v, NULL, 0) == LINTEL_OK ? show(&t.raw) : t.reason;
}

/* A payload that is text. */
static inline const char *
encoded_text(lintel_value v)
{
    static char text[2000];
    if (encode_with(v, NULL, 0) != LINTEL_OK)
        return t.reason;
    CHECK_INT(t.raw.type, LINTEL_T_BYTES);
    snprintf(text, sizeof text, "%.*s", (int)t.raw.len, (const char *)t.raw.as.p);
    return text;
}

static inline lintel_value
real(double x)
{
    return (lintel_value){.type = LINTEL_T_REAL, .as.r = x};
}
static inline lintel_value
integer(int64_t i)
{
    return (lintel_value){.type = LINTEL_T_INT, .as.i = i};
}
static inline lintel_value
large(uint64_t u)
{
    return (lintel_value){.type = LINTEL_T_UINT, .as.u = u};
}
static inline lintel_value
boolean(int b)
{
    return (lintel_value){.type = LINTEL_T_BOOL, .as.i = b};
}
static inline lintel_value
text(const char *s)
{
    return (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(s), .as.s = s};
}

static inline void
put_big(unsigned char *wire, uint64_t bits, uint32_t size)
{
    for (uint32_t i = size; i > 0; i--, bits >>= 8)
        wire[i - 1] = (unsigned char)bits;
}
#endif
