/* SPDX-License-Identifier: Apache-2.0
 * A store for tests, in memory: the functions of core/store/store.h, which it stands in for. What
 * was put is "on the disk" at once; syncs and scans end when the test says so. */
#ifndef LINTEL_SERVE_FAKE_STORE_H
#define LINTEL_SERVE_FAKE_STORE_H
#include "core/store/store.h"

struct lintel_store *fake_store_new(void);
void fake_store_settle(struct lintel_store *s);        /* ends all syncs and scans that are open */
void fake_store_full(struct lintel_store *s, int yes); /* takes nothing more, and writes nothing */
uint32_t fake_store_n(const struct lintel_store *s);   /* blobs */
/* The same blobs in a new store, as after a restart. */
struct lintel_store *fake_store_copy(const struct lintel_store *s);
#endif
