/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/judge.h"

#include <string.h>

#include "core/base/text.h"
#include "core/bind/keys.h"
#include "lintel/ext/resources.h"

/* lintel_plugin as ABI 1.0 had it. */
#define PLUGIN_LEAST (offsetof(lintel_plugin, extension) + sizeof(void *))

enum { ROWS_MOST = 256, NAME_MOST = 32, PLUGINS_MOST = 64 };

struct verdict {
    char *reason;
    uint32_t size;
};

static int __attribute__((format(printf, 2, 3)))
refuse(const struct verdict *v, const char *format, ...)
{
    struct lintel_buf text = {0};
    va_list args;
    va_start(args, format);
    lintel_buf_addv(&text, format, args);
    va_end(args);
    lintel_copy(v->reason, v->size, lintel_buf_str(&text));
    lintel_buf_fini(&text);
    return -1;
}

/* [a-z][a-z0-9-]{0,31} */
static int
is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return name[0] >= 'a' && name[0] <= 'z' && name[n] == '\0' && n <= NAME_MOST;
}

/* A table without its last row would be read beyond its end by everybody. */
static int
is_endless(const lintel_field *table)
{
    for (int i = 0; table != NULL && table[i].name != NULL; i++)
        if (i == ROWS_MOST)
            return 1;
    return 0;
}

static int
judge_plugin(const struct verdict *v, const lintel_entry *e, const lintel_plugin *p)
{
    if (p == NULL)
        return refuse(v, "its list of plugins has a NULL in it");
    if (p->size != e->plugin_size)
        return refuse(v,
                      "a plugin's size is %u where its entry says %u: set size to "
                      "sizeof(lintel_plugin)",
                      p->size, e->plugin_size);
    if (p->name == NULL || !is_name(p->name))
        return refuse(v,
                      "a plugin's name is \"%.80s\"; wanted is [a-z][a-z0-9-]*, at most 32 "
                      "letters",
                      p->name ? p->name : "");
    if (p->version == NULL || p->summary == NULL || p->natural == NULL)
        return refuse(v, "plugin %s lacks %s", p->name,
                      p->version == NULL   ? "a version"
                      : p->summary == NULL ? "a summary"
                                           : "a natural wire type");
    if (p->create == NULL || p->destroy == NULL || p->bus == NULL)
        return refuse(v, "plugin %s lacks %s", p->name,
                      p->bus == NULL ? "a table of settings" : "create() or destroy()");
    if (p->unit_bytes == 0 && !(p->flags & LINTEL_PLUGIN_TRANSPORT))
        return refuse(v,
                      "plugin %s says that an address of its protocol has 0 bytes; write 1 where "
                      "that means nothing",
                      p->name);
    if ((p->flags & LINTEL_PLUGIN_TRANSPORT) && (p->flags & LINTEL_PLUGIN_BLOCKING))
        return refuse(v, "plugin %s is a transport, which must not block", p->name);
    if ((p->flags & LINTEL_PLUGIN_TRANSPORT) && p->extension == NULL)
        return refuse(v,
                      "plugin %s is a transport with neither the extension " LINTEL_EXT_TRANSPORT
                      " nor " LINTEL_EXT_RESOURCES,
                      p->name);
    if (is_endless(p->bus) || is_endless(p->device) || is_endless(p->address))
        return refuse(v,
                      "plugin %s has a table of more than %d rows; does its last row have the name "
                      "NULL?",
                      p->name, ROWS_MOST);
    char why[400];
    if (lintel_plugin_judge(p, why, sizeof why) != 0)
        return refuse(v, "plugin %s: %s", p->name, why);
    return 0;
}

int
lintel_judge_entry(const lintel_entry *e, char *reason, uint32_t size)
{
    const struct verdict v = {reason, size};
    /* The members up to plugins[] are there in every ABI. */
    if (e->magic != LINTEL_ENTRY_MAGIC)
        return refuse(&v,
                      "its entry has the magic number 0x%08x, wanted is 0x%08x: use "
                      "LINTEL_PLUGIN_ENTRY of lintel/plugin.h",
                      e->magic, LINTEL_ENTRY_MAGIC);
    if (e->abi_major != LINTEL_ABI_MAJOR || e->abi_minor > LINTEL_ABI_MINOR)
        return refuse(&v,
                      "it was built for plugin ABI %u.%u, this hub has %u.%u: build it again with "
                      "this hub's headers (pkg-config --cflags lintel-plugin)%s",
                      e->abi_major, e->abi_minor, LINTEL_ABI_MAJOR, LINTEL_ABI_MINOR,
                      e->abi_major == LINTEL_ABI_MAJOR ? ", or take a newer hub" : "");
    if (e->size < sizeof *e)
        return refuse(&v, "its entry has %u bytes, wanted are %zu", e->size, sizeof *e);
    if (e->plugin_size < PLUGIN_LEAST || e->plugin_size > sizeof(lintel_plugin))
        return refuse(&v, "its plugin table has %u bytes, ABI %u.%u has %zu to %zu", e->plugin_size,
                      e->abi_major, e->abi_minor, PLUGIN_LEAST, sizeof(lintel_plugin));
    if (e->nplugins == 0 || e->nplugins > PLUGINS_MOST || e->plugins == NULL)
        return refuse(&v, "it holds %u plugins; wanted are 1 to %d", e->nplugins, PLUGINS_MOST);
    for (uint32_t i = 0; i < e->nplugins; i++)
        if (judge_plugin(&v, e, e->plugins[i]) != 0)
            return -1;
    for (uint32_t i = 1; i < e->nplugins; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(e->plugins[i]->name, e->plugins[k]->name) == 0)
                return refuse(&v, "it holds two plugins named %s", e->plugins[i]->name);
    return 0;
}
