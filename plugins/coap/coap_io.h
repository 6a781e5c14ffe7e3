/* SPDX-License-Identifier: Apache-2.0
 * libcoap on the host's loop. */
#ifndef LINTEL_COAP_IO_H
#define LINTEL_COAP_IO_H
#include "plugins/coap/coap_server.h"

/* Watches libcoap's epoll descriptor. LINTEL_OK, or the reason in err. */
lintel_status lcoap_io_start(struct lcoap_server *s, char *err, size_t nerr);
void lcoap_io_stop(struct lcoap_server *s);
/* A confirmable message went out: libcoap's timer must know, unless a turn is on and sets it
 * anyway. */
void lcoap_io_sent_confirmable(struct lcoap_server *s);
/* Something was added that ends by time. */
void lcoap_io_housekeep(struct lcoap_server *s);
#endif
