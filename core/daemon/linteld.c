/* SPDX-License-Identifier: Apache-2.0
 * linteld: the hub's daemon. Reads a site, runs it, takes changes in on SIGHUP, ends on SIGTERM and
 * SIGINT. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/daemon/hub.h"
#include "core/daemon/version.h"

enum { EXIT_SITE = 1, EXIT_USAGE = 2, EXIT_SYSTEM = 3 };

struct options {
    const char *site, *state, *run;
};

static const char usage[] =
    "Usage: linteld [--site DIR] [--state DIR] [--run DIR] [--log LEVEL]\n"
    "Runs a building hub as its site's files say. See linteld(8).\n"
    "\n"
    "  --site DIR    lintel.yaml, models, bindings, things   [/etc/lintel]\n"
    "  --state DIR   what must survive a restart             [/var/lib/lintel]\n"
    "  --run DIR     the local socket, lintel.sock           [" LINTEL_RUNDIR "]\n"
    "  --log LEVEL   error, warn, info or debug              [info]\n"
    "  --version, --help\n"
    "\n"
    "SIGHUP reads the site again; SIGTERM and SIGINT end the hub.\n";

static int
log_level(const char *word)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

/* -1: go on; otherwise the program's exit status. */
static int
read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"site", required_argument, NULL, 's'},
        {"state", required_argument, NULL, 't'},
        {"run", required_argument, NULL, 'r'},
        {"log", required_argument, NULL, 'l'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 's': o->site = optarg; break;
        case 't': o->state = optarg; break;
        case 'r': o->run = optarg; break;
        case 'l':
            if (log_level(optarg) < 0) {
                fprintf(stderr, "linteld: --log takes error, warn, info or debug, not \"%s\"\n",
                        optarg);
                return EXIT_USAGE;
            }
            lintel_log_level(log_level(optarg));
            break;
        case 'V': puts("linteld " LINTEL_VERSION); return 0;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs("Try 'linteld --help'.\n", stderr); return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "linteld: \"%s\" is too much; try 'linteld --help'\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* Makes the folder if it is missing, and takes its lock: two daemons must not share one. The
 * descriptor stays open until the end. */
static int
own_folder(const char *dir, const char *what)
{
    char path[LINTEL_PATH_MOST];
    if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
        fprintf(stderr, "linteld: the %s folder %s can't be made: %s\n", what, dir,
                strerror(errno));
        return -1;
    }
    if (!lintel_format(path, sizeof path, "%s/linteld.lock", dir)) {
        fprintf(stderr, "linteld: the path of the %s folder %s is too long\n", what, dir);
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        fprintf(stderr, "linteld: %s can't be opened: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr,
                "linteld: another linteld uses the %s folder %s; end it, or give this one another "
                "by --%s\n",
                what, dir, what);
        close(fd);
        return -1;
    }
    return fd;
}

/* sd_notify(3)'s datagram, without the library. */
static void
tell_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || !lintel_copy(to.sun_path, sizeof to.sun_path, path))
        return;
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, n);
    close(fd);
}

struct program {
    struct lintel_loop *loop;
    struct lintel_hub *hub;
};

static void
on_reloaded(void *ctx, const struct lintel_hub_change *c, struct lintel_report *problems)
{
    (void)ctx, (void)c, (void)problems; /* the hub has logged it */
    tell_manager("READY=1");
}

static void
on_signal(void *ctx, int signum)
{
    struct program *p = ctx;
    if (signum == SIGHUP) {
        tell_manager("RELOADING=1");
        lintel_hub_reload(p->hub, "SIGHUP", on_reloaded, NULL);
    } else {
        lintel_loop_stop(p->loop);
    }
}

/* Thousands of things may want addresses and connections of their own. */
static void
raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(027);
    signal(SIGPIPE, SIG_IGN);
}

static int
run(const struct options *o, const struct lintel_paths *paths)
{
    struct lintel_report report = {0};
    struct program p = {.loop = lintel_loop_new()};
    if (p.loop == NULL) {
        fputs("linteld: out of memory or descriptors\n", stderr);
        return EXIT_SYSTEM;
    }
    p.hub = lintel_hub_new(&(struct lintel_hub_source){p.loop, paths, o->site, o->state, o->run},
                           &report);
    lintel_report_log(&report, "site");
    lintel_report_fini(&report);
    if (p.hub == NULL) {
        lintel_log(LINTEL_LOG_ERROR, "hub", "the site %s is refused; nothing was started", o->site);
        lintel_loop_free(p.loop);
        return EXIT_SITE;
    }
    lintel_loop_signal(p.loop, SIGHUP, on_signal, &p);
    lintel_loop_signal(p.loop, SIGTERM, on_signal, &p);
    lintel_loop_signal(p.loop, SIGINT, on_signal, &p);
    tell_manager("READY=1");
    lintel_loop_run(p.loop);
    tell_manager("STOPPING=1");
    lintel_log(LINTEL_LOG_INFO, "hub", "ending");
    lintel_hub_free(p.hub);
    lintel_loop_free(p.loop);
    return 0;
}

int
main(int argc, char **argv)
{
    struct lintel_paths paths;
    if (lintel_paths_find(&paths) != 0) {
        fputs("linteld: the path of this installation is too long\n", stderr);
        return EXIT_SYSTEM;
    }
    struct options o = {"/etc/lintel", "/var/lib/lintel", LINTEL_RUNDIR};
    int status = read_options(argc, argv, &o);
    if (status >= 0)
        return status;
    raise_limits();
    int run_fd = own_folder(o.run, "run");
    int state_fd = run_fd < 0 || strcmp(o.run, o.state) == 0 ? -1 : own_folder(o.state, "state");
    if (run_fd < 0 || (state_fd < 0 && strcmp(o.run, o.state) != 0))
        return EXIT_SYSTEM;
    return run(&o, &paths);
}
