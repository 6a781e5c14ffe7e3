/* SPDX-License-Identifier: Apache-2.0
 * When something that ends by itself is started again: at once the first time, more and more
 * slowly after that, and rarely once it is beyond hope. For children and for single instances. No
 * clock of its own, no timer: it only counts. */
#ifndef LINTEL_PLUG_SUPERVISE_H
#define LINTEL_PLUG_SUPERVISE_H
#include <stdint.h>

#include "lintel/plugin.h"

#define LINTEL_SUPERVISE_WINDOW                                                                    \
    (600 * INT64_C(1000000000))                             /* ends older than this are forgotten  \
                                                             */
#define LINTEL_SUPERVISE_RARELY (300 * INT64_C(1000000000)) /* between two tries in an alarm */
enum { LINTEL_SUPERVISE_ENDS = 5 };                         /* within the window: an alarm */

struct lintel_supervise {                    /* {.random = a seed} is a fresh one */
    lintel_mono ends[LINTEL_SUPERVISE_ENDS]; /* within the window, the oldest first */
    uint32_t n;
    lintel_mono up_since; /* 0: it does not run */
    uint32_t alarm;       /* ends since it is one; 0 once it has run for a window, or is forgiven */
    uint32_t starved;     /* times since it last ran well that the machine was short of something */
    uint64_t random;      /* of the jitter: what died of one cause does not start in step */
};
/* It runs well as far as it can be told. */
void lintel_supervise_ready(struct lintel_supervise *s, lintel_mono now);
/* It has died, was ended for a lie, or could not be started. Returns the pause before the next try
 * in ns: 0.05 s, 0.4 s, 0.8 s, 1.6 s for the first to the fourth end within ten minutes, each a
 * quarter more or less; from the fifth on it is an alarm, with a try every five minutes. */
int64_t lintel_supervise_ended(struct lintel_supervise *s, lintel_mono now);
/* Whether an errno tells that the machine is short of memory or descriptors, which may pass. */
int lintel_supervise_is_want(int error);
/* The hub had no memory or no descriptors for it: no fault of its own, so it does not count.
 * Returns the pause before the next try in ns: 0.1 s, and twice as long each time up to 6.4 s, or
 * up to 0.8 s where it has run in between, each a quarter more or less. */
int64_t lintel_supervise_starved(struct lintel_supervise *s, lintel_mono now);
/* The same where that is only likely: a child ends before there is anything of a plugin in it, or
 * says that memory is out. After seven times in a row, 13 s, it is an end like others. */
int64_t lintel_supervise_short(struct lintel_supervise *s, lintel_mono now);
/* Somebody has done something about it: all is forgotten. */
void lintel_supervise_forgive(struct lintel_supervise *s);
#endif
