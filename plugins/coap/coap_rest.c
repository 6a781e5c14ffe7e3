/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_rest.h"

#include <poll.h>
#include <sys/epoll.h>

#define REST (LCOAP_SECOND / 5)

/* It stays a member of libcoap's set, which libcoap takes it from when it closes it. */
static void
look(struct lcoap_stack *k, struct lcoap_socket *socket, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = (void *)(uintptr_t)socket->event};
    socket->resting = epoll_ctl(k->epoll_fd, EPOLL_CTL_MOD, socket->fd, &e) == 0 && events == 0;
}

static void
rest_is_over(void *arg)
{
    struct lcoap_server *s = arg;
    for (struct lcoap_stack *k = s->stacks; k != NULL; k = k->next)
        for (uint32_t i = 0; i < k->nsockets; i++)
            if (k->sockets[i].resting)
                look(k, &k->sockets[i], EPOLLIN);
}

static bool
is_among(const struct lcoap_socket *socket, const struct epoll_event *events, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (events[i].data.ptr == socket->event)
            return true;
    return false;
}

static bool
somebody_waits(const struct lcoap_socket *socket)
{
    struct pollfd p = {.fd = socket->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

void
lcoap_rest_turn(struct lcoap_stack *k, const struct epoll_event *events, uint32_t n)
{
    struct lcoap_server *s = k->server;
    const lintel_host *h = s->host;
    if (k->accepted)
        s->turns_away = false;
    for (uint32_t i = 0; i < k->nsockets && !k->accepted; i++) {
        struct lcoap_socket *socket = &k->sockets[i];
        if (socket->datagrams || !is_among(socket, events, n) || !somebody_waits(socket) ||
            s->loop->timer(h, h->now(h) + REST, rest_is_over, s) != LINTEL_OK)
            continue;
        look(k, socket, 0);
        if (!s->turns_away)
            h->log(h, LINTEL_LOG_WARN,
                   "new clients over TCP wait: none can be accepted, for want of descriptors "
                   "(raise the limit, LimitNOFILE= of the unit) or memory; those that are "
                   "connected are served");
        s->turns_away = true;
    }
}

void
lcoap_rest_fini(struct lcoap_server *s)
{
    s->loop->timer(s->host, 0, rest_is_over, s);
}
