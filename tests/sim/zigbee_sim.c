/* SPDX-License-Identifier: Apache-2.0
 * Devices as zigbee2mqtt shows them on a broker: a lamp, a wall switch, a climate sensor.
 *
 *   zigbee_sim mqtt://HOST:PORT [USER [PASSWORD-FILE]]
 *
 * Prints "ready" when it is connected; ends on SIGTERM, SIGINT, or when standard input ends. The
 * lamp obeys its set topic, tells its state on its get topic, and is toggled every few seconds by
 * the switch, as if the two were bound directly. */
#include <MQTTClient.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE "zigbee2mqtt/"
enum { TICK_MS = 250, PRESS_TICKS = 24, CLIMATE_TICKS = 8, COMMAND_MOST = 65536 };

struct building {
    MQTTClient client;
    int lamp_on, brightness;
    unsigned ticks, presses;
};

static volatile sig_atomic_t ended;

static void
on_signal(int signum)
{
    (void)signum;
    ended = 1;
}

static void
publish(struct building *b, const char *topic, const char *text, int retained)
{
    MQTTClient_message m = MQTTClient_message_initializer;
    m.payload = (char *)(uintptr_t)text;
    m.payloadlen = (int)strlen(text);
    m.retained = retained;
    MQTTClient_publishMessage(b->client, topic, &m, NULL);
}

static void
tell_lamp(struct building *b)
{
    char text[160];
    snprintf(text, sizeof text,
             "{\"state\":\"%s\",\"brightness\":%d,\"color_mode\":\"xy\",\"linkquality\":120}",
             b->lamp_on ? "ON" : "OFF", b->brightness);
    publish(b, BASE "lamp-1", text, 1);
}

static void
tell_climate(struct building *b)
{
    char text[160];
    unsigned phase = b->ticks / CLIMATE_TICKS % 20;
    double swing = phase < 10 ? phase : 20 - phase;
    snprintf(text, sizeof text,
             "{\"temperature\":%.2f,\"humidity\":%.1f,\"battery\":93,\"linkquality\":87}",
             20.5 + swing / 10, 48.0 - swing / 2);
    publish(b, BASE "climate-1", text, 1);
}

static void
press_switch(struct building *b)
{
    publish(b, BASE "switch-1",
            ++b->presses % 3 ? "{\"action\":\"single\",\"battery\":81}"
                             : "{\"action\":\"double\",\"battery\":81}",
            0);
    b->lamp_on = !b->lamp_on;
    tell_lamp(b);
}

/* {"state":"ON"|"OFF"|"TOGGLE", "brightness":0..254, "effect":"blink"}: what is absent stays. */
static void
obey(struct building *b, const MQTTClient_message *m)
{
    json_t *command = m->payloadlen > 0 && m->payloadlen < COMMAND_MOST
                          ? json_loadb(m->payload, (size_t)m->payloadlen, 0, NULL)
                          : NULL;
    const char *state = json_string_value(json_object_get(command, "state"));
    const json_t *brightness = json_object_get(command, "brightness");
    if (state != NULL)
        b->lamp_on = strcmp(state, "TOGGLE") == 0 ? !b->lamp_on : strcmp(state, "ON") == 0;
    if (json_is_number(brightness) && json_number_value(brightness) >= 0 &&
        json_number_value(brightness) <= 254)
        b->brightness = (int)json_number_value(brightness);
    if (json_object_get(command, "effect") != NULL) {
        b->lamp_on = !b->lamp_on;
        tell_lamp(b);
        b->lamp_on = !b->lamp_on;
    }
    tell_lamp(b);
    json_decref(command);
}

static void
receive(struct building *b)
{
    char *topic = NULL;
    int length = 0;
    MQTTClient_message *m = NULL;
    if (MQTTClient_receive(b->client, &topic, &length, &m, TICK_MS) < 0 || m == NULL)
        return;
    if (strcmp(topic, BASE "lamp-1/set") == 0)
        obey(b, m);
    else if (strcmp(topic, BASE "lamp-1/get") == 0)
        tell_lamp(b);
    else if (strcmp(topic, BASE "climate-1/get") == 0)
        tell_climate(b);
    MQTTClient_freeMessage(&m);
    MQTTClient_free(topic);
}

static int
connect_to(struct building *b, const char *uri, const char *user, const char *password_file)
{
    MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;
    char paho[256], password[256] = "";
    FILE *f = password_file ? fopen(password_file, "r") : NULL;
    if (f != NULL && fgets(password, sizeof password, f) != NULL)
        password[strcspn(password, "\n")] = '\0';
    if (f != NULL)
        fclose(f);
    snprintf(paho, sizeof paho, "tcp://%s", strncmp(uri, "mqtt://", 7) == 0 ? uri + 7 : uri);
    if (MQTTClient_create(&b->client, paho, "zigbee-sim", MQTTCLIENT_PERSISTENCE_NONE, NULL) != 0)
        return -1;
    o.username = user;
    o.password = user ? password : NULL;
    o.connectTimeout = 5;
    int failed = MQTTClient_connect(b->client, &o);
    if (failed != 0)
        fprintf(stderr, "zigbee_sim: no connection to %s: %s\n", uri, MQTTClient_strerror(failed));
    return failed;
}

int
main(int argc, char **argv)
{
    struct building b = {.lamp_on = 0, .brightness = 127};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    static char sets[] = BASE "+/set", gets[] = BASE "+/get";
    char *topics[] = {sets, gets};
    int qos[] = {1, 1};
    if (argc < 2 || argc > 4) {
        fputs("Usage: zigbee_sim mqtt://HOST:PORT [USER [PASSWORD-FILE]]\n", stderr);
        return 2;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (connect_to(&b, argv[1], argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL) != 0)
        return 1;
    MQTTClient_subscribeMany(b.client, 2, topics, qos);
    publish(&b, BASE "lamp-1/availability", "{\"state\":\"online\"}", 1);
    publish(&b, BASE "switch-1/availability", "{\"state\":\"online\"}", 1);
    publish(&b, BASE "climate-1/availability", "{\"state\":\"online\"}", 1);
    tell_lamp(&b);
    tell_climate(&b);
    puts("ready");
    fflush(stdout);
    while (!ended && MQTTClient_isConnected(b.client)) {
        receive(&b);
        b.ticks++;
        if (b.ticks % CLIMATE_TICKS == 0)
            tell_climate(&b);
        if (b.ticks % PRESS_TICKS == 0)
            press_switch(&b);
        char c;
        if (poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &c, 1) == 0)
            break;
    }
    publish(&b, BASE "climate-1/availability", "{\"state\":\"offline\"}", 1);
    MQTTClient_disconnect(b.client, 500);
    MQTTClient_destroy(&b.client);
    return 0;
}
