/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/kit.h"

#include <CUnit/Basic.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t random_state;
static char folder[256];

static uint64_t
seed(void)
{
    const char *env = getenv("LINTEL_SEED");
    return env != NULL ? strtoull(env, NULL, 0) : 1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void
remove_folder(void)
{
    if (folder[0] != '\0')
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
kit_main(const char *suite, const struct kit_test *tests, int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    unsigned added = 0;
    random_state = seed();
    if (getenv("KIT_NO_TIMEOUT") == NULL)
        alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (; s != NULL && tests->name != NULL; tests++) {
        if (strstr(tests->name, filter) == NULL)
            continue;
        if (CU_add_test(s, tests->name, tests->fn) == NULL)
            return 99;
        added++;
    }
    if (added == 0) {
        fprintf(stderr, "%s: no test has \"%s\" in its name\n", suite, filter);
        return 99;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
    unsigned ran = CU_get_number_of_tests_run();
    if (failed != 0) {
        printf("\n");
        CU_basic_show_failures(CU_get_failure_list());
        printf("\nseed: LINTEL_SEED=%llu\n", (unsigned long long)seed());
    }
    CU_cleanup_registry();
    remove_folder();
    return failed != 0 || ran != added;
}

int
kit_check(int ok, const char *text, const char *file, int line, const char *fn)
{
    CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, text, file, fn, CU_FALSE);
    return ok;
}

int
kit_check_int(long long found, long long expected, const char *text, const char *file, int line,
              const char *fn)
{
    char message[400];
    snprintf(message, sizeof message, "%s is %lld, not %lld", text, found, expected);
    return kit_check(found == expected, message, file, line, fn);
}

int
kit_check_str(const char *found, const char *expected, const char *text, const char *file, int line,
              const char *fn)
{
    char message[900];
    snprintf(message, sizeof message, "%s is \"%s\", not \"%s\"", text, found ? found : "(null)",
             expected);
    return kit_check(found != NULL && strcmp(found, expected) == 0, message, file, line, fn);
}

int
kit_check_real(double found, double expected, const char *text, const char *file, int line,
               const char *fn)
{
    char message[400];
    snprintf(message, sizeof message, "%s is %.17g, not %.17g", text, found, expected);
    return kit_check(found == expected, message, file, line, fn);
}

int
kit_check_has(const char *found, const char *part, const char *text, const char *file, int line,
              const char *fn)
{
    char message[900];
    snprintf(message, sizeof message, "%s is \"%s\", without \"%s\"", text,
             found ? found : "(null)", part);
    return kit_check(found != NULL && strstr(found, part) != NULL, message, file, line, fn);
}

uint64_t
kit_random(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

char *
kit_read(const char *path_in_source_tree, size_t *ret_n)
{
    char path[1024];
    const char *root = getenv("LINTEL_SRCDIR");
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", path_in_source_tree);
    FILE *f = fopen(path, "rb");
    if (!kit_check(f != NULL, path, __FILE__, __LINE__, __func__))
        return NULL;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    size_t got = text != NULL ? fread(text, 1, (size_t)n, f) : 0;
    fclose(f);
    if (text == NULL)
        return NULL;
    text[got] = '\0';
    if (ret_n != NULL)
        *ret_n = got;
    return text;
}

const char *
kit_folder(void)
{
    if (folder[0] == '\0') {
        const char *tmp = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/lintel-test-XXXXXX", tmp ? tmp : "/tmp");
        if (mkdtemp(folder) == NULL)
            abort();
    }
    return folder;
}

const char *
kit_write(const char *name, const char *text)
{
    static char paths[8][1024];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", kit_folder(), name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(text, 1, strlen(text), f) != strlen(text) || fclose(f) != 0)
        abort();
    return path;
}
