/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/schema.h"

#include "core/serve/format.h"
#include "core/serve/json.h"

static void add_schema(struct lintel_buf *b, const struct lintel_data *d);

static const char *
type_of(const struct lintel_data *d)
{
    switch (d->kind) {
    case LINTEL_DATA_BOOLEAN: return "boolean";
    case LINTEL_DATA_INTEGER: return "integer";
    case LINTEL_DATA_NUMBER: return "number";
    case LINTEL_DATA_STRING: return "string";
    case LINTEL_DATA_ARRAY: return "array";
    case LINTEL_DATA_OBJECT: return "object";
    default: return d->flags & LINTEL_DATA_UNIX_TIME ? "number" : NULL;
    }
}

static void
add_value(struct lintel_buf *b, const char *name, const lintel_value *v)
{
    lintel_json_key(b, name);
    lintel_format_write(b, LINTEL_FORMAT_JSON, v);
}

static void
add_limits(struct lintel_buf *b, const struct lintel_data *d)
{
    if (d->flags & LINTEL_DATA_MIN)
        lintel_json_real(b, d->flags & LINTEL_DATA_EXCLUSIVE_MIN ? "exclusiveMinimum" : "minimum",
                         d->min);
    if (d->flags & LINTEL_DATA_MAX)
        lintel_json_real(b, d->flags & LINTEL_DATA_EXCLUSIVE_MAX ? "exclusiveMaximum" : "maximum",
                         d->max);
    if (d->flags & LINTEL_DATA_MULTIPLE)
        lintel_json_real(b, "multipleOf", d->multiple);
}

static void
add_lengths(struct lintel_buf *b, const struct lintel_data *d)
{
    int array = d->kind == LINTEL_DATA_ARRAY;
    if (d->min_length != 0)
        lintel_json_count(b, array ? "minItems" : "minLength", d->min_length);
    if (d->max_length != 0 || d->flags & LINTEL_DATA_EMPTY)
        lintel_json_count(b, array ? "maxItems" : "maxLength", d->max_length);
}

/* enum is a list of names; sdfChoice becomes oneOf, where each choice tells its title, and a choice
 * that says nothing of its own stands for its name (RFC 9880 section 4.7.2). */
static void
add_choices(struct lintel_buf *b, const struct lintel_data *d)
{
    lintel_json_key(b, d->choice_data == NULL ? "enum" : "oneOf");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; d->choices[i] != NULL; i++) {
        lintel_value name = {.type = LINTEL_T_STR, .as.s = d->choices[i]};
        name.len = (uint32_t)lintel_str(name.as.s).n;
        lintel_json_item(b);
        if (d->choice_data == NULL) {
            lintel_format_write(b, LINTEL_FORMAT_JSON, &name);
            continue;
        }
        lintel_buf_addc(b, '{');
        lintel_json_text(b, "title", name.as.s);
        if (d->choice_values == NULL)
            add_value(b, "const", &name);
        else if (d->choice_values[i].type != LINTEL_T_NULL)
            add_value(b, "const", &d->choice_values[i]);
        else
            lintel_schema_members(b, &d->choice_data[i]);
        lintel_buf_addc(b, '}');
    }
    lintel_buf_addc(b, ']');
}

static void
add_members(struct lintel_buf *b, const struct lintel_data *d)
{
    int required = 0;
    lintel_json_key(b, "properties");
    lintel_buf_addc(b, '{');
    for (uint32_t i = 0; i < d->nmembers; i++) {
        lintel_json_key(b, d->members[i].name);
        add_schema(b, d->members[i].data);
        required |= d->members[i].required;
    }
    lintel_buf_addc(b, '}');
    if (!required)
        return;
    lintel_json_key(b, "required");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < d->nmembers; i++) {
        if (!d->members[i].required)
            continue;
        lintel_json_item(b);
        lintel_buf_add_json_str(b, d->members[i].name, lintel_str(d->members[i].name).n);
    }
    lintel_buf_addc(b, ']');
}

void
lintel_schema_members(struct lintel_buf *b, const struct lintel_data *d)
{
    if (d == NULL)
        return;
    if (type_of(d) != NULL)
        lintel_json_text(b, "type", type_of(d));
    if (d->unit != NULL)
        lintel_json_text(b, "unit", d->unit);
    if (d->flags & LINTEL_DATA_BYTES)
        lintel_json_text(b, "contentEncoding", "base64url"); /* RFC 4648 section 5, no padding */
    add_limits(b, d);
    add_lengths(b, d);
    if (d->flags & LINTEL_DATA_UNIQUE)
        lintel_json_flag(b, "uniqueItems", 1);
    if (d->pattern != NULL)
        lintel_json_text(b, "pattern", d->pattern);
    if (d->format != NULL)
        lintel_json_text(b, "format", d->format);
    if (d->choices != NULL)
        add_choices(b, d);
    if (d->constant != NULL)
        add_value(b, "const", d->constant);
    if (d->dflt != NULL)
        add_value(b, "default", d->dflt);
    if (d->items != NULL) {
        lintel_json_key(b, "items");
        add_schema(b, d->items);
    }
    if (d->nmembers != 0)
        add_members(b, d);
}

static void
add_schema(struct lintel_buf *b, const struct lintel_data *d)
{
    lintel_buf_addc(b, '{');
    lintel_schema_members(b, d);
    lintel_buf_addc(b, '}');
}
