/* SPDX-License-Identifier: Apache-2.0
 * Files of plugins that a process of their own has tried, and what it told of them. This process
 * does not open such a file, so nothing of its code runs here, unless the code is asked for. What
 * was told is kept for ever, as sites lead into it. Threads: any. */
#ifndef LINTEL_PLUG_TRIAL_H
#define LINTEL_PLUG_TRIAL_H
#include "lintel/plugin.h"

/* Has the file tried by host (core/plug/probe.h), once as long as it is the same file, and returns
 * the plugins that were told: their tables can be used, their functions are none
 * (core/plug/told.h). NULL with the reason, also where the file was written over in place since
 * then. Waits for the trial, so not on the loop. */
const lintel_entry *lintel_trial(const char *host, const char *file, char *reason, uint32_t size);
/* The code of a plugin that was told: opens its file into this process. Of another plugin: itself.
 * NULL with the reason: another file lies there now, or its tables are not those that were told. */
const lintel_plugin *lintel_trial_code(const lintel_plugin *p, char *reason, uint32_t size);
#endif
