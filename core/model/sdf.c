/* SPDX-License-Identifier: Apache-2.0
 * The models of a site, and what resolving one takes: the documents, the order of steps, the
 * result. */
#include "core/model/sdf.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/model/affordance.h"
#include "core/model/data_read.h"
#include "core/model/quality.h"
#include "core/model/tree.h"

struct lintel_models {
    struct lintel_map models, supplements; /* struct lintel_source by id */
    /* Sources by what they define: the namespace, and "namespace#sdfObject/EnergyMeter". Filled
     * before the first question after an _add. `second`: names that two documents define. */
    struct lintel_map defined, second;
    int indexed;
    int refused;             /* a model had errors: what it defines is not known */
    struct lintel_map cache; /* struct resolved by the name asked for */
    const char **ids;
};

struct resolved {
    struct lintel_model model; /* first: users see this part */
    struct lintel_map by_path, by_name;
    struct lintel_source **sources;
    uint32_t nsources;
};

static const char *const definitions[] = {"sdfThing",  "sdfObject", "sdfProperty",
                                          "sdfAction", "sdfEvent",  "sdfData"};

static int
no_memory(struct lintel_report *report, const char *file)
{
    return lintel_error(report, (struct lintel_place){file, 0, 0}, "out of memory");
}

/* ---- the set of models ---- */

struct lintel_models *
lintel_models_new(void)
{
    return lintel_alloc(sizeof(struct lintel_models));
}

static void
forget(struct lintel_models *m)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(&m->cache, &it, &slot);)
        lintel_model_unref(slot->value);
    lintel_map_fini(&m->cache);
    lintel_map_fini(&m->defined);
    lintel_map_fini(&m->second);
    m->indexed = 0;
    lintel_free(m->ids);
    m->ids = NULL;
}

static void
free_sources(struct lintel_map *sources)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(sources, &it, &slot);)
        lintel_source_unref(slot->value);
    lintel_map_fini(sources);
}

void
lintel_models_free(struct lintel_models *m)
{
    if (m == NULL)
        return;
    forget(m);
    free_sources(&m->models);
    free_sources(&m->supplements);
    lintel_free(m);
}

/* ---- adding ---- */

static int
check_namespaces(const struct lintel_doc *doc, struct lintel_report *report)
{
    const struct lintel_node *dflt = lintel_node_get(doc->root, "defaultNamespace");
    const struct lintel_node *map = lintel_node_get(doc->root, "namespace");
    if (dflt == NULL || (map != NULL && lintel_node_get(map, dflt->text.p) != NULL))
        return 0;
    const char *near = NULL;
    for (const struct lintel_node *c = map ? map->child : NULL; c != NULL && near == NULL;
         c = c->next) {
        const char *const one[] = {c->key.p, NULL};
        near = lintel_nearest(dflt->text.p, one);
    }
    return lintel_error(report, lintel_node_place(doc, dflt),
                        "the namespace map has no prefix \"%s\"%s%s%s", dflt->text.p,
                        near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

static int
has_ref(const struct lintel_node *n)
{
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next)
        if (lintel_str_eq(c->key, "sdfRef") || has_ref(c))
            return 1;
    return 0;
}

static struct lintel_place
place_in_doc(void *ctx, const struct lintel_node *n)
{
    const struct lintel_doc *doc = ctx;
    return lintel_node_place(doc, n);
}

/* Data that refers to nothing makes sense now or never. */
static int
check_data(const struct lintel_data_builder *b, const struct lintel_node *map, unsigned where)
{
    int failed = 0;
    if ((where & (LINTEL_IN_DATA | LINTEL_IN_PROPERTY)) != 0)
        return has_ref(map) || lintel_data_build(b, map) != NULL ? 0 : -1;
    for (const struct lintel_node *n = map->child; n != NULL; n = n->next) {
        const struct lintel_quality *q = lintel_quality_find(n->key.p, where);
        if (q == NULL || lintel_node_is_null(n))
            continue;
        if (q->kind == LINTEL_QUALITY_ONE && check_data(b, n, q->inside) != 0)
            failed = -1;
        if (q->kind == LINTEL_QUALITY_NAMED)
            for (const struct lintel_node *c = n->child; c != NULL; c = c->next)
                if (!lintel_node_is_null(c) && check_data(b, c, q->inside) != 0)
                    failed = -1;
    }
    return failed;
}

static int
check_model(struct lintel_doc *doc, struct lintel_report *report)
{
    struct lintel_quality_check check = {.doc = doc, .report = report};
    if (lintel_quality_check(&check, doc->root, LINTEL_IN_DOCUMENT) != 0)
        return -1;
    if (lintel_node_get(doc->root, "info") == NULL)
        lintel_warning(report, lintel_node_place(doc, doc->root),
                       "no \"info\" with title, version and license");
    struct lintel_arena *scratch = lintel_arena_new();
    if (scratch == NULL)
        return no_memory(report, doc->file);
    struct lintel_data_builder b = {place_in_doc, doc, scratch, report, 0};
    int failed = check_data(&b, doc->root, LINTEL_IN_DOCUMENT);
    lintel_arena_free(scratch);
    return failed != 0 ? -1 : check_namespaces(doc, report);
}

/* Where a Supplement's pointer leads by its words alone: the place of a map of qualities, or with
 * *ret_named the place of its members. 0: that can't be told. */
static unsigned
place_of(const struct lintel_name *name, unsigned *ret_failed, int *ret_named)
{
    unsigned where = LINTEL_IN_DOCUMENT;
    int named = 0;
    for (unsigned i = 0; i < name->n; i++) {
        if (named) {
            named = 0;
            continue;
        }
        const struct lintel_quality *q = lintel_quality_find(name->steps[i], where);
        if (q == NULL || q->inside == 0) {
            *ret_failed = i;
            return q != NULL || strchr(name->steps[i], ':') != NULL ? 0 : where;
        }
        where = q->inside;
        named = q->kind == LINTEL_QUALITY_NAMED;
    }
    *ret_failed = name->n;
    *ret_named = named;
    return where;
}

static int
check_amendment(const struct lintel_source *s, const struct lintel_node *n,
                struct lintel_report *report)
{
    struct lintel_quality_check check = {.doc = s->doc, .report = report, .patch = 1};
    struct lintel_place at = lintel_key_place(s->doc, n);
    struct lintel_arena *scratch = lintel_arena_new();
    struct lintel_name name;
    if (scratch == NULL)
        return no_memory(report, s->doc->file);
    int failed = lintel_name_read(n->key.p, s, scratch, at, report, &name), named = 0;
    unsigned stop = 0;
    if (failed == 0 && n->kind != LINTEL_NODE_MAP)
        failed = lintel_error(report, lintel_node_place(s->doc, n),
                              "an amendment takes a map, which is merged into what the name says");
    if (failed == 0) {
        unsigned where = place_of(&name, &stop, &named);
        if (stop < name.n && where != 0) {
            const char *near = lintel_quality_nearest(name.steps[stop], where);
            failed =
                lintel_error(report, at, "\"%s\" can't stand there%s%s%s", name.steps[stop],
                             near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
        } else if (stop == name.n) {
            failed = named ? lintel_quality_check_named(&check, n, where)
                           : lintel_quality_check(&check, n, where);
        }
    }
    lintel_arena_free(scratch);
    return failed;
}

/* Walks the amendments: `amend` is a list of maps, `map` (drafts before that) is one map. */
struct amendments {
    const struct lintel_node *list, *next_map, *next;
};

static struct amendments
amendments(const struct lintel_source *s)
{
    const struct lintel_node *amend = lintel_node_get(s->doc->root, "amend");
    if (amend != NULL)
        return (struct amendments){.list = amend, .next_map = amend->child};
    amend = lintel_node_get(s->doc->root, "map");
    return (struct amendments){.list = amend, .next = amend ? amend->child : NULL};
}

static const struct lintel_node *
next_amendment(struct amendments *a)
{
    while (a->next == NULL && a->next_map != NULL) {
        a->next = a->next_map->child;
        a->next_map = a->next_map->next;
    }
    const struct lintel_node *n = a->next;
    if (n != NULL)
        a->next = n->next;
    return n;
}

static int
check_supplement(const struct lintel_source *s, struct lintel_report *report)
{
    const struct lintel_doc *doc = s->doc;
    struct lintel_quality_check check = {.doc = doc, .report = report};
    const struct lintel_node *amend = lintel_node_get(doc->root, "amend"), *n;
    const struct lintel_node *map = lintel_node_get(doc->root, "map");
    int failed = lintel_quality_check(&check, doc->root, LINTEL_IN_SUPPLEMENT);
    if (failed != 0 || check_namespaces(doc, report) != 0)
        return -1;
    if ((amend == NULL) == (map == NULL))
        return lintel_error(
            report, lintel_node_place(doc, doc->root),
            amend ? "\"amend\" and \"map\" can't stand beside each other; keep \"amend\""
                  : "\"amend\" is missing: the list of what this adds to a model");
    if (amend != NULL && amend->kind != LINTEL_NODE_LIST)
        return lintel_error(report, lintel_node_place(doc, amend),
                            "\"amend\" takes a list of maps");
    if (map != NULL && map->kind != LINTEL_NODE_MAP)
        return lintel_error(report, lintel_node_place(doc, map), "\"map\" takes a map");
    for (n = amend ? amend->child : NULL; n != NULL; n = n->next)
        if (n->kind != LINTEL_NODE_MAP)
            return lintel_error(report, lintel_node_place(doc, n),
                                "\"amend\" takes a list of maps");
    struct amendments a = amendments(s);
    while ((n = next_amendment(&a)) != NULL)
        if (check_amendment(s, n, report) != 0)
            failed = -1;
    return failed;
}

/* The URI of its default namespace, without a '#' at its end. */
static int
read_uri(struct lintel_source *s)
{
    const struct lintel_node *dflt = lintel_node_get(s->doc->root, "defaultNamespace");
    const struct lintel_node *map = lintel_node_get(s->doc->root, "namespace");
    const struct lintel_node *uri = dflt != NULL && dflt->kind == LINTEL_NODE_SCALAR
                                        ? lintel_node_get(map, dflt->text.p)
                                        : NULL;
    if (uri == NULL || uri->kind != LINTEL_NODE_SCALAR)
        return 0;
    s->uri = lintel_strndup(uri->text.p, strcspn(uri->text.p, "#"));
    return s->uri == NULL ? -1 : 0;
}

static int
add(struct lintel_models *m, struct lintel_map *into, const char *id, struct lintel_doc *doc,
    int supplement, struct lintel_report *report)
{
    struct lintel_source *s = lintel_alloc(sizeof *s);
    if (s == NULL) {
        no_memory(report, doc->file);
        lintel_doc_free(doc);
        return -1;
    }
    s->refs = 1;
    s->doc = doc;
    s->supplement = supplement;
    s->id = lintel_strdup(id);
    int failed = s->id == NULL || read_uri(s) != 0 ? no_memory(report, doc->file)
                 : supplement                      ? check_supplement(s, report)
                                                   : check_model(doc, report);
    struct lintel_source *before = lintel_map_get(into, id, strlen(id));
    if (failed == 0 && lintel_map_put(into, id, strlen(id), s) != 0)
        failed = no_memory(report, doc->file);
    if (failed != 0) {
        lintel_source_unref(s);
        return -1;
    }
    lintel_source_unref(before);
    forget(m);
    return 0;
}

int
lintel_models_add(struct lintel_models *m, const char *id, struct lintel_doc *doc,
                  struct lintel_report *report)
{
    int failed = add(m, &m->models, id, doc, 0, report);
    m->refused |= failed != 0;
    return failed;
}

int
lintel_models_add_supplement(struct lintel_models *m, const char *id, struct lintel_doc *doc,
                             struct lintel_report *report)
{
    return add(m, &m->supplements, id, doc, 1, report);
}

static int
compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *
lintel_models_ids(struct lintel_models *m)
{
    static const char *const none[] = {NULL};
    if (m->ids != NULL)
        return m->ids;
    const char **ids = lintel_alloc_array(m->models.n + m->supplements.n + 1, sizeof *ids);
    if (ids == NULL)
        return none;
    const struct lintel_map_slot *slot;
    size_t n = 0, kept = 0;
    for (size_t it = 0; lintel_map_next(&m->models, &it, &slot);)
        ids[n++] = ((struct lintel_source *)slot->value)->id;
    for (size_t it = 0; lintel_map_next(&m->supplements, &it, &slot);)
        ids[n++] = ((struct lintel_source *)slot->value)->id;
    qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++) /* a model and a Supplement may share one */
        if (kept == 0 || strcmp(ids[kept - 1], ids[i]) != 0)
            ids[kept++] = ids[i];
    ids[kept] = NULL;
    return m->ids = ids;
}

const struct lintel_doc *
lintel_models_supplement(const struct lintel_models *m, const char *id, size_t n)
{
    const struct lintel_source *s = lintel_map_get(&m->supplements, id, n);
    return s != NULL ? s->doc : NULL;
}

/* ---- global names ---- */

static int
define(struct lintel_models *m, struct lintel_source *s, const char *class, const char *name)
{
    struct lintel_buf key = {0};
    lintel_buf_adds(&key, s->uri);
    if (class != NULL)
        lintel_buf_addf(&key, "#%s/%s", class, name);
    struct lintel_source *first = lintel_map_get(&m->defined, lintel_buf_str(&key), key.n);
    int failed = key.failed || lintel_map_put(first && first != s ? &m->second : &m->defined, key.p,
                                              key.n, s) != 0;
    lintel_buf_fini(&key);
    return failed;
}

static int
index_names(struct lintel_models *m)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; !m->indexed && lintel_map_next(&m->models, &it, &slot);) {
        struct lintel_source *s = slot->value;
        if (s->uri == NULL)
            continue;
        if (define(m, s, NULL, NULL) != 0)
            return -1;
        for (size_t i = 0; i < LINTEL_COUNT(definitions); i++) {
            const struct lintel_node *map = lintel_node_get(s->doc->root, definitions[i]);
            for (const struct lintel_node *c = map ? map->child : NULL; c != NULL; c = c->next)
                if (define(m, s, definitions[i], c->key.p) != 0)
                    return -1;
        }
    }
    m->indexed = 1;
    return 0;
}

/* "#/sdfObject/EnergyMeter" of the nearest definition in a namespace, or the nearest namespace. */
static void
report_unknown(struct lintel_models *m, const struct lintel_name *name, int known,
               struct lintel_place at, struct lintel_report *report)
{
    const struct lintel_map_slot *slot;
    const char *best = NULL, *wanted = known ? name->steps[1] : name->uri;
    unsigned distance = (unsigned)(strlen(wanted) + 2) / 3 + 1;
    for (size_t it = 0; lintel_map_next(&m->defined, &it, &slot);) {
        const char *hash = strchr(slot->key, '#');
        if ((hash != NULL) != known)
            continue;
        if (known && ((size_t)(hash - slot->key) != strlen(name->uri) ||
                      strncmp(slot->key, name->uri, strlen(name->uri)) != 0 ||
                      strncmp(hash + 1, name->steps[0], strlen(name->steps[0])) != 0))
            continue;
        const char *word = known ? strchr(hash, '/') + 1 : slot->key;
        unsigned d = lintel_distance(wanted, word, distance);
        if (d < distance) {
            distance = d;
            best = word;
        }
    }
    if (known)
        lintel_error(report, at, "no model of the namespace %s has \"#/%s/%s\"%s%s%s", name->uri,
                     name->steps[0], wanted, best ? " (did you mean \"" : "", best ? best : "",
                     best ? "\"?)" : "");
    else
        lintel_error(report, at, "no model has the namespace %s%s%s%s", wanted,
                     best         ? " (did you mean \""
                     : m->refused ? "; a model with errors may be the one, so mend that first"
                                  : "",
                     best ? best : "", best ? "\"?)" : "");
}

/* The document that defines a global name; NULL with the reason. */
static struct lintel_source *
find_source(void *ctx, const struct lintel_name *name, struct lintel_place at,
            struct lintel_report *report)
{
    struct lintel_models *m = ctx;
    struct lintel_buf key = {0};
    if (index_names(m) != 0) {
        lintel_error(report, at, "out of memory");
        return NULL;
    }
    lintel_buf_adds(&key, name->uri);
    size_t uri = key.n;
    if (name->n >= 2)
        lintel_buf_addf(&key, "#%s/%s", name->steps[0], name->steps[1]);
    if (key.failed) {
        lintel_error(report, at, "out of memory");
        lintel_buf_fini(&key);
        return NULL;
    }
    struct lintel_source *s = lintel_map_get(&m->defined, lintel_buf_str(&key), key.n);
    struct lintel_source *other = lintel_map_get(&m->second, key.p, key.n);
    if (s == NULL)
        report_unknown(m, name, name->n >= 2 && lintel_map_get(&m->defined, key.p, uri) != NULL, at,
                       report);
    if (s != NULL && other != NULL) {
        int swap = strcmp(s->doc->file, other->doc->file) > 0;
        lintel_error(report, at, "\"%s\" is defined twice: in %s and in %s", key.p,
                     swap ? other->doc->file : s->doc->file,
                     swap ? s->doc->file : other->doc->file);
        s = NULL;
    }
    lintel_buf_fini(&key);
    return s;
}

/* ---- Supplements ---- */

struct work { /* one resolution */
    struct lintel_models *models;
    struct lintel_tree tree;
    struct lintel_source *base; /* the model; of several, the first */
    struct lintel_map selected; /* "sdfObject/EnergyMeter" */
};

static int
read_target(struct work *w, const struct lintel_source *s, const struct lintel_node *n,
            struct lintel_report *report, struct lintel_name *ret)
{
    struct lintel_place at = lintel_key_place(s->doc, n);
    if (lintel_name_read(n->key.p, s, w->tree.arena, at, report, ret) != 0)
        return -1;
    if (ret->uri == NULL && s->uri == NULL)
        return lintel_error(
            report, at, "this file has no \"defaultNamespace\", so nobody knows whose \"%s\" it is",
            n->key.p);
    if (ret->uri == NULL)
        ret->uri = s->uri;
    return 0;
}

/* Definitions of a further document join the tree. */
static int
join(struct work *w, struct lintel_source *s)
{
    struct lintel_node *other = lintel_tree_resolve(&w->tree, s, s->doc->root, 0);
    if (other == NULL)
        return -1;
    struct lintel_node *next, **link = &other->child;
    for (struct lintel_node *c = other->child; c != NULL; c = next) {
        next = c->next;
        const struct lintel_quality *q = lintel_quality_find(c->key.p, LINTEL_IN_DOCUMENT);
        if (q == NULL || q->kind != LINTEL_QUALITY_NAMED)
            continue; /* info and the namespaces are those of the first */
        const struct lintel_node *have =
            lintel_tree_get(&w->tree, w->tree.root, c->key.p, c->key.n);
        for (const struct lintel_node *d = have ? c->child : NULL; d != NULL; d = d->next)
            if (lintel_tree_get(&w->tree, have, d->key.p, d->key.n) != NULL)
                return lintel_error(w->tree.report, lintel_tree_place(&w->tree, d),
                                    "\"#/%s/%s\" is also in %s; one binding can't take both",
                                    c->key.p, d->key.p, w->base->doc->file);
        *link = c;
        link = &c->next;
    }
    *link = NULL;
    return lintel_tree_merge(&w->tree, w->tree.root, other);
}

/* Reads all documents that the Supplement amends; the first becomes the root. */
static int
read_amended(struct work *w, const struct lintel_source *s)
{
    struct amendments a = amendments(s);
    const struct lintel_node *n;
    const struct lintel_node *first = next_amendment(&a);
    struct lintel_map seen = {0};
    int failed = 0;
    a = amendments(s);
    while (failed == 0 && (n = next_amendment(&a)) != NULL) {
        struct lintel_name name;
        if ((failed = read_target(w, s, n, w->tree.report, &name)) != 0)
            break;
        if (name.n < 2 && w->base != NULL)
            continue;
        /* One that is not there may be made by an earlier step: told when it is amended. */
        struct lintel_source *model = find_source(w->models, &name, (struct lintel_place){0}, NULL);
        if (model == NULL || lintel_map_get(&seen, (const char *)&model, sizeof model) != NULL)
            continue;
        if (lintel_map_put(&seen, (const char *)&model, sizeof model, model) != 0) {
            failed = no_memory(w->tree.report, s->doc->file);
        } else if (w->base != NULL) {
            failed = join(w, model);
        } else {
            w->base = model;
            w->tree.root = lintel_tree_resolve(&w->tree, model, model->doc->root, 0);
            failed = w->tree.root == NULL ? -1 : 0;
        }
    }
    lintel_map_fini(&seen);
    if (failed == 0 && w->base == NULL && first == NULL)
        return lintel_error(w->tree.report, lintel_node_place(s->doc, s->doc->root),
                            "nothing is amended, so nobody knows which model is meant");
    if (failed == 0 && w->base == NULL) {
        struct lintel_name name;
        if (read_target(w, s, first, w->tree.report, &name) == 0 &&
            find_source(w->models, &name, lintel_key_place(s->doc, first), w->tree.report) != NULL)
            return no_memory(w->tree.report, s->doc->file); /* or it had been found before */
        return -1;
    }
    return failed;
}

/* Groups that an amendment touches, by its name or by what it adds. */
static int
select_groups(struct work *w, const struct lintel_name *name, const struct lintel_node *patch)
{
    static const char *const classes[] = {"sdfThing", "sdfObject"};
    for (size_t i = 0; i < LINTEL_COUNT(classes); i++) {
        const struct lintel_node *members = patch;
        struct lintel_buf key = {0};
        int failed = 0;
        if (name->n == 0)
            members = lintel_node_get(patch, classes[i]);
        else if (strcmp(name->steps[0], classes[i]) != 0)
            continue;
        if (name->n >= 2) {
            lintel_buf_addf(&key, "%s/%s", classes[i], name->steps[1]);
            failed = key.failed || lintel_map_put(&w->selected, key.p, key.n, w) != 0;
            members = NULL;
        }
        for (const struct lintel_node *c = members ? members->child : NULL; c != NULL && !failed;
             c = c->next) {
            lintel_buf_reset(&key);
            lintel_buf_addf(&key, "%s/%s", classes[i], c->key.p);
            failed = key.failed || lintel_map_put(&w->selected, key.p, key.n, w) != 0;
        }
        lintel_buf_fini(&key);
        if (failed)
            return -1;
    }
    return 0;
}

static int
amend(struct work *w, struct lintel_source *s, const struct lintel_node *n)
{
    struct lintel_tree *t = &w->tree;
    struct lintel_place at = lintel_key_place(s->doc, n);
    struct lintel_name name;
    const struct lintel_node *last = NULL;
    unsigned failed = 0;
    if (read_target(w, s, n, t->report, &name) != 0)
        return -1;
    struct lintel_node *target =
        name.n == 0 ? t->root : lintel_tree_walk(t, t->root, &name, &failed, &last);
    if (target == NULL)
        return lintel_tree_missing(t, &name, failed, last, at);
    if (target->kind != LINTEL_NODE_MAP)
        return lintel_error(t->report, at, "\"%s\" is no map, so nothing can be merged into it",
                            n->key.p);
    struct lintel_node *patch = lintel_tree_resolve(t, s, n, 1);
    if (patch == NULL || lintel_tree_merge(t, target, patch) != 0)
        return -1;
    return select_groups(w, &name, n) == 0 ? 0 : no_memory(t->report, s->doc->file);
}

/* What else the Supplement says: its info, and members of other people ("lintel:tests"). */
static int
merge_rest(struct work *w, struct lintel_source *s)
{
    static const char *const ours[] = {"amend", "map", "namespace", "defaultNamespace"};
    struct lintel_node rest = *s->doc->root;
    struct lintel_node **link = &rest.child;
    for (const struct lintel_node *c = s->doc->root->child; c != NULL; c = c->next) {
        int skip = 0;
        for (size_t i = 0; i < LINTEL_COUNT(ours); i++)
            skip |= lintel_str_eq(c->key, ours[i]);
        if (skip)
            continue;
        struct lintel_node *shallow = lintel_arena_alloc(w->tree.arena, sizeof *shallow);
        if (shallow == NULL)
            return no_memory(w->tree.report, s->doc->file);
        *shallow = *c;
        *link = shallow;
        link = &shallow->next;
    }
    *link = NULL;
    struct lintel_node *patch = lintel_tree_resolve(&w->tree, s, &rest, 0);
    return patch == NULL ? -1 : lintel_tree_merge(&w->tree, w->tree.root, patch);
}

/* info.originalSdfModel and info.augmentationLog: where the result comes from. */
static int
keep_log(struct work *w, const struct lintel_source *s)
{
    struct lintel_tree *t = &w->tree;
    struct lintel_node *info = lintel_tree_get(t, t->root, "info", 4);
    if (info == NULL)
        info = lintel_tree_add(t, t->root, LINTEL_NODE_MAP, "info", NULL);
    if (info == NULL || info->kind != LINTEL_NODE_MAP)
        return info == NULL ? -1 : 0;
    if (lintel_tree_get(t, info, "originalSdfModel", 16) == NULL &&
        lintel_tree_add(t, info, LINTEL_NODE_SCALAR, "originalSdfModel",
                        w->base->uri ? w->base->uri : w->base->id) == NULL)
        return -1;
    struct lintel_node *log = lintel_tree_get(t, info, "augmentationLog", 15);
    if (log == NULL)
        log = lintel_tree_add(t, info, LINTEL_NODE_LIST, "augmentationLog", NULL);
    return log != NULL && lintel_tree_add(t, log, LINTEL_NODE_SCALAR, NULL, s->id) != NULL ? 0 : -1;
}

static int
apply_supplement(struct work *w, struct lintel_source *s)
{
    if (read_amended(w, s) != 0)
        return -1;
    struct amendments a = amendments(s);
    const struct lintel_node *n;
    int failed = 0;
    while ((n = next_amendment(&a)) != NULL)
        if (amend(w, s, n) != 0)
            failed = -1;
    if (failed != 0 || merge_rest(w, s) != 0)
        return -1;
    return keep_log(w, s) == 0 ? 0 : no_memory(w->tree.report, s->doc->file);
}

/* ---- resolving ---- */

static const struct lintel_doc *
doc_in_tree(const void *ctx, const struct lintel_node *n)
{
    const struct lintel_tree *t = ctx;
    return t->sources[lintel_tree_source(n)]->doc;
}

/* References may have brought things to where they can't stand; errors only, warnings were given
 * before. */
static int
check_result(const struct lintel_tree *t)
{
    struct lintel_quality_check check = {.doc_of = doc_in_tree, .ctx = t};
    if (lintel_quality_check(&check, t->root, LINTEL_IN_DOCUMENT) == 0)
        return 0;
    check.report = t->report;
    return lintel_quality_check(&check, t->root, LINTEL_IN_DOCUMENT);
}

static const char *
text_at(const struct lintel_node *map, const char *key)
{
    const struct lintel_node *n = map ? lintel_node_get(map, key) : NULL;
    return n != NULL && n->kind == LINTEL_NODE_SCALAR ? n->text.p : NULL;
}

static int
index_affordances(struct resolved *r)
{
    for (uint32_t i = 0; i < r->model.n; i++) {
        const struct lintel_affordance *a = &r->model.affordances[i];
        struct lintel_affordance *value = (struct lintel_affordance *)(uintptr_t)a;
        size_t n = strlen(a->name);
        if (lintel_map_put(&r->by_path, a->path, strlen(a->path), value) != 0 ||
            (lintel_map_get(&r->by_name, a->name, n) == NULL &&
             lintel_map_put(&r->by_name, a->name, n, value) != 0))
            return -1;
    }
    return 0;
}

/* Fills r from what w has made of s. */
static int
finish(struct work *w, struct resolved *r, struct lintel_source *s)
{
    struct lintel_model *m = &r->model;
    struct lintel_affordance_source from = {&w->tree, w->base->uri, &w->selected};
    lintel_tree_sweep(w->tree.root);
    if (check_result(&w->tree) != 0 || lintel_affordances_read(&from, &m->affordances, &m->n) != 0)
        return -1;
    const struct lintel_node *info = lintel_node_get(w->tree.root, "info");
    m->id = s->id;
    m->file = m->doc->file = s->doc->file;
    m->title = text_at(info, "title");
    m->version = text_at(info, "version");
    m->namespace_uri = w->base->uri;
    m->root = m->doc->root = w->tree.root;
    return index_affordances(r) == 0 ? 0 : no_memory(w->tree.report, s->doc->file);
}

/* Supplement or model; group: only this one, "sdfObject/EnergyMeter"; or NULL. */
static struct lintel_model *
resolve(struct lintel_models *m, struct lintel_source *s, const char *group,
        struct lintel_report *report)
{
    struct resolved *r = lintel_alloc(sizeof *r);
    struct lintel_doc *doc = lintel_alloc(sizeof *doc);
    struct work w = {.models = m};
    if (r != NULL && doc != NULL)
        doc->arena = lintel_arena_new();
    if (r == NULL || doc == NULL || doc->arena == NULL ||
        (group != NULL && lintel_map_put(&w.selected, group, strlen(group), r) != 0)) {
        no_memory(report, s->doc->file);
        lintel_doc_free(doc);
        lintel_free(r);
        return NULL;
    }
    r->model.doc = doc;
    r->model.refs = 1;
    w.tree = (struct lintel_tree){
        .arena = doc->arena, .report = report, .find = find_source, .find_ctx = m};
    int failed = 0;
    if (s->supplement) {
        failed = apply_supplement(&w, s);
    } else {
        w.base = s;
        w.tree.root = lintel_tree_resolve(&w.tree, s, s->doc->root, 0);
        failed = w.tree.root == NULL ? -1 : 0;
    }
    if (failed == 0)
        failed = finish(&w, r, s);
    r->sources = w.tree.sources;
    r->nsources = w.tree.nsources;
    lintel_tree_fini(&w.tree);
    lintel_map_fini(&w.selected);
    if (failed != 0) {
        lintel_model_unref(&r->model);
        return NULL;
    }
    return &r->model;
}

static struct lintel_model *
resolve_global(struct lintel_models *m, const char *text, struct lintel_place at,
               struct lintel_report *report)
{
    struct lintel_arena *scratch = lintel_arena_new();
    struct lintel_model *model = NULL;
    struct lintel_buf group = {0};
    struct lintel_name name;
    struct lintel_source *s = NULL;
    if (scratch == NULL)
        lintel_error(report, at, "out of memory");
    else if (lintel_name_read(text, NULL, scratch, at, report, &name) == 0 && name.uri != NULL)
        s = find_source(m, &name, at, report);
    if (s != NULL && name.n != 0)
        lintel_buf_addf(&group, "%s/%s", name.steps[0], name.n > 1 ? name.steps[1] : "");
    if (s != NULL && name.n != 0 &&
        (name.n != 2 ||
         (strcmp(name.steps[0], "sdfObject") != 0 && strcmp(name.steps[0], "sdfThing") != 0)))
        lintel_error(report, at, "\"%s\" is no sdfObject or sdfThing at the top of its document",
                     text);
    else if (s != NULL && group.failed)
        lintel_error(report, at, "out of memory");
    else if (s != NULL)
        model = resolve(m, s, name.n != 0 ? lintel_buf_str(&group) : NULL, report);
    lintel_buf_fini(&group);
    lintel_arena_free(scratch);
    return model;
}

struct lintel_model *
lintel_models_resolve(struct lintel_models *m, const char *name, struct lintel_place at,
                      struct lintel_report *report)
{
    size_t n = strlen(name);
    struct lintel_model *model = lintel_map_get(&m->cache, name, n);
    if (model != NULL)
        return lintel_model_ref(model);
    struct lintel_source *s = lintel_map_get(&m->supplements, name, n);
    if (s == NULL)
        s = lintel_map_get(&m->models, name, n);
    if (s != NULL) {
        model = resolve(m, s, NULL, report);
    } else if (strchr(name, ':') != NULL) {
        model = resolve_global(m, name, at, report);
    } else {
        const char *near = lintel_nearest(name, lintel_models_ids(m));
        lintel_error(report, at, "no model and no binding \"%s\"%s%s%s", name,
                     near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    }
    /* A cache that can't grow is only slower. */
    if (model != NULL && lintel_map_put(&m->cache, name, n, model) == 0)
        lintel_model_ref(model);
    return model;
}

/* ---- resolved models ---- */

struct lintel_model *
lintel_model_ref(struct lintel_model *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

void
lintel_model_unref(struct lintel_model *m)
{
    if (m == NULL || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    struct resolved *r = (struct resolved *)m;
    for (uint32_t i = 0; i < r->nsources; i++)
        lintel_source_unref(r->sources[i]);
    lintel_free(r->sources);
    lintel_map_fini(&r->by_path);
    lintel_map_fini(&r->by_name);
    lintel_doc_free(m->doc);
    lintel_free(r);
}

const struct lintel_node *
lintel_model_extra(const struct lintel_model *m, const char *pointer)
{
    const struct lintel_node *at = m->root;
    for (const char *s = pointer; *s == '/' && at != NULL;) {
        struct lintel_buf step = {0};
        for (s++; *s != '\0' && *s != '/'; s++) {
            int escaped = *s == '~' && (s[1] == '0' || s[1] == '1');
            lintel_buf_addc(&step, !escaped ? *s : s[1] == '0' ? '~' : '/');
            s += escaped;
        }
        at = step.failed ? NULL : lintel_node_get(at, lintel_buf_str(&step));
        lintel_buf_fini(&step);
    }
    return at;
}

const struct lintel_doc *
lintel_model_doc(const struct lintel_model *m, const struct lintel_node *n)
{
    const struct resolved *r = (const struct resolved *)m;
    return r->sources[lintel_tree_source(n)]->doc;
}

const struct lintel_affordance *
lintel_model_find(const struct lintel_model *m, const char *name)
{
    const struct resolved *r = (const struct resolved *)m;
    size_t n = strlen(name);
    const struct lintel_affordance *a = lintel_map_get(&r->by_path, name, n);
    return a != NULL ? a : lintel_map_get(&r->by_name, name, n);
}
