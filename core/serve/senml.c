/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/senml.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/serve/format.h"

/* Labels by their number in CBOR (RFC 8428 table 4), from -6. */
enum { FIRST = -6, LAST = 8, NLABELS = LAST - FIRST + 1 };
enum { BS = -6, BV, BU, BT, BN, BVER, N, U, V, VS, VB, S, T, UT, VD };
static const char *const labels[NLABELS] = {"bs", "bv", "bu", "bt", "bn", "bver", "n", "u",
                                            "v",  "vs", "vb", "s",  "t",  "ut",   "vd"};

/* ---- writing --------------------------------------------------------------------------------- */

void
lintel_senml_begin(struct lintel_senml_writer *w, struct lintel_buf *b, int cbor, uint32_t records)
{
    *w = (struct lintel_senml_writer){b, cbor, 0};
    if (cbor)
        lintel_cbor_array(b, records);
    else
        lintel_buf_addc(b, '[');
}

void
lintel_senml_end(struct lintel_senml_writer *w)
{
    if (!w->cbor)
        lintel_buf_addc(w->b, ']');
}

struct record { /* one being written */
    struct lintel_buf *b;
    int cbor, members;
};

static void
label(struct record *r, int which)
{
    if (r->cbor) {
        lintel_cbor_int(r->b, which);
        return;
    }
    lintel_buf_addc(r->b, r->members++ == 0 ? '{' : ',');
    lintel_buf_addc(r->b, '"');
    lintel_buf_adds(r->b, labels[which - FIRST]);
    lintel_buf_add(r->b, "\":", 2);
}

static void
text(struct record *r, int which, struct lintel_str s)
{
    if (s.n == 0)
        return;
    label(r, which);
    if (r->cbor)
        lintel_cbor_str(r->b, s.p, s.n);
    else
        lintel_buf_add_json_str(r->b, s.p, s.n);
}

/* Seconds, to the microsecond, without the rounding of a double in JSON. */
static void
seconds(struct record *r, int which, int64_t ns)
{
    int64_t us = ns / 1000, rest = us % 1000000;
    label(r, which);
    if (rest == 0 && r->cbor) {
        lintel_cbor_int(r->b, us / 1000000);
    } else if (r->cbor) {
        lintel_cbor_real(r->b, (double)us / 1e6);
    } else {
        char digits[32];
        int n = snprintf(digits, sizeof digits, "%s%lld.%06lld", us < 0 ? "-" : "",
                         (long long)(us < 0 ? -(us / 1000000) : us / 1000000),
                         (long long)(rest < 0 ? -rest : rest));
        while (digits[n - 1] == '0')
            n--;
        lintel_buf_add(r->b, digits, (size_t)(digits[n - 1] == '.' ? n - 1 : n));
    }
}

static int
value_label(const lintel_value *v)
{
    switch (v->type) {
    case LINTEL_T_BOOL: return VB;
    case LINTEL_T_INT:
    case LINTEL_T_UINT:
    case LINTEL_T_REAL: return V;
    case LINTEL_T_BYTES: return VD;
    default: return VS;
    }
}

static void
value(struct record *r, const lintel_value *v)
{
    label(r, value_label(v));
    if (v->type != LINTEL_T_LIST && v->type != LINTEL_T_MAP) {
        lintel_format_write(r->b, r->cbor ? LINTEL_FORMAT_CBOR : LINTEL_FORMAT_JSON, v);
        return;
    }
    struct lintel_buf json = {0};
    lintel_format_write(&json, LINTEL_FORMAT_JSON, v);
    if (json.failed)
        r->b->failed = 1;
    else if (r->cbor)
        lintel_cbor_str(r->b, json.p, json.n);
    else
        lintel_buf_add_json_str(r->b, json.p, json.n);
    lintel_buf_fini(&json);
}

void
lintel_senml_record(struct lintel_senml_writer *w, const struct lintel_senml_fields *f)
{
    struct record r = {w->b, w->cbor, 0};
    int has_value = f->value != NULL && f->value->type != LINTEL_T_NULL;
    if (w->cbor)
        lintel_cbor_map(w->b, (size_t)((f->bn.n != 0) + (f->bu.n != 0) + f->has_bt + (f->n.n != 0) +
                                       (f->u.n != 0) + has_value + f->has_t + (f->ut != 0) +
                                       (f->quality != NULL)));
    else if (w->count++ != 0)
        lintel_buf_addc(w->b, ',');
    text(&r, BN, f->bn);
    if (f->has_bt)
        seconds(&r, BT, f->bt);
    text(&r, BU, f->bu);
    text(&r, N, f->n);
    text(&r, U, f->u);
    if (has_value)
        value(&r, f->value);
    if (f->has_t)
        seconds(&r, T, f->t);
    if (f->ut != 0)
        seconds(&r, UT, f->ut);
    if (f->quality != NULL && w->cbor) {
        lintel_cbor_str(w->b, "quality", 7);
        lintel_cbor_str(w->b, f->quality, strlen(f->quality));
    } else if (f->quality != NULL) {
        lintel_buf_adds(w->b, r.members++ == 0 ? "{\"quality\":" : ",\"quality\":");
        lintel_buf_add_json_str(w->b, f->quality, strlen(f->quality));
    }
    if (!w->cbor)
        lintel_buf_adds(w->b, r.members == 0 ? "{}" : "}");
}

/* ---- reading --------------------------------------------------------------------------------- */

struct raw { /* a record as it stands; type NULL: not there */
    lintel_value field[NLABELS];
};
#define FIELD(raw, which) (&(raw)->field[(which)-FIRST])

struct base { /* what the base fields of the records so far say */
    struct lintel_str name, unit;
    double time;
    int has_value, has_sum, version;
    double value, sum;
};

__attribute__((format(printf, 2, 3))) static int
fail(char reason[LINTEL_REASON], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, LINTEL_REASON, format, args);
    va_end(args);
    return -1;
}

/* 0 where there is none. */
static double
number(const lintel_value *v)
{
    double ret = 0;
    lintel_value_number(v, &ret);
    return ret;
}

static int
check_types(const struct raw *raw, uint32_t at, char reason[LINTEL_REASON])
{
    for (int which = FIRST; which <= LAST; which++) {
        const lintel_value *v = FIELD(raw, which);
        int right;
        switch (which) {
        case BU:
        case BN:
        case N:
        case U:
        case VS: right = v->type == LINTEL_T_STR; break;
        case VB: right = v->type == LINTEL_T_BOOL; break;
        case VD: right = v->type == LINTEL_T_BYTES; break;
        case BVER: right = v->type == LINTEL_T_INT; break;
        default: right = lintel_value_number(v, NULL); break;
        }
        if (v->type != LINTEL_T_NULL && !right)
            return fail(reason, "record %u: \"%s\" is of a wrong type", at, labels[which - FIRST]);
    }
    return 0;
}

/* 10 is RFC 8428; 16 more is the feature "secondary units" (RFC 9100). */
static int
check_version(struct base *base, const lintel_value *bver, uint32_t at, char reason[LINTEL_REASON])
{
    int64_t version = bver->type == LINTEL_T_NULL ? 0 : bver->as.i;
    if (version == 0 && bver->type == LINTEL_T_NULL)
        return 0;
    if (version < 1 || (version > 10 && version != 26))
        return fail(reason, "record %u: SenML version %lld is not known here (10 is)", at,
                    (long long)version);
    if (base->version != 0 && base->version != version)
        return fail(reason, "record %u: another \"bver\" than before", at);
    base->version = (int)version;
    return 0;
}

static void
take_base(struct base *base, const struct raw *raw)
{
    const lintel_value *v;
    if ((v = FIELD(raw, BN))->type != LINTEL_T_NULL)
        base->name = (struct lintel_str){v->as.s, v->len};
    if ((v = FIELD(raw, BU))->type != LINTEL_T_NULL)
        base->unit = (struct lintel_str){v->as.s, v->len};
    if ((v = FIELD(raw, BT))->type != LINTEL_T_NULL)
        base->time = number(v);
    if ((v = FIELD(raw, BV))->type != LINTEL_T_NULL) {
        base->has_value = 1;
        base->value = number(v);
    }
    if ((v = FIELD(raw, BS))->type != LINTEL_T_NULL) {
        base->has_sum = 1;
        base->sum = number(v);
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

static int
resolve_name(const struct base *base, const lintel_value *n, uint32_t at, struct lintel_arena *a,
             struct lintel_str *ret, char reason[LINTEL_REASON])
{
    size_t own = n->type == LINTEL_T_NULL ? 0 : n->len, size = base->name.n + own;
    char *name = lintel_arena_alloc(a, size + 1);
    if (name == NULL)
        return fail(reason, "out of memory");
    if (base->name.n != 0)
        memcpy(name, base->name.p, base->name.n);
    if (own != 0)
        memcpy(name + base->name.n, n->as.s, own);
    if (!is_name(name, size))
        return fail(reason,
                    "record %u: a name has A-Z a-z 0-9 - : . / _ and starts with a letter or digit",
                    at);
    *ret = (struct lintel_str){name, size};
    return 0;
}

static int
resolve_value(const struct base *base, const struct raw *raw, uint32_t at, lintel_value *ret,
              char reason[LINTEL_REASON])
{
    static const int kinds[] = {V, VS, VB, VD};
    const lintel_value *found = NULL;
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++) {
        const lintel_value *v = FIELD(raw, kinds[i]);
        if (v->type == LINTEL_T_NULL)
            continue;
        if (found != NULL)
            return fail(reason, "record %u: more than one value", at);
        found = v;
    }
    *ret = found == NULL ? (lintel_value){0} : *found;
    if (base->has_value && (found == NULL || found == FIELD(raw, V)))
        *ret = (lintel_value){.type = LINTEL_T_REAL,
                              .as.r = base->value + (found == NULL ? 0 : number(found))};
    if (ret->type == LINTEL_T_REAL && !isfinite(ret->as.r))
        return fail(reason, "record %u: the value is too large", at);
    return 0;
}

static int
resolve(struct base *base, const struct raw *raw, uint32_t at, struct lintel_arena *a,
        struct lintel_senml_record *ret, char reason[LINTEL_REASON])
{
    if (check_types(raw, at, reason) != 0 || check_version(base, FIELD(raw, BVER), at, reason) != 0)
        return -1;
    take_base(base, raw);
    *ret = (struct lintel_senml_record){.unit = base->unit};
    if (resolve_name(base, FIELD(raw, N), at, a, &ret->name, reason) != 0 ||
        resolve_value(base, raw, at, &ret->value, reason) != 0)
        return -1;
    const lintel_value *u = FIELD(raw, U), *s = FIELD(raw, S);
    if (u->type != LINTEL_T_NULL)
        ret->unit = (struct lintel_str){u->as.s, u->len};
    if (ret->unit.p == NULL)
        ret->unit = lintel_str("");
    ret->has_sum = s->type != LINTEL_T_NULL || base->has_sum;
    ret->sum = number(s) + base->sum;
    ret->has_time = FIELD(raw, T)->type != LINTEL_T_NULL || base->time != 0;
    ret->time = number(FIELD(raw, T)) + base->time;
    ret->has_update = FIELD(raw, UT)->type != LINTEL_T_NULL;
    ret->update = number(FIELD(raw, UT));
    if (ret->value.type == LINTEL_T_NULL && !ret->has_sum)
        return fail(reason, "record %u: no value", at);
    return 0;
}

/* Labels that are not known are ignored, but those that must be understood (section 4.4). */
static int
check_unknown(const char *name, size_t n, uint32_t at, char reason[LINTEL_REASON])
{
    if (n > 0 && name[n - 1] == '_')
        return fail(reason, "record %u: \"%.*s\" is not understood", at, (int)(n > 60 ? 60 : n),
                    name);
    return 0;
}

static int
json_scalar(const json_t *j, int which, struct lintel_arena *a, lintel_value *ret)
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
        ret->type = which == VD ? LINTEL_T_BYTES : LINTEL_T_STR;
        ret->as.p = which == VD
                        ? (const void *)lintel_base64url_read(json_string_value(j), n, a, &n)
                        : lintel_arena_strndup(a, json_string_value(j), n);
        ret->len = (uint32_t)n;
        return ret->as.p == NULL ? -1 : 0;
    default: return -1;
    }
}

static int
json_record(json_t *j, uint32_t at, struct lintel_arena *a, struct raw *ret,
            char reason[LINTEL_REASON])
{
    const char *name;
    json_t *member;
    json_object_foreach(j, name, member)
    {
        int which = FIRST;
        while (which <= LAST && strcmp(labels[which - FIRST], name) != 0)
            which++;
        if (which > LAST) {
            if (check_unknown(name, strlen(name), at, reason) != 0)
                return -1;
        } else if (json_scalar(member, which, a, FIELD(ret, which)) != 0) {
            return fail(reason, "record %u: \"%s\" is of a wrong type", at, name);
        }
    }
    return 0;
}

typedef int read_record(const void *source, size_t i, struct lintel_arena *a, struct raw *ret,
                        char reason[LINTEL_REASON]);

static int
read_records(read_record *fn, const void *source, size_t n, struct lintel_arena *a,
             struct lintel_senml_record **ret, uint32_t *ret_n, char reason[LINTEL_REASON])
{
    struct base base = {.name = {"", 0}, .unit = {"", 0}};
    if (n > LINTEL_SENML_RECORDS_MOST)
        return fail(reason, "a pack has at most %d records", LINTEL_SENML_RECORDS_MOST);
    struct lintel_senml_record *records = lintel_arena_alloc(a, n * sizeof *records + 1);
    if (records == NULL)
        return fail(reason, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct raw raw = {0};
        if (fn(source, i, a, &raw, reason) != 0 ||
            resolve(&base, &raw, (uint32_t)i + 1, a, &records[i], reason) != 0)
            return -1;
    }
    *ret = records;
    *ret_n = (uint32_t)n;
    return 0;
}

static int
next_json(const void *source, size_t i, struct lintel_arena *a, struct raw *ret,
          char reason[LINTEL_REASON])
{
    json_t *j = json_array_get(source, i);
    if (!json_is_object(j))
        return fail(reason, "record %zu is not an object", i + 1);
    return json_record(j, (uint32_t)i + 1, a, ret, reason);
}

static int
read_json(const char *p, size_t n, struct lintel_arena *a, struct lintel_senml_record **ret,
          uint32_t *ret_n, char reason[LINTEL_REASON])
{
    json_error_t error;
    json_t *j = json_loadb(p, n, JSON_REJECT_DUPLICATES, &error);
    if (j == NULL)
        return fail(reason, "not JSON: %.120s, at byte %d", error.text, error.position);
    int result = json_is_array(j)
                     ? read_records(next_json, j, json_array_size(j), a, ret, ret_n, reason)
                     : fail(reason, "a SenML pack is an array of records");
    json_decref(j);
    return result;
}

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
    *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = strtod(digits, NULL)};
    return isfinite(ret->as.r) ? 0 : -1;
}

static int
cbor_scalar(struct lintel_cbor *c, struct lintel_arena *a, lintel_value *ret)
{
    struct lintel_cbor ahead = *c;
    struct lintel_cbor_item item;
    if (lintel_cbor_next(&ahead, &item) != LINTEL_CBOR_TAG)
        return lintel_cbor_read_value(c, a, 1, ret) == 0 && ret->type != LINTEL_T_NULL ? 0 : -1;
    *c = ahead;
    return item.u == 4 ? cbor_decimal(c, ret) : -1;
}

static int
next_cbor(const void *source, size_t i, struct lintel_arena *a, struct raw *ret,
          char reason[LINTEL_REASON])
{
    struct lintel_cbor *c = *(struct lintel_cbor *const *)source;
    size_t n;
    if (lintel_cbor_read_map(c, SIZE_MAX, &n) != 0)
        return fail(reason, "record %zu is not a map", i + 1);
    for (; n > 0; n--) {
        struct lintel_cbor_item key;
        lintel_cbor_next(c, &key);
        int64_t which = key.kind == LINTEL_CBOR_UINT && key.u <= LAST ? (int64_t)key.u
                        : key.kind == LINTEL_CBOR_NINT                ? key.i
                                                                      : LAST + 1;
        if (key.kind != LINTEL_CBOR_STR && key.kind != LINTEL_CBOR_UINT &&
            key.kind != LINTEL_CBOR_NINT)
            return fail(reason, "record %zu: a label is a number or a text", i + 1);
        if (which >= FIRST && which <= LAST) {
            lintel_value *field = FIELD(ret, which);
            if (field->type != LINTEL_T_NULL)
                return fail(reason, "record %zu: \"%s\" stands twice", i + 1,
                            labels[which - FIRST]);
            if (cbor_scalar(c, a, field) != 0)
                return fail(reason, "record %zu: \"%s\" is of a wrong type", i + 1,
                            labels[which - FIRST]);
        } else {
            if (key.kind == LINTEL_CBOR_STR &&
                check_unknown(key.p, key.n, (uint32_t)i + 1, reason) != 0)
                return -1;
            if (lintel_cbor_skip(c) != 0)
                return fail(reason, "record %zu is not well-formed CBOR", i + 1);
        }
    }
    return 0;
}

static int
read_cbor(const char *p, size_t n, struct lintel_arena *a, struct lintel_senml_record **ret,
          uint32_t *ret_n, char reason[LINTEL_REASON])
{
    struct lintel_cbor cursor = {(const unsigned char *)p, n}, *c = &cursor;
    size_t records;
    if (lintel_cbor_read_array(c, SIZE_MAX, &records) != 0)
        return fail(reason, "a SenML pack is an array of definite length");
    if (read_records(next_cbor, &c, records, a, ret, ret_n, reason) != 0)
        return -1;
    return c->left == 0 ? 0 : fail(reason, "bytes behind the pack");
}

int
lintel_senml_read(int cbor, const char *p, size_t n, struct lintel_arena *a,
                  struct lintel_senml_record **ret, uint32_t *ret_n, char reason[LINTEL_REASON])
{
    return cbor ? read_cbor(p, n, a, ret, ret_n, reason) : read_json(p, n, a, ret, ret_n, reason);
}
