/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/uri.h"

#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static void
resolves(const char *base, const char *ref, const char *want)
{
    struct lintel_buf out = {0};
    lintel_uri_resolve(&out, lintel_str(base), lintel_str(ref));
    CHECK_STR(lintel_buf_str(&out), want);
    lintel_buf_fini(&out);
}

/* RFC 3986 section 5.4, all of it. */
static void
examples_of_the_standard(void)
{
    static const char *const cases[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++)
        resolves("http://a/b/c/d;p?q", cases[i][0], cases[i][1]);
    resolves("coap://[2001:db8::1]", "x", "coap://[2001:db8::1]/x");
    resolves("coap://[2001:db8::1]", "", "coap://[2001:db8::1]");
    resolves("coap://h:61616/a?b#c", "/x/y", "coap://h:61616/x/y");
    resolves("urn:a:b", "c", "urn:c");
}

static void
paths_lose_their_dots(void)
{
    static const char *const cases[][2] = {{"/a/b/c/./../../g", "/a/g"},
                                           {"mid/content=5/../6", "mid/6"},
                                           {"/a//../b", "/a/b"},
                                           {"/..", "/"},
                                           {"..", ""},
                                           {"/a/..", "/"},
                                           {"/a/...", "/a/..."},
                                           {"", ""}};
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct lintel_buf out = {0};
        lintel_buf_adds(&out, "before:");
        lintel_uri_plain_path(&out, lintel_str(cases[i][0]));
        CHECK_STR(lintel_buf_str(&out) + 7, cases[i][1]);
        lintel_buf_fini(&out);
    }
}

static void
origins(void)
{
    static const char *const cases[][2] = {{"coap://h:1/x", "coap://h:1"},
                                           {"coap://[::1]?x/y", "coap://[::1]"},
                                           {"coap://h", "coap://h"},
                                           {"coap:/x", ""},
                                           {"urn:a:b", ""},
                                           {"//h/x", ""},
                                           {"/x", ""},
                                           {"", ""}};
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++)
        CHECK(lintel_str_eq(lintel_uri_origin(lintel_str(cases[i][0])), cases[i][1]));
}

static void
characters_are_judged(void)
{
    CHECK(lintel_uri_is_text(lintel_str("/a%2Fb?c=[d]#e")));
    CHECK(lintel_uri_is_text(lintel_str("")));
    static const char *const bad[] = {"a b", "%", "%2", "%2g", "\xc3\xa4", "a\\b", "{x}", "a|b"};
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++)
        CHECK(!lintel_uri_is_text(lintel_str(bad[i])));
    CHECK(!lintel_uri_is_text((struct lintel_str){"a\0b", 3}));
}

static int
resolve_once(void *ctx)
{
    struct lintel_buf out = {0};
    (void)ctx;
    lintel_uri_resolve(&out, lintel_str("coap://h/some/longer/path/than/the/first/block/is"),
                       lintel_str("../../and/a/reference/that/is/as/long/as/the/other/one"));
    int done = !out.failed;
    if (done)
        CHECK_STR(lintel_buf_str(&out), "coap://h/some/longer/path/than/the/and/a/reference/"
                                        "that/is/as/long/as/the/other/one");
    lintel_buf_fini(&out);
    return done;
}

static void
memory_runs_out(void)
{
    kit_each_failure(resolve_once, NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(examples_of_the_standard), KIT(paths_lose_their_dots), KIT(origins),
        KIT(characters_are_judged),    KIT(memory_runs_out),       {0}};
    return kit_main("uri", tests, argc, argv);
}
