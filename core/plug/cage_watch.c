/* SPDX-License-Identifier: Apache-2.0
 * A cage allows files, not names: when a certificate is renewed by a new file of the same name, the
 * process has to start anew to read it. The folders of such files are watched, so that it is known.
 */
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/plug/cage_lock.h"

/* Names are looked up in this file, which is replaced when the network changes. */
static const char resolver[] = "/etc/resolv.conf";

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void
watch_file(struct lintel_cage_watch *w, const char *path)
{
    char folder[PATH_MAX];
    const char *name = last_part(path);
    struct stat st;
    if (!lintel_copy(folder, sizeof folder, path) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
        return;
    folder[name - path] = '\0';
    int number = inotify_add_watch(w->fd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (number < 0)
        return;
    w->files[w->n].folder = number;
    w->files[w->n].path = path;
    w->n++;
}

int
lintel_cage_watch_init(struct lintel_cage_watch *w, const struct lintel_cage *c)
{
    *w = (struct lintel_cage_watch){.fd = -1};
    w->files = lintel_alloc_array(c->npaths + 1u, sizeof *w->files);
    if (w->files == NULL)
        return -1;
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0) /* there are few of them, and they are not necessary */
        return 0;
    for (uint32_t i = 0; i < c->npaths; i++) {
        const char *name = last_part(c->paths[i].path);
        size_t n = strlen(name);
        /* A plugin's file is another matter: who replaces it says when it is to be used. */
        if (!c->paths[i].device && (n < 3 || strcmp(name + n - 3, ".so") != 0))
            watch_file(w, c->paths[i].path);
    }
    if (c->needs & LINTEL_NEED_NETWORK)
        watch_file(w, resolver);
    return 0;
}

void
lintel_cage_watch_fini(struct lintel_cage_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    lintel_free(w->files);
    *w = (struct lintel_cage_watch){.fd = -1};
}

static const char *
find(const struct lintel_cage_watch *w, int folder, const char *name)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (w->files[i].folder == folder && strcmp(last_part(w->files[i].path), name) == 0)
            return w->files[i].path;
    return NULL;
}

const char *
lintel_cage_watch_replaced(struct lintel_cage_watch *w)
{
    char some[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    const char *ret = NULL;
    ssize_t n;
    while (w->fd >= 0 && (n = read(w->fd, some, sizeof some)) > 0) {
        for (ssize_t at = 0; at < n;) {
            struct inotify_event e;
            memcpy(&e, some + at, sizeof e);
            if (e.len != 0 && ret == NULL)
                ret = find(w, e.wd, some + at + sizeof e);
            at += (ssize_t)(sizeof e + e.len);
        }
    }
    return ret;
}
