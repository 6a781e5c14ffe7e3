/* SPDX-License-Identifier: Apache-2.0
 * One address of a bus, read once: for `lintel try`, by the hub (bus_try.c) or, where none runs, by
 * the command itself. It never writes. Loop's thread. */
#ifndef LINTEL_DAEMON_TRY_H
#define LINTEL_DAEMON_TRY_H
#include "core/plug/instance.h"

struct lintel_try;
struct lintel_try_source {
    struct lintel_engine *engine;
    struct lintel_instance *instance;
    /* A JSON object (or YAML) of keys: the plugin's of devices and addresses, and those of the
     * codec. A choice of an address key may stand for itself: "input": 12 is "table": "input",
     * "address": 12. */
    const char *keys;
    size_t nkeys;
    int64_t within_ns;
    /* Once, later: what came of it, as a JSON object; NULL: out of memory. */
    void (*done)(void *ctx, struct lintel_buf *json);
    void *ctx;
};
/* NULL with the reasons: what is wrong with the keys, or why nothing can be asked now. */
struct lintel_try *lintel_try_start(const struct lintel_try_source *s,
                                    struct lintel_report *report);
/* Nobody waits any more: done() is not called. Not after done(). */
void lintel_try_leave(struct lintel_try *t);
#endif
