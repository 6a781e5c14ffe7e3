/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bind/tables.h"
#include "core/plug/inspect.h"
#include "core/plug/judge.h"
#include "tests/kit/kit.h"

static const struct lintel_place at = {"lintel.yaml", 3, 14};

static char *
built(const char *path)
{
    static char full[8][1024];
    static unsigned turn;
    char *ret = full[turn++ % 8];
    const char *build = getenv("LINTEL_BUILDDIR");
    snprintf(ret, sizeof full[0], "%s/%s", build ? build : ".", path);
    return ret;
}

/* The reason of a refusal; "" if there was none. */
static const char *
refusal(const char *name, const char *const *dirs)
{
    static char text[1024];
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(dirs);
    const lintel_plugin *p = lintel_loader_find(l, name, at, NULL, &report);
    snprintf(text, sizeof text, "%s", report.n ? report.problems[0].text : "");
    CHECK_INT(report.errors, p == NULL);
    if (report.n != 0) {
        CHECK_STR(report.problems[0].file, "lintel.yaml");
        CHECK_INT(report.problems[0].line, 3);
    }
    lintel_report_fini(&report);
    lintel_loader_free(l);
    return text;
}

/* A copy of a built plugin as folder/NAME.so below the test's folder. */
static const char *
copy(const char *from, const char *name)
{
    FILE *in = fopen(built(from), "rb");
    const char *path = kit_write(name, "");
    FILE *out = fopen(path, "wb");
    char some[4096];
    CHECK(in != NULL && out != NULL);
    for (size_t n; in && out && (n = fread(some, 1, sizeof some, in)) > 0;)
        CHECK_INT(fwrite(some, 1, n, out), n);
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return path;
}

static void
found_in_both_forms(void)
{
    const char *const dirs[] = {"/nowhere", built("plugins"), built("plugins/fake"), NULL};
    const char *file = NULL;
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(dirs);
    const lintel_plugin *p = lintel_loader_find(l, "file", at, &file, &report);
    REQUIRE(p != NULL);
    CHECK_STR(p->name, "file");
    CHECK_STR(file, built("plugins/file/file.so"));
    CHECK(lintel_loader_find(l, "file", at, &file, &report) == p);
    p = lintel_loader_find(l, "fake-blocking", at, &file, &report);
    REQUIRE(p != NULL);
    CHECK_STR(file, built("plugins/fake/fake-blocking.so"));
    const char *const *names = lintel_loader_names(l);
    int has_file = 0, fakes = 0, sorted = 1;
    for (int i = 0; names[i] != NULL; i++) {
        has_file += strcmp(names[i], "file") == 0;
        fakes += strcmp(names[i], "fake") == 0;
        sorted &= i == 0 || strcmp(names[i - 1], names[i]) < 0;
    }
    CHECK_INT(has_file, 1);
    CHECK_INT(fakes, 1); /* by folder and by file: once */
    CHECK(sorted);
    CHECK_INT(report.n, 0);
    lintel_loader_free(l);
}

static void
environment_goes_first(void)
{
    char map[2200];
    const char *const dirs[] = {"/nowhere", NULL};
    CHECK_HAS(refusal("fake", dirs), "there is no fake.so in /nowhere");
    setenv("LINTEL_PLUGIN_PATH", built("plugins"), 1);
    CHECK_STR(refusal("fake", dirs), "");
    CHECK_HAS(refusal("fake-blocking", dirs), "no plugin \"fake-blocking\"");
    snprintf(map, sizeof map, "fake=/nowhere/x.so,fake-blocking=%s",
             built("plugins/fake/fake-blocking.so"));
    setenv("LINTEL_PLUGIN_MAP", map, 1);
    CHECK_STR(refusal("fake-blocking", dirs), "");
    CHECK_HAS(refusal("fake", dirs), "plugin \"fake\" is refused: /nowhere/x.so: No such file");
    unsetenv("LINTEL_PLUGIN_MAP");
    unsetenv("LINTEL_PLUGIN_PATH");
}

static void
missing_ones_name_the_nearest(void)
{
    const char *const dirs[] = {built("plugins"), NULL}, *const none[] = {NULL};
    CHECK_HAS(refusal("fiel", dirs), "no plugin \"fiel\": there is no fiel.so in ");
    CHECK_HAS(refusal("fiel", dirs), "(did you mean \"file\"?)");
    CHECK_HAS(refusal("file/file", dirs), "no plugin \"file/file\"");
    CHECK_HAS(refusal("", dirs), "no plugin \"\"");
    CHECK_HAS(refusal("x", none), "an empty search path (set LINTEL_PLUGIN_PATH)");
}

static void
what_others_may_write_to_is_refused(void)
{
    const char *path = copy("plugins/file/file.so", "open/file.so");
    const char *const dirs[] = {built(""), kit_folder(), NULL};
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/open", kit_folder());
    const char *const open[] = {folder, NULL};
    CHECK_STR(refusal("file", open), "");
    chmod(path, 0666);
    CHECK_HAS(refusal("file", open),
              "/open/file.so may be written to by others (mode 0666): chmod go-w ");
    chmod(path, 0644);
    chmod(folder, 0777);
    CHECK_HAS(refusal("file", open), "/open may be written to by others (mode 0777): chmod go-w ");
    /* A link in a safe folder does not help. */
    char link[1100];
    snprintf(link, sizeof link, "%s/file.so", kit_folder());
    CHECK_INT(symlink(path, link), 0);
    CHECK_HAS(refusal("file", dirs), "/open may be written to by others");
    chmod(folder, 0755);
    if (geteuid() == 0) { /* only root can give a file away */
        CHECK_INT(chown(path, 12345, 12345), 0);
        CHECK_HAS(refusal("file", open),
                  "belongs to user 12345, neither to root nor to the hub's user 0");
    }
}

static void
refused_by_content(void)
{
    static const struct {
        const char *file, *reason;
    } wrong[] = {
        {"wrong-major", "it was built for plugin ABI 2.1, this hub has 1.1: build it again"},
        {"wrong-minor", "it was built for plugin ABI 1.99, this hub has 1.1"},
        {"wrong-magic", "its entry has the magic number 0x12345678, wanted is 0x4c4e5431"},
        {"wrong-entry", "it exports no lintel_plugin_entry"},
        {"wrong-size", "its plugin table has 16 bytes"},
        {"wrong-table", "field \"speed\": its default does not parse: speed: \"11\" is not a whole "
                        "number from 1 to 10"},
        {"wrong-name", "a plugin's name is \"Wrong_Name\"; wanted is [a-z][a-z0-9-]*"},
    };
    const char *const dirs[] = {built("plugins/fake"), NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_HAS(refusal(wrong[i].file, dirs), wrong[i].reason);
        CHECK_HAS(refusal(wrong[i].file, dirs), wrong[i].file); /* which file it is */
    }
    const char *const own[] = {kit_folder(), NULL};
    kit_write("text.so", "this is no shared object, but long enough\n");
    kit_write("short.so", "\177ELF");
    CHECK_HAS(refusal("text", own), "text.so is not a shared object (it has no ELF header)");
    CHECK_HAS(refusal("short", own), "short.so is not a shared object (it has no ELF header)");
    kit_write("other.so", "\177ELF\2\1\1xxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    CHECK_HAS(refusal("other", own), "other.so was built for another kind of processor");
    copy("plugins/file/file.so", "another.so");
    CHECK_HAS(refusal("another", own), "another.so holds no plugin named \"another\" but \"file\"");
}

static void
a_name_is_taken_once(void)
{
    const char *const dirs[] = {built("plugins/fake"), NULL};
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(dirs);
    CHECK(lintel_loader_find(l, "fake", at, NULL, &report) != NULL);
    CHECK(lintel_loader_find(l, "wrong-taken", at, NULL, &report) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text, "the name \"fake\" is already taken by ");
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    (void)h, (void)v, (void)self;
    return LINTEL_OK;
}

/* Their rules are the parser's (core/bind/field_test.c); here only that they are asked, and what is
 * the entry's. */
static void
tables_are_judged(void)
{
    lintel_field endless[300];
    for (int i = 0; i < 300; i++)
        endless[i] = (lintel_field){.name = "a", .help = "x", .type = LINTEL_T_INT};
    const lintel_field twice[] = {endless[0], endless[0], {0}};
    const lintel_field hubs[] = {{.name = "isolation", .help = "x", .type = LINTEL_T_STR}, {0}};
    const struct {
        const lintel_field *table;
        const char *reason;
    } bad[] = {
        {twice, "plugin p: the table of bus keys: field \"a\": its name stands in the table twice"},
        {hubs, "\"isolation\" is a key of the hub's"},
        {endless, "a table of more than 256 rows"},
        {NULL, "lacks a table of settings"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const lintel_plugin plugin = {.size = sizeof plugin,
                                      .unit_bytes = 1,
                                      .name = "p",
                                      .version = "1",
                                      .summary = "s",
                                      .natural = "",
                                      .bus = bad[i].table,
                                      .create = create,
                                      .destroy = free};
        const lintel_plugin *const plugins[] = {&plugin};
        lintel_entry e = {LINTEL_ENTRY_MAGIC, sizeof e, 1, 0, sizeof plugin, 1, plugins};
        char reason[512] = "";
        CHECK_INT(lintel_judge_entry(&e, reason, sizeof reason), -1);
        CHECK_HAS(reason, bad[i].reason);
        e.nplugins = 0;
        CHECK_INT(lintel_judge_entry(&e, reason, sizeof reason), -1);
        CHECK_HAS(reason, "it holds 0 plugins");
    }
}

static void
inspection_prints_all(void)
{
    char reason[512] = "";
    struct lintel_buf out = {0};
    const lintel_entry *e = lintel_load_file(built("plugins/fake/fake.so"), reason, sizeof reason);
    CHECK_STR(reason, "");
    REQUIRE(e != NULL);
    lintel_inspect_entry(e, "fake.so", &out);
    CHECK_HAS(lintel_buf_str(&out),
              "{\"file\":\"fake.so\",\"abi\":\"1.1\",\"plugins\":[{\"name\":\"fake\"");
    CHECK_HAS(lintel_buf_str(&out),
              "{\"name\":\"delayMs\",\"type\":\"integer\",\"help\":\"How long each request "
              "takes.\",\"default\":\"0\",\"unit\":\"ms\",\"min\":0,\"max\":60000,\"flags\":[]}");
    CHECK_HAS(lintel_buf_str(&out), "\"flags\":[\"secret\"]");
    CHECK_HAS(lintel_buf_str(&out), "\"choices\":[\"real\",\"integer\",");
    CHECK_HAS(lintel_buf_str(&out), "],\"device\":[");
    lintel_buf_fini(&out);
}

/* Another file in the place of one that is open. */
static void
a_new_file_is_seen(void)
{
    char path[1100];
    const char *file = NULL;
    snprintf(path, sizeof path, "%s", copy("plugins/fake/fake.so", "newer/fake.so"));
    char folder[1100];
    snprintf(folder, sizeof folder, "%s/newer", kit_folder());
    const char *const dirs[] = {folder, NULL};
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(dirs);
    const lintel_plugin *first = lintel_loader_find(l, "fake", at, NULL, &report), *p = first;
    REQUIRE(first != NULL);
    CHECK(lintel_loader_renew(l, "fake", at, &file, &report) == first); /* it is the same one */
    CHECK_STR(file, path);
    CHECK(lintel_loaded_mark(first) == lintel_load_mark(path));
    for (int i = 0; i < 3; i++) {
        char next[1100];
        snprintf(next, sizeof next, "%s", copy("plugins/fake/fake.so", "newer/next"));
        CHECK_INT(rename(next, path), 0);
        CHECK(lintel_loaded_mark(p) != lintel_load_mark(path));
        CHECK(lintel_loader_find(l, "fake", at, NULL, &report) == p); /* not by itself */
        const lintel_plugin *newer = lintel_loader_renew(l, "fake", at, &file, &report);
        REQUIRE(newer != NULL);
        CHECK(newer != p); /* other memory: both can be used */
        CHECK_STR(newer->name, p->name);
        CHECK(lintel_loaded_mark(newer) == lintel_load_mark(path));
        CHECK(lintel_loader_find(l, "fake", at, NULL, &report) == newer);
        p = newer;
    }
    CHECK_STR(first->version, "1.0"); /* never closed */
    CHECK_INT(report.n, 0);
    /* Written over in place: the old code is lost, the new one can't be had. */
    const struct timespec past[2] = {{0, UTIME_OMIT}, {1000000000, 0}};
    CHECK_INT(utimensat(AT_FDCWD, path, past, 0), 0);
    CHECK(lintel_loader_renew(l, "fake", at, &file, &report) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text, "was written over in place while it is in use");
    CHECK_HAS(report.problems[0].text, ".new && mv ");
    CHECK(lintel_loader_find(l, "fake", at, NULL, &report) == p);
    /* And one that is gone. */
    CHECK_INT(unlink(path), 0);
    CHECK_INT(lintel_load_mark(path), 0);
    CHECK(lintel_loader_renew(l, "fake", at, &file, &report) == NULL);
    CHECK_HAS(report.problems[1].text, "no plugin \"fake\"");
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

/* Plugins are tried by somebody else, where this is root. */
static void
let_others_in(void)
{
    CHECK_INT(chmod(kit_folder(), 0755), 0);
}

/* Who is asked about a file writes a line for it into `asked`; NULL: the real one answers. */
static const char *
a_host_that_says(const char *answer, int status)
{
    static char path[1100];
    char script[3000];
    if (answer != NULL)
        snprintf(script, sizeof script,
                 "#!/bin/sh\necho \"$1\" >>'%s/asked'\necho lintel-host: caged >&2\necho '%s' "
                 ">&2\nexit %d\n",
                 kit_folder(), answer, status);
    else
        snprintf(script, sizeof script, "#!/bin/sh\necho \"$1\" >>'%s/asked'\nexec '%s' \"$@\"\n",
                 kit_folder(), built("bin/lintel-host"));
    snprintf(path, sizeof path, "%s", kit_write("host", script));
    CHECK_INT(chmod(path, 0755), 0);
    return path;
}

static int
times_asked(void)
{
    char path[1100], line[100];
    int n = 0;
    snprintf(path, sizeof path, "%s/asked", kit_folder());
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        CHECK_STR(line, "--try\n");
        n++;
    }
    if (f != NULL)
        fclose(f);
    return n;
}

static void
files_are_tried_first(void)
{
    char folder[1100];
    snprintf(folder, sizeof folder, "%s/tried", kit_folder());
    const char *const own[] = {folder, NULL};
    unsetenv("LINTEL_PLUGIN_PATH");
    let_others_in();
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(own);
    const char *file = copy("plugins/file/file.so", "tried/file.so");
    CHECK_INT(chmod(file, 0755), 0);
    lintel_loader_probe(l, a_host_that_says("lintel-host: it smells", 1));
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) == NULL);
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) == NULL);
    REQUIRE(report.n == 2);
    CHECK_STR(report.problems[0].text, "plugin \"file\" is refused: it smells");
    CHECK_STR(report.problems[1].text, "plugin \"file\" is refused: it smells");
    CHECK_INT(times_asked(), 1); /* once as long as it is the same file */
    const struct timespec then[] = {{1000000000, 0}, {1000000000, 0}};
    CHECK_INT(utimensat(AT_FDCWD, file, then, 0), 0);
    lintel_loader_probe(l, a_host_that_says("lintel-host: not good", 0));
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) == NULL); /* a good end is not enough */
    CHECK_INT(times_asked(), 2);
    CHECK_INT(utimensat(AT_FDCWD, file, NULL, 0), 0);
    lintel_loader_probe(l, a_host_that_says("lintel-host: good", 0)); /* and says nothing of it */
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) == NULL);
    REQUIRE(report.n == 4);
    CHECK_HAS(report.problems[3].text, "what it says of itself can't be read");
    CHECK_INT(times_asked(), 3);
    lintel_loader_probe(l, a_host_that_says(NULL, 0));
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) != NULL);
    CHECK_INT(times_asked(), 4);
    CHECK(lintel_loader_renew(l, "file", at, NULL, &report) != NULL);
    CHECK_INT(times_asked(), 4);
    CHECK_INT(report.n, 4);
    /* Another loader of this process knows it too. */
    struct lintel_loader *other = lintel_loader_new(own);
    lintel_loader_probe(other, a_host_that_says(NULL, 0));
    CHECK(lintel_loader_find(other, "file", at, NULL, &report) != NULL);
    CHECK_INT(times_asked(), 4);
    lintel_loader_free(other);
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

/* Somebody kills the first process that looks at the file; the second one finds it good. */
static void
a_trial_that_was_killed_is_forgotten(void)
{
    char folder[1100], script[3000];
    snprintf(folder, sizeof folder, "%s/killed", kit_folder());
    snprintf(script, sizeof script,
             "#!/bin/sh\necho >>$0.n\n[ $(wc -l <$0.n) -gt 1 ] || kill -9 $$\n"
             "exec '%s' \"$@\"\n",
             built("bin/lintel-host"));
    const char *host = kit_write("killer", script);
    CHECK_INT(chmod(host, 0755), 0);
    const char *const own[] = {folder, NULL};
    unsetenv("LINTEL_PLUGIN_PATH");
    let_others_in();
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(own);
    CHECK_INT(chmod(copy("plugins/file/file.so", "killed/file.so"), 0755), 0);
    lintel_loader_probe(l, host);
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) != NULL);
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) != NULL);
    CHECK_INT(report.n, 0);
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

static int
is_mapped(const char *file)
{
    char line[4096];
    int ret = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        ret |= strstr(line, file) != NULL;
    if (f != NULL)
        fclose(f);
    return ret;
}

/* A file that is tried is opened here only for its code. */
static void
code_is_opened_when_it_is_wanted(void)
{
    char folder[1100], path[1100], next[1100], kept[1200], reason[600] = "";
    snprintf(folder, sizeof folder, "%s/coded", kit_folder());
    snprintf(path, sizeof path, "%s", copy("plugins/fake/fake.so", "coded/fake.so"));
    CHECK_INT(chmod(path, 0755), 0);
    const char *const own[] = {folder, NULL};
    unsetenv("LINTEL_PLUGIN_PATH");
    let_others_in();
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(own);
    lintel_loader_probe(l, built("bin/lintel-host"));
    lintel_loader_package(l, "plugins/mqtt/mqtt.so"); /* so fake did not come with it */
    const lintel_plugin *p = lintel_loader_find(l, "fake", at, NULL, &report);
    REQUIRE(p != NULL);
    CHECK(!is_mapped(path));
    CHECK(p->read == NULL && p->start == NULL);
    CHECK(lintel_loader_code(l, p, 0, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "it did not come with the hub");
    CHECK(!is_mapped(path));
    /* Another file came in its place: its code is not that of what was told. */
    snprintf(kept, sizeof kept, "%s/kept.so", folder);
    CHECK_INT(rename(path, kept), 0);
    snprintf(next, sizeof next, "%s", copy("plugins/fake/fake.so", "coded/fake.so"));
    CHECK(lintel_loader_code(l, p, 1, reason, sizeof reason) == NULL);
    CHECK_HAS(reason, "/coded/fake.so is another file now than the one that was tried");
    CHECK(!is_mapped(path));
    CHECK_INT(rename(kept, path), 0);
    const lintel_plugin *code = lintel_loader_code(l, p, 1, reason, sizeof reason);
    REQUIRE(code != NULL && code != p);
    CHECK(code->read != NULL);
    CHECK(lintel_loaded_mark(code) == lintel_load_mark(path));
    CHECK(lintel_plugin_same_tables(code, p));
    CHECK(lintel_loader_code(l, p, 1, reason, sizeof reason) == code);
    CHECK(lintel_loader_code(l, code, 0, reason, sizeof reason) == NULL);
    lintel_loader_package(l, NULL); /* now it did */
    CHECK(lintel_loader_code(l, p, 0, reason, sizeof reason) == code);
    /* A file that is replaced is told anew; written over in place it is refused. */
    snprintf(next, sizeof next, "%s", copy("plugins/fake/fake.so", "coded/next"));
    CHECK_INT(rename(next, path), 0);
    const lintel_plugin *newer = lintel_loader_renew(l, "fake", at, NULL, &report);
    REQUIRE(newer != NULL && newer != p);
    CHECK(lintel_loader_code(l, newer, 1, reason, sizeof reason) != code);
    const struct timespec past[2] = {{0, UTIME_OMIT}, {1000000000, 0}};
    CHECK_INT(utimensat(AT_FDCWD, path, past, 0), 0);
    CHECK_INT(report.n, 0);
    CHECK(lintel_loader_renew(l, "fake", at, NULL, &report) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text, "was written over in place while it is in use");
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

static void
a_host_that_can_not_be_started(void)
{
    const char *const dirs[] = {built("plugins"), NULL};
    struct lintel_report report = {0};
    struct lintel_loader *l = lintel_loader_new(dirs);
    lintel_loader_probe(l, "/nowhere/lintel-host");
    CHECK(lintel_loader_find(l, "file", at, NULL, &report) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text,
              "/nowhere/lintel-host, which tries plugins first, can't be started: No such file");
    lintel_report_fini(&report);
    lintel_loader_free(l);
}

static void
which_came_with_the_hub(void)
{
    const char *const dirs[] = {built("plugins"), NULL};
    const lintel_plugin file = {.name = "file"}, modbus = {.name = "mod"};
    const char *path = built("plugins/file/file.so");
    struct lintel_loader *l = lintel_loader_new(dirs);
    CHECK(lintel_loader_is_own(l, &file, path)); /* a build tree: all that lie there */
    CHECK(lintel_loader_is_own(l, &modbus, path));
    CHECK(!lintel_loader_is_own(l, &file, kit_write("foreign/file.so", "")));
    CHECK(!lintel_loader_is_own(l, &file, "/nowhere/file.so"));
    lintel_loader_package(l, "plugins/mqtt/mqtt.so plugins/file/file.so plugins/mod/mod.soo");
    CHECK(lintel_loader_is_own(l, &file, path));
    CHECK(!lintel_loader_is_own(l, &modbus, path));
    CHECK(!lintel_loader_is_own(l, &file, kit_write("foreign/file.so", "")));
    lintel_loader_package(l, "");
    CHECK(!lintel_loader_is_own(l, &file, path));
    lintel_loader_free(l);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(found_in_both_forms),
                                            KIT(environment_goes_first),
                                            KIT(missing_ones_name_the_nearest),
                                            KIT(what_others_may_write_to_is_refused),
                                            KIT(refused_by_content),
                                            KIT(a_name_is_taken_once),
                                            KIT(tables_are_judged),
                                            KIT(inspection_prints_all),
                                            KIT(a_new_file_is_seen),
                                            KIT(files_are_tried_first),
                                            KIT(a_trial_that_was_killed_is_forgotten),
                                            KIT(code_is_opened_when_it_is_wanted),
                                            KIT(a_host_that_can_not_be_started),
                                            KIT(which_came_with_the_hub),
                                            {0}};
    return kit_main("load", tests, argc, argv);
}
