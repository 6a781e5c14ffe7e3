/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/fake_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "tests/kit/kit.h"

#define NAMESPACE "https://example.com/models/device#/sdfObject/Device/"
#define SECOND INT64_C(1000000000)
enum { THINGS = 2, SUBSCRIPTIONS = 64, POINTS_MOST = 16 };

struct lintel_subscription {
    int used;
    lintel_point_id points[POINTS_MOST];
    uint32_t n;
    struct lintel_conditions conditions;
    lintel_subscription_fn *fn;
    void *ctx;
};
struct lintel_bus {
    int unused;
};
struct lintel_live_thing {
    const struct lintel_thing *conf;
    uint32_t index;
};
struct lintel_engine {
    struct lintel_loop *loop;
    struct lintel_live_thing things[THINGS];
    uint32_t nthings;
    struct lintel_reading readings[THINGS * FAKE_N];
    struct lintel_subscription subscriptions[SUBSCRIPTIONS];
    const struct lintel_subscription *last;
    struct fake_command command;
    lintel_command ids;
    lintel_wall source;
    int at_once;
    void (*on_state)(void *ctx, struct lintel_live_thing *t);
    void *on_state_ctx;
    int up; /* lamp-1 answers */
};

static const struct lintel_data watts = {.kind = LINTEL_DATA_NUMBER, .unit = "W"},
                                celsius = {.kind = LINTEL_DATA_NUMBER,
                                           .unit = "Cel",
                                           .min = 5,
                                           .max = 26,
                                           .flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX},
                                words = {.kind = LINTEL_DATA_STRING},
                                kwh = {.kind = LINTEL_DATA_NUMBER, .unit = "kWh"},
                                whole = {.kind = LINTEL_DATA_INTEGER},
                                percent = {.kind = LINTEL_DATA_NUMBER,
                                           .min = 0,
                                           .max = 100,
                                           .flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX};
#define PROPERTY(n, d, r, w)                                                                       \
    {                                                                                              \
        .path = "Device/p/" n, .name = n, .senml = "Device/" n,                                    \
        .global = NAMESPACE "sdfProperty/" n, .kind = LINTEL_K_PROPERTY, .readable = r,            \
        .writable = w, .observable = r, .data = d                                                  \
    }
static const struct lintel_affordance affordances[FAKE_N] = {
    [FAKE_POWER] = PROPERTY("activePower", &watts, 1, 0),
    [FAKE_SETPOINT] = PROPERTY("setPoint", &celsius, 1, 1),
    [FAKE_MODE] = PROPERTY("mode", &words, 1, 1),
    [FAKE_ENERGY] = PROPERTY("energy", &kwh, 1, 0),
    [FAKE_SERIAL] = PROPERTY("serial", &words, 1, 0),
    [FAKE_SECRET] = PROPERTY("secret", &whole, 0, 1),
    [FAKE_IDENTIFY] = {.path = "Device/a/identify",
                       .name = "identify",
                       .kind = LINTEL_K_ACTION,
                       .senml = "Device/identify",
                       .global = NAMESPACE "sdfAction/identify",
                       .label = "Blink"},
    [FAKE_DIM] = {.path = "Device/a/dim",
                  .name = "dim",
                  .senml = "Device/dim",
                  .kind = LINTEL_K_ACTION,
                  .input = &percent,
                  .global = NAMESPACE "sdfAction/dim"},
    [FAKE_PRESSED] = {.path = "Device/e/pressed",
                      .name = "pressed",
                      .senml = "Device/pressed",
                      .kind = LINTEL_K_EVENT,
                      .readable = 1,
                      .observable = 1,
                      .data = &words,
                      .global = NAMESPACE "sdfEvent/pressed"},
};
static const lintel_value address[1];
static struct lintel_bound bound[FAKE_N];
static struct lintel_model model = {.id = "device", .n = FAKE_N, .affordances = affordances};
static struct lintel_profile profile = {
    .id = "acme-em1", .model = &model, .n = FAKE_N, .bound = bound};
static const char *const tags[] = {"elec", "meter", NULL};
static const struct lintel_thing things[THINGS] = {{.id = "main-meter",
                                                    .label = "Main \"meter\"",
                                                    .location = "B1",
                                                    .zone = "energy",
                                                    .tags = tags,
                                                    .bus = "basement",
                                                    .profile = &profile},
                                                   {.id = "lamp-1",
                                                    .label = "",
                                                    .location = "",
                                                    .zone = "",
                                                    .tags = tags + 2,
                                                    .bus = "basement",
                                                    .profile = &profile}};

static void
make_profile(void)
{
    if (profile.by_path.n != 0)
        return;
    for (uint32_t i = 0; i < FAKE_N; i++) {
        const struct lintel_affordance *a = &affordances[i];
        bound[i] =
            (struct lintel_bound){.affordance = a, .mapped = i != FAKE_SERIAL, .scale_from = -1};
        if (a->readable)
            bound[i].read.addr = address;
        if (a->writable || a->kind == LINTEL_K_ACTION)
            bound[i].write.addr = address;
        if (i == FAKE_MODE || i == FAKE_PRESSED)
            bound[i].flags = LINTEL_P_NOTIFY;
        else if (i == FAKE_POWER || i == FAKE_SETPOINT)
            bound[i].poll_ns = 10 * SECOND;
        if (lintel_map_put(&profile.by_path, a->path, strlen(a->path), &bound[i]) != 0)
            abort();
    }
}

struct lintel_engine *
fake_engine_new(struct lintel_loop *loop)
{
    struct lintel_engine *e = lintel_alloc(sizeof *e);
    if (e == NULL)
        abort();
    make_profile();
    e->loop = loop;
    e->nthings = THINGS;
    for (uint32_t i = 0; i < THINGS; i++)
        e->things[i] = (struct lintel_live_thing){&things[i], i};
    return e;
}

void
fake_engine_free(struct lintel_engine *e)
{
    CHECK_INT(lintel_subscriptions(e), 0);
    CHECK_INT(e->command.id, 0);
    lintel_free(e);
    lintel_map_fini(&profile.by_path);
}

lintel_point_id
fake_point(uint32_t thing, uint32_t i)
{
    return thing * FAKE_N + i;
}

static void
tell(struct lintel_engine *e, lintel_point_id p, int gone)
{
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        struct lintel_subscription *s = &e->subscriptions[i];
        int about = 0;
        for (uint32_t k = 0; k < s->n; k++)
            about |= s->points[k] == p;
        if (!s->used || !about)
            continue;
        if (gone)
            s->used = 0;
        s->fn(s->ctx, s, s->conditions.con, gone);
    }
}

void
fake_set(struct lintel_engine *e, lintel_point_id p, lintel_value v, enum lintel_quality q)
{
    struct lintel_reading *r = &e->readings[p];
    r->value = v;
    r->quality = q;
    if (q != LINTEL_QUALITY_STALE && q != LINTEL_QUALITY_BAD) {
        r->arrival = lintel_loop_wall(e->loop);
        r->source = e->source != 0 ? e->source : r->arrival;
        r->refreshed = lintel_loop_now(e->loop);
        r->status = LINTEL_OK;
        r->detail = NULL;
    }
    r->sequence++;
    tell(e, p, 0);
}

void
fake_detail(struct lintel_engine *e, lintel_point_id p, lintel_status st, const char *detail)
{
    e->readings[p].status = st;
    e->readings[p].detail = detail;
}

void
fake_source_time(struct lintel_engine *e, lintel_wall when)
{
    e->source = when;
}

struct fake_command *
fake_command(struct lintel_engine *e)
{
    CHECK(e->command.id != 0);
    return &e->command;
}

void
fake_complete(struct lintel_engine *e, lintel_status st, const char *detail, lintel_value v)
{
    struct fake_command c = *fake_command(e);
    e->command.id = 0;
    if (c.id == 0)
        return;
    if (st == LINTEL_OK && c.kind == LINTEL_OP_READ)
        fake_set(e, c.point, v, LINTEL_QUALITY_GOOD);
    c.fn(c.ctx, &(struct lintel_outcome){.status = st, .detail = detail, .value = v});
}

void
fake_answer_at_once(struct lintel_engine *e, int yes)
{
    e->at_once = yes;
}

void
fake_remove_things(struct lintel_engine *e)
{
    e->nthings = 0;
    if (e->command.id != 0)
        fake_complete(e, LINTEL_E_CANCELLED, "the thing was removed", (lintel_value){0});
    for (lintel_point_id p = 0; p < THINGS * FAKE_N; p++)
        tell(e, p, 1);
}

const struct lintel_conditions *
fake_conditions(const struct lintel_engine *e)
{
    return &e->last->conditions;
}

void
fake_up(struct lintel_engine *e, int yes)
{
    e->up = yes;
    if (e->on_state != NULL)
        e->on_state(e->on_state_ctx, &e->things[1]);
}

/* ---- what the tree calls --------------------------------------------------------------------- */

void
lintel_engine_on_state(struct lintel_engine *e, void (*fn)(void *ctx, struct lintel_live_thing *t),
                       void *ctx)
{
    e->on_state = fn;
    e->on_state_ctx = ctx;
}

struct lintel_live_thing *
lintel_engine_find_thing(struct lintel_engine *e, const char *id, size_t n)
{
    for (uint32_t i = 0; i < e->nthings; i++)
        if (strlen(things[i].id) == n && memcmp(things[i].id, id, n) == 0)
            return &e->things[i];
    return NULL;
}

uint32_t
lintel_engine_nthings(const struct lintel_engine *e)
{
    return e->nthings;
}

struct lintel_live_thing *
lintel_engine_thing_at(struct lintel_engine *e, uint32_t i)
{
    return &e->things[i];
}

const struct lintel_thing *
lintel_live_thing_conf(const struct lintel_live_thing *t)
{
    return t->conf;
}

struct lintel_bus *
lintel_live_thing_bus(const struct lintel_live_thing *t)
{
    static struct lintel_bus bus;
    (void)t;
    return &bus;
}

lintel_point_id
lintel_live_thing_point(const struct lintel_live_thing *t, uint32_t i)
{
    return fake_point(t->index, i);
}

const char *
lintel_quality_name(enum lintel_quality q)
{
    static const char *const names[] = {"initial",    "good",           "stale",       "bad",
                                        "overridden", "out of service", "out of range"};
    return names[q];
}

void
lintel_engine_reading(const struct lintel_engine *e, lintel_point_id p, struct lintel_reading *ret)
{
    *ret = e->readings[p];
}

const struct lintel_bound *
lintel_engine_bound(const struct lintel_engine *e, lintel_point_id p)
{
    (void)e;
    return &bound[p % FAKE_N];
}

struct lintel_live_thing *
lintel_engine_thing_of(const struct lintel_engine *e, lintel_point_id p)
{
    return (struct lintel_live_thing *)(uintptr_t)&e->things[p / FAKE_N];
}

static lintel_command
start(struct lintel_engine *e, int kind, lintel_point_id p, const lintel_value *v, const char *who,
      lintel_outcome_fn *fn, void *ctx)
{
    CHECK_INT(e->command.id, 0);
    e->command = (struct fake_command){++e->ids, kind, p, {0}, "", "", fn, ctx};
    if (v != NULL)
        e->command.value = *v;
    if (v != NULL && v->type == LINTEL_T_STR)
        snprintf(e->command.text, sizeof e->command.text, "%.*s", (int)v->len, v->as.s);
    snprintf(e->command.who, sizeof e->command.who, "%s", who);
    return e->ids;
}

lintel_command
lintel_engine_read(struct lintel_engine *e, lintel_point_id p, lintel_outcome_fn *fn, void *ctx)
{
    lintel_command id = start(e, LINTEL_OP_READ, p, NULL, "", fn, ctx);
    if (!e->at_once)
        return id;
    fake_complete(e, LINTEL_OK, "", FAKE_REAL(7.5));
    return 0;
}

static lintel_command
judged(struct lintel_engine *e, int kind, const struct lintel_data *d, lintel_point_id p,
       const lintel_value *v, const char *who, lintel_outcome_fn *fn, void *ctx)
{
    char reason[LINTEL_REASON] = "";
    enum lintel_fit fit = v == NULL || d == NULL ? LINTEL_FIT_OK : lintel_data_fit(d, v, reason);
    if (fit == LINTEL_FIT_OK)
        return start(e, kind, p, v, who, fn, ctx);
    fn(ctx, &(struct lintel_outcome){.status = LINTEL_E_RANGE, .fit = fit, .detail = reason});
    return 0;
}

lintel_command
lintel_engine_write(struct lintel_engine *e, lintel_point_id p, const lintel_value *v,
                    const char *who, lintel_outcome_fn *fn, void *ctx)
{
    return judged(e, LINTEL_OP_WRITE, affordances[p % FAKE_N].data, p, v, who, fn, ctx);
}

int
lintel_engine_write_check(struct lintel_engine *e, lintel_point_id p, const lintel_value *v,
                          uint32_t ahead, const char *who, lintel_outcome_fn *fn, void *ctx)
{
    char reason[LINTEL_REASON] = "";
    enum lintel_fit fit = lintel_data_fit(affordances[p % FAKE_N].data, v, reason);
    (void)e, (void)ahead, (void)who;
    if (fit != LINTEL_FIT_OK)
        fn(ctx, &(struct lintel_outcome){.status = LINTEL_E_RANGE, .fit = fit, .detail = reason});
    return fit == LINTEL_FIT_OK ? 0 : -1;
}

lintel_command
lintel_engine_invoke(struct lintel_engine *e, lintel_point_id p, const lintel_value *input,
                     const char *who, lintel_outcome_fn *fn, void *ctx)
{
    return judged(e, LINTEL_OP_INVOKE, affordances[p % FAKE_N].input, p, input, who, fn, ctx);
}

void
lintel_engine_forget(struct lintel_engine *e, lintel_command c)
{
    CHECK(c != 0 && e->command.id == c);
    e->command.id = 0;
}

void
lintel_engine_bus_stats(const struct lintel_engine *e, const struct lintel_bus *b,
                        struct lintel_bus_stats *ret)
{
    (void)e;
    (void)b;
    *ret = (struct lintel_bus_stats){.name = "basement",
                                     .plugin = "modbus",
                                     .ready = 1,
                                     .detail = "",
                                     .things = 2,
                                     .points = 12,
                                     .requests = 7};
}

uint32_t
lintel_engine_nbuses(const struct lintel_engine *e)
{
    (void)e;
    return 1;
}

struct lintel_bus *
lintel_engine_bus_at(struct lintel_engine *e, uint32_t i)
{
    (void)i;
    return lintel_live_thing_bus(&e->things[0]);
}

struct lintel_bus *
lintel_engine_find_bus(struct lintel_engine *e, const char *name)
{
    return strcmp(name, "basement") == 0 ? lintel_engine_bus_at(e, 0) : NULL;
}

static const uint32_t fake_latency[LINTEL_LATENCIES] = {[4] = 8, [5] = 2};

void
lintel_engine_device_stats(const struct lintel_engine *e, const struct lintel_live_thing *t,
                           struct lintel_device_stats *ret)
{
    *ret = (struct lintel_device_stats){
        .reachable = 1, .detail = "", .seen = lintel_loop_wall(e->loop), .latency = fake_latency};
    if (t->index == 1 && !e->up)
        *ret = (struct lintel_device_stats){.failures = 3,
                                            .status = LINTEL_E_TIMEOUT,
                                            .detail = "no answer",
                                            .timeouts = 3,
                                            .retries = 2,
                                            .latency = fake_latency};
}

int64_t
lintel_latency_below(const uint32_t buckets[LINTEL_LATENCIES], double part_of_all)
{
    return (int64_t)(buckets[4] * part_of_all * 1e7);
}

void
lintel_engine_bus_use(const struct lintel_engine *e, const struct lintel_bus *b,
                      struct lintel_bus_use *ret)
{
    (void)e, (void)b;
    *ret = (struct lintel_bus_use){.window_ns = INT64_C(300000000000),
                                   .busy = 0.25,
                                   .needs = 0.5,
                                   .cycle_ns = INT64_C(1500000000),
                                   .serial = 1,
                                   .retries = 2,
                                   .latency = fake_latency};
}

int
lintel_conditions_parse(struct lintel_conditions *c, const char *arg, size_t n,
                        char reason[LINTEL_REASON])
{
    if (n < 2 || memcmp(arg, "c.", 2) != 0)
        return 0;
    if (n == 5 && memcmp(arg, "c.con", 5) == 0) {
        c->given |= LINTEL_C_CON;
        c->con = 1;
        return 1;
    }
    if (n > 5 && memcmp(arg, "c.st=", 5) == 0 && lintel_parse_real(arg + 5, n - 5, &c->st)) {
        c->given |= LINTEL_C_ST;
        return 1;
    }
    snprintf(reason, LINTEL_REASON, "%.*s is no condition", (int)n, arg);
    return -1;
}

int
lintel_conditions_check(const struct lintel_conditions *c, const struct lintel_data *data,
                        char reason[LINTEL_REASON])
{
    if (!(c->given & LINTEL_C_ST) || (data != NULL && data->kind == LINTEL_DATA_NUMBER))
        return 0;
    snprintf(reason, LINTEL_REASON, "c.st needs a number");
    return -1;
}

struct lintel_subscription *
lintel_subscribe(struct lintel_engine *e, const lintel_point_id *points, uint32_t n,
                 const struct lintel_conditions *c, lintel_subscription_fn *fn, void *ctx)
{
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        struct lintel_subscription *s = &e->subscriptions[i];
        if (s->used)
            continue;
        *s =
            (struct lintel_subscription){.used = 1, .n = n, .conditions = *c, .fn = fn, .ctx = ctx};
        CHECK(n <= POINTS_MOST);
        memcpy(s->points, points, n * sizeof *points);
        e->last = s;
        return s;
    }
    return NULL;
}

void
lintel_unsubscribe(struct lintel_engine *e, struct lintel_subscription *s)
{
    (void)e;
    CHECK(s->used);
    s->used = 0;
}

uint32_t
lintel_subscriptions(const struct lintel_engine *e)
{
    uint32_t n = 0;
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        n += (uint32_t)e->subscriptions[i].used;
    return n;
}
