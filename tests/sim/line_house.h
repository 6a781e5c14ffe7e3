/* SPDX-License-Identifier: Apache-2.0
 * A whole line on a fake clock: the real engine, the real plugin and its planning, and a simulated
 * serial line with true byte timing in place of the adapter. All on the test's thread: a call that
 * would block moves the clock of its bus instead, and is completed when the loop's clock has come
 * that far. An hour takes seconds. */
#ifndef LINTEL_SIM_LINE_HOUSE_H
#define LINTEL_SIM_LINE_HOUSE_H
#include "core/engine/engine.h"
#include "tests/sim/modbus_line.h"

enum { HOUSE_BUSES = 2, HOUSE_UNITS = 40, HOUSE_POINTS = 34, HOUSE_REGISTERS = 346 };
struct house_bus;
struct house {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_site *site;
    uint32_t nbuses;
    struct house_bus *buses[HOUSE_BUSES];
    char log[1 << 16]; /* what the plugins said */
};

extern const unsigned house_addresses[HOUSE_POINTS]; /* of the meter's points, ascending */
/* The register that a unit of a bus has at an address: no two are the same. */
uint16_t house_register(unsigned bus, unsigned unit, unsigned address);

/* Buses "line-0" ..., each with units 1 .. n, named "m0-1" ... `bus` and `poll`: settings of the
 * buses, and seconds. 0; -1 with a failed check. */
int house_new(struct house *h, uint32_t nbuses, uint32_t n, const char *bus, const char *poll);
void house_free(struct house *h);
void house_start(struct house *h);
struct unit *house_unit(struct house *h, uint32_t bus, unsigned unit);
const struct sim_line_counts *house_counts(const struct house *h, uint32_t bus);
struct lintel_bus *house_bus(const struct house *h, uint32_t bus);
struct lintel_live_thing *house_thing(struct house *h, uint32_t bus, unsigned unit);
void house_advance(struct house *h, double seconds);
#endif
