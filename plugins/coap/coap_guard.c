/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_guard.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_limit.h"

#define CODE_UNAUTHORIZED LINTEL_CODE(4, 1)
#define HEADER 4 /* of a datagram: RFC 7252 3 */

size_t
lcoap_message_bytes(const coap_pdu_t *pdu)
{
    coap_bin_const_t token = coap_pdu_get_token(pdu);
    const uint8_t *end = token.s + token.length, *data;
    coap_opt_iterator_t it;
    coap_opt_t *opt;
    size_t n;

    /* All stands in one piece, from the token on. */
    if (coap_get_data(pdu, &n, &data) != 0 && n > 0)
        end = data + n;
    else if (coap_option_iterator_init(pdu, &it, COAP_OPT_ALL) != NULL)
        while ((opt = coap_option_next(&it)) != NULL)
            end = coap_opt_value(opt) + coap_opt_length(opt);
    return HEADER + (size_t)(end - token.s);
}

bool
lcoap_guard_unproved(const struct lcoap_peer *peer, lintel_mono now)
{
    return peer->server->limit_answers && (peer->flags & LINTEL_X_LIMITED) != 0 &&
           (peer->flags & LINTEL_X_MULTICAST) == 0 &&
           coap_session_get_proto(peer->session) == COAP_PROTO_UDP && peer->proved_until <= now;
}

uint32_t
lcoap_guard_room(const struct lcoap_peer *peer, const coap_pdu_t *request, lintel_mono now)
{
    if (!lcoap_guard_unproved(peer, now))
        return 0;
    return LCOAP_AMPLIFICATION * (uint32_t)lcoap_message_bytes(request);
}

coap_pdu_t *
lcoap_guard_begin(struct lcoap_guard *g, struct lcoap_peer *peer, const coap_pdu_t *request,
                  coap_pdu_t *response)
{
    struct lcoap_server *s = peer->server;
    *g = (struct lcoap_guard){.peer = peer, .request = request, .response = response};
    if ((peer->flags & LINTEL_X_LIMITED) == 0 || !lcoap_guard_unproved(peer, s->host->now(s->host)))
        return response;
    coap_bin_const_t token = coap_pdu_get_token(request);
    g->draft = coap_pdu_init(coap_pdu_get_type(response), 0, coap_pdu_get_mid(response),
                             coap_session_max_pdu_size(peer->session));
    if (g->draft != NULL && coap_add_token(g->draft, token.length, token.s))
        return g->draft;
    coap_delete_pdu(g->draft);
    g->draft = NULL;
    return NULL;
}

void
lcoap_guard_end(struct lcoap_guard *g)
{
    const struct lcoap_server *s = g->peer->server;
    if (g->draft == NULL)
        return;
    uint32_t room = lcoap_guard_room(g->peer, g->request, s->host->now(s->host));
    if (coap_pdu_get_code(g->draft) == COAP_EMPTY_CODE)
        ; /* an answer of its own will come, or none */
    else if (room != 0 && lcoap_message_bytes(g->draft) > room)
        lcoap_guard_shrink(g->peer, (uint32_t)coap_pdu_get_code(g->request), room, g->draft,
                           g->response);
    else if (!lcoap_answer_copy(g->draft, g->response))
        coap_pdu_set_code(g->response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    coap_delete_pdu(g->draft);
    g->draft = NULL;
}

/* An Echo option with nothing of the tree's. */
static bool
put_echo(const struct lcoap_peer *peer, coap_pdu_t *to)
{
    const struct lcoap_server *s = peer->server;
    uint8_t value[LCOAP_ECHO_ROOM];
    size_t n = lcoap_echo_make(&s->echo, coap_session_get_addr_remote(peer->session),
                               s->host->now(s->host), (lintel_span){NULL, 0}, value);
    return n > 0 && coap_add_option(to, COAP_OPTION_ECHO, n, value) != 0;
}

void
lcoap_guard_demand(const struct lcoap_peer *peer, coap_pdu_t *to)
{
    coap_pdu_set_code(to, (coap_pdu_code_t)CODE_UNAUTHORIZED);
    put_echo(peer, to);
}

/* Bytes of an Echo option behind nothing: its head, one more byte of its number, the value. */
enum { ECHO_BYTES = 2 + LCOAP_ECHO_HEAD };

/* Whether asking again does no harm: nothing was done, or doing it again is the same. */
static bool
is_repeatable(uint32_t method, uint32_t code)
{
    return code != LINTEL_CODE(4, 29) &&
           (method == LINTEL_GET || method == LINTEL_FETCH || code >> 5 == 4);
}

void
lcoap_guard_shrink(const struct lcoap_peer *peer, uint32_t method, uint32_t room,
                   const coap_pdu_t *from, coap_pdu_t *to)
{
    uint32_t code = (uint32_t)coap_pdu_get_code(from);
    size_t bare = lcoap_message_bytes(to), n;
    const uint8_t *data;
    if (is_repeatable(method, code)) {
        coap_pdu_set_code(to, (coap_pdu_code_t)CODE_UNAUTHORIZED);
        if (bare + ECHO_BYTES <= room)
            put_echo(peer, to);
        return;
    }
    /* It was done, and would be done twice. What was done is told, without its payload. */
    size_t head = lcoap_message_bytes(from);
    if (coap_get_data(from, &n, &data) != 0 && n > 0)
        head -= n + 1;
    coap_pdu_set_code(to, (coap_pdu_code_t)code);
    if (head <= room && !lcoap_answer_copy_options(from, to))
        coap_pdu_set_code(to, COAP_RESPONSE_CODE_INTERNAL_ERROR);
}

void
lcoap_guard_read(struct lcoap_peer *peer, struct lcoap_request *r, lintel_mono now)
{
    const struct lcoap_server *s = peer->server;
    lintel_span part;
    if (r->echo.n == 0 || !lcoap_echo_read(&s->echo, coap_session_get_addr_remote(peer->session),
                                           now, r->echo, &part))
        return;
    r->x.echo = part;
    peer->proved_until = now + LCOAP_PROVED;
}

lintel_span
lcoap_guard_echo(const struct lcoap_peer *peer, const lintel_answer *a,
                 uint8_t room[LCOAP_ECHO_ROOM])
{
    const struct lcoap_server *s = peer->server;
    lintel_span value = {(const char *)room, 0};
    if (a->flags & LINTEL_ANSWER_ECHO)
        value.n = lcoap_echo_make(&s->echo, coap_session_get_addr_remote(peer->session),
                                  s->host->now(s->host), a->echo, room);
    return value;
}

static uint64_t
hash_spans(uint64_t h, const lintel_span *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        h = lcoap_hash(h, &list[i].n, sizeof list[i].n);
        h = lcoap_hash(h, list[i].p, list[i].n);
    }
    return h;
}

uint32_t
lcoap_guard_count(const struct lcoap_peer *peer, const struct lcoap_request *r, lintel_mono now)
{
    const struct lcoap_server *s = peer->server;
    if ((peer->flags & LINTEL_X_LIMITED) == 0)
        return 0;
    uint64_t equal = lcoap_hash(LCOAP_HASH_START, &r->x.method, sizeof r->x.method);
    equal = hash_spans(equal, r->x.path, r->x.npath);
    equal = lcoap_hash(equal, &r->x.npath, sizeof r->x.npath);
    equal = hash_spans(equal, r->x.query, r->x.nquery);
    return lcoap_limits_take(s->limits, coap_session_get_addr_remote(peer->session), equal | 1,
                             now);
}
