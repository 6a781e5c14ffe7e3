/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lintel/kit.h"

enum { LIMIT = 30 }; /* seconds for one test */

static int failures;

int
lintel_kit_check(int ok, const char *text, const char *file, int line)
{
    if (!ok) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
        printf(line > 0 ? "#   %s:%d: %s\n" : "#   %s%.0d%s\n", file, line, text);
    }
    return ok;
}

/* 0: it passed. */
static int
run(const struct lintel_kit_test *t)
{
    fflush(stdout);
    if (getenv("LINTEL_KIT_NO_FORK") != NULL) {
        failures = 0;
        t->fn();
        return failures;
    }
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT);
        t->fn();
        fflush(stdout);
        exit(failures != 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return lintel_kit_check(0, "no process can be started", __FILE__, __LINE__), 1;
    if (WIFSIGNALED(status))
        printf("#   it ended by signal %d (%s)%s\n", WTERMSIG(status), strsignal(WTERMSIG(status)),
               WTERMSIG(status) == SIGALRM ? ": it took more than 30 s" : "");
    return status != 0;
}

int
lintel_kit_main(const struct lintel_kit_test *tests, int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    int n = 0, failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as in the hub */
    for (; tests->name != NULL; tests++) {
        if (strstr(tests->name, filter) == NULL)
            continue;
        int bad = run(tests) != 0;
        failed += bad;
        printf("%s %d - %s\n", bad ? "not ok" : "ok", ++n, tests->name);
    }
    printf("1..%d\n", n);
    if (n == 0)
        fprintf(stderr, "no test has \"%s\" in its name\n", filter);
    return failed != 0 || n == 0;
}
