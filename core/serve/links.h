/* SPDX-License-Identifier: Apache-2.0
 * Link-format documents: /.well-known/core, /d, /d/{thing}. */
#ifndef LINTEL_SERVE_LINKS_H
#define LINTEL_SERVE_LINKS_H
#include "core/serve/inside.h"

/* The interface types of affordances (`if`), a tag URI of the project (RFC 4151). */
#define LINTEL_IF_PROPERTY "tag:lintel-hub.example,2026:property"
#define LINTEL_IF_ACTION "tag:lintel-hub.example,2026:action"
#define LINTEL_IF_EVENT "tag:lintel-hub.example,2026:event"

void lintel_serve_core(struct lintel_call *c);   /* the hub's services and things */
void lintel_serve_things(struct lintel_call *c); /* the things alone */
/* A thing's own links; own_root: the tree stands at the root of the thing's own address. */
void lintel_serve_thing(struct lintel_call *c, struct lintel_live_thing *thing, int own_root);
/* The same links for the directory: appended, unfiltered, as many as fit both limits. -1: some are
 * left out. */
int lintel_thing_links(const struct lintel_thing *t, int own_root, size_t bytes, uint32_t count,
                       struct lintel_buf *out);
/* The kind of thing: global names of its objects, blank-separated. */
void lintel_thing_types(const struct lintel_thing *t, struct lintel_buf *out);
#endif
