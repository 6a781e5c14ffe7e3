/* SPDX-License-Identifier: Apache-2.0
 * Points: value, quality, reason, time. Numbers stand in the point itself; texts and trees have one
 * piece of heap memory, which is used again. */
#include "core/engine/values.h"

#include <math.h>
#include <string.h>

#include "core/engine/pace.h"
#include "core/engine/watch.h"

enum { DEPTH_MOST = 64, BLOB_KEEP = 1024 };

/* Sizes of v's own pieces: arrays first (they want alignment), texts behind them. */
static int
measure(const lintel_value *v, int depth, size_t *arrays, size_t *texts)
{
    if (depth > DEPTH_MOST)
        return -1;
    switch (v->type) {
    case LINTEL_T_STR:
    case LINTEL_T_BYTES: *texts += (size_t)v->len + 1; break;
    case LINTEL_T_LIST:
        *arrays += v->len * sizeof(lintel_value);
        for (uint32_t i = 0; i < v->len; i++)
            if (measure(&v->as.list[i], depth + 1, arrays, texts) != 0)
                return -1;
        break;
    case LINTEL_T_MAP:
        *arrays += v->len * sizeof(lintel_member);
        for (uint32_t i = 0; i < v->len; i++) {
            *texts += strlen(v->as.map[i].name) + 1;
            if (measure(&v->as.map[i].value, depth + 1, arrays, texts) != 0)
                return -1;
        }
        break;
    default: break;
    }
    return 0;
}

static char *
copy_text(char **texts, const void *p, size_t n)
{
    char *to = *texts;
    if (n != 0)
        memcpy(to, p, n);
    to[n] = '\0';
    *texts += n + 1;
    return to;
}

static void
copy_value(const lintel_value *v, lintel_value *to, char **arrays, char **texts)
{
    *to = *v;
    if (v->type == LINTEL_T_STR || v->type == LINTEL_T_BYTES) {
        to->as.s = copy_text(texts, v->as.p, v->len);
    } else if (v->type == LINTEL_T_LIST) {
        lintel_value *items = (lintel_value *)(void *)*arrays;
        *arrays += v->len * sizeof *items;
        for (uint32_t i = 0; i < v->len; i++)
            copy_value(&v->as.list[i], &items[i], arrays, texts);
        to->as.list = items;
    } else if (v->type == LINTEL_T_MAP) {
        lintel_member *members = (lintel_member *)(void *)*arrays;
        *arrays += v->len * sizeof *members;
        for (uint32_t i = 0; i < v->len; i++) {
            members[i].name = copy_text(texts, v->as.map[i].name, strlen(v->as.map[i].name));
            copy_value(&v->as.map[i].value, &members[i].value, arrays, texts);
        }
        to->as.map = members;
    }
}

int
blob_copy(struct blob **keep, const lintel_value *v)
{
    size_t arrays = 0, texts = 0;
    if (measure(v, 0, &arrays, &texts) != 0)
        return -1;
    size_t want = arrays + texts;
    struct blob *b = *keep;
    if (b == NULL || b->room < want || (b->room > BLOB_KEEP && want < b->room / 4)) {
        b = lintel_alloc(sizeof *b + want);
        if (b == NULL)
            return -1;
        b->room = want;
        lintel_free(*keep);
        *keep = b;
    }
    char *array_at = (char *)(b + 1), *text_at = array_at + arrays;
    copy_value(v, &b->value, &array_at, &text_at);
    return 0;
}

int
value_equal(const lintel_value *a, const lintel_value *b)
{
    if (a->type != b->type || a->len != b->len)
        return 0;
    switch (a->type) {
    case LINTEL_T_NULL: return 1;
    case LINTEL_T_REAL: return !(a->as.r < b->as.r) && !(a->as.r > b->as.r);
    case LINTEL_T_STR:
    case LINTEL_T_BYTES: return a->len == 0 || memcmp(a->as.p, b->as.p, a->len) == 0;
    case LINTEL_T_LIST:
        for (uint32_t i = 0; i < a->len; i++)
            if (!value_equal(&a->as.list[i], &b->as.list[i]))
                return 0;
        return 1;
    case LINTEL_T_MAP:
        for (uint32_t i = 0; i < a->len; i++)
            if (strcmp(a->as.map[i].name, b->as.map[i].name) != 0 ||
                !value_equal(&a->as.map[i].value, &b->as.map[i].value))
                return 0;
        return 1;
    default: return a->as.u == b->as.u;
    }
}

static int
has_blob(const struct point *p)
{
    return p->type >= LINTEL_T_STR;
}

void
point_value(const struct point *p, lintel_value *ret)
{
    if (has_blob(p))
        *ret = p->as.blob->value;
    else
        *ret = (lintel_value){.type = p->type, .as.u = p->as.u};
}

static int
point_store(struct point *p, const lintel_value *v)
{
    if (v->type >= LINTEL_T_STR) {
        struct blob *b = has_blob(p) ? p->as.blob : NULL;
        if (blob_copy(&b, v) != 0)
            return -1;
        p->as.blob = b;
    } else {
        if (has_blob(p))
            lintel_free(p->as.blob);
        p->as.u = v->as.u;
    }
    p->type = (uint8_t)v->type;
    return 0;
}

/* Keeps the figures of the bus right. */
static void
set_quality(struct lintel_live_thing *t, struct point *p, enum lintel_quality q)
{
    struct lintel_bus *b = t->bus;
    if (p->quality != q)
        thing_has_news(t);
    b->stale -= p->quality == LINTEL_QUALITY_STALE;
    b->bad -= p->quality == LINTEL_QUALITY_BAD;
    b->stale += q == LINTEL_QUALITY_STALE;
    b->bad += q == LINTEL_QUALITY_BAD;
    p->quality = (uint8_t)q;
}

static void
tell(struct lintel_live_thing *t, uint32_t i)
{
    t->points[i].sequence++;
    if (t->points[i].flags & POINT_SUBSCRIBED)
        point_changed(t, i);
}

void
point_detail(struct lintel_live_thing *t, uint32_t i, const char *detail)
{
    struct lintel_engine *e = t->bus->engine;
    struct point *p = &t->points[i];
    if ((detail == NULL || *detail == '\0') && !(p->flags & POINT_DETAIL))
        return;
    char *old = p->flags & POINT_DETAIL ? id_map_get(&e->details, t->first + i) : NULL;
    if (detail != NULL && *detail != '\0') {
        if (old != NULL && strcmp(old, detail) == 0)
            return;
        char *text = lintel_strndup(detail, strnlen(detail, LINTEL_REASON - 1));
        if (text != NULL && id_map_put(&e->details, t->first + i, text) == 0) {
            p->flags |= POINT_DETAIL;
            lintel_free(old);
            return;
        }
        lintel_free(text); /* without memory there is no text, only the status */
    }
    id_map_take(&e->details, t->first + i);
    lintel_free(old);
    p->flags &= (uint8_t)~POINT_DETAIL;
}

/* Whether v is so near to the value told last that the binding wants silence. */
static int
within_deadband(const struct lintel_bound *bound, const struct point *p, const lintel_value *v)
{
    lintel_value old;
    double before, after;
    if (!(bound->deadband > 0))
        return 0;
    point_value(p, &old);
    return lintel_value_number(&old, &before) && lintel_value_number(v, &after) &&
           fabs(after - before) < bound->deadband;
}

void
point_update(struct lintel_live_thing *t, uint32_t i, const lintel_value *v, enum lintel_quality q,
             lintel_wall when, lintel_mono now, lintel_wall wall)
{
    const struct lintel_bound *bound = thing_bound(t, i);
    struct point *p = &t->points[i];
    lintel_value old;
    point_value(p, &old);
    int differs = !value_equal(&old, v) && !within_deadband(bound, p, v);
    int news = differs || p->quality != q || bound->affordance->kind == LINTEL_K_EVENT;
    if (differs && point_store(p, v) != 0) {
        point_judge(t, i, LINTEL_QUALITY_BAD, LINTEL_E_NOMEM, 0, "no memory for this value");
        return;
    }
    p->refreshed = now;
    p->arrival = wall;
    p->source = when != 0 ? when : wall;
    if (bound->stale_ns > 0 && now + bound->stale_ns < t->stale_at)
        t->stale_at = now + bound->stale_ns;
    p->status = LINTEL_OK;
    p->flags &= (uint8_t) ~(POINT_WHY_DEVICE | POINT_WHY_BUS);
    if (q != LINTEL_QUALITY_OUT_OF_RANGE)
        point_detail(t, i, NULL);
    set_quality(t, p, q);
    if (news)
        tell(t, i);
}

void
point_judge(struct lintel_live_thing *t, uint32_t i, enum lintel_quality q, lintel_status status,
            uint8_t why, const char *detail)
{
    struct point *p = &t->points[i];
    int news = p->quality != q;
    set_quality(t, p, q);
    p->status = (int8_t)status;
    p->flags = (uint8_t)((p->flags & ~(POINT_WHY_DEVICE | POINT_WHY_BUS)) | why);
    point_detail(t, i, why == 0 ? detail : NULL);
    if (news)
        tell(t, i);
}

void
point_no_value(struct lintel_live_thing *t, uint32_t i)
{
    static const lintel_value none = {.type = LINTEL_T_NULL};
    if (t->points[i].type != LINTEL_T_NULL)
        point_store(&t->points[i], &none);
}

void
point_carry(struct lintel_live_thing *was, uint32_t i, struct lintel_live_thing *is, uint32_t k)
{
    const struct point *from = &was->points[i];
    struct point *to = &is->points[k];
    int64_t stale_ns = thing_bound(is, k)->stale_ns;
    lintel_value v;
    point_value(from, &v);
    if (point_store(to, &v) != 0)
        return; /* it begins without a value */
    to->source = from->source;
    to->arrival = from->arrival;
    to->refreshed = from->refreshed;
    to->sequence = from->sequence;
    to->status = from->status;
    set_quality(is, to, (enum lintel_quality)from->quality);
    if (from->flags & POINT_DETAIL)
        point_detail(is, k, id_map_get(&was->bus->engine->details, was->first + i));
    if (stale_ns > 0 && to->refreshed + stale_ns < is->stale_at)
        is->stale_at = to->refreshed + stale_ns;
}

void
point_fini(struct lintel_live_thing *t, uint32_t i)
{
    point_detail(t, i, NULL);
    set_quality(t, &t->points[i], LINTEL_QUALITY_INITIAL);
    point_no_value(t, i);
}

const char *
lintel_quality_name(enum lintel_quality q)
{
    static const char *const names[] = {"initial",    "good",           "stale",       "bad",
                                        "overridden", "out of service", "out of range"};
    return (unsigned)q < LINTEL_COUNT(names) ? names[q] : "?";
}

void
lintel_engine_reading(const struct lintel_engine *e, lintel_point_id id, struct lintel_reading *ret)
{
    struct lintel_live_thing *t;
    uint32_t i;
    const struct point *p = engine_point(e, id, &t, &i);
    *ret = (struct lintel_reading){.quality = LINTEL_QUALITY_INITIAL};
    if (p == NULL)
        return;
    const struct lintel_bound *bound = thing_bound(t, i);
    point_value(p, &ret->value);
    ret->quality = (enum lintel_quality)p->quality;
    ret->source = p->source;
    ret->arrival = p->arrival;
    ret->refreshed = p->refreshed;
    ret->sequence = p->sequence;
    ret->poll_ns = bound->poll_ns;
    ret->stale_ns = bound->stale_ns;
    ret->status = p->status;
    if (p->flags & POINT_WHY_DEVICE)
        ret->detail = t->detail;
    else if (p->flags & POINT_WHY_BUS)
        ret->detail = t->bus->detail;
    else if (p->flags & POINT_DETAIL)
        ret->detail = id_map_get(&e->details, id);
    if (ret->detail == NULL && p->status != LINTEL_OK)
        ret->detail = p->status == LINTEL_E_TIMEOUT && p->quality == LINTEL_QUALITY_STALE
                          ? "not refreshed in time"
                          : status_text(p->status);
}

void
thing_age(struct lintel_live_thing *t, lintel_mono now)
{
    t->stale_at = NEVER;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct point *p = &t->points[i];
        int64_t stale_ns = thing_bound(t, i)->stale_ns;
        if (stale_ns <= 0 || p->quality == LINTEL_QUALITY_INITIAL ||
            p->quality == LINTEL_QUALITY_STALE || p->quality == LINTEL_QUALITY_BAD)
            continue;
        if (p->refreshed + stale_ns > now) {
            if (p->refreshed + stale_ns < t->stale_at)
                t->stale_at = p->refreshed + stale_ns;
        } else if (t->status != LINTEL_OK) {
            point_judge(t, i, LINTEL_QUALITY_STALE, t->status, POINT_WHY_DEVICE, NULL);
        } else {
            point_judge(t, i, LINTEL_QUALITY_STALE, LINTEL_E_TIMEOUT, 0, NULL);
        }
    }
}

int
status_is_silence(lintel_status st)
{
    return st == LINTEL_E_TIMEOUT || st == LINTEL_E_LINK || st == LINTEL_E_PROTO;
}

const char *
status_text(lintel_status st)
{
    switch (st) {
    case LINTEL_OK: return "";
    case LINTEL_E_NOMEM: return "out of memory";
    case LINTEL_E_CONFIG: return "a setting is wrong; see the log";
    case LINTEL_E_ADDRESS: return "the device has no such address";
    case LINTEL_E_TYPE: return "a value of this type can't go there";
    case LINTEL_E_RANGE: return "the device refused the value as out of range";
    case LINTEL_E_NOTSUP: return "the device or its protocol can't do that";
    case LINTEL_E_DENIED: return "the device refused";
    case LINTEL_E_TIMEOUT: return "no answer";
    case LINTEL_E_CANCELLED: return "cancelled";
    case LINTEL_E_LINK: return "no connection";
    case LINTEL_E_PROTO: return "the answer breaks the protocol";
    case LINTEL_E_DEVICE: return "the device answered with an error";
    case LINTEL_E_BUSY: return "busy; try again soon";
    default: return "the plugin failed; see the log";
    }
}
