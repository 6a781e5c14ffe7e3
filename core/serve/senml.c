/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/senml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/serve/format.h"

const char *const lintel_senml_labels[LINTEL_SENML_NLABELS] = {
    "bs", "bv", "bu", "bt", "bn", "bver", "n", "u", "v", "vs", "vb", "s", "t", "ut", "vd"};

void
lintel_senml_begin(struct lintel_senml_writer *w, struct lintel_buf *b, int cbor, uint32_t records)
{
    *w = (struct lintel_senml_writer){b, cbor, 0};
    if (cbor)
        lintel_cbor_array(b, records);
    else
        lintel_buf_addc(b, '[');
}

void
lintel_senml_end(struct lintel_senml_writer *w)
{
    if (!w->cbor)
        lintel_buf_addc(w->b, ']');
}

struct record { /* one being written */
    struct lintel_buf *b;
    int cbor, members;
};

static void
label(struct record *r, int which)
{
    if (r->cbor) {
        lintel_cbor_int(r->b, which);
        return;
    }
    lintel_buf_addc(r->b, r->members++ == 0 ? '{' : ',');
    lintel_buf_addc(r->b, '"');
    lintel_buf_adds(r->b, lintel_senml_labels[which - LINTEL_SENML_FIRST]);
    lintel_buf_add(r->b, "\":", 2);
}

static void
text(struct record *r, int which, struct lintel_str s)
{
    if (s.n == 0)
        return;
    label(r, which);
    if (r->cbor)
        lintel_cbor_str(r->b, s.p, s.n);
    else
        lintel_buf_add_json_str(r->b, s.p, s.n);
}

/* Seconds, to the microsecond, without the rounding of a double in JSON. */
static void
seconds(struct record *r, int which, int64_t ns)
{
    int64_t us = ns / 1000, rest = us % 1000000;
    label(r, which);
    if (rest == 0 && r->cbor) {
        lintel_cbor_int(r->b, us / 1000000);
    } else if (r->cbor) {
        lintel_cbor_real(r->b, (double)us / 1e6);
    } else {
        char digits[32];
        int n = snprintf(digits, sizeof digits, "%s%lld.%06lld", us < 0 ? "-" : "",
                         (long long)(us < 0 ? -(us / 1000000) : us / 1000000),
                         (long long)(rest < 0 ? -rest : rest));
        while (digits[n - 1] == '0')
            n--;
        lintel_buf_add(r->b, digits, (size_t)(digits[n - 1] == '.' ? n - 1 : n));
    }
}

static int
value_label(const lintel_value *v)
{
    switch (v->type) {
    case LINTEL_T_BOOL: return LINTEL_SENML_VB;
    case LINTEL_T_INT:
    case LINTEL_T_UINT:
    case LINTEL_T_REAL: return LINTEL_SENML_V;
    case LINTEL_T_BYTES: return LINTEL_SENML_VD;
    default: return LINTEL_SENML_VS;
    }
}

static void
value(struct record *r, const lintel_value *v)
{
    label(r, value_label(v));
    if (v->type != LINTEL_T_LIST && v->type != LINTEL_T_MAP) {
        lintel_format_write(r->b, r->cbor ? LINTEL_FORMAT_CBOR : LINTEL_FORMAT_JSON, v);
        return;
    }
    struct lintel_buf json = {0};
    lintel_format_write(&json, LINTEL_FORMAT_JSON, v);
    if (json.failed)
        r->b->failed = 1;
    else if (r->cbor)
        lintel_cbor_str(r->b, json.p, json.n);
    else
        lintel_buf_add_json_str(r->b, json.p, json.n);
    lintel_buf_fini(&json);
}

/* A text that has no number in CBOR; NULL: there is none. */
static void
named_text(struct record *r, const char *name, const char *s)
{
    if (s == NULL)
        return;
    if (r->cbor) {
        lintel_cbor_str(r->b, name, strlen(name));
        lintel_cbor_str(r->b, s, strlen(s));
    } else {
        lintel_buf_addf(r->b, "%c\"%s\":", r->members++ == 0 ? '{' : ',', name);
        lintel_buf_add_json_str(r->b, s, strlen(s));
    }
}

void
lintel_senml_record(struct lintel_senml_writer *w, const struct lintel_senml_fields *f)
{
    struct record r = {w->b, w->cbor, 0};
    /* SenML has no NaN and no infinity (RFC 8428 section 4.3): no value, then. */
    int has_value = f->value != NULL && f->value->type != LINTEL_T_NULL &&
                    (f->value->type != LINTEL_T_REAL || isfinite(f->value->as.r));
    if (w->cbor)
        lintel_cbor_map(w->b,
                        (size_t)((f->bn.n != 0) + (f->bu.n != 0) + f->has_bt + (f->n.n != 0) +
                                 (f->u.n != 0) + has_value + f->has_t + (f->ut != 0) +
                                 (f->ct != NULL) + (f->quality != NULL) + (f->error != NULL)));
    else if (w->count++ != 0)
        lintel_buf_addc(w->b, ',');
    text(&r, LINTEL_SENML_BN, f->bn);
    if (f->has_bt)
        seconds(&r, LINTEL_SENML_BT, f->bt);
    text(&r, LINTEL_SENML_BU, f->bu);
    text(&r, LINTEL_SENML_N, f->n);
    text(&r, LINTEL_SENML_U, f->u);
    if (has_value)
        value(&r, f->value);
    if (f->has_t)
        seconds(&r, LINTEL_SENML_T, f->t);
    if (f->ut != 0)
        seconds(&r, LINTEL_SENML_UT, f->ut);
    named_text(&r, "ct", f->ct);
    named_text(&r, "quality", f->quality);
    named_text(&r, "error", f->error);
    if (!w->cbor)
        lintel_buf_adds(w->b, r.members == 0 ? "{}" : "}");
}
