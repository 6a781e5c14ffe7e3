/* SPDX-License-Identifier: Apache-2.0
 * Resolving: trees of nodes made out of several documents, with sdfRef followed (RFC 9880
 * section 4.4) and merge patches applied (RFC 7396). Every node remembers the document that it was
 * read from. */
#ifndef LINTEL_MODEL_TREE_H
#define LINTEL_MODEL_TREE_H
#include <stdatomic.h>
#include <stdint.h>

#include "core/base/doc.h"
#include "core/base/map.h"

/* A document as it was read; counted, since resolved models keep using its texts. */
struct lintel_source {
    char *id;
    struct lintel_doc *doc;
    char *uri; /* its default namespace without '#' at the end; NULL: none */
    int supplement;
    _Atomic uint32_t refs;
};
struct lintel_source *lintel_source_ref(struct lintel_source *s);
void lintel_source_unref(struct lintel_source *s); /* NULL is fine */
/* The URI of a prefix of its namespace map, or NULL. */
const char *lintel_source_prefix(const struct lintel_source *s, const char *prefix, size_t n);

/* A name taken apart: a namespace's URI (NULL: the document itself) and the steps of a JSON
 * pointer. */
enum { LINTEL_NAME_STEPS = 24 };
struct lintel_name {
    char *uri;
    const char *steps[LINTEL_NAME_STEPS];
    unsigned n;
};
/* Reads "#/sdfObject/X", "prefix:#/sdfObject/X" or a whole global name; into the arena. -1 with the
 * reason at `at`. s: for prefixes; NULL: none are known. */
int lintel_name_read(const char *text, const struct lintel_source *s, struct lintel_arena *arena,
                     struct lintel_place at, struct lintel_report *report, struct lintel_name *ret);

enum { LINTEL_TREE_NODES_MOST = 2 * 1000 * 1000, LINTEL_TREE_SOURCES_MOST = 1000 };

struct lintel_tree {            /* one resolution */
    struct lintel_arena *arena; /* of the result */
    struct lintel_report *report;
    struct lintel_node *root; /* what a Supplement's own references mean; NULL until there is one */
    struct lintel_source **sources; /* used ones; nodes tell them by index */
    uint32_t nsources;
    uint32_t nodes;                 /* made so far */
    const struct lintel_open *open; /* references being followed */
    struct lintel_map index;        /* members of large maps */
    struct lintel_map done;         /* maps resolved on the way of a pointer */
    /* Which document defines a name; NULL with the reason at `at`. */
    struct lintel_source *(*find)(void *ctx, const struct lintel_name *name, struct lintel_place at,
                                  struct lintel_report *report);
    void *find_ctx;
};
void lintel_tree_fini(struct lintel_tree *t); /* the result stays */

/* A resolved copy of a document's node. patch: nulls are kept, for lintel_tree_merge. NULL with the
 * reason. */
struct lintel_node *lintel_tree_resolve(struct lintel_tree *t, struct lintel_source *from,
                                        const struct lintel_node *node, int patch);
/* Merges a resolved patch, which is used up, into a resolved map. -1: out of memory. */
int lintel_tree_merge(struct lintel_tree *t, struct lintel_node *target, struct lintel_node *patch);
/* Members that a merge removed are still linked until this. */
void lintel_tree_sweep(struct lintel_node *root);
/* A node that no document has: a text (NULL: an empty list or map), appended to a map or a list. */
struct lintel_node *lintel_tree_add(struct lintel_tree *t, struct lintel_node *parent,
                                    enum lintel_node_kind kind, const char *key, const char *text);

/* The member of that name in a resolved tree or a document; fast in large maps too. */
struct lintel_node *lintel_tree_get(struct lintel_tree *t, const struct lintel_node *map,
                                    const char *key, size_t n);
/* Follows steps; NULL: not there, *ret_failed tells which, *ret_last where. */
struct lintel_node *lintel_tree_walk(struct lintel_tree *t, const struct lintel_node *from,
                                     const struct lintel_name *name, unsigned *ret_failed,
                                     const struct lintel_node **ret_last);
/* Reports a step that does not exist, with the nearest name. Returns -1. */
int lintel_tree_missing(struct lintel_tree *t, const struct lintel_name *name, unsigned failed,
                        const struct lintel_node *last, struct lintel_place at);

uint32_t lintel_tree_source(const struct lintel_node *n); /* of a resolved node: index in sources */
struct lintel_place lintel_tree_place(const struct lintel_tree *t, const struct lintel_node *n);
#endif
