/* SPDX-License-Identifier: Apache-2.0
 * Secrets: small files that nobody but the hub's user may read. */
#ifndef LINTEL_TRUST_SECRET_H
#define LINTEL_TRUST_SECRET_H
#include <stddef.h>

enum { LINTEL_SECRET_MOST = 4096 }; /* bytes */

/* Reads FOLDER/NAME: a regular file of the current user or root, with no right for group or others.
 * A line end at its end is cut. 0 with a NUL-terminated text, or -1 with what is wrong and what to
 * type. No secret is ever part of a reason. Wipe the text when it is done with. */
int lintel_secret_read(const char *folder, const char *name, char text[LINTEL_SECRET_MOST + 1],
                       size_t *ret_n, char *reason, size_t size);
/* Overwrites memory in a way that no compiler leaves out. */
void lintel_secret_wipe(void *p, size_t n);
#endif
