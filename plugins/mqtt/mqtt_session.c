/* SPDX-License-Identifier: Apache-2.0
 * The connection to the broker: paho's async client, with a back-off of our own, since paho's begins only after the
 * first success. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "plugins/mqtt/mqtt.h"

#define SECOND INT64_C(1000000000)
enum { CONNECT_SECONDS = 10, DISCONNECT_MS = 500 };

static void
tell_inst(struct mqtt *m, int news, const char *why)
{
    m->news |= news;
    if (why != NULL)
        snprintf(m->why, sizeof m->why, "%s", why);
    (void)!write(m->wake, &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- paho's threads ------------------------------------------------------------------------------ */

static void
on_connected(void *ctx, MQTTAsync_successData *data)
{
    struct mqtt *m = ctx;
    (void)data;
    pthread_mutex_lock(&m->lock);
    m->connected = 1;
    tell_inst(m, NEWS_CONNECTED, NULL);
    pthread_mutex_unlock(&m->lock);
}

static void
on_refused(void *ctx, MQTTAsync_failureData *data)
{
    static const char *const reasons[] = {
        "", "the broker refuses this version of MQTT", "the broker refuses the client id",
        "the broker is not available", "the broker refuses user name or password",
        "the broker does not allow this client"};
    struct mqtt *m = ctx;
    char why[160];
    int code = data ? data->code : 0;
    if (code > 0 && code < 6)
        snprintf(why, sizeof why, "%s", reasons[code]);
    else
        snprintf(why, sizeof why, "%s%s%s", "no connection to the broker",
                 data && data->message ? ": " : "", data && data->message ? data->message : "");
    pthread_mutex_lock(&m->lock);
    m->connected = 0;
    tell_inst(m, NEWS_LOST, why);
    pthread_mutex_unlock(&m->lock);
}

static void
on_lost(void *ctx, char *cause)
{
    struct mqtt *m = ctx;
    pthread_mutex_lock(&m->lock);
    m->connected = 0;
    tell_inst(m, NEWS_LOST, cause ? cause : "the broker closed the connection");
    pthread_mutex_unlock(&m->lock);
}

struct message {
    struct mqtt *m;
    const MQTTAsync_message *paho;
};

static int
text_is(const MQTTAsync_message *message, const char *word)
{
    size_t n = strlen(word);
    const char *p = message->payload;
    char quoted[80];
    if ((size_t)message->payloadlen == n && memcmp(p, word, n) == 0)
        return 1;
    /* {"state":"online"} is the newer form of the same. */
    int q = snprintf(quoted, sizeof quoted, "\"%s\"", word);
    return q > 0 && (size_t)q < sizeof quoted && message->payloadlen > 0 && p[0] == '{' &&
           memmem(p, (size_t)message->payloadlen, quoted, (size_t)q) != NULL;
}

static void
tell_availability(struct mqtt *m, const lintel_device *d, const MQTTAsync_message *message)
{
    if (text_is(message, d->settings[DEVICE_OFFLINE].as.s))
        m->host->device(m->host, d, LINTEL_E_LINK, "the device is reported offline");
    else if (text_is(message, d->settings[DEVICE_ONLINE].as.s))
        m->host->device(m->host, d, LINTEL_OK, "");
}

enum { SAMPLES_AT_ONCE = 256 };

/* All points of a topic get the same memory: the hub parses it once. */
static void
feed(void *ctx, struct mqtt_route *route)
{
    const struct message *message = ctx;
    struct mqtt *m = message->m;
    lintel_sample samples[SAMPLES_AT_ONCE];
    uint32_t n = 0;
    if (route->device != NULL)
        tell_availability(m, route->device, message->paho);
    for (uint32_t i = 0; i < route->n; i++) {
        const lintel_point *p = route->points[i];
        /* What the broker kept is a state, but no event: it was told when it happened. */
        if (p->kind == LINTEL_K_EVENT && message->paho->retained)
            continue;
        samples[n++] = (lintel_sample){
            .point = p->id,
            .value = {.type = LINTEL_T_BYTES,
                      .len = (uint32_t)message->paho->payloadlen,
                      .as.p = message->paho->payload},
        };
        if (n == SAMPLES_AT_ONCE) {
            m->host->publish(m->host, samples, n);
            n = 0;
        }
    }
    if (n != 0)
        m->host->publish(m->host, samples, n);
    mqtt_open_message(m, route);
}

static int
on_message(void *ctx, char *topic, int topic_length, MQTTAsync_message *message)
{
    struct mqtt *m = ctx;
    size_t n = topic_length > 0 ? (size_t)topic_length : strlen(topic);
    pthread_mutex_lock(&m->lock);
    if (message->payloadlen < 0 || (size_t)message->payloadlen > m->max_payload) {
        if (m->oversized++ == 0)
            mqtt_log(m, LINTEL_LOG_WARN,
                     "a message of %d bytes on \"%.*s\" is dropped: maxPayload is %zu; further ones "
                     "are dropped silently",
                     message->payloadlen, (int)(n < 200 ? n : 200), topic, m->max_payload);
    } else {
        mqtt_routes_match(&m->routes, topic, n, feed, &(struct message){m, message});
    }
    pthread_mutex_unlock(&m->lock);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* What a send knows of its request: the id and the place of the point, in one word. */
enum { INDEX_BITS = 20 };

static void
sent(void *ctx, lintel_status st)
{
    /* The context of a send is allocated, since paho has no word for the instance and the request together. */
    struct {
        struct mqtt *m;
        uintptr_t id;
    } *context = ctx;
    struct mqtt *m = context->m;
    pthread_mutex_lock(&m->lock);
    mqtt_open_done(m, context->id >> INDEX_BITS, context->id & ((1u << INDEX_BITS) - 1), st);
    pthread_mutex_unlock(&m->lock);
    free(context);
}

static void
on_sent(void *ctx, MQTTAsync_successData *data)
{
    (void)data;
    sent(ctx, LINTEL_OK);
}

static void
on_not_sent(void *ctx, MQTTAsync_failureData *data)
{
    (void)data;
    sent(ctx, LINTEL_E_LINK);
}

/* ---- [inst] --------------------------------------------------------------------------------------- */

static void try_connect(void *self);

static uint64_t
next_random(struct mqtt *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

static void
retry_later(struct mqtt *m)
{
    /* Between half and the whole pause, so that a building's hubs do not come back in step. */
    int64_t wait = m->pause / 2 + (int64_t)(next_random(m) % (uint64_t)(m->pause / 2 + 1));
    m->pause = m->pause * 2 < m->reconnect_max ? m->pause * 2 : m->reconnect_max;
    m->loop->timer(m->host, m->host->now(m->host) + wait, try_connect, m);
}

static void
try_connect(void *self)
{
    struct mqtt *m = self;
    MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    if (m->stopping)
        return;
    o.keepAliveInterval = m->keep_alive;
    o.cleansession = m->clean_session;
    o.connectTimeout = CONNECT_SECONDS;
    o.username = m->username;
    o.password = m->password;
    o.context = m;
    o.onSuccess = on_connected;
    o.onFailure = on_refused;
    if (m->status_topic != NULL) {
        will.topicName = m->status_topic;
        will.message = "offline";
        will.retained = 1;
        will.qos = 1;
        o.will = &will;
    }
    if (strncmp(m->uri, "ssl://", 6) == 0) {
        tls.trustStore = m->ca_file;
        tls.keyStore = m->cert_file;
        tls.privateKey = m->key_file;
        tls.enableServerCertAuth = m->verify;
        tls.verify = m->verify;
        tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
        o.ssl = &tls;
    }
    int failed = MQTTAsync_connect(m->client, &o);
    if (failed != MQTTASYNC_SUCCESS) {
        char why[120];
        snprintf(why, sizeof why, "connecting can't be started: %s", MQTTAsync_strerror(failed));
        m->host->link(m->host, LINTEL_E_LINK, why);
        retry_later(m);
    }
}

/* Subscribes to what is wanted. One packet carries many filters: a site's thousands need a few dozen packets. */
static void
subscribe_wanted(struct mqtt *m)
{
    enum { AT_ONCE = 64 };
    char *filters[AT_ONCE];
    int qos[AT_ONCE], n = 0;
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    for (uint32_t i = 0;; i++) {
        struct mqtt_route *route = mqtt_routes_at(&m->routes, i);
        if (route != NULL && route->wanted) {
            route->wanted = 0;
            filters[n] = route->filter;
            qos[n++] = route->qos;
        }
        if (n == AT_ONCE || (route == NULL && n != 0)) {
            int failed = MQTTAsync_subscribeMany(m->client, n, filters, qos, &o);
            if (failed != MQTTASYNC_SUCCESS)
                mqtt_log(m, LINTEL_LOG_WARN, "subscribing to \"%s\" and %d more failed: %s", filters[0],
                         n - 1, MQTTAsync_strerror(failed));
            n = 0;
        }
        if (route == NULL)
            return;
    }
}

static void
subscribe_soon(void *self)
{
    struct mqtt *m = self;
    pthread_mutex_lock(&m->lock);
    if (m->connected)
        subscribe_wanted(m);
    pthread_mutex_unlock(&m->lock);
}

void
mqtt_session_subscribe(struct mqtt *m, struct mqtt_route *route)
{
    route->wanted = 1;
    if (m->connected)
        m->loop->timer(m->host, m->host->now(m->host), subscribe_soon, m);
}

void
mqtt_session_unsubscribe(struct mqtt *m, const struct mqtt_route *route)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    if (m->connected)
        (void)MQTTAsync_unsubscribe(m->client, route->filter, &o);
}

/* Looks at what the callbacks have left. */
static void
on_wake(void *self, int32_t fd, uint32_t ready)
{
    struct mqtt *m = self;
    uint64_t count;
    char why[sizeof m->why];
    (void)ready;
    (void)!read(fd, &count, sizeof count);
    pthread_mutex_lock(&m->lock);
    int news = m->news, connected = m->connected;
    m->news = 0;
    memcpy(why, m->why, sizeof why);
    if (connected && (news & NEWS_CONNECTED)) {
        m->pause = SECOND / 2;
        for (uint32_t i = 0; mqtt_routes_at(&m->routes, i) != NULL; i++)
            mqtt_routes_at(&m->routes, i)->wanted = 1;
        subscribe_wanted(m);
        if (m->status_topic != NULL)
            mqtt_session_publish(m, m->status_topic, "online", 6, 1, 1, NULL, 0);
    }
    if (!connected)
        mqtt_open_end_all(m, LINTEL_E_LINK, 0);
    pthread_mutex_unlock(&m->lock);
    if (connected && (news & NEWS_CONNECTED))
        m->host->link(m->host, LINTEL_OK, "");
    if (!connected && (news & NEWS_LOST) && !m->stopping) {
        m->host->link(m->host, LINTEL_E_LINK, why);
        retry_later(m);
    }
}

lintel_status
mqtt_session_publish(struct mqtt *m, const char *topic, const void *p, size_t n, int qos, int retain,
                     struct mqtt_open *open, uint32_t index)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    struct {
        struct mqtt *m;
        uintptr_t id;
    } *context = NULL;
    if (!m->connected)
        return LINTEL_E_LINK;
    if (n > INT32_MAX)
        return LINTEL_E_RANGE;
    if (open != NULL) {
        if ((context = malloc(sizeof *context)) == NULL)
            return LINTEL_E_NOMEM;
        context->m = m;
        context->id = open->id << INDEX_BITS | index;
        o.context = context;
        o.onSuccess = on_sent;
        o.onFailure = on_not_sent;
    }
    int failed = MQTTAsync_send(m->client, topic, (int)n, p, qos, retain, &o);
    if (failed == MQTTASYNC_SUCCESS)
        return LINTEL_OK;
    free(context);
    return failed == MQTTASYNC_MAX_BUFFERED_MESSAGES ? LINTEL_E_BUSY : LINTEL_E_LINK;
}

lintel_status
mqtt_session_make(struct mqtt *m)
{
    MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer;
    o.sendWhileDisconnected = 0;
    int failed = MQTTAsync_createWithOptions(&m->client, m->uri, m->client_id,
                                             MQTTCLIENT_PERSISTENCE_NONE, NULL, &o);
    if (failed != MQTTASYNC_SUCCESS) {
        mqtt_log(m, LINTEL_LOG_ERROR, "the broker \"%s\" can't be used: %s", m->uri,
                 MQTTAsync_strerror(failed));
        return LINTEL_E_CONFIG;
    }
    MQTTAsync_setCallbacks(m->client, m, on_lost, on_message, NULL);
    m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return m->wake < 0 ? LINTEL_E_FAIL : LINTEL_OK;
}

void
mqtt_session_free(struct mqtt *m)
{
    if (m->client != NULL)
        MQTTAsync_destroy(&m->client);
    if (m->wake >= 0)
        close(m->wake);
}

lintel_status
mqtt_session_start(struct mqtt *m)
{
    m->loop = m->host->extension(m->host, LINTEL_EXT_LOOP);
    if (m->loop == NULL) {
        mqtt_log(m, LINTEL_LOG_ERROR, "this hub has no %s", LINTEL_EXT_LOOP);
        return LINTEL_E_NOTSUP;
    }
    m->started = 1;
    m->pause = SECOND / 2;
    m->random = (uint64_t)m->host->now(m->host) ^ (uint64_t)(uintptr_t)m ^ 1;
    if (m->loop->watch(m->host, m->wake, LINTEL_LOOP_READ, on_wake, m) != LINTEL_OK)
        return LINTEL_E_FAIL;
    try_connect(m);
    return LINTEL_OK;
}

/* Says goodbye, so that the broker does not send the will; not longer than half a second. */
void
mqtt_session_stop(struct mqtt *m)
{
    MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer;
    if (!m->started)
        return;
    m->stopping = 1;
    m->loop->timer(m->host, 0, try_connect, m);
    m->loop->timer(m->host, 0, mqtt_open_overdue, m);
    m->loop->timer(m->host, 0, subscribe_soon, m);
    m->loop->watch(m->host, m->wake, 0, on_wake, m);
    pthread_mutex_lock(&m->lock);
    mqtt_open_end_all(m, LINTEL_E_CANCELLED, 0);
    if (m->connected && m->status_topic != NULL)
        mqtt_session_publish(m, m->status_topic, "offline", 7, 1, 1, NULL, 0);
    pthread_mutex_unlock(&m->lock);
    o.timeout = DISCONNECT_MS;
    if (MQTTAsync_disconnect(m->client, &o) != MQTTASYNC_SUCCESS)
        return;
    for (int i = 0; i < DISCONNECT_MS / 10 && MQTTAsync_isConnected(m->client); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}
