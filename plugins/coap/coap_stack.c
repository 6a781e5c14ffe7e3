/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_stack.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_request.h"
#include "plugins/coap/coap_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
bucket(const char *thing)
{
    uint64_t h = lcoap_hash(LCOAP_HASH_START, thing, strlen(thing));
    return (uint32_t)(h ^ h >> 32) & (LCOAP_THING_BUCKETS - 1);
}

struct lcoap_stack *
lcoap_stack_new(struct lcoap_server *s, const char *thing, uint32_t max_sessions)
{
    struct lcoap_stack *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    if (thing != NULL && (k->thing = strdup(thing)) == NULL) {
        free(k);
        return NULL;
    }
    k->server = s;
    k->epoll_fd = -1;
    k->max_sessions = max_sessions;
    k->next = s->stacks;
    k->link = &s->stacks;
    if (k->next != NULL)
        k->next->link = &k->next;
    s->stacks = k;
    if (thing != NULL) {
        struct lcoap_stack **at = &s->things[bucket(thing)];
        k->thing_next = *at;
        *at = k;
    }
    return k;
}

lintel_status
lcoap_stack_open(struct lcoap_stack *k, char *err, size_t nerr)
{
    lintel_status st = LINTEL_E_NOMEM;
    k->context = lcoap_dtls_context(k, err, nerr);
    if (k->context == NULL)
        return LINTEL_E_CONFIG;
    snprintf(err, nerr, "out of memory");
    coap_context_set_max_idle_sessions(k->context, k->max_sessions);
    coap_context_set_csm_max_message_size(k->context,
                                          (uint32_t)(k->server->max_body + LCOAP_MESSAGE_BESIDE));
    if (lcoap_serve_register(k) == 0)
        st = lcoap_listen_open(k, err, nerr);
    if (st == LINTEL_OK)
        st = lcoap_io_join(k, err, nerr);
    if (st != LINTEL_OK)
        lcoap_stack_close(k);
    return st;
}

void
lcoap_stack_close(struct lcoap_stack *k)
{
    lcoap_io_leave(k);
    while (k->peers != NULL)
        lcoap_peer_free(k->peers);
    coap_free_context(k->context);
    k->context = NULL;
}

void
lcoap_stack_free(struct lcoap_stack *k)
{
    if (k == NULL)
        return;
    struct lcoap_server *s = k->server;
    if (!k->turning)
        lcoap_stack_close(k);
    if (k->thing != NULL) {
        struct lcoap_stack **at = &s->things[bucket(k->thing)];
        while (*at != k)
            at = &(*at)->thing_next;
        *at = k->thing_next;
    }
    *k->link = k->next;
    if (k->next != NULL)
        k->next->link = k->link;
    k->thing_next = s->doomed;
    s->doomed = k;
    if (s->busy == 0)
        lcoap_stacks_bury(s);
}

void
lcoap_stacks_bury(struct lcoap_server *s)
{
    while (s->doomed != NULL) {
        struct lcoap_stack *k = s->doomed;
        s->doomed = k->thing_next;
        lcoap_stack_close(k);
        free(k->listeners);
        free(k->thing);
        free(k);
    }
}

struct lcoap_stack *
lcoap_stack_of(const struct lcoap_server *s, const char *thing)
{
    struct lcoap_stack *k = s->things[bucket(thing)];
    while (k != NULL && strcmp(k->thing, thing) != 0)
        k = k->thing_next;
    return k;
}
