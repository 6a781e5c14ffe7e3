/* SPDX-License-Identifier: Apache-2.0
 * lintel.yaml: directory. */
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"
#include "core/directory/registry.h"

const struct lintel_directory_conf lintel_directory_default = {
    .sector = "",
    .policy = LINTEL_DIRECTORY_FIRST_COME,
    .keep = 1,
    .per_client = 1000,
    .max_registrations = 200000,
    .max_links = 2000000,
    .max_answer = 64u << 20,
};

static int
check_sector(struct lintel_reader *r, const char *what, const char *name, struct lintel_place at)
{
    if (lintel_reg_is_name(lintel_str(name)))
        return 0;
    return lintel_error(r->report, at,
                        "%s: \"%.64s\" can't be a sector: at most 63 bytes of UTF-8 without "
                        "control characters",
                        what, name);
}

static void
read_sectors(struct lintel_reader *r, const struct lintel_doc *doc, const struct lintel_node *map,
             struct lintel_directory_conf *conf)
{
    static const char *const words[] = {"first-come", "bound", "open", NULL};
    if (map == NULL || lintel_node_is_null(map))
        return;
    if (map->kind != LINTEL_NODE_MAP) {
        lintel_error(r->report, lintel_node_place(doc, map),
                     "sectors: must be a map of sectors and their policies: { plant: bound }");
        return;
    }
    conf->sectors = lintel_arena_alloc(r->a, map->n * sizeof *conf->sectors);
    for (const struct lintel_node *c = map->child; conf->sectors != NULL && c != NULL;
         c = c->next) {
        struct lintel_directory_sector *s = &conf->sectors[conf->nsectors];
        int found = -1;
        char hint[LINTEL_HINT];
        s->name = lintel_arena_strndup(r->a, c->key.p, c->key.n);
        if (s->name == NULL || check_sector(r, "sectors", s->name, lintel_key_place(doc, c)) != 0)
            continue;
        for (int i = 0; c->kind == LINTEL_NODE_SCALAR && words[i] != NULL; i++)
            if (lintel_str_eq(c->text, words[i]))
                found = i;
        if (found < 0) {
            const char *word = c->kind == LINTEL_NODE_SCALAR ? c->text.p : "";
            lintel_error(r->report, lintel_node_place(doc, c),
                         "%s: \"%.32s\" is not one of first-come, bound, open%s", s->name, word,
                         lintel_hint(hint, word, words));
            continue;
        }
        s->policy = (enum lintel_directory_policy)found;
        conf->nsectors++;
    }
}

static void
read_refusal(struct lintel_reader *r, const struct lintel_doc *doc, const struct lintel_node *map,
             struct lintel_directory_conf *conf)
{
    struct lintel_field_source source = {
        .doc = doc, .map = map, .what = "a row of refuse", .at = lintel_node_place(doc, map)};
    const lintel_value *own = lintel_fields_parse(lintel_refusal_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    const lintel_value *who = &own[LINTEL_REFUSAL_WHO], *links = &own[LINTEL_REFUSAL_LINKS];
    if (who->len == 0 || links->len == 0) {
        lintel_warning(r->report, source.at, "an empty list: this row refuses nothing");
        return;
    }
    const char **names = lintel_arena_alloc(r->a, who->len * sizeof *names);
    lintel_span *criteria = lintel_arena_alloc(r->a, links->len * sizeof *criteria);
    if (names == NULL || criteria == NULL)
        return;
    for (uint32_t i = 0; i < who->len; i++) {
        names[i] = who->as.list[i].as.s;
        if (!lintel_rights_has(r->site->pub.rights, names[i]))
            lintel_error(r->report, lintel_node_place(doc, lintel_node_get(map, "who")),
                         "who: there is no identity and no role \"%.64s\"", names[i]);
    }
    for (uint32_t i = 0; i < links->len; i++)
        criteria[i] = (lintel_span){links->as.list[i].as.s, links->as.list[i].len};
    conf->refusals[conf->nrefusals++] =
        (struct lintel_directory_refusal){who->len, links->len, names, criteria};
}

static void
read_refusals(struct lintel_reader *r, const struct lintel_doc *doc, const struct lintel_node *list,
              struct lintel_directory_conf *conf)
{
    if (list == NULL || lintel_node_is_null(list))
        return;
    if (list->kind != LINTEL_NODE_LIST) {
        lintel_error(r->report, lintel_node_place(doc, list),
                     "refuse: must be a list: each row begins with \"- { who: ...\"");
        return;
    }
    conf->refusals = lintel_arena_alloc(r->a, list->n * sizeof *conf->refusals);
    for (const struct lintel_node *c = list->child; conf->refusals != NULL && c != NULL;
         c = c->next)
        read_refusal(r, doc, c, conf);
}

void
lintel_reader_directory(struct lintel_reader *r, const struct lintel_doc *doc)
{
    static const char *const also[] = {"sectors", "refuse", NULL};
    const struct lintel_node *map = lintel_node_get(doc->root, "directory");
    struct lintel_field_source source = {.doc = doc,
                                         .map = map,
                                         .also = also,
                                         .what = "directory",
                                         .at = lintel_node_place(doc, doc->root)};
    if (map == NULL || lintel_node_is_null(map))
        return;
    const lintel_value *own = lintel_fields_parse(lintel_directory_table, &source, r->a, r->report);
    struct lintel_directory_conf *conf = lintel_arena_alloc(r->a, sizeof *conf);
    if (own == NULL || conf == NULL)
        return;
    conf->sector = own[LINTEL_DIRECTORY_SECTOR].as.s;
    conf->policy = (enum lintel_directory_policy)own[LINTEL_DIRECTORY_POLICY].as.i;
    conf->keep = own[LINTEL_DIRECTORY_KEEP].as.i != 0;
    conf->per_client = (uint32_t)own[LINTEL_DIRECTORY_PER_CLIENT].as.i;
    conf->max_registrations = (uint32_t)own[LINTEL_DIRECTORY_REGISTRATIONS].as.i;
    conf->max_links = (uint64_t)own[LINTEL_DIRECTORY_LINKS].as.i;
    conf->max_answer = (uint64_t)own[LINTEL_DIRECTORY_ANSWER].as.i << 20;
    conf->lwm2m_objects = own[LINTEL_DIRECTORY_LWM2M].as.i != 0;
    if (lintel_node_get(map, "sector") != NULL)
        check_sector(r, "sector", conf->sector,
                     lintel_node_place(doc, lintel_node_get(map, "sector")));
    read_sectors(r, doc, lintel_node_get(map, "sectors"), conf);
    read_refusals(r, doc, lintel_node_get(map, "refuse"), conf);
    r->site->pub.directory = conf;
}
