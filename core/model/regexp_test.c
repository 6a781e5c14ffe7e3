/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/regexp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

/* The group's text, "-" for no match, "?" for a group that took no part. */
static const char *
search(const char *pattern, const char *text)
{
    static char found[256];
    char reason[LINTEL_REGEXP_REASON];
    struct lintel_regexp *re = lintel_regexp_compile(pattern, strlen(pattern), NULL, reason);
    struct lintel_str group = {NULL, 0};
    if (re == NULL) {
        snprintf(found, sizeof found, "! %s", reason);
        return found;
    }
    if (!lintel_regexp_search(re, text, strlen(text), &group))
        snprintf(found, sizeof found, "-");
    else if (group.p == NULL)
        snprintf(found, sizeof found, "?");
    else
        snprintf(found, sizeof found, "%.*s", (int)group.n, group.p);
    lintel_regexp_free(re);
    return found;
}

static void
matches(void)
{
    static const char *const rows[][3] = {
        {"", "abc", ""},
        {"b", "abc", "b"},
        {"^b", "abc", "-"},
        {"^abc$", "abc", "abc"},
        {"c$", "abc", "c"},
        {"a$", "abc", "-"},
        {"a*", "aaab", "aaa"},
        {"a+", "baaa", "aaa"},
        {"a?b", "ab", "ab"},
        {"(a|ab)(c|bcd)", "abcd", "a"}, /* the first choice that leads to a match */
        {"(ab|a)c", "ac", "a"},
        {"temp=([0-9]+)", "x temp=215;", "215"},
        {"([0-9]+),([0-9]+)", "12,34", "12"},
        {"(a)|b", "b", "?"},
        {"a{3}", "aaaa", "aaa"},
        {"a{2,}", "baaaa", "aaaa"},
        {"a{1,2}", "aaa", "aa"},
        {"^a{0,2}$", "aaa", "-"},
        {"^(ab){2,3}$", "ababab", "ab"},
        {"[a-c]+", "xxabcd", "abc"},
        {"[^a-c]+", "abxyc", "xy"},
        {"[-a]+", "b-a-", "-a-"},
        {"[a-]+", "b-a-", "-a-"},
        {"[]]", "", "! a class is empty (at character 3)"},
        {"[\\]\\-]+", "a]-", "]-"},
        {".+", "a\nb", "a"},
        {"\\.", "a.b", "."},
        {"\\(\\)", "()", "()"},
        {"\\n", "a\nb", "\n"},
        {"\u00fc+", "x\u00fc\u00fcy", "\u00fc\u00fc"},
        {"[\u00e4-\u00fc]", "\u00f6", "\u00f6"},
        {"^.$", "\U0001F600", "\U0001F600"},
        {"(a*)*", "b", "?"}, /* as in ECMAScript: a round that matches nothing does not count */
        {"(a*)+$", "aab", ""},
        {"^(|a)+$", "aa", "a"},
        {"x*", "", ""},
        {"^$", "", ""},
        {"(^a)|(b$)", "ab", "a"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++)
        CHECK_STR(search(rows[i][0], rows[i][1]), rows[i][2]);
}

static void
refuses(void)
{
    static const char *const rows[][2] = {
        {"(", "a parenthesis is not closed"},
        {"a)", "closes nothing"},
        {"[a", "not closed by ]"},
        {"*a", "only behind a backslash"},
        {"a**", "two repetitions in a row"},
        {"a{2", "not closed by }"},
        {"a{x}", "a number is missing"},
        {"a{3,2}", "wrong way round"},
        {"a{1000}", "more than 999"},
        {"(a{999}){999}", "too long"},
        {"((((((b){999}){999}){999}){999}){999}){999}", "too long"},
        {"((((((){999}){999}){999}){999}){999})", "too many repetitions"},
        {"[z-a]", "backwards"},
        {"\\d", "write [0-9]"},
        {"\\p{L}", "\\p"},
        {"\\", "no such escape"},
        {"a(?=b)", "look-ahead"},
        {"a(?:b)", "(?"},
        {"\xff", "not UTF-8"},
        {"}", "only behind a backslash"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++)
        CHECK_HAS(search(rows[i][0], ""), rows[i][1]);
    char deep[200];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CHECK_HAS(search(deep, ""), "inside one another");
    char lengthy[3000];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    CHECK_HAS(search(lengthy, ""), "too long");
}

/* What takes a backtracking matcher longer than the universe has. */
static void
is_linear(void)
{
    enum { N = 100000 };
    char reason[LINTEL_REGEXP_REASON];
    const char *pattern = "^((a+)+(a|aa)*)+$";
    struct lintel_regexp *re = lintel_regexp_compile(pattern, strlen(pattern), NULL, reason);
    char *text = malloc(N + 1);
    REQUIRE(re != NULL && text != NULL);
    memset(text, 'a', N);
    text[N] = 'b';
    CHECK(lintel_regexp_search(re, text, N, NULL));
    CHECK(!lintel_regexp_search(re, text, N + 1, NULL));
    lintel_regexp_free(re);
    free(text);
}

/* A second matcher of a dozen lines, for literals, choices and stars, which just tries everything.
 */
static int
tries(const char *pattern, const char *text)
{
    if (pattern[0] == '\0')
        return text[0] == '\0';
    int one = text[0] != '\0' && (pattern[0] == '.' || pattern[0] == text[0]);
    if (pattern[1] == '*')
        return tries(pattern + 2, text) || (one && tries(pattern, text + 1));
    if (pattern[1] == '?')
        return tries(pattern + 2, text) || (one && tries(pattern + 2, text + 1));
    return one && tries(pattern + 1, text + 1);
}

static void
agrees_with_a_simple_matcher(void)
{
    int matched = 0;
    for (int round = 0; round < 20000; round++) {
        char pattern[32] = "^", inner[24], text[12];
        size_t n = 0, length = kit_random() % 8;
        for (size_t i = 0, atoms = kit_random() % 6; i < atoms; i++) {
            inner[n++] = "ab."[kit_random() % 3];
            if (kit_random() % 2)
                inner[n++] = "*?"[kit_random() % 2];
        }
        inner[n] = '\0';
        strncat(pattern, inner, sizeof pattern - 3);
        strncat(pattern, "$", 2);
        for (size_t i = 0; i < length; i++)
            text[i] = "ab"[kit_random() % 2];
        text[length] = '\0';
        int expected = tries(inner, text), found = search(pattern, text)[0] != '-';
        if (expected != found)
            printf("%s on %s: %d\n", pattern, text, found);
        CHECK_INT(found, expected);
        matched += expected;
    }
    CHECK(matched > 1000);
}

static int
compile_once(void *ctx)
{
    char reason[LINTEL_REGEXP_REASON] = "";
    (void)ctx;
    struct lintel_regexp *re = lintel_regexp_compile("(a|b[c-e]){2,5}x?", 17, NULL, reason);
    kit_memory_is_back();
    int done = re != NULL;
    CHECK(done == (reason[0] == '\0'));
    if (done)
        CHECK(lintel_regexp_search(re, "..abdx", 6, NULL));
    lintel_regexp_free(re);
    return done;
}

static void
memory_runs_out(void)
{
    kit_each_failure(compile_once, NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(matches),
                                            KIT(refuses),
                                            KIT(is_linear),
                                            KIT(memory_runs_out),
                                            KIT(agrees_with_a_simple_matcher),
                                            {0}};
    return kit_main("regexp", tests, argc, argv);
}
