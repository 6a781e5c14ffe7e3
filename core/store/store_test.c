/* SPDX-License-Identifier: Apache-2.0
 * Real files, a real thread, a fake loop; and a process that is killed while it writes. */
#include "core/store/store.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define REAL_S INT64_C(1000000000)

static char reason[400];

static const char *
file(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    return path;
}

static struct lintel_store *
open_store(struct lintel_loop *l, const char *name)
{
    reason[0] = '\0';
    struct lintel_store *s = lintel_store_open(l, file(name), "test 1", reason, sizeof reason);
    CHECK_STR(s == NULL ? reason : "", "");
    return s;
}

struct report { /* of syncs */
    int done, failed;
};

static void
on_done(void *ctx, int failed)
{
    struct report *r = ctx;
    r->done++;
    r->failed += failed != 0;
}

static int
is_done(void *ctx)
{
    return ((struct report *)ctx)->done != 0;
}

/* Waits for a sync: 0, -1, or -2 if it never ends. */
static int
sync_now(struct lintel_loop *l, struct lintel_store *s)
{
    struct report r = {0};
    if (lintel_store_sync(s, on_done, &r) != 0)
        return -1;
    CHECK_INT(r.done, 0);
    if (!lintel_loop_until(l, is_done, &r, 20 * REAL_S))
        return -2;
    return r.failed ? -1 : 0;
}

static int
add_to_list(void *ctx, uint64_t key, const void *p, size_t n)
{
    lintel_buf_addf(ctx, "%llx=%.*s ", (unsigned long long)key, (int)n, (const char *)p);
    return 0;
}

/* "key=text ", by the file as it is now. */
static const char *
content(struct lintel_loop *l, const char *name)
{
    static char text[4096];
    struct lintel_buf b = {0};
    struct lintel_store *s = open_store(l, name);
    text[0] = '\0';
    if (s == NULL)
        return text;
    CHECK_INT(lintel_store_each(s, add_to_list, &b), 0);
    lintel_copy(text, sizeof text, lintel_buf_str(&b));
    lintel_buf_fini(&b);
    lintel_store_close(s);
    return text;
}

static void
what_was_put_is_there_again(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "a.db");
    struct lintel_store_stats stats;
    REQUIRE(s != NULL);
    CHECK_INT(sync_now(l, s), 0); /* of nothing */
    CHECK_INT(lintel_store_put(s, UINT64_MAX, "last", 4), 0);
    CHECK_INT(lintel_store_put(s, 1, "one", 3), 0);
    CHECK_INT(lintel_store_put(s, 2, "two", 3), 0);
    CHECK_INT(lintel_store_put(s, UINT64_MAX, "other", 5), 0);
    CHECK_INT(lintel_store_remove(s, 1), 0);
    CHECK_INT(lintel_store_remove(s, 7), 0);
    CHECK_INT(lintel_store_put(s, 3, NULL, 0), 0);
    CHECK_INT(sync_now(l, s), 0);
    lintel_store_stats(s, &stats);
    CHECK_INT(stats.written, 7);
    CHECK_INT(stats.queued, 0);
    CHECK_STR(stats.trouble, "");
    CHECK(stats.transactions >= 1 && stats.transactions <= 7);
    lintel_store_close(s);
    CHECK_STR(content(l, "a.db"), "ffffffffffffffff=other 2=two 3= ");
    s = open_store(l, "a.db");
    lintel_store_put(s, 1, "again", 5);
    lintel_store_close(s); /* writes what is queued */
    CHECK_STR(content(l, "a.db"), "ffffffffffffffff=other 2=two 3= 1=again ");
    lintel_loop_free(l);
}

static int
stop_at_two(void *ctx, uint64_t key, const void *p, size_t n)
{
    (void)p, (void)n;
    ++*(int *)ctx;
    return key == 2 ? 42 : 0;
}

static void
reading_can_be_ended(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "each.db");
    int n = 0;
    for (uint64_t key = 1; key < 5; key++)
        lintel_store_put(s, key, "x", 1);
    lintel_store_close(s);
    s = open_store(l, "each.db");
    CHECK_INT(lintel_store_each(s, stop_at_two, &n), 42);
    CHECK_INT(n, 2);
    lintel_store_close(s);
    lintel_loop_free(l);
}

struct look { /* of a scan */
    struct lintel_buf seen;
    struct report report;
    int first; /* nonzero: no more than one is wanted */
};

static int
look_at(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct look *l = ctx;
    add_to_list(&l->seen, key, p, n);
    return l->first;
}

static void
on_looked(void *ctx, int failed)
{
    on_done(&((struct look *)ctx)->report, failed);
}

static int
has_looked(void *ctx)
{
    return ((struct look *)ctx)->report.done != 0;
}

static void
scans_go_by_number(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "scan.db");
    struct look all = {0}, first = {.first = 1}, late = {0};
    REQUIRE(s != NULL);
    for (uint64_t key = 100; key > 0; key--)
        CHECK_INT(lintel_store_put(s, key, "x", 1), 0);
    CHECK_INT(sync_now(l, s), 0);
    CHECK_INT(lintel_store_put(s, 99, "y", 1), 0);
    CHECK_INT(sync_now(l, s), 0);
    CHECK_INT(lintel_store_scan(s, 98, look_at, on_looked, &all), 0);
    CHECK_INT(lintel_store_scan(s, 7, look_at, on_looked, &first), 0);
    CHECK(lintel_loop_until(l, has_looked, &all, 20 * REAL_S));
    CHECK(lintel_loop_until(l, has_looked, &first, 20 * REAL_S));
    CHECK_STR(lintel_buf_str(&all.seen), "62=x 63=y 64=x ");
    CHECK_STR(lintel_buf_str(&first.seen), "7=x ");
    CHECK_INT(all.report.failed + first.report.failed, 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(lintel_store_scan(s, 0, look_at, on_looked, &late), 0);
    lintel_store_close(s); /* each is told, whether it came to its end or not */
    CHECK_INT(late.report.done, 3);
    s = open_store(l, "scan.db");
    REQUIRE(s != NULL);
    lintel_buf_reset(&all.seen);
    CHECK_INT(lintel_store_from(s, 99, look_at, &all), 0);
    CHECK_STR(lintel_buf_str(&all.seen), "63=y 64=x ");
    CHECK_INT(lintel_store_from(s, 5, look_at, &first), 1);
    lintel_store_close(s);
    lintel_buf_fini(&all.seen);
    lintel_buf_fini(&first.seen);
    lintel_buf_fini(&late.seen);
    lintel_loop_free(l);
}

struct long_look {
    struct report report;
    sem_t began, go_on;
    uint32_t n;
    uint64_t last;
};

/* On the store's thread, which stands at the first one until the loop has queued a change. */
static int
long_look_at(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct long_look *l = ctx;
    (void)p;
    (void)n;
    if (l->n++ == 0) {
        sem_post(&l->began);
        while (sem_wait(&l->go_on) != 0 && errno == EINTR)
            ;
    }
    l->last = key;
    return 0;
}

static int
has_looked_long(void *ctx)
{
    return ((struct long_look *)ctx)->report.done != 0;
}

static void
on_looked_long(void *ctx, int failed)
{
    on_done(&((struct long_look *)ctx)->report, failed);
}

/* So it sees what is put ahead of it meanwhile. */
static void
changes_do_not_wait_for_a_long_scan(void)
{
    enum { N = 20000 };
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "long.db");
    struct long_look look = {.n = 0};
    REQUIRE(s != NULL);
    sem_init(&look.began, 0, 0);
    sem_init(&look.go_on, 0, 0);
    for (uint64_t key = 1; key <= N; key++)
        CHECK_INT(lintel_store_put(s, key, "x", 1), 0);
    CHECK_INT(sync_now(l, s), 0);
    CHECK_INT(lintel_store_scan(s, 1, long_look_at, on_looked_long, &look), 0);
    while (sem_wait(&look.began) != 0 && errno == EINTR)
        ;
    CHECK_INT(lintel_store_put(s, INT64_MAX, "y", 1), 0); /* the last number there is */
    sem_post(&look.go_on);
    CHECK(lintel_loop_until(l, has_looked_long, &look, 20 * REAL_S));
    CHECK_INT(look.report.failed, 0);
    CHECK_INT(look.n, N + 1); /* each once */
    CHECK_INT(look.last, INT64_MAX);
    lintel_store_close(s);
    sem_destroy(&look.began);
    sem_destroy(&look.go_on);
    lintel_loop_free(l);
}

static void
open_syncs_end_with_the_store(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "close.db");
    struct report r = {0};
    lintel_store_put(s, 1, "x", 1);
    CHECK_INT(lintel_store_sync(s, on_done, &r), 0);
    CHECK_INT(lintel_store_sync(s, on_done, &r), 0);
    lintel_store_close(s);
    CHECK_INT(r.done, 2);
    CHECK_INT(r.failed, 0);
    lintel_store_close(NULL);
    lintel_loop_free(l);
}

static void
nobody_else_can_read_the_file(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct stat st;
    mode_t mask = umask(0);
    struct lintel_store *s = open_store(l, "mode.db");
    lintel_store_put(s, 1, "x", 1);
    CHECK_INT(sync_now(l, s), 0);
    CHECK(stat(file("mode.db"), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(stat(file("mode.db-wal"), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(stat(file("mode.db-shm"), &st) != 0);
    lintel_store_close(s);
    CHECK_INT(chmod(file("mode.db"), 0666), 0);
    lintel_store_close(open_store(l, "mode.db"));
    CHECK(stat(file("mode.db"), &st) == 0 && (st.st_mode & 0777) == 0600);
    umask(mask);
    lintel_loop_free(l);
}

/* ---- files that are not ours ----------------------------------------------------------------- */

static void
make_foreign(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(file(name), &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
refused(struct lintel_loop *l, const char *path, const char *kind, const char *why)
{
    reason[0] = '\0';
    struct lintel_store *s = lintel_store_open(l, path, kind, reason, sizeof reason);
    CHECK(s == NULL);
    CHECK_HAS(reason, why);
    CHECK_HAS(reason, path);
    lintel_store_close(s);
}

static void
other_files_are_refused(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    char path[600];
    lintel_store_close(open_store(l, "ours.db"));
    refused(l, file("ours.db"), "test 2", "holds something else");
    make_foreign("foreign.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    refused(l, file("foreign.db"), "test 1", "of another program; move it away");
    make_foreign("ours.db", "PRAGMA user_version=2");
    refused(l, file("ours.db"), "test 1", "another version");
    kit_write("text.db", "this is a text that is long enough to be no header of SQLite's at all, "
                         "which has a hundred bytes to say so.");
    refused(l, file("text.db"), "test 1", "not ours; move it away");
    refused(l, file("nowhere/x.db"), "test 1", "can't be opened");
    refused(l, kit_folder(), "test 1", "can't be opened");
    snprintf(path, sizeof path, "%s/link.db", kit_folder());
    CHECK_INT(symlink("ours.db", path), 0);
    refused(l, path, "test 1", "can't be opened");
    snprintf(path, sizeof path, "%s/pipe.db", kit_folder());
    CHECK_INT(mkfifo(path, 0600), 0);
    refused(l, path, "test 1", "no file of the hub's own");
    lintel_loop_free(l);
}

static void
a_damaged_file_is_refused(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "damaged.db");
    char blob[2000];
    memset(blob, 'x', sizeof blob);
    for (uint64_t key = 0; key < 100; key++)
        lintel_store_put(s, key, blob, sizeof blob);
    lintel_store_close(s);
    FILE *f = fopen(file("damaged.db"), "r+b");
    REQUIRE(f != NULL);
    memset(blob, 0xee, sizeof blob);
    fseek(f, 5 * 4096, SEEK_SET);
    for (int i = 0; i < 20; i++)
        fwrite(blob, 1, sizeof blob, f);
    fclose(f);
    refused(l, file("damaged.db"), "test 1", "put back a copy");
    lintel_loop_free(l);
}

static void
two_do_not_share_a_file(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "shared.db");
    refused(l, file("shared.db"), "test 1", "another process uses it");
    lintel_store_close(s);
    lintel_loop_free(l);
}

/* ---- limits and trouble ---------------------------------------------------------------------- */

static int
open_and_put_once(void *loop)
{
    reason[0] = '\0';
    struct lintel_store *s =
        lintel_store_open(loop, file("memory.db"), "test 1", reason, sizeof reason);
    struct report r = {0};
    CHECK(s != NULL || strstr(reason, "out of memory") != NULL);
    int done = s != NULL && lintel_store_put(s, 1, "one", 3) == 0 &&
               lintel_store_sync(s, on_done, &r) == 0;
    kit_memory_is_back();
    if (done) {
        CHECK(lintel_loop_until(loop, is_done, &r, 20 * REAL_S));
        CHECK_INT(r.failed, 0);
    }
    lintel_store_close(s);
    if (done)
        CHECK_STR(content(loop, "memory.db"), "1=one ");
    return done;
}

static void
limits_hold(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "limits.db");
    struct lintel_store_stats stats;
    static char blob[LINTEL_STORE_BLOB_MOST + 1];
    CHECK_INT(lintel_store_put(s, 1, blob, sizeof blob), -1);
    CHECK_INT(lintel_store_put(s, 1, blob, sizeof blob - 1), 0);
    lintel_mem_fail_at(1);
    CHECK_INT(lintel_store_put(s, 2, "x", 1), -1);
    CHECK_INT(lintel_store_sync(s, on_done, NULL), -1);
    lintel_mem_fail_at(0);
    lintel_store_stats(s, &stats);
    CHECK_INT(stats.refused, 3);
    CHECK_INT(sync_now(l, s), 0);
    lintel_store_close(s);
    CHECK(kit_each_failure(open_and_put_once, l) > 3);
    lintel_loop_free(l);
}

struct lines {
    int errors, infos;
    char last[400];
};

static void
count_lines(void *ctx, int32_t level, const char *topic, const char *line)
{
    struct lines *lines = ctx;
    CHECK_STR(topic, "store");
    lines->errors += level == 0;
    lines->infos += level == 2;
    lintel_copy(lines->last, sizeof lines->last, line);
}

/* No file of this process may grow: as a full disk. */
static void
disk_is_full(int full)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? 16 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void
a_full_disk_is_waited_out(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "full.db");
    struct lintel_store_stats stats;
    struct lines lines = {0};
    signal(SIGXFSZ, SIG_IGN);
    lintel_log_sink(count_lines, &lines);
    lintel_store_put(s, 1, "before", 6);
    CHECK_INT(sync_now(l, s), 0);
    disk_is_full(1);
    lintel_store_put(s, 2, "during", 6);
    CHECK_INT(sync_now(l, s), -1);
    lintel_store_stats(s, &stats);
    CHECK_HAS(stats.trouble, "full.db: ");
    CHECK_INT(stats.queued, 1);
    CHECK_INT(sync_now(l, s), -1);  /* at once, without another try */
    lintel_loop_advance(l, REAL_S); /* tries again, and fails again */
    CHECK_INT(sync_now(l, s), -1);
    lintel_store_put(s, 3, "too", 3);
    CHECK_INT(lines.errors, 1);
    CHECK_HAS(lines.last, "See to the disk");
    disk_is_full(0);
    lintel_loop_advance(l, 60 * REAL_S);
    CHECK_INT(sync_now(l, s), 0);
    lintel_store_stats(s, &stats);
    CHECK_STR(stats.trouble, "");
    CHECK_INT(stats.queued, 0);
    CHECK_INT(lines.errors, 1);
    CHECK_INT(lines.infos, 1);
    disk_is_full(1);
    lintel_store_put(s, 4, "lost", 4);
    lintel_store_close(s);
    disk_is_full(0);
    CHECK_HAS(lines.last, "1 changes could not be written and are lost");
    lintel_log_sink(NULL, NULL);
    CHECK_STR(content(l, "full.db"), "1=before 2=during 3=too ");
    lintel_loop_free(l);
}

/* The queue is bounded: while the disk refuses, it fills up, and what is beyond is refused. */
static void
a_full_queue_refuses(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_store *s = open_store(l, "queue.db");
    struct lines lines = {0};
    struct lintel_store_stats stats;
    static char blob[LINTEL_STORE_BLOB_MOST];
    int taken = 0;
    lintel_log_sink(count_lines, &lines);
    disk_is_full(1);
    while (taken < 1000 && lintel_store_put(s, (uint64_t)taken, blob, sizeof blob) == 0)
        taken++;
    CHECK_INT(taken, LINTEL_STORE_QUEUE_MOST / LINTEL_STORE_BLOB_MOST - 1);
    lintel_store_stats(s, &stats);
    CHECK_INT(stats.refused, 1);
    CHECK_INT(sync_now(l, s), -1);
    disk_is_full(0);
    lintel_loop_advance(l, REAL_S);
    CHECK_INT(sync_now(l, s), 0);
    CHECK_INT(lintel_store_put(s, 1, blob, sizeof blob), 0);
    lintel_store_close(s);
    lintel_log_sink(NULL, NULL);
    lintel_loop_free(l);
}

/* ---- a crash --------------------------------------------------------------------------------- */

enum { WINDOW = 50 };

struct storm {
    struct lintel_loop *loop;
    struct lintel_store *store;
    uint64_t next;
    int out; /* what is synced is written here, as numbers */
};

static void storm_synced(void *ctx, int failed);

/* Puts key n, then removes n - WINDOW, and so on; syncs now and then. */
static void
storm_on(struct storm *s)
{
    for (int i = 0; i < 64; i++) {
        uint64_t n = s->next++;
        if (lintel_store_put(s->store, n, &n, sizeof n) != 0 ||
            (n >= WINDOW && lintel_store_remove(s->store, n - WINDOW) != 0))
            _exit(1);
    }
    if (lintel_store_sync(s->store, storm_synced, s) != 0)
        _exit(1);
}

/* A second batch is under way while the first is told, so the kill comes at any moment. */
static void
storm_synced(void *ctx, int failed)
{
    struct storm *s = ctx;
    uint64_t synced = s->next - 64;
    if (failed || write(s->out, &synced, sizeof synced) != sizeof synced)
        _exit(1);
    storm_on(s);
}

static void
storm_child(const char *path, int out)
{
    struct storm s = {.loop = lintel_loop_new(), .next = 0, .out = out};
    s.store = lintel_store_open(s.loop, path, "test 1", reason, sizeof reason);
    if (s.store == NULL)
        _exit(1);
    storm_on(&s);
    storm_on(&s);
    lintel_loop_run(s.loop);
    _exit(1);
}

struct window {
    uint64_t first, n, last;
    int wrong;
};

static int
see_key(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct window *w = ctx;
    if (w->n == 0)
        w->first = key;
    else if (key != w->last + 1)
        w->wrong = 1;
    if (n != sizeof key || memcmp(p, &key, n) != 0)
        w->wrong = 1;
    w->last = key;
    w->n++;
    return 0;
}

/* Kills it when it has told so many syncs; the last number it told, or UINT64_MAX. */
static uint64_t
storm_and_kill(const char *path, uint64_t syncs)
{
    int ends[2];
    uint64_t synced = UINT64_MAX, told = UINT64_MAX;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        storm_child(path, ends[1]);
    }
    close(ends[1]);
    while (syncs > 0 && read(ends[0], &told, sizeof told) == sizeof told) {
        synced = told;
        syncs--;
    }
    kill(pid, SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told)
        synced = told; /* told before it died */
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
    return synced;
}

static void
a_kill_loses_nothing_that_was_synced(void)
{
    for (int round = 0; round < 8; round++) {
        char name[32];
        struct window w = {0};
        snprintf(name, sizeof name, "storm%d.db", round);
        uint64_t synced = storm_and_kill(file(name), 1 + kit_random() % 30);
        REQUIRE(synced != UINT64_MAX);
        struct lintel_loop *l = lintel_loop_new_fake();
        struct lintel_store *s = open_store(l, name);
        REQUIRE(s != NULL);
        CHECK_INT(lintel_store_each(s, see_key, &w), 0);
        lintel_store_close(s);
        lintel_loop_free(l);
        CHECK(!w.wrong);
        CHECK(w.n != 0 && w.last + 1 >= synced);
        /* A state between two calls: the last put with its remove, or without. */
        CHECK(w.n == WINDOW || w.n == WINDOW + 1);
    }
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(what_was_put_is_there_again),
                                            KIT(reading_can_be_ended),
                                            KIT(scans_go_by_number),
                                            KIT(changes_do_not_wait_for_a_long_scan),
                                            KIT(open_syncs_end_with_the_store),
                                            KIT(nobody_else_can_read_the_file),
                                            KIT(other_files_are_refused),
                                            KIT(a_damaged_file_is_refused),
                                            KIT(two_do_not_share_a_file),
                                            KIT(limits_hold),
                                            KIT(a_full_disk_is_waited_out),
                                            KIT(a_full_queue_refuses),
                                            KIT(a_kill_loses_nothing_that_was_synced),
                                            {0}};
    return kit_main("store", tests, argc, argv);
}
