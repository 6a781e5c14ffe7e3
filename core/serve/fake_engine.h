/* SPDX-License-Identifier: Apache-2.0
 * An engine for the tests of the tree: two things of one kind, whose readings the test sets and
 * whose commands the test completes. It stands in for core/engine, with the same functions. */
#ifndef LINTEL_SERVE_FAKE_ENGINE_H
#define LINTEL_SERVE_FAKE_ENGINE_H
#include "core/engine/subscribe.h"

enum {                /* the affordances of Device, by place in the profile */
       FAKE_POWER,    /* property, number W, read-only, polled every 10 s */
       FAKE_SETPOINT, /* property, number 5 .. 26 Cel, writable, polled every 10 s */
       FAKE_MODE,     /* property, string, writable, pushed */
       FAKE_ENERGY,   /* property, number kWh, read on demand */
       FAKE_SERIAL,   /* property, unmapped */
       FAKE_SECRET,   /* property, integer, write-only */
       FAKE_IDENTIFY, /* action, no input */
       FAKE_DIM,      /* action, input number 0 .. 100 */
       FAKE_PRESSED,  /* event, string */
       FAKE_N
};

struct fake_command {  /* under way */
    lintel_command id; /* 0: none */
    int kind;          /* LINTEL_OP_* */
    lintel_point_id point;
    lintel_value value; /* numbers and booleans whole; texts in text */
    char text[64], who[64];
    lintel_outcome_fn *fn;
    void *ctx;
};

struct lintel_engine *fake_engine_new(struct lintel_loop *loop);
void fake_engine_free(struct lintel_engine *e); /* checks that nothing is open */
lintel_point_id fake_point(uint32_t thing, uint32_t i);
/* A new reading, told to subscribers. */
void fake_set(struct lintel_engine *e, lintel_point_id p, lintel_value v, enum lintel_quality q);
void fake_detail(struct lintel_engine *e, lintel_point_id p, lintel_status st, const char *detail);
/* The source's time of the next readings; 0: the loop's. */
void fake_source_time(struct lintel_engine *e, lintel_wall when);
struct fake_command *
fake_command(struct lintel_engine *e); /* the one under way; fails a check if none */
/* Completes it; a value that was read is set too. */
void fake_complete(struct lintel_engine *e, lintel_status st, const char *detail, lintel_value v);
void fake_answer_at_once(struct lintel_engine *e, int yes); /* reads complete before they return */
void fake_up(struct lintel_engine *e, int yes);             /* lamp-1 answers again, or not */
void fake_remove_things(struct lintel_engine *e);
const struct lintel_conditions *
fake_conditions(const struct lintel_engine *e); /* of the last subscription */
#define FAKE_REAL(v) ((lintel_value){.type = LINTEL_T_REAL, .as.r = (v)})
#define FAKE_INT(v) ((lintel_value){.type = LINTEL_T_INT, .as.i = (v)})
#define FAKE_STR(v) ((lintel_value){.type = LINTEL_T_STR, .len = sizeof(v) - 1, .as.s = (v)})
#endif
