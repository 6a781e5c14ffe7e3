/* SPDX-License-Identifier: Apache-2.0
 * Files of things: lists of { thingId, sdfInstanceOf, sdfContext }. */
#include <string.h>

#include "core/base/cbor.h"
#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"

struct thing_file {
    struct lintel_reader *r;
    const char *path; /* the site's */
    const struct lintel_doc *doc;
    struct lintel_arena *a; /* ends with the file */
};

static void
digest_thing(struct lintel_reader *r, struct lintel_thing *t, const lintel_plugin *plugin)
{
    struct lintel_buf b = {0};
    lintel_digest_str(&b, t->id);
    lintel_digest_str(&b, t->label);
    lintel_digest_str(&b, t->location);
    lintel_digest_str(&b, t->zone);
    lintel_digest_str(&b, t->bus);
    for (const char *const *tag = t->tags; *tag != NULL; tag++)
        lintel_digest_str(&b, *tag);
    lintel_buf_add(&b, t->profile->digest, sizeof t->profile->digest);
    for (uint32_t i = 0; i < lintel_fields_count(plugin->device); i++)
        lintel_cbor_value(&b, &t->settings[i]);
    if (lintel_digest(&b, t->digest) != 0)
        lintel_reader_no_memory(r);
    lintel_buf_fini(&b);
}

/* The thing's id, if it is a good one and nobody else's. */
static void
read_id(const struct thing_file *f, const struct lintel_node *map, int keys_good,
        struct lintel_thing *t)
{
    struct lintel_reader *r = f->r;
    const struct lintel_node *n = lintel_node_get(map, "thingId");
    if (n == NULL) {
        if (keys_good) /* else a slip in its name is told already */
            lintel_error(r->report, lintel_node_place(f->doc, map), "a thing needs \"thingId\"");
        return;
    }
    struct lintel_place at = lintel_node_place(f->doc, n);
    if (n->kind != LINTEL_NODE_SCALAR || !lintel_is_id(n->text.p)) {
        lintel_error(
            r->report, at,
            "thingId: \"%.64s\" can't be a name on the network; letters, digits, '.', '_', '-', at "
            "most 63, the first one a letter or digit",
            n->kind == LINTEL_NODE_SCALAR ? n->text.p : "");
        return;
    }
    const struct lintel_place *other = lintel_map_get(&r->things, n->text.p, n->text.n);
    if (other != NULL) {
        lintel_error(r->report, at, "thingId \"%s\" is taken: %s:%u:%u; choose another", n->text.p,
                     other->file, other->line, other->column);
        return;
    }
    struct lintel_place *mine = lintel_arena_alloc(r->scratch, sizeof *mine);
    t->id = lintel_arena_strndup(r->a, n->text.p, n->text.n);
    if (mine == NULL || t->id == NULL)
        return;
    *mine = t->at = lintel_reader_keep(f->path, at);
    lintel_reader_put(r, &r->things, n->text.p, n->text.n, mine);
}

/* The name in sdfInstanceOf, or NULL. */
static const struct lintel_node *
read_instance_of(const struct thing_file *f, const struct lintel_node *map)
{
    static const char *const keys[] = {"model", NULL};
    const struct lintel_node *of = lintel_node_get(map, "sdfInstanceOf");
    const struct lintel_node *model = lintel_node_get(of, "model");
    if (of == NULL) {
        lintel_error(f->r->report, lintel_node_place(f->doc, map),
                     "a thing needs sdfInstanceOf: { model: ... }, the id of a binding");
        return NULL;
    }
    if (lintel_reader_keys(f->r, f->doc, of, keys, "sdfInstanceOf") != 0)
        return NULL;
    if (model == NULL || model->kind != LINTEL_NODE_SCALAR || model->text.n == 0) {
        lintel_error(f->r->report, lintel_node_place(f->doc, model ? model : of),
                     "sdfInstanceOf needs \"model\", the id of a binding");
        return NULL;
    }
    return model;
}

/* Without the bus nobody knows whose keys the others are, so a slip in this one is looked for by
 * itself. */
static int
bus_misspelt(const struct thing_file *f, const struct lintel_node *context)
{
    if (context->kind != LINTEL_NODE_MAP || lintel_node_get(context, "bus") != NULL)
        return 0;
    for (const struct lintel_node *c = context->child; c != NULL; c = c->next) {
        if (lintel_distance(c->key.p, "bus", 1) > 1)
            continue;
        lintel_error(f->r->report, lintel_key_place(f->doc, c),
                     "sdfContext has no \"%s\" (did you mean \"bus\"?)", c->key.p);
        return 1;
    }
    return 0;
}

/* The bus that the thing is on, or NULL. */
static const struct lintel_port *
find_bus(const struct thing_file *f, const struct lintel_node *n)
{
    struct lintel_reader *r = f->r;
    const struct lintel_site *site = &r->site->pub;
    struct lintel_place at = lintel_node_place(f->doc, n);
    char hint[LINTEL_HINT] = "";
    if (r->no_ports)
        return NULL;
    const struct lintel_port *port = lintel_map_get(&r->ports, n->text.p, n->text.n);
    if (port != NULL && port->plugin != NULL && (port->plugin->flags & LINTEL_PLUGIN_TRANSPORT)) {
        lintel_error(r->report, at, "bus: \"%s\" is a transport; things are on buses", n->text.p);
        return NULL;
    }
    if (port == NULL) {
        const char **words = lintel_arena_alloc(r->scratch, (site->nbuses + 1) * sizeof *words);
        uint32_t count = 0;
        for (uint32_t i = 0; words != NULL && i < site->nbuses; i++)
            if (site->buses[i].name != NULL)
                words[count++] = site->buses[i].name;
        if (words != NULL)
            lintel_hint(hint, n->text.p, words);
        lintel_error(r->report, at, "bus: lintel.yaml has no bus \"%.64s\"%s", n->text.p, hint);
    }
    return port;
}

/* A text that the site keeps. */
static const char *
kept(struct lintel_reader *r, const lintel_value *v)
{
    return v->len == 0 ? "" : lintel_arena_strndup(r->a, v->as.s, v->len);
}

static int
read_context(const struct thing_file *f, const struct lintel_node *context, struct lintel_thing *t)
{
    struct lintel_reader *r = f->r;
    struct lintel_field_source source = {.doc = f->doc,
                                         .map = context,
                                         .what = "sdfContext",
                                         .at = lintel_node_place(f->doc, context),
                                         .flags = LINTEL_FIELDS_OPEN};
    lintel_value *own = lintel_fields_parse(lintel_context_table, &source, f->a, r->report);
    if (own == NULL)
        return -1;
    const lintel_value *tags = &own[LINTEL_CONTEXT_TAGS];
    const char **list = lintel_arena_alloc(r->a, (tags->len + 1) * sizeof *list);
    if (list == NULL)
        return -1;
    for (uint32_t i = 0; i < tags->len; i++)
        list[i] = kept(r, &tags->as.list[i]);
    t->tags = list;
    t->zone = kept(r, &own[LINTEL_CONTEXT_ZONE]);
    t->location = kept(r, &own[LINTEL_CONTEXT_LOCATION]);
    t->label = kept(r, &own[LINTEL_CONTEXT_LABEL]);
    if (own[LINTEL_CONTEXT_ZONE].len <= 63)
        return 0;
    /* RFC 9176 section 5: a sector has at most 63 bytes. */
    return lintel_error(r->report, lintel_node_place(f->doc, lintel_node_get(context, "zone")),
                        "zone: longer than 63 bytes");
}

/* What the plugin wants to know of the device, and what the binding's maps name. */
static void
read_device(const struct thing_file *f, const struct lintel_node *context, struct lintel_thing *t,
            struct lintel_kind *kind)
{
    struct lintel_reader *r = f->r;
    struct lintel_field_source source = {.doc = f->doc,
                                         .map = context,
                                         .fallback = kind->failed ? NULL : kind->device,
                                         .fallback_doc = kind->device_doc,
                                         .also = kind->context_also,
                                         .what = kind->what,
                                         .folder = r->folder,
                                         .at = lintel_node_place(f->doc, context),
                                         .secret = lintel_reader_secret,
                                         .secret_ctx = r,
                                         .flags = kind->failed ? LINTEL_FIELDS_PARTIAL : 0};
    t->settings = lintel_fields_parse(kind->plugin->device, &source, r->a, r->report);
    t->profile = lintel_reader_profile(r, kind, f->doc, context, source.at);
}

/* One thing; 1 if it is complete. */
static int
read_thing(const struct thing_file *f, const struct lintel_node *map, struct lintel_thing *t)
{
    static const char *const keys[] = {"thingId", "sdfInstanceOf", "sdfContext", NULL};
    struct lintel_reader *r = f->r;
    int keys_good = lintel_reader_keys(r, f->doc, map, keys, "a thing") == 0;
    if (map->kind != LINTEL_NODE_MAP)
        return 0;
    read_id(f, map, keys_good, t);
    const struct lintel_node *model = read_instance_of(f, map);
    const struct lintel_node *context = lintel_node_get(map, "sdfContext");
    if (context == NULL) {
        lintel_error(r->report, lintel_node_place(f->doc, map),
                     "a thing needs sdfContext: { bus: ... }, where to find it");
        return 0;
    }
    if (bus_misspelt(f, context) || read_context(f, context, t) != 0)
        return 0;
    const struct lintel_port *port = find_bus(f, lintel_node_get(context, "bus"));
    if (port == NULL || port->plugin == NULL || model == NULL)
        return 0;
    struct lintel_kind *kind =
        lintel_reader_kind(r, model->text.p, port->plugin, lintel_node_place(f->doc, model));
    if (kind == NULL)
        return 0;
    kind->used = 1;
    read_device(f, context, t, kind);
    if (t->settings == NULL || t->profile == NULL || t->id == NULL)
        return 0;
    t->bus = port->name;
    digest_thing(r, t, port->plugin);
    return 1;
}

void
lintel_reader_things(struct lintel_reader *r, const char *path, const struct lintel_doc *doc)
{
    struct thing_file f = {r, path, doc, NULL};
    struct lintel_site_full *site = r->site;
    if (doc->root->kind == LINTEL_NODE_MAP && doc->root->n == 0)
        return; /* an empty file */
    if (doc->root->kind != LINTEL_NODE_LIST) {
        lintel_error(r->report, lintel_node_place(doc, doc->root),
                     "a file of things is a list: each thing begins with \"- thingId: ...\"");
        return;
    }
    uint32_t room = site->pub.nthings + doc->root->n;
    if (room > site->things_room) {
        room = room < site->things_room * 2 ? site->things_room * 2 : room;
        struct lintel_thing *more = lintel_grow(site->pub.things, room, sizeof *more);
        if (more == NULL) {
            lintel_reader_no_memory(r);
            return;
        }
        site->pub.things = more;
        site->things_room = room;
    }
    if ((f.a = lintel_arena_new()) == NULL) {
        lintel_reader_no_memory(r);
        return;
    }
    for (const struct lintel_node *c = doc->root->child; c != NULL; c = c->next) {
        struct lintel_thing *t = &site->pub.things[site->pub.nthings];
        *t = (struct lintel_thing){0};
        site->pub.nthings += (uint32_t)read_thing(&f, c, t);
    }
    if (lintel_arena_failed(f.a))
        lintel_reader_no_memory(r);
    lintel_arena_free(f.a);
}
