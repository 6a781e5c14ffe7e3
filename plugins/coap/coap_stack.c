/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_stack.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_serve.h"

#include <stdio.h>
#include <stdlib.h>

struct lcoap_stack *
lcoap_stack_new(struct lcoap_server *s, bool of_things, uint32_t max_sessions)
{
    struct lcoap_stack *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->server = s;
    k->of_things = of_things;
    k->epoll_fd = -1;
    k->max_sessions = max_sessions;
    k->next = s->stacks;
    k->link = &s->stacks;
    if (k->next != NULL)
        k->next->link = &k->next;
    s->stacks = k;
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
    coap_set_app_data(k->context, k);
    coap_context_set_max_idle_sessions(k->context, k->max_sessions);
    coap_context_set_csm_max_message_size(k->context,
                                          (uint32_t)(k->server->max_body + LCOAP_MESSAGE_BESIDE));
    if (lcoap_serve_register(k) == 0)
        st = lcoap_io_join(k, err, nerr);
    if (st == LINTEL_OK)
        st = lcoap_listen_open(k, err, nerr);
    if (st != LINTEL_OK)
        lcoap_stack_close(k);
    return st;
}

void
lcoap_stack_close(struct lcoap_stack *k)
{
    lcoap_client_forget(k->server->client, k);
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
    lcoap_stack_close(k);
    lcoap_listen_free(k);
    *k->link = k->next;
    if (k->next != NULL)
        k->next->link = k->link;
    free(k);
}
