/* SPDX-License-Identifier: Apache-2.0
 * libyaml tells events with their marks; this file builds the tree of them. */
#include "core/base/doc.h"

#include <string.h>
#include <yaml.h>

#include "core/base/map.h"
#include "core/base/num.h"

struct builder {
    struct lintel_doc *doc;
    struct lintel_report *report;
    yaml_parser_t parser;
    size_t nodes;
};

struct lintel_place
lintel_node_place(const struct lintel_doc *d, const struct lintel_node *n)
{
    return (struct lintel_place){d->file, n->line, n->column};
}

struct lintel_place
lintel_key_place(const struct lintel_doc *d, const struct lintel_node *n)
{
    return n->key_line ? (struct lintel_place){d->file, n->key_line, n->key_column}
                       : lintel_node_place(d, n);
}

static struct lintel_place
mark_place(const struct builder *b, yaml_mark_t mark)
{
    return (struct lintel_place){b->doc->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* What libyaml's scanner says in its own words, said in people's; NULL: its words will do. */
static const char *
plain_reason(const yaml_parser_t *p)
{
    int here = p->problem_mark.index == p->mark.index;
    char next = here ? (char)*p->buffer.pointer : 'x';
    if (p->eof && next == '\0')
        return "the file ends inside something that is not closed: a bracket, a brace or a quote";
    if (p->error == YAML_SCANNER_ERROR && next == '\t')
        return "a tab stands where only blanks can indent";
    if (p->error == YAML_SCANNER_ERROR && (next == '@' || next == '`'))
        return "a value that begins with @ or ` must stand in quotes";
    return NULL;
}

/* Next event, or 0 with the reason in the report. */
static int
next_event(struct builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return 1;
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR)
        lintel_error(b->report, mark_place(b, p->mark), "out of memory");
    else if (p->error == YAML_READER_ERROR)
        lintel_error(b->report, mark_place(b, p->mark), "not readable as text: %s (byte %zu)",
                     p->problem, p->problem_offset);
    else if (plain_reason(p) != NULL)
        lintel_error(b->report, mark_place(b, p->problem_mark), "%s", plain_reason(p));
    else if (p->context != NULL)
        lintel_error(b->report, mark_place(b, p->problem_mark), "%s, %s", p->problem, p->context);
    else
        lintel_error(b->report, mark_place(b, p->problem_mark), "%s", p->problem);
    return 0;
}

static int
out_of_memory(struct builder *b)
{
    return lintel_error(b->report, (struct lintel_place){b->doc->file, 0, 0}, "out of memory");
}

static struct lintel_node *build(struct builder *b, const yaml_event_t *event, unsigned depth);

/* Whether a name is longer than what reads back where it is written as JSON: escapes count. */
static int
is_too_long(struct lintel_str name)
{
    size_t n = name.n;
    for (size_t i = 0; i < name.n && n <= LINTEL_DOC_NAME_MOST; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c == '"' || c == '\\')
            n++;
        else if (c < 0x20 || c == 0x7f)
            n += 5; /* \u00XX */
        else if (c == 0xc2 || c == 0xe2 || c == 0xef)
            n += 4; /* the same for a few characters that begin so */
    }
    return n > LINTEL_DOC_NAME_MOST;
}

/* A name seen twice in one map; -1: out of memory. Small maps are searched, large ones hashed. */
static int
is_duplicate(const struct lintel_node *map, struct lintel_map *seen, const struct lintel_node *name)
{
    if (map->n < 16) {
        for (const struct lintel_node *c = map->child; c != NULL; c = c->next)
            if (c->key.n == name->text.n && memcmp(c->key.p, name->text.p, c->key.n) == 0)
                return 1;
        return 0;
    }
    if (seen->n == 0)
        for (struct lintel_node *c = map->child; c != NULL; c = c->next)
            if (lintel_map_put(seen, c->key.p, c->key.n, c) != 0)
                return -1;
    return lintel_map_get(seen, name->text.p, name->text.n) != NULL;
}

static int
build_members(struct builder *b, struct lintel_node *parent, yaml_event_type_t end, unsigned depth,
              struct lintel_map *seen)
{
    struct lintel_node **link = &parent->child;
    for (;;) {
        yaml_event_t event;
        struct lintel_node *name = NULL;
        if (!next_event(b, &event))
            return -1;
        if (event.type == end) {
            yaml_event_delete(&event);
            return 0;
        }
        if (parent->kind == LINTEL_NODE_MAP) {
            if (event.type != YAML_SCALAR_EVENT) {
                lintel_error(b->report, mark_place(b, event.start_mark),
                             "a name must be plain text, not a list or a map");
                yaml_event_delete(&event);
                return -1;
            }
            name = build(b, &event, depth);
            yaml_event_delete(&event);
            if (name == NULL)
                return -1;
            if (is_too_long(name->text))
                return lintel_error(b->report, lintel_node_place(b->doc, name),
                                    "a name must not be longer than %d bytes",
                                    LINTEL_DOC_NAME_MOST);
            int twice = is_duplicate(parent, seen, name);
            if (twice < 0)
                return out_of_memory(b);
            if (twice)
                return lintel_error(b->report, lintel_node_place(b->doc, name),
                                    "\"%s\" stands here twice; keep one", name->text.p);
            if (!next_event(b, &event))
                return -1;
        }
        struct lintel_node *node = build(b, &event, depth);
        yaml_event_delete(&event);
        if (node == NULL)
            return -1;
        if (name != NULL) {
            node->key = name->text;
            node->key_line = name->line;
            node->key_column = name->column;
            if (seen->n != 0 && lintel_map_put(seen, node->key.p, node->key.n, node) != 0)
                return out_of_memory(b);
        }
        *link = node;
        link = &node->next;
        parent->n++;
    }
}

static struct lintel_node *
build(struct builder *b, const yaml_event_t *event, unsigned depth)
{
    struct lintel_place at = mark_place(b, event->start_mark);
    if (depth > LINTEL_DOC_DEPTH_MOST) {
        lintel_error(b->report, at, "nested deeper than %d levels", LINTEL_DOC_DEPTH_MOST);
        return NULL;
    }
    if (++b->nodes > LINTEL_DOC_NODES_MOST) {
        lintel_error(b->report, at, "more than %d values in one file; split it",
                     LINTEL_DOC_NODES_MOST);
        return NULL;
    }
    struct lintel_node *node = lintel_arena_alloc(b->doc->arena, sizeof *node);
    if (node == NULL) {
        out_of_memory(b);
        return NULL;
    }
    node->line = at.line;
    node->column = at.column;
    yaml_event_type_t end;
    const yaml_char_t *anchor;
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        node->kind = LINTEL_NODE_SCALAR;
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        anchor = event->data.scalar.anchor;
        size_t n = event->data.scalar.length;
        char *text = lintel_arena_strndup(b->doc->arena, (const char *)event->data.scalar.value, n);
        if (text == NULL) {
            out_of_memory(b);
            return NULL;
        }
        node->text = (struct lintel_str){text, n};
        if (event->data.scalar.tag != NULL)
            goto no_tags;
        if (memchr(text, '\0', n) != NULL) {
            lintel_error(b->report, at, "a text must not contain the character U+0000");
            return NULL;
        }
        end = YAML_NO_EVENT;
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        node->kind = LINTEL_NODE_LIST;
        anchor = event->data.sequence_start.anchor;
        if (event->data.sequence_start.tag != NULL)
            goto no_tags;
        end = YAML_SEQUENCE_END_EVENT;
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = LINTEL_NODE_MAP;
        anchor = event->data.mapping_start.anchor;
        if (event->data.mapping_start.tag != NULL)
            goto no_tags;
        end = YAML_MAPPING_END_EVENT;
        break;
    default:
        lintel_error(b->report, at,
                     "anchors and aliases (& and *) are not read here; write it out");
        return NULL;
    }
    if (anchor != NULL) {
        lintel_error(b->report, at,
                     "anchors and aliases (& and *) are not read here; write it out");
        return NULL;
    }
    if (end != YAML_NO_EVENT) {
        struct lintel_map seen = {0};
        int failed = build_members(b, node, end, depth + 1, &seen);
        lintel_map_fini(&seen);
        if (failed)
            return NULL;
    }
    return node;
no_tags:
    lintel_error(b->report, at, "tags (!...) are not read here; leave it out");
    return NULL;
}

static int
hex4(const char *s, unsigned *ret)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = lintel_hex_digit(s[i]);
        if (digit < 0)
            return 0;
        value = value * 16 + (unsigned)digit;
    }
    *ret = value;
    return 1;
}

/* JSON writes characters beyond U+FFFF as two escapes (RFC 8259 section 7), which YAML doesn't
 * know: \uD83D\uDE00 becomes \U0001F600. Two characters shorter; columns behind it on the same line
 * are off by as much. Returns the new length. */
static size_t
join_surrogates(char *s, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        unsigned high, low;
        if (s[i] == '\\' && i + 1 < n && s[i + 1] == 'u' && i + 12 <= n && hex4(s + i + 2, &high) &&
            high >= 0xd800 && high < 0xdc00 && s[i + 6] == '\\' && s[i + 7] == 'u' &&
            hex4(s + i + 8, &low) && low >= 0xdc00 && low < 0xe000) {
            static const char digits[] = "0123456789ABCDEF";
            unsigned code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            s[out++] = '\\';
            s[out++] = 'U';
            for (int shift = 28; shift >= 0; shift -= 4)
                s[out++] = digits[(code >> shift) & 15];
            i += 12;
        } else if (s[i] == '\\' && i + 1 < n) {
            s[out++] = s[i++];
            s[out++] = s[i++];
        } else {
            s[out++] = s[i++];
        }
    }
    return out;
}

/* Reads one document into b->doc->root. */
static int
build_document(struct builder *b)
{
    yaml_event_t event;
    int started = 0;
    for (;;) {
        if (!next_event(b, &event))
            return -1;
        yaml_event_type_t type = event.type;
        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        if (type == YAML_DOCUMENT_START_EVENT && started++) {
            lintel_error(b->report, mark_place(b, event.start_mark),
                         "a second document (---) in one file; use two files");
            yaml_event_delete(&event);
            return -1;
        }
        if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
            type != YAML_DOCUMENT_END_EVENT) {
            b->doc->root = build(b, &event, 0);
            if (b->doc->root == NULL) {
                yaml_event_delete(&event);
                return -1;
            }
        }
        yaml_event_delete(&event);
    }
    struct lintel_node *root = b->doc->root;
    if (root != NULL && !(root->kind == LINTEL_NODE_SCALAR && !root->quoted && root->text.n == 0))
        return 0;
    root = lintel_arena_alloc(b->doc->arena, sizeof *root);
    if (root == NULL)
        return out_of_memory(b);
    *root = (struct lintel_node){.kind = LINTEL_NODE_MAP, .line = 1, .column = 1};
    b->doc->root = root;
    return 0;
}

struct lintel_doc *
lintel_doc_parse(const char *file, const char *text, size_t n, struct lintel_report *report)
{
    struct lintel_place whole = {file, 0, 0};
    if (n > LINTEL_DOC_BYTES_MOST) {
        lintel_error(report, whole, "larger than %d MiB; split it",
                     LINTEL_DOC_BYTES_MOST / 1024 / 1024);
        return NULL;
    }
    struct lintel_doc *doc = lintel_alloc(sizeof *doc);
    char *copy = lintel_strndup(text, n);
    if (doc == NULL || copy == NULL || (doc->arena = lintel_arena_new()) == NULL ||
        (doc->file = lintel_arena_strdup(doc->arena, file)) == NULL) {
        lintel_error(report, whole, "out of memory");
        lintel_free(copy);
        lintel_doc_free(doc);
        return NULL;
    }
    struct builder b = {.doc = doc, .report = report};
    int failed = -1;
    n = join_surrogates(copy, n);
    if (yaml_parser_initialize(&b.parser)) {
        yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&b.parser, (const unsigned char *)copy, n);
        failed = build_document(&b);
        yaml_parser_delete(&b.parser);
    } else {
        lintel_error(report, whole, "out of memory");
    }
    lintel_free(copy);
    if (failed) {
        lintel_doc_free(doc);
        return NULL;
    }
    return doc;
}

void
lintel_doc_free(struct lintel_doc *d)
{
    if (d == NULL)
        return;
    lintel_arena_free(d->arena);
    lintel_free(d);
}

struct lintel_node *
lintel_node_get(const struct lintel_node *n, const char *key)
{
    if (n == NULL)
        return NULL;
    size_t length = strlen(key);
    uint64_t index = 0;
    if (n->kind == LINTEL_NODE_LIST && !lintel_parse_uint(key, length, &index))
        return NULL;
    for (struct lintel_node *c = n->child; c != NULL; c = c->next) {
        if (n->kind == LINTEL_NODE_LIST ? index-- == 0
                                        : c->key.n == length && memcmp(c->key.p, key, length) == 0)
            return c;
    }
    return NULL;
}

static int
is_plain(const struct lintel_node *n)
{
    return n->kind == LINTEL_NODE_SCALAR && !n->quoted;
}

int
lintel_node_is_null(const struct lintel_node *n)
{
    return is_plain(n) &&
           (n->text.n == 0 || lintel_str_eq(n->text, "null") || lintel_str_eq(n->text, "~") ||
            lintel_str_eq(n->text, "Null") || lintel_str_eq(n->text, "NULL"));
}

int
lintel_node_bool(const struct lintel_node *n, int *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on",
                                        "False", "True", "No", "Yes", "Off", "On",
                                        "FALSE", "TRUE", "NO", "YES", "OFF", "ON"};
    if (!is_plain(n))
        return 0;
    for (size_t i = 0; i < LINTEL_COUNT(words); i++) {
        if (lintel_str_eq(n->text, words[i])) {
            *ret = (int)(i % 2);
            return 1;
        }
    }
    return 0;
}

int
lintel_node_int(const struct lintel_node *n, int64_t *ret)
{
    return is_plain(n) && lintel_parse_int(n->text.p, n->text.n, ret);
}

int
lintel_node_real(const struct lintel_node *n, double *ret)
{
    return is_plain(n) && lintel_parse_real(n->text.p, n->text.n, ret);
}

/* true and false only: "on" as a value in data is a word, as YAML 1.2 has it. */
static int
is_core_bool(const struct lintel_node *n, int *ret)
{
    return lintel_node_bool(n, ret) && (n->text.p[0] == 't' || n->text.p[0] == 'T' ||
                                        n->text.p[0] == 'f' || n->text.p[0] == 'F');
}

static void
scalar_value(const struct lintel_node *n, lintel_value *ret)
{
    int64_t i;
    uint64_t u;
    double r;
    int b;
    if (lintel_node_is_null(n))
        *ret = (lintel_value){.type = LINTEL_T_NULL};
    else if (is_core_bool(n, &b))
        *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = b};
    else if (lintel_node_int(n, &i))
        *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = i};
    else if (is_plain(n) && lintel_parse_uint(n->text.p, n->text.n, &u))
        *ret = (lintel_value){.type = LINTEL_T_UINT, .as.u = u};
    else if (lintel_node_real(n, &r))
        *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = r};
}

int
lintel_node_value(const struct lintel_node *n, struct lintel_arena *a, int all_text,
                  lintel_value *ret)
{
    if (n->kind == LINTEL_NODE_SCALAR) {
        char *text = lintel_arena_strndup(a, n->text.p, n->text.n);
        if (text == NULL)
            return -1;
        *ret = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)n->text.n, .as.s = text};
        if (!all_text)
            scalar_value(n, ret);
        return 0;
    }
    if (n->kind == LINTEL_NODE_LIST) {
        lintel_value *list = lintel_arena_alloc(a, n->n * sizeof *list);
        if (list == NULL)
            return -1;
        *ret = (lintel_value){.type = LINTEL_T_LIST, .len = n->n, .as.list = list};
        for (const struct lintel_node *c = n->child; c != NULL; c = c->next)
            if (lintel_node_value(c, a, all_text, list++) != 0)
                return -1;
        return 0;
    }
    lintel_member *map = lintel_arena_alloc(a, n->n * sizeof *map);
    if (map == NULL)
        return -1;
    *ret = (lintel_value){.type = LINTEL_T_MAP, .len = n->n, .as.map = map};
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next, map++)
        if ((map->name = lintel_arena_strndup(a, c->key.p, c->key.n)) == NULL ||
            lintel_node_value(c, a, all_text, &map->value) != 0)
            return -1;
    return 0;
}

struct lintel_node *
lintel_node_copy(const struct lintel_node *n, struct lintel_arena *a)
{
    struct lintel_node *copy = lintel_arena_alloc(a, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *n;
    copy->next = NULL;
    copy->child = NULL;
    if ((n->key.p != NULL && (copy->key.p = lintel_arena_strndup(a, n->key.p, n->key.n)) == NULL) ||
        (n->text.p != NULL &&
         (copy->text.p = lintel_arena_strndup(a, n->text.p, n->text.n)) == NULL))
        return NULL;
    struct lintel_node **link = &copy->child;
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next) {
        if ((*link = lintel_node_copy(c, a)) == NULL)
            return NULL;
        link = &(*link)->next;
    }
    return copy;
}

void
lintel_node_json(const struct lintel_node *n, struct lintel_buf *out)
{
    if (n->kind == LINTEL_NODE_SCALAR) {
        lintel_value value = {.type = LINTEL_T_STR};
        double real;
        scalar_value(n, &value);
        if (n->quoted || value.type == LINTEL_T_STR)
            lintel_buf_add_json_str(out, n->text.p, n->text.n);
        else if (value.type == LINTEL_T_NULL)
            lintel_buf_adds(out, "null");
        else if (value.type == LINTEL_T_BOOL)
            lintel_buf_adds(out, value.as.i ? "true" : "false");
        else if (value.type == LINTEL_T_INT)
            lintel_buf_addf(out, "%lld", (long long)value.as.i);
        else if (lintel_parse_real(n->text.p, n->text.n, &real))
            lintel_buf_add(out, n->text.p, n->text.n); /* the digits as written */
        else
            lintel_buf_addf(out, "%llu", (unsigned long long)value.as.u);
        return;
    }
    int map = n->kind == LINTEL_NODE_MAP;
    lintel_buf_addc(out, map ? '{' : '[');
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next) {
        if (c != n->child)
            lintel_buf_addc(out, ',');
        if (map) {
            lintel_buf_add_json_str(out, c->key.p, c->key.n);
            lintel_buf_addc(out, ':');
        }
        lintel_node_json(c, out);
    }
    lintel_buf_addc(out, map ? '}' : ']');
}
