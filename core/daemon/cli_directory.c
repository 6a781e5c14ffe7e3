/* SPDX-License-Identifier: Apache-2.0
 * lintel directory. */
#include <stdio.h>
#include <string.h>

#include "core/daemon/cli.h"

enum { CELL = 32 };

static void
print_table(const json_t *rows)
{
    static const struct lintel_column columns[] = {
        {"ENDPOINT", LINTEL_COLUMN_WHOLE, 0}, {"SECTOR", LINTEL_COLUMN_CUT, 2},
        {"BASE", LINTEL_COLUMN_CUT, 0},       {"LINKS", LINTEL_COLUMN_RIGHT, 0},
        {"LEFT", LINTEL_COLUMN_RIGHT, 0},     {"WHO", LINTEL_COLUMN_CUT, 1},
        {"STATE", LINTEL_COLUMN_CUT, 0},      {0}};
    struct lintel_table *t = lintel_table_new(columns);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        char links[CELL], left[CELL] = "";
        const json_t *seconds = json_object_get(row, "left");
        (void)lintel_format(links, sizeof links, "%lld",
                            (long long)json_integer_value(json_object_get(row, "links")));
        if (json_is_number(seconds))
            cli_age(left, sizeof left, json_number_value(seconds));
        lintel_table_row(t, (const char *[]){cli_text(row, "ep"), cli_text(row, "sector"),
                                             cli_text(row, "base"), links, left,
                                             cli_text(row, "who"), cli_text(row, "state")});
    }
    lintel_table_print(t, stdout);
}

int
cli_directory(struct cli *c)
{
    static const char *const path[] = {"hub", "directory", NULL};
    if (c->argc > 1) {
        cli_say("directory takes at most one word to look for");
        return CLI_USAGE;
    }
    json_t *rows;
    int status = cli_list(c, path, NULL, c->argc == 1 ? c->argv[0] : NULL, &rows);
    if (rows == NULL)
        return status;
    print_table(rows);
    if (json_array_size(rows) == 0)
        puts(c->argc == 1 ? "no endpoint has that word" : "the directory is empty");
    json_decref(rows);
    return CLI_OK;
}
