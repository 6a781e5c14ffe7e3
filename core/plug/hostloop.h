/* SPDX-License-Identifier: Apache-2.0
 * The loop that the [inst] calls of one instance are made on, as its plugin sees it: the clocks of
 * the host's table, and "lintel.loop/1". What a plugin leaves behind is taken away at the end. */
#ifndef LINTEL_PLUG_HOSTLOOP_H
#define LINTEL_PLUG_HOSTLOOP_H
#include "core/loop/loop.h"
#include "lintel/ext/loop.h"

struct lintel_hostloop {
    lintel_host host; /* first: what the plugin has */
    struct lintel_loop *loop;
    struct hostloop_timer *timers;
    int *fds; /* watched ones */
    uint32_t nfds, room;
};
/* For tables of hosts that are a lintel_hostloop's. Threads: any for the clocks. */
lintel_mono lintel_hostloop_now(const lintel_host *host);
lintel_wall lintel_hostloop_wall(const lintel_host *host);
extern const lintel_host_loop lintel_hostloop_extension;
void lintel_hostloop_clear(struct lintel_hostloop *h); /* ends all watches and timers */
#endif
