/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/judge.h"

#include <string.h>

#include "core/base/num.h"
#include "core/base/text.h"
#include "lintel/transport.h"

/* lintel_plugin as ABI 1.0 had it. */
#define PLUGIN_LEAST (offsetof(lintel_plugin, extension) + sizeof(void *))

enum { ROWS_MOST = 256, NAME_MOST = 63, PLUGINS_MOST = 64 };

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

static int
between(char c, char from, char to)
{
    return c >= from && c <= to;
}

/* [a-z][a-z0-9-]{0,31} for plugins, [a-z][A-Za-z0-9]{0,62} for rows. */
static int
is_name(const char *name, size_t most, int upper, char also)
{
    size_t n = 0;
    if (!between(name[0], 'a', 'z'))
        return 0;
    for (; name[n] != '\0'; n++)
        if (n == most || !(between(name[n], 'a', 'z') || between(name[n], '0', '9') ||
                           (upper && between(name[n], 'A', 'Z')) || (also != '\0' && name[n] == also)))
            return 0;
    return 1;
}

/* The number of words in "a|b|c"; 0 if one is empty. */
static unsigned
words(const char *list)
{
    unsigned n = 1;
    if (list[0] == '\0' || list[0] == '|')
        return 0;
    for (const char *p = list; *p != '\0'; p++)
        if (*p == '|') {
            if (p[1] == '|' || p[1] == '\0')
                return 0;
            n++;
        }
    return n;
}

static int
has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p != NULL; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == '|' || p[n] == '\0'))
            return 1;
    return 0;
}

static int
default_fits(const lintel_field *f)
{
    size_t n = strlen(f->dflt);
    int64_t i = 0;
    double r = 0;
    switch (f->type) {
    case LINTEL_T_BOOL:
        return strcmp(f->dflt, "true") == 0 || strcmp(f->dflt, "false") == 0 ||
               strcmp(f->dflt, "yes") == 0 || strcmp(f->dflt, "no") == 0;
    case LINTEL_T_INT:
        if (!lintel_parse_int(f->dflt, n, &i))
            return 0;
        r = (double)i;
        break;
    case LINTEL_T_REAL:
        if (!lintel_parse_real(f->dflt, n, &r))
            return 0;
        break;
    case LINTEL_T_STR: return f->choices == NULL || has_word(f->choices, f->dflt);
    default: return 1;
    }
    return f->min >= f->max || (r >= f->min && r <= f->max);
}

static int
judge_row(const struct verdict *v, const char *where, const lintel_field *f)
{
    if (!is_name(f->name, NAME_MOST, 1, '\0'))
        return refuse(v, "%s: the name \"%.80s\" is not camelCase", where, f->name);
    if (f->help == NULL || f->help[0] == '\0')
        return refuse(v, "%s: row %s has no help; people read it in the manual", where, f->name);
    if (f->type != LINTEL_T_BOOL && f->type != LINTEL_T_INT && f->type != LINTEL_T_REAL &&
        f->type != LINTEL_T_STR && f->type != LINTEL_T_LIST)
        return refuse(v, "%s: row %s has type %u, which no setting can have", where, f->name,
                      f->type);
    if (f->choices != NULL && f->type != LINTEL_T_STR)
        return refuse(v, "%s: row %s has choices, so its type must be STR", where, f->name);
    if (f->choices != NULL && words(f->choices) == 0)
        return refuse(v, "%s: row %s has an empty choice in \"%.80s\"", where, f->name, f->choices);
    if (f->natural != NULL && (f->choices == NULL || words(f->natural) != words(f->choices)))
        return refuse(v, "%s: row %s must have as many natural types as choices", where, f->name);
    if (!(f->min <= f->max))
        return refuse(v, "%s: row %s has a minimum above its maximum", where, f->name);
    if (f->dflt != NULL && !default_fits(f))
        return refuse(v, "%s: the default \"%.80s\" of row %s is not a value that it takes", where,
                      f->dflt, f->name);
    if (f->dflt != NULL && (f->flags & LINTEL_F_REQUIRED))
        return refuse(v, "%s: row %s is required and has a default", where, f->name);
    return 0;
}

static int
judge_table(const struct verdict *v, const char *plugin, const char *which, const lintel_field *t)
{
    char where[128];
    lintel_format(where, sizeof where, "plugin %s, table \"%s\"", plugin, which);
    for (uint32_t i = 0; t != NULL && t[i].name != NULL; i++) {
        if (i == ROWS_MOST)
            return refuse(v, "%s has more than %d rows; does its last row have the name NULL?", where,
                          ROWS_MOST);
        if (judge_row(v, where, &t[i]) != 0)
            return -1;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(t[k].name, t[i].name) == 0)
                return refuse(v, "%s has two rows %s", where, t[i].name);
    }
    return 0;
}

static int
judge_plugin(const struct verdict *v, const lintel_entry *e, const lintel_plugin *p)
{
    if (p == NULL)
        return refuse(v, "its list of plugins has a NULL in it");
    if (p->size != e->plugin_size)
        return refuse(v, "a plugin's size is %u where its entry says %u: set size to "
                         "sizeof(lintel_plugin)", p->size, e->plugin_size);
    if (p->name == NULL || !is_name(p->name, 31, 0, '-'))
        return refuse(v, "a plugin's name is \"%.80s\"; wanted is [a-z][a-z0-9-]*, at most 32 "
                         "letters", p->name ? p->name : "");
    if (p->version == NULL || p->summary == NULL || p->natural == NULL)
        return refuse(v, "plugin %s lacks %s", p->name,
                      p->version == NULL ? "a version"
                                         : p->summary == NULL ? "a summary" : "a natural wire type");
    if (p->create == NULL || p->destroy == NULL || p->bus == NULL)
        return refuse(v, "plugin %s lacks %s", p->name,
                      p->bus == NULL ? "a table of settings" : "create() or destroy()");
    if (p->unit_bytes == 0 && !(p->flags & LINTEL_PLUGIN_TRANSPORT))
        return refuse(v, "plugin %s says that an address of its protocol has 0 bytes; write 1 where "
                         "that means nothing", p->name);
    if ((p->flags & LINTEL_PLUGIN_TRANSPORT) && (p->flags & LINTEL_PLUGIN_BLOCKING))
        return refuse(v, "plugin %s is a transport, which must not block", p->name);
    if ((p->flags & LINTEL_PLUGIN_TRANSPORT) && p->extension == NULL)
        return refuse(v, "plugin %s is a transport without the extension " LINTEL_EXT_TRANSPORT,
                      p->name);
    if (judge_table(v, p->name, "bus", p->bus) != 0 ||
        judge_table(v, p->name, "device", p->device) != 0)
        return -1;
    return judge_table(v, p->name, "address", p->address);
}

int
lintel_judge_entry(const lintel_entry *e, char *reason, uint32_t size)
{
    const struct verdict v = {reason, size};
    /* The members up to plugins[] are there in every ABI. */
    if (e->magic != LINTEL_ENTRY_MAGIC)
        return refuse(&v, "its entry has the magic number 0x%08x, wanted is 0x%08x: use "
                          "LINTEL_PLUGIN_ENTRY of lintel/plugin.h", e->magic, LINTEL_ENTRY_MAGIC);
    if (e->abi_major != LINTEL_ABI_MAJOR || e->abi_minor > LINTEL_ABI_MINOR)
        return refuse(&v, "it was built for plugin ABI %u.%u, this hub has %u.%u: build it again with "
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
