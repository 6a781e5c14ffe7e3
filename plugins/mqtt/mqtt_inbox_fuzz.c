/* SPDX-License-Identifier: Apache-2.0
 * What a broker sends, from paho's side of the inbox to the points that it is for: a script of
 * messages, 1 byte of how, 1 byte for the length of the topic, 2 for that of the payload, then
 * both. Everything comes out once and in its order, or is counted as dropped. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt_inbox.h"
#include "plugins/mqtt/mqtt_route.h"
#include "plugins/mqtt/mqtt_topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1000, TAKE = 3, FILTERS = 6 };

static const char *const filters[FILTERS] = {"a", "a/b", "a/+", "+/b/#", "#", "$SYS/x"};

struct tally {
    uint64_t put, taken, dropped, too_long, last;
    unsigned matched;
};

static void
matched(void *ctx, struct mqtt_route *route)
{
    struct tally *t = ctx;
    t->matched |= 1u << route->index;
}

static void
take(struct mqtt_inbox *b, const struct mqtt_routes *routes, struct tally *t)
{
    uint64_t dropped;
    struct mqtt_news *list = mqtt_inbox_take(b, TAKE, &dropped);
    t->dropped += dropped;
    for (struct mqtt_news *n = list; n != NULL; n = n->next) {
        if (n->kind != MQTT_MESSAGE && n->kind != MQTT_TOO_LONG)
            continue;
        t->taken++;
        t->too_long += n->kind == MQTT_TOO_LONG;
        t->matched = 0;
        mqtt_routes_match(routes, n->topic, n->ntopic, matched, t);
        for (unsigned i = 0; i < FILTERS; i++)
            if (mqtt_topic_matches(filters[i], n->topic, n->ntopic) != (int)(t->matched >> i & 1))
                abort();
        if (n->kind == MQTT_TOO_LONG)
            continue;
        if (n->message == NULL || n->message->payloadlen > MOST ||
            (uint64_t)n->message->msgid <= t->last)
            abort();
        t->last = (uint64_t)n->message->msgid;
        (void)mqtt_availability_is(n->message->payload, (size_t)n->message->payloadlen, "online");
    }
    mqtt_news_free(list);
}

static void
put(struct mqtt_inbox *b, const uint8_t *topic, size_t ntopic, const uint8_t *payload,
    size_t npayload, struct tally *t)
{
    MQTTAsync_message m = MQTTAsync_message_initializer, *copy = MQTTAsync_malloc(sizeof *copy);
    char *name = MQTTAsync_malloc(ntopic + 1);
    m.payload = MQTTAsync_malloc(npayload + 1);
    if (copy == NULL || name == NULL || m.payload == NULL)
        abort();
    memcpy(name, topic, ntopic);
    memcpy(m.payload, payload, npayload);
    m.payloadlen = (int)npayload;
    m.msgid = (int)++t->put;
    *copy = m;
    mqtt_inbox_message(b, name, ntopic, copy, MOST);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_inbox b;
    struct mqtt_routes routes = {0};
    struct tally t = {0};
    static MQTTAsync client; /* paho's memory is paho's only after its first client */
    if (client == NULL && MQTTAsync_create(&client, "tcp://127.0.0.1:1", "fuzz",
                                           MQTTCLIENT_PERSISTENCE_NONE, NULL) != MQTTASYNC_SUCCESS)
        abort();
    mqtt_inbox_init(&b);
    if (mqtt_inbox_open(&b) != 0)
        abort();
    for (unsigned i = 0; i < FILTERS; i++) {
        struct mqtt_route *route = mqtt_routes_want(&routes, filters[i]);
        if (route == NULL || route->index != i)
            abort();
    }
    while (size >= 4) {
        uint8_t how = data[0];
        size_t ntopic = data[1], npayload = (size_t)(data[2] << 8 | data[3]);
        data += 4;
        size -= 4;
        ntopic = ntopic < size ? ntopic : size;
        npayload = npayload < size - ntopic ? npayload : size - ntopic;
        switch (how & 7) {
        case 0: take(&b, &routes, &t); break;
        case 1:
            if (mqtt_inbox_expect(&b) != 0)
                abort();
            mqtt_inbox_up(&b);
            mqtt_inbox_up(&b); /* the second says nothing */
            break;
        case 2: mqtt_inbox_down(&b, "a reason"); break;
        case 3: mqtt_inbox_note(&b, MQTT_ACCEPTED, how, NULL); break;
        default: put(&b, data, ntopic, data + ntopic, npayload, &t); break;
        }
        data += ntopic + npayload;
        size -= ntopic + npayload;
    }
    while (b.first != NULL)
        take(&b, &routes, &t);
    if (t.taken + t.dropped != t.put || b.bytes != 0)
        abort();
    mqtt_inbox_fini(&b);
    mqtt_routes_fini(&routes);
    return 0;
}
