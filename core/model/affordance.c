/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/affordance.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/model/data_read.h"
#include "core/model/quality.h"
#include "lintel/plugin.h"

enum { SEGMENT_MOST = 255 }; /* bytes of one Uri-Path option, RFC 7252 section 5.10 */

struct walker {
    const struct lintel_affordance_source *s;
    struct lintel_tree *tree;
    struct lintel_data_builder data;
    struct lintel_affordance *list; /* on the heap while it grows */
    uint32_t n, room;
    struct lintel_map required;             /* pointers that sdfRequired names */
    struct lintel_buf pointer, path, senml; /* of the group being walked */
    const char *uri;
    int failed;
};

struct mark { /* lengths of the three buffers */
    size_t pointer, path, senml;
};

static struct mark
mark(const struct walker *w)
{
    return (struct mark){w->pointer.n, w->path.n, w->senml.n};
}

static void
back_to(struct walker *w, struct mark m)
{
    w->pointer.n = m.pointer;
    w->path.n = m.path;
    w->senml.n = m.senml;
}

static void
complain(struct walker *w, const struct lintel_node *n, const char *text)
{
    w->failed = lintel_error(w->tree->report, lintel_tree_place(w->tree, n), "%s", text);
}

/* RFC 6901 section 3. */
static void
add_pointer_step(struct lintel_buf *b, const char *s, size_t n)
{
    lintel_buf_addc(b, '/');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '~' || s[i] == '/')
            lintel_buf_adds(b, s[i] == '~' ? "~0" : "~1");
        else
            lintel_buf_addc(b, s[i]);
    }
}

/* What stands for itself in a path and in a SenML name (RFC 8428 section 4.5.1). */
static int
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static void
add_escaped(struct lintel_buf *b, const char *s, size_t n)
{
    size_t dots = strspn(s, ".");
    for (size_t i = 0; i < n; i++) {
        /* "_x" begins an escape; "." and ".." mean something else in a path. */
        int escape = !is_plain(s[i]) || (s[i] == '_' && i + 1 < n && s[i + 1] == 'x') ||
                     (i == 0 && dots == n);
        if (escape)
            lintel_buf_addf(b, "_x%02X", (unsigned)(unsigned char)s[i]);
        else
            lintel_buf_addc(b, s[i]);
    }
}

static int
is_reserved(const char *name)
{
    static const char *const words[] = {"p", "a", "e", "s", "td", "snapshot", ".well-known"};
    for (size_t i = 0; i < LINTEL_COUNT(words); i++)
        if (strcmp(name, words[i]) == 0)
            return 1;
    return name[strspn(name, "0123456789")] == '\0';
}

/* The pointer as a URI's fragment, behind the namespace (RFC 9880 section 4.2, RFC 3986
 * section 3.5). */
static const char *
global_name(struct walker *w, const char *pointer)
{
    struct lintel_buf b = {0};
    lintel_buf_adds(&b, w->uri != NULL ? w->uri : "");
    lintel_buf_addc(&b, '#');
    for (const char *s = pointer; *s != '\0'; s++) {
        if (is_plain(*s) || strchr("~!$&'()*+,;=:@/?", *s) != NULL)
            lintel_buf_addc(&b, *s);
        else
            lintel_buf_addf(&b, "%%%02X", (unsigned)(unsigned char)*s);
    }
    const char *name = b.failed ? NULL : lintel_arena_strdup(w->tree->arena, lintel_buf_str(&b));
    if (name == NULL)
        w->failed = lintel_error(w->tree->report, (struct lintel_place){0}, "out of memory");
    lintel_buf_fini(&b);
    return name;
}

static const char *
text_of(const struct lintel_node *map, const char *key)
{
    const struct lintel_node *n = lintel_node_get(map, key);
    return n != NULL && n->kind == LINTEL_NODE_SCALAR ? n->text.p : NULL;
}

static int
flag_of(const struct lintel_node *map, const char *key)
{
    const struct lintel_node *n = lintel_node_get(map, key);
    int flag = 1; /* RFC 9880 section 5.2: all default to true */
    if (n != NULL)
        (void)lintel_node_bool(n, &flag);
    return flag;
}

/* ---- sdfRequired ---- */

static void
require(struct walker *w, const char *pointer, size_t n)
{
    if (lintel_map_put(&w->required, pointer, n, w) != 0)
        w->failed = lintel_error(w->tree->report, (struct lintel_place){0}, "out of memory");
}

/* A member of the group, below one of its classes; all such are required. */
static int
require_name(struct walker *w, const struct lintel_node *group, const char *class, const char *name)
{
    static const char *const classes[] = {"sdfProperty", "sdfAction", "sdfEvent", "sdfObject",
                                          "sdfThing"};
    int found = 0;
    for (size_t i = 0; i < LINTEL_COUNT(classes); i++) {
        if (class != NULL && strcmp(class, classes[i]) != 0)
            continue;
        const struct lintel_node *members =
            lintel_tree_get(w->tree, group, classes[i], strlen(classes[i]));
        if (members == NULL || lintel_tree_get(w->tree, members, name, strlen(name)) == NULL)
            continue;
        struct mark m = mark(w);
        add_pointer_step(&w->pointer, classes[i], strlen(classes[i]));
        add_pointer_step(&w->pointer, name, strlen(name));
        require(w, lintel_buf_str(&w->pointer), w->pointer.n);
        back_to(w, m);
        found = 1;
    }
    return found;
}

static void
require_pointer(struct walker *w, const struct lintel_node *group, const struct lintel_node *entry)
{
    struct lintel_place at = lintel_tree_place(w->tree, entry);
    struct lintel_source *s = w->tree->sources[lintel_tree_source(entry)];
    struct lintel_name name;
    const struct lintel_node *last;
    unsigned failed = 0;
    if (lintel_name_read(entry->text.p, s, w->tree->arena, at, w->tree->report, &name) != 0) {
        w->failed = -1;
        return;
    }
    /* A group copied by sdfRef brings its list along, which means the copy's members too. */
    int found =
        name.n >= 2 && require_name(w, group, name.steps[name.n - 2], name.steps[name.n - 1]);
    if (name.n != 0 && lintel_tree_walk(w->tree, w->tree->root, &name, &failed, &last) != NULL) {
        struct lintel_buf pointer = {0};
        for (unsigned i = 0; i < name.n; i++)
            add_pointer_step(&pointer, name.steps[i], strlen(name.steps[i]));
        if (pointer.failed)
            w->failed = lintel_error(w->tree->report, at, "out of memory");
        else
            require(w, lintel_buf_str(&pointer), pointer.n);
        lintel_buf_fini(&pointer);
    } else if (!found && name.n != 0 && s == w->tree->sources[0]) {
        w->failed = lintel_tree_missing(w->tree, &name, failed, last, at);
    }
}

/* self: pointer of what carries the list. */
static void
read_required(struct walker *w, const struct lintel_node *carrier, const struct lintel_node *group,
              const char *self)
{
    const struct lintel_node *list = lintel_node_get(carrier, "sdfRequired");
    for (const struct lintel_node *r = list ? list->child : NULL; r != NULL; r = r->next) {
        int flag;
        if (!r->quoted && lintel_node_bool(r, &flag))
            require(w, self, strlen(self));
        else if (strpbrk(r->text.p, ":#") != NULL)
            require_pointer(w, group, r);
        else if (!require_name(w, group, NULL, r->text.p))
            w->failed =
                lintel_error(w->tree->report, lintel_tree_place(w->tree, r),
                             "\"sdfRequired\" names \"%s\", which is not in this group", r->text.p);
    }
}

/* ---- affordances ---- */

static int
is_of_supplement(const struct lintel_tree *t, const struct lintel_node *n, uint32_t *ret)
{
    uint32_t source = lintel_tree_source(n);
    if (t->sources[source]->supplement) {
        *ret = source;
        return 1;
    }
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next)
        if (is_of_supplement(t, c, ret))
            return 1;
    return 0;
}

static void
read_map(struct walker *w, const struct lintel_node *n, struct lintel_affordance *a)
{
    a->protocol_map = lintel_node_get(n, "sdfProtocolMap");
    if (a->protocol_map == NULL)
        return;
    uint32_t source = lintel_tree_source(a->protocol_map);
    (void)is_of_supplement(w->tree, a->protocol_map, &source);
    a->map_doc = w->tree->sources[source]->doc;
}

static const struct lintel_data *
read_data(struct walker *w, const struct lintel_node *n)
{
    if (n == NULL)
        return NULL;
    const struct lintel_data *d = lintel_data_build(&w->data, n);
    if (d == NULL)
        w->failed = -1;
    return d;
}

static struct lintel_affordance *
new_affordance(struct walker *w)
{
    if (w->n == w->room) {
        uint32_t room = w->room ? w->room * 2 : 16;
        struct lintel_affordance *more = lintel_grow(w->list, room, sizeof *more);
        if (more == NULL)
            return NULL;
        w->list = more;
        w->room = room;
    }
    w->list[w->n] = (struct lintel_affordance){0};
    return &w->list[w->n++];
}

static const struct kind {
    const char *class, *step;
    uint32_t kind;
} kinds[] = {
    {"sdfProperty", "/p/", LINTEL_K_PROPERTY},
    {"sdfAction", "/a/", LINTEL_K_ACTION},
    {"sdfEvent", "/e/", LINTEL_K_EVENT},
};

static void
read_affordance(struct walker *w, const struct kind *kind, const struct lintel_node *n,
                const struct lintel_node *group)
{
    struct lintel_arena *arena = w->tree->arena;
    struct mark m = mark(w);
    struct lintel_affordance *a = new_affordance(w);
    add_pointer_step(&w->pointer, n->key.p, n->key.n);
    lintel_buf_adds(&w->path, kind->step);
    size_t before = w->path.n;
    add_escaped(&w->path, n->key.p, n->key.n);
    if (w->path.n - before > SEGMENT_MOST)
        complain(w, n, "this name takes more than 255 bytes in a path; shorten it");
    lintel_buf_addc(&w->senml, '/');
    add_escaped(&w->senml, n->key.p, n->key.n);
    if (a == NULL) {
        complain(w, n, "out of memory");
        back_to(w, m);
        return;
    }
    const struct lintel_doc *doc = w->tree->sources[lintel_tree_source(n)]->doc;
    a->at = lintel_key_place(doc, n);
    a->kind = kind->kind;
    a->name = n->key.p;
    a->path = lintel_arena_strdup(arena, lintel_buf_str(&w->path));
    a->senml = lintel_arena_strdup(arena, lintel_buf_str(&w->senml));
    a->pointer = lintel_arena_strdup(arena, lintel_buf_str(&w->pointer));
    a->global = a->pointer != NULL ? global_name(w, a->pointer) : NULL;
    a->label = text_of(n, "label");
    a->description = text_of(n, "description");
    read_map(w, n, a);
    if (a->kind == LINTEL_K_PROPERTY) {
        a->readable = flag_of(n, "readable");
        a->writable = flag_of(n, "writable");
        a->observable = flag_of(n, "observable");
        a->data = read_data(w, n);
    } else if (a->kind == LINTEL_K_ACTION) {
        a->input = read_data(w, lintel_node_get(n, "sdfInputData"));
        a->output = read_data(w, lintel_node_get(n, "sdfOutputData"));
    } else {
        a->observable = 1;
        a->data = read_data(w, lintel_node_get(n, "sdfOutputData"));
    }
    const char *self = a->pointer;
    back_to(w, m);
    /* Names in the list are those of the group, whose pointer is cut back to here. */
    if (self != NULL && lintel_node_get(n, "sdfRequired") != NULL) {
        size_t class = w->pointer.n;
        w->pointer.n -= strlen(kind->class) + 1;
        read_required(w, n, group, self);
        w->pointer.n = class - strlen(kind->class) - 1;
        add_pointer_step(&w->pointer, kind->class, strlen(kind->class));
    }
}

static void read_groups(struct walker *w, const struct lintel_node *groups, int top);

static void
read_group(struct walker *w, const struct lintel_node *group)
{
    char *self = lintel_arena_strdup(w->tree->arena, lintel_buf_str(&w->pointer));
    if (self != NULL)
        read_required(w, group, group, self);
    for (const struct lintel_node *c = group->child; c != NULL; c = c->next) {
        if (lintel_str_eq(c->key, "sdfObject") || lintel_str_eq(c->key, "sdfThing"))
            read_groups(w, c, 0);
        for (size_t i = 0; i < LINTEL_COUNT(kinds); i++) {
            if (!lintel_str_eq(c->key, kinds[i].class))
                continue;
            struct mark m = mark(w);
            add_pointer_step(&w->pointer, c->key.p, c->key.n);
            for (const struct lintel_node *n = c->child; n != NULL; n = n->next)
                read_affordance(w, &kinds[i], n, group);
            back_to(w, m);
        }
    }
}

static int
is_selected(struct walker *w, const struct lintel_node *class,
            const struct lintel_node *group)
{
    if (w->s->selected == NULL || w->s->selected->n == 0)
        return 1;
    struct lintel_buf key = {0};
    lintel_buf_addf(&key, "%s/%s", class->key.p, group->key.p);
    if (key.failed)
        w->failed = lintel_error(w->tree->report, (struct lintel_place){0}, "out of memory");
    int yes = lintel_map_get(w->s->selected, lintel_buf_str(&key), key.n) != NULL;
    lintel_buf_fini(&key);
    return yes;
}

/* The members of sdfThing or sdfObject. */
static void
read_groups(struct walker *w, const struct lintel_node *groups, int top)
{
    struct mark outer = mark(w);
    add_pointer_step(&w->pointer, groups->key.p, groups->key.n);
    struct mark m = mark(w);
    for (const struct lintel_node *g = groups->child; g != NULL; g = g->next) {
        if (top && !is_selected(w, groups, g))
            continue;
        if (top) {
            const char *uri = w->tree->sources[lintel_tree_source(g)]->uri;
            w->uri = uri != NULL ? uri : w->s->uri;
        }
        add_pointer_step(&w->pointer, g->key.p, g->key.n);
        if (!top)
            lintel_buf_addc(&w->path, '/');
        size_t before = w->path.n;
        if (is_reserved(g->key.p))
            lintel_buf_addc(&w->path, '~');
        add_escaped(&w->path, g->key.p, g->key.n);
        if (w->path.n - before > SEGMENT_MOST)
            complain(w, g, "this name takes more than 255 bytes in a path; shorten it");
        if (!top)
            lintel_buf_addc(&w->senml, '/');
        add_escaped(&w->senml, g->key.p, g->key.n);
        read_group(w, g);
        back_to(w, m);
    }
    back_to(w, outer);
}

static struct lintel_place
place_in_tree(void *ctx, const struct lintel_node *n)
{
    return lintel_tree_place(ctx, n);
}

static int
finish(struct walker *w, const struct lintel_affordance **ret, uint32_t *ret_n)
{
    int failed = w->failed || w->pointer.failed || w->path.failed || w->senml.failed ||
                 lintel_arena_failed(w->tree->arena);
    struct lintel_affordance *list =
        failed ? NULL : lintel_arena_alloc(w->tree->arena, w->n * sizeof *list);
    if (list == NULL)
        return w->failed ? -1
                         : lintel_error(w->tree->report, lintel_tree_place(w->tree, w->tree->root),
                                        "out of memory");
    for (uint32_t i = 0; i < w->n; i++) {
        list[i] = w->list[i];
        list[i].required =
            lintel_map_get(&w->required, list[i].pointer, strlen(list[i].pointer)) != NULL;
    }
    *ret = list;
    *ret_n = w->n;
    return 0;
}

int
lintel_affordances_read(const struct lintel_affordance_source *s,
                        const struct lintel_affordance **ret, uint32_t *ret_n)
{
    struct walker w = {
        .s = s,
        .tree = s->tree,
        .data = {place_in_tree, s->tree, s->tree->arena, s->tree->report, 1},
    };
    for (const struct lintel_node *c = s->tree->root->child; c != NULL; c = c->next)
        if (lintel_str_eq(c->key, "sdfObject") || lintel_str_eq(c->key, "sdfThing"))
            read_groups(&w, c, 1);
    int failed = finish(&w, ret, ret_n);
    lintel_map_fini(&w.required);
    lintel_buf_fini(&w.pointer);
    lintel_buf_fini(&w.path);
    lintel_buf_fini(&w.senml);
    lintel_free(w.list);
    return failed;
}
