/* SPDX-License-Identifier: Apache-2.0
 * Simple registration (RFC 9176 section 5.1): the endpoint says that it is there, and the hub
 * fetches /.well-known/core from where it was said. Several that say so while the document is on
 * its way share it. What was fetched serves until its Max-Age is over; then, as long as the
 * registration lives, it is fetched again, by its ETag. Fetching again does not prolong the
 * registration. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/rd_inside.h"

#define SECOND INT64_C(1000000000)
enum {
    AGAIN_LEAST = 60, /* s between two requests to one endpoint */
    AGAIN_MOST = 3600,
    AGAIN_SPREAD = 300 /* s after a restart within which all are asked */
};

struct waiter { /* a registration that waits for its links */
    struct waiter *next;
    lintel_ticket ticket;
    uint64_t session;
    uint32_t scope;
    struct lintel_who who;
    char *owner, *d, *ep; /* ep and d completed */
    uint32_t nquery;
    lintel_span *query;
    char texts[];
};
struct lintel_rd_fetch {
    struct lintel_rd_fetch *next;
    lintel_ticket ticket; /* of the request */
    void *asker;
    uint64_t session;
    uint64_t known;   /* whose links a 2.03 means; 0: nobody's */
    uint64_t refresh; /* the registration that is looked after; 0: it is for those who wait */
    struct waiter *waiters;
    uint32_t nwaiters;
    char origin[];
};
struct source { /* of a registration */
    struct lintel_rd *rd;
    uint64_t id, session;
    void *asker; /* NULL: unknown since a restart; any transport that can */
    struct lintel_timer again;
    lintel_mono fresh; /* until then */
    uint32_t failures, netag;
    uint8_t etag[8];
    char origin[];
};

/* ---- sources --------------------------------------------------------------------------------- */

static struct source *
source_of(const struct lintel_rd *rd, uint64_t id)
{
    return lintel_map_get(&rd->simple, (const char *)&id, sizeof id);
}

void
lintel_rd_simple_forget(struct lintel_rd *rd, uint64_t id)
{
    struct source *s = lintel_map_take(&rd->simple, (const char *)&id, sizeof id);
    if (s == NULL)
        return;
    lintel_timer_stop(rd->tree->source.loop, &s->again);
    lintel_free(s);
}

static void fetch_again(void *ctx);

static void
arm_at(struct source *s, lintel_mono at)
{
    (void)lintel_timer_at(s->rd->tree->source.loop, &s->again, at, fetch_again, s);
}

static void
arm(struct source *s, uint64_t seconds)
{
    if (seconds < AGAIN_LEAST)
        seconds = AGAIN_LEAST;
    arm_at(s, lintel_rd_now(s->rd) + (lintel_mono)seconds * SECOND);
}

/* The source of a registration, with nothing known of it; NULL: too many, or no memory. */
static struct source *
source_new(struct lintel_rd *rd, uint64_t id, struct lintel_str origin)
{
    struct source *s =
        rd->simple.n >= LINTEL_RD_SIMPLE_MOST ? NULL : lintel_alloc(sizeof *s + origin.n + 1);
    if (s == NULL)
        return NULL;
    memcpy(s->origin, origin.p, origin.n);
    s->origin[origin.n] = '\0';
    s->rd = rd;
    s->id = id;
    if (lintel_map_put(&rd->simple, (const char *)&id, sizeof id, s) == 0)
        return s;
    lintel_free(s);
    return NULL;
}

/* Notes what is known of the document, and when it is fetched again. Without memory it is not: the
 * registration stands as it is until its end. */
static void
note_source(struct lintel_rd *rd, const struct lintel_rd_fetch *f, uint64_t id,
            const lintel_answer *a)
{
    struct source *s = source_of(rd, id);
    if (s == NULL || strcmp(s->origin, f->origin) != 0) {
        lintel_rd_simple_forget(rd, id);
        if ((s = source_new(rd, id, lintel_str(f->origin))) == NULL)
            return;
    }
    s->asker = f->asker;
    s->session = f->session;
    s->failures = 0;
    s->fresh = lintel_rd_now(rd) + (lintel_mono)a->max_age * SECOND;
    if (a->netag != 0 && a->netag <= sizeof s->etag) {
        s->netag = a->netag;
        memcpy(s->etag, a->etag, a->netag);
    } else if (a->code == LINTEL_CONTENT) {
        s->netag = 0;
    }
    arm(s, a->max_age);
}

/* How fresh the document was is not kept: it is fetched soon, and before the registration ends;
 * those of many endpoints not all at once. */
void
lintel_rd_simple_resume(struct lintel_rd *rd, const struct lintel_registration *reg)
{
    lintel_mono now = lintel_rd_now(rd), left = (reg->expires - now) / 2;
    if (!(reg->flags & LINTEL_REG_SIMPLE) || !lintel_registration_is_active(reg, now) ||
        !lintel_rd_is_on_link(rd, reg, 0)) /* behind which interface it was is not known any more */
        return;
    struct source *s = source_new(rd, reg->id, reg->base);
    lintel_mono wait = (lintel_mono)(AGAIN_LEAST + rd->simple.n % AGAIN_SPREAD) * SECOND;
    if (s != NULL)
        arm_at(s, now + (wait < left ? wait : left));
}

/* ---- the request ----------------------------------------------------------------------------- */

static struct lintel_rd_fetch *
fetch_new(struct lintel_rd *rd, const char *origin, void *asker, uint64_t session)
{
    size_t n = strlen(origin) + 1;
    struct lintel_rd_fetch *f = lintel_alloc(sizeof *f + n);
    if (f == NULL)
        return NULL;
    memcpy(f->origin, origin, n);
    f->asker = asker;
    f->session = session;
    f->ticket = ++rd->last_ticket;
    f->next = rd->fetches;
    rd->fetches = f;
    rd->nfetches++;
    return f;
}

static void
fetch_take(struct lintel_rd *rd, struct lintel_rd_fetch *f)
{
    struct lintel_rd_fetch **at = &rd->fetches;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    rd->nfetches--;
}

static void
fetch_free(struct lintel_rd_fetch *f)
{
    while (f->waiters != NULL) {
        struct waiter *w = f->waiters;
        f->waiters = w->next;
        lintel_free(w);
    }
    lintel_free(f);
}

static lintel_status
fetch_send(struct lintel_rd *rd, struct lintel_rd_fetch *f)
{
    static const int32_t accept = LINTEL_FORMAT_LINK;
    const struct lintel_tree_source *source = &rd->tree->source;
    const struct source *known = f->known != 0 ? source_of(rd, f->known) : NULL;
    struct lintel_buf uri = {0};
    lintel_span etag = {0};
    lintel_exchange x = {.size = sizeof x,
                         .method = LINTEL_GET,
                         .format = LINTEL_FORMAT_NONE,
                         .accept = &accept,
                         .naccept = 1,
                         .session = f->session};
    if (known != NULL && known->netag != 0) {
        etag = (lintel_span){(const char *)known->etag, known->netag};
        x.etag = &etag;
        x.netag = 1;
    }
    lintel_buf_adds(&uri, f->origin);
    lintel_buf_adds(&uri, "/.well-known/core");
    const char *text = lintel_buf_str(&uri);
    lintel_status st = LINTEL_E_NOMEM;
    if (!uri.failed)
        st = source->send == NULL ? LINTEL_E_NOTSUP
                                  : source->send(source->ctx, f->asker, text, &x, f->ticket);
    lintel_buf_fini(&uri);
    return st;
}

/* Asks the source of a registration; an answer may have come before this returns. */
static lintel_status
fetch_from(const struct source *s)
{
    struct lintel_rd *rd = s->rd;
    struct lintel_rd_fetch *f = rd->nfetches < LINTEL_RD_FETCHES_MOST
                                    ? fetch_new(rd, s->origin, s->asker, s->session)
                                    : NULL;
    if (f == NULL)
        return LINTEL_E_BUSY;
    f->known = f->refresh = s->id;
    lintel_status st = fetch_send(rd, f);
    if (st != LINTEL_OK) {
        fetch_take(rd, f);
        fetch_free(f);
    }
    return st;
}

static void
fetch_again(void *ctx)
{
    struct source *s = ctx;
    struct lintel_rd *rd = s->rd;
    const struct lintel_registration *reg = lintel_registry_find(rd->registry, s->id);
    if (reg == NULL || !lintel_registration_is_active(reg, lintel_rd_now(rd))) {
        lintel_rd_simple_forget(rd, s->id);
        return;
    }
    arm(s, AGAIN_LEAST); /* in case that nothing comes of this */
    if (fetch_from(s) != LINTEL_E_NOTSUP || s->asker == NULL)
        return;
    s->asker = NULL; /* what asked it is gone; others may know the way */
    s->session = 0;
    (void)fetch_from(s);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void
fail_waiters(struct lintel_rd *rd, struct lintel_rd_fetch *f, uint32_t code, const char *text)
{
    for (const struct waiter *w = f->waiters; w != NULL; w = w->next) {
        struct lintel_open *o = lintel_open_find(rd->tree, w->ticket);
        if (o != NULL)
            lintel_open_fail(o, code, "%s", text);
    }
}

static void
fail_waiter(struct lintel_rd *rd, const struct waiter *w, uint32_t code, const char *text)
{
    struct lintel_open *o = lintel_open_find(rd->tree, w->ticket);
    if (o != NULL)
        lintel_open_fail(o, code, "%s", text);
}

/* What was true when it asked may not be so any more. */
static int
judge_again(struct lintel_rd *rd, const struct waiter *w, struct lintel_str links)
{
    const struct lintel_registration *old =
        lintel_registry_find_name(rd->registry, lintel_str(w->ep), lintel_str(w->d));
    char reason[LINTEL_REASON];
    if (!lintel_rd_is_free(rd, old, lintel_str(w->owner)))
        fail_waiter(rd, w, LINTEL_FORBIDDEN, "somebody else has registered that name meanwhile");
    else if (lintel_rd_refuses_links(rd, &w->who, links, reason))
        fail_waiter(rd, w, LINTEL_FORBIDDEN, reason);
    else
        return 1;
    return 0;
}

static void
register_waiter(struct lintel_rd *rd, const struct lintel_rd_fetch *f, const struct waiter *w,
                struct lintel_str links, const lintel_answer *a)
{
    struct lintel_rd_request r;
    char reason[LINTEL_REASON] = "";
    const lintel_exchange x = {.query = w->query, .nquery = w->nquery};
    if (!judge_again(rd, w, links) || lintel_rd_request_read(&x, &r, reason) != 0)
        return;
    const struct lintel_reg_input in = {.ep = lintel_str(w->ep),
                                        .d = lintel_str(w->d),
                                        .base = lintel_str(f->origin),
                                        .owner = lintel_str(w->owner),
                                        .lt = r.lt,
                                        .flags = LINTEL_REG_SIMPLE,
                                        .session = w->session,
                                        .attrs = r.attrs,
                                        .nattrs = r.nattrs,
                                        .links = links};
    const struct lintel_registration *reg =
        lintel_registry_put(rd->registry, &in, lintel_rd_now(rd), NULL, reason);
    if (reg == NULL) {
        fail_waiter(rd, w, LINTEL_BAD_GATEWAY, reason);
        return;
    }
    lintel_rd_count(rd, reg);
    lintel_rd_note_link(rd, reg, w->scope);
    lintel_rd_arm(rd);
    if (a != NULL)
        note_source(rd, f, reg->id, a);
    struct lintel_rd_receipt receipt = {
        .ticket = w->ticket, .code = LINTEL_CHANGED, .id = reg->id, .state = reg->state};
    if (w->who.flags & LINTEL_X_SECURE)
        receipt.flags = LINTEL_ANSWER_ECHO;
    lintel_rd_done_open(rd, &receipt);
}

/* Links of a registration that lives on; its end stays where it is. */
static void
refresh(struct lintel_rd *rd, const struct lintel_rd_fetch *f, struct lintel_str links,
        const lintel_answer *a)
{
    const struct lintel_registration *reg = lintel_registry_find(rd->registry, f->refresh);
    lintel_mono now = lintel_rd_now(rd);
    char reason[LINTEL_REASON];
    if (reg == NULL || !lintel_registration_is_active(reg, now) ||
        !(reg->flags & LINTEL_REG_SIMPLE))
        return;
    if (links.p != NULL) {
        uint64_t left = (uint64_t)((reg->expires - now) / SECOND);
        const struct lintel_reg_update u = {.lt = left == 0           ? 1
                                                  : left > UINT32_MAX ? UINT32_MAX
                                                                      : (uint32_t)left,
                                            .session = reg->session,
                                            .links = links};
        if (lintel_registry_update(rd->registry, f->refresh, &u, now, reason) != 0)
            return;
        lintel_rd_arm(rd);
        (void)lintel_rd_keep(rd, f->refresh);
    }
    note_source(rd, f, f->refresh, a);
}

static void
refresh_failed(struct lintel_rd *rd, const struct lintel_rd_fetch *f)
{
    struct source *s = f->refresh != 0 ? source_of(rd, f->refresh) : NULL;
    if (s == NULL)
        return;
    s->failures += s->failures < 6;
    uint64_t wait = (uint64_t)AGAIN_LEAST << s->failures;
    arm(s, wait < AGAIN_MOST ? wait : AGAIN_MOST);
}

/* The document, or an empty p with the code and the reason why there is none. same: a 2.03. */
static struct lintel_str
document_of(struct lintel_rd *rd, const struct lintel_rd_fetch *f, const lintel_answer *a,
            struct lintel_buf *cached, uint32_t *ret_code, char reason[LINTEL_REASON])
{
    struct lintel_str links = {a->payload.p != NULL ? a->payload.p : "", a->payload.n};
    char why[LINTEL_REASON];
    size_t at = 0;
    *ret_code = a->code == LINTEL_GATEWAY_TIMEOUT || a->code == LINTEL_UNAVAILABLE
                    ? a->code
                    : LINTEL_BAD_GATEWAY;
    if (a->code == LINTEL_VALID) {
        const struct lintel_registration *reg =
            f->known != 0 ? lintel_registry_find(rd->registry, f->known) : NULL;
        if (reg != NULL) {
            lintel_registration_links(reg, cached);
            if (!cached->failed)
                return (struct lintel_str){cached->p != NULL ? cached->p : "", cached->n};
        }
        lintel_copy(reason, LINTEL_REASON, "what you say is still valid is not here any more");
    } else if (a->code == LINTEL_GATEWAY_TIMEOUT) {
        lintel_copy(reason, LINTEL_REASON, "your /.well-known/core did not answer");
    } else if (a->code != LINTEL_CONTENT) {
        lintel_format(reason, LINTEL_REASON, "your /.well-known/core answered %u.%02u",
                      a->code / 32, a->code % 32);
    } else if (a->format != LINTEL_FORMAT_LINK && a->format != LINTEL_FORMAT_NONE) {
        lintel_copy(reason, LINTEL_REASON, "your /.well-known/core is not in Content-Format 40");
    } else if (lintel_reg_check_links(links, &at, why) != 0) {
        lintel_format(reason, LINTEL_REASON, "your /.well-known/core, byte %zu: %s", at, why);
    } else {
        return links;
    }
    return (struct lintel_str){0};
}

void
lintel_rd_reply(struct lintel_rd *rd, lintel_ticket ticket, const lintel_answer *a)
{
    struct lintel_rd_fetch *f = rd->fetches;
    struct lintel_buf cached = {0};
    char reason[LINTEL_REASON] = "";
    uint32_t code;
    while (f != NULL && f->ticket != ticket)
        f = f->next;
    if (f == NULL)
        return;
    fetch_take(rd, f);
    struct lintel_str links = document_of(rd, f, a, &cached, &code, reason);
    if (links.p == NULL) {
        fail_waiters(rd, f, code, reason);
        refresh_failed(rd, f);
    } else if (f->refresh != 0) {
        refresh(rd, f, a->code == LINTEL_VALID ? (struct lintel_str){0} : links, a);
    }
    for (const struct waiter *w = f->waiters; links.p != NULL && w != NULL; w = w->next)
        register_waiter(rd, f, w, links, a);
    lintel_buf_fini(&cached);
    fetch_free(f);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static char *
put_text(char **at, const char *s, size_t n)
{
    char *ret = *at;
    if (n != 0)
        memcpy(ret, s, n);
    ret[n] = '\0';
    *at += n + 1;
    return ret;
}

static struct waiter *
waiter_new(const struct lintel_call *c, const struct lintel_rd_request *r)
{
    const lintel_exchange *x = c->x;
    const struct lintel_who who = lintel_call_whom(c);
    char owner[LINTEL_RD_OWNER_MOST];
    lintel_rd_owner(c, owner);
    size_t n = strlen(owner) + strlen(who.identity) + strlen(who.authority) + r->ep.n + r->d.n + 5;
    for (uint32_t i = 0; i < x->nquery; i++)
        n += x->query[i].n + 1;
    n = (n + 15) / 16 * 16;
    struct waiter *w = lintel_alloc(sizeof *w + n + x->nquery * sizeof *w->query);
    if (w == NULL)
        return NULL;
    char *at = w->texts;
    w->query = (lintel_span *)(void *)((char *)w + sizeof *w + n);
    w->owner = put_text(&at, owner, strlen(owner));
    w->ep = put_text(&at, r->ep.p, r->ep.n);
    w->d = put_text(&at, r->d.p, r->d.n);
    w->who.flags = who.flags;
    w->who.identity = put_text(&at, who.identity, strlen(who.identity));
    w->who.authority = put_text(&at, who.authority, strlen(who.authority));
    for (; w->nquery < x->nquery; w->nquery++) {
        const lintel_span *q = &x->query[w->nquery];
        w->query[w->nquery] = (lintel_span){put_text(&at, q->p, q->n), q->n};
    }
    w->session = x->session;
    w->scope = x->scope;
    return w;
}

static int
check(struct lintel_call *c, const struct lintel_rd_request *r)
{
    const lintel_exchange *x = c->x;
    if (r->base.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "base: the links come from where you send this; POST to /rd instead");
    else if (r->lwm2m.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "lwm2m: LwM2M clients POST to /rd");
    else if (x->payload.n != 0)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "no body is wanted here; your links are fetched from you");
    else if (x->flags & LINTEL_X_RELIABLE || x->origin == NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "you can't be asked for your links this way; POST them to /rd");
    else
        return 1;
    return 0;
}

/* Anybody can write somebody else's address on an envelope, and make the hub ask there. */
static int
is_there(struct lintel_call *c)
{
    static const char text[] = "say this again with the Echo option", mark[] = "rd";
    if (!(c->x->flags & LINTEL_X_LIMITED) || c->x->echo.n != 0)
        return 1;
    const lintel_answer a = {.size = sizeof a,
                             .code = LINTEL_UNAUTHORIZED,
                             .flags = LINTEL_ANSWER_ECHO,
                             .format = LINTEL_FORMAT_NONE,
                             .payload = {text, sizeof text - 1},
                             .echo = {mark, sizeof mark - 1}};
    lintel_call_answer(c, &a);
    return 0;
}

/* The fetch that this can share, or a new one. NULL after the call was answered. */
static struct lintel_rd_fetch *
fetch_for(struct lintel_call *c, int *ret_new)
{
    struct lintel_rd *rd = c->tree->rd;
    struct lintel_rd_fetch *f = rd->fetches;
    while (f != NULL && (strcmp(f->origin, c->x->origin) != 0 || f->session != c->x->session ||
                         f->asker != c->to.ctx))
        f = f->next;
    *ret_new = f == NULL;
    if (f == NULL ? rd->nfetches < LINTEL_RD_FETCHES_MOST : f->nwaiters < LINTEL_RD_WAITERS_MOST) {
        if (f == NULL)
            f = fetch_new(rd, c->x->origin, c->to.ctx, c->x->session);
        if (f != NULL)
            return f;
    }
    lintel_rd_later(c, LINTEL_UNAVAILABLE, "too many simple registrations at once");
    return NULL;
}

/* Whether the links of before still serve: done then. */
static int
serve_cached(struct lintel_call *c, const struct lintel_rd_request *r,
             const struct lintel_registration *old)
{
    struct lintel_rd *rd = c->tree->rd;
    lintel_mono now = lintel_rd_now(rd);
    const struct source *s = old != NULL ? source_of(rd, old->id) : NULL;
    struct lintel_buf links = {0};
    char owner[LINTEL_RD_OWNER_MOST];
    if (s == NULL || s->fresh <= now || strcmp(s->origin, c->x->origin) != 0)
        return 0;
    lintel_registration_links(old, &links);
    lintel_rd_owner(c, owner);
    const struct lintel_reg_input in = {.ep = r->ep,
                                        .d = r->d,
                                        .base = lintel_str(c->x->origin),
                                        .owner = lintel_str(owner),
                                        .lt = r->lt,
                                        .flags = LINTEL_REG_SIMPLE,
                                        .session = c->x->session,
                                        .attrs = r->attrs,
                                        .nattrs = r->nattrs,
                                        .links = {links.p, links.n}};
    if (!links.failed) {
        const struct lintel_registration *reg = lintel_rd_put(c, &in);
        if (reg != NULL)
            lintel_rd_done(c, LINTEL_CHANGED, reg->id, 0);
    }
    int done = !links.failed;
    lintel_buf_fini(&links);
    return done;
}

static void
wait_for(struct lintel_call *c, const struct lintel_rd_request *r,
         const struct lintel_registration *old)
{
    struct lintel_rd *rd = c->tree->rd;
    int is_new;
    struct waiter *w = waiter_new(c, r);
    struct lintel_rd_fetch *f = NULL;
    if (w == NULL)
        lintel_rd_later(c, LINTEL_UNAVAILABLE, "out of memory");
    else
        f = fetch_for(c, &is_new);
    if (f == NULL || lintel_call_open(c) == NULL) {
        if (f != NULL && is_new) {
            fetch_take(rd, f);
            fetch_free(f);
        }
        lintel_free(w);
        return;
    }
    w->ticket = c->ticket;
    w->next = f->waiters;
    f->waiters = w;
    f->nwaiters++;
    if (!is_new)
        return;
    if (old != NULL && source_of(rd, old->id) != NULL &&
        strcmp(source_of(rd, old->id)->origin, f->origin) == 0)
        f->known = old->id;
    lintel_ticket ticket = f->ticket;
    lintel_status st = fetch_send(rd, f); /* the answer may have come already */
    if (st == LINTEL_OK)
        return;
    for (f = rd->fetches; f != NULL && f->ticket != ticket;)
        f = f->next;
    if (f == NULL)
        return;
    fetch_take(rd, f);
    if (st == LINTEL_E_NOTSUP)
        fail_waiters(rd, f, LINTEL_NOT_IMPLEMENTED,
                     "this transport can't ask back; POST your links to /rd");
    else
        fail_waiters(rd, f, LINTEL_UNAVAILABLE, "you can't be asked now; try again later");
    fetch_free(f);
}

void
lintel_rd_simple(struct lintel_call *c)
{
    struct lintel_rd *rd = c->tree->rd;
    struct lintel_rd_request r;
    char reason[LINTEL_REASON];
    uint32_t flags = 0;
    if (lintel_rd_request_read(c->x, &r, reason) != 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s", reason);
        return;
    }
    if (!check(c, &r) || !lintel_rd_complete(c, &r, &flags) ||
        !lintel_rd_may(c, r.d, LINTEL_MAY_REGISTER))
        return;
    const struct lintel_registration *old = lintel_registry_find_name(rd->registry, r.ep, r.d);
    if (!lintel_rd_may_name(c, r.ep, r.d, old) || !lintel_rd_is_fresh(c, old) || !is_there(c) ||
        !lintel_rd_has_room(c, old))
        return;
    if (!serve_cached(c, &r, old))
        wait_for(c, &r, old);
}

void
lintel_rd_simple_free(struct lintel_rd *rd)
{
    const struct lintel_map_slot *slot;
    while (rd->fetches != NULL) {
        struct lintel_rd_fetch *f = rd->fetches;
        rd->fetches = f->next;
        fetch_free(f);
    }
    for (size_t it = 0; lintel_map_next(&rd->simple, &it, &slot);) {
        struct source *s = slot->value;
        lintel_timer_stop(rd->tree->source.loop, &s->again);
        lintel_free(s);
    }
    lintel_map_fini(&rd->simple);
}
