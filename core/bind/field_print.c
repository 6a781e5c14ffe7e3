/* SPDX-License-Identifier: Apache-2.0
 * Field tables for readers: JSON Schema (2020-12) and man(7). */
#include "core/bind/field.h"

#include <string.h>

#include "core/base/num.h"

static void
add_str(struct lintel_buf *out, const char *s)
{
    lintel_buf_add_json_str(out, s, strlen(s));
}

static void
schema_choices(const lintel_field *f, struct lintel_buf *out)
{
    struct lintel_str item;
    int64_t number;
    lintel_buf_adds(out, "\"enum\":[");
    for (uint32_t i = 0; (item = lintel_field_item(f->choices, i)).p != NULL; i++) {
        if (i != 0)
            lintel_buf_addc(out, ',');
        lintel_buf_add_json_str(out, item.p, item.n);
        /* 19200 without quotes is a number for editors. */
        if (item.p[0] != '0' && lintel_parse_int(item.p, item.n, &number))
            lintel_buf_addf(out, ",%lld", (long long)number);
    }
    lintel_buf_addc(out, ']');
}

static void
schema_type(const lintel_field *f, struct lintel_buf *out)
{
    if (f->choices != NULL) {
        schema_choices(f, out);
        return;
    }
    switch (f->type) {
    case LINTEL_T_BOOL:
        /* YAML 1.2 editors see yes and no as texts. */
        lintel_buf_adds(out, "\"enum\":[true,false,\"yes\",\"no\",\"on\",\"off\"]");
        break;
    case LINTEL_T_INT: lintel_buf_adds(out, "\"type\":\"integer\""); break;
    case LINTEL_T_REAL: lintel_buf_adds(out, "\"type\":\"number\""); break;
    case LINTEL_T_LIST:
        lintel_buf_adds(out, "\"type\":[\"array\",\"string\"],\"items\":{\"type\":[\"string\","
                             "\"number\",\"boolean\"]}");
        break;
    default: lintel_buf_adds(out, "\"type\":[\"string\",\"number\",\"boolean\"]"); break;
    }
    if (f->min != f->max && (f->type == LINTEL_T_INT || f->type == LINTEL_T_REAL)) {
        lintel_buf_adds(out, ",\"minimum\":");
        lintel_buf_add_json_real(out, f->min);
        lintel_buf_adds(out, ",\"maximum\":");
        lintel_buf_add_json_real(out, f->max);
    }
}

/* The default where JSON can say it as it stands in the table. */
static void
schema_default(const lintel_field *f, struct lintel_buf *out)
{
    if (f->dflt == NULL || f->type == LINTEL_T_LIST)
        return;
    lintel_buf_adds(out, ",\"default\":");
    if (f->choices == NULL && (f->type == LINTEL_T_INT || f->type == LINTEL_T_REAL)) {
        struct lintel_node n = {.kind = LINTEL_NODE_SCALAR, .text = lintel_str(f->dflt)};
        lintel_node_json(&n, out);
    } else {
        add_str(out, f->dflt);
    }
}

void
lintel_fields_schema(const lintel_field *table, struct lintel_buf *out)
{
    uint32_t n = lintel_fields_count(table), required = 0;
    lintel_buf_adds(out, "\"properties\":{");
    for (uint32_t i = 0; i < n; i++) {
        const lintel_field *f = &table[i];
        if (i != 0)
            lintel_buf_addc(out, ',');
        add_str(out, f->name);
        lintel_buf_adds(out, ":{\"description\":");
        add_str(out, f->help ? f->help : "");
        lintel_buf_addc(out, ',');
        schema_type(f, out);
        schema_default(f, out);
        lintel_buf_addc(out, '}');
    }
    lintel_buf_adds(out, "},\"required\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (!(table[i].flags & LINTEL_F_REQUIRED))
            continue;
        if (required++ != 0)
            lintel_buf_addc(out, ',');
        add_str(out, table[i].name);
    }
    lintel_buf_addc(out, ']');
}

/* Text as roff shows it: a line must not begin with a control character, "-" is not to become a
 * hyphen. */
static void
roff(struct lintel_buf *out, const char *s)
{
    if (*s == '.' || *s == '\'')
        lintel_buf_adds(out, "\\&");
    for (; *s != '\0'; s++) {
        if (*s == '\\')
            lintel_buf_adds(out, "\\e");
        else if (*s == '-')
            lintel_buf_adds(out, "\\-");
        else if (*s == '\n')
            lintel_buf_addc(out, ' ');
        else
            lintel_buf_addc(out, *s);
    }
}

void
lintel_fields_man(const lintel_field *table, struct lintel_buf *out)
{
    for (const lintel_field *f = table; f != NULL && f->name != NULL; f++) {
        struct lintel_buf what = {0};
        lintel_field_describe(f, &what);
        if (f->unit != NULL)
            lintel_buf_addf(&what, ", in %s", f->unit);
        if (f->flags & LINTEL_F_REQUIRED)
            lintel_buf_adds(&what, "; required");
        else if (f->dflt != NULL && f->dflt[0] != '\0')
            lintel_buf_addf(&what, "; default %s", f->dflt);
        if (f->flags & LINTEL_F_SECRET)
            lintel_buf_adds(&what, "; may be secret:NAME");
        lintel_buf_addf(out, ".TP\n.B %s\n", f->name);
        roff(out, f->help ? f->help : "");
        lintel_buf_adds(out, "\n(");
        roff(out, lintel_buf_str(&what));
        lintel_buf_adds(out, ")\n");
        out->failed |= what.failed;
        lintel_buf_fini(&what);
    }
}

static void
setting_json(const lintel_field *f, const lintel_value *v, struct lintel_buf *out)
{
    struct lintel_str word = {0};
    if (f->choices != NULL && v->type == LINTEL_T_INT && v->as.i >= 0 && v->as.i < UINT32_MAX)
        word = lintel_field_item(f->choices, (uint32_t)v->as.i);
    if (word.p != NULL) {
        lintel_buf_add_json_str(out, word.p, word.n);
        return;
    }
    switch (v->type) {
    case LINTEL_T_BOOL: lintel_buf_adds(out, v->as.i ? "true" : "false"); break;
    case LINTEL_T_INT: lintel_buf_addf(out, "%lld", (long long)v->as.i); break;
    case LINTEL_T_REAL: lintel_buf_add_json_real(out, v->as.r); break;
    case LINTEL_T_STR: lintel_buf_add_json_str(out, v->as.s, v->len); break;
    case LINTEL_T_LIST:
        lintel_buf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            lintel_buf_adds(out, i ? "," : "");
            lintel_buf_add_json_str(out, v->as.list[i].as.s, v->as.list[i].len);
        }
        lintel_buf_addc(out, ']');
        break;
    default: lintel_buf_adds(out, "null"); break;
    }
}

void
lintel_fields_json(const lintel_field *table, const lintel_value *values, struct lintel_buf *out)
{
    const char *between = "";
    lintel_buf_addc(out, '{');
    for (uint32_t i = 0; i < lintel_fields_count(table); i++) {
        if ((table[i].flags & LINTEL_F_SECRET) || values[i].type == LINTEL_T_NULL)
            continue;
        lintel_buf_adds(out, between);
        lintel_buf_add_json_str(out, table[i].name, strlen(table[i].name));
        lintel_buf_addc(out, ':');
        setting_json(&table[i], &values[i], out);
        between = ",";
    }
    lintel_buf_addc(out, '}');
}
