/* SPDX-License-Identifier: Apache-2.0
 * Finding, judging and opening plugins. What is opened is never closed. */
#ifndef LINTEL_PLUG_LOAD_H
#define LINTEL_PLUG_LOAD_H
#include "core/base/report.h"
#include "lintel/plugin.h"

struct lintel_loader;
/* dirs: searched in this order for NAME.so (also NAME/NAME.so, the build tree's form).
 * LINTEL_PLUGIN_PATH (colon-separated) goes before them; LINTEL_PLUGIN_MAP=name=/path/x.so,..
 * before that. */
struct lintel_loader *lintel_loader_new(const char *const *dirs);
void lintel_loader_free(struct lintel_loader *l); /* libraries stay open */
/* From now on each file is tried by this lintel-host first (core/plug/probe.h), once as long as it
 * is the same file. The text is borrowed. */
void lintel_loader_probe(struct lintel_loader *l, const char *host);
/* The plugins of this package, "plugins/file/file.so ..": whoever has such a name, and lies below
 * the loader's folders, came with the hub. NULL: all who lie there. Borrowed. */
void lintel_loader_package(struct lintel_loader *l, const char *list);
/* That question. The signature is that of lintel_site_source.plugin_own. */
int lintel_loader_is_own(void *loader, const lintel_plugin *p, const char *file);

/* Opens and checks one, once; NULL with the reason at `at`: not found (where was searched, the
 * nearest name), file or folder writable by others (which, and the chmod), not ELF, no entry
 * symbol, magic, ABI (wanted and found), tables that break the rules. The signature is that of
 * lintel_site_source.plugin, ctx being the loader. */
const lintel_plugin *lintel_loader_find(void *loader, const char *name, struct lintel_place at,
                                        const char **ret_file, struct lintel_report *report);
/* The file that _find would open for a name; 0: there is none. */
int lintel_loader_locate(void *loader, const char *name, char *ret, size_t size);
/* Names of all that lie in the path, by file name, sorted, NULL-terminated; the loader's. */
const char *const *lintel_loader_names(void *loader);
/* Looks for a name again, and opens its file if another one lies there than the one that is open;
 * from then on _find gives the new one. What was opened before goes on working. NULL with the
 * reason at `at`, and nothing has changed. */
const lintel_plugin *lintel_loader_renew(struct lintel_loader *l, const char *name,
                                         struct lintel_place at, const char **ret_file,
                                         struct lintel_report *report);
/* Opens one file; for lintel-host and `lintel plugin inspect`. Another file in the place of one
 * that is open (another inode) is opened beside it; one that was written over in place is refused.
 * Any thread. */
const lintel_entry *lintel_load_file(const char *file, char *reason, uint32_t size);

/* Tells a file from another one that was put in its place or written over it: device, inode, time
 * of change, size. 0: there is no such file. Looks at the disk. Any thread. */
uint64_t lintel_load_mark(const char *file);
/* The mark that the file of an opened plugin had then; 0: it came from no file. Any thread. */
uint64_t lintel_loaded_mark(const lintel_plugin *p);
#endif
