/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/judge.h"

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

/* 0, -1 where the file is too short, or an errno. */
static int
read_head(const char *file, unsigned char head[20])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
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
    int error = read_head(file, head);
    if (error > 0) {
        lintel_format(reason, size, "%s can't be opened: %s", file, strerror(error));
        return -1;
    }
    if (error != 0 || memcmp(head, ELFMAG, SELFMAG) != 0) {
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

int
lintel_library_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int
lintel_library_same_content(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
lintel_library_lost(const char *path, char *reason, uint32_t size)
{
    lintel_format(reason, size,
                  "%s was written over in place while it is in use: its old code is lost, and "
                  "the new one can't be opened beside it; put it there as a file of its own "
                  "(cp %s %s.new && mv %s.new %s)",
                  path, path, path, path, path);
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
        if (!lintel_library_same_file(&l->st, st))
            continue;
        if (lintel_library_same_content(&l->st, st))
            return l;
        lintel_library_lost(path, reason, size);
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

uint64_t
lintel_library_mark(const struct stat *st)
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
    return stat(file, &st) == 0 ? lintel_library_mark(&st) : 0;
}

uint64_t
lintel_loaded_mark(const lintel_plugin *p)
{
    uint64_t ret = 0;
    pthread_mutex_lock(&libraries_lock);
    for (const struct library *l = libraries; l != NULL && ret == 0; l = l->next)
        for (uint32_t i = 0; l->entry != NULL && i < l->entry->nplugins && ret == 0; i++)
            if (l->entry->plugins[i] == p)
                ret = lintel_library_mark(&l->st);
    pthread_mutex_unlock(&libraries_lock);
    return ret;
}

int
lintel_library_judge(const char *file, char path[PATH_MAX], struct stat *st, char *reason,
                     uint32_t size)
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
    if (lintel_library_judge(file, path, &st, reason, size) != 0)
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
