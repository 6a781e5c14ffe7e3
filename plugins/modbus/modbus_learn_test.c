/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_learn.h"
#include "tests/kit/kit.h"

static const struct mb_range forbidden[] = {{MB_ANY_TABLE, 40, 49}};
static const struct mb_limits settings = {
    .registers = 125, .bits = 2000, .gap = 10, .nforbidden = 1, .forbidden = forbidden};

/* Reads of a device that gives so many at once: the size that they end with. */
static uint32_t
descend(struct mb_learned *l, uint32_t from, uint32_t limit)
{
    uint32_t size = from, refusals = 0;
    while (size > limit && refusals++ < 20)
        size = mb_learned_refused(l, size, 1, 1, 0);
    CHECK(refusals <= 15);
    mb_learned_taken(l, size);
    return size;
}

static void
a_limit_is_found_and_told_once(void)
{
    static const uint32_t cases[][3] = {/* first read, limit, learned */
                                        {125, 50, 50},   {76, 50, 50}, {125, 80, 80}, {125, 64, 64},
                                        {125, 123, 120}, {60, 12, 10}, {51, 50, 50},  {3, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mb_learned l;
        REQUIRE(mb_learned_init(&l, &settings) == 0);
        CHECK_INT(mb_learned_tell(&l), 0);
        uint32_t version = l.version;
        CHECK_INT(descend(&l, cases[i][0], cases[i][1]), cases[i][2]);
        CHECK(l.version != version);
        CHECK_INT(mb_learned_limits(&l, &settings).registers, cases[i][2]);
        CHECK_INT(mb_learned_tell(&l), 1);
        CHECK_INT(mb_learned_tell(&l), 0);
        mb_learned_fini(&l);
    }
}

static void
other_refusals_are_no_limit(void)
{
    struct mb_learned l;
    REQUIRE(mb_learned_init(&l, &settings) == 0);
    mb_learned_taken(&l, 60);
    CHECK_INT(mb_learned_refused(&l, 40, 1, 1, 0), 0);  /* it has given more */
    CHECK_INT(mb_learned_refused(&l, 100, 1, 1, 0), 0); /* and is not believed any more */
    CHECK_INT(mb_learned_limits(&l, &settings).registers, 125);
    CHECK_INT(mb_learned_tell(&l), 0);
    mb_learned_fini(&l);
    REQUIRE(mb_learned_init(&l, &settings) == 0);
    CHECK_INT(mb_learned_refused(&l, 76, 1, 1, 0), 64);
    CHECK_INT(mb_learned_refused(&l, 2, 0, 1, 0), 0); /* a single small value: a hole */
    CHECK_INT(mb_learned_limits(&l, &settings).registers, 125);
    mb_learned_fini(&l);
    REQUIRE(mb_learned_init(&l, &settings) == 0);
    CHECK_INT(mb_learned_refused(&l, 76, 1, 1, 0), 64);
    CHECK_INT(mb_learned_refused(&l, 70, 0, 1, 0), 0); /* a single long one proves nothing */
    CHECK_INT(mb_learned_limits(&l, &settings).registers, 64);
    mb_learned_fini(&l);
}

static void
illegal_addresses_are_not_bridged(void)
{
    struct mb_learned l;
    REQUIRE(mb_learned_init(&l, &settings) == 0);
    for (uint32_t i = 0; i < MB_ILLEGAL_MOST + 5; i++)
        mb_learned_illegal(&l, &settings, MB_INPUT, 100 + 2 * i, 2, 1, 0);
    struct mb_limits all = mb_learned_limits(&l, &settings);
    CHECK_INT(all.nforbidden, 1 + MB_ILLEGAL_MOST);
    CHECK(mb_forbidden(&all, MB_INPUT, 101, 1));
    CHECK(!mb_forbidden(&all, MB_HOLDING, 101, 1));
    CHECK(mb_forbidden(&all, MB_HOLDING, 45, 1));      /* of the settings */
    CHECK(!mb_forbidden(&settings, MB_INPUT, 101, 1)); /* which stay as they are */
    mb_learned_fini(&l);
}

static void
it_is_forgotten(void)
{
    for (int how = 0; how < 2; how++) {
        struct mb_learned l;
        REQUIRE(mb_learned_init(&l, &settings) == 0);
        CHECK_INT(mb_learned_refused(&l, 76, 1, 1000, 3), 64);
        mb_learned_illegal(&l, &settings, MB_INPUT, 10, 1, 1000, 3);
        mb_learned_age(&l, &settings, 1000 + MB_LEARNED_FOR - 1, 3);
        CHECK_INT(mb_learned_limits(&l, &settings).registers, 64);
        uint32_t version = l.version;
        mb_learned_age(&l, &settings, how == 0 ? 1000 + MB_LEARNED_FOR : 1001, how == 0 ? 3 : 4);
        CHECK_INT(mb_learned_limits(&l, &settings).registers, 125);
        CHECK_INT(mb_learned_limits(&l, &settings).nforbidden, 1);
        CHECK(l.version != version);
        mb_learned_fini(&l);
    }
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(a_limit_is_found_and_told_once),
                                            KIT(other_refusals_are_no_limit),
                                            KIT(illegal_addresses_are_not_bridged),
                                            KIT(it_is_forgotten),
                                            {0}};
    return kit_main("modbus_learn", tests, argc, argv);
}
