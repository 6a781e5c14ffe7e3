/* SPDX-License-Identifier: Apache-2.0
 * The command line: what its commands share. Each command is a function that returns the program's
 * exit status. */
#ifndef LINTEL_DAEMON_CLI_H
#define LINTEL_DAEMON_CLI_H
#include <jansson.h>

#include "core/daemon/paths.h"
#include "core/daemon/table.h"
#include "core/serve/local_client.h"

enum { /* exit statuses; lintel(1) */
       CLI_OK = 0,
       CLI_FAILED = 1, /* the hub, a device or a check said no */
       CLI_USAGE = 2,
       CLI_NO_HUB = 3
};

/* With all 17 digits, 21.3 would be shown as 21.300000000000001. */
#define CLI_REALS JSON_REAL_PRECISION(15)

struct cli {
    struct lintel_paths paths;
    const char *run; /* --run, or the default */
    int json;        /* --json */
    int argc;        /* the command's own arguments */
    char **argv;
};

int cli_check(struct cli *c);
int cli_run(struct cli *c);
int cli_status(struct cli *c);
int cli_status_bus(struct cli *c, const char *bus);
int cli_reload(struct cli *c);
int cli_audit(struct cli *c);
int cli_things(struct cli *c);
int cli_directory(struct cli *c);
int cli_get(struct cli *c);
int cli_set(struct cli *c);
int cli_invoke(struct cli *c);
int cli_watch(struct cli *c);
int cli_plugin(struct cli *c);
int cli_try(struct cli *c);
int cli_record(struct cli *c);
int cli_replay(struct cli *c);
int cli_schema(struct cli *c);

/* Takes `--name VALUE` off the command's arguments: 1, 0 if it is not there, -1 after telling that
 * its value is missing. */
int cli_option(struct cli *c, const char *name, const char **ret);
/* Takes a flag like "--quiet" off the arguments; whether it was there. */
int cli_take_flag(struct cli *c, const char *name);
/* Whether an option is left that no command knows; told. */
int cli_options_left(const struct cli *c);
/* What devices, peers and files say must not steer the terminal: all of it is printed by these two,
 * which leave ends of lines and tabs in it, and by tables. cli_say: one line on stderr, "lintel:
 * ..".
 */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A connection to the hub, or NULL after telling what to do about it. */
struct lintel_local_client *cli_connect(const struct cli *c);

/* GET of a management resource as JSON; NULL after telling the hub's reason. path: segments,
 * query: "name=value", each NULL-terminated; query may be NULL. */
json_t *cli_get_json(struct lintel_local_client *hub, const char *const *path,
                     const char *const *query);
/* A listing: the rows of a management resource, those with a word in them if one is given. *ret
 * NULL: there is nothing to be shown any more (with --json it was printed), and the result is the
 * program's status. */
int cli_list(const struct cli *c, const char *const *path, const char *const *query,
             const char *word, json_t **ret);
/* Any request with a JSON body (or NULL); *ret: the answer's JSON or NULL. CLI_OK, or CLI_FAILED
 * after telling the reason that came with the answer. */
int cli_request(struct lintel_local_client *hub, uint32_t method, const char *const *path,
                int32_t accept, const char *body, json_t **ret);

/* The same with a query. */
int cli_request_with(struct lintel_local_client *hub, uint32_t method, const char *const *path,
                     const char *const *query, int32_t accept, const char *body, json_t **ret);

/* Starts to observe; *ret_id marks its answers. */
int cli_observe(struct lintel_local_client *hub, const char *const *path, int32_t accept,
                uint64_t *ret_id);
/* The next answer to any observation: its id, its JSON (new reference; NULL: the observation has
 * ended, with the reason told). -1: the hub is gone. */
int cli_next(struct lintel_local_client *hub, uint64_t *ret_id, json_t **ret);

const char *cli_text(const json_t *object, const char *member); /* "" if it is none */
/* "4 s", "2 min", "3 h": seconds for people. */
void cli_age(char *out, size_t size, double seconds);
/* file:line:column of each problem, on standard error. */
void cli_print_problems(const json_t *problems);
/* On standard output: indented; in a line. */
void cli_print_json(const json_t *value);
void cli_print_json_line(const json_t *value);
/* A value as people read it: 21.5, heat, {"a":1}. */
void cli_value(char *out, size_t size, const json_t *value);

/* "thing/prop" or "thing/Object/p/prop" or "thing": the path segments in the tree. NULL after
 * telling which name is unknown and the nearest. The row of /hub/values it was found by goes to
 * *ret_row (new reference). */
struct cli_target {
    char *segments[16]; /* d, thing, object, p, name, NULL */
    char *text;         /* what the segments point into */
    json_t *row;        /* the affordance's row; NULL for a whole thing */
};
int cli_target_find(struct lintel_local_client *hub, const char *name, struct cli_target *ret);
void cli_target_fini(struct cli_target *t);
#endif
