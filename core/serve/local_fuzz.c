/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a frame of the local socket: what is understood and written again is understood the
 * same. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/local_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same(const lintel_span *a, const lintel_span *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].n != b[i].n || (a[i].n != 0 && memcmp(a[i].p, b[i].p, a[i].n) != 0))
            return 0;
    return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lintel_local_frame f, again;
    struct lintel_buf b = {0};
    if (lintel_local_decode(data, size, &f) != 0)
        return 0;
    lintel_local_encode(&b, &f);
    LINTEL_ASSERT(!b.failed && lintel_local_decode(b.p, b.n, &again) == 0);
    LINTEL_ASSERT(f.kind == again.kind && f.id == again.id && f.method == again.method);
    LINTEL_ASSERT(f.code == again.code && f.flags == again.flags && f.format == again.format);
    LINTEL_ASSERT(f.npath == again.npath && same(f.path, again.path, f.npath));
    LINTEL_ASSERT(f.nquery == again.nquery && same(f.query, again.query, f.nquery));
    LINTEL_ASSERT(f.naccept == again.naccept && f.max_age == again.max_age);
    LINTEL_ASSERT(same(&f.payload, &again.payload, 1) && same(&f.etag, &again.etag, 1));
    lintel_buf_fini(&b);
    return 0;
}
