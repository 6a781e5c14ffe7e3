/* SPDX-License-Identifier: Apache-2.0
 * Trying a plugin's file in a throw-away process before this one opens it: opening runs its code.
 * Waits, so not on the loop. Threads: any. */
#ifndef LINTEL_PLUG_PROBE_H
#define LINTEL_PLUG_PROBE_H
#include <stdint.h>

/* Runs `host --inspect file`, caged, for at most 5 s. 0: the file can be opened and is a plugin of
 * this hub. -1 with the reason: what the process said, or that it died or hung. */
int lintel_probe(const char *host, const char *file, char *reason, uint32_t size);
#endif
