/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cbor.h"

#include <cbor.h>
#include <math.h>
#include <string.h>

#include "core/base/mem.h"

enum { HEAD_MOST = 9, DEPTH_MOST = 32 };

#define ADD_HEAD(b, encode, v)                                                                     \
    do {                                                                                           \
        unsigned char head_[HEAD_MOST];                                                            \
        lintel_buf_add((b), head_, encode((v), head_, sizeof head_));                              \
    } while (0)

void
lintel_cbor_uint(struct lintel_buf *b, uint64_t v)
{
    ADD_HEAD(b, cbor_encode_uint, v);
}

void
lintel_cbor_int(struct lintel_buf *b, int64_t v)
{
    if (v >= 0)
        ADD_HEAD(b, cbor_encode_uint, (uint64_t)v);
    else
        ADD_HEAD(b, cbor_encode_negint, (uint64_t)(-1 - v));
}

/* Whether a single is also exact as a half: 10 bits of fraction, exponent -14..15, or zero or no
 * number. */
static int
fits_half(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    int exponent = (int)((bits >> 23) & 0xff) - 127;
    if (v == 0 || !isfinite(v))
        return 1;
    return (bits & 0x1fff) == 0 && exponent >= -14 && exponent <= 15;
}

void
lintel_cbor_real(struct lintel_buf *b, double v)
{
    float single = isfinite(v) && fabs(v) > (double)3.4028234663852886e38f ? 0 : (float)v;
    if ((double)single != v && !isnan(v))
        ADD_HEAD(b, cbor_encode_double, v);
    else if (fits_half(single))
        ADD_HEAD(b, cbor_encode_half, single);
    else
        ADD_HEAD(b, cbor_encode_single, single);
}

void
lintel_cbor_bool(struct lintel_buf *b, int v)
{
    ADD_HEAD(b, cbor_encode_bool, v != 0);
}

void
lintel_cbor_null(struct lintel_buf *b)
{
    unsigned char head[HEAD_MOST];
    lintel_buf_add(b, head, cbor_encode_null(head, sizeof head));
}

void
lintel_cbor_str(struct lintel_buf *b, const char *s, size_t n)
{
    ADD_HEAD(b, cbor_encode_string_start, n);
    lintel_buf_add(b, s, n);
}

void
lintel_cbor_bytes(struct lintel_buf *b, const void *p, size_t n)
{
    ADD_HEAD(b, cbor_encode_bytestring_start, n);
    lintel_buf_add(b, p, n);
}

void
lintel_cbor_array(struct lintel_buf *b, size_t n)
{
    ADD_HEAD(b, cbor_encode_array_start, n);
}

void
lintel_cbor_map(struct lintel_buf *b, size_t n)
{
    ADD_HEAD(b, cbor_encode_map_start, n);
}

void
lintel_cbor_value(struct lintel_buf *b, const lintel_value *v)
{
    switch (v->type) {
    case LINTEL_T_BOOL: lintel_cbor_bool(b, v->as.i != 0); break;
    case LINTEL_T_INT: lintel_cbor_int(b, v->as.i); break;
    case LINTEL_T_UINT: lintel_cbor_uint(b, v->as.u); break;
    case LINTEL_T_REAL: lintel_cbor_real(b, v->as.r); break;
    case LINTEL_T_STR: lintel_cbor_str(b, v->as.s, v->len); break;
    case LINTEL_T_BYTES: lintel_cbor_bytes(b, v->as.p, v->len); break;
    case LINTEL_T_LIST:
        lintel_cbor_array(b, v->len);
        for (uint32_t i = 0; i < v->len; i++)
            lintel_cbor_value(b, &v->as.list[i]);
        break;
    case LINTEL_T_MAP:
        lintel_cbor_map(b, v->len);
        for (uint32_t i = 0; i < v->len; i++) {
            lintel_cbor_str(b, v->as.map[i].name, strlen(v->as.map[i].name));
            lintel_cbor_value(b, &v->as.map[i].value);
        }
        break;
    default: lintel_cbor_null(b); break;
    }
}

/* libcbor calls back once for one head; each of these notes what it was. */
static void
on_u8(void *ctx, uint8_t v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_UINT, .u = v};
}

static void
on_u16(void *ctx, uint16_t v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_UINT, .u = v};
}

static void
on_u32(void *ctx, uint32_t v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_UINT, .u = v};
}

static void
on_u64(void *ctx, uint64_t v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_UINT, .u = v};
}

static void
on_n64(void *ctx, uint64_t v)
{
    struct lintel_cbor_item *item = ctx;
    if (v <= INT64_MAX)
        *item = (struct lintel_cbor_item){.kind = LINTEL_CBOR_NINT, .i = -1 - (int64_t)v};
}

static void
on_n8(void *ctx, uint8_t v)
{
    on_n64(ctx, v);
}

static void
on_n16(void *ctx, uint16_t v)
{
    on_n64(ctx, v);
}

static void
on_n32(void *ctx, uint32_t v)
{
    on_n64(ctx, v);
}

static void
on_double(void *ctx, double v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_REAL, .r = v};
}

static void
on_float(void *ctx, float v)
{
    on_double(ctx, (double)v);
}

static void
on_bool(void *ctx, bool v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_BOOL, .u = v};
}

static void
on_null(void *ctx)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_NULL};
}

static void
on_string(void *ctx, cbor_data p, size_t n)
{
    if (lintel_utf8_valid((const char *)p, n) == n)
        *(struct lintel_cbor_item *)ctx =
            (struct lintel_cbor_item){.kind = LINTEL_CBOR_STR, .p = (const char *)p, .n = n};
}

static void
on_bytes(void *ctx, cbor_data p, size_t n)
{
    *(struct lintel_cbor_item *)ctx =
        (struct lintel_cbor_item){.kind = LINTEL_CBOR_BYTES, .p = (const char *)p, .n = n};
}

static void
on_array(void *ctx, size_t n)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_ARRAY, .n = n};
}

static void
on_map(void *ctx, size_t n)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_MAP, .n = n};
}

static void
on_tag(void *ctx, uint64_t v)
{
    *(struct lintel_cbor_item *)ctx = (struct lintel_cbor_item){.kind = LINTEL_CBOR_TAG, .u = v};
}

/* Indefinite lengths and the break stop the reading: the item stays BAD. */
static void
on_refused(void *ctx)
{
    (void)ctx;
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_u8,
    .uint16 = on_u16,
    .uint32 = on_u32,
    .uint64 = on_u64,
    .negint8 = on_n8,
    .negint16 = on_n16,
    .negint32 = on_n32,
    .negint64 = on_n64,
    .byte_string = on_bytes,
    .byte_string_start = on_refused,
    .string = on_string,
    .string_start = on_refused,
    .array_start = on_array,
    .indef_array_start = on_refused,
    .map_start = on_map,
    .indef_map_start = on_refused,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_null,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_refused,
};

enum lintel_cbor_kind
lintel_cbor_next(struct lintel_cbor *c, struct lintel_cbor_item *ret)
{
    ret->kind = LINTEL_CBOR_BAD;
    if (c->left == 0)
        return ret->kind = LINTEL_CBOR_END;
    struct cbor_decoder_result result = cbor_stream_decode(c->p, c->left, &callbacks, ret);
    if (result.status != CBOR_DECODER_FINISHED || result.read > c->left)
        return ret->kind = LINTEL_CBOR_BAD;
    if (ret->kind == LINTEL_CBOR_BAD)
        return LINTEL_CBOR_BAD;
    c->p += result.read;
    c->left -= result.read;
    /* No item is shorter than a byte: a count above what is left is a lie. */
    if ((ret->kind == LINTEL_CBOR_ARRAY && ret->n > c->left) ||
        (ret->kind == LINTEL_CBOR_MAP && ret->n > c->left / 2))
        return ret->kind = LINTEL_CBOR_BAD;
    return ret->kind;
}

static int
skip(struct lintel_cbor *c, unsigned depth)
{
    struct lintel_cbor_item item;
    size_t inside = 0;
    switch (lintel_cbor_next(c, &item)) {
    case LINTEL_CBOR_END:
    case LINTEL_CBOR_BAD: return -1;
    case LINTEL_CBOR_ARRAY: inside = item.n; break;
    case LINTEL_CBOR_MAP: inside = item.n * 2; break;
    case LINTEL_CBOR_TAG: inside = 1; break;
    default: return 0;
    }
    if (depth == DEPTH_MOST)
        return -1;
    while (inside-- > 0)
        if (skip(c, depth + 1) != 0)
            return -1;
    return 0;
}

int
lintel_cbor_skip(struct lintel_cbor *c)
{
    return skip(c, 0);
}

int
lintel_cbor_read_uint(struct lintel_cbor *c, uint64_t most, uint64_t *ret)
{
    struct lintel_cbor_item item;
    if (lintel_cbor_next(c, &item) != LINTEL_CBOR_UINT || item.u > most)
        return -1;
    *ret = item.u;
    return 0;
}

int
lintel_cbor_read_int(struct lintel_cbor *c, int64_t *ret)
{
    struct lintel_cbor_item item;
    switch (lintel_cbor_next(c, &item)) {
    case LINTEL_CBOR_UINT:
        if (item.u > INT64_MAX)
            return -1;
        *ret = (int64_t)item.u;
        return 0;
    case LINTEL_CBOR_NINT: *ret = item.i; return 0;
    default: return -1;
    }
}

static int
read_string(struct lintel_cbor *c, enum lintel_cbor_kind kind, struct lintel_str *ret)
{
    struct lintel_cbor_item item;
    if (lintel_cbor_next(c, &item) != kind)
        return -1;
    *ret = (struct lintel_str){item.p, item.n};
    return 0;
}

int
lintel_cbor_read_str(struct lintel_cbor *c, struct lintel_str *ret)
{
    return read_string(c, LINTEL_CBOR_STR, ret);
}

int
lintel_cbor_read_bytes(struct lintel_cbor *c, struct lintel_str *ret)
{
    return read_string(c, LINTEL_CBOR_BYTES, ret);
}

static int
read_count(struct lintel_cbor *c, enum lintel_cbor_kind kind, size_t most, size_t *ret)
{
    struct lintel_cbor_item item;
    if (lintel_cbor_next(c, &item) != kind || item.n > most)
        return -1;
    *ret = item.n;
    return 0;
}

int
lintel_cbor_read_array(struct lintel_cbor *c, size_t most, size_t *ret)
{
    return read_count(c, LINTEL_CBOR_ARRAY, most, ret);
}

int
lintel_cbor_read_map(struct lintel_cbor *c, size_t most, size_t *ret)
{
    return read_count(c, LINTEL_CBOR_MAP, most, ret);
}

static int
read_value(struct lintel_cbor *c, struct lintel_arena *a, size_t *budget, unsigned depth,
           lintel_value *ret)
{
    struct lintel_cbor_item item;
    if (*budget == 0 || depth == DEPTH_MOST)
        return -1;
    --*budget;
    *ret = (lintel_value){0};
    switch (lintel_cbor_next(c, &item)) {
    case LINTEL_CBOR_UINT:
        if (item.u > INT64_MAX)
            *ret = (lintel_value){.type = LINTEL_T_UINT, .as.u = item.u};
        else
            *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = (int64_t)item.u};
        return 0;
    case LINTEL_CBOR_NINT: *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = item.i}; return 0;
    case LINTEL_CBOR_REAL:
        if (!isfinite(item.r))
            return -1;
        *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = item.r};
        return 0;
    case LINTEL_CBOR_BOOL:
        *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = item.u != 0};
        return 0;
    case LINTEL_CBOR_NULL: return 0;
    case LINTEL_CBOR_STR:
    case LINTEL_CBOR_BYTES: {
        char *copy = item.n > UINT32_MAX ? NULL : lintel_arena_strndup(a, item.p, item.n);
        if (copy == NULL)
            return -1;
        *ret = (lintel_value){.type = item.kind == LINTEL_CBOR_STR ? LINTEL_T_STR : LINTEL_T_BYTES,
                              .len = (uint32_t)item.n,
                              .as.s = copy};
        return 0;
    }
    case LINTEL_CBOR_ARRAY: {
        if (item.n > *budget)
            return -1;
        lintel_value *list = lintel_arena_alloc(a, item.n * sizeof *list);
        if (list == NULL)
            return -1;
        for (size_t i = 0; i < item.n; i++)
            if (read_value(c, a, budget, depth + 1, &list[i]) != 0)
                return -1;
        *ret = (lintel_value){.type = LINTEL_T_LIST, .len = (uint32_t)item.n, .as.list = list};
        return 0;
    }
    case LINTEL_CBOR_MAP: {
        if (item.n > *budget)
            return -1;
        lintel_member *map = lintel_arena_alloc(a, item.n * sizeof *map);
        if (map == NULL)
            return -1;
        for (size_t i = 0; i < item.n; i++) {
            struct lintel_str name;
            if (lintel_cbor_read_str(c, &name) != 0 ||
                (map[i].name = lintel_arena_strndup(a, name.p, name.n)) == NULL ||
                read_value(c, a, budget, depth + 1, &map[i].value) != 0)
                return -1;
        }
        *ret = (lintel_value){.type = LINTEL_T_MAP, .len = (uint32_t)item.n, .as.map = map};
        return 0;
    }
    default: return -1;
    }
}

int
lintel_cbor_read_value(struct lintel_cbor *c, struct lintel_arena *a, size_t most,
                       lintel_value *ret)
{
    return read_value(c, a, &most, 0, ret);
}
