/* SPDX-License-Identifier: Apache-2.0
 * What became of a request, as a code of CoAP (RFC 7252 section 12.1.2) and a sentence: the one
 * table. */
#ifndef LINTEL_SERVE_CODES_H
#define LINTEL_SERVE_CODES_H
#include "core/engine/engine.h"
#include "lintel/transport.h"

enum { /* the codes that the tree answers with */
       LINTEL_CREATED = LINTEL_CODE(2, 1),
       LINTEL_DELETED = LINTEL_CODE(2, 2),
       LINTEL_VALID = LINTEL_CODE(2, 3),
       LINTEL_CHANGED = LINTEL_CODE(2, 4),
       LINTEL_CONTENT = LINTEL_CODE(2, 5),
       LINTEL_BAD_REQUEST = LINTEL_CODE(4, 0),
       LINTEL_UNAUTHORIZED = LINTEL_CODE(4, 1),
       LINTEL_FORBIDDEN = LINTEL_CODE(4, 3),
       LINTEL_NOT_FOUND = LINTEL_CODE(4, 4),
       LINTEL_NOT_ALLOWED = LINTEL_CODE(4, 5),
       LINTEL_NOT_ACCEPTABLE = LINTEL_CODE(4, 6),
       LINTEL_CONFLICT = LINTEL_CODE(4, 9),
       LINTEL_PRECONDITION = LINTEL_CODE(4, 12),
       LINTEL_TOO_LARGE = LINTEL_CODE(4, 13),
       LINTEL_UNSUPPORTED = LINTEL_CODE(4, 15),
       LINTEL_UNPROCESSABLE = LINTEL_CODE(4, 22),
       LINTEL_TOO_MANY = LINTEL_CODE(4, 29),
       LINTEL_INTERNAL = LINTEL_CODE(5, 0),
       LINTEL_NOT_IMPLEMENTED = LINTEL_CODE(5, 1),
       LINTEL_BAD_GATEWAY = LINTEL_CODE(5, 2),
       LINTEL_UNAVAILABLE = LINTEL_CODE(5, 3),
       LINTEL_GATEWAY_TIMEOUT = LINTEL_CODE(5, 4)
};
enum { LINTEL_RETRY_AFTER = 5 }; /* Max-Age in seconds of a 5.03: when to ask again */

/* The code for a status that a bus or a device gave; LINTEL_OK is 2.04. */
uint32_t lintel_code_of_status(lintel_status s);
/* The same for a whole outcome: what the model refused goes first. */
uint32_t lintel_code_of_outcome(const struct lintel_outcome *o);
/* What the status says, for people, where nobody told more: "the device does not answer". */
const char *lintel_status_words(lintel_status s);
#endif
