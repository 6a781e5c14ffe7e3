/* SPDX-License-Identifier: Apache-2.0
 * SenML (RFC 8428) as JSON (110) and CBOR (112): its labels, and writing packs. Reading them is
 * senml_read.h. */
#ifndef LINTEL_SERVE_SENML_H
#define LINTEL_SERVE_SENML_H
#include "core/base/text.h"
#include "core/model/data.h"
#include "lintel/transport.h"

/* Labels by their number in CBOR (RFC 8428 table 4); the names stand in the same order. */
enum lintel_senml_label {
    LINTEL_SENML_BS = -6,
    LINTEL_SENML_BV,
    LINTEL_SENML_BU,
    LINTEL_SENML_BT,
    LINTEL_SENML_BN,
    LINTEL_SENML_BVER,
    LINTEL_SENML_N,
    LINTEL_SENML_U,
    LINTEL_SENML_V,
    LINTEL_SENML_VS,
    LINTEL_SENML_VB,
    LINTEL_SENML_S,
    LINTEL_SENML_T,
    LINTEL_SENML_UT,
    LINTEL_SENML_VD,
    LINTEL_SENML_FIRST = LINTEL_SENML_BS,
    LINTEL_SENML_LAST = LINTEL_SENML_VD,
    LINTEL_SENML_NLABELS = LINTEL_SENML_LAST - LINTEL_SENML_FIRST + 1
};
extern const char *const lintel_senml_labels[LINTEL_SENML_NLABELS];

struct lintel_senml_fields { /* of one record; what is empty, NULL or 0 is left out */
    struct lintel_str bn, bu, n, u;
    int has_bt, has_t;
    int64_t bt, t; /* ns; written to the microsecond */
    int64_t ut;    /* ns */
    const lintel_value
        *value;     /* NULL, LINTEL_T_NULL, NaN: none; lists and maps go as JSON text into vs */
    const char *ct; /* media type of the bytes (RFC 9193) */
    const char *quality, *error; /* our own fields, which other readers ignore */
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
#endif
