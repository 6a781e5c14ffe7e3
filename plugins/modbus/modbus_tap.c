/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_tap.h"

#include <stdio.h>
#include <string.h>

enum { CRC = 2 };

const lintel_host_wire *
mb_tap_of(const lintel_host *h)
{
    return h->extension != NULL ? h->extension(h, LINTEL_EXT_WIRE) : NULL;
}

/* Modbus over Serial Line V1.02, 6.2.2. */
static uint16_t
checksum(const uint8_t *p, size_t n)
{
    uint16_t crc = 0xffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

size_t
mb_adu_write(uint8_t *out, int rtu, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
             size_t n)
{
    if (!rtu) {
        mb_mbap_write(out, transaction, unit, n);
        memcpy(out + MB_MBAP, pdu, n);
        return MB_MBAP + n;
    }
    out[0] = unit;
    memcpy(out + 1, pdu, n);
    uint16_t crc = checksum(out, n + 1);
    out[n + 1] = (uint8_t)crc;
    out[n + 2] = (uint8_t)(crc >> 8);
    return n + 1 + CRC;
}

int
mb_adu_read(const uint8_t *p, size_t n, int rtu, struct mb_frame *ret)
{
    struct mb_mbap head;
    if (rtu) {
        if (n < 2 + CRC || n > 1 + MB_PDU_MOST + CRC ||
            checksum(p, n - CRC) != (p[n - 2] | p[n - 1] << 8))
            return 0;
        *ret = (struct mb_frame){0, p[0], p + 1, n - 1 - CRC};
        return 1;
    }
    int whole = mb_mbap_read(p, n, &head);
    if (whole <= 0 || (size_t)whole != n)
        return 0;
    *ret = (struct mb_frame){head.transaction, head.unit, p + MB_MBAP, head.npdu};
    return 1;
}

lintel_tap
mb_tap_head(const struct mb_conf *c, char peer[MB_TAP_PEER])
{
    int literal = strchr(c->host, ':') != NULL; /* an IPv6 address */
    if (c->rtu)
        snprintf(peer, MB_TAP_PEER, "%s", c->device);
    else
        snprintf(peer, MB_TAP_PEER, "%s%.100s%s:%d", literal ? "[" : "", c->host,
                 literal ? "]" : "", c->port);
    return (lintel_tap){.size = sizeof(lintel_tap),
                        .protocol = c->rtu ? "mbrtu" : "mbtcp",
                        .peer = peer,
                        .serial = c->rtu ? 0 : 2};
}

void
mb_tap(const lintel_host_wire *w, const lintel_host *h, const struct mb_conf *c, uint32_t flow,
       uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n)
{
    uint8_t frame[MB_ADU_MOST + CRC];
    char peer[MB_TAP_PEER];
    if (w == NULL || !w->wanted(h))
        return;
    lintel_tap t = mb_tap_head(c, peer);
    t.flow = flow;
    t.p = frame;
    t.n = (uint32_t)mb_adu_write(frame, c->rtu, transaction, unit, pdu, n);
    w->tell(h, &t);
}
