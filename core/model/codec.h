/* SPDX-License-Identifier: Apache-2.0
 * The codec: between raw values of a plugin and values of a model. A binding's codec keys are
 * compiled once into a small program; nothing is looked up or interpreted from text when a value
 * comes. Encoding is derived from decoding. Scaling is exact in decimal. No I/O, no allocation for
 * scalars; immutable, shared by threads.
 *
 * Decoding goes down these steps, encoding up:
 *  part     `pointer` (RFC 6901) takes a value out of JSON; `pattern` takes group 1 out of a text,
 * or out of the text at the pointer. JSON null is "no value". An array or object of a model needs
 * no pointer where a payload is all JSON. A pattern can't be written. wire     `type` in
 * `byteOrder` and `wordOrder`: 16-bit words of two bytes, the most significant word and byte first
 * unless `little`. Bytes are rounded up to the plugin's address; a shorter type is in the low-order
 *           ones, and writes fill the others with its sign. u8 u16 .. f64 bool bcd are numbers, bcd
 * one digit a nibble. `type` beside `pointer`, or of a typed protocol, says which numbers are
 * allowed. bool goes out as a typed BOOL if the plugin's natural type is bool or "", else as bytes,
 * 0 or 1. An f32 is the shortest decimal that reads back as it: 21.3, not 21.299999237060547. text
 * a string ends at `count` addresses; its first NUL, and blanks before that, are padding. bytes
 * become hex text (or base64), and stay bytes for a byte-string. hex and base64 of a string: the
 * text spells the bytes of a byte-string. Numbers and booleans are read from text (true false 1 0
 * on off, in any case). field    `bit` and `width` of an unsigned number; a write needs the value
 * that the device has. invalid  compared with the number (of the field) before scaling, or with the
 * text. Hexadecimal for a signed type may be its bit pattern (0x8000), for f32, f64 and bcd it
 * always is. NaN that is not listed is bad. map      the other way round than it is written; a raw
 * value that is not in it is bad. true and 1 are equal. scale    raw * scale * 10^scaleFrom +
 * offset, in `unit`, then converted to the model's unit: one fraction of whole numbers, rounded
 * once. An integer of the model is rounded half away from zero. Back, to the nearest step of the
 * wire.
 *
 * A number of the model is REAL, but for whole ones above 2^53, which are INT or UINT. What comes
 * back is what went in for every raw value that a double can hold, scaled: 53 bits, about 15
 * digits. */
#ifndef LINTEL_MODEL_CODEC_H
#define LINTEL_MODEL_CODEC_H
#include <stdint.h>

#include "core/base/doc.h"
#include "core/model/data.h"
#include "lintel/plugin.h"

struct lintel_codec;

/* The keys that are the codec's, NULL-terminated: pointer pattern type count byteOrder wordOrder
 * encoding bit width invalid map scale offset scaleFrom unit. (poll stale deadband are the pace's,
 * core/bind.) */
extern const char *const lintel_codec_keys[];

struct lintel_codec_source {
    const struct lintel_doc *doc; /* for places */
    const struct lintel_node
        *map; /* one direction of a protocol map; other keys are left alone. NULL: none */
    const struct lintel_data
        *data;           /* what the model says the value is; outlives the codec. NULL: anything */
    const char *natural; /* wire type where `type` is left out; "" = the protocol's typed value */
    uint32_t unit_bytes; /* bytes in one address of the protocol */
};
/* NULL with the reasons in the report, all of them: an unknown word with the nearest, a bit outside
 * its type, a map in which a raw value means two things, units that measure different things ...
 * Nothing of doc and map is kept. Free with lintel_codec_unref. */
struct lintel_codec *lintel_codec_compile(const struct lintel_codec_source *s,
                                          struct lintel_report *report);
struct lintel_codec *lintel_codec_ref(struct lintel_codec *c);
void lintel_codec_unref(struct lintel_codec *c);

uint32_t lintel_codec_wire_bytes(const struct lintel_codec *c); /* 0: not fixed, or a typed BOOL */
const char *lintel_codec_scale_from(const struct lintel_codec *c); /* property's name, or NULL */
int lintel_codec_needs_prior(const struct lintel_codec *c); /* a bit field: a write reads first */
/* Wants a payload: pointer, pattern, or a text that may be longer than LINTEL_CODEC_TEXT. */
int lintel_codec_parses(const struct lintel_codec *c);

/* A payload that feeds many points, parsed at most once. Zero it, or call _reset with the next
 * payload, also if that lies where the last one did. One thread at a time. */
struct lintel_payload {
    const void *p;
    uint32_t n;
    void *json;                 /* json_t; NULL until needed */
    int no_json;                /* parsing failed once */
    struct lintel_arena *arena; /* of structures and long texts; NULL until needed */
};
enum { LINTEL_PAYLOAD_MOST = 1024 * 1024 }; /* bytes that are looked into */
/* Frees what was made of the last payload; with (NULL, 0) all of it is gone. */
void lintel_payload_reset(struct lintel_payload *w, const void *p, uint32_t n);

enum lintel_decoded {
    LINTEL_DECODED,        /* a value */
    LINTEL_DECODED_RANGE,  /* a value, outside what the model allows; delivered as it is */
    LINTEL_DECODED_NONE,   /* the device says "no value" (`invalid`) */
    LINTEL_DECODED_ABSENT, /* the payload does not carry this value (no such pointer): no news */
    LINTEL_DECODED_BAD     /* not decodable: too short, not in `map`, no JSON ... */
};
enum { LINTEL_CODEC_TEXT = 512 };
struct lintel_decoding {
    char text[LINTEL_CODEC_TEXT]; /* holds what ret->as.s points to, when it is not in raw or
                                     payload */
    char reason[LINTEL_REASON];   /* of BAD and RANGE */
};
/* raw: as the plugin gave it. payload: of the same bytes (it is reset if it is not), shared by
 * neighbours; may be NULL for codecs that do not parse. exponent: of scaleFrom, the raw value of
 * that point; 0 otherwise. *ret is of the model's type; texts and structures point into raw, the
 * payload or `d` and live as long. raw_number (may be NULL) gets the raw number before scaling, for
 * points that are somebody's scaleFrom. */
enum lintel_decoded lintel_codec_decode(const struct lintel_codec *c, const lintel_value *raw,
                                        struct lintel_payload *payload, int32_t exponent,
                                        struct lintel_decoding *d, lintel_value *ret,
                                        int64_t *raw_number);

/* The reverse. prior: the raw value just read, for bit fields (needs_prior), else NULL. out is
 * emptied, bytes and texts are written to it, and *ret points into it. LINTEL_E_TYPE or
 * LINTEL_E_RANGE with a reason where the wire can't carry the value ("70000 does not fit u16"), or
 * where it would mean "no value"; LINTEL_E_NOTSUP for a part that can only be read; LINTEL_E_NOMEM.
 * LINTEL_T_NULL (a release) stays what it is. The model's limits are not asked here. */
lintel_status lintel_codec_encode(const struct lintel_codec *c, const lintel_value *v,
                                  const lintel_value *prior, int32_t exponent,
                                  struct lintel_buf *out, lintel_value *ret,
                                  char reason[LINTEL_REASON]);
/* "f32 big, x 0.1, Cel", for `lintel plugin` and check's listing. */
void lintel_codec_describe(const struct lintel_codec *c, char *out, uint32_t size);
#endif
