/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as CBOR: what is read as a value must be written and read back as the same bytes. */
#include "core/base/cbor.h"

#include <string.h>

#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_cbor c = {data, size};
    while (c.left != 0 && lintel_cbor_skip(&c) == 0)
        ;
    struct lintel_arena *arena = lintel_arena_new();
    lintel_value value;
    c = (struct lintel_cbor){data, size};
    if (lintel_cbor_read_value(&c, arena, 10000, &value) == 0) {
        struct lintel_buf first = {0}, second = {0};
        lintel_cbor_value(&first, &value);
        c = (struct lintel_cbor){(const unsigned char *)first.p, first.n};
        /* A name that holds U+0000 ends there as C text, so the copy may be shorter but never
         * longer. */
        LINTEL_ASSERT(first.n <= size + 8 * size);
        LINTEL_ASSERT(lintel_cbor_read_value(&c, arena, 10000, &value) == 0 && c.left == 0);
        lintel_cbor_value(&second, &value);
        LINTEL_ASSERT(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
        lintel_buf_fini(&first);
        lintel_buf_fini(&second);
    }
    lintel_arena_free(arena);
    return 0;
}
