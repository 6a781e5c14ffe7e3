/* SPDX-License-Identifier: Apache-2.0
 * The other end of the local socket, for the command line: blocking, one thread. */
#ifndef LINTEL_SERVE_LOCAL_CLIENT_H
#define LINTEL_SERVE_LOCAL_CLIENT_H
#include "core/serve/local_wire.h"

struct lintel_local_client;
/* NULL with a reason that says what to do: the hub does not run, or who asks is not let in. */
struct lintel_local_client *lintel_local_connect(const char *path, char *reason, size_t size);
void lintel_local_close(struct lintel_local_client *c); /* NULL is fine */
int lintel_local_fd(
    const struct lintel_local_client *c); /* for poll(2): readable when _next() has work */

/* A GET of "/d/main-meter/s?c.pmin=1", to be changed before it is sent. Points into `uri`. -1: too
 * many pieces. */
int lintel_local_prepare(struct lintel_local_frame *ret, uint32_t method, const char *uri);
/* Sends a request; its id is set here and returned. 0: the connection is broken. */
uint32_t lintel_local_request(struct lintel_local_client *c,
                              const struct lintel_local_frame *request);
int lintel_local_cancel(struct lintel_local_client *c, uint32_t id);
/* The next answer, whole; of any open request. Valid until the next call. 0; 1: the hub has closed;
 * -1 with a reason. */
int lintel_local_next(struct lintel_local_client *c, struct lintel_local_frame *ret, char *reason,
                      size_t size);
#endif
