/* SPDX-License-Identifier: Apache-2.0
 * Multicast groups: which the hub hears, and what it says to whom asked them (RFC 7252 8, RFC
 * 9176 4.1).
 *
 * Only a non-confirmable GET of an allowed path is handed to the tree. An answer that says
 * something leaves after a random time of at most DEFAULT_LEISURE, from an address of the interface
 * that the request came in by; all others are not sent. libcoap would delay answers too, but sends
 * them from whatever address the client has spoken to meanwhile.
 *
 * One large answer to a forged address can't be avoided here. So the number of answers that wait is
 * bounded, which bounds how many leave in a second. */
#ifndef LINTEL_COAP_GROUP_H
#define LINTEL_COAP_GROUP_H
#include "plugins/coap/coap_request.h"

enum {
    LCOAP_MAX_GROUPS = 16,
    LCOAP_MAX_GROUP_INTERFACES = 32,
    LCOAP_MAX_GROUP_PATHS = 32,
    LCOAP_MAX_GROUP_ANSWERS = 64 /* that wait; further ones are dropped, and counted */
};
#define LCOAP_LEISURE (5 * LCOAP_SECOND) /* RFC 7252 8.2 */

/* Judges the settings `groups`, `groupInterfaces` and `groupPaths`, which must outlive the server.
 * LINTEL_OK; or what is wrong and what to do in err. */
lintel_status lcoap_groups_add(struct lcoap_server *s, const lintel_value *groups,
                               const lintel_value *interfaces, const lintel_value *paths, char *err,
                               size_t nerr);
/* Joins them, once the hub's listeners are open. LINTEL_OK, or the reason in err. */
lintel_status lcoap_groups_join(struct lcoap_server *s, char *err, size_t nerr);
/* Leaves them; answers that wait are dropped. The sessions still live. */
void lcoap_groups_leave(struct lcoap_server *s);
void lcoap_groups_free(struct lcoap_server *s);

/* Whether this request to a group is one to answer; peer->base is then what answers it. */
bool lcoap_group_wants(struct lcoap_peer *peer, const struct lcoap_request *r);
/* Takes the answer to such a request; it leaves later, if at all. */
void lcoap_group_answer(struct lcoap_exchange *x, const lintel_answer *a);
/* Answers dropped because too many waited. */
uint64_t lcoap_groups_dropped(const struct lcoap_server *s);
#endif
