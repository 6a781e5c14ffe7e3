/* SPDX-License-Identifier: Apache-2.0
 *
 * Each stack's libcoap has an epoll set of its own, with its sockets and a timer descriptor. The
 * host's loop watches the hub's set, and one set of all things' sets. A turn hands the events to
 * libcoap. libcoap reads one datagram for each event and sets its timer once a turn, so an event is
 * handed over as many times as datagrams wait.
 *
 * Events of sessions (streams) come before those of listeners: a listener may make libcoap free the
 * session whose event stands behind.
 *
 * How many wait, and what they are, is seen by a look at the sockets (coap_fast: MSG_PEEK with
 * SO_PEEK_OFF, one system call for all of them), which also answers what can be answered at once.
 * That look also shows acknowledgements and resets of our notifications, which libcoap 4.3.1 tells
 * nobody. The sockets stand in /proc/self/fdinfo beside their epoll data. Where that can't be read,
 * the repeats follow the load by doubling, and acknowledgements are taken for granted after a
 * while. */
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_fast.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_observe.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_rest.h"
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_stack.h"
#include "plugins/coap/coap_places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STARVED (LCOAP_STARVED_MS * (LCOAP_SECOND / 1000))
enum {
    MAX_EVENTS = 16,
    MAX_THINGS = 16, /* stacks of things, in one turn */
    MAX_REPEATS = 8,
    RECEIVE_BYTES = 1 << 20,
    HOUSEKEEPING_S = 2
};

struct seen { /* a datagram that answers a message of ours */
    const struct lcoap_place *place;
    coap_address_t from;
    uint16_t mid;
    bool reset;
};

struct turn {
    struct epoll_event events[MAX_EVENTS * LCOAP_LOOK_MOST];
    struct seen seen[LCOAP_LOOK_MOST * LCOAP_MAX_LISTENERS];
    uint32_t nevents, nseen;
};

/* Notes acknowledgements and resets among the datagrams that libcoap is about to read. */
static void
note_seen(const struct lcoap_socket *socket, const struct lcoap_looked *looked, uint32_t n,
          struct turn *turn)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *h = looked[i].bytes;
        if (looked[i].n < 4 || h[0] >> 6 != 1 || (h[0] >> 4 & 2) == 0 || h[1] != 0 ||
            turn->nseen == sizeof turn->seen / sizeof turn->seen[0])
            continue;
        struct seen *e = &turn->seen[turn->nseen++];
        e->place = socket->place;
        e->from = looked[i].from;
        e->mid = (uint16_t)(h[2] << 8 | h[3]);
        e->reset = (h[0] >> 4 & 3) == COAP_MESSAGE_RST;
    }
}

static bool
is_listener(const struct lcoap_stack *k, const void *event)
{
    for (uint32_t i = 0; i < k->nsockets; i++)
        if (k->sockets[i].event == event)
            return true;
    return false;
}

static void
add_event(struct lcoap_stack *k, struct turn *turn, const struct epoll_event *e)
{
    const struct lcoap_socket *socket = NULL;
    const struct lcoap_looked *looked;
    uint32_t times = 1;
    for (uint32_t i = 0; i < k->nsockets; i++)
        if (k->sockets[i].event == e->data.ptr && (e->events & EPOLLIN) && k->sockets[i].datagrams)
            socket = &k->sockets[i];
    if (socket != NULL && k->sees_acks) {
        times = lcoap_fast_look(k->server->fast, k, socket, &looked);
        if (k->nnotes > 0)
            note_seen(socket, looked, times, turn);
    } else if (socket != NULL)
        times = k->repeats;
    for (uint32_t i = 0; i < times; i++)
        turn->events[turn->nevents++] = *e;
}

static void
tell_seen(const struct lcoap_stack *k, const struct turn *turn)
{
    for (uint32_t i = 0; i < turn->nseen; i++) {
        struct lcoap_exchange *x =
            lcoap_noted(k, turn->seen[i].place, &turn->seen[i].from, turn->seen[i].mid);
        if (x == NULL)
            continue;
        if (turn->seen[i].reset)
            lcoap_rejected(x);
        else if (x->in_flight)
            lcoap_acknowledged(x);
    }
}

/* Whether a socket has this option set, or as this number. */
static bool
has_option(int fd, int option, int value)
{
    int is = -1;
    socklen_t n = sizeof is;
    return getsockopt(fd, SOL_SOCKET, option, &is, &n) == 0 && is == value;
}

static FILE *
open_members(const struct lcoap_stack *k)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", k->epoll_fd);
    return fopen(path, "re");
}

/* The next member of libcoap's epoll set. False: there are no more. */
static bool
next_member(FILE *f, struct lcoap_socket *ret)
{
    char line[256];
    unsigned events;
    unsigned long long data;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "tfd: %d events: %x data: %llx", &ret->fd, &events, &data) != 3)
            continue;
        ret->event = (const void *)(uintptr_t)data; /* NULL: its timer */
        return true;
    }
    return false;
}

/* Streams that were accepted in this turn: those that are not closed on exec yet. */
static void
adopt_streams(struct lcoap_stack *k)
{
    struct lcoap_socket is;
    FILE *f = open_members(k);
    k->accepted = false;
    while (f != NULL && next_member(f, &is)) {
        if (is.event == NULL || (fcntl(is.fd, F_GETFD) & FD_CLOEXEC) ||
            !has_option(is.fd, SO_TYPE, SOCK_STREAM) || !has_option(is.fd, SO_ACCEPTCONN, 0))
            continue;
        fcntl(is.fd, F_SETFD, FD_CLOEXEC);
        lcoap_session_adopt(k, is.fd);
    }
    if (f != NULL)
        fclose(f);
}

static void on_hub(void *arg, int32_t fd, uint32_t ready);
static void on_things(void *arg, int32_t fd, uint32_t ready);
static void on_fed(void *arg);

/* An epoll set is never writable: who waits for that hears nothing, and needs no memory. */
static void
listen_for(struct lcoap_server *s, uint32_t events)
{
    if (s->hub->epoll_fd >= 0)
        (void)s->loop->watch(s->host, s->hub->epoll_fd, events, on_hub, s->hub);
    if (s->things_fd >= 0)
        (void)s->loop->watch(s->host, s->things_fd, events, on_things, s);
}

/* What waits in the sockets waits on, or is lost as on any network. Without a timer the loop comes
 * again at once. */
static void
starve(struct lcoap_server *s)
{
    if (s->starved ||
        s->loop->timer(s->host, s->host->now(s->host) + STARVED, on_fed, s) != LINTEL_OK)
        return;
    s->starved = true;
    listen_for(s, LINTEL_LOOP_WRITE);
}

static void
on_fed(void *arg)
{
    struct lcoap_server *s = arg;
    bool fed = lcoap_reserve_give(s);
    lcoap_reserve_take(s);
    s->starved = false;
    if (!fed)
        starve(s);
    if (!s->starved)
        listen_for(s, LINTEL_LOOP_READ);
}

/* Hands events to libcoap, as far as there is memory for what they may bring. */
static void
feed(struct lcoap_stack *k, struct turn *turn)
{
    struct lcoap_server *s = k->server;
    uint32_t most = s->reserve.bytes > LCOAP_RESERVE ? LCOAP_PORTION : turn->nevents, n;
    for (uint32_t i = 0; i < turn->nevents; i += n) {
        n = turn->nevents - i < most ? turn->nevents - i : most;
        bool fed = lcoap_reserve_give(s);
        if (fed)
            coap_io_do_epoll(k->context, &turn->events[i], n);
        lcoap_reserve_take(s);
        if (!fed) {
            turn->nevents = i;
            starve(s);
        }
    }
}

static void
take_turn(struct lcoap_stack *k)
{
    struct epoll_event events[MAX_EVENTS];
    struct turn turn;

    int n = epoll_wait(k->epoll_fd, events, MAX_EVENTS, 0);
    if (n <= 0)
        return;
    turn.nevents = turn.nseen = 0;
    for (int i = 0; i < n; i++)
        if (!is_listener(k, events[i].data.ptr))
            turn.events[turn.nevents++] = events[i];
    for (int i = 0; i < n; i++)
        if (is_listener(k, events[i].data.ptr))
            add_event(k, &turn, &events[i]);
    k->turning = true;
    k->served = 0;
    if (turn.nevents > 0) /* else the short way took all; libcoap's timer stands as it is */
        feed(k, &turn);
    k->turning = false;
    if (k->served >= k->repeats)
        k->repeats = k->repeats < MAX_REPEATS ? k->repeats * 2 : MAX_REPEATS;
    else
        k->repeats = 1;
    lcoap_dtls_wipe(k->server);
    (void)lcoap_reserve_give(k->server);
    /* Over DTLS acknowledgements can't be seen, but that libcoap waits for none. */
    if (k->nsecret > 0 && coap_can_exit(k->context))
        lcoap_secret_flights_landed(k);
    tell_seen(k, &turn);
    lcoap_rest_turn(k, turn.events, turn.nevents);
    if (k->accepted)
        adopt_streams(k);
    lcoap_sessions_turn(k);
    if (k->late)
        lcoap_notify_late(k);
    lcoap_reserve_take(k->server);
}

static void
on_hub(void *arg, int32_t fd, uint32_t ready)
{
    struct lcoap_stack *k = arg;
    struct lcoap_server *s = k->server;
    (void)fd, (void)ready;
    s->busy++;
    take_turn(k);
    if (--s->busy == 0)
        lcoap_places_bury(s);
}

/* Those that find no room wait for the next turn of the loop: the hub's sockets come between. */
static void
on_things(void *arg, int32_t fd, uint32_t ready)
{
    struct epoll_event events[MAX_THINGS];
    struct lcoap_server *s = arg;
    (void)ready;
    int n = epoll_wait(fd, events, MAX_THINGS, 0);
    s->busy++;
    for (int i = 0; i < n; i++)
        take_turn(events[i].data.ptr);
    if (--s->busy == 0)
        lcoap_places_bury(s);
}

/* Retransmissions set before this call are on libcoap's timer again after it. */
static void
on_sent(void *arg)
{
    struct lcoap_server *s = arg;
    coap_tick_t now;
    coap_ticks(&now);
    bool fed = lcoap_reserve_give(s);
    while (fed && s->unset != NULL) {
        struct lcoap_stack *k = s->unset;
        s->unset = k->unset_next;
        k->unset = false;
        lcoap_sessions_turn(k);
        coap_io_prepare_epoll(k->context, now);
    }
    lcoap_reserve_take(s);
    if (s->unset != NULL)
        s->loop->timer(s->host, s->host->now(s->host) + STARVED, on_sent, s);
}

void
lcoap_io_sent_confirmable(struct lcoap_stack *k)
{
    struct lcoap_server *s = k->server;
    if (k->turning || k->unset)
        return;
    /* Not at once: setting the timer also runs what is due, while the caller still holds an
     * exchange. */
    if (s->unset == NULL && s->loop->timer(s->host, s->host->now(s->host), on_sent, s) != LINTEL_OK)
        return; /* the next turn sets it */
    k->unset = true;
    k->unset_next = s->unset;
    s->unset = k;
}

static void
on_housekeeping(void *arg)
{
    struct lcoap_server *s = arg;
    lintel_mono now = s->host->now(s->host);
    s->housekeeping = false;
    (void)lcoap_reserve_give(s);
    lcoap_flights_expire(s, now);
    lcoap_replies_expire(s->replies, now);
    bool more = lcoap_sessions_expire(s, now);
    for (struct lcoap_stack *k = s->stacks; k != NULL; k = k->next) {
        if (!s->owes)
            lcoap_notify_unsent(k);
        if (k->late)
            lcoap_notify_late(k);
        more = more || k->late;
        for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next)
            lcoap_transfers_expire(p, now);
    }
    lcoap_reserve_take(s);
    if (more || s->nflights > 0 || s->transfer_bytes > 0 || lcoap_replies_count(s->replies) > 0)
        lcoap_io_housekeep(s);
}

void
lcoap_io_housekeep(struct lcoap_server *s)
{
    if (s->housekeeping)
        return;
    /* Without memory for a timer, the next thing to look after tries again. */
    s->housekeeping = s->loop->timer(s->host, s->host->now(s->host) + HOUSEKEEPING_S * LCOAP_SECOND,
                                     on_housekeeping, s) == LINTEL_OK;
}

static void
on_owed(void *arg)
{
    struct lcoap_server *s = arg;
    s->owes = false;
    (void)lcoap_reserve_give(s);
    for (struct lcoap_stack *k = s->stacks; k != NULL; k = k->next)
        lcoap_notify_unsent(k);
    lcoap_reserve_take(s);
}

void
lcoap_io_owe(struct lcoap_server *s)
{
    if (!s->owes)
        s->owes = s->loop->timer(s->host, s->host->now(s->host) + LCOAP_SECOND / 4, on_owed, s) ==
                  LINTEL_OK;
    if (!s->owes)
        lcoap_io_housekeep(s);
}

/* coap_nack_handler_t: a confirmable message was rejected, or never acknowledged. */
static void
on_nack(coap_session_t *session, const coap_pdu_t *sent, coap_nack_reason_t reason, coap_mid_t mid)
{
    struct lcoap_peer *peer = coap_session_get_app_data(session);
    const struct lcoap_stack *k = coap_get_app_data(coap_session_get_context(session));
    (void)sent, (void)reason;
    if (lcoap_client_nack(k->server->client, session, mid) || peer == NULL)
        return;
    struct lcoap_exchange *x =
        lcoap_noted(peer->stack, peer->place, coap_session_get_addr_remote(session), (uint16_t)mid);
    if (x != NULL && x->peer == peer)
        lcoap_rejected(x);
}

/* coap_event_handler_t */
static int
on_event(coap_session_t *session, coap_event_t event)
{
    struct lcoap_stack *k = coap_get_app_data(coap_session_get_context(session));
    struct lcoap_peer *peer = coap_session_get_app_data(session);

    /* It may be known already: the first message of TLS 1.3 asks for a key. */
    if (event == COAP_EVENT_SERVER_SESSION_NEW)
        lcoap_session_begin(k, session);
    if (event == COAP_EVENT_DTLS_CONNECTED && peer == NULL)
        (void)lcoap_peer_of(k, session); /* and nobody asked for an identity */
    /* It failed before anything was asked. Not so DTLS_CLOSED: libcoap tells that also while it
     * frees a session, after the peer was forgotten. */
    if (event == COAP_EVENT_DTLS_ERROR && peer == NULL &&
        (peer = lcoap_peer_of(k, session)) != NULL)
        lcoap_session_watch(peer);
    if (peer == NULL)
        return 0;
    switch (event) {
    case COAP_EVENT_DTLS_CONNECTED:
        if (!peer->stream)
            lcoap_session_ready(peer);
        break;
    case COAP_EVENT_SESSION_CONNECTED: lcoap_session_ready(peer); break;
    case COAP_EVENT_DTLS_CLOSED:
    case COAP_EVENT_DTLS_ERROR:
    case COAP_EVENT_TCP_CLOSED:
    case COAP_EVENT_TCP_FAILED:
    case COAP_EVENT_SESSION_CLOSED:
    case COAP_EVENT_SESSION_FAILED: lcoap_session_end(peer); break;
    case COAP_EVENT_SERVER_SESSION_DEL:
        if (peer->watched && peer->secure)
            lcoap_dtls_failed(peer);
        lcoap_peer_free(peer);
        break;
    default: break;
    }
    return 0;
}

/* libcoap's log is one for the whole process, and anybody's datagram can fill it. What matters is
 * said by who calls libcoap. */
static void
on_log(coap_log_t level, const char *message)
{
    (void)level, (void)message;
}

/* Room for one more. */
static struct lcoap_socket *
new_socket(struct lcoap_stack *k)
{
    struct lcoap_socket *more = realloc(k->sockets, (k->nsockets + 1) * sizeof *more);
    if (more == NULL)
        return NULL;
    k->sockets = more;
    memset(&more[k->nsockets], 0, sizeof *more);
    return &more[k->nsockets];
}

/* Looks for the listener's socket among the members of libcoap's epoll set: it is the new one. */
static struct lcoap_socket *
find_socket(struct lcoap_stack *k)
{
    struct lcoap_socket is, *socket = new_socket(k);
    FILE *f = socket != NULL ? open_members(k) : NULL;
    if (f == NULL)
        return NULL;
    while (next_member(f, &is)) {
        fcntl(is.fd, F_SETFD, FD_CLOEXEC); /* libcoap doesn't */
        if (is.event == NULL || socket->event != NULL || is_listener(k, is.event))
            continue; /* its timer, or another's */
        socket->event = is.event;
        socket->fd = is.fd;
    }
    fclose(f);
    return socket->event != NULL ? socket : NULL;
}

void
lcoap_io_mark_sockets(const struct lcoap_stack *k)
{
    struct lcoap_socket is;
    FILE *f = open_members(k);
    while (f != NULL && next_member(f, &is))
        fcntl(is.fd, F_SETFD, FD_CLOEXEC);
    if (f != NULL)
        fclose(f);
}

static bool
add_socket(struct lcoap_stack *k, const struct lcoap_listener *l)
{
    struct lcoap_socket *socket = k->server->fast != NULL ? find_socket(k) : NULL;
    bool datagrams = !lcoap_is_stream(l->protocol);
    if (socket == NULL ||
        (datagrams && setsockopt(socket->fd, SOL_SOCKET, SO_PEEK_OFF, &(int){0}, sizeof(int)) != 0))
        return false;
    socket->local = l->address;
    socket->place = l->place;
    socket->datagrams = datagrams;
    socket->plain = l->protocol == COAP_PROTO_UDP;
    k->nsockets++;
    /* A change with a thousand observers brings hundreds of acknowledgements at once. More than the
     * system's limit takes CAP_NET_ADMIN. */
    if (datagrams && !k->of_things &&
        setsockopt(socket->fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){RECEIVE_BYTES}, sizeof(int)) != 0)
        (void)setsockopt(socket->fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_BYTES}, sizeof(int));
    return true;
}

/* Acknowledgements are seen by a look at every socket that moves on by itself. */
void
lcoap_io_listens(struct lcoap_stack *k, const struct lcoap_listener *l)
{
    const lintel_host *h = k->server->host;
    if (add_socket(k, l))
        return;
    if (k->sees_acks && !k->of_things)
        h->log(
            h, LINTEL_LOG_WARN,
            "/proc/self/fdinfo can't be read: clients that reject notifications are noticed late");
    k->sees_acks = false;
}

void
lcoap_io_unlistens(struct lcoap_stack *k, const struct lcoap_place *place)
{
    for (uint32_t i = k->nsockets; i-- > 0;)
        if (k->sockets[i].place == place)
            k->sockets[i] = k->sockets[--k->nsockets];
}

void
lcoap_io_init(struct lcoap_server *s)
{
    s->things_fd = -1;
    s->fast = lcoap_fast_new(s);
    coap_set_log_handler(on_log);
    coap_set_log_level(LOG_EMERG); /* so that hardly anything is even formatted */
}

/* The set of things' sets is made with the first of them. */
static lintel_status
join_things(struct lcoap_stack *k)
{
    struct lcoap_server *s = k->server;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = k};
    if (s->things_fd < 0) {
        int fd = epoll_create1(EPOLL_CLOEXEC);
        if (fd < 0)
            return LINTEL_E_FAIL;
        lintel_status st = s->loop->watch(s->host, fd, LINTEL_LOOP_READ, on_things, s);
        if (st != LINTEL_OK) {
            close(fd);
            return st;
        }
        s->things_fd = fd;
    }
    return epoll_ctl(s->things_fd, EPOLL_CTL_ADD, k->epoll_fd, &e) == 0 ? LINTEL_OK : LINTEL_E_FAIL;
}

lintel_status
lcoap_io_join(struct lcoap_stack *k, char *err, size_t nerr)
{
    struct lcoap_server *s = k->server;
    int fd = coap_context_get_coap_fd(k->context);
    if (fd < 0) {
        snprintf(err, nerr, "this libcoap was built without epoll, which the hub's loop needs");
        return LINTEL_E_NOTSUP;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    k->epoll_fd = fd;
    k->sees_acks = true;
    k->repeats = 1;
    coap_register_nack_handler(k->context, on_nack);
    coap_register_event_handler(k->context, on_event);
    coap_register_response_handler(k->context, lcoap_client_response);
    lintel_status st =
        k->of_things ? join_things(k) : s->loop->watch(s->host, fd, LINTEL_LOOP_READ, on_hub, k);
    if (st != LINTEL_OK) {
        k->epoll_fd = -1;
        snprintf(err, nerr, "the host's loop refuses libcoap's descriptor");
    } else
        lcoap_io_sent_confirmable(k);
    return st;
}

void
lcoap_io_leave(struct lcoap_stack *k)
{
    struct lcoap_server *s = k->server;
    struct lcoap_stack **at = &s->unset;
    if (k->epoll_fd < 0)
        return;
    if (k->of_things)
        epoll_ctl(s->things_fd, EPOLL_CTL_DEL, k->epoll_fd, NULL);
    else
        s->loop->watch(s->host, k->epoll_fd, 0, NULL, NULL);
    k->epoll_fd = -1;
    while (k->unset && *at != k)
        at = &(*at)->unset_next;
    if (k->unset)
        *at = k->unset_next;
    k->unset = false;
    free(k->sockets);
    k->sockets = NULL;
    k->nsockets = 0;
}

void
lcoap_io_fini(struct lcoap_server *s)
{
    lcoap_fast_free(s->fast);
    s->fast = NULL;
    if (s->loop == NULL)
        return;
    s->loop->timer(s->host, 0, on_sent, s);
    s->loop->timer(s->host, 0, on_housekeeping, s);
    s->loop->timer(s->host, 0, on_fed, s);
    s->loop->timer(s->host, 0, on_owed, s);
    s->owes = false;
    lcoap_rest_fini(s);
    s->housekeeping = false;
    if (s->things_fd >= 0) {
        s->loop->watch(s->host, s->things_fd, 0, NULL, NULL);
        close(s->things_fd);
    }
    s->things_fd = -1;
}
