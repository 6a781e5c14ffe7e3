/* SPDX-License-Identifier: Apache-2.0
 * Bodies that travel in blocks (RFC 7959): uploads put together from Block1, downloads kept for
 * Block2. libcoap's own block layer is not used: it knows no limit for a body, and takes all paths
 * under its "unknown" resource for one. */
#ifndef LINTEL_COAP_BLOCK_H
#define LINTEL_COAP_BLOCK_H
#include "plugins/coap/coap_request.h"

enum {
    LCOAP_MAX_UPLOADS_PEER = 4,
    LCOAP_MAX_DOWNLOADS_PEER = 8,
    LCOAP_MAX_TRANSFER_BYTES = 32 << 20 /* of all peers */
};

/* Takes the request's block of an upload. 0: the body is whole, and stands in r->x.payload until
 * *ret_done (may be NULL) is freed. Else the code to answer with: 2.31, 4.08, 4.13, 5.03; *ret_why
 * is NULL for 2.31. */
uint32_t lcoap_upload(struct lcoap_peer *peer, uint64_t key, struct lcoap_request *r,
                      lintel_mono now, struct lcoap_transfer **ret_done, const char **ret_why);
void lcoap_upload_done(struct lcoap_peer *peer, struct lcoap_transfer *done);

/* Keeps a large answer for the blocks that follow the first; it gets a tag. Kept as far as memory
 * and limits allow: a later block that finds nothing is made of a new answer, and the tag tells the
 * client. */
void lcoap_download_keep(struct lcoap_peer *peer, uint64_t key, lintel_span request,
                         const lintel_answer *a, lintel_mono now);
/* The kept answer; false: none. Valid until the next call here. */
bool lcoap_download_find(struct lcoap_peer *peer, uint64_t key, lintel_span request,
                         lintel_mono now, lintel_answer *ret);

void lcoap_transfers_expire(struct lcoap_peer *peer, lintel_mono now);
void lcoap_transfers_forget(struct lcoap_peer *peer);
#endif
