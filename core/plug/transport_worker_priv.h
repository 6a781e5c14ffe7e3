/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/plug/transport_worker.h: transport_worker.c is the thread and its inbox,
 * transport_worker_host.c is the hub as the plugin sees it. */
#ifndef LINTEL_PLUG_TRANSPORT_WORKER_PRIV_H
#define LINTEL_PLUG_TRANSPORT_WORKER_PRIV_H
#include <pthread.h>

#include "core/plug/hostloop.h"
#include "core/plug/transport_wire.h"
#include "core/plug/transport_worker.h"
#include "lintel/ext/resources.h"

struct tw_message {
    struct tw_message *next;
    struct lintel_transport_worker *worker;
    size_t n;
    unsigned char data[];
};

struct tw_scratch { /* plugins answer from inside of calls, so several may be in use at once */
    struct tw_scratch *next;
    struct lintel_tw_scratch scratch;
};

struct tw_thread { /* of all transports of the process */
    struct lintel_loop *loop;
    pthread_t thread;
    uint32_t users;           /* under the lock of all threads */
    struct tw_scratch *spare; /* [inst] */
    pthread_mutex_t lock;     /* of all below */
    pthread_cond_t answered;  /* what is asked has come */
    pthread_cond_t room;      /* the reader may go on, or an instance has gone */
    struct tw_message *first, **last;
    size_t bytes;   /* in the inbox */
    int scheduled;  /* a run of the inbox is posted */
    uint64_t asked; /* what the plugin waits for; 0: nothing */
    struct lintel_transport_worker *asker;
    struct tw_message *reply;
};

struct tw_slot { /* an exchange that the plugin has submitted */
    void *cookie;
    uint64_t ticket;    /* 0: free */
    uint32_t next_free; /* + 1 */
};

struct lintel_transport_worker {
    struct lintel_hostloop hostloop; /* first: what the plugin has */
    uint32_t number;
    struct lintel_worker_fns fns;
    void *ctx;
    struct tw_thread *thread;
    struct lintel_transport_worker *grave;

    /* [inst] only */
    const lintel_plugin *plugin; /* NULL: not open */
    void *self;
    const lintel_transport *ops;
    const lintel_plugin_resources *resources;
    int started; /* start() is running, or has returned */
    struct tw_slot *slots;
    uint32_t nslots, free_slot; /* index + 1 */
    uint64_t serial, questions;
    uint64_t late; /* an exchange whose outcome was not waited for to the end; 0: none */

    /* Under the thread's lock. */
    int dead;    /* destroyed: nothing of the plugin counts any more */
    int closing; /* CLOSE has come */
    int gone;    /* the thread has let go of it */
    struct lintel_buf out;
    int32_t log_most;
    char last_line[256]; /* of the plugin's log */
};

extern const lintel_host tw_host; /* the table that each copies */

/* NULL: out of memory. */
struct tw_scratch *tw_scratch_take(struct tw_thread *t);
void tw_scratch_put(struct tw_thread *t, struct tw_scratch *s);

/* Sends a frame: 0, or one of these. */
enum { TW_LONG = -1, TW_NOMEM = -2 };
int tw_send(struct lintel_transport_worker *w, struct lintel_tw m);
/* What has to come: without memory it is told as lost. */
int tw_tell(struct lintel_transport_worker *w, struct lintel_tw m);
void tw_say(struct lintel_transport_worker *w, struct lintel_wire_up m);
/* With the lock held. */
void tw_say_locked(struct lintel_transport_worker *w, struct lintel_wire_up m);
void tw_misbehaving(struct lintel_transport_worker *w, const char *what);
/* Sends and waits for its reply, which the caller frees; NULL: it did not come in time, or could
 * not be sent (*ret_failed, as of tw_send()). [inst] */
struct tw_message *tw_ask(struct lintel_transport_worker *w, const struct lintel_tw *m, int64_t ns,
                          int *ret_failed);

/* An answer of the tree, or word that it comes later; returns whether the exchange goes on. [inst]
 */
int tw_outcome(struct lintel_transport_worker *w, const struct lintel_tw *m);
void tw_slots_fini(struct lintel_transport_worker *w);
#endif
