/* SPDX-License-Identifier: Apache-2.0
 * An address for each thing: which one, put on the interface, with a stack on it, told to the tree,
 * and taken away again. Work is done in portions, between which the loop serves others. */
#ifndef LINTEL_COAP_PLACES_H
#define LINTEL_COAP_PLACES_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_PLACE_SESSIONS = 32, /* clients remembered on one thing's address */
    LCOAP_PLACES_STACK = 64,   /* things that share a context of libcoap, see docs/decisions/010 */
    LCOAP_PLACE_KEPT_FILES = 256 /* descriptors left to the rest of the process */
};

/* As the site says, without I/O. LINTEL_OK; LINTEL_E_CONFIG with the reason in err; or
 * LINTEL_E_NOMEM. */
lintel_status lcoap_places_new(struct lcoap_server *s, const char *prefix, const char *interface,
                               uint16_t port, char *err, size_t nerr);
void lcoap_places_free(struct lcoap_server *s); /* stopped */
/* Closes things' stacks and takes all addresses away. */
void lcoap_places_stop(struct lcoap_server *s);

/* lintel_transport.thing_added, _removed; nothing without a prefix. */
void lcoap_places_added(void *self, const lintel_thing_info *info);
void lcoap_places_removed(void *self, const char *name);
/* What a place is called; NULL: the hub. */
const char *lcoap_place_thing(const struct lcoap_place *place);
/* Frees what went while a turn was on; none is on now. */
void lcoap_places_bury(struct lcoap_server *s);
#endif
