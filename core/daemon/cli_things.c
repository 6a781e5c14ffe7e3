/* SPDX-License-Identifier: Apache-2.0
 * lintel things, get, set, invoke. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "lintel/transport.h"

enum { FORMAT_JSON = 50, FORMAT_SENML_JSON = 110, CELL = 96 };

int
cli_things(struct cli *c)
{
    static const struct lintel_column columns[] = {{"THING", LINTEL_COLUMN_WHOLE, 0},
                                                   {"MODEL", LINTEL_COLUMN_CUT, 3},
                                                   {"BUS", LINTEL_COLUMN_WHOLE, 0},
                                                   {"ZONE", LINTEL_COLUMN_CUT, 2},
                                                   {"LOCATION", LINTEL_COLUMN_CUT, 0},
                                                   {"STATE", LINTEL_COLUMN_WHOLE, 0},
                                                   {"GOOD", LINTEL_COLUMN_RIGHT, 0},
                                                   {"WHY", LINTEL_COLUMN_WRAP, 0},
                                                   {0}};
    static const char *const path[] = {"hub", "things", NULL};
    if (c->argc > 1) {
        cli_say("things takes at most one word to look for");
        return CLI_USAGE;
    }
    json_t *rows, *row;
    int status = cli_list(c, path, NULL, c->argc == 1 ? c->argv[0] : NULL, &rows);
    if (rows == NULL)
        return status;
    struct lintel_table *t = lintel_table_new(columns);
    size_t i;
    json_array_foreach(rows, i, row)
    {
        char good[CELL];
        (void)lintel_format(good, sizeof good, "%lld/%lld",
                            (long long)json_integer_value(json_object_get(row, "good")),
                            (long long)json_integer_value(json_object_get(row, "points")));
        lintel_table_row(t, (const char *[]){cli_text(row, "id"), cli_text(row, "model"),
                                             cli_text(row, "bus"), cli_text(row, "zone"),
                                             cli_text(row, "location"), cli_text(row, "state"),
                                             good, cli_text(row, "detail")});
    }
    lintel_table_print(t, stdout);
    if (json_array_size(rows) == 0)
        puts(c->argc == 1 ? "no thing has that word" : "the site has no things yet");
    json_decref(rows);
    return CLI_OK;
}

/* "activePower" or "EnergyMeter/p/activePower" among the rows of a thing; NULL after telling the
 * nearest. */
static json_t *
find_row(json_t *rows, const char *thing, const char *name)
{
    size_t i, n = json_array_size(rows);
    json_t *row, *found = NULL;
    const char **names = lintel_alloc_array(n + 1, sizeof *names);
    json_array_foreach(rows, i, row)
    {
        if (strcmp(cli_text(row, "name"), name) == 0 || strcmp(cli_text(row, "path"), name) == 0)
            found = found == NULL ? row : found;
        if (names != NULL)
            names[i] = cli_text(row, "name");
    }
    if (found == NULL) {
        const char *near = names ? lintel_nearest(name, names) : NULL;
        if (near != NULL)
            cli_say("%s has no \"%s\"; did you mean %s/%s?", thing, name, thing, near);
        else
            cli_say("%s has no \"%s\"; 'lintel get %s' shows what it has", thing, name, thing);
    }
    lintel_free(names);
    return found;
}

int
cli_target_find(struct lintel_local_client *hub, const char *name, struct cli_target *ret)
{
    memset(ret, 0, sizeof *ret);
    const char *slash = strchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) : strlen(name);
    char *thing = lintel_strndup(name, n);
    const char *const path[] = {"hub", "values", thing, NULL};
    json_t *rows = thing ? cli_get_json(hub, path, NULL) : NULL;
    json_t *row = NULL;
    if (rows != NULL && slash != NULL && slash[1] != '\0')
        row = find_row(rows, thing, slash + 1);
    int ok = rows != NULL && (row != NULL || slash == NULL || slash[1] == '\0');
    if (ok) {
        struct lintel_buf text = {0};
        lintel_buf_addf(&text, "d/%s", thing);
        if (row != NULL)
            lintel_buf_addf(&text, "/%s", cli_text(row, "path"));
        (void)lintel_buf_str(&text);
        ret->text = text.p;
        ret->row = json_incref(row);
        unsigned k = 0;
        for (char *p = text.p; p != NULL && k < LINTEL_COUNT(ret->segments) - 1;) {
            ret->segments[k++] = p;
            if ((p = strchr(p, '/')) != NULL)
                *p++ = '\0';
        }
    }
    json_decref(rows);
    lintel_free(thing);
    return ok ? CLI_OK : CLI_FAILED;
}

void
cli_target_fini(struct cli_target *t)
{
    json_decref(t->row);
    lintel_free(t->text);
    memset(t, 0, sizeof *t);
}

static const struct lintel_column value_columns[] = {{"THING", LINTEL_COLUMN_WHOLE, 0},
                                                     {"NAME", LINTEL_COLUMN_WHOLE, 0},
                                                     {"VALUE", LINTEL_COLUMN_RIGHT, 0},
                                                     {"UNIT", LINTEL_COLUMN_WHOLE, 0},
                                                     {"QUALITY", LINTEL_COLUMN_WHOLE, 0},
                                                     {"AGE", LINTEL_COLUMN_RIGHT, 0},
                                                     {"MAY", LINTEL_COLUMN_WHOLE, 0},
                                                     {"WHY", LINTEL_COLUMN_WRAP, 0},
                                                     {0}};

static void
add_value_row(struct lintel_table *t, const json_t *row, int many)
{
    char value[CELL], age[CELL] = "";
    const json_t *seconds = json_object_get(row, "age");
    const char *kind = cli_text(row, "kind");
    cli_value(value, sizeof value, json_object_get(row, "value"));
    if (json_is_number(seconds))
        cli_age(age, sizeof age, json_number_value(seconds));
    int property = strcmp(kind, "property") == 0;
    lintel_table_row(t, (const char *[]){many ? cli_text(row, "thing") : "", cli_text(row, "name"),
                                         strcmp(kind, "action") == 0 ? "" : value,
                                         cli_text(row, "unit"), cli_text(row, "quality"), age,
                                         !property                                        ? kind
                                         : json_is_true(json_object_get(row, "writable")) ? "set"
                                                                                          : "",
                                         cli_text(row, "detail")});
}

/* One property, asked for as a client would: the hub reads it from the device where that is needed,
 * and a value that is not good comes as an error that says why. As JSON it is the SenML record,
 * with time and quality. */
static int
get_one(struct cli *c, struct lintel_local_client *hub, const struct cli_target *target)
{
    json_t *value = NULL;
    char text[400];
    int status = cli_request(hub, LINTEL_GET, (const char *const *)target->segments,
                             c->json ? FORMAT_SENML_JSON : FORMAT_JSON, NULL, &value);
    if (status != CLI_OK)
        return status;
    if (c->json) {
        cli_print_json(value);
    } else {
        const char *unit = cli_text(target->row, "unit");
        cli_value(text, sizeof text, value);
        cli_print(stdout, "%s%s%s\n", text, *unit ? " " : "", unit);
    }
    json_decref(value);
    return CLI_OK;
}

static int
get_all(struct cli *c, struct lintel_local_client *hub)
{
    static const char *const all[] = {"hub", "values", NULL};
    json_t *rows = json_array(), *row;
    size_t i;
    int failed = 0;
    for (int a = 0; a < c->argc || a == 0; a++) {
        const char *const one[] = {"hub", "values", c->argc ? c->argv[a] : "", NULL};
        json_t *some = cli_get_json(hub, c->argc ? one : all, NULL);
        failed |= some == NULL;
        json_array_extend(rows, some);
        json_decref(some);
    }
    if (c->json) {
        cli_print_json(rows);
    } else {
        struct lintel_table *t = lintel_table_new(value_columns);
        size_t unmapped = 0;
        json_array_foreach(rows, i, row)
        {
            /* What the model could do and this kind of device does not is no news for people. */
            if (strcmp(cli_text(row, "quality"), "unmapped") == 0)
                unmapped++;
            else
                add_value_row(t, row, c->argc != 1);
        }
        lintel_table_print(t, stdout);
        if (c->argc == 1 && unmapped != 0)
            printf("%zu more of the model not done by this kind of device\n", unmapped);
    }
    json_decref(rows);
    return failed ? CLI_FAILED : CLI_OK;
}

int
cli_get(struct cli *c)
{
    struct lintel_local_client *hub = cli_connect(c);
    int status = CLI_OK, whole = 1;
    if (hub == NULL)
        return CLI_NO_HUB;
    for (int a = 0; a < c->argc; a++)
        whole &= strchr(c->argv[a], '/') == NULL;
    if (whole) {
        status = get_all(c, hub);
        lintel_local_close(hub);
        return status;
    }
    for (int a = 0; a < c->argc; a++) {
        struct cli_target target;
        int one = cli_target_find(hub, c->argv[a], &target);
        if (one == CLI_OK && target.row == NULL) {
            cli_say("%s: name a property of it, as in %s/NAME, or leave the others' out",
                    c->argv[a], c->argv[a]);
            one = CLI_USAGE;
        } else if (one == CLI_OK) {
            if (c->argc > 1 && !c->json)
                printf("%s: ", c->argv[a]);
            one = get_one(c, hub, &target);
        }
        cli_target_fini(&target);
        if (one != CLI_OK)
            status = one;
    }
    lintel_local_close(hub);
    return status;
}

/* The word as JSON of the type that the model wants; "on" and "off" are booleans where one is
 * wanted. */
static char *
json_of(const char *word, const char *type)
{
    struct lintel_buf out = {0};
    double number;
    if (strncmp(type, "boolean", 7) == 0 && (strcmp(word, "on") == 0 || strcmp(word, "yes") == 0))
        lintel_buf_adds(&out, "true");
    else if (strncmp(type, "boolean", 7) == 0 &&
             (strcmp(word, "off") == 0 || strcmp(word, "no") == 0))
        lintel_buf_adds(&out, "false");
    else if (strncmp(type, "string", 6) != 0 &&
             (lintel_parse_real(word, strlen(word), &number) || strcmp(word, "true") == 0 ||
              strcmp(word, "false") == 0 || strcmp(word, "null") == 0 || word[0] == '{' ||
              word[0] == '['))
        lintel_buf_adds(&out, word);
    else
        lintel_buf_add_json_str(&out, word, strlen(word));
    (void)lintel_buf_str(&out);
    return out.p;
}

static int
send_value(struct cli *c, uint32_t method, const char *kind, const char *word)
{
    struct lintel_local_client *hub = cli_connect(c);
    struct cli_target target;
    json_t *output = NULL;
    if (hub == NULL)
        return CLI_NO_HUB;
    int status = cli_target_find(hub, c->argv[0], &target);
    if (status == CLI_OK &&
        (target.row == NULL || strcmp(cli_text(target.row, "kind"), kind) != 0)) {
        cli_say("%s is no %s; 'lintel get' shows what there is", c->argv[0], kind);
        status = CLI_USAGE;
    }
    if (status == CLI_OK) {
        char *body = word ? json_of(word, cli_text(target.row, "type")) : NULL;
        status = cli_request(hub, method, (const char *const *)target.segments, FORMAT_JSON, body,
                             &output);
        lintel_free(body);
    }
    if (status == CLI_OK && output != NULL)
        cli_print_json(output);
    json_decref(output);
    cli_target_fini(&target);
    lintel_local_close(hub);
    return status;
}

int
cli_set(struct cli *c)
{
    if (c->argc != 2 || strchr(c->argv[0], '/') == NULL) {
        cli_say("set takes THING/PROPERTY and a value, as in 'lintel set heat-pump/setPoint 21.5'");
        return CLI_USAGE;
    }
    return send_value(c, LINTEL_PUT, "property", c->argv[1]);
}

int
cli_invoke(struct cli *c)
{
    if (c->argc < 1 || c->argc > 2 || strchr(c->argv[0], '/') == NULL) {
        cli_say("invoke takes THING/ACTION and, where the action wants one, a value");
        return CLI_USAGE;
    }
    return send_value(c, LINTEL_POST, "action", c->argc == 2 ? c->argv[1] : NULL);
}
