/* SPDX-License-Identifier: Apache-2.0
 * Plugins that are tables alone, for the tests and the fuzzer of this folder: fake (registers),
 * pusher (topics), slow (blocking), serve (a transport). */
#ifndef LINTEL_BIND_FAKE_PLUGINS_H
#define LINTEL_BIND_FAKE_PLUGINS_H
#include <string.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "lintel/ext/given.h"
#include "lintel/plugin.h"

static const lintel_field fake_bus[] = {
    {.name = "host", .help = "Host.", .type = LINTEL_T_STR, .flags = LINTEL_F_REQUIRED},
    {.name = "port", .help = "Port.", .dflt = "502", .min = 1, .max = 65535, .type = LINTEL_T_INT},
    {0}};
static const lintel_field fake_device[] = {
    {.name = "unit",
     .help = "Unit.",
     .min = 1,
     .max = 247,
     .type = LINTEL_T_INT,
     .flags = LINTEL_F_REQUIRED},
    {.name = "span", .help = "Span.", .dflt = "125", .min = 1, .max = 125, .type = LINTEL_T_INT},
    {0}};
static const lintel_field fake_address[] = {{.name = "table",
                                             .help = "Table.",
                                             .dflt = "holding",
                                             .choices = "coil|input|holding",
                                             .natural = "bool|u16|u16",
                                             .type = LINTEL_T_STR},
                                            {.name = "address",
                                             .help = "Address.",
                                             .min = 0,
                                             .max = 65535,
                                             .type = LINTEL_T_INT,
                                             .flags = LINTEL_F_REQUIRED},
                                            {0}};
static const lintel_field pusher_bus[] = {
    {.name = "password", .help = "Password.", .type = LINTEL_T_STR, .flags = LINTEL_F_SECRET}, {0}};
static const lintel_field pusher_address[] = {
    {.name = "topic", .help = "Topic.", .dflt = "", .type = LINTEL_T_STR}, {0}};
static const lintel_field serve_bus[] = {
    {.name = "listen", .help = "Where.", .dflt = "", .type = LINTEL_T_LIST},
    {.name = "unprotected", .help = "Open.", .dflt = "no", .type = LINTEL_T_BOOL},
    {.name = "certificate", .help = "Whose.", .type = LINTEL_T_STR, .flags = LINTEL_F_FILE},
    {0}};

static inline int
fake_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* given: { ADDRESS: "hex" } */
static inline lintel_status
fake_given_value(const lintel_value *given, const lintel_point *p, void *scratch, lintel_value *ret,
                 char reason[128])
{
    char key[24];
    unsigned char *out = (unsigned char *)scratch;
    (void)lintel_format(key, sizeof key, "%d", (int)p->addr[1].as.i);
    for (uint32_t i = 0; given->type == LINTEL_T_MAP && i < given->len; i++) {
        const lintel_member *m = &given->as.map[i];
        if (strcmp(m->name, key) != 0 || m->value.type != LINTEL_T_STR)
            continue;
        uint32_t n = 0;
        for (const char *s = m->value.as.s; *s != '\0';) {
            if (*s == ' ') {
                s++;
                continue;
            }
            if (fake_digit(s[0]) < 0 || fake_digit(s[1]) < 0 || n == 64) {
                (void)lintel_copy(reason, 128, "hexadecimal is wanted");
                return LINTEL_E_TYPE;
            }
            out[n++] = (unsigned char)(fake_digit(s[0]) * 16 + fake_digit(s[1]));
            s += 2;
        }
        ret->type = LINTEL_T_BYTES;
        ret->len = n;
        ret->as.p = out;
        return LINTEL_OK;
    }
    return LINTEL_E_ADDRESS;
}

static inline const void *
fake_extension(void *self, const char *id)
{
    static const lintel_plugin_given given = {sizeof given, 64, fake_given_value};
    (void)self;
    return strcmp(id, LINTEL_EXT_GIVEN) == 0 ? &given : NULL;
}

static const lintel_plugin fake_plugins[] = {
    {.size = sizeof(lintel_plugin),
     .unit_bytes = 2,
     .name = "fake",
     .version = "1.0",
     .summary = "Registers.",
     .natural = "u16",
     .bus = fake_bus,
     .device = fake_device,
     .address = fake_address,
     .extension = fake_extension},
    {.size = sizeof(lintel_plugin),
     .flags = LINTEL_PLUGIN_PUSH,
     .unit_bytes = 1,
     .name = "pusher",
     .version = "1.0",
     .summary = "Topics.",
     .natural = "",
     .bus = pusher_bus,
     .address = pusher_address},
    {.size = sizeof(lintel_plugin),
     .flags = LINTEL_PLUGIN_BLOCKING,
     .unit_bytes = 2,
     .name = "slow",
     .version = "1.0",
     .summary = "Registers, slowly.",
     .natural = "u16",
     .bus = fake_bus,
     .device = fake_device,
     .address = fake_address},
    {.size = sizeof(lintel_plugin),
     .flags = LINTEL_PLUGIN_TRANSPORT,
     .unit_bytes = 1,
     .name = "serve",
     .version = "1.0",
     .summary = "Serves.",
     .natural = "",
     .bus = serve_bus},
};

static inline const char *const *
fake_plugin_names(void *ctx)
{
    static const char *const names[] = {"fake", "pusher", "serve", "slow", NULL};
    (void)ctx;
    return names;
}

static inline const lintel_plugin *
fake_plugin(void *ctx, const char *name, struct lintel_place at, const char **ret_file,
            struct lintel_report *report)
{
    for (size_t i = 0; i < sizeof fake_plugins / sizeof *fake_plugins; i++) {
        if (strcmp(fake_plugins[i].name, name) == 0) {
            *ret_file = "fake.so";
            return &fake_plugins[i];
        }
    }
    const char *nearest = lintel_nearest(name, fake_plugin_names(ctx));
    lintel_error(report, at, "no plugin \"%s\" (did you mean \"%s\"?)", name,
                 nearest ? nearest : "");
    return NULL;
}
#endif
