/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/format.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/model/json_load.h"
#include "core/serve/codes.h"

enum { DEPTH_MOST = 32 };

int32_t
lintel_format_choose(const lintel_exchange *x, const int32_t *offered, uint32_t n)
{
    if (x->naccept == 0)
        return offered[0];
    for (uint32_t i = 0; i < x->naccept; i++)
        for (uint32_t k = 0; k < n; k++)
            if (x->accept[i] == offered[k])
                return offered[k];
    return LINTEL_FORMAT_NONE;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
write_digits(struct lintel_buf *b, int negative, uint64_t v, unsigned decimals)
{
    char text[32];
    size_t at = sizeof text;
    for (unsigned k = 0; v != 0 || k <= decimals; k++) {
        if (k == decimals && decimals != 0)
            text[--at] = '.';
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    }
    if (negative)
        text[--at] = '-';
    lintel_buf_add(b, text + at, sizeof text - at);
}

/* A number of at most 15 digits, of which few stand behind the point, is found without the C
 * library's search: digits / 10^k, both exact, is correctly rounded, so it reads back as v, and the
 * smallest k is the shortest. */
void
lintel_real_write(struct lintel_buf *b, double v)
{
    static const double powers[] = {1, 10, 100, 1e3, 1e4};
    double size = fabs(v);
    for (unsigned k = 0; size < 1e9 && k < LINTEL_COUNT(powers); k++) {
        double digits = rint(size * powers[k]);
        if (digits / powers[k] == size) {
            write_digits(b, v < 0, (uint64_t)digits, k);
            return;
        }
    }
    lintel_buf_add_json_real(b, v);
}

void
lintel_base64url_write(struct lintel_buf *b, const void *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *s = p;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)s[i] << 16 | (uint32_t)(have > 1 ? s[i + 1] : 0) << 8 |
                     (uint32_t)(have > 2 ? s[i + 2] : 0);
        char text[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        lintel_buf_add(b, text, have + 1);
    }
}

static void
write_json(struct lintel_buf *b, const lintel_value *v)
{
    switch (v->type) {
    case LINTEL_T_BOOL: lintel_buf_adds(b, v->as.i ? "true" : "false"); break;
    case LINTEL_T_INT:
        write_digits(b, v->as.i < 0, v->as.i < 0 ? 0 - (uint64_t)v->as.i : (uint64_t)v->as.i, 0);
        break;
    case LINTEL_T_UINT: write_digits(b, 0, v->as.u, 0); break;
    case LINTEL_T_REAL: lintel_real_write(b, v->as.r); break;
    case LINTEL_T_STR: lintel_buf_add_json_str(b, v->as.s, v->len); break;
    case LINTEL_T_BYTES:
        lintel_buf_addc(b, '"');
        lintel_base64url_write(b, v->as.p, v->len);
        lintel_buf_addc(b, '"');
        break;
    case LINTEL_T_LIST:
        lintel_buf_addc(b, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i != 0)
                lintel_buf_addc(b, ',');
            write_json(b, &v->as.list[i]);
        }
        lintel_buf_addc(b, ']');
        break;
    case LINTEL_T_MAP:
        lintel_buf_addc(b, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i != 0)
                lintel_buf_addc(b, ',');
            lintel_buf_add_json_str(b, v->as.map[i].name, strlen(v->as.map[i].name));
            lintel_buf_addc(b, ':');
            write_json(b, &v->as.map[i].value);
        }
        lintel_buf_addc(b, '}');
        break;
    default: lintel_buf_adds(b, "null"); break;
    }
}

static void
write_text(struct lintel_buf *b, const lintel_value *v)
{
    switch (v->type) {
    case LINTEL_T_NULL: break;
    case LINTEL_T_STR: lintel_buf_add(b, v->as.s, v->len); break;
    case LINTEL_T_BYTES: lintel_base64url_write(b, v->as.p, v->len); break;
    default: write_json(b, v); break;
    }
}

void
lintel_format_write(struct lintel_buf *b, int32_t format, const lintel_value *v)
{
    switch (format) {
    case LINTEL_FORMAT_CBOR: lintel_cbor_value(b, v); break;
    case LINTEL_FORMAT_TEXT: write_text(b, v); break;
    default: write_json(b, v); break;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static int
fail(char reason[LINTEL_REASON], const char *text)
{
    lintel_copy(reason, LINTEL_REASON, text);
    return -1;
}

static int
digit64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

unsigned char *
lintel_base64url_read(const char *s, size_t n, struct lintel_arena *a, size_t *ret_n)
{
    if (n % 4 == 1)
        return NULL;
    unsigned char *out = lintel_arena_alloc(a, n / 4 * 3 + 4);
    uint32_t bits = 0, have = 0;
    size_t m = 0;
    for (size_t i = 0; out != NULL && i < n; i++) {
        int digit = digit64(s[i]);
        if (digit < 0)
            return NULL;
        bits = (bits << 6 | (uint32_t)digit) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[m++] = (unsigned char)(bits >> have);
        }
    }
    *ret_n = m;
    return out;
}

static int
copy_text(const char *s, size_t n, struct lintel_arena *a, lintel_value *ret)
{
    char *copy = n > UINT32_MAX ? NULL : lintel_arena_strndup(a, s, n);
    if (copy == NULL)
        return -1;
    *ret = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)n, .as.s = copy};
    return 0;
}

static int
from_json(const json_t *j, struct lintel_arena *a, size_t *budget, unsigned depth,
          lintel_value *ret)
{
    if (*budget == 0 || depth == DEPTH_MOST)
        return -1;
    --*budget;
    *ret = (lintel_value){0};
    switch (json_typeof(j)) {
    case JSON_NULL: return 0;
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
    case JSON_STRING: return copy_text(json_string_value(j), json_string_length(j), a, ret);
    case JSON_ARRAY: {
        size_t n = json_array_size(j);
        lintel_value *list = n > *budget ? NULL : lintel_arena_alloc(a, n * sizeof *list + 1);
        if (list == NULL)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (from_json(json_array_get(j, i), a, budget, depth + 1, &list[i]) != 0)
                return -1;
        *ret = (lintel_value){.type = LINTEL_T_LIST, .len = (uint32_t)n, .as.list = list};
        return 0;
    }
    case JSON_OBJECT: {
        size_t n = json_object_size(j), i = 0;
        lintel_member *map = n > *budget ? NULL : lintel_arena_alloc(a, n * sizeof *map + 1);
        const char *name;
        json_t *member;
        if (map == NULL)
            return -1;
        json_object_foreach((json_t *)(uintptr_t)j, name, member)
        {
            if ((map[i].name = lintel_arena_strdup(a, name)) == NULL ||
                from_json(member, a, budget, depth + 1, &map[i].value) != 0)
                return -1;
            i++;
        }
        *ret = (lintel_value){.type = LINTEL_T_MAP, .len = (uint32_t)n, .as.map = map};
        return 0;
    }
    }
    return -1;
}

/* Numbers are read here and not by jansson, which knows no unsigned 64 bit. */
static int
read_number(const char *p, size_t n, lintel_value *ret)
{
    size_t first = p[0] == '-';
    if (n > first + 1 && p[first] == '0' && p[first + 1] >= '0' && p[first + 1] <= '9')
        return -1; /* JSON has no leading zeros */
    if (memchr(p, 'x', n) == NULL && memchr(p, 'X', n) == NULL) {
        if (lintel_parse_int(p, n, &ret->as.i)) {
            ret->type = LINTEL_T_INT;
            return 0;
        }
        if (lintel_parse_uint(p, n, &ret->as.u)) {
            ret->type = LINTEL_T_UINT;
            return 0;
        }
    }
    ret->type = LINTEL_T_REAL;
    return lintel_parse_real(p, n, &ret->as.r) ? 0 : -1;
}

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
lintel_json_read(const char *p, size_t n, struct lintel_arena *a, lintel_value *ret,
                 char reason[LINTEL_REASON])
{
    while (n > 0 && is_blank(p[0]))
        p++, n--;
    while (n > 0 && is_blank(p[n - 1]))
        n--;
    *ret = (lintel_value){0};
    if (n == 0)
        return fail(reason, "the payload is empty");
    if (p[0] == '-' || (p[0] >= '0' && p[0] <= '9'))
        return read_number(p, n, ret) == 0 ? 0 : fail(reason, "not a JSON number");
    json_error_t error;
    int starved;
    json_t *j = lintel_json_load(p, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error, &starved);
    if (starved) {
        lintel_arena_fail(a);
        return fail(reason, "out of memory");
    }
    if (j == NULL) {
        snprintf(reason, LINTEL_REASON, "not JSON: %.120s, at byte %d", error.text, error.position);
        return -1;
    }
    size_t budget = LINTEL_VALUE_ITEMS_MOST;
    int failed = from_json(j, a, &budget, 0, ret);
    json_decref(j);
    return failed == 0 ? 0 : fail(reason, "the JSON is too deep or has too many members");
}

/* What the model wants in another shape than JSON has it: a byte string as base64url. */
static int
shape(const struct lintel_data *d, struct lintel_arena *a, lintel_value *v,
      char reason[LINTEL_REASON])
{
    size_t n;
    if (d == NULL || !(d->flags & LINTEL_DATA_BYTES) || v->type != LINTEL_T_STR)
        return 0;
    unsigned char *bytes = lintel_base64url_read(v->as.s, v->len, a, &n);
    if (bytes == NULL)
        return fail(reason, "bytes are written as base64url without padding");
    *v = (lintel_value){.type = LINTEL_T_BYTES, .len = (uint32_t)n, .as.p = bytes};
    return 0;
}

static int
read_text(const char *p, size_t n, const struct lintel_data *d, struct lintel_arena *a,
          lintel_value *ret, char reason[LINTEL_REASON])
{
    enum lintel_data_kind kind = d == NULL ? LINTEL_DATA_ANY : d->kind;
    char ignored[LINTEL_REASON];
    if (lintel_utf8_valid(p, n) != n || (n > 0 && memchr(p, '\0', n) != NULL))
        return fail(reason, "the text is not UTF-8");
    if (kind == LINTEL_DATA_STRING) {
        if (copy_text(p, n, a, ret) != 0)
            return fail(reason, "out of memory");
        return shape(d, a, ret, reason);
    }
    if (lintel_json_read(p, n, a, ret, ignored) == 0)
        return 0;
    if (kind == LINTEL_DATA_ANY)
        return copy_text(p, n, a, ret) == 0 ? 0 : fail(reason, "out of memory");
    char want[80];
    lintel_data_describe(d, want, sizeof want);
    snprintf(reason, LINTEL_REASON, "\"%.*s\" is not %s", (int)(n > 60 ? 60 : n), p, want);
    return -1;
}

static int
read_json(const char *p, size_t n, const struct lintel_data *d, struct lintel_arena *a,
          lintel_value *ret, char reason[LINTEL_REASON])
{
    if (lintel_json_read(p, n, a, ret, reason) != 0)
        return -1;
    return shape(d, a, ret, reason);
}

static int
read_cbor(const char *p, size_t n, struct lintel_arena *a, lintel_value *ret,
          char reason[LINTEL_REASON])
{
    struct lintel_cbor c = {(const unsigned char *)p, n};
    if (lintel_cbor_read_value(&c, a, LINTEL_VALUE_ITEMS_MOST, ret) != 0)
        return fail(reason, "not a CBOR item of definite length");
    return c.left == 0 ? 0 : fail(reason, "more than one CBOR item");
}

uint32_t
lintel_format_read(int32_t format, lintel_span payload, const struct lintel_data *d,
                   struct lintel_arena *a, lintel_value *ret, char reason[LINTEL_REASON])
{
    const char *p = payload.p;
    size_t n = payload.n;
    int failed;
    if (n > LINTEL_VALUE_BYTES_MOST) {
        snprintf(reason, LINTEL_REASON, "a value has at most %d bytes", LINTEL_VALUE_BYTES_MOST);
        return LINTEL_TOO_LARGE;
    }
    switch (format) {
    case LINTEL_FORMAT_NONE:
        failed = read_json(p, n, d, a, ret, reason);
        if (failed != 0 || (d != NULL && lintel_data_fit(d, ret, NULL) == LINTEL_FIT_TYPE))
            failed = read_text(p, n, d, a, ret, reason);
        break;
    case LINTEL_FORMAT_JSON: failed = read_json(p, n, d, a, ret, reason); break;
    case LINTEL_FORMAT_CBOR: failed = read_cbor(p, n, a, ret, reason); break;
    case LINTEL_FORMAT_TEXT: failed = read_text(p, n, d, a, ret, reason); break;
    default:
        snprintf(reason, LINTEL_REASON,
                 "Content-Format %d is not read here; send 50, 60, 0, 110 or 112", format);
        return LINTEL_UNSUPPORTED;
    }
    return failed == 0 ? 0 : LINTEL_BAD_REQUEST;
}
