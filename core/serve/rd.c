/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/rd.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/serve/rd_inside.h"

#define LWM2M_LT 86400u /* s (OMA LwM2M Core section 6.2.1) */

/* ---- what the registry tells ----------------------------------------------------------------- */

static void
changed(void *ctx, const struct lintel_registration *reg, enum lintel_reg_change what, int was)
{
    struct lintel_rd *rd = ctx;
    (void)was;
    if (what == LINTEL_REG_REMOVED) {
        lintel_rd_uncount(rd, reg->id);
        lintel_rd_simple_forget(rd, reg->id);
        lintel_rd_forget_link(rd, reg->id);
    }
    lintel_rd_concerned(rd, reg);
}

static void
forgotten(void *ctx, uint64_t id)
{
    (void)lintel_rd_keep(ctx, id);
}

/* ---- registering ----------------------------------------------------------------------------- */

static int
is_version(struct lintel_str v)
{
    return lintel_str_eq(v, "1.0") || lintel_str_eq(v, "1.1") || lintel_str_eq(v, "1.2");
}

/* The rules of LwM2M where they are others: OMA LwM2M Core section 6.2.1. */
static int
lwm2m_rules(struct lintel_call *c, struct lintel_rd_request *r, uint32_t *flags)
{
    if (r->lwm2m.p == NULL)
        return 1;
    if (!is_version(r->lwm2m))
        lintel_call_fail(c, LINTEL_PRECONDITION, "lwm2m: this server speaks 1.0, 1.1 and 1.2");
    else if (r->base.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "base: an LwM2M client is reached where it registers from");
    else {
        *flags |= LINTEL_REG_LWM2M;
        if (!lintel_rd_conf(c->tree->rd)->lwm2m_objects)
            *flags |= LINTEL_REG_NO_LINKS;
        if (r->lt == 0)
            r->lt = LWM2M_LT;
        return 1;
    }
    return 0;
}

static void
post_rd(struct lintel_call *c)
{
    struct lintel_rd *rd = c->tree->rd;
    struct lintel_rd_request r;
    char reason[LINTEL_REASON], owner[LINTEL_RD_OWNER_MOST];
    const struct lintel_str links = {c->x->payload.p, c->x->payload.n};
    uint32_t flags = 0;
    if (lintel_rd_request_read(c->x, &r, reason) != 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s", reason);
        return;
    }
    if (!lwm2m_rules(c, &r, &flags) || !lintel_rd_complete(c, &r, &flags) ||
        !lintel_rd_may(c, r.d, LINTEL_MAY_REGISTER) || lintel_rd_body(c) != 0)
        return;
    const struct lintel_registration *old = lintel_registry_find_name(rd->registry, r.ep, r.d);
    if (!lintel_rd_may_name(c, r.ep, r.d, old) || !lintel_rd_may_links(c, links) ||
        !lintel_rd_is_fresh(c, old) || !lintel_rd_has_room(c, old))
        return;
    lintel_rd_owner(c, owner);
    const struct lintel_reg_input in = {.ep = r.ep,
                                        .d = r.d,
                                        .base = r.base,
                                        .owner = lintel_str(owner),
                                        .lt = r.lt,
                                        .flags = flags,
                                        .session = c->x->session,
                                        .attrs = r.attrs,
                                        .nattrs = r.nattrs,
                                        .links = links};
    const struct lintel_registration *reg = lintel_rd_put(c, &in);
    if (reg != NULL) {
        lintel_rd_simple_forget(rd, reg->id); /* it says itself what it has, from now on */
        lintel_rd_done(c, LINTEL_CREATED, reg->id, 1);
    }
}

/* ---- a registration's resource --------------------------------------------------------------- */

static void
get_links(struct lintel_call *c, const struct lintel_registration *reg)
{
    if (!lintel_rd_may(c, reg->d, LINTEL_MAY_READ))
        return;
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_registration_links(reg, &b);
    lintel_call_document(c, LINTEL_FORMAT_LINK, 60, &b);
}

static void
delete_registration(struct lintel_call *c, const struct lintel_registration *reg)
{
    struct lintel_rd *rd = c->tree->rd;
    uint64_t id = reg->id;
    if (!lintel_rd_may(c, reg->d, LINTEL_MAY_REGISTER) || !lintel_rd_may_change(c, reg) ||
        !lintel_rd_is_fresh(c, reg))
        return;
    lintel_rd_uncount(rd, id);
    (void)lintel_registry_remove(rd->registry, id);
    lintel_rd_done(c, LINTEL_DELETED, id, 0);
}

static void
serve_registration(struct lintel_call *c, const lintel_span *name)
{
    struct lintel_rd *rd = c->tree->rd;
    uint64_t id = lintel_rd_id_read(name->p, name->n);
    lintel_rd_arm(rd); /* what has ended is not there, also where the timer is late */
    const struct lintel_registration *reg = id != 0 ? lintel_registry_find(rd->registry, id) : NULL;
    if (reg == NULL)
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no such registration; register again");
    else if (c->x->method == LINTEL_POST)
        lintel_rd_update(c, reg);
    else if (c->x->method == LINTEL_DELETE)
        delete_registration(c, reg);
    else if (c->x->method == LINTEL_GET)
        get_links(c, reg);
    else
        lintel_call_method(c, "a registration", "GET, POST or DELETE");
}

/* ---- routing --------------------------------------------------------------------------------- */

static int
is_called(const lintel_span *s, const char *name)
{
    return s->n == strlen(name) && memcmp(s->p, name, s->n) == 0;
}

static void
serve_lookup(struct lintel_call *c)
{
    int resources = c->npath == 2 && is_called(&c->path[1], "res");
    if (c->npath != 2 || (!resources && !is_called(&c->path[1], "ep")))
        lintel_call_fail(c, LINTEL_NOT_FOUND, "lookups are /rd-lookup/ep and /rd-lookup/res");
    else if (c->x->method != LINTEL_GET)
        lintel_call_method(c, "a lookup", "GET");
    else if (lintel_call_may(c, NULL, LINTEL_MAY_READ) &&
             lintel_call_accepts(c, LINTEL_FORMAT_LINK))
        lintel_rd_lookup(c, resources);
}

int
lintel_serve_rd(struct lintel_call *c)
{
    if (c->npath == 0)
        return 0;
    if (is_called(&c->path[0], "rd-lookup")) {
        serve_lookup(c);
    } else if (c->npath == 2 && is_called(&c->path[0], ".well-known") &&
               is_called(&c->path[1], "rd")) {
        if (c->x->method == LINTEL_POST)
            lintel_rd_simple(c);
        else
            lintel_call_method(c, "/.well-known/rd", "POST");
    } else if (!is_called(&c->path[0], "rd")) {
        return 0;
    } else if (c->npath == 2) {
        serve_registration(c, &c->path[1]);
    } else if (c->npath == 1 && c->x->method == LINTEL_POST) {
        post_rd(c);
    } else if (c->npath == 1) {
        lintel_call_method(c, "/rd", "POST to register, and /rd-lookup/ep to look");
    } else {
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no such path below /rd");
    }
    return 1;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct lintel_rd *
lintel_rd_new(struct lintel_tree *t)
{
    struct lintel_rd *rd = lintel_alloc(sizeof *rd);
    if (rd == NULL)
        return NULL;
    rd->tree = t;
    rd->last_query = &rd->queries;
    rd->last_news = &rd->news;
    rd->registry = lintel_registry_new(&(struct lintel_registry_source){
        .seed = t->source.seed, .changed = changed, .forgotten = forgotten, .ctx = rd});
    if (rd->registry == NULL || lintel_rd_wake(rd, INT64_MAX) != 0) {
        lintel_registry_free(rd->registry);
        lintel_free(rd);
        return NULL;
    }
    if (lintel_rd_load(rd) != 0) {
        lintel_rd_free(rd);
        return NULL;
    }
    /* Soon, not now: the things of the site are told first. */
    (void)lintel_rd_wake(rd, lintel_rd_now(rd));
    return rd;
}

void
lintel_rd_free(struct lintel_rd *rd)
{
    if (rd == NULL)
        return;
    lintel_rd_lookups_free(rd);
    lintel_rd_simple_free(rd);
    lintel_rd_things_free(rd);
    lintel_rd_keep_free(rd);
    lintel_rd_counts_free(rd);
    lintel_timer_stop(rd->tree->source.loop, &rd->expiry);
    lintel_registry_free(rd->registry);
    lintel_map_fini(&rd->links);
    lintel_free(rd);
}

void
lintel_rd_site(struct lintel_rd *rd)
{
    lintel_rd_all_concerned(rd);
}
