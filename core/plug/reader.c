/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/reader.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/plug/wire.h"

enum { LOOK_EVERY = 1000, LOOK_SOON = 10 }; /* ms: whether the guest still reads */

/* Reads once. Bytes, 0 at the end, -1 on an error or without memory, -2: nothing is there. */
static ssize_t
read_once(struct lintel_reader *r)
{
    size_t room = 0;
    ssize_t n;
    unsigned char *p = lintel_splitter_space(&r->in, &room);
    if (p == NULL) {
        r->starved = 1;
        return -1;
    }
    do
        n = recv(r->fd, p, room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : n;
}

/* ---- the guest: on its instance's thread ----------------------------------------------------- */

/* With the lock held. */
static void
kick(struct lintel_reader *r)
{
    r->who = LINTEL_READS_MAIN;
    eventfd_write(r->kick, 1); /* can't fail: the counter is far from full */
}

/* Requests and news of points are the instance's; about its life the main thread decides. */
static int
on_guest_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct lintel_guest *g = ctx;
    uint32_t number;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek(data, n, &number, &kind) != 0 || number != g->number ||
        kind == LINTEL_WIRE_OPEN || kind == LINTEL_WIRE_CLOSE) {
        g->reader->left = 1;
        return LINTEL_SPLITTER_LATER;
    }
    int ret = lintel_worker_take(g->worker, data, n);
    g->reader->starved |= ret != 0;
    return ret;
}

static void
on_readable(void *arg, int fd, uint32_t ready)
{
    struct lintel_guest *g = arg;
    struct lintel_reader *r = g->reader;
    int mine;
    (void)fd;
    (void)ready;
    pthread_mutex_lock(&r->lock);
    if (r->who == LINTEL_READS_GUEST) {
        ssize_t n = read_once(r);
        r->turns++;
        if (n > 0 && lintel_splitter_take(&r->in, (size_t)n, on_guest_frame, g) != NULL)
            r->failed = 1;
        if (r->left || r->failed || n == 0 || n == -1)
            kick(r); /* who reads on finds the same end or error */
    }
    mine = r->who == LINTEL_READS_GUEST;
    pthread_mutex_unlock(&r->lock);
    if (!mine)
        lintel_worker_watch(g->worker, -1, NULL, NULL);
    lintel_worker_work(g->worker);
    if (mine)
        lintel_worker_expect(g->worker); /* a busy hub asks again before this thread could sleep */
}

static void
on_offer(void *arg)
{
    struct lintel_guest *g = arg;
    struct lintel_reader *r = g->reader;
    pthread_mutex_lock(&r->lock);
    g->posted = 0;
    if (r->who == LINTEL_READS_OFFERED &&
        lintel_worker_watch(g->worker, r->fd, on_readable, g) == 0) {
        r->who = LINTEL_READS_GUEST;
        eventfd_write(r->kick, 1); /* the main thread waits for something else now */
    }
    pthread_mutex_unlock(&r->lock);
}

/* ---- the main thread ------------------------------------------------------------------------- */

int
lintel_reader_offer(struct lintel_reader *r, struct lintel_guest *g, int brief)
{
    int over = 0;
    pthread_mutex_lock(&r->lock);
    if (r->who == LINTEL_READS_MAIN && r->kick >= 0 && !r->left && !r->failed) {
        over = brief && r->turns != r->turns_before;
        r->turns_before = r->turns;
        if (!over) {
            r->who = LINTEL_READS_OFFERED;
            r->brief = brief;
        }
        if (!over && !g->posted)
            g->posted = lintel_worker_post(g->worker, on_offer, g) == 0;
    }
    pthread_mutex_unlock(&r->lock);
    return over ? -1 : 0;
}

void
lintel_reader_take_back(struct lintel_reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->who = LINTEL_READS_MAIN;
    pthread_mutex_unlock(&r->lock);
}

/* Whether the main thread reads; an offer that was not taken up is void then. */
static int
is_mine(struct lintel_reader *r, uint64_t *ret_turns)
{
    pthread_mutex_lock(&r->lock);
    if (r->who == LINTEL_READS_OFFERED)
        r->who = LINTEL_READS_MAIN;
    int ret = r->who == LINTEL_READS_MAIN;
    *ret_turns = r->turns;
    pthread_mutex_unlock(&r->lock);
    return ret;
}

static int
guest_reads(struct lintel_reader *r, uint64_t *ret_turns)
{
    pthread_mutex_lock(&r->lock);
    int ret = r->who == LINTEL_READS_GUEST;
    *ret_turns = r->turns;
    pthread_mutex_unlock(&r->lock);
    return ret;
}

static int
has_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static int
read_on(struct lintel_reader *r, int (*fn)(void *ctx, const unsigned char *data, size_t n),
        void *ctx)
{
    if (r->failed)
        return -1;
    if (r->left) {
        r->left = 0;
        return lintel_splitter_take(&r->in, 0, fn, ctx) != NULL ? -1 : 0;
    }
    ssize_t n = read_once(r);
    if (n == -2)
        return 0;
    if (n <= 0)
        return n == 0 && r->in.n == 0 ? LINTEL_READER_END : -1;
    return lintel_splitter_take(&r->in, (size_t)n, fn, ctx) != NULL ? -1 : 0;
}

int
lintel_reader_next(struct lintel_reader *r, int other,
                   int (*fn)(void *ctx, const unsigned char *data, size_t n), void *ctx)
{
    eventfd_t count;
    uint64_t before, turns;
    int guest = guest_reads(r, &before);
    struct pollfd fds[3] = {{.fd = r->fd, .events = guest ? POLLRDHUP : POLLIN},
                            {.fd = other, .events = POLLIN},
                            {.fd = r->kick, .events = POLLIN}};
    int n = poll(fds, 3, !guest ? -1 : r->brief ? LOOK_SOON : LOOK_EVERY);
    if (n < 0)
        return errno == EINTR ? 0 : -1;
    if (fds[2].revents != 0)
        eventfd_read(r->kick, &count);
    /* It has ended; or the guest is held up, and questions wait; or a brief one has nothing to do.
     */
    if (guest && (fds[0].revents != 0 || (n == 0 && (r->brief || has_bytes(r->fd)) &&
                                          guest_reads(r, &turns) && turns == before)))
        lintel_reader_take_back(r);
    int ret = 0;
    if ((fds[0].revents != 0 || fds[2].revents != 0 || n == 0) && is_mine(r, &turns))
        ret = read_on(r, fn, ctx);
    return ret == 0 && fds[1].revents != 0 ? LINTEL_READER_OTHER : ret;
}

void
lintel_reader_init(struct lintel_reader *r, int fd)
{
    *r = (struct lintel_reader){.fd = fd, .kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&r->lock, NULL);
}

void
lintel_reader_fini(struct lintel_reader *r)
{
    lintel_splitter_fini(&r->in);
    if (r->kick >= 0)
        close(r->kick);
    pthread_mutex_destroy(&r->lock);
}
