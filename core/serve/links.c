/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "core/serve/links.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/directory/link.h"
#include "core/serve/mount.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

struct list {               /* a document being written */
    struct lintel_call *c;  /* NULL: for the directory; nothing is filtered */
    struct lintel_buf out;  /* the links */
    struct lintel_buf text; /* target and attributes of one link */
    size_t bytes;           /* for the directory: how much it takes */
    uint32_t count;
    int cut;
};

static int
list_begin(struct list *l, struct lintel_call *c)
{
    if (c->x->method != LINTEL_GET) {
        lintel_call_method(c, "a list of links", "GET");
        return 0;
    }
    *l = (struct list){.c = c, .out = lintel_out_take(c->tree)};
    return 1;
}

/* Adds a link if the query wants it. */
static void
list_add(struct list *l, const struct lintel_link *link)
{
    if (l->text.failed) {
        l->out.failed = 1; /* target or attributes are not whole */
        return;
    }
    if (l->c == NULL) {
        size_t before = l->out.n;
        if (l->cut || l->count == 0) {
            l->cut = 1;
            return;
        }
        lintel_link_write(&l->out, link);
        l->count--;
        if (l->out.n > l->bytes) {
            l->out.n = before;
            l->cut = 1;
        }
        return;
    }
    if (lintel_link_matches(link, l->c->x->query, l->c->x->nquery))
        lintel_link_write(&l->out, link);
}

static void
list_end(struct list *l)
{
    if (l->text.failed)
        l->out.failed = 1;
    lintel_buf_fini(&l->text);
    /* Nobody in a group wants to hear that nothing matched (RFC 7252 section 8.2). */
    if (l->out.n == 0 && !l->out.failed && l->c->x->flags & LINTEL_X_MULTICAST) {
        lintel_call_fail(l->c, LINTEL_NOT_FOUND, "no link matches");
        lintel_out_put(l->c->tree, &l->out);
        return;
    }
    lintel_call_document(l->c, LINTEL_FORMAT_LINK, 60, &l->out);
}

/* The kind of thing: the global names of the objects whose affordances it has, each once,
 * blank-separated. */
static void
add_types(struct lintel_buf *b, const struct lintel_model *m)
{
    const char *last = "";
    size_t last_n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const char *global = m->affordances[i].global;
        const char *end = global == NULL ? NULL : strrchr(global, '/'); /* /sdfProperty/name */
        while (end != NULL && end > global && end[-1] != '/')
            end--;
        if (end == NULL || end <= global)
            continue;
        size_t n = (size_t)(end - 1 - global);
        if (n == last_n && memcmp(global, last, n) == 0)
            continue;
        if (last_n != 0)
            lintel_buf_addc(b, ' ');
        lintel_buf_add(b, global, n);
        last = global;
        last_n = n;
    }
}

static void
add_things(struct list *l)
{
    struct lintel_engine *e = l->c->tree->source.engine;
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && !l->out.failed; i++) {
        const struct lintel_thing *t = lintel_live_thing_conf(lintel_engine_thing_at(e, i));
        struct lintel_link link;
        if (!lintel_call_can(l->c, t->zone, LINTEL_MAY_READ))
            continue;
        lintel_buf_reset(&l->text);
        lintel_buf_adds(&l->text, "/d");
        lintel_link_segment(&l->text, t->id, strlen(t->id));
        size_t n = l->text.n;
        add_types(&l->text, t->profile->model);
        lintel_link_init(&link, (struct lintel_str){l->text.p, n});
        lintel_link_set(&link, "rt", (struct lintel_str){l->text.p + n, l->text.n - n});
        lintel_link_set(&link, "ct", lintel_str("40"));
        if (t->label != NULL)
            lintel_link_set(&link, "title", lintel_str(t->label));
        list_add(l, &link);
    }
}

static void
add_description(struct list *l, const char *target, const char *rt)
{
    struct lintel_link link;
    lintel_link_init(&link, lintel_str(target));
    lintel_link_set(&link, "rt", lintel_str(rt));
    lintel_link_set(&link, "ct", lintel_str("432 50"));
    list_add(l, &link);
}

/* The directory (RFC 9176 section 4.1), and what it is made by (section 4.3's impl-info). */
static void
add_directory(struct list *l)
{
    static const struct {
        const char *target, *rt;
        uint32_t needs;
        int obs;
    } services[] = {{"/rd", "core.rd", LINTEL_MAY_REGISTER, 0},
                    {"/rd-lookup/ep", "core.rd-lookup-ep", LINTEL_MAY_READ, 1},
                    {"/rd-lookup/res", "core.rd-lookup-res", LINTEL_MAY_READ, 1}};
    struct lintel_link link;
    for (size_t i = 0; i < LINTEL_COUNT(services); i++) {
        if (!lintel_call_can(l->c, NULL, services[i].needs))
            continue;
        lintel_link_init(&link, lintel_str(services[i].target));
        lintel_link_set(&link, "rt", lintel_str(services[i].rt));
        lintel_link_set(&link, "ct", lintel_str("40"));
        if (services[i].obs)
            lintel_link_flag(&link, "obs");
        list_add(l, &link);
    }
    lintel_link_init(&link, lintel_str("https://lintel-hub.example/lintel/" PACKAGE_VERSION));
    lintel_link_set(&link, "rel", lintel_str("impl-info"));
    list_add(l, &link);
}

/* What plugins have mounted, as they describe it. */
static void
add_mounted(struct list *l)
{
    struct lintel_arena *a = lintel_arena_new();
    for (const struct lintel_mount *m = l->c->tree->mounts; a != NULL && m != NULL; m = m->next) {
        struct lintel_link_reader r = {m->links, strlen(m->links), 0};
        struct lintel_link link;
        const char *reason;
        while (lintel_link_next(&r, a, &link, &reason) > 0)
            list_add(l, &link);
    }
    if (a == NULL)
        l->out.failed = 1;
    lintel_arena_free(a);
}

void
lintel_serve_core(struct lintel_call *c)
{
    static const struct {
        const char *target, *ct, *title;
        uint32_t needs; /* LINTEL_MAY_* */
    } services[] = {
        {"/.well-known/core", "40", NULL, 0},
        {"/d", "40", "things", LINTEL_MAY_READ},
        {"/models", "40", "models of the things", LINTEL_MAY_READ},
        {"/maps", "40", "bindings of the things", LINTEL_MAY_READ},
        {"/hub/status", "50", "the hub and its buses", LINTEL_MAY_MANAGE},
        {"/hub/things", "50", "things and their state", LINTEL_MAY_MANAGE},
        {"/hub/values", "50", "values of all things", LINTEL_MAY_MANAGE},
        {"/hub/directory", "50", "registrations of the directory", LINTEL_MAY_MANAGE},
        {"/hub/plugins", "50", "plugins", LINTEL_MAY_MANAGE},
        {"/hub/audit", "50", "who wrote what", LINTEL_MAY_MANAGE},
        {"/hub/reload", NULL, "read the site's files again", LINTEL_MAY_MANAGE},
    };
    struct list l;
    if (!list_begin(&l, c))
        return;
    for (size_t i = 0; i < LINTEL_COUNT(services); i++) {
        struct lintel_link link;
        if (!lintel_call_can(c, NULL, services[i].needs))
            continue;
        lintel_link_init(&link, lintel_str(services[i].target));
        if (services[i].ct != NULL)
            lintel_link_set(&link, "ct", lintel_str(services[i].ct));
        if (services[i].title != NULL)
            lintel_link_set(&link, "title", lintel_str(services[i].title));
        list_add(&l, &link);
    }
    add_directory(&l);
    if (lintel_call_can(c, NULL, LINTEL_MAY_READ))
        add_description(&l, "/.well-known/wot", "wot.directory");
    if (lintel_call_can(c, "", LINTEL_MAY_READ))
        add_mounted(&l);
    add_things(&l);
    list_end(&l);
}

void
lintel_serve_things(struct lintel_call *c)
{
    struct list l;
    if (!list_begin(&l, c))
        return;
    add_things(&l);
    list_end(&l);
}

static void
add_affordance(struct list *l, const char *prefix, size_t prefix_n,
               const struct lintel_affordance *a)
{
    static const struct {
        const char *interface, *ct;
    } kinds[] = {
        [LINTEL_K_PROPERTY] = {LINTEL_IF_PROPERTY, "50 60 110 112 0"},
        [LINTEL_K_ACTION] = {LINTEL_IF_ACTION, "50 60 0"},
        [LINTEL_K_EVENT] = {LINTEL_IF_EVENT, "50 60 110 112 0"},
    };
    struct lintel_link link;
    lintel_buf_reset(&l->text);
    lintel_buf_add(&l->text, prefix, prefix_n);
    for (const char *p = a->path; *p != '\0';) {
        size_t n = strcspn(p, "/");
        lintel_link_segment(&l->text, p, n);
        p += n + (p[n] == '/');
    }
    lintel_link_init(&link, (struct lintel_str){l->text.p, l->text.n});
    if (a->global != NULL)
        lintel_link_set(&link, "rt", lintel_str(a->global));
    lintel_link_set(&link, "if", lintel_str(kinds[a->kind].interface));
    lintel_link_set(&link, "ct", lintel_str(kinds[a->kind].ct));
    if (a->label != NULL)
        lintel_link_set(&link, "title", lintel_str(a->label));
    if (a->kind != LINTEL_K_ACTION && a->observable)
        lintel_link_flag(&link, "obs");
    list_add(l, &link);
}

static void
add_thing_links(struct list *l, const struct lintel_thing *t, int own_root)
{
    struct lintel_buf prefix = {0};
    struct lintel_link link;
    if (!own_root) {
        lintel_buf_adds(&prefix, "/d");
        lintel_link_segment(&prefix, t->id, strlen(t->id));
    }
    for (uint32_t i = 0; i < t->profile->n && !l->out.failed; i++)
        if (t->profile->bound[i].mapped)
            add_affordance(l, prefix.p, prefix.n, t->profile->bound[i].affordance);
    lintel_buf_reset(&l->text);
    lintel_buf_add(&l->text, prefix.p, prefix.n);
    lintel_buf_adds(&l->text, "/s");
    lintel_link_init(&link, (struct lintel_str){l->text.p, l->text.n});
    lintel_link_set(&link, "ct", lintel_str("110 112"));
    lintel_link_set(&link, "title", lintel_str("all properties"));
    lintel_link_flag(&link, "obs");
    list_add(l, &link);
    lintel_buf_adds(&prefix, own_root ? "/.well-known/wot" : "/td");
    add_description(l, lintel_buf_str(&prefix), "wot.thing");
    if (prefix.failed)
        l->out.failed = 1;
    lintel_buf_fini(&prefix);
}

void
lintel_serve_thing(struct lintel_call *c, struct lintel_live_thing *thing, int own_root)
{
    struct list l;
    if (!list_begin(&l, c))
        return;
    add_thing_links(&l, lintel_live_thing_conf(thing), own_root);
    list_end(&l);
}

int
lintel_thing_links(const struct lintel_thing *t, int own_root, size_t bytes, uint32_t count,
                   struct lintel_buf *out)
{
    struct list l = {.out = *out, .bytes = bytes, .count = count};
    add_thing_links(&l, t, own_root);
    *out = l.out;
    out->failed |= l.text.failed;
    lintel_buf_fini(&l.text);
    return l.cut ? -1 : 0;
}

void
lintel_thing_types(const struct lintel_thing *t, struct lintel_buf *out)
{
    add_types(out, t->profile->model);
}
