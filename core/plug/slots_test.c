/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/slots.h"

#include "tests/kit/kit.h"

static int
is(const struct lintel_slots *s, uint32_t slot)
{
    return (int)lintel_slots_look(s, slot);
}

static void
a_slot_is_bound_and_left(void)
{
    struct lintel_slots s = {0};
    CHECK_INT(is(&s, 3), LINTEL_SLOT_UNKNOWN);
    CHECK_INT(lintel_slots_need(&s, 3), 0);
    CHECK_INT(is(&s, 3), LINTEL_SLOT_UNKNOWN);
    lintel_slots_bind(&s, 3);
    CHECK_INT(is(&s, 3), LINTEL_SLOT_BOUND);
    CHECK_INT(is(&s, 4), LINTEL_SLOT_UNKNOWN);
    lintel_slots_unbind(&s, 3);
    CHECK_INT(is(&s, 3), LINTEL_SLOT_PAST);
    CHECK_INT(lintel_slots_unbound(&s, 3), 0);
    CHECK_INT(is(&s, 3), LINTEL_SLOT_UNKNOWN);
    lintel_slots_fini(&s);
}

/* A value of the old point is on its way while the slot is left and given to another point. */
static void
a_new_point_takes_no_value_of_the_old(void)
{
    struct lintel_slots s = {0};
    CHECK_INT(lintel_slots_need(&s, 0), 0);
    lintel_slots_bind(&s, 0);
    lintel_slots_unbind(&s, 0);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_PAST);
    lintel_slots_bind(&s, 0); /* of another thing */
    CHECK_INT(is(&s, 0), LINTEL_SLOT_PAST);
    lintel_slots_unbind(&s, 0); /* it goes, too, and a third one comes */
    lintel_slots_bind(&s, 0);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_PAST);
    CHECK_INT(lintel_slots_unbound(&s, 0), 0); /* of the first */
    CHECK_INT(is(&s, 0), LINTEL_SLOT_PAST);    /* what comes now is of the second */
    CHECK_INT(lintel_slots_unbound(&s, 0), 0);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_BOUND);
    CHECK_INT(lintel_slots_unbound(&s, 0), -1);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_BOUND);
    lintel_slots_fini(&s);
}

/* An answer that was under way when one of its points went. */
static void
an_answer_counts_for_what_was_asked(void)
{
    struct lintel_slots s = {0};
    CHECK_INT(lintel_slots_need(&s, 70), 0);
    for (uint32_t k = 0; k < 4; k++)
        lintel_slots_bind(&s, k);
    lintel_slots_unbind(&s, 1);
    lintel_slots_bind(&s, 1);
    lintel_slots_ask(&s, (const uint32_t[]){0, 1, 2, 500}, 4);
    CHECK_INT(lintel_slots_take(&s, 0), 1);
    CHECK_INT(lintel_slots_take(&s, 0), 0); /* once */
    CHECK_INT(lintel_slots_take(&s, 1), 0); /* of the past */
    CHECK_INT(lintel_slots_take(&s, 3), 0); /* not asked for */
    CHECK_INT(lintel_slots_take(&s, 500), 0);
    CHECK_INT(is(&s, 3), LINTEL_SLOT_BOUND);
    lintel_slots_ask(&s, (const uint32_t[]){0}, 1); /* 2 is not asked for any more */
    CHECK_INT(lintel_slots_take(&s, 2), 0);
    CHECK_INT(lintel_slots_take(&s, 0), 1);
    lintel_slots_fini(&s);
}

static void
epochs_run_over(void)
{
    struct lintel_slots s = {0};
    CHECK_INT(lintel_slots_need(&s, 1), 0);
    lintel_slots_bind(&s, 0);
    lintel_slots_bind(&s, 1);
    s.epoch = 1;
    lintel_slots_ask(&s, (const uint32_t[]){1}, 1); /* epoch 2, never taken */
    s.epoch = UINT32_MAX;
    lintel_slots_ask(&s, (const uint32_t[]){0}, 1); /* epoch 2 again */
    CHECK_INT(s.epoch, 2);
    CHECK_INT(lintel_slots_take(&s, 1), 0);
    CHECK_INT(lintel_slots_take(&s, 0), 1);
    lintel_slots_fini(&s);
}

static void
a_new_instance_owes_nothing(void)
{
    struct lintel_slots s = {0};
    lintel_slots_reset(&s);
    CHECK_INT(lintel_slots_need(&s, 0), 0);
    lintel_slots_bind(&s, 0);
    lintel_slots_unbind(&s, 0);
    lintel_slots_reset(&s);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_UNKNOWN);
    CHECK_INT(lintel_slots_unbound(&s, 0), -1);
    lintel_slots_bind(&s, 0);
    CHECK_INT(is(&s, 0), LINTEL_SLOT_BOUND);
    lintel_slots_fini(&s);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(a_slot_is_bound_and_left),
                                            KIT(a_new_point_takes_no_value_of_the_old),
                                            KIT(an_answer_counts_for_what_was_asked),
                                            KIT(epochs_run_over),
                                            KIT(a_new_instance_owes_nothing),
                                            {0}};
    return kit_main("slots", tests, argc, argv);
}
