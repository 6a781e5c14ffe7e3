/* SPDX-License-Identifier: Apache-2.0
 * The plugin against a scripted server: what it asks, what it makes of each kind of answer, and how
 * it comes back. */
#include <stdio.h>
#include <string.h>

#include "lintel/ext/given.h"
#include "modbus_testwire.h"
#include "modbus_testhost.h"
#include "tests/kit/kit.h"

extern const lintel_entry lintel_plugin_entry;
#define QUICK "timeout=400 connectTimeout=2000"
#define PLENTY "timeout=4000 connectTimeout=4000"
#define STEPS(...)                                                                                 \
    (const struct peer_step[]){__VA_ARGS__},                                                       \
        sizeof((const struct peer_step[]){__VA_ARGS__}) / sizeof(struct peer_step)

struct rig {
    struct peer *peer;
    struct fakehost *h;
    int device, point[8];
};

static int
set_up(struct rig *r, const struct peer_step *steps, unsigned n, const char *bus,
       const char *device)
{
    *r = (struct rig){.peer = peer_start(steps, n)};
    r->h = rig_tcp(peer_port(r->peer), bus, 0);
    if (r->h == NULL)
        return 0;
    r->device = rig_device(r->h, device);
    return CHECK(r->device > 0);
}

static void
tear_down(struct rig *r)
{
    fakehost_free(r->h);
    peer_stop(r->peer);
}

static int
same(const lintel_sample *s, const char *bytes, uint32_t n)
{
    return s->status == LINTEL_OK && s->value.type == LINTEL_T_BYTES && s->value.len == n &&
           memcmp(s->value.as.p, bytes, n) == 0;
}

/* ---- asking ---- */

static void
merges_points_into_blocks(void)
{
    struct rig r;
    static const char *const addresses[] = {
        "address=14",           "address=10",           "address=12", "table=input address=0",
        "table=coil address=3", "table=coil address=4", "address=40"};
    static const uint32_t bytes[] = {4, 4, 4, 8, 1, 1, 2};
    REQUIRE(set_up(&r, NULL, 0, PLENTY, "unit=9"));
    for (int i = 0; i < 7; i++)
        r.point[i] = rig_point(r.h, r.device, bytes[i], addresses[i]);
    for (int round = 0; round < 2; round++) { /* the second one with the plan kept */
        struct fakehost_result *got = rig_read(r.h, r.point, 7, 5);
        CHECK(same(&got->samples[0], "\0\016\0\017", 4));
        CHECK(same(&got->samples[1], "\0\012\0\013", 4));
        CHECK(same(&got->samples[2], "\0\014\0\015", 4));
        CHECK(same(&got->samples[3], "\0\0\0\1\0\2\0\3", 8));
        CHECK(got->samples[4].value.type == LINTEL_T_BOOL && got->samples[4].value.as.i == 1);
        CHECK(got->samples[5].value.type == LINTEL_T_BOOL && got->samples[5].value.as.i == 0);
        CHECK(same(&got->samples[6], "\0\050", 2));
        fakehost_result_free(got);
        CHECK_STR(peer_log(r.peer), "1:3+2 3:10+6 3:40+1 4:0+4");
        peer_forget(r.peer);
    }
    CHECK_INT(fakehost_link(r.h), LINTEL_OK);
    CHECK_INT(fakehost_links(r.h), 1);
    tear_down(&r);
}

static void
keeps_the_devices_limits(void)
{
    struct rig r;
    REQUIRE(set_up(&r, NULL, 0, PLENTY, "maxRegisters=4 maxGap=3 forbidden=holding:26-27,30"));
    static const char *const addresses[] = {"address=0",  "address=2",  "address=4", "address=20",
                                            "address=23", "address=25", "address=28"};
    for (int i = 0; i < 7; i++)
        r.point[i] = rig_point(r.h, r.device, i < 3 ? 4 : 2, addresses[i]);
    fakehost_result_free(rig_read(r.h, r.point, 7, 1));
    CHECK_STR(peer_log(r.peer), "3:0+4 3:4+2 3:20+4 3:25+1 3:28+1");
    tear_down(&r);
}

static void
takes_single_bytes_from_the_low_half(void)
{
    struct rig r;
    REQUIRE(set_up(&r, NULL, 0, PLENTY, ""));
    r.point[0] = rig_point(r.h, r.device, 1, "address=0x1234");
    struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
    CHECK(same(&got->samples[0], "\x34", 1));
    fakehost_result_free(got);
    tear_down(&r);
}

static void
writes_with_every_function(void)
{
    static const struct {
        const char *address;
        uint32_t bytes;
        const char *pdu;
        uint32_t npdu;
    } cases[] = {{"address=7", 2, "\6\0\7\x12\x34", 5},
                 {"address=7 function=16", 2, "\20\0\7\0\1\2\x12\x34", 8},
                 {"address=7", 4, "\20\0\7\0\2\4\x12\x34\x56\x78", 10},
                 {"address=7", 1, "\6\0\7\0\x12", 5},
                 {"table=coil address=7", 1, "\5\0\7\xff\0", 5},
                 {"table=coil address=7 function=15", 1, "\17\0\7\0\1\1\1", 7}};
    struct rig r;
    uint8_t pdu[253];
    REQUIRE(set_up(&r, NULL, 0, PLENTY, ""));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int p = rig_point(r.h, r.device, cases[i].bytes, cases[i].address);
        lintel_value v = strstr(cases[i].address, "coil")
                             ? (lintel_value){.type = LINTEL_T_BOOL, .as.i = 1}
                             : rig_bytes("\x12\x34\x56\x78", cases[i].bytes);
        CHECK_INT(rig_write(r.h, p, v), LINTEL_OK);
        CHECK_INT(peer_last(r.peer, pdu), cases[i].npdu);
        CHECK(memcmp(pdu, cases[i].pdu, cases[i].npdu) == 0);
        CHECK_INT(rig_write(r.h, p, (lintel_value){0}), LINTEL_E_NOTSUP);
        CHECK_INT(rig_write(r.h, p, (lintel_value){.type = LINTEL_T_STR, .len = 1, .as.s = "1"}),
                  LINTEL_E_TYPE);
    }
    tear_down(&r);
}

static void
writes_multiple_where_the_device_wants_it(void)
{
    struct rig r;
    uint8_t pdu[253];
    REQUIRE(set_up(&r, NULL, 0, PLENTY, "writeSingle=no"));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_write(r.h, r.point[0], rig_bytes("\1\2", 2)), LINTEL_OK);
    peer_last(r.peer, pdu);
    CHECK_INT(pdu[0], 16);
    tear_down(&r);
}

static void
invokes_an_action_without_input(void)
{
    struct rig r;
    uint8_t pdu[253];
    REQUIRE(set_up(&r, NULL, 0, PLENTY, ""));
    int p =
        fakehost_bind(r.h, r.device, LINTEL_K_ACTION, 0, 0, rig_words("address=9 value=513"), NULL);
    struct fakehost_result *got = fakehost_request(r.h, FAKEHOST_INVOKE, &p, 1, NULL, 5000, 0);
    CHECK_INT(got->samples[0].status, LINTEL_OK);
    fakehost_result_free(got);
    CHECK_INT(peer_last(r.peer, pdu), 5);
    CHECK(memcmp(pdu, "\6\0\x09\2\1", 5) == 0);
    tear_down(&r);
}

/* ---- refusals by the device ---- */

static void
tells_exceptions_apart(void)
{
    static const struct {
        int code;
        lintel_status read, write;
        const char *words;
    } cases[] = {{1, LINTEL_E_NOTSUP, LINTEL_E_NOTSUP, "illegal function"},
                 {2, LINTEL_E_ADDRESS, LINTEL_E_ADDRESS, "illegal data address"},
                 {3, LINTEL_E_DEVICE, LINTEL_E_RANGE, "illegal data value"},
                 {4, LINTEL_E_DEVICE, LINTEL_E_DEVICE, "device failure"},
                 {6, LINTEL_E_BUSY, LINTEL_E_BUSY, "device busy"},
                 {10, LINTEL_E_LINK, LINTEL_E_LINK, "gateway path"},
                 {11, LINTEL_E_TIMEOUT, LINTEL_E_TIMEOUT, "does not respond"},
                 {77, LINTEL_E_DEVICE, LINTEL_E_DEVICE, "unknown code"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        struct peer_step step = {PEER_EXCEPTION, cases[i].code};
        REQUIRE(set_up(&r, &step, 1, PLENTY, "unit=3"));
        r.point[0] = rig_point(r.h, r.device, 4, "address=40");
        CHECK_INT(rig_write(r.h, r.point[0], rig_bytes("\0\1\0\2", 4)), cases[i].write);
        struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
        CHECK_INT(got->samples[0].status, cases[i].read);
        CHECK_HAS(got->samples[0].detail, cases[i].words);
        CHECK_HAS(got->samples[0].detail, "holding 40..41, unit 3");
        fakehost_result_free(got);
        tear_down(&r);
    }
}

static void
finds_the_good_parts_of_a_refused_block(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_REFUSE, 5}), PLENTY, ""));
    for (int i = 0; i < 8; i++) {
        char address[32];
        snprintf(address, sizeof address, "address=%d", i);
        r.point[i] = rig_point(r.h, r.device, 2, address);
    }
    for (int round = 0; round < 2; round++) {
        struct fakehost_result *got = rig_read(r.h, r.point, 8, 1);
        for (int i = 0; i < 8; i++)
            CHECK_INT(got->samples[i].status, i == 5 ? LINTEL_E_ADDRESS : LINTEL_OK);
        CHECK(same(&got->samples[7], "\0\7", 2));
        CHECK_HAS(got->samples[5].detail, "exception 2: illegal data address (holding 5, unit 1)");
        fakehost_result_free(got);
        CHECK_STR(peer_log(r.peer),
                  round == 0 ? "3:0+8 3:0+4 3:4+4 3:4+2 3:4+1 3:5+1 3:6+2" : "3:0+5 3:6+2");
        peer_forget(r.peer);
    }
    /* Another batch knows it too, and does not bridge it. */
    fakehost_result_free(rig_read(r.h, r.point, 8, 2));
    CHECK_STR(peer_log(r.peer), "3:0+5 3:6+2");
    CHECK_HAS(fakehost_log(r.h), "thing point-6: exception 2");
    tear_down(&r);
}

static void
forgets_refusals_after_an_hour(void)
{
    struct peer *peer = peer_start(STEPS({PEER_REFUSE, 1}));
    struct fakehost *h = rig_tcp(peer_port(peer), PLENTY, 1);
    REQUIRE(h != NULL);
    int d = rig_device(h, ""), p[3];
    for (int i = 0; i < 3; i++)
        p[i] = rig_point(h, d, 2, (const char *const[]){"address=0", "address=1", "address=2"}[i]);
    fakehost_result_free(rig_read(h, p, 3, 1));
    peer_forget(peer);
    fakehost_advance(h, INT64_C(3599) * 1000000000);
    fakehost_result_free(rig_read(h, p, 3, 1));
    CHECK_STR(peer_log(peer), "3:0+1 3:2+1");
    peer_forget(peer);
    fakehost_advance(h, INT64_C(2) * 1000000000);
    fakehost_result_free(rig_read(h, p, 3, 1));
    CHECK_STR(peer_log(peer), "3:0+3 3:0+1 3:1+2 3:1+1 3:2+1");
    fakehost_free(h);
    peer_stop(peer);
}

static void
splits_blocks_that_fail_but_not_for_ever(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_FAIL, 2}), PLENTY, ""));
    for (int i = 0; i < 8; i++) {
        char address[32];
        snprintf(address, sizeof address, "address=%d", i);
        r.point[i] = rig_point(r.h, r.device, 2, address);
    }
    struct fakehost_result *got = rig_read(r.h, r.point, 8, 1);
    for (int i = 0; i < 8; i++)
        CHECK_INT(got->samples[i].status, LINTEL_OK);
    fakehost_result_free(got);
    CHECK_INT(peer_requests(r.peer), 7);
    tear_down(&r);
}

/* ---- answers that are none ---- */

static void
drops_answers_to_other_requests(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_SILENT, 0}, {PEER_LATE, 0}, {PEER_TID, 1}, {PEER_GOOD, 0}),
                   QUICK, ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_value(r.h, r.point[0]), LINTEL_E_TIMEOUT);
    CHECK_INT(rig_value(r.h, r.point[0]), 7); /* behind the late one */
    struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_TIMEOUT);
    CHECK_HAS(got->samples[0].detail, "a late answer");
    fakehost_result_free(got);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(peer_connections(r.peer), 1);
    tear_down(&r);
}

static void
refuses_answers_of_other_units_and_functions(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_UNIT, 255}, {PEER_OTHER, 0}, {PEER_GOOD, 0}), PLENTY, "unit=2"));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_PROTO);
    CHECK_HAS(got->samples[0].detail, "unit 255 answered instead of unit 2");
    fakehost_result_free(got);
    CHECK_INT(rig_value(r.h, r.point[0]), LINTEL_E_PROTO);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(fakehost_links(r.h), 1);
    tear_down(&r);
}

static void
takes_other_units_and_transactions_where_told_to(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_UNIT, 255}, {PEER_TID, 5}, {PEER_SILENT, 0}, {PEER_GOOD, 0}),
                   QUICK " checkUnit=no checkTransaction=no", ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(rig_value(r.h, r.point[0]), 0xeeee);
    CHECK_INT(rig_value(r.h, r.point[0]), LINTEL_E_TIMEOUT);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(peer_connections(r.peer), 2); /* a late answer could not be told */
    tear_down(&r);
}

static void
survives_parts_of_answers(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_DRIBBLE, 0}, {PEER_CUT, 9}, {PEER_GOOD, 0}), QUICK, ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_PROTO);
    CHECK_HAS(got->samples[0].detail, "only a part");
    fakehost_result_free(got);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(peer_connections(r.peer), 2);
    tear_down(&r);
}

static void
survives_a_close_after_each_byte(void)
{
    struct rig r;
    struct peer_step steps[23];
    for (int i = 0; i < 11;
         i++) { /* a good one between: the connection is proven, so there is no back-off */
        steps[2 * i] = (struct peer_step){PEER_GOOD, 0};
        steps[2 * i + 1] = (struct peer_step){PEER_CUT_CLOSE, i};
    }
    steps[22] = (struct peer_step){PEER_GOOD, 0};
    REQUIRE(set_up(&r, steps, 23, PLENTY, ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    for (int i = 0; i < 11; i++) {
        CHECK_INT(rig_value(r.h, r.point[0]), 7);
        CHECK_INT(rig_value(r.h, r.point[0]), LINTEL_E_LINK);
        CHECK_INT(fakehost_link(r.h), LINTEL_OK); /* one unit's fault, for all that is known */
    }
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(fakehost_links(r.h), 1);
    CHECK_INT(peer_connections(r.peer), 12);
    tear_down(&r);
}

static void
ends_a_connection_that_is_not_modbus(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_GOOD, 0}, {PEER_GARBAGE, 0}, {PEER_GOOD, 0}), PLENTY, ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    struct fakehost_result *got = rig_read(r.h, r.point, 1, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_LINK);
    CHECK_HAS(got->samples[0].detail, "is not Modbus");
    fakehost_result_free(got);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    tear_down(&r);
}

/* ---- time ---- */

static void
gives_a_dead_unit_one_timeout(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_SILENT, 0}, {PEER_GOOD, 0}), QUICK, ""));
    static const char *const addresses[] = {"address=0", "address=10", "address=20"};
    for (int i = 0; i < 3; i++)
        r.point[i] = rig_point(r.h, r.device, 2, addresses[i]);
    struct fakehost_result *got = rig_read(r.h, r.point, 3, 1);
    for (int i = 0; i < 3; i++)
        CHECK_INT(got->samples[i].status, LINTEL_E_TIMEOUT);
    CHECK_HAS(got->samples[2].detail, "unit 1 did not answer in time");
    fakehost_result_free(got);
    CHECK_STR(peer_log(r.peer), "3:0+1");
    /* The block that was not answered comes last now. */
    fakehost_result_free(rig_read(r.h, r.point, 3, 1));
    CHECK_STR(peer_log(r.peer), "3:0+1 3:10+1 3:20+1 3:0+1");
    tear_down(&r);
}

static void
keeps_the_deadline(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_SILENT, 0}), "timeout=30000", ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=0");
    /* Fails by its done count, if ever: the fake hub waits for two seconds beyond the deadline. */
    struct fakehost_result *got = fakehost_request(r.h, FAKEHOST_READ, r.point, 1, NULL, 100, 0);
    CHECK_INT(got->done, 1);
    CHECK_INT(got->samples[0].status, LINTEL_E_TIMEOUT);
    fakehost_result_free(got);
    got = fakehost_request(r.h, FAKEHOST_READ, r.point, 1, NULL, 0, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_TIMEOUT);
    CHECK_HAS(got->samples[0].detail, "the deadline was over");
    fakehost_result_free(got);
    lintel_value v = rig_bytes("\0\1", 2);
    got = fakehost_request(r.h, FAKEHOST_WRITE, r.point, 1, &v, 0, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_TIMEOUT);
    fakehost_result_free(got);
    CHECK_INT(peer_requests(r.peer), 1);
    tear_down(&r);
}

static void
opens_a_silent_connection_anew(void)
{
    struct rig r;
    REQUIRE(set_up(&r, STEPS({PEER_SILENT, 0}, {PEER_SILENT, 0}, {PEER_SILENT, 0}, {PEER_GOOD, 0}),
                   "timeout=200", ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    for (int i = 0; i < 3; i++)
        CHECK_INT(rig_value(r.h, r.point[0]), LINTEL_E_TIMEOUT);
    CHECK_INT(peer_connections(r.peer), 1);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(peer_connections(r.peer), 2);
    CHECK_INT(fakehost_links(r.h), 1); /* nobody said that it is broken */
    tear_down(&r);
}

/* ---- the connection ---- */

static void
comes_back_after_an_idle_close(void)
{
    struct rig r;
    REQUIRE(set_up(&r, NULL, 0, PLENTY, ""));
    r.point[0] = rig_point(r.h, r.device, 2, "address=7");
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    peer_hang_up(r.peer);
    CHECK_INT(rig_value(r.h, r.point[0]), 7);
    CHECK_INT(peer_connections(r.peer), 2);
    CHECK_INT(fakehost_links(r.h), 1);
    tear_down(&r);
}

static void
backs_off_from_a_dead_server(void)
{
    struct peer *peer = peer_start(NULL, 0);
    int port = peer_port(peer);
    peer_stop(peer); /* now nobody listens there */
    struct fakehost *h = rig_tcp(port, PLENTY, 1);
    REQUIRE(h != NULL);
    int p = rig_point(h, rig_device(h, ""), 2, "address=7");
    CHECK_INT(fakehost_link(h), LINTEL_E_LINK);
    struct fakehost_result *got = rig_read(h, &p, 1, 0);
    CHECK_INT(got->samples[0].status, LINTEL_E_LINK);
    CHECK_HAS(got->samples[0].detail, "Connection refused");
    CHECK_HAS(got->samples[0].detail, "next attempt in 0.");
    fakehost_result_free(got);
    for (int i = 0; i < 12; i++) { /* 0.5 s, 1 s .. 30 s */
        fakehost_advance(h, INT64_C(30000000000));
        CHECK_INT(rig_value(h, p), LINTEL_E_LINK);
    }
    fakehost_advance(h, INT64_C(22000000000)); /* less than three quarters of 30 s */
    got = rig_read(h, &p, 1, 0);
    CHECK_HAS(got->samples[0].detail, "next attempt in");
    fakehost_result_free(got);
    CHECK_INT(fakehost_links(h), 1);
    fakehost_free(h);
}

static void
says_what_is_wrong_with_a_name(void)
{
    struct fakehost *h = rig_new("host=no-such-host.invalid connectTimeout=500", 1);
    REQUIRE(h != NULL);
    int p = rig_point(h, rig_device(h, ""), 2, "address=7");
    struct fakehost_result *got = rig_read(h, &p, 1, 0);
    CHECK_HAS(got->samples[0].detail, "no-such-host.invalid: ");
    fakehost_result_free(got);
    fakehost_free(h);
}

/* ---- files ---- */

static void
refuses_what_cannot_be(void)
{
    static const char *const bad[][2] = {
        {"table=input address=0 function=6", NULL}, /* only read: fine */
        {"address=65535", "beyond 65535"},
        {"table=coil address=3", "type has to be bool"},
        {"address=40", "forbidden"},
        {"address=8 function=6", "writes one register"},
        {"address=8 function=5", "function 5 writes coils"}};
    struct fakehost *h = rig_tcp(1, "connectTimeout=100", 1);
    REQUIRE(h != NULL);
    int d = rig_device(h, "forbidden=40-49 maxRegisters=8");
    CHECK(rig_point(h, d, 4, bad[0][0]) > 0);
    for (size_t i = 1; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(rig_point(h, d, 4, bad[i][0]), -1);
        CHECK_HAS(fakehost_log(h), bad[i][1]);
    }
    CHECK_INT(rig_point(h, d, 18, "address=0"), -1);
    CHECK_HAS(fakehost_log(h), "needs 9 registers at once, the device's maxRegisters is 8");
    CHECK_INT(rig_point(h, d, 0, "address=0"), -1);
    CHECK_HAS(fakehost_log(h), "give a count");
    CHECK_INT(fakehost_bind(h, d, LINTEL_K_PROPERTY, LINTEL_P_WRITE, 2,
                            rig_words("table=input address=1"), NULL),
              -1);
    CHECK_HAS(fakehost_log(h), "can't be written");
    CHECK_INT(rig_device(h, "forbidden=10-x"), -1);
    CHECK_HAS(fakehost_log(h), "\"10-x\" is no range");
    fakehost_free(h);
}

static void
refuses_settings_that_do_not_fit(void)
{
    const lintel_plugin *plugin = lintel_plugin_entry.plugins[0];
    /* create() is called by hand: the fake hub fails a check when it refuses. */
    struct fakehost *h = rig_new("transport=rtu device=/no/such/line", 1);
    REQUIRE(h != NULL);
    CHECK_INT(fakehost_link(h), LINTEL_E_LINK);
    CHECK_INT(rig_device(h, "unit=250"), -1);
    CHECK_HAS(fakehost_log(h), "1 to 247");
    int d = rig_device(h, "unit=0");
    CHECK_INT(rig_point(h, d, 2, "address=0"), -1);
    CHECK_HAS(fakehost_log(h), "broadcast");
    fakehost_free(h);
    CHECK_STR(plugin->name, "modbus");
    CHECK(plugin->unit_bytes == 2 && (plugin->flags & LINTEL_PLUGIN_BLOCKING) != 0);
}

/* ---- lintel.given/1 ---- */

static lintel_value
text(const char *s)
{
    return (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(s), .as.s = s};
}

/* { input: { 12: "43 9A 00 00", 20: 308, 30: [1, -2] }, coil: { 3: 1, 8: "1 0 1" } } */
static lintel_status
given(const char *address, uint32_t wire_bytes, lintel_value *ret, char reason[128])
{
    static uint8_t scratch[256];
    const lintel_plugin *plugin = lintel_plugin_entry.plugins[0];
    const lintel_plugin_given *g = plugin->extension(NULL, LINTEL_EXT_GIVEN);
    lintel_value items[] = {text("1"), text("-2")};
    lintel_member inputs[] = {{"12", text("43 9A 00 00")},
                              {"20", text("308")},
                              {"30", {.type = LINTEL_T_LIST, .len = 2, .as.list = items}},
                              {"50", text("43 9")},
                              {"60", text("70000")}};
    lintel_member coils[] = {{"3", text("1")}, {"8", text("1 0 1")}};
    lintel_member tables[] = {{"input", {.type = LINTEL_T_MAP, .len = 5, .as.map = inputs}},
                              {"coil", {.type = LINTEL_T_MAP, .len = 2, .as.map = coils}}};
    lintel_value all = {.type = LINTEL_T_MAP, .len = 2, .as.map = tables};
    struct fakehost *h = rig_tcp(1, "connectTimeout=100", 1);
    lintel_point p = {.size = sizeof p, .wire_bytes = wire_bytes};
    lintel_value addr[4] = {
        {.type = LINTEL_T_INT}, {.type = LINTEL_T_INT}, {0}, {.type = LINTEL_T_INT}};
    addr[0].as.i = address[0] == 'c' ? 0 : address[0] == 'h' ? 2 : 3;
    (void)sscanf(strchr(address, ' ') + 1, "%ld", &addr[1].as.i);
    p.addr = addr;
    fakehost_free(h);
    CHECK(g != NULL && g->scratch <= sizeof scratch);
    return g->value(&all, &p, scratch, ret, reason);
}

static void
reads_the_raw_data_of_tests(void)
{
    lintel_value v;
    char reason[128];
    CHECK_INT(given("input 12", 4, &v, reason), LINTEL_OK);
    CHECK(v.len == 4 && memcmp(v.as.p, "\x43\x9a\0\0", 4) == 0);
    CHECK_INT(given("input 13", 2, &v, reason), LINTEL_OK);
    CHECK(v.len == 2 && memcmp(v.as.p, "\0\0", 2) == 0);
    CHECK_INT(given("input 20", 2, &v, reason), LINTEL_OK);
    CHECK(memcmp(v.as.p, "\1\x34", 2) == 0);
    CHECK_INT(given("input 20", 1, &v, reason), LINTEL_OK);
    CHECK(v.len == 1 && memcmp(v.as.p, "\x34", 1) == 0);
    CHECK_INT(given("input 30", 4, &v, reason), LINTEL_OK);
    CHECK(memcmp(v.as.p, "\0\1\xff\xfe", 4) == 0);
    CHECK_INT(given("coil 9", 1, &v, reason), LINTEL_OK);
    CHECK(v.type == LINTEL_T_BOOL && v.as.i == 0);
    CHECK_INT(given("coil 10", 1, &v, reason), LINTEL_OK);
    CHECK_INT(v.as.i, 1);
    CHECK_INT(given("coil 11", 1, &v, reason), LINTEL_E_ADDRESS);
    CHECK_INT(given("holding 12", 2, &v, reason), LINTEL_E_ADDRESS);
    CHECK_INT(given("input 11", 2, &v, reason), LINTEL_E_ADDRESS);
    CHECK_INT(given("input 20", 4, &v, reason), LINTEL_E_CONFIG);
    CHECK_HAS(reason, "only 1 of its 2 registers");
    CHECK_INT(given("input 50", 2, &v, reason), LINTEL_E_CONFIG);
    CHECK_HAS(reason, "pairs of bytes");
    CHECK_INT(given("input 60", 2, &v, reason), LINTEL_E_CONFIG);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(merges_points_into_blocks),
                                            KIT(keeps_the_devices_limits),
                                            KIT(takes_single_bytes_from_the_low_half),
                                            KIT(writes_with_every_function),
                                            KIT(writes_multiple_where_the_device_wants_it),
                                            KIT(invokes_an_action_without_input),
                                            KIT(tells_exceptions_apart),
                                            KIT(finds_the_good_parts_of_a_refused_block),
                                            KIT(forgets_refusals_after_an_hour),
                                            KIT(splits_blocks_that_fail_but_not_for_ever),
                                            KIT(drops_answers_to_other_requests),
                                            KIT(refuses_answers_of_other_units_and_functions),
                                            KIT(takes_other_units_and_transactions_where_told_to),
                                            KIT(survives_parts_of_answers),
                                            KIT(survives_a_close_after_each_byte),
                                            KIT(ends_a_connection_that_is_not_modbus),
                                            KIT(gives_a_dead_unit_one_timeout),
                                            KIT(keeps_the_deadline),
                                            KIT(opens_a_silent_connection_anew),
                                            KIT(comes_back_after_an_idle_close),
                                            KIT(backs_off_from_a_dead_server),
                                            KIT(says_what_is_wrong_with_a_name),
                                            KIT(refuses_what_cannot_be),
                                            KIT(refuses_settings_that_do_not_fit),
                                            KIT(reads_the_raw_data_of_tests),
                                            {0}};
    return kit_main("modbus", tests, argc, argv);
}
