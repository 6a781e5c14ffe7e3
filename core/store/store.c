/* SPDX-License-Identifier: Apache-2.0
 * One thread writes: it takes all that is queued as one transaction, and rings a bell on the loop
 * when that is on the disk or was refused. Looks at what is there are made by threads of their own,
 * with a connection of their own: readers don't hinder the writer (WAL). */
#include "core/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "lintel/ext/loop.h"

#define SECOND INT64_C(1000000000)
enum { BUSY_MS = 2000, SCANS_MOST = 8, TROUBLE = 200 };

enum kind { PUT, REMOVE, SYNC };
struct change {
    struct change *next;
    enum kind kind;
    int failed; /* of a sync that has ended */
    uint64_t key;
    void (*done)(void *ctx, int failed);
    void *ctx;
    size_t n;
    char bytes[];
};
struct list {
    struct change *first, **last;
};
struct scan {
    struct scan *next;
    struct lintel_store *store;
    uint64_t from;
    int (*each)(void *ctx, uint64_t key, const void *p, size_t n);
    void (*done)(void *ctx, int failed);
    void *ctx;
    pthread_t thread;
    int finished, failed;
};
struct lintel_store {
    struct lintel_loop *loop;
    char *path;
    sqlite3 *db; /* the writer's, once that has begun */
    sqlite3_stmt *put, *remove;
    int bell; /* an eventfd that the loop watches: something has ended, or was refused */
    struct lintel_timer again; /* after a refusal */
    pthread_t writer;
    int has_writer;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    struct list queue, ended; /* ended: syncs to be told */
    size_t queued_bytes;
    uint64_t queued, written, transactions;
    int go; /* the writer may try */
    atomic_int closing;
    char trouble[TROUBLE];
    struct scan *scans; /* loop's, but for finished and failed */
    /* The loop's copies, for stats. */
    char shown[TROUBLE];
};

static void
list_init(struct list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

static void
list_add(struct list *l, struct change *c)
{
    c->next = NULL;
    *l->last = c;
    l->last = &c->next;
}

/* Moves all of `from` behind what is in `to`. */
static void
list_move(struct list *to, struct list *from)
{
    if (from->first == NULL)
        return;
    *to->last = from->first;
    to->last = from->last;
    list_init(from);
}

static void
list_free(struct list *l)
{
    while (l->first != NULL) {
        struct change *c = l->first;
        l->first = c->next;
        lintel_free(c);
    }
    list_init(l);
}

/* ---- the bell -------------------------------------------------------------------------------- */

static void retry(void *store);

static void
tell_syncs(struct list *ended)
{
    for (struct change *c = ended->first; c != NULL; c = c->next)
        c->done(c->ctx, c->failed);
    list_free(ended);
}

static void
tell_scans(struct lintel_store *s)
{
    for (;;) {
        struct scan **at = &s->scans;
        pthread_mutex_lock(&s->lock);
        while (*at != NULL && !(*at)->finished)
            at = &(*at)->next;
        pthread_mutex_unlock(&s->lock);
        struct scan *scan = *at;
        if (scan == NULL)
            return;
        *at = scan->next;
        pthread_join(scan->thread, NULL);
        scan->done(scan->ctx, scan->failed);
        lintel_free(scan);
    }
}

static void
show_trouble(struct lintel_store *s, const char *trouble)
{
    if (strcmp(s->shown, trouble) == 0)
        return;
    if (trouble[0] != '\0')
        lintel_log(LINTEL_LOG_ERROR, "store", "%s can't be written: %s; it is tried again", s->path,
                   trouble);
    else
        lintel_log(LINTEL_LOG_INFO, "store", "%s is written again", s->path);
    (void)lintel_copy(s->shown, sizeof s->shown, trouble);
}

static void
bell_rings(void *store, int fd, uint32_t ready)
{
    struct lintel_store *s = store;
    struct list ended;
    uint64_t times;
    char trouble[TROUBLE];
    (void)ready;
    if (read(fd, &times, sizeof times) != sizeof times)
        return;
    list_init(&ended);
    pthread_mutex_lock(&s->lock);
    list_move(&ended, &s->ended);
    memcpy(trouble, s->trouble, sizeof trouble);
    pthread_mutex_unlock(&s->lock);
    show_trouble(s, trouble);
    if (trouble[0] != '\0')
        (void)lintel_timer_at(s->loop, &s->again, lintel_loop_now(s->loop) + SECOND, retry, s);
    tell_syncs(&ended);
    tell_scans(s);
}

/* Any thread. An eventfd takes more rings than there ever are; EAGAIN would mean that it rings. */
static void
ring(const struct lintel_store *s)
{
    static const uint64_t once = 1;
    while (write(s->bell, &once, sizeof once) < 0 && errno == EINTR)
        ;
}

static void
retry(void *store)
{
    struct lintel_store *s = store;
    pthread_mutex_lock(&s->lock);
    s->go = 1;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
step(sqlite3_stmt *stmt)
{
    int got = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return got == SQLITE_DONE ? 0 : -1;
}

static int
write_change(struct lintel_store *s, const struct change *c)
{
    if (c->kind == SYNC)
        return 0;
    if (c->kind == REMOVE) {
        sqlite3_bind_int64(s->remove, 1, (sqlite3_int64)c->key);
        return step(s->remove);
    }
    sqlite3_bind_int64(s->put, 1, (sqlite3_int64)c->key);
    sqlite3_bind_blob(s->put, 2, c->bytes, (int)c->n, SQLITE_STATIC);
    int failed = step(s->put);
    sqlite3_clear_bindings(s->put);
    return failed;
}

/* All of the batch, or nothing. -1 with why not. */
static int
write_batch(struct lintel_store *s, const struct list *batch, char trouble[TROUBLE])
{
    int failed = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK;
    for (const struct change *c = batch->first; !failed && c != NULL; c = c->next)
        failed = write_change(s, c) != 0;
    if (!failed)
        failed = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK;
    if (!failed)
        return 0;
    (void)lintel_copy(trouble, TROUBLE, sqlite3_errmsg(s->db));
    if (!sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

/* With the lock held: what has become of a batch. A refused one goes back in front, without its
 * syncs. */
static void
settle(struct lintel_store *s, struct list *batch, int failed)
{
    struct list back;
    list_init(&back);
    for (struct change *c = batch->first, *next; c != NULL; c = next) {
        next = c->next;
        if (c->kind == SYNC) {
            c->failed = failed ? -1 : 0;
            list_add(&s->ended, c);
        } else if (failed) {
            list_add(&back, c);
        } else {
            s->queued_bytes -= sizeof *c + c->n;
            s->queued--;
            s->written++;
            lintel_free(c);
        }
    }
    list_init(batch);
    list_move(&back, &s->queue);
    list_move(&s->queue, &back);
    s->transactions += !failed;
    s->go = !failed;
}

static void *
write_all(void *store)
{
    struct lintel_store *s = store;
    struct list batch;
    char trouble[TROUBLE];
    list_init(&batch);
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->closing && (s->queue.first == NULL || !s->go))
            pthread_cond_wait(&s->wake, &s->lock);
        if (s->queue.first == NULL)
            break;
        int last = s->closing;
        list_move(&batch, &s->queue);
        pthread_mutex_unlock(&s->lock);
        trouble[0] = '\0';
        int failed = write_batch(s, &batch, trouble);
        pthread_mutex_lock(&s->lock);
        int rings = batch.first != NULL && strcmp(trouble, s->trouble) != 0;
        memcpy(s->trouble, trouble, sizeof trouble);
        settle(s, &batch, failed);
        if (rings || failed || s->ended.first != NULL)
            ring(s);
        if (failed && last)
            break; /* what the disk doesn't take now is lost */
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int
enqueue(struct lintel_store *s, struct change *c)
{
    if (c == NULL)
        return -1;
    pthread_mutex_lock(&s->lock);
    size_t bytes = c->kind == SYNC ? 0 : sizeof *c + c->n;
    int full = bytes != 0 && s->queued_bytes + bytes > LINTEL_STORE_QUEUE_MOST;
    if (!full) {
        s->queued_bytes += bytes;
        s->queued += c->kind != SYNC;
        list_add(&s->queue, c);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    if (full)
        lintel_free(c);
    return full ? -1 : 0;
}

static struct change *
change_new(enum kind kind, uint64_t key, const void *p, size_t n)
{
    struct change *c = n <= LINTEL_STORE_BLOB_MOST ? lintel_alloc(sizeof *c + n) : NULL;
    if (c == NULL)
        return NULL;
    c->kind = kind;
    c->key = key;
    c->n = n;
    if (n != 0)
        memcpy(c->bytes, p, n);
    return c;
}

int
lintel_store_put(struct lintel_store *s, uint64_t key, const void *p, size_t n)
{
    return enqueue(s, change_new(PUT, key, p, n));
}

int
lintel_store_remove(struct lintel_store *s, uint64_t key)
{
    return enqueue(s, change_new(REMOVE, key, NULL, 0));
}

int
lintel_store_sync(struct lintel_store *s, void (*done)(void *ctx, int failed), void *ctx)
{
    struct change *c = s->closing ? NULL : change_new(SYNC, 0, NULL, 0);
    if (c == NULL)
        return -1;
    c->done = done;
    c->ctx = ctx;
    return enqueue(s, c);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* The result of each() that ended it, 0, or -1. */
static int
walk(sqlite3 *db, uint64_t from, int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
     void *ctx, const atomic_int *stop)
{
    sqlite3_stmt *stmt = NULL;
    int got = 0, state = SQLITE_ROW;
    if (sqlite3_prepare_v2(db, "SELECT key, value FROM blobs WHERE key >= ? ORDER BY key", -1,
                           &stmt, NULL) != SQLITE_OK)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)from);
    while (got == 0 && (state = sqlite3_step(stmt)) == SQLITE_ROW) {
        const void *p = sqlite3_column_blob(stmt, 1);
        got = each(ctx, (uint64_t)sqlite3_column_int64(stmt, 0), p != NULL ? p : "",
                   (size_t)sqlite3_column_bytes(stmt, 1));
        if (stop != NULL && *stop)
            state = got = -1;
    }
    sqlite3_finalize(stmt);
    return state == SQLITE_ROW || state == SQLITE_DONE ? got : -1;
}

int
lintel_store_each(struct lintel_store *s,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx)
{
    return walk(s->db, 0, each, ctx, NULL);
}

static void *
scan_all(void *arg)
{
    struct scan *scan = arg;
    struct lintel_store *s = scan->store;
    sqlite3 *db = NULL;
    int got = -1;
    if (sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
        SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        got = walk(db, scan->from, scan->each, scan->ctx, &s->closing);
    }
    sqlite3_close(db);
    pthread_mutex_lock(&s->lock);
    scan->failed = got < 0 ? -1 : 0;
    scan->finished = 1;
    ring(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int
lintel_store_scan(struct lintel_store *s, uint64_t from,
                  int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                  void (*done)(void *ctx, int failed), void *ctx)
{
    uint32_t n = 0;
    for (const struct scan *o = s->scans; o != NULL; o = o->next)
        n++;
    struct scan *scan = s->closing || n >= SCANS_MOST ? NULL : lintel_alloc(sizeof *scan);
    if (scan == NULL)
        return -1;
    *scan = (struct scan){
        .next = s->scans, .store = s, .from = from, .each = each, .done = done, .ctx = ctx};
    if (pthread_create(&scan->thread, NULL, scan_all, scan) != 0) {
        lintel_free(scan);
        return -1;
    }
    s->scans = scan;
    return 0;
}

void
lintel_store_stats(const struct lintel_store *s, struct lintel_store_stats *ret)
{
    struct lintel_store *own = (struct lintel_store *)(uintptr_t)s;
    pthread_mutex_lock(&own->lock);
    *ret = (struct lintel_store_stats){s->written, s->transactions, s->queued, s->shown};
    pthread_mutex_unlock(&own->lock);
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* Whether the file is of this kind; a new one becomes so. */
static int
check_kind(sqlite3 *db, const char *kind, char *reason, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    char found[64] = "";
    if (sqlite3_prepare_v2(db, "INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT * FROM store)",
                           -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
        (void)sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    stmt = NULL;
    if (sqlite3_prepare_v2(db, "SELECT kind FROM store", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        (void)lintel_copy(found, sizeof found, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    if (strcmp(found, kind) == 0)
        return 0;
    if (found[0] != '\0')
        (void)lintel_format(reason, size,
                            "it holds \"%s\", not \"%s\": it was written by another version; move "
                            "it away to begin a new one",
                            found, kind);
    else
        (void)lintel_format(reason, size, "%s", sqlite3_errmsg(db));
    return -1;
}

static int
open_db(struct lintel_store *s, const char *kind, char *reason, size_t size)
{
    static const char setup[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                "CREATE TABLE IF NOT EXISTS store (kind TEXT NOT NULL);"
                                "CREATE TABLE IF NOT EXISTS blobs "
                                "(key INTEGER PRIMARY KEY, value BLOB NOT NULL);";
    /* For nobody else's eyes; what SQLite puts beside it gets the same mode. */
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)lintel_format(reason, size, "can't be opened: %s", strerror(errno));
        return -1;
    }
    close(fd);
    if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(s->db, setup, NULL, NULL, NULL) != SQLITE_OK) {
        (void)lintel_format(reason, size, "%s; move the file away to begin a new one",
                            s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
        return -1;
    }
    if (check_kind(s->db, kind, reason, size) != 0)
        return -1;
    if (sqlite3_prepare_v3(s->db, "INSERT OR REPLACE INTO blobs VALUES (?, ?)", -1,
                           SQLITE_PREPARE_PERSISTENT, &s->put, NULL) == SQLITE_OK &&
        sqlite3_prepare_v3(s->db, "DELETE FROM blobs WHERE key = ?", -1, SQLITE_PREPARE_PERSISTENT,
                           &s->remove, NULL) == SQLITE_OK)
        return 0;
    (void)lintel_format(reason, size, "%s", sqlite3_errmsg(s->db));
    return -1;
}

struct lintel_store *
lintel_store_open(struct lintel_loop *l, const char *path, const char *kind, char *reason,
                  size_t size)
{
    struct lintel_store *s = lintel_alloc(sizeof *s);
    (void)lintel_copy(reason, size, "out of memory");
    if (s == NULL)
        return NULL;
    s->loop = l;
    s->go = 1;
    list_init(&s->queue);
    list_init(&s->ended);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    s->path = lintel_strdup(path);
    s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->path != NULL && s->bell >= 0 &&
        lintel_loop_watch(l, s->bell, LINTEL_LOOP_READ, bell_rings, s) == 0 &&
        open_db(s, kind, reason, size) == 0) {
        if (pthread_create(&s->writer, NULL, write_all, s) == 0) {
            s->has_writer = 1;
            return s;
        }
        (void)lintel_copy(reason, size, "no thread can be started that writes it; try again");
    }
    lintel_store_close(s);
    return NULL;
}

void
lintel_store_close(struct lintel_store *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = 1;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (s->has_writer)
        pthread_join(s->writer, NULL);
    for (struct scan *scan = s->scans; scan != NULL;) {
        struct scan *next = scan->next;
        pthread_join(scan->thread, NULL);
        scan->done(scan->ctx, -1);
        lintel_free(scan);
        scan = next;
    }
    s->scans = NULL;
    tell_syncs(&s->ended);
    if (s->queued != 0)
        lintel_log(LINTEL_LOG_ERROR, "store", "%s: %llu changes are lost: %s", s->path,
                   (unsigned long long)s->queued, s->trouble);
    list_free(&s->queue);
    lintel_timer_stop(s->loop, &s->again);
    if (s->bell >= 0) {
        (void)lintel_loop_watch(s->loop, s->bell, 0, NULL, NULL);
        close(s->bell);
    }
    sqlite3_finalize(s->put);
    sqlite3_finalize(s->remove);
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    lintel_free(s->path);
    lintel_free(s);
}
