/* SPDX-License-Identifier: Apache-2.0
 * What the files of the directory share, and nobody else includes.
 *
 *   rd          routing, registration, removal
 *   rd_update   POST to a registration
 *   rd_simple   /.well-known/rd: links that the hub fetches
 *   rd_lookup   lookups: answers built in steps, observed
 *   rd_things   the things of the hub as endpoints
 *   rd_keep     what survives a restart, and answers that wait for the disk
 *   rd_policy   who may register what, and how much
 *   rd_link     link-local endpoints
 *   rd_request  reading a registration's query
 *   rd_list     the directory for people */
#ifndef LINTEL_SERVE_RD_INSIDE_H
#define LINTEL_SERVE_RD_INSIDE_H
#include "core/base/map.h"
#include "core/bind/site.h"
#include "core/directory/registry.h"
#include "core/serve/rd.h"

enum {
    LINTEL_RD_BUILDING_MOST = 16,    /* long answers that are built at once, observations apart */
    LINTEL_RD_WATCHING_MOST = 10000, /* observations; further ones are answered once */
    LINTEL_RD_FETCHES_MOST = 64,     /* simple registrations: documents that are fetched at once */
    LINTEL_RD_WAITERS_MOST = 16,     /* and who waits for one of them */
    LINTEL_RD_SIMPLE_MOST = 4096,    /* endpoints whose documents are fetched again */
    LINTEL_RD_RETRY = 60,            /* s: Max-Age where the directory is full */
    LINTEL_RD_ID = 17,               /* bytes of an id as text, with its end */
    LINTEL_RD_OWNER_MOST = 512
};

struct lintel_rd {
    struct lintel_tree *tree;
    struct lintel_registry *registry;
    struct lintel_timer expiry;
    lintel_mono expires;       /* when it is armed for */
    struct lintel_map clients; /* rd_policy: owner -> its active registrations, counted */
    struct lintel_map active;  /* id -> the same counter */
    struct lintel_rd_query *queries, **last_query; /* rd_lookup: to be built, in their order */
    struct lintel_rd_query *watching;
    uint32_t nbuilding, nwatching;
    uint64_t notified;
    struct lintel_timer turn;
    struct lintel_rd_fetch *fetches; /* rd_simple */
    struct lintel_map simple;        /* id -> what is known of its source */
    uint32_t nfetches;
    uint64_t last_ticket;
    struct lintel_map links;  /* rd_link: id -> the interface that a link-local one is behind */
    struct lintel_map things; /* rd_things: thingId -> its registration */
    struct lintel_rd_thing *news, **last_news;
    struct lintel_timer news_turn;
    int soft;                 /* rd_keep: the disk refuses; said once */
    struct lintel_map unkept; /* ids of what it has refused, to be tried again */
    uint32_t npending;        /* answers that wait for it */
    struct lintel_rd_pending *pending;
};

/* The settings that count. */
const struct lintel_directory_conf *lintel_rd_conf(const struct lintel_rd *rd);
lintel_mono lintel_rd_now(const struct lintel_rd *rd);
/* Looks at what ends by time at `at`. Armed once, it always is: moving it needs no memory. -1: none
 * for the first. */
int lintel_rd_wake(struct lintel_rd *rd, lintel_mono at);
void lintel_rd_arm(struct lintel_rd *rd); /* time may have to be looked at earlier */
void lintel_rd_id_print(uint64_t id, char out[LINTEL_RD_ID]);
uint64_t lintel_rd_id_read(const char *s, size_t n); /* 0: it is none */
/* An error with a Max-Age. */
void lintel_rd_later(struct lintel_call *c, uint32_t code, const char *text);

/* ---- rd_request --------------------------------------------------------------------------------
 */

struct lintel_rd_request {                /* texts are the exchange's */
    struct lintel_str ep, d, base, lwm2m; /* p NULL: not given */
    uint32_t lt;                          /* 0: not given */
    uint32_t nattrs;
    struct lintel_link_attr attrs[LINTEL_REG_ATTRS_MOST]; /* all else, lwm2m among it */
};
/* -1: 4.00 with a reason. */
int lintel_rd_request_read(const lintel_exchange *x, struct lintel_rd_request *ret,
                           char reason[LINTEL_REASON]);
/* The format and size of a body of links, and each link; answers and returns -1 where it is none.
 */
int lintel_rd_body(struct lintel_call *c);
/* Names that the query leaves out, and base where it has none: RFC 9176 section 5. Answers and
 * returns 0 where they are missing. */
int lintel_rd_complete(struct lintel_call *c, struct lintel_rd_request *r, uint32_t *flags);

/* ---- rd_policy ---------------------------------------------------------------------------------
 */

/* Who asks, as registrations remember it: authority and identity with a line's end between them;
 * "@host" for one whom nobody vouches for. */
void lintel_rd_owner(const struct lintel_call *c, char out[LINTEL_RD_OWNER_MOST]);
int lintel_rd_owner_is_known(struct lintel_str owner);
enum lintel_directory_policy lintel_rd_policy(const struct lintel_rd *rd, struct lintel_str d);
/* Whether the peer may register, in the sector d; answers otherwise. */
int lintel_rd_may(struct lintel_call *c, struct lintel_str d, uint32_t what);
/* Whether the name is the peer's to take by the sector's policy; answers otherwise. reg: what has
 * the name now, active or not, or NULL. */
int lintel_rd_may_name(struct lintel_call *c, struct lintel_str ep, struct lintel_str d,
                       const struct lintel_registration *reg);
/* Whether the peer may change an existing one; answers otherwise. */
int lintel_rd_may_change(struct lintel_call *c, const struct lintel_registration *reg);
/* Whether the request is known to be no older one that comes again (RFC 9176 section 5.3.4.2);
 * answers 4.01 with an Echo otherwise. reg NULL: there is nothing to be changed. */
int lintel_rd_is_fresh(struct lintel_call *c, const struct lintel_registration *reg);
/* Whether no link is one that the site refuses from this peer; answers otherwise. */
int lintel_rd_may_links(struct lintel_call *c, struct lintel_str links);
/* The same for somebody whose request is over: 1 with a reason, or 0. */
int lintel_rd_refuses_links(const struct lintel_rd *rd, const struct lintel_who *who,
                            struct lintel_str links, char reason[LINTEL_REASON]);
/* Whether an owner may take the name that reg has, for one whose request is over. */
int lintel_rd_is_free(const struct lintel_rd *rd, const struct lintel_registration *reg,
                      struct lintel_str owner);
/* Whether there is room for one more; answers otherwise. reg: as above; it needs none if active. */
int lintel_rd_has_room(struct lintel_call *c, const struct lintel_registration *reg);
/* Counts a registration for its owner as long as it is active. */
void lintel_rd_count(struct lintel_rd *rd, const struct lintel_registration *reg);
void lintel_rd_uncount(struct lintel_rd *rd, uint64_t id);
void lintel_rd_counts_free(struct lintel_rd *rd);
/* The code for a reason: 4.00, or 5.03 where it is that memory is out. */
uint32_t lintel_rd_code(const char *reason);
/* Registers: counts, arms time. NULL after the call was answered. */
const struct lintel_registration *lintel_rd_put(struct lintel_call *c,
                                                const struct lintel_reg_input *in);

/* ---- rd_link -----------------------------------------------------------------------------------
 */

/* Whether the base means the same here as for the peer; answers otherwise. */
int lintel_rd_may_base(struct lintel_call *c, struct lintel_str base);
/* scope: lintel_exchange.scope of who registered. */
void lintel_rd_note_link(struct lintel_rd *rd, const struct lintel_registration *reg,
                         uint32_t scope);
void lintel_rd_forget_link(struct lintel_rd *rd, uint64_t id);
/* Whether somebody behind that interface may be told of it. After a restart nobody is, until the
 * endpoint is heard of again. */
int lintel_rd_is_on_link(const struct lintel_rd *rd, const struct lintel_registration *reg,
                         uint32_t scope);

/* ---- rd_keep -----------------------------------------------------------------------------------
 */

int lintel_rd_load(struct lintel_rd *rd); /* -1: out of memory */
/* Answers a change that was made, once it is on the disk. id: of what was changed or removed;
 * location: of a 2.01. */
void lintel_rd_done(struct lintel_call *c, uint32_t code, uint64_t id, int location);
/* The same for an exchange that is open already. */
struct lintel_rd_receipt {
    lintel_ticket ticket;
    uint32_t code, flags;
    uint64_t id, state;
    int location;
};
void lintel_rd_done_open(struct lintel_rd *rd, const struct lintel_rd_receipt *r);
/* Writes a registration, or that there is none any more, without waiting. -1: the disk refuses; it
 * is tried again when it takes something. */
int lintel_rd_keep(struct lintel_rd *rd, uint64_t id);
void lintel_rd_keep_free(struct lintel_rd *rd);

/* ---- the others --------------------------------------------------------------------------------
 */

void lintel_rd_update(struct lintel_call *c, const struct lintel_registration *reg);
void lintel_rd_simple(struct lintel_call *c);
void lintel_rd_simple_forget(struct lintel_rd *rd, uint64_t id);
/* After a restart: looks after the links of one that was read back. */
void lintel_rd_simple_resume(struct lintel_rd *rd, const struct lintel_registration *reg);
void lintel_rd_simple_free(struct lintel_rd *rd);
void lintel_rd_lookup(struct lintel_call *c, int resources);
void lintel_rd_concerned(struct lintel_rd *rd, const struct lintel_registration *reg);
void lintel_rd_all_concerned(struct lintel_rd *rd);
void lintel_rd_lookups_free(struct lintel_rd *rd);
void lintel_rd_things_free(struct lintel_rd *rd);

static inline struct lintel_str
lintel_rd_span(const lintel_span *s)
{
    return (struct lintel_str){s->p, s->n};
}
#endif
