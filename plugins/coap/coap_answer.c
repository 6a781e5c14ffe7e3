/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_request.h"

#include <string.h>

#define CODE_VALID LINTEL_CODE(2, 3)
#define CODE_CONTENT LINTEL_CODE(2, 5)
#define MAX_AGE_DEFAULT 60 /* RFC 7252 5.10.5 */
#define BLOCK ((size_t)16 << LCOAP_BLOCK_SZX)
#define BERT 7           /* szx: so many blocks of 1,024 bytes in one message (RFC 8323 6) */
#define OPTIONS_ROOM 100 /* beside a block; a message of 1,152 bytes still takes 1,024 */

bool
lcoap_put_number(coap_pdu_t *pdu, uint16_t option, uint32_t v)
{
    uint8_t b[4];
    return coap_add_option(pdu, option, coap_encode_var_safe(b, sizeof b, v), b) != 0;
}

static bool
put_spans(coap_pdu_t *pdu, uint16_t option, const lintel_span *list, uint32_t n)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = coap_add_option(pdu, option, list[i].n, (const uint8_t *)list[i].p) != 0;
    return ok;
}

static bool
put_block(coap_pdu_t *pdu, uint16_t option, const struct lcoap_block *b)
{
    return lcoap_put_number(pdu, option, b->num << 4 | (b->more ? 8u : 0u) | b->szx);
}

bool
lcoap_answer_has_max_age(const lintel_answer *a)
{
    return a->max_age != MAX_AGE_DEFAULT &&
           (a->code == CODE_VALID || a->code == CODE_CONTENT || a->code == LINTEL_CODE(4, 29) ||
            a->code == LINTEL_CODE(5, 3));
}

size_t
lcoap_block_from(const struct lcoap_block *b)
{
    return (size_t)b->num << (b->szx < LCOAP_BLOCK_SZX ? b->szx + 4 : LCOAP_BLOCK_SZX + 4);
}

size_t
lcoap_answer_room(size_t message)
{
    return message > BLOCK + OPTIONS_ROOM ? message - OPTIONS_ROOM : BLOCK;
}

/* How much of a payload one message takes. */
static size_t
part_bytes(const struct lcoap_answer_how *how)
{
    const struct lcoap_block *asked = &how->block2;
    if (!asked->given)
        return how->room > BLOCK ? how->room : BLOCK;
    if (asked->szx == BERT && how->room > BLOCK)
        return how->room / BLOCK * BLOCK;
    return asked->szx < LCOAP_BLOCK_SZX ? (size_t)16 << asked->szx : BLOCK;
}

bool
lcoap_answer_is_large(const lintel_answer *a, const struct lcoap_answer_how *how)
{
    return a->payload.n > part_bytes(how);
}

lintel_answer
lcoap_answer_kept(const lintel_answer *a)
{
    lintel_answer kept = *a;
    kept.location = kept.location_query = NULL;
    kept.nlocation = kept.nlocation_query = 0;
    kept.payload = kept.echo = (lintel_span){NULL, 0};
    kept.flags &= ~(uint32_t)LINTEL_ANSWER_ECHO;
    return kept;
}

void
lcoap_answer_tag(lintel_answer *a)
{
    if (a->netag != 0)
        return;
    uint64_t h = lcoap_hash(LCOAP_HASH_START, a->payload.p, a->payload.n);
    memcpy(a->etag, &h, sizeof h);
    a->netag = sizeof h;
}

bool
lcoap_answer_write(coap_pdu_t *pdu, const struct lcoap_answer_how *how, const lintel_answer *a)
{
    /* 5.08 would take libcoap's way that writes behind the message (CVE-2023-30362), and is no
     * answer of an origin server. */
    uint32_t code = a->code == LINTEL_CODE(5, 8) ? LINTEL_CODE(5, 0) : a->code;
    size_t size = part_bytes(how), from = lcoap_block_from(&how->block2), n = a->payload.n;
    bool blocks = how->block2.given || n > size, ok = true;
    struct lcoap_block block2 = how->block2;

    if (from != 0 && from >= n) {
        lcoap_answer_error(pdu, LINTEL_CODE(4, 0), "no such block: the representation is shorter");
        return true;
    }
    if (blocks && !block2.given)
        size = BLOCK; /* whether the peer knows larger ones is not known */
    n = n - from > size ? size : n - from;
    block2.more = from + n < a->payload.n;
    if (!block2.given)
        block2.szx = LCOAP_BLOCK_SZX;

    coap_pdu_set_code(pdu, (coap_pdu_code_t)code);
    if (a->netag >= 1 && a->netag <= sizeof a->etag)
        ok = coap_add_option(pdu, COAP_OPTION_ETAG, a->netag, a->etag) != 0;
    if (how->notify)
        ok = ok && lcoap_put_number(pdu, COAP_OPTION_OBSERVE, how->observe & 0xffffff);
    ok = ok && put_spans(pdu, COAP_OPTION_LOCATION_PATH, a->location, a->nlocation);
    /* Also where a representation has no bytes: no link may match, and it is link format still. */
    if (a->format >= 0 && (a->payload.n > 0 || code == CODE_CONTENT))
        ok = ok && lcoap_put_number(pdu, COAP_OPTION_CONTENT_FORMAT, (uint32_t)a->format);
    if (lcoap_answer_has_max_age(a))
        ok = ok && lcoap_put_number(pdu, COAP_OPTION_MAXAGE, a->max_age);
    ok = ok && put_spans(pdu, COAP_OPTION_LOCATION_QUERY, a->location_query, a->nlocation_query);
    if (blocks)
        ok = ok && put_block(pdu, COAP_OPTION_BLOCK2, &block2);
    if (how->block1 != NULL && how->block1->given)
        ok = ok && put_block(pdu, COAP_OPTION_BLOCK1, how->block1);
    if (blocks && block2.num == 0 && a->payload.n <= UINT32_MAX)
        ok = ok && lcoap_put_number(pdu, COAP_OPTION_SIZE2, (uint32_t)a->payload.n);
    if (a->size1 != 0)
        ok = ok && lcoap_put_number(pdu, COAP_OPTION_SIZE1, a->size1);
    if (how->echo.n > 0)
        ok = ok && put_spans(pdu, COAP_OPTION_ECHO, &how->echo, 1);
    if (n > 0)
        ok = ok && coap_add_data(pdu, n, (const uint8_t *)a->payload.p + from) != 0;
    return ok;
}

void
lcoap_answer_error(coap_pdu_t *pdu, uint32_t code, const char *why)
{
    coap_pdu_set_code(pdu, (coap_pdu_code_t)code);
    coap_add_data(pdu, strlen(why), (const uint8_t *)why);
}

void
lcoap_answer_too_large(coap_pdu_t *pdu, uint32_t max, const char *why)
{
    lcoap_put_number(pdu, COAP_OPTION_SIZE1, max);
    lcoap_answer_error(pdu, LINTEL_CODE(4, 13), why);
}

bool
lcoap_answer_copy_options(const coap_pdu_t *from, coap_pdu_t *to)
{
    coap_opt_iterator_t it;
    coap_opt_t *opt;
    if (coap_option_iterator_init(from, &it, COAP_OPT_ALL) != NULL)
        while ((opt = coap_option_next(&it)) != NULL)
            if (coap_add_option(to, it.number, coap_opt_length(opt), coap_opt_value(opt)) == 0)
                return false;
    return true;
}

bool
lcoap_answer_copy(const coap_pdu_t *from, coap_pdu_t *to)
{
    const uint8_t *data;
    size_t n;
    coap_pdu_set_code(to, coap_pdu_get_code(from));
    if (!lcoap_answer_copy_options(from, to))
        return false;
    return coap_get_data(from, &n, &data) == 0 || coap_add_data(to, n, data) != 0;
}

bool
lcoap_answer_silenced(uint8_t no_response, uint32_t code)
{
    uint32_t class = code >> 5;
    return class >= 1 && (no_response & 1u << (class - 1)) != 0;
}
