/* SPDX-License-Identifier: Apache-2.0
 * How long frames take on the wire. Pure. */
#ifndef LINTEL_MODBUS_TIME_H
#define LINTEL_MODBUS_TIME_H
#include "modbus_link.h"

/* So many bytes in the frame format of a serial line: start, data, parity and stop bits. */
lintel_mono mb_time_bytes(const struct mb_conf *c, uint64_t bytes);
/* The silence that ends a frame: 3.5 characters of 11 bits, fixed above 19200 (Modbus over Serial
 * Line V1.02, 2.5.1.1). */
lintel_mono mb_time_silence(int baud);
/* Bytes of a whole frame with a PDU of n bytes. */
uint32_t mb_time_frame(const struct mb_conf *c, uint32_t n);
#endif
