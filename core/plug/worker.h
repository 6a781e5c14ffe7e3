/* SPDX-License-Identifier: Apache-2.0
 * One instance of a protocol plugin in a thread of its own: frames of core/plug/wire.h in, frames
 * out. The daemon runs workers for `isolation: thread`, lintel-host for all that it hosts. */
#ifndef LINTEL_PLUG_WORKER_H
#define LINTEL_PLUG_WORKER_H
#include "core/base/text.h"
#include "lintel/plugin.h"

struct lintel_worker;
enum { LINTEL_SEND_IF_ROOM = 1, LINTEL_SEND_MORE = 2, LINTEL_SEND_UNSURE = 4 };
struct lintel_worker_fns {
    /* A frame for the hub. Called by the worker's thread and by threads of the plugin, never by two
     * at once; never waits. May keep b's memory and leave {0} there. LINTEL_SEND_IF_ROOM: 1 may be
     * returned when much waits already; lintel_worker_room() is called once there is room.
     * LINTEL_SEND_MORE: others follow at once, at the latest flush(). With LINTEL_SEND_UNSURE, a
     * plugin's call may come between them that lasts long: it has to leave nevertheless. -1: out of
     * memory. */
    int (*send)(void *ctx, struct lintel_buf *b, unsigned flags);
    void (*flush)(void *ctx); /* or NULL */
    /* Memory was out for a frame that has to come or go, and nothing will bring it again. Any
     * thread. */
    void (*lost)(void *ctx);
    /* The plugin `name` of a file; NULL with a reason. On the worker's thread. */
    const lintel_plugin *(*find)(void *ctx, const char *file, const char *name, char *reason,
                                 uint32_t size);
};
/* Starts the thread. number: of the instance, in its frames. NULL: out of memory or threads. */
struct lintel_worker *lintel_worker_new(uint32_t number, const struct lintel_worker_fns *fns,
                                        void *ctx);
/* Hands over a frame of its own; copied. Any thread. -1: out of memory. */
int lintel_worker_deliver(struct lintel_worker *w, const void *frame, size_t n);
/* The thread itself can fetch frames, instead of another one that wakes it for them:
 * core/plug/reader.h. Whether that is of use: it is started, and its plugin does not block, or the
 * last request's call was short nevertheless. Any thread. */
enum lintel_prompt { LINTEL_PROMPT_NOT, LINTEL_PROMPT_LATELY, LINTEL_PROMPT_ALWAYS };
enum lintel_prompt lintel_worker_prompt(struct lintel_worker *w);
/* fn(arg) on the thread. Any thread. -1: out of memory. */
int lintel_worker_post(struct lintel_worker *w, void (*fn)(void *arg), void *arg);
/* These on the thread itself. fn when fd can be read, until another call, or the instance's end; fd
 * -1: nothing any more. -1: it has ended, or memory is out. */
int lintel_worker_watch(struct lintel_worker *w, int fd,
                        void (*fn)(void *arg, int fd, uint32_t ready), void *arg);
/* As _deliver(), but _work() has to follow. */
int lintel_worker_take(struct lintel_worker *w, const void *frame, size_t n);
void lintel_worker_work(struct lintel_worker *w);   /* works off the inbox */
void lintel_worker_expect(struct lintel_worker *w); /* more frames are likely to follow soon */
/* There is room again after send() has returned 1. Any thread, but not from inside send(). */
void lintel_worker_room(struct lintel_worker *w);
struct lintel_worker_call { /* of the plugin, under way */
    uint64_t serial;        /* another one for each call */
    const char *name;
    int request; /* for a request, which has a deadline of its own */
};
/* The call that the plugin is in; 0: none, as far as that is known yet. Any thread; ask now and
 * then. */
int lintel_worker_call(struct lintel_worker *w, struct lintel_worker_call *ret);
/* The plugin's instance is gone, even if memory was out for saying so (CLOSED). Any thread. */
int lintel_worker_has_closed(struct lintel_worker *w);
/* After that: waits for the thread's end, which is near. */
void lintel_worker_free(struct lintel_worker *w);
/* It hangs in its plugin and can't be ended: nothing is sent from now on, and it is left behind. */
void lintel_worker_abandon(struct lintel_worker *w);
#endif
