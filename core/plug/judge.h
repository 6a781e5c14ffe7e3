/* SPDX-License-Identifier: Apache-2.0
 * Whether what a plugin exports keeps the rules of lintel/plugin.h. Nothing of its code is run.
 * Threads: any. */
#ifndef LINTEL_PLUG_JUDGE_H
#define LINTEL_PLUG_JUDGE_H
#include "lintel/plugin.h"

/* 0, or -1 with a reason that says what was wanted, what was found and what to do. Reads no member
 * before it is known to be there. */
int lintel_judge_entry(const lintel_entry *entry, char *reason, uint32_t size);
#endif
