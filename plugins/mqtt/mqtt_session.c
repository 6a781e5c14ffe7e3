/* SPDX-License-Identifier: Apache-2.0
 * The connection to the broker: paho's async client, with a back-off of our own, since paho's
 * begins only after the first success and keeps what was not sent for the next connection: a
 * command must not arrive an hour late. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/mqtt/mqtt.h"

#define SECOND INT64_C(1000000000)
#define SOON (SECOND / 20)         /* until paho's thread has a socket */
#define TEND_EVERY (2 * SECOND)    /* a look at what should have come */
#define SUBACK_FIRST (5 * SECOND)  /* is waited for, and each time twice as long, */
#define SUBACK_MOST (300 * SECOND) /* up to this */
enum {
    CONNECT_SECONDS = 10,
    AFRESH_EVERY = 4,     /* attempts */
    ATTEMPT_SECONDS = 30, /* paho has given up long before, or has forgotten it */
    GOODBYE_MS = 500,
    NEWS_AT_ONCE = 256,
    SENDS_MOST = 10000,
    FDS_MOST = 4096
};
static const char ONLINE[] = "online", OFFLINE[] = "offline";

/* ---- paho's threads: each only puts into the inbox ------------------------------------------- */

static void
on_connected(void *ctx, MQTTAsync_successData *data)
{
    struct mqtt *m = ctx;
    (void)data;
    mqtt_inbox_up(&m->inbox);
}

static int
on_tls_error(const char *text, size_t n, void *ctx)
{
    struct mqtt *m = ctx;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\0'))
        n--;
    snprintf(m->tls_why, sizeof m->tls_why, "%.*s", (int)n, text);
    return 1;
}

static void
on_refused(void *ctx, MQTTAsync_failureData *data)
{
    /* The return codes of CONNACK, MQTT 3.1.1 section 3.2.2.3. */
    static const char *const reasons[] = {
        "",
        "the broker refuses MQTT 3.1.1",
        "the broker refuses the clientId",
        "the broker is not available",
        "the broker refuses username or password",
        "the broker does not allow this client in: check username, password and its access list"};
    struct mqtt *m = ctx;
    char why[MQTT_WHY];
    int code = data != NULL ? data->code : 0;
    const char *detail = m->tls_why[0] != '\0'                   ? m->tls_why
                         : data != NULL && data->message != NULL ? data->message
                                                                 : "nobody answers there";
    if (code > 0 && code < (int)(sizeof reasons / sizeof *reasons))
        snprintf(why, sizeof why, "%s", reasons[code]);
    else
        snprintf(why, sizeof why, "no connection to the broker %.80s: %.80s",
                 strstr(m->uri, "://") + 3, detail);
    mqtt_inbox_down(&m->inbox, why);
}

static void
on_lost(void *ctx, char *cause)
{
    struct mqtt *m = ctx;
    mqtt_inbox_down(&m->inbox, cause != NULL ? cause : "the connection to the broker was lost");
}

static int
on_message(void *ctx, char *topic, int topic_length, MQTTAsync_message *message)
{
    struct mqtt *m = ctx;
    size_t n = topic_length > 0 ? (size_t)topic_length : strlen(topic);
    mqtt_inbox_message(&m->inbox, topic, n, message, m->max_payload);
    return 1;
}

static void
on_sent(void *ctx, MQTTAsync_successData *data)
{
    struct mqtt *m = ctx;
    mqtt_inbox_note(&m->inbox, MQTT_ACCEPTED, data->token, NULL);
}

static void
on_not_sent(void *ctx, MQTTAsync_failureData *data)
{
    struct mqtt *m = ctx;
    mqtt_inbox_note(&m->inbox, MQTT_FAILED, data->token, NULL);
}

enum { SUBACK_FAILURE = 0x80 }; /* MQTT 3.1.1 section 3.9.3 */

static void
on_subscribed(void *ctx, MQTTAsync_successData *data)
{
    struct mqtt_batch *b = ctx;
    const int *granted = b->n == 1 ? &data->alt.qos : data->alt.qosList;
    for (int i = 0; granted != NULL && i < b->n; i++)
        b->refused |= (uint64_t)(granted[i] >= SUBACK_FAILURE) << i;
    mqtt_inbox_note(&b->m->inbox, MQTT_SUBSCRIBED, 0, b);
}

/* paho tells a refusal so when it was asked for one filter only. */
static void
on_not_subscribed(void *ctx, MQTTAsync_failureData *data)
{
    struct mqtt_batch *b = ctx;
    b->refused = data != NULL && data->code >= SUBACK_FAILURE;
    mqtt_inbox_note(&b->m->inbox, MQTT_SUBSCRIBED, 0, b);
}

/* ---- connecting ------------------------------------------------------------------------------ */

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
    m->due = m->host->now(m->host) + wait;
    m->loop->timer(m->host, m->due, try_connect, m); /* without memory: tend() */
}

/* Says why, unless that was the last word already, and tries again later. */
static void
down(struct mqtt *m, const char *why)
{
    int was_up = m->state == MQTT_CONNECTED;
    m->failures++;
    m->state = MQTT_RESTING;
    mqtt_open_end_all(m, LINTEL_E_LINK);
    if (was_up || strcmp(m->told, why) != 0)
        m->host->link(m->host, LINTEL_E_LINK, why);
    snprintf(m->told, sizeof m->told, "%s", why);
    retry_later(m);
}

/* Ends a client; afterwards none of its callbacks runs any more. */
static void
drop_client(struct mqtt *m, MQTTAsync client)
{
    if (client != NULL)
        MQTTAsync_destroy(&client);
    mqtt_inbox_clear(&m->inbox);
    for (uint32_t i = 0; i < m->routes.n; i++)
        m->routes.all[i]->batch = NULL;
    while (m->batches != NULL) {
        struct mqtt_batch *next = m->batches->next;
        free(m->batches);
        m->batches = next;
    }
}

/* The next client is made before the last one ends: with the last of a process paho also ends its
 * threads, which takes a second. But now and then it shall: after a want of memory its list of
 * sockets may be of no use any more. */
static int
renew_client(struct mqtt *m)
{
    MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer;
    MQTTAsync old, fresh = NULL;
    if (m->failures % AFRESH_EVERY == AFRESH_EVERY - 1) {
        drop_client(m, m->client);
        m->client = NULL;
    }
    old = m->client;
    o.MQTTVersion = MQTTVERSION_3_1_1;
    o.maxBufferedMessages = SENDS_MOST;
    int failed = MQTTAsync_createWithOptions(&fresh, m->uri, m->client_id,
                                             MQTTCLIENT_PERSISTENCE_NONE, NULL, &o);
    if (failed != MQTTASYNC_SUCCESS)
        return failed;
    m->client = fresh;
    drop_client(m, old);
    failed = MQTTAsync_setCallbacks(fresh, m, on_lost, on_message, NULL);
    return mqtt_inbox_expect(&m->inbox) == 0 ? failed : MQTTASYNC_FAILURE;
}

/* What is wrong with a file; 0 if nothing. */
static int
file_is_wrong(const char *key, const char *path, int secret, char why[MQTT_WHY])
{
    struct stat s;
    if (path == NULL)
        return 0;
    if (access(path, R_OK) != 0 || stat(path, &s) != 0)
        snprintf(why, MQTT_WHY, "%s: %.120s: %.40s", key, path, strerror(errno));
    else if (secret && (s.st_mode & S_IRWXO) != 0)
        snprintf(why, MQTT_WHY, "%s: everybody may read %.120s: chmod o= it", key, path);
    else
        return 0;
    return 1;
}

static int
files_are_wrong(const struct mqtt *m, char why[MQTT_WHY])
{
    return m->tls && (file_is_wrong("caFile", m->ca_file, 0, why) ||
                      file_is_wrong("certFile", m->cert_file, 0, why) ||
                      file_is_wrong("keyFile", m->key_file, 1, why));
}

static int
connect_client(struct mqtt *m)
{
    MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    o.MQTTVersion = MQTTVERSION_3_1_1;
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
        will.message = OFFLINE;
        will.retained = 1;
        will.qos = 1;
        o.will = &will;
    }
    if (m->tls) {
        tls.trustStore = m->ca_file;
        tls.disableDefaultTrustStore = m->ca_file != NULL;
        tls.keyStore = m->cert_file;
        tls.privateKey = m->key_file;
        tls.enableServerCertAuth = m->verify;
        tls.verify = m->verify;
        tls.ssl_error_cb = on_tls_error;
        tls.ssl_error_context = m;
        o.ssl = &tls;
    }
    return MQTTAsync_connect(m->client, &o);
}

/* paho opens its socket without close-on-exec and lets nobody at it. Every descriptor of this
 * process is close-on-exec, so it is no harm to meet others than paho's. */
static void
keep_from_children(void *self)
{
    (void)self;
    for (int fd = STDERR_FILENO + 1; fd < FDS_MOST; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
}

static void
try_connect(void *self)
{
    struct mqtt *m = self;
    char why[MQTT_WHY];
    if (files_are_wrong(m, why)) {
        down(m, why);
        return;
    }
    int failed = renew_client(m);
    if (failed == MQTTASYNC_SUCCESS) {
        m->tls_why[0] = '\0'; /* nobody else is there yet */
        m->state = MQTT_CONNECTING;
        m->due = m->host->now(m->host) + ATTEMPT_SECONDS * SECOND;
        failed = connect_client(m);
        m->loop->timer(m->host, m->host->now(m->host) + SOON, keep_from_children, m);
    }
    if (failed != MQTTASYNC_SUCCESS) {
        snprintf(why, sizeof why, "connecting can't be started: %s", MQTTAsync_strerror(failed));
        down(m, why);
    }
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static void
send_batch(struct mqtt *m, struct mqtt_route **routes, int n)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    char *filters[MQTT_BATCH];
    int qos[MQTT_BATCH], failed = MQTTASYNC_FAILURE;
    struct mqtt_batch *b = calloc(1, sizeof *b);
    for (int i = 0; i < n; i++) {
        filters[i] = routes[i]->filter;
        qos[i] = routes[i]->qos;
    }
    if (b != NULL) {
        b->m = m;
        b->n = n;
        b->since = m->host->now(m->host);
        o.context = b;
        o.onSuccess = on_subscribed;
        o.onFailure = on_not_subscribed;
        failed = MQTTAsync_subscribeMany(m->client, n, filters, qos, &o);
    }
    if (failed != MQTTASYNC_SUCCESS) {
        free(b);
        mqtt_log(m, LINTEL_LOG_WARN, "subscribing to \"%.200s\" and %d more failed: %s", filters[0],
                 n - 1, MQTTAsync_strerror(failed));
        return;
    }
    b->next = m->batches;
    m->batches = b;
    for (int i = 0; i < n; i++) {
        routes[i]->wanted = 0;
        routes[i]->batch = b;
        routes[i]->batch_at = (uint32_t)i;
    }
}

/* One packet carries many filters: a site's thousands need a few dozen packets. */
static void
subscribe_wanted(void *self)
{
    struct mqtt *m = self;
    struct mqtt_route *routes[MQTT_BATCH];
    int n = 0;
    for (uint32_t i = 0; m->state == MQTT_CONNECTED && i < m->routes.n; i++) {
        if (m->routes.all[i]->wanted)
            routes[n++] = m->routes.all[i];
        if (n == MQTT_BATCH) {
            send_batch(m, routes, n);
            n = 0;
        }
    }
    if (n != 0)
        send_batch(m, routes, n);
}

void
mqtt_session_subscribe(struct mqtt *m, struct mqtt_route *route)
{
    if (route->wanted || m->replaying)
        return;
    route->wanted = 1;
    if (m->state == MQTT_CONNECTED)
        m->loop->timer(m->host, m->host->now(m->host), subscribe_wanted, m);
}

void
mqtt_session_unsubscribe(struct mqtt *m, const struct mqtt_route *route)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    if (m->state == MQTT_CONNECTED && !m->replaying)
        (void)MQTTAsync_unsubscribe(m->client, route->filter, &o);
}

/* A subscription without an answer is asked for again: paho forgets one when memory is out. */
static void
give_up_late(struct mqtt *m)
{
    int any = 0;
    for (struct mqtt_batch *b = m->batches; b != NULL; b = b->next) {
        if (b->late || m->host->now(m->host) - b->since < m->patience)
            continue;
        any = 1;
        b->late = 1; /* paho may still call for it */
        for (uint32_t i = 0; i < m->routes.n; i++)
            if (m->routes.all[i]->batch == b) {
                m->routes.all[i]->batch = NULL;
                m->routes.all[i]->wanted = 1;
            }
    }
    if (any)
        m->patience = m->patience * 2 < SUBACK_MOST ? m->patience * 2 : SUBACK_MOST;
}

/* What was to happen, and did not for want of memory, happens now: of all timers this one alone
 * never rests, so it needs none to go on. */
static void
tend(void *self)
{
    struct mqtt *m = self;
    lintel_mono now = m->host->now(m->host);
    m->loop->timer(m->host, now + TEND_EVERY, tend, m);
    if (m->state == MQTT_RESTING && now > m->due + SECOND)
        try_connect(m);
    else if (m->state == MQTT_CONNECTING && now > m->due)
        down(m, "the broker does not answer");
    else if (m->state == MQTT_CONNECTED) {
        give_up_late(m);
        subscribe_wanted(m);
    }
}

/* Tells the points of the routes that the broker did not accept. */
static void
refused(struct mqtt *m, const struct mqtt_route *route)
{
    char why[MQTT_WHY];
    snprintf(why, sizeof why, "the broker refuses the subscription to \"%.120s\"", route->filter);
    mqtt_log(m, LINTEL_LOG_WARN, "%s", why);
    for (uint32_t i = 0; i < route->npoints; i++) {
        lintel_sample s = {.point = route->points[i]->id, .status = LINTEL_E_DENIED, .detail = why};
        m->host->publish(m->host, &s, 1);
    }
}

static void
subscribed(struct mqtt *m, struct mqtt_batch *b)
{
    struct mqtt_batch **link = &m->batches;
    for (uint32_t i = 0; i < m->routes.n; i++) {
        struct mqtt_route *route = m->routes.all[i];
        if (route->batch != b)
            continue;
        route->batch = NULL;
        if (b->refused >> route->batch_at & 1)
            refused(m, route);
    }
    while (*link != b)
        link = &(*link)->next;
    *link = b->next;
    free(b);
}

/* ---- news ------------------------------------------------------------------------------------ */

static void
up(struct mqtt *m)
{
    int token;
    m->state = MQTT_CONNECTED;
    m->pause = SECOND / 2;
    m->patience = SUBACK_FIRST;
    m->failures = 0;
    m->told[0] = '\0';
    m->host->link(m->host, LINTEL_OK, "");
    for (uint32_t i = 0; i < m->routes.n; i++)
        m->routes.all[i]->wanted = 1;
    subscribe_wanted(m);
    if (m->status_topic != NULL)
        (void)mqtt_session_publish(m, m->status_topic, ONLINE, sizeof ONLINE - 1, 1, 1, &token);
}

static void
hear(struct mqtt *m, const struct mqtt_news *news)
{
    char why[MQTT_WHY];
    if (news->kind == MQTT_MESSAGE) {
        const MQTTAsync_message *message = news->message;
        mqtt_tap(m, LINTEL_TAP_IN, news->topic, news->ntopic, message->payload,
                 (size_t)message->payloadlen, message->qos, message->retained);
        mqtt_message(m, news);
        return;
    }
    mqtt_flush(m); /* all in their order */
    switch (news->kind) {
    case MQTT_UP:
        keep_from_children(m);
        up(m);
        break;
    case MQTT_DOWN: down(m, news->why); break;
    case MQTT_ACCEPTED: mqtt_open_published(m, news->number, LINTEL_OK); break;
    case MQTT_FAILED: mqtt_open_published(m, news->number, LINTEL_E_LINK); break;
    case MQTT_SUBSCRIBED: subscribed(m, news->batch); break;
    case MQTT_TOO_LONG:
        snprintf(why, sizeof why, "%d bytes on \"%.*s\", and maxPayload is %zu", news->number,
                 (int)(news->ntopic < 100 ? news->ntopic : 100), news->topic, m->max_payload);
        mqtt_messages_lost(m, 1, why);
        break;
    case MQTT_MESSAGE: break;
    }
}

static void
on_inbox(void *self, int32_t fd, uint32_t ready)
{
    struct mqtt *m = self;
    uint64_t dropped;
    (void)fd;
    (void)ready;
    struct mqtt_news *list = mqtt_inbox_take(&m->inbox, NEWS_AT_ONCE, &dropped);
    for (const struct mqtt_news *news = list; news != NULL; news = news->next)
        hear(m, news);
    mqtt_flush(m);
    mqtt_news_free(list);
    if (dropped != 0)
        mqtt_messages_lost(m, dropped, "more came than the hub can take");
}

lintel_status
mqtt_session_publish(struct mqtt *m, const char *topic, const void *p, size_t n, int qos,
                     int retain, int *ret_token)
{
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    if (m->state != MQTT_CONNECTED)
        return LINTEL_E_LINK;
    if (n > INT32_MAX)
        return LINTEL_E_RANGE;
    *ret_token = 0;
    if (m->replaying) {
        mqtt_replay_publish(m, topic, p, n, qos, retain);
        return LINTEL_OK;
    }
    if (qos > 0) {
        o.context = m;
        o.onSuccess = on_sent;
        o.onFailure = on_not_sent;
    }
    int failed = MQTTAsync_send(m->client, topic, (int)n, p, qos, retain, &o);
    if (failed == MQTTASYNC_SUCCESS) {
        mqtt_tap(m, LINTEL_TAP_OUT, topic, strlen(topic), p, n, qos, retain);
        *ret_token = qos > 0 ? o.token : 0;
        return LINTEL_OK;
    }
    return failed == MQTTASYNC_MAX_BUFFERED_MESSAGES || failed == MQTTASYNC_NO_MORE_MSGIDS
               ? LINTEL_E_BUSY
               : LINTEL_E_LINK;
}

/* ---- start and stop -------------------------------------------------------------------------- */

lintel_status
mqtt_session_start(struct mqtt *m)
{
    m->loop = m->host->extension(m->host, LINTEL_EXT_LOOP);
    if (m->loop == NULL) {
        mqtt_log(m, LINTEL_LOG_ERROR, "this hub has no %s", LINTEL_EXT_LOOP);
        return LINTEL_E_NOTSUP;
    }
    m->tap = m->host->extension(m->host, LINTEL_EXT_WIRE);
    if (m->tap != NULL && m->tap->replaying(m->host)) {
        mqtt_replay_start(m);
        return LINTEL_OK;
    }
    m->pause = SECOND / 2;
    m->random = (uint64_t)m->host->now(m->host) ^ (uint64_t)(uintptr_t)m ^ 1;
    if (mqtt_inbox_open(&m->inbox) != 0) {
        mqtt_log(m, LINTEL_LOG_ERROR, "no eventfd can be made: %s", strerror(errno));
        return LINTEL_E_FAIL;
    }
    lintel_status st = m->loop->watch(m->host, m->inbox.fd, LINTEL_LOOP_READ, on_inbox, m);
    if (st != LINTEL_OK)
        return st;
    m->due = m->host->now(m->host);
    st = m->loop->timer(m->host, m->due + TEND_EVERY, tend, m);
    if (st != LINTEL_OK) {
        m->loop->watch(m->host, m->inbox.fd, 0, on_inbox, m);
        return st;
    }
    m->started = 1;
    try_connect(m);
    return LINTEL_OK;
}

/* Waits until the broker has the last word, but not for long. */
static void
wait_for(struct mqtt *m, int token)
{
    struct pollfd p = {.fd = m->inbox.fd, .events = POLLIN};
    lintel_mono until = m->host->now(m->host) + GOODBYE_MS * (SECOND / 1000);
    for (int has = 0; !has && m->host->now(m->host) < until;) {
        int ready = poll(&p, 1, GOODBYE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return;
        uint64_t dropped;
        struct mqtt_news *list = mqtt_inbox_take(&m->inbox, NEWS_AT_ONCE, &dropped);
        for (const struct mqtt_news *news = list; news != NULL; news = news->next)
            has |=
                news->kind == MQTT_DOWN || (news->kind == MQTT_ACCEPTED && news->number == token);
        mqtt_news_free(list);
    }
}

/* paho says goodbye to the broker when the client is destroyed, so that the broker does not send
 * the will. */
void
mqtt_session_stop(struct mqtt *m)
{
    int token;
    if (m->replaying)
        mqtt_replay_stop(m);
    if (!m->started)
        return; /* also after a recording: there is no client */
    m->started = 0;
    m->loop->timer(m->host, 0, tend, m);
    m->loop->timer(m->host, 0, try_connect, m);
    m->loop->timer(m->host, 0, keep_from_children, m);
    m->loop->timer(m->host, 0, mqtt_open_overdue, m);
    m->loop->timer(m->host, 0, subscribe_wanted, m);
    m->loop->watch(m->host, m->inbox.fd, 0, on_inbox, m);
    mqtt_open_end_all(m, LINTEL_E_CANCELLED);
    if (m->status_topic != NULL &&
        mqtt_session_publish(m, m->status_topic, OFFLINE, sizeof OFFLINE - 1, 1, 1, &token) ==
            LINTEL_OK)
        wait_for(m, token);
    m->state = MQTT_RESTING;
    drop_client(m, m->client);
    m->client = NULL;
}
