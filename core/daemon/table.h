/* SPDX-License-Identifier: Apache-2.0
 * Tables for people: columns as wide as their content, cut or wrapped to fit the terminal. */
#ifndef LINTEL_DAEMON_TABLE_H
#define LINTEL_DAEMON_TABLE_H
#include <stdint.h>
#include <stdio.h>

struct lintel_table;
enum lintel_column_kind {
    LINTEL_COLUMN_WHOLE, /* names that people type: never shortened */
    LINTEL_COLUMN_RIGHT, /* numbers: never shortened, at the right */
    LINTEL_COLUMN_CUT,   /* shortened (with "..") when the terminal is too narrow */
    LINTEL_COLUMN_WRAP   /* a sentence: goes on in the next line; the last column only */
};
struct lintel_column {
    const char *title;
    enum lintel_column_kind kind;
    int spare; /* not 0: left out before others become unreadable, the largest first */
};
/* Columns end with a NULL title. NULL: out of memory; the functions below then do nothing. */
struct lintel_table *lintel_table_new(const struct lintel_column *columns);
/* One text a column; copied. */
void lintel_table_row(struct lintel_table *t, const char *const *cells);
/* Prints and frees. On a terminal (or where COLUMNS says so) nothing is wider than it; into a file
 * nothing is cut. A column that is empty in all rows is left out. */
void lintel_table_print(struct lintel_table *t, FILE *out);
/* Width of the terminal behind out, or of COLUMNS; 0: none. */
unsigned lintel_terminal_width(FILE *out);
#endif
