/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/models.h"

#include <string.h>

#include "core/base/map.h"
#include "core/directory/link.h"

static int
only_get(struct lintel_call *c, const char *what)
{
    if (c->x->method == LINTEL_GET)
        return 1;
    lintel_call_method(c, what, "GET");
    return 0;
}

void
lintel_serve_models(struct lintel_call *c)
{
    struct lintel_engine *e = c->tree->source.engine;
    struct lintel_map seen = {0};
    if (!only_get(c, "the list of models"))
        return;
    struct lintel_buf b = lintel_out_take(c->tree), target = {0};
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && !b.failed; i++) {
        struct lintel_profile *p = lintel_live_thing_conf(lintel_engine_thing_at(e, i))->profile;
        struct lintel_link link;
        if (lintel_map_get(&seen, p->id, strlen(p->id)) != NULL)
            continue;
        b.failed |= lintel_map_put(&seen, p->id, strlen(p->id), p) != 0;
        lintel_buf_reset(&target);
        lintel_buf_adds(&target, "/models");
        lintel_link_segment(&target, p->id, strlen(p->id));
        b.failed |= target.failed;
        lintel_link_init(&link, (struct lintel_str){target.p, target.n});
        lintel_link_set(&link, "ct", lintel_str("434 50"));
        if (p->model->title != NULL)
            lintel_link_set(&link, "title", lintel_str(p->model->title));
        if (lintel_link_matches(&link, c->x->query, c->x->nquery))
            lintel_link_write(&b, &link);
    }
    lintel_buf_fini(&target);
    lintel_map_fini(&seen);
    lintel_call_document(c, LINTEL_FORMAT_LINK, 60, &b);
}

/* A site has few models for many things: the first thing of the kind is found soon. */
static const struct lintel_model *
find(struct lintel_engine *e, const lintel_span *id)
{
    for (uint32_t i = 0; i < lintel_engine_nthings(e); i++) {
        const struct lintel_profile *p =
            lintel_live_thing_conf(lintel_engine_thing_at(e, i))->profile;
        if (id->n != 0 && strlen(p->id) == id->n && memcmp(p->id, id->p, id->n) == 0)
            return p->model;
    }
    return NULL;
}

void
lintel_serve_model(struct lintel_call *c, const lintel_span *id)
{
    static const int32_t formats[] = {LINTEL_FORMAT_SDF, LINTEL_FORMAT_JSON};
    const struct lintel_model *m = find(c->tree->source.engine, id);
    if (!only_get(c, "a model"))
        return;
    if (m == NULL || m->root == NULL) {
        lintel_call_fail(c, LINTEL_NOT_FOUND,
                         "no thing here has such a model; GET /models lists them");
        return;
    }
    int32_t format = lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_node_json(m->root, &b);
    lintel_call_document(c, format == LINTEL_FORMAT_JSON ? format : LINTEL_FORMAT_SDF, 60, &b);
}
