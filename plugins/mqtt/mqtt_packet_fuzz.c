/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a PUBLISH packet: one that is read lies within its bytes, and is read the same after
 * it was written again. */
#include "plugins/mqtt/mqtt_packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_packet p, again;
    if (!mqtt_packet_read(data, size, &p))
        return 0;
    if ((const uint8_t *)p.payload + p.n != data + size || p.ntopic + p.n > size)
        abort();
    uint8_t *out = malloc(mqtt_packet_room(&p));
    if (out == NULL)
        return 0;
    size_t n = mqtt_packet_write(out, &p);
    if (n > mqtt_packet_room(&p) || !mqtt_packet_read(out, n, &again) || again.n != p.n ||
        again.ntopic != p.ntopic || again.qos != p.qos || again.retain != p.retain ||
        memcmp(again.topic, p.topic, p.ntopic) != 0 || memcmp(again.payload, p.payload, p.n) != 0)
        abort();
    free(out);
    return 0;
}
