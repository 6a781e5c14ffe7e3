/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/units.h"

#include "core/serve/hub.h"
#include "core/serve/inside.h"
#include "core/serve/json.h"

/* "p50" and "p95" in seconds, null without an answer; "latency": the buckets. */
static void
add_latency(struct lintel_buf *b, const uint32_t *buckets)
{
    int64_t p50 = lintel_latency_below(buckets, 0.5), p95 = lintel_latency_below(buckets, 0.95);
    lintel_json_seconds(b, "p50", p50, p50 != 0);
    lintel_json_seconds(b, "p95", p95, p95 != 0);
    lintel_json_key(b, "latency");
    lintel_buf_addc(b, '[');
    for (int i = 0; i < LINTEL_LATENCIES; i++)
        lintel_buf_addf(b, i == 0 ? "%u" : ",%u", buckets[i]);
    lintel_buf_addc(b, ']');
}

static void
add_use(struct lintel_buf *b, const struct lintel_bus_use *use)
{
    lintel_json_key(b, "use");
    lintel_buf_addc(b, '{');
    lintel_json_seconds(b, "window", use->window_ns, 1);
    lintel_json_real(b, "busy", use->busy);
    lintel_json_real(b, "needs", use->needs);
    lintel_json_seconds(b, "cycle", use->cycle_ns, use->cycle_ns != 0);
    lintel_json_flag(b, "serial", use->serial);
    lintel_json_count(b, "retries", use->retries);
    add_latency(b, use->latency);
    lintel_buf_addc(b, '}');
}

static void
add_unit(struct lintel_buf *b, struct lintel_engine *e, struct lintel_live_thing *t)
{
    struct lintel_device_stats s;
    lintel_engine_device_stats(e, t, &s);
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "thing", lintel_live_thing_conf(t)->id);
    lintel_json_text(b, "state", lintel_thing_state(e, t));
    lintel_json_text(b, "detail",
                     s.status == LINTEL_OK                     ? ""
                     : s.detail != NULL && s.detail[0] != '\0' ? s.detail
                                                               : lintel_status_words(s.status));
    lintel_json_seconds(b, "seen", s.seen, s.seen != 0);
    lintel_json_count(b, "requests", s.requests);
    lintel_json_count(b, "timeouts", s.timeouts);
    lintel_json_count(b, "errors", s.errors);
    lintel_json_count(b, "retries", s.retries);
    lintel_json_seconds(b, "time", s.time_ns, 1);
    lintel_json_real(b, "share", s.share);
    add_latency(b, s.latency);
    lintel_buf_addc(b, '}');
}

void
lintel_units_json(struct lintel_buf *b, struct lintel_engine *e, const struct lintel_bus *bus)
{
    struct lintel_bus_use use;
    lintel_engine_bus_use(e, bus, &use);
    add_use(b, &use);
    lintel_json_key(b, "units");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < lintel_engine_nthings(e); i++) {
        struct lintel_live_thing *t = lintel_engine_thing_at(e, i);
        if (t == NULL || lintel_live_thing_bus(t) != bus)
            continue;
        lintel_json_item(b);
        add_unit(b, e, t);
    }
    lintel_buf_addc(b, ']');
}
