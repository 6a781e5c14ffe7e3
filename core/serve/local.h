/* SPDX-License-Identifier: Apache-2.0
 * The local socket: the resource tree for programs of this machine, the command line first. Whom
 * the socket's mode lets in (the hub's user, its group, root) is served as loopback, and the kernel
 * says who it is. Loop's thread. */
#ifndef LINTEL_SERVE_LOCAL_H
#define LINTEL_SERVE_LOCAL_H
#include "core/loop/loop.h"
#include "core/serve/tree.h"

enum { /* limits */
       LINTEL_LOCAL_PEERS_MOST = 64,
       LINTEL_LOCAL_OPEN_MOST = 4096,    /* requests of one peer, observations included */
       LINTEL_LOCAL_PIECE = 1024 * 1024, /* bytes of a longer payload in one frame */
       LINTEL_LOCAL_QUEUE_MOST =
           64 * 1024 * 1024,        /* bytes that wait for one peer; then it is dropped */
       LINTEL_LOCAL_TEXT_MOST = 512 /* of a reason */
};

struct lintel_local;
/* Listens on a Unix stream socket at `path`, mode 0660. The socket of a hub that is gone is
 * replaced. NULL with the reason: another hub answers there, or the system refuses. */
struct lintel_local *lintel_local_new(struct lintel_loop *l, struct lintel_tree *t,
                                      const char *path, char *reason, size_t size);
void
lintel_local_free(struct lintel_local *s); /* open requests are abandoned, the socket is removed */
uint32_t lintel_local_peers(const struct lintel_local *s);
#endif
