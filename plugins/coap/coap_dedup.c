/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_answer.h"

#include <stdlib.h>

enum { BUCKETS = 1024 }; /* a power of two */

struct lcoap_reply {
    struct lcoap_reply *bucket_next;
    struct lcoap_reply *older, *newer; /* of all */
    struct lcoap_reply *peer_next;     /* of its peer, newer */
    struct lcoap_peer *peer;
    coap_pdu_t *answer; /* NULL: under way, or answered in a message of its own */
    lintel_mono until;
    uint16_t mid;
};

struct lcoap_replies {
    struct lcoap_reply *buckets[BUCKETS];
    struct lcoap_reply *oldest, *newest;
    uint32_t count;
};

static struct lcoap_reply **
bucket(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid)
{
    uint64_t h = ((uintptr_t)peer >> 4) ^ (uint64_t)mid * UINT64_C(0x9e3779b97f4a7c15);
    return &all->buckets[(h ^ h >> 32) & (BUCKETS - 1)];
}

static struct lcoap_reply *
find(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid)
{
    struct lcoap_reply *r = *bucket(all, peer, mid);
    while (r != NULL && (r->peer != peer || r->mid != mid))
        r = r->bucket_next;
    return r;
}

static void
remove_reply(struct lcoap_replies *all, struct lcoap_reply *r)
{
    struct lcoap_reply **at = bucket(all, r->peer, r->mid);
    while (*at != r)
        at = &(*at)->bucket_next;
    *at = r->bucket_next;

    *(r->older != NULL ? &r->older->newer : &all->oldest) = r->newer;
    *(r->newer != NULL ? &r->newer->older : &all->newest) = r->older;

    struct lcoap_peer *peer =
        r->peer; /* a peer's records mostly go oldest first: the loop is short */
    struct lcoap_reply **mine = &peer->replies;
    while (*mine != r)
        mine = &(*mine)->peer_next;
    *mine = r->peer_next;
    if (peer->replies_end == &r->peer_next)
        peer->replies_end = mine;
    peer->nreplies--;
    all->count--;
    coap_delete_pdu(r->answer);
    free(r);
}

struct lcoap_replies *
lcoap_replies_new(void)
{
    return calloc(1, sizeof(struct lcoap_replies));
}

void
lcoap_replies_free(struct lcoap_replies *all)
{
    if (all == NULL)
        return;
    while (all->oldest != NULL)
        remove_reply(all, all->oldest);
    free(all);
}

uint32_t
lcoap_replies_count(const struct lcoap_replies *all)
{
    return all->count;
}

bool
lcoap_replies_repeat(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid,
                     lintel_mono now, coap_pdu_t *response)
{
    struct lcoap_reply *r = find(all, peer, mid);
    if (r == NULL)
        return false;
    if (r->until <= now) {
        remove_reply(all, r);
        return false;
    }
    if (r->answer != NULL && !lcoap_answer_copy(r->answer, response))
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
    return true;
}

void
lcoap_replies_add(struct lcoap_replies *all, struct lcoap_peer *peer, uint16_t mid,
                  lintel_mono until)
{
    if (peer->nreplies >= LCOAP_MAX_REPLIES_PEER)
        remove_reply(all, peer->replies);
    else if (all->count >= LCOAP_MAX_REPLIES)
        remove_reply(all, all->oldest);
    struct lcoap_reply *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    struct lcoap_reply **at = bucket(all, peer, mid);
    *r = (struct lcoap_reply){.bucket_next = *at, .peer = peer, .until = until, .mid = mid};
    *at = r;
    r->older = all->newest;
    *(all->newest != NULL ? &all->newest->newer : &all->oldest) = r;
    all->newest = r;
    if (peer->replies == NULL)
        peer->replies_end = &peer->replies;
    *peer->replies_end = r;
    peer->replies_end = &r->peer_next;
    peer->nreplies++;
    all->count++;
}

void
lcoap_replies_answer(struct lcoap_replies *all, const struct lcoap_peer *peer, uint16_t mid,
                     const coap_pdu_t *response)
{
    struct lcoap_reply *r = find(all, peer, mid);
    if (r == NULL || r->answer != NULL)
        return;
    coap_pdu_t *copy =
        coap_pdu_init(COAP_MESSAGE_ACK, 0, mid, coap_session_max_pdu_size(peer->session));
    if (copy == NULL)
        return;
    if (lcoap_answer_copy(response, copy))
        r->answer = copy;
    else
        coap_delete_pdu(copy);
}

void
lcoap_replies_forget(struct lcoap_replies *all, struct lcoap_peer *peer)
{
    while (peer->replies != NULL)
        remove_reply(all, peer->replies);
}

void
lcoap_replies_expire(struct lcoap_replies *all, lintel_mono now)
{
    /* Lifetimes differ by kind, so one that ends early may wait behind one that ends late: it is
     * small. */
    while (all->oldest != NULL && all->oldest->until <= now)
        remove_reply(all, all->oldest);
}
