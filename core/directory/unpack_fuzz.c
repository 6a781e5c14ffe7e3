/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a registration from the disk: what is taken is packed the same from then on. */
#include <string.h>

#include "core/base/mem.h"
#include "core/directory/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1000000000, ID = 7 };
#define WALL INT64_C(1800000000000000000)

static struct lintel_registry *
unpacked(const void *p, size_t n)
{
    struct lintel_registry_source source = {.seed = 1};
    struct lintel_registry *r = lintel_registry_new(&source);
    char reason[LINTEL_REASON] = "";
    LINTEL_ASSERT(r != NULL);
    if (lintel_registry_unpack(r, ID, p, n, NOW, WALL, reason) == 0)
        return r;
    LINTEL_ASSERT(reason[0] != '\0' && lintel_registry_find(r, ID) == NULL);
    lintel_registry_free(r);
    return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_registry *r = unpacked(data, size), *again;
    struct lintel_buf first = {0}, second = {0};
    if (r == NULL)
        return 0;
    lintel_registration_pack(lintel_registry_find(r, ID), NOW, WALL, &first);
    again = unpacked(first.p, first.n);
    LINTEL_ASSERT(again != NULL);
    lintel_registration_pack(lintel_registry_find(again, ID), NOW, WALL, &second);
    LINTEL_ASSERT(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    lintel_registry_expire(r, NOW);
    lintel_registry_expire(again, INT64_MAX - 1);
    lintel_buf_fini(&first);
    lintel_buf_fini(&second);
    lintel_registry_free(r);
    lintel_registry_free(again);
    return 0;
}
