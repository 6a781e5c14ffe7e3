/* SPDX-License-Identifier: Apache-2.0
 * The order in which a site is read, and its end. */
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/files.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"
#include "core/trust/secret.h"

static void
progress(struct lintel_reader *r, const char *what, uint32_t done, uint32_t of)
{
    if (r->s->progress != NULL)
        r->s->progress(r->s->progress_ctx, what, done, of);
}

/* ---- folders --------------------------------------------------------------------------------- */

static const char *const model_ends[] = {".sdf.json", ".sdf.yaml", ".sdf.yml", NULL};
static const char *const binding_ends[] = {".sdf-supplement.yaml", ".sdf-supplement.json",
                                           ".sdf-supplement.yml", NULL};
static const char *const thing_ends[] = {".yaml", ".yml", ".json", NULL};

struct folder {
    struct lintel_reader *r;
    const char *path;
    const char *const *ends; /* of names that are read */
    const char *kind;        /* "models" */
    int installed;
    struct found {
        struct found *next;
        const char *name;
        size_t stem; /* bytes of the name before its end */
    } * first, **last;
    uint32_t n;
};

/* Bytes of the name before one of the ends; 0: it has none of them. */
static size_t
stem_of(const char *name, const char *const *ends)
{
    size_t n = strlen(name);
    for (; *ends != NULL; ends++) {
        size_t m = strlen(*ends);
        if (n > m && strcmp(name + n - m, *ends) == 0)
            return n - m;
    }
    return 0;
}

static void
find_file(void *arg, const char *name, int is_folder)
{
    struct folder *f = arg;
    struct lintel_reader *r = f->r;
    size_t n = strlen(name), stem = stem_of(name, f->ends);
    if (name[0] == '.' || n == 0 || name[n - 1] == '~')
        return;
    /* What bindings' tests replay. */
    if ((is_folder && strcmp(name, "recordings") == 0) ||
        (n > 7 && strcmp(name + n - 7, ".pcapng") == 0))
        return;
    if (stem == 0 || is_folder) {
        const char *path = lintel_path_join(r->scratch, f->path, name);
        if (path != NULL && !f->installed)
            lintel_warning(r->report, (struct lintel_place){path, 0, 0},
                           is_folder ? "a folder: what lies in it is not read"
                                     : "not read: names of %s end in %s, %s or %s",
                           f->kind, f->ends[0], f->ends[1], f->ends[2]);
        return;
    }
    struct found *found = lintel_arena_alloc(r->scratch, sizeof *found);
    if (found == NULL)
        return;
    *found = (struct found){NULL, lintel_arena_strndup(r->scratch, name, n), stem};
    if (found->name == NULL)
        return;
    *f->last = found;
    f->last = &found->next;
    f->n++;
}

static void
list_folder(struct folder *f)
{
    f->last = &f->first;
    f->r->files->list(f->r->files->ctx, f->path, find_file, f, f->r->report);
}

/* The place of a new model or binding among the origins, or NULL if its id can't be. */
static struct lintel_origin *
new_origin(struct folder *f, const struct found *found, const char *path)
{
    struct lintel_reader *r = f->r;
    struct lintel_place at = {path, 0, 0};
    int is_binding = f->ends == binding_ends;
    char *id = lintel_arena_strndup(r->a, found->name, found->stem);
    if (id == NULL)
        return NULL;
    if (!lintel_is_id(id)) {
        lintel_error(r->report, at,
                     "the part of the name before \"%s\" is an id: letters, digits, '.', '_', '-', "
                     "at most 63, "
                     "the first one a letter or digit",
                     found->name + found->stem);
        return NULL;
    }
    struct lintel_origin *o = lintel_map_get(&r->origins, id, found->stem);
    if (o != NULL && (o->is_binding != is_binding || !o->installed || f->installed)) {
        lintel_error(r->report, at, "the id \"%s\" is taken: %s; rename one of them", id, o->path);
        return NULL;
    }
    if (o == NULL) {
        if ((o = lintel_arena_alloc(r->scratch, sizeof *o)) == NULL)
            return NULL;
        lintel_reader_put(r, &r->origins, id, found->stem, o);
        *r->last_origin = o;
        r->last_origin = &o->next;
    }
    *o = (struct lintel_origin){.id = id,
                                .path = path,
                                .is_binding = is_binding,
                                .installed = f->installed,
                                .next = o->next};
    return o;
}

static void
read_documents(struct lintel_reader *r, const char *path, const char *const *ends, const char *kind,
               int installed)
{
    struct folder f = {.r = r, .path = path, .ends = ends, .kind = kind, .installed = installed};
    uint32_t done = 0;
    list_folder(&f);
    for (const struct found *found = f.first; found != NULL; found = found->next) {
        struct lintel_doc *doc;
        const char *file = lintel_path_join(r->a, path, found->name);
        struct lintel_origin *o = file ? new_origin(&f, found, file) : NULL;
        if (o == NULL)
            continue;
        if (lintel_reader_doc(r, file, &doc) != 0 ||
            (o->is_binding
                 ? lintel_models_add_supplement(r->site->pub.models, o->id, doc, r->report)
                 : lintel_models_add(r->site->pub.models, o->id, doc, r->report)) != 0)
            o->resolved = 1; /* broken; reported here, once */
        progress(r, kind, ++done, f.n);
    }
}

static void
read_things(struct lintel_reader *r)
{
    struct folder f = {.r = r, .ends = thing_ends, .kind = "things"};
    uint32_t done = 0;
    if ((f.path = lintel_path_join(r->scratch, r->s->dir, "things")) == NULL)
        return;
    list_folder(&f);
    for (const struct found *found = f.first; found != NULL; found = found->next) {
        struct lintel_doc *doc;
        const char *file = lintel_path_join(r->a, f.path, found->name);
        if (file == NULL)
            return;
        if (lintel_reader_doc(r, file, &doc) == 0) {
            lintel_reader_things(r, file, doc);
            lintel_doc_free(doc);
        }
        progress(r, "things", ++done, f.n);
    }
}

static void
read_models(struct lintel_reader *r)
{
    for (const char *const *d = r->s->model_dirs; d != NULL && *d != NULL; d++)
        read_documents(r, *d, model_ends, "models", 1);
    for (const char *const *d = r->s->binding_dirs; d != NULL && *d != NULL; d++)
        read_documents(r, *d, binding_ends, "bindings", 1);
    const char *models = lintel_path_join(r->scratch, r->s->dir, "models");
    const char *bindings = lintel_path_join(r->scratch, r->s->dir, "bindings");
    if (models != NULL)
        read_documents(r, models, model_ends, "models", 0);
    if (bindings != NULL)
        read_documents(r, bindings, binding_ends, "bindings", 0);
}

/* ---- what nobody uses ------------------------------------------------------------------------ */

/* A binding of the site, whether a thing uses it or not, compiled for each plugin that it names. */
static void
check_binding(struct lintel_reader *r, struct lintel_origin *o, const struct lintel_model *model)
{
    struct lintel_place at = {o->path, 0, 0};
    for (uint32_t i = 0; i < model->n; i++) {
        const struct lintel_node *maps = model->affordances[i].protocol_map;
        if (maps == NULL || maps->kind != LINTEL_NODE_MAP)
            continue;
        for (const struct lintel_node *c = maps->child; c != NULL; c = c->next) {
            const lintel_plugin *plugin = lintel_reader_plugin(r, c->key.p, at);
            struct lintel_kind *kind =
                plugin != NULL ? lintel_reader_kind(r, o->id, plugin, at) : NULL;
            if (kind != NULL && !kind->used && !kind->failed) {
                kind->used = 1;
                (void)lintel_reader_profile(r, kind, NULL, NULL, at);
            }
        }
    }
}

static void
check_origins(struct lintel_reader *r)
{
    for (struct lintel_origin *o = r->first_origin; o != NULL; o = o->next) {
        if (o->installed)
            continue;
        const struct lintel_model *model =
            lintel_reader_model(r, o, (struct lintel_place){o->path, 0, 0});
        if (model != NULL)
            check_binding(r, o, model);
    }
}

static void
run_tests(struct lintel_reader *r)
{
    uint32_t done = 0, of = 0;
    for (struct lintel_origin *o = r->first_origin; o != NULL; o = o->next)
        of += o->model != NULL;
    for (struct lintel_origin *o = r->first_origin; o != NULL; o = o->next) {
        if (o->model == NULL) /* not in use, or broken */
            continue;
        lintel_reader_tests(r, o);
        progress(r, "tests", ++done, of);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
note_before(struct lintel_reader *r)
{
    const struct lintel_site_full *before = (const void *)r->s->before;
    for (uint32_t i = 0; before != NULL && i < before->nprofiles; i++)
        lintel_reader_put(r, &r->before, (const char *)before->profiles[i]->digest, 16,
                          before->profiles[i]);
}

static void
read_all(struct lintel_reader *r)
{
    const char *const *const read_lists[] = {lintel_codec_keys, lintel_pace_keys,
                                             (const char *const[]){"sdfParameters", NULL}, NULL};
    const char *const *const send_lists[] = {lintel_codec_keys,
                                             (const char *const[]){"sdfParameters", NULL}, NULL};
    r->folder = lintel_path_absolute(r->a, r->s->dir);
    r->map_also = lintel_reader_words(r, read_lists);
    r->send_also = lintel_reader_words(r, send_lists);
    if (r->folder == NULL || r->map_also == NULL || r->send_also == NULL) {
        r->no_memory = 1;
        return;
    }
    note_before(r);
    lintel_reader_ports(r);
    read_models(r);
    read_things(r);
    lintel_reader_zones(r);
    check_origins(r);
    if (r->s->run_tests)
        run_tests(r);
}

static void
reader_fini(struct lintel_reader *r)
{
    for (struct lintel_kind *k = r->first_kind; k != NULL; k = k->next)
        if (k->origin == NULL)
            lintel_model_unref(k->model);
    for (struct lintel_origin *o = r->first_origin; o != NULL; o = o->next)
        lintel_model_unref(o->model);
    lintel_map_fini(&r->ports);
    lintel_map_fini(&r->origins);
    lintel_map_fini(&r->kinds);
    lintel_map_fini(&r->profiles);
    lintel_map_fini(&r->before);
    lintel_map_fini(&r->things);
    lintel_arena_free(r->scratch);
}

static struct lintel_site_full *
site_new(const char *dir)
{
    struct lintel_site_full *site = lintel_alloc(sizeof *site);
    if (site == NULL)
        return NULL;
    site->pub.refs = 1;
    site->pub.directory = &lintel_directory_default;
    site->pub.arena = lintel_arena_new();
    site->pub.models = lintel_models_new();
    if (site->pub.arena == NULL || site->pub.models == NULL ||
        (site->pub.dir = lintel_arena_strdup(site->pub.arena, dir)) == NULL) {
        lintel_site_unref(&site->pub);
        return NULL;
    }
    return site;
}

struct lintel_site *
lintel_site_read(const struct lintel_site_source *s, struct lintel_report *report)
{
    struct lintel_report own = {0};
    struct lintel_report *to = report != NULL ? report : &own;
    uint32_t errors = to->errors;
    struct lintel_reader r = {.s = s,
                              .files = s->files ? s->files : &lintel_disk_files,
                              .report = to,
                              .site = site_new(s->dir),
                              .scratch = lintel_arena_new()};
    r.last_origin = &r.first_origin;
    if (r.site != NULL && r.scratch != NULL) {
        r.a = r.site->pub.arena;
        read_all(&r);
    }
    if (r.site == NULL || r.scratch == NULL || r.no_memory || lintel_arena_failed(r.a) ||
        lintel_arena_failed(r.scratch))
        lintel_error(to, (struct lintel_place){s->dir, 0, 0}, "out of memory");
    reader_fini(&r);
    struct lintel_site *site = r.site ? &r.site->pub : NULL;
    if (to->errors != errors) {
        lintel_site_unref(site);
        site = NULL;
    }
    lintel_report_sort(to);
    lintel_report_fini(&own);
    return site;
}

struct lintel_site *
lintel_site_ref(struct lintel_site *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void
lintel_site_unref(struct lintel_site *s)
{
    if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    struct lintel_site_full *site = (void *)s;
    for (uint32_t i = 0; i < site->nprofiles; i++)
        lintel_profile_unref(site->profiles[i]);
    for (struct lintel_kept_secret *k = site->secrets; k != NULL; k = k->next)
        lintel_secret_wipe(k->text, k->n);
    lintel_rights_free(s->rights);
    lintel_models_free(s->models);
    lintel_arena_free(s->arena);
    lintel_free(s->things);
    lintel_free(site->profiles);
    lintel_free(site);
}
