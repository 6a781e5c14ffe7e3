/* SPDX-License-Identifier: Apache-2.0
 * lintel-host: a process for plugins. Started by linteld with one end of a socket pair; by people
 * only to look into a plugin. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/plug/cage_lock.h"
#include "core/plug/hosted.h"
#include "core/plug/inspect.h"
#include "core/plug/last_word.h"
#include "core/plug/load.h"
#include "core/plug/probe.h"
#include "core/plug/told.h"

#define WANT_PAUSE 50000000 /* ns */
enum { WANTS_MOST = 2 };

static const char usage[] = "usage: lintel-host --inspect FILE\n"
                            "Prints what the plugin FILE says of itself, as JSON. linteld starts "
                            "this program with --socket=FD,\n"
                            "to run plugins in a process of their own, and with --try FILE to "
                            "learn what one says of itself.\n";

static void
complain(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "lintel-host: %s\n", line);
}

/* Its code runs when it is opened, before anybody knows what it is: it may do nothing here. */
static int
lock_in(const char *file, char *reason, uint32_t size)
{
    struct lintel_cage cage = {0};
    char *path = realpath(file, NULL);
    int ret = 0;
    lintel_cage_find_user(&cage.user);
    if (path != NULL) /* else the loader tells what is wrong with it */
        ret = lintel_cage_add_path(&cage, path, 0);
    if (ret == 0)
        ret = lintel_cage_lock(&cage, 0, reason, size, complain, NULL);
    else
        lintel_copy(reason, size, "out of memory");
    free(path);
    lintel_cage_fini(&cage);
    return ret;
}

/* What the file says of itself, to linteld. */
static int
tell(const lintel_entry *e)
{
    struct lintel_buf out = {0};
    lintel_told_write(&out, e);
    size_t done = 0;
    while (!out.failed && done < out.n) {
        ssize_t n = write(LINTEL_PROBE_TABLES, out.p + done, out.n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    int starved = out.failed, failed = starved || done < out.n;
    lintel_buf_fini(&out);
    if (failed)
        fprintf(stderr, "lintel-host: what the plugin says of itself can't be told; linteld uses "
                        "--try, people use --inspect\n");
    else
        fputs(LINTEL_PROBE_GOOD, stderr);
    return starved ? LINTEL_LAST_WORD_STARVED : failed;
}

/* Whether memory or descriptors may have been out for a moment: not all that the loader says then
 * is recognised. */
static int
is_want(const char *reason)
{
    return strstr(reason, "memory") != NULL || strstr(reason, strerror(EMFILE)) != NULL ||
           strstr(reason, "cannot create shared object descriptor") != NULL;
}

/* for_hub: linteld asks so, and does not open the file itself. */
static int
inspect(const char *file, int for_hub)
{
    char reason[512];
    struct lintel_buf out = {0};
    if (lock_in(file, reason, sizeof reason) != 0) {
        fprintf(stderr, "lintel-host: %s can't be looked at: %s\n", file, reason);
        return 1;
    }
    if (for_hub)
        fputs(LINTEL_PROBE_CAGED, stderr);
    const lintel_entry *e = lintel_load_file(file, reason, sizeof reason);
    for (int i = 0; e == NULL && for_hub && is_want(reason) && i < WANTS_MOST; i++) {
        nanosleep(&(struct timespec){0, WANT_PAUSE}, NULL);
        e = lintel_load_file(file, reason, sizeof reason);
    }
    if (e == NULL) {
        fprintf(stderr, "lintel-host: %s\n", reason);
        return is_want(reason) ? LINTEL_LAST_WORD_STARVED : 1;
    }
    if (for_hub)
        return tell(e);
    lintel_inspect_entry(e, file, &out);
    int ok = !out.failed && puts(lintel_buf_str(&out)) >= 0 && fflush(stdout) == 0;
    lintel_buf_fini(&out);
    if (!ok)
        fprintf(stderr, "lintel-host: the output can't be written\n");
    return !ok;
}

static int
serve(const char *number)
{
    int64_t fd;
    int type;
    socklen_t size = sizeof type;
    if (!lintel_parse_int(number, strlen(number), &fd) || fd < 0 || fd > 1023 ||
        getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        fprintf(stderr, "lintel-host: --socket=%s is not a socket; linteld starts this program\n",
                number);
        return 2;
    }
    return lintel_hosted_serve((int)fd);
}

/* Until a debugger holds this process (linteld's LINTEL_HOST_WAIT=NAME): then breakpoints can be
 * set before the plugin is opened. Who may trace it is the kernel's business. */
static void
wait_for_debugger(const char *name)
{
    int traced = 0;
    fprintf(stderr, "lintel-host: %s waits for a debugger: gdb -p %ld\n", name, (long)getpid());
    while (!traced) {
        char line[128];
        FILE *f = fopen("/proc/self/status", "re");
        if (f == NULL) {
            fprintf(stderr, "lintel-host: /proc can't be read, so nothing is waited for\n");
            return;
        }
        while (fgets(line, sizeof line, f) != NULL)
            if (strncmp(line, "TracerPid:", 10) == 0)
                traced = strtol(line + 10, NULL, 10) != 0;
        fclose(f);
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--inspect") == 0)
        return inspect(argv[2], 0);
    if (argc == 3 && strcmp(argv[1], "--try") == 0)
        return inspect(argv[2], 1);
    if (argc == 5 && strcmp(argv[4], "--wait") == 0)
        wait_for_debugger(argv[3]);
    if (argc >= 2 && strncmp(argv[1], "--socket=", 9) == 0)
        return serve(argv[1] + 9);
    fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
}
