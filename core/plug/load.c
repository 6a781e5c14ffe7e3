/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/library.h"
#include "core/plug/trial.h"

enum { REASON_MOST = 512 };

/* ---- all that lie in the path ---------------------------------------------------------------- */

struct opened { /* a plugin of a file that was opened */
    const lintel_plugin *plugin;
    char *file;
    struct opened *before; /* what had the name before; sites still name its file */
};

struct names { /* NULL-terminated */
    char **list;
    size_t n;
};

struct lintel_loader {
    const char *host;         /* tries files; NULL: they are opened here */
    const char *package;      /* names of its plugins; NULL: all in `own` */
    struct names own;         /* folders of this package */
    struct names dirs;        /* in the order of search */
    struct names map;         /* "name=/path/x.so" */
    struct names found;       /* of lintel_loader_names */
    struct lintel_map opened; /* by name: struct opened */
    int runs_all;             /* lintel_loader_run_all() */
};

static int
names_add(struct names *s, const char *p, size_t n)
{
    char **list = lintel_grow(s->list, s->n + 2, sizeof *list);
    if (list == NULL)
        return -1;
    s->list = list;
    list[s->n] = list[s->n + 1] = NULL;
    if ((list[s->n] = lintel_strndup(p, n)) == NULL)
        return -1;
    s->n++;
    return 0;
}

static void
names_fini(struct names *s)
{
    for (size_t i = 0; i < s->n; i++)
        lintel_free(s->list[i]);
    lintel_free(s->list);
    *s = (struct names){0};
}

static int
names_split(struct names *s, const char *text, char by)
{
    while (text != NULL && *text != '\0') {
        const char *stop = strchr(text, by);
        size_t n = stop ? (size_t)(stop - text) : strlen(text);
        if (n != 0 && names_add(s, text, n) != 0)
            return -1;
        text += n + (stop != NULL);
    }
    return 0;
}

struct lintel_loader *
lintel_loader_new(const char *const *dirs)
{
    struct lintel_loader *l = lintel_alloc(sizeof *l);
    if (l == NULL)
        return NULL;
    int bad = names_split(&l->map, getenv("LINTEL_PLUGIN_MAP"), ',') != 0 ||
              names_split(&l->dirs, getenv("LINTEL_PLUGIN_PATH"), ':') != 0;
    for (; !bad && *dirs != NULL; dirs++)
        bad = names_add(&l->dirs, *dirs, strlen(*dirs)) != 0 ||
              names_add(&l->own, *dirs, strlen(*dirs)) != 0;
    if (bad) {
        lintel_loader_free(l);
        return NULL;
    }
    return l;
}

void
lintel_loader_free(struct lintel_loader *l)
{
    if (l == NULL)
        return;
    const struct lintel_map_slot *slot;
    for (size_t it = 0; lintel_map_next(&l->opened, &it, &slot);) {
        for (struct opened *o = slot->value, *before; o != NULL; o = before) {
            before = o->before;
            lintel_free(o->file);
            lintel_free(o);
        }
    }
    lintel_map_fini(&l->opened);
    names_fini(&l->own);
    names_fini(&l->dirs);
    names_fini(&l->map);
    names_fini(&l->found);
    lintel_free(l);
}

static int
is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static int
search(const struct lintel_loader *l, const char *name, char ret[PATH_MAX])
{
    size_t n = strlen(name);
    for (size_t i = 0; i < l->map.n; i++)
        if (strncmp(l->map.list[i], name, n) == 0 && l->map.list[i][n] == '=')
            return lintel_copy(ret, PATH_MAX, l->map.list[i] + n + 1);
    for (size_t i = 0; i < l->dirs.n; i++) {
        if (lintel_format(ret, PATH_MAX, "%s/%s.so", l->dirs.list[i], name) && is_file(ret))
            return 1;
        if (lintel_format(ret, PATH_MAX, "%s/%s/%s.so", l->dirs.list[i], name, name) &&
            is_file(ret))
            return 1;
    }
    return 0;
}

/* Where name's file lies; 0 if nowhere. A path that counts from a folder of the hub's says nothing
 * to a child, and nothing to its cage. */
static int
locate(const struct lintel_loader *l, const char *name, char ret[PATH_MAX])
{
    char here[PATH_MAX], found[PATH_MAX];
    if (!search(l, name, ret))
        return 0;
    if (ret[0] == '/')
        return 1;
    lintel_copy(found, sizeof found, ret);
    return getcwd(here, sizeof here) != NULL && lintel_format(ret, PATH_MAX, "%s/%s", here, found);
}

int
lintel_loader_locate(void *loader, const char *name, char *ret, size_t size)
{
    char file[PATH_MAX];
    return locate(loader, name, file) && lintel_copy(ret, size, file);
}

static int
not_found(struct lintel_loader *l, const char *name, struct lintel_place at,
          struct lintel_report *report)
{
    struct lintel_buf where = {0};
    for (size_t i = 0; i < l->dirs.n; i++)
        lintel_buf_addf(&where, "%s%s", i == 0 ? "" : ", ", l->dirs.list[i]);
    const char *near = lintel_nearest(name, lintel_loader_names(l));
    lintel_error(report, at, "no plugin \"%s\": there is no %s.so in %s%s%s%s", name, name,
                 l->dirs.n ? lintel_buf_str(&where)
                           : "an empty search path (set LINTEL_PLUGIN_PATH)",
                 near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    lintel_buf_fini(&where);
    return -1;
}

static int
put_opened(struct lintel_loader *l, const lintel_plugin *p, const char *file)
{
    struct opened *o = lintel_alloc(sizeof *o);
    char *copy = lintel_strdup(file);
    if (o != NULL && copy != NULL) {
        *o = (struct opened){p, copy, lintel_map_get(&l->opened, p->name, strlen(p->name))};
        if (lintel_map_put(&l->opened, p->name, strlen(p->name), o) == 0)
            return 0;
    }
    lintel_free(o);
    lintel_free(copy);
    return -1;
}

/* Notes the plugins of an opened file. One whose name is taken by another file is an error,
 * whichever of them was wanted: which one ran would hang on the order of buses. again: the wanted
 * one is looked for anew, and its file may have moved. */
static int
take_in(struct lintel_loader *l, const lintel_entry *e, const char *name, const char *file,
        int again, struct lintel_place at, struct lintel_report *report)
{
    int has = 0;
    for (uint32_t i = 0; i < e->nplugins; i++) {
        const char *own = e->plugins[i]->name;
        const struct opened *before = lintel_map_get(&l->opened, own, strlen(own));
        has |= strcmp(own, name) == 0;
        if (before != NULL && strcmp(before->file, file) != 0 && (!again || strcmp(own, name) != 0))
            return lintel_error(report, at,
                                "plugin %s: the name \"%s\" is already taken by %s; remove one "
                                "of the two",
                                file, own, before->file);
    }
    if (!has)
        return lintel_error(report, at,
                            "plugin %s holds no plugin named \"%s\" but \"%s\"; a file has the "
                            "name of its plugin",
                            file, name, e->plugins[0]->name);
    for (uint32_t i = 0; i < e->nplugins; i++) {
        const char *own = e->plugins[i]->name;
        const struct opened *before = lintel_map_get(&l->opened, own, strlen(own));
        if (before != NULL && before->plugin == e->plugins[i] && strcmp(before->file, file) == 0)
            continue;
        if (put_opened(l, e->plugins[i], file) != 0)
            return lintel_error(report, at, "out of memory");
    }
    return 0;
}

/* ---- whose it is ----------------------------------------------------------------------------- */

void
lintel_loader_probe(struct lintel_loader *l, const char *host)
{
    l->host = host;
}

void
lintel_loader_run_all(struct lintel_loader *l)
{
    l->runs_all = 1;
}

void
lintel_loader_package(struct lintel_loader *l, const char *list)
{
    l->package = list;
}

static int
lies_below(const char *file, const char *folder)
{
    char path[PATH_MAX], real[PATH_MAX];
    if (realpath(file, path) == NULL || realpath(folder, real) == NULL)
        return 0;
    size_t n = strlen(real);
    return strncmp(path, real, n) == 0 && path[n] == '/';
}

/* "plugins/file/file.so plugins/mqtt/mqtt.so": whether one of them is called so. */
static int
is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
        if ((at == list || at[-1] == '/' || at[-1] == ' ') && strncmp(at + n, ".so", 3) == 0 &&
            (at[n + 3] == ' ' || at[n + 3] == '\0'))
            return 1;
    return 0;
}

int
lintel_loader_is_own(void *loader, const lintel_plugin *p, const char *file)
{
    const struct lintel_loader *l = loader;
    if (l->package != NULL && !is_listed(l->package, p->name))
        return 0;
    for (size_t i = 0; i < l->own.n; i++)
        if (lies_below(file, l->own.list[i]))
            return 1;
    return 0;
}

const lintel_plugin *
lintel_loader_code(void *loader, const lintel_plugin *p, int wanted, char *reason, uint32_t size)
{
    const struct lintel_loader *l = loader;
    const struct opened *o = lintel_map_get(&l->opened, p->name, strlen(p->name));
    while (o != NULL && o->plugin != p)
        o = o->before;
    if (l->host == NULL || wanted || l->runs_all ||
        (o != NULL && lintel_loader_is_own(loader, p, o->file)))
        return lintel_trial_code(p, reason, size);
    lintel_copy(
        reason, size,
        "it did not come with the hub, so its code runs in a process of its own only, or here "
        "with 'lintel check --run-plugins'");
    return NULL;
}

/* ---- finding -------------------------------------------------------------------------------- */

/* Finds a name's file and what it says of itself; NULL: reported. */
static const struct opened *
look(struct lintel_loader *l, const char *name, int again, struct lintel_place at,
     struct lintel_report *report)
{
    char file[PATH_MAX], reason[REASON_MOST];
    /* A name from a file must not become a path. */
    if (name[0] == '\0' || strchr(name, '/') != NULL || !locate(l, name, file)) {
        not_found(l, name, at, report);
        return NULL;
    }
    const lintel_entry *e = l->host != NULL ? lintel_trial(l->host, file, reason, sizeof reason)
                                            : lintel_load_file(file, reason, sizeof reason);
    if (e == NULL) {
        lintel_error(report, at, "plugin \"%s\" is refused: %s", name, reason);
        return NULL;
    }
    if (take_in(l, e, name, file, again, at, report) != 0)
        return NULL;
    return lintel_map_get(&l->opened, name, strlen(name));
}

const lintel_plugin *
lintel_loader_find(void *loader, const char *name, struct lintel_place at, const char **ret_file,
                   struct lintel_report *report)
{
    struct lintel_loader *l = loader;
    const struct opened *o = lintel_map_get(&l->opened, name, strlen(name));
    if (o == NULL && (o = look(l, name, 0, at, report)) == NULL)
        return NULL;
    if (ret_file != NULL)
        *ret_file = o->file;
    return o->plugin;
}

const lintel_plugin *
lintel_loader_renew(struct lintel_loader *l, const char *name, struct lintel_place at,
                    const char **ret_file, struct lintel_report *report)
{
    const struct opened *o = look(l, name, 1, at, report);
    if (o != NULL && ret_file != NULL)
        *ret_file = o->file;
    return o != NULL ? o->plugin : NULL;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
ends_in_so(const char *s, size_t *ret_stem)
{
    size_t n = strlen(s);
    if (n < 4 || strcmp(s + n - 3, ".so") != 0)
        return 0;
    *ret_stem = n - 3;
    return 1;
}

static void
list_folder(struct lintel_loader *l, const char *folder)
{
    DIR *d = opendir(folder);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[PATH_MAX];
        size_t stem = strlen(e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if ((ends_in_so(e->d_name, &stem) &&
             lintel_format(path, sizeof path, "%s/%s", folder, e->d_name) && is_file(path)) ||
            (lintel_format(path, sizeof path, "%s/%s/%s.so", folder, e->d_name, e->d_name) &&
             is_file(path)))
            names_add(&l->found, e->d_name, stem);
    }
    if (d != NULL)
        closedir(d);
}

const char *const *
lintel_loader_names(void *loader)
{
    static const char *const none[] = {NULL};
    struct lintel_loader *l = loader;
    names_fini(&l->found);
    for (size_t i = 0; i < l->map.n; i++) {
        const char *equals = strchr(l->map.list[i], '=');
        if (equals != NULL)
            names_add(&l->found, l->map.list[i], (size_t)(equals - l->map.list[i]));
    }
    for (size_t i = 0; i < l->dirs.n; i++)
        list_folder(l, l->dirs.list[i]);
    if (l->found.n == 0)
        return none;
    qsort(l->found.list, l->found.n, sizeof *l->found.list, by_text);
    size_t kept = 1;
    for (size_t i = 1; i < l->found.n; i++) {
        if (strcmp(l->found.list[i], l->found.list[kept - 1]) == 0)
            lintel_free(l->found.list[i]);
        else
            l->found.list[kept++] = l->found.list[i];
    }
    l->found.n = kept;
    l->found.list[kept] = NULL;
    return (const char *const *)l->found.list;
}
