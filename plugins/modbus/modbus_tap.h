/* SPDX-License-Identifier: Apache-2.0
 * Frames as they are on the wire, for who looks on and for recordings. */
#ifndef LINTEL_MODBUS_TAP_H
#define LINTEL_MODBUS_TAP_H
#include "lintel/ext/wire.h"
#include "modbus_link.h"

enum { MB_TAP_PEER = 128 };

const lintel_host_wire *mb_tap_of(const lintel_host *h); /* NULL: this hub has none */
/* A whole frame in out[MB_ADU_MOST]: header or checksum added. Returns its length. */
size_t mb_adu_write(uint8_t *out, int rtu, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
                    size_t n);
/* The same taken apart; 0: it is no frame. */
int mb_adu_read(const uint8_t *p, size_t n, int rtu, struct mb_frame *ret);
/* What a frame is called: protocol, peer (in `peer`), and how it is numbered. */
lintel_tap mb_tap_head(const struct mb_conf *c, char peer[MB_TAP_PEER]);
/* Tells a frame, where somebody wants it. */
void mb_tap(const lintel_host_wire *w, const lintel_host *h, const struct mb_conf *c, uint32_t flow,
            uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n);
#endif
