/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "lintel/ext/loop.h"

enum {
    HEAD = 4,
    ROOM_LEAST = 16 * 1024,
    ROOM_KEPT = 256 * 1024,  /* what an idle connection may hold */
    READS_MOST = 16,         /* reads in one turn, so that one busy peer can't hold the loop, */
    TURN_BYTES = 256 * 1024, /* bytes; a longer frame is read on in the next turn, */
    FRAMES_MOST = 256        /* and frames */
};

static const char broke_rules[] = "it sent a frame that breaks the protocol";

static void
put_head(unsigned char head[HEAD], size_t n)
{
    head[0] = (unsigned char)(n >> 24);
    head[1] = (unsigned char)(n >> 16);
    head[2] = (unsigned char)(n >> 8);
    head[3] = (unsigned char)n;
}

static size_t
get_head(const unsigned char head[HEAD])
{
    return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* ---- the splitter ---------------------------------------------------------------------------- */

void
lintel_splitter_fini(struct lintel_splitter *s)
{
    lintel_free(s->p);
    *s = (struct lintel_splitter){0};
}

unsigned char *
lintel_splitter_space(struct lintel_splitter *s, size_t *ret_room)
{
    size_t wanted = ROOM_LEAST;
    if (s->busy && s->room < ROOM_KEPT)
        wanted = s->room * 2;
    if (s->n >= HEAD && get_head(s->p) + HEAD > wanted)
        wanted = get_head(s->p) + HEAD; /* in bounds: _take has looked at it */
    if (s->room < wanted) {
        unsigned char *p = lintel_grow(s->p, wanted, 1);
        if (p == NULL)
            return NULL;
        s->p = p;
        s->room = wanted;
    }
    *ret_room = s->room - s->n;
    return s->p + s->n;
}

const char *
lintel_splitter_take(struct lintel_splitter *s, size_t n,
                     int (*fn)(void *ctx, const unsigned char *data, size_t n), void *ctx)
{
    size_t at = 0, length = 0;
    s->n += n;
    s->busy = s->n == s->room;
    while (s->n - at >= HEAD) {
        length = get_head(s->p + at);
        if (length == 0 || length > LINTEL_FRAME_MOST)
            return "it sent a frame of a length that can't be";
        if (s->n - at - HEAD < length)
            break;
        int ret = fn(ctx, s->p + at + HEAD, length);
        if (ret == LINTEL_SPLITTER_LATER)
            break;
        if (ret != 0)
            return broke_rules;
        at += HEAD + length;
    }
    s->n -= at;
    if (s->n != 0 && at != 0)
        memmove(s->p, s->p + at, s->n);
    if (s->n == 0 && s->room > ROOM_KEPT)
        lintel_splitter_fini(s);
    return NULL;
}

/* ---- connections ----------------------------------------------------------------------------- */

struct lintel_frames {
    struct lintel_loop *loop;
    struct lintel_frames_fns fns;
    void *ctx;
    int fd;
    int busy;       /* inside a callback: _close leaves the memory to it */
    int ended;      /* closed() was called, or _close() */
    int dead;       /* _close() was called */
    int writing;    /* watched for writing too */
    uint32_t taken; /* frames of this turn */
    int more;       /* whole frames wait for the next turn */
    struct lintel_timer next_turn;
    struct lintel_splitter in;
    struct lintel_buf out;
    size_t out_at;            /* bytes of out that are sent already */
    struct lintel_turn flush; /* of what was queued in this turn */
    size_t queue_most;
};

static void on_ready(void *arg, int fd, uint32_t ready);
static void on_turn(void *arg);
static void write_some(struct lintel_frames *f);

static void
free_frames(struct lintel_frames *f)
{
    close(f->fd);
    lintel_splitter_fini(&f->in);
    lintel_buf_fini(&f->out);
    lintel_free(f);
}

static void
end(struct lintel_frames *f, const char *reason)
{
    if (f->ended)
        return;
    write_some(f); /* what was said in this turn; the peer may have closed one way only */
    f->ended = 1;
    lintel_timer_stop(f->loop, &f->next_turn);
    lintel_turn_stop(f->loop, &f->flush);
    lintel_loop_watch(f->loop, f->fd, 0, NULL, NULL);
    f->fns.closed(f->ctx, reason);
}

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct lintel_frames *f = ctx;
    if (f->taken == FRAMES_MOST) {
        f->more = 1;
        return LINTEL_SPLITTER_LATER;
    }
    f->taken++;
    int ret = f->fns.frame(f->ctx, data, n);
    return ret != 0 || f->ended;
}

/* n bytes more have come. */
static void
take(struct lintel_frames *f, size_t n)
{
    f->more = 0;
    const char *reason = lintel_splitter_take(&f->in, n, on_frame, f);
    if (reason == NULL && f->more &&
        lintel_timer_at(f->loop, &f->next_turn, lintel_loop_now(f->loop), on_turn, f) != 0)
        reason = "out of memory";
    if (reason != NULL)
        end(f, reason);
}

static void
read_some(struct lintel_frames *f)
{
    size_t bytes = 0;
    f->taken = 0;
    if (f->more)
        take(f, 0);
    for (int i = 0; i < READS_MOST && bytes < TURN_BYTES && !f->more && !f->ended; i++) {
        size_t room = 0;
        unsigned char *p = lintel_splitter_space(&f->in, &room);
        if (p == NULL) {
            end(f, "out of memory");
            return;
        }
        ssize_t n = recv(f->fd, p, room, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            end(f, n == 0 ? (f->in.n == 0 ? "it has closed the connection"
                                          : "it has closed the connection inside a frame")
                          : strerror(errno));
            return;
        }
        bytes += (size_t)n;
        take(f, (size_t)n);
        if ((size_t)n < room)
            return;
    }
}

static void
set_writing(struct lintel_frames *f, int writing)
{
    if (f->writing == writing || f->ended)
        return;
    f->writing = writing;
    lintel_loop_watch(f->loop, f->fd, LINTEL_LOOP_READ | (writing ? LINTEL_LOOP_WRITE : 0),
                      on_ready, f);
}

static void
write_some(struct lintel_frames *f)
{
    while (f->out_at < f->out.n) {
        ssize_t n = send(f->fd, f->out.p + f->out_at, f->out.n - f->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0)
            break; /* reading will say why */
        f->out_at += (size_t)n;
    }
    f->out_at = 0;
    if (f->out.room > ROOM_KEPT)
        lintel_buf_fini(&f->out);
    else
        lintel_buf_reset(&f->out);
    set_writing(f, 0);
}

static void
on_ready(void *arg, int fd, uint32_t ready)
{
    struct lintel_frames *f = arg;
    (void)fd;
    f->busy = 1;
    if (ready & LINTEL_LOOP_WRITE)
        write_some(f);
    if (ready & LINTEL_LOOP_READ)
        read_some(f);
    f->busy = 0;
    if (f->dead) {
        free_frames(f);
    } else if (!f->ended && f->out_at < f->out.n) {
        write_some(f);
        set_writing(f, f->out_at < f->out.n);
    }
}

/* What the last turn has left. */
static void
on_turn(void *arg)
{
    on_ready(arg, -1, LINTEL_LOOP_READ);
}

struct lintel_frames *
lintel_frames_new(struct lintel_loop *l, int fd, size_t queue_most,
                  const struct lintel_frames_fns *fns, void *ctx)
{
    struct lintel_frames *f = lintel_alloc(sizeof *f);
    if (f == NULL)
        return NULL;
    *f = (struct lintel_frames){
        .loop = l, .fns = *fns, .ctx = ctx, .fd = fd, .queue_most = queue_most};
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        lintel_loop_watch(l, fd, LINTEL_LOOP_READ, on_ready, f) != 0) {
        lintel_free(f);
        return NULL;
    }
    return f;
}

/* Sends without a queue what the socket takes at once; returns how much of head and body that was.
 */
static size_t
send_now(int fd, unsigned char *head, const struct lintel_buf *b)
{
    struct iovec parts[2] = {{head, HEAD}, {b->p, b->n}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : SIZE_MAX;
    return (size_t)n;
}

/* What was queued in this turn leaves at once. */
static void
on_flush(void *arg)
{
    struct lintel_frames *f = arg;
    write_some(f);
    set_writing(f, f->out_at < f->out.n);
}

/* Appends head and body, from the byte `sent` on. */
static int
enqueue(struct lintel_frames *f, const unsigned char head[HEAD], const struct lintel_buf *b,
        size_t sent)
{
    if (f->out_at > ROOM_LEAST && f->out_at > f->out.n / 2) {
        f->out.n -= f->out_at;
        memmove(f->out.p, f->out.p + f->out_at, f->out.n);
        f->out_at = 0;
    }
    size_t before = f->out.n, body = sent > HEAD ? sent - HEAD : 0;
    if (sent < HEAD)
        lintel_buf_add(&f->out, head + sent, HEAD - sent);
    lintel_buf_add(&f->out, b->p + body, b->n - body);
    if (f->out.failed) {
        f->out.n = before;
        f->out.failed = 0;
        /* Half a frame is out already: then the stream can't go on. */
        if (sent != 0)
            shutdown(f->fd, SHUT_RDWR);
        return -1;
    }
    return 0;
}

static int
may_send(const struct lintel_frames *f, const struct lintel_buf *b)
{
    return !f->ended && !b->failed && b->n != 0 && b->n <= LINTEL_FRAME_MOST &&
           lintel_frames_queued(f) + HEAD + b->n <= f->queue_most;
}

int
lintel_frames_send(struct lintel_frames *f, const struct lintel_buf *b)
{
    unsigned char head[HEAD];
    size_t sent = 0;
    if (!may_send(f, b))
        return -1;
    put_head(head, b->n);
    if (lintel_frames_queued(f) == 0 && !f->busy) {
        sent = send_now(f->fd, head, b);
        if (sent == SIZE_MAX)
            return -1;
        if (sent == HEAD + b->n)
            return 0;
    }
    if (enqueue(f, head, b, sent) != 0)
        return -1;
    if (!f->busy && !f->flush.listed) /* else all that was said in this turn is sent at once */
        set_writing(f, 1);
    return 0;
}

int
lintel_frames_queue(struct lintel_frames *f, const struct lintel_buf *b)
{
    unsigned char head[HEAD];
    if (!may_send(f, b))
        return -1;
    put_head(head, b->n);
    if (enqueue(f, head, b, 0) != 0)
        return -1;
    if (f->busy || f->writing)
        return 0;
    if (lintel_frames_queued(f) >= ROOM_LEAST)
        on_flush(f); /* the peer may begin */
    else
        lintel_turn_end(f->loop, &f->flush, on_flush, f);
    return 0;
}

size_t
lintel_frames_queued(const struct lintel_frames *f)
{
    return f->out.n - f->out_at;
}

void
lintel_frames_close(struct lintel_frames *f)
{
    if (f == NULL || f->dead)
        return;
    if (!f->ended && (f->busy || f->flush.listed))
        write_some(f); /* what was said in this turn */
    lintel_turn_stop(f->loop, &f->flush);
    if (!f->ended)
        lintel_loop_watch(f->loop, f->fd, 0, NULL, NULL);
    lintel_timer_stop(f->loop, &f->next_turn);
    f->ended = f->dead = 1;
    if (!f->busy)
        free_frames(f);
}

/* ---- without a loop -------------------------------------------------------------------------- */

/* In one call, so that the reader wakes up once. */
static int
write_both(int fd, struct iovec part[2])
{
    struct msghdr m = {.msg_iov = part, .msg_iovlen = 2};
    while (part[1].iov_len > 0) {
        ssize_t done = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        for (int i = 0; i < 2; i++) {
            size_t n = (size_t)done < part[i].iov_len ? (size_t)done : part[i].iov_len;
            part[i].iov_base = (char *)part[i].iov_base + n;
            part[i].iov_len -= n;
            done -= (ssize_t)n;
        }
    }
    return 0;
}

/* 0, -1, or 1 at an end before the first byte. */
static int
read_all(int fd, void *data, size_t n)
{
    char *p = data;
    size_t got = 0;
    while (got < n) {
        ssize_t done = recv(fd, p + got, n - got, 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done == 0 && got == 0 ? 1 : -1;
        got += (size_t)done;
    }
    return 0;
}

int
lintel_frame_write(int fd, const struct lintel_buf *b)
{
    unsigned char head[HEAD];
    if (b->failed || b->n == 0 || b->n > LINTEL_FRAME_MOST)
        return -1;
    put_head(head, b->n);
    return write_both(fd, (struct iovec[2]){{head, HEAD}, {b->p, b->n}});
}

int
lintel_frame_read(int fd, struct lintel_buf *ret)
{
    unsigned char head[HEAD], piece[4096];
    lintel_buf_reset(ret);
    int result = read_all(fd, head, HEAD);
    if (result != 0)
        return result;
    size_t left = get_head(head);
    if (left == 0 || left > LINTEL_FRAME_MOST)
        return -1;
    while (left > 0) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        if (read_all(fd, piece, n) != 0)
            return -1;
        lintel_buf_add(ret, piece, n);
        left -= n;
    }
    return ret->failed ? -1 : 0;
}
