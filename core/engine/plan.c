/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/plan.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/groups.h"
#include "core/engine/pace.h"
#include "lintel/ext/plan.h"

struct planning {
    const lintel_plugin_plan *plugin;
    struct lintel_bus_plan *plan;
    double wire;          /* part of the bus' time that a faster line would shorten */
    lintel_point *points; /* of one thing: room for the largest profile */
    const lintel_point **wanted;
};

static void
fill_point(const struct lintel_bound *b, lintel_device *device, lintel_point *ret)
{
    *ret = (lintel_point){
        .size = sizeof *ret,
        .kind = b->affordance->kind,
        .flags = b->flags,
        .wire_bytes = b->read.codec != NULL ? lintel_codec_wire_bytes(b->read.codec) : 0,
        .write_wire_bytes = b->write.codec != NULL ? lintel_codec_wire_bytes(b->write.codec) : 0,
        .device = device,
        .addr = b->read.addr,
        .write_addr = b->write.addr != NULL ? b->write.addr : b->read.addr,
        .name = b->affordance->name,
    };
}

/* One poll of up to GROUP_MOST points. */
static int
add_need(struct planning *g, uint32_t n, int64_t pace, double *thing_needs, char *reason)
{
    struct lintel_bus_plan *p = g->plan;
    lintel_need need = {.size = sizeof need};
    char why[128] = "";
    if (g->plugin->need(p->bus->settings, g->wanted, n, &need, why) != LINTEL_OK) {
        why[sizeof why - 1] = '\0';
        (void)lintel_copy(reason, LINTEL_REASON, why);
        return -1;
    }
    double times = 1e9 / (double)pace; /* a second */
    p->requests += need.requests;
    p->bytes += need.bytes;
    p->cycle_ns += need.ns;
    p->requests_s += need.requests * times;
    p->bytes_s += (double)need.bytes * times;
    *thing_needs += (double)need.ns / (double)pace;
    g->wire += (double)need.wire_ns / (double)pace;
    return 0;
}

/* All points of one pace. */
static int
add_pace(struct planning *g, const struct lintel_profile *profile, int64_t pace,
         double *thing_needs, char *reason)
{
    struct lintel_bus_plan *p = g->plan;
    uint32_t n = 0;
    if (p->quickest_ns == 0 || pace < p->quickest_ns)
        p->quickest_ns = pace;
    if (pace > p->slowest_ns)
        p->slowest_ns = pace;
    for (uint32_t i = 0; i < profile->n; i++) {
        if (group_pace(&profile->bound[i], 0) == pace && profile->bound[i].read.addr != NULL)
            g->wanted[n++] = &g->points[i];
        if (n == GROUP_MOST || (n > 0 && i + 1 == profile->n)) {
            if (add_need(g, n, pace, thing_needs, reason) != 0)
                return -1;
            n = 0;
        }
    }
    return 0;
}

static void
rank(struct lintel_bus_plan *p, const struct lintel_thing *t, double needs)
{
    uint32_t at = p->nheaviest;
    while (at > 0 && p->heaviest_needs[at - 1] < needs)
        at--;
    if (at == LINTEL_PLAN_HEAVIEST)
        return;
    p->nheaviest += p->nheaviest < LINTEL_PLAN_HEAVIEST;
    for (uint32_t i = p->nheaviest - 1; i > at; i--) {
        p->heaviest[i] = p->heaviest[i - 1];
        p->heaviest_needs[i] = p->heaviest_needs[i - 1];
    }
    p->heaviest[at] = t;
    p->heaviest_needs[at] = needs;
}

static int
add_thing(struct planning *g, const struct lintel_thing *t, char *reason)
{
    const struct lintel_profile *profile = t->profile;
    lintel_device device = {.size = sizeof device, .name = t->id, .settings = t->settings};
    double needs = 0;
    for (uint32_t i = 0; i < profile->n; i++)
        fill_point(&profile->bound[i], &device, &g->points[i]);
    for (uint32_t i = 0; i < profile->n; i++) {
        int64_t pace = group_pace(&profile->bound[i], 0);
        uint32_t before = 0;
        while (before < i && group_pace(&profile->bound[before], 0) != pace)
            before++;
        if (pace > 0 && before == i && add_pace(g, profile, pace, &needs, reason) != 0)
            return -1;
    }
    if (needs > 0) {
        g->plan->things++;
        g->plan->needs += needs;
        rank(g->plan, t, needs);
    }
    return 0;
}

/* The speed that brings the bus below LINTEL_PLAN_MUCH. */
static void
find_faster(struct planning *g)
{
    struct lintel_bus_plan *p = g->plan;
    double left = LINTEL_PLAN_MUCH / 100.0 - (p->needs - g->wire);
    if (p->needs * 100 <= LINTEL_PLAN_MUCH || left <= 0 || !LINTEL_HAS(g->plugin, faster) ||
        g->plugin->faster(p->bus->settings, g->wire / left, p->faster) != LINTEL_OK)
        p->faster[0] = '\0';
    p->faster[sizeof p->faster - 1] = '\0';
}

static const lintel_plugin_plan *
plugin_plan(const lintel_plugin *plugin)
{
    const lintel_plugin_plan *plan =
        LINTEL_HAS(plugin, extension) ? plugin->extension(NULL, LINTEL_EXT_PLAN) : NULL;
    return LINTEL_HAS(plan, need) ? plan : NULL;
}

int
lintel_plan_bus(const struct lintel_site *site, const struct lintel_port *bus,
                struct lintel_bus_plan *ret, char reason[LINTEL_REASON])
{
    struct planning g = {.plugin = plugin_plan(lintel_port_code(bus)), .plan = ret};
    uint32_t most = 0;
    int rc = 0;
    *ret = (struct lintel_bus_plan){.bus = bus};
    if (g.plugin == NULL)
        return 0;
    for (uint32_t i = 0; i < site->nthings; i++)
        if (site->things[i].profile->n > most)
            most = site->things[i].profile->n;
    g.points = lintel_alloc_array(most + 1u, sizeof *g.points);
    g.wanted = lintel_alloc_array(most + 1u, sizeof *g.wanted);
    if (g.points == NULL || g.wanted == NULL) {
        (void)lintel_copy(reason, LINTEL_REASON, "out of memory");
        rc = -1;
    }
    for (uint32_t i = 0; rc == 0 && i < site->nthings; i++)
        if (strcmp(site->things[i].bus, bus->name) == 0)
            rc = add_thing(&g, &site->things[i], reason);
    lintel_free(g.points);
    lintel_free(g.wanted);
    if (rc != 0 || ret->things == 0)
        return rc;
    if (ret->quickest_ns == ret->slowest_ns)
        ret->pace_ns = ret->slowest_ns;
    find_faster(&g);
    return 1;
}

/* ---- saying it ------------------------------------------------------------------------------- */

/* 1240 as "1,240". */
static void
add_count(struct lintel_buf *b, double value)
{
    char digits[32];
    (void)lintel_format(digits, sizeof digits, "%.0f", value);
    size_t n = strlen(digits);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            lintel_buf_addc(b, ',');
        lintel_buf_addc(b, digits[i]);
    }
}

static void
add_counted(struct lintel_buf *b, double n, const char *what)
{
    add_count(b, n);
    lintel_buf_addf(b, " %s%s", what, n < 1.5 && n >= 0.5 ? "" : "s");
}

static void
say_load(const struct lintel_bus_plan *p, struct lintel_buf *out)
{
    add_counted(out, p->things, "thing");
    lintel_buf_adds(out, ", ");
    double times = p->pace_ns != 0 ? 1 : 60;
    add_counted(out, p->pace_ns != 0 ? p->requests : p->requests_s * times, "request");
    lintel_buf_adds(out, " and ");
    add_counted(out, p->pace_ns != 0 ? (double)p->bytes : p->bytes_s * times, "byte");
    if (p->pace_ns != 0)
        lintel_buf_addf(out, " each %.15g s", (double)p->pace_ns / 1e9);
    else
        lintel_buf_adds(out, " a minute");
    lintel_buf_addf(out, "; a cycle takes %.1f s", (double)p->cycle_ns / 1e9);
}

/* Two digits, rounded up. */
static double
round_up(double v)
{
    double unit = pow(10, floor(log10(v)) - 1);
    return ceil(v / unit - 1e-9) * unit;
}

static void
say_remedy(const struct lintel_bus_plan *p, struct lintel_buf *out)
{
    double longer = p->needs * 100 / LINTEL_PLAN_MUCH;
    lintel_buf_adds(out, ". Most is for ");
    for (uint32_t i = 0; i < p->nheaviest; i++)
        lintel_buf_addf(out, "%s%s (%.1f %%)",
                        i == 0                 ? ""
                        : i + 1 < p->nheaviest ? ", "
                                               : " and ",
                        p->heaviest[i]->id, p->heaviest_needs[i] * 100);
    if (p->pace_ns != 0)
        lintel_buf_addf(out, ". Poll each %.15g s", round_up((double)p->pace_ns / 1e9 * longer));
    else
        lintel_buf_addf(out, ". Make `poll` %.15g times as long", round_up(longer));
    if (p->faster[0] != '\0')
        lintel_buf_addf(out, ", or set %s", p->faster);
}

void
lintel_plan_say(const struct lintel_bus_plan *p, struct lintel_buf *out)
{
    lintel_buf_addf(out, "bus %s needs %.0f %% of its time: ", p->bus->name, p->needs * 100);
    say_load(p, out);
    if (p->needs * 100 > LINTEL_PLAN_MUCH)
        say_remedy(p, out);
}

void
lintel_plan_json(const struct lintel_bus_plan *p, struct lintel_buf *out)
{
    lintel_buf_adds(out, "{\"bus\":");
    lintel_buf_add_json_str(out, p->bus->name, strlen(p->bus->name));
    lintel_buf_addf(out, ",\"things\":%u,\"requests\":%u,\"bytes\":%llu,\"cycle\":", p->things,
                    p->requests, (unsigned long long)p->bytes);
    lintel_buf_add_json_real(out, (double)p->cycle_ns / 1e9);
    lintel_buf_adds(out, ",\"needs\":");
    lintel_buf_add_json_real(out, p->needs);
    lintel_buf_adds(out, ",\"requestsPerSecond\":");
    lintel_buf_add_json_real(out, p->requests_s);
    lintel_buf_adds(out, ",\"bytesPerSecond\":");
    lintel_buf_add_json_real(out, p->bytes_s);
    lintel_buf_adds(out, ",\"heaviest\":[");
    for (uint32_t i = 0; i < p->nheaviest; i++) {
        lintel_buf_adds(out, i == 0 ? "{\"thing\":" : ",{\"thing\":");
        lintel_buf_add_json_str(out, p->heaviest[i]->id, strlen(p->heaviest[i]->id));
        lintel_buf_adds(out, ",\"needs\":");
        lintel_buf_add_json_real(out, p->heaviest_needs[i]);
        lintel_buf_addc(out, '}');
    }
    lintel_buf_addc(out, ']');
    if (p->faster[0] != '\0') {
        lintel_buf_adds(out, ",\"faster\":");
        lintel_buf_add_json_str(out, p->faster, strlen(p->faster));
    }
    lintel_buf_addc(out, '}');
}
