/* SPDX-License-Identifier: Apache-2.0
 * Reading SenML: packs (RFC 8428, formats 110 and 112), and what FETCH and PATCH carry (RFC 8790,
 * formats 320 and 322). Streams (111, 113) are not read. */
#ifndef LINTEL_SERVE_SENML_READ_H
#define LINTEL_SERVE_SENML_READ_H
#include "core/base/text.h"
#include "core/model/data.h"

struct lintel_arena;

enum lintel_senml_kind {
    LINTEL_SENML_PACK,
    LINTEL_SENML_FETCH, /* selectors: names, times and units alone */
    LINTEL_SENML_PATCH  /* a pack whose "v" may be null, which removes */
};
enum {
    LINTEL_SENML_RECORDS_MOST = 10000, /* of a pack */
    LINTEL_ETCH_RECORDS_MOST = 256     /* of the others */
};
/* From here on a time is absolute, below it is relative to now (RFC 8428 section 4.5.3). */
#define LINTEL_SENML_ABSOLUTE 268435456.0

struct lintel_senml_record {      /* resolved (RFC 8428 section 4.6), but for relative times */
    struct lintel_str name, unit; /* "" = none */
    lintel_value value; /* LINTEL_T_NULL: none (a sum stands alone, or it is a selector) */
    int removed;        /* of a patch: "v" is null */
    int has_time, has_sum, has_update; /* has_time: one stands there, in "t" or "bt" */
    double time, sum, update;          /* s */
};
/* 0, or the code of CoAP with a reason: 4.00 malformed, 4.13 too many records; 4.22 what a selector
 * or a patch can't have. *ret and all texts live in the arena. The empty name of a pack's record is
 * left to the caller. */
uint32_t lintel_senml_read(enum lintel_senml_kind kind, int cbor, const char *p, size_t n,
                           struct lintel_arena *a, struct lintel_senml_record **ret,
                           uint32_t *ret_n, char reason[LINTEL_REASON]);
#endif
