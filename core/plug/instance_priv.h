/* SPDX-License-Identifier: Apache-2.0
 * Parts of core/plug/instance.h: instance.c starts, watches and ends instances; port.c is their
 * side towards the engine. */
#ifndef LINTEL_PLUG_INSTANCE_PRIV_H
#define LINTEL_PLUG_INSTANCE_PRIV_H
#include "core/plug/cage.h"
#include "core/plug/instance.h"
#include "core/plug/wire.h"

#define LINTEL_SECOND INT64_C(1000000000)

enum instance_state {
    INSTANCE_STARTING,
    INSTANCE_RUNNING,
    INSTANCE_BACKOFF,
    INSTANCE_STOPPING,
    INSTANCE_FAILED /* its settings can't be; rests until they change */
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
    uint64_t random;
    struct process *processes;
    struct lintel_transport_instance *transports;
    struct lintel_buf out;
    struct lintel_wire_scratch scratch;
};

struct lintel_instance {
    struct lintel_plug *plug;
    struct lintel_site *site;
    const struct lintel_port *conf;
    struct lintel_bus *bus;
    uint32_t number;
    enum instance_state state;
    char reason[256];
    char isolation[80]; /* for people */

    struct process *process; /* one of the two carries it */
    struct instance_thread *thread;
    struct lintel_instance *next; /* in the process */

    struct lintel_timer timer; /* the next try; the end of patience */
    uint32_t refusals;         /* in a row */
    void (*then)(void *ctx);
    void *then_ctx;

    /* port.c */
    uint32_t nsettings, ndevice, naddress; /* rows of the plugin's tables */
    struct open_op **ops;
    uint32_t nops;
    struct open_op *free_op;
    uint32_t serial;
    uint32_t
        *marks; /* by point: 0 not bound, else 1 or the epoch of the completion that is looked at */
    uint32_t nmarks, epoch;
    lintel_mono stuck_since; /* the first overdue request since anything was completed; 0: none */
    lintel_mono log_window;
    uint32_t log_lines, log_lost;
    uint64_t misbehaved, dropped, late;
};

/* instance.c. -1: it can't be reached now. later: more frames follow at once. */
int instance_send(struct lintel_instance *i, const struct lintel_buf *b, int later);
size_t instance_queued(const struct lintel_instance *i);
void instance_refused(struct lintel_instance *i, lintel_status st, const char *text);
void instance_ready(struct lintel_instance *i, const char *version);
void instance_hangs(struct lintel_instance *i);
void instance_closed(struct lintel_instance *i);

/* port.c */
struct lintel_bus_port port_of(struct lintel_instance *i);
void port_open(struct lintel_instance *i, struct lintel_buf *b); /* the OPEN frame */
/* A frame from the instance; not 0: it breaks the protocol. */
int port_frame(struct lintel_instance *i, const unsigned char *data, size_t n);
void port_reset(struct lintel_instance *i); /* the instance is gone: ops and points are forgotten */
void port_fini(struct lintel_instance *i);
/* One line of the instance's log; floods are cut. */
void port_log(struct lintel_instance *i, int32_t level, const char *line);
#endif
