/* SPDX-License-Identifier: Apache-2.0
 * What the files of the CoAP transport share: the instance, its stacks (one for each context of
 * libcoap), their peers, and the exchanges under way.
 * Names of ours begin with lcoap_; coap_ is libcoap's. Everything runs on the instance's thread. */
#ifndef LINTEL_COAP_SERVER_H
#define LINTEL_COAP_SERVER_H
#include "lintel/ext/loop.h"
#include "lintel/transport.h"

#include <coap3/coap.h>
#include <stdbool.h>

enum {
    LCOAP_MAX_LISTENERS = 16,
    LCOAP_MAX_OPEN = 1024,      /* exchanges under way beside the observations, all peers */
    LCOAP_MAX_OPEN_PEER = 64,   /* of one peer */
    LCOAP_CON_EVERY = 5,        /* of this many notifications one is confirmable (RFC 7641 4.5) */
    LCOAP_NOTE_BUCKETS = 256,   /* a power of two */
    LCOAP_BLOCK_SZX = 6,        /* our block size: 1,024 bytes */
    LCOAP_MESSAGE_BESIDE = 8192 /* bytes of a stream's message beside its payload */
};
#define LCOAP_SECOND ((lintel_mono)1000000000)
#define LCOAP_EXCHANGE_LIFETIME (247 * LCOAP_SECOND) /* RFC 7252 4.8.2 */
#define LCOAP_NON_LIFETIME (145 * LCOAP_SECOND)
#define LCOAP_TRANSMIT_WAIT (93 * LCOAP_SECOND)
#define LCOAP_CON_AT_LEAST (24 * 3600 * LCOAP_SECOND) /* RFC 7641 4.5 */

struct lcoap_listener {
    coap_proto_t protocol;
    coap_address_t address;
    coap_endpoint_t *endpoint;
    struct lcoap_place *place; /* whose address it is; NULL: the hub's */
    bool loopback, secure;
    char uri[96]; /* as the site wrote it, for messages */
};

struct lcoap_socket { /* one descriptor in libcoap's epoll set */
    const void *event;
    int fd;
    bool datagrams, plain;     /* plain: of coap:// */
    bool resting;              /* nobody is accepted for a while */
    coap_address_t local;      /* what it is bound to */
    struct lcoap_place *place; /* its listener's */
};

/* A context of libcoap: its own epoll set, sockets and sessions. The hub has one; things with an
 * address of their own share some, with a listener for each thing. libcoap looks for a session
 * among those of the listener, so a client that speaks to two things has two. */
struct lcoap_stack {
    struct lcoap_stack *next, **link; /* in its server's list */
    struct lcoap_stack *unset_next;   /* in the server's list of those whose timer is not set */
    struct lcoap_server *server;
    coap_context_t *context;
    struct lcoap_listener *listeners;
    struct lcoap_socket *sockets; /* of the listeners, once open */
    uint32_t nlisteners, nsockets;
    int32_t epoll_fd;
    uint32_t repeats,
        served;            /* where !sees_acks: events handed over at once; requests of this turn */
    uint32_t max_sessions; /* of each listener */
    uint32_t nnotes;       /* of its peers, in the server's table */
    uint32_t nsecret;      /* confirmable ones over DTLS */
    bool of_things;
    bool sees_acks; /* every datagram is seen before libcoap reads it */
    bool turning, late, unset;
    bool accepted, lost; /* in this turn: a stream; sessions that peers have left */
    struct lcoap_peer *peers;
};

/* One client, as libcoap sees it: the application data of a session. Made with the first request,
 * but for streams and DTLS with the session. */
struct lcoap_peer {
    struct lcoap_peer *next, **link;
    struct lcoap_server *server;
    struct lcoap_stack *stack;
    struct lcoap_place *place; /* the thing it speaks to by its own address; NULL: the hub */
    coap_session_t *session;
    struct lcoap_exchange *open;         /* without an answer, or the last one not acknowledged */
    struct lcoap_exchange *observations; /* notified from time to time */
    struct lcoap_exchange *waiting;      /* those with a kept answer, first come first served */
    struct lcoap_exchange **waiting_end;
    uint32_t nopen, nflights; /* flights: confirmable messages of ours without acknowledgement */
    struct lcoap_transfer *uploads, *downloads;
    struct lcoap_reply *replies; /* oldest first */
    struct lcoap_reply **replies_end;
    uint32_t nreplies;
    uint64_t number;   /* lintel_exchange.session */
    lintel_mono since; /* the session began; only where it is watched */
    lintel_mono heard; /* last request, of a stream */
    size_t unread;     /* bytes sent to a stream since it was last seen to take more */
    char *identity;    /* and behind its NUL the authority; NULL: nobody is known */
    const char *authority;
    int fd;              /* of a stream; -1: not known */
    bool stream, secure; /* TCP, TLS; DTLS, TLS */
    bool counted;        /* in the server's nstreams */
    bool watched;        /* a handshake is under way */
    bool known;          /* who it is was asked */
    bool refused;        /* it came with an identity that is unknown */
    bool gone;           /* the session has ended, or is to end */
    bool stuck;          /* libcoap counts a message that it does not know (coap_session.h) */
    bool unsent;         /* for want of memory; once in a round of those that wait */
    uint32_t flags;      /* LINTEL_X_LOOPBACK, _OPEN, _MULTICAST, _LIMITED, _SECURE, _RELIABLE */
    lintel_mono proved_until; /* it receives what is sent to its address */
    coap_address_t local;     /* what flags and base were made of */
    char text[64];            /* "[::1]:40312" */
    char base[80];            /* "coap://[::1]:5683" */
    char origin[80];          /* "coap://[::1]:40312"; "": a stream */
    uint32_t scope;           /* of a link-local address: the interface */
};

/* A Block option: RFC 7959 2.2; szx 7 over streams, RFC 8323 6. */
struct lcoap_block {
    uint32_t num;
    uint8_t szx;
    bool more, given;
};

/* An answer that waits its turn; the payload stands behind it. */
struct lcoap_kept {
    lintel_answer answer;
    char payload[];
};

struct lcoap_fast;
struct lcoap_exchange {
    struct lcoap_fast *fast; /* the one exchange of the short way; NULL: an ordinary one */
    struct lcoap_exchange *next, **link; /* in its peer, or free */
    struct lcoap_exchange *wait_next;    /* in its peer's queue */
    struct lcoap_exchange *note_next;    /* in the table of message ids */
    struct lcoap_peer *peer;
    lintel_ticket ticket; /* the hub's; dead once `ended` */
    /* While submit() runs: the request, and the response that takes a piggybacked answer. */
    const struct lcoap_request *request;
    const coap_pdu_t *pdu;
    coap_pdu_t *response;
    struct lcoap_kept *kept; /* the newest answer, waiting for its turn */
    lintel_mono last_con, flight_since;
    uint32_t room;     /* bytes that may answer the request; 0: as many as wanted */
    uint64_t key;      /* cache key of the request, for blocks */
    uint32_t sequence; /* of the last notification: 24 bits count */
    struct lcoap_block block1, block2;
    uint16_t mid, note_mid;
    uint8_t token[8], ntoken;
    uint8_t method;
    uint8_t no_response; /* RFC 7967 */
    uint8_t nons;        /* notifications since the last confirmable one */
    uint8_t owed;        /* code of a first answer that there was no memory for; 0: none */
    uint8_t unmade;      /* tries of the next message that there was no memory for */
    bool confirmable, observe;
    bool group; /* it was asked of a group, by this interface and (in network order) port */
    int interface;
    in_port_t port;
    bool inside, answered, ended; /* submit() runs; first answer given; last answer given */
    bool settled;                 /* it stands among the observations */
    bool counted;                 /* in the server's open_mids */
    bool noted, in_flight;        /* note_mid stands in the table; it was confirmable */
    bool landed;                  /* it has arrived, and nobody was told yet */
};

struct lcoap_echo { /* what makes Echo values */
    const lintel_host *host;
    const lintel_host_transport
        *tree;      /* NULL: the host has no derive(), nothing is made or believed */
    uint8_t run[8]; /* of this run: older values are worth nothing */
};

struct lcoap_reserve { /* coap_reserve.h */
    void *volatile block;
    size_t bytes;   /* 0: none is wanted */
    uint32_t given; /* calls that it is freed for */
    bool whole;     /* there was one for them */
    bool refused;   /* tests: memory is out */
};

struct lcoap_server {
    const lintel_host *host;
    const lintel_host_loop *loop;
    const lintel_host_transport *tree;
    struct lcoap_stack *hub;     /* what `listen` says */
    struct lcoap_stack *stacks;  /* all: the hub's, and things' */
    struct lcoap_stack *unset;   /* their timers are set in the next turn of the loop */
    int32_t things_fd;           /* an epoll set of things' epoll sets; -1: no thing has a stack */
    struct lcoap_places *places; /* NULL: no prefix */
    uint32_t busy;               /* turns that are on */
    bool unprotected, limit_all, housekeeping;
    bool starved; /* there is no memory: libcoap has nothing to do for a while */
    bool owes;    /* messages that there was no memory for are tried again */
    struct lcoap_reserve reserve;
    bool turns_away;                      /* the last client over a stream could not be accepted */
    struct lcoap_dtls *dtls;              /* credentials */
    uint32_t max_handshakes, nhandshakes; /* under way, all stacks */
    uint32_t nstreams;
    uint32_t max_observers;
    size_t max_body;
    uint32_t ack_timeout_ms, max_retransmit;
    lintel_mono give_up; /* after that long libcoap has given up a confirmable message */

    struct lcoap_exchange *free_exchanges;
    uint32_t nopen, nobservers, observed; /* observed: so many began */
    uint16_t open_mids[256]; /* open exchanges by the low byte of their request's message id */
    struct lcoap_fast *fast; /* NULL: everything goes the long way */
    struct lcoap_exchange *notes[LCOAP_NOTE_BUCKETS]; /* by the last message id sent */
    uint32_t nflights;
    struct lcoap_replies *replies;
    size_t transfer_bytes; /* in uploads and downloads of all peers */

    bool limit_answers; /* small ones for addresses that are not proved */
    struct lcoap_echo echo;
    struct lcoap_limits *limits;
    uint32_t rate, rate_equal;
    struct lcoap_groups *groups; /* NULL: none is heard */
    struct lcoap_client *client; /* requests of the hub's own; NULL: not started */
};
#endif
