/* SPDX-License-Identifier: Apache-2.0
 * Field tables (lintel_field) against what people wrote: the only parser of settings and addresses.
 * The same tables print JSON Schema and manual text. */
#ifndef LINTEL_BIND_FIELD_H
#define LINTEL_BIND_FIELD_H
#include "core/base/doc.h"
#include "core/base/text.h"
#include "lintel/plugin.h"

uint32_t lintel_fields_count(const lintel_field *table); /* NULL table: 0 */

enum {                         /* lintel_field_source.flags */
       LINTEL_FIELDS_OPEN = 1, /* keys that the table does not have are judged elsewhere */
       LINTEL_FIELDS_PARTIAL =
           2, /* required rows may be missing: they come from somewhere else later */
       LINTEL_FIELDS_APART = 4 /* secrets must be secret:NAME, not only should */
};
struct lintel_field_source {
    const struct lintel_doc *doc;
    const struct lintel_node *map;      /* the keys; NULL: none given */
    const struct lintel_node *fallback; /* keys used where map has none (a binding's lintel:device);
                                         * or NULL. Its own unknown keys are not looked for */
    const struct lintel_doc *fallback_doc;
    const char *const *also; /* keys that belong to others: not unknown; NULL-terminated; or NULL */
    const char *what;        /* "a modbus bus", for messages */
    const char *folder;      /* relative LINTEL_F_FILE paths start here; or NULL */
    struct lintel_place at;  /* where a missing required key is reported */
    /* Resolves secret:NAME into text in the arena, or reports and returns NULL. NULL: secrets are
     * not allowed here. */
    const char *(*secret)(void *ctx, const char *name, struct lintel_place at,
                          struct lintel_arena *a, struct lintel_report *report);
    void *secret_ctx;
    uint32_t flags; /* LINTEL_FIELDS_* */
};
/* One value a row, in the arena, or NULL with the reasons (all of them, not only the first):
 * unknown key with the nearest, wrong type, outside its range, not one of the choices, missing. */
lintel_value *lintel_fields_parse(const lintel_field *table, const struct lintel_field_source *s,
                                  struct lintel_arena *a, struct lintel_report *report);
/* The wire type that the chosen choices imply, or NULL (lintel_field.natural). */
const char *lintel_fields_natural(const lintel_field *table, const lintel_value *values,
                                  struct lintel_arena *a);

/* Whether a table keeps the rules of lintel_field: names, help, limits, choices, defaults that
 * parse. 0, or -1 with the reason. A NULL table is fine. Names that are the hub's are
 * lintel_plugin_judge()'s, core/bind/keys.h. */
int lintel_fields_judge(const lintel_field *table, char *reason, size_t size);

/* "properties": {...}, "required": [...] of a JSON Schema object. */
void lintel_fields_schema(const lintel_field *table, struct lintel_buf *out);
/* Rows of a manual page in man(7) markup. */
void lintel_fields_man(const lintel_field *table, struct lintel_buf *out);
/* {"port":1502,"transport":"tcp"}: the settings as people write them, those without the secret ones
 * and without what was left out. */
void lintel_fields_json(const lintel_field *table, const lintel_value *values,
                        struct lintel_buf *out);
/* What may stand in a row, in words: "a whole number from 1 to 247", "one of coil, discrete". */
void lintel_field_describe(const lintel_field *f, struct lintel_buf *out);
/* Item i of "a|b|c"; p NULL: there is none. */
struct lintel_str lintel_field_item(const char *list, uint32_t i);

enum { LINTEL_HINT = 120 };
/* ` (did you mean "word"?)` or "", for the end of a message. Returns out. */
const char *lintel_hint(char out[LINTEL_HINT], const char *word, const char *const *words);
#endif
