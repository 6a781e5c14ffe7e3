/* SPDX-License-Identifier: Apache-2.0
 * Messages for who looks on, and recordings of them in the place of a broker. paho shows no
 * packets, so each message is told as the PUBLISH that it came or went by. */
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt.h"
#include "plugins/mqtt/mqtt_packet.h"

static lintel_tap
head(const struct mqtt *m, uint32_t flow)
{
    return (lintel_tap){.size = sizeof(lintel_tap),
                        .flow = flow,
                        .protocol = "mqtt",
                        .peer = strstr(m->uri, "://") + 3};
}

/* The packet, to be freed; NULL: no memory. */
static uint8_t *
packet_of(const struct mqtt_packet *p, uint32_t *ret_n)
{
    size_t room = mqtt_packet_room(p);
    uint8_t *packet = room != 0 ? malloc(room) : NULL;
    if (packet != NULL)
        *ret_n = (uint32_t)mqtt_packet_write(packet, p);
    return packet;
}

void
mqtt_tap(struct mqtt *m, uint32_t flow, const char *topic, size_t ntopic, const void *p, size_t n,
         int qos, int retain)
{
    if (m->tap == NULL || !m->tap->wanted(m->host))
        return;
    lintel_tap t = head(m, flow);
    uint8_t *packet = packet_of(&(struct mqtt_packet){topic, ntopic, p, n, qos, retain}, &t.n);
    if (packet == NULL)
        return;
    t.p = packet;
    m->tap->tell(m->host, &t);
    free(packet);
}

/* ---- replaying ------------------------------------------------------------------------------- */

static void play_next(void *self);

/* Waits for the next message that came in. */
static void
wait_next(struct mqtt *m)
{
    lintel_tap t;
    while (m->tap->message(m->host, m->played, &t) && t.flow != LINTEL_TAP_IN)
        m->played++;
    if (!m->tap->message(m->host, m->played, &t))
        return;
    m->loop->timer(m->host, m->host->now(m->host) + (t.when - m->host->wall(m->host)), play_next,
                   m);
}

static void
play_next(void *self)
{
    struct mqtt *m = self;
    lintel_tap t;
    struct mqtt_packet p;
    if (m->tap->message(m->host, m->played, &t) && mqtt_packet_read(t.p, t.n, &p)) {
        MQTTAsync_message message = MQTTAsync_message_initializer;
        char *topic = malloc(p.ntopic + 1);
        void *payload = malloc(p.n + 1);
        if (topic != NULL && payload != NULL) {
            memcpy(topic, p.topic, p.ntopic);
            topic[p.ntopic] = '\0';
            memcpy(payload, p.payload, p.n);
            message.payload = payload;
            message.payloadlen = (int)p.n;
            message.qos = p.qos;
            message.retained = p.retain;
            m->tap->tell(m->host, &t);
            mqtt_message(m, &(struct mqtt_news){.kind = MQTT_MESSAGE,
                                                .topic = topic,
                                                .ntopic = p.ntopic,
                                                .message = &message});
            mqtt_flush(m);
        }
        free(topic);
        free(payload);
    }
    m->played++;
    wait_next(m);
}

void
mqtt_replay_start(struct mqtt *m)
{
    m->replaying = m->started = 1;
    m->state = MQTT_CONNECTED;
    m->played = 0;
    m->host->link(m->host, LINTEL_OK, "");
    wait_next(m);
}

void
mqtt_replay_stop(struct mqtt *m)
{
    m->started = 0;
    m->loop->timer(m->host, 0, play_next, m);
    m->loop->timer(m->host, 0, mqtt_open_overdue, m);
    mqtt_open_end_all(m, LINTEL_E_CANCELLED);
    m->state = MQTT_RESTING;
}

void
mqtt_replay_publish(struct mqtt *m, const char *topic, const void *p, size_t n, int qos, int retain)
{
    lintel_tap t = head(m, LINTEL_TAP_OUT), answer;
    uint8_t *packet =
        packet_of(&(struct mqtt_packet){topic, strlen(topic), p, n, qos, retain}, &t.n);
    if (packet == NULL)
        return;
    t.p = packet;
    m->tap->tell(m->host, &t);
    if (m->tap->find(m->host, &t, m->host->now(m->host), &answer) == LINTEL_E_ADDRESS)
        m->tap->missed(m->host, &t);
    free(packet);
}
