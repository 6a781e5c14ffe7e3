/* SPDX-License-Identifier: Apache-2.0
 * Frames over TCP. Not through libmodbus, whose raw requests all bear the transaction id 0, which
 * does not compare units, and which aborts the process when select() meets a descriptor above 1023.
 * What came of a frame is kept when its time is over, so that the stream stays in step. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "modbus_link.h"

struct mb_wire {
    const lintel_host *host;
    const struct mb_conf *conf;
    int fd;            /* -1: closed */
    size_t have, used; /* bytes in `in`; of them, in the frame that was handed out last */
    uint8_t in[4 * MB_ADU_MOST];
};

static struct mb_wire *
tcp_make(const lintel_host *h, const struct mb_conf *c)
{
    struct mb_wire *w = calloc(1, sizeof *w);
    if (w != NULL)
        *w = (struct mb_wire){.host = h, .conf = c, .fd = -1};
    return w;
}

static void
tcp_close(struct mb_wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->have = w->used = 0;
}

static void
tcp_drop(struct mb_wire *w)
{
    tcp_close(w);
    free(w);
}

/* Waits until fd is ready; 0 when the deadline came first. */
static int
wait_ready(const struct mb_wire *w, int fd, short events, lintel_mono deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        lintel_mono left = deadline - w->host->now(w->host);
        if (left <= 0)
            return 0;
        struct timespec t = {left / 1000000000, left % 1000000000};
        int n = ppoll(&p, 1, &t, NULL);
        if (n == 0)
            return 0;
        if (n > 0 || errno != EINTR)
            return 1; /* an error shows at the next call */
    }
}

/* A connected socket, or -1 with errno. */
static int
dial(const struct mb_wire *w, const struct addrinfo *a, lintel_mono deadline)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int error = 0, on = 1;
    socklen_t length = sizeof error;
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        error = errno;
        if (error == EINPROGRESS && !wait_ready(w, fd, POLLOUT, deadline))
            error = ETIMEDOUT;
        else if (error == EINPROGRESS && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
            error = errno;
    }
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
}

static lintel_status
tcp_open(struct mb_wire *w, lintel_mono deadline, char *why)
{
    char port[12];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    snprintf(port, sizeof port, "%d", w->conf->port);
    int error = getaddrinfo(w->conf->host, port, &hints, &found);
    if (error != 0) {
        mb_say(why, "%.80s: %s", w->conf->host, gai_strerror(error));
        return LINTEL_E_LINK;
    }
    uint32_t left = 0;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next)
        left++;
    /* Each address gets its share of the time. */
    for (const struct addrinfo *a = found; a != NULL && w->fd < 0; a = a->ai_next, left--) {
        lintel_mono t = w->host->now(w->host);
        w->fd = dial(w, a, t + (deadline - t) / left);
    }
    if (w->fd < 0)
        mb_say(why, "no connection to %.80s port %d: %s", w->conf->host, w->conf->port,
               strerror(errno));
    freeaddrinfo(found);
    return w->fd >= 0 ? LINTEL_OK : LINTEL_E_LINK;
}

static lintel_status
tcp_send(struct mb_wire *w, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n,
         lintel_mono deadline, char *why)
{
    uint8_t frame[MB_ADU_MOST];
    mb_mbap_write(frame, transaction, unit, n);
    memcpy(frame + MB_MBAP, pdu, n);
    for (size_t sent = 0; sent < MB_MBAP + n;) {
        ssize_t got = send(w->fd, frame + sent, MB_MBAP + n - sent, MSG_NOSIGNAL);
        if (got >= 0) {
            sent += (size_t)got;
        } else if (errno == EAGAIN && !wait_ready(w, w->fd, POLLOUT, deadline)) {
            mb_say(why, "%.80s port %d takes no data", w->conf->host, w->conf->port);
            return LINTEL_E_LINK;
        } else if (errno != EAGAIN && errno != EINTR) {
            mb_say(why, "sending to %.80s port %d: %s", w->conf->host, w->conf->port,
                   strerror(errno));
            return LINTEL_E_LINK;
        }
    }
    return LINTEL_OK;
}

/* Takes what has come. 1: something; 0: nothing; -1: the connection is gone. */
static int
take(struct mb_wire *w, char *why)
{
    for (;;) {
        ssize_t n = recv(w->fd, w->in + w->have, sizeof w->in - w->have, MSG_DONTWAIT);
        if (n > 0) {
            w->have += (size_t)n;
            return 1;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        mb_say(why, "%.80s port %d closed the connection%s%s", w->conf->host, w->conf->port,
               n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
        return -1;
    }
}

/* The next whole frame of `in`: 1, 0 if there is none, -1 if the stream is out of step. */
static int
next_frame(struct mb_wire *w, struct mb_frame *ret, char *why)
{
    struct mb_mbap head;
    memmove(w->in, w->in + w->used, w->have - w->used);
    w->have -= w->used;
    w->used = 0;
    int n = mb_mbap_read(w->in, w->have, &head);
    if (n < 0)
        mb_say(why, "what %.80s port %d sends is not Modbus", w->conf->host, w->conf->port);
    if (n <= 0)
        return n;
    w->used = (size_t)n;
    *ret = (struct mb_frame){head.transaction, head.unit, w->in + MB_MBAP, head.npdu};
    return 1;
}

static lintel_status
tcp_settle(struct mb_wire *w, char *why)
{
    struct mb_frame stale;
    for (int got = 1; got > 0;) {
        int n;
        while ((n = next_frame(w, &stale, why)) > 0)
            ;
        if (n < 0)
            return LINTEL_E_LINK;
        got = take(w, why);
        if (got < 0)
            return LINTEL_E_LINK;
    }
    return LINTEL_OK;
}

static lintel_status
tcp_receive(struct mb_wire *w, uint8_t unit, lintel_mono deadline, struct mb_frame *ret, char *why)
{
    (void)unit;
    for (;;) {
        int n = next_frame(w, ret, why);
        if (n != 0)
            return n > 0 ? LINTEL_OK : LINTEL_E_LINK;
        if (!wait_ready(w, w->fd, POLLIN, deadline)) {
            if (w->have == 0)
                return LINTEL_E_TIMEOUT;
            mb_say(why, "only a part of an answer came (%zu bytes)", w->have);
            return LINTEL_E_FAIL;
        }
        if (take(w, why) < 0)
            return LINTEL_E_LINK;
    }
}

const struct mb_wire_ops mb_tcp = {tcp_make,   tcp_drop, tcp_open,   tcp_close,
                                   tcp_settle, tcp_send, tcp_receive};
