/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/wire.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/map.h"
#include "core/loop/frames.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static struct lintel_buf frame;
static struct lintel_wire_scratch scratch;

static int
read_up(struct lintel_wire_up *m)
{
    CHECK(!frame.failed);
    return lintel_wire_read_up((const unsigned char *)frame.p, frame.n, &scratch, m);
}

static int
read_down(struct lintel_wire_down *m)
{
    CHECK(!frame.failed);
    return lintel_wire_read_down((const unsigned char *)frame.p, frame.n, &scratch, m);
}

static uint32_t
send(enum lintel_wire_kind kind, const lintel_sample *s, uint32_t n)
{
    lintel_buf_reset(&frame);
    return lintel_wire_samples(
        &frame, &(struct lintel_wire_up){
                    .instance = 7, .kind = kind, .ticket = UINT64_MAX, .n = n, .samples = s});
}

static void
done(void)
{
    lintel_buf_fini(&frame);
    lintel_wire_scratch_fini(&scratch);
}

static void
samples_of_every_type(void)
{
    static const char payload[] = "a payload";
    const lintel_value inner[] = {{LINTEL_T_INT, 0, {.i = -5}}, {LINTEL_T_STR, 2, {.s = "hi"}}};
    const lintel_member members[] = {{"list", {LINTEL_T_LIST, 2, {.list = inner}}}};
    const lintel_sample s[] = {
        {.point = 0, .value = {0}},
        {.point = 1, .value = {LINTEL_T_BOOL, 0, {.i = 1}}},
        {.point = 300,
         .value = {LINTEL_T_INT, 0, {.i = INT64_MIN}},
         .quality = LINTEL_Q_OVERRIDDEN},
        {.point = 70000,
         .value = {LINTEL_T_UINT, 0, {.u = UINT64_MAX}},
         .when = INT64_C(1767225600123456789)},
        {.point = 4, .value = {LINTEL_T_REAL, 0, {.r = 0.1}}},
        {.point = 5, .value = {LINTEL_T_STR, 6, {.s = "\xc3\xa4 b c"}}},
        {.point = 6, .value = {LINTEL_T_BYTES, sizeof payload, {.p = payload}}},
        {.point = 7, .value = {LINTEL_T_BYTES, sizeof payload, {.p = payload}}},
        {.point = 8, .value = {LINTEL_T_BYTES, 0, {.p = ""}}},
        {.point = 9, .value = {LINTEL_T_MAP, 1, {.map = members}}},
        {.point = 10, .status = LINTEL_E_DEVICE, .detail = "exception 2: illegal data address"},
        {.point = UINT32_MAX, .status = LINTEL_E_BUSY},
    };
    struct lintel_wire_up m;
    CHECK_INT(send(LINTEL_WIRE_DONE, s, LINTEL_COUNT(s)), LINTEL_COUNT(s));
    REQUIRE(read_up(&m) == 0);
    CHECK_INT(m.instance, 7);
    CHECK(m.ticket == UINT64_MAX);
    REQUIRE(m.n == LINTEL_COUNT(s));
    for (uint32_t i = 0; i < m.n; i++) {
        CHECK_INT(m.samples[i].point, s[i].point);
        CHECK_INT(m.samples[i].status, s[i].status);
        CHECK_INT(m.samples[i].quality, s[i].quality);
        CHECK_INT(m.samples[i].when, s[i].when);
        CHECK_INT(m.samples[i].value.type, s[i].value.type);
        CHECK_INT(m.samples[i].value.len, s[i].value.len);
    }
    CHECK_INT(m.samples[1].value.as.i, 1);
    CHECK(m.samples[2].value.as.i == INT64_MIN);
    CHECK(m.samples[3].value.as.u == UINT64_MAX);
    CHECK_REAL(m.samples[4].value.as.r, 0.1);
    CHECK_STR(m.samples[5].value.as.s, "\xc3\xa4 b c"); /* with the NUL */
    CHECK(memcmp(m.samples[6].value.as.p, payload, sizeof payload) == 0);
    CHECK(m.samples[7].value.as.p == m.samples[6].value.as.p); /* sent once */
    CHECK(m.samples[8].value.as.p != m.samples[6].value.as.p);
    CHECK_STR(m.samples[9].value.as.map[0].name, "list");
    CHECK_INT(m.samples[9].value.as.map[0].value.as.list[0].as.i, -5);
    CHECK_STR(m.samples[10].detail, "exception 2: illegal data address");
    CHECK(m.samples[11].detail == NULL);
    done();
}

static int
send_and_read_once(void *ctx)
{
    static const lintel_value inner[] = {{LINTEL_T_INT, 0, {.i = -5}},
                                         {LINTEL_T_STR, 2, {.s = "hi"}}};
    static const lintel_sample s[] = {
        {.point = 0, .value = {LINTEL_T_INT, 0, {.i = 1}}},
        {.point = 1, .value = {LINTEL_T_STR, 3, {.s = "abc"}}},
        {.point = 2, .value = {LINTEL_T_LIST, 2, {.list = inner}}},
        {.point = 3, .status = LINTEL_E_DEVICE, .detail = "exception 2"}};
    static const uint32_t slots[] = {3, 4, 5};
    static const lintel_value values[] = {
        {LINTEL_T_INT, 0, {.i = 7}}, {LINTEL_T_STR, 1, {.s = "x"}}, {0}};
    struct lintel_wire_up up;
    struct lintel_wire_down down;
    (void)ctx;
    done();
    int whole = 0;
    if (send(LINTEL_WIRE_DONE, s, LINTEL_COUNT(s)) == LINTEL_COUNT(s) && !frame.failed)
        whole = read_up(&up) == 0;
    if (whole) {
        CHECK_INT(up.n, LINTEL_COUNT(s));
        CHECK_STR(up.samples[1].value.as.s, "abc");
        CHECK_STR(up.samples[2].value.as.list[1].as.s, "hi");
        CHECK_STR(up.samples[3].detail, "exception 2");
    }
    lintel_buf_reset(&frame);
    lintel_wire_request(&frame, &(struct lintel_wire_down){.instance = 7,
                                                           .kind = LINTEL_WIRE_REQUEST,
                                                           .ticket = 9,
                                                           .op = LINTEL_WIRE_WRITE,
                                                           .within = 1000,
                                                           .n = 3,
                                                           .slots = slots,
                                                           .values = values});
    whole = whole && !frame.failed && read_down(&down) == 0;
    if (whole) {
        CHECK_INT(down.n, 3);
        CHECK_STR(down.values[1].as.s, "x");
    }
    kit_memory_is_back();
    done();
    return whole;
}

static int
share_once(void *ctx)
{
    static const lintel_value list[] = {{LINTEL_T_STR, 1, {.s = "a"}}, {LINTEL_T_INT, 0, {.i = 1}}};
    struct lintel_map map = {0};
    const struct lintel_str *cbor = ctx;
    struct lintel_shared *one = lintel_shared_get(&map, *cbor), *two = NULL;
    if (one != NULL) {
        CHECK_STR(one->values[0].as.s, list[0].as.s);
        two = lintel_shared_get(&map, *cbor);
        CHECK(two == NULL || two == one);
    }
    int whole = two != NULL;
    lintel_shared_put(&map, two);
    lintel_shared_put(&map, one);
    CHECK_INT(map.n, 0);
    lintel_map_fini(&map);
    return whole;
}

static void
memory_runs_out(void)
{
    static const unsigned char list[] = {0x82, 0x61, 'a', 0x01};
    struct lintel_str cbor = {(const char *)list, sizeof list};
    CHECK(kit_each_failure(send_and_read_once, NULL) > 5);
    CHECK(kit_each_failure(share_once, &cbor) > 2);
}

static void
numbers_stay_exact(void)
{
    struct lintel_wire_up m;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = kit_random();
        double d;
        memcpy(&d, &bits, sizeof d);
        const lintel_sample s[] = {
            {.point = 1, .value = {LINTEL_T_REAL, 0, {.r = isfinite(d) ? d : -0.0}}},
            {.point = 2, .value = {LINTEL_T_INT, 0, {.i = (int64_t)(bits >> (bits & 63))}}}};
        CHECK_INT(send(LINTEL_WIRE_PUBLISH, s, 2), 2);
        REQUIRE(read_up(&m) == 0 && m.n == 2);
        if (memcmp(&m.samples[0].value.as.r, &s[0].value.as.r, 8) != 0 ||
            m.samples[1].value.as.i != s[1].value.as.i)
            CHECK(0 && "equal");
    }
    done();
}

/* One bad value is one bad sample. */
static void
what_cannot_travel_becomes_an_error(void)
{
    lintel_value deep[40];
    for (int i = 0; i < 39; i++)
        deep[i] = (lintel_value){LINTEL_T_LIST, 1, {.list = &deep[i + 1]}};
    deep[39] = (lintel_value){0};
    char *much = calloc(1, LINTEL_FRAME_MOST);
    const lintel_sample s[] = {
        {.point = 0, .value = {LINTEL_T_REAL, 0, {.r = (double)INFINITY}}},
        {.point = 1, .value = {LINTEL_T_STR, 2, {.s = "\xff\xfe"}}},
        {.point = 2, .value = deep[0]},
        {.point = 3, .value = {LINTEL_T_BYTES, LINTEL_FRAME_MOST, {.p = much}}},
        {.point = 4, .value = {99, 0, {.i = 1}}},
        {.point = 5, .value = {LINTEL_T_BYTES, LINTEL_FRAME_MOST - 1000, {.p = much}}},
        {.point = 6, .value = {LINTEL_T_INT, 0, {.i = 6}}},
    };
    static const char *const why[] = {"the value is not a finite number", "the text is not UTF-8",
                                      "the value is nested too deep",     "the value is too long",
                                      "the value has an unknown type",    "the value is too long"};
    struct lintel_wire_up m;
    CHECK_INT(send(LINTEL_WIRE_DONE, s, LINTEL_COUNT(s)), LINTEL_COUNT(s));
    CHECK(frame.n < LINTEL_FRAME_MOST);
    REQUIRE(read_up(&m) == 0 && m.n == LINTEL_COUNT(s));
    for (uint32_t i = 0; i < 6; i++) {
        CHECK_INT(m.samples[i].status, LINTEL_E_FAIL);
        CHECK_STR(m.samples[i].detail, why[i]);
    }
    CHECK_INT(m.samples[6].value.as.i, 6);
    free(much);
    done();
}

static void
floods_are_cut_into_frames(void)
{
    enum { N = 200000 };
    lintel_sample *s = calloc(N, sizeof *s);
    uint32_t sent = 0, frames = 0, seen = 0;
    for (uint32_t i = 0; i < N; i++)
        s[i] = (lintel_sample){.point = i, .value = {LINTEL_T_STR, 9, {.s = "some text"}}};
    while (sent < N) {
        struct lintel_wire_up m;
        uint32_t n = send(LINTEL_WIRE_PUBLISH, s + sent, N - sent);
        REQUIRE(n > 0 && read_up(&m) == 0 && m.n == n);
        for (uint32_t i = 0; i < n; i++)
            seen += m.samples[i].point == sent + i;
        sent += n;
        frames++;
    }
    CHECK_INT(seen, N);
    CHECK(frames > 4 && frames < 100);
    free(s);
    done();
}

static void
down_and_back(void)
{
    const lintel_value list[] = {{LINTEL_T_STR, 3, {.s = "a/b"}}, {LINTEL_T_STR, 0, {.s = ""}}};
    const lintel_value settings[] = {
        {LINTEL_T_INT, 0, {.i = -1}}, {LINTEL_T_LIST, 2, {.list = list}}, {0}};
    const uint32_t slots[] = {5, 70000, 0};
    struct lintel_wire_down m;
    struct lintel_map map = {0};

    lintel_buf_reset(&frame);
    lintel_wire_open(&frame,
                     &(struct lintel_wire_down){.instance = 3,
                                                .name = "line",
                                                .plugin = "fake",
                                                .file = "/x/\xff.so",
                                                .log = 2,
                                                .tables = {"0123456789abcdef", 16}},
                     settings, 3);
    REQUIRE(read_down(&m) == 0);
    CHECK_INT(m.kind, LINTEL_WIRE_OPEN);
    CHECK_STR(m.name, "line");
    CHECK_STR(m.plugin, "fake");
    CHECK_STR(m.file, "/x/\xff.so");
    CHECK(m.tables.n == 16 && memcmp(m.tables.p, "0123456789abcdef", 16) == 0);
    struct lintel_shared *a = lintel_shared_get(&map, m.settings);
    REQUIRE(a != NULL);
    CHECK_INT(a->values[0].as.i, -1);
    CHECK_STR(a->values[1].as.list[0].as.s, "a/b");
    CHECK_STR(a->values[1].as.list[1].as.s, "");
    CHECK_INT(a->values[2].type, LINTEL_T_NULL);
    /* Equal ones are one. */
    CHECK(lintel_shared_get(&map, m.settings) == a);
    CHECK_INT(a->refs, 2);
    lintel_shared_put(&map, a);
    lintel_shared_put(&map, a);
    CHECK_INT(map.n, 0);

    lintel_buf_reset(&frame);
    lintel_wire_short(&frame, 3, LINTEL_WIRE_START, 0);
    REQUIRE(read_down(&m) == 0);
    CHECK_INT(m.instance, 3);
    CHECK_INT(m.kind, LINTEL_WIRE_START);

    lintel_buf_reset(&frame);
    lintel_wire_bind(&frame,
                     &(struct lintel_wire_down){.instance = 3,
                                                .id = 9,
                                                .device = 1,
                                                .point_kind = 2,
                                                .flags = 7,
                                                .wire_bytes = 4,
                                                .write_wire_bytes = 8,
                                                .name = "t/p"},
                     settings, NULL, 3);
    REQUIRE(read_down(&m) == 0);
    CHECK_INT(m.id, 9);
    CHECK_INT(m.write_wire_bytes, 8);
    a = lintel_shared_get(&map, m.write_addr);
    REQUIRE(a != NULL);
    CHECK(a->values == NULL);
    lintel_shared_put(&map, a);

    lintel_buf_reset(&frame);
    lintel_wire_request(&frame, &(struct lintel_wire_down){.instance = 3,
                                                           .ticket = UINT64_MAX,
                                                           .op = LINTEL_WIRE_WRITE,
                                                           .within = -5,
                                                           .batch = 6,
                                                           .priority = 16,
                                                           .n = 3,
                                                           .slots = slots,
                                                           .values = settings});
    REQUIRE(read_down(&m) == 0);
    CHECK_INT(m.within, -5);
    CHECK_INT(m.n, 3);
    CHECK_INT(m.slots[1], 70000);
    CHECK_STR(m.values[1].as.list[0].as.s, "a/b");
    lintel_map_fini(&map);
    done();
}

/* Every beginning of a good frame, and every flip of one of its bits, is read or refused, never
 * more. */
static void
cut_and_flipped_frames(void)
{
    const lintel_sample s[] = {{.point = 1, .value = {LINTEL_T_BYTES, 4, {.p = "abcd"}}},
                               {.point = 2, .status = LINTEL_E_DEVICE, .detail = "why"},
                               {.point = 3, .value = {LINTEL_T_STR, 3, {.s = "abc"}}, .when = 77}};
    struct lintel_wire_up m;
    struct lintel_wire_down d;
    CHECK_INT(send(LINTEL_WIRE_DONE, s, 3), 3);
    int refused = 0;
    for (size_t n = 0; n < frame.n; n++) {
        unsigned char *cut = malloc(n + 1); /* exact, for the sanitizer */
        memcpy(cut, frame.p, n);
        refused += lintel_wire_read_up(cut, n, &scratch, &m) != 0;
        free(cut);
    }
    CHECK(refused > 5);
    for (size_t bit = 0; bit < frame.n * 8; bit++) {
        frame.p[bit / 8] = (char)(frame.p[bit / 8] ^ 1 << bit % 8);
        lintel_wire_read_up((const unsigned char *)frame.p, frame.n, &scratch, &m);
        lintel_wire_read_down((const unsigned char *)frame.p, frame.n, &scratch, &d);
        frame.p[bit / 8] = (char)(frame.p[bit / 8] ^ 1 << bit % 8);
    }
    CHECK_INT(lintel_wire_read_up((const unsigned char *)frame.p, frame.n, &scratch, &m), 0);
    /* "The same as before" without a before. */
    lintel_buf_reset(&frame);
    for (int i = 0; i < 2; i++)
        lintel_cbor_uint(&frame, i == 0 ? 1 : LINTEL_WIRE_PUBLISH);
    lintel_cbor_uint(&frame, 0);
    lintel_cbor_int(&frame, 0);
    lintel_cbor_uint(&frame, 1);
    lintel_cbor_uint(&frame, 16);
    CHECK_INT(read_up(&m), -1);
    done();
}

/* What is said of life, of numbers that are given anew, and of floods. */
static void
questions_and_their_answers(void)
{
    static const struct lintel_wire_up all[] = {
        {.instance = 7, .kind = LINTEL_WIRE_UNBOUND, .id = 5, .level = 1, .text = ""},
        {.instance = 7, .kind = LINTEL_WIRE_PONG, .ticket = 9, .level = 1, .text = "bind()"},
        {.instance = 7, .kind = LINTEL_WIRE_FLOOD, .ticket = UINT64_MAX, .id = 3, .text = ""},
        {.instance = 7, .kind = LINTEL_WIRE_MISBEHAVING, .level = 1, .text = "lies"}};
    struct lintel_wire_up m;
    struct lintel_wire_down down;
    for (size_t i = 0; i < LINTEL_COUNT(all); i++) {
        lintel_buf_reset(&frame);
        lintel_wire_say(&frame, &all[i]);
        REQUIRE(read_up(&m) == 0);
        CHECK_INT(m.kind, all[i].kind);
        CHECK(m.ticket == all[i].ticket);
        CHECK_INT(m.id, all[i].id);
        CHECK_INT(m.level, all[i].level);
        CHECK_STR(m.text, all[i].text);
        CHECK_INT(read_down(&down), -1); /* it goes one way only */
    }
    lintel_buf_reset(&frame);
    lintel_wire_short(&frame, 0, LINTEL_WIRE_PING, 0);
    REQUIRE(read_down(&down) == 0);
    CHECK_INT(down.kind, LINTEL_WIRE_PING);
    CHECK_INT(down.instance, 0);
    CHECK_INT(read_up(&m), -1);
    done();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(samples_of_every_type),
                                            KIT(memory_runs_out),
                                            KIT(numbers_stay_exact),
                                            KIT(what_cannot_travel_becomes_an_error),
                                            KIT(floods_are_cut_into_frames),
                                            KIT(down_and_back),
                                            KIT(cut_and_flipped_frames),
                                            KIT(questions_and_their_answers),
                                            {0}};
    return kit_main("wire", tests, argc, argv);
}
