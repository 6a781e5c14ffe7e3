/* SPDX-License-Identifier: Apache-2.0
 * The thread of the daemon in which an instance with `isolation: thread` lives. Its worker gets
 * frames at once; what the worker says is posted to the loop. Loop's thread. */
#ifndef LINTEL_PLUG_INSTANCE_THREAD_H
#define LINTEL_PLUG_INSTANCE_THREAD_H
#include "core/base/text.h"
#include "core/plug/worker.h"

struct lintel_instance;
struct instance_thread;
/* For an instance that has its number and plugin. NULL: out of memory or threads. */
struct instance_thread *instance_thread_new(struct lintel_instance *i);
int instance_thread_send(struct instance_thread *t, const struct lintel_buf *b); /* -1: no memory */
/* lintel_worker_call() of its worker. */
int instance_thread_call(struct instance_thread *t, struct lintel_worker_call *ret);
/* Memory was out for a frame that has to come or to go. */
int instance_thread_has_lost(const struct instance_thread *t);
int instance_thread_has_closed(struct instance_thread *t); /* lintel_worker_has_closed() */
void instance_thread_move(struct instance_thread *t, struct lintel_instance *i); /* it is i's now */
/* Its plugin's instance is gone. Not before the last frame of it, but possibly inside of it. */
void instance_thread_end(struct instance_thread *t);
/* It does not end: it runs on, and nobody hears of it. */
void instance_thread_abandon(struct instance_thread *t);
#endif
