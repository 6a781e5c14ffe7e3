/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/data_read.h"

#include <stdlib.h>
#include <string.h>

#include "core/model/quality.h"

static int
problem(const struct lintel_data_builder *b, const struct lintel_node *n, const char *text)
{
    return lintel_error(b->report, b->place(b->ctx, n), "%s", text);
}

static int
no_memory(const struct lintel_data_builder *b, const struct lintel_node *n)
{
    return problem(b, n, "out of memory");
}

static const struct {
    const char *name;
    enum lintel_data_kind kind;
} kinds[] = {
    {"boolean", LINTEL_DATA_BOOLEAN}, {"integer", LINTEL_DATA_INTEGER},
    {"number", LINTEL_DATA_NUMBER},   {"string", LINTEL_DATA_STRING},
    {"array", LINTEL_DATA_ARRAY},     {"object", LINTEL_DATA_OBJECT},
};

/* A bound: the tighter one of minimum and exclusiveMinimum holds. */
static void
set_min(struct lintel_data *d, double value, int exclusive)
{
    if ((d->flags & LINTEL_DATA_MIN) != 0 && (value < d->min || (value == d->min && !exclusive)))
        return;
    d->min = value;
    d->flags &= ~(uint32_t)LINTEL_DATA_EXCLUSIVE_MIN;
    d->flags |= LINTEL_DATA_MIN | (exclusive ? LINTEL_DATA_EXCLUSIVE_MIN : 0);
}

static void
set_max(struct lintel_data *d, double value, int exclusive)
{
    if ((d->flags & LINTEL_DATA_MAX) != 0 && (value > d->max || (value == d->max && !exclusive)))
        return;
    d->max = value;
    d->flags &= ~(uint32_t)LINTEL_DATA_EXCLUSIVE_MAX;
    d->flags |= LINTEL_DATA_MAX | (exclusive ? LINTEL_DATA_EXCLUSIVE_MAX : 0);
}

static void
set_flag(struct lintel_data *d, uint32_t flag, const struct lintel_node *n)
{
    int on = 0;
    (void)lintel_node_bool(n, &on);
    d->flags = on ? d->flags | flag : d->flags & ~flag;
}

static int
read_number(const struct lintel_data_builder *b, struct lintel_data *d, const struct lintel_node *n)
{
    double value = 0;
    (void)lintel_node_real(n, &value);
    if (lintel_str_eq(n->key, "minimum")) {
        set_min(d, value, 0);
    } else if (lintel_str_eq(n->key, "exclusiveMinimum")) {
        set_min(d, value, 1);
    } else if (lintel_str_eq(n->key, "maximum")) {
        set_max(d, value, 0);
    } else if (lintel_str_eq(n->key, "exclusiveMaximum")) {
        set_max(d, value, 1);
    } else {
        if (!(value > 0))
            return problem(b, n, "\"multipleOf\" must be above 0");
        d->multiple = value;
        d->flags |= LINTEL_DATA_MULTIPLE;
    }
    return 0;
}

static void
read_count(struct lintel_data *d, const struct lintel_node *n)
{
    int64_t value = 0;
    (void)lintel_node_int(n, &value);
    if (lintel_str_eq(n->key, "minLength") || lintel_str_eq(n->key, "minItems")) {
        d->min_length = (uint32_t)value;
    } else {
        d->max_length = (uint32_t)value;
        d->flags =
            value == 0 ? d->flags | LINTEL_DATA_EMPTY : d->flags & ~(uint32_t)LINTEL_DATA_EMPTY;
    }
}

static int
read_pattern(const struct lintel_data_builder *b, struct lintel_data *d,
             const struct lintel_node *n)
{
    char reason[LINTEL_REGEXP_REASON];
    d->pattern = n->text.p;
    d->pattern_program = lintel_regexp_compile(n->text.p, n->text.n, b->arena, reason);
    if (d->pattern_program == NULL)
        return lintel_error(b->report, b->place(b->ctx, n), "\"pattern\": %s", reason);
    return 0;
}

static const lintel_value *
read_value(const struct lintel_data_builder *b, const struct lintel_node *n)
{
    lintel_value *v = lintel_arena_alloc(b->arena, sizeof *v);
    if (v == NULL || lintel_node_value(n, b->arena, 0, v) != 0) {
        no_memory(b, n);
        return NULL;
    }
    return v;
}

static int build(const struct lintel_data_builder *b, const struct lintel_node *node,
                 struct lintel_data *d);

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of enum or sdfChoice into d->choices. */
static const char **
new_choices(const struct lintel_data_builder *b, struct lintel_data *d, const struct lintel_node *n)
{
    const char **names = lintel_arena_alloc(b->arena, (n->n + 1) * sizeof *names);
    if (names == NULL)
        no_memory(b, n);
    if (d->choices != NULL) {
        problem(b, n, "enum and sdfChoice can't stand beside each other; keep one");
        return NULL;
    }
    d->choices = names;
    return names;
}

static int
read_enum(const struct lintel_data_builder *b, struct lintel_data *d, const struct lintel_node *n)
{
    const char **names = new_choices(b, d, n);
    const char **sorted = lintel_arena_alloc(b->arena, (n->n + 1) * sizeof *sorted);
    if (names == NULL || sorted == NULL)
        return -1;
    uint32_t count = 0;
    for (const struct lintel_node *t = n->child; t != NULL; t = t->next)
        sorted[count] = t->text.p, names[count++] = t->text.p;
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (uint32_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            return lintel_error(b->report, b->place(b->ctx, n), "\"%s\" stands twice in \"enum\"",
                                sorted[i]);
    return 0;
}

/* After all else that stands beside it: each choice starts from that. */
static int
read_choice(const struct lintel_data_builder *b, struct lintel_data *d, const struct lintel_node *n)
{
    struct lintel_data common = *d;
    const char **names = new_choices(b, d, n);
    struct lintel_data *data = lintel_arena_alloc(b->arena, n->n * sizeof *data);
    lintel_value *values = lintel_arena_alloc(b->arena, n->n * sizeof *values);
    if (names == NULL || data == NULL || values == NULL)
        return -1;
    if (n->n == 0)
        return problem(b, n, "\"sdfChoice\" has no choice");
    common.choices = NULL;
    common.constant = common.dflt = NULL;
    uint32_t i = 0;
    for (const struct lintel_node *c = n->child; c != NULL; c = c->next, i++) {
        data[i] = common;
        names[i] = c->key.p;
        if (build(b, c, &data[i]) != 0)
            return -1;
        if (data[i].constant == NULL) {
            /* A choice that says nothing but its name: the name is the value. */
            int bare = data[i].kind == LINTEL_DATA_ANY || data[i].kind == LINTEL_DATA_STRING;
            for (const struct lintel_node *q = c->child; q != NULL && bare; q = q->next)
                bare = lintel_str_eq(q->key, "description") || lintel_str_eq(q->key, "label") ||
                       lintel_str_eq(q->key, "type") || q->key.p[0] == '$' ||
                       strchr(q->key.p, ':') != NULL;
            if (!bare)
                continue;
            lintel_value *name = lintel_arena_alloc(b->arena, sizeof *name);
            if (name == NULL)
                return no_memory(b, c);
            *name =
                (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)c->key.n, .as.s = c->key.p};
            data[i].constant = name;
            data[i].kind = LINTEL_DATA_STRING;
        }
        values[i] = *data[i].constant;
    }
    d->choice_data = data;
    d->choice_values = values;
    return 0;
}

static int
is_required(const struct lintel_node *required, const struct lintel_node *member)
{
    for (const struct lintel_node *r = required ? required->child : NULL; r != NULL; r = r->next)
        if (r->text.n == member->key.n && memcmp(r->text.p, member->key.p, r->text.n) == 0)
            return 1;
    return 0;
}

static int
read_members(const struct lintel_data_builder *b, struct lintel_data *d,
             const struct lintel_node *n, const struct lintel_node *required)
{
    if (n->n > LINTEL_DATA_MEMBERS_MOST || (required != NULL && required->n > n->n))
        return problem(b, n->n > LINTEL_DATA_MEMBERS_MOST ? n : required,
                       n->n > LINTEL_DATA_MEMBERS_MOST ? "an object of more than 256 members"
                                                       : "more names than \"properties\" has");
    struct lintel_data_member *members = lintel_arena_alloc(b->arena, n->n * sizeof *members);
    struct lintel_data *data = lintel_arena_alloc(b->arena, n->n * sizeof *data);
    if (members == NULL || data == NULL)
        return no_memory(b, n);
    uint32_t i = 0;
    for (const struct lintel_node *m = n->child; m != NULL; m = m->next, i++) {
        data[i].flags = LINTEL_DATA_NULLABLE;
        if (build(b, m, &data[i]) != 0)
            return -1;
        members[i] = (struct lintel_data_member){m->key.p, &data[i], is_required(required, m)};
    }
    d->members = members;
    d->nmembers = n->n;
    return 0;
}

static int
check_required(const struct lintel_data_builder *b, const struct lintel_node *required,
               const struct lintel_data *d)
{
    const char *names[LINTEL_DATA_MEMBERS_MOST + 1];
    for (uint32_t i = 0; i < d->nmembers; i++)
        names[i] = d->members[i].name;
    names[d->nmembers] = NULL;
    for (const struct lintel_node *r = required->child; r != NULL; r = r->next) {
        uint32_t i = 0;
        while (i < d->nmembers && !lintel_str_eq(r->text, names[i]))
            i++;
        if (i < d->nmembers)
            continue;
        const char *near = lintel_nearest(r->text.p, names);
        return lintel_error(b->report, b->place(b->ctx, r), "\"properties\" has no \"%s\"%s%s%s",
                            r->text.p, near ? " (did you mean \"" : "", near ? near : "",
                            near ? "\"?)" : "");
    }
    return 0;
}

/* What the type is where only its limits tell. */
static enum lintel_data_kind
inferred(const struct lintel_data *d)
{
    if ((d->flags & LINTEL_DATA_BYTES) != 0 || d->pattern != NULL || d->format != NULL ||
        (d->choices != NULL && d->choice_data == NULL))
        return LINTEL_DATA_STRING;
    if ((d->flags &
         (LINTEL_DATA_UNIX_TIME | LINTEL_DATA_MIN | LINTEL_DATA_MAX | LINTEL_DATA_MULTIPLE)) != 0)
        return LINTEL_DATA_NUMBER;
    if (d->members != NULL)
        return LINTEL_DATA_OBJECT;
    if (d->items != NULL)
        return LINTEL_DATA_ARRAY;
    if (d->constant != NULL) {
        switch (d->constant->type) {
        case LINTEL_T_BOOL: return LINTEL_DATA_BOOLEAN;
        case LINTEL_T_INT:
        case LINTEL_T_UINT:
        case LINTEL_T_REAL: return LINTEL_DATA_NUMBER;
        case LINTEL_T_STR: return LINTEL_DATA_STRING;
        default: break;
        }
    }
    return LINTEL_DATA_ANY;
}

static int
check_sense(const struct lintel_data_builder *b, const struct lintel_node *node,
            const struct lintel_data *d)
{
    char reason[LINTEL_REASON];
    const struct lintel_node *at;
    if ((d->flags & LINTEL_DATA_MIN) && (d->flags & LINTEL_DATA_MAX) &&
        (d->min > d->max || (d->min == d->max &&
                             (d->flags & (LINTEL_DATA_EXCLUSIVE_MIN | LINTEL_DATA_EXCLUSIVE_MAX)))))
        return problem(b, node, "no number lies between the minimum and the maximum");
    if ((d->max_length != 0 || (d->flags & LINTEL_DATA_EMPTY)) && d->min_length > d->max_length)
        return problem(b, node, "the least length is above the greatest");
    if ((d->flags & LINTEL_DATA_BYTES) && d->kind != LINTEL_DATA_STRING)
        return problem(b, node, "sdfType byte-string goes with type string");
    if ((d->flags & LINTEL_DATA_UNIX_TIME) && d->kind != LINTEL_DATA_NUMBER &&
        d->kind != LINTEL_DATA_INTEGER)
        return problem(b, node, "sdfType unix-time goes with type number");
    if (d->choices != NULL && d->choice_data == NULL && d->kind != LINTEL_DATA_STRING)
        return problem(b, node, "enum goes with type string; for others use sdfChoice with const");
    at = lintel_node_get(node, "const");
    if (at != NULL && d->constant != NULL &&
        lintel_data_fit(d, d->constant, reason) != LINTEL_FIT_OK)
        return lintel_error(b->report, b->place(b->ctx, at), "\"const\" does not fit: %s", reason);
    at = lintel_node_get(node, "default");
    if (!b->quiet && at != NULL && d->dflt != NULL &&
        lintel_data_fit(d, d->dflt, reason) != LINTEL_FIT_OK)
        lintel_warning(b->report, b->place(b->ctx, at), "\"default\" does not fit: %s", reason);
    return 0;
}

static int
read_sdf_type(struct lintel_data *d, const struct lintel_node *n)
{
    d->flags &= ~(uint32_t)(LINTEL_DATA_BYTES | LINTEL_DATA_UNIX_TIME);
    if (lintel_str_eq(n->text, "byte-string"))
        d->flags |= LINTEL_DATA_BYTES;
    else if (lintel_str_eq(n->text, "unix-time"))
        d->flags |= LINTEL_DATA_UNIX_TIME;
    return 0;
}

static int
read_items(const struct lintel_data_builder *b, struct lintel_data *d, const struct lintel_node *n)
{
    struct lintel_data *items = lintel_arena_alloc(b->arena, sizeof *items);
    if (items == NULL)
        return no_memory(b, n);
    items->flags = LINTEL_DATA_NULLABLE;
    d->items = items;
    return build(b, n, items);
}

static void
read_kind(struct lintel_data *d, const struct lintel_node *n)
{
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++)
        if (lintel_str_eq(n->text, kinds[i].name))
            d->kind = kinds[i].kind;
}

static int
read_quality(const struct lintel_data_builder *b, const struct lintel_node *node,
             struct lintel_data *d, const struct lintel_node *n)
{
    const struct lintel_quality *q =
        lintel_quality_find(n->key.p, LINTEL_IN_DATA | LINTEL_IN_PROPERTY);
    if (q == NULL)
        return 0;
    switch (q->kind) {
    case LINTEL_QUALITY_TYPE: read_kind(d, n); return 0;
    case LINTEL_QUALITY_NUMBER: return read_number(b, d, n);
    case LINTEL_QUALITY_COUNT: read_count(d, n); return 0;
    case LINTEL_QUALITY_SDF_TYPE: return read_sdf_type(d, n);
    case LINTEL_QUALITY_FORMAT: d->format = n->text.p; return 0;
    case LINTEL_QUALITY_UNIT: d->unit = n->text.p; return 0;
    case LINTEL_QUALITY_ONE: return read_items(b, d, n);
    case LINTEL_QUALITY_ANY: {
        const lintel_value *v = read_value(b, n);
        if (lintel_str_eq(n->key, "const"))
            d->constant = v;
        else
            d->dflt = v;
        return v == NULL ? -1 : 0;
    }
    case LINTEL_QUALITY_TEXT:
        if (lintel_str_eq(n->key, "contentFormat"))
            d->content = n->text.p;
        return lintel_str_eq(n->key, "pattern") ? read_pattern(b, d, n) : 0;
    case LINTEL_QUALITY_TEXTS: return lintel_str_eq(n->key, "enum") ? read_enum(b, d, n) : 0;
    case LINTEL_QUALITY_BOOL:
        if (lintel_str_eq(n->key, "nullable"))
            set_flag(d, LINTEL_DATA_NULLABLE, n);
        else if (lintel_str_eq(n->key, "uniqueItems"))
            set_flag(d, LINTEL_DATA_UNIQUE, n);
        return 0;
    case LINTEL_QUALITY_NAMED:
        return lintel_str_eq(n->key, "properties")
                   ? read_members(b, d, n, lintel_node_get(node, "required"))
                   : 0;
    default: return 0;
    }
}

/* Adds what node says to d. Recursion is bounded by the depth of documents. */
static int
build(const struct lintel_data_builder *b, const struct lintel_node *node, struct lintel_data *d)
{
    for (const struct lintel_node *n = node->child; n != NULL; n = n->next)
        if (read_quality(b, node, d, n) != 0)
            return -1;
    const struct lintel_node *required = lintel_node_get(node, "required");
    if (required != NULL && check_required(b, required, d) != 0)
        return -1;
    if (d->kind == LINTEL_DATA_ANY)
        d->kind = inferred(d);
    const struct lintel_node *choice = lintel_node_get(node, "sdfChoice");
    if (choice != NULL && read_choice(b, d, choice) != 0)
        return -1;
    return check_sense(b, node, d);
}

const struct lintel_data *
lintel_data_build(const struct lintel_data_builder *b, const struct lintel_node *node)
{
    struct lintel_data *d = lintel_arena_alloc(b->arena, sizeof *d);
    if (d == NULL) {
        no_memory(b, node);
        return NULL;
    }
    d->flags = LINTEL_DATA_NULLABLE;
    return build(b, node, d) == 0 ? d : NULL;
}

static struct lintel_place
place_in_doc(void *ctx, const struct lintel_node *n)
{
    const struct lintel_doc *doc = ctx;
    return lintel_node_place(doc, n);
}

const struct lintel_data *
lintel_data_read(const struct lintel_doc *doc, const struct lintel_node *node,
                 struct lintel_arena *arena, struct lintel_report *report)
{
    struct lintel_quality_check check = {.doc = doc, .report = report};
    struct lintel_doc where = *doc;
    struct lintel_data_builder b = {place_in_doc, &where, arena, report, 0};
    if (lintel_quality_check(&check, node, LINTEL_IN_PROPERTY) != 0)
        return NULL;
    return lintel_data_build(&b, node);
}
