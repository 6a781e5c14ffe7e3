/* SPDX-License-Identifier: Apache-2.0
 * URIs (RFC 3986): taking apart, and resolving references (section 5.2). Texts are borrowed; no
 * I/O. */
#ifndef LINTEL_DIRECTORY_URI_H
#define LINTEL_DIRECTORY_URI_H
#include "core/base/text.h"

struct lintel_uri { /* p NULL: there is none; path always is */
    struct lintel_str scheme, authority, path, query, fragment;
};
/* Any text is taken apart (appendix B): what is allowed in which part is not judged. */
void lintel_uri_split(struct lintel_str text, struct lintel_uri *ret);
/* Whether all bytes may stand in a URI: ASCII of section 2, '%' with two digits. */
int lintel_uri_is_text(struct lintel_str text);
/* "coap://host:port" of "coap://host:port/path?query"; n 0: it has no scheme or no authority. */
struct lintel_str lintel_uri_origin(struct lintel_str text);

/* Appends a path without its segments "." and ".." (section 5.2.4). */
void lintel_uri_plain_path(struct lintel_buf *out, struct lintel_str path);
/* Appends the target of a reference (section 5.2.2). out is `failed` when memory is short. */
void lintel_uri_resolve(struct lintel_buf *out, struct lintel_str base, struct lintel_str ref);
#endif
