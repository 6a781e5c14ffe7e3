/* SPDX-License-Identifier: Apache-2.0
 * The simulated device of lintel-plugin-check --sim: a command in a process group of its own. */
#ifndef LINTEL_KIT_CHECK_SIM_H
#define LINTEL_KIT_CHECK_SIM_H
#include <sys/types.h>

#include "core/kit/check.h"

struct check_sim {
    pid_t pid;
    int master, slave;
};
/* Starts it and waits until it can be reached at o->port, or makes o->line its standard input and
 * output. -1: told on stderr. */
int check_sim_start(struct check_sim *s, struct check_options *o);
void check_sim_stop(struct check_sim *s);
#endif
