/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/quality.h"

#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/model/unit.h"

#define DATA (LINTEL_IN_DATA | LINTEL_IN_PROPERTY)
#define AFFORDANCES (LINTEL_IN_PROPERTY | LINTEL_IN_ACTION | LINTEL_IN_EVENT)
#define GROUPS (LINTEL_IN_THING | LINTEL_IN_OBJECT)
#define COMMON (GROUPS | AFFORDANCES | LINTEL_IN_DATA)
#define BLOCKS (LINTEL_IN_DOCUMENT | GROUPS)
#define FILES (LINTEL_IN_DOCUMENT | LINTEL_IN_SUPPLEMENT)

static const struct lintel_quality qualities[] = {
    {"type", DATA, LINTEL_QUALITY_TYPE, 0},
    {"description", COMMON | LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"label", COMMON, LINTEL_QUALITY_TEXT, 0},
    {"sdfRef", COMMON, LINTEL_QUALITY_REF, 0},
    {"sdfRequired", COMMON, LINTEL_QUALITY_REQUIRED, 0},
    {"unit", DATA, LINTEL_QUALITY_UNIT, 0},
    {"writable", LINTEL_IN_PROPERTY, LINTEL_QUALITY_BOOL, 0},
    {"readable", LINTEL_IN_PROPERTY, LINTEL_QUALITY_BOOL, 0},
    {"observable", LINTEL_IN_PROPERTY, LINTEL_QUALITY_BOOL, 0},
    {"minimum", DATA, LINTEL_QUALITY_NUMBER, 0},
    {"maximum", DATA, LINTEL_QUALITY_NUMBER, 0},
    {"exclusiveMinimum", DATA, LINTEL_QUALITY_NUMBER, 0},
    {"exclusiveMaximum", DATA, LINTEL_QUALITY_NUMBER, 0},
    {"multipleOf", DATA, LINTEL_QUALITY_NUMBER, 0},
    {"enum", DATA, LINTEL_QUALITY_TEXTS, 0},
    {"const", DATA, LINTEL_QUALITY_ANY, 0},
    {"default", DATA, LINTEL_QUALITY_ANY, 0},
    {"minLength", DATA, LINTEL_QUALITY_COUNT, 0},
    {"maxLength", DATA, LINTEL_QUALITY_COUNT, 0},
    {"pattern", DATA, LINTEL_QUALITY_TEXT, 0},
    {"format", DATA, LINTEL_QUALITY_FORMAT, 0},
    {"minItems", DATA | GROUPS, LINTEL_QUALITY_COUNT, 0},
    {"maxItems", DATA | GROUPS, LINTEL_QUALITY_COUNT, 0},
    {"uniqueItems", DATA, LINTEL_QUALITY_BOOL, 0},
    {"items", DATA, LINTEL_QUALITY_ONE, LINTEL_IN_DATA},
    {"required", DATA, LINTEL_QUALITY_TEXTS, 0},
    {"properties", DATA, LINTEL_QUALITY_NAMED, LINTEL_IN_DATA},
    {"nullable", DATA, LINTEL_QUALITY_BOOL, 0},
    {"contentFormat", DATA, LINTEL_QUALITY_TEXT, 0},
    {"sdfType", DATA, LINTEL_QUALITY_SDF_TYPE, 0},
    {"sdfChoice", DATA, LINTEL_QUALITY_NAMED, LINTEL_IN_DATA},
    {"sdfInputData", LINTEL_IN_ACTION, LINTEL_QUALITY_ONE, LINTEL_IN_DATA},
    {"sdfOutputData", LINTEL_IN_ACTION | LINTEL_IN_EVENT, LINTEL_QUALITY_ONE, LINTEL_IN_DATA},
    {"sdfData", BLOCKS | LINTEL_IN_ACTION | LINTEL_IN_EVENT, LINTEL_QUALITY_NAMED, LINTEL_IN_DATA},
    {"sdfProperty", BLOCKS, LINTEL_QUALITY_NAMED, LINTEL_IN_PROPERTY},
    {"sdfAction", BLOCKS, LINTEL_QUALITY_NAMED, LINTEL_IN_ACTION},
    {"sdfEvent", BLOCKS, LINTEL_QUALITY_NAMED, LINTEL_IN_EVENT},
    {"sdfObject", LINTEL_IN_DOCUMENT | LINTEL_IN_THING, LINTEL_QUALITY_NAMED, LINTEL_IN_OBJECT},
    {"sdfThing", LINTEL_IN_DOCUMENT | LINTEL_IN_THING, LINTEL_QUALITY_NAMED, LINTEL_IN_THING},
    /* draft-ietf-asdf-sdf-protocol-mapping, draft-ietf-asdf-instance-information */
    {"sdfProtocolMap", AFFORDANCES, LINTEL_QUALITY_MAP, 0},
    {"sdfParameters", COMMON | LINTEL_IN_DOCUMENT, LINTEL_QUALITY_MAP, 0},
    {"sdfContext", BLOCKS, LINTEL_QUALITY_MAP, 0},
    {"info", FILES, LINTEL_QUALITY_ONE, LINTEL_IN_INFO},
    {"namespace", FILES, LINTEL_QUALITY_TEXT_MAP, 0},
    {"defaultNamespace", FILES, LINTEL_QUALITY_TEXT, 0},
    {"title", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"version", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"modified", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"copyright", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"license", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"features", LINTEL_IN_INFO, LINTEL_QUALITY_FEATURES, 0},
    /* draft-ietf-asdf-sdf-mapping; "map" is its older form */
    {"originalSdfModel", LINTEL_IN_INFO, LINTEL_QUALITY_TEXT, 0},
    {"augmentationLog", LINTEL_IN_INFO, LINTEL_QUALITY_TEXTS, 0},
    {"amend", LINTEL_IN_SUPPLEMENT, LINTEL_QUALITY_AMEND, 0},
    {"map", LINTEL_IN_SUPPLEMENT, LINTEL_QUALITY_AMEND, 0},
};

static const char *const types[] = {"number", "string", "boolean", "integer",
                                    "array",  "object", NULL};
static const char *const sdf_types[] = {"byte-string", "unix-time", NULL};
static const char *const formats[] = {"date-time",     "date", "time", "uri",
                                      "uri-reference", "uuid", NULL};
/* Extensions that may be listed as critical: protocol maps, under a URI of ours while they are
 * drafts. */
static const char *const features[] = {"https://lintel-hub.example/features/protocol-map", NULL};

const struct lintel_quality *
lintel_quality_find(const char *name, unsigned where)
{
    for (size_t i = 0; i < LINTEL_COUNT(qualities); i++)
        if ((qualities[i].where & where) != 0 && strcmp(qualities[i].name, name) == 0)
            return &qualities[i];
    return NULL;
}

const char *
lintel_quality_nearest(const char *name, unsigned where)
{
    const char *here[LINTEL_COUNT(qualities) + 1];
    size_t n = 0;
    for (size_t i = 0; i < LINTEL_COUNT(qualities); i++)
        if ((qualities[i].where & where) != 0)
            here[n++] = qualities[i].name;
    here[n] = NULL;
    return lintel_nearest(name, here);
}

static struct lintel_place
place(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    return lintel_node_place(c->doc_of != NULL ? c->doc_of(c->ctx, n) : c->doc, n);
}

static struct lintel_place
key_place(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    return lintel_key_place(c->doc_of != NULL ? c->doc_of(c->ctx, n) : c->doc, n);
}

static int
wrong(const struct lintel_quality_check *c, const struct lintel_node *n, const char *expected)
{
    return lintel_error(c->report, place(c, n), "\"%s\" takes %s", n->key.p, expected);
}

static int
is_text(const struct lintel_node *n)
{
    double number;
    int flag;
    return n->kind == LINTEL_NODE_SCALAR &&
           (n->quoted || (!lintel_node_is_null(n) && !lintel_node_real(n, &number) &&
                          !(lintel_node_bool(n, &flag) && (strcasecmp(n->text.p, "true") == 0 ||
                                                           strcasecmp(n->text.p, "false") == 0))));
}

/* One of the words; others that are not close to one pass with a warning where the list is open. */
static int
check_word(const struct lintel_quality_check *c, const struct lintel_node *n,
           const char *const *words, int open)
{
    if (!is_text(n))
        return wrong(c, n, "a text");
    for (size_t i = 0; words[i] != NULL; i++)
        if (lintel_str_eq(n->text, words[i]))
            return 0;
    struct lintel_place at = place(c, n);
    const char *near = lintel_nearest(n->text.p, words);
    if (near != NULL)
        return lintel_error(c->report, at, "unknown %s \"%s\" (did you mean \"%s\"?)", n->key.p,
                            n->text.p, near);
    if (open) {
        lintel_warning(c->report, at, "unknown %s \"%s\": values are not checked for it", n->key.p,
                       n->text.p);
        return 0;
    }
    struct lintel_buf list = {0};
    for (size_t i = 0; words[i] != NULL; i++)
        lintel_buf_addf(&list, "%s%s", i ? ", " : "", words[i]);
    lintel_error(c->report, at, "unknown %s \"%s\"; there are: %s", n->key.p, n->text.p,
                 lintel_buf_str(&list));
    lintel_buf_fini(&list);
    return -1;
}

static int
check_unit(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (n->kind != LINTEL_NODE_SCALAR)
        return wrong(c, n, "a text");
    const char *symbol = n->text.p;
    struct lintel_place at = place(c, n);
    if (strcmp(symbol, "C") == 0 || strcmp(symbol, "F") == 0)
        lintel_warning(c->report, at, "the unit \"%s\" is %s; degrees are written \"%s\"", symbol,
                       symbol[0] == 'C' ? "coulomb" : "farad", symbol[0] == 'C' ? "Cel" : "degF");
    /* A unit of its own is a URI (RFC 9880 section 4.7). */
    if (strchr(symbol, ':') != NULL || lintel_unit_find(symbol) != NULL)
        return 0;
    const char *near = lintel_unit_nearest(symbol);
    if (near != NULL)
        return lintel_error(c->report, at, "unknown unit \"%s\" (did you mean \"%s\"?)", symbol,
                            near);
    return lintel_error(
        c->report, at,
        "unknown unit \"%s\"; take a symbol of SenML's (RFC 8428, RFC 8798) or a URI", symbol);
}

static int
check_texts(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (n->kind != LINTEL_NODE_LIST || n->n == 0)
        return wrong(c, n, "a list of texts");
    int failed = 0;
    for (const struct lintel_node *t = n->child; t != NULL; t = t->next)
        if (!is_text(t))
            failed = lintel_error(c->report, place(c, t), "\"%s\" takes texts only%s", n->key.p,
                                  strcmp(n->key.p, "enum") == 0
                                      ? "; for others use sdfChoice with const, or put it in quotes"
                                      : "");
    return failed;
}

static int
check_ref(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (!is_text(n) || (strchr(n->text.p, '#') == NULL && strchr(n->text.p, ':') == NULL))
        return wrong(c, n,
                     "a name like \"#/sdfData/Temperature\" or \"prefix:#/sdfData/Temperature\"");
    return 0;
}

static int
check_required(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (n->kind != LINTEL_NODE_LIST)
        return wrong(c, n, "a list of names, of pointers, or of true");
    for (const struct lintel_node *r = n->child; r != NULL; r = r->next) {
        int flag;
        if (!is_text(r) && !(lintel_node_bool(r, &flag) && flag))
            return lintel_error(c->report, place(c, r),
                                "\"sdfRequired\" takes names, pointers, or true");
    }
    return 0;
}

static int
check_features(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (n->kind != LINTEL_NODE_LIST)
        return wrong(c, n, "a list of texts");
    int failed = 0;
    for (const struct lintel_node *f = n->child; f != NULL; f = f->next) {
        int known = 0;
        for (size_t i = 0; features[i] != NULL; i++)
            known |= f->kind == LINTEL_NODE_SCALAR && lintel_str_eq(f->text, features[i]);
        if (!known)
            failed = lintel_error(c->report, place(c, f),
                                  "the document needs the feature \"%s\", which is not known here",
                                  f->kind == LINTEL_NODE_SCALAR ? f->text.p : "?");
    }
    return failed;
}

static int
check_text_map(const struct lintel_quality_check *c, const struct lintel_node *n)
{
    if (n->kind != LINTEL_NODE_MAP)
        return wrong(c, n, "a map");
    int failed = 0;
    for (const struct lintel_node *m = n->child; m != NULL; m = m->next)
        if (!is_text(m))
            failed = wrong(c, m, "a text");
    return failed;
}

static int
check_value(const struct lintel_quality_check *c, const struct lintel_node *n,
            const struct lintel_quality *q)
{
    double number;
    int64_t count;
    int flag;
    switch (q->kind) {
    case LINTEL_QUALITY_ANY: return 0;
    case LINTEL_QUALITY_TEXT:
        /* A version 1.0 or a license 2 without quotes is meant as text. */
        return n->kind == LINTEL_NODE_SCALAR ? 0 : wrong(c, n, "a text");
    case LINTEL_QUALITY_BOOL:
        return lintel_node_bool(n, &flag) ? 0 : wrong(c, n, "true or false, without quotes");
    case LINTEL_QUALITY_NUMBER:
        return lintel_node_real(n, &number) ? 0 : wrong(c, n, "a number, without quotes");
    case LINTEL_QUALITY_COUNT:
        return lintel_node_int(n, &count) && count >= 0 && count <= INT32_MAX
                   ? 0
                   : wrong(c, n, "a whole number from 0, without quotes");
    case LINTEL_QUALITY_TEXTS: return check_texts(c, n);
    case LINTEL_QUALITY_TYPE: return check_word(c, n, types, 0);
    case LINTEL_QUALITY_SDF_TYPE: return check_word(c, n, sdf_types, 1);
    case LINTEL_QUALITY_FORMAT: return check_word(c, n, formats, 1);
    case LINTEL_QUALITY_UNIT: return check_unit(c, n);
    case LINTEL_QUALITY_REF: return check_ref(c, n);
    case LINTEL_QUALITY_REQUIRED: return check_required(c, n);
    case LINTEL_QUALITY_FEATURES: return check_features(c, n);
    case LINTEL_QUALITY_MAP: return n->kind == LINTEL_NODE_MAP ? 0 : wrong(c, n, "a map");
    case LINTEL_QUALITY_TEXT_MAP: return check_text_map(c, n);
    case LINTEL_QUALITY_AMEND: return 0; /* its own reader looks at it */
    case LINTEL_QUALITY_ONE: return lintel_quality_check(c, n, q->inside);
    case LINTEL_QUALITY_NAMED: return lintel_quality_check_named(c, n, q->inside);
    }
    return 0;
}

/* [a-z$][A-Za-z$0-9]* with an optional prefix [a-z][a-z0-9]*: (RFC 9880 section 2.3.3) */
static int
is_qualified(const char *name)
{
    size_t i = 0;
    if (name[0] < 'a' || name[0] > 'z')
        return 0;
    while ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9'))
        i++;
    return name[i] == ':' && name[i + 1] != '\0';
}

static int
check_unknown(const struct lintel_quality_check *c, const struct lintel_node *n, unsigned where)
{
    const char *name = n->key.p;
    struct lintel_place at = key_place(c, n);
    if (name[0] == '$' || is_qualified(name))
        return 0;
    const struct lintel_quality *elsewhere = lintel_quality_find(name, ~0u);
    if (elsewhere != NULL && elsewhere->kind == LINTEL_QUALITY_NAMED)
        return lintel_error(c->report, at, "\"%s\" can't stand here", name);
    if (elsewhere != NULL) {
        lintel_warning(c->report, at, "\"%s\" means nothing here", name);
        return 0;
    }
    const char *near = lintel_quality_nearest(name, where);
    if (near != NULL)
        return lintel_error(c->report, at, "unknown quality \"%s\" (did you mean \"%s\"?)", name,
                            near);
    lintel_warning(
        c->report, at,
        "unknown quality \"%s\" is left alone; one of your own needs a prefix, \"acme:%s\"", name,
        name);
    return 0;
}

int
lintel_quality_check(const struct lintel_quality_check *c, const struct lintel_node *map,
                     unsigned where)
{
    if (map->kind != LINTEL_NODE_MAP)
        return lintel_error(c->report, place(c, map), "\"%s\" takes a map",
                            map->key.n != 0 ? map->key.p : "the document");
    int failed = 0;
    struct lintel_quality_check below = *c;
    below.patch |= lintel_node_get(map, "sdfRef") != NULL;
    for (const struct lintel_node *n = map->child; n != NULL; n = n->next) {
        const struct lintel_quality *q = lintel_quality_find(n->key.p, where);
        if (below.patch && lintel_node_is_null(n))
            continue;
        if ((q != NULL ? check_value(&below, n, q) : check_unknown(c, n, where)) != 0)
            failed = -1;
    }
    return failed;
}

int
lintel_quality_check_named(const struct lintel_quality_check *c, const struct lintel_node *map,
                           unsigned inside)
{
    if (map->kind != LINTEL_NODE_MAP)
        return wrong(c, map, "a map of names");
    int failed = 0;
    for (const struct lintel_node *n = map->child; n != NULL; n = n->next) {
        if (n->key.n == 0 || strchr(n->key.p, ':') != NULL)
            failed = lintel_error(c->report, key_place(c, n),
                                  "the name \"%s\" can't be: it is empty or has a colon", n->key.p);
        if (c->patch && lintel_node_is_null(n))
            continue;
        if (lintel_quality_check(c, n, inside) != 0)
            failed = -1;
    }
    return failed;
}
