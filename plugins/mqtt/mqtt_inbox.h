/* SPDX-License-Identifier: Apache-2.0
 * Where paho's threads meet the instance's: a queue of news with a descriptor that is readable
 * while it is not empty. It is the only thing that both touch. paho calls back while it holds a
 * lock of its own, so a callback does nothing but put, and nobody calls paho with the inbox locked.
 */
#ifndef LINTEL_PLUGINS_MQTT_INBOX_H
#define LINTEL_PLUGINS_MQTT_INBOX_H
#include <MQTTAsync.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum mqtt_kind {
    MQTT_UP,        /* the broker said yes */
    MQTT_DOWN,      /* the attempt failed, or the connection was lost: why */
    MQTT_MESSAGE,   /* topic, ntopic, message */
    MQTT_TOO_LONG,  /* topic, ntopic; number: the length of the payload */
    MQTT_ACCEPTED,  /* the broker has what was published; number: the token */
    MQTT_FAILED,    /* ... or will not get it */
    MQTT_SUBSCRIBED /* batch: answered */
};

enum { MQTT_WHY = 200 };
struct mqtt_news {
    struct mqtt_news *next;
    enum mqtt_kind kind;
    int number;
    void *batch;
    char *topic; /* paho's memory; not ended by a NUL for sure */
    size_t ntopic;
    MQTTAsync_message *message;
    char why[]; /* DOWN: MQTT_WHY bytes */
};

struct mqtt_inbox {
    pthread_mutex_t lock;
    int fd;
    struct mqtt_news *first, **last;
    struct mqtt_news *up,
        *down;        /* made beforehand: these must come through, and once for each attempt */
    size_t bytes;     /* of the messages inside */
    uint64_t dropped; /* messages, because it was full */
};

void mqtt_inbox_init(struct mqtt_inbox *b);
int mqtt_inbox_open(struct mqtt_inbox *b); /* before anybody else has it; -1: no descriptor */
void mqtt_inbox_fini(struct mqtt_inbox *b);
/* ---- the instance's thread */
/* Before an attempt to connect. -1: out of memory. */
int mqtt_inbox_expect(struct mqtt_inbox *b);
/* Up to `most` news in their order, or NULL; ret_dropped: messages dropped since the last call. */
struct mqtt_news *mqtt_inbox_take(struct mqtt_inbox *b, unsigned most, uint64_t *ret_dropped);
void mqtt_inbox_clear(struct mqtt_inbox *b);
void mqtt_news_free(struct mqtt_news *list);
/* ---- paho's threads */
void mqtt_inbox_up(struct mqtt_inbox *b);
void mqtt_inbox_down(struct mqtt_inbox *b, const char *why);
/* Takes topic and message over, also when it drops them. Of one longer than `most` only the news
 * comes. */
void mqtt_inbox_message(struct mqtt_inbox *b, char *topic, size_t ntopic,
                        MQTTAsync_message *message, size_t most);
/* Without memory the news is lost: then the request's deadline ends it. */
void mqtt_inbox_note(struct mqtt_inbox *b, enum mqtt_kind kind, int number, void *batch);
#endif
