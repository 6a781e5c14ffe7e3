/* SPDX-License-Identifier: Apache-2.0
 * lintel check, run, schema: what needs a site's files but no running hub. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/bind/site.h"
#include "core/daemon/cli.h"
#include "core/daemon/site_source.h"
#include "core/engine/plan.h"

static void
show_progress(void *ctx, const char *what, uint32_t done, uint32_t of)
{
    (void)ctx;
    fprintf(stderr, "\r%-20s %u of %u ", what, done, of);
    if (done == of)
        fputs("\r\033[K", stderr);
}

static void
print_problems(const struct lintel_report *report)
{
    struct lintel_buf place = {0};
    for (uint32_t i = 0; i < report->n; i++) {
        const struct lintel_problem *p = &report->problems[i];
        lintel_buf_reset(&place);
        lintel_problem_place(p, &place);
        printf("%s: %s: %s\n", lintel_buf_str(&place),
               p->severity == LINTEL_PROBLEM_ERROR ? "error" : "warning", p->text ? p->text : "");
    }
    if (report->errors + report->warnings > report->n)
        printf("... and %u more\n", report->errors + report->warnings - report->n);
    lintel_buf_fini(&place);
}

/* What the bindings map, as `lintel status` counts it. */
static uint32_t
count_points(const struct lintel_site *site)
{
    uint32_t points = 0;
    for (uint32_t i = 0; i < site->nthings; i++) {
        const struct lintel_profile *p = site->things[i].profile;
        for (uint32_t k = 0; k < p->n; k++)
            points += p->bound[k].mapped != 0;
    }
    return points;
}

/* What each bus needs of its time: above 100 % a warning at the bus' place, else a line of its own.
 */
static void
add_plans(const struct lintel_site *site, struct lintel_report *report, struct lintel_buf *notes,
          struct lintel_buf *json)
{
    for (uint32_t i = 0; site != NULL && i < site->nbuses; i++) {
        struct lintel_bus_plan plan;
        struct lintel_buf text = {0};
        char reason[LINTEL_REASON];
        int planned = lintel_plan_bus(site, &site->buses[i], &plan, reason);
        if (planned < 0)
            lintel_warning(report, site->buses[i].at, "what bus %s needs can't be told: %s",
                           site->buses[i].name, reason);
        if (planned <= 0)
            continue;
        lintel_plan_say(&plan, &text);
        if (plan.needs > 1)
            lintel_warning(report, site->buses[i].at, "%s", lintel_buf_str(&text));
        else
            lintel_buf_addf(notes, "%s%s\n", plan.needs * 100 > LINTEL_PLAN_MUCH ? "note: " : "",
                            lintel_buf_str(&text));
        lintel_buf_adds(json, json->n == 0 ? "" : ",");
        lintel_plan_json(&plan, json);
        lintel_buf_fini(&text);
    }
}

static void
print_verdict(const struct cli *c, const char *dir, const struct lintel_site *site,
              struct lintel_report *report)
{
    struct lintel_buf notes = {0}, plans = {0};
    add_plans(site, report, &notes, &plans);
    lintel_report_sort(report);
    if (c->json) {
        struct lintel_buf json = {0};
        lintel_buf_addf(&json, "{\"ok\":%s,\"errors\":%u,\"warnings\":%u,\"problems\":",
                        site ? "true" : "false", report->errors, report->warnings);
        lintel_report_json(report, &json);
        lintel_buf_addf(&json, ",\"plans\":[%s]}", lintel_buf_str(&plans));
        puts(lintel_buf_str(&json));
        lintel_buf_fini(&json);
        lintel_buf_fini(&notes);
        lintel_buf_fini(&plans);
        return;
    }
    print_problems(report);
    fputs(lintel_buf_str(&notes), stdout);
    lintel_buf_fini(&notes);
    lintel_buf_fini(&plans);
    if (site == NULL)
        printf("%s: refused, %u error%s%s\n", dir, report->errors, report->errors == 1 ? "" : "s",
               report->warnings ? " (and warnings)" : "");
    else
        printf("%s: good. %u thing%s with %u point%s on %u bus%s, %u transport%s\n", dir,
               site->nthings, site->nthings == 1 ? "" : "s", count_points(site),
               count_points(site) == 1 ? "" : "s", site->nbuses, site->nbuses == 1 ? "" : "es",
               site->ntransports, site->ntransports == 1 ? "" : "s");
}

int
cli_check(struct cli *c)
{
    int runs_all = cli_take_flag(c, "--run-plugins");
    const char *dir = c->argc > 0 ? c->argv[0] : "/etc/lintel";
    struct lintel_site_reader reader;
    struct lintel_report report = {0};
    if (cli_options_left(c))
        return CLI_USAGE;
    if (c->argc > 1) {
        cli_say("check takes one folder");
        return CLI_USAGE;
    }
    if (lintel_site_reader_init(&reader, &c->paths, dir) != 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    reader.source.run_tests = 1;
    if (runs_all)
        lintel_loader_run_all(reader.loader);
    if (isatty(STDERR_FILENO) && !c->json)
        reader.source.progress = show_progress;
    struct lintel_site *site = lintel_site_read(&reader.source, &report);
    print_verdict(c, dir, site, &report);
    int status = site != NULL ? CLI_OK : CLI_FAILED;
    lintel_site_unref(site);
    lintel_site_reader_fini(&reader);
    lintel_report_fini(&report);
    return status;
}

/* Runs linteld in the foreground, with run and state folders beside the site unless --run says
 * otherwise. */
int
cli_run(struct cli *c)
{
    const char *dir = c->argc > 0 ? c->argv[0] : "/etc/lintel";
    char run[LINTEL_PATH_MOST], state[LINTEL_PATH_MOST];
    struct stat st;
    if (c->argc > 1) {
        cli_say("run takes one folder");
        return CLI_USAGE;
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        cli_say("%s is no folder; give the folder of a lintel.yaml", dir);
        return CLI_USAGE;
    }
    if (!lintel_format(state, sizeof state, "%s/state", c->run) ||
        !lintel_copy(run, sizeof run, c->run)) {
        cli_say("the path %s is too long", c->run);
        return CLI_USAGE;
    }
    (void)mkdir(run, 0750); /* linteld tells what is wrong with it */
    execl(c->paths.daemon, "linteld", "--site", dir, "--run", run, "--state", state, (char *)NULL);
    cli_say("%s can't be started; is Lintel installed whole?", c->paths.daemon);
    return CLI_FAILED;
}

enum { PLUGINS_MOST = 256 };

int
cli_schema(struct cli *c)
{
    static const char *const kinds[] = {"lintel.yaml", "binding", "things", NULL};
    const lintel_plugin *plugins[PLUGINS_MOST];
    struct lintel_site_reader reader;
    struct lintel_report report = {0};
    struct lintel_buf json = {0};
    uint32_t n = 0;
    if (c->argc != 1) {
        cli_say("schema takes one of: lintel.yaml, binding, things");
        return CLI_USAGE;
    }
    if (lintel_site_reader_init(&reader, &c->paths, ".") != 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    const char *const *names = lintel_loader_names(reader.loader);
    for (; names != NULL && *names != NULL && n < PLUGINS_MOST; names++) {
        const char *file;
        plugins[n] = lintel_loader_find(reader.loader, *names, (struct lintel_place){*names, 0, 0},
                                        &file, &report);
        n += plugins[n] != NULL;
    }
    int status = CLI_OK;
    if (lintel_schema_print(c->argv[0], plugins, n, &json) == 0) {
        puts(lintel_buf_str(&json));
    } else {
        const char *near = lintel_nearest(c->argv[0], kinds);
        cli_say("there is no schema \"%s\"%s%s%s", c->argv[0], near ? "; did you mean " : "",
                near ? near : "", near ? "?" : "");
        status = CLI_USAGE;
    }
    lintel_buf_fini(&json);
    lintel_report_fini(&report);
    lintel_site_reader_fini(&reader);
    return status;
}
