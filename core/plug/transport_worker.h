/* SPDX-License-Identifier: Apache-2.0
 * One instance of a transport in a child: frames of core/plug/transport_wire.h in, frames out. All
 * transports of a process share a thread, as all inside the daemon do: a plugin may count on it. */
#ifndef LINTEL_PLUG_TRANSPORT_WORKER_H
#define LINTEL_PLUG_TRANSPORT_WORKER_H
#include "core/plug/worker.h"

struct lintel_transport_worker;
/* As lintel_worker_new. send() may wait; it is called by the transports' thread and by threads of
 * the plugin. */
struct lintel_transport_worker *
lintel_transport_worker_new(uint32_t number, const struct lintel_worker_fns *fns, void *ctx);
/* Hands over a frame of its own; copied. One thread, which waits here while the plugin is far
 * behind. -1: out of memory. */
int lintel_transport_worker_deliver(struct lintel_transport_worker *w, const void *frame, size_t n);
/* After CLOSED came from it; waits until the thread has let go of it. */
void lintel_transport_worker_free(struct lintel_transport_worker *w);
#endif
