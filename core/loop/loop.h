/* SPDX-License-Identifier: Apache-2.0
 * The event loop: descriptors, timers, work from other threads, and time. One kind runs on libuv;
 * one is a fake whose time stands still until a test moves it. All functions on the loop's own
 * thread unless they say "any". */
#ifndef LINTEL_LOOP_LOOP_H
#define LINTEL_LOOP_LOOP_H
#include <stdint.h>

#include "lintel/plugin.h"

struct lintel_loop;
struct lintel_loop *lintel_loop_new(void); /* real; NULL: out of memory or descriptors */
struct lintel_loop *
lintel_loop_new_fake(void); /* starts at 1,000 s mono, 2026-01-01T00:00:00Z wall */
void
lintel_loop_free(struct lintel_loop *l); /* NULL is fine; all timers and watches must be gone */

void lintel_loop_run(struct lintel_loop *l);  /* until stop() */
void lintel_loop_stop(struct lintel_loop *l); /* any */
/* Serves the loop until done(ctx), which is asked after each turn, or until so much real time has
 * passed; returns done(ctx). For the end of a program and for tests with threads or children: also
 * a fake loop serves descriptors and posts here, its time stands still. Not from inside a callback.
 */
int lintel_loop_until(struct lintel_loop *l, int (*done)(void *ctx), void *ctx, int64_t real_ns);
/* Fake: moves time by ns, running timers in order of their times, and posted work. Descriptors are
 * polled without waiting. On a real loop: an assertion fails. */
void lintel_loop_advance(struct lintel_loop *l, int64_t ns);
void lintel_loop_fake_wall(struct lintel_loop *l, lintel_wall wall); /* jumps the wall clock */

lintel_mono lintel_loop_now(const struct lintel_loop *l);  /* any; not cached */
lintel_wall lintel_loop_wall(const struct lintel_loop *l); /* any */

/* Timers are embedded; zero one before its first use. fn runs once, at or after `at`. */
struct lintel_timer {
    void (*fn)(void *arg);
    void *arg;
    lintel_mono at;
    uint32_t slot; /* the loop's: place in its heap, from 1; 0 = not armed */
};
/* Arms, or moves an armed one. -1: out of memory. */
int lintel_timer_at(struct lintel_loop *l, struct lintel_timer *t, lintel_mono at,
                    void (*fn)(void *), void *arg);
void lintel_timer_stop(struct lintel_loop *l, struct lintel_timer *t);

/* Level-triggered. events: LINTEL_LOOP_READ | _WRITE of lintel/ext/loop.h; 0 ends it, before
 * close(fd). */
int lintel_loop_watch(struct lintel_loop *l, int fd, uint32_t events,
                      void (*fn)(void *arg, int fd, uint32_t ready), void *arg);

/* Runs fn(arg) on the loop's thread, soon and in order. any. -1: out of memory. The first few that
 * wait need none: one that must get through does, if it alone posts to this loop. */
enum { LINTEL_LOOP_POSTS_SURE = 16 };
int lintel_loop_post(struct lintel_loop *l, void (*fn)(void *arg), void *arg);

/* Runs fn(arg) once, before the loop waits next: for what gathers in a turn and leaves together.
 * Embedded; zero one before its first use. */
struct lintel_turn {
    struct lintel_turn *next;
    void (*fn)(void *arg);
    void *arg;
    int listed;
};
void lintel_turn_end(struct lintel_loop *l, struct lintel_turn *t, void (*fn)(void *arg),
                     void *arg);
void lintel_turn_stop(struct lintel_loop *l, struct lintel_turn *t);

/* Tells that something came, and that more of it is expected within microseconds: in its next turns
 * the loop only looks, and whoever sends it need not wake this thread. Where nothing comes in time,
 * that is done ever more rarely: it costs the processor's time. 1: it will be looked for. */
enum { LINTEL_LOOP_LOOKS = 40 }; /* turns; about 30 us */
int lintel_loop_expect(struct lintel_loop *l);

/* Signals (SIGHUP, SIGTERM, SIGINT): fn runs on the loop. */
int lintel_loop_signal(struct lintel_loop *l, int signum, void (*fn)(void *arg, int signum),
                       void *arg);
#endif
