/* SPDX-License-Identifier: Apache-2.0
 * The resource tree: one request router under every transport. Loop's thread.
 *
 *   /.well-known/core                  links of the hub (RFC 6690), with filters
 *   /d                                 the things, as links
 *   /d/{thing}                         one thing's links
 *   /d/{thing}/{object}/{p|a|e}/{name} a property, an action, an event
 *   /d/{thing}/s                       all readable properties as one SenML pack; FETCH and iPATCH
 *   /rd /rd/{id} /rd-lookup/{ep,res} /.well-known/rd   the resource directory (RFC 9176)
 *   /d/{thing}/td /tdd/things          Thing Descriptions
 *   /.well-known/wot                   the hub's own
 *   /maps /maps/{id}                   bindings, as they were written
 *   /models /models/{id}               SDF documents of the kinds of things that run, bindings
 * merged in /hub/status /hub/things /hub/values[/{thing}] /hub/plugins /hub/reload management:
 * loopback and local socket only A request to a thing's own address (lintel_exchange.thing) has the
 * thing's part of the tree at its root.
 */
#ifndef LINTEL_SERVE_TREE_H
#define LINTEL_SERVE_TREE_H
#include "core/serve/tree_source.h"

struct lintel_tree *lintel_tree_new(const struct lintel_tree_source *s);
/* Open exchanges end with 5.03. The store of the directory is closed before, so that all that waits
 * for the disk has been answered. */
void lintel_tree_free(struct lintel_tree *t);

/* As lintel_host_transport.submit: 0 if answered in full before it returns. */
lintel_ticket lintel_tree_submit(struct lintel_tree *t, const lintel_exchange *x,
                                 lintel_answer_fn *fn, void *ctx);
void lintel_tree_abandon(struct lintel_tree *t, lintel_ticket ticket);
/* The answer to what the tree sent by tree_source.send(). */
void lintel_tree_reply(struct lintel_tree *t, lintel_ticket ticket, const lintel_answer *a);

/* ---- what the daemon tells ------------------------------------------------------------------- */

/* The site that counts from now on: rights and the directory's settings. Referenced by the caller
 * as long as it counts. */
void lintel_tree_site(struct lintel_tree *t, const struct lintel_site *site);
/* While it is held, whoever asks is told to come again: the hub is starting. */
void lintel_tree_hold(struct lintel_tree *t, int hold);
/* A thing has come, or is about to go. */
void lintel_tree_thing(struct lintel_tree *t, struct lintel_live_thing *thing, int added);
/* Another one has the place of a thing of the same id and zone; its own address stays. */
void lintel_tree_thing_replaced(struct lintel_tree *t, struct lintel_live_thing *thing);
/* A transport gave the thing an address of its own; base NULL: took it back. */
void lintel_tree_thing_base(struct lintel_tree *t, const char *thing, const char *base);

/* ---- resources of plugins (lintel/ext/resources.h) ------------------------------------------- */

struct lintel_mount_ops {
    void (*request)(void *ctx, lintel_ticket ticket, const lintel_exchange *x);
    void (*abandoned)(void *ctx, lintel_ticket ticket);
};
/* LINTEL_E_BUSY: the name is taken; LINTEL_E_RANGE: it is no name, or the links are none. */
lintel_status lintel_tree_mount(struct lintel_tree *t, const char *name, const char *links,
                                const struct lintel_mount_ops *ops, void *ctx);
/* All that ctx has mounted goes; its open exchanges end with 5.03. */
void lintel_tree_unmount(struct lintel_tree *t, void *ctx);
/* Counts only from who has mounted what was asked. */
void lintel_tree_mounted_answer(struct lintel_tree *t, void *ctx, lintel_ticket ticket,
                                const lintel_answer *a);

uint32_t
lintel_tree_open(const struct lintel_tree *t); /* exchanges not ended, observations included */
#endif
