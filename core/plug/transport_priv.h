/* SPDX-License-Identifier: Apache-2.0
 * Parts of the transports of core/plug/instance.h: transport.c chooses how one is carried,
 * transport_inside.c runs it on the loop's thread, transport_child.c speaks to it in a child, and
 * transport_open.c keeps what the child has open. */
#ifndef LINTEL_PLUG_TRANSPORT_PRIV_H
#define LINTEL_PLUG_TRANSPORT_PRIV_H
#include <pthread.h>

#include "core/base/map.h"
#include "core/plug/child.h"
#include "core/plug/hostloop.h"
#include "core/plug/instance_priv.h"
#include "core/plug/transport_wire.h"
#include "lintel/ext/resources.h"

struct transport_form { /* a way to carry one */
    /* Ends it; calls transport_ended() now or later. */
    void (*stop)(struct lintel_transport_instance *t);
    void (*answer)(struct lintel_transport_instance *t, void *cookie, const lintel_answer *a);
    void (*thing)(struct lintel_transport_instance *t, const lintel_thing_info *info, int added);
    lintel_status (*send)(struct lintel_transport_instance *t, const char *uri,
                          const lintel_exchange *x, lintel_ticket ticket);
    void (*request)(struct lintel_transport_instance *t, lintel_ticket ticket,
                    const lintel_exchange *x);
    void (*abandoned)(struct lintel_transport_instance *t, lintel_ticket ticket);
};
extern const struct transport_form transport_inside, transport_carried;

struct lintel_transport_instance {
    struct lintel_hostloop hostloop; /* first: what a plugin inside has */
    struct lintel_plug *plug;
    struct lintel_transport_instance *next;
    struct lintel_site *site;
    const struct lintel_port *conf;
    struct lintel_tree_port tree;
    const struct transport_form *form;
    enum lintel_transport_state state;
    int stopping;
    char reason[256];   /* of the last death or refusal */
    char isolation[80]; /* for people */
    struct lintel_gate log_gate;
    uint64_t misbehaved;
    void (*then)(void *ctx);
    void *then_ctx;

    /* transport_inside.c */
    void *self;
    const lintel_transport *ops;
    const lintel_plugin_resources *resources; /* NULL: it mounts none */
    pthread_mutex_t lock;                     /* of last_line: log() comes from any thread */
    char last_line[256];

    struct carried *carried; /* transport_child.c */
};

/* LINTEL_OK, or it is not started: t->reason says why. */
lintel_status transport_start_inside(struct lintel_transport_instance *t);
lintel_status transport_start_child(struct lintel_transport_instance *t);
void transport_ended(struct lintel_transport_instance *t); /* frees it */

/* ---- in a child ------------------------------------------------------------------------------ */

struct process;
struct carried_exchange { /* one that the child has submitted */
    struct carried *carried;
    uint64_t theirs;      /* ticket of the child's; 0: free */
    lintel_ticket ticket; /* the tree's */
    int inside;           /* submit() of the tree runs */
    int answered, over;
    struct lintel_buf held; /* an answer that waits for a slow child */
    struct carried_exchange *next_held, *before_held;
};

enum {
    CARRIED_BLOCK = 256,
    CARRIED_KEYS = 1000, /* that may be asked for at once */
    SENDS_MOST = 256
};
struct carried {
    struct lintel_transport_instance *t;
    struct process *process;
    struct carried *next; /* in the process */
    uint32_t number;
    int insist;      /* failures are tried again */
    uint32_t has;    /* LINTEL_TW_HAS_* */
    uint16_t birth;  /* counts its starts: sessions of different ones are different */
    uint16_t births; /* of its child, before the first start */
    struct lintel_supervise life;
    int may_open, may_secure;  /* what the site has said */
    struct lintel_timer timer; /* the next try; the end of patience */

    struct lintel_timer beat; /* whether it is alive */
    uint64_t pinged, ponged;
    int overdue;

    /* transport_open.c */
    struct carried_exchange *blocks[LINTEL_TW_OPEN_MOST / CARRIED_BLOCK];
    uint32_t nopen;
    struct carried_exchange *held, *held_last; /* in the order they came */
    size_t held_bytes;
    struct lintel_timer flush;
    uint64_t replaced; /* notifications that a newer one took the place of */
    lintel_ticket sends[SENDS_MOST];
    uint32_t nsends, nmounts;
    struct lintel_map bases;             /* things with an address of their own */
    struct lintel_map given;             /* identities whose key it was told */
    lintel_mono keys_at;                 /* when keys_left was so */
    uint32_t keys_left;                  /* of what may be asked */
    lintel_mono keys_told;               /* the last line about it */
    uint32_t keys_unknown, keys_refused; /* since then */

    struct lintel_buf out;
    struct lintel_tw_scratch scratch;
};

/* transport_child.c: what process.c tells of the child. */
void carried_up(struct carried *list);
/* Of the number's; 0 if it is nobody's. Not 0: it breaks the protocol. */
int carried_frame(struct carried *list, uint32_t number, const unsigned char *data, size_t n);
void carried_gone(struct carried *list, const char *reason, int64_t wait);
void carried_ended(struct carried *list);
int carried_stays(const struct carried *list); /* whether one is not stopping */
/* c->out, if it is whole. -1: it was not sent. */
int carried_send(struct carried *c, const struct lintel_tw *m);
void carried_misbehaving(struct carried *c, const char *what);

/* transport_open.c: what is open between the child and the tree. */
int open_submit(struct carried *c, struct lintel_tw *m); /* not 0: breaks the protocol */
void open_abandon(struct carried *c, uint64_t theirs);
void open_answer(struct carried_exchange *e, const lintel_answer *a);
void open_reply(struct carried *c, const struct lintel_tw *m);
void open_base(struct carried *c, const struct lintel_tw *m);
void open_derive(struct carried *c, const struct lintel_tw *m);
void open_psk(struct carried *c, const struct lintel_tw *m);
void open_mount(struct carried *c, const struct lintel_tw *m);
/* Of a request of the hub's own: the session as the child knows it; 0: of an earlier one. */
uint64_t open_their_session(const struct carried *c, uint64_t session);
void open_clear(struct carried *c); /* it is gone: all ends */
void open_fini(struct carried *c);
#endif
