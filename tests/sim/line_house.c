/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/line_house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "plugins/modbus/modbus_link.h"
#include "plugins/modbus/modbus_pause.h"
#include "tests/kit/kit.h"

extern const lintel_entry lintel_plugin_entry;

enum { SLOTS = HOUSE_UNITS * HOUSE_POINTS, SAMPLES = 512, BYTES = 8 };
struct house_bus {
    lintel_host host;
    struct house *house;
    uint32_t number;
    char name[16];
    struct lintel_bus *bus;
    void *self;
    lintel_mono now; /* of the plugin: ahead of the loop while a call is under way */
    struct sim_line *line;
    struct unit *units;
    lintel_device devices[HOUSE_UNITS];
    lintel_point points[SLOTS];
    struct lintel_op *op; /* under way */
    struct lintel_timer timer;
    lintel_status status;
    uint32_t nsamples;
    lintel_sample samples[SAMPLES];
    uint8_t bytes[SAMPLES][BYTES];
    char details[SAMPLES][MB_DETAIL];
};
static struct house_bus *lines[HOUSE_BUSES]; /* by the number in the device's name */

const unsigned house_addresses[HOUSE_POINTS] = {0,  2,  4,  6,  8,   10,  12,  14,  16,  18, 20, 22,
                                                24, 26, 28, 30, 32,  34,  42,  46,  48,  52, 56, 60,
                                                62, 70, 72, 74, 200, 202, 204, 224, 342, 344};

uint16_t
house_register(unsigned bus, unsigned unit, unsigned address)
{
    return (uint16_t)(bus << 15 | unit << 9 | address);
}

/* ---- the plugin's wire: takes the place of modbus_rtu.c and modbus_pause.c ---- */

struct mb_wire {
    const lintel_host *host;
    struct house_bus *bus;
    uint8_t in[260];
};

static struct house_bus *
bus_of(const lintel_host *h)
{
    return (struct house_bus *)(uintptr_t)h;
}

void
mb_pause(const lintel_host *h, lintel_mono ns)
{
    bus_of(h)->now += ns;
}

static struct mb_wire *
wire_make(const lintel_host *h, const struct mb_conf *c)
{
    struct mb_wire *w = calloc(1, sizeof *w);
    if (w != NULL)
        *w = (struct mb_wire){.host = h, .bus = lines[strtoul(c->device + 5, NULL, 10)]};
    return w;
}

static void
wire_drop(struct mb_wire *w)
{
    free(w);
}

static lintel_status
wire_open(struct mb_wire *w, lintel_mono deadline, char *why)
{
    (void)w, (void)deadline, (void)why;
    return LINTEL_OK;
}

static void
wire_close(struct mb_wire *w)
{
    (void)w;
}

static lintel_status
wire_settle(struct mb_wire *w, char *why)
{
    (void)w, (void)why;
    return LINTEL_OK;
}

static lintel_status
wire_send(struct mb_wire *w, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n,
          lintel_mono deadline, char *why)
{
    uint8_t frame[260];
    (void)transaction, (void)deadline, (void)why;
    while (sim_line_hear(w->bus->line, w->bus->now) >= 0)
        ; /* what came before is thrown away */
    frame[0] = unit;
    memcpy(frame + 1, pdu, n);
    uint16_t crc = sim_crc16(frame, n + 1);
    frame[n + 1] = (uint8_t)crc;
    frame[n + 2] = (uint8_t)(crc >> 8);
    sim_line_speak(w->bus->line, w->bus->now, frame, n + 3);
    return LINTEL_OK;
}

/* The length of a frame by its beginning, as libmodbus finds it; 0: not known yet. */
static size_t
length_of(const uint8_t *p, size_t n)
{
    if (n < 2)
        return 0;
    if (p[1] & 0x80)
        return 5;
    if (p[1] == 5 || p[1] == 6 || p[1] == 15 || p[1] == 16)
        return 8;
    return n < 3 ? 0 : 5u + p[2];
}

static lintel_status
wire_receive(struct mb_wire *w, uint8_t unit, lintel_mono deadline, struct mb_frame *ret, char *why)
{
    struct house_bus *b = w->bus;
    size_t n = 0, whole = 0;
    while (whole == 0 || n < whole) {
        int byte = sim_line_hear(b->line, b->now);
        if (byte >= 0) {
            w->in[n++] = (uint8_t)byte;
            whole = length_of(w->in, n);
            continue;
        }
        int64_t next = sim_line_next(b->line);
        if (next > deadline) {
            b->now = deadline;
            return LINTEL_E_TIMEOUT;
        }
        b->now = next > b->now ? next : b->now;
    }
    if (sim_crc16(w->in, n - 2) != (w->in[n - 2] | (uint16_t)(w->in[n - 1] << 8)) ||
        w->in[0] != unit) {
        mb_say(why, "a frame that is not the answer of unit %u", unit);
        return LINTEL_E_BUSY;
    }
    *ret = (struct mb_frame){0, w->in[0], w->in + 1, n - 3};
    return LINTEL_OK;
}

const struct mb_wire_ops mb_rtu = {wire_make,   wire_drop, wire_open,   wire_close,
                                   wire_settle, wire_send, wire_receive};

/* ---- the plugin's host ---- */

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct house *house = bus_of(h)->house;
    size_t had = strlen(house->log);
    (void)level;
    snprintf(house->log + had, sizeof house->log - had, "%s: %s\n", bus_of(h)->name, line);
}

static void
host_complete(const lintel_host *h, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    struct house_bus *b = bus_of(h);
    CHECK(r->size == sizeof *r && n <= SAMPLES);
    b->status = st;
    b->nsamples = st == LINTEL_OK ? n : 0;
    for (uint32_t i = 0; i < b->nsamples; i++) {
        b->samples[i] = s[i];
        if (s[i].status == LINTEL_OK && CHECK(s[i].value.len <= BYTES)) {
            memcpy(b->bytes[i], s[i].value.as.p, s[i].value.len);
            b->samples[i].value.as.p = b->bytes[i];
        }
        if (s[i].detail != NULL) {
            snprintf(b->details[i], sizeof b->details[i], "%s", s[i].detail);
            b->samples[i].detail = b->details[i];
        }
    }
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    (void)h, (void)s, (void)n;
    CHECK(0 && "Modbus publishes nothing");
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    (void)h, (void)detail;
    CHECK_INT(st, LINTEL_OK);
}

static void
host_device(const lintel_host *h, const lintel_device *d, lintel_status st, const char *detail)
{
    (void)h, (void)d, (void)st, (void)detail;
}

static int32_t
host_cancelled(const lintel_host *h, const lintel_request *r)
{
    return bus_of(h)->now >= r->deadline;
}

static lintel_mono
host_now(const lintel_host *h)
{
    return bus_of(h)->now;
}

static lintel_wall
host_wall(const lintel_host *h)
{
    return lintel_loop_wall(bus_of(h)->house->loop);
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    (void)h, (void)id;
    return NULL;
}

/* ---- the engine's port ---- */

static const lintel_plugin *
plugin(void)
{
    return lintel_plugin_entry.plugins[0];
}

static int
port_attach(void *ctx, uint32_t device, const struct lintel_thing *t)
{
    struct house_bus *b = ctx;
    lintel_device *d = &b->devices[device];
    *d = (lintel_device){.size = sizeof *d, .id = device, .name = t->id, .settings = t->settings};
    CHECK_INT(plugin()->attach(b->self, d), LINTEL_OK);
    return 0;
}

static void
port_detach(void *ctx, uint32_t device)
{
    struct house_bus *b = ctx;
    plugin()->detach(b->self, &b->devices[device]);
}

static int
port_bind(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *bound,
          const char *name)
{
    struct house_bus *b = ctx;
    lintel_point *p = &b->points[slot];
    *p = (lintel_point){.size = sizeof *p,
                        .id = slot,
                        .kind = bound->affordance->kind,
                        .flags = bound->flags,
                        .wire_bytes = lintel_codec_wire_bytes(bound->read.codec),
                        .device = &b->devices[device],
                        .addr = bound->read.addr,
                        .write_addr = bound->read.addr,
                        .name = bound->affordance->name};
    (void)name;
    CHECK_INT(plugin()->bind(b->self, p), LINTEL_OK);
    return 0;
}

static void
port_unbind(void *ctx, uint32_t slot)
{
    struct house_bus *b = ctx;
    plugin()->unbind(b->self, &b->points[slot]);
}

static void
op_over(void *ctx)
{
    struct house_bus *b = ctx;
    struct lintel_op *op = b->op;
    b->op = NULL;
    lintel_engine_complete(b->house->engine, b->bus, op, b->status, b->samples, b->nsamples);
}

static int
port_submit(void *ctx, struct lintel_op *op)
{
    struct house_bus *b = ctx;
    lintel_point *points[SAMPLES];
    CHECK(b->op == NULL); /* a bus whose plugin blocks has one request at a time */
    for (uint32_t i = 0; i < op->n; i++)
        points[i] = &b->points[op->slots[i]];
    lintel_request r = {.size = sizeof r,
                        .npoints = op->n,
                        .points = points,
                        .deadline = op->deadline,
                        .batch = op->batch};
    lintel_mono now = lintel_loop_now(b->house->loop);
    b->now = b->now > now ? b->now : now;
    b->op = op;
    plugin()->read(b->self, &r);
    return lintel_timer_at(b->house->loop, &b->timer, b->now, op_over, b);
}

static void
port_cancel(void *ctx, struct lintel_op *op)
{
    (void)ctx, (void)op;
}

/* ---- the site ---- */

static const lintel_plugin *
find_plugin(void *ctx, const char *name, struct lintel_place at, const char **ret_file,
            struct lintel_report *report)
{
    (void)ctx, (void)at, (void)report;
    *ret_file = "here";
    return strcmp(name, plugin()->name) == 0 ? plugin() : NULL;
}

static const char *const *
plugin_names(void *ctx)
{
    static const char *const names[] = {"modbus", NULL};
    (void)ctx;
    return names;
}

static void
write_site(uint32_t nbuses, uint32_t n, const char *bus, const char *poll)
{
    struct lintel_buf hub = {0}, model = {0}, binding = {0}, things = {0};
    lintel_buf_adds(&hub, "hub: { name: house }\nbuses:\n");
    for (uint32_t b = 0; b < nbuses; b++)
        lintel_buf_addf(
            &hub,
            "  line-%u: { plugin: modbus, transport: rtu, device: /sim/%u, parity: even%s }\n", b,
            b, bus);
    lintel_buf_adds(&model, "info: { title: Meter, version: \"1.0.0\", license: CC0-1.0 }\n"
                            "namespace: { m: \"https://example.com/m\" }\ndefaultNamespace: m\n"
                            "sdfObject:\n  Meter:\n    sdfProperty:\n");
    lintel_buf_adds(&binding, "info: { title: Meter, version: \"1.0.0\" }\n"
                              "namespace: { m: \"https://example.com/m\" }\ndefaultNamespace: m\n"
                              "amend:\n");
    for (uint32_t i = 0; i < HOUSE_POINTS; i++) {
        lintel_buf_addf(&model, "      p%u: { type: integer, writable: false }\n",
                        house_addresses[i]);
        lintel_buf_addf(
            &binding,
            "  - \"#/sdfObject/Meter/sdfProperty/p%u\":\n      sdfProtocolMap: { modbus: "
            "{ table: input, address: %u, type: u32, poll: %s } }\n",
            house_addresses[i], house_addresses[i], poll);
    }
    for (uint32_t b = 0; b < nbuses; b++)
        for (uint32_t u = 1; u <= n; u++)
            lintel_buf_addf(
                &things,
                "- { thingId: m%u-%u, sdfInstanceOf: { model: meter-rtu }, sdfContext: { "
                "bus: line-%u, unit: %u, maxGap: 12 } }\n",
                b, u, b, u);
    (void)kit_write("house/lintel.yaml", lintel_buf_str(&hub));
    (void)kit_write("house/models/meter.sdf.yaml", lintel_buf_str(&model));
    (void)kit_write("house/bindings/meter-rtu.sdf-supplement.yaml", lintel_buf_str(&binding));
    (void)kit_write("house/things/all.yaml", lintel_buf_str(&things));
    lintel_buf_fini(&hub);
    lintel_buf_fini(&model);
    lintel_buf_fini(&binding);
    lintel_buf_fini(&things);
}

static struct lintel_site *
read_site(void)
{
    static const char *const nothing[] = {NULL};
    char dir[512];
    struct lintel_report report = {0};
    snprintf(dir, sizeof dir, "%s/house", kit_folder());
    struct lintel_site_source source = {.dir = dir,
                                        .model_dirs = nothing,
                                        .binding_dirs = nothing,
                                        .plugin = find_plugin,
                                        .plugin_names = plugin_names};
    struct lintel_site *site = lintel_site_read(&source, &report);
    for (uint32_t i = 0; i < report.n; i++)
        kit_check(0, report.problems[i].text, __FILE__, __LINE__, __func__);
    lintel_report_fini(&report);
    return site;
}

/* ---- the house ---- */

static struct unit *
add_unit(struct house_bus *b, uint8_t id)
{
    struct unit *u = calloc(1, sizeof *u);
    u->id = id;
    u->every = 1;
    u->most = 125;
    u->cells[SIM_INPUT] = calloc(65536, sizeof *u->cells[0]);
    u->known[SIM_INPUT] = calloc(65536, 1);
    for (unsigned a = 0; a < HOUSE_REGISTERS; a++) {
        u->cells[SIM_INPUT][a] = house_register(b->number, id, a);
        u->known[SIM_INPUT][a] = 1;
    }
    u->next = b->units;
    b->units = u;
    return u;
}

static struct house_bus *
add_bus(struct house *h, uint32_t number, uint32_t n)
{
    struct house_bus *b = calloc(1, sizeof *b);
    const struct lintel_port *conf = &h->site->buses[number];
    const struct sim_line_conf line = {
        .baud = 9600, .bits = 11, .turnaround = 30000000, .wait = 500000000};
    b->house = h;
    b->number = number;
    b->now = lintel_loop_now(h->loop);
    snprintf(b->name, sizeof b->name, "line-%u", number);
    b->host = (lintel_host){sizeof b->host, LINTEL_ABI_MINOR, host_log,      host_complete,
                            host_publish,   host_link,        host_device,   host_cancelled,
                            host_now,       host_wall,        host_extension};
    for (uint32_t u = 1; u <= n; u++)
        add_unit(b, (uint8_t)u);
    b->line = sim_line_new(&line, &b->units);
    lines[number] = b;
    CHECK_INT(plugin()->create(&b->host, conf->settings, &b->self), LINTEL_OK);
    struct lintel_bus_port port = {.ctx = b,
                                   .attach = port_attach,
                                   .detach = port_detach,
                                   .bind = port_bind,
                                   .unbind = port_unbind,
                                   .submit = port_submit,
                                   .cancel = port_cancel};
    b->bus = lintel_engine_add_bus(h->engine, b->name, plugin(), port);
    return b;
}

int
house_new(struct house *h, uint32_t nbuses, uint32_t n, const char *bus, const char *poll)
{
    *h = (struct house){.nbuses = nbuses};
    write_site(nbuses, n, bus, poll);
    h->site = read_site();
    h->loop = lintel_loop_new_fake();
    h->engine = lintel_engine_new(h->loop, kit_random());
    if (!CHECK(h->site != NULL && n < HOUSE_UNITS && nbuses <= HOUSE_BUSES))
        return -1;
    for (uint32_t i = 0; i < nbuses; i++)
        h->buses[i] = add_bus(h, i, n);
    for (uint32_t i = 0; i < h->site->nthings; i++) {
        const struct lintel_thing *t = &h->site->things[i];
        struct house_bus *b = h->buses[t->bus[5] - '0'];
        if (!CHECK(lintel_engine_add_thing(h->engine, b->bus, h->site, t) != NULL))
            return -1;
    }
    return 0;
}

void
house_start(struct house *h)
{
    for (uint32_t i = 0; i < h->nbuses; i++) {
        CHECK_INT(plugin()->start(h->buses[i]->self), LINTEL_OK);
        lintel_engine_bus_ready(h->engine, h->buses[i]->bus);
    }
}

void
house_free(struct house *h)
{
    for (uint32_t b = 0; b < h->nbuses; b++)
        for (unsigned u = 1; u < HOUSE_UNITS; u++) {
            struct lintel_live_thing *t = house_thing(h, b, u);
            if (t != NULL)
                lintel_engine_remove_thing(h->engine, t);
        }
    house_advance(h, 10); /* the last requests end, so that the plugin is told of it all */
    lintel_engine_free(h->engine);
    for (uint32_t i = 0; i < h->nbuses && h->buses[i] != NULL; i++) {
        struct house_bus *b = h->buses[i];
        lintel_timer_stop(h->loop, &b->timer);
        plugin()->stop(b->self);
        plugin()->destroy(b->self);
        sim_line_free(b->line);
        while (b->units != NULL) {
            struct unit *next = b->units->next;
            unit_free(b->units);
            b->units = next;
        }
        free(b);
    }
    lintel_loop_free(h->loop);
    lintel_site_unref(h->site);
}

struct unit *
house_unit(struct house *h, uint32_t bus, unsigned unit)
{
    return sim_unit_of(h->buses[bus]->units, (uint8_t)unit);
}

const struct sim_line_counts *
house_counts(const struct house *h, uint32_t bus)
{
    return sim_line_counts(h->buses[bus]->line);
}

struct lintel_bus *
house_bus(const struct house *h, uint32_t bus)
{
    return h->buses[bus]->bus;
}

struct lintel_live_thing *
house_thing(struct house *h, uint32_t bus, unsigned unit)
{
    char id[32];
    int n = snprintf(id, sizeof id, "m%u-%u", bus, unit);
    return lintel_engine_find_thing(h->engine, id, (size_t)n);
}

void
house_advance(struct house *h, double seconds)
{
    lintel_loop_advance(h->loop, (int64_t)(seconds * 1e9));
}
