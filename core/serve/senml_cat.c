/* SPDX-License-Identifier: Apache-2.0
 * For comparing with another decoder (senml_diff.py): lines of stdin, "cbor HEX" or "json HEX", are
 * packs. For each, one line: "refused CODE REASON", or "CBOR-HEX", the resolved records written
 * again, which the other one reads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/serve/senml.h"
#include "core/serve/senml_read.h"

enum { BYTES_MOST = 16384 };

static size_t
unhex(const char *s, char *out)
{
    size_t n = 0;
    for (; n < BYTES_MOST && lintel_hex_digit(s[0]) >= 0 && lintel_hex_digit(s[1]) >= 0; s += 2)
        out[n++] = (char)(lintel_hex_digit(s[0]) << 4 | lintel_hex_digit(s[1]));
    return n;
}

static void
print(const struct lintel_senml_record *records, uint32_t n)
{
    struct lintel_buf b = {0};
    struct lintel_senml_writer w;
    lintel_senml_begin(&w, &b, 1, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct lintel_senml_record *r = &records[i];
        struct lintel_senml_fields f = {.n = r->name, .u = r->unit, .value = &r->value};
        f.has_t = r->has_time;
        f.t = fabs(r->time) < 9e9 ? (int64_t)(r->time * 1e9) : 0; /* 64 bit of nanoseconds */
        lintel_senml_record(&w, &f);
    }
    lintel_senml_end(&w);
    for (size_t i = 0; i < b.n; i++)
        printf("%02x", (unsigned char)b.p[i]);
    putchar('\n');
    lintel_buf_fini(&b);
}

int
main(void)
{
    static char line[BYTES_MOST * 2 + 16], bytes[BYTES_MOST];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct lintel_arena *a = lintel_arena_new();
        struct lintel_senml_record *records = NULL;
        uint32_t n = 0;
        char reason[LINTEL_REASON] = "";
        size_t size = strlen(line) > 5 ? unhex(line + 5, bytes) : 0;
        uint32_t code = a == NULL ? 160
                                  : lintel_senml_read(LINTEL_SENML_PACK, line[0] == 'c', bytes,
                                                      size, a, &records, &n, reason);
        if (code != 0)
            printf("refused %u.%02u %s\n", code / 32, code % 32, reason);
        else
            print(records, n);
        lintel_arena_free(a);
    }
    return 0;
}
