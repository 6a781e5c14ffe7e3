/* SPDX-License-Identifier: Apache-2.0
 * Documents: the one reader of people's files. YAML and JSON become a tree in which every node
 * knows its line and column, so that also an error of meaning can say where it is. */
#ifndef LINTEL_BASE_DOC_H
#define LINTEL_BASE_DOC_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lintel/plugin.h"

/* Limits of one file; more is refused with a message that names the limit. */
enum {
    LINTEL_DOC_BYTES_MOST = 32 * 1024 * 1024,
    LINTEL_DOC_DEPTH_MOST = 64,
    LINTEL_DOC_NODES_MOST = 4 * 1000 * 1000,
    LINTEL_DOC_NAME_MOST = 1000 /* bytes of a member's name, as JSON; libyaml reads 1,024 back */
};

enum lintel_node_kind { LINTEL_NODE_SCALAR, LINTEL_NODE_LIST, LINTEL_NODE_MAP };

struct lintel_node {
    enum lintel_node_kind kind;
    uint32_t line, column;         /* from 1 */
    uint32_t key_line, key_column; /* of the member's name, in a map */
    uint32_t n;                    /* members of a list or a map */
    int quoted;                    /* scalar in quotes: text, whatever it looks like */
    struct lintel_str key;         /* the member's name, in a map; NUL behind it */
    struct lintel_str text;        /* scalar: the text as written (unescaped); NUL behind it */
    struct lintel_node *child;     /* the first member */
    struct lintel_node *next;      /* the next member of the same list or map */
};

struct lintel_doc {
    const char *file; /* as given; lives as long as the document */
    struct lintel_node *root;
    struct lintel_arena *arena; /* of all nodes and texts; more may be put into it */
};

/* Reads text[0..n): YAML 1.2 core schema without anchors, aliases, tags and merge keys; JSON is a
 * subset. `file` is for messages. NULL on failure, with the reason in the report. A duplicate name
 * in a map is an error. An empty file is an empty map. Does no I/O. Free with lintel_doc_free. */
struct lintel_doc *lintel_doc_parse(const char *file, const char *text, size_t n,
                                    struct lintel_report *report);
void lintel_doc_free(struct lintel_doc *d); /* NULL is fine */

struct lintel_place lintel_node_place(const struct lintel_doc *d, const struct lintel_node *n);
/* Of the member's name, for "unknown key". */
struct lintel_place lintel_key_place(const struct lintel_doc *d, const struct lintel_node *n);

/* The member of a map by name (RFC 6901 for lists: decimal index); NULL if there is none. */
struct lintel_node *lintel_node_get(const struct lintel_node *n, const char *key);

/* What a scalar is by the YAML 1.2 core schema; quoted ones are text. Each returns 0 if it is
 * another. */
int lintel_node_is_null(const struct lintel_node *n);
int lintel_node_bool(const struct lintel_node *n, int *ret); /* true false; also yes no on off */
int lintel_node_int(const struct lintel_node *n, int64_t *ret);
int lintel_node_real(const struct lintel_node *n, double *ret); /* ints too */

/* The tree as a value, in the arena: maps, lists, and scalars as null, bool, int, real or text;
 * with all_text every scalar is text. -1: out of memory. */
int lintel_node_value(const struct lintel_node *n, struct lintel_arena *a, int all_text,
                      lintel_value *ret);
/* Deep copy, places kept (they still tell of the source file). NULL: out of memory. */
struct lintel_node *lintel_node_copy(const struct lintel_node *n, struct lintel_arena *a);
/* The tree as JSON, members in their order. */
void lintel_node_json(const struct lintel_node *n, struct lintel_buf *out);
#endif
