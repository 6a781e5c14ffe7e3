/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kit/check_sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/text.h"

enum { WAIT_STEPS = 500, WAIT_STEP = 20 }; /* ms: 10 s in all */

static int
has_line(const struct check_options *o)
{
    for (unsigned i = 0; i < o->set.n; i++)
        if (strstr(o->set.at[i], "{line}") != NULL)
            return 1;
    return 0;
}

static int
open_line(struct check_sim *s, struct check_options *o)
{
    struct termios raw;
    s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->master < 0 || grantpt(s->master) != 0 || unlockpt(s->master) != 0 ||
        ptsname_r(s->master, o->line, sizeof o->line) != 0 ||
        (s->slave = open(o->line, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
        tcgetattr(s->slave, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    return tcsetattr(s->slave, TCSANOW, &raw);
}

static int
answers_tcp(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A datagram socket can't be asked; one of ours is refused the port as soon as it is taken. */
static int
is_taken_udp(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int taken =
        fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 && errno == EADDRINUSE;
    if (fd >= 0)
        close(fd);
    return taken;
}

static void
become(const struct check_sim *s, const char *command)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (s->master > 0) {
        dup2(s->master, STDIN_FILENO);
        dup2(s->master, STDOUT_FILENO);
    } else {
        /* Some end with their input, and whose this program's is nobody knows. */
        int none = open("/dev/null", O_RDONLY);
        dup2(none, STDIN_FILENO);
        close(none);
        dup2(STDERR_FILENO, STDOUT_FILENO);
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int
check_sim_start(struct check_sim *s, struct check_options *o)
{
    struct check c = {.o = o, .port = o->port};
    const char *command = check_fill(&c, o->sim, 0);
    if (has_line(o) && open_line(s, o) != 0) {
        fprintf(stderr, "lintel-plugin-check: no serial line can be made: %s\n", strerror(errno));
        return -1;
    }
    s->pid = fork();
    if (s->pid == 0)
        become(s, command);
    setpgid(s->pid, s->pid); /* both do it, so that it is done in time */
    for (int i = 0; s->pid > 0 && i < WAIT_STEPS; i++) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            break;
        }
        if (o->line[0] != '\0' || answers_tcp(o->port) || is_taken_udp(o->port))
            return 0;
        poll(NULL, 0, WAIT_STEP);
    }
    fprintf(stderr, "lintel-plugin-check: the simulated device does not listen on port %u: %s\n",
            o->port, command);
    check_sim_stop(s);
    return -1;
}

void
check_sim_stop(struct check_sim *s)
{
    if (s->pid > 0) {
        kill(-s->pid, SIGTERM);
        for (int i = 0; i < 100 && waitpid(s->pid, NULL, WNOHANG) == 0; i++) {
            poll(NULL, 0, WAIT_STEP);
            if (i == 50)
                kill(-s->pid, SIGKILL);
        }
    }
    if (s->master > 0)
        close(s->master);
    if (s->slave > 0)
        close(s->slave);
}
