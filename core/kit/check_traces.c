/* SPDX-License-Identifier: Apache-2.0
 * What a plugin leaves in the process, and whom it calls when. */
#include <dirent.h>
#include <fcntl.h>
#include <langinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/base/text.h"
#include "core/kit/check.h"

enum { AFTER_MS = 300, FDS_MOST = 1024, SCAN_MS = 10, PATIENCE_MS = 250 };
#define SECRET "never-to-be-seen-4711"

/* A life with a bit of everything in it. */
static void
live(struct check *c, const struct texts *more, char **ret_log)
{
    struct rig r = {0};
    int points = check_knows_points(c) ? 3 : 0;
    if (more != NULL) {
        r.kit = check_create(c, PEER_ANY, more);
        if (r.kit == NULL)
            return;
        (void)lintel_kit_start(r.kit);
    } else if (!check_rig(c, PEER_ANY, (unsigned)points, &r)) {
        return;
    }
    if (r.n > 0 && check_op_exists(c, LINTEL_KIT_SUBSCRIBE))
        lintel_kit_result_free(
            lintel_kit_request(r.kit, LINTEL_KIT_SUBSCRIBE, r.points, r.n, NULL, 500, 0));
    for (int i = 0; i < 3 && r.n > 0; i++)
        lintel_kit_result_free(
            lintel_kit_request(r.kit, LINTEL_KIT_READ, r.points, r.n, NULL, 500, 0));
    lintel_kit_run(r.kit, AFTER_MS);
    if (ret_log != NULL)
        *ret_log = strdup(lintel_kit_log(r.kit));
    lintel_kit_end(r.kit);
    /* What calls now calls too late. */
    nanosleep(&(struct timespec){0, AFTER_MS * 1000000L}, NULL);
    lintel_kit_free(r.kit);
}

static void
live_under(struct check *c, uint32_t rules)
{
    if (!check_load(c))
        return;
    check_watch(c, rules);
    live(c, NULL, NULL);
}

static void
after_the_end(struct check *c)
{
    live_under(c, LINTEL_KIT_LIFE | LINTEL_KIT_LEFT);
}

static void
threads(struct check *c)
{
    live_under(c, LINTEL_KIT_THREAD);
}

static void
published(struct check *c)
{
    live_under(c, LINTEL_KIT_PUBLISH);
}

static void
log_lines(struct check *c)
{
    live_under(c, LINTEL_KIT_LOG);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

struct scan {
    _Atomic int over;
    int64_t since[FDS_MOST]; /* ms: since when it is without close-on-exec; 0: it isn't */
    unsigned char known[FDS_MOST], inherited[FDS_MOST];
};

static void
look(struct scan *s, int first)
{
    DIR *d = opendir("/proc/self/fd");
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        int64_t fd;
        if (!lintel_parse_int(e->d_name, strlen(e->d_name), &fd) || fd >= FDS_MOST)
            continue;
        int flags = fcntl((int)fd, F_GETFD);
        if (first)
            s->known[fd] = 1;
        else if (flags < 0 || (flags & FD_CLOEXEC) || s->known[fd])
            s->since[fd] = 0;
        else if (s->since[fd] == 0)
            s->since[fd] = check_now_ms();
        else if (check_now_ms() - s->since[fd] >= PATIENCE_MS)
            s->inherited[fd] = 1;
    }
    if (d != NULL)
        closedir(d);
}

static void *
scan(void *arg)
{
    struct scan *s = arg;
    while (!s->over) {
        look(s, 0);
        nanosleep(&(struct timespec){0, SCAN_MS * 1000000L}, NULL);
    }
    return NULL;
}

/* Looked at again and again while the plugin waits for a silent peer; what is set right a moment
 * after it was opened is let pass. */
static void
close_on_exec(struct check *c)
{
    static struct scan s;
    pthread_t thread;
    struct rig r;
    if (!check_load(c))
        return;
    unsigned points = check_knows_points(c) ? 1 : 0;
    look(&s, 1);
    if (pthread_create(&thread, NULL, scan, &s) != 0) {
        check_fail(c, "no thread can be made");
        return;
    }
    if (check_rig(c, check_is_transport(c) ? PEER_ANY : PEER_SILENT, points, &r)) {
        if (points > 0)
            lintel_kit_result_free(
                lintel_kit_request(r.kit, LINTEL_KIT_READ, r.points, 1, NULL, 400, 0));
        lintel_kit_run(r.kit, AFTER_MS);
        lintel_kit_free(r.kit);
    }
    s.over = 1;
    pthread_join(thread, NULL);
    for (int fd = 0; fd < FDS_MOST; fd++)
        if (s.inherited[fd])
            check_fail(c,
                       "descriptor %d stayed open without close-on-exec: child processes of the "
                       "hub would inherit "
                       "it, and keep the line; use SOCK_CLOEXEC, O_CLOEXEC or fcntl "
                       "(lintel/plugin.h, \"errors\")",
                       fd);
}

/* ---- the process ----------------------------------------------------------------------------- */

struct process { /* what belongs to all in it */
    struct sigaction signals[65];
    sigset_t mask;
    char folder[1024], locale[256];
    char *environment;
    mode_t umask;
};

static void
take_picture(struct process *p)
{
    extern char **environ;
    struct lintel_buf all = {0};
    memset(p, 0, sizeof *p);
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &p->signals[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &p->mask);
    if (getcwd(p->folder, sizeof p->folder) == NULL)
        p->folder[0] = '\0';
    (void)lintel_format(p->locale, sizeof p->locale, "%s %s %s", nl_langinfo(CODESET),
                        nl_langinfo(RADIXCHAR), nl_langinfo(D_T_FMT));
    for (char **e = environ; e != NULL && *e != NULL; e++)
        lintel_buf_addf(&all, "%s\n", *e);
    p->environment = strdup(lintel_buf_str(&all));
    lintel_buf_fini(&all);
    p->umask = umask(0);
    umask(p->umask);
}

static void
process(struct check *c)
{
    static struct process before, after;
    if (!check_load(c))
        return;
    take_picture(&before);
    live(c, NULL, NULL);
    take_picture(&after);
    for (int i = 1; i < 65; i++)
        if (before.signals[i].sa_handler != after.signals[i].sa_handler)
            check_fail(c,
                       "the handler of signal %d (%s) was changed: signals are the hub's "
                       "(lintel/plugin.h, "
                       "\"errors\"); many libraries have an option that leaves them alone",
                       i, strsignal(i));
    for (int i = 1; i < 65; i++)
        if (sigismember(&before.mask, i) != sigismember(&after.mask, i))
            check_fail(c, "signal %d (%s) was blocked or let through on the instance's thread", i,
                       strsignal(i));
    if (strcmp(before.folder, after.folder) != 0)
        check_fail(c, "the working folder was changed to %s: it is the whole process's",
                   after.folder);
    if (strcmp(before.locale, after.locale) != 0)
        check_fail(c, "the locale was changed: numbers of the whole process would be read and "
                      "written in another way "
                      "(lintel/plugin.h, \"errors\")");
    if (before.umask != after.umask)
        check_fail(c, "the umask was changed from %03o to %03o", (unsigned)before.umask,
                   (unsigned)after.umask);
    if (strcmp(before.environment, after.environment) != 0)
        check_fail(c, "the environment was changed: getenv() of other threads may crash of that");
    free(before.environment);
    free(after.environment);
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* Why create() refuses the user's settings with these in them; NULL: it takes them. */
static char *
refused(struct check *c, const struct texts *more)
{
    struct texts set = {0};
    for (unsigned i = 0; i < c->o->set.n; i++)
        set.at[set.n++] = check_fill(c, c->o->set.at[i], 0);
    for (unsigned i = 0; i < more->n && set.n < TEXTS_MOST; i++)
        set.at[set.n++] = more->at[i];
    lintel_kit *k = lintel_kit_new(c->plugin, set.at, 1);
    char *why = k == NULL ? strdup(lintel_kit_refusal()) : NULL;
    lintel_kit_free(k);
    if (why != NULL)
        check_note(
            c,
            "the settings are refused with a secret in them; give what belongs to it by --set: %s",
            why);
    return why;
}

static void
secrets(struct check *c)
{
    struct texts more = {0};
    char *said = NULL;
    if (!check_load(c))
        return;
    for (const lintel_field *f = c->plugin->bus; f->name != NULL; f++)
        if ((f->flags & LINTEL_F_SECRET) && f->type == LINTEL_T_STR && f->choices == NULL) {
            struct lintel_buf b = {0};
            lintel_buf_addf(&b, "%s=%s", f->name, SECRET);
            more.at[more.n++] = check_fill(c, lintel_buf_str(&b), 0);
            lintel_buf_fini(&b);
        }
    if (more.n == 0) {
        check_skip(c, "no setting is a secret");
        return;
    }
    /* Where they can't be so, the reason is what it says. */
    if ((said = refused(c, &more)) == NULL)
        live(c, &more, &said);
    const char *found = said != NULL ? strstr(said, SECRET) : NULL;
    if (found != NULL) {
        while (found > said && found[-1] != '\n')
            found--;
        check_fail(c,
                   "a secret stands in what it says: \"%.*s\". No secret may stand in a log line "
                   "or a detail "
                   "(lintel_host.log)",
                   (int)strcspn(found, "\n"), found);
    }
    free(said);
}

const struct check_row check_traces_rows[] = {
    {"calls: none of the hub's functions after stop() and destroy()", after_the_end, 30, 0},
    {"calls: publish() from any thread, [inst] functions from the instance's alone", threads, 30,
     0},
    {"calls: publish() and device() of what is there", published, 30, 0},
    {"calls: log lines are single lines of text", log_lines, 30, 0},
    {"traces: every descriptor is close-on-exec", close_on_exec, 30, 0},
    {"traces: signals, locale, folder, umask and environment stay", process, 30, 0},
    {"traces: secrets are in no line", secrets, 30, 0},
    {NULL, NULL, 0, 0}};
