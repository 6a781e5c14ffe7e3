/* SPDX-License-Identifier: Apache-2.0
 * Trying a plugin's file in a throw-away process before this one opens it: opening runs its code.
 * Waits, so not on the loop. Threads: any. */
#ifndef LINTEL_PLUG_PROBE_H
#define LINTEL_PLUG_PROBE_H
#include <stdint.h>

#include "core/base/text.h"

/* What `lintel-host --try FILE` says last when the file is good: that its end alone means so would
 * let a plugin that ends the process pass. Before that it tells what the file says of itself
 * (core/plug/told.h) on this descriptor. */
#define LINTEL_PROBE_GOOD "lintel-host: good\n"
/* And first, before it opens the file: what goes wrong without this was not the plugin's doing. */
#define LINTEL_PROBE_CAGED "lintel-host: caged\n"
enum { LINTEL_PROBE_TABLES = 3 };
/* Runs `host --try file`, caged, for at most 5 s. 0: the file can be opened and is a plugin of
 * this hub; the reason is "", and ret_told, with a limit, has what was told of it, which is not to
 * be trusted. -1 with the reason: what the process said, or that it died or hung.
 * SIGKILL comes from somebody else, also from a kernel without memory: then it is tried again, five
 * times in all, after pauses of 10 to 80 ms, and so is a death before the file was opened.
 * LINTEL_PROBE_UNKNOWN with the reason: each was killed, none could be started or came so far, or
 * memory was out, which says little about the file. */
enum { LINTEL_PROBE_UNKNOWN = -2 };
int lintel_probe(const char *host, const char *file, struct lintel_buf *ret_told, char *reason,
                 uint32_t size);
#endif
