/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/fakehost.h"

#include "tests/kit/kit.h"

static void
complain(uint32_t rule, const char *what)
{
    (void)rule;
    kit_check(0, what, __FILE__, __LINE__, __func__);
}

struct fakehost *
fakehost_new(const lintel_plugin *plugin, const char *const *settings, int real_time)
{
    lintel_kit_on_complaint(complain);
    struct fakehost *h = lintel_kit_new(plugin, settings, real_time);
    if (h == NULL)
        complain(LINTEL_KIT_TEST, lintel_kit_refusal());
    return h;
}
