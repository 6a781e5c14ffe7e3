/* SPDX-License-Identifier: Apache-2.0
 * Plugins that the loader must refuse, one fault in each: -DWRONG_... says which. */
#include <lintel/plugin.h>
#include <stdlib.h>

#if defined(WRONG_NAME)
#define NAME "Wrong_Name"
#elif defined(WRONG_TAKEN)
#define NAME "wrong-taken"
#else
#define NAME "wrong"
#endif

static const lintel_field settings[] = {{.name = "speed",
                                         .help = "A setting.",
                                         .type = LINTEL_T_INT,
                                         .min = 1,
                                         .max = 10,
#ifdef WRONG_TABLE
                                         .dflt = "11"
#else
                                          .dflt = "10"
#endif
                                        },
                                        {0}};

static lintel_status
create(const lintel_host *host, const lintel_value *values, void **self)
{
    (void)host, (void)values;
    *self = calloc(1, 1);
    return *self ? LINTEL_OK : LINTEL_E_NOMEM;
}

static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .unit_bytes = 1,
                                     .name = NAME,
                                     .version = "1",
                                     .summary = "Wrong.",
                                     .natural = "",
                                     .bus = settings,
                                     .create = create,
                                     .destroy = free};
#ifdef WRONG_TAKEN /* a second plugin with the name of another file's */
static const lintel_plugin second = {.size = sizeof second,
                                     .unit_bytes = 1,
                                     .name = "fake",
                                     .version = "1",
                                     .summary = "Not the fake.",
                                     .natural = "",
                                     .bus = settings,
                                     .create = create,
                                     .destroy = free};
static const lintel_plugin *const plugins[] = {&plugin, &second};
#else
static const lintel_plugin *const plugins[] = {&plugin};
#endif

#ifdef WRONG_ENTRY
#define lintel_plugin_entry other_name
#endif
LINTEL_EXPORT extern const lintel_entry lintel_plugin_entry;
const lintel_entry lintel_plugin_entry = {
#ifdef WRONG_MAGIC
    .magic = 0x12345678u,
#else
    .magic = LINTEL_ENTRY_MAGIC,
#endif
    .size = sizeof(lintel_entry),
#ifdef WRONG_MAJOR
    .abi_major = 2,
#else
    .abi_major = LINTEL_ABI_MAJOR,
#endif
#ifdef WRONG_MINOR
    .abi_minor = 99,
#else
    .abi_minor = LINTEL_ABI_MINOR,
#endif
#ifdef WRONG_SIZE
    .plugin_size = 16,
#else
    .plugin_size = sizeof(lintel_plugin),
#endif
    .nplugins = sizeof plugins / sizeof *plugins,
    .plugins = plugins};
