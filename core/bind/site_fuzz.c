/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a site: lintel.yaml, a model, a binding and things, with lines of ---- between them.
 * Read with its tests, and once more on top of itself. No disk is touched. */
#include "core/bind/fake_plugins.h"
#include "core/bind/site.h"
#include "lintel/transport.h"

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
    static const struct {
        const char *name, *text;
    } secrets[] = {{"broker", "geheim"},
                   {"key", "0x000102030405060708090a0b0c0d0eff"},
                   {"other", "7hG-e2Qx_94mT!vB"}};
    (void)ctx, (void)folder;
    for (size_t i = 0; i < LINTEL_COUNT(secrets); i++) {
        if (strcmp(secrets[i].name, name) != 0)
            continue;
        *ret_n = strlen(secrets[i].text);
        memcpy(text, secrets[i].text, *ret_n + 1);
        return 0;
    }
    (void)lintel_copy(reason, size, "there is no such secret");
    return -1;
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

/* Equal files, equal rights; and nobody who is not known may more than anybody. */
static void
ask(const struct lintel_rights *a, const struct lintel_rights *b)
{
    static const struct lintel_who whos[] = {{LINTEL_X_LOOPBACK, "", ""},
                                             {LINTEL_X_OPEN, "", ""},
                                             {LINTEL_X_SECURE, "a", "psk"},
                                             {LINTEL_X_SECURE, "a", "CN=x"},
                                             {0, "a", "psk"}};
    static const char *const zones[] = {"", "rooms", NULL};
    for (size_t i = 0; i < LINTEL_COUNT(whos); i++)
        for (size_t k = 0; k < LINTEL_COUNT(zones); k++)
            LINTEL_ASSERT(lintel_rights_of(a, &whos[i], zones[k]) ==
                          lintel_rights_of(b, &whos[i], zones[k]));
    LINTEL_ASSERT(lintel_rights_of(a, &whos[4], NULL) == 0);
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
    LINTEL_ASSERT((first->rights == NULL) == (second->rights == NULL));
    ask(first->rights, second->rights);
    lintel_site_unref(first);
    lintel_site_unref(second);
    return 0;
}
