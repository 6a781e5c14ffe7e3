/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_testclient.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_ARGUMENTS = 30, OUTPUT = 300000 };

const char *
testclient_uri(const struct testhost *t, unsigned listener, const char *scheme_and_host,
               const char *path)
{
    static char uri[200];
    snprintf(uri, sizeof uri, "%s:%u/%s", scheme_and_host, testhost_port(t, listener), path);
    return uri;
}

const char *
testclient(struct testhost *t, const char *const *given, void (*tick)(struct testhost *))
{
    static char output[OUTPUT];
    char *argv[MOST_ARGUMENTS + 1] = {NULL};
    int pipes[2], status = 0;
    pid_t pid;
    size_t got = 0;
    posix_spawn_file_actions_t actions;

    for (unsigned n = 0; n < MOST_ARGUMENTS && given[n] != NULL; n++)
        argv[n] = (char *)(uintptr_t)given[n];
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return NULL;
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 2);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    for (int ended = failed; !ended;) {
        testhost_turn(t, 5);
        if (tick != NULL)
            tick(t);
        ended = waitpid(pid, &status, WNOHANG) == pid;
        ssize_t more;
        while ((more = read(pipes[0], output + got, sizeof output - 1 - got)) > 0)
            got += (size_t)more;
    }
    close(pipes[0]);
    output[got] = '\0';
    if (failed) {
        printf("skipped: %s is not installed\n", argv[0]);
        return NULL;
    }
    return output;
}
