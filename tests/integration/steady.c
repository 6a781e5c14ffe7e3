/* SPDX-License-Identifier: Apache-2.0
 * A plugin of which a test makes several versions: -DVERSION="1.1" is said by its version and by
 * each value; -DMORE gives it one more setting and one more address key, in front of the others. */
#include <lintel/plugin.h>
#include <stdlib.h>

static const lintel_field bus_fields[] = {
#ifdef MORE
    {.name = "plus",
     .help = "Added to every value.",
     .dflt = "0",
     .min = 0,
     .max = 1000,
     .type = LINTEL_T_INT},
#endif
    {.name = "refuse", .help = "What create() says.", .dflt = "false", .type = LINTEL_T_BOOL},
    {0}};
static const lintel_field address_fields[] = {
#ifdef MORE
    {.name = "times",
     .help = "The value is multiplied by it.",
     .dflt = "1",
     .min = 1,
     .max = 1000,
     .type = LINTEL_T_INT},
#endif
    {.name = "base",
     .help = "The value is this much more than the version.",
     .dflt = "0",
     .min = 0,
     .max = 1e6,
     .type = LINTEL_T_INT},
    {0}};
enum {
    LAST_SETTING = sizeof bus_fields / sizeof bus_fields[0] - 2,
    LAST_KEY = sizeof address_fields / sizeof address_fields[0] - 2
};

struct bus {
    const lintel_host *host;
    int64_t plus;
};

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
#ifdef REFUSES
    h->log(h, LINTEL_LOG_ERROR, "this version is not ready yet");
    return LINTEL_E_FAIL;
#endif
    if (v[LAST_SETTING].as.i)
        return LINTEL_E_CONFIG;
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = h;
    b->plus = LAST_SETTING > 0 ? v[0].as.i : 0;
    *self = b;
    return LINTEL_OK;
}

static void
destroy(void *self)
{
    free(self);
}

static void
read_points(void *self, const lintel_request *r)
{
    struct bus *b = self;
    lintel_sample s[64] = {{0}};
    uint32_t n = r->npoints < 64 ? r->npoints : 64;
    for (uint32_t i = 0; i < n; i++) {
        const lintel_value *addr = r->points[i]->addr;
        double value = strtod(VERSION, NULL) + (double)addr[LAST_KEY].as.i;
        if (LAST_KEY > 0)
            value *= (double)addr[0].as.i;
        s[i].point = r->points[i]->id;
        s[i].value = (lintel_value){LINTEL_T_REAL, 0, {.r = value + (double)b->plus}};
    }
    b->host->complete(b->host, r, LINTEL_OK, s, n);
}

static const lintel_plugin steady = {.size = sizeof steady,
                                     .unit_bytes = 1,
                                     .name = "steady",
                                     .version = VERSION,
                                     .summary = "A plugin of which there are several versions.",
                                     .natural = "",
                                     .bus = bus_fields,
                                     .address = address_fields,
                                     .create = create,
                                     .destroy = destroy,
                                     .read = read_points};
LINTEL_PLUGIN_ENTRY(&steady);
