/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/modbus_line.h"

#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
enum { FRAME_MOST = 260, SPEECHES_MOST = 64 };

struct speech { /* what a unit says; free where n is 0 */
    int64_t start;
    size_t n, heard;
    int begun;      /* a FAULT_LATE's answer waits for the next request until then */
    int64_t asked;  /* when the request began that it answers; 0: it comes too late, or garbled */
    int64_t listen; /* how long the master then keeps the line */
    uint8_t frame[FRAME_MOST], garbled[FRAME_MOST];
};
struct sim_line {
    struct sim_line_conf conf;
    struct unit **units;
    int64_t character, silence;
    uint8_t in[FRAME_MOST]; /* the request that is being sent */
    size_t nin;
    int64_t in_start, in_end;
    int in_garbled;
    struct speech speeches[SPEECHES_MOST];
    int64_t busy_until;
    uint8_t silent[256]; /* by unit: the last request was in vain */
    struct sim_line_counts counts;
};

uint16_t
sim_crc16(const uint8_t *p, size_t n)
{
    uint16_t crc = 0xffff;
    while (n-- > 0) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

struct unit *
sim_unit_of(struct unit *u, uint8_t id)
{
    while (u != NULL && u->id != id)
        u = u->next;
    return u;
}

struct sim_line *
sim_line_new(const struct sim_line_conf *c, struct unit **units)
{
    struct sim_line *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->conf = *c;
    l->units = units;
    l->character = (int64_t)c->bits * 1000000000 / c->baud;
    l->silence = c->baud > 19200 ? 1750000 : INT64_C(38500000000) / c->baud;
    return l;
}

void
sim_line_free(struct sim_line *l)
{
    free(l);
}

const struct sim_line_counts *
sim_line_counts(const struct sim_line *l)
{
    return &l->counts;
}

/* ---- who speaks when ---- */

/* Bytes of a speech that lie in the time given become garbage; how many. */
static int
disturb(struct sim_line *l, struct speech *s, int64_t from, int64_t to)
{
    int hit = 0;
    for (size_t i = s->heard; i < s->n && s->begun; i++) {
        int64_t start = s->start + (int64_t)i * l->character;
        if (start < to && from < start + l->character) {
            s->garbled[i] = 1;
            hit++;
        }
    }
    return hit;
}

/* Everything else that is said in this time becomes garbage; whether there was something. */
static int
collide(struct sim_line *l, const struct speech *self, int64_t from, int64_t to)
{
    int hit = 0;
    for (struct speech *s = l->speeches; s < l->speeches + SPEECHES_MOST; s++)
        if (s != self && s->n != 0)
            hit += disturb(l, s, from, to);
    if (self != NULL && l->nin > 0 && l->in_start < to && from < l->in_end) {
        l->in_garbled = 1;
        hit++;
    }
    l->counts.collisions += hit != 0;
    return hit != 0;
}

static void
use(struct sim_line *l, uint8_t unit, int64_t from, int64_t to)
{
    if (from < l->busy_until)
        from = l->busy_until;
    if (to <= from)
        return;
    l->counts.busy_ns += to - from;
    l->counts.busy_of[unit] += to - from;
    l->busy_until = to;
}

static struct speech *
new_speech(struct sim_line *l, uint8_t unit, const uint8_t *pdu, size_t n)
{
    for (struct speech *s = l->speeches; s < l->speeches + SPEECHES_MOST; s++) {
        if (s->n != 0)
            continue;
        memset(s, 0, sizeof *s);
        s->frame[0] = unit;
        memcpy(s->frame + 1, pdu, n);
        uint16_t crc = sim_crc16(s->frame, n + 1);
        s->frame[n + 1] = (uint8_t)crc;
        s->frame[n + 2] = (uint8_t)(crc >> 8);
        s->n = n + 3;
        return s;
    }
    return NULL;
}

/* Returns whether it can be understood. */
static int
begin(struct sim_line *l, struct speech *s, int64_t start)
{
    s->start = start;
    s->begun = 1;
    l->counts.bytes += s->n;
    for (size_t i = 0; i < s->n; i++) {
        int64_t from = start + (int64_t)i * l->character;
        if (collide(l, s, from, from + l->character))
            s->garbled[i] = 1;
    }
    return memchr(s->garbled, 1, s->n) == NULL;
}

/* ---- requests ---- */

/* What the unit says to it, and when. NULL: nothing that the master takes. */
static struct speech *
answer(struct sim_line *l, struct unit *u, const uint8_t *pdu, size_t n, int64_t end)
{
    uint8_t out[253];
    enum fault fault = ++u->requests % u->every == 0 ? u->fault : FAULT_NONE;
    int64_t start = end + (l->conf.turnaround > l->silence ? l->conf.turnaround : l->silence);
    if (u->killed || fault == FAULT_DEAD)
        return NULL;
    size_t m = unit_answer(u, pdu, n, (double)end / 1e9, out);
    if (fault == FAULT_EXCEPTION) {
        out[0] = pdu[0] | 0x80;
        out[1] = (uint8_t)u->fault_value;
        m = 2;
    }
    struct speech *s =
        new_speech(l, fault == FAULT_WRONG_UNIT ? (uint8_t)(u->id + 1) : u->id, out, m);
    if (s == NULL || fault == FAULT_LATE)
        return NULL;
    if (fault == FAULT_HALF)
        s->n /= 2;
    if (fault == FAULT_SLOW)
        start += u->fault_value * MS;
    int whole = begin(l, s, start);
    return whole && fault != FAULT_HALF && fault != FAULT_WRONG_UNIT && start - end < l->conf.wait
               ? s
               : NULL;
}

/* Bytes of the answer to a whole request. */
static size_t
expected(const uint8_t *f)
{
    size_t count = (size_t)f[4] << 8 | f[5];
    return f[1] > 4 ? 8 : 5 + (f[1] <= 2 ? (count + 7) / 8 : 2 * count);
}

static void
broadcast(struct sim_line *l, const uint8_t *f, size_t n)
{
    uint8_t out[253];
    for (struct unit *u = *l->units; u != NULL; u = u->next)
        (void)unit_answer(u, f + 1, n - 3, (double)l->in_end / 1e9, out);
    use(l, 0, l->in_start, l->in_end + l->silence);
}

static void
request_over(struct sim_line *l)
{
    size_t n = l->nin;
    const uint8_t *f = l->in;
    l->nin = 0;
    for (struct speech *s = l->speeches; s < l->speeches + SPEECHES_MOST; s++)
        if (s->n != 0 && !s->begun) /* late: it takes this request for its turn to speak */
            (void)begin(l, s, l->in_end + l->silence);
    l->counts.requests++;
    l->counts.requests_of[f[0]]++;
    l->counts.bytes += n;
    int whole =
        !l->in_garbled && n >= 8 && sim_crc16(f, n - 2) == (f[n - 2] | (uint16_t)(f[n - 1] << 8));
    struct unit *u = sim_unit_of(*l->units, f[0]);
    if (whole && f[0] == 0) {
        broadcast(l, f, n);
        return;
    }
    struct speech *s = whole && u != NULL ? answer(l, u, f + 1, n - 3, l->in_end) : NULL;
    if (s != NULL) {
        s->asked = l->in_start;
        s->listen = l->silent[f[0]] ? l->conf.wait : l->silence;
        l->counts.answered++;
    } else {
        use(l, f[0], l->in_start,
            l->in_end + l->conf.wait + (whole ? (int64_t)expected(f) * l->character : 0));
    }
    l->silent[f[0]] = s == NULL;
}

static void
run(struct sim_line *l, int64_t now)
{
    if (l->nin > 0 && l->in_end + l->silence <= now)
        request_over(l);
}

void
sim_line_speak(struct sim_line *l, int64_t at, const uint8_t *p, size_t n)
{
    run(l, at);
    if (l->nin == 0) {
        l->in_start = l->in_end = at;
        l->in_garbled = 0;
    } else if (at < l->in_end) {
        at = l->in_end;
    }
    for (size_t i = 0; i < n; i++, at += l->character) {
        if (l->nin == FRAME_MOST)
            l->in_garbled = 1;
        else
            l->in[l->nin++] = p[i];
        l->in_end = at + l->character;
        l->in_garbled |= collide(l, NULL, at, l->in_end);
    }
}

/* ---- hearing ---- */

static int64_t
next_heard(const struct sim_line *l, const struct speech *s)
{
    return s->n != 0 && s->begun ? s->start + (int64_t)(s->heard + 1) * l->character : INT64_MAX;
}

int64_t
sim_line_next(const struct sim_line *l)
{
    int64_t next = l->nin > 0 ? l->in_end + l->silence : INT64_MAX;
    for (const struct speech *s = l->speeches; s < l->speeches + SPEECHES_MOST; s++)
        if (next_heard(l, s) < next)
            next = next_heard(l, s);
    return next;
}

int
sim_line_hear(struct sim_line *l, int64_t now)
{
    struct speech *first = NULL;
    run(l, now);
    for (struct speech *s = l->speeches; s < l->speeches + SPEECHES_MOST; s++)
        if (next_heard(l, s) <= now && (first == NULL || next_heard(l, s) < next_heard(l, first)))
            first = s;
    if (first == NULL)
        return -1;
    size_t i = first->heard++;
    int byte = first->garbled[i] ? first->frame[i] ^ 0x5b : first->frame[i];
    if (first->heard == first->n) {
        if (first->asked != 0) /* as late as it was really heard */
            use(l, first->frame[0], first->asked, now + first->listen);
        first->n = 0;
    }
    return byte;
}
