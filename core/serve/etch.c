/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/etch.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

static int
is_etch(int32_t format)
{
    return format == LINTEL_FORMAT_ETCH_JSON || format == LINTEL_FORMAT_ETCH_CBOR;
}

int
lintel_etch_read(struct lintel_call *c, enum lintel_senml_kind kind, struct lintel_arena *a,
                 struct lintel_senml_record **ret, uint32_t *ret_n)
{
    const lintel_exchange *x = c->x;
    char reason[LINTEL_REASON] = "";
    if (kind == LINTEL_SENML_FETCH && x->format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "FETCH needs a Content-Format: 320 (JSON) or 322 (CBOR)");
        return -1;
    }
    if (!is_etch(x->format)) {
        lintel_call_fail(c, LINTEL_UNSUPPORTED,
                         "send 320 (senml-etch+json) or 322 (senml-etch+cbor)");
        return -1;
    }
    if (x->payload.n > LINTEL_ETCH_BYTES_MOST) {
        lintel_call_too_large(c, LINTEL_ETCH_BYTES_MOST,
                              "the payload is too long; send several requests");
        return -1;
    }
    uint32_t code = lintel_senml_read(kind, x->format == LINTEL_FORMAT_ETCH_CBOR, x->payload.p,
                                      x->payload.n, a, ret, ret_n, reason);
    if (code == 0)
        return 0;
    if (code == LINTEL_TOO_LARGE)
        lintel_call_too_large(c, 0, reason);
    else
        lintel_call_fail(c, code, "%s", reason);
    return -1;
}

int32_t
lintel_etch_answer_format(const struct lintel_call *c)
{
    static const int32_t as_json[] = {LINTEL_FORMAT_SENML_JSON, LINTEL_FORMAT_SENML_CBOR},
                         as_cbor[] = {LINTEL_FORMAT_SENML_CBOR, LINTEL_FORMAT_SENML_JSON};
    return lintel_format_choose(c->x, c->x->format == LINTEL_FORMAT_ETCH_CBOR ? as_cbor : as_json,
                                2);
}

static int
skip(struct lintel_str *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n < n || memcmp(s->p, word, n) != 0)
        return 0;
    s->p += n;
    s->n -= n;
    return 1;
}

struct lintel_str
lintel_etch_local_name(const struct lintel_tree *t, const struct lintel_thing *thing,
                       struct lintel_str name)
{
    struct lintel_str rest = name;
    if (skip(&rest, t->hub) && skip(&rest, ":") && skip(&rest, thing->id) && skip(&rest, "/"))
        return rest;
    return name;
}

/* "Device/setPoint" is at the path "Device/p/setPoint"; a group whose name a path can't begin with
 * has a '~' there. */
static uint32_t
at_path(const struct lintel_profile *profile, struct lintel_str name, const char *before)
{
    char path[LINTEL_PATH_MOST];
    const char *slash = memchr(name.p, '/', name.n);
    for (const char *next = slash; next != NULL;
         next = memchr(slash + 1, '/', name.n - (size_t)(slash + 1 - name.p)))
        slash = next;
    if (slash == NULL || name.n >= LINTEL_PATH_MOST - 4)
        return UINT32_MAX;
    int n = snprintf(path, sizeof path, "%s%.*s/p%.*s", before, (int)(slash - name.p), name.p,
                     (int)(name.n - (size_t)(slash - name.p)), slash);
    const struct lintel_bound *b = lintel_map_get(&profile->by_path, path, (size_t)n);
    if (b == NULL || !lintel_str_eq(name, b->affordance->senml))
        return UINT32_MAX;
    return (uint32_t)(b - profile->bound);
}

uint32_t
lintel_etch_find(const struct lintel_tree *t, const struct lintel_thing *thing,
                 struct lintel_str name)
{
    struct lintel_str local = lintel_etch_local_name(t, thing, name);
    uint32_t i = at_path(thing->profile, local, "");
    return i != UINT32_MAX ? i : at_path(thing->profile, local, "~");
}

const char *
lintel_etch_nearest(const struct lintel_thing *thing, struct lintel_str name)
{
    char word[72];
    lintel_format(word, sizeof word, "%.*s", name.n < 64 ? (int)name.n : 64, name.p);
    const char *found = NULL;
    unsigned best = (unsigned)(strlen(word) + 2) / 3 + 1;
    for (uint32_t i = 0; i < thing->profile->n; i++) {
        const struct lintel_affordance *a = thing->profile->bound[i].affordance;
        unsigned d = a->kind == LINTEL_K_PROPERTY ? lintel_distance(word, a->senml, best) : best;
        if (d < best) {
            best = d;
            found = a->senml;
        }
    }
    return found;
}
