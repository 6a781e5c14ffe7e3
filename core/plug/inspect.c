/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/inspect.h"

#include <string.h>

static void
text(struct lintel_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    lintel_buf_addf(out, ",\"%s\":", name);
    lintel_buf_add_json_str(out, value, strlen(value));
}

static void
flag_names(struct lintel_buf *out, const char *name, uint32_t flags, const char *const *names)
{
    const char *between = "";
    lintel_buf_addf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; names[i] != NULL; i++)
        if (flags & (1u << i)) {
            lintel_buf_addf(out, "%s\"%s\"", between, names[i]);
            between = ",";
        }
    lintel_buf_addc(out, ']');
}

static void
words(struct lintel_buf *out, const char *name, const char *list)
{
    if (list == NULL)
        return;
    lintel_buf_addf(out, ",\"%s\":[", name);
    for (const char *p = list;;) {
        size_t n = strcspn(p, "|");
        lintel_buf_add_json_str(out, p, n);
        if (p[n] == '\0')
            break;
        lintel_buf_addc(out, ',');
        p += n + 1;
    }
    lintel_buf_addc(out, ']');
}

static void
table(struct lintel_buf *out, const char *name, const lintel_field *f)
{
    static const char *const types[] = {"null",   "bool",   "integer", "",
                                        "number", "string", "",        "list"};
    static const char *const flags[] = {"required", "secret", "file", NULL};
    if (f == NULL)
        return;
    lintel_buf_addf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; f[i].name != NULL; i++) {
        lintel_buf_adds(out, i == 0 ? "{\"name\":" : ",{\"name\":");
        lintel_buf_add_json_str(out, f[i].name, strlen(f[i].name));
        text(out, "type", types[f[i].type & 7]);
        text(out, "help", f[i].help);
        text(out, "default", f[i].dflt);
        words(out, "choices", f[i].choices);
        words(out, "natural", f[i].natural);
        text(out, "unit", f[i].unit);
        if (f[i].min < f[i].max) {
            lintel_buf_adds(out, ",\"min\":");
            lintel_buf_add_json_real(out, f[i].min);
            lintel_buf_adds(out, ",\"max\":");
            lintel_buf_add_json_real(out, f[i].max);
        }
        flag_names(out, "flags", f[i].flags, flags);
        lintel_buf_addc(out, '}');
    }
    lintel_buf_addc(out, ']');
}

void
lintel_inspect_json(const lintel_plugin *p, struct lintel_buf *out)
{
    static const char *const flags[] = {"blocking", "push", "transport", NULL};
    static const char *const needs[] = {"network", "serial", "files", "addresses", NULL};
    lintel_buf_adds(out, "{\"name\":");
    lintel_buf_add_json_str(out, p->name, strlen(p->name));
    text(out, "version", p->version);
    text(out, "summary", p->summary);
    text(out, "natural", p->natural);
    lintel_buf_addf(out, ",\"unitBytes\":%u", p->unit_bytes);
    flag_names(out, "flags", p->flags, flags);
    flag_names(out, "needs", p->needs, needs);
    table(out, "bus", p->bus);
    table(out, "device", p->device);
    table(out, "address", p->address);
    lintel_buf_addc(out, '}');
}

void
lintel_inspect_entry(const lintel_entry *e, const char *file, struct lintel_buf *out)
{
    lintel_buf_adds(out, "{\"file\":");
    lintel_buf_add_json_str(out, file, strlen(file));
    lintel_buf_addf(out, ",\"abi\":\"%u.%u\",\"plugins\":[", e->abi_major, e->abi_minor);
    for (uint32_t i = 0; i < e->nplugins; i++) {
        if (i != 0)
            lintel_buf_addc(out, ',');
        lintel_inspect_json(e->plugins[i], out);
    }
    lintel_buf_adds(out, "]}");
}
