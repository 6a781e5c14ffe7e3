/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/loop/frames.h"
#include "core/serve/local_wire.h"
#include "lintel/ext/loop.h"

struct request { /* one that was not answered in full */
    struct peer *peer;
    uint32_t id;
    lintel_ticket ticket;
    struct request *before, *after;
};

struct peer {
    struct lintel_local *server;
    struct lintel_frames *frames;
    struct request *requests;
    uint32_t nrequests;
    int ending;              /* takes no more */
    struct lintel_timer end; /* runs end_peer() from the loop, where no answer is on its way */
    char identity[32];
    struct peer *before, *after;
};

struct lintel_local {
    struct lintel_loop *loop;
    struct lintel_tree *tree;
    char *path;
    int fd;
    dev_t dev; /* of the socket's file, so that a successor's is not removed */
    ino_t ino;
    struct peer *peers;
    uint32_t npeers;
    int resting; /* no descriptor or memory for who waits: said once */
    struct lintel_timer rest;
    struct lintel_buf out;
};

#define REST INT64_C(200000000) /* ns */

/* ---- peers ----------------------------------------------------------------------------------- */

static void
free_request(struct request *r)
{
    struct peer *p = r->peer;
    if (r->before != NULL)
        r->before->after = r->after;
    else
        p->requests = r->after;
    if (r->after != NULL)
        r->after->before = r->before;
    p->nrequests--;
    lintel_free(r);
}

static void
end_peer(struct peer *p)
{
    struct lintel_local *s = p->server;
    p->ending = 1;
    lintel_timer_stop(s->loop, &p->end);
    while (p->requests != NULL) {
        lintel_tree_abandon(s->tree, p->requests->ticket);
        free_request(p->requests);
    }
    lintel_frames_close(p->frames);
    if (p->before != NULL)
        p->before->after = p->after;
    else
        s->peers = p->after;
    if (p->after != NULL)
        p->after->before = p->before;
    s->npeers--;
    lintel_free(p);
}

static void
end_now(void *arg)
{
    end_peer(arg);
}

/* Ends a peer while answers are on their way: soon, and from the loop. */
static void
end_soon(struct peer *p, const char *why)
{
    if (p->ending)
        return;
    p->ending = 1;
    lintel_log(LINTEL_LOG_WARN, "local", "%s is dropped: %s", p->identity, why);
    if (lintel_timer_at(p->server->loop, &p->end, lintel_loop_now(p->server->loop), end_now, p) !=
        0)
        lintel_log(LINTEL_LOG_ERROR, "local", "out of memory; %s stays until it leaves",
                   p->identity);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int
send_answer(struct peer *p, uint32_t id, const lintel_answer *a)
{
    struct lintel_buf *out = &p->server->out;
    size_t at = 0;
    do {
        size_t n = a->payload.n - at;
        int part = n > LINTEL_LOCAL_PIECE;
        struct lintel_local_frame f = {.kind = LINTEL_LOCAL_ANSWER,
                                       .id = id,
                                       .code = a->code,
                                       .flags = a->flags | (part ? LINTEL_LOCAL_PART : 0),
                                       .format = a->format,
                                       .max_age = a->max_age,
                                       .etag = {(const char *)a->etag, a->netag},
                                       .payload = {a->payload.n == 0 ? NULL : a->payload.p + at,
                                                   part ? LINTEL_LOCAL_PIECE : n}};
        lintel_buf_reset(out);
        lintel_local_encode(out, &f);
        if (lintel_frames_send(p->frames, out) != 0)
            return -1;
        at += f.payload.n;
    } while (at < a->payload.n);
    return 0;
}

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    struct request *r = cookie;
    struct peer *p = r->peer;
    (void)ctx;
    if (!p->ending && send_answer(p, r->id, a) != 0)
        end_soon(p, "it does not read its answers");
    if (!(a->flags & LINTEL_ANSWER_MORE))
        free_request(r);
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct request *
find_request(struct peer *p, uint32_t id)
{
    struct request *r = p->requests;
    while (r != NULL && r->id != id)
        r = r->after;
    return r;
}

static int
refuse(struct peer *p, uint32_t id, const char *why)
{
    lintel_answer a = {.size = sizeof a,
                       .code = LINTEL_CODE(5, 3),
                       .format = LINTEL_FORMAT_NONE,
                       .payload = {why, strlen(why)}};
    return send_answer(p, id, &a);
}

static int
take_request(struct peer *p, const struct lintel_local_frame *f)
{
    struct request *r;
    if (find_request(p, f->id) != NULL)
        return -1;
    if (p->nrequests == LINTEL_LOCAL_OPEN_MOST)
        return refuse(p, f->id, "too many open requests on one connection");
    if ((r = lintel_alloc(sizeof *r)) == NULL)
        return refuse(p, f->id, "out of memory");
    *r = (struct request){.peer = p, .id = f->id, .after = p->requests};
    if (r->after != NULL)
        r->after->before = r;
    p->requests = r;
    p->nrequests++;
    lintel_exchange x = {.size = sizeof x,
                         .method = f->method,
                         .flags =
                             f->flags | LINTEL_X_LOOPBACK | LINTEL_X_SECURE | LINTEL_X_RELIABLE,
                         .format = f->format,
                         .path = f->path,
                         .query = f->query,
                         .accept = f->accept,
                         .npath = f->npath,
                         .nquery = f->nquery,
                         .naccept = f->naccept,
                         .payload = f->payload,
                         .identity = p->identity,
                         .peer = p->identity,
                         .base = "",
                         .cookie = r};
    lintel_ticket ticket = lintel_tree_submit(p->server->tree, &x, on_answer, p->server);
    if (ticket != 0) /* else r is gone */
        r->ticket = ticket;
    return 0;
}

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct peer *p = ctx;
    struct lintel_local_frame f;
    if (p->ending)
        return 0;
    if (lintel_local_decode(data, n, &f) != 0)
        return -1;
    if (f.kind == LINTEL_LOCAL_REQUEST)
        return take_request(p, &f);
    if (f.kind != LINTEL_LOCAL_CANCEL)
        return -1;
    struct request *r = find_request(p, f.id);
    if (r != NULL) { /* else it crossed the last answer */
        lintel_tree_abandon(p->server->tree, r->ticket);
        free_request(r);
    }
    return 0;
}

static void
on_closed(void *ctx, const char *reason)
{
    struct peer *p = ctx;
    lintel_log(LINTEL_LOG_DEBUG, "local", "%s: %s", p->identity, reason);
    end_peer(p);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void
take_peer(struct lintel_local *s, int fd)
{
    static const struct lintel_frames_fns fns = {on_frame, on_closed};
    struct ucred who;
    socklen_t size = sizeof who;
    struct peer *p = NULL;
    if (s->npeers < LINTEL_LOCAL_PEERS_MOST &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
        p = lintel_alloc(sizeof *p);
    if (p != NULL)
        p->frames = lintel_frames_new(s->loop, fd, LINTEL_LOCAL_QUEUE_MOST, &fns, p);
    if (p == NULL || p->frames == NULL) {
        lintel_log(LINTEL_LOG_WARN, "local", "a connection is refused: %u are open", s->npeers);
        lintel_free(p);
        close(fd);
        return;
    }
    lintel_format(p->identity, sizeof p->identity, "uid %lu", (unsigned long)who.uid);
    p->server = s;
    p->after = s->peers;
    if (p->after != NULL)
        p->after->before = p;
    s->peers = p;
    s->npeers++;
}

static void on_listen(void *arg, int fd, uint32_t ready);

static void
rest_is_over(void *arg)
{
    struct lintel_local *s = arg;
    if (lintel_loop_watch(s->loop, s->fd, LINTEL_LOOP_READ, on_listen, s) != 0)
        (void)lintel_timer_at(s->loop, &s->rest, lintel_loop_now(s->loop) + REST, rest_is_over, s);
}

/* Who waits goes on waiting, and must not keep the loop busy meanwhile. */
static void
rest(struct lintel_local *s, int why)
{
    if (!s->resting)
        lintel_log(LINTEL_LOG_WARN, "local",
                   "new clients wait: %s%s; those that are connected are served", strerror(why),
                   why == EMFILE ? " (raise the limit, LimitNOFILE= of the unit)" : "");
    s->resting = 1;
    if (lintel_timer_at(s->loop, &s->rest, lintel_loop_now(s->loop) + REST, rest_is_over, s) == 0)
        lintel_loop_watch(s->loop, s->fd, 0, NULL, NULL);
}

static void
on_listen(void *arg, int fd, uint32_t ready)
{
    struct lintel_local *s = arg;
    (void)ready;
    for (int i = 0; i < 16; i++) {
        int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (got < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                rest(s, errno);
            return;
        }
        s->resting = 0;
        take_peer(s, got);
    }
}

static int
fail(char *reason, size_t size, const char *what, const char *path)
{
    lintel_format(reason, size, "%s: %s: %s", path, what, strerror(errno));
    return -1;
}

/* A socket that nobody listens on is what a hub left that ended without cleaning up. */
static int
remove_dead(const struct sockaddr_un *address, char *reason, size_t size)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : fail(reason, size, "can't be looked at", address->sun_path);
    if (!S_ISSOCK(st.st_mode)) {
        lintel_format(reason, size, "%s is no socket; remove it, or choose another --run folder",
                      address->sun_path);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(reason, size, "no socket", address->sun_path);
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int dead = result != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!dead) {
        lintel_format(reason, size,
                      "%s: another hub is running there; stop it, or choose another --run folder",
                      address->sun_path);
        return -1;
    }
    return unlink(address->sun_path) == 0 || errno == ENOENT
               ? 0
               : fail(reason, size, "can't be replaced", address->sun_path);
}

static int
listen_at(struct lintel_local *s, char *reason, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (!lintel_copy(address.sun_path, sizeof address.sun_path, s->path)) {
        lintel_format(reason, size,
                      "%s: a socket's path has at most %zu bytes; choose a shorter --run folder",
                      s->path, sizeof address.sun_path - 1);
        return -1;
    }
    if (remove_dead(&address, reason, size) != 0)
        return -1;
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0 || bind(s->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail(reason, size, "can't listen", s->path);
    /* Before listen() nobody can connect, so the mode is never too wide. */
    if (stat(s->path, &st) != 0 || chmod(s->path, 0660) != 0)
        return fail(reason, size, "can't set its mode", s->path);
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    if (listen(s->fd, LINTEL_LOCAL_PEERS_MOST) != 0)
        return fail(reason, size, "can't listen", s->path);
    if (lintel_loop_watch(s->loop, s->fd, LINTEL_LOOP_READ, on_listen, s) != 0)
        return fail(reason, size, "can't be watched", s->path);
    return 0;
}

struct lintel_local *
lintel_local_new(struct lintel_loop *l, struct lintel_tree *t, const char *path, char *reason,
                 size_t size)
{
    struct lintel_local *s = lintel_alloc(sizeof *s);
    char *copy = lintel_strdup(path);
    if (s == NULL || copy == NULL) {
        lintel_copy(reason, size, "out of memory");
        lintel_free(s);
        lintel_free(copy);
        return NULL;
    }
    *s = (struct lintel_local){.loop = l, .tree = t, .path = copy, .fd = -1};
    if (listen_at(s, reason, size) == 0)
        return s;
    lintel_local_free(s);
    return NULL;
}

void
lintel_local_free(struct lintel_local *s)
{
    struct stat st;
    if (s == NULL)
        return;
    while (s->peers != NULL)
        end_peer(s->peers);
    lintel_timer_stop(s->loop, &s->rest);
    if (s->fd >= 0) {
        lintel_loop_watch(s->loop, s->fd, 0, NULL, NULL);
        close(s->fd);
    }
    if (s->ino != 0 && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
    lintel_buf_fini(&s->out);
    lintel_free(s->path);
    lintel_free(s);
}

uint32_t
lintel_local_peers(const struct lintel_local *s)
{
    return s->npeers;
}
