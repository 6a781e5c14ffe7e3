/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a site: lintel.yaml, a model, a binding and things, with lines of ---- between them.
 * Read with its tests, and once more on top of itself. No disk is touched. */
#include "core/bind/fake_plugins.h"
#include "core/bind/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {"/s/lintel.yaml", "/s/models/m.sdf.json",
                                    "/s/bindings/b.sdf-supplement.yaml", "/s/things/t.yaml"};
static struct lintel_str parts[LINTEL_COUNT(paths)];

static int
part_read(void *ctx, const char *path, size_t most, char **ret, size_t *ret_n,
          struct lintel_report *report)
{
    (void)ctx, (void)most, (void)report;
    for (size_t i = 0; i < LINTEL_COUNT(paths); i++) {
        if (strcmp(path, paths[i]) != 0)
            continue;
        *ret = lintel_strndup(parts[i].p ? parts[i].p : "", parts[i].n);
        *ret_n = parts[i].n;
        return *ret != NULL ? 0 : -1;
    }
    return 1;
}

static int
part_list(void *ctx, const char *dir, void (*each)(void *arg, const char *name, int is_folder),
          void *arg, struct lintel_report *report)
{
    (void)ctx, (void)report;
    for (size_t i = 1; i < LINTEL_COUNT(paths); i++)
        if (strncmp(paths[i], dir, strlen(dir)) == 0)
            each(arg, paths[i] + strlen(dir) + 1, 0);
    return 0;
}

static int
part_secret(void *ctx, const char *folder, const char *name, char *text, size_t *ret_n,
            char *reason, size_t size)
{
    (void)ctx, (void)folder;
    if (strcmp(name, "broker") != 0) {
        (void)lintel_copy(reason, size, "there is no such secret");
        return -1;
    }
    memcpy(text, "geheim", 7);
    *ret_n = 6;
    return 0;
}

static void
split(const uint8_t *data, size_t size)
{
    static const char line[] = "\n----\n";
    const char *p = (const char *)data;
    memset(parts, 0, sizeof parts);
    for (size_t i = 0; i < LINTEL_COUNT(parts); i++) {
        const char *end = size ? memmem(p, size, line, sizeof line - 1) : NULL;
        parts[i] = (struct lintel_str){p, end && i + 1 < LINTEL_COUNT(parts) ? (size_t)(end - p) + 1
                                                                             : size};
        if (end == NULL)
            break;
        size -= (size_t)(end - p) + sizeof line - 1;
        p = end + sizeof line - 1;
    }
}

static struct lintel_site *
read_once(const struct lintel_site *before)
{
    static const struct lintel_site_files files = {NULL, part_read, part_list, part_secret};
    struct lintel_report report = {0};
    struct lintel_site_source s = {.dir = "/s",
                                   .plugin = fake_plugin,
                                   .plugin_names = fake_plugin_names,
                                   .before = before,
                                   .run_tests = 1,
                                   .files = &files};
    struct lintel_site *site = lintel_site_read(&s, &report);
    LINTEL_ASSERT((site == NULL) == (report.errors != 0));
    lintel_report_fini(&report);
    return site;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    split(data, size);
    struct lintel_site *first = read_once(NULL);
    if (first == NULL)
        return 0;
    struct lintel_site *second = read_once(first);
    LINTEL_ASSERT(second != NULL && first->nthings == second->nthings);
    for (uint32_t i = 0; i < first->nthings; i++) {
        LINTEL_ASSERT(first->things[i].profile == second->things[i].profile);
        LINTEL_ASSERT(memcmp(first->things[i].digest, second->things[i].digest, 16) == 0);
    }
    lintel_site_unref(first);
    lintel_site_unref(second);
    return 0;
}
