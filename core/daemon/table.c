/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"

enum { COLUMNS_MOST = 12, GAP = 2, CUT_LEAST = 6, READABLE = 14, WRAP_LEAST = 24 };

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

/* Characters, not bytes: what stands in a terminal's cells (wide scripts are not counted double).
 */
static unsigned
width_of(const char *s)
{
    unsigned n = 0;
    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
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
        char *cell = lintel_strdup(cells[i] ? cells[i] : "");
        unsigned width = cell ? width_of(lintel_tame(cell, "")) : 0;
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

/* How a table becomes narrower: texts to what is readable, columns left out, texts to hardly
 * anything, names too. */
enum step { SHORTEN, LEAVE_OUT, SQUEEZE, CRUSH, GIVE_UP };

static unsigned
least_width(const struct lintel_table *t, unsigned i, enum step step)
{
    switch (t->columns[i].kind) {
    case LINTEL_COLUMN_CUT: return step < SQUEEZE ? READABLE : CUT_LEAST;
    case LINTEL_COLUMN_WRAP: return step < CRUSH ? WRAP_LEAST : CUT_LEAST;
    case LINTEL_COLUMN_RIGHT:
        return READABLE; /* no number is that long, but a text may stand among them */
    default: return step < CRUSH ? t->width[i] : CUT_LEAST;
    }
}

/* The widest column that can still give in this step; ncolumns: none. */
static unsigned
widest(const struct lintel_table *t, enum step step)
{
    unsigned ret = t->ncolumns;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->width[i] > least_width(t, i, step) &&
            (ret == t->ncolumns || t->width[i] > t->width[ret]))
            ret = i;
    return ret;
}

/* The column that can be left out first; ncolumns: none. */
static unsigned
most_spare(const struct lintel_table *t)
{
    unsigned ret = t->ncolumns;
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->width[i] != 0 &&
            t->columns[i].spare > (ret == t->ncolumns ? 0 : t->columns[ret].spare))
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

static void
fit(struct lintel_table *t, unsigned terminal)
{
    enum step step = SHORTEN;
    while (terminal != 0 && step != GIVE_UP && total_width(t) > terminal) {
        unsigned i = step == LEAVE_OUT ? most_spare(t) : widest(t, step);
        if (i == t->ncolumns)
            step++;
        else
            t->width[i] = step == LEAVE_OUT ? 0 : t->width[i] - 1;
    }
}

/* Bytes of the first `n` characters. */
static size_t
bytes_of(const char *s, unsigned n)
{
    size_t at = 0;
    for (; s[at] != '\0'; at++)
        if (((unsigned char)s[at] & 0xc0) != 0x80 && n-- == 0)
            break;
    return at;
}

static void
print_cell(FILE *out, const char *cell, unsigned width, int right, int last)
{
    unsigned has = width_of(cell), keep = has;
    if (has > width)
        keep = width > 2 ? width - 2 : width;
    if (right && has < width)
        fprintf(out, "%*s", (int)(width - has), "");
    fwrite(cell, 1, bytes_of(cell, keep), out);
    if (has > width && width > 2)
        fputs("..", out);
    if (!last)
        fprintf(out, "%*s", (int)((right || has > width ? 0 : width - has) + GAP), "");
}

/* A sentence over as many lines as it needs, broken at blanks. */
static void
print_wrapped(FILE *out, const char *text, unsigned width, unsigned indent)
{
    while (width_of(text) > width) {
        size_t most = bytes_of(text, width), end = most;
        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0)
            end = most;
        fwrite(text, 1, end, out);
        fprintf(out, "\n%*s", (int)indent, "");
        text += end + (text[end] == ' ');
    }
    fputs(text, out);
}

/* cells: of a row; NULL: the titles. */
static const char *
cell_of(const struct lintel_table *t, char *const *cells, unsigned i)
{
    return cells == NULL ? t->columns[i].title : cells[i] ? cells[i] : "";
}

static void
print_row(const struct lintel_table *t, FILE *out, char *const *cells)
{
    unsigned final = 0, last = 0, indent = 0; /* column; with something in it */
    for (unsigned i = 0; i < t->ncolumns; i++) {
        if (t->width[i] != 0)
            final = i;
        if (t->width[i] != 0 && *cell_of(t, cells, i) != '\0')
            last = i;
    }
    for (unsigned i = 0; i <= last; i++) {
        const char *cell = cell_of(t, cells, i);
        if (t->width[i] == 0)
            continue;
        if (i == final && t->columns[i].kind == LINTEL_COLUMN_WRAP)
            print_wrapped(out, cell, t->width[i], indent);
        else
            print_cell(out, cell, t->width[i], t->columns[i].kind == LINTEL_COLUMN_RIGHT,
                       i == last);
        indent += t->width[i] + GAP;
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
