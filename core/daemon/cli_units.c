/* SPDX-License-Identifier: Apache-2.0
 * lintel status BUS: how a bus is used, and by whom. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/daemon/cli.h"

enum { CELL = 160 };

static double
real_of(const json_t *object, const char *member)
{
    return json_number_value(json_object_get(object, member));
}

static const char *
count_of(char cell[CELL], const json_t *object, const char *member)
{
    (void)lintel_format(cell, CELL, "%lld",
                        (long long)json_integer_value(json_object_get(object, member)));
    return cell;
}

static const char *
seconds_of(char cell[CELL], const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    double s = json_number_value(value);
    if (!json_is_number(value))
        return "-";
    if (s < 0.001)
        (void)lintel_copy(cell, CELL, "<1 ms");
    else if (s < 1)
        (void)lintel_format(cell, CELL, "%.0f ms", s * 1e3);
    else
        (void)lintel_format(cell, CELL, "%.1f s", s);
    return cell;
}

static const char *
percent_of(char cell[CELL], double part)
{
    (void)lintel_format(cell, CELL, part < 0.0995 ? "%.1f %%" : "%.0f %%", part * 100);
    return cell;
}

static const char *
seen_of(char cell[CELL], const json_t *unit, double now)
{
    const json_t *seen = json_object_get(unit, "seen");
    if (!json_is_number(seen))
        return "never";
    cli_age(cell, CELL, now - json_number_value(seen));
    return cell;
}

static void
print_units(const json_t *units, double now)
{
    static const struct lintel_column columns[] = {
        {"THING", LINTEL_COLUMN_WHOLE, 0},    {"STATE", LINTEL_COLUMN_WHOLE, 0},
        {"SEEN", LINTEL_COLUMN_RIGHT, 1},     {"REQUESTS", LINTEL_COLUMN_RIGHT, 2},
        {"TIMEOUTS", LINTEL_COLUMN_RIGHT, 0}, {"ERRORS", LINTEL_COLUMN_RIGHT, 4},
        {"RETRIES", LINTEL_COLUMN_RIGHT, 3},  {"P50", LINTEL_COLUMN_RIGHT, 0},
        {"P95", LINTEL_COLUMN_RIGHT, 0},      {"BUS TIME", LINTEL_COLUMN_RIGHT, 0},
        {"WHY", LINTEL_COLUMN_WRAP, 0},       {0}};
    struct lintel_table *t = lintel_table_new(columns);
    size_t i;
    json_t *unit;
    json_array_foreach((json_t *)(uintptr_t)units, i, unit)
    {
        char cell[8][CELL];
        lintel_table_row(
            t, (const char *[]){
                   cli_text(unit, "thing"), cli_text(unit, "state"), seen_of(cell[0], unit, now),
                   count_of(cell[1], unit, "requests"), count_of(cell[2], unit, "timeouts"),
                   count_of(cell[3], unit, "errors"), count_of(cell[4], unit, "retries"),
                   seconds_of(cell[5], unit, "p50"), seconds_of(cell[6], unit, "p95"),
                   percent_of(cell[7], real_of(unit, "share")), cli_text(unit, "detail")});
    }
    lintel_table_print(t, stdout);
}

static void
print_use(const json_t *bus)
{
    const json_t *use = json_object_get(bus, "use");
    char age[CELL], busy[CELL], needs[CELL], cycle[CELL], cells[4][CELL];
    cli_age(age, sizeof age, real_of(use, "window"));
    cli_print(stdout, "%s: %s, %s requests, %s timeouts, %s errors, %s retries\n",
              cli_text(bus, "name"), cli_text(bus, "state"), count_of(cells[0], bus, "requests"),
              count_of(cells[1], bus, "timeouts"), count_of(cells[2], bus, "errors"),
              count_of(cells[3], use, "retries"));
    if (*cli_text(bus, "detail") != '\0')
        cli_print(stdout, "%s\n", cli_text(bus, "detail"));
    printf("The %s is busy %s (last %s)",
           json_is_true(json_object_get(use, "serial")) ? "line" : "bus",
           percent_of(busy, real_of(use, "busy")), age);
    if (json_is_number(json_object_get(use, "cycle")))
        printf("; a full cycle takes %s.\nAll polls need %s of its time",
               seconds_of(cycle, use, "cycle"), percent_of(needs, real_of(use, "needs")));
    puts(".");
}

int
cli_status_bus(struct cli *c, const char *name)
{
    const char *const path[] = {"hub", "buses", name, NULL};
    struct lintel_local_client *hub = cli_connect(c);
    if (hub == NULL)
        return CLI_NO_HUB;
    json_t *bus = cli_get_json(hub, path, NULL);
    lintel_local_close(hub);
    if (bus != NULL && c->json) {
        cli_print_json(bus);
    } else if (bus != NULL) {
        print_use(bus);
        putchar('\n');
        print_units(json_object_get(bus, "units"), real_of(bus, "now"));
    }
    int failed = bus == NULL;
    json_decref(bus);
    return failed ? CLI_FAILED : CLI_OK;
}
