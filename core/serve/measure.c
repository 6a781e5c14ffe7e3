/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/measure.h"

#include <stdio.h>
#include <string.h>

#include "core/model/unit.h"

#define SECOND INT64_C(1000000000)

void
lintel_measure_thing(struct lintel_buf *b, const struct lintel_tree *t, const char *thing)
{
    lintel_buf_adds(b, t->hub);
    lintel_buf_addc(b, ':');
    lintel_buf_adds(b, thing);
    lintel_buf_addc(b, '/');
}

static double
linear(const struct lintel_linear *l, double v)
{
    return v * (double)l->num / (double)l->den + (double)l->offset_num / (double)l->offset_den;
}

static void
to_primary(const char *unit, lintel_value *value, struct lintel_senml_fields *ret)
{
    const struct lintel_unit *u = lintel_unit_find(unit);
    double number;
    if (!lintel_value_number(value, &number))
        return;
    ret->u = lintel_str(unit);
    if (u == NULL || strcmp(u->primary, u->symbol) == 0)
        return;
    ret->u = lintel_str(u->primary);
    if (u->to_primary.num != u->to_primary.den || u->to_primary.offset_num != 0)
        *value = (lintel_value){.type = LINTEL_T_REAL, .as.r = linear(&u->to_primary, number)};
}

/* Below 2^28 s a time is relative to now (RFC 8428 section 4.5.3): so early the clock was not set.
 */
static void
set_time(const struct lintel_tree *t, lintel_wall source, struct lintel_senml_fields *ret)
{
    if (source == 0)
        return;
    ret->has_t = 1;
    if (source >= SECOND << 28) {
        ret->t = source;
    } else {
        lintel_wall now = lintel_loop_wall(t->source.loop);
        ret->t = source < now ? source - now : 0;
    }
}

void
lintel_measure(const struct lintel_tree *t, const struct lintel_bound *b,
               const struct lintel_reading *r, lintel_value *value, struct lintel_senml_fields *ret)
{
    const struct lintel_data *d = b->affordance->data;
    *ret = (struct lintel_senml_fields){
        .n = lintel_str(b->affordance->senml), .value = value, .ut = b->poll_ns};
    *value = r->value;
    if (d != NULL && d->unit != NULL)
        to_primary(d->unit, value, ret);
    if (d != NULL && value->type == LINTEL_T_BYTES)
        ret->ct = d->content;
    set_time(t, r->source, ret);
    if (r->quality != LINTEL_QUALITY_GOOD)
        ret->quality = lintel_quality_name(r->quality);
}

int
lintel_measure_read(const struct lintel_senml_record *r, const struct lintel_data *d,
                    struct lintel_arena *a, lintel_value *ret, char reason[LINTEL_REASON])
{
    double number;
    *ret = r->value;
    if (d != NULL && (d->kind == LINTEL_DATA_ARRAY || d->kind == LINTEL_DATA_OBJECT) &&
        r->value.type == LINTEL_T_STR)
        return lintel_json_read(r->value.as.s, r->value.len, a, ret, reason);
    if (r->unit.n == 0 || d == NULL || d->unit == NULL || !lintel_value_number(ret, &number) ||
        lintel_str_eq(r->unit, d->unit))
        return 0;
    char symbol[32] = "";
    struct lintel_linear l;
    if (r->unit.n < sizeof symbol)
        memcpy(symbol, r->unit.p, r->unit.n);
    const struct lintel_unit *from = lintel_unit_find(symbol), *to = lintel_unit_find(d->unit);
    if (from == NULL || to == NULL || lintel_unit_convert(from, to, &l) != 0) {
        snprintf(reason, LINTEL_REASON, "\"%.*s\" can't be converted to %s",
                 (int)(r->unit.n > 40 ? 40 : r->unit.n), r->unit.p, d->unit);
        return -1;
    }
    *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = linear(&l, number)};
    return 0;
}

uint32_t
lintel_max_age(const struct lintel_tree *t, const struct lintel_bound *b,
               const struct lintel_reading *r)
{
    enum { PUSHED = 60 };
    if (b->poll_ns == 0)
        return b->flags & LINTEL_P_NOTIFY || b->affordance->kind == LINTEL_K_EVENT ? PUSHED : 0;
    int64_t rest = r->refreshed + b->poll_ns - lintel_loop_now(t->source.loop);
    return rest <= 0 ? 0 : (uint32_t)(rest / SECOND < UINT32_MAX ? rest / SECOND : UINT32_MAX);
}

int
lintel_must_read(const struct lintel_bound *b, const struct lintel_reading *r)
{
    if (b->affordance->kind != LINTEL_K_PROPERTY)
        return 0;
    return r->quality == LINTEL_QUALITY_INITIAL ||
           (b->poll_ns == 0 && !(b->flags & LINTEL_P_NOTIFY));
}
