/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/senml_read.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/model/json_load.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"
#include "core/serve/senml.h"

enum { FIRST = LINTEL_SENML_FIRST, LAST = LINTEL_SENML_LAST, NLABELS = LINTEL_SENML_NLABELS };
#define LABEL(which) lintel_senml_labels[(which)-FIRST]

struct raw { /* a record as it stands; type NULL: not there */
    lintel_value field[NLABELS];
    int removed;
};
#define FIELD(raw, which) (&(raw)->field[LINTEL_SENML_##which - FIRST])
#define HAS(raw, which) (FIELD(raw, which)->type != LINTEL_T_NULL)

struct base { /* what the base fields of the records so far say */
    struct lintel_str name, unit;
    double time;
    int has_time, has_value, has_sum;
    int64_t version; /* 0: no record yet */
    double value, sum;
};
struct reader {
    enum lintel_senml_kind kind;
    struct lintel_arena *arena;
    struct base base;
    uint32_t at; /* the record, from 1 */
    char *reason;
};
typedef uint32_t code; /* of CoAP; 0: well */

__attribute__((format(printf, 3, 4))) static code
fail(const struct reader *r, code why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->reason, LINTEL_REASON, format, args);
    va_end(args);
    return why;
}

__attribute__((format(printf, 3, 4))) static code
bad_record(const struct reader *r, code why, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->reason, LINTEL_REASON, "record %u: ", r->at);
    va_start(args, format);
    vsnprintf(r->reason + n, LINTEL_REASON - (size_t)n, format, args);
    va_end(args);
    return why;
}

static code
wrong_type(const struct reader *r, int which)
{
    if (which == LINTEL_SENML_VD)
        return bad_record(r, LINTEL_BAD_REQUEST,
                          "\"vd\" is of a wrong type (bytes; in JSON as "
                          "base64url without padding)");
    return bad_record(r, LINTEL_BAD_REQUEST, "\"%s\" is of a wrong type", LABEL(which));
}

/* What is not malformed, but what a record of this kind can't have. */
static code
unfit(const struct reader *r)
{
    return r->kind == LINTEL_SENML_PACK ? LINTEL_BAD_REQUEST : LINTEL_UNPROCESSABLE;
}

/* ---- one record resolved --------------------------------------------------------------------- */

/* 0 where there is none. */
static double
number(const lintel_value *v)
{
    double ret = 0;
    lintel_value_number(v, &ret);
    return ret;
}

static code
check_types(const struct reader *r, const struct raw *raw)
{
    for (int which = FIRST; which <= LAST; which++) {
        const lintel_value *v = &raw->field[which - FIRST];
        double finite = 0;
        int right;
        switch (which) {
        case LINTEL_SENML_BU:
        case LINTEL_SENML_BN:
        case LINTEL_SENML_N:
        case LINTEL_SENML_U:
        case LINTEL_SENML_VS: right = v->type == LINTEL_T_STR; break;
        case LINTEL_SENML_VB: right = v->type == LINTEL_T_BOOL; break;
        case LINTEL_SENML_VD: right = v->type == LINTEL_T_BYTES; break;
        case LINTEL_SENML_BVER: right = v->type == LINTEL_T_INT; break;
        default: right = lintel_value_number(v, &finite) && isfinite(finite); break;
        }
        if (v->type != LINTEL_T_NULL && !right)
            return wrong_type(r, which);
    }
    return 0;
}

static code
check_fetch(const struct reader *r, const struct raw *raw)
{
    for (int which = FIRST; which <= LAST; which++) {
        int selects = which == LINTEL_SENML_N || which == LINTEL_SENML_BN ||
                      which == LINTEL_SENML_T || which == LINTEL_SENML_BT ||
                      which == LINTEL_SENML_U || which == LINTEL_SENML_BU;
        if (!selects && raw->field[which - FIRST].type != LINTEL_T_NULL)
            return bad_record(r, LINTEL_UNPROCESSABLE,
                              "\"%s\" does not select; n, bn, t, bt, u and bu do", LABEL(which));
    }
    return 0;
}

/* 10 is RFC 8428, and what a pack has that says nothing; 16 more is the feature "secondary units"
 * (RFC 9100). */
static code
check_version(struct reader *r, const struct raw *raw)
{
    int64_t version = HAS(raw, BVER) ? FIELD(raw, BVER)->as.i : 0;
    if (HAS(raw, BVER) && (version < 1 || (version > 10 && version != 26)))
        return bad_record(r, LINTEL_BAD_REQUEST,
                          "SenML version %lld is not known here (10 and 26 are)",
                          (long long)version);
    if (version == 0)
        version = r->base.version != 0 ? r->base.version : 10;
    if (r->base.version != 0 && r->base.version != version)
        return bad_record(r, LINTEL_BAD_REQUEST, "another \"bver\" than before (%lld)",
                          (long long)r->base.version);
    r->base.version = version;
    return 0;
}

static void
take_base(struct base *base, const struct raw *raw)
{
    if (HAS(raw, BN))
        base->name = (struct lintel_str){FIELD(raw, BN)->as.s, FIELD(raw, BN)->len};
    if (HAS(raw, BU))
        base->unit = (struct lintel_str){FIELD(raw, BU)->as.s, FIELD(raw, BU)->len};
    if (HAS(raw, BT)) {
        base->has_time = 1;
        base->time = number(FIELD(raw, BT));
    }
    if (HAS(raw, BV)) {
        base->has_value = 1;
        base->value = number(FIELD(raw, BV));
    }
    if (HAS(raw, BS)) {
        base->has_sum = 1;
        base->sum = number(FIELD(raw, BS));
    }
}

static int
is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        int alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || c == '\0' || strchr("-:./_", c) == NULL))
            return 0;
    }
    return 1;
}

static code
resolve_name(const struct reader *r, const lintel_value *n, struct lintel_str *ret)
{
    const struct lintel_str *base = &r->base.name;
    size_t own = n->type == LINTEL_T_NULL ? 0 : n->len, size = base->n + own;
    char *name = lintel_arena_alloc(r->arena, size + 1);
    if (name == NULL)
        return fail(r, LINTEL_INTERNAL, "out of memory");
    if (base->n != 0)
        memcpy(name, base->p, base->n);
    if (own != 0)
        memcpy(name + base->n, n->as.s, own);
    if (!is_name(name, size))
        return bad_record(r, LINTEL_BAD_REQUEST,
                          "a name has A-Z a-z 0-9 - : . / _ and starts with a letter or digit");
    if (size == 0 && r->kind != LINTEL_SENML_PACK)
        return bad_record(r, LINTEL_UNPROCESSABLE, "no name");
    *ret = (struct lintel_str){name, size};
    return 0;
}

static code
resolve_value(const struct reader *r, const struct raw *raw, lintel_value *ret)
{
    const lintel_value *const values[] = {FIELD(raw, V), FIELD(raw, VS), FIELD(raw, VB),
                                          FIELD(raw, VD)};
    const lintel_value *found = NULL;
    for (size_t i = 0; i < LINTEL_COUNT(values); i++) {
        if (values[i]->type == LINTEL_T_NULL)
            continue;
        if (found != NULL || raw->removed)
            return bad_record(r, LINTEL_BAD_REQUEST, "more than one value");
        found = values[i];
    }
    *ret = found == NULL ? (lintel_value){0} : *found;
    if (r->base.has_value && !raw->removed && (found == NULL || found == FIELD(raw, V)))
        *ret = (lintel_value){.type = LINTEL_T_REAL,
                              .as.r = r->base.value + (found == NULL ? 0 : number(found))};
    if (ret->type == LINTEL_T_REAL && !isfinite(ret->as.r))
        return bad_record(r, LINTEL_BAD_REQUEST, "the value is too large");
    return 0;
}

/* Base and own time are added. A sum that changes its meaning by that, from absolute to relative or
 * the other way, was not meant. */
static code
resolve_time(const struct reader *r, const struct raw *raw, struct lintel_senml_record *ret)
{
    double own = number(FIELD(raw, T)), base = r->base.time, sum = own + base;
    int absolute = own >= LINTEL_SENML_ABSOLUTE || base >= LINTEL_SENML_ABSOLUTE;
    if (!isfinite(sum) || absolute != (sum >= LINTEL_SENML_ABSOLUTE))
        return bad_record(r, LINTEL_BAD_REQUEST,
                          "the sum of \"bt\" and \"t\" is on the other side of 2^28 s, where "
                          "absolute times begin");
    ret->has_time = HAS(raw, T) || r->base.has_time;
    ret->time = sum;
    return 0;
}

static code
resolve(struct reader *r, const struct raw *raw, struct lintel_senml_record *ret)
{
    code why = check_types(r, raw);
    *ret = (struct lintel_senml_record){.removed = raw->removed};
    if (why == 0 && r->kind == LINTEL_SENML_FETCH)
        why = check_fetch(r, raw);
    if (why == 0)
        why = check_version(r, raw);
    if (why != 0)
        return why;
    take_base(&r->base, raw);
    if ((why = resolve_name(r, FIELD(raw, N), &ret->name)) != 0 ||
        (why = resolve_value(r, raw, &ret->value)) != 0 || (why = resolve_time(r, raw, ret)) != 0)
        return why;
    const lintel_value *u = FIELD(raw, U);
    ret->unit = u->type != LINTEL_T_NULL ? (struct lintel_str){u->as.s, u->len} : r->base.unit;
    if (ret->unit.p == NULL)
        ret->unit = lintel_str("");
    ret->has_sum = HAS(raw, S) || r->base.has_sum;
    ret->sum = number(FIELD(raw, S)) + r->base.sum;
    ret->has_update = HAS(raw, UT);
    ret->update = number(FIELD(raw, UT));
    if (!isfinite(ret->sum))
        return bad_record(r, LINTEL_BAD_REQUEST, "the sum is too large");
    if (r->kind != LINTEL_SENML_FETCH && ret->value.type == LINTEL_T_NULL && !ret->has_sum &&
        !ret->removed)
        return bad_record(r, unfit(r), "no value");
    return 0;
}

/* Labels that are not known are ignored, but those that must be understood (section 4.4), and but
 * in selectors. */
static code
check_unknown(const struct reader *r, const char *name, size_t n)
{
    int shown = n > 60 ? 60 : (int)n;
    if (r->kind == LINTEL_SENML_FETCH)
        return bad_record(r, LINTEL_UNPROCESSABLE,
                          "\"%.*s\" does not select; n, bn, t, bt, u and bu do", shown, name);
    if (n > 0 && name[n - 1] == '_')
        return bad_record(r, unfit(r), "\"%.*s\" is not understood", shown, name);
    return 0;
}

/* LAST + 1: none of ours. */
static int
label_of(const char *name, size_t n)
{
    int which = FIRST;
    while (which <= LAST && !lintel_str_eq((struct lintel_str){name, n}, LABEL(which)))
        which++;
    return which;
}

typedef code read_record(struct reader *r, const void *source, struct raw *ret);

static code
read_records(struct reader *r, read_record *fn, const void *source, size_t n,
             struct lintel_senml_record **ret, uint32_t *ret_n)
{
    size_t most =
        r->kind == LINTEL_SENML_PACK ? LINTEL_SENML_RECORDS_MOST : LINTEL_ETCH_RECORDS_MOST;
    if (n > most)
        return fail(r, LINTEL_TOO_LARGE, "at most %zu records are taken at once", most);
    if (n == 0 && r->kind != LINTEL_SENML_PACK)
        return fail(r, LINTEL_UNPROCESSABLE, "there is no record in it");
    struct lintel_senml_record *records = lintel_arena_alloc(r->arena, n * sizeof *records + 1);
    if (records == NULL)
        return fail(r, LINTEL_INTERNAL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct raw raw = {0};
        r->at = (uint32_t)i + 1;
        code why = fn(r, source, &raw);
        if (why == 0)
            why = resolve(r, &raw, &records[i]);
        if (why != 0)
            return why;
    }
    *ret = records;
    *ret_n = (uint32_t)n;
    return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static int
json_scalar(const struct reader *r, const json_t *j, int which, lintel_value *ret)
{
    size_t n;
    switch (json_typeof(j)) {
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = json_is_true(j)};
        return 0;
    case JSON_INTEGER:
        *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = json_integer_value(j)};
        return 0;
    case JSON_REAL:
        *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = json_real_value(j)};
        return 0;
    case JSON_STRING:
        n = json_string_length(j);
        ret->type = which == LINTEL_SENML_VD ? LINTEL_T_BYTES : LINTEL_T_STR;
        ret->as.p = which == LINTEL_SENML_VD
                        ? (const void *)lintel_base64url_read(json_string_value(j), n, r->arena, &n)
                        : lintel_arena_strndup(r->arena, json_string_value(j), n);
        ret->len = (uint32_t)n;
        return ret->as.p == NULL ? -1 : 0;
    default: return -1;
    }
}

static code
next_json(struct reader *r, const void *source, struct raw *ret)
{
    json_t *j = json_array_get(source, r->at - 1), *member;
    const char *name;
    if (!json_is_object(j))
        return fail(r, LINTEL_BAD_REQUEST, "record %u is not an object", r->at);
    json_object_foreach(j, name, member)
    {
        int which = label_of(name, strlen(name));
        code why = 0;
        if (which > LAST)
            why = check_unknown(r, name, strlen(name));
        else if (which == LINTEL_SENML_V && r->kind == LINTEL_SENML_PATCH && json_is_null(member))
            ret->removed = 1;
        else if (json_scalar(r, member, which, &ret->field[which - FIRST]) != 0)
            why = wrong_type(r, which);
        if (why != 0)
            return why;
    }
    return 0;
}

static code
read_json(struct reader *r, const char *p, size_t n, struct lintel_senml_record **ret,
          uint32_t *ret_n)
{
    json_error_t error;
    int starved;
    /* What SenML promises of numbers is a double's precision. */
    json_t *j = lintel_json_load_wide(p, n, JSON_REJECT_DUPLICATES, &error, &starved);
    if (starved)
        return fail(r, LINTEL_INTERNAL, "out of memory");
    if (j == NULL)
        return fail(r, LINTEL_BAD_REQUEST, "not JSON: %.120s, at byte %d", error.text,
                    error.position);
    code why = json_is_array(j)
                   ? read_records(r, next_json, j, json_array_size(j), ret, ret_n)
                   : fail(r, LINTEL_BAD_REQUEST, "a SenML pack is an array of records");
    json_decref(j);
    return why;
}

/* ---- CBOR ------------------------------------------------------------------------------------ */

/* 4([exponent, mantissa]) (RFC 8949 section 3.4.4). */
static int
cbor_decimal(struct lintel_cbor *c, lintel_value *ret)
{
    size_t n;
    int64_t exponent, mantissa;
    if (lintel_cbor_read_array(c, 2, &n) != 0 || n != 2 ||
        lintel_cbor_read_int(c, &exponent) != 0 || lintel_cbor_read_int(c, &mantissa) != 0 ||
        exponent < -400 || exponent > 400)
        return -1;
    char digits[64];
    snprintf(digits, sizeof digits, "%llde%lld", (long long)mantissa, (long long)exponent);
    *ret = (lintel_value){.type = LINTEL_T_REAL};
    return lintel_parse_real(digits, strlen(digits), &ret->as.r) && isfinite(ret->as.r) ? 0 : -1;
}

static int
cbor_scalar(const struct reader *r, struct lintel_cbor *c, lintel_value *ret)
{
    struct lintel_cbor ahead = *c;
    struct lintel_cbor_item item;
    if (lintel_cbor_next(&ahead, &item) != LINTEL_CBOR_TAG)
        return lintel_cbor_read_value(c, r->arena, 1, ret);
    *c = ahead;
    return item.u == 4 ? cbor_decimal(c, ret) : -1;
}

static code
cbor_member(struct reader *r, struct lintel_cbor *c, struct raw *ret)
{
    struct lintel_cbor_item key;
    int64_t which = LAST + 1;
    lintel_cbor_next(c, &key);
    if (key.kind == LINTEL_CBOR_STR && label_of(key.p, key.n) <= LAST)
        return bad_record(r, LINTEL_BAD_REQUEST, "the label \"%.*s\" is the number %d in CBOR",
                          (int)key.n, key.p, label_of(key.p, key.n));
    if (key.kind == LINTEL_CBOR_UINT && key.u <= LAST)
        which = (int64_t)key.u;
    else if (key.kind == LINTEL_CBOR_NINT)
        which = key.i;
    else if (key.kind != LINTEL_CBOR_STR && key.kind != LINTEL_CBOR_UINT)
        return bad_record(r, LINTEL_BAD_REQUEST, "a label is a number or a text");
    if (which < FIRST || which > LAST) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld",
                 key.kind == LINTEL_CBOR_UINT ? (long long)key.u : (long long)key.i);
        struct lintel_str name =
            key.kind == LINTEL_CBOR_STR ? (struct lintel_str){key.p, key.n} : lintel_str(digits);
        code why = check_unknown(r, name.p, name.n);
        if (why != 0)
            return why;
        return lintel_cbor_skip(c) == 0
                   ? 0
                   : fail(r, LINTEL_BAD_REQUEST, "record %u is not well-formed CBOR", r->at);
    }
    lintel_value *field = &ret->field[which - FIRST];
    int removes = which == LINTEL_SENML_V && r->kind == LINTEL_SENML_PATCH;
    if (field->type != LINTEL_T_NULL || (removes && ret->removed))
        return bad_record(r, LINTEL_BAD_REQUEST, "\"%s\" stands twice", LABEL(which));
    if (cbor_scalar(r, c, field) != 0 || (field->type == LINTEL_T_NULL && !removes))
        return wrong_type(r, (int)which);
    ret->removed |= field->type == LINTEL_T_NULL;
    return 0;
}

static code
next_cbor(struct reader *r, const void *source, struct raw *ret)
{
    struct lintel_cbor *c = *(struct lintel_cbor *const *)source;
    size_t n;
    code why = 0;
    if (lintel_cbor_read_map(c, SIZE_MAX, &n) != 0)
        return fail(r, LINTEL_BAD_REQUEST, "record %u is not a map of definite length", r->at);
    for (; n > 0 && why == 0; n--)
        why = cbor_member(r, c, ret);
    return why;
}

static code
read_cbor(struct reader *r, const char *p, size_t n, struct lintel_senml_record **ret,
          uint32_t *ret_n)
{
    struct lintel_cbor cursor = {(const unsigned char *)p, n}, *c = &cursor;
    size_t records;
    if (lintel_cbor_read_array(c, SIZE_MAX, &records) != 0)
        return fail(r, LINTEL_BAD_REQUEST, "a SenML pack is an array of definite length");
    code why = read_records(r, next_cbor, &c, records, ret, ret_n);
    if (why == 0 && c->left != 0)
        return fail(r, LINTEL_BAD_REQUEST, "bytes behind the pack");
    return why;
}

uint32_t
lintel_senml_read(enum lintel_senml_kind kind, int cbor, const char *p, size_t n,
                  struct lintel_arena *a, struct lintel_senml_record **ret, uint32_t *ret_n,
                  char reason[LINTEL_REASON])
{
    struct reader r = {
        .kind = kind, .arena = a, .base = {.name = {"", 0}, .unit = {"", 0}}, .reason = reason};
    code why = cbor ? read_cbor(&r, p, n, ret, ret_n) : read_json(&r, p, n, ret, ret_n);
    if (why != 0)
        reason[lintel_utf8_valid(reason, strlen(reason))] = '\0';
    return why;
}
