/* SPDX-License-Identifier: Apache-2.0
 * A store's file that somebody, or a bad disk, has written into: an input is a list of changes, of
 * 2 bytes where (from the middle of the file for odd lengths) and 1 byte how long, then the bytes.
 * Whatever stands in the file, it is read, or refused with a reason, and never more than can be. */
#include "core/store/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOBS = 12, FILE_MOST = 256 * 1024 };

static char folder[] = "/tmp/lintel-fuzz-XXXXXX", path[sizeof folder + 8];
static uint8_t good[FILE_MOST], bad[FILE_MOST];
static size_t ngood;

static void
remove_all(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[sizeof path + 16];
    for (size_t i = 0; i < LINTEL_COUNT(ends); i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void
at_end(void)
{
    remove_all();
    rmdir(folder);
}

/* A good file, with short and long blobs. */
static void
make(void)
{
    char reason[400];
    LINTEL_ASSERT(mkdtemp(folder) != NULL);
    atexit(at_end);
    snprintf(path, sizeof path, "%s/a.db", folder);
    struct store_file *f = store_file_open(path, "fuzz 1", reason, sizeof reason);
    LINTEL_ASSERT(f != NULL);
    for (uint64_t key = 1; key <= BLOBS; key++) {
        size_t n = key % 4 == 0 ? 9000 : 20 * key;
        struct store_change *c = calloc(1, sizeof *c + n);
        LINTEL_ASSERT(c != NULL);
        c->key = key * 1000;
        c->n = n;
        memset(c->data, 'a' + (int)key, n);
        LINTEL_ASSERT(store_file_write(f, c, reason, sizeof reason) == 0);
        free(c);
    }
    store_file_close(f);
    FILE *in = fopen(path, "rb");
    LINTEL_ASSERT(in != NULL);
    ngood = fread(good, 1, sizeof good, in);
    fclose(in);
    LINTEL_ASSERT(ngood > 4096 && ngood < sizeof good);
}

static int
look(void *ctx, uint64_t key, const void *p, size_t n)
{
    uint64_t *sum = ctx;
    (void)key;
    LINTEL_ASSERT(n <= LINTEL_STORE_BLOB_MOST);
    for (size_t i = 0; i < n; i++)
        *sum += ((const unsigned char *)p)[i];
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[400] = "";
    uint64_t sum = 0;
    if (ngood == 0)
        make();
    memcpy(bad, good, ngood);
    while (size > 3) {
        size_t at = (size_t)(data[0] << 8 | data[1]), n = data[2];
        if (n & 1)
            at += ngood / 2;
        data += 3;
        size -= 3;
        n = n < size ? n : size;
        if (at + n <= ngood)
            memcpy(bad + at, data, n);
        data += n;
        size -= n;
    }
    remove_all();
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    LINTEL_ASSERT(fd >= 0 && write(fd, bad, ngood) == (ssize_t)ngood);
    close(fd);
    struct store_file *f = store_file_open(path, "fuzz 1", reason, sizeof reason);
    if (f == NULL) {
        LINTEL_ASSERT(reason[0] != '\0');
        return 0;
    }
    (void)store_file_each(f, look, &sum);
    (void)store_file_from(f, 3000, look, &sum, NULL);
    struct store_change remove = {.key = 2000, .remove = 1}, *put = calloc(1, sizeof *put + 8);
    LINTEL_ASSERT(put != NULL);
    put->next = &remove;
    put->key = 5000;
    put->n = 8;
    if (store_file_write(f, put, reason, sizeof reason) != 0)
        LINTEL_ASSERT(reason[0] != '\0');
    free(put);
    store_file_close(f);
    return 0;
}
