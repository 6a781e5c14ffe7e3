/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/resources.h - "lintel.resources/1": resources that a plugin adds to the tree.
 *
 * A plugin with LINTEL_PLUGIN_TRANSPORT may, beside or instead of serving clients, serve requests: it
 * mounts names at the root of the hub's tree, and gets what clients of every transport send there. One
 * that does only that needs no "lintel.transport/1".
 * The rules of lintel/transport.h count, with the roles exchanged: request() is given an exchange, and
 * each ends with exactly one answer() without LINTEL_ANSWER_MORE, or with abandoned(). All is [inst].
 */
#ifndef LINTEL_EXT_RESOURCES_H
#define LINTEL_EXT_RESOURCES_H
#include "lintel/transport.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_RESOURCES "lintel.resources/1"
typedef struct lintel_host_resources { /* host side */
    uint32_t size, reserved;
    /* Requests whose first path segment is `name` come to this plugin from now on, until its stop(). links:
     * what /.well-known/core shows of them, in link format (RFC 6690); "" = nothing. LINTEL_E_BUSY:
     * the name is the hub's own, or taken. LINTEL_E_RANGE: it is empty, longer than 63 bytes or has a '/',
     * or the links are malformed. LINTEL_E_NOTSUP: before start(), or without request(). */
    lintel_status (*mount)(const lintel_host *h, const char *name, const char *links);
    /* Answers a request; also from inside of request(). LINTEL_ANSWER_MORE counts only where the request had
     * LINTEL_X_OBSERVE and the code is a success; anything else ends the exchange. What comes for a ticket
     * that has ended, or that is another plugin's, is dropped. */
    void (*answer)(const lintel_host *h, lintel_ticket t, const lintel_answer *a);
} lintel_host_resources;

typedef struct lintel_plugin_resources { /* plugin side */
    uint32_t size, reserved;
    /* x->path is whole, `name` included; x is valid until this returns. */
    void (*request)(void *self, lintel_ticket t, const lintel_exchange *x);
    /* Nobody waits for the answer any more (an observation has ended); the ticket is dead already. Not
     * called for what is open at stop(): those who wait are told by the hub. May be NULL. */
    void (*abandoned)(void *self, lintel_ticket t);
} lintel_plugin_resources;

#ifdef __cplusplus
}
#endif
#endif
