/* SPDX-License-Identifier: Apache-2.0
 * A hub in small for the CoAP transport's tests and benchmark: a host with a loop and a resource
 * tree that is one function. All on the caller's thread. */
#ifndef LINTEL_COAP_TESTHOST_H
#define LINTEL_COAP_TESTHOST_H
#include "lintel/ext/loop.h"
#include "lintel/transport.h"

#include <stdbool.h>

enum {
    TESTHOST_WATCHES = 8,
    TESTHOST_TIMERS = 16,
    TESTHOST_TICKETS = 4096,
    TESTHOST_SETTINGS = 32
};

struct testhost;
struct testhost_psk {
    const char *identity, *key;
};
/* What the tree does with a request. It answers by testhost_answer() with this ticket, now or
 * later. */
typedef void testhost_tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket);
/* What comes back for a request of the hub's own. */
typedef void testhost_reply(struct testhost *t, lintel_ticket ticket, const lintel_answer *a);

struct testhost {
    lintel_host host; /* first: the plugin's pointer is cast back */
    const lintel_plugin *plugin;
    const lintel_transport *transport;
    void *self;
    void *settings; /* as the plugin has them */
    testhost_tree *tree;
    testhost_reply *reply;
    lintel_mono ahead; /* how far its clock is ahead of the real one, or of: */
    lintel_mono still; /* a clock that stands; 0: the real one */
    int epoll_fd;
    struct {
        int fd;
        void (*fn)(void *arg, int32_t fd, uint32_t ready);
        void *arg;
    } watches[TESTHOST_WATCHES];
    struct {
        lintel_mono at; /* 0: free */
        void (*fn)(void *arg);
        void *arg;
    } timers[TESTHOST_TIMERS];
    lintel_ticket last;              /* tickets are numbered from 1 */
    void *cookies[TESTHOST_TICKETS]; /* by ticket % TESTHOST_TICKETS; NULL: ended */
    uint32_t requests, abandoned, open;
    bool at_once; /* takes requests with LINTEL_X_AT_ONCE too; else the tree never sees them */
    const struct testhost_psk *psks; /* ends with an identity of NULL; NULL: there are none */
    char log[8192], bases[32768];    /* bases: a line "thing URI" for each thing_base() */
    size_t nlog, nbases;
};

/* Creates an instance; NULL if create() refused (the reason is in *ret_log, if not NULL). */
struct testhost_settings {
    const char *const *listen; /* NULL-terminated */
    bool unprotected;
    int64_t max_sessions, max_body, max_observers;    /* 0: the default */
    const char *prefix, *interface;                   /* NULL: the default */
    const char *certificate, *key, *client_ca, *hint; /* NULL: not given */
    const char *const *ciphers;                       /* NULL-terminated; NULL: not given */
    int64_t max_handshakes;                           /* 0: the default */
    struct {                                          /* further ones, by name */
        const char *name;
        int64_t i;
        const char *const *list; /* NULL-terminated; NULL: i counts */
    } more[8];
};
struct testhost *testhost_new(const lintel_plugin *plugin, const struct testhost_settings *s,
                              testhost_tree *tree, char *ret_log, size_t nlog);
lintel_status testhost_start(struct testhost *t);
void testhost_free(struct testhost *t);

/* One turn of the loop; waits up to ms (-1: without end) for something to happen. */
void testhost_turn(struct testhost *t, int ms);
/* The port of the i-th listener, from the log. */
unsigned testhost_port(const struct testhost *t, unsigned i);
/* Sends an answer; without LINTEL_ANSWER_MORE in it the ticket ends. Nothing if it has ended
 * already. */
void testhost_answer(struct testhost *t, lintel_ticket ticket, const lintel_answer *a);
/* The same with a text as payload. */
void testhost_text(struct testhost *t, lintel_ticket ticket, uint32_t code, uint32_t flags,
                   const char *text);
#endif
