/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "core/serve/td.h"

#include <stdio.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/directory/link.h"
#include "core/serve/json.h"
#include "core/serve/nearest.h"
#include "core/serve/schema.h"

/* One TD, or one Thing Model, being written. */
struct td {
    struct lintel_buf *b;
    const struct lintel_profile *profile;
    const struct lintel_thing *thing; /* NULL: a model */
    struct lintel_map names;          /* "p/activePower" -> its affordance, or &shared */
};

static const struct lintel_affordance shared;

/* ---- names ----------------------------------------------------------------------------------- */

static int
is_shown(const struct td *t, const struct lintel_bound *bound)
{
    return t->thing == NULL || bound->mapped;
}

static size_t
key_of(const struct lintel_affordance *a, char out[160])
{
    int n = snprintf(out, 160, "%u/%s", a->kind, a->name);
    return n < 160 ? (size_t)n : 159;
}

static void
note_names(struct td *t)
{
    char key[160];
    for (uint32_t i = 0; i < t->profile->n; i++) {
        const struct lintel_affordance *a = t->profile->bound[i].affordance;
        size_t n = key_of(a, key);
        const void *value = lintel_map_get(&t->names, key, n) == NULL ? a : &shared;
        t->b->failed |= lintel_map_put(&t->names, key, n, (void *)(uintptr_t)value) != 0;
    }
}

/* The given name; with its groups in front where two groups have one of that name. */
static const char *
name_of(const struct td *t, const struct lintel_affordance *a)
{
    char key[160];
    size_t n = key_of(a, key);
    return lintel_map_get(&t->names, key, n) == &shared ? a->senml : a->name;
}

/* ---- forms ----------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    int structured; /* can carry lists and maps */
} media[] = {
    {"application/json", 1},
    {"application/cbor", 1},
    {"application/senml+json", 0},
    {"application/senml+cbor", 0},
};

static void
add_href(struct lintel_buf *b, const char *path)
{
    struct lintel_buf href = {0};
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(p, "/");
        lintel_link_segment(&href, p, n);
        p += n + (p[n] == '/');
    }
    b->failed |= href.failed;
    if (href.n != 0) { /* relative to the TD's base */
        lintel_json_key(b, "href");
        lintel_buf_add_json_str(b, href.p + 1, href.n - 1);
    }
    lintel_buf_fini(&href);
}

static void
add_op(struct lintel_buf *b, const char *const *ops, uint32_t n)
{
    lintel_json_key(b, "op");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < n; i++) {
        lintel_json_item(b);
        lintel_buf_add_json_str(b, ops[i], strlen(ops[i]));
    }
    lintel_buf_addc(b, ']');
}

/* What can be done with an affordance, in one form: the methods are CoAP's defaults for each
 * operation. */
static uint32_t
ops_of(const struct lintel_bound *bound, const char *ops[6])
{
    const struct lintel_affordance *a = bound->affordance;
    uint32_t n = 0;
    if (a->kind == LINTEL_K_ACTION) {
        ops[n++] = "invokeaction";
    } else if (a->kind == LINTEL_K_EVENT) {
        ops[n++] = "subscribeevent";
        ops[n++] = "unsubscribeevent";
    } else {
        int readable = a->readable && bound->read.addr != NULL;
        if (readable)
            ops[n++] = "readproperty";
        if (a->writable && bound->write.addr != NULL)
            ops[n++] = "writeproperty";
        if (readable && a->observable) {
            ops[n++] = "observeproperty";
            ops[n++] = "unobserveproperty";
        }
    }
    return n;
}

static void
add_form(struct lintel_buf *b, const char *path, const char *type, const char *const *ops,
         uint32_t nops)
{
    lintel_json_item(b);
    lintel_buf_addc(b, '{');
    add_href(b, path);
    lintel_json_text(b, "contentType", type);
    add_op(b, ops, nops);
    lintel_buf_addc(b, '}');
}

static void
add_forms(struct td *t, const struct lintel_bound *bound)
{
    struct lintel_buf *b = t->b;
    const struct lintel_affordance *a = bound->affordance;
    const char *ops[6];
    uint32_t n = ops_of(bound, ops);
    /* Actions take and give bare values alone. */
    size_t formats = a->kind == LINTEL_K_ACTION ? 2 : LINTEL_COUNT(media);
    lintel_json_key(b, "forms");
    lintel_buf_addc(b, '[');
    for (size_t i = 0; i < formats; i++)
        add_form(b, a->path, media[i].type, ops, n);
    lintel_buf_addc(b, ']');
}

/* ---- affordances ----------------------------------------------------------------------------- */

static void
add_schema(struct lintel_buf *b, const char *name, const struct lintel_data *d)
{
    if (d == NULL)
        return;
    lintel_json_key(b, name);
    lintel_buf_addc(b, '{');
    lintel_schema_members(b, d);
    lintel_buf_addc(b, '}');
}

static void
add_affordance(struct td *t, const struct lintel_bound *bound)
{
    struct lintel_buf *b = t->b;
    const struct lintel_affordance *a = bound->affordance;
    int readable = a->readable && (t->thing == NULL || bound->read.addr != NULL);
    int writable = a->writable && (t->thing == NULL || bound->write.addr != NULL);
    lintel_json_key(b, name_of(t, a));
    lintel_buf_addc(b, '{');
    if (a->label != NULL)
        lintel_json_text(b, "title", a->label);
    if (a->description != NULL)
        lintel_json_text(b, "description", a->description);
    if (a->global != NULL)
        lintel_json_text(b, "lintel:sdf", a->global);
    if (a->kind == LINTEL_K_PROPERTY) {
        lintel_schema_members(b, a->data);
        if (!writable)
            lintel_json_flag(b, "readOnly", 1);
        if (!readable)
            lintel_json_flag(b, "writeOnly", 1);
        lintel_json_flag(b, "observable", readable && a->observable);
    } else if (a->kind == LINTEL_K_ACTION) {
        add_schema(b, "input", a->input);
        add_schema(b, "output", a->output);
    } else {
        add_schema(b, "data", a->data);
    }
    if (t->thing != NULL)
        add_forms(t, bound);
    lintel_buf_addc(b, '}');
}

/* All of one kind; a thing without any says nothing of it. */
static void
add_kind(struct td *t, uint32_t kind, const char *name)
{
    int any = 0;
    for (uint32_t i = 0; i < t->profile->n && !t->b->failed; i++) {
        const struct lintel_bound *bound = &t->profile->bound[i];
        if (bound->affordance->kind != kind || !is_shown(t, bound))
            continue;
        if (!any) {
            lintel_json_key(t->b, name);
            lintel_buf_addc(t->b, '{');
        }
        any = 1;
        add_affordance(t, bound);
    }
    if (any)
        lintel_buf_addc(t->b, '}');
}

static void
add_affordances(struct td *t)
{
    note_names(t);
    add_kind(t, LINTEL_K_PROPERTY, "properties");
    add_kind(t, LINTEL_K_ACTION, "actions");
    add_kind(t, LINTEL_K_EVENT, "events");
    lintel_map_fini(&t->names);
}

/* ---- the head -------------------------------------------------------------------------------- */

static void
add_context(struct lintel_buf *b)
{
    lintel_buf_adds(b, "{\"@context\":[\"https://www.w3.org/2022/wot/td/v1.1\","
                       "{\"cov\":\"https://www.w3.org/2019/wot/coap#\","
                       "\"lintel\":\"https://lintel-hub.example/td#\"}]");
}

/* A name that stays the same after a restart, and tells nothing of the thing (RFC 9562
 * section 5.8). */
static void
add_id(struct lintel_buf *b, const struct lintel_tree *t, const char *what, const char *name)
{
    uint8_t h[32];
    char label[160];
    if (t->source.derive == NULL)
        return;
    int n = snprintf(label, sizeof label, "%s:%s", what, name);
    t->source.derive(t->source.ctx, label, (size_t)n < sizeof label ? (size_t)n : sizeof label - 1,
                     h);
    h[6] = (uint8_t)((h[6] & 0x0f) | 0x80);
    h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
    lintel_json_key(b, "id");
    lintel_buf_adds(b, "\"urn:uuid:");
    for (int i = 0; i < 16; i++)
        lintel_buf_addf(b, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", h[i]);
    lintel_buf_addc(b, '"');
}

/* How a client proves who it is: what the listener that it came by asks for. */
static void
add_security(struct lintel_buf *b, const lintel_exchange *x)
{
    const char *scheme = "nosec";
    if (strncmp(x->base != NULL ? x->base : "", "coaps", 5) == 0)
        scheme = x->authority != NULL && strcmp(x->authority, "psk") != 0 ? "auto" : "psk";
    lintel_json_key(b, "securityDefinitions");
    lintel_buf_addf(b, "{\"%s_sc\":{\"scheme\":\"%s\"}}", scheme, scheme);
    lintel_json_key(b, "security");
    lintel_buf_addf(b, "[\"%s_sc\"]", scheme);
}

static void
add_link(struct lintel_buf *b, const char *href, const char *id, const char *rel, const char *type)
{
    struct lintel_buf target = {0};
    lintel_buf_adds(&target, href);
    if (id != NULL)
        lintel_link_segment(&target, id, strlen(id));
    b->failed |= target.failed;
    lintel_json_item(b);
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "href", lintel_buf_str(&target));
    lintel_json_text(b, "rel", rel);
    if (type != NULL)
        lintel_json_text(b, "type", type);
    lintel_buf_addc(b, '}');
    lintel_buf_fini(&target);
}

static const char *
title_of(const struct lintel_thing *t)
{
    return t->label != NULL && t->label[0] != '\0' ? t->label : t->id;
}

static void
add_version(struct lintel_buf *b, const struct lintel_thing *t)
{
    char instance[17];
    for (int i = 0; i < 8; i++)
        snprintf(instance + 2 * i, 3, "%02x", t->digest[i]);
    lintel_json_key(b, "version");
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "instance",
                     instance); /* changes with the site's files that make the thing */
    if (t->profile->model->version != NULL)
        lintel_json_text(b, "model", t->profile->model->version);
    lintel_buf_addc(b, '}');
}

/* The hub's resources as seen from a TD: a thing at its own address has the models beside it, the
 * hub stands behind base. */
static void
add_links(struct lintel_buf *b, const struct lintel_thing *t, const char *hub)
{
    struct lintel_buf at = {0};
    lintel_json_key(b, "links");
    lintel_buf_addc(b, '[');
    lintel_buf_adds(&at, hub);
    lintel_buf_adds(&at, "/models");
    add_link(b, lintel_buf_str(&at), t->profile->id, "type", "application/tm+json");
    add_link(b, lintel_buf_str(&at), t->profile->id, "describedby", "application/sdf+json");
    lintel_buf_reset(&at);
    lintel_buf_adds(&at, hub);
    lintel_buf_adds(&at, "/d");
    lintel_link_segment(&at, t->id, strlen(t->id));
    add_link(b, lintel_buf_str(&at), NULL, "alternate", "application/link-format");
    b->failed |= at.failed;
    lintel_buf_fini(&at);
    lintel_buf_addc(b, ']');
}

/* hub: the URI of the hub's tree as this client reaches it; own: the thing's own, or NULL. */
static void
write_thing(struct lintel_buf *b, const struct lintel_tree *tree, const struct lintel_thing *thing,
            const lintel_exchange *x, int own_root)
{
    struct td t = {.b = b, .profile = thing->profile, .thing = thing};
    struct lintel_buf base = {0};
    const char *here = x->base != NULL ? x->base : "";
    add_context(b);
    add_id(b, tree, "thing", thing->id);
    lintel_json_text(b, "title", title_of(thing));
    add_version(b, thing);
    lintel_buf_adds(&base, here);
    if (!own_root) {
        lintel_buf_adds(&base, "/d");
        lintel_link_segment(&base, thing->id, strlen(thing->id));
    }
    lintel_buf_addc(&base, '/');
    b->failed |= base.failed;
    lintel_json_text(b, "base", lintel_buf_str(&base));
    lintel_buf_fini(&base);
    add_security(b, x);
    if (!own_root)
        add_links(b, thing, here);
    add_affordances(&t);
    lintel_buf_addc(b, '}');
}

void
lintel_thing_model(struct lintel_buf *b, const struct lintel_profile *p)
{
    struct td t = {.b = b, .profile = p};
    add_context(b);
    lintel_json_text(b, "@type", "tm:ThingModel");
    lintel_json_text(b, "title", p->model->title != NULL ? p->model->title : p->id);
    if (p->model->version != NULL) {
        lintel_json_key(b, "version");
        lintel_buf_addc(b, '{');
        lintel_json_text(b, "model", p->model->version);
        lintel_buf_addc(b, '}');
    }
    add_affordances(&t);
    lintel_buf_addc(b, '}');
}

/* ---- resources ------------------------------------------------------------------------------- */

static const int32_t formats[] = {LINTEL_FORMAT_TD, LINTEL_FORMAT_JSON};

/* The format of a description, or LINTEL_FORMAT_NONE after the call was answered. */
static int32_t
begin(struct lintel_call *c, const char *what)
{
    int32_t format = lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, what, "GET");
        return LINTEL_FORMAT_NONE;
    }
    if (format == LINTEL_FORMAT_NONE)
        lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE, "%s is 432 (application/td+json) or 50 (JSON)",
                         what);
    return format;
}

void
lintel_serve_td(struct lintel_call *c, struct lintel_live_thing *thing, int own_root)
{
    const struct lintel_thing *t = lintel_live_thing_conf(thing);
    int32_t format = begin(c, "a Thing Description");
    if (format == LINTEL_FORMAT_NONE || !lintel_call_may(c, t->zone, LINTEL_MAY_READ))
        return;
    struct lintel_buf b = lintel_out_take(c->tree);
    write_thing(&b, c->tree, t, c->x, own_root);
    lintel_call_document(c, format, 60, &b);
}

/* The interaction patterns of a Thing Description Directory (W3C WoT Discovery section 7.3) that
 * reading takes; things are made by the site's files, not by clients. */
void
lintel_serve_hub_td(struct lintel_call *c)
{
    static const char *const read[] = {"readproperty"}, *const invoke[] = {"invokeaction"};
    const char *here = c->x->base != NULL ? c->x->base : "";
    int32_t format = begin(c, "a Thing Description");
    if (format == LINTEL_FORMAT_NONE || !lintel_call_may(c, NULL, LINTEL_MAY_READ))
        return;
    struct lintel_buf b = lintel_out_take(c->tree);
    add_context(&b);
    lintel_json_text(&b, "@type", "ThingDirectory");
    add_id(&b, c->tree, "hub", c->tree->hub);
    lintel_json_text(&b, "title", c->tree->hub);
    lintel_json_key(&b, "version");
    lintel_buf_addf(&b, "{\"instance\":\"%s\"}", PACKAGE_VERSION);
    lintel_json_key(&b, "base");
    lintel_buf_addf(&b, "\"%s/\"", here);
    add_security(&b, c->x);
    lintel_json_key(&b, "properties");
    lintel_buf_adds(&b,
                    "{\"things\":{\"description\":\"The descriptions of all things, in pages.\","
                    "\"type\":\"array\",\"items\":{\"type\":\"object\"},\"readOnly\":true,"
                    "\"observable\":false,\"uriVariables\":{"
                    "\"offset\":{\"type\":\"integer\",\"minimum\":0},"
                    "\"limit\":{\"type\":\"integer\",\"minimum\":1}},\"forms\":[");
    lintel_buf_adds(&b, "{\"href\":\"tdd/things{?offset,limit}\","
                        "\"contentType\":\"application/json\",");
    lintel_buf_addf(&b, "\"op\":[\"%s\"]}]}}", read[0]);
    lintel_json_key(&b, "actions");
    lintel_buf_adds(&b, "{\"retrieveThing\":{\"description\":\"One description, by its thingId.\","
                        "\"safe\":true,\"idempotent\":true,\"uriVariables\":{\"id\":{"
                        "\"type\":\"string\"}},\"output\":{\"type\":\"object\"},\"forms\":["
                        "{\"href\":\"tdd/things/{id}\",\"contentType\":\"application/td+json\","
                        "\"cov:method\":\"GET\",");
    lintel_buf_addf(&b, "\"op\":[\"%s\"]}]}}", invoke[0]);
    lintel_json_key(&b, "links");
    lintel_buf_addc(&b, '[');
    add_link(&b, "rd-lookup/res", NULL, "search", "application/link-format");
    lintel_buf_adds(&b, "]}");
    lintel_call_document(c, format, 60, &b);
}

/* A whole number behind "name=" in a query; -1: it is none. */
static int
argument(const lintel_exchange *x, const char *name, uint64_t *ret)
{
    size_t n = strlen(name);
    for (uint32_t i = 0; i < x->nquery; i++) {
        const lintel_span *q = &x->query[i];
        int64_t value;
        if (q->n <= n || memcmp(q->p, name, n) != 0 || q->p[n] != '=')
            continue;
        if (!lintel_parse_int(q->p + n + 1, q->n - n - 1, &value) || value < 0)
            return -1;
        *ret = (uint64_t)value;
    }
    return 0;
}

/* All things that the client may see, a page of them: a TD is a few kilobytes. */
static void
serve_list(struct lintel_call *c)
{
    enum { PAGE = 100 };
    struct lintel_engine *e = c->tree->source.engine;
    uint64_t offset = 0, limit = PAGE, seen = 0;
    if (argument(c->x, "offset", &offset) != 0 || argument(c->x, "limit", &limit) != 0 ||
        limit == 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "offset is a whole number from 0, limit one from 1 to %d", PAGE);
        return;
    }
    if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, "the list of Thing Descriptions", "GET");
        return;
    }
    if (!lintel_call_accepts(c, LINTEL_FORMAT_JSON))
        return;
    struct lintel_buf b = lintel_out_take(c->tree), one = {0};
    lintel_buf_addc(&b, '[');
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && !b.failed; i++) {
        const struct lintel_thing *t = lintel_live_thing_conf(lintel_engine_thing_at(e, i));
        if (!lintel_call_can(c, t->zone, LINTEL_MAY_READ))
            continue;
        if (seen++ < offset)
            continue;
        if (seen > offset + (limit < PAGE ? limit : PAGE))
            break;
        lintel_buf_reset(&one);
        write_thing(&one, c->tree, t, c->x, 0);
        lintel_json_item(&b);
        lintel_buf_add(&b, one.p, one.n);
        b.failed |= one.failed;
    }
    lintel_buf_addc(&b, ']');
    lintel_buf_fini(&one);
    lintel_call_document(c, LINTEL_FORMAT_JSON, 60, &b);
}

void
lintel_serve_td_directory(struct lintel_call *c)
{
    static const char things[] = "things";
    if (c->npath == 0 || c->npath > 2 || c->path[0].n != sizeof things - 1 ||
        memcmp(c->path[0].p, things, sizeof things - 1) != 0) {
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no such path; GET /tdd/things lists descriptions");
        return;
    }
    if (c->npath == 1) {
        serve_list(c);
        return;
    }
    struct lintel_live_thing *thing = lintel_engine_find_thing(
        c->tree->source.engine, c->path[1].p == NULL ? "" : c->path[1].p, c->path[1].n);
    if (thing == NULL)
        lintel_call_no_thing(c, &c->path[1]);
    else
        lintel_serve_td(c, thing, 0);
}
