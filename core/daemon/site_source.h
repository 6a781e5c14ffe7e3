/* SPDX-License-Identifier: Apache-2.0
 * How the programs read a site: with the plugins, models and bindings of this installation. */
#ifndef LINTEL_DAEMON_SITE_SOURCE_H
#define LINTEL_DAEMON_SITE_SOURCE_H
#include "core/bind/site.h"
#include "core/daemon/paths.h"
#include "core/plug/load.h"

struct lintel_site_reader {
    const char *model_dirs[2], *binding_dirs[2], *plugin_dirs[2];
    struct lintel_loader *loader;
    struct lintel_site_source source; /* the caller may set before, progress, run_tests */
};
/* The paths must outlive the reader. -1: out of memory. */
int lintel_site_reader_init(struct lintel_site_reader *r, const struct lintel_paths *paths,
                            const char *dir);
void lintel_site_reader_fini(struct lintel_site_reader *r);
#endif
