/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/plan.h - "lintel.plan/1", plugin side: what polls will cost, before anything runs.
 *
 * `lintel check` adds up what all polls of a bus need, and warns where the bus has no time for them.
 * For plugins whose requests go one after the other. ABI 1.1.
 */
#ifndef LINTEL_EXT_PLAN_H
#define LINTEL_EXT_PLAN_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_PLAN "lintel.plan/1"

typedef struct lintel_need { /* of one poll, when all answers come as they should */
    uint32_t size;
    uint32_t requests;
    uint64_t bytes;  /* of requests and answers, with their frames */
    int64_t ns;      /* time of the bus, from the first request to the last answer */
    int64_t wire_ns; /* the part of it that a faster line would shorten */
} lintel_need;

typedef struct lintel_plugin_plan {
    uint32_t size;
    /* One poll of these points together. bus: the settings, one a row; points: of one device, not
     * bound, all to be read; their cookies are NULL. On an error reason[0..127] says in words what
     * is wrong, and ret is untouched. [any] */
    lintel_status (*need)(const lintel_value *bus, const lintel_point *const *points,
                          uint32_t npoints, lintel_need *ret, char reason[128]);
    /* * A setting that makes the wire at least `factor` times as fast, as people write it: "baud:
     * 19200". LINTEL_E_NOTSUP: there is none. [any] */
    lintel_status (*faster)(const lintel_value *bus, double factor, char text[64]);
} lintel_plugin_plan;

#ifdef __cplusplus
}
#endif
#endif
