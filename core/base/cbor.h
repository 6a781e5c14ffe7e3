/* SPDX-License-Identifier: Apache-2.0
 * CBOR (RFC 8949), over libcbor's streaming coder: a writer into a buffer, a bounded cursor for
 * reading. */
#ifndef LINTEL_BASE_CBOR_H
#define LINTEL_BASE_CBOR_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"
#include "lintel/plugin.h"

void lintel_cbor_uint(struct lintel_buf *b, uint64_t v);
void lintel_cbor_int(struct lintel_buf *b, int64_t v);
void lintel_cbor_real(struct lintel_buf *b,
                      double v); /* the shortest of half, single, double that is equal */
void lintel_cbor_bool(struct lintel_buf *b, int v);
void lintel_cbor_null(struct lintel_buf *b);
void lintel_cbor_str(struct lintel_buf *b, const char *s, size_t n);
void lintel_cbor_bytes(struct lintel_buf *b, const void *p, size_t n);
void lintel_cbor_array(struct lintel_buf *b, size_t n);
void lintel_cbor_map(struct lintel_buf *b, size_t n);                /* n pairs */
void lintel_cbor_value(struct lintel_buf *b, const lintel_value *v); /* a whole tree */

enum lintel_cbor_kind {
    LINTEL_CBOR_END,   /* nothing left */
    LINTEL_CBOR_BAD,   /* not well-formed, indefinite length, or of a kind not read here */
    LINTEL_CBOR_UINT,  /* u */
    LINTEL_CBOR_NINT,  /* i (below INT64_MIN: BAD) */
    LINTEL_CBOR_REAL,  /* r */
    LINTEL_CBOR_BOOL,  /* u */
    LINTEL_CBOR_NULL,  /* null and undefined */
    LINTEL_CBOR_STR,   /* p, n: valid UTF-8 */
    LINTEL_CBOR_BYTES, /* p, n */
    LINTEL_CBOR_ARRAY, /* n items follow */
    LINTEL_CBOR_MAP,   /* n pairs follow */
    LINTEL_CBOR_TAG    /* u; one item follows */
};
struct lintel_cbor_item {
    enum lintel_cbor_kind kind;
    uint64_t u;
    int64_t i;
    double r;
    const char *p; /* into the input */
    size_t n;
};
struct lintel_cbor { /* a cursor; borrowed input */
    const unsigned char *p;
    size_t left;
};
/* Reads one item's head, and the content of strings. */
enum lintel_cbor_kind lintel_cbor_next(struct lintel_cbor *c, struct lintel_cbor_item *ret);
/* Skips one whole item; 0 on success. Depth is limited to 32. */
int lintel_cbor_skip(struct lintel_cbor *c);
/* Typed reads for protocols of our own: 0, or -1 where something else stands there. */
int lintel_cbor_read_uint(struct lintel_cbor *c, uint64_t most, uint64_t *ret);
int lintel_cbor_read_int(struct lintel_cbor *c, int64_t *ret);
int lintel_cbor_read_str(struct lintel_cbor *c, struct lintel_str *ret);
int lintel_cbor_read_bytes(struct lintel_cbor *c, struct lintel_str *ret);
int lintel_cbor_read_array(struct lintel_cbor *c, size_t most, size_t *ret);
int lintel_cbor_read_map(struct lintel_cbor *c, size_t most, size_t *ret);
/* A whole value into an arena, depth at most 32, at most `most` items in all; texts get a NUL. */
struct lintel_arena;
int lintel_cbor_read_value(struct lintel_cbor *c, struct lintel_arena *a, size_t most,
                           lintel_value *ret);
#endif
