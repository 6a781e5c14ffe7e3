/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/told.h"

#include <math.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/bind/field.h"
#include "core/plug/judge.h"

enum { HAS_EXTENSION = 1, HEAD_ITEMS = 3, PLUGIN_ITEMS = 11, ROW_ITEMS = 10 };

/* ---- telling --------------------------------------------------------------------------------- */

static void
write_text(struct lintel_buf *b, const char *s)
{
    if (s == NULL)
        lintel_cbor_null(b);
    else
        lintel_cbor_str(b, s, strlen(s));
}

static void
write_table(struct lintel_buf *b, const lintel_field *table)
{
    uint32_t n = lintel_fields_count(table);
    if (table == NULL) {
        lintel_cbor_null(b);
        return;
    }
    lintel_cbor_array(b, n);
    for (const lintel_field *f = table; f < table + n; f++) {
        lintel_cbor_array(b, ROW_ITEMS);
        write_text(b, f->name);
        write_text(b, f->help);
        write_text(b, f->dflt);
        write_text(b, f->choices);
        write_text(b, f->natural);
        write_text(b, f->unit);
        lintel_cbor_real(b, f->min);
        lintel_cbor_real(b, f->max);
        lintel_cbor_uint(b, f->type);
        lintel_cbor_uint(b, f->flags);
    }
}

static void
write_plugin(struct lintel_buf *b, const lintel_plugin *p)
{
    lintel_cbor_array(b, PLUGIN_ITEMS);
    lintel_cbor_uint(b, p->flags);
    lintel_cbor_uint(b, p->needs);
    lintel_cbor_uint(b, p->unit_bytes);
    lintel_cbor_uint(b, LINTEL_HAS(p, extension) ? HAS_EXTENSION : 0);
    write_text(b, p->name);
    write_text(b, p->version);
    write_text(b, p->summary);
    write_text(b, p->natural);
    write_table(b, p->bus);
    write_table(b, p->device);
    write_table(b, p->address);
}

void
lintel_told_write(struct lintel_buf *b, const lintel_entry *e)
{
    lintel_cbor_array(b, HEAD_ITEMS);
    lintel_cbor_uint(b, e->abi_major);
    lintel_cbor_uint(b, e->abi_minor);
    lintel_cbor_array(b, e->nplugins);
    for (uint32_t i = 0; i < e->nplugins; i++)
        write_plugin(b, e->plugins[i]);
}

/* ---- what stands in for the code ------------------------------------------------------------- */

/* Nobody calls it; who would, is told so and does no harm. */
static lintel_status
no_create(const lintel_host *h, const lintel_value *settings, void **self)
{
    (void)settings, (void)self;
    h->log(h, LINTEL_LOG_ERROR, "the plugin's code is not in this process");
    return LINTEL_E_FAIL;
}

static void
no_destroy(void *self)
{
    (void)self;
}

static const void *
no_extension(void *self, const char *id)
{
    (void)self, (void)id;
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct told {
    struct lintel_cbor c;
    struct lintel_arena *a;
    const char *why; /* NULL: all is well so far */
};

static void
fail(struct told *t, const char *why)
{
    if (t->why == NULL)
        t->why = lintel_arena_failed(t->a) ? "out of memory" : why;
}

static void *
make(struct told *t, size_t size)
{
    void *ret = t->why == NULL ? lintel_arena_alloc(t->a, size) : NULL;
    if (ret == NULL)
        fail(t, "out of memory");
    return ret;
}

/* The number of what follows, which is one of `least` to `most`. */
static uint32_t
read_array(struct told *t, size_t least, size_t most, const char *why)
{
    size_t n = 0;
    if (t->why == NULL && (lintel_cbor_read_array(&t->c, most, &n) != 0 || n < least))
        fail(t, why);
    return t->why == NULL ? (uint32_t)n : 0;
}

static uint32_t
read_number(struct told *t)
{
    uint64_t v = 0;
    if (t->why == NULL && lintel_cbor_read_uint(&t->c, UINT32_MAX, &v) != 0)
        fail(t, "a number is missing, or too large");
    return t->why == NULL ? (uint32_t)v : 0;
}

static double
read_real(struct told *t)
{
    struct lintel_cbor_item item = {0};
    if (t->why == NULL && (lintel_cbor_next(&t->c, &item) != LINTEL_CBOR_REAL || !isfinite(item.r)))
        fail(t, "a limit is no finite number");
    return t->why == NULL ? item.r : 0;
}

static const char *
read_text(struct told *t)
{
    struct lintel_cbor_item item;
    if (t->why != NULL)
        return NULL;
    enum lintel_cbor_kind kind = lintel_cbor_next(&t->c, &item);
    if (kind == LINTEL_CBOR_NULL)
        return NULL;
    if (kind != LINTEL_CBOR_STR || memchr(item.p, '\0', item.n) != NULL)
        fail(t, "a text is missing, or is no UTF-8");
    else if (item.n > LINTEL_TOLD_TEXT_MOST)
        fail(t, "a text has more than 8192 bytes");
    const char *ret = t->why == NULL ? lintel_arena_strndup(t->a, item.p, item.n) : NULL;
    if (ret == NULL)
        fail(t, "out of memory");
    return ret;
}

static int
is_null(const struct told *t)
{
    struct lintel_cbor ahead = t->c;
    struct lintel_cbor_item item;
    return lintel_cbor_next(&ahead, &item) == LINTEL_CBOR_NULL;
}

static void
read_row(struct told *t, lintel_field *f)
{
    read_array(t, ROW_ITEMS, ROW_ITEMS, "a row of a table has not 10 members");
    f->name = read_text(t);
    if (f->name == NULL)
        fail(t, "a row of a table has no name");
    f->help = read_text(t);
    f->dflt = read_text(t);
    f->choices = read_text(t);
    f->natural = read_text(t);
    f->unit = read_text(t);
    f->min = read_real(t);
    f->max = read_real(t);
    f->type = read_number(t);
    f->flags = read_number(t);
}

static const lintel_field *
read_table(struct told *t)
{
    struct lintel_cbor_item item;
    if (t->why == NULL && is_null(t)) {
        lintel_cbor_next(&t->c, &item);
        return NULL;
    }
    uint32_t n = read_array(t, 0, LINTEL_TOLD_ROWS_MOST, "a table has more than 256 rows");
    lintel_field *ret = make(t, (n + 1u) * sizeof *ret); /* the last one has no name */
    for (uint32_t i = 0; i < n && t->why == NULL; i++)
        read_row(t, &ret[i]);
    return ret;
}

static const lintel_plugin *
read_plugin(struct told *t)
{
    lintel_plugin *p = make(t, sizeof *p);
    if (p == NULL)
        return NULL;
    read_array(t, PLUGIN_ITEMS, PLUGIN_ITEMS, "a plugin has not 11 members");
    p->size = sizeof *p;
    p->flags = read_number(t);
    p->needs = read_number(t);
    p->unit_bytes = read_number(t);
    p->create = no_create;
    p->destroy = no_destroy;
    p->extension = read_number(t) & HAS_EXTENSION ? no_extension : NULL;
    p->name = read_text(t);
    p->version = read_text(t);
    p->summary = read_text(t);
    p->natural = read_text(t);
    p->bus = read_table(t);
    p->device = read_table(t);
    p->address = read_table(t);
    return p;
}

static const lintel_entry *
read_entry(struct told *t)
{
    read_array(t, HEAD_ITEMS, HEAD_ITEMS, "it does not begin as it should");
    uint32_t major = read_number(t), minor = read_number(t),
             n = read_array(t, 1, LINTEL_TOLD_PLUGINS_MOST, "it has no plugin, or more than 64");
    lintel_entry *e = make(t, sizeof *e);
    const lintel_plugin **plugins = make(t, (n + 1u) * sizeof(void *));
    for (uint32_t i = 0; i < n && t->why == NULL; i++)
        plugins[i] = read_plugin(t);
    if (t->c.left != 0)
        fail(t, "there is more than that");
    if (t->why != NULL)
        return NULL;
    *e = (lintel_entry){.magic = LINTEL_ENTRY_MAGIC,
                        .size = sizeof *e,
                        .abi_major = major,
                        .abi_minor = minor,
                        .plugin_size = sizeof(lintel_plugin),
                        .nplugins = n,
                        .plugins = plugins};
    return e;
}

const lintel_entry *
lintel_told_read(const void *p, size_t n, struct lintel_arena *a, char *reason, uint32_t size)
{
    struct told t = {.c = {p, n}, .a = a};
    if (n > LINTEL_TOLD_MOST)
        fail(&t, "it is longer than 1 MiB");
    const lintel_entry *e = read_entry(&t);
    if (e == NULL) {
        lintel_format(reason, size, "what it says of itself can't be read: %s", t.why);
        return NULL;
    }
    return lintel_judge_entry(e, reason, size) == 0 ? e : NULL;
}
