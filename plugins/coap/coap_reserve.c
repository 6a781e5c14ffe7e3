/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_listen.h"

#include <stdlib.h>

/* The pointer is volatile, or a compiler may leave out what is never read. */
static void
hold(struct lcoap_reserve *r)
{
    if (r->block == NULL && r->bytes > 0 && !r->refused)
        r->block = malloc(r->bytes);
}

void
lcoap_reserve_init(struct lcoap_server *s)
{
    s->reserve.bytes = lcoap_listen_is_secure(s->hub) ? LCOAP_RESERVE_SECURE : LCOAP_RESERVE;
    hold(&s->reserve);
}

void
lcoap_reserve_fini(struct lcoap_server *s)
{
    free(s->reserve.block);
    s->reserve.block = NULL;
    s->reserve.bytes = 0;
}

bool
lcoap_reserve_give(struct lcoap_server *s)
{
    struct lcoap_reserve *r = &s->reserve;
    if (r->given++ == 0) {
        hold(r);
        r->whole = r->block != NULL;
        free(r->block);
        r->block = NULL;
    }
    return r->whole;
}

void
lcoap_reserve_take(struct lcoap_server *s)
{
    if (--s->reserve.given == 0)
        hold(&s->reserve);
}
