/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_serve.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_fast.h"
#include "plugins/coap/coap_group.h"
#include "plugins/coap/coap_guard.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_observe.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_session.h"
#include "plugins/coap/coap_places.h"

#include <arpa/inet.h>
#include <string.h>

enum { REFUSAL = 256 }; /* bytes of memory, at least, for an answer that waits */

/* A GET is repeated without harm, and costs no record; but not while the first one is being worked
 * on. */
static bool
is_repeated(struct lcoap_peer *peer, const coap_pdu_t *request, uint32_t method, lintel_mono now,
            coap_pdu_t *response)
{
    uint16_t mid = (uint16_t)coap_pdu_get_mid(request);
    bool confirmable = coap_pdu_get_type(request) == COAP_MESSAGE_CON;
    struct lcoap_replies *all = peer->server->replies;

    if (peer->stream)
        return false; /* it has no message ids, and needs none */
    for (const struct lcoap_exchange *x = peer->open; x != NULL; x = x->next)
        if (x->mid == mid && !x->answered)
            return true;
    if (method == LINTEL_GET)
        return false;
    if (lcoap_replies_repeat(all, peer, mid, now, response))
        return true; /* no answer is kept of a non-confirmable one: ignored (RFC 7252 4.5) */
    lcoap_replies_add(all, peer, mid,
                      now + (confirmable ? LCOAP_EXCHANGE_LIFETIME : LCOAP_NON_LIFETIME));
    lcoap_io_housekeep(peer->server);
    return false;
}

/* Opens an exchange for what is answered to the request, with the tree or without. NULL: there is
 * no room. */
static struct lcoap_exchange *
open_exchange(struct lcoap_peer *peer, const struct lcoap_request *r, const coap_pdu_t *request)
{
    struct lcoap_server *s = peer->server;
    coap_bin_const_t token = coap_pdu_get_token(request);
    struct lcoap_exchange *x = token.length <= sizeof x->token ? lcoap_exchange_new(peer) : NULL;
    if (x == NULL)
        return NULL;
    x->ntoken = (uint8_t)token.length;
    if (token.length > 0)
        memcpy(x->token, token.s, token.length);
    x->mid = (uint16_t)coap_pdu_get_mid(request);
    if (!peer->stream)
        lcoap_exchange_count(x);
    x->confirmable = !peer->stream && coap_pdu_get_type(request) == COAP_MESSAGE_CON;
    x->method = (uint8_t)r->x.method;
    x->no_response = r->no_response;
    if (peer->flags & LINTEL_X_LIMITED)
        x->room = lcoap_guard_room(peer, request, s->host->now(s->host));
    return x;
}

/* There was no memory for the whole response, and what is in it can't be taken out again: it
 * becomes an empty one, and what it should have said comes later. */
static bool
answer_late(struct lcoap_exchange *x, coap_pdu_t *response, const lintel_answer *a)
{
    bool late = lcoap_owe(x, a);
    coap_pdu_set_code(response, late ? COAP_EMPTY_CODE : COAP_RESPONSE_CODE_INTERNAL_ERROR);
    return late;
}

/* Serves a later block of an answer that was kept. */
static bool
serve_kept_block(struct lcoap_peer *peer, const struct lcoap_request *r, uint64_t key,
                 lintel_mono now, const coap_pdu_t *request, coap_pdu_t *response)
{
    struct lcoap_answer_how how = {.block2 = r->block2, .room = lcoap_peer_room(peer)};
    lintel_answer a;
    if (!lcoap_download_find(peer, key, r->x.payload, now, &a))
        return false;
    if (lcoap_answer_write(response, &how, &a))
        return true;
    struct lcoap_exchange *x = open_exchange(peer, r, request);
    a.code = LINTEL_CODE(5, 3); /* it can be asked for again */
    if (x == NULL)
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    else
        x->ended = answer_late(x, response, &a);
    if (x != NULL && !x->ended)
        lcoap_exchange_free(x);
    return true;
}

/* Registers, renews or ends an observation; returns whether the exchange is to observe. */
static bool
observe_option(struct lcoap_peer *peer, const struct lcoap_request *r, coap_bin_const_t token,
               uint32_t *ret_sequence)
{
    struct lcoap_server *s = peer->server;
    if (r->observe == LCOAP_OBSERVE_NONE || r->block2.num != 0 ||
        (r->x.method != LINTEL_GET && r->x.method != LINTEL_FETCH))
        return false;
    struct lcoap_exchange *old = lcoap_observation(peer, token);
    if (old != NULL) {
        *ret_sequence = old->sequence; /* it must grow for the client (RFC 7641 4.4) */
        lcoap_exchange_drop(old);
    }
    return r->observe == LCOAP_OBSERVE_REGISTER && s->nobservers < s->max_observers;
}

/* Hands the request to the tree. The answer is in `response`, or will come. */
static void
submit(struct lcoap_peer *peer, struct lcoap_request *r, uint64_t key, const coap_pdu_t *request,
       coap_pdu_t *response)
{
    struct lcoap_server *s = peer->server;
    coap_bin_const_t token = coap_pdu_get_token(request);
    uint32_t sequence = 0;
    bool observe = observe_option(peer, r, token, &sequence);
    struct lcoap_exchange *x = open_exchange(peer, r, request);

    if (x == NULL) {
        lcoap_answer_error(response, LINTEL_CODE(5, 3),
                           "too many requests under way, try again later");
        return;
    }
    if (peer->flags & LINTEL_X_MULTICAST) {
        x->group = true;
        x->interface = coap_session_get_ifindex(peer->session);
        x->port = htons(coap_address_get_port(&peer->local));
    }
    x->block1 = r->block1;
    x->block2 = r->block2;
    x->key = key;
    x->sequence = sequence;
    if (observe) {
        x->observe = true;
        s->nobservers++;
        /* Observers take turns in being sent a confirmable one: a change that all of them are told
         * of must not bring all their acknowledgements at once. */
        x->nons = (uint8_t)(s->observed++ % LCOAP_CON_EVERY);
        x->last_con = s->host->now(s->host);
        r->x.flags |= LINTEL_X_OBSERVE;
    }
    r->x.flags |= peer->flags;
    r->x.identity = peer->identity != NULL ? peer->identity : "";
    r->x.authority = peer->identity != NULL ? peer->authority : "";
    r->x.session = peer->number;
    r->x.origin = peer->stream ? NULL : peer->origin;
    r->x.scope = peer->scope;
    r->x.peer = peer->text;
    r->x.thing = lcoap_place_thing(peer->place);
    r->x.base = peer->base;
    r->x.cookie = x;

    x->inside = true;
    x->request = r;
    x->pdu = request;
    x->response = response;
    x->ticket = s->tree->submit(s->host, &r->x);
    x->inside = false;
    x->request = NULL;
    x->pdu = NULL;
    x->response = NULL;
    if (x->ticket == 0 && !x->answered && x->owed == 0) {
        s->host->log(s->host, LINTEL_LOG_ERROR, "the tree ended a request without an answer");
        lcoap_answer_error(response, LINTEL_CODE(5, 0), "no answer");
    }
    if (x->ticket == 0)
        x->ended = true;
    if (x->ended && x->kept == NULL && x->owed == 0)
        lcoap_exchange_free(x);
    else if (x->answered)
        lcoap_exchange_settle(x);
    else if (key == 0)
        x->key = lcoap_request_key(request); /* for blocks of the answer to come */
}

static size_t
payload_bytes(const coap_pdu_t *pdu)
{
    const uint8_t *data;
    size_t n = 0;
    return coap_get_data(pdu, &n, &data) != 0 ? n : 0;
}

/* What comes before each request of a stream. False: it may not be served. */
static bool
admit(struct lcoap_peer *peer, lintel_mono now)
{
    if (!peer->stream)
        return true;
    peer->heard = now;
    if (lcoap_session_takes(peer, 0))
        return true;
    (void)lcoap_session_takes(peer, REFUSAL);
    return false;
}

/* Whether the client asks too much, or has to prove its address first: `response` says so. */
static bool
hold_off(const struct lcoap_peer *peer, const struct lcoap_request *r, coap_pdu_t *response)
{
    static const char why[] = "too many requests of this client, try again later";
    const lintel_host *h = peer->server->host;
    if ((peer->flags & LINTEL_X_LIMITED) == 0)
        return false;
    /* A body in blocks counts as one request; a GET has none. */
    bool counted = r->block1.num > 0 && r->x.method != LINTEL_GET;
    uint32_t wait = counted ? 0 : lcoap_guard_count(peer, r, h->now(h));
    if (wait > 0) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(4, 29),
                           .format = LINTEL_FORMAT_NONE,
                           .max_age = wait,
                           .payload = {why, sizeof why - 1}};
        lcoap_answer_write(response, &(struct lcoap_answer_how){.block1 = NULL}, &a);
        return true;
    }
    /* One registration would bring many notifications. */
    if (r->observe != LCOAP_OBSERVE_REGISTER || !lcoap_guard_unproved(peer, h->now(h)))
        return false;
    lcoap_guard_demand(peer, response);
    return true;
}

/* Takes the request's part of a body. 0: it is whole; else the code to answer with. */
static uint32_t
take_body(struct lcoap_peer *peer, struct lcoap_request *r, uint64_t key, lintel_mono now,
          struct lcoap_transfer **ret_upload, const char **ret_why)
{
    uint32_t method = r->x.method;
    if (r->block2.num > 0 && method != LINTEL_GET && method != LINTEL_FETCH) {
        *ret_why = "the answer is not kept any more: send the request again";
        return LINTEL_CODE(4, 8);
    }
    if (r->block1.given && method != LINTEL_GET)
        return lcoap_upload(peer, key, r, now, ret_upload, ret_why);
    *ret_why = "the body is larger than this server's maxBody";
    return r->x.payload.n > peer->server->max_body ? LINTEL_CODE(4, 13) : 0;
}

/* A request that was read: the answer is in `response`, or will come. */
static void
serve_read(struct lcoap_peer *peer, struct lcoap_request *r, const coap_pdu_t *request,
           coap_pdu_t *response)
{
    struct lcoap_server *s = peer->server;
    struct lcoap_transfer *upload = NULL;
    const char *why = NULL;
    uint64_t key = 0;
    lintel_mono now = 0;

    if (r->echo.n > 0)
        lcoap_guard_read(peer, r, s->host->now(s->host));
    if (r->block1.given || r->block2.given) {
        key = lcoap_request_key(request);
        now = s->host->now(s->host);
        lcoap_io_housekeep(s);
    }
    if ((r->block2.num > 0 && serve_kept_block(peer, r, key, now, request, response)) ||
        hold_off(peer, r, response))
        return;
    uint32_t code = take_body(peer, r, key, now, &upload, &why);
    if (code == LINTEL_CODE(2, 31)) {
        lintel_answer a = {.size = sizeof a, .code = code, .format = LINTEL_FORMAT_NONE};
        lcoap_answer_write(response, &(struct lcoap_answer_how){.block1 = &r->block1}, &a);
    } else if (code == LINTEL_CODE(4, 13))
        lcoap_answer_too_large(response, (uint32_t)s->max_body, why);
    else if (code != 0)
        lcoap_answer_error(response, code, why);
    else
        submit(peer, r, key, request, response);
    lcoap_upload_done(peer, upload);
}

static void
serve_request(struct lcoap_peer *peer, const coap_pdu_t *request, coap_pdu_t *response)
{
    struct lcoap_server *s = peer->server;
    uint32_t method = (uint32_t)coap_pdu_get_code(request);
    struct lcoap_request r;
    const char *why = NULL;

    /* The clock is asked only where it counts. */
    lintel_mono now =
        method != LINTEL_GET || peer->nopen > 0 || peer->stream ? s->host->now(s->host) : 0;
    if (!admit(peer, now)) {
        lcoap_answer_error(response, LINTEL_CODE(5, 3),
                           "answers wait in this connection, read them first");
        return;
    }
    if (is_repeated(peer, request, method, now, response))
        return;
    uint32_t code = lcoap_request_read(request, peer->stream, &r, &why);
    if (code != 0)
        lcoap_answer_error(response, code, why);
    else
        serve_read(peer, &r, request, response);
    if (peer->stream)
        (void)lcoap_session_takes(peer, payload_bytes(response));
    else if (method != LINTEL_GET && coap_pdu_get_code(response) != COAP_EMPTY_CODE &&
             coap_pdu_get_type(request) == COAP_MESSAGE_CON)
        lcoap_replies_answer(s->replies, peer, (uint16_t)coap_pdu_get_mid(request), response);
}

/* What a group was asked is answered later, or never: `response` stays empty. */
static void
serve_group(struct lcoap_peer *peer, const coap_pdu_t *request, coap_pdu_t *response)
{
    struct lcoap_server *s = peer->server;
    lintel_mono now = s->host->now(s->host);
    uint16_t mid = (uint16_t)coap_pdu_get_mid(request);
    struct lcoap_request r;
    const char *why;

    if (coap_pdu_get_type(request) != COAP_MESSAGE_NON ||
        lcoap_request_read(request, false, &r, &why) != 0 || !lcoap_group_wants(peer, &r) ||
        lcoap_replies_repeat(s->replies, peer, mid, now, response) ||
        ((peer->flags & LINTEL_X_LIMITED) != 0 && lcoap_guard_count(peer, &r, now) > 0))
        return;
    lcoap_replies_add(s->replies, peer, mid, now + LCOAP_NON_LIFETIME);
    lcoap_io_housekeep(s);
    r.observe = LCOAP_OBSERVE_NONE;
    submit(peer, &r, lcoap_request_key(request), request, response);
    coap_pdu_set_code(response, COAP_EMPTY_CODE); /* whatever was refused */
}

/* coap_method_handler_t for every path and method. */
static void
serve(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
      const coap_string_t *query, coap_pdu_t *response)
{
    struct lcoap_stack *stack = coap_resource_get_userdata(resource);
    struct lcoap_guard guard;

    /* Only listeners are served, not what the hub's own requests have opened. */
    if (coap_session_get_type(session) != COAP_SESSION_TYPE_SERVER) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_IMPLEMENTED);
        return;
    }
    stack->served++;
    (void)query; /* percent-encoded and joined by libcoap; the options are read instead */
    struct lcoap_peer *peer = lcoap_peer_of(stack, session);
    if (peer == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    /* libcoap gives a non-confirmable answer the id of the request. Ours must be one stream, or a
     * client takes a notification for a repetition (RFC 7252 4.4). */
    if (coap_pdu_get_type(request) == COAP_MESSAGE_NON)
        coap_pdu_set_mid(response, coap_new_message_id(session));
    if (peer->flags & LINTEL_X_MULTICAST) {
        serve_group(peer, request, response);
        return;
    }
    if (!peer->known) { /* before anything is judged by who asks */
        lcoap_session_ready(peer);
        lcoap_dtls_identify(peer);
        if (!peer->known) { /* no memory: it is not taken for somebody else */
            coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
            return;
        }
    }
    coap_pdu_t *to = lcoap_guard_begin(&guard, peer, request, response);
    if (to == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        return;
    }
    serve_request(peer, request, to);
    lcoap_guard_end(&guard);
}

/* The first answer, while submit() runs: into the response that libcoap has ready. Whether it is
 * there. */
static bool
answer_inside(struct lcoap_exchange *x, const lintel_answer *a)
{
    uint8_t echo[LCOAP_ECHO_ROOM];
    struct lcoap_answer_how how = {.block1 = &x->block1,
                                   .block2 = x->block2,
                                   .room = lcoap_peer_room(x->peer),
                                   .notify = (a->flags & LINTEL_ANSWER_MORE) != 0,
                                   .echo = lcoap_guard_echo(x->peer, a, echo)};
    lintel_answer answer = *a;
    if (how.notify)
        how.observe = ++x->sequence;
    if (how.notify && x->key == 0)
        x->key = lcoap_request_key(x->pdu);
    if (lcoap_answer_is_large(a, &how)) {
        struct lcoap_server *s = x->peer->server;
        uint64_t key = x->key != 0 ? x->key : lcoap_request_key(x->pdu);
        lcoap_answer_tag(&answer);
        lcoap_download_keep(x->peer, key, x->request->x.payload, &answer, s->host->now(s->host));
        lcoap_io_housekeep(s);
    }
    return lcoap_answer_write(x->response, &how, &answer) || !answer_late(x, x->response, &answer);
}

void
lcoap_serve_answer(void *self, void *cookie, const lintel_answer *a)
{
    struct lcoap_exchange *x = cookie;
    (void)self;
    if (x->fast != NULL) {
        lcoap_fast_answer(x->fast, a);
        return;
    }
    struct lcoap_server *s = x->peer->server;
    (void)lcoap_reserve_give(s);
    if (!(a->flags & LINTEL_ANSWER_MORE))
        x->ended = true;
    if (x->group) {
        lcoap_group_answer(x, a);
        x->answered = true;
        if (!x->inside)
            lcoap_exchange_free(x);
    } else if (x->answered)
        lcoap_notify(x, a);
    else if (x->inside)
        x->answered = answer_inside(x, a);
    else
        lcoap_send_separate(x, a);
    lcoap_reserve_take(s);
}

int
lcoap_serve_register(struct lcoap_stack *stack)
{
    static const coap_request_t methods[] = {
        COAP_REQUEST_GET,   COAP_REQUEST_POST,  COAP_REQUEST_PUT,   COAP_REQUEST_DELETE,
        COAP_REQUEST_FETCH, COAP_REQUEST_PATCH, COAP_REQUEST_IPATCH};
    /* Beside the catch-all, libcoap's own /.well-known/core must be overridden by name. */
    coap_resource_t *all[] = {
        coap_resource_unknown_init2(serve, 0),
        coap_resource_init(coap_make_str_const(".well-known/core"), 0),
    };
    if (all[0] == NULL || all[1] == NULL)
        return -1;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++)
            coap_register_request_handler(all[i], methods[m], serve);
        coap_resource_set_userdata(all[i], stack);
        coap_add_resource(stack->context, all[i]);
    }
    return 0;
}
