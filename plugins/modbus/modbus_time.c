/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_time.h"

lintel_mono
mb_time_bytes(const struct mb_conf *c, uint64_t bytes)
{
    uint64_t bits = 1 + (uint64_t)c->data_bits + (c->parity != 'N') + (uint64_t)c->stop_bits;
    return (lintel_mono)(bytes * bits * UINT64_C(1000000000) / (uint64_t)c->baud);
}

lintel_mono
mb_time_silence(int baud)
{
    return baud > 19200 ? 1750000 : INT64_C(38500000000) / baud;
}

uint32_t
mb_time_frame(const struct mb_conf *c, uint32_t n)
{
    return c->rtu ? n + 3 : n + 7; /* unit and checksum; the MBAP header */
}
