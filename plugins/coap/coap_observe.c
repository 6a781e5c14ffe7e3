/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_observe.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_guard.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_session.h"

#include <stdlib.h>
#include <string.h>

/* What is surely lost or delivered: libcoap has given up by then. Where acknowledgements can't be
 * seen, a message counts as arrived after the first time-out, and libcoap keeps the queue. */
#define FLIGHT_UNSEEN (3 * LCOAP_SECOND)
enum { UNMADE_MOST = 80 }; /* tries of one message */

/* An empty response to the exchange's token; NULL: no memory. */
static coap_pdu_t *
new_response(const struct lcoap_exchange *x, bool confirmable, uint16_t mid)
{
    coap_pdu_t *pdu = coap_pdu_init(confirmable ? COAP_MESSAGE_CON : COAP_MESSAGE_NON, 0, mid,
                                    coap_session_max_pdu_size(x->peer->session));
    if (pdu == NULL || coap_add_token(pdu, x->ntoken, x->token))
        return pdu;
    coap_delete_pdu(pdu);
    return NULL;
}

/* For an address that is not proved: the acknowledgement has left, and a confirmable message may
 * leave five times. So it leaves once, and what is still too large is replaced. */
static coap_pdu_t *
fit(const struct lcoap_exchange *x, coap_pdu_t *pdu, bool *confirmable)
{
    uint32_t room = x->room - (x->confirmable ? LCOAP_EMPTY_BYTES : 0);
    size_t n = lcoap_message_bytes(pdu);
    if (n * (*confirmable ? LCOAP_SENDINGS : 1) <= room)
        return pdu;
    *confirmable = false;
    coap_pdu_set_type(pdu, COAP_MESSAGE_NON);
    if (n <= room)
        return pdu;
    coap_pdu_t *small = new_response(x, false, (uint16_t)coap_pdu_get_mid(pdu));
    if (small != NULL)
        lcoap_guard_shrink(x->peer, x->method, room, pdu, small);
    coap_delete_pdu(pdu);
    return small;
}

enum sending {
    SENT,  /* it left, or waits in libcoap's queue */
    LOST,  /* or nobody wants it */
    UNMADE /* there is no memory for it */
};

/* Sends one response to the exchange's token. */
static enum sending
send_response(struct lcoap_exchange *x, const lintel_answer *a, bool confirmable, bool notify)
{
    struct lcoap_peer *peer = x->peer;
    struct lcoap_server *s = peer->server;
    lintel_mono now = s->host->now(s->host);
    lintel_answer answer = *a;
    uint8_t echo[LCOAP_ECHO_ROOM];
    struct lcoap_answer_how how = {.block1 = &x->block1,
                                   .block2 = x->block2,
                                   .room = lcoap_peer_room(peer),
                                   .notify = notify,
                                   .echo = lcoap_guard_echo(peer, a, echo)};
    uint16_t mid = coap_new_message_id(peer->session);

    if (lcoap_answer_silenced(x->no_response, a->code))
        return LOST;
    if (!x->answered && (a->flags & LINTEL_ANSWER_ECHO))
        confirmable = false; /* RFC 9175 2.3 */
    if (x->answered) {
        how.block1 = NULL;
        how.block2.num = 0;
    }
    if (notify)
        how.observe = ++x->sequence;
    if (lcoap_answer_is_large(a, &how)) {
        lcoap_answer_tag(&answer);
        lcoap_download_keep(peer, x->key, (lintel_span){NULL, 0}, &answer, now);
        lcoap_io_housekeep(s);
    }
    coap_pdu_t *pdu = new_response(x, confirmable, mid);
    if (pdu == NULL)
        return UNMADE;
    if (!lcoap_answer_write(pdu, &how, &answer)) {
        coap_delete_pdu(pdu);
        return UNMADE;
    }
    if (!x->answered && x->room != 0 && lcoap_guard_unproved(peer, now) &&
        (pdu = fit(x, pdu, &confirmable)) == NULL)
        return UNMADE;
    if (lcoap_session_send(peer->session, pdu) == COAP_INVALID_MID)
        return LOST;
    x->unmade = 0;
    if (peer->stream) {
        (void)lcoap_session_takes(peer, a->payload.n);
        return SENT;
    }
    if (confirmable || notify)
        lcoap_note(x, mid, confirmable, now);
    if (confirmable) {
        lcoap_io_sent_confirmable(peer->stack);
        lcoap_io_housekeep(s);
    }
    return SENT;
}

/* Whether it is tried again, some times: who was told that an answer comes waits for it. */
static bool
comes_late(struct lcoap_exchange *x)
{
    struct lcoap_peer *p = x->peer;
    if (++x->unmade > UNMADE_MOST)
        return false;
    p->unsent = true;
    lcoap_io_owe(p->server);
    return true;
}

/* What was done is told by its code, if by no more; what was to be shown has to be asked for anew.
 */
static uint32_t
code_alone(const lintel_answer *a)
{
    bool shows = a->code == LINTEL_CODE(2, 5) || a->nlocation > 0 || a->nlocation_query > 0;
    return shows ? LINTEL_CODE(5, 3) : a->code;
}

bool
lcoap_owe(struct lcoap_exchange *x, const lintel_answer *a)
{
    if (!comes_late(x))
        return false;
    x->owed = (uint8_t)code_alone(a);
    return true;
}

void
lcoap_send_separate(struct lcoap_exchange *x, const lintel_answer *a)
{
    enum sending how = send_response(x, a, x->confirmable, (a->flags & LINTEL_ANSWER_MORE) != 0);
    if (how == UNMADE && lcoap_owe(x, a))
        return;
    x->owed = 0;
    x->answered = true;
    if (!x->ended)
        lcoap_exchange_settle(x);
    if (how == SENT && x->confirmable) {
        x->last_con = x->flight_since;
        x->nons = 0;
    }
    if (x->ended && !x->in_flight)
        lcoap_exchange_free(x);
}

/* RFC 7641 4.5. */
static bool
must_confirm(const struct lcoap_exchange *x, const lintel_answer *a, lintel_mono now)
{
    if (x->peer->stream)
        return false; /* RFC 8323 7.1 */
    return (a->flags & LINTEL_ANSWER_CONFIRM) || !(a->flags & LINTEL_ANSWER_MORE) ||
           x->nons + 1 >= LCOAP_CON_EVERY || now - x->last_con >= LCOAP_CON_AT_LEAST;
}

void
lcoap_notify(struct lcoap_exchange *x, const lintel_answer *a)
{
    struct lcoap_stack *k = x->peer->stack;
    lintel_mono now = k->server->host->now(k->server->host);
    bool confirm = must_confirm(x, a, now);

    /* The first answer leaves when submit() has returned: nothing may overtake it. */
    bool full = !lcoap_session_takes(x->peer, 0);
    if (x->inside || x->in_flight || x->kept != NULL || full ||
        (confirm && x->peer->nflights > 0)) {
        lcoap_wait(x, a);
        if (full)
            lcoap_io_housekeep(k->server);
        k->late = k->late || x->inside || full;
        return;
    }
    enum sending how = send_response(x, a, confirm, (a->flags & LINTEL_ANSWER_MORE) != 0);
    if (how == UNMADE && comes_late(x)) {
        lcoap_wait(x, a);
        if (x->kept != NULL)
            return;
    }
    if (!confirm)
        x->nons++;
    else if (how == SENT) {
        x->nons = 0;
        x->last_con = now;
    }
    if (x->ended && !x->in_flight)
        lcoap_exchange_free(x);
}

/* Sends what waits, up to the next confirmable one. */
static void
send_waiting(struct lcoap_peer *peer)
{
    while (peer->waiting != NULL && peer->nflights == 0 && !peer->gone && !peer->unsent) {
        if (!lcoap_session_takes(peer, 0)) {
            peer->stack->late = true; /* with the next turn that finds room */
            return;
        }
        struct lcoap_exchange *x = lcoap_wait_next(peer);
        struct lcoap_kept *k = x->kept;
        x->kept = NULL;
        lcoap_notify(x, &k->answer); /* may free x */
        free(k);
    }
}

void
lcoap_notify_last(struct lcoap_peer *peer)
{
    for (struct lcoap_exchange *x; (x = lcoap_wait_next(peer)) != NULL;) {
        struct lcoap_kept *k = x->kept;
        x->kept = NULL;
        (void)send_response(x, &k->answer, false, (k->answer.flags & LINTEL_ANSWER_MORE) != 0);
        free(k);
    }
}

/* Answers that there was no memory for. */
static void
send_owed(struct lcoap_peer *peer)
{
    struct lcoap_exchange *next;
    for (struct lcoap_exchange *x = peer->open; x != NULL && !peer->gone; x = next) {
        lintel_answer a = {.size = sizeof a, .code = x->owed, .format = LINTEL_FORMAT_NONE};
        next = x->next;
        if (x->owed == 0)
            continue;
        if (!x->ended) { /* and nothing is observed */
            x->ended = true;
            peer->server->tree->abandon(peer->server->host, x->ticket);
        }
        lcoap_send_separate(x, &a); /* may free x */
    }
}

void
lcoap_notify_late(struct lcoap_stack *k)
{
    k->late = false;
    for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next) {
        if (!p->unsent)
            send_waiting(p);
    }
}

void
lcoap_notify_unsent(struct lcoap_stack *k)
{
    for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next) {
        bool unsent = p->unsent;
        p->unsent = false;
        if (unsent)
            send_owed(p);
        if (unsent)
            send_waiting(p);
    }
}

static struct lcoap_exchange *
find_token(struct lcoap_exchange *x, coap_bin_const_t token)
{
    while (x != NULL && (!x->observe || x->ended || x->ntoken != token.length ||
                         (token.length > 0 && memcmp(x->token, token.s, token.length) != 0)))
        x = x->next;
    return x;
}

struct lcoap_exchange *
lcoap_observation(const struct lcoap_peer *peer, coap_bin_const_t token)
{
    struct lcoap_exchange *x = find_token(peer->observations, token);
    return x != NULL ? x : find_token(peer->open, token);
}

void
lcoap_acknowledged(struct lcoap_exchange *x)
{
    struct lcoap_peer *peer = x->peer;
    lcoap_unnote(x);
    if (x->ended && x->kept == NULL)
        lcoap_exchange_free(x);
    send_waiting(peer);
}

void
lcoap_rejected(struct lcoap_exchange *x)
{
    struct lcoap_peer *peer = x->peer;
    lcoap_exchange_drop(x);
    send_waiting(peer);
}

static bool
sees_acks(const struct lcoap_peer *p)
{
    return p->stack->sees_acks && !p->secure;
}

static void
mark_flights(struct lcoap_exchange *x)
{
    for (; x != NULL; x = x->next)
        x->landed = x->in_flight;
}

static struct lcoap_exchange *
next_landed(struct lcoap_exchange *x)
{
    while (x != NULL && !x->landed)
        x = x->next;
    return x;
}

void
lcoap_secret_flights_landed(struct lcoap_stack *k)
{
    /* All are marked first: an acknowledgement sends what waits, and that has not arrived. */
    for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next) {
        mark_flights(p->open);
        mark_flights(p->observations);
    }
    for (struct lcoap_peer *p = k->peers; p != NULL; p = p->next)
        for (struct lcoap_exchange *x;
             (x = next_landed(p->open)) != NULL || (x = next_landed(p->observations)) != NULL;) {
            x->landed = false;
            lcoap_acknowledged(x);
        }
}

void
lcoap_flights_expire(struct lcoap_server *s, lintel_mono now)
{
    for (uint32_t i = 0; i < LCOAP_NOTE_BUCKETS; i++)
        for (struct lcoap_exchange *x = s->notes[i], *next; x != NULL; x = next) {
            lintel_mono limit = sees_acks(x->peer) ? s->give_up : FLIGHT_UNSEEN;
            next = x->note_next;
            if (x->in_flight && now - x->flight_since >= limit) {
                lcoap_acknowledged(x);
                next = s->notes[i]; /* the list has changed: from its start */
            }
        }
}
