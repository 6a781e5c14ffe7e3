/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_testwire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEPS_MOST = 32 };
struct peer {
    pthread_t thread;
    int listener, connection, control[2];
    int port;
    struct peer_step steps[STEPS_MOST];
    unsigned nsteps, at;
    uint8_t tid_before[2];
    pthread_mutex_t lock; /* of all below */
    unsigned connections, requests, nlast;
    uint8_t last[253];
    char log[8192], shown[8192];
};

static unsigned
get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static size_t
good(const uint8_t *request, int marked, uint8_t *answer)
{
    unsigned address = get16(request + 1), count = get16(request + 3);
    answer[0] = request[0];
    if (request[0] > 4) {
        memcpy(answer + 1, request + 1, 4);
        return 5;
    }
    int bits = request[0] <= 2;
    answer[1] = (uint8_t)(bits ? (count + 7) / 8 : 2 * count);
    memset(answer + 2, 0, answer[1]);
    for (unsigned i = 0; i < count; i++) {
        unsigned v = marked ? 0xeeee : address + i;
        if (bits) {
            answer[2 + i / 8] |= (uint8_t)(((address + i) & 1) << i % 8);
        } else {
            answer[2 + 2 * i] = (uint8_t)(v >> 8);
            answer[3 + 2 * i] = (uint8_t)v;
        }
    }
    return 2u + answer[1];
}

static size_t
frame_of(const uint8_t *head, unsigned tid, unsigned unit, const uint8_t *pdu, size_t n,
         uint8_t *out)
{
    memcpy(out, head, 7);
    out[0] = (uint8_t)(tid >> 8);
    out[1] = (uint8_t)tid;
    out[4] = 0;
    out[5] = (uint8_t)(n + 1);
    out[6] = (uint8_t)unit;
    memcpy(out + 7, pdu, n);
    return n + 7;
}

static void
put(struct peer *p, const uint8_t *frame, size_t n)
{
    ssize_t sent = send(p->connection, frame, n, MSG_NOSIGNAL);
    (void)sent;
}

static void
hang_up(struct peer *p)
{
    if (p->connection >= 0)
        close(p->connection);
    p->connection = -1;
}

static void
record(struct peer *p, const uint8_t *pdu, size_t n)
{
    pthread_mutex_lock(&p->lock);
    size_t had = strlen(p->log);
    p->requests++;
    p->nlast = (unsigned)n;
    memcpy(p->last, pdu, n);
    snprintf(p->log + had, sizeof p->log - had, "%s%u:%u+%u", had ? " " : "", pdu[0],
             get16(pdu + 1), pdu[0] == 5 || pdu[0] == 6 ? 1 : get16(pdu + 3));
    pthread_mutex_unlock(&p->lock);
}

static void
answer(struct peer *p, const uint8_t *head, const uint8_t *request, size_t n)
{
    uint8_t pdu[253], frame[260];
    struct peer_step step = p->nsteps == 0 ? (struct peer_step){PEER_GOOD, 0} : p->steps[p->at];
    unsigned tid = get16(head), unit = head[6], first = get16(request + 1),
             count = get16(request + 3);
    int marked = step.act == PEER_TID, exception = 0;
    record(p, request, n);
    if (p->at + 1 < p->nsteps)
        p->at++;
    if (step.act == PEER_LATE)
        put(p, frame,
            frame_of(head, get16(p->tid_before), unit, pdu, good(request, 1, pdu), frame));
    memcpy(p->tid_before, head, 2);
    if (step.act == PEER_REFUSE && first <= (unsigned)step.arg &&
        first + count > (unsigned)step.arg)
        exception = 2;
    if (step.act == PEER_FAIL && count > (unsigned)step.arg)
        exception = 4;
    if (step.act == PEER_EXCEPTION)
        exception = step.arg;
    size_t m = good(request, marked, pdu);
    if (exception != 0) {
        pdu[0] = request[0] | 0x80;
        pdu[1] = (uint8_t)exception;
        m = 2;
    }
    if (step.act == PEER_OTHER)
        pdu[0] = request[0] == 3 ? 4 : 3;
    m = frame_of(head, step.act == PEER_TID ? tid + (unsigned)step.arg : tid,
                 step.act == PEER_UNIT ? (unsigned)step.arg : unit, pdu, m, frame);
    switch (step.act) {
    case PEER_SILENT: break;
    case PEER_CUT: put(p, frame, (size_t)step.arg); break;
    case PEER_CUT_CLOSE:
        put(p, frame, (size_t)step.arg);
        hang_up(p);
        break;
    case PEER_DRIBBLE:
        for (size_t i = 0; i < m; i++)
            put(p, frame + i, 1);
        break;
    case PEER_GARBAGE: put(p, (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n", 26); break;
    default: put(p, frame, m); break;
    }
}

/* One request, whole; 0 at the end of the connection. */
static int
serve(struct peer *p)
{
    uint8_t head[7], pdu[253];
    if (recv(p->connection, head, 7, MSG_WAITALL) != 7)
        return 0;
    size_t n = get16(head + 4) - 1;
    if (n < 5 || n > sizeof pdu || recv(p->connection, pdu, n, MSG_WAITALL) != (ssize_t)n)
        return 0;
    answer(p, head, pdu, n);
    return 1;
}

static void *
run(void *arg)
{
    struct peer *p = arg;
    for (;;) {
        struct pollfd fds[3] = {{.fd = p->control[1], .events = POLLIN},
                                {.fd = p->listener, .events = POLLIN},
                                {.fd = p->connection, .events = POLLIN}};
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[0].revents != 0) {
            char c;
            if (read(p->control[1], &c, 1) != 1)
                return NULL;
            hang_up(p);
            ssize_t sent = write(p->control[1], &c, 1);
            (void)sent;
            continue;
        }
        if (fds[1].revents != 0) {
            int on = 1;
            hang_up(p);
            p->connection = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
            setsockopt(p->connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            pthread_mutex_lock(&p->lock);
            p->connections++;
            pthread_mutex_unlock(&p->lock);
        } else if (fds[2].revents != 0 && !serve(p)) {
            hang_up(p);
        }
    }
}

struct peer *
peer_start(const struct peer_step *steps, unsigned n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    struct peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    if (n > STEPS_MOST)
        abort();
    if (n > 0)
        memcpy(p->steps, steps, n * sizeof *steps);
    p->nsteps = n;
    p->connection = -1;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_mutex_init(&p->lock, NULL);
    if (bind(p->listener, (struct sockaddr *)&a, size) != 0 || listen(p->listener, 8) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&a, &size) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->control) != 0 ||
        pthread_create(&p->thread, NULL, run, p) != 0)
        abort();
    p->port = ntohs(a.sin_port);
    return p;
}

void
peer_stop(struct peer *p)
{
    close(p->control[0]);
    pthread_join(p->thread, NULL);
    hang_up(p);
    close(p->control[1]);
    close(p->listener);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void
peer_hang_up(struct peer *p)
{
    char c = 'h';
    if (write(p->control[0], &c, 1) != 1 || read(p->control[0], &c, 1) != 1)
        abort();
}

int
peer_port(const struct peer *p)
{
    return p->port;
}

unsigned
peer_connections(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned n = p->connections;
    pthread_mutex_unlock(&p->lock);
    return n;
}

unsigned
peer_requests(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned n = p->requests;
    pthread_mutex_unlock(&p->lock);
    return n;
}

const char *
peer_log(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    memcpy(p->shown, p->log, sizeof p->shown);
    pthread_mutex_unlock(&p->lock);
    return p->shown;
}

void
peer_forget(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->log[0] = '\0';
    p->requests = 0;
    pthread_mutex_unlock(&p->lock);
}

unsigned
peer_last(struct peer *p, uint8_t pdu[253])
{
    pthread_mutex_lock(&p->lock);
    unsigned n = p->nlast;
    memcpy(pdu, p->last, n);
    pthread_mutex_unlock(&p->lock);
    return n;
}
