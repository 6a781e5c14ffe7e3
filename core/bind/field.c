/* SPDX-License-Identifier: Apache-2.0
 * Every key is looked at, whatever was wrong with the one before: people get all problems at once.
 */
#include "core/bind/field.h"

#include <string.h>

#include "core/base/num.h"

struct parse {
    const lintel_field *table;
    const struct lintel_field_source *s;
    struct lintel_arena *a;
    struct lintel_report *report;
};

uint32_t
lintel_fields_count(const lintel_field *table)
{
    uint32_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

struct lintel_str
lintel_field_item(const char *list, uint32_t i)
{
    const char *p = list;
    while (p != NULL && i > 0) {
        p = strchr(p, '|');
        p = p ? p + 1 : NULL;
        i--;
    }
    return (struct lintel_str){p, p ? strcspn(p, "|") : 0};
}

const char *
lintel_hint(char out[LINTEL_HINT], const char *word, const char *const *words)
{
    const char *nearest = lintel_nearest(word, words);
    out[0] = '\0';
    if (nearest != NULL)
        (void)lintel_format(out, LINTEL_HINT, " (did you mean \"%s\"?)", nearest);
    return out;
}

static void
describe_range(const lintel_field *f, struct lintel_buf *out)
{
    if (f->min == f->max)
        return;
    lintel_buf_adds(out, " from ");
    lintel_buf_add_json_real(out, f->min);
    lintel_buf_adds(out, " to ");
    lintel_buf_add_json_real(out, f->max);
}

void
lintel_field_describe(const lintel_field *f, struct lintel_buf *out)
{
    if (f->choices != NULL) {
        struct lintel_str item;
        lintel_buf_adds(out, "one of ");
        for (uint32_t i = 0; (item = lintel_field_item(f->choices, i)).p != NULL; i++) {
            if (i != 0)
                lintel_buf_adds(out, ", ");
            lintel_buf_add(out, item.p, item.n);
        }
        return;
    }
    switch (f->type) {
    case LINTEL_T_BOOL: lintel_buf_adds(out, "yes or no"); break;
    case LINTEL_T_INT:
        lintel_buf_adds(out, "a whole number");
        describe_range(f, out);
        break;
    case LINTEL_T_REAL:
        lintel_buf_adds(out, "a number");
        describe_range(f, out);
        break;
    case LINTEL_T_LIST:
        lintel_buf_adds(out, f->flags & LINTEL_F_FILE ? "a list of paths" : "a list of texts");
        break;
    default:
        lintel_buf_adds(out, f->flags & LINTEL_F_FILE ? "the path of a file" : "a text");
        break;
    }
}

/* `unit: "two" is not a whole number from 1 to 247`. What may be a secret is not shown. */
static int
refuse(const struct parse *p, const lintel_field *f, const struct lintel_node *n,
       struct lintel_place at)
{
    struct lintel_buf wanted = {0};
    char found[64] = "what stands here", hint[LINTEL_HINT] = "", choice[64];
    const char *words[64];
    char copies[64][32];
    uint32_t count = 0;
    if (n->kind != LINTEL_NODE_SCALAR)
        (void)lintel_copy(found, sizeof found, n->kind == LINTEL_NODE_MAP ? "a map" : "a list");
    else if (!(f->flags & LINTEL_F_SECRET) && lintel_copy(choice, sizeof choice - 8, n->text.p))
        (void)lintel_format(found, sizeof found, n->quoted ? "the text \"%s\"" : "\"%s\"", choice);
    if (n->kind == LINTEL_NODE_SCALAR && f->choices != NULL) {
        struct lintel_str item;
        for (; count < 63 && (item = lintel_field_item(f->choices, count)).p != NULL; count++) {
            (void)lintel_format(copies[count], sizeof copies[0], "%.*s", (int)item.n, item.p);
            words[count] = copies[count];
        }
        words[count] = NULL;
        lintel_hint(hint, n->text.p, words);
    }
    lintel_field_describe(f, &wanted);
    lintel_error(p->report, at, "%s: %s is not %s%s", f->name, found, lintel_buf_str(&wanted),
                 hint);
    lintel_buf_fini(&wanted);
    return -1;
}

static int
in_range(const lintel_field *f, double v)
{
    return f->min == f->max || (v >= f->min && v <= f->max);
}

/* A text row: secrets resolved, paths made absolute. */
static int
text_value(const struct parse *p, const lintel_field *f, struct lintel_str text,
           struct lintel_place at, lintel_value *ret)
{
    static const char prefix[] = "secret:";
    const char *copy = NULL;
    if (text.n >= sizeof prefix - 1 && memcmp(text.p, prefix, sizeof prefix - 1) == 0 &&
        p->s->secret != NULL) {
        if (!(f->flags & LINTEL_F_SECRET))
            return lintel_error(p->report, at,
                                "%s is not kept secret, so it can't be \"secret:...\"", f->name);
        const char *name =
            lintel_arena_strndup(p->a, text.p + sizeof prefix - 1, text.n - (sizeof prefix - 1));
        copy = name ? p->s->secret(p->s->secret_ctx, name, at, p->a, p->report) : NULL;
    } else if ((f->flags & LINTEL_F_FILE) && text.n == 0) {
        return lintel_error(p->report, at, "%s: an empty path", f->name);
    } else if ((f->flags & LINTEL_F_FILE) && text.p[0] != '/' && p->s->folder != NULL) {
        size_t n = strlen(p->s->folder);
        char *path = lintel_arena_alloc(p->a, n + 1 + text.n + 1);
        if (path != NULL) {
            memcpy(path, p->s->folder, n);
            path[n] = '/';
            memcpy(path + n + 1, text.p, text.n);
        }
        copy = path;
    } else if ((f->flags & LINTEL_F_SECRET) && (p->s->flags & LINTEL_FIELDS_APART)) {
        return lintel_error(p->report, at,
                            "%s can't stand here for all to read; put it into a file secrets/NAME "
                            "and write \"secret:NAME\"",
                            f->name);
    } else {
        if ((f->flags & LINTEL_F_SECRET) && p->s->secret != NULL && text.n != 0)
            lintel_warning(p->report, at,
                           "%s stands here for all to read; put it into a file secrets/NAME and "
                           "write \"secret:NAME\"",
                           f->name);
        copy = lintel_arena_strndup(p->a, text.p, text.n);
    }
    if (copy == NULL)
        return -1;
    *ret = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(copy), .as.s = copy};
    return 0;
}

static int
choice_value(const struct parse *p, const lintel_field *f, const struct lintel_node *n,
             struct lintel_place at, lintel_value *ret)
{
    struct lintel_str item;
    for (uint32_t i = 0; (item = lintel_field_item(f->choices, i)).p != NULL; i++) {
        if (item.n == n->text.n && memcmp(item.p, n->text.p, item.n) == 0) {
            *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = i};
            return 0;
        }
    }
    return refuse(p, f, n, at);
}

/* A list of texts; one text alone is a list of one. */
static int
list_value(const struct parse *p, const lintel_field *f, const struct lintel_node *n,
           const struct lintel_doc *doc, struct lintel_place at, lintel_value *ret)
{
    int alone = n->kind == LINTEL_NODE_SCALAR, failed = 0;
    uint32_t count = alone ? 1 : n->n, i = 0;
    lintel_value *list = lintel_arena_alloc(p->a, count * sizeof *list);
    if (list == NULL)
        return -1;
    for (const struct lintel_node *c = alone ? n : n->child; i < count; c = c->next, i++) {
        struct lintel_place here = doc != NULL && !alone ? lintel_node_place(doc, c) : at;
        if (c->kind != LINTEL_NODE_SCALAR || lintel_node_is_null(c))
            failed = lintel_error(p->report, here, "%s: its members must be texts", f->name);
        else if (text_value(p, f, c->text, here, &list[i]) != 0)
            failed = -1;
    }
    *ret = (lintel_value){.type = LINTEL_T_LIST, .len = count, .as.list = list};
    return failed;
}

static int
node_value(const struct parse *p, const lintel_field *f, const struct lintel_node *n,
           const struct lintel_doc *doc, struct lintel_place at, lintel_value *ret)
{
    int yes;
    int64_t i;
    double r;
    if (lintel_node_is_null(n))
        return lintel_error(p->report, at, "%s: a value is missing behind it", f->name);
    if (f->type == LINTEL_T_LIST && n->kind != LINTEL_NODE_MAP)
        return list_value(p, f, n, doc, at, ret);
    if (n->kind != LINTEL_NODE_SCALAR)
        return refuse(p, f, n, at);
    if (f->choices != NULL)
        return choice_value(p, f, n, at, ret);
    switch (f->type) {
    case LINTEL_T_BOOL:
        if (!lintel_node_bool(n, &yes))
            return refuse(p, f, n, at);
        *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = yes};
        return 0;
    case LINTEL_T_INT:
        if (!lintel_node_int(n, &i) || !in_range(f, (double)i))
            return refuse(p, f, n, at);
        *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = i};
        return 0;
    case LINTEL_T_REAL:
        if (!lintel_node_real(n, &r) || !in_range(f, r))
            return refuse(p, f, n, at);
        *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = r};
        return 0;
    default: return text_value(p, f, n->text, at, ret);
    }
}

/* A default is text in the plugin; it is read as if it stood in the file. Lists: items between
 * commas. */
static int
default_value(const struct parse *p, const lintel_field *f, lintel_value *ret)
{
    struct lintel_node n = {.kind = LINTEL_NODE_SCALAR, .text = lintel_str(f->dflt)};
    if (f->type != LINTEL_T_LIST || n.text.n == 0) {
        if (n.text.n == 0 && f->type == LINTEL_T_LIST)
            n = (struct lintel_node){.kind = LINTEL_NODE_LIST};
        else
            n.quoted = f->type == LINTEL_T_STR; /* an empty text is a good default */
        return node_value(p, f, &n, NULL, p->s->at, ret);
    }
    struct lintel_node *last = NULL;
    n = (struct lintel_node){.kind = LINTEL_NODE_LIST};
    for (const char *s = f->dflt; s != NULL;) {
        size_t length = strcspn(s, ",");
        struct lintel_node *item = lintel_arena_alloc(p->a, sizeof *item);
        if (item == NULL)
            return -1;
        *item = (struct lintel_node){.quoted = 1, .text = {s, length}};
        *(last ? &last->next : &n.child) = item;
        last = item;
        n.n++;
        s = s[length] == ',' ? s + length + 1 : NULL;
    }
    return node_value(p, f, &n, NULL, p->s->at, ret);
}

static int
is_known(const struct parse *p, struct lintel_str key)
{
    for (const lintel_field *f = p->table; f != NULL && f->name != NULL; f++)
        if (lintel_str_eq(key, f->name))
            return 1;
    for (const char *const *k = p->s->also; k != NULL && *k != NULL; k++)
        if (lintel_str_eq(key, *k))
            return 1;
    return 0;
}

static void
unknown_key(const struct parse *p, const struct lintel_node *n)
{
    uint32_t count = lintel_fields_count(p->table), also = 0;
    while (p->s->also != NULL && p->s->also[also] != NULL)
        also++;
    char hint[LINTEL_HINT] = "";
    const char **words = lintel_arena_alloc(p->a, (count + also + 1) * sizeof *words);
    if (words != NULL) {
        for (uint32_t i = 0; i < count; i++)
            words[i] = p->table[i].name;
        for (uint32_t i = 0; i < also; i++)
            words[count + i] = p->s->also[i];
        lintel_hint(hint, n->key.p, words);
    }
    struct lintel_buf all = {.limit = 1000};
    for (uint32_t i = 0; words != NULL && hint[0] == '\0' && words[i] != NULL; i++)
        lintel_buf_addf(&all, "%s%s", i ? ", " : "; it takes: ", words[i]);
    lintel_error(p->report, lintel_key_place(p->s->doc, n), "%s has no \"%.64s\"%s%s", p->s->what,
                 n->key.p, hint, lintel_buf_str(&all));
    lintel_buf_fini(&all);
}

static int
unknown_keys(const struct parse *p)
{
    int failed = 0;
    for (const struct lintel_node *c = p->s->map->child; c != NULL; c = c->next) {
        if (!is_known(p, c->key)) {
            unknown_key(p, c);
            failed = -1;
        }
    }
    return failed;
}

/* A key that nobody knows and that was probably meant to be this one: it is told already. */
static int
is_misspelt(const struct parse *p, const lintel_field *f)
{
    const char *const words[] = {f->name, NULL};
    if (p->s->map == NULL || p->s->flags & LINTEL_FIELDS_OPEN)
        return 0;
    for (const struct lintel_node *c = p->s->map->child; c != NULL; c = c->next)
        if (!is_known(p, c->key) && lintel_nearest(c->key.p, words) != NULL)
            return 1;
    return 0;
}

static int
row_value(const struct parse *p, const lintel_field *f, lintel_value *ret)
{
    const struct lintel_field_source *s = p->s;
    const struct lintel_doc *doc = s->doc;
    const struct lintel_node *n = lintel_node_get(s->map, f->name);
    if (n == NULL) {
        doc = s->fallback_doc;
        n = lintel_node_get(s->fallback, f->name);
    }
    if (n != NULL)
        return node_value(p, f, n, doc, lintel_node_place(doc, n), ret);
    if (f->dflt != NULL)
        return default_value(p, f, ret);
    if ((f->flags & LINTEL_F_REQUIRED) && !(s->flags & LINTEL_FIELDS_PARTIAL)) {
        if (is_misspelt(p, f))
            return -1;
        struct lintel_buf wanted = {0};
        lintel_field_describe(f, &wanted);
        lintel_error(p->report, s->at, "%s needs \"%s\" (%s)", s->what, f->name,
                     lintel_buf_str(&wanted));
        lintel_buf_fini(&wanted);
        return -1;
    }
    return 0; /* LINTEL_T_NULL */
}

lintel_value *
lintel_fields_parse(const lintel_field *table, const struct lintel_field_source *s,
                    struct lintel_arena *a, struct lintel_report *report)
{
    struct parse p = {table, s, a, report};
    uint32_t n = lintel_fields_count(table);
    int failed = 0;
    lintel_value *values = lintel_arena_alloc(a, n * sizeof *values);
    if (s->map != NULL && s->map->kind != LINTEL_NODE_MAP) {
        lintel_error(report, lintel_node_place(s->doc, s->map), "%s: must be a map of keys",
                     s->what);
        return NULL;
    }
    if (s->map != NULL && !(s->flags & LINTEL_FIELDS_OPEN))
        failed |= unknown_keys(&p);
    for (uint32_t i = 0; values != NULL && i < n; i++)
        failed |= row_value(&p, &table[i], &values[i]);
    return failed ? NULL : values;
}

const char *
lintel_fields_natural(const lintel_field *table, const lintel_value *values, struct lintel_arena *a)
{
    for (uint32_t i = 0; values != NULL && table != NULL && table[i].name != NULL; i++) {
        if (table[i].natural == NULL || table[i].choices == NULL || values[i].type != LINTEL_T_INT)
            continue;
        struct lintel_str item = lintel_field_item(table[i].natural, (uint32_t)values[i].as.i);
        if (item.p != NULL)
            return lintel_arena_strndup(a, item.p, item.n);
    }
    return NULL;
}

/* ---- the table itself ------------------------------------------------------------------------ */

static int
is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return s[n] == '\0' && n > 0 && n < 32 && s[0] >= 'a' && s[0] <= 'z';
}

static uint32_t
items(const char *list)
{
    uint32_t n = 0;
    while (lintel_field_item(list, n).p != NULL)
        n++;
    return n;
}

static const char *
row_fault(const lintel_field *table, const lintel_field *f)
{
    if (!is_name(f->name))
        return "its name is not camelCase of at most 31 letters and digits";
    for (const lintel_field *other = table; other != f; other++)
        if (strcmp(other->name, f->name) == 0)
            return "its name stands in the table twice";
    if (f->help == NULL || f->help[0] == '\0')
        return "it has no help";
    if (f->type != LINTEL_T_BOOL && f->type != LINTEL_T_INT && f->type != LINTEL_T_REAL &&
        f->type != LINTEL_T_STR && f->type != LINTEL_T_LIST)
        return "its type is not one of BOOL, INT, REAL, STR, LIST";
    if (f->min > f->max || f->min != f->min || f->max != f->max)
        return "its min is above its max";
    if (f->min != f->max && f->type != LINTEL_T_INT && f->type != LINTEL_T_REAL)
        return "it has limits, but is no number";
    if (f->flags & ~(uint32_t)(LINTEL_F_REQUIRED | LINTEL_F_SECRET | LINTEL_F_FILE))
        return "it has unknown flags";
    if ((f->flags & (LINTEL_F_SECRET | LINTEL_F_FILE)) &&
        ((f->type != LINTEL_T_STR && f->type != LINTEL_T_LIST) || f->choices != NULL))
        return "SECRET and FILE are for texts";
    if ((f->flags & LINTEL_F_REQUIRED) && f->dflt != NULL)
        return "it is required and has a default";
    if (f->choices != NULL && (f->type == LINTEL_T_LIST || f->type == LINTEL_T_BOOL))
        return "choices are for INT and STR";
    for (uint32_t i = 0; f->choices != NULL && lintel_field_item(f->choices, i).p != NULL; i++)
        if (lintel_field_item(f->choices, i).n == 0 || lintel_field_item(f->choices, i).n > 31 ||
            i == 63)
            return "its choices are not 1 to 63 words of at most 31 characters";
    if (f->natural != NULL && (f->choices == NULL || items(f->natural) != items(f->choices)))
        return "its natural types are not one for each choice";
    return NULL;
}

int
lintel_fields_judge(const lintel_field *table, char *reason, size_t size)
{
    static const struct lintel_field_source none = {.what = "the table"};
    for (const lintel_field *f = table; f != NULL && f->name != NULL; f++) {
        const char *fault = row_fault(table, f);
        if (fault != NULL) {
            (void)lintel_format(reason, size, "field \"%s\": %s", f->name, fault);
            return -1;
        }
        struct lintel_report report = {0};
        struct lintel_arena *a = lintel_arena_new();
        struct parse p = {table, &none, a, &report};
        lintel_value value;
        int failed = a == NULL || (f->dflt != NULL && default_value(&p, f, &value) != 0);
        if (failed)
            (void)lintel_format(
                reason, size, "field \"%s\": its default does not parse: %s", f->name,
                report.n && report.problems[0].text ? report.problems[0].text : "out of memory");
        lintel_arena_free(a);
        lintel_report_fini(&report);
        if (failed)
            return -1;
    }
    return 0;
}
