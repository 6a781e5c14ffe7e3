/* SPDX-License-Identifier: Apache-2.0
 * New code for buses that run: the new instances are created beside the old ones, which end, and
 * then the new ones start. Loop's thread.
 *
 *     create   the new ones open their files and create() runs, without I/O; the old ones go on
 *     drain    nothing new is sent to the old ones; what is under way may end
 *     end      the old ones stop: serial lines and ports are free
 *     start    the new ones start, and are told their devices and points
 *
 * Whoever says no in the first step changes nothing. From `drain` on, commands wait in the engine
 * and are served by the new instance. */
#ifndef LINTEL_PLUG_SWAP_H
#define LINTEL_PLUG_SWAP_H
#include "core/plug/instance.h"

struct lintel_swap_member {
    struct lintel_instance *instance; /* a running one that has its bus, whatever its state */
    const lintel_plugin *plugin;      /* the new one; with its code where the bus is in a thread */
    const char *file;                 /* its file; lives as long as the instance */
    /* New settings, where the tables differ; NULL: those of before. */
    const struct lintel_port *conf;
};
struct lintel_swap_result {
    int begun;          /* the old ones have ended; 0: they go on as if nothing had been */
    const char *reason; /* NULL: all of the new ones run */
    int64_t gap_ns;     /* from the first step that holds requests back, to the end */
};
struct lintel_swap_source {
    const struct lintel_swap_member
        *members; /* copied; those that live in one child, all of them */
    uint32_t n;
    struct lintel_site *site; /* of all conf; referenced; NULL: there are none */
    /* The old ones have left their buses, the new ones are not started: things can be exchanged,
     * too. Nothing may fail here. May be NULL. */
    void (*moved)(void *ctx);
    /* Once, and never before lintel_plug_swap() has returned. */
    void (*done)(void *ctx, const struct lintel_swap_result *r);
    void *ctx;
};
/* -1: out of memory, or one of them is being swapped; done() is not called then. */
int lintel_plug_swap(struct lintel_plug *p, const struct lintel_swap_source *s);
#endif
