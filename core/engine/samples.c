/* SPDX-License-Identifier: Apache-2.0
 * From what a plugin tells to values: decoding, the judging of single points, and the points that
 * an answer left out. */
#include "core/engine/samples.h"

#include "core/engine/groups.h"
#include "core/engine/pace.h"
#include "core/engine/values.h"

enum { EXPONENT_MOST = 30 }; /* a power of ten beyond is a wrong register, not a scale */

void
samples_begin(struct sample_run *r, struct lintel_bus *b)
{
    *r = (struct sample_run){.bus = b,
                             .now = lintel_loop_now(b->engine->loop),
                             .wall = lintel_loop_wall(b->engine->loop)};
}

void
samples_end(struct sample_run *r)
{
    lintel_payload_reset(&r->payload, NULL, 0);
}

static struct scale_source *
find_source(const struct lintel_live_thing *t, uint32_t i)
{
    for (uint32_t k = 0; k < t->nsources; k++)
        if (t->sources[k].index == i)
            return &t->sources[k];
    return NULL;
}

int32_t
thing_exponent(const struct lintel_live_thing *t, uint32_t i, int *ret_known)
{
    int32_t from = thing_bound(t, i)->scale_from;
    const struct scale_source *s = from >= 0 ? find_source(t, (uint32_t)from) : NULL;
    *ret_known = from < 0 || (s != NULL && s->known);
    return s != NULL && s->known ? s->exponent : 0;
}

static void
keep_exponent(struct lintel_live_thing *t, uint32_t i, int valid, int64_t raw)
{
    struct scale_source *s = find_source(t, i);
    if (s == NULL)
        return;
    s->known = valid && raw >= -EXPONENT_MOST && raw <= EXPONENT_MOST;
    s->exponent = s->known ? (int32_t)raw : 0;
}

/* The plugin says why there is no value. */
static void
apply_failure(struct lintel_live_thing *t, uint32_t i, const lintel_sample *s)
{
    if (s->status == LINTEL_E_BUSY || s->status == LINTEL_E_CANCELLED)
        return; /* no news of the point: it ages */
    if (t->forgiving && status_is_silence(s->status))
        return;
    if (s->status == LINTEL_E_ADDRESS)
        groups_point_rests(t, i);
    point_judge(t, i, status_is_silence(s->status) ? LINTEL_QUALITY_STALE : LINTEL_QUALITY_BAD,
                s->status, 0, s->detail);
}

static enum lintel_quality
quality_of(const struct lintel_live_thing *t, const lintel_sample *s, int out_of_range)
{
    if (t->announced)
        return LINTEL_QUALITY_STALE; /* what a source kept of a device that is away */
    if (out_of_range)
        return LINTEL_QUALITY_OUT_OF_RANGE;
    if (s->quality & LINTEL_Q_OUT_OF_SERVICE)
        return LINTEL_QUALITY_OUT_OF_SERVICE;
    return s->quality & LINTEL_Q_OVERRIDDEN ? LINTEL_QUALITY_OVERRIDDEN : LINTEL_QUALITY_GOOD;
}

static struct lintel_payload *
payload_of(struct sample_run *r, const lintel_value *raw)
{
    if (raw->type != LINTEL_T_BYTES && raw->type != LINTEL_T_STR)
        return NULL;
    if (r->payload.p != raw->as.p || r->payload.n != raw->len)
        lintel_payload_reset(&r->payload, raw->as.p, raw->len);
    return &r->payload;
}

void
sample_apply(struct sample_run *r, struct lintel_live_thing *t, uint32_t i, const lintel_sample *s)
{
    const struct lintel_bound *bound = thing_bound(t, i);
    struct point *p = &t->points[i];
    if (s->status != LINTEL_OK) {
        apply_failure(t, i, s);
        return;
    }
    r->bus->values++;
    struct lintel_codec *codec = bound->read.codec;
    lintel_value v = {.type = LINTEL_T_NULL};
    struct lintel_decoding d;
    enum lintel_decoded how = LINTEL_DECODED;
    int64_t raw_number = 0;
    d.reason[0] = '\0';
    if (codec != NULL) {
        int known;
        int32_t exponent = thing_exponent(t, i, &known);
        if (!known) {
            point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_E_FAIL, 0,
                        "the property that it is scaled by (scaleFrom) has no value");
            return;
        }
        struct lintel_payload *payload =
            lintel_codec_parses(codec) ? payload_of(r, &s->value) : NULL;
        how = lintel_codec_decode(codec, &s->value, payload, exponent, &d, &v, &raw_number);
        if (p->flags & POINT_SOURCE && how != LINTEL_DECODED_ABSENT)
            keep_exponent(t, i, how == LINTEL_DECODED || how == LINTEL_DECODED_RANGE, raw_number);
    }
    switch (how) {
    case LINTEL_DECODED_ABSENT: return;
    case LINTEL_DECODED_NONE:
        point_no_value(t, i);
        point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_OK, 0, "the device says that it has no value");
        return;
    case LINTEL_DECODED_BAD:
        point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_E_TYPE, 0, d.reason);
        return;
    default: break;
    }
    point_update(t, i, &v, quality_of(t, s, how == LINTEL_DECODED_RANGE), s->when, r->now, r->wall);
    if (t->announced) {
        p->status = (int8_t)t->status;
        p->flags |= POINT_WHY_DEVICE;
    } else if (how == LINTEL_DECODED_RANGE) {
        point_detail(t, i, d.reason);
    }
}

/* The place of a slot among the op's; op->n if it is not asked for. Answers mostly come in the
 * order of the question, which the guess makes cheap; the slots ascend. */
static uint32_t
place_in_op(const struct lintel_op *op, uint32_t slot, uint32_t guess)
{
    if (guess < op->n && op->slots[guess] == slot)
        return guess;
    uint32_t low = 0, high = op->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (op->slots[middle] < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < op->n && op->slots[low] == slot ? low : op->n;
}

uint32_t
samples_of_op(struct lintel_live_thing *t, const struct lintel_op *op, const lintel_sample *s,
              uint32_t n)
{
    uint64_t seen[GROUP_MOST / 64] = {0};
    struct sample_run run;
    uint32_t answered = 0;
    LINTEL_ASSERT(op->n <= GROUP_MOST);
    samples_begin(&run, t->bus);
    /* Powers of ten first: the values that they scale may stand before them in the same answer. */
    for (int sources = t->nsources != 0; sources >= 0; sources--) {
        uint32_t guess = 0;
        for (uint32_t k = 0; k < n; k++) {
            uint32_t at = place_in_op(op, s[k].point, guess);
            guess = at + 1;
            if (at == op->n) {
                t->bus->dropped += sources == 0;
                continue;
            }
            uint32_t i = op->slots[at] - t->first_slot;
            if (((t->points[i].flags & POINT_SOURCE) != 0) != sources)
                continue;
            if (seen[at / 64] >> (at % 64) & 1) {
                t->bus->dropped++;
                continue;
            }
            seen[at / 64] |= UINT64_C(1) << (at % 64);
            answered += !status_is_silence(s[k].status);
            sample_apply(&run, t, i, &s[k]);
        }
    }
    samples_end(&run);
    for (uint32_t at = 0; at < op->n; at++) {
        uint32_t i = op->slots[at] - t->first_slot;
        /* One that was refused while the request was under way keeps the reason of that. */
        if (!(seen[at / 64] >> (at % 64) & 1) && !(t->points[i].flags & POINT_RESTS))
            point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_E_FAIL, 0,
                        "the plugin's answer left it out");
    }
    return answered;
}
