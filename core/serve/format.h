/* SPDX-License-Identifier: Apache-2.0
 * Bare representations of a value: JSON, CBOR and text; which one a peer wants. */
#ifndef LINTEL_SERVE_FORMAT_H
#define LINTEL_SERVE_FORMAT_H
#include "core/base/text.h"
#include "core/model/data.h"
#include "lintel/transport.h"

struct lintel_arena;

enum { /* IANA, CoAP Content-Formats */
       LINTEL_FORMAT_TEXT = 0,
       LINTEL_FORMAT_LINK = 40,
       LINTEL_FORMAT_JSON = 50,
       LINTEL_FORMAT_CBOR = 60,
       LINTEL_FORMAT_SENML_JSON = 110,
       LINTEL_FORMAT_SENML_CBOR = 112,
       LINTEL_FORMAT_PROBLEM = 257, /* concise problem details in CBOR (RFC 9290) */
       LINTEL_FORMAT_ETCH_JSON = 320,
       LINTEL_FORMAT_ETCH_CBOR = 322,
       LINTEL_FORMAT_TD = 432,
       LINTEL_FORMAT_TM = 433,
       LINTEL_FORMAT_SDF = 434
};
enum { LINTEL_VALUE_BYTES_MOST = 64 * 1024, LINTEL_VALUE_ITEMS_MOST = 10000 };

/* The first of the peer's list that is offered; offered[0] where it takes anything;
 * LINTEL_FORMAT_NONE: none. */
int32_t lintel_format_choose(const lintel_exchange *x, const int32_t *offered, uint32_t n);

/* Appends a value as JSON, CBOR or text. Bytes are base64url without padding in JSON and text. */
void lintel_format_write(struct lintel_buf *b, int32_t format, const lintel_value *v);

/* Reads a value for data d. LINTEL_FORMAT_NONE: JSON where it is JSON of a fitting type, else text.
 * 0, or the code of CoAP with a reason. Texts live in the arena. Whether the value fits the model
 * is judged elsewhere. */
uint32_t lintel_format_read(int32_t format, lintel_span payload, const struct lintel_data *d,
                            struct lintel_arena *a, lintel_value *ret, char reason[LINTEL_REASON]);

/* A JSON text as a value; numbers up to 64 bit stay exact. -1 with a reason. */
int lintel_json_read(const char *p, size_t n, struct lintel_arena *a, lintel_value *ret,
                     char reason[LINTEL_REASON]);
/* The pieces of both. The reader returns the arena's bytes, or NULL if s is no base64url. */
void lintel_base64url_write(struct lintel_buf *b, const void *p, size_t n);
unsigned char *lintel_base64url_read(const char *s, size_t n, struct lintel_arena *a,
                                     size_t *ret_n);
/* A number, the shortest text that reads back the same; quick for what devices measure. */
void lintel_real_write(struct lintel_buf *b, double v);
#endif
