/* SPDX-License-Identifier: Apache-2.0
 * lintel try: one address, read once. By the running hub, whose line it is; with --site DIR by this
 * command itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "core/daemon/site_source.h"
#include "core/daemon/try.h"
#include "lintel/transport.h"

#define SECOND INT64_C(1000000000)
enum { FORMAT_JSON = 50, SECONDS = 5, SECONDS_MOST = 60, START_SECONDS = 10, CELL = 600 };

/* ---- what is asked --------------------------------------------------------------------------- */

/* As it stands, if JSON knows it: numbers, lists, maps and the words of truth; else a text. */
static int
is_bare(const char *s)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", NULL};
    double number;
    if (*s == '[' || *s == '{' || lintel_parse_real(s, strlen(s), &number))
        return 1;
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], s) == 0)
            return 1;
    return 0;
}

/* KEY=VALUE.. as a map. -1: told. */
static int
keys_of(const struct cli *c, int first, struct lintel_buf *out)
{
    lintel_buf_addc(out, '{');
    for (int i = first; i < c->argc; i++) {
        const char *equals = strchr(c->argv[i], '=');
        if (equals == NULL || equals == c->argv[i]) {
            cli_say("\"%s\": write KEY=VALUE, as in unit=1 input=12 type=f32", c->argv[i]);
            return -1;
        }
        lintel_buf_adds(out, i != first ? "," : "");
        lintel_buf_add_json_str(out, c->argv[i], (size_t)(equals - c->argv[i]));
        lintel_buf_addc(out, ':');
        if (is_bare(equals + 1))
            lintel_buf_adds(out, equals + 1);
        else
            lintel_buf_add_json_str(out, equals + 1, strlen(equals + 1));
    }
    lintel_buf_addc(out, '}');
    return out->failed ? -1 : 0;
}

/* ---- what came ------------------------------------------------------------------------------- */

static void
print_bytes(const char *label, const char *hex)
{
    enum { BYTES_A_LINE = 20 };
    size_t n = (strlen(hex) + 1) / 3;
    for (size_t i = 0; i < n; i += BYTES_A_LINE)
        printf("%-10s%.*s\n", i == 0 ? label : "",
               (int)(3 * (n - i < BYTES_A_LINE ? n - i : BYTES_A_LINE) - 1), hex + 3 * i);
}

static void
print_guesses(const json_t *guesses)
{
    static const struct lintel_column columns[] = {{"TYPE", LINTEL_COLUMN_WHOLE, 0},
                                                   {"wordOrder=big", LINTEL_COLUMN_RIGHT, 0},
                                                   {"wordOrder=little", LINTEL_COLUMN_RIGHT, 0},
                                                   {0}};
    struct lintel_table *t = lintel_table_new(columns);
    char big[CELL], little[CELL];
    size_t i;
    json_t *g;
    json_array_foreach(guesses, i, g)
    {
        const json_t *next = json_array_get(guesses, i + 1);
        int pair = next != NULL && strcmp(cli_text(next, "type"), cli_text(g, "type")) == 0;
        if (strcmp(cli_text(g, "wordOrder"), "little") == 0)
            continue;
        cli_value(big, sizeof big, json_object_get(g, "value"));
        little[0] = '\0';
        if (pair)
            cli_value(little, sizeof little, json_object_get(next, "value"));
        lintel_table_row(t, (const char *[]){cli_text(g, "type"), big, little});
    }
    putchar('\n');
    lintel_table_print(t, stdout);
}

static int
show(const struct cli *c, const json_t *answer)
{
    char value[CELL];
    size_t i;
    json_t *m;
    int good = json_is_true(json_object_get(answer, "ok"));
    if (c->json) {
        cli_print_json(answer);
        return good ? CLI_OK : CLI_FAILED;
    }
    json_array_foreach(json_object_get(answer, "messages"), i, m) print_bytes(
        json_is_true(json_object_get(m, "out")) ? "sent" : "received", cli_text(m, "bytes"));
    printf("%-10s%.1f ms\n", "took", json_number_value(json_object_get(answer, "ms")));
    if (!good) {
        fflush(stdout);
        cli_say("%s", cli_text(answer, "detail"));
        return CLI_FAILED;
    }
    if (json_is_string(json_object_get(answer, "text"))) {
        char *text = lintel_strdup(cli_text(answer, "text"));
        printf("%-10s%s\n", "text", text != NULL ? cli_tame(text) : "");
        lintel_free(text);
    } else if (json_is_string(json_object_get(answer, "raw"))) {
        print_bytes("raw", cli_text(answer, "raw"));
    } else {
        cli_value(value, sizeof value, json_object_get(answer, "raw"));
        printf("%-10s%s\n", "raw", value);
    }
    if (json_object_get(answer, "guesses") != NULL) {
        print_guesses(json_object_get(answer, "guesses"));
        return CLI_OK;
    }
    if (*cli_text(answer, "reason") != '\0') {
        cli_say("%s", cli_text(answer, "reason"));
        return CLI_FAILED;
    }
    cli_value(value, sizeof value, json_object_get(answer, "value"));
    printf("%-10s%s  (%s)\n", "value", value, cli_text(answer, "as"));
    return CLI_OK;
}

/* ---- by the hub ------------------------------------------------------------------------------ */

static int
by_hub(const struct cli *c, const char *bus, const char *keys, int64_t seconds)
{
    char query[32];
    (void)lintel_format(query, sizeof query, "seconds=%lld", (long long)seconds);
    const char *const path[] = {"hub", "buses", bus, "try", NULL};
    const char *const arguments[] = {query, NULL};
    json_t *answer = NULL;
    struct lintel_local_client *hub = cli_connect(c);
    if (hub == NULL) {
        cli_say("without a hub: lintel try --site DIR %s ..", bus);
        return CLI_NO_HUB;
    }
    int status = cli_request_with(hub, LINTEL_POST, path, arguments, FORMAT_JSON, keys, &answer);
    lintel_local_close(hub);
    if (status == CLI_OK && answer != NULL)
        status = show(c, answer);
    json_decref(answer);
    return status;
}

/* ---- by itself ------------------------------------------------------------------------------- */

struct alone {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_plug *plug;
    struct lintel_instance *instance;
    json_t *answer;
    int done;
};

static void
on_done(void *ctx, struct lintel_buf *json)
{
    struct alone *a = ctx;
    a->done = 1;
    if (json != NULL)
        a->answer = json_loadb(json->p, json->n, 0, NULL);
}

/* It runs, or it never will. */
static int
is_settled(void *ctx)
{
    const struct alone *a = ctx;
    struct lintel_instance_stats s;
    lintel_instance_stats(a->instance, &s);
    return strcmp(s.state, "starting") != 0;
}

static int
is_done(void *ctx)
{
    return ((const struct alone *)ctx)->done;
}

static void
say_problems(const struct lintel_report *report, int with_place)
{
    struct lintel_buf place = {0};
    for (uint32_t i = 0; i < report->n; i++) {
        const struct lintel_problem *p = &report->problems[i];
        if (p->severity != LINTEL_PROBLEM_ERROR)
            continue;
        lintel_buf_reset(&place);
        lintel_problem_place(p, &place);
        cli_say("%s%s%s", with_place ? lintel_buf_str(&place) : "", with_place ? ": " : "",
                p->text != NULL ? p->text : "");
    }
    lintel_buf_fini(&place);
}

static int
ask_alone(struct alone *a, const char *keys, int64_t seconds)
{
    struct lintel_report report = {0};
    struct lintel_instance_stats s;
    (void)lintel_loop_until(a->loop, is_settled, a, START_SECONDS * SECOND);
    lintel_instance_stats(a->instance, &s);
    if (strcmp(s.state, "running") != 0) {
        cli_say("%s: %s", s.name, *s.reason != '\0' ? s.reason : "it does not start");
        return -1;
    }
    struct lintel_try *t =
        lintel_try_start(&(struct lintel_try_source){.engine = a->engine,
                                                     .instance = a->instance,
                                                     .keys = keys,
                                                     .nkeys = strlen(keys),
                                                     .within_ns = seconds * SECOND,
                                                     .done = on_done,
                                                     .ctx = a},
                         &report);
    say_problems(&report, 0);
    lintel_report_fini(&report);
    if (t == NULL)
        return -1;
    if (!lintel_loop_until(a->loop, is_done, a, (seconds + 3) * SECOND)) {
        lintel_try_leave(t);
        cli_say("the plugin does not answer");
    }
    return a->answer != NULL ? 0 : -1;
}

static int
on_site(const struct cli *c, struct lintel_site *site, const char *bus, const char *keys,
        int64_t seconds)
{
    struct alone a = {.loop = lintel_loop_new()};
    struct lintel_port conf = {0};
    int status = CLI_FAILED;
    for (uint32_t i = 0; i < site->nbuses; i++)
        if (strcmp(site->buses[i].name, bus) == 0)
            conf = site->buses[i];
    if (conf.code != NULL) /* else it stays in its cage */
        conf.isolation = LINTEL_ISOLATION_THREAD;
    a.engine = a.loop != NULL ? lintel_engine_new(a.loop, 1) : NULL;
    a.plug = a.engine != NULL
                 ? lintel_plug_new(&(struct lintel_plug_source){a.loop, a.engine, c->paths.host, 0})
                 : NULL;
    if (conf.name == NULL)
        cli_say("the site %s has no bus \"%s\"", site->dir, bus);
    else if (a.plug == NULL || (a.instance = lintel_plug_start_bus(a.plug, site, &conf)) == NULL)
        cli_say("out of memory");
    else if (ask_alone(&a, keys, seconds) == 0)
        status = show(c, a.answer);
    lintel_plug_free(a.plug);
    lintel_engine_free(a.engine);
    lintel_loop_free(a.loop);
    json_decref(a.answer);
    return status;
}

static int
by_itself(const struct cli *c, const char *dir, const char *bus, const char *keys, int64_t seconds)
{
    struct lintel_site_reader reader;
    struct lintel_report problems = {0};
    int status = CLI_FAILED;
    lintel_log_level(LINTEL_LOG_ERROR); /* what is wrong is told with the answer */
    if (lintel_site_reader_init(&reader, &c->paths, dir) != 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    struct lintel_site *site = lintel_site_read(&reader.source, &problems);
    if (site == NULL)
        say_problems(&problems, 1);
    else
        status = on_site(c, site, bus, keys, seconds);
    lintel_site_unref(site);
    lintel_site_reader_fini(&reader);
    lintel_report_fini(&problems);
    return status;
}

int
cli_try(struct cli *c)
{
    const char *dir = NULL, *text = NULL;
    int64_t seconds = SECONDS;
    struct lintel_buf keys = {0};
    int has = cli_option(c, "--seconds", &text);
    if (has < 0 || cli_option(c, "--site", &dir) < 0 || cli_options_left(c))
        return CLI_USAGE;
    if (has > 0 && (!lintel_parse_int(text, strlen(text), &seconds) || seconds < 1 ||
                    seconds > SECONDS_MOST)) {
        cli_say("--seconds: a whole number from 1 to %d", SECONDS_MOST);
        return CLI_USAGE;
    }
    if (c->argc < 2) {
        cli_say("try takes a bus and an address: lintel try line-1 unit=3 input=12 type=f32");
        return CLI_USAGE;
    }
    int status = CLI_USAGE;
    if (keys_of(c, 1, &keys) == 0)
        status = dir != NULL ? by_itself(c, dir, c->argv[0], lintel_buf_str(&keys), seconds)
                             : by_hub(c, c->argv[0], lintel_buf_str(&keys), seconds);
    lintel_buf_fini(&keys);
    return status;
}
