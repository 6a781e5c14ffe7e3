/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as what FETCH or PATCH carries: the first says which, and JSON or CBOR. What is taken
 * keeps the promises of senml_read.h. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/codes.h"
#include "core/serve/senml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keeps_promises(enum lintel_senml_kind kind, const struct lintel_senml_record *r)
{
    LINTEL_ASSERT(r->name.n > 0 && memchr(r->name.p, '\0', r->name.n) == NULL);
    LINTEL_ASSERT(r->unit.p != NULL && isfinite(r->time) && isfinite(r->sum));
    int has_value = r->value.type != LINTEL_T_NULL;
    if (kind == LINTEL_SENML_FETCH)
        LINTEL_ASSERT(!has_value && !r->has_sum && !r->removed && !r->has_update);
    else
        LINTEL_ASSERT(r->removed ? !has_value : has_value || r->has_sum);
    LINTEL_ASSERT(r->value.type != LINTEL_T_REAL || isfinite(r->value.as.r));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_senml_record *records;
    uint32_t n = 0;
    char reason[LINTEL_REASON] = "";
    if (size == 0 || a == NULL) {
        lintel_arena_free(a);
        return 0;
    }
    enum lintel_senml_kind kind = data[0] & 2 ? LINTEL_SENML_PATCH : LINTEL_SENML_FETCH;
    uint32_t code = lintel_senml_read(kind, data[0] & 1, (const char *)data + 1, size - 1, a,
                                      &records, &n, reason);
    if (code == 0) {
        LINTEL_ASSERT(n > 0 && n <= LINTEL_ETCH_RECORDS_MOST);
        for (uint32_t i = 0; i < n; i++)
            keeps_promises(kind, &records[i]);
    } else {
        LINTEL_ASSERT(code == LINTEL_BAD_REQUEST || code == LINTEL_UNPROCESSABLE ||
                      code == LINTEL_TOO_LARGE);
        LINTEL_ASSERT(reason[0] != '\0');
    }
    lintel_arena_free(a);
    return 0;
}
