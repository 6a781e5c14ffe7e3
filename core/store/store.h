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

enum { LINTEL_STORE_BLOB_MOST = 1 << 20, LINTEL_STORE_QUEUE_MOST = 64 << 20 }; /* bytes */

struct lintel_store;
/* Opens or makes the file. kind: what lies in it, with a version, like "directory 1"; a file of
 * another kind is refused. NULL with what is wrong and what to do. Blocking; for the start. */
struct lintel_store *lintel_store_open(struct lintel_loop *l, const char *path, const char *kind,
                                       char *reason, size_t size);
/* Calls each() for all there is, by number. Before the first put(); blocking. A nonzero result of
 * each() ends it, and is returned; -1: the file can't be read. */
int lintel_store_each(struct lintel_store *s,
                      int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx);

/* Copied and queued. -1: out of memory, or the queue is full (the disk is too slow, or refuses). */
int lintel_store_put(struct lintel_store *s, uint64_t key, const void *p, size_t n);
int lintel_store_remove(struct lintel_store *s, uint64_t key);
/* done(ctx, 0) on the loop when all that was queued before is on the disk; done(ctx, -1) if it
 * can't be written now (it stays queued and is tried again). Not called from inside of sync(). -1:
 * out of memory, and done() is not called. */
int lintel_store_sync(struct lintel_store *s, void (*done)(void *ctx, int failed), void *ctx);

/* Calls each() for what is on the disk by now, by number, beginning with `from`, on a thread of its
 * own and with the view of one moment; the store goes on meanwhile. A nonzero result of each() ends
 * it. Then done(ctx, 0) on the loop, or done(ctx, -1) where the file can't be read or the store is
 * closed. -1: it can't be begun, and done() is not called. */
int lintel_store_scan(struct lintel_store *s, uint64_t from,
                      int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                      void (*done)(void *ctx, int failed), void *ctx);

struct lintel_store_stats {
    uint64_t written, transactions, queued; /* changes */
    const char *trouble;                    /* "" or why nothing can be written */
};
void lintel_store_stats(const struct lintel_store *s, struct lintel_store_stats *ret);
/* Writes what is queued, as far as the disk takes it, and waits for that; open sync()s end. NULL is
 * fine. */
void lintel_store_close(struct lintel_store *s);
#endif
