/* SPDX-License-Identifier: Apache-2.0
 * What goes over the local socket: frames (core/loop/frames.h) with one CBOR array each. Items
 * behind those listed are ignored, so that frames can grow at their end. No I/O.
 *
 *   request  [1, id, method, [path segment], [query argument], format | null, [accept], flags,
 * payload] answer   [2, id, code, flags, format | null, max-age, etag, payload] cancel   [3, id]
 * the asker's; nothing follows for that id
 *
 * Ids are the asker's, unique among its open requests. An answer too long for one frame comes in
 * several with the flag PART on all but the last, one behind the other. */
#ifndef LINTEL_SERVE_LOCAL_WIRE_H
#define LINTEL_SERVE_LOCAL_WIRE_H
#include "core/base/text.h"
#include "lintel/transport.h"

enum lintel_local_kind {
    LINTEL_LOCAL_REQUEST = 1,
    LINTEL_LOCAL_ANSWER = 2,
    LINTEL_LOCAL_CANCEL = 3
};
enum { /* limits of a request */
       LINTEL_LOCAL_PATH_MOST = 16,
       LINTEL_LOCAL_QUERY_MOST = 32,
       LINTEL_LOCAL_ACCEPT_MOST = 8
};
enum { LINTEL_LOCAL_PART = 256 }; /* in flags of an answer, beside LINTEL_ANSWER_* */

struct lintel_local_frame {
    enum lintel_local_kind kind;
    uint32_t id;
    uint32_t method;        /* of a request */
    uint32_t code, max_age; /* of an answer */
    uint32_t
        flags; /* LINTEL_X_OBSERVE, LINTEL_X_IF_NONE_MATCH; or LINTEL_ANSWER_*, LINTEL_LOCAL_PART */
    int32_t format;
    uint32_t npath, nquery, naccept;
    lintel_span path[LINTEL_LOCAL_PATH_MOST], query[LINTEL_LOCAL_QUERY_MOST];
    int32_t accept[LINTEL_LOCAL_ACCEPT_MOST];
    lintel_span etag, payload;
};
/* Appends one. */
void lintel_local_encode(struct lintel_buf *b, const struct lintel_local_frame *f);
/* 0, or -1 where it breaks the protocol. Texts point into data. */
int lintel_local_decode(const void *data, size_t n, struct lintel_local_frame *ret);
#endif
