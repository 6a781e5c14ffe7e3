/* SPDX-License-Identifier: Apache-2.0
 * A simulated RS-485 line with true byte timing: each byte takes its bits' time, a frame ends with
 * a silence of 3.5 characters, and what two speak at the same time is garbage for both. Time is the
 * caller's, in ns, so that the same line runs on a pty in real time and in tests on a fake clock.
 */
#ifndef LINTEL_SIM_MODBUS_LINE_H
#define LINTEL_SIM_MODBUS_LINE_H
#include <stdint.h>

#include "tests/sim/modbus_unit.h"

struct sim_line_conf {
    int baud, bits;     /* bits of a character: 11 for 8E1, 10 for 8N1 */
    int64_t turnaround; /* from the end of a request to the beginning of its answer */
    /* The master's timeout: how long after a request an answer may begin. What is waited in vain
     * counts as use of the line; so does a second wait behind the first answer of a unit that was
     * silent before, in which a careful master listens for an answer that is late. */
    int64_t wait;
};
struct sim_line_counts {
    uint64_t requests, answered, collisions, bytes;
    uint64_t requests_of[256]; /* by unit */
    int64_t busy_ns;           /* requests, waiting, answers, and the silence behind them */
    int64_t busy_of[256];
};
struct sim_line;
/* units: borrowed; *units may change while the line lives. NULL: out of memory. */
struct sim_line *sim_line_new(const struct sim_line_conf *c, struct unit **units);
void sim_line_free(struct sim_line *l);
/* The master speaks from `at` on, or behind what it is still saying. Times never go back. */
void sim_line_speak(struct sim_line *l, int64_t at, const uint8_t *p, size_t n);
/* When something happens next: ask sim_line_hear() then. INT64_MAX: nothing will. */
int64_t sim_line_next(const struct sim_line *l);
/* The next byte that the master has heard whole at `now`; -1: none. */
int sim_line_hear(struct sim_line *l, int64_t now);
const struct sim_line_counts *sim_line_counts(const struct sim_line *l);

uint16_t sim_crc16(const uint8_t *p, size_t n);
struct unit *sim_unit_of(struct unit *u, uint8_t id); /* NULL: there is none */
#endif
