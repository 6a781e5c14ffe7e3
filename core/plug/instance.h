/* SPDX-License-Identifier: Apache-2.0
 * Running instances of protocol plugins, each in a thread of the daemon or in a child process; and
 * of transports, on the loop or in a child process. Loop's thread. */
#ifndef LINTEL_PLUG_INSTANCE_H
#define LINTEL_PLUG_INSTANCE_H
#include "core/bind/site.h"
#include "core/engine/engine.h"
#include "lintel/transport.h"

struct lintel_plug; /* all running instances */
struct lintel_plug_source {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    const char *host_program; /* path of lintel-host */
    int uncaged;              /* children may do what the daemon may; for developers */
};
struct lintel_plug *lintel_plug_new(const struct lintel_plug_source *s);
/* Stops what runs, children included, and waits for them, at most 5 s; then kills the children.
 * Serves the loop meanwhile, so not from inside one of its callbacks. */
void lintel_plug_free(struct lintel_plug *p);

/* Starts a bus: adds it to the engine, starts its thread or child; readiness comes by
 * lintel_engine_bus_ready(). The site is referenced until the bus ends. NULL: out of memory. */
struct lintel_instance *lintel_plug_start_bus(struct lintel_plug *p, struct lintel_site *site,
                                              const struct lintel_port *conf);
/* Ends a bus whose things are gone already; removes it from the engine; frees when the thread or
 * child has ended. then(ctx) (may be NULL) is called at that time: a serial line can be opened
 * again. */
void lintel_plug_stop_bus(struct lintel_plug *p, struct lintel_instance *i, void (*then)(void *ctx),
                          void *ctx);

/* Somebody has seen to it: a bus that waits for its next start, in an alarm or because its
 * settings could not be, is tried at once, and its ends are forgotten. */
void lintel_plug_retry(struct lintel_plug *p, struct lintel_instance *i);

struct lintel_instance_stats {
    const char *name, *plugin, *version, *isolation; /* "thread", "process", "process:field" */
    const char *cage;   /* what holds the child, "user nobody, landlock 7, seccomp"; "": no child */
    int64_t pid;        /* of the child; 0: none */
    uint32_t restarts;  /* of the child, and of the instance alone */
    const char *state;  /* "running", "starting", "back-off", "alarm" (it ended too often, and is
                           tried rarely), "ending" (it did wrong), "stopping", "failed",
                           "reloading" */
    const char *reason; /* of the last death or refusal; "" */
    int64_t next_try;   /* ns until the next start; 0: none is waited for */
    const char *file;   /* of the plugin */
    uint64_t mark;      /* lintel_load_mark() of that file when it was opened; 0: not known */
    int aside; /* its bus has another instance: it is made ready to follow, or is on its way out */
    uint64_t misbehaved; /* breaches of the plugin's contract */
    uint64_t dropped;    /* samples of unknown points; events that came faster than they could be
                            taken */
    uint64_t replaced; /* values that newer ones of the same point replaced, for the same reason */
    int floods;        /* such was so in the last minute */
    uint64_t late;     /* requests that the hub had to end in the plugin's place */
};
void lintel_instance_stats(const struct lintel_instance *i, struct lintel_instance_stats *ret);
/* Who looks at the messages of a bus' wire. on_tap: valid during the call; ticket: of the op that
 * it belongs to (lintel_instance_ticket()), 0 where that is not known. It must not end the instance
 * or itself. */
struct lintel_tapped;
struct lintel_tap_listener {
    void (*on_tap)(void *ctx, const struct lintel_tapped *t);
    void (*ended)(void *ctx); /* the instance goes: the listener is taken off already */
    void *ctx;
    struct lintel_tap_listener *next; /* the instance's */
};
void lintel_instance_tap(struct lintel_instance *i, struct lintel_tap_listener *l);
void lintel_instance_untap(struct lintel_instance *i, struct lintel_tap_listener *l);
/* The ticket of an op that the instance has; 0: it has none of that. */
uint64_t lintel_instance_ticket(const struct lintel_instance *i, const struct lintel_op *op);
struct lintel_bus *lintel_instance_bus(const struct lintel_instance *i);
const struct lintel_port *lintel_instance_conf(const struct lintel_instance *i);
const lintel_plugin *lintel_instance_plugin(const struct lintel_instance *i); /* what runs */
/* Whether two buses live in one child. */
int lintel_plug_together(const struct lintel_instance *a, const struct lintel_instance *b);
uint32_t lintel_plug_ninstances(const struct lintel_plug *p);
struct lintel_instance *lintel_plug_at(struct lintel_plug *p, uint32_t i);

/* A transport, on the loop's thread or in a child. The tree's side is given as a table (core/serve
 * makes it); how a transport is carried, it does not see. */
struct lintel_transport_instance;
struct lintel_tree_port {
    void *ctx;
    lintel_ticket (*submit)(void *ctx, struct lintel_transport_instance *t,
                            const lintel_exchange *x);
    void (*abandon)(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket);
    void (*reply)(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
                  const lintel_answer *a);
    void (*thing_base)(void *ctx, struct lintel_transport_instance *t, const char *thing,
                       const char *base);
    void (*derive)(void *ctx, const void *label, size_t n, uint8_t ret[32]);
    uint32_t (*psk)(void *ctx, struct lintel_transport_instance *t, const char *identity, size_t n,
                    uint8_t *key, uint32_t room);
    /* lintel/ext/resources.h */
    lintel_status (*mount)(void *ctx, struct lintel_transport_instance *t, const char *name,
                           const char *links);
    void (*unmount)(void *ctx, struct lintel_transport_instance *t); /* all; it goes */
    void (*resource_answer)(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
                            const lintel_answer *a);
    /* Of one in a child: its state is another one. When it has come to run it wants to be told the
     * things, again after a death. None may be stopped from inside. NULL is fine. */
    void (*changed)(void *ctx, struct lintel_transport_instance *t);
};
enum lintel_transport_state {
    LINTEL_TRANSPORT_STARTING,
    LINTEL_TRANSPORT_RUNNING,
    LINTEL_TRANSPORT_BACKOFF, /* it has died, and is started again after a while */
    LINTEL_TRANSPORT_FAILED   /* its first start has failed; it rests until it is stopped */
};
/* Inside the daemon it runs when this returns. In a child it is starting, and changed() tells what
 * comes of it. NULL with the reason, which was also logged: the transport's start() said so. */
struct lintel_transport_instance *lintel_plug_start_transport(struct lintel_plug *p,
                                                              struct lintel_site *site,
                                                              const struct lintel_port *conf,
                                                              const struct lintel_tree_port *tree,
                                                              char *reason, uint32_t size);
/* From now on it is of no more use to the caller. then(ctx) (may be NULL) is called when all that
 * it has opened is free again: inside the daemon before this returns. */
void lintel_plug_stop_transport(struct lintel_plug *p, struct lintel_transport_instance *t,
                                void (*then)(void *ctx), void *ctx);
enum lintel_transport_state lintel_transport_state(const struct lintel_transport_instance *t);
/* A first start that fails is tried again too, as a later one always is. */
void lintel_transport_insist(struct lintel_transport_instance *t);
/* dropped: notifications that a newer one took the place of, because the child reads too slowly. */
void lintel_transport_stats(const struct lintel_transport_instance *t,
                            struct lintel_instance_stats *ret);
void lintel_transport_answer(struct lintel_transport_instance *t, void *cookie,
                             const lintel_answer *a);
void lintel_transport_thing(struct lintel_transport_instance *t, const lintel_thing_info *info,
                            int added);
/* A request of the hub's own to an absolute URI; ends with the tree's reply() for this ticket.
 * LINTEL_E_NOTSUP: this transport can't send. */
lintel_status lintel_transport_send(struct lintel_transport_instance *t, const char *uri,
                                    const lintel_exchange *x, lintel_ticket ticket);
const char *lintel_transport_name(const struct lintel_transport_instance *t);
/* A request for what the plugin has mounted, and its end before an answer. */
void lintel_transport_request(struct lintel_transport_instance *t, lintel_ticket ticket,
                              const lintel_exchange *x);
void lintel_transport_abandoned(struct lintel_transport_instance *t, lintel_ticket ticket);
#endif
