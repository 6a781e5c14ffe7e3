/* SPDX-License-Identifier: Apache-2.0
 * What the resource tree is given: the engine, the loop, and what the daemon does for it. Apart
 * from tree.h, so that the tree's own files need not know the router that stands above them. */
#ifndef LINTEL_SERVE_TREE_SOURCE_H
#define LINTEL_SERVE_TREE_SOURCE_H
#include "core/base/text.h"
#include "core/engine/engine.h"
#include "core/engine/subscribe.h"
#include "lintel/transport.h"

struct lintel_store;
struct lintel_trail;
struct lintel_tree;
/* refused: the site was not taken in, and json is a list of problems; else it says what has
 * changed. */
typedef void lintel_reload_done(void *done_ctx, int refused, struct lintel_buf *json);
/* A request about one bus that the daemon serves: /hub/buses/{bus}/{verb}. */
struct lintel_bus_call {          /* valid until the call returns */
    const char *bus, *verb, *who; /* the bus exists; who: for the record */
    const lintel_exchange *x;
    /* Ends it, exactly once, now or later, on the loop's thread; with LINTEL_ANSWER_MORE (only
     * where x has LINTEL_X_OBSERVE) another one follows. */
    void (*done)(void *done_ctx, const lintel_answer *a);
    void *done_ctx;
};
struct lintel_tree_source {
    struct lintel_engine *engine;
    struct lintel_loop *loop;
    const char *hub_name; /* copied */
    /* What the daemon does for management resources; one JSON value is added to out. status:
     * becomes the member "daemon" of /hub/status. Each may be NULL: left out, or 5.01. */
    void (*status)(void *ctx, struct lintel_buf *out);
    void (*plugins)(void *ctx, struct lintel_buf *out);
    /* Ends with done(), now or later, on the loop's thread, and before the tree is freed. */
    void (*reload)(void *ctx, const char *who, lintel_reload_done *done, void *done_ctx);
    /* NULL: no such verbs. Returns the work under way, or NULL after done() has ended it. */
    void *(*bus)(void *ctx, const struct lintel_bus_call *call);
    void (*bus_abandon)(void *ctx, void *work); /* nobody waits any more: done() is not called */
    void *ctx;
    /* What survives a restart: registrations of the directory. NULL: nothing does. */
    struct lintel_store *directory;
    /* Where refusals are recorded, and what /hub/audit shows; it outlives the tree. NULL: none. */
    struct lintel_trail *trail;
    uint64_t seed; /* of numbers that nobody may guess */
    /* As lintel_host_transport.derive; NULL: things have no stable pseudonyms. */
    void (*derive)(void *ctx, const void *label, size_t n, uint8_t ret[32]);
    /* Sends a request of the hub's own by the transport that `asker` (the ctx of a submit()) stands
     * for, or by any that can where it is NULL; its answer comes by lintel_tree_reply(). NULL: not
     * possible. */
    lintel_status (*send)(void *ctx, void *asker, const char *uri, const lintel_exchange *x,
                          lintel_ticket ticket);
};

/* How answers go back to where an exchange came from. */
typedef void lintel_answer_fn(void *ctx, void *cookie, const lintel_answer *a);
#endif
