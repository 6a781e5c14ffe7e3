/* SPDX-License-Identifier: Apache-2.0
 * One instance of a protocol plugin that plays a recording: on the thread of a fake loop, without
 * hub, thread or device. A plugin that blocks is called at once, and while its call lasts its own
 * clock goes ahead of the loop's by what the recorded device took; what it completes is told when
 * the loop has come so far. So an hour takes as long as the plugin computes. */
#ifndef LINTEL_PLUG_DECK_H
#define LINTEL_PLUG_DECK_H
#include "core/engine/engine.h"
#include "core/plug/tape.h"

struct lintel_deck;
struct lintel_deck_fns { /* on the loop's thread. NULL: not of interest, but for done */
    void (*done)(void *ctx, struct lintel_op *op, lintel_status status, const lintel_sample *s,
                 uint32_t n);
    void (*publish)(void *ctx, const lintel_sample *s, uint32_t n);
    void (*link)(void *ctx, lintel_status status, const char *detail);
    void (*device)(void *ctx, uint32_t device, lintel_status status, const char *detail);
    void (*refused)(void *ctx, int is_device, uint32_t id, lintel_status status, const char *why);
    void (*message)(void *ctx, const lintel_tap *t); /* goes out or comes in; `when` is set */
    void (*missed)(void *ctx, const lintel_tap *question);
};
struct lintel_deck_source {
    struct lintel_loop *loop; /* a fake one, whose wall clock stands at the tape's beginning */
    const lintel_plugin *plugin;
    const lintel_value *settings;
    struct lintel_tape *tape;
    const struct lintel_deck_fns *fns;
    void *ctx;
};
enum { LINTEL_DECK_REASON = 256 };
/* Created and started. NULL with the reason: among others, that the plugin knows no recordings. */
struct lintel_deck *lintel_deck_new(const struct lintel_deck_source *s,
                                    char reason[LINTEL_DECK_REASON]);
/* Stops it; ends what is open without a word. */
void lintel_deck_free(struct lintel_deck *d);
struct lintel_bus_port lintel_deck_port(struct lintel_deck *d);
#endif
