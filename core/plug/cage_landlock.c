/* SPDX-License-Identifier: Apache-2.0
 * Landlock (Documentation/userspace-api/landlock.rst of the kernel), by its system calls alone: the
 * C library has none for it, and headers are older than kernels. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/plug/cage_lock.h"
#include "core/plug/supervise.h"

enum { ABI_NEWEST = 7 };

/* What the kernel's header calls LANDLOCK_ACCESS_FS_* and so on; the numbers are its ABI. */
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_ALL_1 ((UINT64_C(1) << 13) - 1) /* of ABI 1 */
#define FS_REFER (UINT64_C(1) << 13)       /* from ABI 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)    /* from ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)   /* from ABI 5 */
#define NET_ALL UINT64_C(3)                /* bind and connect, TCP; from ABI 4 */
#define SCOPE_ALL UINT64_C(3)              /* abstract sockets and signals; from ABI 6 */
#define FS_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_DEVICE (FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV)
#define FS_FOLDER (FS_READ | FS_WRITE_FILE | FS_MAKE_REG | FS_TRUNCATE)

struct ruleset { /* struct landlock_ruleset_attr as of ABI 6 */
    uint64_t fs, net, scoped;
};

/* What every program reads. */
static const char *const common[] = {
    "/lib",           "/lib64",           "/usr/lib",
    "/usr/lib64",     "/usr/local/lib",   "/etc/ld.so.cache",
    "/etc/localtime", "/etc/timezone",    "/usr/share/zoneinfo",
    "/dev/urandom",   "/dev/random",      "/dev/zero",
    "/proc/self",     "/proc/meminfo",    "/proc/cpuinfo",
    "/proc/stat",     "/proc/sys/vm",     "/sys/devices/system/cpu",
    "/sys/fs/cgroup", "/proc/sys/kernel", NULL};
/* Who speaks to others looks up names, and judges certificates. Nothing below /etc/ssl/private. */
static const char *const network[] = {"/etc/hosts",
                                      "/etc/resolv.conf",
                                      "/etc/nsswitch.conf",
                                      "/etc/host.conf",
                                      "/etc/gai.conf",
                                      "/etc/services",
                                      "/etc/protocols",
                                      "/etc/ssl/certs",
                                      "/etc/ssl/openssl.cnf",
                                      "/etc/pki/tls/certs",
                                      "/etc/pki/ca-trust/extracted",
                                      "/usr/share/ca-certificates",
                                      "/usr/local/share/ca-certificates",
                                      "/run/systemd/resolve",
                                      "/run/resolvconf",
                                      "/run/NetworkManager",
                                      "/proc/sys/net",
                                      NULL};

struct fence {
    int fd;
    uint64_t handled;
};

/* What is not there can't be allowed, and need not. What is only not to be had now would be missing
 * for as long as the process lives. */
static int
is_for_now(int error)
{
    return lintel_supervise_is_want(error) || error == EINTR;
}

static int
allow(const struct fence *f, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access & f->handled};
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return is_for_now(errno) ? -1 : 0;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= FS_FILE;
    rule.parent_fd = fd;
    long ret = syscall(SYS_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = errno;
    close(fd);
    errno = error;
    return ret == 0 ? 0 : -1;
}

static int
allow_list(const struct fence *f, const char *const *paths)
{
    for (; *paths != NULL; paths++)
        if (allow(f, *paths, FS_READ) != 0)
            return -1;
    return 0;
}

/* An adapter that is plugged in again is a new file, so the folder is allowed; what of it can be
 * opened is then a matter of users and groups. */
static int
allow_device(const struct fence *f, const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return is_for_now(errno) ? -1 : allow(f, "/dev", FS_DEVICE);
    if (strncmp(real, "/dev/pts/", 9) == 0)
        return allow(f, "/dev/pts", FS_DEVICE);
    return allow(f, strncmp(real, "/dev/", 5) == 0 ? "/dev" : real, FS_DEVICE);
}

static int
allow_path(const struct fence *f, const struct lintel_cage *c, const struct lintel_cage_path *p)
{
    struct stat st;
    int there = stat(p->path, &st) == 0;
    if (p->device && (!there || S_ISCHR(st.st_mode)))
        return allow_device(f, p->path);
    if (there && S_ISDIR(st.st_mode) && (c->needs & LINTEL_NEED_FILES))
        return allow(f, p->path, FS_FOLDER);
    return allow(f, p->path, FS_READ);
}

static int
allow_all(const struct fence *f, const struct lintel_cage *c)
{
    if (allow_list(f, common) != 0 || allow(f, "/proc/self/exe", FS_READ) != 0 ||
        allow(f, "/dev/null", FS_READ | FS_WRITE_FILE) != 0 ||
        ((c->needs & LINTEL_NEED_NETWORK) && allow_list(f, network) != 0))
        return -1;
    for (uint32_t i = 0; i < c->npaths; i++)
        if (allow_path(f, c, &c->paths[i]) != 0)
            return -1;
    return 0;
}

static struct ruleset
rules_of(long abi, uint32_t needs)
{
    struct ruleset r = {.fs = FS_ALL_1};
    r.fs |= abi >= 2 ? FS_REFER : 0;
    r.fs |= abi >= 3 ? FS_TRUNCATE : 0;
    r.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
    r.net = abi >= 4 && !(needs & LINTEL_NEED_NETWORK) ? NET_ALL : 0;
    r.scoped = abi >= 6 ? SCOPE_ALL : 0;
    return r;
}

int
lintel_cage_landlock(const struct lintel_cage *c, char *ret_text, uint32_t size)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        lintel_copy(ret_text, size,
                    errno == EOPNOTSUPP ? "switched off in this kernel"
                    : errno == ENOSYS   ? "this kernel has none"
                                        : "not permitted here");
        return 0;
    }
    if (abi > ABI_NEWEST)
        abi = ABI_NEWEST;
    struct ruleset r = rules_of(abi, c->needs);
    size_t length = abi >= 6 ? sizeof r : abi >= 4 ? 2 * sizeof r.fs : sizeof r.fs;
    struct fence f = {(int)syscall(SYS_landlock_create_ruleset, &r, length, 0), r.fs};
    int ok =
        f.fd >= 0 && allow_all(&f, c) == 0 && syscall(SYS_landlock_restrict_self, f.fd, 0) == 0;
    if (!ok)
        lintel_format(ret_text, size, "Landlock failed: %s", strerror(errno));
    if (f.fd >= 0)
        close(f.fd);
    return ok ? (int)abi : -1;
}
