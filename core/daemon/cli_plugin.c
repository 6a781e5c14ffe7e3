/* SPDX-License-Identifier: Apache-2.0
 * lintel plugin: what a plugin file says of itself, asked for in a throw-away process; new code for
 * a bus that runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "core/daemon/site_source.h"
#include "lintel/transport.h"

enum { FORMAT_JSON = 50 };

/* Runs lintel-host --inspect FILE; its output as JSON, or NULL after telling why. */
static json_t *
inspect(const struct cli *c, const char *file)
{
    int out[2];
    struct lintel_buf text = {.limit = 4 * 1024 * 1024};
    char piece[4096];
    json_error_t wrong;
    if (pipe(out) != 0) {
        cli_say("no pipe can be made: %s", strerror(errno));
        return NULL;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(c->paths.host, "lintel-host", "--inspect", file, (char *)NULL);
        fprintf(stderr, "lintel: %s can't be started: %s\n", c->paths.host, strerror(errno));
        _exit(127);
    }
    close(out[1]);
    for (ssize_t n;
         child > 0 && ((n = read(out[0], piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR));)
        lintel_buf_add(&text, piece, n > 0 ? (size_t)n : 0);
    close(out[0]);
    int status = 0;
    json_t *json = NULL;
    if (child < 0 || waitpid(child, &status, 0) != child)
        cli_say("no process can be started: %s", strerror(errno));
    else if (WIFSIGNALED(status))
        cli_say("%s: the plugin died of signal %d while it was looked at; don't use it", file,
                WTERMSIG(status));
    else if (WEXITSTATUS(status) == 0 &&
             (json = json_loadb(text.p ? text.p : "", text.n, 0, &wrong)) == NULL)
        cli_say("%s: lintel-host said nothing readable: %s", file, wrong.text);
    lintel_buf_fini(&text);
    return json;
}

static int
has_word(const json_t *words, const char *word)
{
    for (size_t i = 0; i < json_array_size(words); i++)
        if (strcmp(json_string_value(json_array_get(words, i)), word) == 0)
            return 1;
    return 0;
}

/* What it is for, and what it may be. */
static const char *
meaning_of(const json_t *field, struct lintel_buf *b)
{
    const json_t *choices = json_object_get(field, "choices");
    size_t n = json_array_size(choices);
    lintel_buf_reset(b);
    lintel_buf_adds(b, cli_text(field, "help"));
    for (size_t i = 0; i < n; i++)
        lintel_buf_addf(b, "%s%s%s",
                        i == 0      ? " One of "
                        : i + 1 < n ? ", "
                                    : " or ",
                        json_string_value(json_array_get(choices, i)), i + 1 < n ? "" : ".");
    return lintel_buf_str(b);
}

static void
print_fields(const char *title, const json_t *fields)
{
    static const struct lintel_column columns[] = {{"  KEY", LINTEL_COLUMN_WHOLE, 0},
                                                   {"TYPE", LINTEL_COLUMN_WHOLE, 0},
                                                   {"DEFAULT", LINTEL_COLUMN_CUT, 0},
                                                   {"MEANING", LINTEL_COLUMN_WRAP, 0},
                                                   {0}};
    struct lintel_table *t;
    size_t i;
    json_t *field;
    struct lintel_buf meaning = {0};
    if (json_array_size(fields) == 0)
        return;
    t = lintel_table_new(columns);
    printf("\n%s\n", title);
    json_array_foreach((json_t *)(uintptr_t)fields, i, field)
    {
        char name[80], type[200];
        const char *unit = cli_text(field, "unit");
        (void)lintel_format(name, sizeof name, "  %s", cli_text(field, "name"));
        (void)lintel_format(type, sizeof type, "%s%s%s%s", cli_text(field, "type"),
                            *unit ? " (" : "", unit, *unit ? ")" : "");
        lintel_table_row(t, (const char *[]){name, type,
                                             has_word(json_object_get(field, "flags"), "required")
                                                 ? "required"
                                                 : cli_text(field, "default"),
                                             meaning_of(field, &meaning)});
    }
    lintel_table_print(t, stdout);
    lintel_buf_fini(&meaning);
}

static int
print_plugin(struct cli *c, const char *file)
{
    json_t *entry = inspect(c, file), *plugin;
    size_t i;
    if (entry == NULL)
        return CLI_FAILED;
    if (c->json) {
        cli_print_json(entry);
        json_decref(entry);
        return CLI_OK;
    }
    json_array_foreach(json_object_get(entry, "plugins"), i, plugin)
    {
        cli_print(stdout, "%s %s - %s\n%s\n", cli_text(plugin, "name"), cli_text(plugin, "version"),
                  cli_text(plugin, "summary"), file);
        print_fields("Settings of a bus or transport:", json_object_get(plugin, "bus"));
        print_fields("Settings of a device (sdfContext):", json_object_get(plugin, "device"));
        print_fields("Address keys (sdfProtocolMap):", json_object_get(plugin, "address"));
    }
    json_decref(entry);
    return CLI_OK;
}

/* "modbus" as well as "/path/modbus.so". */
static int
file_of(struct lintel_site_reader *r, const char *name, char out[LINTEL_PATH_MOST])
{
    if (strchr(name, '/') != NULL)
        return lintel_copy(out, LINTEL_PATH_MOST, name);
    if (lintel_loader_locate(r->loader, name, out, LINTEL_PATH_MOST))
        return 1;
    const char *near = lintel_nearest(name, lintel_loader_names(r->loader));
    if (near != NULL)
        cli_say("there is no plugin \"%s\"; did you mean %s?", name, near);
    else
        cli_say("there is no plugin \"%s\"; 'lintel plugin list' shows them, and a file is named "
                "with its folder",
                name);
    return 0;
}

static int
list(struct cli *c, struct lintel_site_reader *reader)
{
    static const struct lintel_column columns[] = {{"PLUGIN", LINTEL_COLUMN_WHOLE, 0},
                                                   {"VERSION", LINTEL_COLUMN_WHOLE, 0},
                                                   {"SUMMARY", LINTEL_COLUMN_CUT, 0},
                                                   {"FILE", LINTEL_COLUMN_CUT, 0},
                                                   {0}};
    json_t *all = json_array();
    struct lintel_table *t = c->json ? NULL : lintel_table_new(columns);
    int status = CLI_OK;
    const char *const *names = lintel_loader_names(reader->loader);
    for (; names != NULL && *names != NULL; names++) {
        char file[LINTEL_PATH_MOST];
        json_t *entry = file_of(reader, *names, file) ? inspect(c, file) : NULL, *plugin;
        size_t i;
        if (entry == NULL)
            status = CLI_FAILED; /* told; the others are listed */
        json_array_foreach(json_object_get(entry, "plugins"), i, plugin)
        {
            json_object_set_new(plugin, "file", json_string(file));
            json_array_append(all, plugin);
            lintel_table_row(t,
                             (const char *[]){cli_text(plugin, "name"), cli_text(plugin, "version"),
                                              cli_text(plugin, "summary"), file});
        }
        json_decref(entry);
    }
    if (c->json) {
        cli_print_json(all);
    }
    lintel_table_print(t, stdout);
    json_decref(all);
    return status;
}

/* ---- reload ---------------------------------------------------------------------------------- */

static void
print_reloaded(const json_t *answer)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "buses"), i, row)
    {
        cli_print(stdout, "%s: %s %s -> %s", cli_text(row, "bus"), cli_text(row, "plugin"),
                  cli_text(row, "from"), cli_text(row, "to"));
        if (i == 0)
            printf(", in %.3f s\n", json_number_value(json_object_get(answer, "gap")));
        else
            puts(" (in the same process)");
    }
    long long changed = 0;
    static const char *const kinds[] = {"added", "changed", "removed"};
    for (size_t k = 0; k < LINTEL_COUNT(kinds); k++)
        changed += (long long)json_integer_value(json_object_get(answer, kinds[k]));
    if (changed != 0)
        printf("its settings or keys are others, so its things were read again: %lld changed\n",
               changed);
    json_array_foreach(json_object_get(answer, "others"), i, row)
        cli_print(stdout, "%s still runs another file of this plugin\n", json_string_value(row));
}

/* Whether the name is that of a transport, which people may take for a bus. */
static int
is_transport(struct lintel_local_client *hub, const char *name)
{
    static const char *const path[] = {"hub", "status", NULL};
    json_t *status = cli_get_json(hub, path, NULL), *row;
    size_t i;
    int bus = 0, transport = 0;
    json_array_foreach(json_object_get(status, "buses"), i, row) bus |=
        strcmp(cli_text(row, "name"), name) == 0;
    json_array_foreach(json_object_get(json_object_get(status, "daemon"), "transports"), i, row)
        transport |= strcmp(cli_text(row, "transport"), name) == 0;
    json_decref(status);
    return transport && !bus;
}

static int
reload(struct cli *c, const char *bus)
{
    const char *const path[] = {"hub", "buses", bus, "reload", NULL};
    struct lintel_local_client *hub = cli_connect(c);
    json_t *answer = NULL;
    if (hub == NULL)
        return CLI_NO_HUB;
    if (is_transport(hub, bus)) {
        cli_say(
            "%s is a transport; its plugin's new code comes with the next start of linteld, and "
            "only that of a bus without one",
            bus);
        lintel_local_close(hub);
        return CLI_FAILED;
    }
    int status = cli_request(hub, LINTEL_POST, path, FORMAT_JSON, NULL, &answer);
    if (c->json && answer != NULL) {
        cli_print_json(answer);
    } else if (status == CLI_OK && answer != NULL) {
        print_reloaded(answer);
    } else if (answer != NULL) {
        cli_print_problems(answer);
        cli_say("the plugin is not reloaded; the old one runs on");
    }
    json_decref(answer);
    lintel_local_close(hub);
    return status;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Becomes lintel-plugin-check, which lies beside this program, with the arguments that follow the
 * file. */
static int
check(struct cli *c, char file[LINTEL_PATH_MOST])
{
    char program[LINTEL_PATH_MOST];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char **argv = lintel_alloc_array((size_t)c->argc + 2, sizeof *argv);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (argv == NULL || slash == NULL ||
        !lintel_copy(slash + 1, sizeof program - (size_t)(slash + 1 - program),
                     "lintel-plugin-check")) {
        cli_say("lintel-plugin-check is not to be found");
        lintel_free(argv);
        return CLI_FAILED;
    }
    argv[0] = program;
    argv[1] = file;
    for (int i = 2; i < c->argc; i++)
        argv[i] = c->argv[i];
    execv(program, argv);
    cli_say("%s can't be started: %s", program, strerror(errno));
    lintel_free(argv);
    return CLI_FAILED;
}

int
cli_plugin(struct cli *c)
{
    char file[LINTEL_PATH_MOST];
    struct lintel_site_reader reader;
    int is_list = c->argc == 0 || (c->argc == 1 && strcmp(c->argv[0], "list") == 0);
    int is_check = c->argc >= 2 && strcmp(c->argv[0], "check") == 0;
    if (!is_check && cli_options_left(c)) /* the suite judges its own */
        return CLI_USAGE;
    if (c->argc == 2 && strcmp(c->argv[0], "reload") == 0)
        return reload(c, c->argv[1]);
    if (!is_list && !is_check && (c->argc != 2 || strcmp(c->argv[0], "inspect") != 0)) {
        cli_say(
            "plugin takes 'list', 'inspect' or 'check' and a plugin's name or file, or 'reload' "
            "and a bus");
        return CLI_USAGE;
    }
    if (lintel_site_reader_init(&reader, &c->paths, ".") != 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    int status = CLI_FAILED;
    if (is_list)
        status = list(c, &reader);
    else if (file_of(&reader, c->argv[1], file))
        status = is_check ? check(c, file) : print_plugin(c, file);
    lintel_site_reader_fini(&reader);
    return status;
}
