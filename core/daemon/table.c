/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"

enum { COLUMNS_MOST = 12, GAP = 2, ELASTIC_LEAST = 6, READABLE = 14 };

struct lintel_table {
    const struct lintel_column *columns;
    unsigned ncolumns;
    unsigned width[COLUMNS_MOST]; /* 0: empty in all rows */
    char **cells;                 /* row after row */
    size_t nrows, room;
};

struct lintel_table *
lintel_table_new(const struct lintel_column *columns)
{
    struct lintel_table *t = lintel_alloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->columns = columns;
    while (columns[t->ncolumns].title != NULL && t->ncolumns < COLUMNS_MOST)
        t->ncolumns++;
    return t;
}

/* Characters, not bytes: what stands in a terminal's cells (wide scripts are not counted double). */
static unsigned
width_of(const char *s)
{
    unsigned n = 0;
    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* Foreign text must not move the cursor or change colours. */
static char *
tamed(const char *s)
{
    char *copy = lintel_strdup(s);
    for (char *c = copy; c != NULL && *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return copy;
}

void
lintel_table_row(struct lintel_table *t, const char *const *cells)
{
    if (t == NULL)
        return;
    if (t->nrows == t->room) {
        size_t room = t->room ? t->room * 2 : 32;
        char **more = lintel_grow(t->cells, room * t->ncolumns, sizeof *more);
        if (more == NULL)
            return;
        t->cells = more;
        t->room = room;
    }
    for (unsigned i = 0; i < t->ncolumns; i++) {
        char *cell = tamed(cells[i] ? cells[i] : "");
        unsigned width = cell ? width_of(cell) : 0;
        t->cells[t->nrows * t->ncolumns + i] = cell;
        if (width > t->width[i])
            t->width[i] = width;
    }
    t->nrows++;
}

unsigned
lintel_terminal_width(FILE *out)
{
    struct winsize size;
    const char *env = getenv("COLUMNS");
    uint64_t columns;
    if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (env != NULL && lintel_parse_uint(env, strlen(env), &columns) && columns < 10000)
        return (unsigned)columns;
    return 0;
}

/* The widest column that can be made narrower and stays wider than `least`; ncolumns: none. */
static unsigned
widest_elastic(const struct lintel_table *t, unsigned least)
{
    unsigned ret = t->ncolumns;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if ((t->columns[i].elastic == 1 || (t->columns[i].elastic && !t->columns[i].right)) &&
            t->width[i] > least && (ret == t->ncolumns || t->width[i] > t->width[ret]))
            ret = i;
    return ret;
}

/* The column that can be left out first; ncolumns: none. */
static unsigned
most_spare(const struct lintel_table *t)
{
    unsigned ret = t->ncolumns;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->width[i] != 0 && t->columns[i].elastic > (ret == t->ncolumns ? 1 : t->columns[ret].elastic))
            ret = i;
    return ret;
}

static unsigned
total_width(const struct lintel_table *t)
{
    unsigned total = 0;
    for (unsigned i = 0; i < t->ncolumns; i++)
        total += t->width[i] != 0 ? t->width[i] + GAP : 0;
    return total ? total - GAP : 0;
}

/* First long texts are shortened, then columns left out, then all texts shortened to what is hardly one. */
static void
fit(struct lintel_table *t, unsigned terminal)
{
    while (terminal != 0 && total_width(t) > terminal) {
        unsigned text = widest_elastic(t, READABLE), spare = most_spare(t);
        if (text != t->ncolumns)
            t->width[text]--;
        else if (spare != t->ncolumns)
            t->width[spare] = 0;
        else if ((text = widest_elastic(t, ELASTIC_LEAST)) != t->ncolumns)
            t->width[text]--;
        else
            return;
    }
}

static void
print_cell(FILE *out, const char *cell, unsigned width, int right, int last)
{
    unsigned has = width_of(cell), keep = has;
    if (has > width)
        keep = width > 2 ? width - 2 : width;
    if (right && has < width)
        fprintf(out, "%*s", (int)(width - has), "");
    const char *end = cell;
    for (unsigned n = 0; *end != '\0'; end++) {
        if (((unsigned char)*end & 0xc0) != 0x80 && n++ == keep)
            break;
    }
    fwrite(cell, 1, (size_t)(end - cell), out);
    if (has > width && width > 2)
        fputs("..", out);
    if (!last)
        fprintf(out, "%*s", (int)((right || has > width ? 0 : width - has) + GAP), "");
}

static void
print_row(const struct lintel_table *t, FILE *out, char *const *cells)
{
    unsigned last = 0;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->width[i] != 0)
            last = i;
    for (unsigned i = 0; i < t->ncolumns; i++) {
        const char *cell = cells == NULL ? t->columns[i].title : cells[i] ? cells[i] : "";
        if (t->width[i] != 0)
            print_cell(out, cell, t->width[i], t->columns[i].right, i == last);
    }
    fputc('\n', out);
}

void
lintel_table_print(struct lintel_table *t, FILE *out)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->width[i] != 0 && width_of(t->columns[i].title) > t->width[i])
            t->width[i] = width_of(t->columns[i].title);
    fit(t, lintel_terminal_width(out));
    if (t->nrows != 0)
        print_row(t, out, NULL);
    for (size_t i = 0; i < t->nrows; i++)
        print_row(t, out, &t->cells[i * t->ncolumns]);
    for (size_t i = 0; i < t->nrows * t->ncolumns; i++)
        lintel_free(t->cells[i]);
    lintel_free(t->cells);
    lintel_free(t);
}
