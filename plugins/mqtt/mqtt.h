/* SPDX-License-Identifier: Apache-2.0
 * One broker connection: what the parts of the plugin share.
 *
 * Threads: [inst] calls come on the instance's thread; paho calls back on threads of its own. What both touch
 * (routes, open requests, the state) is behind `lock`; the host's functions may be called under it. */
#ifndef LINTEL_PLUGINS_MQTT_MQTT_H
#define LINTEL_PLUGINS_MQTT_MQTT_H
#include <MQTTAsync.h>
#include <pthread.h>

#include "lintel/ext/loop.h"
#include "lintel/plugin.h"
#include "plugins/mqtt/mqtt_route.h"
#include "plugins/mqtt/mqtt_topic.h"

/* Rows of the tables, in their order. */
enum { BUS_BROKER, BUS_USERNAME, BUS_PASSWORD, BUS_CLIENT_ID, BUS_KEEP_ALIVE, BUS_CLEAN_SESSION,
       BUS_CA_FILE, BUS_CERT_FILE, BUS_KEY_FILE, BUS_VERIFY, BUS_STATUS_TOPIC, BUS_RECONNECT_MAX,
       BUS_MAX_PAYLOAD };
enum { DEVICE_TOPIC, DEVICE_AVAILABILITY, DEVICE_ONLINE, DEVICE_OFFLINE };
enum { ADDRESS_TOPIC, ADDRESS_QOS, ADDRESS_RETAIN, ADDRESS_GET, ADDRESS_GET_BODY, ADDRESS_BODY };

struct mqtt_open { /* a request that waits for the broker or for a message */
    struct mqtt_open *next;
    uintptr_t id;                /* what paho's callbacks know it by */
    const lintel_request *request;
    uint32_t left;               /* points without an outcome */
    lintel_status *status;       /* one a point; 1: none yet */
    int reading;
};

struct mqtt {
    const lintel_host *host;
    const lintel_host_loop *loop;
    MQTTAsync client;
    /* settings */
    char *uri, *client_id, *username, *password, *ca_file, *cert_file, *key_file, *status_topic;
    int keep_alive, clean_session, verify;
    int64_t reconnect_max; /* ns */
    size_t max_payload;
    /* state */
    pthread_mutex_t lock;
    struct mqtt_routes routes;
    struct mqtt_open *open;
    uintptr_t last_id;
    int wake;      /* eventfd: a callback has news for [inst] */
    int connected; /* the broker said yes */
    int news;      /* NEWS_*: what [inst] has to look at */
    char why[160]; /* of the last failure */
    int started, stopping;
    int64_t pause; /* before the next attempt; ns */
    uint64_t random, oversized;
};

enum { NEWS_CONNECTED = 1, NEWS_LOST = 2 };

/* mqtt_session.c: the connection. */
lintel_status mqtt_session_make(struct mqtt *m);
void mqtt_session_free(struct mqtt *m);
lintel_status mqtt_session_start(struct mqtt *m);
void mqtt_session_stop(struct mqtt *m);
/* Soon, together with others that are asked for now; on every connect all are subscribed to anyway. [inst],
 * with the lock held. */
void mqtt_session_subscribe(struct mqtt *m, struct mqtt_route *route);
void mqtt_session_unsubscribe(struct mqtt *m, const struct mqtt_route *route);
/* Publishes; open: told by mqtt_open_done() when the broker has it (NULL: nobody). */
lintel_status mqtt_session_publish(struct mqtt *m, const char *topic, const void *p, size_t n, int qos,
                                   int retain, struct mqtt_open *open, uint32_t index);

/* mqtt_request.c: reads, writes, actions, subscriptions of the hub. */
void mqtt_read(void *self, const lintel_request *r);
void mqtt_write(void *self, const lintel_request *r);
void mqtt_subscribe(void *self, const lintel_request *r);
void mqtt_cancel(void *self, const lintel_request *r);
/* A point of an open request has its outcome; with the lock held. id 0 and unknown ids: nothing happens. */
void mqtt_open_done(struct mqtt *m, uintptr_t id, uint32_t index, lintel_status st);
/* A message came for these points; with the lock held. */
void mqtt_open_message(struct mqtt *m, const struct mqtt_route *route);
void mqtt_open_end_all(struct mqtt *m, lintel_status st, int reading_only);
void mqtt_open_overdue(void *self); /* timer on [inst] */

void mqtt_log(const struct mqtt *m, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
