/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_echo.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_peer.h"

#include <string.h>

enum { SECONDS = 4, MAC = LCOAP_ECHO_HEAD - SECONDS };
static const char name[] = "coap echo";

struct label { /* what is signed; without gaps */
    char name[sizeof name];
    uint8_t run[8];
    uint8_t client[sizeof(struct lcoap_client_key)];
    uint8_t seconds[SECONDS];
    uint8_t part[LINTEL_ECHO_MOST];
};

void
lcoap_echo_init(struct lcoap_echo *e, const lintel_host *host, const lintel_host_transport *tree)
{
    *e = (struct lcoap_echo){.host = host, .tree = LINTEL_HAS(tree, derive) ? tree : NULL};
    coap_prng(e->run, sizeof e->run);
}

/* Seconds and MAC of a value. */
static void
sign(const struct lcoap_echo *e, const coap_address_t *peer, const uint8_t seconds[SECONDS],
     lintel_span part, uint8_t ret[MAC])
{
    struct label l;
    struct lcoap_client_key client;
    uint8_t whole[32];
    memset(&l, 0, sizeof l);
    lcoap_client_key(peer, &client);
    memcpy(l.name, name, sizeof name);
    memcpy(l.run, e->run, sizeof l.run);
    memcpy(l.client, &client, sizeof l.client);
    memcpy(l.seconds, seconds, SECONDS);
    if (part.n > 0)
        memcpy(l.part, part.p, part.n);
    e->tree->derive(e->host, &l, sizeof l - sizeof l.part + part.n, whole);
    memcpy(ret, whole, MAC);
}

size_t
lcoap_echo_make(const struct lcoap_echo *e, const coap_address_t *peer, lintel_mono now,
                lintel_span part, uint8_t ret[LCOAP_ECHO_ROOM])
{
    uint32_t t = (uint32_t)(now / LCOAP_SECOND);
    if (e->tree == NULL || part.n > LINTEL_ECHO_MOST)
        return 0;
    for (int i = 0; i < SECONDS; i++)
        ret[i] = (uint8_t)(t >> (8 * (SECONDS - 1 - i)));
    sign(e, peer, ret, part, ret + SECONDS);
    if (part.n > 0)
        memcpy(ret + LCOAP_ECHO_HEAD, part.p, part.n);
    return LCOAP_ECHO_HEAD + part.n;
}

bool
lcoap_echo_read(const struct lcoap_echo *e, const coap_address_t *peer, lintel_mono now,
                lintel_span value, lintel_span *ret_part)
{
    const uint8_t *v = (const uint8_t *)value.p;
    uint8_t expected[MAC], differs = 0;
    uint32_t t = 0;
    if (e->tree == NULL || value.n < LCOAP_ECHO_HEAD || value.n > LCOAP_ECHO_ROOM)
        return false;
    for (int i = 0; i < SECONDS; i++)
        t = t << 8 | v[i];
    /* One that is of the future is older than any: the difference wraps. */
    if ((uint32_t)(now / LCOAP_SECOND) - t > LCOAP_ECHO_FRESH)
        return false;
    lintel_span part = {value.p + LCOAP_ECHO_HEAD, value.n - LCOAP_ECHO_HEAD};
    sign(e, peer, v, part, expected);
    for (int i = 0; i < MAC; i++) /* in the same time, wherever it differs */
        differs |= (uint8_t)(expected[i] ^ v[SECONDS + i]);
    if (differs != 0)
        return false;
    *ret_part = part;
    return true;
}
