/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_inbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BYTES_MOST = 64 * 1024 * 1024 };

void
mqtt_inbox_init(struct mqtt_inbox *b)
{
    *b = (struct mqtt_inbox){.fd = -1};
    b->last = &b->first;
    pthread_mutex_init(&b->lock, NULL);
}

int
mqtt_inbox_open(struct mqtt_inbox *b)
{
    b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return b->fd < 0 ? -1 : 0;
}

void
mqtt_inbox_fini(struct mqtt_inbox *b)
{
    mqtt_inbox_clear(b);
    free(b->up);
    free(b->down);
    if (b->fd >= 0)
        close(b->fd);
    pthread_mutex_destroy(&b->lock);
}

void
mqtt_inbox_clear(struct mqtt_inbox *b)
{
    uint64_t dropped;
    mqtt_news_free(mqtt_inbox_take(b, UINT_MAX, &dropped));
}

int
mqtt_inbox_expect(struct mqtt_inbox *b)
{
    pthread_mutex_lock(&b->lock);
    if (b->up == NULL)
        b->up = calloc(1, sizeof *b->up);
    if (b->down == NULL)
        b->down = calloc(1, sizeof *b->down + MQTT_WHY);
    int failed = b->up == NULL || b->down == NULL;
    pthread_mutex_unlock(&b->lock);
    return failed ? -1 : 0;
}

static void
append(struct mqtt_inbox *b, struct mqtt_news *news)
{
    int was_empty = b->first == NULL;
    *b->last = news;
    b->last = &news->next;
    if (!was_empty)
        return;
    /* Any other error: it is at its greatest value, and readable. */
    while (write(b->fd, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
        continue;
}

void
mqtt_inbox_up(struct mqtt_inbox *b)
{
    pthread_mutex_lock(&b->lock);
    if (b->up != NULL) {
        b->up->kind = MQTT_UP;
        append(b, b->up);
        b->up = NULL;
    }
    pthread_mutex_unlock(&b->lock);
}

void
mqtt_inbox_down(struct mqtt_inbox *b, const char *why)
{
    pthread_mutex_lock(&b->lock);
    if (b->down != NULL) {
        b->down->kind = MQTT_DOWN;
        snprintf(b->down->why, MQTT_WHY, "%s", why);
        append(b, b->down);
        b->down = NULL;
    }
    pthread_mutex_unlock(&b->lock);
}

/* What a message takes of the limit. */
static size_t
weight(const struct mqtt_news *news)
{
    return news->topic == NULL ? 0
                               : sizeof *news + news->ntopic +
                                     (news->message ? (size_t)news->message->payloadlen : 0);
}

void
mqtt_inbox_message(struct mqtt_inbox *b, char *topic, size_t ntopic, MQTTAsync_message *message,
                   size_t most)
{
    struct mqtt_news *news = calloc(1, sizeof *news);
    int room = 0;
    if (news != NULL) {
        *news = (struct mqtt_news){
            .kind = MQTT_MESSAGE, .topic = topic, .ntopic = ntopic, .message = message};
        if (message->payloadlen < 0 || (size_t)message->payloadlen > most) {
            news->kind = MQTT_TOO_LONG;
            news->number = message->payloadlen;
            MQTTAsync_freeMessage(&message);
            news->message = NULL;
        }
    }
    pthread_mutex_lock(&b->lock);
    if (news != NULL && b->bytes + weight(news) <= BYTES_MOST) {
        room = 1;
        b->bytes += weight(news);
        append(b, news);
    } else {
        b->dropped++;
    }
    pthread_mutex_unlock(&b->lock);
    if (room)
        return;
    MQTTAsync_free(topic);
    if (message != NULL)
        MQTTAsync_freeMessage(&message);
    free(news);
}

void
mqtt_inbox_note(struct mqtt_inbox *b, enum mqtt_kind kind, int number, void *batch)
{
    struct mqtt_news *news = calloc(1, sizeof *news);
    if (news == NULL)
        return;
    *news = (struct mqtt_news){.kind = kind, .number = number, .batch = batch};
    pthread_mutex_lock(&b->lock);
    append(b, news);
    pthread_mutex_unlock(&b->lock);
}

struct mqtt_news *
mqtt_inbox_take(struct mqtt_inbox *b, unsigned most, uint64_t *ret_dropped)
{
    uint64_t count;
    pthread_mutex_lock(&b->lock);
    struct mqtt_news *list = b->first, **end = &list;
    for (; *end != NULL && most > 0; most--) {
        b->bytes -= weight(*end);
        end = &(*end)->next;
    }
    b->first = *end;
    *end = NULL;
    if (b->first == NULL) {
        b->last = &b->first;
        if (read(b->fd, &count, sizeof count) < 0)
            count = 0; /* nothing has come since the last time */
    }
    *ret_dropped = b->dropped;
    b->dropped = 0;
    pthread_mutex_unlock(&b->lock);
    return list;
}

void
mqtt_news_free(struct mqtt_news *list)
{
    while (list != NULL) {
        struct mqtt_news *next = list->next;
        if (list->topic != NULL)
            MQTTAsync_free(list->topic);
        if (list->message != NULL)
            MQTTAsync_freeMessage(&list->message);
        free(list);
        list = next;
    }
}
