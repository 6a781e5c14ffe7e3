/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/plug/instance.h: instance.c starts, watches and ends instances, process.c and
 * instance_thread.c carry them, swap.c gives a bus another one; port.c is their side towards the
 * engine. */
#ifndef LINTEL_PLUG_INSTANCE_PRIV_H
#define LINTEL_PLUG_INSTANCE_PRIV_H
#include "core/plug/cage.h"
#include "core/plug/gate.h"
#include "core/plug/instance.h"
#include "core/plug/slots.h"
#include "core/plug/supervise.h"
#include "core/plug/wire.h"

#define LINTEL_SECOND INT64_C(1000000000)

enum instance_state {
    INSTANCE_STARTING,
    INSTANCE_RUNNING,
    INSTANCE_BACKOFF,
    INSTANCE_ENDING, /* it did wrong: is ended, then started again */
    INSTANCE_STOPPING,
    INSTANCE_FAILED,  /* its settings can't be; rests until they change */
    INSTANCE_CREATING /* swap.c: to be started when the one before it has ended */
};

struct open_op { /* an op that the instance has */
    struct lintel_instance *instance;
    struct lintel_op *op; /* NULL: free */
    uint32_t index, serial;
    struct open_op *next_free;
    struct lintel_timer timer; /* fires when the plugin is far too late */
};

struct lintel_plug {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    char *host_program;
    struct lintel_cage_user cage_user;
    int uncaged;
    struct lintel_instance **instances;
    uint32_t n, room;
    uint32_t last_number;
    uint64_t random; /* seeds of jitter */
    struct process *processes;
    struct lintel_transport_instance *transports;
    struct lintel_buf out;
    struct lintel_wire_scratch scratch;
};

struct lintel_instance {
    struct lintel_plug *plug;
    struct lintel_site *site;
    const struct lintel_port *conf;
    const lintel_plugin *plugin; /* what runs; its tables say the same as conf->plugin's */
    const char *file;            /* that it came from; the loader's */
    char version[64];            /* as the instance told it; "": not yet */
    uint64_t mark;               /* lintel_load_mark() of its file when it was opened */
    struct lintel_bus *bus;      /* NULL: another instance has it */
    struct swap *swap;           /* one that it is part of; NULL: none */
    uint32_t number;
    enum instance_state state;
    char reason[256];
    char isolation[80]; /* for people */

    struct process *process; /* one of the two carries it */
    struct instance_thread *thread;
    struct lintel_instance *next; /* in the process */

    struct lintel_timer timer; /* the next try; the end of patience */
    struct lintel_timer beat;  /* looks after what runs */
    struct lintel_supervise life;
    lintel_mono next_try; /* in BACKOFF and ENDING */
    lintel_mono start_by; /* in STARTING: the end of patience */
    int liar;             /* that is why it is ended */
    uint32_t restarts;    /* of the instance alone; its child has a count of its own */
    int closed;           /* it was ended without its child */
    void (*then)(void *ctx);
    void *then_ctx;

    /* port.c */
    uint32_t nsettings, ndevice, naddress; /* rows of the plugin's tables */
    struct open_op **ops;
    uint32_t nops, nopen;
    struct open_op *free_op;
    uint32_t serial;
    struct lintel_slots points, devices;
    int closing;             /* CLOSE was sent */
    int not_told;            /* it does not know of something that is gone */
    lintel_mono stuck_since; /* the first overdue request since anything was completed; 0: none */
    uint64_t call;           /* the call that it was in when it was asked, */
    lintel_mono call_since;  /* and since when that is known; 0: in none */
    struct lintel_gate log_gate;
    char complaint[LINTEL_WIRE_TEXT + 64]; /* the last one */
    lintel_mono complained_at;
    uint32_t complaints;    /* the same, not logged */
    lintel_mono rate_since; /* a second in which published values are counted */
    uint64_t rate;
    lintel_mono flooded_at;
    uint64_t misbehaved, dropped, replaced, late;

    struct lintel_tap_listener *listeners; /* port_tap.c */
};

/* instance.c. An instance that does nothing yet, without a bus; NULL: out of memory. */
struct lintel_instance *instance_new(struct lintel_plug *p, struct lintel_site *site,
                                     const struct lintel_port *conf, const lintel_plugin *plugin,
                                     const char *file);
/* Gives it a thread or a child; process: one of process_new() to live in, or NULL. -1: out of
 * memory, and nothing was started. */
int instance_begin(struct lintel_instance *i, struct process *process);
void instance_open(struct lintel_instance *i, int start); /* sends OPEN; start: and START */
void instance_start(struct lintel_instance *i);           /* what was opened */
/* What runs, and where, changes places between two instances; their buses do not. */
void instance_exchange(struct lintel_instance *a, struct lintel_instance *b);
/* Ends those that have no bus (any more); each finishes by its then(), possibly before this
 * returns, and is freed. */
void instance_end(struct lintel_instance *const *list, uint32_t n);
void instance_drop(struct lintel_instance *i); /* one that was not begun */
int instance_is_up(const struct lintel_instance *i);
/* -1: it can't be reached now. later: more frames follow at once. */
int instance_send(struct lintel_instance *i, const struct lintel_buf *b, int later);
size_t instance_queued(const struct lintel_instance *i);
void instance_refused(struct lintel_instance *i, lintel_status st, const char *text);
void instance_ready(struct lintel_instance *i, const char *version);
/* It did what it must not, or hangs: its bus is stale from now on; it is ended and started again.
 * Open ops are over, so the caller completes none. */
void instance_breaks(struct lintel_instance *i, const char *reason);
/* The same because of time: unless its child is debugged. */
void instance_hangs(struct lintel_instance *i, const char *reason);
void instance_closed(struct lintel_instance *i);
void instance_finish(struct lintel_instance *i); /* its thread or child has let go of it: freed */
/* What process.c tells of its child; wait: until the child's next start. */
void instance_child_up(struct lintel_instance *i);
void instance_child_gone(struct lintel_instance *i, const char *reason, int64_t wait);
uint64_t plug_random(struct lintel_plug *p); /* a seed of jitter */

/* port.c */
struct lintel_bus_port port_of(struct lintel_instance *i);
void port_open(struct lintel_instance *i, struct lintel_buf *b); /* the OPEN frame */
/* A frame from the instance; not 0: it breaks the protocol. */
int port_frame(struct lintel_instance *i, const unsigned char *data, size_t n);
void port_reset(struct lintel_instance *i); /* the instance is gone: ops and points are forgotten */
void port_fini(struct lintel_instance *i);
void port_rows(struct lintel_instance *i);         /* counts those of its plugin's tables */
int port_has_ops(const struct lintel_instance *i); /* open ones */
void port_end_ops(struct lintel_instance *i);      /* in the plugin's place, as cancelled */
void port_watch(struct lintel_instance *i);        /* now and then: whether it hangs */
/* It is in its call-th call. One that is told again and again for long does not return. request: a
 * call for a request. */
void port_call(struct lintel_instance *i, uint64_t call, const char *name, int request);
/* One line of the instance's log; floods are cut. */
void port_log(struct lintel_instance *i, int32_t level, const char *line);

/* port_tap.c */
void tap_begin(struct lintel_instance *i); /* it runs (again): it is told what is wanted */
int tap_frame(struct lintel_instance *i, const unsigned char *data, size_t n);
void tap_fini(struct lintel_instance *i);

/* swap.c: what happens to instances that are part of a swap. _ready, _refused and _lost: 1: that
 * was all, else it is handled as of any instance. */
void swap_opened(struct lintel_instance *i);
void swap_drained(struct lintel_instance *i); /* a request of it is over */
int swap_ready(struct lintel_instance *i);
int swap_refused(struct lintel_instance *i, const char *text); /* create() or start() */
int swap_lost(struct lintel_instance *i, const char *reason);  /* its child is gone */
void swap_failed(struct lintel_instance *i); /* its bus is gone: start() said no, or crashed */
void swap_cancel(struct lintel_instance *i); /* its bus is to be stopped */
#endif
