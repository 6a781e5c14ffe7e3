/* SPDX-License-Identifier: Apache-2.0
 * What a codec is compiled to. Only codec*.c include this. codec_compile.c makes it, codec_decode.c
 * and codec_encode.c run it, codec_wire.c and codec_text.c are their steps, codec_payload.c finds
 * parts of payloads. */
#ifndef LINTEL_MODEL_CODEC_PROGRAM_H
#define LINTEL_MODEL_CODEC_PROGRAM_H
#include <stdatomic.h>

#include "core/base/text.h"
#include "core/model/codec.h"
#include "core/model/exact.h"
#include "core/model/regexp.h"

enum wire_type {             /* the order of lintel_codec_types */
                 WIRE_TYPED, /* the protocol's own typed value */
                 WIRE_BOOL,
                 WIRE_U8,
                 WIRE_S8,
                 WIRE_U16,
                 WIRE_S16,
                 WIRE_U32,
                 WIRE_S32,
                 WIRE_U64,
                 WIRE_S64,
                 WIRE_F32,
                 WIRE_F64,
                 WIRE_BCD,
                 WIRE_STRING,
                 WIRE_BYTES
};
extern const char *const lintel_codec_types[]; /* by wire_type; "" first; NULL-terminated */

enum text_code { CODE_UTF8, CODE_ASCII, CODE_LATIN1, CODE_HEX, CODE_BASE64 };
extern const char *const lintel_codec_encodings[]; /* by text_code; NULL-terminated */

enum { WIRE_MOST = 8, UNIT_MOST = 64 }; /* bytes of a number; bytes of one address */

/* A raw value as the binding writes it, of `invalid` or `map`. */
struct raw_word {
    lintel_value number; /* BOOL, INT, UINT, REAL; NULL: a text only */
    int is_nan;
    int is_bits;   /* written in hexadecimal for a type without integers: compares the bits */
    uint64_t bits; /* these */
    char *text;    /* as written; owned */
    uint32_t ntext;
};
struct map_entry {
    lintel_value model;
    char *model_text; /* owned; NULL if the value is no text */
    struct raw_word raw;
};

struct pointer { /* RFC 6901, unescaped */
    uint32_t n;
    char *tokens; /* n texts, a NUL behind each; owned */
    uint32_t size;
};

struct lintel_codec {
    _Atomic uint32_t refs;
    enum wire_type type;
    enum lintel_data_kind kind; /* of the model */
    enum text_code code;
    uint32_t wire_bytes;      /* 0: not fixed */
    uint8_t size;             /* bytes of the number inside wire_bytes */
    uint8_t place[WIRE_MOST]; /* where on the wire its bytes are, most significant first */
    uint8_t bit, width;       /* width 0: the whole value */
    int swaps;                /* text and bytes: little bytes in 16-bit words */
    int little_bytes, little_words;
    int typed_out; /* writes go out as the protocol's typed value, not as bytes */
    int parses;    /* wants a payload */
    int has_pointer;
    int bytes_model; /* the model is a byte-string */
    int judged;      /* the model has limits: ask lintel_data_fit */
    int scaled;
    struct lintel_exact exact;
    struct lintel_decimal scale, offset; /* as written, for descriptions */
    char *unit;                          /* on the wire; NULL: the model's */
    char *scale_from;                    /* NULL: none */
    uint32_t ninvalid, nmap;
    struct raw_word *invalid;
    struct map_entry *map;
    struct pointer pointer;
    struct lintel_regexp *pattern; /* NULL: none */
    char *pattern_text;
    const struct lintel_data *data; /* the model's */
};

/* Where decoded text that is nowhere else may lie: the decoding, or the payload for the long ones.
 */
struct scratch {
    struct lintel_decoding *d;
    struct lintel_payload *payload; /* may be NULL */
    uint32_t used;                  /* of d->text */
};
void *scratch_take(struct scratch *s, uint64_t n); /* NULL: too long, or out of memory */

/* ---- codec_wire.c: numbers on the wire ------------------------------------------------------- */

/* The bits of the number; p holds wire_bytes. */
uint64_t wire_bits(const struct lintel_codec *c, const unsigned char *p);
/* What they mean: BOOL, INT, UINT or REAL (which may be NaN or infinite). 0: no BCD digits. */
int wire_number(const struct lintel_codec *c, uint64_t bits, lintel_value *ret);
/* The reverse: v is of the type's range. */
uint64_t wire_from_number(const struct lintel_codec *c, const lintel_value *v);
/* Writes the bits (sign: what fills the unit before them) to out[wire_bytes]. */
void wire_put(const struct lintel_codec *c, uint64_t bits, int negative, unsigned char *out);
/* Whether the type holds the whole number; always, for types of real and typed numbers. */
int wire_holds(enum wire_type type, uint32_t size, lintel_wide v);
void wire_range(enum wire_type type, uint32_t size, lintel_wide *ret_low, lintel_wide *ret_high);
int wire_is_integer(enum wire_type type);
int wire_is_signed(enum wire_type type);
/* Bytes of one number of the type; 0: it has no length of its own. */
uint32_t wire_size(enum wire_type type);
void wire_places(struct lintel_codec *c);

/* ---- codec_text.c: texts and octets ---------------------------------------------------------- */

struct text {
    struct lintel_str s;
    int ended; /* a NUL stands behind it */
};
/* Each returns NULL, or what is wrong. */
const char *text_of_octets(const struct lintel_codec *c, struct lintel_str octets,
                           struct scratch *s, struct text *ret);
const char *octets_of_text(const struct lintel_codec *c, struct lintel_str text, struct scratch *s,
                           struct lintel_str *ret);
/* For writing: appended to out. */
const char *put_octets_of_text(enum text_code code, struct lintel_str text, struct lintel_buf *out);
void put_text_of_octets(enum text_code code, struct lintel_str octets, struct lintel_buf *out);
/* Swaps the bytes of each 16-bit word; an odd last one stays. */
void swap_words(unsigned char *p, size_t n);
struct lintel_str text_trim(struct lintel_str s); /* without blanks and line ends around it */
/* A number written as text: INT, UINT or REAL; 0: it is none. */
int text_number(struct lintel_str s, lintel_value *ret);
int text_bool(struct lintel_str s, int *ret); /* true false 1 0 on off, in any case */

/* ---- codec_payload.c ------------------------------------------------------------------------- */

/* The part that the codec reads, as a typed value. */
enum lintel_decoded payload_part(const struct lintel_codec *c, const lintel_value *raw,
                                 struct lintel_payload *w, lintel_value *ret,
                                 char reason[LINTEL_REASON]);
/* JSON around a value: {"a":{"b": and }}. -1: a member of a list can't be written alone. */
int payload_open(const struct pointer *p, struct lintel_buf *out);
void payload_close(const struct pointer *p, struct lintel_buf *out);
void payload_put_json(const lintel_value *v, struct lintel_buf *out);
int pointer_parse(struct lintel_str text,
                  struct pointer *ret); /* 0, -1: no pointer, -2: no memory */

/* ---- shared by decoding and encoding --------------------------------------------------------- */

int number_equal(const lintel_value *a, const lintel_value *b);
int raw_word_is(const struct raw_word *w, const lintel_value *number, uint64_t bits, int has_bits);
int raw_word_is_text(const struct raw_word *w, struct lintel_str s);
void number_print(const lintel_value *v, char out[LINTEL_REAL_TEXT]);
int32_t power_allowed(int32_t exponent); /* of a scale factor */
#endif
