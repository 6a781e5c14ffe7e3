/* SPDX-License-Identifier: Apache-2.0
 * The resource tree: one request router under every transport. Loop's thread.
 *
 *   /.well-known/core                  links of the hub (RFC 6690), with filters
 *   /d                                 the things, as links
 *   /d/{thing}                         one thing's links
 *   /d/{thing}/{object}/{p|a|e}/{name} a property, an action, an event
 *   /d/{thing}/s                       all readable properties as one SenML pack
 *   /hub/status /hub/things /hub/values[/{thing}] /hub/plugins /hub/reload
 *                                      management: loopback and local socket only
 * A request to a thing's own address (lintel_exchange.thing) has the thing's part of the tree at its root.
 */
#ifndef LINTEL_SERVE_TREE_H
#define LINTEL_SERVE_TREE_H
#include "core/engine/engine.h"
#include "core/engine/subscribe.h"
#include "lintel/transport.h"

struct lintel_tree;
/* refused: the site was not taken in, and json is a list of problems; else it says what has changed. */
typedef void lintel_reload_done(void *done_ctx, int refused, struct lintel_buf *json);
struct lintel_tree_source {
    struct lintel_engine *engine;
    struct lintel_loop *loop;
    const char *hub_name; /* copied */
    /* What the daemon does for management resources; one JSON value is added to out. status: becomes the
     * member "daemon" of /hub/status. Each may be NULL: left out, or 5.01. */
    void (*status)(void *ctx, struct lintel_buf *out);
    void (*plugins)(void *ctx, struct lintel_buf *out);
    /* Ends with done(), now or later, on the loop's thread, and before the tree is freed. */
    void (*reload)(void *ctx, const char *who, lintel_reload_done *done, void *done_ctx);
    void *ctx;
};
struct lintel_tree *lintel_tree_new(const struct lintel_tree_source *s);
void lintel_tree_free(struct lintel_tree *t); /* open exchanges end with 5.03 */

/* How answers go back to where an exchange came from. */
typedef void lintel_answer_fn(void *ctx, void *cookie, const lintel_answer *a);
/* As lintel_host_transport.submit: 0 if answered in full before it returns. */
lintel_ticket lintel_tree_submit(struct lintel_tree *t, const lintel_exchange *x, lintel_answer_fn *fn,
                                 void *ctx);
void lintel_tree_abandon(struct lintel_tree *t, lintel_ticket ticket);
uint32_t lintel_tree_open(const struct lintel_tree *t); /* exchanges not ended, observations included */
#endif
