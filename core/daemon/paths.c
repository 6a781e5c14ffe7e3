/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

/* The folder above the one that the program lies in, or 0. */
static int
prefix_of_program(char out[LINTEL_PATH_MOST])
{
    ssize_t n = readlink("/proc/self/exe", out, LINTEL_PATH_MOST - 1);
    if (n <= 0)
        return 0;
    out[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(out, '/');
        if (slash == NULL)
            return 0;
        *slash = '\0';
    }
    return 1;
}

/* The source tree that the build tree at `build` was configured from, or 0 if it is none. */
static int
source_of_build(const char *build, char out[LINTEL_PATH_MOST])
{
    char note[LINTEL_PATH_MOST];
    if (!lintel_format(note, sizeof note, "%s/core/daemon/build-tree", build))
        return 0;
    FILE *f = fopen(note, "re");
    if (f == NULL)
        return 0;
    int ok = fgets(out, LINTEL_PATH_MOST, f) != NULL;
    fclose(f);
    if (ok)
        out[strcspn(out, "\n")] = '\0';
    return ok;
}

/* A path of the installation. Where the program lies below another prefix than it was built for - a
 * staged or moved installation - what lies there with it counts. */
static int
installed(char out[LINTEL_PATH_MOST], const char *path)
{
    char prefix[LINTEL_PATH_MOST];
    const size_t n = sizeof LINTEL_PREFIX - 1;
    struct stat st;
    if (n > 0 && strncmp(path, LINTEL_PREFIX "/", n + 1) == 0 && prefix_of_program(prefix) &&
        strcmp(prefix, LINTEL_PREFIX) != 0 &&
        lintel_format(out, LINTEL_PATH_MOST, "%s%s", prefix, path + n) && stat(out, &st) == 0)
        return 1;
    return lintel_copy(out, LINTEL_PATH_MOST, path);
}

int
lintel_paths_find(struct lintel_paths *ret)
{
    char build[LINTEL_PATH_MOST], source[LINTEL_PATH_MOST];
    const char *run = getenv("LINTEL_RUN");
    struct stat st;
    int ok;
    memset(ret, 0, sizeof *ret);
    if (prefix_of_program(build) && source_of_build(build, source)) {
        ret->build_tree = 1;
        ok = lintel_format(ret->plugins, sizeof ret->plugins, "%s/plugins", build) &&
             lintel_format(ret->schemas, sizeof ret->schemas, "%s/schemas", source) &&
             lintel_format(ret->bindings, sizeof ret->bindings, "%s/bindings", source) &&
             lintel_format(ret->host, sizeof ret->host, "%s/bin/lintel-host", build) &&
             lintel_format(ret->daemon, sizeof ret->daemon, "%s/bin/linteld", build) &&
             lintel_format(ret->run, sizeof ret->run, "%s/demo/run", build);
        if (ok && stat(ret->run, &st) != 0)
            ok = lintel_copy(ret->run, sizeof ret->run, LINTEL_RUNDIR);
    } else {
        ok = installed(ret->plugins, LINTEL_PLUGINSDIR) &&
             installed(ret->schemas, LINTEL_SCHEMASDIR) &&
             installed(ret->bindings, LINTEL_BINDINGSDIR) &&
             installed(ret->host, LINTEL_HOSTDIR "/lintel-host") &&
             installed(ret->daemon, LINTEL_SBINDIR "/linteld") &&
             lintel_copy(ret->run, sizeof ret->run, LINTEL_RUNDIR);
    }
    if (ok && run != NULL && run[0] != '\0')
        ok = lintel_copy(ret->run, sizeof ret->run, run);
    return ok ? 0 : -1;
}
