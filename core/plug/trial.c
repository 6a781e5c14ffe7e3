/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/trial.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/bind/tables.h"
#include "core/plug/library.h"
#include "core/plug/probe.h"
#include "core/plug/told.h"

enum { REASON_MOST = 512 };

struct tried {
    struct tried *next;
    const lintel_entry *told;   /* NULL: it is refused */
    struct lintel_arena *arena; /* of told */
    const lintel_entry *code;   /* NULL: not opened here */
    struct stat st;             /* when it was tried */
    int fd;                     /* keeps its inode from being another file's; -1: nothing does */
    int gone;                   /* another one lies there now */
    char reason[REASON_MOST];   /* of the refusal */
    char path[];                /* the real one */
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tried *all; /* the newest first */

/* With the lock held: what is known of the file. A refusal counts for the very same one only. */
static struct tried *
find(const char *path, const struct stat *st)
{
    for (struct tried *t = all; t != NULL; t = t->next)
        if (!t->gone && lintel_library_same_file(&t->st, st) &&
            ((t->told != NULL && t->fd >= 0) ||
             (lintel_library_same_content(&t->st, st) && strcmp(t->path, path) == 0)))
            return t;
    return NULL;
}

static void
let_go(struct tried *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    t->gone = 1;
}

static void
free_tried(struct tried *t)
{
    let_go(t);
    lintel_arena_free(t->arena);
    lintel_free(t);
}

/* With the lock held: another file lies at this path. What the older one has told is kept, why one
 * was refused is not. */
static void
forget(const char *path)
{
    for (struct tried **at = &all; *at != NULL;) {
        struct tried *t = *at;
        if (strcmp(t->path, path) == 0 && t->told == NULL) {
            *at = t->next;
            free_tried(t);
            continue;
        }
        if (strcmp(t->path, path) == 0)
            let_go(t);
        at = &t->next;
    }
}

static const lintel_entry *
verdict(const struct tried *t, const struct stat *st, char *reason, uint32_t size)
{
    if (lintel_library_same_content(&t->st, st)) {
        lintel_copy(reason, size, t->reason);
        return t->told;
    }
    lintel_library_lost(t->path, reason, size);
    return NULL;
}

/* Keeps a verdict, unless another thread has kept one meanwhile, and returns the one that counts.
 */
static const lintel_entry *
keep(struct tried *t, const char *path, char *reason, uint32_t size)
{
    pthread_mutex_lock(&lock);
    const struct tried *other = find(path, &t->st);
    const lintel_entry *ret = t->told;
    if (other != NULL) {
        ret = verdict(other, &t->st, reason, size);
        free_tried(t);
    } else {
        forget(path);
        t->next = all;
        all = t;
    }
    pthread_mutex_unlock(&lock);
    return ret;
}

static struct tried *
tried_new(const char *path, const struct stat *st)
{
    struct stat opened;
    struct tried *t = lintel_alloc(sizeof *t + strlen(path) + 1);
    if (t == NULL || (t->arena = lintel_arena_new()) == NULL) {
        lintel_free(t);
        return NULL;
    }
    t->st = *st;
    memcpy(t->path, path, strlen(path) + 1);
    t->fd = open(path, O_PATH | O_CLOEXEC);
    if (t->fd >= 0 && (fstat(t->fd, &opened) != 0 || !lintel_library_same_file(&opened, st))) {
        close(t->fd);
        t->fd = -1;
    }
    return t;
}

/* 1: there is a verdict, which t holds; 0: none, for now: nobody has looked, or memory is out. What
 * can't be read is a lie, which is looked at again too: it is no harm. */
static int
try_it(struct tried *t, const char *host)
{
    struct lintel_buf told = {.limit = LINTEL_TOLD_MOST};
    char why[REASON_MOST];
    int result = lintel_probe(host, t->path, &told, t->reason, sizeof t->reason);
    if (result == 0 && told.failed)
        lintel_format(t->reason, sizeof t->reason,
                      "%s: what it says of itself is longer than 1 MiB, or memory is out", t->path);
    else if (result == 0 &&
             (t->told = lintel_told_read(told.p, told.n, t->arena, why, sizeof why)) == NULL)
        lintel_format(t->reason, sizeof t->reason, "%s: %s", t->path, why);
    lintel_buf_fini(&told);
    return result == -1 || t->told != NULL;
}

const lintel_entry *
lintel_trial(const char *host, const char *file, char *reason, uint32_t size)
{
    char path[PATH_MAX];
    struct stat st;
    if (lintel_library_judge(file, path, &st, reason, size) != 0)
        return NULL;
    pthread_mutex_lock(&lock);
    const struct tried *known = find(path, &st);
    const lintel_entry *ret = known != NULL ? verdict(known, &st, reason, size) : NULL;
    pthread_mutex_unlock(&lock);
    if (known != NULL)
        return ret;
    struct tried *t = tried_new(path, &st);
    if (t == NULL) {
        lintel_copy(reason, size, "out of memory");
        return NULL;
    }
    int certain = try_it(t, host);
    lintel_copy(reason, size, t->reason);
    if (certain)
        return keep(t, path, reason, size);
    free_tried(t);
    return NULL;
}

/* ---- the code -------------------------------------------------------------------------------- */

static const lintel_plugin *
of_name(const lintel_entry *e, const char *name)
{
    for (uint32_t i = 0; i < e->nplugins; i++)
        if (strcmp(e->plugins[i]->name, name) == 0)
            return e->plugins[i];
    return NULL;
}

static struct tried *
who_told(const lintel_plugin *p)
{
    struct tried *ret = NULL;
    pthread_mutex_lock(&lock);
    for (struct tried *t = all; t != NULL && ret == NULL; t = t->next)
        for (uint32_t i = 0; t->told != NULL && i < t->told->nplugins; i++)
            if (t->told->plugins[i] == p)
                ret = t;
    pthread_mutex_unlock(&lock);
    return ret; /* what has told is never freed */
}

/* Its file's code, once. NULL with the reason. */
static const lintel_entry *
open_code(struct tried *t, char *reason, uint32_t size)
{
    const uint64_t mark = lintel_library_mark(&t->st);
    pthread_mutex_lock(&lock);
    const lintel_entry *e = t->code;
    pthread_mutex_unlock(&lock);
    if (e != NULL)
        return e;
    if (lintel_load_mark(t->path) == mark)
        e = lintel_load_file(t->path, reason, size);
    else
        lintel_copy(reason, size, "");
    if (e != NULL && lintel_loaded_mark(e->plugins[0]) != mark)
        e = NULL;
    if (e == NULL && reason[0] == '\0')
        lintel_format(reason, size,
                      "%s is another file now than the one that was tried; 'lintel plugin reload' "
                      "takes it in",
                      t->path);
    if (e == NULL)
        return NULL;
    pthread_mutex_lock(&lock);
    t->code = e;
    pthread_mutex_unlock(&lock);
    return e;
}

const lintel_plugin *
lintel_trial_code(const lintel_plugin *p, char *reason, uint32_t size)
{
    struct tried *t = who_told(p);
    if (t == NULL)
        return p;
    reason[0] = '\0';
    const lintel_entry *e = open_code(t, reason, size);
    const lintel_plugin *code = e != NULL ? of_name(e, p->name) : NULL;
    if (e == NULL ||
        (code != NULL && code->needs == p->needs && lintel_plugin_same_tables(code, p)))
        return code;
    lintel_format(
        reason, size,
        "%s says something else of the plugin %s than it said when it was tried: don't use it",
        t->path, p->name);
    return NULL;
}
