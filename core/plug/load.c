/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/judge.h"
#include "core/plug/probe.h"

enum { REASON_MOST = 512 };

/* ---- one file -------------------------------------------------------------------------------- */

/* Code that somebody else can change is that somebody's code. */
static int
judge_owner(const char *what, const char *path, const struct stat *st, char *reason, uint32_t size)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        lintel_format(
            reason, size,
            "%s %s belongs to user %ld, neither to root nor to the hub's user %ld: chown it", what,
            path, (long)st->st_uid, (long)geteuid());
        return -1;
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        lintel_format(reason, size, "%s %s may be written to by others (mode %04o): chmod go-w %s",
                      what, path, (unsigned)(st->st_mode & 07777), path);
        return -1;
    }
    return 0;
}

static int
judge_folder(const char *file, char *reason, uint32_t size)
{
    char folder[PATH_MAX];
    struct stat st;
    if (!lintel_copy(folder, sizeof folder, file))
        return -1;
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        lintel_copy(folder, sizeof folder, ".");
    else
        slash[slash == folder] = '\0';
    if (stat(folder, &st) != 0) {
        lintel_format(reason, size, "folder %s: %s", folder, strerror(errno));
        return -1;
    }
    return judge_owner("folder", folder, &st, reason, size);
}

/* n bytes from `at` on: 0, or -1 where the file has fewer. */
static int
read_at(int fd, void *p, size_t n, off_t at)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(fd, (char *)p + have, n - have, at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        have += (size_t)got;
    }
    return 0;
}

static int
read_head(const char *file, unsigned char head[20])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = read_at(fd, head, 20, 0);
    close(fd);
    return failed;
}

/* dlopen maps what the headers promise; the first touch of a page that a half copied file does not
 * have would end the process. */
static int
is_whole(const char *file, off_t length)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    int ok = fd >= 0 && read_at(fd, &head, sizeof head, 0) == 0 && head.e_phentsize == sizeof part;
    for (unsigned i = 0; ok && i < head.e_phnum; i++) {
        off_t at = (off_t)head.e_phoff + (off_t)i * (off_t)sizeof part;
        ok = read_at(fd, &part, sizeof part, at) == 0 &&
             (part.p_type != PT_LOAD || (part.p_offset <= (uint64_t)length &&
                                         part.p_filesz <= (uint64_t)length - part.p_offset));
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

/* dlopen's own message about such files speaks of headers and magic; this one is for people. */
static int
judge_elf(const char *file, off_t length, char *reason, uint32_t size)
{
    unsigned char head[20], own[20];
    if (read_head(file, head) != 0 || memcmp(head, ELFMAG, SELFMAG) != 0) {
        lintel_format(reason, size, "%s is not a shared object (it has no ELF header)", file);
        return -1;
    }
    if (read_head("/proc/self/exe", own) == 0 &&
        (head[EI_CLASS] != own[EI_CLASS] || head[EI_DATA] != own[EI_DATA] ||
         memcmp(head + 18, own + 18, 2) != 0)) {
        lintel_format(reason, size, "%s was built for another kind of processor", file);
        return -1;
    }
    uint16_t type;
    memcpy(&type, head + 16, sizeof type);
    if (type != ET_DYN) {
        lintel_format(reason, size, "%s is not a shared object: link it with -shared", file);
        return -1;
    }
    if (!is_whole(file, length)) {
        lintel_format(reason, size, "%s is cut off: its end is missing; copy it again", file);
        return -1;
    }
    return 0;
}

/* ---- what is open ---------------------------------------------------------------------------- */

struct library { /* never closed */
    struct library *next;
    const lintel_entry *entry; /* NULL: it is no plugin of ours */
    struct stat st;            /* when it was opened */
    char path[];
};
static pthread_mutex_t libraries_lock = PTHREAD_MUTEX_INITIALIZER;
static struct library *libraries; /* the newest first */

static int
same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int
same_content(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* dlopen knows a library by its name before it looks at the file, and would give the old one for
 * ever: each new file in an old one's place gets a spelling of the path that was not used before.
 */
static int
spell(const char *path, char out[PATH_MAX])
{
    struct lintel_buf b = {.limit = PATH_MAX};
    const char *name = strrchr(path, '/') + 1; /* it is a real path */
    lintel_buf_add(&b, path, (size_t)(name - path));
    for (const struct library *l = libraries; l != NULL; l = l->next)
        if (strcmp(l->path, path) == 0)
            lintel_buf_adds(&b, "./");
    lintel_buf_adds(&b, name);
    int fits = !b.failed && lintel_copy(out, PATH_MAX, lintel_buf_str(&b));
    lintel_buf_fini(&b);
    return fits;
}

/* With the lock held. NULL with the reason. */
static const struct library *
open_library(const char *path, const struct stat *st, char *reason, uint32_t size)
{
    char name[PATH_MAX];
    for (const struct library *l = libraries; l != NULL; l = l->next) {
        if (!same_file(&l->st, st))
            continue;
        if (same_content(&l->st, st))
            return l;
        lintel_format(reason, size,
                      "%s was written over in place while it is in use: its old code is lost, and "
                      "the new one can't be opened beside it; put it there as a file of its own "
                      "(cp %s %s.new && mv %s.new %s)",
                      path, path, path, path, path);
        return NULL;
    }
    struct library *l = lintel_alloc(sizeof *l + strlen(path) + 1);
    if (l == NULL || !spell(path, name)) {
        lintel_format(reason, size, "%s", l == NULL ? "out of memory" : "its path is too long");
        lintel_free(l);
        return NULL;
    }
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *error = dlerror();
        lintel_format(reason, size, "it can't be opened: %s", error ? error : path);
        lintel_free(l);
        return NULL;
    }
    memcpy(l->path, path, strlen(path) + 1);
    l->st = *st;
    l->entry = dlsym(library, LINTEL_ENTRY_SYMBOL);
    l->next = libraries;
    libraries = l;
    return l;
}

static uint64_t
mark_of(const struct stat *st)
{
    const uint64_t parts[] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino,
                              (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_size};
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < LINTEL_COUNT(parts); i++)
        for (unsigned bit = 0; bit < 64; bit += 8)
            h = (h ^ (parts[i] >> bit & 0xff)) * 0x100000001b3u;
    return h != 0 ? h : 1;
}

uint64_t
lintel_load_mark(const char *file)
{
    struct stat st;
    return stat(file, &st) == 0 ? mark_of(&st) : 0;
}

uint64_t
lintel_loaded_mark(const lintel_plugin *p)
{
    uint64_t ret = 0;
    pthread_mutex_lock(&libraries_lock);
    for (const struct library *l = libraries; l != NULL && ret == 0; l = l->next)
        for (uint32_t i = 0; l->entry != NULL && i < l->entry->nplugins && ret == 0; i++)
            if (l->entry->plugins[i] == p)
                ret = mark_of(&l->st);
    pthread_mutex_unlock(&libraries_lock);
    return ret;
}

/* All that can be said of it without running its code. path: the real one. */
static int
judge_file(const char *file, char path[PATH_MAX], struct stat *st, char *reason, uint32_t size)
{
    /* The real path, so that a symbolic link in a safe folder does not lead to code in an unsafe
     * one. */
    if (realpath(file, path) == NULL || stat(path, st) != 0) {
        lintel_format(reason, size, "%s: %s", file, strerror(errno));
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        lintel_format(reason, size, "%s is not a file", path);
        return -1;
    }
    return judge_owner("plugin", path, st, reason, size) != 0 ||
                   judge_folder(path, reason, size) != 0 ||
                   judge_elf(path, st->st_size, reason, size) != 0
               ? -1
               : 0;
}

const lintel_entry *
lintel_load_file(const char *file, char *reason, uint32_t size)
{
    char path[PATH_MAX], why[REASON_MOST];
    struct stat st;
    if (judge_file(file, path, &st, reason, size) != 0)
        return NULL;
    pthread_mutex_lock(&libraries_lock);
    const struct library *library = open_library(path, &st, reason, size);
    pthread_mutex_unlock(&libraries_lock);
    if (library == NULL)
        return NULL;
    const lintel_entry *entry = library->entry;
    if (entry == NULL) {
        lintel_format(reason, size,
                      "%s is no plugin of this hub: it exports no " LINTEL_ENTRY_SYMBOL
                      " (LINTEL_PLUGIN_ENTRY of lintel/plugin.h makes one)",
                      path);
        return NULL;
    }
    if (lintel_judge_entry(entry, why, sizeof why) != 0) {
        lintel_format(reason, size, "%s: %s", path, why);
        return NULL;
    }
    return entry;
}

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

struct probed { /* a file that was tried */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    char reason[REASON_MOST]; /* ""; it is good */
};

struct lintel_loader {
    const char *host;         /* tries files first; NULL: nobody */
    const char *package;      /* names of its plugins; NULL: all in `own` */
    struct names own;         /* folders of this package */
    struct lintel_map probed; /* by path: struct probed */
    struct names dirs;        /* in the order of search */
    struct names map;         /* "name=/path/x.so" */
    struct names found;       /* of lintel_loader_names */
    struct lintel_map opened; /* by name: struct opened */
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
    for (size_t it = 0; lintel_map_next(&l->probed, &it, &slot);)
        lintel_free(slot->value);
    lintel_map_fini(&l->probed);
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

/* Where name's file lies; 0 if nowhere. */
static int
locate(const struct lintel_loader *l, const char *name, char ret[PATH_MAX])
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

/* ---- before a file is opened ----------------------------------------------------------------- */

void
lintel_loader_probe(struct lintel_loader *l, const char *host)
{
    l->host = host;
}

static int
is_same(const struct probed *p, const struct stat *st)
{
    return p->device == st->st_dev && p->inode == st->st_ino && p->size == st->st_size &&
           p->changed.tv_sec == st->st_mtim.tv_sec && p->changed.tv_nsec == st->st_mtim.tv_nsec;
}

/* Whether its code may run here: 0, or -1 with the reason. */
static int
try_first(struct lintel_loader *l, const char *file, char *reason, uint32_t size)
{
    char path[PATH_MAX];
    struct stat st;
    if (l->host == NULL)
        return 0;
    if (judge_file(file, path, &st, reason, size) != 0)
        return -1;
    struct probed *p = lintel_map_get(&l->probed, path, strlen(path));
    if (p == NULL) {
        p = lintel_alloc(sizeof *p);
        if (p == NULL || lintel_map_put(&l->probed, path, strlen(path), p) != 0) {
            lintel_free(p);
            lintel_copy(reason, size, "out of memory");
            return -1;
        }
    }
    if (!is_same(p, &st)) {
        *p = (struct probed){st.st_dev, st.st_ino, st.st_size, st.st_mtim, ""};
        int result = lintel_probe(l->host, path, p->reason, sizeof p->reason);
        lintel_copy(reason, size, p->reason);
        if (result == LINTEL_PROBE_KILLED)
            p->inode = 0; /* another time it may be let live */
        return result == 0 ? 0 : -1;
    }
    lintel_copy(reason, size, p->reason);
    return p->reason[0] == '\0' ? 0 : -1;
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

/* ---- finding -------------------------------------------------------------------------------- */

/* Finds a name's file and opens it; NULL: reported. */
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
    const lintel_entry *e = try_first(l, file, reason, sizeof reason) == 0
                                ? lintel_load_file(file, reason, sizeof reason)
                                : NULL;
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
