/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/supervise.h"

#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)

static int
about(int64_t pause, double seconds)
{
    double is = (double)pause / 1e9;
    return is >= seconds * 0.75 - 1e-9 && is <= seconds * 1.25;
}

static void
pauses_grow_to_an_alarm(void)
{
    static const double wanted[] = {0.05, 0.4, 0.8, 1.6};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct lintel_supervise s = {.random = seed};
        lintel_mono now = 7 * SECOND;
        for (int i = 0; i < 4; i++, now += SECOND) {
            CHECK(about(lintel_supervise_ended(&s, now), wanted[i]));
            CHECK_INT(s.alarm, 0);
        }
        for (int i = 0; i < 100; i++) { /* for ever */
            CHECK_INT(lintel_supervise_ended(&s, now), LINTEL_SUPERVISE_RARELY);
            CHECK_INT(s.alarm, i + 1);
            now += LINTEL_SUPERVISE_RARELY;
            lintel_supervise_ready(&s, now);
            now += SECOND;
        }
    }
}

static void
pauses_differ(void)
{
    struct lintel_supervise a = {.random = 1}, b = {.random = 2};
    CHECK(lintel_supervise_ended(&a, 1) != lintel_supervise_ended(&b, 1));
}

static void
old_ends_are_forgotten(void)
{
    struct lintel_supervise s = {.random = 1};
    lintel_mono now = SECOND;
    for (int i = 0; i < 4; i++)
        lintel_supervise_ended(&s, now + i * SECOND);
    /* All four are older than the window. */
    now += LINTEL_SUPERVISE_WINDOW + 3 * SECOND;
    CHECK(about(lintel_supervise_ended(&s, now), 0.05));
    /* One every three minutes is never five within ten. */
    for (int i = 0; i < 20; i++) {
        now += 180 * SECOND;
        CHECK(lintel_supervise_ended(&s, now) < 2 * SECOND);
        CHECK_INT(s.alarm, 0);
    }
    /* One every two minutes is. */
    for (int i = 0; i < 5; i++) {
        now += 120 * SECOND;
        lintel_supervise_ended(&s, now);
    }
    CHECK(s.alarm != 0);
}

static void
an_alarm_ends_by_good_running_or_by_hand(void)
{
    struct lintel_supervise s = {.random = 1};
    lintel_mono now = SECOND;
    for (int i = 0; i < 5; i++)
        lintel_supervise_ended(&s, now);
    now += LINTEL_SUPERVISE_RARELY;
    lintel_supervise_ready(&s, now);
    lintel_supervise_ready(&s, now + SECOND); /* said twice: the first counts */
    now += LINTEL_SUPERVISE_WINDOW - 1;
    CHECK_INT(lintel_supervise_ended(&s, now), LINTEL_SUPERVISE_RARELY);
    lintel_supervise_ready(&s, now);
    now += LINTEL_SUPERVISE_WINDOW;
    CHECK(about(lintel_supervise_ended(&s, now), 0.05));
    CHECK_INT(s.alarm, 0);
    for (int i = 0; i < 5; i++)
        lintel_supervise_ended(&s, now);
    CHECK(s.alarm != 0);
    lintel_supervise_forgive(&s);
    CHECK_INT(s.alarm, 0);
    CHECK(about(lintel_supervise_ended(&s, now), 0.05));
    CHECK(about(lintel_supervise_ended(&s, now), 0.4));
}

static void
what_the_machine_lacks_is_no_end(void)
{
    static const double wanted[] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 6.4, 6.4};
    struct lintel_supervise s = {.random = 1};
    lintel_mono now = SECOND;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            CHECK(about(lintel_supervise_starved(&s, now), wanted[i]));
        CHECK_INT(s.alarm, 0);
        lintel_supervise_ready(&s, now);
        now += 10 * SECOND;
    }
    CHECK(about(lintel_supervise_ended(&s, now), 0.05));
    lintel_supervise_forgive(&s);
    CHECK(about(lintel_supervise_starved(&s, now), 0.1));
    CHECK(about(lintel_supervise_ended(&s, now), 0.05));
    for (int i = 0; i < 20; i++) { /* it runs, but never for long */
        lintel_supervise_ready(&s, now);
        now += SECOND;
        CHECK(about(lintel_supervise_short(&s, now), i < 2 ? wanted[i + 1] : 0.8));
    }
    CHECK_INT(s.alarm, 0);
}

/* Where that is not certain it is believed for a while. */
static void
want_without_an_end_is_an_end(void)
{
    struct lintel_supervise s = {.random = 1};
    int64_t waited = 0;
    for (int i = 0; i < 7; i++)
        waited += lintel_supervise_short(&s, SECOND);
    CHECK(about(waited, 12.7));
    for (int i = 0; i < 4; i++)
        CHECK(lintel_supervise_short(&s, SECOND) <= 2 * SECOND);
    CHECK_INT(s.alarm, 0);
    CHECK_INT(lintel_supervise_short(&s, SECOND), LINTEL_SUPERVISE_RARELY);
    CHECK_INT(s.alarm, 1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(pauses_grow_to_an_alarm),
                                            KIT(pauses_differ),
                                            KIT(old_ends_are_forgotten),
                                            KIT(an_alarm_ends_by_good_running_or_by_hand),
                                            KIT(what_the_machine_lacks_is_no_end),
                                            KIT(want_without_an_end_is_an_end),
                                            {0}};
    return kit_main("supervise", tests, argc, argv);
}
