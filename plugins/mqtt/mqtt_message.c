/* SPDX-License-Identifier: Apache-2.0
 * From messages to points. */
#include "plugins/mqtt/mqtt.h"

#define SECOND INT64_C(1000000000)
enum { QUIET_SECONDS = 60 };

struct feed {
    struct mqtt *m;
    const MQTTAsync_message *message;
};

void
mqtt_flush(struct mqtt *m)
{
    if (m->nsamples != 0)
        m->host->publish(m->host, m->samples, m->nsamples);
    m->nsamples = 0;
}

static void
tell_availability(struct mqtt *m, const lintel_device *d, const MQTTAsync_message *message)
{
    size_t n = (size_t)message->payloadlen;
    if (mqtt_availability_is(message->payload, n, d->settings[DEVICE_OFFLINE].as.s))
        m->host->device(m->host, d, LINTEL_E_LINK, "the device is reported offline");
    else if (mqtt_availability_is(message->payload, n, d->settings[DEVICE_ONLINE].as.s))
        m->host->device(m->host, d, LINTEL_OK, "");
}

/* Whether a message says something to a point. */
static int
concerns(const lintel_point *p, const MQTTAsync_message *message)
{
    /* What the broker has kept is a state, but no event: that was told when it happened. */
    if (p->kind == LINTEL_K_EVENT)
        return !message->retained;
    /* An empty message takes back what the broker has kept; it is no value. */
    return message->payloadlen > 0;
}

/* All points of a message get the same memory: the hub parses it once. */
static void
feed_route(void *ctx, struct mqtt_route *route)
{
    const struct feed *f = ctx;
    struct mqtt *m = f->m;
    for (uint32_t i = 0; i < route->ndevices; i++)
        tell_availability(m, route->devices[i], f->message);
    for (uint32_t i = 0; i < route->npoints; i++) {
        if (!concerns(route->points[i], f->message))
            continue;
        if (m->nsamples == MQTT_SAMPLES)
            mqtt_flush(m);
        m->samples[m->nsamples++] = (lintel_sample){
            .point = route->points[i]->id,
            .value = {.type = LINTEL_T_BYTES,
                      .len = (uint32_t)f->message->payloadlen,
                      .as.p = f->message->payload},
        };
    }
    /* What was kept is older than the question. */
    if (!f->message->retained && mqtt_open_awaits(m, route)) {
        mqtt_flush(m);
        mqtt_open_answered(m, route);
    }
}

void
mqtt_message(struct mqtt *m, const struct mqtt_news *news)
{
    mqtt_routes_match(&m->routes, news->topic, news->ntopic, feed_route,
                      &(struct feed){m, news->message});
}

void
mqtt_messages_lost(struct mqtt *m, uint64_t n, const char *why)
{
    lintel_mono now = m->host->now(m->host);
    m->lost += n;
    if (m->grumbled != 0 && now - m->grumbled < QUIET_SECONDS * SECOND)
        return;
    mqtt_log(m, LINTEL_LOG_WARN, "%llu messages were dropped; the last: %s",
             (unsigned long long)m->lost, why);
    m->grumbled = now;
    m->lost = 0;
}
