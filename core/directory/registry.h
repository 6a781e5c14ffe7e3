/* SPDX-License-Identifier: Apache-2.0
 * The registrations of the resource directory (RFC 9176), and lookups among them. It knows no
 * transport, no rights and no disk: core/serve/rd.c does. Loop's thread; no I/O, no clock: `now` is
 * given. All texts given are borrowed; what is kept is copied. Names (ep, d) are compared byte by
 * byte.
 *
 * A registration is *active* until its lifetime ends; then no lookup shows it, but it can still be
 * refreshed for a time of grace (max(lt, 24 h), at most 7 days), and is forgotten after that. */
#ifndef LINTEL_DIRECTORY_REGISTRY_H
#define LINTEL_DIRECTORY_REGISTRY_H
#include "core/directory/link.h"
#include "core/model/data.h"

enum {                               /* limits: what is beyond them is refused */
       LINTEL_REG_NAME_MOST = 63,    /* bytes of ep and of d (RFC 9176 section 5) */
       LINTEL_REG_BASE_MOST = 255,   /* bytes of a base URI */
       LINTEL_REG_ATTRS_MOST = 32,   /* endpoint attributes */
       LINTEL_REG_ATTR_MOST = 1024,  /* bytes of the value of one */
       LINTEL_REG_LINKS_MOST = 1000, /* links of one registration */
       LINTEL_REG_BYTES_MOST = 65536 /* of its links, as text */
};
#define LINTEL_REG_LT_DEFAULT 90000u /* s (RFC 9176 section 5) */

enum {                      /* lintel_registration.flags */
       LINTEL_REG_BASE = 1, /* base was given, not taken from the source */
       LINTEL_REG_SIMPLE =
           2, /* made by simple registration: the links are fetched from the endpoint */
       LINTEL_REG_OWN =
           4, /* a thing of this hub: no lifetime, not kept on disk, nobody else's to change */
       LINTEL_REG_LWM2M = 8,    /* registered by the rules of LwM2M */
       LINTEL_REG_NO_LINKS = 16 /* its links are not shown by resource lookups */
};

struct lintel_registry;
struct lintel_registration { /* to be read only; valid until it is changed or forgotten */
    uint64_t id;             /* random, never 0; its resource is /rd/{16 hex digits} */
    struct lintel_str ep, d;
    struct lintel_str
        base; /* "" for OWN ones at the directory's own address, as the client reaches it */
    struct lintel_str
        owner;           /* who registered (core/serve/rd_policy.c's words); "" = nobody known */
    uint64_t session;    /* lintel_exchange.session of the last change; 0 after a restart */
    uint64_t state;      /* grows with each operation; for Echo (RFC 9176 section 5.3.4.2) */
    lintel_mono expires; /* INT64_MAX: never */
    uint32_t lt, flags, nlinks;
};

struct lintel_reg_input { /* what a registration becomes */
    struct lintel_str ep, d, base, owner;
    uint32_t lt, flags;
    uint64_t session;
    const struct lintel_link_attr
        *attrs; /* endpoint attributes, repeated ones included: et, and all unknown */
    uint32_t nattrs;
    struct lintel_str
        links; /* a document in Limited Link Format (RFC 9176 appendix C); "" = none */
};

enum lintel_reg_change {
    LINTEL_REG_ADDED,   /* also: registered again or refreshed after its expiry */
    LINTEL_REG_CHANGED, /* base, attributes or links; told before (`was` = 1) and after (0) */
    LINTEL_REG_REMOVED  /* also: expired; told while it can still be looked at (`was` = 1) */
};
struct lintel_registry_source {
    uint64_t seed; /* of ids: from the kernel */
    /* Lookups may answer otherwise now. Not for a mere refresh, nor when what came is what was
     * there. May look, but change nothing. NULL: nobody wants to know. */
    void (*changed)(void *ctx, const struct lintel_registration *reg, enum lintel_reg_change what,
                    int was);
    /* An expired registration is forgotten: its id is dead. */
    void (*forgotten)(void *ctx, uint64_t id);
    void *ctx;
};
struct lintel_registry *lintel_registry_new(const struct lintel_registry_source *s);
void lintel_registry_free(struct lintel_registry *r);

/* ---- checking what came in ------------------------------------------------------------------- */

/* A name: 1..63 bytes of UTF-8 without control characters (ep), or 0..63 (d). */
int lintel_reg_is_name(struct lintel_str s);
/* An absolute URI with a scheme and an authority, no query, no fragment, no zone id. -1 with a
 * reason. */
int lintel_reg_check_base(struct lintel_str s, char reason[LINTEL_REASON]);
/* An endpoint attribute. RFC 9176 lets registrants invent any; refused are names by which a lookup
 * could not tell it from its own parameters or a link's (page, count, rt, href, anchor, if, rel),
 * and those of registration (ep, d, lt, base). -1 with a reason. */
int lintel_reg_check_attr(const struct lintel_link_attr *attr, char reason[LINTEL_REASON]);
/* Limited Link Format: targets and anchors are URIs or begin with exactly one '/'. -1 with the byte
 * and the reason. */
int lintel_reg_check_links(struct lintel_str doc, size_t *ret_at, char reason[LINTEL_REASON]);

/* ---- operations: each is done as a whole, or not at all (RFC 9176 section 5) --------------------
 */

/* Registers; an equal (ep, d), active or in grace, is replaced and keeps its id. NULL with a
 * reason: out of memory, or input that the checks above would have refused. *ret_new: it was not
 * there (or not active). */
const struct lintel_registration *lintel_registry_put(struct lintel_registry *r,
                                                      const struct lintel_reg_input *in,
                                                      lintel_mono now, int *ret_new,
                                                      char reason[LINTEL_REASON]);
struct lintel_reg_update {  /* what an update gives; all else stays */
    struct lintel_str base; /* p NULL: stays */
    int base_given; /* sets LINTEL_REG_BASE; else base is the source, taken only if none was ever
                       given */
    uint32_t lt;    /* 0: stays */
    uint64_t session;
    const struct lintel_link_attr *attrs; /* each name given replaces all values of that name */
    uint32_t nattrs;
    struct lintel_str links; /* p NULL: stay */
};
/* Restarts the lifetime, also of one in grace. -1 with a reason, and nothing has changed. */
int lintel_registry_update(struct lintel_registry *r, uint64_t id,
                           const struct lintel_reg_update *u, lintel_mono now,
                           char reason[LINTEL_REASON]);
int lintel_registry_remove(struct lintel_registry *r, uint64_t id); /* -1: there is none */
/* Ends what has expired and forgets what is beyond its grace, some at a time. The next time to call
 * it, which is not after `now` while there is more; INT64_MAX: never. */
lintel_mono lintel_registry_expire(struct lintel_registry *r, lintel_mono now);

/* ---- looking --------------------------------------------------------------------------------- */

/* Also those in grace: ask is_active(). NULL: none. */
const struct lintel_registration *lintel_registry_find(const struct lintel_registry *r,
                                                       uint64_t id);
const struct lintel_registration *lintel_registry_find_name(const struct lintel_registry *r,
                                                            struct lintel_str ep,
                                                            struct lintel_str d);
int lintel_registration_is_active(const struct lintel_registration *reg, lintel_mono now);
/* The i-th endpoint attribute; 0 behind the last. */
int lintel_registration_attr(const struct lintel_registration *reg, uint32_t i,
                             struct lintel_link_attr *ret);
/* Its links as registered, a document. */
void lintel_registration_links(const struct lintel_registration *reg, struct lintel_buf *out);

struct lintel_registry_stats {
    uint32_t active, grace;
    uint64_t links, bytes; /* of active ones; memory of all */
};
void lintel_registry_stats(const struct lintel_registry *r, struct lintel_registry_stats *ret);

/* ---- keeping --------------------------------------------------------------------------------- */

/* All of a registration as bytes; its end as a time of the wall clock (`now` and `wall` are the
 * same moment). */
void lintel_registration_pack(const struct lintel_registration *reg, lintel_mono now,
                              lintel_wall wall, struct lintel_buf *out);
/* Takes one back under its id. -1 with a reason: the bytes are no registration. Nobody is told
 * (`changed`). */
int lintel_registry_unpack(struct lintel_registry *r, uint64_t id, const void *p, size_t n,
                           lintel_mono now, lintel_wall wall, char reason[LINTEL_REASON]);

/* ---- lookups (RFC 9176 section 6) ------------------------------------------------------------ */

enum { LINTEL_LOOKUP_CRITERIA_MOST = 32 };
struct lintel_lookup { /* a query, and how far its answer is; texts are the query's */
    int resources;     /* else endpoints */
    uint32_t n;
    lintel_span criteria[LINTEL_LOOKUP_CRITERIA_MOST];
    uint64_t count, page; /* count UINT64_MAX: all */
    struct lintel_str
        here; /* base of OWN registrations without one: how this client reaches the directory */
    int (*visible)(void *ctx,
                   const struct lintel_registration *reg); /* may the client see it; NULL: all */
    void *visible_ctx;
    /* of the walk */
    uint64_t at, skipped, given;
};
/* Reads a query: page and count, the rest are criteria. -1: 4.00 with a reason. */
int lintel_lookup_init(struct lintel_lookup *l, int resources, const lintel_span *query,
                       uint32_t nquery, char reason[LINTEL_REASON]);
/* Appends links to out, in the order of registration, until about `budget` registrations were
 * looked at. 1: go on; 0: that was all. Between two calls registrations may come and go: each is
 * shown whole, or not at all. */
int lintel_lookup_step(const struct lintel_registry *r, struct lintel_lookup *l, uint32_t budget,
                       struct lintel_buf *out);
/* Whether something of this registration is in the set that the query asks for, pages aside. */
int lintel_lookup_concerns(const struct lintel_registry *r, const struct lintel_lookup *l,
                           const struct lintel_registration *reg);
#endif
