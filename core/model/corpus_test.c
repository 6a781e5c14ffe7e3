/* SPDX-License-Identifier: Apache-2.0
 * Models that others wrote: 94 files of the One Data Model playground, from before RFC 9880. They
 * are looked for in
 * ../shared/corpus beside the source tree, or in LINTEL_CORPUS; without them the test is skipped.
 *
 * Each file is read and resolved without an error, or it stands in the table below with what is
 * wrong with it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/sdf.h"
#include "tests/kit/kit.h"

enum { FILES = 94 };

static const struct {
    const char *file, *reason;
} refused[] = {
    /* Durations by look-ahead, which RFC 9880 (appendix C.2) leaves out of its patterns. A pattern
     * that can't be judged is refused rather than passed over. */
    {"sdfobject-operational_state.sdf.json",
     "groups that begin with (? are not supported, look-ahead among them (at character 5)"},
};

static char folder[1024];

static char *
read_file(const char *name, size_t *ret_n)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    char *text = malloc(1 << 20);
    *ret_n = f != NULL && text != NULL ? fread(text, 1, 1 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

static const char *
reason_for(const char *file)
{
    for (size_t i = 0; i < LINTEL_COUNT(refused); i++)
        if (strcmp(refused[i].file, file) == 0)
            return refused[i].reason;
    return NULL;
}

/* Reads and resolves one file; its affordances are counted. */
static void
judge(const char *file, uint32_t *read, uint32_t *affordances, uint32_t *warnings)
{
    struct lintel_report report = {0};
    struct lintel_models *models = lintel_models_new();
    size_t n;
    char *text = read_file(file, &n);
    struct lintel_doc *doc = lintel_doc_parse(file, text, n, &report);
    struct lintel_model *m = NULL;
    CHECK(doc != NULL);
    if (doc != NULL && lintel_models_add(models, "it", doc, &report) == 0)
        m = lintel_models_resolve(models, "it", (struct lintel_place){file, 0, 0}, &report);
    const char *reason = reason_for(file);
    CHECK((m == NULL) == (reason != NULL));
    CHECK((m == NULL) == (report.errors != 0));
    int said = 0;
    for (uint32_t i = 0; i < report.n; i++) {
        const struct lintel_problem *p = &report.problems[i];
        CHECK(p->line != 0 && p->column != 0);
        said |= reason != NULL && p->severity == LINTEL_PROBLEM_ERROR &&
                strstr(p->text, reason) != NULL;
        if (getenv("LINTEL_VERBOSE") != NULL ||
            (p->severity == LINTEL_PROBLEM_ERROR && reason == NULL))
            printf("%s:%u:%u: %s\n", p->file, p->line, p->column, p->text);
    }
    CHECK(reason == NULL || said);
    *warnings += report.warnings;
    if (m != NULL) {
        ++*read;
        *affordances += m->n;
    }
    lintel_model_unref(m);
    lintel_models_free(models);
    lintel_report_fini(&report);
    free(text);
}

static void
reads_the_playground(void)
{
    uint32_t files = 0, read = 0, affordances = 0, warnings = 0;
    DIR *d = opendir(folder);
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strstr(e->d_name, ".sdf.json") == NULL)
            continue;
        files++;
        judge(e->d_name, &read, &affordances, &warnings);
    }
    closedir(d);
    CHECK_INT(files, FILES);
    CHECK_INT(read, FILES - LINTEL_COUNT(refused));
    printf("  %u files, %u read, %u affordances, %u warnings\n", files, read, affordances,
           warnings);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_the_playground), {0}};
    const char *corpus = getenv("LINTEL_CORPUS"), *source = getenv("LINTEL_SRCDIR");
    if (corpus != NULL)
        snprintf(folder, sizeof folder, "%s/sdf", corpus);
    else
        snprintf(folder, sizeof folder, "%s/../shared/corpus/sdf", source ? source : ".");
    DIR *d = opendir(folder);
    if (d == NULL) {
        printf("skipped: no corpus in %s\n", folder);
        return 77;
    }
    closedir(d);
    return kit_main("corpus", tests, argc, argv);
}
