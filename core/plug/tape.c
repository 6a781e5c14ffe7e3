/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/tape.h"

#include <stdlib.h>
#include <string.h>

struct asked {    /* when the same was asked */
    uint32_t *at; /* messages, by time */
    uint32_t n, room;
};

struct reading {
    struct lintel_tape *t;
    const char *file;
    struct lintel_map protocols; /* their names, kept once */
};

/* What `lintel record` says of the bus is the comment that is a JSON object. */
static int
on_comment(void *ctx, const char *text, size_t n)
{
    struct reading *r = ctx;
    struct lintel_report report = {0};
    if (n == 0 || text[0] != '{' || r->t->about != NULL)
        return 0;
    r->t->about = lintel_doc_parse(r->file, text, n, &report);
    lintel_report_fini(&report); /* somebody else's comment */
    return 0;
}

static const char *
keep_protocol(struct reading *r, const char *name)
{
    size_t n = strlen(name);
    char *kept = lintel_map_get(&r->protocols, name, n);
    if (kept == NULL && (kept = lintel_arena_strdup(r->t->arena, name)) != NULL &&
        lintel_map_put(&r->protocols, name, n, kept) != 0)
        return NULL;
    return kept;
}

static int
on_packet(void *ctx, const struct lintel_pcapng_packet *p)
{
    struct reading *r = ctx;
    struct lintel_tape *t = r->t;
    if (t->n == t->room) {
        uint32_t room = t->room != 0 ? t->room * 2 : 256;
        lintel_tap *more = lintel_grow(t->messages, room, sizeof *more);
        if (more == NULL)
            return -1;
        t->messages = more;
        t->room = room;
    }
    const char *protocol = keep_protocol(r, p->protocol);
    char *bytes = lintel_arena_strndup(t->arena, p->p, p->n);
    if (protocol == NULL || bytes == NULL || p->n > UINT32_MAX)
        return -1;
    t->messages[t->n++] = (lintel_tap){.size = sizeof(lintel_tap),
                                       .flow = p->incoming ? LINTEL_TAP_IN : LINTEL_TAP_OUT,
                                       .protocol = protocol,
                                       .peer = "",
                                       .p = bytes,
                                       .n = (uint32_t)p->n,
                                       .when = p->when};
    return 0;
}

struct ordered { /* for a sort that keeps the order of equal times */
    lintel_tap tap;
    uint32_t at;
};

static int
by_time(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->tap.when != y->tap.when)
        return x->tap.when < y->tap.when ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

static int
sort(struct lintel_tape *t)
{
    uint32_t i = 1;
    while (i < t->n && t->messages[i - 1].when <= t->messages[i].when)
        i++;
    if (i >= t->n)
        return 0;
    struct ordered *all = lintel_alloc_array(t->n, sizeof *all);
    if (all == NULL)
        return -1;
    for (i = 0; i < t->n; i++)
        all[i] = (struct ordered){t->messages[i], i};
    qsort(all, t->n, sizeof *all, by_time);
    for (i = 0; i < t->n; i++)
        t->messages[i] = all[i].tap;
    lintel_free(all);
    return 0;
}

/* Where the clock was set while it was recorded, years may lie between two messages: all of them
 * would be played. */
static int
judge_length(const struct lintel_tape *t, char reason[LINTEL_TAPE_REASON])
{
    const int64_t day = INT64_C(24) * 3600 * 1000000000;
    uint32_t widest = 1;
    if (t->n == 0 || t->last - t->first <= LINTEL_TAPE_DAYS_MOST * day)
        return 0;
    for (uint32_t i = 2; i < t->n; i++)
        if (t->messages[i].when - t->messages[i - 1].when >
            t->messages[widest].when - t->messages[widest - 1].when)
            widest = i;
    (void)lintel_format(
        reason, LINTEL_TAPE_REASON,
        "it lasts %lld days, and %d are the most; %lld days lie before message %u: "
        "was the clock set? Record it again",
        (long long)((t->last - t->first) / day), LINTEL_TAPE_DAYS_MOST,
        (long long)((t->messages[widest].when - t->messages[widest - 1].when) / day), widest + 1);
    return -1;
}

struct lintel_tape *
lintel_tape_read(const char *file, const void *p, size_t n, char reason[LINTEL_TAPE_REASON])
{
    struct reading r = {.file = file, .t = lintel_alloc(sizeof *r.t)};
    const struct lintel_pcapng_fns fns = {on_comment, on_packet, &r};
    (void)lintel_copy(reason, LINTEL_TAPE_REASON, "out of memory");
    if (r.t == NULL || (r.t->arena = lintel_arena_new()) == NULL) {
        lintel_tape_free(r.t);
        return NULL;
    }
    int failed = lintel_pcapng_read(p, n, &fns, reason) != 0;
    lintel_map_fini(&r.protocols);
    if (!failed && sort(r.t) != 0) {
        (void)lintel_copy(reason, LINTEL_TAPE_REASON, "out of memory");
        failed = 1;
    }
    if (!failed && r.t->n != 0) {
        r.t->first = r.t->messages[0].when;
        r.t->last = r.t->messages[r.t->n - 1].when;
        failed = judge_length(r.t, reason) != 0;
    }
    if (failed) {
        lintel_tape_free(r.t);
        return NULL;
    }
    return r.t;
}

static void
forget_index(struct lintel_tape *t)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(&t->asked, &it, &slot);) {
        struct asked *a = slot->value;
        lintel_free(a->at);
        lintel_free(a);
    }
    lintel_map_fini(&t->asked);
    t->asked = (struct lintel_map){0};
    t->indexed = 0;
}

void
lintel_tape_free(struct lintel_tape *t)
{
    if (t == NULL)
        return;
    forget_index(t);
    lintel_doc_free(t->about);
    lintel_free(t->messages);
    lintel_arena_free(t->arena);
    lintel_free(t);
}

const char *
lintel_tape_about(const struct lintel_tape *t, const char *member)
{
    const struct lintel_node *n = t->about != NULL ? lintel_node_get(t->about->root, member) : NULL;
    return n != NULL && n->kind == LINTEL_NODE_SCALAR ? n->text.p : "";
}

/* ---- finding --------------------------------------------------------------------------------- */

static int
note_question(struct lintel_tape *t, uint32_t i)
{
    const lintel_tap *m = &t->messages[i];
    const char *key = (const char *)m->p + t->serial;
    size_t n = m->n - t->serial;
    struct asked *a = lintel_map_get(&t->asked, key, n);
    if (a == NULL) {
        a = lintel_alloc(sizeof *a);
        if (a == NULL || lintel_map_put(&t->asked, key, n, a) != 0) {
            lintel_free(a);
            return -1;
        }
    }
    if (a->n == a->room) {
        uint32_t room = a->room != 0 ? a->room * 2 : 4;
        uint32_t *at = lintel_grow(a->at, room, sizeof *at);
        if (at == NULL)
            return -1;
        a->at = at;
        a->room = room;
    }
    a->at[a->n++] = i;
    return 0;
}

static int
make_index(struct lintel_tape *t, uint32_t serial)
{
    if (t->indexed && t->serial == serial)
        return 0;
    forget_index(t);
    t->serial = serial;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->messages[i].flow == LINTEL_TAP_OUT && t->messages[i].n > serial &&
            note_question(t, i) != 0) {
            forget_index(t);
            return -1;
        }
    t->indexed = 1;
    return 0;
}

/* The answer to message i: what came next with its number; without numbers, what came before the
 * next question. */
static const lintel_tap *
answer_to(const struct lintel_tape *t, uint32_t i)
{
    enum { LATE_MOST = 64 }; /* messages between */
    const lintel_tap *q = &t->messages[i];
    for (uint32_t k = i + 1; k < t->n && k - i <= LATE_MOST; k++) {
        const lintel_tap *m = &t->messages[k];
        if (m->flow == LINTEL_TAP_OUT && t->serial == 0)
            return NULL;
        if (m->flow == LINTEL_TAP_IN && m->n >= t->serial &&
            (t->serial == 0 || memcmp(m->p, q->p, t->serial) == 0))
            return m;
        if (m->flow == LINTEL_TAP_OUT && m->n >= t->serial && memcmp(m->p, q->p, t->serial) == 0)
            return NULL; /* the number is used again */
    }
    return NULL;
}

const lintel_tap *
lintel_tape_find(struct lintel_tape *t, const lintel_tap *question, lintel_wall now,
                 const lintel_tap **ret)
{
    if (question->n <= question->serial || make_index(t, question->serial) != 0)
        return NULL;
    const struct asked *a = lintel_map_get(&t->asked, (const char *)question->p + question->serial,
                                           question->n - question->serial);
    if (a == NULL)
        return NULL;
    uint32_t low = 0, high = a->n; /* the first that is later than now */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->messages[a->at[mid]].when <= now)
            low = mid + 1;
        else
            high = mid;
    }
    uint32_t i = a->at[low > 0 ? low - 1 : 0];
    *ret = answer_to(t, i);
    return &t->messages[i];
}
