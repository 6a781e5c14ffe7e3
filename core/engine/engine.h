/* SPDX-License-Identifier: Apache-2.0
 * The engine: live values of all points, the polling of buses, subscriptions, commands. It owns the
 * hub's state, on the loop's thread, and never waits. Plugins are reached through the port given
 * with each bus. */
#ifndef LINTEL_ENGINE_ENGINE_H
#define LINTEL_ENGINE_ENGINE_H
#include <stdint.h>

#include "core/bind/site.h"
#include "core/loop/loop.h"
#include "lintel/plugin.h"

struct lintel_engine;
struct lintel_bus;        /* one running bus */
struct lintel_live_thing; /* one running thing */

typedef uint32_t lintel_point_id; /* dense, of the whole hub; LINTEL_NO_POINT: none */
#define LINTEL_NO_POINT UINT32_MAX

/* ---- downwards: how the engine speaks to a bus' plugin --------------------------------------- */

enum lintel_op_kind { LINTEL_OP_READ, LINTEL_OP_WRITE, LINTEL_OP_INVOKE, LINTEL_OP_SUBSCRIBE };

/* One request under way. Made by the engine; the port gives it back by lintel_engine_complete(),
 * once. */
struct lintel_op {
    enum lintel_op_kind kind;
    uint32_t n;
    const uint32_t *slots;      /* lintel_point.id on that bus */
    const lintel_value *values; /* raw, for writes and actions; NULL otherwise */
    lintel_mono deadline;
    uint32_t batch, priority;
    void *port_data; /* the port's own */
};

struct lintel_bus_port { /* all on the loop's thread, none waits */
    void *ctx;
    /* Devices and points, told in this order before any op names them; again after every restart.
     */
    int (*attach)(void *ctx, uint32_t device, const struct lintel_thing *t);
    void (*detach)(void *ctx, uint32_t device);
    int (*bind)(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *b,
                const char *name);
    void (*unbind)(void *ctx, uint32_t slot);
    int (*submit)(void *ctx, struct lintel_op *op); /* -1: not now; op is still the engine's */
    void (*cancel)(void *ctx,
                   struct lintel_op *op); /* completes soon, or not before its deadline */
};

/* ---- upwards: what the port tells; loop's thread --------------------------------------------- */

/* samples: of this call only. With an error status n is 0. */
void lintel_engine_complete(struct lintel_engine *e, struct lintel_bus *b, struct lintel_op *op,
                            lintel_status status, const lintel_sample *samples, uint32_t n);
void lintel_engine_publish(struct lintel_engine *e, struct lintel_bus *b,
                           const lintel_sample *samples, uint32_t n);
void lintel_engine_link(struct lintel_engine *e, struct lintel_bus *b, lintel_status status,
                        const char *detail);
void lintel_engine_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                          lintel_status status, const char *detail);
/* attach() or bind() was refused by the plugin: the device or point rests, with the reason shown.
 */
void lintel_engine_refused_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                                  lintel_status status, const char *detail);
void lintel_engine_refused_point(struct lintel_engine *e, struct lintel_bus *b, uint32_t slot,
                                 lintel_status status, const char *detail);
/* The instance is ready (first start, or a new one after a crash): devices and points are told
 * again, then polls and subscriptions begin. Gone: open ops are over (the port must not complete
 * them), points are stale. */
void lintel_engine_bus_ready(struct lintel_engine *e, struct lintel_bus *b);
void lintel_engine_bus_gone(struct lintel_engine *e, struct lintel_bus *b, lintel_status status,
                            const char *detail);

/* The instance is about to be exchanged for another one. Held: nothing is sent, commands wait,
 * values keep their quality for as long as their own rules say; go_on: it was not to be. plugin:
 * the other one's, once the old one has nothing more to do with the bus; its tables fit the things.
 * renewed: it runs; devices and points are told to it, and all is asked for at once. A bus that is
 * gone meanwhile (_gone) is held no more. */
void lintel_engine_bus_hold(struct lintel_engine *e, struct lintel_bus *b);
void lintel_engine_bus_go_on(struct lintel_engine *e, struct lintel_bus *b);
void lintel_engine_bus_plugin(struct lintel_engine *e, struct lintel_bus *b,
                              const lintel_plugin *plugin);
void lintel_engine_bus_renewed(struct lintel_engine *e, struct lintel_bus *b);

/* ---- set-up ---------------------------------------------------------------------------------- */

struct lintel_engine *lintel_engine_new(struct lintel_loop *loop, uint64_t seed /* of jitter */);
void lintel_engine_free(struct lintel_engine *e);

struct lintel_bus *lintel_engine_add_bus(struct lintel_engine *e, const char *name,
                                         const lintel_plugin *plugin, struct lintel_bus_port port);
void lintel_engine_remove_bus(struct lintel_engine *e, struct lintel_bus *b); /* its things first */
struct lintel_bus *lintel_engine_find_bus(struct lintel_engine *e, const char *name);

/* The thing's memory (its site) must outlive it: `site` is referenced until it is removed. */
struct lintel_live_thing *lintel_engine_add_thing(struct lintel_engine *e, struct lintel_bus *b,
                                                  struct lintel_site *site,
                                                  const struct lintel_thing *t);
void lintel_engine_remove_thing(struct lintel_engine *e, struct lintel_live_thing *t);
/* Puts a thing in the place of one with the same id and bus, whose binding or settings were others.
 * Values go along where address and device are the same; subscriptions are told that they are
 * replaced (subscribe.h); commands that wait end as cancelled. NULL: out of memory, and the old one
 * goes on. */
struct lintel_live_thing *lintel_engine_replace_thing(struct lintel_engine *e,
                                                      struct lintel_live_thing *old,
                                                      struct lintel_site *site,
                                                      const struct lintel_thing *t);

/* Calls fn at the end of each turn in which something came to be known of a thing that its state is
 * made of: answers and silence, its bus, the quality of its points. Once for each thing. NULL: no
 * more. */
void lintel_engine_on_state(struct lintel_engine *e,
                            void (*fn)(void *ctx, struct lintel_live_thing *t), void *ctx);
/* Memory was out when a plugin was to learn of a thing or a point, which rests. fn is called at
 * each time, and only notes it: lintel_engine_replace_thing() by the same is the cure. */
void lintel_engine_on_starved(struct lintel_engine *e, void (*fn)(void *ctx), void *ctx);
int lintel_live_thing_starved(const struct lintel_live_thing *t);

/* ---- looking --------------------------------------------------------------------------------- */

struct lintel_live_thing *lintel_engine_find_thing(struct lintel_engine *e, const char *id,
                                                   size_t n);
uint32_t lintel_engine_nthings(const struct lintel_engine *e);
struct lintel_live_thing *lintel_engine_thing_at(struct lintel_engine *e,
                                                 uint32_t i); /* by time of adding */
const struct lintel_thing *lintel_live_thing_conf(const struct lintel_live_thing *t);
struct lintel_bus *lintel_live_thing_bus(const struct lintel_live_thing *t);
/* The i-th affordance of the profile; points of one thing are neighbours. */
lintel_point_id lintel_live_thing_point(const struct lintel_live_thing *t, uint32_t i);

enum lintel_quality {
    LINTEL_QUALITY_INITIAL, /* nothing came yet */
    LINTEL_QUALITY_GOOD,
    LINTEL_QUALITY_STALE,
    LINTEL_QUALITY_BAD,
    LINTEL_QUALITY_OVERRIDDEN,
    LINTEL_QUALITY_OUT_OF_SERVICE,
    LINTEL_QUALITY_OUT_OF_RANGE
};
const char *lintel_quality_name(enum lintel_quality q); /* "good", "out of range" .. */

struct lintel_reading {
    lintel_value value; /* LINTEL_T_NULL: never had one. Texts live until the point's next update */
    enum lintel_quality quality;
    lintel_wall source; /* the device's time, else that of arrival */
    lintel_wall arrival;
    lintel_mono refreshed; /* last time it was confirmed */
    uint32_t sequence;     /* grows with each change of value or quality */
    int64_t poll_ns, stale_ns;
    lintel_status status; /* why it is bad or stale */
    const char *detail;   /* or NULL; lives until the point's next update */
};
void lintel_engine_reading(const struct lintel_engine *e, lintel_point_id p,
                           struct lintel_reading *ret);
const struct lintel_bound *lintel_engine_bound(const struct lintel_engine *e, lintel_point_id p);
struct lintel_live_thing *lintel_engine_thing_of(const struct lintel_engine *e, lintel_point_id p);

/* ---- commands -------------------------------------------------------------------------------- */

struct lintel_outcome { /* valid during the callback */
    lintel_status status;
    enum lintel_fit fit; /* other than OK: refused by the model, before the bus saw it */
    const char *detail;  /* one sentence, or "" */
    lintel_value value;  /* read: the model's value; write: read back or NULL; action: output */
};
typedef void lintel_outcome_fn(void *ctx, const struct lintel_outcome *o);

/* Each ends with exactly one fn(), possibly before it returns; who: for the record ("uid 1000").
 * The result is a handle for _forget, 0 if it has ended already. */
typedef uint64_t lintel_command;
lintel_command lintel_engine_read(struct lintel_engine *e, lintel_point_id p, lintel_outcome_fn *fn,
                                  void *ctx);
lintel_command lintel_engine_write(struct lintel_engine *e, lintel_point_id p,
                                   const lintel_value *v, const char *who, lintel_outcome_fn *fn,
                                   void *ctx);
/* Whether a write would be handed to its device now, behind `ahead` others of the same device that
 * are about to be asked for. Nothing is sent. 0, or -1 after fn was told why not, which is recorded
 * like a write that was refused. */
int lintel_engine_write_check(struct lintel_engine *e, lintel_point_id p, const lintel_value *v,
                              uint32_t ahead, const char *who, lintel_outcome_fn *fn, void *ctx);
lintel_command lintel_engine_invoke(struct lintel_engine *e, lintel_point_id p,
                                    const lintel_value *input, const char *who,
                                    lintel_outcome_fn *fn, void *ctx);
void lintel_engine_forget(struct lintel_engine *e, lintel_command c); /* fn will not be called */

/* What became of a write or an action, for whoever keeps the record. Texts live during the call. */
struct lintel_record {
    const char *who;          /* as given to the call */
    const char *thing, *path; /* thingId; "HeatPump/p/setPoint" */
    int action;               /* else a write */
    int refused;              /* the bus never saw it */
    const char *before;       /* the value of before; "" for actions */
    const char *value;        /* what was asked for, "" for an action without input */
    const char *result;       /* "ok", or what stood in the way, in words */
    const char *back;         /* a write: what was read back; an action: its output; "" = nothing */
};
typedef void lintel_record_fn(void *ctx, const struct lintel_record *r);
/* Once, before the first command. Exactly one call for each write and action, also for those that
 * nobody waits for any more. */
void lintel_engine_recorder(struct lintel_engine *e, lintel_record_fn *fn, void *ctx);

/* ---- statistics ------------------------------------------------------------------------------ */

struct lintel_bus_stats {
    const char *name, *plugin;
    int ready;                                 /* the instance runs */
    lintel_status link;                        /* of the connection */
    const char *detail;                        /* why it is down; "" */
    uint32_t things, points, stale, bad, down; /* down: devices in back-off */
    uint64_t requests, timeouts, errors, values, dropped, writes;
    int64_t busy_ns; /* time with a request under way */
};
/* Answers by how long they took: the first bucket up to 1 ms, each further one up to twice the one
 * before, the last one all above 16 s. */
enum { LINTEL_LATENCIES = 16 };
/* The time below which this part (0 to 1) of all answers lies, in ns, by interpolation within a
 * bucket; 0: there are none. */
int64_t lintel_latency_below(const uint32_t buckets[LINTEL_LATENCIES], double part_of_all);

struct lintel_bus_use {
    int64_t window_ns; /* of `busy` and of the devices' shares: five to ten minutes; less after the
                        * start, more while nobody is asked */
    double busy;       /* part of the window with a request under way */
    double needs;      /* what all polls need, by experience: 1 = all of the time */
    int64_t cycle_ns;  /* one poll of everything, one after the other, by experience */
    int serial;        /* one request at a time, so that shares add up to `busy` */
    uint64_t retries;
    const uint32_t *latency; /* [LINTEL_LATENCIES]; lives as long as the bus */
};
/* Looks at every device of the bus. */
void lintel_engine_bus_use(const struct lintel_engine *e, const struct lintel_bus *b,
                           struct lintel_bus_use *ret);
void lintel_engine_bus_stats(const struct lintel_engine *e, const struct lintel_bus *b,
                             struct lintel_bus_stats *ret);
uint32_t lintel_engine_nbuses(const struct lintel_engine *e);
struct lintel_bus *lintel_engine_bus_at(struct lintel_engine *e, uint32_t i);
struct lintel_device_stats {
    int reachable;     /* last request was answered */
    lintel_mono retry; /* in back-off until then; 0: not */
    lintel_wall seen;  /* last answer; 0: never */
    uint32_t failures; /* in a row */
    lintel_status status;
    const char *detail;
    uint64_t requests, timeouts, errors;
    uint64_t retries;        /* of the requests: repeated polls, and looks whether it is back */
    int64_t time_ns;         /* with a request of it under way */
    double share;            /* the same in the window of lintel_bus_use, as a part of it */
    const uint32_t *latency; /* [LINTEL_LATENCIES]; lives as long as the thing */
};
void lintel_engine_device_stats(const struct lintel_engine *e, const struct lintel_live_thing *t,
                                struct lintel_device_stats *ret);
#endif
