/* SPDX-License-Identifier: Apache-2.0
 * Tables for people: columns as wide as their content, cut to fit the terminal. */
#ifndef LINTEL_DAEMON_TABLE_H
#define LINTEL_DAEMON_TABLE_H
#include <stdint.h>
#include <stdio.h>

struct lintel_table;
struct lintel_column {
    const char *title;
    int right;   /* numbers stand at the right */
    int elastic; /* When the terminal is too narrow: 0 stays; 1 is shortened (with ".."); from 2 on it is left out before
                  * others become unreadable, the largest first (texts are shortened before). */
};
/* Columns end with a NULL title. NULL: out of memory; the functions below then do nothing. */
struct lintel_table *lintel_table_new(const struct lintel_column *columns);
/* One text a column; copied. */
void lintel_table_row(struct lintel_table *t, const char *const *cells);
/* Prints and frees. On a terminal (or where COLUMNS says so) nothing is wider than it; into a file nothing
 * is cut. A column that is empty in all rows is left out. */
void lintel_table_print(struct lintel_table *t, FILE *out);
/* Width of the terminal behind out, or of COLUMNS; 0: none. */
unsigned lintel_terminal_width(FILE *out);
#endif
