/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/plug/worker.h: worker.c is the thread and its inbox, worker_host.c is the hub as
 * the plugin sees it. */
#ifndef LINTEL_PLUG_WORKER_PRIV_H
#define LINTEL_PLUG_WORKER_PRIV_H
#include <pthread.h>
#include <stdatomic.h>

#include "core/base/map.h"
#include "core/plug/hostloop.h"
#include "core/plug/wire.h"
#include "core/plug/worker.h"

enum {
    CANCELLED_MOST = 64, /* tickets */
    REASON = 256
};

struct message {
    struct message *next;
    size_t n;
    unsigned char data[];
};

struct device {
    lintel_device pub;
    struct lintel_shared *settings;
    uint32_t npoints;
    char name[];
};

struct point {
    lintel_point pub;
    struct device *device;
    struct lintel_shared *addr, *write_addr;
    uint32_t open; /* requests that have it; under the lock */
    /* worker_late.c; under the lock: a value that waits for room */
    struct lintel_buf late;
    struct point *next_late;
    int is_late;
    char name[];
};

struct late_frame { /* one that waits for room, and may not be replaced */
    struct late_frame *next;
    enum lintel_wire_kind kind;
    uint32_t id; /* of the point or device that it is about */
    struct lintel_buf frame;
};

struct request {
    lintel_request pub; /* first: what the plugin has */
    uint64_t ticket;
    struct lintel_arena *arena; /* of its values */
    struct request *next;       /* of the kept ones */
    int cancelled, told;        /* under the lock; told: plugin->cancel() was called */
    lintel_point *points[];
};

struct table { /* by id */
    void **at;
    uint32_t room;
};

struct lintel_worker {
    struct lintel_hostloop hostloop; /* first: what the plugin has */
    uint32_t number;
    struct lintel_worker_fns fns;
    void *ctx;
    struct lintel_loop *loop;
    pthread_t thread;

    /* [inst] only */
    const lintel_plugin *plugin; /* NULL: not open */
    void *self;
    int started;
    struct lintel_wire_scratch scratch;
    struct table devices, points;
    struct lintel_map shared;
    struct message *held; /* the message that waits for requests to end */
    struct lintel_timer hold_timer;
    int hold_over;
    int64_t last_call; /* ns that a blocking plugin's last request took */

    int watched; /* a descriptor that is not the plugin's, or -1 */

    _Atomic int prompt; /* lintel_worker_prompt() */
    _Atomic int tapped; /* somebody looks at the wire; tap.c */
    /* The call that the plugin is in: odd. Any thread looks at them. */
    _Atomic uint64_t call;
    _Atomic(const char *) call_name;
    _Atomic int call_request;
    _Atomic uint64_t asked, beaten; /* questions to the loop, and its answers */

    pthread_mutex_t lock; /* of all below, and of changes to `devices` and `points` */
    enum worker_phase {
        PHASE_NONE,
        PHASE_OPEN,
        PHASE_STOPPED
    } phase; /* of the plugin's instance */
    struct message *first, **last;
    int scheduled;   /* a run of the inbox is posted */
    int waiting;     /* the inbox waits for a request to end */
    int dead;        /* destroyed: nothing of the plugin counts any more */
    int closing;     /* CLOSE has come */
    unsigned corked; /* LINTEL_SEND_MORE, while what the next messages bring leaves together */
    struct request **open;
    uint32_t nopen, open_room;
    struct request *kept;               /* ended ones, the newest first */
    uint64_t cancelled[CANCELLED_MOST]; /* tickets whose request is still in the inbox */
    uint32_t ncancelled;
    struct point *late_first, **late_last;
    struct late_frame *queue_first, **queue_last;
    uint32_t nqueued;
    size_t queued_bytes;
    uint64_t lies;     /* of this instance of the plugin */
    uint64_t replaced; /* values, and */
    uint32_t lost;     /* frames, since the hub was told of it */
    struct lintel_buf out;
    uint64_t running; /* the ticket of a blocking plugin's request; 0: none */
    uint64_t untold;  /* messages of the wire that were lost since the last one that was told */
    int32_t log_most;
    char last_line[REASON]; /* of the plugin's log */
};

extern const lintel_host worker_host;                  /* the table that each worker copies */
struct lintel_worker *worker_of(const lintel_host *h); /* whose it is */

/* All with the lock held. */
int worker_send(struct lintel_worker *w, int if_room); /* w->out; returns as fns.send */
int worker_say(struct lintel_worker *w, struct lintel_wire_up m, int if_room);
/* What the plugin did wrong. level: LINTEL_LOG_ERROR, and the hub ends it; or LINTEL_LOG_WARN. */
void worker_misbehaving(struct lintel_worker *w, int32_t level, const char *what);
void worker_lost(struct lintel_worker *w); /* a frame that had to come or go */
/* worker_late.c: what the hub is too slow for. */
void worker_publish(struct lintel_worker *w, const lintel_sample *s, uint32_t n);
void worker_say_late(struct lintel_worker *w, struct lintel_wire_up m); /* keeps its place */
void worker_flush(struct lintel_worker *w);
void worker_drop_late(struct lintel_worker *w, struct point *p);
/* What waits is about one that goes: its number may be another's when there is room again. */
void worker_forget_late(struct lintel_worker *w, enum lintel_wire_kind kind, uint32_t id);
void worker_free_late(struct lintel_worker *w);
void worker_wake(struct lintel_worker *w); /* has the inbox looked at */
/* Takes the i-th request off the open ones and tells the hub. */
void worker_end_request(struct lintel_worker *w, uint32_t i, lintel_status st,
                        const lintel_sample *s, uint32_t n);
lintel_status worker_status(lintel_status st); /* one that is known */

void worker_run_inbox(void *arg); /* [inst] */
#endif
