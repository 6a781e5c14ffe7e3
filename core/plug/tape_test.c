/* SPDX-License-Identifier: Apache-2.0
 * Recordings, and the frames that bring what is recorded. */
#include "core/plug/tape.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/plug/tap.h"
#include "tests/kit/kit.h"

static void
add(struct lintel_buf *b, int64_t when, int incoming, const char *bytes, size_t n)
{
    lintel_pcapng_packet(
        b, &(struct lintel_pcapng_packet){
               .when = when, .incoming = incoming, .protocol = "mbtcp", .p = bytes, .n = n});
}

/* Questions "q" and "r", each behind a number of two bytes. */
static struct lintel_tape *
tape(void)
{
    struct lintel_buf b = {0};
    char reason[LINTEL_TAPE_REASON] = "";
    lintel_pcapng_begin(
        &b, &(struct lintel_pcapng_head){
                .comment = "for people",
                .interface_comment = "{\"bus\":\"b\",\"plugin\":\"modbus\",\"settings\":{}}"});
    add(&b, 2000, 0, "\0\2q", 3);
    add(&b, 1000, 0, "\0\1q", 3); /* not in their order */
    add(&b, 1100, 1, "\0\1A", 3);
    add(&b, 2050, 0, "\0\3r", 3); /* before the answer to q came */
    add(&b, 2200, 1, "\0\2B", 3);
    add(&b, 3000, 0, "\0\4q", 3); /* no answer */
    lintel_pcapng_end(&b, 3000, 6, 0);
    struct lintel_tape *t = lintel_tape_read("a.pcapng", b.p, b.n, reason);
    CHECK_STR(t != NULL ? "" : reason, "");
    lintel_buf_fini(&b);
    return t;
}

static lintel_tap
question(const char *bytes, uint32_t serial)
{
    return (lintel_tap){.size = sizeof(lintel_tap), .p = bytes, .n = 3, .serial = serial};
}

static void
the_latest_answer_counts(void)
{
    struct lintel_tape *t = tape();
    const lintel_tap *answer = NULL;
    lintel_tap q = question("\7\7q", 2), r = question("\7\7r", 2), x = question("\7\7x", 2);
    REQUIRE(t != NULL);
    CHECK_INT(t->n, 6);
    CHECK_INT(t->first, 1000);
    CHECK_INT(t->last, 3000);
    CHECK_STR(lintel_tape_about(t, "plugin"), "modbus");
    CHECK_STR(lintel_tape_about(t, "settings"), "");
    CHECK_STR(lintel_tape_about(t, "nothing"), "");
    /* Before it was asked: the first time. */
    REQUIRE(lintel_tape_find(t, &q, 0, &answer) != NULL && answer != NULL);
    CHECK(memcmp(answer->p, "\0\1A", 3) == 0);
    REQUIRE(lintel_tape_find(t, &q, 1999, &answer) != NULL && answer != NULL);
    CHECK(memcmp(answer->p, "\0\1A", 3) == 0);
    /* By its number, although another question came in between. */
    REQUIRE(lintel_tape_find(t, &q, 2999, &answer) != NULL && answer != NULL);
    CHECK(memcmp(answer->p, "\0\2B", 3) == 0);
    CHECK_INT(answer->when - lintel_tape_find(t, &q, 2999, &answer)->when, 200);
    REQUIRE(lintel_tape_find(t, &q, 9999, &answer) != NULL);
    CHECK(answer == NULL);
    REQUIRE(lintel_tape_find(t, &r, 9999, &answer) != NULL);
    CHECK(answer == NULL);
    CHECK(lintel_tape_find(t, &x, 9999, &answer) == NULL);
    /* Without numbers a question is all its bytes, and the next message its answer. */
    q = question("\0\1q", 0);
    REQUIRE(lintel_tape_find(t, &q, 9999, &answer) != NULL && answer != NULL);
    CHECK(memcmp(answer->p, "\0\1A", 3) == 0);
    q = question("\0\2q", 0);
    REQUIRE(lintel_tape_find(t, &q, 9999, &answer) != NULL);
    CHECK(answer == NULL); /* another question came first */
    lintel_tape_free(t);
}

/* Two messages, so far apart. */
static struct lintel_tape *
long_tape(int64_t first, int64_t last, char reason[LINTEL_TAPE_REASON])
{
    struct lintel_buf b = {0};
    lintel_pcapng_begin(&b, &(struct lintel_pcapng_head){.interface_comment = "{\"bus\":\"b\"}"});
    add(&b, first, 0, "\0\1q", 3);
    add(&b, first + 1, 1, "\0\1A", 3);
    add(&b, last, 0, "\0\2q", 3);
    struct lintel_tape *t = lintel_tape_read("a", b.p, b.n, reason);
    lintel_buf_fini(&b);
    return t;
}

static void
years_are_not_played(void)
{
    const int64_t day = INT64_C(24) * 3600 * 1000000000, now = 20000 * day;
    char reason[LINTEL_TAPE_REASON] = "";
    struct lintel_tape *t = long_tape(now, now + LINTEL_TAPE_DAYS_MOST * day, reason);
    CHECK(t != NULL);
    lintel_tape_free(t);
    CHECK(long_tape(now, now + LINTEL_TAPE_DAYS_MOST * day + 1, reason) == NULL);
    CHECK(long_tape(0, INT64_MAX, reason) == NULL);
    /* A clock that starts in 1970, and then is set. */
    CHECK(long_tape(day, now, reason) == NULL);
    CHECK_STR(reason,
              "it lasts 19999 days, and 62 are the most; 19998 days lie before message 3: was "
              "the clock set? Record it again");
}

static void
memory_may_end(void)
{
    struct lintel_buf b = {0};
    char reason[LINTEL_TAPE_REASON];
    struct lintel_tape *t = NULL;
    lintel_pcapng_begin(&b, &(struct lintel_pcapng_head){.interface_comment = "{\"bus\":\"b\"}"});
    add(&b, 2000, 0, "\0\2q", 3);
    add(&b, 1000, 0, "\0\1q", 3);
    for (uint64_t n = 1; t == NULL && n < 1000; n++) {
        lintel_mem_fail_at(n);
        t = lintel_tape_read("a", b.p, b.n, reason);
        if (t != NULL) { /* or its index fails, which finds nothing */
            const lintel_tap *answer;
            lintel_tap q = question("\7\7q", 2);
            if (lintel_tape_find(t, &q, 0, &answer) == NULL || t->about == NULL) {
                lintel_tape_free(t);
                t = NULL;
            }
        }
        lintel_mem_fail_at(0);
    }
    CHECK(t != NULL);
    lintel_tape_free(t);
    lintel_buf_fini(&b);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void
taps_travel(void)
{
    struct lintel_buf b = {0};
    struct lintel_tapped back;
    const lintel_tap t = {.flow = LINTEL_TAP_IN,
                          .protocol = "mbrtu",
                          .peer = "/dev/ttyUSB0",
                          .p = "\1\2\0\3",
                          .n = 4,
                          .when = INT64_C(1795725919398379706)};
    lintel_wire_tapped(&b, 7, 99, 3, &t);
    REQUIRE(lintel_wire_read_tapped((const unsigned char *)b.p, b.n, &back) == 0);
    CHECK_INT(back.instance, 7);
    CHECK_INT(back.ticket, 99);
    CHECK_INT(back.lost, 3);
    CHECK_INT(back.tap.flow, LINTEL_TAP_IN);
    CHECK_STR(back.tap.protocol, "mbrtu");
    CHECK_STR(back.tap.peer, "/dev/ttyUSB0");
    CHECK(back.tap.when == t.when);
    REQUIRE(back.tap.n == 4);
    CHECK(memcmp(back.tap.p, "\1\2\0\3", 4) == 0);
    for (size_t n = 0; n < b.n; n++)
        CHECK_INT(lintel_wire_read_tapped((const unsigned char *)b.p, n, &back), -1);
    lintel_buf_addc(&b, '\0');
    CHECK_INT(lintel_wire_read_tapped((const unsigned char *)b.p, b.n, &back), -1);
    lintel_buf_fini(&b);
}

static void
long_taps_are_cut(void)
{
    static char bytes[LINTEL_TAP_BYTES_MOST + 5], name[300];
    struct lintel_buf b = {0};
    struct lintel_tapped back;
    memset(name, 'x', sizeof name - 1);
    lintel_wire_tapped(
        &b, 1, 0, 0, &(lintel_tap){.protocol = name, .peer = name, .p = bytes, .n = sizeof bytes});
    REQUIRE(lintel_wire_read_tapped((const unsigned char *)b.p, b.n, &back) == 0);
    CHECK_INT(back.tap.n, LINTEL_TAP_BYTES_MOST);
    CHECK_INT(strlen(back.tap.protocol), LINTEL_TAP_NAME - 1);
    CHECK_INT(strlen(back.tap.peer), LINTEL_TAP_PEER - 1);
    /* A direction that is none, more bytes than may be, another kind: none is believed. */
    lintel_buf_reset(&b);
    for (int i = 0; i < 5; i++)
        lintel_cbor_uint(&b, i == 1 ? LINTEL_WIRE_TAPPED : 0);
    lintel_cbor_uint(&b, 2);
    lintel_cbor_str(&b, "a", 1);
    lintel_cbor_str(&b, "b", 1);
    lintel_cbor_bytes(&b, "c", 1);
    CHECK_INT(lintel_wire_read_tapped((const unsigned char *)b.p, b.n, &back), -1);
    lintel_buf_fini(&b);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(the_latest_answer_counts), KIT(years_are_not_played),
        KIT(memory_may_end),           KIT(taps_travel),
        KIT(long_taps_are_cut),        {0}};
    return kit_main("recordings", tests, argc, argv);
}
