/* SPDX-License-Identifier: Apache-2.0
 * A simulated Modbus unit: its values, and the answer to a request. */
#ifndef LINTEL_SIM_MODBUS_UNIT_H
#define LINTEL_SIM_MODBUS_UNIT_H
#include <stddef.h>
#include <stdint.h>

enum { SIM_COIL, SIM_DISCRETE, SIM_HOLDING, SIM_INPUT };
enum fault {
    FAULT_NONE,
    FAULT_DEAD, /* no answer */
    FAULT_HALF, /* the first half of an answer */
    FAULT_WRONG_UNIT,
    FAULT_WRONG_TID, /* TCP */
    FAULT_LATE,      /* the answer comes when the next request is there, before that one's */
    FAULT_CLOSE,     /* TCP: the connection ends instead of an answer */
    FAULT_EXCEPTION, /* with `fault_value` as its code */
    FAULT_SLOW       /* the answer comes `fault_value` ms later */
};
struct unit {
    struct unit *next;
    uint8_t id;
    enum fault fault;
    int fault_value;
    int killed;               /* says nothing, whatever its fault is */
    unsigned every, requests; /* the fault hits each every-th request */
    unsigned most;            /* registers in one read; more are an exception 3 */
    uint16_t *cells[4];       /* 65536 of each table, or NULL */
    uint8_t *known[4];        /* which of them exist */
    struct live *lives;
};
/* "input:12=f32:308~noise:5": sets values. 0, or -1 with a line on stderr. */
int unit_set(struct unit *u, const char *text);
/* The answer's PDU to a request's; returns its length. `t`: seconds, for values that live. */
size_t unit_answer(struct unit *u, const uint8_t *request, size_t n, double t, uint8_t answer[253]);
void unit_free(struct unit *u);
#endif
