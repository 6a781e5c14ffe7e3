/* SPDX-License-Identifier: Apache-2.0
 * How long one value takes through a codec, in one thread, the raw values in the cache. The best of
 * several rounds is printed, for the others were disturbed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/model/codec.h"

enum { ROUNDS = 40, VALUES = 1024, REPEAT = 20 };

struct bench {
    const char *name, *map, *natural;
    const struct lintel_data *data;
    const char *json; /* the payload, for codecs that read from one; `%u` is the number */
    int fresh;        /* each value is in a payload of its own */
    uint32_t spread;  /* raw values are below it; 0: f32 of one decimal; 1: f32 of all digits */
};

static unsigned char wire[VALUES][64];
static volatile double sink;

static double
now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
fill(const struct bench *b, lintel_value *raws)
{
    for (uint32_t i = 0; i < VALUES; i++) {
        uint32_t k = (i * 2654435761u) >> 8, bits;
        raws[i] = (lintel_value){.type = LINTEL_T_BYTES, .len = 8, .as.p = wire[i]};
        if (b->json != NULL) {
            raws[i].len = (uint32_t)snprintf((char *)wire[i], sizeof wire[i],
                                             "{\"state\":\"ON\",\"level\":%u.5}", k % 100);
            continue;
        }
        float f = b->spread == 1 ? (float)k / 7.0f : (float)(k % 100000) / 10.0f;
        memcpy(&bits, &f, sizeof bits);
        if (b->spread > 1)
            bits = k % b->spread << (b->spread <= 65536 ? 16 : 0);
        for (unsigned n = 0; n < 4; n++)
            wire[i][n] = (unsigned char)(bits >> (24 - n * 8));
    }
}

static double
decode_once(const struct bench *b, const struct lintel_codec *c, const lintel_value *raws,
            lintel_value *values)
{
    static struct lintel_decoding d;
    struct lintel_payload w = {0};
    double start = now_ns();
    for (int repeat = 0; repeat < REPEAT; repeat++)
        for (uint32_t i = 0; i < VALUES; i++) {
            const lintel_value *raw = &raws[b->json != NULL && !b->fresh ? 0 : i];
            if (b->fresh)
                lintel_payload_reset(&w, raw->as.p, raw->len);
            if (lintel_codec_decode(c, raw, &w, 0, &d, &values[i], NULL) > LINTEL_DECODED_RANGE)
                sink = -1;
        }
    double end = now_ns();
    lintel_payload_reset(&w, NULL, 0);
    return (end - start) / VALUES / REPEAT;
}

static double
encode_once(const struct lintel_codec *c, const lintel_value *values)
{
    struct lintel_buf out = {0};
    char reason[LINTEL_REASON];
    lintel_value raw;
    double start = now_ns();
    for (int repeat = 0; repeat < REPEAT; repeat++)
        for (uint32_t i = 0; i < VALUES; i++)
            if (lintel_codec_encode(c, &values[i], NULL, 0, &out, &raw, reason) != LINTEL_OK)
                sink = -1;
    double end = now_ns();
    lintel_buf_fini(&out);
    return (end - start) / VALUES / REPEAT;
}

static int
run(const struct bench *b)
{
    static lintel_value raws[VALUES], values[VALUES];
    struct lintel_report report = {0};
    struct lintel_doc *doc = lintel_doc_parse(b->name, b->map, strlen(b->map), &report);
    struct lintel_codec_source s = {doc, doc ? doc->root : NULL, b->data, b->natural,
                                    b->json ? 1 : 2};
    struct lintel_codec *c = doc ? lintel_codec_compile(&s, &report) : NULL;
    double decoding = 1e9, encoding = 1e9;
    if (c == NULL) {
        fprintf(stderr, "%s: %s\n", b->name, report.n ? report.problems[0].text : "?");
        return 1;
    }
    fill(b, raws);
    for (int round = 0; round < ROUNDS; round++) {
        double took = decode_once(b, c, raws, values);
        decoding = took < decoding ? took : decoding;
        took = encode_once(c, values);
        encoding = took < encoding ? took : encoding;
    }
    printf("%-44s %8.1f %8.1f\n", b->name, decoding, encoding);
    lintel_codec_unref(c);
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return sink < 0;
}

int
main(void)
{
    static const struct lintel_data number = {.kind = LINTEL_DATA_NUMBER, .unit = "W"};
    static const struct lintel_data limited = {.kind = LINTEL_DATA_NUMBER,
                                               .flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX,
                                               .min = 0,
                                               .max = 7000};
    static const struct lintel_data boolean = {.kind = LINTEL_DATA_BOOLEAN};
    static const char *const names[] = {"off",  "heat", "cool", "dry", "fan",
                                        "auto", "eco",  "away", NULL};
    static const struct lintel_data mode = {.kind = LINTEL_DATA_STRING, .choices = names};
    static const struct bench benches[] = {
        {"u16", "{}", "u16", &number, NULL, 0, 65536},
        {"u16, scale 0.1", "scale: 0.1", "u16", &number, NULL, 0, 65536},
        {"u16, scale 0.1, limits of the model", "scale: 0.1", "u16", &limited, NULL, 0, 65536},
        {"s32, scale 0.001, kW to W", "{ type: s32, scale: 0.001, unit: kW }", "u16", &number, NULL,
         0, 1000000000},
        {"f32 of one decimal", "type: f32", "u16", &number, NULL, 0, 0},
        {"f32 of all digits", "type: f32", "u16", &number, NULL, 0, 1},
        {"f32 of one decimal, scale 0.1", "{ type: f32, scale: 0.1 }", "u16", &number, NULL, 0, 0},
        {"f32 of all digits, scale 0.1", "{ type: f32, scale: 0.1 }", "u16", &number, NULL, 0, 1},
        {"u16, map of 8 words",
         "map: { off: 0, heat: 1, cool: 2, dry: 3, fan: 4, auto: 5, eco: 6, away: 7 }", "u16",
         &mode, NULL, 0, 8},
        {"u16, a boolean", "{}", "u16", &boolean, NULL, 0, 2},
        {"JSON pointer, one payload for all", "pointer: /level", "string", &number, "", 0, 0},
        {"JSON pointer, a payload for each", "pointer: /level", "string", &number, "", 1, 0},
    };
    printf("codec: ns of processor time a value, best of %d rounds of %d, one thread, raw values "
           "in the cache%s\n",
           ROUNDS, VALUES * REPEAT,
#ifdef __OPTIMIZE__
           ""
#else
           "; NOT OPTIMISED"
#endif
    );
    printf("%-44s %8s %8s\n", "", "decode", "encode");
    int failed = 0;
    for (size_t i = 0; i < LINTEL_COUNT(benches); i++)
        failed |= run(&benches[i]);
    return failed;
}
