/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/local_wire.h"

#include <string.h>

#include "core/base/cbor.h"

enum { ITEMS_MOST = 32, FORMAT_MOST = 65535 };

/* ---- writing --------------------------------------------------------------------------------- */

static void
put_format(struct lintel_buf *b, int32_t format)
{
    if (format == LINTEL_FORMAT_NONE)
        lintel_cbor_null(b);
    else
        lintel_cbor_int(b, format);
}

static void
put_texts(struct lintel_buf *b, const lintel_span *texts, uint32_t n)
{
    lintel_cbor_array(b, n);
    for (uint32_t i = 0; i < n; i++)
        lintel_cbor_str(b, texts[i].p, texts[i].n);
}

void
lintel_local_encode(struct lintel_buf *b, const struct lintel_local_frame *f)
{
    switch (f->kind) {
    case LINTEL_LOCAL_REQUEST:
        lintel_cbor_array(b, 9);
        lintel_cbor_uint(b, f->kind);
        lintel_cbor_uint(b, f->id);
        lintel_cbor_uint(b, f->method);
        put_texts(b, f->path, f->npath);
        put_texts(b, f->query, f->nquery);
        put_format(b, f->format);
        lintel_cbor_array(b, f->naccept);
        for (uint32_t i = 0; i < f->naccept; i++)
            lintel_cbor_int(b, f->accept[i]);
        lintel_cbor_uint(b, f->flags);
        lintel_cbor_bytes(b, f->payload.p, f->payload.n);
        break;
    case LINTEL_LOCAL_ANSWER:
        lintel_cbor_array(b, 8);
        lintel_cbor_uint(b, f->kind);
        lintel_cbor_uint(b, f->id);
        lintel_cbor_uint(b, f->code);
        lintel_cbor_uint(b, f->flags);
        put_format(b, f->format);
        lintel_cbor_uint(b, f->max_age);
        lintel_cbor_bytes(b, f->etag.p, f->etag.n);
        lintel_cbor_bytes(b, f->payload.p, f->payload.n);
        break;
    case LINTEL_LOCAL_CANCEL:
        lintel_cbor_array(b, 2);
        lintel_cbor_uint(b, f->kind);
        lintel_cbor_uint(b, f->id);
        break;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static int
get_uint(struct lintel_cbor *c, uint32_t most, uint32_t *ret)
{
    uint64_t v;
    if (lintel_cbor_read_uint(c, most, &v) != 0)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

static int
get_format(struct lintel_cbor *c, int32_t *ret)
{
    struct lintel_cbor_item item;
    lintel_cbor_next(c, &item);
    if (item.kind == LINTEL_CBOR_UINT && item.u <= FORMAT_MOST)
        *ret = (int32_t)item.u;
    else if (item.kind == LINTEL_CBOR_NULL)
        *ret = LINTEL_FORMAT_NONE;
    else
        return -1;
    return 0;
}

static int
get_bytes(struct lintel_cbor *c, size_t most, lintel_span *ret)
{
    struct lintel_str s;
    if (lintel_cbor_read_bytes(c, &s) != 0 || s.n > most)
        return -1;
    *ret = (lintel_span){s.p, s.n};
    return 0;
}

static int
get_texts(struct lintel_cbor *c, uint32_t most, lintel_span *texts, uint32_t *ret_n)
{
    size_t n;
    if (lintel_cbor_read_array(c, most, &n) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct lintel_str s;
        if (lintel_cbor_read_str(c, &s) != 0)
            return -1;
        texts[i] = (lintel_span){s.p, s.n};
    }
    *ret_n = (uint32_t)n;
    return 0;
}

static int
get_accept(struct lintel_cbor *c, struct lintel_local_frame *f)
{
    size_t n;
    if (lintel_cbor_read_array(c, LINTEL_LOCAL_ACCEPT_MOST, &n) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (get_format(c, &f->accept[i]) != 0 || f->accept[i] == LINTEL_FORMAT_NONE)
            return -1;
    f->naccept = (uint32_t)n;
    return 0;
}

static int
get_request(struct lintel_cbor *c, struct lintel_local_frame *f)
{
    enum { METHOD_MOST = 31, KNOWN = LINTEL_X_OBSERVE | LINTEL_X_IF_NONE_MATCH };
    if (get_uint(c, METHOD_MOST, &f->method) != 0 ||
        get_texts(c, LINTEL_LOCAL_PATH_MOST, f->path, &f->npath) != 0 ||
        get_texts(c, LINTEL_LOCAL_QUERY_MOST, f->query, &f->nquery) != 0 ||
        get_format(c, &f->format) != 0 || get_accept(c, f) != 0 ||
        get_uint(c, UINT32_MAX, &f->flags) != 0)
        return -1;
    f->flags &= KNOWN; /* who somebody is, nobody says of himself */
    return get_bytes(c, SIZE_MAX, &f->payload);
}

static int
get_answer(struct lintel_cbor *c, struct lintel_local_frame *f)
{
    enum { CODE_MOST = 255, ETAG_MOST = 8 };
    if (get_uint(c, CODE_MOST, &f->code) != 0 || get_uint(c, UINT32_MAX, &f->flags) != 0 ||
        get_format(c, &f->format) != 0 || get_uint(c, UINT32_MAX, &f->max_age) != 0 ||
        get_bytes(c, ETAG_MOST, &f->etag) != 0)
        return -1;
    return get_bytes(c, SIZE_MAX, &f->payload);
}

int
lintel_local_decode(const void *data, size_t n, struct lintel_local_frame *ret)
{
    static const size_t items[] = {0, 9, 8, 2};
    struct lintel_cbor c = {data, n};
    size_t have;
    uint32_t kind;
    int failed = 0;
    *ret = (struct lintel_local_frame){.format = LINTEL_FORMAT_NONE};
    if (lintel_cbor_read_array(&c, ITEMS_MOST, &have) != 0 || have < 2 ||
        get_uint(&c, LINTEL_LOCAL_CANCEL, &kind) != 0 || kind == 0 || have < items[kind] ||
        get_uint(&c, UINT32_MAX, &ret->id) != 0)
        return -1;
    ret->kind = (enum lintel_local_kind)kind;
    if (kind == LINTEL_LOCAL_REQUEST)
        failed = get_request(&c, ret);
    else if (kind == LINTEL_LOCAL_ANSWER)
        failed = get_answer(&c, ret);
    for (size_t i = items[kind]; failed == 0 && i < have; i++)
        failed = lintel_cbor_skip(&c);
    return failed == 0 && c.left == 0 ? 0 : -1;
}
