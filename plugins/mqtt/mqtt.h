/* SPDX-License-Identifier: Apache-2.0
 * One broker connection: what the parts of the plugin share. All of it belongs to the instance's
 * thread; paho's threads reach the inbox and nothing else. */
#ifndef LINTEL_PLUGINS_MQTT_MQTT_H
#define LINTEL_PLUGINS_MQTT_MQTT_H
#include <MQTTAsync.h>

#include "lintel/ext/loop.h"
#include "lintel/ext/wire.h"
#include "lintel/plugin.h"
#include "plugins/mqtt/mqtt_inbox.h"
#include "plugins/mqtt/mqtt_route.h"
#include "plugins/mqtt/mqtt_topic.h"

/* Rows of the tables, in their order. */
enum {
    BUS_BROKER,
    BUS_USERNAME,
    BUS_PASSWORD,
    BUS_CLIENT_ID,
    BUS_KEEP_ALIVE,
    BUS_CLEAN_SESSION,
    BUS_CA_FILE,
    BUS_CERT_FILE,
    BUS_KEY_FILE,
    BUS_VERIFY,
    BUS_STATUS_TOPIC,
    BUS_RECONNECT_MAX,
    BUS_MAX_PAYLOAD
};
enum { DEVICE_TOPIC, DEVICE_AVAILABILITY, DEVICE_ONLINE, DEVICE_OFFLINE };
enum { ADDRESS_TOPIC, ADDRESS_QOS, ADDRESS_RETAIN, ADDRESS_GET, ADDRESS_GET_BODY, ADDRESS_BODY };

enum { MQTT_SAMPLES = 256 };
enum { MQTT_BATCH = 64 }; /* filters in one SUBSCRIBE */
struct mqtt_batch {       /* one SUBSCRIBE under way */
    struct mqtt_batch *next;
    struct mqtt *m;
    int n;
    lintel_mono since;
    int late;         /* it was given up: its filters are in another one */
    uint64_t refused; /* a bit for each; written by paho's thread before it puts MQTT_SUBSCRIBED */
};

struct mqtt_open { /* a request that waits for the broker or for a message */
    struct mqtt_open *next;
    const lintel_request *request;
    uint32_t left; /* points without an outcome */
    int reading;
    struct mqtt_wait {
        lintel_status status; /* 1: none yet */
        int token;            /* of what was published for it; 0: it does not wait for the broker */
    } points[];
};

enum mqtt_state { MQTT_RESTING, MQTT_CONNECTING, MQTT_CONNECTED };

struct mqtt {
    const lintel_host *host;
    const lintel_host_loop *loop;
    /* settings */
    char *uri, *client_id, *username, *password, *ca_file, *cert_file, *key_file, *status_topic;
    int keep_alive, clean_session, verify, tls;
    int64_t reconnect_max; /* ns */
    size_t max_payload;
    /* state */
    MQTTAsync client; /* a new one for each attempt, so that nothing old is sent later */
    enum mqtt_state state;
    struct mqtt_inbox inbox;
    struct mqtt_batch *batches;
    struct mqtt_routes routes;
    struct mqtt_open *open;
    int started;
    const lintel_host_wire *tap; /* NULL: this hub has none */
    int replaying;               /* a recording stands in for the broker */
    uint32_t played;             /* messages of it */
    int64_t pause;               /* before the next attempt; ns */
    unsigned failures;           /* attempts since it was connected */
    int64_t patience;            /* with an answer to SUBSCRIBE; ns */
    lintel_mono due;             /* the next attempt; while connecting: when that has failed */
    uint64_t random;
    char told[MQTT_WHY],
        tls_why[MQTT_WHY]; /* reason told last; paho's thread: what TLS complained of last */
    uint32_t nsamples;     /* gathered of several messages, to go out together */
    lintel_sample samples[MQTT_SAMPLES];
    lintel_mono grumbled; /* when messages were last reported as lost; 0: never */
    uint64_t lost;        /* since then */
};

/* mqtt_session.c: the connection. */
lintel_status mqtt_session_start(struct mqtt *m);
void mqtt_session_stop(struct mqtt *m);
/* Soon, together with others that are asked for now; on every connect all are subscribed to anyway.
 */
void mqtt_session_subscribe(struct mqtt *m, struct mqtt_route *route);
void mqtt_session_unsubscribe(struct mqtt *m, const struct mqtt_route *route);
/* ret_token: what MQTT_ACCEPTED and MQTT_FAILED will bear, or 0 where no answer comes (QoS 0). */
lintel_status mqtt_session_publish(struct mqtt *m, const char *topic, const void *p, size_t n,
                                   int qos, int retain, int *ret_token);

/* mqtt_tap.c: who looks on, and recordings. A message as a PUBLISH packet. */
void mqtt_tap(struct mqtt *m, uint32_t flow, const char *topic, size_t ntopic, const void *p,
              size_t n, int qos, int retain);
/* Plays the recording's messages from now on. */
void mqtt_replay_start(struct mqtt *m);
void mqtt_replay_stop(struct mqtt *m);
/* What goes out while a recording is played: it is told whether it was recorded. */
void mqtt_replay_publish(struct mqtt *m, const char *topic, const void *p, size_t n, int qos,
                         int retain);

/* mqtt_message.c: from messages to points. */
/* Their samples wait for mqtt_flush(), so that those of several messages go out together; the news
 * must live until then. */
void mqtt_message(struct mqtt *m, const struct mqtt_news *news);
void mqtt_flush(struct mqtt *m);
/* Some were lost: says so, but not for each. */
void mqtt_messages_lost(struct mqtt *m, uint64_t n, const char *why);

/* mqtt_request.c: what the hub asks. */
void mqtt_read(void *self, const lintel_request *r);
void mqtt_write(void *self, const lintel_request *r);
void mqtt_subscribe(void *self, const lintel_request *r);
void mqtt_cancel(void *self, const lintel_request *r);
void mqtt_open_published(struct mqtt *m, int token, lintel_status st);
int mqtt_open_awaits(const struct mqtt *m, const struct mqtt_route *route);
void mqtt_open_answered(struct mqtt *m, const struct mqtt_route *route);
void mqtt_open_end_all(struct mqtt *m, lintel_status st);
void mqtt_open_overdue(void *self); /* a timer */

void mqtt_log(const struct mqtt *m, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
