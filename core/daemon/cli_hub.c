/* SPDX-License-Identifier: Apache-2.0
 * The connection to the hub, and the commands about the hub itself: status, reload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "lintel/transport.h"

enum { FORMAT_JSON = 50, REASON = 600, CELL = 160 };

struct lintel_local_client *
cli_connect(const struct cli *c)
{
    char path[LINTEL_PATH_MOST], reason[REASON];
    struct lintel_local_client *hub = NULL;
    if (!lintel_format(path, sizeof path, "%s/lintel.sock", c->run))
        cli_say("the path %s is too long", c->run);
    else if ((hub = lintel_local_connect(path, reason, sizeof reason)) == NULL)
        cli_say("%s", reason);
    return hub;
}

/* Sends a request; 0 after telling that the hub is gone. */
static uint32_t
send_request(struct lintel_local_client *hub, uint32_t method, const char *const *path,
             const char *const *query, int32_t accept, const char *body, int observe)
{
    struct lintel_local_frame f;
    if (lintel_local_prepare(&f, method, "/") != 0)
        return 0;
    for (f.npath = 0; path[f.npath] != NULL && f.npath < LINTEL_COUNT(f.path); f.npath++)
        f.path[f.npath] = (lintel_span){path[f.npath], strlen(path[f.npath])};
    for (; query != NULL && query[f.nquery] != NULL && f.nquery < LINTEL_COUNT(f.query); f.nquery++)
        f.query[f.nquery] = (lintel_span){query[f.nquery], strlen(query[f.nquery])};
    f.accept[0] = accept;
    f.naccept = 1;
    if (body != NULL) {
        f.format = FORMAT_JSON;
        f.payload = (lintel_span){body, strlen(body)};
    }
    if (observe)
        f.flags |= LINTEL_X_OBSERVE;
    uint32_t id = lintel_local_request(hub, &f);
    if (id == 0)
        cli_say("the hub has closed the connection");
    return id;
}

/* What came with a refusal, for people. */
static void
tell_refusal(const struct lintel_local_frame *f)
{
    if (f->payload.n != 0)
        cli_say("%.*s", (int)(f->payload.n < 2000 ? f->payload.n : 2000), f->payload.p);
    else
        cli_say("the hub answered %u.%02u", f->code >> 5, f->code & 31);
}

static json_t *
json_of(const struct lintel_local_frame *f)
{
    json_error_t wrong;
    return f->payload.n == 0 ? NULL
                             : json_loadb(f->payload.p, f->payload.n, JSON_DECODE_ANY, &wrong);
}

/* The next answer; -1 after telling that there will be none. */
static int
next_answer(struct lintel_local_client *hub, struct lintel_local_frame *ret)
{
    char reason[REASON];
    int end = lintel_local_next(hub, ret, reason, sizeof reason);
    if (end < 0)
        cli_say("%s", reason);
    else if (end > 0)
        cli_say("the hub has closed the connection");
    return end == 0 ? 0 : -1;
}

/* What came for a request: CLI_OK, or CLI_FAILED after telling the reason that came with it. */
static int
take_answer(struct lintel_local_client *hub, uint32_t id, json_t **ret)
{
    struct lintel_local_frame answer;
    *ret = NULL;
    if (id == 0)
        return CLI_NO_HUB;
    do {
        if (next_answer(hub, &answer) != 0)
            return CLI_NO_HUB;
    } while (answer.id != id);
    if (answer.code >> 5 == 2) {
        *ret = json_of(&answer);
        return CLI_OK;
    }
    if (answer.format == FORMAT_JSON)
        *ret = json_of(&answer); /* a refusal with particulars */
    else
        tell_refusal(&answer);
    return CLI_FAILED;
}

int
cli_request(struct lintel_local_client *hub, uint32_t method, const char *const *path,
            int32_t accept, const char *body, json_t **ret)
{
    return take_answer(hub, send_request(hub, method, path, NULL, accept, body, 0), ret);
}

int
cli_request_with(struct lintel_local_client *hub, uint32_t method, const char *const *path,
                 const char *const *query, int32_t accept, const char *body, json_t **ret)
{
    return take_answer(hub, send_request(hub, method, path, query, accept, body, 0), ret);
}

json_t *
cli_get_json(struct lintel_local_client *hub, const char *const *path, const char *const *query)
{
    json_t *json = NULL;
    uint32_t id = send_request(hub, LINTEL_GET, path, query, FORMAT_JSON, NULL, 0);
    if (take_answer(hub, id, &json) == CLI_OK && json == NULL)
        cli_say("the hub's answer is not readable");
    return json;
}

static int
has_word(const json_t *row, const char *word)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)row, key, member)
    {
        if (json_is_string(member) && strstr(json_string_value(member), word) != NULL)
            return 1;
        size_t i;
        json_t *tag;
        json_array_foreach(member, i,
                           tag) if (json_is_string(tag) &&
                                    strstr(json_string_value(tag), word) != NULL) return 1;
    }
    return 0;
}

/* Keeps the rows that have the word somewhere. */
static json_t *
rows_with(json_t *rows, const char *word)
{
    size_t i;
    json_t *row, *kept = json_array();
    json_array_foreach(rows, i, row) if (has_word(row, word)) json_array_append(kept, row);
    json_decref(rows);
    return kept;
}

int
cli_list(const struct cli *c, const char *const *path, const char *const *query, const char *word,
         json_t **ret)
{
    struct lintel_local_client *hub = cli_connect(c);
    *ret = NULL;
    if (hub == NULL)
        return CLI_NO_HUB;
    json_t *rows = cli_get_json(hub, path, query);
    lintel_local_close(hub);
    if (rows == NULL)
        return CLI_FAILED;
    if (word != NULL)
        rows = rows_with(rows, word);
    if (!c->json) {
        *ret = rows;
        return CLI_OK;
    }
    cli_print_json(rows);
    json_decref(rows);
    return CLI_OK;
}

int
cli_observe(struct lintel_local_client *hub, const char *const *path, int32_t accept,
            uint64_t *ret_id)
{
    *ret_id = send_request(hub, LINTEL_GET, path, NULL, accept, NULL, 1);
    return *ret_id != 0 ? CLI_OK : CLI_NO_HUB;
}

int
cli_next(struct lintel_local_client *hub, uint64_t *ret_id, json_t **ret)
{
    struct lintel_local_frame answer;
    *ret = NULL;
    if (next_answer(hub, &answer) != 0)
        return -1;
    *ret_id = answer.id;
    if (answer.code >> 5 == 2)
        *ret = json_of(&answer);
    else
        tell_refusal(&answer);
    return 0;
}

static const char *
number(char out[CELL], const json_t *object, const char *member)
{
    (void)lintel_format(out, CELL, "%lld",
                        (long long)json_integer_value(json_object_get(object, member)));
    return out;
}

/* The instance that hosts a bus, among those of the daemon. */
static const json_t *
instance_of(const json_t *status, const char *bus)
{
    size_t i;
    json_t *instance;
    json_array_foreach(json_object_get(json_object_get(status, "daemon"), "instances"), i,
                       instance) if (strcmp(cli_text(instance, "bus"), bus) == 0) return instance;
    return NULL;
}

/* Why a bus is not as it should be: its plugin's end and the next start, a flood, or what the bus
 * itself says. */
static const char *
why_of(const json_t *bus, const json_t *host, char *out, size_t size)
{
    const char *state = cli_text(host, "state"), *why = cli_text(host, "reason");
    const char *warning = cli_text(host, "warning"), *detail = cli_text(bus, "detail");
    double next = json_number_value(json_object_get(host, "nextTryMs")) / 1000;
    if (strcmp(state, "running") == 0)
        return *detail == '\0' ? warning : detail;
    if (*why == '\0' || next <= 0)
        return *why == '\0' ? detail : why;
    lintel_format(out, size,
                  next < 10 ? "%s; started again in %.1f s" : "%s; started again in %.0f s", why,
                  next);
    return out;
}

/* The same, and that another file of the plugin lies on the disk. */
static const char *
and_file(const json_t *bus, const json_t *host, const char *why, char *out, size_t size)
{
    if (!json_is_true(json_object_get(host, "fileChanged")))
        return why;
    lintel_format(out, size,
                  "%s%sits plugin's file has changed; 'lintel plugin reload %s' takes it in", why,
                  *why != '\0' ? "; " : "", cli_text(bus, "name"));
    return out;
}

static void
print_buses(const json_t *status)
{
    static const struct lintel_column columns[] = {
        {"BUS", LINTEL_COLUMN_WHOLE, 0},    {"PLUGIN", LINTEL_COLUMN_WHOLE, 0},
        {"RUNS IN", LINTEL_COLUMN_CUT, 2},  {"STATE", LINTEL_COLUMN_WHOLE, 0},
        {"THINGS", LINTEL_COLUMN_RIGHT, 3}, {"POINTS", LINTEL_COLUMN_RIGHT, 3},
        {"STALE", LINTEL_COLUMN_RIGHT, 0},  {"BAD", LINTEL_COLUMN_RIGHT, 0},
        {"VALUES", LINTEL_COLUMN_RIGHT, 5}, {"TIMEOUTS", LINTEL_COLUMN_RIGHT, 4},
        {"WHY", LINTEL_COLUMN_WRAP, 0},     {0}};
    struct lintel_table *t = lintel_table_new(columns);
    size_t i;
    json_t *bus;
    json_array_foreach(json_object_get(status, "buses"), i, bus)
    {
        char cell[6][CELL], why[512], more[768];
        const json_t *host = instance_of(status, cli_text(bus, "name"));
        const char *state = cli_text(host, "state");
        int running = strcmp(state, "running") == 0;
        lintel_table_row(
            t, (const char *[]){
                   cli_text(bus, "name"), cli_text(bus, "plugin"), cli_text(host, "isolation"),
                   running ? cli_text(bus, "state") : state, number(cell[0], bus, "things"),
                   number(cell[1], bus, "points"), number(cell[2], bus, "stale"),
                   number(cell[3], bus, "bad"), number(cell[4], bus, "values"),
                   number(cell[5], bus, "timeouts"),
                   and_file(bus, host, why_of(bus, host, why, sizeof why), more, sizeof more)});
    }
    lintel_table_print(t, stdout);
}

static void
print_transports(const json_t *status)
{
    static const struct lintel_column columns[] = {
        {"TRANSPORT", LINTEL_COLUMN_WHOLE, 0}, {"PLUGIN", LINTEL_COLUMN_WHOLE, 0},
        {"RUNS IN", LINTEL_COLUMN_CUT, 2},     {"STATE", LINTEL_COLUMN_WHOLE, 0},
        {"PID", LINTEL_COLUMN_RIGHT, 4},       {"RESTARTS", LINTEL_COLUMN_RIGHT, 3},
        {"WHY", LINTEL_COLUMN_WRAP, 0},        {0}};
    struct lintel_table *t = lintel_table_new(columns);
    size_t i, n = 0;
    json_t *transport;
    json_array_foreach(json_object_get(json_object_get(status, "daemon"), "transports"), i,
                       transport)
    {
        char cell[2][CELL];
        int inside = json_integer_value(json_object_get(transport, "pid")) == 0 &&
                     strcmp(cli_text(transport, "isolation"), "thread") == 0;
        lintel_table_row(
            t, (const char *[]){cli_text(transport, "transport"), cli_text(transport, "plugin"),
                                cli_text(transport, "isolation"), cli_text(transport, "state"),
                                inside ? "" : number(cell[0], transport, "pid"),
                                inside ? "" : number(cell[1], transport, "restarts"),
                                strcmp(cli_text(transport, "state"), "running") == 0
                                    ? ""
                                    : cli_text(transport, "reason")});
        n++;
    }
    if (n > 0)
        putchar('\n');
    lintel_table_print(t, stdout);
}

/* Devices that do not answer, one line each. */
static void
print_troubles(struct lintel_local_client *hub)
{
    static const char *const path[] = {"hub", "things", NULL};
    static const struct lintel_column columns[] = {{"THING", LINTEL_COLUMN_WHOLE, 0},
                                                   {"BUS", LINTEL_COLUMN_WHOLE, 0},
                                                   {"STATE", LINTEL_COLUMN_WHOLE, 0},
                                                   {"WHY", LINTEL_COLUMN_WRAP, 0},
                                                   {0}};
    json_t *things = cli_get_json(hub, path, NULL), *thing;
    struct lintel_table *t = lintel_table_new(columns);
    size_t i, bad = 0;
    json_array_foreach(things, i, thing)
    {
        if (strcmp(cli_text(thing, "state"), "ok") == 0)
            continue;
        lintel_table_row(t, (const char *[]){cli_text(thing, "id"), cli_text(thing, "bus"),
                                             cli_text(thing, "state"), cli_text(thing, "detail")});
        bad++;
    }
    if (bad != 0)
        putchar('\n');
    lintel_table_print(t, stdout);
    json_decref(things);
}

int
cli_status(struct cli *c)
{
    static const char *const path[] = {"hub", "status", NULL};
    if (c->argc > 1) {
        cli_say("status takes one bus");
        return CLI_USAGE;
    }
    if (c->argc == 1)
        return cli_status_bus(c, c->argv[0]);
    struct lintel_local_client *hub = cli_connect(c);
    if (hub == NULL)
        return CLI_NO_HUB;
    json_t *status = cli_get_json(hub, path, NULL);
    if (status != NULL && c->json) {
        cli_print_json(status);
    } else if (status != NULL) {
        char age[CELL];
        cli_age(age, sizeof age, json_number_value(json_object_get(status, "uptime")));
        cli_print(stdout, "%s: up %s, site %s\n\n", cli_text(status, "hub"), age,
                  cli_text(json_object_get(status, "daemon"), "site"));
        print_buses(status);
        print_transports(status);
        print_troubles(hub);
    }
    int failed = status == NULL;
    json_decref(status);
    lintel_local_close(hub);
    return failed ? CLI_FAILED : CLI_OK;
}

void
cli_print_problems(const json_t *problems)
{
    size_t i;
    json_t *p;
    json_array_foreach((json_t *)(uintptr_t)problems, i, p)
    {
        long long line = (long long)json_integer_value(json_object_get(p, "line"));
        cli_print(stderr, "%s", cli_text(p, "file"));
        if (line != 0)
            fprintf(stderr, ":%lld:%lld", line,
                    (long long)json_integer_value(json_object_get(p, "column")));
        cli_print(stderr, ": %s: %s\n", cli_text(p, "severity"), cli_text(p, "text"));
    }
}

int
cli_reload(struct cli *c)
{
    static const char *const path[] = {"hub", "reload", NULL};
    struct lintel_local_client *hub = cli_connect(c);
    json_t *answer = NULL;
    if (hub == NULL)
        return CLI_NO_HUB;
    int status = cli_request(hub, LINTEL_POST, path, FORMAT_JSON, NULL, &answer);
    if (c->json && answer != NULL) {
        cli_print_json(answer);
    } else if (status == CLI_OK && answer != NULL) {
        char cell[4][CELL];
        printf("taken in: %s added, %s changed, %s removed, %s untouched\n",
               number(cell[0], answer, "added"), number(cell[1], answer, "changed"),
               number(cell[2], answer, "removed"), number(cell[3], answer, "kept"));
    } else if (answer != NULL) {
        cli_print_problems(answer);
        cli_say("the site is refused; the running one goes on");
    }
    json_decref(answer);
    lintel_local_close(hub);
    return status;
}
