/* SPDX-License-Identifier: Apache-2.0
 * Any datagram as a response of another server; any text as a URI to ask; any bytes as an Echo
 * option. */
#include "plugins/coap/coap_echo.h"
#include "plugins/coap/coap_response.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void
touch(const lintel_span *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < list[i].n; k++)
            sink += (unsigned char)list[i].p[k];
}

static void
response(const uint8_t *data, size_t size)
{
    struct lcoap_response r;
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, 0, 0, 1152);
    if (pdu != NULL && size >= 4 && size <= 1152 &&
        coap_pdu_parse(COAP_PROTO_UDP, data, size, pdu) && lcoap_response_read(pdu, &r)) {
        const lintel_answer *a = &r.answer;
        if (a->nlocation > LCOAP_MAX_PATH || a->nlocation_query > LCOAP_MAX_QUERY ||
            a->netag > sizeof a->etag || r.echo.n > 40 || r.block2.szx > 6 || a->code < 64 ||
            (r.block2.more && a->payload.n != (size_t)16 << r.block2.szx))
            abort();
        touch(a->location, a->nlocation);
        touch(a->location_query, a->nlocation_query);
        touch(&a->payload, 1);
        touch(&r.echo, 1);
    }
    coap_delete_pdu(pdu);
}

static void
uri(const uint8_t *data, size_t size)
{
    char text[600] = "coap://";
    coap_address_t a;
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, 0, 1152);
    size_t n = size < sizeof text - 8 ? size : sizeof text - 8;
    memcpy(text + 7, data, n);
    text[7 + n] = '\0';
    if (pdu != NULL && lcoap_uri_address(text, &a) == LINTEL_OK && lcoap_uri_put_path(text, pdu) &&
        lcoap_uri_put_query(text, pdu))
        sink += (unsigned)lcoap_request_key(pdu);
    coap_delete_pdu(pdu);
}

static void
derive(const lintel_host *h, const void *label, size_t n, uint8_t ret[32])
{
    uint64_t hash = lcoap_hash(LCOAP_HASH_START, label, n);
    (void)h;
    memset(ret, 0, 32);
    memcpy(ret, &hash, sizeof hash);
}

/* What was not made here is not believed, and what was made is. */
static void
echo(const uint8_t *data, size_t size)
{
    static const lintel_host_transport tree = {.size = sizeof tree, .derive = derive};
    struct lcoap_echo e;
    coap_address_t peer;
    lintel_span part, value = {(const char *)data, size};
    uint8_t made[LCOAP_ECHO_ROOM];
    lcoap_echo_init(&e, NULL, &tree);
    coap_address_init(&peer);
    peer.addr.sin6.sin6_family = AF_INET6;
    if (lcoap_echo_read(&e, &peer, LCOAP_SECOND, value, &part))
        abort();
    size_t n = lcoap_echo_make(&e, &peer, LCOAP_SECOND, value, made);
    if ((n > 0) != (size <= LINTEL_ECHO_MOST))
        abort();
    if (n > 0 &&
        (!lcoap_echo_read(&e, &peer, LCOAP_SECOND, (lintel_span){(char *)made, n}, &part) ||
         part.n != size || memcmp(part.p, data, size) != 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    coap_set_log_level(LOG_EMERG);
    response(data, size);
    uri(data, size);
    echo(data, size);
    return 0;
}
