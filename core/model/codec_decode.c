/* SPDX-License-Identifier: Apache-2.0
 * Raw value -> value of the model. Nothing is allocated for scalars. */
#include <math.h>
#include <string.h>

#include "core/model/codec_program.h"

static const int64_t EXACT_IN_DOUBLE = (int64_t)1 << 53;

struct run {
    const struct lintel_codec *c;
    struct scratch scratch;
    int32_t power;
    lintel_value value; /* the outcome */
    int64_t *raw_number;
};

static enum lintel_decoded
bad(struct run *r, const char *reason)
{
    lintel_copy(r->scratch.d->reason, LINTEL_REASON, reason);
    return LINTEL_DECODED_BAD;
}

/* Member by member: a copy in one piece waits until the members' own stores are through. */
static inline void
copy(lintel_value *to, const lintel_value *from)
{
    to->type = from->type;
    to->len = from->len;
    to->as.u = from->as.u;
}

static lintel_value
int_value(int64_t i)
{
    return (lintel_value){.type = LINTEL_T_INT, .as.i = i};
}

static lintel_value
real_value(double x)
{
    return (lintel_value){.type = LINTEL_T_REAL, .as.r = x};
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* INT, or UINT above its range; 0: neither. */
static int
whole_value(lintel_wide w, lintel_value *ret)
{
    if (w >= INT64_MIN && w <= INT64_MAX)
        *ret = int_value((int64_t)w);
    else if (w > 0 && w <= UINT64_MAX)
        *ret = (lintel_value){.type = LINTEL_T_UINT, .as.u = (uint64_t)w};
    else
        return 0;
    return 1;
}

static int
whole_of_real(double x, lintel_value *ret)
{
    x = round(x);
    return x >= -0x1p63 && x < 0x1p64 && whole_value((lintel_wide)x, ret);
}

static lintel_wide
wide_of(const lintel_value *v)
{
    return v->type == LINTEL_T_UINT ? (lintel_wide)v->as.u : (lintel_wide)v->as.i;
}

/* A raw number that is not scaled, as the model's kind of number. */
static enum lintel_decoded
as_is(struct run *r, const lintel_value *number)
{
    int64_t i = number->as.i;
    if (r->c->kind == LINTEL_DATA_NUMBER &&
        (number->type == LINTEL_T_BOOL ||
         (number->type == LINTEL_T_INT && i <= EXACT_IN_DOUBLE && i >= -EXACT_IN_DOUBLE)))
        r->value =
            real_value((double)i); /* a REAL, but for whole numbers that a double can't hold */
    else if (r->c->kind == LINTEL_DATA_INTEGER && number->type == LINTEL_T_BOOL)
        r->value = int_value(i);
    else if (r->c->kind != LINTEL_DATA_INTEGER || number->type != LINTEL_T_REAL)
        copy(&r->value, number);
    else if (!whole_of_real(number->as.r, &r->value))
        return bad(r, "the number is beyond 64 bits");
    return LINTEL_DECODED;
}

static enum lintel_decoded
scaled_ratio(struct run *r, struct lintel_ratio ratio)
{
    if (r->c->kind == LINTEL_DATA_INTEGER)
        return whole_value(lintel_ratio_whole(ratio), &r->value)
                   ? LINTEL_DECODED
                   : bad(r, "the scaled number is beyond 64 bits");
    r->value = real_value(lintel_ratio_real(ratio));
    if (fabs(r->value.as.r) > (double)EXACT_IN_DOUBLE && ratio.num % ratio.den == 0)
        (void)whole_value(ratio.num / ratio.den, &r->value);
    return LINTEL_DECODED;
}

static enum lintel_decoded
scale(struct run *r, const lintel_value *number)
{
    const struct lintel_exact *e = &r->c->exact;
    int real = number->type == LINTEL_T_REAL, wide = number->type == LINTEL_T_UINT;
    struct lintel_few few = {number->as.i, 0};
    struct lintel_ratio ratio;
    double quick;
    if (!real || lintel_few_digits(number->as.r, &few)) {
        if (r->power == 0 && !wide && r->c->kind != LINTEL_DATA_INTEGER &&
            lintel_exact_quick(e, few.m, few.k, &quick)) {
            r->value = real_value(quick);
            return LINTEL_DECODED;
        }
        if (lintel_exact_to(e, wide ? wide_of(number) : few.m, few.k, r->power, &ratio))
            return scaled_ratio(r, ratio);
    }
    long double from =
        number->type == LINTEL_T_REAL ? (long double)number->as.r : (long double)wide_of(number);
    double to = (double)lintel_exact_to_rounded(e, from, r->power);
    if (!isfinite(to))
        return bad(r, "the scaled number is too large");
    r->value = real_value(to);
    if (r->c->kind == LINTEL_DATA_INTEGER && !whole_of_real(to, &r->value))
        return bad(r, "the scaled number is beyond 64 bits");
    return LINTEL_DECODED;
}

static enum lintel_decoded
printed(struct run *r, const lintel_value *number)
{
    char *text = scratch_take(&r->scratch, LINTEL_REAL_TEXT);
    if (text == NULL)
        return bad(r, "no room for a text");
    if (number->type == LINTEL_T_BOOL)
        lintel_copy(text, LINTEL_REAL_TEXT, number->as.i ? "true" : "false");
    else
        number_print(number, text);
    r->value = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(text), .as.s = text};
    return LINTEL_DECODED;
}

static int
bit_field(const struct lintel_codec *c, lintel_value *number)
{
    if (number->type == LINTEL_T_REAL || (number->type == LINTEL_T_INT && number->as.i < 0))
        return 0;
    uint64_t mask = c->width == 64 ? UINT64_MAX : ((uint64_t)1 << c->width) - 1;
    return whole_value((lintel_wide)(number->as.u >> c->bit & mask), number);
}

static int
is_true(const lintel_value *number)
{
    return number->type == LINTEL_T_REAL ? number->as.r != 0 : number->as.u != 0;
}

static enum lintel_decoded
mapped(struct run *r, const lintel_value *number)
{
    char text[LINTEL_REAL_TEXT];
    for (uint32_t i = 0; i < r->c->nmap; i++) {
        if (raw_word_is(&r->c->map[i].raw, number, 0, 0)) {
            r->value = r->c->map[i].model;
            return LINTEL_DECODED;
        }
    }
    number_print(number, text);
    lintel_format(r->scratch.d->reason, LINTEL_REASON, "the raw value %s is not in map", text);
    return LINTEL_DECODED_BAD;
}

static void
tell_raw_number(struct run *r, const lintel_value *number)
{
    lintel_value whole = *number;
    if (number->type == LINTEL_T_REAL &&
        !(number->as.r == rint(number->as.r) && whole_of_real(number->as.r, &whole)))
        return;
    if (whole.type != LINTEL_T_UINT)
        *r->raw_number = whole.as.i;
}

/* bits: as on the wire, where it came from there. *number is used up. */
static inline enum lintel_decoded
from_number(struct run *r, lintel_value *number, uint64_t bits, int has_bits)
{
    const struct lintel_codec *c = r->c;
    if (c->width != 0 && !bit_field(c, number))
        return bad(r, "a number that is negative or not whole has no bits");
    if (r->raw_number != NULL)
        tell_raw_number(r, number);
    for (uint32_t i = 0; i < c->ninvalid; i++)
        if (raw_word_is(&c->invalid[i], number, bits, has_bits))
            return LINTEL_DECODED_NONE;
    if (number->type == LINTEL_T_REAL && !isfinite(number->as.r))
        return bad(r, "the device sent no number (NaN or infinity)");
    if (c->nmap != 0)
        return mapped(r, number);
    switch (c->kind) {
    case LINTEL_DATA_BOOLEAN:
        r->value = (lintel_value){.type = LINTEL_T_BOOL, .as.i = is_true(number)};
        return LINTEL_DECODED;
    case LINTEL_DATA_STRING: return printed(r, number);
    case LINTEL_DATA_ARRAY:
    case LINTEL_DATA_OBJECT: return bad(r, "a number came where a structure is wanted");
    default: return c->scaled ? scale(r, number) : as_is(r, number);
    }
}

/* A number that did not come as bytes; `type` then says what it may be. */
static enum lintel_decoded
from_typed_number(struct run *r, lintel_value number)
{
    const struct lintel_codec *c = r->c;
    if (c->type == WIRE_BOOL) {
        number = (lintel_value){.type = LINTEL_T_BOOL, .as.i = is_true(&number)};
    } else if (wire_is_integer(c->type)) {
        if (number.type == LINTEL_T_REAL &&
            !(number.as.r == rint(number.as.r) && whole_of_real(number.as.r, &number)))
            return bad(r, "the number is not whole");
        if (!wire_holds(c->type, c->size, wide_of(&number))) {
            char text[LINTEL_REAL_TEXT];
            number_print(&number, text);
            lintel_format(r->scratch.d->reason, LINTEL_REASON, "%s does not fit %s", text,
                          lintel_codec_types[c->type]);
            return LINTEL_DECODED_BAD;
        }
    }
    return from_number(r, &number, 0, 0);
}

static enum lintel_decoded
from_wire(struct run *r, const lintel_value *raw)
{
    const struct lintel_codec *c = r->c;
    lintel_value number;
    if (raw->len < c->wire_bytes) {
        lintel_format(r->scratch.d->reason, LINTEL_REASON, "%u bytes came where %u are wanted",
                      raw->len, c->wire_bytes);
        return LINTEL_DECODED_BAD;
    }
    uint64_t bits = wire_bits(c, raw->as.p);
    if (!wire_number(c, bits, &number)) {
        for (uint32_t i = 0; i < c->ninvalid; i++)
            if (c->invalid[i].is_bits && c->invalid[i].bits == bits)
                return LINTEL_DECODED_NONE;
        return bad(r, "the bytes are no BCD digits");
    }
    return from_number(r, &number, bits, 1);
}

/* ---- texts, octets, structures --------------------------------------------------------------- */

static enum lintel_decoded
octets_value(struct run *r, struct lintel_str octets)
{
    r->value = (lintel_value){.type = LINTEL_T_BYTES, .len = (uint32_t)octets.n, .as.p = octets.p};
    return LINTEL_DECODED;
}

static enum lintel_decoded
text_value(struct run *r, struct text t)
{
    if (!t.ended) {
        char *copy = scratch_take(&r->scratch, (uint64_t)t.s.n + 1);
        if (copy == NULL)
            return bad(r, "the text is too long");
        if (t.s.n != 0)
            memcpy(copy, t.s.p, t.s.n);
        copy[t.s.n] = '\0';
        t.s.p = copy;
    }
    r->value = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)t.s.n, .as.s = t.s.p};
    return LINTEL_DECODED;
}

static enum lintel_decoded
bad_text(struct run *r, struct lintel_str s, const char *why)
{
    int shown = s.n > 60 ? 60 : (int)s.n;
    shown = (int)lintel_utf8_valid(s.p, (size_t)shown);
    lintel_format(r->scratch.d->reason, LINTEL_REASON, "the text \"%.*s%s\" %s", shown, s.p,
                  s.n > 60 ? "..." : "", why);
    return LINTEL_DECODED_BAD;
}

static enum lintel_decoded
from_text(struct run *r, struct text t)
{
    const struct lintel_codec *c = r->c;
    lintel_value number;
    struct lintel_str octets;
    const char *wrong;
    int truth;
    for (uint32_t i = 0; i < c->ninvalid; i++)
        if (raw_word_is_text(&c->invalid[i], t.s))
            return LINTEL_DECODED_NONE;
    if (c->width != 0)
        return text_number(t.s, &number) ? from_typed_number(r, number)
                                         : bad_text(r, t.s, "is no number");
    for (uint32_t i = 0; i < c->nmap; i++) {
        if (raw_word_is_text(&c->map[i].raw, t.s)) {
            r->value = c->map[i].model;
            return LINTEL_DECODED;
        }
    }
    if (c->nmap != 0)
        return bad_text(r, t.s, "is not in map");
    switch (c->kind) {
    case LINTEL_DATA_BOOLEAN:
        if (!text_bool(t.s, &truth))
            return bad_text(r, t.s, "is neither true nor false");
        return from_typed_number(r, (lintel_value){.type = LINTEL_T_BOOL, .as.i = truth});
    case LINTEL_DATA_INTEGER:
    case LINTEL_DATA_NUMBER:
        return text_number(t.s, &number) ? from_typed_number(r, number)
                                         : bad_text(r, t.s, "is no number");
    case LINTEL_DATA_ARRAY:
    case LINTEL_DATA_OBJECT: return bad(r, "a text came where a structure is wanted");
    default: break;
    }
    if (!c->bytes_model)
        return text_value(r, t);
    wrong = octets_of_text(c, t.s, &r->scratch, &octets);
    return wrong == NULL ? octets_value(r, octets) : bad(r, wrong);
}

/* Octets for a model that wants octets. */
static enum lintel_decoded
plain_octets(struct run *r, struct lintel_str octets)
{
    if (r->c->swaps && octets.n != 0) {
        unsigned char *copy = scratch_take(&r->scratch, octets.n);
        if (copy == NULL)
            return bad(r, "the bytes are too many");
        memcpy(copy, octets.p, octets.n);
        swap_words(copy, octets.n);
        octets.p = (const char *)copy;
    }
    return octets_value(r, octets);
}

static enum lintel_decoded
from_octets(struct run *r, const lintel_value *raw)
{
    const struct lintel_codec *c = r->c;
    struct lintel_str octets = {raw->as.p, raw->len};
    struct text text = {octets, 0};
    if (raw->len < c->wire_bytes) {
        lintel_format(r->scratch.d->reason, LINTEL_REASON, "%u bytes came where %u are wanted",
                      raw->len, c->wire_bytes);
        return LINTEL_DECODED_BAD;
    }
    if (c->wire_bytes != 0)
        octets.n = c->wire_bytes;
    int coded = c->type == WIRE_STRING && (c->code == CODE_HEX || c->code == CODE_BASE64);
    if (c->type != WIRE_STRING && c->kind != LINTEL_DATA_STRING && c->kind != LINTEL_DATA_ANY)
        return bad(r, "bytes came where a typed value is wanted");
    if ((c->bytes_model && !coded) || (c->kind == LINTEL_DATA_ANY && c->type != WIRE_STRING))
        return plain_octets(r, octets);
    if (c->bytes_model) { /* a text on the wire that spells octets */
        text.s = octets;
        while (c->wire_bytes != 0 && text.s.n > 0 &&
               (text.s.p[text.s.n - 1] == '\0' || text.s.p[text.s.n - 1] == ' '))
            text.s.n--;
        return from_text(r, text);
    }
    const char *wrong = text_of_octets(c, octets, &r->scratch, &text);
    return wrong == NULL ? from_text(r, text) : bad(r, wrong);
}

static enum lintel_decoded
from_structure(struct run *r, const lintel_value *raw)
{
    if (r->c->kind != LINTEL_DATA_ARRAY && r->c->kind != LINTEL_DATA_OBJECT &&
        r->c->kind != LINTEL_DATA_ANY)
        return bad(r, raw->type == LINTEL_T_LIST ? "a list came where a single value is wanted"
                                                 : "an object came where a single value is wanted");
    r->value = *raw;
    return LINTEL_DECODED;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum lintel_decoded
from_raw(struct run *r, const lintel_value *raw)
{
    switch (raw->type) {
    case LINTEL_T_BYTES: return r->c->size != 0 ? from_wire(r, raw) : from_octets(r, raw);
    case LINTEL_T_BOOL:
    case LINTEL_T_INT:
    case LINTEL_T_UINT:
    case LINTEL_T_REAL: return from_typed_number(r, *raw);
    case LINTEL_T_STR: return from_text(r, (struct text){{raw->as.s, raw->len}, 1});
    case LINTEL_T_LIST:
    case LINTEL_T_MAP: return from_structure(r, raw);
    case LINTEL_T_NULL: return LINTEL_DECODED_NONE;
    default: return bad(r, "the plugin gave a value of no known type");
    }
}

static enum lintel_decoded
judge(const struct lintel_codec *c, const lintel_value *v, char reason[LINTEL_REASON])
{
    switch (lintel_data_fit(c->data, v, reason)) {
    case LINTEL_FIT_OK: return LINTEL_DECODED;
    case LINTEL_FIT_RANGE: return LINTEL_DECODED_RANGE;
    default: return LINTEL_DECODED_BAD;
    }
}

enum lintel_decoded
lintel_codec_decode(const struct lintel_codec *c, const lintel_value *raw,
                    struct lintel_payload *payload, int32_t exponent, struct lintel_decoding *d,
                    lintel_value *ret, int64_t *raw_number)
{
    struct run r = {.c = c, .scratch = {d, payload, 0}, .raw_number = raw_number};
    lintel_value part;
    enum lintel_decoded outcome;
    if (c->parses) {
        outcome = payload_part(c, raw, payload, &part, d->reason);
        if (outcome != LINTEL_DECODED)
            return outcome;
        raw = &part;
    }
    if (c->scale_from != NULL) {
        if (!power_allowed(exponent)) {
            lintel_format(d->reason, LINTEL_REASON,
                          "the scale factor %s is 10^%d, beyond 10^-10 .. 10^10", c->scale_from,
                          (int)exponent);
            return LINTEL_DECODED_BAD;
        }
        r.power = exponent;
    }
    outcome = from_raw(&r, raw);
    if (outcome == LINTEL_DECODED && c->judged)
        outcome = judge(c, &r.value, d->reason);
    if (outcome == LINTEL_DECODED || outcome == LINTEL_DECODED_RANGE)
        copy(ret, &r.value);
    return outcome;
}
