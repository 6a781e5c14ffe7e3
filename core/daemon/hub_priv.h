/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/daemon/hub.h: hub.c runs a site and takes changed ones in, hub_transport.c does so
 * with transports, hub_tree.c is what the tree sees of the hub, hub_bus.c what is done with single
 * buses, bus_reload.c new code for them, and plugin_files.c looks at files of plugins,
 * hub_cage.c is the cage's switch. Loop's
 * thread. */
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

struct bus_verb;
struct bus_work { /* first member of what a verb's start() returns: whose abandon() it is */
    const struct bus_verb *verb;
};

struct renewal; /* bus_reload.c */
struct plugin_files;

struct waiting { /* somebody who asked for a reload */
    struct waiting *next;
    lintel_hub_reloaded_fn *done;
    void *ctx;
};

enum hub_change_step {
    HUB_CHANGE_NONE,
    HUB_CHANGE_CLEARING,
    HUB_CHANGE_STARTING,
    HUB_CHANGE_RESTORING
};
struct hub_change { /* of transports: hub_transport.c */
    enum hub_change_step step;
    struct lintel_site *site, *before;
    struct lintel_hub_change *counts;
    struct lintel_report *report;
    int failed;
    uint32_t ending; /* transports whose child has not ended yet */
    struct lintel_timer turn;
    void (*done)(struct lintel_hub *h, int failed);
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
    struct hub_change change;
    struct lintel_map wanted, had;   /* things of the site that is taken in, and of before */
    struct lintel_hub_change counts; /* of it */
    int refused;                     /* what came of the last one */
    struct lintel_buf plugins;       /* their names, as JSON */
    /* A reload: one at a time, read on a thread. */
    pthread_t reading_thread;
    int reading, again, closing; /* reading: until the site runs, or is refused */
    int joined;                  /* the thread has ended */
    struct lintel_site *fresh;   /* written by the thread, taken on the loop */
    struct lintel_report problems;
    struct waiting *waiting, *waiting_next; /* for the reload under way; for the one after it */
    /* New code for buses: one at a time, and never together with a reload. */
    struct renewal *renewals; /* the first is under way if renewing */
    int renewing;
    struct lintel_timer turn; /* to begin what waits */
    struct lintel_timer mend; /* always armed, so that memory can't be short for it */
    int lacking;              /* something of the site does not run, since memory was out */
    int64_t mend_pause;       /* the last one; 0: none yet */
    lintel_mono mended;       /* when it was last tried */
    struct plugin_files *files;
};

/* hub.c */
void hub_next(struct lintel_hub *h); /* begins what waits, if nothing is under way; not at once */
const struct lintel_port *hub_port(const struct lintel_port *ports, uint32_t n, const char *name);
/* Takes in the things of one bus from a site; what else it says stays for a reload. */
void hub_things_of(struct lintel_hub *h, struct lintel_site *site, const char *bus,
                   struct lintel_hub_change *c);
struct running *hub_running_find(struct running *list, const char *name);
struct running *hub_running_add(struct lintel_hub *h, struct running **list,
                                const struct lintel_port *conf);
void hub_running_remove(struct running **list, struct running *r);

/* hub_transport.c */
/* Makes the transports those of the site; done() is called with 0, or with -1 and the reasons in
 * the report, when they are again those of before: before this returns where none lives in a child.
 * c and report are used until then. */
void hub_change_transports(struct lintel_hub *h, struct lintel_site *site,
                           struct lintel_hub_change *c, struct lintel_report *report,
                           void (*done)(struct lintel_hub *h, int failed));
/* Serves the loop until a change is over, for a while; whether it is. Not from inside a callback.
 */
int hub_wait_transports(struct lintel_hub *h);
void hub_stop_transport(struct lintel_hub *h, struct running *r);
void hub_tell_transports(struct lintel_hub *h, const struct lintel_thing *thing, int added);

/* hub_tree.c */
struct lintel_tree_port hub_tree_port(struct lintel_hub *h); /* what transports are given */
/* What the tree is given; the caller adds what it has opened for it. */
struct lintel_tree_source hub_tree_source(struct lintel_hub *h);
void hub_note_plugins(struct lintel_hub *h);

/* hub_cage.c */
int hub_is_uncaged(const struct lintel_paths *paths);

/* hub_bus.c: what can be done with a single bus. A row a verb, in a file of its own, bus_VERB.c. */
struct bus_verb {
    const char *name;
    uint32_t method;
    /* As lintel_tree_source.bus; r runs. What it returns begins with a struct bus_work. */
    void *(*start)(struct lintel_hub *h, struct running *r, const struct lintel_bus_call *call);
    void (*abandon)(struct lintel_hub *h, void *work);
};
void bus_refuse(const struct lintel_bus_call *call, uint32_t code, const char *text);
extern const struct bus_verb bus_reload_verb, bus_try_verb, bus_wire_verb;
/* lintel_tree_source.bus and .bus_abandon */
void *hub_bus(void *ctx, const struct lintel_bus_call *call);
void hub_bus_abandon(void *ctx, void *work);

/* bus_reload.c: those that wait for /hub/buses/{bus}/reload */
void hub_renew(struct lintel_hub *h); /* begins the first of those that wait */
void hub_renewals_join(struct lintel_hub *h);
void hub_renewals_free(struct lintel_hub *h);

/* plugin_files.c: looks at the disk every few seconds, on a thread. */
void hub_files_begin(struct lintel_hub *h);
void hub_files_end(struct lintel_hub *h);
/* Whether another file lies in the place of what an instance runs, or was written over it. */
int hub_file_changed(const struct lintel_hub *h, const struct lintel_instance_stats *s);
#endif
