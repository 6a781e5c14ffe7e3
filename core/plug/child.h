/* SPDX-License-Identifier: Apache-2.0
 * One lintel-host process as the daemon sees it: started, spoken to in frames, started again when
 * it ends. Loop's thread. */
#ifndef LINTEL_PLUG_CHILD_H
#define LINTEL_PLUG_CHILD_H
#include "core/base/text.h"
#include "core/loop/loop.h"
#include "core/plug/supervise.h"

struct lintel_child;
struct lintel_child_fns {
    /* It has said hello: the frame of what it may do (core/plug/cage.h). -1: out of memory. */
    int (*cage)(void *ctx, struct lintel_buf *b);
    void (*up)(void *ctx); /* it is in its cage and takes frames */
    /* What its cage allows is no longer what lies there; a new one would get it. It may lie. */
    void (*outdated)(void *ctx, const char *text);
    /* Of an instance; not 0: it breaks the protocol, and is killed. */
    int (*frame)(void *ctx, const unsigned char *data, size_t n);
    /* It is dead, or could not be started; it is started again after wait_ns. */
    void (*gone)(void *ctx, const char *reason, int64_t wait_ns);
    void (*ended)(void *ctx); /* after _end(): it is dead; the child is freed after this call */
};
/* Starts it. name: in the list of processes. life: counts its deaths, outlives it. NULL: out of
 * memory. */
struct lintel_child *lintel_child_new(struct lintel_loop *loop, const char *program,
                                      const char *name, struct lintel_supervise *life,
                                      const struct lintel_child_fns *fns, void *ctx);
/* Starts it now if it waits for its next start. */
void lintel_child_retry(struct lintel_child *c);
/* -1: not up, or it does not read. later: at the end of the loop's turn, with all others. */
int lintel_child_send(struct lintel_child *c, const struct lintel_buf *b, int later);
size_t lintel_child_queued(const struct lintel_child *c);
int lintel_child_is_up(const struct lintel_child *c);
/* It can't be reached any more, but lives: gone() or ended() follows soon. */
int lintel_child_is_dying(const struct lintel_child *c);
void lintel_child_kill(struct lintel_child *c, const char *reason); /* it is started again */
/* 1: it is late, but may be: it is debugged (LINTEL_HOST_WAIT in the daemon's environment is its
 * name), and who stands in a debugger is late everywhere. A line says so. */
int lintel_child_may_be_late(const struct lintel_child *c, const char *reason);
void lintel_child_kill_late(struct lintel_child *c, const char *reason); /* unless it may be */
/* The same for no fault of its own: it starts again at once, and it counts as no death. */
void lintel_child_renew(struct lintel_child *c, const char *reason);
/* Closes the connection, which tells it to end; kills it after 5 s; ends with ended(), possibly
 * before this returns. Nothing else is called any more. */
void lintel_child_end(struct lintel_child *c);
/* Kills it, waits for its death, frees it; calls nothing. For the end of the program. */
void lintel_child_free(struct lintel_child *c);
int64_t lintel_child_pid(const struct lintel_child *c); /* 0: none */
uint32_t lintel_child_restarts(const struct lintel_child *c);
/* What a child gets of this process's environment: pointers into it, NULL-terminated, in memory to
 * be freed with lintel_free(). NULL: out of memory. */
char **lintel_child_environment(void);
/* What holds it: "user nobody, landlock 7, seccomp"; "": it is not up yet. */
const char *lintel_child_cage(const struct lintel_child *c);
#endif
