/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/hosted.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/frames.h"
#include "core/plug/cage_lock.h"
#include "core/plug/last_word.h"
#include "core/plug/load.h"
#include "core/plug/outbox.h"
#include "core/plug/reader.h"
#include "core/plug/transport_wire.h"
#include "core/plug/transport_worker.h"
#include "core/trust/secret.h"
#include "core/plug/worker.h"

enum {
    STOP_MOST = 4, /* seconds; less than the hub waits */
    ROW_LEAST = 16 /* frames in a row for one of several instances, until it reads for itself */
};

struct hosted {
    int fd;
    struct lintel_outbox *out; /* NULL: not in the cage yet */
    struct slot *slots;
    uint32_t row_of, row; /* the instance that the last frames were for, and how many those are */
    struct lintel_reader in;
    struct lintel_cage cage;
    struct lintel_cage_watch watch;
};

struct slot { /* one instance */
    struct slot *next;
    struct hosted *hosted;
    uint32_t number;
    struct lintel_worker *worker; /* one of the two */
    struct lintel_transport_worker *transport;
    struct lintel_lane lane;
    struct lintel_guest guest; /* of the reader */
    int closing;               /* CLOSE was delivered */
    _Atomic int closed;        /* its worker has said so */
};

static int stop_fd = -1; /* of the signal handler */

static void
on_term(int signum)
{
    (void)signum;
    shutdown(stop_fd, SHUT_RD); /* the reader sees the end of the stream */
}

static int
send_frame(void *ctx, struct lintel_buf *b, unsigned flags)
{
    struct slot *s = ctx;
    uint32_t instance;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek((const unsigned char *)b->p, b->n, &instance, &kind) != 0)
        return -1;
    int ret = lintel_outbox_put(s->hosted->out, &s->lane, b, (flags & LINTEL_SEND_IF_ROOM) != 0,
                                flags & LINTEL_SEND_UNSURE ? LINTEL_ROW_UNSURE
                                : flags & LINTEL_SEND_MORE ? LINTEL_ROW_GOES_ON
                                                           : LINTEL_ROW_NONE);
    if (kind == LINTEL_WIRE_CLOSED)
        atomic_store(&s->closed, 1);
    return ret;
}

static void
flush(void *ctx)
{
    struct slot *s = ctx;
    lintel_outbox_flush(s->hosted->out);
}

static void
on_room(void *ctx)
{
    struct slot *s = ctx;
    if (s->worker != NULL)
        lintel_worker_room(s->worker);
}

/* It would be missed for ever; a new process has a chance. */
static void
lost(void *ctx)
{
    (void)ctx;
    lintel_last_word_give_up();
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

static int
deliver(struct slot *s, const void *frame, size_t n)
{
    return s->transport != NULL ? lintel_transport_worker_deliver(s->transport, frame, n)
                                : lintel_worker_deliver(s->worker, frame, n);
}

static struct slot *
open_slot(struct hosted *h, uint32_t number, int is_transport)
{
    static const struct lintel_worker_fns fns = {send_frame, flush, lost, find};
    struct slot *s = lintel_alloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->hosted = h;
    s->number = number;
    if (is_transport)
        s->transport = lintel_transport_worker_new(number, &fns, s);
    else
        s->worker = lintel_worker_new(number, &fns, s);
    if (s->worker == NULL && s->transport == NULL) {
        lintel_free(s);
        return NULL;
    }
    s->guest = (struct lintel_guest){.reader = &h->in, .worker = s->worker, .number = number};
    s->lane = (struct lintel_lane){.room = on_room, .ctx = s};
    lintel_outbox_add(h->out, &s->lane);
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
        lintel_outbox_remove(h->out, &s->lane);
        lintel_worker_free(s->worker);
        lintel_transport_worker_free(s->transport);
        lintel_free(s);
    }
}

/* -1: memory was out for it, or nobody reads any more. */
static int
say(struct hosted *h, struct lintel_wire_up m)
{
    struct lintel_buf b = {0};
    lintel_wire_say(&b, &m);
    int ret = h->out != NULL ? lintel_outbox_put(h->out, NULL, &b, 0, LINTEL_ROW_NONE)
                             : lintel_frame_write(h->fd, &b);
    lintel_buf_fini(&b);
    return ret;
}

/* It lives; and these are the calls that its plugins are in. What is lost is asked for again. */
static void
pong(struct hosted *h)
{
    struct lintel_worker_call call;
    for (const struct slot *s = h->slots; s != NULL; s = s->next)
        if (s->worker != NULL && !atomic_load(&s->closed) && lintel_worker_call(s->worker, &call))
            say(h, (struct lintel_wire_up){.instance = s->number,
                                           .kind = LINTEL_WIRE_PONG,
                                           .ticket = call.serial,
                                           .level = call.request,
                                           .text = call.name});
    say(h, (struct lintel_wire_up){.kind = LINTEL_WIRE_PONG});
}

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct hosted *h = ctx;
    uint32_t number;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek(data, n, &number, &kind) != 0)
        return -1;
    if (kind == LINTEL_WIRE_PING) {
        pong(h);
        return 0;
    }
    if (number == 0)
        return -1; /* the cage comes once, first */
    struct slot *s = h->slots;
    int failed = 0;
    while (s != NULL && (s->number != number || atomic_load(&s->closed)))
        s = s->next;
    int is_transport = (uint32_t)kind == LINTEL_TW_OPEN;
    if (s == NULL && (kind == LINTEL_WIRE_OPEN || is_transport)) {
        sweep(h, 0);
        s = open_slot(h, number, is_transport);
        if (s == NULL)
            failed = say(h, (struct lintel_wire_up){.instance = number,
                                                    .kind = LINTEL_WIRE_REFUSED,
                                                    .status = LINTEL_E_NOMEM,
                                                    .text = "out of memory or threads"});
    }
    if (s == NULL && kind == LINTEL_WIRE_CLOSE)
        failed = say(h, (struct lintel_wire_up){.instance = number, .kind = LINTEL_WIRE_CLOSED});
    if (s != NULL && kind == LINTEL_WIRE_CLOSE)
        s->closing = 1;
    h->row = h->row_of == number ? h->row + 1 : 1;
    h->row_of = number;
    /* What can't be delivered or said for lack of memory would be missed for ever. */
    if (failed != 0 || (s != NULL && deliver(s, data, n) != 0))
        lost(NULL);
    return 0;
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
    if (lintel_cage_watch_init(&h->watch, &h->cage) != 0)
        return -1;
    int failed = lintel_cage_lock(&h->cage, hub_of(h->fd), text, sizeof text, say_unread, h);
    int said =
        say(h, (struct lintel_wire_up){.kind = failed ? LINTEL_WIRE_REFUSED : LINTEL_WIRE_READY,
                                       .status = failed ? LINTEL_E_FAIL : LINTEL_OK,
                                       .text = text});
    return failed != 0 ? failed : said;
}

/* A file of the cage may have been replaced: the hub is asked for a new process that can read it.
 */
static int
look_at_cage(struct hosted *h)
{
    char text[LINTEL_WIRE_TEXT];
    const char *path = lintel_cage_watch_replaced(&h->watch);
    if (path == NULL)
        return 0;
    lintel_format(text, sizeof text, "%s was replaced", path);
    return say(h, (struct lintel_wire_up){
                      .kind = LINTEL_WIRE_REFUSED, .status = LINTEL_E_BUSY, .text = text});
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The only instance reads for itself, as long as it is the only one and never blocks. Any other
 * does it after a row of frames for it, and has to earn it anew when that was over. */
static void
offer_reading(struct hosted *h)
{
    struct slot *s = h->slots;
    while (s != NULL && s->number != h->row_of)
        s = s->next;
    if (s == NULL || s->worker == NULL || s->closing)
        return;
    enum lintel_prompt prompt = lintel_worker_prompt(s->worker);
    int brief = prompt == LINTEL_PROMPT_LATELY || s != h->slots || s->next != NULL;
    if (prompt == LINTEL_PROMPT_NOT || (brief && h->row < ROW_LEAST))
        return;
    if (lintel_reader_offer(&h->in, &s->guest, brief) != 0)
        h->row = 0;
}

/* Until the hub closes the connection: 0. Else -1. */
static int
serve(struct hosted *h)
{
    int ret = 0;
    while (ret == 0 || ret == LINTEL_READER_OTHER) {
        ret = lintel_reader_next(&h->in, h->watch.fd, on_frame, h);
        if (ret == LINTEL_READER_OTHER)
            ret = look_at_cage(h);
        if (ret >= 0)
            offer_reading(h);
    }
    lintel_reader_take_back(&h->in);
    return ret == LINTEL_READER_END ? 0 : -1;
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
        if (b.failed || deliver(s, b.p, b.n) != 0)
            lost(NULL);
    }
    lintel_buf_fini(&b);
    sweep(h, 1);
    lintel_outbox_free(h->out); /* after its last word */
    alarm(0);
}

int
lintel_hosted_serve(int fd)
{
    struct hosted h = {.fd = fd, .watch = {.fd = -1}};
    struct lintel_buf frame = {0};
    int ret = -1;
    stop_fd = fd;
    lintel_reader_init(&h.in, fd);
    lintel_last_word_init();
    signal(SIGTERM, on_term);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the daemon, which then closes the connection */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (lintel_cage_die_with(hub_of(fd)) != 0)
        return 1; /* the hub is dead already */
    int starved = 0;
    int said = say(&h, (struct lintel_wire_up){.kind = LINTEL_WIRE_HELLO,
                                               .ticket = LINTEL_WIRE_VERSION,
                                               .id = (uint32_t)getpid()});
    /* The outbox has a thread, and a cage holds those threads only that begin in it. */
    if (said == 0 && enter_cage(&h, &frame) == 0) {
        h.out = lintel_outbox_new(fd);
        ret = h.out != NULL ? serve(&h) : -1;
        starved = h.out == NULL || h.in.starved;
        if (h.out != NULL)
            close_all(&h);
    }
    lintel_buf_fini(&frame);
    lintel_reader_fini(&h.in);
    lintel_cage_watch_fini(&h.watch);
    lintel_cage_fini(&h.cage);
    close(fd);
    if (ret != 0 && starved)
        lintel_last_word_give_up();
    return ret == 0 ? 0 : 1;
}
