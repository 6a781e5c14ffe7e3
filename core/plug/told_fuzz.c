/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as what a file says of itself. What is taken can be printed in all ways, and told again
 * says the same. */
#include "core/plug/told.h"

#include "core/bind/field.h"
#include "core/bind/tables.h"
#include "core/plug/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print(const lintel_plugin *p, struct lintel_buf *out)
{
    const lintel_field *const tables[] = {p->bus, p->device, p->address};
    for (size_t i = 0; i < LINTEL_COUNT(tables); i++) {
        if (tables[i] == NULL)
            continue;
        lintel_fields_schema(tables[i], out);
        lintel_fields_man(tables[i], out);
        for (const lintel_field *f = tables[i]; f->name != NULL; f++)
            lintel_field_describe(f, out);
    }
}

static void
again(const lintel_entry *e)
{
    struct lintel_buf b = {0};
    char reason[512];
    struct lintel_arena *a = lintel_arena_new();
    LINTEL_ASSERT(a != NULL);
    lintel_told_write(&b, e);
    LINTEL_ASSERT(!b.failed);
    const lintel_entry *back = lintel_told_read(b.p, b.n, a, reason, sizeof reason);
    LINTEL_ASSERT(back != NULL && back->nplugins == e->nplugins);
    for (uint32_t i = 0; i < e->nplugins; i++)
        LINTEL_ASSERT(lintel_plugin_same_tables(e->plugins[i], back->plugins[i]));
    lintel_arena_free(a);
    lintel_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[512] = "";
    struct lintel_arena *a = lintel_arena_new();
    if (a == NULL)
        return 0;
    const lintel_entry *e = lintel_told_read(data, size, a, reason, sizeof reason);
    LINTEL_ASSERT((e == NULL) == (reason[0] != '\0'));
    if (e != NULL) {
        struct lintel_buf out = {0};
        lintel_inspect_entry(e, "x.so", &out);
        for (uint32_t i = 0; i < e->nplugins; i++)
            print(e->plugins[i], &out);
        lintel_buf_fini(&out);
        again(e);
    }
    lintel_arena_free(a);
    return 0;
}
