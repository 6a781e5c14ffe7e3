/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/kit.h"

static void
starts(void)
{
    CHECK(1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(starts), {0}};
    return kit_main("doc", tests, argc, argv);
}
