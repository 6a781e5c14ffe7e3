/* SPDX-License-Identifier: Apache-2.0
 * What the hub and an instance of a plugin say to each other, as frames (docs/protocol-child.md). A
 * frame is a CBOR sequence: number of the instance, kind, then the members in the order of the
 * functions here. Instances in threads and in children are spoken to in the same frames, so there
 * is one way through the code. */
#ifndef LINTEL_PLUG_WIRE_H
#define LINTEL_PLUG_WIRE_H
#include "core/base/mem.h"
#include "core/base/text.h"
#include "lintel/plugin.h"

enum { LINTEL_WIRE_VERSION = 1 };

enum lintel_wire_kind {
    /* to the instance */
    LINTEL_WIRE_OPEN = 1, /* create */
    LINTEL_WIRE_ATTACH,
    LINTEL_WIRE_DETACH,
    LINTEL_WIRE_BIND,
    LINTEL_WIRE_UNBIND,
    LINTEL_WIRE_REQUEST,
    LINTEL_WIRE_CANCEL,
    LINTEL_WIRE_CLOSE,      /* stop and destroy */
    LINTEL_WIRE_START = 10, /* start what OPEN has created */
    LINTEL_WIRE_TAP = 11,   /* id 1: messages of the wire are wanted; core/plug/tap.h */
    /* 9 cage: see docs/protocol-child.md; 64 to 95: of transports */
    LINTEL_WIRE_PING = 12, /* to the child, instance 0: do you live, and in which calls? */
    /* from it */
    LINTEL_WIRE_HELLO = 32, /* of a child, once; instance 0 */
    LINTEL_WIRE_READY,
    LINTEL_WIRE_REFUSED, /* create or start said no; OPEN may come again */
    LINTEL_WIRE_REFUSED_DEVICE,
    LINTEL_WIRE_REFUSED_POINT,
    LINTEL_WIRE_DONE, /* a request is over */
    LINTEL_WIRE_PUBLISH,
    LINTEL_WIRE_LINK,
    LINTEL_WIRE_DEVICE,
    LINTEL_WIRE_LOG,
    LINTEL_WIRE_MISBEHAVING,
    LINTEL_WIRE_CLOSED, /* the last one of an instance */
    LINTEL_WIRE_OPENED, /* created, and not started yet */
    /* 96 to 127: of transports */
    LINTEL_WIRE_UNBOUND = 45, /* the answer to UNBIND, and to DETACH: see lintel_wire_gone */
    LINTEL_WIRE_TAPPED = 46,  /* core/plug/tap.h */
    LINTEL_WIRE_PONG = 47,    /* of the child, instance 0; of an instance: the call it is in */
    LINTEL_WIRE_FLOOD         /* the hub was too slow for what was published */
};
enum {                                    /* limits; a frame beyond them breaks the protocol */
       LINTEL_WIRE_POINTS_MOST = 1 << 24, /* ids of devices and points are below it */
       LINTEL_WIRE_BATCH_MOST = 1 << 16,  /* points of a request, samples of a frame */
       LINTEL_WIRE_VALUES_MOST = 100000,  /* values in all the trees of a frame */
       LINTEL_WIRE_TEXT = 400 /* bytes of a line for people, with the NUL; longer ones are cut */
};

enum lintel_wire_gone { LINTEL_WIRE_POINT, LINTEL_WIRE_DEVICE_ITSELF }; /* level of UNBOUND */
/* Level of MISBEHAVING: what ends the instance is LINTEL_LOG_ERROR, what is only counted is
 * LINTEL_LOG_WARN. */

enum lintel_wire_op {
    LINTEL_WIRE_READ,
    LINTEL_WIRE_WRITE,
    LINTEL_WIRE_INVOKE,
    LINTEL_WIRE_SUBSCRIBE
};

/* ---- to the instance ------------------------------------------------------------------------- */

struct lintel_wire_down { /* as read; pointers lead into the frame or into the scratch */
    uint32_t instance;
    enum lintel_wire_kind kind;
    const char *name;          /* OPEN: the bus; ATTACH: the thing; BIND: the point */
    const char *plugin, *file; /* OPEN */
    int32_t log;               /* OPEN: the finest level wanted */
    uint32_t id, device;       /* of a device or point; the point's device */
    uint32_t point_kind, flags, wire_bytes, write_wire_bytes; /* BIND */
    struct lintel_str tables;   /* OPEN: lintel_plugin_tables() of what the hub has read; empty: any
                                 */
    struct lintel_str settings; /* OPEN, ATTACH: CBOR of a list; of null when there is no table */
    struct lintel_str addr, write_addr; /* BIND: the same */
    uint64_t ticket;                    /* REQUEST, CANCEL */
    enum lintel_wire_op op;
    int64_t within; /* ns until the deadline: clocks are not compared */
    uint32_t batch, priority, n;
    const uint32_t *slots;      /* n ids of points */
    const lintel_value *values; /* n, or NULL */
};
void lintel_wire_open(struct lintel_buf *b, const struct lintel_wire_down *m,
                      const lintel_value *settings, uint32_t nsettings);
void lintel_wire_attach(struct lintel_buf *b, uint32_t instance, uint32_t id, const char *name,
                        const lintel_value *settings, uint32_t nsettings);
void lintel_wire_bind(struct lintel_buf *b, const struct lintel_wire_down *m,
                      const lintel_value *addr, const lintel_value *write_addr, uint32_t naddr);
void lintel_wire_request(struct lintel_buf *b, const struct lintel_wire_down *m);
/* DETACH, UNBIND, CLOSE, START and PING (id 0), CANCEL (id: the ticket), TAP (id: 0 or 1). */
void lintel_wire_short(struct lintel_buf *b, uint32_t instance, enum lintel_wire_kind kind,
                       uint64_t id);

/* ---- from the instance ----------------------------------------------------------------------- */

struct lintel_wire_up {
    uint32_t instance;
    enum lintel_wire_kind kind;
    uint64_t ticket; /* DONE. HELLO: the version of this protocol. OPENED: lintel_load_mark(). PONG:
                        number of the call. FLOOD: values that newer ones have replaced */
    uint32_t id;     /* of a device or point. FLOOD: events and lines that were lost */
    lintel_status status;
    int32_t level;    /* LOG */
    const char *text; /* reason, line; OPENED, READY: the plugin's version */
    uint32_t n;
    const lintel_sample *samples; /* DONE, PUBLISH */
};
/* All kinds but DONE and PUBLISH; samples are not looked at. */
void lintel_wire_say(struct lintel_buf *b, const struct lintel_wire_up *m);
/* DONE and PUBLISH. Takes as many samples as a frame carries and returns how many that were: at
 * least one, at most n; the caller goes on with a next frame. Values that can't travel (not finite,
 * not UTF-8, too long or too deep) become errors of their samples. */
uint32_t lintel_wire_samples(struct lintel_buf *b, const struct lintel_wire_up *m);

/* ---- reading: the other side is not trusted -------------------------------------------------- */

struct lintel_wire_scratch { /* {0} is a fresh one; what a read has returned lives until the next
                                read */
    struct lintel_arena *arena;
    lintel_sample *samples;
    uint32_t *slots;
    uint32_t sample_room, slot_room;
    char name[LINTEL_WIRE_TEXT], text[LINTEL_WIRE_TEXT];
};
void lintel_wire_scratch_fini(struct lintel_wire_scratch *s);
/* 0, or -1: the frame breaks the protocol, or memory is out. */
int lintel_wire_read_down(const unsigned char *p, size_t n, struct lintel_wire_scratch *s,
                          struct lintel_wire_down *ret);
int lintel_wire_read_up(const unsigned char *p, size_t n, struct lintel_wire_scratch *s,
                        struct lintel_wire_up *ret);
/* Only whom a frame is for, and what it is. */
int lintel_wire_peek(const unsigned char *p, size_t n, uint32_t *ret_instance,
                     enum lintel_wire_kind *ret_kind);

/* ---- values that stay ------------------------------------------------------------------------ */

/* A list of settings or of address keys, in one piece of memory, counted. Things of one kind have
 * equal addresses, so equal lists are kept once. One thread. */
struct lintel_shared {
    uint32_t refs;
    struct lintel_str key;      /* the CBOR it was made of */
    const lintel_value *values; /* NULL: made of null */
};
struct lintel_map;
/* The list of this CBOR, made or found in the map; NULL: malformed or out of memory. */
struct lintel_shared *lintel_shared_get(struct lintel_map *m, struct lintel_str cbor);
void lintel_shared_put(struct lintel_map *m, struct lintel_shared *s); /* NULL is fine */
#endif
