/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/cage.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cbor.h"
#include "core/base/mem.h"
#include "core/bind/field.h"
#include "core/plug/wire.h"

enum { NOBODY = 65534 };

void
lintel_cage_fini(struct lintel_cage *c)
{
    for (uint32_t i = 0; i < c->npaths; i++)
        lintel_free(c->paths[i].path);
    lintel_free(c->paths);
    *c = (struct lintel_cage){0};
}

/* ---- putting together ------------------------------------------------------------------------ */

static struct lintel_cage_path *
find(const struct lintel_cage *c, const char *path)
{
    for (uint32_t i = 0; i < c->npaths; i++)
        if (strcmp(c->paths[i].path, path) == 0)
            return &c->paths[i];
    return NULL;
}

static int
add_bytes(struct lintel_cage *c, const char *path, size_t n, int device)
{
    if (c->npaths == LINTEL_CAGE_PATHS_MOST)
        return -1;
    struct lintel_cage_path *paths = lintel_grow(c->paths, c->npaths + 1, sizeof *paths);
    if (paths == NULL)
        return -1;
    c->paths = paths;
    paths[c->npaths] = (struct lintel_cage_path){lintel_strndup(path, n), device};
    if (paths[c->npaths].path == NULL)
        return -1;
    c->npaths++;
    return 0;
}

int
lintel_cage_add_path(struct lintel_cage *c, const char *path, int device)
{
    struct lintel_cage_path *known = find(c, path);
    if (path[0] != '/')
        return 0; /* a setting that is no path: nothing to allow */
    if (known != NULL) {
        known->device |= device;
        return 0;
    }
    return add_bytes(c, path, strlen(path), device);
}

/* What a setting names. */
static int
add_setting(struct lintel_cage *c, const lintel_value *v, int device)
{
    int failed = 0;
    if (v->type == LINTEL_T_STR)
        failed = lintel_cage_add_path(c, v->as.s, device);
    for (uint32_t i = 0; v->type == LINTEL_T_LIST && i < v->len; i++)
        if (v->as.list[i].type == LINTEL_T_STR)
            failed |= lintel_cage_add_path(c, v->as.list[i].as.s, device);
    return failed;
}

int
lintel_cage_add_code(struct lintel_cage *c, const struct lintel_port *conf, const lintel_plugin *p,
                     const char *file)
{
    uint32_t memory = conf->memory != 0 ? conf->memory : LINTEL_CAGE_MEMORY;
    int failed = file != NULL ? lintel_cage_add_path(c, file, 0) : 0;
    c->needs |= p->needs & LINTEL_CAGE_NEEDS;
    if (memory > c->memory)
        c->memory = memory;
    for (uint32_t i = 0; conf->settings != NULL && i < lintel_fields_count(p->bus); i++)
        if (p->bus[i].flags & LINTEL_F_FILE)
            failed |= add_setting(c, &conf->settings[i], (p->needs & LINTEL_NEED_SERIAL) != 0);
    return failed;
}

int
lintel_cage_add_port(struct lintel_cage *c, const struct lintel_port *conf)
{
    return lintel_cage_add_code(c, conf, conf->plugin, conf->plugin_file);
}

static int
add_those(struct lintel_cage *c, const struct lintel_port *ports, uint32_t n, const char *process)
{
    int failed = 0;
    for (uint32_t i = 0; i < n; i++)
        if (ports[i].isolation == LINTEL_ISOLATION_PROCESS && ports[i].process != NULL &&
            strcmp(ports[i].process, process) == 0)
            failed |= lintel_cage_add_port(c, &ports[i]);
    return failed;
}

int
lintel_cage_add_shared(struct lintel_cage *c, const struct lintel_site *site, const char *process)
{
    int failed = add_those(c, site->buses, site->nbuses, process);
    return failed | add_those(c, site->transports, site->ntransports, process);
}

int
lintel_cage_covers(const struct lintel_cage *c, const struct lintel_cage *less)
{
    if ((less->needs & ~c->needs) != 0 || less->memory > c->memory)
        return 0;
    for (uint32_t i = 0; i < less->npaths; i++) {
        const struct lintel_cage_path *p = find(c, less->paths[i].path);
        if (p == NULL || p->device < less->paths[i].device)
            return 0;
    }
    return 1;
}

/* ---- the frame ------------------------------------------------------------------------------- */

void
lintel_cage_write(struct lintel_buf *b, const struct lintel_cage *c)
{
    lintel_cbor_uint(b, 0);
    lintel_cbor_uint(b, LINTEL_WIRE_CAGE);
    lintel_cbor_uint(b, c->needs);
    lintel_cbor_uint(b, c->memory);
    lintel_cbor_uint(b, c->off != 0);
    lintel_cbor_bytes(b, c->user.name, strlen(c->user.name));
    lintel_cbor_uint(b, c->user.uid);
    lintel_cbor_uint(b, c->user.gid);
    lintel_cbor_uint(b, c->user.serial);
    lintel_cbor_array(b, c->npaths);
    for (uint32_t i = 0; i < c->npaths; i++) {
        lintel_cbor_array(b, 2);
        lintel_cbor_bytes(b, c->paths[i].path, strlen(c->paths[i].path));
        lintel_cbor_uint(b, c->paths[i].device != 0);
    }
}

static int
read_u32(struct lintel_cbor *c, uint64_t most, uint32_t *ret)
{
    uint64_t v;
    if (lintel_cbor_read_uint(c, most, &v) != 0)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

static int
read_user(struct lintel_cbor *c, struct lintel_cage_user *u)
{
    struct lintel_str name;
    if (lintel_cbor_read_bytes(c, &name) != 0 ||
        lintel_str_copy(u->name, sizeof u->name, name) != 0 ||
        read_u32(c, UINT32_MAX - 1, &u->uid) != 0 || read_u32(c, UINT32_MAX - 1, &u->gid) != 0 ||
        read_u32(c, UINT32_MAX - 1, &u->serial) != 0)
        return -1;
    /* Who becomes somebody else does not become root. */
    return name.n != 0 && (u->uid == 0 || u->gid == 0) ? -1 : 0;
}

static int
read_path(struct lintel_cbor *c, struct lintel_cage *ret)
{
    struct lintel_str path;
    uint32_t device;
    size_t two;
    if (lintel_cbor_read_array(c, 2, &two) != 0 || two != 2 ||
        lintel_cbor_read_bytes(c, &path) != 0 || path.n == 0 || path.n >= PATH_MAX ||
        path.p[0] != '/' || memchr(path.p, '\0', path.n) != NULL || read_u32(c, 1, &device) != 0)
        return -1;
    return add_bytes(ret, path.p, path.n, (int)device);
}

int
lintel_cage_read(const unsigned char *p, size_t n, struct lintel_cage *ret)
{
    struct lintel_cbor c = {p, n};
    struct lintel_cage made = {0};
    uint32_t instance, kind, off = 0;
    size_t npaths = 0;
    int bad = read_u32(&c, 0, &instance) != 0 || read_u32(&c, LINTEL_WIRE_CAGE, &kind) != 0 ||
              kind != LINTEL_WIRE_CAGE || read_u32(&c, LINTEL_CAGE_NEEDS, &made.needs) != 0 ||
              read_u32(&c, LINTEL_CAGE_MEMORY_MOST, &made.memory) != 0 ||
              read_u32(&c, 1, &off) != 0 || read_user(&c, &made.user) != 0 ||
              lintel_cbor_read_array(&c, LINTEL_CAGE_PATHS_MOST, &npaths) != 0;
    for (size_t i = 0; !bad && i < npaths; i++)
        bad = read_path(&c, &made) != 0;
    if (bad || c.left != 0) {
        lintel_cage_fini(&made);
        return -1;
    }
    made.off = (int)off;
    *ret = made;
    return 0;
}

/* ---- the user -------------------------------------------------------------------------------- */

void
lintel_cage_find_user(struct lintel_cage_user *ret)
{
    static const char *const names[] = {LINTEL_CAGE_USER, "nobody"};
    const struct passwd *u = NULL;
    *ret = (struct lintel_cage_user){0};
    if (geteuid() != 0)
        return;
    for (size_t i = 0; u == NULL && i < LINTEL_COUNT(names); i++)
        u = getpwnam(names[i]);
    *ret = (struct lintel_cage_user){.name = "nobody", .uid = NOBODY, .gid = NOBODY};
    if (u != NULL && u->pw_uid != 0 && u->pw_gid != 0) {
        lintel_copy(ret->name, sizeof ret->name, u->pw_name);
        ret->uid = u->pw_uid;
        ret->gid = u->pw_gid;
    }
    const struct group *g = getgrnam("dialout");
    if (g != NULL)
        ret->serial = g->gr_gid;
}
