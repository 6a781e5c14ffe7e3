/* SPDX-License-Identifier: Apache-2.0
 * MQTT 3.1.1: devices behind a broker. One message may feed thousands of points; what a point is within its payload
 * (JSON pointer, pattern) is the hub's business. */
#include "plugins/mqtt/mqtt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lintel/ext/given.h"

static const lintel_field bus_fields[] = {
    {.name = "broker",
     .help = "The broker: mqtt://host[:1883] or, over TLS, mqtts://host[:8883].",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED},
    {.name = "username", .help = "User name for the broker.", .type = LINTEL_T_STR},
    {.name = "password",
     .help = "Its password; write secret:NAME and put it into secrets/NAME.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_SECRET},
    {.name = "clientId",
     .help = "Client identifier; two clients of one broker must not share one. Without it, one is made up at each start.",
     .type = LINTEL_T_STR},
    {.name = "keepAlive",
     .help = "Longest silence before the connection is probed.",
     .dflt = "30",
     .unit = "s",
     .min = 5,
     .max = 3600,
     .type = LINTEL_T_INT},
    {.name = "cleanSession",
     .help = "Whether the broker forgets the subscriptions of a lost connection; no needs a clientId.",
     .dflt = "yes",
     .type = LINTEL_T_BOOL},
    {.name = "caFile",
     .help = "Certificates that the broker's must descend from (PEM); without it the system's.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_FILE},
    {.name = "certFile",
     .help = "The hub's own certificate (PEM), where the broker asks for one.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_FILE},
    {.name = "keyFile",
     .help = "The key of certFile (PEM).",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_FILE},
    {.name = "verify",
     .help = "Whether the broker's certificate and name are checked; no is for tests only.",
     .dflt = "yes",
     .type = LINTEL_T_BOOL},
    {.name = "statusTopic",
     .help = "Where the hub says online and, by its last will, offline (retained).",
     .type = LINTEL_T_STR},
    {.name = "reconnectMax",
     .help = "Longest pause between two attempts to connect.",
     .dflt = "30",
     .unit = "s",
     .min = 1,
     .max = 3600,
     .type = LINTEL_T_INT},
    {.name = "maxPayload",
     .help = "Longer messages are dropped.",
     .dflt = "262144",
     .unit = "bytes",
     .min = 64,
     .max = 1048576,
     .type = LINTEL_T_INT},
    {0},
};

static const lintel_field device_fields[] = {
    {.name = "topic",
     .help = "The device's topic; topics of its points are relative to it, unless they start with a slash.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED},
    {.name = "availability",
     .help = "Topic, relative to the device's, where it is told whether the device can be reached.",
     .type = LINTEL_T_STR},
    {.name = "online",
     .help = "What stands there when it can; also as a text inside a JSON object.",
     .dflt = "online",
     .type = LINTEL_T_STR},
    {.name = "offline", .help = "What stands there when it can't.", .dflt = "offline", .type = LINTEL_T_STR},
    {0},
};

static const lintel_field address_fields[] = {
    {.name = "topic",
     .help = "Topic, relative to the device's; for reading it may hold the wildcards + and #.",
     .dflt = "",
     .type = LINTEL_T_STR},
    {.name = "qos",
     .help = "Quality of service of the subscription, or of what is published.",
     .dflt = "0",
     .min = 0,
     .max = 2,
     .type = LINTEL_T_INT},
    {.name = "retain", .help = "Whether the broker keeps what is written.", .dflt = "no", .type = LINTEL_T_BOOL},
    {.name = "get",
     .help = "Topic, relative to the device's, where a message makes it tell its values.",
     .type = LINTEL_T_STR},
    {.name = "getBody", .help = "That message.", .type = LINTEL_T_STR},
    {.name = "body", .help = "Fixed message of an action or a write, instead of the value.", .type = LINTEL_T_STR},
    {0},
};

void
mqtt_log(const struct mqtt *m, int32_t level, const char *format, ...)
{
    char line[400];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    m->host->log(m->host, level, line);
}

static char *
copy_text(const lintel_value *v)
{
    return v->type == LINTEL_T_STR && v->len != 0 ? strdup(v->as.s) : NULL;
}

/* mqtt://host becomes tcp://host:1883, as paho writes it. */
static char *
paho_uri(const char *broker)
{
    static const struct {
        const char *scheme, *paho, *port;
    } schemes[] = {{"mqtt://", "tcp://", "1883"}, {"mqtts://", "ssl://", "8883"}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(broker, schemes[i].scheme, n) != 0 || broker[n] == '\0' || strchr(broker + n, '/') != NULL)
            continue;
        const char *colon = strrchr(broker + n, ':'), *bracket = strrchr(broker + n, ']');
        int has_port = colon != NULL && (bracket == NULL || colon > bracket);
        size_t room = strlen(broker) + 16;
        char *uri = malloc(room);
        if (uri != NULL)
            snprintf(uri, room, "%s%s%s%s", schemes[i].paho, broker + n, has_port ? "" : ":",
                     has_port ? "" : schemes[i].port);
        return uri;
    }
    return NULL;
}

static void
destroy(void *self)
{
    struct mqtt *m = self;
    mqtt_session_free(m);
    mqtt_routes_fini(&m->routes);
    pthread_mutex_destroy(&m->lock);
    free(m->uri);
    free(m->client_id);
    free(m->username);
    if (m->password != NULL)
        explicit_bzero(m->password, strlen(m->password));
    free(m->password);
    free(m->ca_file);
    free(m->cert_file);
    free(m->key_file);
    free(m->status_topic);
    free(m);
}

static lintel_status
refuse(const lintel_host *h, const char *why)
{
    h->log(h, LINTEL_LOG_ERROR, why);
    return LINTEL_E_CONFIG;
}

static lintel_status
create(const lintel_host *h, const lintel_value *s, void **self)
{
    char made_up[32];
    struct timespec now;
    struct mqtt *m = calloc(1, sizeof *m);
    if (m == NULL)
        return LINTEL_E_NOMEM;
    pthread_mutex_init(&m->lock, NULL);
    m->host = h;
    m->wake = -1;
    m->uri = paho_uri(s[BUS_BROKER].as.s);
    m->username = copy_text(&s[BUS_USERNAME]);
    m->password = copy_text(&s[BUS_PASSWORD]);
    m->client_id = copy_text(&s[BUS_CLIENT_ID]);
    m->ca_file = copy_text(&s[BUS_CA_FILE]);
    m->cert_file = copy_text(&s[BUS_CERT_FILE]);
    m->key_file = copy_text(&s[BUS_KEY_FILE]);
    m->status_topic = copy_text(&s[BUS_STATUS_TOPIC]);
    m->keep_alive = (int)s[BUS_KEEP_ALIVE].as.i;
    m->clean_session = (int)s[BUS_CLEAN_SESSION].as.i;
    m->verify = (int)s[BUS_VERIFY].as.i;
    m->reconnect_max = s[BUS_RECONNECT_MAX].as.i * INT64_C(1000000000);
    m->max_payload = (size_t)s[BUS_MAX_PAYLOAD].as.i;
    lintel_status st = LINTEL_OK;
    if (m->uri == NULL)
        st = refuse(h, "broker must be mqtt://host[:port] or mqtts://host[:port]");
    else if (m->password != NULL && m->username == NULL)
        st = refuse(h, "a password needs a username");
    else if (!m->clean_session && m->client_id == NULL)
        st = refuse(h, "cleanSession: no needs a clientId, so that the broker knows the hub again");
    else if (m->status_topic != NULL && mqtt_topic_wrong(m->status_topic, 0) != NULL)
        st = refuse(h, "statusTopic must be a topic without wildcards");
    if (st == LINTEL_OK && m->client_id == NULL) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(made_up, sizeof made_up, "lintel-%lx",
                 (unsigned long)((uintptr_t)m >> 4) ^ (unsigned long)now.tv_nsec);
        m->client_id = strdup(made_up);
    }
    if (st == LINTEL_OK)
        st = mqtt_session_make(m);
    if (st != LINTEL_OK) {
        destroy(m);
        return st;
    }
    *self = m;
    return LINTEL_OK;
}

static lintel_status
start(void *self)
{
    return mqtt_session_start(self);
}

static void
stop(void *self)
{
    mqtt_session_stop(self);
}

/* Routes a filter to a point or a device; subscribes if that is new. */
static lintel_status
route(struct mqtt *m, const char *filter, int qos, lintel_point *p, lintel_device *d)
{
    int fresh, failed = 0;
    pthread_mutex_lock(&m->lock);
    struct mqtt_route *r = mqtt_routes_want(&m->routes, filter, &fresh);
    int higher = r != NULL && qos > r->qos;
    if (r != NULL && p != NULL)
        failed = mqtt_route_add(r, p);
    else if (r != NULL)
        r->device = d;
    if (r != NULL && !failed) {
        if (p != NULL)
            p->cookie = r;
        r->qos = higher ? qos : r->qos;
        /* Not only if it is fresh: the broker tells a kept message at subscribing, and who comes later wants it too. */
        mqtt_session_subscribe(m, r);
    } else if (r != NULL && mqtt_route_empty(r)) {
        mqtt_routes_drop(&m->routes, r);
    }
    pthread_mutex_unlock(&m->lock);
    return r == NULL || failed ? LINTEL_E_NOMEM : LINTEL_OK;
}

static void
unroute(struct mqtt *m, struct mqtt_route *r)
{
    if (!mqtt_route_empty(r))
        return;
    mqtt_session_unsubscribe(m, r);
    mqtt_routes_drop(&m->routes, r);
}

static lintel_status
refuse_topic(struct mqtt *m, const char *whose, const char *topic, const char *wrong)
{
    mqtt_log(m, LINTEL_LOG_ERROR, "%s: the topic \"%.200s\" %s", whose, topic, wrong);
    return LINTEL_E_ADDRESS;
}

static lintel_status
attach(void *self, lintel_device *d)
{
    struct mqtt *m = self;
    char filter[MQTT_TOPIC_MOST];
    const char *topic = d->settings[DEVICE_TOPIC].as.s, *wrong = mqtt_topic_wrong(topic, 0);
    if (wrong != NULL)
        return refuse_topic(m, d->name, topic, wrong);
    if (d->settings[DEVICE_AVAILABILITY].type != LINTEL_T_STR)
        return LINTEL_OK;
    if (mqtt_topic_join(filter, topic, d->settings[DEVICE_AVAILABILITY].as.s) != 0)
        return refuse_topic(m, d->name, topic, "is too long");
    if ((wrong = mqtt_topic_wrong(filter, 0)) != NULL)
        return refuse_topic(m, d->name, filter, wrong);
    return route(m, filter, 0, NULL, d);
}

static void
detach(void *self, lintel_device *d)
{
    struct mqtt *m = self;
    char filter[MQTT_TOPIC_MOST];
    if (d->settings[DEVICE_AVAILABILITY].type != LINTEL_T_STR ||
        mqtt_topic_join(filter, d->settings[DEVICE_TOPIC].as.s, d->settings[DEVICE_AVAILABILITY].as.s) != 0)
        return;
    pthread_mutex_lock(&m->lock);
    struct mqtt_route *r = mqtt_routes_find(&m->routes, filter);
    if (r != NULL && r->device == d) {
        r->device = NULL;
        unroute(m, r);
    }
    pthread_mutex_unlock(&m->lock);
}

static lintel_status
bind(void *self, lintel_point *p)
{
    struct mqtt *m = self;
    char topic[MQTT_TOPIC_MOST];
    const char *base = p->device->settings[DEVICE_TOPIC].as.s, *wrong;
    if (p->write_addr != NULL && (p->flags & LINTEL_P_WRITE || p->kind == LINTEL_K_ACTION)) {
        if (mqtt_topic_join(topic, base, p->write_addr[ADDRESS_TOPIC].as.s) != 0)
            return refuse_topic(m, p->name, base, "is too long");
        if ((wrong = mqtt_topic_wrong(topic, 0)) != NULL)
            return refuse_topic(m, p->name, topic, wrong);
    }
    if (p->kind == LINTEL_K_ACTION || p->addr == NULL || !(p->flags & (LINTEL_P_READ | LINTEL_P_NOTIFY)))
        return LINTEL_OK;
    if (mqtt_topic_join(topic, base, p->addr[ADDRESS_TOPIC].as.s) != 0)
        return refuse_topic(m, p->name, base, "is too long");
    if ((wrong = mqtt_topic_wrong(topic, 1)) != NULL)
        return refuse_topic(m, p->name, topic, wrong);
    return route(m, topic, (int)p->addr[ADDRESS_QOS].as.i, p, NULL);
}

static void
unbind(void *self, lintel_point *p)
{
    struct mqtt *m = self;
    struct mqtt_route *r = p->cookie;
    if (r == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    mqtt_route_remove(r, p);
    unroute(m, r);
    p->cookie = NULL;
    pthread_mutex_unlock(&m->lock);
}

/* given: { mqtt: { "": '{"state":"ON"}', availability: online } }: a payload for each relative topic. */
static lintel_status
given_value(const lintel_value *given, const lintel_point *p, void *scratch, lintel_value *ret,
            char reason[128])
{
    const char *topic = p->addr != NULL ? p->addr[ADDRESS_TOPIC].as.s : "";
    (void)scratch;
    if (given->type != LINTEL_T_MAP) {
        snprintf(reason, 128, "write a map of relative topics to payloads");
        return LINTEL_E_TYPE;
    }
    for (uint32_t i = 0; i < given->len; i++) {
        if (strcmp(given->as.map[i].name, topic) != 0)
            continue;
        if (given->as.map[i].value.type != LINTEL_T_STR) {
            snprintf(reason, 128, "the payload must be a text; put JSON into quotes");
            return LINTEL_E_TYPE;
        }
        *ret = given->as.map[i].value;
        ret->type = LINTEL_T_BYTES;
        return LINTEL_OK;
    }
    return LINTEL_E_ADDRESS;
}

static const void *
extension(void *self, const char *id)
{
    static const lintel_plugin_given given = {sizeof given, 0, given_value};
    (void)self;
    return strcmp(id, LINTEL_EXT_GIVEN) == 0 ? &given : NULL;
}

static const lintel_plugin plugin = {
    .size = sizeof plugin,
    .flags = LINTEL_PLUGIN_PUSH,
    .needs = LINTEL_NEED_NETWORK | LINTEL_NEED_FILES,
    .unit_bytes = 1,
    .name = "mqtt",
    .version = "0.1.0",
    .summary = "Devices behind an MQTT broker",
    .natural = "string",
    .bus = bus_fields,
    .device = device_fields,
    .address = address_fields,
    .create = create,
    .destroy = destroy,
    .start = start,
    .stop = stop,
    .attach = attach,
    .detach = detach,
    .bind = bind,
    .unbind = unbind,
    .read = mqtt_read,
    .write = mqtt_write,
    .invoke = mqtt_write,
    .subscribe = mqtt_subscribe,
    .cancel = mqtt_cancel,
    .extension = extension,
};

LINTEL_PLUGIN_ENTRY(&plugin);
