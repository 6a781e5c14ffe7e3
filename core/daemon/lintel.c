/* SPDX-License-Identifier: Apache-2.0
 * lintel: the command line. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "core/daemon/version.h"

enum { HELP_COLUMN = 34 };

static const struct command {
    const char *name;
    int (*fn)(struct cli *c);
    const char *arguments, *help;
} commands[] = {
    {"check", cli_check, "[DIR] [--run-plugins]", "judge a site, run the tests in its bindings"},
    {"run", cli_run, "[DIR]", "run a hub in the foreground with this site"},
    {"status", cli_status, "[BUS]", "the hub, what is wrong; one bus in detail"},
    {"things", cli_things, "[WORD]", "the things, or those with WORD in a column"},
    {"directory", cli_directory, "[WORD]", "registered endpoints, things among them"},
    {"get", cli_get, "[THING[/PROPERTY]..]", "values"},
    {"set", cli_set, "THING/PROPERTY VALUE", "write a property"},
    {"invoke", cli_invoke, "THING/ACTION [VALUE]", "start an action"},
    {"watch", cli_watch, "[THING[/NAME]..]", "follow values and events as they come"},
    {"reload", cli_reload, "", "take changed files in"},
    {"audit", cli_audit, "[count=N] [thing=THING] [who=NAME]",
     "who wrote what, and what came of it"},
    {"try", cli_try, "BUS KEY=VALUE.. [--site DIR] [--seconds N]",
     "read one address once, before any binding"},
    {"record", cli_record, "BUS FILE [--seconds N]", "what goes over a bus, into a pcapng file"},
    {"replay", cli_replay, "FILE [DIR] [--bus NAME] [--quiet]", "what a site makes of a recording"},
    {"plugin", cli_plugin, "list | inspect|check FILE | reload BUS",
     "the plugins; one in detail; new code for a bus"},
    {"schema", cli_schema, "lintel.yaml|binding|things", "JSON Schema of a kind of file"},
};

static void
print_usage(void)
{
    puts("Usage: lintel [--run DIR] [--json] COMMAND [..]\n\nCommands:");
    for (size_t i = 0; i < LINTEL_COUNT(commands); i++) {
        char left[64];
        (void)lintel_format(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
        if (strlen(left) > HELP_COLUMN)
            printf("  %s\n  %-*s %s\n", left, HELP_COLUMN, "", commands[i].help);
        else
            printf("  %-*s %s\n", HELP_COLUMN, left, commands[i].help);
    }
    puts("\nOptions:\n"
         "  --run DIR    run folder of the hub to talk to (LINTEL_RUN) [" LINTEL_RUNDIR "]\n"
         "  --json       print JSON, for programs\n"
         "  --version, --help\n\n"
         "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no hub. See lintel(1).");
}

static const struct command *
find_command(const char *name)
{
    const char *names[LINTEL_COUNT(commands) + 1] = {0};
    for (size_t i = 0; i < LINTEL_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
        names[i] = commands[i].name;
    }
    const char *near = lintel_nearest(name, names);
    if (near != NULL)
        cli_say("there is no command \"%s\"; did you mean %s?", name, near);
    else
        cli_say("there is no command \"%s\"; see 'lintel --help'", name);
    return NULL;
}

/* These judge what begins with -- themselves. */
static int
has_own_options(const struct command *c)
{
    return c->fn == cli_check || c->fn == cli_record || c->fn == cli_replay || c->fn == cli_try ||
           c->fn == cli_plugin;
}

/* --json and --run DIR are also taken behind the command, up to "--". 1: --help stands there. */
static int
take_late_options(struct cli *c, int has_options)
{
    int kept = 0;
    for (int i = 0; i < c->argc; i++) {
        if (strcmp(c->argv[i], "--") == 0) {
            while (++i < c->argc)
                c->argv[kept++] = c->argv[i];
        } else if (strcmp(c->argv[i], "--json") == 0) {
            c->json = 1;
        } else if (strcmp(c->argv[i], "--run") == 0 && i + 1 < c->argc) {
            c->run = c->argv[++i];
        } else if (strcmp(c->argv[i], "--help") == 0) {
            return 1;
        } else if (!has_options && strncmp(c->argv[i], "--", 2) == 0) {
            cli_say("there is no option \"%s\"; see 'lintel --help'", c->argv[i]);
            return -1;
        } else {
            c->argv[kept++] = c->argv[i];
        }
    }
    c->argc = kept;
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"run", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct cli c = {0};
    int option;
    signal(SIGPIPE, SIG_DFL);
    if (lintel_paths_find(&c.paths) != 0) {
        cli_say("the path of this installation is too long");
        return CLI_FAILED;
    }
    c.run = c.paths.run;
    /* "+": a value may begin with a minus, so options end where the command begins. */
    while ((option = getopt_long(argc, argv, "+hj", longs, NULL)) != -1) {
        switch (option) {
        case 'r': c.run = optarg; break;
        case 'j': c.json = 1; break;
        case 'V': puts("lintel " LINTEL_VERSION); return CLI_OK;
        case 'h': print_usage(); return CLI_OK;
        default: fputs("Try 'lintel --help'.\n", stderr); return CLI_USAGE;
        }
    }
    if (optind == argc) {
        print_usage();
        return CLI_USAGE;
    }
    const struct command *command = find_command(argv[optind]);
    if (command == NULL)
        return CLI_USAGE;
    c.argc = argc - optind - 1;
    c.argv = argv + optind + 1;
    int late = take_late_options(&c, has_own_options(command));
    if (late > 0)
        printf("Usage: lintel %s%s%s\n%s; see lintel(1)\n", command->name,
               *command->arguments ? " " : "", command->arguments, command->help);
    if (late != 0)
        return late > 0 ? CLI_OK : CLI_USAGE;
    return command->fn(&c);
}
