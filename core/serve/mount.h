/* SPDX-License-Identifier: Apache-2.0
 * Resources that plugins add to the tree (lintel/ext/resources.h). */
#ifndef LINTEL_SERVE_MOUNT_H
#define LINTEL_SERVE_MOUNT_H
#include "core/serve/inside.h"

struct lintel_mount {
    struct lintel_mount *next;
    char *name, *links; /* links: a document in link format, "" = none */
    const struct lintel_mount_ops *ops;
    void *ctx;
};
/* Hands the call to the plugin that has mounted its first segment; 0: nobody has. */
int lintel_serve_mounted(struct lintel_call *c);
void lintel_mounts_free(struct lintel_tree *t);
#endif
