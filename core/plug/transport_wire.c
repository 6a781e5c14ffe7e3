/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/transport_wire.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/loop/frames.h"

enum { METHOD_MOST = 31, CODE_MOST = 255, FORMAT_MOST = 65535, SPAN_MOST = 65536 };

/* ---- writing --------------------------------------------------------------------------------- */

/* Names and addresses are bytes: what a client says of itself need not be UTF-8. */
static void
put_name(struct lintel_buf *b, const char *s, size_t most)
{
    size_t n = s != NULL ? strlen(s) : 0;
    if (n >= most)
        b->failed = LINTEL_TW_LONG;
    lintel_cbor_bytes(b, s, n);
}

static void
put_name_or_null(struct lintel_buf *b, const char *s)
{
    if (s == NULL)
        lintel_cbor_null(b);
    else
        put_name(b, s, LINTEL_TW_NAME);
}

static void
put_span(struct lintel_buf *b, lintel_span s, size_t most)
{
    if (s.n > most)
        b->failed = LINTEL_TW_LONG;
    else
        lintel_cbor_bytes(b, s.p, s.n);
}

static void
put_spans(struct lintel_buf *b, const lintel_span *s, uint32_t n)
{
    if (n > LINTEL_TW_SEGMENTS) {
        b->failed = LINTEL_TW_LONG;
        return;
    }
    lintel_cbor_array(b, n);
    for (uint32_t i = 0; i < n; i++)
        put_span(b, s[i], SPAN_MOST);
}

static void
put_exchange(struct lintel_buf *b, const lintel_exchange *x)
{
    lintel_cbor_uint(b, x->method);
    lintel_cbor_uint(b, x->flags);
    lintel_cbor_int(b, x->format);
    put_spans(b, x->path, x->npath);
    put_spans(b, x->query, x->nquery);
    if (x->naccept > LINTEL_TW_ACCEPT)
        b->failed = LINTEL_TW_LONG;
    lintel_cbor_array(b, x->naccept);
    for (uint32_t i = 0; i < x->naccept && !b->failed; i++)
        lintel_cbor_int(b, x->accept[i]);
    put_spans(b, x->etag, x->netag);
    put_spans(b, x->if_match, x->nif_match);
    put_name(b, x->identity, LINTEL_TW_NAME);
    put_name(b, x->authority, LINTEL_TW_NAME);
    put_name(b, x->peer, LINTEL_TW_NAME);
    put_name(b, x->base, LINTEL_TW_NAME);
    put_name_or_null(b, x->thing);
    put_name_or_null(b, x->origin);
    lintel_cbor_uint(b, x->session);
    lintel_cbor_uint(b, x->scope);
    put_span(b, x->echo, LINTEL_ECHO_MOST);
    put_span(b, x->payload, LINTEL_TW_BODY);
}

static void
put_answer(struct lintel_buf *b, const lintel_answer *a)
{
    lintel_cbor_uint(b, a->code);
    lintel_cbor_uint(b, a->flags);
    lintel_cbor_int(b, a->format);
    lintel_cbor_uint(b, a->max_age);
    put_span(b, (lintel_span){(const char *)a->etag, a->netag}, sizeof a->etag);
    put_spans(b, a->location, a->nlocation);
    put_spans(b, a->location_query, a->nlocation_query);
    lintel_cbor_uint(b, a->size1);
    put_span(b, a->echo, LINTEL_ECHO_MOST);
    put_span(b, a->payload, LINTEL_TW_BODY);
}

static void
put_head(struct lintel_buf *b, const struct lintel_tw *m)
{
    lintel_cbor_uint(b, m->instance);
    lintel_cbor_uint(b, m->kind);
}

void
lintel_tw_open(struct lintel_buf *b, const struct lintel_tw *m, const lintel_value *settings,
               uint32_t nsettings)
{
    put_head(b, m);
    put_name(b, m->name, LINTEL_TW_NAME);
    put_name(b, m->text, LINTEL_TW_NAME);
    put_name(b, m->file, LINTEL_TW_URI);
    lintel_cbor_int(b, m->log);
    if (settings == NULL) {
        lintel_cbor_null(b);
        return;
    }
    lintel_cbor_array(b, nsettings);
    for (uint32_t i = 0; i < nsettings; i++)
        lintel_cbor_value(b, &settings[i]);
}

void
lintel_tw_write(struct lintel_buf *b, const struct lintel_tw *m)
{
    put_head(b, m);
    if (m->kind != LINTEL_TW_THING && m->kind != LINTEL_TW_THING_BASE)
        lintel_cbor_uint(b, m->ticket);
    switch (m->kind) {
    case LINTEL_TW_SEND:
        put_name(b, m->text, LINTEL_TW_URI);
        put_exchange(b, &m->x);
        break;
    case LINTEL_TW_SUBMIT:
    case LINTEL_TW_REQUEST: put_exchange(b, &m->x); break;
    case LINTEL_TW_ANSWER:
    case LINTEL_TW_REPLY:
    case LINTEL_TW_RESOURCE_ANSWER: put_answer(b, &m->a); break;
    case LINTEL_TW_TAKEN: lintel_cbor_uint(b, m->number); break;
    case LINTEL_TW_THING:
        put_name(b, m->name, LINTEL_TW_NAME);
        put_name(b, m->text, LINTEL_TW_NAME);
        lintel_cbor_uint(b, m->number);
        break;
    case LINTEL_TW_THING_BASE:
        put_name(b, m->name, LINTEL_TW_NAME);
        put_name_or_null(b, m->text);
        break;
    case LINTEL_TW_DERIVE: put_span(b, m->bytes, LINTEL_TW_LABEL); break;
    case LINTEL_TW_DERIVED: put_span(b, m->bytes, 32); break;
    case LINTEL_TW_PSK:
        put_span(b, m->bytes, LINTEL_TW_NAME - 1);
        lintel_cbor_uint(b, m->number);
        break;
    case LINTEL_TW_KEY:
        lintel_cbor_uint(b, m->number);
        put_span(b, m->bytes, LINTEL_TW_KEY_MOST);
        break;
    case LINTEL_TW_MOUNT:
        put_name(b, m->name, LINTEL_TW_NAME);
        put_name(b, m->text, LINTEL_TW_LINKS);
        break;
    case LINTEL_TW_MOUNTED: lintel_cbor_int(b, m->status); break;
    case LINTEL_TW_ABANDON:
    case LINTEL_TW_ABANDONED:
    case LINTEL_TW_PING:
    case LINTEL_TW_PONG: break;
    case LINTEL_TW_OPEN: b->failed = 1; break; /* it has a function of its own */
    }
    if (b->n > LINTEL_FRAME_MOST)
        b->failed = LINTEL_TW_LONG;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int
get_u32(struct lintel_cbor *c, uint32_t most, uint32_t *ret)
{
    uint64_t v;
    if (lintel_cbor_read_uint(c, most, &v) != 0)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

static int
get_i32(struct lintel_cbor *c, int32_t least, int32_t most, int32_t *ret)
{
    int64_t v;
    if (lintel_cbor_read_int(c, &v) != 0 || v < least || v > most)
        return -1;
    *ret = (int32_t)v;
    return 0;
}

static int
get_format(struct lintel_cbor *c, int32_t *ret)
{
    return get_i32(c, LINTEL_FORMAT_NONE, FORMAT_MOST, ret);
}

static int
get_span(struct lintel_cbor *c, size_t most, lintel_span *ret)
{
    struct lintel_str s;
    if (lintel_cbor_read_bytes(c, &s) != 0 || s.n > most)
        return -1;
    *ret = (lintel_span){s.p, s.n};
    return 0;
}

/* Into the scratch, with a NUL behind it; it has none inside. */
static int
get_name(struct lintel_cbor *c, size_t most, struct lintel_tw_scratch *s, const char **ret)
{
    struct lintel_str text;
    char *at = s->texts + s->ntexts;
    size_t left = sizeof s->texts - s->ntexts;
    if (lintel_cbor_read_bytes(c, &text) != 0 ||
        lintel_str_copy(at, most < left ? most : left, text) != 0)
        return -1;
    s->ntexts += text.n + 1;
    *ret = at;
    return 0;
}

static int
get_name_or_null(struct lintel_cbor *c, struct lintel_tw_scratch *s, const char **ret)
{
    struct lintel_cbor rest = *c;
    struct lintel_cbor_item item;
    if (lintel_cbor_next(&rest, &item) != LINTEL_CBOR_NULL)
        return get_name(c, LINTEL_TW_NAME, s, ret);
    *c = rest;
    *ret = NULL;
    return 0;
}

static int
get_spans(struct lintel_cbor *c, struct lintel_tw_scratch *s, const lintel_span **ret,
          uint32_t *ret_n)
{
    size_t n;
    if (lintel_cbor_read_array(c, LINTEL_TW_SEGMENTS, &n) != 0 ||
        n > LINTEL_COUNT(s->spans) - s->nspans)
        return -1;
    *ret = s->spans + s->nspans;
    *ret_n = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        if (get_span(c, SPAN_MOST, &s->spans[s->nspans++]) != 0)
            return -1;
    return 0;
}

static int
get_accept(struct lintel_cbor *c, struct lintel_tw_scratch *s, lintel_exchange *x)
{
    size_t n;
    if (lintel_cbor_read_array(c, LINTEL_TW_ACCEPT, &n) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (get_i32(c, 0, FORMAT_MOST, &s->accept[i]) != 0)
            return -1;
    x->accept = s->accept;
    x->naccept = (uint32_t)n;
    return 0;
}

static int
get_exchange(struct lintel_cbor *c, struct lintel_tw_scratch *s, lintel_exchange *x)
{
    enum {
        KNOWN = LINTEL_X_OBSERVE | LINTEL_X_IF_NONE_MATCH | LINTEL_X_LOOPBACK | LINTEL_X_SECURE |
                LINTEL_X_MULTICAST | LINTEL_X_OPEN | LINTEL_X_RELIABLE | LINTEL_X_LIMITED |
                LINTEL_X_AT_ONCE
    };
    x->size = sizeof *x;
    if (get_u32(c, METHOD_MOST, &x->method) != 0 || get_u32(c, UINT32_MAX, &x->flags) != 0 ||
        get_format(c, &x->format) != 0 || get_spans(c, s, &x->path, &x->npath) != 0 ||
        get_spans(c, s, &x->query, &x->nquery) != 0 || get_accept(c, s, x) != 0 ||
        get_spans(c, s, &x->etag, &x->netag) != 0 ||
        get_spans(c, s, &x->if_match, &x->nif_match) != 0)
        return -1;
    x->flags &= KNOWN;
    return get_name(c, LINTEL_TW_NAME, s, &x->identity) != 0 ||
                   get_name(c, LINTEL_TW_NAME, s, &x->authority) != 0 ||
                   get_name(c, LINTEL_TW_NAME, s, &x->peer) != 0 ||
                   get_name(c, LINTEL_TW_NAME, s, &x->base) != 0 ||
                   get_name_or_null(c, s, &x->thing) != 0 ||
                   get_name_or_null(c, s, &x->origin) != 0 ||
                   lintel_cbor_read_uint(c, UINT64_MAX, &x->session) != 0 ||
                   get_u32(c, UINT32_MAX, &x->scope) != 0 ||
                   get_span(c, LINTEL_ECHO_MOST, &x->echo) != 0 ||
                   get_span(c, LINTEL_TW_BODY, &x->payload) != 0
               ? -1
               : 0;
}

static int
get_answer(struct lintel_cbor *c, struct lintel_tw_scratch *s, lintel_answer *a)
{
    enum { KNOWN = LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM | LINTEL_ANSWER_ECHO };
    lintel_span etag;
    a->size = sizeof *a;
    if (get_u32(c, CODE_MOST, &a->code) != 0 || get_u32(c, UINT32_MAX, &a->flags) != 0 ||
        get_format(c, &a->format) != 0 || get_u32(c, UINT32_MAX, &a->max_age) != 0 ||
        get_span(c, sizeof a->etag, &etag) != 0 ||
        get_spans(c, s, &a->location, &a->nlocation) != 0 ||
        get_spans(c, s, &a->location_query, &a->nlocation_query) != 0 ||
        get_u32(c, UINT32_MAX, &a->size1) != 0 || get_span(c, LINTEL_ECHO_MOST, &a->echo) != 0)
        return -1;
    a->flags &= KNOWN;
    a->netag = (uint32_t)etag.n;
    if (etag.n != 0)
        memcpy(a->etag, etag.p, etag.n);
    return get_span(c, LINTEL_TW_BODY, &a->payload);
}

static int
get_open(struct lintel_cbor *c, struct lintel_tw_scratch *s, struct lintel_tw *m)
{
    if (get_name(c, LINTEL_TW_NAME, s, &m->name) != 0 ||
        get_name(c, LINTEL_TW_NAME, s, &m->text) != 0 ||
        get_name(c, LINTEL_TW_URI, s, &m->file) != 0 ||
        get_i32(c, INT32_MIN, INT32_MAX, &m->log) != 0)
        return -1;
    const unsigned char *from = c->p;
    if (lintel_cbor_skip(c) != 0)
        return -1;
    m->settings = (struct lintel_str){(const char *)from, (size_t)(c->p - from)};
    return 0;
}

static int
get_ticket(struct lintel_cbor *c, struct lintel_tw *m)
{
    return lintel_cbor_read_uint(c, UINT64_MAX, &m->ticket);
}

static int
read_down(struct lintel_cbor *c, struct lintel_tw_scratch *s, struct lintel_tw *m)
{
    if (m->kind == LINTEL_TW_OPEN)
        return get_open(c, s, m);
    if (m->kind == LINTEL_TW_THING)
        return get_name(c, LINTEL_TW_NAME, s, &m->name) != 0 ||
                       get_name(c, LINTEL_TW_NAME, s, &m->text) != 0
                   ? -1
                   : get_u32(c, 1, &m->number);
    if (get_ticket(c, m) != 0)
        return -1;
    switch (m->kind) {
    case LINTEL_TW_ANSWER: return get_answer(c, s, &m->a);
    case LINTEL_TW_TAKEN: return get_u32(c, 1, &m->number);
    case LINTEL_TW_SEND:
        return get_name(c, LINTEL_TW_URI, s, &m->text) != 0 ? -1 : get_exchange(c, s, &m->x);
    case LINTEL_TW_REQUEST: return get_exchange(c, s, &m->x);
    case LINTEL_TW_DERIVED: return get_span(c, 32, &m->bytes) != 0 || m->bytes.n != 32 ? -1 : 0;
    case LINTEL_TW_KEY:
        return get_u32(c, UINT32_MAX, &m->number) != 0 ? -1
                                                       : get_span(c, LINTEL_TW_KEY_MOST, &m->bytes);
    case LINTEL_TW_MOUNTED: return get_i32(c, INT32_MIN, 0, &m->status);
    case LINTEL_TW_ABANDONED:
    case LINTEL_TW_PING: return 0;
    default: return -1;
    }
}

static int
read_up(struct lintel_cbor *c, struct lintel_tw_scratch *s, struct lintel_tw *m)
{
    if (m->kind == LINTEL_TW_THING_BASE)
        return get_name(c, LINTEL_TW_NAME, s, &m->name) != 0 ? -1
                                                             : get_name_or_null(c, s, &m->text);
    if (get_ticket(c, m) != 0)
        return -1;
    switch (m->kind) {
    case LINTEL_TW_SUBMIT: return get_exchange(c, s, &m->x);
    case LINTEL_TW_REPLY:
    case LINTEL_TW_RESOURCE_ANSWER: return get_answer(c, s, &m->a);
    case LINTEL_TW_DERIVE: return get_span(c, LINTEL_TW_LABEL, &m->bytes);
    case LINTEL_TW_PSK:
        return get_span(c, LINTEL_TW_NAME - 1, &m->bytes) != 0
                   ? -1
                   : get_u32(c, LINTEL_TW_KEY_MOST, &m->number);
    case LINTEL_TW_MOUNT:
        return get_name(c, LINTEL_TW_NAME, s, &m->name) != 0
                   ? -1
                   : get_name(c, LINTEL_TW_LINKS, s, &m->text);
    case LINTEL_TW_ABANDON:
    case LINTEL_TW_PONG: return 0;
    default: return -1;
    }
}

static int
read_any(const unsigned char *p, size_t n, struct lintel_tw_scratch *s,
         int (*members)(struct lintel_cbor *, struct lintel_tw_scratch *, struct lintel_tw *),
         struct lintel_tw *ret)
{
    struct lintel_cbor c = {p, n};
    uint32_t kind;
    *ret = (struct lintel_tw){0};
    s->nspans = 0;
    s->ntexts = 0;
    if (get_u32(&c, UINT32_MAX, &ret->instance) != 0 || get_u32(&c, LINTEL_TW_PONG, &kind) != 0)
        return -1;
    ret->kind = (enum lintel_tw_kind)kind;
    return members(&c, s, ret) != 0 || c.left != 0 ? -1 : 0;
}

int
lintel_tw_read_down(const unsigned char *p, size_t n, struct lintel_tw_scratch *s,
                    struct lintel_tw *ret)
{
    return read_any(p, n, s, read_down, ret);
}

int
lintel_tw_read_up(const unsigned char *p, size_t n, struct lintel_tw_scratch *s,
                  struct lintel_tw *ret)
{
    return read_any(p, n, s, read_up, ret);
}

int
lintel_tw_is_reply(const unsigned char *p, size_t n, uint64_t *ret_ticket)
{
    struct lintel_cbor c = {p, n};
    uint32_t instance, kind;
    if (get_u32(&c, UINT32_MAX, &instance) != 0 || get_u32(&c, UINT32_MAX, &kind) != 0)
        return 0;
    return (kind == LINTEL_TW_ANSWER || kind == LINTEL_TW_TAKEN || kind == LINTEL_TW_DERIVED ||
            kind == LINTEL_TW_KEY || kind == LINTEL_TW_MOUNTED) &&
           lintel_cbor_read_uint(&c, UINT64_MAX, ret_ticket) == 0;
}
