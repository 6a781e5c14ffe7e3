/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/json.h"

#include <string.h>

#include "core/serve/format.h"

void
lintel_json_item(struct lintel_buf *b)
{
    if (b->n != 0 && b->p[b->n - 1] != '{' && b->p[b->n - 1] != '[')
        lintel_buf_addc(b, ',');
}

void
lintel_json_key(struct lintel_buf *b, const char *name)
{
    lintel_json_item(b);
    lintel_buf_add_json_str(b, name, strlen(name));
    lintel_buf_addc(b, ':');
}

void
lintel_json_text(struct lintel_buf *b, const char *name, const char *value)
{
    lintel_json_key(b, name);
    if (value == NULL)
        lintel_buf_adds(b, "null");
    else
        lintel_buf_add_json_str(b, value, strlen(value));
}

void
lintel_json_count(struct lintel_buf *b, const char *name, uint64_t value)
{
    lintel_json_key(b, name);
    lintel_buf_addf(b, "%llu", (unsigned long long)value);
}

void
lintel_json_flag(struct lintel_buf *b, const char *name, int value)
{
    lintel_json_key(b, name);
    lintel_buf_adds(b, value ? "true" : "false");
}

void
lintel_json_real(struct lintel_buf *b, const char *name, double value)
{
    lintel_json_key(b, name);
    lintel_real_write(b, value);
}

void
lintel_json_seconds(struct lintel_buf *b, const char *name, int64_t ns, int known)
{
    lintel_json_key(b, name);
    if (known)
        lintel_real_write(b, (double)(ns / 1000000) / 1e3);
    else
        lintel_buf_adds(b, "null");
}
