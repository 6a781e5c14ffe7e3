/* SPDX-License-Identifier: Apache-2.0
 * Members of a JSON object, written one after the other into a buffer: the comma comes by itself.
 */
#ifndef LINTEL_SERVE_JSON_H
#define LINTEL_SERVE_JSON_H
#include "core/base/text.h"

/* `"name":`, with a comma in front unless an object or list has just been opened. */
void lintel_json_key(struct lintel_buf *b, const char *name);
/* A comma, unless an object or list has just been opened: before an item of a list. */
void lintel_json_item(struct lintel_buf *b);
void lintel_json_text(struct lintel_buf *b, const char *name, const char *value); /* NULL: null */
void lintel_json_count(struct lintel_buf *b, const char *name, uint64_t value);
void lintel_json_flag(struct lintel_buf *b, const char *name, int value);
void lintel_json_real(struct lintel_buf *b, const char *name, double value);
/* Seconds to the millisecond, or null. */
void lintel_json_seconds(struct lintel_buf *b, const char *name, int64_t ns, int known);
#endif
