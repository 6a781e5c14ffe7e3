/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as models and a Supplement: parts are divided by a line of "====", the last is the
 * Supplement. What is read is resolved, and its values are judged. */
#include <string.h>

#include "core/base/mem.h"
#include "core/model/sdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(const struct lintel_model *m)
{
    static const lintel_value values[] = {
        {.type = LINTEL_T_REAL, .as.r = 21.5},
        {.type = LINTEL_T_STR, .len = 4, .as.s = "heat"},
        {.type = LINTEL_T_LIST, .len = 0},
    };
    char text[100], reason[LINTEL_REASON];
    for (uint32_t i = 0; i < m->n; i++) {
        const struct lintel_affordance *a = &m->affordances[i];
        LINTEL_ASSERT(lintel_model_find(m, a->path) == a);
        LINTEL_ASSERT(lintel_model_extra(m, a->pointer) != NULL);
        if (a->data == NULL)
            continue;
        lintel_data_describe(a->data, text, sizeof text);
        for (size_t v = 0; v < LINTEL_COUNT(values); v++)
            (void)lintel_data_fit(a->data, &values[v], reason);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ids[] = {"m0", "m1", "m2", "m3"};
    struct lintel_report report = {0};
    struct lintel_models *models = lintel_models_new();
    const char *at = (const char *)data, *end = at + size;
    if (models == NULL)
        return 0;
    for (size_t i = 0; i < LINTEL_COUNT(ids) && at != NULL; i++) {
        const char *cut = at < end ? memmem(at, (size_t)(end - at), "====\n", 5) : NULL;
        size_t n = cut != NULL ? (size_t)(cut - at) : (size_t)(end - at);
        struct lintel_doc *doc = lintel_doc_parse("fuzz", at, n, &report);
        if (doc != NULL && cut == NULL && i > 0)
            (void)lintel_models_add_supplement(models, ids[i], doc, &report);
        else if (doc != NULL)
            (void)lintel_models_add(models, ids[i], doc, &report);
        at = cut != NULL ? cut + 5 : NULL;
    }
    for (const char *const *id = lintel_models_ids(models); *id != NULL; id++) {
        uint32_t errors = report.errors;
        struct lintel_model *m =
            lintel_models_resolve(models, *id, (struct lintel_place){"fuzz", 0, 0}, &report);
        LINTEL_ASSERT((m == NULL) == (report.errors != errors));
        if (m != NULL)
            use(m);
        lintel_model_unref(m);
    }
    lintel_models_free(models);
    lintel_report_fini(&report);
    return 0;
}
