/* SPDX-License-Identifier: Apache-2.0
 *
 * libcoap has an epoll set of its own, with its sockets and a timer descriptor; the host's loop
 * watches the set. A turn hands the events to libcoap. libcoap reads one datagram for each event
 * and sets its timer once a turn, so an event is handed over as many times as datagrams wait.
 *
 * How many wait, and what they are, is seen by a look at the sockets (MSG_PEEK with SO_PEEK_OFF:
 * one system call for all of them). That look also shows acknowledgements and resets of our
 * notifications, which libcoap 4.3.1 tells nobody. The sockets stand in /proc/self/fdinfo beside
 * their epoll data. Where that can't be read, the repeats follow the load by doubling, and
 * acknowledgements are taken for granted after a while. */
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_observe.h"
#include "plugins/coap/coap_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    MAX_EVENTS = 16,
    MAX_LOOK = 32, /* datagrams of one socket in one turn */
    MAX_REPEATS = 8,
    HOUSEKEEPING_S = 2
};

struct seen { /* a datagram that answers a message of ours */
    coap_address_t from;
    uint16_t mid;
    bool reset;
};

struct turn {
    struct epoll_event events[MAX_EVENTS * MAX_LOOK];
    struct seen seen[MAX_LOOK * LCOAP_MAX_LISTENERS];
    uint32_t nevents, nseen;
};

/* Looks at the datagrams that wait. Returns how many, at least 1. */
static uint32_t
look(struct lcoap_server *s, int fd, struct turn *turn)
{
    struct mmsghdr messages[MAX_LOOK];
    struct iovec parts[MAX_LOOK];
    union {
        struct sockaddr sa;
        struct sockaddr_in sin;
        struct sockaddr_in6 sin6;
    } from[MAX_LOOK];
    uint8_t heads[MAX_LOOK][4];
    bool wanted = s->nnotes > 0;

    for (uint32_t i = 0; i < MAX_LOOK; i++) {
        parts[i] = (struct iovec){heads[i], sizeof heads[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        if (wanted) {
            messages[i].msg_hdr.msg_name = &from[i];
            messages[i].msg_hdr.msg_namelen = sizeof from[i];
        }
    }
    /* From the first on: reading a datagram that is longer than libcoap's buffer moves the offset
     * back by less than looking at it moved it on. MSG_TRUNC makes it pass whole datagrams, of
     * which four bytes are copied. */
    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){0}, sizeof(int));
    int n = recvmmsg(fd, messages, MAX_LOOK, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, NULL);
    for (int i = 0; wanted && i < n; i++) {
        const uint8_t *h = heads[i];
        if (messages[i].msg_len < 4 || h[0] >> 6 != 1 || (h[0] >> 4 & 2) == 0 || h[1] != 0 ||
            turn->nseen == sizeof turn->seen / sizeof turn->seen[0])
            continue;
        struct seen *e = &turn->seen[turn->nseen++];
        coap_address_init(&e->from);
        memcpy(&e->from.addr, &from[i], sizeof e->from.addr);
        e->from.size = messages[i].msg_hdr.msg_namelen;
        e->mid = (uint16_t)(h[2] << 8 | h[3]);
        e->reset = (h[0] >> 4 & 3) == COAP_MESSAGE_RST;
    }
    return n > 0 ? (uint32_t)n : 1;
}

static void
add_event(struct lcoap_server *s, struct turn *turn, const struct epoll_event *e)
{
    uint32_t times = 1;
    for (uint32_t i = 0; i < s->nsockets; i++)
        if (s->sockets[i].event == e->data.ptr && (e->events & EPOLLIN))
            times = s->sees_acks ? look(s, s->sockets[i].fd, turn) : s->repeats;
    for (uint32_t i = 0; i < times; i++)
        turn->events[turn->nevents++] = *e;
}

static void
tell_seen(struct lcoap_server *s, const struct turn *turn)
{
    for (uint32_t i = 0; i < turn->nseen; i++) {
        struct lcoap_exchange *x = lcoap_noted(s, &turn->seen[i].from, turn->seen[i].mid);
        if (x == NULL)
            continue;
        if (turn->seen[i].reset)
            lcoap_rejected(x);
        else if (x->in_flight)
            lcoap_acknowledged(x);
    }
}

static void
on_ready(void *arg, int32_t fd, uint32_t ready)
{
    struct lcoap_server *s = arg;
    struct epoll_event events[MAX_EVENTS];
    struct turn turn;
    (void)ready;

    int n = epoll_wait(fd, events, MAX_EVENTS, 0);
    if (n <= 0)
        return;
    turn.nevents = turn.nseen = 0;
    for (int i = 0; i < n; i++)
        add_event(s, &turn, &events[i]);
    s->turning = true;
    s->served = 0;
    coap_io_do_epoll(s->context, turn.events, turn.nevents);
    s->turning = false;
    if (s->served >= s->repeats)
        s->repeats = s->repeats < MAX_REPEATS ? s->repeats * 2 : MAX_REPEATS;
    else
        s->repeats = 1;
    tell_seen(s, &turn);
    if (s->late)
        lcoap_notify_late(s);
}

/* Retransmissions set before this call are on libcoap's timer again after it. */
static void
on_sent(void *arg)
{
    struct lcoap_server *s = arg;
    coap_tick_t now;
    coap_ticks(&now);
    coap_io_prepare_epoll(s->context, now);
}

void
lcoap_io_sent_confirmable(struct lcoap_server *s)
{
    /* Not at once: setting the timer also runs what is due, while the caller still holds an
     * exchange. */
    if (!s->turning)
        s->loop->timer(s->host, s->host->now(s->host), on_sent, s);
}

static void
on_housekeeping(void *arg)
{
    struct lcoap_server *s = arg;
    lintel_mono now = s->host->now(s->host);
    s->housekeeping = false;
    lcoap_flights_expire(s, now);
    lcoap_replies_expire(s->replies, now);
    for (struct lcoap_peer *p = s->peers; p != NULL; p = p->next)
        lcoap_transfers_expire(p, now);
    if (s->nflights > 0 || s->transfer_bytes > 0 || lcoap_replies_count(s->replies) > 0)
        lcoap_io_housekeep(s);
}

void
lcoap_io_housekeep(struct lcoap_server *s)
{
    if (s->housekeeping)
        return;
    s->housekeeping = true;
    s->loop->timer(s->host, s->host->now(s->host) + HOUSEKEEPING_S * LCOAP_SECOND, on_housekeeping,
                   s);
}

/* coap_nack_handler_t: a confirmable message was rejected, or never acknowledged. */
static void
on_nack(coap_session_t *session, const coap_pdu_t *sent, coap_nack_reason_t reason, coap_mid_t mid)
{
    struct lcoap_peer *peer = coap_session_get_app_data(session);
    (void)sent, (void)reason;
    if (peer == NULL)
        return;
    struct lcoap_exchange *x =
        lcoap_noted(peer->server, coap_session_get_addr_remote(session), (uint16_t)mid);
    if (x != NULL && x->peer == peer)
        lcoap_rejected(x);
}

/* coap_event_handler_t */
static int
on_event(coap_session_t *session, coap_event_t event)
{
    struct lcoap_peer *peer = coap_session_get_app_data(session);
    if (event == COAP_EVENT_SERVER_SESSION_DEL && peer != NULL)
        lcoap_peer_free(peer);
    return 0;
}

/* libcoap's log is one for the whole process, and anybody's datagram can fill it. What matters is
 * said by who calls libcoap. */
static void
on_log(coap_log_t level, const char *message)
{
    (void)level, (void)message;
}

/* Reads the members of libcoap's epoll set. Returns 0 if all sockets are known. */
static int
find_sockets(struct lcoap_server *s)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", s->epoll_fd);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return -1;
    while (fgets(line, sizeof line, f) != NULL) {
        int fd;
        unsigned events;
        unsigned long long data;
        if (sscanf(line, "tfd: %d events: %x data: %llx", &fd, &events, &data) != 3)
            continue;
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* libcoap doesn't */
        if (data == 0 || s->nsockets == LCOAP_MAX_LISTENERS)
            continue; /* its timer */
        s->sockets[s->nsockets++] = (struct lcoap_socket){(const void *)(uintptr_t)data, fd};
    }
    fclose(f);
    return s->nsockets == s->nlisteners ? 0 : -1;
}

/* Whether acknowledgements can be seen: by a look at every socket that moves on by itself. */
static bool
can_look(struct lcoap_server *s)
{
    int zero = 0;
    bool ok = find_sockets(s) == 0;
    for (uint32_t i = 0; ok && i < s->nsockets; i++)
        ok = setsockopt(s->sockets[i].fd, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero) == 0;
    return ok;
}

lintel_status
lcoap_io_start(struct lcoap_server *s, char *err, size_t nerr)
{
    coap_set_log_handler(on_log);
    coap_set_log_level(LOG_EMERG); /* so that hardly anything is even formatted */
    s->epoll_fd = coap_context_get_coap_fd(s->context);
    if (s->epoll_fd < 0) {
        snprintf(err, nerr, "this libcoap was built without epoll, which the hub's loop needs");
        return LINTEL_E_NOTSUP;
    }
    fcntl(s->epoll_fd, F_SETFD, FD_CLOEXEC);
    s->sees_acks = can_look(s);
    s->repeats = 1;
    if (!s->sees_acks)
        s->host->log(
            s->host, LINTEL_LOG_WARN,
            "/proc/self/fdinfo can't be read: clients that reject notifications are noticed late");
    coap_register_nack_handler(s->context, on_nack);
    coap_register_event_handler(s->context, on_event);
    lintel_status st = s->loop->watch(s->host, s->epoll_fd, LINTEL_LOOP_READ, on_ready, s);
    if (st != LINTEL_OK)
        snprintf(err, nerr, "the host's loop refuses libcoap's descriptor");
    else
        on_sent(s);
    return st;
}

void
lcoap_io_stop(struct lcoap_server *s)
{
    s->loop->watch(s->host, s->epoll_fd, 0, NULL, NULL);
    s->loop->timer(s->host, 0, on_sent, s);
    s->loop->timer(s->host, 0, on_housekeeping, s);
    s->housekeeping = false;
    s->nsockets = 0;
}
