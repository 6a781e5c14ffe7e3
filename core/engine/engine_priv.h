/* SPDX-License-Identifier: Apache-2.0
 * What all files of the engine share: its state. The files are a stack; none calls one above it,
 * and none includes the header of one above it (tests/lint/circles.awk). From the bottom up:
 *
 *   tables       numbers -> pointers, ranges of numbers, rings; pace.h: all figures of pace
 *   engine       the state (this header), finding, the end of a turn; engine.h is the interface
 *   watch        who watches a point: a change marks them
 *   values       one point: its value, quality, reason, age, and the reading of it
 *   groups       the points of a thing that are asked for together, and when they are due
 *   plan         the same for a site that does not run: whether its buses have the time
 *   figures      what is counted of devices and buses
 *   samples      what a plugin tells becomes values: decoding, deadband, failures of single points
 *   request      one request of a thing: sent, and over
 *   command      writes, actions, reads on demand: those that wait, and the steps of one
 *   schedule     which device is asked next, and for what: queues, one request at a time
 *   ask          a call of the interface becomes a command
 *   subscribe    who wants to hear of points, and under which conditions
 *   guest        one question to a device that is no thing
 *   device       life of a thing: adding, failing, back-off, removing
 *   bus          life of a bus: ready, held, gone, its link
 *   replace      a thing in the place of another one
 *   answers      the end of a request and what comes unasked: for the points, for the device
 *   life         the engine is made, ends its turns, and ends
 *
 * A thing is one device of one bus. Its points are neighbours in two numberings: lintel_point_id of
 * the hub and slots of the bus. */
#ifndef LINTEL_ENGINE_ENGINE_PRIV_H
#define LINTEL_ENGINE_ENGINE_PRIV_H
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/engine/engine.h"
#include "core/engine/tables.h"

/* ---- points ---------------------------------------------------------------------------------- */

enum {                        /* point.flags */
       POINT_DETAIL = 1,      /* engine.details has a text */
       POINT_SUBSCRIBED = 2,  /* engine.watchers has a ring */
       POINT_RESTS = 4,       /* never asked again: the device or the plugin does not know it */
       POINT_SOURCE = 8,      /* another point's scaleFrom */
       POINT_WHY_DEVICE = 16, /* the reason is the thing's */
       POINT_WHY_BUS = 32     /* the reason is the bus' */
};
struct blob {           /* a text or a tree, on the heap */
    lintel_value value; /* points behind this struct */
    size_t room;
};
struct point {
    union {
        int64_t i;
        uint64_t u;
        double r;
        struct blob *blob;
    } as;
    lintel_wall source, arrival;
    lintel_mono refreshed;
    uint32_t sequence;
    uint8_t type, quality;
    int8_t status;
    uint8_t flags;
};

/* ---- things ---------------------------------------------------------------------------------- */

enum { LOST_NOTHING, LOST_TO_REPEAT, LOST_REPEATED }; /* group.lost */
struct group {                                        /* points that are asked for together */
    int64_t poll_ns;                                  /* 0: to be subscribed, once */
    lintel_mono due;                                  /* NEVER: subscribed */
    uint32_t batch, n;
    uint8_t spread;  /* the next due time gets a phase of its own */
    uint8_t changed; /* points have come to rest */
    uint8_t again;   /* was told "busy" */
    uint8_t lost;    /* the last answer lacked something; it was asked for again */
    int64_t cost_ns; /* how long a whole answer takes, by experience; 0: none came yet */
    uint32_t slots[];
};

enum work { WORK_NONE, WORK_POLL, WORK_PROBE, WORK_SUBSCRIBE, WORK_COMMAND };

struct scale_source {
    uint32_t index; /* of the point */
    int32_t exponent;
    int known;
};

struct figures { /* figures.c; of a thing or a bus */
    uint32_t latency[LINTEL_LATENCIES];
    uint64_t retries;
    int64_t time_ns;            /* with a request under way; of a thing */
    int64_t mark_old, mark_new; /* what the time was when the windows began */
    uint32_t epoch;             /* number of the newer window */
};

struct lintel_live_thing {
    const struct lintel_thing *conf;
    struct lintel_bus *bus;
    struct lintel_site *site;
    lintel_point_id first;
    uint32_t first_slot, n, device;
    uint32_t place; /* in engine.things */

    /* the request under way; the work says whose it is */
    struct lintel_op op;
    uint8_t work;                   /* enum work */
    uint8_t removed, refused, told; /* told: the port knows it */
    uint8_t announced;              /* the plugin itself says that it is down */
    uint8_t stale_all;              /* its points were made stale by a failure */
    uint8_t logged;                 /* the log says that it is away */
    uint8_t starved;                /* memory was out when its plugin was to learn of it */
    uint16_t ncommands, nwaiters;
    lintel_mono began;
    struct group *group;
    struct command *command;
    uint32_t probe_slot;

    struct group **groups;
    struct link queued;   /* in queue, or alone */
    struct link *queue;   /* bus.urgent, bus.polls or NULL */
    struct link commands; /* waiting */

    uint32_t failures, ngroups, nsources;
    lintel_mono hold;   /* nothing is sent before */
    lintel_mono retry;  /* in back-off until; 0: not */
    lintel_mono spared; /* in back-off: commands are refused until */
    lintel_mono down_since;
    lintel_mono stale_at; /* the first of its points may be stale then */
    lintel_wall seen;
    lintel_status status;
    char *detail;
    uint64_t requests, timeouts, errors;
    struct figures figures;
    uint8_t forgiving; /* silence in the answer that is being taken is no news of a point */
    struct lintel_timer timer;
    struct link on_bus;
    struct link news; /* in engine.news, or alone */
    struct scale_source *sources;
    struct point points[];
};

struct lintel_bus {
    struct lintel_engine *engine;
    char *name;
    const lintel_plugin *plugin;
    struct lintel_bus_port port;
    struct link things;        /* by time of adding */
    struct link urgent, polls; /* devices that have something to send */
    struct link ghosts;        /* removed, with a request still under way */
    uint32_t nthings, npoints, nopen, most_open, batch;
    uint32_t nsourced;   /* things with scaleFrom */
    uint32_t urgent_run; /* urgent ones served since the last poll */
    uint8_t ready, pumping;
    uint8_t held;      /* its instance is being exchanged: nothing is sent */
    uint8_t link_told; /* by this instance */
    lintel_status link;
    char *detail;
    struct lintel_live_thing **by_slot, **by_device;
    uint32_t slots_room, devices_room;
    struct ranges slots, devices;
    uint32_t stale, bad, down;
    uint64_t requests, timeouts, errors, values, dropped, writes;
    int64_t busy_ns;
    lintel_mono busy_since;
    struct figures figures;
    lintel_mono window_old, window_new;
    struct lintel_timer again;   /* after the port took nothing */
    lintel_mono sample_free;     /* when the next read for a watcher may begin */
    int64_t sample_cost;         /* how long one takes, by experience */
    uint32_t place;              /* in engine.buses */
    struct lintel_guest *guests; /* guest.c */
};

struct lintel_engine {
    struct lintel_loop *loop;
    uint64_t random;
    struct lintel_bus **buses;
    uint32_t nbuses, buses_room;
    struct lintel_live_thing **things; /* by time of adding; NULL: was removed */
    uint32_t nthings, things_end, things_room;
    struct lintel_live_thing **by_point;
    uint32_t points_room;
    struct ranges points;
    struct lintel_map by_id;
    struct id_map details;  /* point -> text */
    struct id_map watchers; /* point -> ring of its subscriptions */
    struct id_map waiters;  /* handle -> who waits for a command */
    uint64_t last_handle;
    struct link graves; /* removed things whose memory is still in use up the stack */
    struct link due;    /* subscriptions to be called or evaluated */
    uint32_t nsubscriptions;
    struct link news; /* things whose state may have changed */
    void (*on_state)(void *ctx, struct lintel_live_thing *t);
    void *on_state_ctx;
    void (*on_starved)(void *ctx);
    void *on_starved_ctx;
    struct lintel_timer turn; /* ends the current turn: graves and due (life.c) */
    lintel_record_fn *record; /* NULL: nobody keeps the record */
    void *record_ctx;
};

/* ---- engine.c -------------------------------------------------------------------------------- */
uint64_t engine_random(struct lintel_engine *e);
int64_t engine_random_below(struct lintel_engine *e, int64_t n); /* 0 .. n-1; n > 0 */
void engine_end_turn(struct lintel_engine *e);                   /* has the turn's end run soon */
void thing_starved(struct lintel_live_thing *t);                 /* it rests for want of memory */
void thing_has_news(struct lintel_live_thing *t);                /* its state may have changed */
int engine_place_thing(struct lintel_engine *e, struct lintel_live_thing *t);
void engine_displace_thing(struct lintel_engine *e, struct lintel_live_thing *t);
static inline const struct lintel_bound *
thing_bound(const struct lintel_live_thing *t, uint32_t i)
{
    return &t->conf->profile->bound[i];
}
static inline struct point *
engine_point(const struct lintel_engine *e, lintel_point_id p, struct lintel_live_thing **ret_thing,
             uint32_t *ret_i)
{
    struct lintel_live_thing *t = p < e->points_room ? e->by_point[p] : NULL;
    if (t == NULL)
        return NULL;
    *ret_thing = t;
    *ret_i = p - t->first;
    return &t->points[*ret_i];
}
#endif
