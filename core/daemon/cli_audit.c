/* SPDX-License-Identifier: Apache-2.0
 * lintel audit. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"
#include "core/daemon/cli.h"

enum { CELL = 600, ARGUMENTS_MOST = 8 };

static void
add_row(struct lintel_table *t, const json_t *row)
{
    char when[32] = "", what[CELL], result[CELL];
    struct tm parts;
    time_t seconds = (time_t)json_number_value(json_object_get(row, "time"));
    const char *thing = cli_text(row, "thing"), *path = cli_text(row, "path");
    const char *who = cli_text(row, "who"), *from = cli_text(row, "from");
    long long left_out = json_integer_value(json_object_get(row, "leftOut"));
    int refused = json_is_true(json_object_get(row, "refused"));
    if (localtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    /* As `lintel set` has it: the thing and the name. --json tells the whole path. */
    const char *name = *thing != '\0' ? strrchr(path, '/') : NULL;
    (void)lintel_format(what, sizeof what, "%s%s%s", thing, *thing && *path ? "/" : "",
                        name != NULL ? name + 1 : path);
    (void)lintel_format(result, sizeof result, "%s%s%s%s", refused ? "refused: " : "",
                        cli_text(row, "result"), *cli_text(row, "read") ? ", reads " : "",
                        cli_text(row, "read"));
    if (left_out != 0)
        (void)lintel_format(result + strlen(result), sizeof result - strlen(result),
                            "; before it %lld more of this peer that are not recorded", left_out);
    if (strcmp(who, from) == 0 && strncmp(who, "uid ", 4) == 0)
        from = "local socket";
    else if (strcmp(who, from) == 0)
        who = "not known";
    lintel_table_row(t, (const char *[]){when, who, from, cli_text(row, "what"), what,
                                         cli_text(row, "old"), cli_text(row, "new"), result});
}

int
cli_audit(struct cli *c)
{
    static const struct lintel_column columns[] = {{"TIME", LINTEL_COLUMN_WHOLE, 0},
                                                   {"WHO", LINTEL_COLUMN_CUT, 0},
                                                   {"FROM", LINTEL_COLUMN_CUT, 3},
                                                   {"DID", LINTEL_COLUMN_WHOLE, 2},
                                                   {"WHAT", LINTEL_COLUMN_CUT, 0},
                                                   {"OLD", LINTEL_COLUMN_CUT, 1},
                                                   {"NEW", LINTEL_COLUMN_CUT, 0},
                                                   {"RESULT", LINTEL_COLUMN_WRAP, 0},
                                                   {0}};
    static const char *const path[] = {"hub", "audit", NULL};
    const char *query[ARGUMENTS_MOST + 1] = {0};
    for (int i = 0; i < c->argc; i++) {
        if (i == ARGUMENTS_MOST || strchr(c->argv[i], '=') == NULL) {
            cli_say("audit takes count=N, before=NUMBER, thing=THING and who=NAME, not \"%s\"",
                    c->argv[i]);
            return CLI_USAGE;
        }
        query[i] = c->argv[i];
    }
    json_t *rows, *row;
    int status = cli_list(c, path, query, NULL, &rows);
    if (rows == NULL)
        return status;
    struct lintel_table *t = lintel_table_new(columns);
    size_t i;
    json_array_foreach(rows, i, row) add_row(t, row);
    lintel_table_print(t, stdout);
    if (json_array_size(rows) == 0)
        puts(c->argc != 0 ? "no record is of that" : "nothing was written yet");
    json_decref(rows);
    return CLI_OK;
}
