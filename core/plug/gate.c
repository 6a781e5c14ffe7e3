/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/gate.h"

#include "core/base/log.h"

#define WINDOW (10 * INT64_C(1000000000))
enum { LINES_MOST = 100 }; /* of a window */

int32_t
lintel_gate_level(const struct lintel_port *conf)
{
    int32_t ret = conf->log;
    for (int32_t level = LINTEL_LOG_ERROR; conf->log < 0 && level <= LINTEL_LOG_DEBUG; level++)
        if (lintel_log_wants(level))
            ret = level;
    return ret;
}

void
lintel_gate_log(struct lintel_gate *g, lintel_mono now, const struct lintel_port *conf,
                int32_t level, const char *line)
{
    if (now - g->window >= WINDOW) {
        if (g->lost != 0)
            lintel_log(LINTEL_LOG_WARN, conf->name, "%u lines of the plugin were left out",
                       g->lost);
        g->window = now;
        g->lines = g->lost = 0;
    }
    if (g->lines >= LINES_MOST) {
        g->lost++;
        return;
    }
    g->lines++;
    /* A plugin may be set to say more than the hub does: then its lines come in the hub's finest
     * level. */
    if (!lintel_log_wants(level) && level <= conf->log)
        lintel_log(LINTEL_LOG_INFO, conf->name, "debug: %s", line);
    else
        lintel_log(level, conf->name, "%s", line);
}
