/* SPDX-License-Identifier: Apache-2.0
 * What a plugin's file says of itself, as bytes: a process that tries the file tells it, and the
 * hub reads the site by it without opening the file. CBOR, all of fixed length:
 *
 *     [ abi major, abi minor, [ plugin .. ] ]
 *     plugin: [ flags, needs, unit bytes, has, name, version, summary, natural, bus, device,
 * address ] table: null, or [ [ name, help, default, choices, natural, unit, min, max, type, flags
 * ] .. ]
 *
 * A text that is missing is null. has: bit 0, it has extension(). Threads: any. */
#ifndef LINTEL_PLUG_TOLD_H
#define LINTEL_PLUG_TOLD_H
#include "core/base/mem.h"
#include "core/base/text.h"
#include "lintel/plugin.h"

enum {
    LINTEL_TOLD_MOST = 1 << 20,    /* bytes of it all */
    LINTEL_TOLD_TEXT_MOST = 8192,  /* of one text */
    LINTEL_TOLD_ROWS_MOST = 256,   /* of one table */
    LINTEL_TOLD_PLUGINS_MOST = 64, /* of one file */
};
/* e: one that lintel_judge_entry() has passed. */
void lintel_told_write(struct lintel_buf *b, const lintel_entry *e);
/* The plugins of such bytes, which may come from anybody; made in the arena, and judged as those of
 * an opened file are. Their functions are stand-ins: create() refuses, and extension() has none.
 * NULL with the reason; the arena has failed then if memory was short. */
const lintel_entry *lintel_told_read(const void *p, size_t n, struct lintel_arena *a, char *reason,
                                     uint32_t size);
#endif
