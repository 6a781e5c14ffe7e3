/* SPDX-License-Identifier: Apache-2.0
 * libcoap on the host's loop. */
#ifndef LINTEL_COAP_IO_H
#define LINTEL_COAP_IO_H
#include "plugins/coap/coap_server.h"

void lcoap_io_init(struct lcoap_server *s);
/* Ends timers and watches of the server; all stacks have left. */
void lcoap_io_fini(struct lcoap_server *s);
/* Watches the epoll set of a stack's context. LINTEL_OK, or the reason in err. */
lintel_status lcoap_io_join(struct lcoap_stack *k, char *err, size_t nerr);
void lcoap_io_leave(struct lcoap_stack *k); /* nothing if it has not joined */
/* A listener was opened: its socket is looked at from now on; those of a place were closed. */
void lcoap_io_listens(struct lcoap_stack *k, const struct lcoap_listener *l);
void lcoap_io_unlistens(struct lcoap_stack *k, const struct lcoap_place *place);
/* libcoap has opened a socket: programs that are started must not inherit it. */
void lcoap_io_mark_sockets(const struct lcoap_stack *k);
/* A confirmable message went out: libcoap's timer must know, unless a turn is on and sets it
 * anyway. */
void lcoap_io_sent_confirmable(struct lcoap_stack *k);
/* There was no memory for a message: it is tried again in a quarter of a second. */
void lcoap_io_owe(struct lcoap_server *s);
/* Something was added that ends by time: a flight, a transfer, a session with a handshake. */
void lcoap_io_housekeep(struct lcoap_server *s);
#endif
