/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/wire.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/map.h"
#include "core/loop/frames.h"

enum {
    FRAME_FULL = 512 * 1024, /* a frame of published samples is closed at this length */
    FRAME_HEAD = 64,         /* room for what stands before the samples */
    HEAD_MOST = 9,           /* of a CBOR item */
    DEPTH_MOST = 16,
    PATH_BYTES = 4096,
    KIND_DOWN_MOST = 31, /* of an instance; transports have numbers of their own */
    KIND_UP_MOST = 63,
    KIND_MOST = 127
};
enum { /* what a sample carries beside its point */
       MARK_STATUS = 1,
       MARK_QUALITY = 2,
       MARK_WHEN = 4,
       MARK_DETAIL = 8,
       MARK_SAME = 16, /* the same payload as the sample before */
       MARKS = 31
};

/* ---- heads of CBOR items --------------------------------------------------------------------- */

/* Points and short byte strings are nearly all that travels. Reading and writing their heads here
 * costs a tenth of the general coder's calls: with those, 15,000 values a second took 1 % of a
 * core. */

enum { MAJOR_UINT = 0, MAJOR_BYTES = 2 };

static unsigned char *
make_head(unsigned char *p, unsigned major, uint32_t v)
{
    unsigned char first = (unsigned char)(major << 5);
    if (v < 24) {
        *p++ = (unsigned char)(first | v);
    } else if (v <= 0xff) {
        *p++ = first | 24;
        *p++ = (unsigned char)v;
    } else if (v <= 0xffff) {
        *p++ = first | 25;
        *p++ = (unsigned char)(v >> 8);
        *p++ = (unsigned char)v;
    } else {
        *p++ = first | 26;
        *p++ = (unsigned char)(v >> 24);
        *p++ = (unsigned char)(v >> 16);
        *p++ = (unsigned char)(v >> 8);
        *p++ = (unsigned char)v;
    }
    return p;
}

/* A head of this kind with up to 32 bits; 0 if something else stands there: then nothing is taken.
 */
static int
take_head(struct lintel_cbor *c, unsigned major, uint32_t *ret)
{
    if (c->left == 0 || c->p[0] >> 5 != major)
        return 0;
    unsigned info = c->p[0] & 31, n = info < 24    ? 0
                                      : info == 24 ? 1
                                      : info == 25 ? 2
                                      : info == 26 ? 4
                                                   : 99;
    if (c->left < n + 1)
        return 0;
    uint32_t v = info;
    if (n != 0)
        v = 0;
    for (unsigned i = 1; i <= n; i++)
        v = v << 8 | c->p[i];
    c->p += n + 1;
    c->left -= n + 1;
    *ret = v;
    return 1;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
put_text(struct lintel_buf *b, const char *s)
{
    char cut[LINTEL_WIRE_TEXT];
    size_t n = 0;
    if (s != NULL) {
        lintel_copy(cut, sizeof cut, s);
        n = lintel_utf8_valid(cut, strlen(cut));
    }
    lintel_cbor_str(b, cut, n);
}

static void
put_path(struct lintel_buf *b, const char *s)
{
    lintel_cbor_bytes(b, s, strlen(s)); /* a path need not be UTF-8 */
}

static void
put_list(struct lintel_buf *b, const lintel_value *values, uint32_t n)
{
    if (values == NULL) {
        lintel_cbor_null(b);
        return;
    }
    lintel_cbor_array(b, n);
    for (uint32_t i = 0; i < n; i++)
        lintel_cbor_value(b, &values[i]);
}

static void
put_head(struct lintel_buf *b, uint32_t instance, enum lintel_wire_kind kind)
{
    lintel_cbor_uint(b, instance);
    lintel_cbor_uint(b, kind);
}

void
lintel_wire_open(struct lintel_buf *b, const struct lintel_wire_down *m,
                 const lintel_value *settings, uint32_t nsettings)
{
    put_head(b, m->instance, LINTEL_WIRE_OPEN);
    put_text(b, m->name);
    put_text(b, m->plugin);
    put_path(b, m->file);
    lintel_cbor_int(b, m->log);
    put_list(b, settings, nsettings);
    lintel_cbor_bytes(b, m->tables.p, m->tables.n);
}

void
lintel_wire_attach(struct lintel_buf *b, uint32_t instance, uint32_t id, const char *name,
                   const lintel_value *settings, uint32_t nsettings)
{
    put_head(b, instance, LINTEL_WIRE_ATTACH);
    lintel_cbor_uint(b, id);
    put_text(b, name);
    put_list(b, settings, nsettings);
}

void
lintel_wire_bind(struct lintel_buf *b, const struct lintel_wire_down *m, const lintel_value *addr,
                 const lintel_value *write_addr, uint32_t naddr)
{
    put_head(b, m->instance, LINTEL_WIRE_BIND);
    lintel_cbor_uint(b, m->id);
    lintel_cbor_uint(b, m->device);
    lintel_cbor_uint(b, m->point_kind);
    lintel_cbor_uint(b, m->flags);
    lintel_cbor_uint(b, m->wire_bytes);
    lintel_cbor_uint(b, m->write_wire_bytes);
    put_text(b, m->name);
    put_list(b, addr, naddr);
    put_list(b, write_addr, naddr);
}

void
lintel_wire_request(struct lintel_buf *b, const struct lintel_wire_down *m)
{
    put_head(b, m->instance, LINTEL_WIRE_REQUEST);
    lintel_cbor_uint(b, m->ticket);
    lintel_cbor_uint(b, m->op);
    lintel_cbor_int(b, m->within);
    lintel_cbor_uint(b, m->batch);
    lintel_cbor_uint(b, m->priority);
    lintel_cbor_array(b, m->n);
    for (uint32_t i = 0; i < m->n;) {
        unsigned char some[64 * HEAD_MOST], *end = some;
        for (unsigned k = 0; k < 64 && i < m->n; k++, i++)
            end = make_head(end, MAJOR_UINT, m->slots[i]);
        lintel_buf_add(b, some, (size_t)(end - some));
    }
    put_list(b, m->values, m->n);
}

void
lintel_wire_short(struct lintel_buf *b, uint32_t instance, enum lintel_wire_kind kind, uint64_t id)
{
    put_head(b, instance, kind);
    lintel_cbor_uint(b, id);
}

void
lintel_wire_say(struct lintel_buf *b, const struct lintel_wire_up *m)
{
    put_head(b, m->instance, m->kind);
    lintel_cbor_uint(b, m->ticket);
    lintel_cbor_uint(b, m->id);
    lintel_cbor_int(b, m->status);
    lintel_cbor_int(b, m->level);
    put_text(b, m->text);
}

struct budget { /* of one frame */
    size_t bytes, values;
};

/* Why a value can't travel, or NULL. A plugin that hands over such a value has one bad sample, not
 * a broken connection. */
static const char *
judge_value(const lintel_value *v, struct budget *left, unsigned depth)
{
    static const char too_long[] = "the value is too long";
    size_t length = (v->type == LINTEL_T_STR || v->type == LINTEL_T_BYTES ? v->len : 0) + HEAD_MOST;
    if (left->bytes < length || left->values == 0)
        return too_long;
    left->bytes -= length;
    left->values--;
    if (v->type == LINTEL_T_REAL)
        return isfinite(v->as.r) ? NULL : "the value is not a finite number";
    if (v->type == LINTEL_T_STR)
        return lintel_utf8_valid(v->as.s, v->len) == v->len ? NULL : "the text is not UTF-8";
    if (v->type > LINTEL_T_MAP)
        return "the value has an unknown type";
    if (v->type != LINTEL_T_LIST && v->type != LINTEL_T_MAP)
        return NULL;
    if (depth == 0)
        return "the value is nested too deep";
    const char *why = NULL;
    for (uint32_t i = 0; i < v->len && why == NULL; i++) {
        if (v->type == LINTEL_T_MAP) {
            const char *name = v->as.map[i].name;
            size_t n = strlen(name);
            if (n > UINT32_MAX || left->bytes < n)
                return too_long;
            why = judge_value(&(lintel_value){LINTEL_T_STR, (uint32_t)n, {.s = name}}, left, 0);
        }
        if (why == NULL)
            why = judge_value(v->type == LINTEL_T_MAP ? &v->as.map[i].value : &v->as.list[i], left,
                              depth - 1);
    }
    return why;
}

static int
same_payload(const lintel_sample *a, const lintel_sample *b)
{
    return a->status == LINTEL_OK && b->status == LINTEL_OK && a->value.type == LINTEL_T_BYTES &&
           b->value.type == LINTEL_T_BYTES && a->value.as.p == b->value.as.p &&
           a->value.len == b->value.len;
}

/* 0 if the frame has no room for it. A value that has none, or can't travel, becomes an error.
 * *sent: whether the sample's value went out, so that the next may refer to it. */
static int
put_sample(struct lintel_buf *b, const lintel_sample *s, int same, struct budget *left, int *sent)
{
    lintel_status status = s->status;
    const char *detail = status != LINTEL_OK ? s->detail : NULL;
    struct budget after = *left;
    if (status == LINTEL_OK && !same &&
        (detail = judge_value(&s->value, &after, DEPTH_MOST)) != NULL) {
        status = LINTEL_E_FAIL; /* the plugin breaks its contract */
        after = *left;
    }
    unsigned marks = (status != LINTEL_OK ? MARK_STATUS : 0u) |
                     (s->quality != 0 ? MARK_QUALITY : 0u) | (s->when != 0 ? MARK_WHEN : 0u) |
                     (detail != NULL ? MARK_DETAIL : 0u) | (same ? MARK_SAME : 0u);
    size_t beside = 5 * HEAD_MOST + (detail != NULL ? LINTEL_WIRE_TEXT : 0);
    if (after.bytes < beside)
        return 0;
    after.bytes -= beside;
    *left = after;
    unsigned char head[4 * HEAD_MOST], *end = make_head(head, MAJOR_UINT, s->point);
    end = make_head(end, MAJOR_UINT, marks);
    *sent = status == LINTEL_OK;
    if (marks == 0 && s->value.type == LINTEL_T_BYTES && s->value.len <= HEAD_MOST) {
        end = make_head(end, MAJOR_BYTES, s->value.len);
        if (s->value.len != 0)
            memcpy(end, s->value.as.p, s->value.len);
        lintel_buf_add(b, head, (size_t)(end - head) + s->value.len);
        return 1;
    }
    lintel_buf_add(b, head, (size_t)(end - head));
    if (marks & MARK_STATUS)
        lintel_cbor_int(b, status);
    if (marks & MARK_QUALITY)
        lintel_cbor_uint(b, s->quality);
    if (marks & MARK_WHEN)
        lintel_cbor_int(b, s->when);
    if (marks & MARK_DETAIL)
        put_text(b, detail);
    if (status == LINTEL_OK && !same)
        lintel_cbor_value(b, &s->value);
    return 1;
}

uint32_t
lintel_wire_samples(struct lintel_buf *b, const struct lintel_wire_up *m)
{
    struct budget left = {LINTEL_FRAME_MOST - FRAME_HEAD, LINTEL_WIRE_VALUES_MOST};
    uint32_t n = 0;
    int sent = 0;
    put_head(b, m->instance, m->kind);
    lintel_cbor_uint(b, m->ticket);
    lintel_cbor_int(b, m->status);
    while (n < m->n && n < LINTEL_WIRE_BATCH_MOST &&
           (m->kind == LINTEL_WIRE_DONE || b->n < FRAME_FULL)) {
        int same = sent && same_payload(&m->samples[n - 1], &m->samples[n]);
        if (!put_sample(b, &m->samples[n], same, &left, &sent))
            break;
        n++;
    }
    return n;
}

/* ---- reading --------------------------------------------------------------------------------- */

void
lintel_wire_scratch_fini(struct lintel_wire_scratch *s)
{
    lintel_arena_free(s->arena);
    lintel_free(s->samples);
    lintel_free(s->slots);
    *s = (struct lintel_wire_scratch){0};
}

static int
get_u32(struct lintel_cbor *c, uint32_t most, uint32_t *ret)
{
    uint64_t v;
    if (take_head(c, MAJOR_UINT, ret))
        return *ret <= most ? 0 : -1;
    if (lintel_cbor_read_uint(c, most, &v) != 0)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

static int
get_i32(struct lintel_cbor *c, int32_t *ret)
{
    int64_t v;
    if (lintel_cbor_read_int(c, &v) != 0 || v < INT32_MIN || v > INT32_MAX)
        return -1;
    *ret = (int32_t)v;
    return 0;
}

/* An error status, or LINTEL_OK: what the other side's codes above 0 would mean is not known. */
static int
get_status(struct lintel_cbor *c, lintel_status *ret)
{
    return get_i32(c, ret) != 0 || *ret > 0 ? -1 : 0;
}

static int
get_text(struct lintel_cbor *c, char out[LINTEL_WIRE_TEXT], const char **ret)
{
    struct lintel_str s;
    *ret = out;
    return lintel_cbor_read_str(c, &s) != 0 ? -1 : lintel_str_copy(out, LINTEL_WIRE_TEXT, s);
}

/* The bytes of one whole item. */
static int
get_item(struct lintel_cbor *c, struct lintel_str *ret)
{
    const unsigned char *from = c->p;
    if (lintel_cbor_skip(c) != 0)
        return -1;
    *ret = (struct lintel_str){(const char *)from, (size_t)(c->p - from)};
    return 0;
}

static int
need_arena(struct lintel_wire_scratch *s)
{
    if (s->arena == NULL)
        s->arena = lintel_arena_new();
    return s->arena != NULL ? 0 : -1;
}

static int
get_path(struct lintel_cbor *c, struct lintel_wire_scratch *s, const char **ret)
{
    struct lintel_str path;
    if (lintel_cbor_read_bytes(c, &path) != 0 || path.n == 0 || path.n >= PATH_BYTES ||
        memchr(path.p, '\0', path.n) != NULL || need_arena(s) != 0)
        return -1;
    *ret = lintel_arena_strndup(s->arena, path.p, path.n);
    return *ret != NULL ? 0 : -1;
}

/* What the last read has left behind. */
static void
clear(struct lintel_wire_scratch *s)
{
    lintel_arena_free(s->arena);
    s->arena = NULL;
}

static int
read_open(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_down *m)
{
    return get_text(c, s->name, &m->name) != 0 || get_text(c, s->text, &m->plugin) != 0 ||
                   get_path(c, s, &m->file) != 0 || get_i32(c, &m->log) != 0 ||
                   get_item(c, &m->settings) != 0 || lintel_cbor_read_bytes(c, &m->tables) != 0
               ? -1
               : 0;
}

static int
read_bind(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_down *m)
{
    return get_u32(c, LINTEL_WIRE_POINTS_MOST - 1, &m->id) != 0 ||
                   get_u32(c, LINTEL_WIRE_POINTS_MOST - 1, &m->device) != 0 ||
                   get_u32(c, UINT32_MAX, &m->point_kind) != 0 ||
                   get_u32(c, UINT32_MAX, &m->flags) != 0 ||
                   get_u32(c, UINT32_MAX, &m->wire_bytes) != 0 ||
                   get_u32(c, UINT32_MAX, &m->write_wire_bytes) != 0 ||
                   get_text(c, s->name, &m->name) != 0 || get_item(c, &m->addr) != 0 ||
                   get_item(c, &m->write_addr) != 0
               ? -1
               : 0;
}

static int
read_slots(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_down *m)
{
    size_t n;
    if (lintel_cbor_read_array(c, LINTEL_WIRE_BATCH_MOST, &n) != 0)
        return -1;
    if (n > s->slot_room) {
        uint32_t *slots = lintel_grow(s->slots, n, sizeof *slots);
        if (slots == NULL)
            return -1;
        s->slots = slots;
        s->slot_room = (uint32_t)n;
    }
    for (size_t i = 0; i < n; i++)
        if (get_u32(c, LINTEL_WIRE_POINTS_MOST - 1, &s->slots[i]) != 0)
            return -1;
    m->n = (uint32_t)n;
    m->slots = s->slots;
    return 0;
}

static int
read_request(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_down *m)
{
    uint32_t op;
    lintel_value values;
    struct lintel_cbor rest;
    struct lintel_cbor_item item;
    if (lintel_cbor_read_uint(c, UINT64_MAX, &m->ticket) != 0 ||
        get_u32(c, LINTEL_WIRE_SUBSCRIBE, &op) != 0 || lintel_cbor_read_int(c, &m->within) != 0 ||
        get_u32(c, UINT32_MAX, &m->batch) != 0 || get_u32(c, 16, &m->priority) != 0 ||
        read_slots(c, s, m) != 0)
        return -1;
    m->op = (enum lintel_wire_op)op;
    rest = *c;
    if (lintel_cbor_next(&rest, &item) == LINTEL_CBOR_NULL) {
        *c = rest;
        return 0;
    }
    if (need_arena(s) != 0 ||
        lintel_cbor_read_value(c, s->arena, LINTEL_WIRE_VALUES_MOST, &values) != 0 ||
        values.type != LINTEL_T_LIST || values.len != m->n)
        return -1;
    m->values = values.as.list;
    return 0;
}

static int
read_down(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_down *m)
{
    switch (m->kind) {
    case LINTEL_WIRE_OPEN: return read_open(c, s, m);
    case LINTEL_WIRE_ATTACH:
        return get_u32(c, LINTEL_WIRE_POINTS_MOST - 1, &m->id) != 0 ||
                       get_text(c, s->name, &m->name) != 0 || get_item(c, &m->settings) != 0
                   ? -1
                   : 0;
    case LINTEL_WIRE_BIND: return read_bind(c, s, m);
    case LINTEL_WIRE_DETACH:
    case LINTEL_WIRE_UNBIND:
    case LINTEL_WIRE_PING:
    case LINTEL_WIRE_CLOSE:
    case LINTEL_WIRE_START: return get_u32(c, LINTEL_WIRE_POINTS_MOST - 1, &m->id);
    case LINTEL_WIRE_TAP: return get_u32(c, 1, &m->id);
    case LINTEL_WIRE_REQUEST: return read_request(c, s, m);
    case LINTEL_WIRE_CANCEL: return lintel_cbor_read_uint(c, UINT64_MAX, &m->ticket);
    default: return -1;
    }
}

int
lintel_wire_read_down(const unsigned char *p, size_t n, struct lintel_wire_scratch *s,
                      struct lintel_wire_down *ret)
{
    struct lintel_cbor c = {p, n};
    struct lintel_wire_down m = {0};
    uint32_t kind;
    clear(s);
    if (get_u32(&c, UINT32_MAX, &m.instance) != 0 || get_u32(&c, KIND_DOWN_MOST, &kind) != 0)
        return -1;
    m.kind = (enum lintel_wire_kind)kind;
    if (read_down(&c, s, &m) != 0 || c.left != 0)
        return -1;
    *ret = m;
    return 0;
}

static size_t
count(const lintel_value *v)
{
    size_t n = 1;
    for (uint32_t i = 0; i < v->len && v->type == LINTEL_T_LIST; i++)
        n += count(&v->as.list[i]);
    for (uint32_t i = 0; i < v->len && v->type == LINTEL_T_MAP; i++)
        n += count(&v->as.map[i].value);
    return n;
}

/* Scalars and bytes are read in place; text needs a NUL behind it, and trees need memory. */
static int
read_value(struct lintel_cbor *c, struct lintel_wire_scratch *s, size_t *values, lintel_value *ret)
{
    struct lintel_cbor before = *c;
    struct lintel_cbor_item item;
    uint32_t n;
    if (take_head(c, MAJOR_BYTES, &n)) {
        if (n > c->left)
            return -1;
        *ret = (lintel_value){LINTEL_T_BYTES, n, {.p = c->p}};
        c->p += n;
        c->left -= n;
        return 0;
    }
    lintel_cbor_next(c, &item);
    if (item.kind == LINTEL_CBOR_REAL && isfinite(item.r)) {
        *ret = (lintel_value){LINTEL_T_REAL, 0, {.r = item.r}};
        return 0;
    }
    if (item.kind == LINTEL_CBOR_UINT && item.u <= INT64_MAX) {
        *ret = (lintel_value){LINTEL_T_INT, 0, {.i = (int64_t)item.u}};
        return 0;
    }
    *c = before;
    if (need_arena(s) != 0 || lintel_cbor_read_value(c, s->arena, *values, ret) != 0)
        return -1;
    *values -= count(ret);
    return 0;
}

static int
read_sample(struct lintel_cbor *c, struct lintel_wire_scratch *s, uint32_t i, size_t *values)
{
    lintel_sample *v = &s->samples[i];
    uint32_t marks;
    char text[LINTEL_WIRE_TEXT];
    *v = (lintel_sample){0};
    if (get_u32(c, UINT32_MAX, &v->point) != 0 || get_u32(c, MARKS, &marks) != 0 ||
        ((marks & MARK_STATUS) && get_status(c, &v->status) != 0) ||
        ((marks & MARK_QUALITY) && get_u32(c, UINT32_MAX, &v->quality) != 0) ||
        ((marks & MARK_WHEN) && lintel_cbor_read_int(c, &v->when) != 0))
        return -1;
    if ((marks & MARK_DETAIL) && (get_text(c, text, &v->detail) != 0 || need_arena(s) != 0 ||
                                  (v->detail = lintel_arena_strdup(s->arena, text)) == NULL))
        return -1;
    if (v->status != LINTEL_OK)
        return 0;
    if (!(marks & MARK_SAME))
        return read_value(c, s, values, &v->value);
    if (i == 0 || s->samples[i - 1].status != LINTEL_OK ||
        s->samples[i - 1].value.type != LINTEL_T_BYTES)
        return -1;
    v->value = s->samples[i - 1].value;
    return 0;
}

static int
read_samples(struct lintel_cbor *c, struct lintel_wire_scratch *s, struct lintel_wire_up *m)
{
    size_t values = LINTEL_WIRE_VALUES_MOST;
    uint32_t n = 0;
    if (lintel_cbor_read_uint(c, UINT64_MAX, &m->ticket) != 0 || get_status(c, &m->status) != 0)
        return -1;
    for (; c->left != 0; n++) {
        if (n == LINTEL_WIRE_BATCH_MOST)
            return -1;
        if (n == s->sample_room) {
            uint32_t room = n ? n * 2 : 64;
            lintel_sample *samples = lintel_grow(s->samples, room, sizeof *samples);
            if (samples == NULL)
                return -1;
            s->samples = samples;
            s->sample_room = room;
        }
        if (read_sample(c, s, n, &values) != 0)
            return -1;
    }
    m->n = n;
    m->samples = s->samples;
    return 0;
}

int
lintel_wire_read_up(const unsigned char *p, size_t n, struct lintel_wire_scratch *s,
                    struct lintel_wire_up *ret)
{
    struct lintel_cbor c = {p, n};
    struct lintel_wire_up m = {0};
    uint32_t kind;
    clear(s);
    if (get_u32(&c, UINT32_MAX, &m.instance) != 0 || get_u32(&c, KIND_UP_MOST, &kind) != 0 ||
        kind < LINTEL_WIRE_HELLO)
        return -1;
    m.kind = (enum lintel_wire_kind)kind;
    if (m.kind == LINTEL_WIRE_DONE || m.kind == LINTEL_WIRE_PUBLISH) {
        if (read_samples(&c, s, &m) != 0)
            return -1;
    } else if (lintel_cbor_read_uint(&c, UINT64_MAX, &m.ticket) != 0 ||
               get_u32(&c, UINT32_MAX, &m.id) != 0 || get_status(&c, &m.status) != 0 ||
               get_i32(&c, &m.level) != 0 || get_text(&c, s->text, &m.text) != 0 || c.left != 0) {
        return -1;
    }
    *ret = m;
    return 0;
}

int
lintel_wire_peek(const unsigned char *p, size_t n, uint32_t *ret_instance,
                 enum lintel_wire_kind *ret_kind)
{
    struct lintel_cbor c = {p, n};
    uint32_t kind;
    if (get_u32(&c, UINT32_MAX, ret_instance) != 0 || get_u32(&c, KIND_MOST, &kind) != 0)
        return -1;
    *ret_kind = (enum lintel_wire_kind)kind;
    return 0;
}
