/* SPDX-License-Identifier: Apache-2.0
 *
 * A thing is queued when it comes. A portion of work takes things from the queue: its address is
 * derived, and either was there already (left by a hub that was killed) or is added; then its stack
 * is opened. When the queue is empty, addresses of ours that nobody wants are removed. From time to
 * time all is compared with the interface again: it may have been taken down, or made anew. */
#include "plugins/coap/coap_places.h"
#include "plugins/coap/coap_address.h"
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_observe.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_request.h"
#include "plugins/coap/coap_stack.h"
#include "plugins/coap/coap_uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    CHECK_S = 60,
    BUCKETS = 1024,   /* a power of two */
    COMPLAINTS = 8,   /* in one round */
    REMOVE_BATCH = 16 /* in one turn: of thousands, the kernel takes half a millisecond for each */
};

enum state {
    NOWHERE, /* without an address, and not waiting for one */
    QUEUED,  /* waits for one; it may have had one that was taken from the interface */
    HERE     /* its address is on the interface, and served */
};

enum finding {
    LEFT,  /* nobody has it, yet */
    TAKEN, /* a thing has it */
    GONE   /* it was taken off the interface since */
};

struct lcoap_place {                  /* a thing */
    struct lcoap_place *next, **link; /* of all */
    struct lcoap_place *bucket_next;  /* by name, or doomed */
    struct lcoap_place *queue_next;
    struct lcoap_server *server;
    struct lcoap_stack *stack; /* NULL: no listener */
    struct in6_addr address;
    uint32_t counter; /* of its try */
    enum state state;
    bool told;       /* the tree knows its base */
    bool complained; /* it was said that it has none, and why */
    char thing[];
};

struct lcoap_places {
    struct lcoap_prefix prefix;
    char interface[IF_NAMESIZE], text[64]; /* "fd00::/64" */
    uint16_t port;
    struct lcoap_addresses addresses;
    struct lcoap_place *all, *buckets[BUCKETS], *doomed;
    struct lcoap_place *queue, **queue_end;
    struct in6_addr *found; /* on the interface when it was listed, sorted */
    enum finding *findings; /* what became of each of those */
    uint32_t nfound;
    struct in6_addr *gone; /* to be removed */
    uint32_t ngone, gone_room;
    uint32_t nhere, nleft; /* in state HERE; left without, for want of descriptors */
    uint32_t told_here, told_left, ncomplaints;
    int failed, told_failed; /* errno: no addresses can be had */
    bool listed, barred;     /* barred: nor ever, as long as this process runs */
};

static void on_work(void *arg);
static void on_check(void *arg);

static void
warn(const struct lcoap_server *s, const char *text)
{
    s->host->log(s->host, LINTEL_LOG_WARN, text);
}

static void
arm_work(struct lcoap_server *s)
{
    s->loop->timer(s->host, s->host->now(s->host), on_work, s);
}

static void
enqueue(struct lcoap_places *p, struct lcoap_place *k)
{
    if (p->queue == NULL)
        p->queue_end = &p->queue;
    k->queue_next = NULL;
    *p->queue_end = k;
    p->queue_end = &k->queue_next;
    k->state = QUEUED;
}

static struct lcoap_place *
dequeue(struct lcoap_places *p)
{
    struct lcoap_place *k = p->queue;
    if (k != NULL) {
        p->queue = k->queue_next;
        k->state = NOWHERE;
    }
    return k;
}

/* ---- configuration --------------------------------------------------------------------------- */

lintel_status
lcoap_places_new(struct lcoap_server *s, const char *prefix, const char *interface, uint16_t port,
                 char *err, size_t nerr)
{
    struct lcoap_prefix read;
    char network[INET6_ADDRSTRLEN];
    lintel_status st = lcoap_prefix_read(prefix, &read, err, nerr);
    if (st != LINTEL_OK)
        return st;
    if (strlen(interface) >= IF_NAMESIZE || *interface == '\0' || strchr(interface, '/') != NULL) {
        snprintf(err, nerr, "interface: \"%.40s\" is no name of a network interface", interface);
        return LINTEL_E_CONFIG;
    }
    if (!s->unprotected && !lcoap_listen_is_secure(s->hub)) {
        snprintf(err, nerr,
                 "prefix: things' addresses are open to others than this machine, without "
                 "encryption and without credentials; listen on coaps:// too, and they speak it, "
                 "write `unprotected: yes` beside it if open is what is wanted, or leave the "
                 "prefix out: things are served at /d");
        return LINTEL_E_CONFIG;
    }
    struct lcoap_places *p = calloc(1, sizeof *p);
    if (p == NULL) {
        snprintf(err, nerr, "out of memory");
        return LINTEL_E_NOMEM;
    }
    struct in6_addr first = {0};
    memcpy(first.s6_addr, read.bytes, sizeof read.bytes);
    inet_ntop(AF_INET6, &first, network, sizeof network);
    snprintf(p->text, sizeof p->text, "%s/64", network);
    memcpy(p->interface, interface, strlen(interface) + 1);
    p->prefix = read;
    p->port = port;
    p->addresses.fd = -1;
    s->places = p;
    return LINTEL_OK;
}

void
lcoap_places_free(struct lcoap_server *s)
{
    free(s->places);
    s->places = NULL;
}

/* ---- removing -------------------------------------------------------------------------------- */

/* One batch of what is to be removed. */
static void
remove_some(struct lcoap_places *p)
{
    int results[REMOVE_BATCH];
    uint32_t n = p->ngone < REMOVE_BATCH ? p->ngone : REMOVE_BATCH;
    if (p->addresses.fd >= 0)
        lcoap_addresses_remove(&p->addresses, p->gone + p->ngone - n, n, results);
    p->ngone -= n; /* one that stays is found by the next check */
}

/* Where an address stands among those found; NULL: nowhere. */
static enum finding *
finding_of(const struct lcoap_places *p, const struct in6_addr *a)
{
    const struct in6_addr *at =
        p->nfound == 0 ? NULL
                       : bsearch(a, p->found, p->nfound, sizeof *p->found, lcoap_address_order);
    return at != NULL ? &p->findings[at - p->found] : NULL;
}

static void
remove_later(struct lcoap_places *p, const struct in6_addr *a)
{
    int result;
    enum finding *found = finding_of(p, a);
    if (found != NULL)
        *found = GONE;
    if (p->ngone == p->gone_room) {
        uint32_t room = p->gone_room != 0 ? p->gone_room * 2 : LCOAP_ADDRESS_BATCH;
        struct in6_addr *more = realloc(p->gone, room * sizeof *more);
        if (more == NULL) {
            if (p->addresses.fd >= 0)
                lcoap_addresses_remove(&p->addresses, a, 1, &result);
            return;
        }
        p->gone = more;
        p->gone_room = room;
    }
    p->gone[p->ngone++] = *a;
}

static void
forget_found(struct lcoap_places *p)
{
    free(p->found);
    free(p->findings);
    p->found = NULL;
    p->findings = NULL;
    p->nfound = 0;
}

/* ---- a thing with its address ---------------------------------------------------------------- */

const char *
lcoap_place_thing(const struct lcoap_place *k)
{
    return k != NULL ? k->thing : NULL;
}

static struct lcoap_place **
bucket(struct lcoap_places *p, const char *thing)
{
    uint64_t h = lcoap_hash(LCOAP_HASH_START, thing, strlen(thing));
    return &p->buckets[(h ^ h >> 32) & (BUCKETS - 1)];
}

static struct lcoap_place *
find(struct lcoap_places *p, const char *thing)
{
    struct lcoap_place *k = *bucket(p, thing);
    while (k != NULL && strcmp(k->thing, thing) != 0)
        k = k->bucket_next;
    return k;
}

static void
tell_base(struct lcoap_place *k, coap_proto_t protocol, const coap_address_t *a)
{
    char uri[80];
    lcoap_address_origin(protocol, a, uri, sizeof uri);
    k->server->tree->thing_base(k->server->host, k->thing, uri);
    k->told = true;
}

static void
withdraw_base(struct lcoap_place *k)
{
    if (k->told)
        k->server->tree->thing_base(k->server->host, k->thing, NULL);
    k->told = false;
}

/* One with room, or a new one. */
static struct lcoap_stack *
stack_with_room(struct lcoap_server *s, char *err, size_t nerr)
{
    struct lcoap_stack *k = s->stacks;
    while (k != NULL && (!k->of_things || k->nlisteners >= LCOAP_PLACES_STACK))
        k = k->next;
    if (k != NULL)
        return k;
    snprintf(err, nerr, "out of memory");
    k = lcoap_stack_new(s, true, LCOAP_PLACE_SESSIONS);
    if (k != NULL && lcoap_stack_open(k, err, nerr) != LINTEL_OK) {
        lcoap_stack_free(k);
        k = NULL;
    }
    return k;
}

static lintel_status
listen_on(struct lcoap_place *k, struct lcoap_stack *stack, coap_proto_t protocol, uint16_t port,
          char *err, size_t nerr)
{
    coap_address_t a;
    coap_address_init(&a);
    a.size = sizeof a.addr.sin6;
    a.addr.sin6.sin6_family = AF_INET6;
    a.addr.sin6.sin6_addr = k->address;
    a.addr.sin6.sin6_port = htons(port);
    lintel_status st = lcoap_listen_at(stack, k, protocol, &a, err, nerr);
    if (st == LINTEL_OK && !k->told)
        tell_base(k, protocol, &a);
    return st;
}

/* coap where the site opened it in words, coaps at the port above where the hub has it too. */
static lintel_status
open_place(struct lcoap_place *k, char *err, size_t nerr)
{
    const struct lcoap_server *s = k->server;
    struct lcoap_stack *stack = stack_with_room(k->server, err, nerr);
    uint16_t port = s->places->port;
    lintel_status st = LINTEL_OK;
    if (stack == NULL)
        return LINTEL_E_FAIL;
    if (s->unprotected)
        st = listen_on(k, stack, COAP_PROTO_UDP, port, err, nerr);
    if (st == LINTEL_OK && lcoap_listen_is_secure(s->hub))
        st = listen_on(k, stack, COAP_PROTO_DTLS, (uint16_t)(port + 1), err, nerr);
    if (st == LINTEL_OK) {
        k->stack = stack;
        return st;
    }
    lcoap_listen_leave(stack, k);
    withdraw_base(k);
    if (stack->nlisteners == 0)
        lcoap_stack_free(stack);
    return st;
}

/* Everything under way with its peers is abandoned. */
static void
close_place(struct lcoap_place *k)
{
    struct lcoap_stack *stack = k->stack;
    withdraw_base(k);
    if (stack == NULL)
        return;
    lcoap_client_forget(k->server->client, stack, k);
    for (struct lcoap_peer *peer = stack->peers, *next; peer != NULL; peer = next) {
        coap_session_t *session = peer->session;
        next = peer->next;
        if (peer->place != k)
            continue;
        lcoap_notify_last(peer);
        lcoap_peer_free(peer);
        coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE); /* not sent again */
    }
    lcoap_listen_leave(stack, k);
    if (stack->nlisteners == 0)
        lcoap_stack_free(stack);
    k->stack = NULL;
}

/* Once for a thing, and of some things in one round: what fails for one may fail for all. */
static void
complain_of(struct lcoap_place *k, const char *why)
{
    struct lcoap_places *p = k->server->places;
    char line[500];
    if (k->complained || p->ncomplaints == COMPLAINTS)
        return;
    k->complained = true;
    p->ncomplaints++;
    snprintf(line, sizeof line, "%.60s gets no address of its own and is served at /d: %s%s",
             k->thing, why, p->ncomplaints == COMPLAINTS ? "; more may follow this one" : "");
    warn(k->server, line);
}

/* The address is on the interface. */
static void
arrive(struct lcoap_place *k)
{
    struct lcoap_server *s = k->server;
    struct lcoap_places *p = s->places;
    char err[300] = "";
    if (k->stack == NULL && open_place(k, err, sizeof err) != LINTEL_OK) {
        complain_of(k, err);
        remove_later(p, &k->address);
        return;
    }
    k->state = HERE;
    p->nhere++;
}

/* Derives the address of its try. False: there is none. */
static bool
choose(struct lcoap_place *k)
{
    struct lcoap_server *s = k->server;
    uint8_t label[LCOAP_IID_LABEL_MOST], derived[32];
    for (; k->counter < LCOAP_IID_TRIES; k->counter++) {
        size_t n = lcoap_iid_label(&s->places->prefix, k->thing, k->counter, label);
        if (n == 0)
            return false;
        s->tree->derive(s->host, label, n, derived);
        if (!lcoap_iid_is_reserved(derived)) {
            lcoap_iid_address(&s->places->prefix, derived, &k->address);
            return true;
        }
    }
    return false;
}

/* Somebody else has the address: the next one (RFC 7217 section 6). */
static void
choose_next(struct lcoap_place *k)
{
    close_place(k);
    k->counter++;
}

/* Whether it was on the interface before, and nobody has taken it since; else whether another thing
 * has. */
static bool
take_found(struct lcoap_places *p, const struct in6_addr *a, bool *ret_taken)
{
    enum finding *found = finding_of(p, a);
    *ret_taken = found != NULL && *found == TAKEN;
    if (found == NULL || *found != LEFT)
        return false;
    *found = TAKEN;
    return true;
}

/* ---- failures -------------------------------------------------------------------------------- */

static void
say_why(const struct lcoap_server *s, int error)
{
    const struct lcoap_places *p = s->places;
    char line[500], what[300];
    if (error == EPERM)
        snprintf(what, sizeof what,
                 "this needs the capability CAP_NET_ADMIN (in linteld.service: "
                 "AmbientCapabilities=CAP_NET_ADMIN and CapabilityBoundingSet=CAP_NET_ADMIN), and "
                 "%s routed to this machine",
                 p->text);
    else if (error == EAFNOSUPPORT)
        snprintf(what, sizeof what,
                 "this process may not speak to the kernel by netlink (in linteld.service: "
                 "RestrictAddressFamilies=AF_NETLINK)");
    else if (error == ENODEV)
        snprintf(what, sizeof what,
                 "there is no interface %s (ip link add %s type dummy; ip link set %s up); it is "
                 "looked for again",
                 p->interface, p->interface, p->interface);
    else if (error == EACCES)
        snprintf(what, sizeof what, "IPv6 is off there (sysctl net.ipv6.conf.%s.disable_ipv6=0)",
                 p->interface);
    else
        snprintf(what, sizeof what, "%s; it is tried again", strerror(error));
    snprintf(line, sizeof line,
             "prefix: things get no addresses of their own on %s, and are served at /d as before: "
             "%s",
             p->interface, what);
    warn(s, line);
}

/* The interface has gone, and all addresses with it. */
static void
leave_all(struct lcoap_places *p)
{
    for (struct lcoap_place *k = p->all; k != NULL; k = k->next) {
        close_place(k);
        k->state = NOWHERE;
    }
    p->nhere = p->told_here = 0;
}

/* No address can be had now: nobody waits for one. */
static void
give_up(struct lcoap_server *s, int error)
{
    struct lcoap_places *p = s->places;
    p->failed = error;
    p->barred = error == EPERM || error == EAFNOSUPPORT;
    while (p->queue != NULL)
        dequeue(p);
    if (error == ENODEV)
        leave_all(p);
    forget_found(p);
    if (error != p->told_failed)
        say_why(s, error);
    p->told_failed = error;
}

/* ---- the work -------------------------------------------------------------------------------- */

/* Compares what is on the interface with what should be. */
static int
list(struct lcoap_server *s)
{
    struct lcoap_places *p = s->places;
    bool taken;
    forget_found(p);
    int error = p->addresses.fd >= 0 ? 0 : lcoap_addresses_open(&p->addresses, p->interface);
    if (error == 0)
        error = lcoap_addresses_list(&p->addresses, &p->prefix, &p->found, &p->nfound);
    if (error == 0 && p->nfound > 0 &&
        (p->findings = calloc(p->nfound, sizeof *p->findings)) == NULL)
        error = ENOMEM;
    if (error != 0)
        return error;
    p->listed = true;
    for (struct lcoap_place *k = p->all; k != NULL; k = k->next)
        if (k->state == HERE && !take_found(p, &k->address, &taken)) {
            p->nhere--;
            enqueue(p, k);
        }
    return 0;
}

/* How many things may have an address, as far as descriptors go: each takes one, or two with coaps
 * beside coap, and a context two for all that share it. */
static uint32_t
most(const struct lcoap_server *s)
{
    bool both = s->unprotected && lcoap_listen_is_secure(s->hub);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > UINT32_MAX)
        return UINT32_MAX;
    return files.rlim_cur <= LCOAP_PLACE_KEPT_FILES
               ? 0
               : (uint32_t)(files.rlim_cur - LCOAP_PLACE_KEPT_FILES) * 16 / (both ? 33 : 17);
}

static void
add_some(struct lcoap_server *s)
{
    struct lcoap_places *p = s->places;
    struct lcoap_place *batch[LCOAP_ADDRESS_BATCH], *k;
    struct in6_addr addresses[LCOAP_ADDRESS_BATCH];
    int results[LCOAP_ADDRESS_BATCH], error = 0;
    uint32_t n = 0, room = most(s);

    for (uint32_t i = 0; i < LCOAP_ADDRESS_BATCH && (k = dequeue(p)) != NULL; i++) {
        bool taken = false;
        if (p->nhere + n >= room) {
            p->nleft++;
            continue;
        }
        if (!choose(k))
            complain_of(k, "its name is too long, or every one that was tried is taken");
        else if (take_found(p, &k->address, &taken))
            arrive(k);
        else if (taken) {
            choose_next(k);
            enqueue(p, k);
        } else {
            batch[n] = k;
            addresses[n++] = k->address;
        }
    }
    if (n > 0)
        lcoap_addresses_add(&p->addresses, addresses, n, results);
    for (uint32_t i = 0; i < n; i++) {
        if (results[i] == 0)
            arrive(batch[i]);
        else if (results[i] == EEXIST) {
            choose_next(batch[i]);
            enqueue(p, batch[i]);
        } else
            error = results[i];
    }
    if (error != 0)
        give_up(s, error);
    else
        p->failed = 0;
}

/* All that wanted an address have one. */
static void
settle(struct lcoap_server *s)
{
    struct lcoap_places *p = s->places;
    char line[300];
    for (uint32_t i = 0; i < p->nfound; i++)
        if (p->findings[i] == LEFT)
            remove_later(p, &p->found[i]);
    forget_found(p);
    if (p->nhere != p->told_here) {
        snprintf(line, sizeof line, "%u %s an address of %s own in %s on %s", p->nhere,
                 p->nhere == 1 ? "thing has" : "things have", p->nhere == 1 ? "its" : "their",
                 p->text, p->interface);
        s->host->log(s->host, LINTEL_LOG_INFO, line);
    }
    if (p->nleft > 0 && p->nleft != p->told_left) {
        snprintf(line, sizeof line,
                 "prefix: %u %s no address of %s own, and %s served at /d: each takes an open "
                 "file, and this process may have too few of them (LimitNOFILE= of the service, "
                 "ulimit -n)",
                 p->nleft, p->nleft == 1 ? "thing gets" : "things get",
                 p->nleft == 1 ? "its" : "their", p->nleft == 1 ? "is" : "are");
        warn(s, line);
    }
    p->told_here = p->nhere;
    p->told_left = p->nleft;
}

static void
on_work(void *arg)
{
    struct lcoap_server *s = arg;
    struct lcoap_places *p = s->places;
    int error = 0;
    if (p->ngone > 0) { /* first: one that goes may be wanted again */
        remove_some(p);
        arm_work(s);
        return;
    }
    if (!p->listed && !p->barred && (error = list(s)) != 0)
        give_up(s, error);
    else if (p->queue != NULL)
        add_some(s);
    if (p->queue != NULL) {
        arm_work(s);
        return;
    }
    if (p->failed == 0)
        settle(s);
    if (p->ngone > 0)
        arm_work(s);
    if (!p->barred)
        s->loop->timer(s->host, s->host->now(s->host) + CHECK_S * LCOAP_SECOND, on_check, s);
}

/* Everything is looked at anew, from the interface's number on. */
static void
on_check(void *arg)
{
    struct lcoap_server *s = arg;
    struct lcoap_places *p = s->places;
    p->nleft = p->ncomplaints = 0;
    p->listed = false;
    lcoap_addresses_close(&p->addresses);
    for (struct lcoap_place *k = p->all; k != NULL; k = k->next)
        if (k->state == NOWHERE)
            enqueue(p, k);
    on_work(s);
}

/* ---- things come and go ---------------------------------------------------------------------- */

void
lcoap_places_added(void *self, const lintel_thing_info *info)
{
    struct lcoap_server *s = self;
    struct lcoap_places *p = s->places;
    if (p == NULL || find(p, info->name) != NULL)
        return;
    size_t n = strlen(info->name) + 1;
    struct lcoap_place *k = calloc(1, sizeof *k + n), **at = bucket(p, info->name);
    if (k == NULL) {
        warn(s, "out of memory: a thing gets no address of its own and is served at /d");
        return;
    }
    memcpy(k->thing, info->name, n);
    k->server = s;
    k->bucket_next = *at;
    *at = k;
    k->next = p->all;
    k->link = &p->all;
    if (k->next != NULL)
        k->next->link = &k->next;
    p->all = k;
    if (p->barred)
        return;
    enqueue(p, k);
    arm_work(s);
}

static void
unqueue(struct lcoap_places *p, struct lcoap_place *k)
{
    struct lcoap_place **at = &p->queue;
    while (*at != k)
        at = &(*at)->queue_next;
    *at = k->queue_next;
    if (p->queue_end == &k->queue_next)
        p->queue_end = at;
}

static void
remove_place(struct lcoap_places *p, struct lcoap_place *k)
{
    struct lcoap_place **at = bucket(p, k->thing);
    withdraw_base(k);
    if (k->state == QUEUED)
        unqueue(p, k);
    if (k->state == HERE) {
        p->nhere--;
        remove_later(p, &k->address);
    }
    while (*at != k)
        at = &(*at)->bucket_next;
    *at = k->bucket_next;
    *k->link = k->next;
    if (k->next != NULL)
        k->next->link = k->link;
    k->bucket_next = p->doomed;
    p->doomed = k;
    if (k->server->busy == 0)
        lcoap_places_bury(k->server);
}

void
lcoap_places_bury(struct lcoap_server *s)
{
    struct lcoap_places *p = s->places;
    while (p != NULL && p->doomed != NULL) {
        struct lcoap_place *k = p->doomed;
        p->doomed = k->bucket_next;
        close_place(k);
        free(k);
    }
}

void
lcoap_places_removed(void *self, const char *name)
{
    struct lcoap_server *s = self;
    struct lcoap_place *k = s->places != NULL ? find(s->places, name) : NULL;
    if (k == NULL)
        return;
    remove_place(s->places, k);
    arm_work(s);
}

void
lcoap_places_stop(struct lcoap_server *s)
{
    struct lcoap_places *p = s->places;
    if (p == NULL || s->loop == NULL)
        return;
    s->loop->timer(s->host, 0, on_work, s);
    s->loop->timer(s->host, 0, on_check, s);
    while (p->queue != NULL)
        dequeue(p);
    while (p->all != NULL)
        remove_place(p, p->all);
    while (p->ngone > 0)
        remove_some(p);
    free(p->gone);
    p->gone = NULL;
    p->gone_room = 0;
    forget_found(p);
    lcoap_addresses_close(&p->addresses);
}
