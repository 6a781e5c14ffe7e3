/* SPDX-License-Identifier: Apache-2.0
 * A response of another server, read and judged, and the URIs that it can be asked by. Pure: no
 * I/O, no state. */
#ifndef LINTEL_COAP_RESPONSE_H
#define LINTEL_COAP_RESPONSE_H
#include "plugins/coap/coap_request.h"

struct lcoap_response { /* spans point into the PDU */
    lintel_answer answer;
    lintel_span location[LCOAP_MAX_PATH], location_query[LCOAP_MAX_QUERY];
    lintel_span echo; /* RFC 9175 2 */
    struct lcoap_block block2;
};

/* Whether the response makes sense. */
bool lcoap_response_read(const coap_pdu_t *pdu, struct lcoap_response *ret);

/* An absolute URI with an address in figures: LINTEL_OK; LINTEL_E_NOTSUP: another scheme;
 * LINTEL_E_ADDRESS: malformed. Path and query are put into the request as options. */
lintel_status lcoap_uri_address(const char *uri, coap_address_t *ret);
/* Whether all of the URI's path, or query, stands in the request. Uri-Path comes before
 * Content-Format, and Uri-Query after it. */
bool lcoap_uri_put_path(const char *uri, coap_pdu_t *request);
bool lcoap_uri_put_query(const char *uri, coap_pdu_t *request);
#endif
