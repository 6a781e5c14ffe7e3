/* SPDX-License-Identifier: Apache-2.0
 * GET /hub/buses/{bus}/wire, observed: what goes over the wire of a bus, in batches of JSON. The
 * first answer says what bus it is:
 *
 *   {"bus":"line-1","plugin":"modbus","version":"1.0.0","hub":"plant-7","lintel":"0.1.0",
 *    "settings":{..}}
 *   {"lost":0,"messages":[{"at":1790000000000000000,"out":true,"protocol":"mbrtu","peer":"/dev/ttyUSB0",
 *                          "bytes":"01040000000271CB"}]}
 *
 * A batch goes out a few times a second. What does not fit into one is dropped, counted, and told
 * as `lost` in the next. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bind/field.h"
#include "core/daemon/hub_priv.h"
#include "core/daemon/version.h"
#include "core/plug/tap.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"

#define PAUSE (INT64_C(1000000000) / 5)
enum {
    BATCH_MOST = 1024 * 1024, /* bytes of JSON */
    BESIDE = 400              /* of a message's JSON, beside its bytes */
};

struct wire_look {
    struct bus_work work; /* first */
    struct lintel_hub *hub;
    struct lintel_instance *instance; /* NULL: it has gone */
    struct lintel_tap_listener listener;
    struct lintel_timer timer;
    struct lintel_buf messages;
    uint64_t lost;
    void (*done)(void *ctx, const lintel_answer *a);
    void *done_ctx;
};

static void
finish(struct wire_look *w)
{
    if (w->instance != NULL)
        lintel_instance_untap(w->instance, &w->listener);
    lintel_timer_stop(w->hub->loop, &w->timer);
    lintel_buf_fini(&w->messages);
    lintel_free(w);
}

static lintel_answer
answer_of(uint32_t code, uint32_t flags, int32_t format, const char *p, size_t n)
{
    return (lintel_answer){.size = sizeof(lintel_answer),
                           .code = code,
                           .flags = flags,
                           .format = format,
                           .payload = {p, n}};
}

static void
send_batch(void *arg)
{
    struct wire_look *w = arg;
    struct lintel_buf json = {0};
    lintel_buf_addf(&json, "{\"lost\":%llu,\"messages\":[", (unsigned long long)w->lost);
    lintel_buf_add(&json, w->messages.p, w->messages.n);
    lintel_buf_adds(&json, "]}");
    if (json.failed) { /* it is tried again with the next message */
        lintel_buf_fini(&json);
        return;
    }
    w->lost = 0;
    lintel_buf_reset(&w->messages);
    lintel_answer a =
        answer_of(LINTEL_CONTENT, LINTEL_ANSWER_MORE, LINTEL_FORMAT_JSON, json.p, json.n);
    w->done(w->done_ctx, &a); /* may abandon w */
    lintel_buf_fini(&json);
}

static void
add_hex(struct lintel_buf *b, const void *p, size_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *byte = p;
    for (size_t i = 0; i < n; i++) {
        lintel_buf_addc(b, digits[byte[i] >> 4]);
        lintel_buf_addc(b, digits[byte[i] & 15]);
    }
}

static void
on_tap(void *ctx, const struct lintel_tapped *t)
{
    struct wire_look *w = ctx;
    struct lintel_buf *b = &w->messages;
    size_t before = b->n;
    w->lost += t->lost;
    if (b->n + 2 * (size_t)t->tap.n + BESIDE > BATCH_MOST) {
        w->lost++;
    } else {
        lintel_buf_addf(b, "%s{\"at\":%lld,\"out\":%s,\"protocol\":", b->n != 0 ? "," : "",
                        (long long)t->tap.when, t->tap.flow == LINTEL_TAP_OUT ? "true" : "false");
        lintel_buf_add_json_str(b, t->protocol, strlen(t->protocol));
        lintel_buf_adds(b, ",\"peer\":");
        lintel_buf_add_json_str(b, t->peer, strlen(t->peer));
        lintel_buf_adds(b, ",\"bytes\":\"");
        add_hex(b, t->tap.p, t->tap.n);
        lintel_buf_adds(b, "\"}");
        if (b->failed) {
            b->failed = 0;
            b->n = before;
            w->lost++;
        }
    }
    if (w->timer.slot == 0)
        (void)lintel_timer_at(w->hub->loop, &w->timer, lintel_loop_now(w->hub->loop) + PAUSE,
                              send_batch, w);
}

static void
on_ended(void *ctx)
{
    static const char text[] = "the bus was stopped";
    struct wire_look *w = ctx;
    void (*done)(void *, const lintel_answer *) = w->done;
    void *done_ctx = w->done_ctx;
    lintel_answer a = answer_of(LINTEL_UNAVAILABLE, 0, LINTEL_FORMAT_NONE, text, sizeof text - 1);
    w->instance = NULL;
    finish(w);
    done(done_ctx, &a);
}

static void
describe(const struct lintel_hub *h, const struct lintel_port *conf, struct lintel_buf *out)
{
    const char *const texts[][2] = {{"bus", conf->name},
                                    {"plugin", conf->plugin->name},
                                    {"version", conf->plugin->version},
                                    {"hub", h->site->name},
                                    {"lintel", LINTEL_VERSION}};
    lintel_buf_addc(out, '{');
    for (size_t i = 0; i < LINTEL_COUNT(texts); i++) {
        lintel_buf_addf(out, "\"%s\":", texts[i][0]);
        lintel_buf_add_json_str(out, texts[i][1], strlen(texts[i][1]));
        lintel_buf_addc(out, ',');
    }
    lintel_buf_adds(out, "\"settings\":");
    lintel_fields_json(conf->plugin->bus, conf->settings, out);
    lintel_buf_addc(out, '}');
}

static void *
start(struct lintel_hub *h, struct running *r, const struct lintel_bus_call *call)
{
    struct lintel_buf head = {0};
    int observed = (call->x->flags & LINTEL_X_OBSERVE) != 0;
    struct wire_look *w = observed ? lintel_alloc(sizeof *w) : NULL;
    describe(h, lintel_instance_conf(r->instance), &head);
    if (head.failed || (observed && w == NULL)) {
        lintel_buf_fini(&head);
        lintel_free(w);
        bus_refuse(call, LINTEL_INTERNAL, "out of memory");
        return NULL;
    }
    if (w != NULL) {
        *w = (struct wire_look){.hub = h,
                                .instance = r->instance,
                                .listener = {.on_tap = on_tap, .ended = on_ended, .ctx = w},
                                .done = call->done,
                                .done_ctx = call->done_ctx};
        lintel_instance_tap(r->instance, &w->listener);
        lintel_log(LINTEL_LOG_INFO, r->name, "%s looks at its wire", call->who);
    }
    lintel_answer a = answer_of(LINTEL_CONTENT, w != NULL ? LINTEL_ANSWER_MORE : 0,
                                LINTEL_FORMAT_JSON, head.p, head.n);
    call->done(call->done_ctx, &a);
    lintel_buf_fini(&head);
    return w;
}

static void
abandon(struct lintel_hub *h, void *work)
{
    (void)h;
    finish(work);
}

const struct bus_verb bus_wire_verb = {"wire", LINTEL_GET, start, abandon};
