/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/engine_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* ---- kinds ----------------------------------------------------------------------------------- */

struct kit_kind {
    struct lintel_profile profile;
    lintel_plugin plugin;
    struct lintel_affordance *affordances;
    struct lintel_data *data;
    struct lintel_bound *bound;
    char (*paths)[64];
};

static struct lintel_codec *
compile(const char *keys, const char *natural, const struct lintel_data *data)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc = lintel_doc_parse("kit", keys, strlen(keys), &report);
    struct lintel_codec *codec = NULL;
    if (doc != NULL) {
        struct lintel_codec_source s = {
            .doc = doc, .map = doc->root, .data = data, .natural = natural, .unit_bytes = 1};
        codec = lintel_codec_compile(&s, &report);
    }
    if (codec == NULL)
        kit_check(0, report.n > 0 ? report.problems[0].text : keys, __FILE__, __LINE__, __func__);
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return codec;
}

struct kit_kind *
kit_kind_new(const struct kit_point *points, uint32_t n, uint32_t plugin_flags)
{
    static const lintel_value no_address;
    struct kit_kind *k = calloc(1, sizeof *k);
    k->affordances = calloc(n, sizeof *k->affordances);
    k->data = calloc(n, sizeof *k->data);
    k->bound = calloc(n, sizeof *k->bound);
    k->paths = calloc(n, sizeof *k->paths);
    k->plugin.size = sizeof k->plugin;
    k->plugin.name = "kit";
    k->plugin.flags = plugin_flags;
    k->profile = (struct lintel_profile){
        .id = "kit", .plugin = &k->plugin, .n = n, .bound = k->bound, .refs = 1};
    for (uint32_t i = 0; i < n; i++) {
        const struct kit_point *p = &points[i];
        struct lintel_data *d = &k->data[i];
        struct lintel_bound *b = &k->bound[i];
        d->kind = p->data;
        if (p->min < p->max) {
            d->flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX;
            d->min = p->min;
            d->max = p->max;
        }
        snprintf(k->paths[i], sizeof k->paths[i], "Kit/%c/%s", "pae"[p->kind], p -> name);
        k->affordances[i] =
            (struct lintel_affordance){.path = k->paths[i],
                                       .name = p->name,
                                       .kind = p->kind,
                                       .readable = 1,
                                       .writable = p->writable,
                                       .observable = 1,
                                       .data = p->kind != LINTEL_K_ACTION ? d : NULL,
                                       .input = p->kind == LINTEL_K_ACTION ? d : NULL,
                                       .output = p->kind == LINTEL_K_ACTION ? d : NULL};
        *b = (struct lintel_bound){.affordance = &k->affordances[i],
                                   .poll_ns = (int64_t)(p->poll * 1e9),
                                   .stale_ns = (int64_t)(p->stale * 1e9),
                                   .deadband = p->deadband,
                                   .scale_from = -1,
                                   .flags = p->flags,
                                   .mapped = 1};
        const char *keys = p->codec != NULL ? p->codec : "{}";
        const char *natural = p->natural != NULL ? p->natural : "";
        b->read = (struct lintel_form){compile(keys, natural, d), &no_address};
        b->write = (struct lintel_form){compile(keys, natural, d), &no_address};
        for (uint32_t j = 0; p->scale_from != NULL && j < n; j++)
            if (strcmp(points[j].name, p->scale_from) == 0)
                b->scale_from = (int32_t)j;
    }
    return k;
}

void
kit_kind_free(struct kit_kind *k)
{
    for (uint32_t i = 0; i < k->profile.n; i++) {
        lintel_codec_unref(k->bound[i].read.codec);
        lintel_codec_unref(k->bound[i].write.codec);
    }
    free(k->affordances);
    free(k->data);
    free(k->bound);
    free(k->paths);
    free(k);
}

struct lintel_profile *
kit_profile(struct kit_kind *k)
{
    return &k->profile;
}

const lintel_plugin *
kit_plugin(struct kit_kind *k)
{
    return &k->plugin;
}

/* ---- the bus --------------------------------------------------------------------------------- */

static int
port_attach(void *ctx, uint32_t device, const struct lintel_thing *t)
{
    struct kit_bus *k = ctx;
    (void)device;
    k->attached += t->id != NULL;
    return 0;
}

static void
port_detach(void *ctx, uint32_t device)
{
    struct kit_bus *k = ctx;
    (void)device;
    k->attached--;
}

static int
port_bind(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *b, const char *name)
{
    struct kit_bus *k = ctx;
    (void)slot, (void)device, (void)b;
    k->bound += name != NULL;
    return 0;
}

static void
port_unbind(void *ctx, uint32_t slot)
{
    struct kit_bus *k = ctx;
    (void)slot;
    k->bound--;
}

static int
port_submit(void *ctx, struct lintel_op *op)
{
    struct kit_bus *k = ctx;
    if (k->refuse || k->nopen == KIT_OPS)
        return -1;
    k->submitted++;
    k->kinds[op->kind]++;
    if (op->kind == LINTEL_OP_READ)
        k->points += op->n;
    k->open[k->nopen++] = op;
    if (k->nopen > k->most_open)
        k->most_open = k->nopen;
    if (k->at_once)
        kit_answer(k, k->nopen - 1, LINTEL_OK, 0);
    return 0;
}

static void
port_cancel(void *ctx, struct lintel_op *op)
{
    struct kit_bus *k = ctx;
    k->cancelled += op != NULL;
}

void
kit_bus_add(struct kit_bus *k, struct lintel_engine *e, const char *name,
            const lintel_plugin *plugin)
{
    struct lintel_bus_port port = {.ctx = k,
                                   .attach = port_attach,
                                   .detach = port_detach,
                                   .bind = port_bind,
                                   .unbind = port_unbind,
                                   .submit = port_submit,
                                   .cancel = port_cancel};
    *k = (struct kit_bus){.engine = e};
    k->bus = lintel_engine_add_bus(e, name, plugin, port);
}

static struct lintel_op *
take_op(struct kit_bus *k, uint32_t i)
{
    struct lintel_op *op = k->open[i];
    memmove(&k->open[i], &k->open[i + 1], (--k->nopen - i) * sizeof k->open[0]);
    return op;
}

lintel_sample
kit_sample(uint32_t slot, lintel_value v)
{
    return (lintel_sample){.point = slot, .value = v};
}

lintel_value
kit_int(int64_t i)
{
    return (lintel_value){.type = LINTEL_T_INT, .as.i = i};
}

lintel_value
kit_real(double r)
{
    return (lintel_value){.type = LINTEL_T_REAL, .as.r = r};
}

lintel_value
kit_bool(int b)
{
    return (lintel_value){.type = LINTEL_T_BOOL, .as.i = b};
}

lintel_value
kit_str(const char *s)
{
    return (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(s), .as.s = s};
}

void
kit_answer(struct kit_bus *k, uint32_t i, lintel_status status, int64_t base)
{
    struct lintel_op *op = take_op(k, i);
    lintel_sample samples[512];
    uint32_t n = status == LINTEL_OK && op->kind != LINTEL_OP_SUBSCRIBE ? op->n : 0;
    for (uint32_t s = 0; s < n; s++)
        samples[s] = kit_sample(op->slots[s], op->kind == LINTEL_OP_READ
                                                  ? kit_int(base + (int64_t)op->slots[s])
                                                  : (lintel_value){.type = LINTEL_T_NULL});
    lintel_engine_complete(k->engine, k->bus, op, status, samples, n);
}

void
kit_answer_with(struct kit_bus *k, uint32_t i, const lintel_sample *s, uint32_t n)
{
    struct lintel_op *op = take_op(k, i);
    lintel_engine_complete(k->engine, k->bus, op, LINTEL_OK, s, n);
}

void
kit_answer_all(struct kit_bus *k, int64_t base)
{
    while (k->nopen > 0)
        kit_answer(k, 0, LINTEL_OK, base);
}

/* ---- the house ------------------------------------------------------------------------------- */

int
kit_house_new(struct kit_house *h, const struct kit_point *points, uint32_t npoints, uint32_t n,
              uint32_t plugin_flags)
{
    *h = (struct kit_house){.n = n};
    h->loop = lintel_loop_new_fake();
    h->engine = lintel_engine_new(h->loop, 1);
    h->kind = kit_kind_new(points, npoints, plugin_flags);
    h->confs = calloc(n, sizeof *h->confs);
    h->ids = calloc(n, sizeof *h->ids);
    h->things = calloc(n, sizeof(struct lintel_live_thing *));
    kit_bus_add(&h->bus, h->engine, "line", kit_plugin(h->kind));
    for (uint32_t i = 0; i < n; i++) {
        snprintf(h->ids[i], sizeof h->ids[i], "t%u", i);
        h->confs[i] =
            (struct lintel_thing){.id = h->ids[i], .bus = "line", .profile = kit_profile(h->kind)};
        h->things[i] = lintel_engine_add_thing(h->engine, h->bus.bus, NULL, &h->confs[i]);
        if (!kit_check(h->things[i] != NULL, "a thing", __FILE__, __LINE__, __func__))
            return -1;
    }
    return 0;
}

void
kit_house_free(struct kit_house *h)
{
    lintel_engine_free(h->engine);
    lintel_loop_free(h->loop);
    kit_kind_free(h->kind);
    free(h->confs);
    free(h->ids);
    free(h->things);
}

struct lintel_reading
kit_reading(struct kit_house *h, uint32_t thing, uint32_t point)
{
    struct lintel_reading r;
    lintel_engine_reading(h->engine, lintel_live_thing_point(h->things[thing], point), &r);
    return r;
}

void
kit_advance(struct kit_house *h, double seconds)
{
    lintel_loop_advance(h->loop, (int64_t)(seconds * 1e9));
}
