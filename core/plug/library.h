/* SPDX-License-Identifier: Apache-2.0
 * Opening one plugin's file into this process, which runs its code. What is opened is never closed.
 * Threads: any. */
#ifndef LINTEL_PLUG_LIBRARY_H
#define LINTEL_PLUG_LIBRARY_H
#include <limits.h>
#include <sys/stat.h>

#include "lintel/plugin.h"

/* Opens one file; for lintel-host, for `lintel-plugin-check`, and for what is to run inside of this
 * process. Another file in the place of one that is open (another inode) is opened beside it; one
 * that was written over in place is refused. NULL with the reason. */
const lintel_entry *lintel_load_file(const char *file, char *reason, uint32_t size);

/* Tells a file from another one that was put in its place or written over it: device, inode, time
 * of change, size. 0: there is no such file. Looks at the disk. */
uint64_t lintel_load_mark(const char *file);
/* The mark that the file of an opened plugin had then; 0: it came from no file. */
uint64_t lintel_loaded_mark(const lintel_plugin *p);

/* All that can be said of a file without running its code: 0, or -1 with the reason. path: the real
 * one. */
int lintel_library_judge(const char *file, char path[PATH_MAX], struct stat *ret_st, char *reason,
                         uint32_t size);
int lintel_library_same_file(const struct stat *a, const struct stat *b);
int lintel_library_same_content(const struct stat *a, const struct stat *b); /* of the same file */
uint64_t lintel_library_mark(const struct stat *st);
/* The reason why a file that was written over is refused. */
void lintel_library_lost(const char *path, char *reason, uint32_t size);
#endif
