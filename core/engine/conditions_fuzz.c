/* SPDX-License-Identifier: Apache-2.0
 * A whole query, its arguments one after another, as a client may send it. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/subscribe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_conditions c = {0};
    char reason[LINTEL_REASON];
    static const enum lintel_data_kind kinds[] = {LINTEL_DATA_NUMBER, LINTEL_DATA_BOOLEAN,
                                                  LINTEL_DATA_STRING};
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *and = memchr(at, '&', (size_t)(end - at));
        size_t n = (size_t)((and != NULL ? and : end) - at);
        reason[0] = '\0';
        uint32_t before = c.given;
        int rc = lintel_conditions_parse(&c, at, n, reason);
        LINTEL_ASSERT(rc >= -1 && rc <= 1);
        LINTEL_ASSERT((rc == 1) == (c.given != before));
        LINTEL_ASSERT((rc == -1) == (reason[0] != '\0'));
        if (and == NULL)
            break;
        at = and+1;
    }
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++) {
        struct lintel_data d = {.kind = kinds[i]};
        if (lintel_conditions_check(&c, &d, reason) != 0) {
            LINTEL_ASSERT(reason[0] != '\0');
            continue;
        }
        LINTEL_ASSERT(!(c.given & LINTEL_C_ST) || c.st > 0);
        LINTEL_ASSERT(!(c.given & LINTEL_C_GT) || isfinite(c.gt));
        LINTEL_ASSERT(!(c.given & LINTEL_C_PMAX) || c.pmax > 0);
        LINTEL_ASSERT(!(c.given & LINTEL_C_PMIN) || !(c.given & LINTEL_C_PMAX) || c.pmin <= c.pmax);
    }
    return 0;
}
