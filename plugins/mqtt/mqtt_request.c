/* SPDX-License-Identifier: Apache-2.0
 * What the hub asks: reads by a `get` topic, writes and actions by a message, subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt.h"

enum { WAITING = 1 }; /* in mqtt_open.status: no outcome yet */

/* Takes it out of the list and completes it; with the lock held. */
static void
finish(struct mqtt *m, struct mqtt_open *o)
{
    struct mqtt_open **link = &m->open;
    uint32_t n = o->request->npoints;
    lintel_sample one, *samples = n == 1 ? &one : calloc(n, sizeof *samples);
    while (*link != o)
        link = &(*link)->next;
    *link = o->next;
    for (uint32_t i = 0; samples != NULL && i < n; i++)
        samples[i] = (lintel_sample){.point = o->request->points[i]->id,
                                     .status = o->status[i] == WAITING ? LINTEL_E_TIMEOUT : o->status[i]};
    /* A read's values went out by publish() before this: its samples carry LINTEL_T_NULL. */
    if (samples == NULL)
        m->host->complete(m->host, o->request, LINTEL_E_NOMEM, NULL, 0);
    else
        m->host->complete(m->host, o->request, LINTEL_OK, samples, n);
    if (samples != &one)
        free(samples);
    free(o->status);
    free(o);
}

static struct mqtt_open *
open_request(struct mqtt *m, const lintel_request *r, int reading)
{
    struct mqtt_open *o = calloc(1, sizeof *o);
    if (o == NULL || (o->status = calloc(r->npoints, sizeof *o->status)) == NULL) {
        free(o);
        m->host->complete(m->host, r, LINTEL_E_NOMEM, NULL, 0);
        return NULL;
    }
    for (uint32_t i = 0; i < r->npoints; i++)
        o->status[i] = WAITING;
    o->id = ++m->last_id;
    o->request = r;
    o->left = r->npoints;
    o->reading = reading;
    o->next = m->open;
    m->open = o;
    return o;
}

static void
settle(struct mqtt *m, struct mqtt_open *o, uint32_t index, lintel_status st)
{
    if (o->status[index] != WAITING)
        return;
    o->status[index] = st;
    if (--o->left == 0)
        finish(m, o);
}

void
mqtt_open_done(struct mqtt *m, uintptr_t id, uint32_t index, lintel_status st)
{
    for (struct mqtt_open *o = m->open; o != NULL; o = o->next) {
        if (o->id == id && index < o->request->npoints) {
            settle(m, o, index, st);
            return;
        }
    }
}

void
mqtt_open_message(struct mqtt *m, const struct mqtt_route *route)
{
    for (struct mqtt_open *o = m->open, *next; o != NULL; o = next) {
        next = o->next;
        uint32_t n = o->request->npoints;
        for (uint32_t i = 0; o->reading && i < n; i++) {
            if (o->request->points[i]->cookie != route || o->status[i] != WAITING)
                continue;
            int last = o->left == 1;
            settle(m, o, i, LINTEL_OK);
            if (last)
                break; /* it is gone */
        }
    }
}

void
mqtt_open_end_all(struct mqtt *m, lintel_status st, int reading_only)
{
    for (struct mqtt_open *o = m->open, *next; o != NULL; o = next) {
        next = o->next;
        if (reading_only && !o->reading)
            continue;
        for (uint32_t i = 0; i < o->request->npoints; i++)
            if (o->status[i] == WAITING)
                o->status[i] = st;
        finish(m, o);
    }
}

/* Ends what is past its deadline, and comes again for the next one. */
void
mqtt_open_overdue(void *self)
{
    struct mqtt *m = self;
    lintel_mono now = m->host->now(m->host), soonest = 0;
    pthread_mutex_lock(&m->lock);
    for (struct mqtt_open *o = m->open, *next; o != NULL; o = next) {
        next = o->next;
        if (o->request->deadline <= now)
            finish(m, o);
        else if (soonest == 0 || o->request->deadline < soonest)
            soonest = o->request->deadline;
    }
    pthread_mutex_unlock(&m->lock);
    m->loop->timer(m->host, soonest, mqtt_open_overdue, m);
}

static int
topic_of(const lintel_device *d, const lintel_value *relative, char out[MQTT_TOPIC_MOST])
{
    return mqtt_topic_join(out, d->settings[DEVICE_TOPIC].as.s,
                           relative->type == LINTEL_T_STR ? relative->as.s : "");
}

/* Asks by the `get` topic; the answer comes as a message like any other. */
void
mqtt_read(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    char topic[MQTT_TOPIC_MOST], before[MQTT_TOPIC_MOST] = "";
    pthread_mutex_lock(&m->lock);
    struct mqtt_open *o = open_request(m, r, 1);
    uint32_t n = r->npoints;
    for (uint32_t i = 0; o != NULL && i < n; i++) {
        const lintel_point *p = r->points[i];
        int last = o->left == 1;
        lintel_status st = LINTEL_E_NOTSUP;
        const lintel_value *body = &p->addr[ADDRESS_GET_BODY];
        if (p->addr[ADDRESS_GET].type == LINTEL_T_STR)
            st = topic_of(p->device, &p->addr[ADDRESS_GET], topic) ? LINTEL_E_ADDRESS : LINTEL_OK;
        /* Points of one device share a topic: it is asked once. */
        if (st == LINTEL_OK && strcmp(topic, before) != 0) {
            memcpy(before, topic, sizeof before);
            st = mqtt_session_publish(m, topic, body->type == LINTEL_T_STR ? body->as.s : "",
                                      body->type == LINTEL_T_STR ? body->len : 0,
                                      (int)p->addr[ADDRESS_QOS].as.i, 0, NULL, 0);
        }
        if (st == LINTEL_OK)
            continue;
        settle(m, o, i, st);
        if (last)
            break;
    }
    pthread_mutex_unlock(&m->lock);
    mqtt_open_overdue(m);
}

static lintel_status
send_one(struct mqtt *m, struct mqtt_open *o, uint32_t i)
{
    char topic[MQTT_TOPIC_MOST];
    const lintel_point *p = o->request->points[i];
    const lintel_value *addr = p->write_addr, *v = &o->request->values[i], *body = &addr[ADDRESS_BODY];
    if (topic_of(p->device, &addr[ADDRESS_TOPIC], topic) != 0)
        return LINTEL_E_ADDRESS;
    if (body->type == LINTEL_T_STR)
        v = body;
    if (v->type != LINTEL_T_STR && v->type != LINTEL_T_BYTES && v->type != LINTEL_T_NULL)
        return LINTEL_E_TYPE;
    return mqtt_session_publish(m, topic, v->type == LINTEL_T_NULL ? "" : v->as.p,
                                v->type == LINTEL_T_NULL ? 0 : v->len,
                                (int)addr[ADDRESS_QOS].as.i, (int)addr[ADDRESS_RETAIN].as.i, o, i);
}

void
mqtt_write(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    pthread_mutex_lock(&m->lock);
    struct mqtt_open *o = open_request(m, r, 0);
    uint32_t n = r->npoints;
    for (uint32_t i = 0; o != NULL && i < n; i++) {
        int last = o->left == 1;
        lintel_status st = send_one(m, o, i);
        if (st == LINTEL_OK)
            continue;
        settle(m, o, i, st);
        if (last)
            break;
    }
    pthread_mutex_unlock(&m->lock);
    mqtt_open_overdue(m);
}

/* bind() has subscribed already; what is left is to say yes. */
void
mqtt_subscribe(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    pthread_mutex_lock(&m->lock);
    struct mqtt_open *o = open_request(m, r, 0);
    if (o != NULL) {
        for (uint32_t i = 0; i < r->npoints; i++)
            o->status[i] = LINTEL_OK;
        finish(m, o);
    }
    pthread_mutex_unlock(&m->lock);
}

void
mqtt_cancel(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    pthread_mutex_lock(&m->lock);
    for (struct mqtt_open *o = m->open; o != NULL; o = o->next) {
        if (o->request == r) {
            for (uint32_t i = 0; i < r->npoints; i++)
                if (o->status[i] == WAITING)
                    o->status[i] = LINTEL_E_CANCELLED;
            finish(m, o);
            break;
        }
    }
    pthread_mutex_unlock(&m->lock);
}
