/* SPDX-License-Identifier: Apache-2.0
 * Bindings met with plugins, and the profiles that things share. */
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"
#include "core/bind/tables.h"

static struct lintel_profile failed_profile; /* stands for one whose reasons are reported */

/* ---- models and bindings --------------------------------------------------------------------- */

static int
has_word(const char *const *words, const char *word)
{
    for (; words != NULL && *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return 1;
    return 0;
}

/* One letter away from a word of the list. */
static int
is_slip_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (lintel_distance(word, *words, 1) <= 1)
            return 1;
    return 0;
}

struct names {                /* of plugins, while one document is judged */
    const char *const *words; /* NULL: nobody knows them */
    struct lintel_map told;   /* those warned of */
};

/* A protocol that no plugin here speaks is fine: bindings are shared by hubs. What is one letter
 * off one that is here is a slip. */
static void
judge_plugin_name(struct lintel_reader *r, struct names *names, const struct lintel_doc *doc,
                  const struct lintel_node *n)
{
    struct lintel_place at = lintel_key_place(doc, n);
    char hint[LINTEL_HINT];
    if (names->words == NULL || has_word(names->words, n->key.p))
        return;
    lintel_hint(hint, n->key.p, names->words);
    if (is_slip_of(n->key.p, names->words)) {
        lintel_error(r->report, at, "there is no plugin \"%.64s\"%s", n->key.p, hint);
    } else if (lintel_map_get(&names->told, n->key.p, n->key.n) == NULL) {
        lintel_warning(r->report, at, "the plugin \"%.64s\" is not installed here%s", n->key.p,
                       hint);
        lintel_reader_put(r, &names->told, n->key.p, n->key.n, names);
    }
}

static void
judge_protocols(struct lintel_reader *r, const struct lintel_model *model, struct names *names)
{
    for (uint32_t i = 0; i < model->n; i++) {
        const struct lintel_affordance *a = &model->affordances[i];
        const struct lintel_node *maps = a->protocol_map;
        if (maps != NULL && maps->kind == LINTEL_NODE_MAP)
            for (const struct lintel_node *c = maps->child; c != NULL; c = c->next)
                judge_plugin_name(r, names, a->map_doc, c);
        else if (maps != NULL && !lintel_node_is_null(maps))
            lintel_error(r->report, lintel_node_place(a->map_doc, maps),
                         "sdfProtocolMap must be a map: { PLUGIN: { ... } }");
    }
}

/* Members of our own anywhere in the document: a slip in their name would make them be overlooked.
 */
static void
judge_own_members(struct lintel_reader *r, const struct lintel_model *model, struct names *names,
                  const struct lintel_node *n)
{
    static const char *const words[] = {"lintel:device", "lintel:tests", NULL};
    char hint[LINTEL_HINT];
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next) {
        if (c->key.n < 7 || memcmp(c->key.p, "lintel:", 7) != 0) {
            judge_own_members(r, model, names, c);
        } else if (strcmp(c->key.p, "lintel:device") == 0 && c->kind == LINTEL_NODE_MAP) {
            for (const struct lintel_node *p = c->child; p != NULL; p = p->next)
                judge_plugin_name(r, names, lintel_model_doc(model, p), p);
        } else if (!has_word(words, c->key.p)) {
            lintel_error(r->report, lintel_key_place(lintel_model_doc(model, c), c),
                         "unknown member \"%.64s\"%s", c->key.p,
                         lintel_hint(hint, c->key.p, words));
        }
    }
}

/* What is judged once for a document, whatever plugins it meets. */
static void
judge_model(struct lintel_reader *r, const struct lintel_model *model)
{
    struct names names = {.words =
                              r->s->plugin_names ? r->s->plugin_names(r->s->plugin_ctx) : NULL};
    judge_protocols(r, model, &names);
    judge_own_members(r, model, &names, model->root);
    lintel_map_fini(&names.told);
}

struct lintel_model *
lintel_reader_model(struct lintel_reader *r, struct lintel_origin *o, struct lintel_place at)
{
    if (!o->resolved) {
        o->resolved = 1;
        o->model = lintel_models_resolve(r->site->pub.models, o->id, at, r->report);
        if (o->model != NULL)
            judge_model(r, o->model);
    }
    return o->model;
}

const lintel_plugin *
lintel_reader_plugin(struct lintel_reader *r, const char *name, struct lintel_place at)
{
    const struct lintel_site *site = &r->site->pub;
    const char *file;
    for (uint32_t i = 0; i < site->nbuses; i++)
        if (site->buses[i].plugin != NULL && strcmp(site->buses[i].plugin->name, name) == 0)
            return site->buses[i].plugin;
    if (!r->s->run_tests || r->s->plugin_names == NULL)
        return NULL;
    for (const char *const *n = r->s->plugin_names(r->s->plugin_ctx); n != NULL && *n != NULL;
         n++) {
        if (strcmp(*n, name) == 0) {
            const lintel_plugin *p = r->s->plugin(r->s->plugin_ctx, name, at, &file, r->report);
            return p != NULL && !(p->flags & LINTEL_PLUGIN_TRANSPORT) ? p : NULL;
        }
    }
    return NULL;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

/* lintel:device for a plugin, at the document or at any of its objects. */
static void
find_device(struct lintel_reader *r, struct lintel_kind *k, const struct lintel_node *n)
{
    const struct lintel_node *device = lintel_node_get(n, "lintel:device");
    const struct lintel_doc *doc = device ? lintel_model_doc(k->model, device) : NULL;
    const struct lintel_node *mine = lintel_node_get(device, k->plugin->name);
    if (device != NULL && device->kind != LINTEL_NODE_MAP) {
        lintel_error(r->report, lintel_node_place(doc, device),
                     "lintel:device must be a map: { PLUGIN: { ... } }");
        k->failed = 1;
    }
    if (mine != NULL && k->device != NULL) {
        lintel_error(r->report, lintel_key_place(lintel_model_doc(k->model, mine), mine),
                     "settings of a %s device stand twice in this document; keep one",
                     k->plugin->name);
        k->failed = 1;
    }
    if (mine != NULL) {
        k->device = mine;
        k->device_doc = lintel_model_doc(k->model, mine);
    }
    static const char *const groups[] = {"sdfThing", "sdfObject"};
    for (size_t g = 0; g < LINTEL_COUNT(groups); g++) {
        const struct lintel_node *group = lintel_node_get(n, groups[g]);
        for (const struct lintel_node *c = group ? group->child : NULL; c != NULL; c = c->next)
            if (c->kind == LINTEL_NODE_MAP)
                find_device(r, k, c);
    }
}

/* The binding's own device settings, judged once: things then only fill in. */
static void
judge_device(struct lintel_reader *r, struct lintel_kind *k)
{
    struct lintel_field_source source = {.doc = k->device_doc,
                                         .map = k->device,
                                         .what = k->what,
                                         .folder = r->folder,
                                         .at = {k->id, 0, 0},
                                         .secret = lintel_reader_secret,
                                         .secret_ctx = r,
                                         .flags = LINTEL_FIELDS_PARTIAL};
    if (lintel_fields_parse(k->plugin->device, &source, r->a, r->report) == NULL)
        k->failed = 1;
}

struct params {
    const char *names[64];
    uint8_t required[64];
    uint32_t n;
};

/* NAME of a pointer that ends in sdfContext/NAME; NULL: it does not. */
static const char *
context_name(const struct lintel_node *n)
{
    static const char part[] = "sdfContext/";
    const char *found = NULL;
    if (n->kind != LINTEL_NODE_SCALAR || n->text.n == 0 || n->text.p[0] != '#')
        return NULL;
    for (const char *p = n->text.p; (p = strstr(p, part)) != NULL; p++)
        found = p + sizeof part - 1;
    return found != NULL && found[0] != '\0' && strchr(found, '/') == NULL ? found : NULL;
}

static int
is_map_key(struct lintel_reader *r, const struct lintel_kind *k, const char *key)
{
    for (const lintel_field *f = k->plugin->address; f != NULL && f->name != NULL; f++)
        if (strcmp(f->name, key) == 0)
            return 1;
    return has_word(r->map_also, key) && strcmp(key, "sdfParameters") != 0;
}

static void
note_param(struct params *all, const char *name, int required)
{
    uint32_t i = 0;
    while (i < all->n && strcmp(all->names[i], name) != 0)
        i++;
    if (i == LINTEL_COUNT(all->names))
        return;
    if (i == all->n)
        all->names[all->n++] = name;
    all->required[i] |= (uint8_t)required;
}

/* The sdfParameters of one map. */
static void
scan_params(struct lintel_reader *r, struct lintel_kind *k, const struct lintel_doc *doc,
            const struct lintel_node *map, struct params *all)
{
    const struct lintel_node *params = lintel_node_get(map, "sdfParameters");
    if (params == NULL)
        return;
    if (params->kind != LINTEL_NODE_MAP) {
        lintel_error(r->report, lintel_node_place(doc, params),
                     "sdfParameters must be a map: { KEY: \"#/sdfContext/NAME\" }");
        k->failed = 1;
        return;
    }
    for (const struct lintel_node *c = params->child; c != NULL; c = c->next) {
        const char *name = context_name(c);
        if (!is_map_key(r, k, c->key.p)) {
            char hint[LINTEL_HINT] = "";
            uint32_t n = lintel_fields_count(k->plugin->address);
            const char **keys = lintel_arena_alloc(r->scratch, (n + 1) * sizeof *keys);
            for (uint32_t i = 0; keys != NULL && i < n; i++)
                keys[i] = k->plugin->address[i].name;
            if (keys != NULL)
                lintel_hint(hint, c->key.p, keys);
            lintel_error(r->report, lintel_key_place(doc, c), "a %s map has no \"%.64s\"%s",
                         k->plugin->name, c->key.p, hint);
            k->failed = 1;
        } else if (name == NULL) {
            lintel_error(r->report, lintel_node_place(doc, c),
                         "a pointer to an entry of the thing is wanted: \"#/sdfContext/NAME\"");
            k->failed = 1;
        } else {
            note_param(all, name, lintel_node_get(map, c->key.p) == NULL);
        }
    }
}

static void
find_params(struct lintel_reader *r, struct lintel_kind *k)
{
    struct params all = {.n = 0};
    for (uint32_t i = 0; i < k->model->n; i++) {
        const struct lintel_affordance *a = &k->model->affordances[i];
        const struct lintel_node *map = lintel_node_get(a->protocol_map, k->plugin->name);
        scan_params(r, k, a->map_doc, map, &all);
        scan_params(r, k, a->map_doc, lintel_node_get(map, "read"), &all);
        scan_params(r, k, a->map_doc, lintel_node_get(map, "write"), &all);
    }
    const char **names = lintel_arena_alloc(r->scratch, (all.n + 1) * sizeof *names);
    uint8_t *required = lintel_arena_alloc(r->scratch, all.n + 1);
    if (names == NULL || required == NULL) {
        k->failed = 1;
        return;
    }
    memcpy(names, all.names, all.n * sizeof *names);
    memcpy(required, all.required, all.n);
    k->params = names;
    k->required = required;
    k->nparams = all.n;
    k->context_also =
        lintel_reader_words(r, (const char *const *const[]){lintel_context_keys, names, NULL});
}

/* What the binding leaves out for this plugin: everything, or what the model says every thing has.
 */
static void
warn_unmapped(struct lintel_reader *r, const struct lintel_kind *k, struct lintel_place at)
{
    uint32_t mapped = 0;
    for (uint32_t i = 0; i < k->model->n; i++)
        mapped += lintel_node_get(k->model->affordances[i].protocol_map, k->plugin->name) != NULL;
    if (mapped == 0)
        lintel_warning(r->report, at,
                       "\"%.64s\" does not say how it is done over %s; nothing of it is mapped",
                       k->id, k->plugin->name);
    for (uint32_t i = 0; mapped != 0 && i < k->model->n; i++) {
        const struct lintel_affordance *a = &k->model->affordances[i];
        if (a->required && lintel_node_get(a->protocol_map, k->plugin->name) == NULL)
            lintel_warning(
                r->report, a->at,
                "every thing must have \"%.64s\" (sdfRequired), but it is not mapped for %s",
                a->name, k->plugin->name);
    }
}

static struct lintel_kind *
new_kind(struct lintel_reader *r, const char *id, struct lintel_origin *o,
         const lintel_plugin *plugin, struct lintel_place at)
{
    struct lintel_kind *k = lintel_arena_alloc(r->scratch, sizeof *k);
    char what[64];
    (void)lintel_format(what, sizeof what, "a thing on a %s bus", plugin->name);
    if (k == NULL || (k->id = lintel_arena_strdup(r->scratch, id)) == NULL ||
        (k->what = lintel_arena_strdup(r->scratch, what)) == NULL)
        return NULL;
    k->origin = o;
    k->plugin = plugin;
    k->next = r->first_kind;
    k->context_also = lintel_context_keys;
    r->first_kind = k;
    k->model = o != NULL ? lintel_reader_model(r, o, at)
                         : lintel_models_resolve(r->site->pub.models, id, at, r->report);
    if (k->model == NULL) {
        k->failed = 1;
        return k;
    }
    if (o == NULL)
        judge_model(r, k->model);
    find_device(r, k, k->model->root);
    judge_device(r, k);
    find_params(r, k);
    warn_unmapped(r, k, at);
    return k;
}

struct lintel_kind *
lintel_reader_kind(struct lintel_reader *r, const char *id, const lintel_plugin *plugin,
                   struct lintel_place at)
{
    char key[256], hint[LINTEL_HINT] = "";
    struct lintel_origin *o = lintel_map_get(&r->origins, id, strlen(id));
    if (o == NULL && strpbrk(id, "#:") == NULL) { /* no global name either */
        const char *const *ids = lintel_reader_map_words(r, &r->origins);
        if (ids != NULL)
            lintel_hint(hint, id, ids);
        lintel_error(r->report, at, "there is no binding or model \"%.64s\"%s", id, hint);
        return NULL;
    }
    if (!lintel_format(key, sizeof key, "%s\n%s", plugin->name, id)) {
        lintel_error(r->report, at, "a name longer than %zu characters", sizeof key);
        return NULL;
    }
    struct lintel_kind *k = lintel_map_get(&r->kinds, key, strlen(key));
    if (k == NULL) {
        if ((k = new_kind(r, id, o, plugin, at)) == NULL)
            return lintel_reader_no_memory(r);
        lintel_reader_put(r, &r->kinds, key, strlen(key), k);
    }
    return k;
}

/* ---- profiles -------------------------------------------------------------------------------- */

/* Takes a profile into the site: one reference is the site's from now on. */
static struct lintel_profile *
keep(struct lintel_reader *r, struct lintel_profile *p)
{
    struct lintel_site_full *site = r->site;
    if (site->nprofiles == site->profiles_room) {
        uint32_t room = site->profiles_room ? site->profiles_room * 2 : 16;
        struct lintel_profile **more = lintel_grow(site->profiles, room, sizeof *more);
        if (more == NULL) {
            lintel_profile_unref(p);
            return lintel_reader_no_memory(r);
        }
        site->profiles = more;
        site->profiles_room = room;
    }
    site->profiles[site->nprofiles++] = p;
    return p;
}

/* What a profile is made of: the resolved document, the plugin's tables, the parameters' values. */
static int
profile_digest(const struct lintel_kind *k, const struct lintel_buf *values, uint8_t out[16])
{
    struct lintel_buf b = {0};
    uint8_t tables[LINTEL_TABLES];
    if (lintel_plugin_tables(k->plugin, tables) != 0)
        return -1;
    lintel_digest_str(&b, k->id);
    lintel_digest_str(&b, k->plugin->name);
    lintel_buf_add(&b, tables, sizeof tables);
    lintel_buf_add(&b, values->p, values->n);
    lintel_buf_addc(&b, '\0');
    lintel_node_json(k->model->root, &b);
    int failed = lintel_digest(&b, out);
    lintel_buf_fini(&b);
    return failed;
}

/* The running site's, if nothing changed, else a new one. */
static struct lintel_profile *
make(struct lintel_reader *r, const struct lintel_kind *k, const struct lintel_node *const *values,
     const struct lintel_buf *text, int partial)
{
    uint8_t digest[16];
    if (profile_digest(k, text, digest) != 0)
        return lintel_reader_no_memory(r);
    struct lintel_profile *p = lintel_map_get(&r->before, (const char *)digest, sizeof digest);
    if (p != NULL && p->plugin == k->plugin && !partial)
        return keep(r, lintel_profile_ref(p));
    if ((p = lintel_profile_compile(r, k, values, partial)) == NULL)
        return NULL;
    memcpy(p->digest, digest, sizeof digest);
    if (!partial)
        return keep(r, p);
    lintel_profile_unref(p); /* it was for its errors only */
    return NULL;
}

/* The values of the parameters in a thing's sdfContext; 0, or -1: reported. */
static int
find_values(struct lintel_reader *r, const struct lintel_kind *k, const struct lintel_doc *doc,
            const struct lintel_node *context, struct lintel_place at,
            const struct lintel_node **values, struct lintel_buf *text)
{
    int failed = 0;
    for (uint32_t i = 0; i < k->nparams; i++) {
        values[i] = lintel_node_get(context, k->params[i]);
        if (values[i] == NULL && k->required[i])
            failed =
                lintel_error(r->report, at, "\"%.64s\" needs the entry \"%.64s\" in sdfContext",
                             k->id, k->params[i]);
        else if (values[i] != NULL && values[i]->kind != LINTEL_NODE_SCALAR)
            failed = lintel_error(r->report, lintel_node_place(doc, values[i]),
                                  "%.64s: must be a text or a number", k->params[i]);
        else if (values[i] != NULL)
            lintel_node_json(values[i], text);
        lintel_buf_addc(text, '\n');
    }
    return failed;
}

struct lintel_profile *
lintel_reader_profile(struct lintel_reader *r, struct lintel_kind *k, const struct lintel_doc *doc,
                      const struct lintel_node *context, struct lintel_place at)
{
    const struct lintel_node *values[64] = {NULL};
    struct lintel_buf text = {0}, key = {0};
    if (k->failed)
        return NULL;
    if (context != NULL && find_values(r, k, doc, context, at, values, &text) != 0) {
        lintel_buf_fini(&text);
        return NULL;
    }
    lintel_buf_addf(&key, "%s\n%s\n", k->plugin->name, k->id);
    lintel_buf_add(&key, text.p, text.n);
    struct lintel_profile *p = key.failed ? NULL : lintel_map_get(&r->profiles, key.p, key.n);
    if (key.failed || text.failed) {
        lintel_reader_no_memory(r);
    } else if (p == NULL) {
        int partial = context == NULL && k->nparams != 0;
        p = make(r, k, values, &text, partial);
        if (p == NULL && k->nparams == 0)
            k->failed = 1;
        if (p == NULL && context != NULL && k->nparams != 0)
            lintel_error(r->report, at,
                         "with these entries of sdfContext \"%.64s\" does not work; see there",
                         k->id);
        if (!partial)
            lintel_reader_put(r, &r->profiles, key.p, key.n, p ? p : &failed_profile);
    }
    lintel_buf_fini(&text);
    lintel_buf_fini(&key);
    return p == &failed_profile ? NULL : p;
}
