/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_response.h"
#include "plugins/coap/coap_listen.h"

#include <string.h>

enum { PIECE_MOST = 255 }; /* bytes of a Uri-Path or Uri-Query */

static bool
add(lintel_span *list, uint32_t *n, uint32_t max, lintel_span value)
{
    if (*n == max)
        return false;
    list[(*n)++] = value;
    return true;
}

/* One option: whether it makes sense. Elective ones that don't are passed over. */
static bool
read_option(struct lcoap_response *r, uint32_t option, lintel_span value)
{
    lintel_answer *a = &r->answer;
    uint32_t v = value.n <= 4 ? lcoap_number(value) : 0;
    switch (option) {
    case COAP_OPTION_ETAG:
        if (value.n >= 1 && value.n <= sizeof a->etag && a->netag == 0) {
            memcpy(a->etag, value.p, value.n);
            a->netag = (uint32_t)value.n;
        }
        return true;
    case COAP_OPTION_LOCATION_PATH: return add(r->location, &a->nlocation, LCOAP_MAX_PATH, value);
    case COAP_OPTION_LOCATION_QUERY:
        return add(r->location_query, &a->nlocation_query, LCOAP_MAX_QUERY, value);
    case COAP_OPTION_CONTENT_FORMAT:
        if (value.n <= 2 && a->format == LINTEL_FORMAT_NONE)
            a->format = (int32_t)v;
        return true;
    case COAP_OPTION_MAXAGE:
        if (value.n <= 4)
            a->max_age = v;
        return true;
    case COAP_OPTION_SIZE1:
        if (value.n <= 4)
            a->size1 = v;
        return true;
    case COAP_OPTION_BLOCK2: return lcoap_block_read(&r->block2, false, value);
    case COAP_OPTION_ECHO:
        if (value.n >= 1 && value.n <= 40)
            r->echo = value;
        return true;
    default: return true; /* libcoap has refused critical options that it does not know */
    }
}

bool
lcoap_response_read(const coap_pdu_t *pdu, struct lcoap_response *r)
{
    coap_opt_iterator_t it;
    coap_opt_t *opt;
    const uint8_t *data;
    size_t n = 0;
    uint32_t code = (uint32_t)coap_pdu_get_code(pdu), class = code >> 5;

    r->answer = (lintel_answer){.size = sizeof r->answer,
                                .code = code,
                                .format = LINTEL_FORMAT_NONE,
                                .max_age = 60, /* RFC 7252 5.10.5 */
                                .location = r->location,
                                .location_query = r->location_query};
    r->echo = (lintel_span){NULL, 0};
    r->block2 = (struct lcoap_block){.given = false};
    if (class != 2 && class != 4 && class != 5)
        return false;
    if (coap_option_iterator_init(pdu, &it, COAP_OPT_ALL) != NULL)
        while ((opt = coap_option_next(&it)) != NULL)
            if (!read_option(
                    r, it.number,
                    (lintel_span){(const char *)coap_opt_value(opt), coap_opt_length(opt)}))
                return false;
    if (coap_get_data(pdu, &n, &data) != 0)
        r->answer.payload = (lintel_span){(const char *)data, n};
    size_t size = (size_t)16 << r->block2.szx;
    return !r->block2.given || (r->block2.more ? n == size : n <= size);
}

lintel_status
lcoap_uri_address(const char *uri, coap_address_t *ret)
{
    char authority[80];
    static const char scheme[] = "coap://";
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return LINTEL_E_NOTSUP;
    uri += sizeof scheme - 1;
    size_t n = strcspn(uri, "/?#");
    if (n == 0 || n >= sizeof authority)
        return LINTEL_E_ADDRESS;
    memcpy(authority, uri, n);
    authority[n] = '\0';
    return lcoap_authority_read(authority, 5683, ret) && coap_address_get_port(ret) != 0
               ? LINTEL_OK
               : LINTEL_E_ADDRESS;
}

static int
digit(char c)
{
    const char *digits = "0123456789abcdef", *at;
    c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* One piece, percent-decoded, as an option. */
static bool
put_piece(coap_pdu_t *request, uint16_t option, const char *p, size_t n)
{
    uint8_t out[PIECE_MOST];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        int high = p[i] == '%' && i + 2 < n ? digit(p[i + 1]) : -1;
        int low = high >= 0 ? digit(p[i + 2]) : -1;
        if (used == sizeof out || (p[i] == '%' && low < 0))
            return false;
        out[used++] = (uint8_t)(p[i] == '%' ? high << 4 | low : p[i]);
        i += p[i] == '%' ? 2 : 0;
    }
    return coap_add_option(request, option, used, out) != 0;
}

/* The pieces up to one of `ends`, parted by `between`. */
static bool
put_pieces(coap_pdu_t *request, uint16_t option, const char *p, char between, const char *ends,
           uint32_t max)
{
    const char *end = p + strcspn(p, ends);
    for (uint32_t i = 0; i < max; i++) {
        const char *at = memchr(p, between, (size_t)(end - p));
        size_t n = (size_t)((at != NULL ? at : end) - p);
        if (!put_piece(request, option, p, n))
            return false;
        if (at == NULL)
            return true;
        p = at + 1;
    }
    return false;
}

/* Behind scheme and authority. */
static const char *
relative(const char *uri)
{
    const char *p = strstr(uri, "://");
    p = p != NULL ? p + 3 : uri;
    return p + strcspn(p, "/?#");
}

bool
lcoap_uri_put_path(const char *uri, coap_pdu_t *request)
{
    const char *p = relative(uri);
    if (*p != '/' || strcspn(p + 1, "?#") == 0)
        return true; /* RFC 7252 6.4: no path is one without segments */
    return put_pieces(request, COAP_OPTION_URI_PATH, p + 1, '/', "?#", LCOAP_MAX_PATH);
}

bool
lcoap_uri_put_query(const char *uri, coap_pdu_t *request)
{
    const char *p = relative(uri);
    p += strcspn(p, "?#");
    if (*p != '?' || strcspn(p + 1, "#") == 0)
        return true;
    return put_pieces(request, COAP_OPTION_URI_QUERY, p + 1, '&', "#", LCOAP_MAX_QUERY);
}
