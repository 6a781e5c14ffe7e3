/* SPDX-License-Identifier: Apache-2.0
 * Who may do what: identities of the site, their roles, and the table of rights. Immutable once
 * made; made from the site's files by core/bind, asked by core/serve. */
#ifndef LINTEL_TRUST_RIGHTS_H
#define LINTEL_TRUST_RIGHTS_H
#include <stddef.h>
#include <stdint.h>

enum {                          /* rights, in a zone */
       LINTEL_MAY_READ = 1,     /* values, models, lookups */
       LINTEL_MAY_WRITE = 2,    /* properties and actions of devices */
       LINTEL_MAY_REGISTER = 4, /* endpoints in the directory */
       LINTEL_MAY_MANAGE = 8    /* /hub */
};

struct lintel_who {       /* who asks, as a transport says */
    uint32_t flags;       /* LINTEL_X_LOOPBACK, _SECURE, _OPEN */
    const char *identity; /* "" = unknown */
    const char *authority;
};

struct lintel_rights; /* NULL: a site without a table */
/* LINTEL_MAY_* in a zone ("" = things without one). Without a table loopback may do everything, an
 * open listener's peers all but to manage, and nobody else anything (docs/decisions/002). */
uint32_t lintel_rights_of(const struct lintel_rights *r, const struct lintel_who *who,
                          const char *zone);
#endif
