/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/probe.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/kit/kit.h"

/* A host that does this; $0.n has a line for each time that it ran. */
static int
probe(const char *name, const char *does, char *reason, uint32_t size)
{
    char script[400];
    snprintf(script, sizeof script, "#!/bin/sh\necho >>$0.n\n%s\n", does);
    const char *path = kit_write(name, script);
    if (!CHECK(chmod(path, 0700) == 0))
        return -2;
    return lintel_probe(path, "x.so", reason, size);
}

/* Whoever kills the process says nothing about the plugin. */
static void
is_tried_again_when_it_is_killed(void)
{
    char reason[400] = "";
    CHECK_INT(probe("twice", "[ $(wc -l <$0.n) -gt 2 ] || kill -9 $$; echo lintel-host: good >&2",
                    reason, sizeof reason),
              0);
    CHECK_STR(reason, ""); /* not that of the ones before */
    CHECK_INT(probe("always", "kill -9 $$", reason, sizeof reason), LINTEL_PROBE_KILLED);
    CHECK_HAS(reason, "the process that tries x.so first was killed 5 times");
    CHECK_INT(probe("five", "[ $(wc -l <$0.n) -gt 5 ] || kill -9 $$; echo lintel-host: good >&2",
                    reason, sizeof reason),
              LINTEL_PROBE_KILLED);
    /* What the plugin did itself counts at once. */
    CHECK_INT(probe("crash",
                    "[ $(wc -l <$0.n) -gt 1 ] || kill -SEGV $$; echo lintel-host: good >&2", reason,
                    sizeof reason),
              -1);
    CHECK_HAS(reason, "by signal 11");
    CHECK_INT(
        probe("word", "echo lintel-host: x.so is no plugin >&2; exit 1", reason, sizeof reason),
        -1);
    CHECK_STR(reason, "x.so is no plugin");
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(is_tried_again_when_it_is_killed), {0}};
    return kit_main("probe", tests, argc, argv);
}
