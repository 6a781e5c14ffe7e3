/* SPDX-License-Identifier: Apache-2.0
 * Finding and judging plugins. */
#ifndef LINTEL_PLUG_LOAD_H
#define LINTEL_PLUG_LOAD_H
#include "core/base/report.h"
#include "core/plug/library.h"

struct lintel_loader;
/* dirs: searched in this order for NAME.so (also NAME/NAME.so, the build tree's form).
 * LINTEL_PLUGIN_PATH (colon-separated) goes before them; LINTEL_PLUGIN_MAP=name=/path/x.so,..
 * before that. */
struct lintel_loader *lintel_loader_new(const char *const *dirs);
void lintel_loader_free(struct lintel_loader *l); /* what it gave stays */
/* From now on files are not opened here: this lintel-host tries each and tells of it
 * (core/plug/trial.h), and what _find gives has tables but no code. The text is borrowed. */
void lintel_loader_probe(struct lintel_loader *l, const char *host);
/* The plugins of this package, "plugins/file/file.so ..": whoever has such a name, and lies below
 * the loader's folders, came with the hub. NULL: all who lie there. Borrowed. */
void lintel_loader_package(struct lintel_loader *l, const char *list);
/* That question. The signature is that of lintel_site_source.plugin_own. */
int lintel_loader_is_own(void *loader, const lintel_plugin *p, const char *file);

/* Finds and checks one, once; NULL with the reason at `at`: not found (where was searched, the
 * nearest name), file or folder writable by others (which, and the chmod), not ELF, no entry
 * symbol, magic, ABI (wanted and found), tables that break the rules. The signature is that of
 * lintel_site_source.plugin, ctx being the loader. */
const lintel_plugin *lintel_loader_find(void *loader, const char *name, struct lintel_place at,
                                        const char **ret_file, struct lintel_report *report);
/* The code of a plugin that _find or _renew gave, for who is to run it inside of this process:
 * opens its file. wanted: somebody has asked for that in words; else only of those that came with
 * the hub. NULL with the reason. The signature is that of lintel_site_source.plugin_code. */
const lintel_plugin *lintel_loader_code(void *loader, const lintel_plugin *p, int wanted,
                                        char *reason, uint32_t size);
/* From now on the code of all plugins may run in this process. */
void lintel_loader_run_all(struct lintel_loader *l);
/* The file that _find would open for a name; 0: there is none. */
int lintel_loader_locate(void *loader, const char *name, char *ret, size_t size);
/* Names of all that lie in the path, by file name, sorted, NULL-terminated; the loader's. */
const char *const *lintel_loader_names(void *loader);
/* Looks for a name again, and at its file if another one lies there than the one that is known;
 * from then on _find gives the new one. What was given before goes on working. NULL with the
 * reason at `at`, and nothing has changed. */
const lintel_plugin *lintel_loader_renew(struct lintel_loader *l, const char *name,
                                         struct lintel_place at, const char **ret_file,
                                         struct lintel_report *report);
#endif
