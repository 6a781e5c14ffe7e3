/* SPDX-License-Identifier: Apache-2.0
 * Value of the model -> raw value: decoding, backwards. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/model/codec_program.h"

struct run {
    const struct lintel_codec *c;
    const lintel_value *given; /* the model's value */
    const lintel_value *prior;
    int32_t power;
    struct lintel_buf *out;
    lintel_value *ret;
    char *reason;
};

static lintel_status
refuse(struct run *r, lintel_status status, const char *reason)
{
    lintel_copy(r->reason, LINTEL_REASON, reason);
    return status;
}

/* ---- what goes out --------------------------------------------------------------------------- */

static lintel_status
sent_bytes(struct run *r)
{
    if (r->out->failed)
        return refuse(r, LINTEL_E_NOMEM, "out of memory");
    const char *p = lintel_buf_str(r->out);
    if (r->out->failed)
        return refuse(r, LINTEL_E_NOMEM, "out of memory");
    *r->ret = (lintel_value){.type = LINTEL_T_BYTES, .len = (uint32_t)r->out->n, .as.p = p};
    return LINTEL_OK;
}

static lintel_status
send_json(struct run *r, const lintel_value *v)
{
    if (payload_open(&r->c->pointer, r->out) != 0)
        return refuse(
            r, LINTEL_E_NOTSUP,
            "a member of a list can't be written alone; give write: a pointer without numbers");
    payload_put_json(v, r->out);
    payload_close(&r->c->pointer, r->out);
    return sent_bytes(r);
}

static lintel_status
send_typed(struct run *r, const lintel_value *v)
{
    *r->ret = *v;
    return LINTEL_OK;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* What is in out, filled up with NUL to what the device takes, in its order. */
static lintel_status
send_padded(struct run *r)
{
    const struct lintel_codec *c = r->c;
    while (r->out->n < c->wire_bytes && !r->out->failed)
        lintel_buf_addc(r->out, '\0');
    if (c->swaps && r->out->p != NULL)
        swap_words((unsigned char *)r->out->p, r->out->n);
    return sent_bytes(r);
}

static lintel_status
send_text(struct run *r, struct lintel_str s)
{
    const struct lintel_codec *c = r->c;
    lintel_value text = {.type = LINTEL_T_STR, .len = (uint32_t)s.n, .as.s = s.p};
    if (c->size != 0)
        return refuse(r, LINTEL_E_TYPE, "a text can't be sent as a number");
    if (c->has_pointer)
        return send_json(r, &text);
    if (c->typed_out) {
        lintel_buf_add(r->out, s.p, s.n);
        lintel_status st = sent_bytes(r);
        if (st == LINTEL_OK) { /* a NUL stands behind it there */
            r->ret->type = LINTEL_T_STR;
            r->ret->as.s = r->out->p;
        }
        return st;
    }
    const char *wrong = put_octets_of_text(c->code, s, r->out);
    if (wrong != NULL)
        return refuse(r, LINTEL_E_RANGE, wrong);
    if (c->wire_bytes != 0 && r->out->n > c->wire_bytes) {
        lintel_format(r->reason, LINTEL_REASON, "the text has %zu bytes, and the device takes %u",
                      r->out->n, c->wire_bytes);
        return LINTEL_E_RANGE;
    }
    return send_padded(r);
}

static lintel_status
send_octets(struct run *r, struct lintel_str octets)
{
    const struct lintel_codec *c = r->c;
    int coded = c->code == CODE_HEX || c->code == CODE_BASE64;
    if (c->size != 0)
        return refuse(r, LINTEL_E_TYPE, "bytes can't be sent as a number");
    if (c->has_pointer) {
        if (payload_open(&c->pointer, r->out) != 0)
            return send_json(r, r->given); /* which says why not */
        lintel_buf_addc(r->out, '"');
        put_text_of_octets(c->code == CODE_HEX ? CODE_HEX : CODE_BASE64, octets, r->out);
        lintel_buf_addc(r->out, '"');
        payload_close(&c->pointer, r->out);
        return sent_bytes(r);
    }
    if (c->typed_out)
        return send_typed(r, r->given);
    if (c->type == WIRE_STRING && coded)
        put_text_of_octets(c->code, octets, r->out);
    else
        lintel_buf_add(r->out, octets.p, octets.n);
    if (c->wire_bytes != 0 && r->out->n > c->wire_bytes) {
        lintel_format(r->reason, LINTEL_REASON, "%zu bytes are too many, the device takes %u",
                      r->out->n, c->wire_bytes);
        return LINTEL_E_RANGE;
    }
    return send_padded(r);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static lintel_wide
wide_of(const lintel_value *v)
{
    return v->type == LINTEL_T_UINT ? (lintel_wide)v->as.u : (lintel_wide)v->as.i;
}

static void
print_bound(lintel_wide w, char out[LINTEL_REAL_TEXT])
{
    lintel_value v = {.type = LINTEL_T_INT};
    if (w > INT64_MAX)
        v = (lintel_value){.type = LINTEL_T_UINT, .as.u = (uint64_t)w};
    else
        v.as.i = (int64_t)w;
    number_print(&v, out);
}

static lintel_status
does_not_fit(struct run *r, const char *number, const char *what, lintel_wide low, lintel_wide high)
{
    char given[LINTEL_REAL_TEXT], least[LINTEL_REAL_TEXT], most[LINTEL_REAL_TEXT];
    print_bound(low, least);
    print_bound(high, most);
    given[0] = '\0';
    if (r->given->type >= LINTEL_T_INT && r->given->type <= LINTEL_T_REAL)
        number_print(r->given, given);
    if (given[0] != '\0' && strcmp(given, number) != 0)
        lintel_format(r->reason, LINTEL_REASON,
                      "%s is %s on the wire, and that does not fit %s (%s .. %s)", given, number,
                      what, least, most);
    else
        lintel_format(r->reason, LINTEL_REASON, "%s does not fit %s (%s .. %s)", number, what,
                      least, most);
    return LINTEL_E_RANGE;
}

static lintel_status
number_does_not_fit(struct run *r, const lintel_value *number)
{
    char text[LINTEL_REAL_TEXT];
    lintel_wide low, high;
    number_print(number, text);
    wire_range(r->c->type, r->c->size, &low, &high);
    return does_not_fit(
        r, text, *lintel_codec_types[r->c->type] ? lintel_codec_types[r->c->type] : "64 bits", low,
        high);
}

/* The new field among the bits that the device has now. */
static lintel_status
merge_field(struct run *r, lintel_value *number, const unsigned char **ret_before)
{
    const struct lintel_codec *c = r->c;
    const lintel_value *prior = r->prior;
    uint64_t mask = c->width == 64 ? UINT64_MAX : ((uint64_t)1 << c->width) - 1, whole;
    if (wide_of(number) < 0 || wide_of(number) > (lintel_wide)mask) {
        char text[LINTEL_REAL_TEXT], what[16];
        number_print(number, text);
        lintel_format(what, sizeof what, "%u bit%s", c->width, c->width == 1 ? "" : "s");
        return does_not_fit(r, text, what, 0, (lintel_wide)mask);
    }
    if (c->has_pointer)
        return refuse(r, LINTEL_E_NOTSUP, "bits of a number in a payload can't be written");
    *ret_before = NULL;
    if (!lintel_codec_needs_prior(c)) {
        whole = 0;
    } else if (prior == NULL) {
        return refuse(r, LINTEL_E_FAIL,
                      "a bit is written into the value that the device has, and that is not known");
    } else if (prior->type == LINTEL_T_BYTES && c->size != 0 && prior->len >= c->wire_bytes) {
        *ret_before = prior->as.p;
        whole = wire_bits(c, prior->as.p);
    } else if ((prior->type == LINTEL_T_INT && prior->as.i >= 0) || prior->type == LINTEL_T_UINT) {
        whole = prior->as.u;
    } else {
        return refuse(r, LINTEL_E_TYPE,
                      "the value that the device has is no whole number, so it has no bits");
    }
    whole = (whole & ~(mask << c->bit)) | (number->as.u & mask) << c->bit;
    *number =
        (lintel_value){.type = whole > INT64_MAX ? LINTEL_T_UINT : LINTEL_T_INT, .as.u = whole};
    return LINTEL_OK;
}

static lintel_status
send_wire(struct run *r, const lintel_value *number, const unsigned char *before)
{
    const struct lintel_codec *c = r->c;
    unsigned char wire[UNIT_MOST];
    int negative = number->type == LINTEL_T_INT && number->as.i < 0 && wire_is_signed(c->type);
    uint64_t bits = wire_from_number(c, number);
    wire_put(c, bits, negative, wire);
    if (before != NULL) { /* the unit's other bytes stay as they are */
        unsigned char ours[UNIT_MOST];
        memcpy(ours, wire, c->wire_bytes);
        memcpy(wire, before, c->wire_bytes);
        for (uint32_t i = 0; i < c->size; i++)
            wire[c->place[i]] = ours[c->place[i]];
    }
    lintel_buf_add(r->out, wire, c->wire_bytes);
    return sent_bytes(r);
}

/* number: BOOL, INT, UINT or REAL, already rounded to what the wire has. */
static lintel_status
send_number(struct run *r, lintel_value number)
{
    const struct lintel_codec *c = r->c;
    const unsigned char *before = NULL;
    int whole = wire_is_integer(c->type) || c->type == WIRE_BCD || c->type == WIRE_BOOL;
    if (c->type == WIRE_BYTES)
        return refuse(r, LINTEL_E_TYPE, "a number can't be sent as bytes");
    for (uint32_t i = 0; i < c->ninvalid; i++) {
        int real = c->type == WIRE_F32 || c->type == WIRE_F64;
        uint64_t bits = real && c->size != 0 ? wire_from_number(c, &number) : 0;
        if (raw_word_is(&c->invalid[i], &number, bits, real && c->size != 0)) {
            lintel_format(r->reason, LINTEL_REASON, "%s means \"no value\" to the device",
                          c->invalid[i].text);
            return LINTEL_E_RANGE;
        }
    }
    if (c->width != 0) {
        lintel_status st = merge_field(r, &number, &before);
        if (st != LINTEL_OK)
            return st;
    }
    if (whole && !wire_holds(c->type, c->size, wide_of(&number)))
        return number_does_not_fit(r, &number);
    if (c->type == WIRE_BOOL)
        number.type = LINTEL_T_BOOL;
    if (c->typed_out && c->type != WIRE_STRING)
        return send_typed(r, &number);
    if (c->size != 0 && !c->has_pointer)
        return send_wire(r, &number, before);
    char text[LINTEL_REAL_TEXT];
    if (c->has_pointer && c->type != WIRE_STRING)
        return send_json(r, &number);
    if (number.type == LINTEL_T_BOOL)
        lintel_copy(text, sizeof text, number.as.i ? "true" : "false");
    else
        number_print(&number, text);
    return send_text(r, lintel_str(text));
}

static int
wide_value(lintel_wide w, lintel_value *ret)
{
    if (w < INT64_MIN || w > UINT64_MAX)
        return 0;
    *ret =
        (lintel_value){.type = w > INT64_MAX ? LINTEL_T_UINT : LINTEL_T_INT, .as.u = (uint64_t)w};
    return 1;
}

static int
whole_of_real(long double x, lintel_value *ret)
{
    x = roundl(x);
    return x >= -0x1p63L && x < 0x1p64L && wide_value((lintel_wide)x, ret);
}

/* Undoes scale and offset. whole: to the nearest step of the wire. 0: beyond every wire. */
static int
unscale(struct run *r, const lintel_value *v, int whole, lintel_value *ret)
{
    const struct lintel_codec *c = r->c;
    struct lintel_few few;
    struct lintel_ratio ratio;
    int exact = 0;
    if (!c->scaled) {
        *ret = *v;
        return v->type != LINTEL_T_REAL || !whole || whole_of_real((long double)v->as.r, ret);
    }
    if (v->type != LINTEL_T_REAL)
        exact = lintel_exact_from(&c->exact, wide_of(v), 0, r->power, &ratio);
    else if (lintel_few_digits(v->as.r, &few))
        exact = lintel_exact_from(&c->exact, few.m, few.k, r->power, &ratio);
    if (exact && whole)
        return wide_value(lintel_ratio_whole(ratio), ret);
    long double from = 0;
    if (!exact)
        from = lintel_exact_from_rounded(
            &c->exact, v->type == LINTEL_T_REAL ? (long double)v->as.r : (long double)wide_of(v),
            r->power);
    if (whole)
        return whole_of_real(from, ret);
    *ret = (lintel_value){.type = LINTEL_T_REAL,
                          .as.r = exact ? lintel_ratio_real(ratio) : (double)from};
    return isfinite(ret->as.r);
}

static lintel_status
from_number(struct run *r, const lintel_value *v)
{
    const struct lintel_codec *c = r->c;
    int whole =
        wire_is_integer(c->type) || c->type == WIRE_BCD || c->type == WIRE_BOOL || c->width != 0;
    lintel_value number;
    if (v->type == LINTEL_T_REAL && !isfinite(v->as.r))
        return refuse(r, LINTEL_E_TYPE, "NaN and infinity can't be written");
    if (!unscale(r, v, whole, &number)) {
        char text[LINTEL_REAL_TEXT];
        number_print(v, text);
        lintel_format(r->reason, LINTEL_REASON, "%s does not fit %s", text,
                      whole ? lintel_codec_types[c->type] : "a number");
        return LINTEL_E_RANGE;
    }
    if (c->type == WIRE_F32 && c->size != 0 && !c->has_pointer && number.type == LINTEL_T_REAL &&
        isinf((float)number.as.r)) {
        char text[LINTEL_REAL_TEXT];
        number_print(&number, text);
        lintel_format(r->reason, LINTEL_REASON, "%s does not fit f32 (up to 3.4e38)", text);
        return LINTEL_E_RANGE;
    }
    return send_number(r, number);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int
value_equal(const lintel_value *a, const lintel_value *b)
{
    int a_number = a->type >= LINTEL_T_INT && a->type <= LINTEL_T_REAL;
    int b_number = b->type >= LINTEL_T_INT && b->type <= LINTEL_T_REAL;
    if (a_number && b_number)
        return number_equal(a, b);
    if (a->type != b->type)
        return 0;
    if (a->type == LINTEL_T_BOOL)
        return a->as.i == b->as.i;
    return a->type == LINTEL_T_STR && a->len == b->len &&
           (a->len == 0 || memcmp(a->as.s, b->as.s, a->len) == 0);
}

static lintel_status
from_map(struct run *r, const lintel_value *v)
{
    char text[LINTEL_REAL_TEXT];
    for (uint32_t i = 0; i < r->c->nmap; i++) {
        const struct raw_word *raw = &r->c->map[i].raw;
        if (!value_equal(&r->c->map[i].model, v))
            continue;
        if (raw->number.type == LINTEL_T_NULL || (r->c->type == WIRE_STRING && !r->c->has_pointer))
            return send_text(r, (struct lintel_str){raw->text, raw->ntext});
        return send_number(r, raw->number);
    }
    if (v->type == LINTEL_T_STR) {
        lintel_format(r->reason, LINTEL_REASON, "\"%.60s\" is not in the binding's map", v->as.s);
        return LINTEL_E_RANGE;
    }
    if (v->type > LINTEL_T_REAL)
        return refuse(r, LINTEL_E_TYPE, "this type of value is not in the binding's map");
    if (v->type == LINTEL_T_BOOL)
        lintel_copy(text, sizeof text, v->as.i ? "true" : "false");
    else
        number_print(v, text);
    lintel_format(r->reason, LINTEL_REASON, "%s is not in the binding's map", text);
    return LINTEL_E_RANGE;
}

static lintel_status
from_bool(struct run *r, const lintel_value *v)
{
    lintel_value number = {.type = LINTEL_T_INT, .as.i = v->as.i != 0};
    enum wire_type type = r->c->type;
    if ((type == WIRE_TYPED || type == WIRE_BOOL || type == WIRE_STRING) && r->c->width == 0)
        number.type = LINTEL_T_BOOL;
    return send_number(r, number);
}

static lintel_status
from_text(struct run *r, const lintel_value *v)
{
    lintel_value number;
    struct lintel_str s = {v->as.s, v->len};
    if (r->c->size == 0 && r->c->width == 0)
        return send_text(r, s);
    return text_number(s, &number)
               ? from_number(r, &number)
               : refuse(r, LINTEL_E_TYPE, "the device takes a number, and the text is none");
}

static lintel_status
from_structure(struct run *r, const lintel_value *v)
{
    if (r->c->has_pointer)
        return send_json(r, v);
    if (r->c->typed_out && r->c->type == WIRE_TYPED)
        return send_typed(r, v);
    return refuse(r, LINTEL_E_TYPE, "a list or an object can't be sent this way");
}

lintel_status
lintel_codec_encode(const struct lintel_codec *c, const lintel_value *v, const lintel_value *prior,
                    int32_t exponent, struct lintel_buf *out, lintel_value *ret,
                    char reason[LINTEL_REASON])
{
    struct run r = {c, v, prior, 0, out, ret, reason};
    lintel_buf_reset(out);
    if (v->type == LINTEL_T_NULL)
        return send_typed(&r, v);
    if (c->pattern != NULL)
        return refuse(
            &r, LINTEL_E_NOTSUP,
            "pattern takes a text apart and can't build one; give write: without pattern");
    if (c->scale_from != NULL) {
        if (!power_allowed(exponent)) {
            lintel_format(reason, LINTEL_REASON,
                          "the scale factor %s is 10^%d, beyond 10^-10 .. 10^10", c->scale_from,
                          (int)exponent);
            return LINTEL_E_RANGE;
        }
        r.power = exponent;
    }
    if (c->nmap != 0)
        return from_map(&r, v);
    switch (v->type) {
    case LINTEL_T_BOOL: return from_bool(&r, v);
    case LINTEL_T_INT:
    case LINTEL_T_UINT:
    case LINTEL_T_REAL: return from_number(&r, v);
    case LINTEL_T_STR: return from_text(&r, v);
    case LINTEL_T_BYTES: return send_octets(&r, (struct lintel_str){v->as.p, v->len});
    case LINTEL_T_LIST:
    case LINTEL_T_MAP: return from_structure(&r, v);
    default: return refuse(&r, LINTEL_E_TYPE, "a value of no known type");
    }
}
