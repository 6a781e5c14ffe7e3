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

/* Its links are such as could have been registered, and registered they are the same. */
static void
check_links(const struct lintel_registration *reg)
{
    struct lintel_registry_source source = {.seed = 2};
    struct lintel_registry *r = lintel_registry_new(&source);
    struct lintel_buf doc = {0}, again = {0};
    char reason[LINTEL_REASON] = "";
    lintel_registration_links(reg, &doc);
    struct lintel_reg_input in = {.ep = {"a", 1},
                                  .base = {"coap://h", 8},
                                  .lt = 60,
                                  .links = {doc.p == NULL ? "" : doc.p, doc.n}};
    reg = lintel_registry_put(r, &in, NOW, NULL, reason);
    LINTEL_ASSERT(reg != NULL);
    lintel_registration_links(reg, &again);
    LINTEL_ASSERT(doc.n == again.n && (doc.n == 0 || memcmp(doc.p, again.p, doc.n) == 0));
    lintel_buf_fini(&doc);
    lintel_buf_fini(&again);
    lintel_registry_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_registry *r = unpacked(data, size), *again;
    struct lintel_buf first = {0}, second = {0};
    if (r == NULL)
        return 0;
    check_links(lintel_registry_find(r, ID));
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
