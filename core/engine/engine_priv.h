/* SPDX-License-Identifier: Apache-2.0
 * What the files of the engine share. From the bottom up:
 *
 *   tables       numbers -> pointers, ranges of numbers
 *   values       one point: its value, quality, reason, and the reading of it
 *   samples      what a plugin tells becomes values: decoding, deadband, failures of single points
 *   schedule     which device is asked next, and for what: queues, poll groups, one request at a time
 *   device       life of a thing: adding, failing, back-off, ageing, removing
 *   command      writes, actions, reads on demand
 *   bus          life of a bus: ready, gone, its link
 *   subscribe    who wants to hear of points
 *   engine       the engine itself, and finding
 *
 * A thing is one device of one bus. Its points are neighbours in two numberings: lintel_point_id of the hub and
 * slots of the bus. */
#ifndef LINTEL_ENGINE_ENGINE_PRIV_H
#define LINTEL_ENGINE_ENGINE_PRIV_H
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/engine/engine.h"
#include "core/engine/tables.h"

/* All figures of pace, in one place. */
#define SECOND INT64_C(1000000000)
#define REQUEST_NS (5 * SECOND)         /* deadline of one request */
#define POINT_NS (SECOND / 200)         /* more time for each point of a poll: lines are slow */
#define PROBE_NS (1 * SECOND)           /* the same for a device that did not answer before */
#define WAIT_NS (10 * SECOND)           /* a command that waits longer ends with a timeout */
#define AGAIN_NS (SECOND / 5)           /* pause after "busy" */
#define BACKOFF_FIRST_NS (1 * SECOND)
#define BACKOFF_MOST_NS (60 * SECOND)
#define BACKOFF_LINK_MOST_NS (10 * SECOND) /* no connection: trying costs other devices nothing */
#define NEVER (INT64_MAX / 2)
enum {
    BACKOFF_SHARE = 40,   /* a silent device may use one part in so many of its bus' time; 30 with the jitter */
    COMMAND_SHARE = 10,   /* the same for commands to it that people insist on */
    URGENT_MOST = 8,      /* commands in a row, while polls of other devices wait */
    GROUP_MOST = 512,     /* points of one request, so that a write does not wait long */
    OPEN_MOST = 16,       /* requests under way on a bus whose plugin does not block */
    QUEUE_MOST = 64,      /* commands that wait for one device */
    WAITERS_MOST = 1024   /* readers that wait for one device */
};

struct link { /* of a ring; alone it points to itself */
    struct link *prev, *next;
};
static inline void
link_init(struct link *l)
{
    l->prev = l->next = l;
}
static inline int
link_alone(const struct link *l)
{
    return l->next == l;
}
static inline void
link_take(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}
static inline void
link_append(struct link *ring, struct link *l)
{
    l->prev = ring->prev;
    l->next = ring;
    ring->prev->next = l;
    ring->prev = l;
}
#define OWNER(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* ---- points ---------------------------------------------------------------------------------------- */

enum { /* point.flags */
    POINT_DETAIL = 1,      /* engine.details has a text */
    POINT_SUBSCRIBED = 2,  /* engine.watchers has a ring */
    POINT_RESTS = 4,       /* never asked again: the device or the plugin does not know it */
    POINT_SOURCE = 8,      /* another point's scaleFrom */
    POINT_WHY_DEVICE = 16, /* the reason is the thing's */
    POINT_WHY_BUS = 32     /* the reason is the bus' */
};
struct blob { /* a text or a tree, on the heap */
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

/* ---- things --------------------------------------------------------------------------------------- */

struct group { /* points that are asked for together */
    int64_t poll_ns; /* 0: to be subscribed, once */
    lintel_mono due; /* NEVER: subscribed */
    uint32_t batch, n;
    uint8_t spread;  /* the next due time gets a phase of its own */
    uint8_t changed; /* points have come to rest */
    uint8_t again;   /* was told "busy" */
    uint32_t slots[];
};

enum work { WORK_NONE, WORK_POLL, WORK_PROBE, WORK_SUBSCRIBE, WORK_COMMAND };

struct scale_source {
    uint32_t index; /* of the point */
    int32_t exponent;
    int known;
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
    uint8_t work; /* enum work */
    uint8_t removed, refused, told; /* told: the port knows it */
    uint8_t announced;              /* the plugin itself says that it is down */
    uint8_t stale_all;              /* its points were made stale by a failure */
    uint8_t logged;                 /* the log says that it is away */
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
    lintel_mono hold;    /* nothing is sent before */
    lintel_mono retry;   /* in back-off until; 0: not */
    lintel_mono spared;  /* in back-off: commands are refused until */
    lintel_mono down_since;
    lintel_mono stale_at; /* the first of its points may be stale then */
    lintel_wall seen;
    lintel_status status;
    char *detail;
    uint64_t requests, timeouts, errors;
    struct lintel_timer timer;
    struct link on_bus;
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
    uint32_t nsourced; /* things with scaleFrom */
    uint32_t urgent_run; /* urgent ones served since the last poll */
    uint8_t ready, pumping;
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
    struct lintel_timer again; /* after the port took nothing */
    uint32_t place;            /* in engine.buses */
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
    struct link graves;     /* removed things whose memory is still in use up the stack */
    struct link due;        /* subscriptions to be called or evaluated */
    uint32_t nsubscriptions;
    struct lintel_timer turn; /* ends the current turn: graves and due */
};

/* ---- engine.c ---------------------------------------------------------------------------------------- */
uint64_t engine_random(struct lintel_engine *e);
int64_t engine_random_below(struct lintel_engine *e, int64_t n); /* 0 .. n-1; n > 0 */
void engine_end_turn(struct lintel_engine *e); /* has the turn's end run soon */
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

/* ---- values.c ---------------------------------------------------------------------------------------- */
/* A deep copy of v in one piece of memory, in *keep (reused if it has room). -1: out of memory or deeper
 * than a document may be. */
int blob_copy(struct blob **keep, const lintel_value *v);
int value_equal(const lintel_value *a, const lintel_value *b);
int value_number(const lintel_value *v, double *ret); /* 0: not a number */
void point_value(const struct point *p, lintel_value *ret);
/* A new value or a confirmation of the old one; event: news even if equal. */
void point_update(struct lintel_live_thing *t, uint32_t i, const lintel_value *v, enum lintel_quality q,
                  lintel_wall when, lintel_mono now, lintel_wall wall);
/* The value stays, its quality and the reason change. why: POINT_WHY_* or 0 with detail. */
void point_judge(struct lintel_live_thing *t, uint32_t i, enum lintel_quality q, lintel_status status,
                 uint8_t why, const char *detail);
void point_detail(struct lintel_live_thing *t, uint32_t i, const char *detail); /* NULL or "": none */
void point_no_value(struct lintel_live_thing *t, uint32_t i); /* the device has none */
void point_fini(struct lintel_live_thing *t, uint32_t i);

/* ---- samples.c ---------------------------------------------------------------------------------------- */
/* Several samples of one message. hint of sample_apply: 0 at first. */
struct sample_run {
    struct lintel_bus *bus;
    lintel_mono now;
    lintel_wall wall;
    struct lintel_payload payload;
};
void samples_begin(struct sample_run *r, struct lintel_bus *b);
void samples_end(struct sample_run *r);
/* Applies the samples that answer op (their status is their point's), and fails the points that the plugin left
 * out. Returns how many samples say that the device has answered. */
uint32_t samples_of_op(struct lintel_live_thing *t, const struct lintel_op *op, const lintel_sample *s,
                       uint32_t n);
/* One sample of a known point. */
void sample_apply(struct sample_run *r, struct lintel_live_thing *t, uint32_t i, const lintel_sample *s);
int32_t thing_exponent(const struct lintel_live_thing *t, uint32_t i, int *ret_known);
int status_is_silence(lintel_status st); /* nothing was heard of the device */
const char *status_text(lintel_status st);

/* ---- schedule.c ---------------------------------------------------------------------------------------- */
int groups_make(struct lintel_live_thing *t);
void groups_due_now(struct lintel_live_thing *t, int subscriptions_too);
void groups_point_rests(struct lintel_live_thing *t, uint32_t i);
void thing_kick(struct lintel_live_thing *t); /* something has changed: queue it, set its timer, pump */
void thing_wake(void *thing);                 /* its timer */
void bus_pump(struct lintel_bus *b);
/* Sends the thing's op. 0; -1: the port took nothing, and nothing is under way. */
int thing_submit(struct lintel_live_thing *t, enum work work, enum lintel_op_kind kind,
                 const uint32_t *slots, uint32_t n, const lintel_value *values, uint32_t batch,
                 int64_t within);
void thing_op_over(struct lintel_live_thing *t, lintel_status status); /* figures, and room on the bus */

/* ---- device.c ---------------------------------------------------------------------------------------- */
void thing_tell(struct lintel_live_thing *t); /* attach and bind */
void thing_failed(struct lintel_live_thing *t, lintel_status status, const char *detail, int64_t cost);
/* itself: the device was asked and answered; else only something came that is about it */
void thing_answered(struct lintel_live_thing *t, int itself, lintel_wall wall);
void thing_stale(struct lintel_live_thing *t, lintel_status status, uint8_t why);
void thing_age(struct lintel_live_thing *t, lintel_mono now);
void thing_announced(struct lintel_live_thing *t, lintel_status status, const char *detail);
void thing_set_detail(char **detail, const char *text);
void thing_refuse(struct lintel_live_thing *t, lintel_status status, const char *detail);
void thing_bury(struct lintel_live_thing *t); /* removed, nothing under way: tells the port */
void thing_free(struct lintel_live_thing *t);

/* ---- command.c ---------------------------------------------------------------------------------------- */
int thing_has_command(const struct lintel_live_thing *t);
lintel_mono commands_expire_at(const struct lintel_live_thing *t);
void commands_expire(struct lintel_live_thing *t, lintel_mono now);
int command_submit(struct lintel_live_thing *t); /* the first waiting one; -1 as thing_submit */
void command_done(struct lintel_live_thing *t, lintel_status status, const lintel_sample *s, uint32_t n);
void command_drop(struct lintel_live_thing *t); /* what was under way is over: its memory */
void commands_fail(struct lintel_live_thing *t, lintel_status status, const char *detail);

/* ---- subscribe.c --------------------------------------------------------------------------------------- */
void point_changed(struct lintel_live_thing *t, uint32_t i); /* flags has POINT_SUBSCRIBED */
void subscriptions_turn(struct lintel_engine *e);
void subscriptions_gone(struct lintel_live_thing *t);
#endif
