/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

void
lintel_secret_wipe(void *p, size_t n)
{
    if (p != NULL && n != 0)
        explicit_bzero(p, n);
}

/* No path: a name can't leave the folder. */
static int
is_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n < 64 && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

/* Whom a secret may belong to: the hub's user, root; and where root looks at the site of another
 * user (lintel check before linteld runs as that one), the owner of its folder. */
static int
is_owner(uid_t owner, const char *path)
{
    char folder[PATH_MAX];
    struct stat st;
    if (owner == geteuid() || owner == 0)
        return 1;
    if (geteuid() != 0 || !lintel_copy(folder, sizeof folder, path) || strrchr(folder, '/') == NULL)
        return 0;
    *strrchr(folder, '/') = '\0';
    return stat(folder, &st) == 0 && st.st_uid == owner && (st.st_mode & 022) == 0;
}

/* The open file is judged, not its name: what is checked is what is read. */
static int
judge(int fd, const char *path, char *reason, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        (void)lintel_format(reason, size, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        (void)lintel_format(reason, size, "%s is not a regular file", path);
        return -1;
    }
    if (!is_owner(st.st_uid, path)) {
        (void)lintel_format(reason, size,
                            "%s belongs to user %lu, who could change it; type: chown %lu '%s'",
                            path, (unsigned long)st.st_uid, (unsigned long)geteuid(), path);
        return -1;
    }
    if ((st.st_mode & 077) != 0) {
        (void)lintel_format(reason, size,
                            "others may read or change %s (mode %03o); type: chmod 600 '%s'", path,
                            (unsigned)(st.st_mode & 0777), path);
        return -1;
    }
    return 0;
}

/* At most `most` bytes; their number, or -1 with errno. */
static ssize_t
read_all(int fd, char *out, size_t most)
{
    size_t n = 0;
    while (n < most) {
        ssize_t got = read(fd, out + n, most - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int
lintel_secret_read(const char *folder, const char *name, char text[LINTEL_SECRET_MOST + 1],
                   size_t *ret_n, char *reason, size_t size)
{
    char path[4096];
    if (!is_name(name)) {
        (void)lintel_format(
            reason, size,
            "\"%.64s\" is no name of a secret: letters, digits, '.', '_' and '-', and "
            "no path",
            name);
        return -1;
    }
    if (!lintel_format(path, sizeof path, "%s/%s", folder, name)) {
        (void)lintel_format(reason, size, "the path of the folder of secrets is too long");
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        (void)lintel_format(reason, size,
                            errno == ENOENT ? "there is no %s; write the secret into it and type: "
                                              "chmod 600 '%s'"
                                            : "%s can't be read: %s",
                            path, errno == ENOENT ? path : strerror(errno));
        return -1;
    }
    if (judge(fd, path, reason, size) != 0) {
        close(fd);
        return -1;
    }
    ssize_t n = read_all(fd, text, LINTEL_SECRET_MOST + 1);
    if (n < 0)
        (void)lintel_format(reason, size, "%s can't be read: %s", path, strerror(errno));
    close(fd);
    if (n < 0)
        goto failed;
    if (n > LINTEL_SECRET_MOST) {
        (void)lintel_format(reason, size, "%s is larger than %d bytes", path, LINTEL_SECRET_MOST);
        goto failed;
    }
    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n > 0 && text[n - 1] == '\r')
        n--;
    text[n] = '\0';
    if (n == 0 || memchr(text, '\0', (size_t)n) != NULL ||
        lintel_utf8_valid(text, (size_t)n) != (size_t)n) {
        (void)lintel_format(reason, size, "%s %s", path, n == 0 ? "is empty" : "is not text");
        goto failed;
    }
    *ret_n = (size_t)n;
    return 0;
failed:
    lintel_secret_wipe(text, LINTEL_SECRET_MOST + 1);
    return -1;
}
