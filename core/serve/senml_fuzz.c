/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a SenML pack: the first says JSON or CBOR. What is read and written again reads the
 * same. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/senml.h"
#include "core/serve/senml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
reads_back(const struct lintel_senml_record *r, uint32_t n, int cbor)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_senml_record *again = NULL;
    struct lintel_senml_writer w;
    struct lintel_buf b = {0};
    char reason[LINTEL_REASON];
    uint32_t n_again = 0, n_written = 0;
    for (uint32_t i = 0; i < n; i++)
        n_written += r[i].value.type != LINTEL_T_NULL;
    lintel_senml_begin(&w, &b, cbor, n_written);
    for (uint32_t i = 0; i < n; i++) {
        struct lintel_senml_fields f = {.n = r[i].name, .u = r[i].unit, .value = &r[i].value};
        if (r[i].value.type != LINTEL_T_NULL)
            lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
    LINTEL_ASSERT(a != NULL && !b.failed);
    LINTEL_ASSERT(
        lintel_senml_read(LINTEL_SENML_PACK, cbor, b.p, b.n, a, &again, &n_again, reason) == 0);
    LINTEL_ASSERT(n_again == n_written);
    for (uint32_t i = 0, k = 0; i < n; i++) {
        if (r[i].value.type == LINTEL_T_NULL)
            continue;
        LINTEL_ASSERT(again[k].name.n == r[i].name.n && again[k].unit.n == r[i].unit.n);
        LINTEL_ASSERT(again[k].value.len == r[i].value.len);
        k++;
    }
    lintel_buf_fini(&b);
    lintel_arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_senml_record *records;
    uint32_t n;
    char reason[LINTEL_REASON];
    if (size == 0 || a == NULL) {
        lintel_arena_free(a);
        return 0;
    }
    int cbor = data[0] & 1;
    if (lintel_senml_read(LINTEL_SENML_PACK, cbor, (const char *)data + 1, size - 1, a, &records,
                          &n, reason) == 0)
        reads_back(records, n, cbor);
    else
        LINTEL_ASSERT(reason[0] != '\0');
    lintel_arena_free(a);
    return 0;
}
