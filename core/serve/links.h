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
#endif
