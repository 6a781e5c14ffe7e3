/* SPDX-License-Identifier: Apache-2.0
 * PUBLISH packets of MQTT 3.1.1 (section 3.3), as pure functions: for recordings. paho has its own
 * for the wire. */
#ifndef LINTEL_PLUGINS_MQTT_PACKET_H
#define LINTEL_PLUGINS_MQTT_PACKET_H
#include <stddef.h>
#include <stdint.h>

struct mqtt_packet {
    const char *topic; /* not ended by a NUL */
    size_t ntopic;
    const void *payload;
    size_t n;
    int qos, retain;
};
/* Bytes that mqtt_packet_write() needs at most; 0: it is longer than a packet can be. */
size_t mqtt_packet_room(const struct mqtt_packet *p);
/* Returns the length. The identifier of QoS 1 and 2 is always 1. */
size_t mqtt_packet_write(uint8_t *out, const struct mqtt_packet *p);
/* Of exactly one packet; 0: it is no PUBLISH. Points into the packet. */
int mqtt_packet_read(const uint8_t *packet, size_t n, struct mqtt_packet *ret);
#endif
