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
    char name[];
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
    lintel_host host; /* first: what the plugin has */
    uint32_t number;
    struct lintel_worker_fns fns;
    void *ctx;
    struct lintel_loop *loop;
    pthread_t thread;

    /* [inst] only */
    const lintel_plugin *plugin; /* NULL: not open */
    void *self;
    struct lintel_hostloop hostloop;
    struct lintel_wire_scratch scratch;
    struct table devices, points;
    struct lintel_map shared;
    struct message *held; /* the message that waits for requests to end */
    struct lintel_timer hold_timer;
    int hold_over;

    _Atomic int tapped; /* somebody looks at the wire; tap.c */

    pthread_mutex_t lock; /* of all below */
    struct message *first, **last;
    int scheduled; /* a run of the inbox is posted */
    int waiting;   /* the inbox waits for a request to end */
    int dead;      /* destroyed: nothing of the plugin counts any more */
    int closing;   /* CLOSE has come */
    struct request **open;
    uint32_t nopen, open_room;
    struct request *kept;               /* ended ones, the newest first */
    uint64_t cancelled[CANCELLED_MOST]; /* tickets whose request is still in the inbox */
    uint32_t ncancelled;
    struct lintel_buf out;
    uint64_t running; /* the ticket of a blocking plugin's request; 0: none */
    uint64_t untold;  /* messages of the wire that were lost since the last one that was told */
    int32_t log_most;
    char last_line[REASON]; /* of the plugin's log */
};

extern const lintel_host worker_host; /* the table that each worker copies */

/* All with the lock held. */
void worker_send(struct lintel_worker *w, int may_drop); /* w->out */
void worker_say(struct lintel_worker *w, struct lintel_wire_up m, int may_drop);
void worker_misbehaving(struct lintel_worker *w, const char *what);
void worker_wake(struct lintel_worker *w); /* has the inbox looked at */
/* Takes the i-th request off the open ones and tells the hub. */
void worker_end_request(struct lintel_worker *w, uint32_t i, lintel_status st,
                        const lintel_sample *s, uint32_t n);
lintel_status worker_status(lintel_status st); /* one that is known */

void worker_run_inbox(void *arg); /* [inst] */
#endif
