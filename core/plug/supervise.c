/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/supervise.h"

#include <errno.h>
#include <string.h>

#define MS INT64_C(1000000)
#define STARVED (100 * MS)
#define CALM (10000 * MS) /* when it has run so long, the next want is the first again */
enum {
    STARVED_DOUBLINGS = 6,
    STARVED_RAN = 3 /* of those, when it has run at all */
};

/* After the first end values shall be fresh within 200 ms and the device's time, so the pause is
 * short; it is there at all so that a machine in trouble gets some air. */
static const int64_t pauses[LINTEL_SUPERVISE_ENDS - 1] = {50 * MS, 400 * MS, 800 * MS, 1600 * MS};

static uint64_t
next_random(struct lintel_supervise *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t
jitter(struct lintel_supervise *s, int64_t pause)
{
    return pause * 3 / 4 + (int64_t)(next_random(s) % (uint64_t)(pause / 2));
}

static void
drop_oldest(struct lintel_supervise *s)
{
    s->n--;
    memmove(&s->ends[0], &s->ends[1], s->n * sizeof s->ends[0]);
}

void
lintel_supervise_ready(struct lintel_supervise *s, lintel_mono now)
{
    if (s->up_since == 0)
        s->up_since = now;
}

int64_t
lintel_supervise_ended(struct lintel_supervise *s, lintel_mono now)
{
    if (s->up_since != 0 && now - s->up_since >= LINTEL_SUPERVISE_WINDOW)
        s->alarm = 0;
    s->up_since = 0;
    while (s->n > 0 && now - s->ends[0] >= LINTEL_SUPERVISE_WINDOW)
        drop_oldest(s);
    if (s->n == LINTEL_SUPERVISE_ENDS)
        drop_oldest(s);
    s->ends[s->n++] = now;
    if ((s->n == LINTEL_SUPERVISE_ENDS || s->alarm != 0) && s->alarm < UINT32_MAX)
        s->alarm++;
    /* An alarm is tried exactly as often as is said. */
    return s->alarm != 0 ? LINTEL_SUPERVISE_RARELY : jitter(s, pauses[s->n - 1]);
}

int
lintel_supervise_is_want(int error)
{
    return error == ENOMEM || error == EMFILE || error == ENFILE || error == EAGAIN;
}

int64_t
lintel_supervise_starved(struct lintel_supervise *s, lintel_mono now)
{
    if (s->up_since != 0 && now - s->up_since >= CALM)
        s->starved = 0;
    else if (s->up_since != 0 && s->starved > STARVED_RAN)
        s->starved = STARVED_RAN;
    s->up_since = 0;
    uint32_t n = s->starved;
    if (n <= STARVED_DOUBLINGS)
        s->starved++;
    return jitter(s, STARVED << (n < STARVED_DOUBLINGS ? n : STARVED_DOUBLINGS));
}

int64_t
lintel_supervise_short(struct lintel_supervise *s, lintel_mono now)
{
    return s->up_since != 0 || s->starved <= STARVED_DOUBLINGS ? lintel_supervise_starved(s, now)
                                                               : lintel_supervise_ended(s, now);
}

void
lintel_supervise_forgive(struct lintel_supervise *s)
{
    s->n = s->starved = 0;
    s->alarm = 0;
}
