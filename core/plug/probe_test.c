/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/probe.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/kit/kit.h"

static struct lintel_buf told; /* by the last one */

/* A host that does this; $0.n has a line for each time that it ran. */
static int
probe(const char *name, const char *does, char *reason, uint32_t size)
{
    lintel_buf_fini(&told);
    told = (struct lintel_buf){.limit = 10000};
    char script[400];
    snprintf(script, sizeof script, "#!/bin/sh\necho >>$0.n\necho lintel-host: caged >&2\n%s\n",
             does);
    const char *path = kit_write(name, script);
    if (!CHECK(chmod(path, 0700) == 0))
        return -2;
    return lintel_probe(path, "x.so", &told, reason, size);
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
    CHECK_INT(probe("always", "kill -9 $$", reason, sizeof reason), LINTEL_PROBE_UNKNOWN);
    CHECK_HAS(reason, "the process that tries x.so first was killed 5 times");
    CHECK_INT(probe("five", "[ $(wc -l <$0.n) -gt 5 ] || kill -9 $$; echo lintel-host: good >&2",
                    reason, sizeof reason),
              LINTEL_PROBE_UNKNOWN);
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
    CHECK_INT(probe("silent", "exit 0", reason, sizeof reason), -1);
    CHECK_HAS(reason, "x.so ended the process that opened it, with status 0");
}

/* What happens before the file is opened says nothing about it either. */
static void
is_not_judged_before_it_is_opened(void)
{
    static const struct {
        const char *name, *script;
        int result;
        const char *reason;
    } cases[] = {
        {"early", "#!/bin/sh\nkill -SEGV $$\n", LINTEL_PROBE_UNKNOWN, "did not come so far"},
        {"word", "#!/bin/sh\necho lintel-host: no cage: out of memory >&2; exit 1\n",
         LINTEL_PROBE_UNKNOWN, "no cage: out of memory"},
        {"starved",
         "#!/bin/sh\necho lintel-host: caged >&2\necho lintel-host: memory >&2; exit 78\n",
         LINTEL_PROBE_UNKNOWN, "memory"},
        {"later",
         "#!/bin/sh\necho >>$0.n\n[ $(wc -l <$0.n) -gt 3 ] || exit 1\n"
         "echo lintel-host: caged >&2\necho lintel-host: good >&2\n",
         0, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reason[400] = "";
        told = (struct lintel_buf){.limit = 10000};
        const char *path = kit_write(cases[i].name, cases[i].script);
        REQUIRE(chmod(path, 0700) == 0);
        CHECK_INT(lintel_probe(path, "x.so", &told, reason, sizeof reason), cases[i].result);
        CHECK_HAS(reason, cases[i].reason);
        lintel_buf_fini(&told);
    }
}

/* Both streams are read to their ends, whatever comes first, and however much it is. */
static void
what_is_told_is_bounded(void)
{
    char reason[400] = "";
    CHECK_INT(probe("tells", "echo lintel-host: good >&2; echo tables >&3", reason, sizeof reason),
              0);
    CHECK_STR(lintel_buf_str(&told), "tables\n");
    CHECK_INT(probe("again",
                    "echo >>$0.k; [ $(wc -l <$0.k) -gt 1 ] || { echo half >&3; kill -9 $$; }; "
                    "echo whole >&3; echo lintel-host: good >&2",
                    reason, sizeof reason),
              0);
    CHECK_STR(lintel_buf_str(&told), "whole\n"); /* of the last try alone */
    CHECK_INT(probe("much",
                    "head -c 300000 /dev/zero >&3; head -c 300000 /dev/zero >&2; head -c 300000 "
                    "/dev/zero >&3; echo; echo lintel-host: good >&2",
                    reason, sizeof reason),
              -1);
    CHECK(told.failed);
    CHECK(told.n <= 10000);
    CHECK_INT(probe("none", "echo lintel-host: good >&2", reason, sizeof reason), 0);
    CHECK_INT(told.n, 0);
    lintel_buf_fini(&told);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(is_tried_again_when_it_is_killed),
                                            KIT(is_not_judged_before_it_is_opened),
                                            KIT(what_is_told_is_bounded),
                                            {0}};
    return kit_main("probe", tests, argc, argv);
}
