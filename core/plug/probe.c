/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/child.h"

enum { PROBE_MOST = 5000, /* ms */ SAID_MOST = 4096, TRIES_MOST = 5, PAUSE_FIRST = 10 /* ms */ };

struct probe {
    pid_t pid;
    int said; /* what it says on its standard error */
    int64_t end;
    char text[SAID_MOST];
    size_t n;
};

/* Not the loop's time: this waits for a process of the system, outside of the loop. */
static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
spawn(struct probe *p, const char *host, const char *file)
{
    int ends[2];
    char **env = lintel_child_environment();
    if (env == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        int error = env == NULL ? ENOMEM : errno;
        lintel_free(env);
        return error;
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    char mode[] = "--try";
    char *program = lintel_strdup(host), *path = lintel_strdup(file);
    char *argv[] = {program, mode, path, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = program == NULL || path == NULL
                    ? ENOMEM
                    : posix_spawn(&p->pid, host, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (error != 0)
        close(ends[0]);
    else
        p->said = ends[0];
    lintel_free(program);
    lintel_free(path);
    lintel_free(env);
    return error;
}

/* Until it closes its standard error, mostly by its end. */
static void
listen_to(struct probe *p)
{
    struct pollfd fd = {.fd = p->said, .events = POLLIN};
    char rest[SAID_MOST];
    ssize_t n = 1;
    for (int64_t left; n != 0 && (left = p->end - now_ms()) > 0;) {
        if (poll(&fd, 1, (int)left) <= 0)
            continue;
        int more = p->n + 1 < sizeof p->text;
        n = read(p->said, more ? p->text + p->n : rest,
                 more ? sizeof p->text - 1 - p->n : sizeof rest);
        if (n < 0 && errno != EINTR)
            break;
        p->n += more && n > 0 ? (size_t)n : 0;
    }
    p->text[p->n] = '\0';
    close(p->said);
}

/* Its status, or -1: it did not end in time, and was killed. */
static int
wait_for(const struct probe *p)
{
    int status;
    pid_t ended = 0;
    for (long ms = 1; (ended = waitpid(p->pid, &status, WNOHANG)) == 0 && now_ms() < p->end;) {
        nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
        ms = ms < 20 ? ms * 2 : ms;
    }
    if (ended == p->pid)
        return status;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return -1;
}

/* Its last line: others may have come from the plugin's libraries. */
static const char *
last_line(struct probe *p)
{
    static const char own[] = "lintel-host: ";
    while (p->n > 0 && p->text[p->n - 1] == '\n')
        p->text[--p->n] = '\0';
    const char *line = strrchr(p->text, '\n');
    line = line != NULL ? line + 1 : p->text;
    return strncmp(line, own, sizeof own - 1) == 0 ? line + sizeof own - 1 : line;
}

static int
judge(struct probe *p, const char *file, int status, char *reason, uint32_t size)
{
    const char *line = last_line(p);
    if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && strcmp(line, "good") == 0)
        return 0;
    if (status == -1)
        lintel_format(reason, size,
                      "%s hangs when it is opened (looked at in a process of its own for %d s): "
                      "don't use it",
                      file, PROBE_MOST / 1000);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        lintel_format(
            reason, size,
            "%s does at once, when it is opened, what no plugin may (SIGSYS): don't use it", file);
    else if (WIFSIGNALED(status))
        lintel_format(reason, size,
                      "%s killed the process that opened it by signal %d (%s), as it would have "
                      "killed the hub: don't use it",
                      file, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (line[0] != '\0')
        lintel_copy(reason, size, line);
    else
        lintel_format(reason, size,
                      "%s ended the process that opened it, with status %d: don't use it", file,
                      WEXITSTATUS(status));
    return -1;
}

/* One try. *ret_killed: somebody else ended it, so it says nothing about the plugin. */
static int
try_once(const char *host, const char *file, int *ret_killed, char *reason, uint32_t size)
{
    struct probe p = {.end = now_ms() + PROBE_MOST};
    int error = spawn(&p, host, file);
    *ret_killed = 0;
    if (error != 0) {
        lintel_format(reason, size, "%s, which tries plugins first, can't be started: %s", host,
                      strerror(error));
        return -1;
    }
    listen_to(&p);
    int status = wait_for(&p);
    *ret_killed = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return judge(&p, file, status, reason, size);
}

int
lintel_probe(const char *host, const char *file, char *reason, uint32_t size)
{
    int killed = 0, result = try_once(host, file, &killed, reason, size);
    long pause = PAUSE_FIRST;
    for (int i = 1; killed && i < TRIES_MOST; i++) {
        nanosleep(&(struct timespec){0, pause * 1000000}, NULL);
        pause *= 2;
        result = try_once(host, file, &killed, reason, size);
    }
    if (killed) {
        lintel_format(reason, size,
                      "the process that tries %s first was killed %d times (signal 9): is the "
                      "memory used up? If it is not, the plugin does it: don't use it",
                      file, TRIES_MOST);
        return LINTEL_PROBE_KILLED;
    }
    if (result == 0)
        reason[0] = '\0'; /* of a try before */
    return result;
}
