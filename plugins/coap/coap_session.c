/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

void
lcoap_session_begin(struct lcoap_stack *k, coap_session_t *session)
{
    struct lcoap_server *s = k->server;
    if (!lcoap_is_stream(coap_session_get_proto(session)))
        return;
    struct lcoap_peer *p = lcoap_peer_of(k, session);
    if (p == NULL)
        return; /* libcoap's own limits stand */
    k->accepted = true;
    p->counted = true;
    s->nstreams++;
    lcoap_session_watch(p);
    if (s->nstreams > s->hub->max_sessions)
        lcoap_session_end(p);
}

void
lcoap_session_watch(struct lcoap_peer *p)
{
    struct lcoap_server *s = p->server;
    if (p->since != 0)
        return;
    p->since = p->heard = s->host->now(s->host);
    p->watched = true;
    s->nhandshakes++;
    lcoap_io_housekeep(s);
}

void
lcoap_session_ready(struct lcoap_peer *p)
{
    if (p->watched)
        p->server->nhandshakes--;
    p->watched = false;
}

void
lcoap_session_end(struct lcoap_peer *p)
{
    p->gone = true;
    p->stack->lost = true;
    if (!p->stack->turning)
        lcoap_io_sent_confirmable(p->stack);
}

void
lcoap_session_forget(struct lcoap_peer *p)
{
    lcoap_session_ready(p);
    if (p->counted)
        p->server->nstreams--;
    p->counted = false;
}

static void
end_now(struct lcoap_peer *p)
{
    struct lcoap_stack *k = p->stack;
    coap_session_t *session = p->session;
    if (p->watched && p->secure)
        lcoap_dtls_failed(p);
    coap_session_reference(session);
    if (coap_session_get_state(session) != COAP_SESSION_STATE_NONE)
        coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE);
    lcoap_peer_free(p); /* last: libcoap tells of the end, to a peer that is known */
    coap_session_release(session);
    lcoap_io_sent_confirmable(k); /* libcoap then frees the session */
}

/* A session of UDP that was disconnected is as new. Not while something of ours may be under way in
 * it, which would be lost. */
static void
set_free(struct lcoap_peer *p)
{
    p->stuck = p->nflights > 0;
    if (p->stuck)
        p->stack->lost = true; /* it is looked at again after each turn */
    else
        coap_session_disconnected(p->session, COAP_NACK_NOT_DELIVERABLE);
}

coap_mid_t
lcoap_session_send(coap_session_t *session, coap_pdu_t *pdu)
{
    bool confirmable = coap_pdu_get_type(pdu) == COAP_MESSAGE_CON;
    struct lcoap_peer *p = coap_session_get_app_data(session);
    coap_mid_t mid = coap_send(session, pdu);
    if (mid != COAP_INVALID_MID || !confirmable || p == NULL || p->stream)
        return mid;
    if (p->secure)
        lcoap_session_end(p);
    else
        set_free(p);
    return mid;
}

/* libcoap tells not of each handshake that has succeeded. */
static void
look_whether_ready(struct lcoap_peer *p)
{
    if (p->watched && coap_session_get_state(p->session) == COAP_SESSION_STATE_ESTABLISHED)
        lcoap_session_ready(p);
}

void
lcoap_sessions_turn(struct lcoap_stack *k)
{
    struct lcoap_server *s = k->server;
    if (!k->lost && s->nhandshakes <= s->max_handshakes)
        return;
    k->lost = false;
    struct lcoap_peer *oldest = NULL;
    for (struct lcoap_peer *p = k->peers, *next; p != NULL; p = next) {
        next = p->next;
        look_whether_ready(p);
        if (p->gone)
            end_now(p);
        else if (p->stuck)
            set_free(p);
    }
    while (s->nhandshakes > s->max_handshakes) {
        oldest = NULL;
        for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next)
            if (p->watched)
                oldest = p; /* new ones stand first */
        if (oldest == NULL)
            break; /* those of another stack */
        end_now(oldest);
    }
}

static bool
is_over(const struct lcoap_peer *p, lintel_mono now)
{
    if (p->watched)
        return now - p->since >= LCOAP_HANDSHAKE_S * LCOAP_SECOND;
    return p->stream && p->open == NULL && p->observations == NULL &&
           now - p->heard >= LCOAP_IDLE_S * LCOAP_SECOND;
}

bool
lcoap_sessions_expire(struct lcoap_server *s, lintel_mono now)
{
    bool more = false;
    for (struct lcoap_stack *k = s->stacks; k != NULL; k = k->next) {
        for (struct lcoap_peer *p = k->peers, *next; p != NULL; p = next) {
            next = p->next;
            look_whether_ready(p);
            if (is_over(p, now))
                end_now(p);
            else
                more = more || p->watched || p->stream;
        }
    }
    return more;
}

static bool
is_writable(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLOUT};
    return poll(&f, 1, 0) == 1 && (f.revents & POLLOUT) != 0;
}

bool
lcoap_session_takes(struct lcoap_peer *p, size_t n)
{
    if (!p->stream)
        return true;
    p->unread += n;
    if (p->unread <= LCOAP_UNREAD)
        return true;
    /* Without a descriptor it can't be known. While the kernel takes bytes, libcoap keeps none. */
    if (p->fd < 0 || is_writable(p->fd)) {
        p->unread = n;
        return true;
    }
    if (p->unread > 2 * LCOAP_UNREAD + p->server->max_body)
        lcoap_session_end(p);
    return false;
}

static bool
is_of(const struct lcoap_peer *p, const coap_address_t *local, const coap_address_t *remote)
{
    return p->stream && p->fd < 0 &&
           coap_address_equals(coap_session_get_addr_remote(p->session), remote) &&
           coap_address_equals(coap_session_get_addr_local(p->session), local);
}

static bool
name_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *), coap_address_t *ret)
{
    coap_address_init(ret);
    socklen_t n = sizeof ret->addr;
    if (name(fd, &ret->addr.sa, &n) != 0)
        return false;
    ret->size = n;
    return true;
}

void
lcoap_session_adopt(struct lcoap_stack *k, int fd)
{
    const int on = 1, idle = LCOAP_KEEPALIVE_S, probes = 3, limit = 2 * LCOAP_KEEPALIVE_S * 1000;
    coap_address_t local, remote;
    if (!name_of(fd, getsockname, &local) || !name_of(fd, getpeername, &remote))
        return;
    /* An observer that was switched off says nothing; the kernel finds out. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next)
        if (is_of(p, &local, &remote)) {
            p->fd = fd;
            return;
        }
}
