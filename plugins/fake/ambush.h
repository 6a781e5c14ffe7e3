/* SPDX-License-Identifier: Apache-2.0
 * For tests: code that runs when a plugin's file is opened, and is harmless where it is looked at:
 * a caged process has none of the hub's environment. Anywhere else it notes whom it has got. */
#ifndef FAKE_AMBUSH_H
#define FAKE_AMBUSH_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void __attribute__((constructor)) ambush(void)
{
    const char *path = getenv("LINTEL_AMBUSH");
    FILE *f = path != NULL ? fopen(path, "ae") : NULL;
    if (f == NULL)
        return;
    fprintf(f, "%s\n", program_invocation_short_name);
    fclose(f);
}
#endif
