/* SPDX-License-Identifier: Apache-2.0
 * A blocking plugin for ABI 1.0: a device whose values are kept in memory, `unit` times `address`. */
#include <lintel/plugin.h>
#include <stdlib.h>

_Static_assert(LINTEL_ABI_MAJOR == 1 && LINTEL_ABI_MINOR == 0, "this is not the old header");

enum { SLOTS = 16 };
struct bus {
    const lintel_host *host;
    double written[SLOTS];
    int has[SLOTS];
};
static const lintel_field bus_table[] = {
    {.name = "start", .help = "Added to each value.", .dflt = "0", .type = LINTEL_T_REAL}, {0}};
static const lintel_field device_table[] = {
    {.name = "unit", .help = "Number of the device.", .dflt = "1", .min = 1, .max = 9, .type = LINTEL_T_INT}, {0}};
static const lintel_field address_table[] = {
    {.name = "address", .help = "Number of the value.", .min = 0, .max = SLOTS - 1, .type = LINTEL_T_INT,
     .flags = LINTEL_F_REQUIRED},
    {0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    struct bus *b = calloc(1, sizeof *b);
    (void)settings;
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = host;
    *self = b;
    return LINTEL_OK;
}

static void
transfer(void *self, const lintel_request *r)
{
    struct bus *b = self;
    lintel_sample *s = calloc(r->npoints + 1u, sizeof *s);
    if (s == NULL || b->host->cancelled(b->host, r)) {
        b->host->complete(b->host, r, s == NULL ? LINTEL_E_NOMEM : LINTEL_E_TIMEOUT, NULL, 0);
        free(s);
        return;
    }
    for (uint32_t i = 0; i < r->npoints; i++) {
        const lintel_point *p = r->points[i];
        int64_t a = p->addr[0].as.i;
        if (r->values != NULL) {
            b->written[a] = r->values[i].type == LINTEL_T_REAL ? r->values[i].as.r : (double)r->values[i].as.i;
            b->has[a] = 1;
        }
        double v = b->has[a] ? b->written[a] : (double)(p->device->settings[0].as.i * a);
        s[i] = (lintel_sample){.point = p->id, .value = {.type = LINTEL_T_REAL, .as.r = v}};
    }
    b->host->complete(b->host, r, LINTEL_OK, s, r->npoints);
    free(s);
}

static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .flags = LINTEL_PLUGIN_BLOCKING,
                                     .unit_bytes = 1,
                                     .name = "old-blocking",
                                     .version = "1.0",
                                     .summary = "A blocking plugin for ABI 1.0.",
                                     .natural = "",
                                     .bus = bus_table,
                                     .device = device_table,
                                     .address = address_table,
                                     .create = create,
                                     .destroy = free,
                                     .read = transfer,
                                     .write = transfer};
LINTEL_PLUGIN_ENTRY(&plugin);
