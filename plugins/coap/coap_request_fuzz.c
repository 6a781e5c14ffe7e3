/* SPDX-License-Identifier: Apache-2.0
 * Any datagram through libcoap's parser into an exchange, and an answer of it back into a message.
 */
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void
touch(const lintel_span *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < list[i].n; k++)
            sink += (unsigned char)list[i].p[k];
}

/* What was read must lie within the message, and within the limits. */
static void
check(const struct lcoap_request *r, unsigned max_szx)
{
    if (r->x.npath > LCOAP_MAX_PATH || r->x.nquery > LCOAP_MAX_QUERY ||
        r->x.netag > LCOAP_MAX_ETAGS || r->x.nif_match > LCOAP_MAX_ETAGS || r->x.naccept > 1 ||
        r->block1.szx > max_szx || r->block2.szx > max_szx)
        abort();
    touch(r->path, r->x.npath);
    touch(r->query, r->x.nquery);
    touch(r->etag, r->x.netag);
    touch(r->if_match, r->x.nif_match);
    touch(&r->x.payload, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lcoap_request r;
    const char *why = "";
    bool stream = size > 0 && (data[size - 1] & 1) != 0;
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, 0, 0, 1152);
    coap_pdu_t *response = coap_pdu_init(COAP_MESSAGE_ACK, 0, 0, 1152);

    coap_set_log_level(LOG_EMERG);
    if (pdu != NULL && response != NULL && size >= 4 && size <= 1152 &&
        coap_pdu_parse(COAP_PROTO_UDP, data, size, pdu) &&
        lcoap_request_read(pdu, stream, &r, &why) == 0) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CODE(2, 5),
                           .format = r.x.format,
                           .max_age = r.size1,
                           .location = r.path,
                           .nlocation = r.x.npath,
                           .payload = r.x.payload};
        struct lcoap_answer_how how = {.block1 = &r.block1,
                                       .block2 = r.block2,
                                       .room = stream ? lcoap_answer_room(1152) : 0,
                                       .observe = (uint32_t)r.observe,
                                       .notify = r.observe >= 0};
        check(&r, stream ? 7 : 6);
        sink += (unsigned)lcoap_request_key(pdu);
        lcoap_answer_tag(&a);
        lcoap_answer_write(response, &how, &a);
    }
    coap_delete_pdu(pdu);
    coap_delete_pdu(response);
    return 0;
}
