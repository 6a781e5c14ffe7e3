/* SPDX-License-Identifier: Apache-2.0
 * Where the programs find their parts: installed, or in the tree that they were built in. */
#ifndef LINTEL_DAEMON_PATHS_H
#define LINTEL_DAEMON_PATHS_H

enum { LINTEL_PATH_MOST = 1024 };

struct lintel_paths {
    int build_tree; /* running without install */
    char plugins[LINTEL_PATH_MOST];
    char schemas[LINTEL_PATH_MOST];
    char bindings[LINTEL_PATH_MOST];
    char host[LINTEL_PATH_MOST];   /* lintel-host */
    char daemon[LINTEL_PATH_MOST]; /* linteld */
    char run[LINTEL_PATH_MOST];    /* default of --run */
};
/* The program's own place (/proc/self/exe) decides: beside a file core/daemon/build-tree it is the
 * build tree. -1 if a path does not fit. */
int lintel_paths_find(struct lintel_paths *ret);
#endif
