/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/link.h"

#include <string.h>

#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static int
read_all(const char *text, struct lintel_link *last, struct lintel_arena *a)
{
    struct lintel_link_reader r = {text, strlen(text), 0};
    const char *reason = NULL;
    int n = 0, got;
    while ((got = lintel_link_next(&r, a, last, &reason)) == 1)
        n++;
    return got < 0 ? -1 : n;
}

static void
written_links_are_quoted(void)
{
    struct lintel_buf b = {0};
    struct lintel_link l;
    lintel_link_init(&l, lintel_str("/d/main-meter"));
    lintel_link_set(&l, "ct", lintel_str("50 60"));
    lintel_link_set(&l, "sz", lintel_str("120"));
    lintel_link_set(&l, "title", lintel_str("the \"big\" \\ one\n"));
    lintel_link_set(&l, "rt", lintel_str(""));
    lintel_link_flag(&l, "obs");
    lintel_link_write(&b, &l);
    lintel_link_init(&l, lintel_str("/x"));
    lintel_link_write(&b, &l);
    CHECK_STR(lintel_buf_str(&b),
              "</d/main-meter>;ct=\"50 60\";sz=120;title=\"the \\\"big\\\" \\\\ one \";obs,</x>");
    lintel_buf_fini(&b);
}

static void
segments_are_encoded(void)
{
    struct lintel_buf b = {0};
    lintel_link_segment(&b, "a b/c>", 6);
    lintel_link_segment(&b, "x.y-z", 5);
    CHECK_STR(lintel_buf_str(&b), "/a%20b%2Fc%3E/x.y-z");
    lintel_buf_fini(&b);
}

static void
read_links(void)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_link l;
    CHECK_INT(read_all("", &l, a), 0);
    CHECK_INT(read_all("</a>,</b>;rt=x;RT=\"y\";obs;title=\"q \\\"w\\\"\"", &l, a), 2);
    CHECK_INT(l.n, 3);
    CHECK(lintel_str_eq(l.target, "/b"));
    CHECK(lintel_str_eq(lintel_link_get(&l, "rt"), "x"));
    CHECK(lintel_str_eq(lintel_link_get(&l, "title"), "q \"w\""));
    CHECK(lintel_link_get(&l, "obs").p == NULL);
    static const char *const bad[] = {
        "/a",        "</a",        "</a>;",     "</a>;rt=",    "</a>,",
        "</a>;x=\"", "</a>;\"x\"", "</a> </b>", "</a>;x=\"\\", "<a b>"};
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++)
        CHECK_INT(read_all(bad[i], &l, a), -1);
    lintel_arena_free(a);
}

static int
read_and_write_once(void *ctx)
{
    static const char text[] = "</a>;title=\"an \\\"escaped\\\" one\";rt=x,</b>;if=\"y\\\"\"";
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_link l;
    struct lintel_buf b = {0};
    (void)ctx;
    int n = a != NULL ? read_all(text, &l, a) : -1;
    CHECK(n == 2 || n == -1);
    if (n == 2)
        lintel_link_write(&b, &l);
    kit_memory_is_back();
    int done = n == 2 && !b.failed;
    if (done)
        CHECK_STR(lintel_buf_str(&b), "</b>;if=\"y\\\"\"");
    lintel_buf_fini(&b);
    lintel_arena_free(a);
    return done;
}

static void
memory_runs_out(void)
{
    CHECK(kit_each_failure(read_and_write_once, NULL) > 2);
}

static void
limits_hold(void)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_link l;
    struct lintel_buf b = {0};
    lintel_buf_adds(&b, "</a>");
    for (int i = 0; i < LINTEL_LINK_ATTRS_MOST; i++)
        lintel_buf_addf(&b, ";a%d=1", i);
    CHECK_INT(read_all(lintel_buf_str(&b), &l, a), 1);
    lintel_buf_adds(&b, ";b=1");
    CHECK_INT(read_all(lintel_buf_str(&b), &l, a), -1);
    lintel_buf_reset(&b);
    lintel_buf_addf(&b, "</%0*d>", LINTEL_LINK_TEXT_MOST, 1);
    CHECK_INT(read_all(lintel_buf_str(&b), &l, a), -1);
    lintel_buf_fini(&b);
    lintel_arena_free(a);
}

static int
filter(const char *text, const char *first, const char *second)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_link l;
    lintel_span query[2] = {{first, strlen(first)}, {second, second ? strlen(second) : 0}};
    CHECK_INT(read_all(text, &l, a), 1);
    int ret = lintel_link_matches(&l, query, second ? 2 : 1);
    lintel_arena_free(a);
    return ret;
}

static void
filters(void)
{
    const char *link =
        "</s/light>;rt=\"light-lux core.sen-light\";if=sensor;ct=\"50 60\";title=\"a b\";obs";
    static const struct {
        const char *first, *second;
        int match;
    } cases[] = {
        {"rt=light-lux", NULL, 1},
        {"rt=core.sen-light", NULL, 1},
        {"rt=light", NULL, 0},
        {"rt=core.*", NULL, 1},
        {"rt=core.*", "ct=60", 1},
        {"rt=core.*", "ct=7", 0},
        {"href=/s/light", NULL, 1},
        {"href=/s/*", NULL, 1},
        {"href=/s", NULL, 0},
        {"href=/t*", NULL, 0},
        {"title=a b", NULL, 1},
        {"title=b", NULL, 0},
        {"if=sensor", NULL, 1},
        {"if=sens*", "href=/x", 0},
        {"obs", NULL, 1},
        {"hct", NULL, 0},
        {"nosuch=*", NULL, 0},
        {"", NULL, 1},
        {"=x", NULL, 0},
        {"ct=50 60", NULL, 1},
        {"RT=light-lux", NULL, 1},
        {"rt=*", NULL, 1},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++)
        if (!CHECK_INT(filter(link, cases[i].first, cases[i].second), cases[i].match))
            printf("    in case \"%s\"\n", cases[i].first);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(written_links_are_quoted),
                                            KIT(segments_are_encoded),
                                            KIT(read_links),
                                            KIT(memory_runs_out),
                                            KIT(limits_hold),
                                            KIT(filters),
                                            {0}};
    return kit_main("link", tests, argc, argv);
}
