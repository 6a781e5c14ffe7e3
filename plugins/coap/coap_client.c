/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_response.h"
#include "plugins/coap/coap_session.h"

#include <stdlib.h>
#include <string.h>

#define CODE_BAD_GATEWAY LINTEL_CODE(5, 2)
#define CODE_UNAVAILABLE LINTEL_CODE(5, 3)
#define CODE_TIMEOUT LINTEL_CODE(5, 4)

struct call {
    struct call *next; /* oldest first */
    lintel_ticket ticket;
    coap_address_t to;
    uint64_t peer;           /* session of the peer to use; 0: none */
    coap_session_t *session; /* held; NULL: it waits */
    coap_pdu_t *options;     /* of each message: the method, and all options but Block2 and Echo */
    uint8_t echo[40], necho;
    bool sent, echoed;
    uint32_t failed; /* with this code, to be told in a turn to come; 0: not */
    uint8_t token[8];
    coap_mid_t mid;
    lintel_mono begun, deadline;
    /* A body in blocks, so far. */
    char *body;
    size_t n, room;
    uint8_t szx, etag[8];
    uint32_t netag, restarts;
    size_t npayload;
    char payload[];
};

struct lcoap_client {
    struct lcoap_server *server;
    struct call *calls, **calls_end;
    struct call *ended; /* told; libcoap may still be at work with their sessions */
    uint32_t ncalls;
    uint32_t tokens; /* counted */
};

struct lcoap_client *
lcoap_client_new(struct lcoap_server *s)
{
    struct lcoap_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->server = s;
    c->calls_end = &c->calls;
    coap_prng(&c->tokens, sizeof c->tokens);
    return c;
}

static void
unlink_call(struct lcoap_client *c, struct call *call)
{
    struct call **at = &c->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    if (c->calls_end == &call->next)
        c->calls_end = at;
    c->ncalls--;
}

static void
free_call(struct call *call)
{
    if (call->session != NULL)
        coap_session_release(call->session);
    coap_delete_pdu(call->options);
    free(call->body);
    free(call);
}

static void run(void *arg);

static bool
run_soon(struct lcoap_client *c)
{
    const struct lcoap_server *s = c->server;
    return s->loop->timer(s->host, s->host->now(s->host), run, c) == LINTEL_OK;
}

/* Tells the end of a call, whose answer may stand in it. */
static void
finish(struct lcoap_client *c, struct call *call, const lintel_answer *a)
{
    struct lcoap_server *s = c->server;
    unlink_call(c, call);
    call->next = c->ended;
    c->ended = call;
    (void)run_soon(c);
    s->tree->reply(s->host, call->ticket, a);
}

static void
finish_with(struct lcoap_client *c, struct call *call, uint32_t code)
{
    lintel_answer a = {.size = sizeof a, .code = code, .format = LINTEL_FORMAT_NONE};
    finish(c, call, &a);
}

/* Ends a call in a turn to come. */
static void
fail(struct lcoap_client *c, struct call *call, uint32_t code)
{
    call->failed = code;
    (void)run_soon(c);
}

static void
free_ended(struct lcoap_client *c)
{
    while (c->ended != NULL) {
        struct call *call = c->ended;
        c->ended = call->next;
        free_call(call);
    }
}

void
lcoap_client_free(struct lcoap_client *c)
{
    if (c == NULL)
        return;
    c->server->client = NULL; /* who is told of an end sends no more */
    while (c->calls != NULL)
        finish_with(c, c->calls, CODE_UNAVAILABLE);
    c->server->loop->timer(c->server->host, 0, run, c);
    free_ended(c);
    free(c);
}

/* Whether a session is of the stack, or if a place is given, of a peer of it. */
static bool
is_of(const coap_session_t *session, const struct lcoap_stack *k, const struct lcoap_place *place)
{
    if (session == NULL || coap_session_get_context(session) != k->context)
        return false;
    const struct lcoap_peer *peer = coap_session_get_app_data(session);
    return place == NULL || (peer != NULL && peer->place == place);
}

void
lcoap_client_forget(struct lcoap_client *c, const struct lcoap_stack *k,
                    const struct lcoap_place *place)
{
    if (c == NULL)
        return;
    free_ended(c);
    for (struct call *call = c->calls; call != NULL; call = call->next) {
        if (!is_of(call->session, k, place))
            continue;
        coap_session_release(call->session);
        call->session = NULL;
        fail(c, call, CODE_UNAVAILABLE);
    }
}

/* Method, and what the exchange and the URI say, but for Block2 and Echo. NULL: it can't be
 * written. */
static coap_pdu_t *
write_options(const char *uri, const lintel_exchange *x)
{
    coap_pdu_t *p =
        coap_pdu_init(COAP_MESSAGE_CON, (coap_pdu_code_t)x->method, 0, LCOAP_MESSAGE_ROOM);
    bool ok = p != NULL;
    for (uint32_t i = 0; ok && i < x->netag && i < LCOAP_MAX_ETAGS; i++)
        ok = x->etag[i].n >= 1 && x->etag[i].n <= 8 &&
             coap_add_option(p, COAP_OPTION_ETAG, x->etag[i].n, (const uint8_t *)x->etag[i].p) != 0;
    if (x->flags & LINTEL_X_IF_NONE_MATCH)
        ok = ok && coap_add_option(p, COAP_OPTION_IF_NONE_MATCH, 0, NULL) != 0;
    ok = ok && lcoap_uri_put_path(uri, p);
    if (x->format >= 0)
        ok = ok && lcoap_put_number(p, COAP_OPTION_CONTENT_FORMAT, (uint32_t)x->format);
    ok = ok && lcoap_uri_put_query(uri, p);
    if (x->naccept > 0)
        ok = ok && lcoap_put_number(p, COAP_OPTION_ACCEPT, (uint32_t)x->accept[0]);
    if (ok)
        return p;
    coap_delete_pdu(p);
    return NULL;
}

static bool
same_address(const coap_address_t *a, const coap_address_t *b)
{
    struct lcoap_client_key one, other;
    lcoap_client_key(a, &one);
    lcoap_client_key(b, &other);
    return memcmp(&one, &other, sizeof one) == 0 &&
           coap_address_get_port(a) == coap_address_get_port(b);
}

/* Of a link-local address, the interface has to be said. */
static void
set_scope(coap_address_t *a, uint32_t scope)
{
    if (a->addr.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->addr.sin6.sin6_addr) &&
        a->addr.sin6.sin6_scope_id == 0)
        a->addr.sin6.sin6_scope_id = scope;
}

static uint32_t
calls_to(const struct lcoap_client *c, const coap_address_t *to)
{
    uint32_t n = 0;
    for (const struct call *call = c->calls; call != NULL; call = call->next)
        n += same_address(&call->to, to);
    return n;
}

lintel_status
lcoap_client_send(void *self, const char *uri, const lintel_exchange *x, lintel_ticket t)
{
    struct lcoap_server *s = self;
    struct lcoap_client *c = s->client;
    coap_address_t to;
    if (c == NULL)
        return LINTEL_E_LINK;
    if (x->method < LINTEL_GET || x->method > LINTEL_IPATCH || (x->flags & LINTEL_X_OBSERVE) ||
        x->payload.n > LCOAP_MAX_CALL_BODY)
        return LINTEL_E_NOTSUP;
    lintel_status st = lcoap_uri_address(uri, &to);
    if (st != LINTEL_OK)
        return st;
    if (lcoap_is_group(&to) || coap_address_isany(&to))
        return LINTEL_E_ADDRESS;
    set_scope(&to, x->scope);
    if (c->ncalls >= LCOAP_MAX_CALLS || calls_to(c, &to) >= LCOAP_MAX_CALLS_TO)
        return LINTEL_E_BUSY;
    coap_pdu_t *options = write_options(uri, x);
    if (options == NULL)
        return LINTEL_E_ADDRESS;
    struct call *call = calloc(1, sizeof *call + x->payload.n);
    if (call == NULL) {
        coap_delete_pdu(options);
        return LINTEL_E_NOMEM;
    }
    call->ticket = t;
    call->to = to;
    call->peer = x->session;
    call->options = options;
    call->npayload = x->payload.n;
    if (x->payload.n > 0)
        memcpy(call->payload, x->payload.p, x->payload.n);
    *c->calls_end = call;
    c->calls_end = &call->next;
    c->ncalls++;
    if (run_soon(c))
        return LINTEL_OK;
    unlink_call(c, call);
    free_call(call);
    return LINTEL_E_NOMEM;
}

/* The session of the peer, if it lives and leads to where the call goes. It stays a server's
 * session for libcoap: of one that is turned into a client's, 4.3.1 says that its socket is closed.
 */
static coap_session_t *
session_of_peer(const struct lcoap_server *s, const struct call *call)
{
    for (const struct lcoap_stack *k = s->stacks; k != NULL && call->peer != 0; k = k->next)
        for (const struct lcoap_peer *p = k->peers; p != NULL; p = p->next)
            if (p->number == call->peer)
                return coap_session_get_proto(p->session) == COAP_PROTO_UDP &&
                               same_address(coap_session_get_addr_remote(p->session), &call->to)
                           ? coap_session_reference(p->session)
                           : NULL;
    return NULL;
}

/* Random, and counted: never the same twice. */
static void
new_token(struct lcoap_client *c, uint8_t token[8])
{
    uint32_t n = ++c->tokens;
    coap_prng(token, 4);
    memcpy(token + 4, &n, sizeof n);
}

/* Writes the next message of a call; NULL: no memory. */
static coap_pdu_t *
write_message(struct lcoap_client *c, struct call *call)
{
    coap_pdu_t *p =
        coap_pdu_init(COAP_MESSAGE_CON, coap_pdu_get_code(call->options),
                      coap_new_message_id(call->session), coap_session_max_pdu_size(call->session));
    uint32_t num = (uint32_t)(call->n >> (call->szx + 4));
    new_token(c, call->token);
    bool ok = p != NULL && coap_add_token(p, sizeof call->token, call->token) != 0 &&
              lcoap_answer_copy_options(call->options, p);
    if (call->n > 0)
        ok = ok && lcoap_put_number(p, COAP_OPTION_BLOCK2, num << 4 | call->szx);
    if (call->necho > 0)
        ok = ok && coap_add_option(p, COAP_OPTION_ECHO, call->necho, call->echo) != 0;
    if (call->npayload > 0)
        ok = ok && coap_add_data(p, call->npayload, (const uint8_t *)call->payload) != 0;
    if (ok)
        return p;
    coap_delete_pdu(p);
    return NULL;
}

/* Sends the next message of a call, or fails it. */
static void
transmit(struct lcoap_client *c, struct call *call)
{
    struct lcoap_server *s = c->server;
    struct lcoap_stack *k = coap_get_app_data(coap_session_get_context(call->session));
    lintel_mono now = s->host->now(s->host);
    coap_pdu_t *p = write_message(c, call);
    call->sent = true;
    call->deadline = now + LCOAP_TRANSMIT_WAIT;
    if (call->deadline > call->begun + LCOAP_CALL_MOST)
        call->deadline = call->begun + LCOAP_CALL_MOST;
    if (p == NULL) {
        fail(c, call, LINTEL_CODE(5, 0));
        return;
    }
    call->mid = lcoap_session_send(call->session, p);
    if (call->mid == COAP_INVALID_MID)
        fail(c, call, CODE_TIMEOUT); /* there is no way to this address */
    else {
        lcoap_io_sent_confirmable(k);
        (void)run_soon(c);
    }
}

static bool
is_under_way(const struct lcoap_client *c, const coap_address_t *to)
{
    for (const struct call *call = c->calls; call != NULL; call = call->next)
        if (call->sent && same_address(&call->to, to))
            return true;
    return false;
}

static void
begin(struct lcoap_client *c, struct call *call)
{
    struct lcoap_server *s = c->server;
    bool fed = lcoap_reserve_give(s);
    call->begun = s->host->now(s->host);
    call->session = session_of_peer(s, call);
    if (call->session == NULL && fed) {
        call->session = coap_new_client_session(s->hub->context, NULL, &call->to, COAP_PROTO_UDP);
        lcoap_io_mark_sockets(s->hub);
    }
    if (call->session != NULL)
        transmit(c, call);
    else
        fail(c, call, fed ? CODE_TIMEOUT : CODE_UNAVAILABLE);
    lcoap_reserve_take(s);
}

/* Ends what is over, begins what may begin, and comes again when the next is over. */
static void
run(void *arg)
{
    struct lcoap_client *c = arg;
    struct lcoap_server *s = c->server;
    lintel_mono now = s->host->now(s->host), next = 0;
    free_ended(c);
    for (struct call *call = c->calls, *after; call != NULL; call = after) {
        after = call->next;
        if (call->failed == 0 && call->sent && call->deadline <= now)
            call->failed = CODE_TIMEOUT;
        if (call->failed != 0) {
            finish_with(c, call, call->failed);
            return; /* the tree may have sent more; it comes again at once */
        }
        if (!call->sent && !is_under_way(c, &call->to))
            begin(c, call);
        if (call->failed != 0)
            return;
        if (call->sent && (next == 0 || call->deadline < next))
            next = call->deadline;
    }
    s->loop->timer(s->host, next, run, c);
}

static struct call *
call_of(const struct lcoap_client *c, const coap_session_t *session, coap_bin_const_t token)
{
    struct call *call = c->calls;
    while (call != NULL && (!call->sent || call->failed != 0 || call->session != session ||
                            token.length != sizeof call->token ||
                            memcmp(call->token, token.s, sizeof call->token) != 0))
        call = call->next;
    return call;
}

bool
lcoap_client_nack(struct lcoap_client *c, const coap_session_t *session, coap_mid_t mid)
{
    struct call *call = c != NULL ? c->calls : NULL;
    while (call != NULL && (!call->sent || call->session != session || call->mid != mid))
        call = call->next;
    if (call == NULL)
        return false;
    fail(c, call, CODE_TIMEOUT);
    return true;
}

/* Adds a block to the body. 0; or the code that the call ends with. */
static uint32_t
append(struct lcoap_client *c, struct call *call, const struct lcoap_response *r)
{
    lintel_span part = r->answer.payload;
    size_t max = c->server->max_body;
    if (part.n > max || call->n > max - part.n)
        return CODE_BAD_GATEWAY;
    if (call->n + part.n > call->room) {
        size_t room = call->room * 2 > call->n + part.n ? call->room * 2 : call->n + part.n;
        char *body = realloc(call->body, room);
        if (body == NULL)
            return LINTEL_CODE(5, 0);
        call->body = body;
        call->room = room;
    }
    if (part.n > 0)
        memcpy(call->body + call->n, part.p, part.n);
    call->n += part.n;
    return 0;
}

/* Whether this block belongs to the same body as those before. */
static bool
continues(const struct call *call, const struct lcoap_response *r)
{
    const lintel_answer *a = &r->answer;
    return call->netag == a->netag && memcmp(call->etag, a->etag, a->netag) == 0;
}

/* A response with Block2. 0: more blocks are asked for; else the code that the call ends with, or
 * the answer's own: the body is whole. */
static uint32_t
take_block(struct lcoap_client *c, struct call *call, const struct lcoap_response *r)
{
    const lintel_answer *a = &r->answer;
    uint32_t method = (uint32_t)coap_pdu_get_code(call->options);
    if (call->n > 0 && !continues(call, r)) { /* it has changed: once more from the start */
        if (++call->restarts > LCOAP_MAX_RESTARTS)
            return CODE_BAD_GATEWAY;
        call->n = 0;
        transmit(c, call);
        return 0;
    }
    if ((size_t)r->block2.num << (r->block2.szx + 4) != call->n)
        return CODE_BAD_GATEWAY;
    uint32_t code = append(c, call, r);
    if (code != 0)
        return code;
    if (!r->block2.more)
        return a->code;
    if (method != LINTEL_GET && method != LINTEL_FETCH)
        return CODE_BAD_GATEWAY;
    call->szx = r->block2.szx;
    call->netag = a->netag;
    memcpy(call->etag, a->etag, sizeof call->etag);
    transmit(c, call);
    return 0;
}

/* What the peer wants to see again; whether the call goes on with it. */
static bool
take_echo(struct lcoap_client *c, struct call *call, const struct lcoap_response *r)
{
    if (r->answer.code != LINTEL_CODE(4, 1) || r->echo.n == 0 || call->echoed)
        return false;
    call->echoed = true;
    call->necho = (uint8_t)r->echo.n;
    memcpy(call->echo, r->echo.p, r->echo.n);
    transmit(c, call);
    call->necho = 0; /* it is good for one message */
    return true;
}

static void
take_response(struct lcoap_client *c, struct call *call, const coap_pdu_t *pdu)
{
    struct lcoap_response r;
    if (!lcoap_response_read(pdu, &r)) {
        finish_with(c, call, CODE_BAD_GATEWAY);
        return;
    }
    if (take_echo(c, call, &r))
        return;
    if (r.block2.given && r.answer.code >> 5 == 2) {
        uint32_t code = take_block(c, call, &r);
        if (code == 0)
            return;
        if (code != r.answer.code) {
            finish_with(c, call, code);
            return;
        }
        r.answer.payload = (lintel_span){call->body, call->n};
    } else if (r.answer.payload.n > c->server->max_body) {
        finish_with(c, call, CODE_BAD_GATEWAY);
        return;
    }
    finish(c, call, &r.answer);
}

coap_response_t
lcoap_client_response(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received,
                      const coap_mid_t mid)
{
    const struct lcoap_stack *k = coap_get_app_data(coap_session_get_context(session));
    struct lcoap_client *c = k->server->client;
    struct call *call = c != NULL ? call_of(c, session, coap_pdu_get_token(received)) : NULL;
    bool piggybacked = coap_pdu_get_type(received) == COAP_MESSAGE_ACK;
    (void)sent;
    /* Nobody waits for it: rejected, but an acknowledgement never is (RFC 7252 4.2). */
    if (call == NULL || (piggybacked && call->mid != mid))
        return piggybacked ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL;
    take_response(c, call, received);
    return COAP_RESPONSE_OK;
}
