/* SPDX-License-Identifier: Apache-2.0
 * Whether plugins' processes are caged: always, but for developers who look into one with a tool
 * that the cage would stop. */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/daemon/hub_priv.h"

int
hub_is_uncaged(const struct lintel_paths *paths)
{
    const char *word = getenv("LINTEL_UNCAGED");
    if (word == NULL || word[0] == '\0')
        return 0;
    lintel_log(LINTEL_LOG_ERROR, "hub",
               paths->build_tree
                   ? "LINTEL_UNCAGED is set: PLUGINS' PROCESSES MAY DO ALL THAT THE HUB MAY"
                   : "LINTEL_UNCAGED is set, but an installed hub does not heed it");
    return paths->build_tree;
}
