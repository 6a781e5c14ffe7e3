/* SPDX-License-Identifier: Apache-2.0
 * Guests: one question to a device that no file names. A guest has a device and a point of its own
 * on the bus while it lasts; it is no thing, is listed nowhere and counts nowhere. It only reads.
 * Loop's thread. */
#ifndef LINTEL_ENGINE_GUEST_H
#define LINTEL_ENGINE_GUEST_H
#include "core/engine/engine.h"

struct lintel_guest;
struct lintel_guest_source { /* thing and bound must outlive the guest's memory, see `gone` */
    const struct lintel_thing *thing; /* id, settings */
    const struct lintel_bound *bound;
    int64_t within_ns; /* for the answer */
    /* Once: a sample whose status is LINTEL_OK, or NULL with the reason. took: ns since it was
     * asked. */
    void (*done)(void *ctx, const lintel_sample *s, lintel_status status, const char *detail,
                 int64_t took);
    /* Once, the last call, perhaps after lintel_guest_leave(): nothing of the source is used any
     * more.
     */
    void (*gone)(void *ctx);
    void *ctx;
};
/* Asks at once: behind what the plugin works on now, before all polls that wait. done() is never
 * called within. NULL: not possible, and the reason says why; neither function is called. */
struct lintel_guest *lintel_engine_guest(struct lintel_engine *e, struct lintel_bus *b,
                                         const struct lintel_guest_source *s, char *reason,
                                         size_t size);
/* Nobody waits any more: done() will not be called. */
void lintel_guest_leave(struct lintel_guest *g);
const struct lintel_op *lintel_guest_op(const struct lintel_guest *g);

/* For bus.c, device.c and answers.c: whether it was a guest's. */
int guest_complete(struct lintel_bus *b, const struct lintel_op *op, lintel_status status,
                   const lintel_sample *s, uint32_t n);
int guest_publish(struct lintel_bus *b, const lintel_sample *s);
int guest_refused(struct lintel_bus *b, int is_device, uint32_t id, lintel_status status,
                  const char *detail);
/* The instance has ended: so have they. */
void guests_gone(struct lintel_bus *b, lintel_status status, const char *detail);
#endif
