/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/tree.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"

struct placed { /* every node of a resolved tree is one */
    struct lintel_node node;
    uint32_t source;
};

struct lintel_open { /* a reference being followed */
    const struct lintel_open *outer;
    const struct lintel_node *target;
};

static const char gone[] = ""; /* a removed node's text points here */

static int
is_gone(const struct lintel_node *n)
{
    return n->text.p == gone;
}

/* ---- sources ---- */

struct lintel_source *
lintel_source_ref(struct lintel_source *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void
lintel_source_unref(struct lintel_source *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    lintel_doc_free(s->doc);
    lintel_free(s->id);
    lintel_free(s->uri);
    lintel_free(s);
}

const char *
lintel_source_prefix(const struct lintel_source *s, const char *prefix, size_t n)
{
    const struct lintel_node *map = lintel_node_get(s->doc->root, "namespace");
    for (const struct lintel_node *c = map ? map->child : NULL; c != NULL; c = c->next)
        if (c->key.n == n && memcmp(c->key.p, prefix, n) == 0)
            return c->text.p;
    return NULL;
}

/* ---- names ---- */

/* Per cent signs first, then ~1 and ~0 (RFC 6901 sections 6 and 4), in place, step by step. */
static int
split_pointer(char *text, struct lintel_name *ret)
{
    size_t out = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        char c = text[i];
        if (c == '/') {
            if (ret->n == LINTEL_NAME_STEPS)
                return 0;
            text[out++] = '\0';
            ret->steps[ret->n++] = text + out;
            continue;
        }
        int escaped = 0;
        if (c == '%') {
            int high = lintel_hex_digit(text[i + 1]);
            int low = high < 0 ? -1 : lintel_hex_digit(text[i + 2]);
            if (low < 0 || (high | low) == 0)
                return 0;
            c = (char)(high * 16 + low);
            i += 2;
            escaped = c == '/'; /* %2F is no separator of steps, but the character itself */
        }
        if (c == '~' && !escaped) {
            if (text[i + 1] != '0' && text[i + 1] != '1')
                return 0;
            c = text[++i] == '0' ? '~' : '/';
        }
        text[out++] = c;
    }
    text[out] = '\0';
    return 1;
}

int
lintel_name_read(const char *text, const struct lintel_source *s, struct lintel_arena *arena,
                 struct lintel_place at, struct lintel_report *report, struct lintel_name *ret)
{
    *ret = (struct lintel_name){0};
    const char *colon = strchr(text, ':'), *rest = text;
    struct lintel_buf whole = {0};
    if (text[0] != '#' && colon != NULL && s != NULL) {
        const char *uri = lintel_source_prefix(s, text, (size_t)(colon - text));
        if (uri == NULL)
            return lintel_error(report, at, "\"%.*s\" is no prefix of this file's namespace map",
                                (int)(colon - text), text);
        lintel_buf_adds(&whole, uri);
        rest = colon + 1;
        /* Older documents write "prefix:/sdfObject/X". */
        if (strchr(uri, '#') == NULL && rest[0] == '/')
            lintel_buf_addc(&whole, '#');
    }
    lintel_buf_adds(&whole, rest);
    char *copy = whole.failed ? NULL : lintel_arena_strdup(arena, lintel_buf_str(&whole));
    lintel_buf_fini(&whole);
    if (copy == NULL)
        return lintel_error(report, at, "out of memory");
    char *hash = strchr(copy, '#');
    if (hash != NULL)
        *hash = '\0';
    ret->uri = copy[0] != '\0' ? copy : NULL;
    if (hash == NULL || hash[1] == '\0')
        return 0;
    if (hash[1] != '/' || !split_pointer(hash + 1, ret))
        return lintel_error(report, at,
                            "\"%s\" is no name like \"#/sdfObject/Lamp\" (RFC 6901 writes ~ "
                            "as ~0 and / as ~1)",
                            text);
    return 0;
}

/* ---- nodes ---- */

uint32_t
lintel_tree_source(const struct lintel_node *n)
{
    return ((const struct placed *)(const void *)n)->source;
}

struct lintel_place
lintel_tree_place(const struct lintel_tree *t, const struct lintel_node *n)
{
    return lintel_node_place(t->sources[lintel_tree_source(n)]->doc, n);
}

void
lintel_tree_fini(struct lintel_tree *t)
{
    lintel_map_fini(&t->index);
    lintel_map_fini(&t->done);
}

static int
source_index(struct lintel_tree *t, struct lintel_source *s, uint32_t *ret)
{
    for (uint32_t i = 0; i < t->nsources; i++) {
        if (t->sources[i] == s) {
            *ret = i;
            return 0;
        }
    }
    if (t->nsources == LINTEL_TREE_SOURCES_MOST)
        return lintel_error(t->report, (struct lintel_place){s->doc->file, 0, 0},
                            "more than %d documents refer to one another",
                            LINTEL_TREE_SOURCES_MOST);
    struct lintel_source **more = lintel_grow(t->sources, t->nsources + 1, sizeof *more);
    if (more == NULL)
        return lintel_error(t->report, (struct lintel_place){s->doc->file, 0, 0}, "out of memory");
    t->sources = more;
    t->sources[t->nsources] = lintel_source_ref(s);
    *ret = t->nsources++;
    return 0;
}

static struct lintel_node *
new_node(struct lintel_tree *t, const struct lintel_node *like, uint32_t source)
{
    struct lintel_place at = {t->sources[source]->doc->file, like->line, like->column};
    if (++t->nodes > LINTEL_TREE_NODES_MOST) {
        lintel_error(t->report, at, "the references of this document expand to more than %d values",
                     LINTEL_TREE_NODES_MOST);
        return NULL;
    }
    struct placed *p = lintel_arena_alloc(t->arena, sizeof *p);
    if (p == NULL) {
        lintel_error(t->report, at, "out of memory");
        return NULL;
    }
    p->node = *like;
    p->node.n = 0;
    p->node.child = p->node.next = NULL;
    p->source = source;
    return &p->node;
}

/* ---- members of large maps ---- */

enum { SMALL = 16, KEY_MOST = 4096 };

struct large { /* a map whose members are indexed */
    struct lintel_node *tail;
};

/* The key of a member in the index: its map's address, and its name. */
static size_t
index_key(char out[KEY_MOST], const struct lintel_node *map, const char *key, size_t n)
{
    memcpy(out, &map, sizeof map);
    if (n != 0)
        memcpy(out + sizeof map, key, n);
    return sizeof map + n;
}

/* The index of a map; made at the first question. NULL: out of memory, or not worth it. */
static struct large *
index_of(struct lintel_tree *t, const struct lintel_node *map)
{
    char key[KEY_MOST];
    if (map->kind != LINTEL_NODE_MAP || map->n < SMALL)
        return NULL;
    size_t n = index_key(key, map, "", 0);
    struct large *l = lintel_map_get(&t->index, key, n);
    if (l != NULL)
        return l;
    l = lintel_arena_alloc(t->arena, sizeof *l);
    if (l == NULL)
        return NULL;
    for (struct lintel_node *c = map->child; c != NULL; c = c->next) {
        l->tail = c;
        if (is_gone(c) || c->key.n > KEY_MOST - sizeof map)
            continue;
        n = index_key(key, map, c->key.p, c->key.n);
        if (c->key.n != 0 && lintel_map_put(&t->index, key, n, c) != 0)
            return NULL;
    }
    n = index_key(key, map, "", 0);
    return lintel_map_put(&t->index, key, n, l) == 0 ? l : NULL;
}

struct lintel_node *
lintel_tree_get(struct lintel_tree *t, const struct lintel_node *map, const char *key, size_t n)
{
    if (map->kind != LINTEL_NODE_MAP)
        return NULL;
    if (n != 0 && n <= KEY_MOST - sizeof map && index_of(t, map) != NULL) {
        char whole[KEY_MOST];
        size_t length = index_key(whole, map, key, n);
        return lintel_map_get(&t->index, whole, length);
    }
    for (struct lintel_node *c = map->child; c != NULL; c = c->next)
        if (!is_gone(c) && c->key.n == n && memcmp(c->key.p, key, n) == 0)
            return c;
    return NULL;
}

static int
append(struct lintel_tree *t, struct lintel_node *map, struct lintel_node *member)
{
    struct large *l = index_of(t, map);
    struct lintel_node *tail = l ? l->tail : map->child;
    while (l == NULL && tail != NULL && tail->next != NULL)
        tail = tail->next;
    member->next = NULL;
    *(tail != NULL ? &tail->next : &map->child) = member;
    map->n++;
    if (l == NULL)
        return 0;
    l->tail = member;
    if (member->key.n == 0 || member->key.n > KEY_MOST - sizeof map)
        return 0;
    char key[KEY_MOST];
    size_t n = index_key(key, map, member->key.p, member->key.n);
    return lintel_map_put(&t->index, key, n, member);
}

/* Stays linked until the sweep: unlinking would search for its neighbour. */
static void
take(struct lintel_tree *t, struct lintel_node *map, struct lintel_node *member)
{
    if (member->key.n != 0 && member->key.n <= KEY_MOST - sizeof map) {
        char key[KEY_MOST];
        size_t n = index_key(key, map, member->key.p, member->key.n);
        (void)lintel_map_take(&t->index, key, n);
    }
    member->kind = LINTEL_NODE_SCALAR;
    member->child = NULL;
    member->text = (struct lintel_str){gone, 0};
}

void
lintel_tree_sweep(struct lintel_node *root)
{
    struct lintel_node **link = &root->child;
    root->n = 0;
    for (struct lintel_node *c = root->child; c != NULL; c = c->next) {
        if (is_gone(c))
            continue;
        *link = c;
        link = &c->next;
        root->n++;
        if (c->kind != LINTEL_NODE_SCALAR)
            lintel_tree_sweep(c);
    }
    *link = NULL;
}

struct lintel_node *
lintel_tree_add(struct lintel_tree *t, struct lintel_node *parent, enum lintel_node_kind kind,
                const char *key, const char *text)
{
    struct lintel_node like = {.kind = kind, .line = parent->line, .column = parent->column};
    like.quoted = kind == LINTEL_NODE_SCALAR;
    const char *key_copy = key ? lintel_arena_strdup(t->arena, key) : NULL;
    const char *text_copy = text ? lintel_arena_strdup(t->arena, text) : NULL;
    if (key_copy != NULL)
        like.key = lintel_str(key_copy);
    if (text_copy != NULL)
        like.text = lintel_str(text_copy);
    struct lintel_node *n = NULL;
    if ((key == NULL) == (key_copy == NULL) && (text == NULL) == (text_copy == NULL))
        n = new_node(t, &like, lintel_tree_source(parent));
    return n != NULL && append(t, parent, n) == 0 ? n : NULL;
}

/* ---- merge patch ---- */

/* What RFC 7396 makes of a patch where nothing stood: the nulls in its maps go. */
static void
strip_nulls(struct lintel_node *map)
{
    for (struct lintel_node *c = map->child; c != NULL; c = c->next) {
        if (c->kind == LINTEL_NODE_MAP)
            strip_nulls(c);
        else if (!is_gone(c) && lintel_node_is_null(c))
            c->text = (struct lintel_str){gone, 0};
    }
}

/* keep: the target is a patch itself, its nulls must go on removing. */
static int
merge(struct lintel_tree *t, struct lintel_node *target, struct lintel_node *patch, int keep)
{
    struct lintel_node *next;
    for (struct lintel_node *p = patch->child; p != NULL; p = next) {
        next = p->next;
        if (is_gone(p))
            continue;
        struct lintel_node *old = lintel_tree_get(t, target, p->key.p, p->key.n);
        if (!keep && lintel_node_is_null(p)) {
            if (old != NULL)
                take(t, target, old);
            continue;
        }
        if (old != NULL && old->kind == LINTEL_NODE_MAP && p->kind == LINTEL_NODE_MAP) {
            if (merge(t, old, p, keep) != 0)
                return -1;
            continue;
        }
        if (!keep && p->kind == LINTEL_NODE_MAP)
            strip_nulls(p);
        if (old != NULL && old->kind == LINTEL_NODE_SCALAR && p->kind == LINTEL_NODE_SCALAR) {
            struct lintel_node *behind = old->next;
            *(struct placed *)(void *)old = *(struct placed *)(void *)p;
            old->next = behind;
            continue;
        }
        if (old != NULL)
            take(t, target, old);
        if (append(t, target, p) != 0)
            return lintel_error(t->report, lintel_tree_place(t, p), "out of memory");
    }
    return 0;
}

int
lintel_tree_merge(struct lintel_tree *t, struct lintel_node *target, struct lintel_node *patch)
{
    return merge(t, target, patch, 0);
}

/* ---- references ---- */

/* Where nodes are read from: a document, or (source NULL) the tree that is being amended. */
struct origin {
    struct lintel_source *source;
    uint32_t index; /* of the source */
};

static struct lintel_node *resolve(struct lintel_tree *t, struct origin from,
                                   const struct lintel_node *node, int patch, unsigned depth);

struct lintel_node *
lintel_tree_walk(struct lintel_tree *t, const struct lintel_node *from,
                 const struct lintel_name *name, unsigned *ret_failed,
                 const struct lintel_node **ret_last)
{
    struct lintel_node *at = NULL;
    *ret_last = from;
    for (unsigned i = 0; i < name->n; i++) {
        at = lintel_tree_get(t, *ret_last, name->steps[i], strlen(name->steps[i]));
        if (at == NULL) {
            *ret_failed = i;
            return NULL;
        }
        *ret_last = at;
    }
    return at;
}

int
lintel_tree_missing(struct lintel_tree *t, const struct lintel_name *name, unsigned failed,
                    const struct lintel_node *last, struct lintel_place at)
{
    struct lintel_buf where = {0};
    const char *near = NULL;
    unsigned distance = (unsigned)(strlen(name->steps[failed]) + 2) / 3 + 1;
    for (const struct lintel_node *c = last->kind == LINTEL_NODE_MAP ? last->child : NULL;
         c != NULL; c = c->next) {
        unsigned d =
            is_gone(c) ? distance : lintel_distance(name->steps[failed], c->key.p, distance);
        if (d < distance) {
            distance = d;
            near = c->key.p;
        }
    }
    for (unsigned i = 0; i < failed; i++)
        lintel_buf_addf(&where, "/%s", name->steps[i]);
    lintel_error(t->report, at, "there is no \"%s\" in \"#%s\"%s%s%s", name->steps[failed],
                 lintel_buf_str(&where), near ? " (did you mean \"" : "", near ? near : "",
                 near ? "\"?)" : "");
    lintel_buf_fini(&where);
    return -1;
}

/* The text of a map's sdfRef, or NULL. Where sdfRef is a given name, its value is a map. */
static const struct lintel_node *
ref_of(const struct lintel_node *map)
{
    for (const struct lintel_node *c = map->kind == LINTEL_NODE_MAP ? map->child : NULL; c != NULL;
         c = c->next)
        if (c->key.n == 6 && memcmp(c->key.p, "sdfRef", 6) == 0)
            return c->kind == LINTEL_NODE_SCALAR && !is_gone(c) && !lintel_node_is_null(c) ? c
                                                                                           : NULL;
    return NULL;
}

/* A map that has a reference itself, with the reference followed; made once. */
static const struct lintel_node *
resolved_once(struct lintel_tree *t, struct origin from, const struct lintel_node *map,
              unsigned depth)
{
    const void *key = map;
    struct lintel_node *made = lintel_map_get(&t->done, (const char *)&key, sizeof key);
    if (made != NULL)
        return made;
    struct lintel_open frame = {t->open, map};
    t->open = &frame;
    made = resolve(t, from, map, 0, depth + 1);
    t->open = frame.outer;
    if (made != NULL && lintel_map_put(&t->done, (const char *)&key, sizeof key, made) != 0)
        return NULL;
    return made;
}

static int
is_open(const struct lintel_tree *t, const struct lintel_node *target)
{
    for (const struct lintel_open *o = t->open; o != NULL; o = o->outer)
        if (o->target == target)
            return 1;
    return 0;
}

/* The node that a reference names, and where it stands. NULL with the reason. */
static const struct lintel_node *
find_target(struct lintel_tree *t, struct origin *from, const struct lintel_node *ref,
            unsigned depth)
{
    struct lintel_place at = lintel_node_place(from->source->doc, ref);
    struct lintel_name name;
    if (lintel_name_read(ref->text.p, from->source, t->arena, at, t->report, &name) != 0)
        return NULL;
    if (name.n == 0) {
        lintel_error(t->report, at, "\"sdfRef\" must name a definition, not a whole document");
        return NULL;
    }
    const struct lintel_node *root = from->source->doc->root;
    if (name.uri != NULL &&
        (from->source->uri == NULL || strcmp(name.uri, from->source->uri) != 0 ||
         from->source->supplement)) {
        struct lintel_source *s = t->find(t->find_ctx, &name, at, t->report);
        if (s == NULL || source_index(t, s, &from->index) != 0)
            return NULL;
        from->source = s;
        root = s->doc->root;
    } else if (from->source->supplement) {
        from->source = NULL;
        root = t->root;
    }
    unsigned failed = 0;
    const struct lintel_node *last = root, *target = NULL;
    while ((target = lintel_tree_walk(t, root, &name, &failed, &last)) == NULL) {
        /* Perhaps it comes with a reference that stands on the way. */
        const struct lintel_node *on_the_way = root;
        struct lintel_name rest = name;
        unsigned i = 0;
        while (i < failed && (i == 0 || ref_of(on_the_way) == NULL))
            on_the_way = lintel_tree_get(t, on_the_way, name.steps[i], strlen(name.steps[i])), i++;
        if (from->source == NULL || i == 0 || ref_of(on_the_way) == NULL ||
            is_open(t, on_the_way) || depth >= LINTEL_DOC_DEPTH_MOST)
            break;
        root = resolved_once(t, *from, on_the_way, depth);
        if (root == NULL)
            return NULL;
        from->source = NULL;
        rest.n = name.n - i;
        memmove(rest.steps, name.steps + i, rest.n * sizeof *rest.steps);
        name = rest;
    }
    if (target == NULL)
        lintel_tree_missing(t, &name, failed, last, at);
    return target;
}

/* node without its sdfRef, as a patch onto what the reference names. */
static struct lintel_node *
resolve_ref(struct lintel_tree *t, struct origin from, const struct lintel_node *node,
            const struct lintel_node *ref, int patch, unsigned depth)
{
    struct lintel_place at = lintel_node_place(from.source->doc, ref);
    struct lintel_node *overrides = new_node(t, node, from.index);
    if (overrides == NULL)
        return NULL;
    struct lintel_node **link = &overrides->child;
    for (const struct lintel_node *c = node->child; c != NULL; c = c->next) {
        if (c == ref)
            continue;
        if ((*link = resolve(t, from, c, 1, depth + 1)) == NULL)
            return NULL;
        link = &(*link)->next;
        overrides->n++;
    }
    struct origin there = from;
    const struct lintel_node *target = find_target(t, &there, ref, depth);
    if (target == NULL)
        return NULL;
    if (is_open(t, target)) {
        lintel_error(t->report, at, "the reference \"%s\" leads back to itself", ref->text.p);
        return NULL;
    }
    if (target->kind != LINTEL_NODE_MAP) {
        lintel_error(t->report, at, "\"%s\" is no definition", ref->text.p);
        return NULL;
    }
    struct lintel_open frame = {t->open, target};
    t->open = &frame;
    struct lintel_node *made = resolve(t, there, target, 0, depth + 1);
    t->open = frame.outer;
    if (made == NULL || merge(t, made, overrides, patch) != 0)
        return NULL;
    /* It stands where the reference stands, under its name. */
    struct placed *p = (struct placed *)(void *)made;
    p->source = from.index;
    made->key = node->key;
    made->key_line = node->key_line;
    made->key_column = node->key_column;
    made->line = node->line;
    made->column = node->column;
    return made;
}

static struct lintel_node *
resolve(struct lintel_tree *t, struct origin from, const struct lintel_node *node, int patch,
        unsigned depth)
{
    uint32_t source = from.source != NULL ? from.index : lintel_tree_source(node);
    if (depth > LINTEL_DOC_DEPTH_MOST) {
        lintel_error(t->report, lintel_node_place(t->sources[source]->doc, node),
                     "references and maps inside one another go deeper than %d levels",
                     LINTEL_DOC_DEPTH_MOST);
        return NULL;
    }
    const struct lintel_node *ref = from.source != NULL ? ref_of(node) : NULL;
    if (ref != NULL)
        return resolve_ref(t, from, node, ref, patch, depth);
    struct lintel_node *copy = new_node(t, node, source);
    if (copy == NULL)
        return NULL;
    struct lintel_node **link = &copy->child;
    for (const struct lintel_node *c = node->child; c != NULL; c = c->next) {
        if (is_gone(c))
            continue;
        if ((*link = resolve(t, from, c, patch, depth + 1)) == NULL)
            return NULL;
        link = &(*link)->next;
        copy->n++;
    }
    return copy;
}

struct lintel_node *
lintel_tree_resolve(struct lintel_tree *t, struct lintel_source *from,
                    const struct lintel_node *node, int patch)
{
    struct origin o = {from, 0};
    if (source_index(t, from, &o.index) != 0)
        return NULL;
    return resolve(t, o, node, patch, 0);
}
