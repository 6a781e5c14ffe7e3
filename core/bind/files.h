/* SPDX-License-Identifier: Apache-2.0
 * A site's files on disk. */
#ifndef LINTEL_BIND_FILES_H
#define LINTEL_BIND_FILES_H
#include "core/bind/site.h"

enum {
    LINTEL_FILES_MOST = 20000 /* in one folder */
};
extern const struct lintel_site_files lintel_disk_files;

/* "dir/name" in the arena, without "./" in front; NULL: out of memory. */
const char *lintel_path_join(struct lintel_arena *a, const char *dir, const char *name);
/* The same folder, absolute; NULL: out of memory, or the working folder is gone. */
const char *lintel_path_absolute(struct lintel_arena *a, const char *dir);
#endif
