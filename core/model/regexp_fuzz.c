/* SPDX-License-Identifier: Apache-2.0
 * The first line as a pattern, the rest as a text. */
#include "core/model/regexp.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *pattern = (const char *)data, *line = size ? memchr(data, '\n', size) : NULL;
    size_t n = line != NULL ? (size_t)(line - pattern) : size;
    const char *text = line != NULL ? line + 1 : pattern + size;
    size_t left = size - (size_t)(text - pattern);
    char reason[LINTEL_REGEXP_REASON];
    struct lintel_regexp *re = lintel_regexp_compile(pattern, n, NULL, reason);
    LINTEL_ASSERT((re == NULL) == (reason[0] != '\0'));
    if (re != NULL && lintel_utf8_valid(text, left) == left) {
        struct lintel_str group = {NULL, 0};
        if (lintel_regexp_search(re, text, left, &group) && group.p != NULL)
            LINTEL_ASSERT(group.p >= text && group.p + group.n <= text + left);
    }
    lintel_regexp_free(re);
    return 0;
}
