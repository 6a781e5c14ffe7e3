/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_limit.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_request.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct key {
    struct lcoap_client_key client;
    uint64_t equal; /* 0: all requests of the client */
};

struct entry {
    struct key key;
    lintel_mono due; /* when the next request would come, if all came evenly */
    uint32_t chain, older, newer;
};

struct table {
    struct entry *entries;
    uint32_t *heads;     /* as many as entries: a power of two */
    uint32_t room, used; /* entries */
    uint32_t oldest, newest;
    lintel_mono apart; /* of two requests at the rate; 0: no limit */
};

struct lcoap_limits {
    struct table clients, equals;
    uint64_t seed; /* so that nobody can choose where he is put */
};

static bool
table_init(struct table *t, uint32_t room, uint32_t rate)
{
    if (rate == 0)
        return true;
    t->apart = LCOAP_SECOND / rate;
    t->room = room;
    t->oldest = t->newest = NONE;
    t->entries = calloc(room, sizeof *t->entries);
    t->heads = malloc(room * sizeof *t->heads);
    if (t->heads != NULL)
        memset(t->heads, 0xff, room * sizeof *t->heads);
    return t->entries != NULL && t->heads != NULL;
}

static void
table_fini(struct table *t)
{
    free(t->entries);
    free(t->heads);
}

struct lcoap_limits *
lcoap_limits_new(uint32_t rate, uint32_t rate_equal)
{
    struct lcoap_limits *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    coap_prng(&l->seed, sizeof l->seed);
    bool clients = table_init(&l->clients, LCOAP_LIMIT_CLIENTS, rate);
    bool equals = table_init(&l->equals, LCOAP_LIMIT_EQUALS, rate_equal);
    if (clients && equals)
        return l;
    lcoap_limits_free(l);
    return NULL;
}

void
lcoap_limits_free(struct lcoap_limits *l)
{
    if (l == NULL)
        return;
    table_fini(&l->clients);
    table_fini(&l->equals);
    free(l);
}

static uint32_t *
head_of(struct table *t, const struct key *k, uint64_t seed)
{
    uint64_t h = lcoap_hash(LCOAP_HASH_START ^ seed, k, sizeof *k);
    return &t->heads[(h ^ h >> 29) & (t->room - 1)];
}

static void
age_unlink(struct table *t, uint32_t i)
{
    struct entry *e = &t->entries[i];
    *(e->older != NONE ? &t->entries[e->older].newer : &t->oldest) = e->newer;
    *(e->newer != NONE ? &t->entries[e->newer].older : &t->newest) = e->older;
}

static void
age_newest(struct table *t, uint32_t i)
{
    struct entry *e = &t->entries[i];
    e->older = t->newest;
    e->newer = NONE;
    *(t->newest != NONE ? &t->entries[t->newest].newer : &t->oldest) = i;
    t->newest = i;
}

/* A free entry, or that of the client that was quiet for longest. */
static uint32_t
make_room(struct table *t, uint64_t seed)
{
    if (t->used < t->room)
        return t->used++;
    uint32_t i = t->oldest;
    uint32_t *at = head_of(t, &t->entries[i].key, seed);
    age_unlink(t, i);
    while (*at != i)
        at = &t->entries[*at].chain;
    *at = t->entries[i].chain;
    return i;
}

static struct entry *
entry_of(struct table *t, const struct key *k, uint64_t seed)
{
    uint32_t i = *head_of(t, k, seed);
    while (i != NONE && memcmp(&t->entries[i].key, k, sizeof *k) != 0)
        i = t->entries[i].chain;
    if (i != NONE)
        age_unlink(t, i);
    else {
        i = make_room(t, seed);
        uint32_t *head = head_of(t, k, seed);
        t->entries[i] = (struct entry){.key = *k, .chain = *head};
        *head = i;
    }
    age_newest(t, i);
    return &t->entries[i];
}

/* The seconds until the next request may come; 0: now, and it counts. */
static uint32_t
take(struct table *t, const struct key *k, uint64_t seed, lintel_mono now)
{
    if (t->apart == 0)
        return 0;
    struct entry *e = entry_of(t, k, seed);
    lintel_mono due = e->due > now ? e->due : now;
    lintel_mono wait = due - now - (LCOAP_SECOND - t->apart); /* beyond one second's worth */
    if (wait > 0)
        return (uint32_t)((wait + LCOAP_SECOND - 1) / LCOAP_SECOND);
    e->due = due + t->apart;
    return 0;
}

uint32_t
lcoap_limits_take(struct lcoap_limits *l, const coap_address_t *client, uint64_t equal,
                  lintel_mono now)
{
    struct key key;
    memset(&key, 0, sizeof key);
    lcoap_client_key(client, &key.client);
    uint32_t wait = take(&l->clients, &key, l->seed, now);
    key.equal = equal;
    return wait != 0 ? wait : take(&l->equals, &key, l->seed, now);
}
