/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/local_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/loop/frames.h"

enum { ANSWER_MOST = 512 * 1024 * 1024 }; /* bytes of an answer in parts */

struct lintel_local_client {
    int fd;
    uint32_t last; /* id */
    struct lintel_buf out, in;
    struct lintel_buf whole; /* the parts of a long answer */
};

struct lintel_local_client *
lintel_local_connect(const char *path, char *reason, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct lintel_local_client *c = lintel_alloc(sizeof *c);
    if (c == NULL || !lintel_copy(address.sun_path, sizeof address.sun_path, path)) {
        lintel_format(reason, size, "%s: %s", path,
                      c == NULL ? "out of memory" : "the path is too long");
        lintel_free(c);
        return NULL;
    }
    c->whole.limit = ANSWER_MOST;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return c;
    int why = errno;
    if (why == ENOENT || why == ECONNREFUSED)
        lintel_format(reason, size,
                      "%s: no hub is running there; start linteld, or name its folder with --run",
                      path);
    else if (why == EACCES || why == EPERM)
        lintel_format(reason, size,
                      "%s: you are not let in; join the group of this socket, or ask as root",
                      path);
    else
        lintel_format(reason, size, "%s: %s", path, strerror(why));
    lintel_local_close(c);
    return NULL;
}

void
lintel_local_close(struct lintel_local_client *c)
{
    if (c == NULL)
        return;
    if (c->fd >= 0)
        close(c->fd);
    lintel_buf_fini(&c->out);
    lintel_buf_fini(&c->in);
    lintel_buf_fini(&c->whole);
    lintel_free(c);
}

int
lintel_local_fd(const struct lintel_local_client *c)
{
    return c->fd;
}

static int
split(const char *s, size_t n, char at, lintel_span *ret, uint32_t most, uint32_t *ret_n)
{
    uint32_t got = 0;
    for (size_t i = 0; n != 0 && i <= n; got++) {
        size_t end = i;
        while (end < n && s[end] != at)
            end++;
        if (got == most)
            return -1;
        ret[got] = (lintel_span){s + i, end - i};
        i = end + 1;
    }
    *ret_n = got;
    return 0;
}

int
lintel_local_prepare(struct lintel_local_frame *ret, uint32_t method, const char *uri)
{
    *ret = (struct lintel_local_frame){
        .kind = LINTEL_LOCAL_REQUEST, .method = method, .format = LINTEL_FORMAT_NONE};
    uri += *uri == '/';
    size_t n = strcspn(uri, "?");
    const char *query = uri + n + (uri[n] == '?');
    return split(uri, n, '/', ret->path, LINTEL_LOCAL_PATH_MOST, &ret->npath) == 0 &&
                   split(query, strlen(query), '&', ret->query, LINTEL_LOCAL_QUERY_MOST,
                         &ret->nquery) == 0
               ? 0
               : -1;
}

static int
send_frame(struct lintel_local_client *c, const struct lintel_local_frame *f)
{
    lintel_buf_reset(&c->out);
    lintel_local_encode(&c->out, f);
    return lintel_frame_write(c->fd, &c->out);
}

uint32_t
lintel_local_request(struct lintel_local_client *c, const struct lintel_local_frame *request)
{
    struct lintel_local_frame f = *request;
    f.kind = LINTEL_LOCAL_REQUEST;
    f.id = ++c->last;
    return send_frame(c, &f) == 0 ? f.id : 0;
}

int
lintel_local_cancel(struct lintel_local_client *c, uint32_t id)
{
    struct lintel_local_frame f = {.kind = LINTEL_LOCAL_CANCEL, .id = id};
    return send_frame(c, &f);
}

static int
fail(char *reason, size_t size, const char *text)
{
    lintel_copy(reason, size, text);
    return -1;
}

int
lintel_local_next(struct lintel_local_client *c, struct lintel_local_frame *ret, char *reason,
                  size_t size)
{
    uint32_t id = 0;
    lintel_buf_reset(&c->whole);
    for (int parts = 0;; parts++) {
        int got = lintel_frame_read(c->fd, &c->in);
        if (got == 1 && parts == 0)
            return 1;
        if (got != 0)
            return fail(reason, size, "the connection to the hub broke");
        if (lintel_local_decode(c->in.p, c->in.n, ret) != 0 || ret->kind != LINTEL_LOCAL_ANSWER ||
            (parts != 0 && ret->id != id))
            return fail(reason, size,
                        "the hub sent something that is no answer; is it of another version?");
        if (parts == 0 && !(ret->flags & LINTEL_LOCAL_PART))
            return 0;
        id = ret->id;
        lintel_buf_add(&c->whole, ret->payload.p, ret->payload.n);
        if (c->whole.failed)
            return fail(reason, size, "the answer is too long");
        if (!(ret->flags & LINTEL_LOCAL_PART))
            break;
    }
    ret->payload = (lintel_span){c->whole.p, c->whole.n};
    return 0;
}
