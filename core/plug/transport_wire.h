/* SPDX-License-Identifier: Apache-2.0
 * What the hub and a transport in a child say to each other beside the frames of core/plug/wire.h
 * (docs/protocol-child.md): exchanges, answers and what belongs to them. A frame is a CBOR
 * sequence: number of the instance, kind, then the members in the order of the functions here. No
 * I/O, no memory of its own: what was read points into the frame and into the scratch. */
#ifndef LINTEL_PLUG_TRANSPORT_WIRE_H
#define LINTEL_PLUG_TRANSPORT_WIRE_H
#include "core/plug/wire.h"
#include "lintel/transport.h"

enum lintel_tw_kind {
    /* to the transport */
    LINTEL_TW_OPEN = 64, /* create and start; what LINTEL_WIRE_OPEN is for a bus */
    LINTEL_TW_ANSWER,    /* of the tree, for what was submitted */
    LINTEL_TW_TAKEN,     /* what was submitted has no answer yet */
    LINTEL_TW_THING,     /* comes or goes */
    LINTEL_TW_SEND,      /* a request of the hub's own */
    LINTEL_TW_REQUEST,   /* for what it has mounted */
    LINTEL_TW_ABANDONED,
    LINTEL_TW_DERIVED, /* answers to questions */
    LINTEL_TW_KEY,
    LINTEL_TW_MOUNTED,
    LINTEL_TW_PING,
    /* from it */
    LINTEL_TW_SUBMIT = 96,
    LINTEL_TW_ABANDON,
    LINTEL_TW_REPLY,           /* to what the hub has sent */
    LINTEL_TW_RESOURCE_ANSWER, /* to a request for what is mounted */
    LINTEL_TW_THING_BASE,
    LINTEL_TW_DERIVE, /* questions: the plugin waits */
    LINTEL_TW_PSK,
    LINTEL_TW_MOUNT,
    LINTEL_TW_PONG
};
enum {                              /* limits; a frame beyond them breaks the protocol */
       LINTEL_TW_SEGMENTS = 128,    /* of a path, a query, a location; entity-tags */
       LINTEL_TW_ACCEPT = 64,       /* formats */
       LINTEL_TW_NAME = 1024,       /* bytes of an identity, an address, a name, with the NUL */
       LINTEL_TW_URI = 4096,        /* the same of a URI */
       LINTEL_TW_LINKS = 32768,     /* the same of links that are mounted */
       LINTEL_TW_LABEL = 1024,      /* of derive() */
       LINTEL_TW_KEY_MOST = 1024,   /* bytes of a pre-shared key */
       LINTEL_TW_OPEN_MOST = 65536, /* exchanges of one transport: the tree has no more */
       LINTEL_TW_BODY = 4 * 1024 * 1024 - 512 * 1024 /* of a payload; all else fits beside it */
};
enum { /* what a plugin has, in the id of LINTEL_WIRE_READY */
       LINTEL_TW_HAS_ANSWER = 1,
       LINTEL_TW_HAS_THINGS = 2,
       LINTEL_TW_HAS_SEND = 4,
       LINTEL_TW_HAS_REQUEST = 8,
       LINTEL_TW_HAS_ABANDONED = 16
};
/* Tickets of the transport are below it, numbers of its questions are not. */
#define LINTEL_TW_QUESTION (UINT64_C(1) << 63)

struct lintel_tw {
    uint32_t instance;
    enum lintel_tw_kind kind;
    uint64_t ticket;   /* of most kinds; of a question; PING and PONG: a number */
    lintel_exchange x; /* SUBMIT, SEND, REQUEST; without cookie */
    lintel_answer a;   /* ANSWER, REPLY, RESOURCE_ANSWER */
    const char *name;  /* OPEN: of the transport; THING, THING_BASE: of the thing; MOUNT */
    const char *text;  /* OPEN: plugin; THING: zone; THING_BASE: base or NULL; MOUNT: links;
                        * SEND: the URI */
    const char *file;  /* OPEN */
    int32_t log;       /* OPEN */
    struct lintel_str settings; /* OPEN: CBOR of a list, or of null */
    lintel_span bytes;          /* DERIVE: label; DERIVED: 32; PSK: identity; KEY: the key */
    uint32_t number; /* TAKEN, THING: 0 or 1; PSK: room; KEY: its length, or how many there are */
    lintel_status status; /* MOUNTED */
};
/* All kinds; settings (OPEN) are given beside m. What is too long or too many leaves b->failed as
 * this; without memory it is 1. */
enum { LINTEL_TW_LONG = 2 };
void lintel_tw_write(struct lintel_buf *b, const struct lintel_tw *m);
void lintel_tw_open(struct lintel_buf *b, const struct lintel_tw *m, const lintel_value *settings,
                    uint32_t nsettings);

struct lintel_tw_scratch { /* needs no preparation; what a read has returned lives until the next */
    lintel_span spans[4 * LINTEL_TW_SEGMENTS];
    int32_t accept[LINTEL_TW_ACCEPT];
    uint32_t nspans;
    size_t ntexts;
    char texts[LINTEL_TW_LINKS + 6 * LINTEL_TW_NAME];
};
/* 0, or -1: the frame breaks the protocol. Of the one direction and of the other. */
int lintel_tw_read_down(const unsigned char *p, size_t n, struct lintel_tw_scratch *s,
                        struct lintel_tw *ret);
int lintel_tw_read_up(const unsigned char *p, size_t n, struct lintel_tw_scratch *s,
                      struct lintel_tw *ret);
/* Whether the frame is one that a plugin may be waiting for, and the ticket or question. */
int lintel_tw_is_reply(const unsigned char *p, size_t n, uint64_t *ret_ticket);
#endif
