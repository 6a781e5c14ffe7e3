/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_packet.h"

#include <string.h>

enum { PUBLISH = 3 << 4, LENGTH_MOST = 268435455, HEAD_MOST = 1 + 4 + 2 + 2 };

size_t
mqtt_packet_room(const struct mqtt_packet *p)
{
    return p->ntopic > UINT16_MAX || p->n > LENGTH_MOST - UINT16_MAX - 4
               ? 0
               : HEAD_MOST + p->ntopic + p->n;
}

size_t
mqtt_packet_write(uint8_t *out, const struct mqtt_packet *p)
{
    size_t left = 2 + p->ntopic + (p->qos > 0 ? 2 : 0) + p->n;
    uint8_t *at = out;
    *at++ = (uint8_t)(PUBLISH | p->qos << 1 | (p->retain != 0));
    do {
        *at++ = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
        left >>= 7;
    } while (left > 0);
    *at++ = (uint8_t)(p->ntopic >> 8);
    *at++ = (uint8_t)p->ntopic;
    memcpy(at, p->topic, p->ntopic);
    at += p->ntopic;
    if (p->qos > 0) {
        *at++ = 0;
        *at++ = 1;
    }
    if (p->n > 0)
        memcpy(at, p->payload, p->n);
    return (size_t)(at - out) + p->n;
}

int
mqtt_packet_read(const uint8_t *packet, size_t n, struct mqtt_packet *ret)
{
    size_t at = 1, left = 0;
    unsigned shift = 0;
    if (n < 2 || (packet[0] & 0xf0) != PUBLISH || (packet[0] >> 1 & 3) > 2)
        return 0;
    do {
        if (at == n || shift > 21)
            return 0;
        left |= (size_t)(packet[at] & 127) << shift;
        shift += 7;
    } while (packet[at++] & 128);
    ret->qos = packet[0] >> 1 & 3;
    ret->retain = packet[0] & 1;
    if (left != n - at || left < 2)
        return 0;
    ret->ntopic = (size_t)packet[at] << 8 | packet[at + 1];
    at += 2;
    if (ret->ntopic > n - at || (ret->qos > 0 && n - at - ret->ntopic < 2))
        return 0;
    ret->topic = (const char *)packet + at;
    at += ret->ntopic + (ret->qos > 0 ? 2 : 0);
    ret->payload = packet + at;
    ret->n = n - at;
    return 1;
}
