/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/daemon/hub.h: hub.c runs a site and takes changed ones in, hub_tree.c is what the
 * tree sees of the hub, hub_bus.c what is done with single buses, hub_cage.c the cage's switch. Loop's thread. */
#ifndef LINTEL_DAEMON_HUB_PRIV_H
#define LINTEL_DAEMON_HUB_PRIV_H
#include <pthread.h>

#include "core/daemon/hub.h"
#include "core/daemon/site_source.h"
#include "core/engine/engine.h"
#include "core/plug/instance.h"
#include "core/serve/tree.h"
#include "core/trust/hubkey.h"

/* A bus or transport that runs, or is ending before it can start again. */
struct running {
    struct running *next;
    struct lintel_hub *hub;
    char *name;
    uint8_t digest[16];
    struct lintel_instance *instance;            /* a bus */
    struct lintel_transport_instance *transport; /* or a transport */
    int stopping;                                /* a bus whose thread or child has not ended yet */
};

struct waiting { /* somebody who asked for a reload */
    struct waiting *next;
    lintel_hub_reloaded_fn *done;
    void *ctx;
};

struct lintel_hub {
    struct lintel_loop *loop;
    struct lintel_hubkey key;
    struct lintel_site_reader reader;
    struct lintel_site *site;         /* what runs */
    const struct lintel_site *coming; /* while its transports start; else NULL */
    struct lintel_engine *engine;
    struct lintel_plug *plug;
    struct lintel_trail *trail;
    struct lintel_tree *tree;
    struct lintel_store *directory; /* registrations; NULL: they can't be kept */
    struct lintel_local *local;
    struct running *buses, *transports;
    struct lintel_buf plugins; /* their names, as JSON */
    /* A reload: one at a time, read on a thread. */
    pthread_t reading_thread;
    int reading, again, closing;
    struct lintel_site *fresh; /* written by the thread, taken on the loop */
    struct lintel_report problems;
    struct waiting *waiting, *waiting_next; /* for the reload under way; for the one after it */
};

/* hub_tree.c */
struct lintel_tree_port hub_tree_port(struct lintel_hub *h); /* what transports are given */
/* What the tree is given; the caller adds what it has opened for it. */
struct lintel_tree_source hub_tree_source(struct lintel_hub *h);
void hub_note_plugins(struct lintel_hub *h);

/* hub_cage.c */
int hub_is_uncaged(const struct lintel_paths *paths);

/* hub_bus.c: lintel_tree_source.bus and .bus_abandon */
void *hub_bus(void *ctx, const struct lintel_bus_call *call);
void hub_bus_abandon(void *ctx, void *work);
#endif
