/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/trust/secret.h"

const char *
lintel_path_join(struct lintel_arena *a, const char *dir, const char *name)
{
    size_t n = strlen(dir), m = strlen(name);
    if (strcmp(dir, ".") == 0)
        return lintel_arena_strndup(a, name, m);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    char *path = lintel_arena_alloc(a, n + 1 + m + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, dir, n);
    path[n] = '/';
    memcpy(path + n + 1, name, m);
    return path;
}

const char *
lintel_path_absolute(struct lintel_arena *a, const char *dir)
{
    char here[4096];
    if (dir[0] == '/')
        return lintel_arena_strdup(a, dir);
    if (getcwd(here, sizeof here) == NULL)
        return NULL;
    return strcmp(dir, ".") == 0 ? lintel_arena_strdup(a, here) : lintel_path_join(a, here, dir);
}

static int
unreadable(const char *path, struct lintel_report *report)
{
    return lintel_error(report, (struct lintel_place){path, 0, 0}, "can't be read: %s",
                        strerror(errno));
}

/* Not more than `most` bytes, whatever the file does while it is read. */
static int
read_open(int fd, const char *path, size_t most, char **ret, size_t *ret_n,
          struct lintel_report *report)
{
    struct lintel_place at = {path, 0, 0};
    struct stat st;
    if (fstat(fd, &st) != 0)
        return unreadable(path, report);
    if (!S_ISREG(st.st_mode))
        return lintel_error(report, at, "is not a regular file");
    if (st.st_size < 0 || (uintmax_t)st.st_size > most)
        return lintel_error(report, at, "larger than %zu MiB; split it", most / 1024 / 1024);
    size_t room = (size_t)st.st_size, n = 0;
    char *text = lintel_alloc(room + 1);
    if (text == NULL)
        return lintel_error(report, at, "out of memory");
    while (n < room) {
        ssize_t got = read(fd, text + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            lintel_free(text);
            return unreadable(path, report);
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret = text;
    *ret_n = n;
    return 0;
}

static int
disk_read(void *ctx, const char *path, size_t most, char **ret, size_t *ret_n,
          struct lintel_report *report)
{
    (void)ctx;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? 1 : unreadable(path, report);
    int failed = read_open(fd, path, most, ret, ret_n, report);
    close(fd);
    return failed;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
is_folder(const char *dir, const char *name)
{
    char path[8192];
    struct stat st;
    return lintel_format(path, sizeof path, "%s/%s", dir, name) && stat(path, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

/* Names of an open folder into a growing array; 0, or -1 with the reason. */
static int
collect(DIR *d, const char *dir, char ***names, uint32_t *n, struct lintel_report *report)
{
    uint32_t room = 0;
    struct lintel_place at = {dir, 0, 0};
    for (struct dirent *e; (errno = 0, e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (*n == LINTEL_FILES_MOST)
            return lintel_error(report, at, "more than %d files in one folder", LINTEL_FILES_MOST);
        if (*n == room) {
            room = room ? room * 2 : 64;
            char **more = lintel_grow(*names, room, sizeof *more);
            if (more == NULL)
                return lintel_error(report, at, "out of memory");
            *names = more;
        }
        if (((*names)[*n] = lintel_strdup(e->d_name)) == NULL)
            return lintel_error(report, at, "out of memory");
        ++*n;
    }
    return errno == 0 ? 0 : unreadable(dir, report);
}

static int
disk_list(void *ctx, const char *dir, void (*each)(void *arg, const char *name, int is_folder),
          void *arg, struct lintel_report *report)
{
    (void)ctx;
    char **names = NULL;
    uint32_t n = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return errno == ENOENT ? 0 : unreadable(dir, report);
    int failed = collect(d, dir, &names, &n, report);
    closedir(d);
    if (!failed && n != 0)
        qsort(names, n, sizeof *names, by_name);
    for (uint32_t i = 0; i < n; i++) {
        if (!failed)
            each(arg, names[i], is_folder(dir, names[i]));
        lintel_free(names[i]);
    }
    lintel_free(names);
    return failed;
}

static int
disk_secret(void *ctx, const char *folder, const char *name, char *text, size_t *ret_n,
            char *reason, size_t size)
{
    (void)ctx;
    return lintel_secret_read(folder, name, text, ret_n, reason, size);
}

const struct lintel_site_files lintel_disk_files = {
    .read = disk_read, .list = disk_list, .secret = disk_secret};
