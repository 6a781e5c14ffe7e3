/* SPDX-License-Identifier: Apache-2.0 */
#include <lintel/plugin.h>
#include <stdio.h>
#include <stdlib.h>

struct bus {
    const lintel_host *host;
    char folder[1024];
};

static const lintel_field bus_settings[] = {
    {.name = "folder", .help = "Where the files lie.", .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED | LINTEL_F_FILE},
    {0}};
static const lintel_field address_keys[] = {
    {.name = "file", .help = "The file's name.", .type = LINTEL_T_STR, .flags = LINTEL_F_REQUIRED},
    {0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = host;
    snprintf(b->folder, sizeof b->folder, "%s", settings[0].as.s);
    *self = b;
    return LINTEL_OK;
}

static void
transfer(void *self, const lintel_request *r) /* a read, or a write: then it has values */
{
    struct bus *b = self;
    lintel_sample *s = calloc(r->npoints, sizeof *s);
    for (uint32_t i = 0; s != NULL && i < r->npoints; i++) {
        const lintel_value *v = r->values ? &r->values[i] : NULL;
        char path[2048];
        snprintf(path, sizeof path, "%s/%s", b->folder, r->points[i]->addr[0].as.s);
        FILE *f = fopen(path, v ? "we" : "re");
        double number = !v ? 0 : v->type == LINTEL_T_REAL ? v->as.r : (double)v->as.i;
        int ok = f && (v ? fprintf(f, "%.15g\n", number) > 0 : fscanf(f, "%lf", &number) == 1);
        ok = (f == NULL || fclose(f) == 0) && ok;
        s[i] = (lintel_sample){.point = r->points[i]->id, .status = ok ? LINTEL_OK : LINTEL_E_DEVICE,
                               .value = {.type = LINTEL_T_REAL, .as.r = number},
                               .detail = "the file can't be opened, or holds no number"};
    }
    b->host->complete(b->host, r, s ? LINTEL_OK : LINTEL_E_NOMEM, s, s ? r->npoints : 0);
    free(s);
}

static const lintel_plugin file = {
    .size = sizeof file, .flags = LINTEL_PLUGIN_BLOCKING, .needs = LINTEL_NEED_FILES,
    .unit_bytes = 1, .name = "file", .version = "1.0", .summary = "Each point is a file.",
    .natural = "", .bus = bus_settings, .address = address_keys,
    .create = create, .destroy = free, .read = transfer, .write = transfer};
LINTEL_PLUGIN_ENTRY(&file);
