/* SPDX-License-Identifier: Apache-2.0
 * What FETCH and PATCH of a pack share (RFC 8790): their payload, and the properties that its
 * records name. */
#ifndef LINTEL_SERVE_ETCH_H
#define LINTEL_SERVE_ETCH_H
#include "core/serve/inside.h"
#include "core/serve/senml_read.h"

enum { LINTEL_ETCH_BYTES_MOST = 32 * 1024 }; /* of a payload */

/* The records of the call's payload, 320 or 322. 0, or -1 after the call was answered: 4.00, 4.13,
 * 4.15 or 4.22. They live in the arena. */
int lintel_etch_read(struct lintel_call *c, enum lintel_senml_kind kind, struct lintel_arena *a,
                     struct lintel_senml_record **ret, uint32_t *ret_n);
/* The SenML format of an answer: what is accepted, else the encoding of the payload. */
int32_t lintel_etch_answer_format(const struct lintel_call *c);
/* The property that a resolved name means: "{hub}:{thing}/{object}/{property}", or without the
 * thing. Its place in the profile; UINT32_MAX: there is none. */
uint32_t lintel_etch_find(const struct lintel_tree *t, const struct lintel_thing *thing,
                          struct lintel_str name);
/* The name that was probably meant, or NULL. */
const char *lintel_etch_nearest(const struct lintel_thing *thing, struct lintel_str name);
/* The name without the hub and the thing. */
struct lintel_str lintel_etch_local_name(const struct lintel_tree *t,
                                         const struct lintel_thing *thing, struct lintel_str name);
#endif
