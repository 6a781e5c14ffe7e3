/* SPDX-License-Identifier: Apache-2.0
 * Who may do what: identities of the site, their credentials and roles, and the table of rights.
 * Made from the site's files by core/bind, immutable from then on (any thread may ask), asked by
 * core/serve. Keys are wiped at its end, and appear in no reason. */
#ifndef LINTEL_TRUST_RIGHTS_H
#define LINTEL_TRUST_RIGHTS_H
#include <stddef.h>
#include <stdint.h>

enum {                          /* rights, in a zone */
       LINTEL_MAY_READ = 1,     /* values, models, lookups */
       LINTEL_MAY_WRITE = 2,    /* properties and actions of devices */
       LINTEL_MAY_REGISTER = 4, /* endpoints in the directory */
       LINTEL_MAY_MANAGE = 8    /* /hub; of the hub as a whole, in no zone */
};

struct lintel_who {       /* who asks, as a transport says */
    uint32_t flags;       /* LINTEL_X_LOOPBACK, _SECURE, _OPEN */
    const char *identity; /* "" = unknown */
    const char *authority;
};

struct lintel_rights; /* NULL: a site without identities and without a table */

/* ---- asking ---------------------------------------------------------------------------------- */

/* LINTEL_MAY_* in a zone ("" = things without one; NULL = in any zone, all of them together).
 * Without a table loopback may do everything, an open listener's peers all but to manage, and
 * nobody else anything (docs/decisions/002). With one, each may what its rows say: those of its
 * identity and roles, of "anybody", and of "local" for loopback; where no row is of "local",
 * loopback may do everything (docs/decisions/011). */
uint32_t lintel_rights_of(const struct lintel_rights *r, const struct lintel_who *who,
                          const char *zone);
/* The site's name for who asks; NULL: the site does not know it. Lives as long as r. */
const char *lintel_rights_name(const struct lintel_rights *r, const struct lintel_who *who);
/* Whether who asks is meant by a name: its identity, one of its roles, or "anybody". */
int lintel_rights_is(const struct lintel_rights *r, const struct lintel_who *who, const char *name);
/* Whether there is an identity or a role of that name; "anybody" always is. */
int lintel_rights_has(const struct lintel_rights *r, const char *name);
/* The key of a PSK identity. Its length; 0: there is none, or it is longer than `room`. Wipe it.
 * n = 0: how many keys there are. */
uint32_t lintel_rights_key(const struct lintel_rights *r, const char *psk_identity, size_t n,
                           uint8_t *key, uint32_t room);

/* ---- making: first identities, then what they own, then rows ----------------------------------
 */

enum {
    LINTEL_KEY_LEAST = 16, /* bytes of a key */
    LINTEL_KEY_MOST = 64,
    LINTEL_PSK_IDENTITY_MOST = 128, /* bytes (RFC 4279 section 5.3 wants 128 to be taken) */
    LINTEL_RIGHTS_REASON = 300      /* bytes of a reason */
};
struct lintel_rights *lintel_rights_new(void);
void lintel_rights_free(struct lintel_rights *r); /* NULL is fine */
/* From now on there is a table, if only an empty one. */
void lintel_rights_table(struct lintel_rights *r);

/* Each of these: 0, or -1 with a reason for people, and nothing has changed. */
int lintel_rights_add(struct lintel_rights *r, const char *identity,
                      char reason[LINTEL_RIGHTS_REASON]);
/* A role is made by its first member. */
int lintel_rights_add_role(struct lintel_rights *r, const char *identity, const char *role,
                           char reason[LINTEL_RIGHTS_REASON]);
/* key: the secret as text: 0x and hexadecimal digits, or the bytes themselves. Refused where it is
 * short, easily guessed, or another's. */
int lintel_rights_add_key(struct lintel_rights *r, const char *identity, const char *psk_identity,
                          const char *key, char reason[LINTEL_RIGHTS_REASON]);
/* name: what a certificate says; issuer: who signed it, NULL: whomever the listener trusts. */
int lintel_rights_add_certificate(struct lintel_rights *r, const char *identity, const char *name,
                                  const char *issuer, char reason[LINTEL_RIGHTS_REASON]);
/* who: an identity, a role, "anybody" or "local"; zone NULL: all. */
int lintel_rights_grant(struct lintel_rights *r, const char *who, const char *zone, uint32_t may,
                        char reason[LINTEL_RIGHTS_REASON]);
#endif
