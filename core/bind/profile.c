/* SPDX-License-Identifier: Apache-2.0
 * A binding compiled for one plugin: an address and a codec for each direction of each affordance.
 */
#include <math.h>
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"

struct compile {
    struct lintel_reader *r;
    const struct lintel_kind *k;
    const struct lintel_node *const *values;
    uint32_t flags; /* LINTEL_FIELDS_* */
    const char *what;
    struct lintel_profile *p;
    int failed;
};

/* One direction's keys. */
struct side {
    const struct lintel_doc *doc;
    const struct lintel_node *map;
    const lintel_value *addr; /* NULL: reported */
    const char *natural;
};

struct lintel_profile *
lintel_profile_ref(struct lintel_profile *p)
{
    __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void
lintel_profile_unref(struct lintel_profile *p)
{
    if (p == NULL || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (uint32_t i = 0; p->bound != NULL && i < p->n; i++) {
        lintel_codec_unref(p->bound[i].read.codec);
        lintel_codec_unref(p->bound[i].write.codec);
    }
    lintel_map_fini(&p->by_path);
    lintel_model_unref(p->model);
    lintel_arena_free(p->arena);
    lintel_free(p);
}

/* The value that stands in for a parameter, or NULL. */
static const struct lintel_node *
param_value(const struct compile *c, const struct lintel_node *param)
{
    const char *name = param->kind == LINTEL_NODE_SCALAR ? strrchr(param->text.p, '/') : NULL;
    for (uint32_t i = 0; name != NULL && i < c->k->nparams; i++)
        if (strcmp(c->k->params[i], name + 1) == 0)
            return c->values[i];
    return NULL;
}

static void
append(struct lintel_node *map, struct lintel_node **last, struct lintel_node *n)
{
    n->next = NULL;
    *(*last ? &(*last)->next : &map->child) = n;
    *last = n;
    map->n++;
}

/* A map with the values of its sdfParameters in place; the map itself if it has none. Errors in
 * such a value are reported at the parameter. */
static const struct lintel_node *
with_params(struct compile *c, const struct lintel_node *map)
{
    const struct lintel_node *params = lintel_node_get(map, "sdfParameters");
    if (params == NULL)
        return map;
    struct lintel_arena *a = c->p->arena;
    struct lintel_node *copy = lintel_arena_alloc(a, sizeof *copy), *last = NULL;
    if (copy == NULL)
        return NULL;
    *copy = *map;
    copy->child = NULL;
    copy->n = 0;
    for (const struct lintel_node *m = map->child; m != NULL; m = m->next) {
        const struct lintel_node *param = lintel_node_get(params, m->key.p);
        if (m == params || (param != NULL && param_value(c, param) != NULL))
            continue;
        struct lintel_node *member = lintel_arena_alloc(a, sizeof *member);
        if (member == NULL)
            return NULL;
        *member = *m;
        append(copy, &last, member);
    }
    for (const struct lintel_node *param = params->child; param != NULL; param = param->next) {
        const struct lintel_node *value = param_value(c, param);
        struct lintel_node *member = value ? lintel_node_copy(value, a) : NULL;
        if (value != NULL && member == NULL)
            return NULL;
        if (member == NULL)
            continue;
        member->key = param->key;
        member->line = param->line;
        member->column = param->column;
        append(copy, &last, member);
    }
    return copy;
}

static struct side
read_side(struct compile *c, const struct lintel_affordance *a, const struct lintel_node *map,
          int reads)
{
    struct side side = {.doc = a->map_doc, .map = map};
    if (map->kind == LINTEL_NODE_MAP)
        side.map = with_params(c, map);
    if (side.map == NULL) {
        c->failed = 1;
        return side;
    }
    struct lintel_field_source source = {.doc = a->map_doc,
                                         .map = side.map,
                                         .also = reads ? c->r->map_also : c->r->send_also,
                                         .what = c->what,
                                         .folder = c->r->folder,
                                         .at = lintel_key_place(a->map_doc, map),
                                         .flags = c->flags};
    side.addr = lintel_fields_parse(c->k->plugin->address, &source, c->p->arena, c->r->report);
    side.natural = lintel_fields_natural(c->k->plugin->address, side.addr, c->p->arena);
    if (side.natural == NULL)
        side.natural = c->k->plugin->natural ? c->k->plugin->natural : "";
    if (side.addr == NULL)
        c->failed = 1;
    return side;
}

/* NULL where there is no data, or with the reasons. With a wrong address the wire's type is not
 * known, and nothing is said of a codec that leans on it. */
static struct lintel_codec *
compile_codec(struct compile *c, const struct side *side, const struct lintel_data *data)
{
    if (data == NULL || side->map == NULL || side->map->kind != LINTEL_NODE_MAP ||
        (side->addr == NULL && lintel_node_get(side->map, "type") == NULL))
        return NULL;
    struct lintel_codec_source source = {.doc = side->doc,
                                         .map = side->map,
                                         .data = data,
                                         .natural = side->natural,
                                         .unit_bytes = c->k->plugin->unit_bytes};
    struct lintel_codec *codec = lintel_codec_compile(&source, c->r->report);
    if (codec == NULL)
        c->failed = 1;
    return codec;
}

static int64_t
nanoseconds(const lintel_value *seconds, int64_t otherwise)
{
    return seconds->type == LINTEL_T_REAL ? (int64_t)llround(seconds->as.r * 1e9) : otherwise;
}

static void
read_pace(struct compile *c, const struct side *side, struct lintel_bound *b)
{
    static const int64_t usual = 10 * INT64_C(1000000000);
    if (side->map == NULL || side->map->kind != LINTEL_NODE_MAP)
        return;
    struct lintel_field_source source = {.doc = side->doc,
                                         .map = side->map,
                                         .what = c->what,
                                         .at = lintel_key_place(side->doc, side->map),
                                         .flags = LINTEL_FIELDS_OPEN};
    const lintel_value *pace =
        lintel_fields_parse(lintel_pace_table, &source, c->r->scratch, c->r->report);
    if (pace == NULL) {
        c->failed = 1;
        return;
    }
    b->poll_ns =
        nanoseconds(&pace[LINTEL_PACE_POLL], c->k->plugin->flags & LINTEL_PLUGIN_PUSH ? 0 : usual);
    b->stale_ns = nanoseconds(&pace[LINTEL_PACE_STALE], 3 * b->poll_ns);
    b->deadband =
        pace[LINTEL_PACE_DEADBAND].type == LINTEL_T_REAL ? pace[LINTEL_PACE_DEADBAND].as.r : 0;
}

static void
set_property(struct compile *c, struct lintel_bound *b, const struct side *read,
             const struct side *write)
{
    const struct lintel_affordance *a = b->affordance;
    if (read->map != NULL)
        read_pace(c, read, b);
    if (read->map != NULL && a->readable) {
        b->read.addr = read->addr;
        b->read.codec = compile_codec(c, read, a->data);
        b->flags |= LINTEL_P_READ;
        /* What comes by itself is listened to, also where it is asked for in between. */
        if (c->k->plugin->flags & LINTEL_PLUGIN_PUSH)
            b->flags |= LINTEL_P_NOTIFY;
    }
    if (write->map != NULL && a->writable) {
        b->write.addr = write->addr;
        b->write.codec = write->map == read->map && b->read.codec != NULL
                             ? lintel_codec_ref(b->read.codec)
                             : compile_codec(c, write, a->data);
        b->flags |= LINTEL_P_WRITE;
    }
}

static void
bind_split(struct compile *c, struct lintel_bound *b, const struct lintel_node *map)
{
    static const char *const keys[] = {"read", "write", NULL};
    const struct lintel_affordance *a = b->affordance;
    const struct lintel_node *r = lintel_node_get(map, "read"), *w = lintel_node_get(map, "write");
    struct side none = {0}, read = none, write = none;
    if (lintel_reader_keys(c->r, a->map_doc, map, keys, "a map split into read and write") != 0)
        c->failed = 1;
    if (r != NULL)
        read = read_side(c, a, r, a->kind == LINTEL_K_PROPERTY);
    if (w != NULL)
        write = read_side(c, a, w, 0);
    if (a->kind == LINTEL_K_PROPERTY) {
        set_property(c, b, &read, &write);
        return;
    }
    /* An action: what is sent, and what comes back. */
    if (w == NULL) {
        lintel_error(c->r->report, lintel_key_place(a->map_doc, map),
                     "an action split into read and write needs \"write\", what is sent");
        c->failed = 1;
        return;
    }
    b->write.addr = write.addr;
    b->write.codec = compile_codec(c, &write, a->input);
    if (r != NULL && a->output != NULL) {
        b->read.addr = read.addr;
        b->read.codec = compile_codec(c, &read, a->output);
    }
}

static void
bind_flat(struct compile *c, struct lintel_bound *b, const struct lintel_node *map)
{
    const struct lintel_affordance *a = b->affordance;
    struct side side = read_side(c, a, map, a->kind == LINTEL_K_PROPERTY);
    switch (a->kind) {
    case LINTEL_K_PROPERTY: set_property(c, b, &side, &side); break;
    case LINTEL_K_ACTION:
        b->write.addr = side.addr;
        b->write.codec = compile_codec(c, &side, a->input);
        if (a->output != NULL) {
            b->read.addr = side.addr;
            b->read.codec = compile_codec(c, &side, a->output);
        }
        break;
    default:
        b->read.addr = side.addr;
        b->read.codec = compile_codec(c, &side, a->data);
        b->flags |= LINTEL_P_NOTIFY;
        break;
    }
}

static void
bind_affordance(struct compile *c, const struct lintel_affordance *a, struct lintel_bound *b)
{
    const struct lintel_node *map = lintel_node_get(a->protocol_map, c->k->plugin->name);
    b->affordance = a;
    b->scale_from = -1;
    if (map == NULL || lintel_node_is_null(map))
        return;
    b->mapped = 1;
    if (map->kind == LINTEL_NODE_MAP && a->kind != LINTEL_K_EVENT &&
        (lintel_node_get(map, "read") != NULL || lintel_node_get(map, "write") != NULL))
        bind_split(c, b, map);
    else
        bind_flat(c, b, map);
}

/* ---- scaleFrom ------------------------------------------------------------------------------- */

/* Bytes of the path that are the object's. */
static size_t
object_length(const struct lintel_affordance *a)
{
    size_t n = strlen(a->path);
    for (int slashes = 0; n > 0 && slashes < 2; n--) /* "/p/name" */
        slashes += a->path[n - 1] == '/';
    return n;
}

static int
is_sibling(const struct lintel_affordance *a, const struct lintel_affordance *b)
{
    size_t n = object_length(a);
    return b->kind == LINTEL_K_PROPERTY && n == object_length(b) &&
           memcmp(a->path, b->path, n) == 0;
}

static int
scale_error(struct compile *c, const struct lintel_bound *b, const char *name, const char *why)
{
    const struct lintel_affordance *a = b->affordance;
    const struct lintel_node *map = lintel_node_get(a->protocol_map, c->k->plugin->name);
    const struct lintel_node *half = lintel_node_get(map, "read");
    const struct lintel_node *n = lintel_node_get(half ? half : map, "scaleFrom");
    lintel_error(c->r->report, lintel_node_place(a->map_doc, n ? n : map),
                 "scaleFrom: \"%.64s\" %s", name, why);
    c->failed = 1;
    return -1;
}

static int
find_scale(struct compile *c, const struct lintel_bound *b, const char *name)
{
    struct lintel_profile *p = c->p;
    const char **words = lintel_arena_alloc(c->r->scratch, (p->n + 1) * sizeof *words);
    uint32_t count = 0;
    if (words == NULL)
        return -1;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct lintel_bound *other = &p->bound[i];
        if (!is_sibling(b->affordance, other->affordance))
            continue;
        words[count++] = other->affordance->name;
        if (strcmp(other->affordance->name, name) != 0)
            continue;
        if (other->read.codec == NULL)
            return scale_error(c, b, name, "is not read over this protocol");
        if (lintel_codec_scale_from(other->read.codec) != NULL)
            return scale_error(c, b, name, "is itself scaled by another property");
        return (int)i;
    }
    char why[LINTEL_HINT + 60], hint[LINTEL_HINT];
    (void)lintel_format(why, sizeof why, "is no property beside this one%s",
                        lintel_hint(hint, name, words));
    return scale_error(c, b, name, why);
}

static void
find_scales(struct compile *c)
{
    for (uint32_t i = 0; i < c->p->n; i++) {
        struct lintel_bound *b = &c->p->bound[i];
        const char *r = b->read.codec ? lintel_codec_scale_from(b->read.codec) : NULL;
        const char *w = b->write.codec ? lintel_codec_scale_from(b->write.codec) : NULL;
        if (r == NULL && w == NULL)
            continue;
        if (r != NULL && w != NULL && strcmp(r, w) != 0)
            scale_error(c, b, w, "is for writing, but reading is scaled by another");
        else
            b->scale_from = find_scale(c, b, r ? r : w);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static struct lintel_profile *
profile_new(const struct lintel_kind *k)
{
    struct lintel_profile *p = lintel_alloc(sizeof *p);
    if (p == NULL)
        return NULL;
    p->refs = 1;
    p->plugin = k->plugin;
    p->n = k->model->n;
    p->model = lintel_model_ref(k->model);
    if ((p->arena = lintel_arena_new()) == NULL ||
        (p->id = lintel_arena_strdup(p->arena, k->id)) == NULL ||
        (p->bound = lintel_arena_alloc(p->arena, p->n * sizeof *p->bound)) == NULL) {
        lintel_profile_unref(p);
        return NULL;
    }
    return p;
}

struct lintel_profile *
lintel_profile_compile(struct lintel_reader *r, const struct lintel_kind *k,
                       const struct lintel_node *const *values, int partial)
{
    char what[64];
    (void)lintel_format(what, sizeof what, "a %s map", k->plugin->name);
    struct compile c = {.r = r,
                        .k = k,
                        .values = values,
                        .flags = partial ? LINTEL_FIELDS_PARTIAL : 0,
                        .what = what,
                        .p = profile_new(k)};
    if (c.p == NULL)
        return lintel_reader_no_memory(r);
    for (uint32_t i = 0; i < c.p->n; i++) {
        const struct lintel_affordance *a = &k->model->affordances[i];
        bind_affordance(&c, a, &c.p->bound[i]);
        if (lintel_map_put(&c.p->by_path, a->path, strlen(a->path), &c.p->bound[i]) != 0)
            lintel_reader_no_memory(r);
    }
    if (!c.failed)
        find_scales(&c);
    if (lintel_arena_failed(c.p->arena))
        lintel_reader_no_memory(r);
    if (c.failed || lintel_arena_failed(c.p->arena)) {
        lintel_profile_unref(c.p);
        return NULL;
    }
    return c.p;
}
