/* SPDX-License-Identifier: Apache-2.0
 * A recording of a bus (`lintel record`), whole in memory and ready to be played. Immutable but for
 * an index that find() makes: one thread. */
#ifndef LINTEL_PLUG_TAPE_H
#define LINTEL_PLUG_TAPE_H
#include "core/base/doc.h"
#include "core/base/map.h"
#include "core/base/pcapng.h"
#include "lintel/ext/wire.h"

enum { LINTEL_TAPE_REASON = LINTEL_PCAPNG_REASON, LINTEL_TAPE_DAYS_MOST = 62 };

struct lintel_tape {
    lintel_tap *messages; /* by time */
    uint32_t n, room;
    lintel_wall first, last;  /* 0: it has no message */
    struct lintel_doc *about; /* what `lintel record` wrote of the bus: bus, plugin, settings ..;
                                 NULL: not made by it */
    struct lintel_arena *arena;
    struct lintel_map asked; /* a question without its number -> struct asked */
    uint32_t serial;         /* bytes of the number, of the index */
    int indexed;
};
/* file: for messages. NULL with the reason; one is that it lasts longer than LINTEL_TAPE_DAYS_MOST,
 * since it is played from end to end. */
struct lintel_tape *lintel_tape_read(const char *file, const void *p, size_t n,
                                     char reason[LINTEL_TAPE_REASON]);
void lintel_tape_free(struct lintel_tape *t);                                   /* NULL is fine */
const char *lintel_tape_about(const struct lintel_tape *t, const char *member); /* "" if unknown */
/* The question as it was asked the last time before `now`, else the next time after. NULL: never.
 * *ret is its answer, NULL where none came. */
const lintel_tap *lintel_tape_find(struct lintel_tape *t, const lintel_tap *question,
                                   lintel_wall now, const lintel_tap **ret);
#endif
