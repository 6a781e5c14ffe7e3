/* SPDX-License-Identifier: Apache-2.0
 * SenML (RFC 8428) as JSON (110) and CBOR (112): writing packs, reading and resolving them. */
#ifndef LINTEL_SERVE_SENML_H
#define LINTEL_SERVE_SENML_H
#include "core/base/text.h"
#include "core/model/data.h"
#include "lintel/transport.h"

struct lintel_arena;

/* ---- writing --------------------------------------------------------------------------------- */

struct lintel_senml_fields { /* of one record; what is empty, NULL or 0 is left out */
    struct lintel_str bn, bu, n, u;
    int has_bt, has_t;
    int64_t bt, t; /* ns; written to the microsecond */
    int64_t ut;    /* ns */
    const lintel_value
        *value;          /* NULL or LINTEL_T_NULL: none; lists and maps go as JSON text into vs */
    const char *quality; /* our own field "quality", which other readers ignore */
};
struct lintel_senml_writer {
    struct lintel_buf *b;
    int cbor;
    uint32_t count;
};
/* records: how many will follow (CBOR packs have a definite length). */
void lintel_senml_begin(struct lintel_senml_writer *w, struct lintel_buf *b, int cbor,
                        uint32_t records);
void lintel_senml_record(struct lintel_senml_writer *w, const struct lintel_senml_fields *f);
void lintel_senml_end(struct lintel_senml_writer *w);

/* ---- reading --------------------------------------------------------------------------------- */

enum { LINTEL_SENML_RECORDS_MOST = 10000 };
struct lintel_senml_record {      /* resolved (RFC 8428 section 4.6), but for relative times */
    struct lintel_str name, unit; /* "" = none */
    lintel_value value;           /* LINTEL_T_NULL: none (a sum stands alone) */
    int has_time, has_sum, has_update;
    double time, sum, update; /* s; times below 2^28 are relative to now */
};
/* 0, or -1 with a reason. *ret and all texts live in the arena. An empty name is left to the
 * caller. */
int lintel_senml_read(int cbor, const char *p, size_t n, struct lintel_arena *a,
                      struct lintel_senml_record **ret, uint32_t *ret_n,
                      char reason[LINTEL_REASON]);
#endif
