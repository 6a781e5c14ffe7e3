/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/models.h"

#include <string.h>

#include "core/base/map.h"
#include "core/directory/link.h"
#include "core/serve/td.h"

static int
only_get(struct lintel_call *c, const char *what)
{
    if (c->x->method == LINTEL_GET)
        return 1;
    lintel_call_method(c, what, "GET");
    return 0;
}

/* Whether the site knows the kind of things by a Supplement, not by a bare model. */
static const struct lintel_doc *
supplement_of(const struct lintel_call *c, const char *id, size_t n)
{
    const struct lintel_site *site = c->tree->site;
    return site != NULL ? lintel_models_supplement(site->models, id, n) : NULL;
}

/* Links to what there is of each kind of thing that runs; with_map: only of those with a binding.
 */
static void
list_kinds(struct lintel_call *c, const char *folder, const char *ct, int with_map)
{
    struct lintel_engine *e = c->tree->source.engine;
    struct lintel_map seen = {0};
    struct lintel_buf b = lintel_out_take(c->tree), target = {0};
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && !b.failed; i++) {
        struct lintel_profile *p = lintel_live_thing_conf(lintel_engine_thing_at(e, i))->profile;
        size_t n = strlen(p->id);
        struct lintel_link link;
        if (lintel_map_get(&seen, p->id, n) != NULL ||
            (with_map && supplement_of(c, p->id, n) == NULL))
            continue;
        b.failed |= lintel_map_put(&seen, p->id, n, p) != 0;
        lintel_buf_reset(&target);
        lintel_buf_adds(&target, folder);
        lintel_link_segment(&target, p->id, n);
        b.failed |= target.failed;
        lintel_link_init(&link, (struct lintel_str){target.p, target.n});
        lintel_link_set(&link, "ct", lintel_str(ct));
        if (p->model->title != NULL)
            lintel_link_set(&link, "title", lintel_str(p->model->title));
        if (lintel_link_matches(&link, c->x->query, c->x->nquery))
            lintel_link_write(&b, &link);
    }
    lintel_buf_fini(&target);
    lintel_map_fini(&seen);
    lintel_call_document(c, LINTEL_FORMAT_LINK, 60, &b);
}

void
lintel_serve_models(struct lintel_call *c)
{
    if (only_get(c, "the list of models"))
        list_kinds(c, "/models", "434 50 433", 0);
}

void
lintel_serve_maps(struct lintel_call *c)
{
    if (only_get(c, "the list of bindings"))
        list_kinds(c, "/maps", "50", 1);
}

/* A site has few kinds for many things: the first thing of the kind is found soon. */
static const struct lintel_profile *
find(struct lintel_engine *e, const lintel_span *id)
{
    for (uint32_t i = 0; i < lintel_engine_nthings(e); i++) {
        const struct lintel_profile *p =
            lintel_live_thing_conf(lintel_engine_thing_at(e, i))->profile;
        if (id->n != 0 && strlen(p->id) == id->n && memcmp(p->id, id->p, id->n) == 0)
            return p;
    }
    return NULL;
}

void
lintel_serve_model(struct lintel_call *c, const lintel_span *id)
{
    static const int32_t formats[] = {LINTEL_FORMAT_SDF, LINTEL_FORMAT_JSON, LINTEL_FORMAT_TM};
    const struct lintel_profile *p = find(c->tree->source.engine, id);
    if (!only_get(c, "a model"))
        return;
    if (p == NULL || p->model->root == NULL) {
        lintel_call_fail(c, LINTEL_NOT_FOUND,
                         "no thing here has such a model; GET /models lists them");
        return;
    }
    int32_t format = lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    struct lintel_buf b = lintel_out_take(c->tree);
    if (format == LINTEL_FORMAT_TM)
        lintel_thing_model(&b, p);
    else
        lintel_node_json(p->model->root, &b);
    lintel_call_document(c, format != LINTEL_FORMAT_NONE ? format : LINTEL_FORMAT_SDF, 60, &b);
}

void
lintel_serve_map(struct lintel_call *c, const lintel_span *id)
{
    const struct lintel_profile *p = find(c->tree->source.engine, id);
    const struct lintel_doc *doc = p != NULL ? supplement_of(c, id->p, id->n) : NULL;
    if (!only_get(c, "a binding"))
        return;
    if (doc == NULL) {
        lintel_call_fail(c, LINTEL_NOT_FOUND,
                         "no thing here has such a binding; GET /maps lists them");
        return;
    }
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_node_json(doc->root, &b);
    lintel_call_document(c, LINTEL_FORMAT_JSON, 60, &b);
}
