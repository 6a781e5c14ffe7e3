/* SPDX-License-Identifier: Apache-2.0
 * On a real file, with a process that is killed while it writes. */
#include "core/store/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)

static struct {
    struct lintel_loop *loop;
    struct lintel_store *store;
    char reason[300];
    int dones, failed;
    uint64_t keys[20000];
    char last[64];
    uint32_t n, most;
} h;

static const char *
path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    return path;
}

static struct lintel_store *
open_as(const char *name, const char *kind)
{
    return lintel_store_open(h.loop, path_of(name), kind, h.reason, sizeof h.reason);
}

static void
begin(const char *name)
{
    memset(&h, 0, sizeof h);
    h.most = UINT32_MAX;
    h.loop = lintel_loop_new_fake();
    h.store = open_as(name, "test 1");
    CHECK_STR(h.store != NULL ? "" : h.reason, "");
}

static void
end(void)
{
    lintel_store_close(h.store);
    lintel_loop_free(h.loop);
}

static void
on_done(void *ctx, int failed)
{
    CHECK(ctx == &h);
    h.dones++;
    h.failed = failed;
}

static int
is_done(void *ctx)
{
    return h.dones >= *(int *)ctx;
}

static void
wait_for(int dones)
{
    CHECK(lintel_loop_until(h.loop, is_done, &dones, 30 * SECOND));
}

static void
sync_now(void)
{
    CHECK_INT(lintel_store_sync(h.store, on_done, &h), 0);
    wait_for(h.dones + 1);
}

static int
note(void *ctx, uint64_t key, const void *p, size_t n)
{
    CHECK(ctx == &h);
    if (h.n < 20000)
        h.keys[h.n] = key;
    snprintf(h.last, sizeof h.last, "%.*s", (int)n, (const char *)p);
    return ++h.n >= h.most ? 7 : 0;
}

static void
keeps_what_was_put(void)
{
    struct stat st;
    begin("keep.db");
    CHECK_INT(lintel_store_put(h.store, 3, "three", 5), 0);
    CHECK_INT(lintel_store_put(h.store, UINT64_C(1) << 62, "high", 4), 0);
    CHECK_INT(lintel_store_put(h.store, 1, "", 0), 0);
    CHECK_INT(lintel_store_put(h.store, 2, "two", 3), 0);
    CHECK_INT(lintel_store_put(h.store, 3, "drei", 4), 0);
    CHECK_INT(lintel_store_remove(h.store, 2), 0);
    CHECK_INT(lintel_store_remove(h.store, 99), 0);
    lintel_store_close(h.store); /* writes what is queued */
    CHECK_INT(stat(path_of("keep.db"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    h.store = open_as("keep.db", "test 1");
    REQUIRE(h.store != NULL);
    CHECK_INT(lintel_store_each(h.store, note, &h), 0);
    CHECK_INT(h.n, 3);
    CHECK(h.keys[0] == 1 && h.keys[1] == 3 && h.keys[2] == UINT64_C(1) << 62);
    CHECK_STR(h.last, "high");
    h.n = 0;
    h.most = 2;
    CHECK_INT(lintel_store_each(h.store, note, &h), 7);
    CHECK_STR(h.last, "drei");
    end();
}

static void
sync_tells_that_it_is_on_the_disk(void)
{
    struct lintel_store_stats s;
    begin("sync.db");
    for (uint64_t i = 1; i <= 5000; i++)
        CHECK_INT(lintel_store_put(h.store, i, "x", 1), 0);
    sync_now();
    CHECK_INT(h.failed, 0);
    lintel_store_stats(h.store, &s);
    CHECK_INT(s.written, 5000);
    CHECK_INT(s.queued, 0);
    CHECK(s.transactions < 5000); /* many in one */
    CHECK_STR(s.trouble, "");
    end();
}

static void
scans_while_others_write(void)
{
    begin("scan.db");
    for (uint64_t i = 1; i <= 1000; i++)
        CHECK_INT(lintel_store_put(h.store, i, "old", 3), 0);
    sync_now();
    CHECK_INT(lintel_store_scan(h.store, 901, note, on_done, &h), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        CHECK_INT(lintel_store_put(h.store, i, "new", 3), 0);
    wait_for(h.dones + 1);
    CHECK_INT(h.failed, 0);
    CHECK_INT(h.n, 100);
    CHECK_INT(h.keys[0], 901);
    h.n = 0;
    h.most = 5;
    sync_now();
    CHECK_INT(lintel_store_scan(h.store, 0, note, on_done, &h), 0);
    wait_for(h.dones + 1);
    CHECK_INT(h.n, 5);
    CHECK_STR(h.last, "new");
    /* Closed while it looks: done() all the same. */
    h.dones = 0;
    h.most = UINT32_MAX;
    for (int i = 0; i < 4; i++)
        CHECK_INT(lintel_store_scan(h.store, 0, note, on_done, &h), 0);
    CHECK_INT(lintel_store_sync(h.store, on_done, &h), 0);
    end();
    CHECK_INT(h.dones, 5);
}

static void
is_bounded(void)
{
    static char blob[LINTEL_STORE_BLOB_MOST + 1];
    begin("bound.db");
    CHECK_INT(lintel_store_put(h.store, 1, blob, sizeof blob), -1);
    CHECK_INT(lintel_store_put(h.store, 1, blob, sizeof blob - 1), 0);
    int refused = 0;
    for (uint64_t i = 2; i < 2000 && !refused; i++) /* faster than any disk */
        refused = lintel_store_put(h.store, i % 4, blob, sizeof blob - 1) != 0;
    CHECK(refused);
    sync_now();
    CHECK_INT(lintel_store_put(h.store, 1, blob, 1), 0);
    end();
}

static void
refuses_other_files(void)
{
    begin("kind.db");
    lintel_store_close(h.store);
    CHECK(open_as("kind.db", "test 2") == NULL);
    CHECK_HAS(h.reason, "\"test 1\", not \"test 2\"");
    kit_write("noise.db", "this is no database, but it is long enough to look at, and even longer, "
                          "so that nobody can take it for an empty one by its size alone ......");
    CHECK(open_as("noise.db", "test 1") == NULL);
    CHECK_HAS(h.reason, "move the file away");
    CHECK(open_as("none/there.db", "test 1") == NULL);
    CHECK_HAS(h.reason, "No such file");
    h.store = NULL;
    end();
}

/* A child writes numbers one after the other until it is killed: what is there has no gap. */
static void
survives_a_kill(void)
{
    begin("kill.db");
    lintel_store_close(h.store);
    lintel_loop_free(h.loop);
    for (int round = 0; round < 5; round++) {
        int pipes[2];
        char byte;
        REQUIRE(pipe(pipes) == 0);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            h.loop = lintel_loop_new_fake();
            h.store = open_as("kill.db", "test 1");
            for (uint64_t k = 1; h.store != NULL; k++) {
                lintel_store_put(h.store, k % 1000 + 1, "a", 1);
                if (k == 2000 && write(pipes[1], "x", 1) != 1)
                    _exit(1);
            }
            _exit(1);
        }
        close(pipes[1]);
        CHECK_INT(read(pipes[0], &byte, 1), 1);
        close(pipes[0]);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        h.loop = lintel_loop_new_fake();
        h.store = open_as("kill.db", "test 1");
        REQUIRE(h.store != NULL);
        h.n = 0;
        CHECK_INT(lintel_store_each(h.store, note, &h), 0);
        for (uint32_t i = 0; i < h.n && i < 20000; i++) /* in the order of the calls: no gaps */
            CHECK_INT(h.keys[i], h.n == 1000 ? i + 1 : i + 2);
        CHECK_INT(lintel_store_put(h.store, 5, "b", 1), 0);
        for (uint64_t k = 1; k <= 1000; k++)
            lintel_store_remove(h.store, k);
        lintel_store_close(h.store);
        lintel_loop_free(h.loop);
    }
}

/* The disk refuses (here: a limit on the size of files), syncs say so, and it goes on later. */
static void
tries_again_when_the_disk_refuses(void)
{
    static char blob[100000];
    struct lintel_store_stats s;
    struct rlimit before, little;
    begin("again.db");
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_IGN);
    little = before;
    little.rlim_cur = 60000;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &little) == 0);
    CHECK_INT(lintel_store_put(h.store, 1, blob, sizeof blob), 0);
    CHECK_INT(lintel_store_put(h.store, 2, "x", 1), 0);
    sync_now();
    CHECK_INT(h.failed, -1);
    lintel_store_stats(h.store, &s);
    CHECK(s.trouble[0] != '\0');
    CHECK_INT(s.queued, 2); /* not forgotten */
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    lintel_loop_advance(h.loop, SECOND);
    sync_now();
    CHECK_INT(h.failed, 0);
    lintel_store_stats(h.store, &s);
    CHECK_STR(s.trouble, "");
    CHECK_INT(s.queued, 0);
    CHECK_INT(lintel_store_scan(h.store, 0, note, on_done, &h), 0);
    wait_for(h.dones + 1);
    CHECK_INT(h.n, 2);
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(keeps_what_was_put),
                                            KIT(sync_tells_that_it_is_on_the_disk),
                                            KIT(scans_while_others_write),
                                            KIT(is_bounded),
                                            KIT(refuses_other_files),
                                            KIT(survives_a_kill),
                                            KIT(tries_again_when_the_disk_refuses),
                                            {0}};
    return kit_main("store", tests, argc, argv);
}
