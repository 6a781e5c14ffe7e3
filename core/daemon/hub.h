/* SPDX-License-Identifier: Apache-2.0
 * The hub: everything that runs, wired together, and the taking in of a changed site. Loop's
 * thread. */
#ifndef LINTEL_DAEMON_HUB_H
#define LINTEL_DAEMON_HUB_H
#include "core/base/report.h"
#include "core/daemon/paths.h"
#include "core/loop/loop.h"

struct lintel_hub;
struct lintel_hub_source {
    struct lintel_loop *loop;
    const struct lintel_paths *paths;
    const char *site_dir, *state_dir, *run_dir;
};
/* Reads the site and starts it; NULL with the reasons, and nothing runs. */
struct lintel_hub *lintel_hub_new(const struct lintel_hub_source *s, struct lintel_report *report);
/* Stops all of it; waits for children (at most 5 s). */
void lintel_hub_free(struct lintel_hub *h);

/* Takes changed files in: the site is read on a thread of its own, then what has changed is stopped
 * and started, the rest is not touched. A site with an error is refused as a whole. done (may be
 * NULL) is called once, on the loop: with what was changed, or with the problems. A reload under
 * way is waited for, then another one runs. */
struct lintel_hub_change {
    uint32_t added, changed, removed, kept; /* things, buses and transports together */
};
typedef void lintel_hub_reloaded_fn(void *ctx, const struct lintel_hub_change *c,
                                    struct lintel_report *problems /* NULL: taken in */);
void lintel_hub_reload(struct lintel_hub *h, const char *who, lintel_hub_reloaded_fn *done,
                       void *ctx);
#endif
