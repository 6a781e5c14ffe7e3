/* SPDX-License-Identifier: Apache-2.0
 * Every model that ships is read together with all others, without an error or a warning. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/sdf.h"
#include "core/model/unit.h"
#include "tests/kit/kit.h"

static struct lintel_models *models;
static struct lintel_report report;

static void
print_problems(void)
{
    for (uint32_t i = 0; i < report.n; i++)
        printf("%s:%u:%u: %s\n", report.problems[i].file, report.problems[i].line,
               report.problems[i].column, report.problems[i].text);
    CHECK_INT(report.n, 0);
    lintel_report_fini(&report);
}

static void
add(const char *file)
{
    char path[512], id[256];
    size_t n;
    snprintf(path, sizeof path, "schemas/%s", file);
    snprintf(id, sizeof id, "%.*s", (int)strcspn(file, "."), file);
    char *text = kit_read(path, &n);
    struct lintel_doc *doc = lintel_doc_parse(path, text ? text : "", n, &report);
    CHECK(doc != NULL && lintel_models_add(models, id, doc, &report) == 0);
    free(text);
}

static void
check_model(const char *id)
{
    struct lintel_model *m = lintel_models_resolve(models, id, (struct lintel_place){0}, &report);
    REQUIRE(m != NULL);
    CHECK(m->n > 0 && m->title != NULL && m->version != NULL);
    char uri[512];
    snprintf(uri, sizeof uri, "https://lintel-hub.example/models/%s", id);
    CHECK_STR(m->namespace_uri, uri);
    int required = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const struct lintel_affordance *a = &m->affordances[i];
        required += a->required;
        CHECK(a->label != NULL);
        CHECK(a->data == NULL || a->data->unit == NULL || lintel_unit_find(a->data->unit) != NULL);
    }
    CHECK(required > 0);
    lintel_model_unref(m);
}

static void
reads_all(void)
{
    char folder[1024];
    int files = 0;
    snprintf(folder, sizeof folder, "%s/schemas",
             getenv("LINTEL_SRCDIR") ? getenv("LINTEL_SRCDIR") : ".");
    DIR *d = opendir(folder);
    REQUIRE(d != NULL);
    models = lintel_models_new();
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strstr(e->d_name, ".sdf.json") == NULL)
            continue;
        add(e->d_name);
        files++;
    }
    closedir(d);
    CHECK(files >= 15);
    int n = 0;
    for (const char *const *id = lintel_models_ids(models); *id != NULL; id++, n++)
        check_model(*id);
    CHECK_INT(n, files);
    print_problems();
    lintel_models_free(models);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_all), {0}};
    return kit_main("schemas", tests, argc, argv);
}
