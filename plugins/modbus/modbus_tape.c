/* SPDX-License-Identifier: Apache-2.0
 * A recording in the place of a wire. A question that was recorded gets its recorded answer. A read
 * of other blocks, as another binding makes it, is answered from what the recorded answers say of
 * each address; nothing is made up. Of a block that is known in part the device is said to refuse
 * the whole, so that the reader splits it until the known parts are found. */
#include <stdlib.h>
#include <string.h>

#include "modbus_tap.h"

enum { SINGLE_MOST = 4 }; /* registers of the longest number: no more than one value misses there */

struct mb_wire {
    const lintel_host *host;
    const struct mb_conf *conf;
    const lintel_host_wire *tape;
    int asked;
    uint16_t transaction;
    uint8_t unit;
    size_t nask, npdu;
    uint8_t ask[MB_ADU_MOST + 2], pdu[MB_PDU_MOST]; /* the question: whole, and its PDU */
    uint8_t in[MB_ADU_MOST + 2], made[MB_PDU_MOST];
    char peer[MB_TAP_PEER];
};

static struct mb_wire *
tape_make(const lintel_host *h, const struct mb_conf *c)
{
    struct mb_wire *w = calloc(1, sizeof *w);
    if (w != NULL) {
        w->host = h;
        w->conf = c;
        w->tape = mb_tap_of(h);
    }
    return w;
}

static void
tape_drop(struct mb_wire *w)
{
    free(w);
}

static lintel_status
tape_open(struct mb_wire *w, lintel_mono deadline, char *why)
{
    (void)w, (void)deadline, (void)why;
    return LINTEL_OK;
}

static void
tape_close(struct mb_wire *w)
{
    w->asked = 0;
}

static lintel_status
tape_settle(struct mb_wire *w, char *why)
{
    (void)w, (void)why;
    return LINTEL_OK;
}

static lintel_status
tape_send(struct mb_wire *w, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n,
          lintel_mono deadline, char *why)
{
    (void)deadline, (void)why;
    w->asked = 1;
    w->transaction = transaction;
    w->unit = unit;
    memcpy(w->pdu, pdu, n);
    w->npdu = n;
    w->nask = mb_adu_write(w->ask, w->conf->rtu, transaction, unit, pdu, n);
    return LINTEL_OK;
}

/* ---- answers put together -------------------------------------------------------------------- */

struct span { /* of a read */
    int function;
    uint32_t first, n;
};

static int
span_of(const uint8_t *pdu, size_t n, struct span *ret)
{
    if (n != 5 || pdu[0] < MB_FC_READ_COILS || pdu[0] > MB_FC_READ_INPUT)
        return 0;
    *ret =
        (struct span){pdu[0], (uint32_t)(pdu[1] << 8 | pdu[2]), (uint32_t)(pdu[3] << 8 | pdu[4])};
    return ret->n > 0;
}

static int
is_bits(const struct span *s)
{
    return s->function == MB_FC_READ_COILS || s->function == MB_FC_READ_DISCRETE;
}

/* What one recorded answer knows of the wanted addresses; fill: only of those not known yet. */
static void
take(const struct span *want, const struct span *had, const uint8_t *data, int fill, uint8_t *out,
     uint8_t *known)
{
    for (uint32_t i = 0; i < want->n; i++) {
        uint32_t at = want->first + i - had->first;
        if (want->first + i < had->first || at >= had->n || (fill && known[i]))
            continue;
        known[i] = 1;
        if (!is_bits(want)) {
            memcpy(out + 2 * (size_t)i, data + 2 * (size_t)at, 2);
        } else {
            out[i / 8] = (uint8_t)(out[i / 8] & ~(1u << i % 8));
            out[i / 8] = (uint8_t)(out[i / 8] | (unsigned)mb_bit(data, at) << i % 8);
        }
    }
}

static uint32_t
count(const uint8_t *known, uint32_t n)
{
    uint32_t ret = 0;
    for (uint32_t i = 0; i < n; i++)
        ret += known[i];
    return ret;
}

/* Goes through the recording: each answer behind its question. Up to now the latest word counts;
 * what nobody had said by then is taken from the first who says it later. Returns how many
 * addresses are known. */
static uint32_t
gather(struct mb_wire *w, const struct span *want, uint8_t *out, uint8_t *known, int *ret_refused)
{
    lintel_wall now = w->host->wall(w->host);
    uint8_t question[MB_PDU_MOST];
    struct span had = {0};
    struct mb_frame f;
    int open = 0, exception;
    lintel_tap t;
    for (uint32_t i = 0; w->tape->message(w->host, i, &t); i++) {
        if (t.when > now && count(known, want->n) == want->n)
            break;
        if (!mb_adu_read(t.p, t.n, w->conf->rtu, &f) || f.unit != w->unit)
            continue;
        if (t.flow == LINTEL_TAP_OUT) {
            open = span_of(f.pdu, f.npdu, &had) && had.function == want->function;
            if (open)
                memcpy(question, f.pdu, f.npdu);
        } else if (open && mb_pdu_judge(question, 5, f.pdu, f.npdu, &exception) == MB_ANSWERS) {
            open = 0;
            take(want, &had, f.pdu + 2, t.when > now, out, known);
        } else if (open && had.first < want->first + want->n && want->first < had.first + had.n &&
                   mb_pdu_judge(question, 5, f.pdu, f.npdu, &exception) == MB_EXCEPTION) {
            open = 0;
            *ret_refused = exception;
        }
    }
    return count(known, want->n);
}

/* An answer's PDU in w->made; 0: the recording says nothing of it. */
static size_t
put_together(struct mb_wire *w)
{
    uint8_t known[MB_BITS_MOST] = {0};
    struct span want;
    if (!span_of(w->pdu, w->npdu, &want) ||
        want.n > (is_bits(&want) ? MB_BITS_MOST : MB_REGISTERS_MOST))
        return 0;
    memset(w->made, 0, sizeof w->made);
    uint32_t bytes = is_bits(&want) ? (want.n + 7) / 8 : 2 * want.n;
    int refused = 0;
    uint32_t n = gather(w, &want, w->made + 2, known, &refused);
    if (n < want.n && refused == 0 && (n == 0 || want.n <= SINGLE_MOST))
        return 0;
    if (n < want.n) {
        w->made[0] = (uint8_t)(want.function | 0x80);
        w->made[1] = (uint8_t)(refused != 0 ? refused : MB_EX_ADDRESS);
        return 2;
    }
    w->made[0] = (uint8_t)want.function;
    w->made[1] = (uint8_t)bytes;
    return 2 + bytes;
}

static lintel_status
tape_receive(struct mb_wire *w, uint8_t unit, lintel_mono deadline, struct mb_frame *ret, char *why)
{
    lintel_tap question = mb_tap_head(w->conf, w->peer), answer = {0};
    if (!w->asked) {
        w->tape->wait(w->host, deadline);
        return LINTEL_E_TIMEOUT;
    }
    w->asked = 0;
    question.flow = LINTEL_TAP_OUT;
    question.p = w->ask;
    question.n = (uint32_t)w->nask;
    lintel_status st = w->tape->find(w->host, &question, deadline, &answer);
    if (st == LINTEL_OK && answer.n <= sizeof w->in) {
        memcpy(w->in, answer.p, answer.n);
        if (mb_adu_read(w->in, answer.n, w->conf->rtu, ret))
            return LINTEL_OK;
    }
    if (st == LINTEL_E_TIMEOUT)
        return st;
    size_t n = put_together(w);
    if (n != 0) {
        *ret = (struct mb_frame){w->transaction, unit, w->made, n};
        return LINTEL_OK;
    }
    w->tape->missed(w->host, &question);
    mb_say(why, "the recording has no answer to this of unit %u", unit);
    return LINTEL_E_PROTO;
}

const struct mb_wire_ops mb_tape = {tape_make,   tape_drop, tape_open,   tape_close,
                                    tape_settle, tape_send, tape_receive};
