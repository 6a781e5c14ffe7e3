/* SPDX-License-Identifier: Apache-2.0
 * An answer is taken only when nothing speaks against it. On TCP the transaction id tells: what
 * bears another one is dropped and waiting goes on, so a connection survives late answers. A serial
 * line has no such id: another unit's frame is told by its address, but a unit that answers after
 * its time is over looks the same as one that answers the next request. So the first answer of a
 * unit that was silent before is not believed until the line has been quiet for one more timeout;
 * of several answers the last one counts. */
#include "modbus_link.h"
#include "modbus_tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus_pause.h"
#include "modbus_time.h"

#define MS INT64_C(1000000)
#define BACKOFF_FIRST (500 * MS)
#define TURNAROUND (100 * MS) /* of a broadcast; Modbus over Serial Line V1.02, 2.4.1 */
enum { SILENT_MOST = 3 };     /* timeouts in a row after which a connection is opened anew */

struct mb_link {
    const lintel_host *host;
    const struct mb_conf *conf;
    const struct mb_wire_ops *ops;
    struct mb_wire *wire;
    const lintel_host_wire *tap; /* NULL: not asked for yet, or the hub has none */
    int taped;                   /* a recording stands in for the wire */
    int open;
    int proven; /* something came since it was opened */
    int told;   /* the hub knows: 1 up, -1 down, 0 nothing yet */
    lintel_mono next_attempt, backoff;
    lintel_mono quiet_until; /* no frame may be sent before */
    uint32_t generation;
    uint32_t silent; /* timeouts in a row */
    uint16_t transaction;
    uint64_t random;
    lintel_mono silent_at[256]; /* serial: when the unit's time was over; 0: it answers */
    uint8_t kept[MB_PDU_MOST];
    char down[MB_DETAIL]; /* why there is no connection */
};

void
mb_say(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, MB_DETAIL, format, args);
    va_end(args);
}

struct mb_link *
mb_link_new(const lintel_host *h, const struct mb_conf *c)
{
    struct mb_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->host = h;
    l->conf = c;
    l->ops = c->rtu ? &mb_rtu : &mb_tcp;
    l->backoff = BACKOFF_FIRST;
    l->random = (uintptr_t)l;
    l->wire = l->ops->make(h, c);
    if (l->wire == NULL) {
        free(l);
        return NULL;
    }
    return l;
}

void
mb_link_free(struct mb_link *l)
{
    if (l == NULL)
        return;
    mb_link_close(l);
    l->ops->drop(l->wire);
    free(l);
}

uint32_t
mb_link_generation(const struct mb_link *l)
{
    return l->generation;
}

static lintel_mono
now(const struct mb_link *l)
{
    return l->host->now(l->host);
}

void
mb_link_close(struct mb_link *l)
{
    if (l->open)
        l->ops->close(l->wire);
    l->open = 0;
}

static void
tell_down(struct mb_link *l, const char *why)
{
    mb_say(l->down, "%s", why);
    if (l->told != -1)
        l->host->link(l->host, LINTEL_E_LINK, l->down);
    l->told = -1;
}

/* An attempt came to nothing: the next one is later, and later again. */
static void
back_off(struct mb_link *l)
{
    l->random = l->random * UINT64_C(6364136223846793005) + (uint64_t)now(l) + 1;
    lintel_mono most = l->conf->reconnect_most;
    lintel_mono wait = l->backoff < most ? l->backoff : most;
    /* Three quarters of it to all: many buses of one dead gateway do not come back in step. */
    lintel_mono jitter = (lintel_mono)((l->random >> 33) % (uint64_t)(wait / 4 + 1));
    l->next_attempt = now(l) + wait - jitter;
    l->backoff = wait < most / 2 ? wait * 2 : most;
}

/* The connection is of no use any more. One that worked is opened anew with the next request, and
 * only if that fails the hub hears of it: some gateways close the connection when a unit behind
 * them does not answer, and told as a loss of the line, that one unit would make all others stale
 * and be asked again at once, with them, in a circle. */
static void
lost(struct mb_link *l, const char *why)
{
    mb_link_close(l);
    if (l->proven) {
        l->backoff = BACKOFF_FIRST;
        l->next_attempt = now(l);
        mb_say(l->down, "%s", why);
    } else {
        back_off(l);
        tell_down(l, why);
    }
}

/* Closes a connection that is to be opened anew although nobody said that it is broken. */
static void
reopen(struct mb_link *l)
{
    mb_link_close(l);
    mb_say(l->down, "the connection is being opened anew");
    l->next_attempt = now(l);
    l->silent = 0;
}

static void
came_up(struct mb_link *l)
{
    l->open = 1;
    l->proven = 0;
    l->silent = 0;
    memset(l->silent_at, 0, sizeof l->silent_at);
    if (l->told == -1)
        l->generation++;
    if (l->told != 1)
        l->host->link(l->host, LINTEL_OK, "");
    l->told = 1;
}

/* The hub can be asked for this only once the instance runs. */
static lintel_status
find_tape(struct mb_link *l, char *why)
{
    if (l->tap != NULL || (l->tap = mb_tap_of(l->host)) == NULL || !l->tap->replaying(l->host))
        return LINTEL_OK;
    struct mb_wire *tape = mb_tape.make(l->host, l->conf);
    if (tape == NULL) {
        l->tap = NULL;
        mb_say(why, "out of memory");
        return LINTEL_E_NOMEM;
    }
    l->ops->drop(l->wire);
    l->ops = &mb_tape;
    l->wire = tape;
    l->taped = 1;
    return LINTEL_OK;
}

lintel_status
mb_link_ready(struct mb_link *l, lintel_mono deadline, char *why)
{
    lintel_status taped = find_tape(l, why);
    if (taped != LINTEL_OK)
        return taped;
    if (l->open && l->ops->settle(l->wire, why) == LINTEL_OK)
        return LINTEL_OK;
    if (l->open && l->proven)
        reopen(l); /* servers close idle connections: no reason to say much */
    else if (l->open)
        lost(l, why);
    lintel_mono t = now(l);
    if (t < l->next_attempt) {
        mb_say(why, "%.110s; next attempt in %.1f s", l->down, (double)(l->next_attempt - t) / 1e9);
        return LINTEL_E_LINK;
    }
    lintel_mono most = t + l->conf->connect_timeout;
    if (l->ops->open(l->wire, most < deadline ? most : deadline, why) != LINTEL_OK) {
        back_off(l);
        tell_down(l, why);
        return LINTEL_E_LINK;
    }
    came_up(l);
    return LINTEL_OK;
}

/* Keeps the silence between frames. */
static lintel_status
keep_quiet(struct mb_link *l, lintel_mono deadline, char *why)
{
    lintel_mono left = l->quiet_until - now(l);
    if (left <= 0)
        return LINTEL_OK;
    if (l->quiet_until >= deadline) {
        mb_say(why, "the deadline was over before the pause between frames");
        return LINTEL_E_TIMEOUT;
    }
    if (l->taped)
        l->tap->wait(l->host, l->quiet_until);
    else
        mb_pause(l->host, left);
    return LINTEL_OK;
}

static lintel_status
send_request(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n, lintel_mono deadline,
             char *why)
{
    if (!l->open) {
        mb_say(why, "%s", l->down);
        return LINTEL_E_LINK;
    }
    lintel_status st = keep_quiet(l, deadline, why);
    if (st != LINTEL_OK)
        return st;
    st = l->ops->send(l->wire, ++l->transaction, unit, pdu, n, deadline, why);
    if (st != LINTEL_OK)
        lost(l, why);
    else
        mb_tap(l->tap, l->host, l->conf, LINTEL_TAP_OUT, l->transaction, unit, pdu, n);
    return st == LINTEL_OK ? LINTEL_OK : LINTEL_E_LINK;
}

/* What a frame is to the request. LINTEL_E_BUSY: nothing, go on waiting. */
static lintel_status
judge(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n, const struct mb_frame *f,
      struct mb_answer *ret)
{
    int by_transaction = !l->conf->rtu && l->conf->check_transaction;
    if (by_transaction && f->transaction != l->transaction) {
        mb_say(ret->why, "a late answer, to request %u instead of %u", f->transaction,
               l->transaction);
        return LINTEL_E_BUSY;
    }
    if (f->unit != unit && (l->conf->rtu || l->conf->check_unit)) {
        mb_say(ret->why, "unit %u answered instead of unit %u", f->unit, unit);
        return by_transaction ? LINTEL_E_PROTO : LINTEL_E_BUSY;
    }
    ret->pdu = f->pdu;
    ret->npdu = f->npdu;
    switch (mb_pdu_judge(pdu, n, f->pdu, f->npdu, &ret->exception)) {
    case MB_ANSWERS: return LINTEL_OK;
    case MB_EXCEPTION: return LINTEL_E_DEVICE;
    case MB_FOREIGN:
        mb_say(ret->why, "unit %u answered another request than was sent", unit);
        return by_transaction ? LINTEL_E_PROTO : LINTEL_E_BUSY;
    default:
        mb_say(ret->why, "unit %u: the answer's length (%zu bytes) contradicts its content", unit,
               f->npdu);
        return by_transaction ? LINTEL_E_PROTO : LINTEL_E_BUSY;
    }
}

/* Waits for the answer; foreign frames are dropped and mentioned. */
static lintel_status
await(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n, lintel_mono until,
      struct mb_answer *ret)
{
    struct mb_frame f;
    char dropped[MB_DETAIL] = "";
    for (;;) {
        lintel_status st =
            now(l) < until ? l->ops->receive(l->wire, unit, until, &f, ret->why) : LINTEL_E_TIMEOUT;
        if (st == LINTEL_OK) {
            l->proven = 1;
            l->silent = 0;
            mb_tap(l->tap, l->host, l->conf, LINTEL_TAP_IN, f.transaction, f.unit, f.pdu, f.npdu);
            st = judge(l, unit, pdu, n, &f, ret);
        }
        if (st == LINTEL_E_TIMEOUT && dropped[0] != '\0')
            mb_say(ret->why, "unit %u did not answer in time (%.100s)", unit, dropped);
        else if (st == LINTEL_E_TIMEOUT)
            mb_say(ret->why, "unit %u did not answer in time", unit);
        if (st != LINTEL_E_BUSY)
            return st;
        memcpy(dropped, ret->why, sizeof dropped);
    }
}

/* Whether the answer is the only one, of a unit that may still be answering an earlier request. */
static lintel_status
await_quiet(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n, lintel_mono timeout,
            lintel_mono deadline, lintel_status st, struct mb_answer *ret)
{
    struct mb_answer next;
    lintel_status more;
    lintel_mono t = now(l), until = t + timeout;
    int differs = 0;
    if (until > deadline && t - l->silent_at[unit] < 2 * timeout) {
        mb_say(ret->why, "unit %u answers again, but the deadline is too near to be sure", unit);
        return LINTEL_E_TIMEOUT;
    }
    if (until > deadline)
        until = t + (deadline - t) / 2;
    memcpy(l->kept, ret->pdu, ret->npdu);
    ret->pdu = l->kept;
    while ((more = await(l, unit, pdu, n, until, &next)) == LINTEL_OK || more == LINTEL_E_DEVICE)
        differs |= next.npdu != ret->npdu || memcmp(next.pdu, ret->pdu, ret->npdu) != 0;
    if (more != LINTEL_E_TIMEOUT) {
        *ret = next;
        return more;
    }
    if (differs) {
        mb_say(ret->why, "unit %u answered twice, and one answer is late: none was taken", unit);
        return LINTEL_E_PROTO;
    }
    l->silent_at[unit] = 0;
    return st;
}

/* After a timeout, what is still to come must not harm. */
static void
timed_out(struct mb_link *l, uint8_t unit)
{
    l->silent_at[unit] = now(l);
    if (!l->conf->rtu && (++l->silent >= SILENT_MOST || !l->conf->check_transaction))
        reopen(l); /* a dead connection, or one where a late answer could not be told */
}

lintel_status
mb_link_exchange(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n, lintel_mono timeout,
                 lintel_mono deadline, struct mb_answer *ret)
{
    lintel_status st = send_request(l, unit, pdu, n, deadline, ret->why);
    if (st != LINTEL_OK)
        return st;
    lintel_mono until = now(l) + timeout;
    if (l->conf->rtu) /* the timeout is the device's; what the bytes take comes on top */
        until += mb_time_bytes(l->conf, mb_time_frame(l->conf, (uint32_t)n) +
                                            mb_time_frame(l->conf, mb_pdu_answer_bytes(pdu)));
    st = await(l, unit, pdu, n, until < deadline ? until : deadline, ret);
    if (l->conf->rtu && l->silent_at[unit] != 0 && (st == LINTEL_OK || st == LINTEL_E_DEVICE))
        st = await_quiet(l, unit, pdu, n, timeout, deadline, st, ret);
    l->quiet_until = now(l) + l->conf->pause;
    if (st == LINTEL_E_TIMEOUT)
        timed_out(l, unit);
    else if (st == LINTEL_E_LINK)
        lost(l, ret->why);
    if (st != LINTEL_E_FAIL)
        return st;
    reopen(l);
    return LINTEL_E_PROTO;
}

lintel_status
mb_link_broadcast(struct mb_link *l, const uint8_t *pdu, size_t n, lintel_mono deadline,
                  struct mb_answer *ret)
{
    lintel_status st = send_request(l, 0, pdu, n, deadline, ret->why);
    if (st == LINTEL_OK)
        l->quiet_until = now(l) + (l->conf->pause > TURNAROUND ? l->conf->pause : TURNAROUND);
    return st;
}
