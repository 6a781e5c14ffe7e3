/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a record of the audit trail: what is taken packs into what reads the same. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_trail_entry e, again;
    char texts[LINTEL_TRAIL_TEXTS], more[LINTEL_TRAIL_TEXTS];
    struct lintel_buf b = {0};
    if (lintel_trail_unpack(data, size, &e, texts) != 0)
        return 0;
    lintel_trail_pack(&e, &b);
    LINTEL_ASSERT(!b.failed && lintel_trail_unpack(b.p, b.n, &again, more) == 0);
    LINTEL_ASSERT(e.time == again.time && e.what == again.what && e.refused == again.refused &&
                  e.left_out == again.left_out);
    LINTEL_ASSERT(strcmp(e.who, again.who) == 0 && strcmp(e.path, again.path) == 0 &&
                  strcmp(e.result, again.result) == 0 && strcmp(e.back, again.back) == 0);
    lintel_buf_fini(&b);
    return 0;
}
