/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/store.h"

enum {
    APPLICATION = 0x4c6e746c, /* "Lntl": what file(1) and we know our files by */
    LAYOUT = 1                /* user_version: of the tables below */
};

struct store_file {
    sqlite3 *db;
    sqlite3_stmt *put, *remove;
};

/* ---- opening --------------------------------------------------------------------------------- */

/* Makes the file if there is none; nobody else may read it. SQLite gives its log the same mode. */
static int
make_private(const char *path, char *reason, size_t size)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
        lintel_format(reason, size,
                      "%s: can't be opened: %s (the folder and the file must be the hub's own)",
                      path, strerror(errno));
        return -1;
    }
    int bad = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || fchmod(fd, 0600) != 0;
    close(fd);
    if (bad)
        lintel_format(reason, size, "%s: is no file of the hub's own; move it away", path);
    return -bad;
}

static int
run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
number_of(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *s = NULL;
    int got = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (got == SQLITE_OK)
        got = sqlite3_step(s);
    if (got == SQLITE_ROW)
        *ret = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return got == SQLITE_ROW ? SQLITE_OK : got;
}

/* Why SQLite refuses, and what to do about it. */
static void
explain(sqlite3 *db, int code, const char *path, char *reason, size_t size)
{
    const char *remedy = "see to the disk and the rights of the file";
    switch (code & 0xff) {
    case SQLITE_NOTADB: remedy = "it is not ours; move it away"; break;
    case SQLITE_CORRUPT: remedy = "it is damaged; move it away, or put back a copy"; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: remedy = "another process uses it; stop that first"; break;
    case SQLITE_FULL: remedy = "make room on the disk"; break;
    default: break;
    }
    lintel_format(reason, size, "%s: %s (%s)", path,
                  db == NULL ? "out of memory" : sqlite3_errstr(code), remedy);
}

/* Whether the first row says that. */
static int
text_is(sqlite3 *db, const char *sql, const char *want, int *ret)
{
    sqlite3_stmt *s = NULL;
    int got = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (got == SQLITE_OK)
        got = sqlite3_step(s);
    if (got == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        *ret = text != NULL && strcmp(text, want) == 0;
    }
    sqlite3_finalize(s);
    return got == SQLITE_ROW || got == SQLITE_DONE ? SQLITE_OK : got;
}

static int
create(sqlite3 *db, const char *kind)
{
    char *sql = sqlite3_mprintf("BEGIN IMMEDIATE;"
                                "PRAGMA application_id=%d;"
                                "PRAGMA user_version=%d;"
                                "CREATE TABLE about(kind TEXT NOT NULL);"
                                "INSERT INTO about VALUES(%Q);"
                                "CREATE TABLE blobs(n INTEGER PRIMARY KEY,"
                                "                   key INTEGER NOT NULL UNIQUE,"
                                "                   data BLOB NOT NULL);"
                                "COMMIT",
                                APPLICATION, LAYOUT, kind);
    int got = sql == NULL ? SQLITE_NOMEM : run(db, sql);
    sqlite3_free(sql);
    return got;
}

static int
refuse(char *reason, size_t size, const char *path, const char *what)
{
    lintel_format(reason, size, "%s: %s; move it away, and start again", path, what);
    return -1;
}

/* A file that is new (or was left so by a crash at its first moment) is made ours; all others must
 * be. */
static int
judge(sqlite3 *db, const char *path, const char *kind, char *reason, size_t size)
{
    int64_t tables = 0, application = 0, layout = 0;
    int ours = 0, got = number_of(db, "SELECT count(*) FROM sqlite_master", &tables);
    if (got == SQLITE_OK)
        got = number_of(db, "PRAGMA application_id", &application);
    if (got == SQLITE_OK)
        got = number_of(db, "PRAGMA user_version", &layout);
    if (got == SQLITE_OK && tables == 0 && application == 0 && layout == 0) {
        got = create(db, kind);
        application = APPLICATION;
        layout = LAYOUT;
    }
    if (got == SQLITE_OK && application != APPLICATION)
        return refuse(reason, size, path, "is a database of another program");
    if (got == SQLITE_OK && layout != LAYOUT)
        return refuse(reason, size, path, "was written by another version of this program");
    if (got == SQLITE_OK)
        got = text_is(db, "SELECT kind FROM about", kind, &ours);
    if (got != SQLITE_OK) {
        explain(db, got, path, reason, size);
        return -1;
    }
    return ours ? 0 : refuse(reason, size, path, "holds something else of this program");
}

static int
prepare(struct store_file *f)
{
    static const char put[] = "INSERT INTO blobs(key,data) VALUES(?1,?2) "
                              "ON CONFLICT(key) DO UPDATE SET data=excluded.data";
    static const char gone[] = "DELETE FROM blobs WHERE key=?1";
    int got = sqlite3_prepare_v3(f->db, put, -1, SQLITE_PREPARE_PERSISTENT, &f->put, NULL);
    return got != SQLITE_OK
               ? got
               : sqlite3_prepare_v3(f->db, gone, -1, SQLITE_PREPARE_PERSISTENT, &f->remove, NULL);
}

/* Only after the file is known to be ours: this changes it. Durable when COMMIT returns (FULL). */
static int
set_up(sqlite3 *db, int *ret_sound)
{
    int wal = 0, got = text_is(db, "PRAGMA journal_mode=WAL", "wal", &wal);
    if (got == SQLITE_OK && !wal)
        got = SQLITE_READONLY;
    if (got == SQLITE_OK)
        got = run(db, "PRAGMA synchronous=FULL");
    return got != SQLITE_OK ? got : text_is(db, "PRAGMA quick_check(1)", "ok", ret_sound);
}

/* Nobody else opens it while we have it, so there is no shared memory file either. */
static int
open_ours(struct store_file *f, const char *path, const char *kind, char *reason, size_t size)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int sound = 0, got = sqlite3_open_v2(path, &f->db, flags, NULL);
    if (got == SQLITE_OK)
        got = run(f->db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF");
    if (got ==
        SQLITE_OK) /* what is longer is not ours: a bit of a broken file must cost no memory */
        sqlite3_limit(f->db, SQLITE_LIMIT_LENGTH, 2 * LINTEL_STORE_BLOB_MOST);
    if (got == SQLITE_OK && judge(f->db, path, kind, reason, size) != 0)
        return -1;
    if (got == SQLITE_OK)
        got = set_up(f->db, &sound);
    if (got == SQLITE_OK && !sound)
        got = SQLITE_CORRUPT;
    if (got == SQLITE_OK)
        got = prepare(f);
    if (got == SQLITE_OK)
        return 0;
    explain(f->db, got, path, reason, size);
    return -1;
}

struct store_file *
store_file_open(const char *path, const char *kind, char *reason, size_t size)
{
    if (make_private(path, reason, size) != 0)
        return NULL;
    struct store_file *f = lintel_alloc(sizeof *f);
    if (f == NULL) {
        lintel_copy(reason, size, "out of memory");
        return NULL;
    }
    if (open_ours(f, path, kind, reason, size) == 0)
        return f;
    store_file_close(f);
    return NULL;
}

void
store_file_close(struct store_file *f)
{
    if (f == NULL)
        return;
    sqlite3_finalize(f->put);
    sqlite3_finalize(f->remove);
    sqlite3_close(f->db);
    lintel_free(f);
}

/* ---- reading and writing --------------------------------------------------------------------- */

static int
walk(sqlite3_stmt *s, int got, int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
     void *ctx, const atomic_int *stop)
{
    int ret = 0;
    while (got == SQLITE_OK && ret == 0 && (got = sqlite3_step(s)) == SQLITE_ROW) {
        const void *p = sqlite3_column_blob(s, 1);
        size_t n = (size_t)sqlite3_column_bytes(s, 1);
        if (n > LINTEL_STORE_BLOB_MOST || (p == NULL && n != 0) || (stop != NULL && *stop))
            ret = -1; /* not written by us, or out of memory; or whoever asked has gone */
        else
            ret = each(ctx, (uint64_t)sqlite3_column_int64(s, 0), p == NULL ? "" : p, n);
        got = SQLITE_OK;
    }
    sqlite3_finalize(s);
    return ret != 0 ? ret : got == SQLITE_DONE ? 0 : -1;
}

int
store_file_each(struct store_file *f, int (*each)(void *ctx, uint64_t key, const void *p, size_t n),
                void *ctx)
{
    sqlite3_stmt *s = NULL;
    int got = sqlite3_prepare_v2(f->db, "SELECT key, data FROM blobs ORDER BY n", -1, &s, NULL);
    return walk(s, got, each, ctx, NULL);
}

int
store_file_from(struct store_file *f, uint64_t from,
                int (*each)(void *ctx, uint64_t key, const void *p, size_t n), void *ctx,
                const atomic_int *stop)
{
    static const char sql[] = "SELECT key, data FROM blobs WHERE key >= ?1 ORDER BY key";
    sqlite3_stmt *s = NULL;
    int got = sqlite3_prepare_v2(f->db, sql, -1, &s, NULL);
    if (got == SQLITE_OK)
        got = sqlite3_bind_int64(s, 1, (sqlite3_int64)from);
    return walk(s, got, each, ctx, stop);
}

static int
apply(struct store_file *f, const struct store_change *c)
{
    sqlite3_stmt *s = c->remove ? f->remove : f->put;
    int got = sqlite3_bind_int64(s, 1, (sqlite3_int64)c->key);
    if (got == SQLITE_OK && !c->remove)
        got = c->n == 0 ? sqlite3_bind_zeroblob(s, 2, 0)
                        : sqlite3_bind_blob64(s, 2, c->data, c->n, SQLITE_STATIC);
    if (got == SQLITE_OK)
        got = sqlite3_step(s);
    sqlite3_reset(s);
    return got == SQLITE_DONE ? SQLITE_OK : got;
}

int
store_file_write(struct store_file *f, const struct store_change *list, char *reason, size_t size)
{
    int got = run(f->db, "BEGIN IMMEDIATE");
    for (const struct store_change *c = list; got == SQLITE_OK && c != NULL; c = c->next)
        got = apply(f, c);
    if (got == SQLITE_OK)
        got = run(f->db, "COMMIT");
    if (got == SQLITE_OK)
        return 0;
    lintel_copy(reason, size, sqlite3_errmsg(f->db));
    if (!sqlite3_get_autocommit(f->db))
        run(f->db, "ROLLBACK");
    return -1;
}
