/* SPDX-License-Identifier: Apache-2.0
 * lintel watch: observations, one line for each change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "core/model/unit.h"

enum { FORMAT_SENML_JSON = 110, WATCHES_MOST = 4096, CELL = 400 };

struct watch {
    uint64_t id;
    json_t *units; /* "Object/property" -> the model's unit: SenML tells primary ones */
    /* Record's name -> its last text: a pack tells all, people want what changed. NULL for an
     * event, which is news each time. */
    json_t *seen;
};

struct watcher {
    struct cli *c;
    struct lintel_local_client *hub; /* brings notifications and nothing else */
    struct lintel_local_client *ask; /* for questions: their answers must not be mixed with those */
    struct watch *watches;
    size_t n;
};

/* The model's units of a thing's properties, by the names that their SenML records have. */
static json_t *
units_of(struct lintel_local_client *hub, const char *thing)
{
    const char *const path[] = {"hub", "values", thing, NULL};
    json_t *rows = cli_get_json(hub, path, NULL), *row, *units = json_object();
    size_t i;
    json_array_foreach(rows, i, row)
    {
        char name[CELL];
        const char *affordance = cli_text(row, "path"), *p = strstr(affordance, "/p/");
        if (p == NULL || *cli_text(row, "unit") == '\0')
            continue;
        (void)lintel_format(name, sizeof name, "%.*s/%s", (int)(p - affordance), affordance, p + 3);
        json_object_set(units, name, json_object_get(row, "unit"));
    }
    json_decref(rows);
    return units;
}

/* A SenML value in the model's unit, where that is another one. NULL: as it is. */
static json_t *
in_unit(const json_t *value, const char *from, const char *to)
{
    const struct lintel_unit *a = lintel_unit_find(from), *b = lintel_unit_find(to);
    struct lintel_linear l;
    if (!json_is_number(value) || a == NULL || b == NULL || strcmp(from, to) == 0 ||
        lintel_unit_convert(a, b, &l) != 0)
        return NULL;
    /* To ten digits: the way there and back may have cost the last ones. */
    char text[40];
    double number, exact = json_number_value(value) * (double)l.num / (double)l.den +
                           (double)l.offset_num / (double)l.offset_den;
    (void)lintel_format(text, sizeof text, "%.10g", exact);
    return lintel_parse_real(text, strlen(text), &number) ? json_real(number) : NULL;
}

static int
start(struct watcher *w, const char *name)
{
    static char pack[] = "s"; /* of a thing: all its properties */
    struct cli_target target;
    uint64_t id = 0;
    int status = w->n < WATCHES_MOST ? cli_target_find(w->ask, name, &target) : CLI_FAILED;
    if (w->n >= WATCHES_MOST) {
        cli_say("not more than %d at once", WATCHES_MOST);
        return CLI_FAILED;
    }
    if (status != CLI_OK)
        return status;
    unsigned k = 0;
    while (target.segments[k] != NULL)
        k++;
    if (target.row == NULL)
        target.segments[k] = pack;
    status = cli_observe(w->hub, (const char *const *)target.segments, FORMAT_SENML_JSON, &id);
    int is_event = target.row != NULL && strcmp(cli_text(target.row, "kind"), "event") == 0;
    if (status == CLI_OK)
        w->watches[w->n++] = (struct watch){id, units_of(w->ask, target.segments[1]),
                                            is_event ? NULL : json_object()};
    cli_target_fini(&target);
    return status;
}

static void
print_record(struct watch *watch, const json_t *base, const json_t *record)
{
    static const char *const fields[] = {"v", "vs", "vb", "vd"};
    const json_t *value = NULL;
    char name[CELL], text[CELL], line[2 * CELL + 64], at[16];
    (void)lintel_format(name, sizeof name, "%s%s", cli_text(base, "bn"), cli_text(record, "n"));
    const char *colon = strchr(name, ':'); /* the hub's own name in front is no news here */
    for (size_t i = 0; i < LINTEL_COUNT(fields) && value == NULL; i++)
        value = json_object_get(record, fields[i]);
    const char *unit =
        json_is_string(json_object_get(record, "u")) ? cli_text(record, "u") : cli_text(base, "bu");
    const char *slash = strchr(name, '/'), *wanted = cli_text(watch->units, slash ? slash + 1 : "");
    json_t *converted = in_unit(value, unit, wanted);
    cli_value(text, sizeof text, converted != NULL ? converted : value);
    if (converted != NULL)
        unit = wanted;
    json_decref(converted);
    const char *quality = cli_text(record, "quality");
    int good = *quality == '\0' || strcmp(quality, "good") == 0;
    (void)lintel_format(line, sizeof line, "%s%s%s%s%s", text, *unit ? " " : "", unit,
                        good ? "" : "  ", good ? "" : quality);
    const char *before = json_string_value(json_object_get(watch->seen, name));
    if (before != NULL && strcmp(before, line) == 0)
        return;
    json_object_set_new(watch->seen, name, json_string(line));
    time_t now = time(NULL);
    struct tm local;
    strftime(at, sizeof at, "%H:%M:%S", localtime_r(&now, &local));
    cli_print(stdout, "%s  %s  %s\n", at, colon ? colon + 1 : name, line);
}

static void
print_pack(const struct watcher *w, struct watch *watch, json_t *pack)
{
    size_t i;
    json_t *record;
    const json_t *base = json_array_get(pack, 0);
    if (w->c->json) {
        cli_print_json_line(pack);
    } else {
        json_array_foreach(pack, i, record) print_record(watch, base, record);
    }
    fflush(stdout);
}

static int
follow(struct watcher *w)
{
    size_t running = w->n;
    while (running > 0) {
        uint64_t id = 0;
        json_t *pack = NULL;
        if (cli_next(w->hub, &id, &pack) != 0) {
            cli_say("the hub has ended");
            return CLI_NO_HUB;
        }
        for (size_t i = 0; i < w->n; i++) {
            if (w->watches[i].id != id)
                continue;
            if (pack != NULL)
                print_pack(w, &w->watches[i], pack);
            else
                running--;
        }
        json_decref(pack);
    }
    return CLI_FAILED;
}

int
cli_watch(struct cli *c)
{
    static const char *const things[] = {"hub", "things", NULL};
    struct watcher w = {.c = c, .hub = cli_connect(c)};
    json_t *rows = NULL, *row;
    size_t i;
    int status = CLI_OK;
    if (w.hub == NULL || (w.ask = cli_connect(c)) == NULL) {
        lintel_local_close(w.hub);
        return CLI_NO_HUB;
    }
    w.watches = lintel_alloc_array(WATCHES_MOST, sizeof *w.watches);
    for (int a = 0; a < c->argc && w.watches != NULL && status == CLI_OK; a++)
        status = start(&w, c->argv[a]);
    if (c->argc == 0 && w.watches != NULL) {
        rows = cli_get_json(w.ask, things, NULL);
        json_array_foreach(rows, i, row) if (status == CLI_OK) status =
            start(&w, cli_text(row, "id"));
    }
    lintel_local_close(w.ask);
    if (status == CLI_OK)
        status = follow(&w);
    for (i = 0; i < w.n; i++) {
        json_decref(w.watches[i].units);
        json_decref(w.watches[i].seen);
    }
    lintel_free(w.watches);
    json_decref(rows);
    lintel_local_close(w.hub);
    return status;
}
