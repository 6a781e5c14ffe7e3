/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/hosted.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/frames.h"
#include "core/plug/cage_lock.h"
#include "core/plug/load.h"
#include "core/plug/wire.h"
#include "core/plug/worker.h"

enum { STOP_MOST = 4 }; /* seconds; less than the hub waits */

struct hosted {
    int fd;
    pthread_mutex_t writing;
    struct slot *slots;
    struct lintel_cage cage;
    struct lintel_cage_watch watch;
};

struct slot { /* one instance */
    struct slot *next;
    struct hosted *hosted;
    uint32_t number;
    struct lintel_worker *worker;
    _Atomic int closed; /* its worker has said so */
};

static int stop_fd = -1; /* of the signal handler */

static void
on_term(int signum)
{
    (void)signum;
    shutdown(stop_fd, SHUT_RD); /* the reader sees the end of the stream */
}

/* Waits for a hub that is slow to read: so a plugin that floods is slowed down, and no memory is
 * needed. */
static int
send_frame(void *ctx, struct lintel_buf *b, int may_drop)
{
    struct slot *s = ctx;
    uint32_t instance;
    enum lintel_wire_kind kind;
    (void)may_drop;
    if (lintel_wire_peek((const unsigned char *)b->p, b->n, &instance, &kind) != 0)
        return -1;
    pthread_mutex_lock(&s->hosted->writing);
    int ret = lintel_frame_write(s->hosted->fd, b);
    pthread_mutex_unlock(&s->hosted->writing);
    if (kind == LINTEL_WIRE_CLOSED)
        atomic_store(&s->closed, 1);
    return ret;
}

static const lintel_plugin *
find(void *ctx, const char *file, const char *name, char *reason, uint32_t size)
{
    (void)ctx;
    const lintel_entry *e = lintel_load_file(file, reason, size);
    for (uint32_t i = 0; e != NULL && i < e->nplugins; i++)
        if (strcmp(e->plugins[i]->name, name) == 0)
            return e->plugins[i];
    if (e != NULL)
        lintel_format(reason, size, "%s holds no plugin named \"%s\" any more", file, name);
    return NULL;
}

static struct slot *
open_slot(struct hosted *h, uint32_t number)
{
    static const struct lintel_worker_fns fns = {send_frame, find};
    struct slot *s = lintel_alloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->hosted = h;
    s->number = number;
    s->worker = lintel_worker_new(number, &fns, s);
    if (s->worker == NULL) {
        lintel_free(s);
        return NULL;
    }
    s->next = h->slots;
    h->slots = s;
    return s;
}

static void
sweep(struct hosted *h, int all)
{
    for (struct slot **at = &h->slots; *at != NULL;) {
        struct slot *s = *at;
        if (!all && !atomic_load(&s->closed)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        lintel_worker_free(s->worker);
        lintel_free(s);
    }
}

static void
say(struct hosted *h, struct lintel_wire_up m)
{
    struct lintel_buf b = {0};
    lintel_wire_say(&b, &m);
    pthread_mutex_lock(&h->writing);
    lintel_frame_write(h->fd, &b);
    pthread_mutex_unlock(&h->writing);
    lintel_buf_fini(&b);
}

/* 0: the hub does not keep the protocol. */
static int
route(struct hosted *h, const struct lintel_buf *frame)
{
    uint32_t number;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek((const unsigned char *)frame->p, frame->n, &number, &kind) != 0)
        return 0;
    if (number == 0)
        return 0; /* the cage comes once, first */
    struct slot *s = h->slots;
    while (s != NULL && (s->number != number || atomic_load(&s->closed)))
        s = s->next;
    if (s == NULL && kind == LINTEL_WIRE_OPEN) {
        sweep(h, 0);
        s = open_slot(h, number);
        if (s == NULL)
            say(h, (struct lintel_wire_up){.instance = number,
                                           .kind = LINTEL_WIRE_REFUSED,
                                           .status = LINTEL_E_NOMEM,
                                           .text = "out of memory or threads"});
    }
    if (s == NULL && kind == LINTEL_WIRE_CLOSE)
        say(h, (struct lintel_wire_up){.instance = number, .kind = LINTEL_WIRE_CLOSED});
    /* What can't be delivered for lack of memory would be missed for ever; a new process has a
     * chance. */
    return s == NULL || lintel_worker_deliver(s->worker, frame->p, frame->n) == 0;
}

static void
close_all(struct hosted *h)
{
    struct lintel_buf b = {0};
    signal(SIGALRM, SIG_DFL);
    alarm(STOP_MOST); /* a plugin that hangs ends with the process */
    for (struct slot *s = h->slots; s != NULL; s = s->next) {
        lintel_buf_reset(&b);
        lintel_wire_short(&b, s->number, LINTEL_WIRE_CLOSE, 0);
        if (b.failed || lintel_worker_deliver(s->worker, b.p, b.n) != 0)
            _exit(1);
    }
    lintel_buf_fini(&b);
    sweep(h, 1);
    alarm(0);
}

/* ---- the cage -------------------------------------------------------------------------------- */

static void
say_unread(void *ctx, const char *line)
{
    say(ctx,
        (struct lintel_wire_up){.kind = LINTEL_WIRE_LOG, .level = LINTEL_LOG_WARN, .text = line});
}

/* The hub: who has made the pair of sockets. */
static int64_t
hub_of(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/* The first frame says what plugins may do here. Before it no code of theirs is in this process. */
static int
enter_cage(struct hosted *h, struct lintel_buf *frame)
{
    char text[LINTEL_WIRE_TEXT] = "";
    if (lintel_frame_read(h->fd, frame) != 0 ||
        lintel_cage_read((const unsigned char *)frame->p, frame->n, &h->cage) != 0)
        return -1;
    lintel_cage_watch_init(&h->watch, &h->cage);
    int failed = lintel_cage_lock(&h->cage, hub_of(h->fd), text, sizeof text, say_unread, h);
    say(h, (struct lintel_wire_up){.kind = failed ? LINTEL_WIRE_REFUSED : LINTEL_WIRE_READY,
                                   .status = failed ? LINTEL_E_FAIL : LINTEL_OK,
                                   .text = text});
    return failed;
}

/* Waits for the next frame; meanwhile a file of the cage may be replaced, and the hub is asked for
 * a new process that can read it. 0: there is one, or the connection has ended. */
static int
wait_frame(struct hosted *h)
{
    struct pollfd fds[2] = {{.fd = h->fd, .events = POLLIN}, {.fd = h->watch.fd, .events = POLLIN}};
    char text[LINTEL_WIRE_TEXT];
    while (!(fds[0].revents & (POLLIN | POLLHUP | POLLERR))) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return -1;
        const char *path = fds[1].revents ? lintel_cage_watch_replaced(&h->watch) : NULL;
        if (path == NULL)
            continue;
        lintel_format(text, sizeof text, "%s was replaced", path);
        say(h, (struct lintel_wire_up){
                   .kind = LINTEL_WIRE_REFUSED, .status = LINTEL_E_BUSY, .text = text});
    }
    return 0;
}

int
lintel_hosted_serve(int fd)
{
    struct hosted h = {.fd = fd, .writing = PTHREAD_MUTEX_INITIALIZER, .watch = {.fd = -1}};
    struct lintel_buf frame = {0};
    int ret = -1;
    stop_fd = fd;
    signal(SIGTERM, on_term);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the daemon, which then closes the connection */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (lintel_cage_die_with(hub_of(fd)) != 0)
        return 1; /* the hub is dead already */
    say(&h, (struct lintel_wire_up){.kind = LINTEL_WIRE_HELLO,
                                    .ticket = LINTEL_WIRE_VERSION,
                                    .id = (uint32_t)getpid()});
    if (enter_cage(&h, &frame) == 0) {
        while (wait_frame(&h) == 0 && (ret = lintel_frame_read(fd, &frame)) == 0 &&
               route(&h, &frame))
            ;
        close_all(&h);
    }
    lintel_buf_fini(&frame);
    lintel_cage_watch_fini(&h.watch);
    lintel_cage_fini(&h.cage);
    close(fd);
    return ret == 1 ? 0 : 1;
}
