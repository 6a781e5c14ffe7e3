/* SPDX-License-Identifier: Apache-2.0
 * Numbers on the wire: orders, widths, types. */
#include <math.h>
#include <string.h>

#include "core/model/codec_program.h"

const char *const lintel_codec_types[] = {"",    "bool",   "u8",    "s8",  "u16", "s16",
                                          "u32", "s32",    "u64",   "s64", "f32", "f64",
                                          "bcd", "string", "bytes", NULL};

int
wire_is_signed(enum wire_type type)
{
    return type == WIRE_S8 || type == WIRE_S16 || type == WIRE_S32 || type == WIRE_S64;
}

int
wire_is_integer(enum wire_type type)
{
    return type >= WIRE_U8 && type <= WIRE_S64;
}

uint32_t
wire_size(enum wire_type type)
{
    switch (type) {
    case WIRE_BOOL:
    case WIRE_U8:
    case WIRE_S8: return 1;
    case WIRE_U16:
    case WIRE_S16: return 2;
    case WIRE_U32:
    case WIRE_S32:
    case WIRE_F32: return 4;
    case WIRE_U64:
    case WIRE_S64:
    case WIRE_F64: return 8;
    default: return 0;
    }
}

/* The number is the last bytes of the wire's, once words and the bytes in them stand most
 * significant first. */
void
wire_places(struct lintel_codec *c)
{
    uint32_t n = c->wire_bytes;
    for (uint32_t i = 0; i < c->size; i++) {
        uint32_t at = n - c->size + i, word = at / 2, byte = at % 2;
        if (n % 2 == 0) {
            word = c->little_words ? n / 2 - 1 - word : word;
            byte = c->little_bytes ? 1 - byte : byte;
        }
        c->place[i] = (uint8_t)(word * 2 + byte);
    }
}

uint64_t
wire_bits(const struct lintel_codec *c, const unsigned char *p)
{
    uint64_t bits = 0;
    if (c->type == WIRE_BOOL) { /* whatever stands in its unit, 0xff00 too */
        for (uint32_t i = 0; i < c->wire_bytes; i++)
            bits |= p[i];
        return bits != 0;
    }
    for (uint32_t i = 0; i < c->size; i++)
        bits = bits << 8 | p[c->place[i]];
    return bits;
}

static int
bcd_number(uint64_t bits, uint32_t size, lintel_value *ret)
{
    int64_t value = 0;
    for (uint32_t i = size * 2; i > 0; i--) {
        unsigned digit = (bits >> ((i - 1) * 4)) & 15;
        if (digit > 9)
            return 0;
        value = value * 10 + digit;
    }
    *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = value};
    return 1;
}

static float
f32_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

int
wire_number(const struct lintel_codec *c, uint64_t bits, lintel_value *ret)
{
    double real;
    *ret = (lintel_value){.type = LINTEL_T_INT};
    switch (c->type) {
    case WIRE_BOOL:
        ret->type = LINTEL_T_BOOL;
        ret->as.i = (int64_t)bits;
        return 1;
    case WIRE_S8: ret->as.i = (int8_t)bits; return 1;
    case WIRE_S16: ret->as.i = (int16_t)bits; return 1;
    case WIRE_S32: ret->as.i = (int32_t)bits; return 1;
    case WIRE_S64: ret->as.i = (int64_t)bits; return 1;
    case WIRE_F32:
        ret->type = LINTEL_T_REAL;
        ret->as.r = lintel_f32_short(f32_of_bits((uint32_t)bits));
        return 1;
    case WIRE_F64:
        memcpy(&real, &bits, sizeof real);
        ret->type = LINTEL_T_REAL;
        ret->as.r = real;
        return 1;
    case WIRE_BCD: return bcd_number(bits, c->size, ret);
    default:
        ret->as.u = bits;
        if (bits > INT64_MAX)
            ret->type = LINTEL_T_UINT;
        return 1;
    }
}

static uint64_t
bcd_bits(uint64_t value)
{
    uint64_t bits = 0;
    for (unsigned at = 0; value != 0 && at < 64; at += 4, value /= 10)
        bits |= value % 10 << at;
    return bits;
}

static double
as_real(const lintel_value *v)
{
    return v->type == LINTEL_T_REAL   ? v->as.r
           : v->type == LINTEL_T_UINT ? (double)v->as.u
                                      : (double)v->as.i;
}

uint64_t
wire_from_number(const struct lintel_codec *c, const lintel_value *v)
{
    uint64_t bits = 0;
    double real;
    float single;
    switch (c->type) {
    case WIRE_F32:
        single = (float)as_real(v);
        uint32_t word;
        memcpy(&word, &single, sizeof word);
        return word;
    case WIRE_F64:
        real = as_real(v);
        memcpy(&bits, &real, sizeof bits);
        return bits;
    case WIRE_BCD: return bcd_bits(v->as.u);
    case WIRE_BOOL: return v->as.u != 0;
    default: return v->as.u; /* two's complement: the low bytes are the number's */
    }
}

void
wire_put(const struct lintel_codec *c, uint64_t bits, int negative, unsigned char *out)
{
    memset(out, negative ? 0xff : 0, c->wire_bytes);
    for (uint32_t i = c->size; i > 0; i--, bits >>= 8)
        out[c->place[i - 1]] = (unsigned char)bits;
}

void
wire_range(enum wire_type type, uint32_t size, lintel_wide *ret_low, lintel_wide *ret_high)
{
    *ret_low = 0;
    if (type == WIRE_BOOL) {
        *ret_high = 1;
    } else if (type == WIRE_BCD) {
        lintel_wide high = 1;
        for (uint32_t i = 0; i < size * 2; i++)
            high *= 10;
        *ret_high = high - 1;
    } else if (wire_is_integer(type)) {
        uint32_t bits = wire_size(type) * 8 - (uint32_t)wire_is_signed(type);
        *ret_high = ((lintel_wide)1 << bits) - 1;
        if (wire_is_signed(type))
            *ret_low = -*ret_high - 1;
    } else {
        *ret_low = INT64_MIN;
        *ret_high = UINT64_MAX;
    }
}

int
wire_holds(enum wire_type type, uint32_t size, lintel_wide v)
{
    lintel_wide low, high;
    wire_range(type, size, &low, &high);
    return v >= low && v <= high;
}

/* ---- numbers --------------------------------------------------------------------------------- */

int
number_equal(const lintel_value *a, const lintel_value *b)
{
    if (a->type == LINTEL_T_REAL || b->type == LINTEL_T_REAL)
        return as_real(a) == as_real(b);
    int a_big = a->type == LINTEL_T_UINT && a->as.u > INT64_MAX;
    int b_big = b->type == LINTEL_T_UINT && b->as.u > INT64_MAX;
    return a_big == b_big && a->as.u == b->as.u;
}

void
number_print(const lintel_value *v, char out[LINTEL_REAL_TEXT])
{
    if (v->type == LINTEL_T_REAL)
        lintel_print_real(out, v->as.r);
    else if (v->type == LINTEL_T_UINT)
        lintel_format(out, LINTEL_REAL_TEXT, "%llu", (unsigned long long)v->as.u);
    else
        lintel_format(out, LINTEL_REAL_TEXT, "%lld", (long long)v->as.i);
}

int
raw_word_is(const struct raw_word *w, const lintel_value *number, uint64_t bits, int has_bits)
{
    if (w->is_bits && has_bits)
        return bits == w->bits;
    if (number->type == LINTEL_T_REAL && isnan(number->as.r))
        return w->is_nan;
    return w->number.type != LINTEL_T_NULL && number_equal(&w->number, number);
}

int
raw_word_is_text(const struct raw_word *w, struct lintel_str s)
{
    lintel_value number;
    int truth;
    if (s.n == w->ntext && (s.n == 0 || memcmp(s.p, w->text, s.n) == 0))
        return 1;
    if (w->number.type == LINTEL_T_BOOL)
        return text_bool(s, &truth) && truth == (int)w->number.as.i;
    return w->number.type != LINTEL_T_NULL && text_number(s, &number) &&
           number_equal(&w->number, &number);
}

int32_t
power_allowed(int32_t exponent)
{
    return exponent >= -LINTEL_EXACT_POWER && exponent <= LINTEL_EXACT_POWER;
}
