/* SPDX-License-Identifier: Apache-2.0
 * Commands: one that waits or is under way, and what becomes of it. */
#ifndef LINTEL_ENGINE_COMMAND_H
#define LINTEL_ENGINE_COMMAND_H
#include "core/engine/engine_priv.h"

enum command_kind { COMMAND_READ, COMMAND_WRITE, COMMAND_INVOKE };
enum command_step {
    STEP_PRIOR, /* read what the bit field is part of */
    STEP_MAIN,
    STEP_CONFIRM /* written; what does the device say now? */
};
enum { VALUE_TEXT = 80 };
void value_text(const lintel_value *v, char out[VALUE_TEXT]); /* for the log */

struct waiter { /* whoever asked */
    lintel_outcome_fn *fn;
    void *ctx;
    uint64_t handle;
    struct command *command;
    struct waiter *next;
};
struct command {
    struct link link; /* in its thing's queue, or alone */
    enum command_kind kind;
    enum command_step step;
    struct lintel_live_thing *thing;
    uint32_t i, slot;
    lintel_mono expires;
    int again;    /* was told "busy" */
    int recorded; /* its line is in the log */
    struct blob *value;
    struct lintel_buf wire;
    lintel_value raw;
    char *who;
    char before[VALUE_TEXT];
    struct waiter *waiters;
};

void command_free(struct command *c); /* NULL is allowed */
void command_put(struct command *c);  /* as the last one of its device's queue */
void command_take(struct command *c); /* out of the queue */
/* The raw value to write. prior: what the bit field is part of, or NULL. reason: why it can't be,
 * or "". */
lintel_status command_encode(struct command *c, const lintel_value *prior,
                             char reason[LINTEL_REASON]);
/* The record of who did what, unless it only was a read: one line of the log, and one for the
 * recorder. refused: the bus never saw it. */
void command_record(const struct lintel_live_thing *t, uint32_t i, enum command_kind kind,
                    const char *who, const char *before, const lintel_value *v,
                    const struct lintel_outcome *o, int refused);
int thing_has_command(const struct lintel_live_thing *t);
lintel_mono commands_expire_at(const struct lintel_live_thing *t);
void commands_expire(struct lintel_live_thing *t, lintel_mono now);
int command_submit(struct lintel_live_thing *t); /* the first waiting one; -1 as thing_submit */
void command_done(struct lintel_live_thing *t, lintel_status status, const lintel_sample *s,
                  uint32_t n);
void command_drop(struct lintel_live_thing *t); /* what was under way is over: its memory */
void commands_fail(struct lintel_live_thing *t, lintel_status status, const char *detail);
#endif
