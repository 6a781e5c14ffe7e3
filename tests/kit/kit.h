/* SPDX-License-Identifier: Apache-2.0
 * The test kit: a main() on CUnit that tells the truth (CU_basic_run_tests() returns 0 when tests
 * fail).
 *
 *   static void adds_up(void) { CHECK(1 + 1 == 2); CHECK_INT(1 + 1, 2); CHECK_STR("a", "a"); }
 *   int main(int argc, char **argv)
 *   { static const struct kit_test tests[] = {KIT(adds_up), {0}}; return kit_main("sums", tests,
 * argc, argv); }
 *
 * An argument filters tests by a part of the name; a filter that matches nothing fails. Each
 * program ends after 60 s at the latest (KIT_NO_TIMEOUT=1 for debuggers). Tests do not sleep. */
#ifndef LINTEL_TESTS_KIT_H
#define LINTEL_TESTS_KIT_H
#include <CUnit/CUnit.h>
#include <stddef.h>
#include <stdint.h>

struct kit_test {
    const char *name;
    void (*fn)(void);
};
#define KIT(fn)                                                                                    \
    {                                                                                              \
#fn, fn                                                                                    \
    }
int kit_main(const char *suite, const struct kit_test *tests, int argc, char **argv);

#define CHECK(cond) kit_check((cond) != 0, #cond, __FILE__, __LINE__, __func__)
/* Both say expected and found. */
#define CHECK_INT(found, expected)                                                                 \
    kit_check_int((long long)(found), (long long)(expected), #found, __FILE__, __LINE__, __func__)
#define CHECK_STR(found, expected)                                                                 \
    kit_check_str((found), (expected), #found, __FILE__, __LINE__, __func__)
#define CHECK_REAL(found, expected)                                                                \
    kit_check_real((found), (expected), #found, __FILE__, __LINE__, __func__)
/* Passes if `part` stands in `found`. */
#define CHECK_HAS(found, part) kit_check_has((found), (part), #found, __FILE__, __LINE__, __func__)
/* Ends the test at once when it fails. */
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!kit_check((cond) != 0, #cond, __FILE__, __LINE__, __func__))                          \
            return;                                                                                \
    } while (0)
int kit_check(int ok, const char *text, const char *file, int line, const char *fn);
int kit_check_int(long long found, long long expected, const char *text, const char *file, int line,
                  const char *fn);
int kit_check_str(const char *found, const char *expected, const char *text, const char *file,
                  int line, const char *fn);
int kit_check_real(double found, double expected, const char *text, const char *file, int line,
                   const char *fn);
int kit_check_has(const char *found, const char *part, const char *text, const char *file, int line,
                  const char *fn);

/* A random number that repeats: the seed is LINTEL_SEED or 1, and printed when a test fails. */
uint64_t kit_random(void);

/* A file of the source tree, whole; NULL with a failed check if it can't be read. free() it. */
char *kit_read(const char *path_in_source_tree, size_t *ret_n);
/* A fresh folder below TMPDIR, removed at the end of the program. */
const char *kit_folder(void);
/* Writes a file (folders are made) below kit_folder(), returns its path; a small ring of static
 * buffers. */
const char *kit_write(const char *name, const char *text);
#endif
