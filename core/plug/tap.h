/* SPDX-License-Identifier: Apache-2.0
 * Messages of a wire on their way from a plugin to who looks on: "lintel.wire/1" as frames of
 * core/plug/wire.h, both of a thread and of a child.
 *
 *   TAP     1: somebody looks on, 0: nobody does
 *   TAPPED  ticket of the request that the message belongs to (0: of none that is known), how many
 *           messages were lost before it, time, flow, protocol, peer, bytes */
#ifndef LINTEL_PLUG_TAP_H
#define LINTEL_PLUG_TAP_H
#include "core/plug/wire.h"
#include "lintel/ext/wire.h"

enum { LINTEL_TAP_NAME = 32, LINTEL_TAP_PEER = 128 }; /* bytes with the NUL; longer ones are cut */

struct lintel_tapped {
    uint32_t instance;
    uint64_t ticket, lost;
    struct lintel_tap tap; /* bytes: of the frame; texts: below */
    char protocol[LINTEL_TAP_NAME], peer[LINTEL_TAP_PEER];
};
/* A TAPPED frame; more than LINTEL_TAP_BYTES_MOST bytes are cut. */
void lintel_wire_tapped(struct lintel_buf *b, uint32_t instance, uint64_t ticket, uint64_t lost,
                        const lintel_tap *t);
/* The same read, from a side that is not trusted; ret->tap's texts point into ret. -1: it breaks
 * the protocol. */
int lintel_wire_read_tapped(const unsigned char *p, size_t n, struct lintel_tapped *ret);

/* A worker's side: the table for host->extension(). */
extern const lintel_host_wire lintel_worker_wire;
#endif
