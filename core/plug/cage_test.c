/* SPDX-License-Identifier: Apache-2.0
 * What a cage allows, and how it travels. What it holds back stands in tests/integration/cage.sh.
 */
#include "core/plug/cage.h"

#include <errno.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/plug/cage_lock.h"
#include "core/plug/wire.h"
#include "tests/kit/kit.h"

static const lintel_field fields[] = {
    {.name = "device", .type = LINTEL_T_STR, .flags = LINTEL_F_FILE},
    {.name = "text", .type = LINTEL_T_STR},
    {.name = "files", .type = LINTEL_T_LIST, .flags = LINTEL_F_FILE},
    {0}};
static const lintel_plugin network = {.bus = fields, .needs = LINTEL_NEED_NETWORK | 1u << 30},
                           serial = {.bus = fields, .needs = LINTEL_NEED_SERIAL};
static const lintel_value files[] = {{LINTEL_T_STR, 6, {.s = "/c.pem"}},
                                     {LINTEL_T_STR, 1, {.s = "-"}}};
static const lintel_value settings[] = {{LINTEL_T_STR, 8, {.s = "/dev/one"}},
                                        {LINTEL_T_STR, 11, {.s = "/etc/shadow"}},
                                        {LINTEL_T_LIST, 2, {.list = files}}},
                          nothing[] = {{0}, {0}, {0}};

static const struct lintel_cage_path *
path_of(const struct lintel_cage *c, const char *path)
{
    for (uint32_t i = 0; i < c->npaths; i++)
        if (strcmp(c->paths[i].path, path) == 0)
            return &c->paths[i];
    return NULL;
}

/* As what a path is open; -1: it is not. */
static int
device_of(const struct lintel_cage *c, const char *path)
{
    const struct lintel_cage_path *p = path_of(c, path);
    return p != NULL ? p->device : -1;
}

static void
of_what_the_site_says(void)
{
    struct lintel_cage c = {0}, less = {0};
    const struct lintel_port one = {.plugin = &network,
                                    .plugin_file = "/p/network.so",
                                    .settings = settings,
                                    .isolation = LINTEL_ISOLATION_PROCESS,
                                    .process = "a",
                                    .memory = 64};
    struct lintel_port two = one;
    two.plugin = &serial;
    two.plugin_file = "/p/serial.so";
    two.memory = 0;
    CHECK_INT(lintel_cage_add_port(&c, &one), 0);
    CHECK_INT(c.needs, LINTEL_NEED_NETWORK); /* a need of the future is not granted */
    CHECK_INT(c.memory, 64);
    CHECK_INT(c.npaths, 3);
    REQUIRE(path_of(&c, "/dev/one") && path_of(&c, "/c.pem") && path_of(&c, "/p/network.so"));
    CHECK_INT(device_of(&c, "/dev/one"), 0);
    CHECK(path_of(&c, "/etc/shadow") == NULL); /* a setting that is no file */
    /* Another one widens it; the narrow one is within it, not the other way. */
    CHECK_INT(lintel_cage_add_port(&less, &two), 0);
    CHECK(!lintel_cage_covers(&c, &less));
    CHECK_INT(lintel_cage_add_port(&c, &two), 0);
    CHECK_INT(c.needs, LINTEL_NEED_NETWORK | LINTEL_NEED_SERIAL);
    CHECK_INT(c.memory, LINTEL_CAGE_MEMORY);
    CHECK_INT(c.npaths, 4);
    CHECK_INT(device_of(&c, "/dev/one"), 1);
    CHECK(lintel_cage_covers(&c, &less));
    CHECK(!lintel_cage_covers(&less, &c));
    less.memory = LINTEL_CAGE_MEMORY + 1;
    CHECK(!lintel_cage_covers(&c, &less));
    lintel_cage_fini(&less);
    lintel_cage_fini(&c);
    /* A line that is only read is no line. */
    CHECK_INT(lintel_cage_add_path(&c, "/dev/one", 0) | lintel_cage_add_path(&less, "/dev/one", 1),
              0);
    CHECK(!lintel_cage_covers(&c, &less));
    CHECK(lintel_cage_covers(&less, &c));
    lintel_cage_fini(&less);
    lintel_cage_fini(&c);
}

static void
of_all_who_share(void)
{
    struct lintel_port buses[] = {
        {.plugin = &network, .settings = nothing, .isolation = LINTEL_ISOLATION_PROCESS},
        {.plugin = &serial, .settings = nothing, .isolation = LINTEL_ISOLATION_PROCESS}};
    struct lintel_port transport = {.plugin = &network,
                                    .plugin_file = "/p/transport.so",
                                    .settings = nothing,
                                    .isolation = LINTEL_ISOLATION_PROCESS,
                                    .process = "a"};
    struct lintel_site site = {
        .buses = buses, .nbuses = 2, .transports = &transport, .ntransports = 1};
    struct lintel_cage c = {0};
    buses[0].process = "b";
    buses[1].process = "a";
    CHECK_INT(lintel_cage_add_shared(&c, &site, "a"), 0);
    CHECK_INT(c.needs, LINTEL_NEED_NETWORK | LINTEL_NEED_SERIAL);
    CHECK(path_of(&c, "/p/transport.so") != NULL);
    lintel_cage_fini(&c);
    CHECK_INT(lintel_cage_add_shared(&c, &site, "nobody"), 0);
    CHECK_INT(c.needs, 0);
    lintel_cage_fini(&c);
}

static void
there_and_back(void)
{
    struct lintel_buf b = {0};
    struct lintel_cage back, c = {.needs = LINTEL_CAGE_NEEDS,
                                  .memory = LINTEL_CAGE_MEMORY_MOST,
                                  .off = 1,
                                  .user = {"lintel-plugin", 998, 997, 20}};
    uint32_t instance;
    enum lintel_wire_kind kind;
    CHECK_INT(lintel_cage_add_path(&c, "/dev/\xff", 1) | lintel_cage_add_path(&c, "/a", 0), 0);
    lintel_cage_write(&b, &c);
    CHECK_INT(lintel_wire_peek((const unsigned char *)b.p, b.n, &instance, &kind), 0);
    CHECK_INT(instance, 0);
    CHECK_INT(kind, LINTEL_WIRE_CAGE);
    REQUIRE(lintel_cage_read((const unsigned char *)b.p, b.n, &back) == 0);
    CHECK_INT(back.needs, c.needs);
    CHECK_INT(back.memory, c.memory);
    CHECK_INT(back.off, 1);
    CHECK_STR(back.user.name, "lintel-plugin");
    CHECK_INT(back.user.uid, 998);
    CHECK_INT(back.user.gid, 997);
    CHECK_INT(back.user.serial, 20);
    REQUIRE(back.npaths == 2);
    CHECK_STR(back.paths[0].path, "/dev/\xff");
    CHECK_INT(back.paths[0].device, 1);
    CHECK_INT(back.paths[1].device, 0);
    lintel_cage_fini(&back);
    for (size_t n = 0; n < b.n; n++)
        CHECK_INT(lintel_cage_read((const unsigned char *)b.p, n, &back), -1);
    lintel_cbor_uint(&b, 0);
    CHECK_INT(lintel_cage_read((const unsigned char *)b.p, b.n, &back), -1);
    lintel_buf_fini(&b);
    lintel_cage_fini(&c);
}

/* The frame of a cage that was made so. */
static int
read_as(const struct lintel_cage *c)
{
    struct lintel_buf b = {0};
    struct lintel_cage back;
    lintel_cage_write(&b, c);
    int ret = lintel_cage_read((const unsigned char *)b.p, b.n, &back);
    if (ret == 0)
        lintel_cage_fini(&back);
    lintel_buf_fini(&b);
    return ret;
}

static void
frames_that_can_not_be(void)
{
    char relative[] = "etc/passwd", none[] = "", same[] = "/a";
    struct lintel_cage_path path = {same, 0}, many[LINTEL_CAGE_PATHS_MOST + 1];
    struct lintel_cage c = {.paths = &path, .npaths = 1};
    for (size_t i = 0; i < LINTEL_COUNT(many); i++)
        many[i] = path;
    CHECK_INT(read_as(&c), 0);
    path.path = relative;
    CHECK_INT(read_as(&c), -1);
    path.path = none;
    CHECK_INT(read_as(&c), -1);
    c = (struct lintel_cage){.paths = many, .npaths = LINTEL_CAGE_PATHS_MOST};
    CHECK_INT(read_as(&c), 0);
    c.npaths++;
    CHECK_INT(read_as(&c), -1);
    c = (struct lintel_cage){.needs = LINTEL_CAGE_NEEDS + 1};
    CHECK_INT(read_as(&c), -1);
    c = (struct lintel_cage){.memory = LINTEL_CAGE_MEMORY_MOST + 1};
    CHECK_INT(read_as(&c), -1);
    /* Who becomes somebody does not become root. */
    c = (struct lintel_cage){.user = {"somebody", 0, 5, 0}};
    CHECK_INT(read_as(&c), -1);
    c = (struct lintel_cage){.user = {"somebody", 5, 0, 0}};
    CHECK_INT(read_as(&c), -1);
    c = (struct lintel_cage){.user = {"somebody", 5, 5, 0}};
    CHECK_INT(read_as(&c), 0);
    c = (struct lintel_cage){
        .user = {"somebody", UINT32_MAX, 5, 0}}; /* setuid(-1) changes nothing */
    CHECK_INT(read_as(&c), -1);
}

static void
without_memory(void)
{
    const struct lintel_port port = {.plugin = &serial, .settings = settings, .plugin_file = "/p"};
    int failed = 1;
    for (uint64_t n = 1; failed != 0; n++) {
        struct lintel_cage c = {0}, back;
        struct lintel_buf b = {0};
        REQUIRE(n < 100);
        lintel_mem_fail_at(n);
        failed = lintel_cage_add_port(&c, &port);
        lintel_cage_write(&b, &c);
        failed |= b.failed;
        if (!failed && (failed = lintel_cage_read((const unsigned char *)b.p, b.n, &back)) == 0)
            lintel_cage_fini(&back);
        lintel_mem_fail_at(0);
        lintel_buf_fini(&b);
        lintel_cage_fini(&c);
    }
    struct lintel_cage full = {0};
    char path[32];
    for (int i = 0; i < LINTEL_CAGE_PATHS_MOST; i++) {
        snprintf(path, sizeof path, "/%d", i);
        CHECK_INT(lintel_cage_add_path(&full, path, 0), 0);
    }
    CHECK_INT(lintel_cage_add_path(&full, "/0", 1), 0);
    CHECK_INT(lintel_cage_add_path(&full, "/one/more", 0), -1);
    lintel_cage_fini(&full);
}

static void
the_user_is_not_root(void)
{
    struct lintel_cage_user u;
    lintel_cage_find_user(&u);
    CHECK_INT(u.name[0] != '\0', geteuid() == 0);
    if (u.name[0] != '\0')
        CHECK(u.uid != 0 && u.gid != 0);
}

/* A new file of the same name, in the way that programs write files; not its neighbours, nor
 * what is written into it. */
static void
replaced_files_are_noticed(void)
{
    struct lintel_cage c = {0};
    struct lintel_cage_watch w;
    char file[1100], later[1100], fresh[1100];
    snprintf(file, sizeof file, "%s", kit_write("ca.pem", "old"));
    snprintf(later, sizeof later, "%s/later.pem", kit_folder());
    CHECK_INT(lintel_cage_add_path(&c, file, 0) | lintel_cage_add_path(&c, later, 0), 0);
    lintel_cage_watch_init(&w, &c);
    REQUIRE(w.fd >= 0);
    CHECK(lintel_cage_watch_replaced(&w) == NULL);
    kit_write("ca.pem", "written into");
    kit_write("neighbour.pem", "x");
    CHECK(lintel_cage_watch_replaced(&w) == NULL);
    snprintf(fresh, sizeof fresh, "%s", kit_write("new.pem", "new"));
    CHECK_INT(rename(fresh, file), 0);
    const char *path = lintel_cage_watch_replaced(&w);
    REQUIRE(path != NULL);
    CHECK_STR(path, file);
    CHECK(lintel_cage_watch_replaced(&w) == NULL);
    kit_write("later.pem", "was not there");
    path = lintel_cage_watch_replaced(&w);
    REQUIRE(path != NULL);
    CHECK_STR(path, later);
    lintel_cage_watch_fini(&w);
    CHECK(lintel_cage_watch_replaced(&w) == NULL);
    lintel_cage_fini(&c);
}

static void *
sit(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
    return NULL;
}

/* A thread of before would be free. */
static void
a_process_with_threads_is_not_caged(void)
{
    const struct lintel_cage c = {0};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t t;
    char text[200] = "";
    if (LINTEL_SANITIZED)
        return; /* they may have threads of their own */
    pthread_mutex_lock(&lock);
    REQUIRE(pthread_create(&t, NULL, sit, &lock) == 0);
    CHECK_INT(lintel_cage_lock(&c, 0, text, sizeof text, NULL, NULL), -1);
    CHECK_STR(text, "it has threads already, which a cage would not hold");
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
}

/* What can't be opened for want of a descriptor would be forbidden for as long as it lives. */
static void
a_cage_without_descriptors_is_none(void)
{
    struct lintel_cage c = {0};
    char text[200] = "";
    int status = 0;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        return; /* this kernel has none */
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int next = dup(STDIN_FILENO);
        close(next);
        /* One for the set of rules, none for a path. */
        const struct rlimit few = {(rlim_t)next + 1, (rlim_t)next + 1};
        setrlimit(RLIMIT_NOFILE, &few);
        _exit(lintel_cage_landlock(&c, text, sizeof text) == -1 &&
                      strstr(text, strerror(EMFILE)) != NULL
                  ? 0
                  : 1);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(of_what_the_site_says),
                                            KIT(of_all_who_share),
                                            KIT(there_and_back),
                                            KIT(frames_that_can_not_be),
                                            KIT(without_memory),
                                            KIT(the_user_is_not_root),
                                            KIT(replaced_files_are_noticed),
                                            KIT(a_process_with_threads_is_not_caged),
                                            KIT(a_cage_without_descriptors_is_none),
                                            {0}};
    return kit_main("cage", tests, argc, argv);
}
