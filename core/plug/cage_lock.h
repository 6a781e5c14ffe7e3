/* SPDX-License-Identifier: Apache-2.0
 * How a process locks itself into a cage: limits, user, Landlock, seccomp. There is no way back.
 * Called once, while the process has one thread. */
#ifndef LINTEL_PLUG_CAGE_LOCK_H
#define LINTEL_PLUG_CAGE_LOCK_H
#include "core/plug/cage.h"

/* ret_text: what holds now, and which part is missing and why ("user nobody, landlock 7, seccomp").
 * say(): a file of the cage that can't be read, and the remedy; NULL: nobody wants to know.
 * -1 with the reason in ret_text: it is not caged as it should be; the caller ends. parent: the
 * process whose death ends this one; 0: none. */
int lintel_cage_lock(const struct lintel_cage *c, int64_t parent, char *ret_text, uint32_t size,
                     void (*say)(void *ctx, const char *line), void *ctx);

/* When the parent dies, this process is killed. -1: it is dead already. 0 does nothing. */
int lintel_cage_die_with(int64_t parent);

/* The parts; cage_lock.c puts them in order. */
/* The file system, TCP, signals and abstract sockets. The ABI of the kernel's that holds now; 0:
 * the kernel has none, ret_text says why; -1: it failed, ret_text says where. */
int lintel_cage_landlock(const struct lintel_cage *c, char *ret_text, uint32_t size);
/* System calls. 1, 0: this program or kernel has none, -1; ret_text as above. */
int lintel_cage_seccomp(const struct lintel_cage *c, char *ret_text, uint32_t size);

/* Whether this program was built with a sanitizer: it needs memory and calls of its own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define LINTEL_SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LINTEL_SANITIZED 1
#endif
#endif
#ifndef LINTEL_SANITIZED
#define LINTEL_SANITIZED 0
#endif

/* Files that were replaced: who was allowed the old one can't read the new one. */
struct lintel_cage_watch {
    int fd; /* readable when something may have been replaced; -1: not watched */
    struct {
        int folder;       /* the number that the kernel gave it */
        const char *path; /* the cage's */
    } * files;
    uint32_t n;
};
/* Before the lock; the cage must outlive it. */
int lintel_cage_watch_init(struct lintel_cage_watch *w, const struct lintel_cage *c);
void lintel_cage_watch_fini(struct lintel_cage_watch *w);
/* The path of one that was replaced since, or NULL. */
const char *lintel_cage_watch_replaced(struct lintel_cage_watch *w);
#endif
