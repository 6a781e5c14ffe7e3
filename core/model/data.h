/* SPDX-License-Identifier: Apache-2.0
 * Data qualities of SDF (RFC 9880 section 4.7): what a value may be, and the judging of values. */
#ifndef LINTEL_MODEL_DATA_H
#define LINTEL_MODEL_DATA_H
#include <stdint.h>

#include "core/base/doc.h"
#include "core/model/regexp.h"
#include "lintel/plugin.h"

enum lintel_data_kind {
    LINTEL_DATA_ANY, /* the model says no type */
    LINTEL_DATA_BOOLEAN,
    LINTEL_DATA_INTEGER,
    LINTEL_DATA_NUMBER,
    LINTEL_DATA_STRING,
    LINTEL_DATA_ARRAY,
    LINTEL_DATA_OBJECT
};
enum { /* lintel_data.flags: which of the limits are given */
       LINTEL_DATA_MIN = 1,
       LINTEL_DATA_MAX = 2,
       LINTEL_DATA_EXCLUSIVE_MIN = 4, /* min itself is outside */
       LINTEL_DATA_EXCLUSIVE_MAX = 8,
       LINTEL_DATA_MULTIPLE = 16,
       LINTEL_DATA_BYTES = 32,     /* sdfType byte-string */
       LINTEL_DATA_UNIX_TIME = 64, /* sdfType unix-time */
       LINTEL_DATA_NULLABLE = 128,
       LINTEL_DATA_UNIQUE = 256,
       LINTEL_DATA_EMPTY = 512 /* max_length is given, and 0 */
};
struct lintel_data { /* in the model's arena; immutable, shared by threads */
    enum lintel_data_kind kind;
    uint32_t flags;
    double min, max, multiple;
    uint32_t min_length,
        max_length;      /* characters of a string, items of an array; max 0: no limit */
    const char *unit;    /* as written; NULL: none */
    const char *pattern; /* must match somewhere in the text (RFC 9880 C.2); NULL: none */
    const struct lintel_regexp *pattern_program; /* compiled, the model's */
    const char *format;                          /* "date-time", "uri" ..; NULL */
    const char *content;               /* contentFormat, the media type of bytes; NULL: not said */
    const char *const *choices;        /* NULL-terminated names of enum or sdfChoice; NULL: none */
    const lintel_value *choice_values; /* const value of each choice, LINTEL_T_NULL where it has
                                        * none; NULL: the names are the values */
    const struct lintel_data *choice_data; /* of sdfChoice: what each one says, with what is said
                                            * beside sdfChoice; NULL: enum */
    const lintel_value *constant;          /* const; NULL: none */
    const lintel_value *dflt;              /* default; NULL: none */
    const struct lintel_data *items;       /* of an array; NULL: any */
    uint32_t nmembers;                     /* of an object */
    const struct lintel_data_member *members;
};
struct lintel_data_member {
    const char *name;
    const struct lintel_data *data;
    int required;
};

/* A number of whatever type, as a double. 0: it is none, and *ret stays; ret may be NULL. */
int lintel_value_number(const lintel_value *v, double *ret);

enum { LINTEL_REASON = 200 }; /* bytes of a reason, with the NUL */

enum lintel_fit {
    LINTEL_FIT_OK,
    LINTEL_FIT_TYPE, /* of another type: 4.00 at the border */
    LINTEL_FIT_RANGE /* of the type, outside what the model allows: 4.22 at the border */
};
/* Judges a value. reason (may be NULL) then says what is wrong and what would be right: "26.5 is
 * above the maximum of 26". Integers fit numbers; a whole REAL fits an integer. Bounded time for
 * every input. */
enum lintel_fit lintel_data_fit(const struct lintel_data *d, const lintel_value *v,
                                char reason[LINTEL_REASON]);
/* Reads the data qualities of one definition, sdfRef resolved already, into the arena. NULL with
 * the reasons in the report: misspelt qualities, limits that exclude each other, a pattern that is
 * none, a const of another type. */
const struct lintel_data *lintel_data_read(const struct lintel_doc *doc,
                                           const struct lintel_node *node,
                                           struct lintel_arena *arena,
                                           struct lintel_report *report);

/* "number 5 .. 26 Cel", for tables and messages. */
void lintel_data_describe(const struct lintel_data *d, char *out, uint32_t size);
#endif
