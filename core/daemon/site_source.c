/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/site_source.h"

#include "core/plug/taped.h"

int
lintel_site_reader_init(struct lintel_site_reader *r, const struct lintel_paths *paths,
                        const char *dir)
{
    *r = (struct lintel_site_reader){
        .model_dirs = {paths->schemas, NULL},
        .binding_dirs = {paths->bindings, NULL},
        .plugin_dirs = {paths->plugins, NULL},
    };
    r->loader = lintel_loader_new(r->plugin_dirs);
    if (r->loader == NULL)
        return -1;
    lintel_loader_probe(r->loader, paths->host);
    lintel_loader_package(r->loader, paths->build_tree ? NULL : LINTEL_PACKAGE);
    r->source = (struct lintel_site_source){
        .dir = dir,
        .model_dirs = r->model_dirs,
        .binding_dirs = r->binding_dirs,
        .plugin = lintel_loader_find,
        .plugin_own = lintel_loader_is_own,
        .plugin_code = lintel_loader_code,
        .plugin_names = lintel_loader_names,
        .plugin_ctx = r->loader,
        .player = &lintel_player,
    };
    return 0;
}

void
lintel_site_reader_fini(struct lintel_site_reader *r)
{
    lintel_loader_free(r->loader);
    *r = (struct lintel_site_reader){0};
}
