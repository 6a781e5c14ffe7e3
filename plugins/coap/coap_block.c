/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_answer.h"

#include <stdlib.h>
#include <string.h>

struct lcoap_transfer {
    struct lcoap_transfer *next;
    uint64_t key, request; /* of options and method; of the request's payload, 0: none */
    lintel_mono expires;
    size_t n, room;
    lintel_answer answer; /* downloads: all but the payload */
    char *body;
};

static void
release(struct lcoap_peer *peer, struct lcoap_transfer *t)
{
    peer->server->transfer_bytes -= t->room + sizeof *t;
    free(t->body);
    free(t);
}

static void
unlink_transfer(struct lcoap_transfer **list, struct lcoap_transfer *t)
{
    while (*list != t)
        list = &(*list)->next;
    *list = t->next;
}

/* The newest stand first; what is beyond `max` goes. */
static void
trim(struct lcoap_peer *peer, struct lcoap_transfer **list, uint32_t max)
{
    for (uint32_t i = 0; *list != NULL && i < max; i++)
        list = &(*list)->next;
    while (*list != NULL) {
        struct lcoap_transfer *t = *list;
        *list = t->next;
        release(peer, t);
    }
}

static struct lcoap_transfer *
add(struct lcoap_peer *peer, struct lcoap_transfer **list, uint32_t max, uint64_t key)
{
    if (peer->server->transfer_bytes + sizeof(struct lcoap_transfer) > LCOAP_MAX_TRANSFER_BYTES)
        return NULL;
    struct lcoap_transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    trim(peer, list, max - 1);
    peer->server->transfer_bytes += sizeof *t;
    t->key = key;
    t->next = *list;
    *list = t;
    return t;
}

static bool
append(struct lcoap_peer *peer, struct lcoap_transfer *t, lintel_span part)
{
    struct lcoap_server *s = peer->server;
    if (t->n + part.n > t->room) {
        size_t room = t->room * 2 > t->n + part.n ? t->room * 2 : t->n + part.n;
        if (room - t->room > LCOAP_MAX_TRANSFER_BYTES - s->transfer_bytes)
            return false;
        char *body = realloc(t->body, room);
        if (body == NULL)
            return false;
        s->transfer_bytes += room - t->room;
        t->body = body;
        t->room = room;
    }
    if (part.n > 0)
        memcpy(t->body + t->n, part.p, part.n);
    t->n += part.n;
    return true;
}

uint32_t
lcoap_upload(struct lcoap_peer *peer, uint64_t key, struct lcoap_request *r, lintel_mono now,
             struct lcoap_transfer **ret_done, const char **ret_why)
{
    const struct lcoap_block *b = &r->block1;
    size_t from = lcoap_block_from(b), max = peer->server->max_body;
    size_t unit = b->szx < LCOAP_BLOCK_SZX ? (size_t)16 << b->szx : (size_t)16 << LCOAP_BLOCK_SZX;
    struct lcoap_transfer *t = peer->uploads;

    *ret_done = NULL;
    *ret_why = NULL;
    while (t != NULL && t->key != key)
        t = t->next;
    if (t != NULL && b->num == 0) { /* begun anew */
        unlink_transfer(&peer->uploads, t);
        release(peer, t);
        t = NULL;
    }
    if (from > max || r->x.payload.n > max - from || r->size1 > max) {
        if (t != NULL) {
            unlink_transfer(&peer->uploads, t);
            release(peer, t);
        }
        *ret_why = "the body is larger than this server's maxBody";
        return LINTEL_CODE(4, 13);
    }
    if (b->num == 0 && !b->more)
        return 0;
    bool bert = b->szx > LCOAP_BLOCK_SZX && r->x.payload.n > 0 && r->x.payload.n % unit == 0;
    if (b->more && r->x.payload.n != unit && !bert) {
        *ret_why = "a block that is not the last must be full (RFC 7959 2.2)";
        return LINTEL_CODE(4, 0);
    }
    if (b->num == 0)
        t = add(peer, &peer->uploads, LCOAP_MAX_UPLOADS_PEER, key);
    else if (t == NULL || t->n != from) {
        *ret_why = "blocks before this one are missing: begin again with block 0";
        return LINTEL_CODE(4, 8);
    }
    if (t == NULL || !append(peer, t, r->x.payload)) {
        *ret_why = "too many uploads at once, try again later";
        return LINTEL_CODE(5, 3);
    }
    t->expires = now + LCOAP_TRANSMIT_WAIT;
    if (b->more)
        return LINTEL_CODE(2, 31);
    unlink_transfer(&peer->uploads, t);
    *ret_done = t;
    r->x.payload = (lintel_span){t->body, t->n};
    return 0;
}

void
lcoap_upload_done(struct lcoap_peer *peer, struct lcoap_transfer *done)
{
    if (done != NULL)
        release(peer, done);
}

static uint64_t
request_hash(lintel_span request)
{
    return request.n == 0 ? 0 : lcoap_hash(LCOAP_HASH_START, request.p, request.n);
}

void
lcoap_download_keep(struct lcoap_peer *peer, uint64_t key, lintel_span request,
                    const lintel_answer *a, lintel_mono now)
{
    uint64_t hash = request_hash(request);
    struct lcoap_transfer *t = peer->downloads;
    while (t != NULL && (t->key != key || t->request != hash))
        t = t->next;
    if (t != NULL) {
        unlink_transfer(&peer->downloads, t);
        release(peer, t);
    }
    t = add(peer, &peer->downloads, LCOAP_MAX_DOWNLOADS_PEER, key);
    if (t == NULL)
        return;
    t->request = hash;
    t->expires = now + LCOAP_TRANSMIT_WAIT;
    t->answer = lcoap_answer_kept(a);
    if (!append(peer, t, a->payload)) {
        unlink_transfer(&peer->downloads, t);
        release(peer, t);
    }
}

bool
lcoap_download_find(struct lcoap_peer *peer, uint64_t key, lintel_span request, lintel_mono now,
                    lintel_answer *ret)
{
    uint64_t hash = request_hash(request);
    struct lcoap_transfer *t = peer->downloads;
    while (t != NULL && (t->key != key || (hash != 0 && t->request != hash) || t->expires <= now))
        t = t->next;
    if (t == NULL)
        return false;
    t->expires = now + LCOAP_TRANSMIT_WAIT;
    *ret = t->answer;
    ret->payload = (lintel_span){t->body, t->n};
    return true;
}

static void
expire(struct lcoap_peer *peer, struct lcoap_transfer **list, lintel_mono now)
{
    while (*list != NULL) {
        struct lcoap_transfer *t = *list;
        if (t->expires > now) {
            list = &t->next;
            continue;
        }
        *list = t->next;
        release(peer, t);
    }
}

void
lcoap_transfers_expire(struct lcoap_peer *peer, lintel_mono now)
{
    expire(peer, &peer->uploads, now);
    expire(peer, &peer->downloads, now);
}

void
lcoap_transfers_forget(struct lcoap_peer *peer)
{
    trim(peer, &peer->uploads, 0);
    trim(peer, &peer->downloads, 0);
}
