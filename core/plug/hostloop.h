/* SPDX-License-Identifier: Apache-2.0
 * "lintel.loop/1" for one instance, on the loop that its [inst] calls are made on. What a plugin
 * leaves behind is taken away at the end. */
#ifndef LINTEL_PLUG_HOSTLOOP_H
#define LINTEL_PLUG_HOSTLOOP_H
#include "core/loop/loop.h"
#include "lintel/ext/loop.h"

struct lintel_hostloop {
    struct lintel_loop *loop;
    struct hostloop_timer *timers;
    int *fds; /* watched ones */
    uint32_t nfds, room;
};
lintel_status lintel_hostloop_watch(struct lintel_hostloop *h, int32_t fd, uint32_t events,
                                    void (*fn)(void *arg, int32_t fd, uint32_t ready), void *arg);
lintel_status lintel_hostloop_timer(struct lintel_hostloop *h, lintel_mono at,
                                    void (*fn)(void *arg), void *arg);
void lintel_hostloop_clear(struct lintel_hostloop *h); /* ends all watches and timers */
#endif
