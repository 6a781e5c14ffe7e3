/* SPDX-License-Identifier: Apache-2.0
 * MQTT 3.1.1: devices behind a broker. One message may feed thousands of points; what a point is
 * within its payload (JSON pointer, pattern) is the hub's business. */
#include "plugins/mqtt/mqtt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
     .help = "Client identifier; two clients of one broker must not share one. Without it, one is "
             "made up at each start.",
     .type = LINTEL_T_STR},
    {.name = "keepAlive",
     .help = "Longest silence before the connection is probed.",
     .dflt = "30",
     .unit = "s",
     .min = 5,
     .max = 3600,
     .type = LINTEL_T_INT},
    {.name = "cleanSession",
     .help =
         "Whether the broker forgets the subscriptions of a lost connection; no needs a clientId.",
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
     .help = "The device's topic; topics of its points are relative to it, unless they start with "
             "a slash.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED},
    {.name = "availability",
     .help = "Topic, relative to the device's, where it is told whether the device can be reached.",
     .type = LINTEL_T_STR},
    {.name = "online",
     .help = "What stands there when it can; also as a text inside a JSON object.",
     .dflt = "online",
     .type = LINTEL_T_STR},
    {.name = "offline",
     .help = "What stands there when it can't.",
     .dflt = "offline",
     .type = LINTEL_T_STR},
    {0},
};

static const lintel_field address_fields[] = {
    {.name = "topic",
     .help = "Topic, relative to the device's; for reading it may hold the wildcards + and #.",
     .dflt = "",
     .type = LINTEL_T_STR},
    {.name = "qos",
     .help = "Quality of service; without it 0 for subscriptions and 1 for what is published.",
     .min = 0,
     .max = 2,
     .type = LINTEL_T_INT},
    {.name = "retain",
     .help = "Whether the broker keeps what is written.",
     .dflt = "no",
     .type = LINTEL_T_BOOL},
    {.name = "get",
     .help = "Topic, relative to the device's, where a message makes it tell its values.",
     .type = LINTEL_T_STR},
    {.name = "getBody", .help = "That message.", .type = LINTEL_T_STR},
    {.name = "body",
     .help = "Fixed message of an action or a write, instead of the value.",
     .type = LINTEL_T_STR},
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

/* An optional text; NULL if it is not there, or empty. */
static char *
copy_text(const lintel_value *v, int *ret_failed)
{
    char *copy = v->type == LINTEL_T_STR && v->len != 0 ? strdup(v->as.s) : NULL;
    *ret_failed |= copy == NULL && v->type == LINTEL_T_STR && v->len != 0;
    return copy;
}

/* mqtt://host becomes tcp://host:1883, as paho writes it; NULL: no broker, or no memory. */
static char *
paho_uri(const char *broker, int *ret_tls)
{
    static const struct {
        const char *scheme, *paho, *port;
        int tls;
    } schemes[] = {{"mqtt://", "tcp://", "1883", 0}, {"mqtts://", "ssl://", "8883", 1}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].scheme);
        const char *host = broker + n;
        if (strncmp(broker, schemes[i].scheme, n) != 0)
            continue;
        /* A name, an address, or an IPv6 address in brackets; no path, and no user before an @. */
        if (host[strcspn(host, "/@ \t\r\n?#")] != '\0' || host[0] == '\0' || host[0] == ':')
            return NULL;
        const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
        int has_port = colon != NULL && (bracket == NULL || colon > bracket);
        if (has_port && (colon[1] == '\0' || colon[1 + strspn(colon + 1, "0123456789")] != '\0'))
            return NULL;
        size_t room = strlen(broker) + 16;
        char *uri = malloc(room);
        if (uri != NULL)
            snprintf(uri, room, "%s%s%s%s", schemes[i].paho, host, has_port ? "" : ":",
                     has_port ? "" : schemes[i].port);
        *ret_tls = schemes[i].tls;
        return uri;
    }
    return NULL;
}

static int
is_loopback(const char *uri)
{
    return strncmp(uri, "tcp://127.", 10) == 0 || strncmp(uri, "tcp://[::1]", 11) == 0 ||
           strncmp(uri, "tcp://localhost:", 16) == 0;
}

static void
destroy(void *self)
{
    struct mqtt *m = self;
    mqtt_inbox_fini(&m->inbox);
    mqtt_routes_fini(&m->routes);
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
judge(const struct mqtt *m, const lintel_host *h)
{
    if (m->uri == NULL)
        return refuse(h,
                      "broker must be mqtt://host[:port] or mqtts://host[:port]; user and password "
                      "have settings of their own");
    if (m->password != NULL && m->username == NULL)
        return refuse(h, "a password needs a username");
    if (!m->clean_session && m->client_id == NULL)
        return refuse(h,
                      "cleanSession: no needs a clientId, so that the broker knows the hub again");
    if (m->status_topic != NULL && mqtt_topic_wrong(m->status_topic, 0) != NULL)
        return refuse(h, "statusTopic must be a topic without wildcards");
    if (!m->tls && (m->ca_file != NULL || m->cert_file != NULL || m->key_file != NULL))
        return refuse(h, "caFile, certFile and keyFile need a broker that begins with mqtts://");
    if ((m->cert_file == NULL) != (m->key_file == NULL))
        return refuse(h, "certFile and keyFile belong together");
    if (!m->tls && m->password != NULL && !is_loopback(m->uri))
        h->log(h, LINTEL_LOG_WARN, "the password goes to the broker unencrypted; use mqtts://");
    if (m->tls && !m->verify)
        h->log(h, LINTEL_LOG_WARN, "verify is no: whoever answers is taken for the broker");
    return LINTEL_OK;
}

static lintel_status
create(const lintel_host *h, const lintel_value *s, void **self)
{
    uint64_t made_up;
    int failed = 0;
    struct mqtt *m = calloc(1, sizeof *m);
    if (m == NULL)
        return LINTEL_E_NOMEM;
    m->host = h;
    m->uri = paho_uri(s[BUS_BROKER].as.s, &m->tls);
    m->username = copy_text(&s[BUS_USERNAME], &failed);
    m->password = copy_text(&s[BUS_PASSWORD], &failed);
    m->client_id = copy_text(&s[BUS_CLIENT_ID], &failed);
    m->ca_file = copy_text(&s[BUS_CA_FILE], &failed);
    m->cert_file = copy_text(&s[BUS_CERT_FILE], &failed);
    m->key_file = copy_text(&s[BUS_KEY_FILE], &failed);
    m->status_topic = copy_text(&s[BUS_STATUS_TOPIC], &failed);
    m->keep_alive = (int)s[BUS_KEEP_ALIVE].as.i;
    m->clean_session = (int)s[BUS_CLEAN_SESSION].as.i;
    m->verify = (int)s[BUS_VERIFY].as.i;
    m->reconnect_max = s[BUS_RECONNECT_MAX].as.i * INT64_C(1000000000);
    m->max_payload = (size_t)s[BUS_MAX_PAYLOAD].as.i;
    mqtt_inbox_init(&m->inbox);
    lintel_status st = failed ? LINTEL_E_NOMEM : judge(m, h);
    if (st == LINTEL_OK && m->client_id == NULL) {
        /* 23 characters at most, which every broker takes (MQTT 3.1.1 section 3.1.3.1). */
        m->client_id = calloc(1, 24);
        if (m->client_id == NULL || getentropy(&made_up, sizeof made_up) != 0)
            st = LINTEL_E_NOMEM;
        else
            snprintf(m->client_id, 24, "lintel%016llx", (unsigned long long)made_up);
    }
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

static lintel_status
refuse_topic(struct mqtt *m, const char *whose, const char *topic, const char *wrong)
{
    mqtt_log(m, LINTEL_LOG_ERROR, "%s: the topic \"%.200s\" %s", whose, topic, wrong);
    return LINTEL_E_ADDRESS;
}

/* The whole topic of a device's relative one, if it is a good one. */
static lintel_status
whole_topic(struct mqtt *m, const char *whose, const lintel_device *d, const lintel_value *relative,
            int wildcards, char out[MQTT_TOPIC_MOST])
{
    const char *base = d->settings[DEVICE_TOPIC].as.s;
    if (mqtt_topic_join(out, base, relative->as.s) != 0)
        return refuse_topic(m, whose, base, "and what follows it are longer than 1,023 bytes");
    const char *wrong = mqtt_topic_wrong(out, wildcards);
    return wrong != NULL ? refuse_topic(m, whose, out, wrong) : LINTEL_OK;
}

/* Routes a filter to a point or to a device. */
static lintel_status
join(struct mqtt *m, const char *filter, int qos, lintel_point *p, lintel_device *d)
{
    struct mqtt_route *route = mqtt_routes_want(&m->routes, filter);
    if (route == NULL)
        return LINTEL_E_NOMEM;
    if (p != NULL ? mqtt_route_add_point(route, p) : mqtt_route_add_device(route, d)) {
        if (mqtt_route_empty(route))
            mqtt_routes_drop(&m->routes, route);
        return LINTEL_E_NOMEM;
    }
    route->qos = qos > route->qos ? qos : route->qos;
    /* Not only for the first one: the broker tells what it has kept at subscribing, and who comes
     * later wants it too. */
    mqtt_session_subscribe(m, route);
    return LINTEL_OK;
}

static void
leave(struct mqtt *m, struct mqtt_route *route)
{
    if (!mqtt_route_empty(route))
        return;
    mqtt_session_unsubscribe(m, route);
    mqtt_routes_drop(&m->routes, route);
}

static lintel_status
attach(void *self, lintel_device *d)
{
    struct mqtt *m = self;
    char topic[MQTT_TOPIC_MOST];
    const lintel_value *availability = &d->settings[DEVICE_AVAILABILITY];
    const char *base = d->settings[DEVICE_TOPIC].as.s, *wrong = mqtt_topic_wrong(base, 0);
    if (wrong != NULL)
        return refuse_topic(m, d->name, base, wrong);
    if (availability->type != LINTEL_T_STR)
        return LINTEL_OK;
    lintel_status st = whole_topic(m, d->name, d, availability, 0, topic);
    return st == LINTEL_OK ? join(m, topic, 0, NULL, d) : st;
}

static void
detach(void *self, lintel_device *d)
{
    if (d->cookie != NULL)
        leave(self, mqtt_route_remove_device(d));
}

static lintel_status
bind(void *self, lintel_point *p)
{
    struct mqtt *m = self;
    char topic[MQTT_TOPIC_MOST];
    int writes = p->kind == LINTEL_K_ACTION || (p->flags & LINTEL_P_WRITE) != 0;
    int reads = p->kind != LINTEL_K_ACTION && (p->flags & (LINTEL_P_READ | LINTEL_P_NOTIFY)) != 0;
    lintel_status st = LINTEL_OK;
    if (writes && p->write_addr != NULL)
        st = whole_topic(m, p->name, p->device, &p->write_addr[ADDRESS_TOPIC], 0, topic);
    if (st != LINTEL_OK || !reads || p->addr == NULL)
        return st;
    if (p->addr[ADDRESS_GET].type == LINTEL_T_STR)
        st = whole_topic(m, p->name, p->device, &p->addr[ADDRESS_GET], 0, topic);
    if (st == LINTEL_OK)
        st = whole_topic(m, p->name, p->device, &p->addr[ADDRESS_TOPIC], 1, topic);
    const lintel_value *qos = &p->addr[ADDRESS_QOS];
    return st == LINTEL_OK ? join(m, topic, qos->type == LINTEL_T_INT ? (int)qos->as.i : 0, p, NULL)
                           : st;
}

static void
unbind(void *self, lintel_point *p)
{
    if (p->cookie != NULL)
        leave(self, mqtt_route_remove_point(p));
}

/* given: { mqtt: { "": '{"state":"ON"}', availability: online } }: a payload for each relative
 * topic. */
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
