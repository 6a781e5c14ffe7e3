/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/transport.h - "lintel.transport/1": plugins that serve the hub's resource tree.
 *
 * A transport is a lintel_plugin with LINTEL_PLUGIN_TRANSPORT: it has a table of settings, create,
 * start, stop and destroy, and no devices. It turns what arrives on its wire into lintel_exchange,
 * hands each to the tree by submit(), and sends what answer() brings. CoAP, HTTP and uplinks are
 * all of this shape: method, path, representation and answer codes are CoAP's (RFC 7252, RFC 8132),
 * which every other REST protocol maps onto (RFC 8075).
 *
 * Rules beyond those of lintel/plugin.h:
 *  threads    everything here is [inst]. The instance of a transport runs on the thread that owns the
 *             tree, so submit() is a plain call and answer() may come before submit() returns.
 *  lifetime   an exchange ends with exactly one answer without LINTEL_ANSWER_MORE, or with abandon().
 *             Its cookie is the transport's; its ticket is the hub's, and dead after the end.
 */
#ifndef LINTEL_TRANSPORT_H
#define LINTEL_TRANSPORT_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_TRANSPORT "lintel.transport/1"

enum { /* lintel_exchange.method: CoAP's codes, RFC 7252 12.1.1 and RFC 8132 6 */
    LINTEL_GET = 1,
    LINTEL_POST = 2,
    LINTEL_PUT = 3,
    LINTEL_DELETE = 4,
    LINTEL_FETCH = 5,
    LINTEL_PATCH = 6,
    LINTEL_IPATCH = 7
};
#define LINTEL_CODE(class, detail) ((uint32_t)((class) * 32 + (detail))) /* 2.05 = LINTEL_CODE(2, 5) */
#define LINTEL_FORMAT_NONE (-1) /* Content-Formats: the IANA registry "CoAP Content-Formats" */

typedef struct lintel_span { /* bytes with a length; no NUL behind them */
    const char *p;
    size_t n;
} lintel_span;

enum { /* lintel_exchange.flags */
    LINTEL_X_OBSERVE = 1,       /* a stream of representations is wanted (RFC 7641) */
    LINTEL_X_IF_NONE_MATCH = 2, /* RFC 7252 5.10.8.2 */
    LINTEL_X_LOOPBACK = 4,      /* the peer's address is of this machine */
    LINTEL_X_SECURE = 8,        /* the peer is authenticated; identity is proved */
    LINTEL_X_MULTICAST = 16,    /* sent to a group: errors and empty answers are not wanted */
    LINTEL_X_OPEN = 32,         /* the site opened this listener to everybody, in words */
    LINTEL_X_RELIABLE = 64,     /* over a stream (RFC 8323) or the local socket */
    LINTEL_X_LIMITED = 128,     /* limits for single clients, and proofs of freshness, count for it */
    LINTEL_X_AT_ONCE = 256      /* answer before submit() returns, or not at all: then the ticket is 0,
                                 * nothing has happened, and the transport asks again without this */
};

typedef struct lintel_exchange { /* valid until submit() returns */
    uint32_t size;
    uint32_t method, flags;
    int32_t format;           /* of the payload; LINTEL_FORMAT_NONE */
    const lintel_span *path;  /* decoded segments */
    const lintel_span *query; /* decoded "name=value" or "name" */
    const int32_t *accept;    /* formats the peer takes, best first; naccept 0: anything */
    const lintel_span *etag;  /* representations that the peer has */
    const lintel_span *if_match;
    uint32_t npath, nquery, naccept, netag, nif_match;
    uint32_t reserved;
    lintel_span payload;
    const char *identity; /* who asks: a PSK identity, a certificate's name; "" = unknown */
    const char *peer;     /* "[::1]:40312", "uid 1000"; for logs and the audit trail */
    const char *thing;    /* thingId if the request came to a thing's own address, else NULL: hub */
    const char *base;     /* "coap://[::1]": how the peer reaches this tree, the scheme's default port
                           * left out; for absolute links */
    void *cookie;         /* given back in answer() */
    /* Who vouches for the identity: "psk", the issuer of the certificate; "" where there is none. */
    const char *authority;
    /* Where requests to the peer go: "coap://[2001:db8::1]", the scheme's default port left out
     * (RFC 9176 section 5, base). NULL: it can't be asked (a stream, the local socket). */
    const char *origin;
    /* The transport's number of the conversation with this peer - of the security association where
     * LINTEL_X_SECURE is set. Never given twice while the hub runs; 0 only with LINTEL_X_AT_ONCE, of
     * which nothing is remembered. */
    uint64_t session;
    uint32_t scope; /* number of the interface, for a link-local peer (RFC 4007); else 0 */
    uint32_t reserved2;
    lintel_span echo; /* lintel_answer.echo of before, come back fresh and from the same address */
} lintel_exchange;

enum {                         /* lintel_answer.flags */
    LINTEL_ANSWER_MORE = 1,    /* a later representation will follow (observation) */
    LINTEL_ANSWER_CONFIRM = 2, /* must arrive: send it confirmably (c.con) */
    LINTEL_ANSWER_ECHO = 4     /* send an Echo option with `echo` in it (RFC 9175 2) */
};
enum { LINTEL_ECHO_MOST = 24 }; /* bytes of the tree's in an Echo option; the rest is the transport's */

typedef struct lintel_answer { /* valid until answer() returns */
    uint32_t size;
    uint32_t code, flags;
    int32_t format;   /* of the payload; LINTEL_FORMAT_NONE */
    uint32_t max_age; /* seconds; counts for 2.03, 2.05, 4.29, 5.03 */
    uint32_t netag;   /* bytes of etag, 0..8 */
    uint8_t etag[8];
    const lintel_span *location; /* decoded segments of Location-Path (2.01) */
    uint32_t nlocation;
    uint32_t reserved;
    lintel_span payload; /* also a diagnostic, UTF-8, for errors (RFC 7252 5.5.2) */
    lintel_span echo;    /* at most LINTEL_ECHO_MOST bytes; comes back in lintel_exchange.echo */
    const lintel_span *location_query; /* decoded pieces of Location-Query (2.01) */
    uint32_t nlocation_query;
    uint32_t size1; /* with 4.13: the largest payload that is taken; 0: not said */
} lintel_answer;

typedef uint64_t lintel_ticket; /* 0: the exchange has ended already */

typedef struct lintel_host_transport { /* host side */
    uint32_t size, reserved;
    /* Hands an exchange to the tree. The answer may come by answer() before this returns (then, and
     * without LINTEL_ANSWER_MORE, the result is 0) or later under the returned ticket. */
    lintel_ticket (*submit)(const lintel_host *h, const lintel_exchange *x);
    /* The peer is gone, or ended its observation: no answer() will come for this ticket any more. */
    void (*abandon)(const lintel_host *h, lintel_ticket t);
    /* The answer to what the hub sent by send(); once for each ticket. */
    void (*reply)(const lintel_host *h, lintel_ticket t, const lintel_answer *a);
    /* A thing can be reached at an address of its own, under this URI ("coap://[fd00::a1b2]"); NULL:
     * not any more. Said once for a thing, with the URI that serves most clients. */
    void (*thing_base)(const lintel_host *h, const char *thing, const char *base);
    /* 32 bytes made of the label by a secret of this hub: the same after a restart, and nobody else
     * can tell them (HMAC-SHA-256). For interface identifiers (RFC 7217), Echo values and the like. */
    void (*derive)(const lintel_host *h, const void *label, size_t n, uint8_t ret[32]);
    /* The pre-shared key of an identity of the site. Its length; 0: there is none, or no room. Wipe it.
     * With n = 0 it says how many keys there are. */
    uint32_t (*psk)(const lintel_host *h, const char *identity, size_t n, uint8_t *key, uint32_t room);
} lintel_host_transport;

typedef struct lintel_thing_info {
    uint32_t size;
    const char *name; /* thingId */
    const char *zone; /* sector of the directory; "" = none */
} lintel_thing_info;

typedef struct lintel_transport { /* plugin side; members marked * may be NULL */
    uint32_t size, reserved;
    /* Sends what the tree says to the peer of an exchange. */
    void (*answer)(void *self, void *cookie, const lintel_answer *a);
    /* * A thing comes or goes: the transport may give it an address of its own. Things that are there
     * at start() are told right after it. */
    void (*thing_added)(void *self, const lintel_thing_info *t);
    void (*thing_removed)(void *self, const char *name);
    /* * Sends a request of the hub's own to an absolute URI, which says path and query. Of the exchange
     * method, format, accept, etag, payload and flags count; with a session that still lives, the request
     * leaves by it (from the port that the peer knows). A body in blocks is put together. With LINTEL_OK it
     * ends with exactly one reply(): the answer, 5.04 (nobody answered) or 5.02 (no sense in it); 5.03
     * at stop(). */
    lintel_status (*send)(void *self, const char *uri, const lintel_exchange *x, lintel_ticket t);
} lintel_transport;

#ifdef __cplusplus
}
#endif
#endif
