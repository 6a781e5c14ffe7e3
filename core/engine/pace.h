/* SPDX-License-Identifier: Apache-2.0
 * All figures of pace, in one place. */
#ifndef LINTEL_ENGINE_PACE_H
#define LINTEL_ENGINE_PACE_H
#include <stdint.h>

#define SECOND INT64_C(1000000000)
#define REQUEST_NS (5 * SECOND) /* deadline of one request */
#define POINT_NS (SECOND / 200) /* more time for each point of a poll: lines are slow */
#define PROBE_NS (1 * SECOND)   /* the same for a device that did not answer before */
#define PHASE_NS                                                                                   \
    (SECOND / 10) /* polls begin at multiples of it, where a second or more is between them */
#define WAIT_NS (10 * SECOND) /* a command that waits longer ends with a timeout */
#define AGAIN_NS (SECOND / 5) /* pause after "busy" */
#define BACKOFF_FIRST_NS (1 * SECOND)
#define BACKOFF_MOST_NS (60 * SECOND)
#define BACKOFF_LINK_MOST_NS (10 * SECOND) /* no connection: trying costs other devices nothing */
#define SAMPLE_NS (10 * SECOND) /* a point that only requests read is looked at for a watcher */
#define SAMPLE_LEAST_NS (SECOND / 2) /* c.epmax: no point is read for watchers more often */
#define SAMPLE_GAP_NS (SECOND / 100) /* between two reads of a bus for watchers, at least */
#define NEVER (INT64_MAX / 2)
enum {
    BACKOFF_SHARE = 100, /* a silent device rests so many times as long as it takes to find that it
                            is still silent: less than 1 % of its bus' time */
    COMMAND_SHARE = 10,  /* the same for commands to it that people insist on */
    SAMPLE_SHARE = 2,    /* reads for watchers use at most one part in so many of a bus' time */
    PHASES_LEAST = 10,   /* moments at which the polls of one pace can begin */
    URGENT_MOST = 8,     /* commands in a row, while polls of other devices wait */
    GROUP_MOST = 512,    /* points of one request, so that a write does not wait long */
    OPEN_MOST = 16,      /* requests under way on a bus whose plugin does not block */
    QUEUE_MOST = 64,     /* commands that wait for one device */
    WAITERS_MOST = 1024  /* readers that wait for one device */
};
#endif
