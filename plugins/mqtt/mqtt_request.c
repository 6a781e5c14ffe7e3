/* SPDX-License-Identifier: Apache-2.0
 * What the hub asks: reads by a `get` topic, writes and actions by a message, subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt.h"

enum { WAITING = 1 }; /* in mqtt_wait.status: no outcome yet */

static struct mqtt_open *
open_request(struct mqtt *m, const lintel_request *r, int reading)
{
    struct mqtt_open *o = calloc(1, sizeof *o + r->npoints * sizeof *o->points);
    if (o == NULL) {
        m->host->complete(m->host, r, LINTEL_E_NOMEM, NULL, 0);
        return NULL;
    }
    for (uint32_t i = 0; i < r->npoints; i++)
        o->points[i].status = WAITING;
    o->request = r;
    o->left = r->npoints;
    o->reading = reading;
    o->next = m->open;
    m->open = o;
    return o;
}

static void
settle(struct mqtt_open *o, uint32_t i, lintel_status st)
{
    if (o->points[i].status == WAITING) {
        o->points[i].status = st;
        o->left--;
    }
}

/* Takes the request out of the list and completes it; points without an outcome get st. */
static void
finish(struct mqtt *m, struct mqtt_open **link, lintel_status st)
{
    struct mqtt_open *o = *link;
    uint32_t n = o->request->npoints;
    lintel_sample one, *samples = n == 1 ? &one : calloc(n, sizeof *samples);
    *link = o->next;
    /* A read's values went out by publish() before; all samples carry LINTEL_T_NULL. */
    for (uint32_t i = 0; samples != NULL && i < n; i++)
        samples[i] = (lintel_sample){
            .point = o->request->points[i]->id,
            .status = o->points[i].status == WAITING ? st : o->points[i].status,
        };
    if (samples == NULL)
        m->host->complete(m->host, o->request, LINTEL_E_NOMEM, NULL, 0);
    else
        m->host->complete(m->host, o->request, LINTEL_OK, samples, n);
    if (samples != &one)
        free(samples);
    free(o);
}

static void
finish_settled(struct mqtt *m)
{
    for (struct mqtt_open **link = &m->open; *link != NULL;) {
        if ((*link)->left == 0)
            finish(m, link, LINTEL_E_FAIL);
        else
            link = &(*link)->next;
    }
}

void
mqtt_open_published(struct mqtt *m, int token, lintel_status st)
{
    for (struct mqtt_open *o = m->open; o != NULL; o = o->next)
        for (uint32_t i = 0; !o->reading && i < o->request->npoints; i++)
            if (o->points[i].token == token)
                settle(o, i, st);
    finish_settled(m);
}

int
mqtt_open_awaits(const struct mqtt *m, const struct mqtt_route *route)
{
    for (const struct mqtt_open *o = m->open; o != NULL; o = o->next)
        for (uint32_t i = 0; o->reading && i < o->request->npoints; i++)
            if (o->points[i].status == WAITING && mqtt_route_of(o->request->points[i]) == route)
                return 1;
    return 0;
}

void
mqtt_open_answered(struct mqtt *m, const struct mqtt_route *route)
{
    for (struct mqtt_open *o = m->open; o != NULL; o = o->next)
        for (uint32_t i = 0; o->reading && i < o->request->npoints; i++)
            if (mqtt_route_of(o->request->points[i]) == route)
                settle(o, i, LINTEL_OK);
    finish_settled(m);
}

void
mqtt_open_end_all(struct mqtt *m, lintel_status st)
{
    while (m->open != NULL)
        finish(m, &m->open, st);
}

/* Ends what is past its deadline, and comes again for the next one. */
void
mqtt_open_overdue(void *self)
{
    struct mqtt *m = self;
    lintel_mono now = m->host->now(m->host), soonest = 0;
    for (struct mqtt_open **link = &m->open; *link != NULL;) {
        lintel_mono deadline = (*link)->request->deadline;
        if (deadline <= now) {
            finish(m, link, LINTEL_E_TIMEOUT);
            continue;
        }
        if (soonest == 0 || deadline < soonest)
            soonest = deadline;
        link = &(*link)->next;
    }
    if (m->started)
        m->loop->timer(m->host, soonest, mqtt_open_overdue, m);
}

void
mqtt_cancel(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    for (struct mqtt_open **link = &m->open; *link != NULL; link = &(*link)->next) {
        if ((*link)->request == r) {
            finish(m, link, LINTEL_E_CANCELLED);
            return;
        }
    }
}

static int
topic_of(const lintel_device *d, const lintel_value *relative, char out[MQTT_TOPIC_MOST])
{
    return mqtt_topic_join(out, d->settings[DEVICE_TOPIC].as.s, relative->as.s);
}

/* ---- reads ----------------------------------------------------------------------------------- */

static int
same_text(const lintel_value *a, const lintel_value *b)
{
    return a->type == b->type && a->len == b->len &&
           (a->type != LINTEL_T_STR || memcmp(a->as.s, b->as.s, a->len) == 0);
}

static int
same_question(const lintel_point *a, const lintel_point *b)
{
    return a->device == b->device && same_text(&a->addr[ADDRESS_GET], &b->addr[ADDRESS_GET]) &&
           same_text(&a->addr[ADDRESS_GET_BODY], &b->addr[ADDRESS_GET_BODY]);
}

static lintel_status
ask(struct mqtt *m, const lintel_point *p)
{
    char topic[MQTT_TOPIC_MOST];
    const lintel_value *get = &p->addr[ADDRESS_GET], *body = &p->addr[ADDRESS_GET_BODY];
    int token;
    if (get->type != LINTEL_T_STR || p->cookie == NULL)
        return LINTEL_E_NOTSUP;
    if (topic_of(p->device, get, topic) != 0)
        return LINTEL_E_ADDRESS;
    return mqtt_session_publish(m, topic, body->type == LINTEL_T_STR ? body->as.s : "",
                                body->type == LINTEL_T_STR ? body->len : 0, 0, 0, &token);
}

/* Asks by the `get` topic; the answer comes as a message like any other. */
void
mqtt_read(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    const lintel_point *asked = NULL;
    struct mqtt_open *o = open_request(m, r, 1);
    for (uint32_t i = 0; o != NULL && i < r->npoints; i++) {
        const lintel_point *p = r->points[i];
        /* Points of one device mostly share a question: it is asked once. */
        if (asked != NULL && same_question(asked, p))
            continue;
        lintel_status st = ask(m, p);
        if (st != LINTEL_OK)
            settle(o, i, st);
        else
            asked = p;
    }
    finish_settled(m);
    mqtt_open_overdue(m);
}

/* ---- writes and actions ---------------------------------------------------------------------- */

static lintel_status
send_one(struct mqtt *m, const lintel_point *p, const lintel_value *v, int *ret_token)
{
    char topic[MQTT_TOPIC_MOST];
    const lintel_value *addr = p->write_addr, *body = &addr[ADDRESS_BODY],
                       *qos = &addr[ADDRESS_QOS];
    /* There is no priority at an MQTT device that could be released. */
    if (v->type == LINTEL_T_NULL && p->kind == LINTEL_K_PROPERTY)
        return LINTEL_E_NOTSUP;
    if (body->type == LINTEL_T_STR)
        v = body;
    if (v->type != LINTEL_T_STR && v->type != LINTEL_T_BYTES && v->type != LINTEL_T_NULL)
        return LINTEL_E_TYPE;
    if (topic_of(p->device, &addr[ADDRESS_TOPIC], topic) != 0)
        return LINTEL_E_ADDRESS;
    return mqtt_session_publish(m, topic, v->len != 0 ? v->as.p : "", v->len,
                                qos->type == LINTEL_T_INT ? (int)qos->as.i : 1,
                                (int)addr[ADDRESS_RETAIN].as.i, ret_token);
}

void
mqtt_write(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    struct mqtt_open *o = open_request(m, r, 0);
    for (uint32_t i = 0; o != NULL && i < r->npoints; i++) {
        lintel_status st = send_one(m, r->points[i], &r->values[i], &o->points[i].token);
        /* Without a token nobody will answer: QoS 0. */
        if (st != LINTEL_OK || o->points[i].token == 0)
            settle(o, i, st);
    }
    finish_settled(m);
    mqtt_open_overdue(m);
}

/* bind() has asked for the messages already; what is left is to say yes. */
void
mqtt_subscribe(void *self, const lintel_request *r)
{
    struct mqtt *m = self;
    struct mqtt_open *o = open_request(m, r, 0);
    for (uint32_t i = 0; o != NULL && i < r->npoints; i++)
        settle(o, i, LINTEL_OK);
    finish_settled(m);
}
