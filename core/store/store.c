/* SPDX-License-Identifier: Apache-2.0
 * The queue, the thread that writes, and back to the loop. Changes are numbered as they come;
 * `durable` is the number up to which they are on the disk. */
#include "core/store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/file.h"
#include "lintel/ext/loop.h"

enum { TRANSACTION_MOST = 4 << 20, REASON = 300 }; /* bytes */
enum { SLICE = 4000 }; /* what a scan sees at a time, some milliseconds: changes wait no longer */
#define BACK_OFF_FIRST INT64_C(200000000) /* ns; doubles with each failure */
#define BACK_OFF_MOST INT64_C(10000000000)

struct waiter { /* a sync() that is open */
    struct waiter *next;
    uint64_t number; /* wants that this change is durable */
    void (*done)(void *ctx, int failed);
    void *ctx;
};

struct scan { /* a look that waits, or has ended */
    struct scan *next;
    uint64_t from;
    int (*each)(void *ctx, uint64_t key, const void *p, size_t n);
    void (*done)(void *ctx, int failed);
    void *ctx;
    uint32_t slice; /* seen of this slice */
    int ended, failed;
};

struct lintel_store {
    struct lintel_loop *loop;
    struct store_file *file; /* the thread's, while it runs */
    char *path;
    int wake; /* eventfd: the thread has something to tell */

    /* the loop's */
    struct waiter *waiters, **last_waiter;
    struct lintel_timer retry;
    int64_t back_off;
    uint32_t nwaiters, nscans;
    int troubled, running;
    uint64_t issued, refused;
    char trouble[REASON];
    pthread_t thread;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct store_change *queue, **last;
    struct scan *scans, *scanned; /* that wait; that have ended */
    size_t bytes;                 /* of what is queued or being written */
    uint64_t durable, transactions;
    int failed;         /* the last transaction; nothing is tried before `retry` clears it */
    atomic_int closing; /* one more try, then end; ends scans, too */
    char reason[REASON];
};

static size_t
cost(size_t n)
{
    return sizeof(struct store_change) + n;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void
free_changes(struct store_change *list)
{
    for (struct store_change *next; list != NULL; list = next) {
        next = list->next;
        lintel_free(list);
    }
}

static void
ring(struct lintel_store *s)
{
    /* Fails only when the counter is full, and then it rings already. */
    if (eventfd_write(s->wake, 1) != 0)
        return;
}

/* Takes from the queue what goes into one transaction. *ret_end: where the rest would be put back.
 */
static struct store_change *
take(struct lintel_store *s, size_t *ret_bytes, uint64_t *ret_n)
{
    struct store_change *first = s->queue, **end = &s->queue;
    *ret_bytes = 0;
    *ret_n = 0;
    while (*end != NULL && *ret_bytes < TRANSACTION_MOST) {
        *ret_bytes += cost((*end)->n);
        ++*ret_n;
        end = &(*end)->next;
    }
    s->queue = *end;
    if (s->queue == NULL)
        s->last = &s->queue;
    *end = NULL;
    return first;
}

/* The list has at least one change. */
static void
put_back(struct lintel_store *s, struct store_change *list)
{
    struct store_change **end = &list;
    while (*end != NULL)
        end = &(*end)->next;
    if (s->queue == NULL)
        s->last = end;
    *end = s->queue;
    s->queue = list;
}

/* With the lock held, which is given away while the disk works. */
static void
write_some(struct lintel_store *s)
{
    char reason[REASON] = "";
    size_t bytes;
    uint64_t n;
    struct store_change *list = take(s, &bytes, &n);
    pthread_mutex_unlock(&s->lock);
    int failed = store_file_write(s->file, list, reason, sizeof reason);
    if (!failed)
        free_changes(list);
    pthread_mutex_lock(&s->lock);
    s->failed = failed != 0;
    if (failed) {
        put_back(s, list);
        lintel_copy(s->reason, sizeof s->reason, reason);
    } else {
        s->bytes -= bytes;
        s->durable += n;
        s->transactions++;
    }
    ring(s);
}

static int
scan_each(void *ctx, uint64_t key, const void *p, size_t n)
{
    struct scan *scan = ctx;
    scan->ended = scan->each(scan->ctx, key, p, n) != 0 || key == INT64_MAX;
    scan->from = key + 1;
    return scan->ended || ++scan->slice == SLICE;
}

/* As the last one, so that a short one does not wait for all of a long one. With the lock held. */
static void
append_scan(struct lintel_store *s, struct scan *scan)
{
    struct scan **end = &s->scans;
    while (*end != NULL)
        end = &(*end)->next;
    scan->next = NULL;
    *end = scan;
}

/* A slice of the first one. With the lock held, which is given away while the disk works. */
static void
scan_some(struct lintel_store *s)
{
    struct scan *scan = s->scans;
    s->scans = scan->next;
    scan->slice = 0;
    pthread_mutex_unlock(&s->lock);
    int got = store_file_from(s->file, scan->from, scan_each, scan, &s->closing);
    pthread_mutex_lock(&s->lock);
    if (got > 0 && !scan->ended) {
        append_scan(s, scan);
        return;
    }
    scan->failed = got < 0 ? -1 : 0;
    scan->next = s->scanned;
    s->scanned = scan;
    ring(s);
}

static void *
write_thread(void *arg)
{
    struct lintel_store *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->closing && s->scans == NULL && (s->queue == NULL || s->failed))
            pthread_cond_wait(&s->work, &s->lock);
        if (s->closing)
            break;
        if (s->queue != NULL && !s->failed)
            write_some(s);
        if (s->scans != NULL)
            scan_some(s);
    }
    s->failed = 0;
    while (s->queue != NULL && !s->failed)
        write_some(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Signals are the loop's. */
static int
start_thread(struct lintel_store *s)
{
    sigset_t all, before;
    if (s->running)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->running = pthread_create(&s->thread, NULL, write_thread, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->running ? 0 : -1;
}

/* ---- back on the loop ------------------------------------------------------------------------ */

/* Ends the syncs that can be answered; with `all` every one of them. */
static void
end_waiters(struct lintel_store *s, uint64_t durable, int all)
{
    struct waiter *list = s->waiters, *rest;
    if (list == NULL)
        return;
    struct waiter **end = &list;
    while (*end != NULL && (all || (*end)->number <= durable))
        end = &(*end)->next;
    rest = *end;
    *end = NULL;
    s->waiters = rest;
    if (rest == NULL)
        s->last_waiter = &s->waiters;
    for (struct waiter *next; list != NULL; list = next) { /* they may sync() again */
        next = list->next;
        s->nwaiters--;
        list->done(list->ctx, list->number <= durable ? 0 : -1);
        lintel_free(list);
    }
}

/* Ends the scans of a list; those that never began have failed. */
static void
end_scans(struct lintel_store *s, struct scan *list)
{
    for (struct scan *next; list != NULL; list = next) {
        next = list->next;
        s->nscans--;
        list->done(list->ctx, list->failed);
        lintel_free(list);
    }
}

static void
on_retry(void *arg)
{
    struct lintel_store *s = arg;
    pthread_mutex_lock(&s->lock);
    s->failed = 0;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

static void
on_failure(struct lintel_store *s, const char *reason)
{
    if (s->retry.slot != 0)
        return;
    if (s->back_off == 0)
        s->back_off = BACK_OFF_FIRST;
    lintel_format(s->trouble, sizeof s->trouble, "%s: %s", s->path, reason);
    if (!s->troubled)
        lintel_log(0, "store",
                   "%s: can't be written: %s; what is new is kept in memory and tried again. See "
                   "to the disk",
                   s->path, reason);
    s->troubled = 1;
    /* Without memory for a timer it is tried again at once. */
    if (lintel_timer_at(s->loop, &s->retry, lintel_loop_now(s->loop) + s->back_off, on_retry, s) !=
        0)
        on_retry(s);
    s->back_off = s->back_off < BACK_OFF_MOST / 2 ? s->back_off * 2 : BACK_OFF_MOST;
}

static void
on_success(struct lintel_store *s)
{
    s->back_off = 0;
    s->trouble[0] = '\0';
    if (s->troubled)
        lintel_log(2, "store", "%s: can be written again", s->path);
    s->troubled = 0;
}

static void
on_ring(void *arg, int fd, uint32_t ready)
{
    struct lintel_store *s = arg;
    char reason[REASON];
    eventfd_t rings;
    (void)ready;
    if (eventfd_read(fd, &rings) != 0)
        return;
    pthread_mutex_lock(&s->lock);
    int failed = s->failed;
    uint64_t durable = s->durable, transactions = s->transactions;
    lintel_copy(reason, sizeof reason, s->reason);
    struct scan *scanned = s->scanned;
    s->scanned = NULL;
    pthread_mutex_unlock(&s->lock);
    if (failed)
        on_failure(s, reason);
    else if (transactions != 0)
        on_success(s);
    end_waiters(s, durable, failed);
    end_scans(s, scanned);
}

/* ---- the interface --------------------------------------------------------------------------- */

static void
release(struct lintel_store *s)
{
    if (s->wake >= 0) {
        lintel_loop_watch(s->loop, s->wake, 0, NULL, NULL);
        close(s->wake);
    }
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    store_file_close(s->file);
    free_changes(s->queue);
    lintel_free(s->path);
    lintel_free(s);
}

struct lintel_store *
lintel_store_open(struct lintel_loop *l, const char *path, const char *kind, char *reason,
                  size_t size)
{
    struct lintel_store *s = lintel_alloc(sizeof *s);
    if (s == NULL) {
        lintel_copy(reason, size, "out of memory");
        return NULL;
    }
    s->loop = l;
    s->last = &s->queue;
    s->last_waiter = &s->waiters;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    s->path = lintel_strdup(path);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->path == NULL || s->wake < 0 ||
        lintel_loop_watch(l, s->wake, LINTEL_LOOP_READ, on_ring, s) != 0)
        lintel_copy(reason, size, "out of memory or descriptors");
    else
        s->file = store_file_open(path, kind, reason, size);
    if (s->file == NULL) {
        release(s);
        return NULL;
    }
    return s;
}

int
lintel_store_each(struct lintel_store *s,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    LINTEL_ASSERT(!s->running);
    return store_file_each(s->file, each, ctx);
}

int
lintel_store_from(struct lintel_store *s, uint64_t from,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    LINTEL_ASSERT(!s->running);
    return store_file_from(s->file, from, each, ctx, NULL);
}

static int
enqueue(struct lintel_store *s, uint64_t key, const void *p, size_t n, int remove)
{
    struct store_change *c = NULL;
    if (n <= LINTEL_STORE_BLOB_MOST && start_thread(s) == 0)
        c = lintel_alloc(cost(n));
    if (c == NULL) {
        s->refused++;
        return -1;
    }
    c->key = key;
    c->n = n;
    c->remove = remove;
    if (n != 0)
        memcpy(c->data, p, n);
    pthread_mutex_lock(&s->lock);
    int full = s->bytes + cost(n) > LINTEL_STORE_QUEUE_MOST;
    if (!full) {
        s->bytes += cost(n);
        *s->last = c;
        s->last = &c->next;
        pthread_cond_signal(&s->work);
    }
    pthread_mutex_unlock(&s->lock);
    if (full) {
        lintel_free(c);
        s->refused++;
        return -1;
    }
    s->issued++;
    return 0;
}

int
lintel_store_put(struct lintel_store *s, uint64_t key, const void *p, size_t n)
{
    return enqueue(s, key, p, n, 0);
}

int
lintel_store_remove(struct lintel_store *s, uint64_t key)
{
    return enqueue(s, key, NULL, 0, 1);
}

int
lintel_store_sync(struct lintel_store *s, void (*done)(void *ctx, int failed), void *ctx)
{
    struct waiter *w = s->nwaiters < LINTEL_STORE_SYNCS_MOST ? lintel_alloc(sizeof *w) : NULL;
    if (w == NULL) {
        s->refused++;
        return -1;
    }
    s->nwaiters++;
    *w = (struct waiter){NULL, s->issued, done, ctx};
    *s->last_waiter = w;
    s->last_waiter = &w->next;
    pthread_mutex_lock(&s->lock);
    int now = s->failed || s->durable >= s->issued;
    pthread_mutex_unlock(&s->lock);
    if (now)
        ring(s);
    return 0;
}

int
lintel_store_scan(struct lintel_store *s, uint64_t from,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                  void (*done)(void *ctx, int failed), void *ctx)
{
    struct scan *scan = NULL;
    if (s->nscans < LINTEL_STORE_SCANS_MOST && !s->closing && start_thread(s) == 0)
        scan = lintel_alloc(sizeof *scan);
    if (scan == NULL) {
        s->refused++;
        return -1;
    }
    *scan = (struct scan){.from = from, .each = each, .done = done, .ctx = ctx, .failed = -1};
    s->nscans++;
    pthread_mutex_lock(&s->lock);
    append_scan(s, scan);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

void
lintel_store_stats(const struct lintel_store *s, struct lintel_store_stats *ret)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
    pthread_mutex_lock(lock);
    *ret = (struct lintel_store_stats){s->durable, s->transactions, s->issued - s->durable,
                                       s->refused, s->trouble};
    pthread_mutex_unlock(lock);
}

void
lintel_store_close(struct lintel_store *s)
{
    if (s == NULL)
        return;
    if (s->running) {
        pthread_mutex_lock(&s->lock);
        s->closing = 1;
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    lintel_timer_stop(s->loop, &s->retry);
    if (s->issued != s->durable)
        lintel_log(0, "store", "%s: %llu changes could not be written and are lost: %s", s->path,
                   (unsigned long long)(s->issued - s->durable), s->reason);
    end_waiters(s, s->durable, 1);
    end_scans(s, s->scanned);
    end_scans(s, s->scans);
    release(s);
}
