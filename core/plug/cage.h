/* SPDX-License-Identifier: Apache-2.0
 * What a child may do: put together by the hub from what the plugins say that they need and from
 * the files that their settings name, and told to the child in a frame before it opens anything.
 * How the child locks itself in stands in core/plug/cage_lock.h. Threads: one at a time. */
#ifndef LINTEL_PLUG_CAGE_H
#define LINTEL_PLUG_CAGE_H
#include "core/base/text.h"
#include "core/bind/site.h"

enum {
    LINTEL_CAGE_PATHS_MOST = 1024,
    LINTEL_CAGE_MEMORY = 512, /* MiB, where the site says nothing */
    LINTEL_CAGE_MEMORY_MOST = 1 << 20,
    LINTEL_CAGE_NEEDS = 15 /* all bits of lintel_plugin.needs that are known */
};

struct lintel_cage_path {
    char *path; /* absolute */
    int device; /* it may be a serial line: then it is read and written to */
};

struct lintel_cage_user { /* whom a child of a root's daemon becomes */
    char name[64];        /* "": it stays who it is */
    uint32_t uid, gid;
    uint32_t serial; /* the group of serial lines; 0: none */
};

struct lintel_cage { /* {0} allows nothing but to run */
    uint32_t needs;  /* LINTEL_NEED_* */
    uint32_t memory; /* MiB; 0: LINTEL_CAGE_MEMORY */
    int off;         /* no cage at all; for developers */
    struct lintel_cage_user user;
    struct lintel_cage_path *paths;
    uint32_t npaths;
};
void lintel_cage_fini(struct lintel_cage *c);
/* Widens it. -1: out of memory, or too many paths; then it is as wide as before, or a bit wider. */
int lintel_cage_add_path(struct lintel_cage *c, const char *path, int device);
int lintel_cage_add_port(struct lintel_cage *c, const struct lintel_port *conf);
/* The same with another version of its plugin, whose tables say the same, from this file. */
int lintel_cage_add_code(struct lintel_cage *c, const struct lintel_port *conf,
                         const lintel_plugin *plugin, const char *file);
/* All ports of the site that run in this shared child. */
int lintel_cage_add_shared(struct lintel_cage *c, const struct lintel_site *site,
                           const char *process);
/* Whether what `less` allows, `c` allows too. */
int lintel_cage_covers(const struct lintel_cage *c, const struct lintel_cage *less);

/* The frame, and back. 0, or -1: it breaks the protocol, or memory is out; then nothing is set. */
void lintel_cage_write(struct lintel_buf *b, const struct lintel_cage *c);
int lintel_cage_read(const unsigned char *p, size_t n, struct lintel_cage *ret);

/* Where the daemon is root: the user lintel-plugin, or nobody. Reads the user data base: not on the
 * loop while it runs. */
void lintel_cage_find_user(struct lintel_cage_user *ret);
#define LINTEL_CAGE_USER "lintel-plugin"
#endif
