/* SPDX-License-Identifier: Apache-2.0
 * Whether the polls of a site fit into the time of its buses, before anything runs. Plugins that
 * have "lintel.plan/1" say what a poll costs. */
#ifndef LINTEL_ENGINE_PLAN_H
#define LINTEL_ENGINE_PLAN_H
#include "core/bind/site.h"

enum {
    LINTEL_PLAN_HEAVIEST = 3,
    LINTEL_PLAN_MUCH = 70 /* %: above, little is left for commands */
};
struct lintel_bus_plan {
    const struct lintel_port *bus;
    uint32_t things;   /* that are polled */
    uint32_t requests; /* of one cycle: everything once */
    uint64_t bytes;
    int64_t cycle_ns;
    double needs;                    /* part of the bus' time; 1 = all of it */
    double requests_s, bytes_s;      /* a second */
    int64_t pace_ns;                 /* of all polls; 0: they have different ones */
    int64_t slowest_ns, quickest_ns; /* of the paces */
    uint32_t nheaviest;              /* things that need most, the heaviest first */
    const struct lintel_thing *heaviest[LINTEL_PLAN_HEAVIEST];
    double heaviest_needs[LINTEL_PLAN_HEAVIEST];
    char faster[64]; /* a setting that would help: "baud: 19200"; "" */
};
/* 1; 0: the plugin can't tell, or nothing is polled; -1 with the reason (what the plugin says, or
 * no memory). Threads: any that may call the plugin. */
int lintel_plan_bus(const struct lintel_site *site, const struct lintel_port *bus,
                    struct lintel_bus_plan *ret, char reason[LINTEL_REASON]);
/* One sentence for people: "bus line-1 needs 143 % of its time: .."; with a remedy above
 * LINTEL_PLAN_MUCH. */
void lintel_plan_say(const struct lintel_bus_plan *p, struct lintel_buf *out);
/* The same as an object. */
void lintel_plan_json(const struct lintel_bus_plan *p, struct lintel_buf *out);
#endif
