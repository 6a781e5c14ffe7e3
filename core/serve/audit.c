/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/audit.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"

enum { COUNT = 100 }; /* records, where nobody says how many */

/* The value of "name=value", or NULL. */
static const char *
value_of(const lintel_span *s, const char *name, size_t *ret_n)
{
    size_t n = strlen(name);
    if (s->n <= n || memcmp(s->p, name, n) != 0 || s->p[n] != '=')
        return NULL;
    *ret_n = s->n - n - 1;
    return s->p + n + 1;
}

static int
read_name(const char *value, size_t n, char out[LINTEL_TRAIL_NAME_MOST])
{
    if (n == 0 || n >= LINTEL_TRAIL_NAME_MOST || memchr(value, '\0', n) != NULL)
        return -1;
    memcpy(out, value, n);
    out[n] = '\0';
    return 0;
}

static int
read_argument(const lintel_span *s, struct lintel_trail_query *q)
{
    const char *v;
    size_t n;
    uint64_t number;
    if ((v = value_of(s, "count", &n)) != NULL) {
        if (!lintel_parse_uint(v, n, &number) || number == 0 || number > LINTEL_TRAIL_COUNT_MOST)
            return -1;
        q->count = (uint32_t)number;
        return 0;
    }
    if ((v = value_of(s, "before", &n)) != NULL)
        return lintel_parse_uint(v, n, &q->before) && q->before != 0 ? 0 : -1;
    if ((v = value_of(s, "thing", &n)) != NULL)
        return read_name(v, n, q->thing);
    if ((v = value_of(s, "who", &n)) != NULL)
        return read_name(v, n, q->who);
    return -1;
}

struct lintel_audit_look { /* who asked */
    struct lintel_audit_look *next;
    struct lintel_tree *tree; /* NULL: it has ended */
    lintel_ticket ticket;
};

void
lintel_audit_end(struct lintel_tree *t)
{
    for (; t->looks != NULL; t->looks = t->looks->next)
        t->looks->tree = NULL;
}

static void
look_free(struct lintel_audit_look *l)
{
    struct lintel_audit_look **at = l->tree != NULL ? &l->tree->looks : NULL;
    while (at != NULL && *at != l)
        at = &(*at)->next;
    if (at != NULL)
        *at = l->next;
    lintel_free(l);
}

static void
found(void *ctx, struct lintel_buf *json)
{
    struct lintel_audit_look *l = ctx;
    struct lintel_open *o = l->tree != NULL ? lintel_open_find(l->tree, l->ticket) : NULL;
    look_free(l);
    if (o == NULL)
        return; /* who asked has gone */
    if (json == NULL) {
        lintel_open_fail(o, LINTEL_UNAVAILABLE, "the audit trail can't be read; see the hub's log");
        return;
    }
    lintel_answer a = lintel_answer_of(LINTEL_CONTENT, LINTEL_FORMAT_JSON, 0, json);
    lintel_open_answer(o, &a);
}

void
lintel_serve_audit(struct lintel_call *c)
{
    struct lintel_trail *trail = c->tree->source.trail;
    struct lintel_trail_query q = {.count = COUNT};
    if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, "/hub/audit", "GET");
        return;
    }
    for (uint32_t i = 0; i < c->x->nquery; i++) {
        if (read_argument(&c->x->query[i], &q) == 0)
            continue;
        lintel_call_fail(
            c, LINTEL_BAD_REQUEST,
            "\"%.*s\": there are count= (1 to %d), before= (a number), thing= and who=",
            (int)(c->x->query[i].n < 64 ? c->x->query[i].n : 64), c->x->query[i].p,
            LINTEL_TRAIL_COUNT_MOST);
        return;
    }
    if (!lintel_call_accepts(c, LINTEL_FORMAT_JSON))
        return;
    if (trail == NULL) {
        lintel_call_fail(c, LINTEL_NOT_IMPLEMENTED, "this hub keeps no audit trail");
        return;
    }
    struct lintel_open *o = lintel_call_open(c);
    struct lintel_audit_look *l = o != NULL ? lintel_alloc(sizeof *l) : NULL;
    if (o == NULL)
        return;
    if (l != NULL) {
        *l = (struct lintel_audit_look){c->tree->looks, c->tree, c->ticket};
        c->tree->looks = l;
        if (lintel_trail_look(trail, &q, found, l) == 0)
            return;
        look_free(l);
    }
    lintel_open_fail(o, LINTEL_UNAVAILABLE, "too many look at the audit trail; try again later");
}
