/* SPDX-License-Identifier: Apache-2.0
 * What the pieces of the site's reader share: site_read.c drives port.c, things.c, kind.c,
 * bindtest.c. One reader reads one site. Every piece reports what is wrong and goes on, so that all
 * problems come in one go; a site with an error is thrown away as a whole at the end. */
#ifndef LINTEL_BIND_READER_H
#define LINTEL_BIND_READER_H
#include "core/bind/site.h"

/* A site with what only its maker and its end need. */
struct lintel_site_full {
    struct lintel_site pub;           /* first */
    struct lintel_profile **profiles; /* one reference each */
    uint32_t nprofiles, profiles_room, things_room;
    struct lintel_kept_secret {
        struct lintel_kept_secret *next;
        char *text;
        size_t n;
    } * secrets; /* wiped at the end */
};

/* Where a model or a binding came from. */
struct lintel_origin {
    const char *id;
    const char *path;
    int is_binding;
    int installed;              /* not of this site: not checked unless it is used */
    int resolved;               /* tried already */
    struct lintel_model *model; /* NULL: broken, and reported */
    struct lintel_origin *next; /* in the order of reading */
};

/* A binding for one plugin: what its profiles have in common. */
struct lintel_kind {
    const struct lintel_origin *origin;
    const char *id;
    const lintel_plugin *plugin;
    struct lintel_model *model;       /* the origin's; NULL: broken, and reported */
    const struct lintel_node *device; /* lintel:device for the plugin, or NULL */
    const struct lintel_doc *device_doc;
    const char *const *params; /* sdfContext entries that maps name; NULL-terminated */
    const uint8_t *required;   /* whether params[i] has no default */
    uint32_t nparams;
    const char *const *context_also; /* hub's keys and params */
    const char *what;                /* "a thing on a modbus bus" */
    int failed;                      /* reported */
    int used;                        /* by a thing */
    struct lintel_kind *next;
};

struct lintel_reader {
    const struct lintel_site_source *s;
    const struct lintel_site_files *files;
    struct lintel_report *report;
    struct lintel_site_full *site;
    struct lintel_arena *a;       /* the site's */
    struct lintel_arena *scratch; /* ends with the reading */
    const char *folder;           /* of the site, absolute */
    struct lintel_map
        ports; /* name -> struct lintel_port; also those with errors, without plugin then */
    struct lintel_map origins; /* id -> struct lintel_origin */
    struct lintel_map kinds;   /* id NUL plugin -> struct lintel_kind */
    struct lintel_map
        profiles; /* the kind's key NUL values -> struct lintel_profile, or &failed_profile */
    struct lintel_map before; /* digest -> struct lintel_profile of the running site */
    struct lintel_map things; /* thingId -> struct lintel_place * */
    struct lintel_origin *first_origin, **last_origin;
    struct lintel_kind *first_kind;
    const char *const *map_also;     /* codec, pace and own keys of a protocol map that is read */
    const char *const *send_also;    /* the same without the pace */
    struct lintel_zone_named *zones; /* by rows of rights; their things come later */
    size_t bytes;                    /* read so far */
    int no_ports;                    /* lintel.yaml is unreadable: nothing is said of buses */
    int no_memory;
};
/* Notes that memory is out; always NULL. */
void *lintel_reader_no_memory(struct lintel_reader *r);
/* A map's put that notes failure. */
void lintel_reader_put(struct lintel_reader *r, struct lintel_map *m, const char *key, size_t n,
                       void *value);
/* Reads and parses one file. 1: not there; -1: reported. */
int lintel_reader_doc(struct lintel_reader *r, const char *path, struct lintel_doc **ret);
/* Reports keys of a map that are none of `words` ("%s has no ..."), and what is no map. */
int lintel_reader_keys(struct lintel_reader *r, const struct lintel_doc *doc,
                       const struct lintel_node *map, const char *const *words, const char *what);
/* NULL-terminated keys of the tables of names given, in the scratch arena; the list of lists ends
 * with NULL. */
const char *const *lintel_reader_words(struct lintel_reader *r, const char *const *const *lists);
/* All keys of a map from text, as words for a hint. */
const char *const *lintel_reader_map_words(struct lintel_reader *r, const struct lintel_map *m);
/* The place with a file name that lives as long as the site. */
struct lintel_place lintel_reader_keep(const char *path, struct lintel_place at);

/* SHA-256 of what is in the buffer, cut. -1: the buffer had failed. */
int lintel_digest(const struct lintel_buf *b, uint8_t out[16]);
/* A text with its end, so that neighbours can't be mixed up. NULL counts as "". */
void lintel_digest_str(struct lintel_buf *b, const char *s);

/* port.c: lintel.yaml; and secrets, for lintel_fields_parse with the site's arena: each is noted,
 * and wiped with the site. */
const char *lintel_reader_secret(void *reader, const char *name, struct lintel_place at,
                                 struct lintel_arena *a, struct lintel_report *report);
void lintel_reader_ports(struct lintel_reader *r);

/* directory.c: directory: of lintel.yaml; after rights.c, whose names it uses. */
void lintel_reader_directory(struct lintel_reader *r, const struct lintel_doc *doc);

/* rights.c: identities:, rights: and audit: of lintel.yaml; and, once the things are known, zones
 * that none of them has. */
void lintel_reader_rights(struct lintel_reader *r, const struct lintel_doc *doc, const char *path);
void lintel_reader_zones(struct lintel_reader *r);

/* kind.c */
/* The plugin where a bus runs it; with run_tests also others that are installed. NULL: there is
 * none, or it is not to be looked at. */
const lintel_plugin *lintel_reader_plugin(struct lintel_reader *r, const char *name,
                                          struct lintel_place at);
/* The kind for a binding's or model's name and a plugin; NULL where the name is unknown (reported
 * at `at`). */
struct lintel_kind *lintel_reader_kind(struct lintel_reader *r, const char *id,
                                       const lintel_plugin *plugin, struct lintel_place at);
/* The profile for one thing's sdfContext (NULL: none is known, parameters without a default may be
 * missing). NULL: reported. The site's. */
struct lintel_profile *lintel_reader_profile(struct lintel_reader *r, struct lintel_kind *k,
                                             const struct lintel_doc *doc,
                                             const struct lintel_node *context,
                                             struct lintel_place at);
/* Resolves once. NULL: reported. */
struct lintel_model *lintel_reader_model(struct lintel_reader *r, struct lintel_origin *o,
                                         struct lintel_place at);
/* profile.c */
/* A compiled profile of one kind; values[i] stand in for kind->params[i], NULL: none. */
struct lintel_profile *lintel_profile_compile(struct lintel_reader *r, const struct lintel_kind *k,
                                              const struct lintel_node *const *values, int partial);

/* things.c: one parsed file of things. */
void lintel_reader_things(struct lintel_reader *r, const char *path, const struct lintel_doc *doc);

/* bindtest.c: lintel:tests of one binding. */
void lintel_reader_tests(struct lintel_reader *r, struct lintel_origin *o);
#endif
