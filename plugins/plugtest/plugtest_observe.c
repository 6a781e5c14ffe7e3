/* SPDX-License-Identifier: Apache-2.0
 * Resources that change once a period: /obs (confirmable notifications), /obs-non, /obs-large and
 * /obs-pumping (blocks, the second of a size that varies). /obs also takes PUT and DELETE. */
#include "plugins/plugtest/plugtest.h"

#include <stdio.h>
#include <string.h>

static const char *const names[PT_STREAMS] = {"obs", "obs-non", "obs-large", "obs-pumping"};

struct shown { /* what a stream shows now */
    char room[4096];
    const char *body;
    size_t n;
    int32_t format;
};

static void
show(struct pt *p, enum pt_stream stream, struct shown *ret)
{
    char title[64];
    const struct pt_item *put = stream == PT_OBS ? pt_item_find(p, names[PT_OBS]) : NULL;
    snprintf(title, sizeof title, "period %u", (unsigned)p->ticks);
    ret->body = ret->room;
    ret->format = PT_TEXT;
    switch (stream) {
    case PT_OBS_LARGE: ret->n = 1280; break;
    case PT_OBS_PUMPING: ret->n = 1280 + p->ticks % 10 * 100; break;
    default: ret->n = strlen(title);
    }
    if (put != NULL) {
        ret->body = put->body;
        ret->n = put->n;
        ret->format = put->format;
    } else if (stream == PT_OBS_LARGE || stream == PT_OBS_PUMPING)
        pt_fill(ret->room, ret->n, title);
    else
        memcpy(ret->room, title, ret->n + 1);
}

static lintel_answer
answer_of(const struct pt *p, enum pt_stream stream, const struct shown *s)
{
    lintel_answer a = {.size = sizeof a,
                       .code = LINTEL_CODE(2, 5),
                       .format = s->format,
                       .max_age = (uint32_t)(p->period / PT_SECOND) + 2,
                       .payload = {s->body, s->n}};
    if (stream == PT_OBS_LARGE || stream == PT_OBS_PUMPING)
        a.netag = pt_tag(a.etag, s->format, s->body, s->n);
    return a;
}

static void
notify(struct pt *p, enum pt_stream stream)
{
    struct shown s;
    show(p, stream, &s);
    for (size_t i = 0; i < PT_OBSERVERS_MOST; i++) {
        struct pt_observer *o = &p->observers[i];
        if (o->ticket == 0 || o->stream != stream)
            continue;
        lintel_answer a = answer_of(p, stream, &s);
        a.flags = LINTEL_ANSWER_MORE | (stream == PT_OBS_NON ? 0 : LINTEL_ANSWER_CONFIRM);
        p->tree->answer(p->host, o->ticket, &a);
    }
}

/* All observers of a stream hear for the last time. */
static void
end_all(struct pt *p, enum pt_stream stream, uint32_t code, const char *why)
{
    for (size_t i = 0; i < PT_OBSERVERS_MOST; i++) {
        lintel_ticket t = p->observers[i].ticket;
        if (t == 0 || p->observers[i].stream != stream)
            continue;
        p->observers[i].ticket = 0;
        pt_fail(p, t, code, why);
    }
}

static struct pt_observer *
add_observer(struct pt *p, lintel_ticket t, enum pt_stream stream)
{
    for (size_t i = 0; i < PT_OBSERVERS_MOST; i++)
        if (p->observers[i].ticket == 0) {
            p->observers[i] = (struct pt_observer){t, stream};
            return &p->observers[i];
        }
    return NULL;
}

static void
get(struct pt *p, lintel_ticket t, const lintel_exchange *x, enum pt_stream stream)
{
    struct shown s;
    if (stream == PT_OBS && p->obs_gone) {
        pt_fail(p, t, LINTEL_CODE(4, 4), "it was deleted; the next period makes it anew");
        return;
    }
    show(p, stream, &s);
    if (!pt_accepts(x, s.format)) {
        pt_fail(p, t, LINTEL_CODE(4, 6), "there is no representation in that format");
        return;
    }
    lintel_answer a = answer_of(p, stream, &s);
    if (x->flags & LINTEL_X_OBSERVE && add_observer(p, t, stream) != NULL)
        a.flags = LINTEL_ANSWER_MORE;
    p->tree->answer(p->host, t, &a);
}

/* PUT and DELETE of /obs. */
static void
change(struct pt *p, lintel_ticket t, const lintel_exchange *x)
{
    struct shown before;
    struct pt_item *i;
    show(p, PT_OBS, &before);
    uint32_t code = pt_store(p, x, names[PT_OBS], true, &i);
    if (code >= LINTEL_CODE(4, 0)) {
        pt_fail(p, t, code, "/obs takes GET, PUT and DELETE");
        return;
    }
    pt_code(p, t, code == LINTEL_CODE(2, 1) ? LINTEL_CODE(2, 4) : code);
    p->obs_gone = x->method == LINTEL_DELETE;
    if (p->obs_gone)
        end_all(p, PT_OBS, LINTEL_CODE(4, 4), "it was deleted");
    else if (i->format != before.format)
        end_all(p, PT_OBS, LINTEL_CODE(4, 6), "it has another format now");
    else
        notify(p, PT_OBS);
}

void
pt_observable(struct pt *p, lintel_ticket t, const lintel_exchange *x, enum pt_stream stream)
{
    if (x->method == LINTEL_GET)
        get(p, t, x, stream);
    else if (stream == PT_OBS && (x->method == LINTEL_PUT || x->method == LINTEL_DELETE))
        change(p, t, x);
    else
        pt_fail(p, t, LINTEL_CODE(4, 5), "use GET");
}

void
pt_observer_gone(struct pt *p, lintel_ticket t)
{
    for (size_t i = 0; i < PT_OBSERVERS_MOST; i++)
        if (p->observers[i].ticket == t)
            p->observers[i].ticket = 0;
}

static void
on_period(void *arg)
{
    struct pt *p = arg;
    p->ticks++;
    p->obs_gone = false;
    for (int s = 0; s < PT_STREAMS; s++)
        notify(p, (enum pt_stream)s);
    p->loop->timer(p->host, p->host->now(p->host) + p->period, on_period, p);
}

lintel_status
pt_observe_start(struct pt *p)
{
    return p->loop->timer(p->host, p->host->now(p->host) + p->period, on_period, p);
}

void
pt_observe_stop(struct pt *p)
{
    p->loop->timer(p->host, 0, on_period, p);
}
