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
#include "core/plug/last_word.h"

enum { PROBE_MOST = 5000, /* ms */ SAID_MOST = 4096, TRIES_MOST = 5, PAUSE_FIRST = 10 /* ms */ };

struct probe {
    pid_t pid;
    int said;   /* what it says on its standard error */
    int tables; /* and on descriptor LINTEL_PROBE_TABLES */
    int64_t end;
    char text[SAID_MOST];
    size_t n;
    struct lintel_buf *told; /* the tables, as far as they fit */
};

/* Not the loop's time: this waits for a process of the system, outside of the loop. */
static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Both pipes: 0, or an errno. */
static int
make_pipes(int said[2], int tables[2])
{
    if (pipe2(said, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(tables, O_CLOEXEC) == 0)
        return 0;
    int error = errno;
    close(said[0]);
    close(said[1]);
    return error;
}

static int
spawn_with(struct probe *p, const char *host, const char *file, int said, int tables)
{
    char **env = lintel_child_environment();
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
    posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, tables, LINTEL_PROBE_TABLES);
    posix_spawn_file_actions_addclosefrom_np(&files, LINTEL_PROBE_TABLES + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = program == NULL || path == NULL || env == NULL
                    ? ENOMEM
                    : posix_spawn(&p->pid, host, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    lintel_free(program);
    lintel_free(path);
    lintel_free(env);
    return error;
}

static int
spawn(struct probe *p, const char *host, const char *file)
{
    int said[2], tables[2];
    int error = make_pipes(said, tables);
    if (error != 0)
        return error;
    error = spawn_with(p, host, file, said[1], tables[1]);
    close(said[1]);
    close(tables[1]);
    p->said = said[0];
    p->tables = tables[0];
    if (error != 0) {
        close(said[0]);
        close(tables[0]);
    }
    return error;
}

/* What doesn't fit is read and forgotten. 0 at the end. */
static int
read_text(struct probe *p)
{
    char rest[SAID_MOST];
    int more = p->n + 1 < sizeof p->text;
    ssize_t n =
        read(p->said, more ? p->text + p->n : rest, more ? sizeof p->text - 1 - p->n : sizeof rest);
    p->n += more && n > 0 ? (size_t)n : 0;
    return n > 0 || (n < 0 && errno == EINTR);
}

static int
read_tables(struct probe *p)
{
    char some[SAID_MOST];
    ssize_t n = read(p->tables, some, sizeof some);
    if (n > 0)
        lintel_buf_add(p->told, some, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Until it closes both, mostly by its end. */
static void
listen_to(struct probe *p)
{
    struct pollfd fds[2] = {{.fd = p->said, .events = POLLIN}, {.fd = p->tables, .events = POLLIN}};
    for (int64_t left; (fds[0].fd >= 0 || fds[1].fd >= 0) && (left = p->end - now_ms()) > 0;) {
        if (poll(fds, 2, (int)left) <= 0)
            continue;
        if (fds[0].fd >= 0 && fds[0].revents != 0 && !read_text(p))
            fds[0].fd = -1;
        if (fds[1].fd >= 0 && fds[1].revents != 0 && !read_tables(p))
            fds[1].fd = -1;
    }
    p->text[p->n] = '\0';
    close(p->said);
    close(p->tables);
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
    int caged = strstr(p->text, LINTEL_PROBE_CAGED) != NULL;
    int code = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const char *line = last_line(p);
    if (strcmp(line, "caged") == 0) /* and nothing since */
        line = "";
    if (code == 0 && strcmp(line, "good") == 0)
        return 0;
    if (!caged) {
        if (code != -1 && line[0] != '\0')
            lintel_copy(reason, size, line);
        else
            lintel_format(reason, size,
                          "%s can't be tried: the process for it did not come so far as to open "
                          "it; is the memory used up?",
                          file);
        return LINTEL_PROBE_UNKNOWN;
    }
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
                      code);
    return code == LINTEL_LAST_WORD_STARVED ? LINTEL_PROBE_UNKNOWN : -1;
}

enum again { NOT_AGAIN, AGAIN_KILLED, AGAIN_EARLY };

/* One try. *ret_again: it says nothing about the plugin, as somebody else ended the process, or it
 * ended before it had anything to do with the plugin. */
static int
try_once(const char *host, const char *file, struct lintel_buf *ret_told, enum again *ret_again,
         char *reason, uint32_t size)
{
    struct probe p = {.end = now_ms() + PROBE_MOST, .told = ret_told};
    lintel_buf_reset(ret_told);
    int error = spawn(&p, host, file);
    *ret_again = NOT_AGAIN;
    if (error != 0) {
        lintel_format(reason, size, "%s, which tries plugins first, can't be started: %s", host,
                      strerror(error));
        return LINTEL_PROBE_UNKNOWN;
    }
    listen_to(&p);
    int status = wait_for(&p);
    int result = judge(&p, file, status, reason, size);
    if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        *ret_again = AGAIN_KILLED;
    else if (status != -1 && result == LINTEL_PROBE_UNKNOWN) /* or memory was out */
        *ret_again = AGAIN_EARLY;
    return result;
}

int
lintel_probe(const char *host, const char *file, struct lintel_buf *ret_told, char *reason,
             uint32_t size)
{
    enum again again;
    int result = try_once(host, file, ret_told, &again, reason, size);
    long pause = PAUSE_FIRST;
    for (int i = 1; again != NOT_AGAIN && i < TRIES_MOST; i++) {
        nanosleep(&(struct timespec){0, pause * 1000000}, NULL);
        pause *= 2;
        result = try_once(host, file, ret_told, &again, reason, size);
    }
    if (again == AGAIN_KILLED) {
        lintel_format(reason, size,
                      "the process that tries %s first was killed %d times (signal 9): is the "
                      "memory used up? If it is not, the plugin does it: don't use it",
                      file, TRIES_MOST);
        return LINTEL_PROBE_UNKNOWN;
    }
    if (result == 0)
        reason[0] = '\0'; /* of a try before */
    return result;
}
