/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/hubkey.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/trust/secret.h"

#define NAME "hub.key"
enum { BLOCK = 64 }; /* bytes, of SHA-256 */

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define sha256_starts mbedtls_sha256_starts_ret
#define sha256_update mbedtls_sha256_update_ret
#define sha256_finish mbedtls_sha256_finish_ret
#else
#define sha256_starts mbedtls_sha256_starts
#define sha256_update mbedtls_sha256_update
#define sha256_finish mbedtls_sha256_finish
#endif

static int
fill_random(uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
    return 0;
}

static int
write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno != EINTR)
            return -1;
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return fsync(fd);
}

/* Whole or not at all: under another name first. */
static int
make(const char *folder, char *reason, size_t size)
{
    char path[4096], fresh[4096], text[65];
    uint8_t bytes[32];
    if (!lintel_format(path, sizeof path, "%s/" NAME, folder) ||
        !lintel_format(fresh, sizeof fresh, "%s/" NAME ".new", folder)) {
        (void)lintel_format(reason, size, "the path of the state folder is too long");
        return -1;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failed = fd < 0 || fill_random(bytes, sizeof bytes) != 0;
    for (size_t i = 0; !failed && i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    failed = failed || write_all(fd, text, 64) != 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (!failed && rename(fresh, path) != 0) {
        failed = 1;
        why = errno;
    }
    lintel_secret_wipe(bytes, sizeof bytes);
    lintel_secret_wipe(text, sizeof text);
    if (failed)
        (void)lintel_format(reason, size, "%s can't be made: %s", path, strerror(why));
    return failed ? -1 : 0;
}

static int
read_hex(const char *text, size_t n, uint8_t ret[32])
{
    for (size_t i = 0; n == 64 && i < n; i++) {
        int digit = lintel_hex_digit(text[i]);
        if (digit < 0)
            return -1;
        ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | digit);
    }
    return n == 64 ? 0 : -1;
}

int
lintel_hubkey_open(const char *folder, struct lintel_hubkey *ret, char *reason, size_t size)
{
    char path[4096], text[LINTEL_SECRET_MOST + 1];
    size_t n;
    if (lintel_format(path, sizeof path, "%s/" NAME, folder) && access(path, F_OK) != 0 &&
        errno == ENOENT && make(folder, reason, size) != 0)
        return -1;
    if (lintel_secret_read(folder, NAME, text, &n, reason, size) != 0)
        return -1;
    int ok = read_hex(text, n, ret->bytes) == 0;
    lintel_secret_wipe(text, sizeof text);
    if (!ok)
        (void)lintel_format(
            reason, size,
            "%s does not hold 64 hex digits; put it back from a backup, or remove it: then "
            "things get new addresses",
            path);
    return ok ? 0 : -1;
}

/* The digest of the key, each byte with `pad`, and a text: one half of RFC 2104. */
static int
half(const struct lintel_hubkey *k, uint8_t pad, const void *text, size_t n, uint8_t ret[32])
{
    uint8_t block[BLOCK];
    mbedtls_sha256_context c;
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < sizeof k->bytes; i++)
        block[i] ^= k->bytes[i];
    mbedtls_sha256_init(&c);
    int failed = sha256_starts(&c, 0) != 0 || sha256_update(&c, block, sizeof block) != 0 ||
                 sha256_update(&c, text, n) != 0 || sha256_finish(&c, ret) != 0;
    mbedtls_sha256_free(&c);
    lintel_secret_wipe(block, sizeof block);
    return failed;
}

/* Not by mbedtls_md_hmac(), which allocates: this may not fail for want of memory. */
void
lintel_hubkey_derive(const struct lintel_hubkey *k, const void *label, size_t n, uint8_t ret[32])
{
    uint8_t inner[32];
    int failed =
        half(k, 0x36, label, n, inner) != 0 || half(k, 0x5c, inner, sizeof inner, ret) != 0;
    LINTEL_ASSERT(failed == 0); /* no software does that */
}
