/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/loop.h - "lintel.loop/1", host side: descriptors and timers for plugins that do not block.
 *
 * All functions and callbacks are [inst]; none may be called after stop() has returned.
 */
#ifndef LINTEL_EXT_LOOP_H
#define LINTEL_EXT_LOOP_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_LOOP "lintel.loop/1"
enum { LINTEL_LOOP_READ = 1, LINTEL_LOOP_WRITE = 2 };
typedef struct lintel_host_loop {
    uint32_t size, reserved;
    /* Calls fn(arg, fd, ready) while fd is ready, level-triggered: what is not read calls again.
     * events 0 stops watching, and must come before fd is closed. One watch a descriptor. */
    lintel_status (*watch)(const lintel_host *h, int32_t fd, uint32_t events,
                           void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg);
    /* Calls fn(arg) once, at or after `at`; at = 0 disarms. One timer for each pair (fn, arg). */
    lintel_status (*timer)(const lintel_host *h, lintel_mono at, void (*fn)(void *arg), void *arg);
} lintel_host_loop;

#ifdef __cplusplus
}
#endif
#endif
