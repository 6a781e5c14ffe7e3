/* SPDX-License-Identifier: Apache-2.0
 * Plugins that do harm as soon as they are opened, before anybody has asked them anything:
 * -DTRAP_... says which. */
#include <lintel/plugin.h>
#include <stdlib.h>
#include <unistd.h>

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    (void)h, (void)v;
    *self = malloc(1);
    return *self != NULL ? LINTEL_OK : LINTEL_E_NOMEM;
}

#ifdef TRAP_LIAR
static lintel_field bus_fields[2]; /* in the hub's process it has another row */
#else
static const lintel_field bus_fields[] = {{0}};
#endif

static void __attribute__((constructor)) spring(void)
{
#if defined TRAP_CRASH
    abort();
#elif defined TRAP_HANG
    for (;;)
        pause();
#elif defined TRAP_EXIT
    _exit(0);
#elif defined TRAP_LIAR
    if (getenv("LINTEL_AMBUSH") != NULL)
        bus_fields[0] = (lintel_field){.name = "more", .help = "More.", .type = LINTEL_T_INT};
#elif defined TRAP_EXEC
    char *const none[] = {NULL};
    execve("/bin/true", none, none);
#endif
}

static const lintel_plugin trap = {.size = sizeof trap,
                                   .name = TRAP_NAME,
                                   .unit_bytes = 1,
                                   .version = "1.0",
                                   .summary = "Harm at once.",
                                   .natural = "",
                                   .bus = bus_fields,
                                   .create = create,
                                   .destroy = free};
LINTEL_PLUGIN_ENTRY(&trap);
