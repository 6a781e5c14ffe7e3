/* SPDX-License-Identifier: Apache-2.0
 * lintel-plugin-check, the conformance suite for plugins. check.c runs each check in a process of
 * its own and prints TAP; check_file.c looks at the file, check_life.c at create() to destroy(),
 * check_ask.c at requests, check_traces.c at what a plugin leaves in the process, check_alloc.c
 * makes allocations fail. */
#ifndef LINTEL_KIT_CHECK_H
#define LINTEL_KIT_CHECK_H
#include <stddef.h>

#include "lintel/kit.h"

enum { TEXTS_MOST = 64, TEXT_MOST = 512, POINTS_MOST = 500 };

struct texts { /* "key=value", NULL-terminated */
    const char *at[TEXTS_MOST + 1];
    unsigned n;
};
struct addresses { /* of points; each a list */
    struct texts at[TEXTS_MOST];
    unsigned n;
};

struct check_options {
    const char *file, *plugin, *sim, *only;
    struct texts set, device;
    struct addresses addresses;
    unsigned wire_bytes; /* 0: by the plugin's natural type */
    int constructors;    /* are allowed */
    int debug;           /* no process of its own, no limit */
    uint16_t port;       /* of the simulated device, or one that refuses connections */
    char line[64];       /* the same of a serial line */
};

/* The other end of the plugin's wire. */
enum check_peer {
    PEER_ANY,    /* the simulated device; without one, nobody listens */
    PEER_SILENT, /* takes all and says nothing */
    PEER_CUTTING /* closes after one byte */
};

/* All of this is of the one process that makes one check. */
struct check {
    const struct check_options *o;
    const lintel_entry *entry; /* NULL before check_load() */
    const lintel_plugin *plugin;
    int result; /* descriptor: what is said goes there */
    int skipped;
    lintel_kit_peer *peers[3];
    uint16_t port;
    const char *line;
};

/* What a check says. fail(): what is wrong, which rule it breaks, what to do; the check goes on. */
void check_fail(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_skip(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_note(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Which breaches of the contract (LINTEL_KIT_*) are this check's to tell; others have their own. */
void check_watch(struct check *c, uint32_t rules);

/* Opens the plugin; 0: that failed, or the check can't be made without what the user did not give.
 */
int check_load(struct check *c);
int check_has_peer(const struct check *c); /* a setting has {port} or {line} */
int check_has_points(struct check *c); /* it reads, and its addresses are known; else it skips */
int check_knows_points(const struct check *c); /* the same without a word */
int check_is_transport(const struct check *c);

/* An instance. more: settings that count instead of the user's; NULL. NULL after fail(). */
lintel_kit *check_create(struct check *c, enum check_peer peer, const struct texts *more);
struct rig {
    int writable;
    lintel_kit *kit;
    int points[POINTS_MOST];
    unsigned n;
};
/* create, start, attach and bind of n points. 0: failed, told, all undone. */
int check_rig(struct check *c, enum check_peer peer, unsigned n, struct rig *ret);
/* A request for the first n points, with its result judged: done once, and read with one sample a
 * point. */
struct lintel_kit_result *check_ask(struct check *c, struct rig *r, int op, unsigned n,
                                    const lintel_value *values, uint32_t deadline_ms);
int check_op_exists(const struct check *c, int op);
/* {port}, {line} and {n} are filled in; kept as long as the process. */
const char *check_fill(const struct check *c, const char *text, unsigned n);

struct check_row {
    const char *title;
    void (*fn)(struct check *c);
    unsigned seconds; /* its time limit */
    int bare;         /* called on the main thread, not on one like the hub's */
};
int64_t check_now_ms(void); /* of a clock that only goes forward */
extern const struct check_row check_file_rows[], check_life_rows[], check_ask_rows[],
    check_traces_rows[], check_alloc_rows[];

/* check_alloc.c: what the plugin itself has allocated and not freed, since the plugin was loaded.
 * -1: not known (a sanitizer has malloc). */
long check_blocks(void);
int check_sanitized(void);
/* Allocations by the library that has this address count. */
void check_alloc_watch(const void *inside);

/* Runs fn on a thread with the stack that the hub gives an instance. */
void check_on_thread(void (*fn)(struct check *c), struct check *c);
#endif
