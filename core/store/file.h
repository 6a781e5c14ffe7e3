/* SPDX-License-Identifier: Apache-2.0
 * The SQLite file of a store: opening, judging, reading, writing. Any thread, one at a time; all
 * calls block. Private to the store. */
#ifndef LINTEL_STORE_FILE_H
#define LINTEL_STORE_FILE_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct store_file;
struct store_change { /* one put or remove, waiting */
    struct store_change *next;
    uint64_t key;
    size_t n;
    int remove;
    unsigned char data[];
};

/* NULL with what is wrong and what to do. */
struct store_file *store_file_open(const char *path, const char *kind, char *reason, size_t size);
void store_file_close(struct store_file *f); /* NULL is fine */

int store_file_each(struct store_file *f,
                    int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx);
/* By key, from `from` on; ended by *stop too, then -1. stop may be NULL. */
int store_file_from(struct store_file *f, uint64_t from,
                    int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx,
                    const atomic_int *stop);
/* All of the list, on the disk when it returns 0; else -1 with a reason, and nothing of it. */
int store_file_write(struct store_file *f, const struct store_change *list, char *reason,
                     size_t size);
#endif
