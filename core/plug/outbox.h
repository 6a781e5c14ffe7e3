/* SPDX-License-Identifier: Apache-2.0
 * What a child has to say to its hub: frames of several instances on their way to one socket. Small
 * ones gather while the socket is busy, and leave together. Nobody who has something to say waits
 * for the hub: values beyond an instance's share are refused until there is room again. */
#ifndef LINTEL_PLUG_OUTBOX_H
#define LINTEL_PLUG_OUTBOX_H
#include "core/base/text.h"

enum { LINTEL_LANE_BYTES = 256 * 1024 }; /* an instance's share; what must go, goes beyond it */

struct lintel_outbox;
struct lintel_lane { /* one instance's way in */
    struct lintel_lane *next;
    void (*room)(void *ctx); /* on the outbox' thread, no lock held: values are taken again */
    void *ctx;
    size_t bytes; /* that wait */
    int full;     /* something was refused */
};
/* fd stays the caller's. NULL: out of memory or threads. */
struct lintel_outbox *lintel_outbox_new(int fd);
/* Sends what there is, or finds that nobody reads it; then ends. */
void lintel_outbox_free(struct lintel_outbox *o);
void lintel_outbox_add(struct lintel_outbox *o, struct lintel_lane *lane);
/* room() does not run after this; not from inside of it. */
void lintel_outbox_remove(struct lintel_outbox *o, struct lintel_lane *lane);
/* A frame and those that are to be said right after it. NONE: it is all, or the last. GOES_ON: the
 * others follow at once, or _flush(), and it may stay until then. UNSURE: if they don't, it stays
 * for 2 ms at most. */
enum lintel_row { LINTEL_ROW_NONE, LINTEL_ROW_GOES_ON, LINTEL_ROW_UNSURE };
/* Copies a frame; any thread, never waits for the hub. lane: NULL for the child itself. if_room: 1
 * is returned when the lane's share is used up, and room() follows. 0 also when nobody reads any
 * more. -1: out of memory, or too long. */
int lintel_outbox_put(struct lintel_outbox *o, struct lintel_lane *lane, const struct lintel_buf *b,
                      int if_room, enum lintel_row row);
void lintel_outbox_flush(struct lintel_outbox *o);
#endif
