/* SPDX-License-Identifier: Apache-2.0
 * What must survive a restart: a table of blobs by number, in one SQLite file (WAL) with a thread
 * of its own that writes. The loop never waits for a disk: changes are queued, written many at a
 * time in one transaction, and whoever must know that they are on the disk asks by sync(). After a
 * crash at any moment the file holds a state between two transactions, in the order of the calls.
 * Loop's thread. */
#ifndef LINTEL_STORE_STORE_H
#define LINTEL_STORE_STORE_H
#include <stddef.h>
#include <stdint.h>

#include "core/loop/loop.h"

enum {
    LINTEL_STORE_BLOB_MOST = 1 << 20,   /* bytes */
    LINTEL_STORE_QUEUE_MOST = 64 << 20, /* bytes */
    LINTEL_STORE_SYNCS_MOST = 65536,    /* open at the same time */
    LINTEL_STORE_SCANS_MOST = 64        /* the same */
};

struct lintel_store;
/* Opens or makes the file. kind: what lies in it, with a version, like "directory 1"; a file of
 * another kind is refused. NULL with what is wrong and what to do. Blocking; for the start. */
struct lintel_store *lintel_store_open(struct lintel_loop *l, const char *path, const char *kind,
                                       char *reason, size_t size);
/* Calls each() for all there is, in the order in which the numbers were first put. Before the first
 * put(), and not from inside of each(); blocking. A nonzero result of each() ends it, and is
 * returned; -1: the file can't be read. */
int lintel_store_each(struct lintel_store *s,
                      int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx);

/* The same by number, for numbers from `from` on. */
int lintel_store_from(struct lintel_store *s, uint64_t from,
                      int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx);

/* Copied and queued. -1: out of memory, longer than LINTEL_STORE_BLOB_MOST, or the queue is full
 * (the disk is too slow, or refuses); that is counted. */
int lintel_store_put(struct lintel_store *s, uint64_t key, const void *p, size_t n);
int lintel_store_remove(struct lintel_store *s, uint64_t key);
/* done(ctx, 0) on the loop when all that was queued before is on the disk; done(ctx, -1) if it
 * can't be written now (it stays queued and is tried again). Not called from inside of sync(). -1:
 * out of memory or too many are open, and done() is not called. */
int lintel_store_sync(struct lintel_store *s, void (*done)(void *ctx, int failed), void *ctx);

/* Calls each() for what is on the disk, by number, from `from` on, on the thread that writes. After
 * some thousand of them what is queued is written first, so that changes do not wait for a long
 * scan: it sees those ahead of it. A nonzero result of each() ends it. Then done(ctx, 0) on the
 * loop; done(ctx, -1) where the file can't be read or the store is being closed. -1: out of memory
 * or too many are open, and done() is not called. */
int lintel_store_scan(struct lintel_store *s, uint64_t from,
                      int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                      void (*done)(void *ctx, int failed), void *ctx);

struct lintel_store_stats {
    uint64_t written, transactions, queued; /* changes */
    uint64_t refused;    /* put(), remove(), sync() and scan() that returned -1 */
    const char *trouble; /* "" or why nothing can be written; until the loop's next turn */
};
void lintel_store_stats(const struct lintel_store *s, struct lintel_store_stats *ret);
/* Writes what is queued, as far as the disk takes it, and waits for that; open sync()s end. NULL is
 * fine. */
void lintel_store_close(struct lintel_store *s);
#endif
