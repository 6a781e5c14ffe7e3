/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/tree.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/audit.h"
#include "core/serve/hub.h"
#include "core/serve/inside.h"
#include "core/serve/links.h"
#include "core/serve/models.h"
#include "core/serve/mount.h"
#include "core/serve/nearest.h"
#include "core/serve/pack.h"
#include "core/serve/property.h"
#include "core/serve/rd.h"
#include "core/serve/td.h"

struct lintel_tree *
lintel_tree_new(const struct lintel_tree_source *s)
{
    struct lintel_tree *t = lintel_alloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->source = *s;
    t->started = lintel_loop_now(s->loop);
    t->hub = lintel_strdup(s->hub_name);
    t->source.hub_name = t->hub;
    t->rd = t->hub != NULL ? lintel_rd_new(t) : NULL;
    if (t->rd != NULL)
        return t;
    lintel_free(t->hub);
    lintel_free(t);
    return NULL;
}

void
lintel_tree_free(struct lintel_tree *t)
{
    if (t == NULL)
        return;
    t->ending = 1;
    for (uint32_t i = 0; i < t->nblocks * LINTEL_OPEN_BLOCK; i++) {
        struct lintel_open *o = &t->blocks[i / LINTEL_OPEN_BLOCK][i % LINTEL_OPEN_BLOCK];
        if (o->used)
            lintel_open_fail(o, LINTEL_UNAVAILABLE, "the hub is stopping");
    }
    lintel_recorded_end(t);
    lintel_rd_free(t->rd);
    for (uint32_t i = 0; i < t->nblocks; i++)
        lintel_free(t->blocks[i]);
    lintel_mounts_free(t);
    lintel_audit_end(t);
    lintel_buf_fini(&t->out);
    lintel_free(t->hub);
    lintel_free(t);
}

uint32_t
lintel_tree_open(const struct lintel_tree *t)
{
    return t->nopen;
}

void
lintel_tree_abandon(struct lintel_tree *t, lintel_ticket ticket)
{
    struct lintel_open *o = lintel_open_find(t, ticket);
    if (o == NULL)
        return;
    const struct lintel_mount *m = o->mount;
    lintel_open_close(o); /* first: an answer that the plugin gives now comes too late */
    if (m != NULL)
        m->ops->abandoned(m->ctx, ticket);
}

void
lintel_tree_reply(struct lintel_tree *t, lintel_ticket ticket, const lintel_answer *a)
{
    lintel_rd_reply(t->rd, ticket, a);
}

/* Rights have changed: ends the observations of those who may not read any more. */
static void
judge_again(struct lintel_tree *t)
{
    for (uint32_t i = 0; i < t->nblocks * LINTEL_OPEN_BLOCK; i++) {
        struct lintel_open *o = &t->blocks[i / LINTEL_OPEN_BLOCK][i % LINTEL_OPEN_BLOCK];
        char reason[LINTEL_LOST];
        uint32_t code = o->used ? lintel_open_lost(o, reason) : 0;
        if (code == 0)
            continue;
        const struct lintel_mount *m = o->mount;
        lintel_ticket ticket = lintel_open_ticket(o);
        lintel_open_fail(o, code, "%s", reason); /* first, as above */
        if (m != NULL)
            m->ops->abandoned(m->ctx, ticket);
    }
}

void
lintel_tree_site(struct lintel_tree *t, const struct lintel_site *site)
{
    t->site = site;
    judge_again(t);
    lintel_rd_site(t->rd);
}

void
lintel_tree_hold(struct lintel_tree *t, int hold)
{
    t->held = hold;
}

void
lintel_tree_thing(struct lintel_tree *t, struct lintel_live_thing *thing, int added)
{
    lintel_rd_thing(t->rd, thing, added);
}

void
lintel_tree_thing_replaced(struct lintel_tree *t, struct lintel_live_thing *thing)
{
    lintel_rd_thing_replaced(t->rd, thing);
}

void
lintel_tree_thing_base(struct lintel_tree *t, const char *thing, const char *base)
{
    lintel_rd_thing_base(t->rd, thing, base);
}

/* ---- routing --------------------------------------------------------------------------------- */

static int
is_called(const lintel_span *s, const char *name)
{
    return s->n == strlen(name) && memcmp(s->p, name, s->n) == 0;
}

/* Segments joined by '/'. 0: too long, or a segment that is empty or has a '/' of its own, which no
 * path of ours has. */
static size_t
join(const lintel_span *path, uint32_t npath, char out[LINTEL_PATH_MOST])
{
    size_t n = 0;
    for (uint32_t i = 0; i < npath; i++) {
        if (path[i].n == 0 || path[i].n >= LINTEL_PATH_MOST - n ||
            memchr(path[i].p, '/', path[i].n) || memchr(path[i].p, '\0', path[i].n))
            return 0;
        if (i != 0)
            out[n++] = '/';
        if (path[i].n >= LINTEL_PATH_MOST - n)
            return 0;
        memcpy(out + n, path[i].p, path[i].n);
        n += path[i].n;
    }
    out[n] = '\0';
    return n;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* What a method needs: GET and FETCH are safe (RFC 7252 section 5.1, RFC 8132 section 2). */
static uint32_t
right_of(const struct lintel_call *c)
{
    return c->x->method == LINTEL_GET || c->x->method == LINTEL_FETCH ? LINTEL_MAY_READ
                                                                      : LINTEL_MAY_WRITE;
}

/* c->path: below the thing. own_root: the request came to the thing's own address. */
static void
serve_thing(struct lintel_call *c, struct lintel_live_thing *thing, int own_root)
{
    char path[LINTEL_PATH_MOST];
    const struct lintel_thing *t = lintel_live_thing_conf(thing);
    c->thing = t->id;
    c->zone = t->zone;
    if (!lintel_call_may(c, t->zone, right_of(c)))
        return;
    size_t n = join(c->path, c->npath, path);
    const struct lintel_bound *b = n == 0 ? NULL : lintel_map_get(&t->profile->by_path, path, n);
    if (b != NULL)
        lintel_serve_affordance(c, thing, (uint32_t)(b - t->profile->bound));
    else if (own_root ? n == 16 && strcmp(path, ".well-known/core") == 0 : c->npath == 0)
        lintel_serve_thing(c, thing, own_root);
    else if (n == 1 && path[0] == 's')
        lintel_serve_pack(c, thing);
    else if (own_root ? n == 15 && strcmp(path, ".well-known/wot") == 0
                      : n == 2 && strcmp(path, "td") == 0)
        lintel_serve_td(c, thing, own_root);
    else if (n == 0)
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no such path on %s; no path ends in a slash", t->id);
    else
        lintel_call_no_affordance(c, t, path);
}

/* Lists and kinds of things: for everybody who may read something. */
static int
shows_things(const struct lintel_call *c)
{
    static const char *const first[] = {"d", "models", "maps", "tdd"};
    if (c->npath == 2 && is_called(&c->path[0], ".well-known") && is_called(&c->path[1], "wot"))
        return 1;
    for (size_t i = 0; c->npath >= 1 && i < LINTEL_COUNT(first); i++)
        if (is_called(&c->path[0], first[i]))
            return 1;
    return 0;
}

static void
serve_root(struct lintel_call *c)
{
    if (c->npath >= 2 && is_called(&c->path[0], "d")) {
        const lintel_span *id = &c->path[1];
        struct lintel_live_thing *thing =
            lintel_engine_find_thing(c->tree->source.engine, id->p == NULL ? "" : id->p, id->n);
        if (thing == NULL) {
            lintel_call_no_thing(c, id);
            return;
        }
        c->path += 2;
        c->npath -= 2;
        serve_thing(c, thing, 0);
    } else if (shows_things(c) && !lintel_call_may(c, NULL, LINTEL_MAY_READ)) {
        return;
    } else if (c->npath == 1 && is_called(&c->path[0], "d")) {
        lintel_serve_things(c);
    } else if (c->npath == 1 && is_called(&c->path[0], "models")) {
        lintel_serve_models(c);
    } else if (c->npath == 2 && is_called(&c->path[0], "models")) {
        lintel_serve_model(c, &c->path[1]);
    } else if (c->npath == 2 && is_called(&c->path[0], ".well-known") &&
               is_called(&c->path[1], "core")) {
        if (lintel_call_may(c, NULL, 0))
            lintel_serve_core(c);
    } else if (c->npath == 2 && is_called(&c->path[0], ".well-known") &&
               is_called(&c->path[1], "wot")) {
        lintel_serve_hub_td(c);
    } else if (c->npath >= 1 && is_called(&c->path[0], "tdd")) {
        c->path++;
        c->npath--;
        lintel_serve_td_directory(c);
    } else if (c->npath == 1 && is_called(&c->path[0], "maps")) {
        if (lintel_call_may(c, NULL, LINTEL_MAY_READ))
            lintel_serve_maps(c);
    } else if (c->npath == 2 && is_called(&c->path[0], "maps")) {
        if (lintel_call_may(c, NULL, LINTEL_MAY_READ))
            lintel_serve_map(c, &c->path[1]);
    } else if (c->npath >= 1 && is_called(&c->path[0], "hub")) {
        if (!lintel_call_may(c, NULL, LINTEL_MAY_MANAGE))
            return;
        c->path++;
        c->npath--;
        lintel_serve_hub(c);
    } else if (lintel_serve_rd(c)) {
        return;
    } else if (lintel_serve_mounted(c)) {
        return;
    } else if (lintel_call_may(c, NULL, 0)) {
        lintel_call_fail(c, LINTEL_NOT_FOUND,
                         "no such path; GET /.well-known/core lists what there is");
    }
}

static void
serve(struct lintel_call *c)
{
    if (c->x->flags & LINTEL_X_MULTICAST && c->x->method != LINTEL_GET) {
        lintel_call_fail(c, LINTEL_NOT_ALLOWED, "a group can only be asked");
        return;
    }
    if (c->tree->ending) {
        lintel_call_fail(c, LINTEL_UNAVAILABLE, "the hub is stopping");
        return;
    }
    if (c->tree->held) {
        lintel_call_fail(c, LINTEL_UNAVAILABLE, "the hub is starting");
        return;
    }
    if (c->x->thing == NULL) {
        serve_root(c);
        return;
    }
    lintel_span id = {c->x->thing, strlen(c->x->thing)};
    struct lintel_live_thing *thing = lintel_engine_find_thing(c->tree->source.engine, id.p, id.n);
    if (thing == NULL)
        lintel_call_no_thing(c, &id);
    else
        serve_thing(c, thing, 1);
}

lintel_ticket
lintel_tree_submit(struct lintel_tree *t, const lintel_exchange *x, lintel_answer_fn *fn, void *ctx)
{
    struct lintel_call c = {
        .tree = t, .x = x, .to = {fn, ctx, x->cookie}, .path = x->path, .npath = x->npath};
    serve(&c);
    return c.ticket != 0 && lintel_open_find(t, c.ticket) != NULL ? c.ticket : 0;
}
