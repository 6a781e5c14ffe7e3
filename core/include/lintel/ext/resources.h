/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/resources.h - "lintel.resources/1": resources that a plugin adds to the tree.
 *
 * A plugin with LINTEL_PLUGIN_TRANSPORT may, beside or instead of serving clients, serve requests: it
 * mounts names at the root of the hub's tree, and gets what clients of every transport send there.
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
     * the name is taken. */
    lintel_status (*mount)(const lintel_host *h, const char *name, const char *links);
    /* Answers a request; also from inside of request(). */
    void (*answer)(const lintel_host *h, lintel_ticket t, const lintel_answer *a);
} lintel_host_resources;

typedef struct lintel_plugin_resources { /* plugin side */
    uint32_t size, reserved;
    /* x->path is whole, `name` included; x is valid until this returns. */
    void (*request)(void *self, lintel_ticket t, const lintel_exchange *x);
    /* Nobody waits for the answer any more (an observation has ended). */
    void (*abandoned)(void *self, lintel_ticket t);
} lintel_plugin_resources;

#ifdef __cplusplus
}
#endif
#endif
