/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_session.h"

#include <stdlib.h>
#include <string.h>

enum { TLS_RECORD = 16 << 10 }; /* bytes */

/* Never given twice: the library is never unloaded, and transports run on one thread. */
static uint64_t
next_number(void)
{
    static uint64_t last;
    return ++last;
}

uint32_t
lcoap_flags_of(const struct lcoap_stack *k, coap_proto_t protocol, const coap_address_t *local,
               const coap_address_t *remote)
{
    const struct lcoap_listener *l = lcoap_listener_of(k, protocol, local);
    bool open = l != NULL && !l->loopback && !l->secure && k->server->unprotected;
    uint32_t flags = (lcoap_is_loopback(remote) ? LINTEL_X_LOOPBACK : 0u) |
                     (open ? LINTEL_X_OPEN : 0u) |
                     (lcoap_is_group(local) ? LINTEL_X_MULTICAST : 0u);
    if (k->server->limit_all || (flags & LINTEL_X_LOOPBACK) == 0)
        flags |= LINTEL_X_LIMITED;
    return flags;
}

void
lcoap_peer_is_secure(struct lcoap_peer *p)
{
    p->flags |= LINTEL_X_SECURE;
    if (!p->server->limit_all)
        p->flags &= ~(uint32_t)LINTEL_X_LIMITED;
}

/* What depends on the local address. On a wildcard listener one peer may use several. */
static void
describe(struct lcoap_peer *p, const coap_address_t *local)
{
    coap_proto_t protocol = coap_session_get_proto(p->session);
    const coap_address_t *remote = coap_session_get_addr_remote(p->session);
    const struct lcoap_listener *l = lcoap_listener_of(p->stack, protocol, local);

    p->local = *local;
    p->place = l != NULL ? l->place : NULL;
    lcoap_address_origin(protocol, local, p->base, sizeof p->base);
    if (!p->stream)
        lcoap_address_origin(protocol, remote, p->origin, sizeof p->origin);
    p->scope = lcoap_address_scope(remote);
    lcoap_address_text(remote, p->text, sizeof p->text);
    p->flags =
        lcoap_flags_of(p->stack, protocol, local, remote) | (p->stream ? LINTEL_X_RELIABLE : 0u);
    if (p->known && p->identity != NULL)
        lcoap_peer_is_secure(p);
}

struct lcoap_peer *
lcoap_peer_of(struct lcoap_stack *stack, coap_session_t *session)
{
    struct lcoap_peer *p = coap_session_get_app_data(session);
    const coap_address_t *local = coap_session_get_addr_local(session);
    if (p == NULL) {
        p = calloc(1, sizeof *p);
        if (p == NULL)
            return NULL;
        p->server = stack->server;
        p->stack = stack;
        p->session = session;
        p->number = next_number();
        p->fd = -1;
        p->stream = lcoap_is_stream(coap_session_get_proto(session));
        p->secure = lcoap_is_secure(coap_session_get_proto(session));
        p->waiting_end = &p->waiting;
        p->next = stack->peers;
        p->link = &stack->peers;
        if (p->next != NULL)
            p->next->link = &p->next;
        stack->peers = p;
        coap_session_set_app_data(session, p);
        coap_session_set_ack_timeout(
            session, (coap_fixed_point_t){(uint16_t)(p->server->ack_timeout_ms / 1000),
                                          (uint16_t)(p->server->ack_timeout_ms % 1000)});
        coap_session_set_max_retransmit(session, (uint16_t)p->server->max_retransmit);
        describe(p, local);
    } else if (!coap_address_equals(&p->local, local))
        describe(p, local);
    return p;
}

/* libcoap 4.3.1 with GnuTLS loses what does not fit one record of TLS. */
static size_t
message_most(const struct lcoap_peer *p)
{
    size_t most = coap_session_max_pdu_size(p->session);
    bool cut = p->secure && coap_get_tls_library_version()->type == COAP_TLS_LIBRARY_GNUTLS;
    return cut && most > TLS_RECORD ? TLS_RECORD : most;
}

size_t
lcoap_peer_room(const struct lcoap_peer *p)
{
    return p->stream ? lcoap_answer_room(message_most(p)) : 0;
}

void
lcoap_peer_free(struct lcoap_peer *p)
{
    while (p->open != NULL)
        lcoap_exchange_drop(p->open);
    while (p->observations != NULL)
        lcoap_exchange_drop(p->observations);
    lcoap_transfers_forget(p);
    lcoap_replies_forget(p->server->replies, p);
    lcoap_session_forget(p);
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
    coap_session_set_app_data(p->session, NULL);
    free(p->identity);
    free(p);
}

static void
link_into(struct lcoap_exchange **list, struct lcoap_exchange *x)
{
    x->next = *list;
    x->link = list;
    if (x->next != NULL)
        x->next->link = &x->next;
    *list = x;
}

static void
unlink_exchange(struct lcoap_exchange *x)
{
    *x->link = x->next;
    if (x->next != NULL)
        x->next->link = x->link;
}

struct lcoap_exchange *
lcoap_exchange_new(struct lcoap_peer *p)
{
    struct lcoap_server *s = p->server;
    struct lcoap_exchange *x = s->free_exchanges;
    if (p->nopen >= LCOAP_MAX_OPEN_PEER || s->nopen >= LCOAP_MAX_OPEN)
        return NULL;
    if (x != NULL)
        s->free_exchanges = x->next;
    else if ((x = malloc(sizeof *x)) == NULL)
        return NULL;
    memset(x, 0, sizeof *x);
    x->peer = p;
    link_into(&p->open, x);
    p->nopen++;
    s->nopen++;
    coap_session_reference(p->session);
    return x;
}

void
lcoap_exchange_count(struct lcoap_exchange *x)
{
    x->counted = true;
    x->peer->server->open_mids[x->mid & 0xff]++;
}

static void
uncount(struct lcoap_exchange *x)
{
    if (x->counted)
        x->peer->server->open_mids[x->mid & 0xff]--;
    x->counted = false;
}

void
lcoap_exchange_settle(struct lcoap_exchange *x)
{
    unlink_exchange(x);
    link_into(&x->peer->observations, x);
    uncount(x);
    x->settled = true;
    x->peer->nopen--;
    x->peer->server->nopen--;
}

static void
stop_waiting(struct lcoap_exchange *x)
{
    struct lcoap_peer *p = x->peer;
    struct lcoap_exchange **at = &p->waiting;
    if (x->kept == NULL)
        return;
    while (*at != x)
        at = &(*at)->wait_next;
    *at = x->wait_next;
    if (p->waiting_end == &x->wait_next)
        p->waiting_end = at;
    free(x->kept);
    x->kept = NULL;
}

void
lcoap_exchange_free(struct lcoap_exchange *x)
{
    struct lcoap_peer *p = x->peer;
    struct lcoap_server *s = p->server;
    lcoap_unnote(x);
    stop_waiting(x);
    unlink_exchange(x);
    uncount(x);
    if (!x->settled) {
        p->nopen--;
        s->nopen--;
    }
    if (x->observe)
        s->nobservers--;
    coap_session_release(p->session);
    x->next = s->free_exchanges;
    s->free_exchanges = x;
}

void
lcoap_exchange_drop(struct lcoap_exchange *x)
{
    struct lcoap_server *s = x->peer->server;
    bool tell = !x->ended;
    lintel_ticket ticket = x->ticket;
    lcoap_exchange_free(x);
    if (tell && ticket != 0)
        s->tree->abandon(s->host, ticket);
}

void
lcoap_exchanges_fini(struct lcoap_server *s)
{
    while (s->free_exchanges != NULL) {
        struct lcoap_exchange *x = s->free_exchanges;
        s->free_exchanges = x->next;
        free(x);
    }
}

void
lcoap_wait(struct lcoap_exchange *x, const lintel_answer *a)
{
    struct lcoap_peer *p = x->peer;
    struct lcoap_kept *k = malloc(sizeof *k + a->payload.n);
    if (k == NULL)
        return; /* the older one stands; the next answer makes it good */
    k->answer = lcoap_answer_kept(a);
    if (a->payload.n > 0)
        memcpy(k->payload, a->payload.p, a->payload.n);
    k->answer.payload = (lintel_span){k->payload, a->payload.n};
    if (x->kept == NULL) {
        x->wait_next = NULL;
        *p->waiting_end = x;
        p->waiting_end = &x->wait_next;
    } else
        k->answer.flags |= x->kept->answer.flags & LINTEL_ANSWER_CONFIRM;
    free(x->kept);
    x->kept = k;
}

struct lcoap_exchange *
lcoap_wait_next(struct lcoap_peer *p)
{
    struct lcoap_exchange *x = p->waiting;
    if (x == NULL)
        return NULL;
    p->waiting = x->wait_next;
    if (p->waiting == NULL)
        p->waiting_end = &p->waiting;
    return x;
}

void
lcoap_note(struct lcoap_exchange *x, uint16_t mid, bool confirmable, lintel_mono now)
{
    struct lcoap_server *s = x->peer->server;
    lcoap_unnote(x);
    struct lcoap_exchange **bucket = &s->notes[mid & (LCOAP_NOTE_BUCKETS - 1)];
    x->note_mid = mid;
    x->note_next = *bucket;
    *bucket = x;
    x->noted = true;
    x->in_flight = confirmable;
    x->landed = false;
    x->flight_since = now;
    x->peer->nflights += confirmable;
    s->nflights += confirmable;
    if (confirmable && x->peer->secure)
        x->peer->stack->nsecret++;
    x->peer->stack->nnotes++;
}

void
lcoap_unnote(struct lcoap_exchange *x)
{
    struct lcoap_server *s = x->peer->server;
    if (!x->noted)
        return;
    struct lcoap_exchange **at = &s->notes[x->note_mid & (LCOAP_NOTE_BUCKETS - 1)];
    while (*at != x)
        at = &(*at)->note_next;
    *at = x->note_next;
    x->peer->nflights -= x->in_flight;
    if (x->in_flight && x->peer->secure)
        x->peer->stack->nsecret--;
    s->nflights -= x->in_flight;
    x->noted = x->in_flight = false;
    x->peer->stack->nnotes--;
}

struct lcoap_exchange *
lcoap_noted(const struct lcoap_stack *stack, const struct lcoap_place *place,
            const coap_address_t *remote, uint16_t mid)
{
    struct lcoap_exchange *x = stack->server->notes[mid & (LCOAP_NOTE_BUCKETS - 1)];
    while (x != NULL &&
           (x->note_mid != mid || x->peer->stack != stack || x->peer->place != place ||
            !coap_address_equals(coap_session_get_addr_remote(x->peer->session), remote)))
        x = x->note_next;
    return x;
}
