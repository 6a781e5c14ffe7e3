/* SPDX-License-Identifier: Apache-2.0
 * Field tables (lintel_field) against what people wrote: the only parser of settings and addresses. The same tables
 * print JSON Schema and manual text. */
#ifndef LINTEL_BIND_FIELD_H
#define LINTEL_BIND_FIELD_H
#include "core/base/doc.h"
#include "core/base/text.h"
#include "lintel/plugin.h"

uint32_t lintel_fields_count(const lintel_field *table); /* NULL table: 0 */

struct lintel_field_source {
    const struct lintel_doc *doc;
    const struct lintel_node *map;       /* the keys; NULL: none given */
    const struct lintel_node *fallback;  /* keys used where map has none (a binding's lintel:device); or NULL */
    const struct lintel_doc *fallback_doc;
    const char *const *also;             /* keys that belong to others: not unknown; NULL-terminated; or NULL */
    const char *what;                    /* "a modbus bus", for messages */
    const char *folder;                  /* relative LINTEL_F_FILE paths start here; or NULL */
    struct lintel_place at;              /* where a missing required key is reported */
    /* Resolves secret:NAME into text in the arena, or reports and returns NULL. NULL: secrets are not
     * allowed here. */
    const char *(*secret)(void *ctx, const char *name, struct lintel_place at,
                          struct lintel_arena *a, struct lintel_report *report);
    void *secret_ctx;
};
/* One value a row, in the arena, or NULL with the reasons (all of them, not only the first): unknown key with
 * the nearest, wrong type, outside its range, not one of the choices, missing. */
lintel_value *lintel_fields_parse(const lintel_field *table, const struct lintel_field_source *s,
                                  struct lintel_arena *a, struct lintel_report *report);
/* The wire type that the chosen choices imply, or NULL (lintel_field.natural). */
const char *lintel_fields_natural(const lintel_field *table, const lintel_value *values,
                                  struct lintel_arena *a);

/* "properties": {...}, "required": [...] of a JSON Schema object. */
void lintel_fields_schema(const lintel_field *table, struct lintel_buf *out);
/* Rows of a manual page in man(7) markup. */
void lintel_fields_man(const lintel_field *table, struct lintel_buf *out);
#endif
