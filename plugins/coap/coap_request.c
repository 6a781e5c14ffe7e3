/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_request.h"

#include <string.h>

uint64_t
lcoap_hash(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Adds a span to a list, or says that there are too many. */
static bool
add(lintel_span *list, uint32_t *n, uint32_t max, const uint8_t *p, size_t len)
{
    if (*n == max)
        return false;
    list[(*n)++] = (lintel_span){(const char *)p, len};
    return true;
}

uint32_t
lcoap_number(lintel_span value)
{
    uint32_t v = 0;
    for (size_t i = 0; i < value.n; i++)
        v = v << 8 | (uint8_t)value.p[i];
    return v;
}

/* szx 7 is reserved over datagrams, and BERT over streams (RFC 8323 6). */
bool
lcoap_block_read(struct lcoap_block *b, bool stream, lintel_span value)
{
    uint32_t v = value.n <= 3 ? lcoap_number(value) : 0;
    if (value.n > 3 || b->given || ((v & 7) == 7 && !stream))
        return false;
    *b = (struct lcoap_block){.num = v >> 4, .szx = v & 7, .more = (v & 8) != 0, .given = true};
    return true;
}

/* One option: 0, or the code to answer with. Elective options of a wrong length are ignored,
 * critical ones count as not understood (RFC 7252 5.4.3). */
uint32_t
lcoap_request_option(struct lcoap_request *r, bool stream, uint32_t option, const uint8_t *p,
                     size_t n, const char **why)
{
    lintel_exchange *x = &r->x;
    const lintel_span value = {(const char *)p, n};
    switch (option) {
    case COAP_OPTION_URI_PATH:
        *why = "the path has too many segments: at most 24";
        return add(r->path, &x->npath, LCOAP_MAX_PATH, p, n) ? 0 : LINTEL_CODE(4, 0);
    case COAP_OPTION_URI_QUERY:
        *why = "the query has too many parts: at most 32";
        return add(r->query, &x->nquery, LCOAP_MAX_QUERY, p, n) ? 0 : LINTEL_CODE(4, 0);
    case COAP_OPTION_ETAG:
        if (n >= 1 && n <= 8)
            add(r->etag, &x->netag, LCOAP_MAX_ETAGS, p, n);
        return 0;
    case COAP_OPTION_IF_MATCH:
        *why = "If-Match is longer than 8 bytes, or there are more than 8";
        return n <= 8 && add(r->if_match, &x->nif_match, LCOAP_MAX_ETAGS, p, n) ? 0
                                                                                : LINTEL_CODE(4, 2);
    case COAP_OPTION_IF_NONE_MATCH:
        *why = "If-None-Match is given twice, or carries a value";
        if (n != 0 || x->flags & LINTEL_X_IF_NONE_MATCH)
            return LINTEL_CODE(4, 2);
        x->flags |= LINTEL_X_IF_NONE_MATCH;
        return 0;
    case COAP_OPTION_ACCEPT:
        *why = "Accept is given twice, or longer than 2 bytes";
        if (n > 2 || x->naccept == 1)
            return LINTEL_CODE(4, 2);
        r->accept[x->naccept++] = (int32_t)lcoap_number(value);
        return 0;
    case COAP_OPTION_CONTENT_FORMAT:
        if (n <= 2 && x->format == LINTEL_FORMAT_NONE)
            x->format = (int32_t)lcoap_number(value);
        return 0;
    case COAP_OPTION_OBSERVE:
        if (n <= 3 && lcoap_number(value) <= 1)
            r->observe = (int32_t)lcoap_number(value);
        return 0;
    case COAP_OPTION_BLOCK1:
        *why = "Block1 is malformed";
        return lcoap_block_read(&r->block1, stream, value) ? 0 : LINTEL_CODE(4, 0);
    case COAP_OPTION_BLOCK2:
        *why = "Block2 is malformed";
        return lcoap_block_read(&r->block2, stream, value) ? 0 : LINTEL_CODE(4, 0);
    case COAP_OPTION_SIZE1:
        if (n <= 4)
            r->size1 = lcoap_number(value);
        return 0;
    case COAP_OPTION_ECHO:
        if (n >= 1 && n <= 40)
            r->echo = (lintel_span){(const char *)p, n};
        return 0;
    case COAP_OPTION_NORESPONSE:
        if (n <= 1)
            r->no_response = (uint8_t)lcoap_number(value);
        return 0;
    default: return 0; /* libcoap has refused critical options that it does not know */
    }
}

void
lcoap_request_begin(struct lcoap_request *r, uint32_t method)
{
    /* Only what counts is cleared: the lists are long, and most requests use little of them. */
    memset(&r->x, 0, sizeof r->x);
    memset(&r->block1, 0, sizeof r->block1);
    memset(&r->block2, 0, sizeof r->block2);
    r->size1 = 0;
    r->no_response = 0;
    r->echo = (lintel_span){NULL, 0};
    r->observe = LCOAP_OBSERVE_NONE;
    r->x.size = sizeof r->x;
    r->x.method = method;
    r->x.format = LINTEL_FORMAT_NONE;
    r->x.path = r->path;
    r->x.query = r->query;
    r->x.accept = r->accept;
    r->x.etag = r->etag;
    r->x.if_match = r->if_match;
}

uint32_t
lcoap_request_read(const coap_pdu_t *pdu, bool stream, struct lcoap_request *r,
                   const char **ret_why)
{
    coap_opt_iterator_t it;
    coap_opt_t *opt;
    size_t n;
    const uint8_t *data;

    lcoap_request_begin(r, (uint32_t)coap_pdu_get_code(pdu));
    if (coap_option_iterator_init(pdu, &it, COAP_OPT_ALL) != NULL)
        while ((opt = coap_option_next(&it)) != NULL) {
            uint32_t code = lcoap_request_option(r, stream, it.number, coap_opt_value(opt),
                                                 coap_opt_length(opt), ret_why);
            if (code != 0)
                return code;
        }
    if (coap_get_data(pdu, &n, &data) != 0)
        r->x.payload = (lintel_span){(const char *)data, n};
    if (r->x.method == LINTEL_FETCH && r->x.format == LINTEL_FORMAT_NONE) {
        *ret_why = "FETCH needs a Content-Format (RFC 8132 2.3.1)";
        return LINTEL_CODE(4, 0);
    }
    return 0;
}

uint64_t
lcoap_request_key(const coap_pdu_t *pdu)
{
    coap_opt_iterator_t it;
    coap_opt_t *opt;
    uint8_t method = (uint8_t)coap_pdu_get_code(pdu);
    uint64_t h = lcoap_hash(LCOAP_HASH_START, &method, 1);

    if (coap_option_iterator_init(pdu, &it, COAP_OPT_ALL) == NULL)
        return h;
    while ((opt = coap_option_next(&it)) != NULL) {
        uint32_t n = coap_opt_length(opt);
        uint8_t head[4] = {(uint8_t)(it.number >> 8), (uint8_t)it.number, (uint8_t)(n >> 8),
                           (uint8_t)n};
        switch (it.number) {
        case COAP_OPTION_ETAG:
        case COAP_OPTION_OBSERVE:
        case COAP_OPTION_BLOCK1:
        case COAP_OPTION_BLOCK2: continue;
        default:
            if ((it.number & 0x1e) == 0x1c) /* NoCacheKey */
                continue;
            h = lcoap_hash(h, head, sizeof head);
            h = lcoap_hash(h, coap_opt_value(opt), n);
        }
    }
    return h;
}
