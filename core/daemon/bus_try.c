/* SPDX-License-Identifier: Apache-2.0
 * POST /hub/buses/{bus}/try: one address read once, between the polls (core/daemon/try.h). The body
 * is a JSON object of keys; the answer comes when the device has answered. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/daemon/hub_priv.h"
#include "core/daemon/try.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"

#define SECOND INT64_C(1000000000)
enum { SECONDS = 5, SECONDS_MOST = 60, KEYS_MOST = 4096 };

struct try_work {
    struct bus_work work; /* first */
    struct lintel_try *t;
    void (*done)(void *ctx, const lintel_answer *a);
    void *done_ctx;
};

static void
answer(void (*done)(void *, const lintel_answer *), void *ctx, uint32_t code, int32_t format,
       const char *p, size_t n)
{
    done(ctx,
         &(lintel_answer){
             .size = sizeof(lintel_answer), .code = code, .format = format, .payload = {p, n}});
}

static void
on_done(void *ctx, struct lintel_buf *json)
{
    static const char text[] = "out of memory";
    struct try_work *w = ctx;
    if (json != NULL)
        answer(w->done, w->done_ctx, LINTEL_CHANGED, LINTEL_FORMAT_JSON, json->p, json->n);
    else
        answer(w->done, w->done_ctx, LINTEL_INTERNAL, LINTEL_FORMAT_NONE, text, sizeof text - 1);
    lintel_free(w);
}

/* All that is wrong, a line each. */
static void
refuse_keys(const struct lintel_bus_call *call, const struct lintel_report *report)
{
    struct lintel_buf text = {0};
    for (uint32_t i = 0; i < report->n; i++)
        lintel_buf_addf(&text, "%s%s", i != 0 ? "\n" : "",
                        report->problems[i].text != NULL ? report->problems[i].text : "");
    bus_refuse(call, LINTEL_BAD_REQUEST, lintel_buf_str(&text));
    lintel_buf_fini(&text);
}

/* ?seconds=N; 0: it can't be. */
static int64_t
seconds_of(const lintel_exchange *x)
{
    static const char name[] = "seconds=";
    int64_t n = SECONDS;
    for (uint32_t i = 0; i < x->nquery; i++)
        if (x->query[i].n > sizeof name - 1 && memcmp(x->query[i].p, name, sizeof name - 1) == 0 &&
            (!lintel_parse_int((const char *)x->query[i].p + sizeof name - 1,
                               x->query[i].n - (sizeof name - 1), &n) ||
             n < 1 || n > SECONDS_MOST))
            return 0;
    return n;
}

static void *
start(struct lintel_hub *h, struct running *r, const struct lintel_bus_call *call)
{
    struct lintel_report report = {0};
    int64_t seconds = seconds_of(call->x);
    if (call->x->payload.n == 0 || call->x->payload.n > KEYS_MOST || seconds == 0) {
        bus_refuse(call, LINTEL_BAD_REQUEST,
                   seconds == 0 ? "seconds: a whole number from 1 to 60"
                                : "the body must be a JSON object of keys");
        return NULL;
    }
    struct try_work *w = lintel_alloc(sizeof *w);
    if (w == NULL) {
        bus_refuse(call, LINTEL_INTERNAL, "out of memory");
        return NULL;
    }
    w->done = call->done;
    w->done_ctx = call->done_ctx;
    w->t = lintel_try_start(&(struct lintel_try_source){.engine = h->engine,
                                                        .instance = r->instance,
                                                        .keys = (const char *)call->x->payload.p,
                                                        .nkeys = call->x->payload.n,
                                                        .within_ns = seconds * SECOND,
                                                        .done = on_done,
                                                        .ctx = w},
                            &report);
    if (w->t != NULL) {
        lintel_log(LINTEL_LOG_INFO, r->name, "%s tries an address", call->who);
        lintel_report_fini(&report);
        return w;
    }
    refuse_keys(call, &report);
    lintel_report_fini(&report);
    lintel_free(w);
    return NULL;
}

static void
abandon(struct lintel_hub *h, void *work)
{
    struct try_work *w = work;
    (void)h;
    lintel_try_leave(w->t);
    lintel_free(w);
}

const struct bus_verb bus_try_verb = {"try", LINTEL_POST, start, abandon};
