/* SPDX-License-Identifier: Apache-2.0
 * lintel.yaml: identities, rights, audit. core/trust/rights.c judges what they say; here it gets
 * its place. */
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"

struct lintel_zone_named {
    struct lintel_zone_named *next;
    const char *zone;
    struct lintel_place at;
};

struct section { /* what is read */
    struct lintel_reader *r;
    const struct lintel_doc *doc;
    const char *path; /* the site's */
    struct lintel_rights *rights;
    struct lintel_map names; /* of identities and roles, for hints */
    int local, manage;       /* a row is of "local"; one lets somebody manage */
};

/* Where item i of a list stands; a text alone is a list of one. */
static struct lintel_place
item_place(const struct section *s, const struct lintel_node *list, uint32_t i)
{
    const struct lintel_node *n = list;
    if (n->kind == LINTEL_NODE_LIST)
        for (n = list->child; i > 0; i--)
            n = n->next;
    return lintel_node_place(s->doc, n);
}

static int
refuse(const struct section *s, struct lintel_place at, const char *reason)
{
    return lintel_error(s->r->report, at, "%s", reason);
}

/* ---- identities ------------------------------------------------------------------------------ */

static int
check_name(const struct section *s, const char *what, const char *name, struct lintel_place at)
{
    if (lintel_is_id(name))
        return 0;
    return lintel_error(s->r->report, at,
                        "%s: \"%.64s\" is no name; letters, digits, '.', '_', '-', at most 63, the "
                        "first one a letter or digit",
                        what, name);
}

static void
read_roles(struct section *s, const char *name, const struct lintel_node *map,
           const lintel_value *roles)
{
    char reason[LINTEL_RIGHTS_REASON];
    for (uint32_t i = 0; i < roles->len; i++) {
        const char *role = roles->as.list[i].as.s;
        struct lintel_place at = item_place(s, lintel_node_get(map, "roles"), i);
        if (check_name(s, "roles", role, at) != 0)
            continue;
        if (lintel_rights_add_role(s->rights, name, role, reason) != 0)
            refuse(s, at, reason);
        lintel_reader_put(s->r, &s->names, role, strlen(role), s);
    }
}

/* A server learns the client's PSK identity and nothing else before it must choose a key (RFC 4279
 * section 2): two keys that both count need two of them. */
static void
read_keys(const struct section *s, const char *name, const struct lintel_node *map,
          const lintel_value *keys, const lintel_value *called)
{
    char reason[LINTEL_RIGHTS_REASON];
    if (keys->len == 0 && called->len == 0)
        return;
    if (keys->len != called->len && !(keys->len == 1 && called->len == 0)) {
        lintel_error(
            s->r->report,
            lintel_node_place(s->doc, lintel_node_get(map, keys->len ? "psk" : "pskIdentity")),
            "%s has %u keys and %u times pskIdentity; it needs one for each key: the name "
            "is all that tells the keys apart",
            name, keys->len, called->len);
        return;
    }
    for (uint32_t i = 0; i < keys->len; i++)
        if (lintel_rights_add_key(s->rights, name, called->len ? called->as.list[i].as.s : name,
                                  keys->as.list[i].as.s, reason) != 0)
            refuse(s, item_place(s, lintel_node_get(map, "psk"), i), reason);
}

static void
read_certificates(const struct section *s, const char *name, const struct lintel_node *map,
                  const lintel_value *certificates, const lintel_value *issuers)
{
    char reason[LINTEL_RIGHTS_REASON];
    if (certificates->len == 0 && issuers->len != 0)
        refuse(s, lintel_node_place(s->doc, lintel_node_get(map, "issuer")),
               "issuer says who signed the certificate; \"certificate\" is missing");
    for (uint32_t i = 0; i < certificates->len; i++) {
        struct lintel_place at = item_place(s, lintel_node_get(map, "certificate"), i);
        uint32_t k = 0;
        do {
            if (lintel_rights_add_certificate(s->rights, name, certificates->as.list[i].as.s,
                                              issuers->len ? issuers->as.list[k].as.s : NULL,
                                              reason) != 0)
                refuse(s, at, reason);
        } while (++k < issuers->len);
    }
}

static void
read_identity(struct section *s, const struct lintel_node *map)
{
    struct lintel_reader *r = s->r;
    struct lintel_place at = lintel_key_place(s->doc, map);
    const char *name = map->key.p;
    char reason[LINTEL_RIGHTS_REASON];
    struct lintel_field_source source = {.doc = s->doc,
                                         .map = map,
                                         .what = "an identity",
                                         .at = at,
                                         .secret = lintel_reader_secret,
                                         .secret_ctx = r,
                                         .flags = LINTEL_FIELDS_APART};
    if (check_name(s, "identities", name, at) != 0)
        return;
    lintel_reader_put(r, &s->names, name, map->key.n, s);
    if (lintel_rights_add(s->rights, name, reason) != 0) {
        refuse(s, at, reason);
        return;
    }
    const lintel_value *own = lintel_fields_parse(lintel_identity_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    read_roles(s, name, map, &own[LINTEL_IDENTITY_ROLES]);
    read_keys(s, name, map, &own[LINTEL_IDENTITY_PSK], &own[LINTEL_IDENTITY_PSK_IDENTITY]);
    read_certificates(s, name, map, &own[LINTEL_IDENTITY_CERTIFICATE],
                      &own[LINTEL_IDENTITY_ISSUER]);
    if (own[LINTEL_IDENTITY_PSK].len == 0 && own[LINTEL_IDENTITY_CERTIFICATE].len == 0)
        lintel_warning(r->report, at, "%s has neither psk nor certificate: nobody can be it", name);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    uint32_t may;
} mays[] = {{"read", LINTEL_MAY_READ},
            {"write", LINTEL_MAY_WRITE},
            {"register", LINTEL_MAY_REGISTER},
            {"manage", LINTEL_MAY_MANAGE}};

static uint32_t
read_may(const struct section *s, const struct lintel_node *map, const lintel_value *list)
{
    static const char *const words[] = {"read", "write", "register", "manage", NULL};
    uint32_t may = 0;
    for (uint32_t i = 0; i < list->len; i++) {
        const char *word = list->as.list[i].as.s;
        uint32_t found = 0;
        for (size_t k = 0; k < LINTEL_COUNT(mays); k++)
            if (strcmp(mays[k].word, word) == 0)
                found = mays[k].may;
        char hint[LINTEL_HINT];
        if (found == 0)
            lintel_error(s->r->report, item_place(s, lintel_node_get(map, "may"), i),
                         "may: \"%.64s\" is not one of read, write, register, manage%s", word,
                         lintel_hint(hint, word, words));
        may |= found;
    }
    return may;
}

/* Notes a zone for lintel_reader_zones(). */
static void
note_zone(const struct section *s, const char *zone, struct lintel_place at)
{
    struct lintel_reader *r = s->r;
    struct lintel_zone_named *z = lintel_arena_alloc(r->scratch, sizeof *z);
    if (z == NULL)
        return;
    *z = (struct lintel_zone_named){r->zones, zone, lintel_reader_keep(s->path, at)};
    r->zones = z;
}

static void
grant(const struct section *s, const char *who, struct lintel_place at, const lintel_value *zones,
      int all, uint32_t may)
{
    char reason[LINTEL_RIGHTS_REASON], hint[LINTEL_HINT] = "";
    uint32_t i = 0;
    do {
        const char *zone = all ? NULL : zones->as.list[i].as.s;
        if (lintel_rights_grant(s->rights, who, zone, may, reason) == 0)
            continue;
        const char *const *words = lintel_reader_map_words(s->r, &s->names);
        if (words != NULL)
            lintel_hint(hint, who, words);
        lintel_error(s->r->report, at, "who: %s%s", reason, hint);
        return;
    } while (!all && ++i < zones->len);
}

static void
read_row(struct section *s, const struct lintel_node *map)
{
    struct lintel_reader *r = s->r;
    struct lintel_field_source source = {
        .doc = s->doc, .map = map, .what = "a row of rights", .at = lintel_node_place(s->doc, map)};
    const lintel_value *own = lintel_fields_parse(lintel_right_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    const lintel_value *who = &own[LINTEL_RIGHT_WHO], *zones = &own[LINTEL_RIGHT_ZONES];
    const struct lintel_node *zone_list = lintel_node_get(map, "zones");
    uint32_t may = read_may(s, map, &own[LINTEL_RIGHT_MAY]);
    int all = 0;
    for (uint32_t i = 0; i < zones->len; i++)
        all |= strcmp(zones->as.list[i].as.s, "all") == 0;
    if (who->len == 0 || zones->len == 0 || own[LINTEL_RIGHT_MAY].len == 0)
        lintel_warning(r->report, source.at, "an empty list: this row gives nothing to anybody");
    s->manage |= may & LINTEL_MAY_MANAGE && who->len != 0;
    for (uint32_t i = 0; i < who->len; i++)
        s->local |= strcmp(who->as.list[i].as.s, "local") == 0;
    if (may & LINTEL_MAY_MANAGE && !all)
        lintel_error(r->report, lintel_node_place(s->doc, zone_list),
                     "manage is of the hub as a whole; write a row of its own for it, with zones: "
                     "all");
    for (uint32_t i = 0; !all && i < zones->len; i++) {
        struct lintel_place at = item_place(s, zone_list, i);
        if (zones->as.list[i].len > 63)
            refuse(s, at, "zones: longer than 63 bytes");
        else if (zones->as.list[i].len != 0 && !(may & LINTEL_MAY_REGISTER))
            note_zone(s, zones->as.list[i].as.s, at);
    }
    for (uint32_t i = 0; (all || zones->len != 0) && i < who->len; i++)
        grant(s, who->as.list[i].as.s, item_place(s, lintel_node_get(map, "who"), i), zones, all,
              may);
}

static void
read_table(struct section *s, const struct lintel_node *list)
{
    lintel_rights_table(s->rights);
    if (lintel_node_is_null(list))
        return;
    if (list->kind != LINTEL_NODE_LIST) {
        refuse(s, lintel_node_place(s->doc, list),
               "rights: must be a list: each row begins with \"- { who: ...\"");
        return;
    }
    for (const struct lintel_node *c = list->child; c != NULL; c = c->next)
        read_row(s, c);
    if (s->local && !s->manage)
        lintel_warning(s->r->report, lintel_node_place(s->doc, list),
                       "nobody may manage the hub: lintel status, lintel reload and others will be "
                       "refused also on this machine");
}

static void
read_audit(const struct section *s)
{
    struct lintel_reader *r = s->r;
    struct lintel_field_source source = {.doc = s->doc,
                                         .map = lintel_node_get(s->doc->root, "audit"),
                                         .what = "audit",
                                         .at = lintel_node_place(s->doc, s->doc->root)};
    const lintel_value *own = lintel_fields_parse(lintel_audit_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    r->site->pub.audit_records = (uint32_t)own[LINTEL_AUDIT_RECORDS].as.i;
    r->site->pub.audit_days = (uint32_t)own[LINTEL_AUDIT_DAYS].as.i;
}

void
lintel_reader_rights(struct lintel_reader *r, const struct lintel_doc *doc, const char *path)
{
    const struct lintel_node *identities = lintel_node_get(doc->root, "identities");
    const struct lintel_node *rows = lintel_node_get(doc->root, "rights");
    struct section s = {.r = r, .doc = doc, .path = path};
    read_audit(&s);
    if (identities == NULL && rows == NULL)
        return;
    if ((s.rights = r->site->pub.rights = lintel_rights_new()) == NULL) {
        lintel_reader_no_memory(r);
        return;
    }
    if (identities != NULL && identities->kind == LINTEL_NODE_MAP)
        for (const struct lintel_node *c = identities->child; c != NULL; c = c->next)
            read_identity(&s, c);
    else if (identities != NULL && !lintel_node_is_null(identities))
        refuse(&s, lintel_node_place(doc, identities), "identities: must be a map of names");
    if (rows != NULL)
        read_table(&s, rows);
    else
        lintel_warning(r->report, lintel_node_place(doc, identities),
                       "there are identities, but no rights: they may do nothing");
    lintel_map_fini(&s.names);
}

void
lintel_reader_zones(struct lintel_reader *r)
{
    const struct lintel_site *site = &r->site->pub;
    struct lintel_map zones = {0};
    for (uint32_t i = 0; i < site->nthings; i++)
        if (site->things[i].zone[0] != '\0')
            lintel_reader_put(r, &zones, site->things[i].zone, strlen(site->things[i].zone), r);
    const char *const *words = r->zones != NULL ? lintel_reader_map_words(r, &zones) : NULL;
    for (const struct lintel_zone_named *z = r->zones; z != NULL; z = z->next) {
        char hint[LINTEL_HINT] = "";
        if (lintel_map_get(&zones, z->zone, strlen(z->zone)) != NULL)
            continue;
        if (words != NULL)
            lintel_hint(hint, z->zone, words);
        lintel_warning(r->report, z->at, "zones: no thing is in the zone \"%.63s\"%s", z->zone,
                       hint);
    }
    lintel_map_fini(&zones);
}
