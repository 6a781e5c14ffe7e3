/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/local.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/loop/frames.h"
#include "core/serve/codes.h"
#include "core/serve/fake_engine.h"
#include "core/serve/local_client.h"
#include "tests/kit/kit.h"

enum { LONG = 3 * 1024 * 1024 + 17 };

static struct lintel_loop *loop;
static struct lintel_engine *engine;
static struct lintel_tree *tree;
static struct lintel_local *server;
static char path[100], reason[LINTEL_LOCAL_TEXT_MOST], reloader[64];

static void
reload(void *ctx, const char *who, lintel_reload_done *done, void *done_ctx)
{
    struct lintel_buf b = {0};
    (void)ctx;
    lintel_copy(reloader, sizeof reloader, who);
    for (int i = 0; i < LONG; i++)
        lintel_buf_addc(&b, (char)('a' + i % 26));
    done(done_ctx, 0, &b);
    lintel_buf_fini(&b);
}

static void
begin(void)
{
    static int n;
    snprintf(path, sizeof path, "%s/s%d", kit_folder(), n++);
    loop = lintel_loop_new_fake();
    engine = fake_engine_new(loop);
    tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = engine, .loop = loop, .hub_name = "plant-7", .reload = reload});
    server = lintel_local_new(loop, tree, path, reason, sizeof reason);
    if (!CHECK(server != NULL))
        printf("    %s\n", reason);
    fake_set(engine, fake_point(0, FAKE_POWER), FAKE_REAL(21.5), LINTEL_QUALITY_GOOD);
}

static void
end(void)
{
    lintel_local_free(server);
    CHECK_INT(lintel_tree_open(tree), 0);
    lintel_tree_free(tree);
    fake_engine_free(engine);
    lintel_loop_free(loop);
    CHECK(access(path, F_OK) != 0);
}

static struct lintel_local_client *
come(void)
{
    struct lintel_local_client *c = lintel_local_connect(path, reason, sizeof reason);
    CHECK(c != NULL);
    lintel_loop_advance(loop, 0);
    return c;
}

static uint32_t
ask(struct lintel_local_client *c, uint32_t method, const char *uri, uint32_t flags)
{
    struct lintel_local_frame f;
    CHECK_INT(lintel_local_prepare(&f, method, uri), 0);
    f.flags = flags;
    uint32_t id = lintel_local_request(c, &f);
    CHECK(id != 0);
    lintel_loop_advance(loop, 0);
    return id;
}

static void
expect(struct lintel_local_client *c, uint32_t id, uint32_t code, const char *text)
{
    struct lintel_local_frame f;
    CHECK_INT(lintel_local_next(c, &f, reason, sizeof reason), 0);
    CHECK_INT(f.id, id);
    CHECK_INT(f.code, code);
    CHECK(f.payload.n == strlen(text) && memcmp(f.payload.p, text, f.payload.n) == 0);
}

static void
answers(void)
{
    begin();
    struct lintel_local_client *c = come();
    uint32_t first = ask(c, LINTEL_GET, "/d/main-meter/Device/p/activePower", 0);
    expect(c, first, LINTEL_CONTENT, "21.5");
    expect(c, ask(c, LINTEL_GET, "d/zzz", 0), LINTEL_NOT_FOUND,
           "no thing \"zzz\"; GET /d lists them");
    uint32_t slow = ask(c, LINTEL_GET, "/d/main-meter/Device/p/energy", 0);
    expect(c, ask(c, LINTEL_GET, "/d?href=/x", 0), LINTEL_CONTENT, "");
    fake_complete(engine, LINTEL_OK, "", FAKE_REAL(3));
    expect(c, slow, LINTEL_CONTENT, "3");
    struct lintel_local_frame f;
    lintel_local_prepare(&f, LINTEL_PUT, "/d/main-meter/Device/p/setPoint");
    f.payload = (lintel_span){"20", 2};
    uint32_t put = lintel_local_request(c, &f);
    lintel_loop_advance(loop, 0);
    char uid[32];
    snprintf(uid, sizeof uid, "uid %lu", (unsigned long)geteuid());
    CHECK_STR(fake_command(engine)->who, uid);
    fake_complete(engine, LINTEL_OK, "", (lintel_value){0});
    expect(c, put, LINTEL_CHANGED, "");
    lintel_local_close(c);
    lintel_loop_advance(loop, 0);
    CHECK_INT(lintel_local_peers(server), 0);
    end();
}

static void
observations(void)
{
    begin();
    struct lintel_local_client *c = come();
    uint32_t id = ask(c, LINTEL_GET, "/d/main-meter/Device/p/activePower?c.st=1", LINTEL_X_OBSERVE);
    expect(c, id, LINTEL_CONTENT, "21.5");
    CHECK_REAL(fake_conditions(engine)->st, 1);
    fake_set(engine, fake_point(0, FAKE_POWER), FAKE_REAL(30), LINTEL_QUALITY_GOOD);
    expect(c, id, LINTEL_CONTENT, "30");
    CHECK_INT(lintel_local_cancel(c, id), 0);
    lintel_loop_advance(loop, 0);
    CHECK_INT(lintel_subscriptions(engine), 0);
    ask(c, LINTEL_GET, "/d/main-meter/s", LINTEL_X_OBSERVE);
    ask(c, LINTEL_GET, "/d/main-meter/Device/p/energy", 0);
    CHECK_INT(lintel_tree_open(tree), 2);
    lintel_local_close(c); /* and what it had open with it */
    lintel_loop_advance(loop, 0);
    CHECK_INT(lintel_tree_open(tree), 0);
    c = come();
    ask(c, LINTEL_GET, "/d/main-meter/s", LINTEL_X_OBSERVE);
    end();
    lintel_local_close(c);
}

/* A client that breaks the protocol is closed; the others stay. */
static void
broken_frames(void)
{
    static const char *const frames[] = {"\x83\x01\x01\x01", "\x82\x03", "\xff", "\x82\x04\x01",
                                         "\x88\x02\x01\x18\x45\x00\xf6\x00\x40\x40"};
    begin();
    struct lintel_local_client *good = come();
    for (size_t i = 0; i < LINTEL_COUNT(frames); i++) {
        struct lintel_local_client *bad = come();
        struct lintel_local_frame f;
        struct lintel_buf b = {0};
        lintel_buf_add(&b, frames[i], strlen(frames[i]));
        CHECK_INT(lintel_frame_write(lintel_local_fd(bad), &b), 0);
        lintel_loop_advance(loop, 0);
        CHECK_INT(lintel_local_peers(server), 1);
        CHECK_INT(lintel_local_next(bad, &f, reason, sizeof reason), 1);
        lintel_buf_fini(&b);
        lintel_local_close(bad);
    }
    struct lintel_local_frame f;
    struct lintel_buf b = {0};
    ask(good, LINTEL_GET, "/d/main-meter/s", LINTEL_X_OBSERVE);
    lintel_local_prepare(&f, LINTEL_GET, "/d");
    f.id = 1; /* open already */
    lintel_local_encode(&b, &f);
    CHECK_INT(lintel_frame_write(lintel_local_fd(good), &b), 0);
    lintel_loop_advance(loop, 0);
    CHECK_INT(lintel_local_peers(server), 0);
    lintel_buf_fini(&b);
    lintel_local_close(good);
    end();
}

struct reader {
    struct lintel_local_client *c;
    atomic_int done;
    int right;
};

static void *
read_long(void *arg)
{
    struct reader *r = arg;
    struct lintel_local_frame f;
    char why[100];
    r->right = lintel_local_next(r->c, &f, why, sizeof why) == 0 && f.payload.n == LONG &&
               f.payload.p[LONG - 1] == 'a' + (LONG - 1) % 26 &&
               f.payload.p[LONG / 2] == 'a' + LONG / 2 % 26;
    atomic_store(&r->done, 1);
    return NULL;
}

static void
long_answers(void)
{
    begin();
    struct reader r = {.c = come()};
    pthread_t thread;
    ask(r.c, LINTEL_POST, "/hub/reload", 0);
    CHECK_HAS(reloader, "uid ");
    REQUIRE(pthread_create(&thread, NULL, read_long, &r) == 0);
    while (!atomic_load(&r.done)) {
        lintel_loop_advance(loop, 0);
        sched_yield();
    }
    pthread_join(thread, NULL);
    CHECK(r.right);
    lintel_local_close(r.c);
    end();
}

/* Who does not read is dropped before the hub's memory is gone, and not while it is being answered.
 */
static void
slow_readers(void)
{
    begin();
    struct lintel_local_client *c = come(), *good = come();
    for (int i = 0; i < LINTEL_LOCAL_QUEUE_MOST / LONG + 3 && lintel_local_peers(server) == 2;
         i++) {
        struct lintel_local_frame f;
        CHECK_INT(lintel_local_prepare(&f, LINTEL_POST, "/hub/reload"), 0);
        CHECK(lintel_local_request(c, &f) != 0);
        lintel_loop_advance(loop, 0);
    }
    CHECK_INT(lintel_local_peers(server), 1);
    uint32_t id = ask(good, LINTEL_GET, "/d/main-meter/Device/p/activePower", 0);
    expect(good, id, LINTEL_CONTENT, "21.5");
    lintel_local_close(c);
    lintel_local_close(good);
    end();
}

static void
limits(void)
{
    struct lintel_local_client *c[LINTEL_LOCAL_PEERS_MOST + 1];
    struct lintel_local_frame f;
    begin();
    for (int i = 0; i <= LINTEL_LOCAL_PEERS_MOST; i++)
        c[i] = come();
    CHECK_INT(lintel_local_peers(server), LINTEL_LOCAL_PEERS_MOST);
    CHECK_INT(lintel_local_next(c[LINTEL_LOCAL_PEERS_MOST], &f, reason, sizeof reason), 1);
    for (int i = 0; i <= LINTEL_LOCAL_PEERS_MOST; i++)
        lintel_local_close(c[i]);
    lintel_loop_advance(loop, 0);
    CHECK_INT(lintel_local_prepare(&f, LINTEL_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
              -1);
    CHECK_INT(lintel_local_prepare(&f, LINTEL_GET, "/"), 0);
    CHECK_INT(f.npath, 0);
    end();
}

static void
the_socket(void)
{
    struct stat st;
    begin();
    REQUIRE(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0660);
    CHECK(lintel_local_new(loop, tree, path, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "another hub is running there");
    CHECK(access(path, F_OK) == 0);
    end();
    CHECK(lintel_local_connect(path, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "no hub is running there");

    /* What a hub left that was killed. */
    struct sockaddr_un dead = {.sun_family = AF_UNIX};
    snprintf(dead.sun_path, sizeof dead.sun_path, "%s/dead", kit_folder());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&dead, sizeof dead) == 0);
    close(fd);
    CHECK(lintel_local_connect(dead.sun_path, reason, sizeof reason) == NULL);
    loop = lintel_loop_new_fake();
    server = lintel_local_new(loop, NULL, dead.sun_path, reason, sizeof reason);
    CHECK(server != NULL);
    lintel_local_free(server);

    const char *file = kit_write("plain", "x");
    CHECK(lintel_local_new(loop, NULL, file, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "is no socket");
    CHECK(access(file, F_OK) == 0);
    char longest[200];
    snprintf(longest, sizeof longest, "%s/%0*d", kit_folder(), 120, 0);
    CHECK(lintel_local_new(loop, NULL, longest, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "at most 107 bytes");
    CHECK(lintel_local_new(loop, NULL, "/nonexistent/folder/s", reason, sizeof reason) == NULL);
    lintel_loop_free(loop);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(answers),      KIT(observations), KIT(broken_frames), KIT(long_answers),
        KIT(slow_readers), KIT(limits),       KIT(the_socket),    {0}};
    return kit_main("local", tests, argc, argv);
}
