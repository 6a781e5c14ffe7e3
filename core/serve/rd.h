/* SPDX-License-Identifier: Apache-2.0
 * The resource directory (RFC 9176) as resources of the tree:
 *
 *   /rd                 POST registers an endpoint; with lwm2m= by the rules of LwM2M
 *   /rd/{id}            a registration: POST updates, DELETE removes, GET shows its links
 *   /rd-lookup/{ep,res} endpoints and their links, filtered, in pages, observed
 *   /.well-known/rd     POST: the hub fetches the links from the endpoint itself
 *
 * Registrations live in core/directory; here are rights, policies, limits, the disk, and the things
 * of the hub, each of which is an endpoint. Loop's thread. */
#ifndef LINTEL_SERVE_RD_H
#define LINTEL_SERVE_RD_H
#include "core/serve/inside.h"

struct lintel_rd *lintel_rd_new(struct lintel_tree *t); /* reads what was kept; NULL: no memory */
void lintel_rd_free(struct lintel_rd *rd);              /* NULL is fine */

/* Answers, or returns 0: the path is none of the directory's. */
int lintel_serve_rd(struct lintel_call *c);
/* The answer to a request of the directory's own. */
void lintel_rd_reply(struct lintel_rd *rd, lintel_ticket ticket, const lintel_answer *a);

void lintel_rd_site(struct lintel_rd *rd); /* another site counts: rights and policies */
void lintel_rd_thing(struct lintel_rd *rd, struct lintel_live_thing *thing, int added);
/* Another one has the place of a thing of the same id and zone. */
void lintel_rd_thing_replaced(struct lintel_rd *rd, struct lintel_live_thing *thing);
void lintel_rd_thing_base(struct lintel_rd *rd, const char *thing, const char *base);

/* JSON: the member "directory" of /hub/status; all of /hub/directory. */
void lintel_rd_status(const struct lintel_rd *rd, struct lintel_buf *out);
void lintel_rd_list(struct lintel_rd *rd, struct lintel_buf *out);
#endif
