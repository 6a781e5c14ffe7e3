/* SPDX-License-Identifier: Apache-2.0
 * Frames as they are recorded, and a recording in the place of the wire: the link asks as ever, the
 * test is the tape. */
#include <stdlib.h>
#include <string.h>

#include "modbus_tap.h"
#include "tests/kit/kit.h"

enum { MESSAGES = 16 };
static lintel_tap messages[MESSAGES];
static uint8_t frames[MESSAGES][MB_ADU_MOST + 2];
static uint32_t nmessages;
static lintel_mono clock_now;
static unsigned missed;

static lintel_mono
host_now(const lintel_host *h)
{
    (void)h;
    return clock_now;
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    (void)h, (void)st, (void)detail;
}

static int32_t
yes(const lintel_host *h)
{
    (void)h;
    return 1;
}

static void
tell(const lintel_host *h, const lintel_tap *t)
{
    (void)h, (void)t;
}

/* Nothing was asked just so: all has to be put together. */
static lintel_status
find(const lintel_host *h, const lintel_tap *question, lintel_mono deadline, lintel_tap *ret)
{
    (void)h, (void)question, (void)deadline, (void)ret;
    return LINTEL_E_ADDRESS;
}

static int32_t
message(const lintel_host *h, uint32_t i, lintel_tap *ret)
{
    (void)h;
    if (i < nmessages)
        *ret = messages[i];
    return i < nmessages;
}

static void
miss(const lintel_host *h, const lintel_tap *question)
{
    (void)h, (void)question;
    missed++;
}

static void
wait_until(const lintel_host *h, lintel_mono until)
{
    (void)h;
    clock_now = until;
}

static const void *
extension(const lintel_host *h, const char *id)
{
    static const lintel_host_wire wire = {sizeof wire, 0,       yes,  tell,      yes,
                                          find,        message, miss, wait_until};
    (void)h;
    return strcmp(id, LINTEL_EXT_WIRE) == 0 ? &wire : NULL;
}

static const lintel_host host = {.size = sizeof host,
                                 .now = host_now,
                                 .wall = host_now,
                                 .link = host_link,
                                 .extension = extension};

static void
record(int rtu, lintel_wall when, uint32_t flow, uint8_t unit, const char *pdu, size_t n)
{
    lintel_tap *t = &messages[nmessages];
    *t = (lintel_tap){.flow = flow, .p = frames[nmessages], .when = when};
    t->n = (uint32_t)mb_adu_write(frames[nmessages], rtu, 1, unit, (const uint8_t *)pdu, n);
    nmessages++;
}

static void
frames_are_whole(void)
{
    static const uint8_t rtu[] = {3, 3, 0, 0x0a, 0, 2, 0xe5, 0xeb};
    uint8_t out[MB_ADU_MOST + 2];
    struct mb_frame f;
    CHECK_INT(mb_adu_write(out, 1, 0, 3, rtu + 1, 5), sizeof rtu);
    CHECK(memcmp(out, rtu, sizeof rtu) == 0);
    REQUIRE(mb_adu_read(rtu, sizeof rtu, 1, &f));
    CHECK_INT(f.unit, 3);
    CHECK_INT(f.npdu, 5);
    out[2] ^= 1; /* a wrong checksum */
    CHECK(!mb_adu_read(out, sizeof rtu, 1, &f));
    CHECK(!mb_adu_read(rtu, 3, 1, &f));
    size_t n = mb_adu_write(out, 0, 0x1234, 3, rtu + 1, 5);
    CHECK_INT(n, MB_MBAP + 5);
    REQUIRE(mb_adu_read(out, n, 0, &f));
    CHECK_INT(f.transaction, 0x1234);
    CHECK(!mb_adu_read(out, n - 1, 0, &f));
}

/* A read of `n` from `first` on a link whose wire is the recording; the answer's PDU as text. */
static lintel_status
ask(int rtu, enum mb_table table, uint32_t first, uint32_t n, struct mb_answer *ret)
{
    struct mb_conf conf = {.rtu = rtu,
                           .host = "192.0.2.1",
                           .device = "/dev/null",
                           .port = 502,
                           .baud = 9600,
                           .parity = 'N',
                           .data_bits = 8,
                           .stop_bits = 1,
                           .check_unit = 1,
                           .check_transaction = 1,
                           .connect_timeout = 1000,
                           .reconnect_most = 1000000000};
    static uint8_t kept[MB_PDU_MOST];
    uint8_t pdu[MB_PDU_MOST];
    char why[MB_DETAIL];
    struct mb_link *l = mb_link_new(&host, &conf);
    if (!CHECK(l != NULL))
        return LINTEL_E_NOMEM;
    CHECK_INT(mb_link_ready(l, clock_now + 1000, why), LINTEL_OK);
    lintel_status st = mb_link_exchange(l, 7, pdu, mb_pdu_read(pdu, table, first, n), 1000000,
                                        clock_now + 1000000, ret);
    if (st == LINTEL_OK) {
        memcpy(kept, ret->pdu, ret->npdu);
        ret->pdu = kept;
    }
    mb_link_free(l);
    return st;
}

static void
answers_are_put_together(int rtu)
{
    struct mb_answer a = {0};
    nmessages = missed = 0;
    clock_now = 1000;
    record(rtu, 100, LINTEL_TAP_OUT, 7, "\3\0\x0a\0\2", 5);
    record(rtu, 110, LINTEL_TAP_IN, 7, "\3\4\0\1\0\2", 6);
    record(rtu, 200, LINTEL_TAP_OUT, 8, "\3\0\x0c\0\1", 5); /* another unit's */
    record(rtu, 210, LINTEL_TAP_IN, 8, "\3\2\0\x63", 4);
    record(rtu, 300, LINTEL_TAP_OUT, 7, "\3\0\x0b\0\2", 5);
    record(rtu, 310, LINTEL_TAP_IN, 7, "\3\4\0\x16\0\x17", 6); /* a later word on 11 */
    record(rtu, 5000, LINTEL_TAP_OUT, 7, "\3\0\x0c\0\2", 5); /* not yet, but 13 is not known else */
    record(rtu, 5010, LINTEL_TAP_IN, 7, "\3\4\0\x21\0\x22", 6);
    record(rtu, 5020, LINTEL_TAP_OUT, 7, "\3\0\x28\0\1", 5);
    record(rtu, 5030, LINTEL_TAP_IN, 7, "\x83\4", 2); /* 40 is refused */
    record(rtu, 5040, LINTEL_TAP_OUT, 7, "\1\0\3\0\3", 5);
    record(rtu, 5050, LINTEL_TAP_IN, 7, "\1\1\5", 3); /* coils 3, 4, 5: 1 0 1 */
    REQUIRE(ask(rtu, MB_HOLDING, 10, 4, &a) == LINTEL_OK);
    REQUIRE(a.npdu == 10);
    CHECK(memcmp(a.pdu, "\3\x8\0\1\0\x16\0\x17\0\x22", 10) == 0);
    REQUIRE(ask(rtu, MB_COIL, 4, 2, &a) == LINTEL_OK);
    CHECK(memcmp(a.pdu, "\1\1\2", 3) == 0);
    CHECK_INT(missed, 0);
    /* Part of a long block: the reader is told to split it. Of one value: it is missed. */
    CHECK_INT(ask(rtu, MB_HOLDING, 10, 8, &a), LINTEL_E_DEVICE);
    CHECK_INT(a.exception, MB_EX_ADDRESS);
    CHECK_INT(missed, 0);
    CHECK_INT(ask(rtu, MB_HOLDING, 13, 2, &a), LINTEL_E_PROTO);
    CHECK_HAS(a.why, "the recording has no answer to this of unit 7");
    CHECK_INT(missed, 1);
    CHECK_INT(ask(rtu, MB_INPUT, 10, 1, &a), LINTEL_E_PROTO);
    CHECK_INT(missed, 2);
    /* What the device has refused it refuses in another block too. */
    CHECK_INT(ask(rtu, MB_HOLDING, 39, 3, &a), LINTEL_E_DEVICE);
    CHECK_INT(a.exception, MB_EX_FAILURE);
    CHECK_INT(missed, 2);
}

static void
on_tcp(void)
{
    answers_are_put_together(0);
}

static void
on_a_serial_line(void)
{
    answers_are_put_together(1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(frames_are_whole), KIT(on_tcp), KIT(on_a_serial_line), {0}};
    return kit_main("modbus recordings", tests, argc, argv);
}
