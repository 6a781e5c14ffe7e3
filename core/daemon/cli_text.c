/* SPDX-License-Identifier: Apache-2.0
 * What the commands say: values, ages, JSON, complaints. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"

char *
cli_tame(char *s)
{
    for (char *c = s; *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
            *c = ' ';
    return s;
}

void
cli_say(const char *format, ...)
{
    va_list args;
    struct lintel_buf text = {0};
    va_start(args, format);
    lintel_buf_addv(&text, format, args);
    va_end(args);
    lintel_buf_addc(&text, '\0');
    fprintf(stderr, "lintel: %s\n", text.failed ? "out of memory" : cli_tame(text.p));
    lintel_buf_fini(&text);
}

const char *
cli_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

void
cli_age(char *out, size_t size, double seconds)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 9.95)
        (void)lintel_format(out, size, "%.1f s", seconds);
    else if (seconds < 120)
        (void)lintel_format(out, size, "%.0f s", seconds);
    else if (seconds < 7200)
        (void)lintel_format(out, size, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600)
        (void)lintel_format(out, size, "%.0f h", seconds / 3600);
    else
        (void)lintel_format(out, size, "%.0f d", seconds / 86400);
}

void
cli_value(char *out, size_t size, const json_t *value)
{
    char number[LINTEL_REAL_TEXT];
    if (value == NULL || json_is_null(value)) {
        (void)lintel_copy(out, size, "-");
    } else if (json_is_string(value)) {
        (void)lintel_copy(out, size, json_string_value(value));
        (void)cli_tame(out);
    } else if (json_is_real(value)) {
        lintel_print_real(number, json_real_value(value));
        (void)lintel_copy(out, size, number);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | CLI_REALS);
        (void)lintel_copy(out, size, text ? text : "?");
        free(text);
    }
}

void
cli_print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(2) | CLI_REALS);
    puts(text ? text : "null");
    free(text);
}

int
cli_option(struct cli *c, const char *name, const char **ret)
{
    for (int i = 0; i < c->argc; i++) {
        if (strcmp(c->argv[i], name) != 0)
            continue;
        if (i + 1 == c->argc) {
            cli_say("%s needs a value", name);
            return -1;
        }
        *ret = c->argv[i + 1];
        for (int k = i + 2; k < c->argc; k++)
            c->argv[k - 2] = c->argv[k];
        c->argc -= 2;
        return 1;
    }
    return 0;
}

int
cli_take_flag(struct cli *c, const char *name)
{
    int i = 0;
    while (i < c->argc && strcmp(c->argv[i], name) != 0)
        i++;
    if (i == c->argc)
        return 0;
    for (c->argc--; i < c->argc; i++)
        c->argv[i] = c->argv[i + 1];
    return 1;
}

int
cli_options_left(const struct cli *c)
{
    for (int i = 0; i < c->argc; i++)
        if (strncmp(c->argv[i], "--", 2) == 0) {
            cli_say("there is no option \"%s\"; see 'lintel --help'", c->argv[i]);
            return 1;
        }
    return 0;
}
