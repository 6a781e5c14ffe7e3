/* SPDX-License-Identifier: Apache-2.0
 * Frames: the examples of the MODBUS Application Protocol Specification V1.1b3, section 6, and what
 * is near to them. */
#include "modbus_pdu.h"

#include <string.h>

#include "tests/kit/kit.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static int
same(const uint8_t *found, size_t nfound, const uint8_t *wanted, size_t nwanted)
{
    return nfound == nwanted && memcmp(found, wanted, nwanted) == 0;
}

static void
writes_the_requests_of_the_standard(void)
{
    uint8_t out[MB_PDU_MOST];
    CHECK(same(out, mb_pdu_read(out, MB_COIL, 0x13, 0x13), BYTES(1, 0, 0x13, 0, 0x13)));
    CHECK(same(out, mb_pdu_read(out, MB_DISCRETE, 0xc4, 0x16), BYTES(2, 0, 0xc4, 0, 0x16)));
    CHECK(same(out, mb_pdu_read(out, MB_HOLDING, 0x6b, 3), BYTES(3, 0, 0x6b, 0, 3)));
    CHECK(same(out, mb_pdu_read(out, MB_INPUT, 8, 1), BYTES(4, 0, 8, 0, 1)));
    CHECK(same(out, mb_pdu_write_coil(out, 0xac, 1), BYTES(5, 0, 0xac, 0xff, 0)));
    CHECK(same(out, mb_pdu_write_coil(out, 0xac, 0), BYTES(5, 0, 0xac, 0, 0)));
    CHECK(same(out, mb_pdu_write_register(out, 1, (const uint8_t[]){0, 3}), BYTES(6, 0, 1, 0, 3)));
    CHECK(same(out, mb_pdu_write_coils(out, 0x13, 1), BYTES(15, 0, 0x13, 0, 1, 1, 1)));
    CHECK(same(out, mb_pdu_write_registers(out, 1, (const uint8_t[]){0, 10, 1, 2}, 2),
               BYTES(16, 0, 1, 0, 2, 4, 0, 10, 1, 2)));
}

static enum mb_verdict
judge(const uint8_t *request, size_t nrequest, const uint8_t *answer, size_t nanswer)
{
    int code = -1;
    enum mb_verdict v = mb_pdu_judge(request, nrequest, answer, nanswer, &code);
    CHECK((v == MB_EXCEPTION) == (code != -1));
    return v;
}

static void
judges_the_answers_of_the_standard(void)
{
    int code = 0;
    CHECK_INT(judge(BYTES(1, 0, 0x13, 0, 0x13), BYTES(1, 3, 0xcd, 0x6b, 5)), MB_ANSWERS);
    CHECK_INT(judge(BYTES(2, 0, 0xc4, 0, 0x16), BYTES(2, 3, 0xac, 0xdb, 0x35)), MB_ANSWERS);
    CHECK_INT(judge(BYTES(3, 0, 0x6b, 0, 3), BYTES(3, 6, 2, 0x2b, 0, 0, 0, 0x64)), MB_ANSWERS);
    CHECK_INT(judge(BYTES(4, 0, 8, 0, 1), BYTES(4, 2, 0, 10)), MB_ANSWERS);
    CHECK_INT(judge(BYTES(5, 0, 0xac, 0xff, 0), BYTES(5, 0, 0xac, 0xff, 0)), MB_ANSWERS);
    CHECK_INT(judge(BYTES(16, 0, 1, 0, 2, 4, 0, 10, 1, 2), BYTES(16, 0, 1, 0, 2)), MB_ANSWERS);
    CHECK_INT(mb_pdu_judge(BYTES(1, 4, 0xa1, 0, 1), BYTES(0x81, 2), &code), MB_EXCEPTION);
    CHECK_INT(code, MB_EX_ADDRESS);
}

static void
tells_what_is_no_answer(void)
{
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(4, 4, 0, 0, 0, 0)), MB_FOREIGN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(0x84, 2)), MB_FOREIGN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(3, 2, 0, 0)), MB_FOREIGN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(3, 4, 0, 0, 0)), MB_BROKEN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(3, 4, 0, 0, 0, 0, 0)), MB_BROKEN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(3)), MB_BROKEN);
    CHECK_INT(judge(BYTES(3, 0, 0, 0, 2), BYTES(0x83, 2, 0)), MB_BROKEN);
    CHECK_INT(judge(BYTES(6, 0, 1, 0, 3), BYTES(6, 0, 1, 0, 4)), MB_FOREIGN);
    CHECK_INT(judge(BYTES(6, 0, 1, 0, 3), BYTES(6, 0, 1, 0)), MB_BROKEN);
    CHECK_INT(judge(BYTES(1, 0, 0, 0, 8), BYTES(1, 2, 0, 0)), MB_FOREIGN);
}

static void
counts_bits_from_the_lowest(void)
{
    const uint8_t data[] = {0xcd, 0x6b, 0x05}; /* coils 19 to 37 of the standard's example */
    CHECK_INT(mb_bit(data, 0), 1);
    CHECK_INT(mb_bit(data, 1), 0);
    CHECK_INT(mb_bit(data, 7), 1);
    CHECK_INT(mb_bit(data, 8), 1);
    CHECK_INT(mb_bit(data, 10), 0);
    CHECK_INT(mb_bit(data, 18), 1);
}

static void
finds_frames_in_a_stream(void)
{
    uint8_t frame[MB_ADU_MOST + 4] = {0};
    struct mb_mbap h = {0};
    mb_mbap_write(frame, 0x1501, 0xff, 5);
    CHECK(same(frame, MB_MBAP, BYTES(0x15, 1, 0, 0, 0, 6, 0xff)));
    for (size_t n = 0; n < MB_MBAP + 5; n++)
        CHECK_INT(mb_mbap_read(frame, n, &h), 0);
    CHECK_INT(mb_mbap_read(frame, sizeof frame, &h), MB_MBAP + 5);
    CHECK_INT(h.transaction, 0x1501);
    CHECK_INT(h.unit, 0xff);
    CHECK_INT(h.npdu, 5);
    CHECK_INT(mb_mbap_read(BYTES(0, 1, 1), &h), -1);            /* another protocol */
    CHECK_INT(mb_mbap_read(BYTES(0, 1, 0, 0, 0, 1), &h), -1);   /* no function */
    CHECK_INT(mb_mbap_read(BYTES(0, 1, 0, 0, 0, 255), &h), -1); /* longer than Modbus allows */
    CHECK_INT(mb_mbap_read(BYTES(0, 1, 0, 0, 0, 254), &h), 0);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(writes_the_requests_of_the_standard),
                                            KIT(judges_the_answers_of_the_standard),
                                            KIT(tells_what_is_no_answer),
                                            KIT(counts_bits_from_the_lowest),
                                            KIT(finds_frames_in_a_stream),
                                            {0}};
    return kit_main("modbus_pdu", tests, argc, argv);
}
