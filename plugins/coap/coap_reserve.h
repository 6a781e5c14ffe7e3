/* SPDX-License-Identifier: Apache-2.0
 * Memory that is held for libcoap. libcoap 4.3.1 ends the process where an allocation of its tables
 * of sessions fails (uthash), and both it and the TLS library below it use in some places what an
 * allocation did not give. So a block is held as long as nothing is done. It is freed before
 * libcoap is called, which then finds its room in it, and held again afterwards. When that can't
 * be, memory is out, and libcoap gets nothing to do until it can: clients are not heard meanwhile.
 *
 * It is no guarantee: other threads may be faster in that moment. Who needs one gives the transport
 * a process of its own. */
#ifndef LINTEL_COAP_RESERVE_H
#define LINTEL_COAP_RESERVE_H
#include "plugins/coap/coap_server.h"

enum {
    LCOAP_RESERVE = 64 << 10,          /* bytes; datagrams and sessions of one turn */
    LCOAP_RESERVE_SECURE = 1024 << 10, /* with handshakes, of which LCOAP_PORTION begin in it */
    LCOAP_PORTION = 4,    /* events that are handed over at once, where they are large */
    LCOAP_STARVED_MS = 20 /* until memory is looked for again */
};

/* The block is held from now on; later if there is no memory. */
void lcoap_reserve_init(struct lcoap_server *s);
void lcoap_reserve_fini(struct lcoap_server *s);
/* Frees the block for what is done now. Whether there was one: what may begin something new does
 * so only then. lcoap_reserve_take() comes after it in any case. Calls nest. */
bool lcoap_reserve_give(struct lcoap_server *s);
void lcoap_reserve_take(struct lcoap_server *s);
#endif
