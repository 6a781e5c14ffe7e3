/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/plug_kit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/kit/kit.h"

#define PATIENCE (20 * INT64_C(1000000000))

/* ---- the engine, and what else the hub would have -------------------------------------------- */

static struct lintel_bus *newest;

struct lintel_bus *
kit_take_newest(void)
{
    struct lintel_bus *b = newest;
    newest = NULL;
    return b;
}

struct lintel_bus *
lintel_engine_add_bus(struct lintel_engine *e, const char *name, const lintel_plugin *plugin,
                      struct lintel_bus_port port)
{
    (void)e, (void)plugin;
    struct lintel_bus *b = calloc(1, sizeof *b);
    snprintf(b->name, sizeof b->name, "%s", name);
    b->port = port;
    b->lowest = 1e9;
    newest = b;
    return b;
}

void
lintel_engine_remove_bus(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->removed++;
}

void
lintel_engine_bus_ready(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    CHECK(!b->ready);
    b->ready = 1;
    b->readies++;
}

void
lintel_engine_bus_gone(struct lintel_engine *e, struct lintel_bus *b, lintel_status st,
                       const char *detail)
{
    (void)e;
    b->ready = b->held = 0;
    b->gones++;
    b->gone_status = st;
    snprintf(b->gone, sizeof b->gone, "%s", detail);
}

void
lintel_engine_bus_hold(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->held = b->ready;
    b->holds++;
}

void
lintel_engine_bus_go_on(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->held = 0;
}

void
lintel_engine_bus_plugin(struct lintel_engine *e, struct lintel_bus *b, const lintel_plugin *plugin)
{
    (void)e;
    b->plugin = plugin;
}

void
lintel_engine_bus_renewed(struct lintel_engine *e, struct lintel_bus *b)
{
    (void)e;
    b->ready = 1;
    b->held = 0;
    b->renewals++;
}

static void
keep(struct kit_op *o, const lintel_sample *samples, uint32_t n)
{
    o->n = n;
    for (uint32_t i = 0; i < n && i < LINTEL_COUNT(o->samples); i++) {
        lintel_sample *s = &o->samples[i];
        *s = samples[i];
        if (i > 0 && s->value.type == LINTEL_T_BYTES && samples[i - 1].value.as.p == s->value.as.p)
            o->shared++;
        if (s->value.type == LINTEL_T_BYTES || s->value.type == LINTEL_T_STR) {
            memcpy(o->bytes[i], s->value.as.p, s->value.len < 63 ? s->value.len : 63);
            s->value.as.p = o->bytes[i];
        }
        snprintf(o->detail[i], sizeof o->detail[i], "%s", s->detail ? s->detail : "");
        s->detail = o->detail[i];
    }
}

void
lintel_engine_complete(struct lintel_engine *e, struct lintel_bus *b, struct lintel_op *op,
                       lintel_status status, const lintel_sample *samples, uint32_t n)
{
    (void)e;
    struct kit_op *o = (struct kit_op *)(void *)op;
    CHECK(!b->removed);
    CHECK(status == LINTEL_OK || n == 0);
    b->dones++;
    o->done++;
    o->status = status;
    keep(o, samples, n);
}

void
lintel_engine_publish(struct lintel_engine *e, struct lintel_bus *b, const lintel_sample *samples,
                      uint32_t n)
{
    (void)e;
    CHECK(n > 0);
    b->published += n;
    b->last = samples[n - 1];
    for (uint32_t i = 0; i < n; i++)
        if (samples[i].value.type == LINTEL_T_REAL && samples[i].value.as.r < b->lowest)
            b->lowest = samples[i].value.as.r;
}

void
lintel_engine_link(struct lintel_engine *e, struct lintel_bus *b, lintel_status st,
                   const char *detail)
{
    (void)e;
    b->links++;
    b->link_status = st;
    snprintf(b->link, sizeof b->link, "%s", detail);
}

void
lintel_engine_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                     lintel_status st, const char *detail)
{
    (void)e, (void)device;
    b->device_status = st;
    snprintf(b->device, sizeof b->device, "%s", detail);
}

void
lintel_engine_refused_device(struct lintel_engine *e, struct lintel_bus *b, uint32_t device,
                             lintel_status st, const char *detail)
{
    (void)e;
    b->refused_id = device;
    b->refused_status = st;
    snprintf(b->refused_device, sizeof b->refused_device, "%s", detail);
}

void
lintel_engine_refused_point(struct lintel_engine *e, struct lintel_bus *b, uint32_t slot,
                            lintel_status st, const char *detail)
{
    (void)e;
    b->refused_id = slot;
    b->refused_status = st;
    snprintf(b->refused_point, sizeof b->refused_point, "%s", detail);
}

static struct lintel_site site;

struct lintel_site *
lintel_site_ref(struct lintel_site *s)
{
    s->refs++;
    return s;
}

void
lintel_site_unref(struct lintel_site *s)
{
    s->refs--;
}

/* ---- the log --------------------------------------------------------------------------------- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[65536], copy[65536];
static size_t nlines;

static void
sink(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx;
    pthread_mutex_lock(&log_lock);
    if (nlines < sizeof lines - 1500)
        nlines += (size_t)snprintf(lines + nlines, sizeof lines - nlines, "%d %s: %s\n", (int)level,
                                   topic, line);
    pthread_mutex_unlock(&log_lock);
}

const char *
kit_log(void)
{
    pthread_mutex_lock(&log_lock);
    memcpy(copy, lines, nlines + 1);
    pthread_mutex_unlock(&log_lock);
    return copy;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

void
kit_plug_new(struct kit_plug *k)
{
    static char fake[1024], file[1024];
    const char *const dirs[] = {fake, file, NULL};
    const char *build = getenv("LINTEL_BUILDDIR") ? getenv("LINTEL_BUILDDIR") : ".";
    snprintf(fake, sizeof fake, "%s/plugins/fake", build);
    snprintf(file, sizeof file, "%s/plugins", build);
    snprintf(k->host, sizeof k->host, "%s/bin/lintel-host", build);
    pthread_mutex_lock(&log_lock);
    nlines = 0;
    lines[0] = '\0';
    pthread_mutex_unlock(&log_lock);
    lintel_log_sink(sink, NULL);
    k->loop = lintel_loop_new();
    k->loader = lintel_loader_new(dirs);
    k->plug = lintel_plug_new(
        &(struct lintel_plug_source){.loop = k->loop, .engine = NULL, .host_program = k->host});
    CHECK(k->loop != NULL && k->loader != NULL && k->plug != NULL);
}

void
kit_plug_new_fake(struct kit_plug *k, const char *host)
{
    kit_plug_new(k);
    lintel_plug_free(k->plug);
    lintel_loop_free(k->loop);
    if (host != NULL)
        snprintf(k->host, sizeof k->host, "%s", host);
    k->loop = lintel_loop_new_fake();
    k->plug =
        lintel_plug_new(&(struct lintel_plug_source){.loop = k->loop, .host_program = k->host});
    CHECK(k->loop != NULL && k->plug != NULL);
}

void
kit_plug_free(struct kit_plug *k)
{
    lintel_plug_free(k->plug);
    lintel_loader_free(k->loader);
    lintel_loop_free(k->loop);
    CHECK_INT(site.refs, 0);
}

const lintel_plugin *
kit_plugin(struct kit_plug *k, const char *name, const char **ret_file)
{
    struct lintel_report report = {0};
    const lintel_plugin *p =
        lintel_loader_find(k->loader, name, (struct lintel_place){"test", 1, 1}, ret_file, &report);
    if (p == NULL)
        kit_check(0, report.n ? report.problems[0].text : "no plugin", __FILE__, __LINE__,
                  __func__);
    lintel_report_fini(&report);
    return p;
}

static lintel_value
field_value(const lintel_field *f, const char *text)
{
    if (text == NULL)
        return (lintel_value){0};
    if (f->choices != NULL) {
        int64_t i = 0;
        size_t n = strlen(text);
        for (const char *c = f->choices; c != NULL; c = strchr(c, '|'), c = c ? c + 1 : c, i++)
            if (strncmp(c, text, n) == 0 && (c[n] == '|' || c[n] == '\0'))
                return (lintel_value){LINTEL_T_INT, 0, {.i = i}};
        CHECK(0 && "a choice of the table");
    }
    switch (f->type) {
    case LINTEL_T_BOOL: return (lintel_value){LINTEL_T_BOOL, 0, {.i = strcmp(text, "true") == 0}};
    case LINTEL_T_INT: return (lintel_value){LINTEL_T_INT, 0, {.i = strtoll(text, NULL, 10)}};
    case LINTEL_T_REAL: return (lintel_value){LINTEL_T_REAL, 0, {.r = strtod(text, NULL)}};
    default: return (lintel_value){LINTEL_T_STR, (uint32_t)strlen(text), {.s = text}};
    }
}

static lintel_value *
field_values(const lintel_field *table, const char *const *given)
{
    uint32_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    lintel_value *v = calloc(n + 1, sizeof *v);
    for (uint32_t i = 0; i < n; i++) {
        const char *text = table[i].dflt;
        size_t name = strlen(table[i].name);
        for (const char *const *g = given; g != NULL && *g != NULL; g++)
            if (strncmp(*g, table[i].name, name) == 0 && (*g)[name] == '=')
                text = *g + name + 1;
        v[i] = field_value(&table[i], text);
    }
    return v;
}

/* The site has two buses for the shared process: the fakes, which need nothing. */
static void
share(struct kit_plug *k)
{
    static struct lintel_port fakes[2];
    static const char *const names[] = {"fake", "fake-blocking"};
    for (uint32_t i = 0; i < 2; i++) {
        fakes[i] = (struct lintel_port){
            .name = names[i], .isolation = LINTEL_ISOLATION_PROCESS, .process = "field"};
        fakes[i].plugin = kit_plugin(k, names[i], &fakes[i].plugin_file);
    }
    site.buses = fakes;
    site.nbuses = 2;
}

uint32_t kit_memory;

void
kit_bus_start(struct kit_plug *k, struct kit_bus *b, const char *plugin, const char *name,
              enum kit_isolation isolation, const char *const *settings)
{
    memset(b, 0, sizeof *b);
    b->conf.name = name;
    b->conf.plugin = kit_plugin(k, plugin, &b->conf.plugin_file);
    if (b->conf.plugin == NULL)
        exit(1);
    b->settings = field_values(b->conf.plugin->bus, settings);
    b->conf.settings = b->settings;
    b->conf.log = -1;
    b->conf.isolation =
        isolation == KIT_THREAD ? LINTEL_ISOLATION_THREAD : LINTEL_ISOLATION_PROCESS;
    b->conf.memory = kit_memory;
    b->conf.process = isolation == KIT_SHARED ? "field" : NULL;
    if (isolation == KIT_SHARED)
        share(k);
    b->conf.at = (struct lintel_place){"lintel.yaml", 1, 1};
    b->instance = lintel_plug_start_bus(k->plug, &site, &b->conf);
    CHECK(b->instance != NULL);
    if (b->instance == NULL)
        exit(1);
    b->bus = newest;
}

void
kit_conf(const struct kit_bus *b, const char *const *settings, struct lintel_port *ret)
{
    *ret = b->conf;
    ret->settings = field_values(b->conf.plugin->bus, settings);
}

struct lintel_site *
kit_site(void)
{
    return &site;
}

/* ---- waiting --------------------------------------------------------------------------------- */

struct goal {
    const int *at;
    const uint64_t *count;
    uint64_t least;
};

static int
reached(void *ctx)
{
    const struct goal *g = ctx;
    return g->at != NULL ? *g->at >= (int)g->least : *g->count >= g->least;
}

int
kit_run(struct kit_plug *k, const int *at, int least, int64_t ns)
{
    struct goal g = {.at = at, .least = (uint64_t)least};
    return lintel_loop_until(k->loop, reached, &g, ns);
}

int
kit_wait(struct kit_plug *k, const int *at, int least)
{
    return kit_run(k, at, least, PATIENCE);
}

void
kit_nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

int
kit_wait_count(struct kit_plug *k, const uint64_t *at, uint64_t least)
{
    struct goal g = {.count = at, .least = least};
    return lintel_loop_until(k->loop, reached, &g, PATIENCE);
}

int
kit_wait_ready(struct kit_plug *k, struct kit_bus *b)
{
    return CHECK(kit_wait(k, &b->bus->ready, 1));
}

int
kit_wait_op(struct kit_plug *k, struct kit_op *op)
{
    return CHECK(kit_wait(k, &op->done, 1));
}

/* ---- devices, points, ops -------------------------------------------------------------------- */

int
kit_attach(struct kit_bus *b, uint32_t device, const char *const *settings)
{
    free(b->device);
    b->device = field_values(b->conf.plugin->device, settings);
    b->thing = (struct lintel_thing){.id = "thing-1", .settings = b->device};
    return b->bus->port.attach(b->bus->port.ctx, device, &b->thing);
}

int
kit_bind(struct kit_bus *b, uint32_t slot, uint32_t device, const char *const *addr)
{
    if (b->nbounds == LINTEL_COUNT(b->bounds))
        return -1;
    lintel_value *values = b->addrs[b->nbounds] = field_values(b->conf.plugin->address, addr);
    struct lintel_bound *bound = &b->bounds[b->nbounds++];
    b->affordance.path = "Thing/p/point";
    bound->affordance = &b->affordance;
    bound->read.addr = bound->write.addr = values;
    bound->flags = LINTEL_P_READ | LINTEL_P_WRITE;
    return b->bus->port.bind(b->bus->port.ctx, slot, device, bound, "thing-1/Thing/p/point");
}

int
kit_submit(struct kit_plug *k, struct kit_bus *b, struct kit_op *op, enum lintel_op_kind kind,
           uint32_t first, uint32_t n, const lintel_value *values, int64_t within_ms)
{
    memset(op, 0, offsetof(struct kit_op, slots));
    op->done = op->shared = 0;
    op->n = 0;
    for (uint32_t i = 0; i < n; i++)
        op->slots[i] = first + i;
    op->op = (struct lintel_op){.kind = kind,
                                .n = n,
                                .slots = op->slots,
                                .values = values,
                                .deadline = lintel_loop_now(k->loop) + within_ms * 1000000,
                                .batch = 1};
    return b->bus->port.submit(b->bus->port.ctx, &op->op);
}

static void
on_stopped(void *ctx)
{
    ++*(int *)ctx;
}

void
kit_bus_stop(struct kit_plug *k, struct kit_bus *b)
{
    int stopped = 0;
    lintel_plug_stop_bus(k->plug, b->instance, on_stopped, &stopped);
    CHECK_INT(b->bus->removed, 1);
    CHECK(kit_wait(k, &stopped, 1));
    CHECK_INT(stopped, 1);
    kit_bus_fini(b);
}

void
kit_bus_fini(struct kit_bus *b)
{
    free(b->settings);
    free(b->device);
    for (uint32_t i = 0; i < b->nbounds; i++)
        free(b->addrs[i]);
    free(b->bus);
    b->bus = NULL;
}

int
kit_lines(const char *part)
{
    int n = 0;
    for (const char *p = kit_log(); (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

struct lintel_instance_stats
kit_stats(const struct kit_bus *b)
{
    struct lintel_instance_stats s;
    lintel_instance_stats(b->instance, &s);
    return s;
}

int
kit_is_birth(struct kit_plug *k)
{
    for (uint32_t i = 0; i < lintel_plug_ninstances(k->plug); i++) {
        struct lintel_instance_stats s;
        lintel_instance_stats(lintel_plug_at(k->plug, i), &s);
        if (s.pid != 0 && s.next_try == 0 &&
            (strcmp(s.state, "starting") == 0 || strcmp(s.state, "back-off") == 0 ||
             strcmp(s.state, "alarm") == 0))
            return 1;
    }
    return 0;
}

void
kit_count(void *ctx)
{
    ++*(int *)ctx;
}
