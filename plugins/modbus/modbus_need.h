/* SPDX-License-Identifier: Apache-2.0
 * "lintel.plan/1": what a poll takes of the line's time, by the same planning that reads use. Two
 * figures are assumed, and stand in the README: how long a unit on a serial line thinks before it
 * answers, and how long a request over TCP is under way. */
#ifndef LINTEL_MODBUS_NEED_H
#define LINTEL_MODBUS_NEED_H
#include "lintel/ext/plan.h"

#define MB_TURNAROUND_NS (30 * INT64_C(1000000)) /* RTU: from a request's end to its answer */
#define MB_ROUND_TRIP_NS (20 * INT64_C(1000000)) /* TCP: from a request to its answer */

extern const lintel_plugin_plan mb_needs;
#endif
