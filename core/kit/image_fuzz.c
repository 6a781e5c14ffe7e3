/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a plugin's file, as the conformance suite reads it: all that it walks over lies
 * within the file, and names end there. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/kit/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
is_within(const struct image *m, const void *p, size_t n)
{
    const char *from = p;
    LINTEL_ASSERT(from >= m->p && (size_t)(from - m->p) <= m->n &&
                  n <= m->n - (size_t)(from - m->p));
}

/* Reads all of it, which a sanitizer watches. */
static unsigned long long
walk(const struct image *m)
{
    unsigned long long sum = 0;
    for (size_t i = 0; i < m->nparts; i++)
        sum += m->parts[i].p_type + m->parts[i].p_flags;
    for (size_t i = 0; i < m->nsymbols; i++)
        sum += m->symbols[i].st_shndx + strlen(image_string(m, m->symbols[i].st_name));
    for (size_t i = 0; i < m->ndynamic && m->dynamic[i].d_tag != DT_NULL; i++)
        sum += strlen(image_string(m, m->dynamic[i].d_un.d_val));
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned long long seen;
    struct image m;
    char *copy = malloc(size != 0 ? size : 1); /* aligned, with an end that is watched */
    if (copy == NULL)
        return 0;
    if (size != 0)
        memcpy(copy, data, size);
    if (image_read(copy, size, &m) == 0) {
        is_within(&m, m.parts, m.nparts * sizeof *m.parts);
        is_within(&m, m.symbols, m.nsymbols * sizeof *m.symbols);
        is_within(&m, m.dynamic, m.ndynamic * sizeof *m.dynamic);
        is_within(&m, m.strings, m.nstrings);
        LINTEL_ASSERT(m.nstrings > 0 && m.strings[m.nstrings - 1] == '\0');
        seen = seen + walk(&m);
    }
    free(copy);
    return 0;
}
