/* SPDX-License-Identifier: Apache-2.0
 * Who may register what (RFC 9176 sections 7 and 8.3), and how much of it.
 *
 * First come, first remembered: a registration remembers who made it - the authority that vouches
 * for an identity, and the identity - and as long as it is active nobody else may change it or take
 * its name. Of a peer that nobody vouches for there is nothing to remember but its address, which
 * anybody may pretend to have: that only counts for limits. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/rd_inside.h"

/* ---- owners ---------------------------------------------------------------------------------- */

static int
is_secure(const struct lintel_call *c)
{
    const lintel_exchange *x = c->x;
    return x->flags & LINTEL_X_SECURE && x->identity != NULL && x->identity[0] != '\0';
}

/* Bytes of "[::1]:40312" before the port. */
static size_t
host_length(const char *peer)
{
    const char *close = strchr(peer, ']'), *colon = strchr(peer, ':');
    if (peer[0] == '[' && close != NULL)
        return (size_t)(close + 1 - peer);
    return colon != NULL && strchr(colon + 1, ':') == NULL ? (size_t)(colon - peer) : strlen(peer);
}

void
lintel_rd_owner(const struct lintel_call *c, char out[LINTEL_RD_OWNER_MOST])
{
    const lintel_exchange *x = c->x;
    const char *peer = x->peer != NULL ? x->peer : "";
    if (is_secure(c)) /* the authority is the site's choice: no client can put a line's end there */
        (void)lintel_format(out, LINTEL_RD_OWNER_MOST, "%s\n%s",
                            x->authority != NULL ? x->authority : "", x->identity);
    else
        (void)lintel_format(out, LINTEL_RD_OWNER_MOST, "@%.*s", (int)host_length(peer), peer);
}

int
lintel_rd_owner_is_known(struct lintel_str owner)
{
    return owner.n != 0 && owner.p[0] != '@';
}

enum lintel_directory_policy
lintel_rd_policy(const struct lintel_rd *rd, struct lintel_str d)
{
    const struct lintel_directory_conf *conf = lintel_rd_conf(rd);
    for (uint32_t i = 0; i < conf->nsectors; i++)
        if (lintel_str_eq(d, conf->sectors[i].name))
            return conf->sectors[i].policy;
    return conf->policy;
}

/* Answers, and records it: who tries to take a name over is worth knowing. */
__attribute__((format(printf, 2, 3))) static void
refuse(struct lintel_call *c, const char *format, ...)
{
    char text[LINTEL_REASON];
    va_list args;
    struct lintel_buf b = {.limit = sizeof text - 1};
    va_start(args, format);
    lintel_buf_addv(&b, format, args);
    va_end(args);
    lintel_copy(text, sizeof text, lintel_buf_str(&b));
    lintel_buf_fini(&b);
    lintel_call_refused(c, LINTEL_TRAIL_REGISTER, text);
    lintel_call_fail(c, is_secure(c) ? LINTEL_FORBIDDEN : LINTEL_UNAUTHORIZED, "%s", text);
}

static int
owns(const struct lintel_call *c, const struct lintel_registration *reg)
{
    char owner[LINTEL_RD_OWNER_MOST];
    lintel_rd_owner(c, owner);
    return !lintel_rd_owner_is_known(reg->owner) || lintel_str_eq(reg->owner, owner);
}

static int
is_named(const struct lintel_call *c, struct lintel_str ep)
{
    return is_secure(c) && lintel_str_eq(ep, c->x->identity);
}

int
lintel_rd_may(struct lintel_call *c, struct lintel_str d, uint32_t what)
{
    char zone[LINTEL_REG_NAME_MOST + 1];
    (void)lintel_format(zone, sizeof zone, "%.*s", (int)d.n, d.n != 0 ? d.p : "");
    return lintel_call_may(c, zone, what);
}

int
lintel_rd_may_name(struct lintel_call *c, struct lintel_str ep, struct lintel_str d,
                   const struct lintel_registration *reg)
{
    const struct lintel_rd *rd = c->tree->rd;
    enum lintel_directory_policy policy = lintel_rd_policy(rd, d);
    if (reg != NULL && reg->flags & LINTEL_REG_OWN)
        lintel_call_fail(c, LINTEL_FORBIDDEN, "\"%.*s\" is a thing of this hub", (int)ep.n, ep.p);
    else if (policy == LINTEL_DIRECTORY_BOUND && !is_named(c, ep))
        refuse(c, "in this sector an endpoint is named like the identity that registers it");
    else if (policy == LINTEL_DIRECTORY_FIRST_COME && reg != NULL &&
             lintel_registration_is_active(reg, lintel_rd_now(rd)) && !owns(c, reg))
        refuse(c, "\"%.*s\" is registered by somebody else", (int)ep.n, ep.p);
    else
        return 1;
    return 0;
}

int
lintel_rd_is_free(const struct lintel_rd *rd, const struct lintel_registration *reg,
                  struct lintel_str owner)
{
    if (reg == NULL)
        return 1;
    if (reg->flags & LINTEL_REG_OWN)
        return 0;
    return lintel_rd_policy(rd, reg->d) != LINTEL_DIRECTORY_FIRST_COME ||
           !lintel_registration_is_active(reg, lintel_rd_now(rd)) ||
           !lintel_rd_owner_is_known(reg->owner) ||
           (reg->owner.n == owner.n && memcmp(reg->owner.p, owner.p, owner.n) == 0);
}

int
lintel_rd_may_change(struct lintel_call *c, const struct lintel_registration *reg)
{
    enum lintel_directory_policy policy = lintel_rd_policy(c->tree->rd, reg->d);
    if (reg->flags & LINTEL_REG_OWN)
        lintel_call_fail(c, LINTEL_FORBIDDEN, "this is a thing of the hub");
    else if (policy == LINTEL_DIRECTORY_BOUND
                 ? !is_named(c, reg->ep)
                 : policy == LINTEL_DIRECTORY_FIRST_COME && !owns(c, reg))
        refuse(c, "this was registered by somebody else");
    else
        return 1;
    return 0;
}

/* ---- freshness ------------------------------------------------------------------------------- */

/* Within one security association no message counts twice; another one may be an old one, whose
 * messages somebody has kept back. */
int
lintel_rd_is_fresh(struct lintel_call *c, const struct lintel_registration *reg)
{
    static const char text[] = "say this again with the Echo option";
    const lintel_exchange *x = c->x;
    char state[8];
    if (reg == NULL || !is_secure(c) || (x->session != 0 && reg->session == x->session))
        return 1;
    for (int i = 0; i < 8; i++)
        state[i] = (char)(reg->state >> (56 - 8 * i));
    if (x->echo.n == sizeof state && memcmp(x->echo.p, state, sizeof state) == 0)
        return 1;
    const lintel_answer a = {.size = sizeof a,
                             .code = LINTEL_UNAUTHORIZED,
                             .flags = LINTEL_ANSWER_ECHO,
                             .format = LINTEL_FORMAT_NONE,
                             .payload = {text, sizeof text - 1},
                             .echo = {state, sizeof state}};
    lintel_call_answer(c, &a);
    return 0;
}

/* ---- links that the site does not want ------------------------------------------------------- */

static int
is_meant(const struct lintel_rd *rd, const struct lintel_who *who,
         const struct lintel_directory_refusal *r)
{
    const struct lintel_site *site = rd->tree->site;
    for (uint32_t i = 0; i < r->nwho; i++)
        if (lintel_rights_is(site->rights, who, r->who[i]))
            return 1;
    return 0;
}

static int
has_link(struct lintel_arena *a, struct lintel_str links, const struct lintel_directory_refusal *r)
{
    struct lintel_link_reader reader = {links.p, links.n, 0};
    struct lintel_link link;
    const char *reason;
    while (lintel_link_next(&reader, a, &link, &reason) > 0)
        if (lintel_link_matches(&link, r->links, r->nlinks))
            return 1;
    return 0;
}

int
lintel_rd_refuses_links(const struct lintel_rd *rd, const struct lintel_who *who,
                        struct lintel_str links, char reason[LINTEL_REASON])
{
    const struct lintel_directory_conf *conf = lintel_rd_conf(rd);
    for (uint32_t i = 0; i < conf->nrefusals; i++) {
        const struct lintel_directory_refusal *r = &conf->refusals[i];
        if (!is_meant(rd, who, r))
            continue;
        struct lintel_arena *a = lintel_arena_new();
        int has = a == NULL || has_link(a, links, r) || lintel_arena_failed(a);
        lintel_arena_free(a);
        if (!has)
            continue;
        (void)lintel_format(reason, LINTEL_REASON,
                            "the site does not let you register links with %.*s",
                            (int)(r->links[0].n < 100 ? r->links[0].n : 100), r->links[0].p);
        return 1;
    }
    return 0;
}

int
lintel_rd_may_links(struct lintel_call *c, struct lintel_str links)
{
    const struct lintel_who who = lintel_call_whom(c);
    char reason[LINTEL_REASON];
    if (!lintel_rd_refuses_links(c->tree->rd, &who, links, reason))
        return 1;
    lintel_call_refused(c, LINTEL_TRAIL_REGISTER, reason);
    lintel_call_fail(c, LINTEL_FORBIDDEN, "%s", reason);
    return 0;
}

/* ---- how much -------------------------------------------------------------------------------- */

struct client {
    uint32_t n;
    char name[];
};

int
lintel_rd_has_room(struct lintel_call *c, const struct lintel_registration *reg)
{
    const struct lintel_rd *rd = c->tree->rd;
    const struct lintel_directory_conf *conf = lintel_rd_conf(rd);
    struct lintel_registry_stats stats;
    char owner[LINTEL_RD_OWNER_MOST];
    if (reg != NULL && lintel_registration_is_active(reg, lintel_rd_now(rd)))
        return 1;
    lintel_rd_owner(c, owner);
    const struct client *client = lintel_map_get(&rd->clients, owner, strlen(owner));
    lintel_registry_stats(rd->registry, &stats);
    if (c->x->flags & LINTEL_X_LIMITED && client != NULL && client->n >= conf->per_client)
        lintel_rd_later(c, LINTEL_TOO_MANY,
                        "you have as many endpoints as one client may have (perClient)");
    else if (stats.active >= conf->max_registrations || stats.links >= conf->max_links)
        lintel_rd_later(c, LINTEL_UNAVAILABLE, "the directory is full");
    else
        return 1;
    return 0;
}

void
lintel_rd_uncount(struct lintel_rd *rd, uint64_t id)
{
    struct client *client = lintel_map_take(&rd->active, (const char *)&id, sizeof id);
    if (client == NULL || --client->n != 0)
        return;
    lintel_map_take(&rd->clients, client->name, strlen(client->name));
    lintel_free(client);
}

static struct client *
client_of(struct lintel_rd *rd, struct lintel_str owner)
{
    struct client *client = lintel_map_get(&rd->clients, owner.p, owner.n);
    if (client != NULL)
        return client;
    client = lintel_alloc(sizeof *client + owner.n + 1);
    if (client == NULL)
        return NULL;
    memcpy(client->name, owner.p, owner.n);
    if (lintel_map_put(&rd->clients, client->name, owner.n, client) == 0)
        return client;
    lintel_free(client);
    return NULL;
}

/* Without memory one is not counted: the limit is milder for a while. */
void
lintel_rd_count(struct lintel_rd *rd, const struct lintel_registration *reg)
{
    lintel_rd_uncount(rd, reg->id);
    if (reg->flags & LINTEL_REG_OWN || reg->owner.n == 0)
        return;
    struct client *client = client_of(rd, reg->owner);
    if (client == NULL)
        return;
    client->n++;
    if (lintel_map_put(&rd->active, (const char *)&reg->id, sizeof reg->id, client) == 0)
        return;
    if (--client->n == 0) {
        lintel_map_take(&rd->clients, client->name, strlen(client->name));
        lintel_free(client);
    }
}

void
lintel_rd_counts_free(struct lintel_rd *rd)
{
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(&rd->clients, &it, &slot);)
        lintel_free(slot->value);
    lintel_map_fini(&rd->clients);
    lintel_map_fini(&rd->active);
}

uint32_t
lintel_rd_code(const char *reason)
{
    return strcmp(reason, "out of memory") == 0 ? LINTEL_UNAVAILABLE : LINTEL_BAD_REQUEST;
}

const struct lintel_registration *
lintel_rd_put(struct lintel_call *c, const struct lintel_reg_input *in)
{
    struct lintel_rd *rd = c->tree->rd;
    char reason[LINTEL_REASON] = "";
    const struct lintel_registration *reg =
        lintel_registry_put(rd->registry, in, lintel_rd_now(rd), NULL, reason);
    if (reg == NULL) {
        lintel_call_fail(c, lintel_rd_code(reason), "%s", reason);
        return NULL;
    }
    lintel_rd_count(rd, reg);
    lintel_rd_note_link(rd, reg, c->x->scope);
    lintel_rd_arm(rd);
    return reg;
}
