/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/tables.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/bind/field.h"
#include "core/bind/reader.h"

/* A text that may be missing: "" and none are two things. */
static void
add_text(struct lintel_buf *b, const char *s)
{
    lintel_buf_addc(b, s != NULL);
    lintel_digest_str(b, s);
}

static void
add_table(struct lintel_buf *b, const lintel_field *table)
{
    uint32_t n = lintel_fields_count(table);
    lintel_buf_addc(b, table != NULL); /* without one, the plugin gets no list at all */
    lintel_cbor_uint(b, n);
    for (uint32_t i = 0; i < n; i++) {
        const lintel_field *f = &table[i];
        add_text(b, f->name);
        add_text(b, f->dflt);
        add_text(b, f->choices);
        add_text(b, f->natural);
        lintel_cbor_real(b, f->min);
        lintel_cbor_real(b, f->max);
        lintel_cbor_uint(b, f->type);
        lintel_cbor_uint(b, f->flags);
    }
}

int
lintel_plugin_tables(const lintel_plugin *p, uint8_t ret[LINTEL_TABLES])
{
    struct lintel_buf b = {0};
    lintel_cbor_uint(&b, p->flags);
    lintel_cbor_uint(&b, p->unit_bytes);
    add_text(&b, p->name);
    add_text(&b, p->natural);
    add_table(&b, p->bus);
    add_table(&b, p->device);
    add_table(&b, p->address);
    int failed = lintel_digest(&b, ret);
    lintel_buf_fini(&b);
    return failed;
}

int
lintel_plugin_same_tables(const lintel_plugin *a, const lintel_plugin *b)
{
    uint8_t one[LINTEL_TABLES], other[LINTEL_TABLES];
    return a == b || (lintel_plugin_tables(a, one) == 0 && lintel_plugin_tables(b, other) == 0 &&
                      memcmp(one, other, sizeof one) == 0);
}
