/* SPDX-License-Identifier: Apache-2.0
 * A device that does what a test wants: answers, is late, stalls, lies, crashes, floods. Built
 * twice: "fake" never blocks and uses the loop, "fake-blocking" works in its calls. */
#include <lintel/ext/loop.h>
#include <lintel/plugin.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef FAKE_AMBUSH
#include "ambush.h"
#endif

enum {                /* address key kind, in the order of its choices */
       KIND_CONSTANT, /* always `value` */
       KIND_COUNTER,  /* value, value + 1, .. with each read */
       KIND_STORED,   /* value, or what was written last */
       KIND_ERROR,    /* LINTEL_E_DEVICE with a detail */
       KIND_LOST,     /* left out of the answer */
       KIND_TIMEOUT,  /* the whole request fails with LINTEL_E_TIMEOUT */
       KIND_STALL,    /* completes only when it is cancelled */
       KIND_HANG,     /* never completes, whatever it is told */
       KIND_LATE,     /* completes 3 s after the deadline */
       KIND_TWICE,    /* completes twice */
       KIND_STRANGER, /* also answers for a point that nobody has */
       KIND_NAN,      /* a number that is none */
       KIND_CRASH,    /* ends the process by a signal */
       KIND_FLOOD,    /* publishes 100,000 values of itself, then answers */
       KIND_EVENT,    /* publishes value, value + 1 .. every everyMs once subscribed */
       KIND_REFUSED,  /* bind() refuses it */
       KIND_ALIEN,    /* publishes a point that nobody has, then answers */
       KIND_EXIT,     /* ends the process with status 3 */
       KIND_SPIN,     /* the call for it never returns, in both builds */
       KIND_GREEDY,   /* takes memory until there is none, then gives up the process */
       KIND_NOISY,    /* says the same line 1,000 times, then answers */
       KIND_DRIP      /* publishes 10,000 values of itself one by one, then answers */
};
enum { RAW_REAL, RAW_INT, RAW_U16, RAW_F32, RAW_F64, RAW_TEXT, RAW_PAYLOAD };

static const lintel_field bus_fields[] = {
    {.name = "delayMs",
     .help = "How long each request takes.",
     .dflt = "0",
     .unit = "ms",
     .min = 0,
     .max = 60000,
     .type = LINTEL_T_INT},
    {.name = "everyMs",
     .help = "Time between two events.",
     .dflt = "100",
     .unit = "ms",
     .min = 1,
     .max = 60000,
     .type = LINTEL_T_INT},
    {.name = "failing",
     .help = "What goes wrong at the start.",
     .dflt = "nothing",
     .choices = "nothing|settings|create|start|crash|stop|destroyed|attach|starts|stopped",
     .type = LINTEL_T_STR},
    {.name = "crashAfter",
     .help = "Requests until the process ends by a signal; 0 = never.",
     .dflt = "0",
     .min = 0,
     .max = 1e9,
     .type = LINTEL_T_INT},
    {.name = "secret",
     .help = "A word that must never be seen.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_SECRET},
    {.name = "name", .help = "Said in the log at the start.", .type = LINTEL_T_STR},
    {0}};
static const lintel_field device_fields[] = {{.name = "unit",
                                              .help = "Number of the device.",
                                              .dflt = "1",
                                              .min = 0,
                                              .max = 65535,
                                              .type = LINTEL_T_INT},
                                             {.name = "refused",
                                              .help = "attach() refuses the device.",
                                              .dflt = "false",
                                              .type = LINTEL_T_BOOL},
                                             {.name = "down",
                                              .help = "The device is told to be away.",
                                              .dflt = "false",
                                              .type = LINTEL_T_BOOL},
                                             {0}};
static const lintel_field address_fields[] = {
    {.name = "kind",
     .help = "What the point does.",
     .dflt = "constant",
     .type = LINTEL_T_STR,
     .choices =
         "constant|counter|stored|error|lost|timeout|stall|hang|late|twice|stranger|nan|crash|"
         "flood|event|refused|alien|exit|spin|greedy|noisy|drip"},
    {.name = "value", .help = "Its value, or the first one.", .dflt = "0", .type = LINTEL_T_REAL},
    {.name = "raw",
     .help = "How the value looks on the wire.",
     .dflt = "real",
     .type = LINTEL_T_STR,
     .choices = "real|integer|u16|f32|f64|text|payload"},
    {0}};

struct point {
    struct point *next; /* of the subscribed ones */
    double value;
    char text[64];
    int subscribed;
};

struct waiting { /* a request that is not answered yet */
    struct waiting *next;
    const lintel_request *request;
    lintel_mono at; /* 0: only when cancelled */
    int write, hangs;
};

struct bus {
    const lintel_host *host;
    const lintel_host_loop *loop; /* NULL: the blocking build */
    int64_t delay, every, failing, crash_after, requests;
    struct waiting *waiting;
    const lintel_point **subscribed;
    uint32_t nsubscribed;
};

static char payload[] = "{\"one\":1,\"two\":2.5,\"three\":\"x\"}"; /* feeds many points */

/* ---- values ---------------------------------------------------------------------------------- */

static void
put_big(char *out, uint64_t bits, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = (char)(bits >> (8 * (n - 1 - i)));
}

static lintel_value
raw(const lintel_point *p)
{
    struct point *mine = p->cookie;
    lintel_value v = {LINTEL_T_BYTES, 0, {.p = mine->text}};
    float single = (float)mine->value;
    uint32_t bits32;
    uint64_t bits64;
    switch (p->addr[2].as.i) {
    case RAW_INT: return (lintel_value){LINTEL_T_INT, 0, {.i = (int64_t)mine->value}};
    case RAW_U16:
        v.len = 2;
        put_big(mine->text, (uint64_t)(int64_t)mine->value, 2);
        return v;
    case RAW_F32:
        v.len = 4;
        memcpy(&bits32, &single, 4);
        put_big(mine->text, bits32, 4);
        return v;
    case RAW_F64:
        v.len = 8;
        memcpy(&bits64, &mine->value, 8);
        put_big(mine->text, bits64, 8);
        return v;
    case RAW_TEXT:
        v.type = LINTEL_T_STR;
        v.len = (uint32_t)snprintf(mine->text, sizeof mine->text, "%.15g", mine->value);
        return v;
    case RAW_PAYLOAD: return (lintel_value){LINTEL_T_BYTES, sizeof payload - 1, {.p = payload}};
    default: return (lintel_value){LINTEL_T_REAL, 0, {.r = mine->value}};
    }
}

static double
number(const lintel_value *v)
{
    const unsigned char *b = v->as.p;
    uint64_t bits = 0;
    switch (v->type) {
    case LINTEL_T_BOOL:
    case LINTEL_T_INT: return (double)v->as.i;
    case LINTEL_T_REAL: return v->as.r;
    case LINTEL_T_STR: return strtod(v->as.s, NULL);
    case LINTEL_T_BYTES:
        for (uint32_t i = 0; i < v->len; i++)
            bits = bits << 8 | b[i];
        if (v->len == 4) {
            float f;
            uint32_t low = (uint32_t)bits;
            memcpy(&f, &low, 4);
            return (double)f;
        }
        if (v->len == 8) {
            double d;
            memcpy(&d, &bits, 8);
            return d;
        }
        return (double)bits;
    default: return 0;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static void
crash(void)
{
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void
flood(const struct bus *b, const lintel_point *p)
{
    lintel_sample s[100];
    for (int i = 0; i < 1000; i++) {
        for (int k = 0; k < 100; k++)
            s[k] = (lintel_sample){.point = p->id, .value = {LINTEL_T_INT, 0, {.i = i * 100 + k}}};
        b->host->publish(b->host, s, 100);
    }
}

static void
publish_alien(const struct bus *b)
{
    b->host->publish(b->host,
                     &(lintel_sample){.point = 999999, .value = {LINTEL_T_INT, 0, {.i = 1}}}, 1);
}

/* Where memory has no limit it stops at 1 GiB. */
static void
take_memory(void)
{
    void **last = NULL, **piece;
    for (int i = 0; i < 1024 && (piece = malloc(1024 * 1024)) != NULL; i++) {
        memset(piece, 1, 1024 * 1024);
        *piece = last;
        last = piece;
    }
    abort();
}

/* 0: the point is left out of the answer. */
static int
fill(const struct bus *b, const lintel_point *p, const lintel_value *written, lintel_sample *s)
{
    struct point *mine = p->cookie;
    *s = (lintel_sample){.point = p->id};
    if (written != NULL)
        mine->value = number(written);
    switch (p->addr[0].as.i) {
    case KIND_LOST: return 0;
    case KIND_ERROR:
        s->status = LINTEL_E_DEVICE;
        s->detail = "the device is not in the mood";
        return 1;
    case KIND_CRASH: crash(); return 0;
    case KIND_NAN: s->value = (lintel_value){LINTEL_T_REAL, 0, {.r = (double)NAN}}; return 1;
    case KIND_FLOOD: flood(b, p); break;
    case KIND_DRIP:
        for (int i = 0; i < 10000; i++)
            b->host->publish(
                b->host, &(lintel_sample){.point = p->id, .value = {LINTEL_T_INT, 0, {.i = i}}}, 1);
        break;
    case KIND_ALIEN: publish_alien(b); break;
    case KIND_EXIT: _exit(3);
    case KIND_GREEDY: take_memory(); return 0;
    case KIND_NOISY:
        for (int i = 0; i < 1000; i++)
            b->host->log(b->host, LINTEL_LOG_WARN, "noise");
        break;
    default: break;
    }
    s->value = raw(p);
    if (p->addr[0].as.i == KIND_COUNTER && written == NULL)
        mine->value++;
    return 1;
}

static int
has_kind(const lintel_request *r, int kind)
{
    for (uint32_t i = 0; i < r->npoints; i++)
        if (r->points[i]->addr[0].as.i == kind)
            return 1;
    return 0;
}

static void
answer(struct bus *b, const lintel_request *r, int write)
{
    int twice = has_kind(r, KIND_TWICE), stranger = has_kind(r, KIND_STRANGER);
    lintel_sample *s = calloc(r->npoints + 1u, sizeof *s);
    uint32_t n = 0;
    if (b->crash_after != 0 && ++b->requests > b->crash_after)
        crash();
    if (s == NULL || has_kind(r, KIND_TIMEOUT)) {
        b->host->complete(b->host, r, s ? LINTEL_E_TIMEOUT : LINTEL_E_NOMEM, NULL, 0);
        free(s);
        return;
    }
    for (uint32_t i = 0; i < r->npoints; i++)
        n += (uint32_t)fill(b, r->points[i], write && r->values ? &r->values[i] : NULL, &s[n]);
    if (stranger)
        s[n++] = (lintel_sample){.point = 999999, .value = {LINTEL_T_INT, 0, {.i = 1}}};
    b->host->complete(b->host, r, LINTEL_OK, s, n);
    if (twice)
        b->host->complete(b->host, r, LINTEL_OK, s, n);
    free(s);
}

/* ---- time: on the loop, or in the call ------------------------------------------------------- */

static void
on_waiting(void *arg)
{
    struct bus *b = arg;
    lintel_mono now = b->host->now(b->host), next = 0;
    for (struct waiting **at = &b->waiting; *at != NULL;) {
        struct waiting *w = *at;
        if (w->at != 0 && w->at <= now) {
            *at = w->next;
            answer(b, w->request, w->write);
            free(w);
            continue;
        }
        if (w->at != 0 && (next == 0 || w->at < next))
            next = w->at;
        at = &w->next;
    }
    if (b->loop != NULL)
        b->loop->timer(b->host, next, on_waiting, b);
}

static void
block(struct bus *b, const lintel_request *r, lintel_mono until, int hangs)
{
    const struct timespec nap = {0, 1000000};
    while (b->host->now(b->host) < until && (hangs || !b->host->cancelled(b->host, r)))
        nanosleep(&nap, NULL); /* a device would be waited for here */
}

static void
transfer(struct bus *b, const lintel_request *r, int write)
{
    lintel_mono now = b->host->now(b->host), until = now + b->delay * 1000000;
    int hangs = has_kind(r, KIND_HANG), stalls = has_kind(r, KIND_STALL);
    while (has_kind(r, KIND_SPIN))
        sleep(1);
    if (has_kind(r, KIND_LATE))
        until = r->deadline + INT64_C(3000000000);
    if (!hangs && !stalls && until <= now) {
        answer(b, r, write);
        return;
    }
    if (b->loop == NULL) {
        block(b, r, hangs || stalls ? INT64_MAX : until, hangs || has_kind(r, KIND_LATE));
        if (stalls)
            b->host->complete(b->host, r, LINTEL_E_CANCELLED, NULL, 0);
        else
            answer(b, r, write);
        return;
    }
    struct waiting *w = calloc(1, sizeof *w);
    if (w == NULL) {
        b->host->complete(b->host, r, LINTEL_E_NOMEM, NULL, 0);
        return;
    }
    *w = (struct waiting){b->waiting, r, hangs || stalls ? 0 : until, write, hangs};
    b->waiting = w;
    on_waiting(b);
}

static void
cancel(void *self, const lintel_request *r)
{
    struct bus *b = self;
    for (struct waiting **at = &b->waiting; *at != NULL; at = &(*at)->next) {
        struct waiting *w = *at;
        if (w->request == r && !w->hangs) {
            *at = w->next;
            free(w);
            b->host->complete(b->host, r, LINTEL_E_CANCELLED, NULL, 0);
            return;
        }
    }
}

static void
on_event(void *arg)
{
    struct bus *b = arg;
    for (uint32_t i = 0; i < b->nsubscribed; i++) {
        const lintel_point *p = b->subscribed[i];
        lintel_sample s = {.point = p->id, .value = raw(p)};
        b->host->publish(b->host, &s, 1);
        ((struct point *)p->cookie)->value++;
    }
    b->loop->timer(b->host, b->nsubscribed ? b->host->now(b->host) + b->every * 1000000 : 0,
                   on_event, b);
}

/* ---- the plugin ------------------------------------------------------------------------------ */

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    if (v[2].as.i == 1 || v[2].as.i == 2) {
        h->log(h, LINTEL_LOG_ERROR, v[2].as.i == 1 ? "these settings can't be" : "create failed");
        return v[2].as.i == 1 ? LINTEL_E_CONFIG : LINTEL_E_FAIL;
    }
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = h;
    b->delay = v[0].as.i;
    b->every = v[1].as.i;
    b->failing = v[2].as.i;
    b->crash_after = v[3].as.i;
    if (v[5].type == LINTEL_T_STR) {
        char line[128];
        snprintf(line, sizeof line, "this is %s", v[5].as.s);
        h->log(h, LINTEL_LOG_INFO, line);
    }
    *self = b;
    return LINTEL_OK;
}

static void
destroy(void *self)
{
    struct bus *b = self;
    if (b->failing == 9) /* stop() has returned */
        publish_alien(b);
    for (struct waiting *w = b->waiting, *next; w != NULL; w = next) {
        next = w->next;
        free(w);
    }
    free(b->subscribed);
    free(b);
}

static void *
late_caller(void *arg)
{
    const lintel_host *h = arg;
    const struct timespec nap = {0, 20000000};
    nanosleep(&nap, NULL); /* destroy() has returned by then */
    h->publish(h, &(lintel_sample){.point = 0}, 1);
    return NULL;
}

static void
call_late(const struct bus *b)
{
    pthread_t thread;
    union {
        const lintel_host *in;
        void *out;
    } u = {b->host};
    if (pthread_create(&thread, NULL, late_caller, u.out) == 0)
        pthread_detach(thread);
}

static lintel_status
start(void *self)
{
    struct bus *b = self;
    b->loop = b->host->extension(b->host, LINTEL_EXT_LOOP);
    if (b->failing == 8) { /* and tells values after its end */
        call_late(b);
        return LINTEL_E_LINK;
    }
    if (b->failing == 3) {
        b->host->log(b->host, LINTEL_LOG_ERROR, "start failed");
        return LINTEL_E_LINK;
    }
    if (b->failing == 4)
        crash();
    b->host->link(b->host, LINTEL_OK, "the wire is there");
    return LINTEL_OK;
}

static void
stop(void *self)
{
    struct bus *b = self;
    const struct timespec nap = {3600, 0};
    while (b->failing == 5)
        nanosleep(&nap, NULL);
    if (b->failing == 6)
        call_late(b);
    for (struct waiting **at = &b->waiting; *at != NULL;) {
        struct waiting *w = *at;
        if (w->hangs) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        b->host->complete(b->host, w->request, LINTEL_E_CANCELLED, NULL, 0);
        free(w);
    }
}

static lintel_status
attach(void *self, lintel_device *d)
{
    const struct bus *b = self;
    while (b->failing == 7)
        sleep(1);
    if (d->settings[1].as.i) {
        b->host->log(b->host, LINTEL_LOG_ERROR, "no such device");
        return LINTEL_E_CONFIG;
    }
    if (d->settings[2].as.i)
        b->host->device(b->host, d, LINTEL_E_LINK, "it is away");
    return LINTEL_OK;
}

static lintel_status
bind(void *self, lintel_point *p)
{
    const struct bus *b = self;
    if (p->addr[0].as.i == KIND_REFUSED) {
        b->host->log(b->host, LINTEL_LOG_ERROR, "no such address");
        return LINTEL_E_ADDRESS;
    }
    struct point *mine = p->cookie = calloc(1, sizeof *mine);
    if (mine == NULL)
        return LINTEL_E_NOMEM;
    mine->value = p->addr[1].as.r;
    return LINTEL_OK;
}

static void
unbind(void *self, lintel_point *p)
{
    struct bus *b = self;
    for (uint32_t i = 0; i < b->nsubscribed; i++)
        if (b->subscribed[i] == p)
            b->subscribed[i--] = b->subscribed[--b->nsubscribed];
    free(p->cookie);
}

static void
read_points(void *self, const lintel_request *r)
{
    transfer(self, r, 0);
}

static void
write_points(void *self, const lintel_request *r)
{
    transfer(self, r, 1);
}

static void
subscribe(void *self, const lintel_request *r)
{
    struct bus *b = self;
    const lintel_point **list =
        realloc(b->subscribed, (b->nsubscribed + r->npoints) * sizeof *list);
    if (list == NULL) {
        b->host->complete(b->host, r, LINTEL_E_NOMEM, NULL, 0);
        return;
    }
    b->subscribed = list;
    for (uint32_t i = 0; i < r->npoints; i++)
        if (r->points[i]->addr[0].as.i == KIND_EVENT)
            list[b->nsubscribed++] = r->points[i];
    b->host->complete(b->host, r, LINTEL_OK, NULL, 0);
    if (b->loop != NULL)
        on_event(b);
}

static const lintel_plugin fake = {.size = sizeof fake,
#ifdef FAKE_BLOCKING
                                   .flags = LINTEL_PLUGIN_BLOCKING,
                                   .name = "fake-blocking",
#else
                                   .name = "fake",
#endif
                                   .unit_bytes = 1,
                                   .version = "1.0",
                                   .summary = "A device that does what a test wants.",
                                   .natural = "",
                                   .bus = bus_fields,
                                   .device = device_fields,
                                   .address = address_fields,
                                   .create = create,
                                   .destroy = destroy,
                                   .start = start,
                                   .stop = stop,
                                   .attach = attach,
                                   .bind = bind,
                                   .unbind = unbind,
                                   .read = read_points,
                                   .write = write_points,
                                   .invoke = write_points,
                                   .subscribe = subscribe,
                                   .cancel = cancel};
LINTEL_PLUGIN_ENTRY(&fake);
