/* SPDX-License-Identifier: Apache-2.0
 * What is made of the plugins' tables at build time; the same rows parse the user's files, so it
 * can't disagree with the parser. tables ports|address TEMPLATE PLUGIN.so.. >PAGE        manual
 * pages tables schema lintel.yaml|binding|things PLUGIN.so..   JSON Schemas */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/site.h"
#include "core/plug/load.h"

static void
print_section(const lintel_plugin *p, const char *title, const lintel_field *table,
              struct lintel_buf *out)
{
    if (lintel_fields_count(table) == 0)
        return;
    lintel_buf_addf(out, ".SS %s: %s\n", p->name, title);
    lintel_fields_man(table, out);
}

static int
print_tables(const char *which, char *const *files)
{
    struct lintel_buf out = {0};
    char reason[400];
    for (; *files != NULL; files++) {
        const lintel_entry *entry = lintel_load_file(*files, reason, sizeof reason);
        if (entry == NULL) {
            fprintf(stderr, "tables: %s\n", reason);
            return 1;
        }
        for (uint32_t i = 0; i < entry->nplugins; i++) {
            const lintel_plugin *p = entry->plugins[i];
            if (strcmp(which, "ports") == 0) {
                print_section(p,
                              p->flags & LINTEL_PLUGIN_TRANSPORT ? "settings of a transport"
                                                                 : "settings of a bus",
                              p->bus, &out);
                print_section(p, "settings of a device (sdfContext)", p->device, &out);
            } else {
                print_section(p, "address keys", p->address, &out);
            }
        }
    }
    fputs(lintel_buf_str(&out), stdout);
    lintel_buf_fini(&out);
    return 0;
}

/* The hub's own tables, by the line that stands for them. 0: the line stands for none. */
static int
print_own(const char *line)
{
    static const struct {
        const char *line;
        const lintel_field *table;
    } own[] = {{"@DIRECTORY@\n", lintel_directory_table},
               {"@IDENTITIES@\n", lintel_identity_table},
               {"@RIGHTS@\n", lintel_right_table},
               {"@AUDIT@\n", lintel_audit_table}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct lintel_buf out = {0};
        if (strcmp(line, own[i].line) != 0)
            continue;
        lintel_fields_man(own[i].table, &out);
        fputs(lintel_buf_str(&out), stdout);
        lintel_buf_fini(&out);
        return 1;
    }
    return 0;
}

enum { PLUGINS_MOST = 256 };

static int
print_schema(const char *which, char *const *files)
{
    const lintel_plugin *plugins[PLUGINS_MOST];
    struct lintel_buf out = {0};
    char reason[400];
    uint32_t n = 0;
    for (; *files != NULL; files++) {
        const lintel_entry *entry = lintel_load_file(*files, reason, sizeof reason);
        if (entry == NULL) {
            fprintf(stderr, "tables: %s\n", reason);
            return 1;
        }
        for (uint32_t i = 0; i < entry->nplugins && n < PLUGINS_MOST; i++)
            plugins[n++] = entry->plugins[i];
    }
    int failed = lintel_schema_print(which, plugins, n, &out) != 0;
    puts(lintel_buf_str(&out));
    lintel_buf_fini(&out);
    return failed;
}

int
main(int argc, char **argv)
{
    char line[4096];
    int failed = 0;
    if (argc > 2 && strcmp(argv[1], "schema") == 0)
        return print_schema(argv[2], argv + 3);
    FILE *page = argc > 2 ? fopen(argv[2], "r") : NULL;
    if (page == NULL) {
        fputs("Usage: tables ports|address TEMPLATE PLUGIN.so..\n"
              "       tables schema lintel.yaml|binding|things PLUGIN.so..\n",
              stderr);
        return 2;
    }
    while (fgets(line, sizeof line, page) != NULL) {
        if (strcmp(line, "@TABLES@\n") == 0)
            failed |= print_tables(argv[1], argv + 3);
        else if (!print_own(line))
            fputs(line, stdout);
    }
    fclose(page);
    return failed;
}
